/*
 * What waits to be sent on a connection. What has gone stays in front of it until it is the greater
 * part, so that a large message which leaves in many small pieces is not moved each time.
 */
#ifndef TIERCE_RPC_OUTBOX_H
#define TIERCE_RPC_OUTBOX_H

#include "base/buffer.h"
#include "rpc/transport.h"

/* Zeroed: empty. bytes.limit bounds it, what has gone included. */
struct outbox {
    struct buffer bytes;
    size_t sent;
};

size_t outbox_waiting(const struct outbox *outbox);

/* Room for so many bytes behind the others; the caller adds what he wrote to outbox->bytes.size.
 * NULL: no memory, or beyond the limit. */
uint8_t *outbox_reserve(struct outbox *outbox, size_t size);

/* Sends as much as the connection takes. TRANSPORT_DONE: nothing waits any more. */
enum transport_result outbox_send(struct outbox *outbox, struct transport *transport,
                                  struct error *err);

void outbox_clear(struct outbox *outbox);
void outbox_release(struct outbox *outbox);

#endif
