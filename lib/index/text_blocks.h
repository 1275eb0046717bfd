/*
 * A document's headings and text as they are stored: the text in blocks of 4 KiB packed apart, with
 * the number of tokens in each 128 bytes, so that a passage is found by a token's position and read
 * without the rest. docs/format-segment.md draws the bytes.
 */
#ifndef TIERCE_INDEX_TEXT_BLOCKS_H
#define TIERCE_INDEX_TEXT_BLOCKS_H

#include <zstd.h>

#include "base/arena.h"
#include "base/buffer.h"
#include "base/error.h"
#include "index/part.h"
#include "index/text_packer.h"
#include "text/analyze.h"

#define TEXT_BLOCK_BYTES 4096 /* of text in each but the last */
#define TEXT_CELL_BYTES  128  /* of text, for each of which tokens are counted */

static inline size_t text_cells(size_t text_size)
{
    return (text_size + TEXT_CELL_BYTES - 1) / TEXT_CELL_BYTES;
}

/*
 * Appends both to `out`.
 *
 * cells  how many tokens of the text begin in each TEXT_CELL_BYTES of it, 255 at most: text_cells()
 *        of them. NULL: it is shown from its beginning only
 *
 * Returns STATUS_OK or STATUS_NO_MEMORY.
 */
enum status text_blocks_write(struct text_packer *packer, struct text_slice headings,
                              struct text_slice text, const uint8_t *cells, struct buffer *out,
                              struct error *err);

/* What text_blocks_write() made: where it lies; of that, only what is needed is looked at. The
 * other sizes are of what went in. */
struct text_blocks {
    const struct part *part; /* borrowed */
    uint64_t address;
    uint32_t size;
    size_t headings_size;
    size_t text_size;
    const ZSTD_DDict *dictionary; /* the packer's; NULL: it had none */
};

/* Headings and text in full, in the arena, zero-terminated. STATUS_CORRUPT, STATUS_NO_MEMORY. */
enum status text_blocks_unpack(const struct text_blocks *blocks, ZSTD_DCtx *decompressor,
                               struct arena *arena, struct text_slice *ret_headings,
                               struct text_slice *ret_text, struct error *err);

/* A part of a text that begins and ends between characters. */
struct passage {
    struct text_slice text; /* in the arena */
    bool begins;            /* nothing of the text stands in front of it */
    bool ends;              /* nor behind it */
};

/*
 * The text from at least `lead` bytes in front of the token at `position` (behind white space where
 * there is some, or from the text's beginning) to at least `trail` bytes behind where it begins. A
 * text without tokens is read from its beginning. Decodes no block but those it touches.
 */
enum status text_blocks_passage(const struct text_blocks *blocks, ZSTD_DCtx *decompressor,
                                uint32_t position, size_t lead, size_t trail, struct arena *arena,
                                struct passage *ret_passage, struct error *err);

#endif
