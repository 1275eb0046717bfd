/*
 * An indexserver as its peers see it: the real service behind a real socket, asked by a client. A
 * made-up web and a made-up downloader stand in for the rest.
 */
#ifndef TIERCE_TESTS_INDEXSERVER_HARNESS_H
#define TIERCE_TESTS_INDEXSERVER_HARNESS_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/buffer.h"
#include "base/bytes.h"
#include "base/clock.h"
#include "indexserver/service.h"
#include "page/page.h"
#include "rpc/client.h"

#define UNUSED __attribute__((unused))

enum { SITE_PAGES_MAX = 64, SITE_LINKS_MAX = 16 };

/* A page of the made-up web. */
struct site_page {
    const char *url;
    const char *links[SITE_LINKS_MAX]; /* ends with NULL */
    unsigned status;                   /* 0: 200 */
    const char *target;                /* of a redirect */
    bool noindex;
    bool nofollow;
    unsigned version; /* in the text */
};

struct indexserver {
    char folder[PATH_MAX];
    struct cluster_key key;
    struct service *service;
    struct rpc_server *server;
    struct rpc_client *client;
    struct arena arena; /* of the last replies */
    struct error err;
    const char *robots; /* robots.txt of every host; NULL: 404 */
    struct site_page *site;
    size_t site_count;
    unsigned fetches; /* pages that the made-up downloader fetched */
    unsigned parses;
    unsigned bodies; /* each is another one: the server writes its clock into them */
    char failure[512];
};

static UNUSED void note_failed(void *context, const struct error *err)
{
    struct indexserver *ix = context;
    snprintf(ix->failure, sizeof(ix->failure), "%s", err->text);
}

static UNUSED void start(struct indexserver *ix)
{
    struct service_options options = {.folder = ix->folder,
                                      .failed = note_failed,
                                      .context = ix,
                                      .scrub_after_ms = 100,
                                      .feed_settle_ms = 1};
    ix->service = service_new(&options);
    struct rpc_server_options server = {.host = "127.0.0.1",
                                        .key = &ix->key,
                                        .handler = service_handle,
                                        .context = ix->service,
                                        .threads = 3};
    if (service_open(ix->service, &ix->err) != STATUS_OK ||
        rpc_server_open(&server, &ix->server, &ix->err) != STATUS_OK ||
        rpc_client_open(rpc_server_address(ix->server), &ix->key, &ix->client, &ix->err) !=
            STATUS_OK)
        fail_msg("%s", ix->err.text);
}

static UNUSED void stop(struct indexserver *ix)
{
    rpc_client_close(ix->client);
    if (ix->service != NULL)
        service_drain(ix->service);
    rpc_server_close(ix->server, 5000);
    service_close(ix->service);
    ix->client = NULL;
    ix->server = NULL;
    ix->service = NULL;
}

static UNUSED void restart(struct indexserver *ix)
{
    stop(ix);
    start(ix);
}

static UNUSED struct indexserver *indexserver_at(const char *folder)
{
    struct indexserver *ix = calloc(1, sizeof(*ix));
    snprintf(ix->folder, sizeof(ix->folder), "%s", folder);
    memset(ix->key.bytes, 7, sizeof(ix->key.bytes));
    return ix;
}

static UNUSED struct indexserver *indexserver_new(void)
{
    struct indexserver *ix = indexserver_at("");
    const char *temporary = getenv("TMPDIR");
    snprintf(ix->folder, sizeof(ix->folder), "%s/indexserver-test-XXXXXX",
             temporary == NULL ? "/tmp" : temporary);
    if (mkdtemp(ix->folder) == NULL)
        fail_msg("%s: no folder", ix->folder);
    return ix;
}

static UNUSED void remove_tree(const char *path)
{
    char command[PATH_MAX + 64];
    snprintf(command, sizeof(command), "rm -rf '%s'", path);
    if (system(command) != 0)
        print_message("%s is left\n", path);
}

