/* Puts the page together out of what the shards found. */
#include "gateway/service_search_parts.h"

size_t searching_find_behind(const struct cursor *basis, const struct merged *merged)
{
    size_t at = 0;
    for (; at < merged->count; at++) {
        const struct search_hit *hit = &merged->hits[at];
        if (hit->score < basis->score ||
            (hit->score == basis->score && hit->url_hash > basis->url_hash))
            break;
    }
    return at;
}

/* Where the page begins in the list that the shards were asked for last. */
static size_t find_start(const struct searching *search, const struct merged *merged)
{
    bool is_elsewhere = search->is_relaxed && search->basis.part != CURSOR_ANY_WORD;
    if (!search->has_after)
        return searching_first_result(search);
    if (searching_begins_behind_window(search) || is_elsewhere)
        return 0;
    return searching_find_behind(&search->basis, merged);
}

/* Adds hits from there on, until the page is full. */
static void take_page(struct searching *search, const struct merged *merged, size_t at)
{
    for (; at < merged->count && search->page_count < search->question->size; at++)
        search->page[search->page_count++] = merged->hits[at];
}

/* Leaves out the hits that match. */
static void drop_matching(const struct searching *search, struct merged *merged)
{
    size_t kept = 0;
    for (size_t i = 0; i < merged->count; i++) {
        bool matches = false;
        for (size_t m = 0; m < search->matching.count; m++)
            matches = matches || search->matching.hits[m].url_hash == merged->hits[i].url_hash;
        if (!matches)
            merged->hits[kept++] = merged->hits[i];
    }
    merged->count = kept;
}

/* The page out of those that match and, behind them, those with any of the words. */
static void take_relaxed_page(struct searching *search, struct merged *merged)
{
    const struct merged *matching = &search->matching;
    size_t start = matching->count;
    drop_matching(search, merged);
    if (!search->has_after)
        start = searching_first_result(search);
    else if (search->basis.part == CURSOR_ALL_WORDS)
        start = searching_find_behind(&search->basis, matching);
    take_page(search, matching, start);
    search->ends_in =
        search->page_count == search->question->size ? CURSOR_ALL_WORDS : CURSOR_ANY_WORD;
    if (!search->has_after)
        start = start > matching->count ? start - matching->count : 0;
    else
        start = find_start(search, merged);
    take_page(search, merged, start);
}

enum status searching_make_page(struct searching *search, struct error *err)
{
    struct merged merged;
    search->page = arena_alloc(search->arena, search->question->size * sizeof(*search->page) + 1);
    if (search->page == NULL || searching_gather(search, &merged) != STATUS_OK)
        return error_set(err, STATUS_NO_MEMORY, "search");
    if (search->is_relaxed)
        take_relaxed_page(search, &merged);
    else
        take_page(search, &merged, find_start(search, &merged));
    return STATUS_OK;
}
