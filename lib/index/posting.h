/*
 * Posting lists: for a term, the documents that have it, how often in each field, and where. In
 * blocks of up to 128 documents, each with the docid of its last one in front, so that a reader can
 * step over it.
 */
#ifndef TIERCE_INDEX_POSTING_H
#define TIERCE_INDEX_POSTING_H

#include "index/segment.h"

#define POSTING_BLOCK              128
#define POSTING_BLOCK_HEADER_BYTES 16

/* One document of a list. */
struct posting {
    uint32_t docid;
    uint32_t fields;                   /* bits of the fields that the term is in, not 0 */
    uint32_t frequencies[FIELD_COUNT]; /* of those fields > 0, of the others 0 */
};

/* The fields and frequencies of one document as they are stored. */
#define FREQUENCY_BYTES_MAX (1 + FIELD_COUNT * 5)
size_t frequencies_encode(const struct posting *posting, uint8_t ret[FREQUENCY_BYTES_MAX]);

/* ---- writing ---- */

struct posting_writer {
    struct part_writer *parts;
    uint64_t address;    /* of the list's first block */
    uint32_t count;      /* documents of the list so far */
    uint32_t last_docid; /* of the last finished block, plus one; 0: none */
    uint32_t block_count;
    uint32_t docids[POSTING_BLOCK];
    struct buffer frequencies; /* of the block */
    struct buffer positions;
};

void posting_writer_init(struct posting_writer *writer, struct part_writer *parts);
void posting_writer_release(struct posting_writer *writer);
void posting_writer_begin(struct posting_writer *writer);
/*
 * The next document of the list; docids ascend.
 *
 * frequencies  as frequencies_encode() writes them
 * positions    for each field that the term is in, by rising field, its positions as varints, each
 *              less the one before; as posting_cursor_positions() returns them
 */
enum status posting_writer_add(struct posting_writer *writer, uint32_t docid,
                               const uint8_t *frequencies, size_t frequencies_size,
                               const uint8_t *positions, size_t positions_size, struct error *err);
enum status posting_writer_end(struct posting_writer *writer, struct error *err);

/* ---- reading ---- */

struct posting_cursor {
    const struct segment *segment;
    uint32_t docid;          /* current; DOCID_END behind the last, and when corrupt */
    uint32_t document_count; /* of the whole list */
    bool corrupt;

    uint32_t left;         /* documents behind the current block */
    uint64_t next_address; /* of the next block */
    uint32_t base;         /* last docid of the current block, plus one */
    uint32_t index;        /* in the block */
    uint32_t count;        /* of the block */
    uint32_t docids[POSTING_BLOCK];

    const uint8_t *frequency_bytes;
    const uint8_t *frequency_end;
    bool frequencies_read;
    uint8_t fields[POSTING_BLOCK];
    uint16_t starts[POSTING_BLOCK];             /* of each document in frequencies */
    uint16_t encoded_starts[POSTING_BLOCK + 1]; /* in frequency_bytes */
    uint32_t totals[POSTING_BLOCK];             /* its frequencies' sum */
    uint32_t frequencies[POSTING_BLOCK * FIELD_COUNT];

    uint64_t positions_address;
    const uint8_t *position_at; /* of document position_index; NULL: not yet looked up */
    const uint8_t *position_end;
    uint32_t position_index;
};

/* Stands on the list's first document. */
void posting_cursor_open(struct posting_cursor *cursor, const struct segment *segment,
                         uint64_t address, uint32_t document_count);

/* Reads the next block; the slow half of the two below. */
void posting_cursor_next_block(struct posting_cursor *cursor, uint32_t target);

static inline uint32_t posting_cursor_next(struct posting_cursor *cursor)
{
    if (++cursor->index < cursor->count)
        cursor->docid = cursor->docids[cursor->index];
    else
        posting_cursor_next_block(cursor, 0);
    return cursor->docid;
}

/* The first document not below the target; stays where it is when it stands there or behind. */
static inline uint32_t posting_cursor_seek(struct posting_cursor *cursor, uint32_t target)
{
    if (cursor->docid >= target)
        return cursor->docid;
    if (cursor->base <= target) {
        posting_cursor_next_block(cursor, target);
        return cursor->docid;
    }
    do { /* it lies in this block */
        cursor->index++;
    } while (cursor->docids[cursor->index] < target);
    cursor->docid = cursor->docids[cursor->index];
    return cursor->docid;
}

void posting_cursor_read_frequencies(struct posting_cursor *cursor);

/* Bits of the fields that the term is in; the cursor stands on a document. */
static inline uint32_t posting_cursor_fields(struct posting_cursor *cursor)
{
    if (!cursor->frequencies_read)
        posting_cursor_read_frequencies(cursor);
    return cursor->fields[cursor->index];
}

/* One frequency for each of these fields, by rising field. After posting_cursor_fields(). */
static inline const uint32_t *posting_cursor_frequencies(const struct posting_cursor *cursor)
{
    return cursor->frequencies + cursor->starts[cursor->index];
}

/* The same as they are stored. After posting_cursor_fields(). */
static inline const uint8_t *posting_cursor_encoded(const struct posting_cursor *cursor,
                                                    size_t *ret_size)
{
    uint16_t start = cursor->encoded_starts[cursor->index];
    *ret_size = (size_t)cursor->encoded_starts[cursor->index + 1] - start;
    return cursor->frequency_bytes + start;
}

/* The encoded positions of the current document. Returns NULL where they are corrupt. */
const uint8_t *posting_cursor_positions(struct posting_cursor *cursor, const uint8_t **ret_end);

/* Moves *at over `count` varints; false where they do not fit. */
bool positions_skip(const uint8_t **at, const uint8_t *end, uint32_t count);

#endif
