#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "crawl/robots.h"
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

/* The file is copied into memory of its own size, so that reading over its end is seen. */
static struct robots *parse_sized(const void *bytes, size_t size, const char *agent)
{
    struct robots *robots = NULL;
    char *copy = malloc(size + (size == 0));
    memcpy(copy, bytes, size);
    assert_int_equal(robots_parse(copy, size, agent, &arena, &robots, NULL), STATUS_OK);
    free(copy);
    return robots;
}

static struct robots *parse(const char *text)
{
    return parse_sized(text, strlen(text), "tierce");
}

static struct robots_verdict verdict(const char *text, const char *target)
{
    struct robots_verdict ret;
    robots_check(parse(text), target, &ret);
    return ret;
}

static bool allowed(const char *text, const char *target)
{
    return verdict(text, target).allowed;
}

static void a_verdict_names_its_line(void **state)
{
    (void)state;
    const char *text =
        "# all\r\nUser-agent: *\r\n\r\nDisallow: /private # keep out\nAllow: /private/but\r"
        "Disallow: /\xC3\xA4";
    struct robots_verdict found = verdict(text, "/private/x");
    assert_false(found.allowed);
    assert_int_equal(found.line, 4);
    assert_string_equal(found.rule, "Disallow: /private # keep out");
    found = verdict(text, "/private/button");
    assert_true(found.allowed);
    assert_int_equal(found.line, 5);
    assert_string_equal(found.rule, "Allow: /private/but");
    assert_int_equal(verdict(text, "/%C3%A4").line, 6);
    found = verdict(text, "/public");
    assert_true(found.allowed);
    assert_int_equal(found.line, 0);
    assert_string_equal(found.rule, "");
}

static void groups_for_one_agent_are_one(void **state)
{
    (void)state;
    const char *text =
        "User-agent: *\nDisallow: /general\nUser-agent: other\nUser-agent: Tierce/0.1\n"
        "Disallow: /a\nUser-agent: other\nDisallow: /other\nUser-agent: TIERCE\n"
        "Disallow: /b\n";
    assert_false(allowed(text, "/a"));
    assert_false(allowed(text, "/b"));
    assert_true(allowed(text, "/other"));
    assert_true(allowed(text, "/general"));
}

static void a_group_without_rules_still_replaces_the_one_for_all(void **state)
{
    (void)state;
    assert_true(allowed("User-agent: *\nDisallow: /\nUser-agent: tierce\n", "/a"));
    assert_true(allowed("User-agent: *\nDisallow: /\nUser-agent: tierce\nDisallow:\n", "/a"));
}

static void an_agent_is_matched_whole(void **state)
{
    (void)state;
    assert_true(allowed("User-agent: tier\nDisallow: /\n", "/"));
    assert_true(allowed("User-agent: tierce-images\nDisallow: /\n", "/"));
    assert_false(allowed("User-agent: tierce images\nDisallow: /\n", "/"));
    assert_false(allowed("User-agent: *\nDisallow: /\n", "/"));
    assert_true(allowed("User-agent: *bot\nDisallow: /\n", "/"));
}

static void rules_before_any_agent_count_for_nobody(void **state)
{
    (void)state;
    assert_true(allowed("Disallow: /\nUser-agent: tierce\nAllow: /a\n", "/b"));
}

