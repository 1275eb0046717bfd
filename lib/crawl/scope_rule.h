/*
 * Rules that say which URLs of a source are taken: "deny prefix /private/", "allow glob **.html",
 * "deny regex \.pdf$". The first that matches decides; where none does, the URL is taken. What a
 * check may cost is limited, whatever the pattern and the URL: one that would take longer is not
 * taken.
 */
#ifndef TIERCE_CRAWL_SCOPE_RULE_H
#define TIERCE_CRAWL_SCOPE_RULE_H

#include <stdbool.h>
#include <stddef.h>

#include "base/arena.h"
#include "base/error.h"
#include "crawl/url.h"

enum {
    SCOPE_RULES_MAX = 1000, /* of one source */
    SCOPE_PATTERN_BYTES_MAX = 1000,
    SCOPE_STEPS_MAX = 100 * 1000, /* of all rules together for one URL: about a millisecond */
};

enum scope_rule_kind {
    SCOPE_RULE_PREFIX, /* how path and query begin */
    SCOPE_RULE_GLOB,   /* the whole path and query: crawl/glob.h */
    SCOPE_RULE_REGEX,  /* PCRE2, found anywhere in the URL */
};

struct scope_rule {
    bool allow;
    enum scope_rule_kind kind;
    const char *pattern;
};

/*
 * Reads a rule as config.yaml has it.
 *
 * ret_pattern_at  where the pattern begins in the text. The rule's pattern points there.
 */
enum status scope_rule_parse(const char *text, struct scope_rule *ret_rule, size_t *ret_pattern_at,
                             struct error *err);

/*
 * Whether the pattern is one.
 *
 * ret_at  of STATUS_INVALID: how many bytes into it the mistake stands; may be NULL.
 */
enum status scope_rule_check(const struct scope_rule *rule, size_t *ret_at, struct error *err);

struct scope_rules; /* compiled; for one thread at a time */

/* Copies what it needs of the rules. STATUS_INVALID: one of them is none, "rule 3: words". */
enum status scope_rules_new(const struct scope_rule *rules, size_t count,
                            struct scope_rules **ret_rules, struct error *err);
void scope_rules_free(struct scope_rules *rules); /* accepts NULL */

struct scope_verdict {
    bool allowed;
    size_t rule;    /* the one that decided, from 1; 0: none matched */
    bool gave_up;   /* the rule was too costly for this URL, which is not taken */
    unsigned steps; /* that it took */
};

/* `rules` may be NULL: there are none. */
void scope_rules_check(struct scope_rules *rules, const struct url *url,
                       struct scope_verdict *ret_verdict);

/* "rule 3: deny prefix /private/"; NULL: no memory. In the arena. */
const char *scope_verdict_words(const struct scope_rules *rules,
                                const struct scope_verdict *verdict, struct arena *arena);

#endif
