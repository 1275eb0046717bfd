/* Links between pages: backlinks, counts, anchor texts and what they do to ranking. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/bytes.h"
#include "index/document.h"
#include "index/search.h"
#include "tests/unit/index/fixture.h"

static void put_edge(const char *source, const char *target, const char *anchor)
{
    struct index_change change = {
        .kind = INDEX_PUT_EDGE,
        .edge = {.source = slice(source), .target = slice(target), .anchor = slice(anchor)}};
    apply(&change, 1);
}

static void drop_edge(const char *source, const char *target)
{
    struct index_change change = {.kind = INDEX_DROP_EDGE,
                                  .edge = {.source = slice(source), .target = slice(target)}};
    apply(&change, 1);
}

static void put_page(const char *url, const char *text)
{
    struct index_change change = {
        .kind = INDEX_PUT_DOCUMENT,
        .document = {.url = slice(url), .site = slice("a"), .text = slice(text)}};
    apply(&change, 1);
}

static void flush(void)
{
    assert_int_equal(index_flush(tested, NULL), STATUS_OK);
}

static struct backlinks backlinks(const char *url, bool include_private)
{
    struct backlinks links;
    assert_int_equal(
        index_backlinks(tested, slice(url), include_private, 0, 100, &arena, &links, NULL),
        STATUS_OK);
    return links;
}

static struct search_result search(const char *text)
{
    struct query query;
    struct query_term terms[QUERY_TERMS_MAX];
    uint64_t frequencies[QUERY_TERMS_MAX];
    struct search_request request = {.k = 100};
    struct search_result result;
    assert_int_equal(query_parse(analyzer, slice(text), 0, &arena, &query, NULL), STATUS_OK);
    size_t count = query_collect_terms(query.root, terms);
    index_statistics(tested, &request.statistics.documents, request.statistics.field_tokens);
    assert_int_equal(index_term_statistics(tested, terms, count, NULL, frequencies, NULL),
                     STATUS_OK);
    request.statistics.document_frequencies = frequencies;
    request.statistics.document_frequency_count = count;
    assert_int_equal(index_search(tested, query.root, &request, &arena, &result, NULL), STATUS_OK);
    return result;
}

static void links_are_kept_whether_or_not_the_target_is_indexed(void **state)
{
    (void)state;
    put_edge("http://a/1", "http://b/", "first");
    put_edge("http://a/2", "http://b/", "second");
    put_edge("http://a/2", "http://c/", "");
    put_edge("http://b/", "http://b/", "itself");
    struct backlinks links = backlinks("http://b/", false);
    assert_int_equal(links.total, 2);
    assert_int_equal(links.count, 2);
    for (uint32_t i = 0; i < 2; i++) {
        bool first = strcmp(links.links[i].source_url, "http://a/1") == 0;
        assert_string_equal(links.links[i].anchor, first ? "first" : "second");
    }
    assert_string_equal(backlinks("http://c/", false).links[0].anchor, "");
    assert_int_equal(backlinks("http://d/", false).total, 0);
    assert_int_equal(backlinks("", false).total, 0);
}

static void putting_again_replaces_and_dropping_again_does_nothing(void **state)
{
    (void)state;
    for (int round = 0; round < 3; round++)
        put_edge("http://a/1", "http://b/", round == 2 ? "new" : "old");
    assert_int_equal(backlinks("http://b/", false).total, 1);
    assert_string_equal(backlinks("http://b/", false).links[0].anchor, "new");
    for (int round = 0; round < 3; round++)
        drop_edge("http://a/1", "http://b/");
    drop_edge("http://a/9", "http://b/");
    assert_int_equal(backlinks("http://b/", false).total, 0);
    assert_int_equal(storage_memory_keys(memory), 0);
}

static void the_last_change_of_a_link_in_a_batch_wins(void **state)
{
    (void)state;
    struct index_edge edge = {
        .source = slice("http://a/1"), .target = slice("http://b/"), .anchor = slice("x")};
    struct index_change changes[] = {
        {.kind = INDEX_PUT_EDGE, .edge = edge},
        {.kind = INDEX_DROP_EDGE, .edge = edge},
        {.kind = INDEX_PUT_EDGE, .edge = edge},
    };
    apply(changes, 3);
    assert_int_equal(backlinks("http://b/", false).total, 1);
    apply(changes, 2);
    assert_int_equal(backlinks("http://b/", false).total, 0);
}

static void many_links_are_paged(void **state)
{
    (void)state;
    enum { LINKS = 9000 };
    static char urls[LINKS][32];
    static struct index_change changes[LINKS];
    for (int i = 0; i < LINKS; i++) {
        snprintf(urls[i], sizeof(urls[i]), "http://a/%d", i);
        changes[i] = (struct index_change){
            .kind = INDEX_PUT_EDGE,
            .edge = {.source = slice(urls[i]), .target = slice("http://b/"), .anchor = slice("x")}};
    }
    apply(changes, LINKS);
    uint64_t last = 0;
    uint32_t seen = 0;
    for (uint64_t offset = 0;; offset += BACKLINKS_MAX) {
        struct backlinks links;
        assert_int_equal(index_backlinks(tested, slice("http://b/"), false, offset, BACKLINKS_MAX,
                                         &arena, &links, NULL),
                         STATUS_OK);
        assert_int_equal(links.total, LINKS);
        for (uint32_t i = 0; i < links.count; i++, seen++) {
            uint64_t hash = url_hash(links.links[i].source_url, strlen(links.links[i].source_url));
            assert_true(seen == 0 || hash > last);
            last = hash;
        }
        if (links.count == 0)
            break;
    }
    assert_int_equal(seen, LINKS);
    struct backlinks links;
    assert_int_equal(index_backlinks(tested, slice("http://b/"), false, 0, BACKLINKS_MAX + 1,
                                     &arena, &links, NULL),
                     STATUS_INVALID);
    for (int i = 0; i < LINKS; i++)
        changes[i].kind = INDEX_DROP_EDGE;
    apply(changes, LINKS);
    assert_int_equal(storage_memory_keys(memory), 0);
}

static void links_from_private_pages_are_for_admins(void **state)
{
    (void)state;
    struct index_change changes[] = {
        {.kind = INDEX_PUT_EDGE,
         .edge = {.source = slice("http://localhost/"),
                  .target = slice("http://b/"),
                  .anchor = slice("secret"),
                  .source_site = slice("localhost"),
                  .source_is_private = true}},
        {.kind = INDEX_PUT_EDGE,
         .edge = {.source = slice("http://a/"),
                  .target = slice("http://b/"),
                  .anchor = slice("known")}},
        {.kind = INDEX_PUT_DOCUMENT,
         .document = {.url = slice("http://b/"), .site = slice("b"), .text = slice("x")}},
    };
    apply(changes, 3);
    assert_int_equal(backlinks("http://b/", true).total, 2);
    assert_int_equal(backlinks("http://b/", false).total, 1);
    assert_int_equal(backlinks("http://b/", false).count, 1);
    assert_string_equal(backlinks("http://b/", false).links[0].anchor, "known");
    /* Nor do their texts find a page that everyone may see. */
    assert_int_equal(search("anchor:known").total, 1);
    assert_int_equal(search("anchor:secret").total, 0);
    struct index_scope scopes[] = {{.site = slice("localhost"), .is_public = true}};
    struct index_change public = {.kind = INDEX_SET_SCOPES, .scopes = scopes, .scope_count = 1};
    apply(&public, 1);
    assert_int_equal(backlinks("http://b/", false).total, 2);
}

