/* Asks for the titles and snippets of the hits of a page. */
#include "gateway/service_search_parts.h"

enum { SNIPPET_BYTES = 300 };

struct winners {
    const ProtobufCMessage **requests; /* by shard; NULL: none of its hits is shown */
    uint64_t *prefer;                  /* who found them */
    struct fanout_answer *answers;
};

static Wire__DocumentsRequest *request_of(struct searching *search, struct winners *winners,
                                          unsigned shard)
{
    Wire__DocumentsRequest *request = (Wire__DocumentsRequest *)winners->requests[shard];
    if (request != NULL)
        return request;
    request = arena_alloc(search->arena, sizeof(*request));
    uint64_t *hashes =
        arena_alloc(search->arena, (search->page_count + search->listed_count) * sizeof(*hashes));
    if (request == NULL || hashes == NULL)
        return NULL;
    wire__documents_request__init(request);
    request->url_hashes = hashes;
    request->plain_hashes = hashes + search->page_count;
    request->query = search->node;
    request->include_private = search->question->is_admin;
    request->snippet_bytes = SNIPPET_BYTES;
    winners->requests[shard] = &request->base;
    winners->prefer[shard] = search->answers[shard].member;
    return request;
}

static enum status fill_requests(struct searching *search, struct winners *winners)
{
    for (unsigned i = 0; i < search->page_count; i++) {
        const struct page_result *result = &search->page[i];
        Wire__DocumentsRequest *request = request_of(search, winners, result->shown.shard);
        if (request == NULL)
            return STATUS_NO_MEMORY;
        request->url_hashes[request->n_url_hashes++] = result->shown.url_hash;
        for (unsigned d = 0; d < result->duplicate_count; d++) {
            const struct search_hit *duplicate = &result->duplicates[d];
            request = request_of(search, winners, duplicate->shard);
            if (request == NULL)
                return STATUS_NO_MEMORY;
            request->plain_hashes[request->n_plain_hashes++] = duplicate->url_hash;
        }
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

/* How many documents of each shard's reply were read. */
struct progress {
    unsigned results;
    unsigned duplicates;
};

/* Replies are in the order asked; the hash is compared all the same. */
static const Wire__Document *take_document(const struct winners *winners,
                                           const struct search_hit *found, unsigned at)
{
    const struct fanout_answer *answer = &winners->answers[found->shard];
    const Wire__DocumentsReply *reply = answer->status == STATUS_OK ? answer->reply : NULL;
    if (reply == NULL || at >= reply->n_documents)
        return NULL;
    const Wire__Document *document = reply->documents[at];
    return document->url_hash == found->url_hash ? document : NULL;
}

/* Those that went away, or do not answer, are left out, and not counted. */
static enum status add_duplicates(const struct searching *search, const struct winners *winners,
                                  const struct page_result *from, struct progress *progress,
                                  struct found_page *to)
{
    to->duplicate_total = from->duplicate_total;
    to->duplicates =
        arena_alloc(search->arena, (from->duplicate_count + 1) * sizeof(*to->duplicates));
    if (to->duplicates == NULL)
        return STATUS_NO_MEMORY;
    for (unsigned d = 0; d < from->duplicate_count; d++) {
        const struct search_hit *hit = &from->duplicates[d];
        const Wire__DocumentsRequest *request =
            (const Wire__DocumentsRequest *)winners->requests[hit->shard];
        size_t at = request->n_url_hashes + progress[hit->shard].duplicates++;
        const Wire__Document *document = take_document(winners, hit, (unsigned)at);
        if (document != NULL && document->found)
            to->duplicates[to->duplicate_count++] = document->url;
        else
            to->duplicate_total--;
    }
    return STATUS_OK;
}

static enum status add_result(const struct searching *search, const Wire__Document *document,
                              double score, struct found_page *ret_result)
{
    const char *snippet = service_snippet(document, search->arena);
    if (snippet == NULL)
        return STATUS_NO_MEMORY;
    *ret_result = (struct found_page){
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

static enum status fill_result(const struct searching *search, const struct winners *winners,
                               const struct page_result *from, struct progress *progress,
                               struct search_answer *answer)
{
    unsigned shard = from->shown.shard;
    const Wire__Document *document =
        take_document(winners, &from->shown, progress[shard].results++);
    bool is_there = document != NULL && document->found;
    struct found_page *result = &answer->results[answer->result_count];
    if (document == NULL || (!is_there && !winners->answers[shard].is_whole))
        answer->partial = true; /* it does not tell whether the page is there */
    if (is_there && add_result(search, document, from->shown.score, result) != STATUS_OK)
        return STATUS_NO_MEMORY;
    struct found_page gone = {0}; /* its duplicates are asked for all the same, and passed over */
    enum status status = add_duplicates(search, winners, from, progress, is_there ? result : &gone);
    if (is_there) {
        answer->result_count++;
        answer->folded_count += result->duplicate_total;
    }
    return status;
}

enum status searching_fill_results(struct searching *search, struct search_answer *answer,
                                   struct error *err)
{
    struct winners winners;
    struct progress *progress =
        arena_zalloc(search->arena, (search->routing->shard_count + 1) * sizeof(*progress));
    answer->results = arena_alloc(search->arena, search->page_count * sizeof(*answer->results) + 1);
    if (progress == NULL || answer->results == NULL || ask_documents(search, &winners) != STATUS_OK)
        return error_set(err, STATUS_NO_MEMORY, "search");
    for (unsigned i = 0; i < search->page_count; i++) {
        if (fill_result(search, &winners, &search->page[i], progress, answer) != STATUS_OK)
            return error_set(err, STATUS_NO_MEMORY, "search");
    }
    return STATUS_OK;
}
