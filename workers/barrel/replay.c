#include "barrel/replay.h"

#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "barrel/merge.h"
#include "barrel/removals.h"
#include "barrel/scrub.h"
#include "barrel/translate.h"
#include "base/check.h"
#include "base/clock.h"
#include "base/log.h"
#include "base/thread.h"
#include "rpc/client.h"
#include "store/kv.h"

enum {
    FEED_BYTES = 4 * 1024 * 1024,
    FEED_WAIT_MS = 10000,    /* the indexserver answers as soon as there is something */
    FEED_PATIENCE_MS = 5000, /* beyond that */
    SLICE_MS = 100,          /* how soon a stop is noticed */
    RETRY_MS = 100,
    STUCK_MS = 1000,
    FLUSH_AFTER_MS =
        20000, /* a change is durable after this long at most, or read from the log again */
    MERGE_EVERY_MS = 1000,
};

struct replay {
    struct barrel *barrel;
    struct member *member;
    const struct cluster_key *key;
    pthread_t follower, merger;
    bool follower_started, merger_started;
    pthread_mutex_t lock;
    pthread_cond_t stop_wished;
    atomic_bool stopping;
    /* the follower's alone */
    struct rpc_client *client;
    struct arena arena;     /* of one reply */
    int64_t dirty_since_ms; /* 0: everything applied is flushed */
    uint64_t ahead;         /* what takes away was applied before this, ahead of the position */
    uint64_t removed;       /* removals were, when there was no room for more; 0: none were */
    bool was_away;
};

/* Returns false when the end is wished. */
static bool rest(struct replay *replay, unsigned wait_ms)
{
    struct timespec until;
    clock_gettime(CLOCK_MONOTONIC, &until);
    int64_t ns = until.tv_nsec + (int64_t)wait_ms * 1000000;
    until.tv_sec += ns / 1000000000;
    until.tv_nsec = ns % 1000000000;
    pthread_mutex_lock(&replay->lock);
    while (!atomic_load(&replay->stopping) &&
           pthread_cond_timedwait(&replay->stop_wished, &replay->lock, &until) == 0) {
    }
    pthread_mutex_unlock(&replay->lock);
    return !atomic_load(&replay->stopping);
}

/* ---- reading the feed ---- */

/* The connection to whoever is the indexserver now; NULL: nobody is. */
static struct rpc_client *client_of(struct replay *replay)
{
    struct routing *routing = member_routing(replay->member);
    const char *address = routing->indexserver;
    if (replay->client != NULL && strcmp(rpc_client_address(replay->client), address) != 0) {
        rpc_client_close(replay->client);
        replay->client = NULL;
    }
    struct error err;
    if (replay->client == NULL && address[0] != '\0' &&
        rpc_client_open(address, replay->key, &replay->client, &err) != STATUS_OK)
        log_warning("%s", err.text);
    routing_release(routing);
    return replay->client;
}

static uint64_t position_of(struct barrel *barrel)
{
    pthread_rwlock_rdlock(&barrel->lock);
    uint64_t position = index_applied_position(barrel->index);
    pthread_rwlock_unlock(&barrel->lock);
    return position;
}

/* So much at a time as is indexed together; a small part of the memory allowed. */
static uint64_t feed_bytes(const struct barrel *barrel)
{
    uint64_t bytes = barrel->index_options.memory_bytes / 4;
    return bytes < FEED_BYTES ? bytes : FEED_BYTES;
}

/* Once until it is read again. */
static void say_away(struct replay *replay, const struct error *err)
{
    if (err->status == STATUS_CANCELLED || err->status == STATUS_TIMEOUT)
        return;
    if (!replay->was_away)
        log_warning("the feed cannot be read: %s; trying again", err->text);
    replay->was_away = true;
}

static void say_back(struct replay *replay)
{
    if (replay->was_away)
        log_info("the feed is read again");
    replay->was_away = false;
}

/* A long poll that a stop ends early: STATUS_CANCELLED. */
static enum status call_feed(struct replay *replay, struct rpc_client *client, bool only_ahead,
                             Wire__FeedReply **ret_reply, struct error *err)
{
    uint64_t ahead = only_ahead ? replay->removed : replay->ahead;
    struct barrel *barrel = replay->barrel;
    Wire__FeedRequest request = WIRE__FEED_REQUEST__INIT;
    request.from = position_of(barrel);
    request.ahead = ahead == 0 ? 1 : ahead;
    request.only_ahead = only_ahead;
    request.slot_first = barrel->slot_first;
    request.slot_last = barrel->slot_last;
    request.max_bytes = feed_bytes(barrel);
    request.wait_ms = only_ahead || replay->dirty_since_ms != 0 ? STUCK_MS : FEED_WAIT_MS;
    request.member = member_id(replay->member);
    request.identity =
        (ProtobufCBinaryData){.data = barrel->identity, .len = barrel->identity_size};
    struct rpc_exchange exchange, *list[1] = {&exchange};
    arena_reset(&replay->arena);
    rpc_start(client, WIRE__METHOD__READ_FEED, &request.base, &wire__feed_reply__descriptor,
              &replay->arena, request.wait_ms + FEED_PATIENCE_MS, &exchange);
    while (rpc_wait(list, 1, SLICE_MS) == 0) {
        if (atomic_load(&replay->stopping))
            rpc_cancel(&exchange);
    }
    if (exchange.status != STATUS_OK)
        return error_set(err, exchange.status, "%s", exchange.error.text);
    CHECK(exchange.reply != NULL);
    *ret_reply = exchange.reply;
    return only_ahead ? removals_keep(exchange.reply, request.from, err) : STATUS_OK;
}

