/* What is crawled and what is not: sources, settings, removals, pauses. */
#include "tests/unit/indexserver/harness.h"

#include <sys/wait.h>

#include "base/file.h"

#define HOST "http://127.0.0.1:8080"
#define FAR  "http://example.org"

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

static void use_site(struct indexserver *ix, struct site_page *site, size_t count)
{
    ix->site = site;
    ix->site_count = count;
}

static const char *rejection(struct indexserver *ix, const char *url)
{
    const Wire__SubmitReply *reply = submit(ix, url);
    if (reply->n_rejected == 0)
        return "";
    assert_int_equal(reply->accepted, 0);
    return reply->rejected[0]->reason;
}

static void hosts_far_away_wait_for_a_contact(void **state)
{
    struct indexserver *ix = *state;
    Log__CrawlSettings crawl;
    static char contact[] = "mailto:owner@example.org";
    assert_non_null(strstr(rejection(ix, FAR "/"), "set crawl.contact"));
    assert_non_null(strstr(lookup(ix, FAR "/", "scope"), "stopped: set crawl.contact"));
    init_settings(&crawl);
    crawl.contact = contact;
    take_settings(ix, &crawl);
    assert_string_equal(rejection(ix, FAR "/"), "");
    assert_int_equal(lease(ix, 1, 1000)->n_leases, 1);
}

static void private_addresses_need_an_allowed_network(void **state)
{
    struct indexserver *ix = *state;
    assert_non_null(strstr(rejection(ix, "http://10.1.2.3/"), "private address"));
    assert_non_null(strstr(rejection(ix, "http://[fd00::1]/"), "private address"));
    assert_non_null(strstr(rejection(ix, "http://192.168.0.9:81/a"), "private address"));
    assert_string_equal(rejection(ix, "http://localhost:8080/"), "");
    Log__CrawlSettings crawl;
    static char ten[] = "10.0.0.0/8";
    static char *networks[] = {ten};
    init_settings(&crawl);
    crawl.allowed_networks = networks;
    take_settings(ix, &crawl);
    assert_string_equal(rejection(ix, "http://10.1.2.3/"), "");
}

static void text_that_is_no_url_is_rejected_with_words(void **state)
{
    struct indexserver *ix = *state;
    assert_true(strlen(rejection(ix, "not a url")) > 0);
    assert_true(strlen(rejection(ix, "ftp://127.0.0.1/")) > 0);
    assert_true(strlen(rejection(ix, "")) > 0);
    assert_int_equal(get_status(ix)->urls_known, 0);
}

static void its_own_site_is_not_crawled_but_for_the_handbook(void **state)
{
    struct indexserver *ix = *state;
    Log__CrawlSettings crawl;
    static char own[] = "127.0.0.1:8443";
    init_settings(&crawl);
    crawl.own_authority = own;
    take_settings(ix, &crawl);
    assert_non_null(strstr(rejection(ix, "https://127.0.0.1:8443/search?q=a"), "Tierce"));
    assert_non_null(strstr(rejection(ix, "https://127.0.0.1:8443/handbook/../admin"), "Tierce"));
    assert_string_equal(rejection(ix, "https://127.0.0.1:8443/handbook/index.html"), "");
}

/* ---- configured sources ---------------------------------------------------------------------- */

struct sources {
    Log__CrawlSettings crawl;
    Log__Source list[4];
    Log__Source *pointers[4];
};

static void add_source(struct sources *sources, const char *url)
{
    size_t i = sources->crawl.n_sources++;
    log__source__init(&sources->list[i]);
    sources->list[i].url = (char *)url;
    sources->pointers[i] = &sources->list[i];
    sources->crawl.sources = sources->pointers;
}

