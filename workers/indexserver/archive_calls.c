/* IMPORT and EXPORT: what an archive brings into the log, and what the log gives to one. */
#include <string.h>
#include <zstd.h>

#include "base/check.h"
#include "base/clock.h"
#include "crawl/headers.h"
#include "crawl/robots.h"
#include "indexserver/frontier.h"
#include "indexserver/scope.h"
#include "indexserver/service_parts.h"
#include "indexserver/urls.h"
#include "page/page.h"

enum {
    IMPORT_ENTRIES_MAX = 1000,
    IMPORT_HOPS_MAX = 8,
    UNPARSED_MAX = 2000, /* contents that wait for a page: more are not taken in */
    IMPORT_WAIT_MS = 500,
    EXPORT_ENTRIES_MAX = 200,
    EXPORT_SCANNED_MAX = 5000, /* entries looked at for one call */
    EXPORT_BYTES = 4 * 1024 * 1024,
};
#define FUTURE_US_MAX (3600 * (int64_t)1000000)

/* ---- IMPORT ------------------------------------------------------------------------------------
 */

struct import {
    struct service *service;
    struct views *views;
    struct arena *arena;
    struct batch *batch;
    struct table times; /* URL -> int64_t: of what this batch holds of it already */
    Wire__ImportReply *reply;
};

static bool are_hops(Log__Hop *const *hops, size_t count)
{
    if (count == 0 || count > IMPORT_HOPS_MAX)
        return false;
    for (size_t i = 0; i < count; i++) {
        if (hops[i]->headers.len > HEADERS_BYTES_MAX || strlen(hops[i]->url) > URL_BYTES_MAX ||
            hops[i]->status > 999)
            return false;
    }
    return true;
}

static bool is_body(const Log__Content *content)
{
    const ProtobufCBinaryData *packed = &content->body_zstd;
    if (content->body_size > PAGE_BODY_BYTES_MAX)
        return false;
    if (content->body_size == 0)
        return packed->len == 0;
    return ZSTD_getFrameContentSize(packed->data, packed->len) == content->body_size;
}

/* Whether nothing newer of the URL was fetched; what failed without an answer counts for nothing
 * where no content is held. */
static bool is_newer(struct import *import, const char *url, const struct url_state *state,
                     int64_t time_us)
{
    const int64_t *taken = table_get(&import->times, url);
    if (taken != NULL)
        return time_us > *taken;
    if (state->kind == URL_UNKNOWN || state->fetched_us == 0)
        return true;
    return time_us > state->fetched_us || (state->content == 0 && state->status == 0);
}

static void note_time(struct import *import, const char *url, int64_t time_us)
{
    int64_t *copy = check_alloc(arena_copy(import->arena, &time_us, sizeof(time_us)));
    table_put(&import->times, url, copy);
}

/* What stands against an entry of this URL; NULL: nothing. Counts it. */
static uint32_t *refusal(struct import *import, const char *text, int64_t time_us, struct url *url,
                         struct url_state *ret_state)
{
    *ret_state = (struct url_state){0};
    if (url_parse(text, strlen(text), NULL, import->arena, url, NULL) != STATUS_OK)
        return &import->reply->refused;
    scope_source_for(import->views->scope, url, import->arena); /* as its source spells it */
    enum status status = urls_get(import->views, url->text, ret_state, NULL);
    if (status != STATUS_OK && status != STATUS_NOT_FOUND)
        return &import->reply->refused;
    if (ret_state->kind == URL_REMOVED ||
        scope_removed_by(import->views->scope, url, import->arena) != NULL)
        return &import->reply->removed;
    if (!is_newer(import, url->text, ret_state, time_us))
        return &import->reply->held;
    return NULL;
}

static uint32_t *import_content(struct import *import, Log__Entry *entry)
{
    Log__Content *content = entry->content;
    struct url_state state;
    struct url url;
    if (!are_hops(content->hops, content->n_hops) || !is_body(content))
        return &import->reply->refused;
    uint32_t *against = refusal(import, content->url, entry->time_us, &url, &state);
    if (against != NULL)
        return against;
    content->url = (char *)url.text;
    content->imported = true;
    note_time(import, url.text, entry->time_us);
    return NULL;
}

/* An archive adds and takes nothing away: a redirect is taken where nothing of the URL is held. */
static uint32_t *import_redirect(struct import *import, Log__Entry *entry)
{
    Log__Outcome *outcome = entry->outcome;
    struct url_state state;
    struct url url, target;
    if (outcome->reason != LOG__REASON__REASON_REDIRECT ||
        !are_hops(outcome->hops, outcome->n_hops) ||
        url_parse(outcome->target, strlen(outcome->target), NULL, import->arena, &target, NULL) !=
            STATUS_OK)
        return &import->reply->refused;
    uint32_t *against = refusal(import, outcome->url, entry->time_us, &url, &state);
    if (against == NULL && (state.content != 0 || table_get(&import->times, url.text) != NULL))
        against = &import->reply->held;
    if (against != NULL)
        return against;
    outcome->url = (char *)url.text;
    outcome->target = (char *)target.text;
    outcome->imported = true;
    note_time(import, url.text, entry->time_us);
    return NULL;
}

