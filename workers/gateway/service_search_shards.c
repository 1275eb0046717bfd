/* Asks every shard for its best hits. */
#include "base/clock.h"
#include "gateway/gateway_parts.h"
#include "gateway/query_wire.h"
#include "gateway/service_search_parts.h"
#include "index/rerank.h"

/* ---- asking ---- */

uint32_t searching_first_result(const struct searching *search)
{
    return search->has_after ? (uint32_t)search->basis.depth
                             : (search->question->page - 1) * search->question->size;
}

bool searching_begins_behind_window(const struct searching *search)
{
    const struct cursor *basis = &search->basis;
    if (!search->has_after || !search->question->shows_duplicates)
        return false; /* what was shown in front is needed, to tell what has the same text */
    if (basis->part == CURSOR_ALONE)
        return basis->depth > ranking_default.window;
    /* Of the pages with any word, those that match were shown in front. */
    return search->is_relaxed && basis->part == CURSOR_ANY_WORD &&
           basis->depth > ranking_default.window + RELAX_BELOW;
}

Wire__SearchRequest *searching_make_request(struct searching *search)
{
    struct arena *arena = search->arena;
    Wire__SearchRequest *request = arena_alloc(arena, sizeof(*request));
    Wire__CorpusStats *corpus = arena_alloc(arena, sizeof(*corpus));
    Wire__TermStat *stats = arena_alloc(arena, search->term_count * sizeof(*stats) + 1);
    Wire__TermStat **list = arena_alloc(arena, search->term_count * sizeof(*list) + 1);
    if (request == NULL || corpus == NULL || stats == NULL || list == NULL)
        return NULL;
    wire__search_request__init(request);
    wire__corpus_stats__init(corpus);
    corpus->epoch = search->basis.epoch;
    corpus->documents = search->basis.documents;
    corpus->field_lengths = search->basis.field_lengths;
    corpus->n_field_lengths = ROUTING_FIELDS;
    for (size_t i = 0; i < search->term_count; i++) {
        wire__term_stat__init(&stats[i]);
        stats[i].term.data = (uint8_t *)search->terms[i].bytes;
        stats[i].term.len = search->terms[i].size;
        stats[i].documents = search->frequencies[i];
        list[i] = &stats[i];
    }
    request->query = search->node;
    bool is_behind = searching_begins_behind_window(search);
    request->k = search->question->size + 1; /* one behind the page tells whether there are more */
    if (!is_behind)
        request->k += searching_first_result(search);
    if (!is_behind && search->has_after) /* some may have come in front meanwhile */
        request->k += search->question->size;
    if (search->is_relaxed) /* those that match are left out */
        request->k += RELAX_BELOW;
    request->k += search->more;
    if (request->k > SEARCH_K_MAX)
        request->k = SEARCH_K_MAX;
    search->asked = request->k;
    request->corpus = corpus;
    request->terms = list;
    request->n_terms = search->term_count;
    request->now_us = search->basis.now_us;
    request->include_private = search->question->is_admin;
    request->after_set = is_behind;
    request->after_score = search->basis.score;
    request->after_hash = search->basis.url_hash;
    return request;
}

static bool is_part(const void *reply)
{
    return ((const Wire__SearchReply *)reply)->rebuilding;
}