static void a_configured_seed_is_crawled_once(void **state)
{
    struct indexserver *ix = *state;
    struct sources sources;
    struct site_page site[] = {{.url = HOST "/docs/", .links = {HOST "/docs/a", HOST "/other"}},
                               {.url = HOST "/docs/a"},
                               {.url = HOST "/other"}};
    static char prefix[] = HOST "/docs/";
    use_site(ix, site, 3);
    init_settings(&sources.crawl);
    add_source(&sources, HOST "/docs/");
    sources.list[0].prefix = prefix;
    take_settings(ix, &sources.crawl);
    crawl_all(ix, 200);
    assert_int_equal(ix->fetches, 2);
    uint64_t head = get_status(ix)->head;
    take_settings(ix, &sources.crawl); /* another version that says the same */
    crawl_all(ix, 100);
    assert_int_equal(get_status(ix)->head, head);
    assert_int_equal(ix->fetches, 2);
    assert_string_equal(lookup(ix, HOST "/other", "scope"),
                        "stopped: no source names this host: add one, or submit the URL");
    assert_string_equal(lookup(ix, HOST "/docs/a", "scope"),
                        "ok: source " HOST "/docs/ (config.yaml)");
}

static void a_source_that_left_the_configuration_stands_still(void **state)
{
    struct indexserver *ix = *state;
    struct sources sources;
    struct site_page site[] = {{.url = HOST "/", .links = {HOST "/a"}}, {.url = HOST "/a"}};
    use_site(ix, site, 2);
    init_settings(&sources.crawl);
    add_source(&sources, HOST "/");
    take_settings(ix, &sources.crawl);
    work_on(ix, lease(ix, 1, 1000)->leases[0]);
    work_on(ix, lease(ix, 1, 1000)->leases[0]);
    sources.crawl.n_sources = 0;
    take_settings(ix, &sources.crawl);
    crawl_all(ix, 100);
    assert_int_equal(ix->fetches, 1);
    assert_string_equal(get_status(ix)->sources[0]->state,
                        "no longer in config.yaml: `tierce purge " HOST "/` removes its pages");
    sources.crawl.n_sources = 1;
    take_settings(ix, &sources.crawl);
    crawl_all(ix, 100);
    assert_int_equal(ix->fetches, 2);
}

static void a_source_carries_its_own_delay_address_and_certificate(void **state)
{
    struct indexserver *ix = *state;
    struct sources sources;
    static char to[] = "127.0.0.1:9", ca[PATH_MAX + 8], agent[] = "Tierce/1 (+me)";
    init_settings(&sources.crawl);
    snprintf(ca, sizeof(ca), "%s/ca.pem", ix->folder);
    assert_int_equal(file_replace(ca, "a certificate", 13, 0600, NULL), STATUS_OK);
    sources.crawl.user_agent = agent;
    sources.crawl.max_page_bytes = 5555;
    sources.crawl.fetch_timeout_ms = 777;
    add_source(&sources, "https://search.example/handbook/");
    sources.list[0].connect_to = to;
    sources.list[0].ca_file = ca;
    sources.list[0].delay_set = true;
    sources.list[0].delay_ms = 20;
    take_settings(ix, &sources.crawl);
    const Wire__LeaseReply *reply = lease(ix, 1, 1000);
    assert_int_equal(reply->n_leases, 1); /* no contact needed: it is this machine */
    const Wire__HostLease *given = reply->leases[0];
    assert_string_equal(given->origin, "https://search.example");
    assert_string_equal(given->connect_to, to);
    assert_int_equal(given->ca_pem.len, 13);
    assert_memory_equal(given->ca_pem.data, "a certificate", 13);
    assert_string_equal(given->user_agent, agent);
    assert_int_equal(given->delay_ms, 20);
    assert_int_equal(given->max_bytes, 5555);
    assert_int_equal(given->timeout_ms, 777);
    assert_true(given->allow_private);
    assert_string_equal(given->allowed_networks[0], "127.0.0.0/8");
}

