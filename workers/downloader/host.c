#include "downloader/host.h"

#include <stdlib.h>
#include <string.h>

#include "base/arena.h"
#include "base/clock.h"
#include "base/log.h"
#include "crawl/page.h"
#include "crawl/robots.h"
#include "crawl/url.h"
#include "downloader/job.h"
#include "downloader/record.h"

enum {
    UNREACHABLE_MAX = 2, /* fetches in a row without an answer, then the lease is given back */
    TIMEOUT_USUAL_MS = 30000,
    TIMEOUT_MAX_MS = 10 * 60 * 1000,
};

struct host {
    struct host_tools *tools;
    Wire__HostLease *lease;
    struct arena arena; /* of the lease's time */
    struct url origin;
    const char *queue;         /* the name under which politeness is kept */
    struct guard own_guard;    /* for the lease's own host and port */
    struct guard others_guard; /* for where its robots.txt may redirect to */
    struct fetch *fetch;
    struct fetch_request request;
    size_t at; /* the URL that is fetched or comes next */
    int64_t due_ms;
    unsigned unreachable;           /* in a row */
    bool over;                      /* nothing more is fetched, whatever is left */
    char address[INET6_ADDRSTRLEN]; /* of the last connection; "": none yet */
    /* of the fetch under way */
    struct job *job;
    const char *hop_url; /* the URL asked for: the leased one, or a step of its redirects */
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
        status = fetch_new(&host->fetch, err);
    if (status != STATUS_OK) {
        error_add_context(err, "lease of %s", lease->origin);
        host_free(host);
        return status;
    }
    *ret_host = host;
    return STATUS_OK;
}

void host_free(struct host *host)
{
    if (host == NULL)
        return;
    if (host->fetch != NULL && fetch_is_under_way(host->fetch)) {
        fetch_abandon(host->fetch, host->tools->multi);
        atomic_fetch_sub(&host->tools->fetching, 1);
    }
    if (host->job != NULL)
        ledger_drop(host->tools->ledger, host->job);
    ledger_finish(host->tools->ledger, host->lease->lease);
    fetch_free(host->fetch);
    wire__host_lease__free_unpacked(host->lease, NULL);
    arena_release(&host->arena);
    free(host);
}

static const Wire__LeasedUrl *current(const struct host *host)
{
    return host->lease->urls[host->at];
}

uint64_t host_lease(const struct host *host)
{
    return host->lease->lease;
}

/* What is done leaves the list, so that it does not grow with every page of a large site. */
static void drop_done(struct host *host)
{
    Wire__HostLease *lease = host->lease;
    for (size_t i = 0; i < host->at; i++)
        wire__leased_url__free_unpacked(lease->urls[i], NULL);
    lease->n_urls -= host->at;
    memmove(lease->urls, lease->urls + host->at, lease->n_urls * sizeof(*lease->urls));
    host->at = 0;
}

static void note_left(struct host *host)
{
    const Wire__HostLease *lease = host->lease;
    bool pages = host->at < lease->n_urls && current(host)->kind == WIRE__FETCH_KIND__FETCH_PAGE;
    if (pages && !host->over)
        ledger_note_left(host->tools->ledger, lease->lease, lease->n_urls - host->at);
}

void host_take_more(struct host *host, Wire__HostLease *more)
{
    Wire__HostLease *lease = host->lease;
    if (more->n_urls == 0)
        return;
    drop_done(host);
    Wire__LeasedUrl **urls =
        realloc(lease->urls, (lease->n_urls + more->n_urls) * sizeof(*lease->urls));
    if (urls == NULL)
        return; /* they come with the next lease */
    memcpy(urls + lease->n_urls, more->urls, more->n_urls * sizeof(*urls));
    lease->urls = urls;
    lease->n_urls += more->n_urls;
    more->n_urls = 0;
    note_left(host);
}

struct fetch *host_fetch(struct host *host)
{
    return host->fetch;
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

static void fill_request(struct host *host)
{
    const Wire__HostLease *lease = host->lease;
    const Wire__LeasedUrl *leased = current(host);
    bool own = is_own(host, host->hop_url), robots = leased->kind == WIRE__FETCH_KIND__FETCH_ROBOTS;
    host->request = (struct fetch_request){
        .url = host->hop_url,
        .user_agent = lease->user_agent,
        .etag = robots ? NULL : leased->etag,
        .last_modified = robots ? NULL : leased->last_modified,
        .connect_to = own ? lease->connect_to : NULL,
        .ca_pem = lease->ca_pem.data,
        .ca_pem_size = own ? lease->ca_pem.len : 0,
        .guard = own ? &host->own_guard : &host->others_guard,
        .limits = host->tools->limits,
        .places = &host->tools->places,
        .addresses = &host->tools->addresses,
        .likely_address = own ? host->address : NULL,
        .body_max = robots ? ROBOTS_BYTES_MAX
                           : bounded(lease->max_bytes, PAGE_BODY_BYTES_MAX, PAGE_BODY_BYTES_MAX),
        .timeout_ms = bounded(lease->timeout_ms, TIMEOUT_USUAL_MS, TIMEOUT_MAX_MS),
        .any_type = robots,
    };
}

/* What cannot be recorded for want of memory stays in the frontier, as does the rest of the lease.
 */
static void give_up(struct host *host, const struct error *why)
{
    log_warning("%s: %s", host->lease->origin, why->text);
    ledger_drop(host->tools->ledger, host->job);
    host->job = NULL;
    host->over = true;
}

static void begin_fetch(struct host *host)
{
    struct error err;
    fill_request(host);
    if (fetch_start(host->fetch, host->tools->multi, &host->request, &err) != STATUS_OK) {
        give_up(host, &err);
        return;
    }
    atomic_fetch_add(&host->tools->fetching, 1);
}

/* The job goes on to be parsed or reported, and the next URL may come. */
static void pass_on(struct host *host)
{
    struct job *job = host->job;
    host->job = NULL;
    host->at++;
    ledger_weigh(host->tools->ledger, job);
    if (job->unparsed)
        parsing_take(host->tools->parsing, job);
    else
        ledger_report(host->tools->ledger, job);
}

/* Content that the log holds: no fetch, and so no delay either. */
static void begin_parse(struct host *host)
{
    struct error err;
    const Wire__LeasedUrl *leased = current(host);
    const Log__Content *content = leased->content;
    struct job *job = host->job;
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
        ledger_drop(host->tools->ledger, job);
        host->job = NULL;
        host->at++;
        return;
    }
    job->truncated = content->truncated;
    job->unparsed = true;
    pass_on(host);
}

