#include "indexserver/listings.h"

#include <string.h>

#include "base/check.h"
#include "crawl/robots.h"
#include "indexserver/origins.h"
#include "indexserver/revisit.h"
#include "indexserver/table.h"

#define DAY_US ((int64_t)24 * 3600 * 1000000)

enum { INDEX_DEPTH_MAX = 2 }; /* sitemaps within sitemaps */

/* ---- what is named --------------------------------------------------------------------------- */

static struct source *taker_of(struct change *change, const struct url *url)
{
    struct scope *scope = change->views->scope;
    struct source *source = scope_source_of(scope, url);
    if (source == NULL || !source_scope_lists(source->scope, url->text))
        source = scope_source_of_sitemap(scope, url);
    if (source == NULL || scope_refusal(scope, url, source, &change->arena) != NULL ||
        scope_removed_by(scope, url, &change->arena) != NULL)
        return NULL;
    return source;
}

void listing_give_back(struct change *change, struct url_entry *entry)
{
    struct source *source = scope_source_by_id(change->views->scope, entry->after.source);
    uint16_t counted = entry->after.flags & (URL_FEED_COUNTED | URL_SITEMAP_COUNTED);
    entry->after.flags &= (uint16_t)~counted;
    if (source == NULL || counted == 0)
        return;
    uint16_t *known = counted == URL_FEED_COUNTED ? &source->feeds : &source->sitemaps;
    *known -= *known > 0;
    scope_touch(change->views->scope, source);
}

void listing_is_page(struct change *change, struct url_entry *entry)
{
    const struct source *source = scope_source_by_id(change->views->scope, entry->after.source);
    struct url url;
    if ((entry->after.flags & URL_LISTING) == 0 || (entry->after.flags & URL_GUESSED) != 0 ||
        source == NULL || source_scope_lists(source->scope, entry->url) ||
        url_parse(entry->url, strlen(entry->url), NULL, &change->arena, &url, NULL) != STATUS_OK ||
        !source_scope_takes(source->scope, &url, entry->after.depth))
        return;
    listing_give_back(change, entry);
    entry->after.flags &= (uint16_t)~URL_LISTING;
}

static void make_known(struct change *change, struct url_entry *entry, struct source *source,
                       const struct finding *finding)
{
    bool is_feed = finding->origin == LOG__ORIGIN__ORIGIN_FEED;
    bool is_counted = !source_scope_lists(source->scope, entry->url);
    uint16_t *known = is_feed ? &source->feeds : &source->sitemaps;
    if (is_counted && *known >= (is_feed ? SOURCE_FEEDS_MAX : SOURCE_SITEMAPS_MAX))
        return;
    listing_give_back(change, entry); /* of another source, maybe */
    found_make_known(change, entry, source, finding);
    entry->after.flags |= URL_LISTING;
    if (!is_counted)
        return;
    ++*known;
    scope_touch(change->views->scope, source);
    entry->after.flags |= is_feed ? URL_FEED_COUNTED : URL_SITEMAP_COUNTED;
}

static enum status find(struct change *change, const char *text, const struct finding *finding,
                        bool guessed, struct url_entry **ret_entry, struct error *err)
{
    struct url url;
    struct url_entry *entry;
    *ret_entry = NULL;
    if (url_parse(text, strlen(text), NULL, &change->arena, &url, NULL) != STATUS_OK)
        return STATUS_OK;
    struct source *source = taker_of(change, &url);
    if (source == NULL)
        return STATUS_OK;
    enum status status = urls_touch(change, url.text, &entry, err);
    if (status != STATUS_OK)
        return status;
    bool was_denied =
        entry->after.kind == URL_REFUSED && entry->after.reason == LOG__REASON__REASON_OUT_OF_SCOPE;
    if (entry->after.kind == URL_UNKNOWN || was_denied) {
        make_known(change, entry, source, finding);
        entry->after.flags |= guessed && entry->after.kind != URL_UNKNOWN ? URL_GUESSED : 0;
    } else if (!guessed && (entry->after.flags & URL_GUESSED) != 0) {
        entry->after.flags &= (uint16_t)~URL_GUESSED;
        entry->after.due_ms = URL_DUE_FOUND;
    }
    *ret_entry = entry->after.kind == URL_UNKNOWN ? NULL : entry;
    return STATUS_OK;
}

enum status listing_found(struct change *change, const char *text, Log__Origin origin, bool guessed,
                          struct error *err)
{
    struct url_entry *entry;
    struct finding finding = {.origin = (uint8_t)origin, .due_ms = URL_DUE_FOUND};
    if (guessed)
        finding.due_ms = change->time_us / 1000 + LISTINGS_GUESS_MS;
    return find(change, text, &finding, guessed, &entry, err);
}

enum status listing_guess(struct change *change, const char *origin, struct error *err)
{
    struct url site;
    if (url_parse(origin, strlen(origin), NULL, &change->arena, &site, NULL) != STATUS_OK)
        return STATUS_OK;
    const struct source *source = scope_source_of_sitemap(change->views->scope, &site);
    if (source == NULL || source->definition->n_sitemaps > 0)
        return STATUS_OK;
    const char *guess = check_alloc(arena_format(&change->arena, "%s/sitemap.xml", origin));
    return listing_found(change, guess, LOG__ORIGIN__ORIGIN_SITEMAP, true, err);
}

/* ---- hints ------------------------------------------------------------------------------------
 */

