/* Leases: a host at a time, as many URLs at a time as keep a downloader busy for a while. */
#include <stdlib.h>
#include <string.h>

#include "base/bytes.h"
#include "base/check.h"
#include "base/clock.h"
#include "base/log.h"
#include "crawl/page.h"
#include "indexserver/headers.h"
#include "indexserver/hosts.h"
#include "indexserver/urls.h"

enum {
    /* What is fetched under a lease at one time, however often it grows: */
    LEASE_BUDGET_MS = LEASE_MS * 3 / 4, /* what the fetches of a slow host may take */
    LEASE_URLS_SLOW = 10,               /* no more where they take long */
    LEASE_BUSY_MS = 2000,               /* what those of a fast one should take, at least */
    RESPONSE_GUESS_US = 500 * 1000,
    SCAN_MAX = 2 * LEASE_URLS_MAX,     /* URLs looked at for one lease */
    HOSTS_LOOKED_AT_MAX = 1000,        /* for one call: the rest at the next */
    HELD_BYTES_MAX = 16 * 1024 * 1024, /* of the contents whose validators one call names */
    REPLY_BYTES_MAX = 4 * 1024 * 1024, /* of the leases of one call, but for what is to be parsed */
    VALIDATOR_BYTES_MAX = 1024,        /* a longer one is not sent back */
    TIMEOUT_DEFAULT_MS = 30 * 1000,
    STALLED_MS = 60 * 1000, /* a host whose sources all stand still is looked at again */
    FAULT_MS = 60 * 1000,   /* and one of which something cannot be read */
};

struct leasing {
    struct views *views;
    struct frontier *frontier;
    struct arena *arena;
    int64_t now_ms;
    int64_t unix_ms;
    struct frontier_grant *grant; /* NULL: a lease that is held grows */
    size_t denied_capacity;
    size_t held_bytes;      /* of the contents that were read for validators */
    size_t reply_bytes;     /* of what was leased */
    struct kv_batch *batch; /* the leases given */
};

/* Whether the call may be given more: else the rest comes with the next one. */
static bool has_room(const struct leasing *l)
{
    return l->held_bytes < HELD_BYTES_MAX && l->reply_bytes < REPLY_BYTES_MAX;
}

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

void frontier_note_answer(struct views *views, uint64_t lease)
{
    size_t index;
    struct host *host = leased_host(views->frontier, lease, &index);
    if (host != NULL && host->lease_done < host->lease_urls)
        host->lease_done++;
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
    host->lease_urls = host->lease_done = 0;
    host->lease_grows = false;
    host->rest_ms = now_ms;
    if (host->ready_ms < now_ms + host->lease_delay_ms)
        host->ready_ms = now_ms + host->lease_delay_ms;
    if (host_queue_count(host) > 0)
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
    struct origin *origin;
    struct host_queue *queue;
    struct source *source;
    bool new_pages; /* those that were never fetched, too */
    struct due_key due;
};

static bool seek_place(struct kv_iterator *it, const struct origin *origin, uint32_t source,
                       const struct due_key *place, struct due_key *ret_due)
{
    struct buffer key = {0};
    due_key_encode(&key, origin->name, source, place);
    bool found = kv_iterator_seek(it, kv_slice(key.data, key.size)) &&
                 due_key_decode(kv_iterator_key(it), origin->name, source, ret_due);
    buffer_release(&key);
    return found;
}

/* A source at its limit fetches what it holds, and what the owner named, and nothing else. */
static bool is_passed_over(const struct candidate *candidate, int64_t due_ms)
{
    return !candidate->new_pages && due_ms != URL_DUE_OWNER && due_ms < URL_DUE_FIRST_TIME;
}

/* From `place` on. */
static bool seek_from(struct kv_iterator *it, const struct candidate *candidate,
                      const struct due_key *place, struct due_key *ret_due)
{
    static const struct due_key first_time = {.due_ms = URL_DUE_FIRST_TIME};
    uint32_t source = candidate->queue->source;
    if (!seek_place(it, candidate->origin, source, place, ret_due))
        return false;
    return !is_passed_over(candidate, ret_due->due_ms) ||
           seek_place(it, candidate->origin, source, &first_time, ret_due);
}

static bool is_due(const struct leasing *l, int64_t due_ms)
{
    return due_ms < URL_DUE_FIRST_TIME || due_ms <= l->unix_ms;
}

/* Looks at one queue. Returns false where it is empty; sets candidate->source where it may be
 * fetched from at all. */
