/* Politeness: which requests belong to one host, how long it is left alone, over restarts too; and
 * what becomes of a host of which something cannot be read. */
#include "tests/unit/indexserver/harness.h"

#include <fcntl.h>

#include "base/bytes.h"
#include "cluster/log.h"
#include "indexserver/frontier.h"
#include "store/kv.h"

#define HOST  "http://127.0.0.1:8080"
#define OTHER "http://127.0.0.1:8081"

static struct site_page pages[] = {
    {.url = HOST "/", .links = {HOST "/a", HOST "/b"}},
    {.url = HOST "/a"},
    {.url = HOST "/b"},
    {.url = OTHER "/"},
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

/* ---- entries that cannot be read --------------------------------------------------------------
 */

struct wanted_entry {
    Log__Entry__KindCase kind;
    const char *name; /* of a URL, or of an origin */
    uint64_t sequence;
};

static bool find_entry(void *context, uint64_t sequence, const Log__Entry *entry)
{
    struct wanted_entry *wanted = context;
    const char *name = entry->kind_case == LOG__ENTRY__KIND_ROBOTS    ? entry->robots->origin
                       : entry->kind_case == LOG__ENTRY__KIND_CONTENT ? entry->content->url
                                                                      : "";
    if (entry->kind_case == wanted->kind && strcmp(name, wanted->name) == 0)
        wanted->sequence = sequence;
    return true;
}

/* Puts bytes that are no entry in the place of the newest of that kind and name. */
static void spoil_entry(struct indexserver *ix, Log__Entry__KindCase kind, const char *name)
{
    struct wanted_entry wanted = {.kind = kind, .name = name};
    static const struct kv_column columns[] = {{.name = "log"}, {.name = "meta"}};
    static const struct kv_options options = {columns, 2, 0};
    char path[PATH_MAX + 8];
    struct log_store *log = NULL;
    struct kv *kv = NULL;
    uint8_t key[8];
    stop(ix);
    snprintf(path, sizeof(path), "%s/log", ix->folder);
    assert_int_equal(log_open_embedded(path, 0, &log, &ix->err), STATUS_OK);
    assert_int_equal(log_read(log, 0, find_entry, &wanted, &ix->err), STATUS_OK);
    log_close(log);
    assert_int_not_equal(wanted.sequence, 0);
    assert_int_equal(kv_open(path, &options, &kv, &ix->err), STATUS_OK);
    struct kv_batch *batch = kv_batch_new();
    put_be64(key, wanted.sequence);
    kv_put(batch, kv, 0, kv_slice(key, sizeof(key)), kv_slice("rubbish", 7));
    assert_int_equal(kv_write(kv, batch, true, &ix->err), STATUS_OK);
    kv_batch_free(batch);
    kv_close(kv);
    start(ix);
}

/* What is logged meanwhile goes into a file. */
struct lines {
    int fd, standard_error;
};

static struct lines catch_lines(const struct indexserver *ix)
{
    char path[PATH_MAX + 8];
    snprintf(path, sizeof(path), "%s/lines", ix->folder);
    struct lines lines = {open(path, O_RDWR | O_CREAT | O_TRUNC | O_APPEND, 0600), dup(2)};
    assert_true(lines.fd >= 0 && lines.standard_error >= 0 && dup2(lines.fd, 2) == 2);
    return lines;
}

/* How many of them hold the words. */
static unsigned count_lines(struct lines *lines, const char *words)
{
    static char text[65536];
    unsigned count = 0;
    dup2(lines->standard_error, 2);
    close(lines->standard_error);
    ssize_t size = pread(lines->fd, text, sizeof(text) - 1, 0);
    close(lines->fd);
    assert_true(size >= 0);
    text[size] = '\0';
    for (const char *at = strstr(text, words); at != NULL; at = strstr(at + 1, words))
        count++;
    return count;
}

static void an_unreadable_robots_txt_is_fetched_again_and_holds_up_no_other_host(void **state)
{
    struct indexserver *ix = *state;
    ix->robots = "User-agent: *\nDisallow: /b\n";
    submit(ix, HOST "/");
    submit(ix, OTHER "/");
    crawl_all(ix, 50);
    assert_int_equal(ix->fetches, 3); /* two first pages, and a */
    spoil_entry(ix, LOG__ENTRY__KIND_ROBOTS, HOST);
    struct lines lines = catch_lines(ix);
    submit(ix, HOST "/a");
    submit(ix, HOST "/b");
    submit(ix, OTHER "/");
    const Wire__LeaseReply *reply = lease(ix, 8, 3000);
    for (int i = 0; i < 5; i++)
        lease(ix, 8, 0);
    assert_int_equal(reply->n_leases, 2);
    for (size_t i = 0; i < 2; i++) {
        bool damaged = strcmp(reply->leases[i]->origin, HOST) == 0;
        assert_int_equal(reply->leases[i]->urls[0]->kind,
                         damaged ? WIRE__FETCH_KIND__FETCH_ROBOTS : WIRE__FETCH_KIND__FETCH_PAGE);
        work_on(ix, reply->leases[i]);
    }
    crawl_all(ix, 50);
    assert_int_equal(count_lines(&lines, HOST "/robots.txt cannot be read"), 1);
    assert_int_equal(ix->fetches, 5); /* not b, which it still forbids */
    assert_string_equal(lookup(ix, HOST "/b", "robots"), "stopped: line 2: Disallow: /b");
}

static void a_page_whose_validators_cannot_be_read_is_fetched_whole(void **state)
{
    struct indexserver *ix = *state;
    submit(ix, HOST "/a");
    submit(ix, HOST "/b");
    crawl_all(ix, 50);
    spoil_entry(ix, LOG__ENTRY__KIND_CONTENT, HOST "/a");
    struct lines lines = catch_lines(ix);
    submit(ix, HOST "/a");
    submit(ix, HOST "/b");
    const Wire__LeaseReply *reply = lease(ix, 8, 3000);
    assert_int_equal(count_lines(&lines, HOST "/a: its content cannot be read"), 1);
    assert_int_equal(reply->n_leases, 1);
    assert_int_equal(reply->leases[0]->n_urls, 2);
    for (size_t i = 0; i < 2; i++) {
        const Wire__LeasedUrl *leased = reply->leases[0]->urls[i];
        assert_string_equal(leased->etag, strcmp(leased->url, HOST "/a") == 0 ? "" : "\"v1\"");
    }
    work_on(ix, reply->leases[0]);
    assert_non_null(strstr(whole_feed(ix), "doc a version 0"));
    assert_string_equal(ix->failure, "");
}

/* ---- delays over a restart
 * -----------------------------------------------------------------------
 */

/* Milliseconds from `since_ms` until the host is leased. */
static int64_t leased_after(struct indexserver *ix, int64_t since_ms)
{
    const Wire__LeaseReply *reply = lease(ix, 1, 10000);
    int64_t took = clock_boot_ms() - since_ms;
    assert_int_equal(reply->n_leases, 1);
    return took;
}

static void after_a_restart_the_delay_of_robots_txt_is_waited_again(void **state)
{
    struct indexserver *ix = *state;
    ix->robots = "User-agent: *\nCrawl-delay: 1\n";
    submit(ix, HOST "/");
    work_on(ix, lease(ix, 1, 1000)->leases[0]); /* robots.txt */
    int64_t ended = clock_boot_ms();
    const Wire__LeaseReply *reply = lease(ix, 1, 5000);
    assert_true(clock_boot_ms() - ended >= 990); /* the first page waits as long as that asks */
    work_on(ix, reply->leases[0]);
    stop(ix);
    int64_t started = clock_boot_ms();
    start(ix);
    assert_in_range(leased_after(ix, started), 990, 5000);
}

/* A page of this host took so long. */
static void answer_after(struct indexserver *ix, int32_t fetch_ms)
{
    const Wire__LeaseReply *reply = lease(ix, 1, 5000);
    const Wire__HostLease *given = reply->leases[0];
    Wire__Fetched *fetched = fetch(ix, given, given->urls[0]);
    fetched->content->fetch_ms = fetch_ms;
    report(ix, &fetched, 1, &given->lease, 1);
}

static void after_a_restart_the_delay_still_follows_the_response_time(void **state)
{
    struct indexserver *ix = *state;
    Log__CrawlSettings crawl;
    init_settings(&crawl);
    crawl.delay_ms = 10;
    take_settings(ix, &crawl);
    submit(ix, HOST "/");
    work_on(ix, lease(ix, 1, 1000)->leases[0]); /* robots.txt */
    answer_after(ix, 400);
    stop(ix);
    int64_t started = clock_boot_ms();
    start(ix);
    assert_in_range(leased_after(ix, started), 790, 5000);
}

static void a_lease_that_an_earlier_version_wrote_is_held(void **state)
{
    struct indexserver *ix = *state;
    static const struct kv_column columns[] = {{.name = "leases"}};
    static const struct kv_options options = {columns, 1, 0};
    char path[PATH_MAX + 8];
    struct kv *kv = NULL;
    uint8_t key[8];
    submit(ix, HOST "/");
    stop(ix);
    snprintf(path, sizeof(path), "%s/views", ix->folder);
    assert_int_equal(kv_open(path, &options, &kv, &ix->err), STATUS_OK);
    struct kv_batch *batch = kv_batch_new();
    put_be64(key, 99);
    kv_put(batch, kv, 0, kv_slice(key, sizeof(key)), kv_slice(HOST, strlen(HOST)));
    assert_int_equal(kv_write(kv, batch, true, &ix->err), STATUS_OK);
    kv_batch_free(batch);
    kv_close(kv);
    start(ix);
    assert_int_equal(lease(ix, 8, 1500)->n_leases, 0);
    const uint64_t held = 99;
    report(ix, NULL, 0, &held, 1);
    assert_int_equal(lease(ix, 8, 3000)->n_leases, 1);
}

/* ---- what is one host
 * ----------------------------------------------------------------------------
 */

#define PLAIN   "http://h.example"
#define SECURE  "https://h.example"
#define OFFSIDE "http://h.example:8080"

static void allow_far_hosts(struct indexserver *ix, uint32_t delay_ms)
{
    static char contact[] = "mailto:owner@example.org";
    Log__CrawlSettings crawl;
    init_settings(&crawl);
    crawl.contact = contact;
    crawl.delay_ms = delay_ms;
    take_settings(ix, &crawl);
}

static void schemes_and_ports_of_a_name_share_one_lease_and_one_delay(void **state)
{
    struct indexserver *ix = *state;
    static struct site_page site[] = {
        {.url = PLAIN "/"}, {.url = SECURE "/"}, {.url = OFFSIDE "/"}};
    int64_t ended = 0;
    unsigned robots = 0, count = 0;
    ix->site = site;
    ix->site_count = 3;
    allow_far_hosts(ix, 200);
    for (int i = 0; i < 3; i++)
        submit(ix, site[i].url);
    for (;; count++) {
        const Wire__LeaseReply *reply = lease(ix, 8, 1000);
        if (reply->n_leases == 0)
            break;
        assert_true(clock_boot_ms() - ended >= 199);
        assert_int_equal(reply->n_leases, 1); /* of all three */
        assert_int_equal(lease(ix, 8, 0)->n_leases, 0);
        robots += reply->leases[0]->urls[0]->kind == WIRE__FETCH_KIND__FETCH_ROBOTS;
        ended = clock_boot_ms(); /* no later than the lease ends for the server */
        work_on(ix, reply->leases[0]);
    }
    assert_int_equal(robots, 3); /* each origin has its own */
    assert_int_equal(count, 6);
    assert_int_equal(ix->fetches, 3);
    assert_int_equal(get_status(ix)->hosts, 1);
}

static void a_name_that_asks_to_be_left_alone_is_so_by_all_schemes_after_a_restart_too(void **state)
{
    struct indexserver *ix = *state;
    static struct site_page site[] = {{.url = PLAIN "/"}, {.url = SECURE "/"}};
    ix->site = site;
    ix->site_count = 2;
    allow_far_hosts(ix, 0);
    submit(ix, PLAIN "/");
    work_on(ix, lease(ix, 1, 1000)->leases[0]); /* robots.txt */
    const Wire__LeaseReply *reply = lease(ix, 1, 1000);
    Wire__Fetched *fetched = fetch(ix, reply->leases[0], reply->leases[0]->urls[0]);
    fetched->result_case = WIRE__FETCHED__RESULT_OUTCOME;
    fetched->page = NULL;
    fetched->outcome = make_outcome(ix, PLAIN "/", 503, NULL);
    fetched->outcome->reason = LOG__REASON__REASON_RETRY_LATER;
    fetched->outcome->retry_after_s = 2;
    int64_t at = clock_boot_ms();
    report(ix, &fetched, 1, &reply->leases[0]->lease, 1);
    submit(ix, SECURE "/");
    assert_int_equal(lease(ix, 8, 100)->n_leases, 0);
    restart(ix);
    assert_in_range(leased_after(ix, at), 1900, 8000);
}

static void an_unreachable_robots_txt_holds_up_its_own_origin_alone(void **state)
{
    struct indexserver *ix = *state;
    static struct site_page site[] = {{.url = PLAIN "/"}, {.url = SECURE "/"}};
    ix->site = site;
    ix->site_count = 2;
    allow_far_hosts(ix, 0);
    submit(ix, PLAIN "/");
    const Wire__LeaseReply *reply = lease(ix, 1, 1000);
    Wire__Fetched *fetched = fetch(ix, reply->leases[0], reply->leases[0]->urls[0]);
    fetched->robots->hops[0]->status = 500;
    report(ix, &fetched, 1, &reply->leases[0]->lease, 1);
    submit(ix, SECURE "/");
    crawl_all(ix, 50);
    assert_int_equal(ix->fetches, 1);
    assert_non_null(strstr(whole_feed(ix), "doc / "));
}

static void ports_of_loopback_are_services_of_their_own(void **state)
{
    struct indexserver *ix = *state;
    submit(ix, HOST "/");
    submit(ix, OTHER "/");
    submit(ix, "http://localhost:8080/");
    submit(ix, "http://[::1]:8080/");
    assert_int_equal(lease(ix, 8, 1000)->n_leases, 4);
    assert_int_equal(get_status(ix)->hosts, 4);
}

/* Over a restart in which the views are made anew a host that was just asked is not asked at once.
 */
static void views_made_anew_wait_the_delay_too(void **state)
{
    struct indexserver *ix = *state;
    Log__CrawlSettings crawl;
    char path[PATH_MAX + 16];
    init_settings(&crawl);
    crawl.delay_ms = 700;
    take_settings(ix, &crawl);
    submit(ix, HOST "/");
    work_on(ix, lease(ix, 1, 1000)->leases[0]); /* robots.txt */
    stop(ix);
    snprintf(path, sizeof(path), "%s/views", ix->folder);
    remove_tree(path);
    int64_t started = clock_boot_ms();
    start(ix);
    assert_in_range(leased_after(ix, started), 690, 5000);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(an_unreadable_robots_txt_is_fetched_again_and_holds_up_no_other_host),
        TEST(a_page_whose_validators_cannot_be_read_is_fetched_whole),
        TEST(after_a_restart_the_delay_of_robots_txt_is_waited_again),
        TEST(after_a_restart_the_delay_still_follows_the_response_time),
        TEST(a_lease_that_an_earlier_version_wrote_is_held),
        TEST(schemes_and_ports_of_a_name_share_one_lease_and_one_delay),
        TEST(a_name_that_asks_to_be_left_alone_is_so_by_all_schemes_after_a_restart_too),
        TEST(an_unreachable_robots_txt_holds_up_its_own_origin_alone),
        TEST(ports_of_loopback_are_services_of_their_own),
        TEST(views_made_anew_wait_the_delay_too),
    };
    return cmocka_run_group_tests_name("indexserver/hosts", tests, NULL, NULL);
}
