/* Who may see pages from private addresses: by scope, at once, and without a trace of the others.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/bytes.h"
#include "index/document.h"
#include "index/search.h"
#include "index/visibility.h"
#include "tests/unit/index/fixture.h"

#define SITE "127.0.0.1:9000"
#define HOST "http://" SITE

static void open_again(void)
{
    index_close(tested);
    assert_int_equal(index_open(storage_memory_storage(memory), NULL, &tested, NULL), STATUS_OK);
}

static struct text_slice site_of(const char *url)
{
    const char *start = strstr(url, "//") + 2;
    return (struct text_slice){start, strcspn(start, "/")};
}

static bool is_private(const char *url)
{
    return strstr(url, "127.0.0.1") != NULL;
}

static struct index_change edge_change(const char *source, const char *target, const char *anchor)
{
    return (struct index_change){.kind = INDEX_PUT_EDGE,
                                 .edge = {.source = slice(source),
                                          .target = slice(target),
                                          .anchor = slice(anchor),
                                          .source_site = site_of(source),
                                          .source_is_private = is_private(source)}};
}

static struct index_change page_change(const char *url, const char *text)
{
    return (struct index_change){.kind = INDEX_PUT_DOCUMENT,
                                 .document = {.url = slice(url),
                                              .site = site_of(url),
                                              .text = slice(text),
                                              .is_private = is_private(url)}};
}

static void put_edge(const char *source, const char *target, const char *anchor)
{
    struct index_change change = edge_change(source, target, anchor);
    apply(&change, 1);
}

static void put_page(const char *url, const char *text)
{
    struct index_change change = page_change(url, text);
    apply(&change, 1);
}

/* A scope of SITE. */
static struct index_scope scope(const char *prefix, bool is_public)
{
    return (struct index_scope){
        .site = slice(SITE), .prefix = slice(prefix), .is_public = is_public};
}

static struct index_change scopes_change(const struct index_scope *scopes, size_t count)
{
    return (struct index_change){.kind = INDEX_SET_SCOPES, .scopes = scopes, .scope_count = count};
}

static void set_scopes(const struct index_scope *scopes, size_t count)
{
    struct index_change change = scopes_change(scopes, count);
    apply(&change, 1);
}

/* With statistics that are always the same, so that scores can be compared. */
static struct search_result search_as(const char *text, bool include_private)
{
    struct query query;
    struct query_term terms[QUERY_TERMS_MAX];
    uint64_t frequencies[QUERY_TERMS_MAX];
    struct search_request request = {.k = 100, .include_private = include_private};
    struct search_result result;
    assert_int_equal(query_parse(analyzer, slice(text), 0, &arena, &query, NULL), STATUS_OK);
    size_t count = query_collect_terms(query.root, terms);
    for (size_t i = 0; i < count; i++)
        frequencies[i] = 2;
    request.statistics = (struct search_statistics){
        .documents = 10, .document_frequencies = frequencies, .document_frequency_count = count};
    assert_int_equal(index_search(tested, query.root, &request, &arena, &result, NULL), STATUS_OK);
    return result;
}

static unsigned found(const char *text)
{
    struct search_result result = search_as(text, false);
    assert_int_equal(result.total, result.hit_count);
    return result.hit_count;
}

static unsigned found_by_admin(const char *text)
{
    return search_as(text, true).hit_count;
}

static struct backlinks backlinks(const char *url, bool include_private)
{
    struct backlinks links;
    assert_int_equal(
        index_backlinks(tested, slice(url), include_private, 0, 100, &arena, &links, NULL),
        STATUS_OK);
    assert_int_equal(links.total, links.count);
    return links;
}

/* How many links count for a page, from what its rank says: a page with n links scores
 * 1 + log2(1 + n) / 10 times as much as one without. */
static double score_of(const char *text)
{
    struct search_result result = search_as(text, true);
    assert_int_equal(result.hit_count, 1);
    return result.hits[0].score;
}

/* ---- documents ---- */

