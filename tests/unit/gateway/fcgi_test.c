#include "gateway/fcgi.h"

#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "tests/unit/gateway/fcgi_client.h"

static int ours, theirs; /* two ends of a connection */
static struct buffer out, body, output;

static int prepare(void **state)
{
    (void)state;
    return fcgi_prepare(NULL) == STATUS_OK ? 0 : -1;
}

static int set_up(void **state)
{
    (void)state;
    int pair[2];
    if (socketpair(AF_UNIX, SOCK_STREAM, 0, pair) != 0)
        return -1;
    ours = pair[0];
    theirs = pair[1];
    return fcgi_set_up_connection(ours, NULL) == STATUS_OK ? 0 : -1;
}

static int tear_down(void **state)
{
    (void)state;
    close(ours);
    close(theirs);
    buffer_release(&out);
    buffer_release(&body);
    buffer_release(&output);
    return 0;
}

static void post(int request_id, const char *text)
{
    client_begin(&out, request_id, true, "POST", "/a");
    if (text[0] != '\0')
        client_record(&out, FCGI_STDIN, request_id, text, strlen(text));
    client_record(&out, FCGI_STDIN, request_id, NULL, 0);
    assert_true(client_send(theirs, &out));
}

/* Answers with the text, as the worker does. */
static void answer(const struct fcgi *fcgi, const char *text)
{
    struct buffer records = {0};
    fcgi_append_output(&records, fcgi->request.requestId, text, strlen(text));
    fcgi_append_end(&records, fcgi->request.requestId);
    assert_true(fcgi_send(fcgi->fd, &records));
    buffer_release(&records);
}

static void a_request_arrives_with_its_variables_and_body(void **state)
{
    (void)state;
    struct fcgi fcgi;
    post(1, "the body");
    assert_int_equal(fcgi_receive(&fcgi, ours), STATUS_OK);
    assert_string_equal(fcgi_variable(&fcgi, "REQUEST_URI"), "/a");
    assert_string_equal(fcgi_variable(&fcgi, "CONTENT_LENGTH"), "-1");
    assert_null(fcgi_variable(&fcgi, "HTTP_COOKIE"));
    assert_int_equal(fcgi_read_body(&fcgi, 100, &body, NULL), STATUS_OK);
    assert_string_equal(buffer_string(&body), "the body");
    assert_true(fcgi_finish(&fcgi));
}

static void a_connection_carries_one_request_after_another(void **state)
{
    (void)state;
    for (int i = 1; i <= 5; i++) {
        struct fcgi fcgi;
        post(i * 1000, i % 2 == 0 ? "with a body" : "");
        assert_int_equal(fcgi_receive(&fcgi, ours), STATUS_OK);
        fcgi_skip_body(&fcgi);
        answer(&fcgi, "answer");
        assert_true(fcgi_finish(&fcgi));
        assert_true(client_answer(theirs, &output));
        assert_string_equal(buffer_string(&output), "answer");
    }
}

static void a_peer_that_wants_no_second_request_gets_none(void **state)
{
    (void)state;
    struct fcgi fcgi;
    assert_true(client_get(theirs, false, "/"));
    assert_int_equal(fcgi_receive(&fcgi, ours), STATUS_OK);
    fcgi_skip_body(&fcgi);
    assert_false(fcgi_finish(&fcgi));
}

static void a_body_of_many_records_is_whole(void **state)
{
    (void)state;
    enum { RECORDS = 300, RECORD_BYTES = 251 };
    struct fcgi fcgi;
    char text[RECORD_BYTES];
    client_begin(&out, 1, true, "POST", "/a");
    for (int i = 0; i < RECORDS; i++) {
        memset(text, 'a' + i % 26, sizeof(text));
        client_record(&out, FCGI_STDIN, 1, text, sizeof(text));
    }
    client_record(&out, FCGI_STDIN, 1, NULL, 0);
    assert_true(client_send(theirs, &out));
    assert_int_equal(fcgi_receive(&fcgi, ours), STATUS_OK);
    assert_int_equal(fcgi_read_body(&fcgi, 1024 * 1024, &body, NULL), STATUS_OK);
    assert_int_equal(body.size, RECORDS * RECORD_BYTES);
    for (size_t i = 0; i < body.size; i++)
        assert_int_equal(body.data[i], 'a' + i / RECORD_BYTES % 26);
    assert_true(fcgi_finish(&fcgi));
}

static void a_body_over_the_limit_is_too_large_and_can_be_skipped(void **state)
{
    (void)state;
    struct fcgi fcgi;
    char text[5000];
    memset(text, 'x', sizeof(text));
    text[sizeof(text) - 1] = '\0';
    post(1, text);
    assert_int_equal(fcgi_receive(&fcgi, ours), STATUS_OK);
    assert_int_equal(fcgi_read_body(&fcgi, 100, &body, NULL), STATUS_TOO_LARGE);
    fcgi_skip_body(&fcgi);
    assert_true(fcgi_finish(&fcgi));
}

static void a_body_that_breaks_off_is_not_taken_for_whole(void **state)
{
    (void)state;
    struct fcgi fcgi;
    client_begin(&out, 1, true, "POST", "/a");
    client_record(&out, FCGI_STDIN, 1, "half", 4);
    assert_true(client_send(theirs, &out));
    shutdown(theirs, SHUT_WR);
    assert_int_equal(fcgi_receive(&fcgi, ours), STATUS_OK);
    assert_int_equal(fcgi_read_body(&fcgi, 100, &body, NULL), STATUS_TIMEOUT);
    assert_false(fcgi_finish(&fcgi));
}

