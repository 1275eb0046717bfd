/*
 * An orchestrator, an indexserver and barrels that do what a test says, on real sockets of
 * loopback: what a gateway needs around it. Each barrel is the only replica of its shard.
 */
#ifndef TIERCE_TESTS_FAKE_CLUSTER_H
#define TIERCE_TESTS_FAKE_CLUSTER_H

#include "tests/unit/unit.h"

#include <openssl/evp.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "base/bytes.h"
#include "base/check.h"
#include "base/clock.h"
#include "base/log.h"
#include "gateway/gateway.h"
#include "index/search.h"
#include "rpc/server.h"

#define UNUSED_IS_FINE __attribute__((unused))

enum { FAKE_BARRELS_MAX = 3, FAKE_DOCUMENTS_MAX = 128, FAKE_TERMS_MAX = 16, FAKE_KEPT_MAX = 16 };

static const char fake_token[] = "0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef";

struct fake_document {
    uint64_t hash;
    double score; /* the first one; they are in its order */
    double gain;  /* by being looked at again */
    uint64_t fingerprint, simhash;
    uint32_t precedence;
    const char *url;
    const char *title;
    const char *snippet[3]; /* the second one is marked */
    bool gone;              /* a hit whose document is not there any more */
};

struct fake_word {
    const char *term, *text;
    uint64_t documents, together;
    uint32_t distance;
};

struct fake_title {
    const char *text;
    bool begins;
    double score;
};

struct fake_barrel {
    struct fake_cluster *cluster;
    struct rpc_server *server;
    char address[80];
    uint64_t member;
    /* under the cluster's mutex */
    struct fake_document documents[FAKE_DOCUMENTS_MAX];
    unsigned document_count;
    uint64_t document_frequency; /* of every term */
    uint64_t position;
    bool is_unsettled;
    bool is_rebuilding;      /* as it says */
    bool is_rebuilding_then; /* as what follows a search says */
    uint64_t total;          /* 0: as many as there are hits */
    unsigned matching; /* where all words are asked for, one less than so many of its documents; 0:
                          all */
    enum status refusal;         /* of SEARCH */
    enum status relaxed_refusal; /* of one for any of the words */
    bool is_silent;              /* keeps each SEARCH until fake_let_go() */
    struct rpc_call *kept[FAKE_KEPT_MAX];
    unsigned kept_count;
    bool mixes_up;             /* its documents come in the wrong order */
    struct fake_word words[4]; /* of SUGGEST; as candidates, of every word of CORRECT */
    unsigned word_count;
    struct fake_title titles[4];
    unsigned title_count;
    uint64_t word_documents;   /* of every word of CORRECT */
    const char *german[4];     /* German stems that documents have, so many of them each; */
    uint64_t german_documents; /* 0: no page is German */
    uint64_t counted;          /* by a SEARCH of which nothing is wanted but the total */
    char corrected[100];       /* the words of the last CORRECT, each behind a space */
    unsigned searches, document_calls, term_calls, backlink_calls, correct_calls;
    /* of the last SEARCH */
    uint32_t last_k;
    bool last_private;
    uint64_t last_epoch, last_documents;
    uint64_t last_frequencies[FAKE_TERMS_MAX];
    unsigned last_terms;
    Wire__NodeKind last_kind;
    unsigned last_node_terms;
    char last_backlinks_url[100];
};

struct fake_cluster {
    pthread_mutex_t mutex;
    pthread_cond_t changed;
    struct cluster_key key;
    struct rpc_server *orchestrator;
    struct rpc_server *indexserver;
    char indexserver_address[80];
    struct fake_barrel barrels[FAKE_BARRELS_MAX];
    unsigned barrel_count;
    /* what the orchestrator tells */
    uint64_t routing_version;
    uint64_t settings_version;
    uint64_t epoch;
    uint64_t corpus_documents;
    bool search_public;
    uint32_t cache_entries;
    uint32_t requests_per_minute;
    uint32_t burst;
    uint32_t search_timeout_ms;
    bool forgets_indexserver;
    /* what it heard */
    unsigned heartbeats;
    uint64_t heard_searches, heard_requests, heard_limited, heard_partial, heard_hits;
    char heard_query[100];
    uint64_t heard_query_count;
    uint64_t heard_barrel_calls;
    char heard_address[100];
    Wire__MemberState heard_state;
    unsigned submits;
};

