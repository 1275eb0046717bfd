/* Which URLs look as if they never ended, and what they have in common. */
#include "crawl/trap.h"

#include <string.h>

#include "base/check.h"
#include "tests/unit/unit.h"

static struct arena arena;

static struct url url_of(const char *path)
{
    struct url url;
    char *text = check_alloc(arena_format(&arena, "http://example.org%s", path));
    assert_int_equal(url_parse(text, strlen(text), NULL, &arena, &url, NULL), STATUS_OK);
    return url;
}

static void a_path_that_repeats_itself_is_a_trap(void **state)
{
    static const char *const traps[] = {
        "/a/a/a/",
        "/docs/img/docs/img/docs/img/x.html",
        "/x/a/b/c/a/b/c/a/b/c",
        "/a/1/a/2/a/3/a/4/a",
        "/1/2/3/4/5/6/7/8/9/10/11/12/13/14/15/16/17/18/19/20/21/22/23/24/25/26/27/28/29/30/31/32/"
        "33",
    };
    static const char *const good[] = {
        "/",         "/a/a/b",        "/2011/11/11/",         "/0/0/0/0",
        "/de/de-at", "/a/b/a/b/page", "/a/1/a/2/a/3/a/4/end", "/boost/mpl/mpl/index.html",
    };
    (void)state;
    for (size_t i = 0; i < ARRAY_COUNT(traps); i++) {
        struct url url = url_of(traps[i]);
        if (trap_shape(&url) == NULL)
            fail_msg("%s is taken", traps[i]);
    }
    for (size_t i = 0; i < ARRAY_COUNT(good); i++) {
        struct url url = url_of(good[i]);
        if (trap_shape(&url) != NULL)
            fail_msg("%s: %s", good[i], trap_shape(&url));
    }
}

static void more_parameters_than_filters_have_are_a_trap(void **state)
{
    struct url few = url_of("/l?a=1&b=2&c=3&d=4&e=5&f=6&g=7&h=8&i=9&j=0&k=1&l=2&m=3&n=4&o=5&p=6");
    struct url many =
        url_of("/l?a=1&b=2&c=3&d=4&e=5&f=6&g=7&h=8&i=9&j=0&k=1&l=2&m=3&n=4&o=5&p=6&q=7");
    (void)state;
    assert_null(trap_shape(&few));
    assert_non_null(strstr(trap_shape(&many), "parameters"));
}

static void numbers_and_values_are_left_out_of_a_pattern(void **state)
{
    static const struct {
        const char *path, *pattern;
        bool is_shared;
    } cases[] = {
        {"/about", "/about", false},
        {"/cal/2031/05", "/cal/0/0", true},
        {"/item12.html", "/item0.html", true},
        {"/c/5f3a9c0012ab/x", "/c/0/x", true},
        {"/facade/deadbeef", "/facade/deadbeef", false}, /* words, though of hexadecimal letters */
        {"/list?page=3&sort=up", "/list?page&sort", true},
        {"/list?sort=down&page=4", "/list?page&sort", true},
        {"/list?a&a=1&", "/list?a&a", true},
    };
    (void)state;
    for (size_t i = 0; i < ARRAY_COUNT(cases); i++) {
        struct buffer pattern = {0};
        struct url url = url_of(cases[i].path);
        assert_int_equal(trap_pattern(&url, &pattern), cases[i].is_shared);
        assert_string_equal(buffer_string(&pattern), cases[i].pattern);
        buffer_release(&pattern);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_path_that_repeats_itself_is_a_trap),
        cmocka_unit_test(more_parameters_than_filters_have_are_a_trap),
        cmocka_unit_test(numbers_and_values_are_left_out_of_a_pattern),
    };
    int failed = cmocka_run_group_tests(tests, NULL, NULL);
    arena_release(&arena);
    return failed;
}
