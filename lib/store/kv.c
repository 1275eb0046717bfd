#include "store/kv.h"

#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/check.h"
#include "base/file.h"
#include "store/engine.h"
#include "store/folder.h"

enum {
    MEMORY_DEFAULT = 32 * 1024 * 1024,
    WRITE_BUFFER_MIN = 1024 * 1024,
    WRITE_BUFFER_MAX = 32 * 1024 * 1024,
    OPEN_FILES_MAX = 256,
    BLOCK_BYTES = 4096,
    BLOOM_BITS = 10,
    ENGINE_LOG_BYTES = 1024 * 1024,
    /* On a full disk the engine's second line in its own log aborts the process: so it says there
     * with what options it was opened and no more. What fails comes back as a call's status. */
    ENGINE_LOG_OPENING_ONLY = 5,
    SYNC_BYTES = 1024 * 1024, /* written back as we go, so that no fsync has much to wait for */
};

struct kv_batch {
    rocksdb_writebatch_t *engine;
    struct buffer dropped; /* of large columns: struct dropped_range, then its two keys */
};

struct dropped_range {
    unsigned column;
    size_t first_size;
    size_t end_size;
};

struct kv_iterator {
    rocksdb_iterator_t *engine;
};

/* ---- errors ------------------------------------------------------------------------------ */

static enum status status_of(const char *words)
{
    if (strstr(words, "No space left") != NULL || strstr(words, "NoSpace") != NULL ||
        strstr(words, "Disk quota") != NULL)
        return STATUS_NO_SPACE;
    if (strncmp(words, "Corruption", 10) == 0 ||
        strstr(words, "larger than file length") != NULL) /* a mapped file was cut */
        return STATUS_CORRUPT;
    if (strstr(words, "lock hold") != NULL || strstr(words, "While lock file") != NULL)
        return STATUS_CONFLICT;
    if (strncmp(words, "NotFound", 8) == 0)
        return STATUS_NOT_FOUND;
    return STATUS_IO;
}

enum status engine_status(char *words, const char *doing, struct error *err)
{
    if (words == NULL)
        return STATUS_OK;
    enum status status = status_of(words);
    error_set(err, status, "%s: %s", doing, words);
    rocksdb_free(words);
    return status;
}

/* ---- options ----------------------------------------------------------------------------- */

static uint64_t memory_of(const struct kv_options *options)
{
    return options->memory_bytes == 0 ? MEMORY_DEFAULT : options->memory_bytes;
}

/* Shared by all columns. Every size is bounded. */
static rocksdb_options_t *database_options(const struct kv_options *wanted, uint64_t memory)
{
    rocksdb_options_t *options = rocksdb_options_create();
    rocksdb_options_set_create_if_missing(options, 1);
    rocksdb_options_set_create_missing_column_families(options, 1);
    rocksdb_options_set_max_open_files(options, OPEN_FILES_MAX);
    rocksdb_options_set_max_background_jobs(options, 2);
    rocksdb_options_set_db_write_buffer_size(options, memory / 2);
    rocksdb_options_set_max_total_wal_size(options, memory);
    rocksdb_options_set_bytes_per_sync(options, SYNC_BYTES);
    rocksdb_options_set_wal_recovery_mode(options, rocksdb_point_in_time_recovery);
    rocksdb_options_set_skip_stats_update_on_db_open(options, 1);
    rocksdb_options_set_stats_dump_period_sec(options, 0);
    rocksdb_options_set_stats_persist_period_sec(options, 0);
    rocksdb_options_set_info_log_level(options, ENGINE_LOG_OPENING_ONLY);
    rocksdb_options_set_max_log_file_size(options, ENGINE_LOG_BYTES);
    rocksdb_options_set_keep_log_file_num(options, 2);
    rocksdb_options_set_max_manifest_file_size(options, 16 * 1024 * 1024);
    rocksdb_options_set_manifest_preallocation_size(options, 64 * 1024);
    for (unsigned i = 0; i < wanted->column_count; i++) {
        if (wanted->columns[i].large_values)
            rocksdb_options_set_allow_mmap_reads(options, 1);
    }
    return options;
}

