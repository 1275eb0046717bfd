#include "index/dictionary.h"

#include <string.h>

#include "base/bytes.h"
#include "base/check.h"
#include "index/posting.h"
#include "index/varint.h"

/* ---- writing ---- */

void dictionary_writer_init(struct dictionary_writer *writer, struct part_writer *parts)
{
    *writer = (struct dictionary_writer){.parts = parts};
}

void dictionary_writer_release(struct dictionary_writer *writer)
{
    buffer_release(&writer->block);
}

static enum status end_block(struct dictionary_writer *writer, struct error *err)
{
    if (writer->in_block == 0)
        return STATUS_OK;
    if (writer->block.failed)
        return error_set(err, STATUS_NO_MEMORY, "dictionary");
    uint64_t address;
    uint64_t row_address;
    uint8_t row[DICTIONARY_ROW_BYTES];
    enum status status = part_append(writer->parts, PART_DICTIONARY, writer->block.data,
                                     writer->block.size, &address, err);
    if (status != STATUS_OK)
        return status;
    put_le64(row, address);
    put_le64(row + 8, writer->block_head);
    status = part_append(writer->parts, PART_DICTIONARY_INDEX, row, sizeof(row), &row_address, err);
    writer->block_count++;
    writer->in_block = 0;
    buffer_clear(&writer->block);
    return status;
}

static uint32_t shared_size(const struct dictionary_writer *writer, const uint8_t *key,
                            uint32_t size)
{
    uint32_t shared = 0;
    while (shared < size && shared < writer->last_size && writer->last_key[shared] == key[shared])
        shared++;
    return shared;
}

/* Lists of more than one block are found by their directory, the others by their block. */
static bool is_long(const struct dictionary_entry *entry)
{
    return entry->document_count > POSTING_BLOCK;
}

enum status dictionary_writer_add(struct dictionary_writer *writer, const uint8_t *key,
                                  uint32_t size, const struct dictionary_entry *entry,
                                  struct error *err)
{
    CHECK(size > 0 && size <= KEY_MAX && entry->document_count > 0);
    if (writer->term_count > 0 && key_compare(writer->last_key, writer->last_size, key, size) >= 0)
        return error_set(err, STATUS_CORRUPT, "the keys of a segment are not in order");
    if (writer->in_block == DICTIONARY_BLOCK) {
        enum status status = end_block(writer, err);
        if (status != STATUS_OK)
            return status;
    }
    bool first = writer->in_block == 0;
    uint32_t shared = first ? 0 : shared_size(writer, key, size);
    uint8_t out[2 + KEY_MAX + VARINT32_MAX + VARINT_MAX];
    size_t used = 0;
    if (!first)
        out[used++] = (uint8_t)shared;
    out[used++] = (uint8_t)(size - shared);
    memcpy(out + used, key + shared, size - shared);
    used += size - shared;
    used += varint_put(out + used, entry->document_count);
    if (first) {
        writer->block_head = key_head(key, size);
        buffer_append_byte(&writer->block, 0); /* how many there are: see below */
        memset(writer->last_addresses, 0, sizeof(writer->last_addresses));
    }
    uint64_t *last_address = &writer->last_addresses[is_long(entry)];
    used += varint_put(out + used, entry->address - *last_address);
    buffer_append(&writer->block, out, used);
    writer->in_block++;
    writer->term_count++;
    if (!writer->block.failed)
        writer->block.data[0] = (uint8_t)writer->in_block;
    *last_address = entry->address;
    memcpy(writer->last_key, key, size);
    writer->last_size = size;
    return STATUS_OK;
}

enum status dictionary_writer_end(struct dictionary_writer *writer, struct error *err)
{
    return end_block(writer, err);
}

/* ---- reading ---- */

static bool open_block(struct dictionary_cursor *cursor, uint32_t block)
{
    const struct segment *segment = cursor->segment;
    const uint8_t *row =
        part_row(&segment->parts[PART_DICTIONARY_INDEX], block, DICTIONARY_ROW_BYTES);
    if (row == NULL)
        return false;
    cursor->at = part_at(&segment->parts[PART_DICTIONARY], get_le64(row), &cursor->end);
    if (cursor->at == NULL || *cursor->at == 0)
        return false;
    cursor->left = *cursor->at++;
    cursor->block = block + 1;
    cursor->key_size = 0;
    memset(cursor->addresses, 0, sizeof(cursor->addresses));
    return true;
}

