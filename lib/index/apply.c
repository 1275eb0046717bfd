/* Applying changes: documents are gathered, built into a segment in memory, and published. */
#include <stdlib.h>
#include <string.h>

#include "base/bytes.h"
#include "base/check.h"
#include "index/state.h"

/* Documents are built together: so many, and so much of their text as this share of the memory
 * allowed. Building takes about five bytes for each. */
#define GATHER_DOCUMENTS 16384
#define GATHER_SHARE     8
#define GATHER_BYTES_MIN (512u << 10)
#define GATHER_BYTES_MAX (4u << 20)
/* Segments in memory that would make one of more than this share are soon flushed, and not merged
 * before; nor are there ever more than so many. */
#define COMPACT_SHARE       8
#define MEMORY_SEGMENTS_MAX 32

struct applier {
    struct index *index;
    struct draft *draft;
    struct builder_document *documents; /* gathered; those without a URL were taken back */
    uint32_t count;
    uint32_t capacity;
    uint32_t *table; /* number plus one by hash of the URL; a power of two, at most half full */
    uint32_t table_size;
    size_t bytes;
    struct arena arena; /* anchors, and the texts of rebuilt documents */
    struct error *err;
};

static void applier_release(struct applier *applier)
{
    free(applier->documents);
    free(applier->table);
    arena_release(&applier->arena);
}

static enum status no_memory(struct applier *applier)
{
    return error_set(applier->err, STATUS_NO_MEMORY, "applying changes");
}

/* ---- gathering ---- */

static bool same_url(const struct builder_document *document, uint64_t hash, struct text_slice url)
{
    return document->url_hash == hash && document->document.url.size == url.size &&
           memcmp(document->document.url.bytes, url.bytes, url.size) == 0;
}

/* The place in the table of a URL, or the free one where it would stand. */
static uint32_t table_place(const struct applier *applier, uint64_t hash, struct text_slice url)
{
    uint32_t at = (uint32_t)hash & (applier->table_size - 1);
    while (applier->table[at] != 0 &&
           !same_url(&applier->documents[applier->table[at] - 1], hash, url))
        at = (at + 1) & (applier->table_size - 1);
    return at;
}

static bool applier_reserve(struct applier *applier)
{
    if (applier->count < applier->capacity)
        return true;
    uint32_t capacity = applier->capacity == 0 ? 64 : applier->capacity * 2;
    struct builder_document *documents = realloc(applier->documents, capacity * sizeof(*documents));
    if (documents == NULL)
        return false;
    applier->documents = documents;
    uint32_t *table = calloc((size_t)capacity * 2, sizeof(*table));
    if (table == NULL)
        return false;
    free(applier->table);
    applier->table = table;
    applier->table_size = capacity * 2;
    applier->capacity = capacity;
    for (uint32_t i = 0; i < applier->count; i++) {
        const struct builder_document *document = &documents[i];
        table[table_place(applier, document->url_hash, document->document.url)] = i + 1;
    }
    return true;
}

/* Builds what was gathered. */
static enum status build(struct applier *applier)
{
    uint32_t kept = 0;
    for (uint32_t i = 0; i < applier->count; i++) {
        if (applier->documents[i].document.url.size > 0)
            applier->documents[kept++] = applier->documents[i];
    }
    applier->count = 0;
    applier->bytes = 0;
    if (applier->table_size > 0)
        memset(applier->table, 0, applier->table_size * sizeof(*applier->table));
    struct segment *segment;
    enum status status = STATUS_OK;
    if (kept > 0) {
        status = builder_build(applier->index->builder, applier->documents, kept, &segment,
                               applier->err);
        if (status == STATUS_OK)
            status = draft_add(applier->draft, segment, applier->err);
    }
    arena_reset(&applier->arena);
    return status;
}

static enum status find_anchors(struct applier *applier, struct builder_document *document)
{
    struct buffer text = {0};
    struct inlinks inlinks;
    struct storage storage = applier->index->storage;
    const struct visibility *shown = applier->index->shown;
    bool is_shown =
        !document->document.is_private ||
        visibility_shows(shown, site_hash_of(document->document.site), document->document.url);
    enum status status = edges_count(storage, document->url_hash, &inlinks, applier->err);
    if (status == STATUS_OK && inlinks.count > 0)
        status = edges_anchors(storage, document->url_hash, shown, !is_shown, &text, applier->err);
    if (status == STATUS_OK) {
        char *copy =
            arena_string_of(&applier->arena, text.size > 0 ? (char *)text.data : "", text.size);
        document->anchors = (struct text_slice){copy, text.size};
        document->inlinks = index_links_counted(&inlinks, is_shown);
        if (copy == NULL)
            status = no_memory(applier);
    }
    buffer_release(&text);
    return status;
}

