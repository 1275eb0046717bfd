/* Leases: a host at a time, as many URLs at a time as keep a downloader busy for a while. */
#include <string.h>

#include "base/bytes.h"
#include "base/check.h"
#include "base/clock.h"
#include "base/file.h"
#include "base/log.h"
#include "indexserver/leasing.h"
#include "indexserver/neighbours.h"
#include "page/page.h"

enum {
    HOSTS_LOOKED_AT_MAX = 1000, /* for one call: the rest at the next */
    TIMEOUT_DEFAULT_MS = 30 * 1000,
    AUTHORITY_BYTES_MAX = 64 * 1024, /* of a source's certificates */
    FAULT_MS = 60 * 1000, /* a host of which something cannot be read is looked at again */
};

/* Where the file cannot be read the lease goes without, and its fetches say what they miss. */
static void fill_authority(struct leasing *l, const char *file, Wire__HostLease *lease)
{
    struct buffer bytes = {0};
    if (file[0] != '\0' && file_read(file, AUTHORITY_BYTES_MAX, &bytes, NULL) == STATUS_OK &&
        bytes.size > 0) {
        lease->ca_pem.data = check_alloc(arena_copy(l->arena, bytes.data, bytes.size));
        lease->ca_pem.len = bytes.size;
    }
    buffer_release(&bytes);
}

static Wire__HostLease *new_lease(struct leasing *l, const struct candidate *candidate,
                                  uint32_t delay_ms)
{
    const Log__CrawlSettings *settings = scope_settings(l->views->scope);
    const struct source *source = candidate->source;
    Wire__HostLease *lease = arena_alloc(l->arena, sizeof(*lease));
    if (lease == NULL)
        return NULL;
    wire__host_lease__init(lease);
    lease->urls = arena_alloc(l->arena, LEASE_URLS_MAX * sizeof(*lease->urls));
    lease->origin = candidate->origin->name;
    lease->delay_ms = delay_ms;
    lease->expires_ms = LEASE_MS;
    lease->allow_private = source_allows_private(l->views->scope, source);
    lease->connect_to = source->definition->connect_to;
    fill_authority(l, source->definition->ca_file, lease);
    lease->n_allowed_networks = settings->n_allowed_networks;
    lease->allowed_networks = settings->allowed_networks;
    lease->max_bytes =
        settings->max_page_bytes == 0 ? PAGE_BODY_BYTES_MAX : settings->max_page_bytes;
    lease->timeout_ms =
        settings->fetch_timeout_ms == 0 ? TIMEOUT_DEFAULT_MS : settings->fetch_timeout_ms;
    const char *own_agent = source->definition->user_agent;
    lease->user_agent = own_agent[0] == '\0' ? settings->user_agent : (char *)own_agent;
    lease->source = source->definition->has_credentials ? source->definition->url : (char *)"";
    lease->connections = source_connections(source);
    l->reply_bytes += wire__host_lease__get_packed_size(lease);
    return lease->urls == NULL ? NULL : lease;
}

static void add_robots_url(struct leasing *l, const struct origin *origin, Wire__HostLease *lease)
{
    Wire__LeasedUrl *leased = check_alloc(arena_alloc(l->arena, sizeof(*leased)));
    wire__leased_url__init(leased);
    leased->url = check_alloc(arena_format(l->arena, "%s/robots.txt", origin->name));
    leased->kind = WIRE__FETCH_KIND__FETCH_ROBOTS;
    lease->urls[lease->n_urls++] = leased;
}

static void grant(struct leasing *l, const struct candidate *candidate, Wire__HostLease *lease)
{
    struct origin *origin = candidate->origin;
    struct host *host = origin->host;
    struct buffer value = {0};
    uint8_t key[8];
    do
        random_bytes(&lease->lease, sizeof(lease->lease));
    while (lease->lease == 0);
    put_be64(key, lease->lease);
    lease_encode(&value, origin->name, lease->delay_ms, candidate->queue->source);
    kv_put(l->batch, l->views->kv, COLUMN_LEASES, kv_slice(key, sizeof(key)),
           kv_slice(value.data, value.size));
    buffer_release(&value);
    host->lease = lease->lease;
    host->lease_until_ms = l->now_ms + LEASE_MS;
    host->lease_urls = (unsigned)lease->n_urls;
    host->lease_done = 0;
    host->lease_delay_ms = lease->delay_ms;
    host->lease_origin = origin;
    host->lease_source = candidate->queue->source;
    host->lease_grows = lease->urls[0]->kind == WIRE__FETCH_KIND__FETCH_PAGE;
    host->lease_revoked_told = false;
    host->said_fault = false;
    neighbours_enter(l->frontier, host, l->member);
    frontier_note_lease(l->frontier, host);
    l->grant->leases[l->grant->lease_count++] = lease;
}

