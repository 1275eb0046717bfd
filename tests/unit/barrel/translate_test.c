/* Messages made plain, good ones and others. */
#include <string.h>

#include "barrel/translate.h"
#include "index/score.h"
#include "tests/unit/unit.h"

static struct arena arena;

static int tear_down(void **state)
{
    (void)state;
    arena_release(&arena);
    return 0;
}

static ProtobufCBinaryData bytes(const char *text)
{
    return (ProtobufCBinaryData){.len = strlen(text), .data = (uint8_t *)text};
}

static enum status translate(const Wire__Node *node, struct query_node **ret_root)
{
    *ret_root = NULL;
    return query_from_wire(node, &arena, ret_root, NULL);
}

static void a_word_keeps_its_alternatives(void **state)
{
    (void)state;
    ProtobufCBinaryData terms[] = {bytes("running"), bytes("run")};
    Wire__Node node = WIRE__NODE__INIT;
    struct query_node *root;
    node.kind = WIRE__NODE_KIND__NODE_TERM;
    node.terms = terms;
    node.n_terms = 2;
    assert_int_equal(translate(&node, &root), STATUS_OK);
    assert_int_equal(root->kind, QUERY_TERM);
    assert_int_equal(root->fields, FIELD_MASK_ALL);
    assert_int_equal(root->word_count, 1);
    assert_int_equal(root->words[0].alternative_count, 2);
    assert_memory_equal(root->words[0].alternatives[1].bytes, "run", 3);
    node.fields = 1;
    assert_int_equal(translate(&node, &root), STATUS_OK);
    assert_int_equal(root->fields, 1u << FIELD_TITLE);
}

static void terms_of_one_place_in_a_phrase_are_one_word(void **state)
{
    (void)state;
    ProtobufCBinaryData terms[] = {bytes("running"), bytes("run"), bytes("fast")};
    uint32_t offsets[] = {0, 0, 1};
    Wire__Node node = WIRE__NODE__INIT;
    struct query_node *root;
    node.kind = WIRE__NODE_KIND__NODE_PHRASE;
    node.terms = terms;
    node.n_terms = 3;
    node.offsets = offsets;
    node.n_offsets = 3;
    assert_int_equal(translate(&node, &root), STATUS_OK);
    assert_int_equal(root->word_count, 2);
    assert_int_equal(root->words[0].alternative_count, 2);
    assert_int_equal(root->words[1].offset, 1);
    offsets[2] = 5000;
    assert_int_equal(translate(&node, &root), STATUS_INVALID);
}

static void beginnings_nearness_and_filters_arrive(void **state)
{
    (void)state;
    struct query_node *root;
    ProtobufCBinaryData term = bytes("\x02run");
    Wire__Node node = WIRE__NODE__INIT;
    node.kind = WIRE__NODE_KIND__NODE_TERM;
    node.terms = &term;
    node.n_terms = 1;
    assert_int_equal(translate(&node, &root), STATUS_INVALID); /* no term begins so */
    node.prefix = true;
    assert_int_equal(translate(&node, &root), STATUS_OK);
    assert_int_equal(root->kind, QUERY_PREFIX);
    term = bytes("de");
    assert_int_equal(translate(&node, &root), STATUS_INVALID);
    node.prefix = false;
    node.kind = WIRE__NODE_KIND__NODE_LANGUAGE;
    assert_int_equal(translate(&node, &root), STATUS_OK);
    assert_int_equal(root->kind, QUERY_LANGUAGE);
    assert_memory_equal(root->text.bytes, "de", root->text.size);
    node.kind = WIRE__NODE_KIND__NODE_TYPE;
    assert_int_equal(translate(&node, &root), STATUS_OK);
    assert_int_equal(root->kind, QUERY_TYPE);
    node.kind = WIRE__NODE_KIND__NODE_PHRASE;
    node.slop = 7;
    assert_int_equal(translate(&node, &root), STATUS_OK);
    assert_int_equal(root->slop, 7);
    node.slop = UINT32_MAX;
    assert_int_equal(translate(&node, &root), STATUS_INVALID);
    Wire__Node dates = WIRE__NODE__INIT;
    dates.kind = WIRE__NODE_KIND__NODE_DATES;
    dates.day_begin = 3;
    dates.day_end = 9;
    assert_int_equal(translate(&dates, &root), STATUS_OK);
    assert_int_equal(root->kind, QUERY_DATES);
    assert_int_equal(root->day_begin, 3);
    assert_int_equal(root->day_end, 9);
    dates.day_end = UINT32_MAX;
    assert_int_equal(translate(&dates, &root), STATUS_INVALID);
}

