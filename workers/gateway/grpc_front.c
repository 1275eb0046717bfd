#include "gateway/grpc_front.h"

#include <errno.h>
#include <grpc/grpc.h>
#include <grpc/grpc_security.h>
#include <grpc/support/log.h>
#include <grpc/support/time.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <time.h>

#include "base/buffer.h"
#include "base/check.h"
#include "base/clock.h"
#include "base/file.h"
#include "base/log.h"
#include "base/port_owner.h"
#include "base/thread.h"
#include "gateway/grpc_call.h"
#include "rpc/listen.h"

enum {
    THREADS_MIN = 4,
    THREADS_MAX = 32,
    MESSAGE_BYTES_MAX = 1024 * 1024,
    STREAMS_MAX = 100, /* of one connection */
    METADATA_BYTES_MAX = 16 * 1024,
    HANDSHAKE_MS_MAX = 10000,
    IDLE_MS_MAX = 600000,
    KEEPALIVE_MS = 60000,
    KEEPALIVE_TIMEOUT_MS = 20000,
    PEM_BYTES_MAX = 1024 * 1024,
    ARENA_BYTES_MAX = 64 * 1024 * 1024,
    TICK_MS = 1000,
    STATS_PATIENCE_MS = 10000, /* without the orchestrator, before viewers are sent away */
    HOST_BYTES_MAX = 256,
};

struct front_thread {
    struct grpc_front *front;
    struct service *service;
    struct arena arena;
    int give_up_fd;
    pthread_t thread;
};

struct grpc_front {
    grpc_server *server;
    grpc_completion_queue *queue;
    uint16_t port;
    struct grpc_calls calls;
    bool started;
    struct front_thread threads[THREADS_MAX + 1]; /* one of them listens to gRPC */
    unsigned thread_count;
    struct front_thread ticker;
    bool has_ticker;
    bool stopping; /* the ticker; under calls.mutex */
    bool is_shut;  /* gRPC has ended all calls; under calls.mutex */
};

/* ---- opening ---- */

static grpc_arg whole_number(const char *key, int value)
{
    return (grpc_arg){.type = GRPC_ARG_INTEGER, .key = (char *)key, .value.integer = value};
}

static grpc_server *make_server(void)
{
    grpc_arg arguments[] = {
        whole_number(GRPC_ARG_ALLOW_REUSEPORT, 0), /* exactly one listener owns the port */
        whole_number(GRPC_ARG_MAX_RECEIVE_MESSAGE_LENGTH, MESSAGE_BYTES_MAX),
        whole_number(GRPC_ARG_MAX_CONCURRENT_STREAMS, STREAMS_MAX),
        whole_number(GRPC_ARG_MAX_METADATA_SIZE, METADATA_BYTES_MAX),
        whole_number(GRPC_ARG_SERVER_HANDSHAKE_TIMEOUT_MS, HANDSHAKE_MS_MAX),
        whole_number(GRPC_ARG_MAX_CONNECTION_IDLE_MS, IDLE_MS_MAX),
        whole_number(GRPC_ARG_KEEPALIVE_TIME_MS, KEEPALIVE_MS),
        whole_number(GRPC_ARG_KEEPALIVE_TIMEOUT_MS, KEEPALIVE_TIMEOUT_MS),
        /* no compressed requests: a small one could become a large one */
        whole_number(GRPC_COMPRESSION_CHANNEL_ENABLED_ALGORITHMS_BITSET, 1),
        whole_number(GRPC_ARG_ENABLE_CHANNELZ, 0),
    };
    grpc_channel_args list = {.num_args = ARRAY_COUNT(arguments), .args = arguments};
    return grpc_server_create(&list, NULL);
}

