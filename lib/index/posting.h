/*
 * Posting lists: for a key, the documents that have it, how often in each field, and where. In
 * blocks of 128 documents; a list of more than one block has a directory with the last docid of
 * each and what bounds its scores, so that a reader steps over blocks without touching them.
 * docs/format-segment.md draws the bytes.
 */
#ifndef TIERCE_INDEX_POSTING_H
#define TIERCE_INDEX_POSTING_H

#include "index/numbers.h"
#include "index/patched.h"
#include "index/segment.h"

#define POSTING_BLOCK PACK_COUNT

/* A token's positions in a document fit INDEX_TEXT_MAX bytes, a docid SEGMENT_DOCUMENTS_MAX. */
#define POSTING_DOCID_WIDTH_MAX 20
#define POSTING_POSITION_BITS   22
#define POSTING_FREQUENCY_MAX   (1u << POSTING_POSITION_BITS)

/* Of a key in one document so many occurrences are kept in any field but the body, and so many in
 * all: what lies behind them neither counts nor stands in phrases. */
#define POSTING_FIELD_POSITIONS_MAX 1024
#define POSTING_POSITIONS_MAX       8192

/* ---- writing ---- */

struct posting_cursor;

struct posting_writer {
    struct part_writer *parts;
    const struct buffer *norms; /* of the segment: columns, by docid */
    uint64_t address;           /* of the list: what the dictionary holds */
    uint32_t count;             /* documents of the list so far */
    uint32_t base;              /* docid behind the last finished block */
    struct buffer rows;         /* of the directory */
    bool has_others;            /* some block has another field than the body */
    uint32_t block_count;       /* documents of the block so far */
    uint32_t docids[POSTING_BLOCK];
    uint8_t fields[POSTING_BLOCK];
    uint32_t frequencies[POSTING_BLOCK * FIELD_COUNT];
    uint32_t frequency_count;
    struct numbers positions;
    struct buffer packed; /* scratch */
};

void posting_writer_init(struct posting_writer *writer, struct part_writer *parts,
                         const struct buffer *norms);
void posting_writer_release(struct posting_writer *writer);
void posting_writer_begin(struct posting_writer *writer);
/*
 * The next document of the list; docids ascend.
 *
 * fields       bits of the fields that the key is in, not 0
 * frequencies  one for each of these fields, by rising field, > 0
 * positions    for each of these fields its positions, each less the one before
 * count        of the positions: the frequencies' sum
 */
enum status posting_writer_add(struct posting_writer *writer, uint32_t docid, uint32_t fields,
                               const uint32_t *frequencies, const uint32_t *positions, size_t count,
                               struct error *err);
/*
 * The next documents of the list: those of a whole block of another one, whose first the cursor
 * stands on. They have the same distances here, the first is `docid`, and their lengths are the
 * same; so nothing but the docids is read. The list that they are from has more than one block.
 */
enum status posting_writer_copy_block(struct posting_writer *writer, struct posting_cursor *cursor,
                                      uint32_t docid, struct error *err);
enum status posting_writer_end(struct posting_writer *writer, struct error *err);

/* ---- reading ---- */

/*
 * What bounds the score of any document of a block: no document has a frequency and a length of its
 * body that one of the pairs does not dominate (no smaller frequency, no greater length), nor in
 * another field more than `frequencies` or less than `lengths`. Codes as in segment.h.
 */
#define IMPACT_PAIRS 4
struct impacts {
    uint8_t body_frequencies[IMPACT_PAIRS]; /* 0: no pair */
    uint8_t body_lengths[IMPACT_PAIRS];
    uint8_t frequencies[FIELD_BODY]; /* 0: the field does not occur */
    uint8_t lengths[FIELD_BODY];
};

struct posting_cursor {
    const struct segment *segment;
    uint32_t docid;          /* current; DOCID_END behind the last, and when corrupt */
    uint32_t document_count; /* of the whole list */
    bool corrupt;

    /* The directory; of a list of one block: none. */
    const uint8_t *rows;
    uint32_t row_size;
    uint32_t row_count; /* blocks; at least 1 */
    uint64_t address;   /* of the only block */
    uint32_t last;      /* docid of the whole list */

    uint32_t row;   /* of the current block */
    uint32_t index; /* in the block */
    uint32_t count; /* of the block */
    uint32_t docids[POSTING_BLOCK];

