#include "index/segment.h"

#include <stdlib.h>
#include <string.h>

#include "base/bytes.h"
#include "base/check.h"
#include "index/completion.h"
#include "index/dictionary.h"
#include "index/varint.h"

/* ---- opening ---- */

#define FOOTER_HEAD_BYTES 20

static void unpin_all(struct storage storage, struct storage_pin *pins, uint32_t count)
{
    for (uint32_t i = 0; i < count; i++) {
        if (storage.ops != NULL)
            storage.ops->unpin(storage.self, &pins[i]);
        else
            free(pins[i].handle);
    }
    free(pins);
}

/* Gives each part its chunks; `kinds` says of each chunk which part's it is. */
static enum status share_chunks(struct segment *segment, const uint8_t *kinds, uint32_t count,
                                struct error *err)
{
    uint32_t counts[PART_END] = {0};
    for (uint32_t i = 0; i < count; i++) {
        if (kinds[i] == 0 || kinds[i] >= PART_FOOTER)
            return error_set(err, STATUS_CORRUPT, "a part of an unknown kind");
        counts[kinds[i]]++;
    }
    for (unsigned kind = 0; kind < PART_FOOTER; kind++) {
        segment->parts[kind].kind = (enum segment_part)kind;
        segment->parts[kind].chunks = calloc(counts[kind] + 1u, sizeof(struct chunk));
        if (segment->parts[kind].chunks == NULL)
            return error_set(err, STATUS_NO_MEMORY, "segment");
    }
    for (uint32_t i = 0; i < count; i++) {
        struct part *part = &segment->parts[kinds[i]];
        enum status status = chunk_init(&part->chunks[part->chunk_count++], segment->pins[i].bytes,
                                        segment->pins[i].size, part->kind, err);
        if (status != STATUS_OK)
            return status;
        segment->bytes += segment->pins[i].size;
    }
    return STATUS_OK;
}

/* An array holds as many rows as the footer says, whole chunks but for the last. */
static bool has_rows(const struct part *part, uint64_t rows, uint32_t row_size)
{
    uint64_t bytes = rows * row_size;
    for (uint32_t i = 0; i < part->chunk_count; i++) {
        uint64_t expected = bytes < CHUNK_BYTES_MAX ? bytes : CHUNK_BYTES_MAX;
        if (part->chunks[i].size != expected)
            return false;
        bytes -= expected;
    }
    return bytes == 0;
}

static bool has_columns(const struct part *part, uint32_t rows)
{
    for (uint32_t i = 0; i < part->chunk_count; i++) {
        if (part->chunks[i].size != rows)
            return false;
    }
    return part->chunk_count == (rows == 0 ? 0 : NORM_COLUMNS);
}

static enum status read_footer(struct segment *segment, struct error *err)
{
    const struct storage_pin *pin = &segment->pins[segment->chunk_count - 1];
    struct chunk footer;
    enum status status = chunk_init(&footer, pin->bytes, pin->size, PART_FOOTER, err);
    if (status != STATUS_OK)
        return status;
    if (!chunk_verify(&footer))
        return error_set(err, STATUS_CORRUPT, "the checksum of a segment's footer is wrong");
    if (footer.size != FOOTER_HEAD_BYTES + (size_t)segment->chunk_count - 1)
        return error_set(err, STATUS_CORRUPT, "a segment's footer has a wrong size");
    segment->bytes = pin->size;
    segment->document_count = get_le32(footer.bytes);
    segment->block_count = get_le32(footer.bytes + 4);
    segment->term_count = get_le64(footer.bytes + 8);
    segment->completion_count = get_le32(footer.bytes + 16);
    status = share_chunks(segment, footer.bytes + FOOTER_HEAD_BYTES, segment->chunk_count - 1, err);
    if (status != STATUS_OK)
        return status;
    if (segment->document_count > SEGMENT_DOCUMENTS_MAX ||
        !has_rows(&segment->parts[PART_DOCUMENTS], segment->document_count, DOCUMENT_ROW_BYTES) ||
        !has_rows(&segment->parts[PART_HASHES], segment->document_count, HASH_ROW_BYTES) ||
        !has_rows(&segment->parts[PART_LIKENESSES], segment->document_count, LIKENESS_ROW_BYTES) ||
        !has_columns(&segment->parts[PART_NORMS], segment->document_count) ||
        !has_rows(&segment->parts[PART_DICTIONARY_INDEX], segment->block_count,
                  DICTIONARY_ROW_BYTES) ||
        !has_rows(&segment->parts[PART_COMPLETIONS], segment->completion_count,
                  COMPLETION_ROW_BYTES))
        return error_set(err, STATUS_CORRUPT, "a segment's tables do not fit its footer");
    return STATUS_OK;
}

