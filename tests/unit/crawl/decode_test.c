#include "crawl/decode.h"

#include <brotli/encode.h>
#include <dlfcn.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <zlib.h>
#include <zstd.h>

#include <cmocka.h>

#include "base/check.h"

enum { LIMIT = 1024 * 1024 };

static const enum coding all_codings[] = {CODING_IDENTITY, CODING_GZIP, CODING_DEFLATE,
                                          CODING_BROTLI, CODING_ZSTD};

/* The encoder is a library that the program itself has no use for: found when the tests start. */
static __typeof__(BrotliEncoderCompress) *brotli_compress;

static int find_brotli(void **state)
{
    (void)state;
    void *library = dlopen("libbrotlienc.so.1", RTLD_NOW);
    if (library != NULL)
        brotli_compress = (__typeof__(brotli_compress))dlsym(library, "BrotliEncoderCompress");
    return brotli_compress != NULL ? 0 : -1;
}

static void compress_zlib(const uint8_t *bytes, size_t size, int window_bits, struct buffer *ret)
{
    z_stream stream = {0};
    assert_int_equal(deflateInit2(&stream, 9, Z_DEFLATED, window_bits, 9, Z_DEFAULT_STRATEGY),
                     Z_OK);
    size_t room = deflateBound(&stream, size) + 64;
    stream.next_in = (Bytef *)(uintptr_t)bytes;
    stream.avail_in = (uInt)size;
    stream.next_out = buffer_reserve(ret, room);
    stream.avail_out = (uInt)room;
    assert_int_equal(deflate(&stream, Z_FINISH), Z_STREAM_END);
    ret->size += room - stream.avail_out;
    deflateEnd(&stream);
}

static void encode(enum coding coding, const uint8_t *bytes, size_t size, struct buffer *ret)
{
    size_t room = size + 4096;
    switch (coding) {
    case CODING_IDENTITY:
        buffer_append(ret, bytes, size);
        break;
    case CODING_GZIP:
        compress_zlib(bytes, size, 15 + 16, ret);
        break;
    case CODING_DEFLATE:
        compress_zlib(bytes, size, 15, ret);
        break;
    case CODING_BROTLI:
        assert_int_equal(
            brotli_compress(5, 18, BROTLI_MODE_TEXT, size, bytes, &room, buffer_reserve(ret, room)),
            BROTLI_TRUE);
        ret->size += room;
        break;
    case CODING_ZSTD:
        room = ZSTD_compress(buffer_reserve(ret, room), room, bytes, size, 3);
        assert_false(ZSTD_isError(room));
        ret->size += room;
        break;
    }
}

/* Feeds in pieces, each in memory of exactly its size. */
static enum status decode(enum coding coding, const struct buffer *coded, size_t piece,
                          size_t limit, struct buffer *ret_body)
{
    struct decoder *decoder = NULL;
    struct error err;
    assert_int_equal(decoder_open(coding, &decoder, &err), STATUS_OK);
    enum status status = STATUS_OK;
    for (size_t at = 0; at < coded->size && status == STATUS_OK; at += piece) {
        size_t size = coded->size - at < piece ? coded->size - at : piece;
        uint8_t *copy = malloc(size);
        memcpy(copy, coded->data + at, size);
        status = decoder_feed(decoder, copy, size, limit, ret_body, &err);
        free(copy);
    }
    if (status == STATUS_OK)
        status = decoder_finish(decoder, &err);
    decoder_close(decoder);
    return status;
}

static void make_text(struct buffer *text, size_t size)
{
    uint32_t state = 1;
    while (text->size < size) {
        state = state * 1103515245 + 12345;
        buffer_append_format(text, "<p>%u ", state >> 16);
    }
    text->size = size;
}

static void every_coding_gives_back_what_was_coded_whatever_the_pieces(void **state)
{
    (void)state;
    static const size_t sizes[] = {0, 1, 1000, 32 * 1024, 64 * 1024, 200001};
    static const size_t pieces[] = {1, 7, 4096, 1000000};
    for (size_t c = 0; c < ARRAY_COUNT(all_codings); c++) {
        for (size_t s = 0; s < ARRAY_COUNT(sizes); s++) {
            struct buffer text = {0}, coded = {0};
            make_text(&text, sizes[s]);
            encode(all_codings[c], text.data, text.size, &coded);
            for (size_t p = 0; p < ARRAY_COUNT(pieces); p++) {
                struct buffer body = {0};
                assert_int_equal(decode(all_codings[c], &coded, pieces[p], LIMIT, &body),
                                 STATUS_OK);
                assert_int_equal(body.size, text.size);
                if (text.size > 0)
                    assert_memory_equal(body.data, text.data, text.size);
                buffer_release(&body);
            }
            buffer_release(&text);
            buffer_release(&coded);
        }
    }
}

