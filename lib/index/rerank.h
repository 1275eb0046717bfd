/*
 * The second look at the best documents. What is too dear for every document is only asked about
 * those whose words score most, the window:
 *
 * - Closeness: words that stand side by side in the query gain where they stand close together in
 *   the document. Each occurrence of the first word counts 1/d^2 for its distance d <= 5 to the
 *   nearest of the second, as in Rasolofo, Savoy: "Term proximity scoring for keyword-based
 *   retrieval systems", 2003; in the wrong order it is one further away. The sum is weighed by
 *   field and length and saturates as a word's frequency does, with the weight of the commoner
 *   word, and never counts more than either word does by itself. Words of one phrase stand together
 *   anyway; pairs of characters, as which text without spaces is indexed, say so by themselves.
 * - Wholeness: the more of the query stands in the title (in the URL) and the more of the title
 *   that is, the more it counts: who types a whole title, or a name that is a host, wants that
 *   page.
 * - Freshness: a page whose own date is known gains a little while it is new, by a factor.
 *
 * These scores depend on the document, the query and the statistics, like the first ones. The
 * window is the best `window` documents of the whole corpus by their first score: a shard looks at
 * that many of its own, and whoever merges shards takes the window of them all (rerank_order()).
 * Documents of the window come in front of the others, whose scores they exceed; so pages that lie
 * behind it are in the order of their first scores, and the window is the same for every page of
 * results.
 */
#ifndef TIERCE_INDEX_RERANK_H
#define TIERCE_INDEX_RERANK_H

#include "index/evaluate.h"

struct rerank_word {
    const struct query_word *word;
    const struct query_node *node;
    float weight;
    bool is_close_next;                                  /* closeness to the next word counts */
    struct posting_cursor *kept[QUERY_ALTERNATIVES_MAX]; /* for the next segment */
    struct matcher_word matched;
    uint32_t found; /* fields of the document that it stands in, of those looked at */
    uint32_t score;
};

struct reranker {
    const struct evaluation *evaluation; /* its scorer is in the same segment */
    const struct segment *segment;
    struct arena *arena;
    struct rerank_word words[QUERY_WORDS_MAX];
    uint32_t word_count;
    double weight; /* of all words together */
    uint32_t read; /* positions, since whoever counts them has set it to 0 */
    struct numbers here;
    struct numbers next;
    struct numbers scratch;
};

/* What a document gains, in units of 2^-SCORE_BITS. */
struct rerank_parts {
    uint32_t closeness[QUERY_WORDS_MAX]; /* of each word and the next one */
    uint64_t title;
    uint64_t url;
    uint64_t sum;
    double freshness; /* a factor */
};

/* For a query that was checked, whose words the evaluation has weighed. All borrowed. */
void reranker_init(struct reranker *reranker, const struct evaluation *evaluation,
                   const struct query_node *query, struct arena *arena);
void reranker_release(struct reranker *reranker);
/* For the documents of this segment from now on, which the evaluation's scorer has entered. */
enum status reranker_enter(struct reranker *reranker, const struct segment *segment,
                           struct error *err);
/* Moves to a document. Documents of a segment by rising docid, here and below. */
void reranker_stand(struct reranker *reranker, uint32_t docid);
/* What a document gains whose words score so much. */
enum status reranker_look(struct reranker *reranker, uint32_t docid, uint64_t words_score,
                          struct rerank_parts *ret_parts, struct error *err);

/* Looks again at the first `window` hits of the evaluation's, which are sorted. */
enum status rerank(struct evaluation *evaluation, const struct query_node *query, uint32_t window,
                   struct arena *arena, struct error *err);

/* Puts the hits of several shards, each with the whole of its window, in the order of results. */
void rerank_order(struct search_hit *hits, size_t count, uint32_t window);

#endif
