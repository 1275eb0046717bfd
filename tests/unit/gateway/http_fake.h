/*
 * A gateway without a cluster, for the tests of the HTTP side: a backend whose answers stand here.
 * The token is 64 times 'a', the cookie 64 times 'c', the one-time code "once" (good for one use).
 */
#ifndef TIERCE_TESTS_HTTP_FAKE_H
#define TIERCE_TESTS_HTTP_FAKE_H

#include <poll.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/check.h"
#include "gateway/http_backend.h"

#define FAKE_TOKEN  "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"
#define FAKE_COOKIE "cccccccccccccccccccccccccccccccccccccccccccccccccccccccccccccccc"
#define FAKE_NOW_US INT64_C(1795358548000000) /* 2026-11-22T14:42:28Z */

struct gateway {
    bool searching_is_for_admins;
    unsigned retry_after_s;       /* 0: within the allowance */
    _Atomic(enum status) failure; /* of every call of the service */
    bool code_is_used;
    bool is_empty;   /* nothing is indexed, nothing runs */
    bool is_hostile; /* texts are attacks */
    atomic_uint requests, errors, searches;
    int gate_fd; /* a search reads a byte from it before it answers; 0: none */
    unsigned limited_calls;
    unsigned parts; /* of the last one */
    atomic_bool is_ready;
    /* the last call */
    char query[2048], value[4096];
    unsigned page, size;
    bool is_admin;
    size_t url_count;
    int scope, action;
};

struct service {
    struct gateway *gateway;
    struct rpc_watch asker;
};

#define FAKE_ATTACK "<script>alert(1)</script>\"'><img src=x onerror=alert(2)>"

static enum status fake_fail(const struct service *service, struct error *err)
{
    return error_set(err, service->gateway->failure, "the fake was told to fail: " FAKE_ATTACK);
}

static void fake_set_ready(struct gateway *gateway, bool ready)
{
    gateway->is_ready = ready;
}

static const Wire__GatewaySettings *fake_hold_settings(struct gateway *gateway)
{
    static char first[] = "localhost:8443", second[] = "search.example";
    static char *hosts[] = {first, second};
    Wire__GatewaySettings *settings = malloc(sizeof(*settings));
    CHECK(settings != NULL);
    wire__gateway_settings__init(settings);
    settings->search_public = !gateway->searching_is_for_admins;
    settings->base_url = (char *)"https://localhost:8443";
    settings->n_hosts = 2;
    settings->hosts = hosts;
    settings->instance_name = (char *)(gateway->is_hostile ? FAKE_ATTACK : "Tierce");
    return settings;
}

static void fake_release_settings(const Wire__GatewaySettings *settings)
{
    free((void *)(uintptr_t)settings);
}

static uint64_t fake_documents(struct gateway *gateway)
{
    return gateway->is_empty ? 0 : 123456;
}

static bool fake_token_is_valid(struct gateway *gateway, const char *token)
{
    (void)gateway;
    return strcmp(token, FAKE_TOKEN) == 0;
}

static void fake_cookie_value(struct gateway *gateway, char ret[ADMIN_COOKIE_BYTES])
{
    (void)gateway;
    strcpy(ret, FAKE_COOKIE);
}

static bool fake_cookie_is_valid(struct gateway *gateway, const char *value)
{
    (void)gateway;
    return strcmp(value, FAKE_COOKIE) == 0;
}

static unsigned fake_take_allowance(struct gateway *gateway, const char *address, unsigned parts)
{
    (void)address;
    gateway->parts = parts;
    gateway->limited_calls++;
    return gateway->retry_after_s;
}

static void fake_count_request(struct gateway *gateway)
{
    gateway->requests++;
}

static void fake_count_error(struct gateway *gateway)
{
    gateway->errors++;
}

static void fake_totals(struct gateway *gateway, struct gateway_totals *ret)
{
    *ret = (struct gateway_totals){.requests = gateway->requests, .errors = gateway->errors};
}

