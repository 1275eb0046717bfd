#include "rpc/frame.h"

#include "base/bytes.h"

void frame_encode(const struct frame *frame, uint8_t ret[FRAME_HEADER_BYTES])
{
    put_le32(ret, frame->payload_size);
    put_le64(ret + 4, frame->call);
    ret[12] = (uint8_t)frame->method;
    ret[13] = (uint8_t)(frame->method >> 8);
    ret[14] = (uint8_t)frame->kind;
    ret[15] = (uint8_t)frame->status;
    put_le32(ret + 16, frame->timeout_ms);
}

enum status frame_decode(const uint8_t *bytes, size_t size, struct frame *ret_frame,
                         struct error *err)
{
    if (size < FRAME_HEADER_BYTES)
        return STATUS_END;
    struct frame frame = {
        .payload_size = get_le32(bytes),
        .call = get_le64(bytes + 4),
        .method = (uint16_t)(bytes[12] | bytes[13] << 8),
        .kind = (enum frame_kind)bytes[14],
        .status = (enum status)bytes[15],
        .timeout_ms = get_le32(bytes + 16),
    };
    if (frame.payload_size > FRAME_PAYLOAD_MAX)
        return error_set(err, STATUS_TOO_LARGE, "a frame of %u bytes; the limit is %d",
                         frame.payload_size, FRAME_PAYLOAD_MAX);
    if (frame.kind != FRAME_REQUEST && frame.kind != FRAME_REPLY && frame.kind != FRAME_CANCEL)
        return error_set(err, STATUS_CORRUPT, "a frame of unknown kind %d", (int)frame.kind);
    if (frame.status > STATUS_CANCELLED)
        return error_set(err, STATUS_CORRUPT, "a frame of unknown status %d", (int)frame.status);
    *ret_frame = frame;
    return STATUS_OK;
}