static void a_body_is_cut_exactly_at_its_limit(void **state)
{
    (void)state;
    struct buffer text = {0};
    make_text(&text, 100000);
    for (size_t c = 0; c < ARRAY_COUNT(all_codings); c++) {
        struct buffer coded = {0}, body = {0}, whole = {0};
        encode(all_codings[c], text.data, text.size, &coded);
        assert_int_equal(decode(all_codings[c], &coded, 1000, 99999, &body), STATUS_END);
        assert_int_equal(body.size, 99999);
        assert_memory_equal(body.data, text.data, 99999);
        assert_int_equal(decode(all_codings[c], &coded, 1000, 100000, &whole), STATUS_OK);
        assert_int_equal(whole.size, 100000);
        buffer_release(&coded);
        buffer_release(&body);
        buffer_release(&whole);
    }
    buffer_release(&text);
}

static void a_bomb_is_cut_soon_after_the_free_part(void **state)
{
    (void)state;
    size_t size = 20 * 1024 * 1024;
    uint8_t *zeros = calloc(1, size);
    for (size_t c = 0; c < ARRAY_COUNT(all_codings); c++) {
        if (all_codings[c] == CODING_IDENTITY)
            continue;
        struct buffer coded = {0}, body = {0};
        encode(all_codings[c], zeros, size, &coded);
        assert_int_equal(decode(all_codings[c], &coded, 16384, 10 * 1024 * 1024, &body),
                         STATUS_TOO_LARGE);
        assert_true(body.size < 2 * 1024 * 1024);
        buffer_release(&coded);
        buffer_release(&body);
    }
    free(zeros);
}

static void small_repetitive_pages_are_no_bombs(void **state)
{
    (void)state;
    uint8_t *zeros = calloc(1, DECODE_RATIO_FREE);
    for (size_t c = 0; c < ARRAY_COUNT(all_codings); c++) {
        struct buffer coded = {0}, body = {0};
        encode(all_codings[c], zeros, DECODE_RATIO_FREE, &coded);
        assert_int_equal(decode(all_codings[c], &coded, 16384, LIMIT, &body), STATUS_OK);
        assert_int_equal(body.size, DECODE_RATIO_FREE);
        buffer_release(&coded);
        buffer_release(&body);
    }
    free(zeros);
}

static void a_zstd_frame_that_wants_a_huge_window_is_refused(void **state)
{
    (void)state;
    size_t size = 16 * 1024 * 1024, room = ZSTD_compressBound(size);
    struct buffer text = {0}, coded = {0}, body = {0};
    make_text(&text, size);
    ZSTD_CCtx *context = ZSTD_createCCtx();
    ZSTD_CCtx_setParameter(context, ZSTD_c_compressionLevel, 1);
    ZSTD_CCtx_setParameter(context, ZSTD_c_windowLog, 26);
    ZSTD_CCtx_setParameter(context, ZSTD_c_contentSizeFlag, 0);
    ZSTD_inBuffer in = {text.data, text.size, 0};
    ZSTD_outBuffer out = {buffer_reserve(&coded, room), room, 0};
    /* Given in two parts, so that the frame cannot shrink its window to the content. */
    ZSTD_compressStream2(context, &out, &in, ZSTD_e_flush);
    assert_int_equal(ZSTD_compressStream2(context, &out, &in, ZSTD_e_end), 0);
    coded.size = out.pos;
    ZSTD_freeCCtx(context);
    assert_int_equal(decode(CODING_ZSTD, &coded, 16384, size, &body), STATUS_CORRUPT);
    buffer_release(&text);
    buffer_release(&coded);
    buffer_release(&body);
}

static void every_shortened_stream_ends_too_soon(void **state)
{
    (void)state;
    struct buffer text = {0};
    make_text(&text, 3000);
    for (size_t c = 0; c < ARRAY_COUNT(all_codings); c++) {
        if (all_codings[c] == CODING_IDENTITY)
            continue;
        struct buffer coded = {0};
        encode(all_codings[c], text.data, text.size, &coded);
        for (size_t cut = 1; cut < coded.size; cut++) {
            struct buffer part = {.data = coded.data, .size = cut}, body = {0};
            assert_int_equal(decode(all_codings[c], &part, 100, LIMIT, &body), STATUS_CORRUPT);
            buffer_release(&body);
        }
        buffer_release(&coded);
    }
    buffer_release(&text);
}

