/* From an archive's records to the log's entries. */
#include <arpa/inet.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <zstd.h>

#include "base/check.h"
#include "cli/archive.h"
#include "cli/archive_format.h"
#include "crawl/address.h"
#include "crawl/chunked.h"
#include "crawl/decode.h"
#include "crawl/headers.h"
#include "crawl/robots.h"
#include "crawl/url.h"
#include "page/page.h"

enum { PACK_LEVEL = 3, CODED_RATIO_STEP = 64 * 1024 };

struct archive_reader {
    struct arena pending; /* of the steps before the last one */
    Log__Hop *hops[ARCHIVE_HOPS_MAX];
    size_t hop_count;
    struct buffer body, coded, packed;
    ZSTD_CCtx *packer;
};

/* A response on its way to an entry. All in the arena. */
struct answer {
    struct arena *arena;
    const struct warc_record *record;
    struct url url;
    int64_t time_us;
    bool is_own; /* Tierce wrote the record */
    unsigned status;
    struct buffer *body; /* the reader's */
    bool truncated;
    Log__Hop hop;
};

const char *archive_skip_words(enum archive_skip skip)
{
    static const char *const words[ARCHIVE_SKIPS] = {
        [ARCHIVE_TAKEN] = "taken",
        [ARCHIVE_PART] = "a step of a redirect",
        [ARCHIVE_NO_ANSWER] = "no answer of a server",
        [ARCHIVE_REVISIT] = "nothing new was found",
        [ARCHIVE_STATUS] = "an error of the server, or an answer without a page",
        [ARCHIVE_TYPE] = "a type that is no page",
        [ARCHIVE_URL] = "no http or https URL",
        [ARCHIVE_DATE] = "no date",
        [ARCHIVE_BROKEN] = "damaged: no answer that can be decoded",
    };
    return skip < ARCHIVE_SKIPS ? words[skip] : "";
}

struct archive_reader *archive_reader_new(void)
{
    struct archive_reader *reader = check_alloc(calloc(1, sizeof(*reader)));
    reader->packer = check_alloc(ZSTD_createCCtx());
    return reader;
}

void archive_reader_free(struct archive_reader *reader)
{
    if (reader == NULL)
        return;
    arena_release(&reader->pending);
    buffer_release(&reader->body);
    buffer_release(&reader->coded);
    buffer_release(&reader->packed);
    ZSTD_freeCCtx(reader->packer);
    free(reader);
}

/* ---- what a record says of itself -------------------------------------------------------------
 */

static bool says(const struct warc_record *record, const char *name, const char *value)
{
    const char *found = warc_field(record, name);
    return found != NULL && strcasecmp(found, value) == 0;
}

/* Some writers put the address into angle brackets. */
static bool read_url(struct answer *a, const char *text)
{
    size_t size = text == NULL ? 0 : strlen(text);
    if (size > 1 && text[0] == '<' && text[size - 1] == '>') {
        text++;
        size -= 2;
    }
    return size > 0 && url_parse(text, size, NULL, a->arena, &a->url, NULL) == STATUS_OK;
}

static bool is_private_address(const char *text)
{
    struct sockaddr_storage address = {0};
    struct sockaddr_in *v4 = (struct sockaddr_in *)&address;
    struct sockaddr_in6 *v6 = (struct sockaddr_in6 *)&address;
    if (inet_pton(AF_INET, text, &v4->sin_addr) == 1)
        v4->sin_family = AF_INET;
    else if (inet_pton(AF_INET6, text, &v6->sin6_addr) == 1)
        v6->sin6_family = AF_INET6;
    else
        return false;
    return !address_is_public((const struct sockaddr *)&address);
}

