#include "barrel/service.h"

#include <pthread.h>
#include <stdlib.h>
#include <string.h>

#include "barrel/call_limit.h"
#include "barrel/explain.h"
#include "barrel/service_words.h"
#include "barrel/translate.h"
#include "base/bytes.h"
#include "index/document.h"
#include "index/search.h"

enum {
    DOCUMENTS_MAX = 100, /* of one call */
    TERMS_MAX = 64,      /* of one call */
    TOTALS_EXACT_TO = 1000,
    BACKLINKS_SIZE_MAX = 100,
    SPARE_MAKERS_MAX = 8,
};

struct service {
    struct barrel *barrel;
    pthread_mutex_t lock;
    /* They belong to one thread at a time; those at rest wait here. */
    struct snippet_maker *spare[SPARE_MAKERS_MAX];
    unsigned spare_count;
};

static struct snippet_maker *borrow_maker(struct service *service)
{
    pthread_mutex_lock(&service->lock);
    struct snippet_maker *maker =
        service->spare_count > 0 ? service->spare[--service->spare_count] : NULL;
    pthread_mutex_unlock(&service->lock);
    return maker != NULL ? maker : snippet_maker_new();
}

static void give_back_maker(struct service *service, struct snippet_maker *maker)
{
    pthread_mutex_lock(&service->lock);
    if (service->spare_count < SPARE_MAKERS_MAX) {
        service->spare[service->spare_count++] = maker;
        maker = NULL;
    }
    pthread_mutex_unlock(&service->lock);
    snippet_maker_free(maker);
}

/* ---- SEARCH ---- */

static enum status read_search(const Wire__SearchRequest *from, struct arena *arena,
                               struct query_node **ret_root, struct search_request *ret_request,
                               struct error *err)
{
    *ret_request = (struct search_request){
        .k = from->k > SEARCH_K_MAX ? SEARCH_K_MAX : from->k,
        .count_exactly = TOTALS_EXACT_TO,
        .now_unix_us = from->now_us,
        .include_private = from->include_private,
        .is_shard = true,
        .has_after = from->after_set,
        .after_score = from->after_score,
        .after_url_hash = from->after_hash,
    };
    enum status status = query_from_wire(from->query, arena, ret_root, err);
    if (status == STATUS_OK)
        status = statistics_from_wire(from, *ret_root, arena, &ret_request->statistics, err);
    return status;
}

static enum status run_search(struct index *index, const Wire__SearchRequest *from,
                              const struct search_limit *limit, struct arena *arena,
                              struct search_result *ret_result, struct error *err)
{
    struct query_node *root = NULL;
    struct search_request request;
    enum status status = read_search(from, arena, &root, &request, err);
    request.limit = limit;
    if (status == STATUS_OK)
        status = index_search(index, root, &request, arena, ret_result, err);
    return status;
}

static bool put_hits(const struct search_result *result, struct arena *arena,
                     Wire__SearchReply *reply)
{
    Wire__Hit *hits = arena_alloc(arena, (result->hit_count + 1) * sizeof(*hits));
    reply->hits = arena_alloc(arena, (result->hit_count + 1) * sizeof(*reply->hits));
    if (hits == NULL || reply->hits == NULL)
        return false;
    for (uint32_t i = 0; i < result->hit_count; i++) {
        wire__hit__init(&hits[i]);
        hits[i].url_hash = result->hits[i].url_hash;
        hits[i].score = result->hits[i].score;
        hits[i].first_score = result->hits[i].first_score;
        hits[i].fingerprint = result->hits[i].likeness.fingerprint;
        hits[i].simhash = result->hits[i].likeness.simhash;
        hits[i].precedence = result->hits[i].precedence;
        reply->hits[reply->n_hits++] = &hits[i];
    }
    return true;
}

/*
 * Which state of the index a search finds, at the least: whoever keeps the answer goes by it. So it
 * is read before the search, as an answer that is older than its position would be kept for good.
 */
static void put_state(struct barrel *barrel, struct index *index, Wire__SearchReply *reply)
{
    bool is_changing = index_is_unsettled(index);
    uint64_t ahead_to = atomic_load(&barrel->ahead_to);
    reply->position = index_applied_position(index);
    reply->rebuilding = barrel_is_rebuilding(barrel);
    reply->unsettled = is_changing || (ahead_to != 0 && ahead_to >= reply->position);
}