    /* Of the block: where its frequencies are, and what was read of them. */
    uint64_t frequencies_address;
    uint32_t frequencies_size; /* with the fields in front of them; once they are read */
    uint8_t common_fields;     /* of every document of the block; 0: each has its own */
    uint8_t common_count;      /* how many fields those are */
    bool frequencies_read;
    bool starts_read;
    uint8_t fields[POSTING_BLOCK];               /* where they have their own */
    uint16_t starts[POSTING_BLOCK];              /* and of each document in frequencies */
    uint32_t position_starts[POSTING_BLOCK + 1]; /* of each document in its positions */
    uint32_t frequencies[POSTING_BLOCK * FIELD_COUNT];

    uint64_t positions_address;
    uint32_t frequency_count; /* of all fields of all documents of the block */
    uint32_t position_count;  /* the frequencies' sum; 0: not reckoned yet */
    uint32_t kept_group;      /* the group of positions that is kept; UINT32_MAX: none */
    uint32_t kept[PACK_COUNT];
    const uint8_t *position_at; /* group `position_group` of the block; NULL: not yet looked up */
    const uint8_t *position_end;
    uint64_t position_address; /* of position_at */
    uint32_t position_group;
};

/* Stands on the list's first document. */
void posting_cursor_open(struct posting_cursor *cursor, const struct segment *segment,
                         uint64_t address, uint32_t document_count);

/* Moves to the first document not below the target in a block behind the current one: the slow half
 * of the two below. */
void posting_cursor_next_block(struct posting_cursor *cursor, uint32_t target);

/* Stands on the first document of a block, in front of where it was or behind. False: the block is
 * corrupt. */
bool posting_cursor_enter(struct posting_cursor *cursor, uint32_t row);

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
    if (cursor->docids[cursor->count - 1] < target) {
        posting_cursor_next_block(cursor, target);
        return cursor->docid;
    }
    /* It lies in this block. Steps of 8, then of one. */
    uint32_t index = cursor->index;
    while (index + 8 < cursor->count && cursor->docids[index + 8] < target)
        index += 8;
    while (cursor->docids[index] < target)
        index++;
    cursor->index = index;
    cursor->docid = cursor->docids[index];
    return cursor->docid;
}

void posting_cursor_read_frequencies(struct posting_cursor *cursor);

/* How many fields these are. */
static inline unsigned field_count(uint32_t fields)
{
    static const uint8_t counts[FIELD_MASK_ALL + 1] = {0, 1, 1, 2, 1, 2, 2, 3, 1, 2, 2,
                                                       3, 2, 3, 3, 4, 1, 2, 2, 3, 2, 3,
                                                       3, 4, 2, 3, 3, 4, 3, 4, 4, 5};
    return counts[fields & FIELD_MASK_ALL];
}

/* Bits of the fields that the key is in; the cursor stands on a document. */
static inline uint32_t posting_cursor_fields(struct posting_cursor *cursor)
{
    if (!cursor->frequencies_read)
        posting_cursor_read_frequencies(cursor);
    return cursor->common_fields != 0 ? cursor->common_fields : cursor->fields[cursor->index];
}

/* One frequency for each of these fields, by rising field. After posting_cursor_fields(). */
static inline const uint32_t *posting_cursor_frequencies(const struct posting_cursor *cursor)
{
    return cursor->frequencies + (cursor->common_fields != 0 ? cursor->index * cursor->common_count
                                                             : cursor->starts[cursor->index]);
}

/* Appends the current document's positions in a field; where the key is not in it, none. False
 * where they are corrupt (the cursor is, then) or memory ran out. */
bool posting_cursor_positions(struct posting_cursor *cursor, enum query_field field,
                              struct numbers *ret);

/* Appends all positions of the block that the cursor stands in, as posting_writer_add() takes them:
 * those of document `index` from position_starts[index] on. False as above. */
bool posting_cursor_block_positions(struct posting_cursor *cursor, struct numbers *ret);

/* The block's fields and frequencies as they are stored, whose first document the cursor stands on;
 * NULL where they are corrupt (the cursor is, then). Borrowed. */
const uint8_t *posting_cursor_packed_frequencies(struct posting_cursor *cursor, size_t *ret_size);
/* Appends the block's positions as they are stored. False as above, or where memory ran out. */
bool posting_cursor_packed_positions(struct posting_cursor *cursor, struct buffer *ret);

/* ---- what bounds a block ---- */

/* The block in which the first document not below the target lies; row_count: there is none. Does
 * not move the cursor; `from`: a block not behind it. */
uint32_t posting_cursor_find_row(const struct posting_cursor *cursor, uint32_t from,
                                 uint32_t target);
/* The last docid of a block. */
uint32_t posting_cursor_row_last(const struct posting_cursor *cursor, uint32_t row);
/* False: nothing is known (a list of one block). */
bool posting_cursor_row_impacts(const struct posting_cursor *cursor, uint32_t row,
                                struct impacts *ret_impacts);

#endif
