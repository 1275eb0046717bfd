#include "orchestrator/config_parts.h"

#include <string.h>

#include "base/check.h"
#include "crawl/address.h"
#include "orchestrator/config_value.h"

yaml_node_t *config_node_at(struct config_reader *reader, int index)
{
    return yaml_document_get_node(&reader->document, index);
}

const char *config_node_text(const yaml_node_t *node)
{
    return (const char *)node->data.scalar.value;
}

static bool config_node_has_zero(const yaml_node_t *node)
{
    return strlen(config_node_text(node)) != node->data.scalar.length;
}

bool config_node_is_null(const yaml_node_t *node)
{
    if (node->type != YAML_SCALAR_NODE || node->data.scalar.style != YAML_PLAIN_SCALAR_STYLE)
        return false;
    const char *text = config_node_text(node);
    return text[0] == '\0' || strcmp(text, "~") == 0 || strcmp(text, "null") == 0;
}

void config_read_scalar(struct config_reader *reader, const struct config_key *key,
                        const char *path, const yaml_node_t *node, void *record)
{
    struct error err = {0};
    if (node->type != YAML_SCALAR_NODE)
        config_complain(reader, node->start_mark, path, key, "a %s where one value is wanted",
                        node->type == YAML_MAPPING_NODE ? "group of keys" : "list");
    else if (config_node_is_null(node))
        config_complain(reader, node->start_mark, path, key, "the value is missing");
    else if (config_node_has_zero(node))
        config_complain(reader, node->start_mark, path, key, "a zero byte in the value");
    else if (config_value_read(key, config_node_text(node), reader->folder, &reader->config->arena,
                               record, &err) != STATUS_OK)
        config_complain(reader, node->start_mark, path, key, "%s", err.text);
}

static bool list_item_is_valid(const struct config_key *key, const char *text, struct error *err)
{
    struct address_network network;
    if (key->kind == KIND_NETWORKS)
        return address_network_parse(text, &network, err) == STATUS_OK;
    if (config_value_is_listen(text))
        return true;
    error_set(err, STATUS_INVALID, "\"%.80s\" is no address of this machine", text);
    return false;
}

static void add_item(struct config_reader *reader, const struct config_key *key, const char *path,
                     const yaml_node_t *node, struct config_list *list)
{
    struct error err = {0};
    if (node->type != YAML_SCALAR_NODE || config_node_is_null(node) || config_node_has_zero(node))
        config_complain(reader, node->start_mark, path, key,
                        "an item of the list is no single value");
    else if (!list_item_is_valid(key, config_node_text(node), &err))
        config_complain(reader, node->start_mark, path, key, "%s", err.text);
    else
        list->items[list->count++] =
            check_alloc(arena_string(&reader->config->arena, config_node_text(node)));
}

void config_read_list(struct config_reader *reader, const struct config_key *key, const char *path,
                      const yaml_node_t *node, struct config_list *list)
{
    *list = (struct config_list){0};
    if (node->type == YAML_MAPPING_NODE) {
        config_complain(reader, node->start_mark, path, key,
                        "a group of keys where a list is wanted");
        return;
    }
    size_t count = 1;
    if (node->type == YAML_SEQUENCE_NODE)
        count = (size_t)(node->data.sequence.items.top - node->data.sequence.items.start);
    if (count > CONFIG_LIST_MAX) {
        config_complain(reader, node->start_mark, path, key, "more than %d items", CONFIG_LIST_MAX);
        return;
    }
    list->items =
        check_alloc(arena_alloc(&reader->config->arena, (count + 1) * sizeof(list->items[0])));
    if (node->type == YAML_SCALAR_NODE) {
        add_item(reader, key, path, node, list);
        return;
    }
    for (size_t i = 0; i < count; i++)
        add_item(reader, key, path, config_node_at(reader, node->data.sequence.items.start[i]),
                 list);
    if (count == 0 && key->kind == KIND_LISTEN)
        config_complain(reader, node->start_mark, path, key, "the list is empty");
}

const char *config_pair_name(struct config_reader *reader, const yaml_node_t *mapping,
                             const yaml_node_pair_t *pair, const char *path)
{
    const yaml_node_t *node = config_node_at(reader, pair->key);
    if (node->type != YAML_SCALAR_NODE || config_node_has_zero(node) ||
        node->data.scalar.length > CONFIG_PATH_BYTES / 2) {
        config_complain(reader, node->start_mark, path, NULL, "the name of a key is no short text");
        return NULL;
    }
    for (const yaml_node_pair_t *earlier = mapping->data.mapping.pairs.start; earlier < pair;
         earlier++) {
        const yaml_node_t *other = config_node_at(reader, earlier->key);
        if (other->type == YAML_SCALAR_NODE &&
            strcmp(config_node_text(other), config_node_text(node)) == 0) {
            config_complain(reader, node->start_mark, path, NULL,
                            "%s stands here twice, first in line %zu", config_node_text(node),
                            other->start_mark.line + 1);
            return NULL;
        }
    }
    return config_node_text(node);
}

bool config_has_too_many_pairs(struct config_reader *reader, const yaml_node_t *mapping,
                               const char *path)
{
    if (mapping->data.mapping.pairs.top - mapping->data.mapping.pairs.start <= 4 * CONFIG_KEYS_MAX)
        return false;
    config_complain(reader, mapping->start_mark, path, NULL, "more than %d keys in one place",
                    4 * CONFIG_KEYS_MAX);
    return true;
}
