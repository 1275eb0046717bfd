/* The best k hits so far: a heap with the worst in front. */
#ifndef TIERCE_INDEX_TOP_H
#define TIERCE_INDEX_TOP_H

#include "index/search.h"

struct top_hit {
    uint64_t url_hash;
    double score;
    double first_score; /* before it was looked at again: rerank.h */
    uint64_t words_score;
    double factor;  /* that it counts times */
    uint32_t entry; /* where it is */
    uint32_t docid;
};

struct top {
    struct top_hit *hits; /* room for k */
    uint32_t count;
    uint32_t k;
};

static inline bool hit_is_better(const struct top_hit *a, const struct top_hit *b)
{
    return a->score != b->score ? a->score > b->score : a->url_hash < b->url_hash;
}

/* Whether a hit of this score could be among the best; the hash decides between equals. */
static inline bool top_wants(const struct top *top, double score)
{
    return top->count < top->k || (top->k > 0 && score >= top->hits[0].score);
}

void top_add(struct top *top, const struct top_hit *hit);
/* Best first; it is no heap any more. */
void top_sort(struct top *top);

#endif
