#include "orchestrator/orchestrator.h"

#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/signalfd.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/check.h"
#include "base/clock.h"
#include "base/file.h"
#include "base/log.h"
#include "orchestrator/fastcgi_socket.h"
#include "orchestrator/orchestrator_parts.h"
#include "orchestrator/run_file.h"

enum {
    COUNTERS_PAUSE_MS = 60000,
    CERTIFICATE_PAUSE_MS = 12 * 3600 * 1000,
    SERVER_DRAIN_MS = 1000,
};

static const char *in_data(struct orchestrator *orchestrator, const char *name)
{
    return check_alloc(
        arena_format(&orchestrator->arena, "%s/%s", orchestrator->options.data_folder, name));
}

/* ---- signals ------------------------------------------------------------------------------- */

static void begin_stop(struct orchestrator *orchestrator)
{
    if (orchestrator->is_stopping) {
        log_warning("asked again: the processes are killed");
        children_kill_all(orchestrator->children);
        return;
    }
    orchestrator->is_stopping = true;
    log_info("stopping");
    children_stop_all(orchestrator->children);
}

static void take_signal(void *context)
{
    struct orchestrator *orchestrator = context;
    struct signalfd_siginfo info;
    if (read(orchestrator->signals.fd, &info, sizeof(info)) != sizeof(info))
        return;
    if (info.ssi_signo == SIGHUP)
        orchestrator_reload(orchestrator);
    else
        begin_stop(orchestrator);
}

static enum status open_signals(struct orchestrator *orchestrator, struct error *err)
{
    sigset_t set;
    sigemptyset(&set);
    sigaddset(&set, SIGTERM);
    sigaddset(&set, SIGINT);
    sigaddset(&set, SIGHUP);
    pthread_sigmask(SIG_BLOCK, &set, NULL);
    signal(SIGPIPE, SIG_IGN);
    orchestrator->signals =
        (struct loop_watch){.fd = signalfd(-1, &set, SFD_CLOEXEC | SFD_NONBLOCK),
                            .ready = take_signal,
                            .context = orchestrator};
    if (orchestrator->signals.fd < 0)
        return error_set_errno(err, errno, "signalfd");
    return loop_add(&orchestrator->loop, &orchestrator->signals, err);
}

/* ---- what the parts ask each other --------------------------------------------------------- */

static Wire__Settings *settings_of(void *context, Wire__Role role, struct arena *arena)
{
    const struct orchestrator *orchestrator = context;
    return settings_for(&orchestrator->settings, role, arena);
}

static uint64_t version_of(void *context)
{
    const struct orchestrator *orchestrator = context;
    return orchestrator->settings.version;
}

static void member_ready(void *context, const char *name)
{
    struct orchestrator *orchestrator = context;
    children_ready(orchestrator->children, name);
}

static void child_ended(void *context, const char *name, uint32_t pid)
{
    struct orchestrator *orchestrator = context;
    members_ended(orchestrator->members, name, pid);
}

/* ---- opening ------------------------------------------------------------------------------- */

static void set_paths(struct orchestrator *orchestrator)
{
    orchestrator->paths =
        (struct proxy_paths){.proxy_folder = orchestrator->options.proxy_folder,
                             .share_folder = orchestrator->options.share_folder,
                             .data_folder = orchestrator->options.data_folder,
                             .run_folder = in_data(orchestrator, "run"),
                             .fastcgi_socket = in_data(orchestrator, "run/gateway.sock")};
    orchestrator->proxy_user = proxy_user_find(&orchestrator->paths);
}

static enum status open_secrets(struct orchestrator *orchestrator, struct error *err)
{
    enum status status =
        cluster_key_make(orchestrator->options.data_folder, &orchestrator->key, err);
    if (status == STATUS_OK)
        status = token_provide(orchestrator->options.data_folder, orchestrator->settings.token_hash,
                               err);
    return status;
}

static enum status open_counters(struct orchestrator *orchestrator, struct error *err)
{
    orchestrator->counters = counters_new();
    enum status status =
        counters_load(orchestrator->counters, in_data(orchestrator, "counters"), err);
    if (status == STATUS_UNSUPPORTED)
        return status;
    if (status != STATUS_OK && status != STATUS_NOT_FOUND)
        log_warning("%s; counting begins anew", err->text);
    orchestrator->counters_saved = counters_changes(orchestrator->counters);
    return STATUS_OK;
}

