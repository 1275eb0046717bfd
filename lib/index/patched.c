#include "index/patched.h"

#include <string.h>

#include "base/check.h"
#include "index/varint.h"

#define HEADER_BYTES 2
#define SOME_MAX     24 /* so many are cheaper to read one by one */

static unsigned bits_of(uint32_t value)
{
    return value == 0 ? 0 : 32 - (unsigned)__builtin_clz(value);
}

/* How many of the numbers have more than so many bits, for each number of bits; there are seven
 * more rows than bits, all zero. */
struct above {
    uint8_t counts[PACK_WIDTH_MAX + 8];
    unsigned largest; /* bits of the largest number */
};

/* In four tables, so that no count waits for the one before. */
static void count_few(const uint32_t *values, size_t count, struct above *ret)
{
    uint8_t having[4][PACK_WIDTH_MAX + 1] = {{0}};
    unsigned sum = 0;
    for (size_t i = 0; i < count; i++)
        having[i % 4][bits_of(values[i])]++;
    for (unsigned bits = ret->largest; bits > 0; bits--) {
        sum += having[0][bits] + having[1][bits] + having[2][bits] + having[3][bits];
        ret->counts[bits - 1] = (uint8_t)sum;
    }
}

/* Of 128 numbers of at most 24 bits: as floating point they say in their exponents how many bits
 * they have. These are put side by side as bytes and compared with each width, 16 at once. */
static void count_128(const uint32_t *values, struct above *ret)
{
    typedef int32_t lanes __attribute__((vector_size(16)));
    typedef float floats __attribute__((vector_size(16)));
    typedef int8_t bytes __attribute__((vector_size(16)));
    enum { LANES = 4, STEP = 16, STEPS = PACK_COUNT / STEP };
    const int32_t bias = 126; /* of the exponents */
    bytes bits[STEPS];
    for (unsigned step = 0; step < STEPS; step++) {
        lanes all = {0};
        for (unsigned part = 0; part < STEP / LANES; part++) {
            lanes some;
            memcpy(&some, values + step * STEP + part * LANES, sizeof(some));
            lanes exponents = (lanes) __builtin_convertvector(some, floats) >> 23;
            all |= ((exponents - bias) & (exponents > 0)) << 8 * part;
        }
        bits[step] = (bytes)all;
    }
    for (unsigned width = 0; width < ret->largest; width++) {
        const int8_t limit = (int8_t)width;
        bytes above = {0};
        for (unsigned step = 0; step < STEPS; step++)
            above -= bits[step] > limit;
        uint64_t halves[2];
        memcpy(halves, &above, sizeof(halves));
        ret->counts[width] = (uint8_t)((halves[0] + halves[1]) * 0x0101010101010101 >> 56);
    }
}

static void count_bits(const uint32_t *values, size_t count, struct above *ret)
{
    memset(ret->counts, 0, sizeof(ret->counts));
    ret->largest = pack_width(values, count);
    if (count == PACK_COUNT && ret->largest <= 24)
        count_128(values, ret);
    else
        count_few(values, count, ret);
}

/* The width that makes them smallest. A patch takes a byte for the number and one for each 7 bits
 * that it has beyond the width. */
static unsigned choose_width(const uint32_t *values, size_t count)
{
    struct above above;
    count_bits(values, count, &above);
    unsigned best = above.largest;
    size_t best_bytes = pack_bytes(count, best);
    for (unsigned width = best; width-- > 0;) {
        size_t patches = above.counts[width];
        for (unsigned bits = width; above.counts[bits] > 0; bits += 7)
            patches += above.counts[bits];
        if (patches > UINT8_MAX || patches >= best_bytes)
            break; /* a smaller width has more of them */
        if (pack_bytes(count, width) + patches < best_bytes) {
            best_bytes = pack_bytes(count, width) + patches;
            best = width;
        }
    }
    return best;
}

size_t patched_pack(const uint32_t *values, size_t count, uint8_t *out)
{
    CHECK(count > 0 && count <= PACK_COUNT);
    unsigned width = choose_width(values, count);
    uint32_t low[PACK_COUNT];
    uint32_t mask = width == 32 ? UINT32_MAX : (1u << width) - 1;
    uint8_t *patches = out + HEADER_BYTES + pack_bytes(count, width);
    uint8_t *at = patches;
    uint8_t large[PACK_COUNT]; /* numbers of those that are patched */
    size_t large_count = 0;
    for (size_t i = 0; i < count; i++) { /* which these are cannot be predicted */
        low[i] = values[i] & mask;
        large[large_count] = (uint8_t)i;
        large_count += low[i] != values[i];
    }
    for (size_t i = 0; i < large_count; i++) {
        *at++ = large[i];
        at += varint_put(at, (uint64_t)values[large[i]] >> width);
    }
    pack(low, count, width, out + HEADER_BYTES);
    out[0] = (uint8_t)width;
    out[1] = (uint8_t)(at - patches);
    return (size_t)(at - out);
}

size_t patched_size(const uint8_t *bytes, const uint8_t *end, size_t count)
{
    if (end - bytes < HEADER_BYTES || bytes[0] > PACK_WIDTH_MAX)
        return 0;
    size_t size = HEADER_BYTES + pack_bytes(count, bytes[0]) + bytes[1];
    return size <= (size_t)(end - bytes) ? size : 0;
}

/* Adds the patches of numbers from `start` on, `wanted` of them, to what was read of them. */
static bool patch(const uint8_t *bytes, size_t count, size_t start, size_t wanted, uint32_t *ret)
{
    unsigned width = bytes[0];
    const uint8_t *at = bytes + HEADER_BYTES + pack_bytes(count, width);
    const uint8_t *end = at + bytes[1];
    while (at < end) {
        size_t number = *at++;
        uint32_t beyond;
        if (number >= count || !varint_get32(&at, end, &beyond))
            return false;
        if (number >= start && number - start < wanted)
            ret[number - start] |= (uint32_t)((uint64_t)beyond << width);
    }
    return true;
}

bool patched_unpack(const uint8_t *bytes, size_t count, uint32_t *ret)
{
    unpack(bytes + HEADER_BYTES, count, bytes[0], ret);
    return bytes[1] == 0 || patch(bytes, count, 0, count, ret);
}

bool patched_unpack_some(const uint8_t *bytes, size_t count, size_t start, size_t wanted,
                         uint32_t *ret)
{
    if (wanted > SOME_MAX) {
        uint32_t all[PACK_COUNT];
        if (!patched_unpack(bytes, count, all))
            return false;
        memcpy(ret, all + start, wanted * sizeof(*ret));
        return true;
    }
    for (size_t i = 0; i < wanted; i++)
        ret[i] = unpack_one(bytes + HEADER_BYTES, count, bytes[0], start + i);
    return bytes[1] == 0 || patch(bytes, count, start, wanted, ret);
}
