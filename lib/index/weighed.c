#include "index/weighed.h"

#include <float.h>
#include <string.h>

_Static_assert(SEGMENT_DOCUMENTS_MAX / POSTING_BLOCK <= UINT16_MAX, "rows of a directory");

/* ---- blocks ---- */

/* Decodes a block unless it is that which was decoded last; false: it is corrupt. */
static bool enter(struct weighed_list *list, uint32_t row)
{
    struct posting_cursor *cursor = list->cursor;
    if (cursor->row == row && cursor->count > 0)
        return true;
    if (!posting_cursor_enter(cursor, row)) {
        list->block_first = 0; /* it has no document any more */
        list->block_last = DOCID_END;
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

/* ---- opening ---- */

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
            .block_last = cursor->count == 0 ? DOCID_END : cursor->docids[cursor->count - 1],
        };
    }
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
    const struct posting_cursor *cursor = list->cursor;
    uint32_t first = 0;
    uint32_t next_window = 0;
    for (uint32_t row = 0; row < cursor->row_count; row++) {
        struct impacts impacts;
        uint32_t last = posting_cursor_row_last(cursor, row);
        if (last < first || last / WINDOW >= window_count ||
            !posting_cursor_row_impacts(cursor, row, &impacts))
            return false;
        float most = weigh_impacts(word->scorer, &impacts);
        most = most > FLT_MIN ? most : FLT_MIN;
        if (word->row_scores != NULL)
            word->row_scores[row] = score_weighed(word, most, most);
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
    if (word->row_scores != NULL)
        word->row_scores[0] = score_weighed(word, most, most);
    return true;
}

static bool bound_list(struct weighed_word *word, struct weighed_list *list, uint32_t window_count,
                       struct arena *arena)
{
    list->rows = arena_zalloc(arena, window_count * sizeof(*list->rows));
    list->bounds = arena_zalloc(arena, window_count * sizeof(*list->bounds));
    if (list->rows == NULL || list->bounds == NULL)
        return false;
    return list->cursor->rows == NULL ? bound_block(word, list)
                                      : bound_rows(word, list, window_count);
}

