#include "orchestrator/run_file.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <unistd.h>

#include "base/file.h"

enum status run_file_write(const char *path, const void *bytes, size_t size, struct error *err)
{
    char temporary[PATH_MAX];
    int length = snprintf(temporary, sizeof(temporary), "%s.new", path);
    if (length < 0 || (size_t)length >= sizeof(temporary))
        return error_set(err, STATUS_INVALID, "%s: the path is too long", path);
    int fd = open(temporary, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
    if (fd < 0)
        return error_set_errno(err, errno, "%s", temporary);
    enum status status = fd_write_all(fd, bytes, size, err);
    fd_close(fd);
    if (status == STATUS_OK && rename(temporary, path) != 0)
        status = error_set_errno(err, errno, "%s", path);
    if (status != STATUS_OK)
        unlink(temporary);
    return status;
}
