/* Addresses as processes write them: "host:port", "[v6]:port", "unix:/path". */
#ifndef TIERCE_RPC_ENDPOINT_H
#define TIERCE_RPC_ENDPOINT_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/socket.h>

#include "base/error.h"

enum { ENDPOINTS_MAX = 8, ENDPOINT_TEXT_BYTES = 300 };

struct endpoint {
    struct sockaddr_storage socket;
    socklen_t size;
};

/* Resolves; at most ENDPOINTS_MAX. A name is looked up, which can take time. */
enum status endpoint_resolve(const char *text, struct endpoint ret_endpoints[ENDPOINTS_MAX],
                             unsigned *ret_count, struct error *err);

/* "host:port", with brackets where the host is an IPv6 address. STATUS_INVALID: it is no host. */
enum status endpoint_join(const char *host, uint16_t port, char ret[ENDPOINT_TEXT_BYTES],
                          struct error *err);

/* "127.0.0.1:4711", "[::1]:4711", "unix:/path" */
void endpoint_format(const struct endpoint *endpoint, char ret[ENDPOINT_TEXT_BYTES]);

bool endpoint_is_unix(const struct endpoint *endpoint);
bool endpoint_is_loopback(const struct endpoint *endpoint); /* v4-mapped too */
uint16_t endpoint_port(const struct endpoint *endpoint);
void endpoint_set_port(struct endpoint *endpoint, uint16_t port); /* nothing to a unix socket */
/* An IPv4 address that came in IPv6's clothes becomes plain; another stays. */
void endpoint_unmap(struct endpoint *endpoint);

#endif
