#include "index/deletions.h"

#include <stdlib.h>
#include <string.h>

#include "base/check.h"

struct deletions *deletions_copy(const struct deletions *from, uint32_t document_count)
{
    size_t words = ((size_t)document_count + 63) / 64;
    struct deletions *copy = calloc(1, sizeof(*copy) + words * sizeof(copy->bits[0]));
    if (copy == NULL)
        return NULL;
    atomic_init(&copy->references, 1);
    copy->document_count = document_count;
    if (from != NULL) {
        CHECK(from->document_count == document_count);
        copy->deleted = from->deleted;
        memcpy(copy->bits, from->bits, words * sizeof(copy->bits[0]));
    }
    return copy;
}

struct deletions *deletions_hold(struct deletions *deletions)
{
    if (deletions != NULL)
        atomic_fetch_add_explicit(&deletions->references, 1, memory_order_relaxed);
    return deletions;
}

void deletions_release(struct deletions *deletions)
{
    if (deletions != NULL &&
        atomic_fetch_sub_explicit(&deletions->references, 1, memory_order_acq_rel) == 1)
        free(deletions);
}

bool deletions_add(struct deletions *deletions, uint32_t docid)
{
    CHECK(docid < deletions->document_count);
    if (deletions_has(deletions, docid))
        return false;
    deletions->bits[docid / 64] |= (uint64_t)1 << docid % 64;
    deletions->deleted++;
    return true;
}
