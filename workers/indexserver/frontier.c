#include "indexserver/frontier.h"

#include <stdlib.h>
#include <string.h>

#include "base/bytes.h"
#include "base/check.h"
#include "base/clock.h"
#include "indexserver/found.h"
#include "indexserver/hosts.h"
#include "indexserver/listings.h"
#include "indexserver/losses.h"
#include "indexserver/neighbours.h"
#include "indexserver/removal.h"
#include "indexserver/urls.h"

enum { REMOVE_URLS_MAX = 20000 }; /* of one REMOVE; then it is appended again */

/* ---- opening -----------------------------------------------------------------------------------
 */

enum status frontier_open(struct views *views, struct frontier **ret_frontier, struct error *err)
{
    struct frontier *frontier = check_alloc(calloc(1, sizeof(*frontier)));
    enum status status = hosts_load(views, frontier, err);
    if (status != STATUS_OK) {
        frontier_close(frontier);
        return status;
    }
    *ret_frontier = frontier;
    return STATUS_OK;
}

void frontier_close(struct frontier *frontier)
{
    if (frontier == NULL)
        return;
    while (frontier->hosts != NULL) {
        struct host *host = frontier->hosts;
        frontier->hosts = host->next;
        host_free(host);
    }
    parse_queue_release(&frontier->parsing);
    table_release(&frontier->by_origin);
    table_release(&frontier->by_host);
    neighbours_release(frontier);
    free(frontier->heap);
    free(frontier->leased);
    free(frontier);
}

/* ---- queues -------------------------------------------------------------------------------------
 */

static bool has_place(const struct url_state *state)
{
    return state->kind != URL_UNKNOWN && state->kind != URL_REMOVED &&
           state->due_ms != URL_DUE_NEVER && state->source != URL_NO_SOURCE;
}

static struct due_key place_of(const struct url_state *state)
{
    return (struct due_key){state->due_ms, state->found_at, state->found_index};
}

static bool same_place(const struct url_state *a, const struct url_state *b)
{
    return has_place(a) && has_place(b) && a->source == b->source && a->due_ms == b->due_ms &&
           a->found_at == b->found_at && a->found_index == b->found_index;
}

static int64_t wake_of(const struct host *host, int64_t due_ms)
{
    int64_t at = clock_boot_ms();
    if (due_ms >= URL_DUE_FIRST_TIME)
        at += due_ms - clock_unix_us() / 1000;
    return at > host->ready_ms ? at : host->ready_ms;
}

static void enqueue(struct change *change, const char *origin_name, uint32_t source,
                    const struct due_key *due)
{
    struct frontier *frontier = change->views->frontier;
    struct origin *origin = origin_of(frontier, origin_name, change);
    CHECK(origin != NULL); /* a URL has one */
    struct host *host = origin->host;
    origin_add_queue(origin, source, due);
    if (due_key_is_before(due, &host->lease_last))
        host->lease_grows = false; /* it comes first, in the next lease */
    host_wake(frontier, host, wake_of(host, due->due_ms));
}

void frontier_requeue(struct change *change, const char *url, const struct url_state *before,
                      const struct url_state *after)
{
    struct url parsed;
    struct buffer key = {0};
    if (same_place(before, after) ||
        url_parse(url, strlen(url), NULL, &change->arena, &parsed, NULL) != STATUS_OK)
        return;
    if (has_place(before)) {
        struct due_key due = place_of(before);
        due_key_encode(&key, parsed.origin, before->source, &due);
        change_delete(change, COLUMN_DUE, key.data, key.size);
    }
    if (has_place(after)) {
        struct due_key due = place_of(after);
        due_key_encode(&key, parsed.origin, after->source, &due);
        change_put(change, COLUMN_DUE, key.data, key.size, url, strlen(url));
        enqueue(change, parsed.origin, after->source, &due);
    }
    buffer_release(&key);
}

void frontier_wake_all(struct views *views)
{
    for (struct host *host = views->frontier->hosts; host != NULL; host = host->next) {
        if (host_queue_count(host) > 0)
            host_wake(views->frontier, host, host->ready_ms);
    }
}

