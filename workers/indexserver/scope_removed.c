/* What the owner removed by prefix or site. */
#include <stdlib.h>
#include <string.h>

#include "base/check.h"
#include "indexserver/scope_parts.h"

static bool rule_covers(const struct removal_rule *rule, const struct url *url)
{
    if (rule->scope == LOG__REMOVE_SCOPE__REMOVE_SITE)
        return strcmp(rule->value, url->host) == 0 || strcmp(rule->value, url->authority) == 0;
    return strncmp(url->text, rule->value, strlen(rule->value)) == 0;
}

const char *scope_removed_by(struct scope *scope, const struct url *url, struct arena *arena)
{
    for (size_t i = 0; i < scope->rule_count; i++) {
        const struct removal_rule *rule = &scope->rules[i];
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
        (struct removal_rule){remove_scope, check_alloc(strndup(value, size))};
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

void scope_drop_removal_rules(struct change *change, const struct url *url)
{
    struct scope *scope = change->views->scope;
    size_t kept = 0;
    for (size_t i = 0; i < scope->rule_count; i++) {
        struct removal_rule rule = scope->rules[i];
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

/* ---- at start ------------------------------------------------------------------------------ */

enum status scope_load_removal_rules(struct scope *scope, struct error *err)
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

void scope_free_removal_rules(struct scope *scope)
{
    for (size_t i = 0; i < scope->rule_count; i++)
        free(scope->rules[i].value);
    free(scope->rules);
}
