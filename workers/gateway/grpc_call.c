#include "gateway/grpc_call.h"

#include <grpc/byte_buffer_reader.h>
#include <grpc/support/alloc.h>
#include <grpc/support/time.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>

#include "base/check.h"
#include "base/clock.h"
#include "base/log.h"
#include "gateway/grpc_peer.h"
#include "rpc/message.h"

enum { PATH_BYTES_MAX = 128 };

enum step { STEP_NEW, STEP_READ, STEP_WRITE, STEP_FINISH, STEP_CLOSE, STEP_COUNT };

/* What gRPC hands back when a step of a call is done. */
struct tag {
    struct grpc_deed *deed;
    enum step step;
};

/* One call in hand. gRPC and whoever works on it hold references. */
struct grpc_deed {
    struct grpc_calls *calls;
    struct grpc_deed *next, *previous; /* in calls->deeds */
    struct grpc_deed *next_waiting;    /* under calls->mutex */
    struct tag tags[STEP_COUNT];
    grpc_call *call;
    grpc_call_details details;
    grpc_metadata_array metadata;
    const struct grpc_method *method;
    int64_t started_ms;
    bool is_admin;
    bool is_counted; /* among the viewers or the health watches */

    pthread_mutex_t mutex; /* steps are begun under it, one thread at a time */
    unsigned references;
    bool headers_sent;
    bool has_request; /* the whole of it, and but for conversations the end of the client's side */
    bool is_refused;
    struct grpc_refusal refusal;
    bool writing;
    bool finished;              /* a status is on its way, or nobody waits for one */
    int give_up_fd;             /* of the thread that works on it; -1: none does */
    bool is_given_up;           /* it was told so */
    grpc_byte_buffer *received; /* the message that was read last */
    grpc_byte_buffer *request;  /* of all but conversations: kept until the client's side ends */
    grpc_byte_buffer *sending;
    grpc_byte_buffer *last; /* of a watch that ends: goes out after `sending` */
    int cancelled;          /* filled by STEP_CLOSE */
};

/* ---- life ---- */

static struct grpc_deed *deed_new(struct grpc_calls *calls)
{
    struct grpc_deed *deed = calloc(1, sizeof(*deed));
    if (deed == NULL)
        return NULL;
    deed->calls = calls;
    for (unsigned i = 0; i < STEP_COUNT; i++)
        deed->tags[i] = (struct tag){deed, (enum step)i};
    grpc_call_details_init(&deed->details);
    grpc_metadata_array_init(&deed->metadata);
    pthread_mutex_init(&deed->mutex, NULL);
    deed->references = 1;
    deed->give_up_fd = -1;
    return deed;
}

static void deed_free(struct grpc_deed *deed)
{
    if (deed->received != NULL)
        grpc_byte_buffer_destroy(deed->received);
    if (deed->request != NULL)
        grpc_byte_buffer_destroy(deed->request);
    if (deed->sending != NULL)
        grpc_byte_buffer_destroy(deed->sending);
    if (deed->last != NULL)
        grpc_byte_buffer_destroy(deed->last);
    if (deed->call != NULL)
        grpc_call_unref(deed->call);
    grpc_call_details_destroy(&deed->details);
    grpc_metadata_array_destroy(&deed->metadata);
    pthread_mutex_destroy(&deed->mutex);
    free(deed);
}

static void list_add(struct grpc_deed *deed)
{
    struct grpc_calls *calls = deed->calls;
    pthread_mutex_lock(&calls->mutex);
    deed->next = calls->deeds;
    if (deed->next != NULL)
        deed->next->previous = deed;
    calls->deeds = deed;
    calls->deed_count++;
    pthread_mutex_unlock(&calls->mutex);
}

