/*
 * The parts of a segment, as runs of chunks. What lies in a part is found by its address: the
 * chunk's number within the part, and the offset in the chunk. Nothing spans chunks.
 *
 * A chunk has a checksum for each piece of 16 KiB, and a piece is compared with its own when it is
 * first read: so a reader says how many bytes it will look at, and gets a pointer to no more.
 */
#ifndef TIERCE_INDEX_PART_H
#define TIERCE_INDEX_PART_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/buffer.h"
#include "base/error.h"

/* Stored in chunks: add at the end. */
enum segment_part {
    PART_DOCUMENTS = 1,    /* rows, see segment.h */
    PART_HASHES,           /* rows */
    PART_NORMS,            /* columns, see segment.h */
    PART_STORED,           /* documents as they are shown */
    PART_DICTIONARY,       /* blocks of terms */
    PART_DICTIONARY_INDEX, /* rows: the address of each block */
    PART_DIRECTORIES,      /* of long posting lists */
    PART_POSTINGS,
    PART_POSITIONS,
    PART_COMPLETIONS,       /* rows, see completion.h */
    PART_TEXT_DICTIONARIES, /* of PART_STORED, each in a chunk of its own */
    PART_LIKENESSES,        /* rows, see segment.h */
    PART_FOOTER,            /* one chunk, the last of a segment */
    PART_END,
};

#define CHUNK_VERSION   8
#define CHUNK_BITS      22
#define CHUNK_BYTES_MAX (1u << CHUNK_BITS) /* without the trailer */
#define CHUNKS_MAX      (1u << 16)         /* of a segment */

#define PIECE_BITS  14
#define PIECE_BYTES (1u << PIECE_BITS)
#define PIECES_MAX  (CHUNK_BYTES_MAX / PIECE_BYTES) /* of a chunk */

/* Of a chunk with so many bytes of its own. */
static inline uint32_t chunk_trailer_bytes(uint32_t size)
{
    return (size + PIECE_BYTES - 1) / PIECE_BYTES * 4 + 8;
}

/* An address has five bytes. */
#define ADDRESS_MASK (((uint64_t)1 << 40) - 1)

static inline uint64_t part_address(uint32_t chunk, uint32_t offset)
{
    return ((uint64_t)chunk << CHUNK_BITS) + offset;
}

/* ---- writing ---- */

/* Takes finished chunks, numbered from 0 through all parts. It may keep chunk->data (and then
 * zeroes the buffer). */
struct segment_sink {
    void *self;
    enum status (*add)(void *self, uint32_t number, struct buffer *chunk, struct error *err);
};

struct part_writer {
    struct segment_sink *sink;
    struct buffer chunks[PART_END];  /* being filled */
    uint32_t chunk_counts[PART_END]; /* finished */
    struct buffer kinds;             /* the part of each finished chunk, a byte each */
    uint64_t bytes;                  /* finished, with trailers */
};

void part_writer_init(struct part_writer *writer, struct segment_sink *sink);
void part_writer_release(struct part_writer *writer);

/* Room for `size` bytes in one chunk; the caller fills it. STATUS_TOO_LARGE, STATUS_NO_MEMORY or
 * the sink's. */
enum status part_reserve(struct part_writer *writer, enum segment_part part, size_t size,
                         uint8_t **ret_bytes, uint64_t *ret_address, struct error *err);
enum status part_append(struct part_writer *writer, enum segment_part part, const void *bytes,
                        size_t size, uint64_t *ret_address, struct error *err);
/* Finishes the chunk that is being filled, where there is one. */
enum status part_end_chunk(struct part_writer *writer, enum segment_part part, struct error *err);

/* Appends the trailer to a chunk's bytes, of which there are at most CHUNK_BYTES_MAX. */
void chunk_append_trailer(struct buffer *chunk, enum segment_part part);

/* ---- reading ---- */

struct chunk {
    const uint8_t *bytes; /* for chunk_at() alone; the pieces' checksums stand behind them */
    uint32_t size;        /* without the trailer */
    atomic_uint_fast64_t good[(PIECES_MAX + 63) / 64]; /* a bit for each piece that was checked */
};

struct part {
    struct chunk *chunks;
    uint32_t chunk_count;
    enum segment_part kind;
};

