#include "index/rerank.h"

#include <stdlib.h>

#include "base/calendar.h"

/* An occurrence's gain by its distance, 1/d^2, in this unit: sums of them are whole numbers. */
#define GAIN_ONE     3600
#define DISTANCE_MAX 5
/* Closeness to a word that weighs so many times less is too little to be worth its long lists. */
#define COMMON_RATIO     16
#define HIT_STEPS        1024 /* of a limit */
#define POSITIONS_A_STEP 16
static const uint32_t gains[DISTANCE_MAX + 1] = {0, 3600, 900, 400, 225, 144};

/* ---- the query's words ---- */

/* Text of scripts that are written without spaces is indexed in pairs of characters, of three bytes
 * and more each. */
static bool is_character_pair(const struct query_word *word)
{
    const struct query_term *term = &word->alternatives[0];
    unsigned characters = 0;
    if (term->bytes[0] < 0xe0)
        return false;
    for (uint32_t i = 0; i < term->size; i++)
        characters += (term->bytes[i] & 0xc0) != 0x80;
    return characters <= 2;
}

static bool closeness_counts(const struct rerank_word *a, const struct rerank_word *b)
{
    float least = a->weight < b->weight ? a->weight : b->weight;
    float most = a->weight < b->weight ? b->weight : a->weight;
    return a->node != b->node && least * COMMON_RATIO >= most &&
           !query_term_equal(&a->word->alternatives[0], &b->word->alternatives[0]) &&
           !(is_character_pair(a->word) && is_character_pair(b->word));
}

static void add_words(struct reranker *reranker, const struct query_node *node)
{
    if (node->kind == QUERY_NOT)
        return;
    for (uint32_t i = 0; i < node->child_count; i++)
        add_words(reranker, node->children[i]);
    for (uint32_t i = 0; i < node->word_count; i++) {
        struct rerank_word *word = &reranker->words[reranker->word_count];
        *word = (struct rerank_word){.word = &node->words[i], .node = node};
        word->weight = reranker->evaluation->weights[reranker->word_count++];
        word->matched.word = word->word;
        reranker->weight += (double)word->weight;
    }
}

void reranker_init(struct reranker *reranker, const struct evaluation *evaluation,
                   const struct query_node *query, struct arena *arena)
{
    *reranker = (struct reranker){.evaluation = evaluation, .arena = arena};
    add_words(reranker, query);
    for (uint32_t i = 0; i + 1 < reranker->word_count; i++)
        reranker->words[i].is_close_next =
            closeness_counts(&reranker->words[i], &reranker->words[i + 1]);
}

void reranker_release(struct reranker *reranker)
{
    numbers_release(&reranker->here);
    numbers_release(&reranker->next);
    numbers_release(&reranker->scratch);
}

/* ---- segments ---- */

static enum status open_cursor(struct reranker *reranker, struct rerank_word *word, uint32_t a,
                               struct error *err)
{
    struct dictionary_entry entry;
    const struct query_term *term = &word->word->alternatives[a];
    word->matched.cursors[a] = NULL;
    enum status status = dictionary_find(reranker->segment, term->bytes, term->size, &entry);
    if (status == STATUS_NOT_FOUND)
        return STATUS_OK;
    if (status != STATUS_OK)
        return segment_corrupt(reranker->segment, err);
    if (word->kept[a] == NULL)
        word->kept[a] = arena_alloc(reranker->arena, sizeof(*word->kept[a]));
    if (word->kept[a] == NULL)
        return error_set(err, STATUS_NO_MEMORY, "search");
    posting_cursor_open(word->kept[a], reranker->segment, entry.address, entry.document_count);
    word->matched.cursors[a] = word->kept[a];
    return STATUS_OK;
}

enum status reranker_enter(struct reranker *reranker, const struct segment *segment,
                           struct error *err)
{
    enum status status = STATUS_OK;
    reranker->segment = segment;
    for (uint32_t i = 0; i < reranker->word_count; i++) {
        struct rerank_word *word = &reranker->words[i];
        for (uint32_t a = 0; status == STATUS_OK && a < word->word->alternative_count; a++)
            status = open_cursor(reranker, word, a, err);
    }
    return status;
}

/* ---- where words stand ---- */

/* Where any form of the word stands in a field, rising. */
static enum status read_positions(struct reranker *reranker, const struct rerank_word *word,
                                  unsigned field, struct numbers *out, struct error *err)
{
    out->count = 0;
    if ((word->found & 1u << field) == 0)
        return STATUS_OK;
    if (!matcher_word_positions(&word->matched, field, out, &reranker->scratch))
        return error_set(err, STATUS_NO_MEMORY, "search");
    reranker->read += (uint32_t)out->count;
    return STATUS_OK;
}

/* ---- closeness ---- */

static uint32_t gain_of(uint32_t distance)
{
    return distance <= DISTANCE_MAX ? gains[distance] : 0;
}

