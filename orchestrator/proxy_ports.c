#include "orchestrator/proxy_ports.h"

#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/port_owner.h"

/* A port is taken where an ordinary listener cannot have it; what else goes wrong, the proxy will
 * say better. */
static bool is_taken(const struct sockaddr *address, socklen_t size)
{
    int on = 1;
    int fd = socket(address->sa_family, SOCK_STREAM | SOCK_CLOEXEC, 0);
    if (fd < 0)
        return false;
    setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on,
               sizeof(on)); /* connections that linger do not count */
    if (address->sa_family == AF_INET6)
        setsockopt(fd, IPPROTO_IPV6, IPV6_V6ONLY, &on, sizeof(on));
    bool taken = (bind(fd, address, size) != 0 || listen(fd, 1) != 0) && errno == EADDRINUSE;
    close(fd);
    return taken;
}

static bool is_taken_v4(const char *text, uint16_t port)
{
    struct sockaddr_in address = {.sin_family = AF_INET, .sin_port = htons(port)};
    return inet_pton(AF_INET, text, &address.sin_addr) == 1 &&
           is_taken((struct sockaddr *)&address, sizeof(address));
}

static bool is_taken_v6(const char *text, uint16_t port)
{
    struct sockaddr_in6 address = {.sin6_family = AF_INET6, .sin6_port = htons(port)};
    return inet_pton(AF_INET6, text, &address.sin6_addr) == 1 &&
           is_taken((struct sockaddr *)&address, sizeof(address));
}

static bool is_taken_anywhere(const struct config *config, uint16_t port)
{
    for (unsigned i = 0; i < config->listen.count; i++) {
        const char *item = config->listen.items[i];
        const char *v4 = strcmp(item, "localhost") == 0 ? "127.0.0.1" : item;
        const char *v6 = strcmp(item, "localhost") == 0 ? "::1" : item;
        if (strcmp(item, "*") == 0) {
            v4 = "0.0.0.0";
            v6 = "::";
        }
        if (is_taken_v4(v4, port) || is_taken_v6(v6, port))
            return true;
    }
    return false;
}

static enum status check_port(const struct config *config, const struct config *running,
                              uint64_t port, const char *setting, struct error *err)
{
    bool is_ours = running != NULL && (running->ports.https == port || running->ports.http == port);
    if (is_ours || !is_taken_anywhere(config, (uint16_t)port))
        return STATUS_OK;
    pid_t owner = port_owner_find((uint16_t)port);
    if (owner == 0)
        return error_set(err, STATUS_CONFLICT,
                         "port %u is in use by another process, choose another for %s",
                         (unsigned)port, setting);
    return error_set(err, STATUS_CONFLICT, "port %u is in use by PID %d, choose another for %s",
                     (unsigned)port, (int)owner, setting);
}

enum status proxy_ports_check(const struct config *config, const struct config *running,
                              struct error *err)
{
    enum status status = check_port(config, running, config->ports.https, "ports.https", err);
    if (status == STATUS_OK)
        status = check_port(config, running, config->ports.http, "ports.http", err);
    return status;
}
