#include "indexserver/hosts.h"

#include <stdlib.h>
#include <string.h>

#include "base/bytes.h"
#include "base/check.h"
#include "base/clock.h"

#define ROBOTS_AGENT "tierce"

enum {
    HOST_RECORD_BYTES = 30,
    KEY_TAIL_BYTES = 25, /* 0, source, due, found_at, found_index */
    ROBOTS_CACHED_MAX = 500,
    ROBOTS_RETRY_MS = 60 * 1000, /* of one that is unreachable; twice as long each time */
    RESPONSE_TIMES = 2,          /* the delay is at least so many response times */
    RESPONSE_DELAY_MS_MAX = 60 * 1000,
};
#define DAY_MS ((int64_t)24 * 3600 * 1000)

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

struct host *host_find(struct frontier *frontier, const char *origin)
{
    return table_get(&frontier->by_origin, origin);
}

struct host *host_of(struct frontier *frontier, const char *origin, struct change *change)
{
    struct host *host = host_find(frontier, origin);
    if (host != NULL)
        return host;
    host = check_alloc(calloc(1, sizeof(*host)));
    host->origin = check_alloc(strdup(origin));
    host->heap_index = SIZE_MAX;
    host->wake_ms = INT64_MAX;
    host->next = frontier->hosts;
    frontier->hosts = host;
    frontier->host_count++;
    table_put(&frontier->by_origin, host->origin, host);
    if (change != NULL)
        host_store(change, host);
    return host;
}

void host_free(struct host *host)
{
    arena_release(&host->robots_arena);
    free(host->queues);
    free(host->origin);
    free(host);
}

void host_store(struct change *change, const struct host *host)
{
    uint8_t value[HOST_RECORD_BYTES];
    put_le64(value, host->record.robots);
    put_le64(value + 8, (uint64_t)host->record.robots_us);
    put_le64(value + 16, (uint64_t)host->record.blocked_until_ms);
    put_le32(value + 24, host->record.failures);
    value[28] = host->record.robots_kind;
    value[29] = host->record.robots_failures;
    change_put(change, COLUMN_HOSTS, host->origin, strlen(host->origin), value, sizeof(value));
}

static bool decode_record(struct kv_slice value, struct host_record *ret)
{
    const uint8_t *at = value.data;
    if (value.size != HOST_RECORD_BYTES)
        return false;
    *ret = (struct host_record){.robots = get_le64(at),
                                .robots_us = (int64_t)get_le64(at + 8),
                                .blocked_until_ms = (int64_t)get_le64(at + 16),
                                .failures = get_le32(at + 24),
                                .robots_kind = at[28],
                                .robots_failures = at[29]};
    return true;
}

/* ---- queues
 * --------------------------------------------------------------------------------------- */

/* Without `due`: the beginning of the source's queue. */
void host_key(struct buffer *ret, const char *origin, uint32_t source, const struct due_key *due)
{
    uint8_t tail[KEY_TAIL_BYTES] = {0};
    put_be32(tail + 1, source);
    if (due != NULL) {
        put_be64(tail + 5, (uint64_t)due->due_ms);
        put_be64(tail + 13, due->found_at);
        put_be32(tail + 21, due->found_index);
    }
    buffer_clear(ret);
    buffer_append_string(ret, origin);
    buffer_append(ret, tail, due == NULL ? 5 : sizeof(tail));
}

bool host_key_read(struct kv_slice key, const char *origin, uint32_t source,
                   struct due_key *ret_due)
{
    size_t size = strlen(origin);
    if (key.size != size + KEY_TAIL_BYTES || memcmp(key.data, origin, size) != 0)
        return false;
    const uint8_t *tail = (const uint8_t *)key.data + size;
    if (tail[0] != 0 || get_be32(tail + 1) != source)
        return false;
    *ret_due =
        (struct due_key){(int64_t)get_be64(tail + 5), get_be64(tail + 13), get_be32(tail + 21)};
    return true;
}

