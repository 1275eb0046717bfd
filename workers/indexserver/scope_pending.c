/* Which sources are to be gone through (scope_sweep.h): kept in the store. */
#include <string.h>

#include "base/bytes.h"
#include "indexserver/scope_parts.h"

static const char key_start[] = "sweep";

enum { KEY_BYTES = sizeof(key_start) - 1 + 4, VALUE_BYTES = 9 };

static void make_key(const struct source *source, uint8_t ret[KEY_BYTES])
{
    memcpy(ret, key_start, sizeof(key_start) - 1);
    put_be32(ret + sizeof(key_start) - 1, source->id);
}

void scope_want_sweep(struct change *change, struct source *source, enum sweep_reason reason)
{
    uint8_t key[KEY_BYTES], value[VALUE_BYTES] = {(uint8_t)reason};
    make_key(source, key);
    put_le64(value + 1, change->sequence);
    change_put(change, COLUMN_RULES, key, sizeof(key), value, sizeof(value));
    source->sweep = reason;
    source->sweep_sequence = change->sequence;
    source->sweep_is_due = true;
}

void scope_want_sweeps(struct change *change)
{
    struct scope *scope = change->views->scope;
    for (size_t i = 0; i < scope->source_count; i++) {
        struct source *source = scope->sources[i];
        if (source->configured && source->scope_changed)
            scope_want_sweep(change, source, SWEEP_CHANGED);
    }
}

enum status scope_note_swept(struct views *views, struct source *source, struct error *err)
{
    uint8_t key[KEY_BYTES];
    struct kv_batch *batch = kv_batch_new();
    make_key(source, key);
    kv_delete(batch, views->kv, COLUMN_RULES, kv_slice(key, sizeof(key)));
    enum status status = kv_write(views->kv, batch, false, err);
    kv_batch_free(batch);
    source->sweep = SWEEP_NONE;
    return status;
}

enum status scope_load_sweeps(struct scope *scope, struct error *err)
{
    struct kv_iterator *it = kv_iterator_open(scope->views->kv, COLUMN_RULES);
    struct kv_slice start = kv_slice(key_start, sizeof(key_start) - 1);
    for (bool more = kv_iterator_seek(it, start); more; more = kv_iterator_next(it)) {
        struct kv_slice key = kv_iterator_key(it), value = kv_iterator_value(it);
        if (key.size != KEY_BYTES || memcmp(key.data, start.data, start.size) != 0)
            break;
        struct source *source =
            scope_source_by_id(scope, get_be32((const uint8_t *)key.data + start.size));
        const uint8_t *reason = value.data;
        if (source == NULL || value.size != VALUE_BYTES || *reason > SWEEP_PURGE)
            continue;
        source->sweep = (enum sweep_reason) * reason;
        source->sweep_sequence = get_le64(reason + 1);
        source->sweep_is_due = true;
    }
    enum status status = kv_iterator_status(it, err);
    kv_iterator_close(it);
    return status;
}