static void list_remove(struct grpc_deed *deed)
{
    struct grpc_calls *calls = deed->calls;
    pthread_mutex_lock(&calls->mutex);
    if (deed->previous == NULL)
        calls->deeds = deed->next;
    else
        deed->previous->next = deed->next;
    if (deed->next != NULL)
        deed->next->previous = deed->previous;
    calls->deed_count--;
    if (deed->is_counted && deed->method->kind == GRPC_WATCH_STATS)
        calls->viewer_count--;
    else if (deed->is_counted)
        calls->health_watch_count--;
    pthread_mutex_unlock(&calls->mutex);
}

static void deed_share(struct grpc_deed *deed)
{
    __atomic_add_fetch(&deed->references, 1, __ATOMIC_RELAXED);
}

/* The last one frees; until then the call is in the list. */
static void deed_drop(struct grpc_deed *deed)
{
    if (__atomic_sub_fetch(&deed->references, 1, __ATOMIC_ACQ_REL) != 0)
        return;
    if (deed->call != NULL)
        list_remove(deed);
    deed_free(deed);
}

/* Calls are visited with the list locked, so a call that just lost its last reference may still be
 * seen: it is not to be taken up again. */
static bool deed_share_if_alive(struct grpc_deed *deed)
{
    unsigned references = __atomic_load_n(&deed->references, __ATOMIC_RELAXED);
    while (references != 0) {
        if (__atomic_compare_exchange_n(&deed->references, &references, references + 1, false,
                                        __ATOMIC_ACQ_REL, __ATOMIC_RELAXED))
            return true;
    }
    return false;
}

/* ---- steps; all but STEP_NEW with the call's mutex held ---- */

/* True: the step's event will come. False: the call is over already, no event comes. */
static bool begin_step(struct grpc_deed *deed, enum step step, const grpc_op *operations,
                       size_t count)
{
    deed_share(deed);
    if (grpc_call_start_batch(deed->call, operations, count, &deed->tags[step], NULL) ==
        GRPC_CALL_OK)
        return true;
    unsigned left = __atomic_sub_fetch(&deed->references, 1, __ATOMIC_ACQ_REL);
    CHECK(left > 0); /* whoever calls this holds another one */
    return false;
}

static bool begin_read(struct grpc_deed *deed)
{
    grpc_op operation = {.op = GRPC_OP_RECV_MESSAGE};
    operation.data.recv_message.recv_message = &deed->received;
    return begin_step(deed, STEP_READ, &operation, 1);
}

/*
 * Headers with something of our own in them, so that gRPC never folds headers and status into one
 * frame: Caddy flushes headers before it knows that they are the end, and such a status is lost.
 *
 * header  lives as long as `operations`
 */
static size_t put_headers(struct grpc_deed *deed, grpc_metadata *header, grpc_op *operations)
{
    if (deed->headers_sent)
        return 0;
    deed->headers_sent = true;
    *header = (grpc_metadata){.key = grpc_slice_from_static_string("server"),
                              .value = grpc_slice_from_static_string("tierce")};
    operations[0] = (grpc_op){.op = GRPC_OP_SEND_INITIAL_METADATA};
    operations[0].data.send_initial_metadata.metadata = header;
    operations[0].data.send_initial_metadata.count = 1;
    return 1;
}

static grpc_byte_buffer *pack(const ProtobufCMessage *message)
{
    grpc_slice slice = grpc_slice_malloc(protobuf_c_message_get_packed_size(message));
    protobuf_c_message_pack(message, GRPC_SLICE_START_PTR(slice));
    grpc_byte_buffer *buffer = grpc_raw_byte_buffer_create(&slice, 1);
    grpc_slice_unref(slice);
    return buffer;
}

/* Takes `bytes` over. */
static size_t put_message(struct grpc_deed *deed, grpc_byte_buffer *bytes, grpc_op *operations)
{
    if (deed->sending != NULL)
        grpc_byte_buffer_destroy(deed->sending);
    deed->sending = bytes;
    operations[0] = (grpc_op){.op = GRPC_OP_SEND_MESSAGE};
    operations[0].data.send_message.send_message = deed->sending;
    return 1;
}

/* Sends one message of a stream; false when the one before is still on its way, or the call is
 * over. */
