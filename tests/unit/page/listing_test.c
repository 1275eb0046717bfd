/* Sitemaps and feeds, as whole pages: what comes out of page_parse() for each. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <zlib.h>

#include "base/check.h"
#include "page/page.h"
#include "tests/unit/crawl/suite.h"

static struct arena arena;

static int forget(void **state)
{
    (void)state;
    arena_release(&arena);
    return 0;
}

/* The body is copied into memory of its own size, so that reading over its end is seen. */
static enum status parse_at(const char *at, const char *type, const void *body, size_t size,
                            struct page *ret_page)
{
    struct url url;
    assert_int_equal(url_parse(at, strlen(at), NULL, &arena, &url, NULL), STATUS_OK);
    uint8_t *copy = malloc(size + (size == 0));
    memcpy(copy, body, size);
    struct page_input input = {.body = copy, .body_size = size, .content_type = type, .url = &url};
    enum status status = page_parse(&input, &arena, ret_page, NULL);
    free(copy);
    return status;
}

static struct page parse(const char *type, const char *text)
{
    struct page page;
    assert_int_equal(parse_at("http://www.example.com/list", type, text, strlen(text), &page),
                     STATUS_OK);
    return page;
}

static struct page parse_xml(const char *text)
{
    return parse("application/xml", text);
}

static struct page parse_file(const char *name, const char *at, const char *type)
{
    char path[128];
    struct page page;
    struct buffer body = {0};
    snprintf(path, sizeof(path), "sitemaps/%s", name);
    suite_read(path, &body);
    assert_int_equal(parse_at(at, type, body.data, body.size, &page), STATUS_OK);
    buffer_release(&body);
    return page;
}

struct expected {
    const char *url;
    int64_t modified_s; /* 0: not said */
    const char *title;  /* NULL: "" */
};

static void check_hints(const struct page *page, enum page_kind kind, const struct expected *rows,
                        size_t count)
{
    assert_int_equal(page->kind, kind);
    assert_string_equal(page->text, "");
    for (size_t i = 0; i < page->hint_count && i < count; i++) {
        assert_string_equal(page->hints[i].url, rows[i].url);
        assert_int_equal(page->hints[i].modified_us, rows[i].modified_s * 1000000);
        assert_string_equal(page->hints[i].title, rows[i].title == NULL ? "" : rows[i].title);
    }
    assert_int_equal(page->hint_count, count);
}

#define CHECK_HINTS(page, kind, ...)                                                               \
    do {                                                                                           \
        const struct expected rows[] = {__VA_ARGS__};                                              \
        check_hints(page, kind, rows, ARRAY_COUNT(rows));                                          \
    } while (0)

/* ---- sitemaps ---------------------------------------------------------------------------------
 */

static void a_sitemap_names_pages_and_when_they_changed(void **state)
{
    (void)state;
    struct page page = parse_xml(
        "<?xml version='1.0' encoding='UTF-8'?>\n"
        "<urlset xmlns='http://www.sitemaps.org/schemas/sitemap/0.9'>"
        "<url><loc> http://www.example.com/a?b=1&amp;c=2 "
        "\n</loc><lastmod>2005-01-01</lastmod></url>"
        "<url><lastmod>2004-12-23T18:00:15+00:00</lastmod><loc>/relative</loc></url>"
        "<url><loc>http://www.example.com/c<![CDATA[?d=1&e=2]]></loc><lastmod>soon</lastmod></url>"
        "<url><loc>ftp://www.example.com/</loc></url><url/><url><loc></loc></url></urlset>");
    CHECK_HINTS(&page, PAGE_SITEMAP, {"http://www.example.com/a?b=1&c=2", 1104537600, NULL},
                {"http://www.example.com/relative", 1103824815, NULL},
                {"http://www.example.com/c?d=1&e=2", 0, NULL});
    assert_string_equal(page.content_type, "application/xml");
}

