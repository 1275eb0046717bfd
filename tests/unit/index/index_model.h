/* A model that keeps documents as they are and looks at all of them: the index must find the same.
 */
#ifndef TIERCE_TESTS_INDEX_MODEL_H
#define TIERCE_TESTS_INDEX_MODEL_H

#include <stdio.h>
#include <stdlib.h>

#include "base/bytes.h"
#include "index/document.h"
#include "index/search.h"
#include "tests/unit/index/fixture.h"

#define DOCUMENTS_MAX 400
#define TOKENS_MAX    64

struct model_document {
    bool live;
    char url[64];
    char title[128];
    char text[512];
    char site[32];
    const char *language;
    const char *type;
    uint32_t modified_day; /* 0: not known */
    bool is_private;
};

#define FETCHED_DAY 19675 /* 2023-11-14 */

static struct model_document model[DOCUMENTS_MAX];

static const char *const vocabulary[] = {
    "apple", "apples", "banana", "cherry",  "run",  "running", "runs", "walk",   "walked", "fast",
    "slow",  "house",  "houses", "library", "tree", "the",     "of",   "日本語", "日",     "über",
};

static void random_words(char *out, size_t size, uint32_t count)
{
    size_t used = 0;
    out[0] = '\0';
    for (uint32_t i = 0; i < count; i++) {
        uint32_t pick = random_below(20);
        if (pick > 6 && random_below(3) > 0)
            pick = random_below(6);
        used += (size_t)snprintf(out + used, size - used, "%s ", vocabulary[pick]);
    }
}

static void random_document(struct model_document *document, uint32_t number)
{
    document->live = true;
    snprintf(document->url, sizeof(document->url), "http://h%u.example.com/d/%u", number % 3,
             number);
    snprintf(document->site, sizeof(document->site), "h%u.example.com", number % 3);
    random_words(document->title, sizeof(document->title), 1 + random_below(4));
    random_words(document->text, sizeof(document->text), random_below(30));
    document->is_private = number % 3 == 2;
    static const char *const languages[] = {"ja", "ko", "ko-GB", "ko_ZA"}; /* none is guessed */
    static const char *const types[] = {"", "text/html", "application/xhtml+xml", "text/plain"};
    document->language = languages[random_below(4)];
    document->type = types[random_below(4)];
    document->modified_day = random_below(4) == 0 ? 0 : FETCHED_DAY + 10 - random_below(1200);
}

static struct index_change put_change(const struct model_document *document)
{
    return (struct index_change){
        .kind = INDEX_PUT_DOCUMENT,
        .document = {.url = slice(document->url),
                     .site = slice(document->site),
                     .title = slice(document->title),
                     .headings = {NULL, 0},
                     .text = slice(document->text),
                     .language = slice(document->language == NULL ? "" : document->language),
                     .content_type = slice(document->type == NULL ? "" : document->type),
                     .fetched_unix_us = FETCHED_DAY * INT64_C(86400000000) + 79000000000,
                     .modified_unix_us = document->modified_day * INT64_C(86400000000),
                     .is_private = document->is_private},
    };
}

/* The terms of one field by position: the stem and the exact form. */
struct model_field {
    char terms[TOKENS_MAX][2][TEXT_TERM_MAX + 1];
    uint32_t count;
};

static void model_read(const char *text, struct model_field *field)
{
    struct text_token token;
    field->count = 0;
    text_analyzer_begin(analyzer, slice(text), TEXT_LANGUAGE_UNKNOWN);
    while (text_analyzer_next(analyzer, &token)) {
        assert_true(field->count < TOKENS_MAX);
        snprintf(field->terms[field->count][0], TEXT_TERM_MAX + 1, "%.*s", (int)token.term_size,
                 (const char *)token.term);
        snprintf(field->terms[field->count][1], TEXT_TERM_MAX + 1, "%.*s", (int)token.exact_size,
                 (const char *)token.exact);
        field->count++;
    }
}

static bool model_word_at(const struct model_field *field, uint32_t at,
                          const struct query_word *word)
{
    if (at >= field->count)
        return false;
    for (uint32_t a = 0; a < word->alternative_count; a++) {
        for (int form = 0; form < 2; form++) {
            const char *term = field->terms[at][form];
            if (query_term_is(&word->alternatives[a], term, strlen(term)))
                return true;
        }
    }
    return false;
}