static bool look_at_queue(struct leasing *l, struct kv_iterator *it, struct origin *origin,
                          struct host_queue *queue, struct candidate *candidate)
{
    struct scope *scope = l->views->scope;
    *candidate = (struct candidate){.origin = origin, .queue = queue, .new_pages = true};
    struct source *source = scope_source_by_id(scope, queue->source);
    if (source == NULL || scope_source_stopped(scope, source, false, l->arena) != NULL)
        return true;
    candidate->new_pages = scope_source_stopped(scope, source, true, l->arena) == NULL;
    if (!seek_from(it, candidate, &queue->low, &candidate->due))
        return !candidate->new_pages;
    if (candidate->new_pages)
        queue->low = candidate->due;
    candidate->source = source;
    return true;
}

/* What was found of a host's queues so far. */
struct choice {
    bool found;
    struct candidate candidate; /* the first of all */
    int64_t
        next_ms; /* where none was found: when to look again; INT64_MAX: when something changes */
};

static void wait_at_most(struct choice *choice, int64_t until_ms)
{
    if (until_ms < choice->next_ms)
        choice->next_ms = until_ms;
}

static void choose_among(struct leasing *l, struct kv_iterator *it, struct origin *origin,
                         struct choice *choice)
{
    for (unsigned i = origin->queue_count; i-- > 0;) {
        struct candidate candidate;
        if (!look_at_queue(l, it, origin, &origin->queues[i], &candidate)) {
            origin_drop_queue(origin, origin->queues[i].source);
            continue;
        }
        if (candidate.source == NULL)
            continue;
        if (!is_due(l, candidate.due.due_ms)) {
            wait_at_most(choice, l->now_ms + (candidate.due.due_ms - l->unix_ms));
            continue;
        }
        if (!choice->found || due_key_is_before(&candidate.due, &choice->candidate.due))
            choice->candidate = candidate;
        choice->found = true;
    }
}

/* The queue whose first URL comes first. A robots.txt that cannot be reached holds up its own
 * origin and no other. */
static void choose_queue(struct leasing *l, struct kv_iterator *it, struct host *host,
                         struct choice *ret)
{
    *ret = (struct choice){.next_ms = l->now_ms + STALLED_MS};
    for (struct origin *origin = host->origins; origin != NULL; origin = origin->next) {
        int64_t robots_ms = origin_robots_due_ms(l->views->scope, origin) - l->unix_ms;
        if (origin->record.robots_kind == ROBOTS_UNREACHABLE && robots_ms > 0) {
            if (origin->queue_count > 0)
                wait_at_most(ret, l->now_ms + robots_ms);
            continue;
        }
        choose_among(l, it, origin, ret);
    }
    if (host_queue_count(host) == 0)
        ret->next_ms = INT64_MAX;
}

