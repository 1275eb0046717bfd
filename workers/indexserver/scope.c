#include "indexserver/scope.h"

#include <arpa/inet.h>
#include <stdlib.h>
#include <string.h>

#include "base/bytes.h"
#include "base/check.h"
#include "crawl/address.h"
#include "indexserver/url_state.h"
#include "rpc/message.h"

#define KEY_SETTINGS "settings"
#define KEY_PAUSED   "paused"
#define HANDBOOK     "/handbook/"

enum { NETWORKS_MAX = 64, SOURCE_HEAD_BYTES = 80 };

/* What the owner removed by prefix or site. */
struct rule {
    Log__RemoveScope scope;
    char *value;
};

struct scope {
    struct views *views;
    Log__CrawlSettings *settings; /* the heap's */
    struct address_network networks[NETWORKS_MAX];
    size_t network_count;
    bool paused;
    struct source **sources; /* by number: sources[id - 1] */
    size_t source_count;
    size_t source_capacity;
    struct source *dirty;
    struct table by_authority;
    struct rule *rules;
    size_t rule_count;
};

/* ---- settings ------------------------------------------------------------------------------- */

static void set_settings(struct scope *scope, Log__CrawlSettings *settings)
{
    log__crawl_settings__free_unpacked(scope->settings, NULL);
    scope->settings = settings;
    scope->network_count = 0;
    for (size_t i = 0; i < settings->n_allowed_networks && i < NETWORKS_MAX; i++) {
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

/* ---- sources -------------------------------------------------------------------------------- */

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

static bool covers(const struct source *source, const char *url_text)
{
    const char *prefix = source->definition->prefix;
    return strncmp(url_text, prefix, strlen(prefix)) == 0;
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
        if (wanted && covers(at, url->text) && (best == NULL || is_better(at, best)))
            best = at;
    }
    return best;
}

static void free_source(struct source *source)
{
    if (source->definition != NULL)
        log__source__free_unpacked(source->definition, NULL);
    free(source->authority);
    free(source->host);
    free(source);
}

/* Enters a source under the next number. Takes the definition over. */
static struct source *add_source(struct scope *scope, Log__Source *definition,
                                 const struct url *url)
{
    struct source *source = check_alloc(calloc(1, sizeof(*source)));
    source->definition = check_alloc(definition);
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

uint64_t source_max_pages(const struct scope *scope, const struct source *source)
{
    if (source->definition->max_pages != 0)
        return source->definition->max_pages;
    return scope->settings->max_pages == 0 ? SOURCE_PAGES_DEFAULT : scope->settings->max_pages;
}

uint64_t source_max_bytes(const struct scope *scope, const struct source *source)
{
    if (source->definition->max_bytes != 0)
        return source->definition->max_bytes;
    return scope->settings->max_bytes == 0 ? SOURCE_BYTES_DEFAULT : scope->settings->max_bytes;
}

uint32_t source_delay_ms(const struct scope *scope, const struct source *source)
{
    return source->definition->delay_set ? source->definition->delay_ms : scope->settings->delay_ms;
}

uint32_t source_connections(const struct source *source)
{
    uint32_t wanted = source->definition->connections;
    if (wanted == 0)
        return 1;
    return wanted < SOURCE_CONNECTIONS_MAX ? wanted : SOURCE_CONNECTIONS_MAX;
}

/* ---- what may not be fetched ------------------------------------------------------------------
 */

/* The address that a host or "ip:port" names; false: it is a name. */
static bool parse_address(const char *text, struct sockaddr_storage *ret)
{
    struct sockaddr_in *v4 = (struct sockaddr_in *)ret;
    struct sockaddr_in6 *v6 = (struct sockaddr_in6 *)ret;
    char host[INET6_ADDRSTRLEN + 1];
    size_t start = text[0] == '[' ? 1 : 0;
    size_t size = start == 1 ? strcspn(text + 1, "]") : strcspn(text, ":");
    memset(ret, 0, sizeof(*ret));
    if (size == 0 || size >= sizeof(host))
        return false;
    memcpy(host, text + start, size);
    host[size] = '\0';
    if (inet_pton(AF_INET, host, &v4->sin_addr) == 1) {
        v4->sin_family = AF_INET;
        return true;
    }
    if (start == 0 || inet_pton(AF_INET6, host, &v6->sin6_addr) != 1)
        return false;
    v6->sin6_family = AF_INET6;
    return true;
}

static bool is_localhost(const char *host)
{
    static const char tail[] = ".localhost";
    size_t size = strlen(host);
    return strcmp(host, "localhost") == 0 ||
           (size > sizeof(tail) - 1 && strcmp(host + size - (sizeof(tail) - 1), tail) == 0);
}

/* Where a URL leads as far as can be told without asking the DNS. */
enum reach { REACH_NEAR, REACH_FAR, REACH_FORBIDDEN };

static enum reach reach_of(const struct scope *scope, const char *host, const struct source *source)
{
    struct sockaddr_storage address;
    const char *connect_to = source == NULL ? "" : source->definition->connect_to;
    const char *text = connect_to[0] != '\0' ? connect_to : host;
    if (is_localhost(text))
        text = "127.0.0.1";
    if (!parse_address(text, &address))
        return REACH_FAR;
    if (address_in_networks(scope->networks, scope->network_count, (struct sockaddr *)&address) ||
        address_classify((struct sockaddr *)&address) == ADDRESS_LOOPBACK)
        return REACH_NEAR;
    return address_is_public((struct sockaddr *)&address) ? REACH_FAR : REACH_FORBIDDEN;
}

bool source_allows_private(const struct scope *scope, const struct source *source)
{
    return source->owner || source->definition->allow_private ||
           reach_of(scope, source->host, source) == REACH_NEAR;
}

static const char *reach_refusal(const struct scope *scope, const char *host,
                                 const struct source *source, struct arena *arena)
{
    switch (reach_of(scope, host, source)) {
    case REACH_NEAR:
        return NULL;
    case REACH_FAR:
        return scope->settings->contact[0] != '\0' ? NULL
                                                   : "set crawl.contact: without it only this "
                                                     "machine and allowed networks are crawled";
    default:
        return arena_format(arena,
                            "%s is a private address that crawl.allowed_networks does not "
                            "name",
                            host);
    }
}

const char *scope_refusal(struct scope *scope, const struct url *url, const struct source *source,
                          struct arena *arena)
{
    const char *own = scope->settings->own_authority;
    if (own[0] != '\0' && strcmp(url->authority, own) == 0 &&
        strncmp(url->path, HANDBOOK, strlen(HANDBOOK)) != 0)
        return "this is Tierce's own site, of which only " HANDBOOK " is crawled";
    return reach_refusal(scope, url->host, source, arena);
}

const char *scope_source_stopped(struct scope *scope, const struct source *source, bool new_pages,
                                 struct arena *arena)
{
    if (scope->paused)
        return "the crawl is paused";
    if (!source->configured && !source->owner)
        return "no longer in config.yaml";
    if (source->state == SOURCE_PAUSED)
        return "paused";
    if (source->state == SOURCE_CANCELLED)
        return "cancelled";
    const char *refusal = reach_refusal(scope, source->host, source, arena);
    if (refusal != NULL)
        return arena_format(arena, "refused: %s", refusal);
    if (new_pages && source->counts.fetched >= source_max_pages(scope, source))
        return arena_format(arena, "at its limit: %lu pages", source_max_pages(scope, source));
    if (new_pages && source->counts.bytes >= source_max_bytes(scope, source))
        return arena_format(arena, "at its limit: %lu bytes", source_max_bytes(scope, source));
    return NULL;
}

/* ---- what the owner removed --------------------------------------------------------------------
 */

static bool rule_covers(const struct rule *rule, const struct url *url)
{
    if (rule->scope == LOG__REMOVE_SCOPE__REMOVE_SITE)
        return strcmp(rule->value, url->host) == 0 || strcmp(rule->value, url->authority) == 0;
    return strncmp(url->text, rule->value, strlen(rule->value)) == 0;
}

const char *scope_removed_by(struct scope *scope, const struct url *url, struct arena *arena)
{
    for (size_t i = 0; i < scope->rule_count; i++) {
        const struct rule *rule = &scope->rules[i];
        if (rule_covers(rule, url))
            return arena_format(arena, "the owner removed the %s %s",
                                rule->scope == LOG__REMOVE_SCOPE__REMOVE_SITE ? "site" : "prefix",
                                rule->value);
    }
    return NULL;
}

/* One byte of scope, then the value. */
static size_t rule_key(Log__RemoveScope remove_scope, const char *value, uint8_t **ret)
{
    size_t size = strlen(value) + 1;
    *ret = check_alloc(malloc(size));
    (*ret)[0] = (uint8_t)remove_scope;
    memcpy(*ret + 1, value, size - 1);
    return size;
}

static void add_rule(struct scope *scope, Log__RemoveScope remove_scope, const char *value,
                     size_t size)
{
    scope->rules =
        check_alloc(realloc(scope->rules, (scope->rule_count + 1) * sizeof(*scope->rules)));
    scope->rules[scope->rule_count++] =
        (struct rule){remove_scope, check_alloc(strndup(value, size))};
}

void scope_take_rule(struct change *change, const Log__Remove *remove)
{
    struct scope *scope = change->views->scope;
    for (size_t i = 0; i < scope->rule_count; i++) {
        if (scope->rules[i].scope == remove->scope &&
            strcmp(scope->rules[i].value, remove->value) == 0)
            return;
    }
    uint8_t *key;
    size_t size = rule_key(remove->scope, remove->value, &key);
    change_put(change, COLUMN_RULES, key, size, "", 0);
    free(key);
    add_rule(scope, remove->scope, remove->value, strlen(remove->value));
}

static void drop_rules_over(struct change *change, const struct url *url)
{
    struct scope *scope = change->views->scope;
    size_t kept = 0;
    for (size_t i = 0; i < scope->rule_count; i++) {
        struct rule rule = scope->rules[i];
        if (!rule_covers(&rule, url)) {
            scope->rules[kept++] = rule;
            continue;
        }
        uint8_t *key;
        size_t size = rule_key(rule.scope, rule.value, &key);
        change_delete(change, COLUMN_RULES, key, size);
        free(key);
        free(rule.value);
    }
    scope->rule_count = kept;
}

/* ---- changes
 * ------------------------------------------------------------------------------------- */

struct source *scope_take_owner_url(struct change *change, const struct url *url)
{
    struct scope *scope = change->views->scope;
    drop_rules_over(change, url);
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
    } else {
        log__source__free_unpacked(source->definition, NULL);
        source->definition = definition;
    }
    source->configured = true;
    source->origin = LOG__ORIGIN__ORIGIN_SEED;
    scope_touch(scope, source);
}

static void take_settings(struct change *change, const Log__CrawlSettings *settings)
{
    struct scope *scope = change->views->scope;
    struct buffer packed = {0};
    message_pack(&settings->base, &packed, NULL);
    change_put(change, COLUMN_RULES, KEY_SETTINGS, strlen(KEY_SETTINGS), packed.data, packed.size);
    buffer_release(&packed);
    set_settings(scope, check_alloc(message_copy(&settings->base)));
    for (size_t i = 0; i < scope->source_count; i++) {
        if (scope->sources[i]->configured)
            scope_touch(scope, scope->sources[i]);
        scope->sources[i]->configured = false;
    }
    for (size_t i = 0; i < settings->n_sources; i++)
        configure_source(scope, settings->sources[i], &change->arena);
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
        take_action(change, control);
        return STATUS_OK;
    case LOG__ACTION__ACTION_CONFIRM: /* losses.h */
    default:
        return STATUS_OK; /* nothing that this version knows */
    }
}

