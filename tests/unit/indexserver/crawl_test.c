#include "tests/unit/indexserver/harness.h"

#include "indexserver/pages.h"
#include "indexserver/service_parts.h"

#define HOST "http://127.0.0.1:8080"

static struct site_page manual[] = {
    {.url = HOST "/", .links = {HOST "/a", HOST "/b", "http://example.org/far", HOST "/a"}},
    {.url = HOST "/a", .links = {HOST "/b", HOST "/c", HOST "/a"}},
    {.url = HOST "/b", .links = {HOST "/", "!" HOST "/secret"}},
    {.url = HOST "/c", .links = {HOST "/missing"}},
    {.url = HOST "/secret"},
};

static int set_up(void **state)
{
    struct indexserver *ix = indexserver_new();
    start_with_settings(ix);
    ix->site = manual;
    ix->site_count = sizeof(manual) / sizeof(manual[0]);
    *state = ix;
    return 0;
}

static int tear_down(void **state)
{
    indexserver_free(*state);
    return 0;
}

static void a_submitted_site_is_crawled_and_fed_once(void **state)
{
    struct indexserver *ix = *state;
    const Wire__SubmitReply *reply = submit(ix, HOST "/");
    assert_int_equal(reply->accepted, 1);
    assert_true(reply->sequence > 0);
    crawl_all(ix, 50);
    assert_int_equal(ix->fetches, 5); /* /, a, b, c, missing: not the nofollow one */
    assert_string_equal(whole_feed(ix),
                        "doc / version 0; doc a version 0; doc b version 0; doc c version 0; "
                        "edge />a; edge />b; edge />far; edge a>b; edge a>c; edge b>/; "
                        "edge b>secret; edge c>missing; ");
    const Wire__IndexserverStatus *status = get_status(ix);
    assert_int_equal(status->urls_known, 5);
    assert_int_equal(status->urls_fetched, 4);
    assert_int_equal(status->urls_queued, 0);
    assert_int_equal(status->urls_leased, 0);
    assert_int_equal(status->pages, 4);
    assert_int_equal(status->n_sources, 1);
    assert_string_equal(status->sources[0]->state, "done");
    assert_int_equal(status->sources[0]->failed, 1);
}

static void robots_txt_comes_first_and_alone(void **state)
{
    struct indexserver *ix = *state;
    submit(ix, HOST "/");
    submit(ix, HOST "/a");
    const Wire__LeaseReply *reply = lease(ix, 8, 1000);
    assert_int_equal(reply->n_leases, 1);
    assert_int_equal(reply->leases[0]->n_urls, 1);
    assert_int_equal(reply->leases[0]->urls[0]->kind, WIRE__FETCH_KIND__FETCH_ROBOTS);
    assert_string_equal(reply->leases[0]->urls[0]->url, HOST "/robots.txt");
    assert_true(reply->leases[0]->allow_private);
    work_on(ix, reply->leases[0]);
    reply = lease(ix, 8, 1000);
    assert_int_equal(reply->leases[0]->n_urls, 2);
    assert_string_equal(reply->leases[0]->urls[0]->url, HOST "/");
}

static void what_robots_txt_forbids_is_not_leased_and_why_says_the_line(void **state)
{
    struct indexserver *ix = *state;
    ix->robots = "User-agent: *\nDisallow: /a\n";
    submit(ix, HOST "/");
    crawl_all(ix, 50);
    assert_int_equal(ix->fetches, 2); /* / and b */
    assert_string_equal(whole_feed(ix), "doc / version 0; doc b version 0; edge />a; edge />b; "
                                        "edge />far; edge b>/; edge b>secret; ");
    assert_string_equal(lookup(ix, HOST "/a", "robots"), "stopped: line 2: Disallow: /a");
    assert_string_equal(lookup(ix, HOST "/a", "fetch"), "stopped: line 2: Disallow: /a");
}

