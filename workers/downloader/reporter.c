#include "downloader/reporter.h"

#include <pthread.h>
#include <stdlib.h>
#include <sys/timerfd.h>
#include <time.h>

#include "base/check.h"
#include "base/clock.h"
#include "base/file.h"
#include "base/log.h"
#include "rpc/message.h"

enum {
    REPORT_TIMEOUT_MS = 15000,
    BACK_OFF_MS_MIN = 100,
    BACK_OFF_MS_MAX = 5000,
};

struct reporter {
    struct reporter_options options;
    struct ledger *ledger; /* the options' */
    struct link *link;
    pthread_t thread;
    int deadline_fd;  /* a timer: readable when the stop's deadline is over */
    unsigned careful; /* so many reports carry one job each: one of them was refused */
    unsigned back_off_ms;
    bool was_away; /* said once */
};

static void take_reply(struct reporter *reporter, const Wire__ReportReply *reply)
{
    ledger_revoke(reporter->ledger, reply->revoked, reply->n_revoked);
    for (size_t i = 0; i < reply->n_more; i++) {
        Wire__HostLease *copy = message_copy(&reply->more[i]->base);
        if (copy != NULL) /* else they come with the next lease */
            reporter->options.more(reporter->options.more_context, copy);
    }
}

static enum status send_batch(struct reporter *reporter, const struct ledger_batch *batch,
                              struct error *err)
{
    Wire__Fetched *fetched[LEDGER_BATCH_JOBS];
    uint64_t finished[LEDGER_LEASES_MAX];
    Wire__ReportRequest request = WIRE__REPORT_REQUEST__INIT;
    for (size_t i = 0; i < batch->job_count; i++)
        fetched[i] = batch->jobs[i]->fetched;
    for (size_t i = 0; i < batch->finished_count; i++)
        finished[i] = batch->finished[i];
    request.fetched = fetched;
    request.n_fetched = batch->job_count;
    request.finished = finished;
    request.n_finished = batch->finished_count;
    request.running_out = (uint64_t *)batch->running_out;
    request.n_running_out = batch->running_out_count;
    struct arena arena = {0};
    void *reply;
    enum status status = link_call(reporter->link, WIRE__METHOD__REPORT, &request.base,
                                   &wire__report_reply__descriptor, &arena, REPORT_TIMEOUT_MS,
                                   reporter->deadline_fd, &reply, err);
    if (status == STATUS_OK)
        take_reply(reporter, reply);
    arena_release(&arena);
    return status;
}

/* Whether the same report may succeed another time. */
static bool may_succeed_later(enum status status)
{
    return status == STATUS_UNAVAILABLE || status == STATUS_TIMEOUT ||
           status == STATUS_OVERLOADED || status == STATUS_NO_SPACE || status == STATUS_NO_MEMORY ||
           status == STATUS_CANCELLED || status == STATUS_IO;
}

/* One that is refused for good: which of its jobs is to blame is found by sending them one by one,
 * and that one is given up. */
static void take_refusal(struct reporter *reporter, struct ledger_batch *batch,
                         const struct error *why)
{
    if (batch->job_count > 1) {
        reporter->careful = (unsigned)batch->job_count;
        ledger_put_back(reporter->ledger, batch);
        return;
    }
    log_warning("the indexserver refuses a report%s%s: %s", batch->job_count > 0 ? " on " : "",
                batch->job_count > 0 ? batch->jobs[0]->fetched->url : "", why->text);
    ledger_settle(reporter->ledger, batch);
}

static void wait_and_try_again(struct reporter *reporter, const struct error *why)
{
    if (!reporter->was_away)
        log_warning("fetched pages wait for the indexserver: %s", why->text);
    reporter->was_away = true;
    ledger_pause(reporter->ledger, reporter->back_off_ms);
    reporter->back_off_ms *= 2;
    if (reporter->back_off_ms > BACK_OFF_MS_MAX)
        reporter->back_off_ms = BACK_OFF_MS_MAX;
}

static void deliver(struct reporter *reporter, struct ledger_batch *batch)
{
    for (;;) {
        struct error err;
        ledger_prune(reporter->ledger, batch);
        if (batch->job_count == 0 && batch->finished_count == 0)
            return;
        enum status status = send_batch(reporter, batch, &err);
        if (status == STATUS_OK) {
            if (reporter->was_away)
                log_info("the indexserver takes reports again");
            reporter->was_away = false;
            reporter->back_off_ms = BACK_OFF_MS_MIN;
            ledger_settle(reporter->ledger, batch);
            return;
        }
        if (!may_succeed_later(status)) {
            take_refusal(reporter, batch, &err);
            return;
        }
        if (ledger_is_over(reporter->ledger)) {
            ledger_put_back(reporter->ledger, batch);
            return;
        }
        wait_and_try_again(reporter, &err);
    }
}

static void *run(void *context)
{
    struct reporter *reporter = context;
    struct ledger_batch batch;
    while (ledger_take(reporter->ledger, reporter->careful > 0 ? 1 : LEDGER_BATCH_JOBS, &batch)) {
        if (reporter->careful > 0)
            reporter->careful--;
        deliver(reporter, &batch);
    }
    return NULL;
}

enum status reporter_open(const struct reporter_options *options, struct reporter **ret_reporter,
                          struct error *err)
{
    struct reporter *reporter = calloc(1, sizeof(*reporter));
    if (reporter == NULL)
        return error_set(err, STATUS_NO_MEMORY, "reporter");
    reporter->options = *options;
    reporter->ledger = options->ledger;
    reporter->back_off_ms = BACK_OFF_MS_MIN;
    enum status status = link_open(&options->link, &reporter->link, err);
    if (status != STATUS_OK) {
        free(reporter);
        return status;
    }
    reporter->deadline_fd = timerfd_create(CLOCK_BOOTTIME, TFD_CLOEXEC);
    CHECK(reporter->deadline_fd >= 0);
    CHECK(pthread_create(&reporter->thread, NULL, run, reporter) == 0);
    *ret_reporter = reporter;
    return STATUS_OK;
}

void reporter_close(struct reporter *reporter, int64_t deadline_ms)
{
    if (reporter == NULL)
        return;
    struct itimerspec at = {
        .it_value = {.tv_sec = deadline_ms / 1000, .tv_nsec = deadline_ms % 1000 * 1000000}};
    CHECK(timerfd_settime(reporter->deadline_fd, TFD_TIMER_ABSTIME, &at, NULL) == 0);
    ledger_stop(reporter->ledger, deadline_ms);
    pthread_join(reporter->thread, NULL);
    link_close(reporter->link);
    fd_close(reporter->deadline_fd);
    free(reporter);
}