static bool write_message(struct grpc_deed *deed, const ProtobufCMessage *message)
{
    if (deed->writing || deed->finished)
        return false;
    grpc_op operations[2];
    grpc_metadata header;
    size_t count = put_headers(deed, &header, operations);
    count += put_message(deed, pack(message), operations + count);
    deed->writing = begin_step(deed, STEP_WRITE, operations, count);
    return deed->writing;
}

struct ending {
    grpc_status_code code;
    const char *words;
    unsigned retry_after_s;  /* 0: says nothing */
    grpc_byte_buffer *reply; /* taken over; NULL: none. Nothing is being written then */
};

/* Ends the call. What is being written still goes out. */
static void finish(struct grpc_deed *deed, const struct ending *ending)
{
    if (deed->finished) {
        if (ending->reply != NULL)
            grpc_byte_buffer_destroy(ending->reply);
        return;
    }
    deed->finished = true;
    grpc_op operations[3];
    grpc_metadata header;
    size_t count = put_headers(deed, &header, operations);
    if (ending->reply != NULL)
        count += put_message(deed, ending->reply, operations + count);
    char seconds[16];
    snprintf(seconds, sizeof(seconds), "%u", ending->retry_after_s);
    grpc_metadata trailer = {.key = grpc_slice_from_static_string("retry-after"),
                             .value = grpc_slice_from_copied_string(seconds)};
    grpc_slice words = grpc_slice_from_copied_string(ending->words);
    operations[count] = (grpc_op){.op = GRPC_OP_SEND_STATUS_FROM_SERVER};
    operations[count].data.send_status_from_server.status = ending->code;
    operations[count].data.send_status_from_server.status_details = &words;
    operations[count].data.send_status_from_server.trailing_metadata = &trailer;
    operations[count].data.send_status_from_server.trailing_metadata_count =
        ending->retry_after_s != 0;
    begin_step(deed, STEP_FINISH, operations, count + 1);
    grpc_slice_unref(trailer.value);
    grpc_slice_unref(words);
}

static grpc_status_code code_of(enum status status)
{
    switch (status) {
    case STATUS_OK:
        return GRPC_STATUS_OK;
    case STATUS_INVALID:
        return GRPC_STATUS_INVALID_ARGUMENT;
    case STATUS_NOT_FOUND:
        return GRPC_STATUS_NOT_FOUND;
    case STATUS_TIMEOUT:
        return GRPC_STATUS_DEADLINE_EXCEEDED;
    case STATUS_OVERLOADED:
    case STATUS_NO_SPACE:
        return GRPC_STATUS_RESOURCE_EXHAUSTED;
    case STATUS_UNAVAILABLE:
        return GRPC_STATUS_UNAVAILABLE;
    case STATUS_DENIED:
        return GRPC_STATUS_PERMISSION_DENIED;
    case STATUS_CANCELLED:
        return GRPC_STATUS_CANCELLED;
    case STATUS_UNSUPPORTED:
        return GRPC_STATUS_UNIMPLEMENTED;
    default:
        return GRPC_STATUS_INTERNAL;
    }
}

/* What went wrong inside is the operator's to read, not the client's. */
static void finish_with_error(struct grpc_deed *deed, enum status status, const struct error *err)
{
    grpc_status_code code = code_of(status);
    if (code == GRPC_STATUS_INTERNAL || code == GRPC_STATUS_UNAVAILABLE) {
        log_warning("%s: %s", deed->method->path, err->text);
        gateway_count_error(deed->calls->gateway);
    }
    finish(deed,
           &(struct ending){.code = code,
                            .words = code == GRPC_STATUS_INTERNAL ? "something went wrong here"
                                                                  : err->text,
                            .retry_after_s = status == STATUS_OVERLOADED});
}

static void finish_refused(struct grpc_deed *deed)
{
    finish(deed, &(struct ending){.code = deed->refusal.code,
                                  .words = deed->refusal.words,
                                  .retry_after_s = deed->refusal.retry_after_s});
}

