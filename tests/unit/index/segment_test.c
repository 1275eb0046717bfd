/* What lies in a segment, down to its chunks. */
#include "index/segment.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/bytes.h"
#include "index/builder.h"
#include "index/deletions.h"
#include "index/dictionary.h"
#include "index/merge.h"
#include "index/posting.h"
#include "index/segment_writer.h"
#include "index/url_order.h"
#include "index/varint.h"
#include "tests/unit/unit.h"

static uint32_t seed = 1;

static uint32_t random_below(uint32_t bound)
{
    seed = seed * 1664525 + 1013904223;
    return (uint32_t)(((uint64_t)seed * bound) >> 32);
}

static void lengths_are_rounded_by_less_than_a_sixteenth(void **state)
{
    (void)state;
    uint8_t last = 0;
    for (uint32_t length = 0; length < 1u << 19; length += 1 + length / 50) {
        uint8_t code = length_code(length);
        uint32_t back = length_of_code(code);
        uint32_t distance = back > length ? back - length : length - back;
        assert_true(code >= last);
        assert_true(distance * 16 <= length);
        assert_true(length >= 32 || distance == 0);
        assert_true(length_bound(code) >= length);
        assert_int_equal(length_code(length_bound(code)), code);
        last = code;
    }
    assert_int_equal(length_code(1u << 19), last);
    assert_int_equal(length_code(UINT32_MAX), LENGTH_CODES - 1);
    assert_int_equal(length_bound(LENGTH_CODES - 1), UINT32_MAX);
}

static void varints_hold_every_number_and_end_where_the_bytes_do(void **state)
{
    (void)state;
    static const uint64_t numbers[] = {0,          1,
                                       127,        128,
                                       16383,      16384,
                                       UINT32_MAX, (uint64_t)UINT32_MAX + 1,
                                       UINT64_MAX, UINT64_MAX / 2};
    for (size_t i = 0; i < sizeof(numbers) / sizeof(numbers[0]); i++) {
        uint8_t bytes[VARINT_MAX];
        uint64_t back;
        uint32_t back32;
        size_t size = varint_put(bytes, numbers[i]);
        const uint8_t *at = bytes;
        assert_true(varint_get(&at, bytes + size, &back) && back == numbers[i]);
        assert_ptr_equal(at, bytes + size);
        at = bytes;
        assert_int_equal(varint_get32(&at, bytes + size, &back32), numbers[i] <= UINT32_MAX);
        for (size_t cut = 0; cut < size; cut++) {
            at = bytes;
            assert_false(varint_get(&at, bytes + cut, &back));
        }
    }
    uint8_t endless[20];
    memset(endless, 0xff, sizeof(endless));
    const uint8_t *at = endless;
    uint64_t number;
    assert_false(varint_get(&at, endless + sizeof(endless), &number));
}

/* ---- posting lists ---- */

#define LIST_MAX 20000

struct list {
    uint32_t docids[LIST_MAX];
    uint8_t fields[LIST_MAX];
    uint32_t frequencies[LIST_MAX];
    uint32_t count;
};

static void random_list(struct list *list, uint32_t count, uint32_t gap)
{
    uint32_t docid = 0;
    list->count = count;
    for (uint32_t i = 0; i < count; i++) {
        docid += (i > 0) + random_below(gap);
        list->docids[i] = docid;
        list->fields[i] = (uint8_t)(1 + random_below(FIELD_MASK_ALL));
        list->frequencies[i] = random_below(8) == 0 ? 1 + random_below(3000) : 1;
    }
}

