#include "gateway/http_request.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "gateway/http_response.h"

static struct arena arena;
static struct http_request request;
static struct error err;
static char *target_copy;

static int tear_down(void **state)
{
    (void)state;
    arena_release(&arena);
    free(target_copy);
    target_copy = NULL;
    return 0;
}

/* Reads a GET of the target, which lies in memory of exactly its size. */
static enum status read_target(const char *target)
{
    free(target_copy);
    target_copy = strdup(target);
    const struct http_variables variables = {.request_method = "GET", .request_uri = target_copy};
    return http_request_read(&variables, &arena, &request, &err);
}

static void expect_parameter(const char *target, const char *name, const char *value)
{
    assert_int_equal(read_target(target), STATUS_OK);
    const char *found = http_request_parameter(&request, name);
    if (value == NULL)
        assert_null(found);
    else
        assert_string_equal(found, value);
}

static void a_path_is_decoded(void **state)
{
    (void)state;
    assert_int_equal(read_target("/search"), STATUS_OK);
    assert_string_equal(request.path, "/search");
    assert_int_equal(read_target("/se%61rch%2Fx+y?q=1#f"), STATUS_OK);
    assert_string_equal(request.path, "/search/x+y");
}

static void what_is_no_path_is_refused(void **state)
{
    (void)state;
    static const char *const wrong[] = {
        "", "search", "https://example.org/", "*", "/%", "/%4", "/%zz", "/a%00b", "/%4 1", "?q=1"};
    for (size_t i = 0; i < sizeof(wrong) / sizeof(wrong[0]); i++) {
        assert_int_equal(read_target(wrong[i]), STATUS_INVALID);
        assert_string_equal(request.path, "");
    }
    const struct http_variables none = {0};
    assert_int_equal(http_request_read(&none, &arena, &request, &err), STATUS_INVALID);
    assert_int_equal(request.method, HTTP_OTHER_METHOD);
}

static void a_target_has_a_limit(void **state)
{
    (void)state;
    char *target = malloc(HTTP_TARGET_BYTES_MAX + 2);
    memset(target, 'a', HTTP_TARGET_BYTES_MAX + 1);
    target[0] = '/';
    target[HTTP_TARGET_BYTES_MAX + 1] = '\0';
    assert_int_equal(read_target(target), STATUS_TOO_LARGE);
    target[HTTP_TARGET_BYTES_MAX] = '\0';
    assert_int_equal(read_target(target), STATUS_OK);
    free(target);
}

static void parameters_are_decoded_as_forms_send_them(void **state)
{
    (void)state;
    expect_parameter("/?q=a+b%20c%2Bd", "q", "a b c+d");
    expect_parameter("/?q=%E6%97%A5", "q", "日");
    expect_parameter("/?x&q=1&q=2", "q", "1");
    expect_parameter("/?x&q=1", "x", "");
    expect_parameter("/?&&q==&", "q", "=");
    expect_parameter("/?%71=1", "q", "1");
    expect_parameter("/?qq=1", "q", NULL);
    expect_parameter("/", "q", NULL);
    expect_parameter("/?", "q", NULL);
}

static void a_wrong_parameter_is_read_as_well_as_it_can_be(void **state)
{
    (void)state;
    expect_parameter("/?q=100%", "q", "100%");
    expect_parameter("/?q=%4", "q", "%4");
    expect_parameter("/?q=%zz%41", "q", "%zzA");
    expect_parameter("/?q=a%00b", "q",
                     "a\xEF\xBF\xBD"
                     "b");
    expect_parameter("/?q=%FF", "q", "\xFF");
}

static void parameters_have_a_limit(void **state)
{
    (void)state;
    char target[400] = "/?";
    for (int i = 0; i < HTTP_PARAMETERS_MAX; i++)
        strcat(target, "a=b&");
    assert_int_equal(read_target(target), STATUS_OK);
    assert_int_equal(request.parameter_count, HTTP_PARAMETERS_MAX);
    strcat(target, "c");
    assert_int_equal(read_target(target), STATUS_TOO_LARGE);
}