bool weighed_word_bound(struct weighed_word *word, uint32_t window_count, struct arena *arena)
{
    word->bounds = arena_zalloc(arena, window_count * sizeof(*word->bounds));
    if (word->bounds == NULL)
        return false;
    if (word->list_count == 1) {
        word->row_scores =
            arena_alloc(arena, word->lists[0].cursor->row_count * sizeof(*word->row_scores));
        if (word->row_scores == NULL)
            return false;
    }
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

/* ---- gathering ---- */

struct weights {
    uint32_t count;
    uint32_t docids[WINDOW_ROOM];
    float weights[WINDOW_ROOM];
};

/* Documents of the decoded block, from number `begin` to before `end`. */
static void gather_block(const struct weighed_word *word, struct posting_cursor *cursor,
                         uint32_t begin, uint32_t end, struct weights *ret)
{
    const struct scorer *scorer = word->scorer;
    uint32_t count = ret->count;
    if (!cursor->frequencies_read)
        posting_cursor_read_frequencies(cursor);
    if (cursor->corrupt)
        return;
    if (cursor->common_fields == 1u << FIELD_BODY && (word->fields & 1u << FIELD_BODY) != 0) {
        const uint8_t *lengths = scorer->columns[FIELD_BODY];
        const float *factors = scorer->factors[FIELD_BODY];
        for (uint32_t i = begin; i < end; i++, count++) {
            uint32_t docid = cursor->docids[i];
            ret->docids[count] = docid;
            ret->weights[count] = (float)(int32_t)cursor->frequencies[i] * factors[lengths[docid]];
        }
        ret->count = count;
        return;
    }
    for (uint32_t i = begin; i < end; i++) {
        cursor->index = i;
        cursor->docid = cursor->docids[i];
        if ((posting_cursor_fields(cursor) & word->fields) == 0)
            continue;
        ret->docids[count] = cursor->docid;
        ret->weights[count++] = weigh(scorer, cursor, word->fields);
    }
    ret->count = count;
}

/* Returns whether blocks were left out in which nothing scores `wanted`. */
static bool gather_list(const struct weighed_word *word, struct weighed_list *list, uint32_t window,
                        uint64_t wanted, struct weights *ret)
{
    struct posting_cursor *cursor = list->cursor;
    uint32_t first = window * WINDOW;
    bool skipped = false;
    for (uint32_t row = list->rows[window]; row < cursor->row_count; row++) {
        if (word->row_scores != NULL && word->row_scores[row] < wanted) {
            skipped = true;
        } else {
            if (!enter(list, row))
                return skipped;
            uint32_t begin = list->block_first >= first ? 0 : count_below(cursor, first);
            uint32_t end = list->block_last < first + WINDOW ? cursor->count
                                                             : count_below(cursor, first + WINDOW);
            if (begin < end)
                gather_block(word, cursor, begin, end, ret);
        }
        if (posting_cursor_row_last(cursor, row) >= first + WINDOW - 1)
            break;
    }
    return skipped;
}

/* Several lists: of each document the largest weight counts, and what the exact form has. */
static bool gather_lists(struct weighed_word *word, uint32_t window, uint64_t wanted,
                         struct weights *ret)
{
    struct weights one;
    float most[WINDOW] = {0};
    float exact[WINDOW] = {0};
    uint64_t met[WINDOW / 64] = {0};
    uint32_t first = window * WINDOW;
    bool skipped = false;
    for (uint32_t i = 0; i < word->list_count; i++) {
        if (word->lists[i].bounds[window] == 0)
            continue;
        one.count = 0;
        skipped = gather_list(word, &word->lists[i], window, wanted, &one) || skipped;
        for (uint32_t j = 0; j < one.count; j++) {
            uint32_t at = one.docids[j] - first;
            met[at / 64] |= (uint64_t)1 << at % 64;
            most[at] = one.weights[j] > most[at] ? one.weights[j] : most[at];
            if ((int)i == word->exact)
                exact[at] = one.weights[j];
        }
    }
    float bonus = word->exact >= 0 ? word->scorer->ranking->exact_bonus : 0;
    for (uint32_t i = 0; i < WINDOW / 64; i++) {
        for (uint64_t bits = met[i]; bits != 0; bits &= bits - 1) {
            uint32_t at = i * 64 + (uint32_t)__builtin_ctzll(bits);
            ret->docids[ret->count] = first + at;
            ret->weights[ret->count++] = most[at] + bonus * exact[at];
        }
    }
    return skipped;
}

void weighed_word_gather(struct weighed_word *word, uint32_t window, uint64_t wanted,
                         struct gathered *ret)
{
    struct weights weights;
    weights.count = 0;
    ret->skipped = false;
    if (word->list_count == 1 && word->exact < 0)
        ret->skipped = gather_list(word, &word->lists[0], window, wanted, &weights);
    else if (word->list_count > 0)
        ret->skipped = gather_lists(word, window, wanted, &weights);
    score_all(word->weight, word->scorer->ranking->k1, weights.weights, weights.count, ret->scores);
    memcpy(ret->docids, weights.docids, weights.count * sizeof(weights.docids[0]));
    ret->count = weights.count;
}

/* ---- asking ---- */

/* Stands on a document that the list has; false: it does not have it. */
static bool find(struct weighed_list *list, uint32_t docid)
{
    struct posting_cursor *cursor = list->cursor;
    if (docid > cursor->last)
        return false;
    if (docid < list->block_first || docid > list->block_last) {
        uint32_t from = docid > list->block_last ? cursor->row : 0;
        if (!enter(list, posting_cursor_find_row(cursor, from, docid)))
            return false;
    }
    uint32_t index = count_below(cursor, docid);
    if (index >= cursor->count || cursor->docids[index] != docid)
        return false;
    cursor->index = index;
    cursor->docid = docid;
    return true;
}

/* False: the document does not have the word. */
static bool ask_one(struct weighed_word *word, uint32_t docid, uint32_t *ret_score)
{
    float most = 0;
    float exact = 0;
    bool has = false;
    for (uint32_t i = 0; i < word->list_count; i++) {
        if (!find(&word->lists[i], docid))
            continue;
        struct posting_cursor *cursor = word->lists[i].cursor;
        if ((posting_cursor_fields(cursor) & word->fields) == 0)
            continue;
        float one = weigh(word->scorer, cursor, word->fields);
        has = true;
        most = one > most ? one : most;
        if ((int)i == word->exact)
            exact = one;
    }
    *ret_score = has ? score_weighed(word, most, exact) : 0;
    return has;
}

/* Whether the block in which a document would lie has none that scores enough. */
static bool is_hopeless(const struct weighed_word *word, uint32_t docid, uint64_t wanted)
{
    const struct weighed_list *list = &word->lists[0];
    const struct posting_cursor *cursor = list->cursor;
    uint32_t row = cursor->row;
    if (word->row_scores == NULL)
        return false;
    if (docid < list->block_first || docid > list->block_last)
        row = posting_cursor_find_row(cursor, docid > list->block_last ? row : 0, docid);
    return (row < cursor->row_count ? word->row_scores[row] : 0) < wanted;
}

bool weighed_word_ask(struct weighed_word *word, struct candidates *candidates, uint64_t wanted,
                      uint64_t rest, bool required)
{
    uint32_t kept = 0;
    bool dropped = false;
    for (uint32_t i = 0; i < candidates->count; i++) {
        uint32_t docid = candidates->docids[i];
        uint64_t score = candidates->scores[i];
        uint32_t more;
        if (score + rest < wanted && is_hopeless(word, docid, wanted - rest - score)) {
            dropped = true;
            continue;
        }
        if (!ask_one(word, docid, &more) && required)
            continue;
        candidates->docids[kept] = docid;
        candidates->scores[kept] = (uint32_t)score + more;
        if (score + more + rest >= wanted)
            kept++;
        else
            dropped = true;
    }
    candidates->count = kept;
    return dropped;
}
