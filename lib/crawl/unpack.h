/*
 * A stream of bytes that may be packed, with gzip (in one piece or in many) or zstd, unpacked a
 * piece at a time: whatever it expands to, no more is in memory than was asked for.
 */
#ifndef TIERCE_CRAWL_UNPACK_H
#define TIERCE_CRAWL_UNPACK_H

#include <stddef.h>

#include "base/error.h"

/* Fills in up to `room` bytes; *ret_size 0: the end. */
typedef enum status unpack_source(void *context, void *ret_bytes, size_t room, size_t *ret_size,
                                  struct error *err);

struct unpacker;

/* Nothing is read yet: what it is packed with is told by its first bytes. */
enum status unpacker_open(unpack_source *source, void *context, struct unpacker **ret_unpacker,
                          struct error *err);
void unpacker_close(struct unpacker *unpacker); /* accepts NULL */

/*
 * Up to `room` unpacked bytes; *ret_size 0: the end.
 *
 * Returns STATUS_OK; STATUS_CORRUPT: the packed bytes are damaged or end too soon;
 * STATUS_NO_MEMORY, also where a zstd frame wants a window over 128 MiB; what the source returns.
 */
enum status unpacker_read(struct unpacker *unpacker, void *ret_bytes, size_t room, size_t *ret_size,
                          struct error *err);

#endif
