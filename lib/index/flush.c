/* From memory to storage, and several segments to one. */
#include <stdlib.h>
#include <string.h>

#include "base/bytes.h"
#include "base/check.h"
#include "index/segment_writer.h"
#include "index/state.h"

/* ---- which segments to merge ---- */

#define LEVEL_SEGMENTS     8 /* so many of one size are merged; each size is so many times larger */
#define LEVELS             12
#define LEVEL_BYTES_MEMORY (256u << 10)
#define LEVEL_BYTES_STORED (1u << 20)

static uint64_t live_bytes(const struct snapshot_entry *entry)
{
    uint32_t documents = entry->segment->document_count;
    return documents == 0 ? 0 : entry->segment->bytes * entry_live(entry) / documents;
}

static unsigned level_of(uint64_t bytes, uint64_t smallest)
{
    unsigned level = 0;
    for (; bytes >= smallest && level + 1 < LEVELS; bytes /= LEVEL_SEGMENTS)
        level++;
    return level;
}

/* What a merge's output will consist of, at most. */
struct extent {
    uint64_t bytes;
    uint64_t documents;
    uint32_t text_dictionaries;
};

/* Adds an entry where the output stays within its limits. */
static uint32_t choose(const struct snapshot_entry *entry, uint32_t number, uint64_t bytes_max,
                       struct extent *extent, uint32_t *chosen, uint32_t count)
{
    struct extent more = {
        .bytes = extent->bytes + live_bytes(entry),
        .documents = extent->documents + entry_live(entry),
        .text_dictionaries =
            extent->text_dictionaries + entry->segment->parts[PART_TEXT_DICTIONARIES].chunk_count,
    };
    if (count == MERGE_INPUTS_MAX || more.bytes > bytes_max ||
        more.documents > SEGMENT_DOCUMENTS_MAX || more.text_dictionaries > TEXT_DICTIONARIES_MAX)
        return count;
    *extent = more;
    chosen[count] = number;
    return count + 1;
}

static uint32_t choose_level(const struct snapshot_entry *entries, uint32_t count, bool stored,
                             unsigned level, uint64_t bytes_max, uint32_t *chosen)
{
    struct extent extent = {0};
    uint32_t chosen_count = 0;
    for (uint32_t i = 0; i < count; i++) {
        if ((entries[i].segment->id != 0) != stored)
            continue;
        unsigned own =
            level_of(live_bytes(&entries[i]), stored ? LEVEL_BYTES_STORED : LEVEL_BYTES_MEMORY);
        if (own <= level)
            chosen_count = choose(&entries[i], i, bytes_max, &extent, chosen, chosen_count);
    }
    return chosen_count;
}

uint32_t index_choose_merge(const struct snapshot_entry *entries, uint32_t count, bool stored,
                            uint64_t bytes_max, uint32_t ret_chosen[MERGE_INPUTS_MAX])
{
    for (unsigned level = 0; level < LEVELS; level++) {
        uint32_t chosen = choose_level(entries, count, stored, level, bytes_max, ret_chosen);
        if (chosen >= LEVEL_SEGMENTS)
            return chosen;
    }
    for (uint32_t i = 0; stored && i < count; i++) { /* one that is mostly deleted */
        const struct segment *segment = entries[i].segment;
        if (segment->id != 0 && entry_live(&entries[i]) < segment->document_count / 2) {
            ret_chosen[0] = i;
            return 1;
        }
    }
    return 0;
}

static void merge_add(struct merge *merge, const struct snapshot_entry *entry)
{
    CHECK(merge->input_count < MERGE_INPUTS_MAX);
    merge->inputs[merge->input_count++] =
        (struct merge_input){.segment = entry->segment, .deletions = entry->deletions};
}

/* Entries whose numbers ascend. */
static void remove_entries(struct draft *draft, const uint32_t *chosen, uint32_t count)
{
    for (uint32_t i = count; i-- > 0;)
        draft_remove(draft, chosen[i]);
}

