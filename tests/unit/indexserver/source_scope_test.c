/* Which URLs a source takes, in which spelling, and when. */
#include "tests/unit/indexserver/one_source.h"

#include <time.h>

#include "indexserver/quiet_hours.h"
#include "indexserver/source_scope.h"

static void links_that_a_rule_denies_are_not_followed(void **state)
{
    struct indexserver *ix = *state;
    struct one_source one;
    struct site_page site[] = {
        {.url = HOST "/", .links = {HOST "/a", HOST "/private/b", HOST "/x.pdf", HOST "/c/d"}},
        {.url = HOST "/a"},
        {.url = HOST "/private/b"},
        {.url = HOST "/x.pdf"},
        {.url = HOST "/c/d"}};
    use_site(ix, site, 5);
    init_source(&one, HOST "/");
    add_rule(&one, false, LOG__RULE_KIND__RULE_PREFIX, "/private/");
    add_rule(&one, true, LOG__RULE_KIND__RULE_GLOB, "/c/*");
    add_rule(&one, false, LOG__RULE_KIND__RULE_REGEX, "\\.pdf$");
    take_settings(ix, &one.crawl);
    crawl_all(ix, 200);
    assert_int_equal(ix->fetches, 3);
    assert_true(was_fetched(ix, HOST "/a") && was_fetched(ix, HOST "/c/d"));
    assert_string_equal(lookup(ix, HOST "/private/b", "scope"),
                        "stopped: source " HOST "/ does not take it: rule 1: deny prefix "
                        "/private/");
    const Wire__SubmitReply *reply = submit(ix, HOST "/x.pdf");
    assert_int_equal(reply->accepted, 0);
    assert_string_equal(reply->rejected[0]->reason,
                        "source " HOST "/ does not take it: rule 3: deny regex \\.pdf$");
}

static void what_waits_and_is_denied_by_a_later_rule_is_not_fetched(void **state)
{
    struct indexserver *ix = *state;
    struct one_source one;
    struct site_page site[] = {
        {.url = HOST "/", .links = {HOST "/a", HOST "/b"}}, {.url = HOST "/a"}, {.url = HOST "/b"}};
    use_site(ix, site, 3);
    init_source(&one, HOST "/");
    take_settings(ix, &one.crawl);
    work_on(ix, lease(ix, 1, 1000)->leases[0]); /* robots.txt */
    work_on(ix, lease(ix, 1, 1000)->leases[0]); /* the first page */
    add_rule(&one, false, LOG__RULE_KIND__RULE_PREFIX, "/b");
    take_settings(ix, &one.crawl);
    crawl_all(ix, 200);
    assert_int_equal(ix->fetches, 2);
    assert_non_null(strstr(lookup(ix, HOST "/b", "scope"), "rule 1: deny prefix /b"));
}

static void links_are_followed_to_a_depth_and_no_further(void **state)
{
    struct indexserver *ix = *state;
    struct one_source one;
    struct site_page site[] = {{.url = HOST "/", .links = {HOST "/1"}},
                               {.url = HOST "/1", .links = {HOST "/2"}},
                               {.url = HOST "/2", .links = {HOST "/3"}},
                               {.url = HOST "/3"}};
    use_site(ix, site, 4);
    init_source(&one, HOST "/");
    one.source.max_depth = 3; /* two links away */
    take_settings(ix, &one.crawl);
    crawl_all(ix, 200);
    assert_int_equal(ix->fetches, 3);
    assert_true(was_fetched(ix, HOST "/2"));
}

static void tracking_parameters_make_no_second_page(void **state)
{
    struct indexserver *ix = *state;
    struct one_source one;
    struct site_page site[] = {
        {.url = HOST "/",
         .links = {HOST "/a?utm_source=x", HOST "/a", HOST "/a?fbclid=1", HOST "/b?sort=up&p=1"}},
        {.url = HOST "/a"},
        {.url = HOST "/b?p=1"}};
    char *names[] = {(char *)"sort"};
    use_site(ix, site, 3);
    init_source(&one, HOST "/");
    one.source.query = LOG__QUERY_POLICY__QUERY_DROP_LISTED;
    one.source.drop_parameters = names;
    one.source.n_drop_parameters = 1;
    take_settings(ix, &one.crawl);
    crawl_all(ix, 200);
    assert_int_equal(ix->fetches, 3);
    assert_int_equal(get_status(ix)->urls_known, 3);
    assert_string_equal(whole_feed(ix), "doc / version 0; doc a version 0; doc b?p=1 version 0; "
                                        "edge />a; edge />b?p=1; ");
    assert_true(was_fetched(ix, HOST "/b?sort=up&p=1")); /* asked for in any spelling */
    assert_int_equal(submit(ix, HOST "/a?gclid=2")->accepted, 1);
    crawl_all(ix, 200);
    assert_int_equal(ix->fetches, 4);
    assert_int_equal(get_status(ix)->urls_known, 3);
}