static void a_page_that_robots_txt_forbids_later_is_taken_away(void **state)
{
    struct indexserver *ix = *state;
    struct site_page site[] = {{.url = HOST "/a"}, {.url = HOST "/b"}};
    Log__CrawlSettings crawl;
    ix->site = site;
    ix->site_count = 2;
    init_settings(&crawl);
    crawl.robots_ttl_s = 1;
    take_settings(ix, &crawl);
    submit(ix, HOST "/a");
    submit(ix, HOST "/b");
    crawl_all(ix, 50);
    struct replica replica = {.count = 0};
    uint64_t at = replica_follow(ix, &replica, 0);
    assert_string_equal(replica_text(ix, &replica), "doc a version 0; doc b version 0; ");
    ix->robots = "User-agent: Tierce\nDisallow: /a\n";
    usleep(1100 * 1000);
    submit(ix, HOST "/a");
    crawl_all(ix, 50);
    replica_follow(ix, &replica, at);
    assert_string_equal(replica_text(ix, &replica), "doc b version 0; ");
    assert_string_equal(whole_feed(ix), "doc b version 0; ");
    assert_int_equal(get_status(ix)->urls_fetched, 1);
}

static void an_unreachable_robots_txt_forbids_everything_for_now(void **state)
{
    struct indexserver *ix = *state;
    submit(ix, HOST "/");
    const Wire__LeaseReply *reply = lease(ix, 1, 1000);
    Wire__Fetched *fetched = fetch(ix, reply->leases[0], reply->leases[0]->urls[0]);
    fetched->robots->hops[0]->status = 503;
    report(ix, &fetched, 1, &reply->leases[0]->lease, 1);
    assert_int_equal(lease(ix, 1, 100)->n_leases, 0);
    assert_non_null(
        strstr(lookup(ix, HOST "/", "robots"), "waiting: robots.txt cannot be reached"));
}

static void one_host_has_one_lease_at_a_time(void **state)
{
    struct indexserver *ix = *state;
    submit(ix, HOST "/");
    submit(ix, HOST "/a");
    submit(ix, "http://127.0.0.1:8081/");
    const Wire__LeaseReply *first = lease(ix, 1, 1000);
    assert_int_equal(first->n_leases, 1);
    const Wire__LeaseReply *second = lease(ix, 8, 1000);
    assert_int_equal(second->n_leases, 1);
    assert_string_not_equal(first->leases[0]->origin, second->leases[0]->origin);
    assert_int_equal(lease(ix, 8, 100)->n_leases, 0);
    work_on(ix, first->leases[0]);
    assert_int_equal(lease(ix, 8, 1000)->n_leases, 1);
}

static void the_delay_begins_when_the_lease_ends(void **state)
{
    struct indexserver *ix = *state;
    Log__CrawlSettings crawl;
    init_settings(&crawl);
    crawl.delay_ms = 300;
    take_settings(ix, &crawl);
    submit(ix, HOST "/");
    const Wire__LeaseReply *reply = lease(ix, 1, 2000);
    assert_int_equal(reply->leases[0]->delay_ms, 300);
    int64_t fetched = clock_boot_ms();
    work_on(ix, reply->leases[0]);
    assert_int_equal(lease(ix, 1, 10000)->n_leases, 1);
    assert_true(clock_boot_ms() - fetched >= 300);
}

static void crawl_delay_of_robots_txt_is_kept_where_it_is_longer(void **state)
{
    struct indexserver *ix = *state;
    ix->robots = "User-agent: *\nCrawl-delay: 2\n";
    submit(ix, HOST "/");
    work_on(ix, lease(ix, 1, 1000)->leases[0]);
    const Wire__LeaseReply *reply = lease(ix, 1, 5000);
    assert_int_equal(reply->leases[0]->delay_ms, 2000);
}

static void a_busy_server_is_left_alone_as_long_as_it_asks(void **state)
{
    struct indexserver *ix = *state;
    submit(ix, HOST "/");
    work_on(ix, lease(ix, 1, 1000)->leases[0]);
    const Wire__LeaseReply *reply = lease(ix, 1, 1000);
    Wire__Fetched *fetched = fetch(ix, reply->leases[0], reply->leases[0]->urls[0]);
    fetched->result_case = WIRE__FETCHED__RESULT_OUTCOME;
    fetched->page = NULL;
    fetched->outcome = make_outcome(ix, HOST "/", 429, NULL);
    fetched->outcome->reason = LOG__REASON__REASON_RETRY_LATER;
    fetched->outcome->retry_after_s = 1;
    int64_t at = clock_boot_ms();
    report(ix, &fetched, 1, &reply->leases[0]->lease, 1);
    reply = lease(ix, 1, 5000);
    assert_int_equal(reply->n_leases, 1);
    assert_true(clock_boot_ms() - at >= 990);
}

