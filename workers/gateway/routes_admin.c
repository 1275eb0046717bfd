/* What only the admin may: pages and JSON. Whoever arrives here has shown the token or the cookie,
 * and a request that changes something has passed http_access_may_change(). */
#include <jansson.h>
#include <stdio.h>
#include <string.h>

#include "cluster/facts_json.h"
#include "gateway/http_access.h"
#include "gateway/http_problem.h"
#include "gateway/json_answers.h"
#include "gateway/pages.h"
#include "gateway/routes.h"

static struct json_writer begin_json(struct exchange *exchange, unsigned status)
{
    exchange->response->status = status;
    exchange->response->content_type = "application/json";
    return (struct json_writer){.bytes = &exchange->response->body};
}

/* ---- the body of a request ---- */

static enum status parse_body(const struct exchange *exchange, struct buffer *bytes,
                              json_t **ret_body, struct error *err)
{
    const struct http_request *request = exchange->request;
    if (request->read_body == NULL)
        return error_set(err, STATUS_INVALID, "The request has no body.");
    enum status status = request->read_body(request->body_source, HTTP_BODY_BYTES_MAX, bytes, err);
    if (status != STATUS_OK)
        return status;
    json_error_t where;
    json_t *body =
        json_loadb((const char *)bytes->data, bytes->size, JSON_REJECT_DUPLICATES, &where);
    if (body == NULL)
        return error_set(err, STATUS_INVALID, "The body is no JSON: line %d, column %d: %s.",
                         where.line, where.column, where.text);
    if (!json_is_object(body)) {
        json_decref(body);
        return error_set(err, STATUS_INVALID, "The body must be a JSON object.");
    }
    *ret_body = body;
    return STATUS_OK;
}

/* The body as a JSON object, to be given back with json_decref(); NULL: the problem is answered. */
static json_t *read_json(struct exchange *exchange)
{
    struct buffer bytes = {0};
    struct error err = {0};
    json_t *body = NULL;
    enum status status = parse_body(exchange, &bytes, &body, &err);
    buffer_release(&bytes);
    if (status == STATUS_OK)
        return body;
    if (status == STATUS_TIMEOUT)
        http_problem(exchange, 408, err.text);
    else
        http_problem_of(exchange, status, &err);
    return NULL;
}

/* ---- logging in and out ---- */

void route_admin_login(struct exchange *exchange)
{
    const char *code = http_request_parameter(exchange->request, "code");
    /* A HEAD may come from a program that only looks whether the link is alive: the code is good
     * for one use, and that is not it. */
    bool redeems = code != NULL && code[0] != '\0' && exchange->request->method == HTTP_GET;
    struct error err = {0};
    struct html html = {.bytes = &exchange->response->body};
    struct page_frame frame = page_frame_of(exchange->settings, exchange->is_admin);
    if (redeems) {
        enum status status = exchange->backend->login(exchange->service, code, &err);
        if (status == STATUS_DENIED) {
            http_problem(exchange, 403,
                         "This log-in link was used already, or is too old. `tierce login` prints "
                         "a new one.");
            return;
        }
        if (status != STATUS_OK) {
            http_problem_of(exchange, status, &err);
            return;
        }
        char cookie[ADMIN_COOKIE_BYTES];
        exchange->backend->cookie_value(exchange->gateway, cookie);
        char header[ADMIN_COOKIE_BYTES + 100];
        snprintf(header, sizeof(header),
                 ADMIN_COOKIE "=%s; Path=/; Max-Age=2592000; Secure; HttpOnly; SameSite=Strict",
                 cookie);
        http_response_header(exchange->response, "Set-Cookie", header);
    }
    exchange->response->status = 200;
    page_begin_response(exchange->response);
    /* Not a redirect: a browser that came here from elsewhere would not send a SameSite=Strict
     * cookie along with one. */
    if (redeems)
        page_login_done(&html, &frame);
    else
        page_login_needed(&html, &frame);
}

void route_admin_logout(struct exchange *exchange)
{
    http_response_header(exchange->response, "Set-Cookie",
                         ADMIN_COOKIE "=; Path=/; Max-Age=0; Secure; HttpOnly; SameSite=Strict");
    struct json_writer json = begin_json(exchange, 200);
    json_open_object(&json, NULL);
    json_close_object(&json);
}

/* ---- the admin page ---- */

