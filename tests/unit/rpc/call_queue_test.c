/* Calls that wait: their order, their number, and what it costs to throw the old ones out. */

#include <stdatomic.h>

#include "rpc/call_queue.h"
#include "rpc/server_parts.h"
#include "tests/unit/unit.h"

enum { NOW_MS = 1000000, COUNT = 4 };

/* All wait until a minute after NOW_MS. */
static void fill(struct call_queue *queue, struct rpc_call calls[COUNT])
{
    for (unsigned i = 0; i < COUNT; i++) {
        calls[i] = (struct rpc_call){.deadline_ms = NOW_MS + 60000, .goes_first = i == 2};
        assert_true(call_queue_push(queue, &calls[i], COUNT));
    }
}

static void what_goes_first_is_popped_first(void **state)
{
    (void)state;
    static const unsigned order[COUNT] = {2, 0, 1, 3};
    struct rpc_call calls[COUNT], more = {0};
    struct call_queue queue = {0};
    fill(&queue, calls);
    assert_false(call_queue_push(&queue, &more, COUNT));
    for (unsigned i = 0; i < COUNT; i++)
        assert_ptr_equal(call_queue_pop(&queue), &calls[order[i]]);
    assert_null(call_queue_pop(&queue));
}

static void stale_calls_are_taken_out_and_the_others_keep_their_order(void **state)
{
    (void)state;
    struct rpc_call calls[COUNT];
    struct call_queue queue = {0};
    fill(&queue, calls);
    calls[0].deadline_ms = NOW_MS;
    atomic_store(&calls[2].cancelled, true);
    struct rpc_call *stale = call_queue_take_stale(&queue, NOW_MS);
    assert_ptr_equal(stale, &calls[2]);
    assert_ptr_equal(stale->queue_next, &calls[0]);
    assert_null(stale->queue_next->queue_next);
    assert_int_equal(queue.count, 2);
    assert_ptr_equal(call_queue_pop(&queue), &calls[1]);
    assert_ptr_equal(call_queue_pop(&queue), &calls[3]);
}

static void a_search_in_vain_is_not_repeated_for_a_while(void **state)
{
    (void)state;
    struct rpc_call calls[COUNT];
    struct call_queue queue = {0};
    fill(&queue, calls);
    assert_null(call_queue_take_stale(&queue, NOW_MS));
    atomic_store(&calls[1].cancelled, true);
    assert_null(call_queue_take_stale(&queue, NOW_MS + CALL_QUEUE_PAUSE_MS));
    assert_int_equal(queue.count, COUNT);
    assert_ptr_equal(call_queue_take_stale(&queue, NOW_MS + CALL_QUEUE_PAUSE_MS + 1), &calls[1]);
    atomic_store(&calls[3].cancelled, true); /* one that found something is */
    assert_ptr_equal(call_queue_take_stale(&queue, NOW_MS + CALL_QUEUE_PAUSE_MS + 1), &calls[3]);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_goes_first_is_popped_first),
        cmocka_unit_test(stale_calls_are_taken_out_and_the_others_keep_their_order),
        cmocka_unit_test(a_search_in_vain_is_not_repeated_for_a_while),
    };
    return cmocka_run_group_tests_name("call_queue", tests, NULL, NULL);
}
