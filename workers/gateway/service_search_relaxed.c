/* Where few pages match, those with any of the words follow. */
#include "gateway/service_search_parts.h"

bool searching_wants_more(const struct searching *search, const struct search_answer *answer)
{
    if (search->relaxed == NULL)
        return false;
    return search->has_after ? search->basis.part != CURSOR_ALONE : answer->total < RELAX_BELOW;
}

enum status searching_ask_for_more(struct searching *search, struct search_answer *answer,
                                   struct error *err)
{
    if (searching_gather(search, &search->matching) != STATUS_OK)
        return error_set(err, STATUS_NO_MEMORY, "search");
    answer->is_relaxed = search->is_relaxed = true;
    answer->matching = answer->total;
    return searching_ask_for(search, search->relaxed, answer, err);
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

void searching_take_relaxed_page(struct searching *search, struct merged *merged)
{
    const struct merged *matching = &search->matching;
    size_t start = matching->count;
    drop_matching(search, merged);
    if (!search->has_after)
        start = searching_first_result(search);
    else if (search->basis.part == CURSOR_ALL_WORDS)
        start = searching_find_behind(&search->basis, matching);
    searching_take_page(search, matching, start);
    search->ends_in =
        search->page_count == search->question->size ? CURSOR_ALL_WORDS : CURSOR_ANY_WORD;
    if (!search->has_after)
        start = start > matching->count ? start - matching->count : 0;
    else
        start = searching_find_start(search, merged);
    searching_take_page(search, merged, start);
}

enum status searching_note_relaxed(struct searching *search, struct search_answer *answer,
                                   struct error *err)
{
    if (!answer->is_relaxed || answer->total <= answer->matching)
        return STATUS_OK;
    const char *note =
        answer->matching == 0 ? "No page has all of this: these have a part of it."
        : answer->matching == 1
            ? "Only one page has all of this; behind it come pages that have a part of it."
            : arena_format(
                  search->arena,
                  "Only %u pages have all of this; behind them come pages that have a part "
                  "of it.",
                  (unsigned)answer->matching);
    if (note == NULL)
        return error_set(err, STATUS_NO_MEMORY, "search");
    answer->notes[answer->note_count++] = note;
    return STATUS_OK;
}
