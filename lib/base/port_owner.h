/* Who listens on a TCP port of this machine: for a message that says what to do about it. */
#ifndef TIERCE_BASE_PORT_OWNER_H
#define TIERCE_BASE_PORT_OWNER_H

#include <stdint.h>
#include <sys/types.h>

#include "base/error.h"

/*
 * The process that listens on the port, from /proc/net/tcp, /proc/net/tcp6 and /proc/PID/fd. 0 when
 * nobody does, or when it belongs to another user and cannot be seen.
 */
pid_t port_owner_find(uint16_t port);

/* STATUS_CONFLICT with the words "port 8000 is in use by PID 42, use --port". */
enum status port_owner_error(uint16_t port, struct error *err);

#endif
