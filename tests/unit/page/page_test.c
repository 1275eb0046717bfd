#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include <cmocka.h>

#include "base/buffer.h"
#include "base/check.h"
#include "page/page.h"

static struct arena arena;
static struct error err;

static int forget(void **state)
{
    (void)state;
    arena_release(&arena);
    return 0;
}

static struct url page_url(void)
{
    static const char text[] = "http://example.org/dir/page.html?q";
    struct url url;
    assert_int_equal(url_parse(text, strlen(text), NULL, &arena, &url, NULL), STATUS_OK);
    return url;
}

/* The body is copied into memory of its own size, so that reading over its end is seen. */
static enum status parse_input(struct page_input input, struct page *ret_page)
{
    struct url url = page_url();
    uint8_t *copy = malloc(input.body_size + (input.body_size == 0));
    memcpy(copy, input.body, input.body_size);
    input.body = copy;
    input.url = &url;
    enum status status = page_parse(&input, &arena, ret_page, &err);
    free(copy);
    return status;
}

static struct page parse_as(const char *content_type, const char *body, size_t size)
{
    struct page page;
    struct page_input input = {
        .body = (const uint8_t *)body, .body_size = size, .content_type = content_type};
    assert_int_equal(parse_input(input, &page), STATUS_OK);
    assert_int_equal(strlen(page.text), page.text_size);
    return page;
}

static struct page parse(const char *html)
{
    return parse_as("text/html; charset=utf-8", html, strlen(html));
}

static void the_text_is_what_is_seen(void **state)
{
    (void)state;
    struct page page = parse(
        "<!doctype html><title>T</title><style>s{}</style><script>x=1</script>"
        "<h1>One\n  <em>two</em></h1>three<!-- no --><p>four<br>five<p>six<noscript>no</noscript>"
        "<template>no</template><div hidden>no <p>no</div><ul><li>a<li>b</ul><p style='color:red; "
        "DISPLAY : none'>no</p><table><tr><td>c<td>d<tr><td>e</table>f&nbsp;&amp;<b>g</b>h"
        "<dialog>no</dialog><dialog open>yes</dialog><ruby>k<rp>(</rp><rt>l</rt></ruby>"
        "<svg><title>no</title><text>m</text></svg><p hidden=until-found>n</p>");
    assert_string_equal(page.text, "One two\nthree\nfour\nfive\nsix\na\nb\nc d\ne\nf &gh\nyes\n"
                                   "kl m\nn");
}

static void preformatted_text_keeps_its_lines(void **state)
{
    (void)state;
    assert_string_equal(parse("<p>a\nb</p><pre>int x;\n\n  int   y;</pre>").text,
                        "a b\nint x;\nint y;");
}

static void the_title_is_one_line_within_its_limit(void **state)
{
    (void)state;
    assert_string_equal(parse("<title>\n A  title\t&lt;b&gt; </title>").title, "A title <b>");
    assert_string_equal(parse("<svg><title>no</title></svg><title>yes</title>").title, "yes");
    assert_string_equal(parse("<p>none").title, "");
    assert_string_equal(parse("<h2>b</h2><h1>a <i>c</i></h1>").title, "a c");
    assert_string_equal(parse("<meta property=og:title content=' o '><h1>a</h1>").title, "o");
    assert_string_equal(parse("<meta property=og:title content=o><title>t</title>").title, "t");
    char html[3000] = "<title>";
    for (size_t i = 7; i + 2 < sizeof(html); i += 2)
        memcpy(html + i, "\xC3\xA4", 2);
    html[2999] = '\0';
    assert_int_equal(strlen(parse(html).title), PAGE_TITLE_BYTES_MAX);
}

