/* What came of fetching a URL, and where it led. */
#include <string.h>

#include "cluster/names.h"
#include "crawl/headers.h"
#include "indexserver/history.h"
#include "indexserver/story.h"
#include "indexserver/urls.h"

/* The newest outcome; NULL: there is none, or the log has forgotten it. */
static const Log__Outcome *newest_outcome(struct story *story)
{
    const Log__Entry *entry = story_entry(story, story->state.outcome);
    return entry == NULL || entry->kind_case != LOG__ENTRY__KIND_OUTCOME ? NULL : entry->outcome;
}

static const char *outcome_words(struct story *story, const Log__Outcome *outcome)
{
    if (outcome == NULL)
        return "no words about it";
    if (outcome->reason == LOG__REASON__REASON_REDIRECT)
        return STORY_WORDS(story, "leads to %s", outcome->target);
    return outcome->detail[0] != '\0' ? outcome->detail : "no words about it";
}

static bool brought_content(const struct url_state *state)
{
    return state->reason == 0 || state->reason == LOG__REASON__REASON_NOT_MODIFIED;
}

/* ---- fetch ------------------------------------------------------------------------------------
 */

/* Headers that decide something. */
static void add_headers(struct story *story, Wire__Stage *stage, const Log__Hop *hop)
{
    static const char *const names[] = {"Content-Type",     "Last-Modified", "ETag",
                                        "X-Robots-Tag",     "Location",      "Retry-After",
                                        "Content-Language", "Link",          "Content-Encoding"};
    for (size_t i = 0; i < ARRAY_COUNT(names); i++)
        story_fact(story, stage, names[i],
                   headers_get(hop->headers.data, hop->headers.len, names[i], story->arena));
}

static void add_fetch_facts(struct story *story, Wire__Stage *stage)
{
    const struct url_state *state = &story->state;
    uint64_t sequence =
        state->content > state->outcome || state->reason == 0 ? state->content : state->outcome;
    const Log__Entry *entry = story_entry(story, sequence);
    Log__Hop *const *hops = NULL;
    size_t count = 0;
    story_fact(story, stage, "result", fetch_result_name((Log__Reason)state->reason));
    if (state->status > 0)
        story_fact_number(story, stage, "status", state->status);
    story_fact_number(story, stage, "milliseconds", state->fetch_ms);
    if (entry != NULL && entry->kind_case == LOG__ENTRY__KIND_CONTENT) {
        hops = entry->content->hops;
        count = entry->content->n_hops;
        if (entry->content->truncated)
            story_fact(story, stage, "cut", "at the limit of a page");
        if (entry->content->imported)
            story_fact(story, stage, "by", "an archive that was imported");
    } else if (entry != NULL && entry->kind_case == LOG__ENTRY__KIND_OUTCOME) {
        hops = entry->outcome->hops;
        count = entry->outcome->n_hops;
    }
    if (count > 0) {
        story_fact(story, stage, "address", hops[count - 1]->address);
        add_headers(story, stage, hops[count - 1]);
    }
    story_fact_number(story, stage, "entry of the log", sequence);
}

static const char *fetch_cure(const struct url_state *state)
{
    switch (state->reason) {
    case LOG__REASON__REASON_ADDRESS_REFUSED:
        return "a source that names this host and port with allow_private: true, in "
               "crawl.allowed_networks";
    case LOG__REASON__REASON_TOO_LARGE:
        return "crawl.max_page";
    case LOG__REASON__REASON_HTTP_ERROR:
        return "the site must answer with the page; then it is fetched when it is due, or at once "
               "by tierce crawl URL";
    case LOG__REASON__REASON_REDIRECT:
        return "look at where it leads";
    case LOG__REASON__REASON_LOGIN:
        return "the source's user, password_file and log-in form";
    default:
        return "it is tried again when it is due; at once by tierce crawl URL";
    }
}

