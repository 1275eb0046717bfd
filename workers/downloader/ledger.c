#include "downloader/ledger.h"

#include <errno.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "base/check.h"
#include "base/clock.h"

struct lease {
    uint64_t id;
    uint32_t expires_ms; /* how long each prolonging lasts */
    int64_t ends_ms;
    unsigned unreported; /* jobs begun and neither settled nor dropped */
    bool finishing;
    bool running_out; /* few of its URLs are left */
    bool revoked;
};

struct ledger {
    void (*wake)(void *context);
    void *context;
    pthread_mutex_t mutex;
    pthread_cond_t changed; /* by CLOCK_MONOTONIC */
    struct lease leases[LEDGER_LEASES_MAX];
    size_t lease_count;
    struct job *first, **end; /* to be reported, oldest first */
    size_t backlog;           /* bytes of all jobs */
    bool refused;             /* a fetch was not allowed to begin since the last wake */
    bool leasing_stopped;
    bool stopped;
    int64_t deadline_ms;
};

enum status ledger_open(void (*wake)(void *context), void *context, struct ledger **ret_ledger,
                        struct error *err)
{
    struct ledger *ledger = calloc(1, sizeof(*ledger));
    if (ledger == NULL)
        return error_set(err, STATUS_NO_MEMORY, "ledger");
    ledger->wake = wake;
    ledger->context = context;
    ledger->end = &ledger->first;
    pthread_condattr_t attributes;
    pthread_condattr_init(&attributes);
    pthread_condattr_setclock(&attributes, CLOCK_MONOTONIC);
    pthread_cond_init(&ledger->changed, &attributes);
    pthread_condattr_destroy(&attributes);
    pthread_mutex_init(&ledger->mutex, NULL);
    *ret_ledger = ledger;
    return STATUS_OK;
}

void ledger_close(struct ledger *ledger)
{
    if (ledger == NULL)
        return;
    while (ledger->first != NULL) {
        struct job *job = ledger->first;
        ledger->first = job->next;
        job_free(job);
    }
    pthread_cond_destroy(&ledger->changed);
    pthread_mutex_destroy(&ledger->mutex);
    free(ledger);
}

static void lock(struct ledger *ledger)
{
    CHECK(pthread_mutex_lock(&ledger->mutex) == 0);
}

/* Tells every waiting thread; the fetching one only when it waits for this. */
static void unlock_changed(struct ledger *ledger)
{
    bool wake = ledger->refused;
    ledger->refused = false;
    pthread_cond_broadcast(&ledger->changed);
    pthread_mutex_unlock(&ledger->mutex);
    if (wake)
        ledger->wake(ledger->context);
}

static void unlock(struct ledger *ledger)
{
    pthread_mutex_unlock(&ledger->mutex);
}

/* Waits at most `wait_ms`; false when that is over. */
static bool wait_changed(struct ledger *ledger, int64_t wait_ms)
{
    struct timespec until;
    clock_gettime(CLOCK_MONOTONIC, &until);
    int64_t ns = until.tv_nsec + (wait_ms > 0 ? wait_ms % 1000 : 0) * 1000000;
    until.tv_sec += (wait_ms > 0 ? wait_ms / 1000 : 0) + ns / 1000000000;
    until.tv_nsec = ns % 1000000000;
    return pthread_cond_timedwait(&ledger->changed, &ledger->mutex, &until) != ETIMEDOUT;
}

/* ---- leases ---- */

static struct lease *find(struct ledger *ledger, uint64_t id)
{
    for (size_t i = 0; i < ledger->lease_count; i++) {
        if (ledger->leases[i].id == id)
            return &ledger->leases[i];
    }
    return NULL;
}

static void forget_lease(struct ledger *ledger, uint64_t id)
{
    struct lease *lease = find(ledger, id);
    if (lease != NULL)
        *lease = ledger->leases[--ledger->lease_count];
}

