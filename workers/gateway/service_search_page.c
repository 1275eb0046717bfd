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

/* All that is known, in the order of results: those that match, then those with any of the words.
 */
static enum status list_hits(struct searching *search, struct merged *ret)
{
    struct merged any;
    const struct merged *matching = &search->matching;
    if (!search->is_relaxed)
        return searching_gather(search, ret);
    enum status status = searching_gather(search, &any);
    if (status != STATUS_OK)
        return status;
    drop_matching(search, &any);
    *ret = (struct merged){.count = matching->count + any.count, .is_cut = any.is_cut};
    ret->hits = arena_alloc(search->arena, (ret->count + 1) * sizeof(*ret->hits));
    if (ret->hits == NULL)
        return STATUS_NO_MEMORY;
    for (size_t i = 0; i < ret->count; i++)
        ret->hits[i] = i < matching->count ? matching->hits[i] : any.hits[i - matching->count];
    return STATUS_OK;
}

/* The first hit behind those that were shown, of an answer that is gone on with. */
static size_t find_start(const struct searching *search, const struct merged *list)
{
    size_t matching = search->is_relaxed ? search->matching.count : 0;
    struct merged part = *list;
    if (searching_begins_behind_window(search))
        return matching;
    if (search->is_relaxed && search->basis.part == CURSOR_ALL_WORDS) {
        part.count = matching;
        return searching_find_behind(&search->basis, &part);
    }
    part.hits += matching;
    part.count -= matching;
    return matching + searching_find_behind(&search->basis, &part);
}

/* The first result of the page. */
static size_t first_result(const struct searching *search, const struct merged *list,
                           const struct folded *folded)
{
    if (!search->has_after) {
        size_t first = searching_first_result(search);
        return first < folded->count ? first : folded->count;
    }
    size_t start = find_start(search, list), at = 0;
    while (at < folded->count && folded->results[at].first < start)
        at++;
    return at;
}

/* The hits folded into a result, as many as are listed. */
static enum status list_duplicates(struct searching *search, const struct merged *list,
                                   const struct folded *folded, size_t number,
                                   struct page_result *result)
{
    enum { LISTED_MAX = 10 * SEARCH_DUPLICATES_MAX };
    const struct folded_result *from = &folded->results[number];
    result->duplicate_total = from->count - 1;
    if (from->count == 1)
        return STATUS_OK;
    result->duplicates =
        arena_alloc(search->arena, SEARCH_DUPLICATES_MAX * sizeof(*result->duplicates));
    if (result->duplicates == NULL)
        return STATUS_NO_MEMORY;
    for (size_t i = from->first; i < list->count; i++) {
        if (folded->of[i] != number || i == from->shown)
            continue;
        if (result->duplicate_count == SEARCH_DUPLICATES_MAX || search->listed_count == LISTED_MAX)
            break;
        result->duplicates[result->duplicate_count++] = list->hits[i];
        search->listed_count++;
    }
    return STATUS_OK;
}

static enum status take_page(struct searching *search, const struct merged *list,
                             const struct folded *folded, size_t first)
{
    size_t at = first;
    for (; at < folded->count && search->page_count < search->question->size; at++) {
        const struct folded_result *from = &folded->results[at];
        struct page_result *result = &search->page[search->page_count++];
        *result = (struct page_result){.shown = list->hits[from->shown], .place = from->first};
        if (list_duplicates(search, list, folded, at, result) != STATUS_OK)
            return STATUS_NO_MEMORY;
        search->page_end = list->hits[from->first];
        search->ends_in = from->first < search->matching.count ? CURSOR_ALL_WORDS : CURSOR_ANY_WORD;
    }
    if (!search->is_relaxed)
        search->ends_in = CURSOR_ALONE;
    search->has_next = at < folded->count;
    return STATUS_OK;
}

/* Asks the shards once more, for more hits. False: the page is made of what is known. */
static bool ask_again(struct searching *search, struct search_answer *answer)
{
    enum { GROWTH = 8 };
    struct fanout_answer *known = search->answers;
    unsigned answered = 0;
    search->more += search->asked * GROWTH;
    if (searching_ask_shards(search, NULL) != STATUS_OK) {
        search->answers = known;
        answer->partial = true;
        return false;
    }
    for (unsigned i = 0; i < search->routing->shard_count; i++)
        answered += search->answers[i].status == STATUS_OK;
    answer->partial |= answered < answer->shards_answered;
    return true;
}

enum status searching_make_page(struct searching *search, struct search_answer *answer,
                                struct error *err)
{
    struct merged list;
    struct folded folded;
    size_t first;
    search->page = arena_alloc(search->arena, search->question->size * sizeof(*search->page) + 1);
    if (search->page == NULL)
        return error_set(err, STATUS_NO_MEMORY, "search");
    do {
        if (list_hits(search, &list) != STATUS_OK ||
            searching_fold(&list, search->question->shows_duplicates, search->arena, &folded) !=
                STATUS_OK)
            return error_set(err, STATUS_NO_MEMORY, "search");
        first = first_result(search, &list, &folded);
    } while (folded.count - first <= search->question->size && list.is_cut &&
             search->asked < SEARCH_K_MAX && ask_again(search, answer));
    if (take_page(search, &list, &folded, first) != STATUS_OK)
        return error_set(err, STATUS_NO_MEMORY, "search");
    return STATUS_OK;
}
