#include "cluster/program.h"

#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/signalfd.h>

#include "base/check.h"

enum { OPTIONS_MAX = 32, EXIT_MISTAKE = 2 };

/* ---- the command line ---------------------------------------------------------------------- */

static void read_options(struct program *program, const char *program_name, const char *usage,
                         const char *data_help, const struct args_option *own, int argc,
                         char **argv)
{
    struct args_option options[OPTIONS_MAX] = {
        {"orchestrator", ARGS_STRING, &program->orchestrator, "HOST:PORT",
         "where the orchestrator is (localhost:9003)", 0},
        {"data", ARGS_STRING, &program->data, "DIR", data_help, 0},
        {"key-file", ARGS_STRING, &program->key_file, "FILE",
         "the cluster's key (cluster.key in DIR)", 0},
        {"name", ARGS_STRING, &program->name, "NAME", "this process's name in status and log", 0},
        {"log-level", ARGS_STRING, &program->log_level, "LEVEL",
         "debug, info, warning or error (as configured)", 0},
    };
    size_t count = 0;
    while (options[count].name != NULL)
        count++;
    for (; own->name != NULL; own++) {
        CHECK(count < OPTIONS_MAX - 1); /* the last one ends the table */
        options[count++] = *own;
    }
    int first = args_parse(argc, argv, usage, options);
    if (first != argc) {
        fprintf(stderr, "%s takes no argument \"%s\" (see --help)\n", program_name, argv[first]);
        exit(EXIT_MISTAKE);
    }
}

void program_read_arguments(struct program *program, const char *program_name, const char *usage,
                            const char *data_help, const struct args_option *own, int argc,
                            char **argv)
{
    enum log_level level = LOG_INFO_LEVEL;
    read_options(program, program_name, usage, data_help, own, argc, argv);
    if (program->data == NULL) {
        fprintf(stderr, "%s needs --data DIR (see --help)\n", program_name);
        exit(EXIT_MISTAKE);
    }
    if (program->log_level != NULL && !log_level_parse(program->log_level, &level)) {
        fprintf(stderr, "--log-level is debug, info, warning or error, not \"%s\"\n",
                program->log_level);
        exit(EXIT_MISTAKE);
    }
    if (program->orchestrator == NULL)
        program->orchestrator = "localhost:9003";
    if (program->name == NULL)
        program->name = "";
    log_open(program->name[0] == '\0' ? program_name : program->name, level);
}

/* ---- signals ------------------------------------------------------------------------------- */

void program_catch_signals(struct program *program)
{
    sigset_t set;
    sigemptyset(&set);
    sigaddset(&set, SIGTERM);
    sigaddset(&set, SIGINT);
    sigaddset(&set, SIGHUP); /* settings come from the orchestrator: nothing to read again */
    CHECK(pthread_sigmask(SIG_BLOCK, &set, NULL) == 0);
    signal(SIGPIPE, SIG_IGN);
    sigdelset(&set, SIGHUP);
    program->stop_fd = signalfd(-1, &set, SFD_CLOEXEC);
    CHECK(program->stop_fd >= 0);
}

static bool poll_stop(const struct program *program, int timeout_ms)
{
    struct pollfd polled = {.fd = program->stop_fd, .events = POLLIN};
    return poll(&polled, 1, timeout_ms) > 0;
}

bool program_is_stopped(const struct program *program)
{
    return poll_stop(program, 0);
}

void program_wait(const struct program *program)
{
    while (!poll_stop(program, -1)) {
    }
}

/* ---- the cluster --------------------------------------------------------------------------- */

/* What the command line said holds. */
static enum status take_log_level(const struct program *program, const char *wish,
                                  struct error *err)
{
    enum log_level level;
    if (program->log_level != NULL || wish[0] == '\0')
        return STATUS_OK;
    if (!log_level_parse(wish, &level))
        return error_set(err, STATUS_INVALID, "unknown log level \"%s\"", wish);
    log_set_lowest(level);
    return STATUS_OK;
}

static enum status take_settings(void *context, const Wire__Settings *settings, struct error *err)
{
    const struct program *program = context;
    enum status status = take_log_level(program, settings->log_level, err);
    if (status == STATUS_OK && program->part.take_settings != NULL)
        status = program->part.take_settings(program->part.context, settings, err);
    return status;
}

static void fill_heartbeat(void *context, Wire__HeartbeatRequest *heartbeat)
{
    struct program *program = context;
    if (!atomic_load(&program->is_reporting) || program->part.report == NULL)
        return;
    arena_reset(&program->arena);
    program->part.report(program->part.context, &program->arena, heartbeat);
}

enum status program_join(struct program *program, const struct program_part *part,
                         struct error *err)
{
    program->part = *part;
    struct member_options options = {
        .orchestrator = program->orchestrator,
        .key = &program->key,
        .role = part->role,
        .name = program->name,
        .address = part->address,
        .data_folder = part->data_folder,
        .shard = part->shard,
        .context = program,
        .take_settings = take_settings,
        .fill_heartbeat = fill_heartbeat,
    };
    enum status status = STATUS_TIMEOUT;
    for (int i = 0; i < PROGRAM_JOIN_ATTEMPTS && status == STATUS_TIMEOUT; i++) {
        status = member_start(&options, PROGRAM_JOIN_ATTEMPT_MS, &program->member, err);
        if (status != STATUS_OK && program_is_stopped(program))
            return error_set(err, STATUS_CANCELLED, "told to end while joining");
    }
    if (status == STATUS_TIMEOUT)
        error_add_context(err, "tried %d times", PROGRAM_JOIN_ATTEMPTS);
    if (status != STATUS_OK)
        return status;
    snprintf(program->log_name, sizeof(program->log_name), "%s", member_name(program->member));
    log_set_name(program->log_name);
    return STATUS_OK;
}

void program_ready(struct program *program)
{
    atomic_store(&program->is_reporting, true);
    member_set_state(program->member, WIRE__MEMBER_STATE__STATE_READY);
}

void program_serve(struct program *program)
{
    program_ready(program);
    program_wait(program);
    member_set_state(program->member, WIRE__MEMBER_STATE__STATE_DRAINING);
}

void program_leave(struct program *program)
{
    member_stop(program->member);
    program->member = NULL;
    atomic_store(&program->is_reporting, false);
    arena_release(&program->arena);
}

int program_end(enum status status, const struct error *err)
{
    if (status == STATUS_OK || status == STATUS_CANCELLED)
        return EXIT_SUCCESS;
    log_error("%s", err->text);
    return status == STATUS_INVALID ? EXIT_MISTAKE : EXIT_FAILURE;
}
