#include "crawl/scope_rule.h"

#include <stdlib.h>
#include <string.h>

#include "crawl/glob.h"
#include "crawl/percent.h"
#include "crawl/scope_regex.h"

struct compiled {
    bool allow;
    enum scope_rule_kind kind;
    char *pattern; /* as written */
    char *prefix;  /* normal form */
    struct glob *glob;
    struct scope_regex *regex;
};

struct scope_rules {
    size_t count;
    struct compiled items[];
};

static const char *const kind_names[] = {"prefix", "glob", "regex"};

/* ---- reading ------------------------------------------------------------------------------- */

/* A word, and the blanks behind it; NULL: it is another one. */
static const char *skip_word(const char *at, const char *word)
{
    size_t size = strlen(word);
    if (strncmp(at, word, size) != 0 || at[size] != ' ')
        return NULL;
    return at + size + strspn(at + size, " ");
}

static const char *read_kind(const char *at, enum scope_rule_kind *ret_kind)
{
    for (int kind = SCOPE_RULE_PREFIX; kind <= SCOPE_RULE_REGEX; kind++) {
        const char *behind = skip_word(at, kind_names[kind]);
        *ret_kind = (enum scope_rule_kind)kind;
        if (behind != NULL)
            return behind;
    }
    return NULL;
}

enum status scope_rule_parse(const char *text, struct scope_rule *ret_rule, size_t *ret_pattern_at,
                             struct error *err)
{
    struct scope_rule rule = {.allow = true};
    const char *at = skip_word(text, "allow");
    if (at == NULL) {
        rule.allow = false;
        at = skip_word(text, "deny");
    }
    if (at == NULL)
        return error_set(err, STATUS_INVALID,
                         "\"%.80s\" begins with neither \"allow \" nor \"deny \"", text);
    const char *pattern = read_kind(at, &rule.kind);
    if (pattern == NULL)
        return error_set(err, STATUS_INVALID,
                         "\"%.80s\" says neither prefix, glob nor regex behind %s, with a pattern",
                         text, rule.allow ? "allow" : "deny");
    rule.pattern = pattern;
    *ret_pattern_at = (size_t)(pattern - text);
    *ret_rule = rule;
    return STATUS_OK;
}

/* ---- making -------------------------------------------------------------------------------- */

static enum status make_prefix(const char *pattern, char **ret_prefix, struct error *err)
{
    size_t size = strlen(pattern), path_size = strcspn(pattern, "?");
    char *prefix = malloc(size * PERCENT_GROWTH_MAX + 1);
    if (prefix == NULL)
        return error_set(err, STATUS_NO_MEMORY, "no memory");
    size_t made = percent_normalise(pattern, path_size, PERCENT_PATH, prefix);
    made += percent_normalise(pattern + path_size, size - path_size, PERCENT_QUERY, prefix + made);
    prefix[made] = '\0';
    *ret_prefix = prefix;
    return STATUS_OK;
}

static enum status check_start(const struct scope_rule *rule, struct error *err)
{
    size_t size = strlen(rule->pattern);
    if (size == 0)
        return error_set(err, STATUS_INVALID, "the pattern is empty");
    if (size > SCOPE_PATTERN_BYTES_MAX)
        return error_set(err, STATUS_INVALID, "the pattern has %zu bytes; at most %d are taken",
                         size, (int)SCOPE_PATTERN_BYTES_MAX);
    if (rule->kind == SCOPE_RULE_PREFIX && rule->pattern[0] != '/')
        return error_set(err, STATUS_INVALID,
                         "\"%.80s\" begins with no /: a prefix is compared with the path, "
                         "without the host",
                         rule->pattern);
    if (rule->kind == SCOPE_RULE_GLOB && rule->pattern[0] != '/' && rule->pattern[0] != '*')
        return error_set(err, STATUS_INVALID,
                         "\"%.80s\" begins with neither / nor *: a glob is compared with the whole "
                         "path and query, without the host",
                         rule->pattern);
    return STATUS_OK;
}

