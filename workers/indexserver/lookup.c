/* LOOKUP: the stages that a URL went through, and where it stopped. */
#include <stdio.h>
#include <string.h>

#include "base/bytes.h"
#include "base/check.h"
#include "base/clock.h"
#include "indexserver/feed.h"
#include "indexserver/frontier.h"
#include "indexserver/pages.h"
#include "indexserver/scope.h"
#include "indexserver/service_parts.h"
#include "indexserver/urls.h"

enum { STAGES_MAX = 8 };

struct lookup {
    struct service *service;
    struct views *views;
    struct arena *arena;
    struct url url;
    struct source *source; /* NULL: none names it */
    struct url_state state;
    bool known;
    Wire__LookupReply *reply;
};

static void add(struct lookup *l, const char *name, const char *verdict, const char *words,
                int64_t time_us)
{
    Wire__Stage *stage = check_alloc(arena_alloc(l->arena, sizeof(*stage)));
    CHECK(l->reply->n_stages < STAGES_MAX);
    wire__stage__init(stage);
    stage->name = (char *)name;
    stage->verdict = (char *)verdict;
    stage->words = check_alloc(arena_string(l->arena, words));
    stage->time_us = time_us;
    l->reply->stages[l->reply->n_stages++] = stage;
}

#define WORDS(...) check_alloc(arena_format(l->arena, __VA_ARGS__))

/* ---- stages
 * ---------------------------------------------------------------------------------------- */

static void add_scope(struct lookup *l)
{
    struct scope *scope = l->views->scope;
    const char *refusal = scope_refusal(scope, &l->url, l->source, l->arena);
    const char *removed = scope_removed_by(scope, &l->url, l->arena);
    if (l->known && l->state.kind == URL_REMOVED)
        removed = removed == NULL ? "the owner removed this page" : removed;
    if (removed != NULL)
        add(l, "scope", "stopped", WORDS("%s: submit it again to fetch it", removed), 0);
    else if (refusal != NULL)
        add(l, "scope", "stopped", refusal, 0);
    else if (l->source == NULL)
        add(l, "scope", "stopped", "no source names this host: add one, or submit the URL", 0);
    else if (!source_scope_takes(l->source->scope, &l->url, l->state.depth))
        add(l, "scope", "stopped",
            WORDS("source %s does not take it: %s", l->source->definition->url,
                  source_scope_words(l->source->scope, &l->url, l->state.depth, l->arena)),
            0);
    else
        add(l, "scope", "ok",
            WORDS("source %s%s", l->source->definition->url,
                  l->source->configured ? " (config.yaml)" : " (submitted)"),
            0);
}

static const char *robots_kind_words(const struct host_view *host)
{
    return host->record.robots_kind == ROBOTS_ALLOW_ALL ? "there is no robots.txt"
                                                        : "robots.txt allows it";
}

static void add_robots(struct lookup *l)
{
    struct host_view host;
    struct robots_verdict verdict;
    frontier_host(l->views, l->url.origin, &host);
    int64_t time_us = host.record.robots_us;
    if (host.record.robots_kind == ROBOTS_UNREACHABLE)
        add(l, "robots", "waiting",
            "robots.txt cannot be reached: nothing is fetched until it answers", time_us);
    else if (!frontier_robots_verdict(l->views, &l->url, &verdict))
        add(l, "robots", "unknown", "robots.txt was not asked for yet: that is the first fetch", 0);
    else if (!verdict.allowed)
        add(l, "robots", "stopped", WORDS("line %u: %s", verdict.line, verdict.rule), time_us);
    else if (verdict.line != 0)
        add(l, "robots", "ok", WORDS("line %u: %s", verdict.line, verdict.rule), time_us);
    else
        add(l, "robots", "ok", robots_kind_words(&host), time_us);
}

static const char *wait_words(struct lookup *l, const struct host_view *host)
{
    if (host->leased)
        return "its host is being fetched from now";
    if (host->wait_ms > 0)
        return WORDS("its host may be asked again in %ld s", (host->wait_ms + 999) / 1000);
    return "its turn comes next";
}

static void add_frontier(struct lookup *l)
{
    struct host_view host;
    const struct url_state *state = &l->state;
    int64_t due_us = state->due_ms >= URL_DUE_FIRST_TIME && state->due_ms != URL_DUE_NEVER
                         ? state->due_ms * 1000
                         : 0;
    struct source *source = scope_source_by_id(l->views->scope, state->source);
    const char *stopped = source == NULL ? NULL
                                         : scope_source_stopped(l->views->scope, source,
                                                                state->content == 0, l->arena);
    frontier_host(l->views, l->url.origin, &host);
    if (!l->known)
        add(l, "frontier", "unknown",
            "no fetched page links to it, and nobody submitted it: add it with `tierce crawl "
            "URL`, or its site in config.yaml",
            0);
    else if (state->kind == URL_REMOVED || state->due_ms == URL_DUE_NEVER)
        add(l, "frontier", "stopped", "it is not fetched again unless it is submitted", 0);
    else if (stopped != NULL)
        add(l, "frontier", "stopped", WORDS("its source: %s", stopped), 0);
    else if (due_us > clock_unix_us())
        add(l, "frontier", state->content != 0 ? "ok" : "waiting", "to be fetched again", due_us);
    else
        add(l, "frontier", "waiting", wait_words(l, &host), 0);
}

