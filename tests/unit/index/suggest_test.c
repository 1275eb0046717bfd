/* What is suggested while one types, and to whom. */
#include "index/suggest.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "index/completion.h"
#include "tests/unit/index/fixture.h"

static void put(const char *url, const char *title, const char *text)
{
    const char *host = strstr(url, "//") + 2;
    struct index_change change = {.kind = INDEX_PUT_DOCUMENT,
                                  .document = {.url = slice(url),
                                               .site = {host, strcspn(host, "/")},
                                               .title = slice(title),
                                               .text = slice(text),
                                               .language = slice("en"),
                                               .is_private = strncmp(host, "10.", 3) == 0}};
    apply(&change, 1);
}

static struct suggestions suggest_as(const char *typed, bool include_private)
{
    struct suggestions suggestions;
    assert_int_equal(index_suggest(tested, analyzer, slice(typed), include_private, NULL, &arena,
                                   &suggestions, NULL),
                     STATUS_OK);
    return suggestions;
}

/* The words, then the titles, each in front of a bar. */
static const char *listed(const char *typed, bool include_private)
{
    static char text[8192];
    struct suggestions suggestions = suggest_as(typed, include_private);
    size_t used = 0;
    text[0] = '\0';
    for (size_t i = 0; i < suggestions.word_count; i++)
        used +=
            (size_t)snprintf(text + used, sizeof(text) - used, "%.*s|",
                             (int)suggestions.words[i].text.size, suggestions.words[i].text.bytes);
    for (size_t i = 0; i < suggestions.title_count; i++)
        used += (size_t)snprintf(text + used, sizeof(text) - used, "[%.*s]|",
                                 (int)suggestions.titles[i].text.size,
                                 suggestions.titles[i].text.bytes);
    return text;
}

#define expect(typed, what) assert_string_equal(listed(typed, false), what)

static void the_last_word_is_completed_by_how_many_pages_write_it(void **state)
{
    (void)state;
    put("http://e.org/1", "", "barrels barrel");
    put("http://e.org/2", "", "barrels bargain");
    put("http://e.org/3", "", "barrels bargain Barley");
    expect("bar", "barrels|bargain|barley|barrel|");
    expect("ba", "barrels|bargain|barley|barrel|");
    expect("BARR", "barrels|barrel|");
    expect("barrelsx", "");
    assert_int_equal(suggest_as("barr", false).words[0].documents, 3);
}

static void stems_pairs_hosts_and_parts_of_urls_are_not_words(void **state)
{
    (void)state;
    put("http://happy.example/happily", "", "happiness happier 東京都");
    expect("happ", "happier|happiness|");
    expect("exam", "");
    expect("http", "");
}

static void words_before_the_last_one_stay_as_typed_and_narrow_it(void **state)
{
    (void)state;
    put("http://e.org/1", "", "red barrels");
    put("http://e.org/2", "", "red barrels");
    put("http://e.org/3", "", "red bargain");
    put("http://e.org/4", "", "bargain barn");
    put("http://e.org/5", "", "bargain");
    expect("bar", "bargain|barrels|barn|");
    expect("  Red  bar", "  Red  barrels|  Red  bargain|");
    expect("blue bar", "");
    expect("barrels re", "barrels red|");
}

static void titles_with_all_words_are_suggested_as_they_are_written(void **state)
{
    (void)state;
    put("http://e.org/1", "The Cooper's Guide to Barrels", "x");
    put("http://e.org/2", "Barrels: A History", "x");
    put("http://e.org/3", "Barrels: A History", "x y");
    put("http://e.org/4", "A guide", "x");
    expect("barr", "barrels|[Barrels: A History]|[The Cooper's Guide to Barrels]|");
    expect("guide bar", "guide barrels|[The Cooper's Guide to Barrels]|");
    expect("guide ", "[A guide]|[The Cooper's Guide to Barrels]|");
    expect("the coo", "the cooper's|[The Cooper's Guide to Barrels]|");
}

static void diacritics_come_back_from_titles(void **state)
{
    (void)state;
    put("http://e.org/1", "Zürich", "Zürich zuritano");
    put("http://e.org/2", "Winter", "zurich");
    expect("zur", "zürich|zuritano|[Zürich]|");
    expect("zür", "zürich|zuritano|[Zürich]|");
}

