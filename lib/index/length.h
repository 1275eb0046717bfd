/*
 * Lengths and frequencies as one byte: exact to 31, then rounded to a sixteenth of the next smaller
 * power of two, to 2^19.
 */
#ifndef TIERCE_INDEX_LENGTH_H
#define TIERCE_INDEX_LENGTH_H

#include <stdint.h>

#define LENGTH_CODES 256

/* Does not fall when the length rises. */
uint8_t length_code(uint32_t length);
/* The middle of the lengths that have this code. */
uint32_t length_of_code(uint8_t code);
/* The largest of them; UINT32_MAX for the last code. */
uint32_t length_bound(uint8_t code);

#endif
