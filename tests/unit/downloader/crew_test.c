#include "downloader/crew.h"

#include <setjmp.h>
#include <stdarg.h>
#include <sys/eventfd.h>
#include <unistd.h>
#include <zstd.h>

#include <cmocka.h>

#include "base/clock.h"
#include "base/log.h"
#include "downloader/ledger.h"
#include "fake_indexserver.h"
#include "fake_parser.h"
#include "names.h"
#include "site.h"

enum { EXPIRES_MS = 30000, TEXT_BYTES = 512, URLS_MAX = 100, PAGE_MS = 2000 };

static struct site site;
static struct fake_indexserver fake;
static const struct fetch_limits quick = {
    .connect_ms = 2000, .slow_bytes_second = 100, .slow_s = 2};

/* The crew of a test, running on a thread of its own. */
static struct {
    struct spawner *spawner;
    struct crew *crew;
    pthread_t thread;
    int stop_fd;
    int64_t took_ms;   /* to stop */
    enum status ended; /* how */
    struct error why;
} running;

static uint64_t member(void *context)
{
    (void)context;
    return 7;
}

static void *run_crew(void *context)
{
    struct error *err = context;
    running.ended = crew_run(running.crew, running.stop_fd, err);
    return NULL;
}

static struct crew_settings settings;

static int start_with(unsigned connections_per_address, uint64_t bandwidth)
{
    atomic_store(&settings.connections_per_address, connections_per_address);
    atomic_store(&settings.bandwidth, bandwidth);
    CHECK(spawner_open("/proc/self/exe", &running.spawner, NULL) == STATUS_OK);
    struct crew_options options = {
        .link = {.locate = fake_locate, .context = &fake, .key = &fake.key},
        .member = member,
        .spawner = running.spawner,
        .page_ms = PAGE_MS,
        .limits = &quick,
        .settings = &settings,
    };
    struct error err;
    fake_open(&fake);
    site_get(&site, "/_log/clear", &(struct buffer){.limit = 1});
    running.stop_fd = eventfd(0, EFD_CLOEXEC);
    if (crew_open(&options, &running.crew, &err) != STATUS_OK) {
        fprintf(stderr, "%s\n", err.text);
        return -1;
    }
    return pthread_create(&running.thread, NULL, run_crew, &running.why);
}

static int start_all(void **state)
{
    (void)state;
    return start_with(100, 0);
}

static int start_sparing_addresses(void **state)
{
    (void)state;
    return start_with(1, 0);
}

enum { BYTES_A_SECOND = 100 * 1000 };

static int start_with_little_bandwidth(void **state)
{
    (void)state;
    return start_with(100, BYTES_A_SECOND);
}

static void close_crew(void)
{
    crew_close(running.crew);
    running.crew = NULL;
    spawner_close(running.spawner);
    close(running.stop_fd);
}

static void stop_crew(void)
{
    if (running.crew == NULL)
        return;
    int64_t began_ms = clock_boot_ms();
    eventfd_write(running.stop_fd, 1);
    pthread_join(running.thread, NULL);
    running.took_ms = clock_boot_ms() - began_ms;
    close_crew();
}

static int stop_all(void **state)
{
    (void)state;
    stop_crew();
    fake_close(&fake);
    return 0;
}

static int start_site(void **state)
{
    (void)state;
    log_open("test", LOG_ERROR_LEVEL);
    curl_global_init(CURL_GLOBAL_DEFAULT);
    site_start(&site, NULL);
    return 0;
}

static int stop_site(void **state)
{
    (void)state;
    site_stop(&site);
    return 0;
}

/* ---- leases ---- */

/* A lease of the test site that a test fills further; its URLs are texts of its own. */
struct lease {
    Wire__HostLease wire;
    Wire__LeasedUrl urls[URLS_MAX];
    Wire__LeasedUrl *list[URLS_MAX];
    char texts[URLS_MAX][TEXT_BYTES];
};

static char test_agent[] = "tierce-test/1.0";

static void lease_init(struct lease *lease, uint64_t id)
{
    memset(lease, 0, sizeof(*lease));
    wire__host_lease__init(&lease->wire);
    lease->wire.lease = id;
    lease->wire.origin = site.url;
    lease->wire.allow_private = true;
    lease->wire.expires_ms = EXPIRES_MS;
    lease->wire.user_agent = test_agent;
    lease->wire.urls = lease->list;
}

static Wire__LeasedUrl *lease_add_url(struct lease *lease, const char *url)
{
    size_t i = lease->wire.n_urls++;
    assert_true(i < URLS_MAX);
    wire__leased_url__init(&lease->urls[i]);
    snprintf(lease->texts[i], TEXT_BYTES, "%s", url);
    lease->urls[i].url = lease->texts[i];
    lease->list[i] = &lease->urls[i];
    return lease->list[i];
}

static Wire__LeasedUrl *lease_add(struct lease *lease, const char *path)
{
    char url[TEXT_BYTES];
    snprintf(url, sizeof(url), "%s%s", site.url, path);
    return lease_add_url(lease, url);
}

static const Wire__Fetched *reported(const char *path)
{
    char url[TEXT_BYTES];
    snprintf(url, sizeof(url), "%s%s", site.url, path);
    return fake_find(&fake, url);
}

/* Leases one path alone and waits for its report. */
static const Wire__Fetched *fetch_one(const char *path)
{
    static struct lease lease;
    static uint64_t id = 10000;
    size_t before = fake.fetched_count; /* nothing else is under way */
    lease_init(&lease, ++id);
    lease_add(&lease, path);
    fake_lease(&fake, &lease.wire);
    assert_true(fake_await(&fake, before + 1, 0));
    const Wire__Fetched *fetched = reported(path);
    assert_non_null(fetched);
    return fetched;
}

static const Log__Outcome *assert_outcome(const Wire__Fetched *fetched, Log__Reason reason)
{
    assert_non_null(fetched);
    assert_int_equal(fetched->result_case, WIRE__FETCHED__RESULT_OUTCOME);
    if (fetched->outcome->reason != reason)
        fail_msg("%s: reason %d, %s", fetched->url, fetched->outcome->reason,
                 fetched->outcome->detail);
    return fetched->outcome;
}

static const Log__Content *assert_content(const Wire__Fetched *fetched)
{
    assert_non_null(fetched);
    if (fetched->result_case == WIRE__FETCHED__RESULT_OUTCOME)
        fail_msg("%s: %s", fetched->url, fetched->outcome->detail);
    assert_int_equal(fetched->result_case, WIRE__FETCHED__RESULT_CONTENT);
    return fetched->content;
}

