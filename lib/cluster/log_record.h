/* One entry as bytes: docs/format-log.md draws them. */
#ifndef TIERCE_CLUSTER_LOG_RECORD_H
#define TIERCE_CLUSTER_LOG_RECORD_H

#include <stddef.h>
#include <stdint.h>

#include "base/arena.h"
#include "base/buffer.h"
#include "base/error.h"
#include "log.pb-c.h"

enum {
    LOG_RECORD_VERSION = 1,
    LOG_RECORD_HEADER_BYTES = 5,
    LOG_RECORD_BYTES_MAX = 64 * 1024 * 1024,
};

/* Appends the record of `entry` under `sequence`. STATUS_TOO_LARGE, STATUS_NO_MEMORY. */
enum status log_record_encode(uint64_t sequence, const Log__Entry *entry, struct buffer *ret_bytes,
                              struct error *err);

/*
 * Reads a record; the entry lies in the arena. STATUS_CORRUPT: torn, changed, or another
 * sequence's. STATUS_UNSUPPORTED: of a newer version.
 */
enum status log_record_decode(uint64_t sequence, const void *bytes, size_t size,
                              struct arena *arena, Log__Entry **ret_entry, struct error *err);

#endif
