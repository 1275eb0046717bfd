#include "gateway/http_worker.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/log.h"
#include "gateway/fcgi.h"
#include "gateway/sse.h"
#include "tests/unit/gateway/http_server.h"

static struct server server;
static struct buffer output;

static int prepare(void **state)
{
    (void)state;
    log_set_lowest(LOG_ERROR_LEVEL);
    return fcgi_prepare(NULL) == STATUS_OK ? 0 : -1;
}

static int start(void **state, unsigned threads)
{
    (void)state;
    return server_start(&server, threads) ? 0 : -1;
}

static int start_one(void **state)
{
    return start(state, 1);
}

static int start_four(void **state)
{
    return start(state, 4);
}

static int tear_down(void **state)
{
    (void)state;
    server_stop(&server);
    buffer_release(&output);
    return 0;
}

static int connect_to_server(void)
{
    int fd = client_connect(server.path);
    assert_true(fd >= 0);
    return fd;
}

/* One request on a connection of its own; its status. */
static int get(const char *target)
{
    int fd = connect_to_server();
    assert_true(client_get(fd, false, target));
    assert_true(client_answer(fd, &output));
    assert_true(client_is_closed(fd));
    close(fd);
    return client_status(&output);
}

/* Waits until the fake has seen so many searches. */
static void wait_for_searches(unsigned count)
{
    int64_t deadline_ms = clock_boot_ms() + CLIENT_PATIENCE_MS;
    while (server.gateway.searches < count && clock_boot_ms() < deadline_ms)
        poll(NULL, 0, 1);
    assert_int_equal(server.gateway.searches, count);
}

static void a_request_is_answered_and_the_connection_closed(void **state)
{
    (void)state;
    assert_int_equal(get("/healthz"), 200);
    assert_int_equal(get("/search?q=a"), 200);
    assert_int_equal(get("/nothing"), 404);
    assert_true(server.gateway.is_ready);
}

static void a_kept_connection_carries_many_requests(void **state)
{
    (void)state;
    int fd = connect_to_server();
    for (int i = 0; i < 200; i++) {
        assert_true(client_get(fd, true, "/healthz"));
        assert_true(client_answer(fd, &output));
        assert_int_equal(client_status(&output), 200);
    }
    close(fd);
}

static void idle_kept_connections_starve_nobody(void **state)
{
    (void)state;
    enum { CONNECTIONS = 64 };
    int fds[CONNECTIONS];
    for (int i = 0; i < CONNECTIONS; i++) {
        fds[i] = connect_to_server();
        assert_true(client_get(fds[i], true, "/healthz"));
        assert_true(client_answer(fds[i], &output));
    }
    assert_int_equal(get("/healthz"), 200); /* one thread, 64 connections on it */
    for (int i = 0; i < CONNECTIONS; i++) {
        assert_true(client_get(fds[i], true, "/healthz"));
        assert_true(client_answer(fds[i], &output));
        close(fds[i]);
    }
}

static void silent_connections_hold_no_thread(void **state)
{
    (void)state;
    int fds[16];
    for (int i = 0; i < 16; i++)
        fds[i] = connect_to_server();
    assert_int_equal(get("/healthz"), 200);
    for (int i = 0; i < 16; i++)
        close(fds[i]);
}

static void half_a_request_holds_a_thread_for_a_moment_only(void **state)
{
    (void)state;
    struct buffer half = {0};
    int fd = connect_to_server();
    client_begin(&half, 1, true, "GET", "/healthz");
    half.size /= 2;
    assert_true(client_send(fd, &half));
    int64_t start_ms = clock_boot_ms();
    assert_int_equal(get("/healthz"), 200); /* waits for the only thread */
    assert_true(clock_boot_ms() - start_ms < 2 * FCGI_SILENCE_MS_MAX);
    assert_true(client_is_closed(fd));
    close(fd);
}

static void a_large_answer_comes_through_a_slow_reader(void **state)
{
    (void)state;
    int fd = connect_to_server();
    int small = 4096;
    assert_int_equal(setsockopt(fd, SOL_SOCKET, SO_RCVBUF, &small, sizeof(small)), 0);
    assert_true(client_get(fd, true, "/api/v1/openapi.json"));
    assert_true(client_answer(fd, &output));
    assert_int_equal(client_status(&output), 200);
    assert_true(output.size > 10000);
    close(fd);
}