static size_t requests_at_the_site(void)
{
    static struct site_request log[URLS_MAX];
    return site_log(&site, log, URLS_MAX);
}

static void await_requests(size_t count)
{
    int64_t until_ms = clock_boot_ms() + 10000;
    while (requests_at_the_site() < count && clock_boot_ms() < until_ms)
        usleep(20000);
    assert_int_equal(requests_at_the_site(), count);
}

/* ---- what is reported ---- */

static void a_page_is_fetched_parsed_and_reported(void **state)
{
    (void)state;
    const Wire__Fetched *fetched = fetch_one("/html?text=hello");
    const Log__Content *content = assert_content(fetched);
    assert_string_equal(content->url, fetched->url);
    assert_int_equal(content->n_hops, 1);
    assert_int_equal(content->hops[0]->status, 200);
    assert_string_equal(content->hops[0]->address, "127.0.0.1");
    assert_memory_equal(content->hops[0]->headers.data, "HTTP/1.1 200", 12);
    assert_true(content->private_address);
    assert_non_null(fetched->page);
    assert_string_equal(fetched->page->title, fetched->url);
    assert_string_equal(fetched->page->description, "text/html; charset=utf-8");
    char body[4096];
    assert_int_equal(
        ZSTD_decompress(body, sizeof(body), content->body_zstd.data, content->body_zstd.len),
        content->body_size);
    assert_int_equal(content->body_size, strlen(fetched->page->text));
    assert_memory_equal(body, fetched->page->text, content->body_size);
    assert_true(fake_await(&fake, 1, 1));
}

static void the_page_is_told_what_its_headers_ask_of_crawlers(void **state)
{
    (void)state;
    assert_string_equal(fetch_one("/tags?robots=noindex")->page->charset, "noindex");
}

static void outcomes_have_reasons_and_words(void **state)
{
    (void)state;
    const Log__Outcome *outcome =
        assert_outcome(fetch_one("/status/404"), LOG__REASON__REASON_HTTP_ERROR);
    assert_string_equal(outcome->detail, "404 Not Found");
    assert_int_equal(outcome->hops[0]->status, 404);
    assert_outcome(fetch_one("/status/500"), LOG__REASON__REASON_HTTP_ERROR);
    assert_outcome(fetch_one("/status/206"), LOG__REASON__REASON_BAD_RESPONSE);
    assert_outcome(fetch_one("/status/304"), LOG__REASON__REASON_BAD_RESPONSE);
    assert_outcome(fetch_one("/garbage"), LOG__REASON__REASON_BAD_RESPONSE);
    assert_outcome(fetch_one("/drip"), LOG__REASON__REASON_TIMEOUT);
    assert_outcome(fetch_one("/bomb/gzip?mb=5"), LOG__REASON__REASON_TOO_LARGE);
    assert_outcome(fetch_one("/headers?kb=80"), LOG__REASON__REASON_TOO_LARGE);
    assert_outcome(fetch_one("/type?is=image/png"), LOG__REASON__REASON_UNSUPPORTED_TYPE);
}

static void a_redirect_is_reported_with_its_target_and_not_followed(void **state)
{
    (void)state;
    const Log__Outcome *outcome = assert_outcome(fetch_one("/redirect?to=../a/./b%23x&status=301"),
                                                 LOG__REASON__REASON_REDIRECT);
    char target[TEXT_BYTES];
    snprintf(target, sizeof(target), "%s/a/b", site.url);
    assert_string_equal(outcome->target, target);
    assert_outcome(fetch_one("/redirect?to=mailto:x"), LOG__REASON__REASON_BAD_RESPONSE);
    struct site_request log[8];
    assert_int_equal(site_log(&site, log, 8), 2);
}

static void what_is_known_is_not_sent_again(void **state)
{
    (void)state;
    static char etag[] = "\"tierce-1\"";
    struct lease lease;
    lease_init(&lease, 1);
    lease_add(&lease, "/etag")->etag = etag;
    fake_lease(&fake, &lease.wire);
    assert_true(fake_await(&fake, 1, 1));
    assert_outcome(reported("/etag"), LOG__REASON__REASON_NOT_MODIFIED);
}

static void a_long_page_is_cut_and_says_so(void **state)
{
    (void)state;
    struct lease lease;
    lease_init(&lease, 1);
    lease.wire.max_bytes = 10000;
    lease_add(&lease, "/large?kb=100");
    fake_lease(&fake, &lease.wire);
    assert_true(fake_await(&fake, 1, 1));
    const Wire__Fetched *fetched = reported("/large?kb=100");
    assert_true(assert_content(fetched)->truncated);
    assert_int_equal(fetched->content->body_size, 10000);
    assert_int_equal(fetched->page->n_headings, 1); /* the parser was told */
}

static void bytes_that_are_no_text_after_all_are_not_kept(void **state)
{
    (void)state;
    assert_outcome(fetch_one("/html?text=[binary]"), LOG__REASON__REASON_UNSUPPORTED_TYPE);
}

static void content_that_is_held_is_parsed_again_without_a_fetch(void **state)
{
    (void)state;
    static const char body[] = "<p>held for long";
    static char headers[] = "HTTP/1.1 200 OK\r\nContent-Type: text/x-held\r\n\r\n";
    uint8_t packed[256];
    struct lease lease;
    Log__Content content = LOG__CONTENT__INIT;
    Log__Hop hop = LOG__HOP__INIT, *hops[1] = {&hop};
    lease_init(&lease, 1);
    Wire__LeasedUrl *leased = lease_add(&lease, "/held");
    hop.url = leased->url;
    hop.status = 200;
    hop.headers = (ProtobufCBinaryData){strlen(headers), (uint8_t *)headers};
    content.url = leased->url;
    content.hops = hops;
    content.n_hops = 1;
    content.truncated = true;
    content.body_size = sizeof(body) - 1;
    content.body_zstd.data = packed;
    content.body_zstd.len = ZSTD_compress(packed, sizeof(packed), body, sizeof(body) - 1, 3);
    leased->kind = WIRE__FETCH_KIND__FETCH_PARSE;
    leased->content = &content;
    leased->sequence = 4711;
    fake_lease(&fake, &lease.wire);
    assert_true(fake_await(&fake, 1, 1));
    const Wire__Fetched *fetched = reported("/held");
    assert_int_equal(fetched->sequence, 4711);
    assert_int_equal(fetched->result_case, WIRE__FETCHED__RESULT__NOT_SET);
    assert_string_equal(fetched->page->text, body);
    assert_string_equal(fetched->page->description, "text/x-held");
    assert_int_equal(fetched->page->n_headings, 1);
    struct site_request log[1];
    assert_int_equal(site_log(&site, log, 1), 0);
}

