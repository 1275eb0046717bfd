#include "orchestrator/corpus.h"

#include <string.h>

#include "base/check.h"
#include "base/clock.h"
#include "base/log.h"

/* False: more than any corpus has. */
static bool fill_shard(struct corpus_shard *shard, uint64_t documents, const uint64_t *lengths,
                       size_t length_count)
{
    shard->documents = documents;
    if (documents > CORPUS_DOCUMENTS_MAX)
        return false;
    for (size_t i = 0; i < length_count && i < CORPUS_FIELDS; i++) {
        if (lengths[i] > CORPUS_TOKENS_MAX)
            return false;
        shard->lengths[i] = lengths[i];
    }
    return true;
}

void corpus_learn(struct corpus *corpus, unsigned shard, const Wire__BarrelStatus *status)
{
    if (shard >= CORPUS_SHARDS_MAX)
        return;
    struct corpus_shard *known = &corpus->shards[shard];
    struct corpus_shard said = {.is_whole = !status->rebuilding};
    if (status->rebuilding && known->is_whole)
        return;
    if (fill_shard(&said, status->documents, status->field_lengths, status->n_field_lengths)) {
        *known = said;
        return;
    }
    if (!known->is_refused)
        log_warning("a barrel of shard %u reports %llu documents, and numbers of tokens, that no "
                    "shard can have: its numbers before stay in force",
                    shard, (unsigned long long)status->documents);
    known->is_refused = true;
}

static uint64_t at_most(uint64_t number, uint64_t most)
{
    return number < most ? number : most;
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
    sum.documents = at_most(sum.documents, CORPUS_DOCUMENTS_MAX);
    for (unsigned field = 0; field < CORPUS_FIELDS; field++)
        sum.lengths[field] = at_most(sum.lengths[field], CORPUS_TOKENS_MAX);
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

void corpus_restore_shard(struct corpus *corpus, unsigned shard, const Wire__ShardCorpus *stats)
{
    struct corpus_shard said = {.is_whole = stats->whole};
    if (shard < CORPUS_SHARDS_MAX &&
        fill_shard(&said, stats->documents, stats->field_lengths, stats->n_field_lengths))
        corpus->shards[shard] = said;
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

Wire__ShardCorpus *corpus_shard_stats(const struct corpus *corpus, unsigned shard,
                                      struct arena *arena)
{
    const struct corpus_shard *known = &corpus->shards[shard];
    Wire__ShardCorpus *stats = check_alloc(arena_alloc(arena, sizeof(*stats)));
    wire__shard_corpus__init(stats);
    stats->whole = known->is_whole;
    stats->documents = known->documents;
    stats->field_lengths = check_alloc(arena_copy(arena, known->lengths, sizeof(known->lengths)));
    stats->n_field_lengths = CORPUS_FIELDS;
    return stats;
}
