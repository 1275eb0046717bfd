#include "rpc/server.h"

#include <errno.h>
#include <pthread.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/buffer.h"
#include "base/check.h"
#include "base/clock.h"
#include "base/file.h"
#include "base/log.h"
#include "rpc/frame.h"
#include "rpc/listen.h"
#include "rpc/message.h"
#include "rpc/transport.h"
#include "wire.pb-c.h"

enum {
    EVENTS_MAX = 64,
    READ_BYTES = 64 * 1024,
    HANDSHAKE_MS = 5000,
    /* A peer that does not read its replies is not read from until it does. */
    OUT_HIGH_BYTES = 64 * 1024 * 1024,
    CALLS_PER_CONNECTION_MAX = 4096,
    QUEUE_DEFAULT = 1024,
    CONNECTIONS_DEFAULT = 1024,
};

/*
 * Who holds a connection: the loop (until it closes it) and each call on it. `lock` guards what
 * replies from other threads touch: the transport, `out`, `events`, `calls`, `open`.
 */
struct connection {
    struct rpc_server *server;
    struct transport *transport;
    struct endpoint peer;
    struct buffer in; /* the loop's alone */
    pthread_mutex_t lock;
    struct buffer out;
    uint32_t events; /* asked of epoll */
    bool open;
    bool proved;
    bool corked; /* the loop is reading: replies are sent together when it is done */
    struct rpc_call *calls;
    unsigned call_count;
    atomic_int references;
    int64_t opened_ms;
    struct connection *next, *previous; /* the loop's list */
};

struct rpc_call {
    struct connection *connection;
    struct arena arena;
    struct frame frame;
    uint8_t *payload; /* in the arena */
    int64_t deadline_ms;
    atomic_bool cancelled;
    struct rpc_call *next, *previous; /* of the connection */
    struct rpc_call *queue_next;
};

struct rpc_server {
    struct rpc_server_options options;
    struct cluster_key key;
    int listen_fd;
    int epoll_fd;
    int wake_fd;
    char address[ENDPOINT_TEXT_BYTES];
    uint16_t port;
    pthread_t loop;
    bool loop_started;
    pthread_t *workers;
    unsigned worker_count;
    atomic_bool draining;
    atomic_bool stopping;
    struct connection *connections; /* the loop's */
    unsigned connection_count;

    pthread_mutex_t lock; /* guards the queue and calls_in_hand */
    pthread_cond_t changed;
    struct rpc_call *queue_first, *queue_last;
    unsigned queue_count;
    unsigned calls_in_hand;
};

/* ---- connections ---- */

static void connection_unref(struct connection *connection)
{
    if (atomic_fetch_sub(&connection->references, 1) != 1)
        return;
    transport_close(connection->transport);
    buffer_release(&connection->in);
    buffer_release(&connection->out);
    pthread_mutex_destroy(&connection->lock);
    free(connection);
}

/* Under the lock. */
static void ask_events(struct connection *connection, uint32_t events)
{
    if (connection->events == events || !connection->open)
        return;
    struct epoll_event event = {.events = events, .data.ptr = connection};
    epoll_ctl(connection->server->epoll_fd, EPOLL_CTL_MOD, transport_fd(connection->transport),
              &event);
    connection->events = events;
}

/* Under the lock. Sends what waits; asks to be told when the rest can go. False: the connection is
 * lost. */
static bool flush(struct connection *connection)
{
    struct buffer *out = &connection->out;
    size_t done = 0;
    bool waits = false;
    while (done < out->size && !waits) {
        size_t sent = 0;
        enum transport_result result =
            transport_write(connection->transport, out->data + done, out->size - done, &sent, NULL);
        if (result == TRANSPORT_CLOSED || result == TRANSPORT_FAILED)
            return false;
        waits = result != TRANSPORT_DONE;
        done += waits ? 0 : sent;
    }
    buffer_consume(out, done);
    if (out->size == 0 && out->capacity > 1024 * 1024)
        buffer_release(out);
    uint32_t events = out->size > OUT_HIGH_BYTES ? 0 : EPOLLIN;
    ask_events(connection, events | (out->size > 0 ? EPOLLOUT : 0));
    return true;
}

