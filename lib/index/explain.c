#include "index/explain.h"

#include "index/state.h"

struct explainer {
    struct evaluation *evaluation;
    struct reranker *reranker;
    struct arena *arena;
    uint32_t docid;
    struct explanation *into;
    uint32_t node_number; /* of the next node, in the order of struct explanation */
    uint32_t word_number; /* of the next word */
    struct error *err;
};

/* ---- what matches ---- */

/* A node of the query, and whether the document matches it. */
struct judged {
    const struct query_node *query;
    uint32_t number;
    uint32_t first_word;
    bool matches;
    struct judged *children;
};

/* Each leaf is asked by itself: cursors only move on, and its parent's may stand behind already. */
static enum status judge_leaf(struct explainer *explainer, struct judged *judged)
{
    struct matcher matcher;
    enum status status =
        matcher_open(&matcher, explainer->reranker->segment, judged->query,
                     &explainer->evaluation->watch, explainer->arena, explainer->err);
    if (status == STATUS_OK) {
        uint32_t at = matcher_node_start(&matcher, matcher.root);
        if (at < explainer->docid)
            at = matcher_seek(&matcher, explainer->docid);
        judged->matches = at == explainer->docid;
        status = matcher_status(&matcher, explainer->err);
    }
    matcher_release(&matcher);
    return status;
}

static enum status judge(struct explainer *explainer, const struct query_node *query,
                         bool is_excluded, struct judged *judged)
{
    *judged = (struct judged){.query = query, .number = explainer->node_number++};
    is_excluded = is_excluded || query->kind == QUERY_NOT;
    uint32_t matching = 0;
    if (query->child_count > 0) {
        judged->children =
            arena_alloc(explainer->arena, query->child_count * sizeof(*judged->children));
        if (judged->children == NULL)
            return error_set(explainer->err, STATUS_NO_MEMORY, "explanation");
    }
    for (uint32_t i = 0; i < query->child_count; i++) {
        enum status status =
            judge(explainer, query->children[i], is_excluded, &judged->children[i]);
        if (status != STATUS_OK)
            return status;
        matching += judged->children[i].matches;
    }
    judged->first_word = explainer->word_number;
    if (!is_excluded)
        explainer->word_number += query->word_count;
    if (query->child_count == 0)
        return judge_leaf(explainer, judged);
    if (query->kind == QUERY_NOT)
        judged->matches = matching == 0;
    else
        judged->matches = query->kind == QUERY_OR ? matching > 0 : matching == query->child_count;
    return STATUS_OK;
}

/* The words of what matches count, up to the root. */
static void mark_counting(struct explainer *explainer, const struct judged *judged, bool matches)
{
    const struct query_node *query = judged->query;
    if (query->kind == QUERY_NOT)
        return;
    matches = matches && judged->matches;
    for (uint32_t i = 0; i < query->child_count; i++)
        mark_counting(explainer, &judged->children[i], matches);
    for (uint32_t i = 0; i < query->word_count; i++) {
        struct explained_word *word = &explainer->into->words[judged->first_word + i];
        word->counts = matches;
        word->is_prefix = query->kind == QUERY_PREFIX;
        word->fields = query->fields;
    }
}

/* Of what must match, the smallest parts that do not. */
static void list_failed(struct explanation *into, const struct judged *judged)
{
    if (judged->matches)
        return;
    if (judged->query->kind != QUERY_AND || judged->children == NULL) {
        into->failed[into->failed_count++] = judged->number;
        return;
    }
    for (uint32_t i = 0; i < judged->query->child_count; i++)
        list_failed(into, &judged->children[i]);
}

/* ---- words ---- */

static void explain_form(const struct explainer *explainer, struct posting_cursor *cursor,
                         uint32_t wanted, struct explained_form *form)
{
    const struct scorer *scorer = &explainer->evaluation->scorer;
    if (cursor == NULL || cursor->docid != explainer->docid)
        return;
    form->fields = posting_cursor_fields(cursor) & wanted;
    form->frequency = weigh(scorer, cursor, wanted);
    const uint32_t *frequency = posting_cursor_frequencies(cursor);
    for (uint32_t fields = posting_cursor_fields(cursor); fields != 0; fields &= fields - 1) {
        unsigned field = (unsigned)__builtin_ctz(fields);
        uint32_t count = *frequency++;
        if ((wanted & 1u << field) == 0)
            continue;
        form->counts[field] = count;
        form->weighed[field] =
            (float)count * scorer->factors[field][scorer->columns[field][explainer->docid]];
    }
}

static uint64_t documents_of(const struct search_request *request, const struct query_term *terms,
                             const struct query_term *term)
{
    for (size_t i = 0; i < request->statistics.document_frequency_count; i++) {
        if (query_term_equal(&terms[i], term))
            return request->statistics.document_frequencies[i];
    }
    return 0;
}

static void explain_word(struct explainer *explainer, const struct query_term *terms,
                         struct rerank_word *from, struct explained_word *word)
{
    const struct evaluation *evaluation = explainer->evaluation;
    word->word = from->word;
    word->weight = from->weight;
    for (uint32_t a = 0; a < from->word->alternative_count; a++) {
        struct explained_form *form = &word->forms[a];
        form->term = from->word->alternatives[a];
        form->documents = documents_of(evaluation->request, terms, &form->term);
        explain_form(explainer, from->matched.cursors[a], word->fields, form);
    }
    word->frequency = word->is_prefix ? 1
                                      : evaluate_frequency(evaluation, &from->matched, word->fields,
                                                           explainer->docid);
    if (word->counts)
        word->score = score_of(word->weight, evaluation->scorer.ranking->k1, word->frequency);
    explainer->into->words_score += word->score;
}

