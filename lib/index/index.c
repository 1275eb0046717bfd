/* Opening and closing an index, and what can be read off it without searching. */
#include "index/index.h"

#include <stdlib.h>
#include <string.h>

#include "base/bytes.h"
#include "index/prefix.h"
#include "index/search.h"
#include "index/state.h"

#define MEMORY_BYTES_DEFAULT  (16u << 20)
#define SEGMENT_BYTES_DEFAULT ((uint64_t)2 << 30)
#define TERM_STEPS            8 /* what it costs to look a term up, in steps of a limit */

/* ---- the current state ---- */

struct snapshot *index_hold_snapshot(struct index *index)
{
    pthread_mutex_lock(&index->current_lock);
    struct snapshot *snapshot = snapshot_hold(index->current);
    pthread_mutex_unlock(&index->current_lock);
    return snapshot;
}

void index_publish(struct index *index, struct snapshot *next)
{
    pthread_mutex_lock(&index->current_lock);
    struct snapshot *last = index->current;
    index->current = next;
    pthread_mutex_unlock(&index->current_lock);
    snapshot_release(last);
}

/* ---- opening ---- */

static struct storage_slice id_key(uint8_t kind, uint64_t id, uint8_t key[9])
{
    key[0] = kind;
    put_be64(key + 1, id);
    return (struct storage_slice){key, 9};
}

enum status index_open_stored(struct index *index, uint64_t id, uint32_t chunk_count,
                              struct segment **ret_segment, struct error *err)
{
    struct storage storage = index->storage;
    struct storage_pin *pins = calloc(chunk_count + 1u, sizeof(*pins));
    if (pins == NULL)
        return error_set(err, STATUS_NO_MEMORY, "segment");
    for (uint32_t i = 0; i < chunk_count; i++) {
        uint8_t key[13];
        id_key(KEY_CHUNK, id, key);
        put_be32(key + 9, i);
        enum status status =
            storage.ops->pin(storage.self, (struct storage_slice){key, sizeof(key)}, &pins[i], err);
        if (status == STATUS_OK)
            continue;
        for (uint32_t p = 0; p < i; p++)
            storage.ops->unpin(storage.self, &pins[p]);
        free(pins);
        return status == STATUS_NOT_FOUND
                   ? error_set(err, STATUS_CORRUPT, "a chunk of a segment is missing")
                   : status;
    }
    struct segment *segment;
    enum status status = segment_open(storage, pins, chunk_count, &segment, err);
    if (status != STATUS_OK)
        return status;
    segment->id = id;
    segment->corrupt = &index->corrupt;
    *ret_segment = segment;
    return STATUS_OK;
}

/* A value that may be missing: then `ret_value` stays empty. */
static enum status get_table(struct index *index, uint8_t kind, uint64_t id,
                             struct buffer *ret_value, struct error *err)
{
    uint8_t key[9];
    enum status status =
        index->storage.ops->get(index->storage.self, id_key(kind, id, key), ret_value, err);
    return status == STATUS_NOT_FOUND ? STATUS_OK : status;
}

static enum status open_entry(struct index *index, const struct manifest_segment *named,
                              struct snapshot_entry *entry, struct error *err)
{
    struct buffer table = {0};
    enum status status =
        index_open_stored(index, named->id, named->chunk_count, &entry->segment, err);
    if (status != STATUS_OK)
        return status;
    memcpy(entry->field_tokens, named->field_tokens, sizeof(entry->field_tokens));
    status = get_table(index, KEY_DELETIONS, named->id, &table, err);
    if (status == STATUS_OK && table.size > 0)
        status = deletions_decode(table.data, table.size, entry->segment->document_count,
                                  &entry->deletions, err);
    buffer_clear(&table);
    if (status == STATUS_OK)
        status = get_table(index, KEY_LINKS, named->id, &table, err);
    if (status == STATUS_OK)
        status = links_decode(table.data, table.size, entry->segment, err);
    buffer_release(&table);
    return status;
}

