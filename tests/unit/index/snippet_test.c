#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/bytes.h"
#include "index/document.h"
#include "tests/unit/index/fixture.h"

static struct snippet_maker *maker;

static int set_up_maker(void **state)
{
    maker = snippet_maker_new();
    return maker == NULL ? -1 : set_up(state);
}

static int tear_down_maker(void **state)
{
    snippet_maker_free(maker);
    return tear_down(state);
}

static uint32_t characters(const char *text)
{
    uint32_t count = 0;
    for (; *text != '\0'; text++)
        count += ((unsigned char)*text & 0xc0) != 0x80;
    return count;
}

/* What pages ask for. */
static uint32_t snippet_max;
static bool no_snippet;

static void put(struct text_slice text)
{
    struct index_change change = {
        .kind = INDEX_PUT_DOCUMENT,
        .document = {.url = slice("http://a/"),
                     .title = slice("absent"),
                     .text = text,
                     .snippet_max = snippet_max,
                     .no_snippet = no_snippet},
    };
    assert_int_equal(index_apply(tested, &change, 1, 1, NULL), STATUS_OK);
}

/* The snippet of a page with this text, with square brackets around what is marked. */
static const char *snippet(const char *text, size_t size, const char *typed)
{
    struct query query;
    struct shown_document shown_document;
    struct buffer shown = {0};
    struct buffer plain = {0};
    uint64_t hash = url_hash("http://a/", 9);
    put((struct text_slice){text, size});
    assert_int_equal(query_parse(analyzer, slice(typed), 0, &arena, &query, NULL), STATUS_OK);
    assert_int_equal(
        index_show(tested, maker, &hash, 1, query.root, NULL, &arena, &shown_document, NULL),
        STATUS_OK);
    assert_true(shown_document.found);
    struct snippet result = shown_document.snippet;
    for (uint32_t i = 0; i < result.span_count; i++) {
        const struct snippet_span *span = &result.spans[i];
        assert_true(span->text.size > 0);
        assert_true(i == 0 || span->marked != result.spans[i - 1].marked || span->marked);
        buffer_append_string(&shown, span->marked ? "[" : "");
        buffer_append(&shown, span->text.bytes, span->text.size);
        buffer_append_string(&shown, span->marked ? "]" : "");
        buffer_append(&plain, span->text.bytes, span->text.size);
    }
    assert_true(characters(buffer_string(&plain)) <= SNIPPET_CHARACTERS_MAX);
    const char *copy = arena_string(&arena, buffer_string(&shown));
    buffer_release(&shown);
    buffer_release(&plain);
    return copy;
}

static void expect(const char *text, const char *typed, const char *expected)
{
    assert_string_equal(snippet(text, strlen(text), typed), expected);
}

static void words_are_marked_in_any_form(void **state)
{
    (void)state;
    expect("He runs. She is running, they Run!", "run", "He [runs]. She is [running], they [Run]!");
    expect("Café and cafe\xcc\x81s", "cafe", "[Café] and [cafe\xcc\x81s]");
    expect("東京タワーです", "東京", "[東京]タワーです");
    expect("a b c", "\"a b\" -c", "[a] [b] c");
    expect("Cask, casks and a Fassbinder", "cas* fass* -and*",
           "[Cask], [casks] and a [Fassbinder]");
    expect("wide or deep cask", "\"cask wide\"~9", "[wide] or deep [cask]");
    expect("Über Überall", "über*", "[Über] [Überall]");
}

static void white_space_becomes_single_spaces(void **state)
{
    (void)state;
    expect("\n\n  one \t two\n\nthree\x01  ", "two", "one [two] three");
    expect("", "x", "");
    expect("   \n", "x", "");
}

