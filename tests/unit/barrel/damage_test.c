/* Files that cannot be read, or hold wrong bytes: the barrel erases its index and says so. */
#include <fcntl.h>
#include <glob.h>
#include <limits.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "barrel/barrel.h"
#include "barrel/damage.h"
#include "barrel/scrub.h"
#include "base/check.h"
#include "base/file.h"
#include "base/log.h"
#include "tests/unit/unit.h"

static char folder[PATH_MAX];

static int set_up(void **state)
{
    (void)state;
    const char *temporary = getenv("TMPDIR");
    snprintf(folder, sizeof(folder), "%s/damage-XXXXXX", temporary == NULL ? "/tmp" : temporary);
    return mkdtemp(folder) == NULL ? -1 : 0;
}

static int tear_down(void **state)
{
    (void)state;
    char command[PATH_MAX + 16];
    snprintf(command, sizeof(command), "rm -rf '%s'", folder);
    return system(command);
}

/* ---- marks ---- */

/* Runs it in a process of its own; how that ended. */
static int end_of(void run(void))
{
    int ended;
    pid_t child = fork();
    assert_true(child >= 0);
    if (child == 0) {
        const struct rlimit no_core = {0, 0};
        setrlimit(RLIMIT_CORE, &no_core);
        damage_watch(folder);
        run();
        _exit(0);
    }
    assert_int_equal(waitpid(child, &ended, 0), child);
    return ended;
}

/* Whether the next opening would erase the store. */
static bool is_damaged(void)
{
    damage_watch(folder);
    const char *why = damage_begin_opening();
    damage_end_opening(false);
    return why != NULL;
}

/* What a mapped file does whose end is cut off. */
static void read_what_is_gone(void)
{
    char path[PATH_MAX + 16];
    snprintf(path, sizeof(path), "%s/mapped", folder);
    int fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0600);
    if (fd < 0 || ftruncate(fd, 8192) != 0)
        _exit(1);
    volatile char *bytes = mmap(NULL, 8192, PROT_READ, MAP_SHARED, fd, 0);
    if (bytes == MAP_FAILED || ftruncate(fd, 0) != 0)
        _exit(2);
    _exit(bytes[5000]);
}

static void a_file_that_cannot_be_read_leaves_a_mark(void **state)
{
    (void)state;
    assert_false(is_damaged());
    int ended = end_of(read_what_is_gone);
    assert_true(WIFSIGNALED(ended) && WTERMSIG(ended) == SIGBUS);
    assert_true(is_damaged());
    assert_true(is_damaged()); /* until it was opened, or erased */
    damage_begin_opening();
    damage_end_opening(true);
    assert_false(is_damaged());
}

static void crash_while_opening(void)
{
    volatile char *nothing =
        mmap(NULL, 4096, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0); /* no sanitizer's to see */
    if (nothing == MAP_FAILED)
        _exit(1);
    damage_begin_opening();
    _exit(nothing[0]);
}

static void abort_while_opening(void)
{
    damage_begin_opening();
    abort();
}

static void be_killed_while_opening(void)
{
    damage_begin_opening();
    raise(SIGKILL);
}

static int sent;

/* As by somebody with kill(1). */
static void be_sent_a_signal_while_opening(void)
{
    damage_begin_opening();
    pid_t child = fork();
    if (child == 0) {
        kill(getppid(), sent);
        _exit(0);
    }
    waitpid(child, NULL, 0);
}

static void crash_when_open(void)
{
    damage_begin_opening();
    damage_end_opening(true);
    abort();
}

static void openings_that_crash_are_counted_until_one_goes_well(void **state)
{
    (void)state;
    for (int i = 0; i < DAMAGE_CRASHES_MAX; i++) {
        assert_false(is_damaged());
        int ended = end_of(i % 2 == 0 ? crash_while_opening : abort_while_opening);
        assert_true(WIFSIGNALED(ended) && WTERMSIG(ended) == (i % 2 == 0 ? SIGSEGV : SIGABRT));
    }
    assert_true(is_damaged());
    damage_begin_opening();
    damage_end_opening(true);
    assert_false(is_damaged());
}

static void other_ends_are_no_damage(void **state)
{
    (void)state;
    static const int numbers[] = {SIGBUS, SIGSEGV, SIGABRT};
    for (int i = 0; i <= DAMAGE_CRASHES_MAX; i++) {
        assert_true(WIFSIGNALED(end_of(be_killed_while_opening)));
        assert_true(WIFSIGNALED(end_of(crash_when_open)));
        for (size_t j = 0; j < ARRAY_COUNT(numbers); j++) {
            sent = numbers[j];
            int ended = end_of(be_sent_a_signal_while_opening);
            assert_true(WIFSIGNALED(ended) && WTERMSIG(ended) == sent);
        }
    }
    assert_false(is_damaged());
}

