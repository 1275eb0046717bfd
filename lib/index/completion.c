#include "index/completion.h"

#include <stdlib.h>
#include <string.h>

#include "base/bytes.h"

/* ---- writing ---- */

void completion_writer_release(struct completion_writer *writer)
{
    buffer_release(&writer->rows);
}

static bool is_better(const struct completion *a, const struct completion *b)
{
    return a->written != b->written ? a->written > b->written : a->number < b->number;
}

static void take(struct completion_row *row, const struct completion *completion)
{
    uint32_t at = row->count;
    if (at == COMPLETION_ROW_KEYS) {
        if (!is_better(completion, &row->best[at - 1]))
            return;
        at--;
    } else {
        row->count++;
    }
    for (; at > 0 && is_better(completion, &row->best[at - 1]); at--)
        row->best[at] = row->best[at - 1];
    row->best[at] = *completion;
}

static void take_all(struct completion_row *row, const struct completion_row *from)
{
    for (uint32_t i = 0; i < from->count; i++)
        take(row, &from->best[i]);
}

/* The best are the same where all of them are open. */
static bool is_same(const struct completion_row *a, const struct completion_row *b)
{
    bool is_same = a->count == b->count;
    for (uint32_t i = 0; is_same && i < a->count; i++)
        is_same = a->best[i].number == b->best[i].number;
    return is_same;
}

static void put_row(struct completion_writer *writer, const struct completion_row *from,
                    uint64_t head)
{
    uint8_t row[COMPLETION_ROW_BYTES];
    put_le64(row, head);
    for (uint32_t i = 0; i < COMPLETION_ROW_KEYS; i++)
        put_le32(row + 8 + 4 * i, i < from->count ? from->best[i].number : UINT32_MAX);
    buffer_append(&writer->rows, row, sizeof(row));
    writer->row_count++;
}

static void put_rows(struct completion_writer *writer, const struct completion_node *node,
                     uint32_t size)
{
    uint64_t head = key_head(writer->prefix, size);
    if (node->all.count > 0)
        put_row(writer, &node->all, head);
    if (node->open.count > 0 && !is_same(&node->all, &node->open))
        put_row(writer, &node->open, head | COMPLETION_OPEN);
}

/* No more keys begin with more than so many bytes of the last one: what is known of them goes into
 * the shorter prefixes. */
static void close_nodes(struct completion_writer *writer, uint32_t shared)
{
    for (; writer->prefix_size > shared; writer->prefix_size--) {
        const struct completion_node *node = &writer->nodes[writer->prefix_size - 1];
        if (node->key_count > COMPLETION_KEYS_MAX)
            put_rows(writer, node, writer->prefix_size);
        if (writer->prefix_size == 1)
            continue;
        struct completion_node *parent = &writer->nodes[writer->prefix_size - 2];
        parent->key_count += node->key_count;
        take_all(&parent->all, &node->all);
        take_all(&parent->open, &node->open);
    }
}

void completion_writer_add(struct completion_writer *writer, const uint8_t *key, uint32_t size,
                           struct written written)
{
    uint32_t prefix_size = size < COMPLETION_PREFIX_BYTES_MAX ? size : COMPLETION_PREFIX_BYTES_MAX;
    uint32_t shared = 0;
    if (prefix_size == 0)
        return; /* no key is empty */
    while (shared < prefix_size && shared < writer->prefix_size &&
           writer->prefix[shared] == key[shared])
        shared++;
    close_nodes(writer, shared);
    while (writer->prefix_size < prefix_size) {
        struct completion_node *node = &writer->nodes[writer->prefix_size];
        node->key_count = node->all.count = node->open.count = 0;
        writer->prefix[writer->prefix_size] = key[writer->prefix_size];
        writer->prefix_size++;
    }
    struct completion_node *node = &writer->nodes[prefix_size - 1];
    node->key_count++;
    struct completion completion = {writer->key_count, written.count};
    if (written.count > 0)
        take(&node->all, &completion);
    if (written.count > 0 && written.openly)
        take(&node->open, &completion);
    writer->key_count++;
}

static int compare_rows(const void *a_pointer, const void *b_pointer)
{
    uint64_t a = get_le64(a_pointer);
    uint64_t b = get_le64(b_pointer);
    return (a > b) - (a < b);
}

enum status completion_writer_end(struct completion_writer *writer, struct part_writer *parts,
                                  struct error *err)
{
    enum status status = STATUS_OK;
    close_nodes(writer, 0);
    if (writer->rows.failed)
        return error_set(err, STATUS_NO_MEMORY, "completions");
    if (writer->row_count > 0) /* a prefix comes behind those that it begins */
        qsort(writer->rows.data, writer->row_count, COMPLETION_ROW_BYTES, compare_rows);
    for (uint32_t i = 0; status == STATUS_OK && i < writer->row_count; i++) {
        uint64_t address;
        status = part_append(parts, PART_COMPLETIONS, writer->rows.data + i * COMPLETION_ROW_BYTES,
                             COMPLETION_ROW_BYTES, &address, err);
    }
    return status;
}

/* ---- reading ---- */

static const uint8_t *row_at(const struct segment *segment, uint32_t row)
{
    return part_row(&segment->parts[PART_COMPLETIONS], row, COMPLETION_ROW_BYTES);
}

/* The first row whose prefix is not below; NULL: there is none, or it cannot be read. */
static const uint8_t *find_row(const struct segment *segment, uint64_t head, bool *ret_corrupt)
{
    uint32_t low = 0;
    uint32_t high = segment->completion_count;
    while (low < high) {
        uint32_t middle = low + (high - low) / 2;
        const uint8_t *row = row_at(segment, middle);
        *ret_corrupt = row == NULL;
        if (row == NULL)
            return NULL;
        if (get_le64(row) < head)
            low = middle + 1;
        else
            high = middle;
    }
    return low < segment->completion_count ? row_at(segment, low) : NULL;
}

bool completion_find(const struct segment *segment, const uint8_t *prefix, uint32_t size, bool open,
                     uint32_t ret_numbers[COMPLETION_ROW_KEYS], uint32_t *ret_count)
{
    bool is_corrupt = false;
    if (size == 0 || size > COMPLETION_PREFIX_BYTES_MAX)
        return false;
    uint64_t head = key_head(prefix, size) | (open ? COMPLETION_OPEN : 0);
    const uint8_t *row = find_row(segment, head, &is_corrupt);
    *ret_count = is_corrupt ? UINT32_MAX : 0;
    if (row == NULL || get_le64(row) != head)
        return is_corrupt;
    for (uint32_t i = 0; i < COMPLETION_ROW_KEYS; i++) {
        ret_numbers[i] = get_le32(row + 8 + 4 * i);
        if (ret_numbers[i] == UINT32_MAX)
            break;
        *ret_count = i + 1;
    }
    return true;
}
