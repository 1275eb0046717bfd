/*
 * A good segment with bytes changed and checksums made right again, so that what lies behind them
 * is reached: whatever is read must be read within bounds and end in an answer or in
 * STATUS_CORRUPT.
 *
 * The input is a run of changes of four bytes: chunk, offset (two), value. The highest bit of the
 * chunk cuts it there instead.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/bytes.h"
#include "base/check.h"
#include "index/builder.h"
#include "index/evaluate.h"
#include "index/merge.h"
#include "index/segment_writer.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

#define DOCUMENTS 140 /* lists of two blocks */

static struct segment *good;
static struct text_analyzer *analyzer;

static void make_good(void)
{
    static struct builder_document documents[DOCUMENTS];
    static char urls[DOCUMENTS][32];
    static char texts[DOCUMENTS][96];
    for (unsigned i = 0; i < DOCUMENTS; i++) {
        struct index_document *document = &documents[i].document;
        snprintf(urls[i], sizeof(urls[i]), "http://e.org/%u", i);
        snprintf(texts[i], sizeof(texts[i]), "apple banana apple word%u word%u running runs",
                 i % 90, i % 7);
        document->url = (struct text_slice){urls[i], strlen(urls[i])};
        document->site = (struct text_slice){"e.org", 5};
        document->title = (struct text_slice){texts[i], 12};
        document->content_type = (struct text_slice){"text/html", 9};
        document->modified_unix_us = INT64_C(1700000000000000) + i * INT64_C(86400000000);
        document->text = (struct text_slice){texts[i], strlen(texts[i])};
        documents[i].url_hash = url_hash(urls[i], strlen(urls[i]));
        documents[i].anchors = (struct text_slice){"banana\n", i % 3 == 0 ? 7 : 0};
    }
    static const char common[] =
        "apple banana the words that texts have in common word1 word2 word3";
    struct builder *builder = check_alloc(builder_new(false));
    builder_adopt_dictionary(builder, (struct text_slice){common, sizeof(common)});
    CHECK(builder_build(builder, documents, DOCUMENTS, &good, NULL) == STATUS_OK);
    builder_free(builder);
    analyzer = check_alloc(text_analyzer_new());
}

static struct storage_pin *copy_chunks(void)
{
    struct storage_pin *pins = check_alloc(calloc(good->chunk_count, sizeof(*pins)));
    for (uint32_t i = 0; i < good->chunk_count; i++) {
        uint8_t *bytes = check_alloc(malloc(good->pins[i].size));
        memcpy(bytes, good->pins[i].bytes, good->pins[i].size);
        pins[i] = (struct storage_pin){bytes, good->pins[i].size, bytes};
    }
    return pins;
}

/* Keeps the trailer when a chunk is cut. */
static void change(struct storage_pin *pin, size_t offset, bool cuts, uint8_t value)
{
    size_t payload = pin->size - CHUNK_TRAILER_BYTES;
    uint8_t *bytes = pin->handle;
    if (payload == 0)
        return;
    offset %= payload;
    if (!cuts) {
        bytes[offset] = value;
        return;
    }
    memmove(bytes + offset, bytes + payload, CHUNK_TRAILER_BYTES);
    bytes = check_alloc(realloc(bytes, offset + CHUNK_TRAILER_BYTES));
    *pin = (struct storage_pin){bytes, offset + CHUNK_TRAILER_BYTES, bytes};
}

static struct segment *open_changed(const uint8_t *data, size_t size)
{
    struct storage_pin *pins = copy_chunks();
    for (; size >= 4; data += 4, size -= 4)
        change(&pins[(data[0] & 0x7f) % good->chunk_count], (size_t)data[1] << 8 | data[2],
               (data[0] & 0x80) != 0, data[3]);
    for (uint32_t i = 0; i < good->chunk_count; i++) {
        uint8_t *bytes = pins[i].handle;
        put_le32(bytes + pins[i].size - 4, crc32c(0, bytes, pins[i].size - 4));
    }
    struct segment *segment = NULL;
    if (segment_open((struct storage){0}, pins, good->chunk_count, &segment, NULL) != STATUS_OK)
        return NULL;
    return segment;
}