static void a_search_whose_client_went_away_holds_no_thread(void **state)
{
    (void)state;
    server_hold_searches(&server);
    for (int keeps = 0; keeps < 2; keeps++) {
        int fd = connect_to_server();
        assert_true(client_get(fd, keeps, "/search?q=a"));
        wait_for_searches((unsigned)keeps + 1); /* the only thread is at work */
        close(fd);
        assert_int_equal(get("/healthz"), 200);
    }
    assert_int_equal(server.gateway.errors, 0);
}

static void a_client_that_only_has_nothing_more_to_say_is_answered(void **state)
{
    (void)state;
    server_hold_searches(&server);
    int fd = connect_to_server();
    assert_true(client_get(fd, false, "/search?q=a"));
    wait_for_searches(1);
    assert_int_equal(shutdown(fd, SHUT_WR), 0);
    server_let_go(&server, 1);
    assert_true(client_answer(fd, &output));
    assert_int_equal(client_status(&output), 200);
    close(fd);
}

static void too_many_at_once_are_refused_and_the_others_answered(void **state)
{
    (void)state;
    enum { REQUESTS = 60, QUEUED = 16 };
    int fds[REQUESTS];
    server_hold_searches(&server);
    fds[0] = connect_to_server();
    assert_true(client_get(fds[0], true, "/search?q=a"));
    wait_for_searches(1); /* the only thread is at work */
    for (int i = 1; i < REQUESTS; i++) {
        fds[i] = connect_to_server();
        assert_true(client_get(fds[i], true, "/search?q=a"));
    }
    unsigned refused = 0;
    for (int i = 1 + QUEUED; i < REQUESTS; i++) { /* in the order of their arrival */
        assert_true(client_answer(fds[i], &output));
        assert_int_equal(client_status(&output), 503);
        assert_non_null(strstr(buffer_string(&output), "Retry-After: 1"));
        assert_true(client_is_closed(fds[i]));
        refused++;
    }
    assert_int_equal(refused, REQUESTS - 1 - QUEUED);
    server_let_go(&server, 1 + QUEUED);
    for (int i = 0; i <= QUEUED; i++) {
        assert_true(client_answer(fds[i], &output));
        assert_int_equal(client_status(&output), 200);
    }
    for (int i = 0; i < REQUESTS; i++)
        close(fds[i]);
    assert_int_equal(server.gateway.searches, 1 + QUEUED);
}

static void what_was_given_up_while_waiting_is_not_computed(void **state)
{
    (void)state;
    server_hold_searches(&server);
    int first = connect_to_server();
    assert_true(client_get(first, true, "/search?q=a"));
    wait_for_searches(1);
    for (int i = 0; i < 8; i++) {
        int fd = connect_to_server();
        assert_true(client_get(fd, true, "/search?q=a"));
        close(fd);
    }
    server_let_go(&server, 1);
    assert_true(client_answer(first, &output));
    assert_int_equal(get("/healthz"), 200); /* behind the eight */
    assert_int_equal(server.gateway.searches, 1);
    close(first);
}

static void the_requests_in_hand_are_finished_at_the_end(void **state)
{
    (void)state;
    server_hold_searches(&server);
    int idle = connect_to_server(), busy = connect_to_server();
    assert_true(client_get(idle, true, "/healthz"));
    assert_true(client_answer(idle, &output));
    assert_true(client_get(busy, true, "/search?q=a"));
    wait_for_searches(1);
    eventfd_write(server.stop_fd, 1);
    assert_true(client_is_closed(idle));
    int late = connect_to_server(); /* waits in the backlog for another worker */
    assert_true(client_get(late, true, "/healthz"));
    server_let_go(&server, 1);
    assert_true(client_answer(busy, &output));
    assert_int_equal(client_status(&output), 200);
    assert_true(client_is_closed(busy));
    server_stop(&server);
    assert_int_equal(server.status, STATUS_OK);
    assert_false(server.gateway.is_ready);
    assert_int_equal(server.gateway.requests, 2);
    close(idle);
    close(busy);
    close(late);
}

static void a_request_on_its_way_at_the_end_is_answered(void **state)
{
    (void)state;
    server_hold_searches(&server);
    int busy = connect_to_server(), fresh = connect_to_server();
    assert_true(client_get(busy, true, "/search?q=a"));
    wait_for_searches(1);
    eventfd_write(server.stop_fd, 1);
    assert_true(client_get(fresh, true, "/search?q=a"));
    server_let_go(&server, 2);
    assert_true(client_answer(fresh, &output));
    assert_int_equal(client_status(&output), 200);
    server_stop(&server);
    assert_int_equal(server.status, STATUS_OK);
    close(busy);
    close(fresh);
}

