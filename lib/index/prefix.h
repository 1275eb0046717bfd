/*
 * Prefixes: all words that begin alike. In a query's tree and where document frequencies are asked
 * for, a prefix is KEY_PREFIX and the bytes; no key of a segment is that.
 */
#ifndef TIERCE_INDEX_PREFIX_H
#define TIERCE_INDEX_PREFIX_H

#include "index/dictionary.h"

#define PREFIX_TERMS_MAX (1u << 16) /* of one segment; those behind them are not looked for */

static inline bool is_prefix(const struct query_term *term)
{
    return term->size > 0 && term->bytes[0] == KEY_PREFIX;
}

/* Whether a term begins as the prefix says. */
static inline bool prefix_has(const struct query_term *prefix, const uint8_t *term, uint32_t size)
{
    return size >= prefix->size - 1 && memcmp(term, prefix->bytes + 1, prefix->size - 1) == 0;
}

/* The terms of a segment that a prefix stands for, in order. */
struct prefix_cursor {
    const struct query_term *prefix;
    struct dictionary_cursor keys; /* where it stands */
    uint32_t seen;
    bool is_cut; /* it ended at PREFIX_TERMS_MAX, and there are more */
};

/* Stands on the first; false where there is none, or the dictionary is corrupt (keys.corrupt). */
bool prefix_cursor_open(struct prefix_cursor *cursor, const struct segment *segment,
                        const struct query_term *prefix);
bool prefix_cursor_next(struct prefix_cursor *cursor);

/* The terms' document frequencies together; STATUS_CORRUPT. */
enum status prefix_documents(const struct segment *segment, const struct query_term *prefix,
                             uint64_t *ret_documents);

#endif
