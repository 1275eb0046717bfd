#include "index/snapshot.h"

#include <stdlib.h>
#include <string.h>

/* ---- who may see ---- */

bool private_document_is_shown(const struct visibility *shown, const struct segment *segment,
                               uint32_t docid)
{
    struct document_row row;
    struct stored_fields fields = {0};
    if (shown == NULL || !segment_row(segment, docid, &row))
        return false;
    /* Most sites are shown as a whole or not at all: then the URL is not read. */
    if (visibility_needs_url(shown, row.site_hash) && !segment_stored(segment, &row, &fields))
        return false;
    return visibility_shows(shown, row.site_hash, fields.url);
}

/* ---- snapshots ---- */

struct snapshot *snapshot_hold(struct snapshot *snapshot)
{
    atomic_fetch_add_explicit(&snapshot->references, 1, memory_order_relaxed);
    return snapshot;
}

static void entry_release(struct snapshot_entry *entry)
{
    segment_release(entry->segment);
    deletions_release(entry->deletions);
}

void snapshot_release(struct snapshot *snapshot)
{
    if (snapshot == NULL ||
        atomic_fetch_sub_explicit(&snapshot->references, 1, memory_order_acq_rel) != 1)
        return;
    for (uint32_t i = 0; i < snapshot->count; i++)
        entry_release(&snapshot->entries[i]);
    visibility_release(snapshot->shown);
    free(snapshot);
}

static bool is_url(const struct segment *segment, const struct document_row *row,
                   struct text_slice url)
{
    struct stored_fields fields;
    return segment_stored(segment, row, &fields) && fields.url.size == url.size &&
           memcmp(fields.url.bytes, url.bytes, url.size) == 0;
}

bool entries_find(const struct snapshot_entry *entries, uint32_t count, uint64_t url_hash,
                  struct text_slice url, struct place *ret_place)
{
    for (uint32_t i = count; i-- > 0;) { /* the newest is the likeliest */
        const struct segment *segment = entries[i].segment;
        struct document_row row;
        uint32_t docid;
        for (uint32_t at = segment_find_hash(segment, url_hash);
             (docid = segment_hash_docid(segment, at, url_hash)) != DOCID_END; at++) {
            if (deletions_has(entries[i].deletions, docid) || !segment_row(segment, docid, &row) ||
                (url.size > 0 && !is_url(segment, &row, url)))
                continue;
            *ret_place = (struct place){i, docid};
            return true;
        }
    }
    return false;
}

/* ---- drafts ---- */

static enum status draft_reserve(struct draft *draft, uint32_t count, struct error *err)
{
    if (count <= draft->capacity)
        return STATUS_OK;
    uint32_t capacity = count + 8;
    struct snapshot_entry *entries = realloc(draft->entries, capacity * sizeof(*entries));
    if (entries != NULL)
        draft->entries = entries;
    bool *owns = realloc(draft->owns_deletions, capacity * sizeof(*owns));
    if (owns != NULL)
        draft->owns_deletions = owns;
    if (entries == NULL || owns == NULL)
        return error_set(err, STATUS_NO_MEMORY, "index");
    draft->capacity = capacity;
    return STATUS_OK;
}

enum status draft_init(struct draft *draft, const struct snapshot *from, struct error *err)
{
    *draft = (struct draft){0};
    enum status status = draft_reserve(draft, from->count + 1, err);
    if (status != STATUS_OK) {
        draft_release(draft);
        return status;
    }
    for (uint32_t i = 0; i < from->count; i++) {
        draft->entries[i] = from->entries[i];
        segment_hold(draft->entries[i].segment);
        deletions_hold(draft->entries[i].deletions);
        draft->owns_deletions[i] = false;
    }
    draft->count = from->count;
    draft->shown = visibility_hold(from->shown);
    return STATUS_OK;
}

void draft_release(struct draft *draft)
{
    for (uint32_t i = 0; i < draft->count; i++)
        entry_release(&draft->entries[i]);
    free(draft->entries);
    free(draft->owns_deletions);
    visibility_release(draft->shown);
    *draft = (struct draft){0};
}

enum status draft_add(struct draft *draft, struct segment *segment, struct error *err)
{
    struct snapshot_entry entry = {.segment = segment};
    enum status status = draft_reserve(draft, draft->count + 1, err);
    for (unsigned field = 0; status == STATUS_OK && field < FIELD_COUNT; field++) {
        const uint8_t *lengths = segment_column(segment, field);
        if (lengths == NULL)
            status = segment_corrupt(segment, err);
        for (uint32_t docid = 0; lengths != NULL && docid < segment->document_count; docid++)
            entry.field_tokens[field] += length_of_code(lengths[docid]);
    }
    if (status != STATUS_OK) {
        segment_release(segment);
        return status;
    }
    draft->owns_deletions[draft->count] = false;
    draft->entries[draft->count++] = entry;
    return STATUS_OK;
}

void draft_remove(struct draft *draft, uint32_t entry)
{
    entry_release(&draft->entries[entry]);
    draft->count--;
    memmove(&draft->entries[entry], &draft->entries[entry + 1],
            (draft->count - entry) * sizeof(draft->entries[0]));
    memmove(&draft->owns_deletions[entry], &draft->owns_deletions[entry + 1],
            (draft->count - entry) * sizeof(draft->owns_deletions[0]));
}

enum status draft_delete(struct draft *draft, struct place place, struct error *err)
{
    struct snapshot_entry *entry = &draft->entries[place.entry];
    uint8_t norms[NORM_COLUMNS];
    if (!segment_norms(entry->segment, place.docid, norms))
        return segment_corrupt(entry->segment, err);
    if (!draft->owns_deletions[place.entry]) {
        struct deletions *copy = deletions_copy(entry->deletions, entry->segment->document_count);
        if (copy == NULL)
            return error_set(err, STATUS_NO_MEMORY, "index");
        deletions_release(entry->deletions);
        entry->deletions = copy;
        draft->owns_deletions[place.entry] = true;
    }
    if (deletions_add(entry->deletions, place.docid)) {
        for (unsigned field = 0; field < FIELD_COUNT; field++)
            entry->field_tokens[field] -= length_of_code(norms[field]);
        entry->segment->deletions_changed = true;
    }
    return STATUS_OK;
}

enum status draft_finish(const struct draft *draft, struct snapshot **ret_snapshot,
                         struct error *err)
{
    struct snapshot *snapshot =
        calloc(1, sizeof(*snapshot) + draft->count * sizeof(snapshot->entries[0]));
    if (snapshot == NULL)
        return error_set(err, STATUS_NO_MEMORY, "index");
    atomic_init(&snapshot->references, 1);
    snapshot->shown = visibility_hold(draft->shown);
    snapshot->count = draft->count;
    for (uint32_t i = 0; i < draft->count; i++) {
        struct snapshot_entry *entry = &snapshot->entries[i];
        *entry = draft->entries[i];
        segment_hold(entry->segment);
        deletions_hold(entry->deletions);
        snapshot->documents += entry_live(entry);
        for (unsigned field = 0; field < FIELD_COUNT; field++)
            snapshot->field_tokens[field] += entry->field_tokens[field];
    }
    *ret_snapshot = snapshot;
    return STATUS_OK;
}
