#include "crawl/warc.h"

#include <ctype.h>
#include <openssl/evp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <zlib.h>

#include "base/bytes.h"
#include "base/calendar.h"
#include "base/check.h"
#include "base/clock.h"

enum {
    PIECE_BYTES = 64 * 1024,
    PACK_LEVEL = 6,
    WINDOW_BITS_GZIP = 15 + 16,
    SHA1_BYTES = 20,
    LENGTH_DIGITS_MAX = 18,
};

/* ---- reading: bytes and lines ------------------------------------------------------------------
 */

struct warc_reader {
    struct unpacker *unpacker;
    uint64_t offset;    /* of what is read next, in the unpacked bytes */
    size_t at, size;    /* what is left in `piece` */
    struct buffer line; /* the header's line that was read last */
    struct buffer block;
    struct arena arena; /* of the record */
    struct warc_field fields[WARC_FIELDS_MAX];
    uint8_t piece[PIECE_BYTES];
};

enum status warc_reader_open(unpack_source *source, void *context, struct warc_reader **ret_reader,
                             struct error *err)
{
    struct warc_reader *reader = calloc(1, sizeof(*reader));
    if (reader == NULL)
        return error_set(err, STATUS_NO_MEMORY, "archive");
    enum status status = unpacker_open(source, context, &reader->unpacker, err);
    if (status != STATUS_OK) {
        free(reader);
        return status;
    }
    *ret_reader = reader;
    return STATUS_OK;
}

void warc_reader_close(struct warc_reader *reader)
{
    if (reader == NULL)
        return;
    unpacker_close(reader->unpacker);
    buffer_release(&reader->line);
    buffer_release(&reader->block);
    arena_release(&reader->arena);
    free(reader);
}

/* Sees to it that there is something in the piece. STATUS_END: nothing comes any more. */
static enum status fill(struct warc_reader *reader, struct error *err)
{
    if (reader->size > 0)
        return STATUS_OK;
    reader->at = 0;
    enum status status =
        unpacker_read(reader->unpacker, reader->piece, sizeof(reader->piece), &reader->size, err);
    if (status == STATUS_OK && reader->size == 0)
        return STATUS_END;
    return status;
}

static void take(struct warc_reader *reader, size_t size)
{
    reader->at += size;
    reader->size -= size;
    reader->offset += size;
}

static enum status corrupt(const struct warc_reader *reader, const char *words, struct error *err)
{
    return error_set(err, STATUS_CORRUPT, "at byte %lu: %s", reader->offset, words);
}

static enum status ends_too_soon(const struct warc_reader *reader, struct error *err)
{
    return corrupt(reader, "the archive ends within a record", err);
}

/* One line without its end, into reader->line. `*head_bytes` counts what the header has. */
static enum status read_line(struct warc_reader *reader, size_t *head_bytes, struct error *err)
{
    bool ended = false;
    buffer_clear(&reader->line);
    while (!ended) {
        enum status status = fill(reader, err);
        if (status == STATUS_END)
            return ends_too_soon(reader, err);
        if (status != STATUS_OK)
            return status;
        const uint8_t *from = reader->piece + reader->at;
        const uint8_t *feed = memchr(from, '\n', reader->size);
        size_t size = feed == NULL ? reader->size : (size_t)(feed - from) + 1;
        *head_bytes += size;
        if (*head_bytes > WARC_HEAD_BYTES_MAX)
            return corrupt(reader, "a record's header is larger than 64 KiB", err);
        buffer_append(&reader->line, from, size);
        take(reader, size);
        ended = feed != NULL;
    }
    struct buffer *line = &reader->line;
    if (line->failed)
        return error_set(err, STATUS_NO_MEMORY, "archive");
    while (line->size > 0 && strchr("\r\n", line->data[line->size - 1]) != NULL)
        line->size--;
    if (memchr(line->data, '\0', line->size) != NULL)
        return corrupt(reader, "a record's header holds a zero byte", err);
    return STATUS_OK;
}

