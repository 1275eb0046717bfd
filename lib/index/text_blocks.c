#include "index/text_blocks.h"

#include <string.h>

#include "index/varint.h"
#include "text/character.h"

/* How far white space is looked for where a passage begins. */
#define ALIGN_BYTES 64

/* Most bytes of a character behind its first. */
#define CHARACTER_BYTES 3

static size_t smaller(size_t a, size_t b)
{
    return a < b ? a : b;
}

static size_t block_count(size_t text_size)
{
    return (text_size + TEXT_BLOCK_BYTES - 1) / TEXT_BLOCK_BYTES;
}

/* ---- writing ---- */

static void put_number(struct buffer *buffer, uint64_t value)
{
    uint8_t number[VARINT_MAX];
    buffer_append(buffer, number, varint_put(number, value));
}

/* Appends the packed blocks, and their sizes to `sizes`; false when memory ran out. */
static bool pack_blocks(struct text_packer *packer, struct text_slice text, struct buffer *blocks,
                        struct buffer *sizes)
{
    for (size_t at = 0; at < text.size; at += TEXT_BLOCK_BYTES) {
        size_t size = smaller(text.size - at, TEXT_BLOCK_BYTES);
        size_t packed = text_packer_pack(packer, text.bytes + at, size, blocks);
        if (packed == 0)
            return false;
        put_number(sizes, packed);
    }
    return true;
}

enum status text_blocks_write(struct text_packer *packer, struct text_slice headings,
                              struct text_slice text, const uint8_t *cells, struct buffer *out,
                              struct error *err)
{
    struct buffer packed = {0}; /* headings, then blocks */
    struct buffer sizes = {0};
    bool good =
        headings.size == 0 || text_packer_pack(packer, headings.bytes, headings.size, &packed) > 0;
    put_number(out, packed.size << 1 | (cells != NULL));
    good = good && pack_blocks(packer, text, &packed, &sizes);
    buffer_append(out, sizes.data, sizes.size);
    if (cells != NULL)
        buffer_append(out, cells, text_cells(text.size));
    buffer_append(out, packed.data, packed.size);
    good = good && !out->failed && !sizes.failed && !packed.failed;
    buffer_release(&packed);
    buffer_release(&sizes);
    return good ? STATUS_OK : error_set(err, STATUS_NO_MEMORY, "stored document");
}

/* ---- reading ---- */

/* Some of the bytes that text_blocks_write() made. */
struct extent {
    uint32_t offset;
    uint32_t size;
};

struct directory {
    struct extent cells; /* empty: there are none */
    struct extent headings;
    struct extent *blocks;
    size_t count;
};

static enum status corrupt(struct error *err)
{
    return error_set(err, STATUS_CORRUPT, "a stored document does not unpack");
}

/* NULL: they do not lie in it, or are wrong. */
static const uint8_t *bytes_of(const struct text_blocks *blocks, struct extent extent)
{
    return part_exactly(blocks->part, blocks->address + extent.offset, extent.size);
}

/* Takes the next `size` bytes of those that are left; false where there are fewer. */
static bool take(struct extent *left, uint64_t size, struct extent *ret)
{
    if (size > left->size)
        return false;
    *ret = (struct extent){left->offset, (uint32_t)size};
    left->offset += (uint32_t)size;
    left->size -= (uint32_t)size;
    return true;
}

/* Reads what leads: the size of the headings, whether there are cells, the sizes of all blocks.
 * Returns how many bytes that were; 0 where they are wrong. */
static uint32_t read_sizes(const struct text_blocks *blocks, struct directory *directory,
                           uint64_t *ret_head)
{
    const uint8_t *end;
    uint32_t size_max = VARINT_MAX + (uint32_t)directory->count * VARINT32_MAX;
    const uint8_t *start = part_up_to(blocks->part, blocks->address, size_max, &end);
    const uint8_t *at = start;
    if (start == NULL || !varint_get(&at, end, ret_head))
        return 0;
    for (size_t i = 0; i < directory->count; i++) {
        if (!varint_get32(&at, end, &directory->blocks[i].size))
            return 0;
    }
    return (uint32_t)(at - start);
}

static enum status read_directory(const struct text_blocks *blocks, struct arena *arena,
                                  struct directory *ret_directory, struct error *err)
{
    uint64_t head;
    struct directory directory = {.count = block_count(blocks->text_size)};
    directory.blocks = arena_alloc(arena, (directory.count + 1) * sizeof(*directory.blocks));
    if (directory.blocks == NULL)
        return error_set(err, STATUS_NO_MEMORY, "stored document");
    uint32_t lead = read_sizes(blocks, &directory, &head);
    if (lead == 0 || lead > blocks->size)
        return corrupt(err);
    struct extent left = {lead, blocks->size - lead};
    size_t cells = (head & 1) != 0 ? text_cells(blocks->text_size) : 0;
    bool good = take(&left, cells, &directory.cells) && take(&left, head >> 1, &directory.headings);
    for (size_t i = 0; good && i < directory.count; i++)
        good = take(&left, directory.blocks[i].size, &directory.blocks[i]);
    if (!good || left.size > 0 || (directory.headings.size == 0) != (blocks->headings_size == 0))
        return corrupt(err);
    *ret_directory = directory;
    return STATUS_OK;
}

