/* Rules and URLs from anywhere: a verdict comes, at a bounded cost, and is the same the second
 * time; a URL without what its query policy drops is its own form. */
#include <stdlib.h>
#include <string.h>

#include "base/check.h"
#include "crawl/scope_rule.h"
#include "crawl/url_query.h"

/* Up to the next newline, which is dropped; NULL at the end. Of memory of its own size. */
static char *next_line(const uint8_t **at, const uint8_t *end)
{
    if (*at == end)
        return NULL;
    const uint8_t *stop = memchr(*at, '\n', (size_t)(end - *at));
    const uint8_t *line_end = stop == NULL ? end : stop;
    char *line = strndup((const char *)*at, (size_t)(line_end - *at));
    *at = stop == NULL ? end : stop + 1;
    return line;
}

static void check_rules(struct scope_rules *rules, const struct url *url, size_t count)
{
    struct scope_verdict first, second;
    struct arena arena = {0};
    scope_rules_check(rules, url, &first);
    scope_rules_check(rules, url, &second);
    CHECK(first.allowed == second.allowed && first.rule == second.rule);
    CHECK(first.rule <= count && !(first.gave_up && first.allowed));
    CHECK(scope_verdict_words(rules, &first, &arena) != NULL);
    arena_release(&arena);
}

static void check_query(const struct url *url, char *name)
{
    struct arena arena = {0};
    for (int policy = URL_QUERY_KEEP; policy <= URL_QUERY_KEEP_ALL; policy++) {
        const struct url_query_rule rule = {(enum url_query_policy)policy, &name, 1};
        struct url once, twice;
        bool changed;
        CHECK(url_query_apply(url, &rule, &arena, &once, &changed, NULL) == STATUS_OK);
        CHECK(changed == (strcmp(url->text, once.text) != 0));
        CHECK(url_query_apply(&once, &rule, &arena, &twice, &changed, NULL) == STATUS_OK);
        CHECK(!changed && strcmp(once.text, twice.text) == 0);
    }
    arena_release(&arena);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    enum { RULES_MAX = 8 };
    const uint8_t *at = data, *end = data + size;
    struct scope_rule rules[RULES_MAX];
    char *lines[RULES_MAX];
    size_t count = 0, pattern_at;
    struct scope_rules *made = NULL;
    struct arena arena = {0};
    struct url url;
    char *text = next_line(&at, end), *line;
    while (count < RULES_MAX && (line = next_line(&at, end)) != NULL) {
        if (scope_rule_parse(line, &rules[count], &pattern_at, NULL) == STATUS_OK &&
            scope_rule_check(&rules[count], NULL, NULL) == STATUS_OK)
            lines[count++] = line;
        else
            free(line);
    }
    CHECK(scope_rules_new(rules, count, &made, NULL) == STATUS_OK);
    if (text != NULL && url_parse(text, strlen(text), NULL, &arena, &url, NULL) == STATUS_OK) {
        char name[] = "a*";
        check_rules(made, &url, count);
        check_query(&url, name);
    }
    scope_rules_free(made);
    while (count > 0)
        free(lines[--count]);
    free(text);
    arena_release(&arena);
    return 0;
}
