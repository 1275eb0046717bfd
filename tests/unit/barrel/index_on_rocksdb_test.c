/* The index over the storage that a barrel gives it: what was flushed is there after reopening, and
 * merged-away segments give their space back. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "barrel/storage_rocksdb.h"
#include "index/document.h"
#include "index/search.h"
#include "tests/unit/unit.h"

struct fixture {
    char folder[64];
    struct storage_rocksdb *rocksdb;
    struct index *index;
    struct text_analyzer *analyzer;
    struct arena arena;
};

static void open_all(struct fixture *fixture)
{
    struct error err = {0};
    if (storage_rocksdb_open(fixture->folder, 8 << 20, &fixture->rocksdb, &err) != STATUS_OK ||
        index_open(storage_rocksdb_storage(fixture->rocksdb), NULL, &fixture->index, &err) !=
            STATUS_OK)
        fail_msg("%s", err.text);
}

static void close_all(struct fixture *fixture)
{
    index_close(fixture->index);
    storage_rocksdb_close(fixture->rocksdb);
}

static int set_up(void **state)
{
    struct fixture *fixture = calloc(1, sizeof(*fixture));
    strcpy(fixture->folder, "/tmp/tierce-index-XXXXXX");
    assert_non_null(mkdtemp(fixture->folder));
    fixture->analyzer = text_analyzer_new();
    assert_non_null(fixture->analyzer);
    open_all(fixture);
    *state = fixture;
    return 0;
}

static int tear_down(void **state)
{
    struct fixture *fixture = *state;
    char command[128];
    close_all(fixture);
    text_analyzer_free(fixture->analyzer);
    arena_release(&fixture->arena);
    snprintf(command, sizeof(command), "rm -rf %s", fixture->folder);
    assert_int_equal(system(command), 0);
    free(fixture);
    return 0;
}

static struct text_slice slice(const char *text)
{
    return (struct text_slice){text, strlen(text)};
}

/* A hundred pages, each with a link to the next; those of an earlier round are replaced. */
static void put_round(struct fixture *fixture, unsigned round, uint64_t position)
{
    enum { PAGES = 100 };
    static char urls[PAGES + 1][40];
    static char texts[PAGES][64];
    struct index_change changes[2 * PAGES];
    for (unsigned i = 0; i <= PAGES; i++)
        snprintf(urls[i], sizeof(urls[i]), "http://e.org/%u", (round % 8) * PAGES + i);
    for (unsigned i = 0; i < PAGES; i++) {
        snprintf(texts[i], sizeof(texts[i]), "apple round%u page%u", round, i);
        changes[2 * i] = (struct index_change){
            .kind = INDEX_PUT_DOCUMENT,
            .document = {.url = slice(urls[i]), .site = slice("e.org"), .text = slice(texts[i])}};
        changes[2 * i + 1] = (struct index_change){.kind = INDEX_PUT_EDGE,
                                                   .edge = {.source = slice(urls[i]),
                                                            .target = slice(urls[i + 1]),
                                                            .anchor = slice("following")}};
    }
    struct error err = {0};
    if (index_apply(fixture->index, changes, 2 * PAGES, position, &err) != STATUS_OK ||
        index_flush(fixture->index, &err) != STATUS_OK)
        fail_msg("%s", err.text);
    enum status status = index_merge(fixture->index, &err);
    if (status != STATUS_OK && status != STATUS_END)
        fail_msg("%s", err.text);
}

static uint64_t total(struct fixture *fixture, const char *typed)
{
    struct query query;
    struct search_result result;
    struct query_term terms[QUERY_TERMS_MAX];
    uint64_t frequencies[QUERY_TERMS_MAX];
    struct search_request request = {.k = 10, .statistics.document_frequencies = frequencies};
    assert_int_equal(query_parse(fixture->analyzer, slice(typed), 0, &fixture->arena, &query, NULL),
                     STATUS_OK);
    request.statistics.document_frequency_count = query_collect_terms(query.root, terms);
    assert_int_equal(index_term_statistics(fixture->index, terms,
                                           request.statistics.document_frequency_count, NULL,
                                           frequencies, NULL),
                     STATUS_OK);
    assert_int_equal(
        index_search(fixture->index, query.root, &request, &fixture->arena, &result, NULL),
        STATUS_OK);
    return result.total;
}

static void flushed_pages_and_links_are_there_after_reopening(void **state)
{
    struct fixture *fixture = *state;
    for (unsigned round = 0; round < 24; round++)
        put_round(fixture, round, round + 1);
    struct index_size before;
    index_measure(fixture->index, &before);
    for (int again = 0; again < 2; again++) {
        struct backlinks links;
        struct index_size size;
        index_measure(fixture->index, &size);
        assert_int_equal(size.documents, 800);
        assert_int_equal(size.segments_memory, 0);
        assert_int_equal(size.segments_stored, before.segments_stored);
        assert_int_equal(index_applied_position(fixture->index), 24);
        assert_int_equal(total(fixture, "apple"), 800);
        assert_int_equal(total(fixture, "round20"), 100);
        assert_int_equal(total(fixture, "\"page7\" round3"), 0);
        assert_int_equal(total(fixture, "anchor:following"), 799);
        assert_int_equal(index_backlinks(fixture->index, slice("http://e.org/800"), false, 0, 10,
                                         &fixture->arena, &links, NULL),
                         STATUS_OK);
        assert_int_equal(links.total, 1);
        assert_string_equal(links.links[0].source_url, "http://e.org/799");
        close_all(fixture);
        open_all(fixture);
    }
}

static void what_was_erased_is_gone(void **state)
{
    struct fixture *fixture = *state;
    put_round(fixture, 0, 1);
    index_close(fixture->index);
    assert_int_equal(index_erase(storage_rocksdb_storage(fixture->rocksdb), NULL), STATUS_OK);
    storage_rocksdb_close(fixture->rocksdb);
    open_all(fixture);
    assert_int_equal(index_applied_position(fixture->index), 0);
    assert_int_equal(total(fixture, "apple"), 0);
    put_round(fixture, 0, 1);
    assert_int_equal(total(fixture, "apple"), 100);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(flushed_pages_and_links_are_there_after_reopening, set_up,
                                        tear_down),
        cmocka_unit_test_setup_teardown(what_was_erased_is_gone, set_up, tear_down),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
