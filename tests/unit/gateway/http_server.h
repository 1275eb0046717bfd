/* A worker of the gateway with a fake backend, on a socket of its own, for tests. */
#ifndef TIERCE_TESTS_HTTP_SERVER_H
#define TIERCE_TESTS_HTTP_SERVER_H

#include <fcntl.h>
#include <pthread.h>
#include <signal.h>
#include <sys/eventfd.h>

#include "gateway/http_worker.h"
#include "tests/unit/gateway/fcgi_client.h"
#include "tests/unit/gateway/http_fake.h"

struct server {
    struct gateway gateway;
    char folder[64];
    char path[100]; /* of the socket */
    int listen_fd;
    int stop_fd;
    int gate_fd; /* a byte written here lets one search go on, once server_hold_searches() */
    unsigned threads;
    pthread_t thread;
    enum status status; /* what serving came to */
    bool is_stopped;
};

static void *server_run(void *argument)
{
    struct server *server = argument;
    const struct http_worker_options options = {
        .backend = &FAKE_BACKEND,
        .gateway = &server->gateway,
        .threads = server->threads,
        .listen_fd = server->listen_fd,
        .stop_fd = server->stop_fd,
    };
    server->status = http_worker_serve(&options, NULL);
    return NULL;
}

static inline bool server_start(struct server *server, unsigned threads)
{
    *server = (struct server){.threads = threads, .gate_fd = -1};
    strcpy(server->folder, "/tmp/tierce-test-XXXXXX");
    if (mkdtemp(server->folder) == NULL)
        return false;
    snprintf(server->path, sizeof(server->path), "%s/s", server->folder);
    struct sockaddr_un address = {.sun_family = AF_UNIX};
    snprintf(address.sun_path, sizeof(address.sun_path), "%s", server->path);
    server->listen_fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    server->stop_fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
    return bind(server->listen_fd, (struct sockaddr *)&address, sizeof(address)) == 0 &&
           listen(server->listen_fd, 512) == 0 &&
           pthread_create(&server->thread, NULL, server_run, server) == 0;
}

/* From now on every search waits to be let go. */
static inline void server_hold_searches(struct server *server)
{
    int ends[2];
    CHECK(pipe2(ends, O_CLOEXEC) == 0);
    server->gateway.gate_fd = ends[0];
    server->gate_fd = ends[1];
}

static inline void server_let_go(struct server *server, unsigned count)
{
    for (unsigned i = 0; i < count; i++)
        CHECK(write(server->gate_fd, "", 1) == 1);
}

static inline void server_stop(struct server *server)
{
    if (server->is_stopped)
        return;
    server->is_stopped = true;
    eventfd_write(server->stop_fd, 1);
    pthread_join(server->thread, NULL);
    close(server->listen_fd);
    close(server->stop_fd);
    if (server->gate_fd >= 0) {
        close(server->gate_fd);
        close(server->gateway.gate_fd);
    }
    unlink(server->path);
    rmdir(server->folder);
}

#endif
