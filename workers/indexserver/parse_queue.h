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
    PARSE_TRIES_MAX = 3,      /* then it counts as unparsable */
    PARSE_HOPELESS_MAX = 100, /* found by one look */
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

/* A content of which there will be no page: views_give_up(). */
struct parse_hopeless {
    uint64_t sequence;
    const char *words; /* why; of static storage */
};

/* A zeroed struct is an empty queue. */
struct parse_queue {
    struct parse_lease leases[PARSE_LEASES_MAX];
    struct parse_try *tries;
    size_t try_count;
    struct parse_hopeless hopeless[PARSE_HOPELESS_MAX]; /* found by the last look */
    unsigned hopeless_count;
    uint64_t gave_up; /* the first of them; 0: none */
};

void parse_queue_release(struct parse_queue *queue);

/*
 * A lease of contents that wait, in the arena; NULL: none. What cannot be read from the log, or was
 * tried too often, is passed over and listed in queue->hopeless.
 */
enum status parse_queue_lease(struct views *views, struct parse_queue *queue, int64_t now_ms,
                              struct arena *arena, Wire__HostLease **ret_lease, struct error *err);
/* Only of contents that have no page at all: what the feed waits for. Nothing of it is appended to
 * the log. */
enum status parse_queue_lease_first(struct views *views, struct parse_queue *queue, int64_t now_ms,
                                    struct arena *arena, Wire__HostLease **ret_lease,
                                    struct error *err);
bool parse_queue_has(const struct parse_queue *queue, uint64_t lease);
void parse_queue_prolong(struct parse_queue *queue, uint64_t lease, int64_t now_ms);
void parse_queue_end(struct parse_queue *queue, uint64_t lease);
void parse_queue_expire(struct parse_queue *queue, int64_t now_ms);
/* Forgets how often the content was tried. */
void parse_queue_done(struct parse_queue *queue, uint64_t sequence);
/* When the first of the leases ends; INT64_MAX: there is none. */
int64_t parse_queue_next_ms(const struct parse_queue *queue);

#endif
