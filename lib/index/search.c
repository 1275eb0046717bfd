#include "index/search.h"

#include <math.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>

#include "index/matcher.h"
#include "index/state.h"

/* ---- weights ---- */

#define K1          1.2
#define EXACT_BONUS 0.25 /* of an occurrence in the very form that was asked for */
#define LINK_WEIGHT 0.1  /* a page with n links counts 1 + LINK_WEIGHT * log2(1 + n) times */

static const struct {
    double weight; /* of an occurrence */
    double length; /* how much a longer field than the average makes it count less, 0 to 1 */
} field_weights[FIELD_COUNT] = {
    [FIELD_TITLE] = {3.0, 0.5},  [FIELD_HEADINGS] = {1.5, 0.5}, [FIELD_URL] = {1.0, 0.3},
    [FIELD_ANCHOR] = {1.5, 0.4}, [FIELD_BODY] = {1.0, 0.75},
};

#define LINK_FACTORS 4096
static double link_factors[LINK_FACTORS];
static pthread_once_t link_factors_once = PTHREAD_ONCE_INIT;

static double compute_link_factor(uint32_t inlinks)
{
    return 1 + LINK_WEIGHT * log2(1 + (double)inlinks);
}

static void fill_link_factors(void)
{
    for (uint32_t i = 0; i < LINK_FACTORS; i++)
        link_factors[i] = compute_link_factor(i);
}

static double link_factor(uint32_t inlinks)
{
    return inlinks < LINK_FACTORS ? link_factors[inlinks] : compute_link_factor(inlinks);
}

/* ---- one search ---- */

struct scorer {
    const struct search_request *request;
    double field_factors[FIELD_COUNT][256]; /* by the code of the field's length */
    struct query_term terms[QUERY_TERMS_MAX];
    size_t term_count;
    bool has_words; /* false: only filters; then every match counts the same, but for links */
};

struct top {
    struct search_hit *hits; /* a heap, the worst in front */
    uint32_t count;
    uint32_t k;
};

struct search {
    struct scorer scorer;
    struct snapshot *snapshot;
    struct top top;
    uint64_t total;
};

static double inverse_document_frequency(const struct search_statistics *statistics,
                                         uint64_t documents)
{
    double all = statistics->documents > 0 ? (double)statistics->documents : 1;
    double having = (double)documents < all ? (double)documents : all;
    return log(1 + (all - having + 0.5) / (having + 0.5));
}

static void prepare_fields(struct scorer *scorer)
{
    const struct search_statistics *statistics = &scorer->request->statistics;
    double documents = statistics->documents > 0 ? (double)statistics->documents : 1;
    for (unsigned field = 0; field < FIELD_COUNT; field++) {
        double average = (double)statistics->field_tokens[field] / documents;
        double length_weight = field_weights[field].length;
        if (average < 1)
            average = 1;
        for (unsigned code = 0; code < 256; code++) {
            double length = length_of_code((uint8_t)code) / average;
            scorer->field_factors[field][code] =
                field_weights[field].weight / (1 - length_weight + length_weight * length);
        }
    }
}

/* A word is as rare as the commonest of its alternatives. */
static double word_weight(const struct scorer *scorer, const struct query_word *word)
{
    uint64_t documents = 0;
    for (uint32_t a = 0; a < word->alternative_count; a++) {
        const struct query_term *term = &word->alternatives[a];
        for (size_t i = 0; i < scorer->term_count; i++) {
            uint64_t frequency = scorer->request->statistics.document_frequencies[i];
            if (scorer->terms[i].size == term->size &&
                memcmp(scorer->terms[i].bytes, term->bytes, term->size) == 0 &&
                frequency > documents)
                documents = frequency;
        }
    }
    return inverse_document_frequency(&scorer->request->statistics, documents) * (K1 + 1);
}

/* ---- scores ---- */