static void headings_have_levels(void **state)
{
    (void)state;
    struct page page = parse("<h1> First <img alt=logo src=x> </h1><h2></h2><h3 hidden>no</h3>"
                             "<h6><p>Last</p> one</h6>");
    assert_int_equal(page.heading_count, 2);
    assert_int_equal(page.headings[0].level, 1);
    assert_string_equal(page.headings[0].text, "First logo");
    assert_int_equal(page.headings[1].level, 6);
    assert_string_equal(page.headings[1].text, "Last one");
}

static void links_are_absolute_and_have_their_text(void **state)
{
    (void)state;
    static const struct page_link expected[] = {
        {"http://example.org/dir/a", "A b", false},
        {"http://example.org/b?x=1", "", true},
        {"https://other.example/", "logo", false},
        {"http://example.org/dir/page.html?q", "self", false},
        {"http://example.org/dir/c", "map", false},
        {"http://example.org/dir/hidden", "hidden", true},
        {"http://example.org/dir/label", "Labelled", false},
        {"http://example.org/dir/frame", "", false},
        {"http://example.org/dir/last", "last", false},
    };
    struct page page =
        parse("<a href=a> A <b>b</b> </a><a href='/b?x=1#f' rel='noopener NOFOLLOW'></a>"
              "<a href=https://OTHER.example><img src=x alt=logo></a><a href='#top'>top</a>"
              "<a href='page.html?q#x'>jump</a><a href=''>self</a><a name=x>no</a>"
              "<a href='mailto:x@example.org'>no</a><a href='javascript:void(0)'>no</a>"
              "<a href='ftp://example.org/'>no</a><a href='http://user:pass@example.org/'>no</a>"
              "<area href=c alt=map><div hidden><a href=hidden rel=ugc>hidden</a></div>"
              "<a href=label aria-label=Labelled></a><iframe src=frame></iframe>"
              "<template><a href=no>no</a></template><a href=last>last");
    assert_int_equal(page.link_count, ARRAY_COUNT(expected));
    for (size_t i = 0; i < page.link_count; i++) {
        assert_string_equal(page.links[i].url, expected[i].url);
        assert_string_equal(page.links[i].anchor, expected[i].anchor);
        assert_int_equal(page.links[i].nofollow, expected[i].nofollow);
    }
    assert_false(page.links_cut);
}

static void the_first_base_holds_for_the_whole_page(void **state)
{
    (void)state;
    struct page page = parse("<link rel=canonical href=c><a href=a>a</a><base target=x>"
                             "<base href='//base.example/d/'><base href='http://no.example/'>"
                             "<a href='#f'>f</a>");
    assert_int_equal(page.link_count, 2);
    assert_string_equal(page.links[0].url, "http://base.example/d/a");
    assert_string_equal(page.links[1].url, "http://base.example/d/");
    assert_string_equal(page.canonical, "http://base.example/d/c");
    page = parse("<base href='mailto:x'><a href=a>a</a>");
    assert_string_equal(page.links[0].url, "http://example.org/dir/a");
}

static void a_refresh_is_a_link(void **state)
{
    (void)state;
    static const char *const contents[] = {"0;url=next", "5; URL = 'next'", "0, next",
                                           "1;url=\"next\" x"};
    for (size_t i = 0; i < ARRAY_COUNT(contents); i++) {
        char html[128];
        snprintf(html, sizeof(html), "<meta http-equiv=Refresh content='%s'>", contents[i]);
        if (i == 1)
            snprintf(html, sizeof(html), "<meta http-equiv=Refresh content=\"%s\">", contents[i]);
        struct page page = parse(html);
        assert_int_equal(page.link_count, 1);
        assert_string_equal(page.links[0].url, "http://example.org/dir/next");
    }
    assert_int_equal(parse("<meta http-equiv=refresh content=30>").link_count, 0);
}

