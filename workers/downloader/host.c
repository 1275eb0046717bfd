#include "downloader/host.h"

#include <stdlib.h>
#include <string.h>

#include "base/arena.h"
#include "base/clock.h"
#include "base/log.h"
#include "crawl/robots.h"
#include "crawl/url.h"
#include "downloader/headers.h"
#include "downloader/job.h"
#include "downloader/record.h"
#include "page/page.h"

enum {
    UNREACHABLE_MAX = 2, /* fetches in a row without an answer, then the lease is given back */
    TIMEOUT_USUAL_MS = 30000,
    TIMEOUT_MAX_MS = 10 * 60 * 1000,
    HOST_CONNECTIONS_MAX = 16,
};

/* One row of fetches, one after the other. */
struct lane {
    struct host *host;
    struct fetch *fetch;
    struct fetch_request request;
    int64_t due_ms;                 /* when the next may begin, or the next step of a redirect */
    char address[INET6_ADDRSTRLEN]; /* that has no connection to spare, or is likely; "": unknown */
    /* of the URL that is being fetched; NULL: none is */
    struct job *job;
    Wire__LeasedUrl *leased; /* owned */
    const char *hop_url;     /* the URL asked for: the leased one, or a step of its redirects */
    bool again;              /* it is asked for a second time, on a connection of its own */
    bool logging_in;         /* the source's form is sent first */
    struct session *session; /* whose headers the last transfer sent; held; NULL: none's */
};

struct host {
    struct host_tools *tools;
    Wire__HostLease *lease; /* the URLs that were begun are taken out */
    struct arena arena;     /* of the lease's time */
    struct url origin;
    const char *queue;         /* the name under which politeness is kept */
    struct guard own_guard;    /* for the lease's own host and port */
    struct guard others_guard; /* for where its robots.txt may redirect to */
    size_t at;                 /* the URL that comes next */
    unsigned unreachable;      /* in a row */
    bool over;                 /* nothing more is begun, whatever is left */
    size_t lane_count;
    struct lane lanes[HOST_CONNECTIONS_MAX];
};

/* ---- a lease ---- */

static enum status read_lease(struct host *host, struct error *err)
{
    const Wire__HostLease *lease = host->lease;
    enum status status =
        url_parse(lease->origin, strlen(lease->origin), NULL, &host->arena, &host->origin, err);
    if (status == STATUS_OK) {
        host->queue = url_host_queue(&host->origin, &host->arena);
        if (host->queue == NULL)
            status = error_set(err, STATUS_NO_MEMORY, "host");
    }
    if (status == STATUS_OK)
        status =
            guard_init(&host->own_guard, lease->allow_private, host->origin.host, lease->connect_to,
                       lease->allowed_networks, lease->n_allowed_networks, err);
    guard_init_public(&host->others_guard);
    return status;
}

static enum status open_lanes(struct host *host, struct error *err)
{
    size_t wanted = host->lease->connections;
    wanted = wanted < 1 ? 1 : wanted > HOST_CONNECTIONS_MAX ? HOST_CONNECTIONS_MAX : wanted;
    for (size_t i = 0; i < wanted; i++) {
        enum status status = fetch_new(&host->lanes[i].fetch, err);
        if (status != STATUS_OK)
            return status;
        host->lanes[i].host = host;
        host->lane_count++;
    }
    return STATUS_OK;
}

enum status host_new(struct host_tools *tools, Wire__HostLease *lease, struct host **ret_host,
                     struct error *err)
{
    struct host *host = calloc(1, sizeof(*host));
    if (host == NULL) {
        ledger_finish(tools->ledger, lease->lease);
        wire__host_lease__free_unpacked(lease, NULL);
        return error_set(err, STATUS_NO_MEMORY, "host");
    }
    host->tools = tools;
    host->lease = lease;
    enum status status = read_lease(host, err);
    if (status == STATUS_OK)
        status = open_lanes(host, err);
    if (status != STATUS_OK) {
        error_add_context(err, "lease of %s", lease->origin);
        host_free(host);
        return status;
    }
    *ret_host = host;
    return STATUS_OK;
}

