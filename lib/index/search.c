#include "index/search.h"

#include <stdlib.h>

#include "index/evaluate.h"
#include "index/rerank.h"
#include "index/state.h"

/* ---- weights ---- */

/* What is looked for: the query's terms, with how many documents have each. */
struct terms {
    struct query_term terms[QUERY_TERMS_MAX];
    size_t count;
};

/* A word is as rare as the commonest of its alternatives. */
static float word_weight(const struct scorer *scorer, const struct search_statistics *statistics,
                         const struct terms *terms, const struct query_word *word)
{
    uint64_t documents = 0;
    for (uint32_t a = 0; a < word->alternative_count; a++) {
        const struct query_term *term = &word->alternatives[a];
        for (size_t i = 0; i < terms->count; i++) {
            uint64_t frequency = statistics->document_frequencies[i];
            if (frequency > documents && query_term_equal(&terms->terms[i], term))
                documents = frequency;
        }
    }
    return scorer_word_weight(scorer, statistics, documents);
}

void evaluation_weigh(struct evaluation *evaluation, const struct query_node *query)
{
    struct terms terms;
    const struct query_word *words[QUERY_WORDS_MAX];
    const struct search_request *request = evaluation->request;
    const struct ranking *ranking = request->ranking == NULL ? &ranking_default : request->ranking;
    scorer_init(&evaluation->scorer, ranking, &request->statistics);
    terms.count = query_collect_terms(query, terms.terms);
    size_t count = query_collect_words(query, words);
    for (size_t i = 0; i < count; i++)
        evaluation->weights[i] =
            word_weight(&evaluation->scorer, &request->statistics, &terms, words[i]);
}

/* ---- the whole ---- */

enum status search_check(const struct query_node *query, const struct search_request *request,
                         struct error *err)
{
    struct query_term terms[QUERY_TERMS_MAX];
    enum status status = query_check(query, err);
    if (status != STATUS_OK || query == NULL)
        return status;
    size_t term_count = query_collect_terms(query, terms);
    if (request->k > SEARCH_K_MAX)
        return error_set(err, STATUS_INVALID, "more than %d results asked for", SEARCH_K_MAX);
    if (request->statistics.document_frequency_count != term_count)
        return error_set(err, STATUS_INVALID, "%zu document frequencies for %zu terms",
                         request->statistics.document_frequency_count, term_count);
    return STATUS_OK;
}

static enum status search_entry(struct evaluation *evaluation, const struct query_node *query,
                                struct arena *arena, struct error *err)
{
    struct matcher matcher;
    const struct segment *segment = evaluation->entry->segment;
    if (!scorer_enter(&evaluation->scorer, segment))
        return segment_corrupt(segment, err);
    enum status status = matcher_open(&matcher, segment, query, &evaluation->watch, arena, err);
    if (matcher.is_cut)
        evaluation->is_pruned = true;
    if (status == STATUS_OK && evaluates_any(query))
        status = evaluate_any(evaluation, &matcher, arena, err);
    else if (status == STATUS_OK && evaluates_all(query))
        status = evaluate_all(evaluation, &matcher, err);
    else if (status == STATUS_OK)
        status = evaluate_tree(evaluation, &matcher, err);
    matcher_release(&matcher);
    arena_reset(arena);
    return status;
}

static enum status search_snapshot(struct evaluation *evaluation, const struct query_node *query,
                                   struct error *err)
{
    struct arena arena = {0};
    enum status status = STATUS_OK;
    for (uint32_t i = 0; status == STATUS_OK && i < evaluation->snapshot->count; i++) {
        evaluation->entry = &evaluation->snapshot->entries[i];
        status = search_entry(evaluation, query, &arena, err);
    }
    arena_release(&arena);
    return status;
}

/* How many documents are looked at again. */
static uint32_t window_of(const struct search_request *request)
{
    const struct ranking *ranking = request->ranking == NULL ? &ranking_default : request->ranking;
    return request->has_after || request->k == 0 ? 0 : ranking->window;
}

/* One that names another page as the one to be found comes last, then one of a longer URL. */
static uint32_t precedence_of(const uint8_t norms[NORM_COLUMNS])
{
    bool has_canonical = (norms[NORM_FLAGS] & FLAG_HAS_CANONICAL) != 0;
    return (has_canonical ? 256u : 0) + norms[FIELD_URL];
}

static enum status write_hit(const struct evaluation *evaluation, const struct top_hit *hit,
                             struct search_hit *ret_hit, struct error *err)
{
    const struct segment *segment = evaluation->snapshot->entries[hit->entry].segment;
    uint8_t norms[NORM_COLUMNS];
    *ret_hit = (struct search_hit){
        .url_hash = hit->url_hash, .score = hit->score, .first_score = hit->first_score};
    if (!segment_likeness(segment, hit->docid, &ret_hit->likeness) ||
        !segment_norms(segment, hit->docid, norms))
        return segment_corrupt(segment, err);
    ret_hit->precedence = precedence_of(norms);
    return STATUS_OK;
}

/* Writes the hits in their order; of a whole window not more than are wanted. */
static enum status write_hits(const struct evaluation *evaluation, struct arena *arena,
                              struct search_result *ret_result, struct error *err)
{
    const struct search_request *request = evaluation->request;
    uint32_t count = evaluation->top.count;
    struct search_hit *hits = arena_alloc(arena, (count + 1) * sizeof(*hits));
    if (hits == NULL)
        return error_set(err, STATUS_NO_MEMORY, "search");
    for (uint32_t i = 0; i < count; i++) {
        enum status status = write_hit(evaluation, &evaluation->top.hits[i], &hits[i], err);
        if (status != STATUS_OK)
            return status;
    }
    rerank_order(hits, count, window_of(request));
    *ret_result = (struct search_result){
        .hits = hits,
        .hit_count = count > request->k && !request->is_shard ? request->k : count,
        .total = evaluation->total,
        .total_is_exact = !evaluation->is_pruned,
    };
    return STATUS_OK;
}

static enum status search_index(struct index *index, struct evaluation *evaluation,
                                const struct query_node *query, struct arena *arena,
                                struct search_result *ret_result, struct error *err)
{
    struct snapshot *snapshot = index_hold_snapshot(index);
    evaluation->snapshot = snapshot;
    evaluation_weigh(evaluation, query);
    enum status status = search_snapshot(evaluation, query, err);
    top_sort(&evaluation->top);
    if (status == STATUS_OK)
        status = rerank(evaluation, query, window_of(evaluation->request), arena, err);
    if (status == STATUS_OK)
        status = write_hits(evaluation, arena, ret_result, err);
    snapshot_release(snapshot);
    return status;
}

enum status index_search(struct index *index, const struct query_node *query,
                         const struct search_request *request, struct arena *arena,
                         struct search_result *ret_result, struct error *err)
{
    enum status status = search_check(query, request, err);
    if (status != STATUS_OK)
        return status;
    uint32_t window = window_of(request);
    uint32_t k = request->k > window ? request->k : window;
    struct evaluation *evaluation = arena_zalloc(arena, sizeof(*evaluation));
    struct top_hit *hits = arena_alloc(arena, top_room(k) * sizeof(*hits));
    if (evaluation == NULL || hits == NULL)
        return error_set(err, STATUS_NO_MEMORY, "search");
    evaluation->request = request;
    evaluation->watch.limit = request->limit;
    top_init(&evaluation->top, hits, k);
    return query != NULL ? search_index(index, evaluation, query, arena, ret_result, err)
                         : write_hits(evaluation, arena, ret_result, err);
}
