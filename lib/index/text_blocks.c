#include "index/text_blocks.h"

#include <string.h>

#include "index/varint.h"
#include "text/character.h"

#define COMPRESSION_LEVEL 3

/* ---- writing ---- */

struct block_writer {
    ZSTD_CCtx *compressor;
    struct text_slice text;
    const struct text_mark *marks;
    size_t mark_count;
    size_t next_mark;
    size_t start; /* of the next block */
    struct buffer directory;
    struct buffer blocks;
    uint32_t block_count;
    uint32_t last_position; /* of the last block's first mark */
};

static void put_number(struct buffer *buffer, uint64_t value)
{
    uint8_t number[VARINT_MAX];
    buffer_append(buffer, number, varint_put(number, value));
}

/* Returns the compressed size; 0 when memory ran out. */
static size_t append_packed(ZSTD_CCtx *compressor, const char *bytes, size_t size,
                            struct buffer *out)
{
    size_t bound = ZSTD_compressBound(size);
    uint8_t *room = buffer_reserve(out, bound);
    if (room == NULL)
        return 0;
    size_t packed = ZSTD_compressCCtx(compressor, room, bound, bytes, size, COMPRESSION_LEVEL);
    if (ZSTD_isError(packed))
        return 0;
    out->size += packed;
    return packed;
}

/* Where the block that begins at `start` ends: at a mark where there is one, and between two
 * characters in any case. */
static size_t find_end(const struct block_writer *writer)
{
    const struct text_slice *text = &writer->text;
    size_t latest = writer->start + TEXT_BLOCK_BYTES;
    if (latest >= text->size)
        return text->size;
    size_t end = writer->start;
    for (size_t i = writer->next_mark; i < writer->mark_count; i++) {
        if (writer->marks[i].offset > latest)
            break;
        end = writer->marks[i].offset;
    }
    if (end > writer->start)
        return end;
    for (end = latest; end > latest - 4 && utf8_continues(text->bytes[end]);)
        end--;
    return end;
}

/* The marks of the block, each as its distance from the one before. */
static void put_marks(struct block_writer *writer, size_t end, struct buffer *out)
{
    size_t offset = writer->start;
    uint32_t position = 0;
    for (bool first = true; writer->next_mark < writer->mark_count; first = false) {
        const struct text_mark *mark = &writer->marks[writer->next_mark];
        if (mark->offset >= end)
            return;
        if (!first)
            put_number(out, mark->position - position);
        put_number(out, mark->offset - offset);
        position = mark->position;
        offset = mark->offset;
        writer->next_mark++;
    }
}

/* False when memory ran out. */
static bool write_block(struct block_writer *writer)
{
    size_t end = find_end(writer);
    uint32_t first =
        writer->next_mark < writer->mark_count && writer->marks[writer->next_mark].offset < end
            ? writer->marks[writer->next_mark].position
            : writer->last_position;
    size_t marks_start = writer->blocks.size;
    put_marks(writer, end, &writer->blocks);
    size_t marks_size = writer->blocks.size - marks_start;
    size_t packed = append_packed(writer->compressor, writer->text.bytes + writer->start,
                                  end - writer->start, &writer->blocks);
    put_number(&writer->directory, end - writer->start);
    put_number(&writer->directory, packed);
    put_number(&writer->directory, marks_size);
    put_number(&writer->directory, first - writer->last_position);
    writer->last_position = first;
    writer->start = end;
    writer->block_count++;
    return packed > 0;
}

