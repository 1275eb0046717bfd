/*
 * An ordered key-value store on disk with column families: RocksDB, behind the few calls that we
 * use. Debian's RocksDB keeps its assertions: on a full disk it may abort the process, so callers
 * keep a floor of free space (kv_free_space()) and run where a restart is harmless.
 */
#ifndef TIERCE_STORE_KV_H
#define TIERCE_STORE_KV_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/buffer.h"
#include "base/error.h"

struct kv;
struct kv_batch;
struct kv_iterator;
struct kv_bulk;

struct kv_slice {
    const void *data;
    size_t size;
};

enum { KV_COLUMNS_MAX = 32 };

/* How a column family is kept. */
struct kv_column {
    const char *name;
    bool large_values; /* values of up to tens of MB, read by mapping the file: no compression, no
                          cache, no checksum of ours. A deleted range gives its files back at once
                          where they were added as bulks and lie wholly in it. */
    unsigned prefix_bytes; /* > 0: a bloom filter over this many leading bytes of keys. An iterator
                              is then good within the prefix it was sought to; sought by a shorter
                              key, in the whole column. */
};

struct kv_options {
    const struct kv_column *columns; /* column i of every call below is columns[i] */
    unsigned column_count;
    uint64_t memory_bytes; /* write buffers and block cache together; 0: 32 MiB */
};

/*
 * Opens or makes the store at `path` (its folder is made). STATUS_CONFLICT: another process has it
 * open. STATUS_UNSUPPORTED: made by a newer version. STATUS_CORRUPT, STATUS_NO_SPACE, STATUS_IO.
 */
enum status kv_open(const char *path, const struct kv_options *options, struct kv **ret_kv,
                    struct error *err);
void kv_close(struct kv *kv); /* accepts NULL */

/* Removes the store at `path`, or what is left of one; it is not open. Whatever else lies in the
 * folder stays. Removing none is no error. STATUS_CONFLICT where a process has it open, STATUS_IO.
 */
enum status kv_erase(const char *path, struct error *err);

/* All of a batch is there after a crash, or nothing. */
struct kv_batch *kv_batch_new(void);
void kv_batch_free(struct kv_batch *batch); /* accepts NULL */
void kv_batch_clear(struct kv_batch *batch);
size_t kv_batch_bytes(const struct kv_batch *batch);
void kv_put(struct kv_batch *batch, struct kv *kv, unsigned column, struct kv_slice key,
            struct kv_slice value);
void kv_delete(struct kv_batch *batch, struct kv *kv, unsigned column, struct kv_slice key);
/* Deletes keys from `first` to before `end`. */
void kv_delete_range(struct kv_batch *batch, struct kv *kv, unsigned column, struct kv_slice first,
                     struct kv_slice end);
/* `sync`: returns when it is on disk. */
enum status kv_write(struct kv *kv, struct kv_batch *batch, bool sync, struct error *err);

/* Appends the value to `ret_value`. STATUS_NOT_FOUND without words: it is an answer. */
enum status kv_get(struct kv *kv, unsigned column, struct kv_slice key, struct buffer *ret_value,
                   struct error *err);

/*
 * Sees the store as it was when it was opened. Keys and values stay until the next move; a value of
 * a large column added as a bulk points into the mapped file and stays while the iterator is open.
 */
struct kv_iterator *kv_iterator_open(struct kv *kv, unsigned column);
/* Reads from the files alone and checks every block's checksum; for looking whether all is well. */
struct kv_iterator *kv_iterator_open_checking(struct kv *kv, unsigned column);
/* Such an iterator sees all but the ends of files, which have no checksum (this looks at those:
 * STATUS_CORRUPT, STATUS_IO), and filters: they are checked when they are needed, and a wrong one
 * is passed over. */
enum status kv_check_footers(struct kv *kv, struct error *err);
void kv_iterator_close(struct kv_iterator *iterator); /* accepts NULL */
bool kv_iterator_seek(struct kv_iterator *iterator,
                      struct kv_slice key); /* first key >= key; false: none */
bool kv_iterator_seek_last(struct kv_iterator *iterator);
bool kv_iterator_next(struct kv_iterator *iterator);
bool kv_iterator_valid(const struct kv_iterator *iterator);
struct kv_slice kv_iterator_key(const struct kv_iterator *iterator);
struct kv_slice kv_iterator_value(const struct kv_iterator *iterator);
/* STATUS_OK at a plain end; else why the iteration stopped. */
enum status kv_iterator_status(const struct kv_iterator *iterator, struct error *err);

/* A bulk leaves so many bytes of the disk free: beyond that STATUS_NO_SPACE, before the engine
 * meets a full disk. */
#define KV_BULK_LEAVES_BYTES (64u << 20)

/* A sorted file beside the store, added whole: the fast way in for large values. Keys must ascend.
 */
enum status kv_bulk_open(struct kv *kv, unsigned column, struct kv_bulk **ret_bulk,
                         struct error *err);
enum status kv_bulk_add(struct kv_bulk *bulk, struct kv_slice key, struct kv_slice value,
                        struct error *err);
enum status kv_bulk_finish(struct kv_bulk *bulk,
                           struct error *err); /* adds it, and frees the bulk in any case */
void kv_bulk_abort(struct kv_bulk *bulk);      /* accepts NULL */

enum status kv_flush(struct kv *kv, struct error *err);
/* Rewrites what keeps deleted values of these keys on the disk. Slow; from any thread. */
enum status kv_compact(struct kv *kv, unsigned column, struct kv_slice first, struct kv_slice end,
                       struct error *err);
/* A consistent copy by hard links; `path` must not exist. */
enum status kv_checkpoint(struct kv *kv, const char *path, struct error *err);
uint64_t kv_disk_bytes(struct kv *kv);

/* Bytes that the files below `path` take on the disk, a store's ballast left out. */
uint64_t kv_folder_bytes(const char *path);

/* Bytes free for us on the file system of `path`; 0 when that cannot be told. */
uint64_t kv_free_space(const char *path);

static inline struct kv_slice kv_slice(const void *data, size_t size)
{
    return (struct kv_slice){data, size};
}

#endif