static void without_a_match_it_is_the_beginning(void **state)
{
    (void)state;
    expect("Some text.", "absent", "Some text.");
    char text[3000];
    size_t size = 0;
    while (size < 2000)
        size += (size_t)snprintf(text + size, sizeof(text) - size, "word%zu ", size);
    const char *shown = snippet(text, size, "absent");
    assert_true(strncmp(shown, "word0 word6 ", 12) == 0);
    assert_string_equal(shown + strlen(shown) - 3, "…");
    assert_in_range(characters(shown), 250, SNIPPET_CHARACTERS_MAX);
}

static void a_short_text_is_shown_whole(void **state)
{
    (void)state;
    expect(
        "One sentence. Another one, without it. A third has the apple in it, and then it ends. Not "
        "quite.",
        "apple",
        "One sentence. Another one, without it. A third has the [apple] in it, and then it ends. "
        "Not quite.");
}

static void an_ellipsis_is_not_marked(void **state)
{
    (void)state;
    struct buffer text = {0};
    for (int i = 0; i < 100; i++)
        buffer_append_string(&text, "filler ");
    buffer_append_string(&text, "ends. Apple begins a sentence. ");
    for (int i = 0; i < 100; i++)
        buffer_append_string(&text, "filler ");
    const char *shown = snippet((char *)text.data, text.size, "apple");
    assert_true(strncmp(shown, "…[Apple] begins", strlen("…[Apple] begins")) == 0);
    buffer_release(&text);
}

static void the_whole_text_is_considered(void **state)
{
    (void)state;
    struct buffer text = {0};
    for (int i = 0; i < 20000; i++)
        buffer_append_string(&text, i % 100 == 50 ? "apple filler " : "filler filler ");
    buffer_append_string(&text, "End of it. The best apple and banana stand here. More ");
    for (int i = 0; i < 1000; i++)
        buffer_append_string(&text, "filler ");
    const char *shown = snippet((char *)text.data, text.size, "apple banana");
    assert_non_null(strstr(shown, "The best [apple] and [banana] stand here."));
    assert_true(strncmp(shown, "…The best", strlen("…The best")) == 0);
    buffer_release(&text);
}

static void a_beginning_is_found_deep_in_the_text(void **state)
{
    (void)state;
    struct buffer text = {0};
    for (int i = 0; i < 5000; i++)
        buffer_append_string(&text, i == 4000 ? "cooperage " : "filler ");
    const char *shown = snippet((const char *)text.data, text.size, "coop* coot*");
    assert_non_null(strstr(shown, "[cooperage]"));
    buffer_release(&text);
}

static void phrases_win_over_scattered_words(void **state)
{
    (void)state;
    struct buffer text = {0};
    buffer_append_string(&text, "pie and then an apple. ");
    for (int i = 0; i < 100; i++)
        buffer_append_string(&text, "filler ");
    buffer_append_string(&text, "Here is apple pie for you. ");
    const char *shown = snippet((char *)text.data, text.size, "\"apple pie\"");
    assert_non_null(strstr(shown, "[apple] [pie] for you"));
    buffer_release(&text);
}

static void random_text_never_breaks_it(void **state)
{
    (void)state;
    static const char *const pieces[] = {"apple ", "pie",  " ",    "\n",     "日本語",    "é",
                                         "x.y",    "\xff", "\xe6", "......", "pie apple", "\0"};
    for (int round = 0; round < 3000; round++) {
        char text[2000];
        size_t size = 0;
        while (size < 1900) {
            if (random_below(64) == 0)
                break;
            const char *piece = pieces[random_below(12)];
            size_t length = strlen(piece) + (piece[0] == '\0');
            memcpy(text + size, piece, length);
            size += length;
        }
        snippet(text, size, "apple pie 日本 y");
        if (round % 100 == 0)
            arena_reset(&arena);
    }
    char *long_word = malloc(100000);
    memset(long_word, 'a', 100000);
    memcpy(long_word + 60000, " pie ", 5);
    assert_non_null(strstr(snippet(long_word, 100000, "pie"), "[pie]"));
    free(long_word);
}

