#include "gateway/routes.h"

#include <jansson.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/log.h"
#include "tests/unit/gateway/http_fake.h"

static struct gateway gateway;
static struct service *service;
static struct arena arena;
static struct http_response response;
static struct http_request request;

/* The request's body, handed out once. */
struct body {
    const char *text;
    unsigned reads;
    enum status failure;
};
static struct body body;

static enum status read_body(void *source, size_t limit, struct buffer *ret_bytes,
                             struct error *err)
{
    struct body *from = source;
    from->reads++;
    if (from->failure != STATUS_OK)
        return error_set(err, from->failure, "the body does not come");
    if (strlen(from->text) > limit)
        return error_set(err, STATUS_TOO_LARGE, "the body is too large");
    buffer_append_string(ret_bytes, from->text);
    return STATUS_OK;
}

static int set_up(void **state)
{
    (void)state;
    memset(&gateway, 0, sizeof(gateway));
    body = (struct body){.text = ""};
    return fake_service_open(&gateway, &service, NULL) == STATUS_OK ? 0 : -1;
}

static int tear_down(void **state)
{
    (void)state;
    fake_service_close(service);
    http_response_release(&response);
    arena_release(&arena);
    return 0;
}

static void send_request(const struct http_variables *variables)
{
    const struct http_thread thread = {&FAKE_BACKEND, &gateway, service};
    arena_reset(&arena);
    http_response_reset(&response);
    http_answer(&thread, variables, read_body, &body, &arena, &request, &response);
    assert_true(response.status >= 200 && response.status <= 599);
    assert_non_null(response.content_type);
}

static void get(const char *target)
{
    send_request(&(struct http_variables){
        .request_method = "GET", .request_uri = target, .host = "localhost:8443"});
}

static void get_as_admin(const char *target)
{
    send_request(&(struct http_variables){.request_method = "GET",
                                          .request_uri = target,
                                          .host = "localhost:8443",
                                          .authorization = "Bearer " FAKE_TOKEN});
}

static void change_as_admin(const char *method, const char *target, const char *text)
{
    body = (struct body){.text = text};
    send_request(&(struct http_variables){.request_method = method,
                                          .request_uri = target,
                                          .host = "localhost:8443",
                                          .content_type = "application/json",
                                          .authorization = "Bearer " FAKE_TOKEN});
}

static const char *text(void)
{
    return buffer_string(&response.body);
}

/* A header's value; NULL where there is none. */
static const char *header(const char *name)
{
    static char value[512];
    const char *at = strstr(buffer_string(&response.headers), name);
    if (at == NULL || at[strlen(name)] != ':')
        return NULL;
    snprintf(value, sizeof(value), "%.*s", (int)strcspn(at + strlen(name) + 2, "\r"),
             at + strlen(name) + 2);
    return value;
}

/* The body as JSON, with a member of it compared. */
static void expect_text_member(const char *name, const char *value)
{
    json_t *object = json_loads(text(), 0, NULL);
    assert_non_null(object);
    assert_string_equal(json_string_value(json_object_get(object, name)), value);
    json_decref(object);
}

static void expect_number_member(const char *name, int value)
{
    json_t *object = json_loads(text(), 0, NULL);
    assert_non_null(object);
    assert_int_equal(json_integer_value(json_object_get(object, name)), value);
    json_decref(object);
}

static void expect_problem(unsigned status)
{
    assert_int_equal(response.status, status);
    assert_string_equal(response.content_type, "application/problem+json");
    expect_number_member("status", (int)status);
    expect_text_member("title", http_reason(status));
    expect_text_member("type", "about:blank");
}

/* ---- who may ---- */

/* What a visitor shows. */
struct visitor {
    const char *name;
    const char *authorization, *cookie, *origin, *host, *content_type;
    bool is_admin;   /* for reading */
    unsigned change; /* the status of a change; 0: it is made */
};