/* ---- politeness ---- */

static void fetches_of_a_host_keep_their_delay_on_one_connection(void **state)
{
    (void)state;
    enum { COUNT = 5, DELAY_MS = 150 };
    struct lease lease;
    lease_init(&lease, 1);
    lease.wire.delay_ms = DELAY_MS;
    for (int i = 0; i < COUNT; i++) {
        char path[64];
        snprintf(path, sizeof(path), "/page/%d?ms=%d", i, i * 20);
        lease_add(&lease, path);
    }
    fake_lease(&fake, &lease.wire);
    assert_true(fake_await(&fake, COUNT, 1));
    struct site_request log[COUNT + 1];
    assert_int_equal(site_log(&site, log, COUNT + 1), COUNT);
    for (int i = 0; i < COUNT; i++) {
        assert_int_equal(log[i].connection, log[0].connection);
        assert_string_equal(log[i].target, lease.urls[i].url + strlen(site.url));
        if (i > 0)
            assert_true(log[i].began_us - log[i - 1].ended_us >= DELAY_MS * 1000);
    }
}

static void a_kept_connection_that_is_closed_is_asked_again_after_the_delay_and_once(void **state)
{
    (void)state;
    enum { COUNT = 3, DELAY_MS = 200 };
    struct lease lease;
    struct site_request log[COUNT + 1];
    lease_init(&lease, 1);
    lease.wire.delay_ms = DELAY_MS;
    lease_add(&lease, "/html");
    lease_add(&lease, "/close?at=start");
    fake_lease(&fake, &lease.wire);
    assert_true(fake_await(&fake, 2, 1));
    assert_outcome(reported("/close?at=start"), LOG__REASON__REASON_BAD_RESPONSE);
    assert_int_equal(site_log(&site, log, COUNT + 1), COUNT);
    assert_true(log[2].began_us - log[1].began_us >= DELAY_MS * 1000);
}

static void a_slow_host_holds_up_no_other(void **state)
{
    (void)state;
    struct site other;
    struct lease slow, fast;
    site_start(&other, NULL);
    lease_init(&slow, 1);
    lease_add(&slow, "/slow?ms=900");
    fake_lease(&fake, &slow.wire);
    lease_init(&fast, 2);
    fast.wire.origin = other.url;
    for (int i = 0; i < 10; i++) {
        char url[TEXT_BYTES];
        snprintf(url, sizeof(url), "%s/page/%d", other.url, i);
        lease_add_url(&fast, url);
    }
    fake_lease(&fake, &fast.wire);
    assert_true(fake_await(&fake, 11, 2));
    assert_string_equal(fake.fetched[10]->url, slow.urls[0].url);
    site_stop(&other);
}

static void hosts_at_one_address_share_its_requests(void **state)
{
    (void)state;
    enum { SITES = 3, PAGES = 3 };
    struct site others[SITES];
    struct lease lease;
    struct site_request log[SITES * PAGES + 1];
    size_t count = 0;
    for (int i = 0; i < SITES; i++) {
        site_start(&others[i], NULL);
        lease_init(&lease, (uint64_t)i + 1);
        lease.wire.origin = others[i].url;
        for (int j = 0; j < PAGES; j++) {
            char url[TEXT_BYTES];
            snprintf(url, sizeof(url), "%s/page/%d?ms=50", others[i].url, j);
            lease_add_url(&lease, url);
        }
        fake_lease(&fake, &lease.wire);
    }
    assert_true(fake_await(&fake, SITES * PAGES, SITES));
    for (int i = 0; i < SITES; i++) {
        count += site_log(&others[i], log + count, PAGES + 1);
        site_stop(&others[i]);
    }
    assert_int_equal(count, SITES * PAGES);
    for (size_t i = 0; i < count; i++) {
        for (size_t j = 0; j < i; j++)
            assert_true(log[i].began_us >= log[j].ended_us || log[j].began_us >= log[i].ended_us);
    }
}

static void hosts_at_one_address_take_turns_on_one_connection(void **state)
{
    (void)state;
    enum { SITES = 3, PAGES = 4 };
    struct site others[SITES];
    struct lease lease;
    struct site_request log[SITES * PAGES + 1];
    size_t count = 0;
    for (int i = 0; i < SITES; i++)
        site_start(&others[i], NULL);
    for (int i = 0; i < SITES; i++) {
        lease_init(&lease, (uint64_t)i + 1);
        lease.wire.origin = others[i].url;
        lease.wire.delay_ms = 20;
        for (int j = 0; j < PAGES; j++) {
            char url[TEXT_BYTES];
            snprintf(url, sizeof(url), "%s/page/%d?ms=50", others[i].url, j);
            lease_add_url(&lease, url);
        }
        fake_lease(&fake, &lease.wire);
    }
    assert_true(fake_await(&fake, SITES * PAGES, SITES));
    for (int i = 0; i < SITES; i++) {
        size_t before = count;
        count += site_log(&others[i], log + count, PAGES + 1);
        assert_int_equal(count - before, PAGES);
        site_stop(&others[i]);
        /* While one waits its delay another goes on: none is through before all have begun. */
        if (i > 0)
            assert_true(log[before].began_us < log[PAGES - 1].began_us);
    }
}

static void a_host_that_may_have_several_connections_is_asked_on_several_at_a_time(void **state)
{
    (void)state;
    enum { COUNT = 12, LANES = 3, DELAY_MS = 100 };
    struct lease lease;
    struct site_request log[COUNT + 1];
    lease_init(&lease, 1);
    lease.wire.connections = LANES;
    lease.wire.delay_ms = DELAY_MS;
    for (int i = 0; i < COUNT; i++) {
        char path[64];
        snprintf(path, sizeof(path), "/page/%d?ms=300", i);
        lease_add(&lease, path);
    }
    fake_lease(&fake, &lease.wire);
    assert_true(fake_await(&fake, COUNT, 1));
    assert_int_equal(site_log(&site, log, COUNT + 1), COUNT);
    unsigned most = 0;
    for (size_t i = 0; i < COUNT; i++) {
        unsigned together = 0;
        for (size_t j = 0; j < COUNT; j++) {
            together += log[j].began_us <= log[i].began_us && log[j].ended_us > log[i].began_us;
            if (log[j].connection == log[i].connection && log[j].began_us > log[i].began_us)
                assert_true(log[j].began_us - log[i].ended_us >= DELAY_MS * 1000);
        }
        most = together > most ? together : most;
    }
    assert_int_equal(most, LANES);
}

