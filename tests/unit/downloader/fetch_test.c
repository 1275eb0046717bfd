#include "downloader/fetch.h"

#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>

#include <cmocka.h>

#include "base/clock.h"
#include "base/file.h"
#include "downloader/headers.h"
#include "names.h"
#include "site.h"

enum { BODY_MAX = 1024 * 1024, TIMEOUT_MS = 20000 };

static struct site site;
static struct guard to_loopback;
static struct fetch_places places = {.free = 1};
static struct addresses addresses = {.connections_max = 1};
static const struct fetch_limits quick = {
    .connect_ms = 2000, .slow_bytes_second = 100, .slow_s = 2};

static int start_site(void **state)
{
    (void)state;
    curl_global_init(CURL_GLOBAL_DEFAULT);
    site_start(&site, NULL);
    return guard_init(&to_loopback, true, "127.0.0.1", NULL, NULL, 0, NULL) == STATUS_OK ? 0 : -1;
}

static int stop_site(void **state)
{
    (void)state;
    site_stop(&site);
    return 0;
}

static struct fetch_request request_for(const char *url)
{
    return (struct fetch_request){.url = url,
                                  .user_agent = "tierce-test",
                                  .guard = &to_loopback,
                                  .limits = &quick,
                                  .places = &places,
                                  .addresses = &addresses,
                                  .body_max = BODY_MAX,
                                  .timeout_ms = TIMEOUT_MS};
}

/* Runs what is on the handle until one is done, and finishes that. */
static struct fetch *run_one(CURLM *multi, struct fetch_answer **ret_answer)
{
    for (;;) {
        int running, left;
        curl_multi_perform(multi, &running);
        CURLMsg *message = curl_multi_info_read(multi, &left);
        if (message != NULL) {
            struct fetch *fetch = NULL;
            curl_easy_getinfo(message->easy_handle, CURLINFO_PRIVATE, (char **)&fetch);
            *ret_answer = fetch_finish(fetch, multi, message->data.result);
            return fetch;
        }
        curl_multi_poll(multi, NULL, 0, 1000, NULL);
    }
}

/* One fetch with everything of its own; the answer lives until the next one. */
static struct fetch_answer *get(const struct fetch_request *request)
{
    static struct fetch *fetch;
    struct fetch_answer *answer;
    fetch_free(fetch);
    assert_int_equal(fetch_new(&fetch, NULL), STATUS_OK);
    CURLM *multi = curl_multi_init();
    assert_int_equal(fetch_start(fetch, multi, request, NULL), STATUS_OK);
    run_one(multi, &answer);
    curl_multi_cleanup(multi);
    return answer;
}

static struct fetch_answer *get_path(const char *path)
{
    static char url[512];
    snprintf(url, sizeof(url), "%s%s", site.url, path);
    struct fetch_request request = request_for(url);
    return get(&request);
}

static void assert_trouble(const char *path, Log__Reason reason, const char *words)
{
    struct fetch_answer *answer = get_path(path);
    if (answer->trouble != reason || strstr(answer->why.text, words) == NULL)
        fail_msg("%s: reason %d, %s", path, answer->trouble, answer->why.text);
}

static void assert_page(struct fetch_answer *answer, const char *text)
{
    if (answer->trouble != LOG__REASON__REASON_UNKNOWN)
        fail_msg("%s", answer->why.text);
    assert_int_equal(answer->status, 200);
    assert_non_null(strstr(buffer_string(&answer->body), text));
}

static void a_page_comes_with_its_headers_and_address(void **state)
{
    (void)state;
    struct fetch_answer *answer = get_path("/html?text=hello");
    assert_page(answer, "hello");
    assert_string_equal(answer->address, "127.0.0.1");
    assert_true(answer->private_address);
    assert_false(answer->truncated);
    const char *headers = buffer_string(&answer->headers);
    assert_memory_equal(headers, "HTTP/1.1 200 ", 13);
    assert_string_equal(headers + answer->headers.size - 4, "\r\n\r\n");
}

static void codings_of_body_and_transfer_are_undone(void **state)
{
    (void)state;
    assert_page(get_path("/gzip?text=squeezed"), "squeezed");
    struct fetch_answer *answer = get_path("/chunked");
    assert_page(answer, "piece by piece");
    assert_null(strstr(buffer_string(&answer->headers), "X-Trailer"));
}

