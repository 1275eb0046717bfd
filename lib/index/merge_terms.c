#include "index/merge_terms.h"

#include <stdlib.h>
#include <string.h>

#include "base/check.h"
#include "index/posting.h"

/* Where an input stands in the list of one term. */
struct posting_head {
    const struct merge_input *input;
    struct posting_cursor cursor;
    uint32_t docid;           /* the output's, of the next document that is kept; DOCID_END: none */
    struct numbers positions; /* of the cursor's block, once they were read */
    bool has_positions;
    uint32_t kept; /* documents that were copied */
    struct dictionary_entry entry;
};

/* The keys of all inputs, as a heap: no input's is before that of the one above it. */
struct term_merge {
    struct dictionary_cursor dictionaries[MERGE_INPUTS_MAX];
    uint32_t heap[MERGE_INPUTS_MAX]; /* inputs that have a key left; the first one's is the first */
    uint32_t heap_count;
    uint8_t key[KEY_MAX]; /* that is being merged */
    uint32_t key_size;
    struct posting_head heads[MERGE_INPUTS_MAX]; /* of those that have it */
    uint32_t head_count;
};

static enum status head_failed(const struct posting_head *head, struct error *err)
{
    return head->cursor.corrupt ? segment_corrupt(head->input->segment, err)
                                : error_set(err, STATUS_NO_MEMORY, "merge");
}

/* Moves on to a document that is kept, from where the cursor stands. */
static enum status find_kept(struct posting_head *head, struct error *err)
{
    struct posting_cursor *cursor = &head->cursor;
    while (cursor->docid != DOCID_END && head->input->docids[cursor->docid] == DOCID_END) {
        head->has_positions = head->has_positions && cursor->index + 1 < cursor->count;
        posting_cursor_next(cursor);
    }
    head->docid = DOCID_END;
    if (cursor->docid == DOCID_END)
        return cursor->corrupt ? segment_corrupt(head->input->segment, err) : STATUS_OK;
    head->docid = head->input->docids[cursor->docid];
    return STATUS_OK;
}

/* Where a document stands in the output, if the one on which the head stands is at `docid` there
 * and all between them are kept. */
static bool is_shifted(const struct posting_head *head, uint32_t docid)
{
    return head->input->docids[docid] == head->docid + (docid - head->cursor.docid);
}

/* Of one that is in the middle of another's block. Fewer would leave too many short blocks. */
#define RUN_BLOCKS 4

/*
 * Whether the block that begins here can be taken as it is: its documents are moved by the same
 * distance, and no other input's come between them. Where that ends a block that is not full, only
 * if several of this list follow.
 */
static bool may_copy_block(const struct segment_writer *writer, const struct posting_head *head,
                           uint32_t end)
{
    const struct posting_cursor *cursor = &head->cursor;
    if (cursor->index > 0 || cursor->count < POSTING_BLOCK || cursor->rows == NULL)
        return false;
    uint32_t last = cursor->docids[POSTING_BLOCK - 1];
    if (writer->postings.block_count > 0) {
        if (cursor->row + RUN_BLOCKS > cursor->row_count)
            return false;
        last = posting_cursor_row_last(cursor, cursor->row + RUN_BLOCKS - 1);
    }
    if (last >= head->input->segment->document_count || !is_shifted(head, last) ||
        head->input->docids[last] >= end)
        return false;
    for (uint32_t i = 0; i < POSTING_BLOCK; i++) {
        if (!is_shifted(head, cursor->docids[i]))
            return false;
    }
    return true;
}

static enum status copy_block(struct segment_writer *writer, struct posting_head *head,
                              struct error *err)
{
    struct posting_cursor *cursor = &head->cursor;
    enum status status = posting_writer_copy_block(&writer->postings, cursor, head->docid, err);
    head->kept += cursor->count;
    posting_cursor_next_block(cursor, 0);
    head->has_positions = false;
    return status;
}

static enum status copy_posting(struct segment_writer *writer, struct posting_head *head,
                                struct error *err)
{
    struct posting_cursor *cursor = &head->cursor;
    if (!head->has_positions) {
        head->positions.count = 0;
        if (!posting_cursor_block_positions(cursor, &head->positions))
            return head_failed(head, err);
    }
    uint32_t first = cursor->position_starts[cursor->index];
    uint32_t count = cursor->position_starts[cursor->index + 1] - first;
    enum status status = posting_writer_add(
        &writer->postings, head->docid, posting_cursor_fields(cursor),
        posting_cursor_frequencies(cursor), head->positions.values + first, count, err);
    head->kept++;
    head->has_positions = cursor->index + 1 < cursor->count;
    posting_cursor_next(cursor);
    return status;
}

/* Copies the documents of one input that come before `end`. */
static enum status copy_postings(struct segment_writer *writer, struct posting_head *head,
                                 uint32_t end, struct error *err)
{
    enum status status = STATUS_OK;
    while (status == STATUS_OK && head->docid < end) {
        status = may_copy_block(writer, head, end) ? copy_block(writer, head, err)
                                                   : copy_posting(writer, head, err);
        if (status == STATUS_OK)
            status = find_kept(head, err);
    }
    return status;
}

