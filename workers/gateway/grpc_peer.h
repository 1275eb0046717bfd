/* Who calls on port 8000, and what they may. */
#ifndef TIERCE_GATEWAY_GRPC_PEER_H
#define TIERCE_GATEWAY_GRPC_PEER_H

#include <grpc/grpc.h>
#include <netinet/in.h>
#include <stdbool.h>

#include "gateway/gateway.h"
#include "gateway/grpc_method.h"

struct grpc_peer {
    char address[INET6_ADDRSTRLEN]; /* whose allowance counts */
    bool is_local;                  /* connected from this machine: a proxy, or a user of it */
};

/*
 * Reads where a call comes from. Behind a proxy on this machine the client is the last address of
 * its x-forwarded-for; a peer from elsewhere can write there what it likes and is not believed.
 *
 * uri  as grpc_call_get_peer() says it: "ipv4:192.0.2.1:4711", "ipv6:%5B::1%5D:4711"
 */
void grpc_peer_read(const char *uri, const grpc_metadata_array *metadata,
                    struct grpc_peer *ret_peer);

struct grpc_refusal {
    grpc_status_code code;
    char words[100];
    unsigned retry_after_s; /* 0: says nothing */
};

/*
 * Whether the call may go on; else what to answer. The admin token, "authorization: Bearer TOKEN",
 * is taken over TLS, or from this machine.
 *
 * is_tls        the connection is encrypted
 * ret_is_admin  the token was there and right
 */
bool grpc_peer_may(struct gateway *gateway, const struct grpc_peer *peer,
                   const grpc_metadata_array *metadata, enum grpc_access access, bool is_tls,
                   bool *ret_is_admin, struct grpc_refusal *ret_refusal);

#endif