/* There are few, and they are small: they are made ready at once. */
static enum status open_dictionaries(struct segment *segment, struct error *err)
{
    const struct part *part = &segment->parts[PART_TEXT_DICTIONARIES];
    if (part->chunk_count > TEXT_DICTIONARIES_MAX)
        return error_set(err, STATUS_CORRUPT, "a segment with too many text dictionaries");
    segment->text_dictionaries = calloc(part->chunk_count + 1u, sizeof(ZSTD_DDict *));
    if (segment->text_dictionaries == NULL)
        return error_set(err, STATUS_NO_MEMORY, "segment");
    for (uint32_t i = 0; i < part->chunk_count; i++) {
        struct chunk *chunk = &part->chunks[i];
        if (!chunk_verify(chunk))
            return error_set(err, STATUS_CORRUPT, "the checksum of a text dictionary is wrong");
        segment->text_dictionaries[i] =
            text_dictionary_open(segment_text_dictionary(segment, (uint8_t)(i + 1)));
        if (segment->text_dictionaries[i] == NULL) /* or it is none: the checksum was good */
            return error_set(err, STATUS_NO_MEMORY, "text dictionary");
    }
    return STATUS_OK;
}

enum status segment_open(struct storage storage, struct storage_pin *pins, uint32_t count,
                         struct segment **ret_segment, struct error *err)
{
    struct segment *segment = calloc(1, sizeof(*segment));
    if (segment == NULL) {
        unpin_all(storage, pins, count);
        return error_set(err, STATUS_NO_MEMORY, "segment");
    }
    atomic_init(&segment->references, 1);
    segment->storage = storage;
    segment->pins = pins;
    segment->chunk_count = count;
    enum status status = count == 0 ? error_set(err, STATUS_CORRUPT, "a segment without chunks")
                                    : read_footer(segment, err);
    if (status == STATUS_OK)
        status = open_dictionaries(segment, err);
    if (status == STATUS_OK) {
        segment->inlinks = calloc(segment->document_count + 1u, sizeof(*segment->inlinks));
        segment->inlinks_max =
            calloc(segment->document_count / INLINKS_WINDOW + 1u, sizeof(*segment->inlinks_max));
        if (segment->inlinks == NULL || segment->inlinks_max == NULL)
            status = error_set(err, STATUS_NO_MEMORY, "segment");
    }
    if (status != STATUS_OK) {
        segment_release(segment);
        return status;
    }
    *ret_segment = segment;
    return STATUS_OK;
}

void segment_trust(struct segment *segment)
{
    for (unsigned kind = 0; kind < PART_END; kind++) {
        for (uint32_t i = 0; i < segment->parts[kind].chunk_count; i++)
            chunk_trust(&segment->parts[kind].chunks[i]);
    }
}

struct segment *segment_hold(struct segment *segment)
{
    atomic_fetch_add_explicit(&segment->references, 1, memory_order_relaxed);
    return segment;
}

void segment_release(struct segment *segment)
{
    if (segment == NULL ||
        atomic_fetch_sub_explicit(&segment->references, 1, memory_order_acq_rel) != 1)
        return;
    for (uint32_t i = 0; segment->text_dictionaries != NULL &&
                         i < segment->parts[PART_TEXT_DICTIONARIES].chunk_count;
         i++)
        ZSTD_freeDDict(segment->text_dictionaries[i]);
    free(segment->text_dictionaries);
    unpin_all(segment->storage, segment->pins, segment->chunk_count);
    for (unsigned kind = 0; kind < PART_END; kind++)
        free(segment->parts[kind].chunks);
    free(segment->inlinks);
    free(segment->inlinks_max);
    free(segment);
}

