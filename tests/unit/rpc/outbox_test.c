/* What waits to be sent, through a socket that takes little at a time. */
#include "tests/unit/unit.h"

#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include "rpc/outbox.h"

enum { MESSAGE = 3 * 1000 * 1000, LIMIT = 5 * 1000 * 1000 };

struct fixture {
    struct outbox outbox;
    struct transport *transport;
    int far_fd;
    size_t put, taken;
};

static struct fixture open_fixture(void)
{
    struct fixture fixture = {.outbox = {.bytes.limit = LIMIT}};
    struct endpoint peer = {.size = sizeof(struct sockaddr_un)};
    peer.socket.ss_family = AF_UNIX;
    int pair[2];
    assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0, pair), 0);
    assert_int_equal(transport_open(pair[0], true, &peer, NULL, &fixture.transport, NULL),
                     STATUS_OK);
    fixture.far_fd = pair[1];
    return fixture;
}

static void close_fixture(struct fixture *fixture)
{
    transport_close(fixture->transport);
    close(fixture->far_fd);
    outbox_release(&fixture->outbox);
}

/* Every byte says where it stands. */
static uint8_t byte_at(size_t place)
{
    return (uint8_t)(place * 2654435761U >> 13);
}

static bool put(struct fixture *fixture, size_t size)
{
    uint8_t *room = outbox_reserve(&fixture->outbox, size);
    if (room == NULL)
        return false;
    for (size_t i = 0; i < size; i++)
        room[i] = byte_at(fixture->put++);
    fixture->outbox.bytes.size += size;
    return true;
}

static void take(struct fixture *fixture)
{
    uint8_t bytes[65536];
    ssize_t got = recv(fixture->far_fd, bytes, sizeof(bytes), 0);
    assert_true(got > 0);
    for (ssize_t i = 0; i < got; i++)
        assert_int_equal(bytes[i], byte_at(fixture->taken++));
}

static void what_is_put_in_comes_out_in_order(void **state)
{
    (void)state;
    struct fixture fixture = open_fixture();
    assert_true(put(&fixture, MESSAGE));
    while (outbox_send(&fixture.outbox, fixture.transport, NULL) == TRANSPORT_WANTS_WRITE) {
        take(&fixture);
        if (fixture.put < 2 * MESSAGE)
            assert_true(put(&fixture, 10000)); /* among what waits */
    }
    assert_int_equal(outbox_waiting(&fixture.outbox), 0);
    while (fixture.taken < fixture.put)
        take(&fixture);
    close_fixture(&fixture);
}

static void what_has_gone_makes_room(void **state)
{
    (void)state;
    struct fixture fixture = open_fixture();
    for (int i = 0; i < 20; i++) { /* never empty, and four times the limit in all */
        assert_true(put(&fixture, LIMIT / 5));
        while (outbox_waiting(&fixture.outbox) > LIMIT / 10) {
            assert_int_not_equal(outbox_send(&fixture.outbox, fixture.transport, NULL),
                                 TRANSPORT_FAILED);
            take(&fixture);
        }
    }
    close_fixture(&fixture);
}

static void the_limit_holds_after_a_large_message_as_well(void **state)
{
    (void)state;
    struct fixture fixture = open_fixture();
    assert_true(put(&fixture, MESSAGE));
    while (outbox_send(&fixture.outbox, fixture.transport, NULL) == TRANSPORT_WANTS_WRITE)
        take(&fixture);
    assert_null(fixture.outbox.bytes.data); /* nor is its memory kept */
    assert_false(put(&fixture, LIMIT + 1));
    close_fixture(&fixture);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_is_put_in_comes_out_in_order),
        cmocka_unit_test(what_has_gone_makes_room),
        cmocka_unit_test(the_limit_holds_after_a_large_message_as_well),
    };
    return cmocka_run_group_tests_name("outbox", tests, NULL, NULL);
}