static UNUSED void indexserver_free(struct indexserver *ix)
{
    stop(ix);
    remove_tree(ix->folder);
    arena_release(&ix->arena);
    free(ix);
}

static UNUSED enum status try_call(struct indexserver *ix, int method,
                                   const ProtobufCMessage *request,
                                   const ProtobufCMessageDescriptor *descriptor, void **ret_reply)
{
    ix->err.text[0] = '\0';
    return rpc_call(ix->client, (uint16_t)method, request, descriptor, &ix->arena, 20000, ret_reply,
                    &ix->err);
}

static UNUSED void *call(struct indexserver *ix, int method, const ProtobufCMessage *request,
                         const ProtobufCMessageDescriptor *descriptor)
{
    void *reply = NULL;
    if (try_call(ix, method, request, descriptor, &reply) != STATUS_OK)
        fail_msg("method %d: %s", method, ix->err.text);
    return reply;
}

/* ---- settings and the owner -------------------------------------------------------------------
 */

/* delay 0, this machine allowed; sources of loopback. */
static UNUSED void init_settings(Log__CrawlSettings *crawl)
{
    static char loopback[] = "127.0.0.0/8", agent[] = "tierce-test";
    static char *networks[] = {loopback};
    log__crawl_settings__init(crawl);
    crawl->user_agent = agent;
    crawl->max_pages = 10000;
    crawl->max_bytes = 1 << 30;
    crawl->allowed_networks = networks;
    crawl->n_allowed_networks = 1;
    crawl->recrawl_s = 7 * 24 * 3600;
}

static UNUSED void take_settings(struct indexserver *ix, Log__CrawlSettings *crawl)
{
    static uint64_t version;
    Wire__Settings settings = WIRE__SETTINGS__INIT;
    settings.version = crawl->version = ++version;
    settings.crawl = crawl;
    assert_int_equal(service_take_settings(ix->service, &settings, &ix->err), STATUS_OK);
}

static UNUSED void start_with_settings(struct indexserver *ix)
{
    Log__CrawlSettings crawl;
    start(ix);
    init_settings(&crawl);
    take_settings(ix, &crawl);
}

static UNUSED Wire__SubmitReply *submit(struct indexserver *ix, const char *url)
{
    Wire__SubmitRequest request = WIRE__SUBMIT_REQUEST__INIT;
    char *urls[] = {(char *)url};
    request.urls = urls;
    request.n_urls = 1;
    return call(ix, WIRE__METHOD__SUBMIT, &request.base, &wire__submit_reply__descriptor);
}

static UNUSED Wire__RemoveReply *remove_url(struct indexserver *ix, Log__RemoveScope scope,
                                            const char *value)
{
    Wire__RemoveRequest request = WIRE__REMOVE_REQUEST__INIT;
    request.scope = scope;
    request.value = (char *)value;
    return call(ix, WIRE__METHOD__REMOVE, &request.base, &wire__remove_reply__descriptor);
}

static UNUSED enum status control(struct indexserver *ix, Log__Action action, const char *source)
{
    Wire__ControlRequest request = WIRE__CONTROL_REQUEST__INIT;
    void *reply;
    request.action = action;
    request.source = (char *)source;
    return try_call(ix, WIRE__METHOD__CONTROL, &request.base, &wire__empty__descriptor, &reply);
}

static UNUSED Wire__IndexserverStatus *get_status(struct indexserver *ix)
{
    Wire__Empty request = WIRE__EMPTY__INIT;
    return call(ix, WIRE__METHOD__INDEXSERVER_STATUS, &request.base,
                &wire__indexserver_status__descriptor);
}

/* The words of one stage of LOOKUP, "verdict: words". */
static UNUSED const char *lookup(struct indexserver *ix, const char *url, const char *stage)
{
    Wire__LookupRequest request = WIRE__LOOKUP_REQUEST__INIT;
    request.url = (char *)url;
    Wire__LookupReply *reply =
        call(ix, WIRE__METHOD__LOOKUP, &request.base, &wire__lookup_reply__descriptor);
    for (size_t i = 0; i < reply->n_stages; i++) {
        if (strcmp(reply->stages[i]->name, stage) == 0)
            return arena_format(&ix->arena, "%s: %s", reply->stages[i]->verdict,
                                reply->stages[i]->words);
    }
    return "no such stage";
}

