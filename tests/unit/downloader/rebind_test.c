/*
 * Names that lead to this machine: at once, in disguise, at the second question, beside an address
 * that is public. Whoever listens on loopback here counts each connection: there must be none.
 */
#include <errno.h>
#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "base/clock.h"
#include "downloader/fetch.h"
#include "fake_dns.h"

enum { PORT = 80, CONNECT_MS = 3000, HASTY_MS = 300, TIMEOUT_MS = 10000, VICTIMS = 2 };

static struct dns_name names[] = {
    {"loopback.test", {"127.0.0.1"}, {0}},
    {"loopback-far.test", {"127.77.3.2"}, {0}},
    {"loopback6.test", {"::1"}, {0}},
    {"mapped.test", {"::ffff:127.0.0.1"}, {0}},
    {"compatible.test", {"::127.0.0.1"}, {0}},
    {"nat64.test", {"64:ff9b::7f00:1"}, {0}},
    {"six-to-four.test", {"2002:7f00:1::"}, {0}},
    {"zero.test", {"0.0.0.0"}, {0}},
    {"zero6.test", {"::"}, {0}},
    {"metadata.test", {"169.254.169.254"}, {0}},
    {"home.test", {"192.168.1.1"}, {0}},
    {"chain.test", {"chain2.test"}, {0}},
    {"chain2.test", {"chain3.test"}, {0}},
    {"chain3.test", {"127.0.0.1"}, {0}},
    {"public.test", {NETWORK_PUBLIC}, {0}},
    {"flip.test", {NETWORK_PUBLIC, "then", "127.0.0.1"}, {0}},
    {"flip6.test", {NETWORK_PUBLIC_V6, "then", "::1"}, {0}},
    {"flip-chain.test", {NETWORK_PUBLIC, "then", "chain.test"}, {0}},
    {"bad-first.test", {"127.0.0.1", NETWORK_PUBLIC}, {0}},
    {"good-first.test", {NETWORK_PUBLIC, "127.0.0.1"}, {0}},
    {"eyeballs.test", {"::1", NETWORK_PUBLIC}, {0}},
    {"eyeballs4.test", {"127.0.0.1", NETWORK_PUBLIC_V6}, {0}},
    {"silent.test", {"silence"}, {0}},
    {NULL, {NULL}, {0}},
};

static int victims[VICTIMS]; /* listen on loopback and are never to hear of anyone */
static const struct fetch_limits limits = {
    .connect_ms = CONNECT_MS, .slow_bytes_second = 1, .slow_s = 10};
static struct fetch_places places = {.free = 1};
static struct addresses addresses;
static struct guard public_only;

/* Answers one request on each connection, and closes it without having said that it would. */
static void *serve_public(void *context)
{
    static const char answer[] = "HTTP/1.1 200 OK\r\nContent-Type: text/html\r\n"
                                 "Content-Length: 6\r\n\r\npublic";
    int listener = *(int *)context;
    for (;;) {
        char request[4096];
        int fd = accept(listener, NULL, NULL);
        if (fd >= 0 && recv(fd, request, sizeof(request), 0) > 0)
            send(fd, answer, sizeof(answer) - 1, MSG_NOSIGNAL);
        close(fd);
    }
    return NULL;
}

static int entered; /* errno where there is no network of one's own; 0: we are in it */

static int start(void **state)
{
    static int listeners[2];
    (void)state;
    entered = network_enter() ? 0 : errno;
    if (entered != 0)
        return 0;
    const char *const own[VICTIMS] = {"127.0.0.1", "::1"};
    const char *const others[2] = {NETWORK_PUBLIC, NETWORK_PUBLIC_V6};
    for (int i = 0; i < VICTIMS; i++) {
        pthread_t thread;
        victims[i] = network_bind(own[i], PORT, SOCK_STREAM);
        fcntl(victims[i], F_SETFL, O_NONBLOCK);
        listeners[i] = network_bind(others[i], PORT, SOCK_STREAM);
        CHECK(pthread_create(&thread, NULL, serve_public, &listeners[i]) == 0);
        pthread_detach(thread);
    }
    dns_start(names);
    curl_global_init(CURL_GLOBAL_DEFAULT);
    guard_init_public(&public_only);
    return 0;
}

