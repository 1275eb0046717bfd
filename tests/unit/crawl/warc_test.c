#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <zlib.h>
#include <zstd.h>

#include <cmocka.h>

#include "base/check.h"
#include "crawl/chunked.h"
#include "crawl/warc.h"

struct source {
    const uint8_t *bytes;
    size_t size, piece;
};

static enum status give(void *context, void *ret_bytes, size_t room, size_t *ret_size,
                        struct error *err)
{
    struct source *source = context;
    size_t size = source->size < room ? source->size : room;
    size = size < source->piece ? size : source->piece;
    (void)err;
    memcpy(ret_bytes, source->bytes, size);
    source->bytes += size;
    source->size -= size;
    *ret_size = size;
    return STATUS_OK;
}

#define RECORD(fields, block, length)                                                              \
    "WARC/1.0\r\n" fields "Content-Length: " length "\r\n\r\n" block "\r\n\r\n"

static const char two[] = RECORD("WARC-Type: response\r\nWARC-Target-URI: http://a/\r\n", "first",
                                 "5") RECORD("warc-type: resource\r\n", "", "0");

/* The names of the records' types, and how the reading ended. */
static enum status read_all(const void *bytes, size_t size, size_t piece, char *ret, size_t room,
                            struct error *err)
{
    struct source source = {bytes, size, piece};
    struct warc_reader *reader;
    struct warc_record record;
    enum status status;
    ret[0] = '\0';
    assert_int_equal(warc_reader_open(give, &source, &reader, err), STATUS_OK);
    while ((status = warc_reader_next(reader, &record, err)) == STATUS_OK) {
        const char *type = warc_field(&record, "WARC-Type");
        strncat(ret, type == NULL ? "?" : type, room - strlen(ret) - 1);
        strncat(ret, ":", room - strlen(ret) - 1);
        strncat(ret, (const char *)record.block, record.block_size);
        strncat(ret, " ", room - strlen(ret) - 1);
    }
    warc_reader_close(reader);
    return status;
}

static void expect(const void *bytes, size_t size, enum status wanted, const char *records)
{
    static const size_t pieces[] = {1, 7, SIZE_MAX};
    for (size_t i = 0; i < ARRAY_COUNT(pieces); i++) {
        char got[512];
        struct error err = {0};
        enum status status = read_all(bytes, size, pieces[i], got, sizeof(got), &err);
        if (status != wanted)
            fail_msg("%s, not %s: %s", status_name(status), status_name(wanted), err.text);
        assert_string_equal(got, records);
    }
}

static void records_are_read_whatever_pieces_they_come_in(void **state)
{
    (void)state;
    expect(two, sizeof(two) - 1, STATUS_END, "response:first resource: ");
    expect("", 0, STATUS_END, "");
    expect("\r\n\n", 3, STATUS_END, "");
}

static void line_ends_may_be_short_and_values_folded(void **state)
{
    static const char text[] = "WARC/1.1\nWARC-Type : re\n\t source \nContent-Length:4\n\nbody\n";
    (void)state;
    expect(text, sizeof(text) - 1, STATUS_END, "re source:body ");
}

static size_t gzip_of(const void *bytes, size_t size, uint8_t *out, size_t room)
{
    z_stream zlib = {.next_in = (Bytef *)(uintptr_t)bytes,
                     .avail_in = (uInt)size,
                     .next_out = out,
                     .avail_out = (uInt)room};
    assert_int_equal(deflateInit2(&zlib, 6, Z_DEFLATED, 31, 8, Z_DEFAULT_STRATEGY), Z_OK);
    assert_int_equal(deflate(&zlib, Z_FINISH), Z_STREAM_END);
    deflateEnd(&zlib);
    return room - zlib.avail_out;
}

static void what_is_packed_is_read_the_same(void **state)
{
    uint8_t packed[4096];
    size_t half = strlen(two) / 2;
    (void)state;
    size_t size = gzip_of(two, strlen(two), packed, sizeof(packed));
    expect(packed, size, STATUS_END, "response:first resource: ");
    size = gzip_of(two, half, packed, sizeof(packed)); /* members need not end where records do */
    size += gzip_of(two + half, strlen(two) - half, packed + size, sizeof(packed) - size);
    expect(packed, size, STATUS_END, "response:first resource: ");
    size = ZSTD_compress(packed, sizeof(packed), two, half, 3);
    size += ZSTD_compress(packed + size, sizeof(packed) - size, two + half, strlen(two) - half, 3);
    expect(packed, size, STATUS_END, "response:first resource: ");
}

