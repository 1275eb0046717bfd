#include "index/inverter.h"

#include <stdlib.h>
#include <string.h>

#include "tests/unit/unit.h"

#define DOCUMENTS 300
#define KEYS      400

static uint32_t seed = 1;

static uint32_t random_below(uint32_t bound)
{
    seed = seed * 1664525 + 1013904223;
    return (uint32_t)(((uint64_t)seed * bound) >> 32);
}

/* Number -> a key of 2, 5 or 10 bytes; those of 10 share the first eight. */
static uint32_t make_key(uint32_t number, uint8_t ret_key[20])
{
    static const uint32_t leads[] = {0, 3, 8};
    uint32_t lead = leads[number % 3];
    memset(ret_key, 'a', lead);
    ret_key[lead] = (uint8_t)('a' + number / 26);
    ret_key[lead + 1] = (uint8_t)('a' + number % 26);
    return lead + 2;
}

/* What was added, as it was added. */
struct oracle {
    struct {
        uint32_t docid;
        enum query_field field;
        uint32_t position;
    } * places[KEYS];
    uint32_t counts[KEYS];
};

static void remember(struct oracle *oracle, uint32_t number, uint32_t docid, enum query_field field,
                     uint32_t position)
{
    uint32_t at = oracle->counts[number]++;
    oracle->places[number] =
        realloc(oracle->places[number], (at + 1) * sizeof(oracle->places[0][0]));
    oracle->places[number][at].docid = docid;
    oracle->places[number][at].field = field;
    oracle->places[number][at].position = position;
}

static void add_documents(struct inverter *inverter, struct oracle *oracle)
{
    for (uint32_t docid = 0; docid < DOCUMENTS; docid++) {
        for (unsigned field = 0; field < FIELD_COUNT; field++) {
            uint32_t position = random_below(1000);
            for (uint32_t left = random_below(100); left > 0; left--) {
                uint8_t key[20];
                uint32_t number = random_below(1 + random_below(KEYS));
                uint32_t size = make_key(number, key);
                inverter_add(inverter, key, size, (enum query_field)field, position, false);
                if (random_below(4) == 0) /* counts once */
                    inverter_add(inverter, key, size, (enum query_field)field, position, false);
                remember(oracle, number, docid, (enum query_field)field, position);
                position += 1 + random_below(3);
            }
        }
        inverter_end_document(inverter);
    }
    assert_false(inverter->failed);
}

static void add_rows(struct segment_writer *writer)
{
    const uint8_t norms[NORM_COLUMNS] = {0};
    for (uint32_t docid = 0; docid < DOCUMENTS; docid++) {
        struct document_row row = {.url_hash = docid, .stored_size = 1};
        const struct likeness likeness = {0};
        assert_int_equal(
            segment_writer_add_document(writer, &row, &likeness, norms, (const uint8_t *)"x", NULL),
            STATUS_OK);
    }
}

/* The list of one key holds what was remembered, and nothing else. */
static void expect_list(struct segment *segment, const struct oracle *oracle, uint32_t number)
{
    uint8_t key[20];
    uint32_t size = make_key(number, key);
    struct dictionary_entry entry;
    struct posting_cursor cursor;
    struct numbers positions = {0};
    uint32_t at = 0;
    enum status status = dictionary_find(segment, key, size, &entry);
    assert_int_equal(status, oracle->counts[number] == 0 ? STATUS_NOT_FOUND : STATUS_OK);
    if (status != STATUS_OK)
        return;
    posting_cursor_open(&cursor, segment, entry.address, entry.document_count);
    for (; cursor.docid != DOCID_END; posting_cursor_next(&cursor)) {
        for (unsigned field = 0; field < FIELD_COUNT; field++) {
            positions.count = 0;
            assert_true(posting_cursor_positions(&cursor, (enum query_field)field, &positions));
            for (size_t i = 0; i < positions.count; i++, at++) {
                assert_true(at < oracle->counts[number]);
                assert_int_equal(oracle->places[number][at].docid, cursor.docid);
                assert_int_equal(oracle->places[number][at].field, field);
                assert_int_equal(oracle->places[number][at].position, positions.values[i]);
            }
        }
    }
    assert_int_equal(at, oracle->counts[number]);
    assert_false(cursor.corrupt);
    numbers_release(&positions);
}

static void every_occurrence_comes_back_under_its_key(void **state)
{
    (void)state;
    struct oracle oracle = {.counts = {0}};
    struct inverter inverter = {.failed = false};
    for (unsigned round = 0; round < 3; round++) { /* it can be used again */
        struct memory_sink chunks = {0};
        struct segment_sink sink = {&chunks, memory_sink_add};
        struct segment_writer writer;
        struct segment *segment;
        memset(oracle.counts, 0, sizeof(oracle.counts));
        segment_writer_init(&writer, &sink);
        add_documents(&inverter, &oracle);
        add_rows(&writer);
        assert_int_equal(inverter_write(&inverter, &writer, NULL), STATUS_OK);
        assert_int_equal(segment_writer_finish(&writer, NULL), STATUS_OK);
        segment_writer_release(&writer);
        assert_int_equal(memory_sink_open(&chunks, &segment, NULL), STATUS_OK);
        for (uint32_t number = 0; number < KEYS; number++)
            expect_list(segment, &oracle, number);
        segment_release(segment);
    }
    for (uint32_t number = 0; number < KEYS; number++)
        free(oracle.places[number]);
}

static void the_head_of_a_key_orders_as_the_key(void **state)
{
    (void)state;
    for (unsigned round = 0; round < 20000; round++) {
        uint8_t keys[2][12];
        uint32_t sizes[2];
        for (unsigned i = 0; i < 2; i++) {
            sizes[i] = 1 + random_below(12);
            for (unsigned at = 0; at < sizes[i]; at++)
                keys[i][at] = (uint8_t)random_below(round % 2 == 0 ? 2 : 256);
        }
        uint64_t a = key_head(keys[0], sizes[0]);
        uint64_t b = key_head(keys[1], sizes[1]);
        int order = key_compare(keys[0], sizes[0], keys[1], sizes[1]);
        assert_true(a == b || (a < b) == (order < 0));
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_occurrence_comes_back_under_its_key),
        cmocka_unit_test(the_head_of_a_key_orders_as_the_key),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