static void counts_are_numbers_from_one(void **state)
{
    (void)state;
    static const struct {
        const char *target;
        bool is_right;
        unsigned count;
    } cases[] = {
        {"/", true, 7},         {"/?n=", true, 7},     {"/?n=1", true, 1},
        {"/?n=100", true, 100}, {"/?n=101", false, 0}, {"/?n=0", false, 0},
        {"/?n=-1", false, 0},   {"/?n=1x", false, 0},  {"/?n=1.5", false, 0},
        {"/?n=+1", false, 0},   {"/?n=007", true, 7},  {"/?n=99999999999999999999999", false, 0},
    };
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        unsigned count;
        assert_int_equal(read_target(cases[i].target), STATUS_OK);
        assert_int_equal(http_request_count(&request, "n", 7, 100, &count), cases[i].is_right);
        if (cases[i].is_right)
            assert_int_equal(count, cases[i].count);
    }
}

static void methods_are_a_list(void **state)
{
    (void)state;
    static const struct {
        const char *name;
        enum http_method method;
    } cases[] = {{"GET", HTTP_GET},
                 {"HEAD", HTTP_HEAD},
                 {"POST", HTTP_POST},
                 {"DELETE", HTTP_DELETE},
                 {"PUT", HTTP_OTHER_METHOD},
                 {"get", HTTP_OTHER_METHOD},
                 {"OPTIONS", HTTP_OTHER_METHOD},
                 {"", HTTP_OTHER_METHOD}};
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        const struct http_variables variables = {.request_method = cases[i].name,
                                                 .request_uri = "/"};
        assert_int_equal(http_request_read(&variables, &arena, &request, &err), STATUS_OK);
        assert_int_equal(request.method, cases[i].method);
    }
}

static const char *cookie_of(const char *header, const char *name)
{
    const struct http_variables variables = {
        .request_method = "GET", .request_uri = "/", .cookie = header};
    assert_int_equal(http_request_read(&variables, &arena, &request, &err), STATUS_OK);
    return http_request_cookie(&request, name);
}

static void a_cookie_is_found_among_others(void **state)
{
    (void)state;
    assert_string_equal(cookie_of("a=1", "a"), "1");
    assert_string_equal(cookie_of("b=2; a=1", "a"), "1");
    assert_string_equal(cookie_of("b=2;a=1;c=3", "a"), "1");
    assert_string_equal(cookie_of("a=1=2", "a"), "1=2");
    assert_string_equal(cookie_of("a=", "a"), "");
    assert_string_equal(cookie_of("aa=2; a=1; a=3", "a"), "1");
    assert_null(cookie_of("aa=1; b=a=1; A=1", "a"));
    assert_null(cookie_of("", "a"));
    assert_null(cookie_of(NULL, "a"));
    assert_null(cookie_of("a", "a"));
    assert_null(cookie_of(";;; ;", "a"));
}

static const char *bearer_of(const char *header)
{
    const struct http_variables variables = {
        .request_method = "GET", .request_uri = "/", .authorization = header};
    assert_int_equal(http_request_read(&variables, &arena, &request, &err), STATUS_OK);
    return http_request_bearer(&request);
}

static void a_bearer_token_is_found(void **state)
{
    (void)state;
    assert_string_equal(bearer_of("Bearer abc"), "abc");
    assert_string_equal(bearer_of("bearer   abc"), "abc");
    assert_string_equal(bearer_of("Bearer "), "");
    assert_null(bearer_of("Bearer"));
    assert_null(bearer_of("Basic YTpi"));
    assert_null(bearer_of("abc"));
    assert_null(bearer_of(NULL));
}

static bool is_json(const char *content_type)
{
    const struct http_variables variables = {
        .request_method = "POST", .request_uri = "/", .content_type = content_type};
    assert_int_equal(http_request_read(&variables, &arena, &request, &err), STATUS_OK);
    return http_request_is_json(&request);
}

static void only_json_is_json(void **state)
{
    (void)state;
    assert_true(is_json("application/json"));
    assert_true(is_json("Application/JSON; charset=utf-8"));
    assert_false(is_json("application/jsonp"));
    assert_false(is_json("application/json-patch+json"));
    assert_false(is_json("text/plain; application/json"));
    assert_false(is_json("application/x-www-form-urlencoded"));
    assert_false(is_json(""));
    assert_false(is_json(NULL));
}

/* ---- answers ---- */

