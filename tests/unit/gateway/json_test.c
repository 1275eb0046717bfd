#include <jansson.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "cluster/facts_json.h"
#include "gateway/json_answers.h"
#include "gateway/json_openapi.h"
#include "gateway/routes.h"

static struct buffer bytes;

static int set_up(void **state)
{
    (void)state;
    buffer_release(&bytes);
    return 0;
}

/* What was written, read by another implementation. */
static json_t *read_back(void)
{
    json_error_t error;
    json_t *value = json_loadb((const char *)bytes.data, bytes.size, JSON_DECODE_ANY, &error);
    if (value == NULL)
        print_error("%s: %s\n", error.text, buffer_string(&bytes));
    assert_non_null(value);
    return value;
}

static void strings_survive_a_round_trip(void **state)
{
    (void)state;
    static const char *const texts[] = {"",       "plain",     "\"\\/\b\f\n\r\t\x01\x1f\x7f",
                                        "日本語", "</script>", "a\xC2\x85z"};
    for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]); i++) {
        struct json_writer json = {.bytes = &bytes};
        buffer_clear(&bytes);
        json_put_string(&json, NULL, texts[i]);
        json_t *value = read_back();
        assert_string_equal(json_string_value(value), texts[i]);
        json_decref(value);
    }
}

static void wrong_utf8_is_replaced(void **state)
{
    (void)state;
    struct json_writer json = {.bytes = &bytes};
    json_put_string(&json, NULL, "a\xFFz\xE2\x82");
    json_t *value = read_back();
    assert_string_equal(json_string_value(value), "a\xEF\xBF\xBDz\xEF\xBF\xBD\xEF\xBF\xBD");
    json_decref(value);
}

static void an_event_has_no_line_break(void **state)
{
    (void)state;
    Wire__Stats stats = WIRE__STATS__INIT;
    stats.config_error = (char *)"line\nbreak\r\n\ndata: forged";
    struct json_writer json = {.bytes = &bytes};
    json_stats(&json, &stats);
    assert_null(memchr(bytes.data, '\n', bytes.size));
    assert_null(memchr(bytes.data, '\r', bytes.size));
    json_decref(read_back());
}

static void statistics_of_nothing_are_whole(void **state)
{
    (void)state;
    static const char *const members[] = {
        "time",    "version",      "documents", "searches",    "requests",  "cache_hits",
        "partial", "limited",      "barrels",   "downloaders", "processes", "frontier",
        "log",     "top_searches", "sources",   "memory",      "config",    "base_url"};
    Wire__Stats stats = WIRE__STATS__INIT;
    struct json_writer json = {.bytes = &bytes};
    json_stats(&json, &stats);
    json_t *value = read_back();
    for (size_t i = 0; i < sizeof(members) / sizeof(members[0]); i++)
        assert_non_null(json_object_get(value, members[i]));
    json_decref(value);
}

/* ---- the API's description ---- */

static json_t *openapi;

static int read_openapi(void **state)
{
    (void)state;
    json_error_t error;
    openapi = json_loads(json_openapi, JSON_REJECT_DUPLICATES, &error);
    if (openapi == NULL)
        print_error("%d:%d: %s\n", error.line, error.column, error.text);
    return openapi == NULL ? -1 : 0;
}

static int free_openapi(void **state)
{
    (void)state;
    json_decref(openapi);
    return 0;
}

static void the_description_has_every_route_for_programs(void **state)
{
    (void)state;
    const json_t *paths = json_object_get(openapi, "paths");
    assert_string_equal(json_string_value(json_object_get(openapi, "openapi")), "3.1.0");
    for (const struct route *route = http_routes; route->path != NULL; route++) {
        if (strncmp(route->path, "/api/", 5) != 0)
            continue;
        const json_t *path = json_object_get(paths, route->path);
        if (path == NULL)
            print_error("%s is not described\n", route->path);
        assert_int_equal(json_object_get(path, "get") != NULL, (route->methods & HTTP_GET) != 0);
        assert_int_equal(json_object_get(path, "post") != NULL, (route->methods & HTTP_POST) != 0);
        assert_int_equal(json_object_get(path, "delete") != NULL,
                         (route->methods & HTTP_DELETE) != 0);
    }
}

/* Follows "#/components/schemas/Problem". */
static const json_t *resolve(const char *reference)
{
    char text[200];
    snprintf(text, sizeof(text), "%s", reference);
    const json_t *at = openapi;
    char *rest = text;
    assert_string_equal(strsep(&rest, "/"), "#");
    for (char *name; at != NULL && (name = strsep(&rest, "/")) != NULL;)
        at = json_object_get(at, name);
    return at;
}

