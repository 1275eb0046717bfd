/* How the crawl makes itself known to a source: headers, cookies, log-in. */
#include <ctype.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>

#include "base/check.h"
#include "orchestrator/config_hint.h"
#include "orchestrator/config_parts.h"
#include "orchestrator/config_secret.h"

enum { HEADERS_MAX = 32, HEADER_BYTES_MAX = 2048 };

/* ---- headers ------------------------------------------------------------------------------- */

/* RFC 9110's token. */
static bool is_header_name(const char *text, size_t size)
{
    for (size_t i = 0; i < size; i++) {
        if (!isalnum((unsigned char)text[i]) && strchr("!#$%&'*+-.^_`|~", text[i]) == NULL)
            return false;
    }
    return size > 0 && size <= 100;
}

/* What the crawl sets by itself, or what would make it read another answer than it thinks. */
static bool is_own_header(const char *text, size_t size)
{
    static const char *const names[] = {"host",
                                        "connection",
                                        "keep-alive",
                                        "content-length",
                                        "content-type",
                                        "expect",
                                        "transfer-encoding",
                                        "te",
                                        "trailer",
                                        "upgrade",
                                        "user-agent",
                                        "accept-encoding",
                                        "range",
                                        "if-none-match",
                                        "if-modified-since",
                                        "if-match",
                                        "if-range",
                                        "if-unmodified-since",
                                        "proxy-authorization",
                                        "proxy-connection"};
    for (size_t i = 0; i < ARRAY_COUNT(names); i++) {
        if (strlen(names[i]) == size && strncasecmp(names[i], text, size) == 0)
            return true;
    }
    return false;
}

static bool is_secret_header(const char *name)
{
    static const char *const parts[] = {"auth",       "cookie", "token",   "secret",  "passw",
                                        "credential", "apikey", "api-key", "api_key", "session"};
    for (size_t i = 0; i < ARRAY_COUNT(parts); i++) {
        if (strcasestr(name, parts[i]) != NULL)
            return true;
    }
    return false;
}

static bool is_header_value(const char *text)
{
    if (strlen(text) > HEADER_BYTES_MAX)
        return false;
    for (; *text != '\0'; text++) {
        if (*text < ' ' || *text > '~')
            return false;
    }
    return true;
}

/* Adds "name: value"; false and a complaint where it may not be sent. */
static void add_header(struct config_reader *reader, const struct config_key *key, const char *path,
                       yaml_mark_t mark, const char *name, const char *value,
                       struct config_list *list)
{
    size_t size = strlen(name);
    if (!is_header_name(name, size))
        config_complain(reader, mark, path, key, "\"%.80s\" is no name of a header", name);
    else if (is_own_header(name, size))
        config_complain(reader, mark, path, key, "%s is the crawl's own affair", name);
    else if (!is_header_value(value))
        config_complain(reader, mark, path, key,
                        "the value of %s is no visible ASCII of at most %d bytes", name,
                        (int)HEADER_BYTES_MAX);
    else if (list->count >= HEADERS_MAX)
        config_complain(reader, mark, path, key, "more than %d headers", (int)HEADERS_MAX);
    else
        list->items[list->count++] =
            check_alloc(arena_format(&reader->config->arena, "%s: %s", name, value));
}

static void make_room(struct config_reader *reader, struct config_list *list)
{
    if (list->items == NULL)
        list->items =
            check_alloc(arena_alloc(&reader->config->arena, HEADERS_MAX * sizeof(list->items[0])));
}

/* The value of a pair; NULL and a complaint where it is no single one. */
static const char *pair_value(struct config_reader *reader, const struct config_key *key,
                              const char *path, const yaml_node_pair_t *pair)
{
    const yaml_node_t *node = config_node_at(reader, pair->value);
    if (node->type == YAML_SCALAR_NODE &&
        strlen(config_node_text(node)) == node->data.scalar.length)
        return config_node_text(node);
    config_complain(reader, node->start_mark, path, key, "the value is no single one");
    return NULL;
}

