/* A server that runs calls on the thread of its loop, with more calls than it can bear. */

#include <netinet/in.h>
#include <poll.h>
#include <pthread.h>
#include <stdatomic.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#include "base/clock.h"
#include "rpc/client.h"
#include "rpc/server.h"
#include "tests/unit/unit.h"
#include "wire.pb-c.h"

/* BLOCK is answered when the gate is opened; the others at once. */
enum { ECHO = 1, BLOCK = 2, HURRIED = 3 };
enum { LONG_MS = 20000, SHORT_MS = 30, QUEUE_MAX = 4, CALLS_MAX = 16 };

static const struct cluster_key key = {{1, 2, 3}};

struct fixture {
    struct rpc_server *server;
    struct rpc_client *client; /* its calls are read in the order in which they are sent */
    struct arena arena;
    struct rpc_exchange calls[CALLS_MAX];
    unsigned call_count;

    pthread_mutex_t lock;
    pthread_cond_t changed;
    unsigned blocked;     /* how often the handler stood before the gate */
    unsigned opened;      /* how often the gate was opened */
    uint16_t handled[32]; /* methods, in the order in which they were begun */
    unsigned handled_count;
};

static void handle(void *context, struct rpc_call *call)
{
    struct fixture *fixture = context;
    pthread_mutex_lock(&fixture->lock);
    fixture->handled[fixture->handled_count++] = rpc_call_method(call);
    if (rpc_call_method(call) == BLOCK) {
        unsigned mine = ++fixture->blocked;
        pthread_cond_broadcast(&fixture->changed);
        while (fixture->opened < mine)
            pthread_cond_wait(&fixture->changed, &fixture->lock);
    }
    pthread_mutex_unlock(&fixture->lock);
    Wire__Empty reply = WIRE__EMPTY__INIT;
    rpc_call_reply(call, &reply.base);
}

static bool goes_first(uint16_t method)
{
    return method == HURRIED;
}

static struct rpc_client *dial(struct fixture *fixture)
{
    struct rpc_client *client;
    assert_int_equal(rpc_client_open(rpc_server_address(fixture->server), &key, &client, NULL),
                     STATUS_OK);
    return client;
}

static struct rpc_exchange *begin_from(struct fixture *fixture, struct rpc_client *client,
                                       uint16_t method, uint32_t timeout_ms)
{
    Wire__Empty request = WIRE__EMPTY__INIT;
    struct rpc_exchange *exchange = &fixture->calls[fixture->call_count++];
    rpc_start(client, method, &request.base, &wire__empty__descriptor, &fixture->arena, timeout_ms,
              exchange);
    return exchange;
}

static struct rpc_exchange *begin(struct fixture *fixture, uint16_t method, uint32_t timeout_ms)
{
    return begin_from(fixture, fixture->client, method, timeout_ms);
}

static enum status end(struct rpc_exchange *exchange)
{
    while (!exchange->done)
        rpc_wait(&exchange, 1, LONG_MS);
    return exchange->status;
}

/* Until the handler stands before the gate for the nth time. */
static void await_block(struct fixture *fixture, unsigned nth)
{
    pthread_mutex_lock(&fixture->lock);
    while (fixture->blocked < nth)
        pthread_cond_wait(&fixture->changed, &fixture->lock);
    pthread_mutex_unlock(&fixture->lock);
}

static void open_gate(struct fixture *fixture)
{
    pthread_mutex_lock(&fixture->lock);
    fixture->opened++;
    pthread_cond_broadcast(&fixture->changed);
    pthread_mutex_unlock(&fixture->lock);
}

static void start(struct fixture *fixture)
{
    struct error err;
    *fixture =
        (struct fixture){.lock = PTHREAD_MUTEX_INITIALIZER, .changed = PTHREAD_COND_INITIALIZER};
    struct rpc_server_options options = {.host = "127.0.0.1",
                                         .key = &key,
                                         .handler = handle,
                                         .context = fixture,
                                         .queue_max = QUEUE_MAX,
                                         .goes_first = goes_first};
    if (rpc_server_open(&options, &fixture->server, &err) != STATUS_OK)
        fail_msg("%s", err.text);
    fixture->client = dial(fixture);
    assert_int_equal(end(begin(fixture, ECHO, LONG_MS)), STATUS_OK); /* it is connected */
    fixture->handled_count = 0;
}

static void stop(struct fixture *fixture)
{
    rpc_client_close(fixture->client);
    rpc_server_close(fixture->server, 1000);
    arena_release(&fixture->arena);
}

/* Holds the loop up, and lets calls gather meanwhile. */
static struct rpc_exchange *hold_up(struct fixture *fixture)
{
    struct rpc_exchange *first = begin(fixture, BLOCK, LONG_MS);
    await_block(fixture, 1);
    return first;
}

static void wait_until_past(int64_t deadline_ms)
{
    while (clock_boot_ms() <= deadline_ms)
        usleep(1000); /* a clock can only be waited for */
}