/* Reads the next entry of the block, of which at least one is left. */
static bool read_entry(struct dictionary_cursor *cursor)
{
    bool first = cursor->key_size == 0;
    uint32_t shared = 0;
    if (cursor->end - cursor->at < 2)
        return false;
    if (!first)
        shared = *cursor->at++;
    uint32_t rest = *cursor->at++;
    if (shared > cursor->key_size || shared + rest > KEY_MAX || shared + rest == 0 ||
        rest > (size_t)(cursor->end - cursor->at))
        return false;
    memcpy(cursor->key + shared, cursor->at, rest);
    cursor->key_size = shared + rest;
    cursor->head = key_head(cursor->key, cursor->key_size);
    cursor->at += rest;
    uint64_t distance;
    if (!varint_get32(&cursor->at, cursor->end, &cursor->entry.document_count) ||
        !varint_get(&cursor->at, cursor->end, &distance))
        return false;
    cursor->addresses[is_long(&cursor->entry)] += distance;
    cursor->entry.address = cursor->addresses[is_long(&cursor->entry)];
    cursor->left--;
    return cursor->entry.document_count > 0 &&
           cursor->entry.document_count <= cursor->segment->document_count;
}

void dictionary_cursor_next(struct dictionary_cursor *cursor)
{
    if (cursor->left == 0) {
        if (cursor->block == cursor->segment->block_count) {
            cursor->key_size = 0;
            return;
        }
        if (!open_block(cursor, cursor->block)) {
            cursor->corrupt = true;
            cursor->key_size = 0;
            return;
        }
    }
    if (!read_entry(cursor)) {
        cursor->corrupt = true;
        cursor->key_size = 0;
    }
}

void dictionary_cursor_open(struct dictionary_cursor *cursor, const struct segment *segment)
{
    *cursor = (struct dictionary_cursor){.segment = segment};
    dictionary_cursor_next(cursor);
}

/* Stands on a block's first key. */
static bool read_first(struct dictionary_cursor *cursor, uint32_t block, const uint8_t *key,
                       uint32_t size, int *ret_order)
{
    if (!open_block(cursor, block) || !read_entry(cursor))
        return false;
    *ret_order = key_compare(cursor->key, cursor->key_size, key, size);
    return true;
}

/* The order of a block's first key and the one looked for. Most differ in their heads, which are
 * read without the block. */
static bool compare_block(struct dictionary_cursor *cursor, uint32_t block, const uint8_t *key,
                          uint32_t size, int *ret_order)
{
    uint64_t head = key_head(key, size);
    const uint8_t *row =
        part_row(&cursor->segment->parts[PART_DICTIONARY_INDEX], block, DICTIONARY_ROW_BYTES);
    if (row == NULL)
        return false;
    if (get_le64(row + 8) != head) {
        *ret_order = get_le64(row + 8) < head ? -1 : 1;
        return true;
    }
    return read_first(cursor, block, key, size, ret_order);
}

/* Finds the last block whose first key is not behind the one looked for and stands on that first
 * key; STATUS_NOT_FOUND: there is none, every key is behind it. */
static enum status find_block(struct dictionary_cursor *cursor, const uint8_t *key, uint32_t size,
                              int *ret_order)
{
    uint32_t low = 0; /* the first block whose first key is behind the one looked for */
    uint32_t high = cursor->segment->block_count;
    while (low < high) {
        uint32_t middle = low + (high - low) / 2;
        if (!compare_block(cursor, middle, key, size, ret_order))
            return STATUS_CORRUPT;
        if (*ret_order <= 0)
            low = middle + 1;
        else
            high = middle;
    }
    if (low == 0)
        return STATUS_NOT_FOUND;
    return read_first(cursor, low - 1, key, size, ret_order) ? STATUS_OK : STATUS_CORRUPT;
}

enum status dictionary_find(const struct segment *segment, const uint8_t *key, uint32_t size,
                            struct dictionary_entry *ret_entry)
{
    struct dictionary_cursor cursor = {.segment = segment};
    int order = 0;
    enum status status = find_block(&cursor, key, size, &order);
    if (status != STATUS_OK)
        return status == STATUS_CORRUPT ? segment_corrupt(segment, NULL) : status;
    while (order < 0 && cursor.left > 0) {
        if (!read_entry(&cursor))
            return segment_corrupt(segment, NULL);
        order = key_compare(cursor.key, cursor.key_size, key, size);
    }
    if (order != 0)
        return STATUS_NOT_FOUND;
    *ret_entry = cursor.entry;
    return STATUS_OK;
}

void dictionary_cursor_seek(struct dictionary_cursor *cursor, const struct segment *segment,
                            const uint8_t *key, uint32_t size)
{
    *cursor = (struct dictionary_cursor){.segment = segment};
    int order = 0;
    enum status status = find_block(cursor, key, size, &order);
    if (status == STATUS_NOT_FOUND) { /* the search read blocks on its way */
        dictionary_cursor_open(cursor, segment);
        return;
    }
    cursor->corrupt = status == STATUS_CORRUPT;
    if (cursor->corrupt)
        cursor->key_size = 0;
    while (cursor->key_size > 0 && key_compare(cursor->key, cursor->key_size, key, size) < 0)
        dictionary_cursor_next(cursor);
}
