#include "indexserver/sequencer.h"

#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "base/check.h"
#include "base/clock.h"
#include "base/log.h"
#include "indexserver/unfinished.h"

enum {
    JOBS_DEFAULT = 4096,
    BYTES_DEFAULT = 64 * 1024 * 1024,
    ROUND_JOBS_MAX = 512,
    ROUND_BYTES_MAX = 16 * 1024 * 1024, /* one append's worth */
    CATCH_UP_ENTRIES = 500,             /* replayed before the queue is looked at again */
    OLD_PAGES = 500,
};

struct sequencer {
    struct sequencer_options options;
    pthread_t thread;
    pthread_mutex_t lock;
    pthread_cond_t changed; /* by CLOCK_MONOTONIC */
    /* under the lock */
    struct sequencer_job *first, **last;
    size_t job_count;
    size_t job_bytes;
    bool stopping;
    bool woken;
    bool ended;
    /* the thread's */
    bool broken;
    struct error failure;
    bool finished_removals; /* those that an earlier process left */
    bool looked_for_old_pages;
};

void batch_add(struct batch *batch, Log__Entry *entry, const Page__Page *page)
{
    if (batch->count == batch->capacity) {
        batch->capacity = batch->capacity == 0 ? 64 : batch->capacity * 2;
        batch->entries =
            check_alloc(realloc(batch->entries, batch->capacity * sizeof(*batch->entries)));
        batch->pages = check_alloc(realloc(batch->pages, batch->capacity * sizeof(*batch->pages)));
    }
    batch->entries[batch->count] = entry;
    batch->pages[batch->count++] = page;
}

void batch_release(struct batch *batch)
{
    free(batch->entries);
    free(batch->pages);
    *batch = (struct batch){0};
}

/* ---- appending ----------------------------------------------------------------------------------
 */

/* After this nothing is written any more: what the views hold may differ from the log. */
static enum status break_down(struct sequencer *s, enum status status, const struct error *err)
{
    if (!s->broken) {
        s->broken = true;
        s->failure = *err;
        if (s->options.failed != NULL)
            s->options.failed(s->options.context, err);
    }
    return status;
}

enum status sequencer_fail(struct sequencer *sequencer, enum status status, const struct error *err)
{
    return break_down(sequencer, status, err);
}

/* A removal that reached its limit is appended again; *ret_more: something is left for it even now.
 * It is noted in the views, so that it goes on where the process ends before that is done. */
static enum status append_again(struct sequencer *s, Log__Entry *entry, bool *ret_more,
                                uint64_t *removed, struct error *err)
{
    uint64_t sequence, count = 0;
    enum status status = log_append(s->options.log, s->options.epoch, &entry, 1, &sequence, err);
    if (status == STATUS_OK)
        status = views_apply(s->options.views, sequence, entry, NULL, ret_more, &count, err);
    *removed += count;
    return status;
}

static enum status append_rest(struct sequencer *s, Log__Entry *entry, uint64_t *removed,
                               struct error *err)
{
    bool more = true;
    enum status status = STATUS_OK;
    while (more && status == STATUS_OK)
        status = append_again(s, entry, &more, removed, err);
    return status;
}

static enum status apply_all(struct sequencer *s, const struct batch *batch, uint64_t first,
                             uint64_t *removed, struct error *err)
{
    enum status status = STATUS_OK;
    for (size_t i = 0; i < batch->count && status == STATUS_OK; i++) {
        bool more = false;
        uint64_t count = 0;
        status = views_apply(s->options.views, first + i, batch->entries[i], batch->pages[i], &more,
                             &count, err);
        if (status == STATUS_OK && more)
            status = append_rest(s, batch->entries[i], &count, err);
        removed[i] = count;
    }
    if (status == STATUS_OK)
        status = views_sync(s->options.views, err);
    if (status == STATUS_OK)
        status = views_forget(s->options.views, err);
    return status;
}

/* `removed` has a place for each entry. */
static enum status append(struct sequencer *s, const struct batch *batch, uint64_t *ret_first,
                          uint64_t *removed, struct error *err)
{
    if (s->broken) {
        *err = s->failure;
        return STATUS_UNAVAILABLE;
    }
    *ret_first = 0;
    if (batch->count == 0)
        return STATUS_OK;
    int64_t now_us = clock_unix_us();
    for (size_t i = 0; i < batch->count; i++) {
        if (batch->entries[i]->time_us == 0) /* content that is appended again keeps its time */
            batch->entries[i]->time_us = now_us;
    }
    enum status status =
        log_append(s->options.log, s->options.epoch, batch->entries, batch->count, ret_first, err);
    if (status == STATUS_TOO_LARGE)
        return status; /* nothing was written */
    if (status == STATUS_OK)
        status = apply_all(s, batch, *ret_first, removed, err);
    if (status != STATUS_OK)
        return break_down(s, status, err);
    if (s->options.applied != NULL)
        s->options.applied(s->options.context);
    return STATUS_OK;
}

