/* Any range of days is the union of few runs of keys: compared with looking at every day. */
#include <stdlib.h>
#include <string.h>

#include "base/calendar.h"
#include "index/dates.h"
#include "index/document_keys.h"
#include "index/segment.h"
#include "tests/unit/unit.h"

static bool run_has(const struct date_run *run, uint32_t day)
{
    uint8_t key[DATE_KEY_MAX];
    uint32_t size = date_key(run->first[0], day, key);
    assert_int_equal(size, run->key_size);
    return memcmp(key, run->first, size) >= 0 && memcmp(key, run->last, size) <= 0;
}

static void expect_range(uint32_t begin, uint32_t end, uint32_t from, uint32_t to)
{
    struct date_run runs[DATE_RUNS_MAX];
    uint32_t count = date_runs(begin, end, runs);
    assert_true(count <= DATE_RUNS_MAX);
    for (uint32_t day = from; day < to; day++) {
        uint32_t having = 0;
        for (uint32_t i = 0; i < count; i++)
            having += run_has(&runs[i], day);
        assert_int_equal(having, day >= begin && day < end);
    }
}

static void every_day_of_a_range_is_in_one_run(void **state)
{
    (void)state;
    uint32_t seed = 3;
    for (int round = 0; round < 300; round++) {
        seed = seed * 1664525 + 1013904223;
        uint32_t begin = 18000 + (seed >> 8) % 2000;
        seed = seed * 1664525 + 1013904223;
        uint32_t end = begin + (seed >> 8) % (round % 2 == 0 ? 70 : 1600);
        expect_range(begin, end, 17900, 21700);
    }
    expect_range(0, DATE_DAY_END, 0, 2000);
    expect_range(0, DATE_DAY_END, DATE_DAY_END - 2000, DATE_DAY_END);
    expect_range(5, 5, 0, 10);
    expect_range(6, 5, 0, 10);
}

static void years_are_one_run(void **state)
{
    (void)state;
    struct date_run runs[DATE_RUNS_MAX];
    assert_int_equal(date_runs(0, DATE_DAY_END, runs), 1);
    assert_memory_equal(runs[0].first,
                        "\x05"
                        "1970",
                        5);
    assert_memory_equal(runs[0].last,
                        "\x05"
                        "2199",
                        5);
}

static void dates_are_read_by_day_month_and_year(void **state)
{
    (void)state;
    static const struct {
        const char *text;
        int64_t day; /* -1: no date */
    } rows[] = {
        {"1970", 0},         {"1970-02", 31},    {"1970-2-1", 31},  {"1971.01.01", 365},
        {"0001", 0},         {"9999", 84006},    {"197", -1},       {"19700", -1},
        {"1970-", -1},       {"1970-0", -1},     {"1970-1-32", -1}, {"", -1},
        {"1970-01-01x", -1}, {"2023-02-29", -1}, {"x", -1},
    };
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        uint32_t day = 77;
        size_t size = strlen(rows[i].text);
        char *exact = malloc(size + (size == 0));
        memcpy(exact, rows[i].text, size);
        bool is_date = date_parse((struct text_slice){exact, size}, &day);
        if (is_date != (rows[i].day >= 0))
            print_message("%s\n", rows[i].text);
        assert_int_equal(is_date, rows[i].day >= 0);
        assert_int_equal(day, is_date ? rows[i].day : 77);
        free(exact);
    }
}

static void a_date_behind_the_fetch_is_none(void **state)
{
    (void)state;
    uint32_t day;
    struct index_document document = {.fetched_unix_us = 100 * CALENDAR_DAY_US,
                                      .modified_unix_us = 7 * CALENDAR_DAY_US};
    assert_true(document_day(&document, &day));
    assert_int_equal(day, 7);
    document.modified_unix_us = 102 * CALENDAR_DAY_US;
    assert_true(document_day(&document, &day));
    assert_int_equal(day, 100);
    document = (struct index_document){.modified_unix_us = -5};
    assert_false(document_day(&document, &day));
    document.fetched_unix_us = INT64_MAX;
    assert_false(document_day(&document, &day));
}

static void content_types_have_short_names(void **state)
{
    (void)state;
    static const char *const rows[][2] = {
        {"text/html", "html"},
        {"TEXT/Plain", "text"},
        {"application/xhtml+xml", "html"},
        {"text/x-markdown", "markdown"},
        {"htm", "html"},
        {"application/pdf", "pdf"},
        {"", ""},
        {"a b", ""},
        {"text/", ""},
    };
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        char name[INDEX_TYPE_MAX];
        size_t size = content_type_name((struct text_slice){rows[i][0], strlen(rows[i][0])}, name);
        assert_int_equal(size, strlen(rows[i][1]));
        assert_memory_equal(name, rows[i][1], size);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_day_of_a_range_is_in_one_run),
        cmocka_unit_test(years_are_one_run),
        cmocka_unit_test(dates_are_read_by_day_month_and_year),
        cmocka_unit_test(a_date_behind_the_fetch_is_none),
        cmocka_unit_test(content_types_have_short_names),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