static rocksdb_block_based_table_options_t *table_options(const struct kv_column *column,
                                                          rocksdb_cache_t *cache)
{
    rocksdb_block_based_table_options_t *table = rocksdb_block_based_options_create();
    rocksdb_block_based_options_set_block_size(table, BLOCK_BYTES);
    rocksdb_block_based_options_set_format_version(table, ENGINE_FORMAT_VERSION);
    if (column->large_values) {
        /* No filter: it would only be read to be checked. */
        /* Indexes are small here and stay in memory; caching them without a block cache would
         * read them anew at each lookup. */
        rocksdb_block_based_options_set_no_block_cache(table, 1);
        rocksdb_block_based_options_set_cache_index_and_filter_blocks(table, 0);
    } else {
        rocksdb_block_based_options_set_filter_policy(
            table, rocksdb_filterpolicy_create_bloom_full(BLOOM_BITS));
        rocksdb_block_based_options_set_block_cache(table, cache);
        rocksdb_block_based_options_set_cache_index_and_filter_blocks(table, 1);
        rocksdb_block_based_options_set_pin_l0_filter_and_index_blocks_in_cache(table, 1);
        /* The filter of a large file would not fit a shard of a small cache and be read anew at
         * each lookup: its parts do. */
        rocksdb_block_based_options_set_index_type(
            table, rocksdb_block_based_table_index_type_two_level_index_search);
        rocksdb_block_based_options_set_partition_filters(table, 1);
        rocksdb_block_based_options_set_pin_top_level_index_and_filter(table, 1);
    }
    return table;
}

static rocksdb_options_t *column_options(const struct kv_column *column, rocksdb_options_t *base,
                                         rocksdb_cache_t *cache, uint64_t memory)
{
    uint64_t buffer = memory / 8;
    buffer = buffer < WRITE_BUFFER_MIN ? WRITE_BUFFER_MIN : buffer;
    buffer = buffer > WRITE_BUFFER_MAX ? WRITE_BUFFER_MAX : buffer;
    rocksdb_options_t *options = rocksdb_options_create_copy(base);
    rocksdb_block_based_table_options_t *table = table_options(column, cache);
    rocksdb_options_set_block_based_table_factory(options, table);
    rocksdb_block_based_options_destroy(table); /* the factory holds a copy */
    rocksdb_options_set_write_buffer_size(options, buffer);
    rocksdb_options_set_max_write_buffer_number(options, 2);
    rocksdb_options_set_compression(options, column->large_values ? rocksdb_no_compression
                                                                  : rocksdb_lz4_compression);
    if (column->prefix_bytes > 0)
        rocksdb_options_set_prefix_extractor(
            options, rocksdb_slicetransform_create_fixed_prefix(column->prefix_bytes));
    return options;
}

/* ---- opening ----------------------------------------------------------------------------- */

/* The families to open: those asked for, then those that the store has besides. */
struct families {
    const char **names;
    const rocksdb_options_t **options;
    rocksdb_column_family_handle_t **handles;
    unsigned count;
    char **existing;
    size_t existing_count;
};

static bool is_asked_for(const struct kv *kv, const char *name)
{
    for (unsigned i = 0; i < kv->column_count; i++) {
        if (strcmp(kv->columns[i].name, name) == 0)
            return true;
    }
    return false;
}

static void families_add(struct families *families, const struct kv *kv, const char *name,
                         bool asked)
{
    unsigned i = families->count++;
    families->names[i] = name;
    families->options[i] = asked ? kv->column_options[i] : kv->options;
}