/* By the address that the record names; where it names none, by the URL's own. */
static bool is_private(const struct answer *a)
{
    static const char local[] = ".localhost";
    const char *host = a->url.host;
    size_t size = strlen(host), tail = sizeof(local) - 1;
    if (says(a->record, FIELD_PRIVATE, "yes"))
        return true;
    if (a->hop.address[0] != '\0')
        return is_private_address(a->hop.address);
    if (host[0] == '[')
        return is_private_address(check_alloc(arena_string_of(a->arena, host + 1, size - 2)));
    return is_private_address(host) || strcmp(host, local + 1) == 0 ||
           (size > tail && strcmp(host + size - tail, local) == 0);
}

static uint32_t number_of(const char *text)
{
    size_t digits = text == NULL ? 0 : strspn(text, "0123456789");
    return digits == 0 || digits > 9 ? 0 : (uint32_t)strtoul(text, NULL, 10);
}

/* ---- the answer's bytes -----------------------------------------------------------------------
 */

static void copy_body(struct answer *a, const uint8_t *bytes, size_t size)
{
    size_t kept = size < PAGE_BODY_BYTES_MAX ? size : PAGE_BODY_BYTES_MAX;
    a->truncated = a->truncated || kept < size;
    buffer_append(a->body, bytes, kept);
}

/* The chunks' contents into `coded`; false: they are there already, or the header is wrong and the
 * body stands as it is. */
static bool undo_transfer(struct answer *a, const uint8_t *bytes, size_t size, struct buffer *coded)
{
    const char *transfer =
        headers_get(a->hop.headers.data, a->hop.headers.len, "Transfer-Encoding", a->arena);
    if (transfer == NULL || strcasecmp(transfer, "chunked") != 0)
        return false;
    enum status status = chunked_undo(bytes, size, coded, NULL);
    a->truncated = a->truncated || status == STATUS_END;
    return status == STATUS_OK || status == STATUS_END;
}

/* Feeds the decoder in steps, since the ratio that it allows counts from the first byte. */
static enum status decode(struct answer *a, enum coding coding, const uint8_t *bytes, size_t size)
{
    struct decoder *decoder;
    enum status status = decoder_open(coding, &decoder, NULL);
    for (size_t at = 0; status == STATUS_OK && at < size; at += CODED_RATIO_STEP) {
        size_t step = size - at < CODED_RATIO_STEP ? size - at : CODED_RATIO_STEP;
        status = decoder_feed(decoder, bytes + at, step, PAGE_BODY_BYTES_MAX, a->body, NULL);
    }
    if (status == STATUS_OK && decoder_finish(decoder, NULL) != STATUS_OK)
        status = a->truncated ? STATUS_OK : STATUS_CORRUPT;
    decoder_close(decoder);
    a->truncated = a->truncated || status == STATUS_END;
    return status == STATUS_END ? STATUS_OK : status;
}

/* Whether the bytes begin as the coding does: some archives keep the header and not the coding. */
static bool begins_as(enum coding coding, const uint8_t *bytes, size_t size)
{
    if (coding == CODING_GZIP)
        return size >= 2 && bytes[0] == 0x1f && bytes[1] == 0x8b;
    if (coding == CODING_ZSTD)
        return size >= 4 && memcmp(bytes, "\x28\xb5\x2f\xfd", 4) == 0;
    return size > 0;
}

static bool decode_body(struct archive_reader *reader, struct answer *a, const uint8_t *bytes,
                        size_t size)
{
    const char *value =
        headers_get(a->hop.headers.data, a->hop.headers.len, "Content-Encoding", a->arena);
    enum coding coding;
    buffer_clear(&reader->coded);
    if (undo_transfer(a, bytes, size, &reader->coded)) {
        bytes = reader->coded.data;
        size = reader->coded.size;
    }
    if (coding_parse(value, &coding, NULL) != STATUS_OK)
        return false;
    if (coding == CODING_IDENTITY || !begins_as(coding, bytes, size)) {
        copy_body(a, bytes, size);
        return true;
    }
    return decode(a, coding, bytes, size) == STATUS_OK;
}

/* ---- what becomes of it -----------------------------------------------------------------------
 */