static enum status load_tls(const struct grpc_front_options *options,
                            grpc_server_credentials **ret_credentials, struct error *err)
{
    struct buffer certificate = {0}, key = {0};
    enum status status = file_read(options->certificate_file, PEM_BYTES_MAX, &certificate, err);
    if (status == STATUS_OK)
        status = file_read(options->key_file, PEM_BYTES_MAX, &key, err);
    if (status == STATUS_OK) {
        grpc_ssl_pem_key_cert_pair pair = {buffer_string(&key), buffer_string(&certificate)};
        *ret_credentials = grpc_ssl_server_credentials_create(NULL, &pair, 1, 0, NULL);
        explicit_bzero(key.data, key.size);
    }
    buffer_release(&certificate);
    buffer_release(&key);
    return status;
}

/* Without brackets, as an address is written elsewhere. */
static void plain_host(const char *host, char ret[HOST_BYTES_MAX])
{
    size_t size = strlen(host);
    bool has_brackets = size >= 2 && host[0] == '[' && host[size - 1] == ']';
    snprintf(ret, HOST_BYTES_MAX, "%.*s", (int)(has_brackets ? size - 2 : size),
             has_brackets ? host + 1 : host);
}

/* gRPC says only that it could not bind; a bind of our own says why. */
static enum status check_port(const char *host, uint16_t port, struct error *err)
{
    int fd;
    enum status status = port == 0 ? STATUS_OK : listen_open(host, port, &fd, err);
    if (port != 0 && status == STATUS_OK)
        fd_close(fd);
    return status;
}

static enum status bind_port(struct grpc_front *front, const struct grpc_front_options *options,
                             struct error *err)
{
    char host[HOST_BYTES_MAX], address[HOST_BYTES_MAX + 16];
    plain_host(options->host, host);
    enum status status = check_port(host, options->port, err);
    if (status != STATUS_OK)
        return status;
    grpc_server_credentials *credentials = NULL;
    if (options->certificate_file == NULL)
        credentials = grpc_insecure_server_credentials_create();
    else
        status = load_tls(options, &credentials, err);
    if (status != STATUS_OK)
        return status;
    front->calls.is_tls = options->certificate_file != NULL;
    snprintf(address, sizeof(address), strchr(host, ':') == NULL ? "%s:%u" : "[%s]:%u", host,
             options->port);
    int port =
        credentials == NULL ? 0 : grpc_server_add_http2_port(front->server, address, credentials);
    grpc_server_credentials_release(credentials);
    if (port <= 0 && options->certificate_file != NULL)
        return error_set(err, STATUS_INVALID, "%s: no gRPC server on %s with this certificate",
                         options->certificate_file, address);
    if (port <= 0)
        return port_owner_error(options->port, err);
    front->port = (uint16_t)port;
    return STATUS_OK;
}

static void init_calls(struct grpc_front *front)
{
    pthread_condattr_t attributes;
    pthread_condattr_init(&attributes);
    pthread_condattr_setclock(&attributes, CLOCK_MONOTONIC);
    pthread_cond_init(&front->calls.changed, &attributes);
    pthread_condattr_destroy(&attributes);
    pthread_mutex_init(&front->calls.mutex, NULL);
    front->calls.server = front->server;
    front->calls.queue = front->queue;
}

/* gRPC's own words may name clients: they are for whoever looks for a fault, at debug level. */
static void log_of_grpc(gpr_log_func_args *line)
{
    log_debug("gRPC: %s", line->message);
}

enum status grpc_front_open(const struct grpc_front_options *options, struct grpc_front **ret_front,
                            struct error *err)
{
    struct grpc_front *front = calloc(1, sizeof(*front));
    if (front == NULL)
        return error_set(err, STATUS_NO_MEMORY, "gRPC server");
    gpr_set_log_function(log_of_grpc);
    grpc_init();
    front->server = make_server();
    front->queue = grpc_completion_queue_create_for_next(NULL);
    grpc_server_register_completion_queue(front->server, front->queue, NULL);
    init_calls(front);
    enum status status = bind_port(front, options, err);
    if (status != STATUS_OK) {
        grpc_front_close(front, 0);
        return status;
    }
    *ret_front = front;
    return STATUS_OK;
}