/* What was begun leaves the list, so that it does not grow with every page of a large site. */
static void drop_begun(struct host *host)
{
    Wire__HostLease *lease = host->lease;
    lease->n_urls -= host->at;
    if (host->at > 0)
        memmove(lease->urls, lease->urls + host->at, lease->n_urls * sizeof(*lease->urls));
    host->at = 0;
}

/* The lane's URL is done with; its job went elsewhere. */
static void clear_lane(struct lane *lane)
{
    if (lane->leased != NULL)
        wire__leased_url__free_unpacked(lane->leased, NULL);
    lane->leased = NULL;
    lane->job = NULL;
    lane->hop_url = NULL;
    lane->again = false;
}

/* Of the lease's source, for a URL of its own; NULL: it has no credentials. */
static struct session *session_for(const struct host *host, const char *url)
{
    const char *source = host->lease->source;
    if (host->tools->credentials == NULL || source[0] == '\0')
        return NULL;
    struct session *session = credentials_find(host->tools->credentials, source);
    return session != NULL && session_covers(session, url) ? session : NULL;
}

/* Newer credentials may have taken the session's place: then nobody asks it any more. */
static void end_login(struct lane *lane, const struct fetch_answer *answer)
{
    struct session *session = lane->session;
    lane->logging_in = false;
    if (answer == NULL || answer->busy) {
        session_drop_login(session);
        return;
    }
    struct arena arena = {0};
    session_take_cookies(session, lane->request.url, answer, clock_unix_s());
    session_end_login(session, answer, record_target(lane->request.url, answer, &arena),
                      clock_boot_ms());
    arena_release(&arena);
}

static void close_lane(struct lane *lane)
{
    struct host_tools *tools = lane->host->tools;
    if (lane->logging_in)
        end_login(lane, NULL);
    if (fetch_is_under_way(lane->fetch)) {
        fetch_abandon(lane->fetch, tools->multi);
        atomic_fetch_sub(&tools->fetching, 1);
    }
    if (lane->job != NULL)
        ledger_drop(tools->ledger, lane->job);
    clear_lane(lane);
    fetch_free(lane->fetch);
    session_free(lane->session);
}

void host_free(struct host *host)
{
    if (host == NULL)
        return;
    for (size_t i = 0; i < host->lane_count; i++)
        close_lane(&host->lanes[i]);
    ledger_finish(host->tools->ledger, host->lease->lease);
    drop_begun(host);
    wire__host_lease__free_unpacked(host->lease, NULL);
    arena_release(&host->arena);
    free(host);
}

uint64_t host_lease(const struct host *host)
{
    return host->lease->lease;
}

unsigned host_connections(const struct host *host)
{
    return (unsigned)host->lane_count;
}

unsigned host_fetches(const struct host *host)
{
    unsigned count = 0;
    for (size_t i = 0; i < host->lane_count; i++)
        count += fetch_is_under_way(host->lanes[i].fetch);
    return count;
}

void host_visit_fetches(struct host *host, void (*visit)(void *context, struct fetch *fetch),
                        void *context)
{
    for (size_t i = 0; i < host->lane_count; i++) {
        if (fetch_is_under_way(host->lanes[i].fetch))
            visit(context, host->lanes[i].fetch);
    }
}

static void note_left(struct host *host, Wire__FetchKind kind)
{
    const Wire__HostLease *lease = host->lease;
    if (kind == WIRE__FETCH_KIND__FETCH_PAGE && !host->over)
        ledger_note_left(host->tools->ledger, lease->lease, lease->n_urls - host->at);
}

