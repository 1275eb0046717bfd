#include "indexserver/lease_calls.h"

#include <string.h>

#include "base/check.h"
#include "base/clock.h"
#include "base/log.h"
#include "indexserver/appraisal.h"
#include "indexserver/hosts.h"
#include "indexserver/scope.h"
#include "indexserver/service_parts.h"
#include "indexserver/urls.h"
#include "page/page.h"

enum {
    ROUNDS_MAX = 8,         /* of looking for a URL that is not forbidden, for one call */
    LEASES_HELD_MAX = 1000, /* of one call that are looked at */
    ELSEWHERE_MS = 200,     /* hosts that another downloader may take are looked at again */
};

/* ---- answers -----------------------------------------------------------------------------------
 */

/* Names those that it holds and nothing more is to be fetched under; returns whether that is news.
 */
static bool fill_revoked(struct service *service, struct rpc_call *call,
                         const Wire__LeaseRequest *request, Wire__LeaseReply *reply)
{
    size_t count = request->n_held < LEASES_HELD_MAX ? request->n_held : LEASES_HELD_MAX;
    bool news;
    reply->revoked =
        check_alloc(arena_alloc(rpc_call_arena(call), (count + 1) * sizeof(*reply->revoked)));
    pthread_mutex_lock(&service->views->lock);
    reply->n_revoked =
        frontier_revoked(service->views, request->held, count, reply->revoked, &news);
    pthread_mutex_unlock(&service->views->lock);
    return news;
}

static void answer_empty(struct service *service, struct rpc_call *call,
                         const Wire__LeaseRequest *request)
{
    Wire__LeaseReply reply = WIRE__LEASE_REPLY__INIT;
    fill_revoked(service, call, request, &reply);
    pthread_mutex_lock(&service->views->lock);
    int64_t wait = frontier_next_ms(service->views) - clock_boot_ms();
    pthread_mutex_unlock(&service->views->lock);
    reply.retry_ms = (uint32_t)(wait < 1 ? 1 : wait > LEASE_RETRY_MS ? LEASE_RETRY_MS : wait);
    rpc_call_reply(call, &reply.base);
}

static void remove_call_at(struct lease_calls *calls, size_t index)
{
    memmove(&calls->waiting[index], &calls->waiting[index + 1],
            (--calls->count - index) * sizeof(calls->waiting[0]));
}

/* ---- what is found on the way
 * ---------------------------------------------------------------------- */

/* Under the lock. */
static void add_denied(struct service *service, const struct frontier_denied *denied,
                       struct arena *arena, struct appraisal *appraisal, struct batch *batch)
{
    struct url_state state;
    if (urls_get(service->views, denied->url, &state, NULL) != STATUS_OK)
        return;
    Log__Outcome *outcome = check_alloc(arena_alloc(arena, sizeof(*outcome)));
    log__outcome__init(outcome);
    outcome->url = (char *)denied->url;
    outcome->reason = denied->reason;
    outcome->detail = (char *)denied->words;
    appraise_outcome(service->views, &state, outcome, arena, appraisal);
    batch_add(batch, entry_of_outcome(arena, outcome), NULL);
    if (appraisal->removes)
        batch_add(
            batch,
            entry_of_remove(arena, LOG__REMOVE_SCOPE__REMOVE_PAGE, denied->url, appraisal->by),
            NULL);
}

/* Notes in the log what may not be fetched: it is not asked for again until it is due. */
static enum status note_denied(struct service *service, const struct frontier_grant *grant,
                               struct arena *arena, struct error *err)
{
    struct batch batch = {0};
    struct table moves = {0};
    struct appraisal appraisal = {.now_us = clock_unix_us(), .moves = &moves};
    uint64_t first;
    pthread_mutex_lock(&service->views->lock);
    for (size_t i = 0; i < grant->denied_count; i++)
        add_denied(service, &grant->denied[i], arena, &appraisal, &batch);
    pthread_mutex_unlock(&service->views->lock);
    for (size_t i = 0; i < batch.count; i++)
        batch.entries[i]->time_us = appraisal.now_us;
    enum status status = sequencer_append(service->sequencer, &batch, &first, NULL, err);
    batch_release(&batch);
    table_release(&moves);
    return status;
}

/* A content of which there will be no page counts as one that says so: the feed goes on. */
static enum status give_up_parsing(struct service *service, struct error *err)
{
    struct views *views = service->views;
    const struct parse_queue *queue = &views->frontier->parsing;
    enum status status = STATUS_OK;
    for (unsigned i = 0; i < queue->hopeless_count && status == STATUS_OK; i++) {
        const struct parse_hopeless *hopeless = &queue->hopeless[i];
        log_warning("entry %lu gets no page: %s", hopeless->sequence, hopeless->words);
        status = views_give_up(views, hopeless->sequence, hopeless->words, err);
        pthread_mutex_lock(&views->lock);
        frontier_parsed(views, hopeless->sequence);
        pthread_mutex_unlock(&views->lock);
    }
    feed_calls_wake(&service->feeds);
    return status == STATUS_OK ? status : sequencer_fail(service->sequencer, status, err);
}