/* Beginnings of all lengths, in memory of their size. */
static void check_beginnings(const uint8_t *bytes, size_t size)
{
    for (size_t cut = 1; cut < size; cut++) {
        char got[512];
        uint8_t *copy = malloc(cut);
        memcpy(copy, bytes, cut);
        enum status status = read_all(copy, cut, SIZE_MAX, got, sizeof(got), NULL);
        if (status != STATUS_CORRUPT && status != STATUS_END)
            fail_msg("%zu bytes: %s", cut, status_name(status));
        free(copy);
    }
}

static void an_archive_that_is_cut_says_so(void **state)
{
    uint8_t packed[4096];
    (void)state;
    expect(two, 60, STATUS_CORRUPT, "");
    expect(two, strlen(two) - 30, STATUS_CORRUPT, "response:first ");
    size_t size = gzip_of(two, strlen(two), packed, sizeof(packed));
    expect(packed, size - 9, STATUS_CORRUPT, "response:first resource: ");
    check_beginnings((const uint8_t *)two, strlen(two));
    check_beginnings(packed, size);
}

static void what_is_no_archive_is_refused(void **state)
{
    static const char *const texts[] = {
        "<html>",
        "WARC/1.0\r\n\r\n",
        "WARC/1.0\r\nContent-Length: -1\r\n\r\n",
        "WARC/1.0\r\nContent-Length: 99999999999999999999\r\n\r\n",
        "WARC/1.0\r\nno name\r\nContent-Length: 0\r\n\r\n",
        "HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n",
    };
    (void)state;
    for (size_t i = 0; i < ARRAY_COUNT(texts); i++)
        expect(texts[i], strlen(texts[i]), STATUS_CORRUPT, "");
    expect("WARC/1.0\r\nA: \0\r\nContent-Length: 0\r\n\r\n", 36, STATUS_CORRUPT, "");
}

static void a_header_without_end_is_refused(void **state)
{
    struct buffer text = {0};
    (void)state;
    buffer_append_string(&text, "WARC/1.0\r\n");
    for (unsigned i = 0; i <= WARC_FIELDS_MAX; i++)
        buffer_append_string(&text, " \r\nA: b\r\n" + (i == 0 ? 3 : 0));
    buffer_append_string(&text, "Content-Length: 0\r\n\r\n");
    expect(text.data, text.size, STATUS_CORRUPT, "");
    buffer_clear(&text);
    buffer_append_string(&text, "WARC/1.0\r\nA: ");
    for (unsigned i = 0; i < WARC_HEAD_BYTES_MAX; i++)
        buffer_append_byte(&text, 'b');
    expect(text.data, text.size, STATUS_CORRUPT, "");
    buffer_release(&text);
}

static void what_is_written_is_read_back(void **state)
{
    static const struct warc_field fields[] = {{"WARC-Type", "response"}, {"X", "a\r\nb: c"}};
    (void)state;
    for (unsigned packed = 0; packed < 2; packed++) {
        struct buffer out = {0};
        for (unsigned i = 0; i < 2; i++)
            assert_int_equal(warc_append(&out, fields, 2, "one\r\n", 5, packed != 0, NULL),
                             STATUS_OK);
        expect(out.data, out.size, STATUS_END, "response:one\r\n response:one\r\n ");
        struct source source = {out.data, out.size, SIZE_MAX};
        struct warc_reader *reader;
        struct warc_record record;
        assert_int_equal(warc_reader_open(give, &source, &reader, NULL), STATUS_OK);
        assert_int_equal(warc_reader_next(reader, &record, NULL), STATUS_OK);
        assert_string_equal(warc_field(&record, "x"), "a  b: c");
        assert_null(warc_field(&record, "b"));
        warc_reader_close(reader);
        buffer_release(&out);
    }
}

static void a_block_over_the_limit_is_cut_and_passed_over(void **state)
{
    struct buffer text = {0};
    struct warc_reader *reader;
    struct warc_record record;
    (void)state;
    size_t size = WARC_BLOCK_BYTES_MAX + 100;
    buffer_append_format(&text, "WARC/1.0\r\nContent-Length: %zu\r\n\r\n", size);
    memset(buffer_reserve(&text, size), 'x', size);
    text.size += size;
    buffer_append_string(&text, "\r\n\r\n");
    buffer_append_string(&text, two);
    struct source source = {text.data, text.size, SIZE_MAX};
    assert_int_equal(warc_reader_open(give, &source, &reader, NULL), STATUS_OK);
    assert_int_equal(warc_reader_next(reader, &record, NULL), STATUS_OK);
    assert_int_equal(record.block_size, WARC_BLOCK_BYTES_MAX);
    assert_true(record.block_cut);
    assert_int_equal(warc_reader_next(reader, &record, NULL), STATUS_OK);
    assert_false(record.block_cut);
    assert_string_equal(warc_field(&record, "WARC-Target-URI"), "http://a/");
    warc_reader_close(reader);
    buffer_release(&text);
}

