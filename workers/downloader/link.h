/* Calls to the indexserver from one thread: wherever it is at present, and given up when told. */
#ifndef TIERCE_DOWNLOADER_LINK_H
#define TIERCE_DOWNLOADER_LINK_H

#include <protobuf-c/protobuf-c.h>
#include <stdbool.h>
#include <stdint.h>

#include "base/arena.h"
#include "base/error.h"
#include "rpc/key.h"

enum { LINK_ADDRESS_BYTES = 256 };

/* Where the indexserver is: an address of LINK_ADDRESS_BYTES at most, "" while there is none.
 * Called from several threads. */
typedef void link_locate(void *context, char *ret_address);

struct link_options {
    link_locate *locate;
    void *context;
    const struct cluster_key *key; /* borrowed; NULL only where the address is a unix socket's */
};

struct link; /* one thread's */

enum status link_open(const struct link_options *options, struct link **ret_link,
                      struct error *err);
void link_close(struct link *link); /* accepts NULL */

/*
 * One call. The reply lies in `arena`.
 *
 * give_up_fd  STATUS_CANCELLED as soon as this is readable; -1: nothing gives it up.
 *
 * STATUS_UNAVAILABLE also when there is no indexserver.
 */
enum status link_call(struct link *link, uint16_t method, const ProtobufCMessage *request,
                      const ProtobufCMessageDescriptor *reply_descriptor, struct arena *arena,
                      uint32_t timeout_ms, int give_up_fd, void **ret_reply, struct error *err);

#endif
