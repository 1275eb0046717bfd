#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "tests/unit/unit.h"
#include "text/analyze.h"

static struct text_analyzer *analyzer;

static int set_up(void **state)
{
    (void)state;
    analyzer = text_analyzer_new();
    return analyzer == NULL ? -1 : 0;
}

static int tear_down(void **state)
{
    (void)state;
    text_analyzer_free(analyzer);
    return 0;
}

/* Terms with a space between, behind the language where that is part of the term; an exact form
 * that differs stands behind a slash. The text is read from memory of exactly its size. */
static void expect_in(enum text_language language, const char *text, const char *expected)
{
    char seen[4096] = "";
    size_t used = 0;
    size_t size = strlen(text);
    char *exact_copy = malloc(size + (size == 0));
    memcpy(exact_copy, text, size);
    text_analyzer_begin(analyzer, (struct text_slice){exact_copy, size}, language);
    struct text_token token;
    uint32_t position = 0;
    uint32_t end_before = 0;
    while (text_analyzer_next(analyzer, &token)) {
        assert_int_equal(token.position, position++);
        assert_true(token.start < token.end && token.end <= size);
        assert_true(token.start >= end_before || token.pair);
        assert_in_range(token.term_size, 1, TEXT_TERM_MAX);
        end_before = token.end;
        bool has_language = TEXT_TERM_IS_OF_LANGUAGE(token.term);
        const char *name =
            has_language ? text_language_stemmer((enum text_language)(token.term[0] & 0x3f)) : "";
        used +=
            (size_t)snprintf(seen + used, sizeof(seen) - used, "%s%s%s%.*s", used > 0 ? " " : "",
                             name, has_language ? ":" : "", (int)token.term_size - has_language,
                             (const char *)token.term + has_language);
        if (token.exact_size > 0)
            used += (size_t)snprintf(seen + used, sizeof(seen) - used, "/%.*s",
                                     (int)token.exact_size, (const char *)token.exact);
    }
    assert_false(text_analyzer_next(analyzer, &token));
    free(exact_copy);
    assert_string_equal(seen, expected);
}

static void expect(const char *text, const char *expected)
{
    expect_in(TEXT_LANGUAGE_OTHER, text, expected);
}

static void words_are_runs_of_letters_and_digits(void **state)
{
    (void)state;
    expect("", "");
    expect("  ...  ", "");
    expect("Hello, World! mp3 x86_64", "hello world mp3 x86 64");
    expect("a-b/c:d", "a b c d");
    expect("foo.bar@example.com", "foo bar example com");
}

static void points_join_digits_and_apostrophes_join_words(void **state)
{
    (void)state;
    expect("3.14 1,000 192.168.0.1. 5.", "3.14 1 000 192.168.0.1 5");
    expect("don't don\xe2\x80\x99t 'quoted' rock'", "don't don't quoted rock");
    expect("l'avion d\xe2\x80\x99"
           "accord qu'il",
           "l avion d accord qu il");
    expect("v1.2.x", "v1.2 x");
}

static void case_and_compatibility_forms_are_folded(void **state)
{
    (void)state;
    expect("STRASSE Straße ﬁne Ａｂｃ ② Σίσυφος", "strasse strasse fine abc 2 σισυφ/σισυφοσ");
    expect("İstanbul ISPARTA ılık", "istanbul isparta ilik");
}

static void diacritics_are_folded_but_letters_stay_letters(void **state)
{
    (void)state;
    expect("café cafe\xcc\x81 Ångström smörgåsbord", "cafe cafe angstrom smorgasbord");
    expect("Łódź Ørsted Æsir œuvre Đorđe þing", "lodz orsted aesir oeuvre dorde thing");
    expect("мой мои ёлка", "мо/мой мо/мои елк/елка");
    expect("שָׁלוֹם", "שלום");
    expect("كِتَاب كتـــاب", "كتاب كتاب");
    expect("हिन्दी", "हिन्द/हिन्दी");
}

