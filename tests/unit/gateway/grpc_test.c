/* Port 8000 with a real client, gRPC's own, in the same process. */
#include "tests/unit/gateway/fake_cluster.h"

#include <grpc/byte_buffer_reader.h>
#include <grpc/grpc.h>
#include <grpc/grpc_security.h>
#include <grpc/support/time.h>
#include <sched.h>

#include "base/file.h"
#include "gateway.pb-c.h"
#include "gateway/grpc_front.h"
#include "gateway/grpc_peer.h"
#include "health.pb-c.h"
#include "reflection.pb-c.h"
#include "rpc/message.h"

enum { TIMEOUT_S = 20 };

struct fixture {
    struct fake_cluster *cluster;
    struct gateway *gateway;
    struct grpc_front *front;
    grpc_channel *channel;
    grpc_completion_queue *queue;
    struct arena arena;
};

static struct fixture *open_fixture(unsigned barrels)
{
    struct fixture *fixture = calloc(1, sizeof(*fixture));
    assert_non_null(fixture);
    fixture->cluster = fake_cluster_open(barrels);
    struct grpc_front_options options = {.host = "127.0.0.1"};
    struct error err = {0};
    if (grpc_front_open(&options, &fixture->front, &err) != STATUS_OK)
        fail_msg("%s", err.text);
    fixture->gateway = fake_gateway(fixture->cluster);
    assert_int_equal(grpc_front_start(fixture->front, fixture->gateway, NULL), STATUS_OK);
    char address[40];
    snprintf(address, sizeof(address), "127.0.0.1:%u", grpc_front_port(fixture->front));
    grpc_channel_credentials *credentials = grpc_insecure_credentials_create();
    fixture->channel = grpc_channel_create(address, credentials, NULL);
    grpc_channel_credentials_release(credentials);
    fixture->queue = grpc_completion_queue_create_for_next(NULL);
    return fixture;
}

static void close_client(struct fixture *fixture)
{
    grpc_completion_queue_shutdown(fixture->queue);
    while (grpc_completion_queue_next(fixture->queue, gpr_inf_future(GPR_CLOCK_MONOTONIC), NULL)
               .type != GRPC_QUEUE_SHUTDOWN) {
    }
    grpc_completion_queue_destroy(fixture->queue);
    grpc_channel_destroy(fixture->channel);
}

static void close_fixture(struct fixture *fixture)
{
    close_client(fixture);
    grpc_front_close(fixture->front, 5000);
    gateway_close(fixture->gateway);
    fake_cluster_close(fixture->cluster);
    arena_release(&fixture->arena);
    free(fixture);
}

/* ---- a client's call ---- */

struct call {
    struct fixture *fixture;
    grpc_call *call;
    grpc_metadata_array headers, trailers;
    grpc_status_code code;
    grpc_slice details;
};

/* Runs one batch to its end; false when it failed. */
static bool run(struct call *call, grpc_op *operations, size_t count)
{
    assert_int_equal(grpc_call_start_batch(call->call, operations, count, call, NULL),
                     GRPC_CALL_OK);
    gpr_timespec deadline =
        gpr_time_add(gpr_now(GPR_CLOCK_MONOTONIC), gpr_time_from_seconds(TIMEOUT_S, GPR_TIMESPAN));
    grpc_event event = grpc_completion_queue_next(call->fixture->queue, deadline, NULL);
    assert_int_equal(event.type, GRPC_OP_COMPLETE);
    assert_ptr_equal(event.tag, call);
    return event.success != 0;
}

static grpc_byte_buffer *pack(const ProtobufCMessage *message)
{
    grpc_slice slice = grpc_slice_malloc(protobuf_c_message_get_packed_size(message));
    protobuf_c_message_pack(message, GRPC_SLICE_START_PTR(slice));
    grpc_byte_buffer *buffer = grpc_raw_byte_buffer_create(&slice, 1);
    grpc_slice_unref(slice);
    return buffer;
}

struct header {
    const char *name;
    const char *value;
};

static void call_open(struct call *call, struct fixture *fixture, const char *path,
                      const struct header *headers, int64_t timeout_ms)
{
    *call = (struct call){.fixture = fixture};
    gpr_timespec deadline =
        gpr_time_add(gpr_now(GPR_CLOCK_MONOTONIC), gpr_time_from_millis(timeout_ms, GPR_TIMESPAN));
    grpc_slice method = grpc_slice_from_copied_string(path);
    call->call = grpc_channel_create_call(fixture->channel, NULL, GRPC_PROPAGATE_DEFAULTS,
                                          fixture->queue, method, NULL, deadline, NULL);
    grpc_slice_unref(method);
    grpc_metadata_array_init(&call->headers);
    grpc_metadata_array_init(&call->trailers);
    grpc_metadata metadata[4];
    grpc_op operation = {.op = GRPC_OP_SEND_INITIAL_METADATA};
    for (; headers != NULL && headers->name != NULL; headers++) {
        grpc_metadata *item = &metadata[operation.data.send_initial_metadata.count++];
        item->key = grpc_slice_from_copied_string(headers->name);
        item->value = grpc_slice_from_copied_string(headers->value);
    }
    operation.data.send_initial_metadata.metadata = metadata;
    run(call, &operation, 1);
    for (size_t i = 0; i < operation.data.send_initial_metadata.count; i++) {
        grpc_slice_unref(metadata[i].key);
        grpc_slice_unref(metadata[i].value);
    }
}

