/*
 * The calls of a server that wait to be run, in the order in which they came; those of methods that
 * go first, before the others. Bounded: what comes when it is full finds no place, after what
 * nobody waits for any more has been thrown out. Not for several threads at a time.
 */
#ifndef TIERCE_RPC_CALL_QUEUE_H
#define TIERCE_RPC_CALL_QUEUE_H

#include <stdbool.h>

#include "rpc/server.h"

struct call_lane {
    struct rpc_call *first, *last;
};

/* Zeroed: empty. */
struct call_queue {
    struct call_lane hurried, others;
    unsigned count;
};

/* False: `count_max` wait already, twice as many for one that goes first. */
bool call_queue_push(struct call_queue *queue, struct rpc_call *call, unsigned count_max);

/* NULL: none waits. */
struct rpc_call *call_queue_pop(struct call_queue *queue);

/* Takes out the calls that nobody waits for any more, linked by queue_next; NULL: there are none.
 */
struct rpc_call *call_queue_take_stale(struct call_queue *queue);

#endif
