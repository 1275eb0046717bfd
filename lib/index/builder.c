#include "index/builder.h"

#include <stdlib.h>
#include <string.h>
#include <zstd.h>

#include "base/bytes.h"
#include "base/check.h"
#include "index/document_keys.h"
#include "index/segment_writer.h"
#include "index/url_order.h"
#include "index/varint.h"
#include "text/character.h"

/* Between two headings or anchors, so that no phrase reaches from one to the other. */
#define LINE_GAP 8
#define NONE     UINT32_MAX

/* A key of the segment being built, with its postings so far. */
struct term {
    const uint8_t *key; /* in the arena */
    uint32_t key_size;
    uint32_t document_count;
    uint64_t hash;
    struct buffer postings; /* of each document: see end_document() */
    uint32_t last_docid;
    uint32_t first_occurrence; /* in the document being read; NONE: it is not in it */
    uint32_t last_occurrence;
};

/* Occurrences of one term in one document are chained in the order in which they were met: by
 * field, then by position. */
struct occurrence {
    uint32_t next;
    uint32_t position;
    uint8_t field;
};

struct builder {
    bool plain;
    struct text_analyzer *analyzer;
    ZSTD_CCtx *compressor;
    struct arena keys;
    struct term *terms;
    uint32_t term_count;
    uint32_t term_capacity;
    uint32_t *table; /* term number plus one; 0: free. A power of two, at most half full */
    uint32_t table_size;
    struct occurrence *occurrences;
    uint32_t occurrence_count;
    uint32_t occurrence_capacity;
    uint32_t *touched; /* terms of the document being read */
    uint32_t touched_count;
    uint32_t touched_capacity;
    struct text_mark *marks; /* of its text */
    uint32_t mark_count;
    uint32_t mark_capacity;
    struct buffer scratch;
    struct numbers positions; /* of one posting */
    bool failed;              /* out of memory */
};

struct builder *builder_new(bool plain)
{
    struct builder *builder = calloc(1, sizeof(*builder));
    if (builder == NULL)
        return NULL;
    builder->plain = plain;
    builder->analyzer = text_analyzer_new();
    builder->compressor = ZSTD_createCCtx();
    if (builder->analyzer == NULL || builder->compressor == NULL) {
        builder_free(builder);
        return NULL;
    }
    return builder;
}

/* Forgets the segment that was built; small things are kept for the next. */
static void builder_reset(struct builder *builder)
{
    for (uint32_t i = 0; i < builder->term_count; i++)
        buffer_release(&builder->terms[i].postings);
    free(builder->terms);
    free(builder->table);
    free(builder->occurrences);
    free(builder->touched);
    free(builder->marks);
    builder->terms = NULL;
    builder->table = NULL;
    builder->occurrences = NULL;
    builder->touched = NULL;
    builder->marks = NULL;
    builder->term_count = builder->term_capacity = builder->table_size = 0;
    builder->occurrence_count = builder->occurrence_capacity = 0;
    builder->touched_count = builder->touched_capacity = 0;
    builder->mark_count = builder->mark_capacity = 0;
    builder->failed = false;
    buffer_release(&builder->scratch);
    numbers_release(&builder->positions);
    arena_release(&builder->keys);
}