/* ---- requests ---- */

/* The message, in the arena; NULL where the bytes are none. */
static const ProtobufCMessage *unpack(const ProtobufCMessageDescriptor *descriptor,
                                      grpc_byte_buffer *buffer, struct arena *arena)
{
    grpc_byte_buffer_reader reader;
    if (!grpc_byte_buffer_reader_init(&reader, buffer))
        return NULL;
    grpc_slice bytes = grpc_byte_buffer_reader_readall(&reader);
    const ProtobufCMessage *message =
        message_unpack(descriptor, GRPC_SLICE_START_PTR(bytes), GRPC_SLICE_LENGTH(bytes), arena);
    grpc_slice_unref(bytes);
    grpc_byte_buffer_reader_destroy(&reader);
    return message;
}

static bool is_draining(struct grpc_calls *calls)
{
    pthread_mutex_lock(&calls->mutex);
    bool draining = calls->draining;
    pthread_mutex_unlock(&calls->mutex);
    return draining;
}

/* Milliseconds that the client still waits. */
static int64_t left_ms(const struct grpc_deed *deed)
{
    gpr_timespec deadline = deed->details.deadline;
    if (gpr_time_cmp(deadline, gpr_inf_future(deadline.clock_type)) == 0)
        return GRPC_CALL_MS_MAX;
    gpr_timespec left = gpr_time_sub(deadline, gpr_now(deadline.clock_type));
    int64_t ms = left.tv_sec * 1000 + left.tv_nsec / 1000000;
    return ms > GRPC_CALL_MS_MAX ? GRPC_CALL_MS_MAX : ms;
}

static struct grpc_job make_job(struct grpc_deed *deed, struct grpc_hands *hands)
{
    arena_reset(hands->arena);
    return (struct grpc_job){.service = hands->service,
                             .arena = hands->arena,
                             .is_admin = deed->is_admin,
                             .is_serving = !is_draining(deed->calls)};
}

/* From here on the thread is told when nobody waits any more. False: that is so already. */
static bool begin_work(struct grpc_deed *deed, struct grpc_hands *hands)
{
    pthread_mutex_lock(&deed->mutex);
    bool is_awaited = !deed->finished;
    if (is_awaited)
        deed->give_up_fd = hands->give_up_fd;
    pthread_mutex_unlock(&deed->mutex);
    return is_awaited;
}

static void end_work(struct grpc_deed *deed)
{
    eventfd_t ignored;
    pthread_mutex_lock(&deed->mutex);
    if (deed->is_given_up)
        (void)eventfd_read(deed->give_up_fd, &ignored);
    deed->give_up_fd = -1;
    pthread_mutex_unlock(&deed->mutex);
}

/* Works without the call's mutex: a client may cancel meanwhile. */
static enum status work(struct grpc_deed *deed, struct grpc_hands *hands, grpc_byte_buffer *bytes,
                        ProtobufCMessage **ret_reply, struct error *err)
{
    struct grpc_job job = make_job(deed, hands);
    int64_t wait_ms = left_ms(deed);
    if (wait_ms <= 0)
        return error_set(err, STATUS_TIMEOUT, "the deadline has passed");
    const ProtobufCMessage *request = unpack(deed->method->request, bytes, hands->arena);
    if (request == NULL)
        return error_set(err, STATUS_INVALID, "the request is no %s", deed->method->request->name);
    if (!begin_work(deed, hands))
        return error_set(err, STATUS_CANCELLED, "whoever asked has gone");
    const struct rpc_watch asker = {.fd = hands->give_up_fd, .events = POLLIN};
    service_set_deadline(hands->service, clock_boot_ms() + wait_ms);
    service_set_asker(hands->service, &asker);
    enum status status = deed->method->answer(&job, request, ret_reply, err);
    service_set_asker(hands->service, NULL);
    service_set_deadline(hands->service, 0);
    end_work(deed);
    return status;
}

