/* What is skipped changes nothing: the best documents and their scores are those that looking at
 * every document gives. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/check.h"
#include "index/search.h"
#include "tests/unit/index/fixture.h"

#define DOCUMENTS 30000
#define WORDS     400 /* different ones; word 0 is the commonest */

static uint32_t random_number(void)
{
    static uint64_t last = 88172645463325252u;
    last ^= last << 13;
    last ^= last >> 7;
    last ^= last << 17;
    return (uint32_t)(last >> 16);
}

/* Common words are much commoner than rare ones. */
static unsigned random_word(void)
{
    double uniform = (random_number() % 1000000 + 1) / 1000000.0;
    return (unsigned)(WORDS * uniform * uniform * uniform * uniform) % WORDS;
}

/* Every other word has an ending at times that the stemmer of some language knows. */
static const char *word_text(unsigned word)
{
    static const char *const endings[] = {"", "ing", "en", "ar", "s", "e"};
    static char texts[4][24];
    static unsigned next;
    char *text = texts[next++ % 4];
    snprintf(text, sizeof(texts[0]), "wa%dqul%s", (int)word,
             word % 2 == 0 ? endings[random_number() % ARRAY_COUNT(endings)] : "");
    return text;
}

/* Runs of pages in one language, with some of others among them. */
static const char *page_language(uint32_t page)
{
    static const char *const languages[] = {"en", "de", "sv", "fr", "ru", "fi"};
    uint32_t chosen = page * 2654435761u >> 20;
    return languages[(chosen % 20 == 0 ? chosen / 20 : page / 50) % ARRAY_COUNT(languages)];
}

/* Whose stems are looked for beside the English ones. */
#define STEMS                                                                                      \
    (UINT64_C(1) << TEXT_LANGUAGE_GERMAN | UINT64_C(1) << TEXT_LANGUAGE_SWEDISH |                  \
     UINT64_C(1) << TEXT_LANGUAGE_FRENCH | UINT64_C(1) << TEXT_LANGUAGE_FINNISH)

static void append_words(struct buffer *text, unsigned count)
{
    /* Runs of one word, so that frequencies differ. */
    for (unsigned i = 0; i < count; i++) {
        unsigned word = random_word();
        for (unsigned times = random_number() % 8 == 0 ? 1 + random_number() % 30 : 1; times > 0;
             times--)
            buffer_append_format(text, "%s ", word_text(word));
    }
}

static void put_documents(uint32_t first, uint32_t count)
{
    struct buffer texts[64] = {0};
    struct buffer titles[64] = {0};
    char urls[64][40];
    struct index_change changes[64];
    for (uint32_t done = 0; done < count; done += 64) {
        uint32_t here = count - done < 64 ? count - done : 64;
        for (uint32_t i = 0; i < here; i++) {
            buffer_clear(&texts[i]);
            buffer_clear(&titles[i]);
            if (i > 0 && random_number() % 3 == 0) { /* equal ones: they score the same */
                buffer_append(&texts[i], texts[i - 1].data, texts[i - 1].size);
                buffer_append(&titles[i], titles[i - 1].data, titles[i - 1].size);
            } else {
                append_words(&texts[i], 1 + random_number() % 40);
                append_words(&titles[i], random_number() % 3);
            }
            snprintf(urls[i], sizeof(urls[i]), "http://s%u.test/%u", (first + done + i) % 7,
                     first + done + i);
            changes[i] = (struct index_change){
                .kind = INDEX_PUT_DOCUMENT,
                .document = {.url = slice(urls[i]),
                             .site = {urls[i] + 7, 7},
                             .title = {(char *)titles[i].data, titles[i].size},
                             .language = slice(page_language(first + done + i)),
                             .content_type =
                                 slice((first + done + i) % 5 == 0 ? "text/plain" : "text/html"),
                             .modified_unix_us = (first + done + i) % 900 * INT64_C(86400000000) +
                                                 INT64_C(1640995200000000),
                             .text = {(char *)texts[i].data, texts[i].size}},
            };
        }
        assert_int_equal(index_apply(tested, changes, here, first + done + 1, NULL), STATUS_OK);
    }
    for (unsigned i = 0; i < 64; i++) {
        buffer_release(&texts[i]);
        buffer_release(&titles[i]);
    }
}

