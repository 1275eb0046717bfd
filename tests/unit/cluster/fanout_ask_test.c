/* A fan-out against barrels that do what the test says, on real sockets. */
#include "tests/unit/unit.h"

#include <pthread.h>
#include <sched.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/clock.h"
#include "cluster/fanout.h"
#include "cluster/routing_wire.h"
#include "rpc/server.h"
#include "wire.pb-c.h"

static const struct cluster_key key = {.bytes = {7, 7, 7}};

enum mode { ANSWERS, REFUSES, KEEPS_SILENT, AWAITS_ITS_SIBLING };

enum { BARRELS_MAX = 4, HELD_MAX = 8 };

struct barrel {
    struct rpc_server *server;
    uint64_t id;
    _Atomic enum mode mode;
    _Atomic enum status refusal;
    atomic_uint calls;
    char address[80];
    pthread_mutex_t mutex;
    struct rpc_call *held[HELD_MAX];
    unsigned held_count;
    struct barrel *sibling;
    bool is_rebuilding;     /* as the table says */
    bool says_it_is_a_part; /* in its replies */
};

struct fixture {
    struct arena arena;
    struct barrel barrels[BARRELS_MAX];
    unsigned barrel_count;
    struct fanout *fanout;
    pthread_mutex_t mutex;
    struct routing *routing; /* the newest, under the mutex */
    unsigned shard_count;
    int asker[2]; /* a pair of sockets: the fan-out watches the first */
};

static void reply_to(struct barrel *barrel, struct rpc_call *call)
{
    Wire__SearchReply reply = WIRE__SEARCH_REPLY__INIT;
    reply.total = barrel->id;
    reply.rebuilding = barrel->says_it_is_a_part;
    rpc_call_reply(call, &reply.base);
}

static void hold(struct barrel *barrel, struct rpc_call *call)
{
    pthread_mutex_lock(&barrel->mutex);
    assert_true(barrel->held_count < HELD_MAX);
    barrel->held[barrel->held_count++] = call;
    pthread_mutex_unlock(&barrel->mutex);
}

static bool is_told_to_cancel(struct barrel *barrel)
{
    pthread_mutex_lock(&barrel->mutex);
    bool is_told = barrel->held_count > 0 && rpc_call_cancelled(barrel->held[0]);
    pthread_mutex_unlock(&barrel->mutex);
    return is_told;
}

static void release(struct barrel *barrel)
{
    pthread_mutex_lock(&barrel->mutex);
    while (barrel->held_count > 0)
        reply_to(barrel, barrel->held[--barrel->held_count]);
    pthread_mutex_unlock(&barrel->mutex);
}

static void serve(void *context, struct rpc_call *call)
{
    struct barrel *barrel = context;
    barrel->calls++;
    switch (barrel->mode) {
    case ANSWERS:
        reply_to(barrel, call);
        break;
    case REFUSES:
        rpc_call_fail(call, barrel->refusal, "as the test wishes");
        break;
    case KEEPS_SILENT:
        hold(barrel, call);
        break;
    case AWAITS_ITS_SIBLING:
        hold(barrel, call);
        if (barrel->sibling->calls > 0) {
            release(barrel->sibling);
            release(barrel);
        }
        break;
    }
}

static void barrel_listen(struct barrel *barrel, uint16_t port)
{
    struct rpc_server_options options = {
        .host = "127.0.0.1", .port = port, .key = &key, .handler = serve, .context = barrel};
    struct error err = {0};
    if (rpc_server_open(&options, &barrel->server, &err) != STATUS_OK)
        fail_msg("%s", err.text);
    snprintf(barrel->address, sizeof(barrel->address), "%s", rpc_server_address(barrel->server));
}

static void barrel_stop(struct barrel *barrel)
{
    release(barrel);
    rpc_server_close(barrel->server, 1000);
    barrel->server = NULL;
}

