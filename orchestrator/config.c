#include "orchestrator/config.h"

#include <libgen.h>
#include <limits.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <yaml.h>

#include "base/buffer.h"
#include "base/check.h"
#include "base/file.h"
#include "crawl/address.h"
#include "orchestrator/config_hint.h"
#include "orchestrator/config_schema.h"
#include "orchestrator/config_value.h"

enum { KEYS_MAX = 64, PATH_BYTES = 128 };

struct reader {
    const char *name;
    const char *folder;
    yaml_document_t document;
    struct config *config;
    struct config_errors *errors;
    yaml_mark_t marks[KEYS_MAX]; /* where each key of config_keys has its value */
    bool given[KEYS_MAX];
};

void config_errors_release(struct config_errors *errors)
{
    arena_release(&errors->arena);
    memset(errors, 0, sizeof(*errors));
}

/* ---- mistakes ------------------------------------------------------------------------------ */

static void add_error(struct config_errors *errors, unsigned line, unsigned column,
                      struct buffer *text)
{
    for (size_t i = 0; i < text->size; i++) {
        if (text->data[i] < ' ')
            text->data[i] = ' '; /* a quoted value must not break the line */
    }
    if (errors->count == CONFIG_ERRORS_MAX) {
        errors->left_out++;
        return;
    }
    errors->items[errors->count++] = (struct config_error){
        .line = line,
        .column = column,
        .text = check_alloc(arena_string(&errors->arena, buffer_string(text)))};
}

/* A mistake at a mark. `path` is the key's, or "" where none is meant; `key` says what is allowed,
 * or NULL. */
static void complain(struct reader *reader, yaml_mark_t mark, const char *path,
                     const struct config_key *key, const char *format, ...)
    __attribute__((format(printf, 5, 6)));
static void complain(struct reader *reader, yaml_mark_t mark, const char *path,
                     const struct config_key *key, const char *format, ...)
{
    struct buffer text = {.limit = 4096};
    unsigned line = (unsigned)mark.line + 1;
    unsigned column = (unsigned)mark.column + 1;
    buffer_append_format(&text, "%s:%u:%u: ", reader->name, line, column);
    if (path[0] != '\0')
        buffer_append_format(&text, "%s: ", path);
    va_list arguments;
    va_start(arguments, format);
    buffer_append_formatv(&text, format, arguments);
    va_end(arguments);
    if (key != NULL) {
        buffer_append_string(&text, "; allowed: ");
        config_key_allowed(key, &text);
    }
    add_error(reader->errors, line, column, &text);
    buffer_release(&text);
}

static int compare_places(const void *a, const void *b)
{
    const struct config_error *left = a;
    const struct config_error *right = b;
    if (left->line != right->line)
        return left->line < right->line ? -1 : 1;
    return left->column < right->column ? -1 : left->column > right->column;
}

/* ---- unknown keys -------------------------------------------------------------------------- */

static void complain_unknown(struct reader *reader, const struct config_key *keys, const char *path,
                             const char *prefix, yaml_mark_t mark)
{
    if (config_is_secret_name(config_leaf(path))) {
        complain(reader, mark, path, NULL,
                 "a secret does not belong into this file; allowed: %s_file with the path of a "
                 "file that only its owner can read",
                 config_leaf(path));
        return;
    }
    struct buffer siblings = {.limit = 2048};
    config_siblings(keys, prefix, &siblings);
    const char *meant = config_near_miss(keys, path);
    if (meant != NULL)
        complain(reader, mark, path, NULL, "unknown key; did you mean %s? allowed: %s", meant,
                 buffer_string(&siblings));
    else
        complain(reader, mark, path, NULL, "unknown key; allowed: %s", buffer_string(&siblings));
    buffer_release(&siblings);
}

/* ---- values -------------------------------------------------------------------------------- */

static yaml_node_t *node_at(struct reader *reader, int index)
{
    return yaml_document_get_node(&reader->document, index);
}