static void a_redirect_is_followed_and_is_no_document(void **state)
{
    struct indexserver *ix = *state;
    struct site_page site[] = {
        {.url = HOST "/", .status = 301, .target = HOST "/new"},
        {.url = HOST "/new"},
    };
    ix->site = site;
    ix->site_count = 2;
    submit(ix, HOST "/");
    crawl_all(ix, 50);
    assert_string_equal(whole_feed(ix), "doc new version 0; ");
    assert_string_equal(lookup(ix, HOST "/", "fetch"), "stopped: leads to " HOST "/new");
}

static void redirects_in_a_circle_end(void **state)
{
    struct indexserver *ix = *state;
    struct site_page site[20];
    char urls[21][64];
    memset(site, 0, sizeof(site));
    for (int i = 0; i < 21; i++)
        snprintf(urls[i], sizeof(urls[i]), HOST "/r%d", i);
    for (int i = 0; i < 20; i++)
        site[i] = (struct site_page){.url = urls[i], .status = 302, .target = urls[i + 1]};
    ix->site = site;
    ix->site_count = 20;
    submit(ix, urls[0]);
    crawl_all(ix, 50);
    assert_int_equal(ix->fetches, 11);
}

static void a_page_that_is_gone_goes_from_the_feed(void **state)
{
    struct indexserver *ix = *state;
    struct site_page site[] = {{.url = HOST "/", .links = {HOST "/a"}}, {.url = HOST "/a"}};
    struct replica replica = {.count = 0};
    ix->site = site;
    ix->site_count = 2;
    submit(ix, HOST "/");
    crawl_all(ix, 50);
    uint64_t at = replica_follow(ix, &replica, 0);
    assert_string_equal(replica_text(ix, &replica), "doc / version 0; doc a version 0; edge />a; ");
    site[1].status = 503; /* errors of the server take nothing away */
    submit(ix, HOST "/a");
    crawl_all(ix, 50);
    at = replica_follow(ix, &replica, at);
    assert_non_null(strstr(replica_text(ix, &replica), "doc a "));
    site[1].status = 404; /* as little as one of these, or two within a day */
    for (int i = 0; i < 2; i++) {
        submit(ix, HOST "/a");
        crawl_all(ix, 50);
        at = replica_follow(ix, &replica, at);
        assert_non_null(strstr(replica_text(ix, &replica), "doc a "));
    }
    site[0].status = site[1].status = 410; /* this one does at once */
    submit(ix, HOST "/");
    submit(ix, HOST "/a");
    crawl_all(ix, 50);
    replica_follow(ix, &replica, at);
    assert_string_equal(replica_text(ix, &replica), "");
    assert_string_equal(whole_feed(ix), "");
}

static void a_new_version_replaces_the_old_one_and_its_edges(void **state)
{
    struct indexserver *ix = *state;
    struct site_page site[] = {{.url = HOST "/", .links = {HOST "/a", HOST "/b"}},
                               {.url = HOST "/a"},
                               {.url = HOST "/b"},
                               {.url = HOST "/c"}};
    struct replica replica = {.count = 0};
    ix->site = site;
    ix->site_count = 4;
    submit(ix, HOST "/");
    crawl_all(ix, 50);
    uint64_t at = replica_follow(ix, &replica, 0);
    site[0] = (struct site_page){.url = HOST "/", .links = {HOST "/b", HOST "/c"}, .version = 2};
    submit(ix, HOST "/");
    crawl_all(ix, 50);
    assert_int_equal(read_feed(ix, at, 0)->n_items, 4); /* two documents, an edge more, one less */
    static const char expected[] = "doc / version 2; doc a version 0; doc b version 0; "
                                   "doc c version 0; edge />b; edge />c; ";
    replica_follow(ix, &replica, at);
    assert_string_equal(replica_text(ix, &replica), expected);
    assert_string_equal(whole_feed(ix), expected);
    /* back again */
    site[0] = (struct site_page){.url = HOST "/", .links = {HOST "/a"}, .version = 3};
    submit(ix, HOST "/");
    crawl_all(ix, 50);
    replica_follow(ix, &replica, at);
    assert_non_null(strstr(replica_text(ix, &replica), "edge />a; "));
    assert_null(strstr(replica_text(ix, &replica), "edge />b; "));
}

