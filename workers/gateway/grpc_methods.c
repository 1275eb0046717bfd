/* tierce.v1.Gateway: the service's answers as public messages. */
#include <math.h>
#include <string.h>

#include "base/check.h"
#include "base/clock.h"
#include "cluster/names.h"
#include "gateway.pb-c.h"
#include "gateway/grpc_method.h"

/* An empty message in the arena; NULL: no memory. */
static void *new_message(struct arena *arena, const ProtobufCMessageDescriptor *descriptor)
{
    void *message = arena_alloc(arena, descriptor->sizeof_message);
    if (message != NULL)
        protobuf_c_message_init(descriptor, message);
    return message;
}

/* A list of `count` empty messages in the arena, as repeated fields want it; NULL: no memory. */
static void *new_list(struct arena *arena, const ProtobufCMessageDescriptor *descriptor,
                      size_t count)
{
    void **list = arena_alloc(arena, count * sizeof(*list) + 1);
    char *messages = arena_alloc(arena, count * descriptor->sizeof_message + 1);
    if (list == NULL || messages == NULL)
        return NULL;
    for (size_t i = 0; i < count; i++) {
        list[i] = messages + i * descriptor->sizeof_message;
        protobuf_c_message_init(descriptor, list[i]);
    }
    return list;
}

static enum status no_memory(struct error *err)
{
    return error_set(err, STATUS_NO_MEMORY, "no memory for the answer");
}

/* RFC 3339, "" for no time; NULL: no memory. */
static char *time_text(struct arena *arena, int64_t unix_us)
{
    char text[CLOCK_RFC3339_SIZE];
    return arena_string(arena, unix_us == 0 ? "" : clock_rfc3339(unix_us, text));
}

/* ---- Search ---- */

static bool put_results(const struct search_answer *answer, struct arena *arena,
                        Tierce__V1__SearchResponse *reply)
{
    reply->results = new_list(arena, &tierce__v1__search_result__descriptor, answer->result_count);
    if (reply->results == NULL)
        return false;
    for (unsigned i = 0; i < answer->result_count; i++) {
        const struct found_page *from = &answer->results[i];
        Tierce__V1__SearchResult *to = reply->results[i];
        to->url = (char *)from->url;
        to->title = (char *)from->title;
        to->snippet = (char *)from->snippet;
        to->score = from->score;
        to->language = (char *)from->language;
        to->inlinks = from->inlinks;
        to->duplicates = (char **)from->duplicates;
        to->n_duplicates = from->duplicate_count;
        to->duplicate_count = from->duplicate_total;
        to->fetched_at = time_text(arena, from->fetched_us);
        if (to->fetched_at == NULL)
            return false;
    }
    reply->n_results = answer->result_count;
    return true;
}

static enum status put_search(const struct search_answer *answer, struct arena *arena,
                              ProtobufCMessage **ret_reply, struct error *err)
{
    Tierce__V1__SearchResponse *reply =
        new_message(arena, &tierce__v1__search_response__descriptor);
    Tierce__V1__Shards *shards = new_message(arena, &tierce__v1__shards__descriptor);
    if (reply == NULL || shards == NULL || !put_results(answer, arena, reply))
        return no_memory(err);
    reply->query = (char *)answer->query;
    reply->read_as = (char *)answer->read_as;
    reply->notes = (char **)answer->notes;
    reply->n_notes = answer->note_count;
    reply->page = answer->page;
    reply->size = answer->size;
    reply->total = answer->total;
    reply->total_relation = answer->total_is_lower_bound ? TIERCE__V1__TOTAL_RELATION__GTE
                                                         : TIERCE__V1__TOTAL_RELATION__EQ;
    reply->partial = answer->partial;
    reply->cursor = (char *)answer->cursor;
    reply->took_ms = (double)answer->took_us / 1000;
    reply->shards = shards;
    shards->asked = answer->shards_asked;
    shards->answered = answer->shards_answered;
    if (answer->did_you_mean != NULL) {
        reply->did_you_mean = new_message(arena, &tierce__v1__did_you_mean__descriptor);
        if (reply->did_you_mean == NULL)
            return no_memory(err);
        reply->did_you_mean->query = (char *)answer->did_you_mean;
        reply->did_you_mean->total = answer->did_you_mean_total;
    }
    *ret_reply = &reply->base;
    return STATUS_OK;
}

