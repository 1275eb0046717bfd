/*
 * Finding the best documents of a segment for a query. Three ways, each for its kind of query; all
 * keep the same documents with the same scores. Once as many documents were counted as the request
 * wants to be counted exactly, those that cannot be among the best any more are skipped.
 */
#ifndef TIERCE_INDEX_EVALUATE_H
#define TIERCE_INDEX_EVALUATE_H

#include "index/matcher.h"
#include "index/score.h"
#include "index/snapshot.h"
#include "index/top.h"

struct evaluation {
    const struct search_request *request;
    const struct snapshot *snapshot;
    const struct snapshot_entry *entry; /* where it is */
    struct scorer scorer;
    float weights[QUERY_WORDS_MAX]; /* of the query's words, in its order */
    struct top top;
    struct limit_watch watch; /* of the request's limit */
    uint64_t total;           /* documents counted */
    bool is_pruned;           /* some were skipped: there may be more */
};

/* Whether documents that cannot be among the best may be skipped. */
static inline bool evaluation_may_prune(const struct evaluation *evaluation)
{
    return evaluation->request->count_exactly != 0 &&
           evaluation->total >= evaluation->request->count_exactly;
}

/* How many times a document counts, for what does not depend on the query. */
double evaluation_factor(const struct evaluation *evaluation, uint32_t docid);
/* No page of the segment's documents from `first` to `last` counts more times for its links. */
double evaluation_factor_max(const struct evaluation *evaluation, uint32_t first, uint32_t last);

/* Whether a document in which the query's words score so much could be among the best, if its links
 * make it count `factor` times. */
static inline bool evaluation_wants(const struct evaluation *evaluation, uint64_t score,
                                    double factor)
{
    return top_wants(&evaluation->top, score_whole(score, factor));
}

/* The least score that evaluation_wants(). */
uint64_t evaluation_least(const struct evaluation *evaluation, double factor);

/* Counts a document that matches, unless it is deleted or not to be shown, and keeps it where it is
 * among the best. False: the segment is corrupt. */
bool evaluation_take(struct evaluation *evaluation, uint32_t docid, uint64_t score);

/* Queries of one word, or of words any of which must match. */
bool evaluates_any(const struct query_node *root);
enum status evaluate_any(struct evaluation *evaluation, struct matcher *matcher,
                         struct arena *arena, struct error *err);

/* Queries of words and phrases all of which must match; sites and exclusions beside them. */
bool evaluates_all(const struct query_node *root);
enum status evaluate_all(struct evaluation *evaluation, struct matcher *matcher, struct error *err);

/* Any query, document by document, without skipping. */
enum status evaluate_tree(struct evaluation *evaluation, struct matcher *matcher,
                          struct error *err);

/* Takes the request's ranking and statistics, and weighs the words of the query. */
void evaluation_weigh(struct evaluation *evaluation, const struct query_node *query);
/* STATUS_INVALID where a query or a request breaks a rule. */
enum status search_check(const struct query_node *query, const struct search_request *request,
                         struct error *err);

/* ---- what they share ---- */

/* How often a word stands in the document on which its cursors stand that it has, weighed. */
float evaluate_frequency(const struct evaluation *evaluation, struct matcher_word *word,
                         uint32_t fields, uint32_t docid);

/* The score of a prefix, the same in every document: of a word that stands once in a text of
 * average length. */
static inline uint32_t evaluate_prefix(const struct evaluation *evaluation, float weight)
{
    return score_of(weight, evaluation->scorer.ranking->k1, 1);
}

/* The score of a word in the document on which its cursors stand that it has; 0: in no field that
 * is wanted. */
uint32_t evaluate_word(const struct evaluation *evaluation, struct matcher_word *word, float weight,
                       uint32_t fields, uint32_t docid);

#endif
