/*
 * Live statistics as server-sent events. One thread asks for the statistics once a second, while
 * anybody watches, and writes them to every viewer: a viewer costs a connection, not a thread, and
 * one that reads too slowly loses events and then the connection, without holding up the others.
 */
#ifndef TIERCE_GATEWAY_SSE_H
#define TIERCE_GATEWAY_SSE_H

#include "base/buffer.h"
#include "gateway/http_backend.h"

enum {
    SSE_VIEWERS_MAX = 32,           /* per worker */
    SSE_STREAM_MS_MAX = 600 * 1000, /* then the viewer connects, and shows who it is, again */
};

struct sse; /* opaque */

enum status sse_open(const struct http_backend *backend, struct gateway *gateway,
                     struct sse **ret_sse, struct error *err);

/* Ends every stream, so that viewers connect again elsewhere, and the thread. Accepts NULL. */
void sse_close(struct sse *sse);

/*
 * Takes over a connection, and the request on it, to be answered with events.
 *
 * head  what is sent first, as CGI has it: the headers, an empty line, the beginning of the stream.
 *
 * Returns false where there are SSE_VIEWERS_MAX already: the connection stays the caller's.
 */
bool sse_add(struct sse *sse, int fd, int request_id, const struct buffer *head);

#endif
