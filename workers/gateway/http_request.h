/*
 * One request as the routes see it, read from the variables that the proxy hands over. Only what
 * the proxy itself vouches for is looked at: HTTP_* variables that a client can invent
 * (X-Forwarded-*, Proxy) are not.
 */
#ifndef TIERCE_GATEWAY_HTTP_REQUEST_H
#define TIERCE_GATEWAY_HTTP_REQUEST_H

#include <stdbool.h>
#include <stddef.h>

#include "base/arena.h"
#include "base/buffer.h"
#include "base/error.h"

enum {
    HTTP_TARGET_BYTES_MAX = 8192,
    HTTP_PARAMETERS_MAX = 32,
    HTTP_BODY_BYTES_MAX = 1024 * 1024,
};

enum http_method {
    HTTP_GET = 1,
    HTTP_HEAD = 2,
    HTTP_POST = 4,
    HTTP_DELETE = 8,
    HTTP_OTHER_METHOD = 16,
};

/* What came from the proxy, each zero-terminated; NULL where it is absent. */
struct http_variables {
    const char *request_method;
    const char *request_uri;
    const char *remote_addr;
    const char *https;
    const char *content_type;
    const char *host;
    const char *origin;
    const char *authorization;
    const char *cookie;
    const char *if_none_match;
};

struct http_parameter {
    const char *name;
    const char *value;
};

/* Reads the body, to its end or to `limit` bytes: STATUS_TOO_LARGE, STATUS_TIMEOUT, STATUS_IO. */
typedef enum status (*http_read_body)(void *source, size_t limit, struct buffer *ret_bytes,
                                      struct error *err);

/* Strings are borrowed from the variables or lie in the arena; none is NULL but where it says so.
 */
struct http_request {
    enum http_method method;
    const char *path; /* percent-decoded: "/search" */
    const struct http_parameter *parameters;
    unsigned parameter_count;
    const char *remote_address;
    const char *content_type; /* "" where there is none, and so on */
    const char *host;
    const char *origin;
    const char *authorization;
    const char *cookie;
    const char *if_none_match;
    bool is_https;
    http_read_body read_body; /* NULL: there is no body */
    void *body_source;
    struct arena *arena; /* the request's: freed when it has been answered */
};

/*
 * STATUS_INVALID (the target is no path), STATUS_TOO_LARGE or STATUS_NO_MEMORY; `ret_request` has
 * its method, path ("" then) and the rest even so, to be answered with an error. The body is the
 * caller's to set.
 */
enum status http_request_read(const struct http_variables *variables, struct arena *arena,
                              struct http_request *ret_request, struct error *err);

/* The first parameter of that name; NULL where there is none. */
const char *http_request_parameter(const struct http_request *request, const char *name);

/* A cookie's value, in the arena; NULL where there is none (or no memory). */
const char *http_request_cookie(const struct http_request *request, const char *name);

/* The token of "Authorization: Bearer TOKEN"; NULL where there is none. */
const char *http_request_bearer(const struct http_request *request);

/* Whether the content type is application/json, whatever its parameters. */
bool http_request_is_json(const struct http_request *request);

/* A parameter that counts: `fallback` where it is absent; false where it is no number from 1 to
 * `max`. */
bool http_request_count(const struct http_request *request, const char *name, unsigned fallback,
                        unsigned max, unsigned *ret_count);

#endif