static void what_was_cancelled_meanwhile_is_never_begun(void **state)
{
    (void)state;
    struct fixture fixture;
    start(&fixture);
    struct rpc_exchange *first = hold_up(&fixture);
    struct rpc_exchange *given_up = begin(&fixture, ECHO, LONG_MS);
    struct rpc_exchange *late = begin(&fixture, ECHO, SHORT_MS);
    rpc_cancel(given_up);
    assert_int_equal(end(late), STATUS_TIMEOUT); /* and its client says so */
    struct rpc_exchange *last = begin(&fixture, HURRIED, LONG_MS);
    open_gate(&fixture);
    assert_int_equal(end(first), STATUS_OK);
    assert_int_equal(end(last), STATUS_OK);
    stop(&fixture);
    assert_int_equal(fixture.handled_count, 2);
    assert_int_equal(fixture.handled[1], HURRIED);
}

static void the_calls_of_a_client_that_has_gone_are_never_begun(void **state)
{
    (void)state;
    struct fixture fixture;
    start(&fixture);
    struct rpc_client *other = dial(&fixture);
    assert_int_equal(end(begin_from(&fixture, other, ECHO, LONG_MS)), STATUS_OK);
    fixture.handled_count = 0;
    struct rpc_exchange *first = hold_up(&fixture);
    begin_from(&fixture, other, ECHO, LONG_MS);
    rpc_client_close(other);
    open_gate(&fixture);
    assert_int_equal(end(first), STATUS_OK);
    stop(&fixture);
    assert_int_equal(fixture.handled_count, 1);
}

static void what_waited_beyond_its_time_is_never_begun(void **state)
{
    (void)state;
    struct fixture fixture;
    start(&fixture);
    struct rpc_exchange *first = hold_up(&fixture);
    struct rpc_exchange *second = begin(&fixture, BLOCK, LONG_MS);
    struct rpc_exchange *late = begin(&fixture, ECHO, SHORT_MS);
    open_gate(&fixture);
    await_block(&fixture, 2); /* `late` has been read, and waits for its turn */
    wait_until_past(clock_boot_ms() + SHORT_MS);
    open_gate(&fixture);
    assert_int_equal(end(first), STATUS_OK);
    assert_int_equal(end(second), STATUS_OK);
    assert_int_not_equal(end(late), STATUS_OK);
    stop(&fixture);
    assert_int_equal(fixture.handled_count, 2);
}

static void a_cancellation_is_heard_between_two_calls(void **state)
{
    (void)state;
    struct fixture fixture;
    start(&fixture);
    struct rpc_exchange *first = hold_up(&fixture);
    struct rpc_exchange *second = begin(&fixture, BLOCK, LONG_MS);
    struct rpc_exchange *third = begin(&fixture, ECHO, LONG_MS);
    open_gate(&fixture);
    await_block(&fixture, 2);
    rpc_cancel(third);
    wait_until_past(clock_boot_ms() + 1);
    open_gate(&fixture);
    assert_int_equal(end(first), STATUS_OK);
    assert_int_equal(end(second), STATUS_OK);
    stop(&fixture);
    assert_int_equal(fixture.handled_count, 2);
}

static void the_newest_of_too_many_calls_are_refused(void **state)
{
    (void)state;
    struct fixture fixture;
    struct rpc_exchange *calls[QUEUE_MAX + 2];
    start(&fixture);
    struct rpc_exchange *first = hold_up(&fixture);
    for (unsigned i = 0; i < QUEUE_MAX + 2; i++)
        calls[i] = begin(&fixture, ECHO, LONG_MS);
    open_gate(&fixture);
    assert_int_equal(end(first), STATUS_OK);
    for (unsigned i = 0; i < QUEUE_MAX + 2; i++)
        assert_int_equal(end(calls[i]), i < QUEUE_MAX ? STATUS_OK : STATUS_OVERLOADED);
    stop(&fixture);
    assert_int_equal(fixture.handled_count, 1 + QUEUE_MAX);
}

static void stale_calls_make_room_for_new_ones(void **state)
{
    (void)state;
    struct fixture fixture;
    start(&fixture);
    struct rpc_exchange *first = hold_up(&fixture);
    struct rpc_exchange *second = begin(&fixture, BLOCK, LONG_MS);
    for (unsigned i = 1; i < QUEUE_MAX; i++)
        begin(&fixture, ECHO, SHORT_MS);
    open_gate(&fixture);
    await_block(&fixture, 2);
    wait_until_past(clock_boot_ms() + SHORT_MS);
    struct rpc_exchange *calls[QUEUE_MAX];
    for (unsigned i = 0; i < QUEUE_MAX; i++)
        calls[i] = begin(&fixture, ECHO, LONG_MS);
    open_gate(&fixture);
    assert_int_equal(end(first), STATUS_OK);
    assert_int_equal(end(second), STATUS_OK);
    for (unsigned i = 0; i < QUEUE_MAX; i++)
        assert_int_equal(end(calls[i]), STATUS_OK);
    stop(&fixture);
    assert_int_equal(fixture.handled_count, 2 + QUEUE_MAX);
}

