#include "index/posting.h"

#include <string.h>

#include "base/bytes.h"
#include "base/check.h"
#include "index/varint.h"

/* A block's positions are read from the front, so they are kept few. */
#define POSITION_BYTES_MAX (64u << 10)

#define ALL_ONCE 0x20 /* beside the bits of the fields: every frequency is 1 */

/* ---- writing ---- */

void posting_writer_init(struct posting_writer *writer, struct part_writer *parts)
{
    *writer = (struct posting_writer){.parts = parts};
}

void posting_writer_release(struct posting_writer *writer)
{
    buffer_release(&writer->frequencies);
    buffer_release(&writer->positions);
}

void posting_writer_begin(struct posting_writer *writer)
{
    CHECK(writer->block_count == 0);
    writer->count = 0;
    writer->last_docid = 0;
}

static size_t encode_docids(const struct posting_writer *writer, uint8_t *out)
{
    size_t size = 0;
    uint32_t base = writer->last_docid;
    for (uint32_t i = 0; i < writer->block_count; i++) {
        size += varint_put(out + size, writer->docids[i] - base);
        base = writer->docids[i] + 1;
    }
    return size;
}

static enum status end_block(struct posting_writer *writer, struct error *err)
{
    if (writer->block_count == 0)
        return STATUS_OK;
    if (writer->frequencies.failed || writer->positions.failed)
        return error_set(err, STATUS_NO_MEMORY, "postings");
    uint64_t positions;
    enum status status = part_append(writer->parts, PART_POSITIONS, writer->positions.data,
                                     writer->positions.size, &positions, err);
    if (status != STATUS_OK)
        return status;

    uint8_t docids[POSTING_BLOCK * VARINT32_MAX];
    size_t docids_size = encode_docids(writer, docids);
    size_t frequencies_size = writer->frequencies.size;
    uint8_t *out;
    uint64_t address;
    status = part_reserve(writer->parts, PART_POSTINGS,
                          POSTING_BLOCK_HEADER_BYTES + docids_size + frequencies_size, &out,
                          &address, err);
    if (status != STATUS_OK)
        return status;
    uint32_t last = writer->docids[writer->block_count - 1];
    put_le32(out, last);
    put_le32(out + 4, (uint32_t)docids_size | (uint32_t)frequencies_size << 16);
    put_le64(out + 8, positions | (uint64_t)(writer->block_count - 1) << 56);
    memcpy(out + POSTING_BLOCK_HEADER_BYTES, docids, docids_size);
    memcpy(out + POSTING_BLOCK_HEADER_BYTES + docids_size, writer->frequencies.data,
           frequencies_size);

    if (writer->count == writer->block_count)
        writer->address = address;
    writer->last_docid = last + 1;
    writer->block_count = 0;
    buffer_clear(&writer->frequencies);
    buffer_clear(&writer->positions);
    return STATUS_OK;
}

size_t frequencies_encode(const struct posting *posting, uint8_t ret[FREQUENCY_BYTES_MAX])
{
    size_t size = 1;
    bool all_once = true;
    for (unsigned field = 0; field < FIELD_COUNT; field++)
        all_once = all_once && posting->frequencies[field] <= 1;
    ret[0] = (uint8_t)(posting->fields | (all_once ? ALL_ONCE : 0));
    for (unsigned field = 0; !all_once && field < FIELD_COUNT; field++) {
        if ((posting->fields & 1u << field) != 0)
            size += varint_put(ret + size, posting->frequencies[field]);
    }
    return size;
}

enum status posting_writer_add(struct posting_writer *writer, uint32_t docid,
                               const uint8_t *frequencies, size_t frequencies_size,
                               const uint8_t *positions, size_t positions_size, struct error *err)
{
    CHECK(docid < SEGMENT_DOCUMENTS_MAX && frequencies_size <= FREQUENCY_BYTES_MAX);
    if (writer->block_count == POSTING_BLOCK ||
        (writer->block_count > 0 && writer->positions.size + positions_size > POSITION_BYTES_MAX)) {
        enum status status = end_block(writer, err);
        if (status != STATUS_OK)
            return status;
    }
    writer->docids[writer->block_count++] = docid;
    writer->count++;
    buffer_append(&writer->frequencies, frequencies, frequencies_size);
    buffer_append(&writer->positions, positions, positions_size);
    return STATUS_OK;
}

enum status posting_writer_end(struct posting_writer *writer, struct error *err)
{
    return end_block(writer, err);
}

/* ---- reading ---- */

static void become_corrupt(struct posting_cursor *cursor)
{
    cursor->corrupt = true;
    cursor->docid = DOCID_END;
    cursor->count = cursor->index = cursor->left = 0;
    segment_corrupt(cursor->segment, NULL);
}

static bool read_docids(struct posting_cursor *cursor, const uint8_t *at, const uint8_t *end)
{
    uint32_t docid = cursor->base;
    uint32_t document_count = cursor->segment->document_count;
    for (uint32_t i = 0; i < cursor->count; i++) {
        uint32_t delta;
        if (!varint_get32(&at, end, &delta) || delta >= document_count - docid)
            return false;
        docid += delta;
        cursor->docids[i] = docid++;
        if (docid == document_count && i + 1 < cursor->count)
            return false;
    }
    return at == end;
}

/* Reads the block at next_address, or steps over it where all of it lies below the target. False
 * when it is corrupt; *ret_stepped says whether it was stepped over. */
