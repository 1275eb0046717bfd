/* What a dictionary says of its keys, and which of them complete a prefix. */
#include "index/completion.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "index/builder.h"
#include "index/merge.h"
#include "index/segment_writer.h"
#include "tests/unit/unit.h"

#define KEYS 60000

struct word {
    char key[12];
    uint32_t size;
    uint32_t documents;
    struct written written;
};

static struct word words[KEYS];
static uint32_t word_count;
static uint32_t seed = 1;

static uint32_t random_below(uint32_t bound)
{
    seed = seed * 1664525 + 1013904223;
    return (uint32_t)(((uint64_t)seed * bound) >> 32);
}

static int compare_words(const void *a_pointer, const void *b_pointer)
{
    const struct word *a = a_pointer;
    const struct word *b = b_pointer;
    return key_compare((const uint8_t *)a->key, a->size, (const uint8_t *)b->key, b->size);
}

/* Distinct words of few letters, so that many begin alike. */
static void make_words(void)
{
    for (uint32_t i = 0; i < KEYS; i++) {
        struct word *word = &words[i];
        memset(word, 0, sizeof(*word));
        word->size = 3 + random_below(8);
        for (uint32_t at = 0; at < word->size; at++)
            word->key[at] = (char)('a' + random_below(1 + random_below(10)));
        word->documents = 1 + random_below(200);
        word->written.count = random_below(4) == 0   ? 0
                              : random_below(2) == 0 ? word->documents
                                                     : 1 + random_below(word->documents);
        word->written.openly = word->written.count > 0 && random_below(2) == 0;
    }
    qsort(words, KEYS, sizeof(words[0]), compare_words);
    word_count = 0;
    for (uint32_t i = 0; i < KEYS; i++) {
        if (word_count == 0 || compare_words(&words[word_count - 1], &words[i]) != 0)
            words[word_count++] = words[i];
    }
}

static struct segment *write_words(void)
{
    struct memory_sink chunks = {0};
    struct segment_sink sink = {&chunks, memory_sink_add};
    struct segment_writer writer;
    struct segment *segment;
    const uint8_t norms[NORM_COLUMNS] = {0};
    segment_writer_init(&writer, &sink);
    for (uint32_t i = 0; i < 256; i++) {
        struct document_row row = {.url_hash = i, .stored_size = 0};
        const struct likeness likeness = {0};
        assert_int_equal(segment_writer_add_document(&writer, &row, &likeness, norms, NULL, NULL),
                         STATUS_OK);
    }
    for (uint32_t i = 0; i < word_count; i++) {
        segment_writer_begin_term(&writer);
        for (uint32_t d = 0; d < words[i].documents; d++)
            assert_int_equal(posting_writer_add(&writer.postings, d, 1u << FIELD_BODY,
                                                &(uint32_t){1}, &(uint32_t){0}, 1, NULL),
                             STATUS_OK);
        assert_int_equal(segment_writer_end_term(&writer, (const uint8_t *)words[i].key,
                                                 words[i].size, words[i].written, NULL),
                         STATUS_OK);
    }
    assert_int_equal(segment_writer_finish(&writer, NULL), STATUS_OK);
    segment_writer_release(&writer);
    assert_int_equal(memory_sink_open(&chunks, &segment, NULL), STATUS_OK);
    return segment;
}

static void a_dictionary_keeps_how_its_keys_are_written(void **state)
{
    const struct segment *segment = *state;
    struct dictionary_cursor cursor;
    dictionary_cursor_open(&cursor, segment);
    for (uint32_t i = 0; i < word_count; i++, dictionary_cursor_next(&cursor)) {
        assert_int_equal(cursor.entry.document_count, words[i].documents);
        assert_int_equal(cursor.entry.written.count, words[i].written.count);
        assert_int_equal(cursor.entry.written.openly, words[i].written.openly);
    }
    assert_int_equal(cursor.key_size, 0);
    assert_false(cursor.corrupt);
}

