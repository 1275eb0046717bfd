/*
 * The indexes of the WHATWG's Encoding standard: what the bytes of its legacy encodings stand for.
 * They are read from the system's converters, which say the same of nearly everything, and set
 * right where they do not.
 */
#ifndef TIERCE_PAGE_CHARSET_INDEX_H
#define TIERCE_PAGE_CHARSET_INDEX_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "page/charset.h"

enum charset_index {
    CHARSET_GB18030, /* of two bytes */
    CHARSET_BIG5,
    CHARSET_JIS0208,
    CHARSET_JIS0212,
    CHARSET_EUC_KR,
    CHARSET_INDEX_COUNT
};

/*
 * What the standard's pointers (row * width + column) stand for; 0: nothing.
 *
 * Returns a table for the life of the process with charset_index_size() entries, made at the first
 * call; NULL where the system lacks the converter.
 */
const uint32_t *charset_index(enum charset_index which);
size_t charset_index_size(enum charset_index which);

/* What a pointer of four bytes of gb18030 stands for; 0: nothing. */
uint32_t charset_gb18030_range(uint32_t pointer);

enum { CHARSET_SINGLE_FIRST = 0x80, CHARSET_SINGLE_COUNT = 0x80 };

/* What the upper bytes of a single-byte encoding stand for; 0: nothing. False: as above. */
bool charset_index_single(const struct charset *charset, uint32_t ret_index[CHARSET_SINGLE_COUNT]);

#endif
