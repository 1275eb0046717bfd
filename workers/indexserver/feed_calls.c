#include "indexserver/feed_calls.h"

#include <time.h>

#include "base/clock.h"
#include "indexserver/feed.h"

struct feed_call { /* in the call's arena */
    struct rpc_call *call;
    Wire__FeedRequest *request; /* its `ahead` moves on while it waits */
    enum feed_reader_kind kind;
    int64_t until_ms;
    struct feed_call *next;
};

enum { LOOK_MS_MAX = 1000 }; /* for callers that gave up */

/* ---- readers --------------------------------------------------------------------------------- */

static bool is_silent(const struct feed_reader *reader)
{
    return reader->member == 0 || clock_boot_ms() - reader->seen_ms > FEED_READER_SILENT_MS;
}

/* Remembers how far it is. A reader that begins at the start is known from there on. */
static enum feed_reader_kind note_reader(struct feed_calls *calls, const Wire__FeedRequest *request)
{
    struct feed_reader *place = &calls->readers[0];
    if (request->member == 0)
        return FEED_READER_NEW;
    for (int i = 0; i < FEED_READERS_MAX; i++) {
        struct feed_reader *reader = &calls->readers[i];
        if (reader->member == request->member) {
            place = reader;
            break;
        }
        if (reader->seen_ms < place->seen_ms)
            place = reader;
    }
    bool known = place->member == request->member && !is_silent(place);
    *place = (struct feed_reader){request->member, request->from == 0 ? 0 : request->from - 1,
                                  clock_boot_ms()};
    return known ? FEED_READER_KNOWN : FEED_READER_NEW;
}

static uint64_t oldest_position(const struct feed_calls *calls)
{
    uint64_t oldest = UINT64_MAX;
    for (int i = 0; i < FEED_READERS_MAX; i++) {
        const struct feed_reader *reader = &calls->readers[i];
        if (!is_silent(reader) && reader->position < oldest)
            oldest = reader->position;
    }
    return oldest == UINT64_MAX ? 0 : oldest;
}

/* What every reader had passed at least `settle_ms` ago. */
static uint64_t settled_position(struct feed_calls *calls)
{
    uint64_t oldest = oldest_position(calls);
    int64_t now = clock_boot_ms();
    if (oldest < calls->settling) { /* one that is further behind */
        calls->settling = oldest;
        calls->settling_since_ms = now;
    }
    if (now - calls->settling_since_ms >= calls->settle_ms) {
        calls->settled = calls->settling;
        calls->settling = oldest;
        calls->settling_since_ms = now;
    }
    return calls->settled < oldest ? calls->settled : oldest;
}

/* It is told to begin at the start: until it does it counts for nothing. */
static void forget_reader(struct feed_calls *calls, uint64_t member)
{
    pthread_mutex_lock(&calls->lock);
    for (int i = 0; i < FEED_READERS_MAX; i++) {
        if (calls->readers[i].member == member)
            calls->readers[i] = (struct feed_reader){0};
    }
    pthread_mutex_unlock(&calls->lock);
}

uint64_t feed_calls_oldest(struct feed_calls *calls)
{
    pthread_mutex_lock(&calls->lock);
    uint64_t oldest = oldest_position(calls);
    pthread_mutex_unlock(&calls->lock);
    return oldest;
}

/* ---- answers -------------------------------------------------------------------------------- */

/* Answers where there is something to say, or `at_once`. Returns whether it did. */
static bool answer(struct feed_calls *calls, const struct feed_call *feed, bool at_once)
{
    Wire__FeedReply reply;
    struct error err = {0};
    struct rpc_call *call = feed->call;
    Wire__FeedRequest *request = feed->request;
    bool news = false;
    enum status status =
        feed_read(calls->views, request, feed->kind, rpc_call_arena(call), &reply, &news, &err);
    if (status != STATUS_OK) {
        rpc_call_fail(call, status, "%s", err.text);
        return true;
    }
    if (reply.restart)
        forget_reader(calls, request->member);
    request->ahead = reply.ahead;
    if (!news && !at_once)
        return false;
    rpc_call_reply(call, &reply.base);
    return true;
}

/* ---- the thread --------------------------------------------------------------------------------
 */

/* Goes through the calls that wait; returns when to look again. */
static int64_t answer_waiting(struct feed_calls *calls, struct feed_call **waiting, bool all)
{
    int64_t now = clock_boot_ms(), next = now + LOOK_MS_MAX;
    while (*waiting != NULL) {
        struct feed_call *feed = *waiting;
        struct feed_call *behind = feed->next; /* the call takes its memory along */
        bool over = all || now >= feed->until_ms || rpc_call_cancelled(feed->call);
        if (answer(calls, feed, over)) {
            *waiting = behind;
            continue;
        }
        next = feed->until_ms < next ? feed->until_ms : next;
        waiting = &feed->next;
    }
    return next;
}