static enum status compile(const struct scope_rule *rule, struct compiled *compiled, size_t *ret_at,
                           struct error *err)
{
    enum status status = check_start(rule, err);
    if (status != STATUS_OK)
        return status;
    compiled->allow = rule->allow;
    compiled->kind = rule->kind;
    compiled->pattern = strdup(rule->pattern);
    if (compiled->pattern == NULL)
        return error_set(err, STATUS_NO_MEMORY, "no memory");
    switch (rule->kind) {
    case SCOPE_RULE_PREFIX:
        return make_prefix(rule->pattern, &compiled->prefix, err);
    case SCOPE_RULE_GLOB:
        return glob_new(rule->pattern, &compiled->glob, err);
    default:
        return scope_regex_new(rule->pattern, &compiled->regex, ret_at, err);
    }
}

static void release(struct compiled *compiled)
{
    free(compiled->pattern);
    free(compiled->prefix);
    glob_free(compiled->glob);
    scope_regex_free(compiled->regex);
}

enum status scope_rule_check(const struct scope_rule *rule, size_t *ret_at, struct error *err)
{
    struct compiled compiled = {0};
    size_t at = 0;
    enum status status = compile(rule, &compiled, &at, err);
    release(&compiled);
    if (status != STATUS_OK && ret_at != NULL)
        *ret_at = at;
    return status;
}

enum status scope_rules_new(const struct scope_rule *rules, size_t count,
                            struct scope_rules **ret_rules, struct error *err)
{
    if (count > SCOPE_RULES_MAX)
        return error_set(err, STATUS_INVALID, "%zu rules (at most %d)", count,
                         (int)SCOPE_RULES_MAX);
    struct scope_rules *made = calloc(1, sizeof(*made) + count * sizeof(made->items[0]));
    if (made == NULL)
        return error_set(err, STATUS_NO_MEMORY, "no memory");
    for (size_t i = 0; i < count; i++) {
        size_t at = 0;
        enum status status = compile(&rules[i], &made->items[made->count++], &at, err);
        if (status != STATUS_OK) {
            error_add_context(err, "rule %zu", i + 1);
            scope_rules_free(made);
            return status;
        }
    }
    *ret_rules = made;
    return STATUS_OK;
}

void scope_rules_free(struct scope_rules *rules)
{
    if (rules == NULL)
        return;
    for (size_t i = 0; i < rules->count; i++)
        release(&rules->items[i]);
    free(rules);
}

/* ---- checking ------------------------------------------------------------------------------ */

/* Where it returns with no steps left, it means nothing. */
static bool matches(struct compiled *compiled, const struct url *url, unsigned *steps)
{
    switch (compiled->kind) {
    case SCOPE_RULE_PREFIX:
        return strncmp(url->target, compiled->prefix, strlen(compiled->prefix)) == 0;
    case SCOPE_RULE_GLOB:
        return glob_matches(compiled->glob, url->target, strlen(url->target), steps);
    default:
        return scope_regex_matches(compiled->regex, url->text, url->text_size, steps);
    }
}

void scope_rules_check(struct scope_rules *rules, const struct url *url,
                       struct scope_verdict *ret_verdict)
{
    unsigned steps = SCOPE_STEPS_MAX;
    *ret_verdict = (struct scope_verdict){.allowed = true};
    for (size_t i = 0; rules != NULL && i < rules->count; i++) {
        bool found = matches(&rules->items[i], url, &steps);
        ret_verdict->steps = SCOPE_STEPS_MAX - steps;
        if (steps > 0 && !found)
            continue;
        ret_verdict->rule = i + 1;
        ret_verdict->gave_up = steps == 0;
        ret_verdict->allowed = steps > 0 && rules->items[i].allow;
        return;
    }
}

const char *scope_verdict_words(const struct scope_rules *rules,
                                const struct scope_verdict *verdict, struct arena *arena)
{
    if (verdict->rule == 0)
        return "no rule says otherwise";
    const struct compiled *compiled = &rules->items[verdict->rule - 1];
    return arena_format(
        arena, "rule %zu: %s %s %s%s", verdict->rule, compiled->allow ? "allow" : "deny",
        kind_names[compiled->kind], compiled->pattern,
        verdict->gave_up ? " (to compare this URL with it would take too long)" : "");
}
