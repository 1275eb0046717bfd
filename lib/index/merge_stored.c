/* Merging stored segments in the background, while others apply and search. */
#include <stdlib.h>

#include "base/check.h"
#include "index/commit.h"
#include "index/merge_policy.h"

/* Chooses under the lock what to merge; the snapshot holds it while the merge runs. */
static struct snapshot *begin_merge(struct index *index, uint32_t segments, struct merge *merge,
                                    uint64_t *ret_id)
{
    uint32_t chosen[MERGE_INPUTS_MAX];
    pthread_mutex_lock(&index->writer_lock);
    index_sweep(index);
    struct snapshot *snapshot = snapshot_hold(index->current);
    uint32_t count =
        index->merging_id != 0 ? 0 /* another thread merges */
        : segments > 0 ? merge_choose_smallest(snapshot->entries, snapshot->count, segments, chosen)
                       : merge_choose(snapshot->entries, snapshot->count, true,
                                      atomic_load(&index->merge_bytes_max), chosen);
    for (uint32_t i = 0; i < count; i++)
        merge_add(merge, snapshot->entries[chosen[i]].segment,
                  snapshot->entries[chosen[i]].deletions);
    if (count > 0)
        *ret_id = index->merging_id = index_new_id(index);
    pthread_mutex_unlock(&index->writer_lock);
    return snapshot;
}

/* Deletes in the output what was deleted in an input while the merge ran. */
static enum status delete_late(struct draft *draft, uint32_t output,
                               const struct merge_input *input, const struct deletions *now,
                               struct error *err)
{
    for (uint32_t docid = 0; docid < input->segment->document_count; docid++) {
        if (!deletions_has(now, docid) || input->docids[docid] == DOCID_END)
            continue;
        enum status status = draft_delete(draft, (struct place){output, input->docids[docid]}, err);
        if (status != STATUS_OK)
            return status;
    }
    return STATUS_OK;
}

static uint32_t find_entry(const struct draft *draft, const struct segment *segment)
{
    uint32_t i = 0;
    while (i < draft->count && draft->entries[i].segment != segment)
        i++;
    return i;
}

/* Puts the output in the place of the inputs. Takes the reference to the output. */
static enum status swap_inputs(struct draft *draft, const struct merge *merge,
                               struct segment *output, struct error *err)
{
    uint32_t at = draft->count;
    if (output != NULL) {
        merge_copy_inlinks(merge, output);
        output->inlinks_changed = true;
        enum status status = draft_add(draft, output, err);
        if (status != STATUS_OK)
            return status;
    }
    for (uint32_t i = 0; i < merge->input_count; i++) {
        uint32_t entry = find_entry(draft, merge->inputs[i].segment);
        CHECK(entry < draft->count); /* only a merge takes stored segments away */
        if (output != NULL) {
            enum status status =
                delete_late(draft, at, &merge->inputs[i], draft->entries[entry].deletions, err);
            if (status != STATUS_OK)
                return status;
        }
        draft_remove(draft, entry);
        at--;
    }
    return STATUS_OK;
}

/* Makes room to keep a reference to each input, so that index_sweep() sees when the others are
 * gone. */
static enum status reserve_retired(struct index *index, const struct merge *merge,
                                   struct error *err)
{
    CHECK(merge->input_count > 0);
    struct segment **retired = realloc(index->retired, (index->retired_count + merge->input_count) *
                                                           sizeof(struct segment *));
    if (retired == NULL)
        return error_set(err, STATUS_NO_MEMORY, "merge");
    index->retired = retired;
    for (uint32_t i = 0; i < merge->input_count; i++)
        buffer_append(&index->garbage, &merge->inputs[i].segment->id, sizeof(uint64_t));
    return index->garbage.failed ? error_set(err, STATUS_NO_MEMORY, "merge") : STATUS_OK;
}

/* Takes the reference to the output, which may be NULL. */
static enum status commit_merge(struct index *index, struct draft *draft, const struct merge *merge,
                                struct segment *output, struct error *err)
{
    uint64_t dropped[MERGE_INPUTS_MAX];
    enum status status = swap_inputs(draft, merge, output, err);
    if (status == STATUS_OK)
        status = reserve_retired(index, merge, err);
    for (uint32_t i = 0; i < merge->input_count; i++)
        dropped[i] = merge->inputs[i].segment->id;
    if (status == STATUS_OK)
        status = index_commit(index, draft, dropped, merge->input_count,
                              atomic_load(&index->flushed_position), err);
    for (uint32_t i = 0; i < merge->input_count; i++) {
        if (status == STATUS_OK)
            index->retired[index->retired_count++] = segment_hold(merge->inputs[i].segment);
        else
            index_forget_garbage(index, dropped[i]); /* they are in use again */
    }
    return status;
}

static enum status run_merge(struct index *index, uint32_t segments, struct error *err)
{
    struct merge merge = {0};
    uint64_t id = 0;
    struct segment *output = NULL;
    struct draft draft = {0};
    struct snapshot *held = begin_merge(index, segments, &merge, &id);
    if (merge.input_count == 0) {
        snapshot_release(held);
        return STATUS_END;
    }
    enum status status = index_merge_to_storage(index, &merge, id, &output, err);

    pthread_mutex_lock(&index->writer_lock);
    /* Everything applied becomes durable first: a document that was dropped because a newer one
     * replaced it must not leave before that one is safe. */
    if (status == STATUS_OK)
        status = index_flush_locked(index, err);
    if (status == STATUS_OK)
        status = draft_init(&draft, index->current, err);
    bool committing = status == STATUS_OK;
    if (committing)
        status = commit_merge(index, &draft, &merge, output, err);
    else
        segment_release(output);
    if (!committing || output == NULL)
        index_discard(index, id);
    draft_release(&draft);
    index->merging_id = 0; /* and swept, where it is not used */
    pthread_mutex_unlock(&index->writer_lock);
    snapshot_release(held);
    merge_release(&merge);
    if (status != STATUS_OK)
        error_add_context(err, "merging segments");
    return status;
}

void index_limit_merges(struct index *index, uint64_t bytes)
{
    uint64_t most = index->options.segment_bytes;
    atomic_store(&index->merge_bytes_max, bytes < most ? bytes : most);
}

enum status index_merge(struct index *index, struct error *err)
{
    return run_merge(index, 0, err);
}

enum status index_merge_down(struct index *index, uint32_t segments, struct error *err)
{
    enum status status;
    do {
        status = run_merge(index, segments == 0 ? 1 : segments, err);
    } while (status == STATUS_OK);
    return status == STATUS_END ? STATUS_OK : status;
}