/* ---- what fetches bring
 * -------------------------------------------------------------------------------- */

static struct revisit revisit_of(const struct change *change, const char *url, uint32_t decided_s)
{
    uint32_t recrawl_s = scope_settings(change->views->scope)->recrawl_s;
    return (struct revisit){.time_us = change->time_us,
                            .sequence = change->sequence,
                            .spread = url_hash(url, strlen(url)),
                            .recrawl_s = decided_s == 0 ? recrawl_s : decided_s};
}

/* The URL of a fetch: known, or (where the log is replayed and what led there was replaced) made
 * known. `ret_host` is its host. */
static enum status touch_fetched(struct change *change, const char *text,
                                 struct url_entry **ret_entry, struct host **ret_host,
                                 struct error *err)
{
    struct url url;
    if (url_parse(text, strlen(text), NULL, &change->arena, &url, err) != STATUS_OK)
        return error_set(err, STATUS_CORRUPT, "an entry of a URL that is none");
    enum status status = urls_touch(change, url.text, ret_entry, err);
    if (status != STATUS_OK)
        return status;
    struct finding finding = {.due_ms = URL_DUE_FOUND};
    if ((*ret_entry)->after.kind == URL_UNKNOWN)
        found_make_known(change, *ret_entry, scope_source_of(change->views->scope, &url), &finding);
    struct origin *origin = origin_of(change->views->frontier, url.origin, change);
    CHECK(origin != NULL); /* a URL has one */
    *ret_host = origin->host;
    return STATUS_OK;
}

/* A time under a millisecond is taken as half of one. */
static void host_answered(struct change *change, struct host *host, int32_t fetch_ms)
{
    struct host_record before = host->record;
    uint32_t ms = fetch_ms < 0 ? 0 : (uint32_t)fetch_ms;
    host_note_response(host, ms == 0 ? 500 : ms < UINT32_MAX / 1000 ? ms * 1000 : UINT32_MAX);
    host->record.failures = 0;
    if (memcmp(&before, &host->record, sizeof(before)) != 0)
        host_store(change, host);
}

/* Where it was connected to. Of what was redirected the first step is the host's own. */
static void note_address(struct change *change, struct host *host, Log__Hop *const *hops,
                         size_t count)
{
    if (count > 0 && neighbours_meet(change->views->frontier, host, hops[0]->address))
        host_store(change, host);
}

static void block_host(struct change *change, struct host *host, int64_t wait_ms)
{
    if (wait_ms > HOST_BLOCK_MS_MAX)
        wait_ms = HOST_BLOCK_MS_MAX;
    int64_t until = change->time_us / 1000 + wait_ms;
    if (until > host->record.blocked_until_ms)
        host->record.blocked_until_ms = until;
    host_store(change, host);
    int64_t left = until - clock_unix_us() / 1000;
    int64_t ready = clock_boot_ms() + (left > HOST_BLOCK_MS_MAX ? HOST_BLOCK_MS_MAX : left);
    if (ready > host->ready_ms)
        host->ready_ms = ready;
}

/* The server's trouble and not the page's: 5xx, or a connection that broke off. */
static bool is_server_trouble(const Log__Outcome *outcome)
{
    unsigned status = hops_status(outcome->hops, outcome->n_hops);
    return (outcome->reason == LOG__REASON__REASON_HTTP_ERROR && status >= 500) ||
           (outcome->reason == LOG__REASON__REASON_BAD_RESPONSE && status == 0);
}

/* One such answer may be the page's fault: from the second in a row on the host is left alone. */
static void note_server_trouble(struct change *change, struct host *host, uint64_t spread)
{
    host->record.failures++;
    block_host(change, host,
               host->record.failures > 1 ? host_back_off_ms(host->record.failures - 1, spread) : 0);
}

