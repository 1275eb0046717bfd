/*
 * What the barrel's threads share: the index, which may be thrown away and begun anew while
 * requests are served, and why indexing stands still, if it does.
 */
#ifndef TIERCE_BARREL_BARREL_H
#define TIERCE_BARREL_BARREL_H

#include <pthread.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

#include "barrel/storage_rocksdb.h"
#include "index/index.h"
#include "wire.pb-c.h"

enum { BARREL_STOPPED_BYTES = 200, BARREL_IDENTITY_BYTES = 64 };

struct barrel {
    const char *folder; /* borrowed */
    struct storage_rocksdb *storage;
    uint32_t shard, replica, slot_first, slot_last;

    pthread_rwlock_t
        lock; /* held for reading while the index is used, for writing while it is replaced */
    struct index *index;
    struct index_options index_options;
    /* The last sequence of the feed that was applied ahead of its turn, or is about to be; 0: none.
     * It has come in its turn, too, once the index's position is behind it. */
    atomic_ullong ahead_to;

    pthread_mutex_t status_lock;        /* guards `stopped` */
    char stopped[BARREL_STOPPED_BYTES]; /* why nothing is indexed; "": it is */

    /* The replay's alone: which log, and which making of its views, the index was made from. */
    uint8_t identity[BARREL_IDENTITY_BYTES];
    size_t identity_size;
};

/* Before the index is open; its requests are answered STATUS_UNAVAILABLE. */
enum status barrel_init(struct barrel *barrel, struct error *err);

/*
 * Opens the store and the index in `folder`. An index that is broken, of another version or of
 * other slots is erased: it is rebuilt from the log.
 */
enum status barrel_open(const char *folder, uint64_t memory_bytes, uint32_t slot_first,
                        uint32_t slot_last, struct barrel *barrel, struct error *err);
/* Flushes and closes. */
void barrel_close(struct barrel *barrel);

/* Throws the index away and remembers what the next one is made from. */
enum status barrel_begin_anew(struct barrel *barrel, const uint8_t *identity, size_t identity_size,
                              struct error *err);

/* "": indexing goes on. Logs a change. */
void barrel_set_stopped(struct barrel *barrel, const char *why);

/* The barrel's report. Strings and lists lie in `arena`. */
void barrel_status(struct barrel *barrel, struct arena *arena, Wire__BarrelStatus *ret_status);

#endif
