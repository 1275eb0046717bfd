/* The second look: what it rewards, that it is the same however documents are split, and that an
 * explanation adds up to every score. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/bytes.h"
#include "base/check.h"
#include "index/explain.h"
#include "tests/unit/index/fixture.h"

enum { SHARDS_MAX = 4, DOCUMENTS = 400, QUERIES = 120 };

#define DAY_US INT64_C(86400000000)
#define NOW_US (20000 * DAY_US)

static uint32_t random_number(void)
{
    static uint64_t last = 88172645463325252u;
    last ^= last << 13;
    last ^= last >> 7;
    last ^= last << 17;
    return (uint32_t)(last >> 16);
}

/* ---- several indexes that hold one corpus ---- */

struct shards {
    struct storage_memory *memory[SHARDS_MAX];
    struct index *index[SHARDS_MAX];
    uint32_t count;
};

static void open_shards(struct shards *shards, uint32_t count)
{
    shards->count = count;
    for (uint32_t i = 0; i < count; i++) {
        shards->memory[i] = storage_memory_new();
        assert_int_equal(
            index_open(storage_memory_storage(shards->memory[i]), NULL, &shards->index[i], NULL),
            STATUS_OK);
    }
}

static void close_shards(struct shards *shards)
{
    for (uint32_t i = 0; i < shards->count; i++) {
        index_close(shards->index[i]);
        storage_memory_free(shards->memory[i]);
    }
}

static struct index *shard_of(struct shards *shards, const char *url)
{
    return shards->index[url_hash(url, strlen(url)) % shards->count];
}

static void apply_to_shard(struct shards *shards, const char *url,
                           const struct index_change *change)
{
    struct index *index = shard_of(shards, url);
    assert_int_equal(index_apply(index, change, 1, ++position, NULL), STATUS_OK);
    if (random_number() % 40 == 0)
        assert_int_equal(index_flush(index, NULL), STATUS_OK);
    if (random_number() % 100 == 0)
        assert_in_range(index_merge(index, NULL), STATUS_OK, STATUS_END);
}

static void put(struct shards *shards, const char *url, const char *title, const char *text)
{
    struct index_change change = {.kind = INDEX_PUT_DOCUMENT,
                                  .document = {.url = slice(url),
                                               .site = slice("s.test"),
                                               .title = slice(title),
                                               .text = slice(text),
                                               .language = slice("en")}};
    if (strlen(text) % 3 == 0)
        change.document.modified_unix_us = NOW_US - (int64_t)(strlen(text) % 900) * DAY_US;
    apply_to_shard(shards, url, &change);
}

static void link_to(struct shards *shards, uint32_t source, const char *url)
{
    char from[40];
    snprintf(from, sizeof(from), "http://from.test/%u", source);
    struct index_change change = {
        .kind = INDEX_PUT_EDGE,
        .edge = {.source = slice(from), .target = slice(url), .anchor = slice("w3")}};
    apply_to_shard(shards, url, &change);
}

static struct search_request request_for(struct shards *shards, const struct query_node *query)
{
    struct query_term terms[QUERY_TERMS_MAX];
    struct search_request request = {.k = SEARCH_K_MAX, .now_unix_us = NOW_US};
    size_t count = query_collect_terms(query, terms);
    uint64_t *sums = arena_zalloc(&arena, (count + 1) * sizeof(*sums));
    for (uint32_t i = 0; i < shards->count; i++) {
        uint64_t documents, tokens[FIELD_COUNT], frequencies[QUERY_TERMS_MAX];
        index_statistics(shards->index[i], &documents, tokens);
        request.statistics.documents += documents;
        for (unsigned f = 0; f < FIELD_COUNT; f++)
            request.statistics.field_tokens[f] += tokens[f];
        assert_int_equal(
            index_term_statistics(shards->index[i], terms, count, NULL, frequencies, NULL),
            STATUS_OK);
        for (size_t t = 0; t < count; t++)
            sums[t] += frequencies[t];
    }
    request.statistics.document_frequencies = sums;
    request.statistics.document_frequency_count = count;
    return request;
}

static struct query parse(const char *typed)
{
    struct query query;
    assert_int_equal(
        query_parse(analyzer, slice(typed), TEXT_LANGUAGE_ENGLISH, &arena, &query, NULL),
        STATUS_OK);
    return query;
}

