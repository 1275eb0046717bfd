#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <limits.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/bytes.h"
#include "base/file.h"
#include "store/kv.h"

enum { SMALL, PREFIXED, LARGE };

static const struct kv_column columns[] = {
    {.name = "small"},
    {.name = "prefixed", .prefix_bytes = 8},
    {.name = "large", .large_values = true},
};
static const struct kv_options options = {columns, 3, 8 << 20};

struct fixture {
    char folder[PATH_MAX];
    char path[PATH_MAX + 16];
    struct kv *kv;
    struct error err;
};

static void reopen(struct fixture *f)
{
    kv_close(f->kv);
    f->kv = NULL;
    if (kv_open(f->path, &options, &f->kv, &f->err) != STATUS_OK)
        fail_msg("%s", f->err.text);
}

static int set_up(void **state)
{
    struct fixture *f = calloc(1, sizeof(*f));
    const char *temporary = getenv("TMPDIR");
    snprintf(f->folder, sizeof(f->folder), "%s/kv-test-XXXXXX",
             temporary == NULL ? "/tmp" : temporary);
    if (mkdtemp(f->folder) == NULL)
        return -1;
    snprintf(f->path, sizeof(f->path), "%s/store", f->folder);
    reopen(f);
    *state = f;
    return 0;
}

static void remove_folder(const char *path)
{
    char command[PATH_MAX + 16];
    snprintf(command, sizeof(command), "rm -rf '%s'", path);
    if (system(command) != 0)
        print_message("%s is left\n", path);
}

static int tear_down(void **state)
{
    struct fixture *f = *state;
    kv_close(f->kv);
    remove_folder(f->folder);
    free(f);
    return 0;
}

static struct kv_slice text(const char *string)
{
    return kv_slice(string, strlen(string));
}

static void put(struct fixture *f, unsigned column, const char *key, const char *value)
{
    struct kv_batch *batch = kv_batch_new();
    kv_put(batch, f->kv, column, text(key), text(value));
    assert_int_equal(kv_write(f->kv, batch, false, &f->err), STATUS_OK);
    kv_batch_free(batch);
}

static void assert_value(struct fixture *f, unsigned column, const char *key, const char *value)
{
    struct buffer got = {0};
    enum status status = kv_get(f->kv, column, text(key), &got, &f->err);
    if (value == NULL) {
        assert_int_equal(status, STATUS_NOT_FOUND);
    } else {
        assert_int_equal(status, STATUS_OK);
        assert_string_equal(buffer_string(&got), value);
    }
    buffer_release(&got);
}

static void what_was_put_is_there_after_reopening(void **state)
{
    struct fixture *f = *state;
    put(f, SMALL, "a", "1");
    put(f, LARGE, "a", "2");
    reopen(f);
    assert_value(f, SMALL, "a", "1");
    assert_value(f, LARGE, "a", "2");
    assert_value(f, PREFIXED, "a", NULL);
    assert_true(kv_disk_bytes(f->kv) > 0);
}

static void a_batch_applies_in_order_to_all_columns(void **state)
{
    struct fixture *f = *state;
    put(f, SMALL, "gone", "x");
    struct kv_batch *batch = kv_batch_new();
    kv_put(batch, f->kv, SMALL, text("a"), text("old"));
    kv_put(batch, f->kv, SMALL, text("a"), text("new"));
    kv_delete(batch, f->kv, SMALL, text("gone"));
    kv_put(batch, f->kv, PREFIXED, text("b"), text(""));
    assert_true(kv_batch_bytes(batch) > 10);
    assert_int_equal(kv_write(f->kv, batch, true, &f->err), STATUS_OK);
    kv_batch_clear(batch);
    assert_int_equal(kv_write(f->kv, batch, true, &f->err), STATUS_OK);
    kv_batch_free(batch);
    assert_value(f, SMALL, "a", "new");
    assert_value(f, SMALL, "gone", NULL);
    assert_value(f, PREFIXED, "b", "");
}

static void a_deleted_range_ends_before_its_end(void **state)
{
    struct fixture *f = *state;
    put(f, SMALL, "a", "1");
    put(f, SMALL, "b", "2");
    put(f, SMALL, "c", "3");
    struct kv_batch *batch = kv_batch_new();
    kv_delete_range(batch, f->kv, SMALL, text("a"), text("c"));
    assert_int_equal(kv_write(f->kv, batch, false, &f->err), STATUS_OK);
    kv_batch_free(batch);
    assert_value(f, SMALL, "a", NULL);
    assert_value(f, SMALL, "b", NULL);
    assert_value(f, SMALL, "c", "3");
}

