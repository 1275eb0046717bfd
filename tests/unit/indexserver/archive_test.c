/* IMPORT and EXPORT. */
#include "harness.h"

#include <zstd.h>

#include "indexserver/hosts.h"
#include "indexserver/origins.h"
#include "indexserver/service_parts.h"

#define HOST "http://127.0.0.1:8080"
#define FAR  "http://example.org"

enum { YEAR_US = 1577836800 };
#define OLD_US   (YEAR_US * (int64_t)1000000)
#define NEWER_US (OLD_US + 5)

static int set_up(void **state)
{
    struct indexserver *ix = indexserver_new();
    start_with_settings(ix);
    *state = ix;
    return 0;
}

static int tear_down(void **state)
{
    indexserver_free(*state);
    return 0;
}

/* ---- what is sent ---- */

static Log__Entry *entry_at(struct indexserver *ix, int64_t time_us, Log__Entry__KindCase kind)
{
    Log__Entry *entry = arena_alloc(&ix->arena, sizeof(*entry));
    log__entry__init(entry);
    entry->time_us = time_us;
    entry->kind_case = kind;
    return entry;
}

static Log__Entry *content_entry(struct indexserver *ix, const char *url, int64_t time_us)
{
    struct site_page site = {.url = url};
    Log__Entry *entry = entry_at(ix, time_us, LOG__ENTRY__KIND_CONTENT);
    uint8_t *packed = arena_alloc(&ix->arena, 64);
    entry->content = make_content(ix, &site);
    entry->content->body_zstd.data = packed;
    entry->content->body_zstd.len = ZSTD_compress(packed, 64, "body", 4, 3);
    return entry;
}

static Log__Entry *redirect_entry(struct indexserver *ix, const char *url, const char *target)
{
    Log__Entry *entry = entry_at(ix, OLD_US, LOG__ENTRY__KIND_OUTCOME);
    entry->outcome = make_outcome(ix, url, 301, target);
    return entry;
}

static Log__Entry *robots_entry(struct indexserver *ix, const char *origin, const char *text,
                                int64_t time_us)
{
    Log__Entry *entry = entry_at(ix, time_us, LOG__ENTRY__KIND_ROBOTS);
    Log__Robots *robots = arena_alloc(&ix->arena, sizeof(*robots));
    log__robots__init(robots);
    robots->origin = arena_string(&ix->arena, origin);
    robots->hops = make_hops(ix, origin, 200);
    robots->n_hops = 1;
    robots->body.data = (uint8_t *)arena_string(&ix->arena, text);
    robots->body.len = strlen(text);
    entry->robots = robots;
    return entry;
}

/* "taken held removed refused" */
static const char *import(struct indexserver *ix, Log__Entry **entries, size_t count)
{
    Wire__ImportRequest request = WIRE__IMPORT_REQUEST__INIT;
    request.entries = entries;
    request.n_entries = count;
    const Wire__ImportReply *reply =
        call(ix, WIRE__METHOD__IMPORT, &request.base, &wire__import_reply__descriptor);
    return arena_format(&ix->arena, "%u %u %u %u", reply->taken, reply->held, reply->removed,
                        reply->refused);
}

static const char *import_one(struct indexserver *ix, Log__Entry *entry)
{
    return import(ix, &entry, 1);
}

/* "CONTENT /a; ROBOTS; ..." of all pages of the answer. */
static const char *export(struct indexserver *ix, const char *source)
{
    struct buffer text = {0};
    Wire__ExportRequest request = WIRE__EXPORT_REQUEST__INIT;
    request.from = 1;
    request.source = (char *)source;
    for (bool done = false; !done;) {
        const Wire__ExportReply *reply =
            call(ix, WIRE__METHOD__EXPORT, &request.base, &wire__export_reply__descriptor);
        for (size_t i = 0; i < reply->n_entries; i++) {
            const Log__Entry *entry = reply->entries[i]->entry;
            if (entry->kind_case == LOG__ENTRY__KIND_CONTENT)
                buffer_append_format(&text, "%s %ld; ", entry->content->url, entry->time_us);
            else if (entry->kind_case == LOG__ENTRY__KIND_OUTCOME)
                buffer_append_format(&text, "%s to %s; ", entry->outcome->url,
                                     entry->outcome->target);
            else
                buffer_append_format(&text, "%s robots; ", entry->robots->origin);
        }
        done = reply->done;
        assert_true(done || reply->next > request.from);
        request.from = reply->next;
    }
    const char *copy = arena_string(&ix->arena, buffer_string(&text));
    buffer_release(&text);
    return copy;
}

/* ---- IMPORT ---- */