/* Asks all shards as a gateway does; returns how many hits there are, at most k. */
static uint32_t ask(struct shards *shards, const struct query_node *query,
                    const struct search_request *from, struct search_hit **ret_hits)
{
    struct search_request request = *from;
    struct search_hit *hits =
        arena_alloc(&arena, SHARDS_MAX * (SEARCH_K_MAX + 1) * sizeof(struct search_hit));
    uint32_t count = 0;
    request.is_shard = true;
    for (uint32_t i = 0; i < shards->count; i++) {
        struct search_result result;
        assert_int_equal(index_search(shards->index[i], query, &request, &arena, &result, NULL),
                         STATUS_OK);
        if (result.hit_count > 0)
            memcpy(hits + count, result.hits, result.hit_count * sizeof(*hits));
        count += result.hit_count;
    }
    rerank_order(hits, count, ranking_default.window);
    *ret_hits = hits;
    return count < request.k ? count : request.k;
}

/* ---- random documents and queries ---- */

static const char *random_text(char *text, size_t room, unsigned words)
{
    size_t size = 0;
    text[0] = '\0';
    for (unsigned i = 0; i < words && size + 16 < room; i++) {
        unsigned word = random_number() % 30;
        word = word * word / 30;
        size += (size_t)snprintf(text + size, room - size, word % 5 == 0 ? "w%ding " : "w%d ",
                                 (int)word);
    }
    return text;
}

static void url_of(uint32_t i, char ret[60])
{
    snprintf(ret, 60, "http://h%u.test/w%u/%u", i % 3, i % 11, i);
}

static void fill(struct shards *shards)
{
    for (uint32_t i = 0; i < DOCUMENTS; i++) {
        char url[60], title[100], text[1000];
        url_of(i, url);
        random_text(title, sizeof(title), random_number() % 5);
        random_text(text, sizeof(text), 1 + random_number() % 80);
        put(shards, url, title, text);
        for (uint32_t links = random_number() % 8 == 0 ? random_number() % 6 : 0; links > 0;
             links--)
            link_to(shards, i * 10 + links, url);
    }
}

static const char *random_query(void)
{
    static const char *const forms[] = {
        "%s",          "%s OR w1",    "%s -w8",         "\"%s\"",           "(%s) OR \"w1 w2\"",
        "title:w2 %s", "%s w0* w13*", "%s site:s.test", "w1 OR (w7 -(%s))",
    };
    static char typed[300];
    char words[200];
    random_text(words, sizeof(words), 1 + random_number() % 5);
    snprintf(typed, sizeof(typed), forms[random_number() % ARRAY_COUNT(forms)], words);
    return typed;
}

/* ---- tests ---- */

/* Documents are put again in another order and flushed and merged at other times. */
static void the_order_does_not_depend_on_shards_and_segments(void **state)
{
    (void)state;
    static char urls[DOCUMENTS][60], titles[DOCUMENTS][100], texts[DOCUMENTS][1000];
    static const uint32_t steps[SHARDS_MAX] = {1, 3, 7, 9}; /* each document once */
    struct shards all[SHARDS_MAX];
    for (uint32_t i = 0; i < DOCUMENTS; i++) {
        url_of(i, urls[i]);
        random_text(titles[i], sizeof(titles[i]), random_number() % 5);
        random_text(texts[i], sizeof(texts[i]), 1 + random_number() % 80);
    }
    for (uint32_t s = 0; s < SHARDS_MAX; s++) {
        open_shards(&all[s], s + 1);
        for (uint32_t i = 0; i < DOCUMENTS; i++) {
            uint32_t at = (i * steps[s]) % DOCUMENTS;
            put(&all[s], urls[at], titles[at], texts[at]);
        }
    }
    for (uint32_t q = 0; q < QUERIES; q++) {
        struct query query = parse(random_query());
        struct search_request request = request_for(&all[0], query.root);
        static const uint32_t ks[] = {1, 7, 10, 25, 100, 1000};
        request.k = ks[q % ARRAY_COUNT(ks)];
        struct search_hit *expected;
        uint32_t count = ask(&all[0], query.root, &request, &expected);
        for (uint32_t s = 1; s < SHARDS_MAX; s++) {
            struct search_hit *hits;
            assert_int_equal(ask(&all[s], query.root, &request, &hits), count);
            for (uint32_t i = 0; i < count; i++) {
                assert_true(hits[i].url_hash == expected[i].url_hash);
                assert_true(hits[i].score == expected[i].score);
                assert_true(hits[i].first_score == expected[i].first_score);
            }
        }
        struct search_result alone; /* what a single index says by itself */
        assert_int_equal(index_search(all[0].index[0], query.root, &request, &arena, &alone, NULL),
                         STATUS_OK);
        assert_int_equal(alone.hit_count, count);
        for (uint32_t i = 0; i < count; i++)
            assert_true(alone.hits[i].url_hash == expected[i].url_hash &&
                        alone.hits[i].score == expected[i].score);
        arena_reset(&arena);
    }
    for (uint32_t s = 0; s < SHARDS_MAX; s++)
        close_shards(&all[s]);
}