static void note_trouble(struct change *change, struct host *host, const Log__Outcome *outcome)
{
    uint64_t spread = url_hash(host->name, strlen(host->name));
    switch (outcome->reason) {
    case LOG__REASON__REASON_TIMEOUT:
    case LOG__REASON__REASON_CONNECT:
    case LOG__REASON__REASON_TLS:
        host->record.failures++;
        block_host(change, host, host_back_off_ms(host->record.failures, spread));
        break;
    case LOG__REASON__REASON_RETRY_LATER:
        host->record.failures++;
        block_host(change, host,
                   outcome->retry_after_s != 0
                       ? (int64_t)outcome->retry_after_s * 1000
                       : host_back_off_ms(host->record.failures + 4, spread));
        break;
    case LOG__REASON__REASON_LOGIN: /* until the form may be sent again */
        if (outcome->retry_after_s != 0)
            block_host(change, host, (int64_t)outcome->retry_after_s * 1000);
        else
            note_server_trouble(change, host, spread);
        break;
    case LOG__REASON__REASON_ROBOTS_DENIED:
    case LOG__REASON__REASON_OUT_OF_SCOPE:
    case LOG__REASON__REASON_LIMIT:
        break; /* nobody asked the host */
    default:
        if (is_server_trouble(outcome))
            note_server_trouble(change, host, spread);
        else
            host_answered(change, host, outcome->fetch_ms);
        break;
    }
}

enum status frontier_is_removed(struct change *change, const char *text, bool *ret_removed,
                                struct error *err)
{
    struct url url;
    struct url_entry *entry;
    if (url_parse(text, strlen(text), NULL, &change->arena, &url, err) != STATUS_OK)
        return error_set(err, STATUS_CORRUPT, "an entry of a URL that is none");
    enum status status = urls_touch(change, url.text, &entry, err);
    if (status == STATUS_OK)
        *ret_removed = entry->after.kind == URL_REMOVED ||
                       scope_removed_by(change->views->scope, &url, &change->arena) != NULL;
    return status;
}

/* It came while nobody could tell that the owner had removed its page. */
static void refuse_fetched(struct change *change)
{
    change->by_owner = true; /* its bytes leave the disk, as those that were there */
    change_forget(change, change->sequence);
}

static void take_content(struct change *change, struct url_entry *entry,
                         const Log__Content *content)
{
    struct revisit revisit = revisit_of(change, content->url, content->recrawl_s);
    loss_settle(change, entry);
    listing_learn(change, entry, true);
    if (entry->after.content == 0)
        loss_made_up(change, entry);
    url_state_take_content(&entry->after, content, &revisit);
}

/* A page from an archive has a source, so that it is counted; its host was not asked. */
static void take_imported(struct change *change, struct url_entry *entry)
{
    struct url url;
    if (entry->after.source != URL_NO_SOURCE ||
        url_parse(entry->url, strlen(entry->url), NULL, &change->arena, &url, NULL) != STATUS_OK)
        return;
    const struct source *source = scope_take_archive_url(change, &url);
    entry->after.source = source == NULL ? URL_NO_SOURCE : source->id;
    entry->after.origin = LOG__ORIGIN__ORIGIN_ARCHIVE;
}

/* For status: whether the source's site lets us in. */
static void note_login(struct change *change, const struct url_state *state, bool fails)
{
    struct source *source = scope_source_by_id(change->views->scope, state->source);
    if (source != NULL)
        source->login_fails = fails;
}

static enum status apply_content(struct change *change, const Log__Content *content,
                                 const Page__Page *page, struct error *err)
{
    struct url_entry *entry;
    struct host *host;
    bool removed = false;
    enum status status = frontier_is_removed(change, content->url, &removed, err);
    if (status == STATUS_OK && removed) {
        refuse_fetched(change);
        return STATUS_OK;
    }
    if (status == STATUS_OK)
        status = touch_fetched(change, content->url, &entry, &host, err);
    if (status != STATUS_OK)
        return status;
    take_content(change, entry, content);
    if (content->imported) {
        take_imported(change, entry);
    } else {
        note_address(change, host, content->hops, content->n_hops);
        host_answered(change, host, content->fetch_ms);
    }
    if (content->with_credentials)
        note_login(change, &entry->after, false);
    return page == NULL ? STATUS_OK : frontier_take_page(change, content->url, page, err);
}

