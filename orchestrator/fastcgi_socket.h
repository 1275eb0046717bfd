/* The socket that the proxy speaks FastCGI to. The orchestrator holds it, so that it outlives every
 * worker and no connection is refused while they are replaced. */
#ifndef TIERCE_ORCHESTRATOR_FASTCGI_SOCKET_H
#define TIERCE_ORCHESTRATOR_FASTCGI_SOCKET_H

#include <sys/types.h>

#include "base/error.h"

/*
 * path     of the unix socket; made with mode 0660, replacing what is there.
 * group    its group, or (gid_t)-1.
 * held_fd  of a worker that an earlier orchestrator started, or -1: taken over, and used again
 * where it is this socket, otherwise closed.
 */
enum status fastcgi_socket_open(const char *path, gid_t group, int held_fd, int *ret_fd,
                                struct error *err);

#endif
