/* protobuf-c messages whose memory comes from an arena. */
#ifndef TIERCE_RPC_MESSAGE_H
#define TIERCE_RPC_MESSAGE_H

#include <protobuf-c/protobuf-c.h>

#include "base/arena.h"
#include "base/buffer.h"
#include "base/error.h"

/* The message, in the arena (never freed apart); NULL when the bytes are no such message. */
void *message_unpack(const ProtobufCMessageDescriptor *descriptor, const void *bytes, size_t size,
                     struct arena *arena);

/* Appends the packed message. */
enum status message_pack(const ProtobufCMessage *message, struct buffer *ret_bytes,
                         struct error *err);

/* A deep copy on the heap, to be freed with protobuf_c_message_free_unpacked(copy, NULL); NULL: no
 * memory. */
void *message_copy(const ProtobufCMessage *message);

#endif
