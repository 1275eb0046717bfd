#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "page.pb-c.h"
#include "page/page.h"
#include "parser/translate.h"

/* The request travels packed, in memory of its own size. The caller's to free. */
static Page__Page *answer_bytes(const uint8_t *bytes, size_t size)
{
    struct buffer answer = {0};
    uint8_t *copy = malloc(size + (size == 0));
    memcpy(copy, bytes, size);
    assert_int_equal(translate_request(copy, size, &answer, NULL), STATUS_OK);
    free(copy);
    Page__Page *page = page__page__unpack(NULL, answer.size, answer.data);
    assert_non_null(page);
    assert_int_equal(page->parser_version, PAGE_PARSER_VERSION);
    buffer_release(&answer);
    return page;
}

static Page__Page *answer(const Page__ParseRequest *request)
{
    size_t size = page__parse_request__get_packed_size(request);
    uint8_t *packed = malloc(size + 1);
    page__parse_request__pack(request, packed);
    Page__Page *page = answer_bytes(packed, size);
    free(packed);
    return page;
}

static Page__ParseRequest request_of(const char *content_type, const char *body)
{
    Page__ParseRequest request = PAGE__PARSE_REQUEST__INIT;
    request.url = (char *)(uintptr_t) "http://example.org/a";
    request.content_type = (char *)(uintptr_t)content_type;
    request.body.data = (uint8_t *)(uintptr_t)body;
    request.body.len = strlen(body);
    return request;
}

static void every_field_of_a_page_is_answered(void **state)
{
    (void)state;
    Page__ParseRequest request = request_of(
        "text/html; charset=utf-8",
        "<html lang=de><title>T</title><meta name=description content=D><link rel=canonical href=c>"
        "<meta name=robots content=noindex><h2>H</h2><a href=b rel=nofollow>B</a>");
    char *tags[] = {(char *)(uintptr_t) "otherbot: nofollow", (char *)(uintptr_t) "noarchive",
                    (char *)(uintptr_t) "tierce: nosnippet"};
    request.robots_tags = tags;
    request.n_robots_tags = 3;
    Page__Page *page = answer(&request);
    assert_int_equal(page->problem, PAGE__PROBLEM__PROBLEM_NONE);
    assert_string_equal(page->title, "T");
    assert_string_equal(page->description, "D");
    assert_string_equal(page->language, "de");
    assert_string_equal(page->charset, "utf-8");
    assert_string_equal(page->canonical, "http://example.org/c");
    assert_string_equal(page->text, "H\nB");
    assert_int_equal(page->n_headings, 1);
    assert_int_equal(page->headings[0]->level, 2);
    assert_string_equal(page->headings[0]->text, "H");
    assert_int_equal(page->n_links, 1);
    assert_string_equal(page->links[0]->url, "http://example.org/b");
    assert_string_equal(page->links[0]->anchor, "B");
    assert_true(page->links[0]->nofollow);
    assert_true(page->noindex && page->noarchive && page->nosnippet);
    assert_false(page->nofollow);
    assert_false(page->text_cut || page->links_cut);
    page__page__free_unpacked(page, NULL);
}

static void headers_and_cuts_reach_the_parser(void **state)
{
    (void)state;
    Page__ParseRequest request = request_of("text/html; charset=koi8-r", "<p>\xD1");
    request.content_language = (char *)(uintptr_t) "ru";
    request.last_modified = (char *)(uintptr_t) "Thu, 01 Jan 1970 00:00:09 GMT";
    request.truncated = true;
    Page__Page *page = answer(&request);
    assert_string_equal(page->text, "\xD1\x8F");
    assert_string_equal(page->language, "ru");
    assert_string_equal(page->content_type, "text/html");
    assert_int_equal(page->modified_us, 9000000);
    assert_true(page->text_cut && page->links_cut);
    page__page__free_unpacked(page, NULL);
}

