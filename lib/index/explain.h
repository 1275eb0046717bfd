/*
 * Why a document has the score that it has, part by part; or why a query does not find it. The
 * parts add up to the scores of index_search(), to the last bit:
 *
 *     words_score = the scores of the words that count
 *     gain        = closeness of the words, title, url          (rerank.h)
 *     first_score = words_score x factor / 2^20
 *     score       = (words_score + gain) x (factor x freshness_factor) / 2^20
 *
 * A document of the window has `score` in the results, any other one `first_score`.
 */
#ifndef TIERCE_INDEX_EXPLAIN_H
#define TIERCE_INDEX_EXPLAIN_H

#include "index/rerank.h"
#include "index/search.h"

/* One of the terms that stand for a word: its exact form, or a stem. */
struct explained_form {
    struct query_term term;       /* the query's */
    uint64_t documents;           /* of the corpus that have it */
    uint32_t fields;              /* of the document that it stands in: bits; 0: in none */
    uint32_t counts[FIELD_COUNT]; /* how often */
    float weighed[FIELD_COUNT];   /* that, by the weight of the field and its length here */
    float frequency;              /* all of it */
};

struct explained_word {
    const struct query_word *word; /* the query's */
    uint32_t fields;               /* that are looked at */
    bool is_prefix;                /* scores the same wherever it stands */
    bool counts;                   /* what it stands in matches */
    struct explained_form forms[QUERY_ALTERNATIVES_MAX];
    float weight;       /* by how rare it is: what it can score at most, in 2^-20 */
    float frequency;    /* the largest of the forms', with the bonus of the exact one */
    uint32_t score;     /* in 2^-20; 0 where it does not count */
    uint32_t closeness; /* to the next word, in 2^-20 */
};

struct explanation {
    bool is_found; /* it is in the index, and the asker may see it; else the rest means nothing */
    bool matches;  /* else there is no score */
    /* What it would have to match, but does not; what it must not, but does. Numbers of nodes of
     * the query, the root being 0, a parent in front of its children. */
    uint32_t failed[QUERY_NODES_MAX];
    uint32_t failed_count;

    struct explained_word *words; /* in the order of query_collect_words(); in the arena */
    uint32_t word_count;
    uint32_t lengths[FIELD_COUNT]; /* of the document, in tokens, as they are counted */
    uint64_t words_score;          /* without any word, where there are only filters: 2^20 */
    uint64_t title;
    uint64_t url;
    uint64_t gain;
    uint32_t inlinks;
    double link_factor;
    double factor; /* the same, as long as nothing else is known of all documents */
    double freshness_factor;
    double first_score;
    double score;
};

/* `request`: as for index_search(); k and what is behind `include_private` are not looked at. Fails
 * as index_search() does; a NULL query matches nothing. */
enum status index_explain(struct index *index, const struct query_node *query,
                          const struct search_request *request, uint64_t url_hash,
                          struct arena *arena, struct explanation *ret_explanation,
                          struct error *err);

/* A node by its number; NULL: there is none. */
const struct query_node *explain_node(const struct query_node *root, uint32_t number);

#endif