static enum status follow_redirect(struct change *change, const Log__Outcome *outcome,
                                   struct url_entry *entry, struct error *err)
{
    const struct url_state *from = &entry->after;
    if (outcome->reason != LOG__REASON__REASON_REDIRECT || outcome->target[0] == '\0' ||
        from->redirects >= URL_REDIRECTS_MAX)
        return STATUS_OK;
    bool urgent = from->origin == LOG__ORIGIN__ORIGIN_OWNER;
    struct finding finding = {.index = 1,
                              .depth = from->depth,
                              .redirects = (uint8_t)(from->redirects + 1),
                              .origin = from->origin,
                              .due_ms = urgent ? URL_DUE_OWNER : URL_DUE_FOUND,
                              .from = outcome->url};
    struct url_entry *target;
    enum status status = found_url(change, outcome->target, &finding, &target, err);
    if (status == STATUS_OK && target != NULL && outcome_is_permanent_redirect(outcome))
        target->after.flags |= URL_MOVED_HERE;
    return status;
}

static enum status apply_outcome(struct change *change, const Log__Outcome *outcome,
                                 struct error *err)
{
    struct url_entry *entry;
    struct host *host;
    bool removed = false;
    enum status status = frontier_is_removed(change, outcome->url, &removed, err);
    if (status == STATUS_OK && removed) { /* it would be due again */
        refuse_fetched(change);
        return STATUS_OK;
    }
    if (status == STATUS_OK)
        status = touch_fetched(change, outcome->url, &entry, &host, err);
    if (status != STATUS_OK)
        return status;
    struct revisit revisit = revisit_of(change, outcome->url, outcome->recrawl_s);
    if (outcome->kept)
        loss_note_kept(change, entry);
    else if (outcome->reason == LOG__REASON__REASON_NOT_MODIFIED)
        loss_settle(change, entry);
    if (outcome->reason == LOG__REASON__REASON_NOT_MODIFIED)
        listing_learn(change, entry, false);
    url_state_take_outcome(&entry->after, outcome, &revisit);
    if (outcome_says_gone(outcome))
        listing_give_back(change, entry);
    if (outcome_says_gone(outcome) && (entry->after.flags & URL_GUESSED) != 0)
        entry->after.due_ms = URL_DUE_NEVER; /* it was a guess */
    if (!outcome->imported) {
        note_address(change, host, outcome->hops, outcome->n_hops);
        note_trouble(change, host, outcome);
    }
    if (outcome->reason == LOG__REASON__REASON_LOGIN)
        note_login(change, &entry->after, true);
    return follow_redirect(change, outcome, entry, err);
}

/* Whoever asks for peace means the whole host; then robots.txt is asked for before anything else.
 * One who says "in a second" again and again is asked less and less all the same. */
static void block_for_robots(struct change *change, struct origin *origin, uint32_t retry_after_s)
{
    struct host *host = origin->host;
    int64_t wait_ms = (int64_t)retry_after_s * 1000;
    int64_t least_ms =
        host_back_off_ms(++host->record.failures, url_hash(host->name, strlen(host->name)));
    origin->record.robots_kind = ROBOTS_NONE;
    block_host(change, host, wait_ms > least_ms ? wait_ms : least_ms);
}

static enum status apply_robots(struct change *change, const Log__Robots *robots, struct error *err)
{
    struct frontier *frontier = change->views->frontier;
    struct origin *origin = origin_of(frontier, robots->origin, change);
    unsigned status = hops_status(robots->hops, robots->n_hops);
    bool unreachable = robots->unreachable || status == 0 || status >= 500 || status == 429;
    if (origin == NULL)
        return STATUS_OK; /* no URL is of it, or none is any more */
    struct origin_record *record = &origin->record;
    change_forget(change, record->robots);
    origin_forget_robots(frontier, origin);
    record->robots = change->sequence;
    record->robots_us = change->time_us;
    record->robots_kind = unreachable     ? ROBOTS_UNREACHABLE
                          : status >= 300 ? ROBOTS_ALLOW_ALL
                                          : ROBOTS_FILE;
    if (!unreachable)
        record->robots_failures = 0;
    else if (record->robots_failures < UINT8_MAX)
        record->robots_failures++;
    if (!robots->imported)
        note_address(change, origin->host, robots->hops, robots->n_hops);
    if (unreachable && robots->retry_after_s > 0 && !robots->imported)
        block_for_robots(change, origin, robots->retry_after_s);
    origin_store(change, origin);
    host_wake(frontier, origin->host, origin->host->ready_ms);
    return unreachable || status >= 300 ? STATUS_OK : found_by_robots(change, robots, err);
}