static void an_imported_page_is_parsed_and_found_but_its_host_is_not_asked(void **state)
{
    struct indexserver *ix = *state;
    static struct site_page site[] = {{.url = FAR "/a", .links = {FAR "/b"}}};
    ix->site = site;
    ix->site_count = 1;
    assert_string_equal(import_one(ix, content_entry(ix, FAR "/a", OLD_US)), "1 0 0 0");
    crawl_all(ix, 0);
    assert_int_equal(ix->parses, 1);
    assert_int_equal(ix->fetches, 0);
    assert_non_null(strstr(whole_feed(ix), "doc a "));
    assert_non_null(strstr(lookup(ix, FAR "/a", "frontier"), "from an archive"));
    assert_non_null(strstr(lookup(ix, FAR "/b", "frontier"), "unknown"));
    const Wire__IndexserverStatus *status = get_status(ix);
    assert_int_equal(status->n_sources, 1);
    assert_string_equal(status->sources[0]->url, FAR "/");
    assert_int_equal(status->sources[0]->fetched, 1);
    assert_int_equal(status->sources[0]->origin, LOG__ORIGIN__ORIGIN_ARCHIVE);
}

static void an_imported_redirect_says_nothing_of_how_fast_its_host_answers(void **state)
{
    struct indexserver *ix = *state;
    Log__Entry *entry = redirect_entry(ix, FAR "/old", FAR "/new");
    entry->outcome->fetch_ms = 60000;
    entry->outcome->hops[0]->address = arena_string(&ix->arena, "203.0.113.7");
    assert_string_equal(import_one(ix, entry), "1 0 0 0");
    struct views *views = ix->service->views;
    pthread_mutex_lock(&views->lock);
    const struct origin *origin = origin_find(views->frontier, FAR);
    assert_non_null(origin);
    assert_int_equal(origin->host->record.response_us, 0);
    assert_null(origin->host->neighbours);
    pthread_mutex_unlock(&views->lock);
}

static void what_is_imported_stays_so_after_a_rebuild(void **state)
{
    struct indexserver *ix = *state;
    char folder[PATH_MAX + 16];
    import_one(ix, content_entry(ix, FAR "/a", OLD_US));
    crawl_all(ix, 0);
    const char *before = lookup(ix, FAR "/a", "frontier");
    stop(ix);
    snprintf(folder, sizeof(folder), "%s/views", ix->folder);
    remove_tree(folder);
    start_with_settings(ix);
    crawl_all(ix, 1000);
    assert_string_equal(lookup(ix, FAR "/a", "frontier"), before);
    assert_string_equal(import_one(ix, content_entry(ix, FAR "/a", OLD_US)), "0 1 0 0");
}

static void importing_twice_adds_nothing_and_the_newer_wins(void **state)
{
    struct indexserver *ix = *state;
    Log__Entry *both[] = {content_entry(ix, FAR "/a", NEWER_US),
                          content_entry(ix, FAR "/a", OLD_US)};
    assert_string_equal(import(ix, both, 2), "1 1 0 0");
    both[0] = content_entry(ix, FAR "/a", OLD_US);
    both[1] = content_entry(ix, FAR "/a", NEWER_US);
    assert_string_equal(import(ix, both, 2), "0 2 0 0");
    assert_string_equal(import_one(ix, content_entry(ix, FAR "/a", NEWER_US + 1)), "1 0 0 0");
    assert_string_equal(export(ix, ""), "http://example.org/a 1577836800000006; ");
}

static void what_the_crawl_fetched_is_not_replaced_by_what_is_older(void **state)
{
    struct indexserver *ix = *state;
    static struct site_page site[] = {{.url = HOST "/"}};
    ix->site = site;
    ix->site_count = 1;
    submit(ix, HOST "/");
    crawl_all(ix, 100);
    assert_string_equal(import_one(ix, content_entry(ix, HOST "/", OLD_US)), "0 1 0 0");
    assert_string_equal(import_one(ix, redirect_entry(ix, HOST "/", FAR "/")), "0 1 0 0");
}

static void what_the_owner_removed_does_not_come_back_by_an_archive(void **state)
{
    struct indexserver *ix = *state;
    import_one(ix, content_entry(ix, FAR "/a", OLD_US));
    remove_url(ix, LOG__REMOVE_SCOPE__REMOVE_SITE, "example.org");
    assert_string_equal(import_one(ix, content_entry(ix, FAR "/a", NEWER_US)), "0 0 1 0");
    assert_string_equal(import_one(ix, content_entry(ix, FAR "/new", NEWER_US)), "0 0 1 0");
    assert_string_equal(export(ix, ""), "");
}