static void all_fetches_together_keep_to_the_bandwidth(void **state)
{
    (void)state;
    enum { PAGES = 10, KIB = 40, SITES = 2 };
    struct site other;
    struct lease lease;
    site_start(&other, NULL);
    int64_t began_ms = clock_boot_ms();
    for (int i = 0; i < SITES; i++) {
        const struct site *at = i == 0 ? &site : &other;
        lease_init(&lease, (uint64_t)i + 1);
        lease.wire.origin = (char *)at->url;
        for (int j = 0; j < PAGES / SITES; j++) {
            char url[TEXT_BYTES];
            snprintf(url, sizeof(url), "%s/large?kb=%d&page=%d", at->url, KIB, j);
            lease_add_url(&lease, url);
        }
        fake_lease(&fake, &lease.wire);
    }
    assert_true(fake_await(&fake, PAGES, SITES));
    int64_t took_ms = clock_boot_ms() - began_ms;
    site_stop(&other);
    for (size_t i = 0; i < PAGES; i++)
        assert_int_equal(assert_content(fake.fetched[i])->body_size, KIB * 1024);
    /* Less only by what may be made up for, and by one read of each. */
    int64_t least_ms = (int64_t)PAGES * KIB * 1024 * 1000 / BYTES_A_SECOND;
    assert_true(took_ms >= least_ms * 8 / 10);
}

static void a_page_that_waits_for_bandwidth_is_not_late(void **state)
{
    (void)state;
    struct lease lease;
    int64_t began_ms = clock_boot_ms();
    lease_init(&lease, 1);
    atomic_store(&settings.bandwidth, 20 * 1000);
    lease.wire.timeout_ms = 1000;
    lease_add(&lease, "/large?kb=50"); /* 2.5 s */
    fake_lease(&fake, &lease.wire);
    assert_true(fake_await(&fake, 1, 1));
    assert_int_equal(assert_content(fake.fetched[0])->body_size, 50 * 1024);
    assert_true(clock_boot_ms() - began_ms > 1500);
}

static void what_is_fetched_when_its_lease_is_taken_back_is_finished_and_no_more(void **state)
{
    (void)state;
    struct lease lease;
    lease_init(&lease, 1);
    for (int i = 0; i < 20; i++) {
        char path[64];
        snprintf(path, sizeof(path), "/page/%d?ms=300", i);
        lease_add(&lease, path);
    }
    fake_lease(&fake, &lease.wire);
    await_requests(1);
    fake_revoke(&fake, 1);
    assert_true(fake_await(&fake, 1, 1));
    size_t requests = requests_at_the_site();
    assert_in_range(requests, 1, 3);
    assert_int_equal(fake.fetched_count, requests);
    for (size_t i = 0; i < requests; i++)
        assert_content(fake.fetched[i]);
}

static void a_server_that_asks_for_peace_has_it_for_the_rest_of_the_lease(void **state)
{
    (void)state;
    struct lease lease;
    char path[128], date[64];
    lease_init(&lease, 1);
    lease_add(&lease, "/status/429?retry_after=120");
    lease_add(&lease, "/html");
    fake_lease(&fake, &lease.wire);
    assert_true(fake_await(&fake, 1, 1));
    assert_int_equal(
        assert_outcome(reported("/status/429?retry_after=120"), LOG__REASON__REASON_RETRY_LATER)
            ->retry_after_s,
        120);
    assert_null(reported("/html"));
    time_t later = (time_t)clock_unix_s() + 3600;
    strftime(date, sizeof(date), "%a,+%d+%b+%Y+%H:%M:%S+GMT", gmtime(&later));
    snprintf(path, sizeof(path), "/status/503?retry_after=%s", date);
    uint32_t wait_s =
        assert_outcome(fetch_one(path), LOG__REASON__REASON_RETRY_LATER)->retry_after_s;
    assert_in_range(wait_s, 3590, 3600);
}

static void a_host_that_is_not_there_is_asked_twice_and_no_more(void **state)
{
    (void)state;
    static char origin[] = "http://127.0.0.1:2";
    struct lease lease;
    lease_init(&lease, 1);
    lease.wire.origin = origin;
    for (int i = 0; i < 5; i++) {
        char url[TEXT_BYTES];
        snprintf(url, sizeof(url), "%s/%d", origin, i);
        lease_add_url(&lease, url);
    }
    fake_lease(&fake, &lease.wire);
    assert_true(fake_await(&fake, 2, 1));
    assert_int_equal(fake.fetched_count, 2);
    assert_outcome(fake.fetched[0], LOG__REASON__REASON_CONNECT);
}

/* ---- addresses ---- */

static void a_private_address_is_refused_unless_the_lease_allows_it(void **state)
{
    (void)state;
    struct lease lease;
    lease_init(&lease, 1);
    lease.wire.allow_private = false;
    lease_add(&lease, "/html");
    fake_lease(&fake, &lease.wire);
    assert_true(fake_await(&fake, 1, 1));
    assert_outcome(reported("/html"), LOG__REASON__REASON_ADDRESS_REFUSED);
    struct site_request log[1];
    assert_int_equal(site_log(&site, log, 1), 0);
}

static void a_name_that_leads_to_loopback_needs_its_network_allowed(void **state)
{
    (void)state;
    static char network[] = "127.0.0.0/8";
    char origin[128], url[2][TEXT_BYTES], *networks[] = {network};
    struct lease lease;
    snprintf(origin, sizeof(origin), "http://rebind.test:%s", strrchr(site.url, ':') + 1);
    snprintf(url[0], TEXT_BYTES, "%s/html?text=refused", origin);
    snprintf(url[1], TEXT_BYTES, "%s/html?text=allowed", origin);
    for (int allowed = 0; allowed < 2; allowed++) {
        lease_init(&lease, (uint64_t)allowed + 1);
        lease.wire.origin = origin;
        lease.wire.allowed_networks = networks;
        lease.wire.n_allowed_networks = (size_t)allowed;
        lease_add_url(&lease, url[allowed]);
        fake_lease(&fake, &lease.wire);
        assert_true(fake_await(&fake, (size_t)allowed + 1, (size_t)allowed + 1));
    }
    assert_outcome(fake_find(&fake, url[0]), LOG__REASON__REASON_ADDRESS_REFUSED);
    assert_content(fake_find(&fake, url[1]));
    assert_int_equal(requests_at_the_site(), 1);
}

