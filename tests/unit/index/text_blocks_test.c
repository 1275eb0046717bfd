#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "index/text_blocks.h"
#include "tests/unit/index/memory_part.h"
#include "tests/unit/unit.h"

static struct text_analyzer *analyzer;
static struct text_packer *packer;
static ZSTD_DCtx *decompressor;
static struct arena arena;

static int set_up(void **state)
{
    (void)state;
    analyzer = text_analyzer_new();
    packer = text_packer_new();
    decompressor = ZSTD_createDCtx();
    return analyzer == NULL || packer == NULL || decompressor == NULL ? -1 : 0;
}

static int tear_down(void **state)
{
    (void)state;
    text_analyzer_free(analyzer);
    text_packer_free(packer);
    ZSTD_freeDCtx(decompressor);
    arena_release(&arena);
    return 0;
}

struct token {
    uint32_t position;
    uint32_t offset;
};

/* A text with its tokens and its blocks. */
struct sample {
    struct text_slice text;
    struct token tokens[40000];
    size_t token_count;
    uint8_t cells[1000];
    struct buffer packed;
    uint8_t *bytes; /* packed, in memory of exactly their size */
    struct memory_part part;
    struct text_blocks blocks;
};

static void fill(struct sample *sample, struct text_slice headings, struct text_slice text)
{
    struct text_token token;
    *sample = (struct sample){.text = text};
    text_analyzer_begin(analyzer, text, TEXT_LANGUAGE_UNKNOWN);
    while (text_analyzer_next(analyzer, &token)) {
        assert_true(sample->token_count < 40000);
        sample->tokens[sample->token_count++] = (struct token){token.position, token.start};
        sample->cells[token.start / TEXT_CELL_BYTES]++;
    }
    assert_int_equal(
        text_blocks_write(packer, headings, text, sample->cells, &sample->packed, NULL), STATUS_OK);
    sample->bytes = malloc(sample->packed.size);
    memcpy(sample->bytes, sample->packed.data, sample->packed.size);
    memory_part_init(&sample->part, sample->bytes, sample->packed.size);
    sample->blocks = (struct text_blocks){.part = &sample->part.part,
                                          .size = (uint32_t)sample->packed.size,
                                          .headings_size = headings.size,
                                          .text_size = text.size};
    buffer_release(&sample->packed);
}

static void empty(struct sample *sample)
{
    free(sample->bytes);
    arena_reset(&arena);
}

static struct text_slice slice(const char *text)
{
    return (struct text_slice){text, strlen(text)};
}

/* Text of `size` bytes: words, tables of digits, text without spaces, junk without any token. */
static char *make_text(size_t size, uint32_t seed)
{
    static const char *const pieces[] = {"apple ", "a ",      "1 2 3 4 ", "日本語の文",
                                         "naïve ", "x.y.z ",  "\n\n",     "-",
                                         "  ",     "Straße ", "longish",  "sentence. "};
    char *text = malloc(size + 1);
    size_t at = 0;
    while (at < size) {
        seed = seed * 1664525 + 1013904223;
        const char *piece = pieces[(seed >> 16) % 12];
        size_t length = strlen(piece);
        size_t times = (seed >> 8) % 64 == 0 ? 2000 : 1; /* at times thousands of one kind */
        for (; times > 0 && at + length <= size; times--, at += length)
            memcpy(text + at, piece, length);
        if (at + length > size)
            break;
    }
    memset(text + at, ' ', size - at);
    text[size] = '\0';
    return text;
}

static void what_was_written_comes_back(void **state)
{
    (void)state;
    struct sample *sample = malloc(sizeof(*sample));
    for (uint32_t round = 0; round < 60; round++) {
        size_t size = round < 20 ? round : round * 700;
        char *text = make_text(size, round);
        struct text_slice headings = slice(round % 3 == 0 ? "" : "One\nTwo");
        struct text_slice headings_back, text_back;
        fill(sample, headings, (struct text_slice){text, size});
        assert_int_equal(text_blocks_unpack(&sample->blocks, decompressor, &arena, &headings_back,
                                            &text_back, NULL),
                         STATUS_OK);
        assert_int_equal(headings_back.size, headings.size);
        assert_memory_equal(headings_back.bytes, headings.bytes, headings.size);
        assert_int_equal(text_back.size, size);
        assert_memory_equal(text_back.bytes, text, size);
        empty(sample);
        free(text);
    }
    free(sample);
}

