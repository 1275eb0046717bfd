/*
 * Which segments are worth merging: eight of one size make one of the next, eight times larger, so
 * that a document is copied once for each size (O'Neil, Cheng, Gawlick, O'Neil: "The
 * log-structured merge-tree", 1996).
 */
#ifndef TIERCE_INDEX_MERGE_POLICY_H
#define TIERCE_INDEX_MERGE_POLICY_H

#include "index/merge.h"
#include "index/snapshot.h"

/*
 * Writes the numbers of the entries to merge, ascending, and returns how many; 0: none.
 *
 * stored     only those in storage, one that is mostly deleted by itself, too; else only those in
 *            memory
 * bytes_max  of the output
 */
uint32_t merge_choose(const struct snapshot_entry *entries, uint32_t count, bool stored,
                      uint64_t bytes_max, uint32_t ret_chosen[MERGE_INPUTS_MAX]);

/* Those in memory that one output can hold, at least one where there are any; ascending.
 * `bytes_max` is of the output, unless one alone is larger. */
uint32_t merge_choose_memory(const struct snapshot_entry *entries, uint32_t count,
                             uint64_t bytes_max, uint32_t ret_chosen[MERGE_INPUTS_MAX]);

/* The smallest stored segments, so many that one in their place leaves `segments`; in any order. */
uint32_t merge_choose_smallest(const struct snapshot_entry *entries, uint32_t count,
                               uint32_t segments, uint32_t ret_chosen[MERGE_INPUTS_MAX]);

#endif