/* Position p of the i-th document in any field is i + p * p. */
static void write_list(struct segment_writer *writer, const struct list *list, const char *key)
{
    struct numbers positions = {0};
    segment_writer_begin_term(writer);
    for (uint32_t i = 0; i < list->count; i++) {
        uint32_t frequencies[FIELD_COUNT];
        uint32_t field_count = 0;
        positions.count = 0;
        for (unsigned field = 0; field < FIELD_COUNT; field++) {
            if ((list->fields[i] & 1u << field) == 0)
                continue;
            frequencies[field_count++] = list->frequencies[i];
            uint32_t *room = numbers_reserve(&positions, list->frequencies[i]);
            assert_non_null(room);
            uint32_t last = 0;
            for (uint32_t p = 0; p < list->frequencies[i]; p++) {
                room[p] = i + p * p - last;
                last = i + p * p;
            }
            positions.count += list->frequencies[i];
        }
        assert_int_equal(posting_writer_add(&writer->postings, list->docids[i], list->fields[i],
                                            frequencies, positions.values, positions.count, NULL),
                         STATUS_OK);
    }
    numbers_release(&positions);
    assert_int_equal(
        segment_writer_end_term(writer, (const uint8_t *)key, (uint32_t)strlen(key),
                                (struct written){list->count / 2, list->count % 3 == 0}, NULL),
        STATUS_OK);
}

/* The length of a document in a field, as its code. */
static uint8_t length_for(uint32_t docid, unsigned field)
{
    return (uint8_t)((docid * 7 + field * 31) % 100);
}

static void add_documents(struct segment_writer *writer, uint32_t count)
{
    uint8_t norms[NORM_COLUMNS] = {0};
    for (uint32_t i = 0; i < count; i++) {
        for (unsigned field = 0; field < FIELD_COUNT; field++)
            norms[field] = length_for(i, field);
        struct document_row row = {.url_hash = i, .stored_size = 1};
        const struct likeness likeness = {i, ~(uint64_t)i};
        assert_int_equal(
            segment_writer_add_document(writer, &row, &likeness, norms, (const uint8_t *)"x", NULL),
            STATUS_OK);
    }
}

static void expect_posting(struct posting_cursor *cursor, const struct list *list, uint32_t i)
{
    assert_int_equal(cursor->docid, list->docids[i]);
    assert_int_equal(posting_cursor_fields(cursor), list->fields[i]);
    const uint32_t *frequencies = posting_cursor_frequencies(cursor);
    struct numbers positions = {0};
    struct numbers block = {0};
    assert_true(posting_cursor_block_positions(cursor, &block));
    uint32_t at = cursor->position_starts[cursor->index];
    for (unsigned field = 0; field < FIELD_COUNT; field++) {
        positions.count = 0;
        assert_true(posting_cursor_positions(cursor, (enum query_field)field, &positions));
        if ((list->fields[i] & 1u << field) == 0) {
            assert_int_equal(positions.count, 0);
            continue;
        }
        assert_int_equal(*frequencies++, list->frequencies[i]);
        assert_int_equal(positions.count, list->frequencies[i]);
        uint32_t sum = 0;
        for (uint32_t p = 0; p < list->frequencies[i]; p++) {
            assert_int_equal(positions.values[p], i + p * p);
            sum += block.values[at++];
            assert_int_equal(sum, i + p * p);
        }
    }
    assert_int_equal(at, cursor->position_starts[cursor->index + 1]);
    numbers_release(&positions);
    numbers_release(&block);
}

/* Nothing in a block is more than the block's impacts say. */
static void expect_bounds(const struct posting_cursor *cursor, const struct list *list)
{
    for (uint32_t i = 0; i < list->count && cursor->rows != NULL; i++) {
        struct impacts impacts;
        uint32_t row = i / POSTING_BLOCK;
        assert_int_equal(posting_cursor_find_row(cursor, row / 2, list->docids[i]), row);
        assert_true(posting_cursor_row_last(cursor, row) >= list->docids[i]);
        assert_true(posting_cursor_row_impacts(cursor, row, &impacts));
        for (unsigned field = 0; field < FIELD_BODY; field++) {
            if ((list->fields[i] & 1u << field) == 0)
                continue;
            assert_true(length_bound(impacts.frequencies[field]) >= list->frequencies[i]);
            assert_true(impacts.lengths[field] <= length_for(list->docids[i], field));
        }
        bool is_bounded = (list->fields[i] & 1u << FIELD_BODY) == 0;
        for (unsigned pair = 0; pair < IMPACT_PAIRS; pair++)
            is_bounded = is_bounded ||
                         (length_bound(impacts.body_frequencies[pair]) >= list->frequencies[i] &&
                          impacts.body_lengths[pair] <= length_for(list->docids[i], FIELD_BODY));
        assert_true(is_bounded);
    }
}

