/*
 * The public gRPC server of port 8000: tierce.v1.Gateway, grpc.health.v1.Health and server
 * reflection, by gRPC's C core with protobuf-c bodies. A few threads take what has come in; each
 * has a service of its own. Streams hold no thread: one more thread sends to all of them.
 */
#ifndef TIERCE_GATEWAY_GRPC_FRONT_H
#define TIERCE_GATEWAY_GRPC_FRONT_H

#include <stdbool.h>
#include <stdint.h>

#include "base/error.h"
#include "gateway/gateway.h"

struct grpc_front;

struct grpc_front_options {
    const char *host; /* "::" takes IPv4 too */
    uint16_t port;    /* 0: any free one */
    /* PEM files: TLS from the first byte. NULL: plaintext HTTP/2 ("h2c"). */
    const char *certificate_file;
    const char *key_file;
};

/*
 * Binds; serves from grpc_front_start() on. In between a gateway can register the address. A port
 * in use is STATUS_CONFLICT and names the process that holds it.
 */
enum status grpc_front_open(const struct grpc_front_options *options, struct grpc_front **ret_front,
                            struct error *err);
uint16_t grpc_front_port(const struct grpc_front *front);

/* gateway: borrowed until grpc_front_close(). */
enum status grpc_front_start(struct grpc_front *front, struct gateway *gateway, struct error *err);

/* Accepts no more calls, ends streams, waits for the calls in hand, at most `drain_ms`, then cuts
 * them off, and frees. Accepts NULL. */
void grpc_front_close(struct grpc_front *front, unsigned drain_ms);

#endif
