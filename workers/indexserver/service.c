#include "indexserver/service.h"

#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/check.h"
#include "base/clock.h"
#include "base/log.h"
#include "indexserver/memory.h"
#include "indexserver/scope.h"
#include "indexserver/service_parts.h"
#include "rpc/message.h"

/* ---- jobs ---------------------------------------------------------------------------------------
 */

void call_job_add(struct service *service, struct rpc_call *call,
                  const ProtobufCMessageDescriptor *descriptor,
                  bool (*prepare)(struct sequencer_job *job, struct batch *batch),
                  void (*done)(struct sequencer_job *job, enum status status, uint64_t first,
                               const struct error *err),
                  bool alone)
{
    struct error err = {0};
    struct arena *arena = rpc_call_arena(call);
    void *request = rpc_call_request(call, descriptor);
    if (request == NULL)
        return;
    struct call_job *job = arena_zalloc(arena, sizeof(*job));
    if (job == NULL) {
        rpc_call_fail(call, STATUS_NO_MEMORY, "no memory");
        return;
    }
    job->service = service;
    job->call = call;
    job->request = request;
    job->job.prepare = prepare;
    job->job.done = done;
    job->job.alone = alone;
    job->job.bytes = arena->used_bytes;
    enum status status = sequencer_add(service->sequencer, &job->job, &err);
    if (status != STATUS_OK)
        rpc_call_fail(call, status, "%s", err.text);
}

/* ---- settings
 * ------------------------------------------------------------------------------------ */

/* Settings on their way to the sequencer's thread. */
struct settings_job {
    struct sequencer_job job;
    struct service *service;
    Log__CrawlSettings *settings;
};

static void free_settings(struct settings_job *job)
{
    if (job == NULL)
        return;
    log__crawl_settings__free_unpacked(job->settings, NULL);
    free(job);
}

/* Nobody can tell what is new in them before the views have caught up: until then they are kept,
 * the newest ones. */
static void append_settings(struct service *service)
{
    struct settings_job *job = service->settings;
    struct error err = {0};
    if (job == NULL || !views_caught_up(service->views))
        return;
    service->settings = NULL;
    if (settings_append(service, job->settings, &err) != STATUS_OK)
        log_error("the settings could not be written to the log: %s", err.text);
    free_settings(job);
}

static bool prepare_settings(struct sequencer_job *sequencer_job, struct batch *batch)
{
    struct settings_job *job = (struct settings_job *)sequencer_job;
    struct service *service = job->service;
    (void)batch;
    free_settings(service->settings);
    service->settings = job;
    append_settings(service);
    return false;
}

static void queue_settings(struct service *service, const Log__CrawlSettings *settings)
{
    struct error err = {0};
    struct settings_job *job = check_alloc(calloc(1, sizeof(*job)));
    job->service = service;
    job->settings = check_alloc(message_copy(&settings->base));
    job->job.prepare = prepare_settings;
    job->job.alone = true;
    job->job.essential = true; /* the orchestrator sends them once */
    if (sequencer_add(service->sequencer, &job->job, &err) == STATUS_OK)
        return;
    log_warning("settings were not taken up: %s", err.text); /* it ends */
    free_settings(job);
}

static void apply_settings(struct service *service, const Wire__Settings *settings)
{
    if (settings->indexserver != NULL) {
        disk_watch_set_limit(&service->disk, settings->indexserver->disk_limit);
        pthread_mutex_lock(&service->views->lock);
        service->views->keep_versions = settings->indexserver->keep_versions;
        pthread_mutex_unlock(&service->views->lock);
    }
    if (settings->crawl != NULL)
        queue_settings(service, settings->crawl);
}

enum status service_take_settings(struct service *service, const Wire__Settings *settings,
                                  struct error *err)
{
    Wire__Settings *copy = message_copy(&settings->base);
    if (copy == NULL)
        return error_set(err, STATUS_NO_MEMORY, "no memory");
    pthread_mutex_lock(&service->lock);
    bool open = atomic_load(&service->open);
    Wire__Settings *unused = open ? copy : service->early;
    if (open)
        apply_settings(service, settings);
    else
        service->early = copy;
    pthread_mutex_unlock(&service->lock);
    if (unused != NULL)
        wire__settings__free_unpacked(unused, NULL);
    return STATUS_OK;
}

