/* Link headers, what relations come to, and where a page sends its readers by itself. */
#include <stdio.h>
#include <string.h>

#include "base/buffer.h"
#include "base/check.h"
#include "page/link_header.h"
#include "page/refresh.h"
#include "page/relations.h"
#include "tests/unit/unit.h"

static struct arena arena;

static int forget(void **state)
{
    (void)state;
    arena_release(&arena);
    return 0;
}

static struct relations relations_of(const char *lines)
{
    static const char here[] = "http://example.org/dir/page?q";
    struct relations relations = {.arena = &arena};
    struct url url;
    assert_int_equal(url_parse(here, strlen(here), NULL, &arena, &url, NULL), STATUS_OK);
    relations_add_headers(&relations, lines, &url);
    assert_false(relations.failed);
    return relations;
}

/* "<target> rel hreflang type" of each link, one to a line. */
static void check_links(const char *header, const char *expected)
{
    char found[2048] = "";
    size_t size = 0;
    struct link_header_value value;
    const char *at = header;
    while (link_header_next(&at, &value))
        size += (size_t)snprintf(found + size, sizeof(found) - size, "%.*s|%s|%s|%s%s\n",
                                 (int)value.target_size, value.target, value.rel, value.hreflang,
                                 value.type, value.has_anchor ? "|anchor" : "");
    if (strcmp(found, expected) != 0)
        fail_msg("%s:\n%s", header, found);
}

static void link_headers_are_read_by_rfc_8288(void **state)
{
    (void)state;
    check_links("", "");
    check_links("<a>", "a|||\n");
    check_links("<http://a/?x=1,2;3>; rel=\"next\"; title=\"a, b; c\", </b>;rel=prev",
                "http://a/?x=1,2;3|next||\n/b|prev||\n");
    check_links(" , <a> ; REL = canonical ;hreflang=de; type=\"text/html\" ,,",
                "a|canonical|de|text/html\n");
    check_links("<a>; rel=\"start http://a/rel\"; rel=ignored", "a|start http://a/rel||\n");
    check_links("<a>; title=\"quoted \\\" , <b>\"; rel=x", "a|x||\n");
    check_links("<a>; title=\"never closed, <b>; rel=x\n<c>; rel=y", "a|||\nc|y||\n");
    check_links("<a>; title*=UTF-8'de'n%c3%a4chst; rel=next; nopush", "a|next||\n");
    check_links("<a>; anchor=\"#foo\"; rel=next", "a|next|||anchor\n");
    check_links("nonsense; rel=x, <b>; rel=y", "b|y||\n");
    check_links("<a; rel=x", "");
    check_links("<>; rel=x", "|x||\n");
    check_links("<a>rel=x, <b>;;rel=y", "a|||\nb|y||\n");
}

static void values_without_room_count_as_empty(void **state)
{
    (void)state;
    char header[LINK_HEADER_VALUE_BYTES_MAX + 32] = "<a>; rel=";
    memset(header + 9, 'x', LINK_HEADER_VALUE_BYTES_MAX);
    check_links(header, "a|||\n");
}

static void contradicting_canonicals_are_none(void **state)
{
    (void)state;
    struct relations relations = relations_of("<../a#b>; rel=canonical, </a>; rel=canonical");
    assert_string_equal(relations_canonical(&relations), "http://example.org/a");
    relations = relations_of("</a>; rel=canonical\n</b>; rel=canonical\n</a>; rel=canonical");
    assert_string_equal(relations_canonical(&relations), "");
    relations = relations_of("<ftp://a/>; rel=canonical\n</b>; rel=\"x canonical\"");
    assert_string_equal(relations_canonical(&relations), "http://example.org/b");
    relations = relations_of("</b>; rel=canonical; anchor=\"/other\"");
    assert_string_equal(relations_canonical(&relations), "");
    relations = relations_of(NULL);
    assert_string_equal(relations_canonical(&relations), "");
}