static void an_index_names_sitemaps(void **state)
{
    (void)state;
    struct page page =
        parse_xml("<sitemapindex xmlns='http://www.sitemaps.org/schemas/sitemap/0.9'>"
                  "<sitemap><loc>http://a.example/1.xml.gz</loc>"
                  "<lastmod><![CDATA[2004-10-01T18:23:17+00:00]]></lastmod></sitemap>"
                  "<sitemap>http://a.example/2.xml</sitemap></sitemapindex>");
    CHECK_HINTS(&page, PAGE_SITEMAP_INDEX, {"http://a.example/1.xml.gz", 1096654997, NULL},
                {"http://a.example/2.xml", 0, NULL});
}

static void a_sitemap_is_known_by_its_root_whatever_its_type(void **state)
{
    (void)state;
    static const char text[] = "\xEF\xBB\xBF\n<?xml version='1.0'?><!-- <html> -->"
                               "<!DOCTYPE urlset [<!ENTITY x 'y'><!-- > ] -->]>"
                               "<s:urlset xmlns:s='x'><s:url><s:loc>http://a.example/</s:loc>"
                               "</s:url></s:urlset>";
    static const char *const types[] = {"text/xml",
                                        "application/xml",
                                        "text/plain",
                                        "text/html",
                                        "application/x-xml",
                                        "application/rss+xml",
                                        "application/octet-stream",
                                        NULL};
    for (size_t i = 0; i < ARRAY_COUNT(types); i++) {
        struct page page = parse(types[i], text);
        CHECK_HINTS(&page, PAGE_SITEMAP, {"http://a.example/", 0, NULL});
    }
}

static void what_breaks_the_rules_of_xml_is_read_all_the_same(void **state)
{
    (void)state;
    static const char *const texts[] = {
        "<urlset><url><loc>http://a.example/?x=1&y=2&copy=3</loc></url></urlset>",
        "<urlset><url><loc>http://a.example/?x=1&y=2&copy=3</lo",
        "<urlset><url><loc>http://a.example/?x=1&y=2&copy=3</loc><lastm",
        "<urlset><url><loc><url><![CDATA[http://a.example/?x=1&y=2&copy=3]]></url></loc></url>",
        "<urlset><url><loc>http://a.example/?x=1&y=2&copy=3</loc></url><img:x></urlset>",
        "<URLSET><URL><LOC>http://a.example/?x=1&#38;y=2&#x26;copy=3</LOC></URL></URLSET>",
        "<urlset><url><priority>< 0.5</priority><loc>http://a.example/?x=1&y=2&copy=3</loc></url>",
        "<urlset><url>\x01\x02<loc>\x0Bhttp://a.example/?x=1&y=2&copy=3</loc></url></urlset>",
        "<urlset><u:url><u:loc>http://a.example/?x=1&y=2&copy=3</u:loc></u:url></urlset>",
        "<urlset><url a=1 b='<'><loc>http://a.example/?x=1&y=2&copy=3</loc></url></urlset>",
    };
    for (size_t i = 0; i < ARRAY_COUNT(texts); i++) {
        struct page page = parse_xml(texts[i]);
        if (page.hint_count != 1 || strstr(page.hints[0].url, "&y") == NULL)
            fail_msg("%zu of %s", page.hint_count, texts[i]);
        CHECK_HINTS(&page, PAGE_SITEMAP, {"http://a.example/?x=1&y=2&copy=3", 0, NULL});
    }
    struct page page = parse_xml("<urlset><url><loc>http://a.example/1</loc>"
                                 "<url><loc>http://a.example/2</loc></url></urlset>");
    CHECK_HINTS(&page, PAGE_SITEMAP, {"http://a.example/1", 0, NULL},
                {"http://a.example/2", 0, NULL});
    page = parse_xml("<urlset><url><loc>http://a.example/tru");
    assert_int_equal(page.hint_count, 0); /* nobody knows where it would have led */
}

