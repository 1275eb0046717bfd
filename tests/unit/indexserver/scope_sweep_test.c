/* What an edit of config.yaml means for pages that are held, and what a purge does. */
#include "tests/unit/indexserver/one_source.h"

/* HOST/ links to /a/1 ... and /b/1 ... */
struct two_folders {
    struct site_page pages[SITE_PAGES_MAX];
    char urls[SITE_PAGES_MAX][64];
    size_t count;
};

static void add_page(struct two_folders *site, const char *path)
{
    snprintf(site->urls[site->count], sizeof(site->urls[0]), HOST "%s", path);
    site->pages[site->count].url = site->urls[site->count];
    site->count++;
}

static void make_site(struct indexserver *ix, struct two_folders *site, unsigned a, unsigned b)
{
    char path[32];
    memset(site, 0, sizeof(*site));
    add_page(site, "/");
    for (unsigned i = 0; i < a + b; i++) {
        snprintf(path, sizeof(path), "/%c/%u", i < a ? 'a' : 'b', i);
        add_page(site, path);
    }
    for (unsigned i = 0; i < a + b; i++) { /* a chain of hubs: a page has few links */
        struct site_page *from = &site->pages[i / 8];
        from->links[i % 8] = site->urls[i + 1];
    }
    use_site(ix, site->pages, site->count);
}

static uint64_t held(struct indexserver *ix)
{
    return get_status(ix)->urls_fetched;
}

/* The writer's thread goes through sources between other work. */
static void wait_until_held(struct indexserver *ix, uint64_t wanted)
{
    for (int i = 0; i < 400 && held(ix) != wanted; i++)
        usleep(5000);
    assert_int_equal(held(ix), wanted);
}

static void wait_for_state(struct indexserver *ix, const char *wanted)
{
    for (int i = 0; i < 400 && strcmp(get_status(ix)->sources[0]->state, wanted) != 0; i++)
        usleep(5000);
    assert_string_equal(get_status(ix)->sources[0]->state, wanted);
}

static size_t documents(struct indexserver *ix)
{
    size_t count = 0;
    for (const char *at = whole_feed(ix); (at = strstr(at, "doc ")) != NULL; at++)
        count++;
    return count;
}

static void pages_that_a_new_rule_denies_leave_the_index(void **state)
{
    struct indexserver *ix = *state;
    struct one_source one;
    struct two_folders site;
    make_site(ix, &site, 30, 5);
    init_source(&one, HOST "/");
    take_settings(ix, &one.crawl);
    crawl_all(ix, 200);
    assert_int_equal(held(ix), 36);
    add_rule(&one, false, LOG__RULE_KIND__RULE_PREFIX, "/b/");
    take_settings(ix, &one.crawl);
    wait_until_held(ix, 31);
    assert_int_equal(documents(ix), 31);
    wait_for_state(ix, "done");
    /* and come back without it: their hubs are not fetched again, but looked at */
    one.source.n_rules = 0;
    unsigned fetches = ix->fetches;
    take_settings(ix, &one.crawl);
    crawl_all(ix, 300);
    assert_int_equal(held(ix), 36);
    assert_int_equal(ix->fetches, fetches + 5);
    assert_int_equal(documents(ix), 36);
}

static void links_that_were_passed_over_are_followed_when_a_rule_falls(void **state)
{
    struct indexserver *ix = *state;
    struct one_source one;
    struct two_folders site;
    make_site(ix, &site, 4, 3);
    init_source(&one, HOST "/");
    one.source.max_depth = 2;
    add_rule(&one, false, LOG__RULE_KIND__RULE_PREFIX, "/b/");
    take_settings(ix, &one.crawl);
    crawl_all(ix, 200);
    assert_int_equal(held(ix), 5);
    one.source.n_rules = 0;
    take_settings(ix, &one.crawl);
    crawl_all(ix, 300);
    assert_int_equal(held(ix), 8);
    assert_int_equal(ix->fetches, 8);
    one.source.max_depth = 1; /* what is found so has its depth */
    take_settings(ix, &one.crawl);
    wait_until_held(ix, 1);
}

static void a_slip_of_the_pen_takes_nothing_away(void **state)
{
    struct indexserver *ix = *state;
    struct one_source one;
    struct two_folders site;
    make_site(ix, &site, 20, 15);
    init_source(&one, HOST "/");
    take_settings(ix, &one.crawl);
    crawl_all(ix, 200);
    add_rule(&one, true, LOG__RULE_KIND__RULE_GLOB, "/");
    add_rule(&one, false, LOG__RULE_KIND__RULE_PREFIX, "/b");
    take_settings(ix, &one.crawl);
    const char *wanted =
        "keeps 15 pages that its scope denies: `tierce confirm " HOST "/` lets them go";
    wait_for_state(ix, wanted);
    assert_int_equal(held(ix), 36);
    restart(ix);
    wait_for_state(ix, wanted);
    assert_int_equal(held(ix), 36);
    assert_int_equal(control(ix, LOG__ACTION__ACTION_CONFIRM, HOST "/"), STATUS_OK);
    wait_until_held(ix, 21);
    wait_for_state(ix, "done");
    restart(ix);
    assert_int_equal(held(ix), 21);
    assert_int_equal(control(ix, LOG__ACTION__ACTION_CONFIRM, ""), STATUS_INVALID);
}