enum status text_blocks_write(ZSTD_CCtx *compressor, struct text_slice headings,
                              struct text_slice text, const struct text_mark *marks, size_t count,
                              struct buffer *out, struct error *err)
{
    struct block_writer writer = {
        .compressor = compressor, .text = text, .marks = marks, .mark_count = count};
    struct buffer packed_headings = {0};
    bool good = headings.size == 0 ||
                append_packed(compressor, headings.bytes, headings.size, &packed_headings) > 0;
    while (good && writer.start < text.size)
        good = write_block(&writer);
    put_number(out, packed_headings.size);
    put_number(out, writer.block_count);
    buffer_append(out, writer.directory.data, writer.directory.size);
    buffer_append(out, packed_headings.data, packed_headings.size);
    buffer_append(out, writer.blocks.data, writer.blocks.size);
    good = good && !out->failed && !writer.directory.failed && !writer.blocks.failed;
    buffer_release(&packed_headings);
    buffer_release(&writer.directory);
    buffer_release(&writer.blocks);
    return good ? STATUS_OK : error_set(err, STATUS_NO_MEMORY, "stored document");
}

/* ---- reading ---- */

struct block {
    size_t offset; /* in the text */
    size_t size;
    uint32_t first_position; /* of its first mark */
    struct text_slice marks;
    struct text_slice packed;
};

struct directory {
    struct text_slice headings; /* packed */
    struct block *blocks;
    uint32_t count;
};

static enum status corrupt(struct error *err)
{
    return error_set(err, STATUS_CORRUPT, "a stored document does not unpack");
}

/* The sizes of all blocks; false where they are none. */
static bool read_rows(struct directory *directory, const uint8_t **at, const uint8_t *end)
{
    size_t offset = 0;
    uint32_t position = 0;
    for (uint32_t i = 0; i < directory->count; i++) {
        uint32_t row[4];
        for (unsigned k = 0; k < 4; k++) {
            if (!varint_get32(at, end, &row[k]))
                return false;
        }
        if (row[0] == 0 || row[0] > TEXT_BLOCK_BYTES || row[3] > UINT32_MAX - position)
            return false;
        position += row[3];
        directory->blocks[i] = (struct block){
            .offset = offset,
            .size = row[0],
            .first_position = position,
            .marks.size = row[2],
            .packed.size = row[1],
        };
        offset += row[0];
    }
    return true;
}

static bool place_blocks(struct directory *directory, const uint8_t *at, const uint8_t *end)
{
    for (uint32_t i = 0; i < directory->count; i++) {
        struct block *block = &directory->blocks[i];
        if (!slice_take(&at, end, block->marks.size, &block->marks) ||
            !slice_take(&at, end, block->packed.size, &block->packed))
            return false;
    }
    return at == end;
}

static enum status read_directory(const struct text_blocks *blocks, struct arena *arena,
                                  struct directory *ret_directory, struct error *err)
{
    const uint8_t *at = (const uint8_t *)blocks->packed.bytes;
    const uint8_t *end = at + blocks->packed.size;
    uint64_t headings_size;
    struct directory directory = {0};
    if (!varint_get(&at, end, &headings_size) || !varint_get32(&at, end, &directory.count) ||
        directory.count > (size_t)(end - at) / 4) /* a row has at least that many bytes */
        return corrupt(err);
    directory.blocks = arena_alloc(arena, (directory.count + 1u) * sizeof(*directory.blocks));
    if (directory.blocks == NULL)
        return error_set(err, STATUS_NO_MEMORY, "stored document");
    if (!read_rows(&directory, &at, end) ||
        !slice_take(&at, end, headings_size, &directory.headings) ||
        !place_blocks(&directory, at, end))
        return corrupt(err);
    size_t text_size = 0;
    if (directory.count > 0)
        text_size = directory.blocks[directory.count - 1].offset +
                    directory.blocks[directory.count - 1].size;
    if (text_size != blocks->text_size ||
        (directory.headings.size == 0) != (blocks->headings_size == 0))
        return corrupt(err);
    *ret_directory = directory;
    return STATUS_OK;
}

static bool unpack(ZSTD_DCtx *decompressor, struct text_slice packed, char *out, size_t size)
{
    size_t unpacked = ZSTD_decompressDCtx(decompressor, out, size, packed.bytes, packed.size);
    return !ZSTD_isError(unpacked) && unpacked == size;
}

