/* The gateway: gRPC on its own port, or with --fastcgi a worker of the pool behind the proxy. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "cluster/program.h"
#include "gateway/gateway.h"
#include "gateway/grpc_front.h"
#include "gateway/http_worker.h"

#define NO_DESCRIPTOR UINT64_MAX
enum { DRAIN_MS = 10000, PORT_MAX = 65535, ADDRESS_BYTES = 300 };

struct arguments {
    uint64_t port;
    const char *host;
    const char *advertise_host;
    const char *fastcgi_path;
    uint64_t fastcgi_fd;
    const char *tls_certificate;
    const char *tls_key;
};

static void read_arguments(int argc, char **argv, struct program *program,
                           struct arguments *arguments)
{
    const struct args_option options[] = {
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
        {0},
    };
    program_read_arguments(program, "gateway", "gateway --orchestrator HOST:PORT [options]",
                           "where cluster.key lies (./var)", options, argc, argv);
    if ((arguments->tls_certificate == NULL) != (arguments->tls_key == NULL)) {
        fprintf(stderr, "--tls-certificate and --tls-key belong together\n");
        exit(2);
    }
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

static enum status serve_grpc(struct program *program, const struct arguments *arguments,
                              struct gateway_options options, struct error *err)
{
    struct grpc_front_options front_options = {.host = arguments->host,
                                               .port = (uint16_t)arguments->port,
                                               .certificate_file = arguments->tls_certificate,
                                               .key_file = arguments->tls_key};
    struct grpc_front *front = NULL;
    struct gateway *gateway = NULL;
    char address[ADDRESS_BYTES];
    program_catch_signals(program);
    enum status status = grpc_front_open(&front_options, &front, err);
    if (status == STATUS_OK) {
        local_address(arguments->host, grpc_front_port(front), address);
        options.address = address;
        status = gateway_open(&options, &gateway, err);
    }
    if (status == STATUS_OK)
        status = grpc_front_start(front, gateway, err);
    if (status == STATUS_OK) {
        gateway_set_ready(gateway, true);
        log_info("gRPC on port %u", grpc_front_port(front));
        program_wait(program);
        gateway_set_ready(gateway, false);
    }
    grpc_front_close(front, DRAIN_MS);
    gateway_close(gateway);
    return status;
}

static enum status serve_fastcgi(const struct arguments *arguments,
                                 const struct gateway_options *options, struct error *err)
{
    struct gateway *gateway = NULL;
    enum status status = gateway_open(options, &gateway, err);
    int fd = arguments->fastcgi_fd == NO_DESCRIPTOR ? -1 : (int)arguments->fastcgi_fd;
    if (status == STATUS_OK)
        status = http_worker_run(gateway, fd, arguments->fastcgi_path, err);
    if (status == STATUS_TIMEOUT) {
        /* a thread still uses the gateway: nothing may be freed under it */
        log_warning("%s", err->text);
        _exit(1);
    }
    gateway_close(gateway);
    return status;
}

/* Its signals are its own: the pool's loop takes them. */
static bool is_pool_worker(const struct arguments *arguments)
{
    return arguments->fastcgi_path != NULL || arguments->fastcgi_fd != NO_DESCRIPTOR;
}

static enum status run(struct program *program, const struct arguments *arguments,
                       struct error *err)
{
    bool is_worker = is_pool_worker(arguments);
    struct gateway_options options = {
        .orchestrator = program->orchestrator,
        .key = program->key,
        .role = is_worker ? WIRE__ROLE__ROLE_GATEWAY : WIRE__ROLE__ROLE_GRPC,
        .name = program->name,
        .address = "",
        .advertise_host = arguments->advertise_host,
        .keeps_log_level = program->log_level != NULL,
    };
    return is_worker ? serve_fastcgi(arguments, &options, err)
                     : serve_grpc(program, arguments, options, err);
}

int main(int argc, char **argv)
{
    static struct program program = {.data = "./var"};
    struct arguments arguments = {
        .port = 8000, .host = "[::]", .advertise_host = "", .fastcgi_fd = NO_DESCRIPTOR};
    struct error err = {0};
    read_arguments(argc, argv, &program, &arguments);
    enum status status = cluster_key_load(program.key_file, program.data, &program.key, &err);
    if (status == STATUS_OK)
        status = run(&program, &arguments, &err);
    return program_end(status, &err);
}