static void a_site_that_redirects_to_a_spelling_insists_on_it(void **state)
{
    struct indexserver *ix = *state;
    struct site_page site[] = {{.url = HOST "/a", .status = 302, .target = HOST "/a?PHPSESSID=1"},
                               {.url = HOST "/a?PHPSESSID=1"}};
    use_site(ix, site, 2);
    submit(ix, HOST "/a");
    crawl_all(ix, 200);
    assert_int_equal(ix->fetches, 2);
    assert_int_equal(get_status(ix)->urls_fetched, 1);
}

static void seeds_sitemaps_and_feeds_of_a_source_are_fetched(void **state)
{
    struct indexserver *ix = *state;
    struct one_source one;
    struct site_page site[] = {{.url = HOST "/d/"},
                               {.url = HOST "/d/x"},
                               {.url = HOST "/sitemap.xml"},
                               {.url = HOST "/feed?utm_source=f"}};
    char *seeds[] = {(char *)HOST "/d/x"}, *sitemaps[] = {(char *)HOST "/sitemap.xml"},
         *feeds[] = {(char *)HOST "/feed?utm_source=f"};
    use_site(ix, site, 4);
    init_source(&one, HOST "/d/");
    one.source.prefix = (char *)HOST "/d/";
    add_rule(&one, true, LOG__RULE_KIND__RULE_PREFIX, "/d/");
    add_rule(&one, false, LOG__RULE_KIND__RULE_PREFIX, "/");
    one.source.max_depth = 1;
    one.source.seeds = seeds;
    one.source.sitemaps = sitemaps;
    one.source.feeds = feeds;
    one.source.n_seeds = one.source.n_sitemaps = one.source.n_feeds = 1;
    take_settings(ix, &one.crawl);
    crawl_all(ix, 200);
    assert_int_equal(ix->fetches, 4);
    for (int i = 0; i < 4; i++)
        assert_non_null(site_find(ix, site[i].url));
    take_settings(ix, &one.crawl);
    crawl_all(ix, 100);
    assert_int_equal(ix->fetches, 4); /* once */
}

static void sitemaps_that_robots_txt_names_are_fetched_unless_a_source_wants_none(void **state)
{
    struct indexserver *ix = *state;
    struct one_source one;
    struct site_page site[] = {{.url = HOST "/d/"}, {.url = HOST "/map.xml"}};
    use_site(ix, site, 2);
    ix->robots = "Sitemap: " HOST "/map.xml\nSitemap: http://elsewhere.example/map.xml\n";
    init_source(&one, HOST "/d/");
    one.source.prefix = (char *)HOST "/d/";
    add_rule(&one, true, LOG__RULE_KIND__RULE_PREFIX, "/d/");
    add_rule(&one, false, LOG__RULE_KIND__RULE_PREFIX, "/");
    take_settings(ix, &one.crawl);
    crawl_all(ix, 200);
    assert_int_equal(ix->fetches, 2);
    assert_int_equal(get_status(ix)->urls_known, 1); /* a sitemap is no page */
}

static void a_source_that_wants_no_sitemaps_gets_none(void **state)
{
    struct indexserver *ix = *state;
    struct one_source one;
    struct site_page site[] = {{.url = HOST "/"}, {.url = HOST "/map.xml"}};
    use_site(ix, site, 2);
    ix->robots = "Sitemap: " HOST "/map.xml\n";
    init_source(&one, HOST "/");
    one.source.no_sitemaps = true;
    take_settings(ix, &one.crawl);
    crawl_all(ix, 200);
    assert_int_equal(ix->fetches, 1);
}

static void an_owner_may_pass_over_robots_of_his_own_site(void **state)
{
    struct indexserver *ix = *state;
    struct one_source one;
    struct site_page site[] = {{.url = HOST "/", .links = {HOST "/a"}}, {.url = HOST "/a"}};
    use_site(ix, site, 2);
    ix->robots = "User-agent: *\nDisallow: /\n";
    init_source(&one, HOST "/");
    one.source.ignore_robots = true;
    one.source.user_agent = (char *)"Own/1";
    take_settings(ix, &one.crawl);
    const Wire__HostLease *given = lease(ix, 1, 1000)->leases[0];
    assert_string_equal(given->user_agent, "Own/1");
    assert_int_equal(given->urls[0]->kind, WIRE__FETCH_KIND__FETCH_PAGE);
    work_on(ix, given);
    crawl_all(ix, 200);
    assert_int_equal(ix->fetches, 2);
    one.source.ignore_robots = false;
    take_settings(ix, &one.crawl);
    submit(ix, HOST "/b");
    crawl_all(ix, 200);
    assert_int_equal(ix->fetches, 2);
}