static const struct visitor VISITORS[] = {
    {"nobody", NULL, NULL, NULL, "localhost:8443", "application/json", false, 401},
    {"a wrong token", "Bearer " FAKE_COOKIE, NULL, NULL, "localhost:8443", "application/json",
     false, 401},
    {"half a token", "Bearer aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa", NULL, NULL, "localhost:8443",
     "application/json", false, 401},
    {"an empty token", "Bearer ", NULL, NULL, "localhost:8443", "application/json", false, 401},
    {"the token by Basic", "Basic " FAKE_TOKEN, NULL, NULL, "localhost:8443", "application/json",
     false, 401},
    {"the token as a cookie", NULL, "__Host-tierce=" FAKE_TOKEN, "https://localhost:8443",
     "localhost:8443", "application/json", false, 401},
    {"a wrong cookie", NULL, "__Host-tierce=x", "https://localhost:8443", "localhost:8443",
     "application/json", false, 401},
    {"the cookie under another name", NULL, "tierce=" FAKE_COOKIE, "https://localhost:8443",
     "localhost:8443", "application/json", false, 401},
    {"the token", "Bearer " FAKE_TOKEN, NULL, NULL, "localhost:8443", "application/json", true, 0},
    {"the token from our page", "Bearer " FAKE_TOKEN, NULL, "https://localhost:8443",
     "localhost:8443", "application/json", true, 0},
    {"the token from another page", "Bearer " FAKE_TOKEN, NULL, "https://evil.example",
     "localhost:8443", "application/json", true, 403},
    {"the token for another host", "Bearer " FAKE_TOKEN, NULL, NULL, "evil.example",
     "application/json", true, 403},
    {"the token for no host", "Bearer " FAKE_TOKEN, NULL, NULL, NULL, "application/json", true,
     403},
    {"the token with a form", "Bearer " FAKE_TOKEN, NULL, NULL, "localhost:8443",
     "application/x-www-form-urlencoded", true, 415},
    {"the token with no type", "Bearer " FAKE_TOKEN, NULL, NULL, "localhost:8443", NULL, true, 415},
    {"the cookie from our page", NULL, "__Host-tierce=" FAKE_COOKIE, "https://localhost:8443",
     "localhost:8443", "application/json", true, 0},
    {"the cookie under our other name", NULL, "a=b; __Host-tierce=" FAKE_COOKIE,
     "https://SEARCH.example", "search.example", "application/json", true, 0},
    {"the cookie from nowhere", NULL, "__Host-tierce=" FAKE_COOKIE, NULL, "localhost:8443",
     "application/json", true, 403},
    {"the cookie from another page", NULL, "__Host-tierce=" FAKE_COOKIE, "https://evil.example",
     "localhost:8443", "application/json", true, 403},
    {"the cookie from a hidden page", NULL, "__Host-tierce=" FAKE_COOKIE, "null", "localhost:8443",
     "application/json", true, 403},
    {"the cookie from another port", NULL, "__Host-tierce=" FAKE_COOKIE, "https://localhost:9999",
     "localhost:8443", "application/json", true, 403},
    {"the cookie from a longer name", NULL, "__Host-tierce=" FAKE_COOKIE,
     "https://localhost:8443.evil.example", "localhost:8443", "application/json", true, 403},
    {"the cookie with a form", NULL, "__Host-tierce=" FAKE_COOKIE, "https://localhost:8443",
     "localhost:8443", "text/plain", true, 415},
    {"the cookie for another host", NULL, "__Host-tierce=" FAKE_COOKIE, "https://localhost:8443",
     "evil.example", "application/json", true, 403},
};

static const char *valid_body(const char *path, enum http_method method)
{
    if (strcmp(path, "/api/v1/urls") == 0)
        return method == HTTP_POST ? "{\"urls\":[\"https://a/\"]}" : "{\"url\":\"https://a/\"}";
    if (strcmp(path, "/api/v1/test-url") == 0)
        return "{\"url\":\"https://a/\"}";
    return "{\"action\":\"pause\"}";
}

static const char *method_name(enum http_method method)
{
    return method == HTTP_GET      ? "GET"
           : method == HTTP_HEAD   ? "HEAD"
           : method == HTTP_POST   ? "POST"
           : method == HTTP_DELETE ? "DELETE"
                                   : "PUT";
}

static void visit(const struct visitor *visitor, const struct route *route, enum http_method method)
{
    char target[200];
    snprintf(target, sizeof(target), "%s?q=a&url=https://a/", route->path);
    body = (struct body){.text = valid_body(route->path, method)};
    send_request(&(struct http_variables){
        .request_method = method_name(method),
        .request_uri = target,
        .host = visitor->host,
        .origin = visitor->origin,
        .authorization = visitor->authorization,
        .cookie = visitor->cookie,
        .content_type = visitor->content_type,
    });
}

