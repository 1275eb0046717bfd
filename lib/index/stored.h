/* What is kept of a document to show it, as bytes: docs/format-segment.md. */
#ifndef TIERCE_INDEX_STORED_H
#define TIERCE_INDEX_STORED_H

#include "index/index.h"
#include "index/text_blocks.h"

/* What is shown of a document; all slices borrowed from its part. */
struct stored_fields {
    struct text_slice url;
    struct text_slice site;
    struct text_slice title;
    struct text_slice language;
    struct text_slice content_type; /* its short name */
    struct text_blocks blocks;      /* headings and text */
    int64_t fetched_unix_us;
    int64_t modified_unix_us;
};

/* Appends it to `out`; cells and errors as in text_blocks_write(). */
enum status stored_encode(const struct index_document *document, const uint8_t *cells,
                          struct text_packer *packer, struct buffer *out, struct error *err);

/* Reads a stored document of `size` bytes, all but the dictionary of its blocks; false where they
 * are none or wrong. */
bool stored_decode(const struct part *part, uint64_t address, uint32_t size,
                   struct stored_fields *ret_fields);

#endif