static bool call_send(struct call *call, const ProtobufCMessage *message, bool is_last)
{
    grpc_byte_buffer *buffer = pack(message);
    grpc_op operations[2] = {{.op = GRPC_OP_SEND_MESSAGE}, {.op = GRPC_OP_SEND_CLOSE_FROM_CLIENT}};
    operations[0].data.send_message.send_message = buffer;
    bool sent = run(call, operations, is_last ? 2 : 1);
    grpc_byte_buffer_destroy(buffer);
    return sent;
}

/* The next message, in the arena; NULL: there is none. */
static void *call_receive(struct call *call, const ProtobufCMessageDescriptor *descriptor)
{
    grpc_byte_buffer *buffer = NULL;
    grpc_op operations[2] = {{.op = GRPC_OP_RECV_MESSAGE}, {.op = GRPC_OP_RECV_INITIAL_METADATA}};
    operations[0].data.recv_message.recv_message = &buffer;
    operations[1].data.recv_initial_metadata.recv_initial_metadata = &call->headers;
    run(call, operations, call->headers.capacity == 0 ? 2 : 1);
    if (call->headers.capacity == 0)
        call->headers.capacity = SIZE_MAX; /* received, and there were none */
    if (buffer == NULL)
        return NULL;
    grpc_byte_buffer_reader reader;
    grpc_byte_buffer_reader_init(&reader, buffer);
    grpc_slice bytes = grpc_byte_buffer_reader_readall(&reader);
    void *message = message_unpack(descriptor, GRPC_SLICE_START_PTR(bytes),
                                   GRPC_SLICE_LENGTH(bytes), &call->fixture->arena);
    grpc_slice_unref(bytes);
    grpc_byte_buffer_reader_destroy(&reader);
    grpc_byte_buffer_destroy(buffer);
    assert_non_null(message);
    return message;
}

static grpc_status_code call_close(struct call *call)
{
    grpc_op operation = {.op = GRPC_OP_RECV_STATUS_ON_CLIENT};
    operation.data.recv_status_on_client.status = &call->code;
    operation.data.recv_status_on_client.status_details = &call->details;
    operation.data.recv_status_on_client.trailing_metadata = &call->trailers;
    run(call, &operation, 1);
    if (call->headers.capacity == SIZE_MAX)
        grpc_metadata_array_init(&call->headers);
    grpc_metadata_array_destroy(&call->headers);
    grpc_metadata_array_destroy(&call->trailers);
    grpc_slice_unref(call->details);
    grpc_call_unref(call->call);
    return call->code;
}

static const struct header with_token[] = {
    {"authorization", "Bearer 0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef"},
    {0}};

static grpc_status_code unary(struct fixture *fixture, const char *path,
                              const struct header *headers, const ProtobufCMessage *request,
                              const ProtobufCMessageDescriptor *descriptor, void **ret_reply)
{
    struct call call;
    call_open(&call, fixture, path, headers, TIMEOUT_S * 1000);
    call_send(&call, request, true);
    void *reply = call_receive(&call, descriptor);
    if (ret_reply != NULL)
        *ret_reply = reply;
    return call_close(&call);
}

static grpc_status_code search(struct fixture *fixture, const struct header *headers, uint32_t page,
                               Tierce__V1__SearchResponse **ret_reply)
{
    Tierce__V1__SearchRequest request = TIERCE__V1__SEARCH_REQUEST__INIT;
    request.query = (char *)"hoop";
    request.page = page;
    return unary(fixture, "/tierce.v1.Gateway/Search", headers, &request.base,
                 &tierce__v1__search_response__descriptor, (void **)ret_reply);
}

static grpc_status_code stats(struct fixture *fixture, const struct header *headers,
                              Tierce__V1__StatsResponse **ret_reply)
{
    Tierce__V1__StatsRequest request = TIERCE__V1__STATS_REQUEST__INIT;
    return unary(fixture, "/tierce.v1.Gateway/Stats", headers, &request.base,
                 &tierce__v1__stats_response__descriptor, (void **)ret_reply);
}

/* Asks, and waits for nothing. */
static void begin_search(struct call *call, struct fixture *fixture, int64_t timeout_ms)
{
    Tierce__V1__SearchRequest request = TIERCE__V1__SEARCH_REQUEST__INIT;
    request.query = (char *)"hoop";
    call_open(call, fixture, "/tierce.v1.Gateway/Search", NULL, timeout_ms);
    call_send(call, &request.base, true);
}

static void await_cancelled(struct fixture *fixture, unsigned kept)
{
    struct fake_barrel *barrel = &fixture->cluster->barrels[0];
    int64_t start_ms = clock_boot_ms();
    while (!rpc_call_cancelled(barrel->kept[kept])) {
        assert_true(clock_boot_ms() - start_ms < TIMEOUT_S * 1000);
        sched_yield(); /* the frame is on its way */
    }
}

