#include "orchestrator/config_parts.h"

#include <stdio.h>
#include <string.h>

#include "base/check.h"
#include "orchestrator/config_hint.h"

enum { SOURCE_KEYS_MAX = 32 };

/* One source while it is read: where its keys have their values, for what no single key can tell.
 */
struct source_reader {
    struct config_reader *reader;
    const char *path;
    struct config_source *source;
    const yaml_node_t *nodes[SOURCE_KEYS_MAX]; /* by place in config_source_keys; NULL: not given */
};

static const yaml_node_t *node_of(const struct source_reader *s, const char *name)
{
    return s->nodes[config_find_key(config_source_keys, name) - config_source_keys];
}

static void read_source_key(struct source_reader *s, const struct config_key *key, const char *path,
                            const yaml_node_t *node)
{
    struct config_reader *reader = s->reader;
    struct config_source *source = s->source;
    void *field = (char *)source + key->offset;
    bool is_empty = config_node_is_null(node); /* all of a list's items are commented out */
    if (is_empty && !config_key_is_single(key))
        return;
    switch (key->kind) {
    case KIND_URLS:
        config_read_urls(reader, key, path, node, field);
        break;
    case KIND_SITEMAPS:
        config_read_sitemaps(reader, key, path, node, source);
        break;
    case KIND_RULES:
        config_read_rules(reader, key, path, node, source);
        break;
    case KIND_QUERY:
        config_read_query(reader, key, path, node, source);
        break;
    case KIND_HOURS:
        config_read_hours(reader, key, path, node, source);
        break;
    case KIND_HEADERS:
        config_read_headers(reader, key, path, node, field);
        break;
    case KIND_HEADER_LINES:
        config_read_header_lines(reader, key, path, node, field);
        break;
    case KIND_LOGIN:
        config_read_login(reader, key, path, node, field);
        break;
    default:
        config_read_scalar(reader, key, path, node, source);
        break;
    }
}

static void read_source_pairs(struct source_reader *s, const yaml_node_t *node)
{
    struct config_reader *reader = s->reader;
    if (config_has_too_many_pairs(reader, node, s->path))
        return;
    for (const yaml_node_pair_t *pair = node->data.mapping.pairs.start;
         pair < node->data.mapping.pairs.top; pair++) {
        const char *name = config_pair_name(reader, node, pair, s->path);
        if (name == NULL)
            continue;
        const struct config_key *key = config_find_key(config_source_keys, name);
        char full[2 * CONFIG_PATH_BYTES];
        snprintf(full, sizeof(full), "%s.%s", s->path, name);
        if (key == NULL) {
            config_complain_stray(reader, config_source_keys, name, full,
                                  config_node_at(reader, pair->key)->start_mark);
            continue;
        }
        size_t place = (size_t)(key - config_source_keys);
        CHECK(place < SOURCE_KEYS_MAX);
        s->nodes[place] = config_node_at(reader, pair->value);
        read_source_key(s, key, full, s->nodes[place]);
    }
}

/* ---- what no single key can tell ------------------------------------------------------------ */

/* The source's own host, and what its prefix covers where that is asked for. */
static void check_list(const struct source_reader *s, const char *name,
                       const struct config_list *list, const struct url *own, bool in_prefix)
{
    const char *prefix = s->source->prefix;
    char path[2 * CONFIG_PATH_BYTES];
    snprintf(path, sizeof(path), "%s.%s", s->path, name);
    for (unsigned i = 0; i < list->count; i++) {
        struct url url;
        const char *text = list->items[i];
        const yaml_node_t *item = config_list_item(s->reader, node_of(s, name), i);
        CHECK(url_parse(text, strlen(text), NULL, &s->reader->config->arena, &url, NULL) ==
              STATUS_OK);
        if (strcmp(url.authority, own->authority) != 0)
            config_complain(s->reader, item->start_mark, path, NULL,
                            "%s is on another host; allowed: URLs of %s (another host is another "
                            "source)",
                            text, own->authority);
        else if (in_prefix && strncmp(text, prefix, strlen(prefix)) != 0)
            config_complain(s->reader, item->start_mark, path, NULL,
                            "%s does not begin with prefix; allowed: what begins with %s", text,
                            prefix);
    }
}

/* A start that the source's own rules deny would be left out, and nothing found from it. */
static void check_start(const struct source_reader *s, struct scope_rules *rules, const char *text,
                        yaml_mark_t mark)
{
    struct arena arena = {0};
    struct url url;
    struct scope_verdict verdict;
    const struct url_query_rule query = {.policy = (enum url_query_policy)s->source->query,
                                         .names = (char **)s->source->drop_parameters.items,
                                         .name_count = s->source->drop_parameters.count};
    CHECK(url_parse(text, strlen(text), NULL, &arena, &url, NULL) == STATUS_OK);
    CHECK(url_query_apply(&url, &query, &arena, &url, NULL, NULL) == STATUS_OK);
    scope_rules_check(rules, &url, &verdict);
    if (!verdict.allowed)
        config_complain(s->reader, mark, s->path, NULL,
                        "%s is where the crawl begins, and is denied by %s; allowed: a rule before "
                        "it that allows it",
                        url.text, scope_verdict_words(rules, &verdict, &arena));
    arena_release(&arena);
}

