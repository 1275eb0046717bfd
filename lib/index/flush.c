/* From memory to storage: what keeps segments in memory few, and what makes them durable. */
#include "index/commit.h"
#include "index/merge_policy.h"
#include "index/segment_writer.h"

/* Entries whose numbers ascend. */
static void remove_entries(struct draft *draft, const uint32_t *chosen, uint32_t count)
{
    for (uint32_t i = count; i-- > 0;)
        draft_remove(draft, chosen[i]);
}

static enum status merge_memory(struct draft *draft, const uint32_t *chosen, uint32_t count,
                                struct error *err)
{
    struct merge merge = {0};
    struct memory_sink chunks = {0};
    struct segment_sink sink = {&chunks, memory_sink_add};
    struct segment *output = NULL;
    for (uint32_t i = 0; i < count; i++)
        merge_add(&merge, draft->entries[chosen[i]].segment, draft->entries[chosen[i]].deletions);
    enum status status = merge_run(&merge, &sink, err);
    if (status == STATUS_OK)
        status = memory_sink_open(&chunks, &output, err);
    if (status == STATUS_OK) {
        merge_copy_inlinks(&merge, output);
        remove_entries(draft, chosen, count);
        if (output->document_count > 0)
            status = draft_add(draft, output, err);
        else
            segment_release(output);
    }
    memory_sink_release(&chunks);
    merge_release(&merge);
    return status;
}

enum status index_compact_memory(struct draft *draft, uint64_t bytes_max, struct error *err)
{
    while (true) {
        uint32_t chosen[MERGE_INPUTS_MAX];
        uint32_t count = merge_choose(draft->entries, draft->count, false, bytes_max, chosen);
        if (count == 0)
            return STATUS_OK;
        enum status status = merge_memory(draft, chosen, count, err);
        if (status != STATUS_OK)
            return status;
    }
}

/* ---- flushing ---- */

/* Puts one stored segment in the place of some in memory. */
static enum status flush_entries(struct index *index, struct draft *draft, const uint32_t *chosen,
                                 uint32_t count, struct error *err)
{
    struct merge merge = {0};
    struct segment *output = NULL;
    for (uint32_t i = 0; i < count; i++)
        merge_add(&merge, draft->entries[chosen[i]].segment, draft->entries[chosen[i]].deletions);
    uint64_t id = index_new_id(index);
    enum status status = index_merge_to_storage(index, &merge, id, &output, err);
    if (status == STATUS_OK) {
        remove_entries(draft, chosen, count);
        if (output != NULL) {
            output->inlinks_changed = true;
            status = draft_add(draft, output, err);
        }
    }
    if (output == NULL)
        index_discard(index, id);
    merge_release(&merge);
    return status;
}

static enum status flush_draft(struct index *index, struct draft *draft, struct error *err)
{
    size_t rebuilt = 0;
    enum status status = index_rebuild_stale(index, draft, &rebuilt, err);
    while (status == STATUS_OK) {
        uint32_t chosen[MERGE_INPUTS_MAX];
        uint32_t count =
            merge_choose_memory(draft->entries, draft->count, index->options.segment_bytes, chosen);
        if (count == 0)
            break;
        status = flush_entries(index, draft, chosen, count, err);
    }
    uint64_t position = atomic_load(&index->applied_position);
    if (status == STATUS_OK)
        status = index_commit(index, draft, NULL, 0, position, err);
    if (status == STATUS_OK) {
        atomic_store(&index->flushed_position, position);
        buffer_consume(&index->stale, rebuilt * sizeof(uint64_t));
        index->unflushed = index->stale.size > 0;
    }
    return status;
}

enum status index_flush_locked(struct index *index, struct error *err)
{
    index_sweep(index);
    if (!index->unflushed)
        return STATUS_OK;
    struct draft draft;
    enum status status = draft_init(&draft, index->current, err);
    if (status != STATUS_OK)
        return status;
    status = flush_draft(index, &draft, err);
    draft_release(&draft);
    if (status != STATUS_OK)
        error_add_context(err, "flushing the index");
    return status;
}

enum status index_flush(struct index *index, struct error *err)
{
    pthread_mutex_lock(&index->writer_lock);
    enum status status = index_flush_locked(index, err);
    pthread_mutex_unlock(&index->writer_lock);
    return status;
}
