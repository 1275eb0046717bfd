/* Files in gzip's format, as sitemaps may be. */
#ifndef TIERCE_CRAWL_GUNZIP_H
#define TIERCE_CRAWL_GUNZIP_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/buffer.h"
#include "base/error.h"

enum { GUNZIP_BYTES_MAX = 50 * 1024 * 1024 }; /* what a sitemap may have, by its protocol */

bool gunzip_is_packed(const uint8_t *body, size_t size);

/*
 * Appends what a body expands to, at most GUNZIP_BYTES_MAX. Damage and a missing end cut it there.
 *
 * ret_is_cut  there was more, or it could not be read.
 *
 * Returns STATUS_OK, STATUS_CORRUPT (nothing can be made of it) or STATUS_NO_MEMORY.
 */
enum status gunzip(const uint8_t *body, size_t size, struct buffer *ret_bytes, bool *ret_is_cut,
                   struct error *err);

#endif
