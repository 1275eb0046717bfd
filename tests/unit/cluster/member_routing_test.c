#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "base/error.h"
#include "cluster/routing.h"
#include "cluster/routing_wire.h"

static void no_message_is_an_empty_table(void **state)
{
    (void)state;
    struct routing *routing;
    assert_int_equal(routing_from_wire(NULL, &routing, NULL), STATUS_OK);
    assert_int_equal(routing->version, 0);
    assert_int_equal(routing->shard_count, 0);
    assert_string_equal(routing->indexserver, "");
    assert_int_equal(routing_shard_of(routing, 0), 0);
    routing_release(routing);
}

static void a_table_is_copied_whole(void **state)
{
    (void)state;
    Wire__Replica replica = WIRE__REPLICA__INIT;
    replica.member = 7;
    replica.name = (char *)"barrel-0-0";
    replica.address = (char *)"127.0.0.1:4711";
    replica.state = WIRE__MEMBER_STATE__STATE_READY;
    replica.position = 99;
    Wire__Replica starting = WIRE__REPLICA__INIT;
    starting.rebuilding = true;
    Wire__Replica *replicas[] = {&replica, &starting};
    Wire__Shard first = WIRE__SHARD__INIT;
    first.slot_first = 0;
    first.slot_last = 127;
    first.replicas = replicas;
    first.n_replicas = 2;
    Wire__Shard second = WIRE__SHARD__INIT;
    second.slot_first = 128;
    second.slot_last = 255;
    Wire__Shard *shards[] = {&first, &second};
    uint64_t lengths[] = {1, 2, 3, 4, 5};
    Wire__CorpusStats corpus = WIRE__CORPUS_STATS__INIT;
    corpus.epoch = 11;
    corpus.documents = 12;
    corpus.field_lengths = lengths;
    corpus.n_field_lengths = 5;
    Wire__Routing wire = WIRE__ROUTING__INIT;
    wire.version = 3;
    wire.shards = shards;
    wire.n_shards = 2;
    wire.indexserver = (char *)"127.0.0.1:8183";
    wire.corpus = &corpus;

    struct routing *routing;
    assert_int_equal(routing_from_wire(&wire, &routing, NULL), STATUS_OK);
    assert_int_equal(routing->version, 3);
    assert_int_equal(routing->shard_count, 2);
    assert_int_equal(routing->shards[0].replica_count, 2);
    assert_int_equal(routing->shards[0].replicas[0].member, 7);
    assert_string_equal(routing->shards[0].replicas[0].name, "barrel-0-0");
    assert_string_equal(routing->shards[0].replicas[0].address, "127.0.0.1:4711");
    assert_ptr_not_equal(routing->shards[0].replicas[0].address, replica.address);
    assert_int_equal(routing->shards[0].replicas[0].position, 99);
    assert_true(routing->shards[0].replicas[0].ready);
    assert_false(routing->shards[0].replicas[1].ready);
    assert_false(routing->shards[0].replicas[0].rebuilding);
    assert_true(routing->shards[0].replicas[1].rebuilding);
    assert_string_equal(routing->indexserver, "127.0.0.1:8183");
    assert_int_equal(routing->corpus.epoch, 11);
    assert_int_equal(routing->corpus.documents, 12);
    assert_int_equal(routing->corpus.field_lengths[4], 5);
    assert_int_equal(routing_shard_of(routing, 127), 0);
    assert_int_equal(routing_shard_of(routing, 128), 1);

    struct routing *shared = routing_share(routing);
    routing_release(routing);
    assert_int_equal(shared->version, 3);
    routing_release(shared);
    routing_release(NULL);
}

static void slots_out_of_range_or_held_twice_are_corrupt(void **state)
{
    (void)state;
    static const uint32_t wrong[][4] = {
        {0, 256, 0, 0}, {5, 4, 6, 7}, {0, 128, 128, 255}, {0, UINT32_MAX, 0, 0}};
    for (size_t i = 0; i < sizeof(wrong) / sizeof(wrong[0]); i++) {
        Wire__Shard first = WIRE__SHARD__INIT;
        first.slot_first = wrong[i][0];
        first.slot_last = wrong[i][1];
        Wire__Shard second = WIRE__SHARD__INIT;
        second.slot_first = wrong[i][2];
        second.slot_last = wrong[i][3];
        Wire__Shard *shards[] = {&first, &second};
        Wire__Routing wire = WIRE__ROUTING__INIT;
        wire.shards = shards;
        wire.n_shards = 2;
        struct routing *untouched = NULL;
        struct error err = {0};
        assert_int_equal(routing_from_wire(&wire, &untouched, &err), STATUS_CORRUPT);
        assert_null(untouched);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(no_message_is_an_empty_table),
        cmocka_unit_test(a_table_is_copied_whole),
        cmocka_unit_test(slots_out_of_range_or_held_twice_are_corrupt),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
