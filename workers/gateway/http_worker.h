/*
 * A pool worker: FastCGI requests from the proxy, by libfcgi, on threads. One epoll thread accepts
 * connections and holds the idle ones; a thread gets a connection only while a request is on it, so
 * that connections which the proxy keeps open, and does not use, starve nobody.
 */
#ifndef TIERCE_GATEWAY_HTTP_WORKER_H
#define TIERCE_GATEWAY_HTTP_WORKER_H

#include "base/error.h"
#include "gateway/gateway.h"

/*
 * Reports the gateway ready and serves until SIGTERM or SIGINT; then reports it as not ready,
 * accepts no more, ends idle connections, finishes the requests in hand and returns STATUS_OK. The
 * number of threads is that of the settings at the start.
 *
 * Installs handlers for those signals; SIGPIPE and SIGHUP are ignored from here on.
 *
 * listen_fd    a listening socket that somebody else holds, so that no connection is lost when this
 *              process ends: borrowed, made non-blocking. -1: listen at `listen_path` instead.
 * listen_path  of a unix socket, made with mode 0660; an old one in its place is removed.
 *
 * STATUS_TIMEOUT: some request took more than 10 seconds to finish. Its thread still uses the
 * gateway: end the process without closing it.
 */
enum status http_worker_run(struct gateway *gateway, int listen_fd, const char *listen_path,
                            struct error *err);

/* ---- the same in parts, for tests ---- */
struct http_backend;

struct http_worker_options {
    const struct http_backend *backend;
    struct gateway *gateway;
    unsigned threads;
    int listen_fd; /* borrowed, non-blocking */
    int stop_fd;   /* borrowed: readable when it is time to end */
};
enum status http_worker_serve(const struct http_worker_options *options, struct error *err);

#endif
