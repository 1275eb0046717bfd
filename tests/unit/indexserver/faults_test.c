/* What the log has lost, what cannot be written, what the end of the process cuts short. */
#include "tests/unit/indexserver/harness.h"

#include "base/bytes.h"
#include "cluster/log.h"
#include "indexserver/frontier.h"
#include "indexserver/views.h"

#define HOST "http://127.0.0.1:8080"

static struct site_page site[] = {
    {.url = HOST "/a", .links = {HOST "/b"}},
    {.url = HOST "/b"},
    {.url = HOST "/c"},
};

static int set_up(void **state)
{
    struct indexserver *ix = indexserver_new();
    start_with_settings(ix);
    ix->site = site;
    ix->site_count = sizeof(site) / sizeof(site[0]);
    *state = ix;
    return 0;
}

static int tear_down(void **state)
{
    indexserver_free(*state);
    return 0;
}

static void wait_until_caught_up(struct indexserver *ix)
{
    while (strstr(get_status(ix)->paused, "made anew") != NULL)
        usleep(2000);
}

/* Reports the URL that is leased, without its page: its content waits. */
static void fetch_unparsed(struct indexserver *ix, const char *url)
{
    submit(ix, url);
    for (;;) {
        const Wire__LeaseReply *reply = lease(ix, 1, 1000);
        assert_int_equal(reply->n_leases, 1);
        const Wire__HostLease *given = reply->leases[0];
        Wire__Fetched *fetched = fetch(ix, given, given->urls[0]);
        bool is_page = given->urls[0]->kind == WIRE__FETCH_KIND__FETCH_PAGE;
        assert_true(!is_page || strcmp(fetched->url, url) == 0);
        fetched->page = NULL;
        report(ix, &fetched, 1, &given->lease, 1);
        if (is_page)
            return;
    }
}

/* ---- the stores while nobody serves them --------------------------------------------------------
 */

struct stores {
    struct log_store *log;
    struct views *views;
    uint64_t epoch;
};

static struct stores open_stores(struct indexserver *ix)
{
    struct stores stores = {0};
    char path[PATH_MAX + 8];
    snprintf(path, sizeof(path), "%s/log", ix->folder);
    assert_int_equal(log_open_embedded(path, 0, &stores.log, &ix->err), STATUS_OK);
    assert_int_equal(log_begin_epoch(stores.log, &stores.epoch, &ix->err), STATUS_OK);
    snprintf(path, sizeof(path), "%s/views", ix->folder);
    assert_int_equal(views_open(path, 0, stores.log, &stores.views, &ix->err), STATUS_OK);
    return stores;
}

static void close_stores(struct stores *stores)
{
    views_close(stores->views);
    log_close(stores->log);
}

static uint64_t append(struct indexserver *ix, struct stores *stores, Log__Entry *entry)
{
    uint64_t sequence = 0;
    assert_int_equal(log_append(stores->log, stores->epoch, &entry, 1, &sequence, &ix->err),
                     STATUS_OK);
    return sequence;
}

static void put(struct indexserver *ix, struct stores *stores, enum column column,
                struct kv_slice key, struct kv_slice value)
{
    struct kv_batch *batch = kv_batch_new();
    kv_put(batch, stores->views->kv, column, key, value);
    assert_int_equal(kv_write(stores->views->kv, batch, true, &ix->err), STATUS_OK);
    kv_batch_free(batch);
}

/* Puts wrong bytes in place of an entry of the log. */
static void damage_entry(struct indexserver *ix, uint64_t sequence)
{
    static const struct kv_column columns[] = {{.name = "meta"}, {.name = "log"}};
    static const struct kv_options options = {columns, 2, 0};
    struct kv *kv = NULL;
    char path[PATH_MAX + 8];
    uint8_t key[8];
    snprintf(path, sizeof(path), "%s/log", ix->folder);
    assert_int_equal(kv_open(path, &options, &kv, &ix->err), STATUS_OK);
    struct kv_batch *batch = kv_batch_new();
    put_be64(key, sequence);
    kv_put(batch, kv, 1, kv_slice(key, sizeof(key)), kv_slice("\1wrong bytes", 12));
    assert_int_equal(kv_write(kv, batch, true, &ix->err), STATUS_OK);
    kv_batch_free(batch);
    kv_close(kv);
}

