#include "orchestrator/config.h"

#include <libgen.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/check.h"
#include "base/file.h"
#include "orchestrator/config_parts.h"

static void read_key(struct config_reader *reader, const struct config_key *key,
                     const yaml_node_t *node)
{
    struct config *config = reader->config;
    size_t index = (size_t)(key - config_keys);
    CHECK(index < CONFIG_KEYS_MAX);
    reader->marks[index] = node->start_mark;
    reader->given[index] = true;
    bool is_list =
        key->kind == KIND_SOURCES || key->kind == KIND_NETWORKS || key->kind == KIND_LISTEN;
    if (is_list && config_node_is_null(node))
        return; /* a section whose items are all commented out */
    if (key->kind == KIND_SOURCES)
        config_read_sources(reader, key, key->path, node);
    else if (is_list)
        config_read_list(reader, key, key->path, node, (void *)((char *)config + key->offset));
    else
        config_read_scalar(reader, key, key->path, node, config);
}

static bool is_section(const char *path)
{
    size_t size = strlen(path);
    for (const struct config_key *key = config_keys; key->path != NULL; key++) {
        if (strncmp(key->path, path, size) == 0 && key->path[size] == '.')
            return true;
    }
    return false;
}

/* `prefix` is "" at the top and "crawl." in that section. Sections do not nest. */
static void read_mapping(struct config_reader *reader, const yaml_node_t *mapping,
                         const char *prefix)
{
    if (config_has_too_many_pairs(reader, mapping, ""))
        return;
    for (const yaml_node_pair_t *pair = mapping->data.mapping.pairs.start;
         pair < mapping->data.mapping.pairs.top; pair++) {
        const char *name = config_pair_name(reader, mapping, pair, "");
        if (name == NULL)
            continue;
        char path[CONFIG_PATH_BYTES];
        snprintf(path, sizeof(path), "%s%s", prefix, name);
        const yaml_node_t *value = config_node_at(reader, pair->value);
        const struct config_key *key = config_find_key(config_keys, path);
        if (key != NULL) {
            read_key(reader, key, value);
        } else if (prefix[0] == '\0' && is_section(path)) {
            snprintf(path, sizeof(path), "%s.", name);
            if (value->type == YAML_MAPPING_NODE)
                read_mapping(reader, value, path);
            else if (!config_node_is_null(value))
                config_complain(reader, value->start_mark, name, NULL,
                                "this is a group: its keys stand below it, further to the right");
        } else {
            config_complain_unknown(reader, config_keys, path, prefix,
                                    config_node_at(reader, pair->key)->start_mark);
        }
    }
}

static yaml_mark_t mark_of(const struct config_reader *reader, const char *path)
{
    return reader->marks[config_find_key(config_keys, path) - config_keys];
}

/* Of two keys, the one that the file names; its mistake stands there. */
static const char *given_of(const struct config_reader *reader, const char *first,
                            const char *second)
{
    return reader->given[config_find_key(config_keys, second) - config_keys] ? second : first;
}

static void refuse_equal_ports(struct config_reader *reader, const char *first, uint64_t first_port,
                               const char *second, uint64_t second_port)
{
    if (first_port != second_port)
        return;
    const char *path = given_of(reader, first, second);
    config_complain(reader, mark_of(reader, path), path, NULL,
                    "%s and %s are both %llu; allowed: a port for each", first, second,
                    (unsigned long long)first_port);
}

/* What no single key can tell. */
static void check_together(struct config_reader *reader)
{
    const struct config *config = reader->config;
    refuse_equal_ports(reader, "ports.https", config->ports.https, "ports.http",
                       config->ports.http);
    refuse_equal_ports(reader, "ports.https", config->ports.https, "ports.grpc",
                       config->ports.grpc);
    refuse_equal_ports(reader, "ports.http", config->ports.http, "ports.grpc", config->ports.grpc);
    bool has_certificate = config->proxy.certificate[0] != '\0';
    bool has_key = config->proxy.key[0] != '\0';
    if (has_certificate != has_key && reader->errors->count == 0) {
        const char *path = has_key ? "proxy.key" : "proxy.certificate";
        config_complain(
            reader, mark_of(reader, path), path, NULL,
            "proxy.certificate and proxy.key belong together; allowed: both or neither");
    }
    uint64_t shards = config->barrels.shards == CONFIG_AUTO ? 1 : config->barrels.shards;
    if (shards * config->barrels.replicas > 256)
        config_complain(reader, mark_of(reader, "barrels.shards"), "barrels.shards", NULL,
                        "shards times replicas are more than 256 processes");
}