/* Barrel i serves shard i % shards. */
static void publish(struct fixture *fixture, uint64_t version)
{
    Wire__Routing wire = WIRE__ROUTING__INIT;
    Wire__Shard shards[BARRELS_MAX], *shard_list[BARRELS_MAX];
    Wire__Replica replicas[BARRELS_MAX], *lists[BARRELS_MAX][BARRELS_MAX];
    for (unsigned i = 0; i < fixture->shard_count; i++) {
        wire__shard__init(&shards[i]);
        shards[i].slot_first = i * 64;
        shards[i].slot_last = i * 64 + 63;
        shards[i].replicas = lists[i];
        shard_list[i] = &shards[i];
    }
    for (unsigned i = 0; i < fixture->barrel_count; i++) {
        struct barrel *barrel = &fixture->barrels[i];
        wire__replica__init(&replicas[i]);
        replicas[i].member = barrel->id;
        replicas[i].address = barrel->address;
        replicas[i].state = WIRE__MEMBER_STATE__STATE_READY;
        replicas[i].position = barrel->id;
        replicas[i].rebuilding = barrel->is_rebuilding;
        Wire__Shard *shard = &shards[i % fixture->shard_count];
        shard->replicas[shard->n_replicas++] = &replicas[i];
    }
    wire.version = version;
    wire.shards = shard_list;
    wire.n_shards = fixture->shard_count;
    struct routing *routing = NULL;
    assert_int_equal(routing_from_wire(&wire, &routing, NULL), STATUS_OK);
    pthread_mutex_lock(&fixture->mutex);
    struct routing *old = fixture->routing;
    fixture->routing = routing;
    pthread_mutex_unlock(&fixture->mutex);
    routing_release(old);
}

static struct routing *newest(void *context)
{
    struct fixture *fixture = context;
    pthread_mutex_lock(&fixture->mutex);
    struct routing *routing = routing_share(fixture->routing);
    pthread_mutex_unlock(&fixture->mutex);
    return routing;
}

static struct fixture *fixture_open(unsigned shards, unsigned barrels)
{
    struct fixture *fixture = calloc(1, sizeof(*fixture));
    assert_non_null(fixture);
    pthread_mutex_init(&fixture->mutex, NULL);
    fixture->shard_count = shards;
    fixture->barrel_count = barrels;
    for (unsigned i = 0; i < barrels; i++) {
        struct barrel *barrel = &fixture->barrels[i];
        barrel->id = 10 + i;
        pthread_mutex_init(&barrel->mutex, NULL);
        barrel_listen(barrel, 0);
    }
    publish(fixture, 1);
    assert_int_equal(fanout_open(&key, newest, fixture, &fixture->fanout, NULL), STATUS_OK);
    return fixture;
}

static void fixture_close(struct fixture *fixture)
{
    fanout_close(fixture->fanout);
    for (unsigned i = 0; i < fixture->barrel_count; i++) {
        if (fixture->barrels[i].server != NULL)
            barrel_stop(&fixture->barrels[i]);
        pthread_mutex_destroy(&fixture->barrels[i].mutex);
    }
    routing_release(fixture->routing);
    pthread_mutex_destroy(&fixture->mutex);
    arena_release(&fixture->arena);
    free(fixture);
}

static const Wire__SearchRequest search = WIRE__SEARCH_REQUEST__INIT;

static unsigned ask_with(struct fixture *fixture, const struct fanout_question *more,
                         struct fanout_answer answers[BARRELS_MAX])
{
    struct fanout_question question = *more;
    question.method = WIRE__METHOD__SEARCH;
    question.reply_descriptor = &wire__search_reply__descriptor;
    question.request = &search.base;
    struct routing *routing = newest(fixture);
    unsigned answered = fanout_ask(fixture->fanout, routing, &question, &fixture->arena, answers);
    routing_release(routing);
    return answered;
}

static unsigned ask(struct fixture *fixture, struct fanout_answer answers[BARRELS_MAX])
{
    return ask_with(fixture, &(struct fanout_question){.timeout_ms = 5000}, answers);
}

static uint64_t total_of(const struct fanout_answer *answer)
{
    assert_int_equal(answer->status, STATUS_OK);
    return ((const Wire__SearchReply *)answer->reply)->total;
}

static void every_shard_answers_for_itself(void **state)
{
    (void)state;
    struct fixture *fixture = fixture_open(3, 3);
    struct fanout_answer answers[BARRELS_MAX];
    for (unsigned round = 0; round < 3; round++) {
        assert_int_equal(ask(fixture, answers), 3);
        for (unsigned i = 0; i < 3; i++) {
            assert_int_equal(total_of(&answers[i]), 10 + i);
            assert_int_equal(answers[i].member, 10 + i);
            assert_true(answers[i].us >= 0);
        }
    }
    fixture_close(fixture);
}