static void a_quick_refresh_is_a_redirect(void **state)
{
    (void)state;
    static const char *const rows[][2] = {
        {"<meta http-equiv=refresh content='10; url=next'>", "http://example.org/dir/next"},
        {"<meta http-equiv=refresh content='11; url=next'>", ""},
        {"<meta http-equiv=refresh content='0'>", ""},
        {"<meta http-equiv=refresh content='0; url=page.html?q#top'>", ""},
        {"<meta http-equiv=refresh content='0; url=mailto:x'>", ""},
        {"<noscript><meta http-equiv=refresh content='0; url=next'></noscript>", ""},
        {"<meta http-equiv=refresh content='30; url=a'><meta http-equiv=refresh content='0; url=b'>"
         "<meta http-equiv=refresh content='0; url=c'>",
         "http://example.org/dir/b"},
        {"<base href=/base/><meta http-equiv=refresh content='0; url=next'>",
         "http://example.org/base/next"},
    };
    for (size_t i = 0; i < ARRAY_COUNT(rows); i++)
        assert_string_equal(parse(rows[i][0]).refresh, rows[i][1]);
    struct page page;
    struct page_input input = {.body = (const uint8_t *)rows[7][0],
                               .body_size = strlen(rows[7][0]),
                               .content_type = "text/html",
                               .refresh = "0; url=/header"};
    assert_int_equal(parse_input(input, &page), STATUS_OK);
    assert_string_equal(page.refresh, "http://example.org/header");
}

static void relations_of_elements_and_headers_are_one(void **state)
{
    (void)state;
    static const char html[] =
        "<base href=/base/><link rel=canonical href=c><link rel='alternate' hreflang=DE href=de>"
        "<link rel=alternate type=application/atom+xml href=atom><link rel=next href=2>"
        "<body><link rel=alternate hreflang=fr href=fr><a href=1>one</a>";
    struct page page;
    struct page_input input = {.body = (const uint8_t *)html,
                               .body_size = strlen(html),
                               .content_type = "text/html",
                               .link_headers = "</base/c>; rel=canonical\n</it>; rel=alternate; "
                                               "hreflang=it, </0>; rel=prev\n"};
    assert_int_equal(parse_input(input, &page), STATUS_OK);
    assert_string_equal(page.canonical, "http://example.org/base/c");
    assert_int_equal(page.alternate_count, 2);
    assert_string_equal(page.alternates[0].language, "it");
    assert_string_equal(page.alternates[1].language, "de");
    assert_string_equal(page.alternates[1].url, "http://example.org/base/de");
    assert_int_equal(page.feed_count, 1);
    assert_string_equal(page.feeds[0], "http://example.org/base/atom");
    assert_int_equal(page.link_count, 3);
    assert_string_equal(page.links[0].url, "http://example.org/base/1");
    assert_string_equal(page.links[1].url, "http://example.org/0");
    assert_string_equal(page.links[2].url, "http://example.org/base/2");
    input.link_headers = "</c>; rel=canonical";
    assert_int_equal(parse_input(input, &page), STATUS_OK);
    assert_string_equal(page.canonical, "");
}

static void a_canonical_counts_only_in_the_head(void **state)
{
    (void)state;
    assert_string_equal(parse("<link rel='x CANONICAL' href='/c#f'>").canonical,
                        "http://example.org/c");
    assert_string_equal(parse("<body><link rel=canonical href=/c>").canonical, "");
    assert_string_equal(parse("<link rel=canonical href=ftp://x/>").canonical, "");
    assert_string_equal(parse("<link rel=canonical href=/a><link rel=canonical href=/b>").canonical,
                        "");
}

