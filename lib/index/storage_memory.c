#include "index/storage_memory.h"

#include <pthread.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>

#include "base/check.h"

/* Shared by the table and by pins: readable until the last of them lets go. */
struct value {
    atomic_uint references;
    size_t size;
    uint8_t bytes[];
};

struct entry {
    uint8_t key[STORAGE_KEY_MAX];
    size_t key_size;
    struct value *value;
};

struct storage_memory {
    pthread_mutex_t lock;
    struct entry *entries; /* in the order of their keys */
    size_t count;
    size_t capacity;
    enum status failure;    /* what writes return; STATUS_OK: they work */
    unsigned failure_after; /* so many writes work before */
};

/* Entries not yet in the table. */
struct bulk {
    struct entry *entries;
    size_t count;
    size_t capacity;
};

static struct value *value_new(struct storage_slice bytes)
{
    struct value *value = malloc(sizeof(*value) + bytes.size);
    if (value == NULL)
        return NULL;
    atomic_init(&value->references, 1);
    value->size = bytes.size;
    if (bytes.size > 0)
        memcpy(value->bytes, bytes.bytes, bytes.size);
    return value;
}

static void value_release(struct value *value)
{
    if (value != NULL && atomic_fetch_sub(&value->references, 1) == 1)
        free(value);
}

static int compare_keys(const uint8_t *a, size_t a_size, const uint8_t *b, size_t b_size)
{
    size_t common = a_size < b_size ? a_size : b_size;
    int order = common == 0 ? 0 : memcmp(a, b, common);
    return order != 0 ? order : (a_size > b_size) - (a_size < b_size);
}

/* The first entry whose key is not below `key`. */
static size_t find(const struct storage_memory *memory, struct storage_slice key)
{
    size_t low = 0;
    size_t high = memory->count;
    while (low < high) {
        size_t middle = low + (high - low) / 2;
        const struct entry *entry = &memory->entries[middle];
        if (compare_keys(entry->key, entry->key_size, key.bytes, key.size) < 0)
            low = middle + 1;
        else
            high = middle;
    }
    return low;
}

static bool is_at(const struct storage_memory *memory, size_t at, struct storage_slice key)
{
    return at < memory->count && memory->entries[at].key_size == key.size &&
           memcmp(memory->entries[at].key, key.bytes, key.size) == 0;
}

static bool reserve(struct entry **entries, size_t *capacity, size_t count)
{
    if (count <= *capacity)
        return true;
    size_t larger = count < 64 ? 64 : count * 2;
    struct entry *grown = realloc(*entries, larger * sizeof(**entries));
    if (grown == NULL)
        return false;
    *entries = grown;
    *capacity = larger;
    return true;
}

/* There is room for one more entry. Takes the reference. */
static void put(struct storage_memory *memory, struct storage_slice key, struct value *value)
{
    size_t at = find(memory, key);
    if (is_at(memory, at, key)) {
        value_release(memory->entries[at].value);
        memory->entries[at].value = value;
        return;
    }
    struct entry *entry = &memory->entries[at];
    memmove(entry + 1, entry, (memory->count - at) * sizeof(*entry));
    memcpy(entry->key, key.bytes, key.size);
    entry->key_size = key.size;
    entry->value = value;
    memory->count++;
}

static void remove_range(struct storage_memory *memory, size_t first, size_t end)
{
    if (first == end)
        return;
    for (size_t i = first; i < end; i++)
        value_release(memory->entries[i].value);
    memmove(memory->entries + first, memory->entries + end,
            (memory->count - end) * sizeof(*memory->entries));
    memory->count -= end - first;
}

static void release_values(struct value **values, size_t count)
{
    for (size_t i = 0; i < count; i++)
        value_release(values[i]);
    free(values);
}

/* Copies of the values of puts, so that nothing can fail half-way through a batch. */
static struct value **copy_values(const struct storage_operation *operations, size_t count)
{
    struct value **values = calloc(count + 1, sizeof(*values));
    for (size_t i = 0; values != NULL && i < count; i++) {
        CHECK(operations[i].key.size > 0 && operations[i].key.size <= STORAGE_KEY_MAX);
        CHECK(operations[i].value.size <= STORAGE_VALUE_MAX);
        if (operations[i].kind != STORAGE_PUT)
            continue;
        values[i] = value_new(operations[i].value);
        if (values[i] == NULL) {
            release_values(values, count);
            return NULL;
        }
    }
    return values;
}

/* What this write returns, with the lock held. */
static enum status next_failure(struct storage_memory *memory)
{
    if (memory->failure == STATUS_OK || memory->failure_after == 0)
        return memory->failure;
    memory->failure_after--;
    return STATUS_OK;
}

