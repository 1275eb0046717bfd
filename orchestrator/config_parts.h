/* Shared by the files that read config.yaml, and by nobody else. */
#ifndef TIERCE_ORCHESTRATOR_CONFIG_PARTS_H
#define TIERCE_ORCHESTRATOR_CONFIG_PARTS_H

#include <yaml.h>

#include "base/buffer.h"
#include "orchestrator/config.h"
#include "orchestrator/config_schema.h"

enum { CONFIG_KEYS_MAX = 64, CONFIG_PATH_BYTES = 128 };

/* One reading of one file. */
struct config_reader {
    const char *name;
    const char *folder;
    yaml_document_t document;
    struct config *config;
    struct config_errors *errors;
    yaml_mark_t marks[CONFIG_KEYS_MAX]; /* where each key of config_keys has its value */
    bool given[CONFIG_KEYS_MAX];
};

/* ---- config_mistake.c: every mistake with its place and what is allowed ---- */

void config_error_add(struct config_errors *errors, unsigned line, unsigned column,
                      struct buffer *text);
/* A mistake at a mark. `path` is the key's, or "" where none is meant; `key` says what is allowed,
 * or NULL. */
void config_complain(struct config_reader *reader, yaml_mark_t mark, const char *path,
                     const struct config_key *key, const char *format, ...)
    __attribute__((format(printf, 5, 6)));
void config_complain_unknown(struct config_reader *reader, const struct config_key *keys,
                             const char *path, const char *prefix, yaml_mark_t mark);
/* The same of a source's or a log-in's key; `full` is its path from the top. */
void config_complain_stray(struct config_reader *reader, const struct config_key *keys,
                           const char *name, const char *full, yaml_mark_t mark);
void config_errors_sort(struct config_errors *errors); /* by their places */

/* ---- config_presets.c: the table of keys, and what holds where the file says nothing ---- */

const struct config_key *config_find_key(const struct config_key *keys, const char *path);
void config_set_presets(const struct config_key *keys, struct arena *arena, void *record);

/* ---- config_node.c: from a node of YAML to a field ---- */

yaml_node_t *config_node_at(struct config_reader *reader, int index);
const char *config_node_text(const yaml_node_t *node);
bool config_node_is_null(const yaml_node_t *node); /* `key:` with nothing behind it, or null */
void config_read_scalar(struct config_reader *reader, const struct config_key *key,
                        const char *path, const yaml_node_t *node, void *record);
/* A list of texts. A single text stands for a list of one. */
void config_read_list(struct config_reader *reader, const struct config_key *key, const char *path,
                      const yaml_node_t *node, struct config_list *list);
/* The key of a pair as text, told once per mapping; NULL and a complaint where it is none. */
const char *config_pair_name(struct config_reader *reader, const yaml_node_t *mapping,
                             const yaml_node_pair_t *pair, const char *path);
/* More pairs than keys exist can only be mistakes; the bound also keeps the search for doubles
 * short. */
bool config_has_too_many_pairs(struct config_reader *reader, const yaml_node_t *mapping,
                               const char *path);

/* ---- config_scope.c: what of a host a source takes ---- */

/* An item of a list, of which a single value is one with one item. */
const yaml_node_t *config_list_item(struct config_reader *reader, const yaml_node_t *node,
                                    size_t index);
void config_read_urls(struct config_reader *reader, const struct config_key *key, const char *path,
                      const yaml_node_t *node, struct config_list *list);
void config_read_sitemaps(struct config_reader *reader, const struct config_key *key,
                          const char *path, const yaml_node_t *node, struct config_source *source);
void config_read_rules(struct config_reader *reader, const struct config_key *key, const char *path,
                       const yaml_node_t *node, struct config_source *source);
void config_read_query(struct config_reader *reader, const struct config_key *key, const char *path,
                       const yaml_node_t *node, struct config_source *source);
void config_read_hours(struct config_reader *reader, const struct config_key *key, const char *path,
                       const yaml_node_t *node, struct config_source *source);

/* ---- config_access.c: how the crawl makes itself known to a source ---- */

void config_read_headers(struct config_reader *reader, const struct config_key *key,
                         const char *path, const yaml_node_t *node, struct config_list *list);
void config_read_header_lines(struct config_reader *reader, const struct config_key *key,
                              const char *path, const yaml_node_t *node, struct config_list *list);
void config_read_fields(struct config_reader *reader, const struct config_key *key,
                        const char *path, const yaml_node_t *node, struct config_list *list);
void config_read_login(struct config_reader *reader, const struct config_key *key, const char *path,
                       const yaml_node_t *node, struct config_access *access);

/* ---- config_sources.c: crawl.sources ---- */

void config_read_sources(struct config_reader *reader, const struct config_key *key,
                         const char *path, const yaml_node_t *node);

#endif
