/* READ_FEED: answered at once where there is something, else kept until there is or the time ends.
 */
#ifndef TIERCE_INDEXSERVER_FEED_CALLS_H
#define TIERCE_INDEXSERVER_FEED_CALLS_H

#include <pthread.h>
#include <stdbool.h>
#include <stdint.h>

#include "indexserver/views.h"
#include "rpc/server.h"
#include "wire.pb-c.h"

enum {
    FEED_READERS_MAX = 256,
    FEED_WAIT_MS_MAX = 60 * 1000,
    FEED_SETTLE_MS = 2 * 60 * 1000,         /* after so long a reader has surely written it */
    FEED_READER_SILENT_MS = 10 * 60 * 1000, /* then it counts no longer */
};

struct feed_call;

struct feed_reader {
    uint64_t member;
    uint64_t position;
    int64_t seen_ms;
};

struct feed_calls {
    struct views *views;
    pthread_t thread;
    bool started;
    pthread_mutex_t lock;   /* of what follows */
    pthread_cond_t changed; /* by CLOCK_MONOTONIC */
    bool stopping;
    bool applied; /* since the thread looked last */
    struct feed_call *waiting;
    struct feed_reader readers[FEED_READERS_MAX];
    /* The lowest position, as it was some time ago: what a reader has read it may lose with a
     * crash, until it has written it. */
    uint64_t settled, settling;
    int64_t settling_since_ms;
    unsigned settle_ms;
};

/* settle_ms  FEED_SETTLE_MS, or less in tests. */
enum status feed_calls_start(struct feed_calls *calls, struct views *views, unsigned settle_ms,
                             struct error *err);
/* Answers all that wait; later ones are answered at once. */
void feed_calls_drain(struct feed_calls *calls);
void feed_calls_stop(struct feed_calls *calls); /* also of one that was not started */

/* The call is answered now or later. Any thread. */
void feed_calls_take(struct feed_calls *calls, struct rpc_call *call);
/* There may be something new. Any thread. */
void feed_calls_wake(struct feed_calls *calls);

/* The lowest position of the readers of late; 0 where there is none. */
uint64_t feed_calls_oldest(struct feed_calls *calls);

#endif