void host_take_more(struct host *host, Wire__HostLease *more)
{
    Wire__HostLease *lease = host->lease;
    if (more->n_urls == 0)
        return;
    drop_begun(host);
    Wire__LeasedUrl **urls =
        realloc(lease->urls, (lease->n_urls + more->n_urls) * sizeof(*lease->urls));
    if (urls == NULL)
        return; /* they come with the next lease */
    memcpy(urls + lease->n_urls, more->urls, more->n_urls * sizeof(*urls));
    lease->urls = urls;
    lease->n_urls += more->n_urls;
    more->n_urls = 0;
    note_left(host, lease->urls[0]->kind);
}

/* ---- beginning ---- */

/* Whether the URL is of the lease's own host and port, for which alone its exceptions hold. */
static bool is_own(const struct host *host, const char *url)
{
    size_t size = strlen(host->origin.origin);
    return strncmp(url, host->origin.origin, size) == 0 && url[size] == '/';
}

/* Whether politeness takes the URL for one of the lease's host: another scheme or port, maybe. */
static bool is_same_host(const struct host *host, const char *text)
{
    struct arena arena = {0};
    struct url url;
    bool same = url_parse(text, strlen(text), NULL, &arena, &url, NULL) == STATUS_OK;
    const char *queue = same ? url_host_queue(&url, &arena) : NULL;
    same = queue != NULL && strcmp(queue, host->queue) == 0;
    arena_release(&arena);
    return same;
}

static uint32_t bounded(uint32_t value, uint32_t usual, uint32_t max)
{
    if (value == 0)
        value = usual;
    return value < max ? value : max;
}

static void fill_request(struct lane *lane)
{
    const struct host *host = lane->host;
    struct host_tools *tools = host->tools;
    const Wire__HostLease *lease = host->lease;
    const Wire__LeasedUrl *leased = lane->leased;
    bool own = is_own(host, lane->hop_url), robots = leased->kind == WIRE__FETCH_KIND__FETCH_ROBOTS;
    lane->request = (struct fetch_request){
        .url = lane->hop_url,
        .user_agent = lease->user_agent,
        .etag = robots ? NULL : leased->etag,
        .last_modified = robots ? NULL : leased->last_modified,
        .connect_to = own ? lease->connect_to : NULL,
        .ca_pem = lease->ca_pem.data,
        .ca_pem_size = own ? lease->ca_pem.len : 0,
        .guard = own ? &host->own_guard : &host->others_guard,
        .limits = tools->limits,
        .places = &tools->places,
        .addresses = &tools->addresses,
        .bandwidth = &tools->bandwidth,
        .owner = lane,
        .likely_address = lane->address,
        .body_max = robots ? ROBOTS_BYTES_MAX
                           : bounded(lease->max_bytes, PAGE_BODY_BYTES_MAX, PAGE_BODY_BYTES_MAX),
        .timeout_ms = bounded(lease->timeout_ms, TIMEOUT_USUAL_MS, TIMEOUT_MAX_MS),
        .any_type = robots,
    };
}

/* What cannot be recorded for want of memory stays in the frontier, as does the rest of the lease.
 */
static void give_up(struct lane *lane, const struct error *why)
{
    struct host *host = lane->host;
    log_warning("%s: %s", host->lease->origin, why->text);
    ledger_drop(host->tools->ledger, lane->job);
    clear_lane(lane);
    host->over = true;
}

/* The job goes on to be parsed or reported, and the next URL may come. */
static void pass_on(struct lane *lane)
{
    struct host_tools *tools = lane->host->tools;
    struct job *job = lane->job;
    clear_lane(lane);
    ledger_weigh(tools->ledger, job);
    if (job->unparsed)
        parsing_take(tools->parsing, job);
    else
        ledger_report(tools->ledger, job);
}

/* The site does not let us in: nothing more is asked of it for a while. */
static void refuse_by_login(struct lane *lane, const struct session *session)
{
    struct error err;
    enum status status =
        record_outcome(lane->job, LOG__REASON__REASON_LOGIN, session_trouble(session), &err);
    if (status != STATUS_OK) {
        give_up(lane, &err);
        return;
    }
    lane->job->fetched->outcome->retry_after_s = session_retry_s(session, clock_boot_ms());
    lane->host->over = true;
    pass_on(lane);
}