static void a_strangers_vocabulary_names_no_pages(void **state)
{
    (void)state;
    struct page page = parse_xml(
        "<urlset xmlns='s' xmlns:image='i' xmlns:video='v' xmlns:news='http://x/sitemap-news/0.9' "
        "xmlns:xhtml='h'><url><image:image><image:loc>http://a.example/i.jpg</image:loc>"
        "</image:image><image:loc>http://a.example/i.jpg</image:loc><video:lastmod>2001</"
        "video:lastmod>"
        "<loc>http://a.example/</loc><xhtml:link rel='alternate' hreflang='de' href='/de'/>"
        "<news:news><news:title>N <b>&amp;</b>\nM</news:title><news:publication_date>2008-12-23"
        "</news:publication_date></news:news></url></urlset>");
    CHECK_HINTS(&page, PAGE_SITEMAP, {"http://a.example/", 1229990400, "N & M"});
}

static void nothing_that_a_document_declares_is_expanded_or_loaded(void **state)
{
    (void)state;
    struct page page = parse_xml(
        "<!DOCTYPE urlset SYSTEM 'http://127.0.0.1:1/x.dtd' [<!ENTITY a 'http://evil.example/'>"
        "<!ENTITY f SYSTEM 'file:///etc/passwd'><!ATTLIST url x CDATA 'y'>]>"
        "<urlset><url><loc>&a;</loc></url><url><loc>http://a.example/&f;</loc></url></urlset>");
    CHECK_HINTS(&page, PAGE_SITEMAP, {"http://www.example.com/&a;", 0, NULL},
                {"http://a.example/&f;", 0, NULL});
}

static void a_text_of_urls_is_a_sitemap(void **state)
{
    (void)state;
    struct page page =
        parse("text/plain; charset=utf-8",
              "\xEF\xBB\xBFhttp://a.example/1\r\n\r\n https://a.example/2 \rHTTP://A.example/3");
    CHECK_HINTS(&page, PAGE_SITEMAP, {"http://a.example/1", 0, NULL},
                {"https://a.example/2", 0, NULL}, {"http://a.example/3", 0, NULL});
    static const char mixed[] = "# ours\nhttp://a.example/1\nhttp://a.example/2\n";
    assert_int_equal(parse("text/plain", mixed).kind, PAGE_DOCUMENT);
    assert_int_equal(
        parse_at("http://a.example/sitemap_1.txt", "text/plain", mixed, strlen(mixed), &page),
        STATUS_OK);
    assert_int_equal(page.kind, PAGE_SITEMAP);
    assert_int_equal(page.hint_count, 2);
    assert_int_equal(parse("text/plain", "see http://a.example/").kind, PAGE_DOCUMENT);
    assert_int_equal(parse("text/plain", "http://a.example/ is a page").kind, PAGE_DOCUMENT);
    assert_int_equal(parse("text/plain", "").kind, PAGE_DOCUMENT);
}

static size_t pack(const char *text, size_t size, uint8_t *ret, size_t room)
{
    z_stream zlib = {.next_in = (Bytef *)(uintptr_t)text, .avail_in = (uInt)size};
    assert_int_equal(deflateInit2(&zlib, 9, Z_DEFLATED, 15 + 16, 9, Z_DEFAULT_STRATEGY), Z_OK);
    zlib.next_out = ret;
    zlib.avail_out = (uInt)room;
    assert_int_equal(deflate(&zlib, Z_FINISH), Z_STREAM_END);
    size_t packed = room - zlib.avail_out;
    deflateEnd(&zlib);
    return packed;
}

static void packed_sitemaps_are_unpacked_as_far_as_they_go(void **state)
{
    (void)state;
    static const char text[] = "<urlset><url><loc>http://a.example/</loc></url></urlset>";
    static const char page_text[] = "<!doctype html><title>no list</title>";
    uint8_t packed[512];
    struct page page;
    size_t size = pack(text, strlen(text), packed, sizeof(packed));
    static const char at[] = "http://a.example/sitemap.xml.gz";
    for (size_t cut = 0; cut <= size; cut++) {
        enum status status = parse_at(at, "application/gzip", packed, cut, &page);
        assert_true(status == STATUS_OK || status == STATUS_UNSUPPORTED);
        if (cut > 0 && status == STATUS_OK)
            assert_true(page.kind == PAGE_SITEMAP && page.hint_count <= 1);
    }
    assert_int_equal(page.hint_count, 1);
    assert_int_equal(parse_at(at, "text/xml", packed, size, &page), STATUS_OK);
    assert_int_equal(page.hint_count, 1);
    size += pack("<!-- -->", 8, packed + size, sizeof(packed) - size); /* a second member */
    assert_int_equal(parse_at(at, "application/gzip", packed, size, &page), STATUS_OK);
    assert_false(page.links_cut);
    size = pack(page_text, strlen(page_text), packed, sizeof(packed));
    assert_int_equal(parse_at(at, "application/gzip", packed, size, &page), STATUS_UNSUPPORTED);
}