static void a_public_scope_shows_what_it_covers_and_nothing_else(void **state)
{
    (void)state;
    struct index_scope open = scope(HOST "/open/", true);
    put_page(HOST "/open/a", "apple");
    put_page(HOST "/private/a", "apple");
    put_page(HOST "/openly", "apple");
    put_page("http://127.0.0.1:9001/open/a", "apple");
    put_page("http://example.com/", "apple");
    assert_int_equal(found("apple"), 1);
    set_scopes(&open, 1);
    assert_int_equal(found("apple"), 2);
    assert_int_equal(found("apple site:" SITE), 1);
    assert_true(search_as("apple site:" SITE, false).hits[0].url_hash ==
                url_hash(HOST "/open/a", strlen(HOST "/open/a")));
    assert_int_equal(found_by_admin("apple"), 5);
    set_scopes(NULL, 0);
    assert_int_equal(found("apple"), 1);
}

static void a_scope_that_is_not_public_withholds_what_it_covers(void **state)
{
    (void)state;
    struct index_scope scopes[] = {scope("", true), scope(HOST "/private/", false),
                                   scope(HOST "/private/not/", true)};
    put_page(HOST "/", "apple");
    put_page(HOST "/private/a", "apple");
    put_page(HOST "/private/not/a", "apple");
    set_scopes(scopes, 1);
    assert_int_equal(found("apple"), 3);
    set_scopes(scopes, 3);
    assert_int_equal(found("apple"), 1);
    set_scopes(scopes + 1, 2);
    assert_int_equal(found("apple"), 0);
    set_scopes(scopes + 2, 1);
    assert_int_equal(found("apple"), 1);
}

static void scopes_hold_for_what_comes_later_and_after_reopening(void **state)
{
    (void)state;
    struct index_scope scopes[] = {scope(HOST "/open/", true), scope(HOST "/open/not/", false)};
    set_scopes(scopes, 2);
    put_page(HOST "/open/a", "apple");
    put_page(HOST "/open/not/a", "apple");
    for (int round = 0; round < 2; round++) {
        assert_int_equal(found("apple"), 1);
        assert_int_equal(index_flush(tested, NULL), STATUS_OK);
        open_again();
    }
}

static void the_last_scopes_of_a_batch_hold(void **state)
{
    (void)state;
    struct index_scope all = scope("", true), open = scope(HOST "/open/", true);
    struct index_change changes[] = {
        scopes_change(&all, 1),
        page_change(HOST "/open/a", "apple"),
        page_change(HOST "/private/a", "apple"),
        scopes_change(&open, 1),
    };
    apply(changes, 4);
    assert_int_equal(found("apple"), 1);
}

/* ---- links ---- */

static void links_from_hidden_pages_are_neither_listed_nor_counted(void **state)
{
    (void)state;
    struct index_scope open = scope(HOST "/open/", true), all = scope("", true);
    put_edge(HOST "/open/a", "http://b/", "open words");
    put_edge(HOST "/private/a", "http://b/", "secret words");
    put_edge("http://c/", "http://b/", "");
    assert_int_equal(backlinks("http://b/", false).total, 1);
    assert_int_equal(backlinks("http://b/", true).total, 3);
    for (int round = 0; round < 3; round++) {
        set_scopes(&open, 1);
        struct backlinks links = backlinks("http://b/", false);
        assert_int_equal(links.total, 2);
        for (uint32_t i = 0; i < links.count; i++)
            assert_null(strstr(links.links[i].source_url, "private"));
        /* Counts that are kept up go the same way as those that are made anew. */
        put_edge(HOST "/private/b", "http://b/", "");
        put_edge(HOST "/open/b", "http://b/", "");
        put_edge(HOST "/open/b", "http://b/", "again");
        assert_int_equal(backlinks("http://b/", false).total, 3);
        struct index_change drops[] = {edge_change(HOST "/private/b", "http://b/", ""),
                                       edge_change(HOST "/open/b", "http://b/", "")};
        drops[0].kind = drops[1].kind = INDEX_DROP_EDGE;
        apply(drops, 2);
        assert_int_equal(backlinks("http://b/", false).total, 2);
        set_scopes(&all, 1);
        assert_int_equal(backlinks("http://b/", false).total, 3);
        if (round == 0)
            assert_int_equal(index_flush(tested, NULL), STATUS_OK);
        if (round == 1)
            open_again();
    }
    set_scopes(NULL, 0);
    assert_int_equal(backlinks("http://b/", false).total, 1);
    assert_int_equal(backlinks("http://b/", true).total, 3);
}