enum status sequencer_append(struct sequencer *sequencer, const struct batch *batch,
                             uint64_t *ret_first, uint64_t *ret_removed, struct error *err)
{
    uint64_t *removed = check_alloc(calloc(batch->count + 1, sizeof(*removed)));
    enum status status = append(sequencer, batch, ret_first, removed, err);
    for (size_t i = 0; ret_removed != NULL && i < batch->count; i++)
        *ret_removed += removed[i];
    free(removed);
    return status;
}

/* ---- rounds
 * --------------------------------------------------------------------------------------- */

/* Takes from the queue what makes one append. */
static struct sequencer_job *take_jobs(struct sequencer *s)
{
    size_t bytes = 0, count = 0;
    struct sequencer_job *first = s->first, **end = &first;
    while (*end != NULL && count < ROUND_JOBS_MAX && bytes <= ROUND_BYTES_MAX) {
        if ((*end)->alone && count > 0)
            break;
        bytes += (*end)->bytes;
        count++;
        bool alone = (*end)->alone;
        end = &(*end)->next;
        if (alone)
            break;
    }
    s->first = *end;
    *end = NULL;
    if (s->first == NULL)
        s->last = &s->first;
    s->job_count -= count;
    s->job_bytes -= bytes;
    return first;
}

/* Gathers the entries of the jobs; returns those that wait for the append. */
static struct sequencer_job *prepare_jobs(struct sequencer_job *jobs, struct batch *batch)
{
    struct sequencer_job *kept = NULL, **last = &kept;
    while (jobs != NULL) {
        struct sequencer_job *job = jobs;
        jobs = job->next;
        job->next = NULL;
        job->first_entry = batch->count;
        if (!job->prepare(job, batch))
            continue;
        job->entry_count = batch->count - job->first_entry;
        *last = job;
        last = &job->next;
    }
    return kept;
}

static void finish_jobs(struct sequencer_job *jobs, enum status status, uint64_t first,
                        const uint64_t *removed, const struct error *err)
{
    while (jobs != NULL) {
        struct sequencer_job *job = jobs;
        jobs = job->next;
        for (size_t i = 0; i < job->entry_count; i++)
            job->removed += removed[job->first_entry + i];
        job->done(job, status, job->entry_count == 0 ? 0 : first + job->first_entry, err);
    }
}

static void run_round(struct sequencer *s, struct sequencer_job *jobs)
{
    struct batch batch = {0};
    struct error err = {0};
    uint64_t first = 0;
    jobs = prepare_jobs(jobs, &batch);
    uint64_t *removed = check_alloc(calloc(batch.count + 1, sizeof(*removed)));
    enum status status = append(s, &batch, &first, removed, &err);
    finish_jobs(jobs, status, first, removed, &err);
    batch_release(&batch);
    free(removed);
}

/* ---- removals that the end of the process cut short
 * ------------------------------------------------------------ */

static bool is_stopping(struct sequencer *s)
{
    pthread_mutex_lock(&s->lock);
    bool stopping = s->stopping;
    pthread_mutex_unlock(&s->lock);
    return stopping;
}

/* One of them; STATUS_END: there is none. */
static enum status finish_removal(struct sequencer *s, struct arena *arena, struct error *err)
{
    bool more = true;
    uint64_t removed = 0;
    Log__Entry entry = LOG__ENTRY__INIT;
    entry.time_us = clock_unix_us();
    entry.kind_case = LOG__ENTRY__KIND_REMOVE;
    enum status status = unfinished_find(s->options.views, arena, &entry.remove, err);
    if (status == STATUS_OK && entry.remove == NULL)
        return STATUS_END;
    while (more && status == STATUS_OK && !is_stopping(s))
        status = append_again(s, &entry, &more, &removed, err);
    if (status == STATUS_OK)
        status = views_sync(s->options.views, err);
    if (status == STATUS_OK)
        status = views_forget(s->options.views, err);
    if (status != STATUS_OK)
        return status;
    log_info("the removal of %s went on: %lu pages more", entry.remove->value, removed);
    if (s->options.applied != NULL)
        s->options.applied(s->options.context);
    return STATUS_OK;
}

/* Before anything else is prepared, so that what is submitted again later stays. */
static void finish_removals(struct sequencer *s)
{
    struct arena arena = {0};
    struct error err = {0};
    enum status status = STATUS_OK;
    while (status == STATUS_OK && !is_stopping(s))
        status = finish_removal(s, &arena, &err);
    if (status != STATUS_OK && status != STATUS_END)
        break_down(s, status, &err);
    s->finished_removals = true;
    arena_release(&arena);
}

/* ---- upkeep -----------------------------------------------------------------------------------
 */

