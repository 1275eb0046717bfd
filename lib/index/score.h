/*
 * Scores: BM25F (Robertson, Zaragoza, Taylor: "Simple BM25 extension to multiple weighted fields",
 * 2004). A word's frequency in a document is the sum of its frequencies in the fields, each weighed
 * by field and by the field's length; that saturates once, for all fields together.
 *
 * A word's score is a whole number of 2^-SCORE_BITS. So sums of scores are exact in any order, and
 * what bounds a frequency bounds the score: whichever documents are skipped, the others' scores are
 * the same.
 */
#ifndef TIERCE_INDEX_SCORE_H
#define TIERCE_INDEX_SCORE_H

#include "index/posting.h"
#include "index/query.h"
#include "index/search.h"

#define SCORE_BITS 20
#define SCORE_ONE  ((double)(1u << SCORE_BITS))

struct scorer {
    const struct ranking *ranking;
    float factors[FIELD_COUNT][256];      /* of a frequency, by the code of the field's length */
    float frequencies[256];               /* the largest with each code, see struct impacts */
    const uint8_t *columns[NORM_COLUMNS]; /* of the segment */
};

void scorer_init(struct scorer *scorer, const struct ranking *ranking,
                 const struct search_statistics *statistics);
/* For the documents of this segment from now on; false: it is corrupt. */
bool scorer_enter(struct scorer *scorer, const struct segment *segment);

/* What a word as rare as that can score at most. */
float scorer_word_weight(const struct scorer *scorer, const struct search_statistics *statistics,
                         uint64_t documents);

/* The score of a word that stands so often, rounded down. Does not fall when the frequency rises:
 * each step is rounded, and rounding keeps the order. */
static inline uint32_t score_of(float weight, float k1, float frequency)
{
    return (uint32_t)(weight - weight * k1 / (k1 + frequency));
}

/* The same for many: reads and writes up to SCORE_LANES - 1 behind `count`, whatever is there. */
#define SCORE_LANES 4
void score_all(float weight, float k1, float *frequencies, uint32_t count, uint32_t *ret_scores);

/* How often a key stands in the fields `wanted` of the document that the cursor stands on, weighed.
 * 0: in none of them. */
static inline float weigh(const struct scorer *scorer, struct posting_cursor *cursor,
                          uint32_t wanted)
{
    float sum = 0;
    uint32_t fields = posting_cursor_fields(cursor);
    const uint32_t *frequencies = posting_cursor_frequencies(cursor);
    if ((fields & wanted) == 1u << FIELD_BODY && fields == 1u << FIELD_BODY) /* most of them */
        return (float)*frequencies *
               scorer->factors[FIELD_BODY][scorer->columns[FIELD_BODY][cursor->docid]];
    for (; fields != 0; fields &= fields - 1, frequencies++) {
        unsigned field = (unsigned)__builtin_ctz(fields);
        if ((wanted & 1u << field) != 0)
            sum +=
                (float)*frequencies * scorer->factors[field][scorer->columns[field][cursor->docid]];
    }
    return sum;
}

/* No document of the block weighs more. */
float weigh_impacts(const struct scorer *scorer, const struct impacts *impacts);

/* What a document scores whose words score so much, and which counts `factor` times. */
static inline double score_whole(uint64_t words_score, double factor)
{
    return (double)words_score / SCORE_ONE * factor;
}

/* How much a page counts more for the pages that link to it. */
double link_factor(const struct ranking *ranking, uint32_t inlinks);

/* How much a page counts more for having changed lately, at least 1. 0: no date is known. */
double freshness_factor(const struct ranking *ranking, int64_t modified_unix_us,
                        int64_t now_unix_us);

#endif
