#include "gateway/service.h"

#include <poll.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "cluster/holders.h"
#include "gateway/service_parts.h"

enum {
    TIMEOUT_MS_DEFAULT = 2000, /* of a search, where the settings say nothing */
    CALL_TIMEOUT_MS = 10000,   /* of the indexserver and the orchestrator */
    PATIENCE_MS = 1000,        /* with one that is being restarted */
    RETRY_MS_FIRST = 10,
    RETRY_MS_MAX = 50,
    READY_TIMEOUT_MS = 1000,
    TEST_ANSWER_MS = 1000, /* of a call, left for the answer of a trial that ran out of time */
    HOLDERS_MS = 2000,     /* for the replicas that may have a page */
    REMOVE_VALUE_BYTES_MAX = 2048,
};

static struct routing *newest_routing(void *context)
{
    return gateway_routing(context);
}

enum status service_open(struct gateway *gateway, struct service **ret_service, struct error *err)
{
    struct service *service = calloc(1, sizeof(*service));
    if (service == NULL)
        return error_set(err, STATUS_NO_MEMORY, "service");
    service->gateway = gateway;
    service->analyzer = text_analyzer_new();
    enum status status =
        service->analyzer == NULL
            ? error_set(err, STATUS_NO_MEMORY, "service")
            : fanout_open(gateway_key(gateway), newest_routing, gateway, &service->fanout, err);
    if (status == STATUS_OK)
        status = rpc_client_open(gateway_orchestrator(gateway), gateway_key(gateway),
                                 &service->orchestrator, err);
    if (status != STATUS_OK) {
        service_close(service);
        return status;
    }
    *ret_service = service;
    return STATUS_OK;
}

void service_close(struct service *service)
{
    if (service == NULL)
        return;
    rpc_client_close(service->orchestrator);
    rpc_client_close(service->indexserver);
    fanout_close(service->fanout);
    text_analyzer_free(service->analyzer);
    free(service);
}

void service_set_deadline(struct service *service, int64_t deadline_ms)
{
    service->deadline_ms = deadline_ms;
}

void service_set_asker(struct service *service, const struct rpc_watch *watch)
{
    static const struct rpc_watch nobody = {.fd = -1};
    fanout_set_asker(service->fanout, watch == NULL ? &nobody : watch);
}

/* ---- time ---- */

static int64_t ends_ms(const struct service *service, int64_t timeout_ms)
{
    int64_t ends = clock_boot_ms() + timeout_ms;
    return service->deadline_ms != 0 && service->deadline_ms < ends ? service->deadline_ms : ends;
}

int64_t service_ends_ms(struct service *service)
{
    const Wire__GatewaySettings *settings = gateway_hold_settings(service->gateway);
    uint32_t timeout_ms = settings->search_timeout_ms;
    gateway_release_settings(settings);
    return ends_ms(service, timeout_ms == 0 ? TIMEOUT_MS_DEFAULT : timeout_ms);
}

uint32_t service_left_ms(int64_t ends)
{
    int64_t left_ms = ends - clock_boot_ms();
    return left_ms < 1 ? 1 : left_ms > INT32_MAX ? INT32_MAX : (uint32_t)left_ms;
}

enum status service_no_answer(const struct fanout_answer *answers, unsigned count,
                              struct error *err)
{
    enum status worst = STATUS_UNAVAILABLE;
    for (unsigned i = 0; i < count; i++) {
        if (answers[i].asked && answers[i].status == STATUS_OVERLOADED)
            return error_set(err, STATUS_OVERLOADED, "too many searches at this moment");
        if (answers[i].asked && answers[i].status == STATUS_CANCELLED)
            return error_set(err, STATUS_CANCELLED, "whoever asked has gone");
        if (answers[i].asked && answers[i].status != STATUS_OK)
            worst = answers[i].status;
    }
    return error_set(err, STATUS_UNAVAILABLE, "no part of the index answers: %s",
                     status_name(worst));
}

/* ---- calls to the indexserver and the orchestrator ---- */

/* Opens the client where there is none or it is for another address. */
static enum status aim(struct service *service, const char *address, struct rpc_client **client,
                       struct error *err)
{
    if (*client != NULL && strcmp(rpc_client_address(*client), address) == 0)
        return STATUS_OK;
    rpc_client_close(*client);
    *client = NULL;
    return rpc_client_open(address, gateway_key(service->gateway), client, err);
}

struct call {
    uint16_t method;
    const ProtobufCMessage *request;
    const ProtobufCMessageDescriptor *reply_descriptor;
    struct arena *arena;
    bool to_orchestrator; /* else to the indexserver */
};

