#include "gateway/http_access.h"

#include <string.h>
#include <strings.h>

#include "gateway/http_problem.h"

enum http_credential http_access_credential(const struct exchange *exchange)
{
    const char *token = http_request_bearer(exchange->request);
    if (token != NULL && exchange->backend->token_is_valid(exchange->gateway, token))
        return CREDENTIAL_BEARER;
    const char *cookie = http_request_cookie(exchange->request, ADMIN_COOKIE);
    if (cookie != NULL && exchange->backend->cookie_is_valid(exchange->gateway, cookie))
        return CREDENTIAL_COOKIE;
    return CREDENTIAL_NONE;
}

static bool is_known_host(const Wire__GatewaySettings *settings, const char *host)
{
    for (size_t i = 0; i < settings->n_hosts; i++)
        if (strcasecmp(settings->hosts[i], host) == 0)
            return true;
    return false;
}

/* "https://localhost:8443": a scheme of the web and a host of ours. */
static bool is_known_origin(const Wire__GatewaySettings *settings, const char *origin)
{
    if (strncasecmp(origin, "https://", 8) == 0)
        return is_known_host(settings, origin + 8);
    if (strncasecmp(origin, "http://", 7) == 0)
        return is_known_host(settings, origin + 7);
    return false;
}

bool http_access_may_change(struct exchange *exchange, enum http_credential credential)
{
    const struct http_request *request = exchange->request;
    if (!is_known_host(exchange->settings, request->host)) {
        http_problem(exchange, 403,
                     "This installation does not know itself by the name in the Host header; the "
                     "setting `hostname` says which it answers to.");
        return false;
    }
    bool is_missing = request->origin[0] == '\0';
    if (is_missing ? credential == CREDENTIAL_COOKIE
                   : !is_known_origin(exchange->settings, request->origin)) {
        http_problem(exchange, 403, "The request did not come from a page of this installation.");
        return false;
    }
    if (!http_request_is_json(request)) {
        http_problem(exchange, 415, "The body must be JSON: Content-Type: application/json.");
        return false;
    }
    return true;
}
