/* How a URL is read, who wants it, and how it was found. */
#include <string.h>

#include "indexserver/story.h"
#include "indexserver/traps.h"
#include "indexserver/urls.h"

enum { VARIANTS_MAX = 8 };

/* ---- url ---------------------------------------------------------------------------------------
 */

/* The same address written otherwise, if that one is known: a common mistake. */
static void note_variant(struct story *story, Wire__Stage *stage, const char *text)
{
    struct url_state state;
    struct url url;
    if (url_parse(text, strlen(text), NULL, story->arena, &url, NULL) == STATUS_OK &&
        strcmp(url.text, story->url.text) != 0 &&
        urls_get(story->views, url.text, &state, NULL) == STATUS_OK)
        story_fact(story, stage, "known instead", url.text);
}

static void note_variants(struct story *story, Wire__Stage *stage)
{
    const struct url *url = &story->url;
    bool https = strcmp(url->scheme, "https") == 0;
    bool www = strncmp(url->authority, "www.", 4) == 0;
    const char *behind = url->text + strlen(url->scheme); /* "://example.org/a" */
    size_t path = strlen(url->path);
    note_variant(story, stage, STORY_WORDS(story, "%s%s", https ? "http" : "https", behind));
    if (www)
        note_variant(story, stage,
                     STORY_WORDS(story, "%s://%s%s", url->scheme, url->authority + 4, url->target));
    else
        note_variant(story, stage,
                     STORY_WORDS(story, "%s://www.%s%s", url->scheme, url->authority, url->target));
    if (url->query != NULL)
        note_variant(story, stage, STORY_WORDS(story, "%s%s", url->origin, url->path));
    else if (path > 1 && url->path[path - 1] == '/')
        note_variant(story, stage,
                     STORY_WORDS(story, "%s%.*s", url->origin, (int)path - 1, url->path));
    else
        note_variant(story, stage, STORY_WORDS(story, "%s/", url->text));
}

static void tell_url(struct story *story)
{
    bool same = strcmp(story->asked, story->url.text) == 0;
    bool shortened = strcmp(story->plain.text, story->url.text) != 0;
    Wire__Stage *stage =
        story_add(story, "url", "ok",
                  same        ? "read as it stands"
                  : shortened ? STORY_WORDS(story,
                                            "read as %s: what only tracks visitors, or its source "
                                            "drops, is left out",
                                            story->url.text)
                              : STORY_WORDS(story, "read as %s", story->url.text),
                  0);
    if (!same)
        story_fact(story, stage, "asked", story->asked);
    if (shortened)
        story_fact(story, stage, "normal form", story->plain.text);
    if (!story->known)
        note_variants(story, stage);
    if (stage->n_facts > 0 && strcmp(stage->facts[stage->n_facts - 1]->name, "known instead") == 0)
        stage->cure = (char *)"ask for the address that is known instead";
}

/* ---- scope -------------------------------------------------------------------------------------
 */

/* "rule 2: deny prefix /private/" */
static const char *deciding_rule(struct story *story)
{
    return source_scope_words(story->source->scope, &story->url, story->state.depth, story->arena);
}

static void tell_source(struct story *story, Wire__Stage *stage)
{
    const struct source *source = story->source;
    if (source == NULL)
        source = scope_source_by_id(story->views->scope, story->state.source);
    if (source == NULL)
        return;
    story_fact(story, stage, "source", source->definition->url);
    story_fact(story, stage, "prefix", source->definition->prefix);
    if (story->source != NULL)
        story_fact(story, stage, "decided by", deciding_rule(story));
    story_fact(story, stage, "named by",
               source->configured                              ? "config.yaml"
               : source->owner                                 ? "the owner"
               : source->origin == LOG__ORIGIN__ORIGIN_ARCHIVE ? "an archive"
                                                               : "nobody any more");
    story_fact_number(story, stage, "pages held", source->counts.fetched);
    story_fact_number(story, stage, "pages at most", source_max_pages(story->views->scope, source));
}

/* Why a link that leads there is not followed; NULL: it is. What was known before the trap was is
 * fetched no more, as its last fetch says. */
