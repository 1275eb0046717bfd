/* The index against a model that keeps documents as they are and looks at all of them. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "index/prefix.h"
#include "index/rerank.h"
#include "tests/unit/index/index_model.h"

static void answers_are_those_of_the_model(void **state)
{
    (void)state;
    struct index *index = open_index(NULL);
    expect_all_like_model(index, 20);
    for (int round = 0; round < 60; round++) {
        random_batch(index, 1 + random_below(40));
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
    random_batch(index, 60);
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
    struct index_size size;
    for (int round = 0; round < 100; round++) {
        random_batch(index, 20);
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
    for (int round = 0; round < 40; round++) {
        struct index_size size;
        random_batch(index, 30);
        assert_int_equal(index_flush(index, NULL), STATUS_OK);
        while (index_merge(index, NULL) == STATUS_OK)
            continue;
        assert_int_equal(index_flush(index, NULL), STATUS_OK);
        index_measure(index, &size);
        assert_in_range(count_keys('D'), 0, size.segments_stored);
        assert_int_equal(count_keys('P'), size.segments_stored);
        assert_in_range(count_keys('S'), size.segments_stored, 17 * size.segments_stored);
    }
    expect_all_like_model(index, 30);
    index_close(index);
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
    uint64_t documents;
    uint64_t tokens[FIELD_COUNT];
    for (int i = 0; i < 10; i++) {
        random_batch(index, 40);
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
} interrupted;

static enum status interrupt_bulk_add(void *self, void *bulk, struct storage_slice key,
                                      struct storage_slice value, struct error *err)
{
    struct index *index = interrupted.index;
    interrupted.index = NULL;
    if (index != NULL) {
        random_batch(index, 60);
        if (position % 2 == 0)
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
    storage.ops = &interrupted.ops;
    assert_int_equal(index_open(storage, NULL, &index, NULL), STATUS_OK);
    unsigned merges = 0;
    while (merges < 6) {
        random_batch(index, 21);
        assert_int_equal(index_flush(index, NULL), STATUS_OK);
        interrupted.index = index;
        enum status status = index_merge(index, NULL);
        assert_in_range(status, STATUS_OK, STATUS_END);
        if (status == STATUS_OK) {
            /* nothing that was replaced left before what replaces it was safe */
            merges++;
            assert_int_equal(index_flushed_position(index), position);
        }
        interrupted.index = NULL;
        expect_all_like_model(index, 10);
    }
    index_close(index);
    index = open_index(NULL);
    assert_int_equal(index_applied_position(index), position);
    expect_all_like_model(index, 30);
    index_close(index);
}

static void pages_follow_one_another_without_gap(void **state)
{
    (void)state;
    struct index *index = open_index(NULL);
    for (int i = 0; i < 10; i++)
        random_batch(index, 60);
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

static void many_are_removed_by_prefix_or_site(void **state)
{
    (void)state;
    struct index *index = open_index(NULL);
    for (int i = 0; i < 6; i++)
        random_batch(index, 60);
    assert_int_equal(index_flush(index, NULL), STATUS_OK);
    random_batch(index, 60);
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

int main(void)
{
    const struct CMUnitTest tests[] = {
        MODEL_TEST(answers_are_those_of_the_model),
        MODEL_TEST(what_was_not_flushed_is_replayed),
        MODEL_TEST(memory_stays_within_its_limit),
        MODEL_TEST(merging_leaves_nothing_behind),
        MODEL_TEST(scores_do_not_depend_on_how_documents_are_split),
        MODEL_TEST(a_beginning_of_many_words_finds_each),
        MODEL_TEST(a_beginning_of_too_many_words_is_a_lower_bound),
        MODEL_TEST(exact_forms_count_the_same_wherever_they_lie),
        MODEL_TEST(what_is_removed_leaves_the_statistics),
        MODEL_TEST(no_phrase_reaches_from_one_heading_to_the_next),
        MODEL_TEST(what_changes_while_a_merge_runs_is_in_its_outcome),
        MODEL_TEST(pages_follow_one_another_without_gap),
        MODEL_TEST(wrong_requests_are_refused),
        MODEL_TEST(many_are_removed_by_prefix_or_site),
        MODEL_TEST(the_last_change_in_a_batch_wins),
        MODEL_TEST(private_pages_are_for_admins_until_their_site_is_public),
        MODEL_TEST(documents_come_back_as_they_were_put),
        MODEL_TEST(sizes_beyond_the_limits_are_cut),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
