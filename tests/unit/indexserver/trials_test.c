/* TEST_URL: fetched by a lease, told to whoever asked, kept nowhere. */
#include "harness.h"

#define HOST "http://127.0.0.1:8080"

static struct site_page site[] = {
    {.url = HOST "/", .links = {HOST "/a", "http://127.0.0.1:9/", "!" HOST "/b"}},
    {.url = HOST "/a", .links = {HOST "/"}},
    {.url = HOST "/old", .status = 301, .target = HOST "/a"},
    {.url = HOST "/away", .status = 302, .target = "http://127.0.0.1:9/"},
    {.url = HOST "/loop", .status = 302, .target = HOST "/loop"},
    {.url = HOST "/noindex", .noindex = true},
};

/* A call that goes on while leases are asked for. */
struct running {
    struct rpc_client *client;
    struct rpc_exchange exchange;
    struct arena arena;
};

static int set_up(void **state)
{
    struct indexserver *ix = indexserver_new();
    ix->site = site;
    ix->site_count = sizeof(site) / sizeof(site[0]);
    start_with_settings(ix);
    *state = ix;
    return 0;
}

static int tear_down(void **state)
{
    indexserver_free(*state);
    return 0;
}

static struct running *begin(struct indexserver *ix, const char *url, unsigned wait_ms)
{
    struct running *running = calloc(1, sizeof(*running));
    Wire__TestUrlRequest request = WIRE__TEST_URL_REQUEST__INIT;
    request.url = (char *)url;
    request.wait_ms = wait_ms;
    assert_int_equal(
        rpc_client_open(rpc_server_address(ix->server), &ix->key, &running->client, NULL),
        STATUS_OK);
    rpc_start(running->client, WIRE__METHOD__TEST_URL, &request.base,
              &wire__test_url_reply__descriptor, &running->arena, 30000, &running->exchange);
    return running;
}

static bool is_done(struct running *running, int64_t wait_ms)
{
    struct rpc_exchange *exchange = &running->exchange;
    if (!exchange->done)
        rpc_wait(&exchange, 1, wait_ms);
    return exchange->done;
}

/* Works as a downloader does until the trial is answered. */
static const Wire__TestUrlReply *work(struct indexserver *ix, struct running *running)
{
    while (!is_done(running, 0)) {
        const Wire__LeaseReply *reply = lease(ix, 8, 50);
        for (size_t i = 0; i < reply->n_leases; i++)
            work_on(ix, reply->leases[i]);
    }
    if (running->exchange.status != STATUS_OK)
        fail_msg("%s", running->exchange.error.text);
    return running->exchange.reply;
}

static void end(struct running *running)
{
    rpc_client_close(running->client);
    arena_release(&running->arena);
    free(running);
}

/* "verdict: words" of the last stage of that name. */
static const char *stage(struct indexserver *ix, const Wire__TestUrlReply *reply, const char *name)
{
    for (size_t i = reply->n_stages; i-- > 0;) {
        if (strcmp(reply->stages[i]->name, name) == 0)
            return arena_format(&ix->arena, "%s: %s", reply->stages[i]->verdict,
                                reply->stages[i]->words);
    }
    return "no such stage";
}

static void a_trial_fetches_robots_and_the_page_and_the_log_does_not_grow(void **state)
{
    struct indexserver *ix = *state;
    submit(ix, HOST "/a");
    uint64_t head = get_status(ix)->head;
    control(ix, LOG__ACTION__ACTION_PAUSE, ""); /* only the trial is fetched */
    struct running *running = begin(ix, HOST "/", 20000);
    const Wire__TestUrlReply *reply = work(ix, running);
    assert_int_equal(ix->fetches, 1);
    assert_int_equal(get_status(ix)->head, head + 1); /* the pause */
    assert_true(reply->indexed);
    assert_string_equal(stage(ix, reply, "robots"), "ok: there is none");
    assert_string_equal(stage(ix, reply, "indexed"), "ok: it would be");
    assert_memory_equal(reply->page->title, "title of ", 9);
    assert_int_equal(reply->n_links, 3);
    assert_true(reply->links[0]->followed);
    assert_string_equal(reply->links[1]->words, "out of every source");
    assert_string_equal(reply->links[2]->words, "nofollow");
    assert_string_equal(lookup(ix, HOST "/", "fetch"), "unknown: it was not fetched yet");
    end(running);
}

