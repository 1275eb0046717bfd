#include "downloader/headers.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

static const char block[] = "HTTP/1.1 200 OK\r\n"
                            "Content-Type:  text/html; charset=utf-8 \r\n"
                            "X-Robots-Tag: noindex\n"
                            "Location:\r\n"
                            "x-robots-tag:\tnofollow\t\r\n"
                            "Content-Type-Not: yes\r\n"
                            "\r\n";

static const char *get(const char *name, struct arena *arena)
{
    char *copy = malloc(sizeof(block) - 1); /* exactly sized, to see an over-read */
    memcpy(copy, block, sizeof(block) - 1);
    const char *value = headers_get(copy, sizeof(block) - 1, name, arena);
    free(copy);
    return value;
}

static void a_header_is_found_by_its_name_in_any_case(void **state)
{
    (void)state;
    struct arena arena = {0};
    assert_string_equal(get("content-type", &arena), "text/html; charset=utf-8");
    assert_string_equal(get("Location", &arena), "");
    assert_null(get("Content", &arena));
    assert_null(get("HTTP/1.1 200 OK", &arena));
    assert_string_equal(get("X-Robots-Tag", &arena), "noindex");
    arena_release(&arena);
}

static void all_values_of_a_header_come_in_order(void **state)
{
    (void)state;
    struct arena arena = {0};
    char *values[4];
    assert_int_equal(headers_get_all(block, sizeof(block) - 1, "X-Robots-Tag", 4, &arena, values),
                     2);
    assert_string_equal(values[0], "noindex");
    assert_string_equal(values[1], "nofollow");
    assert_int_equal(headers_get_all(block, sizeof(block) - 1, "X-Robots-Tag", 1, &arena, values),
                     1);
    arena_release(&arena);
}

static void every_prefix_of_a_block_is_read_within_its_bounds(void **state)
{
    (void)state;
    for (size_t size = 0; size < sizeof(block); size++) {
        struct arena arena = {0};
        char *copy = malloc(size > 0 ? size : 1);
        memcpy(copy, block, size);
        headers_get(copy, size, "X-Never-There", &arena);
        headers_get(copy, size, "Content-Type-Not", &arena);
        free(copy);
        arena_release(&arena);
    }
}

static void retry_after_is_a_number_or_a_date(void **state)
{
    (void)state;
    int64_t now = 784111777; /* Sun, 06 Nov 1994 08:49:37 GMT */
    assert_int_equal(retry_after_s("120", now), 120);
    assert_int_equal(retry_after_s("0", now), 0);
    assert_int_equal(retry_after_s("Sun, 06 Nov 1994 08:50:37 GMT", now), 60);
    assert_int_equal(retry_after_s("Sunday, 06-Nov-94 08:50:37 GMT", now), 60);
    assert_int_equal(retry_after_s("Sun Nov  6 08:50:37 1994", now), 60);
    assert_int_equal(retry_after_s("Sun, 06 Nov 1994 08:00:00 GMT", now), 0);
}

static void an_absurd_retry_after_is_bounded(void **state)
{
    (void)state;
    int64_t now = 784111777;
    assert_int_equal(retry_after_s("99999999999999999999", now), RETRY_AFTER_MAX_S);
    assert_int_equal(retry_after_s("Sun, 06 Nov 2094 08:50:37 GMT", now), RETRY_AFTER_MAX_S);
    assert_int_equal(retry_after_s("-5", now), 0);
    assert_int_equal(retry_after_s("soon", now), 0);
    assert_int_equal(retry_after_s("12 apples", now), 0);
    assert_int_equal(retry_after_s("", now), 0);
    assert_int_equal(retry_after_s(NULL, now), 0);
}