/* A cluster with one barrel that keeps its searches for as long as the test wants. */
static struct fixture *open_silent_fixture(void)
{
    struct fixture *fixture = open_fixture(1);
    FAKE_TELL(fixture->cluster, {
        fixture->cluster->search_timeout_ms = 10 * TIMEOUT_S * 1000;
        fixture->cluster->settings_version = 2;
    });
    fixture->cluster->barrels[0].is_silent = true;
    return fixture;
}

/* ---- the tests ---- */

static void a_search_is_answered(void **state)
{
    (void)state;
    struct fixture *fixture = open_fixture(2);
    fake_add(&fixture->cluster->barrels[0], 1, 9, "http://a/", "A");
    fake_add(&fixture->cluster->barrels[1], 2, 8, "http://b/", "");
    Tierce__V1__SearchResponse *reply;
    assert_int_equal(search(fixture, NULL, 0, &reply), GRPC_STATUS_OK);
    assert_int_equal(reply->n_results, 2);
    assert_string_equal(reply->results[0]->url, "http://a/");
    assert_string_equal(reply->results[1]->title, "http://b/");
    assert_string_equal(reply->results[0]->snippet, "about <mark>hoops</mark> and staves");
    assert_string_equal(reply->results[0]->fetched_at, "2023-11-14T22:13:20Z");
    assert_int_equal(reply->total, 2);
    assert_int_equal(reply->page, 1);
    assert_int_equal(reply->size, 10);
    assert_int_equal(reply->shards->answered, 2);
    assert_string_equal(reply->query, "hoop");
    assert_int_equal(search(fixture, NULL, 1000, NULL), GRPC_STATUS_INVALID_ARGUMENT);
    close_fixture(fixture);
}

static void what_an_admin_may_needs_the_token(void **state)
{
    (void)state;
    struct fixture *fixture = open_fixture(1);
    static const struct header wrong[] = {{"authorization", "Bearer 00"}, {0}};
    static const char *const paths[] = {"/tierce.v1.Gateway/AddUrls", "/tierce.v1.Gateway/Why",
                                        "/tierce.v1.Gateway/Stats",
                                        "/tierce.v1.Gateway/WatchStats"};
    Tierce__V1__StatsRequest empty = TIERCE__V1__STATS_REQUEST__INIT;
    for (unsigned i = 0; i < 4; i++) {
        assert_int_equal(unary(fixture, paths[i], NULL, &empty.base,
                               &tierce__v1__stats_response__descriptor, NULL),
                         GRPC_STATUS_UNAUTHENTICATED);
        assert_int_equal(unary(fixture, paths[i], wrong, &empty.base,
                               &tierce__v1__stats_response__descriptor, NULL),
                         GRPC_STATUS_UNAUTHENTICATED);
    }
    Tierce__V1__StatsResponse *reply;
    assert_int_equal(stats(fixture, with_token, &reply), GRPC_STATUS_OK);
    assert_int_equal(reply->n_barrels, 1);
    assert_true(reply->barrels[0]->mean_response_ms > 1.29 &&
                reply->barrels[0]->mean_response_ms < 1.31);
    assert_int_equal(reply->barrels[0]->documents, 7);
    assert_int_equal(reply->n_downloaders, 1);
    assert_int_equal(reply->log_position, 42);
    close_fixture(fixture);
}

static void searching_can_be_closed_to_strangers(void **state)
{
    (void)state;
    struct fixture *fixture = open_fixture(1);
    FAKE_TELL(fixture->cluster, {
        fixture->cluster->search_public = false;
        fixture->cluster->settings_version = 2;
    });
    assert_int_equal(search(fixture, NULL, 1, NULL), GRPC_STATUS_UNAUTHENTICATED);
    assert_int_equal(search(fixture, with_token, 1, NULL), GRPC_STATUS_OK);
    assert_true(fixture->cluster->barrels[0].last_private);
    close_fixture(fixture);
}

static void a_refusal_waits_for_the_clients_end_but_not_for_long(void **state)
{
    (void)state;
    struct fixture *fixture = open_fixture(1);
    struct call call;
    Tierce__V1__StatsRequest request = TIERCE__V1__STATS_REQUEST__INIT;
    call_open(&call, fixture, "/tierce.v1.Gateway/Stats", NULL, TIMEOUT_S * 1000);
    call_send(&call, &request.base, false);
    call_send(&call, &request.base, false); /* and never ends */
    int64_t start_ms = clock_boot_ms();
    assert_null(call_receive(&call, &tierce__v1__stats_response__descriptor));
    assert_int_equal(call_close(&call), GRPC_STATUS_UNAUTHENTICATED);
    assert_true(clock_boot_ms() - start_ms < 5000);
    call_open(&call, fixture, "/tierce.v1.Gateway/Stats", with_token, TIMEOUT_S * 1000);
    call_send(&call, &request.base, false);
    call_send(&call, &request.base, false); /* one too many */
    assert_null(call_receive(&call, &tierce__v1__stats_response__descriptor));
    assert_int_equal(call_close(&call), GRPC_STATUS_INVALID_ARGUMENT);
    close_fixture(fixture);
}

