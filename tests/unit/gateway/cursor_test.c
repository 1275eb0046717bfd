/* Cursors: what goes in comes out, and nothing else is taken. */
#include "tests/unit/unit.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "gateway/cursor.h"

static const struct cluster_key key = {.bytes = {1, 2, 3}};
static const uint64_t frequencies[] = {1, 300, UINT64_MAX};
static const uint64_t positions[] = {17, 18};
static const uint64_t splits[] = {0x0b0901};

static struct cursor example(void)
{
    return (struct cursor){
        .made_unix_s = 1000000,
        .query_hash = 0xfeedfacecafebeef,
        .depth = 10,
        .languages = 0x100200,
        .part = CURSOR_ANY_WORD,
        .epoch = 3,
        .documents = 1169,
        .field_lengths = {1, 2, 3, 4, 1000000},
        .now_us = 1700000000000000,
        .score = 12.345678901234567,
        .url_hash = 0x8000000000000001,
        .document_frequencies = frequencies,
        .term_count = 3,
        .splits = splits,
        .split_count = 1,
        .positions = positions,
        .shard_count = 2,
    };
}

static void what_goes_in_comes_out(void **state)
{
    (void)state;
    struct arena arena = {0};
    struct cursor in = example(), out;
    const char *text = cursor_encode(&key, &in, &arena);
    assert_non_null(text);
    assert_int_equal(
        strspn(text, "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_"),
        strlen(text));
    assert_true(strlen(text) < 200);
    assert_int_equal(cursor_decode(&key, text, 1000100, &arena, &out, NULL), STATUS_OK);
    assert_int_equal(out.made_unix_s, in.made_unix_s);
    assert_int_equal(out.query_hash, in.query_hash);
    assert_int_equal(out.depth, in.depth);
    assert_int_equal(out.languages, in.languages);
    assert_int_equal(out.part, in.part);
    assert_int_equal(out.epoch, in.epoch);
    assert_int_equal(out.documents, in.documents);
    assert_memory_equal(out.field_lengths, in.field_lengths, sizeof(in.field_lengths));
    assert_int_equal(out.now_us, in.now_us);
    assert_true(out.score == in.score);
    assert_int_equal(out.url_hash, in.url_hash);
    assert_int_equal(out.term_count, 3);
    assert_memory_equal(out.document_frequencies, frequencies, sizeof(frequencies));
    assert_int_equal(out.shard_count, 2);
    assert_int_equal(out.split_count, 1);
    assert_int_equal(out.splits[0], splits[0]);
    assert_memory_equal(out.positions, positions, sizeof(positions));
    arena_release(&arena);
}

static void every_changed_character_is_noticed(void **state)
{
    (void)state;
    struct arena arena = {0};
    struct cursor in = example(), out;
    char *text = (char *)cursor_encode(&key, &in, &arena);
    size_t size = strlen(text);
    for (size_t i = 0; i < size; i++) {
        char old = text[i];
        text[i] = old == 'A' ? 'B' : 'A';
        /* the last character's lowest bits are padding */
        if (i + 1 < size)
            assert_int_equal(cursor_decode(&key, text, 1000000, &arena, &out, NULL),
                             STATUS_INVALID);
        text[i] = old;
    }
    arena_release(&arena);
}

static void every_beginning_of_one_is_refused(void **state)
{
    (void)state;
    struct arena arena = {0};
    struct cursor in = example(), out;
    const char *text = cursor_encode(&key, &in, &arena);
    for (size_t size = 0; size < strlen(text); size++) {
        char *part = strndup(text, size);
        assert_int_equal(cursor_decode(&key, part, 1000000, &arena, &out, NULL), STATUS_INVALID);
        free(part);
    }
    arena_release(&arena);
}

static void another_clusters_cursor_is_refused(void **state)
{
    (void)state;
    struct arena arena = {0};
    struct cursor in = example(), out;
    struct cluster_key other = {.bytes = {9}};
    const char *text = cursor_encode(&other, &in, &arena);
    struct error err;
    assert_int_equal(cursor_decode(&key, text, 1000000, &arena, &out, &err), STATUS_INVALID);
    assert_non_null(strstr(err.text, "not one that this server made"));
    arena_release(&arena);
}

static void it_is_valid_for_five_minutes(void **state)
{
    (void)state;
    struct arena arena = {0};
    struct cursor in = example(), out;
    const char *text = cursor_encode(&key, &in, &arena);
    struct error err;
    assert_int_equal(cursor_decode(&key, text, 1000300, &arena, &out, &err), STATUS_OK);
    assert_int_equal(cursor_decode(&key, text, 1000301, &arena, &out, &err), STATUS_INVALID);
    assert_non_null(strstr(err.text, "five minutes"));
    assert_int_equal(cursor_decode(&key, text, 999000, &arena, &out, &err), STATUS_INVALID);
    arena_release(&arena);
}

static void what_is_no_cursor_is_refused(void **state)
{
    (void)state;
    static const char *const texts[] = {
        "", "x", "=", "%%%", "AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA", "\xff\xfe", "a b c d"};
    struct arena arena = {0};
    struct cursor out;
    for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]); i++)
        assert_int_equal(cursor_decode(&key, texts[i], 0, &arena, &out, NULL), STATUS_INVALID);
    char *huge = malloc(100001);
    memset(huge, 'A', 100000);
    huge[100000] = '\0';
    assert_int_equal(cursor_decode(&key, huge, 0, &arena, &out, NULL), STATUS_INVALID);
    free(huge);
    arena_release(&arena);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_goes_in_comes_out),
        cmocka_unit_test(every_changed_character_is_noticed),
        cmocka_unit_test(every_beginning_of_one_is_refused),
        cmocka_unit_test(another_clusters_cursor_is_refused),
        cmocka_unit_test(it_is_valid_for_five_minutes),
        cmocka_unit_test(what_is_no_cursor_is_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
