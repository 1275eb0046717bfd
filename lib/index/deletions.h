/* Which documents of a segment are deleted. A set never changes once it is shared: a writer makes a
 * changed copy, so that a search sees one state from start to end. */
#ifndef TIERCE_INDEX_DELETIONS_H
#define TIERCE_INDEX_DELETIONS_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct deletions {
    atomic_uint references;
    uint32_t document_count;
    uint32_t deleted;
    uint64_t bits[];
};

static inline bool deletions_has(const struct deletions *deletions, uint32_t docid)
{
    return deletions != NULL && (deletions->bits[docid / 64] >> docid % 64 & 1) != 0;
}

/* A copy of `from` (which may be NULL) for a segment of so many documents; NULL: no memory. */
struct deletions *deletions_copy(const struct deletions *from, uint32_t document_count);
struct deletions *deletions_hold(struct deletions *deletions); /* accepts NULL */
void deletions_release(struct deletions *deletions);           /* accepts NULL */

/* Only on a copy that is not yet shared. False where it was deleted already. */
bool deletions_add(struct deletions *deletions, uint32_t docid);

#endif