/* ---- quiet hours ----------------------------------------------------------------------------- */

static unsigned minute_of_now(void)
{
    time_t now = time(NULL);
    struct tm local;
    localtime_r(&now, &local);
    return (unsigned)local.tm_hour * 60 + (unsigned)local.tm_min;
}

static void nothing_is_fetched_in_quiet_hours(void **state)
{
    struct indexserver *ix = *state;
    struct one_source one;
    struct site_page site[] = {{.url = HOST "/"}};
    Log__QuietHours hours = LOG__QUIET_HOURS__INIT, *list[] = {&hours};
    use_site(ix, site, 1);
    init_source(&one, HOST "/");
    one.source.quiet_hours = list;
    one.source.n_quiet_hours = 1;
    hours.from_minute = (minute_of_now() + 1430) % 1440;
    hours.to_minute = (minute_of_now() + 10) % 1440;
    take_settings(ix, &one.crawl);
    crawl_all(ix, 200);
    assert_int_equal(ix->fetches, 0);
    const char *words = get_status(ix)->sources[0]->state;
    char until[32];
    snprintf(until, sizeof(until), "quiet until %02u:%02u", hours.to_minute / 60,
             hours.to_minute % 60);
    assert_string_equal(words, until);
    hours.from_minute = (minute_of_now() + 10) % 1440;
    hours.to_minute = (minute_of_now() + 20) % 1440;
    take_settings(ix, &one.crawl);
    crawl_all(ix, 200);
    assert_int_equal(ix->fetches, 1);
}

static int64_t at_local(int hour, int minute, int second)
{
    struct tm local = {.tm_year = 126, .tm_mon = 2, .tm_mday = 28, .tm_isdst = -1};
    local.tm_hour = hour;
    local.tm_min = minute;
    local.tm_sec = second;
    return (int64_t)mktime(&local) * 1000;
}

static void quiet_hours_end_by_the_clock_on_the_wall(void **state)
{
    (void)state;
    setenv("TZ", "Europe/Berlin", 1);
    tzset();
    Log__QuietHours night = LOG__QUIET_HOURS__INIT, noon = night, morning = night;
    night.from_minute = 22 * 60;
    night.to_minute = 6 * 60;
    noon.from_minute = 12 * 60;
    noon.to_minute = 13 * 60;
    morning.from_minute = 6 * 60;
    morning.to_minute = 12 * 60;
    Log__QuietHours *list[] = {&night, &noon, &morning};
    assert_true(quiet_hours_end_ms(list, 2, at_local(21, 59, 59)) == 0);
    assert_true(quiet_hours_end_ms(list, 2, at_local(5, 59, 59) + 999) == at_local(6, 0, 0));
    assert_true(quiet_hours_end_ms(list, 2, at_local(6, 0, 0)) == 0);
    assert_true(quiet_hours_end_ms(list, 2, at_local(12, 30, 5)) == at_local(13, 0, 0));
    /* the clock is put forward in the night to the 29th: an hour less */
    assert_true(quiet_hours_end_ms(list, 2, at_local(22, 0, 0)) ==
                at_local(22, 0, 0) + (int64_t)7 * 3600 * 1000);
    assert_true(quiet_hours_end_ms(list, 3, at_local(3, 0, 0)) == at_local(13, 0, 0));
    Log__QuietHours all = LOG__QUIET_HOURS__INIT;
    all.to_minute = 24 * 60;
    Log__QuietHours *always[] = {&all};
    assert_true(quiet_hours_end_ms(always, 1, at_local(3, 0, 0)) == at_local(27, 0, 0));
    assert_true(quiet_hours_end_ms(NULL, 0, 0) == 0);
    unsetenv("TZ");
    tzset();
}

/* ---- names ----------------------------------------------------------------------------------- */