static uint64_t sum_gains(const struct numbers *here, const struct numbers *next)
{
    uint64_t sum = 0;
    size_t behind = 0; /* the first of `next` behind the occurrence */
    for (size_t i = 0; i < here->count; i++) {
        uint32_t at = here->values[i];
        while (behind < next->count && next->values[behind] <= at)
            behind++;
        uint32_t best = behind < next->count ? gain_of(next->values[behind] - at) : 0;
        if (behind > 0 && next->values[behind - 1] != at) {
            uint32_t other = gain_of(at - next->values[behind - 1] + 1);
            best = other > best ? other : best;
        }
        sum += best;
    }
    return sum;
}

/* How often each word stands close to the next one, weighed, in one field; adds to `sums`. */
static enum status add_field(struct reranker *reranker, unsigned field, float factor,
                             float sums[QUERY_WORDS_MAX], struct error *err)
{
    bool has_here = false; /* `here` holds the positions of the word in front */
    for (uint32_t i = 0; i + 1 < reranker->word_count; i++) {
        struct rerank_word *word = &reranker->words[i];
        enum status status = STATUS_OK;
        if (!word->is_close_next || (word[0].found & word[1].found & 1u << field) == 0) {
            has_here = false;
            continue;
        }
        if (!has_here)
            status = read_positions(reranker, word, field, &reranker->here, err);
        if (status == STATUS_OK)
            status = read_positions(reranker, word + 1, field, &reranker->next, err);
        if (status != STATUS_OK)
            return status;
        sums[i] += (float)sum_gains(&reranker->here, &reranker->next) / GAIN_ONE * factor;
        struct numbers spare = reranker->here;
        reranker->here = reranker->next;
        reranker->next = spare;
        has_here = true;
    }
    return STATUS_OK;
}

static enum status find_closeness(struct reranker *reranker, uint32_t docid,
                                  struct rerank_parts *parts, struct error *err)
{
    const struct scorer *scorer = &reranker->evaluation->scorer;
    const struct ranking *ranking = scorer->ranking;
    float sums[QUERY_WORDS_MAX] = {0};
    for (unsigned field = 0; field < FIELD_COUNT; field++) {
        float factor = scorer->factors[field][scorer->columns[field][docid]];
        enum status status = add_field(reranker, field, factor, sums, err);
        if (status != STATUS_OK)
            return status;
    }
    for (uint32_t i = 0; i + 1 < reranker->word_count; i++) {
        const struct rerank_word *word = &reranker->words[i];
        if (sums[i] == 0)
            continue;
        float weight = word[0].weight < word[1].weight ? word[0].weight : word[1].weight;
        uint32_t score = score_of(weight, ranking->k1, sums[i]);
        score = score < word[0].score ? score : word[0].score;
        score = score < word[1].score ? score : word[1].score;
        parts->closeness[i] = (uint32_t)((double)score * ranking->closeness);
    }
    return STATUS_OK;
}

/* ---- wholeness ---- */

static uint64_t wholeness(const struct reranker *reranker, unsigned field, uint32_t docid,
                          double weight, uint64_t words_score)
{
    uint32_t length = length_of_code(reranker->evaluation->scorer.columns[field][docid]);
    uint32_t found = 0;
    double found_weight = 0;
    for (uint32_t i = 0; i < reranker->word_count; i++) {
        if ((reranker->words[i].found & 1u << field) == 0)
            continue;
        found++;
        found_weight += (double)reranker->words[i].weight;
    }
    if (found == 0 || length == 0 || reranker->weight <= 0)
        return 0;
    double of_field = found < length ? (double)found / length : 1;
    double of_query = found_weight / reranker->weight;
    return (uint64_t)(weight * of_field * of_query * of_query * (double)words_score);
}

/* ---- freshness ---- */

static bool find_freshness(const struct reranker *reranker, uint32_t docid,
                           struct rerank_parts *parts)
{
    const struct evaluation *evaluation = reranker->evaluation;
    struct document_row row;
    if (!segment_row(reranker->segment, docid, &row))
        return false;
    parts->freshness =
        freshness_factor(evaluation->scorer.ranking, row.modified_day * CALENDAR_DAY_US,
                         evaluation->request->now_unix_us);
    return true;
}

/* ---- one document ---- */

static void find_word(struct reranker *reranker, struct rerank_word *word, uint32_t docid)
{
    uint32_t fields = word->node->fields;
    uint8_t language = reranker->evaluation->scorer.columns[NORM_LANGUAGE][docid];
    word->found = 0;
    word->score = 0;
    for (uint32_t a = 0; a < word->word->alternative_count; a++) {
        struct posting_cursor *cursor = word->matched.cursors[a];
        uint8_t of = (uint8_t)text_term_language(word->word->alternatives[a].bytes);
        if (of != 0 && of != language)
            continue; /* the document has no such stem */
        if (cursor != NULL && posting_cursor_seek(cursor, docid) == docid)
            word->found |= posting_cursor_fields(cursor) & fields;
    }
    word->matched.docid = docid;
    if (word->found != 0)
        word->score =
            evaluate_word(reranker->evaluation, &word->matched, word->weight, fields, docid);
}