static void answer_search(struct service *service, struct rpc_call *call, struct index *index)
{
    struct arena *arena = rpc_call_arena(call);
    struct search_result result = {0};
    struct error err = {0};
    Wire__SearchRequest *request = rpc_call_request(call, &wire__search_request__descriptor);
    if (request == NULL)
        return;
    Wire__SearchReply reply = WIRE__SEARCH_REPLY__INIT;
    put_state(service->barrel, index, &reply);
    struct search_limit limit = call_limit(call);
    enum status status = run_search(index, request, &limit, arena, &result, &err);
    if (status == STATUS_OK && !put_hits(&result, arena, &reply))
        status = error_set(&err, STATUS_NO_MEMORY, "no memory for hits");
    if (status != STATUS_OK) {
        rpc_call_fail(call, status, "%s", err.text);
        return;
    }
    reply.total = result.total;
    reply.total_is_lower_bound = !result.total_is_exact;
    rpc_call_reply(call, &reply.base);
}

/* ---- DOCUMENTS ---- */

static bool put_spans(const struct snippet *snippet, struct arena *arena, Wire__Document *document)
{
    Wire__Span *spans = arena_alloc(arena, (snippet->span_count + 1) * sizeof(*spans));
    document->snippet = arena_alloc(arena, (snippet->span_count + 1) * sizeof(*document->snippet));
    if (spans == NULL || document->snippet == NULL)
        return false;
    for (uint32_t i = 0; i < snippet->span_count; i++) {
        wire__span__init(&spans[i]);
        spans[i].text =
            arena_string_of(arena, snippet->spans[i].text.bytes, snippet->spans[i].text.size);
        spans[i].marked = snippet->spans[i].marked;
        if (spans[i].text == NULL)
            return false;
        document->snippet[document->n_snippet++] = &spans[i];
    }
    return true;
}

static void put_document(const struct stored_document *stored, Wire__Document *document)
{
    document->url = (char *)stored->url;
    document->title = (char *)stored->title;
    document->language = (char *)stored->language;
    document->inlinks = stored->inlinks;
    document->fetched_us = stored->fetched_unix_us;
    document->found = true;
}

/* A document that is not there, or not for this asker, is an answer: not found. */
static bool put_documents(const struct shown_document *shown, const uint64_t *url_hashes,
                          size_t count, const Wire__DocumentsRequest *request, struct arena *arena,
                          Wire__DocumentsReply *reply)
{
    Wire__Document *documents = arena_alloc(arena, (count + 1) * sizeof(*documents));
    reply->documents = arena_alloc(arena, (count + 1) * sizeof(*reply->documents));
    if (documents == NULL || reply->documents == NULL)
        return false;
    for (size_t i = 0; i < count; i++) {
        wire__document__init(&documents[i]);
        documents[i].url_hash = url_hashes[i];
        reply->documents[reply->n_documents++] = &documents[i];
        if (!shown[i].found || (!shown[i].document.is_visible && !request->include_private))
            continue;
        put_document(&shown[i].document, &documents[i]);
        if (!put_spans(&shown[i].snippet, arena, &documents[i]))
            return false;
    }
    return true;
}

static enum status fill_documents(struct index *index, struct snippet_maker *maker,
                                  const Wire__DocumentsRequest *request,
                                  const struct search_limit *limit, struct arena *arena,
                                  Wire__DocumentsReply *reply, struct error *err)
{
    struct query_node *root = NULL;
    size_t with = request->n_url_hashes, count = with + request->n_plain_hashes;
    if (with > DOCUMENTS_MAX || request->n_plain_hashes > DOCUMENTS_MAX)
        return error_set(err, STATUS_TOO_LARGE, "at most %d documents a call", DOCUMENTS_MAX);
    struct shown_document *shown = arena_alloc(arena, (count + 1) * sizeof(*shown));
    uint64_t *hashes = arena_alloc(arena, (count + 1) * sizeof(*hashes));
    if (shown == NULL || hashes == NULL)
        return error_set(err, STATUS_NO_MEMORY, "no memory for documents");
    for (size_t i = 0; i < count; i++)
        hashes[i] = i < with ? request->url_hashes[i] : request->plain_hashes[i - with];
    enum status status = query_from_wire(request->query, arena, &root, err);
    if (status == STATUS_OK)
        status = index_show(index, maker, hashes, with, root, limit, arena, shown, err);
    if (status == STATUS_OK)
        status = index_show(index, NULL, hashes + with, count - with, NULL, limit, arena,
                            shown + with, err);
    if (status == STATUS_OK && !put_documents(shown, hashes, count, request, arena, reply))
        status = error_set(err, STATUS_NO_MEMORY, "no memory for documents");
    return status;
}

