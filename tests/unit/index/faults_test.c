/* What goes wrong below the index: it is told as what it was, and nothing is lost. */
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/bytes.h"
#include "index/posting_format.h"
#include "index/search.h"
#include "index/state.h"
#include "tests/unit/index/fixture.h"

static struct query parse(const char *text)
{
    struct query query;
    assert_int_equal(query_parse(analyzer, slice(text), 0, &arena, &query, NULL), STATUS_OK);
    return query;
}

static enum status search(const char *text, struct search_result *ret_result)
{
    struct query query = parse(text);
    struct query_term terms[QUERY_TERMS_MAX];
    uint64_t frequencies[QUERY_TERMS_MAX] = {0};
    struct search_request request = {.k = 10, .count_exactly = 1};
    request.statistics.document_frequency_count = query_collect_terms(query.root, terms);
    request.statistics.document_frequencies = frequencies;
    return index_search(tested, query.root, &request, &arena, ret_result, NULL);
}

/* ---- wrong bytes behind right checksums ---- */

#define LISTED 300 /* documents: lists of three blocks */

static void put_many(void)
{
    for (uint32_t i = 0; i < LISTED; i++) {
        char url[32];
        snprintf(url, sizeof(url), "http://a/%u", i);
        struct index_change change = {
            .kind = INDEX_PUT_DOCUMENT,
            .document = {.url = slice(url), .site = slice("a"), .text = slice("apple banana")}};
        apply(&change, 1);
    }
    assert_int_equal(index_flush(tested, NULL), STATUS_OK);
}

static struct chunk *directories(void)
{
    return &tested->current->entries[0].segment->parts[PART_DIRECTORIES].chunks[0];
}

/* In every directory, all of which have three rows, the second block ends before it begins. */
static void spoil(uint8_t *bytes, uint32_t size)
{
    for (uint32_t at = 0; at < size; at += 1 + 3u * bytes[at])
        put_le32(bytes + at + 1 + bytes[at] + ROW_LAST, 0);
}

static void a_wrong_directory_is_told_as_corrupt(void **state)
{
    (void)state;
    struct search_result result;
    put_many();
    assert_int_equal(search("apple OR banana", &result), STATUS_OK);
    assert_int_equal(result.total, LISTED);
    struct chunk *chunk = directories();
    const uint8_t *right = chunk->bytes;
    uint8_t *wrong = malloc(chunk->size);
    assert_non_null(wrong);
    memcpy(wrong, right, chunk->size);
    spoil(wrong, chunk->size);
    chunk->bytes = wrong;
    assert_int_equal(search("apple", &result), STATUS_CORRUPT);
    assert_int_equal(search("apple OR banana", &result), STATUS_CORRUPT);
    assert_true(index_is_corrupt(tested));
    chunk->bytes = right;
    free(wrong);
}

/* ---- no memory ---- */

/* Sanitizers have allocators of their own. */
#define ALLOCATOR_IS_OURS 1
#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
#undef ALLOCATOR_IS_OURS
#define ALLOCATOR_IS_OURS 0
#elif defined(__has_feature)
#if __has_feature(address_sanitizer) || __has_feature(thread_sanitizer)
#undef ALLOCATOR_IS_OURS
#define ALLOCATOR_IS_OURS 0
#endif
#endif

static unsigned allocations_left = UINT_MAX; /* that work; UINT_MAX: all do */

#if ALLOCATOR_IS_OURS
/* glibc's, under the names that it keeps for whoever puts others in front of them. */
void *__libc_malloc(size_t size);
void *__libc_calloc(size_t count, size_t size);
void *__libc_realloc(void *memory, size_t size);

static bool may_allocate(void)
{
    if (allocations_left != UINT_MAX && allocations_left > 0)
        allocations_left--;
    return allocations_left > 0;
}

void *malloc(size_t size)
{
    return may_allocate() ? __libc_malloc(size) : NULL;
}

void *calloc(size_t count, size_t size)
{
    return may_allocate() ? __libc_calloc(count, size) : NULL;
}

void *realloc(void *old, size_t size)
{
    return may_allocate() ? __libc_realloc(old, size) : NULL;
}
#endif

#define BATCH 20

/* Replaces every page, so that there is something to delete, too. */
static void put_batch(const char *text)
{
    for (uint32_t i = 0; i < BATCH; i++) {
        char url[32];
        snprintf(url, sizeof(url), "http://a/%u", i);
        struct index_change change = {
            .kind = INDEX_PUT_DOCUMENT,
            .document = {.url = slice(url), .site = slice("a"), .text = slice(text)}};
        apply(&change, 1);
    }
}

/* What runs and what a restart would find are the same, but for what was not flushed. */
static void expect_whole(const char *text)
{
    struct search_result result;
    struct index *running = tested;
    assert_int_equal(search(text, &result), STATUS_OK);
    assert_int_equal(result.total, BATCH);
    uint64_t flushed = index_flushed_position(running);
    assert_int_equal(index_open(storage_memory_storage(memory), NULL, &tested, NULL), STATUS_OK);
    assert_int_equal(index_applied_position(tested), flushed);
    struct index_size size;
    index_measure(tested, &size);
    assert_int_equal(size.documents, flushed == 0 ? 0 : BATCH);
    index_close(tested);
    tested = running;
}

/* Runs it with one allocation more each time, until there are enough. */
static void run_short_of_memory(enum status (*run)(struct index *index, struct error *err),
                                const char *text)
{
    enum status status = STATUS_NO_MEMORY;
    if (!ALLOCATOR_IS_OURS)
        skip();
    for (unsigned allocations = 1; status != STATUS_OK; allocations++) {
        allocations_left = allocations;
        status = run(tested, NULL);
        allocations_left = UINT_MAX;
        assert_true(status == STATUS_OK || status == STATUS_NO_MEMORY);
        expect_whole(text);
    }
    assert_false(index_is_corrupt(tested));
}

static void a_flush_without_memory_costs_nothing_but_the_flush(void **state)
{
    (void)state;
    put_batch("apple");
    run_short_of_memory(index_flush, "apple");
    put_batch("banana");
    run_short_of_memory(index_flush, "banana");
    assert_int_equal(index_flushed_position(tested), position);
}

static void a_merge_without_memory_costs_nothing_but_the_merge(void **state)
{
    (void)state;
    for (int i = 0; i < 8; i++) {
        put_batch("apple");
        assert_int_equal(index_flush(tested, NULL), STATUS_OK);
    }
    put_batch("banana"); /* which the merge flushes */
    run_short_of_memory(index_merge, "banana");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(a_wrong_directory_is_told_as_corrupt),
        TEST(a_flush_without_memory_costs_nothing_but_the_flush),
        TEST(a_merge_without_memory_costs_nothing_but_the_merge),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