static void expect_list(const struct segment *segment, const char *key, const struct list *list)
{
    struct dictionary_entry entry;
    struct posting_cursor cursor;
    assert_int_equal(dictionary_find(segment, (const uint8_t *)key, (uint32_t)strlen(key), &entry),
                     STATUS_OK);
    assert_int_equal(entry.document_count, list->count);
    posting_cursor_open(&cursor, segment, entry.address, entry.document_count);
    expect_bounds(&cursor, list);
    for (uint32_t i = 0; i < list->count; i++) {
        expect_posting(&cursor, list, i);
        posting_cursor_next(&cursor);
    }
    assert_int_equal(cursor.docid, DOCID_END);
    assert_false(cursor.corrupt);

    for (int round = 0; round < 20; round++) {
        posting_cursor_open(&cursor, segment, entry.address, entry.document_count);
        uint32_t i = 0;
        while (i < list->count) {
            uint32_t target = list->docids[i] + random_below(list->docids[list->count - 1] / 9 + 2);
            while (i < list->count && list->docids[i] < target)
                i++;
            posting_cursor_seek(&cursor, target);
            if (i < list->count)
                expect_posting(&cursor, list, i);
            else
                assert_int_equal(cursor.docid, DOCID_END);
        }
    }
}

static void posting_lists_come_back(void **state)
{
    (void)state;
    static struct list lists[4];
    struct memory_sink chunks = {0};
    struct segment_sink sink = {&chunks, memory_sink_add};
    struct segment_writer writer;
    struct segment *segment;
    segment_writer_init(&writer, &sink);
    add_documents(&writer, 60000);
    random_list(&lists[0], 1, 100);
    random_list(&lists[1], 128, 3);
    random_list(&lists[2], 129, 300);
    random_list(&lists[3], LIST_MAX, 4); /* positions and postings of many chunks */
    static const char *const keys[] = {"a", "ab", "abc", "b"};
    for (int i = 0; i < 4; i++)
        write_list(&writer, &lists[i], keys[i]);
    assert_int_equal(segment_writer_finish(&writer, NULL), STATUS_OK);
    segment_writer_release(&writer);
    assert_int_equal(memory_sink_open(&chunks, &segment, NULL), STATUS_OK);
    assert_true(segment->parts[PART_POSITIONS].chunk_count > 1);
    for (int i = 0; i < 4; i++)
        expect_list(segment, keys[i], &lists[i]);
    struct dictionary_entry entry;
    static const char *const missing[] = {"A", "aa", "abcd", "c"};
    for (int i = 0; i < 4; i++)
        assert_int_equal(dictionary_find(segment, (const uint8_t *)missing[i],
                                         (uint32_t)strlen(missing[i]), &entry),
                         STATUS_NOT_FOUND);
    segment_release(segment);
}

static void a_dictionary_of_many_keys_finds_each(void **state)
{
    (void)state;
    struct memory_sink chunks = {0};
    struct segment_sink sink = {&chunks, memory_sink_add};
    struct segment_writer writer;
    struct segment *segment;
    static struct list list;
    enum { KEYS = 3000 };
    random_list(&list, 1, 2);
    segment_writer_init(&writer, &sink);
    add_documents(&writer, 10);
    for (int i = 0; i < KEYS; i++) {
        char key[16];
        snprintf(key, sizeof(key), "k%06d", i * 3);
        write_list(&writer, &list, key);
    }
    assert_int_equal(segment_writer_finish(&writer, NULL), STATUS_OK);
    segment_writer_release(&writer);
    assert_int_equal(memory_sink_open(&chunks, &segment, NULL), STATUS_OK);
    struct dictionary_cursor cursor;
    dictionary_cursor_open(&cursor, segment);
    for (int i = 0; i < KEYS * 3; i++) {
        char key[16];
        struct dictionary_entry entry;
        snprintf(key, sizeof(key), "k%06d", i);
        assert_int_equal(dictionary_find(segment, (const uint8_t *)key, 7, &entry),
                         i % 3 == 0 ? STATUS_OK : STATUS_NOT_FOUND);
        if (i % 3 == 0) {
            assert_int_equal(cursor.key_size, 7);
            assert_memory_equal(cursor.key, key, 7);
            dictionary_cursor_next(&cursor);
        }
    }
    assert_int_equal(cursor.key_size, 0);
    assert_false(cursor.corrupt);
    segment_release(segment);
}

