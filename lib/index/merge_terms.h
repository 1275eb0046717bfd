/*
 * The terms of a merge: the keys of all inputs in order, and the postings of each. A block whose
 * documents are moved by the same distance is copied as it is, the others are unpacked.
 */
#ifndef TIERCE_INDEX_MERGE_TERMS_H
#define TIERCE_INDEX_MERGE_TERMS_H

#include "index/merge.h"
#include "index/segment_writer.h"

/* The documents are written, and the inputs know their docids. */
enum status merge_terms(struct merge *merge, struct segment_writer *writer, struct error *err);

#endif
