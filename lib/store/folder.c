#include "store/folder.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <fts.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <unistd.h>

#include "base/args.h"
#include "base/buffer.h"
#include "base/check.h"
#include "base/file.h"
#include "store/kv.h"

#define FORMAT_HEAD "tierce-store "

enum {
    FORMAT_BYTES_MAX = 4096,
    BALLAST_BYTES_MAX = 64 * 1024 * 1024,
    BALLAST_BYTES_MIN = 1024 * 1024,
    BALLAST_SHARE = 10,            /* of the file system: at most 1/10 */
    BALLAST_FREE_TIMES = 4,        /* made only where four times as much is free */
    FULL_BYTES = 32 * 1024 * 1024, /* less than this is free: the disk is full for the engine */
};

static enum status path_join(char ret[PATH_MAX], const char *folder, const char *name,
                             struct error *err)
{
    int length = snprintf(ret, PATH_MAX, "%s/%s", folder, name);
    if (length < 0 || length >= PATH_MAX)
        return error_set(err, STATUS_INVALID, "%s: the path is too long", folder);
    return STATUS_OK;
}

enum status folder_write_format(const char *path, struct error *err)
{
    char file[PATH_MAX];
    enum status status = path_join(file, path, "FORMAT", err);
    if (status != STATUS_OK)
        return status;
    char text[128];
    int size = snprintf(text, sizeof(text), FORMAT_HEAD "%d\nmade by %s\n", STORE_FORMAT_VERSION,
                        tierce_version());
    return file_replace(file, text, (size_t)size, 0640, err);
}

/* "tierce-store N\nmade by X\n" */
static enum status check_format(const char *path, const char *text, struct error *err)
{
    const char *number = text + strlen(FORMAT_HEAD);
    char *end;
    if (strncmp(text, FORMAT_HEAD, strlen(FORMAT_HEAD)) != 0)
        return error_set(err, STATUS_CORRUPT, "%s/FORMAT: not a store of Tierce", path);
    errno = 0;
    unsigned long version = strtoul(number, &end, 10);
    if (errno != 0 || end == number || version == 0)
        return error_set(err, STATUS_CORRUPT, "%s/FORMAT: no version in it", path);
    if (version <= STORE_FORMAT_VERSION)
        return STATUS_OK;
    const char *maker = strstr(text, "made by ");
    maker = maker == NULL ? "unknown" : maker + strlen("made by ");
    return error_set(err, STATUS_UNSUPPORTED,
                     "%s: made by version %.*s (store format %lu; this program reads up to %d)",
                     path, (int)strcspn(maker, "\n"), maker, version, STORE_FORMAT_VERSION);
}

/* Sorted files that were never added: left by a crash. */
static enum status empty_bulk(const char *path, struct error *err)
{
    char folder[PATH_MAX];
    enum status status = path_join(folder, path, "bulk", err);
    if (status == STATUS_OK)
        status = file_make_folders(folder, 0750, err);
    if (status != STATUS_OK)
        return status;
    DIR *dir = opendir(folder);
    if (dir == NULL)
        return error_set_errno(err, errno, "%s", folder);
    for (struct dirent *entry; (entry = readdir(dir)) != NULL;) {
        if (entry->d_name[0] != '.')
            unlinkat(dirfd(dir), entry->d_name, 0);
    }
    closedir(dir);
    return STATUS_OK;
}

/* FORMAT is written before the engine's files are made, and last into a copy. */
static enum status make_format(const char *path, struct error *err)
{
    char engine[PATH_MAX];
    enum status status = path_join(engine, path, "db", err);
    if (status != STATUS_OK)
        return status;
    if (access(engine, F_OK) == 0)
        return error_set(err, STATUS_CORRUPT, "%s: no FORMAT file: a copy that was cut short",
                         path);
    return folder_write_format(path, err);
}

/* Holds what was opened with `flags` for the folder's sake. */
static enum status hold(const char *folder, const char *file, int flags, int *ret_lock,
                        struct error *err)
{
    int lock = open(file, flags | O_CLOEXEC, 0600);
    if (lock < 0)
        return error_set_errno(err, errno, "%s", file);
    if (flock(lock, LOCK_EX | LOCK_NB) == 0) {
        *ret_lock = lock;
        return STATUS_OK;
    }
    enum status status = errno == EWOULDBLOCK ? error_set(err, STATUS_CONFLICT,
                                                          "%s: another process has it open", folder)
                                              : error_set_errno(err, errno, "locking %s", file);
    close(lock);
    return status;
}

enum status folder_lock(const char *path, int *ret_lock, struct error *err)
{
    enum status status = file_make_folders(path, 0750, err);
    return status == STATUS_OK ? hold(path, path, O_RDONLY | O_DIRECTORY, ret_lock, err) : status;
}