static void what_a_packed_sitemap_expands_to_is_bounded(void **state)
{
    (void)state;
    size_t size = PAGE_UNPACKED_BYTES_MAX + 100000, room = 8 << 20;
    char *text = malloc(size);
    uint8_t *packed = malloc(room);
    static const char start[] = "<urlset><url><loc>http://a.example/</loc></url>";
    for (size_t i = 0; i < size; i++) /* of which not too little is left */
        text[i] = i % 64 == 0 ? (char)('a' + rand() % 26) : ' ';
    memcpy(text, start, strlen(start));
    memcpy(text + size - strlen(start), start, strlen(start));
    size_t packed_size = pack(text, size, packed, room);
    struct page page;
    assert_int_equal(
        parse_at("http://a.example/sitemap.xml.gz", "application/gzip", packed, packed_size, &page),
        STATUS_OK);
    assert_int_equal(page.hint_count, 1);
    assert_true(page.links_cut);
    free(text);
    free(packed);
}

static void a_packed_sitemap_may_repeat_itself(void **state)
{
    (void)state;
    struct buffer text = {0};
    uint8_t packed[64 * 1024];
    struct page page;
    buffer_append_string(&text, "<urlset>");
    while (text.size < 8u << 20)
        buffer_append_format(&text, "<url><loc>http://a.example/</loc>%*s</url>", 400, "");
    buffer_append_string(&text, "<url><loc>http://a.example/last</loc></url></urlset>");
    size_t size = pack((const char *)text.data, text.size, packed, sizeof(packed));
    assert_true(text.size > 150 * size);
    assert_int_equal(
        parse_at("http://a.example/sitemap.xml.gz", "application/gzip", packed, size, &page),
        STATUS_OK);
    assert_string_equal(page.hints[page.hint_count - 1].url, "http://a.example/last");
    buffer_release(&text);
}

static void lists_end_at_their_limit(void **state)
{
    (void)state;
    struct buffer text = {0};
    buffer_append_string(&text, "<urlset>");
    for (unsigned i = 0; i < HINTS_MAX + 10; i++)
        buffer_append_format(&text, "<url><loc>http://a.example/%u</loc></url>", i);
    struct page page;
    assert_int_equal(parse_at("http://a.example/", "text/xml", text.data, text.size, &page),
                     STATUS_OK);
    assert_int_equal(page.hint_count, HINTS_MAX);
    assert_true(page.links_cut);
    assert_string_equal(page.hints[HINTS_MAX - 1].url, "http://a.example/49999");
    buffer_release(&text);
}

/* Repeats a piece to `size` bytes behind a beginning, and sees that the page is read in time. */
static void take_time(const char *start, const char *piece, size_t size)
{
    struct buffer text = {0};
    struct page page;
    struct timespec before, after;
    buffer_append_string(&text, start);
    while (text.size < size)
        buffer_append_string(&text, piece);
    clock_gettime(CLOCK_THREAD_CPUTIME_ID, &before);
    (void)parse_at("http://a.example/", "text/xml", text.data, text.size, &page);
    clock_gettime(CLOCK_THREAD_CPUTIME_ID, &after);
    double seconds =
        (double)(after.tv_sec - before.tv_sec) + (double)(after.tv_nsec - before.tv_nsec) / 1e9;
    print_message("%-40.40s %.2f s\n", piece, seconds);
    assert_true(seconds < 20); /* with sanitizers; plain it is a tenth */
    buffer_release(&text);
}

