/* The barrel's answers over a real connection, of an index on a real store. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "barrel/service.h"
#include "rpc/client.h"
#include "tests/unit/unit.h"

static const struct cluster_key key = {{1, 2, 3}};

struct fixture {
    char folder[40];
    struct barrel barrel;
    struct service *service;
    struct rpc_server *server;
    struct rpc_client *client;
    struct arena arena;
};

static int set_up(void **state)
{
    struct fixture *fixture = calloc(1, sizeof(*fixture));
    *state = fixture;
    strcpy(fixture->folder, "/tmp/tierce-service-XXXXXX");
    assert_non_null(mkdtemp(fixture->folder));
    assert_int_equal(barrel_init(&fixture->barrel, NULL), STATUS_OK);
    assert_int_equal(barrel_open(fixture->folder, 64u << 20, 0, 255, &fixture->barrel, NULL),
                     STATUS_OK);
    assert_int_equal(service_open(&fixture->barrel, &fixture->service, NULL), STATUS_OK);
    struct rpc_server_options options = {.host = "127.0.0.1",
                                         .key = &key,
                                         .handler = service_handle,
                                         .context = fixture->service,
                                         .threads = 1};
    assert_int_equal(rpc_server_open(&options, &fixture->server, NULL), STATUS_OK);
    assert_int_equal(
        rpc_client_open(rpc_server_address(fixture->server), &key, &fixture->client, NULL),
        STATUS_OK);
    return 0;
}

static int tear_down(void **state)
{
    struct fixture *fixture = *state;
    rpc_client_close(fixture->client);
    rpc_server_close(fixture->server, 1000);
    service_close(fixture->service);
    barrel_close(&fixture->barrel);
    arena_release(&fixture->arena);
    char command[80];
    snprintf(command, sizeof(command), "rm -rf '%s'", fixture->folder);
    assert_int_equal(system(command), 0);
    free(fixture);
    return 0;
}

static const Wire__SearchReply *search(struct fixture *fixture)
{
    Wire__SearchRequest request = WIRE__SEARCH_REQUEST__INIT;
    Wire__CorpusStats corpus = WIRE__CORPUS_STATS__INIT;
    void *reply = NULL;
    struct error err;
    request.corpus = &corpus;
    request.k = 10;
    if (rpc_call(fixture->client, WIRE__METHOD__SEARCH, &request.base,
                 &wire__search_reply__descriptor, &fixture->arena, 5000, &reply, &err) != STATUS_OK)
        fail_msg("%s", err.text);
    return reply;
}

static void statistics_of_no_corpus_are_refused_in_words(void **state)
{
    struct fixture *fixture = *state;
    Wire__SearchRequest search = WIRE__SEARCH_REQUEST__INIT;
    Wire__ExplainRequest explain = WIRE__EXPLAIN_REQUEST__INIT;
    Wire__CorpusStats corpus = WIRE__CORPUS_STATS__INIT;
    struct error err;
    void *reply;
    corpus.documents = 1ull << 32;
    search.corpus = &corpus;
    explain.search = &search;
    assert_int_equal(rpc_call(fixture->client, WIRE__METHOD__SEARCH, &search.base,
                              &wire__search_reply__descriptor, &fixture->arena, 5000, &reply, &err),
                     STATUS_INVALID);
    assert_non_null(strstr(err.text, "4294967296 documents"));
    assert_int_equal(rpc_call(fixture->client, WIRE__METHOD__EXPLAIN, &explain.base,
                              &wire__explain_reply__descriptor, &fixture->arena, 5000, &reply,
                              &err),
                     STATUS_INVALID);
}

static void apply(struct fixture *fixture, uint64_t position)
{
    assert_int_equal(index_apply(fixture->barrel.index, NULL, 0, position, NULL), STATUS_OK);
}

static void an_answer_is_unsettled_until_the_position_is_behind_what_was_ahead(void **state)
{
    struct fixture *fixture = *state;
    apply(fixture, 5);
    assert_int_equal(search(fixture)->position, 5);
    assert_false(search(fixture)->unsettled);
    atomic_store(&fixture->barrel.ahead_to, 7);
    for (uint64_t position = 5; position < 10; position++) {
        apply(fixture, position);
        assert_int_equal(search(fixture)->position, position);
        assert_int_equal(search(fixture)->unsettled, position <= 7);
    }
}

static void an_answer_is_unsettled_while_scopes_change(void **state)
{
    static const char site[] = "127.0.0.1:9000";
    struct fixture *fixture = *state;
    struct index_scope scope = {.site = {site, strlen(site)}, .is_public = true};
    struct index_change change = {.kind = INDEX_SET_SCOPES, .scopes = &scope, .scope_count = 1};
    struct index_change unknown = {.kind = 99};
    struct index_change changes[] = {change, unknown};
    apply(fixture, 5);
    assert_false(search(fixture)->unsettled);
    /* The scopes hold, but what came with them does not: the position stays. */
    assert_int_equal(index_apply(fixture->barrel.index, changes, 2, 6, NULL), STATUS_INVALID);
    assert_int_equal(search(fixture)->position, 5);
    assert_true(search(fixture)->unsettled);
    assert_int_equal(index_apply(fixture->barrel.index, changes, 1, 6, NULL), STATUS_OK);
    assert_int_equal(search(fixture)->position, 6);
    assert_false(search(fixture)->unsettled);
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)
    const struct CMUnitTest tests[] = {
        TEST(statistics_of_no_corpus_are_refused_in_words),
        TEST(an_answer_is_unsettled_until_the_position_is_behind_what_was_ahead),
        TEST(an_answer_is_unsettled_while_scopes_change),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