/* How often the word stands in the fields asked for, each weighed by field and length. */
static double weigh_cursor(const struct scorer *scorer, struct posting_cursor *cursor,
                           uint32_t wanted, const uint8_t *norms)
{
    double sum = 0;
    uint32_t fields = posting_cursor_fields(cursor);
    const uint32_t *frequencies = posting_cursor_frequencies(cursor);
    for (; fields != 0; fields &= fields - 1) {
        unsigned field = (unsigned)__builtin_ctz(fields);
        if ((wanted & 1u << field) != 0)
            sum += *frequencies * scorer->field_factors[field][norms[field]];
        frequencies++;
    }
    return sum;
}

/*
 * Stems include the exact form's occurrences where the document's language is the one that was
 * stemmed for, and are other words where it is not: so the largest counts, not the sum.
 */
static double score_word(const struct scorer *scorer, struct matcher_word *word, double weight,
                         uint32_t fields, const uint8_t *norms, uint32_t docid)
{
    double frequency = 0;
    double exact = 0;
    uint32_t count = word->word->alternative_count;
    for (uint32_t i = 0; i < count; i++) {
        struct posting_cursor *cursor = word->cursors[i];
        if (cursor == NULL || cursor->docid != docid)
            continue;
        double one = weigh_cursor(scorer, cursor, fields, norms);
        if (i == 0)
            exact = one;
        frequency = one > frequency ? one : frequency;
    }
    if (count > 1)
        frequency += EXACT_BONUS * exact; /* walk_word() computes the same */
    return weight * frequency / (K1 + frequency);
}

/* What the walk through the tree for one document needs. */
struct scoring {
    const struct scorer *scorer;
    const double *weights; /* by word, in the order of the query */
    const uint8_t *norms;
    uint32_t docid;
    uint32_t number; /* of the next word */
    double score;
};

/* Adds the scores of the words that make this node match, in the order of the query. Below a node
 * that does not match, words are only counted: where their cursors stand means nothing. */
static void score_node(struct scoring *scoring, struct matcher_node *node, bool matches)
{
    const struct query_node *query = node->query;
    if (query->kind == QUERY_NOT)
        return;
    matches = matches && node->docid == scoring->docid;
    for (uint32_t i = 0; i < query->child_count; i++)
        score_node(scoring, node->children[i], matches);
    for (uint32_t i = 0; i < query->word_count; i++) {
        double weight = scoring->weights[scoring->number++];
        if (matches)
            scoring->score += score_word(scoring->scorer, &node->words[i], weight, query->fields,
                                         scoring->norms, scoring->docid);
    }
}

/* ---- the best k ---- */

static bool is_better(const struct search_hit *a, const struct search_hit *b)
{
    return a->score != b->score ? a->score > b->score : a->url_hash < b->url_hash;
}

static void sift_down(struct search_hit *hits, uint32_t count, uint32_t at)
{
    while (true) {
        uint32_t worst = at;
        for (uint32_t child = 2 * at + 1; child <= 2 * at + 2 && child < count; child++) {
            if (is_better(&hits[worst], &hits[child]))
                worst = child;
        }
        if (worst == at)
            return;
        struct search_hit moved = hits[at];
        hits[at] = hits[worst];
        hits[worst] = moved;
        at = worst;
    }
}

static void sift_up(struct search_hit *hits, uint32_t at)
{
    while (at > 0 && is_better(&hits[(at - 1) / 2], &hits[at])) {
        struct search_hit moved = hits[at];
        hits[at] = hits[(at - 1) / 2];
        hits[(at - 1) / 2] = moved;
        at = (at - 1) / 2;
    }
}

static void top_add(struct top *top, const struct search_hit *hit)
{
    if (top->count < top->k) {
        top->hits[top->count] = *hit;
        sift_up(top->hits, top->count++);
    } else if (is_better(hit, &top->hits[0])) {
        top->hits[0] = *hit;
        sift_down(top->hits, top->count, 0);
    }
}