/* ---- entries that are gone ----------------------------------------------------------------------
 */

/* The feed goes on behind the page that will never be parsed. */
static void check_feed_goes_on(struct indexserver *ix, const char *words)
{
    crawl_all(ix, 50);
    assert_string_equal(whole_feed(ix), "doc b version 0; ");
    assert_string_equal(lookup(ix, HOST "/c", "content"),
                        arena_format(&ix->arena, "stopped: %s", words));
    unsigned parses = ix->parses;
    restart(ix);
    crawl_all(ix, 50);
    assert_int_equal(ix->parses, parses);
    assert_string_equal(ix->failure, "");
}

static void a_content_that_the_log_has_lost_does_not_stop_the_feed(void **state)
{
    struct indexserver *ix = *state;
    fetch_unparsed(ix, HOST "/c");
    uint64_t sequence = get_status(ix)->head;
    submit(ix, HOST "/b");
    stop(ix);
    struct stores stores = open_stores(ix);
    assert_int_equal(log_forget(stores.log, &sequence, 1, &ix->err), STATUS_OK);
    close_stores(&stores);
    start(ix);
    check_feed_goes_on(ix, "its content is no longer in the log");
}

static void an_entry_that_cannot_be_read_fails_no_lease_and_does_not_stop_the_feed(void **state)
{
    struct indexserver *ix = *state;
    fetch_unparsed(ix, HOST "/c");
    uint64_t sequence = get_status(ix)->head;
    submit(ix, HOST "/b");
    stop(ix);
    damage_entry(ix, sequence);
    start(ix);
    check_feed_goes_on(ix, "its content in the log cannot be read");
}

static void a_page_that_comes_for_an_entry_that_was_lost_is_taken(void **state)
{
    struct indexserver *ix = *state;
    fetch_unparsed(ix, HOST "/c");
    uint64_t sequence = get_status(ix)->head;
    const Wire__LeaseReply *reply = lease(ix, 1, 1000);
    assert_int_equal(reply->leases[0]->urls[0]->kind, WIRE__FETCH_KIND__FETCH_PARSE);
    Wire__Fetched *fetched = fetch(ix, reply->leases[0], reply->leases[0]->urls[0]);
    stop(ix);
    damage_entry(ix, sequence);
    start(ix);
    report(ix, &fetched, 1, NULL, 0);
    assert_string_equal(whole_feed(ix), "doc c version 0; ");
}

/* What waits although a newer content took its place: the note alone goes. */
static void a_note_of_a_content_that_was_replaced_is_dropped(void **state)
{
    struct indexserver *ix = *state;
    uint8_t key[8];
    fetch_unparsed(ix, HOST "/c");
    uint64_t sequence = get_status(ix)->head;
    submit(ix, HOST "/c");
    crawl_all(ix, 50);
    stop(ix);
    struct stores stores = open_stores(ix);
    put_be64(key, sequence);
    put(ix, &stores, COLUMN_UNPARSED, kv_slice(key, sizeof(key)),
        kv_slice(HOST "/c", strlen(HOST "/c")));
    close_stores(&stores);
    start(ix);
    crawl_all(ix, 50);
    assert_string_equal(whole_feed(ix), "doc c version 0; ");
}

/* ---- names that are none ------------------------------------------------------------------------
 */

#define NO_ORIGIN "http://EXAMPLE.org" /* as a version with other rules may have written it */

static void an_origin_that_is_none_any_more_holds_up_no_other(void **state)
{
    struct indexserver *ix = *state;
    static const char record[18] = {0};
    submit(ix, HOST "/a");
    stop(ix);
    struct stores stores = open_stores(ix);
    put(ix, &stores, COLUMN_HOSTS, kv_slice(NO_ORIGIN, strlen(NO_ORIGIN)),
        kv_slice(record, sizeof(record)));
    close_stores(&stores);
    start(ix);
    crawl_all(ix, 50);
    assert_string_equal(whole_feed(ix), "doc a version 0; doc b version 0; edge a>b; ");
    assert_int_equal(get_status(ix)->hosts, 1);
}