static void expect_parts(const struct explanation *explained)
{
    uint64_t words = 0, gain = explained->title + explained->url;
    for (uint32_t i = 0; i < explained->word_count; i++) {
        const struct explained_word *word = &explained->words[i];
        float most = 0;
        for (uint32_t a = 0; a < word->word->alternative_count; a++) {
            const struct explained_form *form = &word->forms[a];
            float sum = 0;
            for (unsigned field = 0; field < FIELD_COUNT; field++) {
                assert_int_equal(form->counts[field] > 0, form->fields >> field & 1);
                sum += form->weighed[field];
            }
            assert_true(sum == form->frequency);
            most = sum > most ? sum : most;
        }
        if (!word->is_prefix)
            assert_true(word->frequency ==
                        (word->word->alternative_count > 1
                             ? most + ranking_default.exact_bonus * word->forms[0].frequency
                             : most));
        assert_int_equal(word->score,
                         word->counts ? score_of(word->weight, ranking_default.k1, word->frequency)
                                      : 0);
        words += word->score;
        gain += word->closeness;
    }
    assert_true(words == explained->words_score || explained->word_count == 0);
    assert_true(gain == explained->gain);
    assert_true(explained->link_factor == link_factor(&ranking_default, explained->inlinks));
    assert_true(explained->first_score == score_whole(explained->words_score, explained->factor));
    assert_true(explained->score == score_whole(explained->words_score + explained->gain,
                                                explained->factor * explained->freshness_factor));
}

static const struct search_hit *find_hit(const struct search_hit *hits, uint32_t count,
                                         uint64_t hash, uint32_t *ret_rank)
{
    for (uint32_t i = 0; i < count; i++) {
        *ret_rank = i;
        if (hits[i].url_hash == hash)
            return &hits[i];
    }
    return NULL;
}

static void an_explanation_adds_up_to_every_score(void **state)
{
    (void)state;
    struct shards shards;
    uint32_t matched = 0, gained = 0;
    open_shards(&shards, 2);
    fill(&shards);
    for (uint32_t q = 0; q < QUERIES; q++) {
        struct query query = parse(random_query());
        struct search_request request = request_for(&shards, query.root);
        struct search_hit *hits;
        uint32_t count = ask(&shards, query.root, &request, &hits);
        for (uint32_t i = 0; i < DOCUMENTS; i += 1 + random_number() % 8) {
            char url[60];
            uint32_t rank = 0;
            struct explanation explained;
            url_of(i, url);
            uint64_t hash = url_hash(url, strlen(url));
            assert_int_equal(index_explain(shard_of(&shards, url), query.root, &request, hash,
                                           &arena, &explained, NULL),
                             STATUS_OK);
            const struct search_hit *hit = find_hit(hits, count, hash, &rank);
            assert_true(explained.is_found);
            assert_int_equal(explained.matches, hit != NULL);
            assert_int_equal(explained.failed_count == 0, hit != NULL);
            for (uint32_t f = 0; f < explained.failed_count; f++)
                assert_non_null(explain_node(query.root, explained.failed[f]));
            if (hit == NULL)
                continue;
            expect_parts(&explained);
            assert_true(explained.first_score == hit->first_score);
            assert_true((rank < ranking_default.window ? explained.score : explained.first_score) ==
                        hit->score);
            matched++;
            gained += explained.gain > 0;
        }
        arena_reset(&arena);
    }
    assert_true(matched > 1000 && gained > 300);
    close_shards(&shards);
}

