#include "gateway/html.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

static struct buffer bytes;
static struct html html = {.bytes = &bytes};

static int set_up(void **state)
{
    (void)state;
    buffer_release(&bytes);
    return 0;
}

/* The text in memory of exactly its size, so that an over-read is seen. */
static char *exact(const char *text)
{
    char *copy = malloc(strlen(text) + 1);
    assert_non_null(copy);
    return strcpy(copy, text);
}

#define expect_written(call, text, expected)                                                       \
    do {                                                                                           \
        char *copy = exact(text);                                                                  \
        buffer_clear(&bytes);                                                                      \
        call(&html, copy);                                                                         \
        assert_string_equal(buffer_string(&bytes), expected);                                      \
        free(copy);                                                                                \
    } while (0)

static void text_is_escaped(void **state)
{
    (void)state;
    expect_written(html_text, "", "");
    expect_written(html_text, "plain words, 100 %", "plain words, 100 %");
    expect_written(html_text, "<script>alert('1' && \"2\")</script>",
                   "&lt;script&gt;alert(&#39;1&#39; &amp;&amp; &quot;2&quot;)&lt;/script&gt;");
    expect_written(html_text, "&lt;", "&amp;lt;");
    expect_written(html_text, "zażółć 日本語 🛢", "zażółć 日本語 🛢");
}

static void control_characters_become_spaces(void **state)
{
    (void)state;
    expect_written(html_text, "a\tb\nc\x01\x1f\x7f", "a b c   ");
    expect_written(html_text, "a\xC2\x85z", "a\xEF\xBF\xBD\xEF\xBF\xBDz"); /* a C1 control */
}

static void bytes_that_are_not_utf8_are_replaced(void **state)
{
    (void)state;
    static const char *const wrong[] = {
        "\x80",
        "\xff",
        "\xC3",
        "\xC0\xBC" /* an overlong '<' */,
        "\xE2\x82",
        "\xED\xA0\x80",
        "\xF4\x90\x80\x80",
        "\xF0\x9F\x92",
    };
    for (size_t i = 0; i < sizeof(wrong) / sizeof(wrong[0]); i++) {
        char *copy = exact(wrong[i]);
        buffer_clear(&bytes);
        html_text(&html, copy);
        for (size_t j = 0; j < bytes.size; j += 3)
            assert_memory_equal(bytes.data + j, "\xEF\xBF\xBD", 3);
        free(copy);
    }
    expect_written(html_text, "a\xFF<b", "a\xEF\xBF\xBD&lt;b");
}

static void attributes_cannot_be_left(void **state)
{
    (void)state;
    html_attribute(&html, "title", "\" onmouseover=\"alert(1)");
    assert_string_equal(buffer_string(&bytes), " title=\"&quot; onmouseover=&quot;alert(1)\"");
}

static void only_web_addresses_are_linked(void **state)
{
    (void)state;
    static const char *const refused[] = {
        "javascript:alert(1)",
        "JaVaScRiPt:alert(1)",
        " https://example.org/",
        "\nhttps://a/",
        "data:text/html,x",
        "vbscript:x",
        "//example.org/",
        "/path",
        "http:/example.org",
        "https",
        "",
        "file:///etc/passwd",
        "blob:https://a/",
        "\x01javascript:x",
    };
    for (size_t i = 0; i < sizeof(refused) / sizeof(refused[0]); i++) {
        assert_false(html_link_attribute(&html, refused[i]));
        assert_int_equal(bytes.size, 0);
    }
    assert_true(html_link_attribute(&html, "HTTPS://example.org/?a=1&b='\"<>"));
    assert_string_equal(buffer_string(&bytes),
                        " href=\"HTTPS://example.org/?a=1&amp;b=&#39;&quot;&lt;&gt;\"");
}

static void parameters_are_percent_encoded(void **state)
{
    (void)state;
    expect_written(html_parameter, "a b&c=d/\"<>'#%+é",
                   "a+b%26c%3Dd%2F%22%3C%3E%27%23%25%2B%C3%A9");
    expect_written(html_parameter, "AZaz09-._~", "AZaz09-._~");
}

static void a_snippet_keeps_its_marks_and_entities_only(void **state)
{
    (void)state;
    expect_written(html_snippet, "a <mark>b</mark> &amp; &lt;c&gt; &quot; &#39;",
                   "a <mark>b</mark> &amp; &lt;c&gt; &quot; &#39;");
    expect_written(html_snippet, "<b>x</b> & &copy; &#x3c;",
                   "&lt;b&gt;x&lt;/b&gt; &amp; &amp;copy; &amp;#x3c;");
    expect_written(html_snippet, "<mark onclick=x>", "&lt;mark onclick=x&gt;");
    expect_written(html_snippet, "</mark>x", "&lt;/mark&gt;x");
    expect_written(html_snippet, "<mark>a<mark>b</mark>c", "<mark>a&lt;mark&gt;b</mark>c");
    expect_written(html_snippet, "<mark>open", "<mark>open</mark>");
    expect_written(html_snippet, "<mark", "&lt;mark");
    expect_written(html_snippet, "\"'>", "&quot;&#39;&gt;");
}