enum status index_merge_memory(struct draft *draft, const uint32_t *chosen, uint32_t count,
                               struct error *err)
{
    struct merge merge = {0};
    struct memory_sink chunks = {0};
    struct segment_sink sink = {&chunks, memory_sink_add};
    struct segment *output = NULL;
    for (uint32_t i = 0; i < count; i++)
        merge_add(&merge, &draft->entries[chosen[i]]);
    enum status status = merge_run(&merge, &sink, err);
    if (status == STATUS_OK)
        status = memory_sink_open(&chunks, &output, err);
    if (status == STATUS_OK) {
        merge_copy_inlinks(&merge, output);
        remove_entries(draft, chosen, count);
        if (output->document_count > 0)
            status = draft_add(draft, output, err);
        else
            segment_release(output);
    }
    memory_sink_release(&chunks);
    merge_release(&merge);
    return status;
}

enum status index_compact_memory(struct draft *draft, uint64_t bytes_max, struct error *err)
{
    while (true) {
        uint32_t chosen[MERGE_INPUTS_MAX];
        uint32_t count = index_choose_merge(draft->entries, draft->count, false, bytes_max, chosen);
        if (count == 0)
            return STATUS_OK;
        enum status status = index_merge_memory(draft, chosen, count, err);
        if (status != STATUS_OK)
            return status;
    }
}

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

/* An id for a segment. Until a manifest names it, it counts as garbage. */
static uint64_t new_id(struct index *index)
{
    uint64_t id = index->next_id++;
    buffer_append(&index->garbage, &id, sizeof(id));
    return id;
}

static void forget_garbage(struct index *index, uint64_t id)
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

/* Drops what no manifest names, nor may name after a write that failed half-way. */
static void discard(struct index *index, uint64_t id)
{
    if (drop_chunks(index, id, NULL) == STATUS_OK)
        forget_garbage(index, id);
}

/* Deletes merged-away segments whose last reader has left. What cannot be deleted now stays named
 * as garbage and goes with the next opening. */
static void sweep(struct index *index)
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
        discard(index, id);
    }
    index->retired_count = kept;
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

/* Merges into the storage under `id`. *ret_segment is NULL where no document was left. */
static enum status merge_to_storage(struct index *index, struct merge *merge, uint64_t id,
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
    if (status == STATUS_OK && !segment_verify(output)) {
        segment_release(output);
        status = error_set(err, STATUS_IO, "a segment was not written as it should be");
    }
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

/*
 * Writes what the draft consists of, in one step; `dropped` are segments that it no longer has.
 * The draft has no segment in memory.
 */
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
    enum status status = commit.failed
                             ? error_set(err, STATUS_NO_MEMORY, "manifest")
                             : index->storage.ops->write(index->storage.self, commit.operations,
                                                         commit.count, true, err);
    for (uint32_t i = 0; status == STATUS_OK && i < draft->count; i++) {
        draft->entries[i].segment->deletions_changed = false;
        draft->entries[i].segment->inlinks_changed = false;
        forget_garbage(index, draft->entries[i].segment->id);
    }
    free(commit.operations);
    arena_release(&commit.arena);
    return status;
}

/* ---- flushing ---- */

static uint32_t memory_entries(const struct draft *draft, uint32_t chosen[MERGE_INPUTS_MAX])
{
    uint32_t count = 0;
    for (uint32_t i = 0; i < draft->count && count < MERGE_INPUTS_MAX; i++) {
        if (draft->entries[i].segment->id == 0)
            chosen[count++] = i;
    }
    return count;
}

/* Puts one stored segment in the place of up to 64 in memory. */
static enum status flush_entries(struct index *index, struct draft *draft, const uint32_t *chosen,
                                 uint32_t count, struct error *err)
{
    struct merge merge = {0};
    struct segment *output = NULL;
    for (uint32_t i = 0; i < count; i++)
        merge_add(&merge, &draft->entries[chosen[i]]);
    uint64_t id = new_id(index);
    enum status status = merge_to_storage(index, &merge, id, &output, err);
    if (status == STATUS_OK) {
        remove_entries(draft, chosen, count);
        if (output != NULL) {
            output->inlinks_changed = true;
            status = draft_add(draft, output, err);
        }
    }
    if (output == NULL)
        discard(index, id);
    merge_release(&merge);
    return status;
}

