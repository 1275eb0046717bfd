#include "crawl/percent.h"

#include <string.h>

#include "crawl/utf8.h"

static bool is_alphanumeric(uint8_t c)
{
    return (c >= '0' && c <= '9') || (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z');
}

bool percent_is_unreserved(uint8_t byte)
{
    return is_alphanumeric(byte) || byte == '-' || byte == '.' || byte == '_' || byte == '~';
}

/* RFC 3986's characters of a path or query. Browsers escape a "'" in a query, so we do. */
static bool may_stand(uint8_t c, enum percent_part part)
{
    if (c == '\0' || c >= 0x80)
        return false;
    return is_alphanumeric(c) || strchr("-._~!$&()*+,;=:@/?", c) != NULL ||
           (c == '\'' && part == PERCENT_PATH);
}

int percent_hex_value(char c)
{
    return c >= '0' && c <= '9'   ? c - '0'
           : c >= 'a' && c <= 'f' ? c - 'a' + 10
           : c >= 'A' && c <= 'F' ? c - 'A' + 10
                                  : -1;
}

int percent_escape_value(const char *at, const char *end)
{
    if (end - at < 3 || at[0] != '%' || percent_hex_value(at[1]) < 0 ||
        percent_hex_value(at[2]) < 0)
        return -1;
    return percent_hex_value(at[1]) << 4 | percent_hex_value(at[2]);
}

char *percent_put_escape(char *out, uint8_t byte)
{
    static const char digits[] = "0123456789ABCDEF";
    *out++ = '%';
    *out++ = digits[byte >> 4];
    *out++ = digits[byte & 15];
    return out;
}

static char *put_code_point(char *out, uint32_t code_point)
{
    char bytes[UTF8_BYTES_MAX];
    size_t size = utf8_put(code_point, bytes);
    for (size_t i = 0; i < size; i++)
        out = percent_put_escape(out, (uint8_t)bytes[i]);
    return out;
}

size_t percent_normalise(const char *text, size_t size, enum percent_part part, char *ret_text)
{
    const char *at = text, *end = text + size;
    char *out = ret_text;
    while (at < end) {
        int escaped = percent_escape_value(at, end);
        if (escaped >= 0) {
            if (percent_is_unreserved((uint8_t)escaped))
                *out++ = (char)escaped;
            else
                out = percent_put_escape(out, (uint8_t)escaped);
            at += 3;
        } else if (may_stand((uint8_t)*at, part)) {
            *out++ = *at++;
        } else {
            const uint8_t *byte = (const uint8_t *)at;
            out = put_code_point(out, utf8_next(&byte, (const uint8_t *)end));
            at = (const char *)byte;
        }
    }
    return (size_t)(out - ret_text);
}
