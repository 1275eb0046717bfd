/* Where few pages match, those with any of the words follow. */
#include "gateway/gateway_parts.h"
#include "gateway/service_search_parts.h"
#include "index/compound.h"

/* ---- words read as two ---- */

/* Which words are read as two, by the statistics in force. */
static enum status choose_splits(struct searching *search)
{
    struct compounds *compounds;
    struct compound_corpus corpus = {.languages = search->languages,
                                     .pages =
                                         atomic_load(&search->service->gateway->compound_pages),
                                     .frequencies = search->frequencies};
    uint64_t frequencies[COMPOUND_TERMS_MAX];
    struct compound_split *splits = arena_alloc(search->arena, QUERY_WORDS_MAX * sizeof(*splits));
    if (splits == NULL ||
        compounds_find(search->service->analyzer, search->query.root, &corpus, search->arena,
                       &compounds, NULL) != STATUS_OK ||
        searching_find_frequencies(search, compounds->terms, compounds->term_count, frequencies) !=
            STATUS_OK)
        return STATUS_NO_MEMORY;
    search->basis.split_count = (uint32_t)compounds_choose(compounds, frequencies, splits);
    search->basis.splits = splits;
    return STATUS_OK;
}

void searching_relax(struct searching *search)
{
    search->relaxed =
        compounds_relax(search->service->analyzer, search->query.root, search->basis.splits,
                        search->basis.split_count, search->arena);
    if (search->relaxed == search->query.root)
        search->relaxed = NULL;
}

/* ---- asking ---- */

bool searching_wants_more(const struct searching *search, const struct search_answer *answer)
{
    return search->has_after ? search->basis.part != CURSOR_ALONE : answer->total < RELAX_BELOW;
}

/* The terms of the relaxed query are those of the query, and perhaps others behind them. */
static enum status find_more_frequencies(struct searching *search)
{
    struct cursor *basis = &search->basis;
    size_t known = search->term_count;
    search->term_count = query_collect_terms(search->relaxed, search->terms);
    if (search->has_after)
        return STATUS_OK;
    basis->term_count = (uint32_t)search->term_count;
    return searching_find_frequencies(search, search->terms + known, search->term_count - known,
                                      search->frequencies + known);
}

/* What the first question was, and found. */
struct first_question {
    struct fanout_answer *answers;
    Wire__Node *node;
    size_t term_count;
};

static enum status ask_any_word(struct searching *search, struct search_answer *answer,
                                struct error *err)
{
    answer->is_relaxed = search->is_relaxed = true;
    answer->matching = answer->total;
    return searching_ask_for(search, search->relaxed, answer, err);
}

/* Goes on as if more had not been asked for. */
static void keep_to_first(struct searching *search, const struct first_question *first,
                          struct search_answer *answer)
{
    search->answers = first->answers;
    search->node = first->node;
    search->term_count = first->term_count;
    search->basis.term_count = (uint32_t)first->term_count;
    answer->is_relaxed = search->is_relaxed = false;
    answer->partial = true;
}

/* Whether some that match are on this page. */
static bool has_matching(const struct searching *search)
{
    if (!search->has_after)
        return searching_first_result(search) < search->matching.count;
    return search->basis.part == CURSOR_ALL_WORDS &&
           searching_find_behind(&search->basis, &search->matching) < search->matching.count;
}

enum status searching_ask_for_more(struct searching *search, struct search_answer *answer,
                                   struct error *err)
{
    enum status status = STATUS_OK;
    const struct first_question first = {search->answers, search->node, search->term_count};
    if (!search->has_after) /* else it was made for the cursor */
        status = choose_splits(search);
    if (status == STATUS_OK && !search->has_after)
        searching_relax(search);
    if (status == STATUS_OK && search->relaxed == NULL)
        return STATUS_OK;
    if (status == STATUS_OK)
        status = find_more_frequencies(search);
    if (status != STATUS_OK || searching_gather(search, &search->matching) != STATUS_OK)
        return error_set(err, STATUS_NO_MEMORY, "search");
    status = ask_any_word(search, answer, err);
    if (status == STATUS_OK || status == STATUS_CANCELLED || !has_matching(search))
        return status;
    keep_to_first(search, &first, answer);
    return STATUS_OK;
}

/* ---- saying it ---- */

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
