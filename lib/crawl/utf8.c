#include "crawl/utf8.h"

#include <string.h>

/*
 * Reads one sequence. Returns false for a wrong one; either way *at moves. `ret_cut` tells that the
 * end of the bytes, not a wrong byte, was what ended it.
 */
static bool read_sequence(const uint8_t **at, const uint8_t *end, uint32_t *ret_code_point,
                          bool *ret_cut)
{
    uint8_t lead = *(*at)++;
    uint8_t low = 0x80, high = 0xBF; /* of the second byte */
    unsigned more;
    *ret_cut = false;
    if (lead < 0x80) {
        *ret_code_point = lead;
        return true;
    }
    if (lead < 0xC2 || lead > 0xF4)
        return false;
    if (lead < 0xE0) {
        more = 1;
        *ret_code_point = lead & 0x1F;
    } else if (lead < 0xF0) {
        more = 2;
        *ret_code_point = lead & 0x0F;
        low = lead == 0xE0 ? 0xA0 : low;
        high = lead == 0xED ? 0x9F : high;
    } else {
        more = 3;
        *ret_code_point = lead & 0x07;
        low = lead == 0xF0 ? 0x90 : low;
        high = lead == 0xF4 ? 0x8F : high;
    }
    for (; more > 0; more--) {
        if (*at == end) {
            *ret_cut = true;
            return false;
        }
        if (**at < low || **at > high)
            return false;
        *ret_code_point = *ret_code_point << 6 | (*(*at)++ & 0x3F);
        low = 0x80;
        high = 0xBF;
    }
    return true;
}

uint32_t utf8_next(const uint8_t **at, const uint8_t *end)
{
    uint32_t code_point;
    bool cut;
    return read_sequence(at, end, &code_point, &cut) ? code_point : UTF8_REPLACEMENT;
}

size_t utf8_ascii_size(const uint8_t *bytes, size_t size)
{
    size_t at = 0;
    for (uint64_t eight; at + sizeof(eight) <= size; at += sizeof(eight)) {
        memcpy(&eight, bytes + at, sizeof(eight));
        if ((eight & 0x8080808080808080u) != 0)
            break;
    }
    while (at < size && bytes[at] < 0x80)
        at++;
    return at;
}

size_t utf8_put(uint32_t code_point, char *ret_bytes)
{
    uint8_t *out = (uint8_t *)ret_bytes;
    if (code_point < 0x80) {
        out[0] = (uint8_t)code_point;
        return 1;
    }
    if (code_point < 0x800) {
        out[0] = (uint8_t)(0xC0 | code_point >> 6);
        out[1] = (uint8_t)(0x80 | (code_point & 0x3F));
        return 2;
    }
    if (code_point < 0x10000) {
        out[0] = (uint8_t)(0xE0 | code_point >> 12);
        out[1] = (uint8_t)(0x80 | (code_point >> 6 & 0x3F));
        out[2] = (uint8_t)(0x80 | (code_point & 0x3F));
        return 3;
    }
    out[0] = (uint8_t)(0xF0 | code_point >> 18);
    out[1] = (uint8_t)(0x80 | (code_point >> 12 & 0x3F));
    out[2] = (uint8_t)(0x80 | (code_point >> 6 & 0x3F));
    out[3] = (uint8_t)(0x80 | (code_point & 0x3F));
    return 4;
}

bool utf8_is_valid(const uint8_t *bytes, size_t size, bool may_be_cut)
{
    const uint8_t *at = bytes, *end = bytes + size;
    for (at += utf8_ascii_size(at, size); at < end; at += utf8_ascii_size(at, (size_t)(end - at))) {
        uint32_t code_point;
        bool cut;
        if (!read_sequence(&at, end, &code_point, &cut) && !(cut && may_be_cut))
            return false;
    }
    return true;
}

size_t utf8_cut(const char *text, size_t size, size_t limit)
{
    if (size <= limit)
        return size;
    while (limit > 0 && ((uint8_t)text[limit] & 0xC0) == 0x80)
        limit--;
    return limit;
}