static void descriptions_and_languages_are_read(void **state)
{
    (void)state;
    struct page page = parse("<html lang='De_AT'><meta property=og:description content=second>"
                             "<meta name=Description content=' of\nthis '>");
    assert_string_equal(page.description, "second");
    assert_string_equal(page.language, "de-at");
    assert_string_equal(parse("<meta name=Description content=' of\nthis '>").description,
                        "of this");
    assert_string_equal(parse("<html xml:lang=fr>").language, "fr");
    assert_string_equal(parse("<html lang='<b>'>").language, "");
    assert_string_equal(parse("<meta http-equiv=content-language content='nl, en'>").language,
                        "nl");
    struct page_input input = {.body = (const uint8_t *)"<p>",
                               .body_size = 3,
                               .content_type = "text/html",
                               .content_language = "PT-br"};
    assert_int_equal(parse_input(input, &page), STATUS_OK);
    assert_string_equal(page.language, "pt-br");
    input.content_language = "AZ-09-az";
    assert_int_equal(parse_input(input, &page), STATUS_OK);
    assert_string_equal(page.language, "az-09-az");
    input.content_language = "pt, en";
    assert_int_equal(parse_input(input, &page), STATUS_OK);
    assert_string_equal(page.language, "");
}

static int64_t day_of(const char *html, const char *last_modified)
{
    struct page page;
    struct page_input input = {.body = (const uint8_t *)html,
                               .body_size = strlen(html),
                               .content_type = "text/html",
                               .last_modified = last_modified};
    assert_int_equal(parse_input(input, &page), STATUS_OK);
    return page.modified_us / INT64_C(86400000000);
}

static void a_page_is_dated_by_itself_before_its_server(void **state)
{
    (void)state;
    static const char header[] = "Thu, 08 Jan 1970 10:00:00 GMT";
    assert_int_equal(day_of("<p>x", NULL), 0);
    assert_int_equal(day_of("<p>x", "soon"), 0);
    assert_int_equal(day_of("<p>x", header), 7);
    assert_int_equal(day_of("<meta name=Date content=1970-01-03>", header), 2);
    assert_int_equal(day_of("<meta name=date content=soon>", header), 7);
    assert_int_equal(day_of("<meta property=article:published_time content=1970-01-02T10:00:00Z>"
                            "<meta property=article:modified_time content=1970-01-05T10:00:00Z>"
                            "<meta name=date content=1970-01-04>",
                            header),
                     4);
    assert_int_equal(day_of("<meta itemprop=datePublished content=1970-01-03>"
                            "<meta name=date content=1970-01-04>",
                            NULL),
                     2);
    assert_int_equal(day_of("<meta http-equiv=last-modified content='Sat, 10 Jan 1970 10:00:00 "
                            "GMT'>",
                            header),
                     9);
}

/* Days since 1970 of its publication and its change. */
static void check_dates(const char *html, int64_t published, int64_t modified)
{
    struct page page;
    struct page_input input = {.body = (const uint8_t *)html,
                               .body_size = strlen(html),
                               .content_type = "text/html",
                               .now_us = INT64_C(86400000000) * 20000};
    assert_int_equal(parse_input(input, &page), STATUS_OK);
    if (page.published_us != published * INT64_C(86400000000) ||
        page.modified_us != modified * INT64_C(86400000000))
        print_message("%s: %lld %lld\n", html, (long long)page.published_us,
                      (long long)page.modified_us);
    assert_true(page.published_us == published * INT64_C(86400000000));
    assert_true(page.modified_us == modified * INT64_C(86400000000));
}

static void a_page_s_publication_is_told_from_its_change(void **state)
{
    (void)state;
    check_dates("<p>x", 0, 0);
    check_dates("<meta property=article:published_time content=1970-01-02T00:00:00Z>"
                "<meta property=article:modified_time content=1970-01-05T00:00:00Z>",
                1, 4);
    check_dates("<meta name=citation_publication_date content=1970/01/03>", 2, 2);
    check_dates("<meta name=date content=1970-01-03><meta name=dcterms.issued content=1970-01-04>",
                3, 3);
    check_dates("<time datetime=1970-01-03>yesterday</time><time datetime=1970-01-04>x</time>", 2,
                2);
    check_dates("<time datetime=1970-01-03>a</time><time class=dt-updated datetime=1970-01-09>b"
                "</time><time itemprop=datePublished datetime=1970-01-04>c</time>",
                3, 8);
    check_dates("<nav><time datetime=1970-01-03>x</time></nav>"
                "<p>A text that is long enough to be a page's own, and not its frame; it goes on "
                "for quite a while, over commas, over semicolons, and over all that a reader could "
                "wish to read on such a day, until it has more letters than the limit.",
                0, 0);
    check_dates("<time datetime=2024-12-31>is yet to come</time>", 0, 0);
    check_dates("<time datetime=soon>x</time><time>1970-01-03</time>", 0, 0);
}

