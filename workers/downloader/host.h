/*
 * One lease being worked on: the URLs of one host, one after the other, with the delay between the
 * end of one and the start of the next; or several such rows at a time, where the lease allows more
 * than one connection.
 */
#ifndef TIERCE_DOWNLOADER_HOST_H
#define TIERCE_DOWNLOADER_HOST_H

#include <curl/curl.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

#include "base/error.h"
#include "downloader/credentials.h"
#include "downloader/fetch.h"
#include "downloader/ledger.h"
#include "downloader/parsing.h"
#include "wire.pb-c.h"

/* What all hosts of a crew share. */
struct host_tools {
    CURLM *multi;
    struct ledger *ledger;
    struct parsing *parsing;
    struct credentials *credentials; /* NULL: no source has any */
    const struct fetch_limits *limits;
    struct fetch_places places;
    struct addresses addresses;
    struct bandwidth bandwidth;
    /* since the start; read by the heartbeat's thread */
    atomic_uint_fast64_t pages;
    atomic_uint_fast64_t bytes;
    atomic_uint_fast64_t errors;
    atomic_uint fetching;
};

struct host;

/* Takes over the lease, also on failure. */
enum status host_new(struct host_tools *tools, Wire__HostLease *lease, struct host **ret_host,
                     struct error *err);
uint64_t host_lease(const struct host *host);
/* Takes over the URLs: they come behind those it has. The lease's own delay and limits hold for
 * them: a lease for which others are right by now is not given more. */
void host_take_more(struct host *host, Wire__HostLease *more);
/* Gives up what is under way and gives back the lease. Accepts NULL. */
void host_free(struct host *host);

/*
 * Begins what is due. Returns when to call again, by clock_boot_ms(); INT64_MAX: when a fetch is
 * done or the ledger wakes; -1: all is done, or can no longer be: free it.
 */
int64_t host_step(struct host *host, int64_t now_ms);

/* Since when something of it could begin, clock_boot_ms(); INT64_MAX: nothing could. */
int64_t host_waits_since_ms(const struct host *host);
/* How many connections it may have open. */
unsigned host_connections(const struct host *host);
unsigned host_fetches(const struct host *host); /* under way */
/* Calls back for each fetch that is under way. */
void host_visit_fetches(struct host *host, void (*visit)(void *context, struct fetch *fetch),
                        void *context);

/* curl's message on a fetch that a host began. */
void host_fetched(struct fetch *fetch, CURLcode result);

#endif
