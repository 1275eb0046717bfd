#include "index/builder.h"

#include <stdlib.h>
#include <string.h>

#include "base/bytes.h"
#include "base/calendar.h"
#include "base/check.h"
#include "index/document_keys.h"
#include "index/inverter.h"
#include "index/segment_writer.h"
#include "index/url_order.h"
#include "text/character.h"
#include "text/language_detect.h"

/* Between two headings or anchors, so that no phrase reaches from one to the other. */
#define LINE_GAP 8

struct builder {
    bool plain;
    struct text_analyzer *analyzer;
    struct text_packer *packer;
    struct inverter inverter;
    uint8_t text_dictionary; /* the packer's, by its number in the segment being built */
    struct buffer cells;     /* of the document being read: see text_blocks_write() */
    struct buffer scratch;
    bool failed; /* out of memory */
};

struct builder *builder_new(bool plain)
{
    struct builder *builder = calloc(1, sizeof(*builder));
    if (builder == NULL)
        return NULL;
    builder->plain = plain;
    builder->analyzer = text_analyzer_new();
    builder->packer = text_packer_new();
    if (builder->analyzer == NULL || builder->packer == NULL) {
        builder_free(builder);
        return NULL;
    }
    return builder;
}

/* Forgets the segment that was built; small things are kept for the next. */
static void builder_reset(struct builder *builder)
{
    inverter_release(&builder->inverter);
    builder->failed = false;
    buffer_release(&builder->cells);
    buffer_release(&builder->scratch);
}

void builder_adopt_dictionary(struct builder *builder, struct text_slice dictionary)
{
    text_packer_adopt(builder->packer, dictionary);
}

void builder_free(struct builder *builder)
{
    if (builder == NULL)
        return;
    builder_reset(builder);
    text_analyzer_free(builder->analyzer);
    text_packer_free(builder->packer);
    free(builder);
}

struct text_slice text_cut(struct text_slice text, size_t size_max)
{
    if (text.size <= size_max)
        return text;
    size_t size = size_max;
    while (size > 0 && utf8_continues(text.bytes[size]))
        size--;
    return (struct text_slice){text.bytes, size};
}

/* ---- what is searched ---- */

/* Begins to count where the tokens of a text begin. */
static void begin_cells(struct builder *builder, size_t text_size)
{
    buffer_clear(&builder->cells);
    uint8_t *cells = buffer_reserve(&builder->cells, text_cells(text_size));
    if (cells == NULL) {
        builder->failed = true;
        return;
    }
    memset(cells, 0, text_cells(text_size));
    builder->cells.size = text_cells(text_size);
}

static void count_token(struct builder *builder, const struct text_token *token)
{
    size_t cell = token->start / TEXT_CELL_BYTES;
    if (cell < builder->cells.size && builder->cells.data[cell] < UINT8_MAX)
        builder->cells.data[cell]++;
}

/* Adds a field's tokens from position `base` on; returns how many there are. */
static uint32_t add_tokens(struct builder *builder, struct text_slice text,
                           enum text_language language, enum query_field field, uint32_t base)
{
    struct text_token token;
    uint32_t count = 0;
    text_analyzer_begin(builder->analyzer, text, language);
    while (text_analyzer_next(builder->analyzer, &token)) {
        uint32_t position = base + token.position;
        bool is_written = !token.pair && field != FIELD_URL;
        bool has_exact = token.exact_size > 0;
        inverter_add(&builder->inverter, token.term, token.term_size, field, position,
                     is_written && !has_exact);
        if (has_exact)
            inverter_add(&builder->inverter, token.exact, token.exact_size, field, position,
                         is_written);
        if (field == FIELD_BODY)
            count_token(builder, &token);
        count++;
    }
    return count;
}

static uint32_t add_lines(struct builder *builder, struct text_slice text,
                          enum text_language language, enum query_field field)
{
    uint32_t count = 0;
    uint32_t base = 0;
    for (size_t at = 0; at < text.size;) {
        const char *newline = memchr(text.bytes + at, '\n', text.size - at);
        size_t end = newline == NULL ? text.size : (size_t)(newline - text.bytes);
        struct text_slice line = {text.bytes + at, end - at};
        uint32_t tokens = add_tokens(builder, line, language, field, base);
        count += tokens;
        base += tokens == 0 ? 0 : tokens + LINE_GAP;
        at = end + 1;
    }
    return count;
}

/* A URL's percent codes are the bytes of words, too. */
static uint32_t add_url(struct builder *builder, struct text_slice url)
{
    buffer_clear(&builder->scratch);
    for (size_t i = 0; i < url.size; i++) {
        uint8_t byte = (uint8_t)url.bytes[i];
        if (byte == '%' && i + 2 < url.size && hex_decode(url.bytes + i + 1, &byte, 1))
            i += 2;
        buffer_append_byte(&builder->scratch, byte);
    }
    builder->failed = builder->failed || builder->scratch.failed;
    struct text_slice decoded = {(const char *)builder->scratch.data, builder->scratch.size};
    return add_tokens(builder, decoded, TEXT_LANGUAGE_UNKNOWN, FIELD_URL, 0);
}

/* Keys that are no words stand in the URL's field, at its beginning. */
static void add_key(void *builder, const uint8_t *key, uint32_t size)
{
    inverter_add(&((struct builder *)builder)->inverter, key, size, FIELD_URL, 0, false);
}