static void invisible_characters_do_not_split_words(void **state)
{
    (void)state;
    expect("soft\xc2\xadhyphen zero\xe2\x80\x8dwidth", "softhyphen zerowidth");
    expect("\xe3\x85\xa4 a\xe1\x85\xa0z", "az"); /* fillers of Hangul */
}

static void scripts_without_spaces_become_pairs(void **state)
{
    (void)state;
    expect("日本語", "日本/日 本語/本 語");
    expect("我", "我");
    expect("東京tower", "東京/東 京 tower");
    expect("ｶﾞｷﾞ が", "ガギ/ガ ギ が");
    expect("한국어", "한국/한 국어/국 어");
    expect("\xe1\x84\x92\xe1\x85\xa1\xe1\x86\xab\xe1\x84\x80\xe1\x85\xae\xe1\x86\xa8",
           "한국/한 국");
    expect("ที่นี่", "ที่นี่/ที่ นี่");
}

static void stems_depend_on_the_language(void **state)
{
    (void)state;
    expect_in(TEXT_LANGUAGE_ENGLISH, "running connections run",
              "run/running connect/connections run");
    expect_in(TEXT_LANGUAGE_GERMAN, "Häuser Haus laufen",
              "german:haus/hauser german:haus/haus german:lauf/laufen");
    expect_in(TEXT_LANGUAGE_FRENCH, "continuellement", "french:continuel/continuellement");
    expect_in(TEXT_LANGUAGE_FRENCH, "3 книгами", "3 книг/книгами"); /* by script */
    expect_in(TEXT_LANGUAGE_RUSSIAN, "книгами", "книг/книгами");
    expect_in(TEXT_LANGUAGE_OTHER, "running", "running");
}

static void unknown_languages_are_stemmed_by_script(void **state)
{
    (void)state;
    expect_in(TEXT_LANGUAGE_UNKNOWN, "running книгами", "run/running книг/книгами");
    expect_in(TEXT_LANGUAGE_RUSSIAN, "running", "run/running");
    expect_in(TEXT_LANGUAGE_ENGLISH, "книгами", "книг/книгами");
}

static void the_cache_of_stems_tells_languages_apart(void **state)
{
    (void)state;
    for (int i = 0; i < 3; i++) {
        expect_in(TEXT_LANGUAGE_ENGLISH, "generale", "general/generale");
        expect_in(TEXT_LANGUAGE_ITALIAN, "generale", "italian:general/generale");
        expect_in(TEXT_LANGUAGE_OTHER, "generale", "generale");
        expect_in(TEXT_LANGUAGE_ENGLISH, "universities", "univers/universities");
        expect_in(TEXT_LANGUAGE_SPANISH, "universities", "spanish:universiti/universities");
    }
}

static void long_tokens_are_cut_between_characters(void **state)
{
    (void)state;
    char text[400];
    memset(text, 'x', 200);
    strcpy(text + 200, " after");
    text_analyzer_begin(analyzer, (struct text_slice){text, strlen(text)}, TEXT_LANGUAGE_OTHER);
    struct text_token token;
    assert_true(text_analyzer_next(analyzer, &token));
    assert_int_equal(token.term_size, TEXT_TERM_MAX);
    assert_int_equal(token.end, 200);
    assert_true(text_analyzer_next(analyzer, &token));
    assert_int_equal(token.start, 201);
    assert_int_equal(token.position, 1);

    for (int i = 0; i < 100; i++)
        memcpy(text + 1 + 2 * i, "ж", 2);
    text[0] = 'a';
    text_analyzer_begin(analyzer, (struct text_slice){text, 201}, TEXT_LANGUAGE_OTHER);
    assert_true(text_analyzer_next(analyzer, &token));
    assert_int_equal(token.term_size, 63);
}

static void offsets_point_into_the_text(void **state)
{
    (void)state;
    const char *text = "  Café\xcc\x81! 日本語";
    text_analyzer_begin(analyzer, (struct text_slice){text, strlen(text)}, TEXT_LANGUAGE_UNKNOWN);
    struct text_token token;
    assert_true(text_analyzer_next(analyzer, &token));
    assert_int_equal(token.start, 2);
    assert_int_equal(token.end, 9);
    assert_true(text_analyzer_next(analyzer, &token));
    assert_int_equal(token.start, 11);
    assert_int_equal(token.end, 17);
}