static void hostile_xml_takes_little_time(void **state)
{
    (void)state;
    size_t size = PAGE_BODY_BYTES_MAX;
    take_time("<urlset>", "<url>", size);
    take_time("<urlset>", "<url></url>", size);
    take_time("<urlset>", "</url>", size);
    take_time("<urlset>", "<a \"", size);
    take_time("<urlset>", "<a b='' ", size);
    take_time("<urlset>", "<a xmlns:b='c' xmlns:d='e' xmlns:f='g' xmlns:h='i'></a>", size);
    take_time("<urlset>", "<a xmlns:b='c' xmlns:d='e' xmlns:f='g' xmlns:h='i'>", size);
    take_time("<urlset>", "<![CDATA[", size);
    take_time("<urlset>", "<!--", size);
    take_time("<urlset>", "&", size);
    take_time("<urlset>", "&#", size);
    take_time("<urlset>", "<url><loc>x</loc>", size);
    take_time("<urlset><url><loc>", "x", size);
    take_time("<!DOCTYPE x [", "<!--", size / 10); /* no root: another kind of body */
}

/* ---- feeds ------------------------------------------------------------------------------------
 */

static void an_rss_feed_names_pages_with_titles_and_dates(void **state)
{
    (void)state;
    struct page page = parse(
        "application/rss+xml",
        "<rss version='2.0' xmlns:atom='a' xmlns:media='m' xmlns:dc='d' xmlns:fb='f'><channel>"
        "<title>Channel</title><link>http://a.example/</link><pubDate>2001</pubDate>"
        "<image><title>no</title><link>http://no.example/</link></image>"
        "<item><title>One &amp; <b>two</b></title><media:title>no</media:title>"
        "<link>http://a.example/1</link><pubDate>Thu, 05 Jan 2017 13:34:51 +0100</pubDate></item>"
        "<item><guid "
        "isPermaLink='false'>http://a.example/2</guid><dc:date>2017-01-05</dc:date></item>"
        "<item><guid>tag:3</guid><atom:link href='http://a.example/3'/></item>"
        "<item><guid>http://no.example/</guid><link>4</link><enclosure "
        "url='http://no.example/'/></item>"
        "<item><link>http://redirect.example/</link><fb:origLink>http://a.example/5</fb:origLink></"
        "item>"
        "<item><title>nowhere</title><guid>6</guid></item></channel></rss>");
    CHECK_HINTS(&page, PAGE_FEED, {"http://a.example/1", 1483619691, "One & two"},
                {"http://a.example/2", 1483574400, NULL}, {"http://a.example/3", 0, NULL},
                {"http://www.example.com/4", 0, NULL}, {"http://a.example/5", 0, NULL});
}

static void an_rdf_feed_is_told_from_other_rdf(void **state)
{
    (void)state;
    struct page page = parse(
        "application/rdf+xml",
        "<rdf:RDF xmlns:rdf='http://www.w3.org/1999/02/22-rdf-syntax-ns#' "
        "xmlns='http://purl.org/rss/1.0/' xmlns:dc='http://purl.org/dc/elements/1.1/'>"
        "<channel rdf:about='http://a.example/news.rss'><link>http://a.example/</link><items>"
        "<rdf:Seq><rdf:li resource='http://a.example/1'/></rdf:Seq></items></channel>"
        "<item rdf:about='http://a.example/about'><title>T</title><link>http://a.example/1</link>"
        "<dc:date>2017-01-05T12:34:51Z</dc:date></item>"
        "<item rdf:about='http://a.example/2'/></rdf:RDF>");
    CHECK_HINTS(&page, PAGE_FEED, {"http://a.example/1", 1483619691, "T"},
                {"http://a.example/2", 0, NULL});
    static const char other[] = "<rdf:RDF xmlns:rdf='r' xmlns:foaf='f'><foaf:Person/></rdf:RDF>";
    assert_int_equal(
        parse_at("http://a.example/", "application/rdf+xml", other, strlen(other), &page),
        STATUS_UNSUPPORTED);
}

