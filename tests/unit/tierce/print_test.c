#include "tests/unit/unit.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "cli/print.h"

/* Bytes in memory of exactly their size, so that a read beyond them is seen. */
static char *exactly(const char *text)
{
    char *copy = malloc(strlen(text) + 1);
    assert_non_null(copy);
    return strcpy(copy, text);
}

static void assert_printed(const char *text, const char *expected)
{
    char *bytes = NULL;
    size_t size = 0;
    char *copy = exactly(text);
    FILE *file = open_memstream(&bytes, &size);
    print_text(file, copy);
    fclose(file);
    assert_string_equal(bytes, expected);
    free(bytes);
    free(copy);
}

static void assert_snippet(const char *html, bool is_terminal, const char *expected)
{
    char *bytes = NULL;
    size_t size = 0;
    char *copy = exactly(html);
    FILE *file = open_memstream(&bytes, &size);
    print_snippet(file, copy, is_terminal);
    fclose(file);
    assert_string_equal(bytes, expected);
    free(bytes);
    free(copy);
}

static void plain_text_stays_as_it_is(void **state)
{
    (void)state;
    assert_printed("", "");
    assert_printed("Grüße, 日本語, 𝄞, £", "Grüße, 日本語, 𝄞, £");
}

static void nothing_can_command_the_terminal(void **state)
{
    (void)state;
    assert_printed("a\x1b[2Jb\r\n\x07\x7f", "a?[2Jb????");
    assert_printed("\xc2\x9b"
                   "31m", /* the control sequence introducer as one character */
                   "??31m");
}

static void text_cannot_run_backwards(void **state)
{
    (void)state;
    assert_printed("a\xe2\x80\xae"
                   "b\xe2\x81\xa6",
                   "a???b???");
    assert_printed("\xe2\x80\x94", "\xe2\x80\x94"); /* a dash of the same block is text */
}

static void bytes_that_are_no_text_become_question_marks(void **state)
{
    (void)state;
    assert_printed("\xc3", "?");                /* ends too early */
    assert_printed("\xe2\x82", "??");           /* likewise */
    assert_printed("\xf0\x9f\x98", "???");      /* likewise */
    assert_printed("\xc0\xaf", "??");           /* a longer spelling than needed */
    assert_printed("\xe0\x80\xaf", "???");      /* likewise */
    assert_printed("\xed\xa0\x80", "???");      /* a surrogate */
    assert_printed("\xf4\x90\x80\x80", "????"); /* beyond the last character */
    assert_printed("\xff\xfe\x80", "???");
}

static void a_snippet_shows_what_matched(void **state)
{
    (void)state;
    assert_snippet("red <mark>panda</mark>", true, "red \x1b[1mpanda\x1b[0m");
    assert_snippet("red <mark>panda</mark>", false, "red panda");
}

static void entities_of_a_snippet_become_their_characters(void **state)
{
    (void)state;
    assert_snippet("a &lt; b &amp;&amp; c &gt; &quot;d&#39;", false, "a < b && c > \"d'");
    assert_snippet("&amp;lt;", false, "&lt;"); /* once, not twice */
    assert_snippet("AT&T &am", false, "AT&T &am");
}

static void a_snippet_brings_no_control_characters(void **state)
{
    (void)state;
    assert_snippet("a\x1b[1mb", true, "a?[1mb");
}

static void counts_are_grouped_by_thousands(void **state)
{
    (void)state;
    char text[PRINT_BYTES];
    assert_string_equal(text_of_count(0, text), "0");
    assert_string_equal(text_of_count(999, text), "999");
    assert_string_equal(text_of_count(1000, text), "1,000");
    assert_string_equal(text_of_count(1234567, text), "1,234,567");
    assert_string_equal(text_of_count(UINT64_MAX, text), "18,446,744,073,709,551,615");
}

static void sizes_have_the_unit_that_fits(void **state)
{
    (void)state;
    char text[PRINT_BYTES];
    assert_string_equal(text_of_bytes(0, text), "0 B");
    assert_string_equal(text_of_bytes(999, text), "999 B");
    assert_string_equal(text_of_bytes(1000, text), "1.0 KB");
    assert_string_equal(text_of_bytes(999960, text), "1.0 MB");
    assert_string_equal(text_of_bytes(1536000000, text), "1.5 GB");
    assert_string_equal(text_of_bytes(UINT64_MAX, text), "18.4 EB");
}

static void times_are_told_in_two_units_at_most(void **state)
{
    (void)state;
    char text[PRINT_BYTES];
    assert_string_equal(text_of_seconds(-3, text), "0 s");
    assert_string_equal(text_of_seconds(59, text), "59 s");
    assert_string_equal(text_of_seconds(60, text), "1 min");
    assert_string_equal(text_of_seconds(2 * 3600 + 14 * 60, text), "2 h 14 min");
    assert_string_equal(text_of_seconds(3 * 86400, text), "3 days");
    assert_string_equal(text_of_latency(449, text), "0.4 ms");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(plain_text_stays_as_it_is),
        cmocka_unit_test(nothing_can_command_the_terminal),
        cmocka_unit_test(text_cannot_run_backwards),
        cmocka_unit_test(bytes_that_are_no_text_become_question_marks),
        cmocka_unit_test(a_snippet_shows_what_matched),
        cmocka_unit_test(entities_of_a_snippet_become_their_characters),
        cmocka_unit_test(a_snippet_brings_no_control_characters),
        cmocka_unit_test(counts_are_grouped_by_thousands),
        cmocka_unit_test(sizes_have_the_unit_that_fits),
        cmocka_unit_test(times_are_told_in_two_units_at_most),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
