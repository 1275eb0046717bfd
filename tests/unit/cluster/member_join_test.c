/* A member against an orchestrator that does what the test says. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <pthread.h>
#include <stdio.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/log.h"
#include "cluster/member.h"
#include "rpc/frame.h"
#include "rpc/server.h"

static const struct cluster_key key = {.bytes = {1, 2, 3}};

struct fake {
    pthread_mutex_t mutex;
    pthread_cond_t changed;
    struct rpc_server *server;
    char address[64];
    /* what it answers */
    enum status refusal; /* of REGISTER */
    bool is_silent;      /* keeps REGISTER, and answers nothing */
    bool forget;         /* the next heartbeat is answered with `unknown` */
    uint64_t settings_version;
    uint64_t routing_version;
    uint32_t slot_last;
    uint32_t heartbeat_ms;
    /* what it saw */
    unsigned registrations;
    unsigned heartbeats;
    Wire__MemberState last_state;
    uint64_t last_settings;
    char last_refusal[64];
    char last_name[64];
    int32_t last_shard;
    uint32_t last_protocol;
    uint64_t last_memory;
    struct rpc_call *kept;
};

/* Calls that are never answered must end before their server does. */
static void keep(struct fake *fake, struct rpc_call *call)
{
    pthread_mutex_lock(&fake->mutex);
    struct rpc_call *before = fake->kept;
    fake->kept = call;
    pthread_cond_broadcast(&fake->changed);
    pthread_mutex_unlock(&fake->mutex);
    if (before != NULL)
        rpc_call_fail(before, STATUS_CANCELLED, "kept");
}

static void answer_register(struct fake *fake, struct rpc_call *call)
{
    const Wire__RegisterRequest *request =
        rpc_call_request(call, &wire__register_request__descriptor);
    if (request == NULL)
        return;
    Wire__RegisterReply reply = WIRE__REGISTER_REPLY__INIT;
    Wire__Settings settings = WIRE__SETTINGS__INIT;
    Wire__Routing routing = WIRE__ROUTING__INIT;
    pthread_mutex_lock(&fake->mutex);
    fake->registrations++;
    snprintf(fake->last_name, sizeof(fake->last_name), "%s", request->name);
    fake->last_shard = request->shard;
    fake->last_protocol = request->protocol;
    reply.member = 100 + fake->registrations;
    reply.name = (char *)"barrel-1-0";
    reply.heartbeat_ms = fake->heartbeat_ms;
    reply.shard = 1;
    reply.slot_first = 128;
    reply.slot_last = fake->slot_last;
    settings.version = fake->settings_version;
    routing.version = fake->routing_version;
    enum status refusal = fake->refusal;
    bool is_silent = fake->is_silent;
    pthread_cond_broadcast(&fake->changed);
    pthread_mutex_unlock(&fake->mutex);
    reply.settings = &settings;
    reply.routing = routing.version == 0 ? NULL : &routing;
    if (is_silent)
        keep(fake, call);
    else if (refusal != STATUS_OK)
        rpc_call_fail(call, refusal, "the place is taken");
    else
        rpc_call_reply(call, &reply.base);
}

static void answer_heartbeat(struct fake *fake, struct rpc_call *call)
{
    const Wire__HeartbeatRequest *request =
        rpc_call_request(call, &wire__heartbeat_request__descriptor);
    if (request == NULL)
        return;
    Wire__HeartbeatReply reply = WIRE__HEARTBEAT_REPLY__INIT;
    Wire__Settings settings = WIRE__SETTINGS__INIT;
    Wire__Routing routing = WIRE__ROUTING__INIT;
    pthread_mutex_lock(&fake->mutex);
    fake->heartbeats++;
    fake->last_state = request->state;
    fake->last_settings = request->settings_version;
    fake->last_memory = request->memory == NULL ? 0 : request->memory->anonymous;
    snprintf(fake->last_refusal, sizeof(fake->last_refusal), "%s", request->settings_refusal);
    reply.unknown = fake->forget;
    fake->forget = false;
    settings.version = fake->settings_version;
    reply.settings = settings.version == request->settings_version ? NULL : &settings;
    routing.version = fake->routing_version;
    reply.routing = &routing;
    pthread_cond_broadcast(&fake->changed);
    pthread_mutex_unlock(&fake->mutex);
    rpc_call_reply(call, &reply.base);
}

