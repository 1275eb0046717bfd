#include "tests/unit/unit.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "cli/log_line.h"

#define TIME "2026-11-22T14:42:28Z "

static void warnings_and_errors_are_notable_and_nothing_else(void **state)
{
    (void)state;
    assert_true(log_line_is_notable(TIME "barrel-0 warning: the disk is slow"));
    assert_true(log_line_is_notable(TIME "barrel-0 error: gone"));
    assert_false(log_line_is_notable(TIME "barrel-0 info: a warning: none"));
    assert_false(log_line_is_notable(TIME "barrel-0"));
    assert_false(log_line_is_notable("barrel-0 warning: without a time"));
    assert_false(log_line_is_notable(""));
}

static void what_keeps_a_proxy_from_starting_is_notable(void **state)
{
    (void)state;
    assert_true(log_line_is_notable("2026/11/22 15:49:51 [emerg] 893#893: still could not bind()"));
    assert_true(log_line_is_notable("Error: loading initial config: ..."));
    assert_false(log_line_is_notable("2026/11/22 15:49:51 [notice] 893#893: start worker"));
}

static void a_line_is_printed_without_its_time(void **state)
{
    (void)state;
    char *bytes = NULL;
    size_t size = 0;
    FILE *file = open_memstream(&bytes, &size);
    log_line_print(TIME "barrel-0 warning: a\x1b[2J", file);
    log_line_print("no time", file);
    fclose(file);
    assert_string_equal(bytes, "  barrel-0 warning: a?[2J\n  no time\n");
    free(bytes);
}

static void assert_port(const char *line, unsigned expected_port, const char *expected_setting)
{
    uint16_t port = 0;
    const char *setting = "";
    assert_true(log_line_port_in_use(line, &port, &setting));
    assert_int_equal(port, expected_port);
    assert_string_equal(setting, expected_setting);
}

static void a_port_in_use_is_read_from_each_programs_words(void **state)
{
    (void)state;
    assert_port(TIME "orchestrator error: port 9003 is in use by PID 42, use --port", 9003,
                "--port");
    assert_port(TIME "indexserver error: port 8183 is in use by PID 42, use --port", 8183,
                "--indexserver-port");
    assert_port(TIME "grpc error: port 8000 is in use by PID 42, use --port", 8000,
                "ports.grpc in config.yaml");
    assert_port("2026/11/22 15:49:51 [emerg] 893#893: bind() to [::1]:8443 failed (98: Address "
                "already in use)",
                8443, "ports.https or ports.http in config.yaml");
    assert_port("Error: loading initial config: loading new config: http app module: start: "
                "listening on 127.0.0.1:8080: listen tcp 127.0.0.1:8080: bind: address already in "
                "use",
                8080, "ports.https or ports.http in config.yaml");
}

static void other_lines_name_no_port_in_use(void **state)
{
    (void)state;
    uint16_t port;
    const char *setting;
    assert_false(log_line_port_in_use(TIME "grpc info: gRPC on port 8000", &port, &setting));
    assert_false(log_line_port_in_use(TIME "grpc error: port is in use", &port, &setting));
    assert_false(log_line_port_in_use("bind() to unix:/x failed (98: Address already in use)",
                                      &port, &setting));
    assert_false(log_line_port_in_use(" failed (98: Address already in use)", &port, &setting));
    assert_false(
        log_line_port_in_use(":99999 failed (98: Address already in use)", &port, &setting));
    assert_false(log_line_port_in_use("", &port, &setting));
}

static void what_repeats_itself_is_new_once_a_minute(void **state)
{
    (void)state;
    struct log_lines_shown shown = {0};
    const char *first = TIME "orchestrator warning: grpc (PID 41) ended: exit status 1";
    const char *again = "2026-11-22T14:42:30Z orchestrator warning: grpc (PID 42) ended: exit "
                        "status 1";
    assert_true(log_line_is_new(&shown, first, 1000));
    assert_false(log_line_is_new(&shown, again, 2000));
    assert_true(log_line_is_new(&shown, TIME "orchestrator warning: nginx ended", 2000));
    assert_false(log_line_is_new(&shown, again, 60999));
    assert_true(log_line_is_new(&shown, again, 61000));
}

static void only_so_many_lines_are_remembered(void **state)
{
    (void)state;
    struct log_lines_shown shown = {0};
    char line[64];
    assert_true(log_line_is_new(&shown, "x", 1000));
    for (int i = 0; i < LOG_LINES_REMEMBERED; i++) {
        memset(line, 'a' + i, sizeof(line) - 1);
        line[sizeof(line) - 1] = '\0';
        assert_true(log_line_is_new(&shown, line, 1000));
    }
    assert_true(log_line_is_new(&shown, "x", 1000));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(warnings_and_errors_are_notable_and_nothing_else),
        cmocka_unit_test(what_keeps_a_proxy_from_starting_is_notable),
        cmocka_unit_test(a_line_is_printed_without_its_time),
        cmocka_unit_test(a_port_in_use_is_read_from_each_programs_words),
        cmocka_unit_test(other_lines_name_no_port_in_use),
        cmocka_unit_test(what_repeats_itself_is_new_once_a_minute),
        cmocka_unit_test(only_so_many_lines_are_remembered),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