/* ---- leases -------------------------------------------------------------------------------------
 */

static UNUSED Wire__LeaseReply *lease(struct indexserver *ix, unsigned max_hosts, unsigned wait_ms)
{
    Wire__LeaseRequest request = WIRE__LEASE_REQUEST__INIT;
    request.member = 1;
    request.max_hosts = max_hosts;
    request.wait_ms = wait_ms;
    return call(ix, WIRE__METHOD__LEASE, &request.base, &wire__lease_reply__descriptor);
}

static UNUSED void report(struct indexserver *ix, Wire__Fetched **fetched, size_t count,
                          const uint64_t *finished, size_t finished_count)
{
    Wire__ReportRequest request = WIRE__REPORT_REQUEST__INIT;
    request.fetched = fetched;
    request.n_fetched = count;
    request.finished = (uint64_t *)finished;
    request.n_finished = finished_count;
    call(ix, WIRE__METHOD__REPORT, &request.base, &wire__report_reply__descriptor);
}

/* ---- the made-up web
 * ------------------------------------------------------------------------------ */

static UNUSED const struct site_page *site_find(const struct indexserver *ix, const char *url)
{
    for (size_t i = 0; i < ix->site_count; i++) {
        if (strcmp(ix->site[i].url, url) == 0)
            return &ix->site[i];
    }
    return NULL;
}

static UNUSED Log__Hop **make_hops(struct indexserver *ix, const char *url, unsigned status)
{
    static char headers[] = "Content-Type: text/html\r\nETag: \"v1\"\r\n";
    Log__Hop **hops = arena_alloc(&ix->arena, sizeof(*hops));
    hops[0] = arena_alloc(&ix->arena, sizeof(**hops));
    log__hop__init(hops[0]);
    hops[0]->url = arena_string(&ix->arena, url);
    hops[0]->status = status;
    hops[0]->headers.data = (uint8_t *)headers;
    hops[0]->headers.len = sizeof(headers) - 1;
    return hops;
}

/* Pages of the made-up web differ in their words, not in their numbers alone: numbers in letters.
 */
static UNUSED char *in_letters(struct indexserver *ix, const char *url)
{
    char *text = arena_string(&ix->arena, url);
    for (char *at = text; *at != '\0'; at++)
        *at = *at >= '0' && *at <= '9' ? (char)(*at - '0' + 'a') : *at;
    return text;
}

/* As the parser would make it. */
static UNUSED Page__Page *make_page(struct indexserver *ix, const struct site_page *site)
{
    Page__Page *page = arena_alloc(&ix->arena, sizeof(*page));
    page__page__init(page);
    page->parser_version = PAGE_PARSER_VERSION;
    page->title = arena_format(&ix->arena, "title of %s", in_letters(ix, site->url));
    page->text = arena_format(&ix->arena, "version %u", site->version);
    page->fingerprint = hash64(page->text, strlen(page->text));
    page->noindex = site->noindex;
    page->nofollow = site->nofollow;
    page->links = arena_alloc(&ix->arena, SITE_LINKS_MAX * sizeof(*page->links));
    for (size_t i = 0; i < SITE_LINKS_MAX && site->links[i] != NULL; i++) {
        Page__Link *link = arena_alloc(&ix->arena, sizeof(*link));
        const char *text = site->links[i];
        page__link__init(link);
        link->nofollow = text[0] == '!'; /* a mark of ours: rel=nofollow */
        link->url = arena_string(&ix->arena, text + link->nofollow);
        link->anchor = arena_format(&ix->arena, "to %s", link->url);
        page->links[page->n_links++] = link;
    }
    return page;
}

