/* What robots.txt says of a URL, and when it is due. */
#include "base/clock.h"
#include "indexserver/frontier.h"
#include "indexserver/origins.h"
#include "indexserver/story.h"

/* ---- robots ------------------------------------------------------------------------------------
 */

static void add_robots_facts(struct story *story, Wire__Stage *stage, const struct host_view *host,
                             const struct robots_verdict *verdict)
{
    const Log__Entry *entry = story_entry(story, host->record.robots);
    story_fact(story, stage, "file", STORY_WORDS(story, "%s/robots.txt", story->url.origin));
    if (verdict != NULL && verdict->line != 0)
        story_fact(story, stage, "line",
                   STORY_WORDS(story, "%u: %s", verdict->line, verdict->rule));
    if (entry == NULL || entry->kind_case != LOG__ENTRY__KIND_ROBOTS)
        return;
    const Log__Robots *robots = entry->robots;
    for (size_t i = 1; i < robots->n_hops; i++)
        story_fact(story, stage, "redirected to", robots->hops[i]->url);
    if (robots->n_hops > 0 && robots->hops[robots->n_hops - 1]->status > 0)
        story_fact_number(story, stage, "status", robots->hops[robots->n_hops - 1]->status);
    story_fact(story, stage, "trouble", robots->detail);
    struct origin *origin = origin_find(story->views->frontier, story->url.origin);
    if (origin != NULL)
        story_fact_time(story, stage, "asked again",
                        origin_robots_due_ms(story->views->scope, origin) * 1000);
}

static bool ignores_robots(const struct story *story)
{
    return story->source != NULL && story->source->definition->ignore_robots;
}

static void tell_robots(struct story *story)
{
    struct host_view host;
    struct robots_verdict verdict;
    Wire__Stage *stage;
    frontier_host(story->views, story->url.origin, &host);
    int64_t time_us = host.record.robots_us;
    bool told = frontier_robots_verdict(story->views, &story->url, &verdict);
    const char *line = told ? STORY_WORDS(story, "line %u: %s", verdict.line, verdict.rule) : NULL;
    if (ignores_robots(story)) {
        story_add(story, "robots", "ok",
                  "its source says ignore_robots: true, so robots.txt is not asked", 0);
        return;
    }
    if (host.record.robots_kind == ROBOTS_UNREACHABLE) {
        stage =
            story_add(story, "robots", "waiting",
                      "robots.txt cannot be reached: nothing is fetched until it answers", time_us);
        stage->cure = (char *)"its server must answer for robots.txt: with the file, or with 404";
    } else if (!told) {
        stage = story_add(story, "robots", "unknown",
                          "robots.txt was not asked for yet: that is the first fetch", 0);
    } else if (!verdict.allowed) {
        stage = story_add(story, "robots", "stopped", line, time_us);
        stage->cure = (char *)"the site's owner may allow it in that file; on your own site, the "
                              "source's ignore_robots";
    } else if (verdict.line != 0) {
        stage = story_add(story, "robots", "ok", line, time_us);
    } else {
        stage = story_add(story, "robots", "ok",
                          host.record.robots_kind == ROBOTS_ALLOW_ALL ? "there is no robots.txt"
                                                                      : "robots.txt allows it",
                          time_us);
    }
    add_robots_facts(story, stage, &host, told ? &verdict : NULL);
}

/* ---- frontier ----------------------------------------------------------------------------------
 */

static const char *wait_words(struct story *story, const struct host_view *host)
{
    if (host->leased)
        return "its host is being fetched from now";
    if (host->wait_ms > 0)
        return STORY_WORDS(story, "its host may be asked again in %ld s",
                           (host->wait_ms + 999) / 1000);
    return "its turn comes next";
}

/* Why it is due at all. */
static const char *due_reason(const struct url_state *state)
{
    if (state->due_ms == URL_DUE_OWNER)
        return "the owner asked for it";
    if (state->due_ms == URL_DUE_SEED)
        return "it is a seed, and was not fetched yet";
    if (state->due_ms == URL_DUE_FOUND)
        return "it was found, and not fetched yet";
    if (state->first_gone_us != 0 && state->content != 0)
        return "it was not there: once more before its page goes";
    if (state->failures > 0)
        return "the last fetch failed";
    switch (state->kind) {
    case URL_HELD:
        return "its interval is over by then: it may have changed";
    case URL_GONE:
    case URL_REFUSED:
    case URL_FAILED:
        return "it may be there, or allowed, by then";
    case URL_REDIRECT:
        return "it may lead elsewhere by then";
    default:
        return "its turn";
    }
}

static void add_frontier_facts(struct story *story, Wire__Stage *stage,
                               const struct host_view *host)
{
    const struct url_state *state = &story->state;
    if (!story->known || state->due_ms == URL_DUE_NEVER)
        return;
    story_fact(story, stage, "due because", due_reason(state));
    if (state->due_ms >= URL_DUE_FIRST_TIME)
        story_fact_time(story, stage, "due", state->due_ms * 1000);
    if (state->failures > 0)
        story_fact_number(story, stage, "failures in a row", state->failures);
    story_fact(story, stage, "delay of its host",
               STORY_WORDS(story, "%u.%u s", host->delay_ms / 1000, host->delay_ms % 1000 / 100));
    if (host->wait_ms > 0)
        story_fact(story, stage, "its host is left alone for",
                   STORY_WORDS(story, "%ld s", (host->wait_ms + 999) / 1000));
}

static const char *stopped_words(struct story *story)
{
    const struct url_state *state = &story->state;
    struct source *source = scope_source_by_id(story->views->scope, state->source);
    return source == NULL ? NULL
                          : scope_source_stopped(story->views->scope, source, state->content == 0,
                                                 story->arena);
}

static void tell_frontier(struct story *story)
{
    struct host_view host;
    const struct url_state *state = &story->state;
    int64_t due_us = state->due_ms >= URL_DUE_FIRST_TIME && state->due_ms != URL_DUE_NEVER
                         ? state->due_ms * 1000
                         : 0;
    const char *stopped = stopped_words(story);
    Wire__Stage *stage;
    frontier_host(story->views, story->url.origin, &host);
    if (!story->known) {
        stage = story_add(story, "frontier", "unknown",
                          "no fetched page links to it, and nobody submitted it: add it with "
                          "`tierce crawl URL`, or its site in config.yaml",
                          0);
        stage->cure = (char *)"tierce crawl URL; a link from a page that is crawled; a sitemap";
    } else if (state->kind == URL_REMOVED || state->due_ms == URL_DUE_NEVER) {
        stage = story_add(story, "frontier", "stopped",
                          "it is not fetched again unless it is submitted", 0);
        stage->cure = (char *)"tierce crawl URL";
    } else if (stopped != NULL) {
        stage = story_add(story, "frontier", "stopped",
                          STORY_WORDS(story, "its source: %s", stopped), 0);
    } else if (due_us > clock_unix_us()) {
        stage = story_add(story, "frontier", state->content != 0 ? "ok" : "waiting",
                          "to be fetched again", due_us);
    } else {
        stage = story_add(story, "frontier", "waiting", wait_words(story, &host), 0);
    }
    add_frontier_facts(story, stage, &host);
}

void story_tell_crawl(struct story *story)
{
    tell_robots(story);
    tell_frontier(story);
}