/* What was known of them is lost; the URLs that wait are not. */
static void a_host_and_an_origin_whose_records_are_none_are_crawled(void **state)
{
    struct indexserver *ix = *state;
    const char *host = HOST + strlen("http://");
    submit(ix, HOST "/a");
    stop(ix);
    struct stores stores = open_stores(ix);
    put(ix, &stores, COLUMN_HOSTS, kv_slice(HOST, strlen(HOST)), kv_slice("?", 1));
    put(ix, &stores, COLUMN_HOSTS, kv_slice(host, strlen(host)), kv_slice("?", 1));
    close_stores(&stores);
    start(ix);
    crawl_all(ix, 50);
    assert_string_equal(whole_feed(ix), "doc a version 0; doc b version 0; edge a>b; ");
    restart(ix);
    assert_int_equal(get_status(ix)->hosts, 1);
}

static void a_robots_txt_of_an_origin_that_is_none_does_not_stop_the_crawl(void **state)
{
    struct indexserver *ix = *state;
    Log__Entry entry = LOG__ENTRY__INIT;
    Log__Robots robots = LOG__ROBOTS__INIT;
    char origin[] = NO_ORIGIN;
    robots.origin = origin;
    entry.kind_case = LOG__ENTRY__KIND_ROBOTS;
    entry.robots = &robots;
    entry.time_us = clock_unix_us();
    stop(ix);
    struct stores stores = open_stores(ix);
    append(ix, &stores, &entry);
    close_stores(&stores);
    start(ix);
    submit(ix, HOST "/b");
    const Wire__LeaseReply *reply = lease(ix, 1, 5000);
    assert_int_equal(reply->n_leases, 1);
    work_on(ix, reply->leases[0]);
    crawl_all(ix, 50);
    assert_string_equal(whole_feed(ix), "doc b version 0; ");
    assert_string_equal(ix->failure, "");
}

/* ---- writes that fail ---------------------------------------------------------------------------
 */

/* What the feed knows of /c is no record: no change of it can be made. */
static void damage_feed(struct indexserver *ix, uint64_t lost)
{
    struct stores stores;
    stop(ix);
    stores = open_stores(ix);
    put(ix, &stores, COLUMN_DOCS, kv_slice(HOST "/c", strlen(HOST "/c")), kv_slice("?", 1));
    if (lost != 0)
        assert_int_equal(log_forget(stores.log, &lost, 1, &ix->err), STATUS_OK);
    close_stores(&stores);
    start(ix);
}

/* Nothing is written any more: memory and store may differ. */
static void check_broken(struct indexserver *ix)
{
    Wire__SubmitRequest request = WIRE__SUBMIT_REQUEST__INIT;
    char *urls[] = {(char *)HOST "/new"};
    void *reply;
    request.urls = urls;
    request.n_urls = 1;
    assert_string_not_equal(ix->failure, "");
    assert_int_equal(
        try_call(ix, WIRE__METHOD__SUBMIT, &request.base, &wire__submit_reply__descriptor, &reply),
        STATUS_UNAVAILABLE);
}

static void a_late_page_that_cannot_be_written_ends_the_process(void **state)
{
    struct indexserver *ix = *state;
    fetch_unparsed(ix, HOST "/c");
    damage_feed(ix, 0);
    const Wire__LeaseReply *given = lease(ix, 1, 1000);
    Wire__Fetched *fetched = fetch(ix, given->leases[0], given->leases[0]->urls[0]);
    Wire__ReportRequest request = WIRE__REPORT_REQUEST__INIT;
    void *reply;
    request.fetched = &fetched;
    request.n_fetched = 1;
    assert_int_not_equal(
        try_call(ix, WIRE__METHOD__REPORT, &request.base, &wire__report_reply__descriptor, &reply),
        STATUS_OK);
    check_broken(ix);
}

