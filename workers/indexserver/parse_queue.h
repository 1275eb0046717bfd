/*
 * Contents that are to be parsed again, handed out as leases of their own: no host is asked for
 * anything. In memory only: after a restart a content may be parsed twice, which does no harm.
 */
#ifndef TIERCE_INDEXSERVER_PARSE_QUEUE_H
#define TIERCE_INDEXSERVER_PARSE_QUEUE_H

#include "indexserver/views.h"
#include "wire.pb-c.h"

enum {
    PARSE_LEASE_URLS = 20,
    PARSE_LEASE_BYTES = 8 * 1024 * 1024,
    PARSE_LEASES_MAX = 16,
    PARSE_TRIES_MAX = 3, /* then it counts as unparsable */
};

struct parse_lease {
    uint64_t lease;
    int64_t until_ms;
    uint64_t sequences[PARSE_LEASE_URLS];
    unsigned count;
};

struct parse_try {
    uint64_t sequence;
    unsigned tries;
};

/* A zeroed struct is an empty queue. */
struct parse_queue {
    struct parse_lease leases[PARSE_LEASES_MAX];
    struct parse_try *tries;
    size_t try_count;
    uint64_t
        gave_up; /* one that was tried PARSE_TRIES_MAX times, found by the last look; 0: none */
};

void parse_queue_release(struct parse_queue *queue);

/* A lease of contents that wait, in the arena; NULL: none. */
enum status parse_queue_lease(struct views *views, struct parse_queue *queue, int64_t now_ms,
                              struct arena *arena, Wire__HostLease **ret_lease, struct error *err);
bool parse_queue_has(const struct parse_queue *queue, uint64_t lease);
void parse_queue_prolong(struct parse_queue *queue, uint64_t lease, int64_t now_ms);
void parse_queue_end(struct parse_queue *queue, uint64_t lease);
void parse_queue_expire(struct parse_queue *queue, int64_t now_ms);
/* Forgets how often the content was tried. */
void parse_queue_done(struct parse_queue *queue, uint64_t sequence);
/* When the first of the leases ends; INT64_MAX: there is none. */
int64_t parse_queue_next_ms(const struct parse_queue *queue);

#endif