static void tell_fetch(struct story *story)
{
    const struct url_state *state = &story->state;
    const char *redirected = state->redirects > 0 ? ", by way of redirects" : "";
    Wire__Stage *stage;
    if (!story->known || state->fetched_us == 0) {
        story_add(story, "fetch", "unknown", "it was not fetched yet", 0);
        return;
    }
    if (brought_content(state)) {
        stage = story_add(
            story, "fetch", "ok",
            STORY_WORDS(story, "status %u in %u ms%s", state->status, state->fetch_ms, redirected),
            state->fetched_us);
    } else {
        stage = story_add(story, "fetch", state->kind == URL_QUEUED ? "waiting" : "stopped",
                          outcome_words(story, newest_outcome(story)), state->fetched_us);
        stage->cure = (char *)fetch_cure(state);
    }
    add_fetch_facts(story, stage);
}

/* ---- redirects --------------------------------------------------------------------------------
 */

/* Where a URL led when it was fetched last; NULL: nowhere, or nobody knows. */
static const char *target_of(struct story *story, const char *url, struct url_state *ret_state)
{
    if (urls_get(story->views, url, ret_state, NULL) != STATUS_OK)
        return NULL;
    const Log__Entry *entry =
        ret_state->kind == URL_REDIRECT ? story_entry(story, ret_state->outcome) : NULL;
    if (entry == NULL || entry->kind_case != LOG__ENTRY__KIND_OUTCOME ||
        entry->outcome->reason != LOG__REASON__REASON_REDIRECT)
        return NULL;
    return entry->outcome->target;
}

/* Follows the chain; its end says whether there is a page. */
static void tell_redirects(struct story *story)
{
    struct url_state state = story->state;
    const char *at = story->url.text, *target = target_of(story, at, &state);
    if (target == NULL)
        return;
    Wire__Stage *stage = story_add(story, "redirects", "stopped", "", 0);
    unsigned steps = 0;
    for (; target != NULL && steps < URL_REDIRECTS_MAX; steps++) {
        story_fact(story, stage, "step",
                   STORY_WORDS(story, "%u: %s to %s", state.status, at, target));
        at = target;
        state = (struct url_state){0};
        target = target_of(story, at, &state);
    }
    const char *end = target != NULL              ? "and goes on"
                      : state.kind == URL_UNKNOWN ? "which is not known here"
                      : state.content != 0        ? "whose page is held"
                                                  : "of which no page is held";
    stage->words = STORY_WORDS(story, "leads by %u %s to %s, %s", steps,
                               steps == 1 ? "step" : "steps", at, end);
    if (state.content != 0)
        stage->verdict = (char *)"ok";
    stage->cure = STORY_WORDS(story, "tierce why %s", at);
}

void story_tell_fetches(struct story *story)
{
    tell_fetch(story);
    tell_redirects(story);
}

/* ---- all of them ------------------------------------------------------------------------------
 */

static Wire__PastFetch *past_fetch(struct story *story, const struct past_fetch *fetch)
{
    Wire__PastFetch *past = check_alloc(arena_alloc(story->arena, sizeof(*past)));
    wire__past_fetch__init(past);
    past->time_us = fetch->time_us;
    past->status = fetch->status;
    past->reason = (Log__Reason)fetch->reason;
    past->fetch_ms = fetch->fetch_ms;
    past->changed = fetch->reason == LOG__REASON__REASON_UNKNOWN;
    return past;
}

void story_list_fetches(struct story *story, Wire__LookupReply *reply)
{
    struct past_fetch earlier[HISTORY_MAX];
    if (!story->known || story->state.fetched_us == 0)
        return;
    struct past_fetch newest = history_of_state(&story->state);
    unsigned count = history_read(story->views, story->url.text, earlier);
    reply->fetches = check_alloc(arena_alloc(story->arena, (count + 1) * sizeof(*reply->fetches)));
    reply->fetches[reply->n_fetches++] = past_fetch(story, &newest);
    if (!brought_content(&story->state))
        reply->fetches[0]->words = (char *)outcome_words(story, newest_outcome(story));
    for (unsigned i = 0; i < count; i++)
        reply->fetches[reply->n_fetches++] = past_fetch(story, &earlier[i]);
}
