#include "barrel/merge.h"

#include "base/log.h"
#include "store/kv.h"

/* A merge holds its inputs and its output at a time: no merge is begun that would leave less. */
#define LEAVES_BYTES (2 * BARREL_FREE_BYTES_MIN)

/* With the lock held: what is noted is of this index, and not of one that replaced it. */
static enum status merge(struct barrel *barrel, uint64_t bytes_max, struct error *err)
{
    if (barrel->index == NULL)
        return STATUS_END;
    index_limit_merges(barrel->index, bytes_max);
    enum status status = index_merge(barrel->index, err);
    if (status == STATUS_CORRUPT)
        barrel_note_damage(barrel);
    return status;
}

void merge_step(struct barrel *barrel)
{
    struct error err;
    uint64_t free_bytes = kv_free_space(barrel->folder);
    if (free_bytes < LEAVES_BYTES)
        return;
    pthread_rwlock_rdlock(&barrel->lock);
    enum status status = merge(barrel, free_bytes - LEAVES_BYTES, &err);
    pthread_rwlock_unlock(&barrel->lock);
    if (status != STATUS_OK && status != STATUS_END)
        log_warning("segments could not be merged: %s", err.text);
}
