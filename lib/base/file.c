#include "base/file.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

void fd_close(int fd)
{
    if (fd < 0)
        return;
    int saved = errno;
    close(fd);
    errno = saved;
}

enum status fd_write_all(int fd, const void *bytes, size_t size, struct error *err)
{
    const char *at = bytes;
    while (size > 0) {
        ssize_t written = write(fd, at, size);
        if (written < 0 && errno == EINTR)
            continue;
        if (written < 0)
            return error_set_errno(err, errno, "write");
        at += written;
        size -= (size_t)written;
    }
    return STATUS_OK;
}

enum status fd_read_all(int fd, void *ret_bytes, size_t size, struct error *err)
{
    char *at = ret_bytes;
    size_t left = size;
    while (left > 0) {
        ssize_t got = read(fd, at, left);
        if (got < 0 && errno == EINTR)
            continue;
        if (got < 0)
            return error_set_errno(err, errno, "read");
        if (got == 0 && left == size)
            return STATUS_END;
        if (got == 0)
            return error_set(err, STATUS_CORRUPT, "the stream ended in the middle");
        at += got;
        left -= (size_t)got;
    }
    return STATUS_OK;
}

enum status fd_set_nonblocking(int fd, bool nonblocking, struct error *err)
{
    int flags = fcntl(fd, F_GETFL);
    int wanted = nonblocking ? flags | O_NONBLOCK : flags & ~O_NONBLOCK;
    if (flags < 0 || fcntl(fd, F_SETFL, wanted) < 0)
        return error_set_errno(err, errno, "O_NONBLOCK");
    return STATUS_OK;
}

static enum status read_fd(int fd, size_t limit, struct buffer *ret_bytes, struct error *err)
{
    size_t start = ret_bytes->size;
    for (;;) {
        uint8_t *room = buffer_reserve(ret_bytes, 16384);
        if (room == NULL)
            return error_set(err, STATUS_NO_MEMORY, "no memory");
        ssize_t got = read(fd, room, 16384);
        if (got < 0 && errno == EINTR)
            continue;
        if (got < 0)
            return error_set_errno(err, errno, "read");
        if (got == 0)
            return STATUS_OK;
        ret_bytes->size += (size_t)got;
        if (ret_bytes->size - start > limit)
            return error_set(err, STATUS_TOO_LARGE, "over %zu bytes", limit);
    }
}

enum status file_read(const char *path, size_t limit, struct buffer *ret_bytes, struct error *err)
{
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    if (fd < 0 && errno == ENOENT)
        return error_set(err, STATUS_NOT_FOUND, "%s: no such file", path);
    if (fd < 0)
        return error_set_errno(err, errno, "%s", path);
    enum status status = read_fd(fd, limit, ret_bytes, err);
    if (status != STATUS_OK)
        error_add_context(err, "%s", path);
    fd_close(fd);
    return status;
}

static enum status sync_folder_of(const char *path, struct error *err)
{
    char folder[PATH_MAX];
    snprintf(folder, sizeof(folder), "%s", path);
    char *slash = strrchr(folder, '/');
    if (slash == NULL)
        snprintf(folder, sizeof(folder), ".");
    else
        slash[slash == folder ? 1 : 0] = '\0';
    int fd = open(folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (fd < 0 || fsync(fd) != 0) {
        enum status status = error_set_errno(err, errno, "%s", folder);
        fd_close(fd);
        return status;
    }
    fd_close(fd);
    return STATUS_OK;
}

enum status file_replace(const char *path, const void *bytes, size_t size, mode_t mode,
                         struct error *err)
{
    char temporary[PATH_MAX];
    int length = snprintf(temporary, sizeof(temporary), "%s.XXXXXX", path);
    if (length < 0 || (size_t)length >= sizeof(temporary))
        return error_set(err, STATUS_INVALID, "%s: the path is too long", path);
    int fd = mkostemp(temporary, O_CLOEXEC);
    if (fd < 0)
        return error_set_errno(err, errno, "%s", temporary);
    enum status status = fd_write_all(fd, bytes, size, err);
    if (status == STATUS_OK && (fchmod(fd, mode) != 0 || fsync(fd) != 0))
        status = error_set_errno(err, errno, "%s", temporary);
    fd_close(fd);
    if (status == STATUS_OK && rename(temporary, path) != 0)
        status = error_set_errno(err, errno, "%s", path);
    if (status != STATUS_OK) {
        unlink(temporary);
        return status;
    }
    return sync_folder_of(path, err);
}

enum status file_make_folders(const char *path, mode_t mode, struct error *err)
{
    char partial[PATH_MAX];
    int length = snprintf(partial, sizeof(partial), "%s", path);
    if (length <= 0 || (size_t)length >= sizeof(partial))
        return error_set(err, STATUS_INVALID, "the path of the folder is empty or too long");
    for (char *at = partial + 1;; at++) {
        if (*at != '/' && *at != '\0')
            continue;
        char saved = *at;
        *at = '\0';
        if (mkdir(partial, mode) != 0 && errno != EEXIST)
            return error_set_errno(err, errno, "%s", partial);
        *at = saved;
        if (saved == '\0')
            return STATUS_OK;
    }
}