bool ledger_add(struct ledger *ledger, uint64_t id, uint32_t expires_ms, int64_t now_ms)
{
    lock(ledger);
    bool added = ledger->lease_count < LEDGER_LEASES_MAX && find(ledger, id) == NULL;
    if (added)
        ledger->leases[ledger->lease_count++] =
            (struct lease){.id = id, .expires_ms = expires_ms, .ends_ms = now_ms + expires_ms};
    unlock_changed(ledger);
    return added;
}

size_t ledger_held(struct ledger *ledger, uint64_t *ret)
{
    lock(ledger);
    size_t count = ledger->lease_count;
    for (size_t i = 0; i < count; i++)
        ret[i] = ledger->leases[i].id;
    unlock(ledger);
    return count;
}

void ledger_prolong(struct ledger *ledger, const uint64_t *leases, size_t count, int64_t asked_ms)
{
    lock(ledger);
    for (size_t i = 0; i < count; i++) {
        struct lease *lease = find(ledger, leases[i]);
        if (lease != NULL && lease->ends_ms > asked_ms) /* one that had ended stays so */
            lease->ends_ms = asked_ms + lease->expires_ms;
    }
    unlock(ledger);
}

unsigned ledger_wait_for_room(struct ledger *ledger, int64_t until_ms)
{
    unsigned room = 0;
    lock(ledger);
    for (;;) {
        if (ledger->backlog < LEDGER_BACKLOG_BYTES && ledger->lease_count < LEDGER_LEASES_WANTED)
            room = (unsigned)(LEDGER_LEASES_WANTED - ledger->lease_count);
        int64_t left_ms = until_ms - clock_boot_ms();
        if (room > 0 || left_ms <= 0 || ledger->leasing_stopped)
            break;
        wait_changed(ledger, left_ms);
    }
    unlock(ledger);
    return room;
}

void ledger_stop_leasing(struct ledger *ledger)
{
    lock(ledger);
    ledger->leasing_stopped = true;
    unlock_changed(ledger);
}

int64_t ledger_first_end_ms(struct ledger *ledger)
{
    int64_t first_ms = INT64_MAX;
    lock(ledger);
    for (size_t i = 0; i < ledger->lease_count; i++) {
        if (ledger->leases[i].ends_ms < first_ms)
            first_ms = ledger->leases[i].ends_ms;
    }
    unlock(ledger);
    return first_ms;
}

void ledger_note_left(struct ledger *ledger, uint64_t id, size_t left)
{
    lock(ledger);
    struct lease *lease = find(ledger, id);
    if (lease != NULL)
        lease->running_out = left <= LEDGER_FEW_URLS;
    unlock(ledger);
}

static bool holds(struct ledger *ledger, uint64_t id, int64_t now_ms)
{
    const struct lease *lease = find(ledger, id);
    return lease != NULL && lease->ends_ms > now_ms;
}

enum ledger_word ledger_ask(struct ledger *ledger, uint64_t id)
{
    lock(ledger);
    const struct lease *lease = find(ledger, id);
    enum ledger_word word = lease == NULL || lease->ends_ms <= clock_boot_ms() ? LEDGER_OVER
                            : lease->revoked                                   ? LEDGER_REVOKED
                                                                               : LEDGER_GO_ON;
    unlock(ledger);
    return word;
}

bool ledger_holds(struct ledger *ledger, uint64_t id)
{
    return ledger_ask(ledger, id) != LEDGER_OVER;
}

void ledger_revoke(struct ledger *ledger, const uint64_t *leases, size_t count)
{
    bool any = false;
    lock(ledger);
    for (size_t i = 0; i < count; i++) {
        struct lease *lease = find(ledger, leases[i]);
        if (lease == NULL || lease->revoked)
            continue;
        lease->revoked = any = true;
    }
    ledger->refused = ledger->refused || any; /* so that the fetching thread hears of it */
    unlock_changed(ledger);
}