/* Adds what the source has its site sent; where a form comes first, the request becomes that one.
 * False: the URL is done with. */
static bool add_credentials(struct lane *lane)
{
    struct session *session = session_for(lane->host, lane->hop_url);
    session_free(lane->session);
    lane->session = session == NULL ? NULL : session_hold(session);
    if (session == NULL)
        return true;
    bool page = lane->leased->kind == WIRE__FETCH_KIND__FETCH_PAGE;
    enum session_state state = page ? session_state(session, clock_boot_ms()) : SESSION_READY;
    if (state == SESSION_FAILED) {
        refuse_by_login(lane, session);
        return false;
    }
    lane->logging_in = state == SESSION_LOG_IN;
    if (lane->logging_in)
        session_begin_login(session, &lane->request, clock_unix_s());
    else
        session_fill(session, &lane->request, clock_unix_s());
    return true;
}

static void begin_fetch(struct lane *lane)
{
    struct error err;
    struct host_tools *tools = lane->host->tools;
    fill_request(lane);
    if (!add_credentials(lane))
        return;
    if (fetch_start(lane->fetch, tools->multi, &lane->request, &err) != STATUS_OK) {
        give_up(lane, &err);
        return;
    }
    atomic_fetch_add(&tools->fetching, 1);
}

/* Content that the log holds: no fetch, and so no delay either. */
static void begin_parse(struct lane *lane)
{
    struct error err;
    const Wire__LeasedUrl *leased = lane->leased;
    const Log__Content *content = leased->content;
    struct job *job = lane->job;
    enum status status = STATUS_OK;
    job->fetched->sequence = leased->sequence;
    if (content == NULL || content->n_hops == 0)
        status = error_set(&err, STATUS_CORRUPT, "content without its answer, to be parsed again");
    else
        status = job_unpack(job, content, &err);
    if (status == STATUS_OK) {
        const Log__Hop *last = content->hops[content->n_hops - 1];
        struct fetch_answer answer = {.status = last->status};
        answer.headers = (struct buffer){.data = last->headers.data, .size = last->headers.len};
        status = record_hop(job, last->url, &answer, &err);
    }
    if (status != STATUS_OK) {
        log_warning("%s: %s", leased->url, err.text);
        ledger_drop(lane->host->tools->ledger, job);
        clear_lane(lane);
        return;
    }
    job->truncated = content->truncated;
    job->unparsed = true;
    pass_on(lane);
}

/* Takes the next URL. */
static void begin(struct lane *lane)
{
    struct host *host = lane->host;
    Wire__LeasedUrl *leased = host->lease->urls[host->at];
    Wire__FetchKind kind = leased->kind;
    lane->job = job_new(host->lease->lease, leased->url);
    if (lane->job == NULL) {
        host->over = true;
        return;
    }
    host->at++;
    lane->leased = leased;
    ledger_begin(host->tools->ledger, lane->job);
    note_left(host, kind);
    lane->hop_url = lane->job->fetched->url;
    if (kind == WIRE__FETCH_KIND__FETCH_PARSE)
        begin_parse(lane);
    else
        begin_fetch(lane);
}

/* Another lane, or the lane of another host, sends the form of the same source. */
static bool waits_for_login(const struct lane *lane)
{
    const struct host *host = lane->host;
    const struct session *session =
        session_for(host, lane->job != NULL ? lane->hop_url : host->lease->urls[host->at]->url);
    return session != NULL && session_state(session, clock_boot_ms()) == SESSION_WAIT;
}

/* When the lane may fetch; INT64_MAX: when something else is done. 0: now. */
static int64_t may_fetch_at(struct lane *lane, int64_t now_ms)
{
    struct host_tools *tools = lane->host->tools;
    if (now_ms < lane->due_ms)
        return lane->due_ms;
    if (!addresses_have_room(&tools->addresses, lane->address) || waits_for_login(lane))
        return INT64_MAX; /* until another fetch is done */
    int64_t wait_ms = bandwidth_wait_ms(&tools->bandwidth, clock_boot_us());
    return wait_ms == 0 ? 0 : now_ms + wait_ms;
}

