/* The cache of answers: what is kept, for how long, and how much of it. */
#include "tests/unit/unit.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "gateway/cache.h"

static struct routing_replica replicas[2] = {{.position = 5}, {.position = 5}};
static const struct routing_shard shards[2] = {
    {.slot_last = 127, .replicas = &replicas[0], .replica_count = 1},
    {.slot_first = 128, .slot_last = 255, .replicas = &replicas[1], .replica_count = 1},
};
static struct routing routing = {
    .version = 1, .shards = shards, .shard_count = 2, .corpus = {.epoch = 1}};
static const uint64_t positions[2] = {7, 7};

static struct cache *open_cache(uint32_t entries)
{
    routing.version = 1;
    routing.corpus.epoch = 1;
    struct cache *cache = cache_new();
    assert_non_null(cache);
    cache_resize(cache, entries);
    cache_see_routing(cache, &routing);
    return cache;
}

static struct cache_key key_of(const char *read_as)
{
    return (struct cache_key){.read_as = read_as, .page = 1, .size = 10};
}

static void keep_heard(struct cache *cache, const char *read_as, const struct cache_heard *heard)
{
    struct found_page results[2] = {
        {.url = "http://a/", .title = "A", .snippet = "a<mark>b</mark>", .language = "en"},
        {.url = "http://b/", .title = "B", .snippet = "", .language = "", .score = 2.5},
    };
    uint64_t frequencies[] = {3, 4};
    struct compound_split splits[] = {{.at = 5}};
    struct search_answer answer = {.query = read_as,
                                   .read_as = read_as,
                                   .results = results,
                                   .result_count = 2,
                                   .total = 77,
                                   .cursor = ""};
    struct cache_place place = {.cursor = {.score = 2.5,
                                           .url_hash = 9,
                                           .document_frequencies = frequencies,
                                           .term_count = 2,
                                           .splits = splits,
                                           .split_count = 1,
                                           .positions = positions,
                                           .shard_count = 2}};
    struct cache_key key = key_of(read_as);
    cache_put(cache, &routing, heard, &key, &answer, &place);
}

static void keep(struct cache *cache, const char *read_as, int64_t now_ms)
{
    struct cache_heard heard = {.positions = positions, .asked_ms = now_ms, .heard_ms = now_ms};
    keep_heard(cache, read_as, &heard);
}

static bool is_kept(struct cache *cache, const char *read_as, int64_t now_ms)
{
    struct arena arena = {0};
    struct search_answer answer;
    struct cache_place place;
    struct cache_key key = key_of(read_as);
    bool found = cache_get(cache, &key, now_ms, &arena, &answer, &place);
    if (found) {
        assert_int_equal(answer.total, 77);
        assert_int_equal(answer.result_count, 2);
        assert_string_equal(answer.results[0].snippet, "a<mark>b</mark>");
        assert_string_equal(answer.results[1].url, "http://b/");
        assert_true(answer.results[1].score == 2.5);
        assert_int_equal(place.cursor.document_frequencies[1], 4);
        assert_int_equal(place.cursor.splits[0].at, 5);
        assert_int_equal(place.cursor.positions[1], 7);
        assert_int_equal(place.cursor.url_hash, 9);
    }
    arena_release(&arena);
    return found;
}

static void what_is_kept_comes_back_whole(void **state)
{
    (void)state;
    struct cache *cache = open_cache(10);
    assert_false(is_kept(cache, "hoop", 1000));
    keep(cache, "hoop", 1000);
    assert_true(is_kept(cache, "hoop", 1000));
    assert_false(is_kept(cache, "stave", 1000));
    keep(cache, "hoop", 1000); /* once more: replaces */
    assert_true(is_kept(cache, "hoop", 1000));
    cache_free(cache);
}

static void it_counts_only_while_the_shards_are_heard_of(void **state)
{
    (void)state;
    struct cache *cache = open_cache(10);
    keep(cache, "hoop", 1000);
    assert_true(is_kept(cache, "hoop", 1000 + CACHE_FRESH_MS));
    assert_false(is_kept(cache, "hoop", 1001 + CACHE_FRESH_MS));
    keep(cache, "stave", 2000); /* nothing has changed: the old one counts again */
    assert_true(is_kept(cache, "hoop", 2000));
    cache_free(cache);
}

static void another_state_of_the_index_empties_it(void **state)
{
    (void)state;
    struct cache *cache = open_cache(10);
    keep(cache, "hoop", 1000);
    cache_see_routing(cache, &routing);
    assert_true(is_kept(cache, "hoop", 1000));
    routing.corpus.epoch = 2;
    cache_see_routing(cache, &routing);
    assert_false(is_kept(cache, "hoop", 1000));
    keep(cache, "hoop", 1000);
    routing.version = 2;
    cache_see_routing(cache, &routing);
    assert_false(is_kept(cache, "hoop", 1000));
    keep(cache, "hoop", 1000);
    replicas[1].position = 8;
    cache_see_routing(cache, &routing);
    assert_false(is_kept(cache, "hoop", 1000));
    keep(cache, "hoop", 1000); /* of a replica that is behind */
    assert_false(is_kept(cache, "hoop", 1000));
    replicas[1].position = 5;
    cache_free(cache);
}

