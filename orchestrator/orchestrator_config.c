#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/statvfs.h>
#include <unistd.h>

#include "base/check.h"
#include "base/clock.h"
#include "base/file.h"
#include "base/log.h"
#include "orchestrator/jobs.h"
#include "orchestrator/orchestrator_parts.h"
#include "orchestrator/proxy_ports.h"
#include "orchestrator/reach.h"

enum { NUMBER_FILE_BYTES = 128 };

static const char *in_data(struct orchestrator *orchestrator, const char *name, struct arena *arena)
{
    return check_alloc(arena_format(arena, "%s/%s", orchestrator->options.data_folder, name));
}

/* ---- numbers that outlive us --------------------------------------------------------------- */

/* "first second" in a small file; zeros where there is none. */
static void read_numbers(const char *path, uint64_t ret[2])
{
    struct buffer text = {0};
    ret[0] = ret[1] = 0;
    if (file_read(path, NUMBER_FILE_BYTES, &text, NULL) == STATUS_OK &&
        sscanf(buffer_string(&text), "%" SCNu64 " %" SCNx64, &ret[0], &ret[1]) < 1)
        log_warning("%s holds no number", path);
    buffer_release(&text);
}

static void write_numbers(const char *path, uint64_t first, uint64_t second)
{
    char text[NUMBER_FILE_BYTES];
    struct error err;
    int size = snprintf(text, sizeof(text), "%" PRIu64 " %" PRIx64 "\n", first, second);
    if (file_replace(path, text, (size_t)size, 0600, &err) != STATUS_OK)
        log_warning("%s", err.text);
}

/* Half of what is free at the first start: later starts keep to it, however full it is by then. */
static uint64_t automatic_disk_limit(struct orchestrator *orchestrator)
{
    struct arena arena = {0};
    const char *path = in_data(orchestrator, "disk_limit", &arena);
    uint64_t kept[2];
    struct statvfs disk;
    read_numbers(path, kept);
    if (kept[0] == 0 && statvfs(orchestrator->options.data_folder, &disk) == 0) {
        kept[0] = (uint64_t)disk.f_bavail * disk.f_frsize / 2;
        kept[0] = kept[0] == 0 ? 1 : kept[0]; /* 0 would be no limit */
        write_numbers(path, kept[0], 0);
    }
    arena_release(&arena);
    return kept[0];
}

/* The same settings have the same version after a restart, so that nobody takes them up again. */
static uint64_t settings_version(struct orchestrator *orchestrator,
                                 const struct settings_source *settings)
{
    struct arena arena = {0};
    const char *path = in_data(orchestrator, "settings.version", &arena);
    uint64_t kept[2];
    uint64_t fingerprint = settings_fingerprint(settings);
    read_numbers(path, kept);
    uint64_t version = kept[0];
    if (version == 0 || kept[1] != fingerprint) {
        uint64_t now = (uint64_t)clock_unix_s();
        version = version >= now ? version + 1 : now; /* also where the file was lost */
        write_numbers(path, version, fingerprint);
    }
    arena_release(&arena);
    return version;
}

/* ---- settings ------------------------------------------------------------------------------ */

static void make_settings(struct orchestrator *orchestrator)
{
    const struct config *config = orchestrator->config;
    arena_reset(&orchestrator->settings_arena);
    struct settings_source settings = {.config = config};
    memcpy(settings.token_hash, orchestrator->settings.token_hash, TOKEN_HASH_BYTES);
    settings.memory_total = config->memory == CONFIG_AUTO ? memory_available() / 2 : config->memory;
    settings.shares =
        (struct memory_shares){.barrels = orchestrator->shards * (unsigned)config->barrels.replicas,
                               .gateways = jobs_gateway_workers(config),
                               .downloaders = (unsigned)config->crawl.downloaders};
    settings.disk_limit =
        config->disk_limit == CONFIG_AUTO ? automatic_disk_limit(orchestrator) : config->disk_limit;
    settings.limits_file = in_data(orchestrator, "run/limits", &orchestrator->settings_arena);
    if (orchestrator->proxy_is_prepared)
        proxy_handbook(config, &orchestrator->paths, &orchestrator->settings_arena,
                       &settings.handbook_connect_to, &settings.handbook_ca_file);
    settings.version = settings_version(orchestrator, &settings);
    orchestrator->settings = settings;
}

/* ---- the proxy ----------------------------------------------------------------------------- */

static bool has_proxy(const struct orchestrator *orchestrator, const struct config *config)
{
    (void)orchestrator;
    return config->proxy.kind != PROXY_NONE;
}

