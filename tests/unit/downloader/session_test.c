#include "downloader/session.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/check.h"
#include "base/log.h"
#include "downloader/credentials.h"

enum { NOW_S = 1700000000, NOW_MS = 1000000 };

static char source[] = "https://wiki.example.org/start", user[] = "Aladdin",
            password[] = "open sesame", token[] = "t0ken",
            login[] = "https://wiki.example.org/login?next=/";

static struct session *session_of(Wire__Credentials *credentials)
{
    struct session *session;
    struct error err = {0};
    if (session_new(credentials, &session, &err) != STATUS_OK)
        fail_msg("%s", err.text);
    return session;
}

static void init(Wire__Credentials *credentials)
{
    wire__credentials__init(credentials);
    credentials->source = source;
}

static bool sends(const struct fetch_request *request, const char *line)
{
    for (size_t i = 0; i < request->header_count; i++) {
        if (strcmp(request->headers[i], line) == 0)
            return true;
    }
    return false;
}

static void only_the_own_origin_is_covered(void **state)
{
    (void)state;
    Wire__Credentials credentials;
    init(&credentials);
    struct session *session = session_of(&credentials);
    assert_true(session_covers(session, "https://wiki.example.org/"));
    assert_true(session_covers(session, "https://wiki.example.org/other?x"));
    static const char *const others[] = {
        "http://wiki.example.org/",       "https://wiki.example.org:8443/",
        "https://wiki.example.org.evil/", "https://example.org/",
        "https://wiki.example.orgx/",     "https://www.wiki.example.org/",
    };
    for (size_t i = 0; i < ARRAY_COUNT(others); i++)
        assert_false(session_covers(session, others[i]));
    session_free(session);
}

static void a_password_and_a_token_become_headers(void **state)
{
    (void)state;
    Wire__Credentials credentials;
    struct fetch_request request = {.url = "https://wiki.example.org/a"};
    init(&credentials);
    credentials.user = user;
    credentials.password = password;
    struct session *session = session_of(&credentials);
    session_fill(session, &request, NOW_S);
    assert_true(request.with_credentials);
    assert_true(sends(&request, "Authorization: Basic QWxhZGRpbjpvcGVuIHNlc2FtZQ=="));
    session_free(session);
    init(&credentials);
    credentials.bearer = token;
    session = session_of(&credentials);
    session_fill(session, &request, NOW_S);
    assert_true(sends(&request, "Authorization: Bearer t0ken"));
    session_free(session);
}

static void headers_that_are_ours_or_none_are_not_sent(void **state)
{
    (void)state;
    Wire__Credentials credentials;
    struct fetch_request request = {.url = "https://wiki.example.org/a"};
    static char good[] = "X-Key: a\tb", host[] = "Host: elsewhere", none[] = "nothing",
                empty[] = "X-Empty: ", split[] = "X-Split: a\r\nX-Other: b", name[] = "X Y: z",
                length[] = "content-length: 5";
    char *lines[] = {host, none, empty, split, name, length, good};
    init(&credentials);
    credentials.headers = lines;
    credentials.n_headers = ARRAY_COUNT(lines);
    struct session *session = session_of(&credentials);
    session_fill(session, &request, NOW_S);
    assert_int_equal(request.header_count, 1);
    assert_true(sends(&request, good));
    session_free(session);
}

static struct session *session_with_form(void)
{
    Wire__Credentials credentials;
    static char first[] = "user name=Aladdin", second[] = "password=a&b=ü";
    char *fields[] = {first, second};
    init(&credentials);
    credentials.user = user;
    credentials.password = password;
    credentials.login_url = login;
    credentials.login_fields = fields;
    credentials.n_login_fields = ARRAY_COUNT(fields);
    return session_of(&credentials);
}

/* An answer with these headers. */
static struct fetch_answer answer_of(uint32_t status, const char *headers)
{
    struct fetch_answer answer = {.status = status};
    buffer_append_string(&answer.headers, "HTTP/1.1 200 OK\r\n");
    buffer_append_string(&answer.headers, headers);
    return answer;
}

/* Sends the form and has it answered. */
static void log_in(struct session *session, uint32_t status, const char *headers,
                   const char *target, int64_t now_ms)
{
    struct fetch_request request = {.url = source};
    struct fetch_answer answer = answer_of(status, headers);
    session_begin_login(session, &request, NOW_S);
    session_take_cookies(session, request.url, &answer, NOW_S);
    session_end_login(session, &answer, target, now_ms);
    buffer_release(&answer.headers);
}

static void the_form_is_sent_first_and_its_cookies_go_along(void **state)
{
    (void)state;
    struct session *session = session_with_form();
    struct fetch_request request = {.url = source};
    assert_int_equal(session_state(session, NOW_MS), SESSION_LOG_IN);
    session_begin_login(session, &request, NOW_S);
    assert_string_equal(request.url, login);
    static const char form[] = "user+name=Aladdin&password=a%26b%3D%C3%BC";
    assert_int_equal(request.form_size, strlen(form));
    assert_memory_equal(request.form, form, strlen(form));
    assert_true(sends(&request, "Origin: https://wiki.example.org"));
    assert_int_equal(session_state(session, NOW_MS), SESSION_WAIT);
    session_drop_login(session);
    log_in(session, 303, "Set-Cookie: s=1; path=/\r\nset-cookie: t=2; path=/\r\n", source, NOW_MS);
    assert_int_equal(session_state(session, NOW_MS), SESSION_READY);
    request = (struct fetch_request){.url = "https://wiki.example.org/page"};
    session_fill(session, &request, NOW_S);
    assert_string_equal(request.cookie, "s=1; t=2");
    assert_null(request.form);
    assert_int_equal(request.header_count, 0); /* the password is the form's */
    session_free(session);
}

