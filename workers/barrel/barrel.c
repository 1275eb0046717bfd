#include "barrel/barrel.h"

#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "barrel/damage.h"
#include "base/arena.h"
#include "base/bytes.h"
#include "base/file.h"
#include "base/log.h"
#include "index/search.h"
#include "store/folder.h"

/*
 * DATA/origin says what the index was made from: "1 SLOT_FIRST SLOT_LAST IDENTITY-IN-HEX\n". It is
 * written before the first entry is taken, so that an index never outlives its log unnoticed.
 */
enum { ORIGIN_BYTES_MAX = 256 };

static void origin_path(const struct barrel *barrel, char ret[PATH_MAX])
{
    snprintf(ret, PATH_MAX, "%s/origin", barrel->folder);
}

static enum status write_origin(const struct barrel *barrel, struct error *err)
{
    char path[PATH_MAX], hex[2 * BARREL_IDENTITY_BYTES + 1], text[ORIGIN_BYTES_MAX];
    origin_path(barrel, path);
    hex_encode(barrel->identity, barrel->identity_size, hex);
    int size =
        snprintf(text, sizeof(text), "1 %u %u %s\n", barrel->slot_first, barrel->slot_last, hex);
    return file_replace(path, text, (size_t)size, 0600, err);
}

/* Whether these are the words of an origin; its slots, and the index's identity. */
static bool parse_origin(const char *text, struct barrel *barrel, unsigned *ret_first,
                         unsigned *ret_last)
{
    char hex[2 * BARREL_IDENTITY_BYTES + 1] = ""; /* none: no log was known yet */
    if (sscanf(text, "1 %u %u %128s", ret_first, ret_last, hex) < 2 ||
        !hex_decode(hex, barrel->identity, strlen(hex) / 2))
        return false;
    barrel->identity_size = strlen(hex) / 2;
    return true;
}

/* STATUS_NOT_FOUND: there is none, or it is of other slots, and so is what index there is. */
static enum status read_origin(struct barrel *barrel, struct error *err)
{
    char path[PATH_MAX];
    struct buffer text = {0};
    struct error why;
    unsigned first = 0, last = 0;
    origin_path(barrel, path);
    enum status status = file_read(path, ORIGIN_BYTES_MAX, &text, &why);
    if (status == STATUS_OK && !parse_origin(buffer_string(&text), barrel, &first, &last))
        status =
            error_set(&why, STATUS_CORRUPT, "%s does not say what the index is made from", path);
    buffer_release(&text);
    if (status == STATUS_OK && first == barrel->slot_first && last == barrel->slot_last)
        return STATUS_OK;
    barrel->identity_size = 0;
    if (status == STATUS_OK || status == STATUS_NOT_FOUND)
        return STATUS_NOT_FOUND;
    return error_set(err, status,
                     "%s; put that right, or remove the file: the index is made from the log then",
                     why.text);
}

/*
 * DATA/rebuilding is there while the index was begun anew and has not yet come to where the log
 * ended then: what is found is not all there is.
 */
static void rebuilding_path(const struct barrel *barrel, char ret[PATH_MAX])
{
    snprintf(ret, PATH_MAX, "%s/rebuilding", barrel->folder);
}

static enum status begin_rebuilding(struct barrel *barrel, struct error *err)
{
    char path[PATH_MAX];
    rebuilding_path(barrel, path);
    atomic_store(&barrel->rebuilt_at, UINT64_MAX);
    return file_replace(path, "", 0, 0600, err);
}

bool barrel_is_rebuilding(struct barrel *barrel)
{
    return atomic_load(&barrel->rebuilt_at) != 0;
}

void barrel_note_feed(struct barrel *barrel, uint64_t position, uint64_t head)
{
    char path[PATH_MAX];
    uint64_t rebuilt_at = atomic_load(&barrel->rebuilt_at);
    if (rebuilt_at == UINT64_MAX)
        atomic_store(&barrel->rebuilt_at, rebuilt_at = head + 1);
    if (rebuilt_at == 0 || position < rebuilt_at)
        return;
    rebuilding_path(barrel, path);
    unlink(path);
    atomic_store(&barrel->rebuilt_at, 0);
}

void barrel_note_damage(struct barrel *barrel)
{
    atomic_store(&barrel->is_damaged, true);
}

bool barrel_is_damaged(struct barrel *barrel)
{
    return barrel->index == NULL || atomic_load(&barrel->is_damaged) ||
           index_is_corrupt(barrel->index);
}

static void close_store(struct barrel *barrel)
{
    index_close(barrel->index);
    storage_rocksdb_close(barrel->storage);
    barrel->index = NULL;
    barrel->storage = NULL;
}

/* With the lock held for writing. `anew`: erases what there was. */
static enum status open_files(struct barrel *barrel, bool anew, struct error *err)
{
    enum status status = anew ? begin_rebuilding(barrel, err) : STATUS_OK;
    if (status == STATUS_OK && anew)
        status = storage_rocksdb_erase(barrel->folder, err);
    if (status == STATUS_OK)
        status = storage_rocksdb_open(barrel->folder, barrel->store_bytes, &barrel->storage, err);
    if (status == STATUS_UNSUPPORTED) /* a whole store, but not for us */
        return status;
    if (status == STATUS_OK)
        status = index_open(storage_rocksdb_storage(barrel->storage), &barrel->index_options,
                            &barrel->index, err);
    if (status == STATUS_OK)
        storage_rocksdb_keep_free(barrel->storage, BARREL_FREE_BYTES_MIN);
    else
        close_store(barrel);
    if (anew || (status != STATUS_CORRUPT && status != STATUS_UNSUPPORTED))
        return status;
    log_warning("the index is rebuilt from the log: %s", err->text);
    return open_files(barrel, true, err);
}