/* A page of results takes no more for lying in many segments. */
static void many_segments_take_no_more_memory(void **state)
{
    (void)state;
    char text[400] = "";
    char urls[20][16];
    uint64_t hashes[20];
    struct query query;
    struct shown_document shown[20];
    for (int i = 0; i < 30; i++)
        snprintf(text + strlen(text), sizeof(text) - strlen(text), "walking%d ", i);
    for (int i = 0; i < 20; i++) {
        snprintf(urls[i], sizeof(urls[i]), "http://m/%d", i);
        hashes[i] = url_hash(urls[i], strlen(urls[i]));
        struct index_change change = {.kind = INDEX_PUT_DOCUMENT,
                                      .document = {.url = slice(urls[i]), .text = slice(text)}};
        assert_int_equal(index_apply(tested, &change, 1, 1, NULL), STATUS_OK);
        assert_int_equal(index_flush(tested, NULL), STATUS_OK);
    }
    assert_int_equal(query_parse(analyzer, slice(text), 0, &arena, &query, NULL), STATUS_OK);
    arena_reset(&arena);
    assert_int_equal(query_parse(analyzer, slice(text), 0, &arena, &query, NULL), STATUS_OK);
    size_t before = arena.used_bytes;
    assert_int_equal(index_show(tested, maker, hashes, 1, query.root, NULL, &arena, shown, NULL),
                     STATUS_OK);
    size_t of_one = arena.used_bytes - before;
    before = arena.used_bytes;
    assert_int_equal(index_show(tested, maker, hashes, 20, query.root, NULL, &arena, shown, NULL),
                     STATUS_OK);
    assert_true(shown[19].found && shown[19].snippet.span_count > 1);
    assert_true(arena.used_bytes - before < 3 * of_one);
}

static void no_more_is_shown_than_the_page_allows(void **state)
{
    (void)state;
    static const char text[] = "An apple, a banana and a long row of other fruits";
    no_snippet = true;
    expect(text, "banana", "");
    no_snippet = false;
    snippet_max = 4;
    expect(text, "banana", "");
    for (snippet_max = 5; snippet_max < 60; snippet_max++) {
        const char *shown = snippet(text, strlen(text), "banana");
        size_t marks = strchr(shown, '[') == NULL ? 0 : 2;
        assert_true(characters(shown) - marks <= snippet_max);
        assert_true(snippet_max / 5 * 5 >= strlen(text) || strstr(shown, "\xe2\x80\xa6") != NULL);
    }
    snippet_max = 24;
    expect(text, "banana", "An apple, a [banana]\xe2\x80\xa6");
    snippet_max = 10;
    expect("\xc3\xa4\xc3\xa4\xc3\xa4 \xc3\xa4\xc3\xa4\xc3\xa4 \xc3\xa4\xc3\xa4\xc3\xa4", "x",
           "\xc3\xa4\xc3\xa4\xc3\xa4 \xc3\xa4\xc3\xa4\xc3\xa4\xe2\x80\xa6");
    snippet_max = 1000;
    expect(text, "banana", "An apple, a [banana] and a long row of other fruits");
    snippet_max = 0;
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(words_are_marked_in_any_form),
        cmocka_unit_test(white_space_becomes_single_spaces),
        cmocka_unit_test(without_a_match_it_is_the_beginning),
        cmocka_unit_test(a_short_text_is_shown_whole),
        cmocka_unit_test(an_ellipsis_is_not_marked),
        cmocka_unit_test(the_whole_text_is_considered),
        cmocka_unit_test(a_beginning_is_found_deep_in_the_text),
        cmocka_unit_test(phrases_win_over_scattered_words),
        cmocka_unit_test(no_more_is_shown_than_the_page_allows),
        cmocka_unit_test(random_text_never_breaks_it),
        cmocka_unit_test(many_segments_take_no_more_memory),
    };
    return cmocka_run_group_tests(tests, set_up_maker, tear_down_maker);
}