static bool unpack(const struct text_blocks *blocks, ZSTD_DCtx *decompressor, struct extent packed,
                   char *out, size_t size)
{
    const uint8_t *bytes = bytes_of(blocks, packed);
    if (bytes == NULL)
        return false;
    size_t unpacked =
        ZSTD_decompress_usingDDict(decompressor, out, size, bytes, packed.size, blocks->dictionary);
    return !ZSTD_isError(unpacked) && unpacked == size;
}

/* Blocks from `first` to before `end`, one behind the other. */
static bool unpack_blocks(const struct text_blocks *blocks, const struct directory *directory,
                          ZSTD_DCtx *decompressor, size_t first, size_t end, char *out)
{
    for (size_t i = first; i < end; i++) {
        size_t size = smaller(blocks->text_size - i * TEXT_BLOCK_BYTES, TEXT_BLOCK_BYTES);
        if (!unpack(blocks, decompressor, directory->blocks[i], out, size))
            return false;
        out += size;
    }
    return true;
}

enum status text_blocks_unpack(const struct text_blocks *blocks, ZSTD_DCtx *decompressor,
                               struct arena *arena, struct text_slice *ret_headings,
                               struct text_slice *ret_text, struct error *err)
{
    struct directory directory;
    enum status status = read_directory(blocks, arena, &directory, err);
    if (status != STATUS_OK)
        return status;
    char *headings = arena_alloc(arena, blocks->headings_size + 1);
    char *text = arena_alloc(arena, blocks->text_size + 1);
    if (headings == NULL || text == NULL)
        return error_set(err, STATUS_NO_MEMORY, "stored document");
    if ((blocks->headings_size > 0 &&
         !unpack(blocks, decompressor, directory.headings, headings, blocks->headings_size)) ||
        !unpack_blocks(blocks, &directory, decompressor, 0, directory.count, text))
        return corrupt(err);
    headings[blocks->headings_size] = '\0';
    text[blocks->text_size] = '\0';
    *ret_headings = (struct text_slice){headings, blocks->headings_size};
    *ret_text = (struct text_slice){text, blocks->text_size};
    return STATUS_OK;
}

/* ---- passages ---- */

/* The cell in which the token at `position` begins; the last with a token where there are fewer; 0
 * where there is none. */
static size_t cell_of(const uint8_t *cells, size_t count, uint32_t position)
{
    size_t found = 0;
    uint64_t tokens = 0;
    for (size_t i = 0; i < count && tokens <= position; i++) {
        tokens += cells[i];
        if (cells[i] > 0)
            found = i;
    }
    return found;
}

/* Where a passage that may begin at `start` does: behind white space, or between characters. */
static size_t align(struct text_slice text, size_t start)
{
    for (size_t at = start; at < start + ALIGN_BYTES && at < text.size; at++) {
        if ((unsigned char)text.bytes[at] <= ' ')
            return at + 1;
    }
    while (start < text.size && utf8_continues(text.bytes[start]))
        start++;
    return start;
}

/* Cuts the blocks' text to what was asked for. */
static void cut(struct passage *passage, size_t start, size_t end)
{
    struct text_slice *text = &passage->text;
    while (end < text->size && utf8_continues(text->bytes[end]))
        end++;
    if (end < text->size) {
        text->size = end;
        passage->ends = false;
    }
    if (start > 0 || !passage->begins) {
        start = align(*text, start);
        text->bytes += start;
        text->size -= start;
        passage->begins = false;
    }
}

enum status text_blocks_passage(const struct text_blocks *blocks, ZSTD_DCtx *decompressor,
                                uint32_t position, size_t lead, size_t trail, struct arena *arena,
                                struct passage *ret_passage, struct error *err)
{
    struct directory directory;
    enum status status = read_directory(blocks, arena, &directory, err);
    if (status != STATUS_OK)
        return status;
    *ret_passage = (struct passage){.begins = true, .ends = true, .text.bytes = ""};
    if (directory.count == 0)
        return STATUS_OK;
    const uint8_t *cells = bytes_of(blocks, directory.cells);
    if (cells == NULL && directory.cells.size > 0)
        return corrupt(err);
    size_t cell = cell_of(cells, directory.cells.size, position) * TEXT_CELL_BYTES;
    size_t start = cell > lead + ALIGN_BYTES ? cell - lead - ALIGN_BYTES : 0;
    size_t end = cell + TEXT_CELL_BYTES + trail;
    size_t first = start / TEXT_BLOCK_BYTES;
    size_t base = first * TEXT_BLOCK_BYTES;
    size_t limit = smaller(end + CHARACTER_BYTES, blocks->text_size); /* it may end in one */
    size_t last = block_count(limit);                                 /* before it */
    size_t size = smaller(last * TEXT_BLOCK_BYTES, blocks->text_size) - base;
    char *text = arena_alloc(arena, size + 1);
    if (text == NULL)
        return error_set(err, STATUS_NO_MEMORY, "passage");
    if (!unpack_blocks(blocks, &directory, decompressor, first, last, text))
        return corrupt(err);
    ret_passage->text = (struct text_slice){text, size};
    ret_passage->begins = first == 0;
    ret_passage->ends = last == directory.count;
    cut(ret_passage, start - base, end - base);
    return STATUS_OK;
}