static void dates_keep_their_microseconds(void **state)
{
    static const int64_t times[] = {1, 1795407145000000, 1795407145000001, 1795407145999999};
    (void)state;
    for (size_t i = 0; i < ARRAY_COUNT(times); i++) {
        char text[WARC_DATE_BYTES];
        int64_t time;
        assert_true(warc_date_parse(warc_date_write(times[i], text), &time));
        assert_int_equal(time, times[i]);
    }
    int64_t time = 0;
    char text[WARC_DATE_BYTES];
    assert_true(warc_date_parse("2020-02-03T04:05:06.123456789Z", &time));
    assert_string_equal(warc_date_write(time, text), "2020-02-03T04:05:06.123456Z");
    assert_false(warc_date_parse("yesterday", &time));
    assert_false(warc_date_parse(NULL, &time));
}

static void digests_and_names_are_those_of_the_standards(void **state)
{
    char digest[WARC_DIGEST_BYTES], id[WARC_RECORD_ID_BYTES];
    (void)state;
    assert_string_equal(warc_digest("", 0, digest), "sha1:3I42H3S6NNFQ2MSVX7XZKYAYSCX5QBYJ");
    assert_string_equal(warc_digest("abc", 3, digest), "sha1:VGMT4NSHA2AWVOR6EVYXQUGCNSONBWE5");
    assert_string_equal(warc_record_id("abc", 3, id),
                        "<urn:uuid:a9993e36-4706-516a-ba3e-25717850c26c>");
}

static size_t head_of(const char *text, unsigned *status)
{
    *status = 0;
    return warc_http_head(text, strlen(text), status);
}

static void an_answers_head_ends_at_its_empty_line(void **state)
{
    unsigned status;
    (void)state;
    assert_int_equal(head_of("HTTP/1.1 200 OK\r\nA: b\r\n\r\nbody", &status), 25);
    assert_int_equal(status, 200);
    assert_int_equal(head_of("HTTP/2 301 \n\nbody", &status), 13);
    assert_int_equal(status, 301);
    assert_int_equal(head_of("HTTP/1.1 200 OK\r\nA: b\r\n", &status), 0);
    assert_int_equal(head_of("<html>\r\n\r\n", &status), 0);
    assert_int_equal(head_of("HTTP/1.1 20\r\n\r\n", &status), 0);
    assert_int_equal(head_of("HTTP/1.1 2000\r\n\r\n", &status), 0);
    assert_int_equal(head_of("", &status), 0);
}

static void expect_chunks(const char *text, enum status wanted, const char *body)
{
    struct buffer got = {0};
    size_t size = strlen(text);
    uint8_t *copy = malloc(size + 1);
    memcpy(copy, text, size);
    uint8_t *exact = realloc(copy, size == 0 ? 1 : size);
    assert_int_equal(chunked_undo(exact, size, &got, NULL), wanted);
    assert_string_equal(buffer_string(&got), body);
    free(exact);
    buffer_release(&got);
}

static void chunks_are_joined(void **state)
{
    (void)state;
    expect_chunks("5\r\nhello\r\n6;x=y\r\n world\r\n0\r\nTrailer: z\r\n\r\n", STATUS_OK,
                  "hello world");
    expect_chunks("0\r\n\r\n", STATUS_OK, "");
    expect_chunks("00A\nten  bytes\n0\n\n", STATUS_OK, "ten  bytes");
    expect_chunks("5\r\nhel", STATUS_END, "hel");
    expect_chunks("5\r\nhello\r\n", STATUS_END, "hello");
    expect_chunks("5\r\nhello\r\nzz\r\n", STATUS_END, "hello");
    expect_chunks("ffffffffffffffff\r\nx", STATUS_CORRUPT, "");
    expect_chunks("fffffffffffffff\r\nx", STATUS_END, "x");
    expect_chunks("<html>", STATUS_CORRUPT, "");
    expect_chunks("5", STATUS_CORRUPT, "");
    expect_chunks("", STATUS_CORRUPT, "");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(records_are_read_whatever_pieces_they_come_in),
        cmocka_unit_test(line_ends_may_be_short_and_values_folded),
        cmocka_unit_test(what_is_packed_is_read_the_same),
        cmocka_unit_test(an_archive_that_is_cut_says_so),
        cmocka_unit_test(what_is_no_archive_is_refused),
        cmocka_unit_test(a_header_without_end_is_refused),
        cmocka_unit_test(what_is_written_is_read_back),
        cmocka_unit_test(a_block_over_the_limit_is_cut_and_passed_over),
        cmocka_unit_test(dates_keep_their_microseconds),
        cmocka_unit_test(digests_and_names_are_those_of_the_standards),
        cmocka_unit_test(an_answers_head_ends_at_its_empty_line),
        cmocka_unit_test(chunks_are_joined),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