/* Leases what comes first at a host that may be asked. */
static enum status lease_candidate(struct leasing *l, struct kv_iterator *it,
                                   const struct candidate *candidate, uint32_t delay_ms,
                                   struct error *err)
{
    struct origin *origin = candidate->origin;
    size_t denied = l->grant->denied_count;
    Wire__HostLease *lease = new_lease(l, candidate, delay_ms);
    if (lease == NULL)
        return error_set(err, STATUS_NO_MEMORY, "no memory");
    enum status status = STATUS_OK;
    bool obeys = !candidate->source->definition->ignore_robots;
    if (obeys)
        origin_robots(l->views, origin); /* what add_url() asks */
    if (obeys && origin_robots_due_ms(l->views->scope, origin) <= l->unix_ms)
        add_robots_url(l, origin, lease);
    else
        status = leasing_gather_urls(l, it, candidate, &candidate->due, lease, err);
    if (status == STATUS_OK && lease->n_urls > 0) {
        grant(l, candidate, lease);
        return STATUS_OK;
    }
    neighbours_give_way(l->frontier, origin->host);
    if (l->grant->denied_count > denied) /* what is behind them comes when that is noted */
        host_sleep(l->frontier, origin->host, l->now_ms + 1);
    else
        host_sleep(l->frontier, origin->host, l->now_ms + FAULT_MS);
    return status;
}

/* Tries to lease a host whose time has come; plans when to look at it again where that fails.
 * `ret_elsewhere`: nothing is planned, another downloader may take it now. */
static enum status lease_host(struct leasing *l, struct kv_iterator *it, struct host *host,
                              bool *ret_elsewhere, struct error *err)
{
    struct choice choice;
    *ret_elsewhere = false;
    leasing_choose_queue(l, it, host, &choice);
    if (!choice.found) {
        neighbours_give_way(l->frontier, host);
        host_sleep(l->frontier, host, choice.next_ms);
        return kv_iterator_status(it, err);
    }
    /* The delay of this source, by what is known now: that which was kept since the last lease may
     * be another source's, or of before its robots.txt was read, or of before a restart. */
    uint32_t delay_ms = host_delay_ms(l->views, host, choice.candidate.source);
    if (host->rest_ms + delay_ms > l->now_ms) {
        host->ready_ms = host->rest_ms + delay_ms;
        neighbours_give_way(l->frontier, host);
        host_sleep(l->frontier, host, host->ready_ms);
        return STATUS_OK;
    }
    enum neighbours_word word = neighbours_ask(l->views, host, l->member, delay_ms);
    *ret_elsewhere = word == NEIGHBOURS_ELSEWHERE;
    return word == NEIGHBOURS_LET_IN ? lease_candidate(l, it, &choice.candidate, delay_ms, err)
                                     : STATUS_OK;
}

/* Those that are another downloader's to take, out of the way while one call is answered. */
struct set_aside {
    struct host *hosts[HOSTS_LOOKED_AT_MAX];
    unsigned count;
};

static void set_aside(struct leasing *l, struct set_aside *aside, struct host *host)
{
    int64_t wake_ms = host->wake_ms;
    host_sleep(l->frontier, host, INT64_MAX);
    host->wake_ms = wake_ms;
    aside->hosts[aside->count++] = host;
}

static void put_back(struct leasing *l, struct set_aside *aside)
{
    l->frontier->leased_elsewhere = aside->count > 0;
    for (unsigned i = 0; i < aside->count; i++)
        host_sleep(l->frontier, aside->hosts[i], aside->hosts[i]->wake_ms);
}