static void a_page_counts_links_from_pages_that_are_as_open_as_it_is(void **state)
{
    (void)state;
    struct index_scope open = scope(HOST "/open/", true);
    put_page("http://b/", "apple");
    put_page(HOST "/open/a", "pear");
    put_page(HOST "/private/a", "plum");
    double apple = score_of("apple"), pear = score_of("pear"), plum = score_of("plum");
    const char *targets[] = {"http://b/", HOST "/open/a", HOST "/private/a"};
    for (int i = 0; i < 3; i++) {
        put_edge(HOST "/private/1", targets[i], "");
        put_edge(HOST "/private/2", targets[i], "");
        put_edge(HOST "/open/1", targets[i], "");
    }
    double three = 1 + 0.1 * 2;
    assert_true(score_of("apple") == apple); /* nothing is shown: only for pages that are not */
    assert_true(score_of("pear") == pear * three);
    assert_true(score_of("plum") == plum * three);
    set_scopes(&open, 1);
    for (int round = 0; round < 2; round++) {
        assert_true(score_of("apple") == apple * 1.1);
        assert_true(score_of("pear") == pear * 1.1);
        assert_true(score_of("plum") == plum * three);
        open_again();
    }
    set_scopes(NULL, 0);
    assert_true(score_of("apple") == apple);
    assert_true(score_of("pear") == pear * three);
    set_scopes(&open, 1);
    put_edge(HOST "/private/1", HOST "/open/late", "");
    put_edge(HOST "/open/1", HOST "/open/late", "");
    put_page(HOST "/open/late", "fig"); /* links that were there before it */
    put_page(HOST "/open/plain", "mango");
    assert_true(score_of("fig") == score_of("mango") * 1.1);
}

static void nobody_finds_a_page_by_the_words_of_hidden_links(void **state)
{
    (void)state;
    struct index_scope open = scope(HOST "/open/", true), all = scope("", true);
    put_page("http://b/", "apple");
    put_page(HOST "/open/a", "pear");
    put_edge(HOST "/private/1", "http://b/", "secret");
    put_edge(HOST "/private/2", HOST "/open/a", "secret");
    put_edge(HOST "/open/1", "http://b/", "known");
    put_edge(HOST "/open/2", HOST "/open/a", "known");
    for (int round = 0; round < 2; round++) {
        assert_int_equal(index_flush(tested, NULL), STATUS_OK);
        assert_int_equal(found("secret"), 0);
        assert_int_equal(found_by_admin("secret"), 1); /* the one page that he alone sees */
        set_scopes(&open, 1);
        assert_int_equal(found("secret"), 0);
        assert_int_equal(found_by_admin("secret"), 0);
        assert_int_equal(found("known"), 2);
        set_scopes(&all, 1);
        assert_int_equal(found("secret"), 2);
        set_scopes(&open, 1);
        assert_int_equal(found("secret"), 0);
        set_scopes(NULL, 0);
        assert_int_equal(found("known"), 0);
    }
}

/* ---- storage ---- */

static void a_change_that_was_broken_off_shows_nothing_until_it_comes_again(void **state)
{
    (void)state;
    struct index_scope open = scope(HOST "/open/", true), all = scope("", true);
    set_scopes(&all, 1);
    put_page(HOST "/open/a", "apple");
    put_page(HOST "/private/a", "apple");
    put_edge(HOST "/private/1", HOST "/open/a", "secret");
    put_edge(HOST "/open/1", HOST "/open/a", "known");
    assert_int_equal(index_flush(tested, NULL), STATUS_OK);
    assert_int_equal(found("secret"), 1);
    struct index_change change = scopes_change(&open, 1);
    unsigned failures = 0;
    for (unsigned writes = 0;; writes++) { /* the disk fails after so many writes */
        storage_memory_fail_later(memory, writes, STATUS_IO);
        enum status status = index_apply(tested, &change, 1, ++position, NULL);
        storage_memory_fail_writes(memory, STATUS_OK);
        if (status == STATUS_OK)
            break;
        failures++;
        assert_int_equal(status, STATUS_IO);
        assert_true(found("apple") <= (writes == 0 ? 2 : 1));
        if (writes % 2 == 1) {
            open_again();
            assert_int_equal(backlinks(HOST "/open/a", false).total, 0);
        }
        assert_int_equal(found("secret") + found("apple"), writes == 0 ? 3 : 0);
    }
    assert_true(failures > 2);
    assert_int_equal(found("secret"), 0);
    assert_int_equal(found("known"), 1);
    assert_int_equal(found("apple"), 1);
    assert_int_equal(backlinks(HOST "/open/a", false).total, 1);
}