uint16_t grpc_front_port(const struct grpc_front *front)
{
    return front->port;
}

/* ---- the threads ---- */

static void note_shut(struct grpc_front *front)
{
    pthread_mutex_lock(&front->calls.mutex);
    front->is_shut = true;
    pthread_cond_broadcast(&front->calls.changed);
    pthread_mutex_unlock(&front->calls.mutex);
}

static void *serve(void *context)
{
    struct front_thread *self = context;
    struct grpc_front *front = self->front;
    struct grpc_hands hands = {
        .service = self->service, .arena = &self->arena, .give_up_fd = self->give_up_fd};
    thread_be_prompt();
    for (;;) {
        grpc_event event =
            grpc_completion_queue_next(front->queue, gpr_inf_future(GPR_CLOCK_MONOTONIC), NULL);
        if (event.type == GRPC_QUEUE_SHUTDOWN)
            return NULL;
        if (event.type != GRPC_OP_COMPLETE)
            continue;
        if (event.tag == front)
            note_shut(front);
        else
            grpc_calls_event(&front->calls, &hands, &event);
    }
}

static struct timespec monotonic_in(int64_t wait_ms)
{
    struct timespec at;
    clock_gettime(CLOCK_MONOTONIC, &at);
    at.tv_sec += wait_ms / 1000;
    at.tv_nsec += wait_ms % 1000 * 1000000;
    if (at.tv_nsec >= 1000000000) {
        at.tv_sec++;
        at.tv_nsec -= 1000000000;
    }
    return at;
}

/* Until the next second, or until somebody new watches. False: the end. */
static bool await_tick(struct grpc_front *front, const struct timespec *tick)
{
    pthread_mutex_lock(&front->calls.mutex);
    unsigned viewers = front->calls.viewer_count;
    while (!front->stopping && front->calls.viewer_count <= viewers &&
           pthread_cond_timedwait(&front->calls.changed, &front->calls.mutex, tick) == 0) {
    }
    bool goes_on = !front->stopping;
    pthread_mutex_unlock(&front->calls.mutex);
    return goes_on;
}

/* Sends the statistics to all viewers; `fresh_ms` is when that last worked. */
static void send_stats(struct front_thread *self, int64_t *fresh_ms)
{
    ProtobufCMessage *message;
    struct error err;
    arena_reset(&self->arena);
    enum status status = grpc_stats_message(self->service, &self->arena, &message, &err);
    if (status == STATUS_OK) {
        *fresh_ms = clock_boot_ms();
        grpc_calls_send_stats(&self->front->calls, message);
    } else if (clock_boot_ms() - *fresh_ms > STATS_PATIENCE_MS) {
        log_warning("no statistics to send: %s", err.text);
        grpc_calls_send_stats(&self->front->calls, NULL);
    }
}

static void *tick(void *context)
{
    struct front_thread *self = context;
    int64_t fresh_ms = 0;
    bool had_viewers = false;
    for (struct timespec at = monotonic_in(TICK_MS); await_tick(self->front, &at);
         at = monotonic_in(TICK_MS)) {
        bool has_viewers = grpc_calls_have_viewers(&self->front->calls);
        if (has_viewers && !had_viewers)
            fresh_ms = clock_boot_ms();
        if (has_viewers)
            send_stats(self, &fresh_ms);
        had_viewers = has_viewers;
        grpc_calls_expire(&self->front->calls);
    }
    return NULL;
}

static enum status begin_thread(struct grpc_front *front, struct front_thread *thread,
                                void *(*run)(void *), struct error *err)
{
    thread->front = front;
    arena_init(&thread->arena, ARENA_BYTES_MAX);
    thread->give_up_fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
    if (thread->give_up_fd < 0)
        return error_set_errno(err, errno, "eventfd");
    enum status status = service_open(front->calls.gateway, &thread->service, err);
    if (status == STATUS_OK) {
        int code = pthread_create(&thread->thread, NULL, run, thread);
        if (code == 0)
            return STATUS_OK;
        status = error_set_errno(err, code, "a thread for gRPC");
        service_close(thread->service);
    }
    fd_close(thread->give_up_fd);
    return status;
}

