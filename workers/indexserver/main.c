/* The indexserver: the log, and the frontier that derives from it. */
#include <signal.h>
#include <stdatomic.h>
#include <unistd.h>

#include "cluster/program.h"
#include "indexserver/service.h"
#include "rpc/server.h"

enum { DRAIN_MS = 5000, RPC_THREADS = 4, PORT_MAX = 65535 };

struct arguments {
    const char *host, *advertise_host;
    uint64_t port;
};

/* What the callbacks of the membership need. */
struct process {
    struct service *service;
    Wire__IndexserverStatus status; /* of one heartbeat */
    atomic_bool failed;
};

static void read_arguments(int argc, char **argv, struct program *program,
                           struct arguments *arguments)
{
    const struct args_option options[] = {
        {"host", ARGS_STRING, &arguments->host, "ADDRESS", "the address to bind (localhost)", 0},
        {"port", ARGS_UINT, &arguments->port, "N", "the port to bind; 0: any (8183)", PORT_MAX},
        {"advertise-host", ARGS_STRING, &arguments->advertise_host, "NAME",
         "where the others reach it (the address that the orchestrator sees)", 0},
        {0},
    };
    program_read_arguments(program, "indexserver",
                           "indexserver --orchestrator HOST:PORT --data DIR [options]",
                           "where the log is kept", options, argc, argv);
}

static enum status take_settings(void *context, const Wire__Settings *settings, struct error *err)
{
    struct process *process = context;
    return service_take_settings(process->service, settings, err);
}

static void report(void *context, struct arena *arena, Wire__HeartbeatRequest *heartbeat)
{
    struct process *process = context;
    service_status(process->service, arena, &process->status);
    heartbeat->indexserver = &process->status;
}

/* The log cannot be written: whoever watches this process starts it again. */
static void note_failure(void *context, const struct error *err)
{
    struct process *process = context;
    log_error("ending: %s", err->text);
    atomic_store(&process->failed, true);
    kill(getpid(), SIGTERM);
}

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
        .threads = RPC_THREADS,
    };
    return rpc_server_open(&options, ret_server, err);
}

static enum status join(struct program *program, const char *address, struct process *process,
                        struct error *err)
{
    struct program_part part = {
        .role = WIRE__ROLE__ROLE_INDEXSERVER,
        .address = address,
        .data_folder = program->data,
        .shard = -1,
        .context = process,
        .take_settings = take_settings,
        .report = report,
    };
    return program_join(program, &part, err);
}

/* Everything in its order; each part is closed in the reverse one. */
static enum status run(struct program *program, const struct arguments *arguments,
                       struct error *err)
{
    static struct process process;
    struct service_options options = {
        .folder = program->data, .failed = note_failure, .context = &process};
    struct rpc_server *server = NULL;
    char address[ENDPOINT_TEXT_BYTES];
    process.service = service_new(&options);
    enum status status = bind_server(program, arguments, process.service, &server, err);
    if (status == STATUS_OK)
        status = rpc_server_advertise(server, arguments->advertise_host, address, err);
    if (status == STATUS_OK)
        status = join(program, address, &process, err);
    if (status == STATUS_OK)
        status = service_open(process.service, err);
    if (status == STATUS_OK) {
        log_info("ready on %s", rpc_server_address(server));
        program_serve(program);
    }
    service_drain(process.service);
    rpc_server_close(server, DRAIN_MS);
    program_leave(program);
    service_close(process.service);
    if (status == STATUS_OK && atomic_load(&process.failed))
        status = error_set(err, STATUS_IO, "ended because the log could not be written");
    return status;
}

int main(int argc, char **argv)
{
    static struct program program;
    struct arguments arguments = {.host = "localhost", .port = 8183};
    struct error err = {0};
    read_arguments(argc, argv, &program, &arguments);
    program_catch_signals(&program);
    enum status status = cluster_key_load(program.key_file, program.data, &program.key, &err);
    if (status == STATUS_OK)
        status = run(&program, &arguments, &err);
    return program_end(status, &err);
}
