/* Searches beside a writer and a merger: each sees a whole state, the newest or the one before. */
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/bytes.h"
#include "index/correct.h"
#include "index/document.h"
#include "index/index.h"
#include "index/search.h"
#include "index/storage_memory.h"
#include "index/suggest.h"
#include "tests/unit/unit.h"

enum {
    DOCUMENTS = 256, /* always there */
    VISITORS = 16,   /* there in every second round */
    ROUNDS = 120,
    ROUNDS_SOAK = 1000,
    SEARCHERS = 3,
    URL_BYTES = 32,
    TEXT_BYTES = 1024,
};

static struct index *shared;
static unsigned rounds;
static atomic_bool done;
static atomic_uint wrong;
static atomic_uint searched;
static atomic_uint merged;

static void expect(bool holds, const char *what)
{
    if (!holds && atomic_fetch_add(&wrong, 1) < 10)
        print_message("wrong: %s\n", what);
}

static struct text_slice slice(const char *text)
{
    return (struct text_slice){text, strlen(text)};
}

/* ---- writing ---- */

struct round {
    char urls[DOCUMENTS + VISITORS][URL_BYTES];
    char texts[DOCUMENTS + VISITORS][TEXT_BYTES];
    struct index_change changes[DOCUMENTS + VISITORS + 1];
    size_t count;
};

static void put(struct round *round, unsigned i, const char *site, const char *text)
{
    snprintf(round->texts[i], TEXT_BYTES, "%s", text);
    round->changes[round->count++] = (struct index_change){
        .kind = INDEX_PUT_DOCUMENT,
        .document = {
            .url = slice(round->urls[i]), .site = slice(site), .text = slice(round->texts[i])}};
}

/* Every document always has "apple" and its number; each round replaces some of them, so that those
 * that are found lie in many segments. */
static void replace_documents(struct round *round, unsigned number)
{
    for (unsigned i = 0; i < DOCUMENTS; i++) {
        snprintf(round->urls[i], URL_BYTES, "http://e.org/%u", i);
        if (number > 0 && (number * 31 + i * 17) % 8 != 0)
            continue;
        char text[TEXT_BYTES];
        int size = snprintf(text, sizeof(text), "apple page%u round%u", i, number);
        for (unsigned word = 0; word < (number + i) % 60; word++)
            size += snprintf(text + size, sizeof(text) - (size_t)size, " word%u", word * i);
        put(round, i, "e.org", text);
    }
}

/* They come all at once, and leave so: by their URLs, what these begin with, or their site. */
static void move_visitors(struct round *round, unsigned number)
{
    static const enum index_change_kind ways[] = {INDEX_REMOVE_URL, INDEX_REMOVE_PREFIX,
                                                  INDEX_REMOVE_SITE};
    enum index_change_kind way = ways[number / 2 % 3];
    for (unsigned i = DOCUMENTS; i < DOCUMENTS + VISITORS; i++) {
        snprintf(round->urls[i], URL_BYTES, "http://visitor.org/%u", i);
        if (number % 2 == 0)
            put(round, i, "visitor.org", "pear");
        else if (way == INDEX_REMOVE_URL)
            round->changes[round->count++] =
                (struct index_change){.kind = way, .url = slice(round->urls[i])};
    }
    if (number % 2 != 0 && way != INDEX_REMOVE_URL)
        round->changes[round->count++] = (struct index_change){
            .kind = way,
            .url = slice(way == INDEX_REMOVE_SITE ? "visitor.org" : "http://visitor.org/")};
}

static void put_round(unsigned number)
{
    static struct round round;
    round.count = 0;
    replace_documents(&round, number);
    move_visitors(&round, number);
    round.changes[round.count++] =
        (struct index_change){.kind = INDEX_PUT_EDGE,
                              .edge = {.source = slice(round.urls[number % DOCUMENTS]),
                                       .target = slice(round.urls[(number + 1) % DOCUMENTS]),
                                       .anchor = slice("anchor")}};
    expect(index_apply(shared, round.changes, round.count, number + 1, NULL) == STATUS_OK,
           "applying");
}

static void *write_rounds(void *unused)
{
    (void)unused;
    for (unsigned number = 1; number < rounds; number++) {
        put_round(number);
        if (number % 2 == 0)
            expect(index_flush(shared, NULL) == STATUS_OK, "flushing");
    }
    atomic_store(&done, true);
    return NULL;
}

static void *merge_rounds(void *unused)
{
    (void)unused;
    enum status status = STATUS_OK;
    while (!atomic_load(&done) || status == STATUS_OK) {
        status = index_merge(shared, NULL);
        expect(status == STATUS_OK || status == STATUS_END, "merging");
        if (status == STATUS_OK)
            atomic_fetch_add(&merged, 1);
    }
    return NULL;
}

/* ---- searching ---- */

struct searcher {
    struct text_analyzer *analyzer;
    struct snippet_maker *maker;
    struct arena arena;
    struct query query;
    unsigned number; /* of its searches */
};

