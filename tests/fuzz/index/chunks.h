/* Copies of a segment's chunks, to be changed; their checksums are made right again, so that what
 * lies behind those is reached. */
#ifndef TIERCE_FUZZ_CHUNKS_H
#define TIERCE_FUZZ_CHUNKS_H

#include <stdlib.h>
#include <string.h>

#include "base/check.h"
#include "index/segment.h"

/* Without the trailer. */
static inline uint32_t chunk_size(const struct storage_pin *pin)
{
    struct chunk chunk;
    CHECK(chunk_init(&chunk, pin->bytes, pin->size, chunk_part(pin->bytes, pin->size), NULL) ==
          STATUS_OK);
    return chunk.size;
}

/* Leaves the first `size` bytes, in memory of exactly what they and a trailer take. */
static inline void chunk_seal(struct storage_pin *pin, uint32_t size)
{
    struct buffer chunk = {0};
    buffer_append(&chunk, pin->bytes, size);
    chunk_append_trailer(&chunk, chunk_part(pin->bytes, pin->size));
    CHECK(!chunk.failed);
    uint8_t *exact = check_alloc(realloc(chunk.data, chunk.size));
    free(pin->handle);
    *pin = (struct storage_pin){exact, chunk.size, exact};
}

static inline struct storage_pin *chunks_copy(const struct segment *segment)
{
    struct storage_pin *pins = check_alloc(calloc(segment->chunk_count, sizeof(*pins)));
    for (uint32_t i = 0; i < segment->chunk_count; i++) {
        uint8_t *bytes = check_alloc(malloc(segment->pins[i].size));
        memcpy(bytes, segment->pins[i].bytes, segment->pins[i].size);
        pins[i] = (struct storage_pin){bytes, segment->pins[i].size, bytes};
    }
    return pins;
}

/* Sets a byte of a chunk, or cuts it there. */
static inline void chunk_change(struct storage_pin *pin, uint32_t offset, bool cuts, uint8_t value)
{
    uint32_t size = chunk_size(pin);
    if (size == 0)
        return;
    if (cuts) {
        chunk_seal(pin, offset % size);
        return;
    }
    ((uint8_t *)pin->handle)[offset % size] = value;
    chunk_seal(pin, size);
}

/* Takes the chunks; NULL where they cannot be a segment. */
static inline struct segment *chunks_open(struct storage_pin *pins, uint32_t count)
{
    struct segment *segment = NULL;
    return segment_open((struct storage){0}, pins, count, &segment, NULL) == STATUS_OK ? segment
                                                                                       : NULL;
}

#endif
