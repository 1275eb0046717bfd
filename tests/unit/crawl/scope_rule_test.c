/* Which URLs a source's rules take, and what they cost. */
#include "tests/unit/unit.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "crawl/scope_rule.h"

static struct arena arena;

static int forget(void **state)
{
    (void)state;
    arena_release(&arena);
    return 0;
}

static struct url parse_url(const char *text)
{
    struct url url;
    assert_int_equal(url_parse(text, strlen(text), NULL, &arena, &url, NULL), STATUS_OK);
    return url;
}

/* Rules, a newline behind each. */
static struct scope_rules *make(const char *text)
{
    struct scope_rule rules[16];
    size_t count = 0, at;
    struct error err = {0};
    struct scope_rules *made = NULL;
    char *copy = arena_string(&arena, text), *rest = NULL;
    for (char *line = strtok_r(copy, "\n", &rest); line != NULL; line = strtok_r(NULL, "\n", &rest))
        if (scope_rule_parse(line, &rules[count++], &at, &err) != STATUS_OK)
            fail_msg("%s", err.text);
    if (scope_rules_new(rules, count, &made, &err) != STATUS_OK)
        fail_msg("%s", err.text);
    return made;
}

static struct scope_verdict check(const char *rules_text, const char *url_text)
{
    struct scope_rules *rules = make(rules_text);
    struct url url = parse_url(url_text);
    struct scope_verdict verdict;
    scope_rules_check(rules, &url, &verdict);
    scope_rules_free(rules);
    return verdict;
}

static void the_first_rule_that_matches_decides(void **state)
{
    (void)state;
    static const char rules[] = "allow prefix /docs/public/\ndeny prefix /docs/\n"
                                "allow glob /**.html\ndeny regex \\.pdf$\n";
    static const struct {
        const char *url;
        bool allowed;
        size_t rule;
    } cases[] = {
        {"http://a/docs/public/x", true, 1},
        {"http://a/docs/x", false, 2},
        {"http://a/docs", true, 0},
        {"http://a/x/y.html", true, 3},
        {"http://a/x.pdf", false, 4},
        {"http://a/x.pdf?y", true, 0},
        {"http://a/", true, 0},
    };
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        struct scope_verdict verdict = check(rules, cases[i].url);
        if (verdict.allowed != cases[i].allowed || verdict.rule != cases[i].rule)
            fail_msg("%s: %d by rule %zu", cases[i].url, verdict.allowed, verdict.rule);
        assert_false(verdict.gave_up);
    }
}

static void without_rules_everything_is_taken(void **state)
{
    (void)state;
    struct scope_verdict verdict;
    struct url url = parse_url("http://a/x");
    scope_rules_check(NULL, &url, &verdict);
    assert_true(verdict.allowed && verdict.rule == 0 && !verdict.gave_up);
    assert_string_equal(scope_verdict_words(NULL, &verdict, &arena), "no rule says otherwise");
}

static void globs_know_slashes(void **state)
{
    (void)state;
    static const struct {
        const char *pattern, *target;
        bool matches;
    } cases[] = {
        {"/a", "/a", true},
        {"/a", "/ab", false},
        {"/a*", "/abc", true},
        {"/a*", "/a/b", false},
        {"/a**", "/a/b", true},
        {"/*/c", "/a/c", true},
        {"/*/c", "/a/b/c", false},
        {"/**/c", "/a/b/c", true},
        {"/**/c", "/c", true},
        {"/a/**/c", "/a/c", true},
        {"/a/**/c", "/a/xc", false},
        {"/a/**", "/a/", true},
        {"/a/**", "/a", false},
        {"/?", "/a", true},
        {"/?", "//", false},
        {"/?", "/ab", false},
        {"/a?b=*", "/a?b=1", true},
        {"/a\\?b", "/a?b", true},
        {"/a\\?b", "/axb", false},
        {"/a\\*b", "/a*b", true},
        {"/a\\*b", "/axb", false},
        {"**.pdf", "/x/y.pdf", true},
        {"**.pdf", "/x/y.pdf?z", false},
        {"*.pdf", "/y.pdf", false}, /* * is no slash */
        {"/b\xc3\xbc"
         "cher/*",
         "/b%C3%BCcher/1", true},
        {"/%7ejoe", "/~joe", true},
        {"/a*b*c*d", "/aXbXcXd", true},
        {"/a*b*c*d", "/aXcXbXd", false},
        {"/***", "/a/b/c", true},
        {"/**/**/**/x", "/x", true},
    };
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        char *rule = arena_format(&arena, "deny glob %s", cases[i].pattern);
        char *url = arena_format(&arena, "http://a%s", cases[i].target);
        if (check(rule, url).allowed == cases[i].matches)
            fail_msg("%s and %s", cases[i].pattern, cases[i].target);
    }
}

static void prefixes_are_brought_to_the_normal_form(void **state)
{
    (void)state;
    assert_false(check("deny prefix /b\xc3\xbc"
                       "cher",
                       "http://a/b%c3%bccher/1")
                     .allowed);
    assert_false(check("deny prefix /a b/", "http://a/a%20b/").allowed);
    assert_false(check("deny prefix /x?q='", "http://a/x?q='1'").allowed);
    assert_true(check("deny prefix /A", "http://a/a").allowed);
}

