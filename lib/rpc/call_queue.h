/*
 * The calls of a server that wait to be run, in the order in which they came; those of methods that
 * go first, before the others. Bounded: what comes when it is full finds no place, after what
 * nobody waits for any more has been thrown out. Not for several threads at a time.
 */
#ifndef TIERCE_RPC_CALL_QUEUE_H
#define TIERCE_RPC_CALL_QUEUE_H

#include <stdbool.h>
#include <stdint.h>

#include "rpc/server.h"

enum { CALL_QUEUE_PAUSE_MS = 5 };

struct call_lane {
    struct rpc_call *first, *last;
};

/* Zeroed: empty. */
struct call_queue {
    struct call_lane hurried, others;
    unsigned count;
    int64_t all_fresh_ms; /* when a search found nothing to throw out; 0: the last one did */
};

/* False: `count_max` wait already, twice as many for one that goes first. */
bool call_queue_push(struct call_queue *queue, struct rpc_call *call, unsigned count_max);

/* NULL: none waits. */
struct rpc_call *call_queue_pop(struct call_queue *queue);

/*
 * Takes out the calls that nobody waits for any more at `now_ms` (clock_boot_ms()), linked by
 * queue_next. NULL: there are none, or there were none CALL_QUEUE_PAUSE_MS ago or less; so that
 * under overload a refusal does not cost a walk of the whole queue.
 */
struct rpc_call *call_queue_take_stale(struct call_queue *queue, int64_t now_ms);

#endif