static void an_iterator_sees_the_store_as_it_was(void **state)
{
    struct fixture *f = *state;
    put(f, SMALL, "a", "1");
    put(f, SMALL, "c", "3");
    struct kv_iterator *it = kv_iterator_open(f->kv, SMALL);
    put(f, SMALL, "b", "2");
    assert_true(kv_iterator_seek(it, text("")));
    assert_memory_equal(kv_iterator_key(it).data, "a", 1);
    assert_true(kv_iterator_next(it));
    assert_memory_equal(kv_iterator_key(it).data, "c", 1);
    assert_memory_equal(kv_iterator_value(it).data, "3", 1);
    assert_false(kv_iterator_next(it));
    assert_false(kv_iterator_valid(it));
    assert_int_equal(kv_iterator_status(it, &f->err), STATUS_OK);
    assert_true(kv_iterator_seek_last(it));
    assert_memory_equal(kv_iterator_key(it).data, "c", 1);
    kv_iterator_close(it);
}

static void a_prefix_is_found_whole_in_memory_and_on_disk(void **state)
{
    struct fixture *f = *state;
    for (int flushed = 0; flushed < 2; flushed++) {
        put(f, PREFIXED, "aaaaaaaa1", "x");
        put(f, PREFIXED, "aaaaaaaa2", "y");
        put(f, PREFIXED, "bbbbbbbb1", "z");
        if (flushed)
            assert_int_equal(kv_flush(f->kv, &f->err), STATUS_OK);
        struct kv_iterator *it = kv_iterator_open(f->kv, PREFIXED);
        assert_true(kv_iterator_seek(it, text("aaaaaaaa")));
        assert_true(kv_iterator_next(it));
        assert_memory_equal(kv_iterator_key(it).data, "aaaaaaaa2", 9);
        /* a key shorter than the prefix walks the whole column */
        int count = 0;
        for (bool more = kv_iterator_seek(it, text("")); more; more = kv_iterator_next(it))
            count++;
        assert_int_equal(count, 3);
        kv_iterator_close(it);
    }
}

/* ---- large values -------------------------------------------------------------------------- */

enum { LARGE_BYTES = 3 << 20, LARGE_COUNT = 4 };

static void make_large(uint8_t *value, unsigned segment, unsigned part)
{
    for (size_t i = 0; i < LARGE_BYTES; i++)
        value[i] = (uint8_t)(i * 31 + segment * 7 + part);
}

static void add_segment(struct fixture *f, uint32_t segment)
{
    struct kv_bulk *bulk = NULL;
    uint8_t *value = malloc(LARGE_BYTES);
    assert_int_equal(kv_bulk_open(f->kv, LARGE, &bulk, &f->err), STATUS_OK);
    for (uint32_t part = 0; part < LARGE_COUNT; part++) {
        uint8_t key[8];
        put_be32(key, segment);
        put_be32(key + 4, part);
        make_large(value, segment, part);
        assert_int_equal(kv_bulk_add(bulk, kv_slice(key, 8), kv_slice(value, LARGE_BYTES), &f->err),
                         STATUS_OK);
    }
    free(value);
    assert_int_equal(kv_bulk_finish(bulk, &f->err), STATUS_OK);
}

static void drop_segment(struct fixture *f, uint32_t segment)
{
    uint8_t first[4], end[4];
    put_be32(first, segment);
    put_be32(end, segment + 1);
    struct kv_batch *batch = kv_batch_new();
    kv_delete_range(batch, f->kv, LARGE, kv_slice(first, 4), kv_slice(end, 4));
    assert_int_equal(kv_write(f->kv, batch, true, &f->err), STATUS_OK);
    kv_batch_free(batch);
}

static bool is_mapped(const void *pointer)
{
    FILE *maps = fopen("/proc/self/maps", "r");
    char line[1024];
    bool found = false;
    while (!found && fgets(line, sizeof(line), maps) != NULL) {
        unsigned long from, to;
        if (sscanf(line, "%lx-%lx", &from, &to) == 2)
            found = (uintptr_t)pointer >= from && (uintptr_t)pointer < to &&
                    strstr(line, ".sst") != NULL;
    }
    fclose(maps);
    return found;
}