enum status orchestrator_check_ports(struct orchestrator *orchestrator, const struct config *config,
                                     struct error *err)
{
    if (!has_proxy(orchestrator, config))
        return STATUS_OK;
    bool runs = children_has(orchestrator->children, WIRE__ROLE__ROLE_PROXY);
    return proxy_ports_check(config, runs ? orchestrator->config : NULL, err);
}

static enum status prepare_proxy(struct orchestrator *orchestrator, const struct config *config,
                                 bool *ret_changed, struct error *err)
{
    *ret_changed = false;
    if (!has_proxy(orchestrator, config))
        return STATUS_OK;
    enum status status =
        proxy_prepare(config, &orchestrator->paths, orchestrator->proxy_user, ret_changed, err);
    if (status != STATUS_OK)
        error_add_context(err, "the web server");
    return status;
}

static void reload_proxy(struct orchestrator *orchestrator)
{
    struct error err;
    if (proxy_reload(orchestrator->config, &orchestrator->paths, orchestrator->children, &err) !=
        STATUS_OK)
        log_error("the web server keeps its former configuration: %s", err.text);
}

void orchestrator_renew_certificate(struct orchestrator *orchestrator)
{
    bool changed;
    struct error err;
    if (!orchestrator->proxy_is_prepared || !has_proxy(orchestrator, orchestrator->config))
        return;
    if (prepare_proxy(orchestrator, orchestrator->config, &changed, &err) != STATUS_OK)
        log_error("%s", err.text);
    else if (changed)
        reload_proxy(orchestrator);
}

/* ---- jobs ---------------------------------------------------------------------------------- */

static void want_jobs(struct orchestrator *orchestrator)
{
    struct arena arena = {0};
    struct child_job *jobs = check_alloc(arena_alloc(&arena, CHILDREN_MAX * sizeof(*jobs)));
    struct jobs_source source = {.config = orchestrator->config,
                                 .bin_folder = orchestrator->options.bin_folder,
                                 .data_folder = orchestrator->options.data_folder,
                                 .orchestrator = rpc_server_address(orchestrator->server),
                                 .host = reach_children_host(orchestrator->options.host),
                                 .shards = orchestrator->shards,
                                 .indexserver_port = orchestrator->options.indexserver_port,
                                 .fastcgi_fd = orchestrator->fastcgi_fd};
    unsigned count = jobs_make(&source, &arena, jobs);
    struct error err;
    if (has_proxy(orchestrator, orchestrator->config) && orchestrator->proxy_is_prepared) {
        if (proxy_job(orchestrator->config, &orchestrator->paths, &arena, &jobs[count], &err) ==
            STATUS_OK)
            count++;
        else
            log_error("%s", err.text);
    }
    children_want(orchestrator->children, jobs, count);
    arena_release(&arena);
}

void orchestrator_apply(struct orchestrator *orchestrator)
{
    enum log_level level;
    const char *wish = orchestrator->options.log_level;
    if (log_level_parse(wish != NULL ? wish : orchestrator->config->log_level, &level))
        log_set_lowest(level);
    make_settings(orchestrator);
    want_jobs(orchestrator);
}

/* ---- reading ------------------------------------------------------------------------------- */

static void override_proxy(const struct orchestrator *orchestrator, struct config *config)
{
    const char *wish = orchestrator->options.proxy;
    if (wish != NULL)
        config->proxy.kind = strcmp(wish, "nginx") == 0   ? PROXY_NGINX
                             : strcmp(wish, "caddy") == 0 ? PROXY_CADDY
                                                          : PROXY_NONE;
}

/* Mistakes into the log, and the first ones into the statistics. */
static void tell_mistakes(struct orchestrator *orchestrator, const struct config_errors *errors)
{
    buffer_clear(&orchestrator->config_error);
    for (unsigned i = 0; i < errors->count; i++) {
        log_error("%s", errors->items[i].text);
        if (i < 5)
            buffer_append_format(&orchestrator->config_error, "%s%s", i == 0 ? "" : "\n",
                                 errors->items[i].text);
    }
    unsigned more = errors->left_out + (errors->count > 5 ? errors->count - 5 : 0);
    if (more > 0)
        buffer_append_format(&orchestrator->config_error, "\nand %u more", more);
}