/* Begins a change that fails after so many writes; the first is the note that it has begun. */
static void break_off_after(unsigned writes, const struct index_scope *scopes, size_t count)
{
    struct index_change change = scopes_change(scopes, count);
    storage_memory_fail_later(memory, writes, STATUS_IO);
    assert_int_equal(index_apply(tested, &change, 1, ++position, NULL), STATUS_IO);
    storage_memory_fail_writes(memory, STATUS_OK);
}

static void break_off(const struct index_scope *scopes, size_t count)
{
    break_off_after(1, scopes, count);
}

static void while_a_change_goes_on_only_what_both_show_is_shown(void **state)
{
    (void)state;
    struct index_scope open = scope(HOST "/open/", true), all = scope("", true);
    set_scopes(&open, 1);
    put_page(HOST "/open/a", "apple");
    put_page(HOST "/private/a", "apple");
    put_edge(HOST "/private/1", HOST "/open/a", "");
    break_off(&all, 1);
    assert_int_equal(found("apple"), 1);
    break_off(&all, 1); /* nobody knows how far the first one came */
    assert_int_equal(found("apple"), 0);
    set_scopes(&all, 1);
    assert_int_equal(found("apple"), 2);
}

static void while_a_change_goes_on_totals_of_links_tell_of_no_hidden_page(void **state)
{
    (void)state;
    struct index_scope scopes[] = {scope(HOST "/open/", true), scope("", true)};
    put_edge(HOST "/open/a", "http://b/", "open words");
    put_edge(HOST "/private/a", "http://b/", "secret words");
    put_edge(HOST "/private/b", "http://b/", "secret words");
    put_edge("http://c/", "http://b/", "");
    put_page("http://b/", "apple");
    for (int before = 0; before < 2; before++) {
        for (unsigned writes = 1; writes < 4; writes++) {
            set_scopes(&scopes[before], 1);
            assert_int_equal(backlinks("http://b/", false).total, before == 0 ? 2 : 4);
            break_off_after(writes, &scopes[1 - before], 1);
            assert_int_equal(backlinks("http://b/", false).total, 2);
            assert_int_equal(backlinks("http://b/", true).total, 4);
        }
    }
}

static void from_its_beginning_to_its_position_a_change_is_unsettled(void **state)
{
    (void)state;
    struct index_scope open = scope(HOST "/open/", true), all = scope("", true);
    assert_false(index_is_unsettled(tested));
    set_scopes(&all, 1);
    put_page(HOST "/private/a", "apple");
    assert_int_equal(index_flush(tested, NULL), STATUS_OK);
    assert_false(index_is_unsettled(tested));
    break_off(&open, 1);
    assert_int_equal(found("apple"), 0);
    assert_true(index_is_unsettled(tested));
    open_again(); /* what has begun is stored */
    assert_true(index_is_unsettled(tested));
    put_page(HOST "/open/a", "pear"); /* of before the scopes, in a feed that is read again */
    assert_true(index_is_unsettled(tested));
    set_scopes(&open, 1);
    assert_false(index_is_unsettled(tested));
    open_again();
    assert_false(index_is_unsettled(tested));
}

static void without_room_pages_are_withheld_and_nothing_is_written(void **state)
{
    (void)state;
    struct index_scope open = scope(HOST "/open/", true), all = scope("", true);
    struct index_change withhold = scopes_change(&open, 1);
    withhold.kind = INDEX_WITHHOLD_SCOPES;
    set_scopes(&all, 1);
    put_page(HOST "/open/a", "apple");
    put_page(HOST "/private/a", "apple");
    for (int turn = 0; turn < 2; turn++) {
        storage_memory_fail_writes(memory, STATUS_NO_SPACE);
        for (int again = 0; again < 2; again++)
            assert_int_equal(index_apply(tested, &withhold, 1, position, NULL), STATUS_OK);
        assert_int_equal(found("apple"), 1);
        assert_int_equal(found_by_admin("apple"), 2);
        assert_true(index_is_unsettled(tested));
        storage_memory_fail_writes(memory, STATUS_OK);
        put_page(HOST "/open/b", "pear"); /* of before the scopes */
        assert_int_equal(found("apple"), 1);
        assert_true(index_is_unsettled(tested));
        set_scopes(turn == 0 ? &all : &open, 1); /* they were changed back meanwhile, or were not */
        assert_int_equal(found("apple"), turn == 0 ? 2 : 1);
        assert_false(index_is_unsettled(tested));
    }
}

