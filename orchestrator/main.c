/* The orchestrator: config.yaml, who is a member, and the processes. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/args.h"
#include "base/log.h"
#include "orchestrator/config.h"
#include "orchestrator/folders.h"
#include "orchestrator/lock.h"
#include "orchestrator/orchestrator.h"
#include "orchestrator/settings.h"
#include "rpc/message.h"

enum { PORT_MAX = 65535, SHARDS_MAX = 256 };

struct arguments {
    struct folders_wish folders;
    const char *host;
    const char *proxy;
    const char *log_level;
    uint64_t port;
    uint64_t indexserver_port;
    uint64_t shards;
    bool check;
    bool crawl;
};

static void read_arguments(int argc, char **argv, struct arguments *arguments)
{
    const struct args_option options[] = {
        {"config", ARGS_STRING, &arguments->folders.config, "FILE",
         "the configuration (./config.yaml)", 0},
        {"data", ARGS_STRING, &arguments->folders.data, "DIR", "where everything is kept (./var)",
         0},
        {"host", ARGS_STRING, &arguments->host, "ADDRESS", "the address to bind (localhost)", 0},
        {"port", ARGS_UINT, &arguments->port, "N", "the port to listen on (9003)", PORT_MAX},
        {"indexserver-port", ARGS_UINT, &arguments->indexserver_port, "N",
         "the indexserver's port (8183)", PORT_MAX},
        {"shards", ARGS_UINT, &arguments->shards, "N", "what barrels.shards: auto means",
         SHARDS_MAX},
        {"proxy", ARGS_STRING, &arguments->proxy, "KIND",
         "nginx, caddy or none, whatever the configuration says", 0},
        {"bin", ARGS_STRING, &arguments->folders.bin, "DIR", "the other programs (beside this one)",
         0},
        {"proxy-folder", ARGS_STRING, &arguments->folders.proxy, "DIR",
         "the templates nginx.conf and Caddyfile", 0},
        {"share-folder", ARGS_STRING, &arguments->folders.share, "DIR",
         "the static files and the handbook", 0},
        {"log-level", ARGS_STRING, &arguments->log_level, "LEVEL",
         "debug, info, warning or error, whatever the configuration says", 0},
        {"check", ARGS_FLAG, &arguments->check, NULL, "read the configuration, say what is wrong",
         0},
        {"crawl-settings", ARGS_FLAG, &arguments->crawl, NULL,
         "with --check: print what the crawl would be told, as a message", 0},
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

/* What the indexserver would be told, as it would travel: there is no secret in it. */
static void print_crawl(const struct config *config)
{
    struct settings_source source = {.config = config};
    struct arena arena = {0};
    struct buffer bytes = {0};
    const Wire__Settings *settings = settings_for(&source, WIRE__ROLE__ROLE_INDEXSERVER, &arena);
    if (message_pack(&settings->crawl->base, &bytes, NULL) == STATUS_OK)
        fwrite(bytes.data, 1, bytes.size, stdout);
    buffer_release(&bytes);
    arena_release(&arena);
}

/* --check */
static int check(const struct arguments *arguments)
{
    static struct config_errors errors;
    const char *path =
        arguments->folders.config == NULL ? "config.yaml" : arguments->folders.config;
    struct config *config = NULL;
    enum status status = config_load(path, &config, &errors);
    for (unsigned i = 0; i < errors.count; i++)
        printf("%s\n", errors.items[i].text);
    if (errors.left_out > 0)
        printf("and %u more\n", errors.left_out);
    if (status == STATUS_OK && arguments->crawl)
        print_crawl(config);
    else if (status == STATUS_OK)
        printf("ok\n");
    config_free(config);
    config_errors_release(&errors);
    return status == STATUS_OK ? 0 : 1;
}

static enum status open_orchestrator(const struct arguments *arguments,
                                     struct orchestrator **ret_orchestrator, struct error *err)
{
    static struct folders folders;
    enum status status = folders_find(&arguments->folders, &folders, err);
    if (status == STATUS_OK)
        status = lock_folder(folders.data, err);
    if (status != STATUS_OK)
        return status;
    struct orchestrator_options options = {
        .config_path = folders.config,
        .config_is_optional = arguments->folders.config == NULL,
        .data_folder = folders.data,
        .bin_folder = folders.bin,
        .proxy_folder = folders.proxy,
        .share_folder = folders.share,
        .host = arguments->host,
        .port = (uint16_t)arguments->port,
        .indexserver_port = (uint16_t)arguments->indexserver_port,
        .proxy = arguments->proxy,
        .shards = (unsigned)arguments->shards,
        .log_level = arguments->log_level,
    };
    return orchestrator_open(&options, ret_orchestrator, err);
}

static int run(const struct arguments *arguments)
{
    struct orchestrator *orchestrator = NULL;
    struct error err = {0};
    if (open_orchestrator(arguments, &orchestrator, &err) != STATUS_OK) {
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
        .folders = {.data = "./var"}, .host = "localhost", .port = 9003, .indexserver_port = 8183};
    enum log_level level = LOG_INFO_LEVEL;
    read_arguments(argc, argv, &arguments);
    if (arguments.check)
        return check(&arguments);
    if (arguments.log_level != NULL)
        log_level_parse(arguments.log_level, &level);
    log_open("orchestrator", level);
    return run(&arguments);
}
