/* Work for which nobody waits any more ends soon, and says so. */
#include "index/limit.h"

#include <stdio.h>

#include "base/bytes.h"
#include "base/check.h"
#include "base/clock.h"
#include "index/correct.h"
#include "index/document.h"
#include "index/search.h"
#include "index/suggest.h"
#include "tests/unit/index/fixture.h"

#define DOCUMENTS 12000
#define BATCH     500

/* Words of one document each that begin alike. */
static void put_documents(void)
{
    static char urls[BATCH][32], texts[BATCH][96];
    static struct index_change changes[BATCH];
    for (uint32_t i = 0; i < DOCUMENTS; i++) {
        uint32_t at = i % BATCH;
        snprintf(urls[at], sizeof(urls[at]), "http://a/%u", i);
        snprintf(texts[at], sizeof(texts[at]), "apple banana cherry dates wor%c%c%c%c", 'a' + i % 7,
                 'a' + i / 7 % 9, 'a' + i / 63 % 11, 'a' + i / 693 % 26);
        changes[at] = (struct index_change){.kind = INDEX_PUT_DOCUMENT,
                                            .document = {.url = slice(urls[at]),
                                                         .site = slice("a"),
                                                         .title = slice("apple banana"),
                                                         .text = slice(texts[at]),
                                                         .fetched_unix_us = 1}};
        if (at + 1 == BATCH)
            apply(changes, BATCH);
    }
    assert_int_equal(index_flush(tested, NULL), STATUS_OK);
}

static int set_up_documents(void **state)
{
    int failed = set_up(state);
    if (failed == 0)
        put_documents();
    return failed;
}

/* ---- work ---- */

struct work {
    const char *text;
    uint32_t looks_min; /* it takes so long that so often somebody must have looked */
    enum status (*run)(const char *text, const struct search_limit *limit);
};

static enum status search(const char *text, const struct search_limit *limit)
{
    struct query query;
    struct query_term terms[QUERY_TERMS_MAX];
    uint64_t frequencies[QUERY_TERMS_MAX] = {0};
    struct search_result result;
    struct search_request request = {.k = 10, .limit = limit};
    assert_int_equal(query_parse(analyzer, slice(text), 0, &arena, &query, NULL), STATUS_OK);
    request.statistics.document_frequency_count = query_collect_terms(query.root, terms);
    request.statistics.document_frequencies = frequencies;
    enum status status = index_search(tested, query.root, &request, &arena, &result, NULL);
    if (status == STATUS_OK)
        assert_int_equal(result.total, DOCUMENTS);
    return status;
}

static enum status suggest(const char *text, const struct search_limit *limit)
{
    struct suggestions suggestions;
    return index_suggest(tested, analyzer, slice(text), false, limit, &arena, &suggestions, NULL);
}

static enum status correct(const char *text, const struct search_limit *limit)
{
    struct correction corrections[CORRECT_WORDS_MAX];
    struct text_slice words[CORRECT_WORDS_MAX];
    for (uint32_t i = 0; i < CORRECT_WORDS_MAX; i++)
        words[i] = slice(text);
    return index_correct(tested, analyzer, words, CORRECT_WORDS_MAX, false, limit, &arena,
                         corrections, NULL);
}

static enum status show(const char *text, const struct search_limit *limit)
{
    struct query query;
    uint64_t hashes[20];
    struct shown_document shown[20];
    struct snippet_maker *maker = snippet_maker_new();
    assert_non_null(maker);
    assert_int_equal(query_parse(analyzer, slice(text), 0, &arena, &query, NULL), STATUS_OK);
    for (uint32_t i = 0; i < 20; i++) {
        char url[32];
        snprintf(url, sizeof(url), "http://a/%u", i * 500);
        hashes[i] = url_hash(url, strlen(url));
    }
    enum status status =
        index_show(tested, maker, hashes, 20, query.root, limit, &arena, shown, NULL);
    snippet_maker_free(maker);
    return status;
}

static enum status count(const char *text, const struct search_limit *limit)
{
    struct query query;
    struct query_term terms[QUERY_TERMS_MAX];
    uint64_t frequencies[QUERY_TERMS_MAX];
    assert_int_equal(query_parse(analyzer, slice(text), 0, &arena, &query, NULL), STATUS_OK);
    size_t term_count = query_collect_terms(query.root, terms);
    return index_term_statistics(tested, terms, term_count, limit, frequencies, NULL);
}

static const struct work works[] = {
    {"apple", 1, search},
    {"apple OR banana OR cherry OR dates", 4, search},
    {"apple banana cherry dates", 2, search},
    {"\"apple banana\"", 100, search},
    {"\"banana apple\"~5", 100, search},
    {"site:a -pear", 10, search},
    {"apple (banana OR site:b)", 10, search},
    {"(apple banana) OR (cherry -pear)", 10, search},
    {"wor*", 10, search},
    {"before:1971", 10, search},
    {"apple banana wo", 2, suggest},
    {"worabczz", 8, correct},
    {"apple", 4, show},
    {"wora* worb* worc* word*", 4, count},
};

/* ---- the tests ---- */

struct asked {
    uint32_t looks;
    uint32_t looks_max; /* behind them nobody waits any more */
};

static bool is_cancelled(const void *context)
{
    struct asked *asked = (struct asked *)(uintptr_t)context;
    return ++asked->looks > asked->looks_max;
}

static void work_is_looked_after_and_ends_at_once_when_it_is_cancelled(void **state)
{
    (void)state;
    for (size_t i = 0; i < ARRAY_COUNT(works); i++) {
        const struct work *work = &works[i];
        struct asked asked = {.looks_max = UINT32_MAX};
        struct search_limit limit = {.is_cancelled = is_cancelled, .context = &asked};
        assert_int_equal(work->run(work->text, &limit), STATUS_OK);
        uint32_t looks = asked.looks;
        if (looks < work->looks_min || looks > DOCUMENTS / 10)
            print_message("%s: %u looks\n", work->text, looks);
        assert_in_range(looks, work->looks_min, DOCUMENTS / 10);
        for (uint32_t looks_max = 0; looks_max < looks; looks_max += 1 + looks / 20) {
            asked = (struct asked){.looks_max = looks_max};
            assert_int_equal(work->run(work->text, &limit), STATUS_CANCELLED);
            assert_in_range(asked.looks, looks_max + 1, looks_max + 2); /* one limit, two watches */
        }
        arena_reset(&arena);
    }
}

static void work_whose_time_is_over_ends(void **state)
{
    (void)state;
    struct search_limit over = {.deadline_ms = 1};
    struct search_limit ahead = {.deadline_ms = clock_boot_ms() + 3600000};
    for (size_t i = 0; i < ARRAY_COUNT(works); i++) {
        assert_int_equal(works[i].run(works[i].text, &over), STATUS_TIMEOUT);
        assert_int_equal(works[i].run(works[i].text, &ahead), STATUS_OK);
        assert_int_equal(works[i].run(works[i].text, NULL), STATUS_OK);
        arena_reset(&arena);
    }
    assert_false(index_is_corrupt(tested));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(work_is_looked_after_and_ends_at_once_when_it_is_cancelled),
        cmocka_unit_test(work_whose_time_is_over_ends),
    };
    return cmocka_run_group_tests(tests, set_up_documents, tear_down);
}