static bool is_before(const struct due_key *a, const struct due_key *b)
{
    if (a->due_ms != b->due_ms)
        return a->due_ms < b->due_ms;
    if (a->found_at != b->found_at)
        return a->found_at < b->found_at;
    return a->found_index < b->found_index;
}

void host_add_queue(struct host *host, uint32_t source, const struct due_key *due)
{
    for (unsigned i = 0; i < host->queue_count; i++) {
        if (host->queues[i].source == source) {
            if (is_before(due, &host->queues[i].low))
                host->queues[i].low = *due;
            return;
        }
    }
    host->queues =
        check_alloc(realloc(host->queues, (host->queue_count + 1) * sizeof(*host->queues)));
    host->queues[host->queue_count++] = (struct host_queue){source, *due};
}

void host_drop_queue(struct host *host, uint32_t source)
{
    for (unsigned i = 0; i < host->queue_count; i++) {
        if (host->queues[i].source == source) {
            host->queues[i] = host->queues[--host->queue_count];
            return;
        }
    }
}

/* ---- robots.txt
 * --------------------------------------------------------------------------------------- */

void host_forget_robots(struct frontier *frontier, struct host *host)
{
    if (host->robots == NULL)
        return;
    arena_release(&host->robots_arena);
    host->robots = NULL;
    frontier->robots_cached--;
}

static void make_room(struct frontier *frontier)
{
    if (frontier->robots_cached < ROBOTS_CACHED_MAX)
        return;
    for (struct host *host = frontier->hosts; host != NULL; host = host->next)
        host_forget_robots(frontier, host);
}

enum status host_robots(struct views *views, struct host *host, struct robots **ret_robots,
                        struct error *err)
{
    struct arena arena = {0};
    Log__Entry *entry;
    *ret_robots = host->robots;
    if (host->robots != NULL || host->record.robots_kind != ROBOTS_FILE)
        return STATUS_OK;
    make_room(views->frontier);
    enum status status = log_get(views->log, host->record.robots, &arena, &entry, err);
    if (status == STATUS_OK && entry->kind_case == LOG__ENTRY__KIND_ROBOTS) {
        const ProtobufCBinaryData *body = &entry->robots->body;
        status = robots_parse(body->data, body->len, ROBOTS_AGENT, &host->robots_arena,
                              &host->robots, err);
        if (status == STATUS_OK)
            views->frontier->robots_cached++;
        else
            host->robots = NULL;
    }
    arena_release(&arena);
    *ret_robots = host->robots;
    return status;
}

int64_t host_robots_due_ms(const struct scope *scope, const struct host *host)
{
    const struct host_record *record = &host->record;
    uint32_t ttl_s = scope_settings(scope)->robots_ttl_s;
    if (record->robots_kind == ROBOTS_NONE)
        return 0;
    int64_t age = (int64_t)(ttl_s == 0 ? ROBOTS_TTL_DEFAULT_S : ttl_s) * 1000;
    if (record->robots_kind == ROBOTS_UNREACHABLE) {
        unsigned doublings = record->robots_failures > 11 ? 11 : record->robots_failures;
        age = (int64_t)ROBOTS_RETRY_MS << (doublings == 0 ? 0 : doublings - 1);
    }
    return record->robots_us / 1000 + (age > DAY_MS ? DAY_MS : age);
}

uint32_t host_delay_ms(struct views *views, struct host *host, const struct source *source)
{
    uint32_t delay = source_delay_ms(views->scope, source);
    uint32_t response = host->response_ms * RESPONSE_TIMES;
    struct robots *robots;
    if (delay > 0 && response > delay)
        delay = response > RESPONSE_DELAY_MS_MAX ? RESPONSE_DELAY_MS_MAX : response;
    if (host_robots(views, host, &robots, NULL) != STATUS_OK || robots == NULL)
        return delay;
    int64_t asked = robots_crawl_delay_ms(robots);
    if (asked > DAY_MS)
        asked = DAY_MS;
    return asked > (int64_t)delay ? (uint32_t)asked : delay;
}

/* ---- at start
 * ------------------------------------------------------------------------------------------ */

