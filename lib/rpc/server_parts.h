/* Shared by the server's own files, and by nobody else. */
#ifndef TIERCE_RPC_SERVER_PARTS_H
#define TIERCE_RPC_SERVER_PARTS_H

#include <pthread.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

#include "base/arena.h"
#include "base/buffer.h"
#include "rpc/call_queue.h"
#include "rpc/endpoint.h"
#include "rpc/frame.h"
#include "rpc/outbox.h"
#include "rpc/server.h"
#include "rpc/transport.h"

/*
 * How a peer came. Until it has proved the cluster's key it takes one of the few places of its way:
 * so strangers cannot shut out the members, nor those of the network the processes of this machine.
 */
enum connection_way { WAY_SHORT, WAY_LOOPBACK, WAY_NETWORK, WAYS };

struct connection_list { /* the oldest first */
    struct connection *first, *last;
    unsigned count;
};

/*
 * Who holds a connection: the loop (until it closes it) and each call on it. `lock` guards what
 * replies from other threads touch: the transport, `out`, `events`, `calls`, `open`.
 */
struct connection {
    struct rpc_server *server;
    struct transport *transport;
    struct endpoint peer;
    struct buffer in; /* the loop's alone */
    pthread_mutex_t lock;
    struct outbox out;
    uint32_t events; /* asked of epoll */
    bool open;
    bool proved;
    bool corked; /* the loop has more of its requests at hand: replies are sent together after */
    struct rpc_call *calls;
    unsigned call_count;
    atomic_int references;
    int64_t opened_ms;
    struct connection_list *list; /* the loop's: of the server */
    struct connection *next, *previous;
};

struct rpc_call {
    struct connection *connection;
    struct arena arena;
    struct frame frame;
    uint8_t *payload; /* in the arena */
    int64_t deadline_ms;
    atomic_bool cancelled;
    bool goes_first;
    struct rpc_call *next, *previous; /* of the connection */
    struct rpc_call *queue_next;
};

struct rpc_server {
    struct rpc_server_options options;
    struct cluster_key key;
    int listen_fd;
    int shortcut_fd;          /* or -1 */
    struct endpoint shortcut; /* whom those who come that way count as: loopback */
    int epoll_fd;
    int wake_fd;
    char address[ENDPOINT_TEXT_BYTES];
    uint16_t port;
    pthread_t loop;
    bool loop_started;
    pthread_t *workers;
    unsigned worker_count;
    atomic_bool draining;
    atomic_bool stopping;
    /* the loop's */
    struct connection_list members; /* they have proved themselves */
    struct connection_list unproved[WAYS];
    int64_t accept_again_ms;  /* descriptors ran out; 0: they did not */
    int64_t refusal_said_ms;  /* when the log had a line of one; 0: never */
    unsigned refusals_unsaid; /* since then */

    pthread_mutex_t lock; /* guards the queue and calls_in_hand */
    pthread_cond_t changed;
    struct call_queue queue;
    unsigned calls_in_hand;
};

/* ---- server_connection.c: what the loop does with connections ---- */

/* Takes an accepted descriptor over; refuses it, with a line in the log, where that fails. */
void connection_open(struct rpc_server *server, int fd, const struct endpoint *peer,
                     enum connection_way way);

/* The descriptor is ready: proves the peer, sends what waits, reads what came. It may be gone
 * afterwards. */
void connection_event(struct connection *connection, uint32_t events);

/* No more bytes either way; calls in hand learn that nobody waits. */
void connection_shut(struct connection *connection);

/* Under its lock: sends what waits; asks to be told when the rest can go. False: it is lost. */
bool connection_flush(struct connection *connection);

/* From here on replies wait; whoever does so holds a reference. */
void connection_cork(struct connection *connection);
/* Sends those that wait. The loop's: shuts the connection where that shows that it is lost. */
void connection_uncork(struct connection *connection);

/* Whoever holds it and needs it no longer. */
void connection_unref(struct connection *connection);

/* ---- server_call.c ---- */

/* A request that came, in the connection's list; NULL: no memory. */
struct rpc_call *call_new(struct connection *connection, const struct frame *frame,
                          const uint8_t *payload);

/* Nobody waits for it any more. */
bool call_is_stale(const struct rpc_call *call, int64_t now_ms);

/* Runs the handler, or ends the call where nobody waits for it any more. */
void call_run(struct rpc_call *call);

/* ---- server.c ---- */

/* Puts the call where it waits for its turn; ends it where too many wait. */
void server_dispatch(struct rpc_server *server, struct rpc_call *call);

/* A line in the log, one a second at most: strangers decide how many there would be. The loop's. */
void server_say_refusal(struct rpc_server *server, const char *format, ...)
    __attribute__((format(printf, 2, 3)));

#endif
