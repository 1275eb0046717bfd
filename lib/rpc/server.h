/*
 * Serves calls. One thread runs the loop: it accepts, proves the peer, reads frames and hands each
 * request to the handler, on the loop's own thread or on worker threads. A handler answers at once
 * or keeps the call and answers later, from any thread: so a long poll holds no thread.
 *
 * Under more load than the handler can bear calls wait, as many as `queue_max`; the next ones are
 * refused at once, STATUS_OVERLOADED. A call whose time passed or whose caller gave up or went away
 * meanwhile is never begun. The loop's own thread looks at the sockets about every millisecond, and
 * after each call that took longer: refusals and cancellations wait for one call at most.
 *
 * Who has not proved the cluster's key takes no member's place: such connections have places of
 * their own, for the short way, loopback and the network apart, and at the limit the oldest one is
 * cut.
 */
#ifndef TIERCE_RPC_SERVER_H
#define TIERCE_RPC_SERVER_H

#include <protobuf-c/protobuf-c.h>
#include <stdbool.h>
#include <stdint.h>

#include "base/arena.h"
#include "base/error.h"
#include "rpc/endpoint.h"
#include "rpc/key.h"

struct rpc_server;
struct rpc_call; /* one request; ended by exactly one rpc_call_reply() or rpc_call_fail() */

/* Called with `context` of the options for each request. */
typedef void rpc_handler(void *context, struct rpc_call *call);

struct rpc_server_options {
    const char *host; /* "127.0.0.1", "::", "0.0.0.0", or "unix:/path/socket" */
    uint16_t port;    /* 0: any free one */
    int listen_fd;    /* > 0: already bound and listening; host and port are not used */
    const struct cluster_key *key; /* borrowed */
    rpc_handler *handler;
    void *context;
    unsigned threads;   /* workers; 0: handlers run on the loop's thread and must not block */
    unsigned queue_max; /* requests that may wait; 0: 1024 */
    /* Methods that cost little or finish what others began: they are run before those, and twice as
     * many calls may wait before they are refused. NULL: all are alike. */
    bool (*goes_first)(uint16_t method);
    unsigned connections_max; /* proved; 0: 1024; unproved, of each way: a quarter */
};

/*
 * Binds and starts the threads. A port in use names the process that holds it, where that can be
 * seen: "port 8183 is in use by PID 42, use --port".
 */
enum status rpc_server_open(const struct rpc_server_options *options,
                            struct rpc_server **ret_server, struct error *err);

/* Where it listens, as a client writes it: "127.0.0.1:4711", "[::1]:4711" or "unix:/path". For a
 * wildcard address: of loopback. Borrowed. */
const char *rpc_server_address(const struct rpc_server *server);
uint16_t rpc_server_port(const struct rpc_server *server);

/*
 * Where it serves, as it is to be registered: at `host`, a name or an address without a port, or,
 * where that is NULL or "", as it is bound: "[::]:4711" for a wildcard, which the orchestrator
 * replaces with the address that the registration comes from. STATUS_INVALID: `host` is none.
 */
enum status rpc_server_advertise(const struct rpc_server *server, const char *host,
                                 char ret_address[ENDPOINT_TEXT_BYTES], struct error *err);

/* Accepts no more requests, waits until those in hand are answered or `drain_ms` are over, closes,
 * joins, frees. Calls still kept by the handler must be answered before or during this. Accepts
 * NULL. */
void rpc_server_close(struct rpc_server *server, unsigned drain_ms);

uint16_t rpc_call_method(const struct rpc_call *call);
/* Milliseconds that the caller still waits; <= 0: nobody waits any more. */
int64_t rpc_call_left_ms(const struct rpc_call *call);
/* The caller gave up or its connection is gone. */
bool rpc_call_cancelled(const struct rpc_call *call);
struct arena *rpc_call_arena(struct rpc_call *call); /* lives as long as the call */

/* Who calls, and which of our addresses it reached, IPv4 as such. Of a process of this machine: a
 * unix socket or a loopback address. */
struct endpoint rpc_call_peer(const struct rpc_call *call);
struct endpoint rpc_call_local(const struct rpc_call *call);

/* The request, in the call's arena; NULL (and the call has been failed: return) when it is
 * malformed. */
void *rpc_call_request(struct rpc_call *call, const ProtobufCMessageDescriptor *descriptor);

/* Both end the call, from any thread. */
void rpc_call_reply(struct rpc_call *call, const ProtobufCMessage *reply);
void rpc_call_fail(struct rpc_call *call, enum status status, const char *format, ...)
    __attribute__((format(printf, 3, 4)));

#endif
