#include "index/manifest.h"

#include <stdlib.h>
#include <string.h>

#include "base/bytes.h"
#include "index/varint.h"

#define CRC_BYTES 4

static void append_varint(struct buffer *out, uint64_t value)
{
    uint8_t bytes[VARINT_MAX];
    buffer_append(out, bytes, varint_put(bytes, value));
}

static void append_crc(struct buffer *out)
{
    uint8_t crc[CRC_BYTES];
    if (out->failed)
        return;
    put_le32(crc, crc32c(0, out->data, out->size));
    buffer_append(out, crc, sizeof(crc));
}

/* Whether the last bytes are the checksum of the others. */
static bool crc_is_right(const uint8_t *bytes, size_t size)
{
    return size >= CRC_BYTES &&
           crc32c(0, bytes, size - CRC_BYTES) == get_le32(bytes + size - CRC_BYTES);
}

/* ---- the manifest ---- */

void manifest_encode(const struct manifest *manifest, struct buffer *ret_bytes)
{
    buffer_append_byte(ret_bytes, MANIFEST_VERSION);
    append_varint(ret_bytes, manifest->position);
    append_varint(ret_bytes, manifest->next_id);
    append_varint(ret_bytes, manifest->segment_count);
    for (uint32_t i = 0; i < manifest->segment_count; i++) {
        const struct manifest_segment *segment = &manifest->segments[i];
        append_varint(ret_bytes, segment->id);
        append_varint(ret_bytes, segment->chunk_count);
        for (unsigned field = 0; field < FIELD_COUNT; field++)
            append_varint(ret_bytes, segment->field_tokens[field]);
    }
    append_varint(ret_bytes, manifest->garbage_count);
    for (uint32_t i = 0; i < manifest->garbage_count; i++)
        append_varint(ret_bytes, manifest->garbage[i]);
    append_crc(ret_bytes);
}

void manifest_release(struct manifest *manifest)
{
    free(manifest->segments);
    free(manifest->garbage);
    *manifest = (struct manifest){0};
}

struct reader {
    const uint8_t *at;
    const uint8_t *end;
    bool failed; /* the bytes are wrong */
    bool no_memory;
};

static uint64_t read_varint(struct reader *reader)
{
    uint64_t value = 0;
    if (!reader->failed && !varint_get(&reader->at, reader->end, &value))
        reader->failed = true;
    return value;
}

/* A count, and room for so many things, each of which takes at least `size_min` bytes here. */
static void *read_array(struct reader *reader, uint32_t max, size_t size_min, size_t item_size,
                        uint32_t *ret_count)
{
    uint64_t count = read_varint(reader);
    if (reader->failed || count > max || count * size_min > (uint64_t)(reader->end - reader->at)) {
        reader->failed = true;
        count = 0;
    }
    void *items = calloc(count + 1, item_size);
    reader->no_memory = reader->no_memory || items == NULL;
    *ret_count = items == NULL ? 0 : (uint32_t)count;
    return items;
}

static void read_segments(struct reader *reader, struct manifest *manifest)
{
    manifest->segments = read_array(reader, MANIFEST_SEGMENTS_MAX, 2 + FIELD_COUNT,
                                    sizeof(*manifest->segments), &manifest->segment_count);
    for (uint32_t i = 0; i < manifest->segment_count; i++) {
        struct manifest_segment *segment = &manifest->segments[i];
        segment->id = read_varint(reader);
        uint64_t chunks = read_varint(reader);
        for (unsigned field = 0; field < FIELD_COUNT; field++)
            segment->field_tokens[field] = read_varint(reader);
        if (segment->id == 0 || segment->id >= manifest->next_id || chunks == 0 ||
            chunks > CHUNKS_MAX)
            reader->failed = true;
        segment->chunk_count = (uint32_t)chunks;
    }
}

static void read_rest(struct reader *reader, struct manifest *manifest)
{
    manifest->garbage = read_array(reader, MANIFEST_GARBAGE_MAX, 1, sizeof(*manifest->garbage),
                                   &manifest->garbage_count);
    for (uint32_t i = 0; i < manifest->garbage_count; i++)
        manifest->garbage[i] = read_varint(reader);
}

