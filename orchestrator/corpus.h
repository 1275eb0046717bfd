/* Totals over all shards, frozen for an epoch, so that a score depends on no shard. */
#ifndef TIERCE_ORCHESTRATOR_CORPUS_H
#define TIERCE_ORCHESTRATOR_CORPUS_H

#include <stdbool.h>
#include <stdint.h>

#include "base/arena.h"
#include "wire.pb-c.h"

enum { CORPUS_SHARDS_MAX = 256, CORPUS_FIELDS = 5 };
/* A barrel answers no search with statistics beyond these. */
#define CORPUS_DOCUMENTS_MAX UINT64_C(0xffffffff)
#define CORPUS_TOKENS_MAX    (UINT64_C(1) << 52) /* of a field of all documents */

struct corpus {
    struct corpus_shard {
        bool is_whole;   /* some replica of it was */
        bool is_refused; /* what was said last was more than any corpus has */
        uint64_t documents;
        uint64_t lengths[CORPUS_FIELDS];
    } shards[CORPUS_SHARDS_MAX]; /* as last known: a missing shard keeps its numbers */
    uint64_t epoch;
    uint64_t documents;
    uint64_t lengths[CORPUS_FIELDS];
    int64_t published_ms;
};

/*
 * What one replica of a shard says. One that is being filled again has fewer documents than the
 * shard: its numbers are taken only until a whole one's are. Never taken are numbers beyond those
 * above.
 */
void corpus_learn(struct corpus *corpus, unsigned shard, const Wire__BarrelStatus *status);

/* Begins a new epoch where the sums changed and `pause_ms` went by since the last one. Returns
 * whether it did. */
bool corpus_publish(struct corpus *corpus, int64_t now_ms, int64_t pause_ms);

/* Continues an earlier orchestrator's epoch. */
void corpus_restore(struct corpus *corpus, const Wire__CorpusStats *stats);
/* Adopts what it had learnt of a shard. */
void corpus_restore_shard(struct corpus *corpus, unsigned shard, const Wire__ShardCorpus *stats);

Wire__CorpusStats *corpus_stats(const struct corpus *corpus, struct arena *arena);
Wire__ShardCorpus *corpus_shard_stats(const struct corpus *corpus, unsigned shard,
                                      struct arena *arena);

#endif
