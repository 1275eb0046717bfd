#include "indexserver/found.h"

#include <string.h>

#include "indexserver/frontier.h"
#include "indexserver/listings.h"
#include "indexserver/losses.h"
#include "indexserver/origins.h"
#include "indexserver/traps.h"

enum {
    DEPTH_MAX = UINT16_MAX,
    FEEDS_MAX = 4,                    /* of one page */
    RULE_STEPS_MAX = 5 * 1000 * 1000, /* of rules, for all that one change brings */
};

static bool source_is_full(struct scope *scope, const struct source *source)
{
    return source->counts.known >= source_max_pages(scope, source) * SOURCE_URLS_PER_PAGE;
}

void found_make_known(struct change *change, struct url_entry *entry, const struct source *source,
                      const struct finding *finding)
{
    entry->after.kind = URL_QUEUED;
    entry->after.found_at = change->sequence;
    entry->after.found_index = finding->index;
    entry->after.source = source == NULL ? URL_NO_SOURCE : source->id;
    entry->after.depth = (uint16_t)(finding->depth > DEPTH_MAX ? DEPTH_MAX : finding->depth);
    entry->after.redirects = finding->redirects;
    entry->after.origin = finding->origin;
    entry->after.due_ms = finding->due_ms;
}

/* The source that wants the URL, which is spelt as that takes it: but where a site redirects to a
 * spelling that would lead back, it insists. */
static struct source *source_for(struct scope *scope, struct url *url,
                                 const struct finding *finding, struct arena *arena)
{
    struct url as_found = *url;
    struct source *source = scope_source_for(scope, url, arena);
    if (finding->from != NULL && strcmp(finding->from, url->text) == 0)
        *url = as_found;
    return source;
}

/* Steps are counted, not time, so that a replay comes to the same: what a page links to beyond that
 * counts as not taken. */
static bool is_taken(struct scope *scope, const struct source *source, const struct url *url,
                     const struct finding *finding, uint64_t *steps, struct arena *arena)
{
    return *steps < RULE_STEPS_MAX &&
           source_scope_takes_counted(source->scope, url, finding->depth, steps) &&
           scope_refusal(scope, url, source, arena) == NULL &&
           scope_removed_by(scope, url, arena) == NULL;
}

bool found_would_take(struct scope *scope, struct url *url, const struct finding *finding,
                      struct arena *arena)
{
    uint64_t steps = 0;
    const struct source *source = source_for(scope, url, finding, arena);
    return source != NULL && !source_is_full(scope, source) &&
           is_taken(scope, source, url, finding, &steps, arena);
}

enum status found_url(struct change *change, const char *text, const struct finding *finding,
                      struct url_entry **ret_entry, struct error *err)
{
    struct url url;
    if (ret_entry != NULL)
        *ret_entry = NULL;
    if (url_parse(text, strlen(text), NULL, &change->arena, &url, NULL) != STATUS_OK)
        return STATUS_OK;
    struct scope *scope = change->views->scope;
    const struct source *source = source_for(scope, &url, finding, &change->arena);
    if (source == NULL || source_is_full(scope, source))
        return STATUS_OK;
    struct url_entry *entry;
    enum status status = urls_touch(change, url.text, &entry, err);
    if (status != STATUS_OK || (ret_entry == NULL && entry->after.kind != URL_UNKNOWN) ||
        !is_taken(scope, source, &url, finding, &change->rule_steps, &change->arena))
        return status;
    if (entry->after.kind == URL_UNKNOWN &&
        !(finding->is_link &&
          traps_refusal(change->views, &url, source->id, &change->arena) != NULL))
        found_make_known(change, entry, source, finding);
    if (ret_entry != NULL)
        *ret_entry = entry;
    return STATUS_OK;
}

/* What is counted of the URL goes with it. */
static void change_source(struct change *change, struct url_entry *entry,
                          const struct source *source)
{
    bool was_kept = (entry->after.flags & URL_KEPT) != 0;
    if (entry->after.source == source->id)
        return;
    loss_settle(change, entry);
    listing_give_back(change, entry);
    entry->after.source = source->id;
    if (was_kept)
        loss_note_kept(change, entry);
}