static void answer_documents(struct service *service, struct rpc_call *call, struct index *index)
{
    struct error err = {0};
    Wire__DocumentsReply reply = WIRE__DOCUMENTS_REPLY__INIT;
    Wire__DocumentsRequest *request = rpc_call_request(call, &wire__documents_request__descriptor);
    if (request == NULL)
        return;
    reply.rebuilding = barrel_is_rebuilding(service->barrel); /* before it is not any more */
    reply.position = index_applied_position(index);
    struct search_limit limit = call_limit(call);
    struct snippet_maker *maker = borrow_maker(service);
    enum status status = maker == NULL ? error_set(&err, STATUS_NO_MEMORY, "no memory")
                                       : fill_documents(index, maker, request, &limit,
                                                        rpc_call_arena(call), &reply, &err);
    give_back_maker(service, maker);
    if (status != STATUS_OK)
        rpc_call_fail(call, status, "%s", err.text);
    else
        rpc_call_reply(call, &reply.base);
}

/* ---- EXPLAIN ---- */

static void answer_explain(struct service *service, struct rpc_call *call, struct index *index)
{
    struct arena *arena = rpc_call_arena(call);
    struct error err = {0};
    struct query_node *root = NULL;
    struct search_request request;
    struct explanation explained;
    Wire__ExplainReply reply;
    Wire__ExplainRequest *from = rpc_call_request(call, &wire__explain_request__descriptor);
    if (from == NULL)
        return;
    bool is_rebuilding = barrel_is_rebuilding(service->barrel);
    enum status status = from->search == NULL
                             ? error_set(&err, STATUS_INVALID, "there is nothing to explain")
                             : read_search(from->search, arena, &root, &request, &err);
    struct search_limit limit = call_limit(call);
    request.limit = &limit;
    if (status == STATUS_OK)
        status = index_explain(index, root, &request, from->url_hash, arena, &explained, &err);
    if (status == STATUS_OK && !explanation_to_wire(&explained, arena, &reply))
        status = error_set(&err, STATUS_NO_MEMORY, "no memory for an explanation");
    reply.rebuilding = is_rebuilding;
    if (status != STATUS_OK)
        rpc_call_fail(call, status, "%s", err.text);
    else
        rpc_call_reply(call, &reply.base);
}

/* ---- SUGGEST, CORRECT ---- */

/* With an analyzer, which snippet makers have. */
static void answer_words(struct service *service, struct rpc_call *call, struct index *index)
{
    struct snippet_maker *maker = borrow_maker(service);
    if (maker == NULL) {
        rpc_call_fail(call, STATUS_NO_MEMORY, "no memory");
        return;
    }
    if (rpc_call_method(call) == WIRE__METHOD__SUGGEST)
        answer_suggest(call, index, snippet_maker_analyzer(maker));
    else
        answer_correct(call, index, snippet_maker_analyzer(maker),
                       barrel_is_rebuilding(service->barrel));
    give_back_maker(service, maker);
}

/* ---- TERM_STATS ---- */

static void answer_term_stats(struct service *service, struct rpc_call *call, struct index *index)
{
    struct error err;
    struct query_term terms[TERMS_MAX];
    uint64_t frequencies[TERMS_MAX];
    Wire__TermStatsRequest *request = rpc_call_request(call, &wire__term_stats_request__descriptor);
    if (request == NULL)
        return;
    if (request->n_terms > TERMS_MAX) {
        rpc_call_fail(call, STATUS_TOO_LARGE, "at most %d terms a call", TERMS_MAX);
        return;
    }
    for (size_t i = 0; i < request->n_terms; i++)
        terms[i] = (struct query_term){request->terms[i].data, (uint32_t)request->terms[i].len};
    bool is_rebuilding = barrel_is_rebuilding(service->barrel); /* before it is not any more */
    struct search_limit limit = call_limit(call);
    enum status status =
        index_term_statistics(index, terms, request->n_terms, &limit, frequencies, &err);
    if (status != STATUS_OK) {
        rpc_call_fail(call, status, "%s", err.text);
        return;
    }
    Wire__TermStatsReply reply = WIRE__TERM_STATS_REPLY__INIT;
    reply.documents = frequencies;
    reply.n_documents = request->n_terms;
    reply.position = index_applied_position(index);
    reply.rebuilding = is_rebuilding;
    rpc_call_reply(call, &reply.base);
}

/* ---- BACKLINKS ---- */

static bool put_links(const struct backlinks *from, struct arena *arena,
                      Wire__BacklinksReply *reply)
{
    Wire__Backlink *links = arena_alloc(arena, (from->count + 1) * sizeof(*links));
    reply->links = arena_alloc(arena, (from->count + 1) * sizeof(*reply->links));
    if (links == NULL || reply->links == NULL)
        return false;
    for (uint32_t i = 0; i < from->count; i++) {
        const struct backlink *link = &from->links[i];
        wire__backlink__init(&links[i]);
        links[i].url = (char *)link->source_url;
        links[i].anchor = (char *)link->anchor;
        links[i].url_hash = url_hash(link->source_url, strlen(link->source_url));
        reply->links[reply->n_links++] = &links[i];
    }
    return true;
}

