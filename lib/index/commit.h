/* From the writer's draft to storage: segments are written under new ids, then one atomic write of
 * the manifest makes them the index. With the writer's lock held, but for a merge. */
#ifndef TIERCE_INDEX_COMMIT_H
#define TIERCE_INDEX_COMMIT_H

#include "index/state.h"

/* An id for a segment. Until a manifest names it, it counts as garbage. */
uint64_t index_new_id(struct index *index);

/* It is named by a manifest, or there is no such segment any more. */
void index_forget_garbage(struct index *index, uint64_t id);

/* Drops what no manifest names, nor may name after a write that failed half-way. */
void index_discard(struct index *index, uint64_t id);

/* Deletes merged-away segments whose last reader has left, and what a flush or merge that failed
 * had written. What cannot be deleted now stays named as garbage and goes later, or with the next
 * opening. */
void index_sweep(struct index *index);

/* Merges into the storage under `id`, and looks whether it was written as it should be. Needs no
 * lock. *ret_segment is NULL where no document was left. */
enum status index_merge_to_storage(struct index *index, struct merge *merge, uint64_t id,
                                   struct segment **ret_segment, struct error *err);

/*
 * Writes what the draft consists of, in one step, and makes it the current state; `dropped` are
 * segments that it no longer has. The draft has no segment in memory. Where it fails the state
 * stays what it was.
 */
enum status index_commit(struct index *index, const struct draft *draft, const uint64_t *dropped,
                         uint32_t dropped_count, uint64_t position, struct error *err);

#endif
