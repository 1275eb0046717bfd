/* SUBMIT, REMOVE and CONTROL: what the owner wants. */
#include <string.h>

#include "base/check.h"
#include "indexserver/scope.h"
#include "indexserver/service_parts.h"

enum { SUBMIT_URLS_MAX = 10000 };

static void fail(struct call_job *job, enum status status, const struct error *err)
{
    rpc_call_fail(job->call, status, "%s", err->text);
}

/* Nothing can be decided before the frontier is whole. */
static bool refuse_while_behind(struct call_job *job)
{
    if (views_caught_up(job->service->views))
        return false;
    rpc_call_fail(job->call, STATUS_UNAVAILABLE,
                  "the frontier is being made anew from the log: try again soon");
    return true;
}

/* ---- SUBMIT ------------------------------------------------------------------------------------
 */

struct submission {
    struct arena *arena;
    struct scope *scope;
    bool by_owner;
    char **accepted;
    size_t accepted_count;
    Wire__SubmitReply *reply;
};

static void reject(struct submission *s, const char *text, const char *reason)
{
    Wire__Rejected *rejected = check_alloc(arena_alloc(s->arena, sizeof(*rejected)));
    wire__rejected__init(rejected);
    rejected->url = (char *)text;
    rejected->reason = check_alloc(arena_string(s->arena, reason));
    s->reply->rejected[s->reply->n_rejected++] = rejected;
}

static void consider(struct submission *s, const char *text)
{
    struct url url;
    struct error err = {0};
    if (url_parse(text, strlen(text), NULL, s->arena, &url, &err) != STATUS_OK) {
        reject(s, text, err.text);
        return;
    }
    struct source *source = scope_source_for(s->scope, &url, s->arena);
    const char *refusal = scope_refusal(s->scope, &url, source, s->arena);
    if (refusal == NULL && source == NULL && !s->by_owner)
        refusal = "no source names this host";
    if (refusal == NULL && source != NULL && !source_scope_takes(source->scope, &url, 0))
        refusal = check_alloc(arena_format(s->arena, "source %s does not take it: %s",
                                           source->definition->url,
                                           source_scope_words(source->scope, &url, 0, s->arena)));
    if (refusal == NULL && source == NULL && scope_source_count(s->scope) >= SOURCES_MAX)
        refusal = "there are too many sources";
    if (refusal != NULL)
        reject(s, text, refusal);
    else
        s->accepted[s->accepted_count++] = (char *)url.text;
}

static bool prepare_submit(struct sequencer_job *sequencer_job, struct batch *batch)
{
    struct call_job *job = (struct call_job *)sequencer_job;
    const Wire__SubmitRequest *request = job->request;
    struct arena *arena = rpc_call_arena(job->call);
    if (request->n_urls > SUBMIT_URLS_MAX) {
        rpc_call_fail(job->call, STATUS_TOO_LARGE, "%zu URLs at once (at most %d)", request->n_urls,
                      SUBMIT_URLS_MAX);
        return false;
    }
    if (refuse_while_behind(job))
        return false;
    if (disk_watch_is_exhausted(&job->service->disk)) {
        rpc_call_fail(job->call, STATUS_NO_SPACE, "the disk is full");
        return false;
    }
    Log__Origin origin = request->origin == LOG__ORIGIN__ORIGIN_UNKNOWN ? LOG__ORIGIN__ORIGIN_OWNER
                                                                        : request->origin;
    Wire__SubmitReply *reply = check_alloc(arena_alloc(arena, sizeof(*reply)));
    wire__submit_reply__init(reply);
    size_t room = (request->n_urls + 1) * sizeof(char *);
    reply->rejected = check_alloc(arena_alloc(arena, room));
    struct submission s = {.arena = arena,
                           .scope = job->service->views->scope,
                           .by_owner = origin == LOG__ORIGIN__ORIGIN_OWNER,
                           .accepted = check_alloc(arena_alloc(arena, room)),
                           .reply = reply};
    pthread_mutex_lock(&job->service->views->lock);
    for (size_t i = 0; i < request->n_urls; i++)
        consider(&s, request->urls[i]);
    pthread_mutex_unlock(&job->service->views->lock);
    reply->accepted = (uint32_t)s.accepted_count;
    job->state = reply;
    if (s.accepted_count > 0)
        batch_add(batch, entry_of_submit(arena, origin, s.accepted, s.accepted_count), NULL);
    return true;
}

static void done_submit(struct sequencer_job *sequencer_job, enum status status, uint64_t first,
                        const struct error *err)
{
    struct call_job *job = (struct call_job *)sequencer_job;
    Wire__SubmitReply *reply = job->state;
    if (status != STATUS_OK) {
        fail(job, status, err);
        return;
    }
    reply->sequence = first;
    rpc_call_reply(job->call, &reply->base);
}

void submit_call(struct service *service, struct rpc_call *call)
{
    call_job_add(service, call, &wire__submit_request__descriptor, prepare_submit, done_submit,
                 false);
}

/* ---- REMOVE ------------------------------------------------------------------------------------
 */

