#include "downloader/bandwidth.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

enum { RATE = 10000, READ = 3000, SECOND_US = 1000 * 1000 };

/* Bytes that are read in a second by somebody who looks as often as this. */
static uint64_t read_for_a_second(struct bandwidth *bandwidth, int64_t from_us, int64_t step_us)
{
    uint64_t bytes = 0;
    for (int64_t at_us = from_us; at_us < from_us + SECOND_US; at_us += step_us) {
        if (!bandwidth_has_credit(bandwidth, at_us))
            continue;
        bandwidth_take(bandwidth, READ);
        bytes += READ;
    }
    return bytes;
}

static void so_much_is_read_a_second_however_often_one_looks(void **state)
{
    (void)state;
    static const int64_t steps_us[] = {7, 130, 9999, 100000};
    for (unsigned i = 0; i < 4; i++) {
        struct bandwidth bandwidth = {0};
        uint64_t bytes = 0;
        bandwidth_set(&bandwidth, RATE, 0);
        for (int second = 0; second < 10; second++)
            bytes += read_for_a_second(&bandwidth, (int64_t)second * SECOND_US, steps_us[i]);
        assert_in_range(bytes, 10 * RATE - READ, 10 * RATE + READ);
    }
}

static void a_silence_is_made_up_for_only_so_far(void **state)
{
    (void)state;
    struct bandwidth bandwidth = {0};
    bandwidth_set(&bandwidth, RATE, 0);
    assert_in_range(read_for_a_second(&bandwidth, (int64_t)3600 * SECOND_US, 1000), RATE,
                    RATE + RATE * BANDWIDTH_BURST_MS / 1000 + READ);
}

static void it_says_when_there_is_credit_again(void **state)
{
    (void)state;
    struct bandwidth bandwidth = {0};
    bandwidth_set(&bandwidth, RATE, 0);
    assert_int_equal(bandwidth_wait_ms(&bandwidth, SECOND_US), 0);
    bandwidth_take(&bandwidth, RATE); /* with what was saved: three quarters of a second */
    int64_t wait_ms = bandwidth_wait_ms(&bandwidth, SECOND_US);
    assert_in_range(wait_ms, 750, 760);
    assert_false(bandwidth_has_credit(&bandwidth, SECOND_US + (wait_ms - 10) * 1000));
    assert_true(bandwidth_has_credit(&bandwidth, SECOND_US + wait_ms * 1000));
}

static void without_a_rate_there_is_no_limit(void **state)
{
    (void)state;
    struct bandwidth bandwidth = {0};
    bandwidth_take(&bandwidth, 1 << 30);
    assert_int_equal(bandwidth_wait_ms(&bandwidth, 1), 0);
    bandwidth_set(&bandwidth, RATE, 2);
    bandwidth_take(&bandwidth, 1 << 30);
    assert_false(bandwidth_has_credit(&bandwidth, 3));
    bandwidth_set(&bandwidth, 0, 4); /* the debt is forgotten */
    assert_true(bandwidth_has_credit(&bandwidth, 5));
}

static void the_least_and_the_greatest_rate_work(void **state)
{
    (void)state;
    struct bandwidth bandwidth = {0};
    bandwidth_set(&bandwidth, 1, 0);
    assert_false(bandwidth_has_credit(&bandwidth, SECOND_US - 1));
    assert_true(bandwidth_has_credit(&bandwidth, 2 * SECOND_US));
    bandwidth_set(&bandwidth, UINT64_MAX, 0);
    bandwidth_take(&bandwidth, SIZE_MAX / 4);
    assert_true(bandwidth_has_credit(&bandwidth, INT64_MAX));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(so_much_is_read_a_second_however_often_one_looks),
        cmocka_unit_test(a_silence_is_made_up_for_only_so_far),
        cmocka_unit_test(it_says_when_there_is_credit_again),
        cmocka_unit_test(without_a_rate_there_is_no_limit),
        cmocka_unit_test(the_least_and_the_greatest_rate_work),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
