#include "orchestrator/proxy_parts.h"

#include <signal.h>
#include <unistd.h>

#include "base/check.h"
#include "orchestrator/process.h"

enum { CHECK_LIMIT_MS = 10000 };

const char *proxy_path(struct arena *arena, const char *folder, const char *name)
{
    return check_alloc(arena_format(arena, "%s/%s", folder, name));
}

const char *proxy_template_name(const struct config *config)
{
    return config->proxy.kind == PROXY_NGINX ? "nginx.conf" : "Caddyfile";
}

static const char *find_program(const char *name, struct arena *arena)
{
    static const char *const folders[] = {"/usr/sbin",      "/usr/bin", "/usr/local/sbin",
                                          "/usr/local/bin", "/sbin",    "/bin"};
    for (size_t i = 0; i < ARRAY_COUNT(folders); i++) {
        const char *path = proxy_path(arena, folders[i], name);
        if (access(path, X_OK) == 0)
            return path;
    }
    return NULL;
}

static enum status program_of(const struct config *config, struct arena *arena,
                              const char **ret_path, struct error *err)
{
    const char *name = config->proxy.kind == PROXY_NGINX ? "nginx" : "caddy";
    *ret_path = find_program(name, arena);
    if (*ret_path == NULL)
        return error_set(err, STATUS_NOT_FOUND,
                         "%s is not installed (apt install %s); or set proxy.kind", name, name);
    return STATUS_OK;
}

static const char *const *caddy_variables(const struct proxy_paths *paths, struct arena *arena)
{
    const char **variables = check_alloc(arena_zalloc(arena, 4 * sizeof(*variables)));
    static const char *const names[] = {"HOME", "XDG_CONFIG_HOME", "XDG_DATA_HOME"};
    for (size_t i = 0; i < ARRAY_COUNT(names); i++)
        variables[i] = check_alloc(arena_format(arena, "%s=%s", names[i], paths->run_folder));
    return variables;
}

enum status proxy_check_file(const struct config *config, const struct proxy_paths *paths,
                             const char *file, struct arena *arena, struct error *err)
{
    const char *program;
    enum status status = program_of(config, arena, &program, err);
    if (status != STATUS_OK || config->proxy.kind != PROXY_NGINX)
        return status;
    const char *const arguments[] = {program,           "-t", "-q",     "-c", file, "-p",
                                     paths->run_folder, "-e", "stderr", NULL};
    struct process_start start = {.arguments = arguments, .stdin_fd = -1};
    return process_run(&start, CHECK_LIMIT_MS, err);
}

static const char *const *keep_arguments(struct arena *arena, const char *const *arguments,
                                         size_t count)
{
    return check_alloc(arena_copy(arena, arguments, count * sizeof(*arguments)));
}

enum status proxy_job(const struct config *config, const struct proxy_paths *paths,
                      struct arena *arena, struct child_job *ret_job, struct error *err)
{
    const char *program;
    enum status status = program_of(config, arena, &program, err);
    if (status != STATUS_OK)
        return status;
    const char *file = proxy_path(arena, paths->run_folder, proxy_template_name(config));
    const char *const nginx[] = {program,           "-c", file,     "-p",
                                 paths->run_folder, "-e", "stderr", NULL};
    const char *const caddy[] = {program, "run", "--config", file, "--adapter", "caddyfile", NULL};
    bool is_nginx = config->proxy.kind == PROXY_NGINX;
    *ret_job =
        (struct child_job){.slot = is_nginx ? "nginx" : "caddy",
                           .role = WIRE__ROLE__ROLE_PROXY,
                           .arguments = is_nginx ? keep_arguments(arena, nginx, ARRAY_COUNT(nginx))
                                                 : keep_arguments(arena, caddy, ARRAY_COUNT(caddy)),
                           .variables = is_nginx ? NULL : caddy_variables(paths, arena),
                           .stdin_fd = -1,
                           .stop_signal = is_nginx ? SIGQUIT : SIGTERM,
                           .free_failures = 1};
    return STATUS_OK;
}

enum status proxy_reload(const struct config *config, const struct proxy_paths *paths,
                         struct children *children, struct error *err)
{
    if (config->proxy.kind == PROXY_NGINX) {
        children_signal(children, WIRE__ROLE__ROLE_PROXY, SIGHUP);
        return STATUS_OK;
    }
    struct arena arena = {0};
    const char *program;
    enum status status = program_of(config, &arena, &program, err);
    if (status == STATUS_OK) {
        const char *file = proxy_path(&arena, paths->run_folder, proxy_template_name(config));
        const char *admin =
            check_alloc(arena_format(&arena, "unix/%s/caddy.sock", paths->run_folder));
        const char *const arguments[] = {program,     "reload",    "--config",  file,
                                         "--adapter", "caddyfile", "--address", admin,
                                         "--force",   NULL};
        struct process_start start = {
            .arguments = arguments, .variables = caddy_variables(paths, &arena), .stdin_fd = -1};
        status = process_run(&start, CHECK_LIMIT_MS, err);
    }
    arena_release(&arena);
    return status;
}