/* The loop's: no more bytes either way; calls in hand learn that nobody waits. */
static void connection_shut(struct connection *connection)
{
    struct rpc_server *server = connection->server;
    pthread_mutex_lock(&connection->lock);
    connection->open = false;
    epoll_ctl(server->epoll_fd, EPOLL_CTL_DEL, transport_fd(connection->transport), NULL);
    shutdown(transport_fd(connection->transport), SHUT_RDWR); /* calls may hold it a while yet */
    for (struct rpc_call *call = connection->calls; call != NULL; call = call->next)
        atomic_store(&call->cancelled, true);
    pthread_mutex_unlock(&connection->lock);
    if (connection->previous != NULL)
        connection->previous->next = connection->next;
    else
        server->connections = connection->next;
    if (connection->next != NULL)
        connection->next->previous = connection->previous;
    server->connection_count--;
    connection_unref(connection);
}

/* ---- calls ---- */

static struct rpc_call *call_new(struct connection *connection, const struct frame *frame,
                                 const uint8_t *payload)
{
    struct rpc_call *call = calloc(1, sizeof(*call));
    if (call == NULL)
        return NULL;
    call->connection = connection;
    call->frame = *frame;
    call->deadline_ms = clock_boot_ms() + frame->timeout_ms;
    call->payload = arena_copy(&call->arena, payload, frame->payload_size);
    if (call->payload == NULL) {
        free(call);
        return NULL;
    }
    atomic_fetch_add(&connection->references, 1);
    pthread_mutex_lock(&connection->lock);
    call->next = connection->calls;
    if (call->next != NULL)
        call->next->previous = call;
    connection->calls = call;
    connection->call_count++;
    pthread_mutex_unlock(&connection->lock);
    pthread_mutex_lock(&connection->server->lock);
    connection->server->calls_in_hand++;
    pthread_mutex_unlock(&connection->server->lock);
    return call;
}

/* Under the connection's lock. */
static bool append_frame(struct buffer *out, const struct frame *request, enum status status,
                         const ProtobufCMessage *message)
{
    size_t payload = protobuf_c_message_get_packed_size(message);
    uint8_t *room =
        payload > FRAME_PAYLOAD_MAX ? NULL : buffer_reserve(out, FRAME_HEADER_BYTES + payload);
    if (room == NULL)
        return false;
    struct frame frame = {.call = request->call,
                          .method = request->method,
                          .kind = FRAME_REPLY,
                          .status = status,
                          .payload_size = (uint32_t)payload};
    frame_encode(&frame, room);
    protobuf_c_message_pack(message, room + FRAME_HEADER_BYTES);
    out->size += FRAME_HEADER_BYTES + payload;
    return true;
}

static void append_reply(struct connection *connection, const struct frame *request,
                         enum status status, const ProtobufCMessage *message)
{
    if (append_frame(&connection->out, request, status, message))
        return;
    Wire__Failure failure = WIRE__FAILURE__INIT;
    char words[] = "the reply is larger than a frame may be, or memory ran out";
    failure.text = words;
    connection->out.failed = false;
    append_frame(&connection->out, request, STATUS_TOO_LARGE, &failure.base);
}

static void call_end(struct rpc_call *call, enum status status, const ProtobufCMessage *message)
{
    struct connection *connection = call->connection;
    struct rpc_server *server = connection->server;
    pthread_mutex_lock(&connection->lock);
    if (call->previous != NULL)
        call->previous->next = call->next;
    else
        connection->calls = call->next;
    if (call->next != NULL)
        call->next->previous = call->previous;
    connection->call_count--;
    if (connection->open && !atomic_load(&call->cancelled)) {
        append_reply(connection, &call->frame, status, message);
        if (!connection->corked && !flush(connection)) /* the loop will see it and close */
            shutdown(transport_fd(connection->transport), SHUT_RDWR);
    }
    pthread_mutex_unlock(&connection->lock);
    pthread_mutex_lock(&server->lock);
    server->calls_in_hand--;
    pthread_cond_broadcast(&server->changed);
    pthread_mutex_unlock(&server->lock);
    arena_release(&call->arena);
    free(call);
    connection_unref(connection);
}

