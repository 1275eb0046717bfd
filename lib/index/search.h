/*
 * Searching: the best k documents of one index for a query. A score depends on the document, the
 * query and the statistics handed in, on nothing else of the index: the same document scores the
 * same whatever shard, segment or replica it lies in.
 *
 * Ranking is BM25F over title, headings, URL, anchor text and body, times a factor that grows with
 * the logarithm of the number of pages that link to the document. The best of these, the window,
 * are looked at again: rerank.h. A document has two scores, then, and both depend on nothing else;
 * the window of several shards is that of all their documents, which rerank_order() finds.
 */
#ifndef TIERCE_INDEX_SEARCH_H
#define TIERCE_INDEX_SEARCH_H

#include "index/index.h"
#include "index/limit.h"

#define SEARCH_K_MAX 1000
/* Of a corpus. With ever more documents a rare word scores ever more: with so many, what
 * QUERY_WORDS_MAX words score together is still less than 2^32. */
#define SEARCH_DOCUMENTS_MAX UINT32_MAX
#define SEARCH_TOKENS_MAX    (UINT64_C(1) << 52) /* of a field of them all */

/* Of the whole corpus: sums over all shards. */
struct search_statistics {
    uint64_t documents;                   /* live ones */
    uint64_t field_tokens[FIELD_COUNT];   /* their tokens, field by field */
    const uint64_t *document_frequencies; /* one for each of query_collect_terms(), in its order */
    size_t document_frequency_count;
};

/* What counts how much: score.h says how. */
struct ranking {
    float k1;           /* how slowly more occurrences stop to matter */
    float exact_bonus;  /* of an occurrence in the very form that was asked for */
    double link_weight; /* a page with n links counts 1 + link_weight * log2(1 + n) times */
    uint32_t window;    /* documents that are looked at again (rerank.h says how); 0: none */
    double closeness;   /* of words close together, as a part of what they score themselves */
    double whole_title; /* of a title that is the whole query, as a part of the words' scores */
    double whole_url;
    double freshness; /* a page changed just now counts 1 + freshness times, one of an age of */
    double half_life_days; /* so many days 1 + freshness / 2 times; of no known date once */
    struct {
        float weight; /* of an occurrence */
        float length; /* how much a longer field than the average makes it count less, 0 to 1 */
    } fields[FIELD_COUNT];
};
extern const struct ranking ranking_default;
extern const struct ranking ranking_plain; /* BM25 with k1 1.2 and b 0.75, all fields alike */

struct search_request {
    uint32_t k;             /* 1 to SEARCH_K_MAX; 0: only count */
    uint32_t count_exactly; /* a total is exact up to this, beyond it a lower bound; 0: always */
    const struct ranking *ranking; /* NULL: ranking_default. Borrowed */
    struct search_statistics statistics;
    const struct search_limit *limit; /* NULL: none. Borrowed */
    int64_t now_unix_us;
    bool include_private; /* the asker may see pages of private sites */
    bool is_shard; /* the whole window is wanted, even beyond k, to be ordered with other shards' */
    /* Only documents behind this one in the order of first scores, none of which is looked at
     * again: for the next page, behind the window. */
    bool has_after;
    double after_score;
    uint64_t after_url_hash;
};

struct search_hit {
    uint64_t url_hash;
    double score;
    double first_score; /* the same outside of the window */
    unsigned shard;     /* for whoever merges */
    struct likeness likeness;
    uint32_t precedence; /* of those with one text and one score, the lowest is shown */
};

struct search_result {
    struct search_hit *hits; /* those of the window first; by falling score, then by rising URL
                                hash. In the arena */
    uint32_t hit_count;
    uint64_t total; /* documents that match; those in front of `after` too */
    bool total_is_exact;
};

/*
 * Returns STATUS_OK, STATUS_INVALID (the tree, k, or a wrong number of document frequencies),
 * STATUS_CORRUPT, STATUS_NO_MEMORY, or the limit's: STATUS_TIMEOUT or STATUS_CANCELLED. A NULL
 * query matches nothing.
 */
enum status index_search(struct index *index, const struct query_node *query,
                         const struct search_request *request, struct arena *arena,
                         struct search_result *ret_result, struct error *err);

/* This index's share of the corpus's statistics. */
void index_statistics(struct index *index, uint64_t *ret_documents,
                      uint64_t ret_field_tokens[FIELD_COUNT]);

/* In how many documents of this index each term is; those deleted but not yet merged away count.
 * `limit` may be NULL. STATUS_OK, STATUS_CORRUPT or the limit's. */
enum status index_term_statistics(struct index *index, const struct query_term *terms, size_t count,
                                  const struct search_limit *limit, uint64_t *ret_frequencies,
                                  struct error *err);

#endif
