#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "crawl/url.h"
#include "tests/unit/crawl/json.h"
#include "tests/unit/crawl/suite.h"

static struct arena arena;

static int forget(void **state)
{
    (void)state;
    arena_release(&arena);
    return 0;
}

/* The text is copied into memory of its own size, so that reading over its end is seen. */
static enum status parse_sized(const char *text, size_t size, const struct url *base,
                               struct url *ret_url)
{
    char *copy = malloc(size + (size == 0));
    memcpy(copy, text, size);
    struct error err = {0};
    enum status status = url_parse(copy, size, base, &arena, ret_url, &err);
    assert_true(status == STATUS_OK || err.text[0] != '\0');
    free(copy);
    return status;
}

static enum status parse(const char *text, const struct url *base, struct url *ret_url)
{
    return parse_sized(text, strlen(text), base, ret_url);
}

/* NULL for what is refused. */
static const char *normal(const char *text, const char *base_text)
{
    struct url base, url;
    if (base_text != NULL)
        assert_int_equal(parse(base_text, NULL, &base), STATUS_OK);
    return parse(text, base_text == NULL ? NULL : &base, &url) == STATUS_OK ? url.text : NULL;
}

struct pair {
    const char *text;
    const char *expected;
};

static void check_pairs(const struct pair *pairs, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        const char *text = normal(pairs[i].text, NULL);
        if (text == NULL || strcmp(text, pairs[i].expected) != 0)
            fail_msg("%s gives %s, not %s", pairs[i].text, text == NULL ? "an error" : text,
                     pairs[i].expected);
    }
}

static void scheme_and_host_are_lower_case_and_default_ports_go(void **state)
{
    (void)state;
    static const struct pair pairs[] = {
        {"HTTP://Example.ORG", "http://example.org/"},
        {"http://ABCXYZ.az/", "http://abcxyz.az/"},
        {"https://example.org:443/a", "https://example.org/a"},
        {"http://example.org:443/a", "http://example.org:443/a"},
        {"http://example.org:0080", "http://example.org/"},
        {"http://example.org:", "http://example.org/"},
        {"http:\\\\example.org\\a\\b", "http://example.org/a/b"},
        {" \t\nhttp://exa\nmple.org/a\tb ", "http://example.org/ab"},
        {"http:example.org/a", "http://example.org/a"},
        {"http://a./", "http://a/"},
        {"http://a../", "http://a../"},
        {"http://example.org./a", "http://example.org/a"},
        {"http://@example.org/", "http://example.org/"},
    };
    check_pairs(pairs, ARRAY_COUNT(pairs));
}

static void international_names_become_punycode(void **state)
{
    (void)state;
    static const struct pair pairs[] = {
        {"http://B\xC3\xBC"
         "cher.de/",
         "http://xn--bcher-kva.de/"},
        {"http://b%C3%BCcher.de/", "http://xn--bcher-kva.de/"},
        {"http://fa\xC3\x9F.de/", "http://xn--fa-hia.de/"},
        {"http://\xE1\x82\xA0\xE1\x83\x85.ge/", "http://xn--rkj0d.ge/"},
        {"http://\xE2\x99\xA5.net/", "http://xn--g6h.net/"},
        {"http://example\xE3\x80\x82org/", "http://example.org/"},
        {"http://\xEF\xBC\x91\xEF\xBC\x92\xEF\xBC\x97.0.0.1/", "http://127.0.0.1/"},
    };
    check_pairs(pairs, ARRAY_COUNT(pairs));
}

static void every_spelling_of_an_ipv4_address_is_the_same(void **state)
{
    (void)state;
    static const struct pair pairs[] = {
        {"http://127.1/", "http://127.0.0.1/"},       {"http://0x7f.1/", "http://127.0.0.1/"},
        {"http://2130706433/", "http://127.0.0.1/"},  {"http://0177.0.0.01/", "http://127.0.0.1/"},
        {"http://0x7F000001./", "http://127.0.0.1/"}, {"http://0/", "http://0.0.0.0/"},
        {"http://%31%32%37.1/", "http://127.0.0.1/"}, {"http://1.2.0x/", "http://1.2.0.0/"},
    };
    check_pairs(pairs, ARRAY_COUNT(pairs));
    assert_null(normal("http://256.1.1.1/", NULL));
    assert_null(normal("http://1.2.3.4.5/", NULL));
    assert_null(normal("http://1.2.3.09/", NULL));
    assert_null(normal("http://4294967296/", NULL));
    assert_null(normal("http://99999999999999999999999999/", NULL));
    assert_null(normal("http://example.0x1g.1/", NULL));
}