void rpc_call_reply(struct rpc_call *call, const ProtobufCMessage *reply)
{
    call_end(call, STATUS_OK, reply);
}

void rpc_call_fail(struct rpc_call *call, enum status status, const char *format, ...)
{
    char text[512];
    va_list arguments;
    va_start(arguments, format);
    vsnprintf(text, sizeof(text), format, arguments);
    va_end(arguments);
    Wire__Failure failure = WIRE__FAILURE__INIT;
    failure.text = text;
    call_end(call, status == STATUS_OK ? STATUS_INVALID : status, &failure.base);
}

uint16_t rpc_call_method(const struct rpc_call *call)
{
    return call->frame.method;
}

int64_t rpc_call_left_ms(const struct rpc_call *call)
{
    return call->deadline_ms - clock_boot_ms();
}

bool rpc_call_cancelled(const struct rpc_call *call)
{
    return atomic_load(&call->cancelled);
}

struct arena *rpc_call_arena(struct rpc_call *call)
{
    return &call->arena;
}

void *rpc_call_request(struct rpc_call *call, const ProtobufCMessageDescriptor *descriptor)
{
    void *request =
        message_unpack(descriptor, call->payload, call->frame.payload_size, &call->arena);
    if (request == NULL)
        rpc_call_fail(call, STATUS_CORRUPT, "the request is no %s", descriptor->name);
    return request;
}

/* ---- reading ---- */

static void dispatch(struct rpc_server *server, struct rpc_call *call)
{
    if (server->worker_count == 0) {
        server->options.handler(server->options.context, call);
        return;
    }
    pthread_mutex_lock(&server->lock);
    bool full = server->queue_count >= server->options.queue_max;
    if (!full) {
        if (server->queue_last != NULL)
            server->queue_last->queue_next = call;
        else
            server->queue_first = call;
        server->queue_last = call;
        server->queue_count++;
        pthread_cond_signal(&server->changed);
    }
    pthread_mutex_unlock(&server->lock);
    if (full)
        rpc_call_fail(call, STATUS_OVERLOADED, "%u calls are waiting", server->options.queue_max);
}

static void cancel(struct connection *connection, uint64_t id)
{
    pthread_mutex_lock(&connection->lock);
    for (struct rpc_call *call = connection->calls; call != NULL; call = call->next) {
        if (call->frame.call == id)
            atomic_store(&call->cancelled, true);
    }
    pthread_mutex_unlock(&connection->lock);
}

static bool too_many_calls(struct connection *connection)
{
    pthread_mutex_lock(&connection->lock);
    bool too_many = connection->call_count > CALLS_PER_CONNECTION_MAX;
    pthread_mutex_unlock(&connection->lock);
    return too_many;
}

static bool take_frame(struct connection *connection, const struct frame *frame,
                       const uint8_t *payload)
{
    if (frame->kind == FRAME_CANCEL) {
        cancel(connection, frame->call);
        return true;
    }
    if (frame->kind != FRAME_REQUEST)
        return false;
    struct rpc_call *call = call_new(connection, frame, payload);
    if (call == NULL)
        return false;
    if (atomic_load(&connection->server->draining))
        rpc_call_fail(call, STATUS_UNAVAILABLE, "shutting down");
    else if (too_many_calls(connection))
        rpc_call_fail(call, STATUS_OVERLOADED, "too many calls on one connection");
    else
        dispatch(connection->server, call);
    return true;
}

static bool take_frames(struct connection *connection)
{
    size_t at = 0;
    for (;;) {
        struct frame frame;
        struct error err;
        const uint8_t *bytes = connection->in.data + at;
        size_t left = connection->in.size - at;
        enum status status = frame_decode(bytes, left, &frame, &err);
        if (status == STATUS_OK && left - FRAME_HEADER_BYTES < frame.payload_size)
            status = STATUS_END;
        if (status == STATUS_END)
            break;
        if (status != STATUS_OK) {
            log_warning("a connection is cut: %s", err.text);
            return false;
        }
        if (!take_frame(connection, &frame, bytes + FRAME_HEADER_BYTES))
            return false;
        at += FRAME_HEADER_BYTES + frame.payload_size;
    }
    buffer_consume(&connection->in, at);
    if (connection->in.size == 0 && connection->in.capacity > 1024 * 1024)
        buffer_release(&connection->in);
    return true;
}