static unsigned expected_status(const struct visitor *visitor, const struct route *route,
                                enum http_method method)
{
    bool changes = method == HTTP_POST || method == HTTP_DELETE;
    bool is_open = route->access == ROUTE_PUBLIC ||
                   (route->access == ROUTE_SEARCHING && !gateway.searching_is_for_admins);
    if (changes && visitor->change != 0)
        return visitor->change;
    if (!changes && !is_open && !visitor->is_admin)
        return 401;
    return strcmp(route->path, "/api/v1/urls") == 0 && method == HTTP_POST ? 202 : 200;
}

static void try_every_route(void)
{
    static const enum http_method methods[] = {HTTP_GET, HTTP_HEAD, HTTP_POST, HTTP_DELETE};
    for (const struct route *route = http_routes; route->path != NULL; route++)
        for (size_t i = 0; i < ARRAY_COUNT(VISITORS) * ARRAY_COUNT(methods); i++) {
            const struct visitor *visitor = &VISITORS[i / ARRAY_COUNT(methods)];
            enum http_method method = methods[i % ARRAY_COUNT(methods)];
            if ((route->methods & (method == HTTP_HEAD ? HTTP_GET : method)) == 0)
                continue;
            visit(visitor, route, method);
            if (response.status != expected_status(visitor, route, method))
                fail_msg("%s %s with %s: %u", method_name(method), route->path, visitor->name,
                         response.status);
        }
}

static void every_route_asks_who_may(void **state)
{
    (void)state;
    try_every_route();
}

static void searching_can_be_kept_to_the_admin(void **state)
{
    (void)state;
    gateway.searching_is_for_admins = true;
    try_every_route();
}

static void the_body_of_a_stranger_is_not_read(void **state)
{
    (void)state;
    for (const struct route *route = http_routes; route->path != NULL; route++)
        for (size_t i = 0; i < ARRAY_COUNT(VISITORS); i++) {
            if (VISITORS[i].change == 0 || (route->methods & HTTP_POST) == 0)
                continue;
            visit(&VISITORS[i], route, HTTP_POST);
            assert_int_equal(body.reads, 0);
        }
}

static void whoever_is_not_let_in_is_told_how(void **state)
{
    (void)state;
    get("/api/v1/stats");
    expect_problem(401);
    assert_string_equal(header("WWW-Authenticate"), "Bearer");
    get("/admin");
    assert_int_equal(response.status, 401);
    assert_string_equal(header("WWW-Authenticate"), "Bearer");
    assert_non_null(strstr(text(), "tierce login"));
}

static void admins_see_private_pages_and_others_do_not(void **state)
{
    (void)state;
    static const char *const targets[] = {"/search?q=a", "/api/v1/search?q=a",
                                          "/backlinks?url=https://a/",
                                          "/api/v1/backlinks?url=https://a/"};
    for (size_t i = 0; i < ARRAY_COUNT(targets); i++) {
        gateway.is_admin = true;
        get(targets[i]);
        assert_false(gateway.is_admin);
        get_as_admin(targets[i]);
        assert_true(gateway.is_admin);
    }
}

static void other_methods_are_told_which_are_allowed(void **state)
{
    (void)state;
    static const struct {
        const char *path, *method, *allowed;
    } cases[] = {
        {"/", "POST", "GET, HEAD"},
        {"/search", "PUT", "GET, HEAD"},
        {"/api/v1/urls", "GET", "POST, DELETE"},
        {"/api/v1/urls", "OPTIONS", "POST, DELETE"},
        {"/api/v1/crawl", "HEAD", "POST"},
        {"/healthz", "TRACE", "GET, HEAD"},
    };
    for (size_t i = 0; i < ARRAY_COUNT(cases); i++) {
        send_request(&(struct http_variables){.request_method = cases[i].method,
                                              .request_uri = cases[i].path,
                                              .host = "localhost:8443"});
        assert_int_equal(response.status, 405);
        assert_string_equal(header("Allow"), cases[i].allowed);
    }
}

/* ---- limits and failures ---- */

static void too_many_requests_are_told_to_wait(void **state)
{
    (void)state;
    for (const struct route *route = http_routes; route->path != NULL; route++) {
        gateway.retry_after_s = 0;
        unsigned before = gateway.limited_calls;
        visit(&VISITORS[0], route, (route->methods & HTTP_GET) != 0 ? HTTP_GET : HTTP_POST);
        assert_int_equal(gateway.limited_calls - before, route->limited > 0);
        gateway.retry_after_s = 17;
        visit(&VISITORS[0], route, (route->methods & HTTP_GET) != 0 ? HTTP_GET : HTTP_POST);
        assert_int_equal(response.status == 429, route->limited > 0);
        if (route->limited > 0)
            assert_string_equal(header("Retry-After"), "17");
    }
    get("/api/v1/search?q=a");
    expect_problem(429);
    get("/healthz");
    assert_int_equal(response.status, 200);
}

