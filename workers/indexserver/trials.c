#include "indexserver/trials.h"

#include <stdlib.h>
#include <string.h>

#include "base/check.h"
#include "base/clock.h"
#include "cluster/names.h"
#include "crawl/headers.h"
#include "crawl/robots.h"
#include "indexserver/frontier.h"
#include "indexserver/hosts.h"
#include "indexserver/origins.h"
#include "indexserver/service_parts.h"
#include "indexserver/story.h"
#include "indexserver/urls.h"
#include "rpc/message.h"

#define ROBOTS_AGENT "tierce"

enum trial_state {
    TRIAL_WAITS,   /* for its host */
    TRIAL_LEASED,  /* a downloader has it */
    TRIAL_FETCHED, /* something came */
    TRIAL_DONE,
};

struct trial {
    struct service *service;
    struct rpc_call *call;
    int64_t until_ms;
    enum trial_state state;
    bool for_robots; /* what is waited for is robots.txt */
    uint64_t lease;
    Wire__Fetched *fetched; /* in the call's arena */
    struct source as_owner; /* what a submission would make of a host that no source names */
    Log__Source definition;
    struct story story; /* of the step at hand; its stages are those of all steps */
    Wire__TestUrlReply reply;
    const char *stopped; /* why it would not be indexed; NULL: nothing said so yet */
    unsigned steps;
};

static struct arena *arena_of(const struct trial *trial)
{
    return trial->story.arena;
}

/* ---- steps: a URL, and what speaks against it --------------------------------------------------
 */

static void finish(struct trial *trial)
{
    trial->state = TRIAL_DONE;
}

/* Nothing more is fetched. */
static void stop(struct trial *trial, const char *words)
{
    trial->stopped = words;
    finish(trial);
}

/* It goes on, but would not be indexed. */
static void note(struct trial *trial, const char *words)
{
    if (trial->stopped == NULL)
        trial->stopped = words;
}

/* The source that the lease is for: the one that wants the URL, or what a submission would make. */
static struct source *lease_source(struct trial *trial)
{
    if (trial->story.source != NULL)
        return trial->story.source;
    log__source__init(&trial->definition);
    trial->definition.url = (char *)trial->story.url.text;
    trial->as_owner = (struct source){.definition = &trial->definition,
                                      .authority = (char *)trial->story.url.authority,
                                      .host = (char *)trial->story.url.host,
                                      .owner = true,
                                      .origin = LOG__ORIGIN__ORIGIN_OWNER};
    return &trial->as_owner;
}

static void tell_robots(struct trial *trial, const struct robots_verdict *verdict,
                        const char *words)
{
    struct story *story = &trial->story;
    bool by_line = verdict->line != 0;
    Wire__Stage *stage = story_add(
        story, "robots", verdict->allowed ? "ok" : "stopped",
        by_line ? STORY_WORDS(story, "line %u: %s", verdict->line, verdict->rule) : words, 0);
    story_fact(story, stage, "file", STORY_WORDS(story, "%s/robots.txt", story->url.origin));
    if (!verdict->allowed)
        stop(trial, "robots.txt forbids it");
}

/* What is known of robots.txt; false: it is to be fetched first. */
static bool judge_robots(struct trial *trial)
{
    struct story *story = &trial->story;
    struct robots_verdict verdict = {.allowed = true, .rule = ""};
    struct origin *origin = origin_find(story->views->frontier, story->url.origin);
    if (lease_source(trial)->definition->ignore_robots) {
        tell_robots(trial, &verdict, "its source says ignore_robots: true");
        return true;
    }
    if (origin == NULL ||
        origin_robots_due_ms(story->views->scope, origin) <= clock_unix_us() / 1000 ||
        !frontier_robots_verdict(story->views, &story->url, &verdict))
        return false;
    tell_robots(trial, &verdict, "it allows it");
    return true;
}