/* ---- reading: records --------------------------------------------------------------------------
 */

static bool is_blank(char c)
{
    return c == ' ' || c == '\t';
}

static const char *trimmed(struct arena *arena, const char *text, size_t size)
{
    while (size > 0 && is_blank(text[0])) {
        text++;
        size--;
    }
    while (size > 0 && is_blank(text[size - 1]))
        size--;
    return check_alloc(arena_string_of(arena, text, size));
}

/* A line of the header: a field, or more of the one before it. */
static enum status take_field(struct warc_reader *reader, size_t *count, struct error *err)
{
    const char *text = (const char *)reader->line.data;
    size_t size = reader->line.size;
    struct arena *arena = &reader->arena;
    if (is_blank(text[0]) && *count > 0) {
        struct warc_field *field = &reader->fields[*count - 1];
        field->value =
            check_alloc(arena_format(arena, "%s %s", field->value, trimmed(arena, text, size)));
        return STATUS_OK;
    }
    const char *colon = memchr(text, ':', size);
    if (colon == NULL || colon == text)
        return corrupt(reader, "a line of a record's header has no name", err);
    size_t name_size = (size_t)(colon - text);
    reader->fields[(*count)++] = (struct warc_field){
        .name = trimmed(arena, text, name_size),
        .value = trimmed(arena, colon + 1, size - name_size - 1),
    };
    return STATUS_OK;
}

static bool is_version(const struct buffer *line)
{
    static const char begin[] = "WARC/";
    size_t size = sizeof(begin) - 1;
    return line->size > size && line->size < size + 8 && memcmp(line->data, begin, size) == 0 &&
           isdigit(line->data[size]);
}

/* The version line and the fields behind it. */
static enum status read_head(struct warc_reader *reader, size_t *ret_count, struct error *err)
{
    size_t head_bytes = 0, count = 0, lines = 0;
    enum status status = read_line(reader, &head_bytes, err);
    if (status == STATUS_OK && !is_version(&reader->line))
        status =
            corrupt(reader, "no record begins here: this is no WARC file, or it is damaged", err);
    while (status == STATUS_OK) {
        status = read_line(reader, &head_bytes, err);
        if (status == STATUS_OK && reader->line.size == 0)
            break;
        if (status == STATUS_OK && ++lines > WARC_FIELDS_MAX)
            status = corrupt(reader, "a record's header has more than 256 lines", err);
        if (status == STATUS_OK)
            status = take_field(reader, &count, err);
    }
    *ret_count = count;
    return status;
}

static bool parse_length(const char *text, uint64_t *ret_length)
{
    size_t digits = text == NULL ? 0 : strspn(text, "0123456789");
    if (digits == 0 || digits > LENGTH_DIGITS_MAX || text[digits] != '\0')
        return false;
    *ret_length = strtoull(text, NULL, 10);
    return true;
}

static enum status read_block(struct warc_reader *reader, uint64_t length, struct error *err)
{
    buffer_clear(&reader->block);
    while (length > 0) {
        enum status status = fill(reader, err);
        if (status == STATUS_END)
            return ends_too_soon(reader, err);
        if (status != STATUS_OK)
            return status;
        size_t size = reader->size < length ? reader->size : (size_t)length;
        size_t room = WARC_BLOCK_BYTES_MAX - reader->block.size;
        buffer_append(&reader->block, reader->piece + reader->at, size < room ? size : room);
        take(reader, size);
        length -= size;
    }
    return reader->block.failed ? error_set(err, STATUS_NO_MEMORY, "archive") : STATUS_OK;
}

/* Two line ends close a record. More of them, or fewer, are no reason to refuse an archive. */
static enum status skip_line_ends(struct warc_reader *reader, struct error *err)
{
    for (;;) {
        enum status status = fill(reader, err);
        if (status != STATUS_OK)
            return status;
        if (reader->piece[reader->at] != '\r' && reader->piece[reader->at] != '\n')
            return STATUS_OK;
        take(reader, 1);
    }
}

