/*
 * Follows the log: a thread that reads the indexserver's feed from where the index stopped and
 * applies it, and one that merges segments meanwhile.
 */
#ifndef TIERCE_BARREL_REPLAY_H
#define TIERCE_BARREL_REPLAY_H

#include "barrel/barrel.h"
#include "cluster/member.h"
#include "rpc/key.h"

struct replay;

/* All borrowed until replay_stop(). */
enum status replay_start(struct barrel *barrel, struct member *member,
                         const struct cluster_key *key, struct replay **ret_replay,
                         struct error *err);
void replay_stop(struct replay *replay); /* accepts NULL */

#endif