static enum status fake_service_open(struct gateway *gateway, struct service **ret_service,
                                     struct error *err)
{
    struct service *service = calloc(1, sizeof(*service));
    if (service == NULL)
        return error_set(err, STATUS_NO_MEMORY, "fake");
    service->gateway = gateway;
    *ret_service = service;
    return STATUS_OK;
}

static void fake_service_set_asker(struct service *service, const struct rpc_watch *watch)
{
    service->asker = watch == NULL ? (struct rpc_watch){.fd = -1} : *watch;
}

static void fake_service_close(struct service *service)
{
    free(service);
}

static const char *FAKE_COPIES[] = {"https://mirror.example/btree.html",
                                    "https://mirror.example/btree.html?a=1&b=2"};
static const char *FAKE_HOSTILE_COPIES[] = {"javascript:alert(1)",
                                            "https://evil.example/\"><script>alert(1)</script>"};

static const struct found_page FAKE_RESULTS[] = {
    {"https://www.postgresql.org/docs/15/btree-implementation.html",
     "PostgreSQL: Documentation: 15: 67.4. Implementation of B-Tree Indexes",
     "This section covers <mark>B-tree</mark> <mark>index</mark> implementation details that may "
     "be "
     "of use to advanced users. See src/backend/access/nbtree/README in the source distribution "
     "for "
     "a much more detailed, internals-focused description.",
     12.5, "en", 42, FAKE_NOW_US, FAKE_COPIES, 2, 5},
    {"https://de.wikipedia.org/wiki/B%C3%A4ume_%28Datenstruktur%29/%E2%80%AEx",
     "B-Baum – Datenstruktur",
     "Ein <mark>B-Baum</mark> ist in der Informatik eine Daten- oder Indexstruktur, die häufig in "
     "Datenbanken und Dateisystemen eingesetzt wird &amp; vollständig balanciert ist.",
     9.25, "de", 1, FAKE_NOW_US - INT64_C(86400000000) * 40, NULL, 0, 0},
    {"https://example.org/", "https://example.org/", "", 3.0, "", 0, 0, NULL, 0, 0},
    {"https://blog.example.net/2024/11/"
     "a-rather-long-path-that-goes-on-and-on-and-on/and-on-until-it-is-cut-off-somewhere/page.html",
     "Averylongwordwithoutanyspacesthatwouldotherwisebreakthelayoutofanarrowscreen and more",
     "… the <mark>index</mark> is written once and never changed: <mark>index</mark> maintenance "
     "is "
     "a merge, and a merge is a sequential write …",
     2.0, "en", 1234, FAKE_NOW_US, NULL, 0, 0},
    {"https://he.example.org/%D7%A2%D7%A5", "עץ בי – מבנה נתונים",
     "במדעי המחשב, <mark>עץ</mark> הוא מבנה נתונים.", 1.5, "he", 3, FAKE_NOW_US, NULL, 0, 0},
};

static const struct found_page FAKE_ATTACKS[] = {
    {"javascript:alert(1)", FAKE_ATTACK,
     FAKE_ATTACK "<mark>open <b>bold</b></mark></mark> &amp; &#39; &copy; <mark>unclosed", 1.0,
     "\" onclick=alert(1)", 7, FAKE_NOW_US, FAKE_HOSTILE_COPIES, 2, 2},
    {"https://evil.example/\"><script>alert(1)</script>?a='&b=<", "\xff\xfe\x01 wrong bytes",
     "<mark", 1.0, "en", 1, FAKE_NOW_US, NULL, 0, 0},
    {"data:text/html,<script>alert(1)</script>", FAKE_ATTACK, "&lt;b&gt;", 1.0, "", 0, 0, NULL, 0,
     0},
};

