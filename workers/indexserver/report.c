/* REPORT: what the downloaders fetched. */
#include <string.h>

#include "base/check.h"
#include "base/clock.h"
#include "indexserver/appraisal.h"
#include "indexserver/frontier.h"
#include "indexserver/hosts.h"
#include "indexserver/pages.h"
#include "indexserver/service_parts.h"
#include "indexserver/urls.h"
#include "page/page.h"

enum {
    RUNNING_OUT_MAX = 128,     /* leases of one report that are looked at */
    REPORTED_LEASES_MAX = 128, /* the same, of those that it brings something of */
};

/* A page of a content that the log has already. */
struct late_page {
    uint64_t sequence;
    const Page__Page *page;
    struct late_page *next;
};

struct report {
    struct service *service;
    struct arena *arena;
    struct batch *batch;
    struct late_page *late;
    struct table moves; /* of struct appraisal */
};

/*
 * Whether what was fetched is still wanted: its lease is held, or (after a restart, or where the
 * lease's time was over) nobody fetched it since.
 */
static bool is_wanted(struct report *r, const Wire__Fetched *fetched, const struct url_state *state)
{
    if (state->kind == URL_REMOVED)
        return false;
    return frontier_has_lease(r->service->views, fetched->lease) ||
           state->due_ms <= clock_unix_us() / 1000;
}

/* An answer to a URL that is still to be fetched, or was removed meanwhile, is one that its lease
 * waits for: a report that is sent twice counts once. */
static void note_answer(struct report *r, const Wire__Fetched *fetched,
                        const struct url_state *state)
{
    if (state->kind == URL_REMOVED || state->due_ms <= clock_unix_us() / 1000)
        frontier_note_answer(r->service->views, fetched->lease);
}

/* The URL's state; false: drop what was reported. */
static bool find_state(struct report *r, const Wire__Fetched *fetched, struct url *ret_url,
                       struct url_state *ret_state)
{
    *ret_state = (struct url_state){0};
    if (url_parse(fetched->url, strlen(fetched->url), NULL, r->arena, ret_url, NULL) != STATUS_OK)
        return false;
    if (!views_caught_up(r->service->views))
        return true; /* nobody can tell yet: keep it */
    if (urls_get(r->service->views, ret_url->text, ret_state, NULL) != STATUS_OK)
        return false;
    note_answer(r, fetched, ret_state);
    return is_wanted(r, fetched, ret_state);
}

/* The entry has the time by which it was appraised. */
static void add_entry(struct report *r, Log__Entry *entry, const Page__Page *page, int64_t time_us)
{
    entry->time_us = time_us;
    batch_add(r->batch, entry, page);
}

static void take_appraised(struct report *r, const struct url_state *state, Log__Outcome *outcome)
{
    struct appraisal appraisal = {.now_us = clock_unix_us(), .moves = &r->moves};
    appraise_outcome(r->service->views, state, outcome, r->arena, &appraisal);
    add_entry(r, entry_of_outcome(r->arena, outcome), NULL, appraisal.now_us);
    if (appraisal.removes)
        add_entry(
            r,
            entry_of_remove(r->arena, LOG__REMOVE_SCOPE__REMOVE_PAGE, outcome->url, appraisal.by),
            NULL, appraisal.now_us);
}

/* A content that is not held comes down to an outcome. */
static Log__Outcome *outcome_of(struct report *r, const Log__Content *content, Log__Reason reason,
                                const char *detail)
{
    Log__Outcome *outcome = check_alloc(arena_alloc(r->arena, sizeof(*outcome)));
    log__outcome__init(outcome);
    outcome->url = content->url;
    outcome->reason = reason;
    outcome->n_hops = content->n_hops;
    outcome->hops = content->hops;
    outcome->detail = (char *)detail;
    outcome->fetch_ms = content->fetch_ms;
    outcome->recrawl_s = content->recrawl_s;
    return outcome;
}

/* As good as "not modified". Its headers may hold newer validators. */
static void take_same(struct report *r, const struct url_state *state, const Log__Content *content)
{
    take_appraised(
        r, state, outcome_of(r, content, LOG__REASON__REASON_NOT_MODIFIED, "sent again as it was"));
}

static void keep_held(struct report *r, const Log__Content *content, const Page__Page *page,
                      int64_t time_us)
{
    const char *detail = page->noindex_by[0] != '\0' ? page->noindex_by : "noindex";
    Log__Outcome *outcome = outcome_of(r, content, LOG__REASON__REASON_NOINDEX, detail);
    outcome->kept = true;
    add_entry(r, entry_of_outcome(r->arena, outcome), NULL, time_us);
}

