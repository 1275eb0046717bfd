#include <string.h>

#include "index/compound.h"
#include "tests/bench/barrel_bench/bench.h"

/* The program cannot go on without memory. */
static void *allocate(struct arena *arena, size_t size)
{
    struct error err = {.text = "none left"};
    void *memory = arena_zalloc(arena, size);
    if (memory == NULL)
        bench_fail("memory", &err);
    return memory;
}

/* One word as it stands. */
static struct query_node *make_term(const char *bytes, size_t size, struct arena *arena)
{
    struct query_node *node = allocate(arena, sizeof(*node));
    struct query_word *word = allocate(arena, sizeof(*word));
    node->kind = QUERY_TERM;
    node->fields = FIELD_MASK_ALL;
    node->words = word;
    node->word_count = 1;
    word->alternative_count = 1;
    word->alternatives[0] = (struct query_term){
        (const uint8_t *)bytes, (uint32_t)(size < TEXT_TERM_MAX ? size : TEXT_TERM_MAX)};
    return node;
}

static struct query_node *make_phrase(struct query_node **terms, uint32_t count,
                                      struct arena *arena)
{
    struct query_node *node = allocate(arena, sizeof(*node));
    node->kind = QUERY_PHRASE;
    node->fields = FIELD_MASK_ALL;
    node->words = allocate(arena, count * sizeof(*node->words));
    node->word_count = count;
    for (uint32_t i = 0; i < count; i++) {
        node->words[i] = terms[i]->words[0];
        node->words[i].offset = i;
    }
    return node;
}

/* Without the query language: as the other engines are asked. */
static const struct query_node *read_plain(const char *text, enum mode mode, struct arena *arena)
{
    struct query_node *terms[QUERY_WORDS_MAX];
    uint32_t count = 0;
    for (const char *at = text; count < QUERY_WORDS_MAX;) {
        at += strspn(at, " \n");
        size_t size = strcspn(at, " \n");
        if (size == 0)
            break;
        terms[count++] = make_term(at, size, arena);
        at += size;
    }
    if (count < 2)
        return count == 0 ? NULL : terms[0];
    if (mode == MODE_PHRASE)
        return make_phrase(terms, count, arena);
    struct query_node *node = allocate(arena, sizeof(*node));
    node->kind = mode == MODE_OR ? QUERY_OR : QUERY_AND;
    node->children = allocate(arena, count * sizeof(struct query_node *));
    memcpy(node->children, terms, count * sizeof(struct query_node *));
    node->child_count = count;
    return node;
}

/* With it: "\"a b\"", or as typed. */
static const char *make_typed(const char *text, enum mode mode, struct arena *arena)
{
    size_t size = strcspn(text, "\n");
    return mode == MODE_PHRASE ? arena_format(arena, "\"%.*s\"", (int)size, text)
                               : arena_string_of(arena, text, size);
}

static void find_frequencies(struct bench *bench, const struct query_term *terms, size_t count,
                             uint64_t *ret_frequencies)
{
    struct error err = {0};
    if (index_term_statistics(bench->index, terms, count, NULL, ret_frequencies, &err) != STATUS_OK)
        bench_fail("frequencies", &err);
}

/* Any of the words, and the parts of compounds: as the gateway asks. */
static void relax(struct bench *bench, struct question *question, struct arena *arena)
{
    struct error err = {0};
    struct compounds *compounds;
    struct compound_split splits[QUERY_WORDS_MAX];
    struct query_term terms[QUERY_TERMS_MAX];
    uint64_t frequencies[COMPOUND_TERMS_MAX];
    struct compound_corpus corpus = {bench->languages, bench->compound_pages,
                                     question->frequencies};
    if (bench->compound_pages > 0)
        question->known = query_collect_terms(question->query, terms);
    find_frequencies(bench, terms, question->known, question->frequencies);
    if (compounds_find(bench->analyzer, question->query, &corpus, arena, &compounds, &err) !=
        STATUS_OK)
        bench_fail("compounds", &err);
    find_frequencies(bench, compounds->terms, compounds->term_count, frequencies);
    size_t count = compounds_choose(compounds, frequencies, splits);
    question->query = compounds_relax(bench->analyzer, question->query, splits, count, arena);
}

struct question *ask_read(struct bench *bench, const char *text, enum mode mode,
                          struct arena *arena)
{
    struct query query;
    struct error err = {0};
    struct question *question = allocate(arena, sizeof(*question));
    if (bench->settings.plain) {
        question->query = read_plain(text, mode, arena);
        return question;
    }
    const char *typed = make_typed(text, mode, arena);
    struct text_slice slice = {typed, strlen(typed)};
    if (query_parse(bench->analyzer, slice, bench->languages, arena, &query, &err) != STATUS_OK)
        bench_fail(text, &err);
    question->query = query.root;
    if (mode == MODE_OR)
        relax(bench, question, arena);
    return question;
}

struct search_result ask(struct bench *bench, struct question *question, uint32_t k,
                         bool exhaustively, struct arena *arena)
{
    struct error err = {0};
    struct query_term terms[QUERY_TERMS_MAX];
    struct search_result result = {0};
    size_t count = query_collect_terms(question->query, terms);
    size_t known = question->known;
    struct search_request request = {
        .k = k,
        .count_exactly = exhaustively ? 0 : 10, /* as the other engines are asked */
        .ranking = bench->settings.plain ? &ranking_plain : &ranking_default,
        .statistics.document_frequencies = question->frequencies,
        .statistics.document_frequency_count = count,
    };
    index_statistics(bench->index, &request.statistics.documents, request.statistics.field_tokens);
    find_frequencies(bench, terms + known, count - known, question->frequencies + known);
    if (index_search(bench->index, question->query, &request, arena, &result, &err) != STATUS_OK)
        bench_fail("searching", &err);
    return result;
}