static enum status memory_write(void *self, const struct storage_operation *operations,
                                size_t count, bool durable, struct error *err)
{
    (void)durable;
    struct storage_memory *memory = self;
    struct value **values = copy_values(operations, count);
    if (values == NULL)
        return error_set(err, STATUS_NO_MEMORY, "storage in memory");

    pthread_mutex_lock(&memory->lock);
    enum status status = next_failure(memory);
    if (status == STATUS_OK && !reserve(&memory->entries, &memory->capacity, memory->count + count))
        status = STATUS_NO_MEMORY;
    for (size_t i = 0; status == STATUS_OK && i < count; i++) {
        if (operations[i].kind == STORAGE_PUT) {
            put(memory, operations[i].key, values[i]);
            values[i] = NULL;
            continue;
        }
        size_t at = find(memory, operations[i].key);
        if (is_at(memory, at, operations[i].key))
            remove_range(memory, at, at + 1);
    }
    pthread_mutex_unlock(&memory->lock);
    release_values(values, count);
    return status == STATUS_OK ? status : error_set(err, status, "storage in memory");
}

static enum status memory_bulk_open(void *self, void **ret_bulk, struct error *err)
{
    (void)self;
    struct bulk *bulk = calloc(1, sizeof(*bulk));
    if (bulk == NULL)
        return error_set(err, STATUS_NO_MEMORY, "storage in memory");
    *ret_bulk = bulk;
    return STATUS_OK;
}

static void memory_bulk_abort(void *self, void *bulk_pointer)
{
    (void)self;
    struct bulk *bulk = bulk_pointer;
    if (bulk == NULL)
        return;
    for (size_t i = 0; i < bulk->count; i++)
        value_release(bulk->entries[i].value);
    free(bulk->entries);
    free(bulk);
}

static enum status memory_bulk_add(void *self, void *bulk_pointer, struct storage_slice key,
                                   struct storage_slice value, struct error *err)
{
    struct storage_memory *memory = self;
    struct bulk *bulk = bulk_pointer;
    pthread_mutex_lock(&memory->lock);
    enum status status = next_failure(memory);
    pthread_mutex_unlock(&memory->lock);
    if (status != STATUS_OK)
        return error_set(err, status, "storage in memory");
    CHECK(key.size > 0 && key.size <= STORAGE_KEY_MAX && value.size <= STORAGE_VALUE_MAX);
    if (bulk->count > 0) {
        const struct entry *last = &bulk->entries[bulk->count - 1];
        CHECK(compare_keys(last->key, last->key_size, key.bytes, key.size) < 0);
    }
    if (!reserve(&bulk->entries, &bulk->capacity, bulk->count + 1))
        return error_set(err, STATUS_NO_MEMORY, "storage in memory");
    struct entry *entry = &bulk->entries[bulk->count];
    memcpy(entry->key, key.bytes, key.size);
    entry->key_size = key.size;
    entry->value = value_new(value);
    if (entry->value == NULL)
        return error_set(err, STATUS_NO_MEMORY, "storage in memory");
    bulk->count++;
    return STATUS_OK;
}

static enum status memory_bulk_finish(void *self, void *bulk_pointer, struct error *err)
{
    struct storage_memory *memory = self;
    struct bulk *bulk = bulk_pointer;
    pthread_mutex_lock(&memory->lock);
    enum status status = next_failure(memory);
    if (status == STATUS_OK &&
        !reserve(&memory->entries, &memory->capacity, memory->count + bulk->count))
        status = STATUS_NO_MEMORY;
    for (size_t i = 0; status == STATUS_OK && i < bulk->count; i++) {
        struct entry *entry = &bulk->entries[i];
        put(memory, (struct storage_slice){entry->key, entry->key_size}, entry->value);
        entry->value = NULL;
    }
    pthread_mutex_unlock(&memory->lock);
    memory_bulk_abort(self, bulk);
    return status == STATUS_OK ? status : error_set(err, status, "storage in memory");
}

/* A reference to the value of a key; NULL where there is none. */
static struct value *take(struct storage_memory *memory, struct storage_slice key)
{
    struct value *value = NULL;
    pthread_mutex_lock(&memory->lock);
    size_t at = find(memory, key);
    if (is_at(memory, at, key)) {
        value = memory->entries[at].value;
        atomic_fetch_add(&value->references, 1);
    }
    pthread_mutex_unlock(&memory->lock);
    return value;
}