static void trees_that_are_none_are_refused(void **state)
{
    (void)state;
    struct query_node *root;
    Wire__Node none = WIRE__NODE__INIT;
    assert_int_equal(translate(NULL, &root), STATUS_OK);
    assert_null(root);
    assert_int_equal(translate(&none, &root), STATUS_OK);
    assert_null(root);
    Wire__Node term = WIRE__NODE__INIT;
    term.kind = WIRE__NODE_KIND__NODE_TERM;
    assert_int_equal(translate(&term, &root), STATUS_INVALID); /* without a term */
    Wire__Node *children[] = {&none};
    Wire__Node and = WIRE__NODE__INIT;
    and.kind = WIRE__NODE_KIND__NODE_AND;
    assert_int_equal(translate(&and, &root), STATUS_INVALID); /* without children */
    and.children = children;
    and.n_children = 1;
    assert_int_equal(translate(&and, &root), STATUS_INVALID);
    Wire__Node site = WIRE__NODE__INIT;
    site.kind = WIRE__NODE_KIND__NODE_SITE;
    assert_int_equal(translate(&site, &root), STATUS_INVALID);
    Wire__Node deep[QUERY_DEPTH_MAX + 1];
    Wire__Node *below[QUERY_DEPTH_MAX + 1];
    for (size_t i = 0; i <= QUERY_DEPTH_MAX; i++) {
        wire__node__init(&deep[i]);
        below[i] = &deep[i];
        deep[i].kind = WIRE__NODE_KIND__NODE_AND;
        deep[i].children = i == QUERY_DEPTH_MAX ? NULL : &below[i + 1];
        deep[i].n_children = i < QUERY_DEPTH_MAX;
    }
    assert_int_equal(translate(&deep[0], &root), STATUS_INVALID);
}

static void frequencies_stand_in_the_order_of_the_terms(void **state)
{
    (void)state;
    ProtobufCBinaryData terms[] = {bytes("running"), bytes("run")};
    Wire__Node node = WIRE__NODE__INIT;
    struct query_node *root;
    node.kind = WIRE__NODE_KIND__NODE_TERM;
    node.terms = terms;
    node.n_terms = 2;
    assert_int_equal(translate(&node, &root), STATUS_OK);
    Wire__TermStat stats[2] = {WIRE__TERM_STAT__INIT, WIRE__TERM_STAT__INIT};
    Wire__TermStat *named[] = {&stats[0], &stats[1]};
    stats[0].term = bytes("run");
    stats[0].documents = 7;
    stats[1].term = bytes("walk");
    stats[1].documents = 9;
    uint64_t lengths[] = {1, 2, 3, 4, 5};
    Wire__CorpusStats corpus = WIRE__CORPUS_STATS__INIT;
    corpus.documents = 100;
    corpus.field_lengths = lengths;
    corpus.n_field_lengths = 5;
    Wire__SearchRequest request = WIRE__SEARCH_REQUEST__INIT;
    request.terms = named;
    request.n_terms = 2;
    request.corpus = &corpus;
    struct search_statistics statistics;
    assert_int_equal(statistics_from_wire(&request, root, &arena, &statistics, NULL), STATUS_OK);
    assert_int_equal(statistics.document_frequency_count, 2);
    assert_int_equal(statistics.document_frequencies[0], 0);
    assert_int_equal(statistics.document_frequencies[1], 7);
    assert_int_equal(statistics.documents, 100);
    assert_int_equal(statistics.field_tokens[FIELD_BODY], 5);
}

static enum status take_statistics(uint64_t documents, uint64_t tokens,
                                   struct search_statistics *ret_statistics, struct error *err)
{
    uint64_t lengths[] = {1, 2, 3, 4, tokens};
    Wire__CorpusStats corpus = WIRE__CORPUS_STATS__INIT;
    Wire__SearchRequest request = WIRE__SEARCH_REQUEST__INIT;
    corpus.documents = documents;
    corpus.field_lengths = lengths;
    corpus.n_field_lengths = 5;
    request.corpus = &corpus;
    return statistics_from_wire(&request, NULL, &arena, ret_statistics, err);
}

static void statistics_of_no_corpus_are_refused(void **state)
{
    (void)state;
    struct search_statistics statistics = {0};
    struct scorer scorer;
    struct error err;
    assert_int_equal(take_statistics(1ull << 32, 5, &statistics, &err), STATUS_INVALID);
    assert_non_null(strstr(err.text, "4294967296 documents"));
    assert_int_equal(take_statistics(UINT64_MAX, 5, &statistics, &err), STATUS_INVALID);
    assert_int_equal(take_statistics(5, UINT64_MAX, &statistics, &err), STATUS_INVALID);
    assert_non_null(strstr(err.text, "tokens"));
    assert_int_equal(take_statistics(UINT32_MAX, 1ull << 52, &statistics, &err), STATUS_OK);
    assert_int_equal(statistics.documents, UINT32_MAX);
    /* with the most that is taken, no query's words score more than 32 bits hold */
    scorer_init(&scorer, &ranking_default, &statistics);
    double most = (double)scorer_word_weight(&scorer, &statistics, 0) * QUERY_WORDS_MAX;
    assert_true(most < UINT32_MAX);
}

