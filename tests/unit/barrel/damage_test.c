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

static const char *begin_opening(void)
{
    const char *why;
    assert_int_equal(damage_begin_opening(folder, &why, NULL), STATUS_OK);
    return why;
}

/* What a mapped file does whose end is cut off. */
static void read_what_is_gone(void)
{
    char path[PATH_MAX + 16];
    const struct rlimit no_core = {0, 0};
    setrlimit(RLIMIT_CORE, &no_core);
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
    int ended;
    assert_null(begin_opening());
    damage_end_opening(folder);
    pid_t child = fork();
    assert_true(child >= 0);
    if (child == 0) {
        damage_watch(folder);
        read_what_is_gone();
    }
    assert_int_equal(waitpid(child, &ended, 0), child);
    assert_true(WIFSIGNALED(ended) && WTERMSIG(ended) == SIGBUS);
    assert_non_null(begin_opening());
    damage_end_opening(folder);
    assert_null(begin_opening());
}

static void openings_that_do_not_end_are_counted(void **state)
{
    (void)state;
    for (int i = 0; i < DAMAGE_OPENINGS_MAX; i++)
        assert_null(begin_opening());
    assert_non_null(begin_opening());
    damage_end_opening(folder);
    assert_null(begin_opening());
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
        cmocka_unit_test_setup_teardown(openings_that_do_not_end_are_counted, set_up, tear_down),
        cmocka_unit_test_setup_teardown(what_was_whole_is_opened_as_it_was, set_up, tear_down),
        cmocka_unit_test_setup_teardown(files_that_were_cut_are_erased, set_up, tear_down),
        cmocka_unit_test_setup_teardown(a_look_finds_a_wrong_byte_and_ends_the_answers, set_up,
                                        tear_down),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
