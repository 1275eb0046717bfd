/* Fetches what the indexserver leases, has it parsed, reports it. Holds nothing that must last. */
#include <errno.h>
#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/signalfd.h>
#include <unistd.h>

#include "base/args.h"
#include "base/check.h"
#include "base/log.h"
#include "cluster/member.h"
#include "downloader/crew.h"
#include "downloader/parser_child.h"

enum {
    DESCRIPTORS_WANTED = 4096,
    JOIN_MS = 2000, /* of one attempt */
    JOIN_ATTEMPTS = 5,
    PATH_BYTES = 4096,
};

struct settings {
    const char *orchestrator;
    const char *data;
    const char *key_file;
    const char *name;
    const char *parser;
    const char *log_level;
};

struct program {
    struct settings settings;
    struct cluster_key key;
    struct member *member;
    _Atomic(struct crew *) crew;   /* NULL: not yet */
    Wire__DownloaderStatus status; /* of the last heartbeat; the member's thread's alone */
    int stop_fd;                   /* readable after SIGTERM or SIGINT */
    atomic_int level;              /* enum log_level in force */
    char name[128];                /* for the log */
};

static void read_arguments(int argc, char **argv, struct settings *settings)
{
    const struct args_option options[] = {
        {"orchestrator", ARGS_STRING, &settings->orchestrator, "HOST:PORT",
         "where the orchestrator is (localhost:9003)", 0},
        {"data", ARGS_STRING, &settings->data, "DIR",
         "the installation's data folder, for the cluster's key (var)", 0},
        {"key-file", ARGS_STRING, &settings->key_file, "FILE",
         "the cluster's key itself, in place of DIR/cluster.key", 0},
        {"name", ARGS_STRING, &settings->name, "NAME", "what this process is to be called", 0},
        {"parser", ARGS_STRING, &settings->parser, "PATH", "the parser (beside this program)", 0},
        {"log-level", ARGS_STRING, &settings->log_level, "LEVEL",
         "debug, info, warning or error (as configured)", 0},
        {.name = NULL}};
    int rest = args_parse(argc, argv, "downloader --orchestrator HOST:PORT [options]", options);
    if (rest < argc) {
        fprintf(stderr, "downloader takes no \"%s\": see --help\n", argv[rest]);
        exit(2);
    }
    enum log_level level;
    if (settings->log_level != NULL && !log_level_parse(settings->log_level, &level)) {
        fprintf(stderr, "--log-level is debug, info, warning or error, not \"%s\"\n",
                settings->log_level);
        exit(2);
    }
}

/* The program of that name in the folder that this one lies in. */
static const char *beside_us(const char *name)
{
    static char path[PATH_BYTES];
    ssize_t size = readlink("/proc/self/exe", path, sizeof(path) - 1);
    if (size <= 0)
        return name;
    path[size] = '\0';
    char *slash = strrchr(path, '/');
    if (slash == NULL || (size_t)(slash + 1 - path) + strlen(name) >= sizeof(path))
        return name;
    strcpy(slash + 1, name);
    return path;
}

/* A connection per host, and none of our memory in a core. */
static void set_limits(void)
{
    struct rlimit limit;
    if (getrlimit(RLIMIT_NOFILE, &limit) == 0 && limit.rlim_cur < DESCRIPTORS_WANTED) {
        limit.rlim_cur = limit.rlim_max < DESCRIPTORS_WANTED ? limit.rlim_max : DESCRIPTORS_WANTED;
        if (setrlimit(RLIMIT_NOFILE, &limit) != 0)
            log_warning("open files: %s", strerror(errno));
    }
    limit = (struct rlimit){0};
    (void)setrlimit(RLIMIT_CORE, &limit);
}

/* The signals come by a descriptor, to the main thread; no thread is interrupted by them. */
static int catch_signals(void)
{
    sigset_t set;
    sigemptyset(&set);
    sigaddset(&set, SIGTERM);
    sigaddset(&set, SIGINT);
    sigaddset(&set, SIGHUP); /* settings come from the orchestrator: nothing to reload */
    CHECK(pthread_sigmask(SIG_BLOCK, &set, NULL) == 0);
    signal(SIGPIPE, SIG_IGN);
    sigdelset(&set, SIGHUP);
    int fd = signalfd(-1, &set, SFD_CLOEXEC);
    CHECK(fd >= 0);
    return fd;
}

