/* One request in a server's hands, and its reply. */
#include <pthread.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/socket.h>

#include "base/clock.h"
#include "rpc/message.h"
#include "rpc/server_parts.h"
#include "wire.pb-c.h"

struct rpc_call *call_new(struct connection *connection, const struct frame *frame,
                          const uint8_t *payload)
{
    bool (*goes_first)(uint16_t method) = connection->server->options.goes_first;
    struct rpc_call *call = calloc(1, sizeof(*call));
    if (call == NULL)
        return NULL;
    call->connection = connection;
    call->frame = *frame;
    call->deadline_ms = clock_boot_ms() + frame->timeout_ms;
    call->goes_first = goes_first != NULL && goes_first(frame->method);
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
static bool append_frame(struct outbox *out, const struct frame *request, enum status status,
                         const ProtobufCMessage *message)
{
    size_t payload = protobuf_c_message_get_packed_size(message);
    uint8_t *room =
        payload > FRAME_PAYLOAD_MAX ? NULL : outbox_reserve(out, FRAME_HEADER_BYTES + payload);
    if (room == NULL)
        return false;
    struct frame frame = {.call = request->call,
                          .method = request->method,
                          .kind = FRAME_REPLY,
                          .status = status,
                          .payload_size = (uint32_t)payload};
    frame_encode(&frame, room);
    protobuf_c_message_pack(message, room + FRAME_HEADER_BYTES);
    out->bytes.size += FRAME_HEADER_BYTES + payload;
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
    connection->out.bytes.failed = false;
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
        if (!connection->corked &&
            !connection_flush(connection)) /* the loop will see it and close */
            shutdown(transport_fd(connection->transport), SHUT_RDWR);
    }
    pthread_mutex_unlock(&connection->lock);
    pthread_mutex_lock(&server->lock);
    server->calls_in_hand--;
    if (atomic_load(
            &server->draining)) /* else nobody waits for that, but every worker would wake */
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

struct endpoint rpc_call_peer(const struct rpc_call *call)
{
    struct endpoint peer = call->connection->peer;
    endpoint_unmap(&peer);
    return peer;
}

struct endpoint rpc_call_local(const struct rpc_call *call)
{
    struct endpoint local = {.size = sizeof(local.socket)};
    if (getsockname(transport_fd(call->connection->transport), (struct sockaddr *)&local.socket,
                    &local.size) != 0)
        local = call->connection->peer; /* it has ended meanwhile */
    endpoint_unmap(&local);
    return local;
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

bool call_is_stale(const struct rpc_call *call, int64_t now_ms)
{
    return rpc_call_cancelled(call) || call->deadline_ms <= now_ms;
}

void call_run(struct rpc_call *call)
{
    const struct rpc_server_options *options = &call->connection->server->options;
    if (call_is_stale(call, clock_boot_ms()))
        rpc_call_fail(call, STATUS_CANCELLED, "nobody waits for it any more");
    else
        options->handler(options->context, call);
}
