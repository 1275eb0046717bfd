/*
 * Packs pieces of text by zstd, each by itself, with a dictionary of what texts have in common: so
 * a block of 4 KiB packs as well as a long text does, and takes no longer. The dictionary is
 * trained from samples of what is packed, anew after so much text, as a crawl comes to other sites.
 */
#ifndef TIERCE_INDEX_TEXT_PACKER_H
#define TIERCE_INDEX_TEXT_PACKER_H

#include <zstd.h>

#include "base/buffer.h"
#include "text/analyze.h"

#define TEXT_DICTIONARY_BYTES_MAX (64u << 10)

struct text_packer; /* opaque. One thread at a time */

/* Without a dictionary at first. NULL when out of memory. */
struct text_packer *text_packer_new(void);
void text_packer_free(struct text_packer *packer); /* accepts NULL */

/* The dictionary that text is packed with, borrowed until the next call that may change it; empty:
 * there is none. */
struct text_slice text_packer_dictionary(const struct text_packer *packer);

/* Goes on with a dictionary that another packer had; copied. False: no memory, or it is none. */
bool text_packer_adopt(struct text_packer *packer, struct text_slice dictionary);

/* Trains another dictionary where that is due. Without memory for it the old one stays. */
void text_packer_renew(struct text_packer *packer);

/* Appends the packed text to `out` and returns its size; 0 when memory ran out. */
size_t text_packer_pack(struct text_packer *packer, const char *bytes, size_t size,
                        struct buffer *out);

/* A dictionary made ready for unpacking, to be freed by ZSTD_freeDDict(); its bytes are borrowed.
 * NULL: no memory, or it is none. */
ZSTD_DDict *text_dictionary_open(struct text_slice dictionary);

#endif
