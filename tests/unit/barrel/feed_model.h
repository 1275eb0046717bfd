/*
 * A feed whose every entry follows from its position, and what an index must hold that has taken it
 * up to there. So an oracle needs no record of what it fed: the position says it.
 */
#ifndef TIERCE_TESTS_FEED_MODEL_H
#define TIERCE_TESTS_FEED_MODEL_H

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "index/document.h"
#include "index/search.h"
#include "index/storage_memory.h"
#include "tests/unit/unit.h"

enum {
    FEED_URLS = 1000,
    FEED_SITES = 20,
    FEED_LINKED = 64, /* documents that link to each other */
    FEED_WORDS = 400, /* in the vocabulary */
    FEED_TEXT_WORDS_MIN = 10,
    FEED_TEXT_WORDS_MAX = 150,
    FEED_TEXT_BYTES = 64 + 8 * FEED_TEXT_WORDS_MAX,
    FEED_URL_BYTES = 40,
};

static inline uint64_t feed_mix(uint64_t number)
{
    number += 0x9e3779b97f4a7c15u; /* splitmix64 */
    number = (number ^ (number >> 30)) * 0xbf58476d1ce4e5b9u;
    number = (number ^ (number >> 27)) * 0x94d049bb133111ebu;
    return number ^ (number >> 31);
}

/* ---- the feed ---- */

enum feed_kind {
    FEED_PUT,
    FEED_LINK,
    FEED_UNLINK,
    FEED_REMOVE,
    FEED_REMOVE_PREFIX,
    FEED_REMOVE_SITE
};

struct feed_entry {
    enum feed_kind kind;
    unsigned url;
    unsigned target; /* of links */
};

static inline struct feed_entry feed_entry_at(uint64_t position)
{
    uint64_t dice = feed_mix(position);
    unsigned percent = (unsigned)(dice % 100);
    struct feed_entry entry = {.url = (unsigned)((dice >> 8) % FEED_URLS)};
    entry.kind = percent < 72                            ? FEED_PUT
                 : percent < 84                          ? FEED_LINK
                 : percent < 87                          ? FEED_UNLINK
                 : percent < 97 || (dice >> 48) % 8 != 0 ? FEED_REMOVE
                 : percent == 97                         ? FEED_REMOVE_SITE
                                                         : FEED_REMOVE_PREFIX;
    if (entry.kind == FEED_LINK || entry.kind == FEED_UNLINK) {
        entry.url %= FEED_LINKED;
        /* Any other one: a link of a page to itself counts nothing. */
        entry.target = (entry.url + 1 + (unsigned)((dice >> 32) % (FEED_LINKED - 1))) % FEED_LINKED;
    }
    return entry;
}

static inline void feed_url(unsigned url, char ret_url[FEED_URL_BYTES])
{
    snprintf(ret_url, FEED_URL_BYTES, "http://s%u.test/%u", url % FEED_SITES, url);
}

/* The document that was put at a position: "apple", its number, its version, and some words. */
static inline void feed_text(unsigned url, uint64_t position, char ret_text[FEED_TEXT_BYTES])
{
    uint64_t dice = feed_mix(position ^ UINT64_C(0xfeed));
    unsigned words =
        FEED_TEXT_WORDS_MIN + (unsigned)(dice % (FEED_TEXT_WORDS_MAX - FEED_TEXT_WORDS_MIN));
    size_t size = (size_t)snprintf(ret_text, FEED_TEXT_BYTES, "apple page%u version%llu", url,
                                   (unsigned long long)position);
    for (unsigned i = 0; i < words; i++) {
        dice = feed_mix(dice);
        /* The product of two evenly spread numbers is mostly small: some words are frequent. */
        unsigned word = (unsigned)((dice % FEED_WORDS) * ((dice >> 32) % FEED_WORDS) / FEED_WORDS);
        size += (size_t)snprintf(ret_text + size, FEED_TEXT_BYTES - size, " w%u", word);
    }
}

/* What a change borrows. */
struct feed_strings {
    char url[FEED_URL_BYTES];
    char target[FEED_URL_BYTES];
    char text[FEED_TEXT_BYTES];
};

static inline struct text_slice feed_slice(const char *text)
{
    return (struct text_slice){text, strlen(text)};
}

static inline struct index_change feed_document(unsigned url, uint64_t position,
                                                struct feed_strings *strings)
{
    feed_url(url, strings->url);
    feed_text(url, position, strings->text);
    struct text_slice address = feed_slice(strings->url);
    const char *site = strings->url + strlen("http://");
    return (struct index_change){.kind = INDEX_PUT_DOCUMENT,
                                 .document = {
                                     .url = address,
                                     .site = {site, strcspn(site, "/")},
                                     .title = {strings->text, strcspn(strings->text, "v")},
                                     .text = feed_slice(strings->text),
                                 }};
}

static inline struct index_change feed_link(enum index_change_kind kind, unsigned url,
                                            unsigned target, struct feed_strings *strings)
{
    feed_url(url, strings->url);
    feed_url(target, strings->target);
    return (struct index_change){.kind = kind,
                                 .edge = {.source = feed_slice(strings->url),
                                          .target = feed_slice(strings->target),
                                          .anchor = feed_slice("linked")}};
}