static void families_init(struct families *families, const struct kv *kv, const char *path)
{
    char *words = NULL;
    *families = (struct families){0};
    families->existing =
        rocksdb_list_column_families(kv->options, path, &families->existing_count, &words);
    if (words != NULL) /* there is no store yet; if it is another fault, opening will say so */
        rocksdb_free(words);
    size_t max = kv->column_count + families->existing_count + 1;
    families->names = check_alloc(calloc(max, sizeof(*families->names)));
    families->options = check_alloc(calloc(max, sizeof(*families->options)));
    families->handles = check_alloc(calloc(max, sizeof(*families->handles)));
    for (unsigned i = 0; i < kv->column_count; i++)
        families_add(families, kv, kv->columns[i].name, true);
    if (!is_asked_for(kv, "default"))
        families_add(families, kv, "default", false);
    for (size_t i = 0; i < families->existing_count; i++) {
        const char *name = families->existing[i];
        if (!is_asked_for(kv, name) && strcmp(name, "default") != 0)
            families_add(families, kv, name, false);
    }
}

static void families_release(struct families *families)
{
    if (families->existing != NULL)
        rocksdb_list_column_families_destroy(families->existing, families->existing_count);
    free(families->names);
    free(families->options);
    free(families->handles);
}

static enum status open_engine(struct kv *kv, struct error *err)
{
    char path[PATH_MAX];
    int length = snprintf(path, sizeof(path), "%s/db", kv->path);
    if (length < 0 || (size_t)length >= sizeof(path) - 32)
        return error_set(err, STATUS_INVALID, "%s: the path is too long", kv->path);
    struct families families;
    char *words = NULL;
    families_init(&families, kv, path);
    kv->db = rocksdb_open_column_families(kv->options, path, (int)families.count, families.names,
                                          families.options, families.handles, &words);
    if (words == NULL) {
        memcpy(kv->handles, families.handles, kv->column_count * sizeof(*kv->handles));
        kv->other_count = families.count - kv->column_count;
        kv->others = check_alloc(calloc(kv->other_count + 1, sizeof(*kv->others)));
        memcpy(kv->others, families.handles + kv->column_count,
               kv->other_count * sizeof(*kv->others));
    } else {
        kv->db = NULL;
    }
    families_release(&families);
    return engine_status(words, kv->path, err);
}

static void make_options(struct kv *kv, const struct kv_options *options)
{
    uint64_t memory = memory_of(options);
    kv->options = database_options(options, memory);
    kv->cache = rocksdb_cache_create_lru(memory / 2);
    kv->column_count = options->column_count;
    for (unsigned i = 0; i < options->column_count; i++) {
        kv->columns[i] = options->columns[i];
        kv->column_options[i] =
            column_options(&options->columns[i], kv->options, kv->cache, memory);
    }
    kv->read = rocksdb_readoptions_create();
    kv->read_large = rocksdb_readoptions_create();
    rocksdb_readoptions_set_pin_data(kv->read_large, 1);
    rocksdb_readoptions_set_fill_cache(kv->read_large, 0);
    /* A checksum over a whole value would read all of it at each open. */
    rocksdb_readoptions_set_verify_checksums(kv->read_large, 0);
    kv->read_checking = rocksdb_readoptions_create();
    rocksdb_readoptions_set_fill_cache(kv->read_checking, 0);
    rocksdb_readoptions_set_verify_checksums(kv->read_checking, 1);
    rocksdb_readoptions_set_total_order_seek(kv->read_checking, 1);
    kv->write = rocksdb_writeoptions_create();
    kv->write_sync = rocksdb_writeoptions_create();
    rocksdb_writeoptions_set_sync(kv->write_sync, 1);
}

