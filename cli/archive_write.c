/* From the log's entries to an archive's records. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <zstd.h>

#include "base/args.h"
#include "base/check.h"
#include "cli/archive.h"
#include "cli/archive_format.h"
#include "page/page.h"

enum { FIELDS_MAX = 16 };

/* A record that is being made. Values lie in the arena. */
struct making {
    struct arena arena;
    struct warc_field fields[FIELDS_MAX];
    size_t field_count;
    struct buffer block;
};

/* What the records of an entry have in common. */
struct fetched {
    const char *kind;
    const char *origin; /* of a robots.txt; else NULL */
    const char *detail;
    int64_t time_us;
    Log__Hop *const *hops;
    size_t hop_count;
    struct buffer body;
    int32_t fetch_ms;
    bool truncated;
    bool is_private;
};

static void add(struct making *m, const char *name, const char *value)
{
    CHECK(m->field_count < FIELDS_MAX);
    m->fields[m->field_count++] =
        (struct warc_field){name, check_alloc(arena_string(&m->arena, value))};
}

static void release(struct making *m)
{
    arena_release(&m->arena);
    buffer_release(&m->block);
}

enum status archive_write_info(struct buffer *out, int64_t now_us, bool packed, struct error *err)
{
    struct making m = {0};
    char date[WARC_DATE_BYTES], id[WARC_RECORD_ID_BYTES];
    buffer_append_format(&m.block,
                         "software: Tierce/%s\r\nformat: WARC File Format 1.1\r\nconformsTo: "
                         "http://iipc.github.io/warc-specifications/specifications/warc-format/"
                         "warc-1.1/\r\n",
                         tierce_version());
    add(&m, "WARC-Type", "warcinfo");
    add(&m, "WARC-Date", warc_date_write(now_us, date));
    add(&m, "WARC-Record-ID", warc_record_id(&now_us, sizeof(now_us), id));
    add(&m, "Content-Type", "application/warc-fields");
    enum status status =
        warc_append(out, m.fields, m.field_count, m.block.data, m.block.size, packed, err);
    release(&m);
    return status;
}

static void add_digests(struct making *m, const struct buffer *payload)
{
    char digest[WARC_DIGEST_BYTES];
    add(m, "WARC-Block-Digest", warc_digest(m->block.data, m->block.size, digest));
    add(m, "WARC-Payload-Digest", warc_digest(payload->data, payload->size, digest));
}

/* The same for the same answer, wherever it is written. */
static void add_record_id(struct making *m, const Log__Hop *hop, const char *date)
{
    struct buffer named = {0};
    char id[WARC_RECORD_ID_BYTES];
    buffer_append_format(&named, "%s %s ", hop->url, date);
    buffer_append(&named, m->block.data, m->block.size);
    CHECK(!named.failed);
    add(m, "WARC-Record-ID", warc_record_id(named.data, named.size, id));
    buffer_release(&named);
}

static void add_own_fields(struct making *m, const struct fetched *fetched, size_t at,
                           const char *form)
{
    char number[48];
    add(m, FIELD_ENTRY, fetched->kind);
    add(m, FIELD_BLOCK, form);
    if (fetched->hop_count > 1) {
        snprintf(number, sizeof(number), "%zu of %zu", at + 1, fetched->hop_count);
        add(m, FIELD_HOP, number);
    }
    if (fetched->origin != NULL)
        add(m, FIELD_ORIGIN, fetched->origin);
    if (fetched->detail != NULL && fetched->detail[0] != '\0')
        add(m, FIELD_DETAIL, fetched->detail);
    if (fetched->fetch_ms > 0) {
        snprintf(number, sizeof(number), "%d", fetched->fetch_ms);
        add(m, FIELD_FETCH_MS, number);
    }
    if (fetched->is_private)
        add(m, FIELD_PRIVATE, "yes");
}

