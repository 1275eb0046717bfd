/*
 * The keys of a segment in order, each with its posting list. In blocks of 32 keys, of which the
 * first stands whole and the others share what they begin with.
 */
#ifndef TIERCE_INDEX_DICTIONARY_H
#define TIERCE_INDEX_DICTIONARY_H

#include <endian.h>
#include <string.h>

#include "base/bytes.h"
#include "index/segment.h"

#define DICTIONARY_BLOCK 32
/* A row of PART_DICTIONARY_INDEX: address of a block, head of its first key. */
#define DICTIONARY_ROW_BYTES 16

/* How often a key stands as a word of its own, just so, in what people read: not as a stem, a pair
 * of characters or a part of a URL. As it was when the documents were indexed: some may be gone. */
struct written {
    uint32_t count; /* of documents */
    bool openly;    /* at least one of them is not private */
};

struct dictionary_entry {
    uint64_t address;        /* of the posting list */
    uint32_t document_count; /* > 0 */
    struct written written;  /* its count is not larger */
};

/* ---- writing ---- */

struct dictionary_writer {
    struct part_writer *parts;
    struct buffer block;
    uint32_t in_block;
    uint64_t block_head; /* of its first key */
    uint32_t block_count;
    uint64_t term_count;
    uint64_t last_addresses[2]; /* of a list of one block, of a longer one */
    uint8_t last_key[KEY_MAX];
    uint32_t last_size;
};

void dictionary_writer_init(struct dictionary_writer *writer, struct part_writer *parts);
void dictionary_writer_release(struct dictionary_writer *writer);
/* Keys ascend (memcmp); so do the addresses of lists of one block, and those of longer ones. */
enum status dictionary_writer_add(struct dictionary_writer *writer, const uint8_t *key,
                                  uint32_t size, const struct dictionary_entry *entry,
                                  struct error *err);
enum status dictionary_writer_end(struct dictionary_writer *writer, struct error *err);

/* ---- reading ---- */

/* STATUS_OK, STATUS_NOT_FOUND or STATUS_CORRUPT. */
enum status dictionary_find(const struct segment *segment, const uint8_t *key, uint32_t size,
                            struct dictionary_entry *ret_entry);

/* All keys in order. */
struct dictionary_cursor {
    const struct segment *segment;
    const uint8_t *at;
    const uint8_t *end;
    uint32_t block; /* next one */
    uint32_t left;  /* in the block */
    uint8_t key[KEY_MAX];
    uint32_t key_size; /* 0: behind the last */
    uint64_t head;     /* the key's: most differ there */
    struct dictionary_entry entry;
    uint64_t addresses[2]; /* the last of a list of one block, of a longer one */
    bool corrupt;
};

/* Stands on the first key. */
void dictionary_cursor_open(struct dictionary_cursor *cursor, const struct segment *segment);
/* Opens it on the first key that is not below this one, or behind the last. */
void dictionary_cursor_seek(struct dictionary_cursor *cursor, const struct segment *segment,
                            const uint8_t *key, uint32_t size);
/* Opens it on the key of this number, counted from 0. */
void dictionary_cursor_pick(struct dictionary_cursor *cursor, const struct segment *segment,
                            uint32_t number);
void dictionary_cursor_next(struct dictionary_cursor *cursor);

static inline int key_compare(const uint8_t *a, uint32_t a_size, const uint8_t *b, uint32_t b_size)
{
    int order = memcmp(a, b, a_size < b_size ? a_size : b_size);
    return order != 0 ? order : (a_size > b_size) - (a_size < b_size);
}

/* A key's first eight bytes as a number: where two differ, so do the keys, in the same way. Zeros
 * behind a shorter one. `size` > 0. */
static inline uint64_t key_head(const uint8_t *key, uint32_t size)
{
    if (size >= 8)
        return get_be64(key);
    /* Two or three loads that may overlap: where they do, their bits are the same. */
    if (size >= 4)
        return (uint64_t)get_be32(key) << 32 | (uint64_t)get_be32(key + size - 4) << 8 * (8 - size);
    uint32_t middle = size / 2;
    return (uint64_t)key[0] << 56 | (uint64_t)key[middle] << 8 * (7 - middle) |
           (uint64_t)key[size - 1] << 8 * (8 - size);
}

/* The order of the keys that two cursors stand on. */
static inline int dictionary_cursor_compare(const struct dictionary_cursor *a,
                                            const struct dictionary_cursor *b)
{
    if (a->head != b->head)
        return a->head < b->head ? -1 : 1;
    return key_compare(a->key, a->key_size, b->key, b->key_size);
}

#endif
