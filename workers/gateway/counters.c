#include "gateway/counters.h"

#include <pthread.h>
#include <stdlib.h>
#include <string.h>

#include "base/bytes.h"
#include "gateway/gateway_parts.h"

enum { INDEX_SIZE = 2048 }; /* a power of two, more than queries */

/* What goes with one heartbeat, ready to be packed. */
struct tally {
    Wire__QueryCount queries[COUNTERS_QUERIES_MAX];
    Wire__QueryCount *query_list[COUNTERS_QUERIES_MAX];
    uint16_t index[INDEX_SIZE]; /* by hash: number + 1, 0: free */
    size_t query_count;
    Wire__BarrelLatency barrels[COUNTERS_BARRELS_MAX];
    Wire__BarrelLatency *barrel_list[COUNTERS_BARRELS_MAX];
    size_t barrel_count;
};

struct counters {
    pthread_mutex_t mutex;
    struct counters_totals totals;
    struct counters_totals acknowledged;
    struct counters_totals reported; /* as of the report in hand */
    struct tally *counting;
    struct tally *sending;
    Wire__GatewayReport report;
    bool in_hand; /* the report was made and not yet acknowledged */
};

struct counters *counters_new(void)
{
    struct counters *counters = calloc(1, sizeof(*counters));
    if (counters == NULL)
        return NULL;
    pthread_mutex_init(&counters->mutex, NULL);
    counters->counting = calloc(1, sizeof(*counters->counting));
    counters->sending = calloc(1, sizeof(*counters->sending));
    if (counters->counting == NULL || counters->sending == NULL) {
        counters_free(counters);
        return NULL;
    }
    return counters;
}

static void tally_clear(struct tally *tally)
{
    for (size_t i = 0; i < tally->query_count; i++)
        free(tally->queries[i].query);
    memset(tally->index, 0, sizeof(tally->index));
    tally->query_count = 0;
    tally->barrel_count = 0;
}

static void tally_free(struct tally *tally)
{
    if (tally != NULL)
        tally_clear(tally);
    free(tally);
}

void counters_free(struct counters *counters)
{
    if (counters == NULL)
        return;
    tally_free(counters->counting);
    tally_free(counters->sending);
    pthread_mutex_destroy(&counters->mutex);
    free(counters);
}

/* ---- counting ---- */

static void tally_query(struct tally *tally, const char *query)
{
    size_t at = hash64(query, strlen(query)) % INDEX_SIZE;
    while (tally->index[at] != 0) {
        Wire__QueryCount *known = &tally->queries[tally->index[at] - 1];
        if (strcmp(known->query, query) == 0) {
            known->count++;
            return;
        }
        at = (at + 1) % INDEX_SIZE;
    }
    char *copy = tally->query_count == COUNTERS_QUERIES_MAX ? NULL : strdup(query);
    if (copy == NULL)
        return;
    Wire__QueryCount *added = &tally->queries[tally->query_count];
    wire__query_count__init(added);
    added->query = copy;
    added->count = 1;
    tally->query_list[tally->query_count++] = added;
    tally->index[at] = (uint16_t)tally->query_count;
}

static void tally_barrel(struct tally *tally, uint64_t member, uint64_t us)
{
    size_t at = 0;
    while (at < tally->barrel_count && tally->barrels[at].member != member)
        at++;
    if (at == COUNTERS_BARRELS_MAX)
        return;
    Wire__BarrelLatency *barrel = &tally->barrels[at];
    if (at == tally->barrel_count) {
        wire__barrel_latency__init(barrel);
        barrel->member = member;
        tally->barrel_list[tally->barrel_count++] = barrel;
    }
    barrel->calls++;
    barrel->total_us += us;
}

static void add_one(struct counters *counters, uint64_t *counter)
{
    pthread_mutex_lock(&counters->mutex);
    ++*counter;
    pthread_mutex_unlock(&counters->mutex);
}

void counters_request(struct counters *counters)
{
    add_one(counters, &counters->totals.requests);
}

void counters_error(struct counters *counters)
{
    add_one(counters, &counters->totals.errors);
}

void counters_limited(struct counters *counters)
{
    add_one(counters, &counters->totals.limited);
}

void counters_search(struct counters *counters, const char *query, bool first_page, bool from_cache,
                     bool partial)
{
    pthread_mutex_lock(&counters->mutex);
    counters->totals.cache_hits += from_cache;
    counters->totals.partial += partial;
    if (first_page) {
        counters->totals.searches++;
        if (query[0] != '\0')
            tally_query(counters->counting, query);
    }
    pthread_mutex_unlock(&counters->mutex);
}

void counters_barrel(struct counters *counters, uint64_t member, int64_t us)
{
    pthread_mutex_lock(&counters->mutex);
    tally_barrel(counters->counting, member, us < 0 ? 0 : (uint64_t)us);
    pthread_mutex_unlock(&counters->mutex);
}

void counters_get(struct counters *counters, struct counters_totals *ret)
{
    pthread_mutex_lock(&counters->mutex);
    *ret = counters->totals;
    pthread_mutex_unlock(&counters->mutex);
}

/* ---- telling ---- */

static void fill_report(struct counters *counters)
{
    const struct counters_totals *now = &counters->reported;
    const struct counters_totals *then = &counters->acknowledged;
    Wire__GatewayReport *report = &counters->report;
    wire__gateway_report__init(report);
    report->requests = now->requests - then->requests;
    report->searches = now->searches - then->searches;
    report->cache_hits = now->cache_hits - then->cache_hits;
    report->errors = now->errors - then->errors;
    report->limited = now->limited - then->limited;
    report->partial = now->partial - then->partial;
    report->queries = counters->sending->query_list;
    report->n_queries = counters->sending->query_count;
    report->latencies = counters->sending->barrel_list;
    report->n_latencies = counters->sending->barrel_count;
}

Wire__GatewayReport *counters_report(struct counters *counters)
{
    pthread_mutex_lock(&counters->mutex);
    if (!counters->in_hand) {
        struct tally *empty = counters->sending;
        counters->sending = counters->counting;
        counters->counting = empty;
        counters->reported = counters->totals;
        counters->in_hand = true;
        fill_report(counters);
    }
    pthread_mutex_unlock(&counters->mutex);
    return &counters->report;
}

void counters_sent(struct counters *counters)
{
    pthread_mutex_lock(&counters->mutex);
    if (counters->in_hand) {
        tally_clear(counters->sending);
        counters->acknowledged = counters->reported;
        counters->in_hand = false;
    }
    pthread_mutex_unlock(&counters->mutex);
}

/* ---- a gateway's ---- */

void gateway_count_request(struct gateway *gateway)
{
    counters_request(gateway->counters);
}

void gateway_count_error(struct gateway *gateway)
{
    counters_error(gateway->counters);
}

void gateway_count_limited(struct gateway *gateway)
{
    counters_limited(gateway->counters);
}

void gateway_count_search(struct gateway *gateway, const char *query, bool first_page,
                          bool from_cache, bool partial)
{
    counters_search(gateway->counters, query, first_page, from_cache, partial);
}

void gateway_count_barrel(struct gateway *gateway, uint64_t member, int64_t us)
{
    counters_barrel(gateway->counters, member, us);
}

void gateway_totals(struct gateway *gateway, struct gateway_totals *ret)
{
    struct counters_totals totals;
    counters_get(gateway->counters, &totals);
    *ret = (struct gateway_totals){.requests = totals.requests,
                                   .searches = totals.searches,
                                   .cache_hits = totals.cache_hits,
                                   .errors = totals.errors,
                                   .limited = totals.limited,
                                   .partial = totals.partial};
}
