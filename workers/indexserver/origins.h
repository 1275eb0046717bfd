/*
 * Origins in memory ("http://example.org:8080"): the queues of their URLs, and what their
 * robots.txt says. How often they may be asked is their host's affair (hosts.h).
 */
#ifndef TIERCE_INDEXSERVER_ORIGINS_H
#define TIERCE_INDEXSERVER_ORIGINS_H

#include "indexserver/frontier.h"

/* A URL's place in its queue. */
struct due_key {
    int64_t due_ms;
    uint64_t found_at;
    uint32_t found_index;
};

/* The URLs of one source at one origin. */
struct host_queue {
    uint32_t source;
    struct due_key low; /* nothing stands before this: where to begin to look */
};

#define ROBOTS_AGENT "tierce" /* whose rules of a robots.txt hold */

struct host;

struct origin {
    char *name;
    struct host *host;
    struct origin_record record;
    bool stored; /* it is on disk */
    struct host_queue *queues;
    unsigned queue_count;
    bool queues_unread;    /* there may be more on disk: since a start nobody looked */
    struct robots *robots; /* in robots_arena; of the entry record.robots */
    struct arena robots_arena;
    struct origin *next; /* of the same host */
};

struct origin *origin_find(struct frontier *frontier, const char *name); /* NULL: unknown */
/* Finds or makes it, and its host; a new one is stored with the change (NULL: not stored). NULL: no
 * origin has that name. */
struct origin *origin_of(struct frontier *frontier, const char *name, struct change *change);
void origin_store(struct change *change, struct origin *origin);
void origin_free(struct origin *origin);
/* From what origin_store() stored; false: it is no record. */
bool origin_decode(struct kv_slice value, struct origin_record *ret_record);

/* Without `due`: the beginning of the source's queue. */
void due_key_encode(struct buffer *ret, const char *origin, uint32_t source,
                    const struct due_key *due);
/* Reads the place behind a key's origin and source; false: not a key of this queue. */
bool due_key_decode(struct kv_slice key, const char *origin, uint32_t source,
                    struct due_key *ret_due);
bool due_key_is_before(const struct due_key *a, const struct due_key *b);

void origin_add_queue(struct origin *origin, uint32_t source, const struct due_key *due);
void origin_drop_queue(struct origin *origin, uint32_t source);
/* Finds those on disk, where that is still to be done. `it` is of COLUMN_DUE. */
void origin_read_queues(struct kv_iterator *it, struct origin *origin);

/*
 * The parsed robots.txt, read from the log where it is not in memory; NULL: it has none. Where the
 * log cannot give it, that is said, and the origin counts as never asked: record.robots_kind is
 * ROBOTS_NONE then, and robots.txt is fetched again before anything else.
 */
struct robots *origin_robots(struct views *views, struct origin *origin);
void origin_forget_robots(struct frontier *frontier, struct origin *origin);
/* When robots.txt must be asked for (again), Unix ms; 0: now. */
int64_t origin_robots_due_ms(const struct scope *scope, const struct origin *origin);

#endif
