/*
 * Web archives: WARC 1.0 and 1.1 (ISO 28500:2017), plain or packed, read and written a record at a
 * time. docs/archives.md says which records Tierce makes and takes.
 */
#ifndef TIERCE_CRAWL_WARC_H
#define TIERCE_CRAWL_WARC_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/arena.h"
#include "base/buffer.h"
#include "base/error.h"
#include "crawl/unpack.h"

enum {
    WARC_HEAD_BYTES_MAX = 64 * 1024,         /* of a record's own header */
    WARC_FIELDS_MAX = 256,                   /* lines of it, too */
    WARC_BLOCK_BYTES_MAX = 32 * 1024 * 1024, /* kept of a block; the rest is passed over */
    WARC_DIGEST_BYTES = 40,
    WARC_RECORD_ID_BYTES = 48,
    WARC_DATE_BYTES = 32,
};

struct warc_field {
    const char *name;
    const char *value;
};

/* A record that was read. Everything belongs to the reader, until the next one is. */
struct warc_record {
    const struct warc_field *fields; /* in their order, folded lines joined */
    size_t field_count;
    const uint8_t *block;
    size_t block_size;
    bool block_cut;  /* there was more than WARC_BLOCK_BYTES_MAX */
    uint64_t offset; /* where the record begins in the unpacked bytes */
};

/* The first field of that name, whatever its case; NULL: none. */
const char *warc_field(const struct warc_record *record, const char *name);

struct warc_reader;

enum status warc_reader_open(unpack_source *source, void *context, struct warc_reader **ret_reader,
                             struct error *err);
void warc_reader_close(struct warc_reader *reader); /* accepts NULL */

/* STATUS_OK; STATUS_END: there is no further record; STATUS_CORRUPT: this is none, or it ends too
 * soon (the words say where); what the source returns. After a failure nothing more can be read. */
enum status warc_reader_next(struct warc_reader *reader, struct warc_record *ret_record,
                             struct error *err);

/* ---- what stands in records ---- */

/* A WARC-Date in microseconds since 1970; false: it is none. */
bool warc_date_parse(const char *text, int64_t *ret_unix_us);
/* "2026-11-22T14:42:28.000001Z", the fraction only where there is one. Returns `ret`. */
char *warc_date_write(int64_t unix_us, char ret[WARC_DATE_BYTES]);

/* The size of the HTTP header block at the beginning of a response's block, its empty line
 * included, and the answer's status; 0: there is none. */
size_t warc_http_head(const void *block, size_t size, unsigned *ret_status);

/* "sha1:" and 32 letters, as archives have it. Returns `ret`. */
char *warc_digest(const void *bytes, size_t size, char ret[WARC_DIGEST_BYTES]);
/* "<urn:uuid:...>", the same for the same bytes (RFC 4122, version 5). Returns `ret`. */
char *warc_record_id(const void *bytes, size_t size, char ret[WARC_RECORD_ID_BYTES]);

/* Appends a record; Content-Length is added to its fields. Line ends within values become blanks.
 * `packed`: as a gzip member of its own, as archives are usually kept. STATUS_NO_MEMORY. */
enum status warc_append(struct buffer *out, const struct warc_field *fields, size_t field_count,
                        const void *block, size_t block_size, bool packed, struct error *err);

#endif
