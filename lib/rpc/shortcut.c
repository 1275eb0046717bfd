#include "rpc/shortcut.h"

#include <stddef.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include "base/file.h"

enum { BACKLOG = 512 };

/* The abstract name; its size as connect() and bind() want it, 0 where there is none. */
static socklen_t name_of(const struct endpoint *server, struct sockaddr_un *ret)
{
    char address[ENDPOINT_TEXT_BYTES];
    if (endpoint_is_unix(server) || !endpoint_is_loopback(server))
        return 0;
    endpoint_format(server, address);
    *ret = (struct sockaddr_un){.sun_family = AF_UNIX};
    int size = snprintf(ret->sun_path + 1, sizeof(ret->sun_path) - 1, "tierce/%s", address);
    return (socklen_t)(offsetof(struct sockaddr_un, sun_path) + 1 + (size_t)size);
}

static int open_socket(void)
{
    return socket(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
}

int shortcut_listen(const struct endpoint *server)
{
    struct sockaddr_un name;
    socklen_t size = name_of(server, &name);
    int fd = size == 0 ? -1 : open_socket();
    if (fd < 0)
        return -1;
    if (bind(fd, (const struct sockaddr *)&name, size) == 0 && listen(fd, BACKLOG) == 0)
        return fd;
    fd_close(fd);
    return -1;
}

/* By the credentials of the process that called listen(). */
static bool is_trusted(int fd)
{
    struct ucred peer;
    socklen_t size = sizeof(peer);
    return getsockopt(fd, SOL_SOCKET, SO_PEERCRED, &peer, &size) == 0 &&
           (peer.uid == geteuid() || peer.uid == 0);
}

int shortcut_connect(const struct endpoint *server)
{
    struct sockaddr_un name;
    socklen_t size = name_of(server, &name);
    int fd = size == 0 ? -1 : open_socket();
    if (fd < 0)
        return -1;
    if (connect(fd, (const struct sockaddr *)&name, size) == 0 && is_trusted(fd))
        return fd;
    fd_close(fd);
    return -1;
}