static void large_values_are_read_from_the_mapped_file(void **state)
{
    struct fixture *f = *state;
    add_segment(f, 1);
    add_segment(f, 2);
    reopen(f);
    uint8_t *expected = malloc(LARGE_BYTES);
    for (uint32_t segment = 1; segment <= 2; segment++) {
        uint8_t key[8];
        put_be32(key, segment);
        put_be32(key + 4, 3);
        struct kv_iterator *it = kv_iterator_open(f->kv, LARGE);
        assert_true(kv_iterator_seek(it, kv_slice(key, 8)));
        struct kv_slice value = kv_iterator_value(it);
        make_large(expected, segment, 3);
        assert_int_equal(value.size, LARGE_BYTES);
        assert_memory_equal(value.data, expected, LARGE_BYTES);
        assert_true(is_mapped(value.data));
        kv_iterator_close(it);
    }
    free(expected);
}

static void a_dropped_segment_gives_its_space_back_but_its_reader_goes_on(void **state)
{
    struct fixture *f = *state;
    add_segment(f, 1);
    add_segment(f, 2);
    uint8_t key[8] = {0, 0, 0, 1, 0, 0, 0, 2};
    struct kv_iterator *it = kv_iterator_open(f->kv, LARGE);
    assert_true(kv_iterator_seek(it, kv_slice(key, 8)));
    struct kv_slice value = kv_iterator_value(it);
    uint64_t before = kv_disk_bytes(f->kv);
    drop_segment(f, 1);
    uint8_t *expected = malloc(LARGE_BYTES);
    make_large(expected, 1, 2);
    assert_memory_equal(value.data, expected, LARGE_BYTES);
    free(expected);
    kv_iterator_close(it);

    struct kv_iterator *after = kv_iterator_open(f->kv, LARGE);
    assert_true(kv_iterator_seek(after, text("")));
    assert_int_equal(get_be32(kv_iterator_key(after).data), 2);
    kv_iterator_close(after);
    reopen(f);
    assert_true(kv_disk_bytes(f->kv) + LARGE_COUNT * LARGE_BYTES / 2 < before);
}

static void a_segment_that_begins_at_the_end_of_a_dropped_range_stays(void **state)
{
    struct fixture *f = *state;
    struct kv_bulk *bulk = NULL;
    assert_int_equal(kv_bulk_open(f->kv, LARGE, &bulk, &f->err), STATUS_OK);
    assert_int_equal(kv_bulk_add(bulk, text("a"), text("1"), &f->err), STATUS_OK);
    assert_int_equal(kv_bulk_add(bulk, text("b"), text("2"), &f->err), STATUS_OK);
    assert_int_equal(kv_bulk_finish(bulk, &f->err), STATUS_OK);
    struct kv_batch *batch = kv_batch_new();
    kv_delete_range(batch, f->kv, LARGE, text("a"), text("b"));
    assert_int_equal(kv_write(f->kv, batch, true, &f->err), STATUS_OK);
    kv_batch_free(batch);
    assert_value(f, LARGE, "a", NULL);
    assert_value(f, LARGE, "b", "2");
}

static void an_aborted_bulk_leaves_nothing(void **state)
{
    struct fixture *f = *state;
    struct kv_bulk *bulk = NULL;
    assert_int_equal(kv_bulk_open(f->kv, LARGE, &bulk, &f->err), STATUS_OK);
    assert_int_equal(kv_bulk_add(bulk, text("a"), text("1"), &f->err), STATUS_OK);
    kv_bulk_abort(bulk);
    assert_value(f, LARGE, "a", NULL);
    assert_int_equal(kv_bulk_open(f->kv, LARGE, &bulk, &f->err), STATUS_OK);
    assert_int_equal(kv_bulk_finish(bulk, &f->err), STATUS_OK); /* empty: nothing to add */
}

