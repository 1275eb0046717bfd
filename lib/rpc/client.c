#include "rpc/client.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/buffer.h"
#include "base/clock.h"
#include "base/file.h"
#include "rpc/endpoint.h"
#include "rpc/frame.h"
#include "rpc/listen.h"
#include "rpc/message.h"
#include "rpc/outbox.h"
#include "rpc/shortcut.h"
#include "rpc/transport.h"
#include "wire.pb-c.h"

enum {
    READ_BYTES = 64 * 1024,
    CONNECT_MS = 3000, /* to connect, and again to prove the key */
    /* A peer that reads nothing: what waits for it is bounded, and then it counts as gone. */
    OUT_BYTES_MAX = FRAME_PAYLOAD_MAX + 8 * 1024 * 1024,
    POLLED_MAX = 128, /* clients in one rpc_wait() */
    /* A connection that was silent for longer is looked at before it is used: a server that closed
     * it meanwhile has not seen the call, which then goes to its successor. */
    SILENCE_MS = 50,
};

enum state { STATE_NONE, STATE_CONNECTING, STATE_PROVING, STATE_OPEN };

struct rpc_client {
    char address[ENDPOINT_TEXT_BYTES];
    struct cluster_key key;
    bool has_key;
    enum state state;
    struct endpoint endpoints[ENDPOINTS_MAX];
    unsigned endpoint_count;
    unsigned endpoint_index; /* the one being tried */
    int fd;                  /* while connecting; afterwards the transport's */
    struct transport *transport;
    bool wants_write;
    int64_t connect_started_ms;
    struct buffer in;
    struct outbox out;
    int64_t heard_ms; /* when bytes came last */
    uint64_t last_call;
    struct rpc_exchange *exchanges; /* in flight */
};

enum status rpc_client_open(const char *address, const struct cluster_key *key,
                            struct rpc_client **ret_client, struct error *err)
{
    if (strlen(address) >= ENDPOINT_TEXT_BYTES)
        return error_set(err, STATUS_INVALID, "the address is too long");
    struct rpc_client *client = calloc(1, sizeof(*client));
    if (client == NULL)
        return error_set(err, STATUS_NO_MEMORY, "no memory for a client");
    strcpy(client->address, address);
    client->has_key = key != NULL;
    if (key != NULL)
        client->key = *key;
    client->fd = -1;
    client->in.limit = FRAME_PAYLOAD_MAX + FRAME_HEADER_BYTES + READ_BYTES;
    client->out.bytes.limit = OUT_BYTES_MAX;
    *ret_client = client;
    return STATUS_OK;
}

const char *rpc_client_address(const struct rpc_client *client)
{
    return client->address;
}

int rpc_client_fd(const struct rpc_client *client)
{
    return client->fd;
}

/* ---- exchanges ---- */

static void unlink_exchange(struct rpc_exchange *exchange)
{
    struct rpc_exchange **at = &exchange->client->exchanges;
    while (*at != NULL && *at != exchange)
        at = &(*at)->next;
    if (*at == exchange)
        *at = exchange->next;
    exchange->next = NULL;
}

static void finish(struct rpc_exchange *exchange, enum status status)
{
    unlink_exchange(exchange);
    exchange->status = status;
    exchange->done = true;
}

static void drop_connection(struct rpc_client *client)
{
    if (client->transport != NULL)
        transport_close(client->transport);
    else
        fd_close(client->fd);
    client->transport = NULL;
    client->fd = -1;
    client->state = STATE_NONE;
    client->wants_write = false;
    buffer_clear(&client->in);
    outbox_clear(&client->out);
}

/* Every call in flight ends; nobody knows whether the server has done it. */
static void lose(struct rpc_client *client, enum status status, const struct error *why)
{
    drop_connection(client);
    while (client->exchanges != NULL) {
        struct rpc_exchange *exchange = client->exchanges;
        error_set(&exchange->error, status, "%s: %s", client->address, why->text);
        finish(exchange, status);
    }
}