static int compare_hits(const void *a_pointer, const void *b_pointer)
{
    const struct search_hit *a = a_pointer;
    const struct search_hit *b = b_pointer;
    return is_better(a, b) ? -1 : is_better(b, a);
}

/* ---- walking through a segment ---- */

static bool is_behind(const struct search_request *request, const struct search_hit *hit)
{
    if (!request->has_after)
        return true;
    return hit->score != request->after_score ? hit->score < request->after_score
                                              : hit->url_hash > request->after_url_hash;
}

/* Counts a document that matches with this score, and keeps it where it is good enough. */
static inline bool take_hit(struct search *search, const struct segment *segment, uint32_t docid,
                            double score)
{
    struct top *top = &search->top;
    unsigned inlinks = atomic_load_explicit(&segment->inlinks[docid], memory_order_relaxed);
    struct search_hit hit = {.score = score * link_factor(inlinks)};
    if (top->count == top->k && hit.score < top->hits[0].score)
        return true; /* most of them: without looking up the hash */
    struct document_row row;
    if (!segment_row(segment, docid, &row))
        return false;
    hit.url_hash = row.url_hash;
    if (is_behind(search->scorer.request, &hit))
        top_add(top, &hit);
    return true;
}

static double score_match(const struct search *search, struct matcher *matcher,
                          const uint8_t *norms, const double *weights)
{
    struct scoring scoring = {&search->scorer, weights, norms, matcher->root->docid, 0, 0};
    if (!search->scorer.has_words)
        return 1;
    score_node(&scoring, matcher->root, true);
    return scoring.score;
}

static enum status walk(struct search *search, const struct snapshot_entry *entry,
                        struct matcher *matcher, const double *weights, struct error *err)
{
    const struct segment *segment = entry->segment;
    bool include_private = search->scorer.request->include_private;
    for (uint32_t docid = matcher->root->docid; docid != DOCID_END;
         docid = matcher_seek(matcher, docid + 1)) {
        if (deletions_has(entry->deletions, docid))
            continue;
        const uint8_t *norms = segment_norms(segment, docid);
        if (norms == NULL)
            return segment_corrupt(segment, err);
        if (!include_private &&
            !snapshot_shows(search->snapshot, segment, docid, norms[NORM_FLAGS]))
            continue;
        search->total++;
        if (search->top.k > 0 &&
            !take_hit(search, segment, docid, score_match(search, matcher, norms, weights)))
            return segment_corrupt(segment, err);
    }
    return matcher_status(matcher, err);
}

/* The same for one word in any field with one list: no tree, most of what is searched for. */
static enum status walk_word(struct search *search, const struct snapshot_entry *entry,
                             struct posting_cursor *cursor, bool is_exact, double weight,
                             struct error *err)
{
    const struct segment *segment = entry->segment;
    bool include_private = search->scorer.request->include_private;
    double bonus = is_exact ? EXACT_BONUS : 0;
    for (; cursor->docid != DOCID_END; posting_cursor_next(cursor)) {
        uint32_t docid = cursor->docid;
        if (deletions_has(entry->deletions, docid))
            continue;
        const uint8_t *norms = segment_norms(segment, docid);
        if (norms == NULL)
            return segment_corrupt(segment, err);
        if (!include_private &&
            !snapshot_shows(search->snapshot, segment, docid, norms[NORM_FLAGS]))
            continue;
        search->total++;
        if (search->top.k == 0)
            continue;
        double frequency = weigh_cursor(&search->scorer, cursor, FIELD_MASK_ALL, norms);
        frequency += bonus * frequency;
        if (!take_hit(search, segment, docid, weight * frequency / (K1 + frequency)))
            return segment_corrupt(segment, err);
    }
    return cursor->corrupt ? segment_corrupt(segment, err) : STATUS_OK;
}