/* ---- bytes
 * ----------------------------------------------------------------------------------------- */

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
    arena_release(&arena);
    return STATUS_OK;
}

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

static enum status load_rules(struct scope *scope, struct error *err)
{
    struct kv_iterator *it = kv_iterator_open(scope->views->kv, COLUMN_RULES);
    for (bool more = kv_iterator_seek(it, kv_slice("", 0)); more; more = kv_iterator_next(it)) {
        struct kv_slice key = kv_iterator_key(it);
        const char *bytes = key.data;
        if (key.size > 1 && bytes[0] <= LOG__REMOVE_SCOPE__REMOVE_SITE)
            add_rule(scope, (Log__RemoveScope)bytes[0], bytes + 1, key.size - 1);
    }
    enum status status = kv_iterator_status(it, err);
    kv_iterator_close(it);
    return status;
}

static enum status load_sources(struct scope *scope, struct error *err)
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

enum status scope_open(struct views *views, struct scope **ret_scope, struct error *err)
{
    struct scope *scope = check_alloc(calloc(1, sizeof(*scope)));
    scope->views = views;
    scope->settings = default_settings();
    enum status status = load_settings(scope, err);
    if (status == STATUS_OK)
        status = load_rules(scope, err);
    if (status == STATUS_OK)
        status = load_sources(scope, err);
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
    for (size_t i = 0; i < scope->source_count; i++)
        free_source(scope->sources[i]);
    for (size_t i = 0; i < scope->rule_count; i++)
        free(scope->rules[i].value);
    log__crawl_settings__free_unpacked(scope->settings, NULL);
    table_release(&scope->by_authority);
    free(scope->sources);
    free(scope->rules);
    free(scope);
}