static uint32_t *import_robots(struct import *import, Log__Entry *entry)
{
    Log__Robots *robots = entry->robots;
    struct host_view host;
    struct url url;
    if (!are_hops(robots->hops, robots->n_hops) || robots->body.len > ROBOTS_BYTES_MAX ||
        url_parse(robots->origin, strlen(robots->origin), NULL, import->arena, &url, NULL) !=
            STATUS_OK)
        return &import->reply->refused;
    frontier_host(import->views, url.origin, &host);
    const int64_t *taken = table_get(&import->times, url.origin);
    if ((host.known && host.record.robots_us >= entry->time_us) ||
        (taken != NULL && *taken >= entry->time_us))
        return &import->reply->held;
    robots->origin = (char *)url.origin;
    robots->imported = true;
    note_time(import, url.origin, entry->time_us);
    return NULL;
}

static uint32_t *import_one(struct import *import, Log__Entry *entry)
{
    if (entry->time_us <= 0 || entry->time_us > clock_unix_us() + FUTURE_US_MAX)
        return &import->reply->refused;
    switch (entry->kind_case) {
    case LOG__ENTRY__KIND_CONTENT:
        return import_content(import, entry);
    case LOG__ENTRY__KIND_OUTCOME:
        return import_redirect(import, entry);
    case LOG__ENTRY__KIND_ROBOTS:
        return import_robots(import, entry);
    default:
        return &import->reply->refused;
    }
}

static bool has_too_much_to_parse(struct views *views)
{
    pthread_mutex_lock(&views->lock);
    bool much = views->unparsed > UNPARSED_MAX;
    pthread_mutex_unlock(&views->lock);
    return much;
}

/* Answers what keeps the call from being looked at; false: nothing does. */
static bool answer_at_once(struct call_job *job)
{
    const Wire__ImportRequest *request = job->request;
    Wire__ImportReply reply = WIRE__IMPORT_REPLY__INIT;
    char words[128];
    if (request->n_entries > IMPORT_ENTRIES_MAX) {
        rpc_call_fail(job->call, STATUS_TOO_LARGE, "%zu entries at once (at most %d)",
                      request->n_entries, IMPORT_ENTRIES_MAX);
    } else if (!views_caught_up(job->service->views)) {
        rpc_call_fail(job->call, STATUS_UNAVAILABLE,
                      "the frontier is being made anew from the log: try again soon");
    } else if (disk_watch_is_full(&job->service->disk, words, sizeof(words))) {
        rpc_call_fail(job->call, STATUS_NO_SPACE, "%s", words);
    } else if (has_too_much_to_parse(job->service->views)) {
        reply.wait_ms = IMPORT_WAIT_MS;
        rpc_call_reply(job->call, &reply.base);
    } else {
        return false;
    }
    return true;
}

static bool prepare_import(struct sequencer_job *sequencer_job, struct batch *batch)
{
    struct call_job *job = (struct call_job *)sequencer_job;
    const Wire__ImportRequest *request = job->request;
    struct arena *arena = rpc_call_arena(job->call);
    if (answer_at_once(job))
        return false;
    Wire__ImportReply *reply = check_alloc(arena_alloc(arena, sizeof(*reply)));
    wire__import_reply__init(reply);
    CHECK(reply != NULL);
    struct import import = {.service = job->service,
                            .views = job->service->views,
                            .arena = arena,
                            .batch = batch,
                            .reply = reply};
    pthread_mutex_lock(&import.views->lock);
    for (size_t i = 0; i < request->n_entries; i++) {
        uint32_t *against = import_one(&import, request->entries[i]);
        if (against != NULL) {
            ++*against;
        } else {
            batch_add(batch, request->entries[i], NULL);
            reply->taken++;
        }
    }
    pthread_mutex_unlock(&import.views->lock);
    table_release(&import.times);
    job->state = reply;
    return true;
}

static void done_import(struct sequencer_job *sequencer_job, enum status status, uint64_t first,
                        const struct error *err)
{
    struct call_job *job = (struct call_job *)sequencer_job;
    Wire__ImportReply *reply = job->state;
    if (status != STATUS_OK) {
        rpc_call_fail(job->call, status, "%s", err->text);
        return;
    }
    reply->sequence = first;
    rpc_call_reply(job->call, &reply->base);
}

void import_call(struct service *service, struct rpc_call *call)
{
    call_job_add(service, call, &wire__import_request__descriptor, prepare_import, done_import,
                 true);
}

/* ---- EXPORT ------------------------------------------------------------------------------------
 */

