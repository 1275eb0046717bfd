/* The sources: configured ones, and hosts that the owner submitted. */
#include <stdlib.h>
#include <string.h>

#include "base/bytes.h"
#include "base/check.h"
#include "indexserver/scope_parts.h"
#include "indexserver/url_state.h"
#include "rpc/message.h"

enum { SOURCE_HEAD_BYTES = 80 };

struct source *scope_source_by_id(struct scope *scope, uint32_t id)
{
    return id == URL_NO_SOURCE || id > scope->source_count ? NULL : scope->sources[id - 1];
}

size_t scope_source_count(const struct scope *scope)
{
    return scope->source_count;
}

struct source *scope_source_at(struct scope *scope, size_t index)
{
    return scope->sources[index];
}

struct source *scope_source_by_url(struct scope *scope, const char *url)
{
    for (size_t i = 0; i < scope->source_count; i++) {
        if (strcmp(scope->sources[i]->definition->url, url) == 0)
            return scope->sources[i];
    }
    return NULL;
}

/* A longer prefix is more specific; then what is configured comes first. */
static bool is_better(const struct source *a, const struct source *b)
{
    size_t a_size = strlen(a->definition->prefix), b_size = strlen(b->definition->prefix);
    if (a_size != b_size)
        return a_size > b_size;
    return a->configured && !b->configured;
}

struct source *scope_source_of(struct scope *scope, const struct url *url)
{
    struct source *best = NULL;
    for (struct source *at = table_get(&scope->by_authority, url->authority); at != NULL;
         at = at->next) {
        bool wanted = at->configured || at->owner;
        if (wanted && source_scope_covers(at->scope, url->text) &&
            (best == NULL || is_better(at, best)))
            best = at;
    }
    return best;
}

struct source *scope_source_of_sitemap(struct scope *scope, const struct url *url)
{
    struct source *best = NULL;
    for (struct source *at = table_get(&scope->by_authority, url->authority); at != NULL;
         at = at->next) {
        bool wanted = (at->configured || at->owner) && !at->definition->no_sitemaps;
        if (wanted && (best == NULL || is_better(best, at))) /* the widest */
            best = at;
    }
    return best;
}

struct source *scope_source_for(struct scope *scope, struct url *url, struct arena *arena)
{
    struct source *source = scope_source_of(scope, url);
    const struct source_scope *speller = source == NULL ? scope->usual : source->scope;
    struct url spelt;
    if (source_scope_spell(speller, url, arena, &spelt, NULL) == STATUS_OK)
        *url = spelt; /* else there is no memory, and it stays as it is */
    return source;
}

/* ---- by a person's name for it ------------------------------------------------------------- */

enum { NAMED_MAX = 5 }; /* sources that a message names */

static bool is_shown(const struct source *source)
{
    return source->configured || source->owner || source->counts.known > 0;
}

/* The sources whose host or authority is the name; all of them where it is NULL. */
static size_t name_sources(struct scope *scope, const char *name, struct buffer *ret_words,
                           struct source **ret_last)
{
    size_t count = 0;
    for (size_t i = 0; i < scope->source_count; i++) {
        struct source *source = scope->sources[i];
        if (!is_shown(source) || (name != NULL && strcmp(name, source->authority) != 0 &&
                                  strcmp(name, source->host) != 0))
            continue;
        *ret_last = source;
        if (count++ < NAMED_MAX)
            buffer_append_format(ret_words, "%s%s", count == 1 ? "" : ", ",
                                 source->definition->url);
    }
    if (count > NAMED_MAX)
        buffer_append_format(ret_words, " and %zu more", count - NAMED_MAX);
    return count;
}

static struct source *source_by_any_url(struct scope *scope, const char *name)
{
    struct arena arena = {0};
    struct url url;
    struct source *source = scope_source_by_url(scope, name);
    if (source == NULL && url_parse(name, strlen(name), NULL, &arena, &url, NULL) == STATUS_OK)
        source = scope_source_by_url(scope, url.text);
    arena_release(&arena);
    return source;
}

enum status scope_source_named(struct scope *scope, const char *name, struct source **ret_source,
                               struct error *err)
{
    struct source *source = source_by_any_url(scope, name), *ignored;
    struct buffer words = {.limit = sizeof(err->text) / 2};
    enum status status = STATUS_OK;
    size_t count = 1;
    if (source == NULL)
        count = name_sources(scope, name, &words, &source);
    if (count > 1) {
        status = error_set(err, STATUS_CONFLICT, "%.100s has several sources, name one of them: %s",
                           name, buffer_string(&words));
    } else if (count == 0) {
        buffer_clear(&words);
        count = name_sources(scope, NULL, &words, &ignored);
        status = error_set(err, STATUS_NOT_FOUND, "no source %.100s; %s%s", name,
                           count == 0 ? "there are none" : "sources: ", buffer_string(&words));
    } else {
        *ret_source = source;
    }
    buffer_release(&words);
    return status;
}

