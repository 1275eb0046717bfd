#include "indexserver/urls.h"

#include <string.h>

#include "base/bytes.h"
#include "indexserver/frontier.h"
#include "indexserver/history.h"
#include "indexserver/pages.h"
#include "indexserver/scope.h"

enum status urls_get(struct views *views, const char *url, struct url_state *ret_state,
                     struct error *err)
{
    struct buffer value = {0};
    enum status status = views_get(views, COLUMN_URLS, url, strlen(url), &value, err);
    if (status == STATUS_OK && !url_state_decode(value.data, value.size, ret_state))
        status = error_set(err, STATUS_CORRUPT, "what is known of a URL is no record");
    buffer_release(&value);
    return status;
}

enum status urls_touch(struct change *change, const char *url, struct url_entry **ret_entry,
                       struct error *err)
{
    struct url_entry *entry = table_get(&change->urls, url);
    if (entry != NULL) {
        *ret_entry = entry;
        return STATUS_OK;
    }
    entry = arena_zalloc(&change->arena, sizeof(*entry));
    char *copy = arena_string(&change->arena, url);
    if (entry == NULL || copy == NULL)
        return error_set(err, STATUS_NO_MEMORY, "no memory");
    enum status status = urls_get(change->views, url, &entry->before, err);
    if (status != STATUS_OK && status != STATUS_NOT_FOUND)
        return status;
    if (status == STATUS_NOT_FOUND)
        entry->before = (struct url_state){.due_ms = URL_DUE_NEVER};
    entry->url = copy;
    entry->after = entry->before;
    entry->next = change->url_first;
    change->url_first = entry;
    table_put(&change->urls, copy, entry);
    *ret_entry = entry;
    return STATUS_OK;
}

/* Adds the URL to its source's counts (sign 1) or takes it out of them (-1). */
static void count(struct change *change, const struct url_state *state, int sign)
{
    struct source *source = scope_source_by_id(change->views->scope, state->source);
    if (source == NULL || state->kind == URL_UNKNOWN)
        return;
    if ((state->flags & URL_LISTING) != 0) { /* no page: it is only waited for */
        source->counts.queued += (state->flags & URL_GUESSED) != 0 || !url_state_is_queued(state)
                                     ? 0
                                 : sign > 0 ? 1
                                            : UINT64_MAX;
        scope_touch(change->views->scope, source);
        return;
    }
    struct source_counts *counts = &source->counts;
    uint64_t one = sign > 0 ? 1 : UINT64_MAX; /* adding UINT64_MAX takes one away */
    bool failed = state->kind == URL_FAILED || state->kind == URL_GONE;
    counts->known += one;
    counts->fetched += state->content != 0 ? one : 0;
    counts->queued += url_state_is_queued(state) ? one : 0;
    counts->failed += failed ? one : 0;
    counts->bytes += sign > 0 ? state->bytes : -(uint64_t)state->bytes;
    scope_touch(change->views->scope, source);
}

/* ---- earlier contents -------------------------------------------------------------------------
 */

static void older_key(struct buffer *ret, const char *url, uint64_t sequence)
{
    uint8_t tail[8];
    put_be64(tail, sequence);
    buffer_clear(ret);
    buffer_append(ret, url, strlen(url) + 1);
    buffer_append(ret, tail, sizeof(tail));
}

/* Sequences of the URL's earlier contents, oldest first. */
static void read_older(struct views *views, const char *url, struct buffer *ret_sequences)
{
    struct buffer prefix = {0};
    buffer_append(&prefix, url, strlen(url) + 1);
    struct kv_iterator *it = kv_iterator_open(views->kv, COLUMN_OLDER);
    bool more = kv_iterator_seek(it, kv_slice(prefix.data, prefix.size));
    for (; more; more = kv_iterator_next(it)) {
        struct kv_slice key = kv_iterator_key(it);
        if (key.size != prefix.size + 8 || memcmp(key.data, prefix.data, prefix.size) != 0)
            break;
        uint64_t sequence = get_be64((const uint8_t *)key.data + prefix.size);
        buffer_append(ret_sequences, &sequence, sizeof(sequence));
    }
    kv_iterator_close(it);
    buffer_release(&prefix);
}

/* The content that was the newest is now one of the earlier ones: as many as wanted are kept. Where
 * the page is gone none is. */
static void retire_content(struct change *change, const char *url, uint64_t sequence, bool gone)
{
    size_t keep = gone ? 0 : change->views->keep_versions;
    struct buffer older = {0}, key = {0};
    if (sequence == 0)
        return;
    read_older(change->views, url, &older);
    size_t count = older.size / sizeof(uint64_t);
    const uint64_t *sequences = (const uint64_t *)(const void *)older.data;
    for (size_t i = 0; i + keep < count + 1 && i < count; i++) {
        older_key(&key, url, sequences[i]);
        change_delete(change, COLUMN_OLDER, key.data, key.size);
        change_forget(change, sequences[i]);
    }
    if (keep == 0) {
        change_forget(change, sequence);
    } else {
        older_key(&key, url, sequence);
        change_put(change, COLUMN_OLDER, key.data, key.size, "", 0);
        pages_forget(change, sequence); /* what was made of it has no use any more */
    }
    buffer_release(&older);
    buffer_release(&key);
}

/* ---- the change --------------------------------------------------------------------------------
 */

static void flush_one(struct change *change, const struct url_entry *entry)
{
    uint8_t before[URL_RECORD_BYTES], after[URL_RECORD_BYTES];
    url_state_encode(&entry->before, before);
    url_state_encode(&entry->after, after);
    if (memcmp(before, after, sizeof(before)) == 0)
        return;
    if (entry->after.kind == URL_UNKNOWN) /* it is forgotten */
        change_delete(change, COLUMN_URLS, entry->url, strlen(entry->url));
    else
        change_put(change, COLUMN_URLS, entry->url, strlen(entry->url), after, sizeof(after));
    count(change, &entry->before, -1);
    count(change, &entry->after, 1);
    frontier_requeue(change, entry->url, &entry->before, &entry->after);
    if (entry->before.content != entry->after.content)
        retire_content(change, entry->url, entry->before.content, entry->after.content == 0);
    if (entry->before.outcome != entry->after.outcome)
        change_forget(change, entry->before.outcome);
    if (entry->after.kind == URL_REMOVED || entry->after.kind == URL_UNKNOWN)
        history_forget(change, entry->url);
    else if (entry->before.fetched_us != 0 && entry->before.fetched_us != entry->after.fetched_us)
        history_push(change, entry->url, &entry->before);
}

void urls_flush(struct change *change)
{
    for (const struct url_entry *entry = change->url_first; entry != NULL; entry = entry->next)
        flush_one(change, entry);
}