static void answer_unary(struct grpc_deed *deed, struct grpc_hands *hands, grpc_byte_buffer *bytes)
{
    struct error err = {0};
    ProtobufCMessage *reply = NULL;
    enum status status = work(deed, hands, bytes, &reply, &err);
    pthread_mutex_lock(&deed->mutex);
    if (status == STATUS_OK)
        finish(deed, &(struct ending){.code = GRPC_STATUS_OK, .words = "", .reply = pack(reply)});
    else
        finish_with_error(deed, status, &err);
    pthread_mutex_unlock(&deed->mutex);
}

static void answer_in_conversation(struct grpc_deed *deed, struct grpc_hands *hands,
                                   grpc_byte_buffer *bytes)
{
    struct error err = {0};
    ProtobufCMessage *reply = NULL;
    enum status status = work(deed, hands, bytes, &reply, &err);
    pthread_mutex_lock(&deed->mutex);
    if (status != STATUS_OK)
        finish_with_error(deed, status, &err);
    else
        write_message(deed, reply); /* the next request is read once it has gone out */
    pthread_mutex_unlock(&deed->mutex);
}

/* ---- watches ---- */

/* Counts the call among those that watch, where there is room. */
static bool take_seat(struct grpc_deed *deed)
{
    struct grpc_calls *calls = deed->calls;
    bool is_stats = deed->method->kind == GRPC_WATCH_STATS;
    unsigned *taken = is_stats ? &calls->viewer_count : &calls->health_watch_count;
    pthread_mutex_lock(&calls->mutex);
    deed->is_counted =
        !calls->draining && *taken < (is_stats ? calls->viewers_max : GRPC_HEALTH_WATCHES_MAX);
    *taken += deed->is_counted;
    pthread_cond_broadcast(&calls->changed); /* its first message is due */
    pthread_mutex_unlock(&calls->mutex);
    return deed->is_counted;
}

static void begin_watch(struct grpc_deed *deed, struct grpc_hands *hands, grpc_byte_buffer *bytes)
{
    struct error err = {0};
    ProtobufCMessage *first = NULL;
    enum status status = STATUS_OK;
    if (deed->method->answer != NULL)
        status = work(deed, hands, bytes, &first, &err);
    pthread_mutex_lock(&deed->mutex);
    if (status != STATUS_OK)
        finish_with_error(deed, status, &err);
    else if (!take_seat(deed))
        finish(deed, &(struct ending){.code = GRPC_STATUS_RESOURCE_EXHAUSTED,
                                      .words = "too many are watching: try again later",
                                      .retry_after_s = 5});
    else if (first != NULL)
        write_message(deed, first);
    pthread_mutex_unlock(&deed->mutex);
}

/* Visits the calls that are chosen; `visitor` holds the call's mutex, `chosen` the list's. */
static void visit(struct grpc_calls *calls,
                  bool (*chosen)(const struct grpc_deed *deed, const void *context),
                  void (*visitor)(struct grpc_deed *deed, const void *context), const void *context)
{
    struct grpc_deed *found[GRPC_CALLS_MAX];
    unsigned count = 0;
    pthread_mutex_lock(&calls->mutex);
    for (struct grpc_deed *deed = calls->deeds; deed != NULL && count < GRPC_CALLS_MAX;
         deed = deed->next) {
        if (chosen(deed, context) && deed_share_if_alive(deed))
            found[count++] = deed;
    }
    pthread_mutex_unlock(&calls->mutex);
    for (unsigned i = 0; i < count; i++) {
        pthread_mutex_lock(&found[i]->mutex);
        visitor(found[i], context);
        pthread_mutex_unlock(&found[i]->mutex);
        deed_drop(found[i]);
    }
}

static bool watches_stats(const struct grpc_deed *deed, const void *context)
{
    (void)context;
    return deed->is_counted && deed->method->kind == GRPC_WATCH_STATS;
}