static void a_name_that_nobody_answers_for_holds_up_no_other_host(void **state)
{
    (void)state;
    static char origin[] = "http://slow.test";
    struct lease nowhere, here;
    lease_init(&nowhere, 1);
    nowhere.wire.origin = origin;
    lease_add_url(&nowhere, "http://slow.test/");
    fake_lease(&fake, &nowhere.wire);
    lease_init(&here, 2);
    here.wire.delay_ms = 100;
    for (int i = 0; i < 35; i++) {
        char path[64];
        snprintf(path, sizeof(path), "/page/%d", i);
        lease_add(&here, path);
    }
    fake_lease(&fake, &here.wire);
    assert_true(fake_await(&fake, 36, 2));
    assert_outcome(fake_find(&fake, "http://slow.test/"), LOG__REASON__REASON_CONNECT);
    struct site_request log[36];
    assert_int_equal(site_log(&site, log, 36), 35);
    for (int i = 1; i < 35; i++)
        assert_true(log[i].began_us - log[i - 1].ended_us < 600 * 1000);
}

static void connect_to_leads_a_public_name_to_this_machine(void **state)
{
    (void)state;
    static char origin[] = "http://search.example.org";
    struct lease lease;
    lease_init(&lease, 1);
    lease.wire.origin = origin;
    lease.wire.connect_to = strstr(site.url, "//") + 2;
    lease_add_url(&lease, "http://search.example.org/html?text=handbook");
    fake_lease(&fake, &lease.wire);
    assert_true(fake_await(&fake, 1, 1));
    assert_content(fake.fetched[0]);
    struct site_request log[2];
    assert_int_equal(site_log(&site, log, 2), 1);
    assert_string_equal(log[0].host, "search.example.org");
}

/* ---- robots.txt ---- */

static const Log__Robots *fetch_robots(const char *variant)
{
    static struct lease lease;
    static uint64_t id = 20000;
    char path[64];
    struct buffer ignored = {0};
    snprintf(path, sizeof(path), "/_robots/%s", variant);
    site_get(&site, path, &ignored);
    buffer_release(&ignored);
    lease_init(&lease, ++id);
    lease_add(&lease, "/robots.txt")->kind = WIRE__FETCH_KIND__FETCH_ROBOTS;
    lease_add(&lease, "/html");
    size_t before = fake.fetched_count, finished = fake.finished_count;
    fake_lease(&fake, &lease.wire);
    assert_true(fake_await(&fake, before + 1, finished + 1));
    const Wire__Fetched *fetched = fake.fetched[before];
    assert_int_equal(fetched->result_case, WIRE__FETCHED__RESULT_ROBOTS);
    assert_string_equal(fetched->robots->origin, site.url);
    return fetched->robots;
}

static void robots_txt_comes_whole_and_ends_the_lease(void **state)
{
    (void)state;
    const Log__Robots *robots = fetch_robots("deny");
    assert_false(robots->unreachable);
    assert_int_equal(robots->body.len, 26);
    assert_memory_equal(robots->body.data, "User-agent: *\nDisallow: /\n", 26);
    assert_null(reported("/html"));
}

static void no_robots_txt_is_no_rules_and_a_broken_server_is_unreachable(void **state)
{
    (void)state;
    const Log__Robots *robots = fetch_robots("missing");
    assert_false(robots->unreachable);
    assert_int_equal(robots->hops[0]->status, 404);
    assert_int_equal(robots->body.len, 0);
    assert_false(fetch_robots("forbidden")->unreachable);
    robots = fetch_robots("broken");
    assert_true(robots->unreachable);
    assert_string_equal(robots->detail, "500 Internal Server Error");
    assert_true(fetch_robots("busy")->unreachable);
    assert_true(fetch_robots("limited")->unreachable);
    assert_true(fetch_robots("close")->unreachable);
    assert_true(fetch_robots("drip")->unreachable);
}

static void a_huge_robots_txt_is_cut(void **state)
{
    (void)state;
    const Log__Robots *robots = fetch_robots("huge");
    assert_false(robots->unreachable);
    assert_int_equal(robots->body.len, 500 * 1024);
}

static void a_lease_that_runs_out_goes_on_with_what_a_report_brings(void **state)
{
    (void)state;
    struct lease lease, more;
    lease_init(&lease, 1);
    lease.wire.delay_ms = 500; /* in which the first report is answered */
    lease_init(&more, 1);
    for (int i = 0; i < 5; i++) {
        char path[32];
        snprintf(path, sizeof(path), "/page/%d", i);
        lease_add(i < 2 ? &lease : &more, path);
    }
    fake_lease_more(&fake, &more.wire);
    fake_lease(&fake, &lease.wire);
    assert_true(fake_await(&fake, 5, 1));
    assert_int_equal(fake.finished_count, 1); /* all of it is one lease */
    struct site_request log[8];
    assert_int_equal(site_log(&site, log, 8), 5);
    for (int i = 0; i < 5; i++) {
        char path[32];
        snprintf(path, sizeof(path), "/page/%d", i);
        assert_string_equal(log[i].target, path);
        assert_int_equal(log[i].connection, log[0].connection);
        if (i > 0)
            assert_true(log[i].began_us - log[i - 1].ended_us >= 499000);
    }
}

static void what_comes_for_a_lease_that_is_done_is_let_go(void **state)
{
    (void)state;
    struct lease lease, more;
    lease_init(&lease, 1);
    lease_add(&lease, "/page/1");
    lease_init(&more, 1);
    lease_add(&more, "/page/2");
    fake_lease_more(&fake, &more.wire);
    fake_lease(&fake, &lease.wire);
    assert_true(fake_await(&fake, 1, 1));
    lease_init(&lease, 2);
    lease_add(&lease, "/page/3");
    fake_lease(&fake, &lease.wire);
    assert_true(fake_await(&fake, 2, 2));
    assert_non_null(reported("/page/3"));
}

