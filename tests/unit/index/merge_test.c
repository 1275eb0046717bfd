/* What merges make of posting lists, beside what is built from the same documents at once. */
#include "index/merge.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "index/builder.h"
#include "index/dictionary.h"
#include "index/posting.h"
#include "index/segment_writer.h"
#include "index/url_order.h"
#include "tests/unit/unit.h"

#define INPUTS    3
#define DOCUMENTS 6000 /* of all inputs together */

static uint32_t seed;

static uint32_t random_below(uint32_t bound)
{
    seed = seed * 1664525 + 1013904223;
    return (uint32_t)(((uint64_t)seed * bound) >> 32);
}

/* A document with words of all frequencies, some of them in its title. */
struct page {
    char url[48];
    char title[64];
    char text[1024];
    unsigned input;
    bool is_deleted;
};

static struct page pages[DOCUMENTS];

/* Of each word the pages whose number divides, more or less: `all` stands in every one. */
static void fill(struct page *page, uint32_t number)
{
    size_t used = 0;
    snprintf(page->url, sizeof(page->url), "http://h%u.test/%05u", number / 500, number);
    snprintf(page->title, sizeof(page->title), "%s %u", number % 7 == 0 ? "all third" : "page",
             number % 40);
    for (uint32_t i = 0; i <= random_below(6); i++)
        used += (size_t)snprintf(page->text + used, sizeof(page->text) - used, "all of w%u ",
                                 random_below(50));
    for (uint32_t i = 1; i <= 40; i++) {
        if (number % i == 0)
            used += (size_t)snprintf(page->text + used, sizeof(page->text) - used, "by%u ", i);
    }
    if (number % 3 == 0)
        snprintf(page->text + used, sizeof(page->text) - used, "third");
}

static struct segment *build(struct builder *builder, unsigned input, bool is_all)
{
    struct builder_document *documents = calloc(DOCUMENTS, sizeof(*documents));
    uint32_t count = 0;
    for (uint32_t i = 0; i < DOCUMENTS; i++) {
        const struct page *page = &pages[i];
        if (is_all ? page->is_deleted : page->input != input)
            continue;
        struct builder_document *document = &documents[count++];
        document->document.url = (struct text_slice){page->url, strlen(page->url)};
        document->document.title = (struct text_slice){page->title, strlen(page->title)};
        document->document.text = (struct text_slice){page->text, strlen(page->text)};
        document->url_hash = i;
    }
    struct segment *segment;
    assert_int_equal(builder_build(builder, documents, count, &segment, NULL), STATUS_OK);
    free(documents);
    return segment;
}

static struct deletions *delete_from(const struct segment *segment)
{
    struct deletions *deletions = deletions_copy(NULL, segment->document_count);
    for (uint32_t docid = 0; docid < segment->document_count; docid++) {
        struct document_row row;
        assert_true(segment_row(segment, docid, &row));
        if (pages[row.url_hash].is_deleted)
            deletions_add(deletions, docid);
    }
    return deletions;
}

/* Compares two lists; returns how many blocks the first one has more than it needs. */
static uint32_t expect_same_list(const struct segment *merged, const struct dictionary_entry *a,
                                 const struct segment *built, const struct dictionary_entry *b)
{
    static struct posting_cursor one, other;
    struct numbers here = {0}, there = {0};
    assert_int_equal(a->document_count, b->document_count);
    posting_cursor_open(&one, merged, a->address, a->document_count);
    posting_cursor_open(&other, built, b->address, b->document_count);
    uint32_t needed = (a->document_count + POSTING_BLOCK - 1) / POSTING_BLOCK;
    uint32_t more = one.row_count - needed;
    for (; one.docid != DOCID_END; posting_cursor_next(&one), posting_cursor_next(&other)) {
        struct impacts impacts;
        assert_int_equal(one.docid, other.docid);
        assert_int_equal(posting_cursor_fields(&one), posting_cursor_fields(&other));
        here.count = there.count = 0;
        for (unsigned field = 0; field < FIELD_COUNT; field++) {
            assert_true(posting_cursor_positions(&one, (enum query_field)field, &here));
            assert_true(posting_cursor_positions(&other, (enum query_field)field, &there));
            assert_int_equal(here.count, there.count);
        }
        assert_memory_equal(here.values, there.values, here.count * sizeof(*here.values));
        if (one.rows == NULL)
            continue;
        assert_true(posting_cursor_row_impacts(&one, one.row, &impacts));
        assert_int_equal(posting_cursor_row_last(&one, one.row), one.docids[one.count - 1]);
        for (unsigned i = 0; i < IMPACT_PAIRS && (posting_cursor_fields(&one) & 16) != 0; i++) {
            uint32_t before = posting_cursor_fields(&one) & 15;
            uint8_t code = length_code(posting_cursor_frequencies(&one)[field_count(before)]);
            uint8_t length = segment_column(merged, FIELD_BODY)[one.docid];
            if (impacts.body_frequencies[i] >= code && impacts.body_lengths[i] <= length)
                break; /* this pair bounds it */
            assert_true(i + 1 < IMPACT_PAIRS);
        }
    }
    assert_false(one.corrupt || other.corrupt);
    assert_int_equal(other.docid, DOCID_END);
    numbers_release(&here);
    numbers_release(&there);
    return more;
}

