/* How long a host is left alone between two fetches, and after errors. */
#include "tests/unit/indexserver/harness.h"

#define HOST "http://127.0.0.1:8080"

static struct site_page pages[] = {
    {.url = HOST "/", .links = {HOST "/a", HOST "/b", HOST "/c"}},
    {.url = HOST "/a"},
    {.url = HOST "/b"},
    {.url = HOST "/c"},
};

static int set_up(void **state)
{
    struct indexserver *ix = indexserver_new();
    start_with_settings(ix);
    ix->site = pages;
    ix->site_count = sizeof(pages) / sizeof(pages[0]);
    *state = ix;
    return 0;
}

static int tear_down(void **state)
{
    indexserver_free(*state);
    return 0;
}

static const Wire__HostLease *lease_one(struct indexserver *ix)
{
    const Wire__LeaseReply *reply = lease(ix, 1, 10000);
    assert_int_equal(reply->n_leases, 1);
    return reply->leases[0];
}

/* The first page of the lease took so long; the lease ends. */
static void answer_after(struct indexserver *ix, int32_t fetch_ms)
{
    const Wire__HostLease *given = lease_one(ix);
    Wire__Fetched *fetched = fetch(ix, given, given->urls[0]);
    fetched->content->fetch_ms = fetch_ms;
    report(ix, &fetched, 1, &given->lease, 1);
}

/* The delay of the leases of a host with this robots.txt, whose first page took so long. */
static uint32_t delay_of(struct indexserver *ix, Log__CrawlSettings *crawl, const char *robots,
                         int32_t fetch_ms)
{
    take_settings(ix, crawl);
    ix->robots = robots;
    submit(ix, HOST "/");
    work_on(ix, lease_one(ix)); /* robots.txt */
    answer_after(ix, fetch_ms);
    return lease_one(ix)->delay_ms;
}

static void the_delay_is_a_multiple_of_the_response_time_where_that_is_longer(void **state)
{
    Log__CrawlSettings crawl;
    init_settings(&crawl);
    crawl.delay_ms = 10;
    assert_int_equal(delay_of(*state, &crawl, NULL, 40), 80);
}

static void the_multiple_is_a_setting(void **state)
{
    Log__CrawlSettings crawl;
    init_settings(&crawl);
    crawl.delay_ms = 10;
    crawl.response_factor_tenths = 35;
    assert_int_equal(delay_of(*state, &crawl, NULL, 40), 140);
}

static void a_fast_answer_makes_no_delay_shorter(void **state)
{
    Log__CrawlSettings crawl;
    init_settings(&crawl);
    crawl.delay_ms = 50;
    assert_int_equal(delay_of(*state, &crawl, NULL, 2), 50);
}

static void no_delay_at_all_is_what_the_owner_asked_for(void **state)
{
    Log__CrawlSettings crawl;
    init_settings(&crawl);
    assert_int_equal(delay_of(*state, &crawl, NULL, 4000), 0);
}

static void a_crawl_delay_counts_up_to_its_limit_and_no_page_is_passed_over(void **state)
{
    struct indexserver *ix = *state;
    Log__CrawlSettings crawl;
    init_settings(&crawl);
    crawl.crawl_delay_max_ms = 120;
    assert_int_equal(delay_of(ix, &crawl, "User-agent: *\nCrawl-delay: 86400\n", 1), 120);
    assert_int_equal(get_status(ix)->urls_queued, 3);
}

static void a_robots_txt_that_asks_for_no_delay_changes_none(void **state)
{
    Log__CrawlSettings crawl;
    init_settings(&crawl);
    crawl.delay_ms = 20;
    assert_int_equal(delay_of(*state, &crawl, "User-agent: *\nDisallow: /x\n", 1), 20);
}

static void a_crawl_delay_below_its_limit_is_kept(void **state)
{
    Log__CrawlSettings crawl;
    init_settings(&crawl);
    assert_int_equal(delay_of(*state, &crawl, "User-agent: *\nCrawl-delay: 0.3\n", 1), 300);
}

/* ---- errors -----------------------------------------------------------------------------------
 */