static void pages_are_texts_for_readers(void **state)
{
    (void)state;
    assert_true(content_type_is_text(NULL));
    assert_true(content_type_is_text(""));
    assert_true(content_type_is_text("text/html"));
    assert_true(content_type_is_text("Text/HTML;charset=utf-8"));
    assert_true(content_type_is_text("text/plain"));
    assert_true(content_type_is_text("application/xhtml+xml; charset=utf-8"));
    assert_true(content_type_is_text("application/rss+xml"));
    assert_false(content_type_is_text("text/css"));
    assert_false(content_type_is_text("text/javascript; charset=utf-8"));
    assert_false(content_type_is_text("image/svg+xml"));
    assert_false(content_type_is_text("image/png"));
    assert_false(content_type_is_text("application/octet-stream"));
    assert_false(content_type_is_text("application/xhtml"));
}

static void lists_of_pages_are_told_by_type_and_name(void **state)
{
    (void)state;
    static const struct {
        const char *type;
        const char *url;
        bool may_list;
    } rows[] = {
        {"application/feed+json; charset=utf-8", "http://a/x", true},
        {"application/json", "http://a/feed.json", true},
        {"application/x-gzip", "http://a/sitemap.xml.gz?page=2", true},
        {"application/gzip", "http://a/map/pages.XML.GZ", true},
        {"application/octet-stream", "http://a/sitemap1.gz", true},
        {"application/gzip", "http://a/sitemap/source.tar.gz", false},
        {"application/gzip", "http://a/linux.tar.gz?sitemap.xml.gz", false},
        {"application/octet-stream", "http://a/setup.exe", false},
        {"application/pdf", "http://a/sitemap.xml.gz", false},
        {NULL, "http://a/sitemap.xml.gz", false},
    };
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        if (content_type_may_list(rows[i].type, rows[i].url) != rows[i].may_list)
            fail_msg("%s %s", rows[i].type, rows[i].url);
    }
}

static void documents_are_told_by_type_and_by_name_where_the_type_says_nothing(void **state)
{
    (void)state;
    static const struct {
        const char *type;
        const char *url;
        bool is_document;
    } rows[] = {
        {"application/pdf", "http://a/x", true},
        {"Application/PDF;x=y", "http://a/x.html", true},
        {"application/vnd.oasis.opendocument.text", "http://a/x", true},
        {"application/octet-stream", "http://a/README.MD?raw", true},
        {"application/zip", "http://a/a.docx", true},
        {"application/octet-stream", "http://a/setup.exe?x.pdf", false},
        {"application/zip", "http://a/a.zip", false},
        {"application/msword", "http://a/a.doc", false},
        {"image/png", "http://a/a.pdf", false},
        {NULL, "http://a/a.pdf", false},
    };
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        if (content_type_is_document(rows[i].type, rows[i].url) != rows[i].is_document)
            fail_msg("%s %s", rows[i].type, rows[i].url);
    }
}

static void a_header_is_taken_out_with_all_its_lines(void **state)
{
    (void)state;
    static const char before[] = "HTTP/1.1 200 OK\r\nset-cookie: a=1\r\n folded\r\nX: y\r\n z\r\n"
                                 "Set-Cookie:b\r\nSet-Cookies: c\r\n\r\n";
    static const char after[] = "HTTP/1.1 200 OK\r\nX: y\r\n z\r\nSet-Cookies: c\r\n\r\n";
    struct buffer text = {0};
    buffer_append_string(&text, before);
    headers_remove(&text, "Set-Cookie");
    assert_string_equal(buffer_string(&text), after);
    buffer_release(&text);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_header_is_taken_out_with_all_its_lines),
        cmocka_unit_test(a_header_is_found_by_its_name_in_any_case),
        cmocka_unit_test(all_values_of_a_header_come_in_order),
        cmocka_unit_test(every_prefix_of_a_block_is_read_within_its_bounds),
        cmocka_unit_test(retry_after_is_a_number_or_a_date),
        cmocka_unit_test(an_absurd_retry_after_is_bounded),
        cmocka_unit_test(pages_are_texts_for_readers),
        cmocka_unit_test(lists_of_pages_are_told_by_type_and_name),
        cmocka_unit_test(documents_are_told_by_type_and_by_name_where_the_type_says_nothing),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
