/* Hosts in memory: their queues, when each may be asked next, what their robots.txt says. */
#ifndef TIERCE_INDEXSERVER_HOSTS_H
#define TIERCE_INDEXSERVER_HOSTS_H

#include "indexserver/frontier.h"
#include "indexserver/parse_queue.h"

/* A URL's place in its queue. */
struct due_key {
    int64_t due_ms;
    uint64_t found_at;
    uint32_t found_index;
};

/* The URLs of one source on one host. */
struct host_queue {
    uint32_t source;
    struct due_key low; /* nothing stands before this: where to begin to look */
};

struct host {
    char *origin; /* "http://example.org" */
    struct host_record record;
    struct host_queue *queues;
    unsigned queue_count;
    int64_t ready_ms;  /* clock_boot_ms(): not before, by delay or block */
    int64_t wake_ms;   /* when to look at it again */
    size_t heap_index; /* SIZE_MAX: nothing to look for */
    uint64_t lease;    /* 0: none */
    int64_t lease_until_ms;
    unsigned lease_urls;
    uint32_t lease_delay_ms;
    uint32_t response_ms;  /* mean of late */
    struct robots *robots; /* in robots_arena; of the entry record.robots */
    struct arena robots_arena;
    struct host *next;
};

struct frontier {
    struct table by_origin;
    struct host *hosts;
    size_t host_count;
    struct host **heap; /* by wake_ms */
    size_t heap_count, heap_capacity;
    struct host **leased;
    size_t leased_count, leased_capacity;
    size_t robots_cached;
    struct parse_queue parsing;
};

struct host *host_find(struct frontier *frontier, const char *origin); /* NULL: unknown */
/* Finds or makes it; a new one is stored with the change (NULL: not stored). */
struct host *host_of(struct frontier *frontier, const char *origin, struct change *change);
void host_store(struct change *change, const struct host *host);
void host_free(struct host *host);

/* Looks at it again at `wake_ms`, or earlier where that is planned. */
void host_wake(struct frontier *frontier, struct host *host, int64_t wake_ms);
/* Looks at it again at `wake_ms` and no earlier; INT64_MAX: only when something changes. */
void host_sleep(struct frontier *frontier, struct host *host, int64_t wake_ms);

void host_key(struct buffer *ret, const char *origin, uint32_t source, const struct due_key *due);
/* Reads the place behind a key's origin and source; false: not a key of this queue. */
bool host_key_read(struct kv_slice key, const char *origin, uint32_t source,
                   struct due_key *ret_due);

void host_add_queue(struct host *host, uint32_t source, const struct due_key *due);
void host_drop_queue(struct host *host, uint32_t source);

/* The parsed robots.txt, read from the log where it is not in memory; NULL: it has none. */
enum status host_robots(struct views *views, struct host *host, struct robots **ret_robots,
                        struct error *err);
void host_forget_robots(struct frontier *frontier, struct host *host);
/* When robots.txt must be asked for (again), Unix ms; 0: now. */
int64_t host_robots_due_ms(const struct scope *scope, const struct host *host);

/* The gap between two fetches of this source on this host. */
uint32_t host_delay_ms(struct views *views, struct host *host, const struct source *source);

/* Keeps the host in the list of those that are leased. */
void frontier_note_lease(struct frontier *frontier, struct host *host);

enum status hosts_load(struct views *views, struct frontier *frontier, struct error *err);

#endif