enum status segment_corrupt(const struct segment *segment, struct error *err)
{
    if (segment->corrupt != NULL)
        atomic_store(segment->corrupt, true);
    return error_set(err, STATUS_CORRUPT, "segment %llu holds wrong bytes",
                     (unsigned long long)segment->id);
}

unsigned segment_set_inlinks(struct segment *segment, uint32_t docid, unsigned count)
{
    /* The maximum first: whoever sees the count sees no smaller maximum. */
    atomic_uint *max = &segment->inlinks_max[docid / INLINKS_WINDOW];
    unsigned before = atomic_load(max);
    while (before < count && !atomic_compare_exchange_weak(max, &before, count))
        ;
    return atomic_exchange(&segment->inlinks[docid], count);
}

enum status segment_load_inlinks(struct segment *segment, struct error *err)
{
    for (uint32_t docid = 0; docid < segment->document_count; docid++) {
        struct document_row row;
        if (!segment_row(segment, docid, &row))
            return segment_corrupt(segment, err);
        segment_set_inlinks(segment, docid, row.inlinks);
    }
    return STATUS_OK;
}

/* ---- rows ---- */

bool segment_row(const struct segment *segment, uint32_t docid, struct document_row *ret_row)
{
    const uint8_t *row = part_row(&segment->parts[PART_DOCUMENTS], docid, DOCUMENT_ROW_BYTES);
    if (row == NULL) {
        segment_corrupt(segment, NULL);
        return false;
    }
    *ret_row = (struct document_row){
        .url_hash = get_le64(row),
        .stored_address = get_le64(row + 8) & ADDRESS_MASK,
        .text_dictionary = row[13],
        .modified_day = (uint16_t)(row[14] | row[15] << 8),
        .site_hash = get_le64(row + 16),
        .stored_size = get_le32(row + 24),
        .inlinks = get_le32(row + 28),
    };
    return true;
}

bool segment_likeness(const struct segment *segment, uint32_t docid, struct likeness *ret_likeness)
{
    const uint8_t *row = part_row(&segment->parts[PART_LIKENESSES], docid, LIKENESS_ROW_BYTES);
    if (row == NULL) {
        segment_corrupt(segment, NULL);
        return false;
    }
    *ret_likeness = (struct likeness){get_le64(row), get_le64(row + 8)};
    return true;
}

uint32_t segment_find_hash(const struct segment *segment, uint64_t url_hash)
{
    uint32_t low = 0;
    uint32_t high = segment->document_count;
    while (low < high) {
        uint32_t middle = low + (high - low) / 2;
        const uint8_t *row = part_row(&segment->parts[PART_HASHES], middle, HASH_ROW_BYTES);
        if (row == NULL) {
            segment_corrupt(segment, NULL);
            return segment->document_count;
        }
        if (get_le64(row) < url_hash)
            low = middle + 1;
        else
            high = middle;
    }
    return low;
}

uint32_t segment_hash_docid(const struct segment *segment, uint32_t row, uint64_t url_hash)
{
    if (row >= segment->document_count)
        return DOCID_END;
    const uint8_t *bytes = part_row(&segment->parts[PART_HASHES], row, HASH_ROW_BYTES);
    if (bytes == NULL ||
        (get_le64(bytes) == url_hash && get_le32(bytes + 8) >= segment->document_count)) {
        segment_corrupt(segment, NULL);
        return DOCID_END;
    }
    return get_le64(bytes) == url_hash ? get_le32(bytes + 8) : DOCID_END;
}

/* ---- stored documents ---- */

struct text_slice segment_text_dictionary(const struct segment *segment, uint8_t number)
{
    struct chunk *chunk = &segment->parts[PART_TEXT_DICTIONARIES].chunks[number - 1];
    return (struct text_slice){(const char *)chunk_at(chunk, 0, chunk->size), chunk->size};
}

bool segment_stored(const struct segment *segment, const struct document_row *row,
                    struct stored_fields *ret_fields)
{
    if (!stored_decode(&segment->parts[PART_STORED], row->stored_address, row->stored_size,
                       ret_fields) ||
        row->text_dictionary > segment->parts[PART_TEXT_DICTIONARIES].chunk_count) {
        segment_corrupt(segment, NULL);
        return false;
    }
    if (row->text_dictionary > 0)
        ret_fields->blocks.dictionary = segment->text_dictionaries[row->text_dictionary - 1];
    return true;
}