static void an_answer_is_headers_and_body(void **state)
{
    (void)state;
    struct http_response response = {0};
    struct buffer bytes = {0};
    http_response_reset(&response);
    response.status = 200;
    response.content_type = "text/plain";
    http_response_header(&response, "X-Name", "a\r\nInjected: b\x7f");
    buffer_append_string(&response.body, "body");
    assert_int_equal(read_target("/"), STATUS_OK);
    http_response_write(&response, &request, &bytes);
    assert_string_equal(buffer_string(&bytes), "Status: 200 OK\r\n"
                                               "X-Name: a  Injected: b \r\n"
                                               "Cache-Control: no-store\r\n"
                                               "Content-Type: text/plain\r\n"
                                               "Content-Length: 4\r\n"
                                               "\r\n"
                                               "body");
    buffer_release(&bytes);
    http_response_release(&response);
}

static void a_head_has_the_length_and_no_body(void **state)
{
    (void)state;
    struct http_response response = {.status = 200, .content_type = "text/plain"};
    struct buffer bytes = {0};
    buffer_append_string(&response.body, "body");
    assert_int_equal(read_target("/"), STATUS_OK);
    request.method = HTTP_HEAD;
    http_response_write(&response, &request, &bytes);
    const char *text = buffer_string(&bytes);
    assert_non_null(strstr(text, "Content-Length: 4\r\n"));
    assert_string_equal(strstr(text, "\r\n\r\n"), "\r\n\r\n");
    buffer_release(&bytes);
    http_response_release(&response);
}

static void the_same_bytes_are_not_sent_again(void **state)
{
    (void)state;
    struct http_response response = {.status = 200, .content_type = "text/plain", .has_tag = true};
    struct buffer bytes = {0};
    buffer_append_string(&response.body, "body");
    assert_int_equal(read_target("/"), STATUS_OK);
    http_response_write(&response, &request, &bytes);
    char tag[64];
    assert_int_equal(sscanf(strstr(buffer_string(&bytes), "ETag: "), "ETag: %63s", tag), 1);
    buffer_clear(&bytes);
    buffer_clear(&response.headers);
    response.status = 200;
    char header[80];
    snprintf(header, sizeof(header), "\"other\", W/%s", tag);
    request.if_none_match = header;
    http_response_write(&response, &request, &bytes);
    assert_non_null(strstr(buffer_string(&bytes), "Status: 304 Not Modified\r\n"));
    assert_null(strstr(buffer_string(&bytes), "body"));
    buffer_release(&bytes);
    http_response_release(&response);
}

static void an_answer_that_outgrew_its_limit_is_a_500(void **state)
{
    (void)state;
    struct http_response response = {0};
    struct buffer bytes = {0};
    http_response_reset(&response);
    response.status = 200;
    response.content_type = "text/html";
    for (int i = 0; i < HTTP_RESPONSE_BYTES_MAX / 1024 + 1; i++)
        buffer_append(&response.body, (char[1024]){0}, 1024);
    assert_int_equal(read_target("/"), STATUS_OK);
    http_response_write(&response, &request, &bytes);
    assert_memory_equal(bytes.data, "Status: 500 ", 12);
    assert_true(bytes.size < 1000);
    buffer_release(&bytes);
    http_response_release(&response);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_teardown(a_path_is_decoded, tear_down),
        cmocka_unit_test_teardown(what_is_no_path_is_refused, tear_down),
        cmocka_unit_test_teardown(a_target_has_a_limit, tear_down),
        cmocka_unit_test_teardown(parameters_are_decoded_as_forms_send_them, tear_down),
        cmocka_unit_test_teardown(a_wrong_parameter_is_read_as_well_as_it_can_be, tear_down),
        cmocka_unit_test_teardown(parameters_have_a_limit, tear_down),
        cmocka_unit_test_teardown(counts_are_numbers_from_one, tear_down),
        cmocka_unit_test_teardown(methods_are_a_list, tear_down),
        cmocka_unit_test_teardown(a_cookie_is_found_among_others, tear_down),
        cmocka_unit_test_teardown(a_bearer_token_is_found, tear_down),
        cmocka_unit_test_teardown(only_json_is_json, tear_down),
        cmocka_unit_test_teardown(an_answer_is_headers_and_body, tear_down),
        cmocka_unit_test_teardown(a_head_has_the_length_and_no_body, tear_down),
        cmocka_unit_test_teardown(the_same_bytes_are_not_sent_again, tear_down),
        cmocka_unit_test_teardown(an_answer_that_outgrew_its_limit_is_a_500, tear_down),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
