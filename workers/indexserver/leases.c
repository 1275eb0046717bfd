/* Leases: a host at a time, a few URLs at a time. */
#include <stdlib.h>
#include <string.h>

#include "base/bytes.h"
#include "base/check.h"
#include "base/clock.h"
#include "indexserver/headers.h"
#include "indexserver/hosts.h"
#include "indexserver/urls.h"

enum {
    LEASE_BUDGET_MS = LEASE_MS * 3 / 4, /* what one lease's fetches may take */
    RESPONSE_GUESS_MS = 500,
    SCAN_MAX = 200, /* URLs looked at for one lease */
    PAGE_BYTES_DEFAULT = 10 * 1024 * 1024,
    TIMEOUT_DEFAULT_MS = 30 * 1000,
    STALLED_MS = 60 * 1000, /* a host whose sources all stand still is looked at again */
};

struct leasing {
    struct views *views;
    struct frontier *frontier;
    struct arena *arena;
    int64_t now_ms;
    int64_t unix_ms;
    struct frontier_grant *grant;
    size_t denied_capacity;
    struct kv_batch *batch; /* the leases given */
};

/* ---- the list of leases -------------------------------------------------------------------------
 */

void frontier_note_lease(struct frontier *frontier, struct host *host)
{
    if (frontier->leased_count == frontier->leased_capacity) {
        frontier->leased_capacity =
            frontier->leased_capacity == 0 ? 16 : frontier->leased_capacity * 2;
        frontier->leased = check_alloc(
            realloc(frontier->leased, frontier->leased_capacity * sizeof(*frontier->leased)));
    }
    frontier->leased[frontier->leased_count++] = host;
    host_sleep(frontier, host, INT64_MAX);
}

static struct host *leased_host(struct frontier *frontier, uint64_t lease, size_t *ret_index)
{
    for (size_t i = 0; i < frontier->leased_count; i++) {
        if (frontier->leased[i]->lease == lease) {
            *ret_index = i;
            return frontier->leased[i];
        }
    }
    return NULL;
}

bool frontier_has_lease(struct views *views, uint64_t lease)
{
    size_t index;
    return leased_host(views->frontier, lease, &index) != NULL ||
           parse_queue_has(&views->frontier->parsing, lease);
}

void frontier_prolong(struct views *views, const uint64_t *leases, size_t count, int64_t now_ms)
{
    for (size_t i = 0; i < count; i++) {
        size_t index;
        struct host *host = leased_host(views->frontier, leases[i], &index);
        if (host != NULL)
            host->lease_until_ms = now_ms + LEASE_MS;
        parse_queue_prolong(&views->frontier->parsing, leases[i], now_ms);
    }
}

/* Frees the host; its delay begins. The deletion goes into the batch. */
static void end_lease(struct views *views, size_t index, int64_t now_ms, struct kv_batch *batch)
{
    struct frontier *frontier = views->frontier;
    struct host *host = frontier->leased[index];
    uint8_t key[8];
    put_be64(key, host->lease);
    kv_delete(batch, views->kv, COLUMN_LEASES, kv_slice(key, sizeof(key)));
    frontier->leased[index] = frontier->leased[--frontier->leased_count];
    host->lease = 0;
    host->lease_urls = 0;
    if (host->ready_ms < now_ms + host->lease_delay_ms)
        host->ready_ms = now_ms + host->lease_delay_ms;
    if (host->queue_count > 0)
        host_wake(frontier, host, host->ready_ms);
}

enum status frontier_finish(struct views *views, uint64_t lease, int64_t now_ms, struct error *err)
{
    size_t index;
    parse_queue_end(&views->frontier->parsing, lease);
    if (leased_host(views->frontier, lease, &index) == NULL)
        return STATUS_OK; /* its time was over */
    struct kv_batch *batch = kv_batch_new();
    end_lease(views, index, now_ms, batch);
    enum status status = kv_write(views->kv, batch, false, err);
    kv_batch_free(batch);
    return status;
}

