/*
 * The one writer. Jobs wait in a queue; a thread takes all that wait, appends their entries to the
 * log as one (so that many callers share one wait for the disk), applies them to the views, and
 * answers. Nothing else writes to the log or the views while it runs.
 */
#ifndef TIERCE_INDEXSERVER_SEQUENCER_H
#define TIERCE_INDEXSERVER_SEQUENCER_H

#include "cluster/log.h"
#include "indexserver/views.h"

struct sequencer;

/* What to append, and the pages that go with it: pages[i] belongs to entries[i] and may be NULL. */
struct batch {
    Log__Entry **entries;
    const Page__Page **pages;
    size_t count, capacity;
};

/* Adds to a batch. The entry and the page are borrowed until the job is done. Without memory: ends
 * the process. */
void batch_add(struct batch *batch, Log__Entry *entry, const Page__Page *page);
void batch_release(struct batch *batch);

struct sequencer_job {
    struct sequencer_job *next; /* the sequencer's */
    size_t bytes;               /* about how much memory it holds */
    bool alone;                 /* what was before it is applied before it is prepared */
    bool essential;             /* is not refused however much waits: nobody would try it again */
    /*
     * On the sequencer's thread, before the append: adds what the job wants appended, by the views
     * as they are. Returns false where the job has been dealt with and is no longer the
     * sequencer's.
     */
    bool (*prepare)(struct sequencer_job *job, struct batch *batch);
    /*
     * On the sequencer's thread, when its entries are in the log and in the views (STATUS_OK), or
     * it could not be done. Frees the job. `first` is the sequence of its first entry; 0: it had
     * none.
     */
    void (*done)(struct sequencer_job *job, enum status status, uint64_t first,
                 const struct error *err);
    /* The sequencer's: which of the batch's entries are the job's. */
    size_t first_entry, entry_count;
    uint64_t removed; /* pages that its entries removed */
};

struct sequencer_options {
    struct log_store *log;
    struct views *views;
    uint64_t epoch;
    size_t jobs_max;  /* that wait; more are refused; 0: 4096 */
    size_t bytes_max; /* that they hold; 0: 64 MiB */
    /* On the sequencer's thread after each round, and when the time comes that it returned
     * (clock_boot_ms(); INT64_MAX: when there are jobs). May call sequencer_append(). NULL: none.
     */
    int64_t (*tick)(void *context);
    /* Something was applied. NULL: none. */
    void (*applied)(void *context);
    /* The log or the views cannot be written: the process must end. On the sequencer's thread. */
    void (*failed)(void *context, const struct error *err);
    void *context;
};

enum status sequencer_start(const struct sequencer_options *options,
                            struct sequencer **ret_sequencer, struct error *err);
/* Does what waits, then ends. Accepts NULL. */
void sequencer_stop(struct sequencer *sequencer);

/* STATUS_OVERLOADED: too much waits; STATUS_UNAVAILABLE: it has ended. The job stays the caller's
 * then. Any thread. */
enum status sequencer_add(struct sequencer *sequencer, struct sequencer_job *job,
                          struct error *err);

/* Runs the tick soon. Any thread. */
void sequencer_wake(struct sequencer *sequencer);

/* Appends and applies at once. Only from tick() and prepare(). */
enum status sequencer_append(struct sequencer *sequencer, const struct batch *batch,
                             uint64_t *ret_first, uint64_t *ret_removed, struct error *err);

/*
 * Something besides an append could not be written: from now on nothing is, and `failed` is told.
 * Returns `status`. Only from tick(), prepare() and done().
 */
enum status sequencer_fail(struct sequencer *sequencer, enum status status,
                           const struct error *err);

#endif