void route_admin_page(struct exchange *exchange)
{
    struct arena *arena = exchange->request->arena;
    const char *url = http_request_parameter(exchange->request, "why");
    Wire__Stats *stats = NULL;
    struct error err = {0};
    enum status status = exchange->backend->stats(exchange->service, arena, &stats, &err);
    if (status != STATUS_OK) {
        http_problem_of(exchange, status, &err);
        return;
    }
    Wire__LookupReply *why = NULL;
    bool asks_why = url != NULL && url[0] != '\0';
    if (asks_why)
        status = exchange->backend->why(exchange->service, url, arena, &why, &err);
    exchange->response->status = 200;
    page_begin_response(exchange->response);
    struct html html = {.bytes = &exchange->response->body};
    struct page_frame frame = page_frame_of(exchange->settings, exchange->is_admin);
    page_admin(&html, &frame, stats, status == STATUS_OK ? why : NULL,
               status == STATUS_OK ? NULL : err.text);
}

void route_admin_why(struct exchange *exchange)
{
    const char *url = http_request_parameter(exchange->request, "url");
    Wire__LookupReply *why = NULL;
    struct error err = {0};
    enum status status = STATUS_OK;
    if (url != NULL && url[0] != '\0')
        status =
            exchange->backend->why(exchange->service, url, exchange->request->arena, &why, &err);
    exchange->response->status = 200;
    page_begin_response(exchange->response);
    struct html html = {.bytes = &exchange->response->body};
    struct page_frame frame = page_frame_of(exchange->settings, exchange->is_admin);
    page_why(&html, &frame, url == NULL ? "" : url, status == STATUS_OK ? why : NULL,
             status == STATUS_OK ? NULL : err.text);
}

/* ---- what the admin changes ---- */

static const char *const *read_urls(const json_t *list, struct arena *arena)
{
    size_t count = json_array_size(list);
    const char **urls = arena_alloc(arena, (count + 1) * sizeof(*urls));
    for (size_t i = 0; urls != NULL && i < count; i++) {
        urls[i] = json_string_value(json_array_get(list, i));
        if (urls[i] == NULL)
            return NULL;
    }
    return urls;
}

static void add_urls(struct exchange *exchange, const json_t *body)
{
    const json_t *list = json_object_get(body, "urls");
    size_t count = json_array_size(list);
    if (count == 0 || count > ADD_URLS_MAX) {
        http_problem(exchange, 400, "`urls` must be a list of 1 to 10000 addresses.");
        return;
    }
    const char *const *urls = read_urls(list, exchange->request->arena);
    if (urls == NULL) {
        http_problem(exchange, 400, "`urls` must hold strings only.");
        return;
    }
    Wire__SubmitReply *reply = NULL;
    struct error err = {0};
    enum status status = exchange->backend->add_urls(exchange->service, urls, count,
                                                     exchange->request->arena, &reply, &err);
    if (status != STATUS_OK) {
        http_problem_of(exchange, status, &err);
        return;
    }
    struct json_writer json = begin_json(exchange, 202);
    json_submit_reply(&json, reply);
}

static void remove_pages(struct exchange *exchange, const json_t *body)
{
    static const struct {
        const char *name;
        Log__RemoveScope scope;
    } scopes[] = {
        {"url", LOG__REMOVE_SCOPE__REMOVE_PAGE},
        {"prefix", LOG__REMOVE_SCOPE__REMOVE_PREFIX},
        {"site", LOG__REMOVE_SCOPE__REMOVE_SITE},
    };
    const char *value = NULL;
    Log__RemoveScope scope = LOG__REMOVE_SCOPE__REMOVE_PAGE;
    for (size_t i = 0; i < sizeof(scopes) / sizeof(scopes[0]) && value == NULL; i++) {
        value = json_string_value(json_object_get(body, scopes[i].name));
        scope = scopes[i].scope;
    }
    if (value == NULL || value[0] == '\0' || json_object_size(body) != 1) {
        http_problem(exchange, 400, "The body must have one of `url`, `prefix` and `site`.");
        return;
    }
    Wire__RemoveReply *reply = NULL;
    struct error err = {0};
    enum status status = exchange->backend->remove(exchange->service, scope, value,
                                                   exchange->request->arena, &reply, &err);
    if (status != STATUS_OK) {
        http_problem_of(exchange, status, &err);
        return;
    }
    struct json_writer json = begin_json(exchange, 200);
    json_open_object(&json, NULL);
    json_put_unsigned(&json, "removed", reply->removed);
    json_close_object(&json);
}

void route_api_urls(struct exchange *exchange)
{
    json_t *body = read_json(exchange);
    if (body == NULL)
        return;
    if (exchange->request->method == HTTP_POST)
        add_urls(exchange, body);
    else
        remove_pages(exchange, body);
    json_decref(body);
}