static void redirects_are_not_followed(void **state)
{
    (void)state;
    struct fetch_answer *answer = get_path("/redirect?to=/html");
    assert_int_equal(answer->status, 302);
    assert_int_equal(answer->body.size, 0);
    assert_non_null(strstr(buffer_string(&answer->headers), "Location: /html"));
}

static void a_bomb_is_cut(void **state)
{
    (void)state;
    assert_trouble("/bomb/gzip?mb=5", LOG__REASON__REASON_TOO_LARGE, "100:1");
    assert_trouble("/bomb/twice?mb=5", LOG__REASON__REASON_BAD_RESPONSE, "more than one");
}

static void a_body_in_drips_is_cut(void **state)
{
    (void)state;
    int64_t began_ms = clock_boot_ms();
    assert_trouble("/drip", LOG__REASON__REASON_TIMEOUT, "too slow");
    assert_trouble("/drip/headers", LOG__REASON__REASON_TIMEOUT, "too slow");
    assert_true(clock_boot_ms() - began_ms < 8000);
}

static void the_whole_has_a_limit_of_time(void **state)
{
    (void)state;
    char url[512];
    snprintf(url, sizeof(url), "%s/drip?ms=10&bytes=200", site.url);
    struct fetch_request request = request_for(url);
    request.timeout_ms = 700;
    struct fetch_answer *answer = get(&request);
    assert_int_equal(answer->trouble, LOG__REASON__REASON_TIMEOUT);
    assert_int_equal(answer->body.size, 0);
}

static void headers_are_bounded(void **state)
{
    (void)state;
    assert_page(get_path("/headers?kb=60"), "Long header");
    assert_trouble("/headers?kb=64", LOG__REASON__REASON_TOO_LARGE, "64 KiB");
    assert_trouble("/headers/many?kb=100", LOG__REASON__REASON_TOO_LARGE, "64 KiB");
    assert_trouble("/headers?kb=200", LOG__REASON__REASON_TOO_LARGE, "");
    assert_trouble("/early?n=2000", LOG__REASON__REASON_TOO_LARGE, "64 KiB");
}

static void answers_before_the_answer_are_not_kept(void **state)
{
    (void)state;
    struct fetch_answer *answer = get_path("/early?n=3");
    assert_page(answer, "After early hints");
    assert_null(strstr(buffer_string(&answer->headers), "103"));
}

static void a_long_body_is_cut_at_its_limit(void **state)
{
    (void)state;
    struct fetch_answer *answer = get_path("/large?kb=3000");
    assert_page(answer, "rather large page");
    assert_true(answer->truncated);
    assert_int_equal(answer->body.size, BODY_MAX);
    answer = get_path("/large?kb=3000&length=0");
    assert_true(answer->truncated);
    answer = get_path("/large?kb=1024");
    assert_false(answer->truncated);
    assert_int_equal(answer->body.size, BODY_MAX);
}

static void what_is_no_text_is_not_read(void **state)
{
    (void)state;
    assert_trouble("/type?is=image/png&kb=1", LOG__REASON__REASON_UNSUPPORTED_TYPE, "image/png");
    struct fetch_answer *answer = get_path("/type?is=video/mp4&kb=5000");
    assert_int_equal(answer->trouble, LOG__REASON__REASON_UNSUPPORTED_TYPE);
    assert_int_equal(answer->body.size, 0);
    assert_true(answer->received_bytes < 1024 * 1024);
    char url[512];
    snprintf(url, sizeof(url), "%s/type?is=image/png&kb=1", site.url);
    struct fetch_request request = request_for(url);
    request.any_type = true;
    assert_int_equal(get(&request)->body.size, 1024 + 4);
}

static void broken_answers_are_bad_responses(void **state)
{
    (void)state;
    static const char *const paths[] = {"/garbage",       "/close?at=start",   "/close?at=headers",
                                        "/close?at=body", "/reset?at=start",   "/reset?at=headers",
                                        "/reset?at=body", "/chunked?damaged=1"};
    for (size_t i = 0; i < ARRAY_COUNT(paths); i++)
        assert_trouble(paths[i], LOG__REASON__REASON_BAD_RESPONSE, "");
}

static void the_status_of_an_error_page_counts_although_its_body_breaks_off(void **state)
{
    (void)state;
    struct fetch_answer *answer = get_path("/reset?at=body&status=404");
    assert_int_equal(answer->trouble, LOG__REASON__REASON_UNKNOWN);
    assert_int_equal(answer->status, 404);
    assert_int_equal(answer->body.size, 0);
}