static void a_peer_that_pauses_for_too_long_is_given_up(void **state)
{
    (void)state;
    struct fcgi fcgi;
    client_begin(&out, 1, true, "GET", "/");
    out.size -= 20; /* in the middle of the variables */
    assert_true(client_send(theirs, &out));
    int64_t start_ms = clock_boot_ms();
    assert_int_equal(fcgi_receive(&fcgi, ours), STATUS_END);
    assert_true(clock_boot_ms() - start_ms < 2 * FCGI_SILENCE_MS_MAX);
    ours = dup(theirs); /* libfcgi has closed it: something else for the tear-down */
}

static void what_is_no_fastcgi_ends_the_connection(void **state)
{
    static const char *const wrong[] = {
        "GET / HTTP/1.1\r\nHost: localhost\r\n\r\n",
        "\x01\x63garbage garbage",
        "\x02\x01\x00\x01\x00\x08\x00\x00\x00\x01\x00\x00\x00\x00\x00\x00",
    };
    for (size_t i = 0; i < sizeof(wrong) / sizeof(wrong[0]); i++) {
        struct fcgi fcgi;
        assert_int_equal(send(theirs, wrong[i], 16, MSG_NOSIGNAL), 16);
        shutdown(theirs, SHUT_WR);
        assert_int_equal(fcgi_receive(&fcgi, ours), STATUS_END);
        close(theirs);
        assert_int_equal(set_up(state), 0);
    }
}

static void *receive_answer(void *ignored)
{
    (void)ignored;
    return client_answer(theirs, &output) ? &output : NULL;
}

static void a_long_answer_arrives_whole(void **state)
{
    (void)state;
    static const size_t sizes[] = {0, 1, 7, 8, 65527, 65528, 65529, 3000000};
    for (size_t i = 0; i < sizeof(sizes) / sizeof(sizes[0]); i++) {
        pthread_t reader;
        void *result;
        char *text = calloc(1, sizes[i] + 1);
        for (size_t j = 0; j < sizes[i]; j++)
            text[j] = (char)('!' + j % 90);
        struct buffer records = {0};
        fcgi_append_output(&records, 515, text, sizes[i]);
        fcgi_append_end(&records, 515);
        assert_int_equal(records.size % 8, 0);
        assert_int_equal(pthread_create(&reader, NULL, receive_answer, NULL), 0);
        assert_true(fcgi_send(ours, &records));
        pthread_join(reader, &result);
        assert_non_null(result);
        assert_int_equal(output.size, sizes[i]);
        assert_memory_equal(output.data, text, sizes[i]);
        buffer_release(&records);
        free(text);
    }
}

static void sending_to_a_peer_that_has_gone_fails(void **state)
{
    (void)state;
    struct buffer records = {0};
    fcgi_append_output(&records, 1, "text", 4);
    assert_false(fcgi_is_abandoned(ours));
    close(theirs);
    assert_true(fcgi_is_abandoned(ours));
    assert_false(fcgi_send(ours, &records));
    theirs = dup(ours);
    buffer_release(&records);
}

static void a_peer_that_is_done_sending_still_gets_its_answer(void **state)
{
    (void)state;
    struct fcgi fcgi;
    assert_true(client_get(theirs, false, "/"));
    shutdown(theirs, SHUT_WR);
    assert_false(fcgi_is_abandoned(ours));
    assert_int_equal(fcgi_receive(&fcgi, ours), STATUS_OK);
    fcgi_skip_body(&fcgi);
    answer(&fcgi, "answer");
    assert_true(client_answer(theirs, &output));
    (void)fcgi_finish(&fcgi);
}

static void a_refused_request_gets_a_503(void **state)
{
    (void)state;
    client_begin(&out, 258, true, "POST", "/");
    char text[20000];
    memset(text, 'x', sizeof(text));
    client_record(&out, FCGI_STDIN, 258, text, sizeof(text));
    client_record(&out, FCGI_STDIN, 258, NULL, 0);
    assert_true(client_send(theirs, &out));
    fcgi_refuse(ours);
    close(ours);
    assert_true(client_answer(theirs, &output));
    assert_int_equal(client_status(&output), 503);
    assert_non_null(strstr(buffer_string(&output), "\r\nRetry-After: 1\r\n"));
    ours = dup(theirs);
}

static void refusing_what_is_no_request_sends_nothing(void **state)
{
    (void)state;
    fcgi_refuse(ours); /* nothing there: does not wait */
    assert_int_equal(send(theirs, "garbage", 7, 0), 7);
    fcgi_refuse(ours);
    char byte;
    assert_int_equal(recv(theirs, &byte, 1, MSG_DONTWAIT), -1);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(a_request_arrives_with_its_variables_and_body),
        TEST(a_connection_carries_one_request_after_another),
        TEST(a_peer_that_wants_no_second_request_gets_none),
        TEST(a_body_of_many_records_is_whole),
        TEST(a_body_over_the_limit_is_too_large_and_can_be_skipped),
        TEST(a_body_that_breaks_off_is_not_taken_for_whole),
        TEST(a_peer_that_pauses_for_too_long_is_given_up),
        TEST(what_is_no_fastcgi_ends_the_connection),
        TEST(a_long_answer_arrives_whole),
        TEST(sending_to_a_peer_that_has_gone_fails),
        TEST(a_peer_that_is_done_sending_still_gets_its_answer),
        TEST(a_refused_request_gets_a_503),
        TEST(refusing_what_is_no_request_sends_nothing),
    };
    return cmocka_run_group_tests(tests, prepare, NULL);
}