enum status kv_open(const char *path, const struct kv_options *options, struct kv **ret_kv,
                    struct error *err)
{
    CHECK(options->column_count > 0 && options->column_count <= KV_COLUMNS_MAX);
    struct kv *kv = calloc(1, sizeof(*kv));
    if (kv == NULL || (kv->path = strdup(path)) == NULL) {
        free(kv);
        return error_set(err, STATUS_NO_MEMORY, "no memory");
    }
    kv->lock = -1;
    enum status status = folder_lock(path, &kv->lock, err);
    if (status == STATUS_OK) {
        folder_drop_ballast_if_full(path);
        status = folder_prepare(path, err);
    }
    if (status == STATUS_OK) {
        make_options(kv, options);
        status = open_engine(kv, err);
    }
    if (status != STATUS_OK) {
        kv_close(kv);
        return status;
    }
    folder_make_ballast(path, memory_of(options));
    *ret_kv = kv;
    return STATUS_OK;
}

static void destroy_options(struct kv *kv)
{
    if (kv->options == NULL)
        return;
    for (unsigned i = 0; i < kv->column_count; i++)
        rocksdb_options_destroy(kv->column_options[i]);
    rocksdb_options_destroy(kv->options);
    rocksdb_readoptions_destroy(kv->read);
    rocksdb_readoptions_destroy(kv->read_large);
    rocksdb_readoptions_destroy(kv->read_checking);
    rocksdb_writeoptions_destroy(kv->write);
    rocksdb_writeoptions_destroy(kv->write_sync);
    rocksdb_cache_destroy(kv->cache);
}

void kv_close(struct kv *kv)
{
    if (kv == NULL)
        return;
    if (kv->db != NULL) {
        for (unsigned i = 0; i < kv->column_count; i++)
            rocksdb_column_family_handle_destroy(kv->handles[i]);
        for (unsigned i = 0; i < kv->other_count; i++)
            rocksdb_column_family_handle_destroy(kv->others[i]);
        rocksdb_close(kv->db);
    }
    destroy_options(kv);
    if (kv->lock >= 0)
        close(kv->lock);
    free(kv->others);
    free(kv->path);
    free(kv);
}

/* ---- writing ----------------------------------------------------------------------------- */

struct kv_batch *kv_batch_new(void)
{
    struct kv_batch *batch = check_alloc(calloc(1, sizeof(*batch)));
    batch->engine = rocksdb_writebatch_create();
    return batch;
}

void kv_batch_free(struct kv_batch *batch)
{
    if (batch == NULL)
        return;
    rocksdb_writebatch_destroy(batch->engine);
    buffer_release(&batch->dropped);
    free(batch);
}

void kv_batch_clear(struct kv_batch *batch)
{
    rocksdb_writebatch_clear(batch->engine);
    buffer_clear(&batch->dropped);
}

size_t kv_batch_bytes(const struct kv_batch *batch)
{
    size_t size = 0;
    rocksdb_writebatch_data(batch->engine, &size);
    return size;
}

void kv_put(struct kv_batch *batch, struct kv *kv, unsigned column, struct kv_slice key,
            struct kv_slice value)
{
    CHECK(column < kv->column_count);
    rocksdb_writebatch_put_cf(batch->engine, kv->handles[column], key.data, key.size, value.data,
                              value.size);
}

void kv_delete(struct kv_batch *batch, struct kv *kv, unsigned column, struct kv_slice key)
{
    CHECK(column < kv->column_count);
    rocksdb_writebatch_delete_cf(batch->engine, kv->handles[column], key.data, key.size);
}

void kv_delete_range(struct kv_batch *batch, struct kv *kv, unsigned column, struct kv_slice first,
                     struct kv_slice end)
{
    CHECK(column < kv->column_count);
    rocksdb_writebatch_delete_range_cf(batch->engine, kv->handles[column], first.data, first.size,
                                       end.data, end.size);
    if (!kv->columns[column].large_values)
        return;
    struct dropped_range range = {column, first.size, end.size};
    buffer_append(&batch->dropped, &range, sizeof(range));
    buffer_append(&batch->dropped, first.data, first.size);
    buffer_append(&batch->dropped, end.data, end.size);
}

/*
 * Unlinks the files that lie wholly in a dropped range: large values are given back at once and not
 * by a compaction that would copy their neighbours. The engine takes the range's end as part of it,
 * so it is told a key just below ours.
 */
