/* The barrel: one replica of one shard of the inverted index. */
#include <limits.h>
#include <stdatomic.h>
#include <stdio.h>

#include "barrel/barrel.h"
#include "barrel/replay.h"
#include "barrel/service.h"
#include "cluster/program.h"
#include "rpc/server.h"

enum {
    DRAIN_MS = 5000,
    MEMORY_DEFAULT = 64 << 20,
    PORT_MAX = 65535,
    QUEUE_MAX = 128, /* searches that wait; more could hardly be answered in time */
};
#define ANY_SHARD UINT64_MAX

struct arguments {
    const char *host, *advertise_host;
    uint64_t port, shard, threads;
};

/* What the callbacks of the membership need. */
struct process {
    struct barrel barrel;
    Wire__BarrelStatus status; /* of one heartbeat */
    atomic_uint_least64_t memory_bytes;
};

static void read_arguments(int argc, char **argv, struct program *program,
                           struct arguments *arguments)
{
    const struct args_option options[] = {
        {"host", ARGS_STRING, &arguments->host, "ADDRESS", "the address to bind ([::])", 0},
        {"port", ARGS_UINT, &arguments->port, "N", "the port to bind; 0: any (0)", PORT_MAX},
        {"advertise-host", ARGS_STRING, &arguments->advertise_host, "NAME",
         "where the others reach it (the address that the orchestrator sees)", 0},
        {"shard", ARGS_UINT, &arguments->shard, "N", "the shard wanted (any)", 255},
        {"threads", ARGS_UINT, &arguments->threads, "N",
         "threads that search; 0: the one that reads the requests (0)", 64},
        {0},
    };
    program_read_arguments(program, "barrel",
                           "barrel --orchestrator HOST:PORT --data DIR [options]",
                           "where the index is kept", options, argc, argv);
}

static enum status take_settings(void *context, const Wire__Settings *settings, struct error *err)
{
    struct process *process = context;
    (void)err;
    atomic_store(&process->memory_bytes, settings->memory_bytes);
    return STATUS_OK;
}

static void report(void *context, struct arena *arena, Wire__HeartbeatRequest *heartbeat)
{
    struct process *process = context;
    wire__barrel_status__init(&process->status);
    barrel_status(&process->barrel, arena, &process->status);
    heartbeat->barrel = &process->status;
}

/* All but what a search begins with: it costs little, or finishes a search that has cost work. */
static bool goes_first(uint16_t method)
{
    return method != WIRE__METHOD__SEARCH && method != WIRE__METHOD__BACKLINKS &&
           method != WIRE__METHOD__SUGGEST && method != WIRE__METHOD__CORRECT;
}

/* The calls wait in the socket until the service stands behind it. */
static enum status bind_server(const struct program *program, const struct arguments *arguments,
                               struct service *service, struct rpc_server **ret_server,
                               struct error *err)
{
    struct rpc_server_options options = {
        .host = arguments->host,
        .port = (uint16_t)arguments->port,
        .key = &program->key,
        .handler = service_handle,
        .context = service,
        .threads = (unsigned)arguments->threads,
        .queue_max = QUEUE_MAX,
        .goes_first = goes_first,
    };
    return rpc_server_open(&options, ret_server, err);
}

static enum status join(struct program *program, const struct arguments *arguments,
                        const char *address, struct process *process, struct error *err)
{
    struct program_part part = {
        .role = WIRE__ROLE__ROLE_BARREL,
        .address = address,
        .data_folder = program->data,
        .shard = arguments->shard == ANY_SHARD ? -1 : (int)arguments->shard,
        .context = process,
        .take_settings = take_settings,
        .report = report,
    };
    return program_join(program, &part, err);
}

static enum status open_index(const struct program *program, struct process *process,
                              struct error *err)
{
    static char folder[PATH_MAX]; /* the barrel borrows it */
    struct member_place place = member_place(program->member);
    snprintf(folder, sizeof(folder), "%s/index", program->data);
    uint64_t memory_bytes = atomic_load(&process->memory_bytes);
    if (memory_bytes == 0)
        memory_bytes = MEMORY_DEFAULT;
    enum status status =
        barrel_open(folder, memory_bytes, place.slot_first, place.slot_last, &process->barrel, err);
    process->barrel.shard = place.shard;
    process->barrel.replica = place.replica;
    return status;
}

/* Everything in its order; each part is closed in the reverse one. */
static enum status run(struct program *program, const struct arguments *arguments,
                       struct error *err)
{
    static struct process process;
    struct service *service = NULL;
    struct rpc_server *server = NULL;
    struct replay *replay = NULL;
    char address[ENDPOINT_TEXT_BYTES];
    enum status status = barrel_init(&process.barrel, err);
    if (status == STATUS_OK)
        status = service_open(&process.barrel, &service, err);
    if (status == STATUS_OK)
        status = bind_server(program, arguments, service, &server, err);
    if (status == STATUS_OK)
        status = rpc_server_advertise(server, arguments->advertise_host, address, err);
    if (status == STATUS_OK)
        status = join(program, arguments, address, &process, err);
    if (status == STATUS_OK)
        status = open_index(program, &process, err);
    if (status == STATUS_OK)
        status = replay_start(&process.barrel, program->member, &program->key, &replay, err);
    if (status == STATUS_OK) {
        log_info("shard %u, slots %u to %u, on %s", process.barrel.shard, process.barrel.slot_first,
                 process.barrel.slot_last, rpc_server_address(server));
        program_serve(program);
    }
    replay_stop(replay);
    rpc_server_close(server, DRAIN_MS);
    program_leave(program);
    service_close(service);
    barrel_close(&process.barrel);
    return status;
}

int main(int argc, char **argv)
{
    static struct program program;
    struct arguments arguments = {.host = "::", .shard = ANY_SHARD};
    struct error err = {0};
    read_arguments(argc, argv, &program, &arguments);
    program_catch_signals(&program);
    enum status status = cluster_key_load(program.key_file, program.data, &program.key, &err);
    if (status == STATUS_OK)
        status = run(&program, &arguments, &err);
    return program_end(status, &err);
}