/* A host of which something cannot be read holds up no other. */
static enum status lease_hosts(struct leasing *l, size_t hosts_max, struct error *err)
{
    struct frontier *frontier = l->frontier;
    struct kv_iterator *it = kv_iterator_open(l->views->kv, COLUMN_DUE);
    struct set_aside aside = {.count = 0};
    enum status status = STATUS_OK;
    for (unsigned i = 0;
         i < HOSTS_LOOKED_AT_MAX && l->grant->lease_count < hosts_max && leasing_has_room(l) &&
         frontier->heap_count > 0 && frontier->heap[0]->wake_ms <= l->now_ms;
         i++) {
        struct host *host = frontier->heap[0];
        if (host->ready_ms > l->now_ms) {
            neighbours_give_way(frontier, host);
            host_sleep(frontier, host, host->ready_ms);
            continue;
        }
        bool elsewhere;
        status = lease_host(l, it, host, &elsewhere, err);
        if (elsewhere)
            set_aside(l, &aside, host);
        if (status == STATUS_NO_MEMORY)
            break;
        if (status != STATUS_OK) {
            leasing_say_fault(host, host->name, err);
            host_sleep(frontier, host, l->now_ms + FAULT_MS);
        }
    }
    put_back(l, &aside);
    kv_iterator_close(it);
    return status == STATUS_NO_MEMORY && l->grant->lease_count == 0 ? status : STATUS_OK;
}

/* ---- trials -----------------------------------------------------------------------------------
 */

static void add_trial_url(struct leasing *l, const struct url *url, Wire__HostLease *lease)
{
    Wire__LeasedUrl *leased = check_alloc(arena_alloc(l->arena, sizeof(*leased)));
    wire__leased_url__init(leased);
    leased->url = (char *)url->text; /* without validators: it is wanted whole */
    leased->kind = WIRE__FETCH_KIND__FETCH_PAGE;
    lease->urls[lease->n_urls++] = leased;
}

static Wire__HostLease *grant_trial(struct leasing *l, const struct candidate *candidate,
                                    const struct url *url, bool robots, uint32_t delay_ms)
{
    struct host *host = candidate->origin->host;
    Wire__HostLease *lease = new_lease(l, candidate, delay_ms);
    if (lease == NULL) {
        neighbours_give_way(l->frontier, host);
        return NULL;
    }
    if (robots)
        add_robots_url(l, candidate->origin, lease);
    else
        add_trial_url(l, url, lease);
    grant(l, candidate, lease);
    host->lease_grows = false;
    host->lease_trial = true;
    /* Where this fails, a restart does not know of the lease: it waits the host's delay anyway. */
    kv_write(l->views->kv, l->batch, true, NULL);
    return lease;
}

Wire__HostLease *frontier_lease_trial(struct views *views, const struct url *url,
                                      struct source *source, bool robots, uint64_t member,
                                      int64_t now_ms, struct arena *arena)
{
    Wire__HostLease *leases[1];
    struct frontier_grant given = {.leases = leases};
    struct host_queue queue = {.source = source->id};
    struct candidate candidate = {
        .origin = origin_of(views->frontier, url->origin, NULL), .queue = &queue, .source = source};
    if (candidate.origin == NULL)
        return NULL;
    struct host *host = candidate.origin->host;
    host->lease_grows = false; /* the lease that is held ends with what it has */
    uint32_t delay_ms = host_delay_ms(views, host, source);
    if (host->lease != 0 || host->ready_ms > now_ms || host->rest_ms + delay_ms > now_ms ||
        neighbours_ask(views, host, member, delay_ms) != NEIGHBOURS_LET_IN)
        return NULL;
    struct leasing l = {.views = views,
                        .frontier = views->frontier,
                        .arena = arena,
                        .member = member,
                        .now_ms = now_ms,
                        .unix_ms = clock_unix_us() / 1000,
                        .grant = &given,
                        .batch = kv_batch_new()};
    Wire__HostLease *lease = grant_trial(&l, &candidate, url, robots, delay_ms);
    kv_batch_free(l.batch);
    return lease;
}

int64_t frontier_trial_ready_ms(struct views *views, const struct url *url)
{
    enum { LOOK_MS = 100 }; /* no earlier than that: others of its address may hold it up */
    const struct origin *origin = origin_find(views->frontier, url->origin);
    int64_t soon = clock_boot_ms() + LOOK_MS;
    if (origin == NULL || origin->host->ready_ms < soon)
        return soon;
    return origin->host->ready_ms;
}

/* ---- granting ---------------------------------------------------------------------------------
 */