/* Paths of the pages that have the text of that version, apart from one. */
static const char *with_text_of(struct indexserver *ix, unsigned version, const char *but)
{
    static char paths[100];
    const char *urls[PAGES_SAME_TEXT_MAX];
    size_t count = 0;
    const char *text = arena_format(&ix->arena, "version %u", version);
    assert_int_equal(pages_same_text(ix->service->views, hash64(text, strlen(text)), but,
                                     &ix->arena, urls, &count, &ix->err),
                     STATUS_OK);
    paths[0] = '\0';
    for (size_t i = 0; i < count; i++)
        strcat(paths, urls[i] + strlen(HOST));
    return paths;
}

static void pages_with_the_same_text_are_found_until_it_changes(void **state)
{
    struct indexserver *ix = *state;
    struct site_page site[] = {{.url = HOST "/", .links = {HOST "/a", HOST "/b", HOST "/c"}},
                               {.url = HOST "/a"},
                               {.url = HOST "/b", .version = 1},
                               {.url = HOST "/c"}};
    ix->site = site;
    ix->site_count = 4;
    submit(ix, HOST "/");
    crawl_all(ix, 50);
    assert_string_equal(with_text_of(ix, 0, HOST "/"), "/a/c");
    assert_string_equal(with_text_of(ix, 1, HOST "/b"), "");
    assert_string_equal(with_text_of(ix, 1, ""), "/b");
    assert_string_equal(with_text_of(ix, 2, ""), "");
    site[1].version = 1;
    submit(ix, HOST "/a");
    crawl_all(ix, 50);
    assert_string_equal(with_text_of(ix, 0, HOST "/"), "/c");
    assert_string_equal(with_text_of(ix, 1, HOST "/b"), "/a");
    remove_url(ix, LOG__REMOVE_SCOPE__REMOVE_PAGE, HOST "/c");
    assert_string_equal(with_text_of(ix, 0, HOST "/"), "");
}

static void drops_that_all_have_seen_are_forgotten_and_who_missed_them_begins_anew(void **state)
{
    struct indexserver *ix = *state;
    struct site_page site[] = {{.url = HOST "/", .links = {HOST "/a"}}, {.url = HOST "/a"}};
    struct replica replica = {.count = 0};
    ix->site = site;
    ix->site_count = 2;
    submit(ix, HOST "/");
    crawl_all(ix, 50);
    uint64_t early = replica_follow(ix, &replica, 0);
    site[0].links[0] = NULL;
    submit(ix, HOST "/");
    crawl_all(ix, 50);
    const Wire__FeedReply *reply = read_feed(ix, early, 0); /* the drop, and the new document */
    assert_int_equal(reply->n_items, 2);
    uint64_t late = replica_follow(ix, &replica, early);
    for (int i = 0; i < 3; i++) { /* as time passes */
        usleep(2000);
        read_feed(ix, late, 0);
    }
    site[0].version = 2;
    submit(ix, HOST "/"); /* the next version: the drop was seen by the only reader */
    crawl_all(ix, 50);
    Wire__FeedRequest request = WIRE__FEED_REQUEST__INIT;
    request.slot_last = 255;
    request.member = 3; /* another one, that lags behind */
    request.from = early;
    reply = call(ix, WIRE__METHOD__READ_FEED, &request.base, &wire__feed_reply__descriptor);
    assert_true(reply->restart);
    request.from = late;
    request.member = 4;
    reply = call(ix, WIRE__METHOD__READ_FEED, &request.base, &wire__feed_reply__descriptor);
    assert_false(reply->restart);
    assert_int_equal(reply->n_items, 1);
    /* one that begins now is followed on its way, however slow it is */
    request.from = 0;
    request.member = 5;
    reply = call(ix, WIRE__METHOD__READ_FEED, &request.base, &wire__feed_reply__descriptor);
    assert_false(reply->restart);
    request.from = 2;
    reply = call(ix, WIRE__METHOD__READ_FEED, &request.base, &wire__feed_reply__descriptor);
    assert_false(reply->restart);
    assert_string_equal(whole_feed(ix), "doc / version 2; doc a version 0; ");
}

