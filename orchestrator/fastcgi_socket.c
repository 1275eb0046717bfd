#include "orchestrator/fastcgi_socket.h"

#include <errno.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include "base/file.h"

enum { BACKLOG = 512 };

/* It is bound under this name and then renamed, so that there is a socket at every moment. */
#define NEW_ENDING ".new"

/* Two descriptors of one socket have the same inode; the file's inode is another thing. */
static bool is_at(int fd, const char *path)
{
    struct sockaddr_un address = {0};
    socklen_t size = sizeof(address);
    int listens = 0;
    socklen_t listens_size = sizeof(listens);
    struct stat info;
    if (getsockname(fd, (struct sockaddr *)&address, &size) != 0 || address.sun_family != AF_UNIX ||
        getsockopt(fd, SOL_SOCKET, SO_ACCEPTCONN, &listens, &listens_size) != 0 || listens == 0 ||
        stat(path, &info) != 0 || !S_ISSOCK(info.st_mode))
        return false;
    size_t length = strlen(path);
    return strncmp(address.sun_path, path, length) == 0 &&
           (address.sun_path[length] == '\0' || strcmp(address.sun_path + length, NEW_ENDING) == 0);
}

static enum status bind_new(int fd, const char *path, gid_t group, struct error *err)
{
    struct sockaddr_un address = {.sun_family = AF_UNIX};
    int size = snprintf(address.sun_path, sizeof(address.sun_path), "%s" NEW_ENDING, path);
    if (size < 0 || (size_t)size >= sizeof(address.sun_path))
        return error_set(err, STATUS_INVALID,
                         "%s: too long for a unix socket (%zu bytes at most); choose a data folder "
                         "with a shorter path",
                         path, sizeof(address.sun_path) - sizeof(NEW_ENDING));
    unlink(address.sun_path);
    if (bind(fd, (const struct sockaddr *)&address, sizeof(address)) != 0 ||
        chmod(address.sun_path, 0660) != 0 ||
        (group != (gid_t)-1 && chown(address.sun_path, (uid_t)-1, group) != 0) ||
        listen(fd, BACKLOG) != 0 || rename(address.sun_path, path) != 0)
        return error_set_errno(err, errno, "%s", address.sun_path);
    return STATUS_OK;
}

enum status fastcgi_socket_open(const char *path, gid_t group, int held_fd, int *ret_fd,
                                struct error *err)
{
    if (held_fd >= 0 && is_at(held_fd, path)) {
        *ret_fd = held_fd;
        return STATUS_OK;
    }
    fd_close(held_fd);
    int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
    if (fd < 0)
        return error_set_errno(err, errno, "socket");
    enum status status = bind_new(fd, path, group, err);
    if (status != STATUS_OK) {
        fd_close(fd);
        return status;
    }
    *ret_fd = fd;
    return STATUS_OK;
}