static void bytes_that_are_not_utf8_separate_tokens(void **state)
{
    (void)state;
    expect("a\xff\xfe"
           "b \xc3",
           "a b");
    expect("\xed\xa0\x80x\xc0\xafy", "x y");
    expect("\xcc\x81"
           "a",
           "a");
    uint32_t seed = 1;
    for (int round = 0; round < 2000; round++) {
        char bytes[40];
        for (size_t i = 0; i < sizeof(bytes); i++) {
            seed = seed * 1664525 + 1013904223;
            bytes[i] = (char)(seed >> 24);
        }
        text_analyzer_begin(analyzer, (struct text_slice){bytes, sizeof(bytes)},
                            (enum text_language)(round % TEXT_LANGUAGE_COUNT));
        struct text_token token;
        while (text_analyzer_next(analyzer, &token))
            assert_in_range(token.term_size, 1, TEXT_TERM_MAX);
    }
}

static void marks_without_end_are_bounded(void **state)
{
    (void)state;
    char text[2001] = "e";
    for (int i = 0; i < 1000; i++)
        memcpy(text + 1 + 2 * i, "\xcc\x81", 2);
    text_analyzer_begin(analyzer, (struct text_slice){text, sizeof(text)}, TEXT_LANGUAGE_OTHER);
    struct text_token token;
    assert_true(text_analyzer_next(analyzer, &token));
    assert_int_equal(token.term_size, 1);
    assert_int_equal(token.end, sizeof(text));
}

static void folding_for_show_keeps_diacritics(void **state)
{
    (void)state;
    char folded[64];
    const char *text = " Café \t\n OU  Ｔｈé\xff ";
    size_t size = text_fold((struct text_slice){text, strlen(text)}, folded, sizeof(folded));
    assert_int_equal(size, strlen("café ou thé"));
    assert_memory_equal(folded, "café ou thé", size);
    assert_int_equal(text_fold((struct text_slice){"ééé", 6}, folded, 5), 4);
    assert_int_equal(text_fold((struct text_slice){NULL, 0}, folded, 5), 0);
}

static void tags_name_languages(void **state)
{
    (void)state;
    assert_int_equal(text_language_of("de-CH", 5), TEXT_LANGUAGE_GERMAN);
    assert_int_equal(text_language_of("EN_gb", 5), TEXT_LANGUAGE_ENGLISH);
    assert_int_equal(text_language_of("pl", 2), TEXT_LANGUAGE_OTHER);
    assert_int_equal(text_language_of("ja", 2), TEXT_LANGUAGE_UNKNOWN);
    assert_int_equal(text_language_of("", 0), TEXT_LANGUAGE_UNKNOWN);
    assert_int_equal(text_language_of(NULL, 0), TEXT_LANGUAGE_UNKNOWN);
    assert_int_equal(text_language_of("english", 7), TEXT_LANGUAGE_UNKNOWN);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(words_are_runs_of_letters_and_digits),
        cmocka_unit_test(points_join_digits_and_apostrophes_join_words),
        cmocka_unit_test(case_and_compatibility_forms_are_folded),
        cmocka_unit_test(diacritics_are_folded_but_letters_stay_letters),
        cmocka_unit_test(invisible_characters_do_not_split_words),
        cmocka_unit_test(scripts_without_spaces_become_pairs),
        cmocka_unit_test(stems_depend_on_the_language),
        cmocka_unit_test(unknown_languages_are_stemmed_by_script),
        cmocka_unit_test(the_cache_of_stems_tells_languages_apart),
        cmocka_unit_test(long_tokens_are_cut_between_characters),
        cmocka_unit_test(offsets_point_into_the_text),
        cmocka_unit_test(bytes_that_are_not_utf8_separate_tokens),
        cmocka_unit_test(marks_without_end_are_bounded),
        cmocka_unit_test(folding_for_show_keeps_diacritics),
        cmocka_unit_test(tags_name_languages),
    };
    return cmocka_run_group_tests(tests, set_up, tear_down);
}
