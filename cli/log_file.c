#include "cli/log_file.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/inotify.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/file.h"
#include "cli/log_line.h"

enum { READ_BYTES = 64 * 1024 };

static enum status make_folder_of(const char *path, struct error *err)
{
    char folder[4096];
    snprintf(folder, sizeof(folder), "%s", path);
    char *slash = strrchr(folder, '/');
    if (slash == NULL || slash == folder)
        return STATUS_OK;
    *slash = '\0';
    return file_make_folders(folder, 0700, err);
}

enum status log_file_open(const char *path, struct log_file *ret_log, struct error *err)
{
    struct log_file log = {.fd = -1, .watch_fd = -1};
    char earlier[4100];
    if ((size_t)snprintf(log.path, sizeof(log.path), "%s", path) >= sizeof(log.path))
        return error_set(err, STATUS_TOO_LARGE, "the path of the log is too long");
    enum status status = make_folder_of(path, err);
    if (status != STATUS_OK)
        return status;
    snprintf(earlier, sizeof(earlier), "%s.1", path);
    if (rename(path, earlier) != 0 && errno != ENOENT)
        return error_set_errno(err, errno, "%s", path);
    log.fd = open(path, O_RDWR | O_CREAT | O_APPEND | O_CLOEXEC | O_NOCTTY, 0600);
    if (log.fd < 0)
        return error_set_errno(err, errno, "%s", path);
    log.watch_fd = inotify_init1(IN_NONBLOCK | IN_CLOEXEC);
    if (log.watch_fd < 0 || inotify_add_watch(log.watch_fd, path, IN_MODIFY) < 0) {
        status = error_set_errno(err, errno, "following %s", path);
        log_file_close(&log);
        return status;
    }
    *ret_log = log;
    return STATUS_OK;
}

void log_file_close(struct log_file *log)
{
    if (log->path[0] != '\0') {
        fd_close(log->fd);
        fd_close(log->watch_fd);
    }
    buffer_release(&log->rest);
    *log = (struct log_file){.fd = -1, .watch_fd = -1};
}

static void take_lines(struct log_file *log, void (*take)(void *context, const char *line),
                       void *context)
{
    uint8_t *end;
    while ((end = memchr(log->rest.data, '\n', log->rest.size)) != NULL) {
        size_t size = (size_t)(end - log->rest.data) + 1;
        *end = '\0';
        take(context, (const char *)log->rest.data);
        buffer_consume(&log->rest, size);
        if (log->rest.size == 0)
            return;
    }
    if (log->rest.size > LOG_LINE_BYTES_MAX)
        buffer_clear(&log->rest);
}

/* Copies the log to PATH.1 and empties it. The processes append, so their next line is its first;
 * a line written between the two is lost. */
static void begin_anew(struct log_file *log)
{
    char earlier[4100];
    uint8_t bytes[READ_BYTES];
    snprintf(earlier, sizeof(earlier), "%s.1", log->path);
    int to = open(earlier, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
    off_t at = 0;
    ssize_t size;
    while (to >= 0 && (size = pread(log->fd, bytes, sizeof(bytes), at)) > 0 &&
           fd_write_all(to, bytes, (size_t)size, NULL) == STATUS_OK)
        at += size;
    fd_close(to);
    if (ftruncate(log->fd, 0) == 0)
        log->read_to = 0;
}

void log_file_follow(struct log_file *log, void (*take)(void *context, const char *line),
                     void *context)
{
    char events[4096];
    while (read(log->watch_fd, events, sizeof(events)) > 0)
        ;
    for (;;) {
        uint8_t *room = buffer_reserve(&log->rest, READ_BYTES);
        ssize_t size = room == NULL ? 0 : pread(log->fd, room, READ_BYTES, log->read_to);
        if (size <= 0)
            break;
        log->rest.size += (size_t)size;
        log->read_to += size;
        take_lines(log, take, context);
    }
    if (log->read_to > LOG_FILE_BYTES_MAX)
        begin_anew(log);
}

void log_file_print_end(const struct log_file *log, unsigned count, FILE *file)
{
    struct stat info;
    char bytes[READ_BYTES + 1];
    if (fstat(log->fd, &info) != 0)
        return;
    off_t from = info.st_size > READ_BYTES ? info.st_size - READ_BYTES : 0;
    ssize_t size = pread(log->fd, bytes, READ_BYTES, from);
    if (size <= 0)
        return;
    bytes[size] = '\0';
    if (bytes[size - 1] == '\n')
        bytes[--size] = '\0';
    char *start = bytes + size;
    while (start > bytes && count > 0) {
        start--;
        if (*start == '\n')
            count--;
    }
    start += *start == '\n';
    for (char *line = strtok(start, "\n"); line != NULL; line = strtok(NULL, "\n"))
        log_line_print(line, file);
}
