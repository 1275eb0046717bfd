
#include <string.h>

#include "rpc/frame.h"
#include "tests/unit/unit.h"

static const struct frame sample = {.call = 0x0102030405060708,
                                    .payload_size = 4096,
                                    .timeout_ms = 250,
                                    .method = 0xabcd,
                                    .kind = FRAME_REPLY,
                                    .status = STATUS_TIMEOUT};

static void a_frame_comes_back_as_it_was(void **state)
{
    (void)state;
    uint8_t bytes[FRAME_HEADER_BYTES];
    struct frame read;
    frame_encode(&sample, bytes);
    assert_int_equal(frame_decode(bytes, sizeof(bytes), &read, NULL), STATUS_OK);
    assert_int_equal(read.call, sample.call);
    assert_int_equal(read.payload_size, sample.payload_size);
    assert_int_equal(read.timeout_ms, sample.timeout_ms);
    assert_int_equal(read.method, sample.method);
    assert_int_equal(read.kind, sample.kind);
    assert_int_equal(read.status, sample.status);
}

static void part_of_a_header_is_not_yet_a_frame(void **state)
{
    (void)state;
    uint8_t bytes[FRAME_HEADER_BYTES];
    struct frame read;
    frame_encode(&sample, bytes);
    for (size_t size = 0; size < sizeof(bytes); size++)
        assert_int_equal(frame_decode(bytes, size, &read, NULL), STATUS_END);
}

static void a_payload_over_the_limit_is_refused(void **state)
{
    (void)state;
    uint8_t bytes[FRAME_HEADER_BYTES];
    struct frame large = sample, read;
    struct error err;
    large.payload_size = FRAME_PAYLOAD_MAX + 1;
    frame_encode(&large, bytes);
    assert_int_equal(frame_decode(bytes, sizeof(bytes), &read, &err), STATUS_TOO_LARGE);
}

static void unknown_kinds_and_statuses_are_corrupt(void **state)
{
    (void)state;
    uint8_t bytes[FRAME_HEADER_BYTES];
    struct frame read;
    frame_encode(&sample, bytes);
    bytes[14] = 77;
    assert_int_equal(frame_decode(bytes, sizeof(bytes), &read, NULL), STATUS_CORRUPT);
    frame_encode(&sample, bytes);
    bytes[15] = 77;
    assert_int_equal(frame_decode(bytes, sizeof(bytes), &read, NULL), STATUS_CORRUPT);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_frame_comes_back_as_it_was),
        cmocka_unit_test(part_of_a_header_is_not_yet_a_frame),
        cmocka_unit_test(a_payload_over_the_limit_is_refused),
        cmocka_unit_test(unknown_kinds_and_statuses_are_corrupt),
    };
    return cmocka_run_group_tests_name("frame", tests, NULL, NULL);
}