static bool read_block(struct posting_cursor *cursor, uint32_t target, bool *ret_stepped)
{
    const uint8_t *end;
    const uint8_t *at = part_at(&cursor->segment->parts[PART_POSTINGS], cursor->next_address, &end);
    if (at == NULL || end - at < POSTING_BLOCK_HEADER_BYTES)
        return false;
    uint32_t last = get_le32(at);
    uint32_t docids_size = get_le32(at + 4) & 0xffff;
    uint32_t frequencies_size = get_le32(at + 4) >> 16;
    uint64_t positions = get_le64(at + 8);
    uint32_t count = (uint32_t)(positions >> 56) + 1;
    at += POSTING_BLOCK_HEADER_BYTES;
    if (count > POSTING_BLOCK || count > cursor->left || last < cursor->base ||
        last >= cursor->segment->document_count ||
        docids_size + frequencies_size > (size_t)(end - at))
        return false;

    cursor->next_address += POSTING_BLOCK_HEADER_BYTES + docids_size + frequencies_size;
    if (at + docids_size + frequencies_size == end) /* the next one begins a chunk */
        cursor->next_address = ((cursor->next_address - 1) | (CHUNK_BYTES_MAX - 1)) + 1;
    cursor->left -= count;
    *ret_stepped = last < target;
    if (!*ret_stepped) {
        cursor->count = count;
        if (cursor->base >= cursor->segment->document_count ||
            !read_docids(cursor, at, at + docids_size) || cursor->docids[count - 1] != last)
            return false;
        cursor->frequency_bytes = at + docids_size;
        cursor->frequency_end = at + docids_size + frequencies_size;
        cursor->frequencies_read = false;
        cursor->positions_address = positions & (((uint64_t)1 << 56) - 1);
        cursor->position_at = NULL;
    }
    cursor->base = last + 1;
    return true;
}

void posting_cursor_next_block(struct posting_cursor *cursor, uint32_t target)
{
    bool stepped = true;
    while (stepped) {
        if (cursor->left == 0) {
            cursor->docid = DOCID_END;
            cursor->count = cursor->index = 0;
            return;
        }
        if (!read_block(cursor, target, &stepped)) {
            become_corrupt(cursor);
            return;
        }
    }
    cursor->index = 0;
    while (cursor->docids[cursor->index] < target) /* the last one is not below */
        cursor->index++;
    cursor->docid = cursor->docids[cursor->index];
}

void posting_cursor_open(struct posting_cursor *cursor, const struct segment *segment,
                         uint64_t address, uint32_t document_count)
{
    cursor->segment = segment;
    cursor->document_count = document_count;
    cursor->corrupt = false;
    cursor->left = document_count;
    cursor->next_address = address;
    cursor->base = 0;
    cursor->count = cursor->index = 0;
    posting_cursor_next_block(cursor, 0);
}

static bool read_frequencies(struct posting_cursor *cursor)
{
    const uint8_t *at = cursor->frequency_bytes;
    const uint8_t *end = cursor->frequency_end;
    uint32_t used = 0;
    for (uint32_t i = 0; i < cursor->count; i++) {
        if (at == end)
            return false;
        uint8_t byte = *at++;
        uint8_t fields = byte & FIELD_MASK_ALL;
        cursor->fields[i] = fields;
        cursor->starts[i] = (uint16_t)used;
        cursor->encoded_starts[i] = (uint16_t)(at - 1 - cursor->frequency_bytes);
        cursor->totals[i] = 0;
        if (fields == 0)
            return false;
        for (uint8_t bits = fields; bits != 0; bits &= (uint8_t)(bits - 1)) {
            cursor->frequencies[used] = 1;
            if ((byte & ALL_ONCE) == 0 && !varint_get32(&at, end, &cursor->frequencies[used]))
                return false;
            cursor->totals[i] += cursor->frequencies[used];
            used++;
        }
    }
    cursor->encoded_starts[cursor->count] = (uint16_t)(at - cursor->frequency_bytes);
    return at == end;
}

void posting_cursor_read_frequencies(struct posting_cursor *cursor)
{
    cursor->frequencies_read = true;
    if (read_frequencies(cursor))
        return;
    /* Whoever asked still gets numbers that can be worked with; the list ends here. */
    uint32_t index = cursor->index;
    uint32_t docid = cursor->docid;
    become_corrupt(cursor);
    cursor->index = index;
    cursor->docid = docid;
    memset(cursor->fields, 1, sizeof(cursor->fields));
    memset(cursor->starts, 0, sizeof(cursor->starts));
    memset(cursor->encoded_starts, 0, sizeof(cursor->encoded_starts));
    cursor->frequencies[0] = 1;
}

/* ---- positions ---- */

bool positions_skip(const uint8_t **at, const uint8_t *end, uint32_t count)
{
    const uint8_t *next = *at;
    while (count > 0 && next < end)
        count -= *next++ < 0x80;
    *at = next;
    return count == 0;
}

const uint8_t *posting_cursor_positions(struct posting_cursor *cursor, const uint8_t **ret_end)
{
    posting_cursor_fields(cursor);
    if (cursor->corrupt)
        return NULL;
    if (cursor->position_at == NULL || cursor->position_index > cursor->index) {
        cursor->position_at = part_at(&cursor->segment->parts[PART_POSITIONS],
                                      cursor->positions_address, &cursor->position_end);
        cursor->position_index = 0;
    }
    bool good = cursor->position_at != NULL;
    while (good && cursor->position_index < cursor->index) {
        good = positions_skip(&cursor->position_at, cursor->position_end,
                              cursor->totals[cursor->position_index]);
        cursor->position_index++;
    }
    const uint8_t *start = cursor->position_at;
    const uint8_t *end = start;
    if (!good || !positions_skip(&end, cursor->position_end, cursor->totals[cursor->index])) {
        become_corrupt(cursor);
        return NULL;
    }
    *ret_end = end;
    return start;
}