/* The next page of the host ends so. */
static void fail_with(struct indexserver *ix, Log__Reason reason, unsigned status)
{
    const Wire__HostLease *given = lease_one(ix);
    Wire__Fetched *fetched = fetch(ix, given, given->urls[0]);
    fetched->page = NULL;
    fetched->result_case = WIRE__FETCHED__RESULT_OUTCOME;
    fetched->outcome = make_outcome(ix, fetched->url, status, NULL);
    fetched->outcome->reason = reason;
    report(ix, &fetched, 1, &given->lease, 1);
}

/* Whether the host is left alone for longer than its delay. */
static bool is_blocked(struct indexserver *ix)
{
    submit(ix, HOST "/b");
    return lease(ix, 1, 300)->n_leases == 0;
}

static void one_error_of_the_server_is_the_page_s_and_a_second_one_the_host_s(void **state)
{
    struct indexserver *ix = *state;
    submit(ix, HOST "/a");
    work_on(ix, lease_one(ix)); /* robots.txt */
    fail_with(ix, LOG__REASON__REASON_HTTP_ERROR, 500);
    submit(ix, HOST "/b");
    fail_with(ix, LOG__REASON__REASON_HTTP_ERROR, 502);
    assert_true(is_blocked(ix));
}

static void a_connection_that_breaks_off_is_an_error_too(void **state)
{
    struct indexserver *ix = *state;
    submit(ix, HOST "/a");
    work_on(ix, lease_one(ix)); /* robots.txt */
    fail_with(ix, LOG__REASON__REASON_BAD_RESPONSE, 0);
    submit(ix, HOST "/b");
    fail_with(ix, LOG__REASON__REASON_BAD_RESPONSE, 0);
    assert_true(is_blocked(ix));
}

static void pages_that_are_not_there_are_no_errors_of_the_host(void **state)
{
    struct indexserver *ix = *state;
    submit(ix, HOST "/a");
    work_on(ix, lease_one(ix)); /* robots.txt */
    for (int i = 0; i < 4; i++) {
        submit(ix, HOST "/a");
        fail_with(ix, LOG__REASON__REASON_HTTP_ERROR, 404);
    }
    assert_false(is_blocked(ix));
}

/* ---- what a robots.txt is answered with -------------------------------------------------------
 */

static void a_robots_txt_that_asks_for_peace_has_it_over_a_restart_too(void **state)
{
    struct indexserver *ix = *state;
    submit(ix, HOST "/");
    const Wire__HostLease *given = lease_one(ix);
    Wire__Fetched *fetched = fetch(ix, given, given->urls[0]);
    fetched->robots->hops[0]->status = 503;
    fetched->robots->unreachable = true;
    fetched->robots->retry_after_s = 100;
    report(ix, &fetched, 1, &given->lease, 1);
    assert_non_null(strstr(lookup(ix, HOST "/", "frontier"), "100 s"));
    restart(ix);
    assert_int_equal(lease(ix, 1, 300)->n_leases, 0);
    assert_non_null(strstr(lookup(ix, HOST "/", "frontier"), " s"));
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(the_delay_is_a_multiple_of_the_response_time_where_that_is_longer),
        TEST(the_multiple_is_a_setting),
        TEST(a_fast_answer_makes_no_delay_shorter),
        TEST(no_delay_at_all_is_what_the_owner_asked_for),
        TEST(a_crawl_delay_counts_up_to_its_limit_and_no_page_is_passed_over),
        TEST(a_robots_txt_that_asks_for_no_delay_changes_none),
        TEST(a_crawl_delay_below_its_limit_is_kept),
        TEST(one_error_of_the_server_is_the_page_s_and_a_second_one_the_host_s),
        TEST(a_connection_that_breaks_off_is_an_error_too),
        TEST(pages_that_are_not_there_are_no_errors_of_the_host),
        TEST(a_robots_txt_that_asks_for_peace_has_it_over_a_restart_too),
    };
    return cmocka_run_group_tests_name("indexserver/delays", tests, NULL, NULL);
}
