#include "rpc/server.h"

#include <errno.h>
#include <pthread.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/file.h"
#include "base/log.h"
#include "base/thread.h"
#include "rpc/listen.h"
#include "rpc/server_parts.h"
#include "rpc/shortcut.h"

enum {
    EVENTS_MAX = 64,
    HANDSHAKE_MS = 5000,
    HANDSHAKE_LOOK_MS = 1000,
    ACCEPT_PAUSE_MS = 100, /* when descriptors run out */
    ACCEPTS_MAX = 64,      /* at a time, before those at hand go on with their proof */
    REFUSAL_PAUSE_MS = 1000,
    REFUSAL_BYTES = 1024,
    UNPROVED_PART = 4, /* strangers of one way: a quarter of what members may have */
    QUEUE_DEFAULT = 1024,
    CONNECTIONS_DEFAULT = 1024,
};

/* ---- the loop ---- */

static enum status watch(struct rpc_server *server, int fd, void *data, struct error *err)
{
    struct epoll_event event = {.events = EPOLLIN, .data.ptr = data};
    if (epoll_ctl(server->epoll_fd, EPOLL_CTL_ADD, fd, &event) != 0)
        return error_set_errno(err, errno, "epoll_ctl");
    return STATUS_OK;
}

static void stop_listening(struct rpc_server *server)
{
    if (server->epoll_fd >= 0 && server->listen_fd >= 0)
        epoll_ctl(server->epoll_fd, EPOLL_CTL_DEL, server->listen_fd, NULL);
    if (server->epoll_fd >= 0 && server->shortcut_fd >= 0)
        epoll_ctl(server->epoll_fd, EPOLL_CTL_DEL, server->shortcut_fd, NULL);
}

/* The sockets stay readable: without a pause the loop would turn on and on. */
static void pause_accepting(struct rpc_server *server)
{
    server_say_refusal(server, "no connection can be accepted: %s", strerror(errno));
    stop_listening(server);
    server->accept_again_ms = clock_boot_ms() + ACCEPT_PAUSE_MS;
}

static void resume_accepting(struct rpc_server *server)
{
    if (server->accept_again_ms == 0 || clock_boot_ms() < server->accept_again_ms ||
        atomic_load(&server->draining))
        return;
    server->accept_again_ms = 0;
    (void)watch(server, server->listen_fd, &server->listen_fd, NULL);
    if (server->shortcut_fd >= 0)
        (void)watch(server, server->shortcut_fd, &server->shortcut_fd, NULL);
}

/* Of one way; one, at least. */
static unsigned unproved_max(const struct rpc_server *server)
{
    return (server->options.connections_max + UNPROVED_PART - 1) / UNPROVED_PART;
}

static unsigned unproved_count(const struct rpc_server *server)
{
    unsigned count = 0;
    for (unsigned way = 0; way < WAYS; way++)
        count += server->unproved[way].count;
    return count;
}

/* Makes room for one more that came this way, at the cost of the one that had the most time. */
static void cut_oldest(struct rpc_server *server, enum connection_way way)
{
    struct connection_list *list = &server->unproved[way];
    if (list->count < unproved_max(server))
        return;
    char peer[ENDPOINT_TEXT_BYTES];
    endpoint_format(&list->first->peer, peer);
    server_say_refusal(server, "a connection from %s is cut: %u are waited for to prove the key",
                       peer, list->count);
    connection_shut(list->first);
}

/* `as`: whom the peers count as; NULL: as who they are. What is left is heard of again. */
static void accept_some(struct rpc_server *server, int listen_fd, const struct endpoint *as)
{
    for (unsigned i = 0; i < ACCEPTS_MAX; i++) {
        struct endpoint peer = {.size = sizeof(peer.socket)};
        int fd = accept4(listen_fd, (struct sockaddr *)&peer.socket, &peer.size,
                         SOCK_NONBLOCK | SOCK_CLOEXEC);
        if (fd < 0 && (errno == EMFILE || errno == ENFILE || errno == ENOMEM || errno == ENOBUFS))
            pause_accepting(server);
        if (fd < 0)
            return;
        if (server->members.count >= server->options.connections_max) {
            server_say_refusal(server, "a connection is refused: %u are open",
                               server->members.count);
            fd_close(fd);
            continue;
        }
        enum connection_way way = as != NULL                    ? WAY_SHORT
                                  : endpoint_is_loopback(&peer) ? WAY_LOOPBACK
                                                                : WAY_NETWORK;
        cut_oldest(server, way);
        listen_tune(fd);
        connection_open(server, fd, as == NULL ? &peer : as, way);
    }
}