/* Contents that cannot be read to be parsed again hold up no host. */
static Wire__HostLease *lease_to_parse(struct leasing *l)
{
    struct error err;
    struct frontier *frontier = l->frontier;
    Wire__HostLease *lease = NULL;
    enum status status =
        parse_queue_lease(l->views, &frontier->parsing, l->now_ms, l->arena, &lease, &err);
    if (status != STATUS_OK && !frontier->said_parsing_fault)
        log_warning("nothing can be leased to be parsed again: %s", err.text);
    frontier->said_parsing_fault = status != STATUS_OK;
    l->grant->unparsable = frontier->parsing.gave_up;
    return status == STATUS_OK ? lease : NULL;
}

enum status frontier_lease(struct views *views, uint64_t member, size_t hosts_max, int64_t now_ms,
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
                        .member = member,
                        .now_ms = now_ms,
                        .unix_ms = clock_unix_us() / 1000,
                        .grant = ret_grant,
                        .batch = kv_batch_new()};
    Wire__HostLease *parse = lease_to_parse(&l);
    enum status status = lease_hosts(&l, hosts_max, err);
    /* On disk before anyone is told: so no restart can give a host to two. */
    if (status == STATUS_OK && ret_grant->lease_count > 0)
        status = kv_write(views->kv, l.batch, true, err);
    if (parse != NULL)
        ret_grant->leases[ret_grant->lease_count++] = parse;
    kv_batch_free(l.batch);
    return status;
}

/* ---- growing
 * ------------------------------------------------------------------------------------------- */

/* Whether robots.txt need not be asked for first. */
static bool knows_robots(const struct leasing *l, const struct host *host)
{
    const struct source *source = scope_source_by_id(l->views->scope, host->lease_source);
    return (source != NULL && source->definition->ignore_robots) ||
           origin_robots_due_ms(l->views->scope, host->lease_origin) > l->unix_ms;
}

/* Whether the lease's URLs may be followed by more of the same queue: nothing else of the host
 * waits, and no other host of its address, nothing came in that belongs before them, and nobody
 * asked to be left alone. */
static bool may_grow(const struct leasing *l, const struct host *host)
{
    return host->lease_grows && host->ready_ms <= l->now_ms && host->lease_until_ms > l->now_ms &&
           !neighbours_wait(host) && host_queue_count(host) == 1 &&
           host->lease_origin->queue_count == 1 &&
           host->lease_origin->queues[0].source == host->lease_source && knows_robots(l, host);
}

static struct due_key place_behind(struct due_key place)
{
    if (++place.found_index == 0)
        place.found_at++;
    return place;
}

/* A lease has one delay from its first URL to its last: where another is right by now, it ends, and
 * the next one has that. */
static Wire__HostLease *grow(struct leasing *l, struct kv_iterator *it, struct host *host)
{
    struct candidate candidate;
    struct due_key place = place_behind(host->lease_last);
    struct origin *origin = host->lease_origin;
    if (!leasing_look_at_queue(l, it, origin, &origin->queues[0], &candidate) ||
        candidate.source == NULL ||
        host_delay_ms(l->views, host, candidate.source) != host->lease_delay_ms)
        return NULL;
    bool obeys = !candidate.source->definition->ignore_robots;
    if (obeys)
        origin_robots(l->views, origin); /* what add_url() asks */
    if (obeys && origin->record.robots_kind == ROBOTS_NONE)
        return NULL;
    Wire__HostLease *more = new_lease(l, &candidate, host->lease_delay_ms);
    if (more == NULL || leasing_gather_urls(l, it, &candidate, &place, more, NULL) != STATUS_OK ||
        more->n_urls == 0)
        return NULL;
    more->lease = host->lease;
    host->lease_urls += (unsigned)more->n_urls;
    return more;
}

size_t frontier_grow(struct views *views, const uint64_t *leases, size_t count, int64_t now_ms,
                     struct arena *arena, Wire__HostLease **ret_more)
{
    struct leasing l = {.views = views,
                        .frontier = views->frontier,
                        .arena = arena,
                        .now_ms = now_ms,
                        .unix_ms = clock_unix_us() / 1000};
    struct kv_iterator *it = kv_iterator_open(views->kv, COLUMN_DUE);
    size_t grown = 0;
    for (size_t i = 0; i < count && leasing_has_room(&l); i++) {
        size_t index;
        struct host *host = frontier_leased_host(views->frontier, leases[i], &index);
        Wire__HostLease *more = NULL;
        if (host != NULL && may_grow(&l, host))
            more = grow(&l, it, host);
        if (more != NULL)
            ret_more[grown++] = more;
    }
    kv_iterator_close(it);
    return grown;
}