static bool has_more(const struct host *host)
{
    return !host->over && host->at < host->lease->n_urls;
}

/* As host_step(), of one lane; -1: it has nothing to do. */
static int64_t step_lane(struct lane *lane, int64_t now_ms)
{
    struct host *host = lane->host;
    struct ledger *ledger = host->tools->ledger;
    while (!fetch_is_under_way(lane->fetch)) {
        if (lane->job == NULL && !has_more(host))
            return -1;
        bool fetches =
            lane->job != NULL || host->lease->urls[host->at]->kind != WIRE__FETCH_KIND__FETCH_PARSE;
        int64_t at_ms = fetches ? may_fetch_at(lane, now_ms) : 0;
        if (at_ms > 0)
            return at_ms;
        if (lane->job != NULL)
            begin_fetch(lane); /* a further step of a redirect */
        else if (!ledger_may_begin(ledger, host->lease->lease))
            return INT64_MAX;
        else
            begin(lane);
    }
    return INT64_MAX;
}

int64_t host_step(struct host *host, int64_t now_ms)
{
    int64_t next_ms = INT64_MAX;
    bool any = false;
    enum ledger_word word = ledger_ask(host->tools->ledger, host->lease->lease);
    host->over = host->over || word != LEDGER_GO_ON;
    for (size_t i = 0; i < host->lane_count; i++) {
        struct lane *lane = &host->lanes[i];
        if (word == LEDGER_OVER && !fetch_is_under_way(lane->fetch))
            continue;
        int64_t due_ms = step_lane(lane, now_ms);
        any = any || due_ms >= 0;
        if (due_ms >= 0 && due_ms < next_ms)
            next_ms = due_ms;
    }
    return any ? next_ms : -1;
}

int64_t host_waits_since_ms(const struct host *host)
{
    int64_t since_ms = INT64_MAX;
    for (size_t i = 0; i < host->lane_count; i++) {
        const struct lane *lane = &host->lanes[i];
        bool wants = !fetch_is_under_way(lane->fetch) && (lane->job != NULL || has_more(host));
        if (wants && lane->due_ms < since_ms)
            since_ms = lane->due_ms;
    }
    return since_ms;
}

/* ---- the answer ---- */

static void count(struct lane *lane, const struct fetch_answer *answer)
{
    struct host_tools *tools = lane->host->tools;
    bool answered = answer->trouble == LOG__REASON__REASON_UNKNOWN && answer->status < 400;
    bool page = !lane->logging_in && lane->leased->kind == WIRE__FETCH_KIND__FETCH_PAGE &&
                answer->status / 100 == 2;
    atomic_fetch_sub(&tools->fetching, 1);
    atomic_fetch_add(&tools->bytes, answer->received_bytes + answer->headers.size);
    if (!answered)
        atomic_fetch_add(&tools->errors, 1);
    else if (page)
        atomic_fetch_add(&tools->pages, 1);
}

static void take_verdict(struct host *host, enum record_verdict verdict)
{
    host->unreachable = verdict == RECORD_UNREACHABLE ? host->unreachable + 1 : 0;
    if (verdict == RECORD_RETRY_LATER || host->unreachable >= UNREACHABLE_MAX)
        host->over = true;
}

/* The end of the lane's URL. */
static void conclude(struct lane *lane, struct fetch_answer *answer)
{
    struct error err;
    struct host *host = lane->host;
    const Wire__LeasedUrl *leased = lane->leased;
    bool robots = leased->kind == WIRE__FETCH_KIND__FETCH_ROBOTS;
    enum record_verdict verdict;
    enum status status;
    if (robots)
        status = record_robots(lane->job, host->origin.origin, answer, &verdict, &err);
    else
        status = record_page(lane->job, answer,
                             leased->etag[0] != '\0' || leased->last_modified[0] != '\0', &verdict,
                             &err);
    if (status != STATUS_OK) {
        give_up(lane, &err);
        return;
    }
    take_verdict(host, verdict);
    /* What a robots.txt allows is decided by the indexserver: nothing is fetched behind it. */
    host->over = host->over || robots;
    pass_on(lane);
}

