/*
 * One state of the index: which segments there are, and which of their documents are live. It never
 * changes once it is published; a writer drafts the next one. The counts of links (inlinks) alone
 * are shared by all states.
 */
#ifndef TIERCE_INDEX_SNAPSHOT_H
#define TIERCE_INDEX_SNAPSHOT_H

#include "index/deletions.h"
#include "index/segment.h"

/* Hashes of the sites whose documents everyone may see although their address is private. */
struct site_set {
    atomic_uint references;
    uint32_t count;
    uint64_t hashes[]; /* ascending */
};

struct site_set *site_set_new(const uint64_t *hashes, uint32_t count); /* sorts a copy */
struct site_set *site_set_hold(struct site_set *set);                  /* accepts NULL */
void site_set_release(struct site_set *set);                           /* accepts NULL */
bool site_set_has(const struct site_set *set, uint64_t hash);          /* accepts NULL */

struct snapshot_entry {
    struct segment *segment;
    struct deletions *deletions;        /* NULL: none */
    uint64_t field_tokens[FIELD_COUNT]; /* of the live documents */
};

static inline uint32_t entry_live(const struct snapshot_entry *entry)
{
    return entry->segment->document_count -
           (entry->deletions == NULL ? 0 : entry->deletions->deleted);
}

struct snapshot {
    atomic_uint references;
    struct site_set *public_sites; /* NULL: none */
    uint64_t documents;            /* live ones */
    uint64_t field_tokens[FIELD_COUNT];
    uint32_t count;
    struct snapshot_entry entries[];
};

struct snapshot *snapshot_hold(struct snapshot *snapshot);
void snapshot_release(struct snapshot *snapshot); /* accepts NULL */

/* Whether a document may be shown to everyone. */
static inline bool snapshot_shows(const struct snapshot *snapshot, const struct segment *segment,
                                  uint32_t docid, uint8_t flags)
{
    struct document_row row;
    return (flags & FLAG_PRIVATE) == 0 || (segment_row(segment, docid, &row) &&
                                           site_set_has(snapshot->public_sites, row.site_hash));
}

/* Where a live document lies. */
struct place {
    uint32_t entry;
    uint32_t docid;
};

/* The live document with this hash and, where `url` has bytes, this URL. False: there is none. */
bool entries_find(const struct snapshot_entry *entries, uint32_t count, uint64_t url_hash,
                  struct text_slice url, struct place *ret_place);

/* ---- the next state, while it is made ---- */

struct draft {
    struct snapshot_entry *entries; /* hold references; deletions may be shared or the draft's */
    bool *owns_deletions;           /* by entry: a copy that nobody else sees yet */
    uint32_t count;
    uint32_t capacity;
    struct site_set *public_sites;
};

enum status draft_init(struct draft *draft, const struct snapshot *from, struct error *err);
void draft_release(struct draft *draft);
/* Takes the reference to the segment, also on failure. Computes its lengths. */
enum status draft_add(struct draft *draft, struct segment *segment, struct error *err);
void draft_remove(struct draft *draft, uint32_t entry);
enum status draft_delete(struct draft *draft, struct place place, struct error *err);
/* NULL: no memory. The draft stays the caller's to release. */
struct snapshot *draft_finish(const struct draft *draft);

#endif
