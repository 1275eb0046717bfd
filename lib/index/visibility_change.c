/*
 * A change of what everyone may see. Searches ask for each document, so that is quick; but counts
 * of links leave out those from hidden pages, and the anchor texts that a page is found by are in
 * its segment. So first only what was and will be visible is shown, then the links are counted anew
 * and the documents concerned are built again, then what is new is shown.
 *
 * That a change has begun is stored before anything else, and that it has ended after everything
 * else is durable. Whoever finds one that has not ended shows nothing: the feed brings it again.
 *
 * All the while the index says that it is unsettled: what is found changes, but its position does
 * not.
 */
#include <stdlib.h>
#include <string.h>

#include "index/state.h"

static enum status store_scopes(struct index *index, const struct visibility *shown, bool is_whole,
                                struct error *err)
{
    static const uint8_t key = KEY_SCOPES;
    struct buffer bytes = {0};
    scopes_encode(shown, is_whole, &bytes);
    struct storage_operation operation = {
        STORAGE_PUT, {&key, sizeof(key)}, {bytes.data, bytes.size}};
    enum status status =
        bytes.failed ? error_set(err, STATUS_NO_MEMORY, "scopes")
                     : index->storage.ops->write(index->storage.self, &operation, 1, true, err);
    buffer_release(&bytes);
    return status;
}

enum status index_load_scopes(struct index *index, struct error *err)
{
    static const uint8_t key = KEY_SCOPES;
    struct buffer bytes = {0};
    struct visibility *shown = NULL;
    bool is_whole = true;
    enum status status = index->storage.ops->get(
        index->storage.self, (struct storage_slice){&key, sizeof(key)}, &bytes, err);
    if (status == STATUS_OK)
        status = scopes_decode(bytes.data, bytes.size, &shown, &is_whole, err);
    buffer_release(&bytes);
    if (status != STATUS_OK && status != STATUS_NOT_FOUND)
        return status;
    if (!is_whole) {
        visibility_release(shown);
        shown = NULL;
    }
    index->shown = shown;
    index->is_scopes_changing = !is_whole;
    atomic_store(&index->unsettled, !is_whole);
    return STATUS_OK;
}

static bool is_same(const struct visibility *a, const struct visibility *b)
{
    struct buffer a_bytes = {0};
    struct buffer b_bytes = {0};
    visibility_encode(a, &a_bytes);
    visibility_encode(b, &b_bytes);
    bool same = !a_bytes.failed && !b_bytes.failed && a_bytes.size == b_bytes.size &&
                (a_bytes.size == 0 || memcmp(a_bytes.data, b_bytes.data, a_bytes.size) == 0);
    buffer_release(&a_bytes);
    buffer_release(&b_bytes);
    return same;
}

/* Publishes the same documents, of which everyone may see these. */
static enum status show(struct index *index, struct visibility *shown, struct error *err)
{
    struct draft draft;
    struct snapshot *next;
    enum status status = draft_init(&draft, index->current, err);
    if (status != STATUS_OK)
        return status;
    visibility_release(draft.shown);
    draft.shown = visibility_hold(shown);
    status = draft_finish(&draft, &next, err);
    if (status == STATUS_OK)
        index_publish(index, next);
    draft_release(&draft);
    return status;
}

/* Whether other anchor texts belong to the document now: those of all links where it is hidden,
 * of the visible ones where it is shown. */
static bool has_other_texts(const struct recount *recount, bool was_shown, bool is_shown)
{
    if (was_shown && is_shown)
        return recount->changed;
    return (is_shown && recount->inlinks.hidden_count > 0) ||
           (was_shown && recount->hidden_before > 0);
}

/* Tells the document how many links count now, and remembers it where it is to be built again.
 * `is_unsure`: nobody knows by which texts it is found. */