static void take_content(struct report *r, const Wire__Fetched *fetched)
{
    struct url url;
    struct url_state state;
    if (!find_state(r, fetched, &url, &state))
        return;
    Log__Content *content = fetched->content;
    struct appraisal appraisal = {.now_us = clock_unix_us(), .moves = &r->moves};
    content->url = (char *)url.text;
    appraise_content(r->service->views, &state, content, fetched->page, r->arena, &appraisal);
    if (appraisal.same)
        take_same(r, &state, content);
    else if (appraisal.kept)
        keep_held(r, content, fetched->page, appraisal.now_us);
    else
        add_entry(r, entry_of_content(r->arena, content), fetched->page, appraisal.now_us);
}

static void take_outcome(struct report *r, const Wire__Fetched *fetched)
{
    struct url url;
    struct url_state state;
    if (!find_state(r, fetched, &url, &state))
        return;
    fetched->outcome->url = (char *)url.text;
    take_appraised(r, &state, fetched->outcome);
}

static void take_robots(struct report *r, const Wire__Fetched *fetched)
{
    struct host_view host;
    frontier_note_answer(r->service->views, fetched->lease);
    frontier_host(r->service->views, fetched->robots->origin, &host);
    if (host.known || !views_caught_up(r->service->views))
        batch_add(r->batch, entry_of_robots(r->arena, fetched->robots), NULL);
}

/* ---- pages of contents that are in the log already ----------------------------------------------
 */

/* The content is appended again, so that readers who have seen it get the new page. */
static void renew_content(struct report *r, const Wire__Fetched *fetched, const Page__Page *page)
{
    Log__Entry *entry;
    struct url_state state;
    if (log_get(r->service->log, fetched->sequence, r->arena, &entry, NULL) != STATUS_OK ||
        entry->kind_case != LOG__ENTRY__KIND_CONTENT ||
        urls_get(r->service->views, entry->content->url, &state, NULL) != STATUS_OK ||
        state.content != fetched->sequence)
        return;                       /* a newer one came, or it was removed */
    batch_add(r->batch, entry, page); /* it keeps its time: that of the fetch */
}

/* Whether it is a page of this version. Where it is none, that counts against the content; where it
 * is of another version, others may have the content. */
static bool is_page(struct report *r, const Wire__Fetched *fetched)
{
    struct parse_queue *queue = &r->service->views->frontier->parsing;
    if (fetched->page == NULL)
        parse_queue_failed(queue, fetched->sequence);
    else if (fetched->page->parser_version != PAGE_PARSER_VERSION)
        parse_queue_later(queue, fetched->sequence, clock_boot_ms());
    else
        return true;
    return false;
}

static void take_late_page(struct report *r, const Wire__Fetched *fetched)
{
    struct views *views = r->service->views;
    bool unparsed = false, old = false;
    const Page__Page *page = fetched->page;
    if (!is_page(r, fetched) ||
        pages_is_unparsed(views, fetched->sequence, &unparsed, NULL) != STATUS_OK ||
        pages_is_old(views, fetched->sequence, &old, NULL) != STATUS_OK)
        return;
    frontier_parsed(views, fetched->sequence);
    if (old && !unparsed) {
        renew_content(r, fetched, page);
        return;
    }
    struct late_page *late = check_alloc(arena_alloc(r->arena, sizeof(*late)));
    *late = (struct late_page){fetched->sequence, page, r->late};
    r->late = late;
}

/* ---- the call
 * ------------------------------------------------------------------------------------ */

static void take_fetched(struct report *r, const Wire__Fetched *fetched)
{
    if (fetched->sequence != 0) {
        take_late_page(r, fetched);
        return;
    }
    if (trials_take(r->service, fetched))
        return;
    switch (fetched->result_case) {
    case WIRE__FETCHED__RESULT_CONTENT:
        take_content(r, fetched);
        break;
    case WIRE__FETCHED__RESULT_OUTCOME:
        take_outcome(r, fetched);
        break;
    case WIRE__FETCHED__RESULT_ROBOTS:
        take_robots(r, fetched);
        break;
    default:
        break;
    }
}