/* Blocks from `first` to `last`, one behind the other. */
static bool unpack_blocks(const struct directory *directory, ZSTD_DCtx *decompressor,
                          uint32_t first, uint32_t last, char *out)
{
    for (uint32_t i = first; i <= last; i++) {
        const struct block *block = &directory->blocks[i];
        if (!unpack(decompressor, block->packed, out, block->size))
            return false;
        out += block->size;
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
         !unpack(decompressor, directory.headings, headings, blocks->headings_size)) ||
        (directory.count > 0 &&
         !unpack_blocks(&directory, decompressor, 0, directory.count - 1, text)))
        return corrupt(err);
    headings[blocks->headings_size] = '\0';
    text[blocks->text_size] = '\0';
    *ret_headings = (struct text_slice){headings, blocks->headings_size};
    *ret_text = (struct text_slice){text, blocks->text_size};
    return STATUS_OK;
}

/* ---- passages ---- */

/* The block with the last mark not behind `position`. */
static uint32_t block_of(const struct directory *directory, uint32_t position)
{
    uint32_t found = 0;
    for (uint32_t i = 0; i < directory->count && directory->blocks[i].first_position <= position;
         i++) {
        if (directory->blocks[i].marks.size > 0)
            found = i;
    }
    return found;
}

/*
 * The last mark of the block that is neither behind `position` nor behind `offset` of the text, as
 * an offset of the text; the block's beginning where there is none.
 */
static bool find_mark(const struct block *block, uint32_t position, size_t offset,
                      size_t *ret_offset)
{
    const uint8_t *at = (const uint8_t *)block->marks.bytes;
    const uint8_t *end = at + block->marks.size;
    uint32_t here = block->first_position;
    size_t place = block->offset;
    *ret_offset = block->offset;
    for (bool first = true; at < end; first = false) {
        uint32_t distance, bytes;
        if (!first) {
            if (!varint_get32(&at, end, &distance) || distance > UINT32_MAX - here)
                return false;
            here += distance;
        }
        if (!varint_get32(&at, end, &bytes) || bytes >= block->offset + block->size - place)
            return false;
        place += bytes;
        if (here > position || place > offset)
            return true;
        *ret_offset = place;
    }
    return true;
}

/* Where a passage that shows what stands at `offset` begins, and in which block. */
static bool find_begin(const struct directory *directory, uint32_t block, size_t offset,
                       size_t lead, uint32_t *ret_block, size_t *ret_offset)
{
    size_t wanted = offset > lead ? offset - lead : 0;
    while (block > 0 && directory->blocks[block].offset > wanted)
        block--;
    *ret_block = block;
    return find_mark(&directory->blocks[block], UINT32_MAX, wanted, ret_offset);
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
    if (start > 0) {
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
    uint32_t last = block_of(&directory, position);
    uint32_t first;
    size_t mark, begin;
    if (!find_mark(&directory.blocks[last], position, SIZE_MAX, &mark) ||
        !find_begin(&directory, last, mark, lead, &first, &begin))
        return corrupt(err);
    const struct block *end = &directory.blocks[last];
    size_t latest = mark + TEXT_MARK_BYTES + trail; /* the token is nearer than another mark */
    while (last + 1 < directory.count && end->offset + end->size < latest)
        end = &directory.blocks[++last];
    size_t base = directory.blocks[first].offset;
    char *text = arena_alloc(arena, end->offset + end->size - base + 1);
    if (text == NULL)
        return error_set(err, STATUS_NO_MEMORY, "passage");
    if (!unpack_blocks(&directory, decompressor, first, last, text))
        return corrupt(err);
    ret_passage->text = (struct text_slice){text, end->offset + end->size - base};
    ret_passage->begins = first == 0;
    ret_passage->ends = last + 1 == directory.count;
    cut(ret_passage, begin - base, latest - base);
    return STATUS_OK;
}
