#include "downloader/addresses.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

#include "base/check.h"
#include "base/clock.h"

void addresses_release(struct addresses *addresses)
{
    free(addresses->list);
    addresses->list = NULL;
    addresses->count = addresses->capacity = 0;
}

static bool is_busy(const struct connection *connection)
{
    return connection->users > 0 || connection->opener != NULL;
}

static void add(struct addresses *addresses, const struct connection *connection)
{
    if (addresses->count == addresses->capacity) {
        addresses->capacity = addresses->capacity == 0 ? 64 : addresses->capacity * 2;
        addresses->list =
            check_alloc(realloc(addresses->list, addresses->capacity * sizeof(*addresses->list)));
    }
    addresses->list[addresses->count++] = *connection;
}

static void forget(struct addresses *addresses, size_t index)
{
    addresses->list[index] = addresses->list[--addresses->count];
}

static struct connection *find(struct addresses *addresses, int fd)
{
    for (size_t i = 0; fd >= 0 && i < addresses->count; i++) {
        if (addresses->list[i].fd == fd)
            return &addresses->list[i];
    }
    return NULL;
}

bool addresses_have_room(const struct addresses *addresses, const char *address)
{
    unsigned busy = 0;
    if (addresses->connections_max == 0 || *address == '\0')
        return true;
    for (size_t i = 0; i < addresses->count; i++) {
        const struct connection *at = &addresses->list[i];
        busy += is_busy(at) && strcmp(at->address, address) == 0;
    }
    return busy < addresses->connections_max;
}

void addresses_expect(struct addresses *addresses, const char *address, const void *fetch)
{
    struct connection expected = {.fd = -1, .opener = fetch};
    if (*address == '\0')
        return;
    snprintf(expected.address, sizeof(expected.address), "%s", address);
    add(addresses, &expected);
}

/* Where the fetch goes is known by now, or it is over. */
static void expect_no_more(struct addresses *addresses, const void *fetch)
{
    for (size_t i = addresses->count; i-- > 0;) {
        if (addresses->list[i].fd < 0 && addresses->list[i].opener == fetch)
            forget(addresses, i);
    }
}

/* The server sees the end at once; libcurl closes the socket when it next looks at what it keeps.
 */
static void hang_up(struct addresses *addresses, size_t index)
{
    shutdown(addresses->list[index].fd, SHUT_RDWR);
    forget(addresses, index);
}

bool addresses_make_room(struct addresses *addresses, const char *address, const void *fetch)
{
    unsigned open = 0, busy = 0;
    size_t oldest = SIZE_MAX;
    expect_no_more(addresses, fetch);
    for (size_t i = 0; i < addresses->count; i++) {
        const struct connection *at = &addresses->list[i];
        if (strcmp(at->address, address) != 0)
            continue;
        open += at->fd >= 0;
        busy += is_busy(at);
        if (!is_busy(at) && (oldest == SIZE_MAX || at->idle_ms < addresses->list[oldest].idle_ms))
            oldest = i;
    }
    if (addresses->connections_max == 0)
        return true;
    if (busy >= addresses->connections_max)
        return false;
    if (open >= addresses->connections_max)
        hang_up(addresses, oldest);
    return true;
}

void addresses_opened(struct addresses *addresses, const char *address, int fd, const void *fetch)
{
    struct connection opened = {.fd = fd, .opener = fetch};
    snprintf(opened.address, sizeof(opened.address), "%s", address);
    add(addresses, &opened);
}

static int port_of(int (*get)(int, struct sockaddr *, socklen_t *), int fd)
{
    struct sockaddr_storage address = {0};
    socklen_t size = sizeof(address);
    if (get(fd, (struct sockaddr *)&address, &size) != 0)
        return -1;
    return ntohs(address.ss_family == AF_INET6 ? ((struct sockaddr_in6 *)&address)->sin6_port
                                               : ((struct sockaddr_in *)&address)->sin_port);
}

int addresses_use(struct addresses *addresses, const char *address, int peer_port, int own_port,
                  const void *fetch)
{
    expect_no_more(addresses, fetch);
    for (size_t i = 0; i < addresses->count; i++) {
        struct connection *at = &addresses->list[i];
        if (at->fd < 0 || strcmp(at->address, address) != 0 ||
            port_of(getsockname, at->fd) != own_port || port_of(getpeername, at->fd) != peer_port)
            continue;
        at->opener = NULL;
        at->users++;
        return at->fd;
    }
    return -1;
}

void addresses_leave(struct addresses *addresses, int fd, const void *fetch)
{
    struct connection *used = find(addresses, fd);
    expect_no_more(addresses, fetch);
    if (used != NULL && used->users > 0 && --used->users == 0)
        used->idle_ms = clock_boot_ms();
    for (size_t i = 0; i < addresses->count; i++) {
        struct connection *at = &addresses->list[i];
        if (at->opener != fetch)
            continue;
        at->opener = NULL; /* libcurl may keep one that lost the race */
        at->idle_ms = clock_boot_ms();
    }
}

void addresses_closed(struct addresses *addresses, int fd)
{
    struct connection *closed = find(addresses, fd);
    if (closed != NULL)
        forget(addresses, (size_t)(closed - addresses->list));
}

int64_t addresses_close_idle(struct addresses *addresses, int64_t now_ms)
{
    int64_t next_ms = INT64_MAX;
    for (size_t i = addresses->count; i-- > 0;) {
        const struct connection *at = &addresses->list[i];
        if (is_busy(at))
            continue;
        int64_t end_ms = at->idle_ms + ADDRESSES_IDLE_MS;
        if (end_ms <= now_ms)
            hang_up(addresses, i);
        else if (end_ms < next_ms)
            next_ms = end_ms;
    }
    return next_ms;
}