static enum status take_findings(struct service *service, const struct frontier_grant *grant,
                                 struct arena *arena, struct error *err)
{
    enum status status = STATUS_OK;
    if (grant->denied_count > 0)
        status = note_denied(service, grant, arena, err);
    if (status == STATUS_OK && grant->unparsable != 0)
        status = give_up_parsing(service, err);
    return status;
}

/* ---- what may be leased
 * ------------------------------------------------------------------------------------------ */

/* The feed waits for pages: what is in the log is parsed although nothing may be fetched. */
enum leasing {
    LEASE_NOTHING,     /* nobody can tell what waits, or nothing may be written */
    LEASE_FIRST_PAGES, /* of contents that have none: the log does not grow by them */
    LEASE_PARSES,      /* those, and pages that an older parser made */
    LEASE_ALL,
};

static enum leasing may_lease(struct service *service)
{
    struct views *views = service->views;
    char words[128];
    pthread_mutex_lock(&views->lock);
    bool ready = views->trouble.status == STATUS_OK && views_caught_up(views);
    bool paused = scope_is_paused(views->scope);
    pthread_mutex_unlock(&views->lock);
    if (!ready || disk_watch_is_exhausted(&service->disk))
        return LEASE_NOTHING;
    if (disk_watch_is_full(&service->disk, words, sizeof(words)))
        return LEASE_FIRST_PAGES;
    return paused ? LEASE_PARSES : LEASE_ALL;
}

/* ---- granting
 * ------------------------------------------------------------------------------------------ */

static enum status lease_parses(struct views *views, bool first_pages, int64_t now_ms,
                                struct arena *arena, struct frontier_grant *ret_grant,
                                struct error *err)
{
    struct parse_queue *queue = &views->frontier->parsing;
    *ret_grant = (struct frontier_grant){0};
    ret_grant->leases = arena_alloc(arena, sizeof(*ret_grant->leases));
    if (ret_grant->leases == NULL)
        return error_set(err, STATUS_NO_MEMORY, "no memory");
    enum status status = (first_pages ? parse_queue_lease_first : parse_queue_lease)(
        views, queue, now_ms, arena, &ret_grant->leases[0], err);
    ret_grant->unparsable = queue->gave_up;
    if (status == STATUS_OK && ret_grant->leases[0] != NULL)
        ret_grant->lease_count = 1;
    return status;
}

static enum status lease_what_may_be(struct service *service, enum leasing leasing,
                                     const struct lease_call *waiting,
                                     struct frontier_grant *ret_grant, struct error *err)
{
    struct views *views = service->views;
    struct arena *arena = rpc_call_arena(waiting->call);
    int64_t now_ms = clock_boot_ms();
    enum status status;
    pthread_mutex_lock(&views->lock);
    if (leasing == LEASE_ALL)
        status = frontier_lease(views, waiting->request->member, waiting->request->max_hosts,
                                now_ms, arena, ret_grant, err);
    else
        status = lease_parses(views, leasing == LEASE_FIRST_PAGES, now_ms, arena, ret_grant, err);
    pthread_mutex_unlock(&views->lock);
    return status;
}

/* Answers the call where there is something for it. Returns whether it did. */
static bool try_call(struct service *service, enum leasing leasing,
                     const struct lease_call *waiting)
{
    struct arena *arena = rpc_call_arena(waiting->call);
    struct error err = {0};
    for (int round = 0; round < ROUNDS_MAX; round++) {
        struct frontier_grant grant;
        enum status status = lease_what_may_be(service, leasing, waiting, &grant, &err);
        if (status == STATUS_OK)
            status = take_findings(service, &grant, arena, &err);
        if (status != STATUS_OK) {
            rpc_call_fail(waiting->call, status, "%s", err.text);
            return true;
        }
        if (grant.lease_count > 0) {
            Wire__LeaseReply reply = WIRE__LEASE_REPLY__INIT;
            reply.leases = grant.leases;
            reply.n_leases = grant.lease_count;
            fill_revoked(service, waiting->call, waiting->request, &reply);
            rpc_call_reply(waiting->call, &reply.base);
            return true;
        }
        if (grant.denied_count == 0 && grant.unparsable == 0)
            return false;
    }
    return false;
}

