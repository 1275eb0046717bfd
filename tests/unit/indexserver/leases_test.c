/* How many URLs a lease holds, and how it grows while its host answers. */
#include "tests/unit/indexserver/harness.h"

#include "indexserver/frontier.h"

#define HOST  "http://127.0.0.1:8080"
#define OTHER "http://127.0.0.1:8081"

enum { PAGES = 1000 };

static char urls[PAGES][48];
static struct site_page site[PAGES];

static int set_up(void **state)
{
    struct indexserver *ix = indexserver_new();
    start_with_settings(ix);
    for (int i = 0; i < PAGES; i++) {
        snprintf(urls[i], sizeof(urls[i]), HOST "/p%d", i);
        site[i] = (struct site_page){.url = urls[i]};
    }
    ix->site = site;
    ix->site_count = PAGES;
    *state = ix;
    return 0;
}

static int tear_down(void **state)
{
    indexserver_free(*state);
    return 0;
}

static void submit_pages(struct indexserver *ix, int first, int count)
{
    Wire__SubmitRequest request = WIRE__SUBMIT_REQUEST__INIT;
    char *list[PAGES];
    for (int i = 0; i < count; i++)
        list[i] = urls[first + i];
    request.urls = list;
    request.n_urls = (size_t)count;
    const Wire__SubmitReply *reply =
        call(ix, WIRE__METHOD__SUBMIT, &request.base, &wire__submit_reply__descriptor);
    assert_int_equal(reply->accepted, count);
}

static const Wire__HostLease *lease_one(struct indexserver *ix)
{
    const Wire__LeaseReply *reply = lease(ix, 1, 15000);
    assert_int_equal(reply->n_leases, 1);
    return reply->leases[0];
}

/* Robots.txt and the first pages, each of which takes so long. */
static void meet_host(struct indexserver *ix, int32_t fetch_ms)
{
    work_on(ix, lease_one(ix));
    const Wire__HostLease *given = lease_one(ix);
    Wire__Fetched *fetched[LEASE_URLS_MAX];
    assert_in_range(given->n_urls, 1, 10);
    for (size_t i = 0; i < given->n_urls; i++) {
        fetched[i] = fetch(ix, given, given->urls[i]);
        fetched[i]->content->fetch_ms = fetch_ms;
    }
    report(ix, fetched, given->n_urls, &given->lease, 1);
}

/* Reports these URLs of the lease and says that it runs out; returns what it grew by. */
static const Wire__HostLease *report_part(struct indexserver *ix, const Wire__HostLease *given,
                                          size_t first, size_t count)
{
    Wire__ReportRequest request = WIRE__REPORT_REQUEST__INIT;
    Wire__Fetched *fetched[LEASE_URLS_MAX];
    uint64_t running_out = given->lease;
    for (size_t i = 0; i < count; i++)
        fetched[i] = fetch(ix, given, given->urls[first + i]);
    request.fetched = fetched;
    request.n_fetched = count;
    request.running_out = &running_out;
    request.n_running_out = 1;
    const Wire__ReportReply *reply =
        call(ix, WIRE__METHOD__REPORT, &request.base, &wire__report_reply__descriptor);
    assert_true(reply->n_more <= 1);
    if (reply->n_more == 1)
        assert_true(reply->more[0]->lease == given->lease);
    return reply->n_more == 1 ? reply->more[0] : NULL;
}

static void a_host_that_answers_fast_gets_many_urls_at_once(void **state)
{
    struct indexserver *ix = *state;
    submit_pages(ix, 0, PAGES);
    meet_host(ix, 1);
    assert_int_equal(lease_one(ix)->n_urls, LEASE_URLS_MAX);
}

