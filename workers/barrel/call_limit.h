/*
 * How long whoever calls waits for the index's answer. On a server without worker threads the
 * deadline alone ends a call that has begun: the thread that would read the cancellation works.
 */
#ifndef TIERCE_BARREL_CALL_LIMIT_H
#define TIERCE_BARREL_CALL_LIMIT_H

#include "base/clock.h"
#include "index/limit.h"
#include "rpc/server.h"

static inline bool call_is_cancelled(const void *call)
{
    return rpc_call_cancelled(call);
}

/* Borrows the call. */
static inline struct search_limit call_limit(const struct rpc_call *call)
{
    return (struct search_limit){
        .deadline_ms = clock_boot_ms() + rpc_call_left_ms(call),
        .is_cancelled = call_is_cancelled,
        .context = call,
    };
}

#endif