static void check_references(json_t *value)
{
    const char *key;
    json_t *member;
    size_t i;
    json_object_foreach(value, key, member)
    {
        if (strcmp(key, "$ref") == 0 && resolve(json_string_value(member)) == NULL) {
            print_error("%s leads nowhere\n", json_string_value(member));
            fail();
        }
        check_references(member);
    }
    json_array_foreach(value, i, member) check_references(member);
}

static void every_reference_of_the_description_leads_somewhere(void **state)
{
    (void)state;
    check_references(openapi);
}

/* Whether the value has every member that the schema requires and no other. */
static void check_members(const json_t *value, const json_t *schema, const char *where)
{
    const char *key;
    json_t *member;
    size_t i;
    const char *reference = json_string_value(json_object_get(schema, "$ref"));
    if (reference != NULL)
        schema = resolve(reference);
    const json_t *properties = json_object_get(schema, "properties");
    json_array_foreach(json_object_get(schema, "required"), i, member)
    {
        if (json_object_get(value, json_string_value(member)) == NULL)
            fail_msg("%s has no %s", where, json_string_value(member));
    }
    if (json_is_object(value) && properties != NULL) {
        json_object_foreach((json_t *)value, key, member)
        {
            const json_t *property = json_object_get(properties, key);
            if (property == NULL)
                fail_msg("%s has %s, which is not described", where, key);
            check_members(member, property, key);
        }
    }
    json_array_foreach(value, i, member)
        check_members(member, json_object_get(schema, "items"), where);
}

static void answers_have_the_members_that_are_described(void **state)
{
    (void)state;
    const char *duplicate = "https://b/";
    struct found_page result = {"https://a/", "t", "s", 1, "en", 1, 1, &duplicate, 1, 1};
    const char *note = "n";
    struct search_answer answer = {.query = "q",
                                   .read_as = "q",
                                   .notes = &note,
                                   .note_count = 1,
                                   .cursor = "",
                                   .results = &result,
                                   .result_count = 1};
    struct json_writer json = {.bytes = &bytes};
    json_search_answer(&json, &answer);
    json_t *value = read_back();
    check_members(value, resolve("#/components/schemas/SearchAnswer"), "SearchAnswer");
    json_decref(value);
}

static void statistics_have_the_members_that_are_described(void **state)
{
    (void)state;
    Wire__BarrelStatus barrel = WIRE__BARREL_STATUS__INIT;
    Wire__DownloaderStatus downloader = WIRE__DOWNLOADER_STATUS__INIT;
    Wire__MemberStatus members[2] = {WIRE__MEMBER_STATUS__INIT, WIRE__MEMBER_STATUS__INIT};
    Wire__MemberStatus *list[] = {&members[0], &members[1]};
    Wire__SourceStatus source = WIRE__SOURCE_STATUS__INIT;
    Wire__SourceStatus *sources[] = {&source};
    Wire__IndexserverStatus crawl = WIRE__INDEXSERVER_STATUS__INIT;
    Wire__QueryCount count = WIRE__QUERY_COUNT__INIT;
    Wire__QueryCount *counts[] = {&count};
    Wire__Stats stats = WIRE__STATS__INIT;
    members[0].role = WIRE__ROLE__ROLE_BARREL;
    members[0].barrel = &barrel;
    members[1].role = WIRE__ROLE__ROLE_DOWNLOADER;
    members[1].downloader = &downloader;
    crawl.n_sources = 1;
    crawl.sources = sources;
    stats.n_members = 2;
    stats.members = list;
    stats.indexserver = &crawl;
    stats.n_top_queries = 1;
    stats.top_queries = counts;
    struct json_writer json = {.bytes = &bytes};
    json_stats(&json, &stats);
    json_t *value = read_back();
    check_members(value, resolve("#/components/schemas/Stats"), "Stats");
    assert_int_equal(json_array_size(json_object_get(value, "barrels")), 1);
    assert_int_equal(json_array_size(json_object_get(value, "downloaders")), 1);
    assert_int_equal(json_array_size(json_object_get(value, "processes")), 2);
    json_decref(value);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup(strings_survive_a_round_trip, set_up),
        cmocka_unit_test_setup(wrong_utf8_is_replaced, set_up),
        cmocka_unit_test_setup(an_event_has_no_line_break, set_up),
        cmocka_unit_test_setup(statistics_of_nothing_are_whole, set_up),
        cmocka_unit_test_setup(the_description_has_every_route_for_programs, set_up),
        cmocka_unit_test_setup(every_reference_of_the_description_leads_somewhere, set_up),
        cmocka_unit_test_setup(answers_have_the_members_that_are_described, set_up),
        cmocka_unit_test_setup(statistics_have_the_members_that_are_described, set_up),
    };
    int failed = cmocka_run_group_tests(tests, read_openapi, free_openapi);
    buffer_release(&bytes);
    return failed;
}