static bool is_overdue(const struct connection *connection, int64_t now_ms)
{
    return connection != NULL && now_ms - connection->opened_ms > HANDSHAKE_MS;
}

/* Cuts those that have not proved themselves in time. */
static void cut_overdue(struct rpc_server *server)
{
    if (unproved_count(server) == 0)
        return;
    int64_t now_ms = clock_boot_ms();
    for (unsigned way = 0; way < WAYS; way++) {
        while (is_overdue(server->unproved[way].first, now_ms))
            connection_shut(server->unproved[way].first);
    }
}

/* Waits for what happens, no longer than the loop has other things to do. */
static void handle_events(struct rpc_server *server, int wait_ms)
{
    struct epoll_event events[EVENTS_MAX];
    bool has_new = false, has_new_short = false;
    int count = epoll_wait(server->epoll_fd, events, EVENTS_MAX, wait_ms);
    for (int i = 0; i < count; i++) {
        if (events[i].data.ptr == &server->wake_fd)
            continue; /* stays readable: `stopping` or `draining` is set */
        if (events[i].data.ptr == &server->listen_fd)
            has_new = true;
        else if (events[i].data.ptr == &server->shortcut_fd)
            has_new_short = true;
        else
            connection_event(events[i].data.ptr, events[i].events);
    }
    if (has_new) /* last: it may cut a connection that had an event, too */
        accept_some(server, server->listen_fd, NULL);
    if (has_new_short)
        accept_some(server, server->shortcut_fd, &server->shortcut);
    cut_overdue(server);
    resume_accepting(server);
}

/* For as long as nothing happens; -1: for ever. */
static int idle_ms(const struct rpc_server *server)
{
    if (server->accept_again_ms != 0)
        return ACCEPT_PAUSE_MS;
    return unproved_count(server) > 0 ? HANDSHAKE_LOOK_MS : -1;
}

static struct rpc_call *next_call(struct rpc_server *server)
{
    pthread_mutex_lock(&server->lock);
    struct rpc_call *call = call_queue_pop(&server->queue);
    pthread_mutex_unlock(&server->lock);
    return call;
}

/*
 * Runs what waits, until the clock of milliseconds moves on: then the sockets are looked at again.
 * Replies to one connection, one behind the other, are sent together. Returns whether calls wait.
 */
static bool run_waiting(struct rpc_server *server)
{
    if (server->queue.count == 0)
        return false;
    int64_t begun_ms = clock_boot_ms();
    struct connection *corked = NULL;
    struct rpc_call *call;
    while ((call = next_call(server)) != NULL) {
        if (call->connection != corked) {
            connection_uncork(corked);
            corked = call->connection;
            connection_cork(corked);
        }
        call_run(call);
        if (server->queue.count == 0 || clock_boot_ms() != begun_ms)
            break;
    }
    connection_uncork(corked);
    return server->queue.count > 0;
}

static void refuse_waiting(struct rpc_server *server)
{
    struct rpc_call *call;
    while ((call = next_call(server)) != NULL)
        rpc_call_fail(call, STATUS_UNAVAILABLE, "shutting down");
}

static void shut_all(const struct connection_list *list)
{
    while (list->first != NULL)
        connection_shut(list->first);
}

static void *loop_main(void *argument)
{
    struct rpc_server *server = argument;
    bool is_busy = false;
    thread_be_prompt();
    while (!atomic_load(&server->stopping)) {
        handle_events(server, is_busy ? 0 : idle_ms(server));
        if (server->options.threads == 0)
            is_busy = run_waiting(server);
    }
    if (server->options.threads == 0)
        refuse_waiting(server);
    shut_all(&server->members);
    for (unsigned way = 0; way < WAYS; way++)
        shut_all(&server->unproved[way]);
    return NULL;
}

