#include "index/part.h"

#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "base/bytes.h"
#include "base/check.h"

void part_writer_init(struct part_writer *writer, struct segment_sink *sink)
{
    *writer = (struct part_writer){.sink = sink};
}

void part_writer_release(struct part_writer *writer)
{
    for (size_t i = 0; i < PART_END; i++)
        buffer_release(&writer->chunks[i]);
    buffer_release(&writer->kinds);
}

/* ---- trailers ---- */

#define TRAILER_END_BYTES 8 /* behind the pieces' checksums: version, part, 0, checksum */

static uint32_t smaller(uint32_t a, uint32_t b)
{
    return a < b ? a : b;
}

static uint32_t piece_count(uint32_t size)
{
    return (size + PIECE_BYTES - 1) / PIECE_BYTES;
}

static uint32_t piece_checksum(const uint8_t *bytes, uint32_t size, uint32_t piece)
{
    uint32_t start = piece * PIECE_BYTES;
    return crc32c(0, bytes + start, smaller(size - start, PIECE_BYTES));
}

void chunk_append_trailer(struct buffer *chunk, enum segment_part part)
{
    uint32_t size = (uint32_t)chunk->size;
    uint32_t trailer_size = chunk_trailer_bytes(size);
    uint8_t *trailer = buffer_reserve(chunk, trailer_size);
    if (trailer == NULL)
        return;
    uint8_t *at = trailer;
    for (uint32_t piece = 0; piece < piece_count(size); piece++, at += 4)
        put_le32(at, piece_checksum(chunk->data, size, piece));
    const uint8_t end[4] = {CHUNK_VERSION, (uint8_t)part};
    memcpy(at, end, sizeof(end));
    at += sizeof(end);
    put_le32(at, crc32c(0, trailer, (size_t)(at - trailer)));
    chunk->size += trailer_size;
}

/* Reads the bytes of a chunk's own from those that it is stored with; false where none can be
 * stored in so many. */
static bool payload_size(size_t stored, uint32_t *ret_size)
{
    if (stored < TRAILER_END_BYTES || stored > CHUNK_BYTES_MAX + 4 * PIECES_MAX + TRAILER_END_BYTES)
        return false;
    uint32_t rest = (uint32_t)stored - TRAILER_END_BYTES;
    uint32_t pieces = (rest + PIECE_BYTES + 3) / (PIECE_BYTES + 4);
    *ret_size = rest - 4 * pieces;
    return rest >= 4 * pieces && piece_count(*ret_size) == pieces;
}

/* ---- writing ---- */

enum status part_end_chunk(struct part_writer *writer, enum segment_part part, struct error *err)
{
    struct buffer *chunk = &writer->chunks[part];
    if (chunk->size == 0)
        return STATUS_OK;
    if (writer->kinds.size == CHUNKS_MAX)
        return error_set(err, STATUS_TOO_LARGE, "a segment of more than %u chunks", CHUNKS_MAX);

    chunk_append_trailer(chunk, part);
    uint32_t number = (uint32_t)writer->kinds.size;
    buffer_append_byte(&writer->kinds, (uint8_t)part);
    if (chunk->failed || writer->kinds.failed)
        return error_set(err, STATUS_NO_MEMORY, "segment");

    writer->bytes += chunk->size;
    writer->chunk_counts[part]++;
    enum status status = writer->sink->add(writer->sink->self, number, chunk, err);
    buffer_clear(chunk);
    return status;
}

enum status part_reserve(struct part_writer *writer, enum segment_part part, size_t size,
                         uint8_t **ret_bytes, uint64_t *ret_address, struct error *err)
{
    struct buffer *chunk = &writer->chunks[part];
    if (size > CHUNK_BYTES_MAX)
        return error_set(err, STATUS_TOO_LARGE, "%zu bytes in one piece", size);
    if (chunk->size + size > CHUNK_BYTES_MAX) {
        enum status status = part_end_chunk(writer, part, err);
        if (status != STATUS_OK)
            return status;
    }
    uint8_t *bytes = buffer_reserve(chunk, size);
    if (bytes == NULL)
        return error_set(err, STATUS_NO_MEMORY, "segment");
    *ret_address = part_address(writer->chunk_counts[part], (uint32_t)chunk->size);
    *ret_bytes = bytes;
    chunk->size += size;
    return STATUS_OK;
}

