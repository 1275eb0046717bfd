/*
 * Contents that are to be parsed again, handed out as leases of their own: no host is asked for
 * anything. In memory only: after a restart a content may be parsed twice, which does no harm.
 *
 * A content is given up, and its page hidden, only where it is at fault: a lease of it was lost
 * (perhaps the downloader died of it), or no page could be made of it. One that such a thing
 * happened to is leased alone, and no other such beside it, so that none is given up for another's
 * fault. A lease that is given back, a page of another version's parser and a disk that fails say
 * little or nothing about the content: it is tried again, later.
 */
#ifndef TIERCE_INDEXSERVER_PARSE_QUEUE_H
#define TIERCE_INDEXSERVER_PARSE_QUEUE_H

#include "indexserver/views.h"
#include "wire.pb-c.h"

enum {
    PARSE_LEASE_URLS = 20,
    PARSE_LEASE_BYTES = 8 * 1024 * 1024,
    PARSE_LEASES_MAX = 16,
    PARSE_TRIES_MAX = 3,        /* then it counts as unparsable */
    PARSE_RETURNS_MAX = 10,     /* likewise */
    PARSE_FAULTS_MAX = 60,      /* in a row; then it counts as one that cannot be read */
    PARSE_RETRY_MS = 10 * 1000, /* until it is leased again */
    PARSE_FAULT_MS = 60 * 1000, /* until the disk is asked for it again */
    PARSE_LOOK_FAULTS_MAX = 20, /* contents that one look fails to read */
    PARSE_LOOK_MS = 1000,       /* until the next look then */
    PARSE_HOPELESS_MAX = 100,   /* found by one look */
    PARSE_TROUBLES_MAX = 4096,  /* remembered; of more one is forgotten, and tried more often */
};

struct parse_lease {
    uint64_t lease; /* 0: none */
    int64_t until_ms;
    uint64_t sequences[PARSE_LEASE_URLS];
    bool answered[PARSE_LEASE_URLS]; /* something was reported of it */
    unsigned count;
    bool suspect; /* its one content had trouble before */
};

/* What happened to a content. */
struct parse_trouble {
    uint64_t sequence;
    int64_t not_before_ms; /* clock_boot_ms() */
    unsigned tries;        /* its lease was lost, or no page was made of it */
    unsigned returns;      /* its lease was given back without a word about it */
    unsigned faults;       /* in a row: the disk failed */
};

/* A content of which there will be no page: views_give_up(). */
struct parse_hopeless {
    uint64_t sequence;
    const char *words; /* why; of static storage */
};

/* A zeroed struct is an empty queue. */
struct parse_queue {
    struct parse_lease leases[PARSE_LEASES_MAX];
    struct parse_trouble *troubles;
    size_t trouble_count;
    struct parse_hopeless hopeless[PARSE_HOPELESS_MAX]; /* found by the last look */
    unsigned hopeless_count;
    uint64_t gave_up; /* the first of them; 0: none */
    int64_t look_ms;  /* clock_boot_ms(): then there may be more to lease; 0: nothing is planned */
};

void parse_queue_release(struct parse_queue *queue);

/*
 * A lease of contents that wait, in the arena; NULL: none. What cannot be read from the log, or was
 * tried too often, is passed over and listed in queue->hopeless; a look that fills that list ends.
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
/* Its holder gives it back; what it said nothing of waits again. */
void parse_queue_end(struct parse_queue *queue, uint64_t lease);
/* Ends leases whose time is over: each content that nothing was said of was tried. */
void parse_queue_expire(struct parse_queue *queue, int64_t now_ms);
/* Its page came, or never will: forgets what happened to the content. */
void parse_queue_done(struct parse_queue *queue, uint64_t sequence);
/* The holder of its lease could make no page of it: a try. */
void parse_queue_failed(struct parse_queue *queue, uint64_t sequence);
/* It was parsed by another version: no try, but let others have it. */
void parse_queue_later(struct parse_queue *queue, uint64_t sequence, int64_t now_ms);
/* When a lease ends or there may be more to lease; INT64_MAX: not before something changes. */
int64_t parse_queue_next_ms(const struct parse_queue *queue);

#endif
