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

/* Below this much free space nothing is written: the engine may abort on a full disk. */
#define BARREL_FREE_BYTES_MIN (96ull << 20)

struct barrel {
    const char *folder; /* borrowed */
    /* Of DATA/lock, held from before anything in the folder is looked at until all of it is closed,
     * also while the store is closed, erased and opened again; -1: the folder is not ours */
    int folder_lock;
    struct storage_rocksdb *storage;
    uint32_t shard, replica, slot_first, slot_last;

    pthread_rwlock_t
        lock; /* held for reading while the index is used, for writing while it is replaced */
    struct index *index;
    struct index_options index_options;
    uint64_t store_bytes;   /* of memory */
    atomic_bool is_damaged; /* a wrong byte was met outside the index's segments */
    /* Where the feed is to be before what is found is whole; UINT64_MAX: not known yet; 0: it is */
    atomic_ullong rebuilt_at;
    /* How far the present look for wrong bytes has come; when the last one ended; 0: none did */
    atomic_uint checked_percent;
    atomic_llong checked_us;
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
 * other slots is erased: it is rebuilt from the log. Where that is not certain nothing is changed:
 * STATUS_IO, or STATUS_CORRUPT of the file that says what the index was made from. STATUS_CONFLICT:
 * another process has the folder, in which nothing was written.
 */
enum status barrel_open(const char *folder, uint64_t memory_bytes, uint32_t slot_first,
                        uint32_t slot_last, struct barrel *barrel, struct error *err);
/* Closes, and flushes before where there is room: what was not comes from the log again. */
void barrel_close(struct barrel *barrel);

/* Throws the index away and remembers what the next one is made from: on failure no log is known.
 */
enum status barrel_begin_anew(struct barrel *barrel, const uint8_t *identity, size_t identity_size,
                              struct error *err);

/* A wrong byte was met: nothing is served any more, and the index is made from the log again. With
 * the lock held since before it was met, as else another index may be there by now; the thread that
 * replaces the index needs none. */
void barrel_note_damage(struct barrel *barrel);
/* Also where there is no index. With the lock held. */
bool barrel_is_damaged(struct barrel *barrel);

/* Whether less is found than was when the index was begun anew. */
bool barrel_is_rebuilding(struct barrel *barrel);
/* Where the feed was read to, and where the log ends. */
void barrel_note_feed(struct barrel *barrel, uint64_t position, uint64_t head);

/* "": indexing goes on. Logs a change. */
void barrel_set_stopped(struct barrel *barrel, const char *why);

/* The barrel's report. Strings and lists lie in `arena`. */
void barrel_status(struct barrel *barrel, struct arena *arena, Wire__BarrelStatus *ret_status);

#endif
