#include "rpc/call_queue.h"

#include "rpc/server_parts.h"

static void append(struct call_lane *lane, struct rpc_call *call)
{
    call->queue_next = NULL;
    if (lane->last != NULL)
        lane->last->queue_next = call;
    else
        lane->first = call;
    lane->last = call;
}

bool call_queue_push(struct call_queue *queue, struct rpc_call *call, unsigned count_max)
{
    /* Many of those that go first finish what has cost work already: they are refused last. */
    if (queue->count / (call->goes_first ? 2 : 1) >= count_max)
        return false;
    append(call->goes_first ? &queue->hurried : &queue->others, call);
    queue->count++;
    return true;
}

struct rpc_call *call_queue_pop(struct call_queue *queue)
{
    struct call_lane *lane = queue->hurried.first != NULL ? &queue->hurried : &queue->others;
    struct rpc_call *call = lane->first;
    if (call == NULL)
        return NULL;
    lane->first = call->queue_next;
    if (lane->first == NULL)
        lane->last = NULL;
    call->queue_next = NULL;
    queue->count--;
    return call;
}

static unsigned sort_out(struct call_lane *lane, int64_t now_ms, struct call_lane *stale)
{
    struct call_lane kept = {0};
    unsigned count = 0;
    struct rpc_call *next;
    for (struct rpc_call *call = lane->first; call != NULL; call = next) {
        bool is_stale = call_is_stale(call, now_ms);
        next = call->queue_next;
        append(is_stale ? stale : &kept, call);
        count += is_stale;
    }
    *lane = kept;
    return count;
}

struct rpc_call *call_queue_take_stale(struct call_queue *queue, int64_t now_ms)
{
    struct call_lane stale = {0};
    if (queue->all_fresh_ms != 0 && now_ms - queue->all_fresh_ms <= CALL_QUEUE_PAUSE_MS)
        return NULL;
    queue->count -= sort_out(&queue->hurried, now_ms, &stale);
    queue->count -= sort_out(&queue->others, now_ms, &stale);
    queue->all_fresh_ms = stale.first == NULL ? now_ms : 0;
    return stale.first;
}