static void a_host_that_answers_slowly_gets_few(void **state)
{
    struct indexserver *ix = *state;
    submit_pages(ix, 0, 100);
    meet_host(ix, 100);
    const Wire__HostLease *given = lease_one(ix);
    assert_int_equal(given->n_urls, 20); /* two seconds' worth */
    Wire__Fetched *fetched = fetch(ix, given, given->urls[0]);
    fetched->content->fetch_ms = 60000;
    report(ix, &fetched, 1, &given->lease, 1);
    assert_int_equal(lease_one(ix)->n_urls, 1);
}

static void a_delay_makes_leases_short(void **state)
{
    struct indexserver *ix = *state;
    Log__CrawlSettings crawl;
    init_settings(&crawl);
    crawl.delay_ms = 500;
    take_settings(ix, &crawl);
    submit_pages(ix, 0, 100);
    meet_host(ix, 1);
    assert_int_equal(lease_one(ix)->n_urls, 10);
}

/* Notes what a lease holds; no page was given before. */
static void note_given(const Wire__HostLease *given, bool given_out[PAGES])
{
    for (size_t i = 0; i < given->n_urls; i++) {
        int page = atoi(strstr(given->urls[i]->url, "/p") + 2);
        assert_false(given_out[page]);
        given_out[page] = true;
    }
}

static void a_lease_that_runs_out_grows_and_no_url_comes_twice(void **state)
{
    struct indexserver *ix = *state;
    bool given_out[PAGES] = {false};
    unsigned growths = 0;
    submit_pages(ix, 0, PAGES);
    meet_host(ix, 1);
    const Wire__HostLease *given = lease_one(ix);
    uint64_t id = given->lease;
    while (given != NULL) {
        size_t late = given->n_urls / 3; /* reported when the lease has grown already */
        note_given(given, given_out);
        const Wire__HostLease *more = report_part(ix, given, 0, given->n_urls - late);
        for (size_t i = given->n_urls - late; i < given->n_urls; i++) {
            Wire__Fetched *fetched = fetch(ix, given, given->urls[i]);
            report(ix, &fetched, 1, NULL, 0);
        }
        growths += more != NULL;
        given = more;
    }
    assert_true(growths >= 2);
    assert_int_equal(ix->fetches, PAGES);
    assert_int_equal(get_status(ix)->urls_leased, 0);
    report(ix, NULL, 0, &id, 1);
    assert_int_equal(lease(ix, 1, 50)->n_leases, 0);
    assert_int_equal(get_status(ix)->pages, PAGES);
}

static void what_the_owner_submits_meanwhile_does_not_wait_behind_a_lease_that_grows(void **state)
{
    struct indexserver *ix = *state;
    Wire__SubmitRequest request = WIRE__SUBMIT_REQUEST__INIT;
    char *list[PAGES];
    submit_pages(ix, 0, 20);
    for (int i = 0; i < PAGES; i++)
        list[i] = urls[i];
    request.urls = list;
    request.n_urls = PAGES;
    request.origin = LOG__ORIGIN__ORIGIN_SEED; /* behind the owner's */
    call(ix, WIRE__METHOD__SUBMIT, &request.base, &wire__submit_reply__descriptor);
    meet_host(ix, 1);
    work_on(ix, lease_one(ix));
    const Wire__HostLease *given = lease_one(ix);
    assert_non_null(report_part(ix, given, 0, 1));
    submit(ix, HOST "/p0");
    assert_null(report_part(ix, given, 1, 1));
    report(ix, NULL, 0, &given->lease, 1);
    assert_string_equal(lease_one(ix)->urls[0]->url, HOST "/p0");
}