void frontier_expire(struct views *views, int64_t now_ms)
{
    struct frontier *frontier = views->frontier;
    struct kv_batch *batch = NULL;
    parse_queue_expire(&frontier->parsing, now_ms);
    for (size_t i = frontier->leased_count; i-- > 0;) {
        if (frontier->leased[i]->lease_until_ms > now_ms)
            continue;
        batch = batch == NULL ? kv_batch_new() : batch;
        end_lease(views, i, now_ms, batch);
    }
    /* Where this fails, a restart waits for a lease that nobody holds: no harm. */
    if (batch != NULL)
        kv_write(views->kv, batch, false, NULL);
    kv_batch_free(batch);
}

int64_t frontier_next_ms(struct views *views)
{
    struct frontier *frontier = views->frontier;
    int64_t next = frontier->heap_count == 0 ? INT64_MAX : frontier->heap[0]->wake_ms;
    int64_t parsing = parse_queue_next_ms(&frontier->parsing);
    for (size_t i = 0; i < frontier->leased_count; i++) {
        int64_t until = frontier->leased[i]->lease_until_ms;
        next = until < next ? until : next;
    }
    return parsing < next ? parsing : next;
}

/* ---- choosing URLs
 * --------------------------------------------------------------------------------- */

/* The first URL of a queue that may be fetched now; or when the first will be due. */
struct candidate {
    struct host_queue *queue;
    struct source *source;
    bool new_pages; /* those that were never fetched, too */
    struct due_key due;
};

static bool seek_place(struct kv_iterator *it, const struct host *host, uint32_t source,
                       const struct due_key *place, struct due_key *ret_due)
{
    struct buffer key = {0};
    host_key(&key, host->origin, source, place);
    bool found = kv_iterator_seek(it, kv_slice(key.data, key.size)) &&
                 host_key_read(kv_iterator_key(it), host->origin, source, ret_due);
    buffer_release(&key);
    return found;
}

/* A source at its limit fetches what it holds, and what the owner named, and nothing else. */
static bool is_passed_over(const struct candidate *candidate, int64_t due_ms)
{
    return !candidate->new_pages && due_ms != URL_DUE_OWNER && due_ms < URL_DUE_FIRST_TIME;
}

static bool seek_start(struct kv_iterator *it, const struct host *host,
                       const struct candidate *candidate, struct due_key *ret_due)
{
    static const struct due_key first_time = {.due_ms = URL_DUE_FIRST_TIME};
    const struct host_queue *queue = candidate->queue;
    if (!seek_place(it, host, queue->source, &queue->low, ret_due))
        return false;
    return !is_passed_over(candidate, ret_due->due_ms) ||
           seek_place(it, host, queue->source, &first_time, ret_due);
}

static bool is_due(const struct leasing *l, int64_t due_ms)
{
    return due_ms < URL_DUE_FIRST_TIME || due_ms <= l->unix_ms;
}

/* Looks at one queue. Returns false where it is empty; sets candidate->source where it may be
 * fetched from at all. */
static bool look_at_queue(struct leasing *l, struct kv_iterator *it, struct host *host,
                          struct host_queue *queue, struct candidate *candidate)
{
    struct scope *scope = l->views->scope;
    *candidate = (struct candidate){.queue = queue, .new_pages = true};
    struct source *source = scope_source_by_id(scope, queue->source);
    if (source == NULL || scope_source_stopped(scope, source, false, l->arena) != NULL)
        return true;
    candidate->new_pages = scope_source_stopped(scope, source, true, l->arena) == NULL;
    if (!seek_start(it, host, candidate, &candidate->due))
        return !candidate->new_pages;
    if (candidate->new_pages)
        queue->low = candidate->due;
    candidate->source = source;
    return true;
}

/* The queue whose first URL comes first. False: none may be fetched from now, and *ret_next_ms is
 * when to look again (INT64_MAX: when something changes). */
