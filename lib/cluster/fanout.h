/*
 * Asks one ready replica of every shard: all of them before waiting for any. Where a replica errs
 * or is slow (three times its usual time, at least 50 ms) another one of its shard is asked too,
 * and the first answer counts. Where every replica of a shard refuses the connection, as one that
 * is being restarted does, it is tried again, by the newest routing table, for up to a second:
 * after that the answer is partial, and the next ones do not wait for that shard until it is back.
 *
 * A replica that failed is avoided for a second, as long as there is another. At most two of a
 * shard are asked at once; a third one may be when they are silent for too long. One that is being
 * filled again is asked only when every whole one of its shard has failed, or when those that are
 * asked are silent for too long. That is a second, or half of question.timeout_ms where that is
 * less; but of one that failed within the last second no more is waited for than of any slow one.
 *
 * Where one that the table calls whole says itself that it is being filled again, its answer is
 * kept for as long, until another whole one has answered.
 *
 * A fan-out holds one connection to each replica that it has asked, and belongs to one thread.
 */
#ifndef TIERCE_CLUSTER_FANOUT_H
#define TIERCE_CLUSTER_FANOUT_H

#include <protobuf-c/protobuf-c.h>
#include <stdbool.h>
#include <stdint.h>

#include "base/arena.h"
#include "base/error.h"
#include "cluster/routing.h"
#include "rpc/client.h"
#include "rpc/key.h"

struct fanout;

/* The newest routing table, which the fan-out gives back with routing_release(). */
typedef struct routing *fanout_routing(void *context);

/* key: copied. Nothing is connected yet. STATUS_NO_MEMORY. */
enum status fanout_open(const struct cluster_key *key, fanout_routing *routing, void *context,
                        struct fanout **ret_fanout, struct error *err);
void fanout_close(struct fanout *fanout); /* accepts NULL */

/*
 * Who asks, until the next call: as soon as `watch` shows something, or its other end is closed,
 * nobody waits any more. The calls in flight are cancelled then, those replicas are told, and
 * every answer still missing, of this question and of the next ones, is STATUS_CANCELLED.
 */
void fanout_set_asker(struct fanout *fanout, const struct rpc_watch *watch);

struct fanout_question {
    uint16_t method;
    const ProtobufCMessageDescriptor *reply_descriptor;
    uint32_t timeout_ms;                     /* in all, waiting for a restart included */
    const ProtobufCMessage *request;         /* for every shard, where requests is NULL */
    const ProtobufCMessage *const *requests; /* one for each shard; NULL entries are not asked */
    const uint64_t *prefer; /* the member to ask first, for each shard, 0: any; or NULL */
    /* Whether a reply says that its replica is being filled again, which the table may not know
     * yet; or NULL: replies do not say it, and the table has to. */
    bool (*is_part)(const void *reply);
    const uint64_t *positions; /* ask replicas at or behind it first, for each shard; or NULL */
};

struct fanout_answer {
    bool asked;
    enum status status; /* STATUS_OK and a reply, or why there is none */
    const void *reply;  /* in the arena */
    uint64_t member;    /* who answered */
    bool is_whole;      /* it was not being filled again: what it has not got is not there */
    int64_t us;         /* how long the one who answered took */
};

/*
 * Asks, waits, and fills one answer for each shard of `routing`. Returns how many have a reply.
 * Everything lies in the arena; out of memory is STATUS_NO_MEMORY of the shards concerned.
 */
unsigned fanout_ask(struct fanout *fanout, const struct routing *routing,
                    const struct fanout_question *question, struct arena *arena,
                    struct fanout_answer *ret_answers);

#endif
