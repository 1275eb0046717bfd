/*
 * From a request to an answer: which route, who may, what it does. Nothing here knows of FastCGI or
 * of threads; one exchange is handled by one thread from beginning to end.
 */
#ifndef TIERCE_GATEWAY_ROUTES_H
#define TIERCE_GATEWAY_ROUTES_H

#include <stdbool.h>

#include "gateway/http_backend.h"
#include "gateway/http_request.h"
#include "gateway/http_response.h"

/* A request on its way to an answer. Everything is borrowed. */
struct exchange {
    const struct http_backend *backend;
    struct gateway *gateway;
    struct service *service; /* the thread's */
    const struct http_request *request;
    struct http_response *response;
    const Wire__GatewaySettings *settings; /* held while it is answered */
    bool is_admin;
};

/* What one thread brings along for all its requests. */
struct http_thread {
    const struct http_backend *backend;
    struct gateway *gateway;
    struct service *service;
};

/*
 * Answers: reads the variables, finds the route, asks who may, runs it. Always leaves a complete
 * answer in `response`, which was reset before.
 *
 * read_body, source  for the body; NULL where there is none. Called at most once, and only after
 *                    the caller has shown who it is.
 * ret_request        what was read, for http_response_write(); its strings lie in the arena.
 */
void http_answer(const struct http_thread *thread, const struct http_variables *variables,
                 http_read_body read_body, void *source, struct arena *arena,
                 struct http_request *ret_request, struct http_response *response);

enum route_access {
    ROUTE_PUBLIC,
    ROUTE_SEARCHING, /* public unless the settings keep searching to the admin */
    ROUTE_ADMIN,
};

struct route {
    const char *path;
    unsigned methods; /* of enum http_method; HEAD goes with GET */
    enum route_access access;
    unsigned
        limited; /* so many count as one request against the address's allowance; 0: none does */
    void (*handle)(struct exchange *exchange);
};

/* All routes, for the tests that try every one. The last one's path is NULL. */
extern const struct route http_routes[];

/* ---- the routes ---- */
/* routes_search.c */
void route_home(struct exchange *exchange);
void route_search_page(struct exchange *exchange);
void route_backlinks_page(struct exchange *exchange);
void route_suggest(struct exchange *exchange);
void route_api_search(struct exchange *exchange);
void route_api_backlinks(struct exchange *exchange);
/* routes_admin.c */
void route_admin_page(struct exchange *exchange);
void route_admin_why(struct exchange *exchange);
void route_admin_login(struct exchange *exchange);
void route_admin_logout(struct exchange *exchange);
void route_api_urls(struct exchange *exchange);
void route_api_crawl(struct exchange *exchange);
void route_api_test_url(struct exchange *exchange);
void route_api_why(struct exchange *exchange);
void route_api_explain(struct exchange *exchange);
void route_api_stats(struct exchange *exchange);
void route_api_stats_stream(struct exchange *exchange);
/* routes_public.c */
void route_healthz(struct exchange *exchange);
void route_readyz(struct exchange *exchange);
void route_opensearch(struct exchange *exchange);
void route_openapi(struct exchange *exchange);
void route_robots(struct exchange *exchange);
/* routes_metrics.c */
void route_metrics(struct exchange *exchange);

#endif
