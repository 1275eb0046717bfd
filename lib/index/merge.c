#include "index/merge.h"

#include <stdlib.h>
#include <string.h>

#include "base/check.h"
#include "index/merge_terms.h"
#include "index/url_order.h"

void merge_add(struct merge *merge, struct segment *segment, const struct deletions *deletions)
{
    CHECK(merge->input_count < MERGE_INPUTS_MAX);
    merge->inputs[merge->input_count++] =
        (struct merge_input){.segment = segment, .deletions = deletions};
}

void merge_release(struct merge *merge)
{
    for (uint32_t i = 0; i < merge->input_count; i++)
        free(merge->inputs[i].docids);
    *merge = (struct merge){0};
}

void merge_copy_inlinks(const struct merge *merge, struct segment *output)
{
    for (uint32_t i = 0; i < merge->input_count; i++) {
        const struct merge_input *input = &merge->inputs[i];
        for (uint32_t docid = 0; docid < input->segment->document_count; docid++) {
            if (input->docids[docid] == DOCID_END)
                continue;
            unsigned count =
                atomic_load_explicit(&input->segment->inlinks[docid], memory_order_relaxed);
            segment_set_inlinks(output, input->docids[docid], count);
        }
    }
}

/* ---- documents ---- */

/* Where an input stands: at its next live document. */
struct document_head {
    struct merge_input *input;
    uint32_t docid;
    bool ended;
    struct document_row row;
    struct stored_fields fields;
    uint8_t text_dictionaries[TEXT_DICTIONARIES_MAX + 1]; /* by the input's number: the output's,
                                                             0 where it has not been copied */
};

static enum status find_live(struct document_head *head, struct error *err)
{
    const struct segment *segment = head->input->segment;
    while (head->docid < segment->document_count &&
           deletions_has(head->input->deletions, head->docid))
        head->docid++;
    head->ended = head->docid == segment->document_count;
    if (!head->ended && (!segment_row(segment, head->docid, &head->row) ||
                         !segment_stored(segment, &head->row, &head->fields)))
        return segment_corrupt(segment, err);
    return STATUS_OK;
}

static struct document_head *first_head(struct document_head *heads, uint32_t count)
{
    struct document_head *first = NULL;
    for (uint32_t i = 0; i < count; i++) {
        if (!heads[i].ended &&
            (first == NULL || url_order(heads[i].fields.url, first->fields.url) < 0))
            first = &heads[i];
    }
    return first;
}

/* Text is copied as it is packed, and the dictionaries that it needs with it. */
static enum status copy_dictionary(struct segment_writer *writer, struct document_head *head,
                                   struct error *err)
{
    uint8_t number = head->row.text_dictionary;
    enum status status = STATUS_OK;
    if (number > 0 && head->text_dictionaries[number] == 0)
        status = segment_writer_add_dictionary(
            writer, segment_text_dictionary(head->input->segment, number),
            &head->text_dictionaries[number], err);
    head->row.text_dictionary = head->text_dictionaries[number];
    return status;
}

static enum status copy_document(struct segment_writer *writer, struct document_head *head,
                                 struct error *err)
{
    const struct segment *segment = head->input->segment;
    uint8_t norms[NORM_COLUMNS];
    const uint8_t *stored =
        part_exactly(&segment->parts[PART_STORED], head->row.stored_address, head->row.stored_size);
    struct likeness likeness;
    if (!segment_norms(segment, head->docid, norms) ||
        !segment_likeness(segment, head->docid, &likeness) || stored == NULL)
        return segment_corrupt(segment, err);
    enum status status = copy_dictionary(writer, head, err);
    if (status != STATUS_OK)
        return status;
    head->input->docids[head->docid] = writer->document_count;
    return segment_writer_add_document(writer, &head->row, &likeness, norms, stored, err);
}

static enum status merge_documents(struct merge *merge, struct segment_writer *writer,
                                   struct error *err)
{
    struct document_head heads[MERGE_INPUTS_MAX] = {0};
    enum status status = STATUS_OK;
    for (uint32_t i = 0; status == STATUS_OK && i < merge->input_count; i++) {
        struct merge_input *input = &merge->inputs[i];
        size_t size = (input->segment->document_count + 1u) * sizeof(*input->docids);
        input->docids = malloc(size);
        if (input->docids == NULL)
            return error_set(err, STATUS_NO_MEMORY, "merge");
        memset(input->docids, 0xff, size); /* DOCID_END */
        heads[i].input = input;
        status = find_live(&heads[i], err);
    }
    struct document_head *head;
    while (status == STATUS_OK && (head = first_head(heads, merge->input_count)) != NULL) {
        status = copy_document(writer, head, err);
        head->docid++;
        if (status == STATUS_OK)
            status = find_live(head, err);
    }
    merge->document_count = writer->document_count;
    return status;
}

/* ---- the whole ---- */

enum status merge_run(struct merge *merge, struct segment_sink *sink, struct error *err)
{
    CHECK(merge->input_count > 0 && merge->input_count <= MERGE_INPUTS_MAX);
    struct segment_writer writer;
    segment_writer_init(&writer, sink);
    enum status status = merge_documents(merge, &writer, err);
    if (status == STATUS_OK)
        status = merge_terms(merge, &writer, err);
    if (status == STATUS_OK)
        status = segment_writer_finish(&writer, err);
    segment_writer_release(&writer);
    return status;
}