static void an_unsettled_barrel_empties_it(void **state)
{
    (void)state;
    struct cache *cache = open_cache(10);
    keep(cache, "hoop", 1000);
    cache_empty(cache, 1100);
    assert_false(is_kept(cache, "hoop", 1100));
    keep(cache, "stave", 1101); /* shows that all shards are heard of */
    assert_true(is_kept(cache, "stave", 1101));
    assert_false(is_kept(cache, "hoop", 1101));
    cache_free(cache);
}

static void an_answer_asked_for_before_it_was_emptied_is_not_kept(void **state)
{
    (void)state;
    struct cache *cache = open_cache(10);
    struct cache_heard late = {.positions = positions, .asked_ms = 1099, .heard_ms = 1200};
    cache_empty(cache, 1100);
    keep_heard(cache, "hoop", &late);
    assert_false(is_kept(cache, "hoop", 1200));
    cache_empty(cache, 1050); /* of a slower thread */
    keep_heard(cache, "hoop", &late);
    assert_false(is_kept(cache, "hoop", 1200));
    late.asked_ms = 1101;
    keep_heard(cache, "hoop", &late);
    assert_true(is_kept(cache, "hoop", 1200));
    cache_free(cache);
}

static void a_replica_that_is_behind_does_not_say_that_all_is_as_it_was(void **state)
{
    (void)state;
    static const uint64_t behind[2] = {7, 6};
    struct cache *cache = open_cache(10);
    keep(cache, "hoop", 1000);
    struct cache_heard old = {.positions = behind, .asked_ms = 1250, .heard_ms = 1250};
    keep_heard(cache, "stave", &old);
    assert_true(is_kept(cache, "hoop", 1000 + CACHE_FRESH_MS));
    assert_false(is_kept(cache, "hoop", 1001 + CACHE_FRESH_MS));
    assert_false(is_kept(cache, "stave", 1250));
    cache_free(cache);
}

static void the_longest_unused_goes_first(void **state)
{
    (void)state;
    struct cache *cache = open_cache(3);
    keep(cache, "a", 1000);
    keep(cache, "b", 1000);
    keep(cache, "c", 1000);
    assert_true(is_kept(cache, "a", 1000));
    keep(cache, "d", 1000);
    assert_true(is_kept(cache, "a", 1000));
    assert_false(is_kept(cache, "b", 1000));
    assert_true(is_kept(cache, "c", 1000));
    assert_true(is_kept(cache, "d", 1000));
    cache_free(cache);
}

static void its_size_is_bounded_in_bytes_too(void **state)
{
    (void)state;
    struct cache *cache = open_cache(4);
    char *large = malloc(60001);
    memset(large, 'x', 60000);
    large[60000] = '\0';
    keep(cache, "a", 1000);
    keep(cache, large, 1000); /* takes nearly all of the room */
    assert_true(is_kept(cache, large, 1000));
    large[0] = 'y';
    keep(cache, large, 1000); /* there is no room for two of these */
    assert_true(is_kept(cache, large, 1000));
    assert_false(is_kept(cache, "a", 1000));
    large[0] = 'x';
    assert_false(is_kept(cache, large, 1000));
    struct cache *small = open_cache(1);
    keep(small, large, 1000); /* larger than all that may be kept */
    assert_false(is_kept(small, large, 1000));
    free(large);
    cache_free(small);
    cache_free(cache);
}

static void a_cache_of_no_entries_keeps_nothing(void **state)
{
    (void)state;
    struct cache *cache = open_cache(0);
    keep(cache, "a", 1000);
    assert_false(is_kept(cache, "a", 1000));
    cache_resize(cache, 5);
    keep(cache, "a", 1000);
    assert_true(is_kept(cache, "a", 1000));
    cache_resize(cache, 0);
    assert_false(is_kept(cache, "a", 1000));
    cache_free(cache);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_is_kept_comes_back_whole),
        cmocka_unit_test(it_counts_only_while_the_shards_are_heard_of),
        cmocka_unit_test(another_state_of_the_index_empties_it),
        cmocka_unit_test(an_unsettled_barrel_empties_it),
        cmocka_unit_test(an_answer_asked_for_before_it_was_emptied_is_not_kept),
        cmocka_unit_test(a_replica_that_is_behind_does_not_say_that_all_is_as_it_was),
        cmocka_unit_test(the_longest_unused_goes_first),
        cmocka_unit_test(its_size_is_bounded_in_bytes_too),
        cmocka_unit_test(a_cache_of_no_entries_keeps_nothing),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