/* One read's worth. False: the connection is over. */
static bool read_some(struct connection *connection, bool *ret_more)
{
    uint8_t *room = buffer_reserve(&connection->in, READ_BYTES);
    if (room == NULL)
        return false;
    size_t got = 0;
    pthread_mutex_lock(&connection->lock);
    enum transport_result result =
        transport_read(connection->transport, room, READ_BYTES, &got, NULL);
    pthread_mutex_unlock(&connection->lock);
    *ret_more = result == TRANSPORT_DONE;
    connection->in.size += *ret_more ? got : 0;
    return result == TRANSPORT_DONE || result == TRANSPORT_WANTS_READ ||
           result == TRANSPORT_WANTS_WRITE;
}

/* It does not read its replies: nothing more is read from it until it does. */
static bool is_stuffed(struct connection *connection)
{
    pthread_mutex_lock(&connection->lock);
    bool stuffed = connection->out.size > OUT_HIGH_BYTES;
    pthread_mutex_unlock(&connection->lock);
    return stuffed;
}

static bool connection_read(struct connection *connection)
{
    pthread_mutex_lock(&connection->lock);
    connection->corked = true;
    pthread_mutex_unlock(&connection->lock);
    bool more = true, alive = true;
    while (more && alive && !is_stuffed(connection)) {
        alive = read_some(connection, &more);
        if (alive && more)
            alive = take_frames(connection);
    }
    pthread_mutex_lock(&connection->lock);
    connection->corked = false;
    if (alive)
        alive = flush(connection);
    pthread_mutex_unlock(&connection->lock);
    return alive;
}

static bool connection_prove(struct connection *connection)
{
    struct error err = {0};
    pthread_mutex_lock(&connection->lock);
    enum transport_result result = transport_handshake(connection->transport, &err);
    connection->proved = result == TRANSPORT_DONE;
    ask_events(connection, result == TRANSPORT_WANTS_WRITE ? EPOLLOUT : EPOLLIN);
    pthread_mutex_unlock(&connection->lock);
    if (result == TRANSPORT_FAILED) {
        char peer[ENDPOINT_TEXT_BYTES];
        endpoint_format(&connection->peer, peer);
        log_warning("a connection from %s is refused: %s", peer, err.text);
    }
    return result != TRANSPORT_FAILED && result != TRANSPORT_CLOSED;
}

static void on_event(struct connection *connection, uint32_t events)
{
    bool alive = true;
    if (!connection->proved)
        alive = connection_prove(connection);
    if (alive && connection->proved && (events & EPOLLOUT) != 0) {
        pthread_mutex_lock(&connection->lock);
        alive = flush(connection);
        pthread_mutex_unlock(&connection->lock);
    }
    if (alive && connection->proved)
        alive = connection_read(connection);
    if (!alive)
        connection_shut(connection);
}

/* ---- accepting ---- */

static void accept_one(struct rpc_server *server, int fd, const struct endpoint *peer)
{
    struct connection *connection = calloc(1, sizeof(*connection));
    struct error err = {.text = "no memory"};
    if (connection == NULL ||
        transport_open(fd, true, peer, &server->key, &connection->transport, &err) != STATUS_OK) {
        log_warning("a connection is refused: %s", err.text);
        fd_close(fd);
        free(connection);
        return;
    }
    connection->server = server;
    connection->peer = *peer;
    connection->open = true;
    connection->opened_ms = clock_boot_ms();
    connection->in.limit = FRAME_PAYLOAD_MAX + FRAME_HEADER_BYTES + READ_BYTES;
    pthread_mutex_init(&connection->lock, NULL);
    atomic_init(&connection->references, 1);
    connection->next = server->connections;
    if (connection->next != NULL)
        connection->next->previous = connection;
    server->connections = connection;
    server->connection_count++;
    connection->events = EPOLLIN;
    struct epoll_event event = {.events = EPOLLIN, .data.ptr = connection};
    if (epoll_ctl(server->epoll_fd, EPOLL_CTL_ADD, fd, &event) != 0)
        connection_shut(connection);
    else
        on_event(connection, 0); /* the server speaks first */
}