/* Only who may not make one is let off: anything else is a fault of the test. */
static void need_network(void)
{
    if (entered == 0)
        return;
    if (geteuid() == 0 && entered != EPERM)
        fail_msg("no network of one's own can be made: %s", strerror(entered));
    print_message("skipped: only root, with CAP_SYS_ADMIN, can make a network of its own (%s)\n",
                  strerror(entered));
    skip();
}

/* How many connections the victims have had since the last question. */
static unsigned connections(void)
{
    unsigned count = 0;
    for (int i = 0; i < VICTIMS; i++) {
        for (int fd; (fd = accept(victims[i], NULL, NULL)) >= 0; count++)
            close(fd);
    }
    return count;
}

static struct fetch_answer *run(struct fetch *fetch, CURLM *multi, const char *url,
                                const struct guard *guard, const struct fetch_limits *bounds)
{
    const struct fetch_request request = {.url = url,
                                          .user_agent = "tierce-test",
                                          .guard = guard,
                                          .limits = bounds,
                                          .places = &places,
                                          .addresses = &addresses,
                                          .body_max = 1024,
                                          .timeout_ms = TIMEOUT_MS};
    assert_int_equal(fetch_start(fetch, multi, &request, NULL), STATUS_OK);
    for (;;) {
        int running, left;
        curl_multi_perform(multi, &running);
        CURLMsg *message = curl_multi_info_read(multi, &left);
        if (message != NULL)
            return fetch_finish(fetch, multi, message->data.result);
        curl_multi_poll(multi, NULL, 0, 1000, NULL);
    }
}

/* By a multi handle of its own: nothing is remembered of earlier answers. */
static struct fetch_answer *get(const char *name, const struct guard *guard)
{
    static struct fetch *fetch;
    char url[128];
    snprintf(url, sizeof(url), "http://%s/", name);
    fetch_free(fetch);
    assert_int_equal(fetch_new(&fetch, NULL), STATUS_OK);
    CURLM *multi = curl_multi_init();
    struct fetch_answer *answer = run(fetch, multi, url, guard, &limits);
    curl_multi_cleanup(multi);
    return answer;
}

static void assert_refused(const char *name)
{
    struct fetch_answer *answer = get(name, &public_only);
    if (answer->trouble != LOG__REASON__REASON_ADDRESS_REFUSED)
        fail_msg("%s: reason %d, %s", name, answer->trouble, answer->why.text);
    assert_int_equal(connections(), 0);
}

static void assert_public(const char *name)
{
    struct fetch_answer *answer = get(name, &public_only);
    if (answer->trouble != LOG__REASON__REASON_UNKNOWN)
        fail_msg("%s: %s", name, answer->why.text);
    assert_string_equal(buffer_string(&answer->body), "public");
    assert_false(answer->private_address);
    assert_int_equal(connections(), 0);
}

static void who_is_allowed_is_heard_by_those_who_count(void **state)
{
    (void)state;
    need_network();
    char v4[] = "127.0.0.0/8", v6[] = "::1/128", *networks[] = {v4, v6};
    struct guard guard;
    struct fetch_limits hasty = limits;
    struct fetch *fetch;
    hasty.slow_s = 1; /* nobody answers */
    assert_int_equal(guard_init(&guard, true, "loopback.test", NULL, networks, 2, NULL), STATUS_OK);
    static const char *const urls[] = {"http://loopback.test/", "http://loopback6.test/",
                                       "http://mapped.test/"};
    for (size_t i = 0; i < ARRAY_COUNT(urls); i++) {
        CURLM *multi = curl_multi_init();
        assert_int_equal(fetch_new(&fetch, NULL), STATUS_OK);
        struct fetch_answer *answer = run(fetch, multi, urls[i], &guard, &hasty);
        if (answer->trouble != LOG__REASON__REASON_TIMEOUT)
            fail_msg("%s: reason %d, %s", urls[i], answer->trouble, answer->why.text);
        fetch_free(fetch);
        curl_multi_cleanup(multi);
        assert_int_equal(connections(), 1);
    }
}

