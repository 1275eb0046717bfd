/*
 * Calls a server. A client is one connection, made when it is first needed and again after it
 * broke. Calls are pipelined on it. A client belongs to one thread: each thread has its own.
 *
 * For a fan-out: rpc_start() on every client, then rpc_wait() until enough of them are done.
 */
#ifndef TIERCE_RPC_CLIENT_H
#define TIERCE_RPC_CLIENT_H

#include <protobuf-c/protobuf-c.h>
#include <stdbool.h>
#include <stdint.h>

#include "base/arena.h"
#include "base/error.h"
#include "rpc/key.h"

struct rpc_client;

/* One call in flight. The caller's memory; it stays in place until `done` or rpc_cancel(). */
struct rpc_exchange {
    struct rpc_client *client;
    const ProtobufCMessageDescriptor *reply_descriptor;
    struct arena *arena; /* where the reply goes; borrowed */
    uint64_t call;
    int64_t deadline_ms; /* clock_boot_ms() */
    bool done;
    enum status status; /* when done: STATUS_OK and a reply, or why there is none */
    void *reply;
    struct error error;
    struct rpc_exchange *next; /* the client's list */
};

/*
 * address  "host:port", "[v6]:port" or "unix:/path"; copied. Nothing is connected yet.
 * key      copied; NULL only for unix sockets.
 */
enum status rpc_client_open(const char *address, const struct cluster_key *key,
                            struct rpc_client **ret_client, struct error *err);
void rpc_client_close(struct rpc_client *client); /* cancels what is in flight; accepts NULL */
const char *rpc_client_address(const struct rpc_client *client);

/*
 * Sends a request. Never blocks; what cannot be sent is told in the exchange: done, with
 * STATUS_UNAVAILABLE. The exchange is zeroed first.
 */
void rpc_start(struct rpc_client *client, uint16_t method, const ProtobufCMessage *request,
               const ProtobufCMessageDescriptor *reply_descriptor, struct arena *arena,
               uint32_t timeout_ms, struct rpc_exchange *exchange);

/*
 * Moves bytes for the clients of these exchanges until at least one that was not done becomes done
 * (or is past its own deadline: done, with STATUS_TIMEOUT), or `wait_ms` are over. Returns how many
 * of them are done. NULL entries are skipped.
 */
unsigned rpc_wait(struct rpc_exchange *const *exchanges, unsigned count, int64_t wait_ms);

/* What else ends a wait: `fd` shows one of the poll() events, an error, or that its other end is
 * closed (POLLHUP). */
struct rpc_watch {
    int fd; /* -1: nothing */
    short events;
};

/* As rpc_wait(), but ends as soon as `watch` shows something: *ret_seen is true then. */
unsigned rpc_wait_watching(struct rpc_exchange *const *exchanges, unsigned count, int64_t wait_ms,
                           const struct rpc_watch *watch, bool *ret_seen);

/* Forgets a call in flight and tells the server. Does nothing to one that is done. */
void rpc_cancel(struct rpc_exchange *exchange);

/* One call, start to end. The reply lies in `arena`. */
enum status rpc_call(struct rpc_client *client, uint16_t method, const ProtobufCMessage *request,
                     const ProtobufCMessageDescriptor *reply_descriptor, struct arena *arena,
                     uint32_t timeout_ms, void **ret_reply, struct error *err);

/* The connection's descriptor while there is one, else -1: for a caller that polls other things
 * too. */
int rpc_client_fd(const struct rpc_client *client);

#endif