static bool watches_health(const struct grpc_deed *deed, const void *context)
{
    (void)context;
    return deed->is_counted && deed->method->kind == GRPC_WATCH_HEALTH;
}

static void send_message(struct grpc_deed *deed, const void *message)
{
    write_message(deed, message); /* a slow viewer misses one */
}

static void finish_watch(struct grpc_deed *deed)
{
    finish(deed, &(struct ending){.code = GRPC_STATUS_UNAVAILABLE,
                                  .words = "there is nothing to send at present, or the gateway is "
                                           "being restarted",
                                  .reply = deed->last});
    deed->last = NULL;
}

/* `last_message` may be NULL. */
static void end_watch(struct grpc_deed *deed, const void *last_message)
{
    if (last_message != NULL && deed->last == NULL)
        deed->last = pack(last_message);
    if (!deed->writing || deed->last == NULL)
        finish_watch(deed); /* else once that has gone out */
}

void grpc_calls_send_stats(struct grpc_calls *calls, const ProtobufCMessage *message)
{
    visit(calls, watches_stats, message == NULL ? end_watch : send_message, message);
}

bool grpc_calls_have_viewers(struct grpc_calls *calls)
{
    pthread_mutex_lock(&calls->mutex);
    bool have = calls->viewer_count > 0;
    pthread_mutex_unlock(&calls->mutex);
    return have;
}

void grpc_calls_drain(struct grpc_calls *calls)
{
    pthread_mutex_lock(&calls->mutex);
    calls->draining = true;
    pthread_cond_broadcast(&calls->changed);
    pthread_mutex_unlock(&calls->mutex);
    struct arena arena = {0};
    struct grpc_job job = {.arena = &arena, .is_serving = false};
    const struct grpc_method *watch = grpc_method_find("/grpc.health.v1.Health/Watch");
    ProtobufCMessage *not_serving = NULL;
    void *any = message_unpack(watch->request, NULL, 0, &arena);
    if (any != NULL)
        watch->answer(&job, any, &not_serving, NULL);
    visit(calls, watches_health, end_watch, not_serving);
    visit(calls, watches_stats, end_watch, NULL);
    arena_release(&arena);
}

static bool is_overdue(const struct grpc_deed *deed, const void *context)
{
    int64_t age_ms = *(const int64_t *)context - deed->started_ms;
    bool has_request = __atomic_load_n(&deed->has_request, __ATOMIC_RELAXED);
    return (deed->is_refused && age_ms > GRPC_REFUSAL_MS_MAX) ||
           (!has_request && age_ms > GRPC_REQUEST_MS_MAX) ||
           (!deed->is_counted && age_ms > GRPC_CALL_MS_MAX);
}

static void cut_off(struct grpc_deed *deed, const void *context)
{
    (void)context;
    if (deed->is_refused && !deed->finished)
        finish_refused(deed);
    else
        grpc_call_cancel_with_status(deed->call, GRPC_STATUS_DEADLINE_EXCEEDED, "it took too long",
                                     NULL);
}

void grpc_calls_expire(struct grpc_calls *calls)
{
    int64_t now_ms = clock_boot_ms();
    visit(calls, is_overdue, cut_off, &now_ms);
}

/* ---- events ---- */

void grpc_calls_expect(struct grpc_calls *calls)
{
    struct grpc_deed *deed = deed_new(calls);
    if (deed == NULL) {
        log_error("no memory for another call on the gRPC port");
        return;
    }
    if (grpc_server_request_call(calls->server, &deed->call, &deed->details, &deed->metadata,
                                 calls->queue, calls->queue, &deed->tags[STEP_NEW]) != GRPC_CALL_OK)
        deed_drop(deed); /* shutting down */
}

static const struct grpc_method *find_method(const struct grpc_deed *deed)
{
    char path[PATH_BYTES_MAX];
    size_t size = GRPC_SLICE_LENGTH(deed->details.method);
    if (size >= sizeof(path))
        return NULL;
    memcpy(path, GRPC_SLICE_START_PTR(deed->details.method), size);
    path[size] = '\0';
    return grpc_method_find(path);
}