static void all_are_asked_before_any_is_awaited(void **state)
{
    (void)state;
    struct fixture *fixture = fixture_open(2, 2);
    for (unsigned i = 0; i < 2; i++) {
        fixture->barrels[i].mode = AWAITS_ITS_SIBLING;
        fixture->barrels[i].sibling = &fixture->barrels[1 - i];
    }
    struct fanout_answer answers[BARRELS_MAX];
    assert_int_equal(ask(fixture, answers), 2);
    fixture_close(fixture);
}

static void another_replica_answers_for_one_that_errs(void **state)
{
    (void)state;
    struct fixture *fixture = fixture_open(1, 2);
    fixture->barrels[0].mode = REFUSES;
    fixture->barrels[0].refusal = STATUS_CORRUPT;
    struct fanout_answer answers[BARRELS_MAX];
    for (unsigned i = 0; i < 4; i++) {
        assert_int_equal(ask(fixture, answers), 1);
        assert_int_equal(total_of(&answers[0]), 11);
    }
    assert_int_equal(fixture->barrels[0].calls, 1); /* once bitten */
    fixture_close(fixture);
}

static void another_replica_answers_for_one_that_is_silent(void **state)
{
    (void)state;
    struct fixture *fixture = fixture_open(1, 2);
    fixture->barrels[0].mode = KEEPS_SILENT;
    struct fanout_answer answers[BARRELS_MAX];
    int64_t start_ms = clock_boot_ms();
    for (unsigned i = 0; i < 4; i++) {
        assert_int_equal(ask(fixture, answers), 1);
        assert_int_equal(total_of(&answers[0]), 11);
    }
    assert_int_equal(fixture->barrels[0].calls, 1);
    assert_true(clock_boot_ms() - start_ms >= 50);
    assert_true(clock_boot_ms() - start_ms < 2000);
    fixture_close(fixture);
}

static void what_every_replica_refuses_is_told(void **state)
{
    (void)state;
    struct fixture *fixture = fixture_open(2, 4);
    for (unsigned i = 0; i < 4; i += 2) { /* both replicas of shard 0 */
        fixture->barrels[i].mode = REFUSES;
        fixture->barrels[i].refusal = STATUS_OVERLOADED;
    }
    struct fanout_answer answers[BARRELS_MAX];
    assert_int_equal(ask(fixture, answers), 1);
    assert_int_equal(answers[0].status, STATUS_OVERLOADED);
    assert_int_equal(answers[1].status, STATUS_OK);
    assert_int_equal(fixture->barrels[0].calls + fixture->barrels[2].calls, 2);
    fixture_close(fixture);
}

static void nobody_waits_longer_than_the_deadline(void **state)
{
    (void)state;
    struct fixture *fixture = fixture_open(2, 2);
    fixture->barrels[1].mode = KEEPS_SILENT;
    struct fanout_answer answers[BARRELS_MAX];
    int64_t start_ms = clock_boot_ms();
    assert_int_equal(ask_with(fixture, &(struct fanout_question){.timeout_ms = 150}, answers), 1);
    assert_int_equal(answers[0].status, STATUS_OK);
    assert_int_equal(answers[1].status, STATUS_TIMEOUT);
    assert_true(clock_boot_ms() - start_ms >= 150);
    assert_true(clock_boot_ms() - start_ms < 2000);
    fixture_close(fixture);
}

/* A search that nobody answers; whoever asked closes its end of the pair meanwhile. */
static void *hang_up_once_asked(void *context)
{
    struct fixture *fixture = context;
    while (fixture->barrels[1].calls == 0)
        sched_yield();
    close(fixture->asker[1]);
    return NULL;
}

