/* What Tierce's own records say besides the standard's fields, and how a header block is kept. */
#ifndef TIERCE_CLI_ARCHIVE_FORMAT_H
#define TIERCE_CLI_ARCHIVE_FORMAT_H

#include <stdbool.h>
#include <stddef.h>

#include "base/buffer.h"

#define FIELD_ENTRY    "Tierce-Entry" /* content, robots or redirect */
#define FIELD_BLOCK    "Tierce-Block" /* how the header block was changed */
#define FIELD_HOP      "Tierce-Hop"   /* "1 of 3" */
#define FIELD_ORIGIN   "Tierce-Origin"
#define FIELD_DETAIL   "Tierce-Detail"
#define FIELD_FETCH_MS "Tierce-Fetch-Ms"
#define FIELD_PRIVATE  "Tierce-Private"

#define ENTRY_CONTENT  "content"
#define ENTRY_ROBOTS   "robots"
#define ENTRY_REDIRECT "redirect"

#define BLOCK_DECODED "decoded"
#define BLOCK_UNENDED "decoded, unended" /* the block had no empty line at its end */

/*
 * The log holds bodies with their codings undone, and the headers as they were. A record must not
 * name a coding that its body has not: such lines, and those of the length, are written under
 * another name, "X-Tierce-" and their own, and the length of what follows is added as the last
 * line. A line that begins so by itself gets the prefix once more; so every block comes back byte
 * for byte.
 *
 * Appends to `out`; returns the value for FIELD_BLOCK.
 */
const char *archive_headers_adapt(const void *block, size_t size, size_t body_size,
                                  struct buffer *out);

/* Undoes it; `form` is the record's FIELD_BLOCK. Any bytes are taken. */
void archive_headers_restore(const void *block, size_t size, const char *form, struct buffer *out);

#endif