static struct index_document cut(const struct index_document *document)
{
    struct index_document result = *document;
    result.title = text_cut(document->title, INDEX_TITLE_MAX);
    result.headings = text_cut(document->headings, INDEX_HEADINGS_MAX);
    result.text = text_cut(document->text, INDEX_TEXT_MAX);
    result.site = text_cut(document->site, QUERY_SITE_MAX);
    result.language = text_cut(document->language, INDEX_LANGUAGE_MAX);
    return result;
}

/* The tokens between white space as they are, from position `base` on; returns how many. */
static uint32_t add_plain(struct builder *builder, struct text_slice text, uint32_t base)
{
    uint32_t count = 0;
    for (size_t at = 0; at < text.size;) {
        size_t end = at;
        while (end < text.size && (unsigned char)text.bytes[end] > ' ')
            end++;
        if (end > at) {
            size_t size = end - at < TEXT_TERM_MAX ? end - at : TEXT_TERM_MAX;
            inverter_add(&builder->inverter, (const uint8_t *)text.bytes + at, (uint32_t)size,
                         FIELD_BODY, base + count++, true);
        }
        at = end + 1;
    }
    return count;
}

/* Everything of a document that is searched; `ret_norms`: the lengths of its fields. */
static void add_fields(struct builder *builder, const struct index_document *document,
                       struct text_slice anchors, uint8_t ret_norms[NORM_COLUMNS])
{
    enum text_language language =
        text_language_of(document->language.bytes, document->language.size);
    if (builder->plain) {
        uint32_t count = add_plain(builder, document->title, 0);
        ret_norms[FIELD_BODY] = length_code(count + add_plain(builder, document->text, count));
        return;
    }
    ret_norms[NORM_LANGUAGE] = (uint8_t)language;
    ret_norms[FIELD_TITLE] =
        length_code(add_tokens(builder, document->title, language, FIELD_TITLE, 0));
    ret_norms[FIELD_HEADINGS] =
        length_code(add_lines(builder, document->headings, language, FIELD_HEADINGS));
    ret_norms[FIELD_URL] = length_code(add_url(builder, document->url));
    document_keys(document, add_key, builder);
    ret_norms[FIELD_ANCHOR] = length_code(add_lines(builder, anchors, language, FIELD_ANCHOR));
    begin_cells(builder, document->text.size);
    ret_norms[FIELD_BODY] =
        length_code(add_tokens(builder, document->text, language, FIELD_BODY, 0));
}

/* 0: none, or it is not of these times. */
static uint16_t modified_day(int64_t unix_us)
{
    int64_t day = unix_us / CALENDAR_DAY_US;
    return day > 0 && day <= UINT16_MAX ? (uint16_t)day : 0;
}

static enum status add_document(struct builder *builder, struct segment_writer *writer,
                                const struct builder_document *input, struct error *err)
{
    struct index_document document = cut(&input->document);
    if (!builder->plain)
        document.language = language_settle(document.language, document.text);
    struct text_slice anchors = text_cut(input->anchors, INDEX_ANCHORS_MAX);
    uint8_t norms[NORM_COLUMNS] = {0};
    add_fields(builder, &document, anchors, norms);
    norms[NORM_FLAGS] = (document.is_private ? FLAG_PRIVATE : 0) |
                        (document.has_canonical ? FLAG_HAS_CANONICAL : 0) |
                        snippet_flags(&document);
    inverter_end_document(&builder->inverter);
    if (builder->failed || builder->inverter.failed)
        return error_set(err, STATUS_NO_MEMORY, "indexing a document");

    buffer_clear(&builder->scratch);
    enum status status = stored_encode(&document, builder->plain ? NULL : builder->cells.data,
                                       builder->packer, &builder->scratch, err);
    if (status != STATUS_OK)
        return status;
    struct document_row row = {
        .text_dictionary = builder->text_dictionary,
        .url_hash = input->url_hash,
        .site_hash = hash64(document.site.size > 0 ? document.site.bytes : "", document.site.size),
        .stored_size = (uint32_t)builder->scratch.size,
        .inlinks = input->inlinks,
        .modified_day = modified_day(document.modified_unix_us),
    };
    return segment_writer_add_document(writer, &row, &document.likeness, norms,
                                       builder->scratch.data, err);
}

/* ---- the whole ---- */

static int compare_documents(const void *a_pointer, const void *b_pointer)
{
    const struct builder_document *a = a_pointer;
    const struct builder_document *b = b_pointer;
    return url_order(a->document.url, b->document.url);
}

enum status builder_build(struct builder *builder, struct builder_document *documents,
                          uint32_t count, struct segment **ret_segment, struct error *err)
{
    CHECK(count > 0);
    struct memory_sink chunks = {0};
    struct segment_sink sink = {&chunks, memory_sink_add};
    struct segment_writer writer;
    segment_writer_init(&writer, &sink);
    qsort(documents, count, sizeof(*documents), compare_documents);

    text_packer_renew(builder->packer);
    enum status status = segment_writer_add_dictionary(
        &writer, text_packer_dictionary(builder->packer), &builder->text_dictionary, err);
    for (uint32_t docid = 0; status == STATUS_OK && docid < count; docid++)
        status = add_document(builder, &writer, &documents[docid], err);
    if (status == STATUS_OK)
        status = inverter_write(&builder->inverter, &writer, err);
    if (status == STATUS_OK)
        status = segment_writer_finish(&writer, err);
    struct segment *segment = NULL;
    if (status == STATUS_OK)
        status = memory_sink_open(&chunks, &segment, err);
    if (status == STATUS_OK)
        status = segment_load_inlinks(segment, err);
    if (status == STATUS_OK)
        *ret_segment = segment;
    else
        segment_release(segment);
    memory_sink_release(&chunks);
    segment_writer_release(&writer);
    builder_reset(builder);
    return status;
}
