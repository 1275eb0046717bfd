/*
 * A frame: what travels on a connection. docs/rpc.md draws it. Integers are little-endian.
 *
 *   u32 payload size | u64 call id | u16 method | u8 kind | u8 status | u32 timeout ms | payload
 */
#ifndef TIERCE_RPC_FRAME_H
#define TIERCE_RPC_FRAME_H

#include <stddef.h>
#include <stdint.h>

#include "base/error.h"

enum {
    FRAME_HEADER_BYTES = 20,
    FRAME_PAYLOAD_MAX = 32 * 1024 * 1024,
    PROTOCOL_VERSION = 2, /* of the frames and of proto/wire.proto; a peer of another is refused */
};

enum frame_kind {
    FRAME_REQUEST = 1,
    FRAME_REPLY = 2,
    FRAME_CANCEL = 3, /* the caller no longer waits for this call; no payload */
};

struct frame {
    uint64_t call;
    uint32_t payload_size;
    uint32_t timeout_ms; /* of a request: how long its caller waits */
    uint16_t method;
    enum frame_kind kind;
    enum status status; /* of a reply */
};

void frame_encode(const struct frame *frame, uint8_t ret[FRAME_HEADER_BYTES]);

/*
 * Reads a header. STATUS_END: `size` is less than a header, nothing is wrong yet. STATUS_TOO_LARGE,
 * STATUS_CORRUPT: the connection is to be cut.
 */
enum status frame_decode(const uint8_t *bytes, size_t size, struct frame *ret_frame,
                         struct error *err);

#endif
