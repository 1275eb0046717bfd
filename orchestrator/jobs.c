#include "orchestrator/jobs.h"

#include <signal.h>
#include <string.h>
#include <unistd.h>

#include "base/check.h"
#include "rpc/key.h"

enum {
    ARGUMENTS = 24,
    WORKERS_MIN = 2,
    WORKERS_MAX = 4,
    SHARDS_MAX = 4,
    WORKER_FREE_FAILURES = 3, /* a request that kills a worker must not keep the others waiting */
};

static unsigned processors(void)
{
    long count = sysconf(_SC_NPROCESSORS_ONLN);
    return count < 1 ? 1 : (unsigned)count;
}

unsigned jobs_gateway_workers(const struct config *config)
{
    if (config->gateways.workers != CONFIG_AUTO)
        return (unsigned)config->gateways.workers;
    unsigned count = processors();
    return count < WORKERS_MIN ? WORKERS_MIN : count > WORKERS_MAX ? WORKERS_MAX : count;
}

unsigned jobs_shards(const struct config *config)
{
    if (config->barrels.shards != CONFIG_AUTO)
        return (unsigned)config->barrels.shards;
    unsigned count = processors() / 2;
    return count < 1 ? 1 : count > SHARDS_MAX ? SHARDS_MAX : count;
}

struct line {
    struct arena *arena;
    const char **words;
    unsigned count;
};

static void add_word(struct line *line, const char *word)
{
    CHECK(line->count < ARGUMENTS - 1);
    line->words[line->count++] = word;
}

static void add_option(struct line *line, const char *name, const char *value)
{
    add_word(line, name);
    add_word(line, value);
}

static const char *number(struct arena *arena, unsigned value)
{
    return check_alloc(arena_format(arena, "%u", value));
}

/* What every process of ours is told. */
static struct line begin_line(const struct jobs_source *source, struct arena *arena,
                              const char *program)
{
    struct line line = {.arena = arena};
    line.words = check_alloc(arena_zalloc(arena, ARGUMENTS * sizeof(*line.words)));
    add_word(&line, check_alloc(arena_format(arena, "%s/%s", source->bin_folder, program)));
    add_option(&line, "--orchestrator", source->orchestrator);
    add_option(&line, "--key-file",
               check_alloc(arena_format(arena, "%s/" CLUSTER_KEY_FILE, source->data_folder)));
    return line;
}

static struct child_job make_job(const struct line *line, const char *slot, Wire__Role role)
{
    return (struct child_job){.slot = slot,
                              .role = role,
                              .arguments = line->words,
                              .is_named = true,
                              .stdin_fd = -1,
                              .stop_signal = SIGTERM,
                              .free_failures = 1};
}

static struct child_job indexserver_job(const struct jobs_source *source, struct arena *arena)
{
    struct line line = begin_line(source, arena, "indexserver");
    add_option(&line, "--data",
               check_alloc(arena_format(arena, "%s/indexserver", source->data_folder)));
    add_option(&line, "--host", source->host);
    add_option(&line, "--port", number(arena, source->indexserver_port));
    return make_job(&line, "indexserver", WIRE__ROLE__ROLE_INDEXSERVER);
}

static struct child_job barrel_job(const struct jobs_source *source, unsigned shard,
                                   unsigned replica, struct arena *arena)
{
    struct line line = begin_line(source, arena, "barrel");
    const char *slot = check_alloc(arena_format(arena, "barrel-%u-%u", shard, replica));
    add_option(&line, "--data",
               check_alloc(arena_format(arena, "%s/%s", source->data_folder, slot)));
    add_option(&line, "--shard", number(arena, shard));
    add_option(&line, "--host", source->host);
    return make_job(&line, slot, WIRE__ROLE__ROLE_BARREL);
}

static struct child_job downloader_job(const struct jobs_source *source, unsigned index,
                                       struct arena *arena)
{
    struct line line = begin_line(source, arena, "downloader");
    return make_job(&line, check_alloc(arena_format(arena, "downloader-%u", index + 1)),
                    WIRE__ROLE__ROLE_DOWNLOADER);
}

static struct child_job worker_job(const struct jobs_source *source, unsigned index,
                                   struct arena *arena)
{
    struct line line = begin_line(source, arena, "gateway");
    add_option(&line, "--fastcgi-fd", "0");
    struct child_job job = make_job(
        &line, check_alloc(arena_format(arena, "gateway-%u", index + 1)), WIRE__ROLE__ROLE_GATEWAY);
    job.stdin_fd = source->fastcgi_fd;
    job.overlaps = true;
    job.free_failures = WORKER_FREE_FAILURES;
    return job;
}

static struct child_job grpc_job(const struct jobs_source *source, struct arena *arena)
{
    struct line line = begin_line(source, arena, "gateway");
    add_option(&line, "--host", "127.0.0.1");
    add_option(&line, "--port", number(arena, (unsigned)source->config->ports.grpc));
    add_option(&line, "--advertise-host", source->config->hostname);
    return make_job(&line, "grpc", WIRE__ROLE__ROLE_GRPC);
}

unsigned jobs_make(const struct jobs_source *source, struct arena *arena, struct child_job *jobs)
{
    const struct config *config = source->config;
    unsigned count = 0;
    jobs[count++] = indexserver_job(source, arena);
    for (unsigned shard = 0; shard < source->shards; shard++) {
        for (unsigned replica = 0; replica < config->barrels.replicas; replica++)
            jobs[count++] = barrel_job(source, shard, replica, arena);
    }
    for (unsigned i = 0; i < config->crawl.downloaders; i++)
        jobs[count++] = downloader_job(source, i, arena);
    for (unsigned i = 0; i < jobs_gateway_workers(config); i++)
        jobs[count++] = worker_job(source, i, arena);
    if (config->ports.grpc != 0)
        jobs[count++] = grpc_job(source, arena);
    return count;
}