static void answer(void *context, struct rpc_call *call)
{
    if (rpc_call_method(call) == WIRE__METHOD__REGISTER)
        answer_register(context, call);
    else
        answer_heartbeat(context, call);
}

static void fake_listen(struct fake *fake, uint16_t port)
{
    struct rpc_server_options options = {
        .host = "127.0.0.1", .port = port, .key = &key, .handler = answer, .context = fake};
    struct error err = {0};
    if (rpc_server_open(&options, &fake->server, &err) != STATUS_OK)
        fail_msg("%s", err.text);
    snprintf(fake->address, sizeof(fake->address), "%s", rpc_server_address(fake->server));
}

static void fake_open(struct fake *fake)
{
    *fake = (struct fake){
        .settings_version = 1, .routing_version = 1, .slot_last = 255, .heartbeat_ms = 20};
    pthread_mutex_init(&fake->mutex, NULL);
    pthread_cond_init(&fake->changed, NULL);
    fake_listen(fake, 0);
}

static void fake_close(struct fake *fake)
{
    rpc_server_close(fake->server, 1000);
    pthread_cond_destroy(&fake->changed);
    pthread_mutex_destroy(&fake->mutex);
}

/* Waits for a condition on the fake's fields, at most ten seconds. */
#define AWAIT(fake, condition)                                                                     \
    do {                                                                                           \
        struct timespec until;                                                                     \
        clock_gettime(CLOCK_REALTIME, &until);                                                     \
        until.tv_sec += 10;                                                                        \
        pthread_mutex_lock(&(fake)->mutex);                                                        \
        int late = 0;                                                                              \
        while (!(condition) && late == 0)                                                          \
            late = pthread_cond_timedwait(&(fake)->changed, &(fake)->mutex, &until);               \
        bool came = (condition);                                                                   \
        pthread_mutex_unlock(&(fake)->mutex);                                                      \
        if (!came)                                                                                 \
            fail_msg("never came: %s", #condition);                                                \
    } while (0)

#define UNDER_LOCK(fake, statement)                                                                \
    do {                                                                                           \
        pthread_mutex_lock(&(fake)->mutex);                                                        \
        statement;                                                                                 \
        pthread_mutex_unlock(&(fake)->mutex);                                                      \
    } while (0)

struct taker {
    uint64_t taken;
    uint64_t refuse;
    unsigned refused;
    unsigned sent;
};

static enum status take(void *context, const Wire__Settings *settings, struct error *err)
{
    struct taker *taker = context;
    if (settings->version == taker->refuse) {
        taker->refused++;
        return error_set(err, STATUS_INVALID, "not these");
    }
    __atomic_store_n(&taker->taken, settings->version, __ATOMIC_SEQ_CST);
    return STATUS_OK;
}

static void count_sent(void *context)
{
    struct taker *taker = context;
    __atomic_add_fetch(&taker->sent, 1, __ATOMIC_SEQ_CST);
}

static struct member_options options_for(const struct fake *fake, struct taker *taker)
{
    return (struct member_options){.orchestrator = fake->address,
                                   .key = &key,
                                   .role = WIRE__ROLE__ROLE_BARREL,
                                   .shard = -1,
                                   .context = taker,
                                   .take_settings = take,
                                   .heartbeat_sent = count_sent};
}

static struct member *start(const struct member_options *options)
{
    struct member *member;
    struct error err = {0};
    if (member_start(options, 5000, &member, &err) != STATUS_OK)
        fail_msg("%s", err.text);
    return member;
}

static void a_member_has_its_place_and_settings_when_it_has_started(void **state)
{
    (void)state;
    struct fake fake;
    struct taker taker = {0};
    fake_open(&fake);
    struct member_options options = options_for(&fake, &taker);
    struct member *member = start(&options);
    assert_int_equal(taker.taken, 1);
    assert_string_equal(member_name(member), "barrel-1-0");
    assert_int_equal(member_place(member).shard, 1);
    assert_int_equal(member_place(member).slot_first, 128);
    assert_int_equal(member_place(member).slot_last, 255);
    assert_int_equal(member_id(member), 101);
    assert_int_equal(fake.last_protocol, PROTOCOL_VERSION);
    struct routing *routing = member_routing(member);
    assert_int_equal(routing->version, 1);
    routing_release(routing);
    member_stop(member);
    fake_close(&fake);
}

static void what_is_new_is_told_at_once_and_the_last_word_is_draining(void **state)
{
    (void)state;
    struct fake fake;
    struct taker taker = {0};
    fake_open(&fake);
    fake.heartbeat_ms = 60000;
    struct member_options options = options_for(&fake, &taker);
    struct member *member = start(&options);
    AWAIT(&fake, fake.heartbeats > 0 && fake.last_state == WIRE__MEMBER_STATE__STATE_STARTING);
    member_set_state(member, WIRE__MEMBER_STATE__STATE_READY);
    AWAIT(&fake, fake.last_state == WIRE__MEMBER_STATE__STATE_READY);
    assert_true(fake.last_memory > 0);
    unsigned before = fake.heartbeats;
    member_hurry(member);
    AWAIT(&fake, fake.heartbeats > before);
    member_stop(member);
    assert_int_equal(fake.last_state, WIRE__MEMBER_STATE__STATE_DRAINING);
    assert_true(taker.sent > 0);
    fake_close(&fake);
}

static void a_forgotten_member_registers_again_under_its_name_and_place(void **state)
{
    (void)state;
    struct fake fake;
    struct taker taker = {0};
    fake_open(&fake);
    struct member_options options = options_for(&fake, &taker);
    struct member *member = start(&options);
    assert_string_equal(fake.last_name, "");
    assert_int_equal(fake.last_shard, -1);
    UNDER_LOCK(&fake, fake.forget = true);
    AWAIT(&fake, fake.registrations == 2);
    assert_string_equal(fake.last_name, "barrel-1-0");
    assert_int_equal(fake.last_shard, 1);
    unsigned before = fake.heartbeats;
    AWAIT(&fake, fake.heartbeats > before);
    assert_int_equal(member_id(member), 102);
    member_stop(member);
    fake_close(&fake);
}

static void newer_settings_are_taken_and_refused_ones_are_told(void **state)
{
    (void)state;
    struct fake fake;
    struct taker taker = {.refuse = 3};
    fake_open(&fake);
    struct member_options options = options_for(&fake, &taker);
    struct member *member = start(&options);
    UNDER_LOCK(&fake, fake.settings_version = 2);
    AWAIT(&fake, fake.last_settings == 2);
    UNDER_LOCK(&fake, fake.settings_version = 3);
    AWAIT(&fake, strcmp(fake.last_refusal, "not these") == 0);
    assert_int_equal(fake.last_settings, 2);
    unsigned beats = fake.heartbeats;
    AWAIT(&fake, fake.heartbeats > beats + 3);
    UNDER_LOCK(&fake, fake.settings_version = 4);
    AWAIT(&fake, fake.last_settings == 4);
    assert_string_equal(fake.last_refusal, "");
    member_stop(member);
    assert_int_equal(taker.refused, 1);
    fake_close(&fake);
}

static void the_last_table_stays_while_the_orchestrator_is_away(void **state)
{
    (void)state;
    struct fake fake;
    struct taker taker = {0};
    fake_open(&fake);
    struct member_options options = options_for(&fake, &taker);
    struct member *member = start(&options);
    uint16_t port = rpc_server_port(fake.server);
    rpc_server_close(fake.server, 1000);
    struct routing *routing = member_routing(member);
    assert_int_equal(routing->version, 1);
    routing_release(routing);
    UNDER_LOCK(&fake, fake.heartbeats = 0; fake.routing_version = 2);
    fake_listen(&fake, port);
    AWAIT(&fake, fake.heartbeats > 1); /* the second: the first one's answer has been taken up */
    routing = member_routing(member);
    assert_int_equal(routing->version, 2);
    routing_release(routing);
    member_stop(member);
    fake_close(&fake);
}

static void a_reply_without_a_table_keeps_the_last_one(void **state)
{
    (void)state;
    struct fake fake;
    struct taker taker = {0};
    fake_open(&fake);
    fake.routing_version = 0; /* none in the reply to REGISTER */
    struct member_options options = options_for(&fake, &taker);
    struct member *member = start(&options);
    struct routing *routing = member_routing(member);
    assert_non_null(routing);
    assert_int_equal(routing->shard_count, 0);
    routing_release(routing);
    member_stop(member);
    fake_close(&fake);
}

static void a_refusal_ends_the_start_with_the_words(void **state)
{
    (void)state;
    struct fake fake;
    struct taker taker = {0};
    fake_open(&fake);
    fake.refusal = STATUS_CONFLICT;
    struct member_options options = options_for(&fake, &taker);
    struct member *untouched = NULL;
    struct error err = {0};
    assert_int_equal(member_start(&options, 5000, &untouched, &err), STATUS_CONFLICT);
    assert_non_null(strstr(err.text, "the place is taken"));
    assert_null(untouched);
    assert_int_equal(fake.registrations, 1);
    fake_close(&fake);
}

static void a_wrong_key_ends_the_start(void **state)
{
    (void)state;
    struct fake fake;
    struct taker taker = {0};
    fake_open(&fake);
    struct cluster_key other = {.bytes = {9}};
    struct member_options options = options_for(&fake, &taker);
    options.key = &other;
    struct member *untouched = NULL;
    struct error err = {0};
    assert_int_equal(member_start(&options, 5000, &untouched, &err), STATUS_DENIED);
    assert_int_equal(fake.registrations, 0);
    fake_close(&fake);
}

static void an_orchestrator_that_comes_late_is_waited_for(void **state)
{
    (void)state;
    struct fake fake;
    struct taker taker = {0};
    fake_open(&fake);
    uint16_t port = rpc_server_port(fake.server);
    rpc_server_close(fake.server, 1000);
    struct member_options options = options_for(&fake, &taker);
    struct member *untouched = NULL;
    struct error err = {0};
    int64_t begun = clock_boot_ms();
    assert_int_equal(member_start(&options, 100, &untouched, &err), STATUS_TIMEOUT);
    assert_in_range(clock_boot_ms() - begun, 100, 20000);
    assert_null(untouched);
    fake_listen(&fake, port);
    struct member *member = start(&options);
    member_stop(member);
    fake_close(&fake);
}

static void an_orchestrator_that_does_not_answer_is_not_waited_for_any_longer(void **state)
{
    (void)state;
    struct fake fake;
    struct taker taker = {0};
    fake_open(&fake);
    fake.is_silent = true;
    struct member_options options = options_for(&fake, &taker);
    struct member *untouched = NULL;
    struct error err = {0};
    int64_t begun = clock_boot_ms();
    assert_int_equal(member_start(&options, 300, &untouched, &err), STATUS_TIMEOUT);
    assert_in_range(clock_boot_ms() - begun, 300, 3000);
    assert_null(untouched);
    AWAIT(&fake, fake.kept != NULL && rpc_call_cancelled(fake.kept)); /* and it is told so */
    keep(&fake, NULL);
    fake_close(&fake);
}

static void a_member_that_registers_again_ends_at_once(void **state)
{
    (void)state;
    struct fake fake;
    struct taker taker = {0};
    fake_open(&fake);
    struct member_options options = options_for(&fake, &taker);
    struct member *member = start(&options);
    UNDER_LOCK(&fake, fake.is_silent = true; fake.forget = true);
    AWAIT(&fake, fake.kept != NULL);
    int64_t begun = clock_boot_ms();
    member_stop(member);
    assert_true(clock_boot_ms() - begun < 3000);
    keep(&fake, NULL);
    fake_close(&fake);
}

static void memory_is_counted_in_bytes(void **state)
{
    (void)state;
    Wire__Memory memory;
    member_memory(&memory);
    assert_in_range(memory.anonymous, 64 * 1024, (uint64_t)1 << 40);
    assert_in_range(memory.mapped, 64 * 1024, (uint64_t)1 << 40);
}

int main(void)
{
    log_open("test", LOG_ERROR_LEVEL);
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_member_has_its_place_and_settings_when_it_has_started),
        cmocka_unit_test(what_is_new_is_told_at_once_and_the_last_word_is_draining),
        cmocka_unit_test(a_forgotten_member_registers_again_under_its_name_and_place),
        cmocka_unit_test(newer_settings_are_taken_and_refused_ones_are_told),
        cmocka_unit_test(the_last_table_stays_while_the_orchestrator_is_away),
        cmocka_unit_test(a_reply_without_a_table_keeps_the_last_one),
        cmocka_unit_test(a_refusal_ends_the_start_with_the_words),
        cmocka_unit_test(a_wrong_key_ends_the_start),
        cmocka_unit_test(an_orchestrator_that_comes_late_is_waited_for),
        cmocka_unit_test(an_orchestrator_that_does_not_answer_is_not_waited_for_any_longer),
        cmocka_unit_test(a_member_that_registers_again_ends_at_once),
        cmocka_unit_test(memory_is_counted_in_bytes),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