static void what_is_no_entry_is_refused(void **state)
{
    struct indexserver *ix = *state;
    Log__Entry *entry = content_entry(ix, FAR "/a", OLD_US);
    entry->content->body_size = 5;
    assert_string_equal(import_one(ix, entry), "0 0 0 1");
    entry = content_entry(ix, FAR "/a", OLD_US);
    entry->content->n_hops = 0;
    assert_string_equal(import_one(ix, entry), "0 0 0 1");
    assert_string_equal(import_one(ix, content_entry(ix, "ftp://a/", OLD_US)), "0 0 0 1");
    assert_string_equal(import_one(ix, content_entry(ix, FAR "/a", 0)), "0 0 0 1");
    assert_string_equal(import_one(ix, content_entry(ix, FAR "/a", INT64_MAX)), "0 0 0 1");
    assert_string_equal(import_one(ix, redirect_entry(ix, FAR "/a", "")), "0 0 0 1");
    entry = redirect_entry(ix, FAR "/a", FAR "/b");
    entry->outcome->reason = LOG__REASON__REASON_HTTP_ERROR;
    assert_string_equal(import_one(ix, entry), "0 0 0 1");
    entry = entry_at(ix, OLD_US, LOG__ENTRY__KIND_SUBMIT);
    Log__Submit nothing = LOG__SUBMIT__INIT;
    entry->submit = &nothing;
    assert_string_equal(import_one(ix, entry), "0 0 0 1");
    assert_string_equal(export(ix, ""), "");
}

static void once_the_owner_wants_the_site_its_imported_pages_are_fetched_again(void **state)
{
    struct indexserver *ix = *state;
    static struct site_page site[] = {{.url = HOST "/"}, {.url = HOST "/a", .version = 2}};
    ix->site = site;
    ix->site_count = 2;
    import_one(ix, content_entry(ix, HOST "/a", OLD_US));
    crawl_all(ix, 0);
    assert_int_equal(ix->fetches, 0);
    submit(ix, HOST "/");
    crawl_all(ix, 100);
    assert_int_equal(ix->fetches, 2);
    assert_non_null(strstr(whole_feed(ix), "doc a version 2"));
}

/* ---- EXPORT ---- */

static void what_is_exported_is_what_is_held_now(void **state)
{
    struct indexserver *ix = *state;
    Log__Entry *entries[] = {
        robots_entry(ix, FAR, "User-agent: *\n", OLD_US),
        robots_entry(ix, FAR, "User-agent: a\n", NEWER_US),
        content_entry(ix, FAR "/a", OLD_US),
        redirect_entry(ix, FAR "/old", FAR "/a"),
        content_entry(ix, HOST "/", OLD_US),
        content_entry(ix, FAR "/removed", OLD_US),
    };
    assert_string_equal(import(ix, entries, 6), "6 0 0 0");
    remove_url(ix, LOG__REMOVE_SCOPE__REMOVE_PAGE, FAR "/removed");
    assert_string_equal(export(ix, ""), FAR " robots; " FAR "/a 1577836800000000; " FAR
                                            "/old to " FAR "/a; " HOST "/ 1577836800000000; ");
    assert_string_equal(export(ix, HOST "/"), HOST "/ 1577836800000000; ");
    Wire__ExportRequest request = WIRE__EXPORT_REQUEST__INIT;
    void *reply;
    request.source = (char *)"http://nowhere.invalid/";
    assert_int_equal(
        try_call(ix, WIRE__METHOD__EXPORT, &request.base, &wire__export_reply__descriptor, &reply),
        STATUS_NOT_FOUND);
}

static void an_export_of_many_comes_in_several_answers(void **state)
{
    struct indexserver *ix = *state;
    enum { COUNT = 450 };
    Log__Entry *entries[COUNT];
    struct buffer wanted = {0};
    for (unsigned i = 0; i < COUNT; i++) {
        entries[i] = content_entry(ix, arena_format(&ix->arena, FAR "/%u", i), OLD_US);
        buffer_append_format(&wanted, FAR "/%u %ld; ", i, OLD_US);
    }
    import(ix, entries, COUNT);
    assert_string_equal(export(ix, ""), buffer_string(&wanted));
    buffer_release(&wanted);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(
            an_imported_page_is_parsed_and_found_but_its_host_is_not_asked, set_up, tear_down),
        cmocka_unit_test_setup_teardown(
            an_imported_redirect_says_nothing_of_how_fast_its_host_answers, set_up, tear_down),
        cmocka_unit_test_setup_teardown(what_is_imported_stays_so_after_a_rebuild, set_up,
                                        tear_down),
        cmocka_unit_test_setup_teardown(importing_twice_adds_nothing_and_the_newer_wins, set_up,
                                        tear_down),
        cmocka_unit_test_setup_teardown(what_the_crawl_fetched_is_not_replaced_by_what_is_older,
                                        set_up, tear_down),
        cmocka_unit_test_setup_teardown(what_the_owner_removed_does_not_come_back_by_an_archive,
                                        set_up, tear_down),
        cmocka_unit_test_setup_teardown(what_is_no_entry_is_refused, set_up, tear_down),
        cmocka_unit_test_setup_teardown(
            once_the_owner_wants_the_site_its_imported_pages_are_fetched_again, set_up, tear_down),
        cmocka_unit_test_setup_teardown(what_is_exported_is_what_is_held_now, set_up, tear_down),
        cmocka_unit_test_setup_teardown(an_export_of_many_comes_in_several_answers, set_up,
                                        tear_down),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