static void a_source_is_named_by_its_url_or_its_host(void **state)
{
    struct indexserver *ix = *state;
    submit(ix, HOST "/a");
    submit(ix, "http://127.0.0.2/");
    assert_int_equal(control(ix, LOG__ACTION__ACTION_PAUSE, "127.0.0.1:8080"), STATUS_OK);
    assert_string_equal(lookup(ix, HOST "/a", "frontier"), "stopped: its source: paused");
    assert_int_equal(control(ix, LOG__ACTION__ACTION_RESUME, "HTTP://127.0.0.1:8080/a#x"),
                     STATUS_OK);
    assert_int_equal(control(ix, LOG__ACTION__ACTION_PAUSE, "127.0.0.2"), STATUS_OK);
    assert_int_equal(control(ix, LOG__ACTION__ACTION_PAUSE, "127.0.0.9"), STATUS_NOT_FOUND);
    assert_string_equal(ix->err.text,
                        "no source 127.0.0.9; sources: " HOST "/a, http://127.0.0.2/");
    submit(ix, "http://127.0.0.2:81/");
    assert_int_equal(control(ix, LOG__ACTION__ACTION_PAUSE, "127.0.0.2:81"), STATUS_OK);
    submit(ix, "http://127.0.0.1:81/");
    assert_int_equal(control(ix, LOG__ACTION__ACTION_PAUSE, "127.0.0.1"), STATUS_CONFLICT);
    assert_string_equal(ix->err.text, "127.0.0.1 has several sources, name one of them: " HOST
                                      "/a, http://127.0.0.1:81/");
}

/* ---- comparing ------------------------------------------------------------------------------- */

static void definitions_differ_where_they_take_other_urls(void **state)
{
    (void)state;
    struct one_source a, b;
    init_source(&a, HOST "/");
    init_source(&b, HOST "/");
    add_rule(&a, true, LOG__RULE_KIND__RULE_PREFIX, "/a");
    add_rule(&b, true, LOG__RULE_KIND__RULE_PREFIX, "/a");
    b.source.delay_ms = 5;
    b.source.max_pages = 7;
    assert_true(source_scope_is_same(&a.source, &b.source));
    b.rules[0].allow = false;
    assert_false(source_scope_is_same(&a.source, &b.source));
    b.rules[0].allow = true;
    b.source.max_depth = 1;
    assert_false(source_scope_is_same(&a.source, &b.source));
    b.source.max_depth = 0;
    b.source.query = LOG__QUERY_POLICY__QUERY_DROP_ALL;
    assert_false(source_scope_is_same(&a.source, &b.source));
    b.source.query = LOG__QUERY_POLICY__QUERY_KEEP;
    b.source.prefix = (char *)HOST "/a";
    assert_false(source_scope_is_same(&a.source, &b.source));
}

static void rules_of_another_version_take_nothing(void **state)
{
    (void)state;
    struct one_source one;
    struct arena arena = {0};
    struct url url;
    init_source(&one, HOST "/");
    add_rule(&one, true, LOG__RULE_KIND__RULE_REGEX, "a(");
    struct source_scope *scope = source_scope_new(&one.source);
    assert_int_equal(url_parse(HOST "/a(", strlen(HOST "/a("), NULL, &arena, &url, NULL),
                     STATUS_OK);
    assert_false(source_scope_takes(scope, &url, 0));
    assert_string_equal(source_scope_words(scope, &url, 0, &arena), "its rules cannot be read");
    source_scope_free(scope);
    arena_release(&arena);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        WITH_INDEXSERVER(links_that_a_rule_denies_are_not_followed),
        WITH_INDEXSERVER(what_waits_and_is_denied_by_a_later_rule_is_not_fetched),
        WITH_INDEXSERVER(links_are_followed_to_a_depth_and_no_further),
        WITH_INDEXSERVER(tracking_parameters_make_no_second_page),
        WITH_INDEXSERVER(a_site_that_redirects_to_a_spelling_insists_on_it),
        WITH_INDEXSERVER(seeds_sitemaps_and_feeds_of_a_source_are_fetched),
        WITH_INDEXSERVER(sitemaps_that_robots_txt_names_are_fetched_unless_a_source_wants_none),
        WITH_INDEXSERVER(a_source_that_wants_no_sitemaps_gets_none),
        WITH_INDEXSERVER(an_owner_may_pass_over_robots_of_his_own_site),
        WITH_INDEXSERVER(nothing_is_fetched_in_quiet_hours),
        cmocka_unit_test(quiet_hours_end_by_the_clock_on_the_wall),
        WITH_INDEXSERVER(a_source_is_named_by_its_url_or_its_host),
        cmocka_unit_test(definitions_differ_where_they_take_other_urls),
        cmocka_unit_test(rules_of_another_version_take_nothing),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