/* False: whoever asked went away before. */
static bool fake_pass_gate(const struct service *service)
{
    char byte;
    struct pollfd polled[] = {{.fd = service->gateway->gate_fd, .events = POLLIN},
                              {.fd = service->asker.fd, .events = service->asker.events}};
    CHECK(poll(polled, 2, -1) > 0);
    if (polled[1].revents != 0)
        return false;
    CHECK(read(service->gateway->gate_fd, &byte, 1) >= 0);
    return true;
}

static enum status fake_search(struct service *service, const struct search_question *question,
                               struct arena *arena, struct search_answer *ret_answer,
                               struct error *err)
{
    static const char *notes[] = {"“the” is too frequent to search for and was left out"};
    static const char *attacks[] = {FAKE_ATTACK};
    struct gateway *gateway = service->gateway;
    gateway->searches++;
    if (gateway->gate_fd > 0 && !fake_pass_gate(service))
        return error_set(err, STATUS_CANCELLED, "whoever asked has gone");
    if (gateway->failure != STATUS_OK)
        return fake_fail(service, err);
    snprintf(gateway->query, sizeof(gateway->query), "%s", question->query);
    gateway->page = question->page;
    gateway->size = question->size;
    gateway->is_admin = question->is_admin;
    bool finds = !gateway->is_empty && strstr(question->query, "nothing") == NULL;
    *ret_answer = (struct search_answer){
        .query = question->query,
        .read_as = gateway->is_hostile ? FAKE_ATTACK : "b-tree index",
        .notes = gateway->is_hostile ? attacks : notes,
        .note_count = finds ? 1 : 0,
        .page = question->page,
        .size = question->size,
        .total = finds ? 1000 : 0,
        .total_is_lower_bound = finds,
        .partial = strstr(question->query, "partial") != NULL,
        .cursor = "next",
        .did_you_mean = !gateway->is_hostile && finds ? NULL
                        : gateway->is_hostile         ? FAKE_ATTACK
                                                      : "b-tree & index",
        .did_you_mean_total = 1234,
        .took_us = 3460,
        .shards_asked = 2,
        .shards_answered = strstr(question->query, "partial") != NULL ? 1 : 2,
        .result_count = finds ? (gateway->is_hostile ? ARRAY_COUNT(FAKE_ATTACKS)
                                                     : 2 * ARRAY_COUNT(FAKE_RESULTS))
                              : 0,
    };
    ret_answer->results = arena_alloc(arena, 10 * sizeof(struct found_page));
    CHECK(ret_answer->results != NULL);
    for (unsigned i = 0; i < ret_answer->result_count; i++)
        ret_answer->results[i] =
            gateway->is_hostile ? FAKE_ATTACKS[i] : FAKE_RESULTS[i % ARRAY_COUNT(FAKE_RESULTS)];
    return STATUS_OK;
}

static enum status fake_suggest(struct service *service, const char *query, bool is_admin,
                                struct arena *arena, struct suggest_answer *ret_answer,
                                struct error *err)
{
    static const char *suggestions[] = {"b-tree index", "B-Baum – Datenstruktur"};
    static const char *attacks[] = {FAKE_ATTACK, "\xff\"],[\""};
    (void)arena;
    struct gateway *gateway = service->gateway;
    if (gateway->failure != STATUS_OK)
        return fake_fail(service, err);
    snprintf(gateway->query, sizeof(gateway->query), "%s", query);
    gateway->is_admin = is_admin;
    *ret_answer =
        (struct suggest_answer){.query = query,
                                .suggestions = gateway->is_hostile ? attacks : suggestions,
                                .count = gateway->is_empty ? 0 : 2};
    return STATUS_OK;
}

