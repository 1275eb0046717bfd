/* Reads an answer's header block, as it was received: a status line and lines of "Name: value". */
#ifndef TIERCE_CRAWL_HEADERS_H
#define TIERCE_CRAWL_HEADERS_H

#include <stddef.h>

#include "base/arena.h"

enum { HEADERS_BYTES_MAX = 64 * 1024 }; /* of all of an answer's blocks and trailers */

/* The first value of a header, without the white space around it, in the arena; NULL: none. */
const char *headers_get(const void *block, size_t size, const char *name, struct arena *arena);

/* All values of a header, in order, in the arena, at most `max` of them. Returns their count. */
size_t headers_get_all(const void *block, size_t size, const char *name, size_t max,
                       struct arena *arena, char **ret_values);

#endif