/* ---- the orchestrator ---- */

struct fake_routing {
    Wire__Routing routing;
    Wire__CorpusStats corpus;
    uint64_t lengths[5];
    Wire__Shard shards[FAKE_BARRELS_MAX], *shard_list[FAKE_BARRELS_MAX];
    Wire__Replica replicas[FAKE_BARRELS_MAX], *replica_list[FAKE_BARRELS_MAX];
};

static UNUSED_IS_FINE void fake_fill_routing(struct fake_cluster *cluster,
                                             struct fake_routing *fake)
{
    wire__routing__init(&fake->routing);
    wire__corpus_stats__init(&fake->corpus);
    unsigned width = 256 / (cluster->barrel_count == 0 ? 1 : cluster->barrel_count);
    for (unsigned i = 0; i < cluster->barrel_count; i++) {
        wire__shard__init(&fake->shards[i]);
        wire__replica__init(&fake->replicas[i]);
        fake->shards[i].slot_first = i * width;
        fake->shards[i].slot_last = i + 1 == cluster->barrel_count ? 255 : (i + 1) * width - 1;
        fake->shards[i].replicas = &fake->replica_list[i];
        fake->shards[i].n_replicas = 1;
        fake->replica_list[i] = &fake->replicas[i];
        fake->shard_list[i] = &fake->shards[i];
        fake->replicas[i].member = cluster->barrels[i].member;
        fake->replicas[i].address = cluster->barrels[i].address;
        fake->replicas[i].state = WIRE__MEMBER_STATE__STATE_READY;
    }
    fake->corpus.epoch = cluster->epoch;
    fake->corpus.documents = cluster->corpus_documents;
    fake->corpus.field_lengths = fake->lengths;
    fake->corpus.n_field_lengths = 5;
    for (unsigned i = 0; i < 5; i++)
        fake->lengths[i] = 100 + i;
    fake->routing.version = cluster->routing_version;
    fake->routing.shards = fake->shard_list;
    fake->routing.n_shards = cluster->barrel_count;
    fake->routing.corpus = &fake->corpus;
    fake->routing.indexserver =
        (char *)(cluster->forgets_indexserver ? "" : cluster->indexserver_address);
}

struct fake_settings {
    Wire__Settings settings;
    Wire__GatewaySettings gateway;
    uint8_t token_hash[32];
};

static UNUSED_IS_FINE void fake_fill_settings(struct fake_cluster *cluster,
                                              struct fake_settings *fake)
{
    wire__settings__init(&fake->settings);
    wire__gateway_settings__init(&fake->gateway);
    EVP_Digest(fake_token, 64, fake->token_hash, NULL, EVP_sha256(), NULL);
    fake->settings.version = cluster->settings_version;
    fake->settings.log_level = (char *)"error";
    fake->settings.gateway = &fake->gateway;
    fake->gateway.search_public = cluster->search_public;
    fake->gateway.requests_per_minute = cluster->requests_per_minute;
    fake->gateway.burst = cluster->burst;
    fake->gateway.cache_entries = cluster->cache_entries;
    fake->gateway.search_timeout_ms = cluster->search_timeout_ms;
    fake->gateway.token_hash = (ProtobufCBinaryData){.len = 32, .data = fake->token_hash};
}

static UNUSED_IS_FINE void fake_register(struct fake_cluster *cluster, struct rpc_call *call)
{
    const Wire__RegisterRequest *request =
        rpc_call_request(call, &wire__register_request__descriptor);
    if (request == NULL)
        return;
    Wire__RegisterReply reply = WIRE__REGISTER_REPLY__INIT;
    struct fake_routing routing;
    struct fake_settings settings;
    pthread_mutex_lock(&cluster->mutex);
    fake_fill_routing(cluster, &routing);
    fake_fill_settings(cluster, &settings);
    snprintf(cluster->heard_address, sizeof(cluster->heard_address), "%s", request->address);
    reply.member = 1000;
    reply.name = (char *)"gateway-0";
    reply.heartbeat_ms = 20;
    reply.settings = &settings.settings;
    reply.routing = &routing.routing;
    rpc_call_reply(call, &reply.base);
    pthread_mutex_unlock(&cluster->mutex);
}