/* Enters a source under the next number. Takes the definition over. */
static struct source *add_source(struct scope *scope, Log__Source *definition,
                                 const struct url *url)
{
    struct source *source = check_alloc(calloc(1, sizeof(*source)));
    source->definition = check_alloc(definition);
    source->scope = source_scope_new(definition);
    source->authority = check_alloc(strdup(url->authority));
    source->host = check_alloc(strdup(url->host));
    source->next = table_get(&scope->by_authority, source->authority);
    if (scope->source_count == scope->source_capacity) {
        scope->source_capacity = scope->source_capacity == 0 ? 16 : scope->source_capacity * 2;
        scope->sources =
            check_alloc(realloc(scope->sources, scope->source_capacity * sizeof(*scope->sources)));
    }
    scope->sources[scope->source_count++] = source;
    source->id = (uint32_t)scope->source_count;
    table_put(&scope->by_authority, source->authority, source);
    return source;
}

void scope_touch(struct scope *scope, struct source *source)
{
    if (source->dirty)
        return;
    source->dirty = true;
    source->dirty_next = scope->dirty;
    scope->dirty = source;
}

/* ---- changes ------------------------------------------------------------------------------- */

struct source *scope_take_owner_url(struct change *change, const struct url *url)
{
    struct scope *scope = change->views->scope;
    scope_drop_removal_rules(change, url);
    struct source *source = scope_source_of(scope, url);
    if (source == NULL) {
        /* One that was wanted before and names the whole host comes back to life. */
        for (source = table_get(&scope->by_authority, url->authority);
             source != NULL && source->definition->prefix[0] != '\0'; source = source->next) {
        }
    }
    if (source == NULL && scope->source_count >= SOURCES_MAX)
        return NULL;
    if (source == NULL) {
        Log__Source definition = LOG__SOURCE__INIT;
        definition.url = (char *)url->text;
        source = add_source(scope, message_copy(&definition.base), url);
        source->origin = LOG__ORIGIN__ORIGIN_OWNER;
    }
    if (!source->configured)
        source->owner = true;
    if (source->state == SOURCE_CANCELLED)
        source->state = SOURCE_ACTIVE;
    scope_touch(scope, source);
    return source;
}

struct source *scope_take_archive_url(struct change *change, const struct url *url)
{
    struct scope *scope = change->views->scope;
    struct source *source = scope_source_of(scope, url);
    if (source != NULL)
        return source;
    for (source = table_get(&scope->by_authority, url->authority); source != NULL;
         source = source->next) {
        if (source->definition->prefix[0] == '\0')
            return source;
    }
    if (scope->source_count >= SOURCES_MAX)
        return NULL;
    Log__Source definition = LOG__SOURCE__INIT;
    definition.url = check_alloc(arena_format(&change->arena, "%s/", url->origin));
    source = add_source(scope, message_copy(&definition.base), url);
    source->origin = LOG__ORIGIN__ORIGIN_ARCHIVE;
    scope_touch(scope, source);
    return source;
}

/* The source that this entry of config.yaml continues: of the same URL, or the owner's own of the
 * same site. */
static struct source *continued_by(struct scope *scope, const Log__Source *wanted,
                                   const struct url *url)
{
    struct source *same_site = NULL;
    for (struct source *at = table_get(&scope->by_authority, url->authority); at != NULL;
         at = at->next) {
        if (strcmp(at->definition->url, wanted->url) == 0)
            return at;
        if (!at->configured && at->definition->prefix[0] == '\0')
            same_site = at;
    }
    return wanted->prefix[0] == '\0' ? same_site : NULL;
}

static void configure_source(struct scope *scope, const Log__Source *wanted, struct arena *arena)
{
    struct url url;
    if (url_parse(wanted->url, strlen(wanted->url), NULL, arena, &url, NULL) != STATUS_OK)
        return; /* the orchestrator checks them: this one is another version's mistake */
    struct source *source = continued_by(scope, wanted, &url);
    if (source == NULL && scope->source_count >= SOURCES_MAX)
        return;
    Log__Source *definition = check_alloc(message_copy(&wanted->base));
    if (source == NULL) {
        source = add_source(scope, definition, &url);
        source->scope_changed = true; /* it may take over what was another's */
    } else {
        source->scope_changed =
            !source->was_configured || !source_scope_is_same(source->definition, definition);
        source_scope_free(source->scope);
        log__source__free_unpacked(source->definition, NULL);
        source->definition = definition;
        source->scope = source_scope_new(definition);
    }
    source->configured = true;
    source->origin = LOG__ORIGIN__ORIGIN_SEED;
    scope_touch(scope, source);
}