enum status warc_reader_next(struct warc_reader *reader, struct warc_record *ret_record,
                             struct error *err)
{
    struct warc_record record = {.fields = reader->fields};
    uint64_t length = 0;
    arena_reset(&reader->arena);
    enum status status = skip_line_ends(reader, err);
    record.offset = reader->offset;
    if (status == STATUS_OK)
        status = read_head(reader, &record.field_count, err);
    if (status == STATUS_OK && !parse_length(warc_field(&record, "Content-Length"), &length))
        status = corrupt(reader, "a record says no length", err);
    if (status == STATUS_OK)
        status = read_block(reader, length, err);
    if (status != STATUS_OK)
        return status;
    record.block = reader->block.data;
    record.block_size = reader->block.size;
    record.block_cut = length > reader->block.size;
    *ret_record = record;
    return STATUS_OK;
}

const char *warc_field(const struct warc_record *record, const char *name)
{
    for (size_t i = 0; i < record->field_count; i++) {
        if (strcasecmp(record->fields[i].name, name) == 0)
            return record->fields[i].value;
    }
    return NULL;
}

/* ---- what stands in records --------------------------------------------------------------------
 */

bool warc_date_parse(const char *text, int64_t *ret_unix_us)
{
    int64_t time_us, unit_us = 100000;
    if (text == NULL || !calendar_parse(text, &time_us))
        return false;
    const char *point = strchr(text, '.');
    for (const char *at = point; at != NULL && isdigit((unsigned char)at[1]); at++) {
        time_us += (at[1] - '0') * unit_us;
        unit_us /= 10;
    }
    *ret_unix_us = time_us;
    return true;
}

char *warc_date_write(int64_t unix_us, char ret[WARC_DATE_BYTES])
{
    char seconds[CLOCK_RFC3339_SIZE];
    int64_t fraction = unix_us % 1000000;
    clock_rfc3339(unix_us, seconds);
    if (fraction == 0)
        snprintf(ret, WARC_DATE_BYTES, "%.20s", seconds);
    else
        snprintf(ret, WARC_DATE_BYTES, "%.19s.%06ldZ", seconds, fraction);
    return ret;
}

/* "HTTP/1.1 200 OK" */
static unsigned parse_status_line(const char *text, size_t size)
{
    static const char begin[] = "HTTP/";
    const char *blank = memchr(text, ' ', size);
    if (size < sizeof(begin) || memcmp(text, begin, sizeof(begin) - 1) != 0 || blank == NULL)
        return 0;
    const char *end = text + size;
    unsigned status = 0;
    while (blank < end && *blank == ' ')
        blank++;
    for (unsigned i = 0; i < 3; i++, blank++) {
        if (blank == end || !isdigit((unsigned char)*blank))
            return 0;
        status = status * 10 + (unsigned)(*blank - '0');
    }
    return blank < end && isdigit((unsigned char)*blank) ? 0 : status;
}

size_t warc_http_head(const void *block, size_t size, unsigned *ret_status)
{
    const char *begin = block, *at = begin, *end = size == 0 ? begin : begin + size;
    bool first = true;
    unsigned status = 0;
    while (at < end) {
        const char *feed = memchr(at, '\n', (size_t)(end - at));
        if (feed == NULL)
            return 0;
        size_t line = (size_t)(feed - at);
        if (line > 0 && at[line - 1] == '\r')
            line--;
        if (first && (status = parse_status_line(at, line)) == 0)
            return 0;
        first = false;
        at = feed + 1;
        if (line == 0) {
            *ret_status = status;
            return (size_t)(at - begin);
        }
    }
    return 0;
}

static void sha1(const void *bytes, size_t size, uint8_t ret[SHA1_BYTES])
{
    unsigned got = 0;
    CHECK(EVP_Digest(size == 0 ? "" : bytes, size, ret, &got, EVP_sha1(), NULL) == 1 &&
          got == SHA1_BYTES);
}