static void the_feed_tells_which_sites_are_public(void **state)
{
    struct indexserver *ix = *state;
    struct sources sources;
    init_settings(&sources.crawl);
    add_source(&sources, HOST "/");
    add_source(&sources, "http://127.0.0.1:8081/");
    sources.list[1].is_public = true;
    take_settings(ix, &sources.crawl);
    crawl_all(ix, 100);
    const Wire__FeedReply *reply = read_feed(ix, 0, 0);
    assert_int_equal(reply->n_items, 1); /* the sets before are gone */
    assert_int_equal(reply->items[0]->kind_case, WIRE__FEED_ITEM__KIND_SITES);
    assert_int_equal(reply->items[0]->sites->n_scopes, 1); /* HOST has nothing to show */
    const Wire__SourceScope *scope = reply->items[0]->sites->scopes[0];
    assert_string_equal(scope->site, "127.0.0.1:8081");
    assert_string_equal(scope->prefix, "");
    assert_true(scope->is_public);
}

static void the_feed_tells_every_source_of_a_site_that_has_a_public_one(void **state)
{
    struct indexserver *ix = *state;
    char open[] = HOST "/open/", closed[] = HOST "/open/not/";
    struct sources sources;
    init_settings(&sources.crawl);
    add_source(&sources, HOST "/open/");
    add_source(&sources, HOST "/open/not/");
    add_source(&sources, "http://127.0.0.1:8081/");
    sources.list[0].is_public = true;
    sources.list[0].prefix = open;
    sources.list[1].prefix = closed;
    take_settings(ix, &sources.crawl);
    crawl_all(ix, 100);
    const Wire__FeedReply *reply = read_feed(ix, 0, 0);
    assert_int_equal(reply->n_items, 1);
    const Wire__PublicSites *sites = reply->items[0]->sites;
    assert_int_equal(sites->n_scopes, 2);
    for (size_t i = 0; i < 2; i++) {
        assert_string_equal(sites->scopes[i]->site, HOST + strlen("http://"));
        assert_string_equal(sites->scopes[i]->prefix, sources.list[i].prefix);
        assert_int_equal(sites->scopes[i]->is_public, i == 0);
    }
}

/* ---- the owner's hand -------------------------------------------------------------------------
 */

static struct site_page small[] = {
    {.url = HOST "/", .links = {HOST "/docs/a", HOST "/docs/b", HOST "/c"}},
    {.url = HOST "/docs/a", .links = {HOST "/docs/new"}},
    {.url = HOST "/docs/b"},
    {.url = HOST "/c", .links = {HOST "/docs/new"}},
    {.url = HOST "/docs/new"},
};

static void a_paused_crawl_leases_nothing_until_it_is_resumed(void **state)
{
    struct indexserver *ix = *state;
    use_site(ix, small, 5);
    submit(ix, HOST "/");
    assert_int_equal(control(ix, LOG__ACTION__ACTION_PAUSE, ""), STATUS_OK);
    assert_int_equal(lease(ix, 1, 100)->n_leases, 0);
    assert_string_equal(get_status(ix)->paused, "paused by the owner");
    restart(ix);
    assert_int_equal(lease(ix, 1, 100)->n_leases, 0);
    assert_int_equal(control(ix, LOG__ACTION__ACTION_RESUME, ""), STATUS_OK);
    crawl_all(ix, 100);
    assert_int_equal(ix->fetches, 5);
}

static void a_source_is_paused_and_cancelled_alone(void **state)
{
    struct indexserver *ix = *state;
    use_site(ix, small, 5);
    submit(ix, HOST "/");
    submit(ix, "http://127.0.0.1:8081/");
    assert_int_equal(control(ix, LOG__ACTION__ACTION_PAUSE, HOST "/nothing"), STATUS_NOT_FOUND);
    assert_int_equal(control(ix, LOG__ACTION__ACTION_PAUSE, HOST "/"), STATUS_OK);
    crawl_all(ix, 100);
    assert_int_equal(ix->fetches, 1);
    assert_string_equal(lookup(ix, HOST "/", "frontier"), "stopped: its source: paused");
    assert_int_equal(control(ix, LOG__ACTION__ACTION_CANCEL, HOST "/"), STATUS_OK);
    crawl_all(ix, 100);
    assert_int_equal(ix->fetches, 1);
    submit(ix, HOST "/"); /* the owner wants it after all */
    crawl_all(ix, 100);
    assert_int_equal(ix->fetches, 6);
}