enum status searching_ask_shards(struct searching *search, struct error *err)
{
    const struct routing *routing = search->routing;
    unsigned shards = routing->shard_count;
    Wire__SearchRequest *request = searching_make_request(search);
    search->answers = arena_alloc(search->arena, shards * sizeof(*search->answers) + 1);
    if (search->positions == NULL)
        search->positions = arena_zalloc(search->arena, shards * sizeof(*search->positions) + 1);
    if (request == NULL || search->answers == NULL || search->positions == NULL)
        return error_set(err, STATUS_NO_MEMORY, "search");
    uint32_t left_ms = service_left_ms(search->ends_ms);
    bool has_positions = search->has_after && search->basis.shard_count == shards;
    struct fanout_question question = {.method = WIRE__METHOD__SEARCH,
                                       .reply_descriptor = &wire__search_reply__descriptor,
                                       .request = &request->base,
                                       .is_part = is_part,
                                       .positions = has_positions ? search->basis.positions : NULL,
                                       .timeout_ms = left_ms - left_ms / REST_PART};
    if (!search->is_relaxed)
        search->asked_ms = clock_boot_ms();
    if (fanout_ask(search->service->fanout, routing, &question, search->arena, search->answers) ==
        0)
        return service_no_answer(search->answers, shards, err);
    if (!search->is_relaxed)
        search->heard_ms = clock_boot_ms();
    for (unsigned i = 0; i < shards; i++) {
        const struct fanout_answer *answer = &search->answers[i];
        if (answer->status != STATUS_OK)
            continue;
        const Wire__SearchReply *reply = answer->reply;
        if (!search->is_relaxed) /* else what was heard first may be older */
            search->positions[i] = reply->position;
        search->is_unsettled |= reply->unsettled;
        gateway_count_barrel(search->service->gateway, answer->member, answer->us);
    }
    if (search->is_unsettled) /* which keeps this answer out of it, too */
        cache_empty(search->service->gateway->cache, search->heard_ms);
    return STATUS_OK;
}

static void add_totals(const struct searching *search, struct search_answer *answer)
{
    answer->total = 0;
    answer->shards_asked = answer->shards_answered = 0;
    for (unsigned i = 0; i < search->routing->shard_count; i++) {
        answer->shards_asked++;
        if (search->answers[i].status != STATUS_OK)
            continue;
        const Wire__SearchReply *reply = search->answers[i].reply;
        answer->shards_answered++;
        answer->total += reply->total;
        answer->total_is_lower_bound |= reply->total_is_lower_bound;
        answer->partial |= reply->rebuilding;
    }
    answer->partial |= answer->shards_answered < answer->shards_asked;
}

enum status searching_ask_for(struct searching *search, const struct query_node *root,
                              struct search_answer *answer, struct error *err)
{
    enum status status = query_to_wire(root, search->arena, &search->node, err);
    if (status == STATUS_OK)
        status = searching_ask_shards(search, err);
    if (status == STATUS_OK)
        add_totals(search, answer);
    return status;
}

/* ---- what they found ---- */

enum status searching_gather(struct searching *search, struct merged *ret)
{
    size_t room = 1;
    uint32_t window = searching_begins_behind_window(search) ? 0 : ranking_default.window;
    uint32_t wanted = search->asked > window ? search->asked : window;
    *ret = (struct merged){0};
    for (unsigned i = 0; i < search->routing->shard_count; i++) {
        const Wire__SearchReply *reply = search->answers[i].reply;
        room += search->answers[i].status == STATUS_OK ? reply->n_hits : 0;
    }
    ret->hits = arena_alloc(search->arena, room * sizeof(*ret->hits));
    if (ret->hits == NULL)
        return STATUS_NO_MEMORY;
    for (unsigned i = 0; i < search->routing->shard_count; i++) {
        const Wire__SearchReply *reply = search->answers[i].reply;
        if (search->answers[i].status != STATUS_OK)
            continue;
        ret->is_cut |= reply->n_hits >= wanted;
        for (size_t h = 0; h < reply->n_hits; h++) {
            const Wire__Hit *hit = reply->hits[h];
            ret->hits[ret->count++] =
                (struct search_hit){.url_hash = hit->url_hash,
                                    .score = hit->score,
                                    .first_score = hit->first_score,
                                    .shard = i,
                                    .likeness = {hit->fingerprint, hit->simhash},
                                    .precedence = hit->precedence};
        }
    }
    rerank_order(ret->hits, ret->count, window);
    if (ret->is_cut && ret->count > wanted) /* some shard may have others between those behind */
        ret->count = wanted;
    return STATUS_OK;
}
