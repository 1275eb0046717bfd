#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <zstd.h>

#include <cmocka.h>

#include "base/check.h"
#include "cli/archive.h"
#include "cli/archive_format.h"
#include "page/page.h"

enum { TIME_US = 1000001 };

/* ---- header blocks ---- */

static void check_block(const char *block, const char *wanted_form, const char *wanted)
{
    struct buffer adapted = {0}, restored = {0};
    const char *form = archive_headers_adapt(block, strlen(block), 12, &adapted);
    assert_string_equal(form, wanted_form);
    assert_string_equal(buffer_string(&adapted), wanted);
    archive_headers_restore(adapted.data, adapted.size, form, &restored);
    assert_string_equal(buffer_string(&restored), block);
    buffer_release(&adapted);
    buffer_release(&restored);
}

static void a_block_names_no_coding_and_comes_back_as_it_was(void **state)
{
    (void)state;
    check_block("HTTP/1.1 200 OK\r\nA: b\r\n\r\n", "decoded",
                "HTTP/1.1 200 OK\r\nA: b\r\nContent-Length: 12\r\n\r\n");
    check_block("HTTP/1.1 200 OK\r\ncontent-encoding: br\r\nTransfer-Encoding: chunked\r\n"
                "Content-Length: 5\r\nx-tierce-a: b\r\n\r\n",
                "decoded",
                "HTTP/1.1 200 OK\r\nX-Tierce-content-encoding: br\r\nX-Tierce-Transfer-Encoding: "
                "chunked\r\nX-Tierce-Content-Length: 5\r\nX-Tierce-x-tierce-a: "
                "b\r\nContent-Length: 12\r\n\r\n");
    check_block("HTTP/2 200 \nContent-Length: 1\n 2\n\n", "decoded",
                "HTTP/2 200 \nX-Tierce-Content-Length: 1\n 2\nContent-Length: 12\r\n\n");
    check_block("HTTP/1.1 200 OK\r\nA: b\r\n", "decoded, unended",
                "HTTP/1.1 200 OK\r\nA: b\r\nContent-Length: 12\r\n\r\n");
}

/* ---- entries ---- */

struct source {
    const uint8_t *bytes;
    size_t size;
};

static enum status give(void *context, void *ret_bytes, size_t room, size_t *ret_size,
                        struct error *err)
{
    struct source *source = context;
    *ret_size = source->size < room ? source->size : room;
    (void)err;
    memcpy(ret_bytes, source->bytes, *ret_size);
    source->bytes += *ret_size;
    source->size -= *ret_size;
    return STATUS_OK;
}

/* What became of the last record, and of it. */
static enum archive_skip take_all(const struct buffer *archive, struct arena *arena,
                                  Log__Entry **ret_entry, unsigned *ret_parts)
{
    struct source source = {archive->data, archive->size};
    struct archive_reader *takes = archive_reader_new();
    struct warc_reader *reader;
    struct warc_record record;
    enum archive_skip skip = ARCHIVE_NO_ANSWER;
    *ret_parts = 0;
    *ret_entry = NULL;
    assert_int_equal(warc_reader_open(give, &source, &reader, NULL), STATUS_OK);
    while (warc_reader_next(reader, &record, NULL) == STATUS_OK) {
        skip = archive_take(takes, &record, arena, ret_entry);
        *ret_parts += skip == ARCHIVE_PART;
    }
    warc_reader_close(reader);
    archive_reader_free(takes);
    return skip;
}

static Log__Hop hop(const char *url, unsigned status, const char *headers)
{
    Log__Hop made = LOG__HOP__INIT;
    made.url = (char *)url;
    made.status = status;
    made.address = (char *)"192.0.2.1";
    made.headers.data = (uint8_t *)headers;
    made.headers.len = strlen(headers);
    return made;
}

static void check_same_hops(Log__Hop *const *a, Log__Hop *const *b, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        assert_string_equal(a[i]->url, b[i]->url);
        assert_string_equal(a[i]->address, b[i]->address);
        assert_int_equal(a[i]->status, b[i]->status);
        assert_int_equal(a[i]->headers.len, b[i]->headers.len);
        assert_memory_equal(a[i]->headers.data, b[i]->headers.data, a[i]->headers.len);
    }
}

/* Written and read back; in the arena. */
static Log__Entry *round_trip(const Log__Entry *entry, unsigned parts, struct arena *arena)
{
    struct buffer archive = {0};
    Log__Entry *again;
    unsigned found;
    bool written;
    assert_int_equal(archive_write_info(&archive, 5, true, NULL), STATUS_OK);
    assert_int_equal(archive_write(&archive, entry, true, &written, NULL), STATUS_OK);
    assert_true(written);
    assert_int_equal(take_all(&archive, arena, &again, &found), ARCHIVE_TAKEN);
    assert_int_equal(found, parts);
    assert_int_equal(again->time_us, entry->time_us);
    assert_int_equal(again->kind_case, entry->kind_case);
    buffer_release(&archive);
    return again;
}

