/* The index as its own files see it. */
#ifndef TIERCE_INDEX_STATE_H
#define TIERCE_INDEX_STATE_H

#include <pthread.h>

#include "index/builder.h"
#include "index/document.h"
#include "index/edges.h"
#include "index/manifest.h"
#include "index/merge.h"
#include "index/snapshot.h"

struct index {
    struct storage storage;
    struct index_options options;
    atomic_bool corrupt;
    atomic_bool unsettled; /* from the beginning of a change of scopes until its position holds */
    atomic_ullong applied_position;
    atomic_ullong flushed_position;
    atomic_ullong merge_bytes_max;

    pthread_mutex_t current_lock; /* held only to take or replace `current` */
    struct snapshot *current;

    /* Everything below belongs to whoever holds this lock. */
    pthread_mutex_t writer_lock;
    struct builder *builder;
    ZSTD_DCtx *decompressor;
    struct visibility *shown; /* counts of links and anchor texts follow it; NULL: shows nothing */
    bool is_scopes_changing;  /* they do not yet: it is not to be gone by */
    bool is_withholding;      /* `current` shows less than `shown`, for a change that is to come */
    struct buffer stale;      /* uint64_t: documents whose anchor texts have doubled */
    uint64_t next_id;         /* of a stored segment */
    uint64_t merging_id;      /* 0: none. It is being written, and no garbage yet */
    struct buffer garbage;    /* uint64_t: ids that the storage is to be rid of */
    bool is_manifest_unsure;  /* writing it failed the last time: it may be there all the same */
    struct segment **retired; /* merged away; each with a reference of ours */
    uint32_t retired_count;
    bool unflushed; /* something but segments in memory differs from the manifest */
};

struct snapshot *index_hold_snapshot(struct index *index);
/* Makes it the current state; takes the reference. It cannot fail, so that what was just written to
 * storage is what runs: whoever writes has the next state ready before. */
void index_publish(struct index *index, struct snapshot *next);

/* With the writer's lock held. */
enum status index_flush_locked(struct index *index, struct error *err);

/* Takes up which private documents everyone may see, with the writer's lock held. */
enum status index_change_scopes(struct index *index, const struct index_scope *scopes, size_t count,
                                struct error *err);
/* Reads what was taken up last. */
/* Shows what these and those in force both show, and stores nothing: INDEX_WITHHOLD_SCOPES. */
enum status index_withhold_scopes(struct index *index, const struct index_scope *scopes,
                                  size_t count, struct error *err);
enum status index_load_scopes(struct index *index, struct error *err);

/* What a document counts of the links to it: those from pages that everyone who may see it may see,
 * too. So neither a count nor a score tells of a page that is not for everyone. */
uint32_t index_links_counted(const struct inlinks *inlinks, bool is_shown);

/* Rebuilds documents whose anchor texts have doubled, into the draft: the first *ret_done of
 * index->stale, which is sorted. It stops early where they take too much memory. */
enum status index_rebuild_stale(struct index *index, struct draft *draft, size_t *ret_done,
                                struct error *err);

/* Bytes of its segments in memory; how many they are is added to *ret_count, which may be NULL. */
size_t index_memory_bytes(const struct draft *draft, uint32_t *ret_count);

/* Merges segments in memory while there are many of one size, to no more than `bytes_max` each. */
enum status index_compact_memory(struct draft *draft, uint64_t bytes_max, struct error *err);

/* What is shown of a document; the fields are borrowed from the snapshot. */
enum status document_read(const struct snapshot *snapshot, struct place place, struct arena *arena,
                          struct stored_document *ret_document, struct stored_fields *ret_fields,
                          struct error *err);

/* Opens a segment that was stored. */
enum status index_open_stored(struct index *index, uint64_t id, uint32_t chunk_count,
                              struct segment **ret_segment, struct error *err);

#endif
