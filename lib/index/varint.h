/* Integers of one to ten bytes, seven bits each, low ones first; for the index's own files. */
#ifndef TIERCE_INDEX_VARINT_H
#define TIERCE_INDEX_VARINT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define VARINT_MAX   10 /* most bytes of 64 bits */
#define VARINT32_MAX 5

static inline size_t varint_put(uint8_t *out, uint64_t value)
{
    size_t size = 0;
    for (; value >= 0x80; value >>= 7)
        out[size++] = (uint8_t)(value | 0x80);
    out[size++] = (uint8_t)value;
    return size;
}

/* Moves *at behind the integer; false where it does not end before `end` or within 64 bits. */
static inline bool varint_get(const uint8_t **at, const uint8_t *end, uint64_t *ret_value)
{
    uint64_t value = 0;
    const uint8_t *next = *at;
    for (unsigned shift = 0; next < end && shift < 64; shift += 7) {
        uint8_t byte = *next++;
        value |= (uint64_t)(byte & 0x7f) << shift;
        if (byte < 0x80) {
            *at = next;
            *ret_value = value;
            return true;
        }
    }
    return false;
}

/* The same for 32 bits; more bits are wrong. */
static inline bool varint_get32(const uint8_t **at, const uint8_t *end, uint32_t *ret_value)
{
    if (*at < end && **at < 0x80) {
        *ret_value = *(*at)++;
        return true;
    }
    uint64_t value;
    if (!varint_get(at, end, &value) || value > UINT32_MAX)
        return false;
    *ret_value = (uint32_t)value;
    return true;
}

#endif
