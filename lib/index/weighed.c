#include "index/weighed.h"

#include <float.h>
#include <string.h>

_Static_assert(SEGMENT_DOCUMENTS_MAX / POSTING_BLOCK <= UINT16_MAX, "rows of a directory");

/* ---- blocks ---- */

/* Decodes a block unless it is that which was decoded last; false: it is corrupt. */
static bool enter(struct weighed_list *list, uint32_t row)
{
    struct posting_cursor *cursor = list->cursor;
    bool is_there = row < cursor->row_count && !cursor->corrupt;
    if (is_there && cursor->row == row && cursor->count > 0)
        return true;
    if (!is_there || !posting_cursor_enter(cursor, row)) {
        list->block_first = 0; /* it has no document any more */
        list->block_last = DOCID_END;
        cursor->count = 0;
        return false;
    }
    list->block_first = row == 0 ? 0 : posting_cursor_row_last(cursor, row - 1) + 1;
    list->block_last = cursor->docids[cursor->count - 1];
    return true;
}

/* How many of the block's docids are below the target. */
static uint32_t count_below(const struct posting_cursor *cursor, uint32_t target)
{
    const uint32_t *docids = cursor->docids;
    uint32_t left = cursor->count;
    if (left == 0)
        return 0;
    while (left > 1) {
        uint32_t half = left / 2;
        docids += docids[half - 1] < target ? half : 0;
        left -= half;
    }
    return (uint32_t)(docids - cursor->docids) + (*docids < target);
}

/* Of so many docids. */
#define STEP 16
static uint32_t count_below_of_step(const uint32_t *docids, uint32_t target)
{
    typedef int32_t lanes __attribute__((vector_size(16)));
    lanes some[STEP / 4]; /* docids are small: they may have a sign */
    memcpy(some, docids, sizeof(some));
    const int32_t limit = (int32_t)target;
    lanes below = (some[0] < limit) + (some[1] < limit) + (some[2] < limit) + (some[3] < limit);
    return (uint32_t) - (below[0] + below[1] + below[2] + below[3]);
}

/* The first document not below the target, on which the cursor stands then; DOCID_END. */
static uint32_t seek(struct weighed_list *list, uint32_t target)
{
    struct posting_cursor *cursor = list->cursor;
    if (target > cursor->last)
        return DOCID_END;
    if (target < list->block_first || target > list->block_last) {
        uint32_t from = target > list->block_last ? cursor->row : 0;
        if (!enter(list, posting_cursor_find_row(cursor, from, target)))
            return DOCID_END;
    }
    if (cursor->count == 0)
        return DOCID_END;
    uint32_t index = cursor->docids[cursor->index] <= target ? cursor->index : 0;
    while (index + STEP <= cursor->count) {
        uint32_t below = count_below_of_step(cursor->docids + index, target);
        index += below;
        if (below < STEP)
            break;
    }
    while (cursor->docids[index] < target)
        index++;
    cursor->index = index;
    return cursor->docid = cursor->docids[index];
}

/* ---- opening ---- */

void gathered_init(struct gathered *gathered)
{
    memset(gathered->most, 0, sizeof(gathered->most));
    memset(gathered->exact, 0, sizeof(gathered->exact));
}

void weighed_word_open(struct weighed_word *word, const struct scorer *scorer,
                       const struct matcher_word *matched, uint32_t fields, float weight)
{
    *word =
        (struct weighed_word){.scorer = scorer, .exact = -1, .fields = fields, .weight = weight};
    for (uint32_t i = 0; i < matched->word->alternative_count; i++) {
        struct posting_cursor *cursor = matched->cursors[i];
        if (cursor == NULL)
            continue;
        if (i == 0 && matched->word->alternative_count > 1)
            word->exact = 0;
        word->lists[word->list_count++] = (struct weighed_list){
            .cursor = cursor,
            .language = (uint8_t)text_term_language(matched->word->alternatives[i].bytes),
            .block_last = cursor->count == 0 ? DOCID_END : cursor->docids[cursor->count - 1],
        };
    }
}

uint64_t weighed_word_cost(const struct weighed_word *word)
{
    uint64_t cost = 0;
    for (uint32_t i = 0; i < word->list_count; i++)
        cost += word->lists[i].cursor->document_count;
    return cost;
}

/* ---- bounds ---- */

static uint32_t score_weighed(const struct weighed_word *word, float most, float exact)
{
    if (word->exact >= 0)
        most += word->scorer->ranking->exact_bonus * exact;
    return score_of(word->weight, word->scorer->ranking->k1, most);
}

