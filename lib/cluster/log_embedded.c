/* The log in a RocksDB of its own. docs/format-log.md draws keys and values. */
#include <pthread.h>
#include <stdlib.h>
#include <string.h>

#include "base/bytes.h"
#include "base/check.h"
#include "base/clock.h"
#include "cluster/log.h"
#include "cluster/log_record.h"
#include "store/kv.h"

enum { COLUMN_LOG, COLUMN_META, COLUMN_COUNT };
enum { DISK_BYTES_MS = 5000 }; /* how old that number may be */

static const struct kv_column columns[COLUMN_COUNT] = {
    [COLUMN_LOG] = {.name = "log"},
    [COLUMN_META] = {.name = "meta"},
};

/* Keys of COLUMN_META. */
#define KEY_IDENTITY "identity" /* 16 random bytes */
#define KEY_EPOCH    "epoch"    /* u64, big-endian, as the others */
#define KEY_HEAD     "head"
#define KEY_ENTRIES  "entries"

struct log_store {
    struct kv *kv;
    struct kv_batch *batch; /* the writer's */
    struct buffer record;   /* the writer's */
    uint8_t identity[16];
    pthread_mutex_t lock; /* of what follows */
    uint64_t epoch;
    uint64_t head;
    uint64_t entries;
    uint64_t disk_bytes; /* as last looked up: that walks the folder */
    int64_t disk_bytes_ms;
};

static struct kv_slice meta_key(const char *name)
{
    return kv_slice(name, strlen(name));
}

static void put_number(struct log_store *log, const char *name, uint64_t number)
{
    uint8_t value[8];
    put_be64(value, number);
    kv_put(log->batch, log->kv, COLUMN_META, meta_key(name), kv_slice(value, sizeof(value)));
}

/* Exactly `size` bytes under `name`; STATUS_NOT_FOUND in a log that is new. */
static enum status read_meta(struct log_store *log, const char *name, uint8_t *ret, size_t size,
                             struct error *err)
{
    struct buffer value = {0};
    enum status status = kv_get(log->kv, COLUMN_META, meta_key(name), &value, err);
    if (status == STATUS_OK && value.size != size)
        status = error_set(err, STATUS_CORRUPT, "the log's %s has %zu bytes", name, value.size);
    if (status == STATUS_OK)
        memcpy(ret, value.data, size);
    buffer_release(&value);
    return status;
}

static enum status read_number(struct log_store *log, const char *name, uint64_t *ret,
                               struct error *err)
{
    uint8_t value[8];
    enum status status = read_meta(log, name, value, sizeof(value), err);
    if (status == STATUS_OK)
        *ret = get_be64(value);
    else if (status == STATUS_NOT_FOUND)
        status = error_set(err, STATUS_CORRUPT, "the log has lost its %s", name);
    return status;
}

static enum status make_identity(struct log_store *log, struct error *err)
{
    random_bytes(log->identity, sizeof(log->identity));
    kv_batch_clear(log->batch);
    kv_put(log->batch, log->kv, COLUMN_META, meta_key(KEY_IDENTITY),
           kv_slice(log->identity, sizeof(log->identity)));
    put_number(log, KEY_EPOCH, 0);
    put_number(log, KEY_HEAD, 0);
    put_number(log, KEY_ENTRIES, 0);
    return kv_write(log->kv, log->batch, true, err);
}

/* The newest entry must be the head or, where that one was forgotten, before it. */
static enum status check_head(struct log_store *log, struct error *err)
{
    struct kv_iterator *it = kv_iterator_open(log->kv, COLUMN_LOG);
    enum status status = STATUS_OK;
    if (kv_iterator_seek_last(it)) {
        struct kv_slice key = kv_iterator_key(it);
        if (key.size != 8 || get_be64(key.data) > log->head)
            status = error_set(err, STATUS_CORRUPT, "the log holds entries behind its head");
    } else {
        status = kv_iterator_status(it, err);
    }
    kv_iterator_close(it);
    return status;
}

static enum status load_state(struct log_store *log, struct error *err)
{
    enum status status = read_meta(log, KEY_IDENTITY, log->identity, sizeof(log->identity), err);
    if (status == STATUS_NOT_FOUND)
        return make_identity(log, err);
    if (status == STATUS_OK)
        status = read_number(log, KEY_EPOCH, &log->epoch, err);
    if (status == STATUS_OK)
        status = read_number(log, KEY_HEAD, &log->head, err);
    if (status == STATUS_OK)
        status = read_number(log, KEY_ENTRIES, &log->entries, err);
    return status == STATUS_OK ? check_head(log, err) : status;
}

