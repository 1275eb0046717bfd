/*
 * Any bytes, in any coding, in pieces of any size: the limits hold, and what comes out does not
 * depend on the pieces.
 */
#include "crawl/decode.h"

#include <stdlib.h>
#include <string.h>

#include "base/check.h"

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size);

enum { LIMIT = 256 * 1024 };

/* Feeds in pieces, each in memory of exactly its size. */
static enum status decode(enum coding coding, const uint8_t *bytes, size_t size, size_t piece,
                          struct buffer *ret_body)
{
    struct decoder *decoder;
    enum status status = decoder_open(coding, &decoder, NULL);
    CHECK(status == STATUS_OK);
    for (size_t at = 0; at < size && status == STATUS_OK; at += piece) {
        size_t part = size - at < piece ? size - at : piece;
        uint8_t *copy = malloc(part);
        memcpy(copy, bytes + at, part);
        status = decoder_feed(decoder, copy, part, LIMIT, ret_body, NULL);
        free(copy);
    }
    if (status == STATUS_OK)
        status = decoder_finish(decoder, NULL);
    decoder_close(decoder);
    return status;
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size)
{
    if (size < 2)
        return 0;
    enum coding coding = bytes[0] % (CODING_ZSTD + 1);
    size_t piece = 1 + bytes[1] % 64;
    struct buffer whole = {0}, parts = {0};
    enum status status = decode(coding, bytes + 2, size - 2, size, &whole);
    CHECK(whole.size <= LIMIT);
    CHECK(status == STATUS_OK || status == STATUS_END || status == STATUS_TOO_LARGE ||
          status == STATUS_CORRUPT);
    enum status again = decode(coding, bytes + 2, size - 2, piece, &parts);
    /* libzstd takes a run of no bytes in a frame that it has whole, and calls it corrupt in one
     * that comes in pieces (1.5.4). */
    bool of_the_library = coding == CODING_ZSTD && again == STATUS_CORRUPT;
    if (status == STATUS_OK && !of_the_library)
        CHECK(again == STATUS_OK && parts.size == whole.size &&
              (whole.size == 0 || memcmp(parts.data, whole.data, whole.size) == 0));
    CHECK(parts.size <= LIMIT);
    buffer_release(&whole);
    buffer_release(&parts);
    return 0;
}