/* New text goes on with the dictionary that the newest of the stored segments ends with. */
static void adopt_dictionary(struct index *index, const struct snapshot *snapshot)
{
    const struct segment *newest = NULL;
    for (uint32_t i = 0; i < snapshot->count; i++) {
        const struct segment *segment = snapshot->entries[i].segment;
        if (segment->parts[PART_TEXT_DICTIONARIES].chunk_count > 0 &&
            (newest == NULL || segment->id > newest->id))
            newest = segment;
    }
    if (newest != NULL)
        builder_adopt_dictionary(
            index->builder,
            segment_text_dictionary(newest,
                                    (uint8_t)newest->parts[PART_TEXT_DICTIONARIES].chunk_count));
}

static enum status open_snapshot(struct index *index, const struct manifest *manifest,
                                 struct error *err)
{
    struct snapshot *snapshot =
        calloc(1, sizeof(*snapshot) + manifest->segment_count * sizeof(snapshot->entries[0]));
    if (snapshot == NULL)
        return error_set(err, STATUS_NO_MEMORY, "index");
    atomic_init(&snapshot->references, 1);
    enum status status = STATUS_OK;
    for (uint32_t i = 0; status == STATUS_OK && i < manifest->segment_count; i++) {
        struct snapshot_entry *entry = &snapshot->entries[i];
        snapshot->count++;
        status = open_entry(index, &manifest->segments[i], entry, err);
        if (status != STATUS_OK)
            break;
        snapshot->documents += entry_live(entry);
        for (unsigned field = 0; field < FIELD_COUNT; field++)
            snapshot->field_tokens[field] += entry->field_tokens[field];
    }
    if (status == STATUS_OK)
        status = index_load_scopes(index, err);
    if (status != STATUS_OK) {
        snapshot_release(snapshot);
        return status;
    }
    snapshot->shown = visibility_hold(index->shown);
    index->current = snapshot;
    adopt_dictionary(index, snapshot);
    return STATUS_OK;
}

struct orphans {
    struct buffer *ids;
    uint64_t last;
};

static enum status visit_orphan(void *context, struct storage_slice key, struct storage_slice value)
{
    (void)value;
    struct orphans *orphans = context;
    if (key.size < 9)
        return STATUS_CORRUPT;
    uint64_t id = get_be64(key.bytes + 1);
    if (orphans->last != id)
        buffer_append(orphans->ids, &id, sizeof(id));
    orphans->last = id;
    return STATUS_OK;
}

/* Drops what a crash or a merge left behind: ids that no manifest names. */
static enum status drop_garbage(struct index *index, const struct manifest *manifest,
                                struct error *err)
{
    uint8_t from[9];
    const uint8_t prefix = KEY_CHUNK;
    struct buffer ids = {0};
    struct orphans orphans = {.ids = &ids};
    buffer_append(&ids, manifest->garbage, manifest->garbage_count * sizeof(uint64_t));
    enum status status = index->storage.ops->iterate(
        index->storage.self, (struct storage_slice){&prefix, 1},
        id_key(KEY_CHUNK, manifest->next_id, from), visit_orphan, &orphans, err);
    for (size_t i = 0; status == STATUS_OK && i < ids.size / sizeof(uint64_t); i++) {
        uint64_t id;
        uint8_t key[9];
        memcpy(&id, ids.data + i * sizeof(id), sizeof(id));
        status =
            index->storage.ops->delete_prefix(index->storage.self, id_key(KEY_CHUNK, id, key), err);
        if (id >= index->next_id)
            index->next_id = id + 1;
    }
    buffer_release(&ids);
    return status;
}

