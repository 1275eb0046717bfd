#include "gateway/sse.h"

#include <errno.h>
#include <pthread.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <time.h>

#include "base/check.h"
#include "base/clock.h"
#include "base/file.h"
#include "cluster/facts_json.h"
#include "gateway/fcgi.h"

enum {
    TICK_MS = 1000,
    STALL_MS_MAX = 10000, /* with the same bytes unsent */
    STATS_BYTES_MAX = 4 * 1024 * 1024,
};

struct viewer {
    int fd;
    int request_id;
    bool has_begun; /* it was given an event */
    int64_t since_ms;
    int64_t progress_ms;   /* when it last took bytes, or owed none */
    struct buffer pending; /* records not yet sent */
};

struct sse {
    const struct http_backend *backend;
    struct gateway *gateway;
    pthread_t thread;
    pthread_mutex_t lock;
    pthread_cond_t changed;
    /* behind the lock */
    bool is_closing;
    struct viewer *arrived[SSE_VIEWERS_MAX]; /* not yet seen by the thread */
    unsigned arrived_count;
    unsigned viewer_count; /* arrived and watching */
    /* the thread's own */
    struct viewer *watching[SSE_VIEWERS_MAX];
    unsigned watching_count;
};

static void viewer_free(struct viewer *viewer)
{
    fd_close(viewer->fd);
    buffer_release(&viewer->pending);
    free(viewer);
}

/* Sends what the socket takes; false when the viewer has gone. */
static bool viewer_flush(struct viewer *viewer, int64_t now_ms)
{
    while (viewer->pending.size > 0) {
        ssize_t count = send(viewer->fd, viewer->pending.data, viewer->pending.size,
                             MSG_NOSIGNAL | MSG_DONTWAIT);
        if (count < 0)
            return errno == EAGAIN && now_ms - viewer->progress_ms < STALL_MS_MAX;
        buffer_consume(&viewer->pending, (size_t)count);
        viewer->progress_ms = now_ms;
    }
    viewer->progress_ms = now_ms;
    return true;
}

/* Appends the next event: "data: {...}", or a comment where there are no statistics. */
static void write_event(struct sse *sse, struct service *service, struct buffer *ret_event)
{
    struct arena arena;
    arena_init(&arena, STATS_BYTES_MAX * 4);
    Wire__Stats *stats = NULL;
    struct error err = {0};
    bool has_stats =
        service != NULL && sse->backend->stats(service, &arena, &stats, &err) == STATUS_OK;
    if (has_stats) {
        struct json_writer json = {.bytes = ret_event};
        buffer_append_string(ret_event, "data: ");
        json_stats(&json, stats);
        buffer_append_string(ret_event, "\n\n");
    }
    arena_release(&arena);
    if (!has_stats || ret_event->failed) {
        buffer_clear(ret_event);
        buffer_append_string(ret_event, ": the statistics are not to be had at present\n\n");
    }
}

/* Gives one viewer the event, unless it still owes itself the last one. False: it is done. */
static bool viewer_serve(struct viewer *viewer, const struct buffer *event, int64_t now_ms)
{
    if (fcgi_is_abandoned(viewer->fd))
        return false;
    bool is_last = now_ms - viewer->since_ms >= SSE_STREAM_MS_MAX;
    if (viewer->pending.size == 0 || !viewer->has_begun)
        fcgi_append_output(&viewer->pending, viewer->request_id, event->data, event->size);
    viewer->has_begun = true;
    if (is_last)
        fcgi_append_end(&viewer->pending, viewer->request_id);
    return !viewer->pending.failed && viewer_flush(viewer, now_ms) && !is_last;
}

static void take_arrived(struct sse *sse)
{
    for (unsigned i = 0; i < sse->arrived_count; i++)
        sse->watching[sse->watching_count++] = sse->arrived[i];
    sse->arrived_count = 0;
}

static void serve_all(struct sse *sse, const struct buffer *event)
{
    int64_t now_ms = clock_boot_ms();
    unsigned kept = 0;
    for (unsigned i = 0; i < sse->watching_count; i++) {
        struct viewer *viewer = sse->watching[i];
        if (viewer_serve(viewer, event, now_ms))
            sse->watching[kept++] = viewer;
        else
            viewer_free(viewer);
    }
    sse->watching_count = kept;
}

