/*
 * A connection's bytes: plain on a unix socket, plain after a proof of the cluster's key on
 * loopback, TLS 1.3 with the key as pre-shared key elsewhere. Both ends choose by the address, so
 * that they agree. Descriptors are non-blocking. docs/rpc.md draws the proof.
 */
#ifndef TIERCE_RPC_TRANSPORT_H
#define TIERCE_RPC_TRANSPORT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include "base/error.h"
#include "rpc/endpoint.h"
#include "rpc/key.h"

struct transport;

enum transport_result {
    TRANSPORT_DONE,
    TRANSPORT_WANTS_READ,
    TRANSPORT_WANTS_WRITE,
    TRANSPORT_CLOSED, /* by the peer */
    TRANSPORT_FAILED, /* the words are in err */
};

/* Takes the descriptor over. `peer` decides about the security. key: copied; may be NULL for a unix
 * socket. */
enum status transport_open(int fd, bool is_server, const struct endpoint *peer,
                           const struct cluster_key *key, struct transport **ret_transport,
                           struct error *err);
void transport_close(struct transport *transport); /* closes the descriptor; accepts NULL */
int transport_fd(const struct transport *transport);

/* Proves; to be called again when the descriptor is ready, until TRANSPORT_DONE. */
enum transport_result transport_handshake(struct transport *transport, struct error *err);

/* Whether another read may find bytes, after one of at most `size` has moved `got`: else there were
 * none behind them, and the descriptor says when there are. */
bool transport_may_have_more(const struct transport *transport, size_t got, size_t size);

/* Bytes moved into *ret_size on TRANSPORT_DONE; at least one. */
enum transport_result transport_read(struct transport *transport, void *bytes, size_t size,
                                     size_t *ret_size, struct error *err);
enum transport_result transport_write(struct transport *transport, const void *bytes, size_t size,
                                      size_t *ret_size, struct error *err);

#endif
