/* What most tests of the index begin with: an empty index in memory, and what asks it. */
#ifndef TIERCE_TESTS_INDEX_FIXTURE_H
#define TIERCE_TESTS_INDEX_FIXTURE_H

#include <string.h>

#include "index/index.h"
#include "index/storage_memory.h"
#include "tests/unit/unit.h"

static struct text_analyzer *analyzer;
static struct arena arena;
static struct storage_memory *memory;
static struct index *tested;
static uint64_t position; /* of the last change that was applied */
static uint32_t seed;

/* Without an index. */
static inline int set_up_storage(void **state)
{
    (void)state;
    seed = 7;
    position = 0;
    tested = NULL;
    analyzer = text_analyzer_new();
    memory = storage_memory_new();
    return analyzer == NULL || memory == NULL ? -1 : 0;
}

static inline int set_up(void **state)
{
    if (set_up_storage(state) != 0)
        return -1;
    return index_open(storage_memory_storage(memory), NULL, &tested, NULL) == STATUS_OK ? 0 : -1;
}

static inline int tear_down(void **state)
{
    (void)state;
    index_close(tested);
    storage_memory_free(memory);
    text_analyzer_free(analyzer);
    arena_release(&arena);
    return 0;
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

static inline uint32_t random_below(uint32_t bound)
{
    seed = seed * 1664525 + 1013904223;
    return (uint32_t)(((uint64_t)seed * bound) >> 32);
}

static inline struct text_slice slice(const char *text)
{
    return (struct text_slice){text, strlen(text)};
}

static inline void apply(const struct index_change *changes, size_t count)
{
    assert_int_equal(index_apply(tested, changes, count, ++position, NULL), STATUS_OK);
}

#endif