/* The passage lies in the text, and covers what it must. */
static void check_passage(const struct sample *sample, const struct token *token, size_t lead,
                          size_t trail)
{
    struct passage passage;
    assert_int_equal(text_blocks_passage(&sample->blocks, decompressor, token->position, lead,
                                         trail, &arena, &passage, NULL),
                     STATUS_OK);
    /* Which bytes of the text they are is not said: the same bytes may stand in it twice. */
    size_t start = token->offset > lead ? token->offset - lead : 0;
    size_t end =
        token->offset + trail < sample->text.size ? token->offset + trail : sample->text.size;
    size_t slack = lead + trail + 2 * TEXT_CELL_BYTES;
    assert_true(passage.text.size <= slack);
    const char *found = NULL;
    size_t first = start > slack ? start - slack : 0;
    for (size_t at = first; at <= start && found == NULL; at++) {
        if (at + passage.text.size >= end && at + passage.text.size <= sample->text.size &&
            memcmp(sample->text.bytes + at, passage.text.bytes, passage.text.size) == 0 &&
            (at == 0) == passage.begins &&
            (at + passage.text.size == sample->text.size) == passage.ends)
            found = sample->text.bytes + at;
    }
    assert_non_null(found);
    assert_true(((unsigned char)*found & 0xc0) != 0x80 || passage.text.size == 0);
}

static void a_passage_shows_any_token_with_what_is_around_it(void **state)
{
    (void)state;
    struct sample *sample = malloc(sizeof(*sample));
    for (uint32_t round = 0; round < 12; round++) {
        char *text = make_text(3000 + round * 3000, round + 7);
        fill(sample, slice("Heading"), slice(text));
        for (size_t i = 0; i < sample->token_count; i += 1 + i % 13) {
            check_passage(sample, &sample->tokens[i], 192, 420);
            check_passage(sample, &sample->tokens[i], 0, 1);
            arena_reset(&arena);
        }
        empty(sample);
        free(text);
    }
    free(sample);
}

static void a_text_without_tokens_is_shown_from_its_beginning(void **state)
{
    (void)state;
    struct sample *sample = malloc(sizeof(*sample));
    char junk[9000];
    struct passage passage;
    memset(junk, '-', sizeof(junk));
    fill(sample, slice(""), (struct text_slice){junk, sizeof(junk)});
    assert_int_equal(
        text_blocks_passage(&sample->blocks, decompressor, 0, 192, 420, &arena, &passage, NULL),
        STATUS_OK);
    assert_true(passage.begins);
    assert_false(passage.ends);
    assert_true(passage.text.size >= 420);
    empty(sample);
    fill(sample, slice(""), slice(""));
    assert_int_equal(
        text_blocks_passage(&sample->blocks, decompressor, 5, 192, 420, &arena, &passage, NULL),
        STATUS_OK);
    assert_true(passage.begins && passage.ends && passage.text.size == 0);
    empty(sample);
    free(sample);
}

static void wrong_bytes_are_corrupt_or_read_but_never_harm(void **state)
{
    (void)state;
    struct sample *sample = malloc(sizeof(*sample));
    char *text = make_text(9000, 3);
    struct text_slice headings, whole;
    struct passage passage;
    fill(sample, slice("Heading"), slice(text));
    uint8_t *bytes = sample->bytes;
    size_t size = sample->blocks.size;
    for (size_t at = 0; at < size; at++) {
        for (unsigned bit = 0; bit < 8; bit += 3) {
            bytes[at] ^= (uint8_t)(1u << bit);
            text_blocks_unpack(&sample->blocks, decompressor, &arena, &headings, &whole, NULL);
            text_blocks_passage(&sample->blocks, decompressor, (uint32_t)at, 192, 420, &arena,
                                &passage, NULL);
            bytes[at] ^= (uint8_t)(1u << bit);
            arena_reset(&arena);
        }
    }
    for (size_t prefix = 0; prefix < size; prefix++) {
        uint8_t *shorter = malloc(prefix + (prefix == 0));
        memcpy(shorter, bytes, prefix);
        struct text_blocks cut = sample->blocks;
        struct memory_part part;
        memory_part_init(&part, shorter, prefix);
        cut.part = &part.part;
        cut.size = (uint32_t)prefix;
        assert_int_equal(text_blocks_unpack(&cut, decompressor, &arena, &headings, &whole, NULL),
                         STATUS_CORRUPT);
        free(shorter);
        arena_reset(&arena);
    }
    empty(sample);
    free(text);
    free(sample);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_was_written_comes_back),
        cmocka_unit_test(a_passage_shows_any_token_with_what_is_around_it),
        cmocka_unit_test(a_text_without_tokens_is_shown_from_its_beginning),
        cmocka_unit_test(wrong_bytes_are_corrupt_or_read_but_never_harm),
    };
    return cmocka_run_group_tests(tests, set_up, tear_down);
}