static void every_failure_of_the_service_is_answered(void **state)
{
    (void)state;
    static const struct {
        enum status status;
        unsigned http_status;
        bool retries;
    } cases[] = {
        {STATUS_INVALID, 400, false},    {STATUS_NOT_FOUND, 404, false},
        {STATUS_DENIED, 403, false},     {STATUS_CONFLICT, 409, false},
        {STATUS_TOO_LARGE, 413, false},  {STATUS_NO_SPACE, 507, false},
        {STATUS_TIMEOUT, 504, true},     {STATUS_OVERLOADED, 503, true},
        {STATUS_UNAVAILABLE, 503, true}, {STATUS_CORRUPT, 500, false},
        {STATUS_IO, 500, false},         {STATUS_NO_MEMORY, 500, false},
    };
    static const char *const targets[] = {"/api/v1/search?q=a", "/api/v1/backlinks?url=x",
                                          "/api/v1/why?url=x", "/api/v1/stats",
                                          "/api/v1/explain?q=a&url=x"};
    for (size_t i = 0; i < ARRAY_COUNT(cases) * ARRAY_COUNT(targets); i++) {
        gateway.failure = cases[i % ARRAY_COUNT(cases)].status;
        unsigned errors = gateway.errors;
        get_as_admin(targets[i / ARRAY_COUNT(cases)]);
        expect_problem(cases[i % ARRAY_COUNT(cases)].http_status);
        assert_int_equal(header("Retry-After") != NULL, cases[i % ARRAY_COUNT(cases)].retries);
        assert_int_equal(gateway.errors - errors, response.status >= 500);
    }
    change_as_admin("POST", "/api/v1/urls", "{\"urls\":[\"a\"]}");
    expect_problem(500);
    change_as_admin("DELETE", "/api/v1/urls", "{\"site\":\"a\"}");
    expect_problem(500);
    change_as_admin("POST", "/api/v1/crawl", "{\"action\":\"pause\"}");
    expect_problem(500);
    get("/search?q=a");
    assert_int_equal(response.status, 500);
    assert_string_equal(response.content_type, "text/html; charset=utf-8");
}

static void what_is_not_there_is_404(void **state)
{
    (void)state;
    static const char *const targets[] = {"/nothing",        "/admin/",   "/search/",      "//",
                                          "/api/v1/nothing", "/suggests", "/../etc/passwd"};
    for (size_t i = 0; i < ARRAY_COUNT(targets); i++) {
        get(targets[i]);
        assert_int_equal(response.status, 404);
    }
    get("/api/v2/search");
    expect_problem(404);
}

static void a_target_that_cannot_be_read_is_answered(void **state)
{
    (void)state;
    char target[9000];
    memset(target, 'a', sizeof(target));
    target[0] = '/';
    target[sizeof(target) - 1] = '\0';
    get(target);
    assert_int_equal(response.status, 414);
    get("/%");
    assert_int_equal(response.status, 400);
    send_request(&(struct http_variables){0});
    assert_int_equal(response.status, 400);
}

/* ---- searching ---- */

static void a_search_hands_on_what_was_asked(void **state)
{
    (void)state;
    get("/api/v1/search?q=a+%22b+c%22&page=3&size=20");
    assert_int_equal(response.status, 200);
    assert_string_equal(gateway.query, "a \"b c\"");
    assert_int_equal(gateway.page, 3);
    assert_int_equal(gateway.size, 20);
    assert_string_equal(header("X-Robots-Tag"), "noindex");
    expect_text_member("query", "a \"b c\"");
    expect_text_member("total_relation", "gte");
    get("/search?q=a&page=2");
    assert_int_equal(gateway.page, 2);
    assert_int_equal(gateway.size, 10);
    assert_string_equal(header("X-Robots-Tag"), "noindex");
    get("/backlinks?url=https://a/&page=2");
    assert_int_equal(gateway.page, 2);
    assert_string_equal(header("X-Robots-Tag"), "noindex");
}