/* What bounds the documents of a block weighs on all windows that it reaches into. */
static bool bound_rows(struct weighed_word *word, struct weighed_list *list, uint32_t window_count)
{
    struct posting_cursor *cursor = list->cursor;
    uint32_t first = 0;
    uint32_t next_window = 0;
    for (uint32_t row = 0; row < cursor->row_count; row++) {
        struct impacts impacts;
        uint32_t last = posting_cursor_row_last(cursor, row);
        if (last < first || last / WINDOW >= window_count ||
            !posting_cursor_row_impacts(cursor, row, &impacts)) {
            cursor->corrupt = true;
            segment_corrupt(cursor->segment, NULL);
            return false;
        }
        float most = weigh_impacts(word->scorer, &impacts);
        most = most > FLT_MIN ? most : FLT_MIN;
        list->row_bounds[row] = most;
        for (; next_window <= last / WINDOW; next_window++)
            list->rows[next_window] = (uint16_t)row;
        for (uint32_t window = first / WINDOW; window <= last / WINDOW; window++)
            list->bounds[window] = most > list->bounds[window] ? most : list->bounds[window];
        first = last + 1;
    }
    for (; next_window < window_count; next_window++)
        list->rows[next_window] = (uint16_t)cursor->row_count;
    return true;
}

/* A list of one block has no directory: its documents themselves are looked at. */
static bool bound_block(struct weighed_word *word, struct weighed_list *list)
{
    struct posting_cursor *cursor = list->cursor;
    float most = 0;
    for (uint32_t i = 0; i < cursor->count; i++) {
        cursor->index = i;
        cursor->docid = cursor->docids[i];
        float one = weigh(word->scorer, cursor, word->fields);
        if (cursor->corrupt)
            return false;
        one = one > FLT_MIN ? one : FLT_MIN;
        float *bound = &list->bounds[cursor->docid / WINDOW];
        *bound = one > *bound ? one : *bound;
        most = one > most ? one : most;
    }
    list->row_bounds[0] = most;
    return true;
}

static bool bound_list(struct weighed_word *word, struct weighed_list *list, uint32_t window_count,
                       struct arena *arena)
{
    list->rows = arena_zalloc(arena, window_count * sizeof(*list->rows));
    list->bounds = arena_zalloc(arena, window_count * sizeof(*list->bounds));
    list->row_bounds = arena_alloc(arena, list->cursor->row_count * sizeof(*list->row_bounds));
    if (list->rows == NULL || list->bounds == NULL || list->row_bounds == NULL)
        return false;
    return list->cursor->rows == NULL ? bound_block(word, list)
                                      : bound_rows(word, list, window_count);
}

bool weighed_word_bound(struct weighed_word *word, uint32_t window_count, struct arena *arena)
{
    word->bounds = arena_zalloc(arena, window_count * sizeof(*word->bounds));
    if (word->bounds == NULL)
        return false;
    for (uint32_t i = 0; i < word->list_count; i++) {
        if (!bound_list(word, &word->lists[i], window_count, arena))
            return false;
    }
    for (uint32_t window = 0; window < window_count; window++) {
        float most = 0;
        for (uint32_t i = 0; i < word->list_count; i++) {
            float one = word->lists[i].bounds[window];
            most = one > most ? one : most;
        }
        uint32_t score =
            score_weighed(word, most, word->exact >= 0 ? word->lists[0].bounds[window] : 0);
        if (most > 0)
            word->bounds[window] = score > 0 ? score : 1;
    }
    return true;
}

/* So many blocks are looked at for the bound of a range; of more, nothing is known. */
#define ROWS_MAX 16
#define NO_BOUND 1e30f /* a score that is as good as infinite, but can be reckoned with */

static float bound_row(const struct weighed_word *word, const struct weighed_list *list,
                       uint32_t row)
{
    struct impacts impacts;
    const struct posting_cursor *cursor = list->cursor;
    if (list->row_bounds != NULL)
        return list->row_bounds[row];
    return posting_cursor_row_impacts(cursor, row, &impacts) ? weigh_impacts(word->scorer, &impacts)
                                                             : NO_BOUND;
}