static enum status fake_backlinks(struct service *service, const char *url, unsigned page,
                                  unsigned size, bool is_admin, struct arena *arena,
                                  struct backlinks_answer *ret_answer, struct error *err)
{
    static struct linking_page links[] = {
        {"https://example.org/reading.html", "What we read", "the PostgreSQL manual"},
        {"https://example.net/", "", ""},
    };
    static struct linking_page attacks[] = {
        {"javascript:alert(1)", FAKE_ATTACK, FAKE_ATTACK},
        {"https://evil.example/\"onmouseover=alert(1)", "", "'\"><script>"},
    };
    (void)arena;
    struct gateway *gateway = service->gateway;
    if (gateway->failure != STATUS_OK)
        return fake_fail(service, err);
    if (strcmp(url, "") == 0)
        return error_set(err, STATUS_INVALID, "an empty address");
    snprintf(gateway->value, sizeof(gateway->value), "%s", url);
    gateway->page = page;
    gateway->size = size;
    gateway->is_admin = is_admin;
    *ret_answer = (struct backlinks_answer){
        .url = gateway->is_hostile ? "javascript:alert(1)" : url,
        .total = gateway->is_empty ? 0 : 42,
        .partial = strstr(url, "partial") != NULL,
        .links = gateway->is_hostile ? attacks : links,
        .link_count = gateway->is_empty ? 0 : 2,
    };
    return STATUS_OK;
}

static enum status fake_add_urls(struct service *service, const char *const *urls, size_t count,
                                 struct arena *arena, Wire__SubmitReply **ret_reply,
                                 struct error *err)
{
    static Wire__Rejected rejected = WIRE__REJECTED__INIT;
    static Wire__Rejected *list[] = {&rejected};
    if (service->gateway->failure != STATUS_OK)
        return fake_fail(service, err);
    rejected.url = (char *)"ftp://example.org/";
    rejected.reason = (char *)"only http and https";
    service->gateway->url_count = count;
    snprintf(service->gateway->value, sizeof(service->gateway->value), "%s", urls[0]);
    Wire__SubmitReply *reply = arena_alloc(arena, sizeof(*reply));
    CHECK(reply != NULL);
    wire__submit_reply__init(reply);
    bool has_ftp = strncmp(urls[count - 1], "ftp:", 4) == 0;
    reply->accepted = (uint32_t)count - has_ftp;
    reply->n_rejected = has_ftp;
    reply->rejected = list;
    *ret_reply = reply;
    return STATUS_OK;
}

static enum status fake_remove(struct service *service, Log__RemoveScope scope, const char *value,
                               struct arena *arena, Wire__RemoveReply **ret_reply,
                               struct error *err)
{
    if (service->gateway->failure != STATUS_OK)
        return fake_fail(service, err);
    service->gateway->scope = (int)scope;
    snprintf(service->gateway->value, sizeof(service->gateway->value), "%s", value);
    Wire__RemoveReply *reply = arena_alloc(arena, sizeof(*reply));
    CHECK(reply != NULL);
    wire__remove_reply__init(reply);
    reply->removed = 7;
    *ret_reply = reply;
    return STATUS_OK;
}

static enum status fake_control(struct service *service, Log__Action action, const char *source,
                                struct error *err)
{
    if (service->gateway->failure != STATUS_OK)
        return fake_fail(service, err);
    service->gateway->action = (int)action;
    snprintf(service->gateway->value, sizeof(service->gateway->value), "%s", source);
    return STATUS_OK;
}

/* A page that has the first word of two, in its title. */
static enum status fake_explain(struct service *service, const char *query, const char *url,
                                struct arena *arena, struct explain_answer *ret_answer,
                                struct error *err)
{
    static Wire__ExplainedField field, *fields[] = {&field};
    static Wire__ExplainedForm form, *forms[] = {&form};
    static Wire__ExplainedWord word, *words[] = {&word};
    static Wire__ExplainReply reply;
    static uint32_t lengths[] = {4, 0, 3, 0, 120};
    static const char *failed[] = {"<b>"};
    (void)arena;
    if (service->gateway->failure != STATUS_OK)
        return fake_fail(service, err);
    wire__explained_field__init(&field);
    wire__explained_form__init(&form);
    wire__explained_word__init(&word);
    wire__explain_reply__init(&reply);
    field.count = 2;
    field.weighed = 1.5f;
    form.term = (ProtobufCBinaryData){3, (uint8_t *)"oak"};
    form.documents = 12;
    form.fields = fields;
    form.n_fields = 1;
    word.forms = forms;
    word.n_forms = 1;
    word.score = (1 << 20) + 1; /* what six digits would not tell */
    reply.found = true;
    reply.words = words;
    reply.n_words = 1;
    reply.lengths = lengths;
    reply.n_lengths = 5;
    *ret_answer = (struct explain_answer){
        .query = query, .read_as = query, .url = url, .reply = &reply, .failed = failed};
    ret_answer->failed_count = 1;
    return STATUS_OK;
}