/* Finds the host's queues by jumping from one to the next. */
static void load_queues(struct kv_iterator *it, struct host *host)
{
    struct buffer key = {0};
    uint64_t next = 0;
    size_t size = strlen(host->origin) + 1;
    while (next <= UINT32_MAX) {
        host_key(&key, host->origin, (uint32_t)next, NULL);
        if (!kv_iterator_seek(it, kv_slice(key.data, key.size)))
            break;
        struct kv_slice found = kv_iterator_key(it);
        struct due_key due;
        if (found.size < size + 4 || memcmp(found.data, key.data, size) != 0)
            break;
        uint32_t source = get_be32((const uint8_t *)found.data + size);
        if (host_key_read(found, host->origin, source, &due))
            host_add_queue(host, source, &due);
        next = (uint64_t)source + 1;
    }
    buffer_release(&key);
}

static enum status load_leases(struct views *views, struct frontier *frontier, struct error *err)
{
    struct kv_iterator *it = kv_iterator_open(views->kv, COLUMN_LEASES);
    struct buffer origin = {0};
    for (bool more = kv_iterator_seek(it, kv_slice("", 0)); more; more = kv_iterator_next(it)) {
        struct kv_slice value = kv_iterator_value(it);
        buffer_clear(&origin);
        buffer_append(&origin, value.data, value.size);
        struct host *host = host_of(frontier, buffer_string(&origin), NULL);
        host->lease = get_be64(kv_iterator_key(it).data);
        host->lease_until_ms = clock_boot_ms() + LEASE_MS;
        host->lease_delay_ms = SOURCE_DELAY_DEFAULT_MS;
        frontier_note_lease(frontier, host);
    }
    enum status status = kv_iterator_status(it, err);
    kv_iterator_close(it);
    buffer_release(&origin);
    return status;
}

static enum status load_records(struct views *views, struct frontier *frontier, struct error *err)
{
    struct kv_iterator *it = kv_iterator_open(views->kv, COLUMN_HOSTS);
    struct buffer origin = {0};
    enum status status = STATUS_OK;
    for (bool more = kv_iterator_seek(it, kv_slice("", 0)); more && status == STATUS_OK;
         more = kv_iterator_next(it)) {
        struct kv_slice key = kv_iterator_key(it);
        buffer_clear(&origin);
        buffer_append(&origin, key.data, key.size);
        struct host *host = host_of(frontier, buffer_string(&origin), NULL);
        if (!decode_record(kv_iterator_value(it), &host->record))
            status = error_set(err, STATUS_CORRUPT, "a host in the frontier is none");
    }
    if (status == STATUS_OK)
        status = kv_iterator_status(it, err);
    kv_iterator_close(it);
    buffer_release(&origin);
    return status;
}

/* The whole delay is waited again: who knows what was asked just before the end. */
static void set_ready(struct views *views, struct host *host)
{
    int64_t now = clock_boot_ms();
    int64_t blocked = host->record.blocked_until_ms - clock_unix_us() / 1000;
    uint32_t delay = 0;
    for (unsigned i = 0; i < host->queue_count; i++) {
        struct source *source = scope_source_by_id(views->scope, host->queues[i].source);
        uint32_t of_source = source == NULL ? 0 : source_delay_ms(views->scope, source);
        delay = of_source > delay ? of_source : delay;
    }
    if (blocked > DAY_MS)
        blocked = DAY_MS; /* the clock was set back */
    host->ready_ms = now + (blocked > (int64_t)delay ? blocked : (int64_t)delay);
}

enum status hosts_load(struct views *views, struct frontier *frontier, struct error *err)
{
    enum status status = load_records(views, frontier, err);
    if (status == STATUS_OK)
        status = load_leases(views, frontier, err);
    if (status != STATUS_OK)
        return status;
    struct kv_iterator *it = kv_iterator_open(views->kv, COLUMN_DUE);
    for (struct host *host = frontier->hosts; host != NULL; host = host->next) {
        load_queues(it, host);
        set_ready(views, host);
        if (host->queue_count > 0)
            host_wake(frontier, host, host->ready_ms);
    }
    status = kv_iterator_status(it, err);
    kv_iterator_close(it);
    return status;
}