static void put_links(uint32_t count)
{
    for (uint32_t i = 0; i < count; i++) {
        char source[40], target[40];
        uint32_t to = random_number() % 1000 * (random_number() % 4 == 0 ? 30 : 1);
        snprintf(source, sizeof(source), "http://links.test/%u", i);
        snprintf(target, sizeof(target), "http://s%u.test/%u", to % 7, to);
        struct index_change change = {
            .kind = INDEX_PUT_EDGE,
            .edge = {.source = slice(source), .target = slice(target), .anchor = slice("wa3qul")},
        };
        assert_int_equal(index_apply(tested, &change, 1, DOCUMENTS + i, NULL), STATUS_OK);
    }
}

static int set_up_documents(void **state)
{
    struct index_options options = {.memory_bytes = 4 << 20};
    if (set_up_storage(state) != 0 ||
        index_open(storage_memory_storage(memory), &options, &tested, NULL) != STATUS_OK)
        return -1;
    put_documents(0, DOCUMENTS);
    put_links(3000);
    while (index_merge(tested, NULL) == STATUS_OK)
        continue;
    put_documents(DOCUMENTS / 2, 2000); /* some are replaced, and lie in memory */
    return 0;
}

static struct search_result search(const struct query_node *root, uint32_t k,
                                   uint32_t count_exactly, const struct search_hit *after,
                                   const struct ranking *ranking)
{
    struct query_term terms[QUERY_TERMS_MAX];
    uint64_t *frequencies = arena_alloc(&arena, QUERY_TERMS_MAX * sizeof(*frequencies));
    struct search_request request = {
        .k = k, .count_exactly = count_exactly, .ranking = ranking, .has_after = after != NULL};
    struct search_result result;
    size_t count = query_collect_terms(root, terms);
    if (after != NULL) {
        request.after_score = after->score;
        request.after_url_hash = after->url_hash;
    }
    assert_int_equal(index_term_statistics(tested, terms, count, NULL, frequencies, NULL),
                     STATUS_OK);
    request.statistics.document_frequencies = frequencies;
    request.statistics.document_frequency_count = count;
    index_statistics(tested, &request.statistics.documents, request.statistics.field_tokens);
    assert_int_equal(index_search(tested, root, &request, &arena, &result, NULL), STATUS_OK);
    return result;
}

static void expect_same(const struct search_result *pruned, const struct search_result *whole)
{
    assert_int_equal(pruned->hit_count, whole->hit_count);
    for (uint32_t i = 0; i < whole->hit_count; i++) {
        assert_true(pruned->hits[i].score == whole->hits[i].score);
        assert_true(pruned->hits[i].url_hash == whole->hits[i].url_hash);
    }
    assert_true(pruned->total <= whole->total);
    assert_true(whole->total_is_exact);
    if (pruned->total_is_exact)
        assert_int_equal(pruned->total, whole->total);
}

/* Asked in a way that is walked through document by document, knowing nothing of languages. */
static void expect_total_of_tree(const char *typed, uint64_t total)
{
    char tree[1400];
    struct query query;
    snprintf(tree, sizeof(tree), "(%s) OR (%s zzzqqq) OR \"zzz qqq\"", typed, typed);
    assert_int_equal(query_parse(analyzer, slice(tree), STEMS, &arena, &query, NULL), STATUS_OK);
    assert_int_equal(search(query.root, 10, 0, NULL, &ranking_default).total, total);
}

