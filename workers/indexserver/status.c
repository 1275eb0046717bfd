/* INDEXSERVER_STATUS: what the crawl does, in numbers and words. */
#include <string.h>

#include "base/check.h"
#include "base/clock.h"
#include "indexserver/frontier.h"
#include "indexserver/scope.h"
#include "indexserver/service_parts.h"

enum { SOURCES_SHOWN_MAX = 1000, WORDS_BYTES = 256 };

const char *service_paused(struct service *service, struct arena *arena)
{
    struct views *views = service->views;
    char words[WORDS_BYTES];
    const char *paused = NULL;
    pthread_mutex_lock(&views->lock);
    if (views->trouble.status != STATUS_OK)
        paused = arena_format(arena, "the log cannot be read on: %s", views->trouble.text);
    else if (!views_caught_up(views))
        paused = arena_format(arena, "what derives from the log is made anew: at entry %lu",
                              views->position[VIEW_FRONTIER]);
    else if (scope_is_paused(views->scope))
        paused = "paused by the owner";
    pthread_mutex_unlock(&views->lock);
    if (paused == NULL && disk_watch_is_full(&service->disk, words, sizeof(words)))
        paused = check_alloc(arena_string(arena, words));
    return paused;
}

static const char *state_words(struct views *views, const struct source *source,
                               struct arena *arena)
{
    const char *stopped = scope_source_stopped(views->scope, source, true, arena);
    if (stopped != NULL)
        return stopped;
    if (source->valve.kept > 0)
        return check_alloc(arena_format(
            arena, "keeps %u pages that seem to be gone: `tierce confirm %s` lets them go",
            source->valve.kept, source->definition->url));
    if (source->scope_kept > 0)
        return check_alloc(arena_format(
            arena, "keeps %lu pages that its scope denies: `tierce confirm %s` lets them go",
            source->scope_kept, source->definition->url));
    if (source->login_fails)
        return "its log-in fails: tierce why says how";
    if (source->counts.queued > 0)
        return "crawling";
    return source->counts.known > 0 ? "done" : "waiting for its first URL";
}

static void fill_source(struct views *views, const struct source *source, struct arena *arena,
                        Wire__SourceStatus *ret)
{
    wire__source_status__init(ret);
    ret->url = check_alloc(arena_string(arena, source->definition->url));
    ret->known = source->counts.known;
    ret->fetched = source->counts.fetched;
    ret->queued = source->counts.queued;
    ret->failed = source->counts.failed;
    ret->bytes = source->counts.bytes;
    ret->state = check_alloc(arena_string(arena, state_words(views, source, arena)));
    ret->is_public = source->definition->is_public;
    ret->origin = source->origin;
}

/* Sources that someone wants, the newest ones where there are too many. */
static void fill_sources(struct views *views, struct arena *arena, Wire__IndexserverStatus *ret)
{
    size_t count = scope_source_count(views->scope);
    ret->sources = check_alloc(arena_alloc(arena, SOURCES_SHOWN_MAX * sizeof(*ret->sources)));
    for (size_t i = count; i-- > 0 && ret->n_sources < SOURCES_SHOWN_MAX;) {
        const struct source *source = scope_source_at(views->scope, i);
        if (!source->configured && !source->owner && source->counts.known == 0)
            continue;
        Wire__SourceStatus *status = check_alloc(arena_alloc(arena, sizeof(*status)));
        fill_source(views, source, arena, status);
        ret->sources[ret->n_sources++] = status;
    }
}

void service_status(struct service *service, struct arena *arena,
                    Wire__IndexserverStatus *ret_status)
{
    struct views *views = service->views;
    struct log_status log;
    struct frontier_counts counts;
    wire__indexserver_status__init(ret_status);
    if (!atomic_load(&service->open))
        return;
    const char *paused = service_paused(service, arena);
    log_get_status(service->log, &log);
    ret_status->head = log.head;
    ret_status->entries = log.entries;
    ret_status->bytes = disk_watch_bytes(&service->disk);
    ret_status->disk_limit = disk_watch_limit(&service->disk);
    ret_status->oldest_position = feed_calls_oldest(&service->feeds);
    ret_status->paused = paused == NULL ? (char *)"" : (char *)paused;
    pthread_mutex_lock(&views->lock);
    frontier_count(views, clock_boot_ms(), &counts);
    ret_status->pages = views->documents;
    fill_sources(views, arena, ret_status);
    pthread_mutex_unlock(&views->lock);
    ret_status->urls_known = counts.known;
    ret_status->urls_queued = counts.queued;
    ret_status->urls_leased = counts.leased;
    ret_status->urls_fetched = counts.fetched;
    ret_status->hosts = counts.hosts;
    ret_status->hosts_waiting = counts.hosts_waiting;
}