static void five_redirects_of_robots_txt_are_followed(void **state)
{
    (void)state;
    const Log__Robots *robots = fetch_robots("redirect/5");
    assert_false(robots->unreachable);
    assert_int_equal(robots->n_hops, 6);
    assert_int_equal(robots->hops[5]->status, 200);
    assert_true(robots->body.len > 0);
    robots = fetch_robots("redirect/6");
    assert_false(robots->unreachable);
    assert_int_equal(robots->n_hops, 6);
    assert_int_equal(robots->hops[5]->status, 301);
    assert_int_equal(robots->body.len, 0);
}

static void a_redirect_of_robots_txt_gains_no_private_address(void **state)
{
    (void)state;
    struct site other;
    struct lease lease;
    char url[256];
    site_start(&other, NULL);
    lease_init(&lease, 1);
    snprintf(url, sizeof(url), "/redirect?to=%s/html", other.url);
    lease_add(&lease, url)->kind = WIRE__FETCH_KIND__FETCH_ROBOTS;
    fake_lease(&fake, &lease.wire);
    assert_true(fake_await(&fake, 1, 1));
    const Log__Robots *robots = fake.fetched[0]->robots;
    assert_true(robots->unreachable);
    assert_int_equal(robots->n_hops, 2);
    assert_non_null(strstr(robots->detail, "loopback"));
    struct site_request log[1];
    assert_int_equal(site_log(&other, log, 1), 0);
    site_stop(&other);
}

static void a_redirect_of_robots_txt_to_another_port_of_its_host_waits_the_delay(void **state)
{
    (void)state;
    struct lease lease;
    char url[256];
    const char *port = strrchr(site.url, ':');
    static char networks[] = "127.0.0.0/8", *list[] = {networks};
    char origin[64];
    snprintf(origin, sizeof(origin), "http://polite.test%s", port);
    snprintf(url, sizeof(url), "%s/redirect?to=http://polite.test:2/robots.txt", origin);
    lease_init(&lease, 1);
    lease.wire.origin = origin;
    lease.wire.delay_ms = 400;
    lease.wire.allowed_networks = list;
    lease.wire.n_allowed_networks = 1;
    lease_add_url(&lease, url)->kind = WIRE__FETCH_KIND__FETCH_ROBOTS;
    int64_t began_ms = clock_boot_ms();
    fake_lease(&fake, &lease.wire);
    assert_true(fake_await(&fake, 1, 1));
    assert_int_equal(fake.fetched[0]->robots->n_hops, 2); /* a port where nobody listens */
    assert_true(clock_boot_ms() - began_ms >= 400);
}

/* ---- the parser ---- */

static void a_page_that_kills_the_parser_costs_itself_alone(void **state)
{
    (void)state;
    static const char *const deadly[] = {"/html?text=[die]", "/html?text=[nonsense]",
                                         "/html?text=[endless]"};
    struct lease lease;
    lease_init(&lease, 1);
    for (size_t i = 0; i < ARRAY_COUNT(deadly); i++) {
        char path[64];
        snprintf(path, sizeof(path), "/page/%zu", i);
        lease_add(&lease, path);
        lease_add(&lease, deadly[i]);
    }
    lease_add(&lease, "/page/9");
    fake_lease(&fake, &lease.wire);
    assert_true(fake_await(&fake, 7, 1));
    for (size_t i = 0; i < ARRAY_COUNT(deadly); i++) {
        const Wire__Fetched *fetched = reported(deadly[i]);
        assert_true(assert_content(fetched)->body_size > 0);
        assert_int_equal(fetched->page->problem, PAGE__PROBLEM__PROBLEM_UNPARSABLE);
        assert_true(fetched->page->problem_words[0] != '\0');
    }
    assert_int_equal(reported("/page/0")->page->problem, PAGE__PROBLEM__PROBLEM_NONE);
    assert_int_equal(reported("/page/9")->page->problem, PAGE__PROBLEM__PROBLEM_NONE);
    Wire__DownloaderStatus status;
    crew_fill_status(running.crew, &status);
    assert_int_equal(status.parser_restarts, 4); /* [die] has two attempts */
    assert_int_equal(status.pages, 7);
    assert_int_equal(status.fetching, 0);
}

static void a_parser_that_someone_killed_costs_nothing(void **state)
{
    (void)state;
    char mark[] = "/tmp/tierce-test-XXXXXX", path[128];
    close(mkstemp(mark));
    unlink(mark);
    snprintf(path, sizeof(path), "/html?text=[die+once+%s]", mark);
    const Wire__Fetched *fetched = fetch_one(path);
    assert_int_equal(fetched->page->problem, PAGE__PROBLEM__PROBLEM_NONE);
    assert_int_equal(access(mark, F_OK), 0);
    unlink(mark);
}

static void a_page_that_takes_too_long_holds_up_no_fetch(void **state)
{
    (void)state;
    struct lease lease;
    lease_init(&lease, 1);
    lease_add(&lease, "/html?text=[slow]");
    lease_add(&lease, "/page/1");
    lease_add(&lease, "/page/2");
    fake_lease(&fake, &lease.wire);
    assert_true(fake_await(&fake, 3, 1));
    assert_int_equal(reported("/html?text=[slow]")->page->problem,
                     PAGE__PROBLEM__PROBLEM_UNPARSABLE);
    assert_int_equal(reported("/page/2")->page->problem, PAGE__PROBLEM__PROBLEM_NONE);
    struct site_request log[4];
    assert_int_equal(site_log(&site, log, 4), 3);
    assert_true(log[2].ended_us - log[0].ended_us < PAGE_MS * 1000);
    assert_true(fake.fetched_us[0] - log[0].ended_us >= PAGE_MS * 1000);
}

static void a_host_whose_pages_take_long_shares_the_parser(void **state)
{
    (void)state;
    struct site other;
    struct lease slow, fast;
    site_start(&other, NULL);
    lease_init(&slow, 1);
    for (int i = 0; i < 4; i++) {
        char path[64];
        snprintf(path, sizeof(path), "/html?text=[slow]&n=%d", i);
        lease_add(&slow, path);
    }
    fake_lease(&fake, &slow.wire);
    await_requests(4);
    lease_init(&fast, 2);
    fast.wire.origin = other.url;
    char url[TEXT_BYTES];
    snprintf(url, sizeof(url), "%s/page/1", other.url);
    lease_add_url(&fast, url);
    fake_lease(&fake, &fast.wire);
    assert_true(fake_await(&fake, 2, 1));
    assert_string_equal(fake.fetched[1]->url, url); /* behind one slow page, not behind all */
    site_stop(&other);
}

/* ---- reporting ---- */