/* ---- what takes URLs away
 * --------------------------------------------------------------------------------- */

struct removing {
    struct change *change;
    bool by_owner;
    unsigned count;
    enum status status;
    struct error *err;
};

static void remove_state(struct removing *r, struct url_entry *entry)
{
    loss_settle(r->change, entry);
    listing_give_back(r->change, entry);
    r->change->removed += entry->after.content != 0;
    url_state_remove(&entry->after, r->by_owner);
}

static bool remove_one(void *context, const char *url, struct kv_slice value)
{
    struct removing *r = context;
    struct url_state state;
    struct url_entry *entry;
    if (!url_state_decode(value.data, value.size, &state) || state.kind == URL_REMOVED)
        return true;
    if (++r->count > REMOVE_URLS_MAX) {
        r->change->more = true;
        return false;
    }
    r->status = urls_touch(r->change, url, &entry, r->err);
    if (r->status == STATUS_OK)
        remove_state(r, entry);
    return r->status == STATUS_OK;
}

/* Even a page that nobody has met stays away once the owner said so. */
static enum status remove_page(struct removing *r, const char *url)
{
    struct url_entry *entry;
    enum status status = urls_touch(r->change, url, &entry, r->err);
    if (status == STATUS_OK && (r->by_owner || entry->after.kind != URL_UNKNOWN))
        remove_state(r, entry);
    return status;
}

/* An edit of config.yaml or a purge: it may come back, when a source wants it again. */
static enum status leave_scope(struct change *change, const char *url, bool is_purge,
                               struct error *err)
{
    struct url_entry *entry;
    enum status status = urls_touch(change, url, &entry, err);
    if (status != STATUS_OK || entry->after.kind == URL_UNKNOWN)
        return status;
    change->by_owner = is_purge;
    change->removed += entry->after.content != 0;
    loss_settle(change, entry);
    listing_give_back(change, entry);
    if (is_purge) { /* as if nobody had met it */
        entry->after = (struct url_state){.due_ms = URL_DUE_NEVER};
        return STATUS_OK;
    }
    entry->after.content = 0;
    entry->after.bytes = 0;
    entry->after.kind = URL_REFUSED;
    entry->after.reason = LOG__REASON__REASON_OUT_OF_SCOPE;
    entry->after.due_ms = URL_DUE_NEVER;
    entry->after.flags &= (uint16_t)~URL_DOCUMENT;
    return STATUS_OK;
}

static enum status apply_remove(struct change *change, const Log__Remove *remove, struct error *err)
{
    if (remove->by == LOG__REMOVE_BY__REMOVED_BY_SCOPE ||
        remove->by == LOG__REMOVE_BY__REMOVED_BY_PURGE)
        return leave_scope(change, remove->value, remove->by == LOG__REMOVE_BY__REMOVED_BY_PURGE,
                           err);
    change->by_owner = remove->by == LOG__REMOVE_BY__REMOVED_BY_OWNER;
    struct removing r = {.change = change, .by_owner = change->by_owner, .err = err};
    if (remove->scope == LOG__REMOVE_SCOPE__REMOVE_PAGE)
        return remove_page(&r, remove->value);
    if (r.by_owner)
        scope_take_rule(change, remove);
    enum status status = removal_visit(change->views, COLUMN_URLS, remove, remove_one, &r, err);
    return status == STATUS_OK ? r.status : status;
}