static void ipv6_addresses_are_compressed(void **state)
{
    (void)state;
    static const struct pair pairs[] = {
        {"http://[2001:DB8:0:0:1:0:0:1]:8080/", "http://[2001:db8::1:0:0:1]:8080/"},
        {"http://[::FFFF:127.0.0.1]/", "http://[::ffff:7f00:1]/"},
        {"http://[0:0:0:0:0:0:0:0]/", "http://[::]/"},
        {"http://[1:0:0:0:0:0:0:0]/", "http://[1::]/"},
        {"http://[1:0:2:0:3:0:4:0]/", "http://[1:0:2:0:3:0:4:0]/"},
    };
    check_pairs(pairs, ARRAY_COUNT(pairs));
    assert_null(normal("http://[::1/", NULL));
    assert_null(normal("http://[::1]x/", NULL));
    assert_null(normal("http://[1::2::3]/", NULL));
    assert_null(normal("http://[fe80::1%25eth0]/", NULL));
}

static void paths_lose_their_dots_and_needless_escapes(void **state)
{
    (void)state;
    static const struct pair pairs[] = {
        {"http://a/b/./c/../d", "http://a/b/d"},
        {"http://a/../../b", "http://a/b"},
        {"http://a/b/..", "http://a/"},
        {"http://a/b/%2E%2e/c%2fd", "http://a/c%2Fd"},
        {"http://a/b/.", "http://a/b/"},
        {"http://a//b//", "http://a//b//"},
        {"http://a/%7Ejoe/%41", "http://a/~joe/A"},
        {"http://a/\xC3\xA4 b", "http://a/%C3%A4%20b"},
        {"http://a/\xFF", "http://a/%EF%BF%BD"},
        {"http://a/%00%7f%c0", "http://a/%00%7F%C0"},
        {"http://a/100%", "http://a/100%25"},
        {"http://a/%%34%31", "http://a/%2541"},
        {"http://a/it's?it's", "http://a/it's?it%27s"},
        {"http://a/x|y?[z]", "http://a/x%7Cy?%5Bz%5D"},
        {"http://a?", "http://a/"},
        {"http://a?b=%c3%a4#c?d", "http://a/?b=%C3%A4"},
        {"http://a/b?c/../d", "http://a/b?c/../d"},
    };
    check_pairs(pairs, ARRAY_COUNT(pairs));
}

static void relative_texts_are_resolved(void **state)
{
    (void)state;
    static const struct pair pairs[] = {
        {"d", "http://a:81/b/d"},  {"../d", "http://a:81/d"},    {"/d", "http://a:81/d"},
        {"//d/e", "http://d/e"},   {"\\\\d\\e", "http://d/e"},   {"?x", "http://a:81/b/c?x"},
        {"", "http://a:81/b/c?q"}, {"#x", "http://a:81/b/c?q"},  {"http:d", "http://a:81/b/d"},
        {"https:d", "https://d/"}, {"http:/d", "http://a:81/d"}, {".", "http://a:81/b/"},
        {"d?", "http://a:81/b/d"}, {":81", "http://a:81/b/:81"},
    };
    for (size_t i = 0; i < ARRAY_COUNT(pairs); i++)
        assert_string_equal(normal(pairs[i].text, "http://a:81/b/c?q#f"), pairs[i].expected);
}

static void parts_are_told_apart(void **state)
{
    (void)state;
    struct url url;
    assert_int_equal(parse("https://Example.org:8443/a/b?c=d#e", NULL, &url), STATUS_OK);
    assert_string_equal(url.text, "https://example.org:8443/a/b?c=d");
    assert_int_equal(url.text_size, strlen(url.text));
    assert_string_equal(url.scheme, "https");
    assert_string_equal(url.origin, "https://example.org:8443");
    assert_string_equal(url.authority, "example.org:8443");
    assert_string_equal(url.host, "example.org");
    assert_int_equal(url.port, 8443);
    assert_string_equal(url.path, "/a/b");
    assert_string_equal(url.query, "c=d");
    assert_string_equal(url.target, "/a/b?c=d");

    struct url other;
    assert_int_equal(parse("/x", &url, &other), STATUS_OK);
    assert_string_equal(other.origin, url.origin);
    assert_string_equal(other.host, "example.org");
    assert_int_equal(other.port, 8443);
    assert_null(other.query);
    assert_int_equal(parse("http://example.org", NULL, &url), STATUS_OK);
    assert_int_equal(url.port, 80);
    assert_string_equal(url.target, "/");
}

