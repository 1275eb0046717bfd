/* An indexserver with one configured source, whose definition a test changes. */
#ifndef TIERCE_TESTS_INDEXSERVER_ONE_SOURCE_H
#define TIERCE_TESTS_INDEXSERVER_ONE_SOURCE_H

#include "tests/unit/indexserver/harness.h"

#define HOST "http://127.0.0.1:8080"

static UNUSED int set_up(void **state)
{
    struct indexserver *ix = indexserver_new();
    start_with_settings(ix);
    *state = ix;
    return 0;
}

static UNUSED int tear_down(void **state)
{
    indexserver_free(*state);
    return 0;
}

static UNUSED void use_site(struct indexserver *ix, struct site_page *site, size_t count)
{
    ix->site = site;
    ix->site_count = count;
}

/* One source of HOST, to be changed and taken again. */
struct one_source {
    Log__CrawlSettings crawl;
    Log__Source source;
    Log__Source *sources[1];
    Log__ScopeRule rules[8];
    Log__ScopeRule *rule_pointers[8];
};

static UNUSED void init_source(struct one_source *one, const char *url)
{
    memset(one, 0, sizeof(*one));
    init_settings(&one->crawl);
    log__source__init(&one->source);
    one->source.url = (char *)url;
    one->sources[0] = &one->source;
    one->crawl.sources = one->sources;
    one->crawl.n_sources = 1;
    one->source.rules = one->rule_pointers;
}

static UNUSED void add_rule(struct one_source *one, bool allow, Log__RuleKind kind,
                            const char *pattern)
{
    size_t i = one->source.n_rules++;
    log__scope_rule__init(&one->rules[i]);
    one->rules[i].allow = allow;
    one->rules[i].kind = kind;
    one->rules[i].pattern = (char *)pattern;
    one->rule_pointers[i] = &one->rules[i];
}

static UNUSED bool was_fetched(struct indexserver *ix, const char *url)
{
    return strncmp(lookup(ix, url, "content"), "ok", 2) == 0;
}

#define WITH_INDEXSERVER(test) cmocka_unit_test_setup_teardown(test, set_up, tear_down)

#endif