void builder_free(struct builder *builder)
{
    if (builder == NULL)
        return;
    builder_reset(builder);
    text_analyzer_free(builder->analyzer);
    ZSTD_freeCCtx(builder->compressor);
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

/* ---- the table of terms ---- */

/* Makes room for one more in a growing array. */
static bool grow(void *array_pointer, uint32_t count, uint32_t *capacity, size_t item_size)
{
    if (count < *capacity)
        return true;
    uint32_t larger = *capacity < 256 ? 256 : *capacity * 2;
    void **array = array_pointer;
    void *grown = realloc(*array, larger * item_size);
    if (grown == NULL)
        return false;
    *array = grown;
    *capacity = larger;
    return true;
}

static bool grow_table(struct builder *builder)
{
    uint32_t size = builder->table_size == 0 ? 1024 : builder->table_size * 2;
    uint32_t *table = calloc(size, sizeof(*table));
    if (table == NULL)
        return false;
    for (uint32_t i = 0; i < builder->term_count; i++) {
        uint32_t at = (uint32_t)builder->terms[i].hash & (size - 1);
        while (table[at] != 0)
            at = (at + 1) & (size - 1);
        table[at] = i + 1;
    }
    free(builder->table);
    builder->table = table;
    builder->table_size = size;
    return true;
}

/* The term's number; NONE when out of memory. */
static uint32_t add_term(struct builder *builder, const uint8_t *key, uint32_t size, uint64_t hash)
{
    if (!grow(&builder->terms, builder->term_count, &builder->term_capacity,
              sizeof(*builder->terms)))
        return NONE;
    struct term *term = &builder->terms[builder->term_count];
    *term = (struct term){
        .key = arena_copy(&builder->keys, key, size),
        .key_size = size,
        .hash = hash,
        .first_occurrence = NONE,
    };
    return term->key == NULL ? NONE : builder->term_count++;
}

static uint32_t find_term(struct builder *builder, const uint8_t *key, uint32_t size)
{
    if (builder->term_count * 2 >= builder->table_size && !grow_table(builder))
        return NONE;
    uint64_t hash = hash64(key, size);
    uint32_t at = (uint32_t)hash & (builder->table_size - 1);
    for (; builder->table[at] != 0; at = (at + 1) & (builder->table_size - 1)) {
        const struct term *term = &builder->terms[builder->table[at] - 1];
        if (term->hash == hash && term->key_size == size && memcmp(term->key, key, size) == 0)
            return builder->table[at] - 1;
    }
    uint32_t number = add_term(builder, key, size, hash);
    if (number != NONE)
        builder->table[at] = number + 1;
    return number;
}

/* ---- one document ---- */

static void add_occurrence(struct builder *builder, const uint8_t *key, uint32_t size,
                           enum query_field field, uint32_t position)
{
    uint32_t number = find_term(builder, key, size);
    if (number == NONE ||
        !grow(&builder->occurrences, builder->occurrence_count, &builder->occurrence_capacity,
              sizeof(*builder->occurrences)) ||
        !grow(&builder->touched, builder->touched_count, &builder->touched_capacity,
              sizeof(*builder->touched))) {
        builder->failed = true;
        return;
    }
    struct term *term = &builder->terms[number];
    uint32_t occurrence = builder->occurrence_count++;
    builder->occurrences[occurrence] = (struct occurrence){NONE, position, (uint8_t)field};
    if (term->first_occurrence == NONE) {
        term->first_occurrence = occurrence;
        builder->touched[builder->touched_count++] = number;
    } else {
        builder->occurrences[term->last_occurrence].next = occurrence;
    }
    term->last_occurrence = occurrence;
}

/* Notes where a token of the text begins, unless a mark is near. */
static void add_mark(struct builder *builder, const struct text_token *token)
{
    if (builder->mark_count > 0 &&
        token->start - builder->marks[builder->mark_count - 1].offset < TEXT_MARK_BYTES)
        return;
    if (!grow(&builder->marks, builder->mark_count, &builder->mark_capacity,
              sizeof(*builder->marks))) {
        builder->failed = true;
        return;
    }
    builder->marks[builder->mark_count++] = (struct text_mark){token->position, token->start};
}

/* Adds a field's tokens from position `base` on; returns how many there are. */
static uint32_t add_tokens(struct builder *builder, struct text_slice text,
                           enum text_language language, enum query_field field, uint32_t base)
{
    struct text_token token;
    uint32_t count = 0;
    text_analyzer_begin(builder->analyzer, text, language);
    while (text_analyzer_next(builder->analyzer, &token)) {
        add_occurrence(builder, token.term, token.term_size, field, base + token.position);
        if (token.exact_size > 0)
            add_occurrence(builder, token.exact, token.exact_size, field, base + token.position);
        if (field == FIELD_BODY)
            add_mark(builder, &token);
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
    add_occurrence(builder, key, size, FIELD_URL, 0);
}

static void encode_term(struct builder *builder, struct term *term, uint32_t docid)
{
    uint8_t number[VARINT_MAX];
    uint32_t frequencies[FIELD_COUNT] = {0};
    uint32_t fields = 0;
    uint32_t previous = 0;
    int field = -1;
    buffer_clear(&builder->scratch);
    for (uint32_t i = term->first_occurrence; i != NONE; i = builder->occurrences[i].next) {
        const struct occurrence *occurrence = &builder->occurrences[i];
        if (occurrence->field != field)
            previous = 0;
        else if (occurrence->position == previous && frequencies[field] > 0)
            continue; /* the same term twice at one place: a stem and an exact form */
        field = occurrence->field;
        fields |= 1u << field;
        frequencies[field]++;
        buffer_append(&builder->scratch, number,
                      varint_put(number, occurrence->position - previous));
        previous = occurrence->position;
    }
    struct buffer *out = &term->postings;
    buffer_append(out, number, varint_put(number, docid - term->last_docid));
    buffer_append_byte(out, (uint8_t)fields);
    for (unsigned i = 0; i < FIELD_COUNT; i++) {
        if (frequencies[i] > 0)
            buffer_append(out, number, varint_put(number, frequencies[i]));
    }
    buffer_append(out, builder->scratch.data, builder->scratch.size);
    builder->failed = builder->failed || out->failed || builder->scratch.failed;
    term->last_docid = docid;
    term->document_count++;
}

/*
 * Moves the document's occurrences into its terms' postings: distance to the last docid, fields (a
 * byte), a frequency for each, positions.
 */
static void end_document(struct builder *builder, uint32_t docid)
{
    for (uint32_t i = 0; i < builder->touched_count; i++) {
        struct term *term = &builder->terms[builder->touched[i]];
        encode_term(builder, term, docid);
        term->first_occurrence = NONE;
    }
    builder->touched_count = 0;
    builder->occurrence_count = 0;
}

static uint64_t zigzag(int64_t value)
{
    return (uint64_t)value << 1 ^ (value < 0 ? UINT64_MAX : 0);
}

/* The document as it is kept for showing, in builder->scratch. */
static enum status pack_document(struct builder *builder, const struct index_document *document,
                                 struct error *err)
{
    uint64_t numbers[] = {
        document->url.size,
        document->site.size,
        document->title.size,
        document->language.size,
        document->headings.size,
        document->text.size,
        zigzag(document->fetched_unix_us),
        zigzag(document->modified_unix_us),
        document->content_type.size,
    };
    struct buffer *out = &builder->scratch;
    buffer_clear(out);
    for (size_t i = 0; i < ARRAY_COUNT(numbers); i++) {
        uint8_t number[VARINT_MAX];
        buffer_append(out, number, varint_put(number, numbers[i]));
    }
    buffer_append(out, document->url.bytes, document->url.size);
    buffer_append(out, document->site.bytes, document->site.size);
    buffer_append(out, document->title.bytes, document->title.size);
    buffer_append(out, document->language.bytes, document->language.size);
    buffer_append(out, document->content_type.bytes, document->content_type.size);
    if (out->failed)
        return error_set(err, STATUS_NO_MEMORY, "stored document");
    return text_blocks_write(builder->compressor, document->headings, document->text,
                             builder->marks, builder->mark_count, out, err);
}

static struct index_document cut(const struct index_document *document)
{
    struct index_document result = *document;
    result.title = text_cut(document->title, INDEX_TITLE_MAX);
    result.headings = text_cut(document->headings, INDEX_HEADINGS_MAX);
    result.text = text_cut(document->text, INDEX_TEXT_MAX);
    result.site = text_cut(document->site, QUERY_SITE_MAX);
    result.language = text_cut(document->language, INDEX_LANGUAGE_MAX);
    result.content_type = text_cut(document->content_type, INDEX_TYPE_MAX);
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
            add_occurrence(builder, (const uint8_t *)text.bytes + at, (uint32_t)size, FIELD_BODY,
                           base + count++);
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
    ret_norms[FIELD_TITLE] =
        length_code(add_tokens(builder, document->title, language, FIELD_TITLE, 0));
    ret_norms[FIELD_HEADINGS] =
        length_code(add_lines(builder, document->headings, language, FIELD_HEADINGS));
    ret_norms[FIELD_URL] = length_code(add_url(builder, document->url));
    document_keys(document, add_key, builder);
    ret_norms[FIELD_ANCHOR] = length_code(add_lines(builder, anchors, language, FIELD_ANCHOR));
    ret_norms[FIELD_BODY] =
        length_code(add_tokens(builder, document->text, language, FIELD_BODY, 0));
}

static enum status add_document(struct builder *builder, struct segment_writer *writer,
                                const struct builder_document *input, uint32_t docid,
                                struct error *err)
{
    struct index_document document = cut(&input->document);
    struct text_slice anchors = text_cut(input->anchors, INDEX_ANCHORS_MAX);
    uint8_t norms[NORM_COLUMNS] = {0};
    add_fields(builder, &document, anchors, norms);
    norms[NORM_FLAGS] = document.is_private ? FLAG_PRIVATE : 0;
    end_document(builder, docid);
    if (builder->failed)
        return error_set(err, STATUS_NO_MEMORY, "indexing a document");

    enum status status = pack_document(builder, &document, err);
    builder->mark_count = 0;
    if (status != STATUS_OK)
        return status;
    struct document_row row = {
        .url_hash = input->url_hash,
        .site_hash = hash64(document.site.size > 0 ? document.site.bytes : "", document.site.size),
        .stored_size = (uint32_t)builder->scratch.size,
        .inlinks = input->inlinks,
    };
    return segment_writer_add_document(writer, &row, norms, builder->scratch.data, err);
}

/* ---- the whole ---- */

static int compare_documents(const void *a_pointer, const void *b_pointer)
{
    const struct builder_document *a = a_pointer;
    const struct builder_document *b = b_pointer;
    return url_order(a->document.url, b->document.url);
}

static int compare_terms(const void *a_pointer, const void *b_pointer)
{
    const struct term *a = a_pointer;
    const struct term *b = b_pointer;
    return key_compare(a->key, a->key_size, b->key, b->key_size);
}

/* Reads `count` numbers that encode_term() wrote. */
static void read_numbers(const uint8_t **at, const uint8_t *end, uint32_t *ret, size_t count)
{
    for (size_t i = 0; i < count; i++)
        CHECK(varint_get32(at, end, &ret[i]));
}

/* Reads back what encode_term() wrote. */
static enum status write_postings(struct builder *builder, struct posting_writer *writer,
                                  const struct term *term, struct error *err)
{
    const uint8_t *at = term->postings.data;
    const uint8_t *end = at + term->postings.size;
    uint32_t docid = 0;
    enum status status = STATUS_OK;
    while (status == STATUS_OK && at < end) {
        uint32_t distance;
        uint32_t frequencies[FIELD_COUNT];
        size_t total = 0;
        read_numbers(&at, end, &distance, 1);
        docid += distance;
        CHECK(at < end);
        uint32_t fields = *at++;
        unsigned count = (unsigned)__builtin_popcount(fields);
        for (unsigned i = 0; i < count; i++) {
            read_numbers(&at, end, &frequencies[i], 1);
            total += frequencies[i];
        }
        builder->positions.count = 0;
        uint32_t *positions = numbers_reserve(&builder->positions, total);
        if (positions == NULL)
            return error_set(err, STATUS_NO_MEMORY, "postings");
        read_numbers(&at, end, positions, total);
        status = posting_writer_add(writer, docid, fields, frequencies, positions, err);
    }
    return status;
}

static enum status write_terms(struct builder *builder, struct segment_writer *writer,
                               struct error *err)
{
    /* The table is of no use any more: terms may move. */
    if (builder->term_count > 0)
        qsort(builder->terms, builder->term_count, sizeof(*builder->terms), compare_terms);
    for (uint32_t i = 0; i < builder->term_count; i++) {
        struct term *term = &builder->terms[i];
        segment_writer_begin_term(writer);
        enum status status = write_postings(builder, &writer->postings, term, err);
        if (status == STATUS_OK)
            status = segment_writer_end_term(writer, term->key, term->key_size, err);
        if (status != STATUS_OK)
            return status;
    }
    return STATUS_OK;
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

    enum status status = STATUS_OK;
    for (uint32_t docid = 0; status == STATUS_OK && docid < count; docid++)
        status = add_document(builder, &writer, &documents[docid], docid, err);
    if (status == STATUS_OK)
        status = write_terms(builder, &writer, err);
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
