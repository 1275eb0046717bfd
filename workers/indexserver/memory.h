/* What the stores of the indexserver take of its share of the installation's memory. */
#ifndef TIERCE_INDEXSERVER_MEMORY_H
#define TIERCE_INDEXSERVER_MEMORY_H

#include <stdint.h>

/* Write buffers and block caches, in bytes. */
struct memory_division {
    uint64_t log;
    uint64_t views;
};

/* share_bytes  as the orchestrator hands it out; 0: it has said nothing */
struct memory_division memory_divide(uint64_t share_bytes);

#endif