/* Under the views' lock. */
static void begin_step(struct trial *trial)
{
    struct story *story = &trial->story;
    struct scope *scope = story->views->scope;
    story->source = scope_source_for(scope, &story->url, story->arena);
    story->state = (struct url_state){0};
    story->known = urls_get(story->views, story->url.text, &story->state, NULL) == STATUS_OK;
    story_tell_scope(story);
    trial->state = TRIAL_WAITS;
    if (story->source == NULL && trial->steps > 0)
        stop(trial, "it leads out of every source");
    else if (scope_refusal(scope, &story->url, story->source, story->arena) != NULL)
        stop(trial, "it may not be fetched at all");
    else if (scope_removed_by(scope, &story->url, story->arena) != NULL ||
             story->state.kind == URL_REMOVED)
        note(trial, "the owner removed it");
    else if (story->source == NULL)
        note(trial, "no source names its host: it would have to be submitted");
    else if (!source_scope_takes(story->source->scope, &story->url, story->state.depth))
        note(trial, "its source does not take it");
    if (trial->state != TRIAL_DONE)
        trial->for_robots = !judge_robots(trial);
}

/* ---- what came -------------------------------------------------------------------------------
 */

static void add_hops(struct trial *trial, Log__Hop **hops, size_t count)
{
    struct arena *arena = arena_of(trial);
    size_t before = trial->reply.n_hops;
    Log__Hop **all = check_alloc(arena_alloc(arena, (before + count + 1) * sizeof(*all)));
    for (size_t i = 0; i < before; i++)
        all[i] = trial->reply.hops[i];
    for (size_t i = 0; i < count; i++)
        all[before + i] = hops[i];
    trial->reply.hops = all;
    trial->reply.n_hops = before + count;
}

static void take_robots(struct trial *trial, const Log__Robots *came)
{
    struct robots *robots;
    struct robots_verdict verdict = {.allowed = true, .rule = ""};
    unsigned status = hops_status(came->hops, came->n_hops);
    struct story *story = &trial->story;
    if (came->unreachable || status == 0 || status >= 500 || status == 429) {
        const char *why =
            came->detail[0] != '\0' ? came->detail : STORY_WORDS(story, "status %u", status);
        verdict.allowed = false;
        tell_robots(
            trial, &verdict,
            STORY_WORDS(story, "robots.txt cannot be reached, so nothing is fetched: %s", why));
        return;
    }
    if (status < 300 && robots_parse(came->body.data, came->body.len, ROBOTS_AGENT, story->arena,
                                     &robots, NULL) == STATUS_OK)
        robots_check(robots, story->url.target, &verdict);
    tell_robots(trial, &verdict, status < 300 ? "it allows it" : "there is none");
    if (trial->state != TRIAL_DONE) {
        trial->state = TRIAL_WAITS;
        trial->for_robots = false;
    }
}

static Wire__Stage *tell_fetch(struct trial *trial, const char *verdict, const char *words,
                               int32_t fetch_ms)
{
    static const char *const names[] = {
        "Content-Type", "Content-Language", "Content-Encoding", "Last-Modified",
        "ETag",         "Cache-Control",    "X-Robots-Tag",     "Link",
        "Location",     "Retry-After",      "Refresh"};
    struct story *story = &trial->story;
    Wire__Stage *stage = story_add(story, "fetch", verdict, words, clock_unix_us());
    story_fact_number(story, stage, "milliseconds", (uint64_t)(fetch_ms < 0 ? 0 : fetch_ms));
    if (trial->reply.n_hops == 0)
        return stage;
    const Log__Hop *hop = trial->reply.hops[trial->reply.n_hops - 1];
    if (hop->status > 0)
        story_fact_number(story, stage, "status", hop->status);
    story_fact(story, stage, "address", hop->address);
    for (size_t i = 0; i < ARRAY_COUNT(names); i++)
        story_fact(story, stage, names[i],
                   headers_get(hop->headers.data, hop->headers.len, names[i], story->arena));
    return stage;
}

