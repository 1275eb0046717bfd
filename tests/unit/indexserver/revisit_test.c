#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdlib.h>

#include "indexserver/revisit.h"

enum { DAY = 24 * 3600 };

static void bounds_that_nobody_gave_are_an_eighth_of_the_interval_and_eight(void **state)
{
    (void)state;
    struct revisit_bounds bounds = revisit_bounds(8 * DAY, 0, 0, false);
    assert_int_equal(bounds.first_s, 8 * DAY);
    assert_int_equal(bounds.min_s, DAY);
    assert_int_equal(bounds.max_s, 64 * DAY);
    bounds = revisit_bounds(0, 0, 0, false);
    assert_int_equal(bounds.first_s, 7 * DAY);
}

static void a_bound_of_the_source_moves_what_lies_beyond_it(void **state)
{
    (void)state;
    struct revisit_bounds bounds = revisit_bounds(8 * DAY, 0, 3600, false);
    assert_int_equal(bounds.min_s, 3600);
    assert_int_equal(bounds.max_s, 3600);
    assert_int_equal(bounds.first_s, 3600);
    bounds = revisit_bounds(8 * DAY, 100 * DAY, 0, false);
    assert_int_equal(bounds.min_s, 100 * DAY);
    assert_int_equal(bounds.max_s, 100 * DAY);
    bounds = revisit_bounds(8 * DAY, 3600, 7200, false);
    assert_int_equal(bounds.first_s, 7200);
    bounds = revisit_bounds(1, 0, 0, false); /* never none at all */
    assert_int_equal(bounds.min_s, 1);
    bounds = revisit_bounds(UINT32_MAX, 0, 0, false);
    assert_int_equal(bounds.max_s, UINT32_MAX);
}

static void a_sitemap_is_looked_at_eight_times_as_often_as_a_page(void **state)
{
    (void)state;
    struct revisit_bounds bounds = revisit_bounds(8 * DAY, 0, 0, true);
    assert_int_equal(bounds.first_s, DAY);
    assert_int_equal(bounds.min_s, DAY / 8);
    assert_int_equal(bounds.max_s, 8 * DAY);
}

static void a_page_that_changes_is_looked_at_sooner_one_that_does_not_later(void **state)
{
    (void)state;
    struct revisit_bounds bounds = revisit_bounds(8 * DAY, 0, 0, false);
    uint32_t interval = revisit_next(&bounds, 0, REVISIT_NEW);
    assert_int_equal(interval, 8 * DAY);
    assert_int_equal(revisit_next(&bounds, interval, REVISIT_UNCHANGED), 12 * DAY);
    assert_int_equal(revisit_next(&bounds, 12 * DAY, REVISIT_CHANGED), 8 * DAY);
    assert_int_equal(revisit_next(&bounds, interval, REVISIT_MOVED), 64 * DAY);
    for (int i = 0; i < 50; i++)
        interval = revisit_next(&bounds, interval, REVISIT_UNCHANGED);
    assert_int_equal(interval, bounds.max_s);
    for (int i = 0; i < 50; i++)
        interval = revisit_next(&bounds, interval, REVISIT_CHANGED);
    assert_int_equal(interval, bounds.min_s);
    bounds = revisit_bounds(1, 0, 0, false); /* even the shortest can grow */
    assert_int_equal(revisit_next(&bounds, 1, REVISIT_UNCHANGED), 2);
}

/* A page that changes by chance, 1/3 of a change each day on average: e^-(interval/3 days) is the
 * share of looks that find none, which is a half at 3 ln 2 days. */
static void a_page_settles_where_every_second_look_finds_a_change(void **state)
{
    (void)state;
    static const uint32_t mean_s = 3 * DAY;
    struct revisit_bounds bounds = revisit_bounds(8 * DAY, 3600, 0, false);
    uint32_t interval = bounds.first_s;
    uint64_t sum = 0;
    unsigned changes = 0, looks = 4000;
    srandom(7);
    for (unsigned i = 0; i < looks; i++) {
        /* Bernoulli trials of hours stand in for the exponential distribution. */
        bool changed = false;
        for (uint32_t hour = 0; hour < interval / 3600 && !changed; hour++)
            changed = (uint64_t)random() * mean_s / 3600 < (uint64_t)RAND_MAX;
        changes += changed;
        interval = revisit_next(&bounds, interval, changed ? REVISIT_CHANGED : REVISIT_UNCHANGED);
        sum += interval;
    }
    assert_in_range(changes * 100 / looks, 45, 55);
    assert_in_range(sum / looks, mean_s * 5 / 10, mean_s * 11 / 10);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(bounds_that_nobody_gave_are_an_eighth_of_the_interval_and_eight),
        cmocka_unit_test(a_bound_of_the_source_moves_what_lies_beyond_it),
        cmocka_unit_test(a_sitemap_is_looked_at_eight_times_as_often_as_a_page),
        cmocka_unit_test(a_page_that_changes_is_looked_at_sooner_one_that_does_not_later),
        cmocka_unit_test(a_page_settles_where_every_second_look_finds_a_change),
    };
    return cmocka_run_group_tests_name("indexserver/revisit", tests, NULL, NULL);
}
