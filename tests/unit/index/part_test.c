/* Chunks and their checksums: nothing is read that was not compared with its own. */
#include "index/part.h"

#include <stdlib.h>
#include <string.h>

#include "tests/unit/unit.h"

enum {
    PIECES = 5,
    LAST_BYTES = 100, /* of the last piece */
    SIZE = (PIECES - 1) * PIECE_BYTES + LAST_BYTES,
};

static void fill(struct buffer *chunk, uint32_t size)
{
    uint8_t *bytes = buffer_reserve(chunk, size);
    assert_non_null(bytes);
    for (uint32_t i = 0; i < size; i++)
        bytes[i] = (uint8_t)(i * 2654435761u >> 24);
    chunk->size += size;
}

/* A chunk of `size` bytes, in memory of exactly what it takes. */
static uint8_t *make_chunk(uint32_t size, size_t *ret_stored)
{
    struct buffer chunk = {0};
    fill(&chunk, size);
    chunk_append_trailer(&chunk, PART_POSTINGS);
    assert_false(chunk.failed);
    uint8_t *bytes = malloc(chunk.size);
    assert_non_null(bytes);
    memcpy(bytes, chunk.data, chunk.size);
    *ret_stored = chunk.size;
    buffer_release(&chunk);
    return bytes;
}

static void init(struct chunk *chunk, const uint8_t *bytes, size_t stored)
{
    assert_int_equal(chunk_init(chunk, bytes, stored, PART_POSTINGS, NULL), STATUS_OK);
}

/* Whether bytes from `offset` on can be read, in each of the ways. */
static bool can_read(struct chunk *chunk, uint32_t offset, uint32_t size)
{
    const uint8_t *end = NULL;
    struct part part = {.chunks = chunk, .chunk_count = 1};
    const uint8_t *bytes = part_up_to(&part, offset, size, &end);
    assert_true(bytes == part_exactly(&part, offset, size));
    assert_true(bytes == NULL || (bytes == chunk->bytes + offset && end == bytes + size));
    return bytes != NULL;
}

static void a_chunk_tells_its_size_whatever_it_is(void **state)
{
    (void)state;
    static const uint32_t sizes[] = {0,
                                     1,
                                     PIECE_BYTES - 1,
                                     PIECE_BYTES,
                                     PIECE_BYTES + 1,
                                     SIZE,
                                     CHUNK_BYTES_MAX - PIECE_BYTES,
                                     CHUNK_BYTES_MAX - 1,
                                     CHUNK_BYTES_MAX};
    for (size_t i = 0; i < sizeof(sizes) / sizeof(sizes[0]); i++) {
        size_t stored;
        struct chunk chunk;
        uint8_t *bytes = make_chunk(sizes[i], &stored);
        assert_int_equal(stored, sizes[i] + chunk_trailer_bytes(sizes[i]));
        init(&chunk, bytes, stored);
        assert_int_equal(chunk.size, sizes[i]);
        assert_true(chunk_verify(&chunk));
        assert_true(chunk_is_whole(bytes, stored));
        free(bytes);
    }
}

/* Either at once, or where the trailer suits what is left, by the first piece that is read. */
static void a_chunk_with_bytes_cut_off_is_corrupt(void **state)
{
    (void)state;
    size_t stored;
    uint8_t *bytes = make_chunk(SIZE, &stored);
    for (size_t size = 0; size < stored; size += size + 40 < stored && size > 40 ? 97 : 1) {
        struct chunk chunk;
        uint8_t *cut = malloc(size + (size == 0));
        memcpy(cut, bytes + stored - size, size); /* the trailer stays */
        enum status status = chunk_init(&chunk, cut, size, PART_POSTINGS, NULL);
        assert_true(status == STATUS_CORRUPT || !can_read(&chunk, 0, 1));
        assert_false(chunk_is_whole(cut, size));
        free(cut);
    }
    free(bytes);
}

static void each_wrong_bit_of_a_trailer_is_seen_at_once(void **state)
{
    (void)state;
    size_t stored;
    uint8_t *bytes = make_chunk(SIZE, &stored);
    for (size_t at = SIZE; at < stored; at++) {
        for (unsigned bit = 0; bit < 8; bit++) {
            struct chunk chunk;
            bytes[at] ^= (uint8_t)(1u << bit);
            enum status status = chunk_init(&chunk, bytes, stored, PART_POSTINGS, NULL);
            /* A version with a bit more may be that of a newer program. */
            assert_true(status == STATUS_CORRUPT ||
                        (status == STATUS_UNSUPPORTED && at == stored - 8));
            bytes[at] ^= (uint8_t)(1u << bit);
        }
    }
    struct chunk chunk;
    assert_int_equal(chunk_init(&chunk, bytes, stored, PART_POSITIONS, NULL), STATUS_CORRUPT);
    free(bytes);
}

