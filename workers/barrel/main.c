/* The barrel: one replica of one shard of the inverted index. */
#include <limits.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>

#include "barrel/barrel.h"
#include "barrel/replay.h"
#include "barrel/service.h"
#include "base/args.h"
#include "base/file.h"
#include "base/log.h"
#include "cluster/member.h"

enum { JOIN_MS = 10000, DRAIN_MS = 5000, MEMORY_DEFAULT = 64 << 20 };

struct arguments {
    const char *orchestrator, *data, *host, *key_file, *name, *log_level;
    uint64_t port, shard, threads;
};

/* What the callbacks of the membership need. */
struct process {
    struct barrel barrel;
    struct arena report; /* of one heartbeat */
    Wire__BarrelStatus status;
    pthread_mutex_t lock;
    bool is_open;
    uint64_t memory_bytes;
};

static void read_arguments(int argc, char **argv, struct arguments *arguments)
{
    const struct args_option options[] = {
        {"orchestrator", ARGS_STRING, &arguments->orchestrator, "HOST:PORT",
         "who says which shard this is (localhost:9003)", 0},
        {"data", ARGS_STRING, &arguments->data, "DIR", "where the index is kept", 0},
        {"host", ARGS_STRING, &arguments->host, "ADDRESS", "the address to bind ([::])", 0},
        {"port", ARGS_UINT, &arguments->port, "N", "the port to bind; 0: any (0)", 65535},
        {"shard", ARGS_UINT, &arguments->shard, "N", "the shard wanted (any)", 255},
        {"threads", ARGS_UINT, &arguments->threads, "N",
         "threads that search; 0: the one that reads the requests (0)", 64},
        {"key-file", ARGS_STRING, &arguments->key_file, "FILE",
         "the cluster's key (cluster.key in DIR)", 0},
        {"name", ARGS_STRING, &arguments->name, "NAME", "this process's name in status and log", 0},
        {"log-level", ARGS_STRING, &arguments->log_level, "LEVEL",
         "debug, info, warning or error (info)", 0},
        {0},
    };
    int first =
        args_parse(argc, argv, "barrel --orchestrator HOST:PORT --data DIR [options]", options);
    enum log_level level = LOG_INFO_LEVEL;
    if (first != argc || arguments->data == NULL ||
        !log_level_parse(arguments->log_level, &level)) {
        fprintf(stderr, "usage: barrel --orchestrator HOST:PORT --data DIR (see --help)\n");
        exit(2);
    }
    log_open(arguments->name[0] == '\0' ? "barrel" : arguments->name, level);
}

static enum status take_settings(void *context, const Wire__Settings *settings, struct error *err)
{
    struct process *process = context;
    enum log_level level;
    if (!log_level_parse(settings->log_level, &level))
        return error_set(err, STATUS_INVALID, "unknown log level \"%s\"", settings->log_level);
    log_set_lowest(level);
    pthread_mutex_lock(&process->lock);
    process->memory_bytes = settings->memory_bytes;
    pthread_mutex_unlock(&process->lock);
    return STATUS_OK;
}

static void fill_heartbeat(void *context, Wire__HeartbeatRequest *heartbeat)
{
    struct process *process = context;
    pthread_mutex_lock(&process->lock);
    if (process->is_open) {
        arena_reset(&process->report);
        wire__barrel_status__init(&process->status);
        barrel_status(&process->barrel, &process->report, &process->status);
        heartbeat->barrel = &process->status;
    }
    pthread_mutex_unlock(&process->lock);
}

static void set_open(struct process *process, bool is_open)
{
    pthread_mutex_lock(&process->lock);
    process->is_open = is_open;
    pthread_mutex_unlock(&process->lock);
}

/* The calls wait in the socket until the service stands behind it. */
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
        .threads = (unsigned)arguments->threads,
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
        .role = WIRE__ROLE__ROLE_BARREL,
        .name = arguments->name,
        .address = address,
        .data_folder = arguments->data,
        .shard = arguments->shard == UINT64_MAX ? -1 : (int)arguments->shard,
        .context = process,
        .take_settings = take_settings,
        .fill_heartbeat = fill_heartbeat,
    };
    return member_start(&options, JOIN_MS, ret_member, err);
}

static enum status open_index(const struct arguments *arguments, struct member *member,
                              struct process *process, struct error *err)
{
    static char folder[PATH_MAX]; /* the barrel borrows it */
    struct member_place place = member_place(member);
    snprintf(folder, sizeof(folder), "%s/index", arguments->data);
    pthread_mutex_lock(&process->lock);
    uint64_t memory_bytes = process->memory_bytes == 0 ? MEMORY_DEFAULT : process->memory_bytes;
    pthread_mutex_unlock(&process->lock);
    enum status status =
        barrel_open(folder, memory_bytes, place.slot_first, place.slot_last, &process->barrel, err);
    process->barrel.shard = place.shard;
    process->barrel.replica = place.replica;
    return status;
}

static void wait_for_signal(const sigset_t *signals)
{
    int number;
    sigwait(signals, &number);
}

/* Everything in its order; each part is closed in the reverse one. */
static enum status run(const struct arguments *arguments, const struct cluster_key *key,
                       const sigset_t *signals, struct error *err)
{
    static struct process process = {.lock = PTHREAD_MUTEX_INITIALIZER};
    struct service *service = NULL;
    struct rpc_server *server = NULL;
    struct member *member = NULL;
    struct replay *replay = NULL;
    enum status status = barrel_init(&process.barrel, err);
    if (status == STATUS_OK)
        status = service_open(&process.barrel, &service, err);
    if (status == STATUS_OK)
        status = bind_server(arguments, key, service, &server, err);
    if (status == STATUS_OK)
        status = join(arguments, key, rpc_server_address(server), &process, &member, err);
    if (status == STATUS_OK)
        status = open_index(arguments, member, &process, err);
    if (status == STATUS_OK)
        status = replay_start(&process.barrel, member, key, &replay, err);
    if (status == STATUS_OK) {
        set_open(&process, true);
        member_set_state(member, WIRE__MEMBER_STATE__STATE_READY);
        log_info("shard %u, slots %u to %u, on %s", process.barrel.shard, process.barrel.slot_first,
                 process.barrel.slot_last, rpc_server_address(server));
        wait_for_signal(signals);
        member_set_state(member, WIRE__MEMBER_STATE__STATE_DRAINING);
    }
    replay_stop(replay);
    rpc_server_close(server, DRAIN_MS);
    set_open(&process, false);
    member_stop(member);
    service_close(service);
    barrel_close(&process.barrel);
    arena_release(&process.report);
    return status;
}

int main(int argc, char **argv)
{
    struct arguments arguments = {.orchestrator = "localhost:9003",
                                  .host = "::",
                                  .name = "",
                                  .log_level = "info",
                                  .shard = UINT64_MAX};
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