static void what_cannot_be_crawled_is_refused_with_the_reason(void **state)
{
    (void)state;
    static const struct pair pairs[] = {
        {"ftp://example.org/", "\"ftp:\" is neither http nor https"},
        {"mailto:a@example.org", "\"mailto:\" is neither http nor https"},
        {"JavaScript:alert(1)", "\"JavaScript:\" is neither http nor https"},
        {"example.org/a", "the URL does not begin with http:// or https://"},
        {"", "the URL does not begin with http:// or https://"},
        {"http://user:secret@example.org/", "the URL holds a user name or password"},
        {"http://example.org@127.0.0.1/", "the URL holds a user name or password"},
        {"http://", "the URL has no host"},
        {"http://:80/", "the URL has no host"},
        {"http://a:b/", "the URL's port is no number"},
        {"http://a:65536/", "the URL's port is over 65535"},
        {"http://a b/", "the URL's host has a character no host may have"},
        {"http://a%00b/", "the URL's host has a character no host may have"},
        {"http://a%2Fb/", "the URL's host has a character no host may have"},
        {"http://a\xFF/", "the URL's host is no international domain name"},
    };
    for (size_t i = 0; i < ARRAY_COUNT(pairs); i++) {
        struct url url = {.text = "untouched"};
        struct error err = {0};
        assert_int_equal(url_parse(pairs[i].text, strlen(pairs[i].text), NULL, &arena, &url, &err),
                         STATUS_INVALID);
        assert_string_equal(err.text, pairs[i].expected);
        assert_string_equal(url.text, "untouched");
    }
}

static void urls_over_the_limit_are_refused(void **state)
{
    (void)state;
    char text[URL_BYTES_MAX + 100];
    memset(text, 'a', sizeof(text));
    memcpy(text, "http://a/", 9);
    struct url url;
    assert_int_equal(parse_sized(text, URL_BYTES_MAX, NULL, &url), STATUS_OK);
    assert_int_equal(url.text_size, URL_BYTES_MAX);
    assert_int_equal(parse_sized(text, URL_BYTES_MAX + 1, NULL, &url), STATUS_TOO_LARGE);
    text[20] = '#'; /* a fragment does not count */
    assert_int_equal(parse_sized(text, sizeof(text), NULL, &url), STATUS_OK);
    memset(text + 9, ' ', 700); /* nor does white space around, but its escapes do */
    text[8] = '/';
    memset(text + 709, 'a', 100);
    assert_int_equal(parse_sized(text, 809, NULL, &url), STATUS_TOO_LARGE);
}

static void registrable_domains_follow_the_public_suffix_list(void **state)
{
    (void)state;
    static const struct pair pairs[] = {
        {"http://www.example.co.uk/", "example.co.uk"},
        {"http://a.b.example.org/", "example.org"},
        {"http://co.uk/", "co.uk"},
        {"http://127.0.0.1/", "127.0.0.1"},
        {"http://[::1]:80/", "[::1]"},
        {"http://localhost/", "localhost"},
    };
    for (size_t i = 0; i < ARRAY_COUNT(pairs); i++) {
        struct url url;
        assert_int_equal(parse(pairs[i].text, NULL, &url), STATUS_OK);
        assert_string_equal(url_registrable_domain(&url), pairs[i].expected);
    }
}

static void a_host_queue_is_a_name_whatever_the_scheme_and_the_port_but_on_loopback(void **state)
{
    (void)state;
    static const struct pair pairs[] = {
        {"http://www.example.org/", "www.example.org"},
        {"https://www.example.org/", "www.example.org"},
        {"http://WWW.example.org.:8080/a", "www.example.org"},
        {"http://192.0.2.1:81/", "192.0.2.1"},
        {"http://[2001:db8::1]:81/", "[2001:db8::1]"},
        {"http://10.0.0.1:81/", "10.0.0.1"},
        {"http://127.0.0.1/", "127.0.0.1:80"},
        {"https://127.8.9.1/", "127.8.9.1:443"},
        {"http://127.0.0.1:8080/", "127.0.0.1:8080"},
        {"http://[::1]:8080/", "[::1]:8080"},
        {"http://[::ffff:127.0.0.1]:8080/", "[::ffff:7f00:1]:8080"},
        {"http://localhost:8080/", "localhost:8080"},
        {"https://a.localhost/", "a.localhost:443"},
        {"http://notlocalhost:8080/", "notlocalhost"},
        {"http://localhost.example:8080/", "localhost.example"},
    };
    for (size_t i = 0; i < ARRAY_COUNT(pairs); i++) {
        struct url url;
        assert_int_equal(parse(pairs[i].text, NULL, &url), STATUS_OK);
        assert_string_equal(url_host_queue(&url, &arena), pairs[i].expected);
    }
}

