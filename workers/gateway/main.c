/* The gateway: gRPC on its own port, or with --fastcgi a worker of the pool behind the proxy. */
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/args.h"
#include "base/log.h"
#include "gateway/gateway.h"
#include "gateway/grpc_front.h"
#include "gateway/http_worker.h"

#define NO_DESCRIPTOR UINT64_MAX
enum { DRAIN_MS = 10000, PORT_MAX = 65535, ADDRESS_BYTES = 300 };

struct arguments {
    uint64_t port;
    const char *host;
    const char *orchestrator;
    const char *advertise_host;
    const char *data;
    const char *key_file;
    const char *name;
    const char *log_level;
    const char *fastcgi_path;
    uint64_t fastcgi_fd;
    const char *tls_certificate;
    const char *tls_key;
};

static void read_arguments(int argc, char **argv, struct arguments *arguments)
{
    const struct args_option options[] = {
        {"orchestrator", ARGS_STRING, &arguments->orchestrator, "HOST:PORT",
         "who tells the settings and where the barrels are (localhost:9003)", 0},
        {"port", ARGS_UINT, &arguments->port, "N", "where gRPC is served (8000)", PORT_MAX},
        {"host", ARGS_STRING, &arguments->host, "ADDRESS", "the address to bind ([::])", 0},
        {"advertise-host", ARGS_STRING, &arguments->advertise_host, "NAME",
         "the public name of this gateway", 0},
        {"tls-certificate", ARGS_STRING, &arguments->tls_certificate, "FILE",
         "serve gRPC over TLS with this chain (PEM)", 0},
        {"tls-key", ARGS_STRING, &arguments->tls_key, "FILE", "the certificate's key (PEM)", 0},
        {"fastcgi", ARGS_STRING, &arguments->fastcgi_path, "PATH",
         "serve FastCGI on this unix socket instead of gRPC", 0},
        {"fastcgi-fd", ARGS_UINT, &arguments->fastcgi_fd, "N",
         "the same on a listening socket that was handed down", INT32_MAX},
        {"data", ARGS_STRING, &arguments->data, "DIR", "where cluster.key lies (./var)", 0},
        {"key-file", ARGS_STRING, &arguments->key_file, "FILE", "the cluster's key", 0},
        {"name", ARGS_STRING, &arguments->name, "NAME", "this process's name in status and log", 0},
        {"log-level", ARGS_STRING, &arguments->log_level, "LEVEL",
         "debug, info, warning or error (as configured)", 0},
        {0},
    };
    int first = args_parse(argc, argv, "gateway --orchestrator HOST:PORT [options]", options);
    if (first != argc) {
        fprintf(stderr, "gateway takes no argument \"%s\" (see --help)\n", argv[first]);
        exit(2);
    }
    if ((arguments->tls_certificate == NULL) != (arguments->tls_key == NULL)) {
        fprintf(stderr, "--tls-certificate and --tls-key belong together\n");
        exit(2);
    }
}

static int fail(const struct error *err)
{
    log_error("%s", err->text);
    return err->status == STATUS_INVALID ? 2 : 1;
}

/* Where gRPC is reached from this machine, as the routing table says it. */
static void local_address(const char *host, uint16_t port, char ret[ADDRESS_BYTES])
{
    bool is_v6 = strchr(host, ':') != NULL && host[0] != '[';
    if (strcmp(host, "[::]") == 0 || strcmp(host, "::") == 0 || strcmp(host, "0.0.0.0") == 0)
        snprintf(ret, ADDRESS_BYTES, "127.0.0.1:%u", port);
    else
        snprintf(ret, ADDRESS_BYTES, is_v6 ? "[%.250s]:%u" : "%.250s:%u", host, port);
}

static int serve_grpc(const struct arguments *arguments, struct gateway_options options)
{
    struct grpc_front_options front_options = {.host = arguments->host,
                                               .port = (uint16_t)arguments->port,
                                               .certificate_file = arguments->tls_certificate,
                                               .key_file = arguments->tls_key};
    struct grpc_front *front = NULL;
    struct gateway *gateway = NULL;
    struct error err;
    char address[ADDRESS_BYTES];
    sigset_t signals; /* blocked before there is any thread; taken by sigwait() */
    sigemptyset(&signals);
    sigaddset(&signals, SIGTERM);
    sigaddset(&signals, SIGINT);
    pthread_sigmask(SIG_BLOCK, &signals, NULL);
    signal(SIGPIPE, SIG_IGN);

    enum status status = grpc_front_open(&front_options, &front, &err);
    if (status == STATUS_OK) {
        local_address(arguments->host, grpc_front_port(front), address);
        options.address = address;
        status = gateway_open(&options, &gateway, &err);
    }
    if (status == STATUS_OK)
        status = grpc_front_start(front, gateway, &err);
    if (status == STATUS_OK) {
        gateway_set_ready(gateway, true);
        log_info("gRPC on port %u", grpc_front_port(front));
        int number;
        sigwait(&signals, &number);
        gateway_set_ready(gateway, false);
    }
    grpc_front_close(front, DRAIN_MS);
    gateway_close(gateway);
    return status == STATUS_OK ? 0 : fail(&err);
}

static int serve_fastcgi(const struct arguments *arguments, const struct gateway_options *options)
{
    struct gateway *gateway = NULL;
    struct error err;
    enum status status = gateway_open(options, &gateway, &err);
    int fd = arguments->fastcgi_fd == NO_DESCRIPTOR ? -1 : (int)arguments->fastcgi_fd;
    if (status == STATUS_OK)
        status = http_worker_run(gateway, fd, arguments->fastcgi_path, &err);
    if (status == STATUS_TIMEOUT) {
        /* a thread still uses the gateway: nothing may be freed under it */
        log_warning("%s", err.text);
        _exit(1);
    }
    gateway_close(gateway);
    return status == STATUS_OK ? 0 : fail(&err);
}

int main(int argc, char **argv)
{
    struct arguments arguments = {.port = 8000,
                                  .host = "[::]",
                                  .orchestrator = "localhost:9003",
                                  .advertise_host = "",
                                  .data = "./var",
                                  .name = "",
                                  .fastcgi_fd = NO_DESCRIPTOR};
    read_arguments(argc, argv, &arguments);
    bool is_worker = arguments.fastcgi_path != NULL || arguments.fastcgi_fd != NO_DESCRIPTOR;
    struct gateway_options options = {
        .orchestrator = arguments.orchestrator,
        .role = is_worker ? WIRE__ROLE__ROLE_GATEWAY : WIRE__ROLE__ROLE_GRPC,
        .name = arguments.name,
        .address = "",
        .advertise_host = arguments.advertise_host,
        .keeps_log_level = arguments.log_level != NULL,
    };
    struct error err;
    enum log_level level = LOG_INFO_LEVEL;
    if (arguments.log_level != NULL && !log_level_parse(arguments.log_level, &level)) {
        fprintf(stderr, "--log-level is debug, info, warning or error\n");
        return 2;
    }
    log_open(arguments.name[0] == '\0' ? "gateway" : arguments.name, level);
    if (cluster_key_load(arguments.key_file, arguments.data, &options.key, &err) != STATUS_OK)
        return fail(&err);
    return is_worker ? serve_fastcgi(&arguments, &options) : serve_grpc(&arguments, options);
}