static void accept_all(struct rpc_server *server)
{
    for (;;) {
        struct endpoint peer = {.size = sizeof(peer.socket)};
        int fd = accept4(server->listen_fd, (struct sockaddr *)&peer.socket, &peer.size,
                         SOCK_NONBLOCK | SOCK_CLOEXEC);
        if (fd < 0)
            return;
        if (server->connection_count >= server->options.connections_max) {
            log_warning("a connection is refused: %u are open", server->connection_count);
            fd_close(fd);
            continue;
        }
        listen_tune(fd);
        accept_one(server, fd, &peer);
    }
}

/* Cuts those that have not proved themselves in time. */
static void cut_unproved(struct rpc_server *server)
{
    int64_t now = clock_boot_ms();
    struct connection *next;
    for (struct connection *at = server->connections; at != NULL; at = next) {
        next = at->next; // NOLINT(clang-analyzer-unix.Malloc): the list is one reference
        if (!at->proved && now - at->opened_ms > HANDSHAKE_MS)
            connection_shut(at);
    }
}

static void *loop_main(void *argument)
{
    struct rpc_server *server = argument;
    struct epoll_event events[EVENTS_MAX];
    while (!atomic_load(&server->stopping)) {
        int count = epoll_wait(server->epoll_fd, events, EVENTS_MAX, 1000);
        for (int i = 0; i < count; i++) {
            if (events[i].data.ptr == &server->wake_fd)
                continue; /* stays readable: `stopping` or `draining` is set */
            if (events[i].data.ptr == &server->listen_fd)
                accept_all(server);
            else
                on_event(events[i].data.ptr, events[i].events);
        }
        cut_unproved(server);
    }
    while (server->connections != NULL)
        connection_shut(server->connections); // NOLINT(clang-analyzer-unix.Malloc): as above
    return NULL;
}

static void *worker_main(void *argument)
{
    struct rpc_server *server = argument;
    pthread_mutex_lock(&server->lock);
    for (;;) {
        struct rpc_call *call = server->queue_first;
        if (call == NULL && atomic_load(&server->stopping))
            break;
        if (call == NULL) {
            pthread_cond_wait(&server->changed, &server->lock);
            continue;
        }
        server->queue_first = call->queue_next;
        if (server->queue_first == NULL)
            server->queue_last = NULL;
        server->queue_count--;
        pthread_mutex_unlock(&server->lock);
        if (rpc_call_cancelled(call) || rpc_call_left_ms(call) <= 0)
            rpc_call_fail(call, STATUS_CANCELLED, "nobody waits for it any more");
        else
            server->options.handler(server->options.context, call);
        pthread_mutex_lock(&server->lock);
    }
    pthread_mutex_unlock(&server->lock);
    return NULL;
}

/* ---- the whole ---- */

static enum status watch(struct rpc_server *server, int fd, void *data, struct error *err)
{
    struct epoll_event event = {.events = EPOLLIN, .data.ptr = data};
    if (epoll_ctl(server->epoll_fd, EPOLL_CTL_ADD, fd, &event) != 0)
        return error_set_errno(err, errno, "epoll_ctl");
    return STATUS_OK;
}

static enum status start_threads(struct rpc_server *server, struct error *err)
{
    server->workers = calloc(server->options.threads + 1, sizeof(*server->workers));
    if (server->workers == NULL)
        return error_set(err, STATUS_NO_MEMORY, "no memory for threads");
    for (unsigned i = 0; i < server->options.threads; i++) {
        if (pthread_create(&server->workers[i], NULL, worker_main, server) != 0)
            return error_set(err, STATUS_NO_MEMORY, "no thread could be started");
        server->worker_count++;
    }
    if (pthread_create(&server->loop, NULL, loop_main, server) != 0)
        return error_set(err, STATUS_NO_MEMORY, "no thread could be started");
    server->loop_started = true;
    return STATUS_OK;
}