static void urls_are_added_and_explained(void **state)
{
    (void)state;
    struct fixture *fixture = open_fixture(1);
    char *urls[] = {(char *)"http://a/", (char *)"gopher://b/"};
    Tierce__V1__AddUrlsRequest request = TIERCE__V1__ADD_URLS_REQUEST__INIT;
    request.urls = urls;
    request.n_urls = 2;
    void *reply;
    assert_int_equal(unary(fixture, "/tierce.v1.Gateway/AddUrls", with_token, &request.base,
                           &tierce__v1__add_urls_response__descriptor, &reply),
                     GRPC_STATUS_OK);
    const Tierce__V1__AddUrlsResponse *added = reply;
    assert_int_equal(added->accepted, 1);
    assert_string_equal(added->rejected[0]->url, "gopher://b/");
    Tierce__V1__WhyRequest question = TIERCE__V1__WHY_REQUEST__INIT;
    question.url = (char *)"http://example.org/";
    assert_int_equal(unary(fixture, "/tierce.v1.Gateway/Why", with_token, &question.base,
                           &tierce__v1__why_response__descriptor, &reply),
                     GRPC_STATUS_OK);
    const Tierce__V1__WhyResponse *why = reply;
    assert_string_equal(why->stages[0]->name, "fetch");
    Tierce__V1__BacklinksRequest links = TIERCE__V1__BACKLINKS_REQUEST__INIT;
    links.url = (char *)"http://example.org/";
    assert_int_equal(unary(fixture, "/tierce.v1.Gateway/Backlinks", NULL, &links.base,
                           &tierce__v1__backlinks_response__descriptor, &reply),
                     GRPC_STATUS_OK);
    const Tierce__V1__BacklinksResponse *backlinks = reply;
    assert_int_equal(backlinks->n_links, 2);
    close_fixture(fixture);
}

static void what_is_unknown_is_unimplemented_and_what_is_no_message_invalid(void **state)
{
    (void)state;
    struct fixture *fixture = open_fixture(1);
    Tierce__V1__StatsRequest empty = TIERCE__V1__STATS_REQUEST__INIT;
    assert_int_equal(unary(fixture, "/tierce.v1.Gateway/Nothing", NULL, &empty.base,
                           &tierce__v1__stats_response__descriptor, NULL),
                     GRPC_STATUS_UNIMPLEMENTED);
    char long_path[4000] = "/";
    memset(long_path + 1, 'x', sizeof(long_path) - 2);
    assert_int_equal(
        unary(fixture, long_path, NULL, &empty.base, &tierce__v1__stats_response__descriptor, NULL),
        GRPC_STATUS_UNIMPLEMENTED);
    Tierce__V1__Shards other = TIERCE__V1__SHARDS__INIT; /* field 1 is a number, not a query */
    other.asked = 7;
    assert_int_equal(unary(fixture, "/tierce.v1.Gateway/Search", NULL, &other.base,
                           &tierce__v1__search_response__descriptor, NULL),
                     GRPC_STATUS_INVALID_ARGUMENT);
    char *megabytes = malloc(1100001);
    memset(megabytes, 'x', 1100000);
    megabytes[1100000] = '\0';
    Tierce__V1__SearchRequest huge = TIERCE__V1__SEARCH_REQUEST__INIT;
    huge.query = megabytes;
    assert_int_equal(unary(fixture, "/tierce.v1.Gateway/Search", NULL, &huge.base,
                           &tierce__v1__search_response__descriptor, NULL),
                     GRPC_STATUS_RESOURCE_EXHAUSTED);
    free(megabytes);
    close_fixture(fixture);
}

static void one_who_asks_too_often_is_told_to_wait(void **state)
{
    (void)state;
    struct fixture *fixture = open_fixture(1);
    FAKE_TELL(fixture->cluster, {
        fixture->cluster->requests_per_minute = 1;
        fixture->cluster->burst = 1;
        fixture->cluster->settings_version = 2;
    });
    assert_int_equal(search(fixture, NULL, 1, NULL), GRPC_STATUS_OK);
    assert_int_equal(search(fixture, NULL, 1, NULL), GRPC_STATUS_RESOURCE_EXHAUSTED);
    /* a proxy on this machine says whom it asks for */
    static const struct header other[] = {{"x-forwarded-for", "198.51.100.1, 192.0.2.7"}, {0}};
    assert_int_equal(search(fixture, other, 1, NULL), GRPC_STATUS_OK);
    assert_int_equal(search(fixture, other, 1, NULL), GRPC_STATUS_RESOURCE_EXHAUSTED);
    close_fixture(fixture);
}