struct listing {
    struct change *change;
    struct url_entry *entry;
    struct url url;
    const Page__Page *page;
    struct table answers; /* origin -> bool: whether its robots.txt names this sitemap */
};

static bool names(const struct robots *robots, const char *sitemap)
{
    struct arena arena = {0};
    bool named = false;
    for (size_t i = 0; i < robots_sitemap_count(robots) && !named; i++) {
        const char *text = robots_sitemap(robots, i);
        struct url url;
        named = url_parse(text, strlen(text), NULL, &arena, &url, NULL) == STATUS_OK &&
                strcmp(url.text, sitemap) == 0;
    }
    arena_release(&arena);
    return named;
}

/* Whether the robots.txt of that other host names this sitemap. It is looked through once, however
 * many hints are of it. */
static bool is_named_by(struct listing *l, const struct url *url)
{
    static bool yes = true, no = false;
    bool *answer = table_get(&l->answers, url->origin);
    if (answer == NULL) {
        struct views *views = l->change->views;
        struct origin *origin = origin_find(views->frontier, url->origin);
        const struct robots *robots = origin == NULL ? NULL : origin_robots(views, origin);
        answer = robots != NULL && names(robots, l->url.text) ? &yes : &no;
        table_put(&l->answers, url->origin, answer);
    }
    return *answer;
}

/* A feed may link to wherever it likes, as a page may. */
static bool may_speak_of(struct listing *l, const char *text)
{
    struct url url;
    if (l->page->kind == PAGE__PAGE_KIND__PAGE_FEED)
        return true;
    return url_parse(text, strlen(text), NULL, &l->change->arena, &url, NULL) == STATUS_OK &&
           (strcmp(url.host, l->url.host) == 0 || is_named_by(l, &url));
}

static bool is_trusted(const struct source *source)
{
    return source->hints_wrong <= HINTS_WRONG_MAX + HINTS_WRONG_SHARE * source->hints_right;
}

/* The URL was fetched before: is it said to have changed since? */
static void consider(struct listing *l, struct url_entry *entry, int64_t modified_us)
{
    struct url_state *state = &entry->after;
    int64_t now_us = l->entry->after.fetched_us;
    const struct source *source = scope_source_by_id(l->change->views->scope, state->source);
    if (source == NULL || state->fetched_us == 0 || state->kind == URL_REMOVED ||
        modified_us <= state->fetched_us || modified_us > now_us + DAY_US ||
        state->due_ms < URL_DUE_FIRST_TIME)
        return;
    state->flags |= URL_HINTED;
    if (!is_trusted(source))
        return;
    const Log__CrawlSettings *settings = scope_settings(l->change->views->scope);
    struct revisit_bounds bounds =
        revisit_bounds(settings->recrawl_s, source->definition->recrawl_min_s,
                       source->definition->recrawl_max_s, (state->flags & URL_LISTING) != 0);
    int64_t due_ms = state->fetched_us / 1000 + (int64_t)bounds.min_s * 1000;
    if (due_ms < now_us / 1000)
        due_ms = now_us / 1000;
    if (due_ms < state->due_ms)
        state->due_ms = due_ms;
}

static enum status take_hint(struct listing *l, const Page__Hint *hint, uint32_t index,
                             struct error *err)
{
    bool is_index = l->page->kind == PAGE__PAGE_KIND__PAGE_SITEMAP_INDEX;
    struct finding finding = {.index = index,
                              .depth = is_index ? l->entry->after.depth + 1u : 1,
                              .origin = l->page->kind == PAGE__PAGE_KIND__PAGE_FEED
                                            ? LOG__ORIGIN__ORIGIN_FEED
                                            : LOG__ORIGIN__ORIGIN_SITEMAP,
                              .due_ms = URL_DUE_FOUND};
    struct url_entry *entry = NULL;
    enum status status = STATUS_OK;
    if (!may_speak_of(l, hint->url))
        return STATUS_OK;
    if (!is_index)
        status = found_url(l->change, hint->url, &finding, &entry, err);
    else if (finding.depth <= INDEX_DEPTH_MAX)
        status = find(l->change, hint->url, &finding, false, &entry, err);
    if (status == STATUS_OK && entry != NULL)
        consider(l, entry, hint->modified_us);
    return status;
}

enum status listing_take_page(struct change *change, struct url_entry *entry,
                              const Page__Page *page, struct error *err)
{
    struct listing l = {.change = change, .entry = entry, .page = page};
    if (url_parse(entry->url, strlen(entry->url), NULL, &change->arena, &l.url, NULL) != STATUS_OK)
        return STATUS_OK;
    enum status status = STATUS_OK;
    for (size_t i = 0; i < page->n_hints && status == STATUS_OK; i++)
        status = take_hint(&l, page->hints[i], (uint32_t)i + 1, err);
    table_release(&l.answers);
    return status;
}

void listing_learn(struct change *change, struct url_entry *entry, bool changed)
{
    struct source *source = scope_source_by_id(change->views->scope, entry->after.source);
    if ((entry->after.flags & URL_HINTED) == 0)
        return;
    entry->after.flags &= (uint16_t)~URL_HINTED;
    if (source == NULL)
        return;
    uint8_t *count = changed ? &source->hints_right : &source->hints_wrong;
    if (++*count == UINT8_MAX) { /* what was long ago counts less */
        source->hints_right /= 2;
        source->hints_wrong /= 2;
    }
    scope_touch(change->views->scope, source);
}
