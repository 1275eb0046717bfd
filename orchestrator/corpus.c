#include "orchestrator/corpus.h"

#include <string.h>

#include "base/check.h"
#include "base/clock.h"

void corpus_learn(struct corpus *corpus, unsigned shard, const Wire__BarrelStatus *status)
{
    if (shard >= CORPUS_SHARDS_MAX)
        return;
    struct corpus_shard *known = &corpus->shards[shard];
    if (status->rebuilding && known->is_whole)
        return;
    *known = (struct corpus_shard){.is_whole = !status->rebuilding, .documents = status->documents};
    for (size_t i = 0; i < status->n_field_lengths && i < CORPUS_FIELDS; i++)
        known->lengths[i] = status->field_lengths[i];
}

bool corpus_publish(struct corpus *corpus, int64_t now_ms, int64_t pause_ms)
{
    struct corpus_shard sum = {0};
    if (corpus->epoch != 0 && now_ms - corpus->published_ms < pause_ms)
        return false;
    for (unsigned i = 0; i < CORPUS_SHARDS_MAX; i++) {
        sum.documents += corpus->shards[i].documents;
        for (unsigned field = 0; field < CORPUS_FIELDS; field++)
            sum.lengths[field] += corpus->shards[i].lengths[field];
    }
    if (corpus->epoch != 0 && sum.documents == corpus->documents &&
        memcmp(sum.lengths, corpus->lengths, sizeof(sum.lengths)) == 0)
        return false;
    /* Never an epoch twice, also where the last orchestrator's file was lost. */
    uint64_t fresh = (uint64_t)clock_unix_us() / 1000;
    corpus->epoch = corpus->epoch >= fresh ? corpus->epoch + 1 : fresh;
    corpus->documents = sum.documents;
    memcpy(corpus->lengths, sum.lengths, sizeof(sum.lengths));
    corpus->published_ms = now_ms;
    return true;
}

void corpus_restore(struct corpus *corpus, const Wire__CorpusStats *stats)
{
    corpus->epoch = stats->epoch;
    corpus->documents = stats->documents;
    for (size_t i = 0; i < stats->n_field_lengths && i < CORPUS_FIELDS; i++)
        corpus->lengths[i] = stats->field_lengths[i];
    corpus->published_ms = clock_boot_ms();
}

Wire__CorpusStats *corpus_stats(const struct corpus *corpus, struct arena *arena)
{
    Wire__CorpusStats *stats = check_alloc(arena_alloc(arena, sizeof(*stats)));
    wire__corpus_stats__init(stats);
    stats->epoch = corpus->epoch;
    stats->documents = corpus->documents;
    stats->field_lengths = check_alloc(arena_copy(arena, corpus->lengths, sizeof(corpus->lengths)));
    stats->n_field_lengths = CORPUS_FIELDS;
    return stats;
}
