#include "cli/print.h"

#include <inttypes.h>
#include <stddef.h>
#include <string.h>

#include "base/check.h"

/* Size of the well-formed UTF-8 character at `text` that is no control character; 0: none. */
static size_t printable_size(const unsigned char *text)
{
    unsigned char first = text[0];
    if (first < 0x80)
        return first >= 0x20 && first != 0x7f ? 1 : 0;
    size_t size = first >= 0xf0 ? 4 : first >= 0xe0 ? 3 : 2;
    uint32_t code = first & (0x7f >> size);
    for (size_t i = 1; i < size; i++) {
        if ((text[i] & 0xc0) != 0x80) /* also at the end: a zero */
            return 0;
        code = code << 6 | (text[i] & 0x3f);
    }
    static const uint32_t least[] = {0, 0, 0xa0, 0x800, 0x10000}; /* 0x80 to 0x9f: controls */
    bool is_surrogate = code >= 0xd800 && code <= 0xdfff;
    /* what turns the direction of writing can make one address look like another */
    bool is_direction = (code >= 0x202a && code <= 0x202e) || (code >= 0x2066 && code <= 0x2069);
    if (first < 0xc2 || first > 0xf4 || code < least[size] || code > 0x10ffff || is_surrogate ||
        is_direction)
        return 0;
    return size;
}

/* One character, or '?' for one byte that is none. Returns how many bytes it took. */
static size_t print_character(FILE *file, const char *text)
{
    size_t size = printable_size((const unsigned char *)text);
    if (size == 0) {
        fputc('?', file);
        return 1;
    }
    fwrite(text, 1, size, file);
    return size;
}

void print_text(FILE *file, const char *text)
{
    while (*text != '\0')
        text += print_character(file, text);
}

void print_snippet(FILE *file, const char *html, bool is_terminal)
{
    static const struct {
        const char *html;
        const char *plain;
        const char *terminal;
    } parts[] = {
        {"<mark>", "", "\x1b[1m"}, {"</mark>", "", "\x1b[0m"}, {"&amp;", "&", "&"},
        {"&lt;", "<", "<"},        {"&gt;", ">", ">"},         {"&quot;", "\"", "\""},
        {"&#39;", "'", "'"},
    };
    while (*html != '\0') {
        size_t i = 0;
        while (i < ARRAY_COUNT(parts) && strncmp(html, parts[i].html, strlen(parts[i].html)) != 0)
            i++;
        if (i == ARRAY_COUNT(parts)) {
            html += print_character(file, html);
            continue;
        }
        fputs(is_terminal ? parts[i].terminal : parts[i].plain, file);
        html += strlen(parts[i].html);
    }
}

char *text_of_count(uint64_t count, char ret[PRINT_BYTES])
{
    char digits[PRINT_BYTES];
    int size = snprintf(digits, sizeof(digits), "%" PRIu64, count);
    char *out = ret;
    for (int i = 0; i < size; i++) {
        if (i > 0 && (size - i) % 3 == 0)
            *out++ = ',';
        *out++ = digits[i];
    }
    *out = '\0';
    return ret;
}

char *text_of_bytes(uint64_t bytes, char ret[PRINT_BYTES])
{
    static const char *const units[] = {"B", "KB", "MB", "GB", "TB", "PB", "EB"};
    double value = (double)bytes;
    size_t unit = 0;
    while (value >= 999.95 && unit + 1 < ARRAY_COUNT(units)) {
        value /= 1000;
        unit++;
    }
    snprintf(ret, PRINT_BYTES, unit == 0 ? "%.0f %s" : "%.1f %s", value, units[unit]);
    return ret;
}

char *text_of_seconds(int64_t seconds, char ret[PRINT_BYTES])
{
    int64_t minutes = seconds / 60;
    if (seconds < 60)
        snprintf(ret, PRINT_BYTES, "%" PRId64 " s", seconds < 0 ? 0 : seconds);
    else if (minutes < 60)
        snprintf(ret, PRINT_BYTES, "%" PRId64 " min", minutes);
    else if (minutes < 48 * 60)
        snprintf(ret, PRINT_BYTES, "%" PRId64 " h %" PRId64 " min", minutes / 60, minutes % 60);
    else
        snprintf(ret, PRINT_BYTES, "%" PRId64 " days", minutes / (24 * 60));
    return ret;
}

char *text_of_latency(uint64_t us, char ret[PRINT_BYTES])
{
    snprintf(ret, PRINT_BYTES, "%.1f ms", (double)us / 1000);
    return ret;
}
