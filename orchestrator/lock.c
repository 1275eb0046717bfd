#include "orchestrator/lock.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/file.h>
#include <unistd.h>

#define LOCK_FILE "orchestrator.lock"

static enum status refuse_second(int fd, struct error *err)
{
    char text[32] = "";
    ssize_t size = pread(fd, text, sizeof(text) - 1, 0);
    text[size > 0 ? size : 0] = '\0';
    return error_set(err, STATUS_CONFLICT, "already running with this data folder (PID %ld)",
                     strtol(text, NULL, 10));
}

enum status lock_folder(const char *folder, struct error *err)
{
    char path[PATH_MAX];
    char text[32];
    snprintf(path, sizeof(path), "%.*s/" LOCK_FILE, (int)(PATH_MAX - sizeof(LOCK_FILE) - 1),
             folder);
    int fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0644);
    if (fd < 0)
        return error_set_errno(err, errno, "%s", path);
    if (flock(fd, LOCK_EX | LOCK_NB) != 0) {
        enum status status =
            errno == EWOULDBLOCK ? refuse_second(fd, err) : error_set_errno(err, errno, "%s", path);
        close(fd);
        return status;
    }
    int size = snprintf(text, sizeof(text), "%ld\n", (long)getpid());
    if (ftruncate(fd, 0) != 0 || pwrite(fd, text, (size_t)size, 0) != size)
        return error_set_errno(err, errno, "%s", path);
    return STATUS_OK;
}
