#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/buffer.h"
#include "page/page.h"

#define PROSE                                                                                      \
    "The tide tables of the northern harbours were first printed in the year of the great storm, " \
    "and every skipper kept a copy of them below the compass. "
#define LINKS                                                                                      \
    "<ul><li><a href=/1>First thing elsewhere</a><li><a href=/2>Second thing elsewhere</a>"        \
    "<li><a href=/3>Third thing elsewhere</a></ul>"

static struct arena arena;

static int forget(void **state)
{
    (void)state;
    arena_release(&arena);
    return 0;
}

static struct page parse(const char *html)
{
    static const char text[] = "http://example.org/page.html";
    struct url url;
    struct page page;
    assert_int_equal(url_parse(text, strlen(text), NULL, &arena, &url, NULL), STATUS_OK);
    struct page_input input = {.body = (const uint8_t *)html,
                               .body_size = strlen(html),
                               .content_type = "text/html; charset=utf-8",
                               .url = &url};
    assert_int_equal(page_parse(&input, &arena, &page, NULL), STATUS_OK);
    return page;
}

static bool has(const char *text, const char *words)
{
    return strstr(text, words) != NULL;
}

/* Words of the page's frame are in its rest, and only there. */
static void check_frame(const char *html)
{
    struct page page = parse(html);
    if (!has(page.text, "tide tables") || has(page.text, "FRAME") || !has(page.rest, "FRAME"))
        print_message("%s\n-> %s\n-- %s\n", html, page.text, page.rest);
    assert_true(has(page.text, "tide tables"));
    assert_false(has(page.text, "FRAME"));
    assert_true(has(page.rest, "FRAME"));
    assert_false(has(page.rest, "tide tables"));
}

/* All words are the page's content. */
static void check_kept(const char *html)
{
    struct page page = parse(html);
    if (!has(page.text, "KEPT"))
        print_message("%s\n-> %s\n-- %s\n", html, page.text, page.rest);
    assert_true(has(page.text, "KEPT"));
}

static void what_tags_and_roles_say_is_believed(void **state)
{
    (void)state;
    check_frame("<nav>FRAME</nav><p>" PROSE PROSE);
    check_frame("<header>FRAME</header><p>" PROSE PROSE);
    check_frame("<p>" PROSE PROSE "<footer>FRAME</footer>");
    check_frame("<p>" PROSE PROSE "<aside>FRAME</aside>");
    check_frame("<div role=navigation>FRAME</div><p>" PROSE PROSE);
    check_frame("<div role='x BANNER'>FRAME</div><p>" PROSE PROSE);
    check_frame("<div role=contentinfo>FRAME</div><p>" PROSE PROSE);
    check_frame("<div role=search>FRAME</div><p>" PROSE PROSE);
    check_frame("<div role=dialog>FRAME</div><p>" PROSE PROSE);
    check_frame("<p>" PROSE PROSE "<span aria-hidden=true>FRAME</span>");
    check_frame("<p>" PROSE PROSE "<button>FRAME</button>");
    check_frame("<div>FRAME, and more of what stands beside</div><main><p>" PROSE PROSE "</main>");
    check_frame("<div>FRAME</div><div role=main><p>" PROSE PROSE "</div>");
}

static void what_classes_and_ids_say_is_believed_of_boxes(void **state)
{
    (void)state;
    static const char *const names[] = {
        "class=breadcrumbs",
        "class='c-breadcrumb x'",
        "id=cookie-notice",
        "class=topNav",
        "class=site-footer",
        "id=footer",
        "class=pagination",
        "class=cookieBanner",
        "class=share-buttons",
        "class=navbar-default",
        "id=gdpr",
        "class=newsletter",
    };
    for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
        struct buffer html = {0};
        buffer_append_format(&html, "<p>%s%s<div %s>FRAME of words</div>", PROSE, PROSE, names[i]);
        check_frame(buffer_string(&html));
        buffer_release(&html);
    }
    check_frame("<p>" PROSE PROSE "<div class=sidebar><h3>FRAME</h3>" LINKS "</div>");
    check_frame("<article><p>" PROSE PROSE "<div class=related><h3>FRAME</h3>" LINKS
                "</div></article>");
}

static void names_with_other_uses_are_not(void **state)
{
    (void)state;
    check_kept("<p>" PROSE PROSE "<div class=sidebar><p>KEPT " PROSE PROSE "</div>");
    check_kept("<p>" PROSE PROSE "<section id=navigation><h2>KEPT</h2><p>" PROSE "</section>");
    check_kept("<p>" PROSE PROSE "<div id=login_required>KEPT</div>");
    check_kept("<p>" PROSE PROSE "<div id=menus-and-tool-bars>KEPT</div>");
    check_kept("<body class=has-sidebar><p>KEPT " PROSE);
    check_kept("<div class='post-7 post category-gdpr tag-cookies'><p>KEPT " PROSE
               "</div><p>" PROSE PROSE PROSE PROSE PROSE PROSE);
    check_kept("<div class='entry category-gdpr tag-share'>KEPT</div><p>" PROSE PROSE);
    check_kept("<div class='hentry share'>KEPT</div><p>" PROSE PROSE);
    check_kept("<div class=share-page><h1>KEPT</h1></div><p>" PROSE PROSE);
    check_kept("<p>" PROSE PROSE "<table><tr class=header><th>KEPT</table>");
    check_kept("<p>" PROSE PROSE "<div class=footnote>KEPT</div>");
    check_kept("<article><header><h1>KEPT</h1></header><p>" PROSE "</article>");
    check_kept("<header><h1>KEPT</h1><nav>x</nav></header><p>" PROSE PROSE);
    check_kept("<article><p>" PROSE "<aside>KEPT: " PROSE "</aside></article>");
    check_kept("<form action=/><p>KEPT " PROSE PROSE "</form>");
    check_kept("<p>" PROSE PROSE "<h2><button>KEPT</button></h2>");
    check_kept("<a name=top><p>KEPT " PROSE); /* never closed */
}