static void a_drop_stays_until_the_slowest_reader_has_seen_it(void **state)
{
    struct indexserver *ix = *state;
    struct site_page site[] = {{.url = HOST "/", .links = {HOST "/a"}}, {.url = HOST "/a"}};
    struct replica replica = {.count = 0};
    ix->site = site;
    ix->site_count = 2;
    submit(ix, HOST "/");
    crawl_all(ix, 50);
    uint64_t at = replica_follow(ix, &replica, 0);
    site[0].links[0] = NULL;
    for (int i = 0; i < 3; i++) {
        usleep(2000);
        read_feed(ix, at, 0); /* it still stands there */
        submit(ix, HOST "/");
        crawl_all(ix, 50);
    }
    replica_follow(ix, &replica, at);
    assert_string_equal(replica_text(ix, &replica), "doc / version 0; doc a version 0; ");
}

static void noindex_and_nofollow_are_obeyed(void **state)
{
    struct indexserver *ix = *state;
    struct site_page site[] = {{.url = HOST "/", .links = {HOST "/a", HOST "/b"}, .noindex = true},
                               {.url = HOST "/a", .links = {HOST "/c"}, .nofollow = true},
                               {.url = HOST "/b"},
                               {.url = HOST "/c"}};
    ix->site = site;
    ix->site_count = 4;
    submit(ix, HOST "/");
    crawl_all(ix, 50);
    assert_string_equal(whole_feed(ix), "doc a version 0; doc b version 0; ");
    assert_string_equal(lookup(ix, HOST "/", "content"),
                        "stopped: the page asks not to be indexed (noindex)");
    struct replica replica = {.count = 0};
    uint64_t at = replica_follow(ix, &replica, 0);
    site[2].noindex = true; /* it was a document before */
    submit(ix, HOST "/b");
    crawl_all(ix, 50);
    replica_follow(ix, &replica, at);
    assert_string_equal(replica_text(ix, &replica), "doc a version 0; ");
}

static void entries_that_newer_ones_replace_are_forgotten(void **state)
{
    struct indexserver *ix = *state;
    struct site_page site[] = {{.url = HOST "/a"}};
    Log__CrawlSettings crawl;
    ix->site = site;
    ix->site_count = 1;
    init_settings(&crawl);
    submit(ix, HOST "/a");
    submit(ix, HOST "/missing");
    crawl_all(ix, 50);
    crawl.robots_ttl_s = 1;
    take_settings(ix, &crawl);
    usleep(1100 * 1000); /* robots.txt grows old */
    uint64_t entries = get_status(ix)->entries, head = get_status(ix)->head;
    site[0].version = 2;
    submit(ix, HOST "/a");
    submit(ix, HOST "/missing");
    work_on(ix, lease(ix, 1, 1000)->leases[0]); /* robots.txt */
    crawl.robots_ttl_s = 0;                     /* lest it grow old again on a busy machine */
    take_settings(ix, &crawl);
    crawl_all(ix, 50);
    /* two submits, the settings, robots, content, outcome */
    assert_int_equal(get_status(ix)->head, head + 6);
    assert_int_equal(get_status(ix)->entries, entries + 3); /* the first three of them stay */
}

