/* Who links to a page: asked of the shard that holds the page's slot, whether it is indexed or not.
 */
#include <string.h>

#include "base/bytes.h"
#include "base/check.h"
#include "cluster/routing.h"
#include "crawl/url.h"
#include "gateway/service_parts.h"

static enum status check_place(unsigned page, unsigned size, struct error *err)
{
    if (page == 0 || size == 0 || size > SEARCH_SIZE_MAX)
        return error_set(err, STATUS_INVALID, "a page holds 1 to %d links, and pages begin at 1",
                         SEARCH_SIZE_MAX);
    if ((uint64_t)page * size > SEARCH_DEPTH_MAX)
        return error_set(err, STATUS_INVALID, "only the first %d links can be seen",
                         SEARCH_DEPTH_MAX);
    return STATUS_OK;
}

enum status service_ask_slot(struct service *service, const struct routing *routing, uint32_t slot,
                             struct fanout_question *question, struct arena *arena,
                             const void **ret_reply, bool *ret_whole, struct error *err)
{
    unsigned count = routing->shard_count;
    unsigned shard = routing_shard_of(routing, slot);
    if (shard == count)
        return error_set(err, STATUS_UNAVAILABLE, "there is no index yet");
    const ProtobufCMessage **requests = arena_zalloc(arena, count * sizeof(*requests));
    struct fanout_answer *answers = arena_alloc(arena, count * sizeof(*answers));
    if (requests == NULL || answers == NULL)
        return error_set(err, STATUS_NO_MEMORY, "question");
    requests[shard] = question->request;
    question->requests = requests;
    fanout_ask(service->fanout, routing, question, arena, answers);
    if (answers[shard].status != STATUS_OK) {
        enum status status = service_no_answer(answers, count, err);
        CHECK(status != STATUS_OK);
        return status;
    }
    *ret_reply = answers[shard].reply;
    *ret_whole = answers[shard].is_whole;
    return STATUS_OK;
}

/* ---- titles of the linking pages, from the shards that hold them ---- */

struct titles {
    const ProtobufCMessage **requests; /* by shard */
    struct fanout_answer *answers;
    size_t *read; /* documents taken, by shard */
};

static enum status ask_titles(struct service *service, const struct routing *routing,
                              const Wire__BacklinksReply *reply, bool is_admin, uint32_t timeout_ms,
                              struct arena *arena, struct titles *titles)
{
    unsigned count = routing->shard_count;
    Wire__DocumentsRequest *requests = arena_alloc(arena, count * sizeof(*requests));
    titles->requests = arena_zalloc(arena, count * sizeof(*titles->requests));
    titles->answers = arena_zalloc(arena, count * sizeof(*titles->answers));
    titles->read = arena_zalloc(arena, count * sizeof(*titles->read));
    if (requests == NULL || titles->requests == NULL || titles->answers == NULL ||
        titles->read == NULL)
        return STATUS_NO_MEMORY;
    for (size_t i = 0; i < reply->n_links; i++) {
        uint64_t hash = reply->links[i]->url_hash;
        unsigned shard = routing_shard_of(routing, url_hash_slot(hash));
        if (shard == count)
            continue;
        Wire__DocumentsRequest *request = &requests[shard];
        if (titles->requests[shard] == NULL) {
            wire__documents_request__init(request);
            request->include_private = is_admin;
            request->url_hashes = arena_alloc(arena, reply->n_links * sizeof(uint64_t));
            if (request->url_hashes == NULL)
                return STATUS_NO_MEMORY;
            titles->requests[shard] = &request->base;
        }
        request->url_hashes[request->n_url_hashes++] = hash;
    }
    struct fanout_question question = {.method = WIRE__METHOD__DOCUMENTS,
                                       .reply_descriptor = &wire__documents_reply__descriptor,
                                       .requests = titles->requests,
                                       .timeout_ms = timeout_ms};
    fanout_ask(service->fanout, routing, &question, arena, titles->answers);
    return STATUS_OK;
}