static void set_hanging(bool hang)
{
    fake_lock(&fake);
    fake.reports_hang = hang;
    fake_unlock(&fake);
}

static void fetching_goes_on_while_a_report_is_on_its_way_but_not_for_ever(void **state)
{
    (void)state;
    struct lease lease;
    lease_init(&lease, 1);
    for (int i = 0; i < 2 * LEDGER_UNREPORTED_MAX; i++) {
        char path[64];
        snprintf(path, sizeof(path), "/page/%d", i);
        lease_add(&lease, path);
    }
    set_hanging(true);
    fake_lease(&fake, &lease.wire);
    await_requests(LEDGER_UNREPORTED_MAX);
    usleep(300000); /* nothing more must come: there is no condition to wait for */
    assert_int_equal(requests_at_the_site(), LEDGER_UNREPORTED_MAX);
    assert_int_equal(fake.fetched_count, 0);
    set_hanging(false);
    assert_true(fake_await(&fake, 2 * LEDGER_UNREPORTED_MAX, 1));
    assert_true(fake.largest_report > 1);
    assert_int_equal(requests_at_the_site(), 2 * LEDGER_UNREPORTED_MAX);
}

static void a_lease_is_finished_with_its_last_report_and_not_before(void **state)
{
    (void)state;
    struct lease lease;
    lease_init(&lease, 5);
    lease.wire.delay_ms = 50;
    for (int i = 0; i < 4; i++) {
        char path[64];
        snprintf(path, sizeof(path), "/page/%d", i);
        lease_add(&lease, path);
    }
    fake_lease(&fake, &lease.wire);
    assert_true(fake_await(&fake, 0, 1));
    assert_int_equal(fake.fetched_count, 4);
    assert_int_equal(fake.finished[0], 5);
}

static void what_was_fetched_waits_for_an_indexserver_that_is_away(void **state)
{
    (void)state;
    struct lease lease;
    lease_init(&lease, 1);
    lease_add(&lease, "/slow?ms=500");
    fake_lease(&fake, &lease.wire);
    await_requests(1);
    fake_set_away(&fake, true);
    int64_t away_ms = clock_boot_ms();
    while (clock_boot_ms() < away_ms + 1000) /* the page comes, and attempts to report it fail */
        usleep(100000);
    assert_int_equal(fake.fetched_count, 0);
    fake_set_away(&fake, false);
    assert_true(fake_await(&fake, 1, 1));
    assert_int_equal(requests_at_the_site(), 1);
}

static void what_cannot_be_delivered_within_its_lease_is_dropped(void **state)
{
    (void)state;
    enum { LEASE_MS = 700 };
    struct lease lease;
    lease_init(&lease, 1);
    lease.wire.expires_ms = LEASE_MS;
    lease_add(&lease, "/slow?ms=300");
    lease_add(&lease, "/page/1");
    fake_lease(&fake, &lease.wire);
    await_requests(1);
    fake_set_away(&fake, true);
    int64_t away_ms = clock_boot_ms();
    while (clock_boot_ms() < away_ms + 2 * LEASE_MS)
        usleep(100000);
    fake_set_away(&fake, false);
    lease_init(&lease, 2);
    lease_add(&lease, "/page/2");
    fake_lease(&fake, &lease.wire);
    assert_true(fake_await(&fake, 1, 1));
    assert_int_equal(fake.fetched_count, 1);
    assert_non_null(reported("/page/2"));
    assert_int_equal(fake.finished_count, 1);
    assert_int_equal(fake.finished[0], 2);
}

static void a_report_that_is_refused_costs_that_page_alone(void **state)
{
    (void)state;
    struct lease lease;
    lease_init(&lease, 1);
    for (int i = 0; i < 6; i++) {
        char path[64];
        snprintf(path, sizeof(path), "/page/%d", i);
        lease_add(&lease, path);
    }
    fake_lock(&fake);
    fake.poison = lease.urls[3].url;
    fake.reports_hang = true; /* until several can go together */
    fake_unlock(&fake);
    fake_lease(&fake, &lease.wire);
    await_requests(6);
    set_hanging(false);
    assert_true(fake_await(&fake, 5, 1));
    assert_null(reported("/page/3"));
    fake.poison = NULL;
}

static void leases_that_are_held_are_named(void **state)
{
    (void)state;
    struct lease lease;
    lease_init(&lease, 3);
    lease.wire.expires_ms = 600;
    lease_add(&lease, "/slow?ms=900");
    fake_lease(&fake, &lease.wire);
    assert_true(fake_await(&fake, 1, 1)); /* although it took longer than the lease's time */
    assert_true(fake.prolonged[3] >= 2);
}

/* ---- the end ---- */

static void stopping_reports_what_was_fetched_and_gives_back_the_rest(void **state)
{
    (void)state;
    struct site other;
    struct lease lease, dripping;
    site_start(&other, NULL);
    lease_init(&lease, 1);
    lease.wire.delay_ms = 60000;
    lease_add(&lease, "/page/1");
    lease_add(&lease, "/page/2");
    fake_lease(&fake, &lease.wire);
    lease_init(&dripping, 2);
    dripping.wire.origin = other.url;
    char url[TEXT_BYTES];
    snprintf(url, sizeof(url), "%s/drip?ms=10&bytes=100", other.url);
    lease_add_url(&dripping, url);
    fake_lease(&fake, &dripping.wire);
    assert_true(fake_await(&fake, 1, 0));
    struct site_request log[2];
    while (site_log(&other, log, 2) == 0)
        usleep(20000);
    stop_crew();
    assert_true(running.took_ms < CREW_STOP_MS);
    assert_int_equal(fake.fetched_count, 1);
    assert_int_equal(fake.finished_count, 2);
    site_stop(&other);
}

static void stopping_without_work_is_immediate(void **state)
{
    (void)state;
    fetch_one("/html");
    assert_true(fake_await(&fake, 1, 1));
    stop_crew();
    assert_true(running.took_ms < CREW_STOP_MS);
}

static void stopping_does_not_wait_for_an_indexserver_that_hangs(void **state)
{
    (void)state;
    struct lease lease;
    set_hanging(true);
    lease_init(&lease, 1);
    lease_add(&lease, "/page/1");
    fake_lease(&fake, &lease.wire);
    await_requests(1);
    stop_crew();
    assert_true(running.took_ms <= CREW_STOP_MS);
}