static void validators_are_sent(void **state)
{
    (void)state;
    char url[512];
    snprintf(url, sizeof(url), "%s/etag", site.url);
    struct fetch_request request = request_for(url);
    request.etag = "\"tierce-1\"";
    assert_int_equal(get(&request)->status, 304);
    request.etag = "\"other\"\r\nIf-None-Match: \"tierce-1\"";
    assert_int_equal(get(&request)->status, 200);
    request.etag = NULL;
    request.last_modified = "Sat, 01 Nov 2025 10:00:00 GMT";
    assert_int_equal(get(&request)->status, 304);
}

static void no_one_listening_is_no_connection(void **state)
{
    (void)state;
    struct fetch_request request = request_for("http://127.0.0.1:2/");
    assert_int_equal(get(&request)->trouble, LOG__REASON__REASON_CONNECT);
    assert_string_equal(get(&request)->address, "");
}

static void a_name_that_does_not_exist_is_no_connection(void **state)
{
    (void)state;
    struct fetch_request request = request_for("http://nowhere.invalid/");
    assert_int_equal(get(&request)->trouble, LOG__REASON__REASON_CONNECT);
}

static void a_name_that_nobody_answers_for_is_given_up_in_time(void **state)
{
    (void)state;
    struct fetch_request request = request_for("http://slow.test/");
    struct fetch_limits hasty = quick;
    int64_t began_ms = clock_boot_ms();
    hasty.connect_ms = 300;
    request.limits = &hasty;
    assert_int_equal(get(&request)->trouble, LOG__REASON__REASON_CONNECT);
    assert_true(clock_boot_ms() - began_ms < NAMES_SLOW_MS - 500);
}

/* A certificate for localhost that is its own authority, in a folder that is to be removed. */
static void make_certificate(char *ret_folder, char *ret_certificate, char *ret_key, size_t size)
{
    char command[1024];
    assert_non_null(mkdtemp(ret_folder));
    snprintf(ret_certificate, size, "%s/cert.pem", ret_folder);
    snprintf(ret_key, size, "%s/key.pem", ret_folder);
    snprintf(command, sizeof(command),
             "openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes -days 2 "
             "-subj /CN=localhost -addext subjectAltName=DNS:localhost -out %s -keyout %s "
             "2>/dev/null",
             ret_certificate, ret_key);
    assert_int_equal(system(command), 0);
}

static void certificates_are_verified_and_a_source_may_bring_its_own_authority(void **state)
{
    (void)state;
    char folder[] = "/tmp/tierce-test-XXXXXX", certificate[64], key[64], url[128], other[128];
    static char option[] = "--tls";
    char *arguments[] = {option, certificate, key, NULL};
    struct site secure;
    struct fetch *fetch;
    struct fetch_answer *answer;
    make_certificate(folder, certificate, key, sizeof(key));
    site_start(&secure, arguments);
    snprintf(url, sizeof(url), "https://localhost:%s/html", strrchr(secure.url, ':') + 1);
    snprintf(other, sizeof(other), "https://name.test:%s/html", strrchr(secure.url, ':') + 1);
    struct fetch_request request = request_for(url);
    struct buffer pem = {0};
    assert_int_equal(file_read(certificate, 65536, &pem, NULL), STATUS_OK);
    request.ca_pem = pem.data;
    CURLM *multi = curl_multi_init();
    assert_int_equal(fetch_new(&fetch, NULL), STATUS_OK);
    static const Log__Reason expected[] = {LOG__REASON__REASON_TLS, LOG__REASON__REASON_UNKNOWN,
                                           LOG__REASON__REASON_TLS};
    for (int i = 0; i < 3; i++) { /* the last time there is a connection that was trusted */
        request.ca_pem_size = i == 1 ? pem.size : 0;
        assert_int_equal(fetch_start(fetch, multi, &request, NULL), STATUS_OK);
        run_one(multi, &answer);
        assert_int_equal(answer->trouble, expected[i]);
    }
    request.ca_pem_size = pem.size;
    request.url = other; /* which the certificate does not name */
    struct guard guard = to_loopback;
    guard.names_loopback = true;
    request.guard = &guard;
    assert_int_equal(fetch_start(fetch, multi, &request, NULL), STATUS_OK);
    run_one(multi, &answer);
    assert_int_equal(answer->trouble, LOG__REASON__REASON_TLS);
    fetch_free(fetch);
    curl_multi_cleanup(multi);
    site_stop(&secure);
    buffer_release(&pem);
    unlink(certificate);
    unlink(key);
    rmdir(folder);
}

