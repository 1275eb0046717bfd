/*
 * The words of a query as they weigh in the documents of one segment: gathered over a range of
 * documents, or asked about one; and what bounds that, by block and by window of documents. Blocks
 * are found by their directory, in any order, and only those that are looked into are decoded.
 */
#ifndef TIERCE_INDEX_WEIGHED_H
#define TIERCE_INDEX_WEIGHED_H

#include "index/matcher.h"
#include "index/score.h"

/* Documents of a window: enough that what is done once for each does not count, few enough that its
 * bounds are close. */
#define WINDOW 1024
/* Room for a window, and for as many behind it as vectors may touch. */
#define WINDOW_ROOM (WINDOW + SCORE_LANES)

/* One of a word's alternatives. */
struct weighed_list {
    struct posting_cursor *cursor;
    uint32_t block_first; /* the block that is decoded has all there is of these documents */
    uint32_t block_last;
    uint16_t *rows; /* by window: the first block that reaches into it or lies behind it */
    float *bounds;  /* by window: nothing in it weighs more; 0: nothing in it */
};

struct weighed_word {
    const struct scorer *scorer;
    struct weighed_list lists[QUERY_ALTERNATIVES_MAX];
    uint32_t list_count;
    int exact; /* which of them is the form as typed; -1: none that could count twice */
    uint32_t fields;
    float weight;
    uint32_t *row_scores; /* of the only list, by block: nothing in it scores more. NULL: several */
    uint32_t *bounds;     /* by window: nothing in it scores more */
    uint32_t bound;       /* in the window that is looked at; for whoever evaluates */
};

/* Documents with what a word scores in each. */
struct gathered {
    uint32_t count;
    bool ascends; /* by docid */
    bool skipped; /* blocks that could have held more were stepped over */
    uint32_t docids[WINDOW_ROOM];
    uint32_t scores[WINDOW_ROOM];
};

/* Documents that may be among the best, by docid, with what is known of their scores. */
struct candidates {
    uint32_t count;
    uint32_t docids[WINDOW_ROOM];
    uint32_t scores[WINDOW_ROOM];
};

/* The word of a node, whose lists the matcher opened and nothing else moves from now on. */
void weighed_word_open(struct weighed_word *word, const struct scorer *scorer,
                       const struct matcher_word *matched, uint32_t fields, float weight);

/* Reckons the bounds of `window_count` windows. False: no memory, or the lists are corrupt. */
bool weighed_word_bound(struct weighed_word *word, uint32_t window_count, struct arena *arena);

/*
 * The documents of a window that have the word. After weighed_word_bound(). Blocks in which nothing
 * scores `wanted` may be left out.
 */
void weighed_word_gather(struct weighed_word *word, uint32_t window, uint64_t wanted,
                         struct gathered *ret);

/*
 * Adds the word's scores to the candidates' and keeps those that score at least `wanted` with
 * `rest` added: what words that are asked later may score. Where the word is required, those that
 * do not have it go, too. Returns whether any went that may have had all words that are required.
 */
bool weighed_word_ask(struct weighed_word *word, struct candidates *candidates, uint64_t wanted,
                      uint64_t rest, bool required);

#endif
