#include "index/segment_writer.h"

#include <stdlib.h>
#include <string.h>

#include "base/bytes.h"
#include "base/check.h"

struct hash_row {
    uint64_t hash;
    uint32_t docid;
};

void segment_writer_init(struct segment_writer *writer, struct segment_sink *sink)
{
    *writer = (struct segment_writer){0};
    part_writer_init(&writer->parts, sink);
    posting_writer_init(&writer->postings, &writer->parts, writer->norms);
    dictionary_writer_init(&writer->dictionary, &writer->parts);
}

void segment_writer_release(struct segment_writer *writer)
{
    part_writer_release(&writer->parts);
    posting_writer_release(&writer->postings);
    dictionary_writer_release(&writer->dictionary);
    completion_writer_release(&writer->completions);
    buffer_release(&writer->hashes);
    for (unsigned column = 0; column < NORM_COLUMNS; column++)
        buffer_release(&writer->norms[column]);
}

enum status segment_writer_add_dictionary(struct segment_writer *writer,
                                          struct text_slice dictionary, uint8_t *ret_number,
                                          struct error *err)
{
    uint64_t address;
    if (dictionary.size == 0) {
        *ret_number = 0;
        return STATUS_OK;
    }
    for (uint8_t i = writer->text_dictionary_count; i > 0; i--) { /* most often the last */
        const struct text_slice *known = &writer->text_dictionaries[i - 1];
        if (known->size == dictionary.size &&
            memcmp(known->bytes, dictionary.bytes, dictionary.size) == 0) {
            *ret_number = i;
            return STATUS_OK;
        }
    }
    if (writer->text_dictionary_count == TEXT_DICTIONARIES_MAX)
        return error_set(err, STATUS_TOO_LARGE, "a segment of more than %u text dictionaries",
                         TEXT_DICTIONARIES_MAX);
    enum status status = part_append(&writer->parts, PART_TEXT_DICTIONARIES, dictionary.bytes,
                                     dictionary.size, &address, err);
    if (status == STATUS_OK)
        status = part_end_chunk(&writer->parts, PART_TEXT_DICTIONARIES, err);
    if (status != STATUS_OK)
        return status;
    writer->text_dictionaries[writer->text_dictionary_count++] = dictionary;
    *ret_number = writer->text_dictionary_count;
    return STATUS_OK;
}

enum status segment_writer_add_document(struct segment_writer *writer,
                                        const struct document_row *row,
                                        const struct likeness *likeness,
                                        const uint8_t norms[NORM_COLUMNS], const uint8_t *stored,
                                        struct error *err)
{
    uint64_t address;
    uint8_t bytes[DOCUMENT_ROW_BYTES];
    if (writer->document_count == SEGMENT_DOCUMENTS_MAX)
        return error_set(err, STATUS_TOO_LARGE, "a segment of more than %u documents",
                         SEGMENT_DOCUMENTS_MAX);
    enum status status =
        part_append(&writer->parts, PART_STORED, stored, row->stored_size, &address, err);
    if (status != STATUS_OK)
        return status;
    put_le64(bytes, row->url_hash);
    put_le64(bytes + 8,
             address | (uint64_t)row->text_dictionary << 40 | (uint64_t)row->modified_day << 48);
    put_le64(bytes + 16, row->site_hash);
    put_le32(bytes + 24, row->stored_size);
    put_le32(bytes + 28, row->inlinks);
    status = part_append(&writer->parts, PART_DOCUMENTS, bytes, sizeof(bytes), &address, err);
    put_le64(bytes, likeness->fingerprint);
    put_le64(bytes + 8, likeness->simhash);
    if (status == STATUS_OK)
        status =
            part_append(&writer->parts, PART_LIKENESSES, bytes, LIKENESS_ROW_BYTES, &address, err);
    if (status != STATUS_OK)
        return status;
    struct hash_row hash = {row->url_hash, writer->document_count};
    buffer_append(&writer->hashes, &hash, sizeof(hash));
    if (writer->hashes.failed)
        return error_set(err, STATUS_NO_MEMORY, "segment");
    for (unsigned column = 0; column < NORM_COLUMNS; column++) {
        buffer_append_byte(&writer->norms[column], norms[column]);
        if (writer->norms[column].failed)
            return error_set(err, STATUS_NO_MEMORY, "segment");
    }
    writer->document_count++;
    return STATUS_OK;
}

static int compare_hashes(const void *a_pointer, const void *b_pointer)
{
    const struct hash_row *a = a_pointer;
    const struct hash_row *b = b_pointer;
    if (a->hash != b->hash)
        return a->hash < b->hash ? -1 : 1;
    return (a->docid > b->docid) - (a->docid < b->docid);
}