static inline struct index_change feed_change_at(uint64_t position, struct feed_strings *strings)
{
    struct feed_entry entry = feed_entry_at(position);
    feed_url(entry.url, strings->url);
    struct text_slice url = feed_slice(strings->url);
    switch (entry.kind) {
    case FEED_PUT:
        return feed_document(entry.url, position, strings);
    case FEED_LINK:
        return feed_link(INDEX_PUT_EDGE, entry.url, entry.target, strings);
    case FEED_UNLINK:
        return feed_link(INDEX_DROP_EDGE, entry.url, entry.target, strings);
    case FEED_REMOVE:
        return (struct index_change){.kind = INDEX_REMOVE_URL, .url = url};
    case FEED_REMOVE_PREFIX:
        return (struct index_change){.kind = INDEX_REMOVE_PREFIX, .url = url};
    case FEED_REMOVE_SITE:
        break;
    }
    const char *site = strings->url + strlen("http://");
    return (struct index_change){.kind = INDEX_REMOVE_SITE, .url = {site, strcspn(site, "/")}};
}

/* ---- what an index must hold ---- */

#define FEED_ABSENT UINT64_MAX

struct model {
    uint64_t position;                    /* what is below was fed up to here */
    uint64_t versions[FEED_URLS];         /* the position that put the document; FEED_ABSENT */
    bool links[FEED_LINKED][FEED_LINKED]; /* [target][source] */
};

static inline void model_init(struct model *model)
{
    memset(model, 0, sizeof(*model));
    for (unsigned i = 0; i < FEED_URLS; i++)
        model->versions[i] = FEED_ABSENT;
}

static inline void model_remove(struct model *model, const struct feed_entry *entry)
{
    char url[FEED_URL_BYTES], other[FEED_URL_BYTES];
    feed_url(entry->url, url);
    for (unsigned i = 0; i < FEED_URLS; i++) {
        feed_url(i, other);
        bool removed = entry->kind == FEED_REMOVE        ? i == entry->url
                       : entry->kind == FEED_REMOVE_SITE ? i % FEED_SITES == entry->url % FEED_SITES
                                                         : strncmp(other, url, strlen(url)) == 0;
        if (removed)
            model->versions[i] = FEED_ABSENT;
    }
}

static inline void model_advance(struct model *model, uint64_t position)
{
    for (; model->position < position; model->position++) {
        struct feed_entry entry = feed_entry_at(model->position);
        if (entry.kind == FEED_PUT)
            model->versions[entry.url] = model->position;
        else if (entry.kind == FEED_LINK || entry.kind == FEED_UNLINK)
            model->links[entry.target][entry.url] = entry.kind == FEED_LINK;
        else
            model_remove(model, &entry);
    }
}

static inline unsigned model_documents(const struct model *model)
{
    unsigned count = 0;
    for (unsigned i = 0; i < FEED_URLS; i++)
        count += model->versions[i] != FEED_ABSENT;
    return count;
}

static inline unsigned model_links(const struct model *model, unsigned url)
{
    unsigned count = 0;
    for (unsigned i = 0; url < FEED_LINKED && i < FEED_LINKED; i++)
        count += model->links[url][i];
    return count;
}

/* An index in memory of the same documents and links, made at once. */
static inline struct index *model_index(const struct model *model, struct storage storage)
{
    struct index *index;
    struct index_options options = {.memory_bytes = SIZE_MAX / 2};
    size_t count = 0, max = FEED_URLS + FEED_LINKED * FEED_LINKED;
    struct index_change *changes = calloc(max, sizeof(*changes));
    struct feed_strings *strings = calloc(max, sizeof(*strings));
    assert_true(changes != NULL && strings != NULL);
    assert_int_equal(index_open(storage, &options, &index, NULL), STATUS_OK);
    for (unsigned target = 0; target < FEED_LINKED; target++) {
        for (unsigned source = 0; source < FEED_LINKED; source++) {
            if (model->links[target][source]) {
                changes[count] = feed_link(INDEX_PUT_EDGE, source, target, &strings[count]);
                count++;
            }
        }
    }
    for (unsigned i = 0; i < FEED_URLS; i++) {
        if (model->versions[i] != FEED_ABSENT) {
            changes[count] = feed_document(i, model->versions[i], &strings[count]);
            count++;
        }
    }
    assert_int_equal(index_apply(index, changes, count, model->position, NULL), STATUS_OK);
    free(changes);
    free(strings);
    return index;
}

/* ---- asking ---- */

