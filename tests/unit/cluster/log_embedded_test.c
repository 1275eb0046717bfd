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
#include <sys/wait.h>
#include <unistd.h>

#include "base/bytes.h"
#include "base/file.h"
#include "cluster/log.h"
#include "store/kv.h"

struct fixture {
    char folder[PATH_MAX];
    struct log_store *log;
    uint64_t epoch;
    struct error err;
};

static void reopen(struct fixture *f)
{
    log_close(f->log);
    f->log = NULL;
    if (log_open_embedded(f->folder, 8 << 20, &f->log, &f->err) != STATUS_OK)
        fail_msg("%s", f->err.text);
}

static int set_up(void **state)
{
    struct fixture *f = calloc(1, sizeof(*f));
    const char *temporary = getenv("TMPDIR");
    snprintf(f->folder, sizeof(f->folder), "%s/log-test-XXXXXX",
             temporary == NULL ? "/tmp" : temporary);
    if (mkdtemp(f->folder) == NULL)
        return -1;
    reopen(f);
    assert_int_equal(log_begin_epoch(f->log, &f->epoch, &f->err), STATUS_OK);
    *state = f;
    return 0;
}

static int tear_down(void **state)
{
    struct fixture *f = *state;
    char command[PATH_MAX + 16];
    log_close(f->log);
    snprintf(command, sizeof(command), "rm -rf '%s'", f->folder);
    if (system(command) != 0)
        print_message("%s is left\n", f->folder);
    free(f);
    return 0;
}

/* Entries that remove URLs named by a number: short, and each tells which it is. */
static enum status append(struct log_store *log, uint64_t epoch, int first, int count,
                          uint64_t *ret_first, struct error *err)
{
    Log__Remove removes[16];
    Log__Entry entries[16];
    Log__Entry *pointers[16];
    char values[16][32];
    for (int i = 0; i < count; i++) {
        log__remove__init(&removes[i]);
        log__entry__init(&entries[i]);
        snprintf(values[i], sizeof(values[i]), "http://example.org/%d", first + i);
        removes[i].value = values[i];
        entries[i].kind_case = LOG__ENTRY__KIND_REMOVE;
        entries[i].remove = &removes[i];
        pointers[i] = &entries[i];
    }
    return log_append(log, epoch, pointers, (size_t)count, ret_first, err);
}

static void append_ok(struct fixture *f, int first, int count, uint64_t expected_first)
{
    uint64_t sequence = 0;
    if (append(f->log, f->epoch, first, count, &sequence, &f->err) != STATUS_OK)
        fail_msg("%s", f->err.text);
    assert_int_equal(sequence, expected_first);
}

static bool collect(void *context, uint64_t sequence, const Log__Entry *entry)
{
    buffer_append_format(context, "%lu=%s ", sequence, strrchr(entry->remove->value, '/') + 1);
    return true;
}

static void assert_log(struct fixture *f, uint64_t from, const char *expected)
{
    struct buffer got = {0};
    assert_int_equal(log_read(f->log, from, collect, &got, &f->err), STATUS_OK);
    assert_string_equal(buffer_string(&got), expected);
    buffer_release(&got);
}

static void entries_are_read_in_order_after_reopening(void **state)
{
    struct fixture *f = *state;
    append_ok(f, 10, 1, 1);
    append_ok(f, 20, 3, 2);
    assert_log(f, 0, "1=10 2=20 3=21 4=22 ");
    reopen(f);
    assert_log(f, 0, "1=10 2=20 3=21 4=22 ");
    assert_log(f, 3, "3=21 4=22 ");
    assert_log(f, 5, "");
    append_ok(f, 30, 1, 5);
}

static void an_epoch_fences_the_writer_before_it(void **state)
{
    struct fixture *f = *state;
    uint64_t next = 0, sequence = 77;
    assert_int_equal(log_begin_epoch(f->log, &next, &f->err), STATUS_OK);
    assert_int_equal(next, f->epoch + 1);
    assert_int_equal(append(f->log, f->epoch, 1, 1, &sequence, &f->err), STATUS_CONFLICT);
    assert_int_equal(sequence, 77);
    assert_int_equal(append(f->log, next + 1, 1, 1, &sequence, &f->err), STATUS_CONFLICT);
    assert_int_equal(append(f->log, next, 1, 1, &sequence, &f->err), STATUS_OK);
    reopen(f);
    assert_int_equal(append(f->log, f->epoch, 1, 1, &sequence, &f->err), STATUS_CONFLICT);
    assert_int_equal(append(f->log, next, 2, 1, &sequence, &f->err), STATUS_OK);
    assert_log(f, 0, "1=1 2=2 ");
}

