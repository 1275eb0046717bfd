/* The leases that are held: by whom, for how long, and how they end. */
#include <stdlib.h>

#include "base/bytes.h"
#include "base/check.h"
#include "indexserver/leasing.h"
#include "indexserver/neighbours.h"
#include "indexserver/scope.h"

void frontier_note_lease(struct frontier *frontier, struct host *host)
{
    if (frontier->leased_count == frontier->leased_capacity) {
        frontier->leased_capacity =
            frontier->leased_capacity == 0 ? 16 : frontier->leased_capacity * 2;
        frontier->leased = check_alloc(
            realloc(frontier->leased, frontier->leased_capacity * sizeof(*frontier->leased)));
    }
    frontier->leased[frontier->leased_count++] = host;
    host_sleep(frontier, host, INT64_MAX);
}

struct host *frontier_leased_host(struct frontier *frontier, uint64_t lease, size_t *ret_index)
{
    for (size_t i = 0; i < frontier->leased_count; i++) {
        if (frontier->leased[i]->lease == lease) {
            *ret_index = i;
            return frontier->leased[i];
        }
    }
    return NULL;
}

bool frontier_has_lease(struct views *views, uint64_t lease)
{
    size_t index;
    return frontier_leased_host(views->frontier, lease, &index) != NULL ||
           parse_queue_has(&views->frontier->parsing, lease);
}

bool frontier_is_trial(struct views *views, uint64_t lease)
{
    size_t index;
    const struct host *host = frontier_leased_host(views->frontier, lease, &index);
    return host != NULL && host->lease_trial;
}

void frontier_prolong(struct views *views, uint64_t member, const uint64_t *leases, size_t count,
                      int64_t now_ms)
{
    for (size_t i = 0; i < count; i++) {
        size_t index;
        struct host *host = frontier_leased_host(views->frontier, leases[i], &index);
        if (host != NULL) {
            host->lease_until_ms = now_ms + LEASE_MS;
            neighbours_held_by(host, member);
        }
        parse_queue_prolong(&views->frontier->parsing, leases[i], now_ms);
    }
}

/* Of a lease that an earlier version gave the source is not known: it ends by itself. */
static bool is_stopped(struct views *views, const struct host *host)
{
    struct arena arena = {0};
    const struct source *source = scope_source_by_id(views->scope, host->lease_source);
    bool stopped =
        scope_is_paused(views->scope) ||
        (source != NULL && scope_source_stopped(views->scope, source, false, &arena) != NULL);
    arena_release(&arena);
    return stopped;
}

size_t frontier_revoked(struct views *views, const uint64_t *leases, size_t count, uint64_t *ret,
                        bool *ret_news)
{
    size_t found = 0;
    *ret_news = false;
    for (size_t i = 0; i < count; i++) {
        size_t index;
        struct host *host = frontier_leased_host(views->frontier, leases[i], &index);
        if (host == NULL || host->lease_trial || !is_stopped(views, host))
            continue;
        *ret_news = *ret_news || !host->lease_revoked_told;
        host->lease_revoked_told = true;
        ret[found++] = leases[i];
    }
    return found;
}

void frontier_note_answer(struct views *views, uint64_t lease)
{
    size_t index;
    struct host *host = frontier_leased_host(views->frontier, lease, &index);
    if (host != NULL && host->lease_done < host->lease_urls)
        host->lease_done++;
}

/* Frees the host; its delay begins. The deletion goes into the batch. */
static void end_lease(struct views *views, size_t index, int64_t now_ms, struct kv_batch *batch)
{
    struct frontier *frontier = views->frontier;
    struct host *host = frontier->leased[index];
    uint8_t key[8];
    put_be64(key, host->lease);
    kv_delete(batch, views->kv, COLUMN_LEASES, kv_slice(key, sizeof(key)));
    frontier->leased[index] = frontier->leased[--frontier->leased_count];
    host->lease = 0;
    host->lease_urls = host->lease_done = 0;
    host->lease_grows = false;
    host->lease_trial = false;
    neighbours_leave(frontier, host);
    host->rest_ms = now_ms;
    if (host->ready_ms < now_ms + host->lease_delay_ms)
        host->ready_ms = now_ms + host->lease_delay_ms;
    if (host_queue_count(host) > 0)
        host_wake(frontier, host, host->ready_ms);
}

enum status frontier_finish(struct views *views, uint64_t lease, int64_t now_ms, struct error *err)
{
    size_t index;
    parse_queue_end(&views->frontier->parsing, lease);
    if (frontier_leased_host(views->frontier, lease, &index) == NULL)
        return STATUS_OK; /* its time was over */
    struct kv_batch *batch = kv_batch_new();
    end_lease(views, index, now_ms, batch);
    enum status status = kv_write(views->kv, batch, false, err);
    kv_batch_free(batch);
    return status;
}

void frontier_expire(struct views *views, int64_t now_ms)
{
    struct frontier *frontier = views->frontier;
    struct kv_batch *batch = NULL;
    parse_queue_expire(&frontier->parsing, now_ms);
    for (size_t i = frontier->leased_count; i-- > 0;) {
        if (frontier->leased[i]->lease_until_ms > now_ms)
            continue;
        batch = batch == NULL ? kv_batch_new() : batch;
        end_lease(views, i, now_ms, batch);
    }
    /* Where this fails, a restart waits for a lease that nobody holds: no harm. */
    if (batch != NULL)
        kv_write(views->kv, batch, false, NULL);
    kv_batch_free(batch);
}

int64_t frontier_next_ms(struct views *views)
{
    struct frontier *frontier = views->frontier;
    int64_t next = frontier->heap_count == 0 ? INT64_MAX : frontier->heap[0]->wake_ms;
    int64_t parsing = parse_queue_next_ms(&frontier->parsing);
    for (size_t i = 0; i < frontier->leased_count; i++) {
        int64_t until = frontier->leased[i]->lease_until_ms;
        next = until < next ? until : next;
    }
    return parsing < next ? parsing : next;
}

void frontier_parsed(struct views *views, uint64_t sequence)
{
    parse_queue_done(&views->frontier->parsing, sequence);
}