static enum status fake_test_url(struct service *service, const char *url, struct arena *arena,
                                 Wire__TestUrlReply **ret_reply, struct error *err)
{
    if (service->gateway->failure != STATUS_OK)
        return fake_fail(service, err);
    Wire__TestUrlReply *reply = arena_alloc(arena, sizeof(*reply));
    CHECK(reply != NULL);
    wire__test_url_reply__init(reply);
    reply->url = arena_string(arena, url);
    *ret_reply = reply;
    return STATUS_OK;
}

static enum status fake_why(struct service *service, const char *url, struct arena *arena,
                            Wire__LookupReply **ret_reply, struct error *err)
{
    static const char *const names[] = {"scope", "robots", "frontier", "fetch", "content", "index"};
    if (service->gateway->failure != STATUS_OK)
        return fake_fail(service, err);
    Wire__LookupReply *reply = arena_alloc(arena, sizeof(*reply));
    Wire__Stage **stages = arena_alloc(arena, 6 * sizeof(*stages));
    CHECK(reply != NULL && stages != NULL);
    wire__lookup_reply__init(reply);
    reply->url = arena_string(arena, url);
    reply->known = !service->gateway->is_empty;
    reply->n_stages = reply->known ? 6 : 0;
    reply->stages = stages;
    for (size_t i = 0; i < 6; i++) {
        stages[i] = arena_alloc(arena, sizeof(Wire__Stage));
        CHECK(stages[i] != NULL);
        wire__stage__init(stages[i]);
        stages[i]->name = (char *)names[i];
        const char *verdict = i == 5 ? "waiting" : i == 1 ? "stopped" : "ok";
        const char *words = i == 1 ? "robots.txt, line 4: Disallow: /private" : "as it should be";
        stages[i]->verdict = (char *)(service->gateway->is_hostile ? FAKE_ATTACK : verdict);
        stages[i]->words = (char *)(service->gateway->is_hostile ? FAKE_ATTACK : words);
        stages[i]->time_us = FAKE_NOW_US;
    }
    *ret_reply = reply;
    return STATUS_OK;
}

static Wire__MemberStatus *fake_member(struct arena *arena, const struct gateway *gateway,
                                       Wire__Role role, const char *name, uint32_t number)
{
    Wire__MemberStatus *member = arena_zalloc(arena, sizeof(*member));
    Wire__Memory *memory = arena_zalloc(arena, sizeof(*memory));
    CHECK(member != NULL && memory != NULL);
    wire__member_status__init(member);
    wire__memory__init(memory);
    member->name = (char *)name;
    member->role = role;
    member->state = WIRE__MEMBER_STATE__STATE_READY;
    member->pid = 4000 + number;
    member->machine = (char *)"home";
    member->address = (char *)"127.0.0.1:4711";
    member->version = (char *)"0.1.0";
    member->trouble = (char *)(gateway->is_hostile ? FAKE_ATTACK : "");
    member->started_us = FAKE_NOW_US;
    memory->anonymous = 12400000 + number * 1300000;
    memory->shared = 65536;
    memory->mapped = 84000000;
    member->memory = memory;
    return member;
}

