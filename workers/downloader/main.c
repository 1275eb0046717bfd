/* Fetches what the indexserver leases, has it parsed, reports it. Holds nothing that must last. */
#include <stdio.h>

#include "base/own_folder.h"
#include "cluster/program.h"
#include "downloader/confine.h"
#include "downloader/crew.h"
#include "downloader/parser_child.h"

/* What the callbacks of the membership and of the crew need. */
struct process {
    struct program program;
    const char *parser;
    struct crew_settings settings;
    struct spawner *spawner;
    struct credentials *credentials;
    struct crew *crew;             /* before program_ready() */
    Wire__DownloaderStatus status; /* of one heartbeat */
};

static void read_arguments(int argc, char **argv, struct process *process)
{
    const struct args_option options[] = {
        {"parser", ARGS_STRING, &process->parser, "PATH", "the parser (beside this program)", 0},
        {0},
    };
    program_read_arguments(
        &process->program, "downloader", "downloader --orchestrator HOST:PORT [options]",
        "the installation's data folder, for the cluster's key (var)", options, argc, argv);
}

/* The parser lies beside this program. */
static enum status find_parser(struct process *process, struct error *err)
{
    static char path[PATH_MAX + sizeof("/parser")];
    char folder[PATH_MAX];
    if (process->parser != NULL)
        return STATUS_OK;
    enum status status = own_folder(folder, err);
    if (status != STATUS_OK)
        return status;
    snprintf(path, sizeof(path), "%s/parser", folder);
    process->parser = path;
    return STATUS_OK;
}

static void report(void *context, struct arena *arena, Wire__HeartbeatRequest *heartbeat)
{
    struct process *process = context;
    (void)arena;
    crew_fill_status(process->crew, &process->status);
    heartbeat->downloader = &process->status;
}

/* They come before there is a crew, too. */
static enum status take_settings(void *context, const Wire__Settings *settings, struct error *err)
{
    struct process *process = context;
    (void)err;
    if (settings->crawl != NULL)
        atomic_store(&process->settings.connections_per_address,
                     settings->crawl->connections_per_address);
    atomic_store(&process->settings.bandwidth,
                 settings->downloader == NULL ? 0 : settings->downloader->bandwidth);
    credentials_take(process->credentials, settings->downloader);
    return STATUS_OK;
}

static void locate_indexserver(void *context, char *ret_address)
{
    struct process *process = context;
    struct routing *routing = member_routing(process->program.member);
    snprintf(ret_address, LINK_ADDRESS_BYTES, "%s", routing->indexserver);
    routing_release(routing);
}

static uint64_t own_id(void *context)
{
    struct process *process = context;
    return member_id(process->program.member);
}

static enum status join(struct process *process, struct error *err)
{
    struct program_part part = {.role = WIRE__ROLE__ROLE_DOWNLOADER,
                                .shard = -1,
                                .context = process,
                                .take_settings = take_settings,
                                .report = report};
    return program_join(&process->program, &part, err);
}

static enum status open_crew(struct process *process, struct error *err)
{
    struct crew_options options = {
        .link = {.locate = locate_indexserver, .context = process, .key = &process->program.key},
        .member = own_id,
        .member_context = process,
        .spawner = process->spawner,
        .credentials = process->credentials,
        .page_ms = PARSER_PAGE_MS,
        .limits = &fetch_limits_usual,
        .settings = &process->settings,
    };
    return crew_open(&options, &process->crew, err);
}

static enum status run(struct process *process, struct error *err)
{
    enum status status = join(process, err);
    if (status == STATUS_OK)
        status = open_crew(process, err);
    if (status == STATUS_OK) {
        program_ready(&process->program);
        log_info("ready");
        status = crew_run(process->crew, process->program.stop_fd, err);
    }
    program_leave(&process->program);
    crew_close(process->crew);
    return status;
}

/* The file that heartbeats tell our memory from is opened by the first question. */
static enum status confine_all(struct error *err)
{
    Wire__Memory memory;
    member_memory(&memory);
    return confine(err);
}

int main(int argc, char **argv)
{
    static struct process process = {.program = {.data = "var"}};
    struct program *program = &process.program;
    struct error err = {0};
    read_arguments(argc, argv, &process);
    program_catch_signals(program);
    enum status status = find_parser(&process, &err);
    if (status == STATUS_OK)
        status = spawner_open(process.parser, &process.spawner, &err);
    if (status == STATUS_OK)
        status = cluster_key_load(program->key_file, program->data, &program->key, &err);
    curl_global_init(CURL_GLOBAL_DEFAULT);
    process.credentials = credentials_new();
    if (status == STATUS_OK)
        status = confine_all(&err);
    if (status == STATUS_OK)
        status = run(&process, &err);
    curl_global_cleanup();
    credentials_free(process.credentials);
    spawner_close(process.spawner);
    return program_end(status, &err);
}
