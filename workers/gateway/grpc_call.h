/*
 * One call on port 8000, from its metadata to its status. The server's threads move it along as
 * gRPC reports what is done; the streams' thread sends to those that watch something.
 *
 * One of the threads never answers a request but listens to gRPC: so whoever cancels, goes away or
 * lets his deadline pass is noticed however busy the others are, and what was begun for him is
 * given up. Requests that find no thread wait in order.
 */
#ifndef TIERCE_GATEWAY_GRPC_CALL_H
#define TIERCE_GATEWAY_GRPC_CALL_H

#include <grpc/grpc.h>
#include <pthread.h>
#include <stdbool.h>
#include <stdint.h>

#include "base/arena.h"
#include "gateway/gateway.h"
#include "gateway/grpc_method.h"
#include "gateway/service.h"

struct grpc_deed;

enum {
    GRPC_CALLS_MAX = 512, /* in hand at once; more are refused */
    GRPC_HEALTH_WATCHES_MAX = 64,
    GRPC_REQUEST_MS_MAX = 10000, /* for a request to arrive, once its headers have */
    GRPC_CALL_MS_MAX = 60000,    /* for a unary call in all */
    GRPC_REFUSAL_MS_MAX = 1000,  /* for the end of a request that is refused anyway */
};

/* What the calls of one server share. */
struct grpc_calls {
    grpc_server *server;
    grpc_completion_queue *queue;
    struct gateway *gateway;
    bool is_tls;
    unsigned viewers_max; /* of statistics */
    unsigned workers_max; /* threads that may answer at a time: fewer than there are */

    pthread_mutex_t mutex;
    pthread_cond_t changed; /* a watch began, or draining did; by CLOCK_MONOTONIC */
    /* under the mutex */
    struct grpc_deed *deeds; /* all in hand */
    unsigned deed_count;
    unsigned viewer_count;
    unsigned health_watch_count;
    bool draining;
    unsigned worker_count;                          /* threads that answer */
    struct grpc_deed *waiting_first, *waiting_last; /* whose requests wait for a thread */
};

/* What a thread brings along. */
struct grpc_hands {
    struct service *service;
    struct arena *arena; /* reset for each request */
    int give_up_fd;      /* an eventfd: nobody waits any more for what the thread works on */
};

/* Asks gRPC for the next call. To be made once for each thread at the start. */
void grpc_calls_expect(struct grpc_calls *calls);

/* Moves a call along: an event of the queue, GRPC_OP_COMPLETE, whose tag is one of a call's. */
void grpc_calls_event(struct grpc_calls *calls, struct grpc_hands *hands, const grpc_event *event);

/* Sends the statistics to every viewer whose last message has gone out; NULL: ends them all as
 * unavailable. */
void grpc_calls_send_stats(struct grpc_calls *calls, const ProtobufCMessage *message);
/* Whether anybody watches the statistics. */
bool grpc_calls_have_viewers(struct grpc_calls *calls);

/* Cuts off what takes too long. To be made about once a second. */
void grpc_calls_expire(struct grpc_calls *calls);

/* No more calls: ends the watches, health watches with "not serving". */
void grpc_calls_drain(struct grpc_calls *calls);

#endif