static enum status write_hop(struct buffer *out, const struct fetched *fetched, size_t at,
                             bool packed, struct error *err)
{
    static const struct buffer nothing = {0};
    struct making m = {0};
    char date[WARC_DATE_BYTES];
    const Log__Hop *hop = fetched->hops[at];
    bool last = at + 1 == fetched->hop_count;
    const struct buffer *body = last ? &fetched->body : &nothing;
    const char *form =
        archive_headers_adapt(hop->headers.data, hop->headers.len, body->size, &m.block);
    buffer_append(&m.block, body->data, body->size);
    enum status status = m.block.failed ? error_set(err, STATUS_NO_MEMORY, "archive") : STATUS_OK;
    if (status == STATUS_OK) {
        warc_date_write(fetched->time_us, date);
        add(&m, "WARC-Type", "response");
        add(&m, "WARC-Target-URI", hop->url);
        add(&m, "WARC-Date", date);
        add_record_id(&m, hop, date);
        if (hop->address[0] != '\0')
            add(&m, "WARC-IP-Address", hop->address);
        add_digests(&m, body);
        if (last && fetched->truncated)
            add(&m, "WARC-Truncated", "length");
        add(&m, "Content-Type", "application/http;msgtype=response");
        add_own_fields(&m, fetched, at, form);
        status = warc_append(out, m.fields, m.field_count, m.block.data, m.block.size, packed, err);
    }
    release(&m);
    return status;
}

/* ---- entries -----------------------------------------------------------------------------------
 */

static enum status unpack_body(const Log__Content *content, struct buffer *ret, struct error *err)
{
    if (content->body_size > PAGE_BODY_BYTES_MAX)
        return error_set(err, STATUS_CORRUPT, "a body of %u bytes", content->body_size);
    if (content->body_size == 0)
        return STATUS_OK;
    uint8_t *out = buffer_reserve(ret, content->body_size);
    if (out == NULL)
        return error_set(err, STATUS_NO_MEMORY, "archive");
    size_t size =
        ZSTD_decompress(out, content->body_size, content->body_zstd.data, content->body_zstd.len);
    if (ZSTD_isError(size) || size != content->body_size)
        return error_set(err, STATUS_CORRUPT, "%s: its body cannot be unpacked", content->url);
    ret->size = size;
    return STATUS_OK;
}

static enum status read_entry(const Log__Entry *entry, struct fetched *ret, struct error *err)
{
    ret->time_us = entry->time_us;
    if (entry->kind_case == LOG__ENTRY__KIND_CONTENT) {
        const Log__Content *content = entry->content;
        ret->kind = ENTRY_CONTENT;
        ret->hops = content->hops;
        ret->hop_count = content->n_hops;
        ret->fetch_ms = content->fetch_ms;
        ret->truncated = content->truncated;
        ret->is_private = content->private_address || content->with_credentials;
        return unpack_body(content, &ret->body, err);
    }
    if (entry->kind_case == LOG__ENTRY__KIND_ROBOTS) {
        const Log__Robots *robots = entry->robots;
        ret->kind = ENTRY_ROBOTS;
        ret->origin = robots->origin;
        ret->hops = robots->hops;
        ret->hop_count = robots->n_hops;
        buffer_append(&ret->body, robots->body.data, robots->body.len);
    } else if (entry->kind_case == LOG__ENTRY__KIND_OUTCOME &&
               entry->outcome->reason == LOG__REASON__REASON_REDIRECT) {
        ret->kind = ENTRY_REDIRECT;
        ret->hops = entry->outcome->hops;
        ret->hop_count = entry->outcome->n_hops;
        ret->fetch_ms = entry->outcome->fetch_ms;
        ret->detail = entry->outcome->detail;
    }
    return STATUS_OK;
}

/* Every step got an answer that a record can hold. */
static bool has_answers(const struct fetched *fetched)
{
    unsigned status;
    for (size_t i = 0; i < fetched->hop_count; i++) {
        const Log__Hop *hop = fetched->hops[i];
        struct buffer block = {0};
        archive_headers_adapt(hop->headers.data, hop->headers.len, 0, &block);
        bool answers = warc_http_head(block.data, block.size, &status) > 0;
        buffer_release(&block);
        if (!answers)
            return false;
    }
    return fetched->hop_count > 0 && fetched->hop_count <= ARCHIVE_HOPS_MAX;
}

enum status archive_write(struct buffer *out, const Log__Entry *entry, bool packed,
                          bool *ret_written, struct error *err)
{
    struct fetched fetched = {0};
    enum status status = read_entry(entry, &fetched, err);
    bool written = status == STATUS_OK && has_answers(&fetched);
    for (size_t i = 0; written && status == STATUS_OK && i < fetched.hop_count; i++)
        status = write_hop(out, &fetched, i, packed, err);
    buffer_release(&fetched.body);
    *ret_written = written;
    return status;
}