static void bulk_keys_must_ascend(void **state)
{
    struct fixture *f = *state;
    struct kv_bulk *bulk = NULL;
    assert_int_equal(kv_bulk_open(f->kv, LARGE, &bulk, &f->err), STATUS_OK);
    assert_int_equal(kv_bulk_add(bulk, text("b"), text("1"), &f->err), STATUS_OK);
    assert_int_not_equal(kv_bulk_add(bulk, text("a"), text("1"), &f->err), STATUS_OK);
    kv_bulk_abort(bulk);
}

/* ---- the folder ---------------------------------------------------------------------------- */

static void a_second_process_is_told_that_it_is_open(void **state)
{
    struct fixture *f = *state;
    struct kv_bulk *bulk = NULL;
    assert_int_equal(kv_bulk_open(f->kv, LARGE, &bulk, &f->err), STATUS_OK);
    assert_int_equal(kv_bulk_add(bulk, text("a"), text("1"), &f->err), STATUS_OK);
    pid_t child = fork();
    if (child == 0) {
        struct kv *second = NULL;
        bool refused = kv_open(f->path, &options, &second, &f->err) == STATUS_CONFLICT &&
                       kv_erase(f->path, &f->err) == STATUS_CONFLICT;
        _exit(refused ? 0 : 1);
    }
    int result = 0;
    assert_int_equal(waitpid(child, &result, 0), child);
    assert_int_equal(result, 0);
    /* It has not taken away what is being written, either. */
    assert_int_equal(kv_bulk_finish(bulk, &f->err), STATUS_OK);
    assert_value(f, LARGE, "a", "1");
}

static void write_format(struct fixture *f, const char *words)
{
    char path[PATH_MAX + 32];
    kv_close(f->kv);
    f->kv = NULL;
    snprintf(path, sizeof(path), "%s/FORMAT", f->path);
    assert_int_equal(file_replace(path, words, strlen(words), 0640, &f->err), STATUS_OK);
}

static void a_newer_store_is_refused_by_the_version_that_made_it(void **state)
{
    struct fixture *f = *state;
    write_format(f, "tierce-store 2\nmade by 9.8.7\n");
    assert_int_equal(kv_open(f->path, &options, &f->kv, &f->err), STATUS_UNSUPPORTED);
    assert_non_null(strstr(f->err.text, "made by version 9.8.7 "));
}

static void a_format_file_that_is_none_is_corrupt(void **state)
{
    struct fixture *f = *state;
    static const char *const wrong[] = {"", "hello", "tierce-store \n", "tierce-store 0\n",
                                        "tierce-store 99999999999999999999999\n"};
    for (size_t i = 0; i < 5; i++) {
        write_format(f, wrong[i]);
        assert_int_equal(kv_open(f->path, &options, &f->kv, &f->err), STATUS_CORRUPT);
    }
}

static void a_checkpoint_is_a_store_of_its_own(void **state)
{
    struct fixture *f = *state;
    char copy[PATH_MAX + 32];
    put(f, SMALL, "a", "1");
    add_segment(f, 1);
    snprintf(copy, sizeof(copy), "%s/copy", f->folder);
    assert_int_equal(kv_checkpoint(f->kv, copy, &f->err), STATUS_OK);
    assert_int_equal(kv_checkpoint(f->kv, copy, &f->err), STATUS_CONFLICT);
    put(f, SMALL, "a", "2");

    struct fixture second = {0};
    snprintf(second.path, sizeof(second.path), "%s/copy", f->folder);
    reopen(&second);
    assert_value(&second, SMALL, "a", "1");
    kv_close(second.kv);

    char file[PATH_MAX + 64];
    snprintf(file, sizeof(file), "%s/FORMAT", copy);
    assert_int_equal(unlink(file), 0);
    assert_int_equal(kv_open(copy, &options, &second.kv, &second.err), STATUS_CORRUPT);
    assert_value(f, SMALL, "a", "2");
}

static void columns_of_another_version_do_no_harm(void **state)
{
    struct fixture *f = *state;
    put(f, SMALL, "a", "1");
    put(f, PREFIXED, "b", "2");
    kv_close(f->kv);
    f->kv = NULL;
    struct kv *fewer = NULL;
    struct kv_options less = {columns, 1, 0};
    assert_int_equal(kv_open(f->path, &less, &fewer, &f->err), STATUS_OK);
    kv_close(fewer);
    reopen(f);
    assert_value(f, SMALL, "a", "1");
    assert_value(f, PREFIXED, "b", "2");
}

