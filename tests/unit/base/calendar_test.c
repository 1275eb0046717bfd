#include <stddef.h>

#include "base/calendar.h"
#include "tests/unit/unit.h"

static void days_and_dates_are_each_others(void **state)
{
    (void)state;
    for (int32_t day = -200000; day < 200000; day += 37) {
        int32_t again;
        assert_true(calendar_day_of(calendar_date_of(day), &again));
        assert_int_equal(again, day);
    }
    int32_t day;
    assert_true(calendar_day_of((struct calendar_date){2024, 2, 29}, &day));
    assert_int_equal(day, 19782);
    assert_false(calendar_day_of((struct calendar_date){2023, 2, 29}, &day));
    assert_false(calendar_day_of((struct calendar_date){2023, 0, 1}, &day));
    assert_false(calendar_day_of((struct calendar_date){10000, 1, 1}, &day));
}

static void dates_of_pages_and_headers_are_read(void **state)
{
    (void)state;
    static const struct {
        const char *text;
        int64_t seconds; /* -1: no date */
    } rows[] = {
        {"1970-01-02", 86400},
        {"1970-01-02T00:00:05Z", 86405},
        {"1970-01-02T01:00:00.123+01:00", 86400},
        {"1970-01-01T22:30:00-0130", 86400},
        {" 1970-01-02 00:01", 86460},
        {"Fri, 02 Jan 1970 00:00:07 GMT", 86407},
        {"Fri, 02 Jan 1970 00:00:07 CET", -1},
        {"Fri, 2 Jan 1970 00:00:07 GMT", -1},
        {"1970-01-0", -1},
        {"1970-01-023", -1},
        {"1970-02-30", -1},
        {"1970-01-02T99:00", -1},
        {"yesterday", -1},
        {", ", -1},
        {"", -1},
    };
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        int64_t time_us = 77;
        bool is_date = calendar_parse(rows[i].text, &time_us);
        if (is_date != (rows[i].seconds >= 0))
            print_message("%s\n", rows[i].text);
        assert_int_equal(is_date, rows[i].seconds >= 0);
        assert_int_equal(time_us, is_date ? rows[i].seconds * 1000000 : 77);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(days_and_dates_are_each_others),
        cmocka_unit_test(dates_of_pages_and_headers_are_read),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
