#include "gateway/pages.h"

#include <dirent.h>
#include <gumbo.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include <cmocka.h>

#include "base/bytes.h"
#include "base/file.h"
#include "gateway/routes.h"
#include "tests/unit/gateway/http_fake.h"

static struct gateway gateway;
static struct service *service;
static struct arena arena;
static struct http_response response;
static struct http_request request;

static int set_up(void **state)
{
    (void)state;
    memset(&gateway, 0, sizeof(gateway));
    return fake_service_open(&gateway, &service, NULL) == STATUS_OK ? 0 : -1;
}

static int tear_down(void **state)
{
    (void)state;
    fake_service_close(service);
    http_response_release(&response);
    arena_release(&arena);
    return 0;
}

static const char *page(const char *target)
{
    const struct http_thread thread = {&FAKE_BACKEND, &gateway, service};
    const struct http_variables variables = {.request_method = "GET",
                                             .request_uri = target,
                                             .host = "localhost:8443",
                                             .authorization = "Bearer " FAKE_TOKEN};
    arena_reset(&arena);
    http_response_reset(&response);
    http_answer(&thread, &variables, NULL, NULL, &arena, &request, &response);
    assert_string_equal(response.content_type, "text/html; charset=utf-8");
    return buffer_string(&response.body);
}

/* ---- what a browser makes of a page ---- */

static bool is_safe_link(const char *value)
{
    if (value[0] == '#' || (value[0] == '/' && value[1] != '/'))
        return true;
    return strncasecmp(value, "https://", 8) == 0 || strncasecmp(value, "http://", 7) == 0;
}

static void check_attribute(const GumboElement *element, const GumboAttribute *attribute)
{
    static const char *const links[] = {"href", "src", "action", "formaction", "srcset", "data"};
    if (strncasecmp(attribute->name, "on", 2) == 0 || strcasecmp(attribute->name, "style") == 0 ||
        strcasecmp(attribute->name, "srcdoc") == 0)
        fail_msg("<%s %s>", gumbo_normalized_tagname(element->tag), attribute->name);
    for (size_t i = 0; i < ARRAY_COUNT(links); i++)
        if (strcasecmp(attribute->name, links[i]) == 0 && !is_safe_link(attribute->value))
            fail_msg("%s=%s", attribute->name, attribute->value);
}

static void check_element(const GumboElement *element)
{
    static const GumboTag allowed[] = {
        GUMBO_TAG_HTML,     GUMBO_TAG_HEAD,     GUMBO_TAG_META,   GUMBO_TAG_TITLE,
        GUMBO_TAG_LINK,     GUMBO_TAG_SCRIPT,   GUMBO_TAG_BODY,   GUMBO_TAG_A,
        GUMBO_TAG_HEADER,   GUMBO_TAG_IMG,      GUMBO_TAG_SPAN,   GUMBO_TAG_FORM,
        GUMBO_TAG_INPUT,    GUMBO_TAG_BUTTON,   GUMBO_TAG_MAIN,   GUMBO_TAG_P,
        GUMBO_TAG_UL,       GUMBO_TAG_OL,       GUMBO_TAG_LI,     GUMBO_TAG_H1,
        GUMBO_TAG_H2,       GUMBO_TAG_B,        GUMBO_TAG_I,      GUMBO_TAG_Q,
        GUMBO_TAG_MARK,     GUMBO_TAG_TIME,     GUMBO_TAG_NAV,    GUMBO_TAG_FOOTER,
        GUMBO_TAG_SECTION,  GUMBO_TAG_DIV,      GUMBO_TAG_DL,     GUMBO_TAG_DT,
        GUMBO_TAG_DD,       GUMBO_TAG_TABLE,    GUMBO_TAG_THEAD,  GUMBO_TAG_TBODY,
        GUMBO_TAG_TR,       GUMBO_TAG_TH,       GUMBO_TAG_TD,     GUMBO_TAG_TEMPLATE,
        GUMBO_TAG_TEXTAREA, GUMBO_TAG_LABEL,    GUMBO_TAG_OUTPUT, GUMBO_TAG_SELECT,
        GUMBO_TAG_OPTION,   GUMBO_TAG_DETAILS,  GUMBO_TAG_CODE,   GUMBO_TAG_SUMMARY,
        GUMBO_TAG_PRE,      GUMBO_TAG_NOSCRIPT,
    };
    bool is_allowed = false;
    for (size_t i = 0; i < ARRAY_COUNT(allowed); i++)
        is_allowed |= element->tag == allowed[i];
    if (!is_allowed)
        fail_msg("<%s>", gumbo_normalized_tagname(element->tag));
    for (unsigned i = 0; i < element->attributes.length; i++)
        check_attribute(element, element->attributes.data[i]);
    if (element->tag == GUMBO_TAG_SCRIPT) {
        const GumboAttribute *source = gumbo_get_attribute(&element->attributes, "src");
        assert_non_null(source);
        assert_memory_equal(source->value, "/static/", 8);
        assert_int_equal(element->children.length, 0);
    }
    if (element->tag == GUMBO_TAG_IMG)
        assert_memory_equal(gumbo_get_attribute(&element->attributes, "src")->value, "/static/", 8);
}