/* ---- chunks ---- */

static struct segment *build_segment(struct builder *builder, uint32_t documents)
{
    struct builder_document *inputs = calloc(documents, sizeof(*inputs));
    struct segment *segment;
    char(*urls)[32] = calloc(documents, sizeof(*urls));
    for (uint32_t i = 0; i < documents; i++) {
        snprintf(urls[i], sizeof(urls[i]), "http://e.org/%u", i);
        inputs[i].document.url = (struct text_slice){urls[i], strlen(urls[i])};
        inputs[i].document.site = (struct text_slice){"e.org", 5};
        inputs[i].document.text = (struct text_slice){"some words and again some words", 31};
        inputs[i].url_hash = url_hash(urls[i], strlen(urls[i]));
    }
    assert_int_equal(builder_build(builder, inputs, documents, &segment, NULL), STATUS_OK);
    free(inputs);
    free(urls);
    return segment;
}

/* Copies of a segment's chunks in memory of exactly their size. */
static struct storage_pin *copy_chunks(const struct segment *segment)
{
    struct storage_pin *pins = calloc(segment->chunk_count, sizeof(*pins));
    for (uint32_t i = 0; i < segment->chunk_count; i++) {
        uint8_t *bytes = malloc(segment->pins[i].size);
        memcpy(bytes, segment->pins[i].bytes, segment->pins[i].size);
        pins[i] = (struct storage_pin){bytes, segment->pins[i].size, bytes};
    }
    return pins;
}

static void every_cut_chunk_is_corrupt(void **state)
{
    (void)state;
    struct builder *builder = builder_new(false);
    struct segment *segment = build_segment(builder, 40);
    for (uint32_t chunk = 0; chunk < segment->chunk_count; chunk++) {
        for (size_t size = 0; size < segment->pins[chunk].size; size += 1 + size / 20) {
            struct storage_pin *pins = copy_chunks(segment);
            uint8_t *cut = malloc(size + (size == 0));
            memcpy(cut, pins[chunk].bytes, size);
            free(pins[chunk].handle);
            pins[chunk] = (struct storage_pin){cut, size, cut};
            struct segment *opened;
            enum status status =
                segment_open((struct storage){0}, pins, segment->chunk_count, &opened, NULL);
            assert_true(status == STATUS_CORRUPT || status == STATUS_UNSUPPORTED);
        }
    }
    struct storage_pin *pins = calloc(1, sizeof(*pins));
    struct segment *opened;
    assert_int_equal(segment_open((struct storage){0}, pins, 0, &opened, NULL), STATUS_CORRUPT);
    segment_release(segment);
    builder_free(builder);
}

/* A segment with one long list, and a copy of it with a wrong byte amid some part. */
static struct segment *open_with_wrong_byte(const struct segment *segment, enum segment_part kind)
{
    struct storage_pin *pins = copy_chunks(segment);
    const struct chunk *chunk = &segment->parts[kind].chunks[0];
    for (uint32_t i = 0; i < segment->chunk_count; i++) {
        if (segment->pins[i].bytes == chunk->bytes)
            ((uint8_t *)pins[i].handle)[chunk->size / 2] ^= 1;
    }
    struct segment *opened;
    assert_int_equal(segment_open((struct storage){0}, pins, segment->chunk_count, &opened, NULL),
                     STATUS_OK);
    return opened;
}

/* Reads the list, which is right as far as it comes; returns how many documents that were. */
static uint32_t read_until_corrupt(const struct segment *segment, const struct list *list)
{
    struct dictionary_entry entry;
    struct posting_cursor cursor;
    struct numbers positions = {0};
    uint32_t count = 0;
    assert_int_equal(dictionary_find(segment, (const uint8_t *)"a", 1, &entry), STATUS_OK);
    posting_cursor_open(&cursor, segment, entry.address, entry.document_count);
    for (; cursor.docid != DOCID_END; posting_cursor_next(&cursor)) {
        positions.count = 0;
        assert_int_equal(cursor.docid, list->docids[count]);
        if (!posting_cursor_block_positions(&cursor, &positions))
            break;
        assert_int_equal(*posting_cursor_frequencies(&cursor), list->frequencies[count]);
        count++;
    }
    assert_true(cursor.corrupt);
    numbers_release(&positions);
    return count;
}

