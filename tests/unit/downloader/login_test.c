/* Sites that want to know who asks: what a crew with credentials sends, to whom, and reports. */
#include <setjmp.h>
#include <stdarg.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/log.h"
#include "downloader/crew.h"
#include "fake_indexserver.h"
#include "fake_parser.h"
#include "site.h"

enum { TEXT_BYTES = 512, URLS_MAX = 8, PAGE_MS = 2000, EXPIRES_MS = 30000 };

static struct site site, other_site;
static struct fake_indexserver fake;
static struct crew_settings settings;
static const struct fetch_limits quick = {
    .connect_ms = 2000, .slow_bytes_second = 100, .slow_s = 2};

static struct {
    struct spawner *spawner;
    struct credentials *credentials;
    struct crew *crew;
    pthread_t thread;
    int stop_fd;
} running;

static uint64_t member(void *context)
{
    (void)context;
    return 7;
}

static void *run_crew(void *context)
{
    struct error err;
    (void)context;
    crew_run(running.crew, running.stop_fd, &err);
    return NULL;
}

static int start(void **state)
{
    (void)state;
    CHECK(spawner_open("/proc/self/exe", &running.spawner, NULL) == STATUS_OK);
    running.credentials = credentials_new();
    struct crew_options options = {
        .link = {.locate = fake_locate, .context = &fake, .key = &fake.key},
        .member = member,
        .spawner = running.spawner,
        .credentials = running.credentials,
        .page_ms = PAGE_MS,
        .limits = &quick,
        .settings = &settings,
    };
    fake_open(&fake);
    site_get(&site, "/_log/clear", &(struct buffer){.limit = 1});
    site_get(&other_site, "/_log/clear", &(struct buffer){.limit = 1});
    site_get(&site, "/_robots/allow", &(struct buffer){.limit = 1});
    running.stop_fd = eventfd(0, EFD_CLOEXEC);
    CHECK(crew_open(&options, &running.crew, NULL) == STATUS_OK);
    return pthread_create(&running.thread, NULL, run_crew, NULL);
}

static int stop(void **state)
{
    (void)state;
    eventfd_write(running.stop_fd, 1);
    pthread_join(running.thread, NULL);
    crew_close(running.crew);
    credentials_free(running.credentials);
    spawner_close(running.spawner);
    close(running.stop_fd);
    fake_close(&fake);
    return 0;
}

static int start_sites(void **state)
{
    (void)state;
    log_open("test", LOG_ERROR_LEVEL);
    curl_global_init(CURL_GLOBAL_DEFAULT);
    atomic_store(&settings.connections_per_address, 100);
    site_start(&site, NULL);
    site_start(&other_site, NULL);
    return 0;
}

static int stop_sites(void **state)
{
    (void)state;
    site_stop(&site);
    site_stop(&other_site);
    return 0;
}

/* ---- leases and credentials ---- */

/* The strings must be writable: what is taken is wiped. */
static void give(Wire__Credentials *credentials)
{
    Wire__DownloaderSettings all = WIRE__DOWNLOADER_SETTINGS__INIT;
    all.credentials = &credentials;
    all.n_credentials = 1;
    credentials->source = site.url;
    credentials_take(running.credentials, &all);
}

static Wire__Credentials none(void)
{
    Wire__Credentials credentials = WIRE__CREDENTIALS__INIT;
    return credentials;
}

/* Leases these paths, NULL at the end, to a source that has credentials. */
static void lease_all(const char *const *paths, Wire__FetchKind kind)
{
    static uint64_t id = 100;
    Wire__HostLease lease = WIRE__HOST_LEASE__INIT;
    Wire__LeasedUrl urls[URLS_MAX], *list[URLS_MAX];
    char texts[URLS_MAX][TEXT_BYTES];
    lease.lease = ++id;
    lease.origin = lease.source = site.url;
    lease.allow_private = true;
    lease.expires_ms = EXPIRES_MS;
    lease.urls = list;
    for (; paths[lease.n_urls] != NULL; lease.n_urls++) {
        size_t i = lease.n_urls;
        wire__leased_url__init(&urls[i]);
        snprintf(texts[i], TEXT_BYTES, "%s%s", site.url, paths[i]);
        urls[i].url = texts[i];
        urls[i].kind = kind;
        list[i] = &urls[i];
    }
    fake_lease(&fake, &lease);
}