static enum status read_manifest(struct index *index, struct manifest *ret_manifest,
                                 struct error *err)
{
    const uint8_t key = KEY_MANIFEST;
    struct buffer bytes = {0};
    enum status status =
        index->storage.ops->get(index->storage.self, (struct storage_slice){&key, 1}, &bytes, err);
    if (status == STATUS_NOT_FOUND) {
        *ret_manifest = (struct manifest){.next_id = 1};
        status = STATUS_OK;
    } else if (status == STATUS_OK) {
        status = manifest_decode(bytes.data, bytes.size, ret_manifest, err);
    }
    buffer_release(&bytes);
    return status;
}

static enum status open_state(struct index *index, struct error *err)
{
    struct manifest manifest = {0};
    enum status status = read_manifest(index, &manifest, err);
    if (status != STATUS_OK)
        return status;
    index->next_id = manifest.next_id;
    atomic_init(&index->applied_position, manifest.position);
    atomic_init(&index->flushed_position, manifest.position);
    status = drop_garbage(index, &manifest, err);
    if (status == STATUS_OK)
        status = open_snapshot(index, &manifest, err);
    manifest_release(&manifest);
    return status;
}

enum status index_open(struct storage storage, const struct index_options *options,
                       struct index **ret_index, struct error *err)
{
    struct index *index = calloc(1, sizeof(*index));
    if (index == NULL)
        return error_set(err, STATUS_NO_MEMORY, "index");
    index->storage = storage;
    if (options != NULL)
        index->options = *options;
    if (index->options.memory_bytes == 0)
        index->options.memory_bytes = MEMORY_BYTES_DEFAULT;
    if (index->options.segment_bytes == 0)
        index->options.segment_bytes = SEGMENT_BYTES_DEFAULT;
    atomic_init(&index->merge_bytes_max, index->options.segment_bytes);
    pthread_mutex_init(&index->current_lock, NULL);
    pthread_mutex_init(&index->writer_lock, NULL);
    index->builder = builder_new(index->options.plain);
    index->decompressor = ZSTD_createDCtx();
    enum status status = index->builder == NULL || index->decompressor == NULL
                             ? error_set(err, STATUS_NO_MEMORY, "index")
                             : open_state(index, err);
    if (status != STATUS_OK) {
        index_close(index);
        error_add_context(err, "opening the index");
        return status;
    }
    *ret_index = index;
    return STATUS_OK;
}

void index_close(struct index *index)
{
    if (index == NULL)
        return;
    snapshot_release(index->current);
    for (uint32_t i = 0; i < index->retired_count; i++)
        segment_release(index->retired[i]);
    free(index->retired);
    builder_free(index->builder);
    ZSTD_freeDCtx(index->decompressor);
    visibility_release(index->shown);
    buffer_release(&index->stale);
    buffer_release(&index->garbage);
    pthread_mutex_destroy(&index->current_lock);
    pthread_mutex_destroy(&index->writer_lock);
    free(index);
}

enum status index_erase(struct storage storage, struct error *err)
{
    /* The manifest first: without it nothing of the rest is read. */
    static const uint8_t kinds[] = {KEY_MANIFEST, KEY_SCOPES,  KEY_DELETIONS, KEY_LINKS,
                                    KEY_EDGE,     KEY_INLINKS, KEY_CHUNK};
    enum status status = STATUS_OK;
    for (size_t i = 0; status == STATUS_OK && i < sizeof(kinds); i++)
        status =
            storage.ops->delete_prefix(storage.self, (struct storage_slice){&kinds[i], 1}, err);
    return status;
}

/* ---- what can be read off ---- */

uint64_t index_applied_position(struct index *index)
{
    return atomic_load(&index->applied_position);
}

bool index_is_unsettled(struct index *index)
{
    return atomic_load(&index->unsettled);
}

uint64_t index_flushed_position(struct index *index)
{
    return atomic_load(&index->flushed_position);
}

bool index_is_corrupt(struct index *index)
{
    return atomic_load(&index->corrupt);
}