static void a_wrong_byte_amid_a_list_ends_it_and_marks_the_segment(void **state)
{
    (void)state;
    static const enum segment_part parts[] = {PART_DIRECTORIES, PART_POSTINGS, PART_POSITIONS};
    static struct list list;
    struct memory_sink chunks = {0};
    struct segment_sink sink = {&chunks, memory_sink_add};
    struct segment_writer writer;
    struct segment *segment;
    segment_writer_init(&writer, &sink);
    add_documents(&writer, 60000);
    random_list(&list, LIST_MAX, 4);
    write_list(&writer, &list, "a");
    assert_int_equal(segment_writer_finish(&writer, NULL), STATUS_OK);
    segment_writer_release(&writer);
    assert_int_equal(memory_sink_open(&chunks, &segment, NULL), STATUS_OK);
    for (size_t i = 0; i < sizeof(parts) / sizeof(parts[0]); i++) {
        atomic_bool is_corrupt = false;
        struct segment *wrong = open_with_wrong_byte(segment, parts[i]);
        wrong->corrupt = &is_corrupt;
        uint32_t count = read_until_corrupt(wrong, &list);
        assert_true(count < list.count);
        /* What stands in front of the wrong byte is read, but for the directory: that is whole. */
        assert_int_equal(count > 0, parts[i] != PART_DIRECTORIES);
        assert_true(atomic_load(&is_corrupt));
        segment_release(wrong);
    }
    segment_release(segment);
}

static void a_segment_of_a_newer_version_is_refused(void **state)
{
    (void)state;
    struct builder *builder = builder_new(false);
    struct segment *segment = build_segment(builder, 4);
    struct storage_pin *pins = copy_chunks(segment);
    uint8_t *footer = pins[segment->chunk_count - 1].handle;
    footer[pins[segment->chunk_count - 1].size - 8] = CHUNK_VERSION + 1;
    struct segment *opened;
    assert_int_equal(segment_open((struct storage){0}, pins, segment->chunk_count, &opened, NULL),
                     STATUS_UNSUPPORTED);
    segment_release(segment);
    builder_free(builder);
}

static void documents_are_found_by_their_hash(void **state)
{
    (void)state;
    struct builder *builder = builder_new(false);
    struct segment *segment = build_segment(builder, 500);
    struct text_slice last = {0};
    for (uint32_t docid = 0; docid < 500; docid++) {
        struct document_row row;
        struct stored_fields fields;
        assert_true(segment_row(segment, docid, &row));
        uint32_t at = segment_find_hash(segment, row.url_hash);
        assert_int_equal(segment_hash_docid(segment, at, row.url_hash), docid);
        assert_int_equal(segment_hash_docid(segment, at, row.url_hash + 1), DOCID_END);
        assert_true(segment_stored(segment, &row, &fields));
        assert_true(url_hash(fields.url.bytes, fields.url.size) == row.url_hash);
        assert_true(url_order(last, fields.url) < 0);
        last = fields.url;
    }
    assert_int_equal(segment_find_hash(segment, UINT64_MAX), 500);
    assert_int_equal(segment_hash_docid(segment, 500, UINT64_MAX), DOCID_END);
    segment_release(segment);
    builder_free(builder);
}