static void begin(struct host *host)
{
    const Wire__LeasedUrl *leased = current(host);
    host->job = job_new(host->lease->lease, leased->url);
    if (host->job == NULL) {
        host->over = true;
        return;
    }
    ledger_begin(host->tools->ledger, host->job);
    note_left(host);
    host->hop_url = host->job->fetched->url;
    if (leased->kind == WIRE__FETCH_KIND__FETCH_PARSE)
        begin_parse(host);
    else
        begin_fetch(host);
}

int64_t host_step(struct host *host, int64_t now_ms)
{
    if (fetch_is_under_way(host->fetch))
        return INT64_MAX;
    for (;;) {
        if (host->over || host->at >= host->lease->n_urls ||
            !ledger_holds(host->tools->ledger, host->lease->lease))
            return -1;
        bool fetches = host->job != NULL || current(host)->kind != WIRE__FETCH_KIND__FETCH_PARSE;
        if (fetches && now_ms < host->due_ms)
            return host->due_ms;
        if (fetches && !addresses_have_room(&host->tools->addresses, host->address))
            return INT64_MAX; /* until another fetch is done */
        if (host->job != NULL)
            begin_fetch(host); /* a further step of a redirect */
        else if (!ledger_may_begin(host->tools->ledger, host->lease->lease))
            return INT64_MAX;
        else
            begin(host);
        if (fetch_is_under_way(host->fetch))
            return INT64_MAX;
    }
}

/* ---- the answer ---- */

static void count(struct host *host, const struct fetch_answer *answer)
{
    struct host_tools *tools = host->tools;
    bool answered = answer->trouble == LOG__REASON__REASON_UNKNOWN && answer->status < 400;
    bool page = current(host)->kind == WIRE__FETCH_KIND__FETCH_PAGE && answer->status / 100 == 2;
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

/* The end of the current URL. */
static void conclude(struct host *host, struct fetch_answer *answer)
{
    struct error err;
    const Wire__LeasedUrl *leased = current(host);
    bool robots = leased->kind == WIRE__FETCH_KIND__FETCH_ROBOTS;
    enum record_verdict verdict;
    enum status status;
    if (robots)
        status = record_robots(host->job, host->origin.origin, answer, &verdict, &err);
    else
        status = record_page(host->job, answer,
                             leased->etag[0] != '\0' || leased->last_modified[0] != '\0', &verdict,
                             &err);
    if (status != STATUS_OK) {
        give_up(host, &err);
        return;
    }
    take_verdict(host, verdict);
    /* What a robots.txt allows is decided by the indexserver: nothing is fetched behind it. */
    host->over = host->over || robots;
    pass_on(host);
}

void host_fetched(struct host *host, CURLcode result)
{
    struct error err;
    struct fetch_answer *answer = fetch_finish(host->fetch, host->tools->multi, result);
    if (answer->address[0] != '\0' && is_own(host, host->hop_url))
        memcpy(host->address, answer->address, sizeof(host->address));
    if (answer->busy) { /* nothing was sent: the same step again, when there is room */
        atomic_fetch_sub(&host->tools->fetching, 1);
        return;
    }
    uint32_t delay_ms = host->lease->delay_ms;
    /* The clock is cut to milliseconds: one more, so that none is missing. */
    host->due_ms = clock_boot_ms() + delay_ms + (delay_ms > 0);
    count(host, answer);
    if (record_hop(host->job, host->hop_url, answer, &err) != STATUS_OK) {
        give_up(host, &err);
        return;
    }
    const char *target = NULL;
    if (current(host)->kind == WIRE__FETCH_KIND__FETCH_ROBOTS &&
        host->job->hop_count < JOB_HOPS_MAX)
        target = record_redirect(host->job, host->hop_url, answer);
    if (target == NULL) {
        conclude(host, answer);
        return;
    }
    host->hop_url = target;
    if (!is_same_host(host, target)) /* another host: its own delay is none of ours */
        host->due_ms = clock_boot_ms();
}
