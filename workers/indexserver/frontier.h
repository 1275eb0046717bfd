/*
 * Host queues, politeness and leases.
 *
 * Queues and robots.txt belong to an origin (scheme, host, port); the delay, blocks, errors and the
 * one lease at a time belong to the host, whatever the scheme and the port (url_host_queue()).
 *
 * On disk: every URL's state, the queues of each origin (ordered by due time, then by discovery),
 * its robots.txt, what is known of each host (errors in a row, how long it wants to be left alone,
 * its mean response time), and which leases were given, with the delay behind their end. In memory
 * only, and made anew at start:
 *   - when a host may be asked next within its delay: after a restart the whole delay is waited
 *     again
 *   - when a lease ends: after a restart each one gets its whole time again, so that no host is
 *     leased twice
 *   - how many URLs a lease holds, and which was the last of them: after a restart it does not grow
 *   - parsed robots.txt, which faults were said, who parses what
 */
#ifndef TIERCE_INDEXSERVER_FRONTIER_H
#define TIERCE_INDEXSERVER_FRONTIER_H

#include "crawl/robots.h"
#include "indexserver/scope.h"
#include "indexserver/url_state.h"
#include "indexserver/views.h"
#include "wire.pb-c.h"

enum {
    LEASE_MS = 30 * 1000, /* a downloader names what it holds every ten seconds */
    LEASE_URLS_MAX = 200, /* given at once: of a host that answers fast, without a delay */
    LEASE_HOSTS_MAX = 100,
    ROBOTS_TTL_DEFAULT_S = 24 * 3600,
};

enum robots_kind {
    ROBOTS_NONE = 0,        /* never asked */
    ROBOTS_FILE = 1,        /* the entry holds the rules */
    ROBOTS_ALLOW_ALL = 2,   /* 4xx: there is none */
    ROBOTS_UNREACHABLE = 3, /* nothing may be fetched until it answers */
};

/* What is known of an origin, "http://example.org:8080". */
struct origin_record {
    uint64_t robots;   /* sequence of the newest ROBOTS */
    int64_t robots_us; /* its time */
    uint8_t robots_kind;
    uint8_t robots_failures; /* in a row */
};

/* What is known of a host, whatever the scheme and the port. */
struct host_record {
    int64_t blocked_until_ms; /* Unix */
    uint32_t failures;        /* connections in a row that failed */
    uint32_t response_us;     /* mean of late; 0: it has never answered */
};

enum status frontier_open(struct views *views, struct frontier **ret_frontier, struct error *err);
void frontier_close(struct frontier *frontier); /* accepts NULL */

/* ---- changes, on the writer's thread ---- */

enum status frontier_apply(struct change *change, const Log__Entry *entry, const Page__Page *page,
                           struct error *err);
/* Links of a page that came later. */
enum status frontier_take_page(struct change *change, const char *url, const Page__Page *page,
                               struct error *err);
/* Whether the owner removed the URL, itself or by a rule: what was fetched of it is not taken. */
enum status frontier_is_removed(struct change *change, const char *url, bool *ret_removed,
                                struct error *err);
/* A URL's place in its host's queue changes (urls_flush()). */
void frontier_requeue(struct change *change, const char *url, const struct url_state *before,
                      const struct url_state *after);

/* ---- leases, on the writer's thread ---- */

/* A URL that its host's robots.txt or its source's scope forbids: to be noted in the log. */
struct frontier_denied {
    const char *url;
    Log__Reason reason;
    const char *words;
};

struct frontier_grant {
    Wire__HostLease **leases;
    size_t lease_count;
    struct frontier_denied *denied;
    size_t denied_count;
    uint64_t unparsable; /* a content that no parser could read in several tries; 0: none */
};

/* Ends leases whose time is over. */
void frontier_expire(struct views *views, int64_t now_ms);
/* Prolongs what this downloader still works on. */
void frontier_prolong(struct views *views, uint64_t member, const uint64_t *leases, size_t count,
                      int64_t now_ms);
/*
 * Which of these leases nothing more is to be fetched under: their source, or the whole crawl, was
 * paused or cancelled. In `ret`, which has room for `count`. Returns how many; `ret_news` whether
 * one of them was not told of before.
 */
size_t frontier_revoked(struct views *views, const uint64_t *leases, size_t count, uint64_t *ret,
                        bool *ret_news);
bool frontier_has_lease(struct views *views, uint64_t lease);
enum status frontier_finish(struct views *views, uint64_t lease, int64_t now_ms, struct error *err);
/* Up to `hosts_max` leases for this downloader, on disk before it returns, and what was found to be
 * forbidden on the way. In the arena. */
enum status frontier_lease(struct views *views, uint64_t member, size_t hosts_max, int64_t now_ms,
                           struct arena *arena, struct frontier_grant *ret_grant,
                           struct error *err);
/* One of the lease's URLs was answered. */
void frontier_note_answer(struct views *views, uint64_t lease);
/*
 * More URLs for leases that are held, behind those they have, each as a lease of the same number in
 * the arena. Some get none: there are no more, others of their host come first, another delay or
 * other settings are right by now, or it would be too much for one call. Returns to how many it
 * gave; `ret_more` has room for `count`.
 */
size_t frontier_grow(struct views *views, const uint64_t *leases, size_t count, int64_t now_ms,
                     struct arena *arena, Wire__HostLease **ret_more);
/*
 * A lease of one URL, or of its robots.txt, for a trial; NULL: its host may not be asked now. It is
 * taken back by nothing but its time. On disk before it returns.
 *
 * source  that the URL is of, or would be; borrowed until the lease is packed.
 */
Wire__HostLease *frontier_lease_trial(struct views *views, const struct url *url,
                                      struct source *source, bool robots, uint64_t member,
                                      int64_t now_ms, struct arena *arena);
bool frontier_is_trial(struct views *views, uint64_t lease);
/* When to try again, clock_boot_ms(). */
int64_t frontier_trial_ready_ms(struct views *views, const struct url *url);
/* The content's page came, or never will: nobody tries it again. */
void frontier_parsed(struct views *views, uint64_t sequence);
/* When there may be something to lease, clock_boot_ms(); INT64_MAX: not before something changes.
 */
int64_t frontier_next_ms(struct views *views);
/* Everything is looked at again: rules changed. */
void frontier_wake_all(struct views *views);

/* ---- for status and lookup, under the lock ---- */

struct frontier_counts {
    uint64_t known, queued, leased, fetched, hosts, hosts_waiting;
};
void frontier_count(struct views *views, int64_t now_ms, struct frontier_counts *ret_counts);

struct host_view {
    bool known;
    struct origin_record record;
    int64_t wait_ms; /* until it may be asked; <= 0: now */
    bool leased;
    uint32_t delay_ms;
};
void frontier_host(struct views *views, const char *origin, struct host_view *ret_view);
/* What robots.txt says of the URL; false: it is not known yet. */
bool frontier_robots_verdict(struct views *views, const struct url *url,
                             struct robots_verdict *ret_verdict);

#endif