static void deny(struct leasing *l, const char *url, const struct robots_verdict *verdict,
                 bool held)
{
    struct frontier_grant *grant = l->grant;
    if (grant == NULL)
        return; /* found again by the next lease */
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

/* A validator as the server gave it, in the leasing's arena; "": none, or one of a size that a
 * server would not take either. */
static char *validator(struct leasing *l, const Log__Hop *hop, const char *name,
                       struct arena *scratch)
{
    const char *value = header_value(&hop->headers, name, scratch);
    return check_alloc(arena_string(l->arena, strlen(value) > VALIDATOR_BYTES_MAX ? "" : value));
}

/* What the server said of the version that is held, so that it may answer "not modified". Where
 * the log cannot give that version it is asked for whole. */
static void add_validators(struct leasing *l, const struct url_state *state,
                           Wire__LeasedUrl *leased)
{
    struct arena arena = {0};
    struct error err;
    Log__Entry *entry;
    if (state->content == 0)
        return;
    enum status status = log_get(l->views->log, state->content, &arena, &entry, &err);
    if (status == STATUS_OK && entry->kind_case == LOG__ENTRY__KIND_CONTENT &&
        entry->content->n_hops > 0) {
        const Log__Hop *hop = entry->content->hops[entry->content->n_hops - 1];
        leased->etag = validator(l, hop, "etag", &arena);
        leased->last_modified = validator(l, hop, "last-modified", &arena);
    } else if (status != STATUS_OK && status != STATUS_NOT_FOUND) {
        log_warning("%s: its content cannot be read from the log, it is fetched whole: %s",
                    leased->url, err.text);
    }
    arena_release(&arena);
}

/* Says once of a host that something of it cannot be read. */
static void say_fault(struct host *host, const char *what, const struct error *why)
{
    if (!host->said_fault)
        log_warning("%s cannot be leased: %s", what, why->text);
    host->said_fault = true;
}

static enum status add_url(struct leasing *l, struct origin *origin, const char *text,
                           Wire__HostLease *lease, struct error *err)
{
    struct robots_verdict verdict = {.allowed = true};
    struct url_state state;
    struct url url;
    if (url_parse(text, strlen(text), NULL, l->arena, &url, NULL) != STATUS_OK)
        return STATUS_OK;
    enum status status = urls_get(l->views, text, &state, err);
    if (status == STATUS_CORRUPT || status == STATUS_IO)
        say_fault(origin->host, text, err);
    if (status != STATUS_OK)
        return status == STATUS_NO_MEMORY ? status : STATUS_OK;
    if (origin->robots != NULL)
        robots_check(origin->robots, url.target, &verdict);
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
    l->held_bytes += state.content == 0 ? 0 : state.bytes;
    add_validators(l, &state, leased);
    l->reply_bytes += wire__leased_url__get_packed_size(leased);
    return STATUS_OK;
}

/* URLs that were given and are not answered: none, where the host is not leased. */
static uint64_t urls_out(const struct host *host)
{
    return host->lease_urls - host->lease_done;
}

/* How many more new pages the source may hold, when all that is leased has come. */
static uint64_t pages_left(const struct leasing *l, const struct host *host,
                           const struct source *source)
{
    uint64_t taken = source->counts.fetched + urls_out(host);
    uint64_t pages = source_max_pages(l->views->scope, source);
    uint64_t bytes = source_max_bytes(l->views->scope, source);
    uint64_t left = pages > taken ? pages - taken : 0;
    if (source->counts.fetched == 0) /* nobody knows how large they are */
        return left < LEASE_URLS_SLOW ? left : LEASE_URLS_SLOW;
    uint64_t each = source->counts.bytes / source->counts.fetched + 1;
    uint64_t fit = bytes / each;
    uint64_t left_by_bytes = fit > taken ? fit - taken : 1;
    return left < left_by_bytes ? left : left_by_bytes;
}

/* How many fetches fit into a lease of a slow host, or keep a downloader busy for a while with a
 * fast one, besides those that it holds already; and into what the source may still hold. */
static uint64_t urls_that_fit(const struct leasing *l, const struct host *host,
                              const struct candidate *candidate, uint32_t delay_ms)
{
    uint32_t response_us = host->record.response_us;
    uint64_t each_us =
        (uint64_t)delay_ms * 1000 + (response_us == 0 ? RESPONSE_GUESS_US : response_us);
    uint64_t slow = LEASE_BUDGET_MS * 1000u / each_us, fast = LEASE_BUSY_MS * 1000u / each_us;
    uint64_t count = slow < LEASE_URLS_SLOW ? slow : LEASE_URLS_SLOW;
    if (fast > count)
        count = fast < LEASE_URLS_MAX ? fast : LEASE_URLS_MAX;
    if (count < 1)
        count = 1;
    uint64_t out = urls_out(host);
    count = count > out ? count - out : 0;
    uint64_t left = candidate->new_pages ? pages_left(l, host, candidate->source) : count;
    return count < left ? count : left;
}

/* Adds URLs from `place` on to the lease: one, if it may hold any, and as many as the call has room
 * for. */
static enum status gather_urls(struct leasing *l, struct kv_iterator *it,
                               const struct candidate *candidate, const struct due_key *place,
                               Wire__HostLease *lease, struct error *err)
{
    struct origin *origin = candidate->origin;
    struct host *host = origin->host;
    uint64_t max = urls_that_fit(l, host, candidate, lease->delay_ms);
    struct due_key due;
    enum status status = STATUS_OK;
    bool more = seek_from(it, candidate, place, &due);
    for (unsigned i = 0; more && status == STATUS_OK && i < SCAN_MAX && lease->n_urls < max &&
                         (lease->n_urls == 0 || has_room(l));
         i++) {
        struct kv_slice value = kv_iterator_value(it);
        char *url = arena_string_of(l->arena, value.data, value.size);
        if (url == NULL)
            return error_set(err, STATUS_NO_MEMORY, "no memory");
        if (!is_due(l, due.due_ms) || is_passed_over(candidate, due.due_ms))
            break;
        status = add_url(l, origin, url, lease, err);
        host->lease_last = due;
        more = kv_iterator_next(it) &&
               due_key_decode(kv_iterator_key(it), origin->name, candidate->queue->source, &due);
    }
    return status;
}

/* ---- granting
 * ------------------------------------------------------------------------------------------ */

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
    lease->user_agent = settings->user_agent;
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
    lease_encode(&value, origin->name, lease->delay_ms);
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
    host->said_fault = false;
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
    origin_robots(l->views, origin); /* what add_url() asks */
    if (origin_robots_due_ms(l->views->scope, origin) <= l->unix_ms)
        add_robots_url(l, origin, lease);
    else
        status = gather_urls(l, it, candidate, &candidate->due, lease, err);
    if (status == STATUS_OK && lease->n_urls > 0)
        grant(l, candidate, lease);
    else if (l->grant->denied_count > denied) /* what is behind them comes when that is noted */
        host_sleep(l->frontier, origin->host, l->now_ms + 1);
    else
        host_sleep(l->frontier, origin->host, l->now_ms + FAULT_MS);
    return status;
}

