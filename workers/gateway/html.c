#include "gateway/html.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>

#include "base/check.h"
#include "base/clock.h"
#include "text/analyze.h"

#define REPLACEMENT "\xEF\xBF\xBD"

enum { BREADCRUMB_BYTES_MAX = 120 };

void html_markup_bytes(struct html *html, const char *literal, size_t size)
{
    buffer_append(html->bytes, literal, size);
}

/* What stands for an ASCII character in text, or NULL where it stands for itself. */
static const char *escape_of(unsigned char byte)
{
    switch (byte) {
    case '&':
        return "&amp;";
    case '<':
        return "&lt;";
    case '>':
        return "&gt;";
    case '"':
        return "&quot;";
    case '\'':
        return "&#39;";
    default:
        return byte < 0x20 || byte == 0x7F ? " " : NULL;
    }
}

/* Bytes of the UTF-8 character at `text`; 0 where it is none. C1 controls count as none. */
static size_t character_size(const char *text, size_t size)
{
    uint32_t character;
    size_t length = text_decode(text, size, &character);
    bool is_wrong = length == 1 || (character >= 0x80 && character < 0xA0);
    return is_wrong ? 0 : length;
}

/* Whether a byte may not stand as it is: control characters, the five of HTML, and what begins or
 * continues a character of several bytes, which is looked at more closely. */
static const bool is_special[256] = {
    [0 ... 0x1f] = true, ['&'] = true,  ['<'] = true,           ['>'] = true,
    ['"'] = true,        ['\''] = true, [0x7f ... 0xff] = true,
};

/* Bytes from the start that stand for themselves. */
static size_t plain_run(const char *text, size_t size)
{
    size_t at = 0;
    while (at < size && !is_special[(unsigned char)text[at]])
        at++;
    return at;
}

void html_text_bytes(struct html *html, const char *text, size_t size)
{
    const char *end = text + size;
    while (text < end) {
        size_t run = plain_run(text, (size_t)(end - text));
        buffer_append(html->bytes, text, run);
        text += run;
        if (text == end)
            return;
        if ((unsigned char)*text < 0x80) {
            buffer_append_string(html->bytes, escape_of((unsigned char)*text));
            text++;
            continue;
        }
        size_t length = character_size(text, (size_t)(end - text));
        if (length == 0) {
            buffer_append_string(html->bytes, REPLACEMENT);
            text++;
        } else {
            buffer_append(html->bytes, text, length);
            text += length;
        }
    }
}

void html_text(struct html *html, const char *text)
{
    html_text_bytes(html, text, strlen(text));
}

static bool is_unreserved(unsigned char byte)
{
    return (byte >= 'a' && byte <= 'z') || (byte >= 'A' && byte <= 'Z') ||
           (byte >= '0' && byte <= '9') || byte == '-' || byte == '.' || byte == '_' || byte == '~';
}

void html_parameter(struct html *html, const char *value)
{
    static const char digits[] = "0123456789ABCDEF";
    for (; *value != '\0'; value++) {
        unsigned char byte = (unsigned char)*value;
        if (is_unreserved(byte)) {
            buffer_append_byte(html->bytes, byte);
        } else if (byte == ' ') {
            buffer_append_byte(html->bytes, '+');
        } else {
            const char encoded[3] = {'%', digits[byte >> 4], digits[byte & 15]};
            buffer_append(html->bytes, encoded, sizeof(encoded));
        }
    }
}

static bool is_web_url(const char *url)
{
    return strncasecmp(url, "https://", 8) == 0 || strncasecmp(url, "http://", 7) == 0;
}

bool html_link_attribute(struct html *html, const char *url)
{
    if (!is_web_url(url))
        return false;
    html_attribute(html, "href", url);
    return true;
}

/* Bytes of the entity at `text` that a snippet may hold; 0 where there is none. */
static size_t entity_size(const char *text)
{
    static const char *const entities[] = {"&amp;", "&lt;", "&gt;", "&quot;", "&#39;"};
    for (size_t i = 0; i < ARRAY_COUNT(entities); i++)
        if (strncmp(text, entities[i], strlen(entities[i])) == 0)
            return strlen(entities[i]);
    return 0;
}

static bool starts_with(const char *text, const char *start)
{
    return strncmp(text, start, strlen(start)) == 0;
}

void html_snippet(struct html *html, const char *snippet)
{
    bool is_open = false;
    while (*snippet != '\0') {
        size_t run = strcspn(snippet, "<&");
        html_text_bytes(html, snippet, run);
        snippet += run;
        size_t entity = entity_size(snippet);
        if (entity > 0) {
            buffer_append(html->bytes, snippet, entity);
            snippet += entity;
        } else if (!is_open && starts_with(snippet, "<mark>")) {
            html_markup(html, "<mark>");
            snippet += strlen("<mark>");
            is_open = true;
        } else if (is_open && starts_with(snippet, "</mark>")) {
            html_markup(html, "</mark>");
            snippet += strlen("</mark>");
            is_open = false;
        } else if (*snippet != '\0') {
            html_text_bytes(html, snippet, 1);
            snippet++;
        }
    }
    if (is_open)
        html_markup(html, "</mark>");
}

void html_number(struct html *html, uint64_t number)
{
    buffer_append_format(html->bytes, "%" PRIu64, number);
}

void html_grouped_number(struct html *html, uint64_t number)
{
    if (number < 1000) {
        html_number(html, number);
        return;
    }
    html_grouped_number(html, number / 1000);
    buffer_append_format(html->bytes, ",%03u", (unsigned)(number % 1000));
}