static void read_documents(const struct segment *segment)
{
    struct arena arena = {0};
    ZSTD_DCtx *decompressor = check_alloc(ZSTD_createDCtx());
    for (uint32_t docid = 0; docid < segment->document_count && docid < 1000; docid++) {
        struct document_row row;
        struct stored_fields fields;
        struct text_slice headings;
        struct text_slice text;
        struct passage passage;
        if (segment_row(segment, docid, &row) && segment_stored(segment, &row, &fields)) {
            text_blocks_unpack(&fields.blocks, decompressor, &arena, &headings, &text, NULL);
            text_blocks_passage(&fields.blocks, decompressor, docid * 100, 200, 500, &arena,
                                &passage, NULL);
        }
        arena_reset(&arena);
    }
    segment_hash_docid(segment, segment_find_hash(segment, 12345), 12345);
    ZSTD_freeDCtx(decompressor);
    arena_release(&arena);
}

static void read_postings(const struct segment *segment)
{
    struct dictionary_cursor keys;
    struct numbers positions = {0};
    dictionary_cursor_open(&keys, segment);
    for (int i = 0; keys.key_size > 0 && i < 2000; i++) {
        struct posting_cursor cursor;
        posting_cursor_open(&cursor, segment, keys.entry.address, keys.entry.document_count);
        for (uint32_t last = 0; cursor.docid != DOCID_END; last = cursor.docid) {
            CHECK(cursor.docid >= last && cursor.docid < segment->document_count);
            posting_cursor_fields(&cursor);
            positions.count = 0;
            posting_cursor_positions(&cursor, (enum query_field)(i % (FIELD_COUNT + 1)),
                                     &positions);
            if (cursor.docid % 5 == 0)
                posting_cursor_seek(&cursor, cursor.docid + 20);
            else
                posting_cursor_next(&cursor);
        }
        dictionary_cursor_next(&keys);
    }
    numbers_release(&positions);
}

/* Each of the three ways of evaluating; with few results, so that documents are skipped. */
static void search(struct segment *segment, const char *typed)
{
    struct arena arena = {0};
    struct query query;
    struct matcher matcher = {0};
    struct top_hit hits[4];
    struct search_request request = {
        .k = 2, .count_exactly = 1, .include_private = true, .statistics.documents = DOCUMENTS};
    struct snapshot *snapshot =
        check_alloc(calloc(1, sizeof(*snapshot) + sizeof(struct snapshot_entry)));
    snapshot->entries[0].segment = segment;
    struct evaluation evaluation = {
        .request = &request, .snapshot = snapshot, .entry = &snapshot->entries[0]};
    CHECK(query_parse(analyzer, (struct text_slice){typed, strlen(typed)}, TEXT_LANGUAGE_UNKNOWN,
                      &arena, &query, NULL) == STATUS_OK);
    CHECK(top_room(2) <= sizeof(hits) / sizeof(hits[0]));
    top_init(&evaluation.top, hits, 2);
    scorer_init(&evaluation.scorer, &ranking_default, &request.statistics);
    for (unsigned i = 0; i < QUERY_WORDS_MAX; i++)
        evaluation.weights[i] = scorer_word_weight(&evaluation.scorer, &request.statistics, i);
    if (scorer_enter(&evaluation.scorer, segment) &&
        matcher_open(&matcher, segment, query.root, &evaluation.watch, &arena, NULL) == STATUS_OK) {
        if (evaluates_any(query.root))
            evaluate_any(&evaluation, &matcher, &arena, NULL);
        else if (evaluates_all(query.root))
            evaluate_all(&evaluation, &matcher, NULL);
        else
            evaluate_tree(&evaluation, &matcher, NULL);
    }
    matcher_release(&matcher);
    free(snapshot);
    arena_release(&arena);
}

static void merge_with_good(struct segment *segment)
{
    struct merge merge = {.inputs = {{.segment = segment}, {.segment = good}}, .input_count = 2};
    struct memory_sink chunks = {0};
    struct segment_sink sink = {&chunks, memory_sink_add};
    struct segment *merged = NULL;
    if (merge_run(&merge, &sink, NULL) == STATUS_OK) {
        CHECK(memory_sink_open(&chunks, &merged, NULL) == STATUS_OK);
        segment_release(merged);
    }
    memory_sink_release(&chunks);
    merge_release(&merge);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    if (good == NULL)
        make_good();
    struct segment *segment = open_changed(data, size);
    if (segment == NULL)
        return 0;
    read_documents(segment);
    read_postings(segment);
    search(segment, "apple OR word3 OR running");
    search(segment, "\"banana apple\" running -\"word1 word2\" site:e.org");
    search(segment, "(apple OR word3 OR \"banana apple\") -\"word1 word2\" title:banana "
                    "site:e.org anchor:banana");
    search(segment, "wor* -title:ban* \"running apple word1\"~9 type:html after:2023-11-20 "
                    "before:2024-03-07 OR lang:en");
    merge_with_good(segment);
    segment_release(segment);
    return 0;
}
