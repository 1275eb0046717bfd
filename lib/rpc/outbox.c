#include "rpc/outbox.h"

enum {
    KEPT_BYTES_MAX = 1024 * 1024, /* of memory, when nothing waits */
    PIECE_BYTES = 256 * 1024,     /* offered to a connection at a time: it hardly takes more */
};

size_t outbox_waiting(const struct outbox *outbox)
{
    return outbox->bytes.size - outbox->sent;
}

uint8_t *outbox_reserve(struct outbox *outbox, size_t size)
{
    if (outbox->sent > outbox_waiting(outbox)) {
        buffer_consume(&outbox->bytes, outbox->sent);
        outbox->sent = 0;
    }
    return buffer_reserve(&outbox->bytes, size);
}

static void give_memory_back(struct buffer *bytes)
{
    size_t limit = bytes->limit;
    buffer_release(bytes);
    bytes->limit = limit;
}

enum transport_result outbox_send(struct outbox *outbox, struct transport *transport,
                                  struct error *err)
{
    while (outbox_waiting(outbox) > 0) {
        size_t moved = 0, waiting = outbox_waiting(outbox);
        enum transport_result result =
            transport_write(transport, outbox->bytes.data + outbox->sent,
                            waiting < PIECE_BYTES ? waiting : PIECE_BYTES, &moved, err);
        if (result != TRANSPORT_DONE)
            return result;
        outbox->sent += moved;
    }
    outbox_clear(outbox);
    if (outbox->bytes.capacity > KEPT_BYTES_MAX)
        give_memory_back(&outbox->bytes);
    return TRANSPORT_DONE;
}

void outbox_clear(struct outbox *outbox)
{
    buffer_clear(&outbox->bytes);
    outbox->sent = 0;
}

void outbox_release(struct outbox *outbox)
{
    buffer_release(&outbox->bytes);
    outbox->sent = 0;
}
