/* A server's connections: proving the peer, reading frames, sending replies, the end. */
#include <pthread.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <sys/epoll.h>
#include <sys/socket.h>

#include "base/buffer.h"
#include "base/clock.h"
#include "base/file.h"
#include "base/log.h"
#include "rpc/server_parts.h"

enum {
    READ_BYTES = 64 * 1024,
    IN_BYTES_MAX = FRAME_PAYLOAD_MAX + FRAME_HEADER_BYTES + READ_BYTES,
    READS_MAX = 16, /* of one connection, before the others have their turn */
    /* A peer that does not read its replies is not read from until it does. */
    OUT_HIGH_BYTES = 64 * 1024 * 1024,
    CALLS_PER_CONNECTION_MAX = 4096,
};

void connection_unref(struct connection *connection)
{
    if (atomic_fetch_sub(&connection->references, 1) != 1)
        return;
    transport_close(connection->transport);
    buffer_release(&connection->in);
    outbox_release(&connection->out);
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

bool connection_flush(struct connection *connection)
{
    enum transport_result result = outbox_send(&connection->out, connection->transport, NULL);
    if (result == TRANSPORT_CLOSED || result == TRANSPORT_FAILED)
        return false;
    size_t waiting = outbox_waiting(&connection->out);
    uint32_t events = waiting > OUT_HIGH_BYTES ? 0 : EPOLLIN | EPOLLRDHUP;
    ask_events(connection, events | (waiting > 0 ? EPOLLOUT : 0));
    return true;
}

static void enter_list(struct connection *connection, struct connection_list *list)
{
    connection->list = list;
    connection->next = NULL;
    connection->previous = list->last;
    if (list->last != NULL)
        list->last->next = connection;
    else
        list->first = connection;
    list->last = connection;
    list->count++;
}

static void leave_list(struct connection *connection)
{
    struct connection_list *list = connection->list;
    if (connection->previous != NULL)
        connection->previous->next = connection->next;
    else
        list->first = connection->next;
    if (connection->next != NULL)
        connection->next->previous = connection->previous;
    else
        list->last = connection->previous;
    list->count--;
}

void connection_shut(struct connection *connection)
{
    struct rpc_server *server = connection->server;
    pthread_mutex_lock(&connection->lock);
    connection->open = false;
    epoll_ctl(server->epoll_fd, EPOLL_CTL_DEL, transport_fd(connection->transport), NULL);
    shutdown(transport_fd(connection->transport), SHUT_RDWR); /* calls may hold it a while yet */
    for (struct rpc_call *call = connection->calls; call != NULL; call = call->next)
        atomic_store(&call->cancelled, true);
    pthread_mutex_unlock(&connection->lock);
    leave_list(connection);
    connection_unref(connection);
}

void connection_cork(struct connection *connection)
{
    atomic_fetch_add(&connection->references, 1);
    pthread_mutex_lock(&connection->lock);
    connection->corked = true;
    pthread_mutex_unlock(&connection->lock);
}

void connection_uncork(struct connection *connection)
{
    if (connection == NULL)
        return;
    pthread_mutex_lock(&connection->lock);
    connection->corked = false;
    bool is_lost = connection->open && !connection_flush(connection);
    pthread_mutex_unlock(&connection->lock);
    if (is_lost)
        connection_shut(connection);
    connection_unref(connection);
}

/* ---- reading ---- */

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
        server_dispatch(connection->server, call);
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
    if (at > 0) /* else a part of a large frame would be moved onto itself */
        buffer_consume(&connection->in, at);
    if (connection->in.size == 0 && connection->in.capacity > 1024 * 1024) {
        buffer_release(&connection->in);
        connection->in.limit = IN_BYTES_MAX;
    }
    return true;
}