static void a_page_that_cannot_be_given_up_ends_the_process(void **state)
{
    struct indexserver *ix = *state;
    Wire__LeaseRequest request = WIRE__LEASE_REQUEST__INIT;
    void *reply;
    fetch_unparsed(ix, HOST "/c");
    damage_feed(ix, get_status(ix)->head);
    request.member = 1;
    request.max_hosts = 1;
    assert_int_not_equal(
        try_call(ix, WIRE__METHOD__LEASE, &request.base, &wire__lease_reply__descriptor, &reply),
        STATUS_OK);
    check_broken(ix);
}

/* ---- reports while the views catch up -----------------------------------------------------------
 */

static Log__Entry content_entry(struct indexserver *ix, const char *url)
{
    Log__Entry entry = LOG__ENTRY__INIT;
    entry.time_us = clock_unix_us();
    entry.kind_case = LOG__ENTRY__KIND_CONTENT;
    entry.content = make_content(ix, site_find(ix, url));
    return entry;
}

static Log__Entry outcome_entry(struct indexserver *ix, const char *url)
{
    Log__Entry entry = LOG__ENTRY__INIT;
    entry.time_us = clock_unix_us();
    entry.kind_case = LOG__ENTRY__KIND_OUTCOME;
    entry.outcome = make_outcome(ix, url, 500, NULL);
    return entry;
}

/* Each of /a and /c, fetched before the removal, is reported while nobody can tell. */
static void report_behind(struct indexserver *ix, struct stores *stores)
{
    Log__Entry a = content_entry(ix, HOST "/a"), c = outcome_entry(ix, HOST "/c");
    append(ix, stores, &a);
    append(ix, stores, &c);
}

static void check_still_removed(struct indexserver *ix)
{
    unsigned fetches = ix->fetches;
    assert_int_equal(get_status(ix)->urls_queued, 0);
    crawl_all(ix, 50);
    assert_int_equal(ix->fetches, fetches);
    assert_int_equal(ix->parses, 0);
    assert_string_equal(whole_feed(ix), "");
    assert_int_equal(get_status(ix)->pages, 0);
    assert_non_null(strstr(lookup(ix, HOST "/a", "scope"), "stopped: the owner removed"));
    assert_non_null(strstr(lookup(ix, HOST "/a", "content"), "none is held"));
    submit(ix, HOST "/a"); /* now it is wanted again */
    crawl_all(ix, 50);
    assert_non_null(strstr(whole_feed(ix), "doc a "));
}

static void a_page_reported_during_catch_up_stays_removed(void **state)
{
    struct indexserver *ix = *state;
    submit(ix, HOST "/a");
    submit(ix, HOST "/c");
    crawl_all(ix, 50);
    for (size_t i = 0; i < ix->site_count; i++)
        remove_url(ix, LOG__REMOVE_SCOPE__REMOVE_PAGE, ix->site[i].url);
    stop(ix);
    struct stores stores = open_stores(ix);
    report_behind(ix, &stores);
    close_stores(&stores);
    start(ix);
    wait_until_caught_up(ix);
    check_still_removed(ix);
}

static void a_page_reported_during_catch_up_obeys_the_owners_rules(void **state)
{
    struct indexserver *ix = *state;
    remove_url(ix, LOG__REMOVE_SCOPE__REMOVE_SITE, "127.0.0.1:8080"); /* nobody knows it yet */
    stop(ix);
    struct stores stores = open_stores(ix);
    report_behind(ix, &stores);
    close_stores(&stores);
    start(ix);
    wait_until_caught_up(ix);
    check_still_removed(ix);
}

