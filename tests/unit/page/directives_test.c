#include <string.h>

#include "base/check.h"
#include "page/directives.h"
#include "tests/unit/unit.h"

static const int64_t now_us = INT64_C(1700000000) * 1000000; /* 2023-11-14 */

static struct directives of_meta(const char *name, const char *list)
{
    struct directives directives = {.now_us = now_us};
    directives_add_meta(&directives, name, list);
    return directives;
}

static struct directives of_headers(const char *lines)
{
    struct directives directives = {.now_us = now_us};
    directives_add_headers(&directives, lines);
    return directives;
}

/* "if" for noindex and nofollow, and so on. */
static void check(struct directives directives, const char *text, const char *expected)
{
    char found[5] = {directives.noindex ? 'i' : '-', directives.nofollow ? 'f' : '-',
                     directives.noarchive ? 'a' : '-', directives.nosnippet ? 's' : '-'};
    if (strcmp(found, expected) != 0)
        fail_msg("%s instead of %s: %s", found, expected, text);
    assert_int_equal(directives.noindex_by[0] != '\0', directives.noindex);
    assert_int_equal(directives.nofollow_by[0] != '\0', directives.nofollow);
}

static void lists_are_read_however_they_are_spaced(void **state)
{
    (void)state;
    static const char *const rows[][2] = {
        {"noindex", "i---"},
        {" NoIndex ,\tNOFOLLOW\n", "if--"},
        {"none", "if--"},
        {",,noarchive,", "--a-"},
        {"nocache, nosnippet", "--as"},
        {"noindex nofollow", "if--"},
        {"noindex;nofollow; noarchive", "ifa-"},
        {"noindex nofollow nositelinkssearchbox", "if--"},
        {"noindex unknownword", "i---"},
        {"noindex|nofollow", "if--"},
        {"max-snippet: 50 noindex", "i---"},
        {"noindex max-snippet:50", "i---"},
        {"unavailable_after:2010-01-01 noindex, nofollow", "if--"},
        {"unavailable_after: 25 Jun 2030 15:00:00 GMT nofollow", "-f--"},
        {"max-image-preview:none max-snippet:0", "---s"},
        {"index, follow", "----"},
        {"all", "----"},
        {"none of it is for robots", "----"},
        {"noindexing", "----"},
        {"no index", "----"},
        {"max-snippet:0", "---s"},
        {"max-image-preview: none", "----"},
        {"unavailable_after: none", "----"},
        {"", "----"},
    };
    for (size_t i = 0; i < ARRAY_COUNT(rows); i++) {
        check(of_meta("ROBOTS", rows[i][0]), rows[i][0], rows[i][1]);
        check(of_headers(rows[i][0]), rows[i][0], rows[i][1]);
    }
}

static void only_what_is_for_all_or_for_us_counts(void **state)
{
    (void)state;
    static const char *const rows[][2] = {
        {"tierce: noindex", "i---"},
        {"Tierce : noindex, nofollow", "if--"},
        {"robots: noindex", "i---"},
        {"*: noindex", "i---"},
        {"otherbot: noindex, nofollow", "----"},
        {"otherbot: noindex\nnofollow", "-f--"},
        {"noarchive, otherbot: noindex, nofollow", "--a-"},
        {"otherbot: noindex, tierce: nofollow", "-f--"},
        {"tierce: nofollow, otherbot: noindex, noarchive", "-f--"},
        {"tierce: none\notherbot: nosnippet", "if--"},
        {"otherbot: max-snippet:0", "----"},
        {"otherbot: unavailable_after: 2001-01-01", "----"},
        {"otherbot: unavailable_after: Wed, 25 Jun 2010 15:00:00 PST, noindex", "----"},
        {"tierce: unavailable_after: Wed, 25 Jun 2010 15:00:00 PST, noarchive", "i-a-"},
        {"tiercer: noindex", "----"},
        {": noindex", "----"},
    };
    for (size_t i = 0; i < ARRAY_COUNT(rows); i++)
        check(of_headers(rows[i][0]), rows[i][0], rows[i][1]);
    check(of_meta("tierce", "noindex"), "meta", "i---");
    check(of_meta("otherbot", "noindex"), "meta", "----");
    check(of_meta("googlebot", "noindex"), "meta", "----");
}

