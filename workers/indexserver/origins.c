#include "indexserver/origins.h"

#include <stdlib.h>
#include <string.h>

#include "base/bytes.h"
#include "base/check.h"
#include "base/log.h"
#include "indexserver/hosts.h"

enum {
    ORIGIN_RECORD_BYTES = 18,
    KEY_TAIL_BYTES = 25, /* 0, source, due, found_at, found_index */
    ROBOTS_CACHED_MAX = 500,
    ROBOTS_RETRY_MS = 60 * 1000, /* of one that is unreachable; twice as long each time */
};
#define DAY_MS ((int64_t)24 * 3600 * 1000)

/* ---- records ------------------------------------------------------------------------------------
 */

struct origin *origin_find(struct frontier *frontier, const char *name)
{
    return table_get(&frontier->by_origin, name);
}

static struct origin *new_origin(struct frontier *frontier, const char *name)
{
    struct arena arena = {0};
    struct url url;
    struct origin *origin = NULL;
    if (url_parse(name, strlen(name), NULL, &arena, &url, NULL) == STATUS_OK &&
        strcmp(url.origin, name) == 0) {
        origin = check_alloc(calloc(1, sizeof(*origin)));
        origin->name = check_alloc(strdup(name));
        origin->host = host_of(frontier, check_alloc((void *)url_host_queue(&url, &arena)));
        origin->next = origin->host->origins;
        origin->host->origins = origin;
        table_put(&frontier->by_origin, origin->name, origin);
    }
    arena_release(&arena);
    return origin;
}

struct origin *origin_of(struct frontier *frontier, const char *name, struct change *change)
{
    struct origin *origin = origin_find(frontier, name);
    if (origin == NULL)
        origin = new_origin(frontier, name);
    if (origin == NULL || change == NULL || origin->stored)
        return origin;
    origin_store(change, origin);
    /* Where the view is made anew, who knows what was asked just before the end. */
    if (change->views->behind[VIEW_FRONTIER] && origin->host->rest_ms < frontier->opened_ms)
        origin->host->rest_ms = frontier->opened_ms;
    return origin;
}

void origin_free(struct origin *origin)
{
    arena_release(&origin->robots_arena);
    free(origin->queues);
    free(origin->name);
    free(origin);
}

void origin_store(struct change *change, struct origin *origin)
{
    uint8_t value[ORIGIN_RECORD_BYTES];
    put_le64(value, origin->record.robots);
    put_le64(value + 8, (uint64_t)origin->record.robots_us);
    value[16] = origin->record.robots_kind;
    value[17] = origin->record.robots_failures;
    change_put(change, COLUMN_HOSTS, origin->name, strlen(origin->name), value, sizeof(value));
    origin->stored = true;
}

bool origin_decode(struct kv_slice value, struct origin_record *ret_record)
{
    const uint8_t *at = value.data;
    if (value.size != ORIGIN_RECORD_BYTES)
        return false;
    *ret_record = (struct origin_record){.robots = get_le64(at),
                                         .robots_us = (int64_t)get_le64(at + 8),
                                         .robots_kind = at[16],
                                         .robots_failures = at[17]};
    return true;
}

/* ---- queues
 * --------------------------------------------------------------------------------------- */

void due_key_encode(struct buffer *ret, const char *origin, uint32_t source,
                    const struct due_key *due)
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

bool due_key_decode(struct kv_slice key, const char *origin, uint32_t source,
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

bool due_key_is_before(const struct due_key *a, const struct due_key *b)
{
    if (a->due_ms != b->due_ms)
        return a->due_ms < b->due_ms;
    if (a->found_at != b->found_at)
        return a->found_at < b->found_at;
    return a->found_index < b->found_index;
}

void origin_add_queue(struct origin *origin, uint32_t source, const struct due_key *due)
{
    for (unsigned i = 0; i < origin->queue_count; i++) {
        if (origin->queues[i].source == source) {
            if (due_key_is_before(due, &origin->queues[i].low))
                origin->queues[i].low = *due;
            return;
        }
    }
    origin->queues =
        check_alloc(realloc(origin->queues, (origin->queue_count + 1) * sizeof(*origin->queues)));
    origin->queues[origin->queue_count++] = (struct host_queue){source, *due};
}

void origin_drop_queue(struct origin *origin, uint32_t source)
{
    for (unsigned i = 0; i < origin->queue_count; i++) {
        if (origin->queues[i].source == source) {
            origin->queues[i] = origin->queues[--origin->queue_count];
            return;
        }
    }
}

/* Jumps from one to the next. */
void origin_read_queues(struct kv_iterator *it, struct origin *origin)
{
    struct buffer key = {0};
    uint64_t next = 0;
    size_t size = strlen(origin->name) + 1;
    while (origin->queues_unread && next <= UINT32_MAX) {
        due_key_encode(&key, origin->name, (uint32_t)next, NULL);
        if (!kv_iterator_seek(it, kv_slice(key.data, key.size)))
            break;
        struct kv_slice found = kv_iterator_key(it);
        struct due_key due;
        if (found.size < size + 4 || memcmp(found.data, key.data, size) != 0)
            break;
        uint32_t source = get_be32((const uint8_t *)found.data + size);
        if (due_key_decode(found, origin->name, source, &due))
            origin_add_queue(origin, source, &due);
        next = (uint64_t)source + 1;
    }
    origin->queues_unread = kv_iterator_status(it, NULL) != STATUS_OK; /* else tried again */
    buffer_release(&key);
}

/* ---- robots.txt
 * --------------------------------------------------------------------------------------- */

void origin_forget_robots(struct frontier *frontier, struct origin *origin)
{
    if (origin->robots == NULL)
        return;
    arena_release(&origin->robots_arena);
    origin->robots = NULL;
    frontier->robots_cached--;
}

static void make_room(struct frontier *frontier)
{
    if (frontier->robots_cached < ROBOTS_CACHED_MAX)
        return;
    for (struct host *host = frontier->hosts; host != NULL; host = host->next) {
        for (struct origin *origin = host->origins; origin != NULL; origin = origin->next)
            origin_forget_robots(frontier, origin);
    }
}

static enum status read_robots(struct views *views, struct origin *origin, struct error *err)
{
    struct arena arena = {0};
    Log__Entry *entry;
    enum status status = log_get(views->log, origin->record.robots, &arena, &entry, err);
    if (status == STATUS_OK && entry->kind_case != LOG__ENTRY__KIND_ROBOTS)
        status =
            error_set(err, STATUS_CORRUPT, "entry %lu is no robots.txt", origin->record.robots);
    if (status == STATUS_OK) {
        const ProtobufCBinaryData *body = &entry->robots->body;
        status = robots_parse(body->data, body->len, ROBOTS_AGENT, &origin->robots_arena,
                              &origin->robots, err);
    }
    arena_release(&arena);
    return status;
}

struct robots *origin_robots(struct views *views, struct origin *origin)
{
    struct error err;
    if (origin->robots != NULL || origin->record.robots_kind != ROBOTS_FILE)
        return origin->robots;
    make_room(views->frontier);
    if (read_robots(views, origin, &err) == STATUS_OK) {
        views->frontier->robots_cached++;
        return origin->robots;
    }
    log_warning("%s/robots.txt cannot be read from the log, it is fetched again: %s", origin->name,
                err.text);
    arena_release(&origin->robots_arena);
    origin->robots = NULL;
    origin->record.robots_kind = ROBOTS_NONE;
    return NULL;
}

int64_t origin_robots_due_ms(const struct scope *scope, const struct origin *origin)
{
    const struct origin_record *record = &origin->record;
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
