/* What is merged with what stays within the limits of one segment. */
#include "index/merge_policy.h"

#include <stdio.h>

#include "tests/unit/index/fixture.h"

#define ENTRIES 100

static struct segment segments[ENTRIES];
static struct snapshot_entry entries[ENTRIES];

/* So many in memory, each of this size; the first one is stored. */
static void make_entries(uint32_t documents, uint32_t bytes, uint32_t text_dictionaries)
{
    for (uint32_t i = 0; i < ENTRIES; i++) {
        memset(&segments[i], 0, sizeof(segments[i]));
        segments[i].id = i == 0 ? 7 : 0;
        segments[i].document_count = documents;
        segments[i].bytes = bytes;
        segments[i].parts[PART_TEXT_DICTIONARIES].chunk_count = text_dictionaries;
        entries[i] = (struct snapshot_entry){.segment = &segments[i]};
    }
}

static uint32_t choose_memory(uint64_t bytes_max)
{
    uint32_t chosen[MERGE_INPUTS_MAX];
    uint32_t count = merge_choose_memory(entries, ENTRIES, bytes_max, chosen);
    for (uint32_t i = 0; i < count; i++)
        assert_int_equal(chosen[i], i + 1);
    return count;
}

static void a_flush_takes_no_more_than_a_segment_holds(void **state)
{
    (void)state;
    make_entries(10, 1000, 1);
    assert_int_equal(choose_memory(UINT64_MAX), MERGE_INPUTS_MAX);
    assert_int_equal(choose_memory(5500), 5);
    assert_int_equal(choose_memory(10), 1); /* it must go somewhere */
    make_entries(SEGMENT_DOCUMENTS_MAX / 3, 1000, 1);
    assert_int_equal(choose_memory(UINT64_MAX), 3);
    make_entries(10, 1000, 60);
    assert_int_equal(choose_memory(UINT64_MAX), TEXT_DICTIONARIES_MAX / 60);
    for (uint32_t i = 0; i < ENTRIES; i++)
        segments[i].id = i + 1;
    assert_int_equal(choose_memory(UINT64_MAX), 0);
}

static void what_is_flushed_keeps_the_size_of_segments(void **state)
{
    (void)state;
    enum { PAGES = 48, BATCH = 4, TEXT_BYTES = 4000 };
    enum { SEGMENT_BYTES = 128 << 10, MEMORY_BYTES = 1 << 20 };
    struct index_options options = {.segment_bytes = SEGMENT_BYTES, .memory_bytes = MEMORY_BYTES};
    struct index_size size;
    static char texts[BATCH][TEXT_BYTES];
    char urls[BATCH][32];
    struct index_change changes[BATCH];
    index_close(tested);
    assert_int_equal(index_open(storage_memory_storage(memory), &options, &tested, NULL),
                     STATUS_OK);
    for (uint32_t page = 0; page < PAGES; page++) {
        struct index_change *change = &changes[page % BATCH];
        char *text = texts[page % BATCH];
        for (uint32_t i = 0; i + 1 < TEXT_BYTES; i++)
            text[i] = i % 6 == 5 ? ' ' : (char)('a' + random_below(26));
        snprintf(urls[page % BATCH], sizeof(urls[0]), "http://a/%u", page);
        *change = (struct index_change){
            .kind = INDEX_PUT_DOCUMENT,
            .document = {.url = slice(urls[page % BATCH]), .text = slice(text)}};
        if (page % BATCH == BATCH - 1)
            apply(changes, BATCH);
    }
    assert_int_equal(index_flushed_position(tested), 0);
    assert_int_equal(index_flush(tested, NULL), STATUS_OK);
    index_measure(tested, &size);
    assert_int_equal(size.documents, PAGES);
    assert_int_equal(size.segments_memory, 0);
    assert_true(size.bytes_stored > 2 * SEGMENT_BYTES);
    assert_true(size.segments_stored > 2);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(a_flush_takes_no_more_than_a_segment_holds),
        TEST(what_is_flushed_keeps_the_size_of_segments),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
