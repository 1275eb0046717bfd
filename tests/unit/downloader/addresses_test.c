#include "downloader/addresses.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/clock.h"

#define HERE  "192.0.2.1"
#define THERE "192.0.2.2"

/* Connections whose other ends a test holds; a fetch is whatever has an address of its own. */
static int ours[4], theirs[4];
static const char fetches[4];

static int open_pairs(void **state)
{
    (void)state;
    for (int i = 0; i < 4; i++) {
        int pair[2];
        if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, pair) != 0)
            return -1;
        ours[i] = pair[0];
        theirs[i] = pair[1];
    }
    return 0;
}

static int close_pairs(void **state)
{
    (void)state;
    for (int i = 0; i < 4; i++) {
        close(ours[i]);
        close(theirs[i]);
    }
    return 0;
}

/* Whether the server sees the connection's end. */
static bool is_hung_up(int index)
{
    char byte;
    return recv(theirs[index], &byte, 1, MSG_DONTWAIT) == 0;
}

static void connect_to(struct addresses *addresses, const char *address, int index)
{
    assert_true(addresses_make_room(addresses, address, &fetches[index]));
    addresses_opened(addresses, address, ours[index], &fetches[index]);
}

static void an_address_has_room_for_so_many_that_are_used(void **state)
{
    (void)state;
    struct addresses addresses = {.connections_max = 2};
    connect_to(&addresses, HERE, 0);
    assert_true(addresses_have_room(&addresses, HERE));
    connect_to(&addresses, HERE, 1);
    assert_false(addresses_have_room(&addresses, HERE));
    assert_false(addresses_make_room(&addresses, HERE, &fetches[2]));
    assert_true(addresses_have_room(&addresses, THERE));
    assert_true(addresses_have_room(&addresses, ""));
    addresses_leave(&addresses, -1, &fetches[0]);
    assert_true(addresses_have_room(&addresses, HERE));
    addresses_release(&addresses);
}

static void a_connection_that_nobody_uses_gives_way_the_oldest_first(void **state)
{
    (void)state;
    struct addresses addresses = {.connections_max = 2};
    connect_to(&addresses, HERE, 0);
    connect_to(&addresses, HERE, 1);
    addresses_leave(&addresses, -1, &fetches[0]);
    addresses_leave(&addresses, -1, &fetches[1]);
    addresses.list[1].idle_ms = addresses.list[0].idle_ms - 5;
    connect_to(&addresses, HERE, 2);
    assert_true(is_hung_up(1));
    assert_false(is_hung_up(0));
    assert_int_equal(addresses.count, 2);
    addresses_release(&addresses);
}

static void who_is_on_the_way_has_its_place(void **state)
{
    (void)state;
    struct addresses addresses = {.connections_max = 1};
    addresses_expect(&addresses, HERE, &fetches[0]);
    assert_false(addresses_have_room(&addresses, HERE));
    assert_false(addresses_make_room(&addresses, HERE, &fetches[1]));
    connect_to(&addresses, HERE, 0); /* its own */
    assert_int_equal(addresses.count, 1);
    addresses_expect(&addresses, THERE, &fetches[1]);
    addresses_leave(&addresses, -1, &fetches[1]); /* it went nowhere */
    assert_true(addresses_have_room(&addresses, THERE));
    addresses_release(&addresses);
}

static void what_is_kept_for_nothing_is_closed_in_time(void **state)
{
    (void)state;
    struct addresses addresses = {.connections_max = 2};
    assert_true(addresses_close_idle(&addresses, clock_boot_ms()) == INT64_MAX);
    connect_to(&addresses, HERE, 0);
    connect_to(&addresses, THERE, 1);
    addresses_leave(&addresses, -1, &fetches[0]);
    int64_t end_ms = addresses.list[0].idle_ms + ADDRESSES_IDLE_MS;
    assert_true(addresses_close_idle(&addresses, end_ms - 1) == end_ms);
    assert_false(is_hung_up(0));
    assert_true(addresses_close_idle(&addresses, end_ms) == INT64_MAX);
    assert_true(is_hung_up(0));
    assert_false(is_hung_up(1));           /* it is used */
    addresses_closed(&addresses, ours[0]); /* libcurl's turn: nothing is known of it any more */
    addresses_closed(&addresses, ours[1]);
    assert_int_equal(addresses.count, 0);
    addresses_release(&addresses);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, open_pairs, close_pairs)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(an_address_has_room_for_so_many_that_are_used),
        TEST(a_connection_that_nobody_uses_gives_way_the_oldest_first),
        TEST(who_is_on_the_way_has_its_place),
        TEST(what_is_kept_for_nothing_is_closed_in_time),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
