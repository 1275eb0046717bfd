/* Which URLs of a queue a lease gets, and what a downloader is told of each. */
#include <string.h>

#include "base/check.h"
#include "base/log.h"
#include "indexserver/headers.h"
#include "indexserver/leasing.h"
#include "indexserver/traps.h"
#include "indexserver/urls.h"

enum {
    /* What is fetched under a lease at one time, however often it grows: */
    LEASE_BUDGET_MS = LEASE_MS * 3 / 4, /* what the fetches of a slow host may take */
    LEASE_URLS_SLOW = 10,               /* no more where they take long */
    LEASE_BUSY_MS = 2000,               /* what those of a fast one should take, at least */
    RESPONSE_GUESS_US = 500 * 1000,
    SCAN_MAX = 2 * LEASE_URLS_MAX,     /* URLs looked at for one lease */
    HELD_BYTES_MAX = 16 * 1024 * 1024, /* of the contents whose validators one call names */
    REPLY_BYTES_MAX = 4 * 1024 * 1024, /* of the leases of one call, but for what is to be parsed */
    VALIDATOR_BYTES_MAX = 1024,        /* a longer one is not sent back */
};

bool leasing_has_room(const struct leasing *l)
{
    return l->held_bytes < HELD_BYTES_MAX && l->reply_bytes < REPLY_BYTES_MAX;
}

static void deny(struct leasing *l, struct frontier_denied denied)
{
    struct frontier_grant *grant = l->grant;
    if (grant == NULL)
        return; /* found again by the next lease */
    if (grant->denied_count == l->denied_capacity) {
        size_t capacity = l->denied_capacity == 0 ? 16 : l->denied_capacity * 2;
        struct frontier_denied *more = arena_alloc(l->arena, capacity * sizeof(*more));
        if (more == NULL)
            return; /* found again next time */
        if (grant->denied_count > 0)
            memcpy(more, grant->denied, grant->denied_count * sizeof(*more));
        grant->denied = more;
        l->denied_capacity = capacity;
    }
    denied.words = denied.words == NULL ? "" : denied.words;
    grant->denied[grant->denied_count++] = denied;
}

/* It never answered, and nobody but pages named it. */
static bool was_only_linked(const struct url_state *state)
{
    return state->status == 0 && state->content == 0 && state->origin == 0 && state->depth > 0 &&
           state->redirects == 0 && (state->flags & URL_LISTING) == 0;
}

/* An edit of `query` has given it another spelling, which is fetched instead (scope_sweep.h). Where
 * a site redirects here, it insists on this one. */
static bool is_respelt(const struct source *source, const struct url *url,
                       const struct url_state *state, struct arena *arena)
{
    struct url spelt;
    return state->redirects == 0 && (state->flags & URL_LISTING) == 0 &&
           source_scope_spell(source->scope, url, arena, &spelt, NULL) == STATUS_OK &&
           strcmp(spelt.text, url->text) != 0;
}

/* What robots.txt or the source's scope has against the URL. A page that the scope wants no more
 * is not fetched; whether it goes is no matter of leases (scope_sweep.h). */
static bool is_denied(struct leasing *l, const struct candidate *candidate, const struct url *url,
                      const struct url_state *state)
{
    const struct source *source = candidate->source;
    struct robots_verdict verdict = {.allowed = true};
    struct frontier_denied denied = {.url = url->text};
    if (candidate->origin->robots != NULL && !source->definition->ignore_robots)
        robots_check(candidate->origin->robots, url->target, &verdict);
    if (!verdict.allowed) {
        denied.reason = LOG__REASON__REASON_ROBOTS_DENIED;
        denied.words = arena_format(l->arena, "line %u: %s", verdict.line, verdict.rule);
    } else if (!source_scope_takes(source->scope, url, state->depth) &&
               (state->flags & URL_LISTING) == 0) {
        denied.reason = LOG__REASON__REASON_OUT_OF_SCOPE;
        denied.words = source_scope_words(source->scope, url, state->depth, l->arena);
    } else if (is_respelt(source, url, state, l->arena)) {
        denied.reason = LOG__REASON__REASON_OUT_OF_SCOPE;
        denied.words = "its source takes it in another spelling (query)";
    } else if (was_only_linked(state)) {
        denied.reason = LOG__REASON__REASON_LIMIT;
        denied.words = traps_refusal(l->views, url, source->id, l->arena);
        if (denied.words == NULL)
            return false;
    } else {
        return false;
    }
    deny(l, denied);
    return true;
}

/* A validator as the server gave it, in the leasing's arena; "": none, or one of a size that a
 * server would not take either. */
static char *validator(struct leasing *l, const Log__Hop *hop, const char *name,
                       struct arena *scratch)
{
    const char *value = header_value(&hop->headers, name, scratch);
    return check_alloc(arena_string(l->arena, strlen(value) > VALIDATOR_BYTES_MAX ? "" : value));
}