enum status log_open_embedded(const char *folder, uint64_t memory_bytes, struct log_store **ret_log,
                              struct error *err)
{
    struct log_store *log = calloc(1, sizeof(*log));
    if (log == NULL)
        return error_set(err, STATUS_NO_MEMORY, "no memory");
    pthread_mutex_init(&log->lock, NULL);
    log->batch = kv_batch_new();
    struct kv_options options = {columns, COLUMN_COUNT, memory_bytes};
    enum status status = kv_open(folder, &options, &log->kv, err);
    if (status == STATUS_OK)
        status = load_state(log, err);
    if (status != STATUS_OK) {
        log_close(log);
        return status;
    }
    *ret_log = log;
    return STATUS_OK;
}

void log_close(struct log_store *log)
{
    if (log == NULL)
        return;
    kv_batch_free(log->batch);
    kv_close(log->kv);
    buffer_release(&log->record);
    pthread_mutex_destroy(&log->lock);
    free(log);
}

/* ---- writing ------------------------------------------------------------------------------ */

static enum status add_entry(struct log_store *log, uint64_t sequence, const Log__Entry *entry,
                             struct error *err)
{
    buffer_clear(&log->record);
    enum status status = log_record_encode(sequence, entry, &log->record, err);
    if (status != STATUS_OK)
        return status;
    uint8_t key[8];
    put_be64(key, sequence);
    kv_put(log->batch, log->kv, COLUMN_LOG, kv_slice(key, sizeof(key)),
           kv_slice(log->record.data, log->record.size));
    return STATUS_OK;
}

enum status log_append(struct log_store *log, uint64_t epoch, Log__Entry *const *entries,
                       size_t count, uint64_t *ret_first, struct error *err)
{
    /* One thread appends and forgets, so what it reads without the lock is its own. */
    if (epoch != log->epoch)
        return error_set(err, STATUS_CONFLICT,
                         "a later term of office has begun (%lu, this writer's is %lu)", log->epoch,
                         epoch);
    kv_batch_clear(log->batch);
    enum status status = STATUS_OK;
    for (size_t i = 0; i < count && status == STATUS_OK; i++)
        status = add_entry(log, log->head + 1 + i, entries[i], err);
    if (status != STATUS_OK)
        return status;
    put_number(log, KEY_HEAD, log->head + count);
    put_number(log, KEY_ENTRIES, log->entries + count);
    status = kv_write(log->kv, log->batch, true, err);
    if (status != STATUS_OK)
        return status;
    *ret_first = log->head + 1;
    pthread_mutex_lock(&log->lock);
    log->head += count;
    log->entries += count;
    pthread_mutex_unlock(&log->lock);
    return STATUS_OK;
}

enum status log_begin_epoch(struct log_store *log, uint64_t *ret_epoch, struct error *err)
{
    kv_batch_clear(log->batch);
    put_number(log, KEY_EPOCH, log->epoch + 1);
    enum status status = kv_write(log->kv, log->batch, true, err);
    if (status != STATUS_OK)
        return status;
    pthread_mutex_lock(&log->lock);
    log->epoch++;
    pthread_mutex_unlock(&log->lock);
    *ret_epoch = log->epoch;
    return STATUS_OK;
}

static int compare_sequences(const void *a, const void *b)
{
    uint64_t first = *(const uint64_t *)a, second = *(const uint64_t *)b;
    return first < second ? -1 : first > second;
}

/* Puts the deletion into the batch and counts it, where the entry is still there. */
static enum status forget_one(struct log_store *log, uint64_t sequence, uint64_t *forgotten,
                              struct error *err)
{
    uint8_t key[8];
    put_be64(key, sequence);
    buffer_clear(&log->record);
    enum status status = kv_get(log->kv, COLUMN_LOG, kv_slice(key, sizeof(key)), &log->record, err);
    if (status == STATUS_NOT_FOUND)
        return STATUS_OK; /* forgotten before: the count must not fall twice */
    if (status != STATUS_OK)
        return status;
    kv_delete(log->batch, log->kv, COLUMN_LOG, kv_slice(key, sizeof(key)));
    ++*forgotten;
    return STATUS_OK;
}

