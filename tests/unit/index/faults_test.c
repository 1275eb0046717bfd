/* What goes wrong below the index: it is told as what it was, and nothing is lost. */
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

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(a_wrong_directory_is_told_as_corrupt),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
