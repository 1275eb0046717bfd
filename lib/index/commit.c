/* What storage holds of the index: segments, the manifest that names them, and what is to go. */
#include "index/commit.h"

#include <stdlib.h>
#include <string.h>

#include "base/bytes.h"
#include "base/check.h"
#include "index/segment_writer.h"

/* ---- garbage ---- */

static bool is_named(const struct draft *draft, uint64_t id)
{
    for (uint32_t i = 0; i < draft->count; i++) {
        if (draft->entries[i].segment->id == id)
            return true;
    }
    return false;
}

/* Those ids of index->garbage that the draft does not name. */
static uint32_t unnamed_garbage(const struct index *index, const struct draft *draft,
                                uint64_t *ret_ids)
{
    uint32_t count = 0;
    for (size_t i = 0; i < index->garbage.size / sizeof(uint64_t); i++) {
        uint64_t id;
        memcpy(&id, index->garbage.data + i * sizeof(id), sizeof(id));
        if (!is_named(draft, id) && count < MANIFEST_GARBAGE_MAX)
            ret_ids[count++] = id;
    }
    return count;
}

uint64_t index_new_id(struct index *index)
{
    uint64_t id = index->next_id++;
    buffer_append(&index->garbage, &id, sizeof(id));
    return id;
}

void index_forget_garbage(struct index *index, uint64_t id)
{
    uint64_t *ids = (uint64_t *)index->garbage.data;
    size_t count = index->garbage.size / sizeof(*ids);
    for (size_t i = 0; i < count; i++) {
        if (ids[i] == id) {
            ids[i] = ids[count - 1];
            index->garbage.size -= sizeof(*ids);
            return;
        }
    }
}

static enum status drop_chunks(struct index *index, uint64_t id, struct error *err)
{
    uint8_t key[9] = {KEY_CHUNK};
    put_be64(key + 1, id);
    return index->storage.ops->delete_prefix(index->storage.self,
                                             (struct storage_slice){key, sizeof(key)}, err);
}

void index_discard(struct index *index, uint64_t id)
{
    if (drop_chunks(index, id, NULL) == STATUS_OK)
        index_forget_garbage(index, id);
}

static bool is_in_use(const struct index *index, uint64_t id)
{
    bool found = id == index->merging_id;
    for (uint32_t i = 0; i < index->retired_count; i++)
        found = found || index->retired[i]->id == id;
    for (uint32_t i = 0; i < index->current->count; i++)
        found = found || index->current->entries[i].segment->id == id;
    return found;
}

/* What a flush or merge left behind that failed after it had written a segment. */
static void sweep_orphans(struct index *index)
{
    for (size_t i = index->garbage.size / sizeof(uint64_t); i-- > 0;) {
        uint64_t id;
        memcpy(&id, index->garbage.data + i * sizeof(id), sizeof(id));
        if (!is_in_use(index, id))
            index_discard(index, id); /* the last one takes its place, which was seen */
    }
}

void index_sweep(struct index *index)
{
    uint32_t kept = 0;
    for (uint32_t i = 0; i < index->retired_count; i++) {
        struct segment *segment = index->retired[i];
        if (atomic_load_explicit(&segment->references, memory_order_acquire) > 1) {
            index->retired[kept++] = segment;
            continue;
        }
        uint64_t id = segment->id;
        segment_release(segment);
        index_discard(index, id);
    }
    index->retired_count = kept;
    if (!index->is_manifest_unsure)
        sweep_orphans(index);
}

/* ---- a merge into storage ---- */

struct storage_sink {
    struct storage storage;
    uint64_t id;
    void *bulk;
    uint32_t count;
};

static enum status storage_sink_add(void *self, uint32_t number, struct buffer *chunk,
                                    struct error *err)
{
    struct storage_sink *sink = self;
    uint8_t key[13];
    key[0] = KEY_CHUNK;
    put_be64(key + 1, sink->id);
    put_be32(key + 9, number);
    sink->count = number + 1;
    return sink->storage.ops->bulk_add(sink->storage.self, sink->bulk,
                                       (struct storage_slice){key, sizeof(key)},
                                       (struct storage_slice){chunk->data, chunk->size}, err);
}

enum status index_merge_to_storage(struct index *index, struct merge *merge, uint64_t id,
                                   struct segment **ret_segment, struct error *err)
{
    struct storage_sink chunks = {.storage = index->storage, .id = id};
    struct segment_sink sink = {&chunks, storage_sink_add};
    struct storage storage = index->storage;
    enum status status = storage.ops->bulk_open(storage.self, &chunks.bulk, err);
    if (status != STATUS_OK)
        return status;
    status = merge_run(merge, &sink, err);
    if (status != STATUS_OK || merge->document_count == 0) {
        storage.ops->bulk_abort(storage.self, chunks.bulk);
        *ret_segment = NULL;
        return status;
    }
    status = storage.ops->bulk_finish(storage.self, chunks.bulk, err);
    struct segment *output = NULL;
    if (status == STATUS_OK)
        status = index_open_stored(index, id, chunks.count, &output, err);
    if (status == STATUS_CORRUPT) /* what it was made from is still there, and right */
        status = error_set(err, STATUS_IO, "a segment was not written as it should be");
    if (status == STATUS_OK) {
        merge_copy_inlinks(merge, output);
        *ret_segment = output;
    }
    return status;
}

