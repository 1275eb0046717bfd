/* The indexserver: the log, and the frontier that derives from it. */
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "base/args.h"
#include "base/log.h"
#include "cluster/member.h"
#include "indexserver/service.h"

enum { JOIN_MS = 10000, DRAIN_MS = 5000, RPC_THREADS = 4 };

struct arguments {
    const char *orchestrator, *data, *host, *key_file, *name, *log_level;
    uint64_t port;
};

/* What the callbacks of the membership need. */
struct process {
    struct service *service;
    struct arena report; /* of one heartbeat */
    Wire__IndexserverStatus status;
    pthread_mutex_t lock;
    bool is_open;
    bool failed;
};

static void read_arguments(int argc, char **argv, struct arguments *arguments)
{
    const struct args_option options[] = {
        {"orchestrator", ARGS_STRING, &arguments->orchestrator, "HOST:PORT",
         "who tells the settings (localhost:9003)", 0},
        {"data", ARGS_STRING, &arguments->data, "DIR", "where the log is kept", 0},
        {"host", ARGS_STRING, &arguments->host, "ADDRESS", "the address to bind (localhost)", 0},
        {"port", ARGS_UINT, &arguments->port, "N", "the port to bind; 0: any (8183)", 65535},
        {"key-file", ARGS_STRING, &arguments->key_file, "FILE",
         "the cluster's key (cluster.key in DIR)", 0},
        {"name", ARGS_STRING, &arguments->name, "NAME", "this process's name in status and log", 0},
        {"log-level", ARGS_STRING, &arguments->log_level, "LEVEL",
         "debug, info, warning or error (info)", 0},
        {0},
    };
    int first = args_parse(argc, argv, "indexserver --orchestrator HOST:PORT --data DIR [options]",
                           options);
    enum log_level level = LOG_INFO_LEVEL;
    if (first != argc || arguments->data == NULL ||
        !log_level_parse(arguments->log_level, &level)) {
        fprintf(stderr, "usage: indexserver --orchestrator HOST:PORT --data DIR (see --help)\n");
        exit(2);
    }
    log_open(arguments->name[0] == '\0' ? "indexserver" : arguments->name, level);
}

static enum status take_settings(void *context, const Wire__Settings *settings, struct error *err)
{
    struct process *process = context;
    enum log_level level;
    if (!log_level_parse(settings->log_level, &level))
        return error_set(err, STATUS_INVALID, "unknown log level \"%s\"", settings->log_level);
    log_set_lowest(level);
    return service_take_settings(process->service, settings, err);
}

static void fill_heartbeat(void *context, Wire__HeartbeatRequest *heartbeat)
{
    struct process *process = context;
    pthread_mutex_lock(&process->lock);
    if (process->is_open) {
        arena_reset(&process->report);
        service_status(process->service, &process->report, &process->status);
        heartbeat->indexserver = &process->status;
    }
    pthread_mutex_unlock(&process->lock);
}

static void set_open(struct process *process, bool is_open)
{
    pthread_mutex_lock(&process->lock);
    process->is_open = is_open;
    pthread_mutex_unlock(&process->lock);
}

/* The log cannot be written: whoever watches this process starts it again. */
static void note_failure(void *context, const struct error *err)
{
    struct process *process = context;
    log_error("ending: %s", err->text);
    pthread_mutex_lock(&process->lock);
    process->failed = true;
    pthread_mutex_unlock(&process->lock);
    kill(getpid(), SIGTERM);
}

static bool has_failed(struct process *process)
{
    pthread_mutex_lock(&process->lock);
    bool failed = process->failed;
    pthread_mutex_unlock(&process->lock);
    return failed;
}

static enum status bind_server(const struct arguments *arguments, const struct cluster_key *key,
                               struct service *service, struct rpc_server **ret_server,
                               struct error *err)
{
    struct rpc_server_options options = {
        .host = arguments->host,
        .port = (uint16_t)arguments->port,
        .key = key,
        .handler = service_handle,
        .context = service,
        .threads = RPC_THREADS,
    };
    return rpc_server_open(&options, ret_server, err);
}

static enum status join(const struct arguments *arguments, const struct cluster_key *key,
                        const char *address, struct process *process, struct member **ret_member,
                        struct error *err)
{
    struct member_options options = {
        .orchestrator = arguments->orchestrator,
        .key = key,
        .role = WIRE__ROLE__ROLE_INDEXSERVER,
        .name = arguments->name,
        .address = address,
        .data_folder = arguments->data,
        .shard = -1,
        .context = process,
        .take_settings = take_settings,
        .fill_heartbeat = fill_heartbeat,
    };
    return member_start(&options, JOIN_MS, ret_member, err);
}

static void serve(struct process *process, struct member *member, const char *address,
                  const sigset_t *signals)
{
    int number;
    set_open(process, true);
    member_set_state(member, WIRE__MEMBER_STATE__STATE_READY);
    log_info("ready on %s", address);
    sigwait(signals, &number);
    member_set_state(member, WIRE__MEMBER_STATE__STATE_DRAINING);
}

/* Everything in its order; each part is closed in the reverse one. */
static enum status run(const struct arguments *arguments, const struct cluster_key *key,
                       const sigset_t *signals, struct error *err)
{
    static struct process process = {.lock = PTHREAD_MUTEX_INITIALIZER};
    struct service_options options = {
        .folder = arguments->data, .failed = note_failure, .context = &process};
    struct rpc_server *server = NULL;
    struct member *member = NULL;
    process.service = service_new(&options);
    enum status status = bind_server(arguments, key, process.service, &server, err);
    if (status == STATUS_OK)
        status = join(arguments, key, rpc_server_address(server), &process, &member, err);
    if (status == STATUS_OK)
        status = service_open(process.service, err);
    if (status == STATUS_OK)
        serve(&process, member, rpc_server_address(server), signals);
    service_drain(process.service);
    rpc_server_close(server, DRAIN_MS);
    set_open(&process, false);
    member_stop(member);
    service_close(process.service);
    arena_release(&process.report);
    if (status == STATUS_OK && has_failed(&process))
        status = error_set(err, STATUS_IO, "ended because the log could not be written");
    return status;
}

int main(int argc, char **argv)
{
    struct arguments arguments = {.orchestrator = "localhost:9003",
                                  .host = "localhost",
                                  .name = "",
                                  .log_level = "info",
                                  .port = 8183};
    struct cluster_key key;
    struct error err = {0};
    sigset_t signals; /* blocked before there is any thread */
    read_arguments(argc, argv, &arguments);
    sigemptyset(&signals);
    sigaddset(&signals, SIGTERM);
    sigaddset(&signals, SIGINT);
    pthread_sigmask(SIG_BLOCK, &signals, NULL);
    signal(SIGPIPE, SIG_IGN);
    enum status status = cluster_key_load(arguments.key_file, arguments.data, &key, &err);
    if (status == STATUS_OK)
        status = run(&arguments, &key, &signals, &err);
    if (status != STATUS_OK)
        log_error("%s", err.text);
    return status == STATUS_OK ? 0 : 1;
}
