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

/* How a key is written, beside the number of its documents. */
enum {
    WRITTEN_NEVER,
    WRITTEN_ALWAYS,    /* in all of them */
    WRITTEN_SOMETIMES, /* in how many, follows */
    WRITTEN_PRIVATELY, /* by private documents alone: in how many, follows */
    WRITTEN_BITS = 2,
};

static unsigned how_written(const struct dictionary_entry *entry)
{
    if (entry->written.count == 0)
        return WRITTEN_NEVER;
    if (!entry->written.openly)
        return WRITTEN_PRIVATELY;
    return entry->written.count == entry->document_count ? WRITTEN_ALWAYS : WRITTEN_SOMETIMES;
}

static size_t put_counts(const struct dictionary_entry *entry, uint8_t *out)
{
    unsigned how = how_written(entry);
    size_t used = varint_put(out, (uint64_t)entry->document_count << WRITTEN_BITS | how);
    if (how >= WRITTEN_SOMETIMES)
        used += varint_put(out + used, entry->written.count);
    return used;
}

enum status dictionary_writer_add(struct dictionary_writer *writer, const uint8_t *key,
                                  uint32_t size, const struct dictionary_entry *entry,
                                  struct error *err)
{
    CHECK(size > 0 && size <= KEY_MAX && entry->document_count > 0 &&
          entry->written.count <= entry->document_count);
    if (writer->term_count > 0 && key_compare(writer->last_key, writer->last_size, key, size) >= 0)
        return error_set(err, STATUS_CORRUPT, "the keys of a segment are not in order");
    if (writer->in_block == DICTIONARY_BLOCK) {
        enum status status = end_block(writer, err);
        if (status != STATUS_OK)
            return status;
    }
    bool first = writer->in_block == 0;
    uint32_t shared = first ? 0 : shared_size(writer, key, size);
    uint8_t out[2 + KEY_MAX + 2 * VARINT32_MAX + VARINT_MAX];
    size_t used = 0;
    if (!first)
        out[used++] = (uint8_t)shared;
    out[used++] = (uint8_t)(size - shared);
    memcpy(out + used, key + shared, size - shared);
    used += size - shared;
    used += put_counts(entry, out + used);
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

static bool block_address(const struct segment *segment, uint32_t block, uint64_t *ret_address)
{
    const uint8_t *row =
        part_row(&segment->parts[PART_DICTIONARY_INDEX], block, DICTIONARY_ROW_BYTES);
    if (row != NULL)
        *ret_address = get_le64(row);
    return row != NULL;
}

/* A block ends where the next one begins, or its chunk does. */
static bool open_block(struct dictionary_cursor *cursor, uint32_t block)
{
    const struct segment *segment = cursor->segment;
    uint64_t address;
    uint64_t next = UINT64_MAX;
    if (!block_address(segment, block, &address) ||
        (block + 1 < segment->block_count && !block_address(segment, block + 1, &next)) ||
        next <= address)
        return false;
    uint64_t size = next - address < CHUNK_BYTES_MAX ? next - address : CHUNK_BYTES_MAX;
    cursor->at =
        part_up_to(&segment->parts[PART_DICTIONARY], address, (uint32_t)size, &cursor->end);
    if (cursor->at == NULL || *cursor->at == 0)
        return false;
    cursor->left = *cursor->at++;
    cursor->block = block + 1;
    cursor->key_size = 0;
    memset(cursor->addresses, 0, sizeof(cursor->addresses));
    return true;
}

static bool read_counts(struct dictionary_cursor *cursor)
{
    struct dictionary_entry *entry = &cursor->entry;
    uint32_t counts;
    if (!varint_get32(&cursor->at, cursor->end, &counts))
        return false;
    unsigned how = counts & ((1u << WRITTEN_BITS) - 1);
    entry->document_count = counts >> WRITTEN_BITS;
    entry->written.count = how == WRITTEN_ALWAYS ? entry->document_count : 0;
    entry->written.openly = how == WRITTEN_ALWAYS || how == WRITTEN_SOMETIMES;
    if (how >= WRITTEN_SOMETIMES && !varint_get32(&cursor->at, cursor->end, &entry->written.count))
        return false;
    return entry->document_count > 0 && entry->written.count <= entry->document_count &&
           entry->document_count <= cursor->segment->document_count;
}

/* What the next entry of a block, of which at least one is left, shares with the one before, a key
 * of `before` bytes (0: it is the first); the rest of its key begins at cursor->at. */
static bool read_sizes(struct dictionary_cursor *cursor, uint32_t before, uint32_t *ret_shared,
                       uint32_t *ret_rest)
{
    if (cursor->end - cursor->at < 2)
        return false;
    *ret_shared = before == 0 ? 0 : *cursor->at++;
    *ret_rest = *cursor->at++;
    uint32_t size = *ret_shared + *ret_rest;
    return *ret_shared <= before && size <= KEY_MAX && size > 0 &&
           *ret_rest <= (size_t)(cursor->end - cursor->at);
}

/* What stands behind an entry's key. */
static bool read_value(struct dictionary_cursor *cursor)
{
    uint64_t distance;
    if (!read_counts(cursor) || !varint_get(&cursor->at, cursor->end, &distance))
        return false;
    cursor->addresses[is_long(&cursor->entry)] += distance;
    cursor->entry.address = cursor->addresses[is_long(&cursor->entry)];
    cursor->left--;
    return true;
}

/* Reads the next entry of the block, of which at least one is left. */
static bool read_entry(struct dictionary_cursor *cursor)
{
    uint32_t shared;
    uint32_t rest;
    if (!read_sizes(cursor, cursor->key_size, &shared, &rest))
        return false;
    memcpy(cursor->key + shared, cursor->at, rest);
    cursor->key_size = shared + rest;
    cursor->head = key_head(cursor->key, cursor->key_size);
    cursor->at += rest;
    return read_value(cursor);
}

static void end_corrupt(struct dictionary_cursor *cursor)
{
    cursor->corrupt = true;
    cursor->key_size = 0;
}

void dictionary_cursor_next(struct dictionary_cursor *cursor)
{
    if (cursor->left == 0 && cursor->block == cursor->segment->block_count)
        cursor->key_size = 0;
    else if ((cursor->left == 0 && !open_block(cursor, cursor->block)) || !read_entry(cursor))
        end_corrupt(cursor);
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

/* Stands on the last block's first key that is not behind the one looked for, in *ret_order to it;
 * *ret_found is false where there is none. */
static bool find_block(struct dictionary_cursor *cursor, const uint8_t *key, uint32_t size,
                       int *ret_order, bool *ret_found)
{
    uint32_t low = 0; /* the first block whose first key is behind the one looked for */
    uint32_t high = cursor->segment->block_count;
    int order = 0;
    while (low < high) {
        uint32_t middle = low + (high - low) / 2;
        if (!compare_block(cursor, middle, key, size, &order))
            return false;
        if (order <= 0)
            low = middle + 1;
        else
            high = middle;
    }
    *ret_found = low > 0;
    return low == 0 || read_first(cursor, low - 1, key, size, ret_order);
}

static uint32_t count_common(const uint8_t *a, uint32_t a_size, const uint8_t *b, uint32_t b_size)
{
    uint32_t common = 0;
    while (common < a_size && common < b_size && a[common] == b[common])
        common++;
    return common;
}

/*
 * From a block's first key, in `order` to the one looked for, to that: STATUS_OK, and the cursor's
 * entry is its, or as dictionary_find(). Keys are not put together: one that shares more with the
 * one before it than that does with the key looked for lies before it, too.
 */
static enum status scan_block(struct dictionary_cursor *cursor, const uint8_t *key, uint32_t size,
                              int order)
{
    uint32_t before = cursor->key_size;
    uint32_t common = count_common(cursor->key, cursor->key_size, key, size);
    while (order < 0 && cursor->left > 0) {
        uint32_t shared;
        uint32_t rest;
        if (!read_sizes(cursor, before, &shared, &rest))
            return STATUS_CORRUPT;
        const uint8_t *bytes = cursor->at;
        cursor->at += rest;
        if (!read_value(cursor))
            return STATUS_CORRUPT;
        before = shared + rest;
        if (shared > common)
            continue;
        if (shared < common)
            return STATUS_NOT_FOUND;
        uint32_t more = count_common(bytes, rest, key + common, size - common);
        common += more;
        if (more == rest)
            order = common == size ? 0 : -1;
        else
            order = common < size && bytes[more] < key[common] ? -1 : 1;
    }
    return order == 0 ? STATUS_OK : STATUS_NOT_FOUND;
}

enum status dictionary_find(const struct segment *segment, const uint8_t *key, uint32_t size,
                            struct dictionary_entry *ret_entry)
{
    struct dictionary_cursor cursor = {.segment = segment};
    bool found;
    int order = 0;
    if (!find_block(&cursor, key, size, &order, &found))
        return segment_corrupt(segment, NULL);
    if (!found)
        return STATUS_NOT_FOUND;
    enum status status = scan_block(&cursor, key, size, order);
    if (status == STATUS_CORRUPT)
        return segment_corrupt(segment, NULL);
    if (status == STATUS_OK)
        *ret_entry = cursor.entry;
    return status;
}

void dictionary_cursor_seek(struct dictionary_cursor *cursor, const struct segment *segment,
                            const uint8_t *key, uint32_t size)
{
    cursor->segment = segment;
    cursor->corrupt = false;
    cursor->block = cursor->left = 0;
    bool found;
    int order = -1;
    if (!find_block(cursor, key, size, &order, &found)) {
        end_corrupt(cursor);
        return;
    }
    if (!found) { /* all keys are behind it */
        cursor->block = cursor->left = 0;
        dictionary_cursor_next(cursor);
        return;
    }
    while (order < 0 && cursor->key_size > 0) {
        dictionary_cursor_next(cursor);
        order = key_compare(cursor->key, cursor->key_size, key, size);
    }
}

void dictionary_cursor_pick(struct dictionary_cursor *cursor, const struct segment *segment,
                            uint32_t number)
{
    *cursor = (struct dictionary_cursor){.segment = segment, .block = number / DICTIONARY_BLOCK};
    if (cursor->block >= segment->block_count || number >= segment->term_count) {
        end_corrupt(cursor);
        return;
    }
    for (uint32_t i = 0; i <= number % DICTIONARY_BLOCK && !cursor->corrupt; i++)
        dictionary_cursor_next(cursor);
}