static bool is_mapping(struct config_reader *reader, const struct config_key *key, const char *path,
                       const yaml_node_t *node)
{
    if (node->type == YAML_MAPPING_NODE)
        return !config_has_too_many_pairs(reader, node, path);
    config_complain(reader, node->start_mark, path, key, "no group of names with values");
    return false;
}

void config_read_headers(struct config_reader *reader, const struct config_key *key,
                         const char *path, const yaml_node_t *node, struct config_list *list)
{
    if (!is_mapping(reader, key, path, node))
        return;
    make_room(reader, list);
    for (const yaml_node_pair_t *pair = node->data.mapping.pairs.start;
         pair < node->data.mapping.pairs.top; pair++) {
        const char *name = config_pair_name(reader, node, pair, path);
        yaml_mark_t mark = config_node_at(reader, pair->key)->start_mark;
        const char *value = name == NULL ? NULL : pair_value(reader, key, path, pair);
        if (value == NULL)
            continue;
        if (is_secret_header(name))
            config_complain(reader, mark, path, NULL,
                            "the value of %s is a secret, which does not belong into this file; "
                            "allowed: headers_file or cookie_file with the path of a file that "
                            "only its owner can read",
                            name);
        else
            add_header(reader, key, path, mark, name, value, list);
    }
}

void config_read_header_lines(struct config_reader *reader, const struct config_key *key,
                              const char *path, const yaml_node_t *node, struct config_list *list)
{
    struct error err = {0};
    char *text = NULL;
    if (node->type != YAML_SCALAR_NODE || config_node_is_null(node)) {
        config_complain(reader, node->start_mark, path, key, "no path of a file");
        return;
    }
    if (config_secret_read_lines(config_node_text(node), reader->folder, &reader->config->arena,
                                 &text, &err) != STATUS_OK) {
        config_complain(reader, node->start_mark, path, key, "%s", err.text);
        return;
    }
    make_room(reader, list);
    unsigned number = 0;
    char *state = NULL;
    for (char *line = strtok_r(text, "\n", &state); line != NULL;
         line = strtok_r(NULL, "\n", &state)) {
        char *colon = strchr(line, ':');
        number++;
        if (colon == NULL) { /* nothing of the line is told: it may be a secret */
            config_complain(reader, node->start_mark, path, key,
                            "line %u of the file is no header: it has no colon", number);
            continue;
        }
        *colon = '\0';
        add_header(reader, key, path, node->start_mark, line, colon + 1 + strspn(colon + 1, " "),
                   list);
    }
}

/* ---- log-in -------------------------------------------------------------------------------- */

void config_read_fields(struct config_reader *reader, const struct config_key *key,
                        const char *path, const yaml_node_t *node, struct config_list *list)
{
    if (!is_mapping(reader, key, path, node))
        return;
    make_room(reader, list);
    for (const yaml_node_pair_t *pair = node->data.mapping.pairs.start;
         pair < node->data.mapping.pairs.top; pair++) {
        const char *name = config_pair_name(reader, node, pair, path);
        yaml_mark_t mark = config_node_at(reader, pair->key)->start_mark;
        const char *value = name == NULL ? NULL : pair_value(reader, key, path, pair);
        if (value == NULL)
            continue;
        if (config_is_secret_name(name))
            config_complain(reader, mark, path, NULL,
                            "a secret does not belong into this file; allowed: password_file with "
                            "the path of a file that only its owner can read, and password_field "
                            "with the field's name");
        else if (name[0] == '\0' || strchr(name, '=') != NULL)
            config_complain(reader, mark, path, key, "\"%.80s\" is no name of a field", name);
        else if (list->count >= HEADERS_MAX - 2) /* the user and the password come behind */
            config_complain(reader, mark, path, key, "more than %d fields", HEADERS_MAX - 2);
        else
            list->items[list->count++] =
                check_alloc(arena_format(&reader->config->arena, "%s=%s", name, value));
    }
}