static UNUSED_IS_FINE void fake_hear(struct fake_cluster *cluster,
                                     const Wire__HeartbeatRequest *request)
{
    cluster->heartbeats++;
    cluster->heard_state = request->state;
    const Wire__GatewayReport *report = request->gateway;
    if (report == NULL)
        return;
    cluster->heard_searches += report->searches;
    cluster->heard_requests += report->requests;
    cluster->heard_limited += report->limited;
    cluster->heard_partial += report->partial;
    cluster->heard_hits += report->cache_hits;
    for (size_t i = 0; i < report->n_queries; i++) {
        snprintf(cluster->heard_query, sizeof(cluster->heard_query), "%s",
                 report->queries[i]->query);
        cluster->heard_query_count += report->queries[i]->count;
    }
    for (size_t i = 0; i < report->n_latencies; i++)
        cluster->heard_barrel_calls += report->latencies[i]->calls;
    pthread_cond_broadcast(&cluster->changed);
}

static UNUSED_IS_FINE void fake_heartbeat(struct fake_cluster *cluster, struct rpc_call *call)
{
    const Wire__HeartbeatRequest *request =
        rpc_call_request(call, &wire__heartbeat_request__descriptor);
    if (request == NULL)
        return;
    Wire__HeartbeatReply reply = WIRE__HEARTBEAT_REPLY__INIT;
    struct fake_routing routing;
    struct fake_settings settings;
    pthread_mutex_lock(&cluster->mutex);
    fake_hear(cluster, request);
    fake_fill_routing(cluster, &routing);
    fake_fill_settings(cluster, &settings);
    reply.routing = &routing.routing;
    if (request->settings_version != cluster->settings_version)
        reply.settings = &settings.settings;
    rpc_call_reply(call, &reply.base);
    pthread_mutex_unlock(&cluster->mutex);
}

static UNUSED_IS_FINE void fake_stats(struct rpc_call *call)
{
    Wire__Stats stats = WIRE__STATS__INIT;
    Wire__MemberStatus barrel = WIRE__MEMBER_STATUS__INIT, other = WIRE__MEMBER_STATUS__INIT;
    Wire__MemberStatus *members[] = {&barrel, &other};
    Wire__BarrelStatus status = WIRE__BARREL_STATUS__INIT;
    Wire__IndexserverStatus indexserver = WIRE__INDEXSERVER_STATUS__INIT;
    barrel.role = WIRE__ROLE__ROLE_BARREL;
    barrel.name = (char *)"barrel-0";
    barrel.state = WIRE__MEMBER_STATE__STATE_READY;
    barrel.mean_response_us = 1251;
    barrel.barrel = &status;
    status.documents = 7;
    other.role = WIRE__ROLE__ROLE_DOWNLOADER;
    other.name = (char *)"downloader-0";
    indexserver.head = 42;
    indexserver.urls_known = 43;
    stats.time_us = 1700000000000000;
    stats.searches = 5;
    stats.members = members;
    stats.n_members = 2;
    stats.indexserver = &indexserver;
    rpc_call_reply(call, &stats.base);
}

static UNUSED_IS_FINE void fake_orchestrator(void *context, struct rpc_call *call)
{
    struct fake_cluster *cluster = context;
    Wire__Empty empty = WIRE__EMPTY__INIT;
    const Wire__Login *login;
    switch (rpc_call_method(call)) {
    case WIRE__METHOD__REGISTER:
        fake_register(cluster, call);
        break;
    case WIRE__METHOD__HEARTBEAT:
        fake_heartbeat(cluster, call);
        break;
    case WIRE__METHOD__ORCHESTRATOR_STATS:
        fake_stats(call);
        break;
    case WIRE__METHOD__LOGIN_REDEEM:
        login = rpc_call_request(call, &wire__login__descriptor);
        if (login != NULL && strcmp(login->code, "right") == 0)
            rpc_call_reply(call, &empty.base);
        else if (login != NULL)
            rpc_call_fail(call, STATUS_DENIED, "the code is used or old");
        break;
    default:
        rpc_call_fail(call, STATUS_UNSUPPORTED, "no such method");
    }
}