static void what_goes_first_overtakes_the_rest_and_is_refused_later(void **state)
{
    (void)state;
    struct fixture fixture;
    struct rpc_exchange *calls[QUEUE_MAX];
    start(&fixture);
    struct rpc_exchange *first = hold_up(&fixture);
    for (unsigned i = 0; i < QUEUE_MAX; i++)
        calls[i] = begin(&fixture, ECHO, LONG_MS);
    struct rpc_exchange *hurried = begin(&fixture, HURRIED, LONG_MS);
    open_gate(&fixture);
    assert_int_equal(end(first), STATUS_OK);
    assert_int_equal(end(hurried), STATUS_OK);
    for (unsigned i = 0; i < QUEUE_MAX; i++)
        assert_int_equal(end(calls[i]), STATUS_OK);
    stop(&fixture);
    assert_int_equal(fixture.handled_count, 2 + QUEUE_MAX);
    assert_int_equal(fixture.handled[1], HURRIED);
}

static int64_t cpu_ms(void)
{
    struct timespec used;
    clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &used);
    return used.tv_sec * 1000 + used.tv_nsec / 1000000;
}

static void without_descriptors_the_loop_rests_and_accepts_later(void **state)
{
    (void)state;
    struct fixture fixture;
    start(&fixture);
    int lowest = dup(STDERR_FILENO);
    close(lowest);
    struct rlimit before, small;
    assert_int_equal(getrlimit(RLIMIT_NOFILE, &before), 0);
    small = before;
    small.rlim_cur = (rlim_t)lowest + 1; /* the other end of the next connection finds none */
    assert_int_equal(setrlimit(RLIMIT_NOFILE, &small), 0);
    struct sockaddr_in address = {.sin_family = AF_INET,
                                  .sin_addr.s_addr = htonl(INADDR_LOOPBACK),
                                  .sin_port = htons(rpc_server_port(fixture.server))};
    struct pollfd polled = {.fd = socket(AF_INET, SOCK_STREAM, 0), .events = POLLIN};
    assert_int_equal(connect(polled.fd, (struct sockaddr *)&address, sizeof(address)), 0);
    int64_t used_ms = cpu_ms();
    assert_int_equal(poll(&polled, 1, 400), 0); /* no challenge comes */
    used_ms = cpu_ms() - used_ms;
    assert_int_equal(setrlimit(RLIMIT_NOFILE, &before), 0);
    assert_int_equal(poll(&polled, 1, LONG_MS), 1);
    assert_true(used_ms < 100);
    close(polled.fd);
    assert_int_equal(end(begin(&fixture, ECHO, LONG_MS)), STATUS_OK);
    stop(&fixture);
}

/* Most likely after the server has begun to close; where not, the test asks for less. */
static void *open_gate_of(void *fixture)
{
    wait_until_past(clock_boot_ms() + SHORT_MS);
    open_gate(fixture);
    return NULL;
}

static void calls_that_wait_when_the_server_closes_are_told(void **state)
{
    (void)state;
    struct fixture fixture;
    start(&fixture);
    struct rpc_client *other = dial(&fixture);
    assert_int_equal(end(begin_from(&fixture, other, ECHO, LONG_MS)), STATUS_OK);
    fixture.handled_count = 0;
    hold_up(&fixture);
    begin(&fixture, BLOCK, LONG_MS);
    struct rpc_exchange *waiting = begin_from(&fixture, other, ECHO, LONG_MS);
    open_gate(&fixture);
    await_block(&fixture, 2);
    pthread_t closer;
    pthread_create(&closer, NULL, open_gate_of, &fixture);
    rpc_server_close(fixture.server, 0);
    pthread_join(closer, NULL);
    enum status status = end(waiting);
    assert_true(status == STATUS_OK || status == STATUS_UNAVAILABLE);
    rpc_client_close(fixture.client);
    rpc_client_close(other);
    arena_release(&fixture.arena);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_was_cancelled_meanwhile_is_never_begun),
        cmocka_unit_test(the_calls_of_a_client_that_has_gone_are_never_begun),
        cmocka_unit_test(what_waited_beyond_its_time_is_never_begun),
        cmocka_unit_test(a_cancellation_is_heard_between_two_calls),
        cmocka_unit_test(the_newest_of_too_many_calls_are_refused),
        cmocka_unit_test(stale_calls_make_room_for_new_ones),
        cmocka_unit_test(what_goes_first_overtakes_the_rest_and_is_refused_later),
        cmocka_unit_test(without_descriptors_the_loop_rests_and_accepts_later),
        cmocka_unit_test(calls_that_wait_when_the_server_closes_are_told),
    };
    return cmocka_run_group_tests_name("overload", tests, NULL, NULL);
}
