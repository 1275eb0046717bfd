/* Text packed with dictionaries that are trained on the way, by itself and through an index. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "index/document.h"
#include "index/index.h"
#include "index/storage_memory.h"
#include "index/text_blocks.h"
#include "tests/unit/index/memory_part.h"
#include "tests/unit/unit.h"

#define TEXT_BYTES 20000

static uint32_t seed;

static uint32_t random_below(uint32_t bound)
{
    seed = seed * 1664525 + 1013904223;
    return (uint32_t)(((uint64_t)seed * bound) >> 32);
}

/* Sentences of words that are long enough to be worth repeating; `kind`: which words. */
static void make_text(char *text, size_t size, uint32_t kind)
{
    size_t used = 0;
    while (used + 64 < size)
        used += (size_t)snprintf(text + used, size - used, "the %uth chapter speaks of item%u. ",
                                 kind * 1000 + random_below(300), random_below(5000));
    text[used] = '\0';
}

/* Packs texts until a dictionary was trained. */
static struct text_packer *train(uint32_t kind)
{
    static char text[TEXT_BYTES];
    struct text_packer *packer = text_packer_new();
    assert_non_null(packer);
    for (int i = 0; text_packer_dictionary(packer).size == 0; i++) {
        struct buffer out = {0};
        assert_true(i < 200);
        make_text(text, sizeof(text), kind);
        struct text_slice slice = {text, strlen(text)};
        assert_int_equal(text_blocks_write(packer, (struct text_slice){0}, slice, NULL, &out, NULL),
                         STATUS_OK);
        buffer_release(&out);
        text_packer_renew(packer);
    }
    return packer;
}

static size_t packed_size(struct text_packer *packer, const char *text)
{
    struct buffer out = {0};
    size_t size = text_packer_pack(packer, text, strlen(text), &out);
    assert_true(size > 0);
    assert_int_equal(out.size, size);
    buffer_release(&out);
    return size;
}

static void a_dictionary_makes_it_smaller(void **state)
{
    (void)state;
    static char text[TEXT_BLOCK_BYTES];
    struct text_packer *without = text_packer_new();
    struct text_packer *with = train(1);
    make_text(text, sizeof(text), 1);
    assert_true(packed_size(with, text) < packed_size(without, text));
    text_packer_free(without);
    text_packer_free(with);
}

static void what_was_packed_comes_back_with_the_same_dictionary_alone(void **state)
{
    (void)state;
    static char text[TEXT_BYTES];
    struct arena arena = {0};
    struct buffer out = {0};
    struct text_packer *packer = train(2);
    struct text_packer *other = text_packer_new();
    assert_true(text_packer_adopt(other, text_packer_dictionary(packer)));
    make_text(text, sizeof(text), 2);
    struct text_slice slice = {text, strlen(text)};
    assert_int_equal(text_blocks_write(other, slice, slice, NULL, &out, NULL), STATUS_OK);

    ZSTD_DCtx *decompressor = ZSTD_createDCtx();
    ZSTD_DDict *dictionary = text_dictionary_open(text_packer_dictionary(packer));
    struct memory_part part;
    memory_part_init(&part, out.data, out.size);
    struct text_blocks blocks = {.part = &part.part,
                                 .size = (uint32_t)out.size,
                                 .headings_size = slice.size,
                                 .text_size = slice.size,
                                 .dictionary = dictionary};
    struct text_slice headings, back;
    assert_int_equal(text_blocks_unpack(&blocks, decompressor, &arena, &headings, &back, NULL),
                     STATUS_OK);
    assert_int_equal(back.size, slice.size);
    assert_memory_equal(back.bytes, text, slice.size);
    assert_memory_equal(headings.bytes, text, slice.size);
    blocks.dictionary = NULL;
    assert_int_equal(text_blocks_unpack(&blocks, decompressor, &arena, &headings, &back, NULL),
                     STATUS_CORRUPT);
    ZSTD_freeDDict(dictionary);
    ZSTD_freeDCtx(decompressor);
    text_packer_free(packer);
    text_packer_free(other);
    buffer_release(&out);
    arena_release(&arena);
}

/* ---- through an index ---- */

enum { DOCUMENTS = 400, BATCH = 50 };

static char *texts[DOCUMENTS];

static struct text_slice url_of(unsigned number, char ret[64])
{
    return (struct text_slice){
        ret, (size_t)snprintf(ret, 64, "http://e.org/%u", number % 7 * 1000 + number)};
}

/* Documents from `first` on, of changing kinds, so that several dictionaries are trained. */
static void put_documents(struct index *index, unsigned first)
{
    static char urls[BATCH][64];
    struct index_change changes[BATCH];
    for (unsigned i = 0; i < BATCH; i++) {
        unsigned number = first + i;
        texts[number] = malloc(TEXT_BYTES);
        assert_non_null(texts[number]);
        make_text(texts[number], TEXT_BYTES, number / 100);
        changes[i] =
            (struct index_change){.kind = INDEX_PUT_DOCUMENT,
                                  .document = {.url = url_of(number, urls[i]),
                                               .site = {"e.org", 5},
                                               .text = {texts[number], strlen(texts[number])}}};
    }
    assert_int_equal(index_apply(index, changes, BATCH, first + BATCH, NULL), STATUS_OK);
}

static void expect_documents(struct index *index)
{
    struct arena arena = {0};
    for (unsigned i = 0; i < DOCUMENTS; i++) {
        char url[64];
        struct text_slice headings, text;
        struct stored_document document;
        assert_int_equal(index_document_text(index, url_of(i, url), &arena, &headings, &text, NULL),
                         STATUS_OK);
        assert_string_equal(text.bytes, texts[i]);
        assert_int_equal(index_document_get(index, url_of(i, url), &arena, &document, NULL),
                         STATUS_OK);
        assert_string_equal(document.site, "e.org");
        arena_reset(&arena);
    }
    arena_release(&arena);
}

static void documents_of_several_dictionaries_are_merged_and_read(void **state)
{
    (void)state;
    struct index *index;
    struct index_size size;
    struct storage_memory *memory = storage_memory_new();
    struct storage storage = storage_memory_storage(memory);
    assert_int_equal(index_open(storage, NULL, &index, NULL), STATUS_OK);
    for (unsigned first = 0; first < DOCUMENTS; first += BATCH) {
        put_documents(index, first);
        assert_int_equal(index_flush(index, NULL), STATUS_OK);
        if (first == DOCUMENTS / 2) { /* goes on with the dictionary it had */
            index_close(index);
            assert_int_equal(index_open(storage, NULL, &index, NULL), STATUS_OK);
        }
    }
    expect_documents(index);
    assert_int_equal(index_merge_down(index, 1, NULL), STATUS_OK);
    index_measure(index, &size);
    assert_int_equal(size.segments_stored, 1);
    expect_documents(index);
    index_close(index);
    assert_int_equal(index_open(storage, NULL, &index, NULL), STATUS_OK);
    expect_documents(index);
    index_close(index);
    storage_memory_free(memory);
    for (unsigned i = 0; i < DOCUMENTS; i++)
        free(texts[i]);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_dictionary_makes_it_smaller),
        cmocka_unit_test(what_was_packed_comes_back_with_the_same_dictionary_alone),
        cmocka_unit_test(documents_of_several_dictionaries_are_merged_and_read),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
