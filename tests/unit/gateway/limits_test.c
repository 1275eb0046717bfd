/* Allowances for each address, alone and shared by two processes. */
#include "tests/unit/unit.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "gateway/limits.h"

enum { SECOND_US = 1000000 };

static struct limits *private_table(void)
{
    struct limits *limits = NULL;
    assert_int_equal(limits_open("", &limits, NULL), STATUS_OK);
    return limits;
}

/* How many of `count` requests at one moment pass. */
static unsigned passing(struct limits *limits, const char *address, unsigned count, int64_t now_us)
{
    unsigned passed = 0;
    for (unsigned i = 0; i < count; i++)
        passed += limits_take(limits, address, 60, 10, now_us) == 0;
    return passed;
}

static void a_burst_passes_and_what_exceeds_it_waits(void **state)
{
    (void)state;
    struct limits *limits = private_table();
    int64_t now_us = 1000 * (int64_t)SECOND_US;
    assert_int_equal(passing(limits, "192.0.2.1", 15, now_us), 10);
    assert_int_equal(limits_take(limits, "192.0.2.1", 60, 10, now_us), 1); /* one a second */
    assert_int_equal(passing(limits, "192.0.2.1", 5, now_us + 3 * SECOND_US), 3);
    assert_int_equal(passing(limits, "192.0.2.1", 15, now_us + 100 * (int64_t)SECOND_US), 10);
    limits_close(limits);
}

static void the_wait_is_told_in_seconds(void **state)
{
    (void)state;
    struct limits *limits = private_table();
    assert_int_equal(limits_take(limits, "192.0.2.1", 2, 1, SECOND_US), 0);
    assert_int_equal(limits_take(limits, "192.0.2.1", 2, 1, SECOND_US), 30);
    assert_int_equal(limits_take(limits, "192.0.2.1", 2, 1, 31 * SECOND_US - 1000), 1);
    assert_int_equal(limits_take(limits, "192.0.2.1", 2, 1, 31 * SECOND_US), 0);
    limits_close(limits);
}

static void addresses_do_not_share_an_allowance(void **state)
{
    (void)state;
    struct limits *limits = private_table();
    assert_int_equal(passing(limits, "192.0.2.1", 20, SECOND_US), 10);
    assert_int_equal(passing(limits, "192.0.2.2", 20, SECOND_US), 10);
    assert_int_equal(passing(limits, "2001:db8:0:1::1", 20, SECOND_US), 10);
    assert_int_equal(passing(limits, "2001:db8:0:2::1", 20, SECOND_US), 10);
    limits_close(limits);
}

static void addresses_of_one_64_do(void **state)
{
    (void)state;
    struct limits *limits = private_table();
    assert_int_equal(passing(limits, "2001:db8::1", 6, SECOND_US), 6);
    assert_int_equal(passing(limits, "2001:db8::ffff:1", 6, SECOND_US), 4);
    assert_int_equal(passing(limits, "fe80::1%eth0", 6, SECOND_US), 6);
    assert_int_equal(passing(limits, "fe80::2%eth1", 6, SECOND_US), 4);
    limits_close(limits);
}

static void an_ipv4_address_is_the_same_when_mapped(void **state)
{
    (void)state;
    struct limits *limits = private_table();
    assert_int_equal(passing(limits, "192.0.2.9", 6, SECOND_US), 6);
    assert_int_equal(passing(limits, "::ffff:192.0.2.9", 6, SECOND_US), 4);
    limits_close(limits);
}

static void what_is_no_address_is_counted_by_its_text(void **state)
{
    (void)state;
    struct limits *limits = private_table();
    char long_text[500];
    memset(long_text, 'x', sizeof(long_text) - 1);
    long_text[sizeof(long_text) - 1] = '\0';
    assert_int_equal(passing(limits, "", 20, SECOND_US), 10);
    assert_int_equal(passing(limits, "unix:", 20, SECOND_US), 10);
    assert_int_equal(passing(limits, long_text, 20, SECOND_US), 10);
    limits_close(limits);
}

static void without_a_rate_there_is_no_limit(void **state)
{
    (void)state;
    struct limits *limits = private_table();
    for (unsigned i = 0; i < 1000; i++)
        assert_int_equal(limits_take(limits, "192.0.2.1", 0, 0, SECOND_US), 0);
    limits_close(limits);
}

static void a_clock_that_began_anew_frees_everybody(void **state)
{
    (void)state;
    struct limits *limits = private_table();
    assert_int_equal(passing(limits, "192.0.2.1", 20, 1000000 * (int64_t)SECOND_US), 10);
    assert_int_equal(passing(limits, "192.0.2.1", 20, SECOND_US), 10); /* rebooted */
    limits_close(limits);
}