/* Without a limit of time: BACKLINKS_VISITED_MAX bounds what is read. */
static void answer_backlinks(struct service *service, struct rpc_call *call, struct index *index)
{
    struct error err;
    struct backlinks links = {0};
    Wire__BacklinksReply reply = WIRE__BACKLINKS_REPLY__INIT;
    Wire__BacklinksRequest *request = rpc_call_request(call, &wire__backlinks_request__descriptor);
    if (request == NULL)
        return;
    reply.rebuilding = barrel_is_rebuilding(service->barrel);
    struct text_slice url = {request->url, strlen(request->url)};
    uint32_t size = request->size > BACKLINKS_SIZE_MAX ? BACKLINKS_SIZE_MAX : request->size;
    enum status status = index_backlinks(index, url, request->include_private, request->offset,
                                         size, rpc_call_arena(call), &links, &err);
    if (status == STATUS_OK && !put_links(&links, rpc_call_arena(call), &reply))
        status = error_set(&err, STATUS_NO_MEMORY, "no memory for links");
    if (status != STATUS_OK) {
        rpc_call_fail(call, status, "%s", err.text);
        return;
    }
    reply.total = links.total;
    rpc_call_reply(call, &reply.base);
}

/* ---- the whole ---- */

static void answer_status(struct service *service, struct rpc_call *call)
{
    Wire__BarrelStatus status = WIRE__BARREL_STATUS__INIT;
    barrel_status(service->barrel, rpc_call_arena(call), &status);
    rpc_call_reply(call, &status.base);
}

static void answer_from_index(struct service *service, struct rpc_call *call)
{
    struct barrel *barrel = service->barrel;
    pthread_rwlock_rdlock(&barrel->lock);
    if (barrel_is_damaged(barrel))
        rpc_call_fail(call, STATUS_UNAVAILABLE, "the index is damaged, and not yet begun anew");
    else if (rpc_call_method(call) == WIRE__METHOD__SEARCH)
        answer_search(service, call, barrel->index);
    else if (rpc_call_method(call) == WIRE__METHOD__DOCUMENTS)
        answer_documents(service, call, barrel->index);
    else if (rpc_call_method(call) == WIRE__METHOD__EXPLAIN)
        answer_explain(service, call, barrel->index);
    else if (rpc_call_method(call) == WIRE__METHOD__TERM_STATS)
        answer_term_stats(service, call, barrel->index);
    else if (rpc_call_method(call) == WIRE__METHOD__SUGGEST ||
             rpc_call_method(call) == WIRE__METHOD__CORRECT)
        answer_words(service, call, barrel->index);
    else
        answer_backlinks(service, call, barrel->index);
    pthread_rwlock_unlock(&barrel->lock);
}

void service_handle(void *context, struct rpc_call *call)
{
    struct service *service = context;
    Wire__Empty empty = WIRE__EMPTY__INIT;
    switch (rpc_call_method(call)) {
    case WIRE__METHOD__PING:
        rpc_call_reply(call, &empty.base);
        break;
    case WIRE__METHOD__BARREL_STATUS:
        answer_status(service, call);
        break;
    case WIRE__METHOD__SEARCH:
    case WIRE__METHOD__DOCUMENTS:
    case WIRE__METHOD__EXPLAIN:
    case WIRE__METHOD__TERM_STATS:
    case WIRE__METHOD__BACKLINKS:
    case WIRE__METHOD__SUGGEST:
    case WIRE__METHOD__CORRECT:
        answer_from_index(service, call);
        break;
    default:
        rpc_call_fail(call, STATUS_UNSUPPORTED, "a barrel knows no method %u",
                      rpc_call_method(call));
    }
}

enum status service_open(struct barrel *barrel, struct service **ret_service, struct error *err)
{
    struct service *service = calloc(1, sizeof(*service));
    if (service == NULL)
        return error_set(err, STATUS_NO_MEMORY, "no memory for a service");
    service->barrel = barrel;
    pthread_mutex_init(&service->lock, NULL);
    *ret_service = service;
    return STATUS_OK;
}

void service_close(struct service *service)
{
    if (service == NULL)
        return;
    while (service->spare_count > 0)
        snippet_maker_free(service->spare[--service->spare_count]);
    pthread_mutex_destroy(&service->lock);
    free(service);
}
