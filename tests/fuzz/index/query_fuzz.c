/* The first line is a query, the rest a text: every query makes a tree that holds its rules and
 * reads the same again, relaxed too, whatever its compounds' frequencies; and every text has a
 * snippet within its limit. */
#include <stdlib.h>
#include <string.h>

#include "base/check.h"
#include "index/compound.h"
#include "index/snippet.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void check_query(struct text_analyzer *analyzer, const struct query *query,
                        struct arena *arena)
{
    struct query_term terms[QUERY_TERMS_MAX];
    const struct query_word *words[QUERY_WORDS_MAX];
    CHECK(query_check(query->root, NULL) == STATUS_OK);
    CHECK(query_collect_terms(query->root, terms) <= QUERY_TERMS_MAX);
    CHECK(query_collect_words(query->root, words) <= QUERY_WORDS_MAX);
    CHECK(query->note_count <= QUERY_NOTES_MAX);
    struct query again;
    struct text_slice read_as = {query->read_as, strlen(query->read_as)};
    CHECK(query_parse(analyzer, read_as, 0, arena, &again, NULL) == STATUS_OK);
    CHECK((again.root == NULL) == (query->root == NULL));
    CHECK(query->root == NULL || strcmp(query_write(query->root, arena), query->read_as) == 0);
}

/* Frequencies, and splits that nobody chose, are made of the input. */
static void check_relaxed(struct text_analyzer *analyzer, const struct query *query,
                          const uint8_t *data, size_t size, struct arena *arena)
{
    struct compounds *compounds;
    struct compound_split splits[QUERY_WORDS_MAX];
    uint64_t own[QUERY_TERMS_MAX], frequencies[COMPOUND_TERMS_MAX];
    struct compound_corpus corpus = {UINT64_MAX, data[0], own};
    struct query_term terms[QUERY_TERMS_MAX], relaxed_terms[QUERY_TERMS_MAX];
    for (size_t i = 0; i < QUERY_TERMS_MAX; i++)
        own[i] = data[i % size] / 2;
    CHECK(compounds_find(analyzer, query->root, &corpus, arena, &compounds, NULL) == STATUS_OK);
    for (uint32_t i = 0; i < compounds->term_count; i++)
        frequencies[i] = data[i % size];
    size_t count = compounds_choose(compounds, frequencies, splits);
    CHECK(count <= QUERY_WORDS_MAX);
    for (; count < QUERY_WORDS_MAX && count < size; count++)
        splits[count] = (struct compound_split){data[count] & 3, data[count] >> 2,
                                                (enum text_language)(data[0] & 0x3f)};
    struct query_node *relaxed = compounds_relax(analyzer, query->root, splits, count, arena);
    CHECK((relaxed == NULL) == (query->root == NULL));
    CHECK(query_check(relaxed, NULL) == STATUS_OK);
    if (relaxed == NULL)
        return;
    size_t term_count = query_collect_terms(query->root, terms);
    CHECK(query_collect_terms(relaxed, relaxed_terms) >= term_count);
    for (size_t i = 0; i < term_count; i++)
        CHECK(terms[i].size == relaxed_terms[i].size &&
              memcmp(terms[i].bytes, relaxed_terms[i].bytes, terms[i].size) == 0);
}

static void check_snippet(const struct snippet *snippet)
{
    size_t characters = 0;
    for (uint32_t i = 0; i < snippet->span_count; i++) {
        CHECK(snippet->spans[i].text.size > 0);
        for (size_t at = 0; at < snippet->spans[i].text.size; at++) {
            unsigned char byte = (unsigned char)snippet->spans[i].text.bytes[at];
            CHECK(byte >= ' ');
            characters += (byte & 0xc0) != 0x80;
        }
    }
    CHECK(characters <= SNIPPET_CHARACTERS_MAX);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static struct text_analyzer *analyzer;
    if (analyzer == NULL)
        analyzer = check_alloc(text_analyzer_new());
    struct arena arena = {0};
    struct query query;
    struct snippet snippet;
    const uint8_t *line = size == 0 ? NULL : memchr(data, '\n', size);
    size_t query_size = line == NULL ? size : (size_t)(line - data);
    struct text_slice typed = {(const char *)data, query_size};
    struct text_slice text = {(const char *)data + query_size, size - query_size};
    enum text_language language =
        size == 0 ? TEXT_LANGUAGE_UNKNOWN : (enum text_language)(data[0] % TEXT_LANGUAGE_COUNT);
    CHECK(query_parse(analyzer, typed, (uint64_t)1 << language, &arena, &query, NULL) == STATUS_OK);
    check_query(analyzer, &query, &arena);
    if (size > 0)
        check_relaxed(analyzer, &query, data, size, &arena);
    struct passage passage = {.text = text, .begins = size % 2 == 0, .ends = size % 3 == 0};
    CHECK(snippet_cut(analyzer, &passage, language, query.root, &arena, &snippet, NULL) ==
          STATUS_OK);
    check_snippet(&snippet);
    arena_release(&arena);
    return 0;
}