/* As above, of all lists together. */
static uint32_t expect_same(const struct segment *merged, const struct segment *built)
{
    struct dictionary_cursor one, other;
    uint32_t more = 0;
    assert_int_equal(merged->document_count, built->document_count);
    dictionary_cursor_open(&one, merged);
    dictionary_cursor_open(&other, built);
    while (one.key_size > 0) {
        assert_int_equal(one.key_size, other.key_size);
        assert_memory_equal(one.key, other.key, one.key_size);
        more += expect_same_list(merged, &one.entry, built, &other.entry);
        dictionary_cursor_next(&one);
        dictionary_cursor_next(&other);
    }
    assert_int_equal(other.key_size, 0);
    return more;
}

/* The pages as they are divided among the inputs, merged and built at once. */
static uint32_t merge_pages(void)
{
    struct builder *builder = builder_new(false);
    struct merge merge = {0};
    struct memory_sink chunks = {0};
    struct segment_sink sink = {&chunks, memory_sink_add};
    struct segment *inputs[INPUTS];
    struct deletions *deletions[INPUTS];
    struct segment *merged;
    for (unsigned i = 0; i < INPUTS; i++) {
        inputs[i] = build(builder, i, false);
        deletions[i] = delete_from(inputs[i]);
        merge_add(&merge, inputs[i], deletions[i]);
    }
    assert_int_equal(merge_run(&merge, &sink, NULL), STATUS_OK);
    assert_int_equal(memory_sink_open(&chunks, &merged, NULL), STATUS_OK);
    struct segment *built = build(builder, 0, true);
    uint32_t more = expect_same(merged, built);
    for (unsigned i = 0; i < INPUTS; i++) {
        segment_release(inputs[i]);
        deletions_release(deletions[i]);
    }
    merge_release(&merge);
    memory_sink_release(&chunks);
    segment_release(merged);
    segment_release(built);
    builder_free(builder);
    return more;
}

/* Blocks are taken as they are where they can be: then some in the middle are not full. */
static void sites_that_stay_together_are_merged_block_by_block(void **state)
{
    (void)state;
    seed = 1;
    for (uint32_t i = 0; i < DOCUMENTS; i++) {
        fill(&pages[i], i);
        pages[i].input = i / 1900 % INPUTS;
        pages[i].is_deleted = false;
    }
    assert_in_range(merge_pages(), 1, 60);
}

static void documents_that_were_deleted_or_stand_between_others_are_left_out_of_blocks(void **state)
{
    (void)state;
    seed = 2;
    for (unsigned round = 0; round < 4; round++) {
        for (uint32_t i = 0; i < DOCUMENTS; i++) {
            fill(&pages[i], i);
            bool is_mixed = i / 700 % 2 == 0 && random_below(400) == 0;
            pages[i].input = is_mixed ? random_below(INPUTS) : i / 1900 % INPUTS;
            pages[i].is_deleted = random_below(300) == 0;
        }
        merge_pages();
    }
}

static void inputs_that_alternate_are_merged_document_by_document(void **state)
{
    (void)state;
    seed = 3;
    for (uint32_t i = 0; i < DOCUMENTS; i++) {
        fill(&pages[i], i);
        pages[i].input = i % INPUTS;
        pages[i].is_deleted = i % 11 == 0;
    }
    assert_int_equal(merge_pages(), 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(sites_that_stay_together_are_merged_block_by_block),
        cmocka_unit_test(
            documents_that_were_deleted_or_stand_between_others_are_left_out_of_blocks),
        cmocka_unit_test(inputs_that_alternate_are_merged_document_by_document),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