/* And waits for them. */
static void fetch_all(const char *const *paths, Wire__FetchKind kind)
{
    size_t finished = fake.finished_count;
    lease_all(paths, kind);
    assert_true(fake_await(&fake, 0, finished + 1));
}

/* Leases these, and has other credentials come while the first request is under way. */
static void fetch_all_while(const char *const *paths, void (*change)(void))
{
    Wire__DownloaderStatus status;
    size_t finished = fake.finished_count;
    lease_all(paths, WIRE__FETCH_KIND__FETCH_PAGE);
    do
        crew_fill_status(running.crew, &status);
    while (status.fetching == 0 && usleep(1000) == 0);
    change();
    assert_true(fake_await(&fake, 0, finished + 1));
}

static const Wire__Fetched *reported(const char *path)
{
    char url[TEXT_BYTES];
    snprintf(url, sizeof(url), "%s%s", site.url, path);
    return fake_find(&fake, url);
}

static const Wire__Fetched *fetch_one(const char *path)
{
    const char *const paths[] = {path, NULL};
    fetch_all(paths, WIRE__FETCH_KIND__FETCH_PAGE);
    const Wire__Fetched *fetched = reported(path);
    assert_non_null(fetched);
    return fetched;
}

/* The page came, is marked, and nothing of the session stands in what will be logged. */
static void assert_members(const Wire__Fetched *fetched)
{
    if (fetched->result_case != WIRE__FETCHED__RESULT_CONTENT)
        fail_msg("%s: %s", fetched->url,
                 fetched->outcome != NULL ? fetched->outcome->detail : "no outcome");
    const Log__Content *content = fetched->content;
    assert_true(content->with_credentials);
    assert_non_null(strstr(fetched->page->text, "memberword"));
    for (size_t i = 0; i < content->n_hops; i++) {
        const ProtobufCBinaryData *headers = &content->hops[i]->headers;
        assert_null(memmem(headers->data, headers->len, "secret-of-a-visit", 17));
        assert_non_null(memmem(headers->data, headers->len, "Content-Type", 12));
    }
}

static size_t requests_of(const struct site *of, const char *target, unsigned status)
{
    struct site_request log[32];
    size_t count = site_log(of, log, 32), found = 0;
    for (size_t i = 0; i < count; i++)
        found += strcmp(log[i].target, target) == 0 && (status == 0 || log[i].status == status);
    return found;
}

/* ---- headers and cookies ---- */

static void a_user_is_known_by_what_goes_with_every_request(void **state)
{
    (void)state;
    char user[] = "reader",
         password[] = "s\xc3\xa9"
                      "cret",
         token[] = "token-of-the-owner", cookie[] = "id=of-the-owner; theme=dark",
         key[] = "X-Api-Key: key of the owner";
    char *lines[] = {key};
    Wire__Credentials credentials = none();
    credentials.user = user;
    credentials.password = password;
    give(&credentials);
    assert_members(fetch_one("/members/1?need=basic"));
    credentials = none();
    credentials.bearer = token;
    give(&credentials);
    assert_members(fetch_one("/members/1?need=bearer"));
    credentials = none();
    credentials.headers = lines;
    credentials.n_headers = 1;
    give(&credentials);
    assert_members(fetch_one("/members/1?need=header"));
    credentials = none();
    credentials.cookie = cookie;
    give(&credentials);
    assert_members(fetch_one("/members/1?need=cookie"));
}

static void a_page_without_credentials_is_not_marked(void **state)
{
    (void)state;
    const Wire__Fetched *fetched = fetch_one("/html?text=open");
    assert_int_equal(fetched->result_case, WIRE__FETCHED__RESULT_CONTENT);
    assert_false(fetched->content->with_credentials);
}

static void a_password_that_the_site_does_not_take_is_an_outcome(void **state)
{
    (void)state;
    char user[] = "reader", password[] = "wrong";
    Wire__Credentials credentials = none();
    credentials.user = user;
    credentials.password = password;
    give(&credentials);
    static const char *const paths[] = {"/members/1?need=basic", "/members/2?need=basic", NULL};
    fetch_all(paths, WIRE__FETCH_KIND__FETCH_PAGE);
    const Wire__Fetched *fetched = reported(paths[0]);
    assert_int_equal(fetched->outcome->reason, LOG__REASON__REASON_LOGIN);
    assert_non_null(strstr(fetched->outcome->detail, "401"));
    assert_int_equal(fetched->outcome->hops[0]->status, 401);
    assert_null(reported(paths[1])); /* the rest of the lease is not tried with it */
    assert_int_equal(requests_of(&site, paths[1], 0), 0);
}