static void a_form_that_the_site_does_not_take_is_not_sent_again_for_a_while(void **state)
{
    (void)state;
    static const char cookie[] = "Set-Cookie: s=1; path=/\r\n";
    static const struct {
        uint32_t status;
        const char *headers, *target;
    } refusals[] = {
        {403, cookie, NULL},
        {500, cookie, NULL},
        {302, cookie, "https://wiki.example.org/login?x"},
        {200, "", NULL},
    };
    for (size_t i = 0; i < ARRAY_COUNT(refusals); i++) {
        struct session *session = session_with_form();
        log_in(session, refusals[i].status, refusals[i].headers, refusals[i].target, NOW_MS);
        assert_int_equal(session_state(session, NOW_MS + 1), SESSION_FAILED);
        assert_non_null(strstr(session_trouble(session), "log-in at https://wiki.example.org/"));
        assert_null(strstr(session_trouble(session), "open sesame"));
        assert_in_range(session_retry_s(session, NOW_MS), 1, SESSION_FAILED_S);
        assert_int_equal(session_state(session, NOW_MS + SESSION_FAILED_S * 1000), SESSION_LOG_IN);
        session_free(session);
    }
}

static void a_session_that_ends_is_renewed_but_not_every_moment(void **state)
{
    (void)state;
    static const char *const asks = "https://wiki.example.org/login?from=/page";
    struct session *session = session_with_form();
    log_in(session, 200, "Set-Cookie: s=1; path=/\r\n", NULL, NOW_MS);
    assert_int_equal(session_judge(session, 200, NULL, NOW_MS + 1), SESSION_FINE);
    assert_int_equal(session_judge(session, 302, source, NOW_MS + 1), SESSION_FINE);
    assert_int_equal(session_judge(session, 403, NULL, NOW_MS + 1), SESSION_FINE);
    int64_t later_ms = NOW_MS + SESSION_AGAIN_MS;
    assert_int_equal(session_judge(session, 302, asks, later_ms), SESSION_AGAIN);
    assert_int_equal(session_state(session, later_ms), SESSION_LOG_IN);
    log_in(session, 200, "", NULL, later_ms);
    assert_int_equal(session_judge(session, 401, NULL, later_ms + 1), SESSION_REFUSED);
    assert_int_equal(session_state(session, later_ms + 2), SESSION_FAILED);
    session_free(session);
}

static void a_log_in_elsewhere_is_no_session(void **state)
{
    (void)state;
    Wire__Credentials credentials;
    static char elsewhere[] = "https://accounts.example.org/login",
                plain[] = "http://wiki.example.org/login";
    char *urls[] = {elsewhere, plain};
    for (size_t i = 0; i < ARRAY_COUNT(urls); i++) {
        struct session *session;
        struct error err;
        init(&credentials);
        credentials.login_url = urls[i];
        assert_int_equal(session_new(&credentials, &session, &err), STATUS_INVALID);
        assert_non_null(strstr(err.text, "only https://wiki.example.org may"));
    }
}

static void newer_credentials_replace_the_old_and_the_same_stay_logged_in(void **state)
{
    (void)state;
    struct credentials *all = credentials_new();
    for (int round = 0; round < 3; round++) {
        Wire__DownloaderSettings settings = WIRE__DOWNLOADER_SETTINGS__INIT;
        Wire__Credentials one;
        Wire__Credentials *list[] = {&one};
        char secret[] = "s=1", url[] = "https://wiki.example.org/login";
        init(&one);
        one.login_url = url;
        one.cookie = secret;
        secret[2] = round < 2 ? '1' : '2';
        settings.credentials = list;
        settings.n_credentials = 1;
        assert_null(credentials_find(all, "https://other.example.org/"));
        credentials_take(all, &settings);
        assert_memory_equal(secret, "\0\0\0", 3); /* wiped */
        struct session *session = credentials_find(all, source);
        assert_non_null(session);
        assert_int_equal(session_state(session, NOW_MS),
                         round == 1 ? SESSION_READY : SESSION_LOG_IN);
        log_in(session, 200, "", NULL, NOW_MS);
    }
    credentials_take(all, NULL);
    assert_null(credentials_find(all, source));
    credentials_free(all);
}

static int be_quiet(void **state)
{
    (void)state;
    log_open("test", LOG_ERROR_LEVEL);
    return 0;
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(only_the_own_origin_is_covered),
        cmocka_unit_test(a_password_and_a_token_become_headers),
        cmocka_unit_test(headers_that_are_ours_or_none_are_not_sent),
        cmocka_unit_test(the_form_is_sent_first_and_its_cookies_go_along),
        cmocka_unit_test(a_form_that_the_site_does_not_take_is_not_sent_again_for_a_while),
        cmocka_unit_test(a_session_that_ends_is_renewed_but_not_every_moment),
        cmocka_unit_test(a_log_in_elsewhere_is_no_session),
        cmocka_unit_test(newer_credentials_replace_the_old_and_the_same_stay_logged_in),
    };
    return cmocka_run_group_tests(tests, be_quiet, NULL);
}
