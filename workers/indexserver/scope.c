#include "indexserver/scope.h"

#include <stdlib.h>
#include <string.h>

#include "base/check.h"
#include "indexserver/scope_parts.h"
#include "rpc/message.h"

#define KEY_SETTINGS "settings"
#define KEY_PAUSED   "paused"

static const Log__Source usual_source = LOG__SOURCE__INIT;

/* ---- settings ------------------------------------------------------------------------------- */

static void set_settings(struct scope *scope, Log__CrawlSettings *settings)
{
    if (scope->settings != NULL)
        log__crawl_settings__free_unpacked(scope->settings, NULL);
    scope->settings = settings;
    scope->network_count = 0;
    for (size_t i = 0; i < settings->n_allowed_networks && i < SCOPE_NETWORKS_MAX; i++) {
        struct address_network *network = &scope->networks[scope->network_count];
        if (address_network_parse(settings->allowed_networks[i], network, NULL) == STATUS_OK)
            scope->network_count++;
    }
}

/* Until the orchestrator has told them: everything waits for a contact. */
static Log__CrawlSettings *default_settings(void)
{
    Log__CrawlSettings *settings = check_alloc(malloc(sizeof(*settings)));
    log__crawl_settings__init(settings);
    settings->delay_ms = SOURCE_DELAY_DEFAULT_MS;
    settings->max_pages = SOURCE_PAGES_DEFAULT;
    settings->max_bytes = SOURCE_BYTES_DEFAULT;
    return settings;
}

const Log__CrawlSettings *scope_settings(const struct scope *scope)
{
    return scope->settings;
}

bool scope_is_paused(const struct scope *scope)
{
    return scope->paused;
}

static void pack_without_version(const Log__CrawlSettings *settings, struct buffer *ret)
{
    Log__CrawlSettings copy = *settings;
    copy.version = 0;
    message_pack(&copy.base, ret, NULL);
}

bool scope_settings_differ(struct scope *scope, const Log__CrawlSettings *settings)
{
    struct buffer in_force = {0}, wanted = {0};
    pack_without_version(scope->settings, &in_force);
    pack_without_version(settings, &wanted);
    bool differ = in_force.size != wanted.size ||
                  (wanted.size > 0 && memcmp(in_force.data, wanted.data, wanted.size) != 0);
    buffer_release(&in_force);
    buffer_release(&wanted);
    return differ;
}

/* ---- changes ------------------------------------------------------------------------------- */

static void take_settings(struct change *change, const Log__CrawlSettings *settings)
{
    struct scope *scope = change->views->scope;
    struct buffer packed = {0};
    message_pack(&settings->base, &packed, NULL);
    change_put(change, COLUMN_RULES, KEY_SETTINGS, strlen(KEY_SETTINGS), packed.data, packed.size);
    buffer_release(&packed);
    set_settings(scope, check_alloc(message_copy(&settings->base)));
    scope_configure(scope, settings, &change->arena);
    scope_want_sweeps(change);
}

static void take_action(struct change *change, const Log__Control *control)
{
    struct scope *scope = change->views->scope;
    if (control->source[0] == '\0') {
        scope->paused = control->action != LOG__ACTION__ACTION_RESUME;
        change_put(change, COLUMN_RULES, KEY_PAUSED, strlen(KEY_PAUSED), &scope->paused, 1);
        return;
    }
    struct source *source = scope_source_by_url(scope, control->source);
    if (source == NULL)
        return;
    if (control->action == LOG__ACTION__ACTION_CONFIRM) {
        if (source->scope_kept > 0 || source->sweep == SWEEP_CHANGED)
            scope_want_sweep(change, source, SWEEP_CONFIRMED);
        return;
    }
    if (control->action == LOG__ACTION__ACTION_PURGE) {
        source->owner = false;
        scope_touch(scope, source);
        scope_want_sweep(change, source, SWEEP_PURGE);
        return;
    }
    source->state = control->action == LOG__ACTION__ACTION_PAUSE    ? SOURCE_PAUSED
                    : control->action == LOG__ACTION__ACTION_CANCEL ? SOURCE_CANCELLED
                                                                    : SOURCE_ACTIVE;
    scope_touch(scope, source);
}

enum status scope_take_control(struct change *change, const Log__Control *control,
                               struct error *err)
{
    switch (control->action) {
    case LOG__ACTION__ACTION_SETTINGS:
        if (control->settings == NULL)
            return error_set(err, STATUS_CORRUPT, "settings without settings");
        take_settings(change, control->settings);
        return STATUS_OK;
    case LOG__ACTION__ACTION_PAUSE:
    case LOG__ACTION__ACTION_RESUME:
    case LOG__ACTION__ACTION_CANCEL:
    case LOG__ACTION__ACTION_CONFIRM:
    case LOG__ACTION__ACTION_PURGE:
        take_action(change, control);
        return STATUS_OK;
    default:
        return STATUS_OK; /* nothing that this version knows */
    }
}

struct scope *scope_imagine(struct scope *scope, const Log__CrawlSettings *settings)
{
    struct arena arena = {0};
    struct scope *made = check_alloc(calloc(1, sizeof(*made)));
    const Log__CrawlSettings *taken = settings == NULL ? scope->settings : settings;
    made->views = scope->views;
    made->usual = source_scope_new(&usual_source);
    set_settings(made, check_alloc(message_copy(&taken->base)));
    scope_copy_sources(made, scope, &arena);
    if (settings != NULL)
        scope_configure(made, settings, &arena);
    arena_release(&arena);
    return made;
}

/* ---- opening ------------------------------------------------------------------------------- */

static enum status load_settings(struct scope *scope, struct error *err)
{
    struct buffer value = {0};
    enum status status =
        views_get(scope->views, COLUMN_RULES, KEY_SETTINGS, strlen(KEY_SETTINGS), &value, err);
    if (status == STATUS_OK) {
        Log__CrawlSettings *settings = log__crawl_settings__unpack(NULL, value.size, value.data);
        if (settings == NULL)
            status = error_set(err, STATUS_CORRUPT, "the frontier's settings are none");
        else
            set_settings(scope, settings);
    }
    buffer_clear(&value);
    if (status == STATUS_OK || status == STATUS_NOT_FOUND)
        status = views_get(scope->views, COLUMN_RULES, KEY_PAUSED, strlen(KEY_PAUSED), &value, err);
    scope->paused = status == STATUS_OK && value.size == 1 && value.data[0] != 0;
    buffer_release(&value);
    return status == STATUS_NOT_FOUND ? STATUS_OK : status;
}

enum status scope_open(struct views *views, struct scope **ret_scope, struct error *err)
{
    struct scope *scope = check_alloc(calloc(1, sizeof(*scope)));
    scope->views = views;
    scope->settings = default_settings();
    scope->usual = source_scope_new(&usual_source);
    enum status status = load_settings(scope, err);
    if (status == STATUS_OK)
        status = scope_load_removal_rules(scope, err);
    if (status == STATUS_OK)
        status = scope_load_sources(scope, err);
    if (status == STATUS_OK)
        status = scope_load_sweeps(scope, err);
    if (status != STATUS_OK) {
        scope_close(scope);
        return status;
    }
    *ret_scope = scope;
    return STATUS_OK;
}

void scope_close(struct scope *scope)
{
    if (scope == NULL)
        return;
    scope_free_sources(scope);
    source_scope_free(scope->usual);
    scope_free_removal_rules(scope);
    log__crawl_settings__free_unpacked(scope->settings, NULL);
    free(scope);
}