struct export
{
    struct views *views;
    struct arena *arena;
    uint32_t source;           /* URL_NO_SOURCE: all */
    const char *source_origin; /* whose robots.txt goes with it */
    uint64_t sequences[EXPORT_ENTRIES_MAX];
    size_t count;
    size_t bytes, scanned;
    uint64_t next;
    bool full;
};

static bool is_of_source(const struct export *export, const struct url_state *state)
{
    return export->source == URL_NO_SOURCE || state->source == export->source;
}

/* Whether the entry is what is held of its URL now. */
static bool is_current(struct export *export, uint64_t sequence, const Log__Entry *entry)
{
    struct url_state state;
    struct host_view host;
    switch (entry->kind_case) {
    case LOG__ENTRY__KIND_CONTENT:
        return urls_get(export->views, entry->content->url, &state, NULL) == STATUS_OK &&
               state.content == sequence && is_of_source(export, &state);
    case LOG__ENTRY__KIND_OUTCOME:
        return entry->outcome->reason == LOG__REASON__REASON_REDIRECT &&
               urls_get(export->views, entry->outcome->url, &state, NULL) == STATUS_OK &&
               state.outcome == sequence && state.kind == URL_REDIRECT &&
               is_of_source(export, &state);
    case LOG__ENTRY__KIND_ROBOTS:
        if (export->source_origin != NULL &&
            strcmp(export->source_origin, entry->robots->origin) != 0)
            return false;
        pthread_mutex_lock(&export->views->lock);
        frontier_host(export->views, entry->robots->origin, &host);
        pthread_mutex_unlock(&export->views->lock);
        return host.known && host.record.robots == sequence;
    default:
        return false;
    }
}

static bool look_at(void *context, uint64_t sequence, const Log__Entry *entry)
{
    struct export *export = context;
    if (export->count == EXPORT_ENTRIES_MAX || export->bytes >= EXPORT_BYTES ||
        export->scanned == EXPORT_SCANNED_MAX) {
        export->full = true;
        return false;
    }
    export->scanned++;
    export->next = sequence + 1;
    if (is_current(export, sequence, entry)) {
        export->sequences[export->count++] = sequence;
        export->bytes += log__entry__get_packed_size(entry);
    }
    return true;
}

/* The source that is asked for, where one is. */
static enum status find_source(struct export *export, const char *text, struct error *err)
{
    struct url url;
    if (text[0] == '\0')
        return STATUS_OK;
    pthread_mutex_lock(&export->views->lock);
    const struct source *source = scope_source_by_url(export->views->scope, text);
    if (source != NULL)
        export->source = source->id;
    pthread_mutex_unlock(&export->views->lock);
    if (export->source == URL_NO_SOURCE)
        return error_set(err, STATUS_NOT_FOUND, "no source %s: `tierce status` lists them", text);
    enum status status = url_parse(text, strlen(text), NULL, export->arena, &url, err);
    if (status == STATUS_OK)
        export->source_origin = url.origin;
    return status;
}

/* An entry that was forgotten meanwhile is passed over. */
static enum status fetch_entries(struct log_store *log, const struct export *export,
                                 Wire__ExportReply *reply, struct error *err)
{
    reply->entries =
        check_alloc(arena_alloc(export->arena, (export->count + 1) * sizeof(*reply->entries)));
    for (size_t i = 0; i < export->count; i++) {
        Wire__LoggedEntry *logged = check_alloc(arena_alloc(export->arena, sizeof(*logged)));
        wire__logged_entry__init(logged);
        logged->sequence = export->sequences[i];
        enum status status = log_get(log, logged->sequence, export->arena, &logged->entry, err);
        if (status == STATUS_OK)
            reply->entries[reply->n_entries++] = logged;
        else if (status != STATUS_NOT_FOUND)
            return status;
    }
    reply->next = export->next;
    reply->done = !export->full;
    return STATUS_OK;
}

void export_call(struct service *service, struct rpc_call *call)
{
    const Wire__ExportRequest *request = rpc_call_request(call, &wire__export_request__descriptor);
    if (request == NULL)
        return;
    Wire__ExportReply reply = WIRE__EXPORT_REPLY__INIT;
    struct error err = {0};
    struct export export = {
        .views = service->views, .arena = rpc_call_arena(call), .next = request->from};
    enum status status = views_caught_up(service->views)
                             ? find_source(&export, request->source, &err)
                             : error_set(&err, STATUS_UNAVAILABLE,
                                         "what derives from the log is made anew: try again soon");
    if (status == STATUS_OK)
        status = log_read(service->log, request->from, look_at, &export, &err);
    if (status == STATUS_OK)
        status = fetch_entries(service->log, &export, &reply, &err);
    if (status != STATUS_OK)
        rpc_call_fail(call, status, "%s", err.text);
    else
        rpc_call_reply(call, &reply.base);
}