/* The frontier alone is made anew: the feed cannot ask it yet. */
static void the_feed_waits_for_a_frontier_that_is_made_anew(void **state)
{
    struct indexserver *ix = *state;
    enum { FRONTIER_VERSION_AT = 16 + VIEW_FRONTIER * 12 };
    struct buffer record = {0};
    bool done = false;
    submit(ix, HOST "/a");
    submit(ix, HOST "/c");
    crawl_all(ix, 50);
    for (size_t i = 0; i < ix->site_count; i++)
        remove_url(ix, LOG__REMOVE_SCOPE__REMOVE_PAGE, ix->site[i].url);
    stop(ix);
    struct stores stores = open_stores(ix);
    assert_int_equal(views_get(stores.views, COLUMN_META, "state", 5, &record, &ix->err),
                     STATUS_OK);
    record.data[FRONTIER_VERSION_AT] ^= 0x80;
    put(ix, &stores, COLUMN_META, kv_slice("state", 5), kv_slice(record.data, record.size));
    buffer_release(&record);
    close_stores(&stores);
    stores = open_stores(ix); /* now it is behind */
    assert_false(views_caught_up(stores.views));
    Log__Entry entry = content_entry(ix, HOST "/a");
    uint64_t sequence = append(ix, &stores, &entry);
    Page__Page *page = make_page(ix, site_find(ix, HOST "/a"));
    assert_int_equal(views_apply(stores.views, sequence, &entry, page, NULL, NULL, &ix->err),
                     STATUS_OK);
    while (!done)
        assert_int_equal(views_catch_up(stores.views, 1, &done, &ix->err), STATUS_OK);
    close_stores(&stores);
    start(ix);
    check_still_removed(ix);
}

/* ---- removals that are cut short
 * -----------------------------------------------------------------
 */

enum { MANY = 30000, AT_ONCE = 10000 }; /* more than one entry takes away */

static void submit_many(struct indexserver *ix)
{
    static char names[AT_ONCE][48];
    static char *urls[AT_ONCE];
    Wire__SubmitRequest request = WIRE__SUBMIT_REQUEST__INIT;
    request.urls = urls;
    request.n_urls = AT_ONCE;
    for (int i = 0; i < MANY / AT_ONCE; i++) {
        for (int j = 0; j < AT_ONCE; j++) {
            snprintf(names[j], sizeof(names[j]), HOST "/many/%06d", i * AT_ONCE + j);
            urls[j] = names[j];
        }
        call(ix, WIRE__METHOD__SUBMIT, &request.base, &wire__submit_reply__descriptor);
    }
}

/* The first entry of a removal is in the log and in the views, and then the process ends. */
static void begin_to_remove(struct indexserver *ix, Log__RemoveScope scope, const char *value)
{
    Log__Entry entry = LOG__ENTRY__INIT;
    Log__Remove remove = LOG__REMOVE__INIT;
    bool more = false;
    stop(ix);
    struct stores stores = open_stores(ix);
    remove.scope = scope;
    remove.value = (char *)value;
    remove.by = LOG__REMOVE_BY__REMOVED_BY_OWNER;
    entry.kind_case = LOG__ENTRY__KIND_REMOVE;
    entry.remove = &remove;
    entry.time_us = clock_unix_us();
    uint64_t sequence = append(ix, &stores, &entry);
    assert_int_equal(views_apply(stores.views, sequence, &entry, NULL, &more, NULL, &ix->err),
                     STATUS_OK);
    assert_true(more);
    assert_int_equal(views_sync(stores.views, &ix->err), STATUS_OK);
    close_stores(&stores);
}

static void a_removal_that_was_cut_short_goes_on_after_a_restart(void **state)
{
    struct indexserver *ix = *state;
    submit_many(ix);
    submit(ix, HOST "/other");
    assert_int_equal(get_status(ix)->urls_queued, MANY + 1);
    begin_to_remove(ix, LOG__REMOVE_SCOPE__REMOVE_PREFIX, HOST "/many/");
    start(ix);
    submit(ix, HOST "/many/029999"); /* stays: it is submitted behind the removal */
    const Wire__IndexserverStatus *status = get_status(ix);
    assert_int_equal(status->urls_queued, 2);
    uint64_t head = status->head;
    restart(ix);
    assert_int_equal(get_status(ix)->head, head); /* it is done, once */
    assert_int_equal(get_status(ix)->urls_queued, 2);
}