void rpc_client_close(struct rpc_client *client)
{
    if (client == NULL)
        return;
    struct error err;
    error_set(&err, STATUS_CANCELLED, "the client was closed");
    lose(client, STATUS_CANCELLED, &err);
    buffer_release(&client->in);
    outbox_release(&client->out);
    explicit_bzero(&client->key, sizeof(client->key));
    free(client);
}

/* ---- connecting ---- */

static void try_next_endpoint(struct rpc_client *client, int code);

static void advance(struct rpc_client *client);

static void connected(struct rpc_client *client)
{
    struct error err;
    listen_tune(client->fd);
    enum status status =
        transport_open(client->fd, false, &client->endpoints[client->endpoint_index],
                       client->has_key ? &client->key : NULL, &client->transport, &err);
    if (status != STATUS_OK) {
        lose(client, status, &err);
        return;
    }
    client->state = STATE_PROVING;
    advance(client);
}

static void try_endpoint(struct rpc_client *client)
{
    const struct endpoint *endpoint = &client->endpoints[client->endpoint_index];
    client->fd = shortcut_connect(endpoint);
    if (client->fd >= 0) {
        client->connect_started_ms = clock_boot_ms();
        connected(client);
        return;
    }
    client->fd = socket(endpoint->socket.ss_family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    client->state = STATE_CONNECTING;
    client->connect_started_ms = clock_boot_ms();
    if (client->fd < 0 ||
        (connect(client->fd, (const struct sockaddr *)&endpoint->socket, endpoint->size) != 0 &&
         errno != EINPROGRESS))
        try_next_endpoint(client, errno);
    else if (endpoint_is_unix(endpoint))
        connected(client);
}

static void try_next_endpoint(struct rpc_client *client, int code)
{
    fd_close(client->fd);
    client->fd = -1;
    if (++client->endpoint_index < client->endpoint_count) {
        try_endpoint(client);
        return;
    }
    struct error err;
    error_set_errno(&err, code, "no connection");
    lose(client, STATUS_UNAVAILABLE, &err);
}

static void begin_connect(struct rpc_client *client)
{
    struct error err;
    enum status status =
        endpoint_resolve(client->address, client->endpoints, &client->endpoint_count, &err);
    if (status == STATUS_OK && client->endpoint_count == 0)
        status = error_set(&err, STATUS_UNAVAILABLE, "no address");
    if (status != STATUS_OK) {
        lose(client, status, &err);
        return;
    }
    client->endpoint_index = 0;
    try_endpoint(client);
}

static void connect_event(struct rpc_client *client)
{
    int code = 0;
    socklen_t size = sizeof(code);
    struct pollfd polled = {.fd = client->fd, .events = POLLOUT};
    if (poll(&polled, 1, 0) == 0) {
        if (clock_boot_ms() - client->connect_started_ms > CONNECT_MS)
            try_next_endpoint(client, ETIMEDOUT);
        return;
    }
    if (getsockopt(client->fd, SOL_SOCKET, SO_ERROR, &code, &size) != 0)
        code = errno;
    if (code != 0)
        try_next_endpoint(client, code);
    else
        connected(client);
}

/* ---- moving bytes ---- */

static bool lost(struct rpc_client *client, enum transport_result result, struct error *err)
{
    if (result == TRANSPORT_CLOSED) {
        error_set(err, STATUS_UNAVAILABLE, "the connection was closed");
        lose(client, STATUS_UNAVAILABLE, err);
        return true;
    }
    if (result == TRANSPORT_FAILED) {
        enum status status = err->status == STATUS_DENIED || err->status == STATUS_UNSUPPORTED
                                 ? err->status
                                 : STATUS_UNAVAILABLE;
        lose(client, status, err);
        return true;
    }
    return false;
}

static void flush(struct rpc_client *client)
{
    struct error err;
    enum transport_result result = outbox_send(&client->out, client->transport, &err);
    if (!lost(client, result, &err))
        client->wants_write = result != TRANSPORT_DONE;
}

static void take_reply(struct rpc_client *client, const struct frame *frame, const uint8_t *payload)
{
    struct rpc_exchange *exchange = client->exchanges;
    while (exchange != NULL && exchange->call != frame->call)
        exchange = exchange->next;
    if (exchange == NULL)
        return; /* given up meanwhile */
    if (frame->status != STATUS_OK) {
        Wire__Failure *failure = message_unpack(&wire__failure__descriptor, payload,
                                                frame->payload_size, exchange->arena);
        error_set(&exchange->error, frame->status, "%s", failure == NULL ? "?" : failure->text);
        finish(exchange, frame->status);
        return;
    }
    exchange->reply =
        message_unpack(exchange->reply_descriptor, payload, frame->payload_size, exchange->arena);
    if (exchange->reply == NULL)
        error_set(&exchange->error, STATUS_CORRUPT, "%s: the reply is no %s, or too large",
                  client->address, exchange->reply_descriptor->name);
    finish(exchange, exchange->reply == NULL ? STATUS_CORRUPT : STATUS_OK);
}

static bool take_replies(struct rpc_client *client)
{
    size_t at = 0;
    for (;;) {
        struct frame frame;
        struct error err;
        const uint8_t *bytes = client->in.data + at;
        size_t left = client->in.size - at;
        enum status status = frame_decode(bytes, left, &frame, &err);
        if (status == STATUS_OK && left - FRAME_HEADER_BYTES < frame.payload_size)
            status = STATUS_END;
        if (status == STATUS_END)
            break;
        if (status == STATUS_OK && frame.kind != FRAME_REPLY)
            status = error_set(&err, STATUS_CORRUPT, "a frame that is no reply");
        if (status != STATUS_OK) {
            lose(client, STATUS_CORRUPT, &err);
            return false;
        }
        take_reply(client, &frame, bytes + FRAME_HEADER_BYTES);
        at += FRAME_HEADER_BYTES + frame.payload_size;
    }
    if (at > 0) /* else a part of a large frame would be moved onto itself */
        buffer_consume(&client->in, at);
    return true;
}

static void receive(struct rpc_client *client)
{
    for (;;) {
        struct error err;
        size_t got = 0;
        uint8_t *room = buffer_reserve(&client->in, READ_BYTES);
        if (room == NULL) {
            error_set(&err, STATUS_NO_MEMORY, "no memory for a reply");
            lose(client, STATUS_NO_MEMORY, &err);
            return;
        }
        enum transport_result result =
            transport_read(client->transport, room, READ_BYTES, &got, &err);
        if (lost(client, result, &err) || result != TRANSPORT_DONE)
            return;
        client->in.size += got;
        client->heard_ms = clock_boot_ms();
        bool has_more = transport_may_have_more(client->transport, got, READ_BYTES);
        if (!take_replies(client) || !has_more)
            return;
    }
}

static void advance(struct rpc_client *client)
{
    if (client->state == STATE_CONNECTING)
        connect_event(client);
    if (client->state == STATE_PROVING) {
        struct error err;
        enum transport_result result = transport_handshake(client->transport, &err);
        if (lost(client, result, &err))
            return;
        client->wants_write = result == TRANSPORT_WANTS_WRITE;
        if (result == TRANSPORT_DONE)
            client->state = STATE_OPEN;
        else if (clock_boot_ms() - client->connect_started_ms > 2 * CONNECT_MS) {
            error_set(&err, STATUS_UNAVAILABLE, "it does not answer the proof of the key");
            lose(client, STATUS_UNAVAILABLE, &err);
            return;
        }
    }
    if (client->state == STATE_OPEN && outbox_waiting(&client->out) > 0)
        flush(client);
    if (client->state == STATE_OPEN)
        receive(client);
}

/* ---- calls ---- */

static void queue_frame(struct rpc_client *client, const struct frame *frame,
                        const ProtobufCMessage *message)
{
    uint8_t *room = outbox_reserve(&client->out, FRAME_HEADER_BYTES + frame->payload_size);
    if (room == NULL) {
        struct error err;
        error_set(&err, STATUS_UNAVAILABLE, "it does not read what is sent to it");
        lose(client, STATUS_UNAVAILABLE, &err);
        return;
    }
    frame_encode(frame, room);
    if (message != NULL)
        protobuf_c_message_pack(message, room + FRAME_HEADER_BYTES);
    client->out.bytes.size += FRAME_HEADER_BYTES + frame->payload_size;
}

void rpc_start(struct rpc_client *client, uint16_t method, const ProtobufCMessage *request,
               const ProtobufCMessageDescriptor *reply_descriptor, struct arena *arena,
               uint32_t timeout_ms, struct rpc_exchange *exchange)
{
    int64_t now_ms = clock_boot_ms();
    *exchange = (struct rpc_exchange){
        .client = client,
        .reply_descriptor = reply_descriptor,
        .arena = arena,
        .call = ++client->last_call,
        .deadline_ms = now_ms + timeout_ms,
        .next = client->exchanges,
    };
    client->exchanges = exchange;
    size_t size = protobuf_c_message_get_packed_size(request);
    if (size > FRAME_PAYLOAD_MAX) {
        error_set(&exchange->error, STATUS_TOO_LARGE, "a request of %zu bytes", size);
        finish(exchange, STATUS_TOO_LARGE);
        return;
    }
    struct frame frame = {.payload_size = (uint32_t)size,
                          .call = exchange->call,
                          .timeout_ms = timeout_ms,
                          .method = method,
                          .kind = FRAME_REQUEST};
    if (client->state == STATE_OPEN && client->exchanges->next == NULL &&
        now_ms - client->heard_ms > SILENCE_MS)
        receive(client);
    if (exchange->done) { /* by that: connect anew, as if it had never been open */
        exchange->done = false;
        exchange->status = STATUS_OK;
        exchange->next = client->exchanges;
        client->exchanges = exchange;
    }
    queue_frame(client, &frame, request);
    if (exchange->done)
        return;
    if (client->state == STATE_NONE)
        begin_connect(client);
    else if (client->state == STATE_OPEN && !client->wants_write)
        flush(client);
}

void rpc_cancel(struct rpc_exchange *exchange)
{
    if (exchange->done || exchange->client == NULL)
        return;
    struct frame frame = {.call = exchange->call, .kind = FRAME_CANCEL};
    struct rpc_client *client = exchange->client;
    error_set(&exchange->error, STATUS_CANCELLED, "cancelled");
    finish(exchange, STATUS_CANCELLED);
    queue_frame(client, &frame, NULL);
    if (client->state == STATE_OPEN && !client->wants_write)
        flush(client);
}

static void expire(struct rpc_exchange *exchange)
{
    rpc_cancel(exchange); /* done, even where that loses the connection */
    exchange->status = STATUS_TIMEOUT;
    error_set(&exchange->error, STATUS_TIMEOUT, "%s: no answer in time", exchange->client->address);
}

/* Counts what is done, and finds the nearest deadline among the rest. */
static unsigned survey(struct rpc_exchange *const *exchanges, unsigned count,
                       int64_t *ret_deadline_ms)
{
    unsigned done = 0;
    int64_t now = clock_boot_ms();
    for (unsigned i = 0; i < count; i++) {
        struct rpc_exchange *exchange = exchanges[i];
        if (exchange == NULL)
            continue;
        if (!exchange->done && exchange->deadline_ms <= now)
            expire(exchange);
        if (exchange->done)
            done++;
        else if (exchange->deadline_ms < *ret_deadline_ms)
            *ret_deadline_ms = exchange->deadline_ms;
    }
    return done;
}

/* The distinct clients of what is not done. */
static unsigned collect(struct rpc_exchange *const *exchanges, unsigned count,
                        struct rpc_client *ret_clients[POLLED_MAX],
                        struct pollfd ret_polled[POLLED_MAX])
{
    unsigned clients = 0;
    for (unsigned i = 0; i < count && clients < POLLED_MAX; i++) {
        if (exchanges[i] == NULL || exchanges[i]->done)
            continue;
        struct rpc_client *client = exchanges[i]->client;
        unsigned at = 0;
        while (at < clients && ret_clients[at] != client)
            at++;
        if (at < clients)
            continue;
        short events = client->state == STATE_CONNECTING ? POLLOUT : POLLIN;
        if (client->wants_write)
            events |= POLLOUT;
        ret_polled[clients] = (struct pollfd){.fd = client->fd, .events = events};
        ret_clients[clients++] = client;
    }
    return clients;
}

/* One poll() and what follows from it. Returns whether something was ready. */
static bool move(struct rpc_exchange *const *exchanges, unsigned count, int64_t wait_ms,
                 const struct rpc_watch *watch, bool *ret_seen)
{
    struct rpc_client *clients[POLLED_MAX];
    struct pollfd polled[POLLED_MAX + 1];
    unsigned client_count = collect(exchanges, count, clients, polled);
    polled[client_count] = (struct pollfd){.fd = watch->fd, .events = watch->events};
    int ready = poll(polled, client_count + (watch->fd >= 0),
                     (int)(wait_ms < 0      ? 0
                           : wait_ms > 1000 ? 1000
                                            : wait_ms));
    *ret_seen = ready > 0 && polled[client_count].revents != 0;
    for (unsigned i = 0; i < client_count; i++) {
        if (polled[i].revents != 0 || clients[i]->state == STATE_CONNECTING ||
            clients[i]->state == STATE_PROVING)
            advance(clients[i]);
    }
    return ready != 0;
}

unsigned rpc_wait_watching(struct rpc_exchange *const *exchanges, unsigned count, int64_t wait_ms,
                           const struct rpc_watch *watch, bool *ret_seen)
{
    int64_t until_ms = clock_boot_ms() + wait_ms;
    int64_t unused = INT64_MAX;
    unsigned before = 0, wanted = 0;
    *ret_seen = false;
    for (unsigned i = 0; i < count; i++) {
        before += exchanges[i] != NULL && exchanges[i]->done;
        wanted += exchanges[i] != NULL;
    }
    for (;;) {
        int64_t nearest_ms = until_ms;
        unsigned done = survey(exchanges, count, &nearest_ms);
        if (done > before || done == wanted || *ret_seen)
            return done;
        bool was_ready = move(exchanges, count, nearest_ms - clock_boot_ms(), watch, ret_seen);
        if (!was_ready && clock_boot_ms() >= until_ms)
            return survey(exchanges, count, &unused);
    }
}

unsigned rpc_wait(struct rpc_exchange *const *exchanges, unsigned count, int64_t wait_ms)
{
    bool unused;
    return rpc_wait_watching(exchanges, count, wait_ms, &(struct rpc_watch){.fd = -1}, &unused);
}

enum status rpc_call(struct rpc_client *client, uint16_t method, const ProtobufCMessage *request,
                     const ProtobufCMessageDescriptor *reply_descriptor, struct arena *arena,
                     uint32_t timeout_ms, void **ret_reply, struct error *err)
{
    struct rpc_exchange exchange, *list[1] = {&exchange};
    rpc_start(client, method, request, reply_descriptor, arena, timeout_ms, &exchange);
    while (rpc_wait(list, 1, timeout_ms) == 0)
        ;
    if (exchange.status != STATUS_OK)
        return error_set(err, exchange.status, "%s", exchange.error.text);
    *ret_reply = exchange.reply;
    return STATUS_OK;
}
