/*
 * What this process has done. Totals only grow; what is new since the last heartbeat that was
 * answered goes to the orchestrator. Searches are counted by their words, never with who asked.
 */
#ifndef TIERCE_GATEWAY_COUNTERS_H
#define TIERCE_GATEWAY_COUNTERS_H

#include <stdbool.h>
#include <stdint.h>

#include "wire.pb-c.h"

enum {
    COUNTERS_QUERIES_MAX = 1000, /* distinct ones between two heartbeats; more are not told apart */
    COUNTERS_BARRELS_MAX = 512,
};

struct counters; /* any thread */

struct counters_totals {
    uint64_t requests, searches, cache_hits, errors, limited, partial;
};

struct counters *counters_new(void); /* NULL: no memory */
void counters_free(struct counters *counters);

void counters_request(struct counters *counters);
void counters_error(struct counters *counters);
void counters_limited(struct counters *counters);
void counters_search(struct counters *counters, const char *query, bool first_page, bool from_cache,
                     bool partial);
void counters_barrel(struct counters *counters, uint64_t member, int64_t us);
void counters_get(struct counters *counters, struct counters_totals *ret);

/*
 * For one heartbeat. The report stays in place until counters_sent(), which says that it has been
 * counted; without that the next report is the same one.
 */
Wire__GatewayReport *counters_report(struct counters *counters);
void counters_sent(struct counters *counters);

#endif