static uint64_t part_bytes(const struct segment *segment, enum segment_part kind)
{
    const struct part *part = &segment->parts[kind];
    uint64_t bytes = 0;
    for (uint32_t i = 0; i < part->chunk_count; i++)
        bytes += part->chunks[i].size + chunk_trailer_bytes(part->chunks[i].size);
    return bytes;
}

static void measure_parts(const struct segment *segment, struct index_size *size)
{
    size->parts.dictionary +=
        part_bytes(segment, PART_DICTIONARY) + part_bytes(segment, PART_DICTIONARY_INDEX);
    size->parts.postings +=
        part_bytes(segment, PART_POSTINGS) + part_bytes(segment, PART_DIRECTORIES);
    size->parts.positions += part_bytes(segment, PART_POSITIONS);
    size->parts.norms += part_bytes(segment, PART_NORMS);
    size->parts.documents += part_bytes(segment, PART_DOCUMENTS) +
                             part_bytes(segment, PART_HASHES) +
                             part_bytes(segment, PART_LIKENESSES);
    size->parts.stored +=
        part_bytes(segment, PART_STORED) + part_bytes(segment, PART_TEXT_DICTIONARIES);
}

void index_measure(struct index *index, struct index_size *ret_size)
{
    struct snapshot *snapshot = index_hold_snapshot(index);
    *ret_size = (struct index_size){.documents = snapshot->documents};
    for (uint32_t i = 0; i < snapshot->count; i++) {
        const struct segment *segment = snapshot->entries[i].segment;
        measure_parts(segment, ret_size);
        ret_size->deleted += segment->document_count - entry_live(&snapshot->entries[i]);
        if (segment->id == 0) {
            ret_size->segments_memory++;
            ret_size->bytes_memory += segment->bytes;
        } else {
            ret_size->segments_stored++;
            ret_size->bytes_stored += segment->bytes;
        }
    }
    snapshot_release(snapshot);
}

void index_statistics(struct index *index, uint64_t *ret_documents,
                      uint64_t ret_field_tokens[FIELD_COUNT])
{
    struct snapshot *snapshot = index_hold_snapshot(index);
    *ret_documents = snapshot->documents;
    memcpy(ret_field_tokens, snapshot->field_tokens, sizeof(snapshot->field_tokens));
    snapshot_release(snapshot);
}

static enum status term_documents(const struct segment *segment, const struct query_term *term,
                                  uint64_t *ret_documents)
{
    struct dictionary_entry entry;
    if (term->size > TEXT_TERM_MAX)
        return STATUS_OK;
    if (is_prefix(term))
        return prefix_documents(segment, term, ret_documents);
    enum status status = dictionary_find(segment, term->bytes, term->size, &entry);
    if (status == STATUS_OK)
        *ret_documents = entry.document_count;
    return status == STATUS_NOT_FOUND ? STATUS_OK : status;
}

enum status index_term_statistics(struct index *index, const struct query_term *terms, size_t count,
                                  const struct search_limit *limit, uint64_t *ret_frequencies,
                                  struct error *err)
{
    struct snapshot *snapshot = index_hold_snapshot(index);
    struct limit_watch watch = {.limit = limit};
    enum status status = STATUS_OK;
    for (size_t i = 0; status == STATUS_OK && i < count; i++) {
        ret_frequencies[i] = 0;
        for (uint32_t e = 0; e < snapshot->count && status == STATUS_OK; e++) {
            uint64_t documents = 0;
            if (limit_watch_stops(&watch, is_prefix(&terms[i]) ? LIMIT_STEPS : TERM_STEPS))
                break;
            status = term_documents(snapshot->entries[e].segment, &terms[i], &documents);
            ret_frequencies[i] += documents;
        }
    }
    snapshot_release(snapshot);
    if (status != STATUS_OK)
        return error_set(err, status, "the dictionary of a segment");
    return limit_watch_status(&watch, err);
}