static void another_origin_learns_nothing(void **state)
{
    (void)state;
    char user[] = "reader",
         password[] = "s\xc3\xa9"
                      "cret",
         cookie[] = "id=of-the-owner", path[TEXT_BYTES];
    Wire__Credentials credentials = none();
    credentials.user = user;
    credentials.password = password;
    credentials.cookie = cookie;
    give(&credentials);
    /* Two origins of one host; only a robots.txt is followed. */
    snprintf(path, sizeof(path), "/redirect?to=%s/html", other_site.url);
    const char *const paths[] = {path, NULL};
    fetch_all(paths, WIRE__FETCH_KIND__FETCH_ROBOTS);
    struct buffer own = {0}, others = {0};
    site_get(&site, "/_log", &own);
    site_get(&other_site, "/_log", &others);
    assert_non_null(strstr(buffer_string(&own), "\"authorization\": \"Basic"));
    assert_non_null(strstr(buffer_string(&own), "id=of-the-owner"));
    assert_null(strstr(buffer_string(&others), "authorization"));
    assert_null(strstr(buffer_string(&others), "of-the-owner"));
    buffer_release(&own);
    buffer_release(&others);
}

/* ---- the form ---- */

/* Gives the source a form. */
static void give_form_at(const char *path, const char *password_text)
{
    char url[TEXT_BYTES], user[] = "user=reader", password[64];
    char *fields[] = {user, password};
    Wire__Credentials credentials = none();
    snprintf(url, sizeof(url), "%s%s", site.url, path);
    snprintf(password, sizeof(password), "password=%s", password_text);
    credentials.login_url = url;
    credentials.login_fields = fields;
    credentials.n_login_fields = 2;
    give(&credentials);
}

static void give_form(const char *password_text)
{
    give_form_at("/login", password_text);
}

static void a_form_is_sent_once_for_all_pages(void **state)
{
    (void)state;
    static const char *const paths[] = {"/members/1?need=form", "/members/2?need=form",
                                        "/members/3?need=form", NULL};
    give_form("s\xc3\xa9"
              "cret & more");
    fetch_all(paths, WIRE__FETCH_KIND__FETCH_PAGE);
    for (size_t i = 0; paths[i] != NULL; i++)
        assert_members(reported(paths[i]));
    assert_members(fetch_one("/members/4?need=form")); /* by another lease */
    assert_int_equal(requests_of(&site, "/login", 0), 1);
    assert_int_equal(requests_of(&site, "/login", 303), 1);
}

static void a_form_with_a_wrong_password_is_sent_once_and_said(void **state)
{
    (void)state;
    static const char *const paths[] = {"/members/1?need=form", "/members/2?need=form", NULL};
    give_form("wrong");
    fetch_all(paths, WIRE__FETCH_KIND__FETCH_PAGE);
    const Wire__Fetched *fetched = reported(paths[0]);
    assert_int_equal(fetched->outcome->reason, LOG__REASON__REASON_LOGIN);
    assert_non_null(strstr(fetched->outcome->detail, "is the password right?"));
    assert_in_range(fetched->outcome->retry_after_s, 1, SESSION_FAILED_S);
    assert_null(reported(paths[1]));
    fetched = fetch_one(paths[1]);
    assert_int_equal(fetched->outcome->reason, LOG__REASON__REASON_LOGIN);
    assert_int_equal(requests_of(&site, "/login", 0), 1);
    assert_int_equal(requests_of(&site, paths[0], 0) + requests_of(&site, paths[1], 0), 0);
}

static void a_session_that_ended_too_soon_is_not_begun_again_at_once(void **state)
{
    (void)state;
    give_form("s\xc3\xa9"
              "cret & more");
    assert_members(fetch_one("/members/1?need=form"));
    site_get(&site, "/_logout", &(struct buffer){.limit = 1});
    const Wire__Fetched *fetched = fetch_one("/members/2?need=form");
    assert_int_equal(fetched->outcome->reason, LOG__REASON__REASON_LOGIN);
    assert_int_equal(requests_of(&site, "/login", 0), 1);
}