static enum status memory_get(void *self, struct storage_slice key, struct buffer *ret_value,
                              struct error *err)
{
    struct value *value = take(self, key);
    if (value == NULL)
        return STATUS_NOT_FOUND;
    buffer_append(ret_value, value->bytes, value->size);
    value_release(value);
    return ret_value->failed ? error_set(err, STATUS_NO_MEMORY, "storage in memory") : STATUS_OK;
}

static enum status memory_pin(void *self, struct storage_slice key, struct storage_pin *ret_pin,
                              struct error *err)
{
    struct value *value = take(self, key);
    if (value == NULL)
        return error_set(err, STATUS_NOT_FOUND, "no such value");
    *ret_pin = (struct storage_pin){value->bytes, value->size, value};
    return STATUS_OK;
}

static void memory_unpin(void *self, struct storage_pin *pin)
{
    (void)self;
    value_release(pin->handle);
    *pin = (struct storage_pin){0};
}

static bool has_prefix(const struct entry *entry, struct storage_slice prefix)
{
    return prefix.size == 0 ||
           (entry->key_size >= prefix.size && memcmp(entry->key, prefix.bytes, prefix.size) == 0);
}

static enum status memory_iterate(void *self, struct storage_slice prefix,
                                  struct storage_slice from, storage_visit visit, void *context,
                                  struct error *err)
{
    struct storage_memory *memory = self;
    enum status status = STATUS_OK;
    pthread_mutex_lock(&memory->lock);
    size_t at = find(memory, prefix);
    size_t from_at = find(memory, from);
    if (from_at > at)
        at = from_at;
    for (; at < memory->count && has_prefix(&memory->entries[at], prefix); at++) {
        const struct entry *entry = &memory->entries[at];
        status = visit(context, (struct storage_slice){entry->key, entry->key_size},
                       (struct storage_slice){entry->value->bytes, entry->value->size});
        if (status != STATUS_OK)
            break;
    }
    pthread_mutex_unlock(&memory->lock);
    if (status == STATUS_OK || status == STATUS_END)
        return STATUS_OK;
    return error_set(err, status, "walk through the storage");
}

/* It has no checksums. */
static enum status memory_check(void *self, struct buffer *cursor, uint64_t bytes_max,
                                uint64_t *ret_bytes, struct error *err)
{
    (void)self;
    (void)bytes_max;
    (void)err;
    buffer_clear(cursor);
    *ret_bytes = 0;
    return STATUS_END;
}

static enum status memory_delete_prefix(void *self, struct storage_slice prefix, struct error *err)
{
    struct storage_memory *memory = self;
    pthread_mutex_lock(&memory->lock);
    enum status status = next_failure(memory);
    if (status == STATUS_OK) {
        size_t first = find(memory, prefix);
        size_t end = first;
        while (end < memory->count && has_prefix(&memory->entries[end], prefix))
            end++;
        remove_range(memory, first, end);
    }
    pthread_mutex_unlock(&memory->lock);
    return status == STATUS_OK ? status : error_set(err, status, "storage in memory");
}

static const struct storage_ops memory_ops = {
    .write = memory_write,
    .bulk_open = memory_bulk_open,
    .bulk_add = memory_bulk_add,
    .bulk_finish = memory_bulk_finish,
    .bulk_abort = memory_bulk_abort,
    .get = memory_get,
    .pin = memory_pin,
    .unpin = memory_unpin,
    .iterate = memory_iterate,
    .check = memory_check,
    .delete_prefix = memory_delete_prefix,
};

struct storage_memory *storage_memory_new(void)
{
    struct storage_memory *memory = calloc(1, sizeof(*memory));
    if (memory != NULL)
        pthread_mutex_init(&memory->lock, NULL);
    return memory;
}

void storage_memory_free(struct storage_memory *memory)
{
    if (memory == NULL)
        return;
    remove_range(memory, 0, memory->count);
    free(memory->entries);
    pthread_mutex_destroy(&memory->lock);
    free(memory);
}

struct storage storage_memory_storage(struct storage_memory *memory)
{
    return (struct storage){&memory_ops, memory};
}

void storage_memory_fail_writes(struct storage_memory *memory, enum status status)
{
    storage_memory_fail_later(memory, 0, status);
}

void storage_memory_fail_later(struct storage_memory *memory, unsigned writes, enum status status)
{
    pthread_mutex_lock(&memory->lock);
    memory->failure = status;
    memory->failure_after = writes;
    pthread_mutex_unlock(&memory->lock);
}

size_t storage_memory_keys(struct storage_memory *memory)
{
    pthread_mutex_lock(&memory->lock);
    size_t count = memory->count;
    pthread_mutex_unlock(&memory->lock);
    return count;
}