static void end_all(struct sse *sse)
{
    for (unsigned i = 0; i < sse->watching_count; i++) {
        struct viewer *viewer = sse->watching[i];
        fcgi_append_end(&viewer->pending, viewer->request_id);
        viewer_flush(viewer, clock_boot_ms());
        viewer_free(viewer);
    }
    sse->watching_count = 0;
}

/* Waits for a viewer, and while there are any for the next tick; false when closing. With the lock
 * held. */
static bool wait_for_tick(struct sse *sse, struct timespec *next)
{
    while (!sse->is_closing && sse->arrived_count == 0) {
        if (sse->watching_count == 0)
            pthread_cond_wait(&sse->changed, &sse->lock);
        else if (pthread_cond_timedwait(&sse->changed, &sse->lock, next) == ETIMEDOUT)
            break;
    }
    clock_gettime(CLOCK_MONOTONIC, next);
    next->tv_sec += TICK_MS / 1000;
    return !sse->is_closing;
}

static void *run(void *argument)
{
    struct sse *sse = argument;
    struct service *service = NULL;
    struct buffer event = {.limit = STATS_BYTES_MAX};
    struct timespec next = {0};
    pthread_mutex_lock(&sse->lock);
    while (wait_for_tick(sse, &next)) {
        take_arrived(sse);
        pthread_mutex_unlock(&sse->lock);
        if (service == NULL)
            (void)sse->backend->service_open(sse->gateway, &service, NULL);
        buffer_clear(&event);
        write_event(sse, service, &event);
        serve_all(sse, &event);
        pthread_mutex_lock(&sse->lock);
        sse->viewer_count = sse->watching_count + sse->arrived_count;
    }
    take_arrived(sse);
    pthread_mutex_unlock(&sse->lock);
    end_all(sse);
    buffer_release(&event);
    sse->backend->service_close(service);
    return NULL;
}

enum status sse_open(const struct http_backend *backend, struct gateway *gateway,
                     struct sse **ret_sse, struct error *err)
{
    struct sse *sse = calloc(1, sizeof(*sse));
    if (sse == NULL)
        return error_set(err, STATUS_NO_MEMORY, "live statistics");
    sse->backend = backend;
    sse->gateway = gateway;
    pthread_condattr_t attributes;
    pthread_condattr_init(&attributes);
    pthread_condattr_setclock(&attributes, CLOCK_MONOTONIC);
    pthread_mutex_init(&sse->lock, NULL);
    pthread_cond_init(&sse->changed, &attributes);
    pthread_condattr_destroy(&attributes);
    int error_number = pthread_create(&sse->thread, NULL, run, sse);
    if (error_number != 0) {
        pthread_cond_destroy(&sse->changed);
        pthread_mutex_destroy(&sse->lock);
        free(sse);
        return error_set_errno(err, error_number, "thread for live statistics");
    }
    *ret_sse = sse;
    return STATUS_OK;
}

void sse_close(struct sse *sse)
{
    if (sse == NULL)
        return;
    pthread_mutex_lock(&sse->lock);
    sse->is_closing = true;
    pthread_cond_signal(&sse->changed);
    pthread_mutex_unlock(&sse->lock);
    pthread_join(sse->thread, NULL);
    pthread_cond_destroy(&sse->changed);
    pthread_mutex_destroy(&sse->lock);
    free(sse);
}

bool sse_add(struct sse *sse, int fd, int request_id, const struct buffer *head)
{
    struct viewer *viewer = calloc(1, sizeof(*viewer));
    if (viewer == NULL)
        return false;
    *viewer = (struct viewer){.fd = fd, .request_id = request_id};
    viewer->since_ms = viewer->progress_ms = clock_boot_ms();
    viewer->pending.limit = 2 * STATS_BYTES_MAX;
    fcgi_append_output(&viewer->pending, request_id, head->data, head->size);
    pthread_mutex_lock(&sse->lock);
    bool is_taken =
        !viewer->pending.failed && !sse->is_closing && sse->viewer_count < SSE_VIEWERS_MAX;
    if (is_taken) {
        sse->arrived[sse->arrived_count++] = viewer;
        sse->viewer_count++;
        pthread_cond_signal(&sse->changed);
    }
    pthread_mutex_unlock(&sse->lock);
    if (!is_taken) {
        buffer_release(&viewer->pending);
        free(viewer);
    }
    return is_taken;
}