/* ---- opening and closing
 * --------------------------------------------------------------------------- */

struct service *service_new(const struct service_options *options)
{
    struct service *service = check_alloc(calloc(1, sizeof(*service)));
    service->options = *options;
    pthread_mutex_init(&service->lock, NULL);
    pthread_cond_init(&service->opened, NULL);
    return service;
}

/* Whether more of it is to be done. */
static bool sweep(struct service *service)
{
    struct error err = {0};
    bool more = false;
    if (!views_caught_up(service->views) || disk_watch_is_exhausted(&service->disk))
        return false;
    enum status status =
        scope_sweep_run(&service->sweep, service->views, service->sequencer, &more, &err);
    if (status == STATUS_OK)
        return more;
    log_error("what the new scope of a source means for its pages: %s", err.text);
    return false;
}

static int64_t tick(void *context)
{
    append_settings(context);
    bool more = sweep(context);
    int64_t next_ms = lease_calls_serve(context);
    return more ? 0 : next_ms;
}

static void applied(void *context)
{
    struct service *service = context;
    feed_calls_wake(&service->feeds);
}

static void failed(void *context, const struct error *err)
{
    struct service *service = context;
    if (service->options.failed != NULL)
        service->options.failed(service->options.context, err);
}

static void disk_changed(void *context)
{
    struct service *service = context;
    char words[128];
    if (disk_watch_is_full(&service->disk, words, sizeof(words)))
        log_warning("the crawl pauses: %s", words);
    else
        log_info("there is room again: the crawl goes on");
    if (service->sequencer != NULL)
        sequencer_wake(service->sequencer);
}

/* The share that the orchestrator has told before anything was opened. */
static struct memory_division divide_memory(struct service *service)
{
    pthread_mutex_lock(&service->lock);
    uint64_t share = service->early == NULL ? 0 : service->early->memory_bytes;
    pthread_mutex_unlock(&service->lock);
    return memory_divide(share);
}

static enum status open_stores(struct service *service, uint64_t *ret_epoch, struct error *err)
{
    struct memory_division memory = divide_memory(service);
    char path[PATH_MAX];
    const char *folder = service->options.folder;
    int length = snprintf(path, sizeof(path), "%s/log", folder);
    if (length < 0 || (size_t)length >= sizeof(path) - 16)
        return error_set(err, STATUS_INVALID, "%s: the path is too long", folder);
    enum status status = log_open_embedded(path, memory.log, &service->log, err);
    if (status == STATUS_OK)
        status = log_begin_epoch(service->log, ret_epoch, err);
    snprintf(path, sizeof(path), "%s/views", folder);
    if (status == STATUS_OK)
        status = views_open(path, memory.views, service->log, &service->views, err);
    return status;
}

enum status service_open(struct service *service, struct error *err)
{
    uint64_t epoch = 0;
    unsigned settle_ms =
        service->options.feed_settle_ms == 0 ? FEED_SETTLE_MS : service->options.feed_settle_ms;
    enum status status = open_stores(service, &epoch, err);
    if (status == STATUS_OK)
        status =
            disk_watch_start(&service->disk, service->options.folder, disk_changed, service, err);
    if (status == STATUS_OK)
        status = feed_calls_start(&service->feeds, service->views, settle_ms, err);
    struct sequencer_options options = {.log = service->log,
                                        .views = service->views,
                                        .epoch = epoch,
                                        .tick = tick,
                                        .applied = applied,
                                        .failed = failed,
                                        .context = service};
    if (status == STATUS_OK)
        status = sequencer_start(&options, &service->sequencer, err);
    unsigned after_ms = service->options.scrub_after_ms;
    if (status == STATUS_OK)
        status = scrubber_start(&service->scrubber, service->views,
                                after_ms == 0 ? SCRUB_AFTER_MS : after_ms, err);
    if (status != STATUS_OK)
        return status;
    pthread_mutex_lock(&service->lock);
    if (service->early != NULL)
        apply_settings(service, service->early);
    atomic_store(&service->open, true);
    pthread_cond_broadcast(&service->opened);
    pthread_mutex_unlock(&service->lock);
    return STATUS_OK;
}