static void items_of_the_feed_become_changes(void **state)
{
    (void)state;
    struct index_change change;
    Page__Heading heading = PAGE__HEADING__INIT;
    Page__Heading *headings[] = {&heading, &heading};
    heading.text = (char *)"One";
    Page__Page page = PAGE__PAGE__INIT;
    page.title = (char *)"Title";
    page.text = (char *)"Text";
    page.language = (char *)"en";
    page.content_type = (char *)"text/html";
    page.modified_us = 77;
    page.fingerprint = 5;
    page.simhash = 6;
    page.canonical = (char *)"http://e.org:81/a";
    page.headings = headings;
    page.n_headings = 2;
    page.nosnippet = true;
    page.max_snippet = 50;
    Wire__FeedDocument document = WIRE__FEED_DOCUMENT__INIT;
    document.url = (char *)"http://e.org:81/a";
    document.page = &page;
    document.private_address = true;
    document.site = (char *)"";
    Wire__FeedItem item = WIRE__FEED_ITEM__INIT;
    item.kind_case = WIRE__FEED_ITEM__KIND_DOCUMENT;
    item.document = &document;
    assert_true(change_from_wire(&item, &arena, &change));
    assert_int_equal(change.kind, INDEX_PUT_DOCUMENT);
    assert_int_equal(change.document.site.size, strlen("e.org:81"));
    assert_memory_equal(change.document.site.bytes, "e.org:81", 8);
    assert_memory_equal(change.document.headings.bytes, "One\nOne\n", 8);
    assert_true(change.document.no_snippet);
    assert_int_equal(change.document.snippet_max, 50);
    assert_true(change.document.is_private);
    assert_memory_equal(change.document.content_type.bytes, "text/html", 9);
    assert_int_equal(change.document.modified_unix_us, 77);
    assert_int_equal(change.document.likeness.fingerprint, 5);
    assert_int_equal(change.document.likeness.simhash, 6);
    assert_false(change.document.has_canonical); /* itself */
    page.canonical = (char *)"http://e.org:81/b";
    assert_true(change_from_wire(&item, &arena, &change));
    assert_true(change.document.has_canonical);

    Wire__FeedEdge edge = WIRE__FEED_EDGE__INIT;
    edge.source = (char *)"http://a/";
    edge.target = (char *)"http://b/";
    edge.drop = true;
    item.kind_case = WIRE__FEED_ITEM__KIND_EDGE;
    item.edge = &edge;
    assert_true(change_from_wire(&item, &arena, &change));
    assert_int_equal(change.kind, INDEX_DROP_EDGE);
    item.kind_case = WIRE__FEED_ITEM__KIND_REMOVED;
    item.removed = (char *)"http://a/";
    assert_true(change_from_wire(&item, &arena, &change));
    assert_int_equal(change.kind, INDEX_REMOVE_URL);
    item.kind_case = WIRE__FEED_ITEM__KIND__NOT_SET;
    assert_false(change_from_wire(&item, &arena, &change));
}

static void public_sites_become_scopes(void **state)
{
    (void)state;
    char site[] = "127.0.0.1:9000", prefix[] = "http://127.0.0.1:9000/open/";
    Wire__SourceScope open = WIRE__SOURCE_SCOPE__INIT, rest = WIRE__SOURCE_SCOPE__INIT;
    Wire__SourceScope *scopes[] = {&open, &rest};
    Wire__PublicSites sites = WIRE__PUBLIC_SITES__INIT;
    Wire__FeedItem item = WIRE__FEED_ITEM__INIT;
    struct index_change change;
    open.site = rest.site = site;
    open.prefix = prefix;
    open.is_public = true;
    sites.scopes = scopes;
    sites.n_scopes = 2;
    item.kind_case = WIRE__FEED_ITEM__KIND_SITES;
    item.sites = &sites;
    assert_true(change_from_wire(&item, &arena, &change));
    assert_int_equal(change.kind, INDEX_SET_SCOPES);
    assert_int_equal(change.scope_count, 2);
    assert_memory_equal(change.scopes[0].prefix.bytes, prefix, sizeof(prefix) - 1);
    assert_memory_equal(change.scopes[1].site.bytes, site, sizeof(site) - 1);
    assert_true(change.scopes[0].is_public);
    assert_false(change.scopes[1].is_public);
    assert_int_equal(change.scopes[1].prefix.size, 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_word_keeps_its_alternatives),
        cmocka_unit_test(terms_of_one_place_in_a_phrase_are_one_word),
        cmocka_unit_test(beginnings_nearness_and_filters_arrive),
        cmocka_unit_test(trees_that_are_none_are_refused),
        cmocka_unit_test(frequencies_stand_in_the_order_of_the_terms),
        cmocka_unit_test(statistics_of_no_corpus_are_refused),
        cmocka_unit_test(items_of_the_feed_become_changes),
        cmocka_unit_test(public_sites_become_scopes),
    };
    return cmocka_run_group_tests(tests, NULL, tear_down);
}
