/*
 * What somebody who is still typing may mean: the last word completed from the dictionary, and
 * titles that have all that was typed. Nothing that only pages have which the asker must not see.
 */
#ifndef TIERCE_INDEX_SUGGEST_H
#define TIERCE_INDEX_SUGGEST_H

#include "base/arena.h"
#include "index/index.h"
#include "index/limit.h"

#define SUGGEST_WORDS_MAX 16  /* typed: more get no suggestions */
#define SUGGEST_TITLE_MAX 120 /* bytes of a title; a longer one is not suggested */
#define SUGGEST_COUNT_MAX 16  /* of each kind, in an answer */
#define SUGGEST_TOGETHER  256 /* documents are counted so far that have a word and those before */

/* The last word, completed. */
struct suggested_word {
    struct text_slice term; /* folded: what the same word of other shards is told by */
    struct text_slice text; /* the whole that is suggested, as it was typed but for the last word */
    uint64_t documents;     /* that write it */
    uint64_t together;      /* where words stand before it: that have these, too; is counted to
                               SUGGEST_TOGETHER. Else 0 */
};

struct suggested_title {
    struct text_slice text;
    bool begins; /* with what was typed */
    double score;
};

struct suggestions {
    struct suggested_word *words; /* by falling numbers, then by term. In the arena */
    size_t word_count;
    struct suggested_title *titles; /* those that begin so first, by falling score, then as bytes */
    size_t title_count;
};

/*
 * typed  UTF-8, at most QUERY_BYTES_MAX bytes. Where it has quotes, parentheses, colons or
 *        exclusions there are no suggestions: they are of words alone
 *
 * limit  may be NULL
 *
 * Returns STATUS_OK, STATUS_CORRUPT, STATUS_NO_MEMORY or the limit's.
 */
enum status index_suggest(struct index *index, struct text_analyzer *analyzer,
                          struct text_slice typed, bool include_private,
                          const struct search_limit *limit, struct arena *arena,
                          struct suggestions *ret_suggestions, struct error *err);

#endif
