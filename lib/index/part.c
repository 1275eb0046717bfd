#include "index/part.h"

#include <string.h>

#include "base/bytes.h"
#include "base/check.h"

void part_writer_init(struct part_writer *writer, struct segment_sink *sink)
{
    *writer = (struct part_writer){.sink = sink};
}

void part_writer_release(struct part_writer *writer)
{
    for (size_t i = 0; i < PART_END; i++)
        buffer_release(&writer->chunks[i]);
    buffer_release(&writer->kinds);
}

enum status part_end_chunk(struct part_writer *writer, enum segment_part part, struct error *err)
{
    struct buffer *chunk = &writer->chunks[part];
    if (chunk->size == 0)
        return STATUS_OK;
    if (writer->kinds.size == CHUNKS_MAX)
        return error_set(err, STATUS_TOO_LARGE, "a segment of more than %u chunks", CHUNKS_MAX);

    uint8_t trailer[CHUNK_TRAILER_BYTES] = {CHUNK_VERSION, (uint8_t)part};
    uint32_t crc = crc32c(crc32c(0, chunk->data, chunk->size), trailer, 4);
    put_le32(trailer + 4, crc);
    buffer_append(chunk, trailer, sizeof(trailer));
    uint32_t number = (uint32_t)writer->kinds.size;
    buffer_append_byte(&writer->kinds, (uint8_t)part);
    if (chunk->failed || writer->kinds.failed)
        return error_set(err, STATUS_NO_MEMORY, "segment");

    writer->bytes += chunk->size;
    writer->chunk_counts[part]++;
    enum status status = writer->sink->add(writer->sink->self, number, chunk, err);
    buffer_clear(chunk);
    return status;
}

enum status part_reserve(struct part_writer *writer, enum segment_part part, size_t size,
                         uint8_t **ret_bytes, uint64_t *ret_address, struct error *err)
{
    struct buffer *chunk = &writer->chunks[part];
    if (size > CHUNK_BYTES_MAX)
        return error_set(err, STATUS_TOO_LARGE, "%zu bytes in one piece", size);
    if (chunk->size + size > CHUNK_BYTES_MAX) {
        enum status status = part_end_chunk(writer, part, err);
        if (status != STATUS_OK)
            return status;
    }
    uint8_t *bytes = buffer_reserve(chunk, size);
    if (bytes == NULL)
        return error_set(err, STATUS_NO_MEMORY, "segment");
    *ret_address = part_address(writer->chunk_counts[part], (uint32_t)chunk->size);
    *ret_bytes = bytes;
    chunk->size += size;
    return STATUS_OK;
}

enum status part_append(struct part_writer *writer, enum segment_part part, const void *bytes,
                        size_t size, uint64_t *ret_address, struct error *err)
{
    uint8_t *room;
    enum status status = part_reserve(writer, part, size, &room, ret_address, err);
    if (status == STATUS_OK && size > 0)
        memcpy(room, bytes, size);
    return status;
}

enum status chunk_init(struct chunk *chunk, const uint8_t *value, size_t size,
                       enum segment_part kind, struct error *err)
{
    if (size < CHUNK_TRAILER_BYTES || size > CHUNK_BYTES_MAX + CHUNK_TRAILER_BYTES)
        return error_set(err, STATUS_CORRUPT, "a chunk of %zu bytes", size);
    const uint8_t *trailer = value + size - CHUNK_TRAILER_BYTES;
    if (trailer[0] > CHUNK_VERSION)
        return error_set(err, STATUS_UNSUPPORTED, "a segment made by a newer version");
    if (trailer[0] != CHUNK_VERSION || trailer[1] != kind)
        return error_set(err, STATUS_CORRUPT, "a chunk of an unknown kind");
    chunk->bytes = value;
    chunk->size = (uint32_t)(size - CHUNK_TRAILER_BYTES);
    atomic_init(&chunk->checked, 0);
    return STATUS_OK;
}

bool chunk_verify(struct chunk *chunk)
{
    unsigned char checked = atomic_load_explicit(&chunk->checked, memory_order_acquire);
    if (checked == 0) {
        uint32_t crc = crc32c(0, chunk->bytes, (size_t)chunk->size + 4);
        checked = crc == get_le32(chunk->bytes + chunk->size + 4) ? 1 : 2;
        atomic_store_explicit(&chunk->checked, checked, memory_order_release);
    }
    return checked == 1;
}