static void validators_of_what_is_held_come_with_the_lease(void **state)
{
    struct indexserver *ix = *state;
    submit(ix, HOST "/c");
    crawl_all(ix, 50);
    submit(ix, HOST "/c");
    const Wire__LeaseReply *reply = lease(ix, 1, 1000);
    assert_string_equal(reply->leases[0]->urls[0]->etag, "\"v1\"");
    assert_string_equal(reply->leases[0]->urls[0]->last_modified, "");
    Wire__Fetched *fetched = fetch(ix, reply->leases[0], reply->leases[0]->urls[0]);
    fetched->result_case = WIRE__FETCHED__RESULT_OUTCOME;
    fetched->page = NULL;
    fetched->outcome = make_outcome(ix, HOST "/c", 304, NULL);
    fetched->outcome->reason = LOG__REASON__REASON_NOT_MODIFIED;
    report(ix, &fetched, 1, &reply->leases[0]->lease, 1);
    assert_string_equal(whole_feed(ix), "doc c version 0; edge c>missing; ");
    assert_int_equal(lease(ix, 1, 50)->n_leases, 0); /* it is not due again for a week */
}

static void a_source_stops_at_its_limit_of_pages(void **state)
{
    struct indexserver *ix = *state;
    Log__CrawlSettings crawl;
    init_settings(&crawl);
    crawl.max_pages = 2;
    take_settings(ix, &crawl);
    submit(ix, HOST "/");
    crawl_all(ix, 50);
    const Wire__IndexserverStatus *status = get_status(ix);
    assert_int_equal(status->urls_fetched, 2);
    assert_string_equal(status->sources[0]->state, "at its limit: 2 pages");
    assert_string_equal(lookup(ix, HOST "/b", "frontier"),
                        "stopped: its source: at its limit: 2 pages");
    submit(ix, HOST "/c"); /* the owner names it: that counts more */
    crawl_all(ix, 50);
    assert_non_null(strstr(whole_feed(ix), "doc c "));
}

static void a_stale_report_is_taken_while_nobody_else_fetched_it(void **state)
{
    struct indexserver *ix = *state;
    submit(ix, HOST "/c");
    work_on(ix, lease(ix, 1, 1000)->leases[0]);
    const Wire__LeaseReply *reply = lease(ix, 1, 1000);
    Wire__Fetched *fetched = fetch(ix, reply->leases[0], reply->leases[0]->urls[0]);
    fetched->lease = 12345;
    report(ix, &fetched, 1, NULL, 0);
    assert_string_equal(whole_feed(ix), "doc c version 0; edge c>missing; ");
    uint64_t head = get_status(ix)->head;
    report(ix, &fetched, 1, NULL, 0); /* now it is not due any more */
    assert_int_equal(get_status(ix)->head, head);
    fetched->url = arena_string(&ix->arena, HOST "/nobody-knows");
    report(ix, &fetched, 1, NULL, 0);
    assert_int_equal(get_status(ix)->head, head);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(a_submitted_site_is_crawled_and_fed_once),
        TEST(robots_txt_comes_first_and_alone),
        TEST(pages_with_the_same_text_are_found_until_it_changes),
        TEST(what_robots_txt_forbids_is_not_leased_and_why_says_the_line),
        TEST(a_page_that_robots_txt_forbids_later_is_taken_away),
        TEST(an_unreachable_robots_txt_forbids_everything_for_now),
        TEST(one_host_has_one_lease_at_a_time),
        TEST(the_delay_begins_when_the_lease_ends),
        TEST(crawl_delay_of_robots_txt_is_kept_where_it_is_longer),
        TEST(a_busy_server_is_left_alone_as_long_as_it_asks),
        TEST(a_redirect_is_followed_and_is_no_document),
        TEST(redirects_in_a_circle_end),
        TEST(a_page_that_is_gone_goes_from_the_feed),
        TEST(a_new_version_replaces_the_old_one_and_its_edges),
        TEST(drops_that_all_have_seen_are_forgotten_and_who_missed_them_begins_anew),
        TEST(a_drop_stays_until_the_slowest_reader_has_seen_it),
        TEST(noindex_and_nofollow_are_obeyed),
        TEST(entries_that_newer_ones_replace_are_forgotten),
        TEST(validators_of_what_is_held_come_with_the_lease),
        TEST(a_source_stops_at_its_limit_of_pages),
        TEST(a_stale_report_is_taken_while_nobody_else_fetched_it),
    };
    return cmocka_run_group_tests_name("indexserver/crawl", tests, NULL, NULL);
}