/* ---- the barrel ---- */

static struct barrel barrel;

static void open_barrel(void)
{
    struct error err;
    assert_int_equal(barrel_init(&barrel, &err), STATUS_OK);
    if (barrel_open(folder, 64 << 20, 0, 255, &barrel, &err) != STATUS_OK)
        fail_msg("%s", err.text);
}

static uint64_t documents(void)
{
    struct index_size size;
    index_measure(barrel.index, &size);
    return size.documents;
}

/* A barrel with a document in a stored segment, whose feed was read to its end. */
static void fill_barrel(void)
{
    open_barrel();
    assert_true(barrel_is_rebuilding(&barrel));
    assert_int_equal(barrel_begin_anew(&barrel, (const uint8_t *)"log", 3, NULL), STATUS_OK);
    struct index_change change = {.kind = INDEX_PUT_DOCUMENT,
                                  .document = {.url = {"http://a.org/", 13},
                                               .site = {"a.org", 5},
                                               .text = {"some words", 10}}};
    assert_int_equal(index_apply(barrel.index, &change, 1, 5, NULL), STATUS_OK);
    assert_int_equal(index_flush(barrel.index, NULL), STATUS_OK);
    barrel_note_feed(&barrel, 5, 7);
    assert_true(barrel_is_rebuilding(&barrel));
    barrel_note_feed(&barrel, 8, 9);
    assert_false(barrel_is_rebuilding(&barrel));
}

/* Changes a byte of each file of the store that holds segments, among the values, or cuts the file
 * there. */
static void damage_files(bool cuts)
{
    char pattern[PATH_MAX + 16];
    glob_t files;
    snprintf(pattern, sizeof(pattern), "%s/db/*.sst", folder);
    assert_int_equal(glob(pattern, 0, NULL, &files), 0);
    for (size_t i = 0; i < files.gl_pathc; i++) {
        struct stat info;
        assert_int_equal(stat(files.gl_pathv[i], &info), 0);
        int fd = open(files.gl_pathv[i], O_RDWR | O_CLOEXEC);
        uint8_t byte;
        assert_int_equal(pread(fd, &byte, 1, info.st_size / 4), 1);
        byte ^= 4;
        if (cuts)
            assert_int_equal(ftruncate(fd, info.st_size / 4), 0);
        else
            assert_int_equal(pwrite(fd, &byte, 1, info.st_size / 4), 1);
        close(fd);
    }
    globfree(&files);
}

static void what_was_whole_is_opened_as_it_was(void **state)
{
    (void)state;
    fill_barrel();
    barrel_close(&barrel);
    open_barrel();
    assert_int_equal(documents(), 1);
    assert_false(barrel_is_rebuilding(&barrel));
    barrel_close(&barrel);
}

static void files_that_were_cut_are_erased(void **state)
{
    (void)state;
    fill_barrel();
    barrel_close(&barrel);
    damage_files(true);
    open_barrel();
    assert_int_equal(documents(), 0);
    assert_int_equal(index_applied_position(barrel.index), 0);
    assert_true(barrel_is_rebuilding(&barrel));
    barrel_close(&barrel);
    open_barrel(); /* it goes on being so */
    assert_true(barrel_is_rebuilding(&barrel));
    barrel_close(&barrel);
}

static const char *path_of(const char *name)
{
    static char path[PATH_MAX + 16];
    snprintf(path, sizeof(path), "%s/%s", folder, name);
    return path;
}

static void try_to_open(void)
{
    struct error err;
    if (barrel_init(&barrel, &err) != STATUS_OK)
        _exit(STATUS_NO_MEMORY);
    _exit((int)barrel_open(folder, 64 << 20, 0, 255, &barrel, &err));
}

/* What would erase it: its index were of other slots. */
static void try_to_open_for_other_slots(void)
{
    struct error err;
    if (barrel_init(&barrel, &err) != STATUS_OK)
        _exit(STATUS_NO_MEMORY);
    _exit((int)barrel_open(folder, 64 << 20, 0, 127, &barrel, &err));
}

static void a_folder_that_is_in_use_is_left_as_it_is(void **state)
{
    (void)state;
    fill_barrel();
    for (int i = 0; i < 2; i++) { /* also while the store is closed, to be erased */
        assert_int_equal(WEXITSTATUS(end_of(try_to_open_for_other_slots)), STATUS_CONFLICT);
        assert_int_equal(access(path_of("rebuilding"), F_OK), -1);
        index_close(barrel.index);
        storage_rocksdb_close(barrel.storage);
        barrel.index = NULL;
        barrel.storage = NULL;
    }
    barrel_close(&barrel);
    open_barrel();
    assert_int_equal(documents(), 1);
    assert_false(barrel_is_rebuilding(&barrel));
    barrel_close(&barrel);
    assert_int_equal(WEXITSTATUS(end_of(try_to_open_for_other_slots)), STATUS_OK);
}