static void open_members(struct orchestrator *orchestrator)
{
    struct members_options options = {.shards = orchestrator->shards,
                                      .reserved_replicas =
                                          (unsigned)orchestrator->config->barrels.replicas,
                                      .state_file = in_data(orchestrator, "run/members"),
                                      .hostname = orchestrator->config->hostname,
                                      .context = orchestrator,
                                      .settings = settings_of,
                                      .settings_version = version_of,
                                      .ready = member_ready};
    orchestrator->members = members_open(&options);
}

static enum status open_children(struct orchestrator *orchestrator, struct error *err)
{
    struct children_options options = {.loop = &orchestrator->loop,
                                       .state_file = in_data(orchestrator, "run/children"),
                                       .context = orchestrator,
                                       .ended = child_ended};
    enum status status = children_open(&options, &orchestrator->children, err);
    if (status != STATUS_OK)
        return status;
    int held = children_borrow_stdin(orchestrator->children, WIRE__ROLE__ROLE_GATEWAY);
    return fastcgi_socket_open(orchestrator->paths.fastcgi_socket, orchestrator->proxy_user.group,
                               held, &orchestrator->fastcgi_fd, err);
}

/* Before the first process is told where we are. Calls wait in the inbox until the loop runs. */
static enum status open_server(struct orchestrator *orchestrator, struct error *err)
{
    enum status status = inbox_open(&orchestrator->loop, orchestrator, orchestrator_answer,
                                    &orchestrator->inbox, err);
    if (status != STATUS_OK)
        return status;
    struct rpc_server_options options = {.host = orchestrator->options.host,
                                         .port = orchestrator->options.port,
                                         .key = &orchestrator->key,
                                         .handler = inbox_put,
                                         .context = orchestrator->inbox};
    status = rpc_server_open(&options, &orchestrator->server, err);
    if (status != STATUS_OK)
        return status;
    const char *address = rpc_server_address(orchestrator->server);
    log_info("listening at %s", address);
    return run_file_write(in_data(orchestrator, "run/orchestrator.address"), address,
                          strlen(address), err);
}

static enum status open_all(struct orchestrator *orchestrator, struct error *err)
{
    enum status status = loop_open(&orchestrator->loop, err);
    if (status == STATUS_OK)
        status = open_signals(orchestrator, err);
    if (status == STATUS_OK)
        status = file_make_folders(in_data(orchestrator, "run"), 0711, err);
    if (status != STATUS_OK)
        return status;
    umask(0077); /* what is made from here on, by every process of ours, is ours alone */
    set_paths(orchestrator);
    status = open_secrets(orchestrator, err);
    if (status == STATUS_OK)
        status = orchestrator_read_config(orchestrator, err);
    if (status == STATUS_OK)
        status = open_counters(orchestrator, err);
    if (status != STATUS_OK)
        return status;
    open_members(orchestrator);
    status = open_server(orchestrator, err);
    if (status == STATUS_OK)
        status = open_children(orchestrator, err);
    if (status == STATUS_OK)
        status =
            file_watch_open(&orchestrator->loop, orchestrator->options.config_path, orchestrator,
                            orchestrator_reload, &orchestrator->config_watch, err);
    if (status == STATUS_OK)
        status = orchestrator_check_ports(orchestrator, orchestrator->config, err);
    if (status == STATUS_OK)
        orchestrator_apply(orchestrator);
    return status;
}

enum status orchestrator_open(const struct orchestrator_options *options,
                              struct orchestrator **ret_orchestrator, struct error *err)
{
    struct orchestrator *orchestrator = check_alloc(calloc(1, sizeof(*orchestrator)));
    orchestrator->options = *options;
    orchestrator->loop.epoll_fd = -1;
    orchestrator->signals.fd = -1;
    orchestrator->fastcgi_fd = -1;
    orchestrator->started_us = clock_unix_us();
    orchestrator->counters_due_ms = clock_boot_ms() + COUNTERS_PAUSE_MS;
    orchestrator->certificate_due_ms = clock_boot_ms() + CERTIFICATE_PAUSE_MS;
    enum status status = open_all(orchestrator, err);
    if (status != STATUS_OK) {
        orchestrator_close(orchestrator);
        return status;
    }
    *ret_orchestrator = orchestrator;
    return STATUS_OK;
}

