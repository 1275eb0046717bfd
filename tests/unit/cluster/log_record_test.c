#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdlib.h>
#include <string.h>

#include "base/bytes.h"
#include "cluster/log_record.h"

static char url[] = "http://example.org/";
static char *urls[] = {url};

static void encode(uint64_t sequence, struct buffer *ret)
{
    struct error err;
    Log__Submit submit = LOG__SUBMIT__INIT;
    Log__Entry entry = LOG__ENTRY__INIT;
    submit.n_urls = 1;
    submit.urls = urls;
    submit.origin = LOG__ORIGIN__ORIGIN_OWNER;
    entry.time_us = 5;
    entry.kind_case = LOG__ENTRY__KIND_SUBMIT;
    entry.submit = &submit;
    assert_int_equal(log_record_encode(sequence, &entry, ret, &err), STATUS_OK);
}

/* From memory of exactly that size, so that a read behind it is seen. */
static enum status decode(uint64_t sequence, const uint8_t *bytes, size_t size, struct error *err)
{
    struct arena arena = {0};
    uint8_t *exact = malloc(size == 0 ? 1 : size);
    Log__Entry *entry = NULL;
    memcpy(exact, bytes, size);
    enum status status = log_record_decode(sequence, exact, size, &arena, &entry, err);
    if (status == STATUS_OK)
        assert_non_null(entry);
    free(exact);
    arena_release(&arena);
    return status;
}

static void a_record_is_the_bytes_that_the_format_page_draws(void **state)
{
    (void)state;
    static const uint8_t message[] = "\x08\x05\x2a\x17\x0a\x13http://example.org/\x10\x01";
    struct buffer record = {0};
    encode(7, &record);
    assert_int_equal(record.size, 5 + sizeof(message) - 1);
    assert_int_equal(record.data[0], 1);
    assert_memory_equal(record.data + 5, message, sizeof(message) - 1);
    uint8_t covered[9 + sizeof(message) - 1] = {1, 0, 0, 0, 0, 0, 0, 0, 7};
    memcpy(covered + 9, message, sizeof(message) - 1);
    assert_int_equal(get_le32(record.data + 1), crc32c(0, covered, sizeof(covered)));
    buffer_release(&record);
}

static void a_record_reads_back(void **state)
{
    (void)state;
    struct error err;
    struct arena arena = {0};
    struct buffer record = {0};
    Log__Entry *entry;
    encode(7, &record);
    assert_int_equal(log_record_decode(7, record.data, record.size, &arena, &entry, &err),
                     STATUS_OK);
    assert_int_equal(entry->kind_case, LOG__ENTRY__KIND_SUBMIT);
    assert_string_equal(entry->submit->urls[0], urls[0]);
    arena_release(&arena);
    buffer_release(&record);
}

static void every_prefix_is_corrupt(void **state)
{
    (void)state;
    struct error err;
    struct buffer record = {0};
    encode(7, &record);
    for (size_t size = 0; size < record.size; size++)
        assert_int_equal(decode(7, record.data, size, &err), STATUS_CORRUPT);
    buffer_release(&record);
}

static void every_flipped_bit_is_seen(void **state)
{
    (void)state;
    struct error err;
    struct buffer record = {0};
    encode(7, &record);
    for (size_t bit = 0; bit < record.size * 8; bit++) {
        record.data[bit / 8] ^= (uint8_t)(1 << bit % 8);
        assert_int_not_equal(decode(7, record.data, record.size, &err), STATUS_OK);
        record.data[bit / 8] ^= (uint8_t)(1 << bit % 8);
    }
    assert_int_equal(decode(7, record.data, record.size, &err), STATUS_OK);
    buffer_release(&record);
}

static void a_record_under_another_sequence_is_corrupt(void **state)
{
    (void)state;
    struct error err;
    struct buffer record = {0};
    encode(7, &record);
    assert_int_equal(decode(8, record.data, record.size, &err), STATUS_CORRUPT);
    buffer_release(&record);
}

static void a_record_of_a_newer_format_is_refused_and_named(void **state)
{
    (void)state;
    struct error err;
    struct buffer record = {0};
    encode(7, &record);
    record.data[0] = 2;
    assert_int_equal(decode(7, record.data, record.size, &err), STATUS_UNSUPPORTED);
    assert_non_null(strstr(err.text, "entry 7 is of format 2"));
    buffer_release(&record);
}

static void bytes_with_the_right_sum_that_are_no_entry_are_corrupt(void **state)
{
    (void)state;
    struct error err;
    uint8_t record[] = {1, 0, 0, 0, 0, 0xff, 0xff, 0xff};
    uint8_t covered[] = {1, 0, 0, 0, 0, 0, 0, 0, 7, 0xff, 0xff, 0xff};
    put_le32(record + 1, crc32c(0, covered, sizeof(covered)));
    assert_int_equal(decode(7, record, sizeof(record), &err), STATUS_CORRUPT);
}

static void an_entry_over_the_limit_is_too_large(void **state)
{
    (void)state;
    struct error err;
    struct buffer record = {0};
    Log__Content content = LOG__CONTENT__INIT;
    Log__Entry entry = LOG__ENTRY__INIT;
    content.url = urls[0];
    content.body_zstd.len = LOG_RECORD_BYTES_MAX;
    content.body_zstd.data = calloc(1, LOG_RECORD_BYTES_MAX);
    entry.kind_case = LOG__ENTRY__KIND_CONTENT;
    entry.content = &content;
    assert_int_equal(log_record_encode(1, &entry, &record, &err), STATUS_TOO_LARGE);
    assert_int_equal(record.size, 0);
    free(content.body_zstd.data);
    buffer_release(&record);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_record_is_the_bytes_that_the_format_page_draws),
        cmocka_unit_test(a_record_reads_back),
        cmocka_unit_test(every_prefix_is_corrupt),
        cmocka_unit_test(every_flipped_bit_is_seen),
        cmocka_unit_test(a_record_under_another_sequence_is_corrupt),
        cmocka_unit_test(a_record_of_a_newer_format_is_refused_and_named),
        cmocka_unit_test(bytes_with_the_right_sum_that_are_no_entry_are_corrupt),
        cmocka_unit_test(an_entry_over_the_limit_is_too_large),
    };
    return cmocka_run_group_tests_name("cluster/log_record", tests, NULL, NULL);
}