static void wait_for_news(struct feed_calls *calls, int64_t until_ms)
{
    struct timespec until;
    int64_t wait = until_ms - clock_boot_ms();
    if (wait <= 0)
        return;
    clock_gettime(CLOCK_MONOTONIC, &until);
    until.tv_sec += wait / 1000;
    until.tv_nsec += wait % 1000 * 1000000;
    if (until.tv_nsec >= 1000000000) {
        until.tv_sec++;
        until.tv_nsec -= 1000000000;
    }
    pthread_cond_timedwait(&calls->changed, &calls->lock, &until);
}

static void *run(void *context)
{
    struct feed_calls *calls = context;
    struct feed_call *mine = NULL; /* taken over from calls->waiting */
    int64_t next_ms = 0;
    for (;;) {
        pthread_mutex_lock(&calls->lock);
        while (!calls->stopping && !calls->applied && calls->waiting == NULL &&
               clock_boot_ms() < next_ms) {
            if (mine == NULL)
                pthread_cond_wait(&calls->changed, &calls->lock);
            else
                wait_for_news(calls, next_ms);
        }
        calls->applied = false;
        bool stopping = calls->stopping;
        struct feed_call **end = &mine;
        while (*end != NULL)
            end = &(*end)->next;
        *end = calls->waiting;
        calls->waiting = NULL;
        pthread_mutex_unlock(&calls->lock);
        next_ms = answer_waiting(calls, &mine, stopping);
        if (stopping)
            return NULL;
    }
}

/* ---- for other threads
 * ---------------------------------------------------------------------------- */

enum status feed_calls_start(struct feed_calls *calls, struct views *views, unsigned settle_ms,
                             struct error *err)
{
    pthread_condattr_t attributes;
    calls->views = views;
    calls->settle_ms = settle_ms;
    pthread_mutex_init(&calls->lock, NULL);
    pthread_condattr_init(&attributes);
    pthread_condattr_setclock(&attributes, CLOCK_MONOTONIC);
    pthread_cond_init(&calls->changed, &attributes);
    pthread_condattr_destroy(&attributes);
    int result = pthread_create(&calls->thread, NULL, run, calls);
    if (result != 0)
        return error_set_errno(err, result, "the feed's thread");
    calls->started = true;
    return STATUS_OK;
}

void feed_calls_drain(struct feed_calls *calls)
{
    if (!calls->started)
        return;
    pthread_mutex_lock(&calls->lock);
    bool first = !calls->stopping;
    calls->stopping = true;
    pthread_cond_signal(&calls->changed);
    pthread_mutex_unlock(&calls->lock);
    if (first)
        pthread_join(calls->thread, NULL);
}

void feed_calls_stop(struct feed_calls *calls)
{
    if (!calls->started)
        return;
    feed_calls_drain(calls);
    pthread_cond_destroy(&calls->changed);
    pthread_mutex_destroy(&calls->lock);
    calls->started = false;
}

void feed_calls_wake(struct feed_calls *calls)
{
    if (!calls->started)
        return;
    pthread_mutex_lock(&calls->lock);
    calls->applied = true;
    pthread_cond_signal(&calls->changed);
    pthread_mutex_unlock(&calls->lock);
}

void feed_calls_take(struct feed_calls *calls, struct rpc_call *call)
{
    Wire__FeedRequest *request = rpc_call_request(call, &wire__feed_request__descriptor);
    if (request == NULL)
        return;
    struct feed_call *feed = arena_alloc(rpc_call_arena(call), sizeof(*feed));
    if (feed == NULL || request->slot_first > request->slot_last || request->slot_last > 255) {
        rpc_call_fail(call, STATUS_INVALID, "slots are from 0 to 255");
        return;
    }
    uint32_t wait = request->wait_ms > FEED_WAIT_MS_MAX ? FEED_WAIT_MS_MAX : request->wait_ms;
    *feed =
        (struct feed_call){.call = call, .request = request, .until_ms = clock_boot_ms() + wait};
    pthread_mutex_lock(&calls->lock);
    feed->kind = note_reader(calls, request);
    uint64_t settled = settled_position(calls);
    bool stopping = calls->stopping;
    pthread_mutex_unlock(&calls->lock);
    pthread_mutex_lock(&calls->views->lock);
    calls->views->feed_read = settled;
    pthread_mutex_unlock(&calls->views->lock);
    if (answer(calls, feed, wait == 0 || stopping))
        return;
    pthread_mutex_lock(&calls->lock);
    stopping = calls->stopping;
    if (!stopping) { /* the thread looks once more: something may have come meanwhile */
        feed->next = calls->waiting;
        calls->waiting = feed;
        pthread_cond_signal(&calls->changed);
    }
    pthread_mutex_unlock(&calls->lock);
    if (stopping)
        answer(calls, feed, true);
}
