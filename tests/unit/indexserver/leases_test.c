/* How many URLs a lease holds, and how it grows while its host answers. */
#include "tests/unit/indexserver/harness.h"

#include "indexserver/frontier.h"
#include "indexserver/service_parts.h"

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

/* Reports these URLs of the lease, the last of which took so long, and says that it runs out;
 * returns what it grew by. */
static const Wire__HostLease *report_slow_part(struct indexserver *ix, const Wire__HostLease *given,
                                               size_t first, size_t count, int32_t fetch_ms)
{
    Wire__ReportRequest request = WIRE__REPORT_REQUEST__INIT;
    Wire__Fetched *fetched[LEASE_URLS_MAX];
    uint64_t running_out = given->lease;
    for (size_t i = 0; i < count; i++)
        fetched[i] = fetch(ix, given, given->urls[first + i]);
    fetched[count - 1]->content->fetch_ms = fetch_ms;
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

static const Wire__HostLease *report_part(struct indexserver *ix, const Wire__HostLease *given,
                                          size_t first, size_t count)
{
    return report_slow_part(ix, given, first, count, 0);
}

static void set_delay(struct indexserver *ix, uint32_t delay_ms)
{
    Log__CrawlSettings crawl;
    init_settings(&crawl);
    crawl.delay_ms = delay_ms;
    take_settings(ix, &crawl);
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
    set_delay(ix, 500);
    submit_pages(ix, 0, 100);
    meet_host(ix, 1);
    assert_int_equal(lease_one(ix)->n_urls, 10);
}

static void a_lease_holds_no_more_by_growing_than_it_did_at_first(void **state)
{
    struct indexserver *ix = *state;
    set_delay(ix, 500);
    submit_pages(ix, 0, 100);
    meet_host(ix, 1);
    const Wire__HostLease *given = lease_one(ix);
    for (size_t i = 0; i < 3; i++) {
        assert_int_equal(report_part(ix, given, i, 1)->n_urls, 1);
        assert_int_equal(get_status(ix)->urls_leased, 10);
    }
    assert_int_equal(report_part(ix, given, 3, 6)->n_urls, 6);
    assert_int_equal(get_status(ix)->urls_leased, 10);
}

/* ---- delays that change
 * ---------------------------------------------------------------------------------------- */

static void a_lease_ends_when_slower_answers_ask_for_a_longer_delay(void **state)
{
    struct indexserver *ix = *state;
    set_delay(ix, 10);
    submit_pages(ix, 0, PAGES);
    meet_host(ix, 1);
    const Wire__HostLease *given = lease_one(ix);
    assert_int_equal(given->delay_ms, 10);
    assert_in_range(given->n_urls, 100, LEASE_URLS_MAX);
    assert_non_null(report_part(ix, given, 0, 1));
    assert_null(report_slow_part(ix, given, 1, given->n_urls - 2, 400));
    report(ix, NULL, 0, &given->lease, 1);
    assert_in_range(lease_one(ix)->delay_ms, 150, 300); /* twice a mean of 100 ms */
}

static void a_lease_ends_when_the_settings_change(void **state)
{
    struct indexserver *ix = *state;
    static char agent[] = "tierce-of-tomorrow";
    Log__CrawlSettings crawl;
    submit_pages(ix, 0, PAGES);
    meet_host(ix, 1);
    const Wire__HostLease *given = lease_one(ix);
    assert_non_null(report_part(ix, given, 0, 1));
    init_settings(&crawl);
    crawl.user_agent = agent;
    take_settings(ix, &crawl);
    assert_null(report_part(ix, given, 1, 1));
    report(ix, NULL, 0, &given->lease, 1);
    given = lease_one(ix);
    assert_string_equal(given->user_agent, agent);
    assert_non_null(report_part(ix, given, 0, 1));
}

static void a_lease_ends_when_a_longer_delay_is_set(void **state)
{
    struct indexserver *ix = *state;
    submit_pages(ix, 0, PAGES);
    meet_host(ix, 1);
    const Wire__HostLease *given = lease_one(ix);
    assert_int_equal(given->delay_ms, 0);
    set_delay(ix, 300);
    assert_null(report_part(ix, given, 0, given->n_urls - 1));
    int64_t ended_ms = clock_boot_ms();
    report(ix, NULL, 0, &given->lease, 1);
    assert_int_equal(lease_one(ix)->delay_ms, 300);
    assert_true(clock_boot_ms() - ended_ms >= 290);
}

/* ---- growing
 * ------------------------------------------------------------------------------------------- */

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

/* ---- what counts as answered
 * ----------------------------------------------------------------------------------- */

static void an_answer_counts_for_its_own_lease_and_once(void **state)
{
    struct indexserver *ix = *state;
    set_delay(ix, 500);
    submit_pages(ix, 0, 100);
    meet_host(ix, 1);
    const Wire__HostLease *given = lease_one(ix);
    Wire__Fetched *fetched = fetch(ix, given, given->urls[0]);
    report(ix, &fetched, 1, NULL, 0);
    assert_int_equal(get_status(ix)->urls_leased, 9);
    report(ix, &fetched, 1, NULL, 0); /* the answer to the first was lost on its way */
    assert_int_equal(get_status(ix)->urls_leased, 9);
    Wire__LeasedUrl other = WIRE__LEASED_URL__INIT;
    other.url = urls[50];
    Wire__HostLease ended = WIRE__HOST_LEASE__INIT;
    ended.lease = given->lease + 1;
    fetched = fetch(ix, &ended, &other);
    unsigned pages = (unsigned)get_status(ix)->pages;
    report(ix, &fetched, 1, NULL, 0);
    assert_int_equal(get_status(ix)->pages, pages + 1);
    assert_int_equal(get_status(ix)->urls_leased, 9);
}

/* A second way to the same service, with one worker: what is answered has been handled, in order.
 */
struct side_door {
    struct rpc_server *server;
    struct rpc_client *client;
};

static struct side_door open_side_door(struct indexserver *ix)
{
    struct side_door door;
    struct rpc_server_options options = {.host = "127.0.0.1",
                                         .key = &ix->key,
                                         .handler = service_handle,
                                         .context = ix->service,
                                         .threads = 1};
    assert_int_equal(rpc_server_open(&options, &door.server, &ix->err), STATUS_OK);
    assert_int_equal(
        rpc_client_open(rpc_server_address(door.server), &ix->key, &door.client, &ix->err),
        STATUS_OK);
    return door;
}

/* All that was sent before has come to the service. */
static void knock(struct indexserver *ix, struct side_door *door)
{
    Wire__Empty request = WIRE__EMPTY__INIT;
    void *reply;
    assert_int_equal(rpc_call(door->client, WIRE__METHOD__SEARCH, &request.base,
                              &wire__empty__descriptor, &ix->arena, 20000, &reply, &ix->err),
                     STATUS_UNSUPPORTED);
}

static void a_report_that_its_sender_gave_up_is_not_taken(void **state)
{
    struct indexserver *ix = *state;
    struct rpc_exchange exchange;
    submit_pages(ix, 0, 1);
    work_on(ix, lease_one(ix));
    const Wire__HostLease *given = lease_one(ix);
    Wire__ReportRequest request = WIRE__REPORT_REQUEST__INIT;
    Wire__Fetched *fetched = fetch(ix, given, given->urls[0]);
    request.fetched = &fetched;
    request.n_fetched = 1;
    struct side_door door = open_side_door(ix);
    Wire__LeaseRequest first = WIRE__LEASE_REQUEST__INIT;
    struct rpc_exchange waiting;
    pthread_mutex_lock(&ix->service->views->lock); /* the writer stops at the first call */
    rpc_start(door.client, WIRE__METHOD__LEASE, &first.base, &wire__lease_reply__descriptor,
              &ix->arena, 20000, &waiting);
    rpc_start(door.client, WIRE__METHOD__REPORT, &request.base, &wire__report_reply__descriptor,
              &ix->arena, 20000, &exchange);
    knock(ix, &door);
    rpc_cancel(&exchange);
    knock(ix, &door);
    pthread_mutex_unlock(&ix->service->views->lock);
    rpc_client_close(door.client);
    rpc_server_close(door.server, 5000); /* both are answered */
    assert_int_equal(get_status(ix)->pages, 0);
    report(ix, &fetched, 1, &given->lease, 1);
    assert_int_equal(get_status(ix)->pages, 1);
}

/* ---- how large an answer may be
 * -------------------------------------------------------------------------------- */

/* Answers of these headers. */
static void set_headers(struct indexserver *ix, Wire__Fetched *fetched, const char *text)
{
    Log__Hop *hop = fetched->content->hops[0];
    hop->headers.data = (uint8_t *)arena_string(&ix->arena, text);
    hop->headers.len = strlen(text);
}

static void a_validator_that_no_server_would_take_back_is_not_sent(void **state)
{
    struct indexserver *ix = *state;
    static const char date[] = "Sun, 06 Nov 1994 08:49:37 GMT";
    static char long_tag[1100];
    memset(long_tag, 'x', sizeof(long_tag) - 1);
    submit_pages(ix, 0, 2);
    work_on(ix, lease_one(ix));
    const Wire__HostLease *given = lease_one(ix);
    assert_int_equal(given->n_urls, 2);
    Wire__Fetched *fetched[2];
    for (int i = 0; i < 2; i++) {
        fetched[i] = fetch(ix, given, given->urls[i]);
        set_headers(ix, fetched[i],
                    arena_format(&ix->arena, "ETag: %s\r\nLast-Modified: %s\r\n",
                                 long_tag + (i == 0 ? 0 : sizeof(long_tag) - 1 - 1024), date));
    }
    report(ix, fetched, 2, &given->lease, 1);
    submit_pages(ix, 0, 2);
    given = lease_one(ix);
    assert_int_equal(given->n_urls, 2);
    assert_string_equal(given->urls[0]->etag, "");
    assert_int_equal(strlen(given->urls[1]->etag), 1024);
    assert_string_equal(given->urls[0]->last_modified, date);
}

static size_t size_of_leases(const Wire__LeaseReply *reply, size_t *ret_urls)
{
    *ret_urls = 0;
    for (size_t i = 0; i < reply->n_leases; i++)
        *ret_urls += reply->leases[i]->n_urls;
    return wire__lease_reply__get_packed_size(reply);
}

/* Submits so many long URLs of the host at this port, which was met before. */
static void submit_long_urls(struct indexserver *ix, int port, int count)
{
    enum { URL_BYTES = 2000 };
    Wire__SubmitRequest request = WIRE__SUBMIT_REQUEST__INIT;
    char *list[LEASE_URLS_MAX], filling[URL_BYTES];
    memset(filling, 'x', sizeof(filling));
    for (int i = 0; i < count; i++) {
        char *url =
            arena_format(&ix->arena, "http://127.0.0.1:%d/p%d-%.*s", port, i, URL_BYTES, filling);
        url[URL_BYTES] = '\0';
        list[i] = url;
    }
    request.urls = list;
    request.n_urls = (size_t)count;
    const Wire__SubmitReply *reply =
        call(ix, WIRE__METHOD__SUBMIT, &request.base, &wire__submit_reply__descriptor);
    assert_int_equal(reply->accepted, count);
}

static void the_leases_of_one_call_have_a_limit_in_bytes(void **state)
{
    struct indexserver *ix = *state;
    enum { HOSTS = 14, REPLY_BYTES = 4 * 1024 * 1024 };
    size_t first_urls, more_urls;
    for (int i = 0; i < HOSTS; i++) {
        snprintf(urls[i], sizeof(urls[i]), "http://127.0.0.1:%d/", 9000 + i);
        submit(ix, urls[i]);
    }
    crawl_all(ix, 50);
    assert_int_equal(ix->fetches, HOSTS);
    for (int i = 0; i < HOSTS; i++)
        submit_long_urls(ix, 9000 + i, LEASE_URLS_MAX);
    assert_in_range(size_of_leases(lease(ix, HOSTS, 3000), &first_urls), REPLY_BYTES / 2,
                    REPLY_BYTES + 8192);
    size_of_leases(lease(ix, HOSTS, 3000), &more_urls);
    assert_in_range(first_urls + more_urls, HOSTS * LEASE_URLS_MAX - LEASE_URLS_MAX,
                    HOSTS * LEASE_URLS_MAX); /* one host has the rest of its own to come */
}

/* Two hosts of four pages each, all of them held, very large, and due again. */
static void hold_large_pages(struct indexserver *ix)
{
    for (int i = 0; i < 8; i++)
        snprintf(urls[i], sizeof(urls[i]), "%s/p%d", i < 4 ? HOST : OTHER, i);
    submit_pages(ix, 0, 8);
    for (int i = 0; i < 4; i++) { /* a robots.txt and the pages of each */
        const Wire__HostLease *given = lease_one(ix);
        Wire__Fetched *fetched[8];
        for (size_t j = 0; j < given->n_urls; j++) {
            fetched[j] = fetch(ix, given, given->urls[j]);
            if (fetched[j]->result_case == WIRE__FETCHED__RESULT_CONTENT)
                fetched[j]->content->body_size = 9 * 1024 * 1024;
        }
        report(ix, fetched, given->n_urls, &given->lease, 1);
    }
    assert_int_equal(ix->fetches, 8);
    submit_pages(ix, 0, 8);
}

/* Reports this URL of both leases, and that both run out. */
static const Wire__ReportReply *report_both(struct indexserver *ix,
                                            const Wire__HostLease *const given[2], size_t index)
{
    Wire__ReportRequest request = WIRE__REPORT_REQUEST__INIT;
    uint64_t running_out[2] = {given[0]->lease, given[1]->lease};
    Wire__Fetched *fetched[2] = {fetch(ix, given[0], given[0]->urls[index]),
                                 fetch(ix, given[1], given[1]->urls[index])};
    request.fetched = fetched;
    request.n_fetched = 2;
    request.running_out = running_out;
    request.n_running_out = 2;
    return call(ix, WIRE__METHOD__REPORT, &request.base, &wire__report_reply__descriptor);
}

static void the_contents_read_for_validators_have_a_limit_for_all_leases_of_a_call(void **state)
{
    struct indexserver *ix = *state;
    const Wire__HostLease *given[2];
    hold_large_pages(ix);
    for (int i = 0; i < 2; i++) {
        const Wire__LeaseReply *reply = lease(ix, 8, 3000);
        assert_int_equal(reply->n_leases, 1); /* the other comes with the next call */
        given[i] = reply->leases[0];
        assert_int_equal(given[i]->n_urls, 2);
    }
    for (size_t i = 0; i < 2; i++) {
        const Wire__ReportReply *reply = report_both(ix, given, i);
        assert_int_equal(reply->n_more, 1); /* likewise */
        assert_true(reply->more[0]->lease == given[i]->lease);
        assert_int_equal(reply->more[0]->n_urls, 2);
    }
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(a_host_that_answers_fast_gets_many_urls_at_once),
        TEST(a_host_that_answers_slowly_gets_few),
        TEST(a_delay_makes_leases_short),
        TEST(a_lease_holds_no_more_by_growing_than_it_did_at_first),
        TEST(a_lease_ends_when_slower_answers_ask_for_a_longer_delay),
        TEST(a_lease_ends_when_the_settings_change),
        TEST(a_lease_ends_when_a_longer_delay_is_set),
        TEST(a_lease_that_runs_out_grows_and_no_url_comes_twice),
        TEST(what_the_owner_submits_meanwhile_does_not_wait_behind_a_lease_that_grows),
        TEST(a_lease_does_not_grow_over_the_source_s_limit),
        TEST(a_lease_does_not_grow_while_another_queue_of_its_host_waits),
        TEST(a_host_that_asks_to_be_left_alone_gets_no_more),
        TEST(a_lease_does_not_grow_while_the_crawl_is_paused_or_after_a_restart),
        TEST(an_answer_counts_for_its_own_lease_and_once),
        TEST(a_report_that_its_sender_gave_up_is_not_taken),
        TEST(a_validator_that_no_server_would_take_back_is_not_sent),
        TEST(the_leases_of_one_call_have_a_limit_in_bytes),
        TEST(the_contents_read_for_validators_have_a_limit_for_all_leases_of_a_call),
    };
    return cmocka_run_group_tests_name("indexserver/leases", tests, NULL, NULL);
}