/* The owner wants it fetched, now, whatever was before. */
static enum status submit_by_owner(struct change *change, const char *text, uint32_t index,
                                   struct error *err)
{
    struct url url;
    struct url_entry *entry;
    if (url_parse(text, strlen(text), NULL, &change->arena, &url, NULL) != STATUS_OK)
        return STATUS_OK;
    scope_source_for(change->views->scope, &url, &change->arena); /* for its spelling */
    struct source *source = scope_take_owner_url(change, &url);
    enum status status = urls_touch(change, url.text, &entry, err);
    if (status != STATUS_OK || source == NULL)
        return status;
    struct finding finding = {
        .index = index, .origin = LOG__ORIGIN__ORIGIN_OWNER, .due_ms = URL_DUE_OWNER};
    if (entry->after.kind == URL_UNKNOWN || entry->after.kind == URL_REMOVED)
        found_make_known(change, entry, source, &finding);
    if (source->sweep == SWEEP_PURGE && entry->after.found_at <= source->sweep_sequence)
        entry->after.found_at = change->sequence; /* the purge that goes on spares it */
    change_source(change, entry, source);
    entry->after.due_ms = URL_DUE_OWNER;
    entry->after.depth = 0;
    entry->after.redirects = 0;
    entry->after.failures = 0;
    entry->after.origin = LOG__ORIGIN__ORIGIN_OWNER;
    return STATUS_OK;
}

/* A source wants it since an edit of config.yaml: what it was refused for is over. */
static enum status take_back(struct change *change, const char *text, uint32_t index,
                             uint32_t depth, struct error *err)
{
    struct url url;
    struct url_entry *entry;
    struct finding finding = {.index = index, .depth = depth, .due_ms = URL_DUE_FOUND};
    enum status status = found_url(change, text, &finding, NULL, err);
    if (status != STATUS_OK ||
        url_parse(text, strlen(text), NULL, &change->arena, &url, NULL) != STATUS_OK)
        return status;
    struct source *source = scope_source_for(change->views->scope, &url, &change->arena);
    status = urls_touch(change, url.text, &entry, err);
    if (status != STATUS_OK || source == NULL || entry->after.kind == URL_UNKNOWN ||
        entry->after.kind == URL_REMOVED)
        return status;
    change_source(change, entry, source);
    if (entry->after.kind == URL_REFUSED &&
        entry->after.reason == LOG__REASON__REASON_OUT_OF_SCOPE) {
        entry->after.kind = URL_QUEUED;
        entry->after.due_ms = URL_DUE_FOUND;
        entry->after.failures = 0;
    }
    return STATUS_OK;
}

enum status found_by_robots(struct change *change, const Log__Robots *robots, struct error *err)
{
    struct robots *rules;
    struct url base;
    enum status status = STATUS_OK;
    if (url_parse(robots->origin, strlen(robots->origin), NULL, &change->arena, &base, NULL) !=
            STATUS_OK ||
        robots_parse(robots->body.data, robots->body.len, ROBOTS_AGENT, &change->arena, &rules,
                     NULL) != STATUS_OK)
        return STATUS_OK;
    size_t count = robots_sitemap_count(rules);
    for (size_t i = 0; i < count && status == STATUS_OK; i++) {
        const char *text = robots_sitemap(rules, i);
        struct url url;
        if (url_parse(text, strlen(text), &base, &change->arena, &url, NULL) == STATUS_OK)
            status = listing_found(change, url.text, LOG__ORIGIN__ORIGIN_SITEMAP, false, err);
    }
    if (status == STATUS_OK && count == 0)
        status = listing_guess(change, robots->origin, err);
    return status;
}

enum status found_by_submit(struct change *change, const Log__Submit *submit, struct error *err)
{
    enum status status = STATUS_OK;
    for (size_t i = 0; i < submit->n_urls && status == STATUS_OK; i++) {
        struct finding finding = {
            .index = (uint32_t)i,
            .origin = (uint8_t)submit->origin,
            .due_ms = submit->origin == LOG__ORIGIN__ORIGIN_SEED ? URL_DUE_SEED : URL_DUE_FOUND};
        if (submit->origin == LOG__ORIGIN__ORIGIN_OWNER)
            status = submit_by_owner(change, submit->urls[i], (uint32_t)i, err);
        else if (submit->origin == LOG__ORIGIN__ORIGIN_SCOPE)
            status = take_back(change, submit->urls[i], (uint32_t)i, submit->depth, err);
        else if (submit->origin == LOG__ORIGIN__ORIGIN_SITEMAP ||
                 submit->origin == LOG__ORIGIN__ORIGIN_FEED)
            status = listing_found(change, submit->urls[i], submit->origin, false, err);
        else
            status = found_url(change, submit->urls[i], &finding, NULL, err);
    }
    /* A host that slept because its source was removed or cancelled may go on. */
    if (submit->origin == LOG__ORIGIN__ORIGIN_OWNER)
        frontier_wake_all(change->views);
    return status;
}

