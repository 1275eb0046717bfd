/* A worker's command line, its end, and what it says to an orchestrator. */
#include "tests/unit/unit.h"

#include <fcntl.h>
#include <getopt.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/check.h"
#include "base/clock.h"
#include "base/file.h"
#include "cluster/program.h"
#include "rpc/server.h"

/* ---- an orchestrator that says yes --------------------------------------------------------- */

struct fake {
    struct rpc_server *server;
    const char *log_level; /* of the settings */
    pthread_mutex_t mutex;
    pthread_cond_t changed;
    Wire__MemberState state; /* of the last heartbeat */
    unsigned silent;         /* heartbeats without a report */
    uint32_t fetches;        /* of the last report; 0: none yet */
    char refusal[64];
};

static void answer_register(struct fake *fake, struct rpc_call *call)
{
    Wire__RegisterReply reply = WIRE__REGISTER_REPLY__INIT;
    Wire__Settings settings = WIRE__SETTINGS__INIT;
    settings.version = 1;
    settings.log_level = (char *)fake->log_level;
    reply.member = 7;
    reply.name = (char *)"downloader-0";
    reply.heartbeat_ms = 20;
    reply.settings = &settings;
    rpc_call_reply(call, &reply.base);
}

static void answer_heartbeat(struct fake *fake, struct rpc_call *call)
{
    const Wire__HeartbeatRequest *request =
        rpc_call_request(call, &wire__heartbeat_request__descriptor);
    if (request == NULL)
        return;
    pthread_mutex_lock(&fake->mutex);
    fake->state = request->state;
    if (request->downloader == NULL)
        fake->silent++;
    else
        fake->fetches = request->downloader->fetching;
    snprintf(fake->refusal, sizeof(fake->refusal), "%s", request->settings_refusal);
    pthread_cond_broadcast(&fake->changed);
    pthread_mutex_unlock(&fake->mutex);
    Wire__HeartbeatReply reply = WIRE__HEARTBEAT_REPLY__INIT;
    rpc_call_reply(call, &reply.base);
}

static void answer(void *context, struct rpc_call *call)
{
    if (rpc_call_method(call) == WIRE__METHOD__REGISTER)
        answer_register(context, call);
    else
        answer_heartbeat(context, call);
}

static const struct cluster_key key = {.bytes = {4, 5, 6}};

static void fake_open(struct fake *fake, const char *log_level)
{
    *fake = (struct fake){.log_level = log_level};
    pthread_mutex_init(&fake->mutex, NULL);
    pthread_cond_init(&fake->changed, NULL);
    struct rpc_server_options options = {
        .host = "127.0.0.1", .key = &key, .handler = answer, .context = fake};
    struct error err;
    if (rpc_server_open(&options, &fake->server, &err) != STATUS_OK)
        fail_msg("%s", err.text);
}

static void fake_close(struct fake *fake)
{
    rpc_server_close(fake->server, 1000);
    pthread_cond_destroy(&fake->changed);
    pthread_mutex_destroy(&fake->mutex);
}