static bool is_stopped(const struct program *program)
{
    struct pollfd polled = {.fd = program->stop_fd, .events = POLLIN};
    return poll(&polled, 1, 0) > 0;
}

/* ---- with the orchestrator ---- */

static enum status take_settings(void *context, const Wire__Settings *settings, struct error *err)
{
    struct program *program = context;
    enum log_level level;
    if (program->settings.log_level != NULL || settings->log_level[0] == '\0')
        return STATUS_OK; /* the command line has said it */
    if (!log_level_parse(settings->log_level, &level))
        return error_set(err, STATUS_INVALID, "unknown log level \"%s\"", settings->log_level);
    atomic_store(&program->level, (int)level);
    log_set_lowest(level);
    return STATUS_OK;
}

static void fill_heartbeat(void *context, Wire__HeartbeatRequest *heartbeat)
{
    struct program *program = context;
    struct crew *crew = atomic_load(&program->crew);
    if (crew == NULL)
        return;
    crew_fill_status(crew, &program->status);
    heartbeat->downloader = &program->status;
}

static enum status join(struct program *program, struct error *err)
{
    struct member_options options = {
        .orchestrator = program->settings.orchestrator,
        .key = &program->key,
        .role = WIRE__ROLE__ROLE_DOWNLOADER,
        .name = program->settings.name,
        .shard = -1,
        .context = program,
        .take_settings = take_settings,
        .fill_heartbeat = fill_heartbeat,
    };
    enum status status = STATUS_TIMEOUT;
    for (int i = 0; i < JOIN_ATTEMPTS && status == STATUS_TIMEOUT && !is_stopped(program); i++)
        status = member_start(&options, JOIN_MS, &program->member, err);
    return status;
}

static void locate_indexserver(void *context, char *ret_address)
{
    struct program *program = context;
    struct routing *routing = member_routing(program->member);
    snprintf(ret_address, LINK_ADDRESS_BYTES, "%s", routing->indexserver);
    routing_release(routing);
}

static uint64_t own_id(void *context)
{
    struct program *program = context;
    return member_id(program->member);
}

/* ---- the run ---- */

static enum status run(struct program *program, struct error *err)
{
    struct crew *crew;
    struct crew_options options = {
        .link = {.locate = locate_indexserver, .context = program, .key = &program->key},
        .member = own_id,
        .member_context = program,
        .parser_path = program->settings.parser,
        .page_ms = PARSER_PAGE_MS,
        .limits = &fetch_limits_usual,
        .address_requests_max = ADDRESSES_REQUESTS_USUAL,
    };
    enum status status = crew_open(&options, &crew, err);
    if (status != STATUS_OK)
        return status;
    atomic_store(&program->crew, crew);
    member_set_state(program->member, WIRE__MEMBER_STATE__STATE_READY);
    log_info("ready");
    crew_run(crew, program->stop_fd);
    member_stop(program->member);
    program->member = NULL;
    crew_close(crew);
    return STATUS_OK;
}

int main(int argc, char **argv)
{
    static struct program program = {
        .settings = {.orchestrator = "localhost:9003", .data = "var", .name = ""}};
    struct error err;
    enum log_level level = LOG_INFO_LEVEL;
    read_arguments(argc, argv, &program.settings);
    if (program.settings.log_level != NULL)
        log_level_parse(program.settings.log_level, &level);
    atomic_store(&program.level, (int)level);
    log_open(program.settings.name[0] != '\0' ? program.settings.name : "downloader", level);
    if (program.settings.parser == NULL)
        program.settings.parser = beside_us("parser");

    set_limits();
    program.stop_fd = catch_signals();
    curl_global_init(CURL_GLOBAL_DEFAULT);
    enum status status =
        cluster_key_load(program.settings.key_file, program.settings.data, &program.key, &err);
    if (status == STATUS_OK)
        status = join(&program, &err);
    if (status != STATUS_OK && is_stopped(&program))
        return EXIT_SUCCESS;
    if (status == STATUS_OK) {
        snprintf(program.name, sizeof(program.name), "%s", member_name(program.member));
        log_open(program.name, (enum log_level)atomic_load(&program.level));
        status = run(&program, &err);
    }
    if (status != STATUS_OK)
        log_error("%s", err.text);
    member_stop(program.member);
    curl_global_cleanup();
    return status == STATUS_OK ? EXIT_SUCCESS : EXIT_FAILURE;
}