enum status part_append(struct part_writer *writer, enum segment_part part, const void *bytes,
                        size_t size, uint64_t *ret_address, struct error *err)
{
    uint8_t *room;
    enum status status = part_reserve(writer, part, size, &room, ret_address, err);
    if (status == STATUS_OK && size > 0)
        memcpy(room, bytes, size);
    return status;
}

/* ---- reading ---- */

enum status chunk_init(struct chunk *chunk, const uint8_t *value, size_t size,
                       enum segment_part kind, struct error *err)
{
    uint32_t own;
    if (!payload_size(size, &own))
        return error_set(err, STATUS_CORRUPT, "a chunk of %zu bytes", size);
    const uint8_t *end = value + size - TRAILER_END_BYTES;
    if (end[0] > CHUNK_VERSION)
        return error_set(err, STATUS_UNSUPPORTED, "a segment made by a newer version");
    if (end[0] != CHUNK_VERSION || end[1] != kind)
        return error_set(err, STATUS_CORRUPT, "a chunk of an unknown kind");
    if (crc32c(0, value + own, size - own - 4) != get_le32(end + 4))
        return error_set(err, STATUS_CORRUPT, "the checksum of a chunk's trailer is wrong");
    chunk->bytes = value;
    chunk->size = own;
    for (size_t i = 0; i < ARRAY_COUNT(chunk->good); i++)
        atomic_init(&chunk->good[i], 0);
    return STATUS_OK;
}

void chunk_trust(struct chunk *chunk)
{
    for (size_t i = 0; i < ARRAY_COUNT(chunk->good); i++)
        atomic_store_explicit(&chunk->good[i], UINT64_MAX, memory_order_relaxed);
}

/* Asks for all pages of these pieces at once: a mapping that is read here and there is told to read
 * no page but the one that is touched. */
static void fetch(const struct chunk *chunk, uint32_t first, uint32_t last)
{
    uintptr_t start = (uintptr_t)chunk->bytes + (uintptr_t)first * PIECE_BYTES;
    uintptr_t end =
        (uintptr_t)chunk->bytes + smaller((last + 1) * PIECE_BYTES, chunk->size); /* exclusive */
    start -= start % (uintptr_t)sysconf(_SC_PAGESIZE);
    posix_madvise((void *)start, end - start, POSIX_MADV_WILLNEED);
}

bool chunk_check(struct chunk *chunk, uint32_t first, uint32_t last)
{
    const uint8_t *checksums = chunk->bytes + chunk->size;
    while (first <= last && piece_is_good(chunk, first))
        first++;
    if (first <= last)
        fetch(chunk, first, last);
    for (uint32_t piece = first; piece <= last; piece++) {
        if (piece_is_good(chunk, piece))
            continue;
        if (piece_checksum(chunk->bytes, chunk->size, piece) != get_le32(checksums + 4 * piece))
            return false;
        atomic_fetch_or_explicit(&chunk->good[piece / 64], (uint64_t)1 << piece % 64,
                                 memory_order_relaxed);
    }
    return true;
}

bool chunk_verify(struct chunk *chunk)
{
    return chunk->size == 0 || chunk_check(chunk, 0, piece_count(chunk->size) - 1);
}

bool chunk_is_whole(const uint8_t *value, size_t size)
{
    struct chunk chunk;
    return size >= TRAILER_END_BYTES &&
           chunk_init(&chunk, value, size, chunk_part(value, size), NULL) == STATUS_OK &&
           chunk_verify(&chunk);
}
