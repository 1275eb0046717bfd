/*
 * A pool worker: FastCGI requests from the proxy, by libfcgi, on threads. One epoll thread accepts
 * connections and holds the idle ones; a thread gets a connection only while a request is on it.
 */
#ifndef TIERCE_GATEWAY_HTTP_WORKER_H
#define TIERCE_GATEWAY_HTTP_WORKER_H

#include "base/error.h"
#include "gateway/gateway.h"

/*
 * Serves until SIGTERM or SIGINT, then accepts no more, ends idle connections, finishes the
 * requests in hand (at most 10 seconds) and returns STATUS_OK. Installs handlers for those signals;
 * SIGPIPE is ignored from here on.
 *
 * listen_fd    a listening socket that somebody else holds, so that no connection is lost when this
 *              process ends: borrowed, made non-blocking. -1: listen at `listen_path` instead.
 * listen_path  of a unix socket, made with mode 0660; an old one in its place is removed.
 */
enum status http_worker_run(struct gateway *gateway, int listen_fd, const char *listen_path,
                            struct error *err);

#endif