/* ---- running ------------------------------------------------------------------------------- */

static void save_counters(struct orchestrator *orchestrator)
{
    uint64_t changes = counters_changes(orchestrator->counters);
    struct error err;
    if (changes == orchestrator->counters_saved)
        return;
    if (counters_save(orchestrator->counters, in_data(orchestrator, "counters"), &err) == STATUS_OK)
        orchestrator->counters_saved = changes;
    else
        log_warning("%s", err.text);
}

static bool is_ready(struct orchestrator *orchestrator)
{
    for (unsigned i = 0; i < children_count(orchestrator->children); i++) {
        struct child_view child;
        children_view(orchestrator->children, i, &child);
        const struct member_entry *entry = members_find(orchestrator->members, child.name);
        bool serves = child.role == WIRE__ROLE__ROLE_PROXY
                          ? child.pid != 0
                          : entry != NULL && !entry->is_gone &&
                                entry->state == WIRE__MEMBER_STATE__STATE_READY;
        if (!serves)
            return false;
    }
    return children_count(orchestrator->children) > 0;
}

static void tell_ready(struct orchestrator *orchestrator)
{
    if (orchestrator->told_ready || orchestrator->is_stopping || !is_ready(orchestrator))
        return;
    struct arena arena = {0};
    orchestrator->told_ready = true;
    log_info("ready after %lld ms: %s",
             (long long)(clock_unix_us() - orchestrator->started_us) / 1000,
             settings_base_url(orchestrator->config, &arena));
    arena_release(&arena);
}

/* Does what is due and returns when something will be. */
static int64_t tick(struct orchestrator *orchestrator)
{
    int64_t now_ms = clock_boot_ms();
    if (now_ms >= orchestrator->members_due_ms) {
        orchestrator->members_due_ms = members_tick(orchestrator->members, now_ms);
        tell_ready(orchestrator);
    }
    if (now_ms >= orchestrator->counters_due_ms) {
        save_counters(orchestrator);
        orchestrator->counters_due_ms = now_ms + COUNTERS_PAUSE_MS;
    }
    if (now_ms >= orchestrator->certificate_due_ms) {
        orchestrator_renew_certificate(orchestrator);
        orchestrator->certificate_due_ms = now_ms + CERTIFICATE_PAUSE_MS;
    }
    int64_t next_ms = children_tick(orchestrator->children, now_ms);
    return next_ms < orchestrator->members_due_ms ? next_ms : orchestrator->members_due_ms;
}

void orchestrator_run(struct orchestrator *orchestrator)
{
    for (;;) {
        int64_t next_ms = tick(orchestrator);
        if (orchestrator->is_stopping && children_all_stopped(orchestrator->children))
            return;
        loop_step(&orchestrator->loop, next_ms);
    }
}

/* ---- closing ------------------------------------------------------------------------------- */

void orchestrator_close(struct orchestrator *orchestrator)
{
    if (orchestrator == NULL)
        return;
    inbox_shut(orchestrator->inbox);
    rpc_server_close(orchestrator->server, SERVER_DRAIN_MS);
    inbox_close(orchestrator->inbox);
    file_watch_close(orchestrator->config_watch);
    if (orchestrator->counters != NULL)
        save_counters(orchestrator);
    children_close(orchestrator->children);
    members_close(orchestrator->members);
    counters_free(orchestrator->counters);
    config_free(orchestrator->config);
    fd_close(orchestrator->fastcgi_fd);
    fd_close(orchestrator->signals.fd);
    loop_close(&orchestrator->loop);
    buffer_release(&orchestrator->config_error);
    arena_release(&orchestrator->settings_arena);
    arena_release(&orchestrator->arena);
    explicit_bzero(&orchestrator->key, sizeof(orchestrator->key));
    free(orchestrator);
}