static void stars_and_dollars_match_as_the_rfc_says(void **state)
{
    (void)state;
    static const struct {
        const char *pattern;
        const char *target;
        bool matches;
    } rows[] = {
        {"/a", "/ab", true},
        {"/a$", "/a", true},
        {"/a$", "/ab", false},
        {"/*.gif$", "/x/y.gif", true},
        {"/*.gif$", "/x.gif?y", false},
        {"/*.gif$", "/x.gif.gif", true},
        {"*/b", "/a/b/c", true},
        {"/a*b*c", "/a-b-c-d", true},
        {"/a*b*c", "/a-c-b", false},
        {"/a**b", "/ab", true},
        {"/ab*b$", "/ab", false},
        {"/a*$", "/abc", true},
        {"$", "/", false},
        {"*", "/", true},
        {"/a$b", "/a$b", true},
        {"/a$b", "/a", false},
        {"/a%24", "/a$", true},
        {"/a%24", "/a%24", true},
        {"/a%2Ab", "/a*b", true},
        {"/a%2ab", "/a%2Ab", true},
        {"/a%2Ab", "/axb", false},
        {"/%7Ejoe", "/~joe", true},
        {"/%6Aoe", "/joe", true},
        {"/a%2fb", "/a%2Fb", true},
        {"/a%2fb", "/a/b", false},
        {"/a?b=[c]", "/a?b=%5Bc%5D", true},
        {"/it's", "/it's", true},
        {"/?it's", "/?it%27s", true},
        {"/\xE3\x83\x84", "/%E3%83%84", true},
        {"/100%", "/100%25", true},
        {"/a b", "/a%20b", true},
        {"a", "/a", false},
        {"/A", "/a", false},
    };
    for (size_t i = 0; i < ARRAY_COUNT(rows); i++) {
        char text[128];
        snprintf(text, sizeof(text), "User-agent: *\nDisallow: %s\n", rows[i].pattern);
        if (allowed(text, rows[i].target) == rows[i].matches)
            fail_msg("%s and %s", rows[i].pattern, rows[i].target);
    }
}

static void the_rfc_s_table_of_encodings_holds(void **state)
{
    (void)state;
    static const char *const same[][3] = {
        {"/foo/bar?baz=quz", "/foo/bar?baz=quz"},
        {"/foo/bar?baz=https://foo.bar", "/foo/bar?baz=https%3A%2F%2Ffoo.bar",
         "/foo/bar?baz=https%3a%2f/foo.bar"},
        {"/foo/bar/\xE3\x83\x84", "/foo/bar/%E3%83%84", "/foo/bar/%e3%83%84"},
        {"/foo/bar/%62%61%7A", "/foo/bar/baz", "/foo/b%61r/%62az"},
    };
    for (size_t i = 0; i < ARRAY_COUNT(same); i++) {
        for (size_t rule = 0; rule < 3; rule++) {
            for (size_t j = 0; j < 3; j++) {
                char text[128], target[128] = "http://a.example";
                struct url url;
                if (same[i][rule] == NULL || same[i][j] == NULL)
                    continue;
                snprintf(text, sizeof(text), "User-agent: *\nDisallow: %s\n", same[i][rule]);
                strcat(target, same[i][j]);
                assert_int_equal(url_parse(target, strlen(target), NULL, &arena, &url, NULL),
                                 STATUS_OK);
                if (allowed(text, url.target))
                    fail_msg("%s and %s", same[i][rule], same[i][j]);
            }
        }
    }
    assert_true(allowed("User-agent: *\nDisallow: /foo%2Fbar\n", "/foo/bar"));
    assert_true(allowed("User-agent: *\nDisallow: /?a=1%26b\n", "/?a=1&b"));
    assert_false(allowed("User-agent: *\nDisallow: /*http://\n", "/go?to=http://a.example/"));
    assert_false(allowed("User-agent: *\nDisallow: /*%2F\n", "/go?to=%2F"));
}

static void octets_that_are_no_utf_8_are_themselves(void **state)
{
    (void)state;
    assert_false(allowed("User-agent: *\nDisallow: /\xE4\n", "/%E4"));
    assert_true(allowed("User-agent: *\nDisallow: /\xE4\n", "/%C3%A4"));
    assert_true(allowed("User-agent: *\nDisallow: /\xE4\n", "/%EF%BF%BD"));
}

static void stars_count_as_octets_each(void **state)
{
    (void)state;
    const char *text = "User-agent: *\nDisallow: /a**\nAllow: /a*\nAllow: /b*\nDisallow: /b\n";
    assert_int_equal(verdict(text, "/a").line, 2);
    assert_int_equal(verdict(text, "/b").line, 4);
}

/* As the RFC words it, with no thought for time. */
static bool fits(const char *pattern, const char *target)
{
    if (*pattern == '\0')
        return true;
    if (strcmp(pattern, "$") == 0)
        return *target == '\0';
    if (*pattern == '*')
        return fits(pattern + 1, target) || (*target != '\0' && fits(pattern, target + 1));
    return *pattern == *target && *target != '\0' && fits(pattern + 1, target + 1);
}