static enum status delete_stored(struct applier *applier, uint64_t hash, struct text_slice url)
{
    struct place place;
    if (!entries_find(applier->draft->entries, applier->draft->count, hash, url, &place))
        return STATUS_OK;
    return draft_delete(applier->draft, place, applier->err);
}

/* Whether what was gathered is to be built before so much text is added. */
static bool is_full(const struct applier *applier, size_t text_size)
{
    size_t bytes_max = applier->index->options.memory_bytes / GATHER_SHARE;
    if (bytes_max < GATHER_BYTES_MIN)
        bytes_max = GATHER_BYTES_MIN;
    if (bytes_max > GATHER_BYTES_MAX)
        bytes_max = GATHER_BYTES_MAX;
    return applier->count == GATHER_DOCUMENTS ||
           (applier->count > 0 && applier->bytes + text_size > bytes_max);
}

static enum status put_document(struct applier *applier, const struct index_document *document)
{
    if (document->url.size == 0 || document->url.size > INDEX_URL_MAX)
        return STATUS_OK;
    struct builder_document input = {.document = *document,
                                     .url_hash = url_hash(document->url.bytes, document->url.size)};
    enum status status = STATUS_OK;
    if (is_full(applier, document->text.size))
        status = build(applier);
    if (status == STATUS_OK)
        status = find_anchors(applier, &input);
    if (status == STATUS_OK)
        status = delete_stored(applier, input.url_hash, document->url);
    if (status != STATUS_OK)
        return status;
    if (!applier_reserve(applier))
        return no_memory(applier);
    uint32_t at = table_place(applier, input.url_hash, document->url);
    if (applier->table[at] == 0)
        applier->table[at] = ++applier->count;
    applier->documents[applier->table[at] - 1] = input;
    applier->bytes += document->text.size + document->headings.size;
    return STATUS_OK;
}

/* ---- removing ---- */

static enum status remove_url(struct applier *applier, struct text_slice url)
{
    if (url.size == 0)
        return STATUS_OK;
    uint64_t hash = url_hash(url.bytes, url.size);
    if (applier->count > 0) {
        /* Taken back by building the others first: a removal is rare. */
        uint32_t at = table_place(applier, hash, url);
        if (applier->table[at] != 0) {
            enum status status = build(applier);
            if (status != STATUS_OK)
                return status;
        }
    }
    return delete_stored(applier, hash, url);
}

static bool begins_with(struct text_slice text, struct text_slice prefix)
{
    return text.size >= prefix.size && memcmp(text.bytes, prefix.bytes, prefix.size) == 0;
}

/* Deletes the live documents of a segment whose URL begins so or whose site is this. */
static enum status remove_from_entry(struct applier *applier, uint32_t entry, bool by_site,
                                     struct text_slice text)
{
    const struct segment *segment = applier->draft->entries[entry].segment;
    uint64_t site = hash64(text.bytes, text.size);
    for (uint32_t docid = 0; docid < segment->document_count; docid++) {
        struct document_row row;
        struct stored_fields fields;
        if (deletions_has(applier->draft->entries[entry].deletions, docid))
            continue;
        if (!segment_row(segment, docid, &row))
            return segment_corrupt(segment, applier->err);
        if (by_site && row.site_hash != site)
            continue;
        if (!segment_stored(segment, &row, &fields))
            return segment_corrupt(segment, applier->err);
        if (by_site ? fields.site.size != text.size || !begins_with(fields.site, text)
                    : !begins_with(fields.url, text))
            continue;
        struct place place = {entry, docid};
        enum status status = draft_delete(applier->draft, place, applier->err);
        if (status != STATUS_OK)
            return status;
    }
    return STATUS_OK;
}

static enum status remove_many(struct applier *applier, bool by_site, struct text_slice text)
{
    enum status status = build(applier);
    for (uint32_t i = 0; text.size > 0 && status == STATUS_OK && i < applier->draft->count; i++)
        status = remove_from_entry(applier, i, by_site, text);
    return status;
}