static void suggestions_are_as_browsers_want_them(void **state)
{
    (void)state;
    get("/suggest?q=b-t");
    assert_int_equal(response.status, 200);
    assert_string_equal(gateway.query, "b-t");
    assert_string_equal(response.content_type, "application/x-suggestions+json");
    assert_string_equal(header("X-Robots-Tag"), "noindex");
    assert_string_equal(buffer_string(&response.body),
                        "[\"b-t\",[\"b-tree index\",\"B-Baum – Datenstruktur\"]]");
    assert_int_equal(gateway.parts, 4); /* of which so many count as one request */
    get("/search?q=b-t");
    assert_int_equal(gateway.parts, 1);
    gateway.is_empty = true;
    get("/suggest");
    assert_string_equal(buffer_string(&response.body), "[\"\",[]]");
}

static void another_spelling_is_proposed(void **state)
{
    (void)state;
    get("/api/v1/search?q=nothing");
    assert_non_null(strstr(buffer_string(&response.body),
                           "\"did_you_mean\":{\"query\":\"b-tree & index\",\"total\":1234}"));
    get("/search?q=nothing");
    assert_non_null(
        strstr(buffer_string(&response.body),
               "Did you mean <a href=\"/search?q=b-tree+%26+index\">b-tree &amp; index</a>?"));
    get("/api/v1/search?q=a");
    assert_null(strstr(buffer_string(&response.body), "did_you_mean"));
    get("/search?q=a");
    assert_null(strstr(buffer_string(&response.body), "Did you mean"));
}

static void no_search_is_an_error_for_its_query(void **state)
{
    (void)state;
    static const char *const queries[] = {
        "",          "+", "%",          "%00",  "%FF%FE",       "%22",
        "%22%22%22", "-", "AND+OR+NOT", "((((", "%F0%9F%9B%A2", "a%0Ab"};
    char target[100];
    for (size_t i = 0; i < ARRAY_COUNT(queries); i++) {
        snprintf(target, sizeof(target), "/search?q=%s", queries[i]);
        get(target);
        assert_int_equal(response.status, 200);
        snprintf(target, sizeof(target), "/api/v1/search?q=%s", queries[i]);
        get(target);
        assert_int_equal(response.status, 200);
    }
    get("/api/v1/search");
    assert_int_equal(response.status, 200);
}

static void a_wrong_page_is_the_first_for_people_and_an_error_for_programs(void **state)
{
    (void)state;
    static const char *const pages[] = {"0", "-1", "x", "99999999999"};
    char target[100];
    for (size_t i = 0; i < ARRAY_COUNT(pages); i++) {
        snprintf(target, sizeof(target), "/search?q=a&page=%s", pages[i]);
        get(target);
        assert_int_equal(response.status, 200);
        assert_int_equal(gateway.page, 1);
        snprintf(target, sizeof(target), "/api/v1/search?q=a&page=%s", pages[i]);
        get(target);
        expect_problem(400);
        snprintf(target, sizeof(target), "/api/v1/backlinks?url=a&page=%s", pages[i]);
        get(target);
        expect_problem(400);
    }
    get("/api/v1/search?q=a&size=101");
    expect_problem(400);
    get("/api/v1/search?q=a&size=0");
    expect_problem(400);
}

static void a_page_without_a_query_is_the_first_page(void **state)
{
    (void)state;
    get("/search");
    assert_int_equal(response.status, 200);
    assert_non_null(strstr(text(), "class=\"home\""));
    assert_int_equal(gateway.searches, 0);
}

/* ---- the admin ---- */

static void urls_are_added(void **state)
{
    (void)state;
    change_as_admin("POST", "/api/v1/urls", "{\"urls\":[\"https://a/\",\"ftp://b/\"]}");
    assert_int_equal(response.status, 202);
    assert_int_equal(gateway.url_count, 2);
    assert_string_equal(gateway.value, "https://a/");
    assert_string_equal(text(), "{\"accepted\":1,\"rejected\":[{\"url\":\"ftp://example.org/\","
                                "\"reason\":\"only http and https\"}]}");
}

static void pages_are_removed_by_page_prefix_or_site(void **state)
{
    (void)state;
    static const struct {
        const char *body;
        int scope;
        const char *value;
    } cases[] = {
        {"{\"url\":\"https://a/b\"}", LOG__REMOVE_SCOPE__REMOVE_PAGE, "https://a/b"},
        {"{\"prefix\":\"https://a/\"}", LOG__REMOVE_SCOPE__REMOVE_PREFIX, "https://a/"},
        {"{\"site\":\"a:80\"}", LOG__REMOVE_SCOPE__REMOVE_SITE, "a:80"},
    };
    for (size_t i = 0; i < ARRAY_COUNT(cases); i++) {
        change_as_admin("DELETE", "/api/v1/urls", cases[i].body);
        assert_int_equal(response.status, 200);
        assert_int_equal(gateway.scope, cases[i].scope);
        assert_string_equal(gateway.value, cases[i].value);
        expect_number_member("removed", 7);
    }
}

