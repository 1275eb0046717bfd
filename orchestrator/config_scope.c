/* What of a host a source takes: its lists of URLs, rules, query parameters and times. */
#include <ctype.h>
#include <stdio.h>
#include <string.h>

#include "base/check.h"
#include "orchestrator/config_parts.h"

enum { DAY_MINUTES = 24 * 60, HOURS_MAX = 16, NAMES_MAX = 200 };

/* The items of a list, a single value being a list of one; false: it is none. */
static bool list_items(struct config_reader *reader, const struct config_key *key, const char *path,
                       const yaml_node_t *node, size_t max, size_t *ret_count)
{
    if (node->type == YAML_MAPPING_NODE) {
        config_complain(reader, node->start_mark, path, key,
                        "a group of keys where a list is wanted");
        return false;
    }
    *ret_count = 1;
    if (node->type == YAML_SEQUENCE_NODE)
        *ret_count = (size_t)(node->data.sequence.items.top - node->data.sequence.items.start);
    if (*ret_count <= max)
        return true;
    config_complain(reader, node->start_mark, path, key, "more than %zu items", max);
    return false;
}

const yaml_node_t *config_list_item(struct config_reader *reader, const yaml_node_t *node,
                                    size_t index)
{
    if (node->type != YAML_SEQUENCE_NODE)
        return node;
    return config_node_at(reader, node->data.sequence.items.start[index]);
}

/* The text of an item; NULL and a complaint where it is no single value. */
static const char *item_text(struct config_reader *reader, const struct config_key *key,
                             const char *path, const yaml_node_t *item)
{
    if (item->type == YAML_SCALAR_NODE && !config_node_is_null(item) &&
        strlen(config_node_text(item)) == item->data.scalar.length)
        return config_node_text(item);
    config_complain(reader, item->start_mark, path, key,
                    "an item of the list is no single value (one with \": \" or \" #\" in it "
                    "stands in quotes)");
    return NULL;
}

/* ---- URLs ---------------------------------------------------------------------------------- */

void config_read_urls(struct config_reader *reader, const struct config_key *key, const char *path,
                      const yaml_node_t *node, struct config_list *list)
{
    struct arena *arena = &reader->config->arena;
    size_t count;
    if (!list_items(reader, key, path, node, CONFIG_LIST_MAX, &count))
        return;
    list->items = check_alloc(arena_alloc(arena, (count + 1) * sizeof(list->items[0])));
    list->count = 0;
    for (size_t i = 0; i < count; i++) {
        const yaml_node_t *item = config_list_item(reader, node, i);
        const char *text = item_text(reader, key, path, item);
        struct url url;
        struct error err = {0};
        if (text == NULL)
            continue;
        if (url_parse(text, strlen(text), NULL, arena, &url, &err) != STATUS_OK)
            config_complain(reader, item->start_mark, path, key, "\"%.80s\": %s", text, err.text);
        else
            list->items[list->count++] = url.text;
    }
}

static bool is_word(const yaml_node_t *node, const char *word)
{
    return node->type == YAML_SCALAR_NODE && strcmp(config_node_text(node), word) == 0;
}

void config_read_sitemaps(struct config_reader *reader, const struct config_key *key,
                          const char *path, const yaml_node_t *node, struct config_source *source)
{
    source->no_sitemaps = is_word(node, "none");
    if (!source->no_sitemaps && !is_word(node, "auto"))
        config_read_urls(reader, key, path, node, &source->sitemaps);
}

/* ---- rules --------------------------------------------------------------------------------- */

/* Where a mistake of a pattern stands, as far as that can be told: escapes and folds of quoted
 * values move what is in them. */
static yaml_mark_t mark_within(const yaml_node_t *item, size_t offset)
{
    yaml_mark_t mark = item->start_mark;
    if (item->data.scalar.style == YAML_PLAIN_SCALAR_STYLE &&
        item->start_mark.line == item->end_mark.line)
        mark.column += offset;
    return mark;
}

static void read_rule(struct config_reader *reader, const struct config_key *key, const char *path,
                      const yaml_node_t *item, struct config_source *source)
{
    struct scope_rule rule;
    struct error err = {0};
    size_t pattern_at = 0, mistake_at = 0;
    const char *text = item_text(reader, key, path, item);
    if (text == NULL)
        return;
    if (scope_rule_parse(text, &rule, &pattern_at, &err) != STATUS_OK) {
        config_complain(reader, item->start_mark, path, key, "%s", err.text);
    } else if (scope_rule_check(&rule, &mistake_at, &err) != STATUS_OK) {
        config_complain(reader, mark_within(item, pattern_at + mistake_at), path, key, "%s",
                        err.text);
    } else {
        rule.pattern = check_alloc(arena_string(&reader->config->arena, rule.pattern));
        source->rules[source->rule_count++] = rule;
    }
}

