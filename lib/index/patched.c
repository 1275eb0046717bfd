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

/* What each number with so many bits takes behind those of a width that is smaller. */
static size_t patch_bytes(unsigned bits, unsigned width)
{
    return bits <= width ? 0 : 1 + (bits - width + 6) / 7;
}

static unsigned choose_width(const uint32_t *values, size_t count)
{
    uint32_t having[PACK_WIDTH_MAX + 1] = {0}; /* numbers of so many bits */
    for (size_t i = 0; i < count; i++)
        having[bits_of(values[i])]++;
    unsigned largest = PACK_WIDTH_MAX;
    while (largest > 0 && having[largest] == 0)
        largest--;
    unsigned best = largest;
    size_t best_bytes = pack_bytes(count, largest);
    for (unsigned width = 0; width < largest; width++) {
        size_t patches = 0;
        for (unsigned bits = width + 1; bits <= largest; bits++)
            patches += having[bits] * patch_bytes(bits, width);
        if (patches <= UINT8_MAX && pack_bytes(count, width) + patches < best_bytes) {
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
    for (size_t i = 0; i < count; i++) {
        low[i] = values[i] & mask;
        if (low[i] == values[i])
            continue;
        *at++ = (uint8_t)i;
        at += varint_put(at, (uint64_t)values[i] >> width);
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