static void a_removal_that_was_cut_short_goes_on_although_the_views_are_lost(void **state)
{
    struct indexserver *ix = *state;
    char path[PATH_MAX + 16];
    submit_many(ix);
    begin_to_remove(ix, LOG__REMOVE_SCOPE__REMOVE_SITE, "127.0.0.1:8080");
    snprintf(path, sizeof(path), "%s/views", ix->folder);
    remove_tree(path);
    start(ix);
    wait_until_caught_up(ix);
    submit(ix, "http://127.0.0.1:8081/");
    assert_int_equal(get_status(ix)->urls_queued, 1);
}

static void a_removal_is_acknowledged_when_all_of_it_is_done(void **state)
{
    struct indexserver *ix = *state;
    submit_many(ix);
    remove_url(ix, LOG__REMOVE_SCOPE__REMOVE_PREFIX, HOST "/many/");
    assert_int_equal(get_status(ix)->urls_queued, 0);
    uint64_t head = get_status(ix)->head;
    restart(ix);
    submit(ix, HOST "/many/000000");
    assert_int_equal(get_status(ix)->head, head + 1); /* nothing of it was left */
    assert_int_equal(get_status(ix)->urls_queued, 1);
}

/* ---- settings -----------------------------------------------------------------------------------
 */

static void seeds_of_settings_that_come_during_catch_up_are_not_lost(void **state)
{
    struct indexserver *ix = *state;
    enum { ENTRIES = 3000 }; /* more than is replayed at once */
    static Log__Entry entries[ENTRIES], *list[ENTRIES];
    Log__Submit none = LOG__SUBMIT__INIT;
    uint64_t first;
    stop(ix);
    struct stores stores = open_stores(ix);
    for (int i = 0; i < ENTRIES; i++) {
        log__entry__init(&entries[i]);
        entries[i].kind_case = LOG__ENTRY__KIND_SUBMIT;
        entries[i].submit = &none;
        list[i] = &entries[i];
    }
    assert_int_equal(log_append(stores.log, stores.epoch, list, ENTRIES, &first, &ix->err),
                     STATUS_OK);
    close_stores(&stores);
    start(ix);
    Log__CrawlSettings crawl;
    Log__Source source = LOG__SOURCE__INIT, *sources[] = {&source};
    init_settings(&crawl);
    source.url = (char *)HOST "/c";
    source.allow_private = true;
    crawl.sources = sources;
    crawl.n_sources = 1;
    take_settings(ix, &crawl);
    wait_until_caught_up(ix);
    crawl_all(ix, 200);
    assert_string_equal(whole_feed(ix), "doc c version 0; ");
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(a_content_that_the_log_has_lost_does_not_stop_the_feed),
        TEST(an_entry_that_cannot_be_read_fails_no_lease_and_does_not_stop_the_feed),
        TEST(a_page_that_comes_for_an_entry_that_was_lost_is_taken),
        TEST(a_note_of_a_content_that_was_replaced_is_dropped),
        TEST(an_origin_that_is_none_any_more_holds_up_no_other),
        TEST(a_host_and_an_origin_whose_records_are_none_are_crawled),
        TEST(a_robots_txt_of_an_origin_that_is_none_does_not_stop_the_crawl),
        TEST(a_late_page_that_cannot_be_written_ends_the_process),
        TEST(a_page_that_cannot_be_given_up_ends_the_process),
        TEST(a_page_reported_during_catch_up_stays_removed),
        TEST(a_page_reported_during_catch_up_obeys_the_owners_rules),
        TEST(the_feed_waits_for_a_frontier_that_is_made_anew),
        TEST(a_removal_that_was_cut_short_goes_on_after_a_restart),
        TEST(a_removal_that_was_cut_short_goes_on_although_the_views_are_lost),
        TEST(a_removal_is_acknowledged_when_all_of_it_is_done),
        TEST(seeds_of_settings_that_come_during_catch_up_are_not_lost),
    };
    return cmocka_run_group_tests_name("indexserver/faults", tests, NULL, NULL);
}