static rlim_t files_max;

static void try_to_open_few_files(void)
{
    const struct rlimit few = {files_max, files_max};
    setrlimit(RLIMIT_NOFILE, &few);
    try_to_open();
}

static void what_could_not_be_erased_is_erased_later(void **state)
{
    (void)state;
    fill_barrel();
    barrel_close(&barrel);
    assert_int_equal(file_replace(path_of("damaged"), "x", 1, 0600, NULL), STATUS_OK);
    files_max = 4;
    assert_int_equal(WEXITSTATUS(end_of(try_to_open_few_files)), STATUS_IO);
    open_barrel();
    assert_int_equal(documents(), 0);
    barrel_close(&barrel);
    fill_barrel();
    barrel_close(&barrel);
    open_barrel(); /* once */
    assert_int_equal(documents(), 1);
    barrel_close(&barrel);
}

static void what_cannot_be_opened_now_is_not_erased(void **state)
{
    (void)state;
    unsigned refusals = 0;
    fill_barrel();
    barrel_close(&barrel);
    for (files_max = 4; files_max < 40; files_max++) {
        int ended = end_of(try_to_open_few_files);
        assert_true(WIFEXITED(ended));
        assert_true(WEXITSTATUS(ended) == STATUS_OK || WEXITSTATUS(ended) == STATUS_IO);
        refusals += WEXITSTATUS(ended) == STATUS_IO;
    }
    assert_true(refusals > DAMAGE_CRASHES_MAX);
    open_barrel();
    assert_int_equal(documents(), 1);
    barrel_close(&barrel);
}

/* Nothing is opened, and the error says what to do. */
static void expect_origin_is_refused(enum status expected)
{
    struct error err;
    assert_int_equal(barrel_init(&barrel, &err), STATUS_OK);
    assert_int_equal(barrel_open(folder, 64 << 20, 0, 255, &barrel, &err), expected);
    assert_non_null(strstr(err.text, path_of("origin")));
    assert_non_null(strstr(err.text, "remove the file"));
    barrel_close(&barrel);
}

static void an_index_whose_origin_cannot_be_read_is_not_erased(void **state)
{
    (void)state;
    struct buffer origin = {0};
    static const char *const wrong[] = {"", "2 0 255 6c6f67\n", "1 0 255 6c6fxx\n", "\xff\xff"};
    fill_barrel();
    barrel_close(&barrel);
    assert_int_equal(file_read(path_of("origin"), 256, &origin, NULL), STATUS_OK);
    for (size_t i = 0; i < ARRAY_COUNT(wrong); i++) {
        assert_int_equal(file_replace(path_of("origin"), wrong[i], strlen(wrong[i]), 0600, NULL),
                         STATUS_OK);
        expect_origin_is_refused(STATUS_CORRUPT);
    }
    assert_int_equal(unlink(path_of("origin")), 0);
    assert_int_equal(mkdir(path_of("origin"), 0700), 0);
    expect_origin_is_refused(STATUS_IO);
    assert_int_equal(rmdir(path_of("origin")), 0);
    assert_int_equal(file_replace(path_of("origin"), origin.data, origin.size, 0600, NULL),
                     STATUS_OK);
    open_barrel();
    assert_int_equal(documents(), 1);
    barrel_close(&barrel);
    assert_int_equal(unlink(path_of("origin")), 0);
    open_barrel(); /* as the cure says */
    assert_int_equal(documents(), 0);
    assert_true(barrel_is_rebuilding(&barrel));
    barrel_close(&barrel);
    buffer_release(&origin);
}

static void an_index_of_no_log_yet_is_opened_as_it_was(void **state)
{
    (void)state;
    open_barrel();
    assert_int_equal(barrel_begin_anew(&barrel, (const uint8_t *)"", 0, NULL), STATUS_OK);
    barrel_close(&barrel);
    open_barrel();
    assert_int_equal(barrel.identity_size, 0);
    barrel_close(&barrel);
}

