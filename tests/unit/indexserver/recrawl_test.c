/* Coming again: what changes, what does not, and what goes. */
#include "tests/unit/indexserver/harness.h"

#include "cluster/log.h"
#include "indexserver/listings.h"
#include "indexserver/scope.h"
#include "indexserver/service_parts.h"
#include "indexserver/urls.h"

#define HOST   "http://127.0.0.1:8080"
#define DAY_US ((int64_t)24 * 3600 * 1000000)

enum { DAY_S = 24 * 3600 };

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

static struct url_state state_of(struct indexserver *ix, const char *url)
{
    struct url_state state;
    assert_int_equal(urls_get(ix->service->views, url, &state, &ix->err), STATUS_OK);
    return state;
}

static void fetch_again(struct indexserver *ix, const char *url)
{
    submit(ix, url);
    crawl_all(ix, 50);
}

/* Puts an entry of the past into the log while the service is down. */
static void append_at(struct indexserver *ix, Log__Entry *entry, int64_t time_us)
{
    char path[PATH_MAX + 8];
    struct log_store *log;
    uint64_t epoch, sequence;
    entry->time_us = time_us;
    stop(ix);
    snprintf(path, sizeof(path), "%s/log", ix->folder);
    assert_int_equal(log_open_embedded(path, 0, &log, &ix->err), STATUS_OK);
    assert_int_equal(log_begin_epoch(log, &epoch, &ix->err), STATUS_OK);
    assert_int_equal(log_append(log, epoch, &entry, 1, &sequence, &ix->err), STATUS_OK);
    log_close(log);
    start(ix);
}

static void drop_views(struct indexserver *ix)
{
    char path[PATH_MAX + 8];
    stop(ix);
    snprintf(path, sizeof(path), "%s/views", ix->folder);
    remove_tree(path);
    start(ix);
    crawl_all(ix, 50); /* contents are parsed again */
}

/* ---- a site of many pages ------------------------------------------------------------------- */

enum { PAGES = 50, KEPT = 40 }; /* a fifth of them may go */

struct big_site {
    struct site_page pages[2 * PAGES];
    char urls[2 * PAGES][64];
};

/* Pages /p0 ...; behind them, not submitted, /q0 ... */
static struct big_site *make_big_site(struct indexserver *ix)
{
    struct big_site *site = arena_zalloc(&ix->arena, sizeof(*site));
    for (int i = 0; i < 2 * PAGES; i++) {
        snprintf(site->urls[i], sizeof(site->urls[i]), HOST "/%c%d", i < PAGES ? 'p' : 'q',
                 i % PAGES);
        site->pages[i].url = site->urls[i];
    }
    ix->site = site->pages;
    ix->site_count = 2 * PAGES;
    return site;
}

static void fetch_all(struct indexserver *ix, const struct big_site *site)
{
    Wire__SubmitRequest request = WIRE__SUBMIT_REQUEST__INIT;
    char *urls[PAGES];
    for (int i = 0; i < PAGES; i++)
        urls[i] = (char *)site->urls[i];
    request.urls = urls;
    request.n_urls = PAGES;
    call(ix, WIRE__METHOD__SUBMIT, &request.base, &wire__submit_reply__descriptor);
    crawl_all(ix, 50);
}

static unsigned count_documents(struct indexserver *ix)
{
    unsigned count = 0;
    for (const char *at = whole_feed(ix); (at = strstr(at, "doc ")) != NULL; at++)
        count++;
    return count;
}

/* ---- coming again ---------------------------------------------------------------------------- */