static void languages_feeds_and_neighbours_are_told_apart(void **state)
{
    (void)state;
    struct relations relations = relations_of(
        "</de>; rel=alternate; hreflang=de_AT, </x>; rel=alternate; hreflang=X-Default\n"
        "</print>; rel=alternate; media=print, </s.css>; rel=\"alternate stylesheet\"; "
        "hreflang=de\n"
        "</no>; rel=alternate; hreflang=\"no language\"\n"
        "</rss>; rel=alternate; type=\"application/rss+xml; charset=utf-8\"; hreflang=de\n"
        "</rss>; rel=alternate; type=application/rss+xml, </f>; rel=feed\n"
        "</2>; rel=next, </0>; rel=prev, </2>; rel=next, </style>; rel=preload");
    assert_int_equal(relations.alternate_count, 2);
    assert_string_equal(relations.alternates[0].language, "de-at");
    assert_string_equal(relations.alternates[0].url, "http://example.org/de");
    assert_string_equal(relations.alternates[1].language, "x-default");
    assert_int_equal(relations.feed_count, 2);
    assert_string_equal(relations.feeds[0], "http://example.org/rss");
    assert_string_equal(relations.feeds[1], "http://example.org/f");
    assert_int_equal(relations.neighbour_count, 2);
    assert_string_equal(relations.neighbours[1], "http://example.org/0");
}

static void lists_of_relations_are_limited(void **state)
{
    (void)state;
    struct buffer lines = {0};
    for (unsigned i = 0; i < RELATIONS_ALTERNATES_MAX + 5; i++)
        buffer_append_format(
            &lines, "</%u>; rel=\"alternate\"; hreflang=de\n</%u>; rel=\"feed next\"\n", i, i);
    struct relations relations = relations_of(buffer_string(&lines));
    assert_int_equal(relations.alternate_count, RELATIONS_ALTERNATES_MAX);
    assert_int_equal(relations.feed_count, RELATIONS_FEEDS_MAX);
    assert_int_equal(relations.neighbour_count, RELATIONS_NEIGHBOURS_MAX);
    buffer_release(&lines);
}

static void a_refresh_is_read_as_browsers_do(void **state)
{
    (void)state;
    static const struct {
        const char *value;
        int64_t seconds; /* -1: it is none */
        const char *url;
    } rows[] = {
        {"5", 5, ""},
        {" 0 ; url=a", 0, "a"},
        {"0;URL='a b' c", 0, "a b"},
        {"0; url = \"a\"b", 0, "a"},
        {"0, a", 0, "a"},
        {"0 a", 0, "a"},
        {"1.5; url=a", 1, "a"},
        {".5; url=a", 0, "a"},
        {"0; url", 0, "url"},
        {"0; urla", 0, "urla"},
        {"0;", 0, ""},
        {"0; url=", 0, ""},
        {"0; url='a", 0, "a"},
        {"99999999999; url=a", UINT32_MAX, "a"},
        {"", -1, ""},
        {"; url=a", -1, ""},
        {"x; url=a", -1, ""},
        {"5x; url=a", -1, ""},
        {"-1; url=a", -1, ""},
    };
    for (size_t i = 0; i < ARRAY_COUNT(rows); i++) {
        struct refresh found = {.url = ""};
        bool is_refresh = refresh_parse(rows[i].value, &found);
        if (is_refresh != (rows[i].seconds >= 0) ||
            (is_refresh && found.seconds != (uint32_t)rows[i].seconds) ||
            found.url_size != strlen(rows[i].url) ||
            memcmp(found.url, rows[i].url, found.url_size) != 0)
            fail_msg("%s: %u %.*s", rows[i].value, found.seconds, (int)found.url_size, found.url);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_teardown(link_headers_are_read_by_rfc_8288, forget),
        cmocka_unit_test_teardown(values_without_room_count_as_empty, forget),
        cmocka_unit_test_teardown(contradicting_canonicals_are_none, forget),
        cmocka_unit_test_teardown(languages_feeds_and_neighbours_are_told_apart, forget),
        cmocka_unit_test_teardown(lists_of_relations_are_limited, forget),
        cmocka_unit_test_teardown(a_refresh_is_read_as_browsers_do, forget),
    };
    return cmocka_run_group_tests_name("relations", tests, NULL, NULL);
}