/* ---- the indexserver ---- */

static UNUSED_IS_FINE void fake_submit(struct fake_cluster *cluster, struct rpc_call *call)
{
    const Wire__SubmitRequest *request = rpc_call_request(call, &wire__submit_request__descriptor);
    if (request == NULL)
        return;
    Wire__SubmitReply reply = WIRE__SUBMIT_REPLY__INIT;
    Wire__Rejected rejected = WIRE__REJECTED__INIT, *list[] = {&rejected};
    pthread_mutex_lock(&cluster->mutex);
    cluster->submits++;
    pthread_mutex_unlock(&cluster->mutex);
    for (size_t i = 0; i < request->n_urls; i++) {
        if (strncmp(request->urls[i], "http", 4) == 0) {
            reply.accepted++;
        } else if (reply.n_rejected == 0) {
            rejected.url = request->urls[i];
            rejected.reason = (char *)"only http and https";
            reply.rejected = list;
            reply.n_rejected = 1;
        }
    }
    rpc_call_reply(call, &reply.base);
}

static UNUSED_IS_FINE void fake_indexserver(void *context, struct rpc_call *call)
{
    Wire__LookupReply lookup = WIRE__LOOKUP_REPLY__INIT;
    Wire__Stage stage = WIRE__STAGE__INIT, *stages[] = {&stage};
    Wire__Empty empty = WIRE__EMPTY__INIT;
    Wire__RemoveReply removed = WIRE__REMOVE_REPLY__INIT;
    switch (rpc_call_method(call)) {
    case WIRE__METHOD__SUBMIT:
        fake_submit(context, call);
        break;
    case WIRE__METHOD__REMOVE:
        removed.removed = 3;
        rpc_call_reply(call, &removed.base);
        break;
    case WIRE__METHOD__LOOKUP:
        lookup.known = true;
        lookup.url = (char *)"http://example.org/";
        stage.name = (char *)"fetch";
        stage.verdict = (char *)"ok";
        lookup.stages = stages;
        lookup.n_stages = 1;
        rpc_call_reply(call, &lookup.base);
        break;
    case WIRE__METHOD__PING:
    case WIRE__METHOD__CONTROL:
        rpc_call_reply(call, &empty.base);
        break;
    default:
        rpc_call_fail(call, STATUS_UNSUPPORTED, "no such method");
    }
}

/* ---- barrels ---- */

static UNUSED_IS_FINE void fake_note_search(struct fake_barrel *barrel,
                                            const Wire__SearchRequest *request)
{
    barrel->searches++;
    barrel->last_k = request->k;
    barrel->last_private = request->include_private;
    barrel->last_epoch = request->corpus->epoch;
    barrel->last_documents = request->corpus->documents;
    barrel->last_terms = (unsigned)request->n_terms;
    for (size_t i = 0; i < request->n_terms && i < FAKE_TERMS_MAX; i++)
        barrel->last_frequencies[i] = request->terms[i]->documents;
    barrel->last_kind = request->query->kind;
    barrel->last_node_terms = (unsigned)request->query->n_terms;
}