/* Makes the sequencer's thread answer the calls that wait for leases. */
static bool prepare_drain(struct sequencer_job *sequencer_job, struct batch *batch)
{
    struct settings_job *job = (struct settings_job *)sequencer_job;
    (void)batch;
    job->service->leases.draining = true;
    free(job);
    return false;
}

void service_drain(struct service *service)
{
    pthread_mutex_lock(&service->lock);
    service->closing = true;
    pthread_cond_broadcast(&service->opened);
    pthread_mutex_unlock(&service->lock);
    if (!atomic_load(&service->open))
        return;
    struct settings_job *job = check_alloc(calloc(1, sizeof(*job)));
    job->service = service;
    job->job.prepare = prepare_drain;
    job->job.essential = true;
    if (sequencer_add(service->sequencer, &job->job, NULL) != STATUS_OK)
        free(job);
    feed_calls_drain(&service->feeds);
}

void service_close(struct service *service)
{
    if (service == NULL)
        return;
    atomic_store(&service->open, false);
    disk_watch_stop(&service->disk);
    scrubber_stop(&service->scrubber);
    sequencer_stop(service->sequencer);
    feed_calls_stop(&service->feeds);
    free_settings(service->settings);
    scope_sweep_release(&service->sweep);
    views_close(service->views);
    log_close(service->log);
    if (service->early != NULL)
        wire__settings__free_unpacked(service->early, NULL);
    pthread_cond_destroy(&service->opened);
    pthread_mutex_destroy(&service->lock);
    free(service);
}

/* ---- calls
 * ------------------------------------------------------------------------------------------- */

static void status_call(struct service *service, struct rpc_call *call)
{
    Wire__IndexserverStatus reply;
    service_status(service, rpc_call_arena(call), &reply);
    rpc_call_reply(call, &reply.base);
}

static void ping(struct rpc_call *call)
{
    Wire__Empty reply = WIRE__EMPTY__INIT;
    rpc_call_reply(call, &reply.base);
}

/* The socket is there before the log is open, which takes a moment: those who come early wait. */
static bool wait_until_open(struct service *service)
{
    if (atomic_load(&service->open))
        return true;
    pthread_mutex_lock(&service->lock);
    while (!atomic_load(&service->open) && !service->closing)
        pthread_cond_wait(&service->opened, &service->lock);
    pthread_mutex_unlock(&service->lock);
    return atomic_load(&service->open);
}

void service_handle(void *context, struct rpc_call *call)
{
    struct service *service = context;
    if (rpc_call_method(call) == WIRE__METHOD__PING) {
        ping(call);
        return;
    }
    if (!wait_until_open(service)) {
        rpc_call_fail(call, STATUS_UNAVAILABLE, "shutting down");
        return;
    }
    switch (rpc_call_method(call)) {
    case WIRE__METHOD__SUBMIT:
        submit_call(service, call);
        break;
    case WIRE__METHOD__REMOVE:
        remove_call(service, call);
        break;
    case WIRE__METHOD__CONTROL:
        control_call(service, call);
        break;
    case WIRE__METHOD__LEASE:
        lease_call(service, call);
        break;
    case WIRE__METHOD__REPORT:
        report_call(service, call);
        break;
    case WIRE__METHOD__READ_FEED:
        feed_calls_take(&service->feeds, call);
        break;
    case WIRE__METHOD__SCOPE_DIFF:
        scope_diff_call(service, call);
        break;
    case WIRE__METHOD__LOOKUP:
        lookup_call(service, call);
        break;
    case WIRE__METHOD__TEST_URL:
        test_url_call(service, call);
        break;
    case WIRE__METHOD__IMPORT:
        import_call(service, call);
        break;
    case WIRE__METHOD__EXPORT:
        export_call(service, call);
        break;
    case WIRE__METHOD__INDEXSERVER_STATUS:
        status_call(service, call);
        break;
    default:
        rpc_call_fail(call, STATUS_UNSUPPORTED, "no method %u here", rpc_call_method(call));
        break;
    }
}