enum status rpc_server_open(const struct rpc_server_options *options,
                            struct rpc_server **ret_server, struct error *err)
{
    struct rpc_server *server = calloc(1, sizeof(*server));
    if (server == NULL)
        return error_set(err, STATUS_NO_MEMORY, "no memory for a server");
    server->options = *options;
    if (server->options.queue_max == 0)
        server->options.queue_max = QUEUE_DEFAULT;
    if (server->options.connections_max == 0)
        server->options.connections_max = CONNECTIONS_DEFAULT;
    if (options->key != NULL)
        server->key = *options->key;
    pthread_mutex_init(&server->lock, NULL);
    pthread_cond_init(&server->changed, NULL);
    server->listen_fd = options->listen_fd > 0 ? options->listen_fd : -1;
    server->epoll_fd = epoll_create1(EPOLL_CLOEXEC);
    server->wake_fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);

    enum status status = STATUS_OK;
    if (server->epoll_fd < 0 || server->wake_fd < 0)
        status = error_set_errno(err, errno, "epoll");
    if (status == STATUS_OK && server->listen_fd < 0)
        status = listen_open(options->host, options->port, &server->listen_fd, err);
    if (status == STATUS_OK)
        status = listen_address(server->listen_fd, server->address, &server->port, err);
    if (status == STATUS_OK)
        status = fd_set_nonblocking(server->listen_fd, true, err);
    if (status == STATUS_OK)
        status = watch(server, server->listen_fd, &server->listen_fd, err);
    if (status == STATUS_OK)
        status = watch(server, server->wake_fd, &server->wake_fd, err);
    if (status == STATUS_OK)
        status = start_threads(server, err);
    if (status != STATUS_OK) {
        rpc_server_close(server, 0);
        return status;
    }
    *ret_server = server;
    return STATUS_OK;
}

const char *rpc_server_address(const struct rpc_server *server)
{
    return server->address;
}

uint16_t rpc_server_port(const struct rpc_server *server)
{
    return server->port;
}

static void wait_for_calls(struct rpc_server *server, unsigned drain_ms)
{
    struct timespec until;
    clock_gettime(CLOCK_REALTIME, &until);
    until.tv_sec += drain_ms / 1000;
    until.tv_nsec += (long)(drain_ms % 1000) * 1000000;
    if (until.tv_nsec >= 1000000000) {
        until.tv_sec++;
        until.tv_nsec -= 1000000000;
    }
    pthread_mutex_lock(&server->lock);
    while (server->calls_in_hand > 0) {
        if (pthread_cond_timedwait(&server->changed, &server->lock, &until) == ETIMEDOUT)
            break;
    }
    pthread_mutex_unlock(&server->lock);
}

static void stop_threads(struct rpc_server *server)
{
    pthread_mutex_lock(&server->lock);
    atomic_store(&server->stopping, true);
    pthread_cond_broadcast(&server->changed);
    pthread_mutex_unlock(&server->lock);
    uint64_t one = 1;
    if (server->wake_fd >= 0 && write(server->wake_fd, &one, sizeof(one)) < 0)
        log_debug("the loop is awake already");
    for (unsigned i = 0; i < server->worker_count; i++)
        pthread_join(server->workers[i], NULL);
    if (server->loop_started)
        pthread_join(server->loop, NULL);
}

void rpc_server_close(struct rpc_server *server, unsigned drain_ms)
{
    if (server == NULL)
        return;
    atomic_store(&server->draining, true);
    if (server->epoll_fd >= 0 && server->listen_fd >= 0)
        epoll_ctl(server->epoll_fd, EPOLL_CTL_DEL, server->listen_fd, NULL);
    if (drain_ms > 0)
        wait_for_calls(server, drain_ms);
    stop_threads(server);
    listen_close(server->listen_fd, server->address);
    fd_close(server->epoll_fd);
    fd_close(server->wake_fd);
    if (server->calls_in_hand > 0) { /* whoever keeps them would write into freed memory */
        log_warning("%u calls were never answered", server->calls_in_hand);
        return;
    }
    pthread_mutex_destroy(&server->lock);
    pthread_cond_destroy(&server->changed);
    free(server->workers);
    free(server);
}