static void a_private_address_is_refused_and_nothing_is_sent(void **state)
{
    (void)state;
    struct guard public_only;
    char url[512];
    guard_init_public(&public_only);
    site_get(&site, "/_log/clear", &(struct buffer){.limit = 1});
    snprintf(url, sizeof(url), "%s/html", site.url);
    struct fetch_request request = request_for(url);
    request.guard = &public_only;
    struct fetch_answer *answer = get(&request);
    assert_int_equal(answer->trouble, LOG__REASON__REASON_ADDRESS_REFUSED);
    assert_non_null(strstr(answer->why.text, "loopback"));
    snprintf(url, sizeof(url), "http://localhost:%s/html", strrchr(site.url, ':') + 1);
    assert_int_equal(get(&request)->trouble, LOG__REASON__REASON_ADDRESS_REFUSED);
    struct site_request log[4];
    assert_int_equal(site_log(&site, log, 4), 0);
}

static void a_kept_connection_is_checked_again(void **state)
{
    (void)state;
    char url[512];
    struct guard public_only;
    struct fetch *fetch;
    struct fetch_answer *answer;
    guard_init_public(&public_only);
    assert_int_equal(fetch_new(&fetch, NULL), STATUS_OK);
    CURLM *multi = curl_multi_init();
    snprintf(url, sizeof(url), "%s/html", site.url);
    struct fetch_request request = request_for(url);
    assert_int_equal(fetch_start(fetch, multi, &request, NULL), STATUS_OK);
    run_one(multi, &answer);
    assert_page(answer, "words");
    request.guard = &public_only;
    assert_int_equal(fetch_start(fetch, multi, &request, NULL), STATUS_OK);
    run_one(multi, &answer);
    assert_int_equal(answer->trouble, LOG__REASON__REASON_ADDRESS_REFUSED);
    fetch_free(fetch);
    curl_multi_cleanup(multi);
}

static void connect_to_leads_a_name_to_this_machine_only(void **state)
{
    (void)state;
    char connect_to[64];
    struct guard guard;
    snprintf(connect_to, sizeof(connect_to), "%s", strstr(site.url, "//") + 2);
    assert_int_equal(guard_init(&guard, true, "search.example.org", connect_to, NULL, 0, NULL),
                     STATUS_OK);
    struct fetch_request request = request_for("http://search.example.org/html?text=handbook");
    request.guard = &guard;
    request.connect_to = connect_to;
    assert_page(get(&request), "handbook");
    request.connect_to = "192.0.2.1:80";
    assert_int_equal(get(&request)->trouble, LOG__REASON__REASON_ADDRESS_REFUSED);
}

static void the_environment_names_no_proxy(void **state)
{
    (void)state;
    setenv("http_proxy", "http://127.0.0.1:1", 1);
    setenv("all_proxy", "http://127.0.0.1:1", 1);
    assert_page(get_path("/html"), "words");
    unsetenv("http_proxy");
    unsetenv("all_proxy");
}

static void only_so_many_bodies_are_large_at_a_time(void **state)
{
    (void)state;
    char url[512];
    struct fetch *fetches[3];
    struct fetch_answer *answer;
    CURLM *multi = curl_multi_init();
    snprintf(url, sizeof(url), "%s/large?kb=900", site.url);
    struct fetch_request request = request_for(url);
    addresses.connections_max = 3;
    for (int i = 0; i < 3; i++) {
        assert_int_equal(fetch_new(&fetches[i], NULL), STATUS_OK);
        assert_int_equal(fetch_start(fetches[i], multi, &request, NULL), STATUS_OK);
    }
    for (int done = 0; done < 3; done++) {
        run_one(multi, &answer);
        assert_int_equal(answer->trouble, LOG__REASON__REASON_UNKNOWN);
        assert_int_equal(answer->body.size, 900 * 1024);
        assert_int_equal(places.free, 1);
        for (int i = 0; i < 3; i++) {
            if (fetch_is_under_way(fetches[i]))
                fetch_resume(fetches[i]);
        }
    }
    assert_int_equal(places.waiting, 0);
    addresses.connections_max = 1;
    for (int i = 0; i < 3; i++)
        fetch_free(fetches[i]);
    curl_multi_cleanup(multi);
}