static void an_atom_feed_names_the_pages_of_its_entries(void **state)
{
    (void)state;
    struct page page =
        parse("application/atom+xml",
              "<feed xmlns='http://www.w3.org/2005/Atom' xml:base='/blog/'><title>F</title>"
              "<link rel='self' href='http://no.example/'/><updated>2001-01-01T00:00:00Z</updated>"
              "<entry><title type='html'>A &lt;b&gt;</title><link rel='edit' href='no'/>"
              "<link rel='alternate' type='application/pdf' href='1.pdf'/><link href='1'/>"
              "<link rel='alternate' type='text/html' "
              "href='no'/><published>2003-01-01T00:00:00Z</published>"
              "<updated>2003-12-13T18:30:02Z</updated><source><title>no</"
              "title><updated>2009-01-01T00:00:00Z"
              "</updated></source></entry>"
              "<entry><id>https://a.example/2</id><content><div xmlns='h'><link "
              "href='http://no.example/'/>"
              "</div></content></entry>"
              "<entry><link rel='alternate' type='application/pdf' href='3.pdf'/></entry></feed>");
    CHECK_HINTS(&page, PAGE_FEED, {"http://www.example.com/blog/1", 1071340202, "A <b>"},
                {"https://a.example/2", 0, NULL}, {"http://www.example.com/blog/3.pdf", 0, NULL});
}

static void a_json_feed_names_pages(void **state)
{
    (void)state;
    static const char text[] =
        " {\"version\": \"https://jsonfeed.org/version/1.1\", \"title\": \"F\", \"items\": ["
        "{\"id\": \"1\", \"url\": \"https://a.example/1\", \"title\": \"One\","
        " \"date_published\": \"2003-12-13T18:30:02Z\"},"
        "{\"id\": \"https://a.example/2\", \"date_modified\": \"2003-12-13T18:30:02-00:00\","
        " \"date_published\": \"2001\"},"
        "{\"external_url\": \"3\", \"title\": 7}, {\"id\": 4}, 5, {\"id\": \"6\"}]}";
    static const char *const types[] = {"application/feed+json", "application/json", "text/plain"};
    for (size_t i = 0; i < ARRAY_COUNT(types); i++) {
        struct page page = parse(types[i], text);
        CHECK_HINTS(&page, PAGE_FEED, {"https://a.example/1", 1071340202, "One"},
                    {"https://a.example/2", 1071340202, NULL},
                    {"http://www.example.com/3", 0, NULL});
    }
    struct page page;
    static const char other[] = "{\"url\": \"https://jsonfeed.org/version/1\"}";
    assert_int_equal(parse_at("http://a.example/", "application/json", other, strlen(other), &page),
                     STATUS_UNSUPPORTED);
    assert_int_equal(parse("text/plain", other).kind, PAGE_DOCUMENT);
}

static void the_charset_of_a_list_is_what_it_declares(void **state)
{
    (void)state;
    struct page page = parse(
        "text/xml", "<?xml version='1.0' encoding='iso-8859-2'?><rss><channel><item>"
                    "<title>\xB1</title><link>http://a.example/</link></item></channel></rss>");
    CHECK_HINTS(&page, PAGE_FEED, {"http://a.example/", 0, "\xC4\x85"});
    page = parse("text/xml; charset=koi8-r",
                 "<?xml version='1.0' encoding='iso-8859-2'?><rss><channel><item>"
                 "<title>\xD1</title><link>http://a.example/</link></item></channel></rss>");
    CHECK_HINTS(&page, PAGE_FEED, {"http://a.example/", 0, "\xD1\x8F"});
    static const char wide[] = "\xFF\xFE<\0u\0r\0l\0s\0e\0t\0>\0<\0u\0r\0l\0>\0<\0l\0o\0c\0>\0"
                               "/\0w\0<\0/\0l\0o\0c\0>\0<\0/\0u\0r\0l\0>\0";
    assert_int_equal(parse_at("http://a.example/", "text/xml", wide, sizeof(wide) - 1, &page),
                     STATUS_OK);
    CHECK_HINTS(&page, PAGE_SITEMAP, {"http://a.example/w", 0, NULL});
}

/* ---- the tests of others ----------------------------------------------------------------------
 */