/* Waits for a condition on the fake's fields, at most ten seconds. */
#define AWAIT(fake, condition)                                                                     \
    do {                                                                                           \
        struct timespec until;                                                                     \
        clock_gettime(CLOCK_REALTIME, &until);                                                     \
        until.tv_sec += 10;                                                                        \
        pthread_mutex_lock(&(fake)->mutex);                                                        \
        int late = 0;                                                                              \
        while (!(condition) && late == 0)                                                          \
            late = pthread_cond_timedwait(&(fake)->changed, &(fake)->mutex, &until);               \
        bool came = (condition);                                                                   \
        pthread_mutex_unlock(&(fake)->mutex);                                                      \
        if (!came)                                                                                 \
            fail_msg("never came: %s", #condition);                                                \
    } while (0)

/* ---- the command line ---------------------------------------------------------------------- */

static uint64_t port;

/* Words end with NULL. */
static void read_words(struct program *program, const char *const *words)
{
    const struct args_option own[] = {{"port", ARGS_UINT, &port, "N", "the port", 65535}, {0}};
    char *argv[16] = {(char *)"worker"};
    int argc = 1;
    for (; *words != NULL; words++)
        argv[argc++] = (char *)*words;
    optind = 0; /* from the start, each time */
    program_read_arguments(program, "worker", "worker [options]", "where", own, argc, argv);
}

/* The exit status of a process that reads these words. */
static int read_words_apart(const char *const *words)
{
    pid_t child = fork();
    assert_true(child >= 0);
    if (child == 0) {
        static struct program program;
        int nowhere = open("/dev/null", O_WRONLY | O_CLOEXEC);
        dup2(nowhere, STDERR_FILENO);
        read_words(&program, words);
        _exit(0);
    }
    int how;
    assert_int_equal(waitpid(child, &how, 0), child);
    assert_true(WIFEXITED(how));
    return WEXITSTATUS(how);
}

static void what_is_not_given_has_its_default(void **state)
{
    (void)state;
    static struct program program = {.data = "var"};
    read_words(&program, (const char *const[]){NULL});
    assert_string_equal(program.orchestrator, "localhost:9003");
    assert_string_equal(program.data, "var");
    assert_string_equal(program.name, "");
    assert_null(program.key_file);
    assert_null(program.log_level);
}

static void the_options_of_all_and_its_own_are_read(void **state)
{
    (void)state;
    static struct program program;
    read_words(&program,
               (const char *const[]){"--orchestrator", "[::1]:9", "--data", "/d", "--key-file", "k",
                                     "--name", "n", "--log-level", "error", "--port", "42", NULL});
    assert_string_equal(program.orchestrator, "[::1]:9");
    assert_string_equal(program.data, "/d");
    assert_string_equal(program.key_file, "k");
    assert_string_equal(program.name, "n");
    assert_string_equal(program.log_level, "error");
    assert_int_equal(port, 42);
}

static void a_mistake_in_the_command_line_ends_it_with_2(void **state)
{
    (void)state;
    assert_int_equal(read_words_apart((const char *const[]){"--data", "d", NULL}), 0);
    assert_int_equal(read_words_apart((const char *const[]){NULL}), 2);
    assert_int_equal(read_words_apart((const char *const[]){"--data", "d", "more", NULL}), 2);
    assert_int_equal(
        read_words_apart((const char *const[]){"--data", "d", "--log-level", "loud", NULL}), 2);
}

/* ---- signals and the cluster --------------------------------------------------------------- */

static struct program *open_program(const struct fake *fake, const char *log_level)
{
    static struct program program;
    fd_close(program.stop_fd > 0 ? program.stop_fd : -1);
    program = (struct program){.orchestrator = rpc_server_address(fake->server),
                               .data = "var",
                               .name = "",
                               .log_level = log_level,
                               .key = key};
    log_open("worker", LOG_ERROR_LEVEL);
    program_catch_signals(&program);
    return &program;
}

/* Takes the signal that asked for the end, so that the next test has none. */
static void forget_stop(const struct program *program)
{
    char info[128];
    assert_int_equal(read(program->stop_fd, info, sizeof(info)), sizeof(info));
}

static void report(void *context, struct arena *arena, Wire__HeartbeatRequest *heartbeat)
{
    Wire__DownloaderStatus *status = check_alloc(arena_zalloc(arena, sizeof(*status)));
    wire__downloader_status__init(status);
    status->fetching = *(const uint32_t *)context;
    heartbeat->downloader = status;
}

static void join(struct program *program, uint32_t *fetches)
{
    struct program_part part = {
        .role = WIRE__ROLE__ROLE_DOWNLOADER, .shard = -1, .context = fetches, .report = report};
    struct error err;
    if (program_join(program, &part, &err) != STATUS_OK)
        fail_msg("%s", err.text);
}

/* Whether a line of that level is written. */
static bool is_logged(void (*write_line)(const char *format, ...))
{
    int pipes[2];
    char line[200] = "";
    assert_int_equal(pipe2(pipes, O_CLOEXEC | O_NONBLOCK), 0);
    int before = fcntl(STDERR_FILENO, F_DUPFD_CLOEXEC, 3);
    dup2(pipes[1], STDERR_FILENO);
    write_line("%s", "words");
    dup2(before, STDERR_FILENO);
    ssize_t size = read(pipes[0], line, sizeof(line) - 1);
    close(before);
    close(pipes[0]);
    close(pipes[1]);
    if (size > 0)
        assert_non_null(strstr(line, "downloader-0")); /* the name that the orchestrator gave */
    return size > 0;
}

static void it_reports_while_it_is_ready_and_not_before(void **state)
{
    (void)state;
    struct fake fake;
    uint32_t fetches = 0;
    fake_open(&fake, "error");
    struct program *program = open_program(&fake, NULL);
    join(program, &fetches);
    AWAIT(&fake, fake.silent >= 2 && fake.state == WIRE__MEMBER_STATE__STATE_STARTING);
    assert_int_equal(fake.fetches, 0);
    fetches = 5;
    program_ready(program);
    AWAIT(&fake, fake.fetches == 5 && fake.state == WIRE__MEMBER_STATE__STATE_READY);
    program_leave(program);
    assert_int_equal(fake.state, WIRE__MEMBER_STATE__STATE_DRAINING);
    assert_null(program->member);
    fake_close(&fake);
}

struct reporter {
    uint32_t fetches;
    const void *place; /* of the last report */
    bool moved;
};

static void report_in_place(void *context, struct arena *arena, Wire__HeartbeatRequest *heartbeat)
{
    struct reporter *reporter = context;
    report(&reporter->fetches, arena, heartbeat);
    reporter->moved =
        reporter->moved || (reporter->place != NULL && reporter->place != heartbeat->downloader);
    reporter->place = heartbeat->downloader;
    reporter->fetches++;
}

static void each_report_takes_the_memory_of_the_one_before(void **state)
{
    (void)state;
    struct fake fake;
    struct reporter reporter = {.fetches = 1};
    fake_open(&fake, "error");
    struct program *program = open_program(&fake, NULL);
    struct program_part part = {.role = WIRE__ROLE__ROLE_DOWNLOADER,
                                .shard = -1,
                                .context = &reporter,
                                .report = report_in_place};
    assert_int_equal(program_join(program, &part, NULL), STATUS_OK);
    program_ready(program);
    AWAIT(&fake, fake.fetches >= 3);
    program_leave(program);
    assert_false(reporter.moved);
    fake_close(&fake);
}

static enum status refuse_settings(void *context, const Wire__Settings *settings, struct error *err)
{
    *(uint64_t *)context = settings->version;
    return error_set(err, STATUS_INVALID, "not these");
}

static void settings_are_passed_on_and_may_be_refused(void **state)
{
    (void)state;
    struct fake fake;
    uint64_t version = 0;
    fake_open(&fake, "error");
    struct program *program = open_program(&fake, NULL);
    log_open("worker", LOG_ERROR_LEVEL + 1); /* the refusal is meant */
    struct program_part part = {.role = WIRE__ROLE__ROLE_DOWNLOADER,
                                .shard = -1,
                                .context = &version,
                                .take_settings = refuse_settings};
    assert_int_equal(program_join(program, &part, NULL), STATUS_OK);
    assert_int_equal(version, 1);
    AWAIT(&fake, strcmp(fake.refusal, "not these") == 0);
    program_leave(program);
    fake_close(&fake);
}

static void *signal_later(void *context)
{
    struct fake *fake = context;
    AWAIT(fake, fake->state == WIRE__MEMBER_STATE__STATE_READY);
    kill(getpid(), SIGTERM);
    return NULL;
}

static void it_serves_until_a_signal_and_says_that_it_drains(void **state)
{
    (void)state;
    struct fake fake;
    uint32_t fetches = 1;
    pthread_t thread;
    fake_open(&fake, "error");
    struct program *program = open_program(&fake, NULL);
    join(program, &fetches);
    assert_false(program_is_stopped(program));
    kill(getpid(), SIGHUP); /* does nothing */
    assert_false(program_is_stopped(program));
    assert_int_equal(pthread_create(&thread, NULL, signal_later, &fake), 0);
    program_serve(program);
    assert_true(program_is_stopped(program));
    AWAIT(&fake, fake.state == WIRE__MEMBER_STATE__STATE_DRAINING);
    pthread_join(thread, NULL);
    forget_stop(program);
    program_leave(program);
    fake_close(&fake);
}

static void the_configured_log_level_holds_where_the_command_line_says_none(void **state)
{
    (void)state;
    struct fake fake;
    uint32_t fetches = 1;
    fake_open(&fake, "warning");
    struct program *program = open_program(&fake, NULL);
    join(program, &fetches);
    assert_true(is_logged(log_warning));
    assert_false(is_logged(log_info));
    program_leave(program);

    program = open_program(&fake, "error");
    join(program, &fetches);
    assert_false(is_logged(log_warning));
    program_leave(program);
    fake_close(&fake);
}

static void a_log_level_that_is_none_is_refused(void **state)
{
    (void)state;
    struct fake fake;
    uint32_t fetches = 1;
    fake_open(&fake, "loud");
    struct program *program = open_program(&fake, NULL);
    log_open("worker", LOG_ERROR_LEVEL + 1); /* the refusal is meant */
    join(program, &fetches);
    AWAIT(&fake, strcmp(fake.refusal, "unknown log level \"loud\"") == 0);
    program_leave(program);
    log_open("worker", LOG_ERROR_LEVEL);
    fake_close(&fake);
}

static void a_signal_ends_the_wait_for_an_orchestrator(void **state)
{
    (void)state;
    struct fake fake;
    fake_open(&fake, "error");
    struct program *program = open_program(&fake, NULL);
    program->orchestrator = "127.0.0.1:1"; /* nobody */
    kill(getpid(), SIGTERM);
    struct program_part part = {.role = WIRE__ROLE__ROLE_DOWNLOADER, .shard = -1};
    struct error err;
    int64_t begun_ms = clock_boot_ms();
    assert_int_equal(program_join(program, &part, &err), STATUS_CANCELLED);
    assert_true(clock_boot_ms() - begun_ms < 2 * PROGRAM_JOIN_ATTEMPT_MS);
    assert_int_equal(program_end(STATUS_CANCELLED, &err), 0);
    forget_stop(program);
    fake_close(&fake);
}

static void the_exit_status_tells_a_mistake_from_a_failure(void **state)
{
    (void)state;
    struct error err;
    log_open("worker", LOG_ERROR_LEVEL + 1);
    assert_int_equal(program_end(STATUS_OK, NULL), 0);
    assert_int_equal(program_end(error_set(&err, STATUS_TIMEOUT, "late"), &err), 1);
    assert_int_equal(program_end(error_set(&err, STATUS_INVALID, "wrong"), &err), 2);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_is_not_given_has_its_default),
        cmocka_unit_test(the_options_of_all_and_its_own_are_read),
        cmocka_unit_test(a_mistake_in_the_command_line_ends_it_with_2),
        cmocka_unit_test(it_reports_while_it_is_ready_and_not_before),
        cmocka_unit_test(each_report_takes_the_memory_of_the_one_before),
        cmocka_unit_test(settings_are_passed_on_and_may_be_refused),
        cmocka_unit_test(it_serves_until_a_signal_and_says_that_it_drains),
        cmocka_unit_test(the_configured_log_level_holds_where_the_command_line_says_none),
        cmocka_unit_test(a_log_level_that_is_none_is_refused),
        cmocka_unit_test(a_signal_ends_the_wait_for_an_orchestrator),
        cmocka_unit_test(the_exit_status_tells_a_mistake_from_a_failure),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