/* Searches step over the stems of other languages, and tell a page's age, without its text. */
static void a_document_keeps_its_language_day_and_likeness_through_a_merge(void **state)
{
    (void)state;
    static const int64_t day_us = INT64_C(86400000000);
    static const struct {
        const char *url, *language;
        int64_t modified_unix_us;
        enum text_language stems;
        uint16_t day;
    } documents[] = {
        {"http://a.test/1", "de-AT", 20000 * day_us + 5, TEXT_LANGUAGE_GERMAN, 20000},
        {"http://a.test/2", "", -day_us, TEXT_LANGUAGE_UNKNOWN, 0},
        {"http://a.test/3", "cy", 65536 * day_us, TEXT_LANGUAGE_OTHER, 0},
    };
    struct builder *builder = builder_new(false);
    struct builder_document inputs[3] = {0};
    for (unsigned i = 0; i < 3; i++) {
        inputs[i].document.url = (struct text_slice){documents[i].url, strlen(documents[i].url)};
        inputs[i].document.language =
            (struct text_slice){documents[i].language, strlen(documents[i].language)};
        inputs[i].document.modified_unix_us = documents[i].modified_unix_us;
        inputs[i].document.text = (struct text_slice){"word", 4};
        inputs[i].document.likeness = (struct likeness){UINT64_MAX - i, i};
        inputs[i].document.has_canonical = i == 1;
        inputs[i].url_hash = i;
    }
    struct segment *built;
    assert_int_equal(builder_build(builder, inputs, 3, &built, NULL), STATUS_OK);
    struct merge merge = {.inputs = {{.segment = built}}, .input_count = 1};
    struct memory_sink chunks = {0};
    struct segment_sink sink = {&chunks, memory_sink_add};
    struct segment *merged;
    assert_int_equal(merge_run(&merge, &sink, NULL), STATUS_OK);
    assert_int_equal(memory_sink_open(&chunks, &merged, NULL), STATUS_OK);
    for (unsigned i = 0; i < 3; i++) {
        struct document_row row;
        assert_true(segment_row(merged, i, &row));
        struct likeness likeness;
        assert_int_equal(row.modified_day, documents[i].day);
        assert_true(segment_likeness(merged, i, &likeness));
        assert_true(likeness.fingerprint == UINT64_MAX - i && likeness.simhash == i);
        assert_int_equal(segment_column(merged, NORM_FLAGS)[i], i == 1 ? FLAG_HAS_CANONICAL : 0);
        assert_int_equal(segment_column(merged, NORM_LANGUAGE)[i], documents[i].stems);
    }
    memory_sink_release(&chunks);
    merge_release(&merge);
    segment_release(merged);
    segment_release(built);
    builder_free(builder);
}

static void a_merge_leaves_deleted_documents_out(void **state)
{
    (void)state;
    struct builder *builder = builder_new(false);
    struct segment *segment = build_segment(builder, 100);
    struct deletions *deletions = deletions_copy(NULL, 100);
    for (uint32_t docid = 0; docid < 100; docid += 3)
        assert_true(deletions_add(deletions, docid));
    assert_false(deletions_add(deletions, 0));
    struct merge merge = {.inputs = {{.segment = segment, .deletions = deletions}},
                          .input_count = 1};
    struct memory_sink chunks = {0};
    struct segment_sink sink = {&chunks, memory_sink_add};
    struct segment *merged;
    assert_int_equal(merge_run(&merge, &sink, NULL), STATUS_OK);
    assert_int_equal(memory_sink_open(&chunks, &merged, NULL), STATUS_OK);
    assert_int_equal(merged->document_count, 66);
    struct dictionary_entry entry;
    assert_int_equal(dictionary_find(merged, (const uint8_t *)"word", 4, &entry), STATUS_OK);
    assert_int_equal(entry.document_count, 66);
    merge_release(&merge);
    segment_release(merged);
    deletions_release(deletions);
    segment_release(segment);
    builder_free(builder);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(lengths_are_rounded_by_less_than_a_sixteenth),
        cmocka_unit_test(varints_hold_every_number_and_end_where_the_bytes_do),
        cmocka_unit_test(posting_lists_come_back),
        cmocka_unit_test(a_dictionary_of_many_keys_finds_each),
        cmocka_unit_test(every_cut_chunk_is_corrupt),
        cmocka_unit_test(a_wrong_byte_amid_a_list_ends_it_and_marks_the_segment),
        cmocka_unit_test(a_segment_of_a_newer_version_is_refused),
        cmocka_unit_test(documents_are_found_by_their_hash),
        cmocka_unit_test(a_document_keeps_its_language_day_and_likeness_through_a_merge),
        cmocka_unit_test(a_merge_leaves_deleted_documents_out),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