void scope_configure(struct scope *scope, const Log__CrawlSettings *settings, struct arena *arena)
{
    for (size_t i = 0; i < scope->source_count; i++) {
        struct source *source = scope->sources[i];
        if (source->configured)
            scope_touch(scope, source);
        source->was_configured = source->configured;
        source->scope_changed = false;
        source->configured = false;
    }
    for (size_t i = 0; i < settings->n_sources; i++)
        configure_source(scope, settings->sources[i], arena);
}

void scope_copy_sources(struct scope *scope, const struct scope *from, struct arena *arena)
{
    for (size_t i = 0; i < from->source_count; i++) {
        const struct source *source = from->sources[i];
        const Log__Source *definition = source->definition;
        struct url url;
        CHECK(url_parse(definition->url, strlen(definition->url), NULL, arena, &url, NULL) ==
              STATUS_OK); /* it was one when the source was added */
        struct source *copy = add_source(scope, message_copy(&definition->base), &url);
        copy->configured = source->configured;
        copy->owner = source->owner;
        copy->origin = source->origin;
        copy->counts = source->counts;
    }
}

/* ---- bytes --------------------------------------------------------------------------------- */

static void store_source(struct change *change, const struct source *source)
{
    uint8_t key[4], head[SOURCE_HEAD_BYTES] = {source->configured, source->owner,
                                               (uint8_t)source->state, (uint8_t)source->origin};
    struct buffer value = {0};
    put_be32(key, source->id);
    put_le64(head + 4, source->counts.known);
    put_le64(head + 12, source->counts.fetched);
    put_le64(head + 20, source->counts.queued);
    put_le64(head + 28, source->counts.failed);
    put_le64(head + 36, source->counts.bytes);
    valve_encode(&source->valve, head + 44);
    put_le32(head + 73, source->sitemaps | (uint32_t)source->feeds << 16);
    head[77] = source->hints_right;
    head[78] = source->hints_wrong;
    buffer_append(&value, head, sizeof(head));
    message_pack(&source->definition->base, &value, NULL);
    change_put(change, COLUMN_SOURCES, key, sizeof(key), value.data, value.size);
    buffer_release(&value);
}

void scope_flush(struct change *change)
{
    struct scope *scope = change->views->scope;
    while (scope->dirty != NULL) {
        struct source *source = scope->dirty;
        scope->dirty = source->dirty_next;
        source->dirty = false;
        store_source(change, source);
    }
}

static enum status load_source(struct scope *scope, struct kv_slice key, struct kv_slice value,
                               struct error *err)
{
    const uint8_t *head = value.data;
    struct arena arena = {0};
    struct url url;
    Log__Source *definition =
        value.size < SOURCE_HEAD_BYTES || key.size != 4
            ? NULL
            : log__source__unpack(NULL, value.size - SOURCE_HEAD_BYTES, head + SOURCE_HEAD_BYTES);
    if (definition == NULL || get_be32(key.data) != scope->source_count + 1 ||
        url_parse(definition->url, strlen(definition->url), NULL, &arena, &url, err) != STATUS_OK) {
        if (definition != NULL)
            log__source__free_unpacked(definition, NULL);
        arena_release(&arena);
        return error_set(err, STATUS_CORRUPT, "a source in the frontier is none");
    }
    struct source *source = add_source(scope, definition, &url);
    source->configured = head[0] != 0;
    source->owner = head[1] != 0;
    source->state = head[2] <= SOURCE_CANCELLED ? (enum source_state)head[2] : SOURCE_ACTIVE;
    source->origin = (Log__Origin)head[3];
    source->counts =
        (struct source_counts){get_le64(head + 4), get_le64(head + 12), get_le64(head + 20),
                               get_le64(head + 28), get_le64(head + 36)};
    valve_decode(head + 44, &source->valve);
    source->sitemaps = (uint16_t)get_le32(head + 73);
    source->feeds = (uint16_t)(get_le32(head + 73) >> 16);
    source->hints_right = head[77];
    source->hints_wrong = head[78];
    arena_release(&arena);
    return STATUS_OK;
}

enum status scope_load_sources(struct scope *scope, struct error *err)
{
    struct kv_iterator *it = kv_iterator_open(scope->views->kv, COLUMN_SOURCES);
    enum status status = STATUS_OK;
    for (bool more = kv_iterator_seek(it, kv_slice("", 0)); more && status == STATUS_OK;
         more = kv_iterator_next(it))
        status = load_source(scope, kv_iterator_key(it), kv_iterator_value(it), err);
    if (status == STATUS_OK)
        status = kv_iterator_status(it, err);
    kv_iterator_close(it);
    return status;
}

static void free_source(struct source *source)
{
    source_scope_free(source->scope);
    if (source->definition != NULL)
        log__source__free_unpacked(source->definition, NULL);
    free(source->authority);
    free(source->host);
    free(source);
}

void scope_free_sources(struct scope *scope)
{
    for (size_t i = 0; i < scope->source_count; i++)
        free_source(scope->sources[i]);
    free(scope->sources);
    table_release(&scope->by_authority);
}