/* Types that are for programs or for the eye. Whatever else comes, the parser looks at. */
static bool is_no_page(const char *type)
{
    static const char *const kinds[] = {"image/", "audio/", "video/", "font/"};
    static const char *const types[] = {"text/css",
                                        "text/javascript",
                                        "text/ecmascript",
                                        "application/javascript",
                                        "application/x-javascript",
                                        "application/ecmascript",
                                        "application/json",
                                        "application/wasm",
                                        "application/octet-stream",
                                        "application/font-woff",
                                        "application/vnd.ms-fontobject",
                                        "application/zip",
                                        "application/gzip",
                                        "application/x-gzip",
                                        "application/x-shockwave-flash"};
    size_t size = type == NULL ? 0 : strcspn(type, "; \t,");
    for (size_t i = 0; size > 0 && i < ARRAY_COUNT(kinds); i++) {
        if (strncasecmp(type, kinds[i], strlen(kinds[i])) == 0)
            return true;
    }
    for (size_t i = 0; size > 0 && i < ARRAY_COUNT(types); i++) {
        if (strlen(types[i]) == size && strncasecmp(type, types[i], size) == 0)
            return true;
    }
    return false;
}

static Log__Hop *copy_hop(const Log__Hop *hop, struct arena *arena)
{
    Log__Hop *copy = check_alloc(arena_alloc(arena, sizeof(*copy)));
    log__hop__init(copy);
    copy->url = check_alloc(arena_string(arena, hop->url));
    copy->status = hop->status;
    copy->address = check_alloc(arena_string(arena, hop->address));
    copy->headers.len = hop->headers.len;
    copy->headers.data = check_alloc(arena_copy(arena, hop->headers.data, hop->headers.len));
    return copy;
}

/* The steps that came before, and this one. */
static Log__Hop **all_hops(struct archive_reader *reader, const struct answer *a, size_t *ret_count)
{
    Log__Hop **hops = check_alloc(arena_alloc(a->arena, (reader->hop_count + 1) * sizeof(*hops)));
    for (size_t i = 0; i < reader->hop_count; i++)
        hops[i] = copy_hop(reader->hops[i], a->arena);
    hops[reader->hop_count] = copy_hop(&a->hop, a->arena);
    *ret_count = reader->hop_count + 1;
    reader->hop_count = 0;
    arena_reset(&reader->pending);
    return hops;
}

static Log__Entry *new_entry(const struct answer *a, Log__Entry__KindCase kind)
{
    Log__Entry *entry = check_alloc(arena_alloc(a->arena, sizeof(*entry)));
    log__entry__init(entry);
    entry->time_us = a->time_us;
    entry->kind_case = kind;
    return entry;
}

static void pack_body(struct archive_reader *reader, const struct answer *a, Log__Content *content)
{
    size_t room = ZSTD_compressBound(a->body->size);
    buffer_clear(&reader->packed);
    void *out = check_alloc(buffer_reserve(&reader->packed, room));
    if (a->body->size == 0)
        return;
    size_t size =
        ZSTD_compressCCtx(reader->packer, out, room, a->body->data, a->body->size, PACK_LEVEL);
    CHECK(!ZSTD_isError(size));
    content->body_size = (uint32_t)a->body->size;
    content->body_zstd.len = size;
    content->body_zstd.data = check_alloc(arena_copy(a->arena, out, size));
}

static enum archive_skip take_content(struct archive_reader *reader, const struct answer *a,
                                      Log__Entry **ret_entry)
{
    Log__Entry *entry = new_entry(a, LOG__ENTRY__KIND_CONTENT);
    Log__Content *content = check_alloc(arena_alloc(a->arena, sizeof(*content)));
    log__content__init(content);
    content->url = (char *)a->url.text;
    content->hops = all_hops(reader, a, &content->n_hops);
    content->truncated = a->truncated;
    content->private_address = is_private(a);
    content->fetch_ms = (int32_t)number_of(warc_field(a->record, FIELD_FETCH_MS));
    content->imported = true;
    pack_body(reader, a, content);
    entry->content = content;
    *ret_entry = entry;
    return ARCHIVE_TAKEN;
}