static void an_explanation_says_what_is_missing(void **state)
{
    (void)state;
    struct shards shards;
    struct explanation explained;
    open_shards(&shards, 1);
    put(&shards, "http://a.test/", "Barrels", "oak staves and hoops of iron");
    struct query query = parse("staves brass -oak site:b.test title:barrels");
    struct search_request request = request_for(&shards, query.root);
    uint64_t hash = url_hash("http://a.test/", 14);
    assert_int_equal(
        index_explain(shards.index[0], query.root, &request, hash, &arena, &explained, NULL),
        STATUS_OK);
    assert_true(explained.is_found);
    assert_false(explained.matches);
    assert_int_equal(explained.failed_count, 3);
    static const char *const expected[] = {"brass", "-oak", "site:b.test"};
    for (uint32_t i = 0; i < 3; i++)
        assert_string_equal(query_write(explain_node(query.root, explained.failed[i]), &arena),
                            expected[i]);
    assert_null(explain_node(query.root, 1000));
    assert_int_equal(
        index_explain(shards.index[0], query.root, &request, hash + 1, &arena, &explained, NULL),
        STATUS_OK);
    assert_false(explained.is_found);
    close_shards(&shards);
    arena_reset(&arena);
}

/* The URL of the best of two documents, alike but for their texts and titles. */
static const char *best_of_two(const char *typed, const char *first_title, const char *first,
                               const char *second_title, const char *second)
{
    struct shards shards;
    struct search_hit *hits;
    open_shards(&shards, 1);
    put(&shards, "http://a.test/1", first_title, first);
    put(&shards, "http://a.test/2", second_title, second);
    put(&shards, "http://a.test/3", "", "nothing of it at all");
    struct query query = parse(typed);
    struct search_request request = request_for(&shards, query.root);
    assert_int_equal(ask(&shards, query.root, &request, &hits), 2);
    assert_true(hits[0].score > hits[1].score);
    bool first_won = hits[0].url_hash == url_hash("http://a.test/1", 15);
    close_shards(&shards);
    arena_reset(&arena);
    return first_won ? "first" : "second";
}

static void words_close_together_gain(void **state)
{
    (void)state;
    assert_string_equal(best_of_two("white wine", "", "white horses drink no wine at all", "",
                                    "horses drink no white wine at all"),
                        "second");
    assert_string_equal(
        best_of_two("white wine", "", "a white wine of the house", "", "a wine white of the house"),
        "first");
}

static void a_title_that_is_the_query_gains(void **state)
{
    (void)state;
    assert_string_equal(
        best_of_two("alter table", "alter table or view one two", "x", "alter table", "x"),
        "second");
}

static void newer_pages_gain_a_little(void **state)
{
    (void)state;
    const struct ranking *ranking = &ranking_default;
    assert_true(freshness_factor(ranking, NOW_US, NOW_US) == 1.05);
    assert_true(freshness_factor(ranking, NOW_US + DAY_US, NOW_US) == 1.05);
    assert_true(freshness_factor(ranking, NOW_US + 2 * DAY_US, NOW_US) == 1);
    assert_true(freshness_factor(ranking, NOW_US - 365 * DAY_US, NOW_US) == 1.025);
    assert_true(freshness_factor(ranking, 0, NOW_US) == 1);
    assert_true(freshness_factor(&ranking_plain, NOW_US, NOW_US) == 1);
    assert_true(freshness_factor(ranking, 1, NOW_US) > 1);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_order_does_not_depend_on_shards_and_segments),
        cmocka_unit_test(an_explanation_adds_up_to_every_score),
        cmocka_unit_test(an_explanation_says_what_is_missing),
        cmocka_unit_test(words_close_together_gain),
        cmocka_unit_test(newer_pages_gain_a_little),
        cmocka_unit_test(a_title_that_is_the_query_gains),
    };
    return cmocka_run_group_tests(tests, set_up_storage, tear_down);
}