static enum status call_once(struct service *service, const struct call *call, uint32_t timeout_ms,
                             void **ret_reply, struct error *err)
{
    struct rpc_client *client = service->orchestrator;
    if (!call->to_orchestrator) {
        struct routing *routing = gateway_routing(service->gateway);
        enum status status = routing->indexserver[0] == '\0'
                                 ? error_set(err, STATUS_UNAVAILABLE, "it is not running")
                                 : aim(service, routing->indexserver, &service->indexserver, err);
        routing_release(routing);
        if (status != STATUS_OK)
            return status;
        client = service->indexserver;
    }
    return rpc_call(client, call->method, call->request, call->reply_descriptor, call->arena,
                    timeout_ms, ret_reply, err);
}

/*
 * One that is being restarted is waited for. The indexserver's calls can all be made twice: what
 * has been submitted or removed already is so again. A log-in code whose answer was lost is used
 * up: the user is told so.
 */
static enum status make_call(struct service *service, const struct call *call, void **ret_reply,
                             struct error *err)
{
    int64_t call_ends_ms = ends_ms(service, CALL_TIMEOUT_MS);
    int64_t give_up_ms = ends_ms(service, PATIENCE_MS);
    for (int wait_ms = RETRY_MS_FIRST;; wait_ms *= 2) {
        wait_ms = wait_ms > RETRY_MS_MAX ? RETRY_MS_MAX : wait_ms;
        enum status status =
            call_once(service, call, service_left_ms(call_ends_ms), ret_reply, err);
        if (status != STATUS_UNAVAILABLE || clock_boot_ms() + wait_ms >= give_up_ms) {
            if (status != STATUS_OK && status != STATUS_INVALID && status != STATUS_DENIED)
                error_add_context(err, call->to_orchestrator ? "orchestrator" : "indexserver");
            return status;
        }
        poll(NULL, 0, wait_ms); /* nothing tells when it listens again */
    }
}

static enum status call_indexserver(struct service *service, uint16_t method,
                                    const ProtobufCMessage *request,
                                    const ProtobufCMessageDescriptor *reply_descriptor,
                                    struct arena *arena, void **ret_reply, struct error *err)
{
    struct call to_make = {method, request, reply_descriptor, arena, false};
    return make_call(service, &to_make, ret_reply, err);
}

static enum status call_orchestrator(struct service *service, uint16_t method,
                                     const ProtobufCMessage *request,
                                     const ProtobufCMessageDescriptor *reply_descriptor,
                                     struct arena *arena, void **ret_reply, struct error *err)
{
    struct call to_make = {method, request, reply_descriptor, arena, true};
    return make_call(service, &to_make, ret_reply, err);
}

/* ---- what an admin may ---- */

enum status service_add_urls(struct service *service, const char *const *urls, size_t count,
                             struct arena *arena, Wire__SubmitReply **ret_reply, struct error *err)
{
    if (count == 0)
        return error_set(err, STATUS_INVALID, "no URL was given");
    if (count > ADD_URLS_MAX)
        return error_set(err, STATUS_INVALID, "more than %d URLs at once", ADD_URLS_MAX);
    Wire__SubmitRequest request = WIRE__SUBMIT_REQUEST__INIT;
    request.urls = (char **)urls;
    request.n_urls = count;
    request.origin = LOG__ORIGIN__ORIGIN_OWNER;
    void *reply;
    enum status status = call_indexserver(service, WIRE__METHOD__SUBMIT, &request.base,
                                          &wire__submit_reply__descriptor, arena, &reply, err);
    if (status == STATUS_OK)
        *ret_reply = reply;
    return status;
}

enum status service_remove(struct service *service, Log__RemoveScope scope, const char *value,
                           struct arena *arena, Wire__RemoveReply **ret_reply, struct error *err)
{
    if (value[0] == '\0')
        return error_set(err, STATUS_INVALID, "nothing was named");
    if (strlen(value) > REMOVE_VALUE_BYTES_MAX)
        return error_set(err, STATUS_INVALID, "the name is longer than %d bytes",
                         REMOVE_VALUE_BYTES_MAX);
    Wire__RemoveRequest request = WIRE__REMOVE_REQUEST__INIT;
    request.scope = scope;
    request.value = (char *)value;
    void *reply;
    enum status status = call_indexserver(service, WIRE__METHOD__REMOVE, &request.base,
                                          &wire__remove_reply__descriptor, arena, &reply, err);
    if (status == STATUS_OK)
        *ret_reply = reply;
    return status;
}

enum status service_control(struct service *service, Log__Action action, const char *source,
                            struct error *err)
{
    struct arena arena = {0};
    Wire__ControlRequest request = WIRE__CONTROL_REQUEST__INIT;
    request.action = action;
    request.source = (char *)source;
    void *reply;
    enum status status = call_indexserver(service, WIRE__METHOD__CONTROL, &request.base,
                                          &wire__empty__descriptor, &arena, &reply, err);
    arena_release(&arena);
    return status;
}