/* Answers the call with a trial that waits for a downloader. Returns whether it did. */
static bool try_trial(struct service *service, const struct lease_call *waiting)
{
    Wire__LeaseReply reply = WIRE__LEASE_REPLY__INIT;
    Wire__HostLease *lease =
        trials_lease(service, waiting->request->member, rpc_call_arena(waiting->call));
    if (lease == NULL)
        return false;
    reply.leases = &lease;
    reply.n_leases = 1;
    fill_revoked(service, waiting->call, waiting->request, &reply);
    rpc_call_reply(waiting->call, &reply.base);
    return true;
}

/* Answers the call where leases that it holds are taken back. Returns whether it did. */
static bool try_revoke(struct service *service, struct lease_call *waiting)
{
    Wire__LeaseReply reply = WIRE__LEASE_REPLY__INIT;
    uint64_t controls = service->views->frontier->controls;
    if (waiting->controls == controls)
        return false;
    waiting->controls = controls;
    if (!fill_revoked(service, waiting->call, waiting->request, &reply))
        return false;
    rpc_call_reply(waiting->call, &reply.base);
    return true;
}

/* When there may be something to lease; INT64_MAX: not before something changes. */
static int64_t next_lease_ms(struct service *service, enum leasing leasing)
{
    struct views *views = service->views;
    pthread_mutex_lock(&views->lock);
    int64_t next = leasing == LEASE_ALL ? frontier_next_ms(views)
                                        : parse_queue_next_ms(&views->frontier->parsing);
    if (leasing == LEASE_ALL && views->frontier->leased_elsewhere &&
        next < clock_boot_ms() + ELSEWHERE_MS)
        next = clock_boot_ms() + ELSEWHERE_MS;
    pthread_mutex_unlock(&views->lock);
    return next;
}

int64_t lease_calls_serve(struct service *service)
{
    struct lease_calls *calls = &service->leases;
    int64_t now = clock_boot_ms(), next;
    int64_t trials_next = trials_serve(service, calls->draining);
    pthread_mutex_lock(&service->views->lock);
    frontier_expire(service->views, now);
    pthread_mutex_unlock(&service->views->lock);
    enum leasing leasing = calls->count == 0 ? LEASE_NOTHING : may_lease(service);
    for (size_t i = 0; i < calls->count;) {
        struct lease_call *waiting = &calls->waiting[i];
        bool over = calls->draining || now >= waiting->until_ms;
        bool answered = !rpc_call_cancelled(waiting->call) && try_revoke(service, waiting);
        if (answered)
            over = true;
        else if (leasing != LEASE_NOTHING && !calls->draining && !rpc_call_cancelled(waiting->call))
            answered = try_trial(service, waiting) || try_call(service, leasing, waiting);
        else if (rpc_call_cancelled(waiting->call))
            over = true;
        if (!answered && over)
            answer_empty(service, waiting->call, waiting->request);
        if (answered || over)
            remove_call_at(calls, i);
        else
            i++;
    }
    next = next_lease_ms(service, leasing);
    for (size_t i = 0; i < calls->count; i++)
        next = calls->waiting[i].until_ms < next ? calls->waiting[i].until_ms : next;
    next = calls->count == 0 ? INT64_MAX : next;
    return trials_next < next ? trials_next : next;
}

/* ---- calls come in
 * --------------------------------------------------------------------------------------- */

static bool prepare(struct sequencer_job *job, struct batch *batch)
{
    struct call_job *call_job = (struct call_job *)job;
    struct service *service = call_job->service;
    struct lease_calls *calls = &service->leases;
    const Wire__LeaseRequest *request = call_job->request;
    int64_t now = clock_boot_ms();
    (void)batch;
    pthread_mutex_lock(&service->views->lock);
    frontier_prolong(service->views, request->member, request->held, request->n_held, now);
    pthread_mutex_unlock(&service->views->lock);
    if (request->max_hosts == 0) { /* it wanted nothing but to prolong */
        answer_empty(service, call_job->call, request);
        return false;
    }
    if (calls->count == LEASE_CALLS_MAX) {
        rpc_call_fail(call_job->call, STATUS_OVERLOADED, "%d calls wait for leases",
                      LEASE_CALLS_MAX);
        return false;
    }
    uint32_t wait = request->wait_ms > LEASE_WAIT_MS_MAX ? LEASE_WAIT_MS_MAX : request->wait_ms;
    calls->waiting[calls->count++] = (struct lease_call){
        .call = call_job->call, .request = request, .until_ms = now + wait, .controls = UINT64_MAX};
    return false; /* answered by lease_calls_serve() */
}

void lease_call(struct service *service, struct rpc_call *call)
{
    call_job_add(service, call, &wire__lease_request__descriptor, prepare, NULL, false);
}
