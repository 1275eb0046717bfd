/*
 * Hosts in memory: when each may be asked next, and by whom it is asked now. A host is what
 * url_host_queue() names: all its origins share its delay, its blocks and its one lease.
 */
#ifndef TIERCE_INDEXSERVER_HOSTS_H
#define TIERCE_INDEXSERVER_HOSTS_H

#include "indexserver/frontier.h"
#include "indexserver/origins.h"
#include "indexserver/parse_queue.h"

#define HOST_BLOCK_MS_MAX ((int64_t)7 * 24 * 3600 * 1000) /* however long it asks for */
#define HOST_NEVER_LEASED (INT64_MIN / 2)                 /* its rest_ms: no delay is left */

struct neighbours;

struct host {
    char *name; /* "example.org" */
    struct host_record record;
    struct origin *origins;
    int64_t rest_ms;   /* clock_boot_ms(): the end of its last lease, from where its delay counts */
    int64_t ready_ms;  /* clock_boot_ms(): not before, by delay or block */
    int64_t wake_ms;   /* when to look at it again */
    size_t heap_index; /* SIZE_MAX: nothing to look for */
    uint64_t lease;    /* 0: none */
    int64_t lease_until_ms;
    unsigned lease_urls, lease_done; /* given; and of these answered */
    uint32_t lease_delay_ms;
    struct origin *lease_origin;   /* of its URLs */
    uint32_t lease_source;         /* URL_NO_SOURCE: not known since an earlier version's lease */
    uint64_t lease_member;         /* who holds it; 0: nobody, or not known since a restart */
    bool lease_revoked_told;       /* its holder was told that nothing more is to be fetched */
    struct due_key lease_last;     /* where the last of its URLs stands in the queue */
    bool lease_grows;              /* more may come behind that */
    bool lease_trial;              /* what is fetched is for a trial alone (trials.h) */
    bool said_fault;               /* that something of it cannot be read */
    struct neighbours *neighbours; /* its address; NULL: it was never connected to */
    bool waits;                    /* for one of them to be done, in their list */
    struct host *waits_before, *waits_behind;
    struct host *next;
};

struct frontier {
    struct table by_origin;
    struct table by_host;
    struct table by_address; /* struct neighbours */
    bool leased_elsewhere;   /* a host was passed over because another downloader has its address */
    uint64_t controls;       /* CONTROLs that came: what is leased may have to be taken back */
    struct host *hosts;
    size_t host_count;
    struct host **heap; /* by wake_ms */
    size_t heap_count, heap_capacity;
    struct host **leased;
    size_t leased_count, leased_capacity;
    size_t robots_cached;
    int64_t opened_ms;       /* clock_boot_ms() */
    bool said_parsing_fault; /* that nothing can be leased to be parsed again */
    struct parse_queue parsing;
};

/* Finds or makes it. */
struct host *host_of(struct frontier *frontier, const char *name);
void host_store(struct change *change, const struct host *host);
void host_free(struct host *host); /* and its origins */

/* Looks at it again at `wake_ms`, or earlier where that is planned. */
void host_wake(struct frontier *frontier, struct host *host, int64_t wake_ms);
/* Looks at it again at `wake_ms` and no earlier; INT64_MAX: only when something changes. */
void host_sleep(struct frontier *frontier, struct host *host, int64_t wake_ms);

/* How many queues it has, of all origins and sources. */
unsigned host_queue_count(const struct host *host);

/* The answer took so long: the mean leans on the newest by a quarter. */
void host_note_response(struct host *host, uint32_t response_us);

/*
 * The gap between two fetches of this source on this host: the longest of the source's own, a
 * multiple of the mean response time (not where the source asks for no delay), and what the
 * robots.txt of any of its origins asks, up to the crawl's limit for that.
 */
uint32_t host_delay_ms(struct views *views, struct host *host, const struct source *source);
/* The same without any robots.txt, which would have to be read. */
uint32_t host_usual_delay_ms(struct views *views, const struct host *host,
                             const struct source *source);

/* Keeps the host in the list of those that are leased. */
void frontier_note_lease(struct frontier *frontier, struct host *host);

/* A lease as it is kept on disk: its origin, the delay behind its end, its source. */
void lease_encode(struct buffer *ret, const char *origin, uint32_t delay_ms, uint32_t source);

enum status hosts_load(struct views *views, struct frontier *frontier, struct error *err);

#endif