static bool choose_queue(struct leasing *l, struct kv_iterator *it, struct host *host,
                         struct candidate *ret, int64_t *ret_next_ms)
{
    bool found = false;
    *ret_next_ms = host->queue_count > 0 ? l->now_ms + STALLED_MS : INT64_MAX;
    for (unsigned i = host->queue_count; i-- > 0;) {
        struct candidate candidate;
        if (!look_at_queue(l, it, host, &host->queues[i], &candidate)) {
            host_drop_queue(host, host->queues[i].source);
            continue;
        }
        if (candidate.source == NULL)
            continue;
        if (!is_due(l, candidate.due.due_ms)) {
            int64_t at = l->now_ms + (candidate.due.due_ms - l->unix_ms);
            *ret_next_ms = at < *ret_next_ms ? at : *ret_next_ms;
            continue;
        }
        if (!found || candidate.due.due_ms < ret->due.due_ms ||
            (candidate.due.due_ms == ret->due.due_ms && candidate.due.found_at < ret->due.found_at))
            *ret = candidate;
        found = true;
    }
    if (host->queue_count == 0)
        *ret_next_ms = INT64_MAX;
    return found;
}

static void deny(struct leasing *l, const char *url, const struct robots_verdict *verdict,
                 bool held)
{
    struct frontier_grant *grant = l->grant;
    if (grant->denied_count == l->denied_capacity) {
        size_t capacity = l->denied_capacity == 0 ? 16 : l->denied_capacity * 2;
        struct frontier_denied *denied = arena_alloc(l->arena, capacity * sizeof(*denied));
        if (denied == NULL)
            return; /* found again next time */
        if (grant->denied_count > 0)
            memcpy(denied, grant->denied, grant->denied_count * sizeof(*denied));
        grant->denied = denied;
        l->denied_capacity = capacity;
    }
    char *words = arena_format(l->arena, "line %u: %s", verdict->line, verdict->rule);
    grant->denied[grant->denied_count++] =
        (struct frontier_denied){url, words == NULL ? "" : words, held};
}

/* What the server said of the version that is held, so that it may answer "not modified". */
static enum status add_validators(struct leasing *l, const struct url_state *state,
                                  Wire__LeasedUrl *leased, struct error *err)
{
    struct arena arena = {0};
    Log__Entry *entry;
    if (state->content == 0)
        return STATUS_OK;
    enum status status = log_get(l->views->log, state->content, &arena, &entry, err);
    if (status == STATUS_OK && entry->kind_case == LOG__ENTRY__KIND_CONTENT &&
        entry->content->n_hops > 0) {
        const Log__Hop *hop = entry->content->hops[entry->content->n_hops - 1];
        leased->etag = header_value(&hop->headers, "etag", l->arena);
        leased->last_modified = header_value(&hop->headers, "last-modified", l->arena);
    }
    arena_release(&arena);
    return status == STATUS_NOT_FOUND ? STATUS_OK : status;
}

static enum status add_url(struct leasing *l, struct robots *robots, const char *text,
                           Wire__HostLease *lease, struct error *err)
{
    struct robots_verdict verdict = {.allowed = true};
    struct url_state state;
    struct url url;
    if (url_parse(text, strlen(text), NULL, l->arena, &url, NULL) != STATUS_OK)
        return STATUS_OK;
    enum status status = urls_get(l->views, text, &state, err);
    if (status != STATUS_OK)
        return status == STATUS_NOT_FOUND ? STATUS_OK : status;
    if (robots != NULL)
        robots_check(robots, url.target, &verdict);
    if (!verdict.allowed) {
        deny(l, url.text, &verdict, state.content != 0);
        return STATUS_OK;
    }
    Wire__LeasedUrl *leased = arena_alloc(l->arena, sizeof(*leased));
    if (leased == NULL)
        return error_set(err, STATUS_NO_MEMORY, "no memory");
    wire__leased_url__init(leased);
    leased->url = (char *)url.text;
    leased->kind = WIRE__FETCH_KIND__FETCH_PAGE;
    lease->urls[lease->n_urls++] = leased;
    return add_validators(l, &state, leased, err);
}