static void follow(struct trial *trial, const char *target)
{
    struct story *story = &trial->story;
    if (++trial->steps > URL_REDIRECTS_MAX) {
        stop(trial, "it redirects more than ten times");
        return;
    }
    if (url_parse(target, strlen(target), NULL, story->arena, &story->plain, NULL) != STATUS_OK) {
        stop(trial, "it leads to what is no URL");
        return;
    }
    story->asked = target;
    story->url = story->plain;
    begin_step(trial);
}

static void take_outcome(struct trial *trial, const Log__Outcome *came)
{
    struct story *story = &trial->story;
    add_hops(trial, came->hops, came->n_hops);
    if (came->reason == LOG__REASON__REASON_REDIRECT && came->target[0] != '\0') {
        tell_fetch(trial, "ok", STORY_WORDS(story, "leads to %s", came->target), came->fetch_ms);
        follow(trial, came->target);
        return;
    }
    tell_fetch(trial, "stopped",
               STORY_WORDS(story, "%s: %s", fetch_result_name(came->reason), came->detail),
               came->fetch_ms);
    stop(trial, fetch_result_name(came->reason));
}

/* Whether the crawl would follow a link, and by which source, or why not. */
static Wire__TestLink *judge_link(struct trial *trial, const Page__Link *link)
{
    struct story *story = &trial->story;
    struct scope *scope = story->views->scope;
    Wire__TestLink *told = check_alloc(arena_alloc(story->arena, sizeof(*told)));
    struct url url;
    wire__test_link__init(told);
    told->url = link->url;
    told->anchor = link->anchor;
    if (url_parse(link->url, strlen(link->url), NULL, story->arena, &url, NULL) != STATUS_OK) {
        told->words = (char *)"no URL";
        return told;
    }
    struct source *source = scope_source_for(scope, &url, story->arena);
    const char *refusal = scope_refusal(scope, &url, source, story->arena);
    unsigned depth = story->state.depth + 1u;
    told->url = (char *)url.text;
    if (link->nofollow || story->page->nofollow)
        told->words = (char *)"nofollow";
    else if (source == NULL)
        told->words = (char *)"out of every source";
    else if (refusal != NULL)
        told->words = (char *)refusal;
    else if (!source_scope_takes(source->scope, &url, depth))
        told->words = (char *)source_scope_words(source->scope, &url, depth, story->arena);
    else {
        told->followed = true;
        told->words = source->definition->url;
    }
    return told;
}

static void judge_links(struct trial *trial, const Page__Page *page)
{
    size_t count = page->n_links < TRIAL_LINKS_SHOWN ? page->n_links : TRIAL_LINKS_SHOWN;
    trial->reply.link_count = (uint32_t)page->n_links;
    trial->reply.links =
        check_alloc(arena_alloc(arena_of(trial), (count + 1) * sizeof(*trial->reply.links)));
    for (size_t i = 0; i < count; i++)
        trial->reply.links[trial->reply.n_links++] = judge_link(trial, page->links[i]);
}

static void take_content(struct trial *trial, Log__Content *came, Page__Page *page)
{
    struct story *story = &trial->story;
    add_hops(trial, came->hops, came->n_hops);
    Wire__Stage *stage =
        tell_fetch(trial, "ok",
                   STORY_WORDS(story, "status %u, %u bytes", hops_status(came->hops, came->n_hops),
                               came->body_size),
                   came->fetch_ms);
    if (came->truncated)
        story_fact(story, stage, "cut", "at the limit of a page");
    finish(trial);
    if (page == NULL) {
        note(trial, "no page could be made of it");
        return;
    }
    /* As it would be held. */
    story->state.content = UINT64_MAX;
    story->state.bytes = came->body_size;
    story->state.private_address = came->private_address || came->with_credentials;
    story->page = page;
    story_tell_page(story);
    if (page->problem != PAGE__PROBLEM__PROBLEM_NONE)
        note(trial, page->problem_words);
    else if (page->noindex)
        note(trial, "the page asks not to be indexed (noindex)");
    judge_links(trial, page);
    page->n_links = 0;
    page->links = NULL;
    trial->reply.page = page;
}