/* As a crew does it: what waits goes on when it can. Finishes the first that is done. */
static struct fetch *run_as_crew(CURLM *multi, struct fetch *const *fetches, int count,
                                 struct fetch_answer **ret_answer)
{
    for (;;) {
        int running, left;
        curl_multi_perform(multi, &running);
        CURLMsg *message = curl_multi_info_read(multi, &left);
        if (message != NULL) {
            struct fetch *fetch = NULL;
            curl_easy_getinfo(message->easy_handle, CURLINFO_PRIVATE, (char **)&fetch);
            *ret_answer = fetch_finish(fetch, multi, message->data.result);
            return fetch;
        }
        for (int i = 0; i < count; i++) {
            fetch_make_way(fetches[i]);
            fetch_resume(fetches[i]);
        }
        curl_multi_poll(multi, NULL, 0, 100, NULL);
    }
}

/* Who came first sends much, and from then on hardly anything. */
static void a_large_body_that_comes_slowly_makes_way_for_others(void **state)
{
    (void)state;
    char url[2][512];
    struct fetch *fetches[2];
    struct fetch_request requests[2];
    struct fetch_answer *answer;
    struct fetch_limits limits = quick;
    int running;
    CURLM *multi = curl_multi_init();
    limits.place_bytes_second = 20000;
    limits.place_s = 1;
    snprintf(url[0], 512, "%s/drip?first=600000&ms=50&bytes=50", site.url);
    snprintf(url[1], 512, "%s/large?kb=900", site.url);
    addresses.connections_max = 2;
    for (int i = 0; i < 2; i++) {
        requests[i] = request_for(url[i]);
        requests[i].limits = &limits;
        assert_int_equal(fetch_new(&fetches[i], NULL), STATUS_OK);
        assert_int_equal(fetch_start(fetches[i], multi, &requests[i], NULL), STATUS_OK);
        while (places.free == 1) { /* the first one has it before the other begins */
            curl_multi_perform(multi, &running);
            curl_multi_poll(multi, NULL, 0, 100, NULL);
        }
    }
    assert_ptr_equal(run_as_crew(multi, fetches, 2, &answer), fetches[0]);
    assert_int_equal(answer->trouble, LOG__REASON__REASON_TIMEOUT);
    assert_non_null(strstr(answer->why.text, "too slow for a large page"));
    assert_int_equal(answer->body.size, 0);
    assert_ptr_equal(run_as_crew(multi, fetches, 2, &answer), fetches[1]);
    assert_int_equal(answer->trouble, LOG__REASON__REASON_UNKNOWN);
    assert_int_equal(answer->body.size, 900 * 1024);
    assert_int_equal(places.free, 1);
    assert_int_equal(places.waiting, 0);
    addresses.connections_max = 1;
    for (int i = 0; i < 2; i++)
        fetch_free(fetches[i]);
    curl_multi_cleanup(multi);
}

static void a_request_too_many_to_an_address_is_not_sent(void **state)
{
    (void)state;
    char url[2][512];
    struct fetch *fetches[2];
    struct fetch_answer *answer;
    struct site_request log[4];
    CURLM *multi = curl_multi_init();
    site_get(&site, "/_log/clear", &(struct buffer){.limit = 1});
    snprintf(url[0], 512, "%s/slow?ms=300", site.url);
    snprintf(url[1], 512, "%s/html", site.url);
    struct fetch_request requests[2] = {request_for(url[0]), request_for(url[1])};
    requests[0].likely_address = "127.0.0.1"; /* so that it is the one that counts */
    for (int i = 0; i < 2; i++) {
        assert_int_equal(fetch_new(&fetches[i], NULL), STATUS_OK);
        assert_int_equal(fetch_start(fetches[i], multi, &requests[i], NULL), STATUS_OK);
    }
    assert_ptr_equal(run_one(multi, &answer), fetches[1]);
    assert_true(answer->busy);
    assert_string_equal(answer->address, "127.0.0.1");
    assert_ptr_equal(run_one(multi, &answer), fetches[0]);
    assert_page(answer, "Slow");
    assert_int_equal(addresses.count, 1); /* kept open */
    assert_int_equal(site_log(&site, log, 4), 1);
    assert_int_equal(fetch_start(fetches[1], multi, &requests[1], NULL), STATUS_OK);
    run_one(multi, &answer);
    assert_page(answer, "words");
    for (int i = 0; i < 2; i++)
        fetch_free(fetches[i]);
    curl_multi_cleanup(multi);
}