static void structured_data_date_a_page(void **state)
{
    (void)state;
#define JSON(text) "<script type='application/ld+json'>" text "</script>"
    check_dates(JSON("{\"@type\":\"NewsArticle\", \"datePublished\" : \"1970-01-03\",\n"
                     "\"dateModified\":\"1970-01-04\"}"),
                2, 3);
    check_dates(JSON("{\"comment\":[{\"datePublished\":\"1970-01-09\"}],"
                     "\"datePublished\":\"1970-01-03\"}"),
                2, 2);
    check_dates(JSON("{\"a\":\"\\\"datePublished\\\":\", \"b\":\"datePublished\", \"c\":1}"), 0, 0);
    check_dates(JSON("{\"datePublished\":\"1970-01-03\"}") "<time datetime=1970-01-08>x</time>", 2,
                2);
    static const char *const broken[] = {"{\"datePublished",
                                         "{\"datePublished\"",
                                         "{\"datePublished\":",
                                         "{\"datePublished\": 3}",
                                         "{\"datePublished\":\"",
                                         "]]]}}}\"\\",
                                         "{\"datePublished\":\"1970-01-03"};
    for (size_t i = 0; i < ARRAY_COUNT(broken); i++) {
        char html[128];
        snprintf(html, sizeof(html), JSON("%s"), broken[i]);
        check_dates(html, 0, 0);
    }
#undef JSON
}

static void a_url_dates_a_page_at_last(void **state)
{
    (void)state;
    static const struct {
        const char *url;
        int64_t day;
    } rows[] = {
        {"http://example.org/2001/09/09/title", 11574},
        {"http://example.org/blog/2001-09-09-x", 11574},
        {"http://example.org/2001/09/title", 0},
        {"http://example.org/1066/10/14/", 0},
        {"http://example.org/2001/13/09/", 0},
        {"http://example.org/20010/09/09/", 0},
        {"http://example.org/2001-09/09/", 0},
    };
    for (size_t i = 0; i < ARRAY_COUNT(rows); i++) {
        struct url url;
        struct page page;
        assert_int_equal(url_parse(rows[i].url, strlen(rows[i].url), NULL, &arena, &url, NULL),
                         STATUS_OK);
        struct page_input input = {.body = (const uint8_t *)"<p>x",
                                   .body_size = 4,
                                   .content_type = "text/html",
                                   .url = &url};
        assert_int_equal(page_parse(&input, &arena, &page, NULL), STATUS_OK);
        assert_true(page.published_us == rows[i].day * INT64_C(86400000000));
    }
}

static void what_a_page_was_read_as_is_said(void **state)
{
    (void)state;
    assert_string_equal(parse_as("text/html", "x", 1).content_type, "text/html");
    assert_string_equal(parse_as("application/xhtml+xml", "<html/>", 7).content_type,
                        "application/xhtml+xml");
    assert_string_equal(parse_as("text/plain", "x", 1).content_type, "text/plain");
    assert_string_equal(parse_as("text/markdown; charset=utf-8", "x", 1).content_type,
                        "text/markdown");
    assert_string_equal(parse_as(NULL, "<!doctype html>x", 16).content_type, "text/html");
    assert_string_equal(parse_as(NULL, "words", 5).content_type, "text/plain");
}