/* ---- the suites of others ------------------------------------------------------------------- */

static bool is_web(const char *url)
{
    return strncmp(url, "http://", 7) == 0 || strncmp(url, "https://", 8) == 0;
}

struct counts {
    size_t same;       /* byte for byte, the fragment aside */
    size_t normalised; /* equal once the expected text is brought to our normal form too */
    size_t refused;    /* both refuse */
    size_t userinfo;   /* refused by us for its user name */
    size_t foreign;    /* another scheme: we refuse, browsers need not */
    size_t wrong;
};

static void compare(const struct json *test, const char *href, const char *result,
                    struct counts *counts)
{
    char expected[8192];
    snprintf(expected, sizeof(expected), "%.*s", (int)strcspn(href, "#"), href);
    const char *again = normal(href, NULL);
    if (result != NULL && strcmp(result, expected) == 0) {
        counts->same++;
    } else if (result != NULL && again != NULL && strcmp(result, again) == 0) {
        print_message("ours %-60s theirs %s\n", result, expected);
        counts->normalised++;
    } else if (result == NULL &&
               (json_text(test, "username")[0] != '\0' || json_text(test, "password")[0] != '\0')) {
        counts->userinfo++;
    } else {
        print_message("WRONG: %s gives %s, not %s\n", json_text(test, "input"),
                      result == NULL ? "an error" : result, href);
        counts->wrong++;
    }
}

static void run_case(const struct json *test, struct counts *counts)
{
    const struct json *input = json_member(test, "input");
    const char *base_text = json_text(test, "base");
    const char *href = json_text(test, "href");
    bool failure = json_member(test, "failure") != NULL;
    struct url base, url;
    bool based = base_text != NULL && parse(base_text, NULL, &base) == STATUS_OK;
    bool ok = parse_sized(input->text, input->text_size, based ? &base : NULL, &url) == STATUS_OK;
    if (href != NULL && is_web(href) && (based || base_text == NULL)) {
        compare(test, href, ok ? url.text : NULL, counts);
    } else if (!ok) {
        counts->refused += failure;
        counts->foreign += !failure;
    } else if (based || base_text == NULL || failure) {
        print_message("WRONG: %s gives %s, not %s\n", input->text, url.text,
                      href == NULL ? "an error" : href);
        counts->wrong++;
    }
}

static void web_platform_tests_agree(void **state)
{
    (void)state;
    struct buffer buffer = {0};
    struct json *tests = json_read(suite_read("url-wpt/urltestdata.json", &buffer), &arena);
    struct counts counts = {0};
    for (struct json *test = tests->first; test != NULL; test = test->next) {
        if (test->kind == JSON_OBJECT)
            run_case(test, &counts);
    }
    buffer_release(&buffer);
    print_message("same %zu, normalised further %zu, refused alike %zu, user names %zu, "
                  "other schemes %zu, wrong %zu\n",
                  counts.same, counts.normalised, counts.refused, counts.userinfo, counts.foreign,
                  counts.wrong);
    assert_int_equal(counts.wrong, 0); /* the other figures stand in docs/urls.md */
    assert_int_equal(counts.same, 197);
    assert_int_equal(counts.normalised, 19);
    assert_int_equal(counts.refused, 267);
    assert_int_equal(counts.userinfo, 28);
    assert_int_equal(counts.foreign, 380);
}

static void hosts_become_ascii_as_the_web_platform_tests_say(void **state)
{
    (void)state;
    struct buffer buffer = {0};
    struct json *tests = json_read(suite_read("url-wpt/toascii.json", &buffer), &arena);
    size_t wrong = 0, right = 0;
    for (struct json *test = tests->first; test != NULL; test = test->next) {
        const char *output = test->kind == JSON_OBJECT ? json_text(test, "output") : NULL;
        if (test->kind != JSON_OBJECT || json_member(test, "input")->text_size == 0)
            continue;
        char text[4096];
        snprintf(text, sizeof(text), "https://%s/x", json_text(test, "input"));
        struct url url;
        bool ok = parse(text, NULL, &url) == STATUS_OK;
        size_t size = output == NULL ? 0 : strlen(output);
        bool dot = ok && output != NULL && strncmp(url.host, output, size - 1) == 0 &&
                   strcmp(output + size - 1, ".") == 0;
        if (ok == (output != NULL) && (!ok || dot || strcmp(url.host, output) == 0)) {
            right++;
            continue;
        }
        wrong++;
        print_message("WRONG: %s gives %s, not %s\n", text, ok ? url.host : "an error",
                      output == NULL ? "an error" : output);
    }
    buffer_release(&buffer);
    print_message("right %zu, wrong %zu\n", right, wrong);
    assert_int_equal(wrong, 0);
    assert_true(right > 80);
}