static void anchor_texts_find_their_target(void **state)
{
    (void)state;
    put_edge("http://a/1", "http://b/", "early words");
    put_page("http://b/", "text");
    assert_int_equal(search("early").total, 1);
    put_edge("http://a/2", "http://b/", "later");
    assert_int_equal(search("later").total, 0); /* read when the number of links has doubled */
    flush();
    assert_int_equal(search("later").total, 1);
    assert_int_equal(search("early").total, 1);
    assert_int_equal(search("\"words later\"").total, 0); /* no phrase over two links */
    put_page("http://b/", "other text");
    assert_int_equal(search("early later other").total, 1);
    struct stored_document stored;
    assert_int_equal(index_document_get(tested, slice("http://b/"), &arena, &stored, NULL),
                     STATUS_OK);
    assert_int_equal(stored.inlinks, 2);
}

static void a_rebuilt_document_is_otherwise_the_same(void **state)
{
    (void)state;
    struct index_change change = {
        .kind = INDEX_PUT_DOCUMENT,
        .document = {.url = slice("http://b/"),
                     .site = slice("b"),
                     .title = slice("A title"),
                     .headings = slice("One\nTwo"),
                     .text = slice("Some text"),
                     .language = slice("en"),
                     .fetched_unix_us = 12345,
                     .is_private = true},
    };
    apply(&change, 1);
    flush();
    put_edge("http://a/1", "http://b/", "word");
    flush();
    struct stored_document stored;
    assert_int_equal(index_document_get(tested, slice("http://b/"), &arena, &stored, NULL),
                     STATUS_OK);
    assert_string_equal(stored.title, "A title");
    assert_string_equal(stored.site, "b");
    assert_string_equal(stored.language, "en");
    struct text_slice stored_headings, stored_text;
    assert_int_equal(index_document_text(tested, slice("http://b/"), &arena, &stored_headings,
                                         &stored_text, NULL),
                     STATUS_OK);
    assert_int_equal(stored_headings.size, 7);
    assert_memory_equal(stored_headings.bytes, "One\nTwo", 7);
    assert_int_equal(stored_text.size, 9);
    assert_memory_equal(stored_text.bytes, "Some text", 9);
    assert_int_equal(stored.fetched_unix_us, 12345);
    assert_int_equal(stored.inlinks, 1);
    assert_true(stored.is_private);
    struct index_size size;
    index_measure(tested, &size);
    assert_int_equal(size.documents, 1);
}