static void another_edit_makes_good_what_a_slip_kept(void **state)
{
    struct indexserver *ix = *state;
    struct one_source one;
    struct two_folders site;
    make_site(ix, &site, 20, 15);
    init_source(&one, HOST "/");
    take_settings(ix, &one.crawl);
    crawl_all(ix, 200);
    one.source.prefix = (char *)HOST "/a/";
    one.source.url = (char *)HOST "/a/0";
    take_settings(ix, &one.crawl);
    one.source.prefix = (char *)"";
    one.source.url = (char *)HOST "/";
    take_settings(ix, &one.crawl);
    for (int i = 0; i < 400 && strncmp(get_status(ix)->sources[0]->state, "keeps", 5) == 0; i++)
        usleep(5000);
    crawl_all(ix, 200);
    assert_int_equal(held(ix), 36);
}

static void a_page_in_another_spelling_is_fetched_in_that_one(void **state)
{
    struct indexserver *ix = *state;
    struct one_source one;
    struct site_page site[] = {{.url = HOST "/", .links = {HOST "/a?sort=1&p=2"}},
                               {.url = HOST "/a?sort=1&p=2"},
                               {.url = HOST "/a?p=2"}};
    char *names[] = {(char *)"sort"};
    use_site(ix, site, 3);
    init_source(&one, HOST "/");
    take_settings(ix, &one.crawl);
    crawl_all(ix, 200);
    assert_true(was_fetched(ix, HOST "/a?sort=1&p=2"));
    one.source.query = LOG__QUERY_POLICY__QUERY_DROP_LISTED;
    one.source.drop_parameters = names;
    one.source.n_drop_parameters = 1;
    take_settings(ix, &one.crawl);
    crawl_all(ix, 300);
    assert_int_equal(held(ix), 2);
    assert_true(was_fetched(ix, HOST "/a?p=2"));
}

static void a_page_that_waits_in_another_spelling_is_not_fetched_in_the_old_one(void **state)
{
    struct indexserver *ix = *state;
    struct one_source one;
    struct site_page site[] = {
        {.url = HOST "/", .links = {HOST "/a?p=2"}}, {.url = HOST "/a?p=2"}, {.url = HOST "/a"}};
    use_site(ix, site, 3);
    init_source(&one, HOST "/");
    take_settings(ix, &one.crawl);
    work_on(ix, lease(ix, 8, 200)->leases[0]); /* robots.txt */
    work_on(ix, lease(ix, 8, 200)->leases[0]);
    assert_true(was_fetched(ix, HOST "/"));
    one.source.query = LOG__QUERY_POLICY__QUERY_DROP_ALL;
    take_settings(ix, &one.crawl);
    crawl_all(ix, 300);
    assert_true(was_fetched(ix, HOST "/a"));
    assert_int_equal(held(ix), 2);
}

static void a_more_specific_source_takes_over_its_pages(void **state)
{
    struct indexserver *ix = *state;
    struct one_source one;
    struct two_folders site;
    make_site(ix, &site, 3, 4);
    init_source(&one, HOST "/");
    take_settings(ix, &one.crawl);
    crawl_all(ix, 200);
    Log__Source second = LOG__SOURCE__INIT, *both[] = {&one.source, &second};
    second.url = (char *)HOST "/b/3";
    second.prefix = (char *)HOST "/b/";
    one.crawl.sources = both;
    one.crawl.n_sources = 2;
    take_settings(ix, &one.crawl);
    uint64_t fetched = 0;
    for (int i = 0; i < 400 && fetched != 4; i++) {
        usleep(5000);
        const Wire__IndexserverStatus *status = get_status(ix);
        for (size_t j = 0; j < status->n_sources; j++)
            if (strcmp(status->sources[j]->url, second.url) == 0)
                fetched = status->sources[j]->fetched;
    }
    assert_int_equal(fetched, 4);
    assert_int_equal(held(ix), 8);
}

/* ---- purge ----------------------------------------------------------------------------------- */