static void take(struct trial *trial)
{
    Wire__Fetched *came = trial->fetched;
    trial->fetched = NULL;
    switch (came->result_case) {
    case WIRE__FETCHED__RESULT_ROBOTS:
        take_robots(trial, came->robots);
        break;
    case WIRE__FETCHED__RESULT_OUTCOME:
        take_outcome(trial, came->outcome);
        break;
    case WIRE__FETCHED__RESULT_CONTENT:
        take_content(trial, came->content, came->page);
        break;
    default:
        stop(trial, "the downloader reported nothing");
        break;
    }
}

/* ---- leases ------------------------------------------------------------------------------------
 */

Wire__HostLease *trials_lease(struct service *service, uint64_t member, struct arena *arena)
{
    struct trials *trials = &service->trials;
    Wire__HostLease *lease = NULL;
    pthread_mutex_lock(&service->views->lock);
    for (unsigned i = 0; i < trials->count && lease == NULL; i++) {
        struct trial *trial = trials->running[i];
        if (trial->state != TRIAL_WAITS)
            continue;
        lease = frontier_lease_trial(service->views, &trial->story.url, lease_source(trial),
                                     trial->for_robots, member, clock_boot_ms(), arena);
        if (lease != NULL) {
            trial->lease = lease->lease;
            trial->state = TRIAL_LEASED;
        }
    }
    pthread_mutex_unlock(&service->views->lock);
    return lease;
}

/* The message, in the trial's arena. */
static Wire__Fetched *copy_fetched(const Wire__Fetched *fetched, struct arena *arena)
{
    struct buffer packed = {0};
    Wire__Fetched *copy = NULL;
    if (message_pack(&fetched->base, &packed, NULL) == STATUS_OK)
        copy = message_unpack(&wire__fetched__descriptor, packed.data, packed.size, arena);
    buffer_release(&packed);
    return check_alloc(copy);
}

bool trials_take(struct service *service, const Wire__Fetched *fetched)
{
    struct trials *trials = &service->trials;
    for (unsigned i = 0; i < trials->count; i++) {
        struct trial *trial = trials->running[i];
        if (trial->state != TRIAL_LEASED || trial->lease != fetched->lease)
            continue;
        trial->fetched = copy_fetched(fetched, arena_of(trial));
        trial->state = TRIAL_FETCHED;
        return true;
    }
    return frontier_is_trial(service->views, fetched->lease); /* whose caller has gone */
}

/* ---- answers -----------------------------------------------------------------------------------
 */

static void tell_end(struct trial *trial)
{
    struct story *story = &trial->story;
    struct host_view host;
    if (trial->state == TRIAL_WAITS) {
        frontier_host(story->views, story->url.origin, &host);
        trial->stopped =
            (host.leased ? "its host was being fetched from all the time: ask again later"
             : host.wait_ms > 0
                 ? STORY_WORDS(story, "its host may be asked again in %ld s: ask again then",
                               (host.wait_ms + 999) / 1000)
                 : "no downloader took it: `tierce status` shows whether one runs");
    } else if (trial->state == TRIAL_LEASED) {
        trial->stopped = "its server did not answer in the time there was";
    }
    trial->reply.indexed = trial->stopped == NULL;
    story_add(story, "indexed", trial->reply.indexed ? "ok" : "stopped",
              trial->reply.indexed ? "it would be" : trial->stopped, 0);
}

static void answer(struct trial *trial)
{
    pthread_mutex_lock(&trial->service->views->lock);
    tell_end(trial);
    pthread_mutex_unlock(&trial->service->views->lock);
    trial->reply.url = (char *)trial->story.url.text;
    trial->reply.stages = trial->story.stages;
    trial->reply.n_stages = trial->story.stage_count;
    rpc_call_reply(trial->call, &trial->reply.base);
}

