#include "barrel/storage_rocksdb.h"

#include <stdlib.h>
#include <string.h>

#include "base/check.h"
#include "store/kv.h"

enum { COLUMN_SMALL, COLUMN_LARGE, COLUMN_COUNT };

static const struct kv_column columns[COLUMN_COUNT] = {
    [COLUMN_SMALL] = {.name = "small"},
    [COLUMN_LARGE] = {.name = "large", .large_values = true},
};

struct storage_rocksdb {
    struct kv *kv;
    char *folder;
    uint64_t keep_free_bytes;
};

static struct kv *kv_of(void *self)
{
    return ((struct storage_rocksdb *)self)->kv;
}

static struct kv_slice slice(struct storage_slice from)
{
    return kv_slice(from.bytes, from.size);
}

static unsigned column_of(struct storage_slice key)
{
    CHECK(key.size > 0);
    return key.bytes[0] == STORAGE_BULK_PREFIX ? COLUMN_LARGE : COLUMN_SMALL;
}

/* Whether there is room to write: the engine may abort where its own files cannot grow. */
static enum status check_room(void *self, struct error *err)
{
    const struct storage_rocksdb *storage = self;
    if (storage->keep_free_bytes == 0 || kv_free_space(storage->folder) >= storage->keep_free_bytes)
        return STATUS_OK;
    return error_set(err, STATUS_NO_SPACE, "%s: the disk is nearly full", storage->folder);
}

static enum status write_batch(void *self, const struct storage_operation *operations, size_t count,
                               bool durable, struct error *err)
{
    struct kv *kv = kv_of(self);
    enum status status = check_room(self, err);
    if (status != STATUS_OK)
        return status;
    struct kv_batch *batch = kv_batch_new();
    for (size_t i = 0; i < count; i++) {
        const struct storage_operation *operation = &operations[i];
        unsigned column = column_of(operation->key);
        if (operation->kind == STORAGE_PUT)
            kv_put(batch, kv, column, slice(operation->key), slice(operation->value));
        else
            kv_delete(batch, kv, column, slice(operation->key));
    }
    status = kv_write(kv, batch, durable, err);
    kv_batch_free(batch);
    return status;
}

static enum status bulk_open(void *self, void **ret_bulk, struct error *err)
{
    struct kv_bulk *bulk;
    enum status status = check_room(self, err);
    if (status == STATUS_OK)
        status = kv_bulk_open(kv_of(self), COLUMN_LARGE, &bulk, err);
    if (status == STATUS_OK)
        *ret_bulk = bulk;
    return status;
}

static enum status bulk_add(void *self, void *bulk, struct storage_slice key,
                            struct storage_slice value, struct error *err)
{
    (void)self;
    return kv_bulk_add(bulk, slice(key), slice(value), err);
}

static enum status bulk_finish(void *self, void *bulk, struct error *err)
{
    (void)self;
    return kv_bulk_finish(bulk, err);
}

static void bulk_abort(void *self, void *bulk)
{
    (void)self;
    kv_bulk_abort(bulk);
}

static enum status get(void *self, struct storage_slice key, struct buffer *ret_value,
                       struct error *err)
{
    return kv_get(kv_of(self), column_of(key), slice(key), ret_value, err);
}

/* An iterator's value points into the file's mapping and stays as long as the iterator, whatever is
 * deleted. */
static enum status pin(void *self, struct storage_slice key, struct storage_pin *ret_pin,
                       struct error *err)
{
    struct kv_iterator *iterator = kv_iterator_open(kv_of(self), column_of(key));
    bool there = kv_iterator_seek(iterator, slice(key));
    enum status status = kv_iterator_status(iterator, err);
    if (status == STATUS_OK && there) {
        struct kv_slice found = kv_iterator_key(iterator);
        there = found.size == key.size && memcmp(found.data, key.bytes, key.size) == 0;
    }
    if (status == STATUS_OK && !there)
        status = STATUS_NOT_FOUND;
    if (status != STATUS_OK) {
        kv_iterator_close(iterator);
        return status;
    }
    struct kv_slice value = kv_iterator_value(iterator);
    *ret_pin = (struct storage_pin){.bytes = value.data, .size = value.size, .handle = iterator};
    return STATUS_OK;
}

static void unpin(void *self, struct storage_pin *pin)
{
    (void)self;
    kv_iterator_close(pin->handle);
    *pin = (struct storage_pin){0};
}

static bool has_prefix(struct kv_slice key, struct storage_slice prefix)
{
    return key.size >= prefix.size && memcmp(key.data, prefix.bytes, prefix.size) == 0;
}

static struct storage_slice later(struct storage_slice a, struct storage_slice b)
{
    size_t common = a.size < b.size ? a.size : b.size;
    int order = common == 0 ? 0 : memcmp(a.bytes, b.bytes, common);
    if (order == 0)
        return a.size > b.size ? a : b;
    return order > 0 ? a : b;
}