static bool has_room(struct grpc_calls *calls)
{
    pthread_mutex_lock(&calls->mutex);
    bool room = calls->deed_count <= GRPC_CALLS_MAX && !calls->draining;
    pthread_mutex_unlock(&calls->mutex);
    return room;
}

/* Whether the call may go on; else how it ends. */
static bool admit(struct grpc_deed *deed, struct grpc_refusal *refusal)
{
    struct grpc_peer peer;
    *refusal = (struct grpc_refusal){.code = GRPC_STATUS_UNIMPLEMENTED,
                                     .words = "there is no such method"};
    if (deed->method == NULL)
        return false;
    *refusal = (struct grpc_refusal){.code = GRPC_STATUS_RESOURCE_EXHAUSTED,
                                     .words = "too many calls at once",
                                     .retry_after_s = 1};
    if (!has_room(deed->calls))
        return false;
    char *uri = grpc_call_get_peer(deed->call);
    grpc_peer_read(uri, &deed->metadata, &peer);
    gpr_free(uri);
    return grpc_peer_may(deed->calls->gateway, &peer, &deed->metadata, deed->method->access,
                         deed->calls->is_tls, &deed->is_admin, refusal);
}

static void take_new(struct grpc_deed *deed)
{
    deed->started_ms = clock_boot_ms();
    deed->method = find_method(deed);
    list_add(deed);
    deed->is_refused = !admit(deed, &deed->refusal);
    if (deed->method != NULL && deed->method->access != GRPC_ANYONE)
        gateway_count_request(deed->calls->gateway);
    pthread_mutex_lock(&deed->mutex);
    grpc_op close = {.op = GRPC_OP_RECV_CLOSE_ON_SERVER};
    close.data.recv_close_on_server.cancelled = &deed->cancelled;
    begin_step(deed, STEP_CLOSE, &close, 1);
    if (deed->is_refused && deed->method != NULL && deed->method->kind == GRPC_CONVERSATION)
        finish_refused(deed); /* such a client waits for an answer before it ends */
    else
        begin_read(deed);
    pthread_mutex_unlock(&deed->mutex);
}

/*
 * What follows the headers is read to its end before the call is answered, even where it is
 * refused: a call that ends sooner is reset, and a proxy between may lose its status with that.
 */
static void read_on(struct grpc_deed *deed)
{
    if (deed->is_refused) {
        grpc_byte_buffer_destroy(deed->received);
        deed->received = NULL;
        begin_read(deed);
        return;
    }
    if (deed->request != NULL) {
        finish(deed, &(struct ending){.code = GRPC_STATUS_INVALID_ARGUMENT,
                                      .words = "there was more than one request"});
        return;
    }
    deed->request = deed->received;
    deed->received = NULL;
    begin_read(deed);
}

static void finish_without_request(struct grpc_deed *deed)
{
    finish(deed,
           &(struct ending){.code = GRPC_STATUS_INVALID_ARGUMENT, .words = "there was no request"});
}

/* Everything has been read. */
static void answer_request(struct grpc_deed *deed, struct grpc_hands *hands)
{
    pthread_mutex_lock(&deed->mutex);
    if (deed->is_refused)
        finish_refused(deed);
    else if (deed->request == NULL)
        finish_without_request(deed);
    bool is_over = deed->finished; /* or nobody waits any more */
    pthread_mutex_unlock(&deed->mutex);
    if (is_over)
        return;
    if (deed->method->kind == GRPC_UNARY)
        answer_unary(deed, hands, deed->request);
    else
        begin_watch(deed, hands, deed->request);
}

/* Whether this thread may answer the request; else it waits for one that may. */
static bool take_turn_to_work(struct grpc_deed *deed)
{
    struct grpc_calls *calls = deed->calls;
    pthread_mutex_lock(&calls->mutex);
    bool may = calls->worker_count < calls->workers_max;
    if (may) {
        calls->worker_count++;
    } else {
        deed_share(deed);
        if (calls->waiting_last != NULL)
            calls->waiting_last->next_waiting = deed;
        else
            calls->waiting_first = deed;
        calls->waiting_last = deed;
    }
    pthread_mutex_unlock(&calls->mutex);
    return may;
}