/* Whether the entry is a new URL of the pattern that the page's own has, too. */
static bool is_offspring(struct change *change, const struct url *from,
                         const struct url_entry *entry)
{
    struct url url;
    return entry != NULL && entry->before.kind == URL_UNKNOWN && entry->after.kind == URL_QUEUED &&
           url_parse(entry->url, strlen(entry->url), NULL, &change->arena, &url, NULL) ==
               STATUS_OK &&
           traps_are_alike(from, &url);
}

/* *ret_breeds: they brought new URLs of the page's own pattern. */
static enum status take_links(struct change *change, const struct url *from, uint32_t depth,
                              const Page__Page *page, bool *ret_breeds, struct error *err)
{
    enum status status = STATUS_OK;
    *ret_breeds = false;
    for (size_t i = 0; i < page->n_links && status == STATUS_OK; i++) {
        const Page__Link *link = page->links[i];
        struct url_entry *entry = NULL;
        struct finding finding = {.index = (uint32_t)i + 1,
                                  .depth = depth + 1u,
                                  .due_ms = URL_DUE_FOUND,
                                  .is_link = true};
        if (!link->nofollow)
            status = found_url(change, link->url, &finding, &entry, err);
        *ret_breeds = *ret_breeds || is_offspring(change, from, entry);
    }
    return status;
}

/* Follows its links, and counts it with its like when it is taken for the first time. */
static enum status follow_links(struct change *change, struct url_entry *entry,
                                const Page__Page *page, struct error *err)
{
    struct url_state *state = &entry->after;
    struct url url;
    bool breeds = false;
    if (url_parse(entry->url, strlen(entry->url), NULL, &change->arena, &url, err) != STATUS_OK)
        return error_set(err, STATUS_CORRUPT, "a page of a URL that is none");
    enum status status = STATUS_OK;
    if (!page->nofollow)
        status = take_links(change, &url, state->depth, page, &breeds, err);
    if (status != STATUS_OK || (state->flags & URL_COUNTED) != 0)
        return status;
    state->flags |= URL_COUNTED;
    return traps_take_page(change, &url, state->source, page, breeds, err);
}

/* Where a page sends its readers, and where else it stands. */
static enum status take_kin(struct change *change, const struct url_entry *entry,
                            const Page__Page *page, struct error *err)
{
    const struct url_state *from = &entry->after;
    enum status status = STATUS_OK;
    struct finding finding = {.depth = from->depth, .due_ms = URL_DUE_FOUND, .from = entry->url};
    if (page->canonical[0] != '\0')
        status = found_url(change, page->canonical, &finding, NULL, err);
    finding.redirects = (uint8_t)(from->redirects + 1);
    if (status == STATUS_OK && page->refresh[0] != '\0' && from->redirects < URL_REDIRECTS_MAX)
        status = found_url(change, page->refresh, &finding, NULL, err);
    finding.redirects = 0;
    finding.depth++;
    finding.is_link = true;
    for (size_t i = 0; i < page->n_alternates && status == STATUS_OK; i++)
        status = found_url(change, page->alternates[i]->url, &finding, NULL, err);
    return status;
}

enum status frontier_take_page(struct change *change, const char *url, const Page__Page *page,
                               struct error *err)
{
    struct url_entry *entry;
    enum status status = urls_touch(change, url, &entry, err);
    if (status != STATUS_OK)
        return status;
    if (page->kind == PAGE__PAGE_KIND__PAGE_DOCUMENT)
        listing_is_page(change, entry);
    url_state_take_page(&entry->after, url, page);
    if (page->kind != PAGE__PAGE_KIND__PAGE_DOCUMENT)
        return listing_take_page(change, entry, page, err);
    status = take_kin(change, entry, page, err);
    for (size_t i = 0; i < page->n_feeds && i < FEEDS_MAX && status == STATUS_OK; i++)
        status = listing_found(change, page->feeds[i], LOG__ORIGIN__ORIGIN_FEED, false, err);
    return status == STATUS_OK ? follow_links(change, entry, page, err) : status;
}
