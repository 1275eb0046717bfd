/* A merge that meets a wrong byte while the index is about to be replaced. */
#include <dlfcn.h>
#include <fcntl.h>
#include <glob.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "barrel/barrel.h"
#include "barrel/merge.h"
#include "base/log.h"
#include "tests/unit/unit.h"

enum { SEGMENTS = 12 };

static char folder[PATH_MAX];
static struct barrel barrel;

/* ---- whoever waits for the lock ---- */

static bool someone_waits;
static bool was_damaged; /* when the one who waited had the lock */

/* What the follower does as soon as it has the lock. */
static void begin_anew(void)
{
    someone_waits = false;
    was_damaged = barrel_is_damaged(&barrel);
    assert_int_equal(barrel_begin_anew(&barrel, (const uint8_t *)"log", 3, NULL), STATUS_OK);
}

/* In place of the C library's: the one who waits comes before the giver's next step. */
int pthread_rwlock_unlock(pthread_rwlock_t *lock)
{
    static int (*unlock)(pthread_rwlock_t *);
    if (unlock == NULL)
        *(void **)&unlock = dlsym(RTLD_NEXT, "pthread_rwlock_unlock");
    int result = unlock(lock);
    if (lock == &barrel.lock && someone_waits)
        begin_anew();
    return result;
}

/* ---- an index to merge ---- */

static int set_up(void **state)
{
    (void)state;
    struct error err;
    const char *temporary = getenv("TMPDIR");
    snprintf(folder, sizeof(folder), "%s/merge-XXXXXX", temporary == NULL ? "/tmp" : temporary);
    if (mkdtemp(folder) == NULL || barrel_init(&barrel, &err) != STATUS_OK ||
        barrel_open(folder, 64 << 20, 0, 255, &barrel, &err) != STATUS_OK)
        return -1;
    for (uint64_t i = 1; i <= SEGMENTS; i++) {
        char url[32];
        int size = snprintf(url, sizeof(url), "http://a.org/%u", (unsigned)i);
        struct index_change change = {.kind = INDEX_PUT_DOCUMENT,
                                      .document = {.url = {url, (size_t)size},
                                                   .site = {"a.org", 5},
                                                   .text = {"some words", 10}}};
        if (index_apply(barrel.index, &change, 1, i, &err) != STATUS_OK ||
            index_flush(barrel.index, &err) != STATUS_OK)
            return -1;
    }
    return 0;
}

static int tear_down(void **state)
{
    (void)state;
    char command[PATH_MAX + 16];
    barrel_close(&barrel);
    snprintf(command, sizeof(command), "rm -rf '%s'", folder);
    return system(command);
}

static uint32_t segments(void)
{
    struct index_size size;
    index_measure(barrel.index, &size);
    return size.segments_stored;
}

/* Changes bytes of each file of the store that holds segments, among the values. */
static void damage_files(void)
{
    char pattern[PATH_MAX + 16];
    glob_t files;
    snprintf(pattern, sizeof(pattern), "%s/db/*.sst", folder);
    assert_int_equal(glob(pattern, 0, NULL, &files), 0);
    for (size_t i = 0; i < files.gl_pathc; i++) {
        struct stat info;
        uint8_t byte;
        int fd = open(files.gl_pathv[i], O_RDWR | O_CLOEXEC);
        assert_int_equal(fstat(fd, &info), 0);
        for (off_t at = 64; at < info.st_size / 2; at += 64) {
            assert_int_equal(pread(fd, &byte, 1, at), 1);
            byte ^= 4;
            assert_int_equal(pwrite(fd, &byte, 1, at), 1);
        }
        close(fd);
    }
    globfree(&files);
}

static void segments_are_merged(void **state)
{
    (void)state;
    uint32_t before = segments();
    merge_step(&barrel);
    assert_true(segments() < before);
    assert_false(barrel_is_damaged(&barrel));
}

static void a_wrong_byte_is_no_damage_of_the_index_that_comes_next(void **state)
{
    (void)state;
    damage_files();
    someone_waits = true;
    merge_step(&barrel);
    assert_true(was_damaged);
    assert_false(barrel_is_damaged(&barrel));
}

int main(void)
{
    log_set_lowest(LOG_ERROR_LEVEL);
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(segments_are_merged, set_up, tear_down),
        cmocka_unit_test_setup_teardown(a_wrong_byte_is_no_damage_of_the_index_that_comes_next,
                                        set_up, tear_down),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
