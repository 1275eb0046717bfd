/* A word's documents of a range with what it scores in each. */
#include <string.h>

#include "index/weighed_parts.h"

void gathered_init(struct gathered *gathered)
{
    memset(gathered->most, 0, sizeof(gathered->most));
    memset(gathered->exact, 0, sizeof(gathered->exact));
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
            if (!weighed_list_enter(list, row))
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