static void a_robots_txt_waits_for_no_form(void **state)
{
    (void)state;
    static const char *const paths[] = {"/robots.txt", NULL};
    give_form("wrong");
    fetch_all(paths, WIRE__FETCH_KIND__FETCH_ROBOTS);
    assert_int_equal(reported(paths[0])->result_case, WIRE__FETCHED__RESULT_ROBOTS);
    assert_int_equal(requests_of(&site, "/login", 0), 0);
}

/* ---- credentials that change ---- */

#define RIGHT_PASSWORD                                                                             \
    "s\xc3\xa9"                                                                                    \
    "cret & more"

static void give_right_form(void)
{
    give_form(RIGHT_PASSWORD);
}

static void give_right_user(void)
{
    char user[] = "reader", password[] = "s\xc3\xa9"
                                         "cret";
    Wire__Credentials credentials = none();
    credentials.user = user;
    credentials.password = password;
    give(&credentials);
}

static void give_nothing(void)
{
    credentials_take(running.credentials, NULL);
}

static void a_password_that_changes_during_a_log_in_gets_a_log_in_of_its_own(void **state)
{
    (void)state;
    static const char *const paths[] = {"/members/1?need=form", "/members/2?need=form", NULL};
    give_form_at("/login?ms=500", "wrong");
    fetch_all_while(paths, give_right_form);
    assert_members(reported(paths[0]));
    assert_members(reported(paths[1]));
    assert_int_equal(requests_of(&site, "/login?ms=500", 0), 1);
    assert_int_equal(requests_of(&site, "/login", 0), 1);
}

static void the_answer_to_an_old_password_logs_no_new_one_in(void **state)
{
    (void)state;
    static const char *const paths[] = {"/members/1?need=form", NULL};
    give_form_at("/login?ms=500", RIGHT_PASSWORD);
    fetch_all_while(paths, give_right_form);
    assert_members(reported(paths[0]));
    assert_int_equal(requests_of(&site, "/login", 0), 1);
}

static void credentials_may_be_taken_away_during_a_log_in(void **state)
{
    (void)state;
    static const char *const paths[] = {"/members/1?need=form", NULL};
    give_form_at("/login?ms=500", "wrong");
    fetch_all_while(paths, give_nothing);
    assert_non_null(reported(paths[0]));
    assert_int_equal(requests_of(&site, paths[0], 0), 1); /* as anyone asks for it */
}

static void a_page_refused_to_an_old_password_is_asked_for_with_the_new_one(void **state)
{
    (void)state;
    static const char *const paths[] = {"/members/1?need=basic&ms=500", NULL};
    char user[] = "reader", password[] = "wrong";
    Wire__Credentials credentials = none();
    credentials.user = user;
    credentials.password = password;
    give(&credentials);
    fetch_all_while(paths, give_right_user);
    assert_members(reported(paths[0]));
    assert_int_equal(requests_of(&site, paths[0], 0), 2);
}

#define LOGIN_TEST(name) cmocka_unit_test_setup_teardown(name, start, stop)

int main(void)
{
    if (getenv(FAKE_PARSER_VARIABLE) != NULL)
        fake_parser_run();
    setenv(FAKE_PARSER_VARIABLE, "1", 1);
    const struct CMUnitTest tests[] = {
        LOGIN_TEST(a_user_is_known_by_what_goes_with_every_request),
        LOGIN_TEST(a_page_without_credentials_is_not_marked),
        LOGIN_TEST(a_password_that_the_site_does_not_take_is_an_outcome),
        LOGIN_TEST(another_origin_learns_nothing),
        LOGIN_TEST(a_form_is_sent_once_for_all_pages),
        LOGIN_TEST(a_form_with_a_wrong_password_is_sent_once_and_said),
        LOGIN_TEST(a_session_that_ended_too_soon_is_not_begun_again_at_once),
        LOGIN_TEST(a_robots_txt_waits_for_no_form),
        LOGIN_TEST(a_password_that_changes_during_a_log_in_gets_a_log_in_of_its_own),
        LOGIN_TEST(the_answer_to_an_old_password_logs_no_new_one_in),
        LOGIN_TEST(credentials_may_be_taken_away_during_a_log_in),
        LOGIN_TEST(a_page_refused_to_an_old_password_is_asked_for_with_the_new_one),
    };
    return cmocka_run_group_tests(tests, start_sites, stop_sites);
}