static UNUSED_IS_FINE void fake_search(struct fake_barrel *barrel, struct rpc_call *call)
{
    const Wire__SearchRequest *request = rpc_call_request(call, &wire__search_request__descriptor);
    if (request == NULL)
        return;
    Wire__SearchReply reply = WIRE__SEARCH_REPLY__INIT;
    Wire__Hit hits[FAKE_DOCUMENTS_MAX], *list[FAKE_DOCUMENTS_MAX];
    if (request->k > 0) /* else it is only counted, for another spelling */
        fake_note_search(barrel, request);
    bool is_relaxed = request->query->kind == WIRE__NODE_KIND__NODE_OR;
    enum status refusal =
        is_relaxed && barrel->refusal == STATUS_OK ? barrel->relaxed_refusal : barrel->refusal;
    if (refusal != STATUS_OK) {
        rpc_call_fail(call, refusal, "as the test wishes");
        return;
    }
    uint32_t window = request->after_set ? 0 : ranking_default.window;
    uint32_t count = request->k > window ? request->k : window;
    bool is_strict = barrel->matching > 0 && request->query->kind == WIRE__NODE_KIND__NODE_AND;
    unsigned document_count = is_strict ? barrel->matching - 1 : barrel->document_count;
    for (unsigned i = 0; i < document_count && reply.n_hits < count; i++) {
        const struct fake_document *document = &barrel->documents[i];
        if (request->after_set &&
            (document->score > request->after_score ||
             (document->score == request->after_score && document->hash <= request->after_hash)))
            continue;
        Wire__Hit *hit = &hits[reply.n_hits];
        wire__hit__init(hit);
        hit->url_hash = document->hash;
        hit->first_score = document->score;
        hit->score = document->score + (reply.n_hits < window ? document->gain : 0);
        hit->fingerprint = document->fingerprint;
        hit->simhash = document->simhash;
        hit->precedence = document->precedence;
        list[reply.n_hits++] = hit;
    }
    reply.hits = list;
    reply.total = request->k == 0      ? barrel->counted
                  : barrel->total == 0 ? document_count
                                       : barrel->total;
    reply.total_is_lower_bound = barrel->total > 1000;
    reply.position = barrel->position;
    reply.unsettled = barrel->is_unsettled;
    reply.rebuilding = barrel->is_rebuilding;
    rpc_call_reply(call, &reply.base);
}

/* Lets a silent barrel answer, from now on and what it has kept. */
static UNUSED_IS_FINE void fake_let_go(struct fake_barrel *barrel)
{
    pthread_mutex_lock(&barrel->cluster->mutex);
    barrel->is_silent = false;
    for (unsigned i = 0; i < barrel->kept_count; i++)
        fake_search(barrel, barrel->kept[i]);
    barrel->kept_count = 0;
    pthread_mutex_unlock(&barrel->cluster->mutex);
}

static UNUSED_IS_FINE void fake_keep(struct fake_barrel *barrel, struct rpc_call *call)
{
    assert_true(barrel->kept_count < FAKE_KEPT_MAX);
    barrel->kept[barrel->kept_count++] = call;
    pthread_cond_broadcast(&barrel->cluster->changed);
}

static UNUSED_IS_FINE void fake_put_document(struct fake_barrel *barrel, uint64_t hash,
                                             Wire__Document *document, Wire__Span spans[3],
                                             Wire__Span *list[3])
{
    wire__document__init(document);
    document->url_hash = hash;
    for (unsigned i = 0; i < barrel->document_count; i++) {
        const struct fake_document *held = &barrel->documents[i];
        if (held->hash != hash || held->gone)
            continue;
        document->found = true;
        document->url = (char *)held->url;
        document->title = (char *)(held->title == NULL ? "" : held->title);
        document->inlinks = hash;
        document->fetched_us = 1700000000000000;
        document->snippet = list;
        for (unsigned j = 0; j < 3 && held->snippet[j] != NULL; j++) {
            wire__span__init(&spans[j]);
            spans[j].text = (char *)held->snippet[j];
            spans[j].marked = j == 1;
            list[document->n_snippet++] = &spans[j];
        }
    }
}

static UNUSED_IS_FINE void fake_documents(struct fake_barrel *barrel, struct rpc_call *call)
{
    const Wire__DocumentsRequest *request =
        rpc_call_request(call, &wire__documents_request__descriptor);
    if (request == NULL)
        return;
    barrel->document_calls++;
    size_t with = request->n_url_hashes, count = with + request->n_plain_hashes;
    Wire__Document *documents = calloc(count + 1, sizeof(*documents));
    Wire__Document **list = calloc(count + 1, sizeof(*list));
    Wire__Span(*spans)[3] = calloc(count + 1, sizeof(*spans));
    Wire__Span *(*span_lists)[3] = calloc(count + 1, sizeof(*span_lists));
    Wire__DocumentsReply reply = WIRE__DOCUMENTS_REPLY__INIT;
    for (size_t i = 0; i < count; i++) {
        fake_put_document(barrel,
                          i < with ? request->url_hashes[i] : request->plain_hashes[i - with],
                          &documents[i], spans[i], span_lists[i]);
        list[barrel->mixes_up ? count - 1 - i : i] = &documents[i];
    }
    reply.documents = list;
    reply.n_documents = count;
    reply.rebuilding = barrel->is_rebuilding_then;
    rpc_call_reply(call, &reply.base);
    free(documents);
    free(list);
    free(spans);
    free(span_lists);
}