static void a_cursor_finds_the_first_key_not_below(void **state)
{
    const struct segment *segment = *state;
    for (int round = 0; round < 3000; round++) {
        struct word sought = {.size = 1 + random_below(10)};
        for (uint32_t at = 0; at < sought.size; at++)
            sought.key[at] = (char)('`' + random_below(8));
        uint32_t expected = 0;
        while (expected < word_count && compare_words(&words[expected], &sought) < 0)
            expected++;
        struct dictionary_cursor cursor;
        dictionary_cursor_seek(&cursor, segment, (const uint8_t *)sought.key, sought.size);
        assert_false(cursor.corrupt);
        assert_int_equal(cursor.key_size, expected < word_count ? words[expected].size : 0);
        if (expected < word_count)
            assert_memory_equal(cursor.key, words[expected].key, cursor.key_size);
    }
}

static void a_key_is_found_by_its_number(void **state)
{
    const struct segment *segment = *state;
    struct dictionary_cursor cursor;
    for (uint32_t i = 0; i < word_count; i += 7) {
        dictionary_cursor_pick(&cursor, segment, i);
        assert_int_equal(cursor.key_size, words[i].size);
        assert_memory_equal(cursor.key, words[i].key, words[i].size);
    }
    dictionary_cursor_pick(&cursor, segment, word_count);
    assert_true(cursor.corrupt);
    dictionary_cursor_pick(&cursor, segment, UINT32_MAX);
    assert_true(cursor.corrupt);
}

/* By falling count, then rising number. */
static int compare_counts(const void *a_pointer, const void *b_pointer)
{
    uint32_t a = *(const uint32_t *)a_pointer;
    uint32_t b = *(const uint32_t *)b_pointer;
    if (words[a].written.count != words[b].written.count)
        return words[a].written.count > words[b].written.count ? -1 : 1;
    return (a > b) - (a < b);
}

/* The first of them, as a row has them. */
static uint32_t sort_numbers(uint32_t *numbers, uint32_t count)
{
    qsort(numbers, count, sizeof(numbers[0]), compare_counts);
    return count < COMPLETION_ROW_KEYS ? count : COMPLETION_ROW_KEYS;
}

static void expect_completions(const struct segment *segment, const char *prefix, uint32_t size)
{
    static uint32_t all[KEYS], open[KEYS];
    uint32_t keys = 0, written = 0, written_openly = 0, count;
    uint32_t numbers[COMPLETION_ROW_KEYS];
    for (uint32_t i = 0; i < word_count; i++) {
        if (words[i].size < size || memcmp(words[i].key, prefix, size) != 0)
            continue;
        keys++;
        if (words[i].written.count > 0)
            all[written++] = i;
        if (words[i].written.openly)
            open[written_openly++] = i;
    }
    bool found = completion_find(segment, (const uint8_t *)prefix, size, false, numbers, &count);
    assert_int_equal(found, keys > COMPLETION_KEYS_MAX && size <= COMPLETION_PREFIX_BYTES_MAX);
    if (!found) {
        assert_false(
            completion_find(segment, (const uint8_t *)prefix, size, true, numbers, &count));
        return;
    }
    assert_int_equal(count, sort_numbers(all, written));
    assert_memory_equal(numbers, all, count * sizeof(all[0]));
    assert_true(completion_find(segment, (const uint8_t *)prefix, size, true, numbers, &count));
    assert_int_equal(count, sort_numbers(open, written_openly));
    assert_memory_equal(numbers, open, count * sizeof(open[0]));
}

static void every_prefix_of_many_keys_knows_what_is_written_most(void **state)
{
    const struct segment *segment = *state;
    char prefix[8];
    assert_true(segment->completion_count > 10);
    for (int round = 0; round < 600; round++) {
        const struct word *word = &words[random_below(word_count)];
        memcpy(prefix, word->key, sizeof(prefix));
        uint32_t size = 1 + random_below(word->size < 8 ? word->size : 8);
        expect_completions(segment, prefix, size);
    }
    expect_completions(segment, "x", 1);
    expect_completions(segment, "aax", 3);
    expect_completions(segment, "\xff\xff", 2);
}

