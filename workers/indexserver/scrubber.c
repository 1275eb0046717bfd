#include "indexserver/scrubber.h"

#include <time.h>

#include "base/bytes.h"
#include "base/clock.h"
#include "base/log.h"

enum { LOOK_MS_MAX = 30 * 1000 };

static enum status compact(struct views *views, enum column column, uint64_t first, uint64_t last,
                           struct error *err)
{
    uint8_t from[8], end[8];
    put_be64(from, first);
    put_be64(end, last + 1);
    return kv_compact(views->kv, column, kv_slice(from, sizeof(from)), kv_slice(end, sizeof(end)),
                      err);
}

static void scrub(struct scrubber *scrubber)
{
    struct views *views = scrubber->views;
    struct error err = {0};
    pthread_mutex_lock(&views->lock);
    uint64_t first = views->scrub_first, last = views->scrub_last;
    pthread_mutex_unlock(&views->lock);
    if (last == 0)
        return;
    enum status status = log_scrub(views->log, first, last, &err);
    static const enum column columns[] = {COLUMN_PAGES, COLUMN_LINKS, COLUMN_FEED, COLUMN_UNPARSED};
    for (size_t i = 0; i < sizeof(columns) / sizeof(columns[0]) && status == STATUS_OK; i++)
        status = compact(views, columns[i], first, last, &err);
    if (status != STATUS_OK) {
        log_warning("removed pages are still on the disk: %s", err.text);
        return;
    }
    views_scrubbed(views, first, last);
    log_info("removed pages are off the disk");
}

/* Waits; returns false for the end. */
static bool rest(struct scrubber *scrubber)
{
    struct timespec until;
    unsigned wait = scrubber->after_ms < LOOK_MS_MAX ? scrubber->after_ms : LOOK_MS_MAX;
    clock_gettime(CLOCK_MONOTONIC, &until);
    until.tv_sec += wait / 1000;
    until.tv_nsec += (long)(wait % 1000) * 1000000;
    if (until.tv_nsec >= 1000000000) {
        until.tv_sec++;
        until.tv_nsec -= 1000000000;
    }
    pthread_mutex_lock(&scrubber->lock);
    if (!scrubber->stopping)
        pthread_cond_timedwait(&scrubber->wake, &scrubber->lock, &until);
    bool stopping = scrubber->stopping;
    pthread_mutex_unlock(&scrubber->lock);
    return !stopping;
}

static void *run(void *context)
{
    struct scrubber *scrubber = context;
    int64_t since_ms = 0; /* when there was first something to scrub */
    while (rest(scrubber)) {
        pthread_mutex_lock(&scrubber->views->lock);
        bool any = scrubber->views->scrub_last != 0;
        pthread_mutex_unlock(&scrubber->views->lock);
        if (!any) {
            since_ms = 0;
        } else if (since_ms == 0) {
            since_ms = clock_boot_ms();
        } else if (clock_boot_ms() - since_ms >= scrubber->after_ms) {
            scrub(scrubber);
            since_ms = 0;
        }
    }
    return NULL;
}

enum status scrubber_start(struct scrubber *scrubber, struct views *views, unsigned after_ms,
                           struct error *err)
{
    pthread_condattr_t attributes;
    scrubber->views = views;
    scrubber->after_ms = after_ms;
    pthread_mutex_init(&scrubber->lock, NULL);
    pthread_condattr_init(&attributes);
    pthread_condattr_setclock(&attributes, CLOCK_MONOTONIC);
    pthread_cond_init(&scrubber->wake, &attributes);
    pthread_condattr_destroy(&attributes);
    int result = pthread_create(&scrubber->thread, NULL, run, scrubber);
    if (result != 0)
        return error_set_errno(err, result, "the scrubber's thread");
    scrubber->started = true;
    return STATUS_OK;
}

void scrubber_stop(struct scrubber *scrubber)
{
    if (!scrubber->started)
        return;
    pthread_mutex_lock(&scrubber->lock);
    scrubber->stopping = true;
    pthread_cond_signal(&scrubber->wake);
    pthread_mutex_unlock(&scrubber->lock);
    pthread_join(scrubber->thread, NULL);
    pthread_cond_destroy(&scrubber->wake);
    pthread_mutex_destroy(&scrubber->lock);
    scrubber->started = false;
}