void server_say_refusal(struct rpc_server *server, const char *format, ...)
{
    char text[REFUSAL_BYTES], others[64] = "";
    int64_t now = clock_boot_ms();
    if (server->refusal_said_ms != 0 && now - server->refusal_said_ms < REFUSAL_PAUSE_MS) {
        server->refusals_unsaid++;
        return;
    }
    va_list arguments;
    va_start(arguments, format);
    vsnprintf(text, sizeof(text), format, arguments);
    va_end(arguments);
    if (server->refusals_unsaid > 0)
        snprintf(others, sizeof(others), " (and %u others, earlier)", server->refusals_unsaid);
    log_warning("%s%s", text, others);
    server->refusal_said_ms = now;
    server->refusals_unsaid = 0;
}

/* ---- what waits ---- */

void server_dispatch(struct rpc_server *server, struct rpc_call *call)
{
    struct rpc_call *stale = NULL;
    pthread_mutex_lock(&server->lock);
    bool has_place = call_queue_push(&server->queue, call, server->options.queue_max);
    if (!has_place) {
        stale = call_queue_take_stale(&server->queue, clock_boot_ms());
        has_place =
            stale != NULL && call_queue_push(&server->queue, call, server->options.queue_max);
    }
    pthread_mutex_unlock(&server->lock);
    if (has_place && server->options.threads > 0)
        pthread_cond_signal(&server->changed); /* whoever wakes up takes the lock first */
    while (stale != NULL) {
        struct rpc_call *next = stale->queue_next;
        call_run(stale); /* which ends it */
        stale = next;
    }
    if (!has_place)
        rpc_call_fail(call, STATUS_OVERLOADED, "%u calls are waiting", server->options.queue_max);
}

static void *worker_main(void *argument)
{
    struct rpc_server *server = argument;
    thread_be_prompt();
    pthread_mutex_lock(&server->lock);
    for (;;) {
        struct rpc_call *call = call_queue_pop(&server->queue);
        if (call == NULL && atomic_load(&server->stopping))
            break;
        if (call == NULL) {
            pthread_cond_wait(&server->changed, &server->lock);
            continue;
        }
        pthread_mutex_unlock(&server->lock);
        call_run(call);
        pthread_mutex_lock(&server->lock);
    }
    pthread_mutex_unlock(&server->lock);
    return NULL;
}

/* ---- the whole ---- */

/* Where it listens on loopback. Without one, everybody takes TCP. */
static enum status open_shortcut(struct rpc_server *server, struct error *err)
{
    struct endpoint endpoints[ENDPOINTS_MAX];
    unsigned count;
    enum status status = endpoint_resolve(server->address, endpoints, &count, err);
    if (status != STATUS_OK || count == 0)
        return status;
    server->shortcut = endpoints[0];
    server->shortcut_fd = shortcut_listen(&server->shortcut);
    if (server->shortcut_fd < 0)
        return STATUS_OK;
    return watch(server, server->shortcut_fd, &server->shortcut_fd, err);
}

static enum status start_threads(struct rpc_server *server, struct error *err)
{
    server->workers = calloc(server->options.threads + 1, sizeof(*server->workers));
    if (server->workers == NULL)
        return error_set(err, STATUS_NO_MEMORY, "no memory for threads");
    for (unsigned i = 0; i < server->options.threads; i++) {
        if (pthread_create(&server->workers[i], NULL, worker_main, server) != 0)
            return error_set(err, STATUS_NO_MEMORY, "no thread could be started");
        server->worker_count++;
    }
    if (pthread_create(&server->loop, NULL, loop_main, server) != 0)
        return error_set(err, STATUS_NO_MEMORY, "no thread could be started");
    server->loop_started = true;
    return STATUS_OK;
}