/* NULL: nothing could be read, and it was said why. */
static Wire__FeedReply *read_feed(struct replay *replay, bool only_ahead)
{
    struct error err = {0};
    Wire__FeedReply *reply = NULL;
    struct rpc_client *client = client_of(replay);
    if (client == NULL)
        return NULL;
    if (call_feed(replay, client, only_ahead, &reply, &err) != STATUS_OK) {
        say_away(replay, &err);
        return NULL;
    }
    say_back(replay);
    return reply;
}

/* ---- applying it ---- */

/* The last sequence of what comes ahead of its turn; 0: nothing does. */
static uint64_t last_ahead(const Wire__FeedReply *reply)
{
    uint64_t last = 0;
    for (size_t i = 0; i < reply->n_items; i++) {
        uint64_t sequence = reply->items[i]->sequence;
        if (sequence >= reply->next && sequence > last)
            last = sequence;
    }
    return last;
}

/* Moves how far was gone ahead of the turn. `there_is_room`: else nothing is to be written. */
static enum status apply(struct replay *replay, const Wire__FeedReply *reply, bool there_is_room,
                         struct error *err)
{
    struct barrel *barrel = replay->barrel;
    struct index_change *changes =
        arena_alloc(&replay->arena, (reply->n_items + 1) * sizeof(*changes));
    size_t count = 0;
    uint64_t ahead_to = last_ahead(reply);
    if (changes == NULL)
        return error_set(err, STATUS_NO_MEMORY, "no memory for %zu changes", reply->n_items);
    for (size_t i = 0; i < reply->n_items; i++)
        count += change_from_wire(reply->items[i], &replay->arena, &changes[count]);
    if (!there_is_room)
        removals_only_withhold(changes, count);
    if (ahead_to > atomic_load(&barrel->ahead_to)) /* before anything of it shows */
        atomic_store(&barrel->ahead_to, ahead_to);
    pthread_rwlock_rdlock(&barrel->lock);
    enum status status = index_apply(barrel->index, changes, count, reply->next, err);
    pthread_rwlock_unlock(&barrel->lock);
    if (status == STATUS_OK) {
        *(there_is_room ? &replay->ahead : &replay->removed) = reply->ahead;
        barrel_note_feed(barrel, reply->next, reply->head);
    }
    if (status == STATUS_OK && replay->dirty_since_ms == 0 && reply->n_items > 0)
        replay->dirty_since_ms = clock_boot_ms();
    return status;
}

static enum status begin_anew(struct replay *replay, const uint8_t *identity, size_t size,
                              struct error *err)
{
    replay->dirty_since_ms = 0;
    replay->ahead = replay->removed = 0;
    atomic_store(&replay->barrel->ahead_to, 0);
    enum status status = barrel_begin_anew(replay->barrel, identity, size, err);
    member_hurry(replay->member); /* not to be asked as one that has everything */
    return status;
}

static bool is_same_log(const struct barrel *barrel, const Wire__FeedReply *reply)
{
    return barrel->identity_size == reply->identity.len &&
           memcmp(barrel->identity, reply->identity.data, reply->identity.len) == 0;
}

static enum status take_reply(struct replay *replay, const Wire__FeedReply *reply,
                              struct error *err)
{
    struct barrel *barrel = replay->barrel;
    if (!reply->restart && is_same_log(barrel, reply))
        return apply(replay, reply, true, err);
    if (barrel->identity_size != 0)
        log_warning("the log is another one, or was made anew: this barrel begins at its start");
    return begin_anew(replay, reply->identity.data, reply->identity.len, err);
}

static enum status flush_when_due(struct replay *replay, struct error *err)
{
    struct barrel *barrel = replay->barrel;
    if (replay->dirty_since_ms == 0 || clock_boot_ms() - replay->dirty_since_ms < FLUSH_AFTER_MS)
        return STATUS_OK;
    pthread_rwlock_rdlock(&barrel->lock);
    enum status status = index_flush(barrel->index, err);
    pthread_rwlock_unlock(&barrel->lock);
    if (status == STATUS_OK)
        replay->dirty_since_ms = 0;
    return status;
}

/* False: there is none, and but for removals indexing stands still until there is. */
static bool has_room(struct barrel *barrel)
{
    uint64_t free_bytes = kv_free_space(barrel->folder);
    char why[BARREL_STOPPED_BYTES];
    if (free_bytes >= BARREL_FREE_BYTES_MIN)
        return true;
    snprintf(why, sizeof(why), "only %llu MB are free in %s, %llu are needed: make room",
             (unsigned long long)(free_bytes >> 20), barrel->folder,
             (unsigned long long)(BARREL_FREE_BYTES_MIN >> 20));
    barrel_set_stopped(barrel, why);
    return false;
}

