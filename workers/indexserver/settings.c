/* New settings: into the log where they differ, and the seeds that they bring behind them. */
#include <string.h>

#include "base/check.h"
#include "indexserver/scope.h"
#include "indexserver/service_parts.h"
#include "indexserver/urls.h"

/* A seed that is not known yet and that nothing forbids; NULL: it is, or something does. */
static const char *new_seed(struct service *service, const Log__Source *wanted, struct arena *arena)
{
    struct scope *scope = service->views->scope;
    struct url url;
    struct url_state state;
    if (url_parse(wanted->url, strlen(wanted->url), NULL, arena, &url, NULL) != STATUS_OK)
        return NULL;
    struct source *source = scope_source_of(scope, &url);
    if (source == NULL || scope_refusal(scope, &url, source, arena) != NULL ||
        scope_removed_by(scope, &url, arena) != NULL)
        return NULL;
    bool known = urls_get(service->views, url.text, &state, NULL) != STATUS_NOT_FOUND;
    return known ? NULL : url.text;
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

/* After the settings are in force: they say what may be crawled. */
static enum status append_seeds(struct service *service, const Log__CrawlSettings *settings,
                                struct arena *arena, struct error *err)
{
    char **urls = check_alloc(arena_alloc(arena, (settings->n_sources + 1) * sizeof(*urls)));
    size_t count = 0;
    pthread_mutex_lock(&service->views->lock);
    for (size_t i = 0; i < settings->n_sources; i++) {
        const char *url = new_seed(service, settings->sources[i], arena);
        if (url != NULL)
            urls[count++] = (char *)url;
    }
    pthread_mutex_unlock(&service->views->lock);
    if (count == 0)
        return STATUS_OK;
    return append_one(service, entry_of_submit(arena, LOG__ORIGIN__ORIGIN_SEED, urls, count), err);
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
        status = append_seeds(service, settings, &arena, err);
    arena_release(&arena);
    return status;
}