static void text_without_spaces_is_completed_from_titles(void **state)
{
    (void)state;
    put("http://e.org/1", "東京都の観光", "x");
    put("http://e.org/2", "京都", "x");
    expect("東京", "[東京都の観光]|");
    expect("京", "[京都]|[東京都の観光]|");
}

static void operators_get_no_suggestions(void **state)
{
    (void)state;
    put("http://e.org/1", "Barrels", "barrels red");
    expect("\"red bar", "");
    expect("site:bar", "");
    expect("-bar", "");
    expect("red -bar", "");
    expect("(bar", "");
    expect("", "");
    expect("   ", "");
    expect("a b c d e f g h i j k l m n o p bar", "");
}

static void what_only_hidden_pages_write_is_for_admins_alone(void **state)
{
    (void)state;
    put("http://e.org/1", "Falcons", "falcons fly");
    put("http://10.0.0.1/2", "Falcon plan", "falcon falconry");
    expect("falc", "falcons|[Falcons]|");
    expect("falcons fl", "falcons fly|");
    assert_string_equal(listed("falc", true), "falcon|falconry|falcons|[Falcons]|[Falcon plan]|");
    /* Whatever is merged with what, and where the word stands. */
    assert_int_equal(index_flush(tested, NULL), STATUS_OK);
    assert_int_equal(index_merge_down(tested, 1, NULL), STATUS_OK);
    expect("falc", "falcons|[Falcons]|");
    for (unsigned times = 0; times < 3; times++) { /* what is replaced counts no more */
        put("http://10.0.0.1/2", "Falcon plan", "falcon falconry");
        assert_int_equal(index_flush(tested, NULL), STATUS_OK);
        assert_int_equal(index_merge_down(tested, 1, NULL), STATUS_OK);
        expect("falc", "falcons|[Falcons]|");
    }
    put("http://e.org/3", "", "falcon");
    expect("falc", "falcon|falcons|[Falcons]|");
}

/* Puts a hidden page of so many words that begin alike. */
static void put_hidden_words(const char *url, const char *begin, uint32_t count)
{
    static char text[64 << 10];
    size_t used = 0;
    for (uint32_t i = 0; i < count; i++)
        used +=
            (size_t)snprintf(text + used, sizeof(text) - used, "%s%c%c%cq ", begin,
                             'a' + (int)(i % 20), 'a' + (int)(i / 20 % 20), 'a' + (int)(i / 400));
    put(url, "", text);
}

static void words_of_hidden_pages_take_the_place_of_no_others(void **state)
{
    (void)state;
    put_hidden_words("http://10.0.0.1/1", "falc", 40);
    put_hidden_words("http://10.0.0.1/2", "falc", 40);
    put("http://e.org/1", "", "falcon falconry");
    expect("falc", "falcon|falconry|");
    assert_int_equal(index_flush(tested, NULL), STATUS_OK);
    assert_int_equal(index_merge_down(tested, 1, NULL), STATUS_OK);
    expect("falc", "falcon|falconry|");
    /* So many that what begins so is kept apart. */
    put_hidden_words("http://10.0.0.1/3", "falc", 2 * COMPLETION_KEYS_MAX);
    assert_int_equal(index_flush(tested, NULL), STATUS_OK);
    assert_int_equal(index_merge_down(tested, 1, NULL), STATUS_OK);
    expect("f", "falcon|falconry|");
    expect("falc", "falcon|falconry|");
    assert_int_equal(suggest_as("falc", true).word_count, SUGGEST_COUNT_MAX);
}

static void scopes_decide_who_is_told(void **state)
{
    (void)state;
    struct index_scope scopes[] = {{slice("10.0.0.1"), slice(""), true},
                                   {slice("10.0.0.1"), slice("http://10.0.0.1/secret"), false}};
    struct index_change change = {.kind = INDEX_SET_SCOPES, .scopes = scopes, .scope_count = 2};
    put("http://10.0.0.1/open", "Falcon", "falcon");
    put("http://10.0.0.1/secret", "Falconry", "falconry");
    expect("falc", "");
    apply(&change, 1);
    expect("falc", "falcon|[Falcon]|");
    change.scope_count = 1;
    apply(&change, 1);
    expect("falc", "falcon|falconry|[Falcon]|[Falconry]|");
    change.scope_count = 0;
    apply(&change, 1);
    expect("falc", "");
}