static enum archive_skip take_robots(struct archive_reader *reader, const struct answer *a,
                                     Log__Entry **ret_entry)
{
    const char *origin = warc_field(a->record, FIELD_ORIGIN);
    Log__Entry *entry = new_entry(a, LOG__ENTRY__KIND_ROBOTS);
    Log__Robots *robots = check_alloc(arena_alloc(a->arena, sizeof(*robots)));
    bool has_body = a->status / 100 == 2;
    log__robots__init(robots);
    robots->origin =
        check_alloc(arena_string(a->arena, a->is_own && origin != NULL ? origin : a->url.origin));
    robots->hops = all_hops(reader, a, &robots->n_hops);
    robots->unreachable = a->status >= 500 || a->status == 429;
    robots->body.len = !has_body                          ? 0
                       : a->body->size < ROBOTS_BYTES_MAX ? a->body->size
                                                          : ROBOTS_BYTES_MAX;
    if (robots->body.len > 0)
        robots->body.data = check_alloc(arena_copy(a->arena, a->body->data, robots->body.len));
    entry->robots = robots;
    *ret_entry = entry;
    return ARCHIVE_TAKEN;
}

static bool is_redirect(unsigned status)
{
    return status == 301 || status == 302 || status == 303 || status == 307 || status == 308;
}

static enum archive_skip take_redirect(struct archive_reader *reader, const struct answer *a,
                                       Log__Entry **ret_entry)
{
    struct url target;
    const char *location =
        headers_get(a->hop.headers.data, a->hop.headers.len, "Location", a->arena);
    if (location == NULL ||
        url_parse(location, strlen(location), &a->url, a->arena, &target, NULL) != STATUS_OK)
        return ARCHIVE_STATUS;
    Log__Entry *entry = new_entry(a, LOG__ENTRY__KIND_OUTCOME);
    Log__Outcome *outcome = check_alloc(arena_alloc(a->arena, sizeof(*outcome)));
    const char *detail = warc_field(a->record, FIELD_DETAIL);
    log__outcome__init(outcome);
    outcome->url = (char *)a->url.text;
    outcome->reason = LOG__REASON__REASON_REDIRECT;
    outcome->target = (char *)target.text;
    outcome->detail = check_alloc(arena_string(a->arena, detail == NULL ? "" : detail));
    outcome->hops = all_hops(reader, a, &outcome->n_hops);
    outcome->fetch_ms = (int32_t)number_of(warc_field(a->record, FIELD_FETCH_MS));
    entry->outcome = outcome;
    *ret_entry = entry;
    return ARCHIVE_TAKEN;
}

/* A step of a fetch: kept until the last one comes. */
static enum archive_skip keep_step(struct archive_reader *reader, const struct answer *a)
{
    if (reader->hop_count + 1 >= ARCHIVE_HOPS_MAX)
        return ARCHIVE_BROKEN;
    reader->hops[reader->hop_count++] = copy_hop(&a->hop, &reader->pending);
    return ARCHIVE_PART;
}

static bool is_robots(const struct answer *a)
{
    return a->is_own ? says(a->record, FIELD_ENTRY, ENTRY_ROBOTS)
                     : strcmp(a->url.target, "/robots.txt") == 0;
}

static enum archive_skip take_answer(struct archive_reader *reader, struct answer *a,
                                     Log__Entry **ret_entry)
{
    unsigned at = 0, of = 0;
    const char *step = warc_field(a->record, FIELD_HOP);
    if (a->is_own && step != NULL && sscanf(step, "%3u of %3u", &at, &of) == 2 && at < of)
        return keep_step(reader, a);
    if (is_robots(a))
        return take_robots(reader, a, ret_entry);
    if (is_redirect(a->status))
        return take_redirect(reader, a, ret_entry);
    if (a->status != 200 && a->status != 203)
        return ARCHIVE_STATUS;
    const char *type =
        headers_get(a->hop.headers.data, a->hop.headers.len, "Content-Type", a->arena);
    return !a->is_own && is_no_page(type) ? ARCHIVE_TYPE : take_content(reader, a, ret_entry);
}