static void a_page_that_did_not_change_is_left_alone_longer_and_told_to_nobody(void **state)
{
    struct indexserver *ix = *state;
    struct site_page site[] = {{.url = HOST "/a", .links = {HOST "/b"}}};
    struct replica replica = {.count = 0};
    ix->site = site;
    ix->site_count = 1;
    fetch_again(ix, HOST "/a");
    assert_int_equal(state_of(ix, HOST "/a").interval_s, 7 * DAY_S);
    uint64_t content = state_of(ix, HOST "/a").content, at = replica_follow(ix, &replica, 0);
    fetch_again(ix, HOST "/a"); /* other bytes, but nothing that anybody reads */
    struct url_state now = state_of(ix, HOST "/a");
    assert_int_equal(now.interval_s, 7 * DAY_S * 3 / 2);
    assert_int_equal(now.content, content);
    assert_int_equal(now.reason, LOG__REASON__REASON_NOT_MODIFIED);
    assert_in_range(now.due_ms - now.fetched_us / 1000, (int64_t)now.interval_s * 900,
                    (int64_t)now.interval_s * 1100);
    assert_int_equal(read_feed(ix, at, 0)->n_items, 0);
    site[0].version = 2;
    fetch_again(ix, HOST "/a");
    assert_int_equal(state_of(ix, HOST "/a").interval_s, 7 * DAY_S);
    replica_follow(ix, &replica, at);
    assert_string_equal(replica_text(ix, &replica), "doc a version 2; edge a>b; ");
}

static void a_link_that_is_new_is_told_although_the_text_is_the_same(void **state)
{
    struct indexserver *ix = *state;
    struct site_page site[] = {{.url = HOST "/a"}, {.url = HOST "/b"}};
    ix->site = site;
    ix->site_count = 2;
    fetch_again(ix, HOST "/a");
    site[0].links[0] = HOST "/b";
    fetch_again(ix, HOST "/a");
    assert_int_equal(state_of(ix, HOST "/a").interval_s, 7 * DAY_S * 3 / 2); /* no change of text */
    assert_string_equal(whole_feed(ix), "doc a version 0; doc b version 0; edge a>b; ");
}

static void a_source_has_bounds_of_its_own(void **state)
{
    struct indexserver *ix = *state;
    struct site_page site[] = {{.url = HOST "/a"}};
    Log__CrawlSettings crawl;
    Log__Source source = LOG__SOURCE__INIT, *sources[] = {&source};
    ix->site = site;
    ix->site_count = 1;
    init_settings(&crawl);
    source.url = (char *)HOST "/a";
    source.recrawl_max_s = 2 * DAY_S;
    source.recrawl_min_s = DAY_S;
    crawl.sources = sources;
    crawl.n_sources = 1;
    take_settings(ix, &crawl);
    crawl_all(ix, 50);
    assert_int_equal(state_of(ix, HOST "/a").interval_s, 2 * DAY_S);
    for (unsigned i = 1; i < 4; i++) {
        site[0].version = i;
        fetch_again(ix, HOST "/a");
    }
    assert_int_equal(state_of(ix, HOST "/a").interval_s, DAY_S);
}

static void newer_validators_of_an_unchanged_page_are_sent_back(void **state)
{
    struct indexserver *ix = *state;
    static char headers[] = "ETag: \"v2\"\r\n";
    struct site_page site[] = {{.url = HOST "/a"}};
    ix->site = site;
    ix->site_count = 1;
    fetch_again(ix, HOST "/a");
    submit(ix, HOST "/a");
    const Wire__LeaseReply *reply = lease(ix, 1, 1000);
    assert_string_equal(reply->leases[0]->urls[0]->etag, "\"v1\"");
    Wire__Fetched *fetched = fetch(ix, reply->leases[0], reply->leases[0]->urls[0]);
    fetched->content->hops[0]->headers.data = (uint8_t *)headers;
    fetched->content->hops[0]->headers.len = sizeof(headers) - 1;
    report(ix, &fetched, 1, &reply->leases[0]->lease, 1);
    submit(ix, HOST "/a");
    assert_string_equal(lease(ix, 1, 1000)->leases[0]->urls[0]->etag, "\"v2\"");
}

static void permanent_redirects_are_looked_at_rarely_temporary_ones_as_a_page(void **state)
{
    struct indexserver *ix = *state;
    struct site_page site[] = {{.url = HOST "/a", .status = 301, .target = HOST "/c"},
                               {.url = HOST "/b", .status = 302, .target = HOST "/c"},
                               {.url = HOST "/c"}};
    ix->site = site;
    ix->site_count = 3;
    fetch_again(ix, HOST "/a");
    fetch_again(ix, HOST "/b");
    assert_int_equal(state_of(ix, HOST "/a").interval_s, 56 * DAY_S);
    assert_int_equal(state_of(ix, HOST "/b").interval_s, 7 * DAY_S);
    assert_int_equal(state_of(ix, HOST "/b").kind, URL_REDIRECT);
    assert_string_equal(whole_feed(ix), "doc c version 0; ");
}