/* A writer that tells each number after it is synced, and is killed. */
static void write_numbers(struct fixture *f, int fd)
{
    struct kv *kv = NULL;
    if (kv_open(f->path, &options, &kv, &f->err) != STATUS_OK)
        _exit(1);
    struct kv_batch *batch = kv_batch_new();
    for (uint64_t number = 1;; number++) {
        uint8_t key[8];
        put_be64(key, number);
        kv_batch_clear(batch);
        kv_put(batch, kv, SMALL, kv_slice(key, 8), kv_slice(key, 8));
        if (kv_write(kv, batch, true, &f->err) != STATUS_OK ||
            fd_write_all(fd, key, sizeof(key), &f->err) != STATUS_OK)
            _exit(1);
    }
}

static void what_was_synced_survives_kill(void **state)
{
    struct fixture *f = *state;
    kv_close(f->kv);
    f->kv = NULL;
    int ends[2];
    assert_int_equal(pipe(ends), 0);
    pid_t child = fork();
    if (child == 0)
        write_numbers(f, ends[1]);
    close(ends[1]);
    uint8_t key[8], last[8] = {0};
    for (int i = 0; i < 50; i++)
        assert_int_equal(fd_read_all(ends[0], key, 8, &f->err), STATUS_OK);
    kill(child, SIGKILL);
    do
        memcpy(last, key, 8);
    while (fd_read_all(ends[0], key, 8, NULL) == STATUS_OK);
    close(ends[0]);
    waitpid(child, NULL, 0);
    reopen(f);
    for (uint64_t number = 1; number <= get_be64(last); number++) {
        struct buffer got = {0};
        put_be64(key, number);
        assert_int_equal(kv_get(f->kv, SMALL, kv_slice(key, 8), &got, &f->err), STATUS_OK);
        buffer_release(&got);
    }
}

static void a_damaged_file_is_corrupt_and_not_an_answer(void **state)
{
    struct fixture *f = *state;
    for (int i = 0; i < 1000; i++) {
        char key[16];
        snprintf(key, sizeof(key), "key %06d", i);
        put(f, SMALL, key, "some value that is long enough to fill a few blocks of the file");
    }
    assert_int_equal(kv_flush(f->kv, &f->err), STATUS_OK);
    kv_close(f->kv);
    f->kv = NULL;
    char command[PATH_MAX + 128];
    snprintf(command, sizeof(command),
             "for t in '%s'/db/*.sst; do printf XXXXXXXX | dd of=$t bs=1 seek=40 conv=notrunc "
             "2>/dev/null; done",
             f->path);
    assert_int_equal(system(command), 0);
    reopen(f);
    struct buffer got = {0};
    assert_int_equal(kv_get(f->kv, SMALL, text("key 000000"), &got, &f->err), STATUS_CORRUPT);
    struct kv_iterator *it = kv_iterator_open(f->kv, SMALL);
    bool more = kv_iterator_seek(it, text(""));
    while (more)
        more = kv_iterator_next(it);
    assert_int_equal(kv_iterator_status(it, &f->err), STATUS_CORRUPT);
    kv_iterator_close(it);
    buffer_release(&got);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(what_was_put_is_there_after_reopening),
        TEST(a_batch_applies_in_order_to_all_columns),
        TEST(a_deleted_range_ends_before_its_end),
        TEST(an_iterator_sees_the_store_as_it_was),
        TEST(a_prefix_is_found_whole_in_memory_and_on_disk),
        TEST(large_values_are_read_from_the_mapped_file),
        TEST(a_dropped_segment_gives_its_space_back_but_its_reader_goes_on),
        TEST(a_segment_that_begins_at_the_end_of_a_dropped_range_stays),
        TEST(an_aborted_bulk_leaves_nothing),
        TEST(bulk_keys_must_ascend),
        TEST(a_second_process_is_told_that_it_is_open),
        TEST(a_newer_store_is_refused_by_the_version_that_made_it),
        TEST(a_format_file_that_is_none_is_corrupt),
        TEST(a_checkpoint_is_a_store_of_its_own),
        TEST(columns_of_another_version_do_no_harm),
        TEST(what_was_synced_survives_kill),
        TEST(a_damaged_file_is_corrupt_and_not_an_answer),
    };
    return cmocka_run_group_tests_name("store/kv", tests, NULL, NULL);
}