static void a_pattern_that_is_none_is_told_with_its_place(void **state)
{
    (void)state;
    static const struct {
        const char *pattern;
        size_t at;
    } patterns[] = {{"a(b", 3}, {"[z-a]", 3}, {"*", 0}, {"a\\C", 3}, {"(?<=a*)b", 0}};
    for (size_t i = 0; i < sizeof(patterns) / sizeof(patterns[0]); i++) {
        struct scope_rule rule = {false, SCOPE_RULE_REGEX, patterns[i].pattern};
        size_t at = 999;
        struct error err = {0};
        assert_int_equal(scope_rule_check(&rule, &at, &err), STATUS_INVALID);
        assert_int_equal(at, patterns[i].at);
        assert_non_null(strstr(err.text, "no regular expression: "));
    }
    char long_pattern[SCOPE_PATTERN_BYTES_MAX + 2];
    memset(long_pattern, 'a', sizeof(long_pattern));
    long_pattern[0] = '/';
    long_pattern[sizeof(long_pattern) - 1] = '\0';
    for (int kind = SCOPE_RULE_PREFIX; kind <= SCOPE_RULE_REGEX; kind++) {
        struct scope_rule rule = {false, (enum scope_rule_kind)kind, long_pattern};
        assert_int_equal(scope_rule_check(&rule, NULL, NULL), STATUS_INVALID);
        rule.pattern++;
        assert_int_equal(scope_rule_check(&rule, NULL, NULL),
                         kind == SCOPE_RULE_REGEX ? STATUS_OK : STATUS_INVALID);
        rule.pattern = "";
        assert_int_equal(scope_rule_check(&rule, NULL, NULL), STATUS_INVALID);
    }
}

static double thread_seconds(void)
{
    struct timespec time;
    clock_gettime(CLOCK_THREAD_CPUTIME_ID, &time);
    return (double)time.tv_sec + (double)time.tv_nsec / 1e9;
}

/* Each would take for ever, or a second a URL, without a limit. */
static void no_pattern_costs_more_than_its_share(void **state)
{
    (void)state;
    static const char *const patterns[] = {
        "regex (a+)+$",
        "regex (a|aa)+$",
        "regex ^(.*)*x$",
        "regex (.*a){20}b",
        "regex a.*a.*a.*a.*b",
        "regex (?=(a+))a*b\\1",
        "regex (\\w+\\s?)*$!",
        "glob /*a*a*a*a*a*a*a*a*a*a*a*a*a*a*a*a*a*a*a*a*b",
        "glob /**a**a**a**a**a**a**a**a**a**a**a**b",
        "glob /**/**/**/**/**/**/**/**/**/**/**/**/**/**/**/**/**/**/**/**/**/**/**/**/**/**/**/b",
    };
    char url[URL_BYTES_MAX];
    memset(url, 'a', sizeof(url));
    memcpy(url, "http://a/", 9);
    url[sizeof(url) - 2] = '!';
    url[sizeof(url) - 1] = '\0';
    for (size_t i = 0; i < sizeof(patterns) / sizeof(patterns[0]); i++) {
        char rules[256];
        snprintf(rules, sizeof(rules), "deny %s\nallow prefix /\n", patterns[i]);
        struct scope_rules *made = make(rules);
        struct url parsed = parse_url(url);
        struct scope_verdict verdict;
        double best = 1e9;
        for (int round = 0; round < 5; round++) {
            double start = thread_seconds();
            scope_rules_check(made, &parsed, &verdict);
            double took = thread_seconds() - start;
            best = took < best ? took : best;
        }
        if (getenv("SHOW_COSTS") != NULL)
            printf("%-60s %7.0f us%s\n", patterns[i], best * 1e6,
                   verdict.gave_up ? ", gave up" : "");
        assert_true(best < 0.1);
        assert_true(verdict.allowed != verdict.gave_up);
        scope_rules_free(made);
    }
}

static void a_rule_that_gives_up_takes_nothing_and_says_so(void **state)
{
    (void)state;
    char url[1000];
    memset(url, 'a', sizeof(url));
    memcpy(url, "http://a/", 9);
    url[sizeof(url) - 2] = 'b';
    url[sizeof(url) - 1] = '\0';
    struct scope_rules *rules = make("allow prefix /z\nallow regex (a+)+$\nallow prefix /\n");
    struct url parsed = parse_url(url);
    struct scope_verdict verdict;
    scope_rules_check(rules, &parsed, &verdict);
    assert_true(verdict.gave_up && !verdict.allowed);
    assert_int_equal(verdict.steps, SCOPE_STEPS_MAX);
    assert_int_equal(verdict.rule, 2);
    assert_string_equal(scope_verdict_words(rules, &verdict, &arena),
                        "rule 2: allow regex (a+)+$ (to compare this URL with it would take too "
                        "long)");
    scope_rules_free(rules);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_teardown(the_first_rule_that_matches_decides, forget),
        cmocka_unit_test_teardown(without_rules_everything_is_taken, forget),
        cmocka_unit_test_teardown(globs_know_slashes, forget),
        cmocka_unit_test_teardown(prefixes_are_brought_to_the_normal_form, forget),
        cmocka_unit_test_teardown(a_pattern_that_is_none_is_told_with_its_place, forget),
        cmocka_unit_test_teardown(no_pattern_costs_more_than_its_share, forget),
        cmocka_unit_test_teardown(a_rule_that_gives_up_takes_nothing_and_says_so, forget),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
