#include "indexserver/hosts.h"

#include <stdlib.h>
#include <string.h>

#include "base/bytes.h"
#include "base/check.h"
#include "base/clock.h"
#include "base/log.h"
#include "indexserver/neighbours.h"

enum {
    HOST_RECORD_BYTES = 16, /* without an address, as earlier versions wrote all of them */
    HOST_RECORD_BYTES_MAX = HOST_RECORD_BYTES + INET6_ADDRSTRLEN,
};

/* ---- the heap ---------------------------------------------------------------------------------
 */

static void heap_set(struct frontier *frontier, size_t at, struct host *host)
{
    frontier->heap[at] = host;
    host->heap_index = at;
}

static void heap_up(struct frontier *frontier, size_t at)
{
    struct host *host = frontier->heap[at];
    while (at > 0 && frontier->heap[(at - 1) / 2]->wake_ms > host->wake_ms) {
        heap_set(frontier, at, frontier->heap[(at - 1) / 2]);
        at = (at - 1) / 2;
    }
    heap_set(frontier, at, host);
}

static void heap_down(struct frontier *frontier, size_t at)
{
    struct host *host = frontier->heap[at];
    for (;;) {
        size_t child = 2 * at + 1;
        if (child >= frontier->heap_count)
            break;
        if (child + 1 < frontier->heap_count &&
            frontier->heap[child + 1]->wake_ms < frontier->heap[child]->wake_ms)
            child++;
        if (frontier->heap[child]->wake_ms >= host->wake_ms)
            break;
        heap_set(frontier, at, frontier->heap[child]);
        at = child;
    }
    heap_set(frontier, at, host);
}

static void heap_add(struct frontier *frontier, struct host *host)
{
    if (frontier->heap_count == frontier->heap_capacity) {
        frontier->heap_capacity = frontier->heap_capacity == 0 ? 64 : frontier->heap_capacity * 2;
        frontier->heap =
            check_alloc(realloc(frontier->heap, frontier->heap_capacity * sizeof(*frontier->heap)));
    }
    heap_set(frontier, frontier->heap_count++, host);
    heap_up(frontier, host->heap_index);
}

static void heap_remove(struct frontier *frontier, struct host *host)
{
    size_t at = host->heap_index;
    struct host *last = frontier->heap[--frontier->heap_count];
    host->heap_index = SIZE_MAX;
    if (last == host)
        return;
    heap_set(frontier, at, last);
    heap_up(frontier, at);
    heap_down(frontier, last->heap_index);
}

void host_sleep(struct frontier *frontier, struct host *host, int64_t wake_ms)
{
    if (host->heap_index != SIZE_MAX)
        heap_remove(frontier, host);
    host->wake_ms = wake_ms;
    if (wake_ms != INT64_MAX)
        heap_add(frontier, host);
}

void host_wake(struct frontier *frontier, struct host *host, int64_t wake_ms)
{
    if (host->lease != 0)
        return; /* looked at when the lease ends */
    if (host->heap_index == SIZE_MAX || wake_ms < host->wake_ms)
        host_sleep(frontier, host, wake_ms);
}

/* ---- records ------------------------------------------------------------------------------------
 */

struct host *host_of(struct frontier *frontier, const char *name)
{
    struct host *host = table_get(&frontier->by_host, name);
    if (host != NULL)
        return host;
    host = check_alloc(calloc(1, sizeof(*host)));
    host->name = check_alloc(strdup(name));
    host->heap_index = SIZE_MAX;
    host->wake_ms = INT64_MAX;
    host->rest_ms = HOST_NEVER_LEASED;
    host->next = frontier->hosts;
    frontier->hosts = host;
    frontier->host_count++;
    table_put(&frontier->by_host, host->name, host);
    return host;
}

void host_free(struct host *host)
{
    while (host->origins != NULL) {
        struct origin *origin = host->origins;
        host->origins = origin->next;
        origin_free(origin);
    }
    free(host->name);
    free(host);
}

void host_store(struct change *change, const struct host *host)
{
    uint8_t value[HOST_RECORD_BYTES_MAX];
    const char *address = host->neighbours == NULL ? "" : host->neighbours->address;
    size_t size = strlen(address);
    put_le64(value, (uint64_t)host->record.blocked_until_ms);
    put_le32(value + 8, host->record.failures);
    put_le32(value + 12, host->record.response_us);
    memcpy(value + HOST_RECORD_BYTES, address, size);
    change_put(change, COLUMN_HOSTS, host->name, strlen(host->name), value,
               HOST_RECORD_BYTES + size);
}

static bool load_host(struct frontier *frontier, const char *name, struct kv_slice value)
{
    const uint8_t *at = value.data;
    char address[INET6_ADDRSTRLEN] = "";
    if (value.size < HOST_RECORD_BYTES || value.size >= HOST_RECORD_BYTES_MAX)
        return false;
    struct host *host = host_of(frontier, name);
    memcpy(address, at + HOST_RECORD_BYTES, value.size - HOST_RECORD_BYTES);
    neighbours_meet(frontier, host, address);
    host->record = (struct host_record){.blocked_until_ms = (int64_t)get_le64(at),
                                        .failures = get_le32(at + 8),
                                        .response_us = get_le32(at + 12)};
    return true;
}