static bool model_field_matches(const struct model_field *field, const struct query_node *node)
{
    for (uint32_t start = 0; start < field->count; start++) {
        uint32_t i = 0;
        while (i < node->word_count &&
               model_word_at(field, start + node->words[i].offset, &node->words[i]))
            i++;
        if (i == node->word_count)
            return true;
    }
    return false;
}

/* Tries every place of every word from `number` on; `places` has those of the words before it. */
static bool model_near(const struct model_field *field, const struct query_node *node,
                       uint32_t number, int32_t places[QUERY_WORDS_MAX])
{
    const struct query_word *word = &node->words[number];
    int32_t low = INT32_MAX;
    int32_t high = INT32_MIN;
    for (uint32_t i = 0; i < number; i++) {
        int32_t moved = places[i] - (int32_t)node->words[i].offset;
        low = moved < low ? moved : low;
        high = moved > high ? moved : high;
    }
    if (number > 0 && high - low > (int32_t)node->slop)
        return false;
    if (number == node->word_count)
        return true;
    for (uint32_t at = 0; at < field->count; at++) {
        bool is_taken = false;
        for (uint32_t i = 0; i < number; i++) {
            is_taken |= places[i] == (int32_t)at &&
                        query_term_equal(&node->words[i].alternatives[0], &word->alternatives[0]);
        }
        places[number] = (int32_t)at;
        if (!is_taken && model_word_at(field, at, word) &&
            model_near(field, node, number + 1, places))
            return true;
    }
    return false;
}

static bool model_words_match(const struct model_field *field, const struct query_node *node)
{
    int32_t places[QUERY_WORDS_MAX];
    return node->slop > 0 ? model_near(field, node, 0, places) : model_field_matches(field, node);
}

static bool model_begins(const struct model_field *field, const struct query_term *prefix)
{
    for (uint32_t at = 0; at < field->count; at++) {
        for (int form = 0; form < 2; form++) {
            if (strncmp(field->terms[at][form], (const char *)prefix->bytes + 1,
                        prefix->size - 1) == 0)
                return true;
        }
    }
    return false;
}

static bool is_text(const struct query_node *node, const char *text)
{
    return node->text.size == strlen(text) && memcmp(node->text.bytes, text, node->text.size) == 0;
}

static bool model_has_language(const struct model_document *document, const struct query_node *node)
{
    if (strcmp(document->language, "ko-GB") == 0)
        return is_text(node, "ko") || is_text(node, "ko-gb");
    if (strcmp(document->language, "ko_ZA") == 0)
        return is_text(node, "ko") || is_text(node, "ko-za");
    return document->language[0] != '\0' && is_text(node, document->language);
}

static bool model_has_type(const struct model_document *document, const struct query_node *node)
{
    return document->type[0] != '\0' &&
           is_text(node, strcmp(document->type, "text/plain") == 0 ? "text" : "html");
}

static bool model_has_date(const struct model_document *document, const struct query_node *node)
{
    bool is_likely = document->modified_day != 0 && document->modified_day <= FETCHED_DAY + 1;
    uint32_t day = is_likely ? document->modified_day : FETCHED_DAY;
    return day >= node->day_begin && day < node->day_end;
}

static bool model_matches(const struct model_field fields[FIELD_COUNT],
                          const struct model_document *document, const struct query_node *node)
{
    const char *site = document->site;
    switch (node->kind) {
    case QUERY_LANGUAGE:
        return model_has_language(document, node);
    case QUERY_TYPE:
        return model_has_type(document, node);
    case QUERY_DATES:
        return model_has_date(document, node);
    case QUERY_PREFIX:
        for (unsigned f = 0; f < FIELD_COUNT; f++) {
            if ((node->fields & 1u << f) != 0 &&
                model_begins(&fields[f], &node->words[0].alternatives[0]))
                return true;
        }
        return false;
    case QUERY_AND:
        for (uint32_t i = 0; i < node->child_count; i++) {
            if (!model_matches(fields, document, node->children[i]))
                return false;
        }
        return true;
    case QUERY_OR:
        for (uint32_t i = 0; i < node->child_count; i++) {
            if (model_matches(fields, document, node->children[i]))
                return true;
        }
        return false;
    case QUERY_NOT:
        return !model_matches(fields, document, node->children[0]);
    case QUERY_TERM:
    case QUERY_PHRASE:
        for (unsigned f = 0; f < FIELD_COUNT; f++) {
            if ((node->fields & 1u << f) != 0 && model_words_match(&fields[f], node))
                return true;
        }
        return false;
    case QUERY_SITE: {
        size_t size = strlen(site);
        return size >= node->text.size &&
               memcmp(site + size - node->text.size, node->text.bytes, node->text.size) == 0 &&
               (size == node->text.size || site[size - node->text.size - 1] == '.');
    }
    }
    return false;
}