static const char *outcome_words(struct lookup *l)
{
    Log__Entry *entry;
    if (l->state.outcome == 0 ||
        log_get(l->service->log, l->state.outcome, l->arena, &entry, NULL) != STATUS_OK ||
        entry->kind_case != LOG__ENTRY__KIND_OUTCOME)
        return "no words about it";
    const Log__Outcome *outcome = entry->outcome;
    if (outcome->reason == LOG__REASON__REASON_REDIRECT)
        return WORDS("leads to %s", outcome->target);
    return outcome->detail[0] != '\0' ? outcome->detail : "no words about it";
}

static void add_fetch(struct lookup *l)
{
    const struct url_state *state = &l->state;
    const char *redirected = state->redirects > 0 ? ", by way of redirects" : "";
    if (!l->known || state->fetched_us == 0)
        add(l, "fetch", "unknown", "it was not fetched yet", 0);
    else if (state->reason == 0 || state->reason == LOG__REASON__REASON_NOT_MODIFIED)
        add(l, "fetch", "ok",
            WORDS("status %u in %u ms%s", state->status, state->fetch_ms, redirected),
            state->fetched_us);
    else
        add(l, "fetch", state->kind == URL_QUEUED ? "waiting" : "stopped", outcome_words(l),
            state->fetched_us);
}

static void add_content(struct lookup *l)
{
    Page__Page *page;
    if (l->state.content == 0) {
        add(l, "content", "unknown", "none is held", 0);
        return;
    }
    if (pages_get(l->views, l->state.content, l->arena, &page, NULL) != STATUS_OK)
        add(l, "content", "waiting", WORDS("%u bytes, to be parsed", l->state.bytes), 0);
    else if (page->problem != PAGE__PROBLEM__PROBLEM_NONE)
        add(l, "content", "stopped", page->problem_words, 0);
    else if (page->noindex)
        add(l, "content", "stopped", "the page asks not to be indexed (noindex)", 0);
    else
        add(l, "content", "ok",
            WORDS("%u bytes, \"%s\"%s", l->state.bytes, page->title,
                  page->canonical[0] == '\0' || strcmp(page->canonical, l->url.text) == 0
                      ? ""
                      : ", names another URL as canonical"),
            0);
}

static void add_index(struct lookup *l)
{
    uint64_t sequence = 0;
    uint32_t slot = url_hash_slot(url_hash(l->url.text, l->url.text_size));
    if (feed_document_of(l->views, l->url.text, &sequence, NULL) != STATUS_OK || sequence == 0)
        add(l, "index", "unknown", "the barrels were told nothing of it, or to remove it", 0);
    else if (sequence > l->views->feed_limit)
        add(l, "index", "waiting", "the barrels wait for pages before it to be parsed", 0);
    else
        add(l, "index", "ok", WORDS("entry %lu of the log, slot %u", sequence, slot), 0);
}

/* ---- the call
 * ----------------------------------------------------------------------------------------- */

static enum status look_up(struct lookup *l, struct error *err)
{
    l->source = scope_source_for(l->views->scope, &l->url, l->arena);
    enum status status = urls_get(l->views, l->url.text, &l->state, err);
    if (status != STATUS_OK && status != STATUS_NOT_FOUND)
        return status;
    l->known = status == STATUS_OK;
    l->reply->known = l->known;
    l->reply->url = (char *)l->url.text;
    l->reply->slot = url_hash_slot(url_hash(l->url.text, l->url.text_size));
    add_scope(l);
    add_robots(l);
    add_frontier(l);
    add_fetch(l);
    add_content(l);
    add_index(l);
    return STATUS_OK;
}

void lookup_call(struct service *service, struct rpc_call *call)
{
    const Wire__LookupRequest *request = rpc_call_request(call, &wire__lookup_request__descriptor);
    if (request == NULL)
        return;
    Wire__LookupReply reply = WIRE__LOOKUP_REPLY__INIT;
    struct error err = {0};
    struct lookup l = {.service = service,
                       .views = service->views,
                       .arena = rpc_call_arena(call),
                       .reply = &reply};
    enum status status = url_parse(request->url, strlen(request->url), NULL, l.arena, &l.url, &err);
    if (status != STATUS_OK) {
        rpc_call_fail(call, status, "%s", err.text);
        return;
    }
    reply.stages = check_alloc(arena_alloc(l.arena, STAGES_MAX * sizeof(*reply.stages)));
    pthread_mutex_lock(&service->views->lock);
    status = look_up(&l, &err);
    pthread_mutex_unlock(&service->views->lock);
    if (status != STATUS_OK)
        rpc_call_fail(call, status, "%s", err.text);
    else
        rpc_call_reply(call, &reply.base);
}