static void links_beside_the_prose_are_left_out(void **state)
{
    (void)state;
    check_frame("<table><tr><td><a href=/>FRAME</a> | <a href=/x>FRAME</a></td></tr></table>"
                "<div><h1>Tides</h1><p>" PROSE "<p>" PROSE "</div>");
    check_frame("<div><p>" PROSE "<p>" PROSE PROSE "</div><div><h2>FRAME</h2>" LINKS "</div>");
    check_kept("<div><p>" PROSE "<p>" PROSE "<ul><li><a href=/1>KEPT</a></ul></div>");
    check_kept("<div>KEPT by nobody</div><div><p>" PROSE "<p>" PROSE "</div>");
    check_kept("<div><a href=#here>KEPT</a></div><div><p>" PROSE "<p>" PROSE "</div>");
}

static void a_list_of_links_is_the_page_itself(void **state)
{
    (void)state;
    assert_true(has(parse("<h1>Index</h1>" LINKS).text, "Second thing"));
    assert_true(has(parse("<nav>" LINKS "</nav>").text, "Second thing"));
    assert_true(has(parse("<div class=menu>" LINKS "</div><p>Choose.").text, "Second thing"));
    assert_true(
        has(parse("<div><p>" PROSE "</div><div>" LINKS LINKS LINKS "</div>").text, "Second thing"));
    assert_string_equal(parse("<nav>" LINKS "</nav>").rest, "");
}

static void a_short_page_is_whole(void **state)
{
    (void)state;
    assert_string_equal(parse("<nav>Home</nav><p>Gone fishing").text, "Gone fishing");
    assert_true(has(parse("<nav>" LINKS "</nav><p>No.").text, "First thing"));
    struct page page = parse("<nav>" LINKS "</nav><main>Gone fishing until the spring</main>");
    assert_string_equal(page.text, "Gone fishing until the spring");
}

static void headings_of_the_frame_are_none_of_the_page(void **state)
{
    (void)state;
    struct page page = parse("<nav><h2>Menu</h2></nav><h1>Tides</h1><p>" PROSE PROSE
                             "<footer><h3>About us</h3></footer>");
    assert_int_equal(page.heading_count, 1);
    assert_string_equal(page.headings[0].text, "Tides");
}

static void links_are_followed_wherever_they_stand(void **state)
{
    (void)state;
    struct page page =
        parse("<nav><a href=/a>one</a></nav><p>" PROSE PROSE "<footer><a href=/b>two</a></footer>");
    assert_int_equal(page.link_count, 2);
    assert_string_equal(page.links[0].anchor, "one");
    assert_string_equal(page.links[1].url, "http://example.org/b");
}

static void what_is_not_to_be_shown_is_in_no_text(void **state)
{
    (void)state;
    struct page page = parse("<p>" PROSE "<span data-nosnippet>Secret</span> end"
                             "<div data-nosnippet><p>Hush</div><nav>x</nav>");
    assert_false(has(page.text, "Secret"));
    assert_false(has(page.text, "Hush"));
    assert_true(has(page.text, "compass. end"));
    assert_true(has(page.rest, "Secret"));
}

static void hostile_names_and_nesting_are_survived(void **state)
{
    (void)state;
    struct buffer html = {0};
    buffer_append_string(&html, "<div class='");
    for (int i = 0; i < 100000; i++)
        buffer_append_string(&html, "n a v -");
    buffer_append_string(&html, "'>");
    for (int i = 0; i < 600; i++)
        buffer_append_string(&html, "<div class=nav><article>x");
    buffer_append_string(&html, PROSE);
    (void)parse(buffer_string(&html));
    buffer_release(&html);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_teardown(what_tags_and_roles_say_is_believed, forget),
        cmocka_unit_test_teardown(what_classes_and_ids_say_is_believed_of_boxes, forget),
        cmocka_unit_test_teardown(names_with_other_uses_are_not, forget),
        cmocka_unit_test_teardown(links_beside_the_prose_are_left_out, forget),
        cmocka_unit_test_teardown(a_list_of_links_is_the_page_itself, forget),
        cmocka_unit_test_teardown(a_short_page_is_whole, forget),
        cmocka_unit_test_teardown(headings_of_the_frame_are_none_of_the_page, forget),
        cmocka_unit_test_teardown(links_are_followed_wherever_they_stand, forget),
        cmocka_unit_test_teardown(what_is_not_to_be_shown_is_in_no_text, forget),
        cmocka_unit_test_teardown(hostile_names_and_nesting_are_survived, forget),
    };
    return cmocka_run_group_tests_name("main_text", tests, NULL, NULL);
}
