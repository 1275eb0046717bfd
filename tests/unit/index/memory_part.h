/* Bytes in memory, read as a part of a segment is: without checksums. */
#ifndef TIERCE_TESTS_MEMORY_PART_H
#define TIERCE_TESTS_MEMORY_PART_H

#include "index/part.h"

struct memory_part {
    struct chunk chunk;
    struct part part;
};

/* They begin at address 0. The bytes are borrowed; `memory` stays where it is. */
static inline void memory_part_init(struct memory_part *memory, const uint8_t *bytes, size_t size)
{
    *memory = (struct memory_part){.chunk = {.bytes = bytes, .size = (uint32_t)size}};
    chunk_trust(&memory->chunk);
    memory->part = (struct part){.chunks = &memory->chunk, .chunk_count = 1};
}

#endif
