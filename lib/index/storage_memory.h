/* A storage that lives in memory and forgets: for tests, fuzzers and benchmarks. */
#ifndef TIERCE_INDEX_STORAGE_MEMORY_H
#define TIERCE_INDEX_STORAGE_MEMORY_H

#include "index/storage.h"

struct storage_memory;

struct storage_memory *storage_memory_new(void); /* NULL when out of memory; the caller's to free */
void storage_memory_free(struct storage_memory *memory); /* accepts NULL; no pin may be left */
struct storage storage_memory_storage(struct storage_memory *memory);

/* From now on every write fails with this status; STATUS_OK ends that. */
void storage_memory_fail_writes(struct storage_memory *memory, enum status status);
/* The same after so many more writes. */
void storage_memory_fail_later(struct storage_memory *memory, unsigned writes, enum status status);

size_t storage_memory_keys(struct storage_memory *memory); /* how many there are */

#endif