/* False: the list has none of the documents. */
static bool bound_list_range(const struct weighed_word *word, const struct weighed_list *list,
                             uint32_t first, uint32_t last, float *ret_bound)
{
    const struct posting_cursor *cursor = list->cursor;
    float most = 0;
    if (cursor->last < first)
        return false;
    bool is_behind = list->block_first <= first;
    uint32_t row = posting_cursor_find_row(cursor, is_behind ? cursor->row : 0, first);
    for (uint32_t i = 0; row < cursor->row_count; row++, i++) {
        float one = i < ROWS_MAX ? bound_row(word, list, row) : NO_BOUND;
        most = one > most ? one : most;
        if (i == ROWS_MAX || posting_cursor_row_last(cursor, row) >= last)
            break;
    }
    *ret_bound = most;
    return true;
}

bool weighed_word_bound_range(const struct weighed_word *word, uint32_t first, uint32_t last,
                              uint32_t *ret_bound)
{
    float most = 0;
    float exact = 0;
    bool is_there = false;
    for (uint32_t i = 0; i < word->list_count; i++) {
        float one;
        if (!bound_list_range(word, &word->lists[i], first, last, &one))
            continue;
        is_there = true;
        most = one > most ? one : most;
        if ((int)i == word->exact)
            exact = one;
    }
    *ret_bound = score_weighed(word, most, exact);
    return is_there;
}

uint32_t weighed_word_best(const struct weighed_word *word, uint32_t count, uint32_t *ret_firsts)
{
    const struct weighed_list *list = &word->lists[0];
    float best[WEIGHED_BEST_MAX];
    uint32_t kept = 0;
    uint32_t first = 0;
    if (word->list_count != 1 || count > WEIGHED_BEST_MAX)
        return 0;
    for (uint32_t row = 0; row < list->cursor->row_count; row++) {
        float one = bound_row(word, list, row);
        uint32_t at = kept < count ? kept++ : count;
        for (; at > 0 && best[at - 1] < one; at--) {
            if (at < count) {
                best[at] = best[at - 1];
                ret_firsts[at] = ret_firsts[at - 1];
            }
        }
        if (at < count) {
            best[at] = one;
            ret_firsts[at] = first;
        }
        first = posting_cursor_row_last(list->cursor, row) + 1;
    }
    return kept;
}

/* ---- gathering ---- */

uint32_t weighed_word_seek(struct weighed_word *word, uint32_t target)
{
    uint32_t next = DOCID_END;
    for (uint32_t i = 0; i < word->list_count; i++) {
        uint32_t at = seek(&word->lists[i], target);
        next = at < next ? at : next;
    }
    return next;
}

bool weighed_word_range(struct weighed_word *word, uint32_t target, uint32_t *ret_first,
                        uint32_t *ret_last)
{
    if (word->list_count == 1) {
        const struct weighed_list *list = &word->lists[0];
        const struct posting_cursor *cursor = list->cursor;
        if (target > cursor->last || cursor->corrupt)
            return false;
        uint32_t from = list->block_first <= target ? cursor->row : 0;
        uint32_t row = posting_cursor_find_row(cursor, from, target);
        if (row >= cursor->row_count)
            return false;
        *ret_first = target;
        *ret_last = posting_cursor_row_last(cursor, row);
        return true;
    }
    uint32_t next = weighed_word_seek(word, target);
    *ret_first = next;
    *ret_last = next + WINDOW - 1;
    return next != DOCID_END;
}

struct weights {
    uint32_t count;
    uint32_t docids[WINDOW_ROOM];
    float weights[WINDOW_ROOM];
};

/* Documents of a block in which all have the key in their bodies alone. */
static void gather_bodies(const struct scorer *scorer, const struct posting_cursor *cursor,
                          uint32_t begin, uint32_t end, struct weights *ret)
{
    const uint8_t *lengths = scorer->columns[FIELD_BODY];
    const float *factors = scorer->factors[FIELD_BODY];
    uint32_t count = ret->count;
    for (uint32_t i = begin; i < end; i++, count++) {
        uint32_t docid = cursor->docids[i];
        ret->docids[count] = docid;
        ret->weights[count] = (float)(int32_t)cursor->frequencies[i] * factors[lengths[docid]];
    }
    ret->count = count;
}