static UNUSED Log__Content *make_content(struct indexserver *ix, const struct site_page *site)
{
    Log__Content *content = arena_alloc(&ix->arena, sizeof(*content));
    log__content__init(content);
    content->url = arena_string(&ix->arena, site->url);
    content->hops = make_hops(ix, site->url, 200);
    content->n_hops = 1;
    content->body_zstd.data = (uint8_t *)arena_format(&ix->arena, "%04u", ++ix->bodies % 10000);
    content->body_zstd.len = 4;
    content->body_size = 4;
    content->private_address = true;
    return content;
}

static UNUSED Log__Outcome *make_outcome(struct indexserver *ix, const char *url, unsigned status,
                                         const char *target)
{
    Log__Outcome *outcome = arena_alloc(&ix->arena, sizeof(*outcome));
    log__outcome__init(outcome);
    outcome->url = arena_string(&ix->arena, url);
    outcome->hops = make_hops(ix, url, status);
    outcome->n_hops = 1;
    outcome->detail = arena_format(&ix->arena, "status %u", status);
    outcome->reason = LOG__REASON__REASON_HTTP_ERROR;
    if (target != NULL) {
        outcome->reason = LOG__REASON__REASON_REDIRECT;
        outcome->target = arena_string(&ix->arena, target);
    }
    return outcome;
}

static UNUSED void fetch_robots(struct indexserver *ix, const Wire__HostLease *lease,
                                Wire__Fetched *fetched)
{
    Log__Robots *robots = arena_alloc(&ix->arena, sizeof(*robots));
    log__robots__init(robots);
    robots->origin = lease->origin;
    robots->hops = make_hops(ix, fetched->url, ix->robots == NULL ? 404 : 200);
    robots->n_hops = 1;
    if (ix->robots != NULL) {
        robots->body.data = (uint8_t *)arena_string(&ix->arena, ix->robots);
        robots->body.len = strlen(ix->robots);
    }
    fetched->result_case = WIRE__FETCHED__RESULT_ROBOTS;
    fetched->robots = robots;
}

static UNUSED void fetch_page(struct indexserver *ix, Wire__Fetched *fetched)
{
    const struct site_page *site = site_find(ix, fetched->url);
    ix->fetches++;
    if (site == NULL || site->status >= 300) {
        fetched->result_case = WIRE__FETCHED__RESULT_OUTCOME;
        fetched->outcome = make_outcome(ix, fetched->url, site == NULL ? 404 : site->status,
                                        site == NULL ? NULL : site->target);
        return;
    }
    fetched->result_case = WIRE__FETCHED__RESULT_CONTENT;
    fetched->content = make_content(ix, site);
    fetched->page = make_page(ix, site);
}

static UNUSED void parse_page(struct indexserver *ix, const Wire__LeasedUrl *leased,
                              Wire__Fetched *fetched)
{
    static const struct site_page none = {.url = "gone"};
    const struct site_page *site = site_find(ix, leased->url);
    ix->parses++;
    fetched->sequence = leased->sequence;
    fetched->page = make_page(ix, site == NULL ? &none : site);
}

static UNUSED Wire__Fetched *fetch(struct indexserver *ix, const Wire__HostLease *lease,
                                   const Wire__LeasedUrl *leased)
{
    Wire__Fetched *fetched = arena_alloc(&ix->arena, sizeof(*fetched));
    wire__fetched__init(fetched);
    fetched->lease = lease->lease;
    fetched->url = leased->url;
    if (leased->kind == WIRE__FETCH_KIND__FETCH_ROBOTS)
        fetch_robots(ix, lease, fetched);
    else if (leased->kind == WIRE__FETCH_KIND__FETCH_PARSE)
        parse_page(ix, leased, fetched);
    else
        fetch_page(ix, fetched);
    return fetched;
}

static UNUSED void work_on(struct indexserver *ix, const Wire__HostLease *lease)
{
    Wire__Fetched *fetched[256];
    size_t count = 0;
    for (size_t i = 0; i < lease->n_urls && count < 256; i++)
        fetched[count++] = fetch(ix, lease, lease->urls[i]);
    report(ix, fetched, count, &lease->lease, 1);
}