/* ---- the manifest ---- */

/* What one atomic write consists of. */
struct commit {
    struct arena arena;
    struct storage_operation *operations;
    size_t count;
    bool failed;
};

static void commit_add(struct commit *commit, enum storage_operation_kind kind, uint8_t prefix,
                       const uint64_t *id, const struct buffer *value)
{
    uint8_t key[9] = {prefix};
    if (id != NULL)
        put_be64(key + 1, *id);
    struct storage_operation *operation = &commit->operations[commit->count++];
    size_t key_size = id == NULL ? 1 : sizeof(key);
    *operation = (struct storage_operation){
        .kind = kind,
        .key = {arena_copy(&commit->arena, key, key_size), key_size},
    };
    if (value != NULL) {
        operation->value = (struct storage_slice){
            arena_copy(&commit->arena, value->data, value->size), value->size};
        if (value->failed || operation->value.bytes == NULL)
            commit->failed = true;
    }
    commit->failed = commit->failed || operation->key.bytes == NULL;
}

/* The tables of a stored segment that changed since they were written. */
static void commit_tables(struct commit *commit, const struct snapshot_entry *entry)
{
    struct segment *segment = entry->segment;
    struct buffer table = {0};
    if (segment->deletions_changed && entry->deletions != NULL) {
        deletions_encode(entry->deletions, &table);
        commit_add(commit, STORAGE_PUT, KEY_DELETIONS, &segment->id, &table);
        buffer_clear(&table);
    }
    if (segment->inlinks_changed) {
        links_encode(segment, &table);
        commit_add(commit, STORAGE_PUT, KEY_LINKS, &segment->id, &table);
    }
    buffer_release(&table);
}

static void commit_manifest(struct commit *commit, struct index *index, const struct draft *draft,
                            uint64_t position)
{
    struct buffer bytes = {0};
    struct manifest manifest = {
        .position = position,
        .next_id = index->next_id,
        .segments =
            arena_zalloc(&commit->arena, (draft->count + 1) * sizeof(struct manifest_segment)),
        .garbage = arena_alloc(&commit->arena, index->garbage.size + 1),
    };
    if (manifest.segments == NULL || manifest.garbage == NULL) {
        commit->failed = true;
        return;
    }
    manifest.garbage_count = unnamed_garbage(index, draft, manifest.garbage);
    for (uint32_t i = 0; i < draft->count; i++) {
        const struct snapshot_entry *entry = &draft->entries[i];
        if (entry->segment->id == 0)
            continue;
        struct manifest_segment *named = &manifest.segments[manifest.segment_count++];
        named->id = entry->segment->id;
        named->chunk_count = entry->segment->chunk_count;
        memcpy(named->field_tokens, entry->field_tokens, sizeof(named->field_tokens));
    }
    manifest_encode(&manifest, &bytes);
    commit_add(commit, STORAGE_PUT, KEY_MANIFEST, NULL, &bytes);
    buffer_release(&bytes);
}

static enum status write_manifest(struct index *index, const struct draft *draft,
                                  const uint64_t *dropped, uint32_t dropped_count,
                                  uint64_t position, struct error *err)
{
    struct commit commit = {0};
    commit.operations =
        calloc(1 + 2 * ((size_t)draft->count + dropped_count), sizeof(*commit.operations));
    if (commit.operations == NULL)
        return error_set(err, STATUS_NO_MEMORY, "manifest");
    for (uint32_t i = 0; i < draft->count; i++)
        commit_tables(&commit, &draft->entries[i]);
    for (uint32_t i = 0; i < dropped_count; i++) {
        commit_add(&commit, STORAGE_DELETE, KEY_DELETIONS, &dropped[i], NULL);
        commit_add(&commit, STORAGE_DELETE, KEY_LINKS, &dropped[i], NULL);
    }
    commit_manifest(&commit, index, draft, position);
    enum status status = STATUS_OK;
    if (commit.failed) {
        status = error_set(err, STATUS_NO_MEMORY, "manifest");
    } else {
        status = index->storage.ops->write(index->storage.self, commit.operations, commit.count,
                                           true, err);
        index->is_manifest_unsure = status != STATUS_OK;
    }
    for (uint32_t i = 0; status == STATUS_OK && i < draft->count; i++) {
        draft->entries[i].segment->deletions_changed = false;
        draft->entries[i].segment->inlinks_changed = false;
        index_forget_garbage(index, draft->entries[i].segment->id);
    }
    free(commit.operations);
    arena_release(&commit.arena);
    return status;
}

enum status index_commit(struct index *index, const struct draft *draft, const uint64_t *dropped,
                         uint32_t dropped_count, uint64_t position, struct error *err)
{
    struct snapshot *next = NULL;
    enum status status = draft_finish(draft, &next, err);
    if (status == STATUS_OK)
        status = write_manifest(index, draft, dropped, dropped_count, position, err);
    if (status == STATUS_OK)
        index_publish(index, next);
    else
        snapshot_release(next);
    return status;
}