enum status rpc_server_open(const struct rpc_server_options *options,
                            struct rpc_server **ret_server, struct error *err)
{
    struct rpc_server *server = calloc(1, sizeof(*server));
    if (server == NULL)
        return error_set(err, STATUS_NO_MEMORY, "no memory for a server");
    server->options = *options;
    if (server->options.queue_max == 0)
        server->options.queue_max = QUEUE_DEFAULT;
    if (server->options.connections_max == 0)
        server->options.connections_max = CONNECTIONS_DEFAULT;
    if (options->key != NULL)
        server->key = *options->key;
    pthread_mutex_init(&server->lock, NULL);
    pthread_cond_init(&server->changed, NULL);
    server->listen_fd = options->listen_fd > 0 ? options->listen_fd : -1;
    server->shortcut_fd = -1;
    server->epoll_fd = epoll_create1(EPOLL_CLOEXEC);
    server->wake_fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);

    enum status status = STATUS_OK;
    if (server->epoll_fd < 0 || server->wake_fd < 0)
        status = error_set_errno(err, errno, "epoll");
    if (status == STATUS_OK && server->listen_fd < 0)
        status = listen_open(options->host, options->port, &server->listen_fd, err);
    if (status == STATUS_OK)
        status = listen_address(server->listen_fd, server->address, &server->port, err);
    if (status == STATUS_OK)
        status = fd_set_nonblocking(server->listen_fd, true, err);
    if (status == STATUS_OK)
        status = watch(server, server->listen_fd, &server->listen_fd, err);
    if (status == STATUS_OK)
        status = watch(server, server->wake_fd, &server->wake_fd, err);
    if (status == STATUS_OK)
        status = open_shortcut(server, err);
    if (status == STATUS_OK)
        status = start_threads(server, err);
    if (status != STATUS_OK) {
        rpc_server_close(server, 0);
        return status;
    }
    *ret_server = server;
    return STATUS_OK;
}

const char *rpc_server_address(const struct rpc_server *server)
{
    return server->address;
}

uint16_t rpc_server_port(const struct rpc_server *server)
{
    return server->port;
}

enum status rpc_server_advertise(const struct rpc_server *server, const char *host,
                                 char ret_address[ENDPOINT_TEXT_BYTES], struct error *err)
{
    struct endpoint bound = {.size = sizeof(bound.socket)};
    if (strncmp(server->address, "unix:", 5) == 0) {
        strcpy(ret_address, server->address);
        return STATUS_OK;
    }
    if (host == NULL || host[0] == '\0') {
        if (getsockname(server->listen_fd, (struct sockaddr *)&bound.socket, &bound.size) != 0)
            return error_set_errno(err, errno, "getsockname");
        endpoint_format(&bound, ret_address);
        return STATUS_OK;
    }
    return endpoint_join(host, server->port, ret_address, err);
}

static void wait_for_calls(struct rpc_server *server, unsigned drain_ms)
{
    struct timespec until;
    clock_gettime(CLOCK_REALTIME, &until);
    until.tv_sec += drain_ms / 1000;
    until.tv_nsec += (long)(drain_ms % 1000) * 1000000;
    if (until.tv_nsec >= 1000000000) {
        until.tv_sec++;
        until.tv_nsec -= 1000000000;
    }
    pthread_mutex_lock(&server->lock);
    while (server->calls_in_hand > 0) {
        if (pthread_cond_timedwait(&server->changed, &server->lock, &until) == ETIMEDOUT)
            break;
    }
    pthread_mutex_unlock(&server->lock);
}

static void stop_threads(struct rpc_server *server)
{
    pthread_mutex_lock(&server->lock);
    atomic_store(&server->stopping, true);
    pthread_cond_broadcast(&server->changed);
    pthread_mutex_unlock(&server->lock);
    uint64_t one = 1;
    if (server->wake_fd >= 0 && write(server->wake_fd, &one, sizeof(one)) < 0)
        log_debug("the loop is awake already");
    for (unsigned i = 0; i < server->worker_count; i++)
        pthread_join(server->workers[i], NULL);
    if (server->loop_started)
        pthread_join(server->loop, NULL);
}

void rpc_server_close(struct rpc_server *server, unsigned drain_ms)
{
    if (server == NULL)
        return;
    atomic_store(&server->draining, true);
    stop_listening(server);
    if (drain_ms > 0)
        wait_for_calls(server, drain_ms);
    stop_threads(server);
    listen_close(server->listen_fd, server->address);
    fd_close(server->shortcut_fd);
    fd_close(server->epoll_fd);
    fd_close(server->wake_fd);
    if (server->calls_in_hand > 0) { /* whoever keeps them would write into freed memory */
        log_warning("%u calls were never answered", server->calls_in_hand);
        return;
    }
    pthread_mutex_destroy(&server->lock);
    pthread_cond_destroy(&server->changed);
    free(server->workers);
    free(server);
}