static void forgotten_entries_are_gone_and_their_numbers_are_not_used_again(void **state)
{
    struct fixture *f = *state;
    struct log_status status;
    struct arena arena = {0};
    Log__Entry *entry;
    append_ok(f, 1, 3, 1);
    const uint64_t old[] = {1, 3, 3, 99};
    assert_int_equal(log_forget(f->log, old, 1, &f->err), STATUS_OK);
    assert_int_equal(log_forget(f->log, old, 1, &f->err), STATUS_OK);
    assert_int_equal(log_forget(f->log, old + 1, 3, &f->err), STATUS_OK);
    assert_log(f, 0, "2=2 ");
    assert_int_equal(log_get(f->log, 1, &arena, &entry, &f->err), STATUS_NOT_FOUND);
    assert_int_equal(log_get(f->log, 2, &arena, &entry, &f->err), STATUS_OK);
    arena_release(&arena);
    reopen(f);
    log_get_status(f->log, &status);
    assert_int_equal(status.entries, 1);
    assert_int_equal(status.head, 3);
    append_ok(f, 4, 1, 4);
}

static void the_identity_is_made_with_the_log_and_stays(void **state)
{
    struct fixture *f = *state;
    struct log_status before, after;
    static const uint8_t none[16];
    log_get_status(f->log, &before);
    assert_memory_not_equal(before.identity, none, sizeof(none));
    append_ok(f, 1, 1, 1);
    reopen(f);
    log_get_status(f->log, &after);
    assert_memory_equal(before.identity, after.identity, sizeof(none));
    assert_int_equal(after.head, 1);
    assert_int_equal(after.entries, 1);
    assert_true(after.bytes > 0);
}

static bool stop_at_two(void *context, uint64_t sequence, const Log__Entry *entry)
{
    collect(context, sequence, entry);
    return sequence < 2;
}

static void a_visitor_can_stop(void **state)
{
    struct fixture *f = *state;
    struct buffer got = {0};
    append_ok(f, 1, 5, 1);
    assert_int_equal(log_read(f->log, 1, stop_at_two, &got, &f->err), STATUS_OK);
    assert_string_equal(buffer_string(&got), "1=1 2=2 ");
    buffer_release(&got);
}

/* How many files below the log's folder hold the text. */
static int files_with(struct fixture *f, const char *text)
{
    char command[PATH_MAX + 128];
    snprintf(command, sizeof(command), "exit $(grep -rl --binary-files=text '%s' '%s' | wc -l)",
             text, f->folder);
    return WEXITSTATUS(system(command));
}

static void what_was_forgotten_is_off_the_disk_after_scrubbing(void **state)
{
    struct fixture *f = *state;
    uint64_t first;
    Log__Content content = LOG__CONTENT__INIT;
    Log__Entry entry = LOG__ENTRY__INIT;
    Log__Entry *entries[] = {&entry};
    static char url[] = "http://example.org/secret-page";
    content.url = url;
    entry.kind_case = LOG__ENTRY__KIND_CONTENT;
    entry.content = &content;
    append_ok(f, 1, 1, 1);
    assert_int_equal(log_append(f->log, f->epoch, entries, 1, &first, &f->err), STATUS_OK);
    append_ok(f, 2, 1, 3);
    assert_int_equal(log_scrub(f->log, 1, 3, &f->err), STATUS_OK); /* now it is in a sorted file */
    assert_true(files_with(f, "secret-page") > 0);
    assert_int_equal(log_forget(f->log, &first, 1, &f->err), STATUS_OK);
    assert_int_equal(log_scrub(f->log, 2, 2, &f->err), STATUS_OK);
    assert_int_equal(files_with(f, "secret-page"), 0);
    assert_log(f, 0, "1=1 3=2 ");
}

/* ---- bytes that are not what they must be ---------------------------------------------------- */

static const struct kv_column columns[] = {{.name = "log"}, {.name = "meta"}};
static const struct kv_options options = {columns, 2, 0};

/* Replaces the value of a key behind the log's back. */
static void damage(struct fixture *f, unsigned column, const void *key, size_t key_size,
                   const void *value, size_t size)
{
    struct kv *kv = NULL;
    log_close(f->log);
    f->log = NULL;
    assert_int_equal(kv_open(f->folder, &options, &kv, &f->err), STATUS_OK);
    struct kv_batch *batch = kv_batch_new();
    kv_put(batch, kv, column, kv_slice(key, key_size), kv_slice(value, size));
    assert_int_equal(kv_write(kv, batch, true, &f->err), STATUS_OK);
    kv_batch_free(batch);
    kv_close(kv);
}

static void a_damaged_entry_stops_the_reading_and_is_named(void **state)
{
    struct fixture *f = *state;
    static const uint8_t key[8] = {0, 0, 0, 0, 0, 0, 0, 2};
    static const uint8_t torn[] = {1, 2, 3};
    struct buffer got = {0};
    struct arena arena = {0};
    Log__Entry *entry;
    append_ok(f, 1, 3, 1);
    damage(f, 0, key, sizeof(key), torn, sizeof(torn));
    reopen(f);
    assert_int_equal(log_read(f->log, 0, collect, &got, &f->err), STATUS_CORRUPT);
    assert_string_equal(buffer_string(&got), "1=1 ");
    assert_non_null(strstr(f->err.text, "entry 2"));
    assert_int_equal(log_get(f->log, 2, &arena, &entry, &f->err), STATUS_CORRUPT);
    assert_int_equal(log_get(f->log, 3, &arena, &entry, &f->err), STATUS_OK);
    arena_release(&arena);
    buffer_release(&got);
}

