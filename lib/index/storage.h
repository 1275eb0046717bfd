/*
 * What the index asks of a key-value store: ordered keys, atomic batches, and large values that can
 * be read in place. A program hands in the functions; tests use storage_memory.h.
 *
 * All functions may be called from several threads at a time.
 */
#ifndef TIERCE_INDEX_STORAGE_H
#define TIERCE_INDEX_STORAGE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/buffer.h"
#include "base/error.h"

/* Keys of values added in bulk begin with this byte, no others do. */
#define STORAGE_BULK_PREFIX 'S'

#define STORAGE_KEY_MAX   64
#define STORAGE_VALUE_MAX (8u << 20) /* most bytes of any value */

struct storage_slice {
    const uint8_t *bytes;
    size_t size;
};

enum storage_operation_kind { STORAGE_PUT, STORAGE_DELETE };

struct storage_operation {
    enum storage_operation_kind kind;
    struct storage_slice key;
    struct storage_slice value; /* of a put */
};

/* Bytes of a stored value, readable in place until storage_ops.unpin(). */
struct storage_pin {
    const uint8_t *bytes;
    size_t size;
    void *handle; /* the implementation's */
};

/* Called for each key in order; anything but STATUS_OK ends the walk: STATUS_END as success, others
 * as the walk's own status. Key and value are borrowed for the call. It must not call the storage.
 */
typedef enum status (*storage_visit)(void *context, struct storage_slice key,
                                     struct storage_slice value);

struct storage_ops {
    /* All of it or nothing, also after a crash. `durable`: on disk when the call returns. A later
     * write is never kept where an earlier one was lost. */
    enum status (*write)(void *self, const struct storage_operation *operations, size_t count,
                         bool durable, struct error *err);

    /* Large values, added together: the cheap way in for megabytes. Keys must ascend and be new.
     * They can be read, and are durable, once bulk_finish() has returned STATUS_OK; it and
     * bulk_abort() free the bulk in any case. */
    enum status (*bulk_open)(void *self, void **ret_bulk, struct error *err);
    enum status (*bulk_add)(void *self, void *bulk, struct storage_slice key,
                            struct storage_slice value, struct error *err);
    enum status (*bulk_finish)(void *self, void *bulk, struct error *err);
    void (*bulk_abort)(void *self, void *bulk); /* accepts a NULL bulk */

    /* Appends the value to `ret_value`; STATUS_NOT_FOUND. */
    enum status (*get)(void *self, struct storage_slice key, struct buffer *ret_value,
                       struct error *err);

    /* A large value, readable in place. It stays readable after the key was deleted. */
    enum status (*pin)(void *self, struct storage_slice key, struct storage_pin *ret_pin,
                       struct error *err);
    void (*unpin)(void *self, struct storage_pin *pin);

    /* Every key that begins with `prefix` and is not below `from` (which may be empty). */
    enum status (*iterate)(void *self, struct storage_slice prefix, struct storage_slice from,
                           storage_visit visit, void *context, struct error *err);

    /*
     * Reads on through everything stored, about `bytes_max` bytes of it, and compares it with the
     * storage's own checksums. `cursor` says where to go on: empty at first, and again at the end.
     * Returns STATUS_OK, STATUS_END (all was read), STATUS_CORRUPT or another error.
     */
    enum status (*check)(void *self, struct buffer *cursor, uint64_t bytes_max, uint64_t *ret_bytes,
                         struct error *err);

    /* Every key that begins with `prefix`; not atomic, but repeatable. */
    enum status (*delete_prefix)(void *self, struct storage_slice prefix, struct error *err);
};

/* Handed around by value; whoever made it keeps and closes `self`. */
struct storage {
    const struct storage_ops *ops;
    void *self;
};

#endif
