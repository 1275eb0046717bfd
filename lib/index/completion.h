/*
 * What begins with a few letters and is written most: kept for each prefix that so many keys of a
 * segment's dictionary begin with that walking over them would take too long. The keys under any
 * other prefix are few. It is found while the dictionary is written, whose keys come in order.
 */
#ifndef TIERCE_INDEX_COMPLETION_H
#define TIERCE_INDEX_COMPLETION_H

#include "index/dictionary.h"

/* A prefix that more keys begin with has a row of its own, if it is not longer than that. */
#define COMPLETION_KEYS_MAX         1024
#define COMPLETION_PREFIX_BYTES_MAX 6
/* A row of PART_COMPLETIONS: the prefix (key_head() of it, whose last two bytes are none of its),
 * then numbers of keys in the dictionary, those written in most documents first; UINT32_MAX behind
 * the last. By rising head. Where keys are among them that only private documents write, a row
 * follows, with COMPLETION_OPEN in its head, of those that others write, too: they would be crowded
 * out for those who may know no others. */
#define COMPLETION_OPEN      1u
#define COMPLETION_ROW_KEYS  30
#define COMPLETION_ROW_BYTES (8 + 4 * COMPLETION_ROW_KEYS)

/* ---- writing ---- */

struct completion {
    uint32_t number; /* of the key in the dictionary */
    uint32_t written;
};

/* By falling count, then rising number. */
struct completion_row {
    uint32_t count;
    struct completion best[COMPLETION_ROW_KEYS];
};

/* Keys that share a prefix, while there may be more of them. */
struct completion_node {
    uint32_t key_count;
    struct completion_row all;
    struct completion_row open; /* written by a document that is not private */
};

/* A zeroed struct is empty. */
struct completion_writer {
    /* Of the last key's prefixes: nodes[n - 1] is of its first n bytes. */
    struct completion_node nodes[COMPLETION_PREFIX_BYTES_MAX];
    uint8_t prefix[COMPLETION_PREFIX_BYTES_MAX];
    uint32_t prefix_size;
    uint32_t key_count;
    uint32_t row_count;
    struct buffer rows;
};

void completion_writer_release(struct completion_writer *writer);
/* Every key of the dictionary in its order; one that no document writes is never shown. */
void completion_writer_add(struct completion_writer *writer, const uint8_t *key, uint32_t size,
                           struct written written);
enum status completion_writer_end(struct completion_writer *writer, struct part_writer *parts,
                                  struct error *err);

/* ---- reading ---- */

/*
 * The numbers of the keys that begin with a prefix and are written most; `open`: of those that not
 * only private documents write, where they are not the same. False: the prefix has no such row.
 * `ret_count`: how many; UINT32_MAX where the row cannot be read.
 */
bool completion_find(const struct segment *segment, const uint8_t *prefix, uint32_t size, bool open,
                     uint32_t ret_numbers[COMPLETION_ROW_KEYS], uint32_t *ret_count);

#endif
