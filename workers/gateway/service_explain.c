/* Why a page has its score, or is not found: the shard that holds it explains, and the best results
 * say whether the page was looked at again. */
#include <string.h>

#include "base/bytes.h"
#include "cluster/routing.h"
#include "crawl/url.h"
#include "gateway/query_wire.h"
#include "gateway/service_search_parts.h"
#include "index/explain.h"

/* What the best results of a query were found with. In the arena. */
struct window {
    const char *query_text;
    struct query query;
    Wire__SearchRequest *request; /* NULL: nothing is looked for */
    struct page_result *page;     /* the best results */
    size_t count;
};

const char *service_field_name(uint32_t field)
{
    static const char *const names[FIELD_COUNT] = {"title", "headings", "url", "anchor", "body"};
    return field < FIELD_COUNT ? names[field] : "";
}

/* The parts of the query that fail, as they would be typed. */
static enum status name_failed(const struct query_node *root, const Wire__ExplainReply *reply,
                               struct arena *arena, struct explain_answer *answer)
{
    answer->failed = arena_alloc(arena, (reply->n_failed + 1) * sizeof(*answer->failed));
    if (answer->failed == NULL)
        return STATUS_NO_MEMORY;
    for (size_t i = 0; i < reply->n_failed; i++) {
        const struct query_node *node = explain_node(root, reply->failed[i]);
        const char *name = node == NULL ? NULL : query_write(node, arena);
        if (node != NULL && name == NULL)
            return STATUS_NO_MEMORY;
        if (name != NULL)
            answer->failed[answer->failed_count++] = name;
    }
    return STATUS_OK;
}

/* What the best results of the query are found with. */
static enum status find_window(struct service *service, const struct routing *routing,
                               const char *query, int64_t ends_ms, struct arena *arena,
                               struct window *ret_window, struct error *err)
{
    struct search_question question = {.query = query,
                                       .page = 1,
                                       .size = ranking_default.window,
                                       .is_admin = true,
                                       .shows_duplicates = true};
    struct search_answer answer = {0};
    struct searching *search = arena_zalloc(arena, sizeof(*search));
    if (search == NULL)
        return error_set(err, STATUS_NO_MEMORY, "search");
    *search = (struct searching){.service = service,
                                 .question = &question,
                                 .arena = arena,
                                 .routing = routing,
                                 .ends_ms = ends_ms};
    enum status status = searching_understand(search, &answer, err);
    struct window window = {.query_text = answer.query, .query = search->query};
    if (status == STATUS_OK && search->query.root != NULL) {
        status = query_to_wire(search->query.root, arena, &search->node, err);
        if (status == STATUS_OK)
            status = searching_find_basis(search, err);
        if (status == STATUS_OK)
            status = searching_ask_shards(search, err);
        if (status == STATUS_OK)
            status = searching_make_page(search, &answer, err);
        window.request = status == STATUS_OK ? searching_make_request(search) : NULL;
        if (status == STATUS_OK && window.request == NULL)
            status = error_set(err, STATUS_NO_MEMORY, "search");
    }
    if (status != STATUS_OK)
        return status;
    window.page = search->page;
    window.count = search->page_count;
    *ret_window = window;
    return STATUS_OK;
}
static unsigned rank_of(const struct window *window, uint64_t hash)
{
    for (size_t i = 0; i < window->count; i++) {
        if (window->page[i].shown.url_hash == hash)
            return (unsigned)i + 1;
    }
    return 0;
}

static bool is_part(const void *reply)
{
    return ((const Wire__ExplainReply *)reply)->rebuilding;
}

static enum status explain(struct service *service, const struct routing *routing,
                           const struct window *window, const struct url *url, int64_t ends_ms,
                           struct arena *arena, struct explain_answer *answer, struct error *err)
{
    uint64_t hash = url_hash(url->text, url->text_size);
    Wire__ExplainRequest request = WIRE__EXPLAIN_REQUEST__INIT;
    request.search = window->request;
    request.url_hash = hash;
    struct fanout_question question = {.method = WIRE__METHOD__EXPLAIN,
                                       .reply_descriptor = &wire__explain_reply__descriptor,
                                       .is_part = is_part,
                                       .request = &request.base,
                                       .timeout_ms = service_left_ms(ends_ms)};
    const void *reply;
    bool is_whole;
    enum status status = service_ask_slot(service, routing, url_hash_slot(hash), &question, arena,
                                          &reply, &is_whole, err);
    if (status != STATUS_OK)
        return status;
    if (!is_whole && !((const Wire__ExplainReply *)reply)->found)
        return error_set(err, STATUS_UNAVAILABLE,
                         "the part of the index that the page belongs to is being made again");
    answer->reply = reply;
    answer->rank = rank_of(window, hash);
    answer->score = answer->rank > 0 ? answer->reply->score : answer->reply->first_score;
    if (name_failed(window->query.root, reply, arena, answer) != STATUS_OK)
        return error_set(err, STATUS_NO_MEMORY, "explanation");
    return STATUS_OK;
}

static enum status explain_in(struct service *service, const struct routing *routing,
                              const char *query, const struct url *url, struct arena *arena,
                              struct explain_answer *answer, struct error *err)
{
    int64_t ends_ms = service_ends_ms(service);
    struct window window = {0};
    enum status status = find_window(service, routing, query, ends_ms, arena, &window, err);
    if (status != STATUS_OK)
        return status;
    if (window.request == NULL)
        return error_set(err, STATUS_INVALID, "nothing is looked for in this query");
    answer->query = window.query_text;
    answer->read_as = window.query.read_as;
    answer->url = url->text;
    return explain(service, routing, &window, url, ends_ms, arena, answer, err);
}

enum status service_explain(struct service *service, const char *query, const char *url,
                            struct arena *arena, struct explain_answer *ret_answer,
                            struct error *err)
{
    struct url parsed;
    struct explain_answer answer = {0};
    enum status status = url_parse(url, strlen(url), NULL, arena, &parsed, err);
    if (status == STATUS_TOO_LARGE)
        status = STATUS_INVALID;
    if (status != STATUS_OK)
        return status;
    struct routing *routing = gateway_routing(service->gateway);
    status = explain_in(service, routing, query, &parsed, arena, &answer, err);
    routing_release(routing);
    if (status == STATUS_OK)
        *ret_answer = answer;
    return status;
}
