/*
 * How often what was searched for, and totals. The counts of searches are a space-saving sketch:
 * with room for 10,000 searches, whatever was asked more often than one time in 10,000 is in it,
 * its count too high by at most the least count there is. Nothing tells who asked.
 */
#ifndef TIERCE_ORCHESTRATOR_COUNTERS_H
#define TIERCE_ORCHESTRATOR_COUNTERS_H

#include <stdint.h>

#include "base/arena.h"
#include "base/error.h"
#include "wire.pb-c.h"

enum {
    COUNTERS_SEARCHES = 10000,
    COUNTERS_QUERY_BYTES = 256, /* longer ones are not told apart behind this */
    COUNTERS_TOP = 10,
};

struct counters_totals {
    uint64_t requests, searches, cache_hits, errors, limited, partial;
};

struct counters;

struct counters *counters_new(void);
void counters_free(struct counters *counters); /* accepts NULL */

/* Adds what a gateway counted since its last report. */
void counters_add(struct counters *counters, const Wire__GatewayReport *report);
void counters_add_search(struct counters *counters, const char *query, uint64_t count);

struct counters_totals counters_totals(const struct counters *counters);

/* The most frequent searches, at most `max`, most frequent first, in the arena. */
Wire__QueryCount **counters_top(const struct counters *counters, unsigned max, struct arena *arena,
                                size_t *ret_count);

/* Grows with every change; tells whether a file is behind. */
uint64_t counters_changes(const struct counters *counters);

/* STATUS_NOT_FOUND: no file; STATUS_UNSUPPORTED: made by a newer version; STATUS_CORRUPT. */
enum status counters_load(struct counters *counters, const char *path, struct error *err);
enum status counters_save(const struct counters *counters, const char *path, struct error *err);

#endif