/* Returns how many searches skipped something. */
static unsigned compare(const char *typed)
{
    static const uint32_t ks[] = {1, 10, 100, 1000};
    struct query query;
    unsigned skipped = 0;
    assert_int_equal(query_parse(analyzer, slice(typed), STEMS, &arena, &query, NULL), STATUS_OK);
    for (unsigned i = 0; i < ARRAY_COUNT(ks); i++) {
        const struct ranking *ranking = i % 2 == 0 ? &ranking_default : &ranking_plain;
        struct search_result whole = search(query.root, ks[i], 0, NULL, ranking);
        struct search_result pruned = search(query.root, ks[i], 1, NULL, ranking);
        expect_same(&pruned, &whole);
        if (i == 0 && strchr(typed, '~') == NULL)
            expect_total_of_tree(typed, whole.total);
        skipped += !pruned.total_is_exact;
        struct search_result counted = search(query.root, ks[i], 1000, NULL, ranking);
        expect_same(&counted, &whole);
        assert_true(counted.total == whole.total || counted.total >= 1000);
        if (whole.hit_count > 3) {
            struct ranking once = *ranking; /* what lies behind a hit was not looked at again */
            once.window = 0;
            struct search_result first = search(query.root, ks[i], 0, NULL, &once);
            struct search_result rest = search(query.root, ks[i], 1, &first.hits[2], ranking);
            struct search_result rest_whole = search(query.root, ks[i], 0, &first.hits[2], ranking);
            expect_same(&rest, &rest_whole);
            assert_true(rest.hits[0].url_hash == first.hits[3].url_hash);
        }
    }
    arena_reset(&arena);
    return skipped;
}

static const char *random_query(const char *between, unsigned words)
{
    static char typed[400];
    size_t size = 0;
    for (unsigned i = 0; i < words; i++)
        size += (size_t)snprintf(
            typed + size, sizeof(typed) - size, "%s%s", i == 0 ? "" : between,
            word_text(random_number() % 3 == 0 ? random_number() % WORDS : random_word()));
    return typed;
}

static void any_of_several_words(void **state)
{
    (void)state;
    unsigned skipped = 0;
    for (unsigned round = 0; round < 30; round++)
        skipped += compare(random_query(" OR ", 1 + round % 6));
    assert_true(skipped > 50);
}

static void all_of_several_words(void **state)
{
    (void)state;
    unsigned skipped = 0;
    for (unsigned round = 0; round < 30; round++)
        skipped += compare(random_query(" ", 2 + round % 4));
    /* Lists of many blocks, of which the best come first. */
    skipped +=
        compare("wa1qul wa2qul") + compare("wa2qul wa1qul wa3qul") + compare("\"wa1qul wa2qul\"");
    assert_true(skipped > 20);
}

static void phrases_filters_and_exclusions(void **state)
{
    (void)state;
    char typed[500];
    unsigned skipped = 0;
    for (unsigned round = 0; round < 30; round++) {
        static const char *const forms[] = {
            "\"%s\"",
            "\"%s\" wa1qul",
            "%s site:s3.test",
            "%s -wa2qul",
            "title:wa1qul (%s)",
            "\"%s\" -\"wa0quling wa1qul\"",
            "(%s) OR wa9qul",
            "wa1qul (wa4qul OR \"%s\")",
        };
        snprintf(typed, sizeof(typed), forms[round % ARRAY_COUNT(forms)],
                 random_query(" ", 1 + round % 3));
        skipped += compare(typed);
    }
    assert_true(skipped > 10);
}

static void nearness_beginnings_and_filters(void **state)
{
    (void)state;
    char typed[500];
    unsigned skipped = 0;
    for (unsigned round = 0; round < 60; round++) {
        static const char *const forms[] = {
            "\"%s\"~3",
            "\"%s\"~40 wa1qul",
            "wa12* %s",
            "wa3* OR %s",
            "wa1* wa2* -wa3*",
            "title:wa10* (%s)",
            "%s lang:en",
            "%s -type:text",
            "%s after:2023-05-17 before:2024",
            "%s before:2022-02 lang:en-gb",
            "%s (type:text OR after:2024-03)",
            "(%s) OR (lang:en after:2024-05-30)",
            "type:text lang:en site:s3.test",
            "%s site:s2.test -after:2022-02 -lang:en",
            "(wa1qul OR wa2qul OR %s) type:text",
        };
        snprintf(typed, sizeof(typed), forms[round % ARRAY_COUNT(forms)],
                 random_query(" ", 1 + round % 3));
        skipped += compare(typed);
    }
    assert_true(skipped > 10);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(any_of_several_words),
        cmocka_unit_test(all_of_several_words),
        cmocka_unit_test(phrases_filters_and_exclusions),
        cmocka_unit_test(nearness_beginnings_and_filters),
    };
    return cmocka_run_group_tests(tests, set_up_documents, tear_down);
}
