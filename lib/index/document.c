#include "index/document.h"

#include <string.h>

#include "base/bytes.h"
#include "index/state.h"

/* ---- documents ---- */

static char *copy_string(struct arena *arena, struct text_slice text)
{
    return arena_string_of(arena, text.size > 0 ? text.bytes : "", text.size);
}

static enum status read_document(struct snapshot *snapshot, struct place place, struct arena *arena,
                                 struct stored_document *ret_document, struct error *err)
{
    const struct segment *segment = snapshot->entries[place.entry].segment;
    struct document_row row;
    struct stored_fields fields;
    const uint8_t *norms = segment_norms(segment, place.docid);
    if (norms == NULL || !segment_row(segment, place.docid, &row) ||
        !segment_stored(segment, &row, &fields))
        return segment_corrupt(segment, err);
    struct stored_document document = {
        .url_hash = row.url_hash,
        .url = copy_string(arena, fields.url),
        .site = copy_string(arena, fields.site),
        .title = copy_string(arena, fields.title),
        .language = copy_string(arena, fields.language),
        .inlinks = atomic_load_explicit(&segment->inlinks[place.docid], memory_order_relaxed),
        .fetched_unix_us = fields.fetched_unix_us,
        .is_private = (norms[NORM_FLAGS] & FLAG_PRIVATE) != 0,
        .is_visible = snapshot_shows(snapshot, segment, place.docid, norms[NORM_FLAGS]),
    };
    if (document.url == NULL || document.site == NULL || document.title == NULL ||
        document.language == NULL)
        return error_set(err, STATUS_NO_MEMORY, "stored document");
    enum status status = stored_unpack(&fields, arena, &document.headings, &document.text, err);
    if (status == STATUS_CORRUPT)
        return segment_corrupt(segment, err);
    if (status == STATUS_OK)
        *ret_document = document;
    return status;
}

static enum status get_document(struct index *index, uint64_t hash, struct text_slice url,
                                struct arena *arena, struct stored_document *ret_document,
                                struct error *err)
{
    struct place place;
    struct snapshot *snapshot = index_hold_snapshot(index);
    enum status status = STATUS_NOT_FOUND;
    if (entries_find(snapshot->entries, snapshot->count, hash, url, &place))
        status = read_document(snapshot, place, arena, ret_document, err);
    else if (index_is_corrupt(index)) /* it may be among what cannot be read */
        status = error_set(err, STATUS_CORRUPT, "a segment holds wrong bytes");
    snapshot_release(snapshot);
    return status;
}

enum status index_document_get(struct index *index, uint64_t hash, struct arena *arena,
                               struct stored_document *ret_document, struct error *err)
{
    return get_document(index, hash, (struct text_slice){0}, arena, ret_document, err);
}

enum status index_document_get_url(struct index *index, struct text_slice url, struct arena *arena,
                                   struct stored_document *ret_document, struct error *err)
{
    if (url.size == 0)
        return STATUS_NOT_FOUND;
    return get_document(index, url_hash(url.bytes, url.size), url, arena, ret_document, err);
}

/* ---- links ---- */

/* How many links are not for everyone. Where nothing is shown, that may be because the counts do
 * not follow what is to be shown yet. */
static uint64_t hidden_links(const struct inlinks *inlinks, const struct snapshot *snapshot)
{
    return snapshot->shown == NULL ? inlinks->private_count : inlinks->hidden_count;
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
    snapshot_release(snapshot);
    if (status == STATUS_OK)
        *ret_backlinks = result;
    return status;
}