/* ---- live statistics ---- */

/* Receives until the output holds the text. */
static bool receive_until(int fd, const char *text)
{
    int type, request_id;
    while (strstr(buffer_string(&output), text) == NULL)
        if (!client_next(fd, &type, &request_id, &output) || type == FCGI_END_REQUEST)
            return false;
    return true;
}

static int watch(void)
{
    int fd = connect_to_server();
    buffer_clear(&output);
    assert_true(client_get(fd, true, "/api/v1/stats/stream"));
    return fd;
}

static void a_viewer_gets_events_and_holds_no_thread(void **state)
{
    (void)state;
    int fds[8];
    for (int i = 0; i < 8; i++) {
        fds[i] = watch();
        assert_true(receive_until(fds[i], "Content-Type: text/event-stream\r\n"));
        assert_true(receive_until(fds[i], "retry: 1000\n\n"));
        assert_true(receive_until(fds[i], "data: {\"time\":"));
    }
    assert_int_equal(get("/healthz"), 200); /* one thread */
    buffer_clear(&output);
    assert_true(receive_until(fds[0], "data: {\"time\":"));
    assert_true(receive_until(fds[0], "\n\ndata: {")); /* a second one */
    for (int i = 0; i < 8; i++)
        close(fds[i]);
}

static void too_many_viewers_are_refused_and_a_place_becomes_free(void **state)
{
    (void)state;
    int fds[SSE_VIEWERS_MAX];
    for (int i = 0; i < SSE_VIEWERS_MAX; i++) {
        fds[i] = watch();
        assert_true(receive_until(fds[i], "data: "));
    }
    assert_int_equal(get("/api/v1/stats/stream"), 503);
    assert_non_null(strstr(buffer_string(&output), "Retry-After: 5\r\n"));
    assert_non_null(strstr(buffer_string(&output), "application/problem+json"));
    close(fds[0]);
    int64_t deadline_ms = clock_boot_ms() + CLIENT_PATIENCE_MS;
    bool is_in = false;
    while (!is_in && clock_boot_ms() < deadline_ms) {
        fds[0] = watch();
        is_in = receive_until(fds[0], "data: ");
        if (!is_in)
            close(fds[0]);
    }
    assert_true(is_in);
    for (int i = 0; i < SSE_VIEWERS_MAX; i++)
        close(fds[i]);
}

static void a_stream_goes_on_while_the_statistics_are_away(void **state)
{
    (void)state;
    server.gateway.failure = STATUS_UNAVAILABLE;
    int fd = watch();
    assert_true(receive_until(fd, "\n\n: the statistics"));
    server.gateway.failure = STATUS_OK;
    assert_true(receive_until(fd, "data: {"));
    close(fd);
}

static void a_stream_ends_properly_with_the_worker(void **state)
{
    (void)state;
    int fd = watch();
    assert_true(receive_until(fd, "data: {"));
    server_stop(&server);
    assert_int_equal(server.status, STATUS_OK);
    assert_false(receive_until(fd, "no such text"));
    assert_true(client_is_closed(fd));
    close(fd);
}

#define TEST(name, start) cmocka_unit_test_setup_teardown(name, start, tear_down)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(a_request_is_answered_and_the_connection_closed, start_four),
        TEST(a_kept_connection_carries_many_requests, start_four),
        TEST(idle_kept_connections_starve_nobody, start_one),
        TEST(silent_connections_hold_no_thread, start_one),
        TEST(half_a_request_holds_a_thread_for_a_moment_only, start_one),
        TEST(a_large_answer_comes_through_a_slow_reader, start_one),
        TEST(a_search_whose_client_went_away_holds_no_thread, start_one),
        TEST(a_client_that_only_has_nothing_more_to_say_is_answered, start_one),
        TEST(too_many_at_once_are_refused_and_the_others_answered, start_one),
        TEST(what_was_given_up_while_waiting_is_not_computed, start_one),
        TEST(the_requests_in_hand_are_finished_at_the_end, start_four),
        TEST(a_request_on_its_way_at_the_end_is_answered, start_one),
        TEST(a_viewer_gets_events_and_holds_no_thread, start_one),
        TEST(too_many_viewers_are_refused_and_a_place_becomes_free, start_four),
        TEST(a_stream_goes_on_while_the_statistics_are_away, start_one),
        TEST(a_stream_ends_properly_with_the_worker, start_one),
    };
    return cmocka_run_group_tests(tests, prepare, NULL);
}
