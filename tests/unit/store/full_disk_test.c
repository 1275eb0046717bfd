/* A disk that fills up: what was acknowledged is there, and the store opens again. */
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
#include <sys/mount.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/bytes.h"
#include "base/file.h"
#include "store/kv.h"

enum { DISK_MB = 160, VALUE_BYTES = 64 * 1024, OPENINGS = 3 };

static const struct kv_column columns[] = {{.name = "values"}};
static const struct kv_options options = {columns, 1, 8 << 20};

struct fixture {
    char folder[PATH_MAX];
    char path[PATH_MAX + 16];
    bool mounted;
};

static int set_up(void **state)
{
    struct fixture *f = calloc(1, sizeof(*f));
    char size[32];
    const char *temporary = getenv("TMPDIR");
    snprintf(f->folder, sizeof(f->folder), "%s/full-disk-XXXXXX",
             temporary == NULL ? "/tmp" : temporary);
    if (mkdtemp(f->folder) == NULL)
        return -1;
    snprintf(size, sizeof(size), "size=%dm", DISK_MB);
    snprintf(f->path, sizeof(f->path), "%s/store", f->folder);
    f->mounted = mount("tmpfs", f->folder, "tmpfs", 0, size) == 0;
    *state = f;
    return 0;
}

static int tear_down(void **state)
{
    struct fixture *f = *state;
    if (f->mounted)
        umount2(f->folder, MNT_DETACH);
    rmdir(f->folder);
    free(f);
    return 0;
}

/* Bytes that do not compress. */
static void fill_value(uint8_t *value, uint64_t number)
{
    for (size_t i = 0; i < VALUE_BYTES; i += 8) {
        number = number * 6364136223846793005u + 1442695040888963407u;
        memcpy(value + i, &number, 8);
    }
}

/* Writes until it fails; tells the number of each value that is on disk. */
static void write_until_full(const char *path, uint64_t number, int fd)
{
    static uint8_t value[VALUE_BYTES];
    struct kv *kv = NULL;
    if (kv_open(path, &options, &kv, NULL) != STATUS_OK)
        _exit(3);
    struct kv_batch *batch = kv_batch_new();
    for (;; number++) {
        struct error err;
        uint8_t key[8];
        put_be64(key, number);
        fill_value(value, number);
        kv_batch_clear(batch);
        kv_put(batch, kv, 0, kv_slice(key, 8), kv_slice(value, VALUE_BYTES));
        enum status status = kv_write(kv, batch, true, &err);
        if (status != STATUS_OK)
            _exit(status == STATUS_NO_SPACE ? 0 : 4);
        if (fd_write_all(fd, key, 8, NULL) != STATUS_OK)
            _exit(5);
    }
}

/* Returns the last number that was told. Debian's RocksDB may abort on a full disk: that is no
 * loss. */
static uint64_t fill_disk(struct fixture *f, uint64_t first)
{
    int ends[2], result;
    uint8_t key[8];
    uint64_t last = first - 1;
    assert_int_equal(pipe(ends), 0);
    pid_t child = fork();
    if (child == 0) { /* a process of its own: the engine's threads are not inherited */
        char number[32], fd[16];
        snprintf(number, sizeof(number), "%lu", first);
        snprintf(fd, sizeof(fd), "%d", ends[1]);
        execl("/proc/self/exe", "full_disk_test", f->path, number, fd, NULL);
        _exit(6);
    }
    close(ends[1]);
    while (fd_read_all(ends[0], key, sizeof(key), NULL) == STATUS_OK)
        last = get_be64(key);
    close(ends[0]);
    assert_int_equal(waitpid(child, &result, 0), child);
    if (WIFEXITED(result))
        assert_int_equal(WEXITSTATUS(result), 0);
    else
        assert_int_equal(WTERMSIG(result), SIGABRT);
    return last;
}

static void check_values(struct fixture *f, uint64_t last)
{
    struct kv *kv = NULL;
    struct error err;
    static uint8_t expected[VALUE_BYTES];
    if (kv_open(f->path, &options, &kv, &err) != STATUS_OK)
        fail_msg("%s", err.text);
    for (uint64_t number = 1; number <= last; number++) {
        struct buffer value = {0};
        uint8_t key[8];
        put_be64(key, number);
        fill_value(expected, number);
        assert_int_equal(kv_get(kv, 0, kv_slice(key, 8), &value, &err), STATUS_OK);
        assert_int_equal(value.size, VALUE_BYTES);
        assert_memory_equal(value.data, expected, VALUE_BYTES);
        buffer_release(&value);
    }
    kv_close(kv);
}

static bool has_ballast(struct fixture *f)
{
    char path[PATH_MAX + 32];
    snprintf(path, sizeof(path), "%s/ballast", f->path);
    return access(path, F_OK) == 0;
}

static void a_store_on_a_full_disk_opens_again_with_all_that_was_acknowledged(void **state)
{
    struct fixture *f = *state;
    struct kv *kv = NULL;
    if (!f->mounted) {
        print_message("SKIPPED: a small disk cannot be mounted here (it takes root)\n");
        skip();
    }
    assert_int_equal(kv_open(f->path, &options, &kv, NULL), STATUS_OK);
    assert_true(has_ballast(f));
    kv_close(kv);
    uint64_t last = fill_disk(f, 1);
    assert_true(last * VALUE_BYTES > (uint64_t)DISK_MB * 1024 * 1024 / 4);
    for (int i = 0; i < OPENINGS; i++) { /* whoever opened it writes nothing while it is full */
        check_values(f, last);
        assert_false(has_ballast(f)); /* it was given back */
    }
}

int main(int argc, char **argv)
{
    if (argc == 4)
        write_until_full(argv[1], strtoull(argv[2], NULL, 10), atoi(argv[3]));
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(
            a_store_on_a_full_disk_opens_again_with_all_that_was_acknowledged, set_up, tear_down),
    };
    return cmocka_run_group_tests_name("store/full_disk", tests, NULL, NULL);
}