/* Walks the tree; appends its text. */
static void check_node(const GumboNode *node, struct buffer *ret_text)
{
    if (node->type == GUMBO_NODE_TEXT || node->type == GUMBO_NODE_WHITESPACE) {
        buffer_append_string(ret_text, node->v.text.text);
        return;
    }
    assert_int_not_equal(node->type, GUMBO_NODE_COMMENT);
    assert_int_not_equal(node->type, GUMBO_NODE_CDATA);
    const GumboVector *children = &node->v.document.children;
    if (node->type == GUMBO_NODE_ELEMENT || node->type == GUMBO_NODE_TEMPLATE) {
        check_element(&node->v.element);
        children = &node->v.element.children;
    }
    for (unsigned i = 0; i < children->length; i++)
        check_node(children->data[i], ret_text);
}

/* The text of the page as a browser shows it, having made sure that nothing in it can run. */
static void check_page(const char *html, struct buffer *ret_text)
{
    GumboOutput *output = gumbo_parse(html);
    assert_non_null(output);
    check_node(output->document, ret_text);
    gumbo_destroy_output(&kGumboDefaultOptions, output);
}

static void hostile_text_is_shown_and_never_run(void **state)
{
    (void)state;
    static const char *const targets[] = {
        "/",
        "/search?q=%3Cscript%3Ealert(1)%3C/script%3E%22%27%3E%3Cimg+src=x+onerror=alert(2)%3E",
        "/search?q=%22+autofocus+onfocus=alert(1)+x=%22",
        "/backlinks?url=%22%3E%3Cscript%3Ealert(1)%3C/script%3E",
        "/admin?why=%22%3E%3Cscript%3Ealert(1)%3C/script%3E",
        "/admin/login?code=%3Cscript%3E",
        "/%3Cscript%3Ealert(1)%3C/script%3E",
    };
    gateway.is_hostile = true;
    for (size_t i = 0; i < ARRAY_COUNT(targets); i++) {
        struct buffer text = {0};
        check_page(page(targets[i]), &text);
        assert_non_null(strstr(buffer_string(&text), FAKE_ATTACK)); /* at least the name */
        buffer_release(&text);
    }
}

static void words_of_an_error_are_shown_and_never_run(void **state)
{
    (void)state;
    static const char *const targets[] = {"/search?q=a", "/backlinks?url=a", "/admin"};
    gateway.failure = STATUS_INVALID;
    for (size_t i = 0; i < ARRAY_COUNT(targets); i++) {
        struct buffer text = {0};
        check_page(page(targets[i]), &text);
        assert_int_equal(response.status, 400);
        assert_non_null(strstr(buffer_string(&text), FAKE_ATTACK));
        buffer_release(&text);
    }
}

static void a_result_without_a_web_address_is_no_link(void **state)
{
    (void)state;
    gateway.is_hostile = true;
    const char *html = page("/search?q=a");
    assert_null(strstr(html, "href=\"javascript"));
    assert_null(strstr(html, "href=\"data"));
}

static void ordinary_pages_are_what_they_should_be(void **state)
{
    (void)state;
    static const struct {
        const char *target, *words;
    } cases[] = {
        {"/", "123,456 pages to search"},
        {"/search?q=a", "1–10 of at least 1,000 results in 3.5 ms"},
        {"/search?q=a", "Read as b-tree index"},
        {"/search?q=a", "“the” is too frequent"},
        {"/search?q=a", "www.postgresql.org › docs › 15 › btree-implementation.html"},
        {"/search?q=a&page=2", "11–20 of at least"},
        {"/search?q=a+partial", "Incomplete: 1 of 2 parts of the index"},
        {"/backlinks?url=http://partial.example/", "Incomplete: a part of the index is being"},
        {"/search?q=nothing", "No page has all of these words"},
        {"/backlinks?url=https://a/", "42 pages link to a"},
        {"/backlinks?url=https://a/", "says the PostgreSQL manual"},
        {"/admin", "config.yaml:12:5: crawl.delay"},
        {"/admin", "b-tree index"},
    };
    for (size_t i = 0; i < ARRAY_COUNT(cases); i++) {
        struct buffer text = {0};
        check_page(page(cases[i].target), &text);
        if (strstr(buffer_string(&text), cases[i].words) == NULL)
            fail_msg("%s does not say %s", cases[i].target, cases[i].words);
        buffer_release(&text);
    }
}