static void what_a_page_says_of_others_is_answered(void **state)
{
    (void)state;
    Page__ParseRequest request = request_of(
        "text/html", "<link rel=alternate hreflang=de href=de><link rel=alternate href=f "
                     "type=application/rss+xml><meta name=robots content=nofollow>");
    char *links[] = {(char *)(uintptr_t) "</c>; rel=canonical",
                     (char *)(uintptr_t) "</2>; rel=next"};
    char *tags[] = {(char *)(uintptr_t) "unavailable_after: 2001-01-01, max-snippet:50"};
    request.link_headers = links;
    request.n_link_headers = 2;
    request.robots_tags = tags;
    request.n_robots_tags = 1;
    request.refresh = (char *)(uintptr_t) "0; url=/there";
    Page__Page *page = answer(&request);
    assert_string_equal(page->canonical, "http://example.org/c");
    assert_string_equal(page->refresh, "http://example.org/there");
    assert_int_equal(page->n_links, 1);
    assert_string_equal(page->links[0]->url, "http://example.org/2");
    assert_int_equal(page->n_alternates, 1);
    assert_string_equal(page->alternates[0]->language, "de");
    assert_string_equal(page->alternates[0]->url, "http://example.org/de");
    assert_int_equal(page->n_feeds, 1);
    assert_string_equal(page->feeds[0], "http://example.org/f");
    assert_string_equal(page->nofollow_by, "meta robots in the page");
    assert_non_null(strstr(page->noindex_by, "X-Robots-Tag: unavailable_after: 2001-01-01"));
    assert_true(page->noindex && page->nofollow && page->unavailable_after_us > 0);
    assert_int_equal(page->max_snippet, 50);
    assert_int_equal(page->kind, PAGE__PAGE_KIND__PAGE_DOCUMENT);
    page__page__free_unpacked(page, NULL);
}

static void the_hints_of_a_list_are_answered(void **state)
{
    (void)state;
    static const struct {
        const char *body;
        Page__PageKind kind;
    } rows[] = {
        {"<urlset><url><loc>b</loc><lastmod>1970-01-02</lastmod></url></urlset>",
         PAGE__PAGE_KIND__PAGE_SITEMAP},
        {"<sitemapindex><sitemap><loc>b</loc><lastmod>1970-01-02</lastmod></sitemap>",
         PAGE__PAGE_KIND__PAGE_SITEMAP_INDEX},
        {"<rss><item><link>b</link><title>T</title><pubDate>2 Jan 1970</pubDate></item></rss>",
         PAGE__PAGE_KIND__PAGE_FEED},
    };
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        Page__ParseRequest request = request_of("text/xml", rows[i].body);
        Page__Page *page = answer(&request);
        assert_int_equal(page->kind, rows[i].kind);
        assert_int_equal(page->n_hints, 1);
        assert_string_equal(page->hints[0]->url, "http://example.org/b");
        assert_int_equal(page->hints[0]->modified_us, 86400 * INT64_C(1000000));
        assert_string_equal(page->hints[0]->title, i == 2 ? "T" : "");
        page__page__free_unpacked(page, NULL);
    }
}

static void a_problem_is_an_answer(void **state)
{
    (void)state;
    Page__ParseRequest request = request_of("image/png", "x");
    Page__Page *page = answer(&request);
    assert_int_equal(page->problem, PAGE__PROBLEM__PROBLEM_UNSUPPORTED_TYPE);
    assert_string_equal(page->problem_words, "image/png is no text that can be indexed");
    page__page__free_unpacked(page, NULL);

    request = request_of("text/html", "x");
    request.url = (char *)(uintptr_t) "nonsense";
    page = answer(&request);
    assert_int_equal(page->problem, PAGE__PROBLEM__PROBLEM_UNPARSABLE);
    assert_true(page->problem_words[0] != '\0');
    page__page__free_unpacked(page, NULL);
}

static void what_is_no_request_is_answered_too(void **state)
{
    (void)state;
    Page__Page *page = answer_bytes((const uint8_t *)"\xFF\xFF\xFF", 3);
    assert_int_equal(page->problem, PAGE__PROBLEM__PROBLEM_UNPARSABLE);
    page__page__free_unpacked(page, NULL);
    page = answer_bytes((const uint8_t *)"", 0); /* a request without anything: no URL */
    assert_int_equal(page->problem, PAGE__PROBLEM__PROBLEM_UNPARSABLE);
    page__page__free_unpacked(page, NULL);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_field_of_a_page_is_answered),
        cmocka_unit_test(headers_and_cuts_reach_the_parser),
        cmocka_unit_test(what_a_page_says_of_others_is_answered),
        cmocka_unit_test(the_hints_of_a_list_are_answered),
        cmocka_unit_test(a_problem_is_an_answer),
        cmocka_unit_test(what_is_no_request_is_answered_too),
    };
    return cmocka_run_group_tests_name("translate", tests, NULL, NULL);
}