enum status manifest_decode(const uint8_t *bytes, size_t size, struct manifest *ret_manifest,
                            struct error *err)
{
    if (size == 0 || bytes[0] == 0)
        return error_set(err, STATUS_CORRUPT, "the index's manifest is empty");
    if (bytes[0] != MANIFEST_VERSION)
        return error_set(err, STATUS_UNSUPPORTED, "the index was made by version %u of its format",
                         bytes[0]);
    if (!crc_is_right(bytes, size))
        return error_set(err, STATUS_CORRUPT, "the checksum of the index's manifest is wrong");
    struct reader reader = {bytes + 1, bytes + size - CRC_BYTES, false, false};
    struct manifest manifest = {0};
    manifest.position = read_varint(&reader);
    manifest.next_id = read_varint(&reader);
    read_segments(&reader, &manifest);
    read_rest(&reader, &manifest);
    if (reader.failed || reader.no_memory || reader.at != reader.end) {
        manifest_release(&manifest);
        return reader.no_memory
                   ? error_set(err, STATUS_NO_MEMORY, "manifest")
                   : error_set(err, STATUS_CORRUPT, "the index's manifest makes no sense");
    }
    *ret_manifest = manifest;
    return STATUS_OK;
}

/* ---- tables of a segment ---- */

void deletions_encode(const struct deletions *deletions, struct buffer *ret_bytes)
{
    size_t words = ((size_t)deletions->document_count + 63) / 64;
    for (size_t i = 0; i < words; i++) {
        uint8_t word[8];
        put_le64(word, deletions->bits[i]);
        buffer_append(ret_bytes, word, sizeof(word));
    }
    append_crc(ret_bytes);
}

enum status deletions_decode(const uint8_t *bytes, size_t size, uint32_t document_count,
                             struct deletions **ret_deletions, struct error *err)
{
    size_t words = ((size_t)document_count + 63) / 64;
    if (size != words * 8 + CRC_BYTES || !crc_is_right(bytes, size))
        return error_set(err, STATUS_CORRUPT, "the deletions of a segment are wrong");
    struct deletions *deletions = deletions_copy(NULL, document_count);
    if (deletions == NULL)
        return error_set(err, STATUS_NO_MEMORY, "deletions");
    for (size_t i = 0; i < words; i++) {
        deletions->bits[i] = get_le64(bytes + i * 8);
        deletions->deleted += (uint32_t)__builtin_popcountll(deletions->bits[i]);
    }
    bool beyond =
        document_count % 64 != 0 && deletions->bits[words - 1] >> document_count % 64 != 0;
    if (beyond) {
        deletions_release(deletions);
        return error_set(err, STATUS_CORRUPT, "the deletions of a segment are wrong");
    }
    *ret_deletions = deletions;
    return STATUS_OK;
}

void links_encode(const struct segment *segment, struct buffer *ret_bytes)
{
    for (uint32_t docid = 0; docid < segment->document_count; docid++) {
        uint8_t count[4];
        put_le32(count, atomic_load_explicit(&segment->inlinks[docid], memory_order_relaxed));
        buffer_append(ret_bytes, count, sizeof(count));
    }
    append_crc(ret_bytes);
}

enum status links_decode(const uint8_t *bytes, size_t size, struct segment *segment,
                         struct error *err)
{
    if (size != (size_t)segment->document_count * 4 + CRC_BYTES || !crc_is_right(bytes, size))
        return error_set(err, STATUS_CORRUPT, "the counts of links of a segment are wrong");
    for (uint32_t docid = 0; docid < segment->document_count; docid++)
        segment_set_inlinks(segment, docid, get_le32(bytes + (size_t)docid * 4));
    return STATUS_OK;
}

/* ---- what everyone may see ---- */

#define SCOPES_CHANGING 0
#define SCOPES_WHOLE    1

void scopes_encode(const struct visibility *shown, bool is_whole, struct buffer *ret_bytes)
{
    buffer_append_byte(ret_bytes, is_whole ? SCOPES_WHOLE : SCOPES_CHANGING);
    visibility_encode(shown, ret_bytes);
    append_crc(ret_bytes);
}

enum status scopes_decode(const uint8_t *bytes, size_t size, struct visibility **ret_shown,
                          bool *ret_is_whole, struct error *err)
{
    if (size < 1 + CRC_BYTES || !crc_is_right(bytes, size) || bytes[0] > SCOPES_WHOLE)
        return error_set(err, STATUS_CORRUPT, "what everyone may see is stored wrongly");
    enum status status = visibility_decode(bytes + 1, size - 1 - CRC_BYTES, ret_shown, err);
    if (status == STATUS_OK)
        *ret_is_whole = bytes[0] == SCOPES_WHOLE;
    return status;
}