static void random_files_are_decided_as_the_rfc_words_it(void **state)
{
    (void)state;
    static const char letters[] = "ab/*$";
    srand(1);
    for (unsigned round = 0; round < 20000; round++) {
        char patterns[4][10], text[256] = "User-agent: *\n", target[12] = "/";
        int strongest = -1;
        for (size_t i = 1 + (size_t)rand() % 10; i > 0; i--)
            strncat(target, &letters[rand() % 3], 1);
        for (int i = 0; i < 4; i++) {
            size_t size = 1 + (size_t)rand() % 7;
            patterns[i][0] = '/';
            for (size_t j = 1; j < size; j++) /* a '$' within means itself: none here */
                patterns[i][j] = letters[rand() % (j + 1 == size ? 5 : 4)];
            patterns[i][size] = '\0';
            bool allow = i % 2 == 1;
            snprintf(text + strlen(text), sizeof(text) - strlen(text), "%s: %s\n",
                     allow ? "Allow" : "Disallow", patterns[i]);
            if (!fits(patterns[i], target))
                continue;
            size_t than = strongest < 0 ? 0 : strlen(patterns[strongest]);
            if (size > than || (size == than && allow && strongest % 2 == 0))
                strongest = i;
        }
        struct robots_verdict found = verdict(text, target);
        if (found.allowed != (strongest < 0 || strongest % 2 == 1) ||
            found.line != (strongest < 0 ? 0 : (uint32_t)strongest + 2))
            fail_msg("line %u for %s of\n%s", found.line, target, text);
        arena_release(&arena);
    }
}

static void the_longest_rule_wins_and_allow_wins_a_tie(void **state)
{
    (void)state;
    const char *text = "User-agent: *\nDisallow: /a/b\nAllow: /a\nAllow: /a/b\nDisallow: /a/b/$\n"
                       "Disallow: /c$$\nAllow: /c*\n";
    assert_int_equal(verdict(text, "/a/b").line, 4);
    assert_int_equal(verdict(text, "/a/b/").line, 5);
    assert_int_equal(verdict(text, "/a/c").line, 3);
    assert_int_equal(verdict(text, "/c$").line, 6);
}

static void an_allow_line_keeps_letters_that_it_escapes(void **state)
{
    (void)state;
    const char *text = "User-agent: *\nDisallow: /\nAllow: /%7Ejoe\nAllow: /%62ob\n";
    assert_true(allowed(text, "/~joe"));
    assert_false(allowed(text, "/bob"));
}

static void the_file_itself_may_always_be_fetched(void **state)
{
    (void)state;
    assert_true(allowed("User-agent: *\nDisallow: /\n", "/robots.txt"));
    assert_false(allowed("User-agent: *\nDisallow: /\n", "/robots.txt2"));
}

static void odd_lines_are_read_or_passed_over(void **state)
{
    (void)state;
    assert_false(allowed("\xEF\xBB\xBFUser-agent: tierce\nDisallow: /\n", "/"));
    assert_false(allowed("  uSER-aGENT\t:\ttierce  \n\n\n\t dISALLOW : / \n", "/"));
    assert_false(allowed("user-agent tierce\ndisallow /\n", "/"));
    assert_true(allowed("user-agent tierce too\ndisallow /\n", "/"));
    assert_true(allowed("<html>\nUser-agent\n:\n::\n: /\n", "/"));
    assert_false(allowed("User-agent: *\rDisallow: /", "/"));
    static const char zero[] = "User-agent: *\n\0\nDisallow: /a\0b\nDisallow: /c\n";
    struct robots_verdict found;
    robots_check(parse_sized(zero, sizeof(zero) - 1, "tierce"), "/c", &found);
    assert_false(found.allowed);
    robots_check(parse_sized(zero, sizeof(zero) - 1, "tierce"), "/a", &found);
    assert_true(found.allowed);
}

