/* What bounds the scores of a word, by block and by window of documents. */
#include <float.h>
#include <string.h>

#include "index/weighed_parts.h"

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

float weighed_list_bound_row(const struct weighed_word *word, const struct weighed_list *list,
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
        float one = i < ROWS_MAX ? weighed_list_bound_row(word, list, row) : NO_BOUND;
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
        float one = weighed_list_bound_row(word, list, row);
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
