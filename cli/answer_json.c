#include "cli/answer_json.h"

#include <math.h>
#include <stdio.h>

#include "base/check.h"
#include "base/clock.h"

/* A new object or value, or no way to go on. */
#define NEW(json) ((json_t *)check_alloc(json))

static void put(json_t *object, const char *key, json_t *value)
{
    CHECK(json_object_set_new(object, key, NEW(value)) == 0);
}

static void put_count(json_t *object, const char *key, uint64_t value)
{
    put(object, key, json_integer((json_int_t)value));
}

/* A string that is no UTF-8 becomes the empty one. */
static void put_string(json_t *object, const char *key, const char *value)
{
    json_t *string = json_string(value);
    put(object, key, string != NULL ? string : json_string(""));
}

static void put_time(json_t *object, const char *key, int64_t unix_us)
{
    char text[CLOCK_RFC3339_SIZE];
    put(object, key, unix_us > 0 ? json_string(clock_rfc3339(unix_us, text)) : json_null());
}

static void append(json_t *array, json_t *value)
{
    CHECK(json_array_append_new(array, NEW(value)) == 0);
}

const char *role_name(Wire__Role role)
{
    static const char *const names[] = {
        [WIRE__ROLE__ROLE_UNKNOWN] = "unknown",
        [WIRE__ROLE__ROLE_ORCHESTRATOR] = "orchestrator",
        [WIRE__ROLE__ROLE_INDEXSERVER] = "indexserver",
        [WIRE__ROLE__ROLE_BARREL] = "barrel",
        [WIRE__ROLE__ROLE_GATEWAY] = "gateway",
        [WIRE__ROLE__ROLE_DOWNLOADER] = "downloader",
        [WIRE__ROLE__ROLE_GRPC] = "grpc",
        [WIRE__ROLE__ROLE_PROXY] = "proxy",
    };
    return (size_t)role < ARRAY_COUNT(names) ? names[role] : "unknown";
}

const char *state_name(Wire__MemberState state)
{
    static const char *const names[] = {
        [WIRE__MEMBER_STATE__STATE_STARTING] = "starting",
        [WIRE__MEMBER_STATE__STATE_READY] = "ready",
        [WIRE__MEMBER_STATE__STATE_DRAINING] = "draining",
    };
    return (size_t)state < ARRAY_COUNT(names) ? names[state] : "unknown";
}

static void put_memory(json_t *object, const Wire__Memory *memory)
{
    put_count(object, "anonymous", memory == NULL ? 0 : memory->anonymous);
    put_count(object, "shared", memory == NULL ? 0 : memory->shared);
    put_count(object, "mapped", memory == NULL ? 0 : memory->mapped);
}

static json_t *json_of_barrel(const Wire__MemberStatus *member)
{
    const Wire__BarrelStatus *barrel = member->barrel;
    json_t *object = NEW(json_object());
    put_string(object, "name", member->name);
    put_string(object, "address", member->address);
    put_string(object, "state", state_name(member->state));
    put_count(object, "shard", barrel->shard);
    put_count(object, "replica", barrel->replica);
    put_count(object, "documents", barrel->documents);
    put_count(object, "segments", barrel->segments);
    put_count(object, "edges", barrel->edges);
    put_count(object, "bytes", barrel->bytes);
    put_count(object, "position", barrel->position);
    put_count(object, "calls", member->calls);
    put(object, "mean_response_ms", json_real(round(member->mean_response_us / 100.0) / 10));
    put_string(object, "stopped", barrel->stopped);
    return object;
}

static json_t *json_of_downloader(const Wire__MemberStatus *member)
{
    const Wire__DownloaderStatus *downloader = member->downloader;
    json_t *object = NEW(json_object());
    put_string(object, "name", member->name);
    put_count(object, "pages", downloader->pages);
    put_count(object, "bytes", downloader->bytes);
    put_count(object, "errors", downloader->errors);
    put_count(object, "fetching", downloader->fetching);
    put_count(object, "parser_restarts", downloader->parser_restarts);
    return object;
}

static json_t *json_of_process(const Wire__MemberStatus *member)
{
    json_t *object = NEW(json_object());
    put_string(object, "name", member->name);
    put_string(object, "role", role_name(member->role));
    put_string(object, "state", state_name(member->state));
    put_count(object, "pid", member->pid);
    put_string(object, "machine", member->machine);
    put_string(object, "address", member->address);
    put_string(object, "version", member->version);
    put_count(object, "restarts", member->restarts);
    put_time(object, "started_at", member->started_us);
    put_string(object, "trouble", member->trouble);
    put_memory(object, member->memory);
    return object;
}

static void put_members(json_t *object, const Wire__Stats *stats)
{
    json_t *barrels = NEW(json_array());
    json_t *downloaders = NEW(json_array());
    json_t *processes = NEW(json_array());
    for (size_t i = 0; i < stats->n_members; i++) {
        const Wire__MemberStatus *member = stats->members[i];
        if (member->role == WIRE__ROLE__ROLE_BARREL && member->barrel != NULL)
            append(barrels, json_of_barrel(member));
        if (member->role == WIRE__ROLE__ROLE_DOWNLOADER && member->downloader != NULL)
            append(downloaders, json_of_downloader(member));
        append(processes, json_of_process(member));
    }
    put(object, "barrels", barrels);
    put(object, "downloaders", downloaders);
    put(object, "processes", processes);
}

