/* Addresses of members on this machine and on others. */
#include "tests/unit/unit.h"

#include <stdio.h>
#include <string.h>

#include "orchestrator/reach.h"

/* "" stands for a unix socket. */
static struct endpoint at(const char *address)
{
    struct endpoint endpoints[ENDPOINTS_MAX];
    unsigned count;
    const char *text = address[0] == '\0' ? "unix:/run/x" : address;
    assert_int_equal(endpoint_resolve(text, endpoints, &count, NULL), STATUS_OK);
    endpoint_unmap(&endpoints[0]);
    return endpoints[0];
}

/* Where a barrel at `address` is reached that registers from `peer`; "": it is refused. */
static const char *reached(Wire__Role role, const char *address, const char *peer)
{
    static char text[ENDPOINT_TEXT_BYTES];
    struct arena arena = {0};
    struct endpoint from = at(peer);
    struct error err = {0};
    char *result = NULL;
    Wire__RegisterRequest request = WIRE__REGISTER_REQUEST__INIT;
    request.role = role;
    request.address = (char *)address;
    enum status status = reach_member(&request, &from, &arena, &result, &err);
    if (status != STATUS_OK)
        assert_non_null(strstr(err.text, "host"));
    snprintf(text, sizeof(text), "%s", status == STATUS_OK ? result : "");
    arena_release(&arena);
    return text;
}

static const char *barrel(const char *address, const char *peer)
{
    return reached(WIRE__ROLE__ROLE_BARREL, address, peer);
}

static void one_that_listens_everywhere_is_where_it_registers_from(void **state)
{
    (void)state;
    assert_string_equal(barrel("0.0.0.0:4711", "192.0.2.7:50000"), "192.0.2.7:4711");
    assert_string_equal(barrel("[::]:4711", "192.0.2.7:50000"), "192.0.2.7:4711");
    assert_string_equal(barrel("[::]:4711", "[::ffff:192.0.2.7]:50000"), "192.0.2.7:4711");
    assert_string_equal(barrel("[::]:4711", "[2001:db8::7]:50000"), "[2001:db8::7]:4711");
    assert_string_equal(barrel("[::]:4711", "127.0.0.1:50000"), "[::1]:4711");
    assert_string_equal(barrel("0.0.0.0:4711", "127.0.0.1:50000"), "127.0.0.1:4711");
    assert_string_equal(barrel("0.0.0.0:4711", ""), "127.0.0.1:4711");
}

static void what_it_says_itself_stays(void **state)
{
    (void)state;
    assert_string_equal(barrel("barrel.example:4711", "192.0.2.7:5"), "barrel.example:4711");
    assert_string_equal(barrel("192.0.2.9:4711", "192.0.2.7:5"), "192.0.2.9:4711");
    assert_string_equal(barrel("127.0.0.1:4711", "127.0.0.1:5"), "127.0.0.1:4711");
    assert_string_equal(barrel("unix:/run/barrel", ""), "unix:/run/barrel");
    assert_string_equal(reached(WIRE__ROLE__ROLE_DOWNLOADER, "", "192.0.2.7:5"), "");
}

static void what_nobody_could_reach_is_refused(void **state)
{
    (void)state;
    assert_string_equal(barrel("127.0.0.1:4711", "192.0.2.7:5"), "");
    assert_string_equal(barrel("[::1]:4711", "[2001:db8::7]:5"), "");
    assert_string_equal(barrel("0.0.0.0:4711", "[2001:db8::7]:5"), "");
    assert_string_equal(barrel("[::]:4711", "[fe80::7]:5"), "");
    assert_string_equal(reached(WIRE__ROLE__ROLE_GRPC, "[::1]:8000", "192.0.2.7:5"),
                        "192.0.2.7:8000");
}

static void an_address_without_a_port_is_refused(void **state)
{
    (void)state;
    assert_string_equal(reached(WIRE__ROLE__ROLE_GRPC, "127.0.0.1", "192.0.2.7:5"), "");
    assert_string_equal(barrel("127.0.0.1", "127.0.0.1:5"), "");
    assert_string_equal(barrel("barrel.example", "192.0.2.7:5"), "");
}

static void the_table_leads_other_machines_to_this_one(void **state)
{
    (void)state;
    struct arena arena = {0};
    Wire__Routing routing = WIRE__ROUTING__INIT;
    Wire__Replica here = WIRE__REPLICA__INIT, there = WIRE__REPLICA__INIT;
    Wire__Replica *replicas[] = {&here, &there};
    Wire__Shard shard = WIRE__SHARD__INIT, *shards[] = {&shard};
    shard.replicas = replicas;
    shard.n_replicas = 2;
    routing.shards = shards;
    routing.n_shards = 1;
    here.address = (char *)"127.0.0.1:4711";
    there.address = (char *)"192.0.2.7:4712";
    routing.indexserver = (char *)"[::1]:8183";
    struct endpoint local = at("192.0.2.1:9003"), loopback = at("127.0.0.1:5"),
                    far = at("192.0.2.7:5");
    reach_routing(&routing, &loopback, &local, &arena);
    assert_string_equal(here.address, "127.0.0.1:4711");
    reach_routing(&routing, &far, &local, &arena);
    assert_string_equal(here.address, "192.0.2.1:4711");
    assert_string_equal(there.address, "192.0.2.7:4712");
    assert_string_equal(routing.indexserver, "192.0.2.1:8183");
    assert_string_equal(routing.grpc, ""); /* there is none */
    reach_routing(NULL, &far, &local, &arena);
    arena_release(&arena);
}

static void children_serve_other_machines_where_we_do(void **state)
{
    (void)state;
    assert_string_equal(reach_children_host("localhost"), "localhost");
    assert_string_equal(reach_children_host("127.0.0.1"), "localhost");
    assert_string_equal(reach_children_host("::1"), "localhost");
    assert_string_equal(reach_children_host("unix:/run/o"), "localhost");
    assert_string_equal(reach_children_host("0.0.0.0"), "0.0.0.0");
    assert_string_equal(reach_children_host("192.168.1.50"), "0.0.0.0");
    assert_string_equal(reach_children_host("::"), "::");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(one_that_listens_everywhere_is_where_it_registers_from),
        cmocka_unit_test(what_it_says_itself_stays),
        cmocka_unit_test(what_nobody_could_reach_is_refused),
        cmocka_unit_test(an_address_without_a_port_is_refused),
        cmocka_unit_test(the_table_leads_other_machines_to_this_one),
        cmocka_unit_test(children_serve_other_machines_where_we_do),
    };
    return cmocka_run_group_tests_name("reach", tests, NULL, NULL);
}