/* A site is given as "host" or "host:port", in any spelling. */
static enum status normal_site(const char *value, struct arena *arena, const char **ret_value,
                               struct error *err)
{
    struct url url;
    char *text = check_alloc(arena_format(arena, "http://%s/", value));
    enum status status = url_parse(text, strlen(text), NULL, arena, &url, err);
    if (status != STATUS_OK)
        return status;
    if (strcmp(url.path, "/") != 0 || url.query != NULL)
        return error_set(err, STATUS_INVALID, "\"%s\" is no site: give a host, or host:port",
                         value);
    *ret_value = url.authority;
    return STATUS_OK;
}

static enum status normal_value(const Wire__RemoveRequest *request, struct arena *arena,
                                const char **ret_value, struct error *err)
{
    struct url url;
    if (request->scope == LOG__REMOVE_SCOPE__REMOVE_SITE)
        return normal_site(request->value, arena, ret_value, err);
    enum status status = url_parse(request->value, strlen(request->value), NULL, arena, &url, err);
    if (status == STATUS_OK)
        *ret_value = url.text;
    return status;
}

static bool prepare_remove(struct sequencer_job *sequencer_job, struct batch *batch)
{
    struct call_job *job = (struct call_job *)sequencer_job;
    const Wire__RemoveRequest *request = job->request;
    struct arena *arena = rpc_call_arena(job->call);
    struct error err = {0};
    const char *value = "";
    if (refuse_while_behind(job))
        return false;
    enum status status = normal_value(request, arena, &value, &err);
    if (status != STATUS_OK) {
        fail(job, status, &err);
        return false;
    }
    batch_add(batch,
              entry_of_remove(arena, request->scope, value, LOG__REMOVE_BY__REMOVED_BY_OWNER),
              NULL);
    return true;
}

static void done_remove(struct sequencer_job *sequencer_job, enum status status, uint64_t first,
                        const struct error *err)
{
    struct call_job *job = (struct call_job *)sequencer_job;
    Wire__RemoveReply reply = WIRE__REMOVE_REPLY__INIT;
    if (status != STATUS_OK) {
        fail(job, status, err);
        return;
    }
    reply.removed = job->job.removed;
    reply.sequence = first;
    rpc_call_reply(job->call, &reply.base);
}

void remove_call(struct service *service, struct rpc_call *call)
{
    call_job_add(service, call, &wire__remove_request__descriptor, prepare_remove, done_remove,
                 true);
}

/* ---- CONTROL -----------------------------------------------------------------------------------
 */

/* `ret_source` is the URL of the source that is meant, in the arena; "": the whole crawl. */
static enum status check_control(struct service *service, const Wire__ControlRequest *request,
                                 struct arena *arena, const char **ret_source, struct error *err)
{
    struct source *source;
    enum status status = STATUS_OK;
    if (request->action != LOG__ACTION__ACTION_PAUSE &&
        request->action != LOG__ACTION__ACTION_RESUME &&
        request->action != LOG__ACTION__ACTION_CANCEL &&
        request->action != LOG__ACTION__ACTION_CONFIRM &&
        request->action != LOG__ACTION__ACTION_PURGE)
        return error_set(err, STATUS_INVALID, "pause, resume, cancel, confirm or purge");
    if ((request->action == LOG__ACTION__ACTION_CONFIRM ||
         request->action == LOG__ACTION__ACTION_PURGE) &&
        request->source[0] == '\0')
        return error_set(err, STATUS_INVALID, "name the source");
    pthread_mutex_lock(&service->views->lock);
    *ret_source = "";
    if (request->source[0] != '\0') {
        status = scope_source_named(service->views->scope, request->source, &source, err);
        if (status == STATUS_OK)
            *ret_source = check_alloc(arena_string(arena, source->definition->url));
        if (status == STATUS_OK && request->action == LOG__ACTION__ACTION_PURGE &&
            source->configured)
            status = error_set(err, STATUS_INVALID,
                               "%s is in config.yaml: take it out first, or remove its pages with "
                               "`tierce remove`",
                               *ret_source);
    }
    pthread_mutex_unlock(&service->views->lock);
    return status;
}

static bool prepare_control(struct sequencer_job *sequencer_job, struct batch *batch)
{
    struct call_job *job = (struct call_job *)sequencer_job;
    const Wire__ControlRequest *request = job->request;
    struct arena *arena = rpc_call_arena(job->call);
    struct error err = {0};
    if (refuse_while_behind(job))
        return false;
    const char *source = "";
    enum status status = check_control(job->service, request, arena, &source, &err);
    if (status != STATUS_OK) {
        fail(job, status, &err);
        return false;
    }
    Log__Control *control = check_alloc(arena_alloc(arena, sizeof(*control)));
    log__control__init(control);
    control->action = request->action;
    control->source = (char *)source;
    batch_add(batch, entry_of_control(arena, control), NULL);
    return true;
}

static void done_control(struct sequencer_job *sequencer_job, enum status status, uint64_t first,
                         const struct error *err)
{
    struct call_job *job = (struct call_job *)sequencer_job;
    Wire__Empty reply = WIRE__EMPTY__INIT;
    (void)first;
    if (status != STATUS_OK)
        fail(job, status, err);
    else
        rpc_call_reply(job->call, &reply.base);
}

void control_call(struct service *service, struct rpc_call *call)
{
    call_job_add(service, call, &wire__control_request__descriptor, prepare_control, done_control,
                 true);
}
