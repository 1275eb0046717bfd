#include "crawl/host.h"

#include <arpa/inet.h>
#include <pthread.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <unicode/uidna.h>

#include "base/check.h"
#include "crawl/percent.h"
#include "crawl/utf8.h"

/* ---- IPv6 --------------------------------------------------------------------------------- */

/* The longest run of two or more zero pieces is written "::", the first of equals. */
static void find_zero_run(const uint16_t *pieces, int *ret_start, int *ret_count)
{
    *ret_start = -1;
    *ret_count = 1;
    for (int i = 0; i < 8; i++) {
        int count = 0;
        while (i + count < 8 && pieces[i + count] == 0)
            count++;
        if (count > *ret_count) {
            *ret_start = i;
            *ret_count = count;
        }
        i += count;
    }
}

/* Not inet_ntop(), which writes some addresses as ::ffff:1.2.3.4. */
static void write_ipv6(const uint8_t *bytes, char *ret_host)
{
    uint16_t pieces[8];
    for (int i = 0; i < 8; i++)
        pieces[i] = (uint16_t)(bytes[2 * i] << 8 | bytes[2 * i + 1]);
    int start, count;
    find_zero_run(pieces, &start, &count);
    char *out = ret_host;
    *out++ = '[';
    for (int i = 0; i < 8; i++) {
        if (i == start) {
            out += sprintf(out, i == 0 ? "::" : ":");
            i += count - 1;
            continue;
        }
        out += sprintf(out, "%x%s", (unsigned)pieces[i], i < 7 ? ":" : "");
    }
    *out++ = ']';
    *out = '\0';
}

static enum status normalise_ipv6(const char *text, size_t size, char *ret_host, struct error *err)
{
    char inner[INET6_ADDRSTRLEN + 1];
    uint8_t bytes[16];
    bool bracketed = size >= 2 && text[size - 1] == ']' && size - 2 < sizeof(inner);
    if (bracketed) {
        memcpy(inner, text + 1, size - 2);
        inner[size - 2] = '\0';
    }
    if (!bracketed || strlen(inner) != size - 2 || inet_pton(AF_INET6, inner, bytes) != 1)
        return error_set(err, STATUS_INVALID, "wrong IPv6 address in the URL");
    write_ipv6(bytes, ret_host);
    return STATUS_OK;
}

/* ---- IPv4 --------------------------------------------------------------------------------- */

/* Decimal, 0octal or 0xhex; what is too large for any address becomes UINT64_MAX. */
static bool parse_number(const char *text, size_t size, uint64_t *ret_value)
{
    unsigned base = 10;
    if (size >= 2 && text[0] == '0' && (text[1] == 'x' || text[1] == 'X')) {
        base = 16;
        text += 2;
        size -= 2;
    } else if (size >= 2 && text[0] == '0') {
        base = 8;
        text++;
        size--;
    } else if (size == 0) {
        return false;
    }
    uint64_t value = 0;
    for (size_t i = 0; i < size; i++) {
        int digit = percent_hex_value(text[i]);
        if (digit < 0 || (unsigned)digit >= base)
            return false;
        value = value > UINT32_MAX ? UINT64_MAX >> 8 : value * base + (unsigned)digit;
    }
    *ret_value = value;
    return true;
}

static bool all_digits(const char *text, size_t size)
{
    for (size_t i = 0; i < size; i++) {
        if (text[i] < '0' || text[i] > '9')
            return false;
    }
    return size > 0;
}

/* A name whose last part is a number is an IPv4 address or nothing. */
static bool ends_in_number(const char *name, size_t size)
{
    if (size > 0 && name[size - 1] == '.')
        size--;
    size_t start = size;
    while (start > 0 && name[start - 1] != '.')
        start--;
    uint64_t value;
    return all_digits(name + start, size - start) ||
           parse_number(name + start, size - start, &value);
}

static enum status normalise_ipv4(const char *name, size_t size, char *ret_host, struct error *err)
{
    if (name[size - 1] == '.')
        size--;
    uint64_t parts[4] = {0};
    size_t count = 0;
    const char *at = name, *end = name + size;
    while (at <= end) {
        const char *dot = memchr(at, '.', (size_t)(end - at));
        size_t part_size = dot == NULL ? (size_t)(end - at) : (size_t)(dot - at);
        if (count == ARRAY_COUNT(parts) || !parse_number(at, part_size, &parts[count]))
            return error_set(err, STATUS_INVALID, "wrong IPv4 address in the URL");
        count++;
        at += part_size + 1;
    }
    uint64_t address = parts[count - 1];
    bool fits = address < UINT64_C(1) << 8 * (5 - count);
    for (size_t i = 0; i + 1 < count; i++) {
        fits = fits && parts[i] <= 255;
        address += fits ? parts[i] << 8 * (3 - i) : 0;
    }
    if (!fits)
        return error_set(err, STATUS_INVALID, "wrong IPv4 address in the URL");
    sprintf(ret_host, "%u.%u.%u.%u", (unsigned)(address >> 24 & 255),
            (unsigned)(address >> 16 & 255), (unsigned)(address >> 8 & 255),
            (unsigned)(address & 255));
    return STATUS_OK;
}

/* ---- names -------------------------------------------------------------------------------- */

static UIDNA *idna;
static pthread_once_t idna_once = PTHREAD_ONCE_INIT;

static void open_idna(void)
{
    UErrorCode failure = U_ZERO_ERROR;
    idna = uidna_openUTS46(UIDNA_CHECK_BIDI | UIDNA_CHECK_CONTEXTJ |
                               UIDNA_NONTRANSITIONAL_TO_ASCII | UIDNA_NONTRANSITIONAL_TO_UNICODE,
                           &failure);
    CHECK(U_SUCCESS(failure));
}