static bool is_corrupt(const struct reranker *reranker)
{
    for (uint32_t i = 0; i < reranker->word_count; i++) {
        const struct rerank_word *word = &reranker->words[i];
        for (uint32_t a = 0; a < word->word->alternative_count; a++) {
            if (word->matched.cursors[a] != NULL && word->matched.cursors[a]->corrupt)
                return true;
        }
    }
    return false;
}

void reranker_stand(struct reranker *reranker, uint32_t docid)
{
    for (uint32_t i = 0; i < reranker->word_count; i++)
        find_word(reranker, &reranker->words[i], docid);
}

enum status reranker_look(struct reranker *reranker, uint32_t docid, uint64_t words_score,
                          struct rerank_parts *ret_parts, struct error *err)
{
    const struct ranking *ranking = reranker->evaluation->scorer.ranking;
    struct rerank_parts parts = {0};
    reranker_stand(reranker, docid);
    enum status status = find_closeness(reranker, docid, &parts, err);
    if (status != STATUS_OK)
        return status;
    if (is_corrupt(reranker) || !find_freshness(reranker, docid, &parts))
        return segment_corrupt(reranker->segment, err);
    parts.title = wholeness(reranker, FIELD_TITLE, docid, ranking->whole_title, words_score);
    parts.url = wholeness(reranker, FIELD_URL, docid, ranking->whole_url, words_score);
    parts.sum = parts.title + parts.url;
    for (uint32_t i = 0; i + 1 < reranker->word_count; i++)
        parts.sum += parts.closeness[i];
    *ret_parts = parts;
    return STATUS_OK;
}

/* ---- the window ---- */

static int compare_places(const void *a_pointer, const void *b_pointer)
{
    const struct top_hit *a = a_pointer;
    const struct top_hit *b = b_pointer;
    if (a->entry != b->entry)
        return a->entry < b->entry ? -1 : 1;
    return (a->docid > b->docid) - (a->docid < b->docid);
}

static enum status look_at(struct evaluation *evaluation, struct reranker *reranker,
                           struct top_hit *hits, uint32_t count, struct error *err)
{
    enum status status = STATUS_OK;
    for (uint32_t i = 0; status == STATUS_OK && i < count; i++) {
        const struct segment *segment = evaluation->snapshot->entries[hits[i].entry].segment;
        if (limit_watch_stops(&evaluation->watch, HIT_STEPS + reranker->read / POSITIONS_A_STEP))
            return limit_watch_status(&evaluation->watch, err);
        reranker->read = 0;
        if (segment != reranker->segment) {
            if (!scorer_enter(&evaluation->scorer, segment))
                return segment_corrupt(segment, err);
            status = reranker_enter(reranker, segment, err);
        }
        struct rerank_parts parts = {0};
        if (status == STATUS_OK)
            status = reranker_look(reranker, hits[i].docid, hits[i].words_score, &parts, err);
        if (status == STATUS_OK)
            hits[i].score =
                score_whole(hits[i].words_score + parts.sum, hits[i].factor * parts.freshness);
    }
    return status;
}

enum status rerank(struct evaluation *evaluation, const struct query_node *query, uint32_t window,
                   struct arena *arena, struct error *err)
{
    struct top *top = &evaluation->top;
    uint32_t count = top->count < window ? top->count : window;
    struct reranker *reranker = count == 0 ? NULL : arena_alloc(arena, sizeof(*reranker));
    if (count == 0)
        return STATUS_OK;
    if (reranker == NULL)
        return error_set(err, STATUS_NO_MEMORY, "search");
    reranker_init(reranker, evaluation, query, arena);
    qsort(top->hits, count, sizeof(top->hits[0]), compare_places);
    enum status status = look_at(evaluation, reranker, top->hits, count, err);
    reranker_release(reranker);
    return status;
}

/* ---- order ---- */

static int compare_scores(double a, double b, uint64_t a_hash, uint64_t b_hash)
{
    if (a != b)
        return a > b ? -1 : 1;
    return (a_hash > b_hash) - (a_hash < b_hash);
}

static int compare_first(const void *a_pointer, const void *b_pointer)
{
    const struct search_hit *a = a_pointer;
    const struct search_hit *b = b_pointer;
    return compare_scores(a->first_score, b->first_score, a->url_hash, b->url_hash);
}

static int compare_last(const void *a_pointer, const void *b_pointer)
{
    const struct search_hit *a = a_pointer;
    const struct search_hit *b = b_pointer;
    return compare_scores(a->score, b->score, a->url_hash, b->url_hash);
}

void rerank_order(struct search_hit *hits, size_t count, uint32_t window)
{
    size_t looked_at = count < window ? count : window;
    if (count == 0)
        return;
    qsort(hits, count, sizeof(*hits), compare_first);
    qsort(hits, looked_at, sizeof(*hits), compare_last);
    for (size_t i = looked_at; i < count; i++)
        hits[i].score = hits[i].first_score;
}