static void a_parser_that_cannot_be_started_is_an_error_at_the_start(void **state)
{
    (void)state;
    struct crew *crew;
    struct spawner *spawner;
    struct error err;
    assert_int_equal(spawner_open("/nowhere/parser", &spawner, &err), STATUS_OK);
    struct crew_options options = {
        .link = {.locate = fake_locate, .context = &fake, .key = &fake.key},
        .member = member,
        .spawner = spawner,
        .page_ms = PAGE_MS,
        .limits = &quick,
    };
    assert_int_equal(crew_open(&options, &crew, &err), STATUS_IO);
    assert_non_null(strstr(err.text, "/nowhere/parser"));
    spawner_close(spawner);
}

/* The process of that name that was forked here; 0: none. */
static pid_t child_named(const char *name)
{
    char path[64], text[1024] = "", comm[32];
    snprintf(path, sizeof(path), "/proc/self/task/%d/children", (int)gettid());
    FILE *file = fopen(path, "re");
    assert_non_null(file);
    text[fread(text, 1, sizeof(text) - 1, file)] = '\0';
    fclose(file);
    for (char *at = text, *end; *at != '\0'; at = end + strspn(end, " \n")) {
        pid_t pid = (pid_t)strtol(at, &end, 10);
        snprintf(path, sizeof(path), "/proc/%d/comm", (int)pid);
        file = fopen(path, "re");
        if (file == NULL || fscanf(file, "%31s", comm) != 1)
            comm[0] = '\0';
        if (file != NULL)
            fclose(file);
        if (strcmp(comm, name) == 0)
            return pid;
        if (end == at)
            break;
    }
    return 0;
}

static void a_crew_whose_parser_can_never_be_started_again_ends(void **state)
{
    (void)state;
    fetch_one("/page/1");
    pid_t pid = child_named("spawner");
    assert_true(pid > 0);
    kill(pid, SIGKILL);
    pthread_join(running.thread, NULL);
    assert_int_equal(running.ended, STATUS_IO);
    assert_non_null(strstr(running.why.text, "gone"));
    close_crew();
}

#define CREW_TEST(name) cmocka_unit_test_setup_teardown(name, start_all, stop_all)

int main(void)
{
    if (getenv(FAKE_PARSER_VARIABLE) != NULL)
        fake_parser_run();
    setenv(FAKE_PARSER_VARIABLE, "1", 1);
    const struct CMUnitTest tests[] = {
        CREW_TEST(a_page_is_fetched_parsed_and_reported),
        CREW_TEST(the_page_is_told_what_its_headers_ask_of_crawlers),
        CREW_TEST(outcomes_have_reasons_and_words),
        CREW_TEST(a_redirect_is_reported_with_its_target_and_not_followed),
        CREW_TEST(what_is_known_is_not_sent_again),
        CREW_TEST(a_long_page_is_cut_and_says_so),
        CREW_TEST(bytes_that_are_no_text_after_all_are_not_kept),
        CREW_TEST(content_that_is_held_is_parsed_again_without_a_fetch),
        CREW_TEST(fetches_of_a_host_keep_their_delay_on_one_connection),
        CREW_TEST(a_kept_connection_that_is_closed_is_asked_again_after_the_delay_and_once),
        CREW_TEST(a_slow_host_holds_up_no_other),
        cmocka_unit_test_setup_teardown(hosts_at_one_address_share_its_requests,
                                        start_sparing_addresses, stop_all),
        cmocka_unit_test_setup_teardown(hosts_at_one_address_take_turns_on_one_connection,
                                        start_sparing_addresses, stop_all),
        CREW_TEST(a_host_that_may_have_several_connections_is_asked_on_several_at_a_time),
        cmocka_unit_test_setup_teardown(all_fetches_together_keep_to_the_bandwidth,
                                        start_with_little_bandwidth, stop_all),
        cmocka_unit_test_setup_teardown(a_page_that_waits_for_bandwidth_is_not_late,
                                        start_with_little_bandwidth, stop_all),
        CREW_TEST(what_is_fetched_when_its_lease_is_taken_back_is_finished_and_no_more),
        CREW_TEST(a_server_that_asks_for_peace_has_it_for_the_rest_of_the_lease),
        CREW_TEST(a_host_that_is_not_there_is_asked_twice_and_no_more),
        CREW_TEST(a_private_address_is_refused_unless_the_lease_allows_it),
        CREW_TEST(a_name_that_leads_to_loopback_needs_its_network_allowed),
        CREW_TEST(a_name_that_nobody_answers_for_holds_up_no_other_host),
        CREW_TEST(connect_to_leads_a_public_name_to_this_machine),
        CREW_TEST(robots_txt_comes_whole_and_ends_the_lease),
        CREW_TEST(no_robots_txt_is_no_rules_and_a_broken_server_is_unreachable),
        CREW_TEST(a_huge_robots_txt_is_cut),
        CREW_TEST(a_lease_that_runs_out_goes_on_with_what_a_report_brings),
        CREW_TEST(what_comes_for_a_lease_that_is_done_is_let_go),
        CREW_TEST(five_redirects_of_robots_txt_are_followed),
        CREW_TEST(a_redirect_of_robots_txt_to_another_port_of_its_host_waits_the_delay),
        CREW_TEST(a_redirect_of_robots_txt_gains_no_private_address),
        CREW_TEST(a_page_that_kills_the_parser_costs_itself_alone),
        CREW_TEST(a_parser_that_someone_killed_costs_nothing),
        CREW_TEST(a_page_that_takes_too_long_holds_up_no_fetch),
        CREW_TEST(a_host_whose_pages_take_long_shares_the_parser),
        CREW_TEST(fetching_goes_on_while_a_report_is_on_its_way_but_not_for_ever),
        CREW_TEST(a_lease_is_finished_with_its_last_report_and_not_before),
        CREW_TEST(what_was_fetched_waits_for_an_indexserver_that_is_away),
        CREW_TEST(what_cannot_be_delivered_within_its_lease_is_dropped),
        CREW_TEST(a_report_that_is_refused_costs_that_page_alone),
        CREW_TEST(leases_that_are_held_are_named),
        CREW_TEST(stopping_reports_what_was_fetched_and_gives_back_the_rest),
        CREW_TEST(stopping_without_work_is_immediate),
        CREW_TEST(stopping_does_not_wait_for_an_indexserver_that_hangs),
        CREW_TEST(a_parser_that_cannot_be_started_is_an_error_at_the_start),
        CREW_TEST(a_crew_whose_parser_can_never_be_started_again_ends),
    };
    return cmocka_run_group_tests(tests, start_site, stop_site);
}