/* How many fetches fit into a lease, and into what the source may still hold. */
static unsigned urls_that_fit(const struct leasing *l, const struct host *host,
                              const struct candidate *candidate, uint32_t delay_ms)
{
    uint64_t pages = source_max_pages(l->views->scope, candidate->source);
    uint64_t left = pages - candidate->source->counts.fetched;
    uint32_t each = delay_ms + (host->response_ms == 0 ? RESPONSE_GUESS_MS : host->response_ms);
    unsigned count = each == 0 ? LEASE_URLS_MAX : LEASE_BUDGET_MS / each;
    if (candidate->new_pages && count > left)
        count = (unsigned)left;
    return count < 1 ? 1 : count > LEASE_URLS_MAX ? LEASE_URLS_MAX : count;
}

static enum status gather_urls(struct leasing *l, struct kv_iterator *it, struct host *host,
                               const struct candidate *candidate, Wire__HostLease *lease,
                               struct error *err)
{
    unsigned max = urls_that_fit(l, host, candidate, lease->delay_ms);
    struct robots *robots;
    struct due_key due;
    enum status status = host_robots(l->views, host, &robots, err);
    bool more = seek_start(it, host, candidate, &due);
    for (unsigned i = 0; more && status == STATUS_OK && i < SCAN_MAX && lease->n_urls < max; i++) {
        struct kv_slice value = kv_iterator_value(it);
        char *url = arena_string_of(l->arena, value.data, value.size);
        if (url == NULL)
            return error_set(err, STATUS_NO_MEMORY, "no memory");
        if (!is_due(l, due.due_ms) || is_passed_over(candidate, due.due_ms))
            break;
        status = add_url(l, robots, url, lease, err);
        more = kv_iterator_next(it) &&
               host_key_read(kv_iterator_key(it), host->origin, candidate->queue->source, &due);
    }
    return status;
}

/* ---- granting
 * ------------------------------------------------------------------------------------------ */

static Wire__HostLease *new_lease(struct leasing *l, struct host *host, const struct source *source)
{
    const Log__CrawlSettings *settings = scope_settings(l->views->scope);
    Wire__HostLease *lease = arena_alloc(l->arena, sizeof(*lease));
    if (lease == NULL)
        return NULL;
    wire__host_lease__init(lease);
    lease->urls = arena_alloc(l->arena, LEASE_URLS_MAX * sizeof(*lease->urls));
    lease->origin = host->origin;
    lease->delay_ms = host_delay_ms(l->views, host, source);
    lease->expires_ms = LEASE_MS;
    lease->allow_private = source_allows_private(l->views->scope, source);
    lease->connect_to = source->definition->connect_to;
    lease->ca_file = source->definition->ca_file;
    lease->n_allowed_networks = settings->n_allowed_networks;
    lease->allowed_networks = settings->allowed_networks;
    lease->max_bytes =
        settings->max_page_bytes == 0 ? PAGE_BYTES_DEFAULT : settings->max_page_bytes;
    lease->timeout_ms =
        settings->fetch_timeout_ms == 0 ? TIMEOUT_DEFAULT_MS : settings->fetch_timeout_ms;
    lease->user_agent = settings->user_agent;
    return lease->urls == NULL ? NULL : lease;
}

static void add_robots_url(struct leasing *l, const struct host *host, Wire__HostLease *lease)
{
    Wire__LeasedUrl *leased = check_alloc(arena_alloc(l->arena, sizeof(*leased)));
    wire__leased_url__init(leased);
    leased->url = check_alloc(arena_format(l->arena, "%s/robots.txt", host->origin));
    leased->kind = WIRE__FETCH_KIND__FETCH_ROBOTS;
    lease->urls[lease->n_urls++] = leased;
}

static void grant(struct leasing *l, struct host *host, Wire__HostLease *lease)
{
    uint8_t key[8];
    do
        random_bytes(&lease->lease, sizeof(lease->lease));
    while (lease->lease == 0);
    put_be64(key, lease->lease);
    kv_put(l->batch, l->views->kv, COLUMN_LEASES, kv_slice(key, sizeof(key)),
           kv_slice(host->origin, strlen(host->origin)));
    host->lease = lease->lease;
    host->lease_until_ms = l->now_ms + LEASE_MS;
    host->lease_urls = (unsigned)lease->n_urls;
    host->lease_delay_ms = lease->delay_ms;
    frontier_note_lease(l->frontier, host);
    l->grant->leases[l->grant->lease_count++] = lease;
}

