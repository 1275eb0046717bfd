#include <stdlib.h>
#include <string.h>

#include "base/bytes.h"
#include "base/check.h"
#include "index/posting.h"
#include "index/posting_format.h"

void posting_writer_init(struct posting_writer *writer, struct part_writer *parts,
                         const struct buffer *norms)
{
    *writer = (struct posting_writer){.parts = parts, .norms = norms};
}

void posting_writer_release(struct posting_writer *writer)
{
    buffer_release(&writer->rows);
    buffer_release(&writer->packed);
    numbers_release(&writer->positions);
}

void posting_writer_begin(struct posting_writer *writer)
{
    CHECK(writer->block_count == 0);
    writer->count = 0;
    writer->base = 0;
    writer->has_others = false;
    buffer_clear(&writer->rows);
}

/* ---- positions ---- */

static enum status write_positions(struct posting_writer *writer, uint64_t *ret_address,
                                   struct error *err)
{
    const uint32_t *values = writer->positions.values;
    size_t count = writer->positions.count;
    struct buffer *bytes = &writer->packed;
    buffer_clear(bytes);
    for (size_t at = 0; at < count; at += PACK_COUNT) {
        size_t here = count - at < PACK_COUNT ? count - at : PACK_COUNT;
        uint8_t *room = buffer_reserve(bytes, PATCHED_BYTES_MAX);
        if (room == NULL)
            return error_set(err, STATUS_NO_MEMORY, "postings");
        bytes->size += patched_pack(values + at, here, room);
    }
    return part_append(writer->parts, PART_POSITIONS, bytes->data, bytes->size, ret_address, err);
}

/* ---- impacts ---- */

struct pair {
    uint8_t frequency;
    uint8_t length;
};

/* Of the documents of a block, by the code of their frequency: the shortest. */
struct shortest {
    uint8_t lengths[256];
    uint64_t frequencies[4]; /* bits of the codes that there are */
};

static void shortest_add(struct shortest *shortest, uint8_t frequency, uint8_t length)
{
    uint64_t bit = (uint64_t)1 << frequency % 64;
    uint64_t *bits = &shortest->frequencies[frequency / 64];
    if ((*bits & bit) == 0 || length < shortest->lengths[frequency])
        shortest->lengths[frequency] = length;
    *bits |= bit;
}

/* Those that no other dominates, by falling frequency and length; returns how many. */
static size_t keep_best(const struct shortest *shortest, struct pair *ret_pairs)
{
    size_t kept = 0;
    for (unsigned word = 4; word-- > 0;) {
        for (uint64_t bits = shortest->frequencies[word]; bits != 0;) {
            unsigned bit = 63 - (unsigned)__builtin_clzll(bits);
            uint8_t frequency = (uint8_t)(word * 64 + bit);
            uint8_t length = shortest->lengths[frequency];
            bits ^= (uint64_t)1 << bit;
            if (kept == 0 || length < ret_pairs[kept - 1].length)
                ret_pairs[kept++] = (struct pair){frequency, length};
        }
    }
    return kept;
}

/* Replaces neighbours by what dominates both until few are left: the two that are closest. */
static size_t reduce(struct pair *pairs, size_t count)
{
    while (count > IMPACT_PAIRS) {
        size_t closest = 0;
        int distance_best = INT32_MAX;
        for (size_t i = 0; i + 1 < count; i++) {
            int distance = (pairs[i].frequency - pairs[i + 1].frequency) *
                           (pairs[i].length - pairs[i + 1].length);
            if (distance < distance_best) {
                distance_best = distance;
                closest = i;
            }
        }
        pairs[closest].length = pairs[closest + 1].length;
        memmove(pairs + closest + 1, pairs + closest + 2, (count - closest - 2) * sizeof(*pairs));
        count--;
    }
    return count;
}

static void gather_impacts(const struct posting_writer *writer, struct impacts *ret_impacts)
{
    struct pair pairs[POSTING_BLOCK];
    struct shortest shortest = {.frequencies = {0}};
    const uint32_t *frequency = writer->frequencies;
    struct impacts impacts = {0};
    for (uint32_t i = 0; i < writer->block_count; i++) {
        for (uint32_t fields = writer->fields[i]; fields != 0; fields &= fields - 1) {
            unsigned field = (unsigned)__builtin_ctz(fields);
            uint8_t length = writer->norms[field].data[writer->docids[i]];
            uint8_t code = length_code(*frequency++);
            if (field == FIELD_BODY) {
                shortest_add(&shortest, code, length);
                continue;
            }
            bool is_first = impacts.frequencies[field] == 0;
            if (is_first || code > impacts.frequencies[field])
                impacts.frequencies[field] = code;
            if (is_first || length < impacts.lengths[field])
                impacts.lengths[field] = length;
        }
    }
    size_t count = reduce(pairs, keep_best(&shortest, pairs));
    for (size_t i = 0; i < count; i++) {
        impacts.body_frequencies[i] = pairs[i].frequency;
        impacts.body_lengths[i] = pairs[i].length;
    }
    *ret_impacts = impacts;
}

