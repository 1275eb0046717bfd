/* Several segments -> one, without the documents that were deleted. */
#ifndef TIERCE_INDEX_MERGE_H
#define TIERCE_INDEX_MERGE_H

#include "index/deletions.h"
#include "index/segment.h"

#define MERGE_INPUTS_MAX 64

struct merge_input {
    struct segment *segment;
    const struct deletions *deletions; /* NULL: none */
    uint32_t *docids; /* by the input's docid: the output's, DOCID_END for those left out.
                         malloc's; merge_release() frees them */
};

struct merge {
    struct merge_input inputs[MERGE_INPUTS_MAX];
    uint32_t input_count;
    uint32_t document_count; /* of the output */
};

/* Both borrowed; `deletions` may be NULL. */
void merge_add(struct merge *merge, struct segment *segment, const struct deletions *deletions);

/* Writes the output to the sink, footer and all. Memory: a few chunks and 4 bytes a document. */
enum status merge_run(struct merge *merge, struct segment_sink *sink, struct error *err);
void merge_release(struct merge *merge);

/* Sets the output's counts of links from the inputs' as they are now. */
void merge_copy_inlinks(const struct merge *merge, struct segment *output);

#endif
