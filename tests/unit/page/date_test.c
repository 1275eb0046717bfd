#include <stdio.h>
#include <string.h>

#include "base/check.h"
#include "page/date.h"
#include "tests/unit/unit.h"

static void check(const char *text, int64_t seconds)
{
    int64_t time_us = 77;
    char exact[DATE_BYTES_MAX + 8];
    size_t size = strlen(text);
    memcpy(exact, text, size); /* not terminated */
    memset(exact + size, '9', sizeof(exact) - size);
    bool is_date = date_parse(exact, size, &time_us);
    if (is_date != (seconds >= 0) || time_us != (is_date ? seconds * 1000000 : 77))
        fail_msg("%s: %lld", text, (long long)time_us);
}

static void every_form_of_w3c_s_profile_is_read(void **state)
{
    (void)state;
    check("1997", 852076800);
    check("1997-07", 867715200);
    check("1997-07-16", 869011200);
    check("1997-07-16T19:20+01:00", 869077200);
    check("1997-07-16T19:20:30+01:00", 869077230);
    check("1997-07-16T19:20:30.45+01:00", 869077230);
    check("1997-07-16T18:20:30Z", 869077230);
    check("1997-07-16T18:20:30", 869077230);
    check("1997-07-16t18:20:30z", 869077230);
    check("1997-07-16 18:20:30", 869077230);
    check("1997-07-16 19:20:30 +0100", 869077230);
    check("1997-07-16T15:50:30-0230", 869077230);
    check("1997-7-6", 868147200);
    check("19970716", 869011200);
    check("19970716T182030Z", 869077230);
    check("\n 1997-07-16\t", 869011200);
    check("1997-07-15T24:00:00Z", 869011200);
    check("1997-12-31T23:59:60Z", 883612800);
}

static void every_form_of_mail_and_http_is_read(void **state)
{
    (void)state;
    check("Sun, 06 Nov 1994 08:49:37 GMT", 784111777);
    check("Sunday, 06-Nov-94 08:49:37 GMT", 784111777);
    check("Sun Nov  6 08:49:37 1994", 784111777);
    check("6 Nov 94 08:49:37 UT", 784111777);
    check("Sun, 6 November 1994 03:49:37 EST", 784111777);
    check("06 Nov 1994 09:49:37 +0100", 784111777);
    check("06 Nov 1994 09:49:37 +0100 (CET)", 784111777);
    check("Sun, 06 Nov 1994 08:49 Z", 784111740);
    check("06-Nov-1994 00:49:37 pst", 784111777);
    check("6 Nov 1994", 784080000);
    check("Tue, 6 Nov 49 00:00:00 GMT", 2519769600);
    int64_t time_us;
    assert_true(date_parse("Mon, 6 Nov 50 00:00:00 GMT", 26, &time_us));
    assert_int_equal(time_us, -604454400 * INT64_C(1000000));
}

static void what_is_no_date_is_none(void **state)
{
    (void)state;
    static const char *const rows[] = {"",
                                       "soon",
                                       "199",
                                       "1997-13",
                                       "1997-02-30",
                                       "1997-07-16T",
                                       "1997-07-16T25:00",
                                       "1997-07-16T10:60",
                                       "1997-07-16T10:00:00+15:00",
                                       "1997-07-16T10:00:00+0100x",
                                       "1997-07-16x",
                                       "1997--07",
                                       "06 Nov 1994 08:49:37",
                                       "06 Nov 1994 08:49:37 XYZ",
                                       "32 Nov 1994 08:49:37 GMT",
                                       "06 Nov",
                                       "Nov 1994",
                                       "06 06 1994",
                                       "06 Nov 1994 1994",
                                       "06 Nov 1994 08:49:37 GMT GMT",
                                       "00-00-0000"};
    for (size_t i = 0; i < ARRAY_COUNT(rows); i++)
        check(rows[i], -1);
    int64_t time_us;
    char text[DATE_BYTES_MAX + 2];
    memset(text, '1', sizeof(text));
    assert_false(date_parse(text, sizeof(text), &time_us));
    assert_false(date_parse("1997\0", 5, &time_us));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_form_of_w3c_s_profile_is_read),
        cmocka_unit_test(every_form_of_mail_and_http_is_read),
        cmocka_unit_test(what_is_no_date_is_none),
    };
    return cmocka_run_group_tests_name("date", tests, NULL, NULL);
}
