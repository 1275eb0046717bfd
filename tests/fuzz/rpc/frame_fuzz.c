/* Any bytes decode to a frame that encodes back to the same bytes, or to an error. */
#include <stdint.h>
#include <string.h>

#include "base/check.h"
#include "rpc/frame.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct frame frame;
    struct error err;
    enum status status = frame_decode(data, size, &frame, &err);
    CHECK((status == STATUS_END) == (size < FRAME_HEADER_BYTES));
    if (status == STATUS_OK) {
        uint8_t again[FRAME_HEADER_BYTES];
        frame_encode(&frame, again);
        CHECK(memcmp(again, data, sizeof(again)) == 0);
    }
    return 0;
}