static void drop_files(struct kv *kv, unsigned column, const uint8_t *first, size_t first_size,
                       const uint8_t *end, size_t end_size)
{
    enum { TAIL = 64 };
    if (end_size == 0)
        return;
    uint8_t *below = malloc(end_size + TAIL);
    if (below == NULL)
        return; /* compaction will do it */
    memcpy(below, end, end_size);
    size_t below_size = end_size - 1;
    if (below[end_size - 1] != 0) {
        below[end_size - 1]--;
        memset(below + end_size, 0xff, TAIL);
        below_size = end_size + TAIL;
    }
    char *words = NULL;
    rocksdb_delete_file_in_range_cf(kv->db, kv->handles[column], (const char *)first, first_size,
                                    (const char *)below, below_size, &words);
    if (words != NULL)
        rocksdb_free(words); /* the range is deleted all the same */
    free(below);
}

static void drop_ranges(struct kv *kv, const struct buffer *dropped)
{
    const uint8_t *at = dropped->data;
    if (dropped->failed)
        return; /* no memory to note them all: compaction will do it */
    for (size_t left = dropped->size; left > 0;) {
        struct dropped_range range;
        memcpy(&range, at, sizeof(range));
        const uint8_t *first = at + sizeof(range);
        drop_files(kv, range.column, first, range.first_size, first + range.first_size,
                   range.end_size);
        size_t size = sizeof(range) + range.first_size + range.end_size;
        at += size;
        left -= size;
    }
}

enum status kv_write(struct kv *kv, struct kv_batch *batch, bool sync, struct error *err)
{
    char *words = NULL;
    rocksdb_write(kv->db, sync ? kv->write_sync : kv->write, batch->engine, &words);
    if (words == NULL && batch->dropped.size > 0)
        drop_ranges(kv, &batch->dropped);
    return engine_status(words, kv->path, err);
}

/* ---- reading ----------------------------------------------------------------------------- */

enum status kv_get(struct kv *kv, unsigned column, struct kv_slice key, struct buffer *ret_value,
                   struct error *err)
{
    CHECK(column < kv->column_count);
    char *words = NULL;
    rocksdb_pinnableslice_t *pinned =
        rocksdb_get_pinned_cf(kv->db, kv->read, kv->handles[column], key.data, key.size, &words);
    if (words != NULL)
        return engine_status(words, kv->path, err);
    if (pinned == NULL)
        return STATUS_NOT_FOUND;
    size_t size = 0;
    const char *value = rocksdb_pinnableslice_value(pinned, &size);
    buffer_append(ret_value, value, size);
    rocksdb_pinnableslice_destroy(pinned);
    return ret_value->failed ? error_set(err, STATUS_NO_MEMORY, "no memory") : STATUS_OK;
}

static struct kv_iterator *open_iterator(struct kv *kv, unsigned column,
                                         const rocksdb_readoptions_t *options)
{
    CHECK(column < kv->column_count);
    struct kv_iterator *iterator = check_alloc(calloc(1, sizeof(*iterator)));
    iterator->engine = rocksdb_create_iterator_cf(kv->db, options, kv->handles[column]);
    return iterator;
}

struct kv_iterator *kv_iterator_open(struct kv *kv, unsigned column)
{
    CHECK(column < kv->column_count);
    return open_iterator(kv, column, kv->columns[column].large_values ? kv->read_large : kv->read);
}

struct kv_iterator *kv_iterator_open_checking(struct kv *kv, unsigned column)
{
    return open_iterator(kv, column, kv->read_checking);
}

void kv_iterator_close(struct kv_iterator *iterator)
{
    if (iterator == NULL)
        return;
    rocksdb_iter_destroy(iterator->engine);
    free(iterator);
}

bool kv_iterator_seek(struct kv_iterator *iterator, struct kv_slice key)
{
    rocksdb_iter_seek(iterator->engine, key.data, key.size);
    return kv_iterator_valid(iterator);
}