/* "" where the page is not held or its shard does not answer. */
static const char *take_title(const struct routing *routing, struct titles *titles,
                              const Wire__Backlink *link)
{
    unsigned shard = routing_shard_of(routing, url_hash_slot(link->url_hash));
    if (shard == routing->shard_count || titles->answers[shard].status != STATUS_OK ||
        titles->requests[shard] == NULL)
        return "";
    const Wire__DocumentsReply *reply = titles->answers[shard].reply;
    size_t at = titles->read[shard]++;
    if (at >= reply->n_documents || !reply->documents[at]->found ||
        strcmp(reply->documents[at]->url, link->url) != 0)
        return "";
    return reply->documents[at]->title;
}

static enum status fill_links(struct service *service, const struct routing *routing,
                              const Wire__BacklinksReply *reply, bool is_admin, int64_t ends_ms,
                              struct arena *arena, struct backlinks_answer *answer)
{
    struct titles titles;
    answer->total = reply->total;
    answer->links = arena_alloc(arena, reply->n_links * sizeof(*answer->links) + 1);
    if (answer->links == NULL || ask_titles(service, routing, reply, is_admin,
                                            service_left_ms(ends_ms), arena, &titles) != STATUS_OK)
        return STATUS_NO_MEMORY;
    for (size_t i = 0; i < reply->n_links; i++) {
        const Wire__Backlink *link = reply->links[i];
        answer->links[answer->link_count++] = (struct linking_page){
            .url = link->url, .title = take_title(routing, &titles, link), .anchor = link->anchor};
    }
    return STATUS_OK;
}

static bool is_part(const void *reply)
{
    return ((const Wire__BacklinksReply *)reply)->rebuilding;
}

static enum status find_links(struct service *service, const struct routing *routing,
                              const struct url *url, unsigned page, unsigned size, bool is_admin,
                              struct arena *arena, struct backlinks_answer *answer,
                              struct error *err)
{
    int64_t ends_ms = service_ends_ms(service);
    Wire__BacklinksRequest request = WIRE__BACKLINKS_REQUEST__INIT;
    request.url = (char *)url->text;
    request.offset = (page - 1) * size;
    request.size = size;
    request.include_private = is_admin;
    struct fanout_question question = {.method = WIRE__METHOD__BACKLINKS,
                                       .reply_descriptor = &wire__backlinks_reply__descriptor,
                                       .is_part = is_part,
                                       .request = &request.base,
                                       .timeout_ms = service_left_ms(ends_ms)};
    const void *reply = NULL;
    bool is_whole = false;
    uint32_t slot = url_hash_slot(url_hash(url->text, url->text_size));
    enum status status =
        service_ask_slot(service, routing, slot, &question, arena, &reply, &is_whole, err);
    if (status != STATUS_OK)
        return status;
    answer->partial = !is_whole;
    answer->url = url->text;
    if (fill_links(service, routing, reply, is_admin, ends_ms, arena, answer) != STATUS_OK)
        return error_set(err, STATUS_NO_MEMORY, "backlinks");
    return STATUS_OK;
}

enum status service_backlinks(struct service *service, const char *url, unsigned page,
                              unsigned size, bool is_admin, struct arena *arena,
                              struct backlinks_answer *ret_answer, struct error *err)
{
    struct url parsed;
    enum status status = check_place(page, size, err);
    if (status == STATUS_OK)
        status = url_parse(url, strlen(url), NULL, arena, &parsed, err);
    if (status == STATUS_TOO_LARGE)
        status = STATUS_INVALID;
    if (status != STATUS_OK)
        return status;
    struct backlinks_answer answer = {0};
    struct routing *routing = gateway_routing(service->gateway);
    status = find_links(service, routing, &parsed, page, size, is_admin, arena, &answer, err);
    routing_release(routing);
    if (status == STATUS_OK)
        *ret_answer = answer;
    return status;
}