static enum status apply_change(struct applier *applier, const struct index_change *change)
{
    switch (change->kind) {
    case INDEX_PUT_DOCUMENT:
        return put_document(applier, &change->document);
    case INDEX_REMOVE_URL:
        return remove_url(applier, change->url);
    case INDEX_REMOVE_PREFIX:
        return remove_many(applier, false, change->url);
    case INDEX_REMOVE_SITE:
        return remove_many(applier, true, change->url);
    case INDEX_SET_SCOPES:
    case INDEX_WITHHOLD_SCOPES:
    case INDEX_PUT_EDGE:
    case INDEX_DROP_EDGE:
        return STATUS_OK; /* done before */
    }
    return error_set(applier->err, STATUS_INVALID, "a change of an unknown kind");
}

/* ---- links ---- */

uint32_t index_links_counted(const struct inlinks *inlinks, bool is_shown)
{
    uint64_t count = inlinks->count - (is_shown ? inlinks->hidden_count : 0);
    return count > UINT32_MAX ? UINT32_MAX : (uint32_t)count;
}

/* Tells the documents how many pages link to them now, and remembers those whose anchor texts are
 * due to be read again: as their number passes 1, 2, 4, 8 ... */
static enum status spread_counts(struct index *index, struct draft *draft,
                                 const struct edge_target *targets, size_t count, struct error *err)
{
    for (size_t i = 0; i < count; i++) {
        struct place place;
        struct document_row row;
        if (!entries_find(draft->entries, draft->count, targets[i].hash, (struct text_slice){0},
                          &place))
            continue;
        struct segment *segment = draft->entries[place.entry].segment;
        if (!segment_row(segment, place.docid, &row))
            return segment_corrupt(segment, err);
        uint8_t norms[NORM_COLUMNS];
        if (!segment_norms(segment, place.docid, norms))
            return segment_corrupt(segment, err);
        bool is_shown = document_is_shown(index->shown, segment, place.docid, norms[NORM_FLAGS]);
        uint32_t inlinks = index_links_counted(&targets[i].inlinks, is_shown);
        if (segment_set_inlinks(segment, place.docid, inlinks) != inlinks)
            segment->inlinks_changed = true;
        if (inlinks > 0 && inlinks >= 2 * (uint64_t)row.inlinks)
            buffer_append(&index->stale, &targets[i].hash, sizeof(targets[i].hash));
    }
    return index->stale.failed ? error_set(err, STATUS_NO_MEMORY, "applying changes") : STATUS_OK;
}

static int compare_hashes(const void *a, const void *b)
{
    uint64_t left = *(const uint64_t *)a;
    uint64_t right = *(const uint64_t *)b;
    return (left > right) - (left < right);
}

/* Puts the document at a place once more, with the anchor texts of today. */
static enum status rebuild(struct applier *applier, struct place place)
{
    const struct segment *segment = applier->draft->entries[place.entry].segment;
    struct document_row row;
    struct stored_fields fields;
    uint8_t norms[NORM_COLUMNS];
    struct likeness likeness;
    if (!segment_norms(segment, place.docid, norms) || !segment_row(segment, place.docid, &row) ||
        !segment_likeness(segment, place.docid, &likeness) ||
        !segment_stored(segment, &row, &fields))
        return segment_corrupt(segment, applier->err);
    struct index_document document = {
        .url = fields.url,
        .site = fields.site,
        .title = fields.title,
        .language = fields.language,
        .content_type = fields.content_type,
        .fetched_unix_us = fields.fetched_unix_us,
        .modified_unix_us = fields.modified_unix_us,
        .likeness = likeness,
        .has_canonical = (norms[NORM_FLAGS] & FLAG_HAS_CANONICAL) != 0,
        .is_private = (norms[NORM_FLAGS] & FLAG_PRIVATE) != 0,
    };
    snippet_take_flags(&document, norms[NORM_FLAGS]);
    /* Unpacking goes to the arena that building empties. */
    if (is_full(applier, fields.blocks.text_size)) {
        enum status built = build(applier);
        if (built != STATUS_OK)
            return built;
    }
    enum status status =
        text_blocks_unpack(&fields.blocks, applier->index->decompressor, &applier->arena,
                           &document.headings, &document.text, applier->err);
    if (status == STATUS_CORRUPT)
        return segment_corrupt(segment, applier->err);
    return status == STATUS_OK ? put_document(applier, &document) : status;
}