unsigned host_queue_count(const struct host *host)
{
    unsigned count = 0;
    for (const struct origin *origin = host->origins; origin != NULL; origin = origin->next)
        count += origin->queue_count + origin->queues_unread;
    return count;
}

/* ---- at start
 * ------------------------------------------------------------------------------------------ */

void lease_encode(struct buffer *ret, const char *origin, uint32_t delay_ms, uint32_t source)
{
    uint8_t tail[8];
    put_le32(tail, delay_ms);
    put_le32(tail + 4, source);
    buffer_clear(ret);
    buffer_append(ret, origin, strlen(origin) + 1);
    buffer_append(ret, tail, sizeof(tail));
}

/* One that an earlier version wrote has no source, or no delay either. False: a second one of its
 * host (to which both origins of an earlier version belong), or none at all. */
static bool load_lease(struct frontier *frontier, struct kv_slice key, struct kv_slice value)
{
    struct buffer name = {0};
    size_t size = strnlen(value.data, value.size);
    buffer_append(&name, value.data, size);
    struct origin *origin = origin_of(frontier, buffer_string(&name), NULL);
    buffer_release(&name);
    if (origin == NULL || key.size != 8 || origin->host->lease != 0)
        return false;
    struct host *host = origin->host;
    host->lease = get_be64(key.data);
    host->lease_until_ms = frontier->opened_ms + LEASE_MS;
    const uint8_t *tail = (const uint8_t *)value.data + size + 1;
    bool has_delay = value.size == size + 5 || value.size == size + 9;
    host->lease_delay_ms = has_delay ? get_le32(tail) : SOURCE_DELAY_DEFAULT_MS;
    host->lease_source = value.size == size + 9 ? get_le32(tail + 4) : URL_NO_SOURCE;
    neighbours_enter(frontier, host, 0);
    frontier_note_lease(frontier, host);
    return true;
}

static enum status load_leases(struct views *views, struct frontier *frontier, struct error *err)
{
    struct kv_iterator *it = kv_iterator_open(views->kv, COLUMN_LEASES);
    struct kv_batch *superfluous = kv_batch_new();
    for (bool more = kv_iterator_seek(it, kv_slice("", 0)); more; more = kv_iterator_next(it)) {
        if (!load_lease(frontier, kv_iterator_key(it), kv_iterator_value(it)))
            kv_delete(superfluous, views->kv, COLUMN_LEASES, kv_iterator_key(it));
    }
    enum status status = kv_iterator_status(it, err);
    kv_iterator_close(it);
    if (status == STATUS_OK)
        status = kv_write(views->kv, superfluous, false, err);
    kv_batch_free(superfluous);
    return status;
}

/* The column holds both; an origin has a scheme. False: it cannot be read. */
static bool load_record(struct frontier *frontier, const char *name, struct kv_slice value)
{
    if (strstr(name, "://") == NULL)
        return load_host(frontier, name, value);
    struct origin *origin = origin_of(frontier, name, NULL);
    if (origin == NULL)
        return false;
    origin->stored = origin->queues_unread = true; /* they are on disk, whatever its record says */
    return origin_decode(value, &origin->record);
}

/*
 * One that cannot be read holds up no other. Of a host it is as if nothing was known of it yet; an
 * origin that this version takes for none (its rules for names are others than those of the one
 * that wrote it) is left out, and stays on disk for one that knows it.
 */
static enum status load_records(struct views *views, struct frontier *frontier, struct error *err)
{
    struct kv_iterator *it = kv_iterator_open(views->kv, COLUMN_HOSTS);
    struct buffer name = {0};
    for (bool more = kv_iterator_seek(it, kv_slice("", 0)); more; more = kv_iterator_next(it)) {
        struct kv_slice key = kv_iterator_key(it);
        buffer_clear(&name);
        buffer_append(&name, key.data, key.size);
        if (!load_record(frontier, buffer_string(&name), kv_iterator_value(it)))
            log_warning("what the frontier holds of %s is no record: it is passed over",
                        buffer_string(&name));
    }
    enum status status = kv_iterator_status(it, err);
    kv_iterator_close(it);
    buffer_release(&name);
    return status;
}

/* The whole delay is waited again, from now on: who knows what was asked just before the end. How
 * long it is, and what waits to be fetched, is read when the host's turn comes (see lease_host()):
 * with a hundred thousand hosts that would take many seconds here. */
static void set_ready(const struct frontier *frontier, struct host *host)
{
    int64_t blocked = host->record.blocked_until_ms - clock_unix_us() / 1000;
    if (blocked > HOST_BLOCK_MS_MAX)
        blocked = HOST_BLOCK_MS_MAX; /* the clock was set back */
    host->rest_ms = frontier->opened_ms;
    host->ready_ms = frontier->opened_ms + (blocked > 0 ? blocked : 0);
}

enum status hosts_load(struct views *views, struct frontier *frontier, struct error *err)
{
    frontier->opened_ms = clock_boot_ms();
    enum status status = load_records(views, frontier, err);
    if (status == STATUS_OK)
        status = load_leases(views, frontier, err);
    for (struct host *host = frontier->hosts; host != NULL; host = host->next) {
        set_ready(frontier, host);
        if (host_queue_count(host) > 0)
            host_wake(frontier, host, host->ready_ms);
    }
    return status;
}
