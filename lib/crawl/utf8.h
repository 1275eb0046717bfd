/* UTF-8, read as the WHATWG's decoder reads it: what is wrong becomes U+FFFD, nothing fails. */
#ifndef TIERCE_CRAWL_UTF8_H
#define TIERCE_CRAWL_UTF8_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum { UTF8_REPLACEMENT = 0xFFFD, UTF8_BYTES_MAX = 4 };

/*
 * The code point at *at, which moves behind it; at least one byte must be left before `end`. Of a
 * wrong sequence, the longest part that could have begun a right one is one U+FFFD.
 */
uint32_t utf8_next(const uint8_t **at, const uint8_t *end);

/* How many bytes at the beginning are ASCII. */
size_t utf8_ascii_size(const uint8_t *bytes, size_t size);

/* Writes a code point (not a surrogate, at most U+10FFFF); returns the number of bytes, 1 to 4. */
size_t utf8_put(uint32_t code_point, char *ret_bytes);

/* Whether all of it is right. `may_be_cut`: a sequence that only the end cut short is right too. */
bool utf8_is_valid(const uint8_t *bytes, size_t size, bool may_be_cut);

/* The largest size <= limit at which the text can be cut without splitting a sequence. */
size_t utf8_cut(const char *text, size_t size, size_t limit);

#endif