static bool prepare(struct sequencer_job *sequencer_job, struct batch *batch)
{
    struct call_job *job = (struct call_job *)sequencer_job;
    const Wire__ReportRequest *request = job->request;
    struct report r = {.service = job->service, .arena = rpc_call_arena(job->call), .batch = batch};
    /* A sender that lives sends it again: it is not to be logged twice. */
    if (rpc_call_cancelled(job->call)) {
        rpc_call_fail(job->call, STATUS_CANCELLED, "nobody waits for the answer");
        return false;
    }
    pthread_mutex_lock(&job->service->views->lock);
    for (size_t i = 0; i < request->n_fetched; i++)
        take_fetched(&r, request->fetched[i]);
    pthread_mutex_unlock(&job->service->views->lock);
    table_release(&r.moves);
    job->state = r.late;
    return true;
}

static enum status finish(struct service *service, const Wire__ReportRequest *request,
                          struct error *err)
{
    enum status status = STATUS_OK;
    pthread_mutex_lock(&service->views->lock);
    for (size_t i = 0; i < request->n_finished && status == STATUS_OK; i++)
        status = frontier_finish(service->views, request->finished[i], clock_boot_ms(), err);
    pthread_mutex_unlock(&service->views->lock);
    return status;
}

/* More URLs for leases that run out: so their holder need not wait for the next lease. */
static void grow_leases(struct call_job *job, Wire__ReportReply *ret_reply)
{
    const Wire__ReportRequest *request = job->request;
    struct arena *arena = rpc_call_arena(job->call);
    size_t count =
        request->n_running_out < RUNNING_OUT_MAX ? request->n_running_out : RUNNING_OUT_MAX;
    if (count == 0 || service_paused(job->service, arena) != NULL)
        return;
    ret_reply->more = check_alloc(arena_alloc(arena, count * sizeof(*ret_reply->more)));
    pthread_mutex_lock(&job->service->views->lock);
    ret_reply->n_more = frontier_grow(job->service->views, request->running_out, count,
                                      clock_boot_ms(), arena, ret_reply->more);
    pthread_mutex_unlock(&job->service->views->lock);
}

/* Leases of which something was reported, and under which nothing more is to be fetched. */
static void fill_revoked(struct call_job *job, Wire__ReportReply *ret_reply)
{
    const Wire__ReportRequest *request = job->request;
    struct arena *arena = rpc_call_arena(job->call);
    uint64_t named[REPORTED_LEASES_MAX];
    size_t count = 0;
    bool news;
    for (size_t i = 0; i < request->n_fetched && count < REPORTED_LEASES_MAX; i++) {
        size_t at = 0;
        while (at < count && named[at] != request->fetched[i]->lease)
            at++;
        named[at] = request->fetched[i]->lease;
        count += at == count;
    }
    ret_reply->revoked = check_alloc(arena_alloc(arena, (count + 1) * sizeof(*ret_reply->revoked)));
    pthread_mutex_lock(&job->service->views->lock);
    ret_reply->n_revoked =
        frontier_revoked(job->service->views, named, count, ret_reply->revoked, &news);
    pthread_mutex_unlock(&job->service->views->lock);
}

static enum status take_late_pages(struct service *service, const struct late_page *late,
                                   struct error *err)
{
    enum status status = STATUS_OK;
    if (late == NULL)
        return STATUS_OK;
    for (; late != NULL && status == STATUS_OK; late = late->next)
        status = views_take_page(service->views, late->sequence, late->page, err);
    feed_calls_wake(&service->feeds);
    if (status != STATUS_OK)
        return sequencer_fail(service->sequencer, status, err);
    return STATUS_OK;
}

static void done(struct sequencer_job *sequencer_job, enum status status, uint64_t first,
                 const struct error *append_err)
{
    struct call_job *job = (struct call_job *)sequencer_job;
    struct error err = *append_err;
    if (status == STATUS_OK)
        status = take_late_pages(job->service, job->state, &err);
    if (status == STATUS_OK)
        status = finish(job->service, job->request, &err);
    if (status != STATUS_OK) {
        rpc_call_fail(job->call, status, "%s", err.text);
        return;
    }
    Wire__ReportReply reply = WIRE__REPORT_REPLY__INIT;
    reply.sequence = first;
    grow_leases(job, &reply);
    fill_revoked(job, &reply);
    rpc_call_reply(job->call, &reply.base);
}

void report_call(struct service *service, struct rpc_call *call)
{
    call_job_add(service, call, &wire__report_request__descriptor, prepare, done, false);
}