static enum status open_store(struct barrel *barrel, bool anew, struct error *err)
{
    const char *why = damage_begin_opening();
    if (why != NULL && !anew)
        log_warning("the index is rebuilt from the log: %s", why);
    enum status status = open_files(barrel, anew || why != NULL, err);
    damage_end_opening(status == STATUS_OK);
    atomic_store(&barrel->is_damaged, false);
    return status;
}

enum status barrel_init(struct barrel *barrel, struct error *err)
{
    *barrel = (struct barrel){.folder_lock = -1};
    if (pthread_rwlock_init(&barrel->lock, NULL) != 0 ||
        pthread_mutex_init(&barrel->status_lock, NULL) != 0)
        return error_set(err, STATUS_NO_MEMORY, "no memory for locks");
    return STATUS_OK;
}

static enum status open_folder(struct barrel *barrel, struct error *err)
{
    char path[PATH_MAX];
    rebuilding_path(barrel, path);
    if (access(path, F_OK) == 0)
        atomic_store(&barrel->rebuilt_at, UINT64_MAX);
    damage_watch(barrel->folder);
    enum status status = read_origin(barrel, err);
    if (status != STATUS_OK && status != STATUS_NOT_FOUND)
        return status;
    return open_store(barrel, status == STATUS_NOT_FOUND, err);
}

enum status barrel_open(const char *folder, uint64_t memory_bytes, uint32_t slot_first,
                        uint32_t slot_last, struct barrel *barrel, struct error *err)
{
    pthread_rwlock_wrlock(&barrel->lock);
    barrel->folder = folder;
    barrel->slot_first = slot_first;
    barrel->slot_last = slot_last;
    barrel->store_bytes = memory_bytes / 4;
    barrel->index_options = (struct index_options){.memory_bytes = memory_bytes / 4};
    enum status status = file_make_folders(folder, 0700, err);
    if (status == STATUS_OK)
        status = folder_lock_by_file(folder, "lock", &barrel->folder_lock, err);
    if (status == STATUS_OK)
        status = open_folder(barrel, err);
    pthread_rwlock_unlock(&barrel->lock);
    return status;
}

void barrel_close(struct barrel *barrel)
{
    struct error err;
    if (barrel->index != NULL && index_flush(barrel->index, &err) != STATUS_OK)
        log_warning("the last changes will be read from the log again: %s", err.text);
    close_store(barrel);
    fd_close(barrel->folder_lock);
    barrel->folder_lock = -1;
}

enum status barrel_begin_anew(struct barrel *barrel, const uint8_t *identity, size_t identity_size,
                              struct error *err)
{
    if (identity_size > BARREL_IDENTITY_BYTES)
        return error_set(err, STATUS_CORRUPT, "the log's identity is too long");
    pthread_rwlock_wrlock(&barrel->lock);
    close_store(barrel);
    enum status status = open_store(barrel, true, err);
    pthread_rwlock_unlock(&barrel->lock);
    if (status != STATUS_OK)
        return status;
    memcpy(barrel->identity, identity, identity_size);
    barrel->identity_size = identity_size;
    status = write_origin(barrel, err);
    if (status != STATUS_OK) /* nothing is taken from a log that was not written down */
        barrel->identity_size = 0;
    return status;
}

void barrel_set_stopped(struct barrel *barrel, const char *why)
{
    pthread_mutex_lock(&barrel->status_lock);
    bool changed = strncmp(barrel->stopped, why, sizeof(barrel->stopped) - 1) != 0;
    if (changed)
        snprintf(barrel->stopped, sizeof(barrel->stopped), "%s", why);
    pthread_mutex_unlock(&barrel->status_lock);
    if (changed && why[0] != '\0')
        log_warning("indexing stands still: %s", why);
    else if (changed)
        log_info("indexing goes on");
}

void barrel_status(struct barrel *barrel, struct arena *arena, Wire__BarrelStatus *ret_status)
{
    struct index_size size = {0};
    uint64_t documents = 0, tokens[FIELD_COUNT] = {0};
    ret_status->shard = barrel->shard;
    ret_status->replica = barrel->replica;
    pthread_rwlock_rdlock(&barrel->lock);
    if (barrel->index != NULL) {
        index_measure(barrel->index, &size);
        index_statistics(barrel->index, &documents, tokens);
        ret_status->position = index_applied_position(barrel->index);
    }
    pthread_rwlock_unlock(&barrel->lock);
    ret_status->documents = size.documents;
    ret_status->bytes = size.bytes_memory + size.bytes_stored;
    ret_status->segments = size.segments_memory + size.segments_stored;
    ret_status->field_lengths = arena_copy(arena, tokens, sizeof(tokens));
    ret_status->n_field_lengths = ret_status->field_lengths == NULL ? 0 : FIELD_COUNT;
    ret_status->rebuilding = barrel_is_rebuilding(barrel);
    ret_status->checked_percent = atomic_load(&barrel->checked_percent);
    ret_status->checked_us = atomic_load(&barrel->checked_us);
    pthread_mutex_lock(&barrel->status_lock);
    ret_status->stopped = arena_string(arena, barrel->stopped);
    pthread_mutex_unlock(&barrel->status_lock);
    if (ret_status->stopped == NULL)
        ret_status->stopped = (char *)protobuf_c_empty_string;
}