/* Under the views' lock: what came, and leases that ended without an answer. */
static void go_on(struct trial *trial)
{
    if (trial->state == TRIAL_FETCHED)
        take(trial);
    else if (trial->state == TRIAL_LEASED &&
             !frontier_has_lease(trial->service->views, trial->lease))
        trial->state = TRIAL_WAITS; /* its downloader has died */
}

int64_t trials_serve(struct service *service, bool draining)
{
    struct trials *trials = &service->trials;
    int64_t now = clock_boot_ms(), next = INT64_MAX;
    for (unsigned i = 0; i < trials->count;) {
        struct trial *trial = trials->running[i];
        pthread_mutex_lock(&service->views->lock);
        go_on(trial);
        int64_t ready = trial->state == TRIAL_WAITS
                            ? frontier_trial_ready_ms(service->views, &trial->story.url)
                            : INT64_MAX;
        pthread_mutex_unlock(&service->views->lock);
        bool over = trial->state == TRIAL_DONE || draining || now >= trial->until_ms ||
                    rpc_call_cancelled(trial->call);
        if (over) {
            answer(trial); /* which frees it, with the call */
            trials->running[i] = trials->running[--trials->count];
            continue;
        }
        next = trial->until_ms < next ? trial->until_ms : next;
        next = ready < next ? ready : next;
        i++;
    }
    return next;
}

/* ---- calls come in ----------------------------------------------------------------------------
 */

static enum status begin(struct call_job *job, struct trial *trial, struct error *err)
{
    const Wire__TestUrlRequest *request = job->request;
    struct arena *arena = rpc_call_arena(job->call);
    uint32_t wait_ms = request->wait_ms < TRIAL_WAIT_MS_MAX ? request->wait_ms : TRIAL_WAIT_MS_MAX;
    struct story *story = &trial->story;
    trial->service = job->service;
    trial->call = job->call;
    trial->until_ms = clock_boot_ms() + wait_ms;
    wire__test_url_reply__init(&trial->reply);
    *story = (struct story){.views = job->service->views,
                            .log = job->service->log,
                            .arena = arena,
                            .asked = request->url};
    story->stages = check_alloc(arena_alloc(arena, STORY_STAGES_MAX * sizeof(*story->stages)));
    enum status status =
        url_parse(request->url, strlen(request->url), NULL, arena, &story->plain, err);
    story->url = story->plain;
    return status;
}

static bool prepare_test(struct sequencer_job *sequencer_job, struct batch *batch)
{
    struct call_job *job = (struct call_job *)sequencer_job;
    struct trials *trials = &job->service->trials;
    struct error err = {0};
    (void)batch;
    struct trial *trial = check_alloc(arena_zalloc(rpc_call_arena(job->call), sizeof(*trial)));
    enum status status = begin(job, trial, &err);
    if (status == STATUS_OK && !views_caught_up(job->service->views))
        status = error_set(&err, STATUS_UNAVAILABLE,
                           "the frontier is being made anew from the log: try again soon");
    if (status == STATUS_OK && trials->count == TRIALS_MAX)
        status = error_set(&err, STATUS_OVERLOADED, "%d URLs are being tested already", TRIALS_MAX);
    if (status != STATUS_OK) {
        rpc_call_fail(job->call, status, "%s", err.text);
        return false;
    }
    pthread_mutex_lock(&job->service->views->lock);
    begin_step(trial);
    pthread_mutex_unlock(&job->service->views->lock);
    trials->running[trials->count++] = trial;
    return false; /* answered by trials_serve() */
}

void test_url_call(struct service *service, struct rpc_call *call)
{
    call_job_add(service, call, &wire__test_url_request__descriptor, prepare_test, NULL, false);
}