static enum status search(struct grpc_job *job, const ProtobufCMessage *message,
                          ProtobufCMessage **ret_reply, struct error *err)
{
    const Tierce__V1__SearchRequest *request = (const Tierce__V1__SearchRequest *)message;
    struct search_question question = {
        .query = request->query,
        .page = request->page == 0 ? 1 : request->page,
        .size = request->size == 0 ? SEARCH_SIZE_DEFAULT : request->size,
        .cursor = request->cursor,
        .is_admin = job->is_admin,
        .shows_duplicates = request->show_duplicates,
    };
    struct search_answer answer;
    enum status status = service_search(job->service, &question, job->arena, &answer, err);
    return status == STATUS_OK ? put_search(&answer, job->arena, ret_reply, err) : status;
}

/* ---- Suggest ---- */

static enum status suggest(struct grpc_job *job, const ProtobufCMessage *message,
                           ProtobufCMessage **ret_reply, struct error *err)
{
    const Tierce__V1__SuggestRequest *request = (const Tierce__V1__SuggestRequest *)message;
    struct suggest_answer answer;
    enum status status =
        service_suggest(job->service, request->query, job->is_admin, job->arena, &answer, err);
    if (status != STATUS_OK)
        return status;
    Tierce__V1__SuggestResponse *reply =
        new_message(job->arena, &tierce__v1__suggest_response__descriptor);
    if (reply == NULL)
        return no_memory(err);
    reply->query = (char *)answer.query;
    reply->suggestions = (char **)answer.suggestions;
    reply->n_suggestions = answer.count;
    *ret_reply = &reply->base;
    return STATUS_OK;
}

/* ---- Backlinks ---- */

static enum status backlinks(struct grpc_job *job, const ProtobufCMessage *message,
                             ProtobufCMessage **ret_reply, struct error *err)
{
    const Tierce__V1__BacklinksRequest *request = (const Tierce__V1__BacklinksRequest *)message;
    struct backlinks_answer answer;
    enum status status =
        service_backlinks(job->service, request->url, request->page == 0 ? 1 : request->page,
                          request->size == 0 ? SEARCH_SIZE_DEFAULT : request->size, job->is_admin,
                          job->arena, &answer, err);
    if (status != STATUS_OK)
        return status;
    Tierce__V1__BacklinksResponse *reply =
        new_message(job->arena, &tierce__v1__backlinks_response__descriptor);
    Tierce__V1__Backlink **links =
        new_list(job->arena, &tierce__v1__backlink__descriptor, answer.link_count);
    if (reply == NULL || links == NULL)
        return no_memory(err);
    for (unsigned i = 0; i < answer.link_count; i++) {
        links[i]->url = (char *)answer.links[i].url;
        links[i]->title = (char *)answer.links[i].title;
        links[i]->anchor = (char *)answer.links[i].anchor;
    }
    reply->url = (char *)answer.url;
    reply->total = answer.total;
    reply->partial = answer.partial;
    reply->links = links;
    reply->n_links = answer.link_count;
    *ret_reply = &reply->base;
    return STATUS_OK;
}

/* ---- AddUrls, Why ---- */

static enum status add_urls(struct grpc_job *job, const ProtobufCMessage *message,
                            ProtobufCMessage **ret_reply, struct error *err)
{
    const Tierce__V1__AddUrlsRequest *request = (const Tierce__V1__AddUrlsRequest *)message;
    Wire__SubmitReply *submitted;
    enum status status = service_add_urls(job->service, (const char *const *)request->urls,
                                          request->n_urls, job->arena, &submitted, err);
    if (status != STATUS_OK)
        return status;
    Tierce__V1__AddUrlsResponse *reply =
        new_message(job->arena, &tierce__v1__add_urls_response__descriptor);
    Tierce__V1__RejectedUrl **rejected =
        new_list(job->arena, &tierce__v1__rejected_url__descriptor, submitted->n_rejected);
    if (reply == NULL || rejected == NULL)
        return no_memory(err);
    for (size_t i = 0; i < submitted->n_rejected; i++) {
        rejected[i]->url = submitted->rejected[i]->url;
        rejected[i]->reason = submitted->rejected[i]->reason;
    }
    reply->accepted = submitted->accepted;
    reply->rejected = rejected;
    reply->n_rejected = submitted->n_rejected;
    *ret_reply = &reply->base;
    return STATUS_OK;
}

static bool put_facts(struct arena *arena, const Wire__Stage *from, Tierce__V1__Stage *to)
{
    to->facts = new_list(arena, &tierce__v1__fact__descriptor, from->n_facts);
    if (to->facts == NULL)
        return false;
    for (size_t i = 0; i < from->n_facts; i++) {
        to->facts[i]->name = from->facts[i]->name;
        to->facts[i]->value = from->facts[i]->value;
    }
    to->n_facts = from->n_facts;
    return true;
}

