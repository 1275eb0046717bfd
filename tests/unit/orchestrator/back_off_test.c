#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "orchestrator/back_off.h"

static void the_wait_doubles_up_to_ten_seconds(void **state)
{
    (void)state;
    static const uint32_t waits[] = {100, 200, 400, 800, 1600, 3200, 6400, 10000, 10000, 10000};
    struct back_off back_off = {0};
    for (unsigned i = 0; i < sizeof(waits) / sizeof(waits[0]); i++)
        assert_int_equal(back_off_failed(&back_off, 1000 * i, 10, 0), waits[i]);
    for (unsigned i = 0; i < 1000; i++)
        assert_int_equal(back_off_failed(&back_off, 20000 + i, 10, 0), 10000);
}

static void thirty_healthy_seconds_begin_anew(void **state)
{
    (void)state;
    struct back_off back_off = {0};
    back_off_failed(&back_off, 1000, 10, 0);
    back_off_failed(&back_off, 2000, 10, 0);
    assert_int_equal(back_off_failed(&back_off, 40000, 29999, 0), 400);
    assert_int_equal(back_off_failed(&back_off, 80000, 30000, 0), 100);
}

static void the_first_failures_can_be_free(void **state)
{
    (void)state;
    static const uint32_t waits[] = {0, 0, 0, 100, 200};
    struct back_off back_off = {0};
    for (unsigned i = 0; i < sizeof(waits) / sizeof(waits[0]); i++)
        assert_int_equal(back_off_failed(&back_off, 1000 * i, 10, 3), waits[i]);
}

static void failures_of_the_last_minute_are_counted(void **state)
{
    (void)state;
    struct back_off back_off = {0};
    assert_int_equal(back_off_last_minute(&back_off, 5000), 0);
    back_off_failed(&back_off, 1000, 10, 0);
    back_off_failed(&back_off, 50000, 10, 0);
    assert_int_equal(back_off_last_minute(&back_off, 60000), 2);
    assert_int_equal(back_off_last_minute(&back_off, 61000), 1);
    assert_int_equal(back_off_last_minute(&back_off, 200000), 0);
    for (unsigned i = 0; i < 40; i++)
        back_off_failed(&back_off, 300000 + i, 10, 0);
    assert_int_equal(back_off_last_minute(&back_off, 300100), BACK_OFF_RECENT);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_wait_doubles_up_to_ten_seconds),
        cmocka_unit_test(thirty_healthy_seconds_begin_anew),
        cmocka_unit_test(the_first_failures_can_be_free),
        cmocka_unit_test(failures_of_the_last_minute_are_counted),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
