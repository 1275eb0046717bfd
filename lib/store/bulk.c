#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "base/check.h"
#include "store/engine.h"

struct kv_bulk {
    struct kv *kv;
    unsigned column;
    rocksdb_envoptions_t *environment;
    rocksdb_sstfilewriter_t *writer;
    uint64_t keys;
    char path[PATH_MAX];
};

enum status kv_bulk_open(struct kv *kv, unsigned column, struct kv_bulk **ret_bulk,
                         struct error *err)
{
    CHECK(column < kv->column_count);
    struct kv_bulk *bulk = calloc(1, sizeof(*bulk));
    if (bulk == NULL)
        return error_set(err, STATUS_NO_MEMORY, "no memory");
    bulk->kv = kv;
    bulk->column = column;
    unsigned number = atomic_fetch_add(&kv->bulk_number, 1);
    int length = snprintf(bulk->path, sizeof(bulk->path), "%s/bulk/%u.sst", kv->path, number);
    CHECK(length > 0 && (size_t)length < sizeof(bulk->path));
    bulk->environment = rocksdb_envoptions_create();
    bulk->writer = rocksdb_sstfilewriter_create(bulk->environment, kv->column_options[column]);
    char *words = NULL;
    rocksdb_sstfilewriter_open(bulk->writer, bulk->path, &words);
    enum status status = engine_status(words, "sorted file", err);
    if (status != STATUS_OK) {
        kv_bulk_abort(bulk);
        return status;
    }
    *ret_bulk = bulk;
    return STATUS_OK;
}

enum status kv_bulk_add(struct kv_bulk *bulk, struct kv_slice key, struct kv_slice value,
                        struct error *err)
{
    char *words = NULL;
    if (kv_free_space(bulk->kv->path) < KV_BULK_LEAVES_BYTES + value.size)
        return error_set(err, STATUS_NO_SPACE, "%s: the disk is nearly full", bulk->kv->path);
    rocksdb_sstfilewriter_put(bulk->writer, key.data, key.size, value.data, value.size, &words);
    if (words == NULL)
        bulk->keys++;
    return engine_status(words, "sorted file", err);
}

static enum status ingest(struct kv_bulk *bulk, struct error *err)
{
    const char *paths[] = {bulk->path};
    char *words = NULL;
    rocksdb_ingestexternalfileoptions_t *options = rocksdb_ingestexternalfileoptions_create();
    rocksdb_ingestexternalfileoptions_set_move_files(options, 1);
    rocksdb_ingest_external_file_cf(bulk->kv->db, bulk->kv->handles[bulk->column], paths, 1,
                                    options, &words);
    rocksdb_ingestexternalfileoptions_destroy(options);
    return engine_status(words, "adding a sorted file", err);
}

enum status kv_bulk_finish(struct kv_bulk *bulk, struct error *err)
{
    enum status status = STATUS_OK;
    if (bulk->keys > 0) {
        char *words = NULL;
        rocksdb_sstfilewriter_finish(bulk->writer, &words);
        status = engine_status(words, "sorted file", err);
        if (status == STATUS_OK)
            status = ingest(bulk, err);
    }
    kv_bulk_abort(bulk);
    return status;
}

void kv_bulk_abort(struct kv_bulk *bulk)
{
    if (bulk == NULL)
        return;
    rocksdb_sstfilewriter_destroy(bulk->writer);
    rocksdb_envoptions_destroy(bulk->environment);
    unlink(bulk->path); /* gone already where it was added: moved */
    free(bulk);
}