bool kv_iterator_seek_last(struct kv_iterator *iterator)
{
    rocksdb_iter_seek_to_last(iterator->engine);
    return kv_iterator_valid(iterator);
}

bool kv_iterator_next(struct kv_iterator *iterator)
{
    CHECK(kv_iterator_valid(iterator));
    rocksdb_iter_next(iterator->engine);
    return kv_iterator_valid(iterator);
}

bool kv_iterator_valid(const struct kv_iterator *iterator)
{
    return rocksdb_iter_valid(iterator->engine) != 0;
}

struct kv_slice kv_iterator_key(const struct kv_iterator *iterator)
{
    struct kv_slice key;
    key.data = rocksdb_iter_key(iterator->engine, &key.size);
    return key;
}

struct kv_slice kv_iterator_value(const struct kv_iterator *iterator)
{
    struct kv_slice value;
    value.data = rocksdb_iter_value(iterator->engine, &value.size);
    return value;
}

enum status kv_iterator_status(const struct kv_iterator *iterator, struct error *err)
{
    char *words = NULL;
    rocksdb_iter_get_error(iterator->engine, &words);
    return engine_status(words, "reading", err);
}

/* ---- the whole store --------------------------------------------------------------------- */

enum status kv_flush(struct kv *kv, struct error *err)
{
    enum status status = STATUS_OK;
    rocksdb_flushoptions_t *options = rocksdb_flushoptions_create();
    rocksdb_flushoptions_set_wait(options, 1);
    for (unsigned i = 0; i < kv->column_count && status == STATUS_OK; i++) {
        char *words = NULL;
        rocksdb_flush_cf(kv->db, options, kv->handles[i], &words);
        status = engine_status(words, kv->path, err);
    }
    rocksdb_flushoptions_destroy(options);
    return status;
}

enum status kv_compact(struct kv *kv, unsigned column, struct kv_slice first, struct kv_slice end,
                       struct error *err)
{
    CHECK(column < kv->column_count);
    enum status status = kv_flush(kv, err); /* the write-ahead log has old values, too */
    if (status != STATUS_OK)
        return status;
    rocksdb_compactoptions_t *options = rocksdb_compactoptions_create();
    rocksdb_compactoptions_set_exclusive_manual_compaction(options, 0);
    rocksdb_compact_range_cf_opt(kv->db, kv->handles[column], options, first.data, first.size,
                                 end.data, end.size);
    rocksdb_compactoptions_destroy(options);
    return STATUS_OK;
}

static enum status copy_engine(struct kv *kv, const char *path, struct error *err)
{
    char *words = NULL;
    rocksdb_checkpoint_t *checkpoint = rocksdb_checkpoint_object_create(kv->db, &words);
    if (words == NULL)
        rocksdb_checkpoint_create(checkpoint, path, 0, &words);
    if (checkpoint != NULL)
        rocksdb_checkpoint_object_destroy(checkpoint);
    return engine_status(words, path, err);
}

enum status kv_checkpoint(struct kv *kv, const char *path, struct error *err)
{
    char engine_path[PATH_MAX];
    int length = snprintf(engine_path, sizeof(engine_path), "%s/db", path);
    if (length < 0 || (size_t)length >= sizeof(engine_path))
        return error_set(err, STATUS_INVALID, "%s: the path is too long", path);
    if (access(path, F_OK) == 0)
        return error_set(err, STATUS_CONFLICT, "%s: is there already", path);
    enum status status = file_make_folders(path, 0750, err);
    if (status == STATUS_OK)
        status = copy_engine(kv, engine_path, err);
    /* FORMAT comes last: a copy without it was cut short, and no store. */
    return status == STATUS_OK ? folder_write_format(path, err) : status;
}

uint64_t kv_disk_bytes(struct kv *kv)
{
    return kv_folder_bytes(kv->path);
}
