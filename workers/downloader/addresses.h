/*
 * The connections that are open, by address: many names may lead to one machine, which is to be
 * spared as a host is. A connection that is kept open and used by nobody counts, too: it gives way
 * to one that is needed.
 */
#ifndef TIERCE_DOWNLOADER_ADDRESSES_H
#define TIERCE_DOWNLOADER_ADDRESSES_H

#include <netinet/in.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum {
    ADDRESSES_CONNECTIONS_USUAL = 2,
    ADDRESSES_IDLE_MS = 15 * 1000, /* then a connection that nobody uses is closed */
};

/* One connection, or a fetch that will need one. */
struct connection {
    int fd;             /* -1: none yet */
    unsigned users;     /* requests under way on it */
    const void *opener; /* the fetch that connects; NULL: it is connected */
    int64_t idle_ms;    /* clock_boot_ms() when its last user left */
    char address[INET6_ADDRSTRLEN];
};

struct addresses {
    unsigned connections_max; /* open to one address; 0: no limit */
    struct connection *list;
    size_t count, capacity;
};

void addresses_release(struct addresses *addresses);

/* Whether a request may begin that goes to the address. "" (not known yet) always may. */
bool addresses_have_room(const struct addresses *addresses, const char *address);
/* `fetch` begins, and likely goes to this address: it has its place there. "" does nothing. */
void addresses_expect(struct addresses *addresses, const char *address, const void *fetch);
/* Before a socket is made: closes a connection that nobody uses where there are enough. False: all
 * are used by others. */
bool addresses_make_room(struct addresses *addresses, const char *address, const void *fetch);
/* The fetch made this socket to connect to the address. */
void addresses_opened(struct addresses *addresses, const char *address, int fd, const void *fetch);
/* The fetch sends its request on the connection between these two ports. Returns its descriptor;
 * -1: it is not known. */
int addresses_use(struct addresses *addresses, const char *address, int peer_port, int own_port,
                  const void *fetch);
/* The fetch is done, with the connection that it used (-1: none). */
void addresses_leave(struct addresses *addresses, int fd, const void *fetch);
/* The socket is closed. */
void addresses_closed(struct addresses *addresses, int fd);
/* Closes what was kept for nothing. Returns when to call again; INT64_MAX: nothing is kept. */
int64_t addresses_close_idle(struct addresses *addresses, int64_t now_ms);

#endif
