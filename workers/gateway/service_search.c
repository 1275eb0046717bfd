/* A search, from the question to the answer. */
#include "gateway/service.h"

#include <string.h>

#include "base/clock.h"
#include "gateway/gateway_parts.h"
#include "gateway/service_correct.h"
#include "gateway/service_search_parts.h"

static enum status check_depth(const struct searching *search, struct error *err)
{
    const struct search_question *question = search->question;
    if (question->page == 0 || question->size == 0 || question->size > SEARCH_SIZE_MAX)
        return error_set(err, STATUS_INVALID, "a page holds 1 to %d results, and pages begin at 1",
                         SEARCH_SIZE_MAX);
    uint64_t depth = search->has_after ? search->basis.depth + question->size
                                       : (uint64_t)question->page * question->size;
    if (depth > SEARCH_DEPTH_MAX)
        return error_set(err, STATUS_INVALID,
                         "only the first %d results can be seen: add a word to the query",
                         SEARCH_DEPTH_MAX);
    return STATUS_OK;
}

enum status searching_understand(struct searching *search, struct search_answer *answer,
                                 struct error *err)
{
    const struct search_question *question = search->question;
    answer->query = service_clean_text(question->query, QUERY_BYTES_MAX, search->arena);
    if (answer->query == NULL)
        return error_set(err, STATUS_NO_MEMORY, "search");
    struct text_slice typed = {answer->query, strlen(answer->query)};
    enum status status = searching_read_cursor(search, err);
    if (status == STATUS_OK && !search->has_after && searching_find_languages(search) != STATUS_OK)
        status = error_set(err, STATUS_NO_MEMORY, "search");
    if (status == STATUS_OK)
        status = query_parse(search->service->analyzer, typed, search->languages, search->arena,
                             &search->query, err);
    if (status != STATUS_OK)
        return status;
    search->term_count = query_collect_terms(search->query.root, search->terms);
    answer->read_as = search->query.read_as;
    answer->notes = arena_zalloc(search->arena, (QUERY_NOTES_MAX + 2) * sizeof(*answer->notes));
    answer->note_count = search->query.note_count;
    answer->page = question->page;
    answer->size = question->size;
    answer->shows_duplicates = question->shows_duplicates;
    answer->cursor = "";
    if (answer->notes == NULL)
        return error_set(err, STATUS_NO_MEMORY, "search");
    memcpy(answer->notes, search->query.notes, answer->note_count * sizeof(*answer->notes));
    status = searching_take_up_cursor(search, err);
    return status == STATUS_OK ? check_depth(search, err) : status;
}

static struct cache_key cache_key_of(const struct searching *search)
{
    return (struct cache_key){.read_as = search->query.read_as,
                              .page = search->question->page,
                              .size = search->question->size,
                              .is_admin = search->question->is_admin,
                              .shows_duplicates = search->question->shows_duplicates};
}

static bool answer_from_cache(struct searching *search, struct search_answer *answer)
{
    struct cache *cache = search->service->gateway->cache;
    struct search_answer cached;
    struct cache_key key = cache_key_of(search);
    cache_see_routing(cache, search->routing);
    if (search->has_after ||
        !cache_get(cache, &key, clock_boot_ms(), search->arena, &cached, &search->place))
        return false;
    cached.query = answer->query;
    cached.read_as = answer->read_as;
    cached.notes = answer->notes;
    cached.note_count = answer->note_count;
    cached.from_cache = true;
    if (!service_may_correct(answer->query)) /* it may be read as one without quotation marks is */
        cached.did_you_mean = NULL;
    *answer = cached;
    return true;
}

/* Keeps the answer for the next one who asks the same, if it may be. */
static void remember(struct searching *search, const struct search_answer *answer)
{
    struct cache *cache = search->service->gateway->cache;
    struct cache_heard heard = {
        .positions = search->positions, .asked_ms = search->asked_ms, .heard_ms = search->heard_ms};
    struct cache_key key = cache_key_of(search);
    /* Without its quotation marks the same might have had another spelling proposed. */
    uint64_t matching = answer->is_relaxed ? answer->matching : answer->total;
    bool is_for_all = matching >= CORRECT_TOTAL_BELOW || service_may_correct(answer->query);
    if (!answer->partial && !search->has_after && !search->lacks_statistics && is_for_all)
        cache_put(cache, search->routing, &heard, &key, answer, &search->place);
}

/* Proposes another spelling on the first page. */
static void correct(struct searching *search, struct search_answer *answer)
{
    struct correct_question question = {.routing = search->routing,
                                        .query = &search->query,
                                        .languages = search->languages,
                                        .ends_ms = clock_boot_ms() +
                                                   service_left_ms(search->ends_ms) / ASIDE_PART,
                                        .is_admin = search->question->is_admin};
    if (search->question->page == 1 && !search->has_after)
        service_correct(search->service, &question, search->arena, answer);
}

static enum status answer_from_shards(struct searching *search, struct search_answer *answer,
                                      struct error *err)
{
    if (search->routing->shard_count == 0)
        return error_set(err, STATUS_UNAVAILABLE, "there is no index yet");
    enum status status = searching_find_basis(search, err);
    if (status == STATUS_OK)
        status = searching_ask_for(search, search->query.root, answer, err);
    if (status == STATUS_OK)
        correct(search, answer); /* by what all words find */
    if (status == STATUS_OK && searching_wants_more(search, answer))
        status = searching_ask_for_more(search, answer, err);
    if (status == STATUS_OK)
        status = searching_make_page(search, answer, err);
    if (status == STATUS_OK)
        status = searching_fill_results(search, answer, err);
    if (status != STATUS_OK)
        return status;
    searching_note_place(search);
    remember(search, answer);
    return STATUS_OK;
}

static enum status answer_question(struct searching *search, struct search_answer *answer,
                                   struct error *err)
{
    enum status status = searching_understand(search, answer, err);
    if (status != STATUS_OK || search->query.root == NULL)
        return status;
    if (!answer_from_cache(search, answer))
        status = answer_from_shards(search, answer, err);
    if (status == STATUS_OK)
        status = searching_note_relaxed(search, answer, err);
    if (status == STATUS_OK)
        status = searching_note_folded(search, answer, err);
    if (status == STATUS_OK)
        status = searching_write_cursor(search, answer, err);
    if (status == STATUS_OK)
        gateway_count_search(search->service->gateway, search->query.read_as,
                             search->question->page == 1 && !search->has_after, answer->from_cache,
                             answer->partial);
    return status;
}

enum status service_search(struct service *service, const struct search_question *question,
                           struct arena *arena, struct search_answer *ret_answer, struct error *err)
{
    int64_t start_us = clock_boot_us();
    struct searching *search = arena_zalloc(arena, sizeof(*search));
    if (search == NULL)
        return error_set(err, STATUS_NO_MEMORY, "search");
    struct routing *routing = gateway_routing(service->gateway);
    search->service = service;
    search->question = question;
    search->arena = arena;
    search->routing = routing;
    search->ends_ms = service_ends_ms(service);
    search->more = question->shows_duplicates ? 0 : question->size;
    struct search_answer answer = {0};
    enum status status = answer_question(search, &answer, err);
    routing_release(routing);
    if (status != STATUS_OK)
        return status;
    answer.took_us = clock_boot_us() - start_us;
    *ret_answer = answer;
    return STATUS_OK;
}