static void what_was_learnt_of_a_page_outlives_its_views(void **state)
{
    struct indexserver *ix = *state;
    struct site_page site[] = {{.url = HOST "/a"}, {.url = HOST "/b"}};
    ix->site = site;
    ix->site_count = 2;
    for (int i = 0; i < 3; i++) {
        fetch_again(ix, HOST "/a");
        fetch_again(ix, HOST "/b");
        site[1].status = 404;
    }
    struct url_state a = state_of(ix, HOST "/a"), b = state_of(ix, HOST "/b");
    assert_int_equal(a.interval_s, 7 * DAY_S * 9 / 4);
    assert_true(b.first_gone_us != 0 && b.first_gone_us < b.fetched_us);
    drop_views(ix);
    struct url_state again = state_of(ix, HOST "/a");
    assert_int_equal(again.interval_s, a.interval_s);
    assert_int_equal(again.due_ms, a.due_ms);
    again = state_of(ix, HOST "/b");
    assert_int_equal(again.first_gone_us, b.first_gone_us);
    assert_int_equal(again.due_ms, b.due_ms);
    assert_string_equal(whole_feed(ix), "doc a version 0; doc b version 0; ");
}

/* ---- going ------------------------------------------------------------------------------------
 */

static void a_404_a_day_after_the_first_takes_the_page_away(void **state)
{
    struct indexserver *ix = *state;
    struct site_page site[] = {{.url = HOST "/a"}};
    Log__Entry entry = LOG__ENTRY__INIT;
    ix->site = site;
    ix->site_count = 1;
    fetch_again(ix, HOST "/a");
    entry.kind_case = LOG__ENTRY__KIND_OUTCOME;
    entry.outcome = make_outcome(ix, HOST "/a", 404, NULL);
    append_at(ix, &entry, clock_unix_us() - DAY_US - 1000000);
    assert_string_equal(whole_feed(ix), "doc a version 0; ");
    site[0].status = 404;
    fetch_again(ix, HOST "/a");
    assert_string_equal(whole_feed(ix), "");
    assert_int_equal(state_of(ix, HOST "/a").kind, URL_GONE);
}

static void a_page_goes_when_the_date_has_come_although_it_did_not_change(void **state)
{
    struct indexserver *ix = *state;
    struct site_page site[] = {{.url = HOST "/a"}};
    ix->site = site;
    ix->site_count = 1;
    work_on(ix, (submit(ix, HOST "/a"), lease(ix, 1, 1000))->leases[0]); /* robots.txt */
    const Wire__LeaseReply *reply = lease(ix, 1, 1000);
    Wire__Fetched *fetched = fetch(ix, reply->leases[0], reply->leases[0]->urls[0]);
    fetched->page->unavailable_after_us = (clock_unix_us() / 1000000 + 1) * 1000000;
    report(ix, &fetched, 1, &reply->leases[0]->lease, 1);
    assert_string_equal(whole_feed(ix), "doc a version 0; ");
    reply = lease(ix, 1, 5000); /* it is due by then, by itself */
    assert_int_equal(reply->n_leases, 1);
    fetched = fetch(ix, reply->leases[0], reply->leases[0]->urls[0]);
    fetched->result_case = WIRE__FETCHED__RESULT_OUTCOME;
    fetched->page = NULL;
    fetched->outcome = make_outcome(ix, HOST "/a", 304, NULL);
    fetched->outcome->reason = LOG__REASON__REASON_NOT_MODIFIED;
    report(ix, &fetched, 1, &reply->leases[0]->lease, 1);
    assert_string_equal(whole_feed(ix), "");
}

