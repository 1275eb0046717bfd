#include "gateway/routes.h"

#include <stdio.h>
#include <string.h>

#include "gateway/http_access.h"
#include "gateway/http_problem.h"

/* They are asked for at nearly every key, and cost a fraction of a search. */
enum { SUGGESTIONS_A_REQUEST = 4 };

const struct route http_routes[] = {
    {"/", HTTP_GET, ROUTE_SEARCHING, 0, route_home},
    {"/search", HTTP_GET, ROUTE_SEARCHING, 1, route_search_page},
    {"/suggest", HTTP_GET, ROUTE_SEARCHING, SUGGESTIONS_A_REQUEST, route_suggest},
    {"/backlinks", HTTP_GET, ROUTE_SEARCHING, 1, route_backlinks_page},
    {"/admin", HTTP_GET, ROUTE_ADMIN, 0, route_admin_page},
    {"/admin/why", HTTP_GET, ROUTE_ADMIN, 1, route_admin_why},
    {"/admin/login", HTTP_GET, ROUTE_PUBLIC, 1, route_admin_login},
    {"/admin/logout", HTTP_POST, ROUTE_ADMIN, 0, route_admin_logout},
    {"/api/v1/search", HTTP_GET, ROUTE_SEARCHING, 1, route_api_search},
    {"/api/v1/backlinks", HTTP_GET, ROUTE_SEARCHING, 1, route_api_backlinks},
    {"/api/v1/urls", HTTP_POST | HTTP_DELETE, ROUTE_ADMIN, 1, route_api_urls},
    {"/api/v1/crawl", HTTP_POST, ROUTE_ADMIN, 1, route_api_crawl},
    {"/api/v1/test-url", HTTP_POST, ROUTE_ADMIN, 1, route_api_test_url},
    {"/api/v1/why", HTTP_GET, ROUTE_ADMIN, 1, route_api_why},
    {"/api/v1/explain", HTTP_GET, ROUTE_ADMIN, 1, route_api_explain},
    {"/api/v1/stats", HTTP_GET, ROUTE_ADMIN, 1, route_api_stats},
    {"/api/v1/stats/stream", HTTP_GET, ROUTE_ADMIN, 1, route_api_stats_stream},
    {"/api/v1/openapi.json", HTTP_GET, ROUTE_PUBLIC, 1, route_openapi},
    {"/healthz", HTTP_GET, ROUTE_PUBLIC, 0, route_healthz},
    {"/readyz", HTTP_GET, ROUTE_PUBLIC, 1, route_readyz},
    {"/metrics", HTTP_GET, ROUTE_ADMIN, 0, route_metrics},
    {"/opensearch.xml", HTTP_GET, ROUTE_PUBLIC, 0, route_opensearch},
    {"/robots.txt", HTTP_GET, ROUTE_PUBLIC, 0, route_robots},
    {NULL, 0, ROUTE_PUBLIC, 0, NULL},
};

static const struct route *find_route(const char *path)
{
    for (const struct route *route = http_routes; route->path != NULL; route++)
        if (strcmp(route->path, path) == 0)
            return route;
    return NULL;
}

static bool is_allowed_method(const struct route *route, enum http_method method)
{
    return (route->methods & (method == HTTP_HEAD ? HTTP_GET : method)) != 0;
}

static void answer_wrong_method(struct exchange *exchange, const struct route *route)
{
    static const struct {
        enum http_method method;
        const char *names;
    } names[] = {{HTTP_GET, "GET, HEAD"}, {HTTP_POST, "POST"}, {HTTP_DELETE, "DELETE"}};
    char allowed[32] = "";
    for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
        if ((route->methods & names[i].method) == 0)
            continue;
        if (allowed[0] != '\0')
            strcat(allowed, ", ");
        strcat(allowed, names[i].names);
    }
    http_problem(exchange, 405, "This address does not answer to that method.");
    http_response_header(exchange->response, "Allow", allowed);
}

/* Takes the request from its address's allowance, which counts it; answers 429 where that is used
 * up. */
static bool is_within_allowance(struct exchange *exchange, unsigned parts)
{
    unsigned after_s = exchange->backend->take_allowance(exchange->gateway,
                                                         exchange->request->remote_address, parts);
    if (after_s == 0)
        return true;
    http_problem_retry(exchange, 429, after_s,
                       "Too many requests from your address. Please wait a little.");
    return false;
}

/* Finds out who asks; answers with the problem where that is not enough. */
static bool is_permitted(struct exchange *exchange, const struct route *route)
{
    enum http_credential credential = http_access_credential(exchange);
    exchange->is_admin = credential != CREDENTIAL_NONE;
    bool is_open = route->access == ROUTE_PUBLIC ||
                   (route->access == ROUTE_SEARCHING && exchange->settings->search_public);
    if (!is_open && !exchange->is_admin) {
        http_problem(exchange, 401,
                     "This needs the admin token, as \"Authorization: Bearer TOKEN\".");
        return false;
    }
    bool changes =
        exchange->request->method == HTTP_POST || exchange->request->method == HTTP_DELETE;
    return !changes || http_access_may_change(exchange, credential);
}

static void dispatch(struct exchange *exchange)
{
    const struct route *route = find_route(exchange->request->path);
    if (route == NULL)
        http_problem(exchange, 404, "There is nothing at this address.");
    else if (!is_allowed_method(route, exchange->request->method))
        answer_wrong_method(exchange, route);
    else if ((route->limited == 0 || is_within_allowance(exchange, route->limited)) &&
             is_permitted(exchange, route))
        route->handle(exchange);
}

void http_answer(const struct http_thread *thread, const struct http_variables *variables,
                 http_read_body read_body, void *source, struct arena *arena,
                 struct http_request *ret_request, struct http_response *response)
{
    struct error err = {0};
    enum status status = http_request_read(variables, arena, ret_request, &err);
    ret_request->read_body = read_body;
    ret_request->body_source = source;
    struct exchange exchange = {
        .backend = thread->backend,
        .gateway = thread->gateway,
        .service = thread->service,
        .request = ret_request,
        .response = response,
        .settings = thread->backend->hold_settings(thread->gateway),
    };
    thread->backend->count_request(thread->gateway);
    if (status == STATUS_TOO_LARGE)
        http_problem(&exchange, 414, err.text);
    else if (status != STATUS_OK)
        http_problem_of(&exchange, status, &err);
    else
        dispatch(&exchange);
    thread->backend->release_settings(exchange.settings);
    if (response->status >= 500)
        thread->backend->count_error(thread->gateway);
}