static void giving_up_gives_back_the_place(void **state)
{
    (void)state;
    char url[512];
    struct fetch *fetch;
    int running;
    CURLM *multi = curl_multi_init();
    snprintf(url, sizeof(url), "%s/drip?ms=5&bytes=200000", site.url);
    struct fetch_request request = request_for(url);
    request.body_max = 100 * BODY_MAX;
    assert_int_equal(fetch_new(&fetch, NULL), STATUS_OK);
    assert_int_equal(fetch_start(fetch, multi, &request, NULL), STATUS_OK);
    while (places.free == 1) {
        curl_multi_perform(multi, &running);
        curl_multi_poll(multi, NULL, 0, 100, NULL);
    }
    fetch_abandon(fetch, multi);
    assert_int_equal(places.free, 1);
    fetch_free(fetch);
    curl_multi_cleanup(multi);
}

/* ---- answers that would like to be larger, longer or slower than they may be ---- */

static void chunks_cannot_hide_what_makes_an_answer_long(void **state)
{
    (void)state;
    int64_t began_ms = clock_boot_ms();
    assert_trouble("/chunked/extension", LOG__REASON__REASON_TIMEOUT, "too slow");
    assert_true(clock_boot_ms() - began_ms < 8000);
    struct fetch_answer *answer = get_path("/chunked/trailers?kb=20");
    assert_page(answer, "hi");
    assert_null(strstr(buffer_string(&answer->headers), "X-Trailer"));
    assert_trouble("/chunked/trailers?kb=100", LOG__REASON__REASON_TOO_LARGE, "64 KiB");
}

static void a_length_that_lies_is_a_bad_response(void **state)
{
    (void)state;
    assert_trouble("/length?says=1000&sends=10", LOG__REASON__REASON_BAD_RESPONSE, "");
    assert_trouble("/length?says=-1&sends=10", LOG__REASON__REASON_BAD_RESPONSE, "");
    /* A number beyond all numbers is none: the body goes on to the end of the connection. */
    assert_int_equal(get_path("/length?says=99999999999999999999999&sends=10")->body.size, 10);
    struct fetch_answer *answer = get_path("/length?says=10&sends=1000");
    assert_int_equal(answer->trouble, LOG__REASON__REASON_UNKNOWN);
    assert_int_equal(answer->body.size, 10);
}

static void a_body_that_never_ends_is_cut(void **state)
{
    (void)state;
    struct fetch_answer *answer = get_path("/endless");
    assert_page(answer, "more and more");
    assert_true(answer->truncated);
    assert_int_equal(answer->body.size, BODY_MAX);
    assert_trouble("/empty/gzip", LOG__REASON__REASON_TOO_LARGE, "larger than any page");
}

static void a_port_that_is_not_for_the_web_is_not_connected_to(void **state)
{
    (void)state;
    static const char *const urls[] = {"http://127.0.0.1:25/", "http://127.0.0.1:22/",
                                       "http://localhost:6667/", "https://127.0.0.1:993/"};
    for (size_t i = 0; i < ARRAY_COUNT(urls); i++) {
        struct fetch_request request = request_for(urls[i]);
        struct fetch_answer *answer = get(&request);
        assert_int_equal(answer->trouble, LOG__REASON__REASON_ADDRESS_REFUSED);
        assert_non_null(strstr(answer->why.text, "not one for web pages"));
    }
}

static void nothing_but_the_web_is_spoken(void **state)
{
    (void)state;
    static const char *const urls[] = {
        "file:///etc/passwd",     "gopher://127.0.0.1:8080/_x",    "ftp://127.0.0.1:8080/",
        "dict://127.0.0.1:8080/", "telnet://127.0.0.1:8080/",      "ldap://127.0.0.1:8080/",
        "smb://127.0.0.1/x/y",    "http://user:pw@127.0.0.1:8080/"};
    for (size_t i = 0; i < ARRAY_COUNT(urls); i++) {
        struct fetch_request request = request_for(urls[i]);
        struct fetch_answer *answer = get(&request);
        assert_int_not_equal(answer->trouble, LOG__REASON__REASON_UNKNOWN);
        assert_int_equal(answer->status, 0);
        assert_string_equal(answer->address, "");
    }
}

