/* New settings: into the log where they differ, and the seeds, sitemaps and feeds that they bring
 * behind them. */
#include <string.h>

#include "base/check.h"
#include "indexserver/scope.h"
#include "indexserver/service_parts.h"
#include "indexserver/urls.h"

enum { SUBMITTED_AT_ONCE = 10000 };

/* A URL of config.yaml that is not known yet and that nothing forbids; NULL: it is, or something
 * does. */
static char *new_url(struct service *service, const char *text, struct arena *arena)
{
    struct scope *scope = service->views->scope;
    struct url url;
    struct url_state state;
    if (url_parse(text, strlen(text), NULL, arena, &url, NULL) != STATUS_OK)
        return NULL;
    struct source *source = scope_source_for(scope, &url, arena);
    if (source == NULL || !source_scope_takes(source->scope, &url, 0) ||
        scope_refusal(scope, &url, source, arena) != NULL ||
        scope_removed_by(scope, &url, arena) != NULL)
        return NULL;
    bool known = urls_get(service->views, url.text, &state, NULL) != STATUS_NOT_FOUND;
    return known ? NULL : (char *)url.text;
}

static enum status append_one(struct service *service, Log__Entry *entry, struct error *err)
{
    struct batch batch = {0};
    uint64_t first;
    batch_add(&batch, entry, NULL);
    enum status status = sequencer_append(service->sequencer, &batch, &first, NULL, err);
    batch_release(&batch);
    return status;
}

/* What is new of one list of each source. */
struct novelties {
    struct service *service;
    struct arena *arena;
    char **urls;
    size_t count;
};

static void add_new(struct novelties *n, char *const *urls, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        char *url = new_url(n->service, urls[i], n->arena);
        if (url != NULL)
            n->urls[n->count++] = url;
    }
}

static void gather(struct novelties *n, const Log__Source *source, Log__Origin origin)
{
    if (origin == LOG__ORIGIN__ORIGIN_SITEMAP) {
        add_new(n, source->sitemaps, source->n_sitemaps);
    } else if (origin == LOG__ORIGIN__ORIGIN_FEED) {
        add_new(n, source->feeds, source->n_feeds);
    } else {
        add_new(n, &source->url, 1);
        add_new(n, source->seeds, source->n_seeds);
    }
}

/* Submitted a piece at a time: an entry has a limit. */
static enum status append_urls(struct service *service, const struct novelties *n,
                               Log__Origin origin, struct error *err)
{
    enum status status = STATUS_OK;
    for (size_t i = 0; i < n->count && status == STATUS_OK; i += SUBMITTED_AT_ONCE) {
        size_t left = n->count - i;
        size_t count = left < SUBMITTED_AT_ONCE ? left : SUBMITTED_AT_ONCE;
        status = append_one(service, entry_of_submit(n->arena, origin, n->urls + i, count), err);
    }
    return status;
}

/* After the settings are in force: they say what may be crawled. */
static enum status append_new(struct service *service, const Log__CrawlSettings *settings,
                              Log__Origin origin, struct error *err)
{
    struct arena arena = {0};
    size_t room = 0;
    for (size_t i = 0; i < settings->n_sources; i++) {
        const Log__Source *source = settings->sources[i];
        room += 1 + source->n_seeds + source->n_sitemaps + source->n_feeds;
    }
    struct novelties n = {.service = service, .arena = &arena};
    n.urls = check_alloc(arena_alloc(&arena, (room + 1) * sizeof(*n.urls)));
    pthread_mutex_lock(&service->views->lock);
    for (size_t i = 0; i < settings->n_sources; i++)
        gather(&n, settings->sources[i], origin);
    pthread_mutex_unlock(&service->views->lock);
    enum status status = append_urls(service, &n, origin, err);
    arena_release(&arena);
    return status;
}

static enum status append_seeds(struct service *service, const Log__CrawlSettings *settings,
                                struct error *err)
{
    static const Log__Origin origins[] = {LOG__ORIGIN__ORIGIN_SEED, LOG__ORIGIN__ORIGIN_SITEMAP,
                                          LOG__ORIGIN__ORIGIN_FEED};
    enum status status = STATUS_OK;
    for (size_t i = 0; i < ARRAY_COUNT(origins) && status == STATUS_OK; i++)
        status = append_new(service, settings, origins[i], err);
    return status;
}

enum status settings_append(struct service *service, const Log__CrawlSettings *settings,
                            struct error *err)
{
    struct arena arena = {0};
    Log__Control control = LOG__CONTROL__INIT;
    enum status status = STATUS_OK;
    control.action = LOG__ACTION__ACTION_SETTINGS;
    control.settings = (Log__CrawlSettings *)settings;
    pthread_mutex_lock(&service->views->lock);
    bool differ = scope_settings_differ(service->views->scope, settings);
    pthread_mutex_unlock(&service->views->lock);
    if (differ)
        status = append_one(service, entry_of_control(&arena, &control), err);
    if (status == STATUS_OK)
        status = append_seeds(service, settings, err);
    arena_release(&arena);
    return status;
}