static void numbers_are_readable(void **state)
{
    (void)state;
    static const struct {
        uint64_t value;
        const char *grouped, *size, *tenths;
    } cases[] = {
        {0, "0", "0 bytes", "0.0"},
        {49, "49", "49 bytes", "0.0"},
        {50, "50", "50 bytes", "0.1"},
        {999, "999", "999 bytes", "1.0"},
        {1000, "1,000", "1.0 kB", "1.0"},
        {1234567, "1,234,567", "1.2 MB", "1234.6"},
        {99949, "99,949", "99.9 kB", "99.9"},
        {100000, "100,000", "100 kB", "100.0"},
        {999999999, "999,999,999", "1.0 GB", "1000000.0"},
    };
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        buffer_clear(&bytes);
        html_grouped_number(&html, cases[i].value);
        assert_string_equal(buffer_string(&bytes), cases[i].grouped);
        buffer_clear(&bytes);
        html_size(&html, cases[i].value);
        assert_string_equal(buffer_string(&bytes), cases[i].size);
        buffer_clear(&bytes);
        html_tenths(&html, cases[i].value);
        assert_string_equal(buffer_string(&bytes), cases[i].tenths);
    }
    buffer_clear(&bytes);
    html_grouped_number(&html, UINT64_MAX);
    assert_string_equal(buffer_string(&bytes), "18,446,744,073,709,551,615");
}

static void times_are_utc_and_none_is_nothing(void **state)
{
    (void)state;
    html_time(&html, INT64_C(1795358548000000));
    assert_string_equal(buffer_string(&bytes), "2026-11-22 14:42:28");
    buffer_clear(&bytes);
    html_date(&html, INT64_C(1795358548000000));
    assert_string_equal(buffer_string(&bytes), "2026-11-22");
    buffer_clear(&bytes);
    html_date(&html, 0);
    html_time(&html, -1);
    assert_int_equal(bytes.size, 0);
}

static void a_breadcrumb_shows_letters_and_hides_tricks(void **state)
{
    (void)state;
    expect_written(html_breadcrumb, "https://example.org", "example.org");
    expect_written(html_breadcrumb, "https://example.org/", "example.org");
    expect_written(html_breadcrumb, "http://example.org:8080/a//b/?q=1/2",
                   "example.org:8080 › a › b › ?q=1 › 2");
    expect_written(html_breadcrumb, "https://example.org?q=<b>", "example.org › ?q=&lt;b&gt;");
    expect_written(html_breadcrumb, "https://a/%C3%A4%C3%B6/%E6%97%A5%E6%9C%AC", "a › äö › 日本");
    expect_written(html_breadcrumb, "https://a/x%28y%29%3Cb%3E", "a › x(y)&lt;b&gt;");
    /* what separates, turns the direction or is invisible stays encoded */
    expect_written(html_breadcrumb, "https://a/%2F%3F%23%25%20%0A%00", "a › %2F%3F%23%25%20%0A%00");
    expect_written(html_breadcrumb, "https://a/%E2%80%AE%E2%80%8B%E2%80%BA%C2%A0%EF%BB%BF",
                   "a › %E2%80%AE%E2%80%8B%E2%80%BA%C2%A0%EF%BB%BF");
    expect_written(html_breadcrumb, "https://a/%C3%", "a › %C3%");
    expect_written(html_breadcrumb, "https://a/%C3%A", "a › %C3%A");
    expect_written(html_breadcrumb, "https://a/%C0%BC", "a › %C0%BC");
    expect_written(html_breadcrumb, "", "");
}

static void a_long_breadcrumb_is_cut_between_characters(void **state)
{
    (void)state;
    char url[4096] = "https://a/";
    for (int i = 0; i < 300; i++)
        strcat(url, "%C3%A4");
    buffer_clear(&bytes);
    html_breadcrumb(&html, url);
    assert_true(bytes.size < 200);
    const char *text = buffer_string(&bytes);
    assert_string_equal(text + strlen(text) - strlen("ä…"), "ä…");
    memset(url + 10, 'x', 4000);
    url[4010] = '\0';
    buffer_clear(&bytes);
    html_breadcrumb(&html, url);
    assert_true(bytes.size < 200);
}

static void a_page_that_outgrows_its_limit_says_so(void **state)
{
    (void)state;
    bytes.limit = 10;
    html_text(&html, "12345678901");
    assert_true(html_failed(&html));
    html_markup(&html, "<b>");
    assert_true(html_failed(&html));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup(text_is_escaped, set_up),
        cmocka_unit_test_setup(control_characters_become_spaces, set_up),
        cmocka_unit_test_setup(bytes_that_are_not_utf8_are_replaced, set_up),
        cmocka_unit_test_setup(attributes_cannot_be_left, set_up),
        cmocka_unit_test_setup(only_web_addresses_are_linked, set_up),
        cmocka_unit_test_setup(parameters_are_percent_encoded, set_up),
        cmocka_unit_test_setup(a_snippet_keeps_its_marks_and_entities_only, set_up),
        cmocka_unit_test_setup(numbers_are_readable, set_up),
        cmocka_unit_test_setup(times_are_utc_and_none_is_nothing, set_up),
        cmocka_unit_test_setup(a_breadcrumb_shows_letters_and_hides_tricks, set_up),
        cmocka_unit_test_setup(a_long_breadcrumb_is_cut_between_characters, set_up),
        cmocka_unit_test_setup(a_page_that_outgrows_its_limit_says_so, set_up),
    };
    int failed = cmocka_run_group_tests(tests, NULL, NULL);
    buffer_release(&bytes);
    return failed;
}
