/*
 * Percent-encoding in normal form: what needs no escape has none ("%41" is "A"), what must not
 * stand in a URL is escaped, and escapes are upper case. A '%' that begins no escape becomes "%25".
 */
#ifndef TIERCE_CRAWL_PERCENT_H
#define TIERCE_CRAWL_PERCENT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum percent_part { PERCENT_PATH, PERCENT_QUERY };

/* At most this many bytes come of one: an undecodable byte becomes an escaped U+FFFD. */
enum { PERCENT_GROWTH_MAX = 9 };

/* Letters, digits and "-._~": the same with and without an escape. */
bool percent_is_unreserved(uint8_t byte);

/* 0 to 15, or -1 for what is no hexadecimal digit. */
int percent_hex_value(char c);

/* The byte that an escape at `at` stands for, or -1 where there is none. */
int percent_escape_value(const char *at, const char *end);

/* Writes the escape of any byte, in upper case; returns what is behind it. */
char *percent_put_escape(char *out, uint8_t byte);

/*
 * Appends the normal form of `size` bytes of UTF-8. `ret_text` has room for size *
 * PERCENT_GROWTH_MAX; returns the bytes written. '/' and '?' are left as they are.
 */
size_t percent_normalise(const char *text, size_t size, enum percent_part part, char *ret_text);

#endif
