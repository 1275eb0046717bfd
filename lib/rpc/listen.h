/* Listening sockets. */
#ifndef TIERCE_RPC_LISTEN_H
#define TIERCE_RPC_LISTEN_H

#include <stdint.h>

#include "base/error.h"
#include "rpc/endpoint.h"

/*
 * Binds and listens. host is a name, an address ("::" takes IPv4 too) or "unix:/path", whose stale
 * socket file is replaced (a living one is STATUS_CONFLICT). A taken port is STATUS_CONFLICT and
 * names the process that holds it.
 */
enum status listen_open(const char *host, uint16_t port, int *ret_fd, struct error *err);

/* As a client on this machine would write it. */
enum status listen_address(int fd, char ret_address[ENDPOINT_TEXT_BYTES], uint16_t *ret_port,
                           struct error *err);

/* Sets what every accepted connection wants: no delay, keep-alive. */
void listen_tune(int fd);

/* Closes, and removes the file of a unix socket. */
void listen_close(int fd, const char *address);

#endif