static void the_crawl_is_paused_and_resumed(void **state)
{
    (void)state;
    change_as_admin("POST", "/api/v1/crawl", "{\"action\":\"pause\"}");
    assert_int_equal(response.status, 200);
    assert_int_equal(gateway.action, LOG__ACTION__ACTION_PAUSE);
    assert_string_equal(gateway.value, "");
    change_as_admin("POST", "/api/v1/crawl", "{\"action\":\"resume\",\"source\":\"https://a/\"}");
    assert_int_equal(gateway.action, LOG__ACTION__ACTION_RESUME);
    assert_string_equal(gateway.value, "https://a/");
    change_as_admin("POST", "/api/v1/crawl", "{\"action\":\"cancel\",\"source\":\"\"}");
    assert_int_equal(gateway.action, LOG__ACTION__ACTION_CANCEL);
}

static void a_wrong_body_is_a_problem(void **state)
{
    (void)state;
    static const struct {
        const char *method, *path, *body;
    } cases[] = {
        {"POST", "/api/v1/urls", ""},
        {"POST", "/api/v1/urls", "{"},
        {"POST", "/api/v1/urls", "[]"},
        {"POST", "/api/v1/urls", "\"urls\""},
        {"POST", "/api/v1/urls", "{}"},
        {"POST", "/api/v1/urls", "{\"urls\":[]}"},
        {"POST", "/api/v1/urls", "{\"urls\":\"https://a/\"}"},
        {"POST", "/api/v1/urls", "{\"urls\":[1]}"},
        {"POST", "/api/v1/urls", "{\"urls\":[\"a\",null]}"},
        {"POST", "/api/v1/urls", "{\"urls\":[\"a\"],\"urls\":[\"b\"]}"},
        {"POST", "/api/v1/urls", "{\"urls\":[\"a\\u0000b\"]}"},
        {"POST", "/api/v1/urls", "{\"urls\":[\"\xFF\"]}"},
        {"DELETE", "/api/v1/urls", "{}"},
        {"DELETE", "/api/v1/urls", "{\"url\":\"\"}"},
        {"DELETE", "/api/v1/urls", "{\"url\":\"a\",\"site\":\"a\"}"},
        {"DELETE", "/api/v1/urls", "{\"urls\":[\"a\"]}"},
        {"POST", "/api/v1/crawl", "{}"},
        {"POST", "/api/v1/crawl", "{\"action\":\"settings\"}"},
        {"POST", "/api/v1/crawl", "{\"action\":1}"},
        {"POST", "/api/v1/crawl", "{\"action\":\"pause\",\"source\":1}"},
    };
    for (size_t i = 0; i < ARRAY_COUNT(cases); i++) {
        change_as_admin(cases[i].method, cases[i].path, cases[i].body);
        expect_problem(400);
        assert_int_equal(body.reads, 1);
    }
}

static void deep_json_is_refused(void **state)
{
    (void)state;
    char *deep = malloc(100001);
    memset(deep, '[', 100000);
    deep[100000] = '\0';
    change_as_admin("POST", "/api/v1/urls", deep);
    expect_problem(400);
    free(deep);
}

static void a_body_that_does_not_come_is_a_problem(void **state)
{
    (void)state;
    static const struct {
        enum status failure;
        unsigned status;
    } cases[] = {{STATUS_TOO_LARGE, 413}, {STATUS_TIMEOUT, 408}, {STATUS_IO, 500}};
    for (size_t i = 0; i < ARRAY_COUNT(cases); i++) {
        body = (struct body){.text = "", .failure = cases[i].failure};
        send_request(&(struct http_variables){.request_method = "POST",
                                              .request_uri = "/api/v1/urls",
                                              .host = "localhost:8443",
                                              .content_type = "application/json",
                                              .authorization = "Bearer " FAKE_TOKEN});
        expect_problem(cases[i].status);
    }
}