/* Work that waits for no one: false when there is none left. */
static bool run_upkeep(struct sequencer *s)
{
    struct error err = {0};
    bool done = true;
    if (s->broken)
        return false;
    if (!views_caught_up(s->options.views)) {
        if (s->options.views->trouble.status != STATUS_OK)
            return false;
        enum status status = views_catch_up(s->options.views, CATCH_UP_ENTRIES, &done, &err);
        if (status == STATUS_CORRUPT || status == STATUS_UNSUPPORTED) {
            log_error("the log cannot be read on, the crawl stands still: %s", err.text);
            pthread_mutex_lock(&s->options.views->lock);
            s->options.views->trouble = err;
            pthread_mutex_unlock(&s->options.views->lock);
        } else if (status != STATUS_OK) {
            break_down(s, status, &err);
        } else if (done && s->options.applied != NULL) {
            s->options.applied(s->options.context);
        }
        return status == STATUS_OK;
    }
    if (!s->looked_for_old_pages) {
        enum status status = views_find_old_pages(s->options.views, OLD_PAGES, &done, &err);
        if (status != STATUS_OK)
            break_down(s, status, &err);
        s->looked_for_old_pages = done;
        return !done;
    }
    return false;
}

static void wait_until(struct sequencer *s, int64_t at_ms)
{
    int64_t wait = at_ms - clock_boot_ms();
    if (at_ms == INT64_MAX) {
        pthread_cond_wait(&s->changed, &s->lock);
        return;
    }
    if (wait <= 0)
        return;
    struct timespec until;
    clock_gettime(CLOCK_MONOTONIC, &until);
    until.tv_sec += wait / 1000;
    until.tv_nsec += wait % 1000 * 1000000;
    if (until.tv_nsec >= 1000000000) {
        until.tv_sec++;
        until.tv_nsec -= 1000000000;
    }
    pthread_cond_timedwait(&s->changed, &s->lock, &until);
}

static void *run(void *context)
{
    struct sequencer *s = context;
    int64_t next_tick_ms = 0;
    bool more_upkeep = true;
    for (;;) {
        pthread_mutex_lock(&s->lock);
        while (s->first == NULL && !s->stopping && !s->woken && !more_upkeep &&
               clock_boot_ms() < next_tick_ms)
            wait_until(s, next_tick_ms);
        bool stop = s->stopping && s->first == NULL;
        s->woken = false;
        s->ended = stop;
        struct sequencer_job *jobs = take_jobs(s);
        pthread_mutex_unlock(&s->lock);
        if (stop)
            return NULL;
        if (!s->finished_removals && views_caught_up(s->options.views))
            finish_removals(s);
        if (jobs != NULL)
            run_round(s, jobs);
        if (more_upkeep)
            more_upkeep = run_upkeep(s);
        next_tick_ms = s->options.tick == NULL ? INT64_MAX : s->options.tick(s->options.context);
    }
}

/* ---- for other threads
 * --------------------------------------------------------------------------------- */

enum status sequencer_start(const struct sequencer_options *options,
                            struct sequencer **ret_sequencer, struct error *err)
{
    struct sequencer *s = check_alloc(calloc(1, sizeof(*s)));
    pthread_condattr_t attributes;
    s->options = *options;
    if (s->options.jobs_max == 0)
        s->options.jobs_max = JOBS_DEFAULT;
    if (s->options.bytes_max == 0)
        s->options.bytes_max = BYTES_DEFAULT;
    s->last = &s->first;
    pthread_mutex_init(&s->lock, NULL);
    pthread_condattr_init(&attributes);
    pthread_condattr_setclock(&attributes, CLOCK_MONOTONIC);
    pthread_cond_init(&s->changed, &attributes);
    pthread_condattr_destroy(&attributes);
    /* The thread may use what the caller gets here from its first moment on. */
    *ret_sequencer = s;
    int result = pthread_create(&s->thread, NULL, run, s);
    if (result != 0) {
        *ret_sequencer = NULL;
        free(s);
        return error_set_errno(err, result, "the writer's thread");
    }
    return STATUS_OK;
}

void sequencer_stop(struct sequencer *sequencer)
{
    if (sequencer == NULL)
        return;
    pthread_mutex_lock(&sequencer->lock);
    sequencer->stopping = true;
    pthread_cond_signal(&sequencer->changed);
    pthread_mutex_unlock(&sequencer->lock);
    pthread_join(sequencer->thread, NULL);
    pthread_cond_destroy(&sequencer->changed);
    pthread_mutex_destroy(&sequencer->lock);
    free(sequencer);
}

enum status sequencer_add(struct sequencer *sequencer, struct sequencer_job *job, struct error *err)
{
    struct sequencer *s = sequencer;
    enum status status = STATUS_OK;
    pthread_mutex_lock(&s->lock);
    if (s->stopping || s->ended) {
        status = error_set(err, STATUS_UNAVAILABLE, "shutting down");
    } else if (!job->essential && (s->job_count >= s->options.jobs_max ||
                                   s->job_bytes + job->bytes > s->options.bytes_max)) {
        status = error_set(err, STATUS_OVERLOADED, "%zu requests wait to be written", s->job_count);
    } else {
        job->next = NULL;
        *s->last = job;
        s->last = &job->next;
        s->job_count++;
        s->job_bytes += job->bytes;
        pthread_cond_signal(&s->changed);
    }
    pthread_mutex_unlock(&s->lock);
    return status;
}

void sequencer_wake(struct sequencer *sequencer)
{
    pthread_mutex_lock(&sequencer->lock);
    sequencer->woken = true;
    pthread_cond_signal(&sequencer->changed);
    pthread_mutex_unlock(&sequencer->lock);
}