static const char *text_of(const yaml_node_t *node)
{
    return (const char *)node->data.scalar.value;
}

static bool has_zero_byte(const yaml_node_t *node)
{
    return strlen(text_of(node)) != node->data.scalar.length;
}

/* `key:` with nothing behind it, or null. */
static bool is_null(const yaml_node_t *node)
{
    if (node->type != YAML_SCALAR_NODE || node->data.scalar.style != YAML_PLAIN_SCALAR_STYLE)
        return false;
    const char *text = text_of(node);
    return text[0] == '\0' || strcmp(text, "~") == 0 || strcmp(text, "null") == 0;
}

static void read_scalar(struct reader *reader, const struct config_key *key, const char *path,
                        const yaml_node_t *node, void *record)
{
    struct error err = {0};
    if (node->type != YAML_SCALAR_NODE)
        complain(reader, node->start_mark, path, key, "a %s where one value is wanted",
                 node->type == YAML_MAPPING_NODE ? "group of keys" : "list");
    else if (is_null(node))
        complain(reader, node->start_mark, path, key, "the value is missing");
    else if (has_zero_byte(node))
        complain(reader, node->start_mark, path, key, "a zero byte in the value");
    else if (config_value_read(key, text_of(node), reader->folder, &reader->config->arena, record,
                               &err) != STATUS_OK)
        complain(reader, node->start_mark, path, key, "%s", err.text);
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

static void add_item(struct reader *reader, const struct config_key *key, const char *path,
                     const yaml_node_t *node, struct config_list *list)
{
    struct error err = {0};
    if (node->type != YAML_SCALAR_NODE || is_null(node) || has_zero_byte(node))
        complain(reader, node->start_mark, path, key, "an item of the list is no single value");
    else if (!list_item_is_valid(key, text_of(node), &err))
        complain(reader, node->start_mark, path, key, "%s", err.text);
    else
        list->items[list->count++] =
            check_alloc(arena_string(&reader->config->arena, text_of(node)));
}

/* A list of texts. A single text stands for a list of one. */
static void read_list(struct reader *reader, const struct config_key *key, const char *path,
                      const yaml_node_t *node, struct config_list *list)
{
    *list = (struct config_list){0};
    if (node->type == YAML_MAPPING_NODE) {
        complain(reader, node->start_mark, path, key, "a group of keys where a list is wanted");
        return;
    }
    size_t count = 1;
    if (node->type == YAML_SEQUENCE_NODE)
        count = (size_t)(node->data.sequence.items.top - node->data.sequence.items.start);
    if (count > CONFIG_LIST_MAX) {
        complain(reader, node->start_mark, path, key, "more than %d items", CONFIG_LIST_MAX);
        return;
    }
    list->items =
        check_alloc(arena_alloc(&reader->config->arena, (count + 1) * sizeof(list->items[0])));
    if (node->type == YAML_SCALAR_NODE) {
        add_item(reader, key, path, node, list);
        return;
    }
    for (size_t i = 0; i < count; i++)
        add_item(reader, key, path, node_at(reader, node->data.sequence.items.start[i]), list);
    if (count == 0 && key->kind == KIND_LISTEN)
        complain(reader, node->start_mark, path, key, "the list is empty");
}

/* ---- sources ------------------------------------------------------------------------------- */

static void set_presets(const struct config_key *keys, struct arena *arena, void *record)
{
    for (const struct config_key *key = keys; key->path != NULL; key++) {
        if (key->preset == NULL || key->kind == KIND_LISTEN)
            continue;
        struct error err = {0};
        if (key->flags & KEY_REQUIRED)
            *(const char **)(void *)((char *)record + key->offset) = "";
        else
            CHECK(config_value_read(key, key->preset, ".", arena, record, &err) == STATUS_OK);
    }
}

static const struct config_key *find_key(const struct config_key *keys, const char *path)
{
    for (const struct config_key *key = keys; key->path != NULL; key++) {
        if (strcmp(key->path, path) == 0)
            return key;
    }
    return NULL;
}

/* The key of a pair as text, told once per mapping; NULL and a complaint where it is none. */
static const char *pair_name(struct reader *reader, const yaml_node_t *mapping,
                             const yaml_node_pair_t *pair, const char *path)
{
    const yaml_node_t *node = node_at(reader, pair->key);
    if (node->type != YAML_SCALAR_NODE || has_zero_byte(node) ||
        node->data.scalar.length > PATH_BYTES / 2) {
        complain(reader, node->start_mark, path, NULL, "the name of a key is no short text");
        return NULL;
    }
    for (const yaml_node_pair_t *earlier = mapping->data.mapping.pairs.start; earlier < pair;
         earlier++) {
        const yaml_node_t *other = node_at(reader, earlier->key);
        if (other->type == YAML_SCALAR_NODE && strcmp(text_of(other), text_of(node)) == 0) {
            complain(reader, node->start_mark, path, NULL,
                     "%s stands here twice, first in line %zu", text_of(node),
                     other->start_mark.line + 1);
            return NULL;
        }
    }
    return text_of(node);
}

/* More pairs than keys exist can only be mistakes; the bound also keeps the search for doubles
 * short. */
static bool has_too_many_pairs(struct reader *reader, const yaml_node_t *mapping, const char *path)
{
    if (mapping->data.mapping.pairs.top - mapping->data.mapping.pairs.start <= 4 * KEYS_MAX)
        return false;
    complain(reader, mapping->start_mark, path, NULL, "more than %d keys in one place",
             4 * KEYS_MAX);
    return true;
}

static bool read_source_pairs(struct reader *reader, const yaml_node_t *node, const char *path,
                              struct config_source *source)
{
    bool has_url = false;
    if (has_too_many_pairs(reader, node, path))
        return true;
    for (const yaml_node_pair_t *pair = node->data.mapping.pairs.start;
         pair < node->data.mapping.pairs.top; pair++) {
        const char *name = pair_name(reader, node, pair, path);
        if (name == NULL)
            continue;
        const struct config_key *key = find_key(config_source_keys, name);
        char full[2 * PATH_BYTES];
        snprintf(full, sizeof(full), "%s.%s", path, name);
        if (key == NULL) {
            const char *meant = config_near_miss(config_source_keys, name);
            struct buffer names = {.limit = 1024};
            config_siblings(config_source_keys, "", &names);
            if (config_is_secret_name(name))
                complain_unknown(reader, config_source_keys, full, "",
                                 node_at(reader, pair->key)->start_mark);
            else
                complain(reader, node_at(reader, pair->key)->start_mark, full, NULL,
                         "unknown key;%s%s%s allowed: %s", meant == NULL ? "" : " did you mean ",
                         meant == NULL ? "" : meant, meant == NULL ? "" : "?",
                         buffer_string(&names));
            buffer_release(&names);
            continue;
        }
        has_url = has_url || strcmp(name, "url") == 0;
        read_scalar(reader, key, full, node_at(reader, pair->value), source);
    }
    return has_url;
}

static void read_source(struct reader *reader, const yaml_node_t *node, unsigned index)
{
    struct config *config = reader->config;
    struct config_source *source = &config->crawl.sources[config->crawl.source_count++];
    set_presets(config_source_keys, &config->arena, source);
    char path[PATH_BYTES];
    snprintf(path, sizeof(path), "crawl.sources[%u]", index);
    const struct config_key *url_key = find_key(config_source_keys, "url");
    if (node->type == YAML_SCALAR_NODE && !is_null(node)) {
        read_scalar(reader, url_key, path, node, source); /* the URL alone */
        return;
    }
    if (node->type != YAML_MAPPING_NODE) {
        complain(reader, node->start_mark, path, find_key(config_keys, "crawl.sources"),
                 "this is no source");
        return;
    }
    if (!read_source_pairs(reader, node, path, source))
        complain(reader, node->start_mark, path, url_key, "url is missing");
    else if (source->prefix[0] == '\0' || source->url[0] == '\0')
        return;
    else if (strncmp(source->url, source->prefix, strlen(source->prefix)) != 0)
        complain(
            reader, node->start_mark, path, NULL,
            "url does not begin with prefix: nothing would be crawled; allowed: a prefix of %s",
            source->url);
}

/* Two sources of one URL would hide each other's limits. */
static void refuse_doubles(struct reader *reader, yaml_mark_t mark)
{
    const struct config *config = reader->config;
    for (unsigned i = 0; i < config->crawl.source_count; i++) {
        for (unsigned j = 0; j < i; j++) {
            const char *url = config->crawl.sources[i].url;
            if (url[0] == '\0' || strcmp(url, config->crawl.sources[j].url) != 0)
                continue;
            complain(reader, mark, "crawl.sources", NULL, "%s is named by two sources", url);
            return;
        }
    }
}

enum { SOURCES_MAX = 1000 };

static void read_sources(struct reader *reader, const struct config_key *key, const char *path,
                         const yaml_node_t *node)
{
    struct config *config = reader->config;
    if (node->type != YAML_SEQUENCE_NODE) {
        complain(reader, node->start_mark, path, key, "no list");
        return;
    }
    const yaml_node_item_t *items = node->data.sequence.items.start;
    size_t count = (size_t)(node->data.sequence.items.top - items);
    if (count > SOURCES_MAX) {
        complain(reader, node->start_mark, path, key, "more than %d sources", SOURCES_MAX);
        return;
    }
    config->crawl.sources =
        check_alloc(arena_zalloc(&config->arena, (count + 1) * sizeof(config->crawl.sources[0])));
    for (size_t i = 0; i < count; i++)
        read_source(reader, node_at(reader, items[i]), (unsigned)i);
    refuse_doubles(reader, node->start_mark);
}

/* ---- the whole ----------------------------------------------------------------------------- */

static void read_key(struct reader *reader, const struct config_key *key, const yaml_node_t *node)
{
    struct config *config = reader->config;
    size_t index = (size_t)(key - config_keys);
    CHECK(index < KEYS_MAX);
    reader->marks[index] = node->start_mark;
    reader->given[index] = true;
    bool is_list =
        key->kind == KIND_SOURCES || key->kind == KIND_NETWORKS || key->kind == KIND_LISTEN;
    if (is_list && is_null(node))
        return; /* a section whose items are all commented out */
    if (key->kind == KIND_SOURCES)
        read_sources(reader, key, key->path, node);
    else if (is_list)
        read_list(reader, key, key->path, node, (void *)((char *)config + key->offset));
    else
        read_scalar(reader, key, key->path, node, config);
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
static void read_mapping(struct reader *reader, const yaml_node_t *mapping, const char *prefix)
{
    if (has_too_many_pairs(reader, mapping, ""))
        return;
    for (const yaml_node_pair_t *pair = mapping->data.mapping.pairs.start;
         pair < mapping->data.mapping.pairs.top; pair++) {
        const char *name = pair_name(reader, mapping, pair, "");
        if (name == NULL)
            continue;
        char path[PATH_BYTES];
        snprintf(path, sizeof(path), "%s%s", prefix, name);
        const yaml_node_t *value = node_at(reader, pair->value);
        const struct config_key *key = find_key(config_keys, path);
        if (key != NULL) {
            read_key(reader, key, value);
        } else if (prefix[0] == '\0' && is_section(path)) {
            snprintf(path, sizeof(path), "%s.", name);
            if (value->type == YAML_MAPPING_NODE)
                read_mapping(reader, value, path);
            else if (!is_null(value))
                complain(reader, value->start_mark, name, NULL,
                         "this is a group: its keys stand below it, further to the right");
        } else {
            complain_unknown(reader, config_keys, path, prefix,
                             node_at(reader, pair->key)->start_mark);
        }
    }
}

static yaml_mark_t mark_of(const struct reader *reader, const char *path)
{
    return reader->marks[find_key(config_keys, path) - config_keys];
}

/* Of two keys, the one that the file names; its mistake stands there. */
static const char *given_of(const struct reader *reader, const char *first, const char *second)
{
    return reader->given[find_key(config_keys, second) - config_keys] ? second : first;
}

static void refuse_equal_ports(struct reader *reader, const char *first, uint64_t first_port,
                               const char *second, uint64_t second_port)
{
    if (first_port != second_port)
        return;
    const char *path = given_of(reader, first, second);
    complain(reader, mark_of(reader, path), path, NULL,
             "%s and %s are both %llu; allowed: a port for each", first, second,
             (unsigned long long)first_port);
}

/* What no single key can tell. */
static void check_together(struct reader *reader)
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
        complain(reader, mark_of(reader, path), path, NULL,
                 "proxy.certificate and proxy.key belong together; allowed: both or neither");
    }
    uint64_t shards = config->barrels.shards == CONFIG_AUTO ? 1 : config->barrels.shards;
    if (shards * config->barrels.replicas > 256)
        complain(reader, mark_of(reader, "barrels.shards"), "barrels.shards", NULL,
                 "shards times replicas are more than 256 processes");
}

