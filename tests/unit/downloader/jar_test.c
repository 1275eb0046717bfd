#include "downloader/jar.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

enum { NOW_S = 1700000000 };

/* Cookies as a server sets them, in exactly sized memory. */
static void take(struct jar *jar, const char *set_cookie, const char *path)
{
    char *copy = strdup(set_cookie);
    jar_take(jar, copy, path, NOW_S);
    free(copy);
}

static void assert_sent(const struct jar *jar, const char *path, const char *expected)
{
    struct buffer header = {0};
    jar_write(jar, path, NOW_S, &header);
    assert_string_equal(buffer_string(&header), expected);
    buffer_release(&header);
}

static void cookies_go_back_to_where_they_came_from(void **state)
{
    struct jar jar = {0};
    (void)state;
    take(&jar, "session=abc; Path=/; HttpOnly; Secure; SameSite=Lax", "/login");
    take(&jar, " theme = dark ", "/a/b");
    assert_sent(&jar, "/", "session=abc");
    assert_sent(&jar, "/a/c?x", "session=abc; theme=dark");
    assert_sent(&jar, "/ab", "session=abc");
    jar_clear(&jar);
    assert_sent(&jar, "/", "");
}

static void a_path_covers_what_is_below_it_and_not_what_begins_alike(void **state)
{
    struct jar jar = {0};
    (void)state;
    take(&jar, "a=1; path=/docs", "/");
    take(&jar, "b=2; path=/docs/", "/");
    take(&jar, "c=3; path=docs", "/x/y?/z"); /* no path: the request's folder */
    assert_sent(&jar, "/docs", "a=1");
    assert_sent(&jar, "/docs?q=/docs/", "a=1");
    assert_sent(&jar, "/docs/x", "a=1; b=2");
    assert_sent(&jar, "/docsx", "");
    assert_sent(&jar, "/x", "c=3");
    jar_clear(&jar);
}

static void a_cookie_replaces_the_one_of_its_name_and_path(void **state)
{
    struct jar jar = {0};
    (void)state;
    take(&jar, "a=1; path=/", "/");
    take(&jar, "a=2; path=/", "/");
    take(&jar, "a=3; path=/x", "/");
    assert_int_equal(jar.count, 2);
    assert_sent(&jar, "/", "a=2");
    jar_clear(&jar);
}

static void what_is_past_goes(void **state)
{
    struct jar jar = {0};
    struct buffer header = {0};
    (void)state;
    take(&jar, "a=1; path=/", "/");
    take(&jar, "a=; path=/; Max-Age=0", "/");
    take(&jar, "b=1; path=/", "/");
    take(&jar, "b=1; path=/; Expires=Thu, 01 Jan 1970 00:00:00 GMT", "/");
    take(&jar, "c=1; path=/; max-age=-5", "/");
    assert_int_equal(jar.count, 0);
    take(&jar, "d=1; path=/; Expires=Thu, 01 Jan 1970 00:00:00 GMT; Max-Age=60", "/");
    take(&jar, "e=1; path=/; Expires=nonsense", "/");
    assert_sent(&jar, "/", "d=1; e=1");
    jar_write(&jar, "/", NOW_S + 61, &header);
    assert_string_equal(buffer_string(&header), "e=1");
    buffer_release(&header);
    jar_clear(&jar);
}

static void what_is_no_cookie_is_not_taken(void **state)
{
    struct jar jar = {0};
    static const char *const none[] = {"",        ";",      "=",       "=x",
                                       "nothing", "a=b\rc", "a\x01=b", "a=b; path=/\x7f"};
    (void)state;
    for (size_t i = 0; i < sizeof(none) / sizeof(*none); i++)
        take(&jar, none[i], "/");
    assert_int_equal(jar.count, 0);
    take(&jar, "a=b=c; ; path", "");
    assert_sent(&jar, "/", "a=b=c");
    jar_clear(&jar);
}

static void a_jar_holds_so_much_and_no_more(void **state)
{
    struct jar jar = {0};
    struct buffer header = {0};
    (void)state;
    for (int i = 0; i < 2 * JAR_COOKIES_MAX; i++) {
        char text[2100];
        snprintf(text, sizeof(text), "c%d=%02000d; path=/", i, i);
        take(&jar, text, "/");
    }
    assert_int_equal(jar.count, JAR_COOKIES_MAX);
    jar_write(&jar, "/", NOW_S, &header);
    assert_true(header.size > JAR_HEADER_BYTES_MAX / 2 && header.size <= JAR_HEADER_BYTES_MAX);
    buffer_release(&header);
    char *huge = malloc(JAR_COOKIE_BYTES_MAX + 16);
    memset(huge, 'x', JAR_COOKIE_BYTES_MAX + 15);
    huge[1] = '=';
    huge[JAR_COOKIE_BYTES_MAX + 15] = '\0';
    jar_clear(&jar);
    take(&jar, huge, "/");
    assert_int_equal(jar.count, 0);
    free(huge);
}

static void the_owners_own_cookies_are_for_all_paths(void **state)
{
    struct jar jar = {0};
    (void)state;
    jar_take_all(&jar, "id=of-the-owner; theme=dark;; nonsense");
    assert_sent(&jar, "/any/where", "id=of-the-owner; theme=dark");
    take(&jar, "id=newer; Path=/", "/login");
    assert_sent(&jar, "/", "theme=dark; id=newer");
    jar_clear(&jar);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(cookies_go_back_to_where_they_came_from),
        cmocka_unit_test(a_path_covers_what_is_below_it_and_not_what_begins_alike),
        cmocka_unit_test(a_cookie_replaces_the_one_of_its_name_and_path),
        cmocka_unit_test(what_is_past_goes),
        cmocka_unit_test(what_is_no_cookie_is_not_taken),
        cmocka_unit_test(a_jar_holds_so_much_and_no_more),
        cmocka_unit_test(the_owners_own_cookies_are_for_all_paths),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
