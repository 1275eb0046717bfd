/*
 * /metrics, in Prometheus' text format. The figures are the installation's, as the orchestrator has
 * them, so that it does not matter which worker of the pool answers; what a worker knows only of
 * itself carries its PID.
 */
#include <inttypes.h>
#include <string.h>
#include <unistd.h>

#include "cluster/names.h"
#include "gateway/routes.h"

static void describe(struct buffer *out, const char *name, const char *type, const char *help)
{
    buffer_append_format(out, "# HELP %s %s\n# TYPE %s %s\n", name, help, name, type);
}

static void write_value(struct buffer *out, const char *name, const char *type, const char *help,
                        uint64_t value)
{
    describe(out, name, type, help);
    buffer_append_format(out, "%s %" PRIu64 "\n", name, value);
}

/* A label's value: backslash, quote and newline are escaped; other control characters are blanks.
 */
static void write_label(struct buffer *out, const char *name, const char *value)
{
    buffer_append_format(out, "%s=\"", name);
    for (; *value != '\0'; value++) {
        if (*value == '\\' || *value == '"')
            buffer_append_byte(out, '\\');
        buffer_append_byte(out, (unsigned char)*value < 0x20 ? ' ' : (uint8_t)*value);
    }
    buffer_append_byte(out, '"');
}

/* ---- of each barrel, of each process ---- */

static uint64_t barrel_documents(const Wire__MemberStatus *member)
{
    return member->barrel->documents;
}

static uint64_t barrel_bytes(const Wire__MemberStatus *member)
{
    return member->barrel->bytes;
}

static uint64_t barrel_position(const Wire__MemberStatus *member)
{
    return member->barrel->position;
}

static uint64_t barrel_calls(const Wire__MemberStatus *member)
{
    return member->calls;
}

static uint64_t is_ready(const Wire__MemberStatus *member)
{
    return member->state == WIRE__MEMBER_STATE__STATE_READY;
}

static uint64_t restarts(const Wire__MemberStatus *member)
{
    return member->restarts;
}

static uint64_t memory(const Wire__MemberStatus *member)
{
    return member->memory == NULL ? 0 : member->memory->anonymous + member->memory->shared;
}

static uint64_t fetched(const Wire__MemberStatus *member)
{
    return member->downloader == NULL ? 0 : member->downloader->pages;
}

struct member_metric {
    const char *name;
    const char *type;
    const char *help;
    uint64_t (*value)(const Wire__MemberStatus *member);
};

static const struct member_metric BARREL_METRICS[] = {
    {"tierce_barrel_documents", "gauge", "Documents that a barrel holds.", barrel_documents},
    {"tierce_barrel_bytes", "gauge", "Size of a barrel's index.", barrel_bytes},
    {"tierce_barrel_position", "gauge", "Log position that a barrel has applied.", barrel_position},
    {"tierce_barrel_calls_total", "counter", "Calls of a barrel by all gateways.", barrel_calls},
};

static const struct member_metric PROCESS_METRICS[] = {
    {"tierce_process_ready", "gauge", "1 while the process is ready.", is_ready},
    {"tierce_process_restarts_total", "counter", "Restarts by the orchestrator.", restarts},
    {"tierce_process_memory_bytes", "gauge", "RssAnon and RssShmem.", memory},
};

static const struct member_metric DOWNLOADER_METRICS[] = {
    {"tierce_downloader_pages_total", "counter", "Pages fetched since it started.", fetched},
};

static void write_member_value(struct buffer *out, const char *name,
                               const Wire__MemberStatus *member)
{
    buffer_append_format(out, "%s{", name);
    write_label(out, "name", member->name);
    buffer_append_byte(out, ',');
    write_label(out, "role", role_name(member->role));
    if (member->barrel != NULL)
        buffer_append_format(out, ",shard=\"%" PRIu32 "\",replica=\"%" PRIu32 "\"",
                             member->barrel->shard, member->barrel->replica);
    buffer_append_string(out, "} ");
}

/* role  WIRE__ROLE__ROLE_UNKNOWN: every process. */
static void write_members(struct buffer *out, const Wire__Stats *stats,
                          const struct member_metric *metric, Wire__Role role)
{
    describe(out, metric->name, metric->type, metric->help);
    for (size_t i = 0; i < stats->n_members; i++) {
        const Wire__MemberStatus *member = stats->members[i];
        bool is_meant = role == WIRE__ROLE__ROLE_UNKNOWN || member->role == role;
        if (!is_meant || (role == WIRE__ROLE__ROLE_BARREL && member->barrel == NULL))
            continue;
        write_member_value(out, metric->name, member);
        buffer_append_format(out, "%" PRIu64 "\n", metric->value(member));
    }
}

static void write_response_times(struct buffer *out, const Wire__Stats *stats)
{
    static const char name[] = "tierce_barrel_response_seconds";
    describe(out, name, "gauge", "Mean response time of a barrel over the last minute.");
    for (size_t i = 0; i < stats->n_members; i++) {
        const Wire__MemberStatus *member = stats->members[i];
        if (member->role != WIRE__ROLE__ROLE_BARREL || member->barrel == NULL)
            continue;
        write_member_value(out, name, member);
        buffer_append_format(out, "%u.%06u\n", member->mean_response_us / 1000000,
                             member->mean_response_us % 1000000);
    }
}