void ledger_finish(struct ledger *ledger, uint64_t id)
{
    lock(ledger);
    struct lease *lease = find(ledger, id);
    if (lease != NULL)
        lease->finishing = true;
    unlock_changed(ledger);
}

void ledger_pause(struct ledger *ledger, int64_t wait_ms)
{
    int64_t until_ms = clock_boot_ms() + wait_ms;
    lock(ledger);
    bool was_stopped = ledger->stopped;
    if (was_stopped && until_ms > ledger->deadline_ms)
        until_ms = ledger->deadline_ms;
    for (int64_t left_ms = until_ms - clock_boot_ms();
         left_ms > 0 && ledger->stopped == was_stopped; left_ms = until_ms - clock_boot_ms())
        wait_changed(ledger, left_ms);
    unlock(ledger);
}

/* ---- jobs ---- */

bool ledger_may_begin(struct ledger *ledger, uint64_t id)
{
    lock(ledger);
    const struct lease *lease = find(ledger, id);
    bool may = lease != NULL && lease->unreported < LEDGER_UNREPORTED_MAX &&
               ledger->backlog < LEDGER_BACKLOG_BYTES;
    ledger->refused = ledger->refused || !may;
    unlock(ledger);
    return may;
}

static void weigh(struct ledger *ledger, struct job *job, size_t weight)
{
    CHECK(ledger->backlog >= job->weight);
    ledger->backlog = ledger->backlog - job->weight + weight;
    job->weight = weight;
}

void ledger_begin(struct ledger *ledger, struct job *job)
{
    lock(ledger);
    struct lease *lease = find(ledger, job->lease);
    if (lease != NULL)
        lease->unreported++;
    weigh(ledger, job, job_weight(job));
    unlock(ledger);
}

void ledger_weigh(struct ledger *ledger, struct job *job)
{
    lock(ledger);
    weigh(ledger, job, job_weight(job));
    unlock(ledger);
}

void ledger_report(struct ledger *ledger, struct job *job)
{
    lock(ledger);
    weigh(ledger, job, job_weight(job));
    job->next = NULL;
    *ledger->end = job;
    ledger->end = &job->next;
    unlock_changed(ledger);
}

/* The job's end, delivered or not. */
static void end_job(struct ledger *ledger, struct job *job)
{
    struct lease *lease = find(ledger, job->lease);
    if (lease != NULL && lease->unreported > 0)
        lease->unreported--;
    weigh(ledger, job, 0);
    job_free(job);
}

void ledger_drop(struct ledger *ledger, struct job *job)
{
    lock(ledger);
    end_job(ledger, job);
    unlock_changed(ledger);
}

/* ---- reporting ---- */

static void take_jobs(struct ledger *ledger, size_t job_max, struct ledger_batch *batch)
{
    size_t bytes = 0;
    while (ledger->first != NULL && batch->job_count < job_max) {
        struct job *job = ledger->first;
        if (batch->job_count > 0 && bytes + job->weight > LEDGER_BATCH_BYTES)
            break;
        bytes += job->weight;
        batch->jobs[batch->job_count++] = job;
        ledger->first = job->next;
        job->next = NULL;
    }
    if (ledger->first == NULL)
        ledger->end = &ledger->first;
}

static unsigned jobs_of(const struct ledger_batch *batch, uint64_t lease)
{
    unsigned count = 0;
    for (size_t i = 0; i < batch->job_count; i++)
        count += batch->jobs[i]->lease == lease;
    return count;
}

/* Leases whose last jobs are in the batch end with it. One whose time is over ends by itself. */
static void take_finished(struct ledger *ledger, struct ledger_batch *batch)
{
    int64_t now_ms = clock_boot_ms();
    size_t i = 0;
    while (i < ledger->lease_count) {
        struct lease *lease = &ledger->leases[i];
        if (lease->finishing && lease->unreported == 0 && lease->ends_ms <= now_ms) {
            forget_lease(ledger, lease->id);
            continue;
        }
        if (lease->finishing && lease->unreported == jobs_of(batch, lease->id))
            batch->finished[batch->finished_count++] = lease->id;
        i++;
    }
}