/* Borrowed from the heap: ret_config is the caller's. */
static enum status load(struct orchestrator *orchestrator, struct config **ret_config)
{
    struct config_errors *errors = check_alloc(calloc(1, sizeof(*errors)));
    enum status status = config_load(orchestrator->options.config_path, ret_config, errors);
    if (status == STATUS_OK) {
        override_proxy(orchestrator, *ret_config);
        buffer_clear(&orchestrator->config_error);
    } else {
        tell_mistakes(orchestrator, errors);
    }
    config_errors_release(errors);
    free(errors);
    return status;
}

static unsigned wished_shards(const struct orchestrator *orchestrator, const struct config *config)
{
    if (config->barrels.shards == CONFIG_AUTO && orchestrator->options.shards != 0)
        return orchestrator->options.shards;
    return jobs_shards(config);
}

enum status orchestrator_read_config(struct orchestrator *orchestrator, struct error *err)
{
    enum status status = STATUS_OK;
    if (orchestrator->options.config_is_optional &&
        access(orchestrator->options.config_path, F_OK) != 0) {
        orchestrator->config = config_default();
        override_proxy(orchestrator, orchestrator->config);
        log_info("no %s: everything has its default", orchestrator->options.config_path);
    } else {
        status = load(orchestrator, &orchestrator->config);
    }
    if (status != STATUS_OK)
        return error_set(err, STATUS_INVALID, "the configuration is refused");
    orchestrator->shards = wished_shards(orchestrator, orchestrator->config);
    if (orchestrator->shards * orchestrator->config->barrels.replicas > 256)
        return error_set(err, STATUS_INVALID, "%u shards of %u replicas are more than 256 barrels",
                         orchestrator->shards, (unsigned)orchestrator->config->barrels.replicas);
    bool changed;
    struct error failure;
    if (prepare_proxy(orchestrator, orchestrator->config, &changed, &failure) == STATUS_OK) {
        orchestrator->proxy_is_prepared = true;
        return STATUS_OK;
    }
    /* Search works without it, over gRPC; an edit of the file tries again. */
    log_error("%s; it is not started", failure.text);
    buffer_append_string(&orchestrator->config_error, failure.text);
    return STATUS_OK;
}

/* ---- an edit ------------------------------------------------------------------------------- */

/* What a running installation cannot take up keeps its value until the next start. */
static void hold_back(struct orchestrator *orchestrator, struct config *fresh)
{
    const struct config *config = orchestrator->config;
    if (wished_shards(orchestrator, fresh) != orchestrator->shards)
        log_warning("barrels.shards: takes effect after a restart");
    if (fresh->memory != config->memory)
        log_warning(
            "memory: barrels and the indexserver take up their parts when they start: tierce "
            "restart barrels, tierce restart indexserver");
    if (orchestrator->shards * fresh->barrels.replicas > 256) {
        log_warning("barrels.replicas: too many for %u shards; the former number stays",
                    orchestrator->shards);
        fresh->barrels.replicas = config->barrels.replicas;
    }
}

static void take_up(struct orchestrator *orchestrator, struct config *fresh, bool proxy_changed)
{
    struct config *old = orchestrator->config;
    bool same_kind = old->proxy.kind == fresh->proxy.kind && orchestrator->proxy_is_prepared;
    orchestrator->config = fresh;
    orchestrator->proxy_is_prepared = true;
    members_set(orchestrator->members, fresh->hostname, (unsigned)fresh->barrels.replicas);
    uint64_t before = orchestrator->settings.version;
    orchestrator_apply(orchestrator);
    if (proxy_changed && same_kind && has_proxy(orchestrator, fresh))
        reload_proxy(orchestrator);
    config_free(old);
    log_info("%s is in force%s", orchestrator->options.config_path,
             orchestrator->settings.version == before ? "; no process needs anything new of it"
                                                      : "");
}

void orchestrator_reload(void *context)
{
    struct orchestrator *orchestrator = context;
    struct config *fresh = NULL;
    struct error err;
    bool proxy_changed = false;
    if (orchestrator->is_stopping)
        return;
    if (load(orchestrator, &fresh) != STATUS_OK) {
        log_error("the running configuration stays");
        return;
    }
    hold_back(orchestrator, fresh);
    if (orchestrator_check_ports(orchestrator, fresh, &err) != STATUS_OK ||
        prepare_proxy(orchestrator, fresh, &proxy_changed, &err) != STATUS_OK) {
        log_error("%s; the running configuration stays", err.text);
        buffer_clear(&orchestrator->config_error);
        buffer_append_string(&orchestrator->config_error, err.text);
        config_free(fresh);
        return;
    }
    take_up(orchestrator, fresh, proxy_changed);
}
