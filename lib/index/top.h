/*
 * The best k hits so far, in no order until they are sorted. More than k are kept until it is worth
 * telling the best from the others (Hoare: "Algorithm 65: Find", 1961), which a heap would do with
 * each one.
 */
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
    struct top_hit *hits; /* room for top_room(k) */
    uint32_t count;
    uint32_t k;
    bool is_full;         /* there were k hits */
    struct top_hit worst; /* then: k hits are known that are as good or better */
};

static inline uint32_t top_room(uint32_t k)
{
    return k + k / 4 + 1;
}

/* `hits`: borrowed, with room for top_room(k). */
void top_init(struct top *top, struct top_hit *hits, uint32_t k);

static inline bool hit_is_better(const struct top_hit *a, const struct top_hit *b)
{
    return a->score != b->score ? a->score > b->score : a->url_hash < b->url_hash;
}

/* Whether a hit of this score could be among the best; the hash decides between equals. */
static inline bool top_wants(const struct top *top, double score)
{
    return !top->is_full || score >= top->worst.score;
}

void top_add(struct top *top, const struct top_hit *hit);
/* Leaves the best, best first. */
void top_sort(struct top *top);

#endif