static void end_thread(struct front_thread *thread)
{
    pthread_join(thread->thread, NULL);
    service_close(thread->service);
    fd_close(thread->give_up_fd);
    arena_release(&thread->arena);
}

static unsigned choose_threads(struct gateway *gateway)
{
    const Wire__GatewaySettings *settings = gateway_hold_settings(gateway);
    unsigned threads = settings->threads;
    gateway_release_settings(settings);
    return threads < THREADS_MIN ? THREADS_MIN : threads > THREADS_MAX ? THREADS_MAX : threads;
}

enum status grpc_front_start(struct grpc_front *front, struct gateway *gateway, struct error *err)
{
    unsigned workers = choose_threads(gateway), threads = workers + 1;
    front->calls.gateway = gateway;
    front->calls.viewers_max = workers / 4;
    front->calls.workers_max = workers;
    grpc_server_start(front->server);
    front->started = true;
    enum status status = STATUS_OK;
    while (front->thread_count < threads && status == STATUS_OK) {
        status = begin_thread(front, &front->threads[front->thread_count], serve, err);
        front->thread_count += status == STATUS_OK;
    }
    if (status == STATUS_OK) {
        status = begin_thread(front, &front->ticker, tick, err);
        front->has_ticker = status == STATUS_OK;
    }
    for (unsigned i = 0; i < threads && status == STATUS_OK; i++)
        grpc_calls_expect(&front->calls);
    return status;
}

/* ---- closing ---- */

static bool await_shut(struct grpc_front *front, unsigned wait_ms)
{
    struct timespec until = monotonic_in(wait_ms);
    pthread_mutex_lock(&front->calls.mutex);
    while (!front->is_shut &&
           pthread_cond_timedwait(&front->calls.changed, &front->calls.mutex, &until) == 0) {
    }
    bool is_shut = front->is_shut;
    pthread_mutex_unlock(&front->calls.mutex);
    return is_shut;
}

static void stop_ticker(struct grpc_front *front)
{
    if (!front->has_ticker)
        return;
    pthread_mutex_lock(&front->calls.mutex);
    front->stopping = true;
    pthread_cond_broadcast(&front->calls.changed);
    pthread_mutex_unlock(&front->calls.mutex);
    end_thread(&front->ticker);
}

static void shut_server(struct grpc_front *front, unsigned drain_ms)
{
    if (front->calls.gateway != NULL)
        grpc_calls_drain(&front->calls);
    grpc_server_shutdown_and_notify(front->server, front->queue, front);
    if (front->thread_count == 0) { /* nobody else empties the queue */
        grpc_completion_queue_next(front->queue, gpr_inf_future(GPR_CLOCK_MONOTONIC), NULL);
    } else if (!await_shut(front, drain_ms)) {
        log_warning("calls on the gRPC port are cut off");
        grpc_server_cancel_all_calls(front->server);
        while (!await_shut(front, drain_ms + TICK_MS))
            log_warning("still waiting for calls on the gRPC port");
    }
}

void grpc_front_close(struct grpc_front *front, unsigned drain_ms)
{
    if (front == NULL)
        return;
    shut_server(front, drain_ms);
    stop_ticker(front);
    grpc_completion_queue_shutdown(front->queue);
    for (unsigned i = 0; i < front->thread_count; i++)
        end_thread(&front->threads[i]);
    if (front->thread_count == 0) {
        while (grpc_completion_queue_next(front->queue, gpr_inf_future(GPR_CLOCK_MONOTONIC), NULL)
                   .type != GRPC_QUEUE_SHUTDOWN) {
        }
    }
    grpc_server_destroy(front->server);
    grpc_completion_queue_destroy(front->queue);
    pthread_cond_destroy(&front->calls.changed);
    pthread_mutex_destroy(&front->calls.mutex);
    free(front);
    grpc_shutdown_blocking();
}
