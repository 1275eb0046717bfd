/*
 * Undoes a content coding, a piece at a time, within limits: a few bytes of a hostile answer can
 * stand for gigabytes. One coding only: an answer that is coded twice is refused.
 */
#ifndef TIERCE_CRAWL_DECODE_H
#define TIERCE_CRAWL_DECODE_H

#include <stddef.h>
#include <stdint.h>

#include "base/buffer.h"
#include "base/error.h"

enum {
    DECODE_RATIO_MAX = 100,          /* decoded bytes for each received one ... */
    DECODE_RATIO_FREE = 64 * 1024,   /* ... once this many are decoded */
    DECODE_ZSTD_WINDOW_LOG_MAX = 23, /* a frame that wants more than 8 MiB is refused */
};

/* What the downloader offers, and decoder_open() understands. */
#define DECODE_ACCEPT_ENCODING "gzip, br, zstd"

enum coding { CODING_IDENTITY, CODING_GZIP, CODING_DEFLATE, CODING_BROTLI, CODING_ZSTD };

/* Reads a Content-Encoding value; NULL or "": identity. STATUS_UNSUPPORTED: unknown, or several. */
enum status coding_parse(const char *value, enum coding *ret_coding, struct error *err);

struct decoder;

enum status decoder_open(enum coding coding, struct decoder **ret_decoder, struct error *err);
void decoder_close(struct decoder *decoder); /* accepts NULL */

/*
 * Appends what the received bytes decode to, until `body` holds `limit` bytes.
 *
 * Returns STATUS_OK; STATUS_END when there is more than `limit` (nothing later is wanted);
 * STATUS_TOO_LARGE when the ratio is over DECODE_RATIO_MAX; STATUS_CORRUPT; STATUS_NO_MEMORY.
 */
enum status decoder_feed(struct decoder *decoder, const void *bytes, size_t size, size_t limit,
                         struct buffer *body, struct error *err);

/* After the last byte: STATUS_CORRUPT when the coded stream has not come to its end. */
enum status decoder_finish(const struct decoder *decoder, struct error *err);

#endif
