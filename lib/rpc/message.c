#include "rpc/message.h"

static void *allocate(void *context, size_t size)
{
    return arena_alloc(context, size);
}

static void keep(void *context, void *pointer)
{
    (void)context;
    (void)pointer; /* the arena frees all at once */
}

void *message_unpack(const ProtobufCMessageDescriptor *descriptor, const void *bytes, size_t size,
                     struct arena *arena)
{
    ProtobufCAllocator allocator = {.alloc = allocate, .free = keep, .allocator_data = arena};
    return protobuf_c_message_unpack(descriptor, &allocator, size, bytes);
}

enum status message_pack(const ProtobufCMessage *message, struct buffer *ret_bytes,
                         struct error *err)
{
    size_t size = protobuf_c_message_get_packed_size(message);
    uint8_t *room = buffer_reserve(ret_bytes, size);
    if (room == NULL)
        return error_set(err, STATUS_TOO_LARGE, "no room for a message of %zu bytes", size);
    ret_bytes->size += protobuf_c_message_pack(message, room);
    return STATUS_OK;
}

void *message_copy(const ProtobufCMessage *message)
{
    struct buffer packed = {0};
    void *copy = NULL;
    if (message_pack(message, &packed, NULL) == STATUS_OK)
        copy = protobuf_c_message_unpack(message->descriptor, NULL, packed.size,
                                         packed.data == NULL ? (const uint8_t *)"" : packed.data);
    buffer_release(&packed);
    return copy;
}