/* The only list of a query that is one word in any field; NULL where it is not. */
static struct posting_cursor *only_cursor(const struct matcher *matcher, bool *ret_is_exact)
{
    const struct matcher_node *root = matcher->root;
    if (root->query->kind != QUERY_TERM || root->query->fields != FIELD_MASK_ALL ||
        matcher->cursor_count != 1)
        return NULL;
    *ret_is_exact =
        root->query->words[0].alternative_count > 1 && root->words[0].cursors[0] != NULL;
    return matcher->cursors[0];
}

static enum status search_entry(struct search *search, const struct snapshot_entry *entry,
                                const struct query_node *query, const double *weights,
                                struct arena *arena, struct error *err)
{
    struct matcher matcher;
    enum status status = matcher_open(&matcher, entry->segment, query, arena, err);
    bool is_exact = false;
    struct posting_cursor *cursor = status == STATUS_OK ? only_cursor(&matcher, &is_exact) : NULL;
    if (cursor != NULL)
        status = walk_word(search, entry, cursor, is_exact, weights[0], err);
    else if (status == STATUS_OK)
        status = walk(search, entry, &matcher, weights, err);
    matcher_release(&matcher);
    arena_reset(arena);
    return status;
}

/* ---- the whole ---- */

static enum status check_request(const struct scorer *scorer, struct error *err)
{
    if (scorer->request->k > SEARCH_K_MAX)
        return error_set(err, STATUS_INVALID, "more than %d results asked for", SEARCH_K_MAX);
    if (scorer->request->statistics.document_frequency_count != scorer->term_count)
        return error_set(err, STATUS_INVALID, "%zu document frequencies for %zu terms",
                         scorer->request->statistics.document_frequency_count, scorer->term_count);
    return STATUS_OK;
}

static enum status search_snapshot(struct search *search, const struct query_node *query,
                                   struct error *err)
{
    const struct query_word *words[QUERY_WORDS_MAX];
    double weights[QUERY_WORDS_MAX] = {0};
    size_t word_count = query_collect_words(query, words);
    search->scorer.has_words = word_count > 0;
    for (size_t i = 0; i < word_count; i++)
        weights[i] = word_weight(&search->scorer, words[i]);
    prepare_fields(&search->scorer);
    struct arena arena = {0};
    enum status status = STATUS_OK;
    for (uint32_t i = 0; status == STATUS_OK && i < search->snapshot->count; i++)
        status = search_entry(search, &search->snapshot->entries[i], query, weights, &arena, err);
    arena_release(&arena);
    return status;
}

enum status index_search(struct index *index, const struct query_node *query,
                         const struct search_request *request, struct arena *arena,
                         struct search_result *ret_result, struct error *err)
{
    pthread_once(&link_factors_once, fill_link_factors);
    struct search *search = arena_alloc(arena, sizeof(*search));
    if (search == NULL)
        return error_set(err, STATUS_NO_MEMORY, "search");
    *search = (struct search){.scorer.request = request, .top.k = request->k};
    enum status status = query_check(query, err);
    if (status == STATUS_OK && query != NULL) {
        search->scorer.term_count = query_collect_terms(query, search->scorer.terms);
        status = check_request(&search->scorer, err);
    }
    if (status != STATUS_OK)
        return status;
    search->top.hits = arena_alloc(arena, (request->k + 1) * sizeof(struct search_hit));
    if (search->top.hits == NULL)
        return error_set(err, STATUS_NO_MEMORY, "search");
    if (query != NULL) {
        search->snapshot = index_hold_snapshot(index);
        status = search_snapshot(search, query, err);
        snapshot_release(search->snapshot);
    }
    if (status != STATUS_OK)
        return status;
    if (search->top.count > 0)
        qsort(search->top.hits, search->top.count, sizeof(struct search_hit), compare_hits);
    *ret_result = (struct search_result){
        .hits = search->top.hits,
        .hit_count = search->top.count,
        .total = search->total,
        .total_is_exact = true,
    };
    return STATUS_OK;
}