void html_size(struct html *html, uint64_t bytes)
{
    static const char *const units[] = {"bytes", "kB", "MB", "GB", "TB", "PB"};
    size_t unit = 0;
    double value = (double)bytes;
    while (value >= 999.5 && unit + 1 < ARRAY_COUNT(units)) {
        value /= 1000;
        unit++;
    }
    int decimals = unit == 0 || value >= 99.95 ? 0 : 1;
    buffer_append_format(html->bytes, "%.*f %s", decimals, value, units[unit]);
}

void html_tenths(struct html *html, uint64_t thousandths)
{
    uint64_t tenths = thousandths / 100 + (thousandths % 100 >= 50);
    buffer_append_format(html->bytes, "%" PRIu64 ".%u", tenths / 10, (unsigned)(tenths % 10));
}

void html_date(struct html *html, int64_t unix_us)
{
    char text[CLOCK_RFC3339_SIZE];
    if (unix_us > 0 && strlen(clock_rfc3339(unix_us, text)) > 10)
        buffer_append(html->bytes, text, 10);
}

void html_time(struct html *html, int64_t unix_us)
{
    char text[CLOCK_RFC3339_SIZE];
    if (unix_us <= 0 || strlen(clock_rfc3339(unix_us, text)) < 20)
        return;
    buffer_append(html->bytes, text, 10);
    buffer_append_byte(html->bytes, ' ');
    buffer_append(html->bytes, text + 11, 8);
}

static int hex_value(char digit)
{
    if (digit >= '0' && digit <= '9')
        return digit - '0';
    if (digit >= 'a' && digit <= 'f')
        return digit - 'a' + 10;
    if (digit >= 'A' && digit <= 'F')
        return digit - 'A' + 10;
    return -1;
}

/* Whether a decoded character may stand in a breadcrumb: one that is invisible, or turns the
 * direction of what follows, could make an address look like another. */
static bool is_showable(uint32_t character)
{
    static const struct {
        uint32_t first, last;
    } hidden[] = {
        {0x80, 0xA0},       {0xAD, 0xAD},       {0x34F, 0x34F},        {0x61C, 0x61C},
        {0x115F, 0x1160},   {0x17B4, 0x17B5},   {0x180B, 0x180F},      {0x2000, 0x206F},
        {0x2800, 0x2800},   {0x3000, 0x3000},   {0x3164, 0x3164},      {0xD800, 0xF8FF},
        {0xFE00, 0xFE0F},   {0xFEFF, 0xFEFF},   {0xFFA0, 0xFFA0},      {0xFFF0, 0xFFFF},
        {0x1BCA0, 0x1BCA3}, {0x1D173, 0x1D17A}, {0xE0000, UINT32_MAX},
    };
    if (character < 0x80)
        return character > 0x20 && character != 0x7F && strchr("/?#%", (int)character) == NULL;
    for (size_t i = 0; i < ARRAY_COUNT(hidden); i++)
        if (character >= hidden[i].first && character <= hidden[i].last)
            return false;
    return true;
}

/* Decodes the run of percent-encoded bytes at `text` as far as it is one showable character.
 * Returns the bytes of text that were read, 0 where they are to stand as they are. */
static size_t decode_character(const char *text, char ret[4], size_t *ret_size)
{
    size_t size = 0;
    while (size < 4 && text[3 * size] == '%') {
        int high = hex_value(text[3 * size + 1]);
        int low = high < 0 ? -1 : hex_value(text[3 * size + 2]);
        if (low < 0)
            break;
        ret[size++] = (char)(high << 4 | low);
    }
    uint32_t character;
    if (size == 0)
        return 0;
    *ret_size = text_decode(ret, size, &character);
    return character != 0xFFFD && is_showable(character) ? 3 * *ret_size : 0;
}

/* The largest size <= limit at which UTF-8 text can be cut. */
static size_t cut(const char *text, size_t size, size_t limit)
{
    if (size <= limit)
        return size;
    while (limit > 0 && ((unsigned char)text[limit] & 0xC0) == 0x80)
        limit--;
    return limit;
}

static void write_segment(struct html *html, const char *text, size_t size, size_t *room)
{
    char shown[3 * BREADCRUMB_BYTES_MAX] = "";
    size_t count = 0;
    for (size_t at = 0; at < size && count + 4 < sizeof(shown);) {
        size_t decoded = 0;
        size_t read = decode_character(text + at, shown + count, &decoded);
        if (read == 0 || at + read > size) {
            shown[count++] = text[at++];
        } else {
            count += decoded;
            at += read;
        }
    }
    size_t kept = cut(shown, count, *room);
    html_text_bytes(html, shown, kept);
    if (kept < count)
        html_markup(html, "…");
    *room -= kept;
}

void html_breadcrumb(struct html *html, const char *url)
{
    size_t room = BREADCRUMB_BYTES_MAX;
    const char *host = strstr(url, "://");
    host = host == NULL ? url : host + 3;
    size_t host_size = strcspn(host, "/?#");
    write_segment(html, host, host_size, &room);
    const char *path = host + host_size;
    while (*path != '\0' && room > 0) {
        path += *path == '/';
        size_t size = strcspn(path, "/");
        if (size > 0) {
            html_markup(html, " › ");
            write_segment(html, path, size, &room);
        }
        path += size;
    }
}
