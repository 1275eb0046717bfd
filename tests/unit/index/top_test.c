/* The best hits are those that sorting all of them gives, ties by hash. */
#include <stdlib.h>
#include <string.h>

#include "base/check.h"
#include "index/top.h"
#include "tests/unit/unit.h"

#define HITS 3000

static struct top_hit hits[HITS];
static struct top_hit room[HITS + HITS / 4 + 1];

static uint32_t random_number(void)
{
    static uint64_t seed = 88172645463325252u;
    seed ^= seed << 13;
    seed ^= seed >> 7;
    seed ^= seed << 17;
    return (uint32_t)(seed >> 16);
}

static int compare_hits(const void *a_pointer, const void *b_pointer)
{
    const struct top_hit *a = a_pointer;
    const struct top_hit *b = b_pointer;
    return hit_is_better(a, b) ? -1 : hit_is_better(b, a);
}

/* Adds the hits one by one and compares what is left with the best of all. */
static void expect_best(uint32_t count, uint32_t k)
{
    struct top top;
    top_init(&top, room, k);
    for (uint32_t i = 0; i < count; i++) {
        bool wants = top_wants(&top, hits[i].score);
        if (!wants) /* k others are as good */
            assert_true(top.is_full && (k == 0 || hits[i].score < top.worst.score));
        top_add(&top, &hits[i]);
        assert_true(top.count <= top_room(k));
        assert_true(top.is_full == (i + 1 >= k));
    }
    top_sort(&top);
    qsort(hits, count, sizeof(hits[0]), compare_hits);
    assert_int_equal(top.count, count < k ? count : k);
    for (uint32_t i = 0; i < top.count; i++) {
        assert_true(top.hits[i].score == hits[i].score);
        assert_true(top.hits[i].url_hash == hits[i].url_hash);
    }
}

static void fill(uint32_t scores)
{
    for (uint32_t i = 0; i < HITS; i++)
        hits[i] =
            (struct top_hit){.score = random_number() % scores, .url_hash = random_number() % 5000};
}

static void the_best_are_kept_whatever_their_number(void **state)
{
    (void)state;
    static const uint32_t ks[] = {0, 1, 2, 3, 7, 10, 13, 100, 999, 1000, HITS - 1, HITS};
    static const uint32_t counts[] = {0, 1, 9, 10, 11, 12, 13, 200, HITS};
    for (unsigned i = 0; i < ARRAY_COUNT(ks); i++) {
        for (unsigned j = 0; j < ARRAY_COUNT(counts); j++) {
            fill(i % 2 == 0 ? 1000000 : 20);
            expect_best(counts[j], ks[i]);
        }
    }
}

static void hits_that_come_in_order_are_kept_as_well(void **state)
{
    (void)state;
    fill(1000);
    expect_best(HITS, 10); /* leaves them best first */
    expect_best(HITS, 100);
    for (uint32_t i = 0; i < HITS / 2; i++) {
        struct top_hit other = hits[i];
        hits[i] = hits[HITS - 1 - i];
        hits[HITS - 1 - i] = other;
    }
    expect_best(HITS, 1000);
}

static void equal_hits_are_all_kept(void **state)
{
    (void)state;
    memset(hits, 0, sizeof(hits));
    expect_best(HITS, 500);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_best_are_kept_whatever_their_number),
        cmocka_unit_test(hits_that_come_in_order_are_kept_as_well),
        cmocka_unit_test(equal_hits_are_all_kept),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