/* Rows are gathered with the impacts of all fields; posting_writer_end() leaves out what no block
 * has. */
static void add_row(struct posting_writer *writer, uint32_t last, uint64_t address,
                    const struct impacts *impacts)
{
    uint8_t row[ROW_BYTES_ALL];
    put_le32(row, last);
    put_le40(row + ROW_ADDRESS, address);
    memcpy(row + ROW_IMPACTS, impacts, sizeof(*impacts));
    buffer_append(&writer->rows, row, sizeof(row));
    for (unsigned field = 0; field < FIELD_BODY; field++)
        writer->has_others = writer->has_others || impacts->frequencies[field] != 0;
    writer->address = address;
    writer->base = last + 1;
}

/* ---- blocks ---- */

/* The fields of all documents of the block, where they are the same; else 0. */
static uint8_t find_common_fields(const struct posting_writer *writer)
{
    for (uint32_t i = 1; i < writer->block_count; i++) {
        if (writer->fields[i] != writer->fields[0])
            return 0;
    }
    return writer->fields[0];
}

static size_t write_fields(const struct posting_writer *writer, uint8_t *out)
{
    uint32_t fields[POSTING_BLOCK];
    for (uint32_t i = 0; i < writer->block_count; i++)
        fields[i] = writer->fields[i];
    pack(fields, writer->block_count, FIELD_COUNT, out);
    return pack_bytes(writer->block_count, FIELD_COUNT);
}

/* Frequencies less one, in groups of 128. */
static size_t write_frequencies(const struct posting_writer *writer, uint8_t *out)
{
    uint32_t less[POSTING_BLOCK * FIELD_COUNT];
    size_t size = 0;
    for (uint32_t i = 0; i < writer->frequency_count; i++) {
        CHECK(writer->frequencies[i] <= POSTING_FREQUENCY_MAX);
        less[i] = writer->frequencies[i] - 1;
    }
    for (uint32_t at = 0; at < writer->frequency_count; at += PACK_COUNT) {
        uint32_t left = writer->frequency_count - at;
        size += patched_pack(less + at, left < PACK_COUNT ? left : PACK_COUNT, out + size);
    }
    return size;
}

/* Writes the header and the docids of a block; returns their size. */
static size_t write_docids(const uint32_t *docids, uint32_t count, uint32_t base, uint8_t fields,
                           uint64_t positions, uint8_t *out)
{
    uint32_t distances[POSTING_BLOCK];
    for (uint32_t i = 0; i < count; i++)
        distances[i] = docids[i] - (i == 0 ? base : docids[i - 1] + 1);
    unsigned width = pack_width(distances, count);
    out[BLOCK_COUNT] = (uint8_t)(count - 1);
    out[BLOCK_DOCID_WIDTH] = (uint8_t)width;
    out[BLOCK_FIELDS] = fields;
    put_le40(out + BLOCK_POSITIONS, positions);
    pack(distances, count, width, out + BLOCK_HEADER_BYTES);
    return BLOCK_HEADER_BYTES + pack_bytes(count, width);
}

static enum status end_block(struct posting_writer *writer, struct error *err)
{
    uint64_t positions;
    uint64_t address;
    uint8_t bytes[BLOCK_BYTES_MAX];
    struct impacts impacts = {0};
    if (writer->block_count == 0)
        return STATUS_OK;
    enum status status = write_positions(writer, &positions, err);
    if (status != STATUS_OK)
        return status;
    uint8_t common = find_common_fields(writer);
    size_t size =
        write_docids(writer->docids, writer->block_count, writer->base, common, positions, bytes);
    if (common == 0)
        size += write_fields(writer, bytes + size);
    size += write_frequencies(writer, bytes + size);
    status = part_append(writer->parts, PART_POSTINGS, bytes, size, &address, err);
    if (status != STATUS_OK)
        return status;
    if (writer->count >= POSTING_BLOCK) /* there may be more than this block */
        gather_impacts(writer, &impacts);
    add_row(writer, writer->docids[writer->block_count - 1], address, &impacts);
    writer->block_count = writer->frequency_count = 0;
    writer->positions.count = 0;
    return STATUS_OK;
}

