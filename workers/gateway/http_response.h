/* One answer: a status, headers and a body, sent in one piece. */
#ifndef TIERCE_GATEWAY_HTTP_RESPONSE_H
#define TIERCE_GATEWAY_HTTP_RESPONSE_H

#include <stdbool.h>

#include "base/buffer.h"
#include "gateway/http_request.h"

enum { HTTP_RESPONSE_BYTES_MAX = 16 * 1024 * 1024 };

/* A zeroed struct, its buffers kept from one request to the next, is an answer not begun. */
struct http_response {
    unsigned status;
    const char *content_type;  /* of the body; a literal */
    const char *cache_control; /* a literal; NULL: "no-store" */
    bool has_tag;              /* give it an ETag: its bytes change seldom */
    bool is_stream;            /* live statistics follow, until the viewer leaves */
    struct buffer headers;     /* the rest, by http_response_header() */
    struct buffer body;
};

void http_response_reset(struct http_response *response);   /* keeps the memory */
void http_response_release(struct http_response *response); /* frees it */

/* Adds "name: value". Control characters in the value become spaces. */
void http_response_header(struct http_response *response, const char *name, const char *value);

/* The reason that goes with a status: "Not Found". Never NULL. */
const char *http_reason(unsigned status);

/*
 * Appends the whole as CGI has it: "Status: 200 OK", the headers, an empty line, the body. What
 * outgrew HTTP_RESPONSE_BYTES_MAX, or memory, is replaced with a bare 500. A HEAD gets no body, a
 * client that holds the tagged bytes gets 304.
 */
void http_response_write(struct http_response *response, const struct http_request *request,
                         struct buffer *ret_bytes);

#endif
