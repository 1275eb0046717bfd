#include "crawl/chunked.h"

#include <string.h>

enum { SIZE_DIGITS_MAX = 15 };

static int digit_value(uint8_t c)
{
    if (c >= '0' && c <= '9')
        return c - '0';
    c |= 0x20;
    return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

/* The line of a chunk's size; false: it is none, or not whole. */
static bool take_size(const uint8_t **at, const uint8_t *end, uint64_t *ret_size)
{
    const uint8_t *from = *at;
    uint64_t size = 0;
    unsigned digits = 0;
    while (from < end && digit_value(*from) >= 0 && digits < SIZE_DIGITS_MAX) {
        size = size * 16 + (uint64_t)digit_value(*from++);
        digits++;
    }
    if (digits == 0 || from == end ||
        (*from != '\r' && *from != '\n' && *from != ';' && *from != ' ' && *from != '\t'))
        return false;
    const uint8_t *feed = memchr(from, '\n', (size_t)(end - from));
    if (feed == NULL)
        return false;
    *at = feed + 1;
    *ret_size = size;
    return true;
}

enum status chunked_undo(const uint8_t *bytes, size_t size, struct buffer *body, struct error *err)
{
    const uint8_t *at = bytes, *end = size == 0 ? bytes : bytes + size;
    uint64_t chunk;
    if (!take_size(&at, end, &chunk))
        return error_set(err, STATUS_CORRUPT, "no chunked body");
    while (chunk > 0) {
        size_t left = (size_t)(end - at);
        buffer_append(body, at, chunk < left ? (size_t)chunk : left);
        if (body->failed)
            return error_set(err, STATUS_NO_MEMORY, "body");
        if (chunk >= left)
            return error_set(err, STATUS_END, "the chunked body breaks off");
        at += chunk;
        if (at < end && *at == '\r')
            at++;
        if (at < end && *at == '\n')
            at++;
        if (!take_size(&at, end, &chunk))
            return error_set(err, STATUS_END, "the chunked body breaks off");
    }
    return STATUS_OK;
}
