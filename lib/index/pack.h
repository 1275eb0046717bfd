/*
 * Numbers of 32 bits, stored with as many bits each as the largest needs. 128 of them lie in four
 * lanes side by side, so that four are unpacked at a time: number i is in lane i % 4, and each lane
 * is a string of bits, low ones first, in words of 32 (Lemire, Boytsov: "Decoding billions of
 * integers per second through vectorization", 2012). Fewer lie one behind the other in one string.
 * Both have the same bytes on every machine.
 */
#ifndef TIERCE_INDEX_PACK_H
#define TIERCE_INDEX_PACK_H

#include <stddef.h>
#include <stdint.h>

#define PACK_COUNT     128
#define PACK_WIDTH_MAX 32

/* Bits that the largest of them needs; 0 where all are 0. */
unsigned pack_width(const uint32_t *values, size_t count);

/* Bytes of `count` numbers, at most PACK_COUNT. */
static inline size_t pack_bytes(size_t count, unsigned width)
{
    return (count * width + 7) / 8; /* of PACK_COUNT: 16 * width */
}

/* `width` at most PACK_WIDTH_MAX and no less than pack_width(). Writes pack_bytes(). */
void pack(const uint32_t *values, size_t count, unsigned width, uint8_t *out);

/* Reads pack_bytes() bytes, no more. `ret` has room for PACK_COUNT; `width` and `count` as above.
 */
void unpack(const uint8_t *bytes, size_t count, unsigned width, uint32_t *ret);

/* The same for rising numbers, stored as their distances: the first is `base` plus what is stored,
 * each other the one before plus one plus what is stored. Sums wrap. */
void unpack_rising(const uint8_t *bytes, size_t count, unsigned width, uint32_t base,
                   uint32_t *ret);

#endif