/* A wrong byte in a segment, or an index that could not be begun anew: the log still has
 * everything. */
static enum status rebuild_if_broken(struct replay *replay, struct error *err)
{
    struct barrel *barrel = replay->barrel;
    pthread_rwlock_rdlock(&barrel->lock);
    bool is_damaged = barrel_is_damaged(barrel);
    pthread_rwlock_unlock(&barrel->lock);
    if (!is_damaged)
        return STATUS_OK;
    log_error("the index is damaged: it is rebuilt from the log");
    uint8_t identity[BARREL_IDENTITY_BYTES];
    size_t size = barrel->identity_size;
    memcpy(identity, barrel->identity, size);
    return begin_anew(replay, identity, size, err);
}

/* A round where there is room. STATUS_UNAVAILABLE: nothing could be read. */
static enum status follow_all(struct replay *replay, struct error *err)
{
    enum status status = flush_when_due(replay, err);
    if (status != STATUS_OK)
        return status;
    Wire__FeedReply *reply = read_feed(replay, false);
    return reply == NULL ? STATUS_UNAVAILABLE : take_reply(replay, reply, err);
}

/* A round where there is none: nothing is written. */
static enum status follow_removals(struct replay *replay, struct error *err)
{
    Wire__FeedReply *reply = read_feed(replay, true);
    if (reply == NULL || reply->restart || !is_same_log(replay->barrel, reply))
        return error_set(err, STATUS_NO_SPACE, "no room to begin anew");
    enum status status = apply(replay, reply, false, err);
    if (status != STATUS_NO_SPACE)
        return status;
    replay->removed = reply->ahead; /* they are applied: only a flush wants room, and is put off */
    return STATUS_OK;
}

/* One round; returns how long to rest before the next. */
static unsigned follow_once(struct replay *replay)
{
    struct error err = {0};
    enum status status = rebuild_if_broken(replay, &err); /* which makes room, too */
    bool there_is_room = has_room(replay->barrel);
    if (status == STATUS_OK)
        status = there_is_room ? follow_all(replay, &err) : follow_removals(replay, &err);
    if (status == STATUS_UNAVAILABLE)
        return RETRY_MS;
    if (status == STATUS_CORRUPT)
        barrel_note_damage(replay->barrel);
    if (there_is_room) /* else it was said why nothing is indexed */
        barrel_set_stopped(replay->barrel, status == STATUS_OK ? "" : err.text);
    return status == STATUS_OK ? 0 : STUCK_MS;
}

static void *follower_main(void *argument)
{
    struct replay *replay = argument;
    bool goes_on = true;
    while (goes_on) {
        unsigned pause_ms = follow_once(replay);
        goes_on = pause_ms == 0 ? !atomic_load(&replay->stopping) : rest(replay, pause_ms);
    }
    rpc_client_close(replay->client);
    arena_release(&replay->arena);
    return NULL;
}

static void *merger_main(void *argument)
{
    struct replay *replay = argument;
    struct scrub scrub = {0};
    thread_give_way(); /* to the searches */
    while (rest(replay, MERGE_EVERY_MS)) {
        scrub_step(&scrub, replay->barrel);
        merge_step(replay->barrel);
    }
    scrub_release(&scrub);
    return NULL;
}

enum status replay_start(struct barrel *barrel, struct member *member,
                         const struct cluster_key *key, struct replay **ret_replay,
                         struct error *err)
{
    struct replay *replay = calloc(1, sizeof(*replay));
    if (replay == NULL)
        return error_set(err, STATUS_NO_MEMORY, "no memory");
    replay->barrel = barrel;
    replay->member = member;
    replay->key = key;
    pthread_condattr_t attributes;
    pthread_condattr_init(&attributes);
    pthread_condattr_setclock(&attributes, CLOCK_MONOTONIC);
    pthread_cond_init(&replay->stop_wished, &attributes);
    pthread_condattr_destroy(&attributes);
    pthread_mutex_init(&replay->lock, NULL);
    replay->follower_started = pthread_create(&replay->follower, NULL, follower_main, replay) == 0;
    replay->merger_started = pthread_create(&replay->merger, NULL, merger_main, replay) == 0;
    if (!replay->follower_started || !replay->merger_started) {
        replay_stop(replay);
        return error_set(err, STATUS_NO_MEMORY, "no thread could be started");
    }
    *ret_replay = replay;
    return STATUS_OK;
}

void replay_stop(struct replay *replay)
{
    if (replay == NULL)
        return;
    pthread_mutex_lock(&replay->lock);
    atomic_store(&replay->stopping, true);
    pthread_cond_broadcast(&replay->stop_wished);
    pthread_mutex_unlock(&replay->lock);
    if (replay->follower_started)
        pthread_join(replay->follower, NULL);
    if (replay->merger_started)
        pthread_join(replay->merger, NULL);
    pthread_mutex_destroy(&replay->lock);
    pthread_cond_destroy(&replay->stop_wished);
    free(replay);
}