static void a_wrong_byte_is_met_by_whoever_reads_its_piece_and_by_nobody_else(void **state)
{
    (void)state;
    size_t stored;
    uint8_t *bytes = make_chunk(SIZE, &stored);
    for (uint32_t wrong = 0; wrong < PIECES; wrong++) {
        for (int side = 0; side < 2; side++) {
            uint32_t last = wrong == PIECES - 1 ? LAST_BYTES - 1 : PIECE_BYTES - 1;
            uint32_t at = wrong * PIECE_BYTES + (side == 0 ? 0 : last);
            bytes[at] ^= 16;
            struct chunk chunk;
            init(&chunk, bytes, stored);
            for (uint32_t piece = 0; piece < PIECES; piece++)
                assert_int_equal(can_read(&chunk, piece * PIECE_BYTES, LAST_BYTES), piece != wrong);
            for (uint32_t piece = 1; piece < PIECES; piece++) { /* across two pieces */
                bool touches = piece == wrong || piece - 1 == wrong;
                assert_int_equal(can_read(&chunk, piece * PIECE_BYTES - 1, 2), !touches);
            }
            assert_false(can_read(&chunk, 0, SIZE));
            assert_false(chunk_verify(&chunk));
            assert_false(chunk_is_whole(bytes, stored));
            bytes[at] ^= 16;
        }
    }
    free(bytes);
}

static void nothing_is_read_behind_a_chunk(void **state)
{
    (void)state;
    size_t stored;
    uint8_t *bytes = make_chunk(SIZE, &stored);
    struct chunk chunk;
    init(&chunk, bytes, stored);
    struct part part = {.chunks = &chunk, .chunk_count = 1};
    const uint8_t *end = NULL;
    assert_true(part_up_to(&part, SIZE - 3, 10, &end) == bytes + SIZE - 3);
    assert_true(end == bytes + SIZE);
    assert_null(part_exactly(&part, SIZE - 3, 4));
    assert_non_null(part_exactly(&part, SIZE - 3, 3));
    assert_null(part_exactly(&part, SIZE - 3, UINT32_MAX));
    assert_null(part_up_to(&part, SIZE, 1, &end));
    assert_null(part_up_to(&part, part_address(0, CHUNK_BYTES_MAX - 1), 1, &end));
    assert_null(part_up_to(&part, part_address(1, 0), 1, &end));
    assert_null(part_exactly(&part, UINT64_MAX, 1));
    free(bytes);
}

static void a_piece_is_compared_once_and_a_scrub_compares_it_again(void **state)
{
    (void)state;
    size_t stored;
    uint8_t *bytes = make_chunk(SIZE, &stored);
    struct chunk chunk;
    init(&chunk, bytes, stored);
    assert_true(can_read(&chunk, 0, 1));
    bytes[1] ^= 1;
    bytes[PIECE_BYTES] ^= 1;
    assert_true(can_read(&chunk, 0, 2));
    assert_false(can_read(&chunk, PIECE_BYTES, 1));
    assert_false(can_read(&chunk, PIECE_BYTES, 1));
    bytes[PIECE_BYTES] ^= 1;
    assert_true(chunk_verify(&chunk));
    assert_false(chunk_is_whole(bytes, stored));
    free(bytes);
}

static void what_is_trusted_is_not_compared(void **state)
{
    (void)state;
    size_t stored;
    uint8_t *bytes = make_chunk(SIZE, &stored);
    struct chunk chunk;
    init(&chunk, bytes, stored);
    chunk_trust(&chunk);
    bytes[0] ^= 1;
    bytes[SIZE - 1] ^= 1;
    assert_true(can_read(&chunk, 0, SIZE));
    free(bytes);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_chunk_tells_its_size_whatever_it_is),
        cmocka_unit_test(a_chunk_with_bytes_cut_off_is_corrupt),
        cmocka_unit_test(each_wrong_bit_of_a_trailer_is_seen_at_once),
        cmocka_unit_test(a_wrong_byte_is_met_by_whoever_reads_its_piece_and_by_nobody_else),
        cmocka_unit_test(nothing_is_read_behind_a_chunk),
        cmocka_unit_test(a_piece_is_compared_once_and_a_scrub_compares_it_again),
        cmocka_unit_test(what_is_trusted_is_not_compared),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