static void whoever_hangs_up_is_not_answered(void **state)
{
    (void)state;
    struct fixture *fixture = fixture_open(2, 2);
    struct fanout_answer answers[BARRELS_MAX];
    pthread_t thread;
    assert_int_equal(ask(fixture, answers), 2);
    fixture->barrels[1].calls = 0;
    fixture->barrels[1].mode = KEEPS_SILENT;
    assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM, 0, fixture->asker), 0);
    fanout_set_asker(fixture->fanout, &(struct rpc_watch){.fd = fixture->asker[0]});
    pthread_create(&thread, NULL, hang_up_once_asked, fixture);
    int64_t start_ms = clock_boot_ms();
    assert_true(ask_with(fixture, &(struct fanout_question){.timeout_ms = 60000}, answers) <= 1);
    assert_true(clock_boot_ms() - start_ms < 5000);
    pthread_join(thread, NULL);
    assert_int_equal(answers[1].status, STATUS_CANCELLED);
    struct barrel *silent = &fixture->barrels[1];
    while (!is_told_to_cancel(silent)) /* the frame is on its way */
        sched_yield();

    unsigned calls = fixture->barrels[0].calls; /* what follows for the same asker is not begun */
    assert_int_equal(ask(fixture, answers), 0);
    assert_int_equal(answers[0].status, STATUS_CANCELLED);
    assert_int_equal(fixture->barrels[0].calls, calls);

    fanout_set_asker(fixture->fanout, &(struct rpc_watch){.fd = -1}); /* the next asker */
    silent->mode = ANSWERS;
    release(silent);
    assert_int_equal(ask(fixture, answers), 2);
    close(fixture->asker[0]);
    fixture_close(fixture);
}

static void whoever_hangs_up_does_not_wait_for_a_restart(void **state)
{
    (void)state;
    struct fixture *fixture = fixture_open(2, 2);
    struct fanout_answer answers[BARRELS_MAX];
    barrel_stop(&fixture->barrels[1]);
    assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM, 0, fixture->asker), 0);
    fanout_set_asker(fixture->fanout, &(struct rpc_watch){.fd = fixture->asker[0]});
    close(fixture->asker[1]);
    int64_t start_ms = clock_boot_ms();
    ask(fixture, answers);
    assert_true(clock_boot_ms() - start_ms < 900); /* which that would take */
    assert_int_equal(answers[1].status, STATUS_CANCELLED);
    close(fixture->asker[0]);
    fixture_close(fixture);
}

static void a_dead_shard_is_waited_for_once_and_then_no_more(void **state)
{
    (void)state;
    struct fixture *fixture = fixture_open(2, 2);
    barrel_stop(&fixture->barrels[1]);
    struct fanout_answer answers[BARRELS_MAX];
    int64_t start_ms = clock_boot_ms();
    assert_int_equal(ask(fixture, answers), 1);
    assert_int_equal(answers[0].status, STATUS_OK);
    assert_int_equal(answers[1].status, STATUS_UNAVAILABLE);
    int64_t first_ms = clock_boot_ms() - start_ms;
    assert_true(first_ms >= 900);
    assert_true(first_ms < 5000);
    start_ms = clock_boot_ms();
    for (unsigned i = 0; i < 5; i++)
        assert_int_equal(ask(fixture, answers), 1);
    assert_true(clock_boot_ms() - start_ms < 5 * 900); /* less than five such waits */
    fixture_close(fixture);
}

/* Starts the barrel again after a while, elsewhere, and tells the routing table. */
static void *start_again(void *context)
{
    struct fixture *fixture = context;
    struct timespec pause = {.tv_nsec = 200000000};
    nanosleep(&pause, NULL); /* the outage that is tested */
    fixture->barrels[1].id = 99;
    barrel_listen(&fixture->barrels[1], 0);
    publish(fixture, 2);
    return NULL;
}

static void a_restarted_replica_is_waited_for(void **state)
{
    (void)state;
    struct fixture *fixture = fixture_open(2, 2);
    struct fanout_answer answers[BARRELS_MAX];
    assert_int_equal(ask(fixture, answers), 2);
    barrel_stop(&fixture->barrels[1]);
    pthread_t thread;
    assert_int_equal(pthread_create(&thread, NULL, start_again, fixture), 0);
    assert_int_equal(ask(fixture, answers), 2);
    assert_int_equal(total_of(&answers[1]), 99);
    assert_int_equal(answers[1].member, 99);
    pthread_join(thread, NULL);
    fixture_close(fixture);
}

static void a_shard_that_is_in_no_table_is_not_answered(void **state)
{
    (void)state;
    struct fixture *fixture = fixture_open(2, 1); /* shard 1 has no replica */
    struct fanout_answer answers[BARRELS_MAX];
    assert_int_equal(ask(fixture, answers), 1);
    assert_int_equal(answers[1].status, STATUS_UNAVAILABLE);
    assert_true(answers[1].asked);
    fixture_close(fixture);
}