static void a_handshake_that_nobody_answers_is_given_up_in_time(void **state)
{
    (void)state;
    char url[64];
    struct sockaddr_in name = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    socklen_t size = sizeof(name);
    int listener = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    assert_int_equal(bind(listener, (struct sockaddr *)&name, sizeof(name)), 0);
    assert_int_equal(listen(listener, 1), 0);
    assert_int_equal(getsockname(listener, (struct sockaddr *)&name, &size), 0);
    snprintf(url, sizeof(url), "https://127.0.0.1:%u/", ntohs(name.sin_port));
    struct fetch_request request = request_for(url);
    struct fetch_limits hasty = quick;
    hasty.connect_ms = 300;
    request.limits = &hasty;
    int64_t began_ms = clock_boot_ms();
    assert_int_equal(get(&request)->trouble, LOG__REASON__REASON_CONNECT);
    assert_true(clock_boot_ms() - began_ms < 3000);
    close(listener);
}

/* The test's server would speak HTTP/2 first, and cannot. */
static void http2_is_not_offered(void **state)
{
    (void)state;
    char folder[] = "/tmp/tierce-test-XXXXXX", certificate[64], key[64], url[128];
    static char tls[] = "--tls";
    char *arguments[] = {tls, certificate, key, NULL};
    struct buffer pem = {0};
    struct site secure;
    make_certificate(folder, certificate, key, sizeof(key));
    assert_int_equal(file_read(certificate, 65536, &pem, NULL), STATUS_OK);
    site_start(&secure, arguments);
    snprintf(url, sizeof(url), "https://localhost:%s/html", strrchr(secure.url, ':') + 1);
    struct fetch_request request = request_for(url);
    request.ca_pem = pem.data;
    request.ca_pem_size = pem.size;
    assert_page(get(&request), "words");
    site_stop(&secure);
    buffer_release(&pem);
    unlink(certificate);
    unlink(key);
    rmdir(folder);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_page_comes_with_its_headers_and_address),
        cmocka_unit_test(codings_of_body_and_transfer_are_undone),
        cmocka_unit_test(redirects_are_not_followed),
        cmocka_unit_test(a_bomb_is_cut),
        cmocka_unit_test(a_body_in_drips_is_cut),
        cmocka_unit_test(the_whole_has_a_limit_of_time),
        cmocka_unit_test(headers_are_bounded),
        cmocka_unit_test(answers_before_the_answer_are_not_kept),
        cmocka_unit_test(a_long_body_is_cut_at_its_limit),
        cmocka_unit_test(what_is_no_text_is_not_read),
        cmocka_unit_test(broken_answers_are_bad_responses),
        cmocka_unit_test(the_status_of_an_error_page_counts_although_its_body_breaks_off),
        cmocka_unit_test(validators_are_sent),
        cmocka_unit_test(no_one_listening_is_no_connection),
        cmocka_unit_test(a_name_that_does_not_exist_is_no_connection),
        cmocka_unit_test(a_name_that_nobody_answers_for_is_given_up_in_time),
        cmocka_unit_test(certificates_are_verified_and_a_source_may_bring_its_own_authority),
        cmocka_unit_test(a_private_address_is_refused_and_nothing_is_sent),
        cmocka_unit_test(a_kept_connection_is_checked_again),
        cmocka_unit_test(connect_to_leads_a_name_to_this_machine_only),
        cmocka_unit_test(the_environment_names_no_proxy),
        cmocka_unit_test(only_so_many_bodies_are_large_at_a_time),
        cmocka_unit_test(a_large_body_that_comes_slowly_makes_way_for_others),
        cmocka_unit_test(a_request_too_many_to_an_address_is_not_sent),
        cmocka_unit_test(giving_up_gives_back_the_place),
        cmocka_unit_test(chunks_cannot_hide_what_makes_an_answer_long),
        cmocka_unit_test(a_length_that_lies_is_a_bad_response),
        cmocka_unit_test(a_body_that_never_ends_is_cut),
        cmocka_unit_test(a_port_that_is_not_for_the_web_is_not_connected_to),
        cmocka_unit_test(nothing_but_the_web_is_spoken),
        cmocka_unit_test(a_handshake_that_nobody_answers_is_given_up_in_time),
        cmocka_unit_test(http2_is_not_offered),
    };
    return cmocka_run_group_tests(tests, start_site, stop_site);
}