/* All postings of one term, whose lists the first `count` heads stand on. */
static enum status merge_postings(struct segment_writer *writer, struct posting_head *heads,
                                  uint32_t count, struct error *err)
{
    enum status status = STATUS_OK;
    while (status == STATUS_OK) {
        struct posting_head *first = &heads[0];
        uint32_t second = DOCID_END; /* where another one is next */
        for (uint32_t i = 1; i < count; i++) {
            if (heads[i].docid < first->docid) {
                second = first->docid;
                first = &heads[i];
            } else if (heads[i].docid < second) {
                second = heads[i].docid;
            }
        }
        if (first->docid == DOCID_END)
            break;
        status = copy_postings(writer, first, second, err);
    }
    return status;
}

static bool is_before(const struct term_merge *terms, uint32_t a, uint32_t b)
{
    return dictionary_cursor_compare(&terms->dictionaries[a], &terms->dictionaries[b]) < 0;
}

static void sift_down(struct term_merge *terms, uint32_t at)
{
    uint32_t *heap = terms->heap;
    while (true) {
        uint32_t first = at;
        for (uint32_t child = 2 * at + 1; child <= 2 * at + 2 && child < terms->heap_count; child++)
            first = is_before(terms, heap[child], heap[first]) ? child : first;
        if (first == at)
            return;
        uint32_t moved = heap[at];
        heap[at] = heap[first];
        heap[first] = moved;
        at = first;
    }
}

static void open_keys(struct term_merge *terms, const struct merge *merge)
{
    for (uint32_t i = 0; i < merge->input_count; i++) {
        dictionary_cursor_open(&terms->dictionaries[i], merge->inputs[i].segment);
        if (terms->dictionaries[i].key_size > 0)
            terms->heap[terms->heap_count++] = i;
    }
    for (uint32_t at = terms->heap_count / 2; at-- > 0;)
        sift_down(terms, at);
}

/* The input whose key is the first moves on to its next one. */
static void pass_key(struct term_merge *terms)
{
    struct dictionary_cursor *cursor = &terms->dictionaries[terms->heap[0]];
    dictionary_cursor_next(cursor);
    if (cursor->key_size > 0 &&
        key_compare(cursor->key, cursor->key_size, terms->key, terms->key_size) <= 0) {
        cursor->corrupt = true; /* or an input would have two heads of one term */
        cursor->key_size = 0;
    }
    if (cursor->key_size == 0)
        terms->heap[0] = terms->heap[--terms->heap_count];
    sift_down(terms, 0);
}

/*
 * Which documents write the word is not kept, so neither is how many of those that are left out
 * did. Of a word that private pages alone write too few are better than too many: strangers are
 * told a word where more pages that they may see have the key than there are that do not write it.
 */
static struct written add_up_written(const struct posting_head *heads, uint32_t count)
{
    struct written most = {0};
    struct written least = {0};
    for (uint32_t i = 0; i < count; i++) {
        const struct dictionary_entry *entry = &heads[i].entry;
        uint32_t dropped = entry->document_count - heads[i].kept;
        most.count += entry->written.count;
        most.openly |= entry->written.openly;
        least.count += entry->written.count > dropped ? entry->written.count - dropped : 0;
    }
    return most.openly ? most : least;
}

/* Opens the lists of the first key, and moves on behind it in all inputs that have it. */
static enum status open_heads(struct term_merge *terms, const struct merge *merge,
                              struct error *err)
{
    const struct dictionary_cursor *first = &terms->dictionaries[terms->heap[0]];
    enum status status = STATUS_OK;
    memcpy(terms->key, first->key, first->key_size);
    terms->key_size = first->key_size;
    terms->head_count = 0;
    while (status == STATUS_OK && terms->heap_count > 0) {
        const struct dictionary_cursor *cursor = &terms->dictionaries[terms->heap[0]];
        if (key_compare(cursor->key, cursor->key_size, terms->key, terms->key_size) != 0)
            break;
        struct posting_head *head = &terms->heads[terms->head_count++];
        head->input = &merge->inputs[terms->heap[0]];
        head->kept = 0;
        head->entry = cursor->entry;
        head->has_positions = false;
        posting_cursor_open(&head->cursor, head->input->segment, head->entry.address,
                            head->entry.document_count);
        status = find_kept(head, err);
        pass_key(terms);
    }
    return status;
}

static enum status merge_term(struct merge *merge, struct segment_writer *writer,
                              struct term_merge *terms, struct error *err)
{
    enum status status = open_heads(terms, merge, err);
    segment_writer_begin_term(writer);
    if (status == STATUS_OK)
        status = merge_postings(writer, terms->heads, terms->head_count, err);
    if (status == STATUS_OK)
        status = segment_writer_end_term(writer, terms->key, terms->key_size,
                                         add_up_written(terms->heads, terms->head_count), err);
    return status;
}

enum status merge_terms(struct merge *merge, struct segment_writer *writer, struct error *err)
{
    struct term_merge *terms = calloc(1, sizeof(*terms)); /* large */
    enum status status = STATUS_OK;
    if (terms == NULL)
        return error_set(err, STATUS_NO_MEMORY, "merge");
    open_keys(terms, merge);
    while (status == STATUS_OK && terms->heap_count > 0)
        status = merge_term(merge, writer, terms, err);
    for (uint32_t i = 0; i < merge->input_count; i++) {
        if (status == STATUS_OK && terms->dictionaries[i].corrupt)
            status = segment_corrupt(merge->inputs[i].segment, err);
        numbers_release(&terms->heads[i].positions);
    }
    free(terms);
    return status;
}
