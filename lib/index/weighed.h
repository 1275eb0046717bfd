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
    uint8_t language;     /* it has only documents of this one; 0: of any (enum text_language) */
    uint32_t block_first; /* the block that is decoded has all there is of these documents */
    uint32_t block_last;
    /* By window, where weighed_word_bound() was asked for them, else NULL: */
    uint16_t *rows;    /* the first block that reaches into it or lies behind it */
    float *bounds;     /* nothing in it weighs more; 0: nothing in it */
    float *row_bounds; /* by block: nothing in it weighs more */
};

struct weighed_word {
    const struct scorer *scorer;
    struct weighed_list lists[QUERY_ALTERNATIVES_MAX];
    uint32_t list_count;
    int exact; /* which of them is the form as typed; -1: none that could count twice */
    uint32_t fields;
    float weight;
    uint32_t bound;   /* where one looks just now, it scores no more; for whoever evaluates */
    uint32_t *bounds; /* as above, by window: nothing in it scores more; 0: nothing in it */
};

/* Documents with what a word scores in each, by docid. */
struct gathered {
    uint32_t count;
    bool skipped; /* blocks that could have held more were stepped over */
    uint32_t docids[WINDOW_ROOM];
    uint32_t scores[WINDOW_ROOM];
    /* For words of several lists; zero between the calls. */
    float most[WINDOW];
    float exact[WINDOW];
};

/* Documents that may be among the best, by docid, with what is known of their scores. */
struct candidates {
    uint32_t count;
    uint32_t docids[WINDOW_ROOM];
    uint32_t scores[WINDOW_ROOM];
};

void gathered_init(struct gathered *gathered);

/* The word of a node, whose lists the matcher opened. They are to be moved by nothing else. */
void weighed_word_open(struct weighed_word *word, const struct scorer *scorer,
                       const struct matcher_word *matched, uint32_t fields, float weight);

/* How many documents its lists have together. */
uint64_t weighed_word_cost(const struct weighed_word *word);

/* Reckons the bounds of `window_count` windows. False: a list is corrupt (its cursor is, then), or
 * no memory. */
bool weighed_word_bound(struct weighed_word *word, uint32_t window_count, struct arena *arena);

/* What the word scores at most in any of the documents from `first` to `last`, as far as that is
 * worth finding out; false: it is in none of them. Without weighed_word_bound(). */
bool weighed_word_bound_range(const struct weighed_word *word, uint32_t first, uint32_t last,
                              uint32_t *ret_bound);

#define WEIGHED_BEST_MAX 8
/* The documents of the blocks of a list in which the word may score most, at most `count` blocks;
 * their first documents, best first. Returns how many; 0 where the word has several lists. */
uint32_t weighed_word_best(const struct weighed_word *word, uint32_t count, uint32_t *ret_firsts);

/*
 * Where to gather from `target` on: a block, or as many documents as a window has. False: no
 * document from there on has the word.
 */
bool weighed_word_range(struct weighed_word *word, uint32_t target, uint32_t *ret_first,
                        uint32_t *ret_last);

/*
 * The documents from `first` to `last` that have the word: those of a window, or of such a range.
 * Blocks in which nothing scores `wanted` may be left out.
 */
void weighed_word_gather(struct weighed_word *word, uint32_t first, uint32_t last, uint64_t wanted,
                         struct gathered *ret);

/* The first document not below the target that has the word, or one before it. */
uint32_t weighed_word_seek(struct weighed_word *word, uint32_t target);

/* Whether the word is in a document, and what it scores there; else *ret_next is the next document
 * of the same language that may have it. Where it is, its lists' cursors that stand there have it.
 */
bool weighed_word_score(struct weighed_word *word, uint32_t docid, uint32_t *ret_score,
                        uint32_t *ret_next);

/* Whether the word scores less than `wanted` in a document, told by its block's bounds. */
bool weighed_word_is_hopeless(const struct weighed_word *word, uint32_t docid, uint64_t wanted);

/* Adds the word's scores to the candidates' and keeps those that score at least `wanted` with
 * `rest` added: what words that are asked later may score. */
void weighed_word_ask(struct weighed_word *word, struct candidates *candidates, uint64_t wanted,
                      uint64_t rest);

#endif
