#include "orchestrator/config_parts.h"

#include <stdio.h>
#include <string.h>

#include "base/check.h"
#include "orchestrator/config_hint.h"

static bool read_source_pairs(struct config_reader *reader, const yaml_node_t *node,
                              const char *path, struct config_source *source)
{
    bool has_url = false;
    if (config_has_too_many_pairs(reader, node, path))
        return true;
    for (const yaml_node_pair_t *pair = node->data.mapping.pairs.start;
         pair < node->data.mapping.pairs.top; pair++) {
        const char *name = config_pair_name(reader, node, pair, path);
        if (name == NULL)
            continue;
        const struct config_key *key = config_find_key(config_source_keys, name);
        char full[2 * CONFIG_PATH_BYTES];
        snprintf(full, sizeof(full), "%s.%s", path, name);
        if (key == NULL) {
            const char *meant = config_near_miss(config_source_keys, name);
            struct buffer names = {.limit = 1024};
            config_siblings(config_source_keys, "", &names);
            if (config_is_secret_name(name))
                config_complain_unknown(reader, config_source_keys, full, "",
                                        config_node_at(reader, pair->key)->start_mark);
            else
                config_complain(reader, config_node_at(reader, pair->key)->start_mark, full, NULL,
                                "unknown key;%s%s%s allowed: %s",
                                meant == NULL ? "" : " did you mean ", meant == NULL ? "" : meant,
                                meant == NULL ? "" : "?", buffer_string(&names));
            buffer_release(&names);
            continue;
        }
        has_url = has_url || strcmp(name, "url") == 0;
        config_read_scalar(reader, key, full, config_node_at(reader, pair->value), source);
    }
    return has_url;
}

static void read_source(struct config_reader *reader, const yaml_node_t *node, unsigned index)
{
    struct config *config = reader->config;
    struct config_source *source = &config->crawl.sources[config->crawl.source_count++];
    config_set_presets(config_source_keys, &config->arena, source);
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
    if (!read_source_pairs(reader, node, path, source))
        config_complain(reader, node->start_mark, path, url_key, "url is missing");
    else if (source->prefix[0] == '\0' || source->url[0] == '\0')
        return;
    else if (strncmp(source->url, source->prefix, strlen(source->prefix)) != 0)
        config_complain(
            reader, node->start_mark, path, NULL,
            "url does not begin with prefix: nothing would be crawled; allowed: a prefix of %s",
            source->url);
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