/* Hashes of all that match, ascending. */
static uint32_t model_search(const struct query_node *query, bool include_private, uint64_t *ret)
{
    static struct model_field fields[FIELD_COUNT];
    uint32_t count = 0;
    for (uint32_t i = 0; query != NULL && i < DOCUMENTS_MAX; i++) {
        if (!model[i].live || (model[i].is_private && !include_private))
            continue;
        model_read(model[i].title, &fields[FIELD_TITLE]);
        model_read(model[i].text, &fields[FIELD_BODY]);
        model_read(model[i].url, &fields[FIELD_URL]);
        if (model_matches(fields, &model[i], query))
            ret[count++] = url_hash(model[i].url, strlen(model[i].url));
    }
    return count;
}

/* ---- the index ---- */

static struct query parse(const char *text)
{
    struct query query;
    assert_int_equal(query_parse(analyzer, slice(text), 0, &arena, &query, NULL), STATUS_OK);
    return query;
}

/* Statistics of several indexes together. */
static struct search_request request_for(struct index **indexes, uint32_t count,
                                         const struct query_node *query)
{
    struct query_term terms[QUERY_TERMS_MAX];
    struct search_request request = {.k = SEARCH_K_MAX};
    size_t term_count = query_collect_terms(query, terms);
    uint64_t *sums = arena_zalloc(&arena, (term_count + 1) * sizeof(*sums));
    for (uint32_t i = 0; i < count; i++) {
        uint64_t documents;
        uint64_t tokens[FIELD_COUNT];
        uint64_t frequencies[QUERY_TERMS_MAX];
        index_statistics(indexes[i], &documents, tokens);
        request.statistics.documents += documents;
        for (unsigned f = 0; f < FIELD_COUNT; f++)
            request.statistics.field_tokens[f] += tokens[f];
        assert_int_equal(
            index_term_statistics(indexes[i], terms, term_count, NULL, frequencies, NULL),
            STATUS_OK);
        for (size_t t = 0; t < term_count; t++)
            sums[t] += frequencies[t];
    }
    request.statistics.document_frequencies = sums;
    request.statistics.document_frequency_count = term_count;
    return request;
}

static struct search_result search(struct index *index, const struct query_node *query,
                                   const struct search_request *request)
{
    struct search_result result;
    struct error err;
    enum status status = index_search(index, query, request, &arena, &result, &err);
    if (status != STATUS_OK)
        print_message("%s\n", err.text);
    assert_int_equal(status, STATUS_OK);
    return result;
}

static int compare_hashes(const void *a, const void *b)
{
    uint64_t left = *(const uint64_t *)a;
    uint64_t right = *(const uint64_t *)b;
    return (left > right) - (left < right);
}

static void random_query(char *out, size_t size)
{
    size_t used = 0;
    uint32_t parts = 1 + random_below(3);
    for (uint32_t i = 0; i < parts; i++) {
        const char *a = vocabulary[random_below(20)];
        const char *b = vocabulary[random_below(8)];
        const char *c = vocabulary[random_below(20)];
        static const char *const shapes[] = {
            "%s ",
            "\"%s %s\" ",
            "%s -%s ",
            "%s OR %s ",
            "(%s OR \"%s %s\") ",
            "title:%s ",
            "-\"%s %s\" %s ",
            "(%s %s) OR %s ",
            "body:\"%s %s\" ",
            "site:example.com -%s ",
            "\"%s %s %s\" ",
            "url:d %s ",
            "site:h1.example.com %s ",
            "-(%s OR %s) %s ",
            "\"%s %s\"~1 ",
            "\"%s %s %s\"~4 ",
            "body:\"%s %s %s\"~2 ",
            "\"%s the %s\"~20 ",
            "%.4s* ",
            "title:%.3s* ",
            "%s -%.3s* ",
            "%s OR %.4s* ",
            "lang:ko %s ",
            "-lang:ko-gb %s ",
            "(lang:ko-za OR lang:ko-gb) %s ",
            "type:html ",
            "-filetype:txt %s ",
            "after:2022 %s ",
            "before:2022-05 %s OR %s ",
            "after:2021-03-07 before:2023-02-27 ",
            "after:2023-01-15 before:2023-01-17 ",
            "-after:2023 %s ",
            "-before:2021-07-19 %.3s* ",
        };
        uint32_t shape = random_below(sizeof(shapes) / sizeof(shapes[0]));
        char part[200];
#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wformat-nonliteral"
#pragma GCC diagnostic ignored "-Wformat-extra-args"
        snprintf(part, sizeof(part), shapes[shape], a, b, c);
#pragma GCC diagnostic pop
        used += (size_t)snprintf(out + used, size - used, "%s", part);
    }
}

