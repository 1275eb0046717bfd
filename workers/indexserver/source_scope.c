#include "indexserver/source_scope.h"

#include <stdlib.h>
#include <string.h>

#include "base/check.h"
#include "base/log.h"
#include "crawl/scope_rule.h"
#include "crawl/url_query.h"
#include "indexserver/table.h"
#include "rpc/message.h"

struct source_scope {
    const Log__Source *definition;
    struct scope_rules *rules; /* NULL: none */
    bool is_broken;            /* its rules are none */
    struct url_query_rule query;
    struct table listed; /* sitemaps and feeds, by URL */
};

/* ---- making -------------------------------------------------------------------------------- */

static struct scope_rules *compile(const Log__Source *definition, bool *ret_broken)
{
    static const enum scope_rule_kind kinds[] = {[LOG__RULE_KIND__RULE_PREFIX] = SCOPE_RULE_PREFIX,
                                                 [LOG__RULE_KIND__RULE_GLOB] = SCOPE_RULE_GLOB,
                                                 [LOG__RULE_KIND__RULE_REGEX] = SCOPE_RULE_REGEX};
    size_t count = definition->n_rules;
    struct scope_rule *rules = check_alloc(calloc(count + 1, sizeof(*rules)));
    struct scope_rules *made = NULL;
    struct error err = {0};
    for (size_t i = 0; i < count; i++) {
        const Log__ScopeRule *rule = definition->rules[i];
        *ret_broken = *ret_broken || (size_t)rule->kind >= ARRAY_COUNT(kinds);
        rules[i] = (struct scope_rule){.allow = rule->allow, .pattern = rule->pattern};
        if ((size_t)rule->kind < ARRAY_COUNT(kinds))
            rules[i].kind = kinds[rule->kind];
    }
    if (count > 0 && scope_rules_new(rules, count, &made, &err) != STATUS_OK) {
        log_warning("source %s: %s; nothing of it is taken", definition->url, err.text);
        *ret_broken = true;
    }
    free(rules);
    return made;
}

struct source_scope *source_scope_new(const Log__Source *definition)
{
    static const enum url_query_policy policies[] = {
        [LOG__QUERY_POLICY__QUERY_KEEP] = URL_QUERY_KEEP,
        [LOG__QUERY_POLICY__QUERY_DROP_LISTED] = URL_QUERY_DROP_LISTED,
        [LOG__QUERY_POLICY__QUERY_DROP_ALL] = URL_QUERY_DROP_ALL,
        [LOG__QUERY_POLICY__QUERY_KEEP_ALL] = URL_QUERY_KEEP_ALL};
    struct source_scope *scope = check_alloc(calloc(1, sizeof(*scope)));
    scope->definition = definition;
    scope->rules = compile(definition, &scope->is_broken);
    if ((size_t)definition->query < ARRAY_COUNT(policies))
        scope->query.policy = policies[definition->query];
    scope->query.names = definition->drop_parameters;
    scope->query.name_count = definition->n_drop_parameters;
    for (size_t i = 0; i < definition->n_sitemaps; i++)
        table_put(&scope->listed, definition->sitemaps[i], definition->sitemaps[i]);
    for (size_t i = 0; i < definition->n_feeds; i++)
        table_put(&scope->listed, definition->feeds[i], definition->feeds[i]);
    return scope;
}

void source_scope_free(struct source_scope *scope)
{
    if (scope == NULL)
        return;
    scope_rules_free(scope->rules);
    table_release(&scope->listed);
    free(scope);
}

/* ---- asking -------------------------------------------------------------------------------- */

enum status source_scope_spell(const struct source_scope *scope, const struct url *url,
                               struct arena *arena, struct url *ret_url, struct error *err)
{
    if (source_scope_lists(scope, url->text)) { /* it was written so */
        *ret_url = *url;
        return STATUS_OK;
    }
    return url_query_apply(url, &scope->query, arena, ret_url, NULL, err);
}

bool source_scope_lists(const struct source_scope *scope, const char *url)
{
    return scope->listed.count > 0 && table_get(&scope->listed, url) != NULL;
}

static bool has_prefix(const struct source_scope *scope, const char *url)
{
    const char *prefix = scope->definition->prefix;
    return strncmp(url, prefix, strlen(prefix)) == 0;
}

bool source_scope_covers(const struct source_scope *scope, const char *url)
{
    return has_prefix(scope, url) || source_scope_lists(scope, url);
}

static bool is_too_deep(const struct source_scope *scope, unsigned depth)
{
    return scope->definition->max_depth != 0 && depth >= scope->definition->max_depth;
}

bool source_scope_takes(struct source_scope *scope, const struct url *url, unsigned depth)
{
    uint64_t steps = 0;
    return source_scope_takes_counted(scope, url, depth, &steps);
}

bool source_scope_takes_counted(struct source_scope *scope, const struct url *url, unsigned depth,
                                uint64_t *steps)
{
    struct scope_verdict verdict;
    if (source_scope_lists(scope, url->text))
        return true;
    if (scope->is_broken || !has_prefix(scope, url->text) || is_too_deep(scope, depth))
        return false;
    scope_rules_check(scope->rules, url, &verdict);
    *steps += verdict.steps;
    return verdict.allowed;
}

const char *source_scope_words(struct source_scope *scope, const struct url *url, unsigned depth,
                               struct arena *arena)
{
    const Log__Source *definition = scope->definition;
    struct scope_verdict verdict;
    if (source_scope_lists(scope, url->text))
        return "one of its sitemaps or feeds";
    if (scope->is_broken)
        return "its rules cannot be read";
    if (!has_prefix(scope, url->text))
        return check_alloc(
            arena_format(arena, "it does not begin with the prefix %s", definition->prefix));
    scope_rules_check(scope->rules, url, &verdict);
    if (verdict.allowed && is_too_deep(scope, depth))
        return check_alloc(arena_format(arena, "it is %u links away from a seed: max_depth is %u",
                                        depth, definition->max_depth - 1));
    return check_alloc((void *)scope_verdict_words(scope->rules, &verdict, arena));
}

/* ---- comparing ----------------------------------------------------------------------------- */

/* The parts that say which URLs are taken, packed. What is left of the definition is empty. */
static void pack_scope(const Log__Source *from, struct buffer *ret)
{
    Log__Source source = LOG__SOURCE__INIT;
    source.prefix = from->prefix;
    source.rules = from->rules;
    source.n_rules = from->n_rules;
    source.max_depth = from->max_depth;
    source.query = from->query;
    source.drop_parameters = from->drop_parameters;
    source.n_drop_parameters = from->n_drop_parameters;
    message_pack(&source.base, ret, NULL);
}

bool source_scope_is_same(const Log__Source *a, const Log__Source *b)
{
    struct buffer first = {0}, second = {0};
    pack_scope(a, &first);
    pack_scope(b, &second);
    bool same = first.size == second.size &&
                (first.size == 0 || memcmp(first.data, second.data, first.size) == 0);
    buffer_release(&first);
    buffer_release(&second);
    return same;
}
