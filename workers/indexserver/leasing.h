/*
 * What the files share that lease hosts: which queue of a host comes first (lease_queues.c), which
 * of its URLs (lease_urls.c), the leases themselves and their growth (lease_grant.c). Who holds
 * what is in leases.c.
 */
#ifndef TIERCE_INDEXSERVER_LEASING_H
#define TIERCE_INDEXSERVER_LEASING_H

#include "indexserver/hosts.h"

/* One call of frontier_lease() or frontier_grow(). */
struct leasing {
    struct views *views;
    struct frontier *frontier;
    struct arena *arena;
    uint64_t member; /* who asks */
    int64_t now_ms;
    int64_t unix_ms;
    struct frontier_grant *grant; /* NULL: a lease that is held grows */
    size_t denied_capacity;
    size_t held_bytes;      /* of the contents that were read for validators */
    size_t reply_bytes;     /* of what was leased */
    struct kv_batch *batch; /* the leases given */
};

/* The first URL of a queue that may be fetched now; or when the first will be due. */
struct candidate {
    struct origin *origin;
    struct host_queue *queue;
    struct source *source;
    bool new_pages; /* those that were never fetched, too */
    struct due_key due;
};

/* What was found of a host's queues so far. */
struct choice {
    bool found;
    struct candidate candidate; /* the first of all */
    int64_t
        next_ms; /* where none was found: when to look again; INT64_MAX: when something changes */
};

/* The queue whose first URL comes first. A robots.txt that cannot be reached holds up its own
 * origin and no other. */
void leasing_choose_queue(struct leasing *l, struct kv_iterator *it, struct host *host,
                          struct choice *ret);
/* Looks at one queue. Returns false where it is empty; sets candidate->source where it may be
 * fetched from at all. */
bool leasing_look_at_queue(struct leasing *l, struct kv_iterator *it, struct origin *origin,
                           struct host_queue *queue, struct candidate *candidate);
/* From `place` on. */
bool leasing_seek(struct kv_iterator *it, const struct candidate *candidate,
                  const struct due_key *place, struct due_key *ret_due);
bool leasing_is_due(const struct leasing *l, int64_t due_ms);
/* A source at its limit fetches what it holds, and what the owner named, and nothing else. */
bool leasing_is_passed_over(const struct candidate *candidate, int64_t due_ms);

/* Whether the call may be given more: else the rest comes with the next one. */
bool leasing_has_room(const struct leasing *l);
/* Adds URLs from `place` on to the lease: one, if it may hold any, and as many as the call has room
 * for. */
enum status leasing_gather_urls(struct leasing *l, struct kv_iterator *it,
                                const struct candidate *candidate, const struct due_key *place,
                                Wire__HostLease *lease, struct error *err);
/* Says once of a host that something of it cannot be read. */
void leasing_say_fault(struct host *host, const char *what, const struct error *why);

/* The host that is held under this lease, and its place in frontier->leased; NULL: none. */
struct host *frontier_leased_host(struct frontier *frontier, uint64_t lease, size_t *ret_index);

#endif