static void crawl_delays_are_per_group(void **state)
{
    (void)state;
    const char *text =
        "User-agent: *\nCrawl-delay: 10\nDisallow:\nUser-agent: tierce\nCrawl-delay: 0.5\n"
        "Allow: /\nUser-agent: tierce\nDisallow: /a\ncrawl-delay: 2.2505\n";
    assert_int_equal(robots_crawl_delay_ms(parse(text)), 2250);
    assert_int_equal(robots_crawl_delay_ms(parse_sized(text, strlen(text), "other")), 10000);
    assert_int_equal(robots_crawl_delay_ms(parse("User-agent: *\nDisallow: /\n")), -1);
    assert_int_equal(robots_crawl_delay_ms(parse("User-agent: *\nCrawl-delay: soon\n")), -1);
    assert_int_equal(robots_crawl_delay_ms(parse("User-agent: *\nCrawl-delay: .\n")), -1);
    assert_int_equal(
        robots_crawl_delay_ms(parse("User-agent: *\nCrawl-delay: 99999999999999999999\n")),
        1000000000);
}

static void a_crawl_delay_ends_no_list_of_agents(void **state)
{
    (void)state;
    assert_false(allowed("User-agent: *\nCrawl-delay: 1\nUser-agent: a\nDisallow: /\n", "/"));
}

static void sitemaps_belong_to_the_whole_file(void **state)
{
    (void)state;
    struct robots *robots = parse("Sitemap: http://a/1.xml\nUser-agent: x\nDisallow: /\n"
                                  "SITEMAP:http://a/2.xml # two\nSitemap:\n");
    assert_int_equal(robots_sitemap_count(robots), 2);
    assert_string_equal(robots_sitemap(robots, 0), "http://a/1.xml");
    assert_string_equal(robots_sitemap(robots, 1), "http://a/2.xml");
    assert_null(robots_sitemap(robots, 2));
}

static void what_lies_behind_the_limits_is_ignored(void **state)
{
    (void)state;
    size_t size = ROBOTS_BYTES_MAX + 100;
    char *text = malloc(size);
    memset(text, '\n', size);
    memcpy(text, "User-agent: *\n", 14);
    memcpy(text + ROBOTS_BYTES_MAX - 13, "Disallow: /in\nDisallow: /out\n", 29);
    struct robots_verdict found;
    struct robots *robots = parse_sized(text, size, "tierce");
    robots_check(robots, "/in", &found);
    assert_false(found.allowed);
    robots_check(robots, "/out", &found);
    assert_true(found.allowed);
    memcpy(text + ROBOTS_BYTES_MAX - 14, "\nDisallow: /in", 14);
    text[ROBOTS_BYTES_MAX] = 's'; /* what was written is "/ins", and is not all there */
    robots_check(parse_sized(text, size, "tierce"), "/in", &found);
    assert_true(found.allowed);
    robots_check(parse_sized(text, ROBOTS_BYTES_MAX, "tierce"), "/in", &found);
    assert_true(found.allowed);
    for (size_t i = 14; i + 20 < size; i += 12)
        memcpy(text + i, "Sitemap: /a\n", 12);
    assert_int_equal(robots_sitemap_count(parse_sized(text, size, "tierce")), ROBOTS_SITEMAPS_MAX);
    free(text);
}

static void hostile_patterns_take_little_time(void **state)
{
    (void)state;
    struct buffer buffer = {0};
    buffer_append_string(&buffer, "User-agent: *\n");
    while (buffer.size < ROBOTS_BYTES_MAX - 100)
        buffer_append_string(&buffer, "Disallow: /*a*a*a*a*a*a*a*a*a*a*a*a*a*a*a*a*ab\n");
    char target[URL_BYTES_MAX];
    memset(target, 'a', sizeof(target));
    target[0] = '/';
    target[sizeof(target) - 1] = '\0';
    struct robots_verdict found;
    robots_check(parse_sized(buffer.data, buffer.size, "tierce"), target, &found);
    assert_true(found.allowed);
    buffer_release(&buffer);
}

/* ---- the reference's tests ------------------------------------------------------------------- */

