#include "barrel/barrel.h"

#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/arena.h"
#include "base/bytes.h"
#include "base/file.h"
#include "base/log.h"
#include "index/search.h"

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

/* False: there is none, or it is of other slots. */
static bool read_origin(struct barrel *barrel)
{
    char path[PATH_MAX], hex[2 * BARREL_IDENTITY_BYTES + 1] = "";
    struct buffer text = {0};
    unsigned first = 0, last = 0;
    origin_path(barrel, path);
    bool good = file_read(path, ORIGIN_BYTES_MAX, &text, NULL) == STATUS_OK &&
                sscanf(buffer_string(&text), "1 %u %u %128s", &first, &last, hex) == 3 &&
                first == barrel->slot_first && last == barrel->slot_last &&
                hex_decode(hex, barrel->identity, strlen(hex) / 2);
    barrel->identity_size = good ? strlen(hex) / 2 : 0;
    buffer_release(&text);
    return good;
}

static enum status open_index(struct barrel *barrel, bool anew, struct error *err)
{
    struct storage storage = storage_rocksdb_storage(barrel->storage);
    enum status status = anew ? index_erase(storage, err) : STATUS_OK;
    if (status == STATUS_OK)
        status = index_open(storage, &barrel->index_options, &barrel->index, err);
    if (anew || (status != STATUS_CORRUPT && status != STATUS_UNSUPPORTED))
        return status;
    log_warning("the index is rebuilt from the log: %s", err->text);
    return open_index(barrel, true, err);
}

enum status barrel_init(struct barrel *barrel, struct error *err)
{
    *barrel = (struct barrel){0};
    if (pthread_rwlock_init(&barrel->lock, NULL) != 0 ||
        pthread_mutex_init(&barrel->status_lock, NULL) != 0)
        return error_set(err, STATUS_NO_MEMORY, "no memory for locks");
    return STATUS_OK;
}

enum status barrel_open(const char *folder, uint64_t memory_bytes, uint32_t slot_first,
                        uint32_t slot_last, struct barrel *barrel, struct error *err)
{
    pthread_rwlock_wrlock(&barrel->lock);
    barrel->folder = folder;
    barrel->slot_first = slot_first;
    barrel->slot_last = slot_last;
    barrel->index_options = (struct index_options){.memory_bytes = memory_bytes / 4};
    enum status status = file_make_folders(folder, 0700, err);
    if (status == STATUS_OK)
        status = storage_rocksdb_open(folder, memory_bytes / 4, &barrel->storage, err);
    if (status == STATUS_OK)
        status = open_index(barrel, !read_origin(barrel), err);
    pthread_rwlock_unlock(&barrel->lock);
    return status;
}

void barrel_close(struct barrel *barrel)
{
    struct error err;
    if (barrel->index != NULL && index_flush(barrel->index, &err) != STATUS_OK)
        log_warning("the last changes will be read from the log again: %s", err.text);
    index_close(barrel->index);
    storage_rocksdb_close(barrel->storage);
    barrel->index = NULL;
    barrel->storage = NULL;
}

enum status barrel_begin_anew(struct barrel *barrel, const uint8_t *identity, size_t identity_size,
                              struct error *err)
{
    if (identity_size > BARREL_IDENTITY_BYTES)
        return error_set(err, STATUS_CORRUPT, "the log's identity is too long");
    pthread_rwlock_wrlock(&barrel->lock);
    index_close(barrel->index);
    barrel->index = NULL;
    enum status status = open_index(barrel, true, err);
    pthread_rwlock_unlock(&barrel->lock);
    if (status != STATUS_OK)
        return status;
    memcpy(barrel->identity, identity, identity_size);
    barrel->identity_size = identity_size;
    return write_origin(barrel, err);
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
    pthread_mutex_lock(&barrel->status_lock);
    ret_status->stopped = arena_string(arena, barrel->stopped);
    pthread_mutex_unlock(&barrel->status_lock);
    if (ret_status->stopped == NULL)
        ret_status->stopped = (char *)protobuf_c_empty_string;
}