static void a_content_comes_back_whole(void **state)
{
    uint8_t packed[64];
    struct arena arena = {0};
    Log__Hop only = hop("http://a/b", 200, "HTTP/1.1 200 OK\r\nContent-Encoding: gzip\r\n\r\n");
    Log__Hop *hops[] = {&only};
    Log__Content content = LOG__CONTENT__INIT;
    Log__Entry entry = LOG__ENTRY__INIT;
    (void)state;
    content.url = (char *)"http://a/b";
    content.hops = hops;
    content.n_hops = 1;
    content.truncated = true;
    content.private_address = true;
    content.fetch_ms = 17;
    content.body_size = 4;
    content.body_zstd.data = packed;
    content.body_zstd.len = ZSTD_compress(packed, sizeof(packed), "body", 4, 3);
    entry.time_us = TIME_US;
    entry.kind_case = LOG__ENTRY__KIND_CONTENT;
    entry.content = &content;
    const Log__Content *again = round_trip(&entry, 0, &arena)->content;
    char body[4];
    check_same_hops(again->hops, hops, 1);
    assert_int_equal(again->body_size, 4);
    assert_int_equal(ZSTD_decompress(body, 4, again->body_zstd.data, again->body_zstd.len), 4);
    assert_memory_equal(body, "body", 4);
    assert_true(again->truncated && again->private_address && again->imported);
    assert_int_equal(again->fetch_ms, 17);
    arena_release(&arena);
}

static void the_steps_to_a_robots_file_come_back_in_their_order(void **state)
{
    struct arena arena = {0};
    Log__Hop steps[] = {
        hop("http://a/robots.txt", 301, "HTTP/1.1 301 Moved\r\nLocation: http://b/r\r\n\r\n"),
        hop("http://b/r", 302, "HTTP/1.1 302 Found\r\nLocation: /s\r\n\r\n"),
        hop("http://b/s", 200, "HTTP/2 200 \r\n\r\n"),
    };
    Log__Hop *hops[] = {&steps[0], &steps[1], &steps[2]};
    Log__Robots robots = LOG__ROBOTS__INIT;
    Log__Entry entry = LOG__ENTRY__INIT;
    (void)state;
    robots.origin = (char *)"http://a";
    robots.hops = hops;
    robots.n_hops = 3;
    robots.body.data = (uint8_t *)"Disallow: /\n";
    robots.body.len = 12;
    entry.time_us = TIME_US;
    entry.kind_case = LOG__ENTRY__KIND_ROBOTS;
    entry.robots = &robots;
    const Log__Robots *again = round_trip(&entry, 2, &arena)->robots;
    assert_int_equal(again->n_hops, 3);
    check_same_hops(again->hops, hops, 3);
    assert_string_equal(again->origin, "http://a");
    assert_int_equal(again->body.len, 12);
    assert_memory_equal(again->body.data, robots.body.data, 12);
    arena_release(&arena);
}

static void a_redirect_comes_back_with_its_target(void **state)
{
    struct arena arena = {0};
    Log__Hop only = hop("http://a/b", 301, "HTTP/1.1 301 Moved\r\nLocation: c#d\r\n\r\n");
    Log__Hop *hops[] = {&only};
    Log__Outcome outcome = LOG__OUTCOME__INIT;
    Log__Entry entry = LOG__ENTRY__INIT;
    (void)state;
    outcome.url = (char *)"http://a/b";
    outcome.reason = LOG__REASON__REASON_REDIRECT;
    outcome.detail = (char *)"301 Moved";
    outcome.target = (char *)"http://a/c";
    outcome.hops = hops;
    outcome.n_hops = 1;
    entry.time_us = TIME_US;
    entry.kind_case = LOG__ENTRY__KIND_OUTCOME;
    entry.outcome = &outcome;
    const Log__Outcome *again = round_trip(&entry, 0, &arena)->outcome;
    assert_string_equal(again->target, "http://a/c");
    assert_string_equal(again->detail, "301 Moved");
    check_same_hops(again->hops, hops, 1);
    arena_release(&arena);
}

static void what_had_no_answer_is_not_written(void **state)
{
    struct buffer archive = {0};
    Log__Hop only = hop("http://a/robots.txt", 0, "");
    Log__Hop *hops[] = {&only};
    Log__Robots robots = LOG__ROBOTS__INIT;
    Log__Entry entry = LOG__ENTRY__INIT;
    bool written = true;
    (void)state;
    robots.hops = hops;
    robots.n_hops = 1;
    entry.kind_case = LOG__ENTRY__KIND_ROBOTS;
    entry.robots = &robots;
    assert_int_equal(archive_write(&archive, &entry, false, &written, NULL), STATUS_OK);
    assert_false(written);
    assert_int_equal(archive.size, 0);
    buffer_release(&archive);
}

/* ---- records of others ---- */

struct foreign {
    const char *url, *date, *type, *block;
    enum archive_skip wanted;
    const char *body; /* of what was taken; NULL: it has none */
};