enum status folder_lock_by_file(const char *path, const char *name, int *ret_lock,
                                struct error *err)
{
    char file[PATH_MAX];
    enum status status = path_join(file, path, name, err);
    return status == STATUS_OK ? hold(path, file, O_RDWR | O_CREAT, ret_lock, err) : status;
}

enum status folder_prepare(const char *path, struct error *err)
{
    char file[PATH_MAX];
    struct buffer text = {0};
    enum status status = path_join(file, path, "FORMAT", err);
    if (status != STATUS_OK)
        return status;
    status = file_read(file, FORMAT_BYTES_MAX, &text, err);
    if (status == STATUS_OK)
        status = check_format(path, buffer_string(&text), err);
    else if (status == STATUS_NOT_FOUND)
        status = make_format(path, err);
    buffer_release(&text);
    return status == STATUS_OK ? empty_bulk(path, err) : status;
}

/* A file, or a folder with all that is in it; whether or not it is there. */
static enum status remove_tree(const char *path, struct error *err)
{
    char *const roots[] = {(char *)path, NULL};
    FTS *tree = fts_open(roots, FTS_PHYSICAL | FTS_NOCHDIR, NULL);
    if (tree == NULL)
        return error_set_errno(err, errno, "%s", path);
    int failure = 0;
    for (FTSENT *entry; (entry = fts_read(tree)) != NULL;) {
        if (entry->fts_info != FTS_D && remove(entry->fts_accpath) != 0 && errno != ENOENT)
            failure = errno;
    }
    fts_close(tree);
    return failure == 0 ? STATUS_OK : error_set_errno(err, failure, "removing %s", path);
}

enum status kv_erase(const char *path, struct error *err)
{
    static const char *const names[] = {"db", "bulk", "FORMAT"};
    int lock;
    enum status status = folder_lock(path, &lock, err);
    if (status != STATUS_OK)
        return status;
    for (size_t i = 0; status == STATUS_OK && i < ARRAY_COUNT(names); i++) {
        char name[PATH_MAX];
        status = path_join(name, path, names[i], err);
        if (status == STATUS_OK)
            status = remove_tree(name, err);
    }
    close(lock);
    return status;
}

uint64_t kv_free_space(const char *path)
{
    struct statvfs info;
    if (statvfs(path, &info) != 0)
        return 0;
    return (uint64_t)info.f_bavail * info.f_frsize;
}

void folder_drop_ballast_if_full(const char *path)
{
    char file[PATH_MAX];
    if (path_join(file, path, "ballast", NULL) == STATUS_OK && kv_free_space(path) < FULL_BYTES)
        unlink(file);
}

/*
 * What the engine may have to write before it is open: the write-ahead log as sorted files, and
 * some more. At most 64 MB and a tenth of the file system; 0: too small to be of use.
 */
static uint64_t ballast_bytes(const char *path, uint64_t log_bytes)
{
    struct statvfs info;
    if (statvfs(path, &info) != 0)
        return 0;
    uint64_t most = (uint64_t)info.f_blocks * info.f_frsize / BALLAST_SHARE;
    uint64_t bytes = log_bytes + log_bytes / 2;
    if (bytes > BALLAST_BYTES_MAX)
        bytes = BALLAST_BYTES_MAX;
    if (bytes > most)
        bytes = most;
    return bytes < BALLAST_BYTES_MIN ? 0 : bytes;
}

void folder_make_ballast(const char *path, uint64_t log_bytes)
{
    char file[PATH_MAX];
    uint64_t bytes = ballast_bytes(path, log_bytes);
    if (bytes == 0 || kv_free_space(path) < bytes * BALLAST_FREE_TIMES ||
        path_join(file, path, "ballast", NULL) != STATUS_OK)
        return;
    int fd = open(file, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0640);
    if (fd < 0)
        return; /* there is one */
    if (fallocate(fd, 0, 0, (off_t)bytes) != 0)
        unlink(file); /* the file system cannot set space aside */
    fd_close(fd);
}

/* Neither the holes of a file nor what the engine set aside behind its end. */
static uint64_t used_bytes(const struct stat *info)
{
    uint64_t blocks = (uint64_t)info->st_blocks * 512, size = (uint64_t)info->st_size;
    return blocks < size ? blocks : size;
}

uint64_t kv_folder_bytes(const char *path)
{
    char *const roots[] = {(char *)path, NULL};
    uint64_t bytes = 0;
    FTS *tree = fts_open(roots, FTS_PHYSICAL | FTS_NOCHDIR, NULL);
    if (tree == NULL)
        return 0;
    for (FTSENT *entry; (entry = fts_read(tree)) != NULL;) {
        bool ballast = strcmp(entry->fts_name, "ballast") == 0;
        if (entry->fts_info == FTS_F && !ballast)
            bytes += used_bytes(entry->fts_statp);
    }
    fts_close(tree);
    return bytes;
}