static size_t decode_base64(const char *text, char *ret_bytes)
{
    static const char digits[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    uint32_t bits = 0;
    size_t count = 0, size = 0;
    for (; *text != '\0' && *text != '='; text++) {
        bits = bits << 6 | (uint32_t)(strchr(digits, *text) - digits);
        count += 6;
        if (count >= 8) {
            count -= 8;
            ret_bytes[size++] = (char)(bits >> count);
        }
    }
    return size;
}

/* Path and query as they stand: the reference does not bring URLs to a normal form. */
static const char *target_of(const char *url)
{
    const char *host = strstr(url, "://");
    const char *path = host == NULL ? NULL : strchr(host + 3, '/');
    return path == NULL ? "/" : path;
}

static bool agrees(const struct json *test)
{
    const struct json *robots_text = json_member(test, "robots");
    const char *base64 = json_text(test, "robots_b64");
    const char *bytes = robots_text == NULL ? NULL : robots_text->text;
    size_t size = robots_text == NULL ? 0 : robots_text->text_size;
    char *decoded = base64 == NULL ? NULL : malloc(strlen(base64) + 1);
    if (decoded != NULL) {
        size = decode_base64(base64, decoded);
        bytes = decoded;
    }
    struct robots_verdict found;
    robots_check(parse_sized(bytes, size, json_text(test, "agent")),
                 target_of(json_text(test, "url")), &found);
    free(decoded);
    return found.allowed == (json_member(test, "allowed")->kind == JSON_TRUE);
}

static void the_reference_tests_agree_but_for_google_s_own(void **state)
{
    (void)state;
    struct buffer buffer = {0};
    suite_read("robots-google/cases.jsonl", &buffer);
    size_t same = 0, differ = 0, wrong = 0;
    char *rest = (char *)buffer.data;
    for (char *line = strsep(&rest, "\n"); line != NULL && *line != '\0';
         line = strsep(&rest, "\n")) {
        const struct json *test = json_read(line, &arena);
        bool google_only = json_member(test, "google_only")->kind == JSON_TRUE;
        if (agrees(test)) {
            same++;
            continue;
        }
        differ += google_only;
        wrong += !google_only;
        print_message("%s %s %.80s: %.200s\n", google_only ? "differs" : "WRONG",
                      json_text(test, "test"), json_text(test, "url"), json_text(test, "robots"));
    }
    buffer_release(&buffer);
    print_message("same %zu, differ where Google's own %zu, wrong %zu\n", same, differ, wrong);
    assert_int_equal(wrong, 0);
    assert_true(same > 130);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_teardown(a_verdict_names_its_line, forget),
        cmocka_unit_test_teardown(groups_for_one_agent_are_one, forget),
        cmocka_unit_test_teardown(a_group_without_rules_still_replaces_the_one_for_all, forget),
        cmocka_unit_test_teardown(an_agent_is_matched_whole, forget),
        cmocka_unit_test_teardown(rules_before_any_agent_count_for_nobody, forget),
        cmocka_unit_test_teardown(stars_and_dollars_match_as_the_rfc_says, forget),
        cmocka_unit_test_teardown(the_rfc_s_table_of_encodings_holds, forget),
        cmocka_unit_test_teardown(octets_that_are_no_utf_8_are_themselves, forget),
        cmocka_unit_test_teardown(stars_count_as_octets_each, forget),
        cmocka_unit_test_teardown(random_files_are_decided_as_the_rfc_words_it, forget),
        cmocka_unit_test_teardown(the_longest_rule_wins_and_allow_wins_a_tie, forget),
        cmocka_unit_test_teardown(an_allow_line_keeps_letters_that_it_escapes, forget),
        cmocka_unit_test_teardown(the_file_itself_may_always_be_fetched, forget),
        cmocka_unit_test_teardown(odd_lines_are_read_or_passed_over, forget),
        cmocka_unit_test_teardown(crawl_delays_are_per_group, forget),
        cmocka_unit_test_teardown(a_crawl_delay_ends_no_list_of_agents, forget),
        cmocka_unit_test_teardown(sitemaps_belong_to_the_whole_file, forget),
        cmocka_unit_test_teardown(what_lies_behind_the_limits_is_ignored, forget),
        cmocka_unit_test_teardown(hostile_patterns_take_little_time, forget),
        cmocka_unit_test_teardown(the_reference_tests_agree_but_for_google_s_own, forget),
    };
    return cmocka_run_group_tests_name("robots", tests, NULL, NULL);
}