void config_read_rules(struct config_reader *reader, const struct config_key *key, const char *path,
                       const yaml_node_t *node, struct config_source *source)
{
    size_t count;
    if (!list_items(reader, key, path, node, SCOPE_RULES_MAX, &count))
        return;
    source->rules =
        check_alloc(arena_alloc(&reader->config->arena, (count + 1) * sizeof(source->rules[0])));
    for (size_t i = 0; i < count; i++)
        read_rule(reader, key, path, config_list_item(reader, node, i), source);
}

/* ---- query parameters ------------------------------------------------------------------------ */

static bool is_parameter(const char *text)
{
    size_t size = strlen(text);
    if (size == 0 || size > URL_QUERY_NAME_BYTES_MAX || strcmp(text, "*") == 0)
        return false;
    for (size_t i = 0; i < size; i++) {
        bool star = text[i] == '*' && i + 1 < size;
        if (!isgraph((unsigned char)text[i]) || strchr("&=#?", text[i]) != NULL || star)
            return false;
    }
    return true;
}

void config_read_query(struct config_reader *reader, const struct config_key *key, const char *path,
                       const yaml_node_t *node, struct config_source *source)
{
    struct config_list *names = &source->drop_parameters;
    size_t count;
    if (node->type == YAML_SCALAR_NODE) {
        if (is_word(node, "keep"))
            source->query = URL_QUERY_KEEP;
        else if (is_word(node, "keep_all"))
            source->query = URL_QUERY_KEEP_ALL;
        else if (is_word(node, "drop"))
            source->query = URL_QUERY_DROP_ALL;
        else
            config_complain(reader, node->start_mark, path, key, "\"%.40s\" is none of the words",
                            config_node_text(node));
        return;
    }
    if (!list_items(reader, key, path, node, NAMES_MAX, &count))
        return;
    source->query = URL_QUERY_DROP_LISTED;
    names->items =
        check_alloc(arena_alloc(&reader->config->arena, (count + 1) * sizeof(names->items[0])));
    for (size_t i = 0; i < count; i++) {
        const yaml_node_t *item = config_list_item(reader, node, i);
        const char *text = item_text(reader, key, path, item);
        if (text != NULL && !is_parameter(text))
            config_complain(reader, item->start_mark, path, key,
                            "\"%.80s\" is no name of a parameter", text);
        else if (text != NULL)
            names->items[names->count++] = check_alloc(arena_string(&reader->config->arena, text));
    }
}

/* ---- quiet hours ----------------------------------------------------------------------------- */

/* "22:00"; returns what is behind it, or NULL. */
static const char *read_time(const char *at, unsigned *ret_minute)
{
    for (int i = 0; i < 5; i++) {
        if (i == 2 ? at[i] != ':' : !isdigit((unsigned char)at[i]))
            return NULL;
    }
    unsigned hour = (unsigned)(at[0] - '0') * 10 + (unsigned)(at[1] - '0');
    unsigned minute = (unsigned)(at[3] - '0') * 10 + (unsigned)(at[4] - '0');
    *ret_minute = hour * 60 + minute;
    return hour <= 24 && minute < 60 && *ret_minute <= DAY_MINUTES ? at + 5 : NULL;
}

static bool read_hours(const char *text, struct config_hours *ret)
{
    const char *at = read_time(text, &ret->from);
    if (at == NULL || *at != '-')
        return false;
    at = read_time(at + 1, &ret->to);
    return at != NULL && *at == '\0' && ret->from != ret->to && ret->from < DAY_MINUTES;
}

void config_read_hours(struct config_reader *reader, const struct config_key *key, const char *path,
                       const yaml_node_t *node, struct config_source *source)
{
    size_t count;
    if (!list_items(reader, key, path, node, HOURS_MAX, &count))
        return;
    source->quiet_hours = check_alloc(
        arena_alloc(&reader->config->arena, (count + 1) * sizeof(source->quiet_hours[0])));
    for (size_t i = 0; i < count; i++) {
        const yaml_node_t *item = config_list_item(reader, node, i);
        const char *text = item_text(reader, key, path, item);
        struct config_hours hours;
        if (text != NULL && !read_hours(text, &hours))
            config_complain(reader, item->start_mark, path, key, "\"%.40s\" is no time of the day",
                            text);
        else if (text != NULL)
            source->quiet_hours[source->quiet_hours_count++] = hours;
    }
}
