/* The chunked transfer coding (RFC 9112, 7.1), of a body that was kept as it was received. */
#ifndef TIERCE_CRAWL_CHUNKED_H
#define TIERCE_CRAWL_CHUNKED_H

#include <stdint.h>

#include "base/buffer.h"
#include "base/error.h"

/*
 * Appends what the bytes stand for. Extensions and trailers are passed over.
 *
 * Returns STATUS_OK; STATUS_END: it breaks off, what came before that was appended; STATUS_CORRUPT:
 * it is no chunked body, nothing was appended; STATUS_NO_MEMORY.
 */
enum status chunked_undo(const uint8_t *bytes, size_t size, struct buffer *body, struct error *err);

#endif