static void a_site_that_is_gone_at_once_loses_a_fifth_and_the_owner_is_asked(void **state)
{
    struct indexserver *ix = *state;
    struct big_site *site = make_big_site(ix);
    fetch_all(ix, site);
    for (int i = 0; i < PAGES; i++)
        site->pages[i].status = 410;
    fetch_all(ix, site);
    assert_int_equal(count_documents(ix), KEPT);
    assert_int_equal(get_status(ix)->urls_fetched, KEPT);
    assert_string_equal(get_status(ix)->sources[0]->state,
                        "keeps 40 pages that seem to be gone: `tierce confirm " HOST
                        "/p0` lets them go");
    drop_views(ix);
    assert_int_equal(count_documents(ix), KEPT);
    assert_int_equal(get_status(ix)->urls_fetched, KEPT);
    assert_int_equal(control(ix, LOG__ACTION__ACTION_CONFIRM, HOST "/p0"), STATUS_OK);
    crawl_all(ix, 50);
    assert_int_equal(count_documents(ix), 0);
    assert_string_equal(get_status(ix)->sources[0]->state, "done");
}

static void what_the_owner_lets_go_goes_although_its_source_is_full(void **state)
{
    struct indexserver *ix = *state;
    struct big_site *site = make_big_site(ix);
    Log__CrawlSettings crawl;
    fetch_all(ix, site);
    init_settings(&crawl);
    crawl.max_pages = KEPT;
    take_settings(ix, &crawl);
    for (int i = 0; i < PAGES; i++)
        site->pages[i].status = 410;
    fetch_all(ix, site);
    assert_int_equal(count_documents(ix), KEPT);
    assert_int_equal(control(ix, LOG__ACTION__ACTION_CONFIRM, HOST "/p0"), STATUS_OK);
    crawl_all(ix, 50);
    assert_int_equal(count_documents(ix), 0);
}

static void a_site_that_asks_not_to_be_indexed_at_once_is_kept_until_it_thinks_better(void **state)
{
    struct indexserver *ix = *state;
    struct big_site *site = make_big_site(ix);
    fetch_all(ix, site);
    for (int i = 0; i < PAGES; i++)
        site->pages[i].noindex = true;
    fetch_all(ix, site);
    assert_int_equal(count_documents(ix), KEPT);
    for (int i = 0; i < PAGES; i++)
        site->pages[i].noindex = false;
    fetch_all(ix, site);
    assert_int_equal(count_documents(ix), PAGES);
    assert_string_equal(get_status(ix)->sources[0]->state, "done");
}

static void a_robots_txt_that_forbids_everything_by_mistake_empties_nothing(void **state)
{
    struct indexserver *ix = *state;
    struct big_site *site = make_big_site(ix);
    Log__CrawlSettings crawl;
    init_settings(&crawl);
    crawl.robots_ttl_s = 1;
    take_settings(ix, &crawl);
    fetch_all(ix, site);
    ix->robots = "User-agent: *\nDisallow: /\n";
    usleep(1100 * 1000); /* robots.txt grows old */
    fetch_all(ix, site);
    assert_int_equal(count_documents(ix), KEPT);
}

static void a_site_that_moves_loses_nothing_and_one_that_leads_to_one_page_is_kept(void **state)
{
    struct indexserver *ix = *state;
    struct big_site *site = make_big_site(ix);
    fetch_all(ix, site);
    for (int i = 0; i < PAGES; i++) {
        site->pages[i].status = 301;
        site->pages[i].target = site->urls[PAGES + i];
    }
    fetch_all(ix, site);
    assert_int_equal(count_documents(ix), PAGES);
    assert_non_null(strstr(whole_feed(ix), "doc q49 "));
    assert_null(strstr(whole_feed(ix), "doc p"));
    for (int i = 0; i < PAGES; i++) {
        site->pages[i] = (struct site_page){
            .url = site->urls[PAGES + i], .status = 301, .target = HOST "/parked"};
        snprintf(site->urls[i], sizeof(site->urls[i]), "%s", site->urls[PAGES + i]);
    }
    fetch_all(ix, site);
    assert_in_range(count_documents(ix), KEPT - 1, KEPT);
}

