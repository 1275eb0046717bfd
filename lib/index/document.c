#include "index/document.h"

#include <string.h>

#include "base/bytes.h"
#include "index/state.h"

/* ---- documents ---- */

static char *copy_string(struct arena *arena, struct text_slice text)
{
    return arena_string_of(arena, text.size > 0 ? text.bytes : "", text.size);
}

static enum status read_fields(const struct snapshot *snapshot, struct place place,
                               struct document_row *ret_row, struct stored_fields *ret_fields,
                               struct error *err)
{
    const struct segment *segment = snapshot->entries[place.entry].segment;
    if (!segment_row(segment, place.docid, ret_row) ||
        !segment_stored(segment, ret_row, ret_fields))
        return segment_corrupt(segment, err);
    return STATUS_OK;
}

enum status document_read(const struct snapshot *snapshot, struct place place, struct arena *arena,
                          struct stored_document *ret_document, struct stored_fields *ret_fields,
                          struct error *err)
{
    const struct segment *segment = snapshot->entries[place.entry].segment;
    struct document_row row;
    uint8_t norms[NORM_COLUMNS];
    if (!segment_norms(segment, place.docid, norms))
        return segment_corrupt(segment, err);
    enum status status = read_fields(snapshot, place, &row, ret_fields, err);
    if (status != STATUS_OK)
        return status;
    struct stored_document document = {
        .url_hash = row.url_hash,
        .url = copy_string(arena, ret_fields->url),
        .site = copy_string(arena, ret_fields->site),
        .title = copy_string(arena, ret_fields->title),
        .language = copy_string(arena, ret_fields->language),
        .inlinks = atomic_load_explicit(&segment->inlinks[place.docid], memory_order_relaxed),
        .fetched_unix_us = ret_fields->fetched_unix_us,
        .is_private = (norms[NORM_FLAGS] & FLAG_PRIVATE) != 0,
        .is_visible = snapshot_shows(snapshot, segment, place.docid, norms[NORM_FLAGS]),
    };
    if (document.url == NULL || document.site == NULL || document.title == NULL ||
        document.language == NULL)
        return error_set(err, STATUS_NO_MEMORY, "stored document");
    *ret_document = document;
    return STATUS_OK;
}

/* STATUS_NOT_FOUND, or STATUS_CORRUPT where it may be among what cannot be read. */
static enum status find(struct index *index, const struct snapshot *snapshot, struct text_slice url,
                        struct place *ret_place, struct error *err)
{
    if (url.size == 0)
        return STATUS_NOT_FOUND;
    if (entries_find(snapshot->entries, snapshot->count, url_hash(url.bytes, url.size), url,
                     ret_place))
        return STATUS_OK;
    return index_is_corrupt(index) ? error_set(err, STATUS_CORRUPT, "a segment holds wrong bytes")
                                   : STATUS_NOT_FOUND;
}

enum status index_document_get(struct index *index, struct text_slice url, struct arena *arena,
                               struct stored_document *ret_document, struct error *err)
{
    struct place place;
    struct stored_fields fields = {0};
    struct snapshot *snapshot = index_hold_snapshot(index);
    enum status status = find(index, snapshot, url, &place, err);
    if (status == STATUS_OK)
        status = document_read(snapshot, place, arena, ret_document, &fields, err);
    snapshot_release(snapshot);
    return status;
}

enum status index_document_text(struct index *index, struct text_slice url, struct arena *arena,
                                struct text_slice *ret_headings, struct text_slice *ret_text,
                                struct error *err)
{
    struct place place;
    struct document_row row;
    struct stored_fields fields;
    ZSTD_DCtx *decompressor = ZSTD_createDCtx();
    if (decompressor == NULL)
        return error_set(err, STATUS_NO_MEMORY, "stored document");
    struct snapshot *snapshot = index_hold_snapshot(index);
    enum status status = find(index, snapshot, url, &place, err);
    if (status == STATUS_OK)
        status = read_fields(snapshot, place, &row, &fields, err);
    if (status == STATUS_OK)
        status =
            text_blocks_unpack(&fields.blocks, decompressor, arena, ret_headings, ret_text, err);
    if (status == STATUS_CORRUPT)
        atomic_store(&index->corrupt, true);
    snapshot_release(snapshot);
    ZSTD_freeDCtx(decompressor);
    return status;
}

/* ---- links ---- */

/* How many links are not for everyone, or more: while a change of scopes goes on, the counts of
 * hidden ones do not follow what is shown. Where nothing is shown, that may be because of one. */
static uint64_t hidden_links(const struct inlinks *inlinks, const struct snapshot *snapshot)
{
    bool is_changing = snapshot->shown == NULL || visibility_is_both(snapshot->shown);
    return is_changing ? inlinks->private_count : inlinks->hidden_count;
}

struct listing {
    const struct snapshot *snapshot;
    struct arena *arena;
    struct backlinks *result;
    bool include_private;
    uint64_t offset;
    uint64_t seen; /* those that may be shown */
    uint64_t visited;
    uint32_t size;
};

static enum status list_edge(void *context, const struct stored_edge *edge)
{
    struct listing *listing = context;
    if (listing->result->count == listing->size || ++listing->visited > BACKLINKS_VISITED_MAX)
        return STATUS_END;
    if (!listing->include_private && !edge_is_shown(listing->snapshot->shown, edge))
        return STATUS_OK;
    if (++listing->seen <= listing->offset)
        return STATUS_OK;
    struct backlink *link = &listing->result->links[listing->result->count++];
    link->source_url = copy_string(listing->arena, edge->source);
    link->anchor = copy_string(listing->arena, edge->anchor);
    return link->source_url == NULL || link->anchor == NULL ? STATUS_NO_MEMORY : STATUS_OK;
}

enum status index_backlinks(struct index *index, struct text_slice url, bool include_private,
                            uint64_t offset, uint32_t size, struct arena *arena,
                            struct backlinks *ret_backlinks, struct error *err)
{
    if (size > BACKLINKS_MAX)
        return error_set(err, STATUS_INVALID, "more than %d links asked for", BACKLINKS_MAX);
    struct inlinks inlinks;
    uint64_t target = url_hash(url.size > 0 ? url.bytes : "", url.size);
    enum status status = edges_count(index->storage, target, &inlinks, err);
    if (status != STATUS_OK)
        return status;
    struct backlinks result = {
        .links = arena_alloc(arena, (size + 1) * sizeof(struct backlink)),
    };
    if (result.links == NULL)
        return error_set(err, STATUS_NO_MEMORY, "links");
    struct snapshot *snapshot = index_hold_snapshot(index);
    struct listing listing = {
        .snapshot = snapshot,
        .arena = arena,
        .result = &result,
        .include_private = include_private,
        .offset = offset,
        .size = size,
    };
    if (inlinks.count > 0)
        status = edges_visit(index->storage, target, list_edge, &listing, err);
    result.total = inlinks.count - (include_private ? 0 : hidden_links(&inlinks, snapshot));
    if (result.total < listing.seen)
        result.total = listing.seen;
    snapshot_release(snapshot);
    if (status == STATUS_OK)
        *ret_backlinks = result;
    return status;
}