static grpc_status_code check_health(struct fixture *fixture, const char *service, int *ret_state)
{
    Grpc__Health__V1__HealthCheckRequest request = GRPC__HEALTH__V1__HEALTH_CHECK_REQUEST__INIT;
    request.service = (char *)service;
    void *reply;
    grpc_status_code code = unary(fixture, "/grpc.health.v1.Health/Check", NULL, &request.base,
                                  &grpc__health__v1__health_check_response__descriptor, &reply);
    if (code == GRPC_STATUS_OK)
        *ret_state = (int)((Grpc__Health__V1__HealthCheckResponse *)reply)->status;
    return code;
}

static void health_is_told(void **state)
{
    (void)state;
    struct fixture *fixture = open_fixture(1);
    int health = 0;
    assert_int_equal(check_health(fixture, "", &health), GRPC_STATUS_OK);
    assert_int_equal(health, GRPC__HEALTH__V1__HEALTH_CHECK_RESPONSE__SERVING_STATUS__SERVING);
    assert_int_equal(check_health(fixture, "tierce.v1.Gateway", &health), GRPC_STATUS_OK);
    assert_int_equal(check_health(fixture, "nobody", &health), GRPC_STATUS_NOT_FOUND);
    close_fixture(fixture);
}

typedef Grpc__Reflection__V1alpha__ServerReflectionResponse reflection_response;

static const reflection_response *reflect(struct call *call,
                                          Grpc__Reflection__V1alpha__ServerReflectionRequest *ask)
{
    assert_true(call_send(call, &ask->base, false));
    reflection_response *reply =
        call_receive(call, &grpc__reflection__v1alpha__server_reflection_response__descriptor);
    assert_non_null(reply);
    return reply;
}

static void reflection_answers_every_question_of_a_conversation(void **state)
{
    (void)state;
    struct fixture *fixture = open_fixture(1);
    struct call call;
    call_open(&call, fixture, "/grpc.reflection.v1alpha.ServerReflection/ServerReflectionInfo",
              NULL, TIMEOUT_S * 1000);
    Grpc__Reflection__V1alpha__ServerReflectionRequest ask =
        GRPC__REFLECTION__V1ALPHA__SERVER_REFLECTION_REQUEST__INIT;
    ask.message_request_case =
        GRPC__REFLECTION__V1ALPHA__SERVER_REFLECTION_REQUEST__MESSAGE_REQUEST_LIST_SERVICES;
    ask.list_services = (char *)"*";
    const reflection_response *reply = reflect(&call, &ask);
    assert_int_equal(reply->list_services_response->n_service, 3);
    assert_string_equal(reply->list_services_response->service[0]->name, "tierce.v1.Gateway");
    assert_string_equal(reply->original_request->list_services, "*");

    static const char *const known[] = {"tierce.v1.Gateway", "tierce.v1.Gateway.WatchStats",
                                        "tierce.v1.SearchRequest", "tierce.v1.TotalRelation",
                                        "grpc.health.v1.HealthCheckResponse.ServingStatus"};
    ask.message_request_case =
        GRPC__REFLECTION__V1ALPHA__SERVER_REFLECTION_REQUEST__MESSAGE_REQUEST_FILE_CONTAINING_SYMBOL;
    for (unsigned i = 0; i < sizeof(known) / sizeof(known[0]); i++) {
        ask.file_containing_symbol = (char *)known[i];
        reply = reflect(&call, &ask);
        assert_int_equal(reply->file_descriptor_response->n_file_descriptor_proto, 1);
        assert_true(reply->file_descriptor_response->file_descriptor_proto[0].len > 100);
    }
    static const char *const unknown[] = {"tierce.v1.Nobody", "tierce.v1", "", "Gateway"};
    for (unsigned i = 0; i < sizeof(unknown) / sizeof(unknown[0]); i++) {
        ask.file_containing_symbol = (char *)unknown[i];
        assert_int_equal(reflect(&call, &ask)->error_response->error_code, GRPC_STATUS_NOT_FOUND);
    }
    ask.message_request_case =
        GRPC__REFLECTION__V1ALPHA__SERVER_REFLECTION_REQUEST__MESSAGE_REQUEST_FILE_BY_FILENAME;
    ask.file_by_filename = (char *)"health.proto";
    assert_int_equal(
        reflect(&call, &ask)->message_response_case,
        GRPC__REFLECTION__V1ALPHA__SERVER_REFLECTION_RESPONSE__MESSAGE_RESPONSE_FILE_DESCRIPTOR_RESPONSE);
    grpc_op close = {.op = GRPC_OP_SEND_CLOSE_FROM_CLIENT};
    run(&call, &close, 1);
    assert_null(
        call_receive(&call, &grpc__reflection__v1alpha__server_reflection_response__descriptor));
    assert_int_equal(call_close(&call), GRPC_STATUS_OK);
    close_fixture(fixture);
}

static void watch(struct call *call, struct fixture *fixture)
{
    Tierce__V1__StatsRequest request = TIERCE__V1__STATS_REQUEST__INIT;
    call_open(call, fixture, "/tierce.v1.Gateway/WatchStats", with_token, TIMEOUT_S * 1000);
    call_send(call, &request.base, true);
}

