/*
 * Whole answers, kept for the next one who asks the same. They are valid for one state of the
 * index: when the routing table, the statistics' epoch or a log position changes, all are dropped,
 * and while a barrel says that what it finds changes without its position, nothing is kept.
 * Positions are learned from the barrels' replies; an answer is used only while every shard has
 * said within CACHE_FRESH_MS that it is where it was, so that what was removed is not shown for
 * longer. Partial answers are never kept. Any thread.
 */
#ifndef TIERCE_GATEWAY_CACHE_H
#define TIERCE_GATEWAY_CACHE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/arena.h"
#include "cluster/routing.h"
#include "gateway/cursor.h"
#include "gateway/service.h"

enum {
    CACHE_FRESH_MS = 300,
    CACHE_BYTES_PER_ENTRY = 16 * 1024, /* on the average of all that may be kept */
};

struct cache;

struct cache *cache_new(void); /* empty, keeping nothing; NULL: no memory */
void cache_free(struct cache *cache);
void cache_resize(struct cache *cache, uint32_t entries); /* 0: keep nothing */

/* What makes two questions the same. */
struct cache_key {
    const char *read_as; /* the query, normalised */
    unsigned page;
    unsigned size;
    bool is_admin;
    bool shows_duplicates;
};

/* Where the next page begins. */
struct cache_place {
    struct cursor cursor;
    bool is_last; /* there is none */
};

/* Takes notice of a routing table. To be called before cache_get(). */
void cache_see_routing(struct cache *cache, const struct routing *routing);

/* A copy in the arena; false where there is none. */
bool cache_get(struct cache *cache, const struct cache_key *key, int64_t now_ms,
               struct arena *arena, struct search_answer *ret_answer,
               struct cache_place *ret_place);

/* Drops everything, and what shards were asked for until now: a barrel is unsettled. */
void cache_empty(struct cache *cache, int64_t now_ms);

/* What the shards said of themselves with an answer. */
struct cache_heard {
    const uint64_t *positions; /* of the log, by shard of the routing table */
    int64_t asked_ms;          /* before this they had not looked */
    int64_t heard_ms;          /* when all had answered */
};

/* Keeps a copy of a whole answer. */
void cache_put(struct cache *cache, const struct routing *routing, const struct cache_heard *heard,
               const struct cache_key *key, const struct search_answer *answer,
               const struct cache_place *place);

#endif
