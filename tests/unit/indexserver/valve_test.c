#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <string.h>

#include "indexserver/valve.h"

#define DAY_US  ((int64_t)24 * 3600 * 1000000)
#define WEEK_S  (7 * 24 * 3600)
#define WEEK_US (7 * DAY_US)

/* How many of `held` pages go, one every second from `time_us` on. */
static unsigned lose(struct valve *valve, unsigned held, int64_t time_us)
{
    unsigned gone = 0;
    for (unsigned i = 0; i < held; i++) {
        if (valve_lets_go(valve, held - gone, WEEK_S, time_us + (int64_t)i * 1000000))
            gone++;
        else
            valve->kept++;
    }
    return gone;
}

static void a_fifth_of_the_pages_may_go_and_no_more(void **state)
{
    (void)state;
    struct valve valve = {0};
    assert_int_equal(lose(&valve, 1000, DAY_US), 200);
    assert_true(valve.closed);
    assert_int_equal(valve.kept, 800);
}

static void nine_pages_may_go_whatever_share_they_are(void **state)
{
    (void)state;
    struct valve valve = {0}, few = {0};
    assert_int_equal(lose(&valve, 12, DAY_US), 9);
    assert_true(valve.closed);
    assert_int_equal(lose(&few, 9, DAY_US), 9);
    assert_false(few.closed);
}

static void losses_of_an_earlier_window_do_not_count(void **state)
{
    (void)state;
    struct valve valve = {0};
    unsigned held = 1000;
    for (int week = 1; week < 20; week++) {
        for (int i = 0; i < 90 && held > 800; i++, held--)
            assert_true(valve_lets_go(&valve, held, WEEK_S, week * (WEEK_US + DAY_US) + i));
    }
    assert_false(valve.closed);
}

static void new_pages_make_up_for_lost_ones(void **state)
{
    (void)state;
    struct valve valve = {0};
    for (int i = 0; i < 1000; i++) {
        assert_true(valve_lets_go(&valve, 100, WEEK_S, DAY_US + i));
        valve_gain(&valve);
    }
    valve_gain(&valve);
    assert_int_equal(valve.lost, 0);
}

static void a_closed_valve_stays_closed_until_nothing_is_kept_any_more(void **state)
{
    (void)state;
    struct valve valve = {0};
    lose(&valve, 100, DAY_US);
    assert_false(valve_lets_go(&valve, 80, WEEK_S, 100 * WEEK_US));
    while (valve.kept > 1)
        valve_settle(&valve);
    assert_true(valve.closed);
    valve_settle(&valve);
    assert_false(valve.closed);
    valve_settle(&valve);
    assert_int_equal(valve.kept, 0);
    assert_true(valve_lets_go(&valve, 80, WEEK_S, 100 * WEEK_US));
}

static void the_owners_word_lets_everything_go_while_losses_follow_each_other(void **state)
{
    (void)state;
    struct valve valve = {0};
    lose(&valve, 100, DAY_US);
    valve_confirm(&valve, 2 * DAY_US);
    assert_int_equal(lose(&valve, 80, 2 * DAY_US + DAY_US / 2), 80);
    valve_confirm(&valve, 10 * DAY_US); /* and not for ever */
    assert_int_equal(lose(&valve, 100, 12 * DAY_US), 20);
}

static void a_valve_reads_back(void **state)
{
    (void)state;
    struct valve valve = {.window_us = -5,
                          .confirmed_us = INT64_MAX,
                          .held = 8,
                          .lost = 7,
                          .kept = UINT32_MAX,
                          .closed = true};
    struct valve again;
    uint8_t bytes[VALVE_BYTES], bytes_again[VALVE_BYTES];
    memset(&again, 0xee, sizeof(again));
    valve_encode(&valve, bytes);
    valve_decode(bytes, &again);
    valve_encode(&again, bytes_again);
    assert_memory_equal(bytes, bytes_again, sizeof(bytes));
    assert_int_equal(again.window_us, -5);
    assert_int_equal(again.kept, UINT32_MAX);
    assert_true(again.closed);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_fifth_of_the_pages_may_go_and_no_more),
        cmocka_unit_test(nine_pages_may_go_whatever_share_they_are),
        cmocka_unit_test(losses_of_an_earlier_window_do_not_count),
        cmocka_unit_test(new_pages_make_up_for_lost_ones),
        cmocka_unit_test(a_closed_valve_stays_closed_until_nothing_is_kept_any_more),
        cmocka_unit_test(the_owners_word_lets_everything_go_while_losses_follow_each_other),
        cmocka_unit_test(a_valve_reads_back),
    };
    return cmocka_run_group_tests_name("indexserver/valve", tests, NULL, NULL);
}
