/* Asks for the titles and snippets of the hits of a page. */
#include "gateway/service_search_parts.h"

enum { SNIPPET_BYTES = 300 };

struct winners {
    const ProtobufCMessage **requests; /* by shard; NULL: none of its hits is shown */
    uint64_t *prefer;                  /* who found them */
    struct fanout_answer *answers;
};

static enum status fill_requests(struct searching *search, struct winners *winners)
{
    for (unsigned i = 0; i < search->page_count; i++) {
        unsigned shard = search->page[i].shard;
        Wire__DocumentsRequest *request = (Wire__DocumentsRequest *)winners->requests[shard];
        if (request == NULL) {
            request = arena_alloc(search->arena, sizeof(*request));
            uint64_t *hashes = arena_alloc(search->arena, search->page_count * sizeof(*hashes));
            if (request == NULL || hashes == NULL)
                return STATUS_NO_MEMORY;
            wire__documents_request__init(request);
            request->url_hashes = hashes;
            request->query = search->node;
            request->include_private = search->question->is_admin;
            request->snippet_bytes = SNIPPET_BYTES;
            winners->requests[shard] = &request->base;
            winners->prefer[shard] = search->answers[shard].member;
        }
        request->url_hashes[request->n_url_hashes++] = search->page[i].url_hash;
    }
    return STATUS_OK;
}

static bool is_part(const void *reply)
{
    return ((const Wire__DocumentsReply *)reply)->rebuilding;
}

static enum status ask_documents(struct searching *search, struct winners *winners)
{
    struct arena *arena = search->arena;
    unsigned shards = search->routing->shard_count;
    winners->requests = arena_zalloc(arena, shards * sizeof(*winners->requests) + 1);
    winners->prefer = arena_zalloc(arena, shards * sizeof(*winners->prefer) + 1);
    winners->answers = arena_zalloc(arena, shards * sizeof(*winners->answers) + 1);
    if (winners->requests == NULL || winners->prefer == NULL || winners->answers == NULL ||
        fill_requests(search, winners) != STATUS_OK)
        return STATUS_NO_MEMORY;
    struct fanout_question question = {.method = WIRE__METHOD__DOCUMENTS,
                                       .reply_descriptor = &wire__documents_reply__descriptor,
                                       .is_part = is_part,
                                       .requests = winners->requests,
                                       .prefer = winners->prefer,
                                       .timeout_ms = service_left_ms(search->ends_ms)};
    if (search->page_count > 0)
        fanout_ask(search->service->fanout, search->routing, &question, arena, winners->answers);
    return STATUS_OK;
}

/* Replies are in the order asked; the hash is compared all the same. */
static const Wire__Document *take_document(const struct winners *winners,
                                           const struct search_hit *found, unsigned *read)
{
    const struct fanout_answer *answer = &winners->answers[found->shard];
    const Wire__DocumentsReply *reply = answer->status == STATUS_OK ? answer->reply : NULL;
    if (reply == NULL || read[found->shard] >= reply->n_documents)
        return NULL;
    const Wire__Document *document = reply->documents[read[found->shard]++];
    return document->url_hash == found->url_hash ? document : NULL;
}

static enum status add_result(const struct searching *search, const Wire__Document *document,
                              double score, struct search_answer *answer)
{
    const char *snippet = service_snippet(document, search->arena);
    if (snippet == NULL)
        return STATUS_NO_MEMORY;
    answer->results[answer->result_count++] = (struct found_page){
        .url = document->url,
        .title = document->title[0] == '\0' ? document->url : document->title,
        .snippet = snippet,
        .score = score,
        .language = document->language,
        .inlinks = document->inlinks,
        .fetched_us = document->fetched_us,
    };
    return STATUS_OK;
}

enum status searching_fill_results(struct searching *search, struct search_answer *answer,
                                   struct error *err)
{
    struct winners winners;
    unsigned *read = arena_zalloc(search->arena, search->routing->shard_count * sizeof(*read) + 1);
    answer->results = arena_alloc(search->arena, search->page_count * sizeof(*answer->results) + 1);
    if (read == NULL || answer->results == NULL || ask_documents(search, &winners) != STATUS_OK)
        return error_set(err, STATUS_NO_MEMORY, "search");
    for (unsigned i = 0; i < search->page_count; i++) {
        const Wire__Document *document = take_document(&winners, &search->page[i], read);
        bool is_there = document != NULL && document->found;
        if (document == NULL || (!is_there && !winners.answers[search->page[i].shard].is_whole))
            answer->partial = true; /* it does not tell whether the page is there */
        if (is_there && add_result(search, document, search->page[i].score, answer) != STATUS_OK)
            return error_set(err, STATUS_NO_MEMORY, "search");
    }
    return STATUS_OK;
}
