#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <unistd.h>

#include "base/args.h"
#include "base/check.h"
#include "base/file.h"
#include "base/log.h"
#include "orchestrator/config.h"
#include "orchestrator/orchestrator.h"

#define LOCK_FILE "orchestrator.lock"
enum {
    PORT_MAX = 65535,
    SHARDS_MAX = 256,
    FOLDER_MODE = 0711, /* the web server's user passes through, to the socket */
};

struct arguments {
    const char *config;
    const char *data;
    const char *host;
    const char *bin;
    const char *proxy;
    const char *proxy_folder;
    const char *share_folder;
    const char *log_level;
    uint64_t port;
    uint64_t indexserver_port;
    uint64_t shards;
    bool check;
};

static void read_arguments(int argc, char **argv, struct arguments *arguments)
{
    const struct args_option options[] = {
        {"config", ARGS_STRING, &arguments->config, "FILE", "the configuration (./config.yaml)", 0},
        {"data", ARGS_STRING, &arguments->data, "DIR", "where everything is kept (./var)", 0},
        {"host", ARGS_STRING, &arguments->host, "ADDRESS", "the address to bind (localhost)", 0},
        {"port", ARGS_UINT, &arguments->port, "N", "the port to listen on (9003)", PORT_MAX},
        {"indexserver-port", ARGS_UINT, &arguments->indexserver_port, "N",
         "the indexserver's port (8183)", PORT_MAX},
        {"shards", ARGS_UINT, &arguments->shards, "N", "what barrels.shards: auto means",
         SHARDS_MAX},
        {"proxy", ARGS_STRING, &arguments->proxy, "KIND",
         "nginx, caddy or none, whatever the configuration says", 0},
        {"bin", ARGS_STRING, &arguments->bin, "DIR", "the other programs (beside this one)", 0},
        {"proxy-folder", ARGS_STRING, &arguments->proxy_folder, "DIR",
         "the templates nginx.conf and Caddyfile", 0},
        {"share-folder", ARGS_STRING, &arguments->share_folder, "DIR",
         "the static files and the handbook", 0},
        {"log-level", ARGS_STRING, &arguments->log_level, "LEVEL",
         "debug, info, warning or error, whatever the configuration says", 0},
        {"check", ARGS_FLAG, &arguments->check, NULL, "read the configuration, say what is wrong",
         0},
        {0},
    };
    int first =
        args_parse(argc, argv, "orchestrator [--config FILE] [--data DIR] [options]", options);
    if (first != argc) {
        fprintf(stderr, "orchestrator takes no argument \"%s\" (see --help)\n", argv[first]);
        exit(2);
    }
    enum log_level level;
    if (arguments->log_level != NULL && !log_level_parse(arguments->log_level, &level)) {
        fprintf(stderr, "--log-level is debug, info, warning or error\n");
        exit(2);
    }
    if (arguments->proxy != NULL && strcmp(arguments->proxy, "nginx") != 0 &&
        strcmp(arguments->proxy, "caddy") != 0 && strcmp(arguments->proxy, "none") != 0) {
        fprintf(stderr, "--proxy is nginx, caddy or none\n");
        exit(2);
    }
}

/* ---- folders ------------------------------------------------------------------------------- */

static enum status make_absolute(const char *path, char ret[PATH_MAX], struct error *err)
{
    if (realpath(path, ret) == NULL)
        return error_set_errno(err, errno, "%s", path);
    return STATUS_OK;
}

/* The file need not exist; its folder must. */
static enum status make_absolute_file(const char *path, char ret[PATH_MAX], struct error *err)
{
    char folder[PATH_MAX];
    char base[PATH_MAX];
    const char *slash = strrchr(path, '/');
    snprintf(base, sizeof(base), "%s", slash == NULL ? path : slash + 1);
    snprintf(folder, sizeof(folder), "%.*s", slash == NULL ? 1 : (int)(slash - path) + 1,
             slash == NULL ? "." : path);
    char absolute[PATH_MAX];
    enum status status = make_absolute(folder, absolute, err);
    if (status != STATUS_OK)
        return status;
    int size = snprintf(ret, PATH_MAX, "%s/%s", absolute, base);
    return size < PATH_MAX ? STATUS_OK : error_set(err, STATUS_INVALID, "%s is too long", path);
}

/* The first of the folders, told from the programs' own, that holds `file`. */
static enum status find_folder(const char *bin, const char *const *folders, size_t count,
                               const char *file, char ret[PATH_MAX], struct error *err)
{
    for (size_t i = 0; i < count; i++) {
        char folder[PATH_MAX];
        char path[PATH_MAX];
        int size = snprintf(folder, sizeof(folder), "%s/%s", bin, folders[i]);
        int file_size = snprintf(path, sizeof(path), "%s/%s/%s", bin, folders[i], file);
        if (size < PATH_MAX && file_size < PATH_MAX && access(path, F_OK) == 0)
            return make_absolute(folder, ret, err);
    }
    return error_set(err, STATUS_NOT_FOUND, "there is no %s in %s/%s or %s/%s", file, bin,
                     folders[0], bin, folders[count - 1]);
}

struct folders {
    char config[PATH_MAX];
    char data[PATH_MAX];
    char bin[PATH_MAX];
    char proxy[PATH_MAX];
    char share[PATH_MAX];
};

static enum status find_bin(const struct arguments *arguments, struct folders *folders,
                            struct error *err)
{
    if (arguments->bin != NULL)
        return make_absolute(arguments->bin, folders->bin, err);
    enum status status = make_absolute("/proc/self/exe", folders->bin, err);
    if (status == STATUS_OK)
        *strrchr(folders->bin, '/') = '\0';
    return status;
}

