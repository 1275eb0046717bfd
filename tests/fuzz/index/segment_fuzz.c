/*
 * A good segment with bytes changed and checksums made right again, so that what lies behind them
 * is reached: whatever is read must be read within bounds and end in an answer or in
 * STATUS_CORRUPT.
 *
 * The input is a byte that says what is read, and a run of changes of four bytes: chunk, offset
 * (two), value. The highest bit of the chunk cuts it there instead.
 */
#include <stdio.h>

#include "base/bytes.h"
#include "index/builder.h"
#include "index/evaluate.h"
#include "index/merge.h"
#include "index/segment_writer.h"
#include "tests/fuzz/index/chunks.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* As small as can be with all that a segment can hold: lists of two blocks, two blocks of keys. */
#define DOCUMENTS 140
#define OTHERS    3 /* that it is merged with */

static struct segment *good;
static struct segment *others;
static struct text_analyzer *analyzer;

struct page {
    char url[48];
    char text[96];
};

/* The URL is the number in binary: of few words. */
static void fill(struct builder_document *document, struct page *page, unsigned number)
{
    struct index_document *content = &document->document;
    int used = snprintf(page->url, sizeof(page->url), "http://e.org");
    for (unsigned bit = 0; bit < 8; bit++)
        used +=
            snprintf(page->url + used, sizeof(page->url) - (size_t)used, "/%u", number >> bit & 1);
    snprintf(page->text, sizeof(page->text), "apple banana apple word%u other%u apple running runs",
             number % 19, number % 7);
    content->url = (struct text_slice){page->url, strlen(page->url)};
    content->site = (struct text_slice){"e.org", 5};
    content->title = (struct text_slice){page->text, 12};
    content->content_type = (struct text_slice){"text/html", 9};
    content->modified_unix_us = INT64_C(1700000000000000) + number % 5 * 12 * INT64_C(86400000000);
    content->text = (struct text_slice){page->text, strlen(page->text)};
    document->url_hash = url_hash(page->url, strlen(page->url));
    document->anchors = (struct text_slice){"banana\n", number % 3 == 0 ? 7 : 0};
}

/* Documents of these numbers. */
static struct segment *build(unsigned first, unsigned count)
{
    static const char common[] =
        "apple banana the words that texts have in common word1 word2 other3";
    struct builder_document documents[DOCUMENTS] = {0};
    struct page pages[DOCUMENTS];
    struct segment *segment;
    for (unsigned i = 0; i < count; i++)
        fill(&documents[i], &pages[i], first + i);
    struct builder *builder = check_alloc(builder_new(false));
    builder_adopt_dictionary(builder, (struct text_slice){common, sizeof(common)});
    CHECK(builder_build(builder, documents, count, &segment, NULL) == STATUS_OK);
    builder_free(builder);
    return segment;
}

static void make_good(void)
{
    good = build(0, DOCUMENTS);
    others = build(DOCUMENTS, OTHERS);
    analyzer = check_alloc(text_analyzer_new());
}

static struct segment *open_changed(const uint8_t *data, size_t size)
{
    struct storage_pin *pins = chunks_copy(good);
    for (; size >= 4; data += 4, size -= 4)
        chunk_change(&pins[(data[0] & 0x7f) % good->chunk_count], (uint32_t)data[1] << 8 | data[2],
                     (data[0] & 0x80) != 0, data[3]);
    return chunks_open(pins, good->chunk_count);
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

static const char *const queries[] = {
    "apple OR word3 OR running",
    "\"banana apple\" running -\"word1 other1\" site:e.org",
    "(apple OR word3 OR \"banana apple\") -\"word1 other1\" title:banana site:e.org anchor:banana",
    "wor* -title:ban* \"running apple other1\"~9 type:html after:2023-11-20 before:2023-12-30",
    "banana lang:en",
};

static void merge_with_others(struct segment *segment)
{
    struct merge merge = {.inputs = {{.segment = segment}, {.segment = others}}, .input_count = 2};
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
    if (size == 0)
        return 0;
    struct segment *segment = open_changed(data + 1, size - 1);
    if (segment == NULL)
        return 0;
    switch (data[0] % (3 + ARRAY_COUNT(queries))) {
    case 0:
        read_documents(segment);
        break;
    case 1:
        read_postings(segment);
        break;
    case 2:
        merge_with_others(segment);
        break;
    default:
        search(segment, queries[data[0] % (3 + ARRAY_COUNT(queries)) - 3]);
    }
    segment_release(segment);
    return 0;
}