static bool put_fetches(struct arena *arena, const Wire__LookupReply *from,
                        Tierce__V1__WhyResponse *to)
{
    to->fetches = new_list(arena, &tierce__v1__past_fetch__descriptor, from->n_fetches);
    if (to->fetches == NULL)
        return false;
    for (size_t i = 0; i < from->n_fetches; i++) {
        const Wire__PastFetch *fetch = from->fetches[i];
        to->fetches[i]->time = time_text(arena, fetch->time_us);
        to->fetches[i]->status = fetch->status;
        to->fetches[i]->result = (char *)fetch_result_name(fetch->reason);
        to->fetches[i]->fetch_ms = fetch->fetch_ms;
        to->fetches[i]->changed = fetch->changed;
        to->fetches[i]->words = fetch->words;
        if (to->fetches[i]->time == NULL)
            return false;
    }
    to->n_fetches = from->n_fetches;
    return true;
}

static enum status why(struct grpc_job *job, const ProtobufCMessage *message,
                       ProtobufCMessage **ret_reply, struct error *err)
{
    const Tierce__V1__WhyRequest *request = (const Tierce__V1__WhyRequest *)message;
    Wire__LookupReply *known;
    enum status status = service_why(job->service, request->url, job->arena, &known, err);
    if (status != STATUS_OK)
        return status;
    Tierce__V1__WhyResponse *reply = new_message(job->arena, &tierce__v1__why_response__descriptor);
    Tierce__V1__Stage **stages =
        new_list(job->arena, &tierce__v1__stage__descriptor, known->n_stages);
    if (reply == NULL || stages == NULL)
        return no_memory(err);
    for (size_t i = 0; i < known->n_stages; i++) {
        stages[i]->name = known->stages[i]->name;
        stages[i]->verdict = known->stages[i]->verdict;
        stages[i]->words = known->stages[i]->words;
        stages[i]->time = time_text(job->arena, known->stages[i]->time_us);
        stages[i]->cure = known->stages[i]->cure;
        if (stages[i]->time == NULL || !put_facts(job->arena, known->stages[i], stages[i]))
            return no_memory(err);
    }
    reply->url = known->url;
    reply->known = known->known;
    reply->stages = stages;
    reply->n_stages = known->n_stages;
    if (!put_fetches(job->arena, known, reply))
        return no_memory(err);
    *ret_reply = &reply->base;
    return STATUS_OK;
}

/* ---- Stats ---- */

static void put_barrel(const Wire__MemberStatus *member, Tierce__V1__BarrelStats *to)
{
    to->name = member->name;
    to->address = member->address;
    to->state = (char *)state_name(member->state);
    to->mean_response_ms = round((double)member->mean_response_us / 100) / 10;
    if (member->barrel == NULL)
        return;
    to->shard = member->barrel->shard;
    to->replica = member->barrel->replica;
    to->documents = member->barrel->documents;
    to->bytes = member->barrel->bytes;
    to->position = member->barrel->position;
}

static void put_downloader(const Wire__MemberStatus *member, Tierce__V1__DownloaderStats *to)
{
    to->name = member->name;
    if (member->downloader == NULL)
        return;
    to->pages = member->downloader->pages;
    to->bytes = member->downloader->bytes;
    to->errors = member->downloader->errors;
    to->fetching = member->downloader->fetching;
}

static bool put_members(const Wire__Stats *stats, struct arena *arena,
                        Tierce__V1__StatsResponse *reply)
{
    reply->barrels = new_list(arena, &tierce__v1__barrel_stats__descriptor, stats->n_members);
    reply->downloaders =
        new_list(arena, &tierce__v1__downloader_stats__descriptor, stats->n_members);
    if (reply->barrels == NULL || reply->downloaders == NULL)
        return false;
    for (size_t i = 0; i < stats->n_members; i++) {
        const Wire__MemberStatus *member = stats->members[i];
        if (member->role == WIRE__ROLE__ROLE_BARREL)
            put_barrel(member, reply->barrels[reply->n_barrels++]);
        else if (member->role == WIRE__ROLE__ROLE_DOWNLOADER)
            put_downloader(member, reply->downloaders[reply->n_downloaders++]);
    }
    return true;
}

static bool put_frontier(const Wire__Stats *stats, struct arena *arena,
                         Tierce__V1__StatsResponse *reply)
{
    const Wire__IndexserverStatus *indexserver = stats->indexserver;
    if (indexserver == NULL)
        return true;
    reply->frontier = new_message(arena, &tierce__v1__frontier_stats__descriptor);
    if (reply->frontier == NULL)
        return false;
    reply->frontier->known = indexserver->urls_known;
    reply->frontier->queued = indexserver->urls_queued;
    reply->frontier->leased = indexserver->urls_leased;
    reply->frontier->fetched = indexserver->urls_fetched;
    reply->frontier->hosts = indexserver->hosts;
    reply->frontier->paused = indexserver->paused;
    reply->log_position = indexserver->head;
    reply->log_bytes = indexserver->bytes;
    return true;
}