/* What each kind needs; the first that is missing is told. */
static bool check_login(struct config_reader *reader, yaml_mark_t mark, const char *path,
                        const struct config_login *login)
{
    const char *missing = NULL;
    const char *useless = NULL;
    switch (login->kind + 1) {
    case LOGIN_BEARER:
        missing = login->token[0] == '\0' ? "token_file" : NULL;
        useless =
            login->user[0] != '\0' || login->password[0] != '\0' ? "user or password_file" : NULL;
        break;
    case LOGIN_FORM:
        missing = login->url[0] == '\0' ? "url" : NULL;
        /* fall through */
    default:
        if (missing == NULL)
            missing = login->user[0] == '\0'       ? "user"
                      : login->password[0] == '\0' ? "password_file"
                                                   : NULL;
        useless = login->token[0] != '\0' ? "token_file" : NULL;
        break;
    }
    if (missing != NULL)
        config_complain(reader, mark, path, NULL,
                        "%s is missing; allowed: user and password_file (basic), token_file "
                        "(bearer), url, user and password_file (form)",
                        missing);
    else if (useless != NULL)
        config_complain(reader, mark, path, NULL, "a log-in of this kind has no use for %s",
                        useless);
    return missing == NULL && useless == NULL;
}

static bool read_login_pairs(struct config_reader *reader, const char *path,
                             const yaml_node_t *node, struct config_login *login)
{
    bool has_kind = false;
    for (const yaml_node_pair_t *pair = node->data.mapping.pairs.start;
         pair < node->data.mapping.pairs.top; pair++) {
        const char *name = config_pair_name(reader, node, pair, path);
        if (name == NULL)
            continue;
        char full[3 * CONFIG_PATH_BYTES];
        snprintf(full, sizeof(full), "%s.%s", path, name);
        const struct config_key *key = config_find_key(config_login_keys, name);
        const yaml_node_t *value = config_node_at(reader, pair->value);
        has_kind = has_kind || strcmp(name, "kind") == 0;
        if (key == NULL)
            config_complain_stray(reader, config_login_keys, name, full,
                                  config_node_at(reader, pair->key)->start_mark);
        else if (key->kind == KIND_FIELDS)
            config_read_fields(reader, key, full, value, &login->fields);
        else
            config_read_scalar(reader, key, full, value, login);
    }
    return has_kind;
}

void config_read_login(struct config_reader *reader, const struct config_key *key, const char *path,
                       const yaml_node_t *node, struct config_access *access)
{
    struct config_login login = {0};
    struct arena *arena = &reader->config->arena;
    config_set_presets(config_login_keys, arena, &login);
    if (node->type != YAML_MAPPING_NODE) {
        config_complain(reader, node->start_mark, path, key, "no group of keys");
        return;
    }
    if (config_has_too_many_pairs(reader, node, path))
        return;
    unsigned mistakes = reader->errors->count;
    bool has_kind = read_login_pairs(reader, path, node, &login);
    if (!has_kind)
        config_complain(reader, node->start_mark, path, config_find_key(config_login_keys, "kind"),
                        "kind is missing");
    if (reader->errors->count != mistakes || !check_login(reader, node->start_mark, path, &login))
        return;
    access->login = login.kind + 1;
    access->user = login.user;
    access->password = login.password;
    access->token = login.token;
    access->login_url = login.url;
    access->fields = login.fields;
    if (access->login != LOGIN_FORM)
        return;
    make_room(reader, &access->fields);
    const char **items = access->fields.items;
    items[access->fields.count++] =
        check_alloc(arena_format(arena, "%s=%s", login.user_field, login.user));
    items[access->fields.count++] =
        check_alloc(arena_format(arena, "%s=%s", login.password_field, login.password));
}