static void only_the_shards_with_a_request_are_asked(void **state)
{
    (void)state;
    struct fixture *fixture = fixture_open(3, 3);
    const ProtobufCMessage *requests[] = {NULL, &search.base, NULL};
    struct fanout_answer answers[BARRELS_MAX];
    struct fanout_question question = {.timeout_ms = 1000, .requests = requests};
    assert_int_equal(ask_with(fixture, &question, answers), 1);
    assert_false(answers[0].asked);
    assert_true(answers[1].asked);
    assert_int_equal(fixture->barrels[0].calls + fixture->barrels[2].calls, 0);
    assert_int_equal(fixture->barrels[1].calls, 1);
    fixture_close(fixture);
}

static void replicas_are_asked_in_turn_unless_one_is_preferred(void **state)
{
    (void)state;
    struct fixture *fixture = fixture_open(1, 2);
    struct fanout_answer answers[BARRELS_MAX];
    for (unsigned i = 0; i < 6; i++)
        assert_int_equal(ask(fixture, answers), 1);
    assert_int_equal(fixture->barrels[0].calls, 3);
    assert_int_equal(fixture->barrels[1].calls, 3);
    uint64_t prefer[] = {11};
    for (unsigned i = 0; i < 4; i++)
        ask_with(fixture, &(struct fanout_question){.timeout_ms = 1000, .prefer = prefer}, answers);
    assert_int_equal(fixture->barrels[1].calls, 7);
    uint64_t positions[] = {11}; /* only barrel 11 has come so far */
    for (unsigned i = 0; i < 4; i++)
        ask_with(fixture, &(struct fanout_question){.timeout_ms = 1000, .positions = positions},
                 answers);
    assert_int_equal(fixture->barrels[1].calls, 11);
    fixture_close(fixture);
}

/* Two replicas of one shard, the second of which, read further than the first, is filled again. */
static struct fixture *open_rebuilding(void)
{
    struct fixture *fixture = fixture_open(1, 2);
    fixture->barrels[1].is_rebuilding = true;
    publish(fixture, 2);
    return fixture;
}

static void one_that_is_filled_again_is_asked_when_no_whole_one_answers(void **state)
{
    (void)state;
    struct fixture *fixture = open_rebuilding();
    struct fanout_answer answers[BARRELS_MAX];
    uint64_t member[] = {11}, position[] = {11};
    struct fanout_question question = {.timeout_ms = 5000, .prefer = member, .positions = position};
    for (unsigned i = 0; i < 4; i++) {
        assert_int_equal(ask_with(fixture, &question, answers), 1);
        assert_int_equal(total_of(&answers[0]), 10);
        assert_true(answers[0].is_whole);
    }
    assert_int_equal(fixture->barrels[1].calls, 0);
    fixture->barrels[0].mode = REFUSES;
    fixture->barrels[0].refusal = STATUS_OVERLOADED;
    for (unsigned i = 0; i < 4; i++) {
        assert_int_equal(ask_with(fixture, &question, answers), 1);
        assert_int_equal(total_of(&answers[0]), 11);
        assert_false(answers[0].is_whole);
    }
    assert_int_equal(fixture->barrels[0].calls, 8); /* the whole one first, though it failed */
    fixture->barrels[0].mode = ANSWERS;
    ask_with(fixture, &question, answers);
    assert_int_equal(total_of(&answers[0]), 10);
    fixture_close(fixture);
}

static void a_slow_whole_one_is_waited_for_longer_than_for_another_whole_one(void **state)
{
    (void)state;
    struct fixture *fixture = open_rebuilding();
    struct fanout_answer answers[BARRELS_MAX];
    struct fanout_question question = {.timeout_ms = 1000};
    fixture->barrels[0].mode = KEEPS_SILENT;
    int64_t start_ms = clock_boot_ms();
    assert_int_equal(ask_with(fixture, &question, answers), 1);
    assert_int_equal(total_of(&answers[0]), 11);
    assert_true(clock_boot_ms() - start_ms >= 500); /* half of the time allowed */
    start_ms = clock_boot_ms();
    assert_int_equal(ask_with(fixture, &question, answers), 1);
    assert_int_equal(total_of(&answers[0]), 11);
    assert_true(clock_boot_ms() - start_ms < 500); /* it failed a moment ago */
    assert_int_equal(fixture->barrels[0].calls, 2);
    fixture_close(fixture);
}