/* Tries to lease a host whose time has come; plans when to look at it again where that fails. */
static enum status lease_host(struct leasing *l, struct kv_iterator *it, struct host *host,
                              struct error *err)
{
    struct candidate candidate = {0};
    int64_t next_ms;
    if (!choose_queue(l, it, host, &candidate, &next_ms)) {
        host_sleep(l->frontier, host, next_ms);
        return kv_iterator_status(it, err);
    }
    bool robots_due = host_robots_due_ms(l->views->scope, host) <= l->unix_ms;
    if (!robots_due && host->record.robots_kind == ROBOTS_UNREACHABLE) {
        host_sleep(l->frontier, host,
                   l->now_ms + host_robots_due_ms(l->views->scope, host) - l->unix_ms);
        return STATUS_OK;
    }
    Wire__HostLease *lease = new_lease(l, host, candidate.source);
    if (lease == NULL)
        return error_set(err, STATUS_NO_MEMORY, "no memory");
    enum status status = STATUS_OK;
    if (robots_due)
        add_robots_url(l, host, lease);
    else
        status = gather_urls(l, it, host, &candidate, lease, err);
    if (status == STATUS_OK && lease->n_urls > 0)
        grant(l, host, lease);
    else /* all were forbidden: what is behind them comes when that is noted */
        host_sleep(l->frontier, host, l->now_ms + 1);
    return status;
}

static enum status lease_hosts(struct leasing *l, size_t hosts_max, struct error *err)
{
    struct frontier *frontier = l->frontier;
    struct kv_iterator *it = kv_iterator_open(l->views->kv, COLUMN_DUE);
    enum status status = STATUS_OK;
    while (status == STATUS_OK && l->grant->lease_count < hosts_max && frontier->heap_count > 0 &&
           frontier->heap[0]->wake_ms <= l->now_ms) {
        struct host *host = frontier->heap[0];
        if (host->ready_ms > l->now_ms)
            host_sleep(frontier, host, host->ready_ms);
        else
            status = lease_host(l, it, host, err);
    }
    kv_iterator_close(it);
    return status;
}

enum status frontier_lease(struct views *views, size_t hosts_max, int64_t now_ms,
                           struct arena *arena, struct frontier_grant *ret_grant, struct error *err)
{
    hosts_max = hosts_max < 1 ? 1 : hosts_max > LEASE_HOSTS_MAX ? LEASE_HOSTS_MAX : hosts_max;
    *ret_grant = (struct frontier_grant){0};
    ret_grant->leases = arena_alloc(arena, (hosts_max + 1) * sizeof(*ret_grant->leases));
    if (ret_grant->leases == NULL)
        return error_set(err, STATUS_NO_MEMORY, "no memory");
    struct leasing l = {.views = views,
                        .frontier = views->frontier,
                        .arena = arena,
                        .now_ms = now_ms,
                        .unix_ms = clock_unix_us() / 1000,
                        .grant = ret_grant,
                        .batch = kv_batch_new()};
    Wire__HostLease *parse = NULL;
    enum status status =
        parse_queue_lease(views, &views->frontier->parsing, now_ms, arena, &parse, err);
    ret_grant->unparsable = views->frontier->parsing.gave_up;
    if (status == STATUS_OK)
        status = lease_hosts(&l, hosts_max, err);
    /* On disk before anyone is told: so no restart can give a host to two. */
    if (status == STATUS_OK && ret_grant->lease_count > 0)
        status = kv_write(views->kv, l.batch, true, err);
    if (parse != NULL)
        ret_grant->leases[ret_grant->lease_count++] = parse;
    kv_batch_free(l.batch);
    return status;
}

void frontier_parsed(struct views *views, uint64_t sequence)
{
    parse_queue_done(&views->frontier->parsing, sequence);
}