static json_t *json_of_source(const Wire__SourceStatus *source)
{
    json_t *object = NEW(json_object());
    put_string(object, "url", source->url);
    put_string(object, "state", source->state);
    put_count(object, "known", source->known);
    put_count(object, "queued", source->queued);
    put_count(object, "fetched", source->fetched);
    put_count(object, "failed", source->failed);
    put_count(object, "bytes", source->bytes);
    put(object, "public", json_boolean(source->is_public));
    return object;
}

static void put_crawl(json_t *object, const Wire__IndexserverStatus *crawl)
{
    static const Wire__IndexserverStatus none = WIRE__INDEXSERVER_STATUS__INIT;
    if (crawl == NULL)
        crawl = &none;
    json_t *frontier = NEW(json_object());
    put_count(frontier, "known", crawl->urls_known);
    put_count(frontier, "queued", crawl->urls_queued);
    put_count(frontier, "leased", crawl->urls_leased);
    put_count(frontier, "fetched", crawl->urls_fetched);
    put_count(frontier, "hosts", crawl->hosts);
    put_count(frontier, "hosts_waiting", crawl->hosts_waiting);
    put_string(frontier, "paused", crawl->paused);
    put(object, "frontier", frontier);
    json_t *log = NEW(json_object());
    put_count(log, "position", crawl->head);
    put_count(log, "entries", crawl->entries);
    put_count(log, "documents", crawl->pages);
    put_count(log, "bytes", crawl->bytes);
    put_count(log, "disk_limit", crawl->disk_limit);
    put_count(log, "oldest_position", crawl->oldest_position);
    put(object, "log", log);
    json_t *sources = NEW(json_array());
    for (size_t i = 0; i < crawl->n_sources; i++)
        append(sources, json_of_source(crawl->sources[i]));
    put(object, "sources", sources);
}

static json_t *json_of_queries(const Wire__Stats *stats)
{
    json_t *queries = NEW(json_array());
    for (size_t i = 0; i < stats->n_top_queries; i++) {
        json_t *query = NEW(json_object());
        put_string(query, "query", stats->top_queries[i]->query);
        put_count(query, "count", stats->top_queries[i]->count);
        append(queries, query);
    }
    return queries;
}

json_t *json_of_stats(const Wire__Stats *stats)
{
    json_t *object = NEW(json_object());
    put_time(object, "time", stats->time_us);
    put_string(object, "version", stats->version);
    put_count(object, "documents", stats->corpus == NULL ? 0 : stats->corpus->documents);
    put_count(object, "searches", stats->searches);
    put_count(object, "requests", stats->requests);
    put_count(object, "cache_hits", stats->cache_hits);
    put_count(object, "partial", stats->partial);
    put_count(object, "limited", stats->limited);
    put(object, "top_searches", json_of_queries(stats));
    put_members(object, stats);
    put_crawl(object, stats->indexserver);
    json_t *memory = NEW(json_object());
    put_memory(memory, stats->memory);
    put_count(memory, "resident",
              stats->memory == NULL ? 0 : stats->memory->anonymous + stats->memory->shared);
    put_count(memory, "limit", stats->memory_limit);
    put(object, "memory", memory);
    json_t *config = NEW(json_object());
    put_count(config, "version", stats->config_version);
    put_string(config, "error", stats->config_error);
    put(object, "config", config);
    put_string(object, "base_url", stats->base_url);
    return object;
}

json_t *json_of_why(const Wire__LookupReply *reply)
{
    json_t *object = NEW(json_object());
    put_string(object, "url", reply->url);
    put(object, "known", json_boolean(reply->known));
    put_count(object, "slot", reply->slot);
    json_t *stages = NEW(json_array());
    for (size_t i = 0; i < reply->n_stages; i++) {
        const Wire__Stage *stage = reply->stages[i];
        json_t *entry = NEW(json_object());
        put_string(entry, "name", stage->name);
        put_string(entry, "verdict", stage->verdict);
        put_string(entry, "words", stage->words);
        put_time(entry, "time", stage->time_us);
        append(stages, entry);
    }
    put(object, "stages", stages);
    return object;
}

json_t *json_of_rejected(const Wire__Rejected *rejected)
{
    json_t *object = NEW(json_object());
    put_string(object, "url", rejected->url);
    put_string(object, "reason", rejected->reason);
    return object;
}

json_t *json_of_submit(uint64_t accepted, json_t *rejected)
{
    json_t *object = NEW(json_object());
    put_count(object, "accepted", accepted);
    put(object, "rejected", rejected);
    return object;
}

void json_print(json_t *json)
{
    json_dumpf(json, stdout, JSON_INDENT(2) | JSON_REAL_PRECISION(12));
    fputc('\n', stdout);
    json_decref(json);
}
