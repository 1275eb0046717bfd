/*
 * The short way to a server on the same machine. Beside its TCP socket on loopback a server listens
 * on a unix socket in the abstract namespace, named after its address ("\0tierce/127.0.0.1:4711"):
 * calls over it cost half of what TCP costs. Whoever cannot take it takes TCP.
 *
 * Anybody may take such a name, so a client goes only where a process of its own user, or root's,
 * listens; and both ends prove the cluster's key as on loopback.
 */
#ifndef TIERCE_RPC_SHORTCUT_H
#define TIERCE_RPC_SHORTCUT_H

#include "rpc/endpoint.h"

/* A listening, non-blocking socket for the short way to a server at this address; -1: there is
 * none. */
int shortcut_listen(const struct endpoint *server);

/* A connected, non-blocking socket; -1: take TCP. Never blocks. */
int shortcut_connect(const struct endpoint *server);

#endif