enum status service_why(struct service *service, const char *url, struct arena *arena,
                        Wire__LookupReply **ret_reply, struct error *err)
{
    Wire__LookupRequest request = WIRE__LOOKUP_REQUEST__INIT;
    request.url = (char *)url;
    void *reply;
    enum status status = call_indexserver(service, WIRE__METHOD__LOOKUP, &request.base,
                                          &wire__lookup_reply__descriptor, arena, &reply, err);
    if (status != STATUS_OK)
        return status;
    struct routing *routing = gateway_routing(service->gateway);
    holders_tell(routing, gateway_key(service->gateway),
                 service_left_ms(ends_ms(service, HOLDERS_MS)), arena, reply);
    routing_release(routing);
    *ret_reply = reply;
    return STATUS_OK;
}

enum status service_test_url(struct service *service, const char *url, struct arena *arena,
                             Wire__TestUrlReply **ret_reply, struct error *err)
{
    Wire__TestUrlRequest request = WIRE__TEST_URL_REQUEST__INIT;
    uint32_t left_ms = service_left_ms(ends_ms(service, CALL_TIMEOUT_MS));
    request.url = (char *)url;
    request.wait_ms = left_ms > TEST_ANSWER_MS ? left_ms - TEST_ANSWER_MS : 0;
    void *reply;
    enum status status = call_indexserver(service, WIRE__METHOD__TEST_URL, &request.base,
                                          &wire__test_url_reply__descriptor, arena, &reply, err);
    if (status == STATUS_OK)
        *ret_reply = reply;
    return status;
}

enum status service_stats(struct service *service, struct arena *arena, Wire__Stats **ret_stats,
                          struct error *err)
{
    Wire__Empty request = WIRE__EMPTY__INIT;
    void *reply;
    enum status status = call_orchestrator(service, WIRE__METHOD__ORCHESTRATOR_STATS, &request.base,
                                           &wire__stats__descriptor, arena, &reply, err);
    if (status == STATUS_OK)
        *ret_stats = reply;
    return status;
}

enum status service_login(struct service *service, const char *code, struct error *err)
{
    struct arena arena = {0};
    Wire__Login request = WIRE__LOGIN__INIT;
    request.code = (char *)code;
    void *reply;
    enum status status = call_orchestrator(service, WIRE__METHOD__LOGIN_REDEEM, &request.base,
                                           &wire__empty__descriptor, &arena, &reply, err);
    arena_release(&arena);
    return status;
}

/* ---- readiness ---- */

static bool is_alive(enum status status)
{
    return status == STATUS_OK || status == STATUS_UNSUPPORTED; /* it answers, whatever it says */
}

static enum status ping_shards(struct service *service, const struct routing *routing,
                               struct arena *arena, struct error *err)
{
    Wire__Empty request = WIRE__EMPTY__INIT;
    struct fanout_question question = {.method = WIRE__METHOD__PING,
                                       .request = &request.base,
                                       .reply_descriptor = &wire__empty__descriptor,
                                       .timeout_ms = READY_TIMEOUT_MS};
    struct fanout_answer *answers = arena_alloc(arena, routing->shard_count * sizeof(*answers) + 1);
    if (answers == NULL)
        return error_set(err, STATUS_NO_MEMORY, "readiness");
    fanout_ask(service->fanout, routing, &question, arena, answers);
    for (unsigned i = 0; i < routing->shard_count; i++) {
        if (!is_alive(answers[i].status))
            return error_set(err, STATUS_UNAVAILABLE, "shard %u does not answer: %s", i,
                             status_name(answers[i].status));
    }
    return STATUS_OK;
}

enum status service_ready(struct service *service, struct error *err)
{
    struct arena arena = {0};
    struct routing *routing = gateway_routing(service->gateway);
    enum status status = routing->shard_count == 0 ? error_set(err, STATUS_UNAVAILABLE,
                                                               "the routing table has no shard yet")
                                                   : ping_shards(service, routing, &arena, err);
    routing_release(routing);
    if (status == STATUS_OK) {
        Wire__Empty request = WIRE__EMPTY__INIT;
        void *reply;
        int64_t deadline_ms = service->deadline_ms, soon_ms = clock_boot_ms() + READY_TIMEOUT_MS;
        if (deadline_ms == 0 || deadline_ms > soon_ms)
            service->deadline_ms = soon_ms; /* anyone may ask, and many at a time */
        status = call_indexserver(service, WIRE__METHOD__PING, &request.base,
                                  &wire__empty__descriptor, &arena, &reply, err);
        service->deadline_ms = deadline_ms;
        status = is_alive(status) ? STATUS_OK : status;
    }
    arena_release(&arena);
    return status;
}