enum status index_rebuild_stale(struct index *index, struct draft *draft, size_t *ret_done,
                                struct error *err)
{
    size_t count = index->stale.size / sizeof(uint64_t);
    struct applier applier = {.index = index, .draft = draft, .err = err};
    if (count > 0)
        qsort(index->stale.data, count, sizeof(uint64_t), compare_hashes);
    enum status status = STATUS_OK;
    size_t i = 0;
    for (uint64_t last = 0; status == STATUS_OK && i < count; i++) {
        uint64_t hash;
        struct place place;
        if (index_memory_bytes(draft, NULL) > 2 * index->options.memory_bytes)
            break;
        memcpy(&hash, index->stale.data + i * sizeof(hash), sizeof(hash));
        if ((i == 0 || hash != last) &&
            entries_find(draft->entries, draft->count, hash, (struct text_slice){0}, &place))
            status = rebuild(&applier, place);
        last = hash;
    }
    if (status == STATUS_OK)
        status = build(&applier);
    applier_release(&applier);
    *ret_done = i;
    return status;
}

/* ---- the whole ---- */

static enum status apply_to_draft(struct index *index, struct draft *draft,
                                  const struct index_change *changes, size_t count,
                                  struct error *err)
{
    struct edge_target *targets = NULL;
    size_t target_count = 0;
    struct applier applier = {.index = index, .draft = draft, .err = err};
    enum status status =
        edges_apply(index->storage, index->shown, changes, count, &targets, &target_count, err);
    for (size_t i = 0; status == STATUS_OK && i < count; i++)
        status = apply_change(&applier, &changes[i]);
    if (status == STATUS_OK)
        status = build(&applier);
    if (status == STATUS_OK)
        status = spread_counts(index, draft, targets, target_count, err);
    if (status == STATUS_OK)
        status = index_compact_memory(draft, index->options.memory_bytes / COMPACT_SHARE, err);
    applier_release(&applier);
    free(targets);
    return status;
}

size_t index_memory_bytes(const struct draft *draft, uint32_t *ret_count)
{
    size_t bytes = 0;
    for (uint32_t i = 0; i < draft->count; i++) {
        if (draft->entries[i].segment->id != 0)
            continue;
        bytes += draft->entries[i].segment->bytes;
        if (ret_count != NULL)
            (*ret_count)++;
    }
    return bytes;
}

/* The last scopes among the changes, before the rest of them. */
static enum status apply_scopes(struct index *index, const struct index_change *changes,
                                size_t count, struct error *err)
{
    for (size_t i = count; i-- > 0;) {
        if (changes[i].kind == INDEX_SET_SCOPES)
            return index_change_scopes(index, changes[i].scopes, changes[i].scope_count, err);
        if (changes[i].kind == INDEX_WITHHOLD_SCOPES)
            return index_withhold_scopes(index, changes[i].scopes, changes[i].scope_count, err);
    }
    return STATUS_OK;
}

enum status index_apply(struct index *index, const struct index_change *changes, size_t count,
                        uint64_t position, struct error *err)
{
    struct draft draft = {0};
    struct snapshot *next = NULL;
    size_t bytes = 0;
    uint32_t segments = 0;
    pthread_mutex_lock(&index->writer_lock);
    enum status status = apply_scopes(index, changes, count, err);
    if (status == STATUS_OK)
        status = draft_init(&draft, index->current, err);
    if (status == STATUS_OK)
        status = apply_to_draft(index, &draft, changes, count, err);
    if (status == STATUS_OK &&
        index_is_corrupt(index)) /* what it replaces may not have been seen */
        status = error_set(err, STATUS_CORRUPT, "a segment holds wrong bytes");
    if (status == STATUS_OK)
        status = draft_finish(&draft, &next, err);
    if (status == STATUS_OK) {
        index_publish(index, next);
        atomic_store(&index->applied_position, position);
        atomic_store(&index->unsettled, index->is_scopes_changing || index->is_withholding);
        index->unflushed = true;
        bytes = index_memory_bytes(&draft, &segments) + index->stale.size;
    }
    draft_release(&draft);
    if (status == STATUS_OK &&
        (bytes >= index->options.memory_bytes || segments >= MEMORY_SEGMENTS_MAX))
        status = index_flush_locked(index, err);
    pthread_mutex_unlock(&index->writer_lock);
    return status;
}