/* A redirect of a robots.txt goes on from here; its address is not known yet. */
static void take_hop(struct lane *lane, const char *target)
{
    lane->hop_url = target;
    if (!is_own(lane->host, target))
        lane->address[0] = '\0';
    if (!is_same_host(lane->host, target)) /* another host: its own delay is none of ours */
        lane->due_ms = clock_boot_ms();
}

/* Adds the hop. What keeps us logged in is in no log. False: the URL was given up. */
static bool note_hop(struct lane *lane, struct fetch_answer *answer)
{
    struct error err;
    if (answer->with_credentials)
        headers_remove(&answer->headers, "Set-Cookie");
    if (record_hop(lane->job, lane->hop_url, answer, &err) == STATUS_OK)
        return true;
    give_up(lane, &err);
    return false;
}

static void conclude_refused(struct lane *lane, const struct session *session,
                             struct fetch_answer *answer)
{
    if (note_hop(lane, answer))
        refuse_by_login(lane, session);
}

/* Whether other credentials came while the request was under way. */
static bool is_outdated(const struct lane *lane)
{
    return session_for(lane->host, lane->hop_url) != lane->session;
}

/* What the answer says of the log-in. True: the URL is asked for again, or done with. */
static bool is_about_login(struct lane *lane, struct fetch_answer *answer)
{
    struct session *session = lane->session;
    if (session == NULL || answer->trouble != LOG__REASON__REASON_UNKNOWN)
        return false;
    session_take_cookies(session, lane->hop_url, answer, clock_unix_s());
    if (lane->leased->kind != WIRE__FETCH_KIND__FETCH_PAGE)
        return false;
    struct arena arena = {0};
    const char *target = record_target(lane->hop_url, answer, &arena);
    enum session_verdict verdict = session_judge(session, answer->status, target, clock_boot_ms());
    arena_release(&arena);
    if (verdict == SESSION_REFUSED && !is_outdated(lane)) /* else it is asked for by the new ones */
        conclude_refused(lane, session, answer);
    return verdict != SESSION_FINE;
}

void host_fetched(struct fetch *fetch, CURLcode result)
{
    struct lane *lane = fetch_owner(fetch);
    struct host *host = lane->host;
    struct fetch_answer *answer = fetch_finish(fetch, host->tools->multi, result);
    if (answer->address[0] != '\0')
        memcpy(lane->address, answer->address, sizeof(lane->address));
    bool was_login = lane->logging_in;
    uint32_t delay_ms = host->lease->delay_ms;
    /* The clock is cut to milliseconds: one more, so that none is missing. */
    if (!answer->busy)
        lane->due_ms = clock_boot_ms() + delay_ms + (delay_ms > 0);
    /* Nothing was sent, or maybe not: the same step again, when there is room and the delay is
     * over.
     */
    if (answer->busy || (answer->stale && !lane->again)) {
        lane->again = lane->again || answer->stale;
        if (was_login)
            end_login(lane, NULL);
        atomic_fetch_sub(&host->tools->fetching, 1);
        return;
    }
    count(lane, answer);
    if (was_login)
        end_login(lane, answer);
    if (was_login || is_about_login(lane, answer))
        return;
    if (!note_hop(lane, answer))
        return;
    const char *target = NULL;
    if (lane->leased->kind == WIRE__FETCH_KIND__FETCH_ROBOTS && lane->job->hop_count < JOB_HOPS_MAX)
        target = record_target(lane->hop_url, answer, &lane->job->arena);
    if (target == NULL)
        conclude(lane, answer);
    else
        take_hop(lane, target);
}