/* Tries to lease a host whose time has come; plans when to look at it again where that fails. */
static enum status lease_host(struct leasing *l, struct kv_iterator *it, struct host *host,
                              struct error *err)
{
    struct choice choice;
    choose_queue(l, it, host, &choice);
    if (!choice.found) {
        host_sleep(l->frontier, host, choice.next_ms);
        return kv_iterator_status(it, err);
    }
    /* The delay of this source, by what is known now: that which was kept since the last lease may
     * be another source's, or of before its robots.txt was read, or of before a restart. */
    uint32_t delay_ms = host_delay_ms(l->views, host, choice.candidate.source);
    if (host->rest_ms + delay_ms > l->now_ms) {
        host->ready_ms = host->rest_ms + delay_ms;
        host_sleep(l->frontier, host, host->ready_ms);
        return STATUS_OK;
    }
    return lease_candidate(l, it, &choice.candidate, delay_ms, err);
}

/* A host of which something cannot be read holds up no other. */
static enum status lease_hosts(struct leasing *l, size_t hosts_max, struct error *err)
{
    struct frontier *frontier = l->frontier;
    struct kv_iterator *it = kv_iterator_open(l->views->kv, COLUMN_DUE);
    enum status status = STATUS_OK;
    for (unsigned i = 0;
         i < HOSTS_LOOKED_AT_MAX && l->grant->lease_count < hosts_max && has_room(l) &&
         frontier->heap_count > 0 && frontier->heap[0]->wake_ms <= l->now_ms;
         i++) {
        struct host *host = frontier->heap[0];
        if (host->ready_ms > l->now_ms) {
            host_sleep(frontier, host, host->ready_ms);
            continue;
        }
        status = lease_host(l, it, host, err);
        if (status == STATUS_NO_MEMORY)
            break;
        if (status != STATUS_OK) {
            say_fault(host, host->name, err);
            host_sleep(frontier, host, l->now_ms + FAULT_MS);
        }
    }
    kv_iterator_close(it);
    return status == STATUS_NO_MEMORY && l->grant->lease_count == 0 ? status : STATUS_OK;
}

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

/* Whether the lease's URLs may be followed by more of the same queue: nothing else of the host
 * waits, nothing came in that belongs before them, and nobody asked to be left alone. */
static bool may_grow(const struct leasing *l, const struct host *host)
{
    return host->lease_grows && host->ready_ms <= l->now_ms && host->lease_until_ms > l->now_ms &&
           host_queue_count(host) == 1 && host->lease_origin->queue_count == 1 &&
           host->lease_origin->queues[0].source == host->lease_source &&
           origin_robots_due_ms(l->views->scope, host->lease_origin) > l->unix_ms;
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
    if (!look_at_queue(l, it, origin, &origin->queues[0], &candidate) || candidate.source == NULL ||
        host_delay_ms(l->views, host, candidate.source) != host->lease_delay_ms)
        return NULL;
    origin_robots(l->views, origin); /* what add_url() asks */
    if (origin->record.robots_kind == ROBOTS_NONE)
        return NULL;
    Wire__HostLease *more = new_lease(l, &candidate, host->lease_delay_ms);
    if (more == NULL || gather_urls(l, it, &candidate, &place, more, NULL) != STATUS_OK ||
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
    for (size_t i = 0; i < count && has_room(&l); i++) {
        size_t index;
        struct host *host = leased_host(views->frontier, leases[i], &index);
        Wire__HostLease *more = NULL;
        if (host != NULL && may_grow(&l, host))
            more = grow(&l, it, host);
        if (more != NULL)
            ret_more[grown++] = more;
    }
    kv_iterator_close(it);
    return grown;
}

void frontier_parsed(struct views *views, uint64_t sequence)
{
    parse_queue_done(&views->frontier->parsing, sequence);
}
