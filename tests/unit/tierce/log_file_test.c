#include "tests/unit/unit.h"

#include <fcntl.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "cli/log_file.h"

struct fixture {
    char folder[64];
    char path[128];
    struct log_file log;
};

static int set_up(void **state)
{
    struct fixture *fixture = calloc(1, sizeof(*fixture));
    strcpy(fixture->folder, "/tmp/tierce-log-XXXXXX");
    assert_non_null(mkdtemp(fixture->folder));
    snprintf(fixture->path, sizeof(fixture->path), "%s/log/tierce.log", fixture->folder);
    assert_int_equal(log_file_open(fixture->path, &fixture->log, NULL), STATUS_OK);
    *state = fixture;
    return 0;
}

static int tear_down(void **state)
{
    struct fixture *fixture = *state;
    char path[160];
    log_file_close(&fixture->log);
    unlink(fixture->path);
    snprintf(path, sizeof(path), "%s.1", fixture->path);
    unlink(path);
    snprintf(path, sizeof(path), "%s/log", fixture->folder);
    rmdir(path);
    assert_int_equal(rmdir(fixture->folder), 0);
    free(fixture);
    return 0;
}

static void append(struct fixture *fixture, const char *text)
{
    assert_int_equal(write(fixture->log.fd, text, strlen(text)), (ssize_t)strlen(text));
}

static void take(void *context, const char *line)
{
    fprintf(context, "%s\n", line);
}

static void ignore(void *context, const char *line)
{
    (void)context;
    (void)line;
}

static void assert_followed(struct fixture *fixture, const char *expected)
{
    char *bytes = NULL;
    size_t size = 0;
    FILE *file = open_memstream(&bytes, &size);
    log_file_follow(&fixture->log, take, file);
    fclose(file);
    assert_string_equal(bytes, expected);
    free(bytes);
}

static void every_new_line_is_handed_over_once(void **state)
{
    struct fixture *fixture = *state;
    append(fixture, "one\n\ntwo\n");
    assert_followed(fixture, "one\n\ntwo\n");
    assert_followed(fixture, "");
}

static void a_line_is_handed_over_when_it_is_whole(void **state)
{
    struct fixture *fixture = *state;
    append(fixture, "o");
    assert_followed(fixture, "");
    append(fixture, "n");
    assert_followed(fixture, "");
    append(fixture, "e\ntw");
    assert_followed(fixture, "one\n");
}

static void a_line_without_end_is_not_kept(void **state)
{
    struct fixture *fixture = *state;
    char block[1024];
    memset(block, 'x', sizeof(block));
    for (int i = 0; i < 1024; i++)
        assert_int_equal(write(fixture->log.fd, block, sizeof(block)), sizeof(block));
    assert_followed(fixture, "");
    assert_true(fixture->log.rest.size <= LOG_LINE_BYTES_MAX);
    append(fixture, "\nnext\n");
    assert_followed(fixture, "\nnext\n");
}

static void growth_can_be_polled_for(void **state)
{
    struct fixture *fixture = *state;
    struct pollfd grown = {.fd = fixture->log.watch_fd, .events = POLLIN};
    assert_int_equal(poll(&grown, 1, 0), 0);
    append(fixture, "one\n");
    assert_int_equal(poll(&grown, 1, 1000), 1);
    assert_followed(fixture, "one\n");
    assert_int_equal(poll(&grown, 1, 0), 0);
}

static void a_large_log_becomes_an_earlier_one(void **state)
{
    struct fixture *fixture = *state;
    char block[64 * 1024];
    char earlier[160];
    struct stat info;
    memset(block, 'x', sizeof(block));
    block[sizeof(block) - 1] = '\n';
    for (size_t size = 0; size <= LOG_FILE_BYTES_MAX; size += sizeof(block))
        assert_int_equal(write(fixture->log.fd, block, sizeof(block)), sizeof(block));
    log_file_follow(&fixture->log, ignore, NULL);
    assert_int_equal(fstat(fixture->log.fd, &info), 0);
    assert_int_equal(info.st_size, 0);
    snprintf(earlier, sizeof(earlier), "%s.1", fixture->path);
    assert_int_equal(stat(earlier, &info), 0);
    assert_true(info.st_size > LOG_FILE_BYTES_MAX);
    append(fixture, "first\n"); /* and it is followed from its new beginning */
    assert_followed(fixture, "first\n");
}

static void an_earlier_log_is_kept_at_the_start(void **state)
{
    struct fixture *fixture = *state;
    char earlier[160];
    append(fixture, "one\n");
    log_file_close(&fixture->log);
    assert_int_equal(log_file_open(fixture->path, &fixture->log, NULL), STATUS_OK);
    snprintf(earlier, sizeof(earlier), "%s.1", fixture->path);
    assert_int_equal(access(earlier, F_OK), 0);
    assert_followed(fixture, "");
}

static void only_its_owner_can_read_it(void **state)
{
    struct fixture *fixture = *state;
    struct stat info;
    assert_int_equal(fstat(fixture->log.fd, &info), 0);
    assert_int_equal(info.st_mode & 0777, 0600);
}

static void the_last_lines_are_told(void **state)
{
    struct fixture *fixture = *state;
    char *bytes = NULL;
    size_t size = 0;
    append(fixture, "one\ntwo\nthree\n");
    FILE *file = open_memstream(&bytes, &size);
    log_file_print_end(&fixture->log, 2, file);
    fclose(file);
    assert_string_equal(bytes, "  two\n  three\n");
    free(bytes);
    file = open_memstream(&bytes, &size);
    log_file_print_end(&fixture->log, 10, file);
    fclose(file);
    assert_string_equal(bytes, "  one\n  two\n  three\n");
    free(bytes);
}

int main(void)
{
#define WITH_LOG(test) cmocka_unit_test_setup_teardown(test, set_up, tear_down)
    const struct CMUnitTest tests[] = {
        WITH_LOG(every_new_line_is_handed_over_once),
        WITH_LOG(a_line_is_handed_over_when_it_is_whole),
        WITH_LOG(a_line_without_end_is_not_kept),
        WITH_LOG(growth_can_be_polled_for),
        WITH_LOG(a_large_log_becomes_an_earlier_one),
        WITH_LOG(an_earlier_log_is_kept_at_the_start),
        WITH_LOG(only_its_owner_can_read_it),
        WITH_LOG(the_last_lines_are_told),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
