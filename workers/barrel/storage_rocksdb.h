/* The index's storage on RocksDB: small keys in one column family, large values in another that is
 * read by mapping. */
#ifndef TIERCE_BARREL_STORAGE_ROCKSDB_H
#define TIERCE_BARREL_STORAGE_ROCKSDB_H

#include <stdint.h>

#include "index/storage.h"

struct storage_rocksdb;

/* Opens or makes the store in `folder`. The statuses are kv_open()'s. */
enum status storage_rocksdb_open(const char *folder, uint64_t memory_bytes,
                                 struct storage_rocksdb **ret_storage, struct error *err);
/* From now on nothing is written, nor deleted, where fewer bytes than that are free:
 * STATUS_NO_SPACE. Before any other thread has the storage. */
void storage_rocksdb_keep_free(struct storage_rocksdb *storage, uint64_t bytes);
/* Removes the store in `folder`; it is not open. */
enum status storage_rocksdb_erase(const char *folder, struct error *err);
/* No pin may be left. Accepts NULL. */
void storage_rocksdb_close(struct storage_rocksdb *storage);

/* What the index is handed; valid until the close. */
struct storage storage_rocksdb_storage(struct storage_rocksdb *storage);

uint64_t storage_rocksdb_disk_bytes(struct storage_rocksdb *storage);

#endif