static Log__Action action_of(const char *name)
{
    static const struct {
        const char *name;
        Log__Action action;
    } actions[] = {
        {"pause", LOG__ACTION__ACTION_PAUSE},
        {"resume", LOG__ACTION__ACTION_RESUME},
        {"cancel", LOG__ACTION__ACTION_CANCEL},
        {"confirm", LOG__ACTION__ACTION_CONFIRM},
    };
    for (size_t i = 0; name != NULL && i < sizeof(actions) / sizeof(actions[0]); i++)
        if (strcmp(actions[i].name, name) == 0)
            return actions[i].action;
    return LOG__ACTION__ACTION_NONE;
}

static void control_crawl(struct exchange *exchange, const json_t *body)
{
    const char *name = json_string_value(json_object_get(body, "action"));
    const json_t *source_value = json_object_get(body, "source");
    const char *source = source_value == NULL ? "" : json_string_value(source_value);
    Log__Action action = action_of(name);
    if (action == LOG__ACTION__ACTION_NONE) {
        http_problem(exchange, 400,
                     "`action` must be \"pause\", \"resume\", \"cancel\" or \"confirm\".");
        return;
    }
    if (source == NULL) {
        http_problem(exchange, 400,
                     "`source` must be a string: a source's address, or empty for "
                     "the whole crawl.");
        return;
    }
    struct error err = {0};
    enum status status = exchange->backend->control(exchange->service, action, source, &err);
    if (status != STATUS_OK) {
        http_problem_of(exchange, status, &err);
        return;
    }
    struct json_writer json = begin_json(exchange, 200);
    json_open_object(&json, NULL);
    json_put_string(&json, "action", name);
    json_put_string(&json, "source", source);
    json_close_object(&json);
}

void route_api_crawl(struct exchange *exchange)
{
    json_t *body = read_json(exchange);
    if (body == NULL)
        return;
    control_crawl(exchange, body);
    json_decref(body);
}

/* ---- what the admin asks ---- */

void route_api_why(struct exchange *exchange)
{
    const char *url = http_request_parameter(exchange->request, "url");
    if (url == NULL || url[0] == '\0') {
        http_problem(exchange, 400, "`url` is missing.");
        return;
    }
    Wire__LookupReply *reply = NULL;
    struct error err = {0};
    enum status status =
        exchange->backend->why(exchange->service, url, exchange->request->arena, &reply, &err);
    if (status != STATUS_OK) {
        http_problem_of(exchange, status, &err);
        return;
    }
    struct json_writer json = begin_json(exchange, 200);
    json_why(&json, reply);
}

static void test_url(struct exchange *exchange, const json_t *body)
{
    const char *url = json_string_value(json_object_get(body, "url"));
    Wire__TestUrlReply *reply = NULL;
    struct error err = {0};
    if (url == NULL || url[0] == '\0') {
        http_problem(exchange, 400, "`url` must be a string.");
        return;
    }
    enum status status =
        exchange->backend->test_url(exchange->service, url, exchange->request->arena, &reply, &err);
    if (status != STATUS_OK) {
        http_problem_of(exchange, status, &err);
        return;
    }
    struct json_writer json = begin_json(exchange, 200);
    json_test_url(&json, reply);
}

void route_api_test_url(struct exchange *exchange)
{
    json_t *body = read_json(exchange);
    if (body == NULL)
        return;
    test_url(exchange, body);
    json_decref(body);
}

void route_api_explain(struct exchange *exchange)
{
    const char *query = http_request_parameter(exchange->request, "q");
    const char *url = http_request_parameter(exchange->request, "url");
    if (query == NULL || query[0] == '\0' || url == NULL || url[0] == '\0') {
        http_problem(exchange, 400, "`q` and `url` are needed.");
        return;
    }
    struct explain_answer answer;
    struct error err = {0};
    enum status status = exchange->backend->explain(exchange->service, query, url,
                                                    exchange->request->arena, &answer, &err);
    if (status != STATUS_OK) {
        http_problem_of(exchange, status, &err);
        return;
    }
    struct json_writer json = begin_json(exchange, 200);
    json_explain_answer(&json, &answer);
}

void route_api_stats(struct exchange *exchange)
{
    Wire__Stats *stats = NULL;
    struct error err = {0};
    enum status status =
        exchange->backend->stats(exchange->service, exchange->request->arena, &stats, &err);
    if (status != STATUS_OK) {
        http_problem_of(exchange, status, &err);
        return;
    }
    struct json_writer json = begin_json(exchange, 200);
    json_stats(&json, stats);
}

void route_api_stats_stream(struct exchange *exchange)
{
    struct http_response *response = exchange->response;
    response->status = 200;
    response->content_type = "text/event-stream";
    response->is_stream = true;
    http_response_header(response, "X-Accel-Buffering", "no"); /* NGINX: pass events on at once */
    buffer_append_string(&response->body, "retry: 1000\n\n");
}