static UNUSED_IS_FINE uint64_t fake_frequency(const struct fake_barrel *barrel,
                                              const ProtobufCBinaryData *term)
{
    bool is_tag = term->data[0] == 3;
    if (!is_tag && !TEXT_TERM_IS_OF_LANGUAGE(term->data))
        return barrel->document_frequency;
    for (size_t i = 0; i < ARRAY_COUNT(barrel->german) && barrel->german[i] != NULL; i++) {
        const char *word = is_tag ? "de" : barrel->german[i];
        if (strlen(word) == term->len - 1 && memcmp(word, term->data + 1, term->len - 1) == 0)
            return barrel->german_documents;
    }
    return 0;
}

static UNUSED_IS_FINE void fake_term_stats(struct fake_barrel *barrel, struct rpc_call *call)
{
    const Wire__TermStatsRequest *request =
        rpc_call_request(call, &wire__term_stats_request__descriptor);
    if (request == NULL)
        return;
    uint64_t frequencies[64];
    assert_true(request->n_terms <= 64);
    bool is_about_languages = request->n_terms > 0 && request->terms[0].data[0] == 3;
    barrel->term_calls += !is_about_languages;
    for (size_t i = 0; i < request->n_terms; i++)
        frequencies[i] = fake_frequency(barrel, &request->terms[i]);
    Wire__TermStatsReply reply = WIRE__TERM_STATS_REPLY__INIT;
    reply.documents = frequencies;
    reply.n_documents = request->n_terms;
    reply.rebuilding = barrel->is_rebuilding;
    rpc_call_reply(call, &reply.base);
}

static UNUSED_IS_FINE void fake_backlinks(struct fake_barrel *barrel, struct rpc_call *call)
{
    const Wire__BacklinksRequest *request =
        rpc_call_request(call, &wire__backlinks_request__descriptor);
    if (request == NULL)
        return;
    barrel->backlink_calls++;
    snprintf(barrel->last_backlinks_url, sizeof(barrel->last_backlinks_url), "%s", request->url);
    Wire__BacklinksReply reply = WIRE__BACKLINKS_REPLY__INIT;
    Wire__Backlink links[2], *list[2] = {&links[0], &links[1]};
    static const char *const sources[] = {"http://a.example/", "http://nowhere.example/"};
    for (unsigned i = 0; i < 2; i++) {
        wire__backlink__init(&links[i]);
        links[i].url = (char *)sources[i];
        links[i].anchor = (char *)"see here";
        links[i].url_hash = url_hash(sources[i], strlen(sources[i]));
    }
    reply.total = 2;
    reply.links = list;
    reply.n_links = 2;
    reply.rebuilding = barrel->is_rebuilding_then;
    rpc_call_reply(call, &reply.base);
}

static UNUSED_IS_FINE void fake_suggest_words(struct fake_barrel *barrel, struct rpc_call *call)
{
    Wire__SuggestReply reply = WIRE__SUGGEST_REPLY__INIT;
    Wire__SuggestedWord words[4], *word_list[4];
    Wire__SuggestedTitle titles[4], *title_list[4];
    for (unsigned i = 0; i < barrel->word_count; i++) {
        const struct fake_word *from = &barrel->words[i];
        wire__suggested_word__init(&words[i]);
        words[i].term = (ProtobufCBinaryData){strlen(from->term), (uint8_t *)from->term};
        words[i].text = (char *)from->text;
        words[i].documents = from->documents;
        words[i].together = from->together;
        word_list[i] = &words[i];
    }
    for (unsigned i = 0; i < barrel->title_count; i++) {
        wire__suggested_title__init(&titles[i]);
        titles[i].text = (char *)barrel->titles[i].text;
        titles[i].begins = barrel->titles[i].begins;
        titles[i].score = barrel->titles[i].score;
        title_list[i] = &titles[i];
    }
    reply.words = word_list;
    reply.n_words = barrel->word_count;
    reply.titles = title_list;
    reply.n_titles = barrel->title_count;
    rpc_call_reply(call, &reply.base);
}