/* The lengths and hyphens that the DNS asks for are not the URL standard's business. */
enum {
    IDNA_ALLOWED = UIDNA_ERROR_EMPTY_LABEL | UIDNA_ERROR_LABEL_TOO_LONG |
                   UIDNA_ERROR_DOMAIN_NAME_TOO_LONG | UIDNA_ERROR_LEADING_HYPHEN |
                   UIDNA_ERROR_TRAILING_HYPHEN | UIDNA_ERROR_HYPHEN_3_4
};

/*
 * What Unicode has changed in the mapping since the library's edition: letters that used to be
 * refused because their lower case came later, the capital sharp s, and characters without a look
 * that are now passed over (0).
 */
static uint32_t newer_mapping(uint32_t code_point)
{
    if (code_point >= 0x10A0 && code_point <= 0x10C5)
        return code_point - 0x10A0 + 0x2D00;
    if ((code_point >= 0x206A && code_point <= 0x206F) || code_point == 0x180E)
        return 0;
    switch (code_point) {
    case 0x04C0:
        return 0x04CF;
    case 0x1E9E:
        return 0x00DF;
    case 0x2132:
        return 0x214E;
    case 0x2183:
        return 0x2184;
    case 0x2F868:
        return 0x36FC;
    default:
        return code_point;
    }
}

static size_t map_newer(const char *name, size_t size, char *ret_name)
{
    const uint8_t *at = (const uint8_t *)name, *end = at + size;
    size_t out = 0;
    while (at < end) {
        uint32_t mapped = newer_mapping(utf8_next(&at, end));
        if (mapped != 0 && out + UTF8_BYTES_MAX <= HOST_BYTES_MAX)
            out += utf8_put(mapped, ret_name + out);
    }
    return out;
}

/* Unicode to punycode. `ret_name` holds HOST_BYTES_MAX + 1. */
static enum status name_to_ascii(const char *name, size_t size, char *ret_name, size_t *ret_size,
                                 struct error *err)
{
    pthread_once(&idna_once, open_idna);
    char mapped[HOST_BYTES_MAX];
    size_t mapped_size = map_newer(name, size, mapped);
    UIDNAInfo info = UIDNA_INFO_INITIALIZER;
    UErrorCode failure = U_ZERO_ERROR;
    int32_t written = uidna_nameToASCII_UTF8(idna, mapped, (int32_t)mapped_size, ret_name,
                                             HOST_BYTES_MAX, &info, &failure);
    if (failure == U_BUFFER_OVERFLOW_ERROR)
        return error_set(err, STATUS_TOO_LARGE, "the host of the URL is too long");
    if (U_FAILURE(failure) || (info.errors & ~(uint32_t)IDNA_ALLOWED) != 0)
        return error_set(err, STATUS_INVALID, "the URL's host is no international domain name");
    *ret_size = (size_t)written;
    return STATUS_OK;
}

/* Returns the size; `ret_ascii` tells whether any byte is above 127. */
static size_t percent_decode(const char *text, size_t size, char *ret_bytes, bool *ret_ascii)
{
    size_t out = 0;
    *ret_ascii = true;
    for (size_t i = 0; i < size; i++) {
        int escaped = percent_escape_value(text + i, text + size);
        char c = escaped < 0 ? text[i] : (char)escaped;
        i += escaped < 0 ? 0 : 2;
        *ret_ascii = *ret_ascii && (unsigned char)c < 0x80;
        ret_bytes[out++] = c;
    }
    return out;
}

static void to_lower(char *name, size_t size)
{
    for (size_t i = 0; i < size; i++) {
        if (name[i] >= 'A' && name[i] <= 'Z')
            name[i] = (char)(name[i] + ('a' - 'A'));
    }
}

static bool is_forbidden(char c)
{
    return (unsigned char)c <= ' ' || (unsigned char)c >= 0x7F ||
           strchr("#/:<>?@[\\]^|%", c) != NULL;
}

static enum status check_name(const char *name, size_t size, struct error *err)
{
    if (size == 0)
        return error_set(err, STATUS_INVALID, "the URL has no host");
    for (size_t i = 0; i < size; i++) {
        if (is_forbidden(name[i]))
            return error_set(err, STATUS_INVALID,
                             "the URL's host has a character no host may have");
    }
    return STATUS_OK;
}

/* "example.org." is the same name to the DNS, but would be another host queue to us. */
static size_t without_last_dot(const char *name, size_t size)
{
    bool one = size >= 2 && name[size - 1] == '.' && name[size - 2] != '.';
    return one ? size - 1 : size;
}

enum status host_normalise(const char *text, size_t size, char *ret_host, struct error *err)
{
    if (size > HOST_BYTES_MAX)
        return error_set(err, STATUS_TOO_LARGE, "the host of the URL is too long");
    if (size > 0 && text[0] == '[')
        return normalise_ipv6(text, size, ret_host, err);

    char decoded[HOST_BYTES_MAX], name[HOST_BYTES_MAX + 1];
    bool ascii;
    size_t name_size = percent_decode(text, size, decoded, &ascii);
    enum status status = STATUS_OK;
    if (ascii) {
        memcpy(name, decoded, name_size);
        to_lower(name, name_size);
    } else {
        status = name_to_ascii(decoded, name_size, name, &name_size, err);
    }
    if (status == STATUS_OK)
        status = check_name(name, name_size, err);
    if (status != STATUS_OK)
        return status;
    if (ends_in_number(name, name_size))
        return normalise_ipv4(name, name_size, ret_host, err);
    name_size = without_last_dot(name, name_size);
    memcpy(ret_host, name, name_size);
    ret_host[name_size] = '\0';
    return STATUS_OK;
}