static enum status write_hashes(struct segment_writer *writer, struct error *err)
{
    struct hash_row *rows = (struct hash_row *)(void *)writer->hashes.data;
    enum status status = STATUS_OK;
    if (writer->document_count > 0)
        qsort(rows, writer->document_count, sizeof(*rows), compare_hashes);
    for (uint32_t i = 0; status == STATUS_OK && i < writer->document_count; i++) {
        uint64_t address;
        uint8_t bytes[HASH_ROW_BYTES] = {0};
        put_le64(bytes, rows[i].hash);
        put_le32(bytes + 8, rows[i].docid);
        status = part_append(&writer->parts, PART_HASHES, bytes, sizeof(bytes), &address, err);
    }
    return status;
}

static enum status write_norms(struct segment_writer *writer, struct error *err)
{
    enum status status = STATUS_OK;
    for (unsigned column = 0; status == STATUS_OK && column < NORM_COLUMNS; column++) {
        uint64_t address;
        status = part_append(&writer->parts, PART_NORMS, writer->norms[column].data,
                             writer->norms[column].size, &address, err);
        if (status == STATUS_OK)
            status = part_end_chunk(&writer->parts, PART_NORMS, err);
    }
    return status;
}

void segment_writer_begin_term(struct segment_writer *writer)
{
    posting_writer_begin(&writer->postings);
}

enum status segment_writer_end_term(struct segment_writer *writer, const uint8_t *key,
                                    uint32_t size, struct written written, struct error *err)
{
    enum status status = posting_writer_end(&writer->postings, err);
    if (status != STATUS_OK || writer->postings.count == 0)
        return status;
    struct dictionary_entry entry = {writer->postings.address, writer->postings.count, written};
    if (written.count > entry.document_count) /* some of those documents are left out */
        entry.written.count = entry.document_count;
    completion_writer_add(&writer->completions, key, size, entry.written);
    return dictionary_writer_add(&writer->dictionary, key, size, &entry, err);
}

enum status segment_writer_finish(struct segment_writer *writer, struct error *err)
{
    enum status status = dictionary_writer_end(&writer->dictionary, err);
    if (status == STATUS_OK)
        status = completion_writer_end(&writer->completions, &writer->parts, err);
    if (status == STATUS_OK)
        status = write_hashes(writer, err);
    if (status == STATUS_OK)
        status = write_norms(writer, err);
    for (unsigned kind = 1; status == STATUS_OK && kind < PART_FOOTER; kind++)
        status = part_end_chunk(&writer->parts, (enum segment_part)kind, err);
    if (status != STATUS_OK)
        return status;
    const struct buffer *kinds = &writer->parts.kinds;
    uint8_t *footer;
    uint64_t address;
    status = part_reserve(&writer->parts, PART_FOOTER, 20 + kinds->size, &footer, &address, err);
    if (status != STATUS_OK)
        return status;
    memset(footer, 0, 20);
    put_le32(footer, writer->document_count);
    put_le32(footer + 4, writer->dictionary.block_count);
    put_le64(footer + 8, writer->dictionary.term_count);
    put_le32(footer + 16, writer->completions.row_count);
    if (kinds->size > 0)
        memcpy(footer + 20, kinds->data, kinds->size);
    return part_end_chunk(&writer->parts, PART_FOOTER, err);
}

/* ---- chunks in memory ---- */

enum status memory_sink_add(void *self, uint32_t number, struct buffer *chunk, struct error *err)
{
    struct memory_sink *sink = self;
    CHECK(number == sink->count);
    if (sink->count == sink->capacity) {
        uint32_t capacity = sink->capacity == 0 ? 8 : sink->capacity * 2;
        struct storage_pin *pins = realloc(sink->pins, capacity * sizeof(*pins));
        if (pins == NULL)
            return error_set(err, STATUS_NO_MEMORY, "segment");
        sink->pins = pins;
        sink->capacity = capacity;
    }
    uint8_t *bytes = realloc(chunk->data, chunk->size); /* give back what was reserved ahead */
    if (bytes == NULL)
        return error_set(err, STATUS_NO_MEMORY, "segment");
    sink->pins[sink->count++] = (struct storage_pin){bytes, chunk->size, bytes};
    *chunk = (struct buffer){0};
    return STATUS_OK;
}

void memory_sink_release(struct memory_sink *sink)
{
    for (uint32_t i = 0; i < sink->count; i++)
        free(sink->pins[i].handle);
    free(sink->pins);
    *sink = (struct memory_sink){0};
}

enum status memory_sink_open(struct memory_sink *sink, struct segment **ret_segment,
                             struct error *err)
{
    struct memory_sink taken = *sink;
    *sink = (struct memory_sink){0};
    enum status status =
        segment_open((struct storage){0}, taken.pins, taken.count, ret_segment, err);
    if (status == STATUS_OK)
        segment_trust(*ret_segment);
    return status;
}