static void a_log_in_link_is_good_for_one_use(void **state)
{
    (void)state;
    get("/admin/login?code=once");
    assert_int_equal(response.status, 200);
    assert_string_equal(header("Set-Cookie"),
                        "__Host-tierce=" FAKE_COOKIE
                        "; Path=/; Max-Age=2592000; Secure; HttpOnly; SameSite=Strict");
    assert_non_null(strstr(text(), "http-equiv=\"refresh\" content=\"0; url=/admin\""));
    get("/admin/login?code=once");
    assert_int_equal(response.status, 403);
    assert_null(header("Set-Cookie"));
    get("/admin/login?code=wrong");
    assert_int_equal(response.status, 403);
    get("/admin/login");
    assert_int_equal(response.status, 200);
    assert_null(header("Set-Cookie"));
}

static void looking_at_a_log_in_link_does_not_use_it_up(void **state)
{
    (void)state;
    send_request(&(struct http_variables){.request_method = "HEAD",
                                          .request_uri = "/admin/login?code=once",
                                          .host = "localhost:8443"});
    assert_int_equal(response.status, 200);
    assert_null(header("Set-Cookie"));
    assert_false(gateway.code_is_used);
}

static void logging_out_takes_the_cookie_away(void **state)
{
    (void)state;
    change_as_admin("POST", "/admin/logout", "{}");
    assert_int_equal(response.status, 200);
    assert_string_equal(header("Set-Cookie"),
                        "__Host-tierce=; Path=/; Max-Age=0; Secure; HttpOnly; SameSite=Strict");
}

static void why_needs_an_address(void **state)
{
    (void)state;
    get_as_admin("/api/v1/why");
    expect_problem(400);
    get_as_admin("/api/v1/why?url=https://a/");
    assert_int_equal(response.status, 200);
    expect_text_member("url", "https://a/");
    get_as_admin("/admin?why=https://a/");
    assert_int_equal(response.status, 200);
    assert_non_null(strstr(text(), "robots.txt, line 4: Disallow: /private"));
}

static void an_explanation_needs_a_query_and_an_address(void **state)
{
    (void)state;
    get_as_admin("/api/v1/explain?q=oak");
    expect_problem(400);
    get_as_admin("/api/v1/explain?url=https://a/");
    expect_problem(400);
    get_as_admin("/api/v1/explain?q=oak&url=https://a/");
    assert_int_equal(response.status, 200);
    expect_text_member("url", "https://a/");
    assert_non_null(strstr(text(), "\"failed\":[\"<b>\"]"));
    assert_non_null(strstr(text(), "\"score\":1.0000009536743164,"));
    assert_non_null(strstr(text(), "{\"field\":\"title\",\"count\":2,\"length\":4,"));
}

static void the_stream_begins_with_how_soon_to_come_back(void **state)
{
    (void)state;
    get_as_admin("/api/v1/stats/stream");
    assert_int_equal(response.status, 200);
    assert_true(response.is_stream);
    assert_string_equal(response.content_type, "text/event-stream");
    assert_string_equal(header("X-Accel-Buffering"), "no");
    assert_string_equal(text(), "retry: 1000\n\n");
    get("/api/v1/stats/stream");
    assert_false(response.is_stream);
}

/* ---- for machines ---- */

static void health_and_readiness_differ(void **state)
{
    (void)state;
    get("/readyz");
    assert_int_equal(response.status, 200);
    expect_text_member("status", "ready");
    gateway.failure = STATUS_UNAVAILABLE;
    get("/readyz");
    assert_int_equal(response.status, 503);
    assert_string_equal(response.content_type, "application/json");
    expect_text_member("status", "not ready");
    get("/healthz");
    assert_int_equal(response.status, 200);
    expect_text_member("status", "ok");
}

static void robots_are_kept_out_of_everything_but_the_handbook(void **state)
{
    (void)state;
    get("/robots.txt");
    assert_int_equal(response.status, 200);
    assert_string_equal(text(), "User-agent: *\nAllow: /handbook/\nDisallow: /search\n"
                                "Disallow: /backlinks\nDisallow: /admin\nDisallow: /api\n"
                                "Disallow: /suggest\n");
}

static void the_opensearch_description_names_this_installation(void **state)
{
    (void)state;
    get("/opensearch.xml");
    assert_int_equal(response.status, 200);
    assert_non_null(
        strstr(text(), "template=\"https://localhost:8443/search?q={searchTerms}&amp;page="));
    gateway.is_hostile = true;
    get("/opensearch.xml");
    assert_null(strstr(text(), "<script"));
}

/* The name in front of a sample: up to '{' or ' '. */
static size_t name_size(const char *line)
{
    return strcspn(line, "{ \n");
}

