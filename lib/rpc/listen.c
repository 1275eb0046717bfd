#include "rpc/listen.h"

#include <errno.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include "base/file.h"
#include "base/port_owner.h"

enum { BACKLOG = 512 };

static enum status bind_failed(const struct endpoint *endpoint, int code, struct error *err)
{
    char text[ENDPOINT_TEXT_BYTES];
    endpoint_format(endpoint, text);
    if (code == EADDRINUSE && !endpoint_is_unix(endpoint))
        return port_owner_error(endpoint_port(endpoint), err);
    return error_set_errno(err, code, "%s", text);
}

/* A socket file that nobody answers on is left over from a process that was killed. */
static enum status remove_stale(const struct endpoint *endpoint, struct error *err)
{
    const char *path = ((const struct sockaddr_un *)&endpoint->socket)->sun_path;
    int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
    bool answered =
        fd >= 0 && connect(fd, (const struct sockaddr *)&endpoint->socket, endpoint->size) == 0;
    fd_close(fd);
    if (answered)
        return error_set(err, STATUS_CONFLICT, "%s: another process listens there", path);
    unlink(path);
    return STATUS_OK;
}

static enum status open_one(const struct endpoint *endpoint, int *ret_fd, struct error *err)
{
    if (endpoint_is_unix(endpoint)) {
        enum status status = remove_stale(endpoint, err);
        if (status != STATUS_OK)
            return status;
    }
    int fd = socket(endpoint->socket.ss_family, SOCK_STREAM | SOCK_CLOEXEC, 0);
    int on = 1, off = 0;
    if (fd < 0)
        return error_set_errno(err, errno, "socket");
    setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof(on));
    if (endpoint->socket.ss_family == AF_INET6)
        setsockopt(fd, IPPROTO_IPV6, IPV6_V6ONLY, &off, sizeof(off));
    if (bind(fd, (const struct sockaddr *)&endpoint->socket, endpoint->size) != 0 ||
        listen(fd, BACKLOG) != 0) {
        enum status status = bind_failed(endpoint, errno, err);
        fd_close(fd);
        return status;
    }
    *ret_fd = fd;
    return STATUS_OK;
}

enum status listen_open(const char *host, uint16_t port, int *ret_fd, struct error *err)
{
    char text[ENDPOINT_TEXT_BYTES];
    if (strncmp(host, "unix:", 5) == 0)
        snprintf(text, sizeof(text), "%s", host);
    else if (strchr(host, ':') != NULL && host[0] != '[')
        snprintf(text, sizeof(text), "[%s]:%u", host, port);
    else
        snprintf(text, sizeof(text), "%s:%u", host, port);
    struct endpoint endpoints[ENDPOINTS_MAX];
    unsigned count = 0;
    enum status status = endpoint_resolve(text, endpoints, &count, err);
    if (status == STATUS_OK && count == 0)
        status = error_set(err, STATUS_INVALID, "%s: no address", text);
    if (status != STATUS_OK)
        return status;
    /* "localhost" is IPv4's: every client tries both, and one socket is enough. */
    unsigned chosen = 0;
    for (unsigned i = 0; i < count && strcmp(host, "localhost") == 0; i++) {
        if (endpoints[i].socket.ss_family == AF_INET)
            chosen = i;
    }
    return open_one(&endpoints[chosen], ret_fd, err);
}

/* Loopback of the same family where a wildcard is bound. */
static void reachable(struct endpoint *endpoint)
{
    if (endpoint->socket.ss_family == AF_INET) {
        struct sockaddr_in *v4 = (struct sockaddr_in *)&endpoint->socket;
        if (v4->sin_addr.s_addr == htonl(INADDR_ANY))
            v4->sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    } else if (endpoint->socket.ss_family == AF_INET6) {
        struct sockaddr_in6 *v6 = (struct sockaddr_in6 *)&endpoint->socket;
        if (IN6_IS_ADDR_UNSPECIFIED(&v6->sin6_addr))
            v6->sin6_addr = in6addr_loopback;
    }
}

enum status listen_address(int fd, char ret_address[ENDPOINT_TEXT_BYTES], uint16_t *ret_port,
                           struct error *err)
{
    struct endpoint endpoint = {.size = sizeof(endpoint.socket)};
    if (getsockname(fd, (struct sockaddr *)&endpoint.socket, &endpoint.size) != 0)
        return error_set_errno(err, errno, "getsockname");
    *ret_port = endpoint_port(&endpoint);
    reachable(&endpoint);
    endpoint_format(&endpoint, ret_address);
    return STATUS_OK;
}

void listen_tune(int fd)
{
    int on = 1;
    setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof(on)); /* no matter on a unix socket */
    setsockopt(fd, SOL_SOCKET, SO_KEEPALIVE, &on, sizeof(on));
}

void listen_close(int fd, const char *address)
{
    if (fd >= 0 && strncmp(address, "unix:", 5) == 0)
        unlink(address + 5);
    fd_close(fd);
}