static void check_directives(const char *html, const char *headers, const char *expected)
{
    struct page page;
    struct page_input input = {.body = (const uint8_t *)html,
                               .body_size = strlen(html),
                               .content_type = "text/html",
                               .robots_tags = headers};
    assert_int_equal(parse_input(input, &page), STATUS_OK);
    char found[5] = "----";
    found[0] = page.noindex ? 'i' : '-';
    found[1] = page.nofollow ? 'f' : '-';
    found[2] = page.noarchive ? 'a' : '-';
    found[3] = page.nosnippet ? 's' : '-';
    assert_string_equal(found, expected);
}

static void wishes_to_crawlers_are_heard(void **state)
{
    (void)state;
    check_directives("<p>", NULL, "----");
    check_directives("<meta name=robots content='NoIndex , nofollow'>", NULL, "if--");
    check_directives("<meta name=ROBOTS content=none>", NULL, "if--");
    check_directives("<meta name=Tierce content=noarchive><meta name=robots content=nosnippet>",
                     NULL, "--as");
    check_directives("<meta name=otherbot content=noindex>", NULL, "----");
    check_directives("<meta name=robots content='max-snippet:0'>", "", "---s");
    check_directives("<p>", "max-video-preview: 1, noarchive", "--a-");
    check_directives("<p>", "noindex", "i---");
    check_directives("<p>", "tierce: noindex, nofollow", "if--");
    check_directives("<p>", "otherbot: noindex, nofollow", "----");
    check_directives("<p>", "otherbot: noindex\nnoarchive", "--a-");
    check_directives("<p>", "unavailable_after: 25 Jun 2010 15:00:00 PST", "----");
    check_directives("<p>", "noindex, unavailable_after: 25 Jun 2010 15:00:00 PST", "i---");
    check_directives("<meta name=robots content=nofollow>", "noindex", "if--");
    struct page page = parse("<a href=a>a</a><meta name=robots content=nofollow>");
    assert_true(page.links[0].nofollow);
}

static void charsets_reach_the_text(void **state)
{
    (void)state;
    static const char link[] = "<a href='/\xE4?q=\xE4'>x</a>";
    assert_string_equal(parse_as("text/html; charset=latin1", link, sizeof(link) - 1).links[0].url,
                        "http://example.org/%C3%A4?q=%E4");
    static const char koi8[] = "<meta charset=koi8-r><title>\xD1</title>";
    struct page page = parse_as("text/html", koi8, sizeof(koi8) - 1);
    assert_string_equal(page.charset, "koi8-r");
    assert_string_equal(page.title, "\xD1\x8F");
    page = parse_as("text/html; Charset=\"ISO-8859-1\"", "<title>\xE4", 8);
    assert_string_equal(page.title, "\xC3\xA4");
    page = parse_as("text/html;x=\"; charset=big5\"; charset=\"ISO-8859-1\";y=z", "<title>\xE4", 8);
    assert_string_equal(page.title, "\xC3\xA4");
    page = parse_as("text/html; version=koi8-r", "<title>caf\xE9", 11);
    assert_string_equal(page.title, "caf\xC3\xA9");
    assert_string_equal(parse_as("text/plain; charset=utf-16le", "a\0b\0", 4).text, "ab");
    assert_string_equal(parse_as("text/plain", "\xFE\xFF\0a", 4).text, "a");
    page = parse_as("text/html; charset=utf-16", "\xFF\xFE<\0p\0>\0a\0", 10);
    assert_string_equal(page.text, "a");
    page = parse_as("text/html", "<p>a\0b\xFF", 7);
    assert_int_equal(strlen(page.text), page.text_size);
}

static void other_texts_have_no_links(void **state)
{
    (void)state;
    struct page page = parse_as("text/plain", " one  <a href=x>\r\ntwo\n\n\nthree ", 30);
    assert_string_equal(page.text, "one <a href=x>\ntwo\nthree");
    assert_string_equal(page.title, "");
    assert_int_equal(page.link_count, 0);
    assert_string_equal(parse_as("text/css; x=y", "a{}", 3).text, "a{}");
    assert_string_equal(parse_as("application/xhtml+xml", "<p>a", 4).text, "a");
    assert_string_equal(parse_as("application/xml", "<?xml version='1.0'?><html><p>a", 31).text,
                        "a");
}