static void a_removed_page_is_gone_and_not_fetched_again_until_submitted(void **state)
{
    struct indexserver *ix = *state;
    struct replica replica = {.count = 0};
    use_site(ix, small, 5);
    submit(ix, HOST "/");
    crawl_all(ix, 50);
    uint64_t at = replica_follow(ix, &replica, 0);
    const Wire__RemoveReply *reply =
        remove_url(ix, LOG__REMOVE_SCOPE__REMOVE_PAGE, HOST "/docs/../docs/a");
    assert_int_equal(reply->removed, 1);
    replica_follow(ix, &replica, at);
    assert_string_equal(replica_text(ix, &replica),
                        "doc / version 0; doc b version 0; doc c version 0; doc new version 0; "
                        "edge />a; edge />b; edge />c; edge c>new; ");
    unsigned fetches = ix->fetches;
    submit(ix, HOST "/"); /* links to it */
    crawl_all(ix, 50);
    assert_int_equal(ix->fetches, fetches + 1);
    assert_non_null(strstr(lookup(ix, HOST "/docs/a", "scope"), "the owner removed this page"));
    submit(ix, HOST "/docs/a");
    crawl_all(ix, 50);
    assert_int_equal(ix->fetches, fetches + 2);
    assert_non_null(strstr(whole_feed(ix), "doc a "));
}

static void a_removed_prefix_keeps_new_pages_out_too(void **state)
{
    struct indexserver *ix = *state;
    use_site(ix, small, 5);
    submit(ix, HOST "/");
    work_on(ix, lease(ix, 1, 1000)->leases[0]);
    work_on(ix, lease(ix, 1, 1000)->leases[0]);
    const Wire__RemoveReply *reply =
        remove_url(ix, LOG__REMOVE_SCOPE__REMOVE_PREFIX, HOST "/docs/");
    assert_int_equal(reply->removed, 0); /* they were not fetched yet */
    crawl_all(ix, 50);
    assert_string_equal(whole_feed(ix),
                        "doc / version 0; doc c version 0; edge />a; edge />b; edge />c; "
                        "edge c>new; ");
    restart(ix);
    assert_non_null(strstr(lookup(ix, HOST "/docs/new", "scope"),
                           "stopped: the owner removed the prefix " HOST "/docs/"));
    submit(ix, HOST "/docs/a"); /* the rule falls */
    crawl_all(ix, 50);
    assert_non_null(strstr(whole_feed(ix), "doc new "));
}

static void a_removed_site_is_that_host_and_no_other(void **state)
{
    struct indexserver *ix = *state;
    struct site_page site[] = {{.url = HOST "/"},
                               {.url = "http://127.0.0.1:80801/"},
                               {.url = "http://127.0.0.1:8081/"},
                               {.url = "http://127.0.0.11:8080/"}};
    use_site(ix, site, 4);
    submit(ix, HOST "/");
    submit(ix, "http://127.0.0.1:8081/");
    submit(ix, "http://127.0.0.11:8080/");
    crawl_all(ix, 50);
    assert_int_equal(get_status(ix)->pages, 3);
    assert_int_equal(remove_url(ix, LOG__REMOVE_SCOPE__REMOVE_SITE, "127.0.0.1:8080")->removed, 1);
    assert_int_equal(get_status(ix)->pages, 2);
    assert_int_equal(remove_url(ix, LOG__REMOVE_SCOPE__REMOVE_SITE, "127.0.0.1")->removed, 1);
    assert_int_equal(get_status(ix)->pages, 1);
    Wire__RemoveRequest wrong = WIRE__REMOVE_REQUEST__INIT;
    void *reply;
    wrong.scope = LOG__REMOVE_SCOPE__REMOVE_SITE;
    wrong.value = (char *)"127.0.0.1/path";
    assert_int_equal(
        try_call(ix, WIRE__METHOD__REMOVE, &wrong.base, &wire__remove_reply__descriptor, &reply),
        STATUS_INVALID);
}