/* An answer that nothing changed may name newer validators for it (RFC 9111, 4.3.4). */
static void renew_validators(struct leasing *l, const struct url_state *state,
                             struct arena *scratch, Wire__LeasedUrl *leased)
{
    Log__Entry *entry;
    if (state->reason != LOG__REASON__REASON_NOT_MODIFIED || state->outcome < state->content ||
        log_get(l->views->log, state->outcome, scratch, &entry, NULL) != STATUS_OK ||
        entry->kind_case != LOG__ENTRY__KIND_OUTCOME || entry->outcome->n_hops == 0)
        return;
    const Log__Hop *hop = entry->outcome->hops[entry->outcome->n_hops - 1];
    char *etag = validator(l, hop, "etag", scratch);
    char *last_modified = validator(l, hop, "last-modified", scratch);
    if (etag[0] != '\0')
        leased->etag = etag;
    if (last_modified[0] != '\0')
        leased->last_modified = last_modified;
}

/* Whether a whole answer is wanted although the page is held. */
static bool must_come_whole(const struct url_state *state)
{
    return (state->flags & URL_KEPT) != 0;
}

/* What the server said of the version that is held, so that it may answer "not modified". Where
 * the log cannot give that version it is asked for whole. */
static void add_validators(struct leasing *l, const struct url_state *state,
                           Wire__LeasedUrl *leased)
{
    struct arena arena = {0};
    struct error err;
    Log__Entry *entry;
    if (state->content == 0 || must_come_whole(state))
        return;
    enum status status = log_get(l->views->log, state->content, &arena, &entry, &err);
    if (status == STATUS_OK && entry->kind_case == LOG__ENTRY__KIND_CONTENT &&
        entry->content->n_hops > 0) {
        const Log__Hop *hop = entry->content->hops[entry->content->n_hops - 1];
        leased->etag = validator(l, hop, "etag", &arena);
        leased->last_modified = validator(l, hop, "last-modified", &arena);
        renew_validators(l, state, &arena, leased);
    } else if (status != STATUS_OK && status != STATUS_NOT_FOUND) {
        log_warning("%s: its content cannot be read from the log, it is fetched whole: %s",
                    leased->url, err.text);
    }
    arena_release(&arena);
}

void leasing_say_fault(struct host *host, const char *what, const struct error *why)
{
    if (!host->said_fault)
        log_warning("%s cannot be leased: %s", what, why->text);
    host->said_fault = true;
}

static enum status add_url(struct leasing *l, const struct candidate *candidate, const char *text,
                           Wire__HostLease *lease, struct error *err)
{
    struct url_state state;
    struct url url;
    if (url_parse(text, strlen(text), NULL, l->arena, &url, NULL) != STATUS_OK)
        return STATUS_OK;
    enum status status = urls_get(l->views, text, &state, err);
    if (status == STATUS_CORRUPT || status == STATUS_IO)
        leasing_say_fault(candidate->origin->host, text, err);
    if (status != STATUS_OK)
        return status == STATUS_NO_MEMORY ? status : STATUS_OK;
    if (is_denied(l, candidate, &url, &state))
        return STATUS_OK;
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
    if (count < 1 || host->record.failures > 0) /* one page first, to see whether it is well */
        count = 1;
    uint64_t out = urls_out(host);
    count = count > out ? count - out : 0;
    uint64_t left = candidate->new_pages ? pages_left(l, host, candidate->source) : count;
    return count < left ? count : left;
}

enum status leasing_gather_urls(struct leasing *l, struct kv_iterator *it,
                                const struct candidate *candidate, const struct due_key *place,
                                Wire__HostLease *lease, struct error *err)
{
    struct origin *origin = candidate->origin;
    struct host *host = origin->host;
    uint64_t max = urls_that_fit(l, host, candidate, lease->delay_ms);
    struct due_key due;
    enum status status = STATUS_OK;
    bool more = leasing_seek(it, candidate, place, &due);
    for (unsigned i = 0; more && status == STATUS_OK && i < SCAN_MAX && lease->n_urls < max &&
                         (lease->n_urls == 0 || leasing_has_room(l));
         i++) {
        struct kv_slice value = kv_iterator_value(it);
        char *url = arena_string_of(l->arena, value.data, value.size);
        if (url == NULL)
            return error_set(err, STATUS_NO_MEMORY, "no memory");
        if (!leasing_is_due(l, due.due_ms) || leasing_is_passed_over(candidate, due.due_ms))
            break;
        status = add_url(l, candidate, url, lease, err);
        host->lease_last = due;
        more = kv_iterator_next(it) &&
               due_key_decode(kv_iterator_key(it), origin->name, candidate->queue->source, &due);
    }
    return status;
}