/* What the leases say of delays, times, networks and our name may be out of date: they end with
 * what they hold, and the next ones say what holds now. */
static void stop_growth(struct frontier *frontier)
{
    for (size_t i = 0; i < frontier->leased_count; i++)
        frontier->leased[i]->lease_grows = false;
}

static enum status apply_control(struct change *change, const Log__Control *control,
                                 struct error *err)
{
    enum status status = scope_take_control(change, control, err);
    if (status == STATUS_OK && control->action == LOG__ACTION__ACTION_CONFIRM)
        status = losses_confirm(change, control, err);
    change->views->frontier->controls++;
    if (control->action == LOG__ACTION__ACTION_SETTINGS)
        stop_growth(change->views->frontier);
    frontier_wake_all(change->views);
    return status;
}

enum status frontier_apply(struct change *change, const Log__Entry *entry, const Page__Page *page,
                           struct error *err)
{
    switch (entry->kind_case) {
    case LOG__ENTRY__KIND_CONTENT:
        return apply_content(change, entry->content, page, err);
    case LOG__ENTRY__KIND_OUTCOME:
        return apply_outcome(change, entry->outcome, err);
    case LOG__ENTRY__KIND_ROBOTS:
        return apply_robots(change, entry->robots, err);
    case LOG__ENTRY__KIND_SUBMIT:
        return found_by_submit(change, entry->submit, err);
    case LOG__ENTRY__KIND_REMOVE:
        return apply_remove(change, entry->remove, err);
    case LOG__ENTRY__KIND_CONTROL:
        return apply_control(change, entry->control, err);
    default:
        return STATUS_OK; /* a kind that a later version added */
    }
}

/* ---- for status and lookup
 * ----------------------------------------------------------------------------------- */

void frontier_count(struct views *views, int64_t now_ms, struct frontier_counts *ret_counts)
{
    struct frontier *frontier = views->frontier;
    *ret_counts = (struct frontier_counts){.hosts = frontier->host_count};
    for (size_t i = 0; i < scope_source_count(views->scope); i++) {
        const struct source_counts *counts = &scope_source_at(views->scope, i)->counts;
        ret_counts->known += counts->known;
        ret_counts->queued += counts->queued;
        ret_counts->fetched += counts->fetched;
    }
    for (size_t i = 0; i < frontier->leased_count; i++)
        ret_counts->leased += frontier->leased[i]->lease_urls - frontier->leased[i]->lease_done;
    for (size_t i = 0; i < frontier->heap_count; i++) {
        const struct host *host = frontier->heap[i];
        ret_counts->hosts_waiting += host->lease == 0 && host->ready_ms > now_ms;
    }
}

void frontier_host(struct views *views, const char *origin_name, struct host_view *ret_view)
{
    struct origin *origin = origin_find(views->frontier, origin_name);
    *ret_view = (struct host_view){.known = origin != NULL};
    if (origin == NULL)
        return;
    struct host *host = origin->host;
    ret_view->record = origin->record;
    ret_view->wait_ms = host->ready_ms - clock_boot_ms();
    ret_view->leased = host->lease != 0;
    for (unsigned i = 0; i < origin->queue_count; i++) {
        struct source *source = scope_source_by_id(views->scope, origin->queues[i].source);
        uint32_t delay = source == NULL ? 0 : host_delay_ms(views, host, source);
        ret_view->delay_ms = delay > ret_view->delay_ms ? delay : ret_view->delay_ms;
    }
}

bool frontier_robots_verdict(struct views *views, const struct url *url,
                             struct robots_verdict *ret_verdict)
{
    struct origin *origin = origin_find(views->frontier, url->origin);
    const struct robots *robots = origin == NULL ? NULL : origin_robots(views, origin);
    *ret_verdict = (struct robots_verdict){.allowed = true, .rule = ""};
    if (origin == NULL || origin->record.robots_kind == ROBOTS_NONE ||
        origin->record.robots_kind == ROBOTS_UNREACHABLE)
        return false;
    if (robots != NULL)
        robots_check(robots, url->target, ret_verdict);
    return true;
}