static void after_a_change_that_was_broken_off_all_texts_are_read_again(void **state)
{
    (void)state;
    struct index_scope all = scope("", true), open = scope(HOST "/open/", true);
    set_scopes(&all, 1);
    put_page("http://b/", "apple");
    put_edge(HOST "/private/1", "http://b/", "secret");
    assert_int_equal(index_flush(tested, NULL), STATUS_OK);
    assert_int_equal(found("secret"), 1);
    break_off(&open, 1);
    open_again();
    set_scopes(NULL, 0);
    assert_int_equal(found("secret"), 0);
}

static void nothing_is_left_of_an_index_that_is_erased(void **state)
{
    (void)state;
    struct index_scope all = scope("", true);
    set_scopes(&all, 1);
    put_page(HOST "/", "apple");
    assert_int_equal(index_flush(tested, NULL), STATUS_OK);
    index_close(tested);
    assert_int_equal(index_erase(storage_memory_storage(memory), NULL), STATUS_OK);
    assert_int_equal(storage_memory_keys(memory), 0);
    assert_int_equal(index_open(storage_memory_storage(memory), NULL, &tested, NULL), STATUS_OK);
    put_page(HOST "/", "apple");
    assert_int_equal(found("apple"), 0);
}

static void too_many_scopes_show_nothing(void **state)
{
    (void)state;
    enum { SCOPES = 3000, PREFIX = 2000 };
    static char prefix[PREFIX + 1];
    static struct index_scope scopes[SCOPES];
    memset(prefix, 'a', PREFIX);
    memcpy(prefix, HOST, strlen(HOST));
    for (int i = 0; i < SCOPES; i++)
        scopes[i] = scope(i == 0 ? "" : prefix, i == 0);
    put_page(HOST "/", "apple");
    set_scopes(scopes, SCOPES / 2);
    assert_int_equal(found("apple"), 1);
    set_scopes(scopes, SCOPES);
    assert_int_equal(found("apple"), 0);
}

static void every_prefix_of_stored_scopes_is_corrupt_or_fewer_scopes(void **state)
{
    (void)state;
    struct index_scope scopes[] = {scope(HOST "/open/", true), scope("", false)};
    struct buffer bytes = {0}, again = {0};
    struct visibility *shown = visibility_new(scopes, 2), *other;
    visibility_encode(shown, &bytes);
    for (size_t size = 0; size <= bytes.size; size++) {
        uint8_t *copy = malloc(size + 1);
        memcpy(copy, bytes.data, size);
        enum status status = visibility_decode(copy, size, &other, NULL);
        free(copy);
        assert_true(status == STATUS_OK || status == STATUS_CORRUPT);
        if (status != STATUS_OK)
            continue;
        buffer_clear(&again);
        visibility_encode(other, &again);
        assert_int_equal(again.size, size);
        if (size > 0)
            assert_memory_equal(again.data, bytes.data, size);
        visibility_release(other);
    }
    visibility_release(shown);
    buffer_release(&bytes);
    buffer_release(&again);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(a_public_scope_shows_what_it_covers_and_nothing_else),
        TEST(a_scope_that_is_not_public_withholds_what_it_covers),
        TEST(scopes_hold_for_what_comes_later_and_after_reopening),
        TEST(the_last_scopes_of_a_batch_hold),
        TEST(links_from_hidden_pages_are_neither_listed_nor_counted),
        TEST(a_page_counts_links_from_pages_that_are_as_open_as_it_is),
        TEST(nobody_finds_a_page_by_the_words_of_hidden_links),
        TEST(a_change_that_was_broken_off_shows_nothing_until_it_comes_again),
        TEST(while_a_change_goes_on_only_what_both_show_is_shown),
        TEST(while_a_change_goes_on_totals_of_links_tell_of_no_hidden_page),
        TEST(from_its_beginning_to_its_position_a_change_is_unsettled),
        TEST(without_room_pages_are_withheld_and_nothing_is_written),
        TEST(after_a_change_that_was_broken_off_all_texts_are_read_again),
        TEST(nothing_is_left_of_an_index_that_is_erased),
        TEST(too_many_scopes_show_nothing),
        TEST(every_prefix_of_stored_scopes_is_corrupt_or_fewer_scopes),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