static enum status flush_draft(struct index *index, struct draft *draft, struct error *err)
{
    size_t rebuilt = 0;
    enum status status = index_rebuild_stale(index, draft, &rebuilt, err);
    while (status == STATUS_OK) {
        uint32_t chosen[MERGE_INPUTS_MAX];
        uint32_t count = memory_entries(draft, chosen);
        if (count == 0)
            break;
        status = flush_entries(index, draft, chosen, count, err);
    }
    uint64_t position = atomic_load(&index->applied_position);
    if (status == STATUS_OK)
        status = write_manifest(index, draft, NULL, 0, position, err);
    if (status == STATUS_OK)
        status = index_publish(index, draft, err);
    if (status == STATUS_OK) {
        atomic_store(&index->flushed_position, position);
        buffer_consume(&index->stale, rebuilt * sizeof(uint64_t));
        index->unflushed = index->stale.size > 0;
    }
    return status;
}

enum status index_flush_locked(struct index *index, struct error *err)
{
    sweep(index);
    if (!index->unflushed)
        return STATUS_OK;
    struct draft draft;
    enum status status = draft_init(&draft, index->current, err);
    if (status != STATUS_OK)
        return status;
    status = flush_draft(index, &draft, err);
    draft_release(&draft);
    if (status != STATUS_OK)
        error_add_context(err, "flushing the index");
    return status;
}

enum status index_flush(struct index *index, struct error *err)
{
    pthread_mutex_lock(&index->writer_lock);
    enum status status = index_flush_locked(index, err);
    pthread_mutex_unlock(&index->writer_lock);
    return status;
}

/* ---- merging in the background ---- */

/* The smallest stored segments, so many that one in their place leaves `segments`. */
static uint32_t choose_smallest(const struct snapshot_entry *entries, uint32_t count,
                                uint32_t segments, uint32_t ret_chosen[MERGE_INPUTS_MAX])
{
    uint32_t stored = 0;
    struct extent extent = {0};
    uint32_t chosen = 0;
    bool taken[MANIFEST_SEGMENTS_MAX] = {false};
    for (uint32_t i = 0; i < count; i++)
        stored += entries[i].segment->id != 0;
    if (stored <= segments || count > MANIFEST_SEGMENTS_MAX)
        return 0;
    for (uint32_t wanted = stored - segments + 1; wanted > 0; wanted--) {
        uint32_t smallest = count;
        for (uint32_t i = 0; i < count; i++) {
            if (entries[i].segment->id != 0 && !taken[i] &&
                (smallest == count || live_bytes(&entries[i]) < live_bytes(&entries[smallest])))
                smallest = i;
        }
        taken[smallest] = true;
        chosen = choose(&entries[smallest], smallest, UINT64_MAX, &extent, ret_chosen, chosen);
    }
    return chosen > 1 ? chosen : 0;
}

/* Chooses under the lock what to merge; the snapshot holds it while the merge runs. */
static struct snapshot *begin_merge(struct index *index, uint32_t segments, struct merge *merge,
                                    uint64_t *ret_id)
{
    uint32_t chosen[MERGE_INPUTS_MAX];
    pthread_mutex_lock(&index->writer_lock);
    sweep(index);
    struct snapshot *snapshot = snapshot_hold(index->current);
    uint32_t count = segments > 0
                         ? choose_smallest(snapshot->entries, snapshot->count, segments, chosen)
                         : index_choose_merge(snapshot->entries, snapshot->count, true,
                                              atomic_load(&index->merge_bytes_max), chosen);
    for (uint32_t i = 0; i < count; i++)
        merge_add(merge, &snapshot->entries[chosen[i]]);
    if (count > 0)
        *ret_id = new_id(index);
    pthread_mutex_unlock(&index->writer_lock);
    return snapshot;
}

/* Deletes in the output what was deleted in an input while the merge ran. */
static enum status delete_late(struct draft *draft, uint32_t output,
                               const struct merge_input *input, const struct deletions *now,
                               struct error *err)
{
    for (uint32_t docid = 0; docid < input->segment->document_count; docid++) {
        if (!deletions_has(now, docid) || input->docids[docid] == DOCID_END)
            continue;
        enum status status = draft_delete(draft, (struct place){output, input->docids[docid]}, err);
        if (status != STATUS_OK)
            return status;
    }
    return STATUS_OK;
}

static uint32_t find_entry(const struct draft *draft, const struct segment *segment)
{
    uint32_t i = 0;
    while (i < draft->count && draft->entries[i].segment != segment)
        i++;
    return i;
}