static void check_starts(const struct source_reader *s)
{
    const struct config_source *source = s->source;
    struct scope_rules *rules;
    const yaml_node_t *node = node_of(s, "rules");
    if (source->rule_count == 0)
        return;
    CHECK(scope_rules_new(source->rules, source->rule_count, &rules, NULL) == STATUS_OK);
    check_start(s, rules, source->url, node->start_mark);
    for (unsigned i = 0; i < source->seeds.count; i++)
        check_start(s, rules, source->seeds.items[i], node->start_mark);
    scope_rules_free(rules);
}

/* Name and password go to nobody but the source. */
static void check_login(const struct source_reader *s, const struct url *own)
{
    const struct config_access *access = &s->source->access;
    struct url url;
    if (access->login != LOGIN_FORM)
        return;
    CHECK(url_parse(access->login_url, strlen(access->login_url), NULL, &s->reader->config->arena,
                    &url, NULL) == STATUS_OK);
    if (strcmp(url.origin, own->origin) != 0)
        config_complain(s->reader, node_of(s, "login")->start_mark, s->path, NULL,
                        "login.url %s is not of the source; allowed: URLs of %s", url.text,
                        own->origin);
}

/* Only of a source whose keys are right, each by itself. */
static void check_source(const struct source_reader *s, const yaml_node_t *node)
{
    const struct config_source *source = s->source;
    struct url own;
    CHECK(url_parse(source->url, strlen(source->url), NULL, &s->reader->config->arena, &own,
                    NULL) == STATUS_OK);
    if (strncmp(source->url, source->prefix, strlen(source->prefix)) != 0)
        config_complain(
            s->reader, node->start_mark, s->path, NULL,
            "url does not begin with prefix: nothing would be crawled; allowed: a prefix of %s",
            source->url);
    check_list(s, "seeds", &source->seeds, &own, true);
    check_list(s, "sitemaps", &source->sitemaps, &own, false);
    check_list(s, "feeds", &source->feeds, &own, false);
    check_starts(s);
    check_login(s, &own);
    if (source->recrawl_min_ms != CONFIG_AUTO && source->recrawl_max_ms != CONFIG_AUTO &&
        source->recrawl_min_ms > source->recrawl_max_ms)
        config_complain(s->reader, node_of(s, "recrawl_min")->start_mark, s->path, NULL,
                        "recrawl_min is longer than recrawl_max; allowed: at most as long");
}

static void set_access_presets(struct config_access *access)
{
    access->user = access->password = access->token = access->login_url = "";
}

static void read_source(struct config_reader *reader, const yaml_node_t *node, unsigned index)
{
    struct config *config = reader->config;
    struct config_source *source = &config->crawl.sources[config->crawl.source_count++];
    config_set_presets(config_source_keys, &config->arena, source);
    set_access_presets(&source->access);
    char path[CONFIG_PATH_BYTES];
    snprintf(path, sizeof(path), "crawl.sources[%u]", index);
    const struct config_key *url_key = config_find_key(config_source_keys, "url");
    if (node->type == YAML_SCALAR_NODE && !config_node_is_null(node)) {
        config_read_scalar(reader, url_key, path, node, source); /* the URL alone */
        return;
    }
    if (node->type != YAML_MAPPING_NODE) {
        config_complain(reader, node->start_mark, path,
                        config_find_key(config_keys, "crawl.sources"), "this is no source");
        return;
    }
    struct source_reader s = {.reader = reader, .path = path, .source = source};
    unsigned mistakes = reader->errors->count;
    read_source_pairs(&s, node);
    if (node_of(&s, "url") == NULL)
        config_complain(reader, node->start_mark, path, url_key, "url is missing");
    else if (reader->errors->count == mistakes && reader->errors->left_out == 0)
        check_source(&s, node);
}

/* Two sources of one URL would hide each other's limits. */
static void refuse_doubles(struct config_reader *reader, yaml_mark_t mark)
{
    const struct config *config = reader->config;
    for (unsigned i = 0; i < config->crawl.source_count; i++) {
        for (unsigned j = 0; j < i; j++) {
            const char *url = config->crawl.sources[i].url;
            if (url[0] == '\0' || strcmp(url, config->crawl.sources[j].url) != 0)
                continue;
            config_complain(reader, mark, "crawl.sources", NULL, "%s is named by two sources", url);
            return;
        }
    }
}

enum { SOURCES_MAX = 1000 };

void config_read_sources(struct config_reader *reader, const struct config_key *key,
                         const char *path, const yaml_node_t *node)
{
    struct config *config = reader->config;
    if (node->type != YAML_SEQUENCE_NODE) {
        config_complain(reader, node->start_mark, path, key, "no list");
        return;
    }
    const yaml_node_item_t *items = node->data.sequence.items.start;
    size_t count = (size_t)(node->data.sequence.items.top - items);
    if (count > SOURCES_MAX) {
        config_complain(reader, node->start_mark, path, key, "more than %d sources", SOURCES_MAX);
        return;
    }
    config->crawl.sources =
        check_alloc(arena_zalloc(&config->arena, (count + 1) * sizeof(config->crawl.sources[0])));
    for (size_t i = 0; i < count; i++)
        read_source(reader, config_node_at(reader, items[i]), (unsigned)i);
    refuse_doubles(reader, node->start_mark);
}