static void expect_like_model(struct index *index, const char *text, bool include_private)
{
    struct query query = parse(text);
    struct search_request request = request_for(&index, 1, query.root);
    request.include_private = include_private;
    struct search_result result = search(index, query.root, &request);
    uint64_t expected[DOCUMENTS_MAX];
    uint64_t found[DOCUMENTS_MAX];
    uint32_t count = model_search(query.root, include_private, expected);
    if (result.total != count)
        print_message("query: %s read as: %s\n", text, query.read_as);
    assert_int_equal(result.total, count);
    assert_int_equal(result.hit_count, count);
    for (uint32_t i = 0; i < count; i++) {
        found[i] = result.hits[i].url_hash;
        assert_true(result.hits[i].score > 0);
        if (i > 0)
            assert_true(result.hits[i - 1].score > result.hits[i].score ||
                        (result.hits[i - 1].score == result.hits[i].score &&
                         result.hits[i - 1].url_hash < result.hits[i].url_hash));
    }
    qsort(expected, count, sizeof(expected[0]), compare_hashes);
    qsort(found, count, sizeof(found[0]), compare_hashes);
    if (memcmp(found, expected, count * sizeof(found[0])) != 0)
        print_message("query: %s read as: %s\n", text, query.read_as);
    assert_memory_equal(found, expected, count * sizeof(found[0]));
}

static void expect_all_like_model(struct index *index, int rounds)
{
    for (int round = 0; round < rounds; round++) {
        char text[1024];
        random_query(text, sizeof(text));
        expect_like_model(index, text, round % 2 == 0);
        arena_reset(&arena);
    }
    struct index_size size;
    uint64_t live = 0;
    for (uint32_t i = 0; i < DOCUMENTS_MAX; i++)
        live += model[i].live;
    index_measure(index, &size);
    assert_int_equal(size.documents, live);
}

/* Puts, replaces and removes documents in the index and in the model. */
static void random_batch(struct index *index, uint32_t count)
{
    struct index_change changes[64];
    assert_true(count <= 64);
    for (uint32_t i = 0; i < count; i++) {
        uint32_t number = random_below(DOCUMENTS_MAX);
        for (uint32_t before = 0; before < i; before++) {
            /* A text that a change points at must not be written over: pick another. */
            const char *url = changes[before].kind == INDEX_PUT_DOCUMENT
                                  ? changes[before].document.url.bytes
                                  : changes[before].url.bytes;
            if (url == model[number].url) {
                number = (number + 1) % DOCUMENTS_MAX;
                before = UINT32_MAX;
            }
        }
        struct model_document *document = &model[number];
        if (document->live && random_below(4) == 0) {
            document->live = false;
            changes[i] =
                (struct index_change){.kind = INDEX_REMOVE_URL, .url = slice(document->url)};
        } else {
            random_document(document, number);
            changes[i] = put_change(document);
        }
    }
    position += count;
    assert_int_equal(index_apply(index, changes, count, position, NULL), STATUS_OK);
}

static struct index *open_index(const struct index_options *options)
{
    struct index *index;
    struct error err;
    enum status status = index_open(storage_memory_storage(memory), options, &index, &err);
    if (status != STATUS_OK)
        print_message("%s\n", err.text);
    assert_int_equal(status, STATUS_OK);
    return index;
}

static inline int set_up_model(void **state)
{
    int failed = set_up_storage(state);
    seed = 1;
    memset(model, 0, sizeof(model));
    return failed;
}

#define MODEL_TEST(name) cmocka_unit_test_setup_teardown(name, set_up_model, tear_down)

#endif