static void garbage_is_corrupt(void **state)
{
    (void)state;
    struct buffer garbage = {0};
    buffer_append_string(&garbage, "<html>not compressed at all, whatever the header says</html>");
    for (size_t c = 0; c < ARRAY_COUNT(all_codings); c++) {
        struct buffer body = {0};
        if (all_codings[c] != CODING_IDENTITY)
            assert_int_equal(decode(all_codings[c], &garbage, 5, LIMIT, &body), STATUS_CORRUPT);
        buffer_release(&body);
    }
    buffer_release(&garbage);
}

static void deflate_without_its_head_is_understood(void **state)
{
    (void)state;
    struct buffer text = {0}, coded = {0}, body = {0};
    make_text(&text, 5000);
    compress_zlib(text.data, text.size, -15, &coded);
    assert_int_equal(decode(CODING_DEFLATE, &coded, 100, LIMIT, &body), STATUS_OK);
    assert_int_equal(body.size, text.size);
    buffer_release(&text);
    buffer_release(&coded);
    buffer_release(&body);
}

static void gzip_members_follow_each_other_and_rubbish_behind_them_is_ignored(void **state)
{
    (void)state;
    struct buffer coded = {0}, body = {0};
    encode(CODING_GZIP, (const uint8_t *)"one ", 4, &coded);
    encode(CODING_GZIP, (const uint8_t *)"two", 3, &coded);
    buffer_append_string(&coded, "rubbish \x1f more");
    for (size_t piece = 1; piece <= coded.size; piece++) {
        assert_int_equal(decode(CODING_GZIP, &coded, piece, LIMIT, &body), STATUS_OK);
        assert_string_equal(buffer_string(&body), "one two");
        buffer_release(&body);
    }
    buffer_release(&coded);
}

static void zstd_frames_follow_each_other_and_old_formats_are_refused(void **state)
{
    (void)state;
    struct buffer coded = {0}, body = {0};
    encode(CODING_ZSTD, (const uint8_t *)"one ", 4, &coded);
    buffer_append(&coded, "\x50\x2a\x4d\x18\x02\x00\x00\x00xx", 10); /* a skippable frame */
    encode(CODING_ZSTD, (const uint8_t *)"two", 3, &coded);
    for (size_t piece = 1; piece <= coded.size; piece++) {
        assert_int_equal(decode(CODING_ZSTD, &coded, piece, LIMIT, &body), STATUS_OK);
        assert_string_equal(buffer_string(&body), "one two");
        buffer_release(&body);
    }
    coded.data[0] = 0x27; /* version 0.7 */
    assert_int_equal(decode(CODING_ZSTD, &coded, 100, LIMIT, &body), STATUS_CORRUPT);
    buffer_release(&coded);
    buffer_release(&body);
}

static void only_one_coding_is_undone(void **state)
{
    (void)state;
    enum coding coding;
    assert_int_equal(coding_parse(NULL, &coding, NULL), STATUS_OK);
    assert_int_equal(coding, CODING_IDENTITY);
    assert_int_equal(coding_parse(" GZip ", &coding, NULL), STATUS_OK);
    assert_int_equal(coding, CODING_GZIP);
    assert_int_equal(coding_parse("br", &coding, NULL), STATUS_OK);
    assert_int_equal(coding, CODING_BROTLI);
    struct error err;
    assert_int_equal(coding_parse("gzip, gzip", &coding, &err), STATUS_UNSUPPORTED);
    assert_non_null(strstr(err.text, "more than one"));
    assert_int_equal(coding_parse("compress", &coding, &err), STATUS_UNSUPPORTED);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_coding_gives_back_what_was_coded_whatever_the_pieces),
        cmocka_unit_test(a_body_is_cut_exactly_at_its_limit),
        cmocka_unit_test(a_bomb_is_cut_soon_after_the_free_part),
        cmocka_unit_test(small_repetitive_pages_are_no_bombs),
        cmocka_unit_test(a_zstd_frame_that_wants_a_huge_window_is_refused),
        cmocka_unit_test(every_shortened_stream_ends_too_soon),
        cmocka_unit_test(garbage_is_corrupt),
        cmocka_unit_test(deflate_without_its_head_is_understood),
        cmocka_unit_test(gzip_members_follow_each_other_and_rubbish_behind_them_is_ignored),
        cmocka_unit_test(zstd_frames_follow_each_other_and_old_formats_are_refused),
        cmocka_unit_test(only_one_coding_is_undone),
    };
    return cmocka_run_group_tests(tests, find_brotli, NULL);
}
