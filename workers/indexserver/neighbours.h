/*
 * Hosts that share an address: that of the last connection to each. What a downloader may do at an
 * address it sees to itself, request by request; two of them know nothing of each other. So all
 * hosts of an address that are leased at a time are leased to one downloader, and no more of them
 * than can make use of the address's connections while others wait their delays: the rest wait
 * here, in the order they came, and hold up no host of another address.
 *
 * A host that was never connected to has no neighbours yet: its first request, for robots.txt, may
 * come besides.
 */
#ifndef TIERCE_INDEXSERVER_NEIGHBOURS_H
#define TIERCE_INDEXSERVER_NEIGHBOURS_H

#include <netinet/in.h>

#include "indexserver/hosts.h"

enum {
    NEIGHBOURS_CONNECTIONS_DEFAULT = 2,
    NEIGHBOURS_LEASED_MAX = 32, /* half of what a downloader takes */
};

/* An address. In memory only; which host has which is kept with the host. */
struct neighbours {
    char address[INET6_ADDRSTRLEN];
    uint64_t member; /* whose leases they are; 0: nobody's, or unknown since a restart */
    unsigned leased; /* hosts */
    struct host *waiting, *waiting_last;
};

enum neighbours_word {
    NEIGHBOURS_LET_IN,
    NEIGHBOURS_FULL,      /* the host waits, and is looked at again when one of them is done */
    NEIGHBOURS_ELSEWHERE, /* another downloader has them */
};

void neighbours_release(struct frontier *frontier);

/* The host was connected to at this address; "": it was not. Returns whether that is news, to be
 * stored. */
bool neighbours_meet(struct frontier *frontier, struct host *host, const char *address);
/* Whether the host may be leased to this downloader, with this delay. */
enum neighbours_word neighbours_ask(struct views *views, struct host *host, uint64_t member,
                                    uint32_t delay_ms);
/* The host is leased to it; no longer. */
void neighbours_enter(struct frontier *frontier, struct host *host, uint64_t member);
void neighbours_leave(struct frontier *frontier, struct host *host);
/* The lease is held by this one (under a new number, maybe). */
void neighbours_held_by(struct host *host, uint64_t member);
/* A host that waited and has nothing to be fetched now, after all, lets the next one have its turn.
 */
void neighbours_give_way(struct frontier *frontier, struct host *host);
bool neighbours_wait(const struct host *host); /* others of its address for a lease to end */

#endif