static void a_report_that_comes_after_the_removal_does_not_bring_the_page_back(void **state)
{
    struct indexserver *ix = *state;
    use_site(ix, small, 5);
    submit(ix, HOST "/c");
    work_on(ix, lease(ix, 1, 1000)->leases[0]);
    const Wire__LeaseReply *reply = lease(ix, 1, 1000);
    remove_url(ix, LOG__REMOVE_SCOPE__REMOVE_PAGE, HOST "/c");
    work_on(ix, reply->leases[0]);
    assert_string_equal(whole_feed(ix), "");
    assert_int_equal(get_status(ix)->pages, 0);
}

static int files_with(const char *folder, const char *text)
{
    char command[PATH_MAX + 128];
    snprintf(command, sizeof(command), "exit $(grep -rl --binary-files=text '%s' '%s' | wc -l)",
             text, folder);
    return WEXITSTATUS(system(command));
}

static void the_bytes_of_a_removed_page_leave_the_disk(void **state)
{
    struct indexserver *ix = *state;
    struct site_page site[] = {{.url = HOST "/c", .version = 987654321}};
    use_site(ix, site, 1);
    submit(ix, HOST "/c");
    crawl_all(ix, 50);
    assert_true(files_with(ix->folder, "version 987654321") > 0);
    remove_url(ix, LOG__REMOVE_SCOPE__REMOVE_PAGE, HOST "/c");
    for (int i = 0; i < 1000 && files_with(ix->folder, "version 987654321") > 0; i++)
        usleep(10000);
    assert_int_equal(files_with(ix->folder, "version 987654321"), 0);
}

static void links_to_hosts_that_no_source_names_are_not_followed(void **state)
{
    struct indexserver *ix = *state;
    struct site_page site[] = {
        {.url = HOST "/", .links = {"http://127.0.0.1:8081/", "http://127.0.0.1:8080/a"}},
        {.url = HOST "/a", .status = 302, .target = "http://127.0.0.1:8081/"},
        {.url = "http://127.0.0.1:8081/"}};
    use_site(ix, site, 3);
    submit(ix, HOST "/");
    crawl_all(ix, 50);
    assert_int_equal(ix->fetches, 2);
    assert_non_null(strstr(lookup(ix, "http://127.0.0.1:8081/", "scope"), "no source"));
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(hosts_far_away_wait_for_a_contact),
        TEST(private_addresses_need_an_allowed_network),
        TEST(text_that_is_no_url_is_rejected_with_words),
        TEST(its_own_site_is_not_crawled_but_for_the_handbook),
        TEST(a_configured_seed_is_crawled_once),
        TEST(a_source_that_left_the_configuration_stands_still),
        TEST(a_source_carries_its_own_delay_address_and_certificate),
        TEST(the_feed_tells_which_sites_are_public),
        TEST(the_feed_tells_every_source_of_a_site_that_has_a_public_one),
        TEST(a_paused_crawl_leases_nothing_until_it_is_resumed),
        TEST(a_source_is_paused_and_cancelled_alone),
        TEST(a_removed_page_is_gone_and_not_fetched_again_until_submitted),
        TEST(a_removed_prefix_keeps_new_pages_out_too),
        TEST(a_removed_site_is_that_host_and_no_other),
        TEST(a_report_that_comes_after_the_removal_does_not_bring_the_page_back),
        TEST(the_bytes_of_a_removed_page_leave_the_disk),
        TEST(links_to_hosts_that_no_source_names_are_not_followed),
    };
    return cmocka_run_group_tests_name("indexserver/scope", tests, NULL, NULL);
}