static void check_foreign(const struct foreign *row)
{
    struct arena arena = {0};
    struct buffer archive = {0};
    struct warc_field fields[] = {
        {"WARC-Type", row->type}, {"WARC-Target-URI", row->url}, {"WARC-Date", row->date}};
    Log__Entry *entry;
    unsigned parts;
    assert_int_equal(warc_append(&archive, fields, 3, row->block, strlen(row->block), false, NULL),
                     STATUS_OK);
    enum archive_skip skip = take_all(&archive, &arena, &entry, &parts);
    if (skip != row->wanted)
        fail_msg("%s: %s", row->url, archive_skip_words(skip));
    if (row->body != NULL) {
        char body[100] = "";
        const Log__Content *content = entry->content;
        assert_int_equal(entry->kind_case, LOG__ENTRY__KIND_CONTENT);
        ZSTD_decompress(body, sizeof(body), content->body_zstd.data, content->body_zstd.len);
        assert_string_equal(body, row->body);
    }
    arena_release(&arena);
    buffer_release(&archive);
}

#define DATE "2020-01-01T00:00:00Z"
#define OK   "HTTP/1.1 200 OK\r\n"

static void records_of_others_are_taken_as_far_as_they_are_pages(void **state)
{
    static const struct foreign rows[] = {
        {"http://a/1", DATE, "response", OK "\r\nbody", ARCHIVE_TAKEN, "body"},
        {"<http://a/2>", DATE, "response", OK "\r\nbody", ARCHIVE_TAKEN, "body"},
        {"http://a/3", DATE, "response",
         OK "Transfer-Encoding: chunked\r\n\r\n4\r\nbody\r\n0\r\n\r\n", ARCHIVE_TAKEN, "body"},
        {"http://a/4", DATE, "response", OK "Transfer-Encoding: chunked\r\n\r\nbody of its own",
         ARCHIVE_TAKEN, "body of its own"},
        {"http://a/5", DATE, "response", OK "Content-Encoding: rot13\r\n\r\nobql", ARCHIVE_BROKEN,
         NULL},
        {"http://a/6", DATE, "resource", "as it is", ARCHIVE_TAKEN, "as it is"},
        {"http://a/7", DATE, "response", OK "Content-Type: image/png\r\n\r\n", ARCHIVE_TYPE, NULL},
        {"http://a/8", DATE, "response", "HTTP/1.1 404 Not Found\r\n\r\n", ARCHIVE_STATUS, NULL},
        {"http://a/9", DATE, "response", "HTTP/1.1 301 Moved\r\n\r\n", ARCHIVE_STATUS, NULL},
        {"http://a/10", DATE, "response", "<html>", ARCHIVE_BROKEN, NULL},
        {"http://a/11", "soon", "response", OK "\r\n", ARCHIVE_DATE, NULL},
        {"dns:a", DATE, "response", OK "\r\n", ARCHIVE_URL, NULL},
        {"http://a/12", DATE, "revisit", OK "\r\n", ARCHIVE_REVISIT, NULL},
        {"http://a/13", DATE, "request", "GET / HTTP/1.1\r\n\r\n", ARCHIVE_NO_ANSWER, NULL},
    };
    (void)state;
    for (size_t i = 0; i < ARRAY_COUNT(rows); i++)
        check_foreign(&rows[i]);
}

static void a_body_over_the_limit_is_cut(void **state)
{
    struct arena arena = {0};
    struct buffer archive = {0}, block = {0};
    struct warc_field fields[] = {
        {"WARC-Type", "response"}, {"WARC-Target-URI", "http://a/"}, {"WARC-Date", DATE}};
    Log__Entry *entry;
    unsigned parts;
    (void)state;
    buffer_append_string(&block, OK "\r\n");
    memset(buffer_reserve(&block, PAGE_BODY_BYTES_MAX + 1), 'x', PAGE_BODY_BYTES_MAX + 1);
    block.size += PAGE_BODY_BYTES_MAX + 1;
    assert_int_equal(warc_append(&archive, fields, 3, block.data, block.size, false, NULL),
                     STATUS_OK);
    assert_int_equal(take_all(&archive, &arena, &entry, &parts), ARCHIVE_TAKEN);
    assert_int_equal(entry->content->body_size, PAGE_BODY_BYTES_MAX);
    assert_true(entry->content->truncated);
    arena_release(&arena);
    buffer_release(&archive);
    buffer_release(&block);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_block_names_no_coding_and_comes_back_as_it_was),
        cmocka_unit_test(a_content_comes_back_whole),
        cmocka_unit_test(the_steps_to_a_robots_file_come_back_in_their_order),
        cmocka_unit_test(a_redirect_comes_back_with_its_target),
        cmocka_unit_test(what_had_no_answer_is_not_written),
        cmocka_unit_test(records_of_others_are_taken_as_far_as_they_are_pages),
        cmocka_unit_test(a_body_over_the_limit_is_cut),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
