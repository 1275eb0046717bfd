/* Which texts count as the same, and which as nearly the same. */
#include "tests/unit/unit.h"

#include <stdio.h>
#include <string.h>

#include "page/fingerprint.h"

static struct fingerprint of(const char *title, const char *name, const char *text)
{
    struct fingerprint fingerprint;
    struct page_heading heading = {1, name};
    struct page page = {.title = title,
                        .text = text,
                        .text_size = strlen(text),
                        .headings = &heading,
                        .heading_count = name == NULL ? 0 : 1};
    assert_int_equal(fingerprint_page(&page, &fingerprint, NULL), STATUS_OK);
    return fingerprint;
}

static int distance(struct fingerprint a, struct fingerprint b)
{
    assert_true(a.simhash != 0 && b.simhash != 0);
    return __builtin_popcountll(a.simhash ^ b.simhash);
}

/* `count` words that hardly ever follow each other twice, the one at `changed` another. */
static const char *words(unsigned count, unsigned changed, unsigned seed)
{
    static char texts[2][100000];
    static unsigned turn;
    char *text = texts[turn++ % 2];
    size_t at = 0;
    for (unsigned i = 0; i < count; i++) {
        unsigned number = i == changed ? 999999 : (i + seed) * 2654435761U >> 12 & 4095;
        at += (size_t)sprintf(text + at, "word%u%s", number, i % 12 == 11 ? ".\n" : " ");
    }
    return text;
}

static void case_and_white_space_make_no_difference(void **state)
{
    (void)state;
    struct fingerprint a = of("Title", NULL, "Some text\nin lines. ");
    struct fingerprint b = of(" title ", NULL, "some  TEXT in\tlines.");
    assert_true(a.exact != 0);
    assert_true(a.exact == b.exact);
    assert_true(a.exact != of("Title", NULL, "Some text in line.").exact);
}

static void pages_with_other_titles_are_others(void **state)
{
    (void)state;
    const char *text = words(400, 0, 1);
    assert_true(of("One", NULL, text).exact != of("Two", NULL, text).exact);
    assert_true(distance(of("One", NULL, text), of("Two", NULL, text)) > 3);
    assert_true(distance(of("One", "a", text), of("One", "b", text)) > 3);
}

static void no_text_has_no_fingerprint_and_a_short_one_no_simhash(void **state)
{
    (void)state;
    assert_true(of("Title", "Name", "").exact == 0);
    assert_true(of("Title", "Name", " \n ").exact == 0);
    assert_true(of("Title", "Name", words(49, 0, 1)).simhash == 0);
    assert_true(of("Title", "Name", words(49, 0, 1)).exact != 0);
    assert_true(of("Title", "Name", words(50, 0, 1)).simhash != 0);
}

static void one_word_in_a_long_text_makes_a_near_duplicate(void **state)
{
    (void)state;
    unsigned near = 0;
    for (unsigned i = 0; i < 100; i++)
        near += distance(of("T", NULL, words(2000, 5000, i)),
                         of("T", NULL, words(2000, i * 17, i))) <= 3;
    assert_true(near >= 97);
}

static void other_texts_are_far_apart(void **state)
{
    (void)state;
    for (unsigned i = 0; i < 100; i++)
        assert_true(
            distance(of("T", NULL, words(300, 0, i)), of("T", NULL, words(300, 0, i + 1000))) > 10);
}

/* As generated references have: the frame is the same, the function is another. */
static void pages_of_a_template_that_say_different_things_are_no_duplicates(void **state)
{
    (void)state;
    static const char frame[] =
        "Reference manual. Contents, index, previous, next, up. This page is a part of the manual "
        "of the library, which may be copied under the terms of its licence. Description: %s "
        "returns the %s of a list. It returns an error where the list is empty, or where memory "
        "runs out. The caller owns what comes back, and frees it. See also the chapter on lists, "
        "the chapter on errors, and the index of functions. Generated from the sources.";
    char first[1000], second[1000];
    snprintf(first, sizeof(first), frame, "list_first", "first item");
    snprintf(second, sizeof(second), frame, "list_last", "last item");
    struct fingerprint a = of("Reference: list_first", "list_first", first);
    struct fingerprint b = of("Reference: list_last", "list_last", second);
    assert_true(a.exact != b.exact);
    assert_true(distance(a, b) > 3);
    assert_true(
        distance(of("Reference", "list_first", first), of("Reference", "list_last", second)) > 3);
}

static void scripts_without_spaces_have_words_too(void **state)
{
    (void)state;
    char text[1000] = "";
    for (unsigned i = 0; i < 60; i++) {
        char character[4] = {(char)0xE4, (char)(0xB8 + i / 30), (char)(0x80 + i), 0};
        strcat(text, character);
    }
    assert_true(of("T", NULL, text).simhash != 0);
}

static void any_bytes_are_read(void **state)
{
    (void)state;
    char text[600];
    for (unsigned i = 0; i < sizeof(text) - 1; i++)
        text[i] = (char)(i * 7 % 255 + 1);
    text[sizeof(text) - 1] = '\0';
    assert_true(of(text, text, text).exact != 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(case_and_white_space_make_no_difference),
        cmocka_unit_test(pages_with_other_titles_are_others),
        cmocka_unit_test(no_text_has_no_fingerprint_and_a_short_one_no_simhash),
        cmocka_unit_test(one_word_in_a_long_text_makes_a_near_duplicate),
        cmocka_unit_test(other_texts_are_far_apart),
        cmocka_unit_test(pages_of_a_template_that_say_different_things_are_no_duplicates),
        cmocka_unit_test(scripts_without_spaces_have_words_too),
        cmocka_unit_test(any_bytes_are_read),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
