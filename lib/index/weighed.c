#include "index/weighed_parts.h"

#include <string.h>

/* ---- blocks ---- */

bool weighed_list_enter(struct weighed_list *list, uint32_t row)
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
        if (!weighed_list_enter(list, posting_cursor_find_row(cursor, from, target)))
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

/* ---- asking ---- */

uint32_t weighed_word_seek(struct weighed_word *word, uint32_t target)
{
    uint32_t next = DOCID_END;
    for (uint32_t i = 0; i < word->list_count; i++) {
        uint32_t at = seek(&word->lists[i], target);
        next = at < next ? at : next;
    }
    return next;
}

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
        float one = weighed_list_bound_row(word, list, row);
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
