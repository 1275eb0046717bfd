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

#include "base/bytes.h"

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

/* Number `at` of them alone. Reads no byte behind them. */
static inline uint32_t unpack_one(const uint8_t *bytes, size_t count, unsigned width, size_t at)
{
    uint64_t value = 0;
    size_t bit = at * width;
    if (width == 0)
        return 0;
    if (count == PACK_COUNT) {
        /* In words of 32 bits, four strings side by side. */
        bit = at / 4 * width;
        size_t word = bit / 32 * 16 + at % 4 * 4;
        value = get_le32(bytes + word);
        if (bit % 32 + width > 32)
            value |= (uint64_t)get_le32(bytes + word + 16) << 32;
        return (uint32_t)(value >> bit % 32 & (((uint64_t)1 << width) - 1));
    }
    for (size_t i = bit / 8; i <= (bit + width - 1) / 8; i++)
        value |= (uint64_t)bytes[i] << 8 * (i - bit / 8);
    return (uint32_t)(value >> bit % 8 & (((uint64_t)1 << width) - 1));
}

/* The same for rising numbers, stored as their distances: the first is `base` plus what is stored,
 * each other the one before plus one plus what is stored. Sums wrap. */
void unpack_rising(const uint8_t *bytes, size_t count, unsigned width, uint32_t base,
                   uint32_t *ret);

#endif