static enum status iterate(void *self, struct storage_slice prefix, struct storage_slice from,
                           storage_visit visit, void *context, struct error *err)
{
    struct kv_iterator *iterator = kv_iterator_open(kv_of(self), column_of(prefix));
    enum status status = STATUS_OK;
    bool valid = kv_iterator_seek(iterator, slice(later(prefix, from)));
    while (valid && status == STATUS_OK && has_prefix(kv_iterator_key(iterator), prefix)) {
        struct kv_slice key = kv_iterator_key(iterator), value = kv_iterator_value(iterator);
        status = visit(context, (struct storage_slice){key.data, key.size},
                       (struct storage_slice){value.data, value.size});
        if (status == STATUS_OK)
            valid = kv_iterator_next(iterator);
    }
    if (status == STATUS_OK)
        status = kv_iterator_status(iterator, err);
    kv_iterator_close(iterator);
    return status == STATUS_END ? STATUS_OK : status;
}

/* A cursor is the column, then the next key; both columns are read, one behind the other. */
static enum status check(void *self, struct buffer *cursor, uint64_t bytes_max, uint64_t *ret_bytes,
                         struct error *err)
{
    if (cursor->size == 0) {
        enum status status = kv_check_footers(kv_of(self), err);
        if (status != STATUS_OK)
            return status;
    }
    unsigned column = cursor->size == 0 ? 0 : cursor->data[0];
    size_t key_size = cursor->size == 0 ? 0 : cursor->size - 1;
    struct kv_iterator *iterator = kv_iterator_open_checking(kv_of(self), column);
    bool valid = kv_iterator_seek(
        iterator, kv_slice(key_size == 0 ? (const void *)"" : cursor->data + 1, key_size));
    uint64_t bytes = 0;
    for (; valid && bytes < bytes_max; valid = kv_iterator_next(iterator))
        bytes += kv_iterator_key(iterator).size + kv_iterator_value(iterator).size;
    enum status status = kv_iterator_status(iterator, err);
    uint8_t next = (uint8_t)(valid ? column : column + 1);
    buffer_clear(cursor);
    if (next < COLUMN_COUNT)
        buffer_append_byte(cursor, next);
    if (valid)
        buffer_append(cursor, kv_iterator_key(iterator).data, kv_iterator_key(iterator).size);
    kv_iterator_close(iterator);
    *ret_bytes = bytes;
    if (status == STATUS_OK && cursor->failed)
        return error_set(err, STATUS_NO_MEMORY, "checking the store");
    return status == STATUS_OK && next == COLUMN_COUNT ? STATUS_END : status;
}

/* The first key behind all that begin with the prefix; false: there is none. */
static bool end_of_prefix(struct storage_slice prefix, uint8_t ret_end[STORAGE_KEY_MAX],
                          size_t *ret_size)
{
    memcpy(ret_end, prefix.bytes, prefix.size);
    for (size_t size = prefix.size; size > 0; size--) {
        if (ret_end[size - 1] != 0xff) {
            ret_end[size - 1]++;
            *ret_size = size;
            return true;
        }
    }
    return false;
}

static enum status delete_prefix(void *self, struct storage_slice prefix, struct error *err)
{
    uint8_t end[STORAGE_KEY_MAX];
    size_t size = 0;
    CHECK(prefix.size > 0 && prefix.size <= sizeof(end));
    CHECK(end_of_prefix(prefix, end, &size));
    enum status status = check_room(self, err);
    if (status != STATUS_OK)
        return status;
    struct kv *kv = kv_of(self);
    struct kv_batch *batch = kv_batch_new();
    kv_delete_range(batch, kv, column_of(prefix), slice(prefix), kv_slice(end, size));
    status = kv_write(kv, batch, false, err);
    kv_batch_free(batch);
    return status;
}

static const struct storage_ops ops = {
    .write = write_batch,
    .bulk_open = bulk_open,
    .bulk_add = bulk_add,
    .bulk_finish = bulk_finish,
    .bulk_abort = bulk_abort,
    .get = get,
    .pin = pin,
    .unpin = unpin,
    .iterate = iterate,
    .check = check,
    .delete_prefix = delete_prefix,
};

enum status storage_rocksdb_open(const char *folder, uint64_t memory_bytes,
                                 struct storage_rocksdb **ret_storage, struct error *err)
{
    struct storage_rocksdb *storage = calloc(1, sizeof(*storage));
    if (storage == NULL)
        return error_set(err, STATUS_NO_MEMORY, "no memory for a store");
    struct kv_options options = {
        .columns = columns, .column_count = COLUMN_COUNT, .memory_bytes = memory_bytes};
    storage->folder = check_alloc(strdup(folder));
    enum status status = kv_open(folder, &options, &storage->kv, err);
    if (status != STATUS_OK) {
        free(storage->folder);
        free(storage);
        return status;
    }
    *ret_storage = storage;
    return STATUS_OK;
}

enum status storage_rocksdb_erase(const char *folder, struct error *err)
{
    return kv_erase(folder, err);
}

void storage_rocksdb_close(struct storage_rocksdb *storage)
{
    if (storage == NULL)
        return;
    kv_close(storage->kv);
    free(storage->folder);
    free(storage);
}

void storage_rocksdb_keep_free(struct storage_rocksdb *storage, uint64_t bytes)
{
    storage->keep_free_bytes = bytes;
}

struct storage storage_rocksdb_storage(struct storage_rocksdb *storage)
{
    return (struct storage){&ops, storage};
}

uint64_t storage_rocksdb_disk_bytes(struct storage_rocksdb *storage)
{
    return kv_disk_bytes(storage->kv);
}