static void more_addresses_than_fit_forget_the_idle_ones_only(void **state)
{
    (void)state;
    struct limits *limits = private_table();
    assert_int_equal(passing(limits, "192.0.2.1", 20, SECOND_US), 10);
    for (unsigned i = 0; i < 200000; i++) { /* one request of each */
        char address[32];
        snprintf(address, sizeof(address), "10.%u.%u.%u", i >> 16, i >> 8 & 255, i & 255);
        assert_int_equal(limits_take(limits, address, 60, 10, SECOND_US), 0);
    }
    assert_int_equal(passing(limits, "192.0.2.1", 5, SECOND_US), 0);
    limits_close(limits);
}

static void two_processes_share_one_allowance(void **state)
{
    (void)state;
    char path[] = "/tmp/tierce-limits-XXXXXX";
    int fd = mkstemp(path);
    assert_true(fd >= 0);
    close(fd);
    struct limits *limits = NULL;
    assert_int_equal(limits_open(path, &limits, NULL), STATUS_OK);
    assert_int_equal(passing(limits, "192.0.2.1", 4, SECOND_US), 4);
    pid_t child = fork();
    if (child == 0) { /* maps the file anew, as another worker does */
        struct limits *other = NULL;
        if (limits_open(path, &other, NULL) != STATUS_OK)
            _exit(100);
        unsigned passed = passing(other, "192.0.2.1", 4, SECOND_US);
        limits_close(other);
        _exit((int)passed);
    }
    int code;
    assert_int_equal(waitpid(child, &code, 0), child);
    assert_true(WIFEXITED(code));
    assert_int_equal(WEXITSTATUS(code), 4);
    assert_int_equal(passing(limits, "192.0.2.1", 20, SECOND_US), 2);
    limits_close(limits);
    unlink(path);
}

/* Takes `count` requests as soon as the gate is closed; how many passed goes to `out`. */
static void take_at_once(const char *path, unsigned count, unsigned burst, int gate, int out)
{
    struct limits *limits = NULL;
    unsigned passed = 0;
    char byte;
    if (limits_open(path, &limits, NULL) != STATUS_OK || read(gate, &byte, 1) != 0)
        _exit(1);
    for (unsigned i = 0; i < count; i++)
        passed += limits_take(limits, "192.0.2.1", 60, burst, SECOND_US) == 0;
    _exit(write(out, &passed, sizeof(passed)) != sizeof(passed));
}

static void two_processes_at_once_let_no_request_too_many_through(void **state)
{
    (void)state;
    enum { PROCESSES = 2, REQUESTS = 400000, BURST = 600000 };
    char path[] = "/tmp/tierce-limits-XXXXXX";
    int fd = mkstemp(path), ends[2], gate[2];
    assert_true(fd >= 0);
    close(fd);
    assert_int_equal(pipe(ends), 0);
    assert_int_equal(pipe(gate), 0);
    for (unsigned i = 0; i < PROCESSES; i++) {
        if (fork() == 0) {
            close(gate[1]);
            take_at_once(path, REQUESTS, BURST, gate[0], ends[1]);
        }
    }
    close(gate[1]);
    unsigned total = 0;
    for (unsigned i = 0; i < PROCESSES; i++) {
        int code;
        unsigned passed;
        assert_int_equal(read(ends[0], &passed, sizeof(passed)), sizeof(passed));
        total += passed;
        wait(&code);
        assert_int_equal(code, 0);
    }
    assert_int_equal(total, BURST);
    close(gate[0]);
    close(ends[0]);
    close(ends[1]);
    unlink(path);
}

static void a_file_that_is_no_table_is_made_anew(void **state)
{
    (void)state;
    char path[] = "/tmp/tierce-limits-XXXXXX";
    int fd = mkstemp(path);
    assert_true(fd >= 0);
    assert_int_equal(write(fd, "other bytes", 11), 11);
    close(fd);
    struct limits *limits = NULL;
    assert_int_equal(limits_open(path, &limits, NULL), STATUS_OK);
    assert_int_equal(passing(limits, "192.0.2.1", 20, SECOND_US), 10);
    limits_close(limits);
    unlink(path);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_burst_passes_and_what_exceeds_it_waits),
        cmocka_unit_test(the_wait_is_told_in_seconds),
        cmocka_unit_test(addresses_do_not_share_an_allowance),
        cmocka_unit_test(addresses_of_one_64_do),
        cmocka_unit_test(an_ipv4_address_is_the_same_when_mapped),
        cmocka_unit_test(what_is_no_address_is_counted_by_its_text),
        cmocka_unit_test(without_a_rate_there_is_no_limit),
        cmocka_unit_test(a_clock_that_began_anew_frees_everybody),
        cmocka_unit_test(more_addresses_than_fit_forget_the_idle_ones_only),
        cmocka_unit_test(two_processes_share_one_allowance),
        cmocka_unit_test(two_processes_at_once_let_no_request_too_many_through),
        cmocka_unit_test(a_file_that_is_no_table_is_made_anew),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
