/* What readers are told while the feed waits for a page. */
#include "tests/unit/indexserver/harness.h"

#include "indexserver/service_parts.h"

#define HOST "http://127.0.0.1:8080"

enum { PAGES = 6 };
static struct site_page site[PAGES];

static int set_up(void **state)
{
    static const struct site_page pages[PAGES] = {
        {.url = HOST "/a", .links = {HOST "/b", HOST "/c"}},
        {.url = HOST "/b", .links = {HOST "/a"}},
        {.url = HOST "/c"},
        {.url = HOST "/d", .links = {HOST "/a", HOST "/e"}},
        {.url = HOST "/e", .links = {HOST "/d"}},
        {.url = HOST "/f"},
    };
    struct indexserver *ix = indexserver_new();
    memcpy(site, pages, sizeof(site));
    start_with_settings(ix);
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

/* ---- a reader as a barrel is: a position that lasts, and what it was told ahead of it ----------
 */

struct reader {
    struct replica replica;
    uint64_t from;
    uint64_t ahead; /* 0: it does not know of that */
    uint64_t member;
};

/* Dies, and goes on from what it had written: as another member, as the orchestrator counts. */
static void kill_reader(struct reader *reader, const struct reader *written)
{
    static uint64_t members = 10;
    bool knows_ahead = reader->ahead != 0;
    *reader = *written;
    reader->ahead = knows_ahead;
    reader->member = ++members;
}

static const Wire__FeedReply *read_once(struct indexserver *ix, struct reader *reader,
                                        unsigned wait_ms)
{
    Wire__FeedRequest request = WIRE__FEED_REQUEST__INIT;
    request.from = reader->from;
    request.ahead = reader->ahead;
    request.slot_last = 255;
    request.wait_ms = wait_ms;
    request.member = reader->member;
    const Wire__FeedReply *reply =
        call(ix, WIRE__METHOD__READ_FEED, &request.base, &wire__feed_reply__descriptor);
    if (reply->restart) {
        *reader = (struct reader){.ahead = reader->ahead != 0, .member = reader->member};
        return reply;
    }
    replica_apply(ix, &reader->replica, reply);
    reader->from = reply->next;
    reader->ahead = reply->ahead;
    return reply;
}

static const char *follow(struct indexserver *ix, struct reader *reader)
{
    uint64_t from, ahead;
    do {
        from = reader->from;
        ahead = reader->ahead;
        read_once(ix, reader, 0);
    } while (reader->from != from || reader->ahead != ahead);
    return replica_text(ix, &reader->replica);
}

/* ---- pages ------------------------------------------------------------------------------------
 */

static void crawl_site(struct indexserver *ix)
{
    for (int i = 0; i < PAGES; i++)
        submit(ix, site[i].url);
    crawl_all(ix, 50);
}

/* Reports the URL without its page and gives the rest back. Returns whether it was there. */
static bool report_unparsed(struct indexserver *ix, const Wire__HostLease *given, const char *url)
{
    const Wire__LeasedUrl *leased = NULL;
    for (size_t i = 0; i < given->n_urls; i++) {
        if (given->urls[i]->kind == WIRE__FETCH_KIND__FETCH_PAGE &&
            strcmp(given->urls[i]->url, url) == 0)
            leased = given->urls[i];
    }
    Wire__Fetched *fetched = leased == NULL ? NULL : fetch(ix, given, leased);
    if (fetched != NULL)
        fetched->page = NULL;
    report(ix, &fetched, fetched != NULL, &given->lease, 1);
    return fetched != NULL;
}

/* A new version of the page comes, and nobody has parsed it yet: the feed waits. */
static void fetch_unparsed(struct indexserver *ix, struct site_page *page)
{
    bool done = false;
    page->version++;
    submit(ix, page->url);
    while (!done) {
        const Wire__LeaseReply *reply = lease(ix, 1, 1000);
        assert_true(reply->n_leases > 0);
        for (size_t i = 0; i < reply->n_leases; i++)
            done |= report_unparsed(ix, reply->leases[i], page->url);
    }
}

static void a_removal_reaches_readers_while_an_older_page_waits_for_its_parse(void **state)
{
    struct indexserver *ix = *state;
    struct reader reader = {.ahead = 1, .member = 2}, plain = {.member = 3};
    crawl_site(ix);
    follow(ix, &reader);
    follow(ix, &plain);
    fetch_unparsed(ix, &site[2]);
    uint64_t from = plain.from = reader.from;
    remove_url(ix, LOG__REMOVE_SCOPE__REMOVE_PAGE, HOST "/a");
    const Wire__FeedReply *reply = read_once(ix, &reader, 1000);
    assert_int_equal(reply->n_items, 3); /* the page and its two edges */
    assert_true(reply->next < reply->items[0]->sequence);
    const char *text = replica_text(ix, &reader.replica);
    assert_null(strstr(text, "doc a "));
    assert_null(strstr(text, "edge a>"));
    assert_non_null(strstr(text, "edge d>a; ")); /* another page's */
    assert_int_equal(read_once(ix, &plain, 0)->n_items, 0);
    crawl_all(ix, 50); /* parses */
    assert_true(ix->parses > 0);
    assert_string_equal(follow(ix, &reader), whole_feed(ix));
    assert_string_equal(follow(ix, &plain), whole_feed(ix));
    assert_true(reader.from > from);
}

static void what_was_told_ahead_is_told_once(void **state)
{
    struct indexserver *ix = *state;
    struct reader reader = {.ahead = 1, .member = 2};
    crawl_site(ix);
    follow(ix, &reader);
    fetch_unparsed(ix, &site[2]);
    remove_url(ix, LOG__REMOVE_SCOPE__REMOVE_PAGE, HOST "/a");
    assert_int_equal(read_once(ix, &reader, 1000)->n_items, 3);
    int64_t began_ms = clock_boot_ms();
    assert_int_equal(read_once(ix, &reader, 200)->n_items, 0);
    assert_true(clock_boot_ms() - began_ms >= 199);
    struct reader written = reader;
    kill_reader(&reader, &written); /* what it was told ahead it may have lost */
    assert_int_equal(read_once(ix, &reader, 0)->n_items, 3);
}

static void a_reader_without_room_is_told_of_removals_alone(void **state)
{
    struct indexserver *ix = *state;
    struct reader reader = {.ahead = 1, .member = 2};
    crawl_site(ix);
    follow(ix, &reader);
    Wire__FeedRequest request = WIRE__FEED_REQUEST__INIT;
    request.from = reader.from;
    request.ahead = 1;
    request.slot_last = 255;
    request.member = reader.member;
    request.only_ahead = true;
    site[2].version++;
    submit(ix, site[2].url);
    crawl_all(ix, 50); /* there is something in its turn */
    remove_url(ix, LOG__REMOVE_SCOPE__REMOVE_PAGE, HOST "/a");
    const Wire__FeedReply *reply =
        call(ix, WIRE__METHOD__READ_FEED, &request.base, &wire__feed_reply__descriptor);
    bool is_removed = false;
    for (size_t i = 0; i < reply->n_items; i++) {
        is_removed |= reply->items[i]->kind_case == WIRE__FEED_ITEM__KIND_REMOVED &&
                      strcmp(reply->items[i]->removed, HOST "/a") == 0;
        assert_int_not_equal(reply->items[i]->kind_case, WIRE__FEED_ITEM__KIND_DOCUMENT);
    }
    assert_true(is_removed);
    assert_int_equal(reply->next, reader.from); /* it stays where it is */
    request.ahead = reply->ahead;
    request.wait_ms = 200;
    int64_t began_ms = clock_boot_ms();
    reply = call(ix, WIRE__METHOD__READ_FEED, &request.base, &wire__feed_reply__descriptor);
    assert_int_equal(reply->n_items, 0); /* once; and what comes in its turn wakes nobody */
    assert_true(clock_boot_ms() - began_ms >= 199);
    assert_string_equal(follow(ix, &reader), whole_feed(ix)); /* with room again */
}

static void a_page_that_comes_back_wins_over_its_removal(void **state)
{
    struct indexserver *ix = *state;
    struct reader reader = {.ahead = 1, .member = 2};
    crawl_site(ix);
    follow(ix, &reader);
    struct reader killed = {0}, flushed = {0}, written = reader;
    fetch_unparsed(ix, &site[2]);
    remove_url(ix, LOG__REMOVE_SCOPE__REMOVE_PAGE, HOST "/a");
    assert_null(strstr(follow(ix, &reader), "doc a "));
    killed.ahead = flushed.ahead = 1;
    kill_reader(&killed, &written);
    kill_reader(&flushed, &reader); /* what it was told ahead is on its disk */
    site[0].version = 7;
    submit(ix, HOST "/a");
    crawl_all(ix, 50);
    const char *whole = whole_feed(ix);
    assert_non_null(strstr(whole, "doc a version 7; "));
    assert_string_equal(follow(ix, &reader), whole);
    assert_string_equal(follow(ix, &killed), whole);
    assert_string_equal(follow(ix, &flushed), whole);
}

static void public_sites_change_while_an_older_page_waits(void **state)
{
    struct indexserver *ix = *state;
    struct reader reader = {.ahead = 1, .member = 2};
    Log__CrawlSettings crawl;
    Log__Source source = LOG__SOURCE__INIT, *sources[] = {&source};
    crawl_site(ix);
    follow(ix, &reader);
    fetch_unparsed(ix, &site[2]);
    follow(ix, &reader);
    init_settings(&crawl);
    source.url = (char *)HOST "/";
    source.is_public = true;
    crawl.sources = sources;
    crawl.n_sources = 1;
    take_settings(ix, &crawl);
    const Wire__FeedReply *reply = read_once(ix, &reader, 1000);
    assert_int_equal(reply->n_items, 1);
    assert_int_equal(reply->items[0]->kind_case, WIRE__FEED_ITEM__KIND_SITES);
}

/* ---- any order of events ------------------------------------------------------------------------
 */

enum { STEPS = 250, READERS = 3 };

static void report_some_parses(struct indexserver *ix)
{
    const Wire__LeaseReply *reply = lease(ix, 1, 1);
    if (reply->n_leases > 0)
        work_on(ix, reply->leases[0]);
}

static void step(struct indexserver *ix)
{
    struct site_page *page = &site[rand() % PAGES];
    switch (rand() % 6) {
    case 0:
        fetch_unparsed(ix, page);
        break;
    case 1:
        page->version++;
        page->noindex = rand() % 4 == 0;
        submit(ix, page->url);
        crawl_all(ix, 1);
        break;
    case 2:
        remove_url(ix, LOG__REMOVE_SCOPE__REMOVE_PAGE, page->url);
        break;
    case 3:
        page->links[0] = page->links[0] == NULL ? site[rand() % PAGES].url : NULL;
        break;
    default:
        report_some_parses(ix);
        break;
    }
}

/* Some are killed now and then: they go on from what they have written, or a part of it. */
static void readers_that_are_killed_at_any_moment_come_to_the_same(void **state)
{
    struct indexserver *ix = *state;
    static struct reader readers[READERS], written[READERS];
    srand((unsigned)(getenv("FEED_SEED") == NULL ? 11 : atoi(getenv("FEED_SEED"))));
    crawl_site(ix);
    for (uint64_t i = 0; i < READERS; i++)
        written[i] = readers[i] = (struct reader){.ahead = i > 0, .member = 3 + i};
    for (int i = 0; i < STEPS; i++) {
        size_t at = (size_t)rand() % READERS;
        step(ix);
        read_once(ix, &readers[at], 0);
        if (rand() % 4 == 0)
            written[at] = readers[at];
        if (rand() % 8 == 0)
            kill_reader(&readers[at], &written[at]);
    }
    crawl_all(ix, 50);
    const char *whole = whole_feed(ix);
    for (int i = 0; i < READERS; i++)
        assert_string_equal(follow(ix, &readers[i]), whole);
}

/* ---- parsing while nothing is fetched ----------------------------------------------------------
 */

/* Only the page that waits is leased, and the feed goes on. */
static void check_parses_are_leased(struct indexserver *ix)
{
    const Wire__LeaseReply *reply = lease(ix, 8, 1000);
    assert_int_equal(reply->n_leases, 1);
    assert_int_equal(reply->leases[0]->n_urls, 1);
    assert_int_equal(reply->leases[0]->urls[0]->kind, WIRE__FETCH_KIND__FETCH_PARSE);
    work_on(ix, reply->leases[0]);
    assert_non_null(strstr(whole_feed(ix), "doc c version 1; "));
    assert_int_equal(lease(ix, 8, 50)->n_leases, 0);
}

static void what_is_in_the_log_is_parsed_while_the_crawl_is_paused(void **state)
{
    struct indexserver *ix = *state;
    crawl_site(ix);
    fetch_unparsed(ix, &site[2]);
    submit(ix, HOST "/b");
    assert_int_equal(control(ix, LOG__ACTION__ACTION_PAUSE, ""), STATUS_OK);
    check_parses_are_leased(ix);
    assert_string_equal(get_status(ix)->paused, "paused by the owner");
}

static void what_is_in_the_log_is_parsed_when_the_crawl_is_cancelled(void **state)
{
    struct indexserver *ix = *state;
    crawl_site(ix);
    fetch_unparsed(ix, &site[2]);
    submit(ix, HOST "/b");
    assert_int_equal(control(ix, LOG__ACTION__ACTION_CANCEL, ""), STATUS_OK);
    check_parses_are_leased(ix);
}

static void what_is_in_the_log_is_parsed_at_the_disk_limit(void **state)
{
    struct indexserver *ix = *state;
    Wire__Settings settings = WIRE__SETTINGS__INIT;
    Wire__IndexserverSettings indexserver = WIRE__INDEXSERVER_SETTINGS__INIT;
    crawl_site(ix);
    fetch_unparsed(ix, &site[2]);
    submit(ix, HOST "/b");
    settings.version = 1000000;
    settings.indexserver = &indexserver;
    indexserver.disk_limit = 1;
    assert_int_equal(service_take_settings(ix->service, &settings, &ix->err), STATUS_OK);
    check_parses_are_leased(ix);
    assert_non_null(strstr(get_status(ix)->paused, "disk_limit is reached"));
}

static void a_parse_lease_that_is_lost_is_given_again_while_the_crawl_is_paused(void **state)
{
    struct indexserver *ix = *state;
    crawl_site(ix);
    fetch_unparsed(ix, &site[2]);
    assert_int_equal(control(ix, LOG__ACTION__ACTION_PAUSE, ""), STATUS_OK);
    const Wire__LeaseReply *lost = lease(ix, 1, 1000);
    assert_int_equal(lost->n_leases, 1);
    assert_int_equal(lease(ix, 1, 50)->n_leases, 0); /* it is out */
    report(ix, NULL, 0, &lost->leases[0]->lease, 1);
    check_parses_are_leased(ix);
}

/* ---- settings ---------------------------------------------------------------------------------
 */

static bool do_nothing(struct sequencer_job *job, struct batch *batch)
{
    (void)job;
    (void)batch;
    return false;
}

/* Submits a page; true: too much waits. */
static bool submit_waits(struct indexserver *ix)
{
    Wire__SubmitRequest request = WIRE__SUBMIT_REQUEST__INIT;
    char *urls[] = {(char *)HOST "/a"};
    void *reply;
    request.urls = urls;
    request.n_urls = 1;
    return try_call(ix, WIRE__METHOD__SUBMIT, &request.base, &wire__submit_reply__descriptor,
                    &reply) != STATUS_OK;
}

static void settings_are_taken_when_too_much_waits_to_be_written(void **state)
{
    struct indexserver *ix = *state;
    enum { JOBS = 10000 };
    static struct sequencer_job jobs[JOBS];
    Log__CrawlSettings crawl;
    size_t queued = 0;
    init_settings(&crawl);
    crawl.max_pages = 1;
    pthread_mutex_lock(&ix->service->views->lock); /* so the writer stands still */
    for (; queued < JOBS; queued++) {
        jobs[queued] = (struct sequencer_job){.prepare = do_nothing};
        if (sequencer_add(ix->service->sequencer, &jobs[queued], &ix->err) != STATUS_OK)
            break;
    }
    assert_true(queued < JOBS); /* full */
    take_settings(ix, &crawl);
    pthread_mutex_unlock(&ix->service->views->lock);
    while (submit_waits(ix))
        usleep(2000);
    crawl_all(ix, 50);
    assert_int_equal(get_status(ix)->urls_fetched, 1); /* and not those that it links to */
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

/* Whether readers are told that the page, and the edge from it, are private. */
static bool is_private(struct indexserver *ix, const char *url)
{
    bool document = false, edge = false;
    for (uint64_t from = 0, before = UINT64_MAX; from != before;) {
        const Wire__FeedReply *reply = read_feed(ix, from, 0);
        for (size_t i = 0; i < reply->n_items; i++) {
            const Wire__FeedItem *item = reply->items[i];
            if (item->kind_case == WIRE__FEED_ITEM__KIND_DOCUMENT &&
                strcmp(item->document->url, url) == 0)
                document = item->document->private_address;
            if (item->kind_case == WIRE__FEED_ITEM__KIND_EDGE &&
                strcmp(item->edge->source, url) == 0)
                edge = item->edge->source_is_private;
        }
        before = from;
        from = reply->next;
    }
    assert_int_equal(document, edge);
    return document;
}

static void a_page_that_was_fetched_with_credentials_is_private(void **state)
{
    struct indexserver *ix = *state;
    submit(ix, HOST "/a");
    work_on(ix, lease(ix, 1, 1000)->leases[0]); /* robots.txt */
    const Wire__LeaseReply *reply = lease(ix, 1, 1000);
    Wire__Fetched *fetched = fetch(ix, reply->leases[0], reply->leases[0]->urls[0]);
    fetched->content->private_address = false;
    report(ix, &fetched, 1, &reply->leases[0]->lease, 1);
    assert_false(is_private(ix, HOST "/a"));
    submit(ix, HOST "/a");
    reply = lease(ix, 1, 1000);
    fetched = fetch(ix, reply->leases[0], reply->leases[0]->urls[0]);
    fetched->content->private_address = false;
    fetched->content->with_credentials = true;
    report(ix, &fetched, 1, &reply->leases[0]->lease, 1);
    assert_true(is_private(ix, HOST "/a"));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(a_page_that_was_fetched_with_credentials_is_private),
        TEST(a_removal_reaches_readers_while_an_older_page_waits_for_its_parse),
        TEST(what_was_told_ahead_is_told_once),
        TEST(a_reader_without_room_is_told_of_removals_alone),
        TEST(a_page_that_comes_back_wins_over_its_removal),
        TEST(public_sites_change_while_an_older_page_waits),
        TEST(readers_that_are_killed_at_any_moment_come_to_the_same),
        TEST(what_is_in_the_log_is_parsed_while_the_crawl_is_paused),
        TEST(what_is_in_the_log_is_parsed_when_the_crawl_is_cancelled),
        TEST(what_is_in_the_log_is_parsed_at_the_disk_limit),
        TEST(a_parse_lease_that_is_lost_is_given_again_while_the_crawl_is_paused),
        TEST(settings_are_taken_when_too_much_waits_to_be_written),
    };
    return cmocka_run_group_tests_name("indexserver/feed", tests, NULL, NULL);
}
