/*
 * The end of a URL's story, which the indexserver does not know: which replicas of the shard that
 * the URL belongs to have its document now, and which pages link to it.
 */
#ifndef TIERCE_CLUSTER_HOLDERS_H
#define TIERCE_CLUSTER_HOLDERS_H

#include "base/arena.h"
#include "cluster/routing.h"
#include "rpc/key.h"
#include "wire.pb-c.h"

/*
 * Adds the stages "shard" and "links" to LOOKUP's reply. Asks every replica of the shard, private
 * pages included, over connections of its own. One that does not answer in time is told as such;
 * without memory nothing is added.
 */
void holders_tell(const struct routing *routing, const struct cluster_key *key, uint32_t timeout_ms,
                  struct arena *arena, Wire__LookupReply *reply);

#endif