static void fake_add_barrel(struct arena *arena, Wire__MemberStatus *member, uint32_t shard)
{
    Wire__BarrelStatus *barrel = arena_zalloc(arena, sizeof(*barrel));
    CHECK(barrel != NULL);
    wire__barrel_status__init(barrel);
    barrel->shard = shard;
    barrel->documents = 61728 + shard;
    barrel->bytes = 734003200;
    barrel->position = 271828;
    barrel->segments = 5;
    member->barrel = barrel;
    member->calls = 31415;
    member->mean_response_us = 1234 + 1000 * shard;
}

static void fake_add_downloader(struct arena *arena, Wire__MemberStatus *member)
{
    Wire__DownloaderStatus *downloader = arena_zalloc(arena, sizeof(*downloader));
    CHECK(downloader != NULL);
    wire__downloader_status__init(downloader);
    downloader->pages = 1169;
    downloader->bytes = 23456789;
    downloader->errors = 3;
    downloader->fetching = 2;
    member->downloader = downloader;
}

static Wire__IndexserverStatus *fake_crawl(struct arena *arena, const struct gateway *gateway)
{
    static const char *const urls[] = {"https://www.postgresql.org/docs/15/",
                                       "https://localhost:8443/handbook/", "https://example.org/"};
    static const char *const states[] = {"crawling", "done", "paused"};
    Wire__IndexserverStatus *crawl = arena_zalloc(arena, sizeof(*crawl));
    Wire__SourceStatus **sources = arena_zalloc(arena, 3 * sizeof(*sources));
    CHECK(crawl != NULL && sources != NULL);
    wire__indexserver_status__init(crawl);
    crawl->head = 271828;
    crawl->entries = 250000;
    crawl->bytes = 3141592653;
    crawl->urls_known = 200000;
    crawl->urls_queued = 76544;
    crawl->urls_leased = 12;
    crawl->urls_fetched = 123456;
    crawl->hosts = 3;
    crawl->hosts_waiting = 1;
    crawl->pages = 123456;
    crawl->n_sources = 3;
    crawl->sources = sources;
    crawl->paused = (char *)(gateway->is_hostile ? FAKE_ATTACK : "");
    for (size_t i = 0; i < 3; i++) {
        sources[i] = arena_zalloc(arena, sizeof(*sources[i]));
        CHECK(sources[i] != NULL);
        wire__source_status__init(sources[i]);
        sources[i]->url = gateway->is_hostile ? (char *)FAKE_ATTACK : (char *)urls[i];
        sources[i]->state = (char *)states[i];
        sources[i]->fetched = 1169 - 300 * i;
        sources[i]->queued = 40 * i;
        sources[i]->bytes = 20000000 + i;
    }
    return crawl;
}