static void an_index_whose_origin_was_not_written_is_of_no_log(void **state)
{
    (void)state;
    fill_barrel();
    assert_int_equal(unlink(path_of("origin")), 0);
    assert_int_equal(mkdir(path_of("origin"), 0700), 0);
    assert_int_not_equal(barrel_begin_anew(&barrel, (const uint8_t *)"other", 5, NULL), STATUS_OK);
    assert_int_equal(barrel.identity_size, 0); /* what the feed says next is of another one */
    assert_int_equal(documents(), 0);
    assert_int_equal(rmdir(path_of("origin")), 0);
    assert_int_equal(barrel_begin_anew(&barrel, (const uint8_t *)"other", 5, NULL), STATUS_OK);
    barrel_close(&barrel);
    open_barrel();
    assert_int_equal(barrel.identity_size, 5);
    assert_memory_equal(barrel.identity, "other", 5);
    barrel_close(&barrel);
}

static void without_room_a_barrel_removes_in_memory_and_closes_unwritten(void **state)
{
    (void)state;
    struct error err;
    struct index_change put = {.kind = INDEX_PUT_DOCUMENT,
                               .document = {.url = {"http://b.org/", 13},
                                            .site = {"b.org", 5},
                                            .text = {"other words", 11}}};
    struct index_change gone = {.kind = INDEX_REMOVE_URL, .url = {"http://a.org/", 13}};
    fill_barrel();
    assert_int_equal(index_apply(barrel.index, &put, 1, 9, NULL), STATUS_OK);
    storage_rocksdb_keep_free(barrel.storage, UINT64_MAX);
    assert_int_equal(index_apply(barrel.index, &gone, 1, 9, NULL), STATUS_OK);
    assert_int_equal(documents(), 1);
    assert_int_equal(index_flush(barrel.index, &err), STATUS_NO_SPACE);
    barrel_close(&barrel);
    open_barrel(); /* as it was stored: the rest comes from the log again */
    assert_int_equal(documents(), 1);
    assert_int_equal(index_applied_position(barrel.index), 5);
    assert_int_equal(index_apply(barrel.index, &put, 1, 9, NULL), STATUS_OK);
    assert_int_equal(index_flush(barrel.index, NULL), STATUS_OK);
    assert_int_equal(documents(), 2);
    barrel_close(&barrel);
}

static void a_look_finds_a_wrong_byte_and_ends_the_answers(void **state)
{
    (void)state;
    struct scrub scrub = {0};
    fill_barrel();
    for (int step = 0; atomic_load(&barrel.checked_us) == 0; step++) {
        assert_true(step < 100);
        scrub_step(&scrub, &barrel);
        assert_false(barrel_is_damaged(&barrel));
    }
    damage_files(false);
    scrub.rests_until_ms = 0;
    for (int step = 0; !barrel_is_damaged(&barrel); step++) {
        assert_true(step < 100);
        scrub_step(&scrub, &barrel);
    }
    assert_int_equal(barrel_begin_anew(&barrel, (const uint8_t *)"log", 3, NULL), STATUS_OK);
    assert_false(barrel_is_damaged(&barrel));
    assert_int_equal(documents(), 0);
    scrub_release(&scrub);
    barrel_close(&barrel);
}

int main(void)
{
    log_set_lowest(LOG_ERROR_LEVEL);
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(a_file_that_cannot_be_read_leaves_a_mark, set_up,
                                        tear_down),
        cmocka_unit_test_setup_teardown(openings_that_crash_are_counted_until_one_goes_well, set_up,
                                        tear_down),
        cmocka_unit_test_setup_teardown(other_ends_are_no_damage, set_up, tear_down),
        cmocka_unit_test_setup_teardown(what_was_whole_is_opened_as_it_was, set_up, tear_down),
        cmocka_unit_test_setup_teardown(a_folder_that_is_in_use_is_left_as_it_is, set_up,
                                        tear_down),
        cmocka_unit_test_setup_teardown(what_cannot_be_opened_now_is_not_erased, set_up, tear_down),
        cmocka_unit_test_setup_teardown(what_could_not_be_erased_is_erased_later, set_up,
                                        tear_down),
        cmocka_unit_test_setup_teardown(an_index_whose_origin_cannot_be_read_is_not_erased, set_up,
                                        tear_down),
        cmocka_unit_test_setup_teardown(an_index_of_no_log_yet_is_opened_as_it_was, set_up,
                                        tear_down),
        cmocka_unit_test_setup_teardown(an_index_whose_origin_was_not_written_is_of_no_log, set_up,
                                        tear_down),
        cmocka_unit_test_setup_teardown(
            without_room_a_barrel_removes_in_memory_and_closes_unwritten, set_up, tear_down),
        cmocka_unit_test_setup_teardown(files_that_were_cut_are_erased, set_up, tear_down),
        cmocka_unit_test_setup_teardown(a_look_finds_a_wrong_byte_and_ends_the_answers, set_up,
                                        tear_down),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