static void a_redirect_to_the_page_itself_or_out_of_scope_is_no_move(void **state)
{
    struct indexserver *ix = *state;
    struct big_site *site = make_big_site(ix);
    fetch_all(ix, site);
    for (int i = 0; i < PAGES; i++) {
        site->pages[i].status = 301;
        site->pages[i].target =
            i % 2 == 0 ? site->urls[i] : arena_format(&ix->arena, "http://nowhere.test/%d", i);
    }
    fetch_all(ix, site);
    assert_int_equal(count_documents(ix), KEPT);
}

/* ---- sitemaps ---------------------------------------------------------------------------------
 */

/* The next page that is leased is that one; what the parser made of it is the caller's to change.
 */
static Wire__Fetched *fetch_next(struct indexserver *ix, const char *url, uint64_t *ret_lease)
{
    const Wire__LeaseReply *reply = lease(ix, 1, 1000);
    assert_int_equal(reply->n_leases, 1);
    assert_string_equal(reply->leases[0]->urls[0]->url, url);
    *ret_lease = reply->leases[0]->lease;
    return fetch(ix, reply->leases[0], reply->leases[0]->urls[0]);
}

static void add_hint(struct indexserver *ix, Page__Page *page, const char *url, int64_t modified_us)
{
    if (page->hints == NULL)
        page->hints = arena_alloc(&ix->arena, 8 * sizeof(*page->hints));
    Page__Hint *hint = arena_alloc(&ix->arena, sizeof(*hint));
    page__hint__init(hint);
    hint->url = arena_string(&ix->arena, url);
    hint->modified_us = modified_us;
    page->hints[page->n_hints++] = hint;
}

/* Fetches the sitemap again; it says that /a changed. */
static void fetch_sitemap(struct indexserver *ix, int64_t modified_us, unsigned version)
{
    uint64_t held;
    Wire__Fetched *fetched = fetch_next(ix, HOST "/map.xml", &held);
    fetched->page->kind = PAGE__PAGE_KIND__PAGE_SITEMAP;
    fetched->page->text = arena_format(&ix->arena, "version %u", version);
    add_hint(ix, fetched->page, HOST "/a", modified_us);
    add_hint(ix, fetched->page, "http://127.0.0.1:9090/elsewhere", 0);
    add_hint(ix, fetched->page, "http://localhost:8080/elsewhere", 0);
    report(ix, &fetched, 1, &held, 1);
}

static void a_sitemap_that_robots_txt_names_brings_pages_and_is_none(void **state)
{
    struct indexserver *ix = *state;
    struct site_page site[] = {{.url = HOST "/"}, {.url = HOST "/a"}, {.url = HOST "/map.xml"}};
    ix->robots = "Sitemap: " HOST "/map.xml\n";
    ix->site = site;
    ix->site_count = 3;
    submit(ix, HOST "/");
    work_on(ix, lease(ix, 1, 1000)->leases[0]); /* robots.txt */
    uint64_t held;
    Wire__Fetched *fetched = fetch_next(ix, HOST "/", &held);
    report(ix, &fetched, 1, &held, 1);
    fetch_sitemap(ix, 0, 1);
    crawl_all(ix, 50);
    assert_string_equal(whole_feed(ix), "doc / version 0; doc a version 0; ");
    assert_int_equal(get_status(ix)->urls_known, 2);
    assert_int_equal(state_of(ix, HOST "/a").origin, LOG__ORIGIN__ORIGIN_SITEMAP);
    assert_int_equal(state_of(ix, HOST "/a").depth, 1);
    assert_int_equal(state_of(ix, HOST "/map.xml").interval_s, 7 * DAY_S / 8);
    struct url_state before = state_of(ix, HOST "/a");
    submit(ix, HOST "/map.xml");
    fetch_sitemap(ix, clock_unix_us() + 1000000, 2); /* it changed, says the sitemap */
    struct url_state now = state_of(ix, HOST "/a");
    assert_int_equal(now.due_ms, before.fetched_us / 1000 + 7 * DAY_S / 8 * INT64_C(1000));
    assert_true(now.due_ms < before.due_ms);
}