static void a_lease_does_not_grow_over_the_source_s_limit(void **state)
{
    struct indexserver *ix = *state;
    Log__CrawlSettings crawl;
    init_settings(&crawl);
    crawl.max_pages = 300;
    take_settings(ix, &crawl);
    Wire__SubmitRequest request = WIRE__SUBMIT_REQUEST__INIT;
    char *list[PAGES];
    submit(ix, HOST "/p0");
    for (int i = 0; i < PAGES; i++)
        list[i] = urls[i];
    request.urls = list;
    request.n_urls = PAGES;
    request.origin = LOG__ORIGIN__ORIGIN_SEED;
    call(ix, WIRE__METHOD__SUBMIT, &request.base, &wire__submit_reply__descriptor);
    meet_host(ix, 1);
    const Wire__HostLease *given = lease_one(ix);
    size_t count = 0;
    while (given != NULL) {
        count += given->n_urls;
        const Wire__HostLease *more = report_part(ix, given, 0, given->n_urls / 2);
        report_part(ix, given, given->n_urls / 2, given->n_urls - given->n_urls / 2);
        given = more;
    }
    assert_in_range(count, 200, 300);
    assert_in_range(get_status(ix)->pages, 200, 300);
}

static void a_lease_does_not_grow_while_another_queue_of_its_host_waits(void **state)
{
    struct indexserver *ix = *state;
    static char contact[] = "mailto:owner@example.org";
    Log__CrawlSettings crawl;
    init_settings(&crawl);
    crawl.contact = contact;
    take_settings(ix, &crawl);
    for (int i = 0; i < PAGES; i++)
        snprintf(urls[i], sizeof(urls[i]), "http://h.example/p%d", i);
    submit_pages(ix, 0, PAGES);
    meet_host(ix, 1);
    const Wire__HostLease *given = lease_one(ix);
    assert_non_null(report_part(ix, given, 0, 1));
    submit(ix, "https://h.example/");
    assert_null(report_part(ix, given, 1, 1));
}

static void a_host_that_asks_to_be_left_alone_gets_no_more(void **state)
{
    struct indexserver *ix = *state;
    submit_pages(ix, 0, PAGES);
    meet_host(ix, 1);
    const Wire__HostLease *given = lease_one(ix);
    Wire__Fetched *fetched = fetch(ix, given, given->urls[0]);
    fetched->result_case = WIRE__FETCHED__RESULT_OUTCOME;
    fetched->page = NULL;
    fetched->outcome = make_outcome(ix, given->urls[0]->url, 429, NULL);
    fetched->outcome->reason = LOG__REASON__REASON_RETRY_LATER;
    fetched->outcome->retry_after_s = 60;
    report(ix, &fetched, 1, NULL, 0);
    assert_null(report_part(ix, given, 1, 1));
}

static void a_lease_does_not_grow_while_the_crawl_is_paused_or_after_a_restart(void **state)
{
    struct indexserver *ix = *state;
    submit_pages(ix, 0, PAGES);
    meet_host(ix, 1);
    const Wire__HostLease *given = lease_one(ix);
    assert_int_equal(control(ix, LOG__ACTION__ACTION_PAUSE, ""), STATUS_OK);
    assert_null(report_part(ix, given, 0, 1));
    assert_int_equal(control(ix, LOG__ACTION__ACTION_RESUME, ""), STATUS_OK);
    assert_non_null(report_part(ix, given, 1, 1));
    restart(ix); /* which of its URLs are given out is forgotten */
    assert_null(report_part(ix, given, 2, 1));
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(a_host_that_answers_fast_gets_many_urls_at_once),
        TEST(a_host_that_answers_slowly_gets_few),
        TEST(a_delay_makes_leases_short),
        TEST(a_lease_that_runs_out_grows_and_no_url_comes_twice),
        TEST(what_the_owner_submits_meanwhile_does_not_wait_behind_a_lease_that_grows),
        TEST(a_lease_does_not_grow_over_the_source_s_limit),
        TEST(a_lease_does_not_grow_while_another_queue_of_its_host_waits),
        TEST(a_host_that_asks_to_be_left_alone_gets_no_more),
        TEST(a_lease_does_not_grow_while_the_crawl_is_paused_or_after_a_restart),
    };
    return cmocka_run_group_tests_name("indexserver/leases", tests, NULL, NULL);
}