static const char *trap_words(struct story *story)
{
    return story->known ? NULL
                        : traps_refusal(story->views, &story->url, story->source->id, story->arena);
}

static void tell_scope(struct story *story)
{
    struct scope *scope = story->views->scope;
    const struct source *source = story->source;
    const char *refusal = scope_refusal(scope, &story->url, source, story->arena);
    const char *removed = scope_removed_by(scope, &story->url, story->arena);
    Wire__Stage *stage;
    if (story->known && story->state.kind == URL_REMOVED)
        removed = removed == NULL ? "the owner removed this page" : removed;
    if (removed != NULL) {
        stage = story_add(story, "scope", "stopped",
                          STORY_WORDS(story, "%s: submit it again to fetch it", removed), 0);
        stage->cure = (char *)"tierce crawl URL";
    } else if (refusal != NULL) {
        stage = story_add(story, "scope", "stopped", refusal, 0);
        stage->cure = (char *)"what the words name, under crawl in config.yaml";
    } else if (source == NULL) {
        stage = story_add(story, "scope", "stopped",
                          "no source names this host: add one, or submit the URL", 0);
        stage->cure = (char *)"tierce crawl URL, or its site under crawl.sources in config.yaml";
    } else if (!source_scope_takes(source->scope, &story->url, story->state.depth)) {
        stage = story_add(story, "scope", "stopped",
                          STORY_WORDS(story, "source %s does not take it: %s",
                                      source->definition->url, deciding_rule(story)),
                          0);
        stage->cure = (char *)"the source's prefix, rules and max_depth in config.yaml";
    } else if (trap_words(story) != NULL) {
        stage = story_add(story, "scope", "stopped", trap_words(story), 0);
        stage->cure = (char *)"tierce crawl URL fetches it all the same";
    } else {
        stage = story_add(story, "scope", "ok",
                          STORY_WORDS(story, "source %s%s", source->definition->url,
                                      source->configured ? " (config.yaml)" : " (submitted)"),
                          0);
    }
    tell_source(story, stage);
}

/* ---- found -------------------------------------------------------------------------------------
 */

static const char *origin_words(unsigned origin)
{
    switch (origin) {
    case LOG__ORIGIN__ORIGIN_OWNER:
        return "submitted by the owner";
    case LOG__ORIGIN__ORIGIN_SEED:
        return "a seed in config.yaml";
    case LOG__ORIGIN__ORIGIN_SITEMAP:
        return "named by a sitemap";
    case LOG__ORIGIN__ORIGIN_FEED:
        return "named by a feed";
    case LOG__ORIGIN__ORIGIN_ARCHIVE:
        return "in an archive that was imported";
    default:
        return "a link";
    }
}

/* What brought it, as far as the log still holds that. */
static void tell_found(struct story *story)
{
    const struct url_state *state = &story->state;
    if (!story->known)
        return;
    const Log__Entry *entry = story_entry(story, state->found_at);
    const char *words = origin_words(state->origin), *from = NULL;
    if (entry != NULL && entry->kind_case == LOG__ENTRY__KIND_CONTENT &&
        strcmp(entry->content->url, story->url.text) != 0)
        from = entry->content->url;
    else if (entry != NULL && entry->kind_case == LOG__ENTRY__KIND_OUTCOME &&
             strcmp(entry->outcome->url, story->url.text) != 0)
        from = entry->outcome->url;
    if (from != NULL && entry->kind_case == LOG__ENTRY__KIND_OUTCOME)
        words = STORY_WORDS(story, "%s redirects to it", from);
    else if (from != NULL)
        words = STORY_WORDS(story, "%s, in %s", words, from);
    else if (entry == NULL)
        words =
            STORY_WORDS(story, "%s; a newer version of what brought it has taken its place", words);
    Wire__Stage *stage = story_add(story, "found", "ok", words, entry == NULL ? 0 : entry->time_us);
    story_fact(story, stage, "by", origin_words(state->origin));
    story_fact(story, stage, "from", from);
    story_fact_number(story, stage, "links from a seed", state->depth);
    story_fact_number(story, stage, "entry of the log", state->found_at);
}

void story_tell_scope(struct story *story)
{
    tell_url(story);
    tell_scope(story);
    tell_found(story);
}