/* Installed in /usr/libexec/tierce beside /usr/share/tierce, or built in build/X/bin beside
 * build/share and proxy. */
static enum status find_shared(const struct arguments *arguments, struct folders *folders,
                               struct error *err)
{
    static const char *const shares[] = {"../../share/tierce", "../../share"};
    static const char *const proxies[] = {"../../share/tierce/proxy", "../../share/proxy",
                                          "../../../proxy"};
    char own[PATH_MAX];
    enum status status = make_absolute("/proc/self/exe", own, err);
    if (status != STATUS_OK)
        return status;
    *strrchr(own, '/') = '\0';
    status =
        arguments->proxy_folder != NULL
            ? make_absolute(arguments->proxy_folder, folders->proxy, err)
            : find_folder(own, proxies, ARRAY_COUNT(proxies), "nginx.conf", folders->proxy, err);
    if (status != STATUS_OK)
        return status;
    return arguments->share_folder != NULL
               ? make_absolute(arguments->share_folder, folders->share, err)
               : find_folder(own, shares, ARRAY_COUNT(shares), "static", folders->share, err);
}

static enum status find_folders(const struct arguments *arguments, struct folders *folders,
                                struct error *err)
{
    const char *config = arguments->config == NULL ? "config.yaml" : arguments->config;
    enum status status = make_absolute_file(config, folders->config, err);
    if (status == STATUS_OK)
        status = file_make_folders(arguments->data, FOLDER_MODE, err);
    if (status == STATUS_OK)
        status = make_absolute(arguments->data, folders->data, err);
    if (status == STATUS_OK)
        status = find_bin(arguments, folders, err);
    if (status == STATUS_OK)
        status = find_shared(arguments, folders, err);
    return status;
}

/* ---- one at a time ------------------------------------------------------------------------- */

static enum status refuse_second(int fd, struct error *err)
{
    char text[32] = "";
    ssize_t size = pread(fd, text, sizeof(text) - 1, 0);
    text[size > 0 ? size : 0] = '\0';
    return error_set(err, STATUS_CONFLICT, "already running with this data folder (PID %ld)",
                     strtol(text, NULL, 10));
}

/* Held until this process ends, however it ends. */
static enum status lock_folder(const char *folder, struct error *err)
{
    char path[PATH_MAX];
    char text[32];
    snprintf(path, sizeof(path), "%.*s/" LOCK_FILE, (int)(PATH_MAX - sizeof(LOCK_FILE) - 1),
             folder);
    int fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0644);
    if (fd < 0)
        return error_set_errno(err, errno, "%s", path);
    if (flock(fd, LOCK_EX | LOCK_NB) != 0) {
        enum status status =
            errno == EWOULDBLOCK ? refuse_second(fd, err) : error_set_errno(err, errno, "%s", path);
        close(fd);
        return status;
    }
    int size = snprintf(text, sizeof(text), "%ld\n", (long)getpid());
    if (ftruncate(fd, 0) != 0 || pwrite(fd, text, (size_t)size, 0) != size)
        return error_set_errno(err, errno, "%s", path);
    return STATUS_OK;
}

/* ---- --check ------------------------------------------------------------------------------- */

static int check(const struct arguments *arguments)
{
    static struct config_errors errors;
    const char *path = arguments->config == NULL ? "config.yaml" : arguments->config;
    struct config *config = NULL;
    enum status status = config_load(path, &config, &errors);
    for (unsigned i = 0; i < errors.count; i++)
        printf("%s\n", errors.items[i].text);
    if (errors.left_out > 0)
        printf("and %u more\n", errors.left_out);
    if (status == STATUS_OK)
        printf("ok\n");
    config_free(config);
    config_errors_release(&errors);
    return status == STATUS_OK ? 0 : 1;
}

static int run(const struct arguments *arguments)
{
    static struct folders folders;
    struct error err = {0};
    struct orchestrator *orchestrator = NULL;
    enum status status = find_folders(arguments, &folders, &err);
    if (status == STATUS_OK)
        status = lock_folder(folders.data, &err);
    if (status == STATUS_OK) {
        struct orchestrator_options options = {.config_path = folders.config,
                                               .config_is_optional = arguments->config == NULL,
                                               .data_folder = folders.data,
                                               .bin_folder = folders.bin,
                                               .proxy_folder = folders.proxy,
                                               .share_folder = folders.share,
                                               .host = arguments->host,
                                               .port = (uint16_t)arguments->port,
                                               .indexserver_port =
                                                   (uint16_t)arguments->indexserver_port,
                                               .proxy = arguments->proxy,
                                               .shards = (unsigned)arguments->shards,
                                               .log_level = arguments->log_level};
        status = orchestrator_open(&options, &orchestrator, &err);
    }
    if (status != STATUS_OK) {
        log_error("%s", err.text);
        return 1;
    }
    orchestrator_run(orchestrator);
    orchestrator_close(orchestrator);
    return 0;
}

int main(int argc, char **argv)
{
    struct arguments arguments = {
        .data = "./var", .host = "localhost", .port = 9003, .indexserver_port = 8183};
    enum log_level level = LOG_INFO_LEVEL;
    read_arguments(argc, argv, &arguments);
    if (arguments.check)
        return check(&arguments);
    if (arguments.log_level != NULL)
        log_level_parse(arguments.log_level, &level);
    log_open("orchestrator", level);
    return run(&arguments);
}
