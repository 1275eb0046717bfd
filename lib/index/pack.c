#include "index/pack.h"

#include <string.h>

#include "base/check.h"

/* Four numbers: the compiler's own vectors, so that every machine's are used. */
typedef uint32_t lanes __attribute__((vector_size(16)));

#ifdef __clang__
#define UNROLLED _Pragma("clang loop unroll(full)")
#else
#define UNROLLED _Pragma("GCC unroll 32")
#endif

#define LANES  4
#define GROUPS (PACK_COUNT / LANES)

unsigned pack_width(const uint32_t *values, size_t count)
{
    lanes some;
    lanes bits = {0};
    size_t i = 0;
    for (; i + LANES <= count; i += LANES) {
        memcpy(&some, values + i, sizeof(some));
        bits |= some;
    }
    uint32_t all = bits[0] | bits[1] | bits[2] | bits[3];
    for (; i < count; i++)
        all |= values[i];
    return all == 0 ? 0 : 32 - (unsigned)__builtin_clz(all);
}

/* ---- four lanes ---- */

static inline lanes load(const uint8_t *bytes)
{
    lanes value;
    memcpy(&value, bytes, sizeof(value));
#if __BYTE_ORDER__ == __ORDER_BIG_ENDIAN__
    for (unsigned i = 0; i < LANES; i++)
        value[i] = __builtin_bswap32(value[i]);
#endif
    return value;
}

static inline void store(uint8_t *bytes, lanes value)
{
#if __BYTE_ORDER__ == __ORDER_BIG_ENDIAN__
    for (unsigned i = 0; i < LANES; i++)
        value[i] = __builtin_bswap32(value[i]);
#endif
    memcpy(bytes, &value, sizeof(value));
}

static void pack_lanes(const uint32_t *values, unsigned width, uint8_t *out)
{
    lanes word = {0};
    unsigned used = 0; /* bits of the word */
    for (unsigned group = 0; group < GROUPS; group++) {
        lanes value;
        memcpy(&value, values + group * LANES, sizeof(value));
        word |= value << used;
        used += width;
        if (used < 32)
            continue;
        store(out, word);
        out += sizeof(word);
        used -= 32;
        word = value >> (width - 1 - used) >> 1; /* nothing where used is 0 */
    }
}

/* With `width` known when it is compiled, all shifts are constants. */
static inline __attribute__((always_inline)) void unpack_lanes(const uint8_t *bytes,
                                                               const unsigned width, uint32_t *ret)
{
    const uint32_t mask = width == 32 ? UINT32_MAX : (1u << (width & 31)) - 1;
    const lanes masks = {mask, mask, mask, mask};
    UNROLLED
    for (unsigned group = 0; group < GROUPS; group++) {
        const unsigned bit = group * width;
        const unsigned shift = bit % 32;
        lanes value = load(bytes + bit / 32 * 16) >> shift;
        if (shift + width > 32)
            value |= load(bytes + (bit / 32 + 1) * 16) << ((32 - shift) & 31);
        value &= masks;
        memcpy(ret + group * LANES, &value, sizeof(value));
    }
}

#define CASE(width)                                                                                \
    case width:                                                                                    \
        unpack_lanes(bytes, width, ret);                                                           \
        break;
#define CASES(first) CASE(first) CASE((first) + 1) CASE((first) + 2) CASE((first) + 3)

static void unpack_128(const uint8_t *bytes, unsigned width, uint32_t *ret)
{
    switch (width) {
        CASES(1)
        CASES(5)
        CASES(9)
        CASES(13)
        CASES(17)
        CASES(21)
        CASES(25)
        CASES(29)
    default:
        memset(ret, 0, PACK_COUNT * sizeof(*ret));
    }
}

/* ---- one string ---- */

static void pack_string(const uint32_t *values, size_t count, unsigned width, uint8_t *out)
{
    uint64_t bits = 0;
    unsigned used = 0;
    for (size_t i = 0; i < count; i++) {
        bits |= (uint64_t)values[i] << used;
        for (used += width; used >= 8; used -= 8) {
            *out++ = (uint8_t)bits;
            bits >>= 8;
        }
    }
    if (used > 0)
        *out = (uint8_t)bits;
}

static void unpack_string(const uint8_t *bytes, size_t count, unsigned width, uint32_t *ret)
{
    const uint64_t mask = ((uint64_t)1 << width) - 1;
    uint64_t bits = 0;
    unsigned used = 0;
    for (size_t i = 0; i < count; i++) {
        for (; used < width; used += 8)
            bits |= (uint64_t)*bytes++ << used;
        ret[i] = (uint32_t)(bits & mask);
        bits >>= width;
        used -= width;
    }
}

/* ---- both ---- */

void pack(const uint32_t *values, size_t count, unsigned width, uint8_t *out)
{
    CHECK(count <= PACK_COUNT && width <= PACK_WIDTH_MAX);
    if (width == 0)
        return;
    if (count == PACK_COUNT)
        pack_lanes(values, width, out);
    else
        pack_string(values, count, width, out);
}

void unpack(const uint8_t *bytes, size_t count, unsigned width, uint32_t *ret)
{
    if (count == PACK_COUNT)
        unpack_128(bytes, width, ret);
    else if (width > 0)
        unpack_string(bytes, count, width, ret);
    else
        memset(ret, 0, count * sizeof(*ret));
}

/* Sums over four lanes at a time: each adds its left neighbour, then the one two to the left. */
static void sum_128(uint32_t base, uint32_t *values)
{
    const lanes zero = {0};
    const lanes ones = {1, 1, 1, 1};
    uint32_t before = base - 1;
    lanes carry = {before, before, before, before};
    for (unsigned group = 0; group < GROUPS; group++) {
        lanes value;
        memcpy(&value, values + group * LANES, sizeof(value));
        value += ones;
        value += __builtin_shufflevector(value, zero, 4, 0, 1, 2);
        value += __builtin_shufflevector(value, zero, 4, 4, 0, 1);
        value += carry;
        memcpy(values + group * LANES, &value, sizeof(value));
        carry = __builtin_shufflevector(value, value, 3, 3, 3, 3);
    }
}

void unpack_rising(const uint8_t *bytes, size_t count, unsigned width, uint32_t base, uint32_t *ret)
{
    unpack(bytes, count, width, ret);
    if (count == PACK_COUNT) {
        sum_128(base, ret);
        return;
    }
    for (size_t i = 0; i < count; i++) {
        ret[i] += base;
        base = ret[i] + 1;
    }
}