/* Of any other block. Most of its documents have it in their bodies alone, too. */
static void gather_mixed(const struct weighed_word *word, struct posting_cursor *cursor,
                         uint32_t begin, uint32_t end, struct weights *ret)
{
    const struct scorer *scorer = word->scorer;
    const uint8_t *lengths = scorer->columns[FIELD_BODY];
    const float *factors = scorer->factors[FIELD_BODY];
    const bool has_own = cursor->common_fields == 0;
    const bool wants_body = (word->fields & 1u << FIELD_BODY) != 0;
    uint32_t count = ret->count;
    for (uint32_t i = begin; i < end; i++) {
        uint32_t docid = cursor->docids[i];
        uint32_t fields = has_own ? cursor->fields[i] : cursor->common_fields;
        ret->docids[count] = docid;
        if (fields == 1u << FIELD_BODY && wants_body) {
            uint32_t frequency = cursor->frequencies[cursor->starts[i]];
            ret->weights[count++] = (float)(int32_t)frequency * factors[lengths[docid]];
        } else if ((fields & word->fields) != 0) {
            cursor->index = i;
            cursor->docid = docid;
            ret->weights[count++] = weigh(scorer, cursor, word->fields);
        }
    }
    ret->count = count;
}

/* Documents of the decoded block, from number `begin` to before `end`. */
static void gather_block(const struct weighed_word *word, struct posting_cursor *cursor,
                         uint32_t begin, uint32_t end, struct weights *ret)
{
    if (!cursor->frequencies_read)
        posting_cursor_read_frequencies(cursor);
    if (cursor->corrupt)
        return;
    if (cursor->common_fields == 1u << FIELD_BODY && (word->fields & 1u << FIELD_BODY) != 0)
        gather_bodies(word->scorer, cursor, begin, end, ret);
    else
        gather_mixed(word, cursor, begin, end, ret);
}

static uint32_t first_row(const struct weighed_list *list, uint32_t first)
{
    if (list->rows != NULL)
        return list->rows[first / WINDOW];
    return posting_cursor_find_row(list->cursor, list->block_first <= first ? list->cursor->row : 0,
                                   first);
}

/* What else a word's documents may weigh in a window beside one of its lists. */
struct others {
    float most;
    float exact; /* where that list is the exact form's: unused */
};

static struct others bound_others(const struct weighed_word *word, uint32_t number, uint32_t first)
{
    struct others others = {0};
    for (uint32_t i = 0; i < word->list_count; i++) {
        if (i == number || word->lists[i].bounds == NULL)
            continue;
        float one = word->lists[i].bounds[first / WINDOW];
        others.most = one > others.most ? one : others.most;
        if ((int)i == word->exact)
            others.exact = one;
    }
    return others;
}

/* Gathers of one list; returns whether blocks were left out in which nothing scores `wanted`. */
static bool gather_list(struct weighed_word *word, uint32_t number, uint32_t first, uint32_t last,
                        uint64_t wanted, struct weights *ret)
{
    struct weighed_list *list = &word->lists[number];
    struct posting_cursor *cursor = list->cursor;
    if (list->bounds != NULL && list->bounds[first / WINDOW] == 0)
        return false;
    struct others others = bound_others(word, number, first);
    bool skips = wanted > 0 && list->row_bounds != NULL;
    bool skipped = false;
    for (uint32_t row = first_row(list, first); row < cursor->row_count; row++) {
        float most = skips ? list->row_bounds[row] : 0;
        float exact = (int)number == word->exact ? most : others.exact;
        most = others.most > most ? others.most : most;
        if (skips && score_weighed(word, most, exact) < wanted) {
            skipped = true;
        } else {
            if (!enter(list, row))
                return skipped;
            uint32_t begin = list->block_first >= first ? 0 : count_below(cursor, first);
            uint32_t end = list->block_last <= last ? cursor->count : count_below(cursor, last + 1);
            if (begin < end)
                gather_block(word, cursor, begin, end, ret);
        }
        if (posting_cursor_row_last(cursor, row) >= last)
            break;
    }
    return skipped;
}

/* Several lists: of each document the largest weight counts, and what the exact form has. */
static bool gather_lists(struct weighed_word *word, uint32_t first, uint32_t last, uint64_t wanted,
                         struct gathered *scratch, struct weights *ret)
{
    uint64_t met[WINDOW / 64] = {0};
    bool skipped = false;
    float bonus = word->exact >= 0 ? word->scorer->ranking->exact_bonus : 0;
    for (uint32_t i = 0; i < word->list_count; i++) {
        ret->count = 0;
        skipped = gather_list(word, i, first, last, wanted, ret) || skipped;
        for (uint32_t j = 0; j < ret->count; j++) {
            uint32_t at = ret->docids[j] - first;
            float one = ret->weights[j];
            met[at / 64] |= (uint64_t)1 << at % 64;
            scratch->most[at] = one > scratch->most[at] ? one : scratch->most[at];
            if ((int)i == word->exact)
                scratch->exact[at] = one;
        }
    }
    ret->count = 0;
    for (uint32_t i = 0; i < WINDOW / 64; i++) {
        for (uint64_t bits = met[i]; bits != 0; bits &= bits - 1) {
            uint32_t at = i * 64 + (uint32_t)__builtin_ctzll(bits);
            ret->docids[ret->count] = first + at;
            ret->weights[ret->count++] = scratch->most[at] + bonus * scratch->exact[at];
            scratch->most[at] = scratch->exact[at] = 0;
        }
    }
    return skipped;
}