/* One read's worth; says whether there may be more at hand. False: the connection is over. */
static bool read_some(struct connection *connection, bool *ret_more)
{
    uint8_t *room = buffer_reserve(&connection->in, READ_BYTES);
    if (room == NULL)
        return false;
    size_t got = 0;
    pthread_mutex_lock(&connection->lock);
    enum transport_result result =
        transport_read(connection->transport, room, READ_BYTES, &got, NULL);
    *ret_more =
        result == TRANSPORT_DONE && transport_may_have_more(connection->transport, got, READ_BYTES);
    pthread_mutex_unlock(&connection->lock);
    connection->in.size += result == TRANSPORT_DONE ? got : 0;
    return result == TRANSPORT_DONE || result == TRANSPORT_WANTS_READ ||
           result == TRANSPORT_WANTS_WRITE;
}

/* It does not read its replies: nothing more is read from it until it does. */
static bool is_stuffed(struct connection *connection)
{
    pthread_mutex_lock(&connection->lock);
    bool stuffed = outbox_waiting(&connection->out) > OUT_HIGH_BYTES;
    pthread_mutex_unlock(&connection->lock);
    return stuffed;
}

/* The last requests of a peer that has gone are read to their end, which cancels them. */
static bool connection_read(struct connection *connection, bool has_gone)
{
    bool more = true, alive = true;
    for (unsigned i = 0; i < READS_MAX && more && alive && !is_stuffed(connection); i++) {
        alive = read_some(connection, &more);
        if (alive)
            alive = take_frames(connection);
        more |= has_gone;
    }
    return alive;
}

static bool connection_prove(struct connection *connection)
{
    struct error err = {0};
    pthread_mutex_lock(&connection->lock);
    enum transport_result result = transport_handshake(connection->transport, &err);
    connection->proved = result == TRANSPORT_DONE;
    ask_events(connection, result == TRANSPORT_WANTS_WRITE ? EPOLLOUT : EPOLLIN | EPOLLRDHUP);
    pthread_mutex_unlock(&connection->lock);
    if (connection->proved) {
        leave_list(connection);
        enter_list(connection, &connection->server->members);
    }
    if (result == TRANSPORT_FAILED) {
        char peer[ENDPOINT_TEXT_BYTES];
        endpoint_format(&connection->peer, peer);
        server_say_refusal(connection->server, "a connection from %s is refused: %s", peer,
                           err.text);
    }
    return result != TRANSPORT_FAILED && result != TRANSPORT_CLOSED;
}

void connection_event(struct connection *connection, uint32_t events)
{
    bool alive = true;
    if (!connection->proved)
        alive = connection_prove(connection);
    if (alive && connection->proved && (events & EPOLLOUT) != 0) {
        pthread_mutex_lock(&connection->lock);
        alive = connection_flush(connection);
        pthread_mutex_unlock(&connection->lock);
    }
    if (!alive) {
        connection_shut(connection);
        return;
    }
    if (!connection->proved)
        return;
    connection_cork(connection); /* refusals go out together */
    if (!connection_read(connection, (events & (EPOLLRDHUP | EPOLLHUP | EPOLLERR)) != 0))
        connection_shut(connection);
    connection_uncork(connection); // NOLINT(clang-analyzer-unix.Malloc): the cork is a reference
}

/* ---- the beginning ---- */

void connection_open(struct rpc_server *server, int fd, const struct endpoint *peer,
                     enum connection_way way)
{
    struct connection *connection = calloc(1, sizeof(*connection));
    struct error err = {.text = "no memory"};
    if (connection == NULL ||
        transport_open(fd, true, peer, &server->key, &connection->transport, &err) != STATUS_OK) {
        server_say_refusal(server, "a connection is refused: %s", err.text);
        fd_close(fd);
        free(connection);
        return;
    }
    connection->server = server;
    connection->peer = *peer;
    connection->open = true;
    connection->opened_ms = clock_boot_ms();
    connection->in.limit = IN_BYTES_MAX;
    pthread_mutex_init(&connection->lock, NULL);
    atomic_init(&connection->references, 1);
    enter_list(connection, &server->unproved[way]);
    connection->events = EPOLLIN | EPOLLRDHUP;
    struct epoll_event event = {.events = connection->events, .data.ptr = connection};
    if (epoll_ctl(server->epoll_fd, EPOLL_CTL_ADD, fd, &event) != 0)
        connection_shut(connection);
    else
        connection_event(connection, 0); /* the server speaks first */
}