enum status posting_writer_add(struct posting_writer *writer, uint32_t docid, uint32_t fields,
                               const uint32_t *frequencies, const uint32_t *positions, size_t count,
                               struct error *err)
{
    CHECK(docid < SEGMENT_DOCUMENTS_MAX && fields != 0 && fields <= FIELD_MASK_ALL);
    if (writer->block_count == POSTING_BLOCK) {
        enum status status = end_block(writer, err);
        if (status != STATUS_OK)
            return status;
    }
    uint32_t *room = numbers_reserve(&writer->positions, count);
    if (room == NULL)
        return error_set(err, STATUS_NO_MEMORY, "postings");
    for (size_t i = 0; i < count; i++)
        room[i] = positions[i];
    writer->positions.count += count;
    for (uint32_t left = fields; left != 0; left &= left - 1)
        writer->frequencies[writer->frequency_count++] = *frequencies++;
    writer->docids[writer->block_count] = docid;
    writer->fields[writer->block_count++] = (uint8_t)fields;
    writer->count++;
    return STATUS_OK;
}

/* ---- blocks of other lists ---- */

enum status posting_writer_copy_block(struct posting_writer *writer, struct posting_cursor *cursor,
                                      uint32_t docid, struct error *err)
{
    uint32_t docids[POSTING_BLOCK];
    struct impacts impacts;
    size_t frequencies_size;
    CHECK(cursor->count > 0 && cursor->count <= POSTING_BLOCK);
    uint32_t last = docid + (cursor->docids[cursor->count - 1] - cursor->docids[0]);
    CHECK(posting_cursor_row_impacts(cursor, cursor->row, &impacts));
    const uint8_t *frequencies = posting_cursor_packed_frequencies(cursor, &frequencies_size);
    writer->count += cursor->count; /* so that the block before gets its impacts */
    enum status status = end_block(writer, err);
    if (status != STATUS_OK)
        return status;

    struct buffer *positions = &writer->packed;
    buffer_clear(positions);
    if (frequencies == NULL || !posting_cursor_packed_positions(cursor, positions))
        return cursor->corrupt ? segment_corrupt(cursor->segment, err)
                               : error_set(err, STATUS_NO_MEMORY, "postings");
    uint64_t address;
    status =
        part_append(writer->parts, PART_POSITIONS, positions->data, positions->size, &address, err);
    if (status != STATUS_OK)
        return status;

    uint8_t bytes[BLOCK_BYTES_MAX];
    for (uint32_t i = 0; i < cursor->count; i++)
        docids[i] = docid + (cursor->docids[i] - cursor->docids[0]);
    size_t size =
        write_docids(docids, cursor->count, writer->base, cursor->common_fields, address, bytes);
    memcpy(bytes + size, frequencies, frequencies_size);
    status =
        part_append(writer->parts, PART_POSTINGS, bytes, size + frequencies_size, &address, err);
    if (status == STATUS_OK)
        add_row(writer, last, address, &impacts);
    return status;
}

/* ---- the directory ---- */

enum status posting_writer_end(struct posting_writer *writer, struct error *err)
{
    enum status status = end_block(writer, err);
    if (status != STATUS_OK || writer->count <= POSTING_BLOCK)
        return status;
    if (writer->rows.failed)
        return error_set(err, STATUS_NO_MEMORY, "postings");
    size_t row_size = writer->has_others ? ROW_BYTES_ALL : ROW_BYTES_BODY;
    size_t rows = writer->rows.size / ROW_BYTES_ALL;
    uint8_t *out;
    CHECK(rows > 0 && rows <= UINT16_MAX);
    status = part_reserve(writer->parts, PART_DIRECTORIES, DIRECTORY_HEAD_BYTES + rows * row_size,
                          &out, &writer->address, err);
    if (status != STATUS_OK)
        return status;
    *out++ = (uint8_t)row_size;
    *out++ = (uint8_t)rows;
    *out++ = (uint8_t)(rows >> 8);
    for (size_t i = 0; i < rows; i++)
        memcpy(out + i * row_size, writer->rows.data + i * ROW_BYTES_ALL, row_size);
    return STATUS_OK;
}