static void metrics_are_in_prometheus_format(void **state)
{
    (void)state;
    get_as_admin("/metrics");
    assert_int_equal(response.status, 200);
    char name[100] = "", type[20] = "";
    for (const char *line = text(); *line != '\0'; line += strcspn(line, "\n") + 1) {
        if (strncmp(line, "# HELP ", 7) == 0) {
            snprintf(name, sizeof(name), "%.*s", (int)name_size(line + 7), line + 7);
            assert_null(strstr(strstr(text(), line) + 1, line)); /* each is described once */
        } else if (strncmp(line, "# TYPE ", 7) == 0) {
            assert_int_equal(sscanf(line + 7 + strlen(name), " %19s", type), 1);
            bool is_total = strcmp(name + strlen(name) - 6, "_total") == 0;
            assert_int_equal(is_total, strcmp(type, "counter") == 0);
        } else {
            double value;
            assert_int_equal(name_size(line), strlen(name));
            assert_memory_equal(line, name, strlen(name));
            const char *space = memrchr(line, ' ', strcspn(line, "\n"));
            assert_int_equal(sscanf(space, " %lf", &value), 1);
        }
    }
    assert_non_null(strstr(text(), "tierce_barrel_response_seconds{name=\"barrel-1\","
                                   "role=\"barrel\",shard=\"1\",replica=\"0\"} 0.002234\n"));
}

static void metrics_say_when_the_orchestrator_is_away(void **state)
{
    (void)state;
    gateway.failure = STATUS_UNAVAILABLE;
    get_as_admin("/metrics");
    assert_int_equal(response.status, 200);
    assert_non_null(strstr(text(), "tierce_orchestrator_up 0\n"));
    assert_null(strstr(text(), "tierce_documents"));
}

static void pages_carry_a_content_security_policy(void **state)
{
    (void)state;
    static const char *const targets[] = {"/",      "/search?q=a",  "/backlinks",
                                          "/admin", "/admin/login", "/nothing"};
    for (size_t i = 0; i < ARRAY_COUNT(targets); i++) {
        get_as_admin(targets[i]);
        assert_string_equal(header("Content-Security-Policy"),
                            "default-src 'none'; style-src 'self'; script-src 'self'; "
                            "img-src 'self'; connect-src 'self'; form-action 'self'; "
                            "base-uri 'none'; frame-ancestors 'none'");
    }
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(every_route_asks_who_may),
        TEST(searching_can_be_kept_to_the_admin),
        TEST(the_body_of_a_stranger_is_not_read),
        TEST(whoever_is_not_let_in_is_told_how),
        TEST(admins_see_private_pages_and_others_do_not),
        TEST(other_methods_are_told_which_are_allowed),
        TEST(too_many_requests_are_told_to_wait),
        TEST(every_failure_of_the_service_is_answered),
        TEST(what_is_not_there_is_404),
        TEST(a_target_that_cannot_be_read_is_answered),
        TEST(a_search_hands_on_what_was_asked),
        TEST(suggestions_are_as_browsers_want_them),
        TEST(another_spelling_is_proposed),
        TEST(no_search_is_an_error_for_its_query),
        TEST(a_wrong_page_is_the_first_for_people_and_an_error_for_programs),
        TEST(a_page_without_a_query_is_the_first_page),
        TEST(urls_are_added),
        TEST(pages_are_removed_by_page_prefix_or_site),
        TEST(the_crawl_is_paused_and_resumed),
        TEST(a_wrong_body_is_a_problem),
        TEST(deep_json_is_refused),
        TEST(a_body_that_does_not_come_is_a_problem),
        TEST(a_log_in_link_is_good_for_one_use),
        TEST(looking_at_a_log_in_link_does_not_use_it_up),
        TEST(logging_out_takes_the_cookie_away),
        TEST(why_needs_an_address),
        TEST(an_explanation_needs_a_query_and_an_address),
        TEST(the_stream_begins_with_how_soon_to_come_back),
        TEST(health_and_readiness_differ),
        TEST(robots_are_kept_out_of_everything_but_the_handbook),
        TEST(the_opensearch_description_names_this_installation),
        TEST(metrics_are_in_prometheus_format),
        TEST(metrics_say_when_the_orchestrator_is_away),
        TEST(pages_carry_a_content_security_policy),
    };
    log_set_lowest(LOG_ERROR_LEVEL); /* failures are meant here */
    return cmocka_run_group_tests(tests, NULL, NULL);
}