static bool put_queries(const Wire__Stats *stats, struct arena *arena,
                        Tierce__V1__StatsResponse *reply)
{
    reply->top_searches =
        new_list(arena, &tierce__v1__top_search__descriptor, stats->n_top_queries);
    if (reply->top_searches == NULL)
        return false;
    for (size_t i = 0; i < stats->n_top_queries; i++) {
        reply->top_searches[i]->query = stats->top_queries[i]->query;
        reply->top_searches[i]->count = stats->top_queries[i]->count;
    }
    reply->n_top_searches = stats->n_top_queries;
    return true;
}

enum status grpc_stats_message(struct service *service, struct arena *arena,
                               ProtobufCMessage **ret_message, struct error *err)
{
    Wire__Stats *stats;
    enum status status = service_stats(service, arena, &stats, err);
    if (status != STATUS_OK)
        return status;
    Tierce__V1__StatsResponse *reply = new_message(arena, &tierce__v1__stats_response__descriptor);
    if (reply == NULL || !put_queries(stats, arena, reply) || !put_members(stats, arena, reply) ||
        !put_frontier(stats, arena, reply))
        return no_memory(err);
    reply->time = time_text(arena, stats->time_us);
    reply->searches = stats->searches;
    if (stats->memory != NULL)
        reply->memory_bytes = stats->memory->anonymous + stats->memory->shared;
    if (reply->time == NULL)
        return no_memory(err);
    *ret_message = &reply->base;
    return STATUS_OK;
}

static enum status stats(struct grpc_job *job, const ProtobufCMessage *message,
                         ProtobufCMessage **ret_reply, struct error *err)
{
    (void)message; /* it has no fields */
    return grpc_stats_message(job->service, job->arena, ret_reply, err);
}

static enum status explain(struct grpc_job *job, const ProtobufCMessage *message,
                           ProtobufCMessage **ret_reply, struct error *err)
{
    const Tierce__V1__ExplainRequest *request = (const Tierce__V1__ExplainRequest *)message;
    return grpc_explain_message(job->service, request->query, request->url, job->arena, ret_reply,
                                err);
}

/* ---- the table ---- */

const struct grpc_method grpc_gateway_methods[] = {
    {"/tierce.v1.Gateway/Search", GRPC_UNARY, GRPC_PUBLIC, &tierce__v1__search_request__descriptor,
     search},
    {"/tierce.v1.Gateway/Suggest", GRPC_UNARY, GRPC_PUBLIC,
     &tierce__v1__suggest_request__descriptor, suggest},
    {"/tierce.v1.Gateway/Backlinks", GRPC_UNARY, GRPC_PUBLIC,
     &tierce__v1__backlinks_request__descriptor, backlinks},
    {"/tierce.v1.Gateway/AddUrls", GRPC_UNARY, GRPC_ADMIN,
     &tierce__v1__add_urls_request__descriptor, add_urls},
    {"/tierce.v1.Gateway/Why", GRPC_UNARY, GRPC_ADMIN, &tierce__v1__why_request__descriptor, why},
    {"/tierce.v1.Gateway/Explain", GRPC_UNARY, GRPC_ADMIN, &tierce__v1__explain_request__descriptor,
     explain},
    {"/tierce.v1.Gateway/Stats", GRPC_UNARY, GRPC_ADMIN, &tierce__v1__stats_request__descriptor,
     stats},
    {"/tierce.v1.Gateway/WatchStats", GRPC_WATCH_STATS, GRPC_ADMIN,
     &tierce__v1__stats_request__descriptor, NULL},
};
const unsigned grpc_gateway_method_count = ARRAY_COUNT(grpc_gateway_methods);

static const struct grpc_method *find_in(const struct grpc_method *methods, unsigned count,
                                         const char *path)
{
    for (unsigned i = 0; i < count; i++) {
        if (strcmp(methods[i].path, path) == 0)
            return &methods[i];
    }
    return NULL;
}

const struct grpc_method *grpc_method_find(const char *path)
{
    const struct grpc_method *method =
        find_in(grpc_gateway_methods, grpc_gateway_method_count, path);
    if (method == NULL)
        method = find_in(grpc_health_methods, grpc_health_method_count, path);
    if (method == NULL)
        method = find_in(grpc_reflection_methods, grpc_reflection_method_count, path);
    return method;
}
