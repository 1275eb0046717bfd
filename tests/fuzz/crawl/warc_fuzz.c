/*
 * Any bytes as an archive, which may be packed: it is read to its end or refused. Each record that
 * was read, written and read again, is the same.
 */
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "base/check.h"
#include "crawl/chunked.h"
#include "crawl/warc.h"

enum { UNPACKED_BYTES_MAX = 4 * 1024 * 1024, PIECE_BYTES = 7 };

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size);

struct source {
    const uint8_t *bytes;
    size_t size;
    size_t piece;
};

static enum status give(void *context, void *ret_bytes, size_t room, size_t *ret_size,
                        struct error *err)
{
    struct source *source = context;
    size_t size = source->size < room ? source->size : room;
    size = size < source->piece ? size : source->piece;
    (void)err;
    if (size > 0)
        memcpy(ret_bytes, source->bytes, size);
    source->bytes = size == 0 ? source->bytes : source->bytes + size;
    source->size -= size;
    *ret_size = size;
    return STATUS_OK;
}

static void check_same(const struct warc_record *a, const struct warc_record *b)
{
    CHECK(b->field_count == a->field_count + 1); /* the length that was added */
    for (size_t i = 0; i < a->field_count; i++) {
        CHECK(strcmp(a->fields[i].name, b->fields[i].name) == 0);
        if (strchr(a->fields[i].value, '\r') == NULL) /* alone it would be no line's end */
            CHECK(strcmp(a->fields[i].value, b->fields[i].value) == 0);
    }
    CHECK(a->block_size == b->block_size && !b->block_cut);
    CHECK(a->block_size == 0 || memcmp(a->block, b->block, a->block_size) == 0);
}

/* The fields but for the lengths, of which the writer gives its own. */
static void check_round_trip(const struct warc_record *record, bool packed)
{
    static struct warc_field fields[WARC_FIELDS_MAX];
    struct warc_record plain = *record, again;
    struct buffer out = {0};
    size_t count = 0, head = 0;
    for (size_t i = 0; i < record->field_count; i++) {
        head += strlen(record->fields[i].name) + strlen(record->fields[i].value) + 4;
        if (strcasecmp(record->fields[i].name, "Content-Length") != 0)
            fields[count++] = record->fields[i];
    }
    if (head > WARC_HEAD_BYTES_MAX - 100)
        return; /* blanks that were added make it too large */
    plain.fields = fields;
    plain.field_count = count;
    CHECK(warc_append(&out, fields, count, record->block, record->block_size, packed, NULL) ==
          STATUS_OK);
    struct source source = {out.data, out.size, SIZE_MAX};
    struct warc_reader *reader;
    CHECK(warc_reader_open(give, &source, &reader, NULL) == STATUS_OK);
    CHECK(warc_reader_next(reader, &again, NULL) == STATUS_OK);
    check_same(&plain, &again);
    CHECK(warc_reader_next(reader, &again, NULL) == STATUS_END);
    warc_reader_close(reader);
    buffer_release(&out);
}

static const uint8_t bytes_of_none[1];

static void look_into(const struct warc_record *record)
{
    struct buffer body = {0};
    unsigned status = 0;
    int64_t time;
    (void)warc_date_parse(warc_field(record, "WARC-Date"), &time);
    size_t head = warc_http_head(record->block, record->block_size, &status);
    CHECK(head <= record->block_size && (head == 0 || status < 1000));
    const uint8_t *after = record->block_size == 0 ? bytes_of_none : record->block + head;
    enum status undone = chunked_undo(after, record->block_size - head, &body, NULL);
    CHECK(undone == STATUS_OK || undone == STATUS_END || undone == STATUS_CORRUPT);
    CHECK(body.size <= record->block_size);
    buffer_release(&body);
}

static void read_archive(const uint8_t *bytes, size_t size, size_t piece)
{
    struct source source = {bytes, size, piece};
    struct warc_reader *reader;
    struct warc_record record;
    struct error err;
    size_t unpacked = 0;
    CHECK(warc_reader_open(give, &source, &reader, NULL) == STATUS_OK);
    enum status status = warc_reader_next(reader, &record, &err);
    while (status == STATUS_OK && unpacked < UNPACKED_BYTES_MAX) {
        unpacked += record.block_size;
        look_into(&record);
        if (record.block_size <= 64 * 1024)
            check_round_trip(&record, piece == PIECE_BYTES);
        status = warc_reader_next(reader, &record, &err);
    }
    CHECK(status == STATUS_OK || status == STATUS_END || status == STATUS_CORRUPT ||
          status == STATUS_NO_MEMORY);
    warc_reader_close(reader);
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size)
{
    uint8_t *copy = malloc(size > 0 ? size : 1);
    memcpy(copy, bytes, size);
    read_archive(copy, size, SIZE_MAX);
    read_archive(copy, size, PIECE_BYTES);
    free(copy);
    return 0;
}