static void it_is_said_where_it_was_asked_first(void **state)
{
    (void)state;
    struct directives directives = of_headers("otherbot: noindex\n noindex, noarchive \nnone");
    assert_string_equal(directives.noindex_by, "X-Robots-Tag: noindex, noarchive");
    assert_string_equal(directives.nofollow_by, "X-Robots-Tag: none");
    directives_add_meta(&directives, "robots", "noindex");
    assert_string_equal(directives.noindex_by, "X-Robots-Tag: noindex, noarchive");
    directives = of_meta("Robots", "noindex");
    assert_string_equal(directives.noindex_by, "meta robots in the page");
    assert_string_equal(of_meta("tierce", "none").nofollow_by, "meta tierce in the page");
    assert_string_equal(of_meta("robots", "unavailable_after: 2001-01-01").noindex_by,
                        "meta robots in the page (unavailable_after, which has passed)");
}

static void what_is_unavailable_after_a_time_that_has_passed_is_not_indexed(void **state)
{
    (void)state;
    static const struct {
        const char *text;
        int64_t seconds;
    } rows[] = {
        {"unavailable_after: 25 Jun 2010 15:00:00 PST", 1277506800},
        {"unavailable_after:Wednesday, 25-Jun-10 15:00:00 GMT", 1277478000},
        {"unavailable_after: Fri, 25 Jun 2010 15:00:00 +0200", 1277470800},
        {"unavailable_after: 2010-06-25T15:00:00Z, noarchive", 1277478000},
        {"UNAVAILABLE_AFTER : 2010-06-25", 1277424000},
        {"unavailable_after: 25-Jun-2010 15:00:00", 1277478000},
        {"unavailable_after: 2033-05-18T03:33:20Z", 2000000000},
        {"unavailable_after: 2033-05-18T03:33:20Z, unavailable_after: 2034-01-01", 2000000000},
        {"unavailable_after: tomorrow", 0},
        {"unavailable_after:", 0},
        {"unavailable_after: , noarchive", 0},
    };
    for (size_t i = 0; i < ARRAY_COUNT(rows); i++) {
        struct directives found = of_meta("robots", rows[i].text);
        assert_int_equal(found.unavailable_after_us, rows[i].seconds * 1000000);
        assert_int_equal(found.noindex, rows[i].seconds > 0 && rows[i].seconds < 1700000000);
        assert_int_equal(of_headers(rows[i].text).unavailable_after_us, rows[i].seconds * 1000000);
    }
}

static void of_several_limits_the_strictest_holds(void **state)
{
    (void)state;
    static const struct {
        const char *text;
        int32_t characters;
    } rows[] = {
        {"max-snippet:50", 50},
        {"max-snippet: 50, max-snippet:20", 20},
        {"max-snippet:20\nmax-snippet:50", 20},
        {"tierce: max-snippet:30, otherbot: max-snippet:10", 30},
        {"max-snippet:-1", 0},
        {"max-snippet:-1, max-snippet:7", 7},
        {"max-snippet:many", 0},
        {"max-snippet:99999999999999999999", 0},
        {"max-snippet:", 0},
    };
    for (size_t i = 0; i < ARRAY_COUNT(rows); i++) {
        struct directives found = of_headers(rows[i].text);
        assert_int_equal(found.max_snippet, rows[i].characters);
        assert_false(found.nosnippet);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(lists_are_read_however_they_are_spaced),
        cmocka_unit_test(only_what_is_for_all_or_for_us_counts),
        cmocka_unit_test(it_is_said_where_it_was_asked_first),
        cmocka_unit_test(what_is_unavailable_after_a_time_that_has_passed_is_not_indexed),
        cmocka_unit_test(of_several_limits_the_strictest_holds),
    };
    return cmocka_run_group_tests_name("directives", tests, NULL, NULL);
}