static void two_silent_whole_ones_do_not_keep_a_third_from_being_asked(void **state)
{
    (void)state;
    for (unsigned is_rebuilding = 0; is_rebuilding < 2; is_rebuilding++) {
        struct fixture *fixture = fixture_open(1, 3);
        fixture->barrels[2].is_rebuilding = is_rebuilding;
        publish(fixture, 2);
        struct fanout_answer answers[BARRELS_MAX];
        struct fanout_question question = {.timeout_ms = 2000};
        for (unsigned i = 0; i < 3; i++)
            fixture->barrels[i].mode = i < 2 || !is_rebuilding ? KEEPS_SILENT : ANSWERS;
        int64_t start_ms = clock_boot_ms();
        assert_int_equal(ask_with(fixture, &question, answers), is_rebuilding);
        if (is_rebuilding) {
            assert_int_equal(total_of(&answers[0]), 12);
            assert_true(clock_boot_ms() - start_ms >= 1000);
        }
        for (unsigned i = 0; i < 3; i++)
            assert_int_equal(fixture->barrels[i].calls, 1);
        fixture_close(fixture);
    }
}

static bool is_part(const void *reply)
{
    return ((const Wire__SearchReply *)reply)->rebuilding;
}

static void one_that_says_it_is_filled_again_is_taken_where_no_whole_one_answers(void **state)
{
    (void)state;
    struct fixture *fixture = fixture_open(1, 2);
    struct fanout_answer answers[BARRELS_MAX];
    uint64_t member[] = {10};
    struct fanout_question question = {.timeout_ms = 600, .prefer = member, .is_part = is_part};
    fixture->barrels[0].says_it_is_a_part = true; /* and the table does not know */
    assert_int_equal(ask_with(fixture, &question, answers), 1);
    assert_int_equal(total_of(&answers[0]), 11);
    assert_true(answers[0].is_whole);

    fixture->barrels[1].says_it_is_a_part = true; /* as well: each is asked once */
    assert_int_equal(ask_with(fixture, &question, answers), 1);
    assert_false(answers[0].is_whole);
    assert_int_equal(fixture->barrels[0].calls, 2);
    assert_int_equal(fixture->barrels[1].calls, 2);

    fixture->barrels[1].mode = KEEPS_SILENT;
    int64_t start_ms = clock_boot_ms();
    assert_int_equal(ask_with(fixture, &question, answers), 1);
    assert_int_equal(total_of(&answers[0]), 10);
    assert_true(clock_boot_ms() - start_ms >= 300); /* half of the time allowed */
    assert_true(clock_boot_ms() - start_ms < 600);

    fixture->barrels[1].mode = REFUSES;
    fixture->barrels[1].refusal = STATUS_OVERLOADED;
    assert_int_equal(ask_with(fixture, &question, answers), 1);
    assert_int_equal(total_of(&answers[0]), 10);
    assert_false(answers[0].is_whole);
    fixture_close(fixture);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_shard_answers_for_itself),
        cmocka_unit_test(all_are_asked_before_any_is_awaited),
        cmocka_unit_test(another_replica_answers_for_one_that_errs),
        cmocka_unit_test(another_replica_answers_for_one_that_is_silent),
        cmocka_unit_test(what_every_replica_refuses_is_told),
        cmocka_unit_test(nobody_waits_longer_than_the_deadline),
        cmocka_unit_test(whoever_hangs_up_is_not_answered),
        cmocka_unit_test(whoever_hangs_up_does_not_wait_for_a_restart),
        cmocka_unit_test(a_dead_shard_is_waited_for_once_and_then_no_more),
        cmocka_unit_test(a_restarted_replica_is_waited_for),
        cmocka_unit_test(a_shard_that_is_in_no_table_is_not_answered),
        cmocka_unit_test(only_the_shards_with_a_request_are_asked),
        cmocka_unit_test(replicas_are_asked_in_turn_unless_one_is_preferred),
        cmocka_unit_test(one_that_is_filled_again_is_asked_when_no_whole_one_answers),
        cmocka_unit_test(a_slow_whole_one_is_waited_for_longer_than_for_another_whole_one),
        cmocka_unit_test(one_that_says_it_is_filled_again_is_taken_where_no_whole_one_answers),
        cmocka_unit_test(two_silent_whole_ones_do_not_keep_a_third_from_being_asked),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