static void what_removed_pages_wrote_is_forgotten_at_once(void **state)
{
    (void)state;
    put("http://e.org/1", "Falcon", "falcon");
    expect("falc", "falcon|[Falcon]|");
    struct index_change removal = {.kind = INDEX_REMOVE_URL, .url = slice("http://e.org/1")};
    apply(&removal, 1);
    expect("falc", "");
}

/* ---- an oracle ---- */

enum { WORDS = 9000, PAGES = 40 };
static char words[WORDS][12];
static uint32_t counts[WORDS];

static int compare_numbers(const void *a_pointer, const void *b_pointer)
{
    uint32_t a = *(const uint32_t *)a_pointer;
    uint32_t b = *(const uint32_t *)b_pointer;
    if (counts[a] != counts[b])
        return counts[a] > counts[b] ? -1 : 1;
    return strcmp(words[a], words[b]);
}

static void expect_most_written(const char *prefix)
{
    static uint32_t numbers[WORDS];
    uint32_t count = 0;
    for (uint32_t i = 0; i < WORDS; i++) {
        if (counts[i] > 0 && strncmp(words[i], prefix, strlen(prefix)) == 0)
            numbers[count++] = i;
    }
    qsort(numbers, count, sizeof(numbers[0]), compare_numbers);
    struct suggestions suggestions = suggest_as(prefix, false);
    assert_int_equal(suggestions.word_count, count < SUGGEST_COUNT_MAX ? count : SUGGEST_COUNT_MAX);
    for (size_t i = 0; i < suggestions.word_count; i++) {
        assert_int_equal(suggestions.words[i].documents, counts[numbers[i]]);
        assert_memory_equal(suggestions.words[i].term.bytes, words[numbers[i]],
                            suggestions.words[i].term.size);
    }
    arena_reset(&arena);
}

/* Words that stems leave alone, so that only what is written counts. */
static void one_segment_of_many_words_suggests_what_is_written_most(void **state)
{
    (void)state;
    static char text[1 << 20];
    memset(counts, 0, sizeof(counts));
    for (uint32_t i = 0; i < WORDS; i++)
        snprintf(words[i], sizeof(words[i]), "%c%c%05u", 'a' + (int)(i % 3), 'a' + (int)(i % 7), i);
    for (uint32_t page = 0; page < PAGES; page++) {
        char url[64];
        size_t used = 0;
        for (uint32_t i = 0; i < WORDS; i++) {
            if (random_below(1 + i * 7919 % 37) > 0)
                continue;
            counts[i]++;
            used += (size_t)snprintf(text + used, sizeof(text) - used, "%s ", words[i]);
        }
        snprintf(url, sizeof(url), "http://e.org/%u", page);
        put(url, "", text);
    }
    assert_int_equal(index_flush(tested, NULL), STATUS_OK);
    assert_int_equal(index_merge_down(tested, 1, NULL), STATUS_OK);
    expect_most_written("a");
    expect_most_written("b");
    expect_most_written("ab");
    expect_most_written("ab0");
    expect_most_written("bb007");
    expect_most_written("ca0017");
    expect_most_written("z");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(the_last_word_is_completed_by_how_many_pages_write_it),
        TEST(stems_pairs_hosts_and_parts_of_urls_are_not_words),
        TEST(words_before_the_last_one_stay_as_typed_and_narrow_it),
        TEST(titles_with_all_words_are_suggested_as_they_are_written),
        TEST(diacritics_come_back_from_titles),
        TEST(text_without_spaces_is_completed_from_titles),
        TEST(operators_get_no_suggestions),
        TEST(what_only_hidden_pages_write_is_for_admins_alone),
        TEST(words_of_hidden_pages_take_the_place_of_no_others),
        TEST(scopes_decide_who_is_told),
        TEST(what_removed_pages_wrote_is_forgotten_at_once),
        TEST(one_segment_of_many_words_suggests_what_is_written_most),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
