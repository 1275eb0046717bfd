/* Cursors: what goes in comes out, and nothing else is taken. */
#include "tests/unit/unit.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/bytes.h"
#include "gateway/cursor.h"

static const struct cluster_key key = {.bytes = {1, 2, 3}};
static const uint64_t frequencies[] = {1, 300, UINT64_MAX};
static const uint64_t positions[] = {17, 18};
static const struct compound_split splits[] = {{1, 9, TEXT_LANGUAGE_GERMAN}};

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
    assert_true(strlen(text) < 250);
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
    assert_memory_equal(out.splits, splits, sizeof(splits));
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
        assert_int_equal(cursor_decode(&key, text, 1000000, &arena, &out, NULL), STATUS_INVALID);
        text[i] = old;
    }
    arena_release(&arena);
}

/* The bytes of a cursor, on the heap. */
static uint8_t *bytes_of(const char *text, size_t *ret_size)
{
    static const char digits[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";
    uint8_t *bytes = calloc(1, strlen(text));
    for (size_t i = 0; text[i] != '\0'; i++) {
        unsigned digit = (unsigned)(strchr(digits, text[i]) - digits);
        for (unsigned bit = 0; bit < 6; bit++) {
            size_t at = 6 * i + bit;
            bytes[at / 8] |= (uint8_t)((digit >> (5 - bit) & 1) << (7 - at % 8));
        }
    }
    *ret_size = strlen(text) * 6 / 8;
    return bytes;
}

static void two_that_differ_in_a_frequency_differ_everywhere(void **state)
{
    (void)state;
    struct arena arena = {0};
    uint64_t others[] = {1, 301, UINT64_MAX}; /* 300 would be a varint as long */
    struct cursor in = example();
    size_t sizes[3], same[2] = {0};
    uint8_t *bytes[3];
    for (unsigned i = 0; i < 3; i++) {
        others[1] = i == 0 ? 300 : i == 1 ? 301 : 3; /* 3 would be a shorter varint */
        in.document_frequencies = others;
        bytes[i] = bytes_of(cursor_encode(&key, &in, &arena), &sizes[i]);
        assert_int_equal(sizes[i], sizes[0]);
        assert_int_equal(bytes[i][0], 4); /* the version alone can be read */
    }
    for (size_t i = 1; i < sizes[0]; i++) {
        same[0] += bytes[0][i] == bytes[1][i];
        same[1] += bytes[0][i] == bytes[2][i];
    }
    assert_true(same[0] < 12 && same[1] < 12); /* of about 170, where chance makes one */
    for (unsigned i = 0; i < 3; i++)
        free(bytes[i]);
    arena_release(&arena);
}

static void what_it_holds_cannot_be_read(void **state)
{
    (void)state;
    struct arena arena = {0};
    uint64_t rare[] = {0x1122334455667788, 0x0102030405060708};
    uint8_t wanted[sizeof(rare)];
    struct cursor in = example();
    in.document_frequencies = rare;
    in.term_count = 2;
    for (unsigned i = 0; i < 2; i++)
        put_be64(wanted + 8 * i, rare[i]);
    size_t size;
    uint8_t *bytes = bytes_of(cursor_encode(&key, &in, &arena), &size);
    for (unsigned i = 0; i < sizeof(wanted) / 4; i++)
        assert_null(memmem(bytes, size, wanted + 4 * i, 4));
    free(bytes);
    arena_release(&arena);
}

static void one_of_another_version_is_refused(void **state)
{
    (void)state;
    struct arena arena = {0};
    struct cursor in = example(), out;
    struct error err;
    char *text = (char *)cursor_encode(&key, &in, &arena);
    for (unsigned version = 0; version < 4; version++) { /* the first eight bits */
        text[0] = 'A';
        text[1] = "AQgw"[version];
        assert_int_equal(cursor_decode(&key, text, 1000000, &arena, &out, &err), STATUS_INVALID);
        assert_non_null(strstr(err.text, "not one that this server made"));
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
        cmocka_unit_test(two_that_differ_in_a_frequency_differ_everywhere),
        cmocka_unit_test(what_it_holds_cannot_be_read),
        cmocka_unit_test(one_of_another_version_is_refused),
        cmocka_unit_test(every_beginning_of_one_is_refused),
        cmocka_unit_test(another_clusters_cursor_is_refused),
        cmocka_unit_test(it_is_valid_for_five_minutes),
        cmocka_unit_test(what_is_no_cursor_is_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