static void without_a_type_the_body_tells(void **state)
{
    (void)state;
    assert_string_equal(parse_as(NULL, "\n <!DOCTYPE html><p>a", 21).text, "a");
    assert_string_equal(parse_as("", "<html lang=en><p>a", 18).text, "a");
    assert_string_equal(parse_as("nonsense", "1 < 2", 5).text, "1 < 2");
    assert_string_equal(parse_as(NULL, "", 0).text, "");
}

static void what_is_no_text_is_unsupported(void **state)
{
    (void)state;
    static const struct {
        const char *type;
        const char *body;
        size_t size;
    } rows[] = {
        {"image/png", "\x89PNG", 4},
        {"application/json", "{}", 2},
        {"text/plain", "a\0b", 3},
        {NULL,
         "\x7F"
         "ELF\2\1\1",
         7},
        {"image/svg+xml", "<svg>", 5},
        {"text/xml", "<note>", 6},
        {"application/gzip", "\x1F\x8B\x08 and no more", 14},
    };
    for (size_t i = 0; i < ARRAY_COUNT(rows); i++) {
        struct page page = {.title = "untouched"};
        struct page_input input = {.body = (const uint8_t *)rows[i].body,
                                   .body_size = rows[i].size,
                                   .content_type = rows[i].type};
        assert_int_equal(parse_input(input, &page), STATUS_UNSUPPORTED);
        assert_string_equal(page.title, "untouched");
        assert_non_null(strstr(err.text, "is no text"));
    }
}

static void every_cut_of_a_page_is_parsed_as_far_as_it_goes(void **state)
{
    (void)state;
    static const char html[] =
        "<!doctype html><html lang=en><head><title>A &amp; b</title><meta name=description "
        "content=\"c\"></head><body><h1>d</h1><a href=\"x?y\" rel=nofollow>e</a><pre>f\ng</pre>";
    for (size_t size = 0; size < sizeof(html); size++) {
        struct page page = parse_as("text/html", html, size);
        assert_true(size < sizeof(html) - 1 || page.link_count == 1);
        arena_reset(&arena);
    }
}

/* ---- limits -----------------------------------------------------------------------------------
 */

static struct page parse_repeated(const char *before, const char *repeated, size_t size)
{
    struct buffer buffer = {0};
    buffer_append_string(&buffer, before);
    while (buffer.size < size)
        buffer_append_string(&buffer, repeated);
    struct page page = parse_as("text/html", (const char *)buffer.data, buffer.size);
    buffer_release(&buffer);
    return page;
}

static void links_headings_and_texts_are_limited(void **state)
{
    (void)state;
    struct page page = parse_repeated("", "<a href='mailto:x'></a><a href=a>b</a>", 300000);
    assert_int_equal(page.link_count, PAGE_LINKS_MAX);
    assert_true(page.links_cut);
    assert_false(page.text_cut);
    page = parse_repeated("", "<h1>a</h1>", 10000);
    assert_int_equal(page.heading_count, PAGE_HEADINGS_MAX);
    assert_true(page.text_cut);
    page = parse_repeated("<a href=a>", "long ", 3u << 20);
    assert_int_equal(page.link_count, 1);
    assert_true(strlen(page.links[0].anchor) <= PAGE_ANCHOR_BYTES_MAX);
    assert_true(page.text_size <= PAGE_TEXT_BYTES_MAX);
    assert_true(page.text_size > PAGE_TEXT_BYTES_MAX - 10);
    assert_true(page.text_cut);
    page = parse_repeated("", "<b>", 50000);
    assert_true(page.text_cut && page.links_cut);
    page = parse_repeated("", "x<br>", 1200000);
    assert_true(page.text_cut);
    page = parse_repeated("<p>", "word ", PAGE_BODY_BYTES_MAX + 100);
    assert_true(page.text_cut && page.links_cut);
}