/* Crawls until nothing is due within `wait_ms`. */
static UNUSED void crawl_all(struct indexserver *ix, unsigned wait_ms)
{
    for (;;) {
        const Wire__LeaseReply *reply = lease(ix, 8, wait_ms);
        if (reply->n_leases == 0)
            return;
        for (size_t i = 0; i < reply->n_leases; i++)
            work_on(ix, reply->leases[i]);
    }
}

/* ---- the feed
 * -------------------------------------------------------------------------------------- */

static UNUSED Wire__FeedReply *read_feed(struct indexserver *ix, uint64_t from, unsigned wait_ms)
{
    Wire__FeedRequest request = WIRE__FEED_REQUEST__INIT;
    request.from = from;
    request.slot_last = 255;
    request.wait_ms = wait_ms;
    request.member = 2;
    return call(ix, WIRE__METHOD__READ_FEED, &request.base, &wire__feed_reply__descriptor);
}

static UNUSED const char *short_name(const char *url)
{
    const char *slash = strrchr(url, '/');
    return slash[1] == '\0' ? "/" : slash + 1;
}

/* What a replica would hold that read all of it: "doc a v1; edge a>b; ..." in the order of their
 * names. */
struct replica {
    char *lines[1024];
    size_t count;
};

static UNUSED int compare_lines(const void *a, const void *b)
{
    return strcmp(*(char *const *)a, *(char *const *)b);
}

static UNUSED void replica_drop(struct replica *replica, const char *start)
{
    for (size_t i = 0; i < replica->count; i++) {
        if (strncmp(replica->lines[i], start, strlen(start)) == 0)
            replica->lines[i--] = replica->lines[--replica->count];
    }
}

static UNUSED void replica_apply(struct indexserver *ix, struct replica *replica,
                                 const Wire__FeedReply *reply)
{
    for (size_t i = 0; i < reply->n_items; i++) {
        const Wire__FeedItem *item = reply->items[i];
        char *start = NULL, *line = NULL;
        if (item->kind_case == WIRE__FEED_ITEM__KIND_DOCUMENT) {
            start = arena_format(&ix->arena, "doc %s ", short_name(item->document->url));
            line = arena_format(&ix->arena, "%s%s", start, item->document->page->text);
        } else if (item->kind_case == WIRE__FEED_ITEM__KIND_REMOVED) {
            start = arena_format(&ix->arena, "doc %s ", short_name(item->removed));
        } else if (item->kind_case == WIRE__FEED_ITEM__KIND_EDGE) {
            start = arena_format(&ix->arena, "edge %s>%s", short_name(item->edge->source),
                                 short_name(item->edge->target));
            line = item->edge->drop ? NULL : start;
        }
        if (start != NULL)
            replica_drop(replica, start);
        if (line != NULL && replica->count < 1024)
            replica->lines[replica->count++] = line;
    }
}

static UNUSED uint64_t replica_follow(struct indexserver *ix, struct replica *replica,
                                      uint64_t from)
{
    for (;;) {
        const Wire__FeedReply *reply = read_feed(ix, from, 0);
        replica_apply(ix, replica, reply);
        if (reply->next <= from)
            return from;
        from = reply->next;
    }
}

static UNUSED const char *replica_text(struct indexserver *ix, struct replica *replica)
{
    struct buffer text = {0};
    qsort(replica->lines, replica->count, sizeof(replica->lines[0]), compare_lines);
    for (size_t i = 0; i < replica->count; i++)
        buffer_append_format(&text, "%s; ", replica->lines[i]);
    const char *copy = arena_string(&ix->arena, buffer_string(&text));
    buffer_release(&text);
    return copy;
}

/* All of the feed from its start. */
static UNUSED const char *whole_feed(struct indexserver *ix)
{
    struct replica replica = {.count = 0};
    replica_follow(ix, &replica, 0);
    return replica_text(ix, &replica);
}

#endif
