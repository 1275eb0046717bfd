/* Hosts at one address: how many are leased at a time, and to whom; and leases that are taken back.
 */
#include "tests/unit/indexserver/harness.h"

#include "indexserver/frontier.h"

enum { HOSTS = 10, PAGES = 3 };

static char origins[HOSTS][64];
static char urls[HOSTS * (PAGES + 1)][64];
static struct site_page pages[HOSTS * (PAGES + 1)];

/* Each host has a first page that leads to the others. */
static void make_site(struct indexserver *ix)
{
    memset(pages, 0, sizeof(pages));
    for (int i = 0; i < HOSTS; i++) {
        snprintf(origins[i], sizeof(origins[i]), "http://127.0.0.1:%d", 9000 + i);
        for (int j = 0; j <= PAGES; j++) {
            int at = i * (PAGES + 1) + j;
            snprintf(urls[at], sizeof(urls[at]), "%s/%d", origins[i], j);
            pages[at].url = urls[at];
            if (j > 0)
                pages[i * (PAGES + 1)].links[j - 1] = urls[at];
        }
    }
    ix->site = pages;
    ix->site_count = HOSTS * (PAGES + 1);
}

static void set_up_with(struct indexserver *ix, uint32_t delay_ms, uint32_t connections)
{
    Log__CrawlSettings crawl;
    init_settings(&crawl);
    crawl.delay_ms = delay_ms;
    crawl.connections_per_address = connections;
    take_settings(ix, &crawl);
    make_site(ix);
}

static int set_up(void **state)
{
    struct indexserver *ix = indexserver_new();
    start_with_settings(ix);
    *state = ix;
    return 0;
}

static int tear_down(void **state)
{
    indexserver_free(*state);
    return 0;
}

static const Wire__LeaseReply *lease_as(struct indexserver *ix, uint64_t member,
                                        const uint64_t *held, size_t held_count, unsigned wait_ms)
{
    Wire__LeaseRequest request = WIRE__LEASE_REQUEST__INIT;
    request.member = member;
    request.max_hosts = 64;
    request.wait_ms = wait_ms;
    request.held = (uint64_t *)held;
    request.n_held = held_count;
    return call(ix, WIRE__METHOD__LEASE, &request.base, &wire__lease_reply__descriptor);
}

/* What is fetched comes from this address. */
static void work_at(struct indexserver *ix, const Wire__HostLease *given, const char *address)
{
    Wire__Fetched *fetched[256];
    size_t count = 0;
    for (size_t i = 0; i < given->n_urls; i++) {
        Wire__Fetched *at = fetch(ix, given, given->urls[i]);
        Log__Hop **hops = at->result_case == WIRE__FETCHED__RESULT_ROBOTS    ? at->robots->hops
                          : at->result_case == WIRE__FETCHED__RESULT_CONTENT ? at->content->hops
                                                                             : at->outcome->hops;
        hops[0]->address = (char *)address;
        fetched[count++] = at;
    }
    report(ix, fetched, count, &given->lease, 1);
}

/* Every host's robots.txt is known, and that it lies at the address. */
static void meet_hosts(struct indexserver *ix, const char *address)
{
    for (int i = 0; i < HOSTS; i++)
        submit(ix, urls[i * (PAGES + 1)]);
    for (int met = 0; met < HOSTS;) {
        const Wire__LeaseReply *reply = lease(ix, 64, 3000);
        assert_true(reply->n_leases > 0);
        for (size_t i = 0; i < reply->n_leases; i++) {
            assert_int_equal(reply->leases[i]->urls[0]->kind, WIRE__FETCH_KIND__FETCH_ROBOTS);
            work_at(ix, reply->leases[i], address);
            met++;
        }
    }
}

static void as_many_hosts_of_an_address_are_leased_as_it_has_connections(void **state)
{
    struct indexserver *ix = *state;
    unsigned pages_left = HOSTS * (PAGES + 1);
    set_up_with(ix, 0, 3);
    meet_hosts(ix, "192.0.2.1");
    while (pages_left > 0) {
        const Wire__LeaseReply *reply = lease(ix, 64, 3000);
        assert_in_range(reply->n_leases, pages_left > 3 * PAGES ? 3 : 1, 3);
        if (reply->n_leases == 3)
            assert_int_equal(lease(ix, 64, 0)->n_leases, 0);
        for (size_t i = 0; i < reply->n_leases; i++) {
            pages_left -= (unsigned)reply->leases[i]->n_urls;
            work_at(ix, reply->leases[i], "192.0.2.1");
        }
    }
    assert_int_equal(ix->fetches, HOSTS * (PAGES + 1));
}

static size_t lease_all(struct indexserver *ix)
{
    size_t count = 0, more;
    do {
        more = lease(ix, 64, 300)->n_leases;
        count += more;
    } while (more > 0);
    return count;
}

static void hosts_of_other_addresses_do_not_wait_for_them(void **state)
{
    struct indexserver *ix = *state;
    set_up_with(ix, 0, 1);
    meet_hosts(ix, "192.0.2.1");
    assert_int_equal(lease(ix, 64, 3000)->n_leases, 1);
    submit(ix, "http://127.0.0.2/");
    work_at(ix, lease(ix, 64, 3000)->leases[0], "192.0.2.2"); /* robots.txt */
    const Wire__LeaseReply *reply = lease(ix, 64, 3000);
    assert_int_equal(reply->n_leases, 1);
    assert_string_equal(reply->leases[0]->origin, "http://127.0.0.2");
}

