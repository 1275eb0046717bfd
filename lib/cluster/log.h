/*
 * The log's seam: an ordered, durable sequence of entries. `embedded` (a RocksDB beside the
 * indexserver) is the first implementation; a replicated engine can stand in its place. What
 * derives from the log lives elsewhere and keeps its own position.
 */
#ifndef TIERCE_CLUSTER_LOG_H
#define TIERCE_CLUSTER_LOG_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/arena.h"
#include "base/buffer.h"
#include "base/error.h"
#include "log.pb-c.h"

struct log_store; /* one implementation and its state */

/* Returned by log_read() for each entry, in order. Return false to stop. The entry is the
 * callback's for the time of the call. */
typedef bool log_visitor(void *context, uint64_t sequence, const Log__Entry *entry);

struct log_status {
    uint64_t head;        /* the newest sequence; 0: empty */
    uint64_t entries;     /* still held */
    uint64_t bytes;       /* on disk, some seconds ago */
    uint8_t identity[16]; /* made with the log: a replica that knows another one must start over */
};

/*
 * Opens the embedded log in `folder`. STATUS_UNSUPPORTED: "made by version X", which is newer.
 * memory_bytes  for caches and write buffers.
 */
enum status log_open_embedded(const char *folder, uint64_t memory_bytes, struct log_store **ret_log,
                              struct error *err);
void log_close(struct log_store *log); /* accepts NULL */

/*
 * Appends the entries as one: after a crash all are there or none. Returns when they are on disk.
 * Their sequences are *ret_first and those behind it. `epoch` is the writer's term of office:
 * STATUS_CONFLICT when a later one has begun. One thread at a time.
 */
enum status log_append(struct log_store *log, uint64_t epoch, Log__Entry *const *entries,
                       size_t count, uint64_t *ret_first, struct error *err);

/* Begins a new term of office: appends under older epochs are refused from now on. */
enum status log_begin_epoch(struct log_store *log, uint64_t *ret_epoch, struct error *err);

/* Visits what is held from sequence `from` on. Any thread. */
enum status log_read(struct log_store *log, uint64_t from, log_visitor *visit, void *context,
                     struct error *err);

/* One entry, in the arena. STATUS_NOT_FOUND: never there or forgotten. Any thread. */
enum status log_get(struct log_store *log, uint64_t sequence, struct arena *arena,
                    Log__Entry **ret_entry, struct error *err);

/* Drops entries that newer ones replaced. Need not be durable at once. One thread at a time. */
enum status log_forget(struct log_store *log, const uint64_t *sequences, size_t count,
                       struct error *err);

/* When it returns, the bytes of entries from `first` to `last` that were forgotten are off the
 * disk. Slow. Any thread. */
enum status log_scrub(struct log_store *log, uint64_t first, uint64_t last, struct error *err);

void log_get_status(struct log_store *log, struct log_status *ret_status);

#endif
