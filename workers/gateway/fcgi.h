/*
 * One FastCGI request at a time on a connection that somebody else accepted and keeps. libfcgi
 * reads the request; the answer is written here, because libfcgi's writer cuts it into records of 8
 * KiB, one write each, and takes a short write for a whole one. In one piece, a worker that is
 * killed has sent all of an answer or nothing, and the proxy can ask another.
 */
#ifndef TIERCE_GATEWAY_FCGI_H
#define TIERCE_GATEWAY_FCGI_H

#include <fcgiapp.h>
#include <stdbool.h>
#include <stdint.h>

#include "base/buffer.h"
#include "base/error.h"

enum {
    FCGI_SILENCE_MS_MAX = 2000, /* how long a peer may pause in the middle of a request */
    FCGI_BODY_MS_MAX = 10000,   /* how long the whole body of a request may take */
    FCGI_SEND_MS_MAX = 20000,   /* how long a whole answer may take */
};

struct fcgi {
    FCGX_Request request; /* libfcgi's */
    int fd;               /* borrowed; -1: libfcgi has closed it */
    bool is_body_read;    /* to its end: the connection can carry another request */
};

/* Once per process, before any thread. Leaves the caller's signal handlers as they are. */
enum status fcgi_prepare(struct error *err);

/* Makes an accepted connection fit for fcgi_receive(): blocking, with timeouts. */
enum status fcgi_set_up_connection(int fd, struct error *err);

/*
 * Reads the beginning of the next request on `fd`: its variables. STATUS_END: the peer has gone,
 * was silent too long or sent no FastCGI; libfcgi has closed the descriptor then.
 */
enum status fcgi_receive(struct fcgi *fcgi, int fd);

/* A variable of the request; NULL where it is absent. */
const char *fcgi_variable(const struct fcgi *fcgi, const char *name);

/* The body, to its end; an http_read_body whose source is the struct fcgi. STATUS_TOO_LARGE,
 * STATUS_TIMEOUT, STATUS_IO. */
enum status fcgi_read_body(void *fcgi, size_t limit, struct buffer *ret_bytes, struct error *err);

/* Reads away what is left of the body, within limits, so that the connection can be kept. */
void fcgi_skip_body(struct fcgi *fcgi);

/* Whether the proxy has given this request up and closed the connection. */
bool fcgi_is_abandoned(int fd);

/* Frees what libfcgi holds. Returns whether the descriptor may carry another request; otherwise it
 * is the caller's to close, unless it is -1. */
bool fcgi_finish(struct fcgi *fcgi);

/* ---- answers ---- */
/* Appends output of a request as FastCGI records. */
void fcgi_append_output(struct buffer *records, int request_id, const void *bytes, size_t size);
/* Appends the end of a request's output and of the request. */
void fcgi_append_end(struct buffer *records, int request_id);

/* Writes all of it; false when the peer has gone or takes too long. */
bool fcgi_send(int fd, const struct buffer *records);

/*
 * Answers the request that waits unread on `fd` with a 503, without a thread's help and without
 * waiting: for when there are too many. The connection is to be closed after that.
 */
void fcgi_refuse(int fd);

#endif