/* Which part's a stored chunk says it is; `size` > 7. */
static inline enum segment_part chunk_part(const uint8_t *value, size_t size)
{
    return (enum segment_part)value[size - 7];
}

/* Whether a value can be a chunk: reads its trailer, not its bytes. */
enum status chunk_init(struct chunk *chunk, const uint8_t *value, size_t size,
                       enum segment_part kind, struct error *err);

/* Compares every piece with its checksum, but those that were; false: a byte is wrong. */
bool chunk_verify(struct chunk *chunk);

/* Whether a value is a chunk without a wrong byte: looks at all of them, whatever was checked
 * before. */
bool chunk_is_whole(const uint8_t *value, size_t size);

/* Its bytes are ours: they are not compared with any checksum. */
void chunk_trust(struct chunk *chunk);

/* As chunk_verify(), of these pieces. */
bool chunk_check(struct chunk *chunk, uint32_t first, uint32_t last);

/* The bytes never change, so whoever sees a bit needs to see nothing else: the order of loads does
 * not matter. */
static inline bool piece_is_good(struct chunk *chunk, uint32_t piece)
{
    return (atomic_load_explicit(&chunk->good[piece / 64], memory_order_relaxed) >> piece % 64 &
            1) != 0;
}

/* `size` bytes from an offset, all checked; NULL where the chunk ends before, or they are wrong. */
static inline const uint8_t *chunk_at(struct chunk *chunk, uint32_t offset, uint32_t size)
{
    if (offset >= chunk->size || size > chunk->size - offset || size == 0)
        return NULL;
    uint32_t first = offset >> PIECE_BITS;
    uint32_t last = (offset + size - 1) >> PIECE_BITS;
    if ((first != last || !piece_is_good(chunk, first)) && !chunk_check(chunk, first, last))
        return NULL;
    return chunk->bytes + offset;
}

/*
 * The bytes from an address on: `size_max` (> 0) of them, or fewer where the chunk ends before.
 * Between what is returned and *ret_end all are checked; nothing else may be looked at. NULL where
 * there are none or they are wrong.
 */
static inline const uint8_t *part_up_to(const struct part *part, uint64_t address,
                                        uint32_t size_max, const uint8_t **ret_end)
{
    uint64_t number = address >> CHUNK_BITS;
    uint32_t offset = address & (CHUNK_BYTES_MAX - 1);
    if (number >= part->chunk_count || offset >= part->chunks[number].size)
        return NULL;
    struct chunk *chunk = &part->chunks[number];
    uint32_t left = chunk->size - offset;
    uint32_t size = size_max < left ? size_max : left;
    const uint8_t *bytes = chunk_at(chunk, offset, size);
    if (bytes != NULL)
        *ret_end = bytes + size;
    return bytes;
}

/* As part_up_to(), for whoever goes on to read what lies behind: *ret_end is where the last piece
 * ends that was checked, and so may be more than `size_min` bytes away. */
static inline const uint8_t *part_from(const struct part *part, uint64_t address, uint32_t size_min,
                                       const uint8_t **ret_end)
{
    const uint8_t *bytes = part_up_to(part, address, size_min, ret_end);
    if (bytes == NULL)
        return NULL;
    const struct chunk *chunk = &part->chunks[address >> CHUNK_BITS];
    uint32_t read = (uint32_t)(*ret_end - chunk->bytes);
    uint32_t pieces = ((read - 1) | (PIECE_BYTES - 1)) + 1;
    *ret_end = chunk->bytes + (pieces < chunk->size ? pieces : chunk->size);
    return bytes;
}

/* `size` bytes (> 0) that begin at an address; NULL where the chunk ends before, or as above. */
static inline const uint8_t *part_exactly(const struct part *part, uint64_t address, uint32_t size)
{
    uint64_t number = address >> CHUNK_BITS;
    return number < part->chunk_count
               ? chunk_at(&part->chunks[number], address & (CHUNK_BYTES_MAX - 1), size)
               : NULL;
}

/* A row of a part that is an array; `row_size` is a power of two. */
static inline const uint8_t *part_row(const struct part *part, uint32_t row, uint32_t row_size)
{
    uint32_t rows = CHUNK_BYTES_MAX / row_size;
    return part_exactly(part, part_address(row / rows, row % rows * row_size), row_size);
}

#endif