static void a_body_cut_before_is_said_to_be_cut(void **state)
{
    (void)state;
    struct page page;
    struct page_input input = {.body = (const uint8_t *)"<p>a",
                               .body_size = 4,
                               .content_type = "text/html",
                               .truncated = true};
    assert_int_equal(parse_input(input, &page), STATUS_OK);
    assert_true(page.text_cut && page.links_cut);
    assert_string_equal(page.text, "a");
}

static void hostile_markup_ends_in_bounded_time(void **state)
{
    (void)state;
    static const char *const repeated[] = {
        "<div>",

        "<table>",
        "<!--",
        "<a b c d e f g h i j k l m n o p q r s t u v w x y z=1>",
    };
    for (size_t i = 0; i < ARRAY_COUNT(repeated); i++) {
        clock_t start = clock();
        struct buffer buffer = {0};
        while (buffer.size < PAGE_BODY_BYTES_MAX / 2)
            buffer_append_string(&buffer, repeated[i]);
        struct page page;
        struct page_input input = {
            .body = buffer.data, .body_size = buffer.size, .content_type = "text/html"};
        assert_int_equal(parse_input(input, &page), STATUS_OK);
        buffer_release(&buffer);
        arena_reset(&arena);
        double seconds = (double)(clock() - start) / CLOCKS_PER_SEC;
        print_message("%-60s %.2f s\n", repeated[i], seconds);
        assert_true(seconds < 30); /* with room for slow machines and sanitizers */
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_teardown(the_text_is_what_is_seen, forget),
        cmocka_unit_test_teardown(preformatted_text_keeps_its_lines, forget),
        cmocka_unit_test_teardown(the_title_is_one_line_within_its_limit, forget),
        cmocka_unit_test_teardown(headings_have_levels, forget),
        cmocka_unit_test_teardown(links_are_absolute_and_have_their_text, forget),
        cmocka_unit_test_teardown(the_first_base_holds_for_the_whole_page, forget),
        cmocka_unit_test_teardown(a_refresh_is_a_link, forget),
        cmocka_unit_test_teardown(a_quick_refresh_is_a_redirect, forget),
        cmocka_unit_test_teardown(relations_of_elements_and_headers_are_one, forget),
        cmocka_unit_test_teardown(a_canonical_counts_only_in_the_head, forget),
        cmocka_unit_test_teardown(descriptions_and_languages_are_read, forget),
        cmocka_unit_test_teardown(a_page_is_dated_by_itself_before_its_server, forget),
        cmocka_unit_test_teardown(a_page_s_publication_is_told_from_its_change, forget),
        cmocka_unit_test_teardown(structured_data_date_a_page, forget),
        cmocka_unit_test_teardown(a_url_dates_a_page_at_last, forget),
        cmocka_unit_test_teardown(what_a_page_was_read_as_is_said, forget),
        cmocka_unit_test_teardown(wishes_to_crawlers_are_heard, forget),
        cmocka_unit_test_teardown(charsets_reach_the_text, forget),
        cmocka_unit_test_teardown(other_texts_have_no_links, forget),
        cmocka_unit_test_teardown(without_a_type_the_body_tells, forget),
        cmocka_unit_test_teardown(what_is_no_text_is_unsupported, forget),
        cmocka_unit_test_teardown(every_cut_of_a_page_is_parsed_as_far_as_it_goes, forget),
        cmocka_unit_test_teardown(links_headings_and_texts_are_limited, forget),
        cmocka_unit_test_teardown(a_body_cut_before_is_said_to_be_cut, forget),
        cmocka_unit_test_teardown(hostile_markup_ends_in_bounded_time, forget),
    };
    return cmocka_run_group_tests_name("page", tests, NULL, NULL);
}