static void pages_of_a_source_that_was_taken_out_stay_until_they_are_purged(void **state)
{
    struct indexserver *ix = *state;
    struct one_source one;
    struct two_folders site;
    make_site(ix, &site, 30, 0);
    init_source(&one, HOST "/");
    take_settings(ix, &one.crawl);
    crawl_all(ix, 200);
    assert_int_equal(control(ix, LOG__ACTION__ACTION_PURGE, HOST "/"), STATUS_INVALID);
    assert_non_null(strstr(ix->err.text, "is in config.yaml: take it out first"));
    assert_int_equal(control(ix, LOG__ACTION__ACTION_PURGE, ""), STATUS_INVALID);
    one.crawl.n_sources = 0;
    take_settings(ix, &one.crawl);
    assert_int_equal(held(ix), 31);
    wait_for_state(ix, "no longer in config.yaml: `tierce purge " HOST "/` removes its pages");
    assert_int_equal(control(ix, LOG__ACTION__ACTION_PURGE, "127.0.0.1:8080"), STATUS_OK);
    wait_until_held(ix, 0);
    for (int i = 0; i < 400 && get_status(ix)->urls_known > 0; i++)
        usleep(5000);
    assert_int_equal(get_status(ix)->urls_known, 0);
    assert_int_equal(get_status(ix)->n_sources, 0);
    assert_int_equal(documents(ix), 0);
    /* and it is as if it had never been known */
    one.crawl.n_sources = 1;
    take_settings(ix, &one.crawl);
    crawl_all(ix, 300);
    assert_int_equal(held(ix), 31);
    assert_int_equal(documents(ix), 31);
    restart(ix);
    assert_int_equal(held(ix), 31);
}

static void make_views_anew(struct indexserver *ix)
{
    char views[PATH_MAX + 8];
    stop(ix);
    snprintf(views, sizeof(views), "%s/views", ix->folder);
    remove_tree(views);
    start(ix);
    for (int i = 0; i < 400 && get_status(ix)->paused[0] != '\0'; i++)
        usleep(10000);
}

static void what_was_purged_stays_so_when_the_views_are_made_anew(void **state)
{
    struct indexserver *ix = *state;
    struct two_folders site;
    make_site(ix, &site, 12, 0);
    submit(ix, HOST "/");
    submit(ix, "http://127.0.0.1:8081/");
    crawl_all(ix, 200);
    assert_int_equal(control(ix, LOG__ACTION__ACTION_PURGE, HOST "/"), STATUS_OK);
    wait_until_held(ix, 0);
    uint64_t known = get_status(ix)->urls_known;
    make_views_anew(ix);
    wait_until_held(ix, 0);
    assert_int_equal(get_status(ix)->urls_known, known);
}

static void what_was_asked_for_after_a_purge_stays_when_the_views_are_made_anew(void **state)
{
    struct indexserver *ix = *state;
    struct two_folders site;
    make_site(ix, &site, 12, 0);
    submit(ix, HOST "/");
    crawl_all(ix, 200);
    assert_int_equal(control(ix, LOG__ACTION__ACTION_PURGE, HOST "/"), STATUS_OK);
    wait_until_held(ix, 0);
    submit(ix, HOST "/");
    crawl_all(ix, 300);
    assert_int_equal(held(ix), 13);
    make_views_anew(ix);
    crawl_all(ix, 300); /* they are parsed anew */
    assert_int_equal(held(ix), 13);
    assert_int_equal(documents(ix), 13);
}

static void what_is_asked_for_while_a_purge_runs_is_spared(void **state)
{
    struct indexserver *ix = *state;
    struct two_folders site;
    make_site(ix, &site, 12, 0);
    submit(ix, HOST "/");
    crawl_all(ix, 200);
    assert_int_equal(control(ix, LOG__ACTION__ACTION_PURGE, HOST "/"), STATUS_OK);
    submit(ix, HOST "/a/3");
    crawl_all(ix, 300);
    wait_until_held(ix, 1);
    assert_true(was_fetched(ix, HOST "/a/3"));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        WITH_INDEXSERVER(pages_that_a_new_rule_denies_leave_the_index),
        WITH_INDEXSERVER(links_that_were_passed_over_are_followed_when_a_rule_falls),
        WITH_INDEXSERVER(a_slip_of_the_pen_takes_nothing_away),
        WITH_INDEXSERVER(another_edit_makes_good_what_a_slip_kept),
        WITH_INDEXSERVER(a_page_in_another_spelling_is_fetched_in_that_one),
        WITH_INDEXSERVER(a_page_that_waits_in_another_spelling_is_not_fetched_in_the_old_one),
        WITH_INDEXSERVER(a_more_specific_source_takes_over_its_pages),
        WITH_INDEXSERVER(pages_of_a_source_that_was_taken_out_stay_until_they_are_purged),
        WITH_INDEXSERVER(what_was_purged_stays_so_when_the_views_are_made_anew),
        WITH_INDEXSERVER(what_was_asked_for_after_a_purge_stays_when_the_views_are_made_anew),
        WITH_INDEXSERVER(what_is_asked_for_while_a_purge_runs_is_spared),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