static void an_empty_installation_says_what_to_do(void **state)
{
    (void)state;
    gateway.is_empty = true;
    assert_non_null(strstr(page("/"), "tierce crawl https://example.org/"));
    assert_non_null(strstr(page("/search?q=a"), "tierce crawl https://example.org/"));
    assert_non_null(strstr(page("/backlinks?url=https://a/"), "No page that was crawled links"));
    const char *admin = page("/admin");
    assert_non_null(strstr(admin, "No barrel is running"));
    assert_non_null(strstr(admin, "No sources yet"));
    assert_non_null(strstr(admin, "Nobody has searched yet"));
    assert_non_null(strstr(admin, "No downloader is running"));
    assert_non_null(strstr(admin, "The indexserver has not reported yet"));
}

static void pagination_stays_within_what_can_be_reached(void **state)
{
    (void)state;
    const char *html = page("/search?q=a+b&page=100");
    assert_non_null(strstr(html, "aria-current=\"page\" href=\"/search?q=a+b&amp;page=100\""));
    assert_null(strstr(html, "page=101"));
    assert_null(strstr(html, "rel=\"next\""));
    html = page("/search?q=a+b");
    assert_null(strstr(html, "rel=\"prev\""));
    assert_non_null(strstr(html, "rel=\"next\" href=\"/search?q=a+b&amp;page=2\""));
}

static void the_first_page_has_the_focus_in_the_search_box(void **state)
{
    (void)state;
    assert_non_null(strstr(page("/"), " autofocus>"));
    assert_null(strstr(page("/search?q=a"), " autofocus>"));
}

/* ---- the files beside the pages ---- */

static void read_file(const char *name, struct buffer *ret_bytes)
{
    char path[300];
    snprintf(path, sizeof(path), "proxy/static/%s", name);
    assert_int_equal(file_read(path, 1024 * 1024, ret_bytes, NULL), STATUS_OK);
}

static int by_name(const struct dirent **a, const struct dirent **b)
{
    return strcmp((*a)->d_name, (*b)->d_name);
}

static void the_tag_of_the_static_files_is_that_of_their_bytes(void **state)
{
    (void)state;
    struct dirent **entries;
    struct buffer bytes = {0};
    int count = scandir("proxy/static", &entries, NULL, by_name);
    assert_true(count > 0);
    for (int i = 0; i < count; i++) {
        if (entries[i]->d_name[0] != '.') {
            buffer_append_string(&bytes, entries[i]->d_name);
            read_file(entries[i]->d_name, &bytes);
        }
        free(entries[i]);
    }
    free(entries);
    char tag[17];
    uint8_t hash[8];
    put_be64(hash, hash64(bytes.data, bytes.size));
    buffer_release(&bytes);
    hex_encode(hash, sizeof(hash), tag);
    if (strcmp(tag, PAGE_STATIC_TAG) != 0)
        fail_msg("proxy/static has changed: in workers/gateway/pages.h, PAGE_STATIC_TAG must be "
                 "\"%s\"",
                 tag);
}

static void a_result_page_is_small(void **state)
{
    (void)state;
    static const char *const files[] = {"tierce.css", "tierce.js", "icon.svg"};
    struct buffer bytes = {0};
    for (size_t i = 0; i < ARRAY_COUNT(files); i++)
        read_file(files[i], &bytes);
    size_t page_size = strlen(page("/search?q=a"));
    assert_true(bytes.size + page_size < 20 * 1000);
    buffer_release(&bytes);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(hostile_text_is_shown_and_never_run),
        TEST(words_of_an_error_are_shown_and_never_run),
        TEST(a_result_without_a_web_address_is_no_link),
        TEST(ordinary_pages_are_what_they_should_be),
        TEST(an_empty_installation_says_what_to_do),
        TEST(pagination_stays_within_what_can_be_reached),
        TEST(the_first_page_has_the_focus_in_the_search_box),
        TEST(the_tag_of_the_static_files_is_that_of_their_bytes),
        TEST(a_result_page_is_small),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