/* ---- of the whole ---- */

static void write_crawl(struct buffer *out, const Wire__IndexserverStatus *crawl)
{
    write_value(out, "tierce_log_position", "gauge", "Newest sequence of the log.", crawl->head);
    write_value(out, "tierce_log_bytes", "gauge", "Size of the log's data folder.", crawl->bytes);
    write_value(out, "tierce_log_documents", "gauge", "Documents in the log.", crawl->pages);
    write_value(out, "tierce_disk_limit_bytes", "gauge", "Limit of the data folder, 0: none.",
                crawl->disk_limit);
    write_value(out, "tierce_frontier_known_urls", "gauge", "URLs known.", crawl->urls_known);
    write_value(out, "tierce_frontier_queued_urls", "gauge", "URLs waiting to be fetched.",
                crawl->urls_queued);
    write_value(out, "tierce_frontier_leased_urls", "gauge", "URLs being fetched.",
                crawl->urls_leased);
    write_value(out, "tierce_frontier_hosts", "gauge", "Hosts known.", crawl->hosts);
    write_value(out, "tierce_crawl_paused", "gauge", "1 while the whole crawl stands still.",
                crawl->paused[0] != '\0');
}

static void write_installation(struct buffer *out, const Wire__Stats *stats)
{
    write_value(out, "tierce_documents", "gauge", "Documents that can be found.",
                stats->corpus == NULL ? 0 : stats->corpus->documents);
    write_value(out, "tierce_requests_total", "counter", "Requests, HTTP and gRPC.",
                stats->requests);
    write_value(out, "tierce_searches_total", "counter", "Searches: first pages.", stats->searches);
    write_value(out, "tierce_search_cache_hits_total", "counter", "Searches answered from a cache.",
                stats->cache_hits);
    write_value(out, "tierce_searches_partial_total", "counter",
                "Searches that not every shard answered.", stats->partial);
    write_value(out, "tierce_requests_limited_total", "counter",
                "Requests refused because their address had too many.", stats->limited);
    write_value(out, "tierce_memory_bytes", "gauge", "RssAnon and RssShmem of all processes.",
                stats->memory == NULL ? 0 : stats->memory->anonymous + stats->memory->shared);
    write_value(out, "tierce_memory_limit_bytes", "gauge", "What they are to stay within.",
                stats->memory_limit);
    write_value(out, "tierce_config_refused", "gauge",
                "1 while the newest config.yaml is refused and an earlier one in force.",
                stats->config_error[0] != '\0');
    if (stats->indexserver != NULL)
        write_crawl(out, stats->indexserver);
    for (size_t i = 0; i < sizeof(BARREL_METRICS) / sizeof(BARREL_METRICS[0]); i++)
        write_members(out, stats, &BARREL_METRICS[i], WIRE__ROLE__ROLE_BARREL);
    write_response_times(out, stats);
    for (size_t i = 0; i < sizeof(DOWNLOADER_METRICS) / sizeof(DOWNLOADER_METRICS[0]); i++)
        write_members(out, stats, &DOWNLOADER_METRICS[i], WIRE__ROLE__ROLE_DOWNLOADER);
    for (size_t i = 0; i < sizeof(PROCESS_METRICS) / sizeof(PROCESS_METRICS[0]); i++)
        write_members(out, stats, &PROCESS_METRICS[i], WIRE__ROLE__ROLE_UNKNOWN);
}

static void write_worker(struct exchange *exchange, struct buffer *out)
{
    struct gateway_totals totals = {0};
    exchange->backend->totals(exchange->gateway, &totals);
    describe(out, "tierce_worker_requests_total", "counter", "Requests to this gateway worker.");
    buffer_append_format(out, "tierce_worker_requests_total{pid=\"%d\"} %" PRIu64 "\n",
                         (int)getpid(), totals.requests);
    describe(out, "tierce_worker_errors_total", "counter", "Of those, answered with 5xx.");
    buffer_append_format(out, "tierce_worker_errors_total{pid=\"%d\"} %" PRIu64 "\n", (int)getpid(),
                         totals.errors);
}

void route_metrics(struct exchange *exchange)
{
    struct buffer *out = &exchange->response->body;
    Wire__Stats *stats = NULL;
    struct error err = {0};
    enum status status =
        exchange->backend->stats(exchange->service, exchange->request->arena, &stats, &err);
    exchange->response->status = 200;
    exchange->response->content_type = "text/plain; version=0.0.4; charset=utf-8";
    write_value(out, "tierce_orchestrator_up", "gauge", "1 where the orchestrator answers.",
                status == STATUS_OK);
    describe(out, "tierce_info", "gauge", "The version, as a label.");
    buffer_append_string(out, "tierce_info{version=\"" TIERCE_VERSION "\"} 1\n");
    write_worker(exchange, out);
    if (status == STATUS_OK)
        write_installation(out, stats);
}