static void what_robots_forbids_is_not_fetched(void **state)
{
    struct indexserver *ix = *state;
    ix->robots = "User-agent: *\nDisallow: /a\n";
    struct running *running = begin(ix, HOST "/a", 20000);
    const Wire__TestUrlReply *reply = work(ix, running);
    assert_int_equal(ix->fetches, 0);
    assert_false(reply->indexed);
    assert_string_equal(stage(ix, reply, "robots"), "stopped: line 2: Disallow: /a");
    assert_string_equal(stage(ix, reply, "indexed"), "stopped: robots.txt forbids it");
    end(running);
}

static void redirects_are_steps_of_their_own(void **state)
{
    static const struct {
        const char *url, *wanted;
        unsigned hops;
    } rows[] = {
        {HOST "/old", "ok: it would be", 2},
        {HOST "/away", "stopped: it leads out of every source", 1},
        {HOST "/loop", "stopped: it redirects more than ten times", 11},
        {HOST "/noindex", "stopped: the page asks not to be indexed (noindex)", 1},
    };
    struct indexserver *ix = *state;
    submit(ix, HOST "/a");
    crawl_all(ix, 100);
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        struct running *running = begin(ix, rows[i].url, 20000);
        const Wire__TestUrlReply *reply = work(ix, running);
        assert_string_equal(stage(ix, reply, "indexed"), rows[i].wanted);
        assert_int_equal(reply->n_hops, rows[i].hops);
        end(running);
    }
}

static void a_host_that_no_source_names_is_fetched_as_if_it_was_submitted(void **state)
{
    struct indexserver *ix = *state;
    struct running *running = begin(ix, HOST "/a", 20000);
    const Wire__TestUrlReply *reply = work(ix, running);
    assert_non_null(reply->page);
    assert_false(reply->indexed);
    assert_non_null(strstr(stage(ix, reply, "indexed"), "would have to be submitted"));
    assert_int_equal(get_status(ix)->n_sources, 0);
    end(running);
}

static void what_may_not_be_fetched_at_all_is_not(void **state)
{
    struct indexserver *ix = *state;
    struct running *running = begin(ix, "http://example.org/", 20000);
    assert_true(is_done(running, 5000));
    const Wire__TestUrlReply *reply = running->exchange.reply;
    assert_non_null(strstr(stage(ix, reply, "scope"), "set crawl.contact"));
    assert_int_equal(reply->n_hops, 0);
    end(running);
}

static void a_trial_waits_for_its_hosts_turn(void **state)
{
    struct indexserver *ix = *state;
    submit(ix, HOST "/a");
    const Wire__LeaseReply *held = lease(ix, 1, 1000);
    assert_int_equal(held->n_leases, 1);
    struct running *running = begin(ix, HOST "/", 20000);
    assert_int_equal(lease(ix, 1, 200)->n_leases, 0);
    assert_false(is_done(running, 0));
    work_on(ix, held->leases[0]);
    assert_true(work(ix, running)->indexed);
    end(running);
}

static void a_trial_whose_time_is_over_says_what_it_waited_for(void **state)
{
    struct indexserver *ix = *state;
    struct running *running = begin(ix, HOST "/a", 100);
    assert_true(is_done(running, 10000));
    assert_non_null(strstr(stage(ix, running->exchange.reply, "indexed"), "no downloader took it"));
    end(running);
}

static void a_report_that_comes_too_late_is_not_kept(void **state)
{
    struct indexserver *ix = *state;
    submit(ix, HOST "/a");
    crawl_all(ix, 100);
    uint64_t head = get_status(ix)->head;
    struct running *running = begin(ix, HOST "/a", 3000);
    assert_false(is_done(running, 100)); /* sends it */
    const Wire__LeaseReply *held = lease(ix, 1, 3000);
    assert_int_equal(held->n_leases, 1);
    assert_true(is_done(running, 10000));
    work_on(ix, held->leases[0]);
    assert_int_equal(get_status(ix)->head, head);
    end(running);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(
            a_trial_fetches_robots_and_the_page_and_the_log_does_not_grow, set_up, tear_down),
        cmocka_unit_test_setup_teardown(what_robots_forbids_is_not_fetched, set_up, tear_down),
        cmocka_unit_test_setup_teardown(redirects_are_steps_of_their_own, set_up, tear_down),
        cmocka_unit_test_setup_teardown(
            a_host_that_no_source_names_is_fetched_as_if_it_was_submitted, set_up, tear_down),
        cmocka_unit_test_setup_teardown(what_may_not_be_fetched_at_all_is_not, set_up, tear_down),
        cmocka_unit_test_setup_teardown(a_trial_waits_for_its_hosts_turn, set_up, tear_down),
        cmocka_unit_test_setup_teardown(a_trial_whose_time_is_over_says_what_it_waited_for, set_up,
                                        tear_down),
        cmocka_unit_test_setup_teardown(a_report_that_comes_too_late_is_not_kept, set_up,
                                        tear_down),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