static struct search_result search(struct searcher *searcher, const char *typed)
{
    struct search_result result = {0};
    struct query_term terms[QUERY_TERMS_MAX];
    uint64_t frequencies[QUERY_TERMS_MAX];
    struct search_request request = {.k = 10, .statistics.document_frequencies = frequencies};
    if (query_parse(searcher->analyzer, slice(typed), TEXT_LANGUAGE_UNKNOWN, &searcher->arena,
                    &searcher->query, NULL) != STATUS_OK)
        abort();
    size_t count = request.statistics.document_frequency_count =
        query_collect_terms(searcher->query.root, terms);
    index_statistics(shared, &request.statistics.documents, request.statistics.field_tokens);
    expect(request.statistics.documents == DOCUMENTS ||
               request.statistics.documents == DOCUMENTS + VISITORS,
           "the number of documents");
    expect(index_term_statistics(shared, terms, count, NULL, frequencies, NULL) == STATUS_OK &&
               index_search(shared, searcher->query.root, &request, &searcher->arena, &result,
                            NULL) == STATUS_OK,
           "searching");
    return result;
}

static bool has_mark(const struct snippet *snippet)
{
    bool marked = false;
    for (uint32_t i = 0; i < snippet->span_count; i++)
        marked = marked || snippet->spans[i].marked;
    return marked;
}

static void search_for_all(struct searcher *searcher)
{
    struct shown_document shown[10];
    uint64_t hashes[10];
    struct search_result result = search(searcher, "apple");
    expect(result.total == DOCUMENTS && result.hit_count == 10, "all that are always there");
    for (uint32_t i = 0; i < result.hit_count; i++)
        hashes[i] = result.hits[i].url_hash;
    expect(index_show(shared, searcher->maker, hashes, result.hit_count, searcher->query.root, NULL,
                      &searcher->arena, shown, NULL) == STATUS_OK,
           "showing");
    for (uint32_t i = 0; i < result.hit_count; i++)
        expect(shown[i].found && has_mark(&shown[i].snippet), "a shown document");
}

static void search_for_one(struct searcher *searcher)
{
    char name[16], url[URL_BYTES];
    struct text_slice headings, text;
    struct backlinks links;
    unsigned i = searcher->number % DOCUMENTS;
    snprintf(name, sizeof(name), "page%u", i);
    snprintf(url, sizeof(url), "http://e.org/%u", i);
    struct search_result result = search(searcher, name);
    expect(result.total == 1 && result.hits[0].url_hash == url_hash(url, strlen(url)),
           "one that is always there");
    expect(index_document_text(shared, slice(url), &searcher->arena, &headings, &text, NULL) ==
                   STATUS_OK &&
               memmem(text.bytes, text.size, name, strlen(name)) != NULL,
           "the text of one");
    expect(index_backlinks(shared, slice(url), false, 0, 10, &searcher->arena, &links, NULL) ==
                   STATUS_OK &&
               links.total <= 1,
           "the links to one");
}

static void search_for_visitors(struct searcher *searcher)
{
    uint64_t total = search(searcher, "pear").total;
    expect(total == 0 || total == VISITORS, "visitors");
}

static bool is_apple(struct text_slice term)
{
    return term.size == strlen("apple") && memcmp(term.bytes, "apple", term.size) == 0;
}

/* A word that always stands in so many documents is always suggested, and found by its misspelling.
 */
static void suggest(struct searcher *searcher)
{
    struct suggestions suggestions;
    struct correction correction;
    struct text_slice misspelt = slice("aple");
    expect(index_suggest(shared, searcher->analyzer, slice("appl"), false, NULL, &searcher->arena,
                         &suggestions, NULL) == STATUS_OK &&
               suggestions.word_count > 0 && is_apple(suggestions.words[0].term) &&
               suggestions.words[0].documents >= DOCUMENTS,
           "a suggestion");
    expect(index_correct(shared, searcher->analyzer, &misspelt, 1, false, NULL, &searcher->arena,
                         &correction, NULL) == STATUS_OK &&
               correction.candidate_count > 0 && is_apple(correction.candidates[0].term),
           "a correction");
}

static void *search_all_the_time(void *unused)
{
    (void)unused;
    struct searcher searcher = {.analyzer = text_analyzer_new(), .maker = snippet_maker_new()};
    do {
        search_for_all(&searcher);
        search_for_one(&searcher);
        search_for_visitors(&searcher);
        suggest(&searcher);
        arena_reset(&searcher.arena);
        searcher.number++;
        atomic_fetch_add(&searched, 1);
    } while (!atomic_load(&done));
    arena_release(&searcher.arena);
    snippet_maker_free(searcher.maker);
    text_analyzer_free(searcher.analyzer);
    return NULL;
}

static void searches_see_whole_states(void **state)
{
    (void)state;
    struct storage_memory *memory = storage_memory_new();
    struct index_options options = {.memory_bytes = 100000};
    rounds = getenv("TIERCE_SOAK") == NULL ? ROUNDS : ROUNDS_SOAK;
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
    assert_true(atomic_load(&merged) > 0);
    assert_false(index_is_corrupt(shared));
    print_message("counted %u rounds, %u merges, %u searches\n", rounds, atomic_load(&merged),
                  3 * atomic_load(&searched));
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