/* The next request for a thread that has answered one, with a reference; NULL: none waits, and the
 * thread listens again. */
static struct grpc_deed *next_turn(struct grpc_calls *calls)
{
    pthread_mutex_lock(&calls->mutex);
    struct grpc_deed *deed = calls->waiting_first;
    if (deed != NULL)
        calls->waiting_first = deed->next_waiting;
    else
        calls->worker_count--;
    if (calls->waiting_first == NULL)
        calls->waiting_last = NULL;
    pthread_mutex_unlock(&calls->mutex);
    return deed;
}

static void answer_in_turn(struct grpc_deed *deed, struct grpc_hands *hands)
{
    struct grpc_calls *calls = deed->calls;
    if (!take_turn_to_work(deed))
        return;
    answer_request(deed, hands);
    while ((deed = next_turn(calls)) != NULL) {
        answer_request(deed, hands);
        deed_drop(deed);
    }
}

static void take_request(struct grpc_deed *deed, bool success, struct grpc_hands *hands)
{
    if (success && deed->received != NULL) {
        pthread_mutex_lock(&deed->mutex);
        read_on(deed);
        pthread_mutex_unlock(&deed->mutex);
        return;
    }
    __atomic_store_n(&deed->has_request, true, __ATOMIC_RELAXED);
    answer_in_turn(deed, hands);
}

/* A message of a conversation, or its end. */
static void take_turn(struct grpc_deed *deed, bool success, struct grpc_hands *hands)
{
    __atomic_store_n(&deed->has_request, true, __ATOMIC_RELAXED);
    grpc_byte_buffer *bytes = deed->received;
    deed->received = NULL; /* the next one may come before this one has been worked on */
    if (!success || bytes == NULL) {
        pthread_mutex_lock(&deed->mutex);
        finish(deed, &(struct ending){.code = GRPC_STATUS_OK, .words = ""});
        pthread_mutex_unlock(&deed->mutex);
        return;
    }
    answer_in_conversation(deed, hands, bytes);
    grpc_byte_buffer_destroy(bytes);
}

static void take_written(struct grpc_deed *deed, bool success)
{
    pthread_mutex_lock(&deed->mutex);
    deed->writing = false;
    if (deed->last != NULL)
        finish_watch(deed);
    if (success && !deed->finished && deed->method->kind == GRPC_CONVERSATION)
        begin_read(deed);
    pthread_mutex_unlock(&deed->mutex);
}

static void take_closed(struct grpc_deed *deed)
{
    pthread_mutex_lock(&deed->mutex);
    deed->finished = true; /* nobody waits any more */
    if (deed->give_up_fd >= 0)
        deed->is_given_up = eventfd_write(deed->give_up_fd, 1) == 0;
    pthread_mutex_unlock(&deed->mutex);
}

void grpc_calls_event(struct grpc_calls *calls, struct grpc_hands *hands, const grpc_event *event)
{
    struct tag *tag = event->tag;
    struct grpc_deed *deed = tag->deed;
    bool success = event->success != 0;
    switch (tag->step) {
    case STEP_NEW:
        if (success) {
            grpc_calls_expect(calls);
            take_new(deed);
        }
        break;
    case STEP_READ:
        if (deed->method != NULL && deed->method->kind == GRPC_CONVERSATION)
            take_turn(deed, success, hands);
        else
            take_request(deed, success, hands);
        break;
    case STEP_WRITE:
        take_written(deed, success);
        break;
    case STEP_FINISH:
        break;
    case STEP_CLOSE:
        take_closed(deed);
        break;
    case STEP_COUNT:
        break;
    }
    deed_drop(deed); /* the step's reference */
}