static void statistics_come_each_second_until_the_viewer_leaves(void **state)
{
    (void)state;
    struct fixture *fixture = open_fixture(1);
    struct call call;
    int64_t start_ms = clock_boot_ms();
    watch(&call, fixture);
    for (unsigned i = 0; i < 3; i++) {
        const Tierce__V1__StatsResponse *message =
            call_receive(&call, &tierce__v1__stats_response__descriptor);
        assert_non_null(message);
        assert_int_equal(message->n_barrels, 1);
    }
    assert_true(clock_boot_ms() - start_ms >= 1000);
    grpc_call_cancel(call.call, NULL);
    assert_int_equal(call_close(&call), GRPC_STATUS_CANCELLED);
    /* its seat is free again, of the one there is */
    for (bool seated = false; !seated;) {
        watch(&call, fixture);
        seated = call_receive(&call, &tierce__v1__stats_response__descriptor) != NULL;
        grpc_call_cancel(call.call, NULL);
        call_close(&call);
    }
    close_fixture(fixture);
}

static void a_quarter_of_the_threads_may_watch(void **state)
{
    (void)state;
    struct fixture *fixture = open_fixture(1); /* four threads */
    struct call first, second;
    watch(&first, fixture);
    assert_non_null(call_receive(&first, &tierce__v1__stats_response__descriptor));
    watch(&second, fixture);
    assert_null(call_receive(&second, &tierce__v1__stats_response__descriptor));
    assert_int_equal(call_close(&second), GRPC_STATUS_RESOURCE_EXHAUSTED);
    grpc_call_cancel(first.call, NULL);
    call_close(&first);
    close_fixture(fixture);
}

static void draining_ends_the_watches(void **state)
{
    (void)state;
    struct fixture *fixture = open_fixture(1);
    struct call stats_call, health_call;
    watch(&stats_call, fixture);
    assert_non_null(call_receive(&stats_call, &tierce__v1__stats_response__descriptor));
    Grpc__Health__V1__HealthCheckRequest request = GRPC__HEALTH__V1__HEALTH_CHECK_REQUEST__INIT;
    call_open(&health_call, fixture, "/grpc.health.v1.Health/Watch", NULL, TIMEOUT_S * 1000);
    call_send(&health_call, &request.base, true);
    Grpc__Health__V1__HealthCheckResponse *health =
        call_receive(&health_call, &grpc__health__v1__health_check_response__descriptor);
    assert_int_equal(health->status,
                     GRPC__HEALTH__V1__HEALTH_CHECK_RESPONSE__SERVING_STATUS__SERVING);
    int64_t start_ms = clock_boot_ms();
    grpc_front_close(fixture->front, 10000);
    fixture->front = NULL;
    assert_true(clock_boot_ms() - start_ms < 5000);
    health = call_receive(&health_call, &grpc__health__v1__health_check_response__descriptor);
    assert_non_null(health);
    assert_int_equal(health->status,
                     GRPC__HEALTH__V1__HEALTH_CHECK_RESPONSE__SERVING_STATUS__NOT_SERVING);
    assert_int_equal(call_close(&health_call), GRPC_STATUS_UNAVAILABLE);
    while (call_receive(&stats_call, &tierce__v1__stats_response__descriptor) != NULL) {
    }
    assert_int_equal(call_close(&stats_call), GRPC_STATUS_UNAVAILABLE);
    close_fixture(fixture);
}

static void deadlines_are_kept(void **state)
{
    (void)state;
    struct fixture *fixture = open_fixture(1);
    fake_barrel_stop(&fixture->cluster->barrels[0]);
    struct call call;
    Tierce__V1__SearchRequest request = TIERCE__V1__SEARCH_REQUEST__INIT;
    request.query = (char *)"hoop";
    int64_t start_ms = clock_boot_ms();
    call_open(&call, fixture, "/tierce.v1.Gateway/Search", NULL, 200);
    call_send(&call, &request.base, true);
    call_receive(&call, &tierce__v1__search_response__descriptor);
    grpc_status_code code = call_close(&call);
    assert_true(code == GRPC_STATUS_DEADLINE_EXCEEDED || code == GRPC_STATUS_UNAVAILABLE);
    assert_true(clock_boot_ms() - start_ms < 900);
    close_fixture(fixture);
}

static void what_a_client_cancels_is_given_up(void **state)
{
    (void)state;
    struct fixture *fixture = open_silent_fixture();
    struct fake_barrel *barrel = &fixture->cluster->barrels[0];
    struct call call;
    for (unsigned i = 0; i < 2; i++) { /* the second one is not given up with the first */
        begin_search(&call, fixture, TIMEOUT_S * 1000);
        FAKE_AWAIT(fixture->cluster, barrel->kept_count == i + 1);
        assert_false(rpc_call_cancelled(barrel->kept[i]));
        grpc_call_cancel(call.call, NULL);
        assert_int_equal(call_close(&call), GRPC_STATUS_CANCELLED);
        await_cancelled(fixture, i);
    }
    begin_search(&call, fixture, 300); /* its deadline passes */
    assert_int_equal(call_close(&call), GRPC_STATUS_DEADLINE_EXCEEDED);
    FAKE_AWAIT(fixture->cluster, barrel->kept_count == 3);
    await_cancelled(fixture, 2);
    fake_let_go(barrel);
    assert_int_equal(search(fixture, NULL, 1, NULL), GRPC_STATUS_OK);
    close_fixture(fixture);
}