static void while_hosts_wait_their_delays_others_of_the_address_are_leased(void **state)
{
    struct indexserver *ix = *state;
    set_up_with(ix, 0, 1);
    meet_hosts(ix, "192.0.2.1");
    crawl_all(ix, 100); /* answers take a millisecond at most */
    set_up_with(ix, 100, 1);
    for (int i = 0; i < HOSTS; i++)
        submit(ix, urls[i * (PAGES + 1)]);
    assert_int_equal(lease_all(ix), HOSTS);
}

static void the_hosts_of_an_address_are_one_downloader_s(void **state)
{
    struct indexserver *ix = *state;
    set_up_with(ix, 0, 2);
    meet_hosts(ix, "192.0.2.1");
    const Wire__LeaseReply *first = lease_as(ix, 1, NULL, 0, 3000);
    assert_int_equal(first->n_leases, 2);
    work_at(ix, first->leases[0], "192.0.2.1");
    assert_int_equal(lease_as(ix, 2, NULL, 0, 300)->n_leases, 0);
    assert_int_equal(lease_as(ix, 1, NULL, 0, 300)->n_leases, 1);
    /* Over a restart they stay its own. */
    uint64_t held = first->leases[1]->lease;
    restart(ix);
    assert_int_equal(lease_as(ix, 2, NULL, 0, 100)->n_leases, 0);
    lease_as(ix, 1, &held, 1, 0);
    assert_int_equal(lease_as(ix, 2, NULL, 0, 100)->n_leases, 0);
}

static void when_nobody_holds_any_another_downloader_may_have_them(void **state)
{
    struct indexserver *ix = *state;
    set_up_with(ix, 0, 2);
    meet_hosts(ix, "192.0.2.1");
    const Wire__LeaseReply *first = lease_as(ix, 1, NULL, 0, 3000);
    for (size_t i = 0; i < first->n_leases; i++)
        work_at(ix, first->leases[i], "192.0.2.1");
    assert_int_equal(lease_as(ix, 2, NULL, 0, 3000)->n_leases, 2);
    assert_int_equal(lease_as(ix, 1, NULL, 0, 100)->n_leases, 0);
}

static void the_address_of_a_host_is_remembered_over_a_restart(void **state)
{
    struct indexserver *ix = *state;
    set_up_with(ix, 0, 2);
    meet_hosts(ix, "2001:db8::1");
    restart(ix);
    assert_int_equal(lease(ix, 64, 3000)->n_leases, 2);
}

/* ---- leases that are taken back -------------------------------------------------------------- */

static const Wire__HostLease *lease_first(struct indexserver *ix)
{
    submit(ix, urls[0]);
    work_at(ix, lease(ix, 1, 3000)->leases[0], "192.0.2.1"); /* robots.txt */
    return lease(ix, 1, 3000)->leases[0];
}

static void a_lease_is_taken_back_when_its_source_is_paused(void **state)
{
    struct indexserver *ix = *state;
    set_up_with(ix, 0, 2);
    uint64_t held = lease_first(ix)->lease;
    assert_int_equal(lease_as(ix, 1, &held, 1, 0)->n_revoked, 0);
    const char *source = get_status(ix)->sources[0]->url;
    assert_int_equal(control(ix, LOG__ACTION__ACTION_PAUSE, source), STATUS_OK);
    int64_t asked_ms = clock_boot_ms();
    const Wire__LeaseReply *reply = lease_as(ix, 1, &held, 1, 10000);
    assert_true(clock_boot_ms() - asked_ms < 5000); /* it is news */
    assert_int_equal(reply->n_revoked, 1);
    assert_true(reply->revoked[0] == held);
    asked_ms = clock_boot_ms();
    assert_int_equal(lease_as(ix, 1, &held, 1, 300)->n_revoked, 1);
    assert_true(clock_boot_ms() - asked_ms >= 290); /* and is none any more */
}

static void a_report_hears_of_a_pause_too_and_after_a_restart(void **state)
{
    struct indexserver *ix = *state;
    set_up_with(ix, 0, 2);
    const Wire__HostLease *given = lease_first(ix);
    assert_int_equal(control(ix, LOG__ACTION__ACTION_PAUSE, ""), STATUS_OK);
    restart(ix);
    Wire__ReportRequest request = WIRE__REPORT_REQUEST__INIT;
    Wire__Fetched *fetched = fetch(ix, given, given->urls[0]);
    request.fetched = &fetched;
    request.n_fetched = 1;
    const Wire__ReportReply *reply =
        call(ix, WIRE__METHOD__REPORT, &request.base, &wire__report_reply__descriptor);
    assert_int_equal(reply->n_revoked, 1);
    assert_true(reply->revoked[0] == given->lease);
    assert_int_equal(get_status(ix)->pages, 1); /* what was fetched is taken */
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(as_many_hosts_of_an_address_are_leased_as_it_has_connections),
        TEST(hosts_of_other_addresses_do_not_wait_for_them),
        TEST(while_hosts_wait_their_delays_others_of_the_address_are_leased),
        TEST(the_hosts_of_an_address_are_one_downloader_s),
        TEST(when_nobody_holds_any_another_downloader_may_have_them),
        TEST(the_address_of_a_host_is_remembered_over_a_restart),
        TEST(a_lease_is_taken_back_when_its_source_is_paused),
        TEST(a_report_hears_of_a_pause_too_and_after_a_restart),
    };
    return cmocka_run_group_tests_name("indexserver/neighbours", tests, NULL, NULL);
}