/* ---- records -----------------------------------------------------------------------------------
 */

static enum archive_skip take_response(struct archive_reader *reader, struct answer *a,
                                       Log__Entry **ret_entry)
{
    const struct warc_record *record = a->record;
    size_t head = warc_http_head(record->block, record->block_size, &a->status);
    if (head == 0 || head > HEADERS_BYTES_MAX)
        return ARCHIVE_BROKEN;
    const char *form = warc_field(record, FIELD_BLOCK);
    const uint8_t *body = record->block + head;
    size_t size = record->block_size - head;
    struct buffer headers = {0};
    if (a->is_own)
        archive_headers_restore(record->block, head, form, &headers);
    else
        buffer_append(&headers, record->block, head);
    CHECK(!headers.failed);
    a->hop.status = a->status;
    a->hop.headers.len = headers.size;
    a->hop.headers.data = check_alloc(arena_copy(a->arena, headers.data, headers.size));
    buffer_release(&headers);
    bool decoded = true;
    if (a->is_own)
        copy_body(a, body, size);
    else
        decoded = decode_body(reader, a, body, size);
    CHECK(!a->body->failed);
    return decoded ? take_answer(reader, a, ret_entry) : ARCHIVE_BROKEN;
}

/* A file without the answer that it came in: one is made up, of its type. */
static enum archive_skip take_resource(struct archive_reader *reader, struct answer *a,
                                       Log__Entry **ret_entry)
{
    const char *type = warc_field(a->record, "Content-Type");
    char *headers = check_alloc(arena_format(
        a->arena, "HTTP/1.1 200 OK\r\nContent-Type: %s\r\n\r\n", type == NULL ? "" : type));
    a->hop.status = a->status = 200;
    a->hop.headers.data = (uint8_t *)headers;
    a->hop.headers.len = strlen(headers);
    copy_body(a, a->record->block, a->record->block_size);
    CHECK(!a->body->failed);
    return take_answer(reader, a, ret_entry);
}

static enum archive_skip take_record(struct archive_reader *reader, struct answer *a,
                                     Log__Entry **ret_entry)
{
    const struct warc_record *record = a->record;
    bool response = says(record, "WARC-Type", "response");
    const char *address = warc_field(record, "WARC-IP-Address");
    const char *cut = warc_field(record, "WARC-Truncated");
    if (says(record, "WARC-Type", "revisit"))
        return ARCHIVE_REVISIT;
    if (!response && !says(record, "WARC-Type", "resource"))
        return ARCHIVE_NO_ANSWER;
    if (!read_url(a, warc_field(record, "WARC-Target-URI")))
        return ARCHIVE_URL;
    if (!warc_date_parse(warc_field(record, "WARC-Date"), &a->time_us) || a->time_us <= 0)
        return ARCHIVE_DATE;
    a->is_own = warc_field(record, FIELD_ENTRY) != NULL && warc_field(record, FIELD_BLOCK) != NULL;
    a->truncated = record->block_cut || cut != NULL;
    a->hop.url = (char *)a->url.text;
    a->hop.address = check_alloc(arena_string(a->arena, address == NULL ? "" : address));
    return response ? take_response(reader, a, ret_entry) : take_resource(reader, a, ret_entry);
}

enum archive_skip archive_take(struct archive_reader *reader, const struct warc_record *record,
                               struct arena *arena, Log__Entry **ret_entry)
{
    struct answer a = {.arena = arena, .record = record, .body = &reader->body};
    log__hop__init(&a.hop);
    buffer_clear(&reader->body);
    enum archive_skip skip = take_record(reader, &a, ret_entry);
    if (skip != ARCHIVE_PART && reader->hop_count > 0) { /* their last step is missing */
        reader->hop_count = 0;
        arena_reset(&reader->pending);
    }
    return skip;
}