static void what_a_client_cancels_is_noticed_when_all_are_busy(void **state)
{
    (void)state;
    enum { BUSY = 4, CALLS = 6 };
    struct fixture *fixture = open_silent_fixture();
    struct fake_barrel *barrel = &fixture->cluster->barrels[0];
    struct call calls[CALLS];
    for (unsigned i = 0; i < BUSY; i++) {
        begin_search(&calls[i], fixture, TIMEOUT_S * 1000);
        FAKE_AWAIT(fixture->cluster, barrel->kept_count == i + 1);
    }
    for (unsigned i = BUSY; i < CALLS; i++) /* these wait for a thread */
        begin_search(&calls[i], fixture, TIMEOUT_S * 1000);
    grpc_call_cancel(calls[BUSY].call, NULL);
    assert_int_equal(call_close(&calls[BUSY]), GRPC_STATUS_CANCELLED);
    grpc_call_cancel(calls[0].call, NULL);
    assert_int_equal(call_close(&calls[0]), GRPC_STATUS_CANCELLED);
    await_cancelled(fixture, 0);
    FAKE_AWAIT(fixture->cluster, barrel->kept_count == BUSY + 1);
    fake_let_go(barrel);
    for (unsigned i = 1; i < CALLS; i++) {
        if (i == BUSY)
            continue;
        assert_non_null(call_receive(&calls[i], &tierce__v1__search_response__descriptor));
        assert_int_equal(call_close(&calls[i]), GRPC_STATUS_OK);
    }
    assert_int_equal(barrel->searches, BUSY + 1); /* one of them was never begun */
    close_fixture(fixture);
}

static void a_taken_port_is_told_with_its_owner(void **state)
{
    (void)state;
    struct fixture *fixture = open_fixture(1);
    struct grpc_front_options options = {.host = "127.0.0.1",
                                         .port = grpc_front_port(fixture->front)};
    struct grpc_front *second = NULL;
    struct error err = {0};
    char words[80];
    assert_int_equal(grpc_front_open(&options, &second, &err), STATUS_CONFLICT);
    snprintf(words, sizeof(words), "port %u is in use by PID %ld, use --port", options.port,
             (long)getpid());
    assert_string_equal(err.text, words);
    close_fixture(fixture);
}

static void peers_are_read_from_their_names(void **state)
{
    (void)state;
    static const struct {
        const char *uri;
        const char *address;
        bool is_local;
    } examples[] = {
        {"ipv4:192.0.2.1:4711", "192.0.2.1", false},
        {"ipv4:127.0.0.1:4711", "127.0.0.1", true},
        {"ipv4:127.9.9.9:1", "127.9.9.9", true},
        {"ipv6:%5B::1%5D:4711", "::1", true},
        {"ipv6:[::1]:4711", "::1", true},
        {"ipv6:%5B2001:db8::7%5D:4711", "2001:db8::7", false},
        {"ipv6:[fe80::1%25eth0]:4711", "fe80::1", false},
        {"ipv6:%5B::ffff:127.0.0.1%5D:4711", "::ffff:127.0.0.1", true},
        {"ipv6:%5B::ffff:192.0.2.1%5D:4711", "::ffff:192.0.2.1", false},
        {"unix:/run/x", "", true},
        {"nonsense", "", false},
        {"", "", false},
    };
    grpc_metadata_array none = {0};
    grpc_metadata forwarded = {.key = grpc_slice_from_static_string("x-forwarded-for"),
                               .value = grpc_slice_from_static_string("10.0.0.1, 192.0.2.9")};
    grpc_metadata_array one = {.count = 1, .capacity = 1, .metadata = &forwarded};
    for (unsigned i = 0; i < sizeof(examples) / sizeof(examples[0]); i++) {
        struct grpc_peer peer;
        grpc_peer_read(examples[i].uri, &none, &peer);
        assert_string_equal(peer.address, examples[i].address);
        assert_int_equal(peer.is_local, examples[i].is_local);
        grpc_peer_read(examples[i].uri, &one, &peer); /* believed from this machine only */
        assert_string_equal(peer.address, examples[i].is_local ? "192.0.2.9" : examples[i].address);
    }
}

/* The bytes of a file, zero-terminated, the caller's to free. */
static char *read_text(const char *path)
{
    struct buffer bytes = {0};
    assert_int_equal(file_read(path, 100000, &bytes, NULL), STATUS_OK);
    char *text = strdup(buffer_string(&bytes));
    buffer_release(&bytes);
    return text;
}