static UNUSED_IS_FINE void fake_correct(struct fake_barrel *barrel, struct rpc_call *call)
{
    const Wire__CorrectRequest *request =
        rpc_call_request(call, &wire__correct_request__descriptor);
    if (request == NULL)
        return;
    Wire__CorrectReply reply = WIRE__CORRECT_REPLY__INIT;
    Wire__Correction corrections[8], *list[8];
    Wire__CorrectionCandidate candidates[4], *candidate_list[4];
    barrel->correct_calls++;
    barrel->corrected[0] = '\0';
    for (unsigned i = 0; i < barrel->word_count; i++) {
        const struct fake_word *from = &barrel->words[i];
        wire__correction_candidate__init(&candidates[i]);
        candidates[i].term = (ProtobufCBinaryData){strlen(from->term), (uint8_t *)from->term};
        candidates[i].text = (char *)from->text;
        candidates[i].documents = from->documents;
        candidates[i].distance = from->distance;
        candidate_list[i] = &candidates[i];
    }
    for (size_t i = 0; i < request->n_words; i++) {
        size_t used = strlen(barrel->corrected);
        snprintf(barrel->corrected + used, sizeof(barrel->corrected) - used, " %.*s",
                 (int)request->words[i].len, (const char *)request->words[i].data);
        wire__correction__init(&corrections[i]);
        corrections[i].documents = barrel->word_documents;
        corrections[i].candidates = candidate_list;
        corrections[i].n_candidates = barrel->word_count;
        list[i] = &corrections[i];
    }
    reply.corrections = list;
    reply.n_corrections = request->n_words;
    reply.rebuilding = barrel->is_rebuilding_then;
    rpc_call_reply(call, &reply.base);
}

static UNUSED_IS_FINE void fake_barrel_serve(void *context, struct rpc_call *call)
{
    struct fake_barrel *barrel = context;
    Wire__Empty empty = WIRE__EMPTY__INIT;
    Wire__ExplainReply not_found = WIRE__EXPLAIN_REPLY__INIT;
    pthread_mutex_lock(&barrel->cluster->mutex);
    switch (rpc_call_method(call)) {
    case WIRE__METHOD__SEARCH:
        if (barrel->is_silent)
            fake_keep(barrel, call);
        else
            fake_search(barrel, call);
        break;
    case WIRE__METHOD__DOCUMENTS:
        fake_documents(barrel, call);
        break;
    case WIRE__METHOD__TERM_STATS:
        fake_term_stats(barrel, call);
        break;
    case WIRE__METHOD__BACKLINKS:
        fake_backlinks(barrel, call);
        break;
    case WIRE__METHOD__SUGGEST:
        fake_suggest_words(barrel, call);
        break;
    case WIRE__METHOD__CORRECT:
        fake_correct(barrel, call);
        break;
    case WIRE__METHOD__EXPLAIN:
        not_found.rebuilding = barrel->is_rebuilding_then;
        rpc_call_reply(call, &not_found.base);
        break;
    case WIRE__METHOD__PING:
        rpc_call_reply(call, &empty.base);
        break;
    default:
        rpc_call_fail(call, STATUS_UNSUPPORTED, "no such method");
    }
    pthread_mutex_unlock(&barrel->cluster->mutex);
}

/* ---- the whole ---- */

static UNUSED_IS_FINE struct rpc_server *fake_listen(struct fake_cluster *cluster,
                                                     rpc_handler *handler, void *context)
{
    struct rpc_server_options options = {
        .host = "127.0.0.1", .key = &cluster->key, .handler = handler, .context = context};
    struct rpc_server *server = NULL;
    struct error err = {0};
    if (rpc_server_open(&options, &server, &err) != STATUS_OK)
        fail_msg("%s", err.text);
    return server;
}

static UNUSED_IS_FINE void fake_start_indexserver(struct fake_cluster *cluster)
{
    cluster->indexserver = fake_listen(cluster, fake_indexserver, cluster);
    pthread_mutex_lock(&cluster->mutex);
    snprintf(cluster->indexserver_address, sizeof(cluster->indexserver_address), "%s",
             rpc_server_address(cluster->indexserver));
    cluster->routing_version++;
    pthread_mutex_unlock(&cluster->mutex);
}

