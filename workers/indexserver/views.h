/*
 * What is derived from the log and can be thrown away: one store (DATA/views), each view with its
 * own position in the same batch as its data. The writer's thread alone changes it; everything in
 * memory stands under `lock`, what is on disk is read from any thread.
 *
 * docs/format-views.md draws keys and values.
 */
#ifndef TIERCE_INDEXSERVER_VIEWS_H
#define TIERCE_INDEXSERVER_VIEWS_H

#include <pthread.h>

#include "base/arena.h"
#include "base/buffer.h"
#include "cluster/log.h"
#include "indexserver/table.h"
#include "log.pb-c.h"
#include "page.pb-c.h"
#include "store/kv.h"

enum view {
    VIEW_PAGES,    /* parsed pages */
    VIEW_FRONTIER, /* URLs, host queues, sources */
    VIEW_FEED,     /* documents, removals and edges, in the order of the log */
    VIEW_COUNT
};

enum column {
    COLUMN_META,
    COLUMN_URLS,     /* URL -> url_state */
    COLUMN_DUE,      /* host queues */
    COLUMN_HOSTS,    /* host -> host_record, origin -> origin_record */
    COLUMN_SOURCES,  /* number -> source */
    COLUMN_RULES,    /* what the owner removed by prefix or site */
    COLUMN_LEASES,   /* lease -> origin, delay: not derived, so in no view */
    COLUMN_PAGES,    /* sequence -> page without links */
    COLUMN_LINKS,    /* sequence -> its links */
    COLUMN_UNPARSED, /* sequence -> URL: content that has no page yet; the feed waits for it */
    COLUMN_REPARSE,  /* sequence -> URL: content whose page an older parser made */
    COLUMN_TEXTS,    /* fingerprint, sequence -> URL: pages with the same text */
    COLUMN_DOCS,     /* URL -> where its feed item stands */
    COLUMN_EDGES,    /* source, target -> edge */
    COLUMN_FEED,     /* sequence, slot -> item */
    COLUMN_OLDER,    /* URL, sequence -> nothing: earlier contents that are kept */
    COLUMN_FORGET,   /* sequences to be forgotten by the log */
    COLUMN_HISTORY,  /* URL -> its earlier fetches, as far as they are kept */
    COLUMN_TRAPS,    /* source, pattern -> what its pages were like (traps.h) */
    COLUMN_COUNT
};

struct frontier;
struct scope;

struct views {
    struct kv *kv;
    struct log_store *log; /* borrowed */
    uint8_t log_identity[16];
    pthread_mutex_t lock;
    struct scope *scope;
    struct frontier *frontier;
    uint64_t position[VIEW_COUNT];    /* applied up to here */
    bool behind[VIEW_COUNT];          /* catching up: entries are not applied as they come */
    uint64_t generation;              /* of the feed: a new one each time it is made anew */
    uint64_t feed_limit;              /* readers may go up to here */
    uint64_t unparsed;                /* how many contents have no page yet */
    uint64_t unparsed_first;          /* none is before this sequence */
    uint64_t documents;               /* in the feed */
    uint32_t parser_version;          /* every page was looked at and is of this parser or noted */
    uint64_t old_pages_cursor;        /* up to here, while that goes on */
    struct buffer pending_forget;     /* uint64_t each: to be forgotten by the log */
    uint64_t scrub_first, scrub_last; /* contents that the owner removed, until their bytes are off
                                         the disk; 0: none */
    uint32_t keep_versions;           /* earlier contents kept of each URL */
    uint64_t feed_floor;  /* the feed has forgotten edges that were dropped up to here */
    uint64_t feed_read;   /* every reader has passed this; 0: nobody knows */
    struct error trouble; /* why the log cannot be read on; status OK: nothing */
};

/* The effects of one entry (or of one page that came later): one write. */
struct url_entry;
struct change {
    struct views *views;
    struct kv_batch *batch;
    struct arena arena;
    uint64_t sequence; /* of the entry, or of the content that a page belongs to */
    int64_t time_us;
    struct table urls; /* URL -> struct url_entry: what this change has touched */
    struct url_entry *url_first;
    struct buffer forget; /* uint64_t each: entries that are replaced */
    bool more;            /* a removal reached its limit: append it again for the rest */
    uint64_t removed;     /* pages that this change removed */
    uint64_t rule_steps;  /* taken by sources' rules for what it brings (found.c) */
    bool by_owner;        /* a removal: what is forgotten must leave the disk soon */
    bool waits;           /* its content was noted as one without a page */
};

/*
 * Opens or makes the views in `folder`. Views of another version, and those that are ahead of the
 * log, are dropped. Nothing is replayed yet: views_catch_up() does that.
 *
 * memory_bytes  for caches and write buffers
 */
enum status views_open(const char *folder, uint64_t memory_bytes, struct log_store *log,
                       struct views **ret_views, struct error *err);
void views_close(struct views *views); /* accepts NULL */

/*
 * Applies an entry that was just appended. `page`: of a CONTENT, where the parser was already
 * asked; may be NULL. A change that failed leaves the views unusable: end the process.
 * `ret_change_more`: as change.more; `ret_removed`: see change.removed; both may be NULL.
 */
enum status views_apply(struct views *views, uint64_t sequence, const Log__Entry *entry,
                        const Page__Page *page, bool *ret_more, uint64_t *ret_removed,
                        struct error *err);

/* What was applied is on disk. */
enum status views_sync(struct views *views, struct error *err);

/* A page of a content that was appended before. Does nothing when nobody waits for it any more. As
 * with views_apply(), one that failed leaves the views unusable. */
enum status views_take_page(struct views *views, uint64_t sequence, const Page__Page *page,
                            struct error *err);

/* Nobody will ever make a page of that content: the feed goes on without it, and LOOKUP says the
 * words. Also where the log has lost the entry. Fails as views_take_page() does. */
enum status views_give_up(struct views *views, uint64_t sequence, const char *words,
                          struct error *err);

/* Replays some of the log, at most `entries_max` entries. *ret_done: nothing is left to replay. */
enum status views_catch_up(struct views *views, uint64_t entries_max, bool *ret_done,
                           struct error *err);

/* Tells the log to forget what was replaced. */
enum status views_forget(struct views *views, struct error *err);

/* Looks through some pages for those of an older parser, at most `pages_max`. */
enum status views_find_old_pages(struct views *views, unsigned pages_max, bool *ret_done,
                                 struct error *err);

/* The bytes of contents from `first` to `last` that were removed are off the disk. Any thread. */
void views_scrubbed(struct views *views, uint64_t first, uint64_t last);

bool views_caught_up(const struct views *views);

/* Names the log and this making of the feed. */
enum { FEED_IDENTITY_BYTES = 24 };
void views_feed_identity(struct views *views, uint8_t ret[FEED_IDENTITY_BYTES]);

/* For the modules: a key, a value. */
enum status views_get(struct views *views, enum column column, const void *key, size_t key_size,
                      struct buffer *ret_value, struct error *err);
void change_put(struct change *change, enum column column, const void *key, size_t key_size,
                const void *value, size_t size);
void change_delete(struct change *change, enum column column, const void *key, size_t key_size);
void change_forget(struct change *change, uint64_t sequence);

#endif