/* Puts the output in the place of the inputs. Takes the reference to the output. */
static enum status swap_inputs(struct draft *draft, const struct merge *merge,
                               struct segment *output, struct error *err)
{
    uint32_t at = draft->count;
    if (output != NULL) {
        merge_copy_inlinks(merge, output);
        output->inlinks_changed = true;
        enum status status = draft_add(draft, output, err);
        if (status != STATUS_OK)
            return status;
    }
    for (uint32_t i = 0; i < merge->input_count; i++) {
        uint32_t entry = find_entry(draft, merge->inputs[i].segment);
        CHECK(entry < draft->count); /* only a merge takes stored segments away */
        if (output != NULL) {
            enum status status =
                delete_late(draft, at, &merge->inputs[i], draft->entries[entry].deletions, err);
            if (status != STATUS_OK)
                return status;
        }
        draft_remove(draft, entry);
        at--;
    }
    return STATUS_OK;
}

/* Makes room to keep a reference to each input, so that sweep() sees when the others are gone. */
static enum status reserve_retired(struct index *index, const struct merge *merge,
                                   struct error *err)
{
    CHECK(merge->input_count > 0);
    struct segment **retired = realloc(index->retired, (index->retired_count + merge->input_count) *
                                                           sizeof(struct segment *));
    if (retired == NULL)
        return error_set(err, STATUS_NO_MEMORY, "merge");
    index->retired = retired;
    for (uint32_t i = 0; i < merge->input_count; i++)
        buffer_append(&index->garbage, &merge->inputs[i].segment->id, sizeof(uint64_t));
    return index->garbage.failed ? error_set(err, STATUS_NO_MEMORY, "merge") : STATUS_OK;
}

/* Takes the reference to the output, which may be NULL. */
static enum status commit_merge(struct index *index, struct draft *draft, const struct merge *merge,
                                struct segment *output, struct error *err)
{
    uint64_t dropped[MERGE_INPUTS_MAX];
    enum status status = swap_inputs(draft, merge, output, err);
    if (status == STATUS_OK)
        status = reserve_retired(index, merge, err);
    for (uint32_t i = 0; i < merge->input_count; i++)
        dropped[i] = merge->inputs[i].segment->id;
    if (status == STATUS_OK)
        status = write_manifest(index, draft, dropped, merge->input_count,
                                atomic_load(&index->flushed_position), err);
    if (status == STATUS_OK)
        status = index_publish(index, draft, err);
    for (uint32_t i = 0; status == STATUS_OK && i < merge->input_count; i++)
        index->retired[index->retired_count++] = segment_hold(merge->inputs[i].segment);
    return status;
}

static enum status run_merge(struct index *index, uint32_t segments, struct error *err)
{
    struct merge merge = {0};
    uint64_t id = 0;
    struct segment *output = NULL;
    struct draft draft = {0};
    struct snapshot *held = begin_merge(index, segments, &merge, &id);
    if (merge.input_count == 0) {
        snapshot_release(held);
        return STATUS_END;
    }
    enum status status = merge_to_storage(index, &merge, id, &output, err);

    pthread_mutex_lock(&index->writer_lock);
    /* Everything applied becomes durable first: a document that was dropped because a newer one
     * replaced it must not leave before that one is safe. */
    if (status == STATUS_OK)
        status = index_flush_locked(index, err);
    if (status == STATUS_OK)
        status = draft_init(&draft, index->current, err);
    bool committing = status == STATUS_OK;
    if (committing)
        status = commit_merge(index, &draft, &merge, output, err);
    else
        segment_release(output);
    if (!committing || output == NULL)
        discard(index, id);
    draft_release(&draft);
    pthread_mutex_unlock(&index->writer_lock);
    snapshot_release(held);
    merge_release(&merge);
    if (status != STATUS_OK)
        error_add_context(err, "merging segments");
    return status;
}

void index_limit_merges(struct index *index, uint64_t bytes)
{
    uint64_t most = index->options.segment_bytes;
    atomic_store(&index->merge_bytes_max, bytes < most ? bytes : most);
}

enum status index_merge(struct index *index, struct error *err)
{
    return run_merge(index, 0, err);
}

enum status index_merge_down(struct index *index, uint32_t segments, struct error *err)
{
    enum status status;
    do {
        status = run_merge(index, segments == 0 ? 1 : segments, err);
    } while (status == STATUS_OK);
    return status == STATUS_END ? STATUS_OK : status;
}
