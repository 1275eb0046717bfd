/*
 * One state of the index: which segments there are, and which of their documents are live. It never
 * changes once it is published; a writer drafts the next one. The counts of links (inlinks) alone
 * are shared by all states.
 */
#ifndef TIERCE_INDEX_SNAPSHOT_H
#define TIERCE_INDEX_SNAPSHOT_H

#include "index/deletions.h"
#include "index/segment.h"
#include "index/visibility.h"

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
    struct visibility *shown; /* which private documents everyone may see; NULL: none */
    uint64_t documents;       /* live ones */
    uint64_t field_tokens[FIELD_COUNT];
    uint32_t count;
    struct snapshot_entry entries[];
};

struct snapshot *snapshot_hold(struct snapshot *snapshot);
void snapshot_release(struct snapshot *snapshot); /* accepts NULL */

/* Whether a document from a private address may be shown to everyone. */
bool private_document_is_shown(const struct visibility *shown, const struct segment *segment,
                               uint32_t docid);

/* Whether a document may be shown to everyone. */
static inline bool document_is_shown(const struct visibility *shown, const struct segment *segment,
                                     uint32_t docid, uint8_t flags)
{
    return (flags & FLAG_PRIVATE) == 0 || private_document_is_shown(shown, segment, docid);
}

static inline bool snapshot_shows(const struct snapshot *snapshot, const struct segment *segment,
                                  uint32_t docid, uint8_t flags)
{
    return document_is_shown(snapshot->shown, segment, docid, flags);
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
    struct visibility *shown;
};

enum status draft_init(struct draft *draft, const struct snapshot *from, struct error *err);
void draft_release(struct draft *draft);
/* Takes the reference to the segment, also on failure. Computes its lengths. */
enum status draft_add(struct draft *draft, struct segment *segment, struct error *err);
void draft_remove(struct draft *draft, uint32_t entry);
enum status draft_delete(struct draft *draft, struct place place, struct error *err);
/* The draft as a state that nobody sees yet, with one reference. The draft stays the caller's to
 * release. */
enum status draft_finish(const struct draft *draft, struct snapshot **ret_snapshot,
                         struct error *err);

#endif