static void more_links_rank_higher(void **state)
{
    (void)state;
    put_page("http://b/1", "apple pie");
    put_page("http://b/2", "apple pie");
    struct search_result result = search("apple");
    assert_int_equal(result.hit_count, 2);
    assert_true(result.hits[0].score == result.hits[1].score);
    const char *second =
        result.hits[1].url_hash == url_hash("http://b/1", 10) ? "http://b/1" : "http://b/2";
    put_edge("http://a/1", second, "");
    for (int round = 0; round < 2; round++) {
        result = search("apple");
        assert_true(result.hits[0].url_hash == url_hash(second, 10));
        assert_true(result.hits[0].score > result.hits[1].score);
        flush();
    }
    drop_edge("http://a/1", second);
    result = search("apple");
    assert_true(result.hits[0].score == result.hits[1].score);
}

static void counts_of_links_survive_flush_merge_and_reopening(void **state)
{
    (void)state;
    char url[64];
    for (int i = 0; i < 200; i++) {
        snprintf(url, sizeof(url), "http://b/%d", i % 20);
        put_page(url, "apple");
        char source[64];
        snprintf(source, sizeof(source), "http://a/%d", i);
        snprintf(url, sizeof(url), "http://b/%d", i % 7);
        put_edge(source, url, "some anchor");
        if (i % 10 == 9) {
            flush();
            index_merge(tested, NULL);
        }
    }
    flush();
    for (int round = 0; round < 2; round++) {
        for (int i = 0; i < 20; i++) {
            struct stored_document stored;
            snprintf(url, sizeof(url), "http://b/%d", i);
            assert_int_equal(index_document_get(tested, slice(url), &arena, &stored, NULL),
                             STATUS_OK);
            assert_int_equal(stored.inlinks, i < 7 ? backlinks(url, false).total : 0);
        }
        index_close(tested);
        assert_int_equal(index_open(storage_memory_storage(memory), NULL, &tested, NULL),
                         STATUS_OK);
    }
}

static void a_link_that_came_after_indexing_is_counted_after_reopening(void **state)
{
    (void)state;
    put_edge("http://a/1", "http://b/", "");
    put_edge("http://a/2", "http://b/", "");
    put_page("http://b/", "apple");
    put_edge("http://a/3", "http://b/", ""); /* too few to index the page again */
    flush();
    index_close(tested);
    assert_int_equal(index_open(storage_memory_storage(memory), NULL, &tested, NULL), STATUS_OK);
    struct stored_document stored;
    assert_int_equal(index_document_get(tested, slice("http://b/"), &arena, &stored, NULL),
                     STATUS_OK);
    assert_int_equal(stored.inlinks, 3);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(links_are_kept_whether_or_not_the_target_is_indexed),
        TEST(putting_again_replaces_and_dropping_again_does_nothing),
        TEST(the_last_change_of_a_link_in_a_batch_wins),
        TEST(many_links_are_paged),
        TEST(links_from_private_pages_are_for_admins),
        TEST(anchor_texts_find_their_target),
        TEST(a_rebuilt_document_is_otherwise_the_same),
        TEST(more_links_rank_higher),
        TEST(a_link_that_came_after_indexing_is_counted_after_reopening),
        TEST(counts_of_links_survive_flush_merge_and_reopening),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