/* Scored by the statistics of `counted`, which may be another index. */
static inline struct search_result feed_ask(struct index *index, struct index *counted,
                                            struct text_analyzer *analyzer, const char *typed,
                                            struct arena *arena)
{
    struct query query;
    struct search_result result;
    struct query_term terms[QUERY_TERMS_MAX];
    uint64_t frequencies[QUERY_TERMS_MAX];
    struct error err = {0};
    struct search_request request = {.k = SEARCH_K_MAX,
                                     .statistics.document_frequencies = frequencies};
    assert_int_equal(
        query_parse(analyzer, feed_slice(typed), TEXT_LANGUAGE_UNKNOWN, arena, &query, NULL),
        STATUS_OK);
    size_t count = request.statistics.document_frequency_count =
        query_collect_terms(query.root, terms);
    index_statistics(counted, &request.statistics.documents, request.statistics.field_tokens);
    if (index_term_statistics(counted, terms, count, NULL, frequencies, &err) != STATUS_OK ||
        index_search(index, query.root, &request, arena, &result, &err) != STATUS_OK)
        fail_msg("%s: %s", typed, err.text);
    return result;
}

/* The document is there once, as it was put last; or it is not there at all. */
static inline void model_check_document(const struct model *model, unsigned url,
                                        struct index *index, struct text_analyzer *analyzer,
                                        struct arena *arena)
{
    char name[16];
    struct feed_strings expected;
    struct stored_document document;
    struct text_slice headings, text;
    bool present = model->versions[url] != FEED_ABSENT;
    snprintf(name, sizeof(name), "page%u", url);
    struct search_result found = feed_ask(index, index, analyzer, name, arena);
    feed_url(url, expected.url);
    if (found.total != present)
        fail_msg("%s was found %llu times at %llu", expected.url, (unsigned long long)found.total,
                 (unsigned long long)model->position);
    enum status status =
        index_document_get(index, feed_slice(expected.url), arena, &document, NULL);
    assert_int_equal(status, present ? STATUS_OK : STATUS_NOT_FOUND);
    if (!present)
        return;
    assert_true(found.hits[0].url_hash == document.url_hash);
    assert_int_equal(
        index_document_text(index, feed_slice(expected.url), arena, &headings, &text, NULL),
        STATUS_OK);
    feed_text(url, model->versions[url], expected.text);
    assert_int_equal(text.size, strlen(expected.text));
    assert_memory_equal(text.bytes, expected.text, text.size);
}

/* Each query finds the same documents with the same scores as in an index made at once. */
static inline void model_check_scores(const struct model *model, struct index *index,
                                      struct text_analyzer *analyzer, struct arena *arena)
{
    static const char *const queries[] = {
        "apple", "w1 w2",        "w0 OR w7 OR w30", "\"w0 w1\"",    "w3 -w5",
        "w12",   "w100 OR w200", "apple w9",        "site:s3.test", "title:apple w4"};
    struct storage_memory *memory = storage_memory_new();
    assert_non_null(memory);
    struct index *fresh = model_index(model, storage_memory_storage(memory));
    for (size_t i = 0; i < sizeof(queries) / sizeof(queries[0]); i++) {
        struct search_result expected = feed_ask(fresh, fresh, analyzer, queries[i], arena);
        struct search_result found = feed_ask(index, fresh, analyzer, queries[i], arena);
        assert_int_equal(found.total, expected.total);
        assert_int_equal(found.hit_count, expected.hit_count);
        for (uint32_t hit = 0; hit < found.hit_count; hit++) {
            if (found.hits[hit].url_hash != expected.hits[hit].url_hash ||
                found.hits[hit].score != expected.hits[hit].score)
                fail_msg("%s: result %u is another one, or scores otherwise", queries[i], hit);
        }
    }
    index_close(fresh);
    storage_memory_free(memory);
}

static inline void model_check_links(const struct model *model, unsigned url, struct index *index,
                                     struct arena *arena)
{
    char address[FEED_URL_BYTES];
    struct stored_document document;
    struct backlinks links;
    feed_url(url, address);
    assert_int_equal(
        index_backlinks(index, feed_slice(address), false, 0, FEED_LINKED, arena, &links, NULL),
        STATUS_OK);
    assert_int_equal(links.total, model_links(model, url));
    assert_int_equal(links.count, links.total);
    if (index_document_get(index, feed_slice(address), arena, &document, NULL) == STATUS_OK)
        assert_int_equal(document.inlinks, links.total);
}

/* The index holds the model's documents, and no others. */
static inline void model_check_documents(const struct model *model, struct index *index,
                                         struct text_analyzer *analyzer)
{
    struct arena arena = {0};
    struct index_size size;
    index_measure(index, &size);
    assert_int_equal(size.documents, model_documents(model));
    assert_int_equal(feed_ask(index, index, analyzer, "apple", &arena).total, size.documents);
    for (unsigned url = 0; url < FEED_URLS; url++) {
        model_check_document(model, url, index, analyzer, &arena);
        arena_reset(&arena);
    }
    arena_release(&arena);
}

/* The same of links, and of scores, in which links count. Links are written ahead of the position
 * that an index has after a crash: so this holds once it has taken in again all it ever took in. */
static inline void model_check_all(const struct model *model, struct index *index,
                                   struct text_analyzer *analyzer)
{
    struct arena arena = {0};
    model_check_documents(model, index, analyzer);
    for (unsigned url = 0; url < FEED_LINKED; url++)
        model_check_links(model, url, index, &arena);
    model_check_scores(model, index, analyzer, &arena);
    arena_release(&arena);
}

#endif