static enum status explain_words(struct explainer *explainer, const struct query_node *query,
                                 const struct judged *root)
{
    struct query_term terms[QUERY_TERMS_MAX];
    struct explanation *into = explainer->into;
    struct reranker *reranker = explainer->reranker;
    struct rerank_parts parts = {0};
    query_collect_terms(query, terms);
    into->word_count = reranker->word_count;
    into->words = arena_zalloc(explainer->arena, (into->word_count + 1) * sizeof(*into->words));
    if (into->words == NULL)
        return error_set(explainer->err, STATUS_NO_MEMORY, "explanation");
    mark_counting(explainer, root, true);
    reranker_stand(reranker, explainer->docid);
    for (uint32_t i = 0; i < into->word_count; i++)
        explain_word(explainer, terms, &reranker->words[i], &into->words[i]);
    if (into->word_count == 0 && root->matches)
        into->words_score = 1u << SCORE_BITS;
    if (!root->matches)
        return STATUS_OK;
    enum status status =
        reranker_look(reranker, explainer->docid, into->words_score, &parts, explainer->err);
    for (uint32_t i = 0; i < into->word_count; i++)
        into->words[i].closeness = parts.closeness[i];
    into->title = parts.title;
    into->url = parts.url;
    into->gain = parts.sum;
    into->freshness_factor = parts.freshness;
    return status;
}

/* ---- the whole ---- */

static enum status explain_document(struct explainer *explainer, const struct query_node *query)
{
    struct evaluation *evaluation = explainer->evaluation;
    struct explanation *into = explainer->into;
    const struct segment *segment = evaluation->entry->segment;
    struct judged root;
    enum status status = reranker_enter(explainer->reranker, segment, explainer->err);
    if (status == STATUS_OK)
        status = judge(explainer, query, false, &root);
    if (status == STATUS_OK)
        status = explain_words(explainer, query, &root);
    if (status != STATUS_OK)
        return status;
    into->matches = root.matches;
    list_failed(into, &root);
    for (unsigned field = 0; field < FIELD_COUNT; field++)
        into->lengths[field] = length_of_code(evaluation->scorer.columns[field][explainer->docid]);
    into->inlinks = atomic_load_explicit(&segment->inlinks[explainer->docid], memory_order_relaxed);
    into->freshness_factor = into->matches ? into->freshness_factor : 1;
    into->link_factor = link_factor(evaluation->scorer.ranking, into->inlinks);
    into->factor = evaluation_factor(evaluation, explainer->docid);
    if (into->matches) {
        into->first_score = score_whole(into->words_score, into->factor);
        into->score =
            score_whole(into->words_score + into->gain, into->factor * into->freshness_factor);
    }
    return STATUS_OK;
}

/* Finds the document, and whether the asker may know of it. */
static enum status enter(struct explainer *explainer, uint64_t url_hash, bool *ret_found)
{
    struct evaluation *evaluation = explainer->evaluation;
    const struct snapshot *snapshot = evaluation->snapshot;
    struct text_slice any_url = {0};
    struct place place;
    *ret_found = false;
    if (!entries_find(snapshot->entries, snapshot->count, url_hash, any_url, &place))
        return STATUS_OK;
    evaluation->entry = &snapshot->entries[place.entry];
    explainer->docid = place.docid;
    const struct segment *segment = evaluation->entry->segment;
    if (!scorer_enter(&evaluation->scorer, segment))
        return segment_corrupt(segment, explainer->err);
    uint8_t flags = evaluation->scorer.columns[NORM_FLAGS][place.docid];
    *ret_found = evaluation->request->include_private ||
                 snapshot_shows(snapshot, segment, place.docid, flags);
    return STATUS_OK;
}

static enum status explain_in(struct explainer *explainer, const struct query_node *query,
                              uint64_t url_hash)
{
    struct evaluation *evaluation = explainer->evaluation;
    evaluation_weigh(evaluation, query);
    reranker_init(explainer->reranker, evaluation, query, explainer->arena);
    enum status status = enter(explainer, url_hash, &explainer->into->is_found);
    if (status == STATUS_OK && explainer->into->is_found)
        status = explain_document(explainer, query);
    reranker_release(explainer->reranker);
    return status;
}

enum status index_explain(struct index *index, const struct query_node *query,
                          const struct search_request *request, uint64_t url_hash,
                          struct arena *arena, struct explanation *ret_explanation,
                          struct error *err)
{
    enum status status = search_check(query, request, err);
    if (status != STATUS_OK)
        return status;
    struct explainer explainer = {.arena = arena, .err = err, .into = ret_explanation};
    explainer.evaluation = arena_zalloc(arena, sizeof(*explainer.evaluation));
    explainer.reranker = arena_alloc(arena, sizeof(*explainer.reranker));
    if (explainer.evaluation == NULL || explainer.reranker == NULL)
        return error_set(err, STATUS_NO_MEMORY, "explanation");
    *ret_explanation = (struct explanation){0};
    if (query == NULL)
        return STATUS_OK;
    struct snapshot *snapshot = index_hold_snapshot(index);
    explainer.evaluation->request = request;
    explainer.evaluation->watch.limit = request->limit;
    explainer.evaluation->snapshot = snapshot;
    status = explain_in(&explainer, query, url_hash);
    snapshot_release(snapshot);
    return status;
}

static const struct query_node *find_node(const struct query_node *node, uint32_t *number)
{
    if (*number == 0)
        return node;
    for (uint32_t i = 0; i < node->child_count; i++) {
        --*number;
        const struct query_node *found = find_node(node->children[i], number);
        if (found != NULL)
            return found;
    }
    return NULL;
}

const struct query_node *explain_node(const struct query_node *root, uint32_t number)
{
    return root == NULL ? NULL : find_node(root, &number);
}