static void a_log_with_damaged_facts_about_itself_is_corrupt(void **state)
{
    struct fixture *f = *state;
    append_ok(f, 1, 3, 1);
    damage(f, 1, "head", 4, "x", 1);
    assert_int_equal(log_open_embedded(f->folder, 0, &f->log, &f->err), STATUS_CORRUPT);
    static const uint8_t low[8] = {0, 0, 0, 0, 0, 0, 0, 2};
    damage(f, 1, "head", 4, low, sizeof(low));
    assert_int_equal(log_open_embedded(f->folder, 0, &f->log, &f->err), STATUS_CORRUPT);
}

static void a_newer_log_is_refused_by_the_version_that_made_it(void **state)
{
    struct fixture *f = *state;
    char path[PATH_MAX + 16];
    static const char format[] = "tierce-store 9\nmade by 3.1\n";
    log_close(f->log);
    f->log = NULL;
    snprintf(path, sizeof(path), "%s/FORMAT", f->folder);
    assert_int_equal(file_replace(path, format, strlen(format), 0640, &f->err), STATUS_OK);
    assert_int_equal(log_open_embedded(f->folder, 0, &f->log, &f->err), STATUS_UNSUPPORTED);
    assert_non_null(strstr(f->err.text, "made by version 3.1"));
}

/* ---- kill -9 ----------------------------------------------------------------------------------
 */

/* Appends batches of 1 to 5 entries for ever and tells the last sequence of each when it returned.
 */
static void append_until_killed(struct fixture *f, int fd)
{
    uint64_t epoch, first;
    if (log_open_embedded(f->folder, 8 << 20, &f->log, &f->err) != STATUS_OK ||
        log_begin_epoch(f->log, &epoch, &f->err) != STATUS_OK)
        _exit(1);
    struct log_status status;
    log_get_status(f->log, &status);
    for (int next = (int)status.head + 1;;) {
        int count = 1 + next % 5;
        if (append(f->log, epoch, next, count, &first, &f->err) != STATUS_OK)
            _exit(1);
        next += count;
        uint64_t last = first + (uint64_t)count - 1;
        if (fd_write_all(fd, &last, sizeof(last), &f->err) != STATUS_OK)
            _exit(1);
    }
}

static uint64_t run_and_kill(struct fixture *f, int after)
{
    int ends[2];
    uint64_t last = 0, got;
    assert_int_equal(pipe(ends), 0);
    pid_t child = fork();
    if (child == 0)
        append_until_killed(f, ends[1]);
    close(ends[1]);
    for (int i = 0; i < after; i++) {
        assert_int_equal(fd_read_all(ends[0], &got, sizeof(got), &f->err), STATUS_OK);
        last = got;
    }
    kill(child, SIGKILL);
    while (fd_read_all(ends[0], &got, sizeof(got), NULL) == STATUS_OK)
        last = got;
    close(ends[0]);
    waitpid(child, NULL, 0);
    return last;
}

struct numbered {
    uint64_t next;
    bool wrong;
};

static bool check_numbered(void *context, uint64_t sequence, const Log__Entry *entry)
{
    struct numbered *numbered = context;
    uint64_t number = strtoull(strrchr(entry->remove->value, '/') + 1, NULL, 10);
    if (sequence != numbered->next || number != sequence)
        numbered->wrong = true;
    numbered->next = sequence + 1;
    return true;
}

static void nothing_acknowledged_is_lost_by_kill(void **state)
{
    struct fixture *f = *state;
    const char *wanted = getenv("KILL_CYCLES");
    int cycles = wanted == NULL ? 5 : atoi(wanted);
    for (int cycle = 0; cycle < cycles; cycle++) {
        log_close(f->log);
        f->log = NULL;
        uint64_t acknowledged = run_and_kill(f, 1 + cycle * 7 % 20);
        reopen(f);
        struct numbered numbered = {.next = 1};
        assert_int_equal(log_read(f->log, 0, check_numbered, &numbered, &f->err), STATUS_OK);
        assert_false(numbered.wrong);
        assert_true(numbered.next > acknowledged);
        struct log_status status;
        log_get_status(f->log, &status);
        assert_int_equal(status.head, numbered.next - 1);
        assert_int_equal(status.entries, status.head);
    }
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(entries_are_read_in_order_after_reopening),
        TEST(an_epoch_fences_the_writer_before_it),
        TEST(forgotten_entries_are_gone_and_their_numbers_are_not_used_again),
        TEST(the_identity_is_made_with_the_log_and_stays),
        TEST(a_visitor_can_stop),
        TEST(what_was_forgotten_is_off_the_disk_after_scrubbing),
        TEST(a_damaged_entry_stops_the_reading_and_is_named),
        TEST(a_log_with_damaged_facts_about_itself_is_corrupt),
        TEST(a_newer_log_is_refused_by_the_version_that_made_it),
        TEST(nothing_acknowledged_is_lost_by_kill),
    };
    return cmocka_run_group_tests_name("cluster/log_embedded", tests, NULL, NULL);
}
