/* What of a query belongs to a page's URL. */
#include "tests/unit/unit.h"

#include <stdio.h>
#include <string.h>

#include "crawl/url_query.h"

static const char *apply(enum url_query_policy policy, const char *text)
{
    static char *names[] = {(char *)"sort", (char *)"ref*"};
    static char result[URL_BYTES_MAX + 1];
    const struct url_query_rule rule = {policy, names, 2};
    struct arena arena = {0};
    struct url url, made;
    bool changed;
    assert_int_equal(url_parse(text, strlen(text), NULL, &arena, &url, NULL), STATUS_OK);
    assert_int_equal(url_query_apply(&url, &rule, &arena, &made, &changed, NULL), STATUS_OK);
    assert_int_equal(changed, strcmp(url.text, made.text) != 0);
    snprintf(result, sizeof(result), "%s", made.text);
    arena_release(&arena);
    return result;
}

struct query_case {
    const char *text, *wanted;
};

static void assert_all(enum url_query_policy policy, const struct query_case *cases, size_t count)
{
    for (size_t i = 0; i < count; i++)
        assert_string_equal(apply(policy, cases[i].text), cases[i].wanted);
}

static void tracking_and_sessions_are_no_part_of_a_page(void **state)
{
    (void)state;
    static const struct query_case cases[] = {
        {"http://a/x", "http://a/x"},
        {"http://a/x?a=1&b=2", "http://a/x?a=1&b=2"},
        {"http://a/x?utm_source=n&a=1&utm_medium=m&b=2&fbclid=z", "http://a/x?a=1&b=2"},
        {"http://a/x?utm_source=n", "http://a/x"},
        {"http://a/x?UTM_Source=n&GCLID=1", "http://a/x"},
        {"http://a/x?utm_source", "http://a/x"},
        {"http://a/x?utmost=1&gclids=2&_ga_x=3", "http://a/x?utmost=1&gclids=2&_ga_x=3"},
        {"http://a/x?PHPSESSID=1&p=2", "http://a/x?p=2"},
        {"http://a/x?a&&b", "http://a/x?a&&b"},
        {"http://a/x?utm_a=1&&b", "http://a/x?&b"},
        {"http://a/x;jsessionid=0A1B.n1?q=1", "http://a/x?q=1"},
        {"http://a/x;JSESSIONID=0A1B/y;v=1/z", "http://a/x/y;v=1/z"},
        {"http://a/;jsessionid=1", "http://a/"},
        {"http://a/x;jsessionid", "http://a/x;jsessionid"},
        /* a name that may mean something else says so by its value */
        {"http://a/x?sid=42&t=1", "http://a/x?sid=42&t=1"},
        {"http://a/x?sid=1c9b40b4d5d3a6a4cc7e5b8b35b1e1a2&t=1", "http://a/x?t=1"},
        {"http://a/x?session=afternoon-keynote", "http://a/x?session=afternoon-keynote"},
        {"http://a/x?s=search+words", "http://a/x?s=search+words"},
    };
    assert_all(URL_QUERY_KEEP, cases, sizeof(cases) / sizeof(cases[0]));
}

static void listed_names_are_dropped_besides(void **state)
{
    (void)state;
    static const struct query_case cases[] = {
        {"http://a/x?sort=up&a=1&ref=2&referrer=3&utm_x=4", "http://a/x?a=1"},
        {"http://a/x?sorted=1&are=2", "http://a/x?sorted=1&are=2"},
    };
    assert_all(URL_QUERY_DROP_LISTED, cases, sizeof(cases) / sizeof(cases[0]));
    assert_string_equal(apply(URL_QUERY_KEEP, "http://a/x?sort=up"), "http://a/x?sort=up");
}

static void all_or_nothing_may_be_dropped(void **state)
{
    (void)state;
    assert_string_equal(apply(URL_QUERY_DROP_ALL, "http://a/x;jsessionid=1/?a=1&b"), "http://a/x/");
    assert_string_equal(apply(URL_QUERY_KEEP_ALL, "http://a/x;jsessionid=1?utm_a=1"),
                        "http://a/x;jsessionid=1?utm_a=1");
}

static void what_comes_of_it_is_its_own_form(void **state)
{
    (void)state;
    static const char *const texts[] = {"http://a/x;sid=1c9b40b4d5d3a6a4cc7e5b8b35;sid=2/;cfid=1",
                                        "http://a/?a&utm_x&&b=%C3%BC&phpsessid=;",
                                        "https://a:8443//;;x;jsessionid=1//?&&&"};
    for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]); i++) {
        char once[URL_BYTES_MAX + 1];
        snprintf(once, sizeof(once), "%s", apply(URL_QUERY_KEEP, texts[i]));
        assert_string_equal(apply(URL_QUERY_KEEP, once), once);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(tracking_and_sessions_are_no_part_of_a_page),
        cmocka_unit_test(listed_names_are_dropped_besides),
        cmocka_unit_test(all_or_nothing_may_be_dropped),
        cmocka_unit_test(what_comes_of_it_is_its_own_form),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