static void set_listen_preset(struct config *config)
{
    config->listen.items = check_alloc(arena_alloc(&config->arena, sizeof(const char *)));
    config->listen.items[0] = find_key(config_keys, "listen")->preset;
    config->listen.count = 1;
}

struct config *config_default(void)
{
    struct config *config = check_alloc(calloc(1, sizeof(*config)));
    set_presets(config_keys, &config->arena, config);
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

static void complain_yaml(struct reader *reader, const yaml_parser_t *parser)
{
    yaml_mark_t mark = parser->problem_mark;
    if (parser->problem == NULL) {
        complain(reader, mark, "", NULL, "not readable as YAML");
        return;
    }
    complain(reader, mark, "", NULL, "this is no YAML: %s%s%s", parser->problem,
             parser->context == NULL ? "" : ", ", parser->context == NULL ? "" : parser->context);
}

/* A file is one document. */
static void refuse_second_document(struct reader *reader, yaml_parser_t *parser)
{
    yaml_document_t second;
    if (!yaml_parser_load(parser, &second)) {
        complain_yaml(reader, parser);
        return;
    }
    const yaml_node_t *root = yaml_document_get_root_node(&second);
    if (root != NULL)
        complain(reader, second.start_mark, "", NULL, "a second document (---) begins here");
    yaml_document_delete(&second);
}

static void read_document(struct reader *reader, yaml_parser_t *parser)
{
    if (!yaml_parser_load(parser, &reader->document)) {
        complain_yaml(reader, parser);
        return;
    }
    const yaml_node_t *root = yaml_document_get_root_node(&reader->document);
    if (root != NULL && root->type == YAML_MAPPING_NODE)
        read_mapping(reader, root, "");
    else if (root != NULL && !is_null(root))
        complain(reader, root->start_mark, "", NULL, "the file holds no keys; allowed: key: value");
    if (root != NULL)
        refuse_second_document(reader, parser);
    check_together(reader);
    yaml_document_delete(&reader->document);
}

enum status config_parse(const char *text, size_t size, const char *name, const char *folder,
                         struct config **ret_config, struct config_errors *ret_errors)
{
    struct reader *reader = check_alloc(calloc(1, sizeof(*reader)));
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
        qsort(ret_errors->items, ret_errors->count, sizeof(ret_errors->items[0]), compare_places);
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
        add_error(ret_errors, 0, 0, &words);
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
