/* Searches beside a writer and a merger: each sees a whole state, the newest or the one before. */
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/bytes.h"
#include "index/document.h"
#include "index/index.h"
#include "index/search.h"
#include "index/storage_memory.h"
#include "tests/unit/unit.h"

#define DOCUMENTS 64
#define ROUNDS    60
#define SEARCHERS 3

static struct index *shared;
static atomic_bool done;
static atomic_uint wrong;
static atomic_uint searched;

static struct text_slice slice(const char *text)
{
    return (struct text_slice){text, strlen(text)};
}

/* Every document always has "apple" and the number of its round; all are replaced at once. */
static void put_round(unsigned round)
{
    static char urls[DOCUMENTS][32];
    static char texts[DOCUMENTS][64];
    struct index_change changes[DOCUMENTS + 1];
    for (unsigned i = 0; i < DOCUMENTS; i++) {
        snprintf(urls[i], sizeof(urls[i]), "http://e.org/%u", i);
        snprintf(texts[i], sizeof(texts[i]), "apple round%u", round);
        changes[i] = (struct index_change){
            .kind = INDEX_PUT_DOCUMENT,
            .document = {.url = slice(urls[i]), .site = slice("e.org"), .text = slice(texts[i])}};
    }
    changes[DOCUMENTS] =
        (struct index_change){.kind = INDEX_PUT_EDGE,
                              .edge = {.source = slice(urls[round % DOCUMENTS]),
                                       .target = slice(urls[(round + 1) % DOCUMENTS]),
                                       .anchor = slice("anchor")}};
    if (index_apply(shared, changes, DOCUMENTS + 1, round + 1, NULL) != STATUS_OK)
        atomic_fetch_add(&wrong, 1);
}

static void *write_rounds(void *unused)
{
    (void)unused;
    for (unsigned round = 1; round < ROUNDS; round++) {
        put_round(round);
        if (round % 3 == 0 && index_flush(shared, NULL) != STATUS_OK)
            atomic_fetch_add(&wrong, 1);
    }
    atomic_store(&done, true);
    return NULL;
}

static void *merge_rounds(void *unused)
{
    (void)unused;
    while (!atomic_load(&done)) {
        enum status status = index_merge(shared, NULL);
        if (status != STATUS_OK && status != STATUS_END)
            atomic_fetch_add(&wrong, 1);
    }
    return NULL;
}

static bool has_mark(const struct snippet *snippet)
{
    bool marked = false;
    for (uint32_t i = 0; i < snippet->span_count; i++)
        marked = marked || snippet->spans[i].marked;
    return marked;
}

static void search_once(struct text_analyzer *analyzer, struct snippet_maker *maker,
                        struct arena *arena)
{
    struct query query;
    struct search_result result;
    struct shown_document shown;
    struct query_term terms[QUERY_TERMS_MAX];
    uint64_t frequencies[QUERY_TERMS_MAX];
    struct search_request request = {.k = 10, .statistics.document_frequencies = frequencies};
    if (query_parse(analyzer, slice("apple"), 0, arena, &query, NULL) != STATUS_OK)
        abort();
    request.statistics.document_frequency_count = query_collect_terms(query.root, terms);
    enum status status = index_term_statistics(
        shared, terms, request.statistics.document_frequency_count, frequencies, NULL);
    index_statistics(shared, &request.statistics.documents, request.statistics.field_tokens);
    if (status == STATUS_OK)
        status = index_search(shared, query.root, &request, arena, &result, NULL);
    if (status != STATUS_OK || result.total != DOCUMENTS || result.hit_count != 10)
        atomic_fetch_add(&wrong, 1);
    else if (index_show(shared, maker, &result.hits[0].url_hash, 1, query.root, arena, &shown,
                        NULL) != STATUS_OK ||
             !shown.found || !has_mark(&shown.snippet))
        atomic_fetch_add(&wrong, 1);
    atomic_fetch_add(&searched, 1);
}

static void *search_all_the_time(void *unused)
{
    (void)unused;
    struct text_analyzer *analyzer = text_analyzer_new();
    struct snippet_maker *maker = snippet_maker_new();
    struct arena arena = {0};
    do {
        search_once(analyzer, maker, &arena);
        arena_reset(&arena);
    } while (!atomic_load(&done));
    arena_release(&arena);
    snippet_maker_free(maker);
    text_analyzer_free(analyzer);
    return NULL;
}

static void searches_see_whole_states(void **state)
{
    (void)state;
    struct storage_memory *memory = storage_memory_new();
    struct index_options options = {.memory_bytes = 100000};
    pthread_t threads[SEARCHERS + 2];
    assert_int_equal(index_open(storage_memory_storage(memory), &options, &shared, NULL),
                     STATUS_OK);
    put_round(0);
    for (int i = 0; i < SEARCHERS + 2; i++)
        assert_int_equal(pthread_create(&threads[i], NULL,
                                        i == 0   ? write_rounds
                                        : i == 1 ? merge_rounds
                                                 : search_all_the_time,
                                        NULL),
                         0);
    for (int i = 0; i < SEARCHERS + 2; i++)
        assert_int_equal(pthread_join(threads[i], NULL), 0);
    assert_int_equal(atomic_load(&wrong), 0);
    assert_true(atomic_load(&searched) >= SEARCHERS);
    index_close(shared);
    storage_memory_free(memory);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(searches_see_whole_states),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
