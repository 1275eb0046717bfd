/* What kv.c and bulk.c share; no one else includes it. */
#ifndef TIERCE_STORE_ENGINE_H
#define TIERCE_STORE_ENGINE_H

#include <rocksdb/c.h>
#include <stdatomic.h>

#include "store/kv.h"

enum { ENGINE_FORMAT_VERSION = 5 }; /* of its sorted files */

struct kv {
    char *path;
    int lock; /* of the folder; -1: none */
    rocksdb_t *db;
    rocksdb_options_t *options;
    rocksdb_cache_t *cache;
    rocksdb_readoptions_t *read; /* of points and small values */
    rocksdb_readoptions_t
        *read_large; /* of iterators over large values: they point into the file */
    rocksdb_readoptions_t *read_checking; /* of iterators that look whether all is well */
    rocksdb_writeoptions_t *write;
    rocksdb_writeoptions_t *write_sync;
    struct kv_column columns[KV_COLUMNS_MAX]; /* names are borrowed by the options below only */
    rocksdb_options_t *column_options[KV_COLUMNS_MAX];
    rocksdb_column_family_handle_t *handles[KV_COLUMNS_MAX];
    unsigned column_count;
    rocksdb_column_family_handle_t *
        *others; /* families that are not asked for: kept open, unused */
    unsigned other_count;
    atomic_uint bulk_number;
};

/* Turns the engine's words into a status and frees them; STATUS_OK for NULL. */
enum status engine_status(char *words, const char *doing, struct error *err);

#endif
