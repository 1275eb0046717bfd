/*
 * The parts of a segment, as runs of checksummed chunks. What lies in a part is found by its
 * address: the chunk's number within the part, and the offset in the chunk. Nothing spans chunks.
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
    PART_FOOTER,            /* one chunk, the last of a segment */
    PART_END,
};

#define CHUNK_VERSION       6
#define CHUNK_BITS          22
#define CHUNK_BYTES_MAX     (1u << CHUNK_BITS) /* without the trailer */
#define CHUNK_TRAILER_BYTES 8
#define CHUNKS_MAX          (1u << 16) /* of a segment */

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

/* ---- reading ---- */

struct chunk {
    const uint8_t *bytes;
    uint32_t size;        /* without the trailer */
    atomic_uchar checked; /* 0: not yet, 1: good, 2: bad */
};

struct part {
    struct chunk *chunks;
    uint32_t chunk_count;
    enum segment_part kind;
};

/* Whether a value can be a chunk: reads its trailer, not its bytes. */
enum status chunk_init(struct chunk *chunk, const uint8_t *value, size_t size,
                       enum segment_part kind, struct error *err);

bool chunk_verify(struct chunk *chunk);

/* Its bytes are ours: they are not compared with the checksum. */
static inline void chunk_trust(struct chunk *chunk)
{
    atomic_store_explicit(&chunk->checked, 1, memory_order_release);
}

static inline bool chunk_is_good(struct chunk *chunk)
{
    return atomic_load_explicit(&chunk->checked, memory_order_acquire) == 1 || chunk_verify(chunk);
}

/* The bytes from an address to the end of its chunk; NULL where there are none or they are
 * corrupt. */
static inline const uint8_t *part_at(const struct part *part, uint64_t address,
                                     const uint8_t **ret_end)
{
    uint64_t number = address >> CHUNK_BITS;
    uint32_t offset = address & (CHUNK_BYTES_MAX - 1);
    if (number >= part->chunk_count)
        return NULL;
    struct chunk *chunk = &part->chunks[number];
    if (offset >= chunk->size || !chunk_is_good(chunk))
        return NULL;
    *ret_end = chunk->bytes + chunk->size;
    return chunk->bytes + offset;
}

/* A row of a part that is an array; `row_size` is a power of two. */
static inline const uint8_t *part_row(const struct part *part, uint32_t row, uint32_t row_size)
{
    const uint8_t *end;
    uint32_t rows = CHUNK_BYTES_MAX / row_size;
    const uint8_t *bytes = part_at(part, part_address(row / rows, row % rows * row_size), &end);
    return bytes != NULL && (size_t)(end - bytes) >= row_size ? bytes : NULL;
}

#endif