static enum status forget_sorted(struct log_store *log, const uint64_t *sequences, size_t count,
                                 struct error *err)
{
    uint64_t forgotten = 0;
    kv_batch_clear(log->batch);
    for (size_t i = 0; i < count; i++) {
        if (i > 0 && sequences[i] == sequences[i - 1])
            continue;
        enum status status = forget_one(log, sequences[i], &forgotten, err);
        if (status != STATUS_OK)
            return status;
    }
    if (forgotten == 0)
        return STATUS_OK;
    put_number(log, KEY_ENTRIES, log->entries - forgotten);
    enum status status = kv_write(log->kv, log->batch, false, err);
    if (status != STATUS_OK)
        return status;
    pthread_mutex_lock(&log->lock);
    log->entries -= forgotten;
    pthread_mutex_unlock(&log->lock);
    return STATUS_OK;
}

enum status log_forget(struct log_store *log, const uint64_t *sequences, size_t count,
                       struct error *err)
{
    uint64_t *sorted = malloc((count + 1) * sizeof(*sorted));
    if (sorted == NULL)
        return error_set(err, STATUS_NO_MEMORY, "no memory");
    memcpy(sorted, sequences, count * sizeof(*sorted));
    qsort(sorted, count, sizeof(*sorted), compare_sequences);
    enum status status = forget_sorted(log, sorted, count, err);
    free(sorted);
    return status;
}

enum status log_scrub(struct log_store *log, uint64_t first, uint64_t last, struct error *err)
{
    uint8_t from[8], end[8];
    put_be64(from, first);
    put_be64(end, last + 1);
    return kv_compact(log->kv, COLUMN_LOG, kv_slice(from, sizeof(from)), kv_slice(end, sizeof(end)),
                      err);
}

/* ---- reading ------------------------------------------------------------------------------ */

/* Sets *ret_more to what the visitor says. */
static enum status visit_one(struct kv_iterator *it, struct arena *arena, log_visitor *visit,
                             void *context, bool *ret_more, struct error *err)
{
    struct kv_slice key = kv_iterator_key(it);
    struct kv_slice value = kv_iterator_value(it);
    if (key.size != 8)
        return error_set(err, STATUS_CORRUPT, "a key of %zu bytes in the log", key.size);
    uint64_t sequence = get_be64(key.data);
    Log__Entry *entry;
    enum status status = log_record_decode(sequence, value.data, value.size, arena, &entry, err);
    if (status == STATUS_OK)
        *ret_more = visit(context, sequence, entry);
    return status;
}

enum status log_read(struct log_store *log, uint64_t from, log_visitor *visit, void *context,
                     struct error *err)
{
    struct kv_iterator *it = kv_iterator_open(log->kv, COLUMN_LOG);
    struct arena arena = {0};
    enum status status = STATUS_OK;
    uint8_t first[8];
    put_be64(first, from);
    bool more = kv_iterator_seek(it, kv_slice(first, sizeof(first)));
    while (more && status == STATUS_OK) {
        status = visit_one(it, &arena, visit, context, &more, err);
        arena_reset(&arena);
        if (status == STATUS_OK && more)
            more = kv_iterator_next(it);
    }
    if (status == STATUS_OK)
        status = kv_iterator_status(it, err);
    arena_release(&arena);
    kv_iterator_close(it);
    return status;
}

enum status log_get(struct log_store *log, uint64_t sequence, struct arena *arena,
                    Log__Entry **ret_entry, struct error *err)
{
    uint8_t key[8];
    struct buffer record = {0};
    put_be64(key, sequence);
    enum status status = kv_get(log->kv, COLUMN_LOG, kv_slice(key, sizeof(key)), &record, err);
    if (status == STATUS_OK)
        status = log_record_decode(sequence, record.data, record.size, arena, ret_entry, err);
    buffer_release(&record);
    return status;
}

void log_get_status(struct log_store *log, struct log_status *ret_status)
{
    int64_t now = clock_boot_ms();
    memcpy(ret_status->identity, log->identity, sizeof(log->identity));
    pthread_mutex_lock(&log->lock);
    bool old = log->disk_bytes == 0 || now - log->disk_bytes_ms > DISK_BYTES_MS;
    if (old)
        log->disk_bytes_ms = now; /* others need not look at the same time */
    pthread_mutex_unlock(&log->lock);
    uint64_t bytes = old ? kv_disk_bytes(log->kv) : 0;
    pthread_mutex_lock(&log->lock);
    if (old)
        log->disk_bytes = bytes;
    ret_status->bytes = log->disk_bytes;
    ret_status->head = log->head;
    ret_status->entries = log->entries;
    pthread_mutex_unlock(&log->lock);
}
