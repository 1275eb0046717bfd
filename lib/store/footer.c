/* What the engine does not look at in its own files: see kv_check_footers(). */
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/bytes.h"
#include "base/file.h"
#include "store/engine.h"

/* A sorted file ends in: kind of checksum (a byte), two places in it (four varints), zeros up to 41
 * bytes, version (4 bytes), magic number (8). */
enum { FOOTER_BYTES = 53, PLACES_BYTES = 41, VARINTS = 4 };

/* Varints are as short as can be, the version is the one we write, all else is 0. */
static bool is_as_written(const uint8_t footer[FOOTER_BYTES])
{
    unsigned at = 1;
    for (unsigned varints = 0; varints < VARINTS && at < PLACES_BYTES; at++) {
        bool is_last = (footer[at] & 0x80) == 0;
        varints += is_last;
        if (is_last && footer[at] == 0 && (footer[at - 1] & 0x80) != 0)
            return false;
    }
    while (at < PLACES_BYTES && footer[at] == 0)
        at++;
    return at == PLACES_BYTES && get_le32(footer + PLACES_BYTES) == ENGINE_FORMAT_VERSION;
}

static enum status check_file(const char *path, struct error *err)
{
    uint8_t footer[FOOTER_BYTES];
    struct stat info;
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    if (fd < 0 && errno == ENOENT) /* it was replaced meanwhile */
        return STATUS_OK;
    if (fd < 0)
        return error_set_errno(err, errno, "%s", path);
    enum status status = STATUS_OK;
    ssize_t size = -1;
    if (fstat(fd, &info) == 0)
        size = info.st_size < FOOTER_BYTES
                   ? 0
                   : pread(fd, footer, sizeof(footer), info.st_size - FOOTER_BYTES);
    if (size < 0) /* it may be read another time */
        status = error_set_errno(err, errno, "%s", path);
    else if (size != FOOTER_BYTES || !is_as_written(footer))
        status = error_set(err, STATUS_CORRUPT, "%s: wrong bytes at its end", path);
    fd_close(fd);
    return status;
}

enum status kv_check_footers(struct kv *kv, struct error *err)
{
    const rocksdb_livefiles_t *files = rocksdb_livefiles(kv->db);
    enum status status = STATUS_OK;
    for (int i = 0; status == STATUS_OK && i < rocksdb_livefiles_count(files); i++) {
        char path[PATH_MAX];
        int length =
            snprintf(path, sizeof(path), "%s/db%s", kv->path, rocksdb_livefiles_name(files, i));
        if (length > 0 && (size_t)length < sizeof(path))
            status = check_file(path, err);
    }
    rocksdb_livefiles_destroy(files);
    return status;
}