char *warc_digest(const void *bytes, size_t size, char ret[WARC_DIGEST_BYTES])
{
    static const char letters[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZ234567"; /* RFC 4648, base 32 */
    uint8_t hash[SHA1_BYTES];
    sha1(bytes, size, hash);
    char *at = ret + snprintf(ret, WARC_DIGEST_BYTES, "sha1:");
    for (unsigned i = 0; i < SHA1_BYTES; i += 5) {
        uint64_t bits = 0;
        for (unsigned j = 0; j < 5; j++)
            bits = bits << 8 | hash[i + j];
        for (unsigned j = 0; j < 8; j++)
            *at++ = letters[bits >> (35 - 5 * j) & 31];
    }
    *at = '\0';
    return ret;
}

char *warc_record_id(const void *bytes, size_t size, char ret[WARC_RECORD_ID_BYTES])
{
    uint8_t hash[SHA1_BYTES];
    char hex[33];
    sha1(bytes, size, hash);
    hash[6] = (uint8_t)((hash[6] & 0x0f) | 0x50); /* version 5 */
    hash[8] = (uint8_t)((hash[8] & 0x3f) | 0x80); /* variant */
    hex_encode(hash, 16, hex);
    snprintf(ret, WARC_RECORD_ID_BYTES, "<urn:uuid:%.8s-%.4s-%.4s-%.4s-%.12s>", hex, hex + 8,
             hex + 12, hex + 16, hex + 20);
    return ret;
}

/* ---- writing -----------------------------------------------------------------------------------
 */

static void append_field(struct buffer *out, const char *name, const char *value)
{
    buffer_append_format(out, "%s: ", name);
    for (const char *at = value; *at != '\0'; at++)
        buffer_append_byte(out, *at == '\r' || *at == '\n' ? ' ' : (uint8_t)*at);
    buffer_append_string(out, "\r\n");
}

static void append_plain(struct buffer *out, const struct warc_field *fields, size_t field_count,
                         const void *block, size_t block_size)
{
    char length[24];
    snprintf(length, sizeof(length), "%zu", block_size);
    buffer_append_string(out, "WARC/1.1\r\n");
    for (size_t i = 0; i < field_count; i++)
        append_field(out, fields[i].name, fields[i].value);
    append_field(out, "Content-Length", length);
    buffer_append_string(out, "\r\n");
    buffer_append(out, block, block_size);
    buffer_append_string(out, "\r\n\r\n");
}

/* A gzip member of the bytes. */
static enum status pack(const struct buffer *plain, struct buffer *out, struct error *err)
{
    z_stream zlib = {0};
    if (deflateInit2(&zlib, PACK_LEVEL, Z_DEFLATED, WINDOW_BITS_GZIP, 8, Z_DEFAULT_STRATEGY) !=
        Z_OK)
        return error_set(err, STATUS_NO_MEMORY, "deflate");
    size_t room = deflateBound(&zlib, plain->size);
    uint8_t *to = buffer_reserve(out, room);
    int result = Z_MEM_ERROR;
    if (to != NULL) {
        zlib.next_in = plain->data;
        zlib.avail_in = (uInt)plain->size;
        zlib.next_out = to;
        zlib.avail_out = (uInt)room;
        result = deflate(&zlib, Z_FINISH);
        out->size += room - zlib.avail_out;
    }
    deflateEnd(&zlib);
    return result == Z_STREAM_END ? STATUS_OK : error_set(err, STATUS_NO_MEMORY, "deflate");
}

enum status warc_append(struct buffer *out, const struct warc_field *fields, size_t field_count,
                        const void *block, size_t block_size, bool packed, struct error *err)
{
    struct buffer plain = {0};
    enum status status = STATUS_OK;
    append_plain(packed ? &plain : out, fields, field_count, block, block_size);
    if (plain.failed || out->failed)
        status = error_set(err, STATUS_NO_MEMORY, "archive");
    else if (packed)
        status = pack(&plain, out, err);
    buffer_release(&plain);
    return status;
}
