/* The index against a model that keeps documents as they are and looks at all of them. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/bytes.h"
#include "index/document.h"
#include "index/index.h"
#include "index/prefix.h"
#include "index/rerank.h"
#include "index/search.h"
#include "index/storage_memory.h"
#include "tests/unit/unit.h"

#define DOCUMENTS_MAX 400
#define TOKENS_MAX    64

static struct text_analyzer *analyzer;
static struct arena arena;
static uint32_t seed;

static uint32_t random_below(uint32_t bound)
{
    seed = seed * 1664525 + 1013904223;
    return (uint32_t)(((uint64_t)seed * bound) >> 32);
}

static struct text_slice slice(const char *text)
{
    return (struct text_slice){text, strlen(text)};
}

/* ---- the model ---- */

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

static bool model_word_at(const struct model_field *field, uint32_t position,
                          const struct query_word *word)
{
    if (position >= field->count)
        return false;
    for (uint32_t a = 0; a < word->alternative_count; a++) {
        for (int form = 0; form < 2; form++) {
            const char *term = field->terms[position][form];
            if (strlen(term) == word->alternatives[a].size &&
                memcmp(term, word->alternatives[a].bytes, word->alternatives[a].size) == 0)
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
            const struct query_term *other = &node->words[i].alternatives[0];
            is_taken |= places[i] == (int32_t)at && other->size == word->alternatives[0].size &&
                        memcmp(other->bytes, word->alternatives[0].bytes, other->size) == 0;
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
static void random_batch(struct index *index, uint64_t *position, uint32_t count)
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
    *position += count;
    assert_int_equal(index_apply(index, changes, count, *position, NULL), STATUS_OK);
}

static struct storage_memory *memory;

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

static int set_up(void **state)
{
    (void)state;
    seed = 1;
    memset(model, 0, sizeof(model));
    analyzer = text_analyzer_new();
    memory = storage_memory_new();
    return analyzer == NULL || memory == NULL ? -1 : 0;
}

static int tear_down(void **state)
{
    (void)state;
    storage_memory_free(memory);
    text_analyzer_free(analyzer);
    arena_release(&arena);
    return 0;
}

/* ---- tests ---- */

static void answers_are_those_of_the_model(void **state)
{
    (void)state;
    struct index *index = open_index(NULL);
    uint64_t position = 0;
    expect_all_like_model(index, 20);
    for (int round = 0; round < 60; round++) {
        random_batch(index, &position, 1 + random_below(40));
        if (random_below(3) == 0)
            assert_int_equal(index_flush(index, NULL), STATUS_OK);
        if (random_below(4) == 0)
            assert_in_range(index_merge(index, NULL), STATUS_OK, STATUS_END);
        if (random_below(8) == 0) {
            assert_int_equal(index_flush(index, NULL), STATUS_OK);
            assert_int_equal(index_flushed_position(index), position);
            index_close(index);
            index = open_index(NULL);
            assert_int_equal(index_applied_position(index), position);
        }
        expect_all_like_model(index, 15);
    }
    index_close(index);
}

static void what_was_not_flushed_is_replayed(void **state)
{
    (void)state;
    struct index *index = open_index(NULL);
    uint64_t position = 0;
    random_batch(index, &position, 60);
    assert_int_equal(index_flush(index, NULL), STATUS_OK);
    uint64_t flushed = position;
    struct model_document *victim = &model[0];
    random_document(victim, 0);
    struct index_change change = put_change(victim);
    assert_int_equal(index_apply(index, &change, 1, ++position, NULL), STATUS_OK);
    expect_all_like_model(index, 20);
    index_close(index); /* as a crash would */

    index = open_index(NULL);
    assert_int_equal(index_applied_position(index), flushed);
    assert_int_equal(index_apply(index, &change, 1, position, NULL), STATUS_OK);
    assert_int_equal(index_apply(index, &change, 1, position, NULL), STATUS_OK);
    expect_all_like_model(index, 20);
    index_close(index);
}

static void memory_stays_within_its_limit(void **state)
{
    (void)state;
    struct index_options options = {.memory_bytes = 20000};
    struct index *index = open_index(&options);
    uint64_t position = 0;
    struct index_size size;
    for (int round = 0; round < 100; round++) {
        random_batch(index, &position, 20);
        index_measure(index, &size);
        assert_true(size.bytes_memory < options.memory_bytes);
        while (index_merge(index, NULL) == STATUS_OK)
            continue;
    }
    index_measure(index, &size);
    assert_in_range(size.segments_stored, 1, 8);
    assert_true(index_flushed_position(index) > 0);
    expect_all_like_model(index, 50);
    index_close(index);
}

static enum status count_key(void *context, struct storage_slice key, struct storage_slice value)
{
    (void)key;
    (void)value;
    ++*(size_t *)context;
    return STATUS_OK;
}

static size_t count_keys(uint8_t prefix)
{
    size_t count = 0;
    struct storage storage = storage_memory_storage(memory);
    assert_int_equal(storage.ops->iterate(storage.self, (struct storage_slice){&prefix, 1},
                                          (struct storage_slice){0}, count_key, &count, NULL),
                     STATUS_OK);
    return count;
}

static void merging_leaves_nothing_behind(void **state)
{
    (void)state;
    struct index *index = open_index(NULL);
    uint64_t position = 0;
    for (int round = 0; round < 40; round++) {
        struct index_size size;
        random_batch(index, &position, 30);
        assert_int_equal(index_flush(index, NULL), STATUS_OK);
        while (index_merge(index, NULL) == STATUS_OK)
            continue;
        assert_int_equal(index_flush(index, NULL), STATUS_OK);
        index_measure(index, &size);
        assert_in_range(count_keys('D'), 0, size.segments_stored);
        assert_int_equal(count_keys('P'), size.segments_stored);
        assert_in_range(count_keys('S'), size.segments_stored, 16 * size.segments_stored);
    }
    expect_all_like_model(index, 30);
    index_close(index);
}

/* A crash between adding a segment and naming it leaves chunks that no manifest names. */
static void what_a_crash_left_behind_is_deleted(void **state)
{
    (void)state;
    struct storage storage = storage_memory_storage(memory);
    for (int round = 0; round < 3; round++) {
        uint8_t orphan[13] = {STORAGE_BULK_PREFIX, 0, 0, 0, 0, 0, 0, (uint8_t)round, 200};
        struct storage_slice key = {orphan, sizeof(orphan)};
        void *bulk;
        assert_int_equal(storage.ops->bulk_open(storage.self, &bulk, NULL), STATUS_OK);
        assert_int_equal(storage.ops->bulk_add(storage.self, bulk, key, key, NULL), STATUS_OK);
        assert_int_equal(storage.ops->bulk_finish(storage.self, bulk, NULL), STATUS_OK);
        size_t keys = storage_memory_keys(memory);
        struct index *index = open_index(NULL);
        assert_int_equal(storage_memory_keys(memory), keys - 1);
        uint64_t position = 0;
        random_batch(index, &position, 20);
        assert_int_equal(index_flush(index, NULL), STATUS_OK);
        expect_all_like_model(index, 5);
        index_close(index);
    }
}

/* The hits of several indexes, put in order, are those of one that has all. */
static void expect_merged(const struct search_result *all, const struct search_result *parts,
                          uint32_t count)
{
    struct search_hit merged[2 * SEARCH_K_MAX];
    size_t size = 0;
    for (uint32_t i = 0; i < count; i++) {
        memcpy(merged + size, parts[i].hits, parts[i].hit_count * sizeof(merged[0]));
        size += parts[i].hit_count;
    }
    rerank_order(merged, size, ranking_default.window);
    assert_true(size >= all->hit_count);
    for (uint32_t i = 0; i < all->hit_count; i++) {
        assert_true(merged[i].url_hash == all->hits[i].url_hash);
        assert_true(merged[i].score == all->hits[i].score);
    }
}

static void scores_do_not_depend_on_how_documents_are_split(void **state)
{
    (void)state;
    struct storage_memory *others[2] = {storage_memory_new(), storage_memory_new()};
    struct index *whole = open_index(NULL);
    struct index *halves[2];
    for (int h = 0; h < 2; h++)
        assert_int_equal(index_open(storage_memory_storage(others[h]), NULL, &halves[h], NULL),
                         STATUS_OK);
    for (uint32_t i = 0; i < DOCUMENTS_MAX; i++) {
        random_document(&model[i], i);
        struct index_change change = put_change(&model[i]);
        uint64_t hash = url_hash(model[i].url, strlen(model[i].url));
        assert_int_equal(index_apply(whole, &change, 1, i, NULL), STATUS_OK);
        assert_int_equal(index_apply(halves[hash >> 63], &change, 1, i, NULL), STATUS_OK);
        if (i % 100 == 99)
            assert_int_equal(index_flush(halves[1], NULL), STATUS_OK);
    }
    for (int round = 0; round < 300; round++) {
        char text[1024];
        random_query(text, sizeof(text));
        struct query query = parse(text);
        struct search_request request = request_for(halves, 2, query.root);
        struct search_request same = request_for(&whole, 1, query.root);
        assert_memory_equal(request.statistics.field_tokens, same.statistics.field_tokens,
                            sizeof(same.statistics.field_tokens));
        assert_memory_equal(request.statistics.document_frequencies,
                            same.statistics.document_frequencies,
                            same.statistics.document_frequency_count * sizeof(uint64_t));
        struct search_result all = search(whole, query.root, &request);
        request.is_shard = true;
        struct search_result parts[2] = {search(halves[0], query.root, &request),
                                         search(halves[1], query.root, &request)};
        assert_int_equal(all.total, parts[0].total + parts[1].total);
        expect_merged(&all, parts, 2);
        arena_reset(&arena);
    }
    index_close(whole);
    for (int h = 0; h < 2; h++) {
        index_close(halves[h]);
        storage_memory_free(others[h]);
    }
}

/* Counts the documents 0 to 2,999 of which `number % modulus` lies between two numbers. */
static uint64_t count_between(uint32_t modulus, uint32_t first, uint32_t last)
{
    uint64_t count = 0;
    for (uint32_t i = 0; i < 3000; i++)
        count += i % modulus >= first && i % modulus <= last;
    return count;
}

static uint64_t total_of(struct index *index, const char *text)
{
    struct query query = parse(text);
    struct search_request request = request_for(&index, 1, query.root);
    struct search_result result = search(index, query.root, &request);
    assert_true(result.total_is_exact);
    return result.total;
}

static void a_beginning_of_many_words_finds_each(void **state)
{
    (void)state;
    struct index *index = open_index(NULL);
    for (uint32_t i = 0; i < 3000; i++) {
        char url[32], title[32], text[64];
        snprintf(url, sizeof(url), "http://a/%u", i);
        snprintf(title, sizeof(title), "head%03uq", i % 700);
        snprintf(text, sizeof(text), "part%03uq long%uq word%03uq", i % 900, i % 3, i % 400);
        struct index_change change = {
            .kind = INDEX_PUT_DOCUMENT,
            .document = {.url = slice(url), .title = slice(title), .text = slice(text)}};
        assert_int_equal(index_apply(index, &change, 1, i + 1, NULL), STATUS_OK);
        if (i == 1200 || i == 2600)
            assert_int_equal(index_flush(index, NULL), STATUS_OK);
    }
    assert_int_equal(total_of(index, "part*"), 3000);
    assert_int_equal(total_of(index, "part1*"), count_between(900, 100, 199));
    assert_int_equal(total_of(index, "part12*"), count_between(900, 120, 129));
    assert_int_equal(total_of(index, "long*"), 3000);
    assert_int_equal(total_of(index, "title:head6*"), count_between(700, 600, 699));
    assert_int_equal(total_of(index, "body:head6*"), 0);
    assert_int_equal(total_of(index, "long1q -part*"), 0);
    assert_int_equal(total_of(index, "-word3* long*"), count_between(400, 0, 299));
    index_close(index);
}

static void a_beginning_of_too_many_words_is_a_lower_bound(void **state)
{
    (void)state;
    struct index *index = open_index(NULL);
    struct buffer text = {0};
    for (uint32_t i = 0; i <= PREFIX_TERMS_MAX; i++)
        buffer_append_format(&text, "zzz%05xq ", i);
    struct index_change changes[] = {
        {.kind = INDEX_PUT_DOCUMENT,
         .document = {.url = slice("http://a/"), .text = {(char *)text.data, text.size}}},
        {.kind = INDEX_PUT_DOCUMENT,
         .document = {.url = slice("http://b/"), .text = slice("zzzzq")}},
    };
    assert_int_equal(index_apply(index, changes, 2, 2, NULL), STATUS_OK);
    struct query query = parse("zzz*");
    struct search_request request = request_for(&index, 1, query.root);
    struct search_result result = search(index, query.root, &request);
    assert_int_equal(result.total, 1);
    assert_false(result.total_is_exact);
    assert_int_equal(total_of(index, "zzzz*"), 1);
    buffer_release(&text);
    index_close(index);
}

/* Puts "running" in a language without a stemmer, and perhaps another page that has the stem. */
static double score_of_running(bool beside_a_stem)
{
    struct storage_memory *own = storage_memory_new();
    struct index *index;
    assert_int_equal(index_open(storage_memory_storage(own), NULL, &index, NULL), STATUS_OK);
    struct index_change changes[] = {
        {.kind = INDEX_PUT_DOCUMENT,
         .document = {.url = slice("http://a/"),
                      .text = slice("running around"),
                      .language = slice("pl")}},
        {.kind = INDEX_PUT_DOCUMENT,
         .document = {.url = slice("http://b/"), .text = slice("runs"), .language = slice("en")}},
    };
    assert_int_equal(index_apply(index, changes, beside_a_stem ? 2 : 1, 1, NULL), STATUS_OK);
    struct query query = parse("running");
    uint64_t frequencies[QUERY_TERMS_MAX] = {7, 9};
    struct search_request request = {.k = 10,
                                     .statistics = {.documents = 100,
                                                    .field_tokens = {100, 100, 100, 100, 300},
                                                    .document_frequencies = frequencies,
                                                    .document_frequency_count = 2}};
    struct search_result result = search(index, query.root, &request);
    assert_int_equal(result.total, beside_a_stem ? 2 : 1);
    uint32_t at = result.hits[0].url_hash == url_hash("http://a/", 9) ? 0 : 1;
    assert_true(result.hits[at].url_hash == url_hash("http://a/", 9));
    index_close(index);
    storage_memory_free(own);
    return result.hits[at].score;
}

static void exact_forms_count_the_same_wherever_they_lie(void **state)
{
    (void)state;
    assert_true(score_of_running(false) == score_of_running(true));
}

static void what_is_removed_leaves_the_statistics(void **state)
{
    (void)state;
    struct index *index = open_index(NULL);
    uint64_t position = 0;
    uint64_t documents;
    uint64_t tokens[FIELD_COUNT];
    for (int i = 0; i < 10; i++) {
        random_batch(index, &position, 40);
        if (i % 3 == 0)
            assert_int_equal(index_flush(index, NULL), STATUS_OK);
    }
    index_statistics(index, &documents, tokens);
    assert_true(documents > 0 && tokens[FIELD_TITLE] > 0 && tokens[FIELD_BODY] > 0 &&
                tokens[FIELD_URL] > 0);
    struct index_change change = {.kind = INDEX_REMOVE_PREFIX, .url = slice("http://")};
    assert_int_equal(index_apply(index, &change, 1, ++position, NULL), STATUS_OK);
    for (int round = 0; round < 2; round++) {
        static const uint64_t none[FIELD_COUNT];
        index_statistics(index, &documents, tokens);
        assert_int_equal(documents, 0);
        assert_memory_equal(tokens, none, sizeof(none));
        assert_int_equal(index_flush(index, NULL), STATUS_OK);
        index_close(index);
        index = open_index(NULL);
    }
    index_close(index);
}

static void no_phrase_reaches_from_one_heading_to_the_next(void **state)
{
    (void)state;
    struct index *index = open_index(NULL);
    struct index_change change = {
        .kind = INDEX_PUT_DOCUMENT,
        .document = {.url = slice("http://a/"), .headings = slice("One two\n\nthree four\n")}};
    assert_int_equal(index_apply(index, &change, 1, 1, NULL), STATUS_OK);
    static const struct {
        const char *typed;
        uint64_t total;
    } cases[] = {{"\"one two\"", 1},
                 {"\"three four\"", 1},
                 {"\"two three\"", 0},
                 {"headings:four", 1},
                 {"body:four", 0}};
    for (size_t i = 0; i < 5; i++) {
        struct query query = parse(cases[i].typed);
        struct search_request request = request_for(&index, 1, query.root);
        assert_int_equal(search(index, query.root, &request).total, cases[i].total);
    }
    index_close(index);
}

/* ---- changes while a merge runs ---- */

static struct {
    struct storage_ops ops;
    enum status (*bulk_add)(void *self, void *bulk, struct storage_slice key,
                            struct storage_slice value, struct error *err);
    struct index *index; /* the next chunk of a merge is held up by a change of this index */
    uint64_t position;
} interrupted;

static enum status interrupt_bulk_add(void *self, void *bulk, struct storage_slice key,
                                      struct storage_slice value, struct error *err)
{
    struct index *index = interrupted.index;
    interrupted.index = NULL;
    if (index != NULL) {
        random_batch(index, &interrupted.position, 60);
        if (interrupted.position % 2 == 0)
            assert_int_equal(index_flush(index, NULL), STATUS_OK);
    }
    return interrupted.bulk_add(self, bulk, key, value, err);
}

static void what_changes_while_a_merge_runs_is_in_its_outcome(void **state)
{
    (void)state;
    struct storage storage = storage_memory_storage(memory);
    struct index *index;
    interrupted.ops = *storage.ops;
    interrupted.bulk_add = storage.ops->bulk_add;
    interrupted.ops.bulk_add = interrupt_bulk_add;
    interrupted.index = NULL;
    interrupted.position = 0;
    storage.ops = &interrupted.ops;
    assert_int_equal(index_open(storage, NULL, &index, NULL), STATUS_OK);
    unsigned merges = 0;
    while (merges < 6) {
        random_batch(index, &interrupted.position, 21);
        assert_int_equal(index_flush(index, NULL), STATUS_OK);
        interrupted.index = index;
        enum status status = index_merge(index, NULL);
        assert_in_range(status, STATUS_OK, STATUS_END);
        if (status ==
            STATUS_OK) { /* nothing that was replaced left before what replaces it was safe */
            merges++;
            assert_int_equal(index_flushed_position(index), interrupted.position);
        }
        interrupted.index = NULL;
        expect_all_like_model(index, 10);
    }
    index_close(index);
    index = open_index(NULL);
    assert_int_equal(index_applied_position(index), interrupted.position);
    expect_all_like_model(index, 30);
    index_close(index);
}

static void pages_follow_one_another_without_gap(void **state)
{
    (void)state;
    struct index *index = open_index(NULL);
    uint64_t position = 0;
    for (int i = 0; i < 10; i++)
        random_batch(index, &position, 60);
    struct query query = parse("apple OR run");
    struct search_request request = request_for(&index, 1, query.root);
    struct ranking once = ranking_default; /* as behind the window */
    once.window = 0;
    request.ranking = &once;
    struct search_result all = search(index, query.root, &request);
    assert_true(all.hit_count > 50);
    request.k = 7;
    uint32_t seen = 0;
    while (true) {
        struct search_result page = search(index, query.root, &request);
        assert_int_equal(page.total, all.total);
        for (uint32_t i = 0; i < page.hit_count; i++, seen++)
            assert_true(page.hits[i].url_hash == all.hits[seen].url_hash);
        if (page.hit_count < request.k)
            break;
        request.has_after = true;
        request.after_score = page.hits[page.hit_count - 1].score;
        request.after_url_hash = page.hits[page.hit_count - 1].url_hash;
    }
    assert_int_equal(seen, all.hit_count);
    request.k = 0;
    assert_int_equal(search(index, query.root, &request).total, all.total);
    index_close(index);
}

static void wrong_requests_are_refused(void **state)
{
    (void)state;
    struct index *index = open_index(NULL);
    struct query query = parse("apple");
    struct search_request request = request_for(&index, 1, query.root);
    struct search_result result;
    request.k = SEARCH_K_MAX + 1;
    assert_int_equal(index_search(index, query.root, &request, &arena, &result, NULL),
                     STATUS_INVALID);
    request.k = 10;
    request.statistics.document_frequency_count = 3;
    assert_int_equal(index_search(index, query.root, &request, &arena, &result, NULL),
                     STATUS_INVALID);
    query.root->fields = 0;
    request.statistics.document_frequency_count = 2;
    assert_int_equal(index_search(index, query.root, &request, &arena, &result, NULL),
                     STATUS_INVALID);
    assert_int_equal(index_search(index, NULL, &request, &arena, &result, NULL), STATUS_OK);
    assert_int_equal(result.total, 0);
    index_close(index);
}

static void a_failed_write_costs_nothing(void **state)
{
    (void)state;
    struct index *index = open_index(NULL);
    uint64_t position = 0;
    random_batch(index, &position, 50);
    storage_memory_fail_writes(memory, STATUS_NO_SPACE);
    assert_int_equal(index_flush(index, NULL), STATUS_NO_SPACE);
    expect_all_like_model(index, 20);
    random_batch(index, &position, 50);
    assert_int_equal(index_flush(index, NULL), STATUS_NO_SPACE);
    expect_all_like_model(index, 20);
    assert_int_equal(index_flushed_position(index), 0);
    storage_memory_fail_writes(memory, STATUS_OK);
    assert_int_equal(index_flush(index, NULL), STATUS_OK);
    index_close(index);
    index = open_index(NULL);
    assert_int_equal(index_applied_position(index), position);
    expect_all_like_model(index, 20);
    index_close(index);
}

/* The disk is full after so many writes of a merge, each in its turn: a chunk, the end of the new
 * file, the manifest, what is deleted then. */
static void a_full_disk_in_the_middle_of_a_merge_costs_nothing_but_the_merge(void **state)
{
    (void)state;
    struct index *index = open_index(NULL);
    uint64_t position = 0;
    unsigned failures = 0;
    for (unsigned writes = 0;; writes++) {
        for (int i = 0; i < 8; i++) { /* so many that some are worth merging */
            random_batch(index, &position, 20);
            assert_int_equal(index_flush(index, NULL), STATUS_OK);
        }
        random_batch(index, &position, 5); /* not flushed: the merge does that, too */
        storage_memory_fail_later(memory, writes, STATUS_NO_SPACE);
        enum status status = index_merge(index, NULL);
        expect_all_like_model(index, 5);
        storage_memory_fail_writes(memory, STATUS_OK);
        if (status == STATUS_OK)
            break;
        assert_int_equal(status, STATUS_NO_SPACE);
        failures++;
        if (writes % 2 == 0) { /* as if the process had ended then */
            assert_int_equal(index_flush(index, NULL), STATUS_OK);
            index_close(index);
            index = open_index(NULL);
            assert_int_equal(index_applied_position(index), position);
            expect_all_like_model(index, 5);
        }
        while ((status = index_merge(index, NULL)) == STATUS_OK) /* there is room again */
            expect_all_like_model(index, 2);
        assert_int_equal(status, STATUS_END);
    }
    assert_true(failures > 10);
    assert_int_equal(index_flush(index, NULL), STATUS_OK);
    index_close(index);
    index = open_index(NULL);
    expect_all_like_model(index, 20);
    index_close(index);
}

static const struct storage_ops *right_ops;
static int spoils; /* so many more chunks get a wrong bit on their way */

static enum status add_spoilt(void *self, void *bulk, struct storage_slice key,
                              struct storage_slice value, struct error *err)
{
    uint8_t *bytes = malloc(value.size);
    assert_non_null(bytes);
    memcpy(bytes, value.bytes, value.size);
    if (spoils > 0) {
        spoils--;
        bytes[value.size / 3] ^= 4;
    }
    enum status status =
        right_ops->bulk_add(self, bulk, key, (struct storage_slice){bytes, value.size}, err);
    free(bytes);
    return status;
}

static void a_segment_that_was_not_written_right_is_not_taken(void **state)
{
    (void)state;
    struct index *index;
    struct storage storage = storage_memory_storage(memory);
    right_ops = storage.ops;
    struct storage_ops spoiling = *storage.ops;
    spoiling.bulk_add = add_spoilt;
    assert_int_equal(index_open((struct storage){&spoiling, storage.self}, NULL, &index, NULL),
                     STATUS_OK);
    uint64_t position = 0;
    random_batch(index, &position, 50);
    spoils = 1;
    assert_int_equal(index_flush(index, NULL), STATUS_IO);
    assert_int_equal(index_flushed_position(index), 0);
    assert_int_equal(index_flush(index, NULL), STATUS_OK);
    expect_all_like_model(index, 20);
    for (int i = 0; i < 8; i++) {
        random_batch(index, &position, 20);
        assert_int_equal(index_flush(index, NULL), STATUS_OK);
    }
    spoils = 1;
    assert_int_equal(index_merge(index, NULL), STATUS_IO);
    expect_all_like_model(index, 20);
    assert_int_equal(index_merge(index, NULL), STATUS_OK);
    expect_all_like_model(index, 20);
    assert_false(index_is_corrupt(index)); /* nothing wrong was ever served */
    index_close(index);
}

static void many_are_removed_by_prefix_or_site(void **state)
{
    (void)state;
    struct index *index = open_index(NULL);
    uint64_t position = 0;
    for (int i = 0; i < 6; i++)
        random_batch(index, &position, 60);
    assert_int_equal(index_flush(index, NULL), STATUS_OK);
    random_batch(index, &position, 60);
    struct index_change changes[] = {
        {.kind = INDEX_REMOVE_SITE, .url = slice("h1.example.com")},
        {.kind = INDEX_REMOVE_PREFIX, .url = slice("http://h0.example.com/d/1")},
        {.kind = INDEX_REMOVE_SITE, .url = slice("example.com")},
        {.kind = INDEX_REMOVE_PREFIX, .url = slice("")},
    };
    assert_int_equal(index_apply(index, changes, 4, ++position, NULL), STATUS_OK);
    for (uint32_t i = 0; i < DOCUMENTS_MAX; i++) {
        if (i % 3 == 1 || strncmp(model[i].url, "http://h0.example.com/d/1", 25) == 0)
            model[i].live = false;
    }
    expect_all_like_model(index, 50);
    index_close(index);
}

static void the_last_change_in_a_batch_wins(void **state)
{
    (void)state;
    struct index *index = open_index(NULL);
    struct model_document a = {.url = "http://a/", .site = "a", .text = "first"};
    struct model_document b = a;
    snprintf(b.text, sizeof(b.text), "second");
    struct index_change changes[] = {
        put_change(&a), put_change(&b), {.kind = INDEX_REMOVE_URL, .url = slice("http://a/")},
        put_change(&a), put_change(&b),
    };
    struct query first = parse("first");
    struct query second = parse("second");
    for (size_t count = 1; count <= 5; count++) {
        assert_int_equal(index_apply(index, changes, count, count, NULL), STATUS_OK);
        struct search_request request = request_for(&index, 1, first.root);
        assert_int_equal(search(index, first.root, &request).total, count == 1 || count == 4);
        assert_int_equal(search(index, second.root, &request).total, count == 2 || count == 5);
    }
    index_close(index);
}

static void private_pages_are_for_admins_until_their_site_is_public(void **state)
{
    (void)state;
    struct index *index = open_index(NULL);
    struct model_document page = {
        .url = "http://localhost:8080/", .site = "localhost:8080", .text = "hidden handbook"};
    page.is_private = true;
    struct index_change put = put_change(&page);
    assert_int_equal(index_apply(index, &put, 1, 1, NULL), STATUS_OK);
    struct query query = parse("handbook site:localhost:8080 site:localhost");
    struct stored_document stored;
    for (int round = 0; round < 2; round++) {
        struct search_request request = request_for(&index, 1, query.root);
        assert_int_equal(search(index, query.root, &request).total, 0);
        request.include_private = true;
        assert_int_equal(search(index, query.root, &request).total, 1);
        assert_int_equal(index_document_get(index, slice(page.url), &arena, &stored, NULL),
                         STATUS_OK);
        assert_true(stored.is_private);
        assert_false(stored.is_visible);

        struct index_scope scopes[] = {{.site = slice("other"), .is_public = true},
                                       {.site = slice("localhost:8080"), .is_public = true},
                                       {.site = slice("a"), .is_public = true}};
        struct index_change public = {.kind = INDEX_SET_SCOPES, .scopes = scopes, .scope_count = 3};
        assert_int_equal(index_apply(index, &public, 1, 2, NULL), STATUS_OK);
        request.include_private = false;
        assert_int_equal(search(index, query.root, &request).total, 1);
        assert_int_equal(index_document_get(index, slice(page.url), &arena, &stored, NULL),
                         STATUS_OK);
        assert_true(stored.is_visible);

        /* The setting is stored. */
        assert_int_equal(index_flush(index, NULL), STATUS_OK);
        index_close(index);
        index = open_index(NULL);
        assert_int_equal(search(index, query.root, &request).total, 1);
        public.scope_count = 1;
        assert_int_equal(index_apply(index, &public, 1, 3, NULL), STATUS_OK);
    }
    index_close(index);
}

static void documents_come_back_as_they_were_put(void **state)
{
    (void)state;
    struct index *index = open_index(NULL);
    static char text[100000];
    for (size_t i = 0; i < sizeof(text) - 1; i++)
        text[i] = (char)('a' + i * i / 11 % 26);
    struct index_change put = {
        .kind = INDEX_PUT_DOCUMENT,
        .document = {.url = slice("http://example.com/a"),
                     .site = slice("example.com"),
                     .title = slice("A title"),
                     .headings = slice("One\nTwo"),
                     .text = slice(text),
                     .language = slice("en-GB"),
                     .fetched_unix_us = -5},
    };
    assert_int_equal(index_apply(index, &put, 1, 1, NULL), STATUS_OK);
    for (int round = 0; round < 2; round++) {
        struct stored_document stored;
        struct text_slice url = slice("http://example.com/a");
        struct text_slice stored_headings, stored_text;
        assert_int_equal(index_document_get(index, url, &arena, &stored, NULL), STATUS_OK);
        assert_int_equal(
            index_document_text(index, url, &arena, &stored_headings, &stored_text, NULL),
            STATUS_OK);
        assert_true(stored.url_hash == url_hash("http://example.com/a", 20));
        assert_string_equal(stored.url, "http://example.com/a");
        assert_string_equal(stored.site, "example.com");
        assert_string_equal(stored.title, "A title");
        assert_string_equal(stored.language, "en-GB");
        assert_int_equal(stored_headings.size, 7);
        assert_memory_equal(stored_headings.bytes, "One\nTwo", 7);
        assert_int_equal(stored_text.size, sizeof(text) - 1);
        assert_memory_equal(stored_text.bytes, text, sizeof(text) - 1);
        assert_int_equal(stored.fetched_unix_us, -5);
        assert_false(stored.is_private);
        assert_true(stored.is_visible);
        assert_int_equal(index_document_get(index, slice(""), &arena, &stored, NULL),
                         STATUS_NOT_FOUND);
        assert_int_equal(index_document_get(index, slice("http://b/"), &arena, &stored, NULL),
                         STATUS_NOT_FOUND);
        assert_int_equal(index_flush(index, NULL), STATUS_OK);
    }
    index_close(index);
}

static void sizes_beyond_the_limits_are_cut(void **state)
{
    (void)state;
    struct index *index = open_index(NULL);
    size_t size = INDEX_TEXT_MAX + 3000;
    char *text = malloc(size);
    for (size_t i = 0; i < size; i++)
        text[i] = i % 7 == 6 ? ' ' : (char)('a' + i / 7 % 26);
    static char url[INDEX_URL_MAX + 2];
    memset(url, 'u', sizeof(url) - 1);
    struct index_change changes[] = {
        {.kind = INDEX_PUT_DOCUMENT,
         .document = {.url = slice("http://big/"),
                      .title = {text, size},
                      .headings = {text, size},
                      .text = {text, size}}},
        {.kind = INDEX_PUT_DOCUMENT, .document = {.url = slice(url), .text = slice("x")}},
        {.kind = INDEX_PUT_DOCUMENT, .document = {.url = slice(""), .text = slice("x")}},
        {.kind = INDEX_PUT_EDGE, .edge = {.source = slice(url), .target = slice("http://big/")}},
    };
    assert_int_equal(index_apply(index, changes, 4, 1, NULL), STATUS_OK);
    struct stored_document stored;
    assert_int_equal(index_document_get(index, slice("http://big/"), &arena, &stored, NULL),
                     STATUS_OK);
    struct text_slice stored_headings, stored_text;
    assert_int_equal(index_document_text(index, slice("http://big/"), &arena, &stored_headings,
                                         &stored_text, NULL),
                     STATUS_OK);
    assert_int_equal(stored_headings.size, INDEX_HEADINGS_MAX);
    assert_int_equal(stored_text.size, INDEX_TEXT_MAX);
    assert_memory_equal(stored_text.bytes, text, INDEX_TEXT_MAX);
    assert_int_equal(stored.inlinks, 0);
    struct index_size measured;
    index_measure(index, &measured);
    assert_int_equal(measured.documents, 1);
    assert_int_equal(index_flush(index, NULL), STATUS_OK);
    struct query query = parse("\"aaaaaa bbbbbb\"");
    struct search_request request = request_for(&index, 1, query.root);
    assert_int_equal(search(index, query.root, &request).total, 1);
    free(text);
    index_close(index);
}

static void a_newer_or_broken_manifest_is_refused(void **state)
{
    (void)state;
    struct storage storage = storage_memory_storage(memory);
    struct index *index = open_index(NULL);
    uint64_t position = 0;
    random_batch(index, &position, 20);
    assert_int_equal(index_flush(index, NULL), STATUS_OK);
    index_close(index);

    struct buffer manifest = {0};
    struct storage_slice key = {(const uint8_t *)"M", 1};
    assert_int_equal(storage.ops->get(storage.self, key, &manifest, NULL), STATUS_OK);
    struct storage_operation operation = {STORAGE_PUT, key, {manifest.data, manifest.size}};
    for (size_t i = 0; i < manifest.size; i++) {
        manifest.data[i] ^= 0x10;
        assert_int_equal(storage.ops->write(storage.self, &operation, 1, true, NULL), STATUS_OK);
        assert_int_equal(index_open(storage, NULL, &index, NULL),
                         i == 0 ? STATUS_UNSUPPORTED : STATUS_CORRUPT);
        manifest.data[i] ^= 0x10;
    }
    for (size_t size = 0; size < manifest.size; size++) {
        operation.value.size = size;
        assert_int_equal(storage.ops->write(storage.self, &operation, 1, true, NULL), STATUS_OK);
        assert_int_equal(index_open(storage, NULL, &index, NULL), STATUS_CORRUPT);
    }
    buffer_release(&manifest);
    assert_int_equal(index_erase(storage, NULL), STATUS_OK);
    assert_int_equal(storage_memory_keys(memory), 0);
    index = open_index(NULL);
    assert_int_equal(index_applied_position(index), 0);
    index_close(index);
}

static enum status collect_chunk(void *context, struct storage_slice key,
                                 struct storage_slice value)
{
    struct buffer *keys = context;
    (void)value;
    buffer_append_byte(keys, (uint8_t)key.size);
    buffer_append(keys, key.bytes, key.size);
    return STATUS_OK;
}

static void a_flipped_bit_is_never_served(void **state)
{
    (void)state;
    struct storage storage = storage_memory_storage(memory);
    struct index *index = open_index(NULL);
    uint64_t position = 0;
    random_batch(index, &position, 60);
    assert_int_equal(index_flush(index, NULL), STATUS_OK);
    index_close(index);
    struct buffer keys = {0};
    const uint8_t prefix = STORAGE_BULK_PREFIX;
    assert_int_equal(storage.ops->iterate(storage.self, (struct storage_slice){&prefix, 1},
                                          (struct storage_slice){0}, collect_chunk, &keys, NULL),
                     STATUS_OK);
    assert_true(keys.size > 0);
    uint32_t found = 0;
    uint32_t tried = 0;
    for (size_t at = 0; at < keys.size; at += 1u + keys.data[at]) {
        struct storage_slice key = {keys.data + at + 1, keys.data[at]};
        struct buffer value = {0};
        assert_int_equal(storage.ops->get(storage.self, key, &value, NULL), STATUS_OK);
        for (int flip = 0; flip < 30; flip++) {
            uint32_t byte = random_below((uint32_t)value.size);
            uint8_t bit = (uint8_t)(1u << random_below(8));
            struct storage_operation operation = {STORAGE_PUT, key, {value.data, value.size}};
            value.data[byte] ^= bit;
            assert_int_equal(storage.ops->write(storage.self, &operation, 1, true, NULL),
                             STATUS_OK);
            tried++;
            if (index_open(storage, NULL, &index, NULL) != STATUS_OK) {
                found++;
            } else {
                struct query query = parse("\"apple run\" OR banana OR the OR 日本語 OR walk");
                struct query_term terms[QUERY_TERMS_MAX];
                uint64_t frequencies[QUERY_TERMS_MAX] = {0};
                struct search_request request = {.k = 100};
                struct search_result result;
                struct stored_document stored;
                request.statistics.document_frequency_count =
                    query_collect_terms(query.root, terms);
                request.statistics.document_frequencies = frequencies;
                enum status status =
                    index_search(index, query.root, &request, &arena, &result, NULL);
                for (uint32_t i = 0; i < DOCUMENTS_MAX && status == STATUS_OK; i++) {
                    if (!model[i].live)
                        continue;
                    status = index_document_get(index, slice(model[i].url), &arena, &stored, NULL);
                }
                assert_int_equal(status, STATUS_CORRUPT);
                assert_true(index_is_corrupt(index));
                found++;
                index_close(index);
            }
            value.data[byte] ^= bit;
            assert_int_equal(storage.ops->write(storage.self, &operation, 1, true, NULL),
                             STATUS_OK);
            arena_reset(&arena);
        }
        buffer_release(&value);
    }
    assert_int_equal(found, tried);
    buffer_release(&keys);
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)
    const struct CMUnitTest tests[] = {
        TEST(answers_are_those_of_the_model),
        TEST(what_was_not_flushed_is_replayed),
        TEST(memory_stays_within_its_limit),
        TEST(merging_leaves_nothing_behind),
        TEST(what_a_crash_left_behind_is_deleted),
        TEST(scores_do_not_depend_on_how_documents_are_split),
        TEST(a_beginning_of_many_words_finds_each),
        TEST(a_beginning_of_too_many_words_is_a_lower_bound),
        TEST(exact_forms_count_the_same_wherever_they_lie),
        TEST(what_is_removed_leaves_the_statistics),
        TEST(no_phrase_reaches_from_one_heading_to_the_next),
        TEST(what_changes_while_a_merge_runs_is_in_its_outcome),
        TEST(pages_follow_one_another_without_gap),
        TEST(wrong_requests_are_refused),
        TEST(a_failed_write_costs_nothing),
        TEST(a_full_disk_in_the_middle_of_a_merge_costs_nothing_but_the_merge),
        TEST(a_segment_that_was_not_written_right_is_not_taken),
        TEST(many_are_removed_by_prefix_or_site),
        TEST(the_last_change_in_a_batch_wins),
        TEST(private_pages_are_for_admins_until_their_site_is_public),
        TEST(documents_come_back_as_they_were_put),
        TEST(sizes_beyond_the_limits_are_cut),
        TEST(a_newer_or_broken_manifest_is_refused),
        TEST(a_flipped_bit_is_never_served),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
