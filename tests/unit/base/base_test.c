/* The lowest layer. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/arena.h"
#include "base/buffer.h"
#include "base/bytes.h"
#include "base/clock.h"
#include "base/file.h"
#include "tests/unit/unit.h"

static void an_error_keeps_its_status_and_takes_context_in_front(void **state)
{
    (void)state;
    struct error err;
    assert_int_equal(error_set(&err, STATUS_CORRUPT, "block %d", 7), STATUS_CORRUPT);
    error_add_context(&err, "shard %u", 2u);
    assert_string_equal(err.text, "shard 2: block 7");
    assert_int_equal(err.status, STATUS_CORRUPT);
    assert_int_equal(error_set(NULL, STATUS_TIMEOUT, "no one listens"), STATUS_TIMEOUT);
    assert_int_equal(error_set_errno(&err, ENOSPC, "write"), STATUS_NO_SPACE);
}

static void context_on_a_full_error_cuts_its_end(void **state)
{
    (void)state;
    struct error err;
    char words[600];
    memset(words, 'w', sizeof(words) - 1);
    words[sizeof(words) - 1] = '\0';
    error_set(&err, STATUS_IO, "%s", words);
    for (int i = 0; i < 10; i++)
        error_add_context(&err, "%s", words);
    assert_int_equal(strnlen(err.text, sizeof(err.text)), sizeof(err.text) - 1);
}

static void a_buffer_grows_and_stops_at_its_limit(void **state)
{
    (void)state;
    struct buffer buffer = {.limit = 10};
    buffer_append_string(&buffer, "12345");
    buffer_append_format(&buffer, "%d", 6789);
    assert_string_equal(buffer_string(&buffer), "123456789");
    buffer_append_string(&buffer, "too much");
    assert_true(buffer.failed);
    assert_int_equal(buffer.size, 9);
    buffer_append_byte(&buffer, 'x'); /* would fit, but the run is broken already */
    assert_int_equal(buffer.size, 9);
    buffer_clear(&buffer);
    buffer_append_string(&buffer, "1234567890");
    assert_false(buffer.failed);
    buffer_consume(&buffer, 4);
    assert_string_equal(buffer_string(&buffer), "567890");
    buffer_release(&buffer);
}

static void an_arena_hands_out_aligned_memory_up_to_its_limit(void **state)
{
    (void)state;
    struct arena arena;
    arena_init(&arena, 100000);
    for (int i = 1; i < 100; i++) {
        char *memory = arena_alloc(&arena, (size_t)i);
        assert_non_null(memory);
        assert_int_equal((uintptr_t)memory % _Alignof(max_align_t), 0);
        memset(memory, i, (size_t)i);
    }
    assert_non_null(arena_alloc(&arena, 50000));
    assert_null(arena_alloc(&arena, 60000));
    assert_string_equal(arena_format(&arena, "%s-%d", "x", 5), "x-5");
    arena_reset(&arena);
    assert_non_null(arena_alloc(&arena, 60000));
    arena_release(&arena);
}

static void crc32c_is_that_of_rfc_3720(void **state)
{
    (void)state;
    uint8_t zeros[32] = {0};
    assert_int_equal(crc32c(0, zeros, sizeof(zeros)), 0x8a9136aa);
    assert_int_equal(crc32c(0, "123456789", 9), 0xe3069283);
    assert_int_equal(crc32c(crc32c(0, "1234", 4), "56789", 5), 0xe3069283);
}

static void hashes_are_stable_across_versions(void **state)
{
    (void)state;
    assert_int_equal(url_hash("http://localhost/", 17), hash64("http://localhost/", 17));
    assert_int_equal(hash64("", 0), 0x2d06800538d394c2); /* XXH3 of nothing */
    assert_true(url_hash_slot(~0ull) == 255);
}

static void hexadecimal_reads_back(void **state)
{
    (void)state;
    uint8_t bytes[4] = {0x00, 0xff, 0x1a, 0xb2}, back[4];
    char text[9];
    assert_string_equal(hex_encode(bytes, 4, text), "00ff1ab2");
    assert_true(hex_decode("00FF1ab2", back, 4));
    assert_memory_equal(bytes, back, 4);
    assert_false(hex_decode("00ff1ab", back, 4));
    assert_false(hex_decode("00ff1ab23", back, 4));
    assert_false(hex_decode("00ff1xb2", back, 4));
}

static void a_file_is_replaced_whole_with_its_mode(void **state)
{
    (void)state;
    char folder[] = "/tmp/tierce-file-XXXXXX", path[64], deep[96];
    struct error err;
    struct buffer bytes = {0};
    struct stat info;
    assert_non_null(mkdtemp(folder));
    snprintf(path, sizeof(path), "%s/secret", folder);
    assert_int_equal(file_replace(path, "one", 3, 0600, &err), STATUS_OK);
    assert_int_equal(file_replace(path, "second", 6, 0600, &err), STATUS_OK);
    assert_int_equal(stat(path, &info), 0);
    assert_int_equal(info.st_mode & 0777, 0600);
    assert_int_equal(file_read(path, 100, &bytes, &err), STATUS_OK);
    assert_string_equal(buffer_string(&bytes), "second");
    buffer_clear(&bytes);
    assert_int_equal(file_read(path, 5, &bytes, &err), STATUS_TOO_LARGE);
    unlink(path);
    assert_int_equal(file_read(path, 100, &bytes, &err), STATUS_NOT_FOUND);
    snprintf(deep, sizeof(deep), "%s/a/b", folder);
    assert_int_equal(file_make_folders(deep, 0700, &err), STATUS_OK);
    assert_int_equal(rmdir(deep), 0);
    snprintf(deep, sizeof(deep), "%s/a", folder);
    assert_int_equal(rmdir(deep), 0);
    assert_int_equal(rmdir(folder), 0);
    buffer_release(&bytes);
}

static void times_are_written_by_rfc_3339(void **state)
{
    (void)state;
    char text[CLOCK_RFC3339_SIZE];
    assert_string_equal(clock_rfc3339(0, text), "1970-01-01T00:00:00Z");
    assert_string_equal(clock_rfc3339(951782400000000, text), "2000-02-29T00:00:00Z");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(an_error_keeps_its_status_and_takes_context_in_front),
        cmocka_unit_test(context_on_a_full_error_cuts_its_end),
        cmocka_unit_test(a_buffer_grows_and_stops_at_its_limit),
        cmocka_unit_test(an_arena_hands_out_aligned_memory_up_to_its_limit),
        cmocka_unit_test(crc32c_is_that_of_rfc_3720),
        cmocka_unit_test(hashes_are_stable_across_versions),
        cmocka_unit_test(hexadecimal_reads_back),
        cmocka_unit_test(a_file_is_replaced_whole_with_its_mode),
        cmocka_unit_test(times_are_written_by_rfc_3339),
    };
    return cmocka_run_group_tests_name("base", tests, NULL, NULL);
}