/* One list, but the word has other alternatives: its form as typed counts twice here, too. */
static void add_bonus(const struct weighed_word *word, struct weights *weights)
{
    for (uint32_t i = 0; i < weights->count; i++)
        weights->weights[i] += word->scorer->ranking->exact_bonus * weights->weights[i];
}

void weighed_word_gather(struct weighed_word *word, uint32_t first, uint32_t last, uint64_t wanted,
                         struct gathered *ret)
{
    struct weights weights;
    weights.count = 0;
    ret->skipped = false;
    if (word->list_count == 1) {
        ret->skipped = gather_list(word, 0, first, last, wanted, &weights);
        if (word->exact >= 0)
            add_bonus(word, &weights);
    } else if (word->list_count > 0) {
        ret->skipped = gather_lists(word, first, last, wanted, ret, &weights);
    }
    score_all(word->weight, word->scorer->ranking->k1, weights.weights, weights.count, ret->scores);
    memcpy(ret->docids, weights.docids, weights.count * sizeof(weights.docids[0]));
    ret->count = weights.count;
}

/* ---- asking ---- */

/* Whether the list can have a document at all. */
static bool may_have(const struct weighed_word *word, const struct weighed_list *list,
                     uint32_t docid)
{
    return list->language == 0 || list->language == word->scorer->columns[NORM_LANGUAGE][docid];
}

bool weighed_word_score(struct weighed_word *word, uint32_t docid, uint32_t *ret_score,
                        uint32_t *ret_next)
{
    float most = 0;
    float exact = 0;
    bool has = false;
    uint32_t next = DOCID_END;
    for (uint32_t i = 0; i < word->list_count; i++) {
        struct weighed_list *list = &word->lists[i];
        if (!may_have(word, list, docid))
            continue;
        uint32_t at = seek(list, docid);
        if (at != docid) {
            next = at < next ? at : next;
            continue;
        }
        next = docid + 1;
        struct posting_cursor *cursor = list->cursor;
        if ((posting_cursor_fields(cursor) & word->fields) == 0)
            continue;
        float one = weigh(word->scorer, cursor, word->fields);
        has = true;
        most = one > most ? one : most;
        if ((int)i == word->exact)
            exact = one;
    }
    *ret_score = has ? score_weighed(word, most, exact) : 0;
    *ret_next = next;
    return has;
}

bool weighed_word_is_hopeless(const struct weighed_word *word, uint32_t docid, uint64_t wanted)
{
    float most = 0;
    float exact = 0;
    for (uint32_t i = 0; i < word->list_count; i++) {
        const struct weighed_list *list = &word->lists[i];
        const struct posting_cursor *cursor = list->cursor;
        uint32_t row = cursor->row;
        if (docid > cursor->last || !may_have(word, list, docid))
            continue;
        if (docid < list->block_first || docid > list->block_last)
            row = posting_cursor_find_row(cursor, docid > list->block_last ? row : 0, docid);
        else if (list->row_bounds == NULL)
            return false; /* the block is decoded: it is as fast to look */
        if (row >= cursor->row_count)
            continue;
        float one = bound_row(word, list, row);
        most = one > most ? one : most;
        if ((int)i == word->exact)
            exact = one;
    }
    return score_weighed(word, most, exact) < wanted;
}

void weighed_word_ask(struct weighed_word *word, struct candidates *candidates, uint64_t wanted,
                      uint64_t rest)
{
    uint32_t kept = 0;
    for (uint32_t i = 0; i < candidates->count; i++) {
        uint32_t docid = candidates->docids[i];
        uint64_t score = candidates->scores[i];
        uint32_t more;
        uint32_t next;
        if (score + rest < wanted && weighed_word_is_hopeless(word, docid, wanted - rest - score))
            continue;
        weighed_word_score(word, docid, &more, &next);
        candidates->docids[kept] = docid;
        candidates->scores[kept] = (uint32_t)score + more;
        kept += score + more + rest >= wanted;
    }
    candidates->count = kept;
}