static void the_fixtures_of_sitemaps_agree(void **state)
{
    (void)state;
    static const char at[] = "http://www.example.com/sitemap";
    struct page page = parse_file("sitemaps/sitemap.ns.xml", at, "text/xml");
    CHECK_HINTS(&page, PAGE_SITEMAP, {"http://www.example.com/1", 0, NULL},
                {"http://www.example.com/2", 0, NULL});
    page = parse_file("sitemaps/sitemap.badns.xml", at, "text/xml");
    CHECK_HINTS(&page, PAGE_SITEMAP, {"http://www.example.com/1", 0, NULL},
                {"http://www.example.com/2", 0, NULL});
    page = parse_file("sitemaps/sitemap.index.xml", at, "text/xml");
    assert_int_equal(page.kind, PAGE_SITEMAP_INDEX);
    assert_int_equal(page.hint_count, 15);
    assert_string_equal(page.hints[0].url,
                        "https://example.com/sitemap.jss?portalCode=10260&lang=en");
    page = parse_file("sitemaps/xmlSitemap.gz", at, "application/gzip");
    CHECK_HINTS(
        &page, PAGE_SITEMAP, {"http://www.example.com/", 1104537600, NULL},
        {"http://www.example.com/catalog?item=12&desc=vacation_hawaii", 0, NULL},
        {"http://www.example.com/catalog?item=73&desc=vacation_new_zealand", 1103760000, NULL},
        {"http://www.example.com/catalog?item=74&desc=vacation_newfoundland", 1103824815, NULL},
        {"http://www.example.com/catalog?item=83&desc=vacation_usa", 1101168000, NULL});
    page = parse_file("sitemaps/sitemap.txt.gz", at, "application/gzip");
    assert_int_equal(page.kind, PAGE_SITEMAP);
    assert_int_equal(page.hint_count, 5);
    static const char *const texts[] = {"sitemaps/sitemap.txt", "sitemaps/sitemap-with-bom.txt"};
    for (size_t i = 0; i < ARRAY_COUNT(texts); i++) {
        page = parse_file(texts[i], at, "text/plain");
        CHECK_HINTS(&page, PAGE_SITEMAP, {"http://www.domain.com/page1.html", 0, NULL},
                    {"http://www.domain.com/page2.html", 0, NULL});
    }
    page = parse_file("sitemaps/do-not-visit.txt", at, "text/plain");
    CHECK_HINTS(&page, PAGE_SITEMAP, {"http://www.example.com/do-not-visit-here", 0, NULL});
}

static void the_fixtures_of_extensions_agree(void **state)
{
    (void)state;
    static const struct {
        const char *name;
        size_t count;
        struct expected first;
    } rows[] = {
        {"hebdenbridgetimes-articles",
         74,
         {"http://www.hebdenbridgetimes.co.uk/news/local/"
          "video-tour-de-yorkshire-in-calderdale-1-7242580",
          1430675510, NULL}},
        {"pagemaps", 2, {"http://www.example.com/foo", 0, NULL}},
        {"shinpaideshou-news",
         3,
         {"https://shinpaideshou.wordpress.com/2017/04/25/"
          "job-opening-reischauer-policy-research-fellow/",
          1493114436, "Job Opening: Reischauer Policy Research Fellow"}},
        {"sitemap-images",
         1,
         {"http://www.example.com/images/some_image_landing_page.html", 0, NULL}},
        {"sitemap-links", 3, {"http://www.example.com/english/", 0, NULL}},
        {"sitemap-mobile", 3, {"http://www.example.com/mobile-friendly-1/", 0, NULL}},
        {"sitemap-news",
         2,
         {"http://www.example.org/business/article55.html", 1229990400,
          "Companies A, B in Merger Talks"}},
        {"sitemap-videos",
         3,
         {"http://www.example.com/videos/some_video_landing_page.html", 0, NULL}},
        {"sitemap-videos-tvshow", 1, {"https://example.org/my-tv-show/23/13/", 0, NULL}},
    };
    for (size_t i = 0; i < ARRAY_COUNT(rows); i++) {
        bool sitemap = strncmp(rows[i].name, "sitemap-", 8) == 0;
        char name[128];
        snprintf(name, sizeof(name), "sitemaps/extension/%s%s.xml", rows[i].name,
                 sitemap ? "" : "-sitemap");
        struct page page = parse_file(name, "http://www.example.com/", "text/xml");
        assert_int_equal(page.hint_count, rows[i].count);
        page.hint_count = 1;
        check_hints(&page, PAGE_SITEMAP, &rows[i].first, 1);
    }
}