/* One field of "a, "b, with "" quotes", c"; NULL at the end of the line. */
static char *csv_field(char **line)
{
    char *at = *line + strspn(*line, " ");
    if (*at == '\0')
        return NULL;
    char *field = at, *out = at;
    if (*at == '"') {
        for (at++; *at != '\0' && (*at != '"' || at[1] == '"'); at++) {
            at += *at == '"';
            *out++ = *at;
        }
        at += strcspn(at, ",");
    } else {
        at += strcspn(at, ",");
        out = at;
        while (out > field && out[-1] == ' ')
            out--;
    }
    *line = *at == '\0' ? at : at + 1;
    *out = '\0';
    return field;
}

static void normalisations_of_others_differ_only_where_documented(void **state)
{
    (void)state;
    struct buffer buffer = {0};
    suite_read("url-normalise/normalizer/weirdToNormalizedUrls.csv", &buffer);
    size_t same = 0, other = 0;
    char *rest = (char *)buffer.data;
    for (char *line = strsep(&rest, "\r\n"); line != NULL; line = strsep(&rest, "\r\n")) {
        char *input = line[0] == '#' ? NULL : csv_field(&line);
        char *expected = input == NULL ? NULL : csv_field(&line);
        if (expected == NULL)
            continue;
        const char *text = normal(input, NULL);
        if (text != NULL && strcmp(text, expected) == 0) {
            same++;
            continue;
        }
        other++;
        print_message("%s gives %s, not %s\n", input, text == NULL ? "an error" : text, expected);
    }
    buffer_release(&buffer);
    print_message("same %zu, other %zu\n", same, other);
    assert_int_equal(same, 86);
    assert_int_equal(other, 26);
    assert_null(normal("https://example%2Xcom/", NULL));
    assert_null(normal("https://abc%FEdef.org/", NULL));
}

static void resolutions_of_others_agree(void **state)
{
    (void)state;
    struct buffer buffer = {0};
    suite_read("url-normalise/url-utils/url-resolve.csv", &buffer);
    size_t right = 0;
    char *rest = (char *)buffer.data;
    for (char *line = strsep(&rest, "\r\n"); line != NULL; line = strsep(&rest, "\r\n")) {
        char *input = line[0] == '#' ? NULL : csv_field(&line);
        char *base = input == NULL ? NULL : csv_field(&line);
        char *expected = base == NULL ? NULL : csv_field(&line);
        if (expected == NULL || !is_web(expected) || strchr(expected, '@') != NULL)
            continue;
        const char *text = normal(input, base[0] == '\0' ? NULL : base);
        assert_non_null(text);
        assert_string_equal(text, normal(expected, NULL));
        right++;
    }
    buffer_release(&buffer);
    assert_true(right > 15);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_teardown(scheme_and_host_are_lower_case_and_default_ports_go, forget),
        cmocka_unit_test_teardown(international_names_become_punycode, forget),
        cmocka_unit_test_teardown(every_spelling_of_an_ipv4_address_is_the_same, forget),
        cmocka_unit_test_teardown(ipv6_addresses_are_compressed, forget),
        cmocka_unit_test_teardown(paths_lose_their_dots_and_needless_escapes, forget),
        cmocka_unit_test_teardown(relative_texts_are_resolved, forget),
        cmocka_unit_test_teardown(parts_are_told_apart, forget),
        cmocka_unit_test_teardown(what_cannot_be_crawled_is_refused_with_the_reason, forget),
        cmocka_unit_test_teardown(urls_over_the_limit_are_refused, forget),
        cmocka_unit_test_teardown(registrable_domains_follow_the_public_suffix_list, forget),
        cmocka_unit_test_teardown(
            a_host_queue_is_a_name_whatever_the_scheme_and_the_port_but_on_loopback, forget),
        cmocka_unit_test_teardown(web_platform_tests_agree, forget),
        cmocka_unit_test_teardown(hosts_become_ascii_as_the_web_platform_tests_say, forget),
        cmocka_unit_test_teardown(normalisations_of_others_differ_only_where_documented, forget),
        cmocka_unit_test_teardown(resolutions_of_others_agree, forget),
    };
    return cmocka_run_group_tests_name("url", tests, NULL, NULL);
}