static void tls_is_spoken_where_there_is_a_certificate(void **state)
{
    (void)state;
    char folder[] = "/tmp/tierce-grpc-XXXXXX", command[300], certificate[60], key[60], address[40];
    assert_non_null(mkdtemp(folder));
    snprintf(certificate, sizeof(certificate), "%s/cert.pem", folder);
    snprintf(key, sizeof(key), "%s/key.pem", folder);
    snprintf(command, sizeof(command),
             "openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -days 1 -subj "
             "/CN=localhost -addext subjectAltName=IP:127.0.0.1 -keyout %s -out %s 2>/dev/null",
             key, certificate);
    assert_int_equal(system(command), 0); /* NOLINT(cert-env33-c): of our own words */

    struct fixture *fixture = open_fixture(1);
    fake_add(&fixture->cluster->barrels[0], 1, 9, "http://a/", "A");
    close_client(fixture);
    grpc_front_close(fixture->front, 1000);
    struct grpc_front_options options = {
        .host = "127.0.0.1", .certificate_file = certificate, .key_file = key};
    assert_int_equal(grpc_front_open(&options, &fixture->front, NULL), STATUS_OK);
    assert_int_equal(grpc_front_start(fixture->front, fixture->gateway, NULL), STATUS_OK);
    char *root = read_text(certificate);
    grpc_channel_credentials *credentials = grpc_ssl_credentials_create(root, NULL, NULL, NULL);
    snprintf(address, sizeof(address), "127.0.0.1:%u", grpc_front_port(fixture->front));
    fixture->channel = grpc_channel_create(address, credentials, NULL);
    fixture->queue = grpc_completion_queue_create_for_next(NULL);
    grpc_channel_credentials_release(credentials);
    Tierce__V1__SearchResponse *reply;
    assert_int_equal(search(fixture, with_token, 1, &reply), GRPC_STATUS_OK);
    assert_int_equal(reply->n_results, 1);
    close_fixture(fixture);

    options.key_file = certificate; /* no key at all */
    struct grpc_front *front = NULL;
    struct error err;
    assert_int_equal(grpc_front_open(&options, &front, &err), STATUS_INVALID);
    options.key_file = "/nonexistent";
    assert_int_equal(grpc_front_open(&options, &front, &err), STATUS_NOT_FOUND);
    free(root);
    unlink(certificate);
    unlink(key);
    rmdir(folder);
}

static void the_token_is_taken_from_this_machine_or_over_tls_only(void **state)
{
    (void)state;
    struct fixture *fixture = open_fixture(1);
    struct grpc_peer far = {.address = "192.0.2.1"};
    struct grpc_peer near = {.address = "192.0.2.1", .is_local = true};
    struct grpc_refusal refusal;
    bool is_admin;
    grpc_metadata item = {.key = grpc_slice_from_static_string(with_token[0].name),
                          .value = grpc_slice_from_static_string(with_token[0].value)};
    grpc_metadata_array metadata = {.count = 1, .capacity = 1, .metadata = &item};
    assert_true(
        grpc_peer_may(fixture->gateway, &near, &metadata, GRPC_ADMIN, false, &is_admin, &refusal));
    assert_true(is_admin);
    assert_true(
        grpc_peer_may(fixture->gateway, &far, &metadata, GRPC_ADMIN, true, &is_admin, &refusal));
    assert_true(is_admin);
    assert_false(
        grpc_peer_may(fixture->gateway, &far, &metadata, GRPC_ADMIN, false, &is_admin, &refusal));
    assert_false(is_admin);
    assert_int_equal(refusal.code, GRPC_STATUS_UNAUTHENTICATED);
    assert_non_null(strstr(refusal.words, "TLS"));
    close_fixture(fixture);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_search_is_answered),
        cmocka_unit_test(what_an_admin_may_needs_the_token),
        cmocka_unit_test(searching_can_be_closed_to_strangers),
        cmocka_unit_test(a_refusal_waits_for_the_clients_end_but_not_for_long),
        cmocka_unit_test(urls_are_added_and_explained),
        cmocka_unit_test(what_is_unknown_is_unimplemented_and_what_is_no_message_invalid),
        cmocka_unit_test(one_who_asks_too_often_is_told_to_wait),
        cmocka_unit_test(health_is_told),
        cmocka_unit_test(reflection_answers_every_question_of_a_conversation),
        cmocka_unit_test(statistics_come_each_second_until_the_viewer_leaves),
        cmocka_unit_test(a_quarter_of_the_threads_may_watch),
        cmocka_unit_test(draining_ends_the_watches),
        cmocka_unit_test(deadlines_are_kept),
        cmocka_unit_test(what_a_client_cancels_is_given_up),
        cmocka_unit_test(what_a_client_cancels_is_noticed_when_all_are_busy),
        cmocka_unit_test(a_taken_port_is_told_with_its_owner),
        cmocka_unit_test(peers_are_read_from_their_names),
        cmocka_unit_test(tls_is_spoken_where_there_is_a_certificate),
        cmocka_unit_test(the_token_is_taken_from_this_machine_or_over_tls_only),
    };
#ifdef __SANITIZE_THREAD__
    printf("gRPC's own library is not instrumented: every hand-over by its queues looks like a "
           "race; skipped\n");
    return 0;
#endif
    grpc_init();
    int failed = cmocka_run_group_tests(tests, NULL, NULL);
    grpc_shutdown_blocking();
    return failed;
}