static UNUSED_IS_FINE struct fake_cluster *fake_cluster_open(unsigned barrels)
{
    struct fake_cluster *cluster = calloc(1, sizeof(*cluster));
    assert_non_null(cluster);
    log_open("test", LOG_ERROR_LEVEL);
    pthread_mutex_init(&cluster->mutex, NULL);
    pthread_cond_init(&cluster->changed, NULL);
    cluster->key = (struct cluster_key){.bytes = {4, 5, 6}};
    cluster->epoch = 1;
    cluster->settings_version = 1;
    cluster->corpus_documents = 1000;
    cluster->search_public = true;
    cluster->search_timeout_ms = 5000;
    cluster->barrel_count = barrels;
    for (unsigned i = 0; i < barrels; i++) {
        struct fake_barrel *barrel = &cluster->barrels[i];
        barrel->cluster = cluster;
        barrel->member = 10 + i;
        barrel->document_frequency = 5 + i;
        barrel->position = 100;
        barrel->server = fake_listen(cluster, fake_barrel_serve, barrel);
        snprintf(barrel->address, sizeof(barrel->address), "%s",
                 rpc_server_address(barrel->server));
    }
    fake_start_indexserver(cluster);
    cluster->orchestrator = fake_listen(cluster, fake_orchestrator, cluster);
    return cluster;
}

static UNUSED_IS_FINE void fake_barrel_stop(struct fake_barrel *barrel)
{
    rpc_server_close(barrel->server, 1000);
    barrel->server = NULL;
}

static UNUSED_IS_FINE void fake_cluster_close(struct fake_cluster *cluster)
{
    rpc_server_close(cluster->orchestrator, 1000);
    rpc_server_close(cluster->indexserver, 1000);
    for (unsigned i = 0; i < cluster->barrel_count; i++)
        rpc_server_close(cluster->barrels[i].server, 1000);
    pthread_mutex_destroy(&cluster->mutex);
    pthread_cond_destroy(&cluster->changed);
    free(cluster);
}

static UNUSED_IS_FINE struct gateway *fake_gateway(struct fake_cluster *cluster)
{
    struct gateway_options options = {.orchestrator = rpc_server_address(cluster->orchestrator),
                                      .key = cluster->key,
                                      .role = WIRE__ROLE__ROLE_GRPC,
                                      .name = "gateway-0",
                                      .address = "127.0.0.1:8000",
                                      .advertise_host = ""};
    struct gateway *gateway = NULL;
    struct error err = {0};
    if (gateway_open(&options, &gateway, &err) != STATUS_OK)
        fail_msg("%s", err.text);
    return gateway;
}

/* Waits, at most ten seconds, until the condition on the cluster's fields holds. */
#define FAKE_AWAIT(cluster, condition)                                                             \
    do {                                                                                           \
        struct timespec until_;                                                                    \
        clock_gettime(CLOCK_REALTIME, &until_);                                                    \
        until_.tv_sec += 10;                                                                       \
        pthread_mutex_lock(&(cluster)->mutex);                                                     \
        while (!(condition) &&                                                                     \
               pthread_cond_timedwait(&(cluster)->changed, &(cluster)->mutex, &until_) == 0) {     \
        }                                                                                          \
        bool holds_ = (condition);                                                                 \
        pthread_mutex_unlock(&(cluster)->mutex);                                                   \
        assert_true(holds_);                                                                       \
    } while (0)

/* Changes what the orchestrator tells and waits until the gateway has heard it. */
#define FAKE_TELL(cluster, change)                                                                 \
    do {                                                                                           \
        pthread_mutex_lock(&(cluster)->mutex);                                                     \
        change;                                                                                    \
        unsigned seen_ = (cluster)->heartbeats;                                                    \
        pthread_mutex_unlock(&(cluster)->mutex);                                                   \
        FAKE_AWAIT(cluster, (cluster)->heartbeats >= seen_ + 2);                                   \
    } while (0)

static UNUSED_IS_FINE void fake_add(struct fake_barrel *barrel, uint64_t hash, double score,
                                    const char *url, const char *title)
{
    struct fake_document *document = &barrel->documents[barrel->document_count++];
    *document = (struct fake_document){.hash = hash,
                                       .score = score,
                                       .url = url,
                                       .title = title,
                                       .snippet = {"about ", "hoops", " and staves"}};
}

#endif