static void a_sitemap_that_is_always_wrong_is_believed_no_more(void **state)
{
    struct indexserver *ix = *state;
    struct site_page site[] = {{.url = HOST "/a"}, {.url = HOST "/map.xml"}};
    ix->robots = "Sitemap: " HOST "/map.xml\n";
    ix->site = site;
    ix->site_count = 2;
    submit(ix, HOST "/a");
    work_on(ix, lease(ix, 1, 1000)->leases[0]); /* robots.txt */
    uint64_t held;
    Wire__Fetched *fetched = fetch_next(ix, HOST "/a", &held);
    report(ix, &fetched, 1, &held, 1);
    fetch_sitemap(ix, 0, 0);
    struct url_state before, now;
    for (unsigned i = 1; i <= 12; i++) {
        submit(ix, HOST "/map.xml");
        before = state_of(ix, HOST "/a");
        fetch_sitemap(ix, clock_unix_us() + 1000000, i);
        now = state_of(ix, HOST "/a");
        fetch_again(ix, HOST "/a"); /* as it was */
    }
    assert_int_equal(now.due_ms, before.due_ms);
}

static void a_blog_with_a_feed_for_each_post_leaves_room_for_its_sitemap(void **state)
{
    struct indexserver *ix = *state;
    struct site_page site[] = {{.url = HOST "/a"}};
    uint64_t held;
    char *feeds[4];
    ix->site = site;
    ix->site_count = 1;
    submit(ix, HOST "/a");
    work_on(ix, lease(ix, 1, 1000)->leases[0]); /* robots.txt */
    for (unsigned i = 0; i < 2 * SOURCE_FEEDS_MAX; i += 4) {
        submit(ix, HOST "/a");
        Wire__Fetched *fetched = fetch_next(ix, HOST "/a", &held);
        for (unsigned j = 0; j < 4; j++)
            feeds[j] = arena_format(&ix->arena, HOST "/feed/%u", i + j);
        fetched->page->text = feeds[0];
        fetched->page->feeds = feeds;
        fetched->page->n_feeds = 4;
        report(ix, &fetched, 1, &held, 1);
    }
    struct views *views = ix->service->views;
    const struct source *source = scope_source_at(views->scope, 0);
    assert_int_equal(source->feeds, SOURCE_FEEDS_MAX);
    crawl_all(ix, 50); /* none is there */
    assert_true(source->feeds < SOURCE_FEEDS_MAX);
}

static void only_a_source_can_be_confirmed(void **state)
{
    struct indexserver *ix = *state;
    assert_int_equal(control(ix, LOG__ACTION__ACTION_CONFIRM, ""), STATUS_INVALID);
    assert_int_equal(control(ix, LOG__ACTION__ACTION_CONFIRM, HOST "/"), STATUS_NOT_FOUND);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(a_page_that_did_not_change_is_left_alone_longer_and_told_to_nobody),
        TEST(a_link_that_is_new_is_told_although_the_text_is_the_same),
        TEST(a_source_has_bounds_of_its_own),
        TEST(newer_validators_of_an_unchanged_page_are_sent_back),
        TEST(permanent_redirects_are_looked_at_rarely_temporary_ones_as_a_page),
        TEST(what_was_learnt_of_a_page_outlives_its_views),
        TEST(a_404_a_day_after_the_first_takes_the_page_away),
        TEST(a_page_goes_when_the_date_has_come_although_it_did_not_change),
        TEST(a_site_that_is_gone_at_once_loses_a_fifth_and_the_owner_is_asked),
        TEST(what_the_owner_lets_go_goes_although_its_source_is_full),
        TEST(a_site_that_asks_not_to_be_indexed_at_once_is_kept_until_it_thinks_better),
        TEST(a_robots_txt_that_forbids_everything_by_mistake_empties_nothing),
        TEST(a_site_that_moves_loses_nothing_and_one_that_leads_to_one_page_is_kept),
        TEST(a_redirect_to_the_page_itself_or_out_of_scope_is_no_move),
        TEST(a_blog_with_a_feed_for_each_post_leaves_room_for_its_sitemap),
        TEST(only_a_source_can_be_confirmed),
        TEST(a_sitemap_that_robots_txt_names_brings_pages_and_is_none),
        TEST(a_sitemap_that_is_always_wrong_is_believed_no_more),
    };
    return cmocka_run_group_tests_name("indexserver/recrawl", tests, NULL, NULL);
}