/* Only together with a job: what a report brings is what makes more URLs known. */
static void take_running_out(struct ledger *ledger, struct ledger_batch *batch)
{
    for (size_t i = 0; i < ledger->lease_count; i++) {
        const struct lease *lease = &ledger->leases[i];
        if (lease->running_out && !lease->finishing && !lease->revoked &&
            jobs_of(batch, lease->id) > 0)
            batch->running_out[batch->running_out_count++] = lease->id;
    }
}

static bool is_over(const struct ledger *ledger)
{
    return ledger->stopped && clock_boot_ms() >= ledger->deadline_ms;
}

bool ledger_take(struct ledger *ledger, size_t job_max, struct ledger_batch *ret_batch)
{
    CHECK(job_max >= 1 && job_max <= LEDGER_BATCH_JOBS);
    memset(ret_batch, 0, sizeof(*ret_batch));
    bool going_on = true;
    lock(ledger);
    for (;;) {
        if (is_over(ledger)) {
            going_on = false;
            break;
        }
        take_jobs(ledger, job_max, ret_batch);
        take_finished(ledger, ret_batch);
        take_running_out(ledger, ret_batch);
        if (ret_batch->job_count > 0 || ret_batch->finished_count > 0)
            break;
        if (ledger->stopped && ledger->lease_count == 0) {
            going_on = false;
            break;
        }
        wait_changed(ledger, ledger->stopped ? ledger->deadline_ms - clock_boot_ms() : 60000);
    }
    unlock(ledger);
    return going_on;
}

void ledger_prune(struct ledger *ledger, struct ledger_batch *batch)
{
    int64_t now_ms = clock_boot_ms();
    size_t kept = 0, kept_finished = 0;
    lock(ledger);
    for (size_t i = 0; i < batch->job_count; i++) {
        if (holds(ledger, batch->jobs[i]->lease, now_ms))
            batch->jobs[kept++] = batch->jobs[i];
        else
            end_job(ledger, batch->jobs[i]);
    }
    for (size_t i = 0; i < batch->finished_count; i++) {
        if (holds(ledger, batch->finished[i], now_ms))
            batch->finished[kept_finished++] = batch->finished[i];
        else
            forget_lease(ledger, batch->finished[i]);
    }
    batch->job_count = kept;
    batch->finished_count = kept_finished;
    unlock_changed(ledger);
}

void ledger_settle(struct ledger *ledger, struct ledger_batch *batch)
{
    lock(ledger);
    for (size_t i = 0; i < batch->job_count; i++)
        end_job(ledger, batch->jobs[i]);
    for (size_t i = 0; i < batch->finished_count; i++)
        forget_lease(ledger, batch->finished[i]);
    batch->job_count = batch->finished_count = batch->running_out_count = 0;
    unlock_changed(ledger);
}

void ledger_put_back(struct ledger *ledger, struct ledger_batch *batch)
{
    lock(ledger);
    for (size_t i = batch->job_count; i > 0; i--) {
        struct job *job = batch->jobs[i - 1];
        if (ledger->first == NULL)
            ledger->end = &job->next;
        job->next = ledger->first;
        ledger->first = job;
    }
    batch->job_count = batch->finished_count = batch->running_out_count =
        0; /* still finishing: found again */
    unlock_changed(ledger);
}

void ledger_stop(struct ledger *ledger, int64_t deadline_ms)
{
    lock(ledger);
    ledger->stopped = true;
    ledger->deadline_ms = deadline_ms;
    unlock_changed(ledger);
}

bool ledger_is_over(struct ledger *ledger)
{
    lock(ledger);
    bool over = is_over(ledger);
    unlock(ledger);
    return over;
}