static void fake_fill_stats(Wire__Stats *stats, struct arena *arena, struct gateway *gateway)
{
    static const char *const queries[] = {"b-tree index", "wal level", "vacuum", "tierce"};
    stats->n_top_queries = ARRAY_COUNT(queries);
    stats->top_queries = arena_zalloc(arena, stats->n_top_queries * sizeof(Wire__QueryCount *));
    CHECK(stats->top_queries != NULL);
    for (size_t i = 0; i < stats->n_top_queries; i++) {
        Wire__QueryCount *count = arena_zalloc(arena, sizeof(*count));
        CHECK(count != NULL);
        wire__query_count__init(count);
        count->query = gateway->is_hostile ? (char *)FAKE_ATTACK : (char *)queries[i];
        count->count = 1000 / (i + 1) + gateway->requests;
        stats->top_queries[i] = count;
    }
    stats->n_members = 7;
    stats->members = arena_zalloc(arena, stats->n_members * sizeof(Wire__MemberStatus *));
    CHECK(stats->members != NULL);
    Wire__MemberStatus **members = stats->members;
    members[0] = fake_member(arena, gateway, WIRE__ROLE__ROLE_ORCHESTRATOR, "orchestrator", 0);
    members[1] = fake_member(arena, gateway, WIRE__ROLE__ROLE_INDEXSERVER, "indexserver", 1);
    members[2] = fake_member(arena, gateway, WIRE__ROLE__ROLE_BARREL, "barrel-0", 2);
    members[3] = fake_member(arena, gateway, WIRE__ROLE__ROLE_BARREL, "barrel-1", 3);
    members[4] = fake_member(arena, gateway, WIRE__ROLE__ROLE_DOWNLOADER, "downloader-0", 4);
    members[5] = fake_member(arena, gateway, WIRE__ROLE__ROLE_GATEWAY, "gateway-0", 5);
    members[6] = fake_member(arena, gateway, WIRE__ROLE__ROLE_GRPC, "grpc", 6);
    fake_add_barrel(arena, members[2], 0);
    fake_add_barrel(arena, members[3], 1);
    fake_add_downloader(arena, members[4]);
    stats->indexserver = fake_crawl(arena, gateway);
    stats->corpus = arena_zalloc(arena, sizeof(*stats->corpus));
    stats->memory = arena_zalloc(arena, sizeof(*stats->memory));
    CHECK(stats->corpus != NULL && stats->memory != NULL);
    wire__corpus_stats__init(stats->corpus);
    wire__memory__init(stats->memory);
    stats->corpus->documents = 123456;
    stats->memory->anonymous = 112000000;
    stats->memory->shared = 393216;
    stats->memory->mapped = 588000000;
    stats->config_error =
        (char *)(gateway->is_hostile ? FAKE_ATTACK
                                     : "config.yaml:12:5: crawl.delay: must be 0 to 3600 s");
}

static enum status fake_stats(struct service *service, struct arena *arena, Wire__Stats **ret_stats,
                              struct error *err)
{
    if (service->gateway->failure != STATUS_OK)
        return fake_fail(service, err);
    Wire__Stats *stats = arena_alloc(arena, sizeof(*stats));
    CHECK(stats != NULL);
    wire__stats__init(stats);
    stats->time_us = FAKE_NOW_US;
    stats->version = (char *)"0.1.0";
    stats->memory_limit = 2000000000;
    stats->searches = 2718 + service->gateway->requests;
    stats->requests = 31415 + service->gateway->requests;
    if (!service->gateway->is_empty)
        fake_fill_stats(stats, arena, service->gateway);
    *ret_stats = stats;
    return STATUS_OK;
}

static enum status fake_login(struct service *service, const char *code, struct error *err)
{
    if (service->gateway->failure != STATUS_OK)
        return fake_fail(service, err);
    if (service->gateway->code_is_used || strcmp(code, "once") != 0)
        return error_set(err, STATUS_DENIED, "no such code");
    service->gateway->code_is_used = true;
    return STATUS_OK;
}

static enum status fake_ready(struct service *service, struct error *err)
{
    if (service->gateway->failure != STATUS_OK)
        return fake_fail(service, err);
    return STATUS_OK;
}

static const struct http_backend FAKE_BACKEND = {
    .set_ready = fake_set_ready,
    .hold_settings = fake_hold_settings,
    .release_settings = fake_release_settings,
    .documents = fake_documents,
    .token_is_valid = fake_token_is_valid,
    .cookie_value = fake_cookie_value,
    .cookie_is_valid = fake_cookie_is_valid,
    .take_allowance = fake_take_allowance,
    .count_request = fake_count_request,
    .count_error = fake_count_error,
    .totals = fake_totals,
    .service_open = fake_service_open,
    .service_close = fake_service_close,
    .service_set_asker = fake_service_set_asker,
    .search = fake_search,
    .suggest = fake_suggest,
    .backlinks = fake_backlinks,
    .add_urls = fake_add_urls,
    .remove = fake_remove,
    .control = fake_control,
    .why = fake_why,
    .test_url = fake_test_url,
    .explain = fake_explain,
    .stats = fake_stats,
    .login = fake_login,
    .ready = fake_ready,
};

#endif