/* ---- where the counts come from ---- */

static struct segment *build(const char *const *texts, uint32_t count, uint32_t private_from)
{
    static char urls[16][32];
    struct builder_document documents[16] = {0};
    struct builder *builder = builder_new(false);
    struct segment *segment;
    for (uint32_t i = 0; i < count; i++) {
        snprintf(urls[i], sizeof(urls[i]), "http://e.org/%c/index", 'a' + (int)i);
        documents[i].document.url = (struct text_slice){urls[i], strlen(urls[i])};
        documents[i].document.site = (struct text_slice){"e.org", 5};
        documents[i].document.text = (struct text_slice){texts[i], strlen(texts[i])};
        documents[i].document.language = (struct text_slice){"en", 2};
        documents[i].document.is_private = i >= private_from;
        documents[i].url_hash = i;
    }
    assert_int_equal(builder_build(builder, documents, count, &segment, NULL), STATUS_OK);
    builder_free(builder);
    return segment;
}

static void expect_written(const struct segment *segment, const char *key, uint32_t documents,
                           uint32_t written, bool openly)
{
    struct dictionary_entry entry;
    assert_int_equal(dictionary_find(segment, (const uint8_t *)key, (uint32_t)strlen(key), &entry),
                     STATUS_OK);
    assert_int_equal(entry.document_count, documents);
    assert_int_equal(entry.written.count, written);
    assert_int_equal(entry.written.openly, openly);
}

static const char *const texts[] = {"running happily 東京", "a run", "run runs", "walking"};

static void a_stem_a_pair_and_a_part_of_a_url_are_not_written(void **state)
{
    (void)state;
    struct segment *segment = build(texts, 4, 2);
    expect_written(segment, "run", 3, 2, true);
    expect_written(segment, "running", 1, 1, true);
    expect_written(segment, "runs", 1, 1, false);
    expect_written(segment, "happili", 1, 0, false);
    expect_written(segment, "東京", 1, 0, false);
    expect_written(segment, "index", 4, 0, false);
    expect_written(segment, "walk", 1, 0, false);
    expect_written(segment, "walking", 1, 1, false);
    segment_release(segment);
}

static void a_merge_adds_up_how_keys_are_written(void **state)
{
    (void)state;
    struct segment *first = build(texts, 4, 2);
    struct segment *second = build(texts + 1, 3, 3);
    struct memory_sink chunks = {0};
    struct segment_sink sink = {&chunks, memory_sink_add};
    struct merge merge = {.inputs = {{.segment = first}, {.segment = second}}, .input_count = 2};
    struct segment *output;
    assert_int_equal(merge_run(&merge, &sink, NULL), STATUS_OK);
    merge_release(&merge);
    assert_int_equal(memory_sink_open(&chunks, &output, NULL), STATUS_OK);
    expect_written(output, "run", 5, 4, true);
    expect_written(output, "runs", 2, 2, true);
    expect_written(output, "walk", 2, 0, false);
    segment_release(output);
    segment_release(first);
    segment_release(second);
}

static int set_up(void **state)
{
    make_words();
    *state = write_words();
    return 0;
}

static int tear_down(void **state)
{
    segment_release(*state);
    return 0;
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_dictionary_keeps_how_its_keys_are_written),
        cmocka_unit_test(a_cursor_finds_the_first_key_not_below),
        cmocka_unit_test(a_key_is_found_by_its_number),
        cmocka_unit_test(every_prefix_of_many_keys_knows_what_is_written_most),
        cmocka_unit_test(a_stem_a_pair_and_a_part_of_a_url_are_not_written),
        cmocka_unit_test(a_merge_adds_up_how_keys_are_written),
    };
    return cmocka_run_group_tests(tests, set_up, tear_down);
}