static void set_listen_preset(struct config *config)
{
    config->listen.items = check_alloc(arena_alloc(&config->arena, sizeof(const char *)));
    config->listen.items[0] = config_find_key(config_keys, "listen")->preset;
    config->listen.count = 1;
}

struct config *config_default(void)
{
    struct config *config = check_alloc(calloc(1, sizeof(*config)));
    config_set_presets(config_keys, &config->arena, config);
    set_listen_preset(config);
    return config;
}

void config_free(struct config *config)
{
    if (config == NULL)
        return;
    arena_release(&config->arena);
    free(config);
}

static void complain_yaml(struct config_reader *reader, const yaml_parser_t *parser)
{
    yaml_mark_t mark = parser->problem_mark;
    if (parser->problem == NULL) {
        config_complain(reader, mark, "", NULL, "not readable as YAML");
        return;
    }
    config_complain(reader, mark, "", NULL, "this is no YAML: %s%s%s", parser->problem,
                    parser->context == NULL ? "" : ", ",
                    parser->context == NULL ? "" : parser->context);
}

/* A file is one document. */
static void refuse_second_document(struct config_reader *reader, yaml_parser_t *parser)
{
    yaml_document_t second;
    if (!yaml_parser_load(parser, &second)) {
        complain_yaml(reader, parser);
        return;
    }
    const yaml_node_t *root = yaml_document_get_root_node(&second);
    if (root != NULL)
        config_complain(reader, second.start_mark, "", NULL, "a second document (---) begins here");
    yaml_document_delete(&second);
}

static void read_document(struct config_reader *reader, yaml_parser_t *parser)
{
    if (!yaml_parser_load(parser, &reader->document)) {
        complain_yaml(reader, parser);
        return;
    }
    const yaml_node_t *root = yaml_document_get_root_node(&reader->document);
    if (root != NULL && root->type == YAML_MAPPING_NODE)
        read_mapping(reader, root, "");
    else if (root != NULL && !config_node_is_null(root))
        config_complain(reader, root->start_mark, "", NULL,
                        "the file holds no keys; allowed: key: value");
    if (root != NULL)
        refuse_second_document(reader, parser);
    check_together(reader);
    yaml_document_delete(&reader->document);
}

enum status config_parse(const char *text, size_t size, const char *name, const char *folder,
                         struct config **ret_config, struct config_errors *ret_errors)
{
    struct config_reader *reader = check_alloc(calloc(1, sizeof(*reader)));
    reader->name = name;
    reader->folder = folder;
    reader->errors = ret_errors;
    reader->config = config_default();
    yaml_parser_t parser;
    CHECK(yaml_parser_initialize(&parser));
    yaml_parser_set_encoding(&parser, YAML_UTF8_ENCODING);
    yaml_parser_set_input_string(&parser, (const unsigned char *)text, size);
    read_document(reader, &parser);
    yaml_parser_delete(&parser);
    struct config *config = reader->config;
    free(reader);
    if (ret_errors->count > 0) {
        config_errors_sort(ret_errors);
        config_free(config);
        return STATUS_INVALID;
    }
    *ret_config = config;
    return STATUS_OK;
}

enum status config_load(const char *path, struct config **ret_config,
                        struct config_errors *ret_errors)
{
    struct buffer text = {0};
    struct error err = {0};
    enum status status = file_read(path, CONFIG_BYTES_MAX, &text, &err);
    if (status != STATUS_OK) {
        struct buffer words = {0};
        buffer_append_string(&words, err.text);
        config_error_add(ret_errors, 0, 0, &words);
        buffer_release(&words);
    } else {
        char folder[PATH_MAX];
        char *absolute = realpath(path, NULL);
        snprintf(folder, sizeof(folder), "%s", absolute == NULL ? path : absolute);
        free(absolute);
        status = config_parse((const char *)text.data, text.size, path, dirname(folder), ret_config,
                              ret_errors);
    }
    buffer_release(&text);
    return status;
}