static void the_fixtures_of_feeds_agree(void **state)
{
    (void)state;
    struct page page = parse_file("sitemaps/atom.xml", "http://example.org/atom.xml", "text/xml");
    CHECK_HINTS(
        &page, PAGE_FEED,
        {"http://example.org/2003/12/13/atom03", 1071340202, "Atom-Powered Robots Run Amok"});
    page = parse_file("rss/feed.rss", "https://www.example.com/index.php?feed/rss", NULL);
    CHECK_HINTS(&page, PAGE_FEED,
                {"https://www.example.com/blog/post/1", 1252254000, "Example entry"},
                {"https://www.example.com/guid.html", 0, "&guid& element instead of &link&"},
                {"https://www.example.com/foo?q=a&l=en", 0, "XML entity in link content"},
                {"https://www.example.com/foo?q=a&l=fr", 0, "CDATA"});
    page = parse_file("rss/xmlRss_pubDate.xml", "http://www.example.com/rss.xml", "text/xml");
    int64_t start = 1483619690;
    CHECK_HINTS(&page, PAGE_FEED, {"http://www.example.com/article_1", start + 1, "News number 1"},
                {"http://www.example.com/article_2", start + 2, "News number 2"},
                {"http://www.example.com/article_3", start + 3, "News number 3"},
                {"http://www.example.com/article_4", start + 4, "News number 4"},
                {"http://www.example.com/article_5", 0, "News number 5 incomplete pub date"},
                {"http://www.example.com/article_6", 0, "News number 6 empty pub date"},
                {"http://www.example.com/article_7", 0, "News number 7 missing pub date"});
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_teardown(a_sitemap_names_pages_and_when_they_changed, forget),
        cmocka_unit_test_teardown(an_index_names_sitemaps, forget),
        cmocka_unit_test_teardown(a_sitemap_is_known_by_its_root_whatever_its_type, forget),
        cmocka_unit_test_teardown(what_breaks_the_rules_of_xml_is_read_all_the_same, forget),
        cmocka_unit_test_teardown(a_strangers_vocabulary_names_no_pages, forget),
        cmocka_unit_test_teardown(nothing_that_a_document_declares_is_expanded_or_loaded, forget),
        cmocka_unit_test_teardown(a_text_of_urls_is_a_sitemap, forget),
        cmocka_unit_test_teardown(packed_sitemaps_are_unpacked_as_far_as_they_go, forget),
        cmocka_unit_test_teardown(what_a_packed_sitemap_expands_to_is_bounded, forget),
        cmocka_unit_test_teardown(a_packed_sitemap_may_repeat_itself, forget),
        cmocka_unit_test_teardown(lists_end_at_their_limit, forget),
        cmocka_unit_test_teardown(hostile_xml_takes_little_time, forget),
        cmocka_unit_test_teardown(an_rss_feed_names_pages_with_titles_and_dates, forget),
        cmocka_unit_test_teardown(an_rdf_feed_is_told_from_other_rdf, forget),
        cmocka_unit_test_teardown(an_atom_feed_names_the_pages_of_its_entries, forget),
        cmocka_unit_test_teardown(a_json_feed_names_pages, forget),
        cmocka_unit_test_teardown(the_charset_of_a_list_is_what_it_declares, forget),
        cmocka_unit_test_teardown(the_fixtures_of_sitemaps_agree, forget),
        cmocka_unit_test_teardown(the_fixtures_of_extensions_agree, forget),
        cmocka_unit_test_teardown(the_fixtures_of_feeds_agree, forget),
    };
    return cmocka_run_group_tests_name("listing", tests, NULL, NULL);
}