static enum status spread(struct index *index, const struct recount *recount,
                          const struct visibility *before, bool is_unsure, struct error *err)
{
    struct place place;
    const struct snapshot *current = index->current;
    if (!entries_find(current->entries, current->count, recount->target, (struct text_slice){0},
                      &place))
        return STATUS_OK;
    struct segment *segment = current->entries[place.entry].segment;
    uint8_t norms[NORM_COLUMNS];
    if (!segment_norms(segment, place.docid, norms))
        return segment_corrupt(segment, err);
    bool was_shown = document_is_shown(before, segment, place.docid, norms[NORM_FLAGS]);
    bool is_shown = document_is_shown(index->shown, segment, place.docid, norms[NORM_FLAGS]);
    uint32_t counted = index_links_counted(&recount->inlinks, is_shown);
    if (segment_set_inlinks(segment, place.docid, counted) != counted)
        segment->inlinks_changed = true;
    if (is_unsure || has_other_texts(recount, was_shown, is_shown))
        buffer_append(&index->stale, &recount->target, sizeof(recount->target));
    return index->stale.failed ? error_set(err, STATUS_NO_MEMORY, "scopes") : STATUS_OK;
}

static enum status recount_links(struct index *index, const struct visibility *before,
                                 bool is_unsure, struct error *err)
{
    struct recount *recounts = NULL;
    size_t count = 0;
    enum status status =
        edges_recount(index->storage, before, index->shown, &recounts, &count, err);
    for (size_t i = 0; status == STATUS_OK && i < count; i++)
        status = spread(index, &recounts[i], before, is_unsure, err);
    free(recounts);
    return status;
}

/* Builds again what is to be; all of it is durable then. */
static enum status rebuild(struct index *index, struct error *err)
{
    enum status status;
    index->unflushed = true;
    do
        status = index_flush_locked(index, err);
    while (status == STATUS_OK && index->stale.size > 0);
    return status;
}

/* What may be shown while the change goes on. */
static enum status show_meanwhile(struct index *index, struct visibility *next, bool is_unsure,
                                  struct error *err)
{
    struct visibility *both = NULL;
    if (!is_unsure && index->shown != NULL) {
        both = visibility_both(next, index->shown);
        if (both == NULL)
            return error_set(err, STATUS_NO_MEMORY, "scopes");
    }
    enum status status = show(index, both, err);
    visibility_release(both);
    return status;
}

/* What is withheld without a word on disk is shown by index_change_scopes(), and by a restart: the
 * feed, which has not gone on, then brings the scopes again. */
enum status index_withhold_scopes(struct index *index, const struct index_scope *scopes,
                                  size_t count, struct error *err)
{
    struct visibility *next = visibility_new(scopes, count);
    if (next == NULL)
        return error_set(err, STATUS_NO_MEMORY, "scopes");
    atomic_store(&index->unsettled, true);
    index->is_withholding = true;
    enum status status = show_meanwhile(index, next, index->is_scopes_changing, err);
    visibility_release(next);
    return status;
}

/* The scopes are those in force: what was withheld meanwhile is shown again. */
static enum status end_withholding(struct index *index, struct error *err)
{
    enum status status = index->is_withholding ? show(index, index->shown, err) : STATUS_OK;
    if (status == STATUS_OK)
        index->is_withholding = false;
    return status;
}

enum status index_change_scopes(struct index *index, const struct index_scope *scopes, size_t count,
                                struct error *err)
{
    bool is_unsure = index->is_scopes_changing;
    struct visibility *before = index->shown;
    struct visibility *next = visibility_new(scopes, count);
    if (next == NULL)
        return error_set(err, STATUS_NO_MEMORY, "scopes");
    if (!is_unsure && is_same(before, next)) {
        visibility_release(next);
        return end_withholding(index, err);
    }
    enum status status = store_scopes(index, NULL, false, err);
    if (status == STATUS_OK) {
        atomic_store(&index->unsettled, true);
        status = show_meanwhile(index, next, is_unsure, err);
    }
    if (status != STATUS_OK) {
        visibility_release(next);
        return status;
    }
    index->is_scopes_changing = true;
    index->shown = next;
    status = recount_links(index, before, is_unsure, err);
    visibility_release(before);
    if (status == STATUS_OK)
        status = rebuild(index, err);
    if (status == STATUS_OK)
        status = store_scopes(index, next, true, err);
    if (status == STATUS_OK)
        status = show(index, next, err);
    if (status == STATUS_OK)
        index->is_scopes_changing = index->is_withholding = false;
    return status;
}