static void a_name_that_leads_here_in_any_disguise_is_refused(void **state)
{
    (void)state;
    need_network();
    static const char *const hidden[] = {
        "loopback.test",   "loopback-far.test", "loopback6.test",   "mapped.test",
        "compatible.test", "nat64.test",        "six-to-four.test", "zero.test",
        "zero6.test",      "metadata.test",     "home.test",        "chain.test",
    };
    for (size_t i = 0; i < ARRAY_COUNT(hidden); i++)
        assert_refused(hidden[i]);
}

static void a_name_that_leads_here_at_the_second_question_is_refused_then(void **state)
{
    (void)state;
    need_network();
    static const char *const turning[] = {"flip.test", "flip6.test", "flip-chain.test"};
    for (size_t i = 0; i < ARRAY_COUNT(turning); i++) {
        assert_public(turning[i]);
        for (int again = 0; again < 3; again++)
            assert_refused(turning[i]);
    }
}

static void of_two_addresses_only_the_public_one_is_tried(void **state)
{
    (void)state;
    need_network();
    static const char *const both[] = {"bad-first.test", "good-first.test", "eyeballs.test",
                                       "eyeballs4.test"};
    for (size_t i = 0; i < ARRAY_COUNT(both); i++) {
        for (int again = 0; again < 3; again++)
            assert_public(both[i]);
    }
}

/* libcurl tries again by itself where a connection that was kept turns out to be closed. */
static void a_request_that_is_tried_again_is_checked_again(void **state)
{
    (void)state;
    need_network();
    struct fetch *fetch;
    CURLM *multi = curl_multi_init();
    assert_int_equal(fetch_new(&fetch, NULL), STATUS_OK);
    for (int i = 0; i < 4; i++) {
        struct fetch_answer *answer =
            run(fetch, multi, "http://public.test/", &public_only, &limits);
        assert_int_equal(answer->trouble, LOG__REASON__REASON_UNKNOWN);
    }
    struct guard nobody = {.only_loopback = true};
    struct fetch_answer *answer = run(fetch, multi, "http://public.test/", &nobody, &limits);
    assert_int_equal(answer->trouble, LOG__REASON__REASON_ADDRESS_REFUSED);
    fetch_free(fetch);
    curl_multi_cleanup(multi);
}

static void a_name_server_that_is_silent_is_given_up_in_time(void **state)
{
    (void)state;
    need_network();
    struct fetch *fetch;
    struct fetch_limits hasty = limits;
    CURLM *multi = curl_multi_init();
    hasty.connect_ms = HASTY_MS;
    assert_int_equal(fetch_new(&fetch, NULL), STATUS_OK);
    int64_t began_ms = clock_boot_ms();
    struct fetch_answer *answer = run(fetch, multi, "http://silent.test/", &public_only, &hasty);
    assert_int_equal(answer->trouble, LOG__REASON__REASON_CONNECT);
    assert_true(clock_boot_ms() - began_ms < CONNECT_MS);
    fetch_free(fetch);
    curl_multi_cleanup(multi);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(who_is_allowed_is_heard_by_those_who_count),
        cmocka_unit_test(a_name_that_leads_here_in_any_disguise_is_refused),
        cmocka_unit_test(a_name_that_leads_here_at_the_second_question_is_refused_then),
        cmocka_unit_test(of_two_addresses_only_the_public_one_is_tried),
        cmocka_unit_test(a_request_that_is_tried_again_is_checked_again),
        cmocka_unit_test(a_name_server_that_is_silent_is_given_up_in_time),
    };
    return cmocka_run_group_tests(tests, start, NULL);
}
