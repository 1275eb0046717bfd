/* Connections that prove nothing: they take nobody's place but each other's. */

#include <fcntl.h>
#include <netinet/in.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "rpc/client.h"
#include "rpc/server.h"
#include "rpc/shortcut.h"
#include "rpc/transport.h"
#include "tests/unit/unit.h"
#include "wire.pb-c.h"

/* A server of this many members lets two strangers of each way wait. */
enum { MEMBERS_MAX = 8, STRANGERS_MAX = 2, STRANGERS = 20, LONG_MS = 20000, SHORT_MS = 50 };

static const struct cluster_key key = {{1, 2, 3}};

static void handle(void *context, struct rpc_call *call)
{
    (void)context;
    Wire__Empty reply = WIRE__EMPTY__INIT;
    rpc_call_reply(call, &reply.base);
}

static struct rpc_server *start(void)
{
    struct rpc_server *server;
    struct error err;
    struct rpc_server_options options = {
        .host = "::", .key = &key, .handler = handle, .connections_max = MEMBERS_MAX};
    if (rpc_server_open(&options, &server, &err) != STATUS_OK)
        fail_msg("%s", err.text);
    return server;
}

/* Reads what the server says first. Then nothing comes, until it cuts the connection. */
static void await_hello(int fd)
{
    char hello[40];
    struct pollfd polled = {.fd = fd, .events = POLLIN};
    assert_int_equal(poll(&polled, 1, LONG_MS), 1);
    assert_int_equal(recv(fd, hello, sizeof(hello), MSG_WAITALL), sizeof(hello));
}

static bool is_cut_within(int fd, int wait_ms)
{
    char byte;
    struct pollfd polled = {.fd = fd, .events = POLLIN};
    return poll(&polled, 1, wait_ms) == 1 && recv(fd, &byte, 1, 0) <= 0;
}

/* By TCP: the short way leads to [::1]. */
static int stranger(const struct rpc_server *server)
{
    struct sockaddr_in address = {.sin_family = AF_INET,
                                  .sin_addr.s_addr = htonl(INADDR_LOOPBACK),
                                  .sin_port = htons(rpc_server_port(server))};
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    assert_int_equal(connect(fd, (struct sockaddr *)&address, sizeof(address)), 0);
    await_hello(fd);
    return fd;
}

static int stranger_by_the_short_way(const struct rpc_server *server)
{
    struct endpoint endpoints[ENDPOINTS_MAX];
    unsigned count;
    assert_int_equal(endpoint_resolve(rpc_server_address(server), endpoints, &count, NULL),
                     STATUS_OK);
    int fd = shortcut_connect(&endpoints[0]);
    assert_true(fd >= 0);
    await_hello(fd);
    return fd;
}

static enum status ask(struct rpc_client *client)
{
    struct arena arena = {0};
    Wire__Empty request = WIRE__EMPTY__INIT;
    void *reply;
    enum status status =
        rpc_call(client, 1, &request.base, &wire__empty__descriptor, &arena, LONG_MS, &reply, NULL);
    arena_release(&arena);
    return status;
}

static struct rpc_client *member(const char *host, const struct rpc_server *server)
{
    struct rpc_client *client;
    char address[64];
    snprintf(address, sizeof(address), "%s:%u", host, rpc_server_port(server));
    assert_int_equal(rpc_client_open(address, &key, &client, NULL), STATUS_OK);
    return client;
}

static void close_all(const int *fds, unsigned count)
{
    for (unsigned i = 0; i < count; i++)
        close(fds[i]);
}

static void strangers_take_no_members_place(void **state)
{
    (void)state;
    struct rpc_server *server = start();
    int strangers[STRANGERS];
    for (unsigned i = 0; i < STRANGERS; i++)
        strangers[i] = stranger(server);
    struct rpc_client *members[MEMBERS_MAX + 1];
    for (unsigned i = 0; i <= MEMBERS_MAX; i++) {
        members[i] = member(i % 2 == 0 ? "127.0.0.1" : "[::1]", server);
        assert_int_equal(ask(members[i]), i < MEMBERS_MAX ? STATUS_OK : STATUS_UNAVAILABLE);
    }
    for (unsigned i = 0; i <= MEMBERS_MAX; i++)
        rpc_client_close(members[i]);
    close_all(strangers, STRANGERS);
    rpc_server_close(server, 0);
}

static void the_oldest_stranger_makes_room_for_the_next(void **state)
{
    (void)state;
    struct rpc_server *server = start();
    int strangers[STRANGERS];
    for (unsigned i = 0; i < STRANGERS; i++) {
        strangers[i] = stranger(server);
        if (i >= STRANGERS_MAX)
            assert_true(is_cut_within(strangers[i - STRANGERS_MAX], LONG_MS));
    }
    for (unsigned i = STRANGERS - STRANGERS_MAX; i < STRANGERS; i++)
        assert_false(is_cut_within(strangers[i], 0));
    close_all(strangers, STRANGERS);
    rpc_server_close(server, 0);
}

static void strangers_of_one_way_cut_none_of_another(void **state)
{
    (void)state;
    struct rpc_server *server = start();
    int strangers[STRANGERS];
    int by_short_way = stranger_by_the_short_way(server);
    for (unsigned i = 0; i < STRANGERS; i++)
        strangers[i] = stranger(server);
    assert_false(is_cut_within(by_short_way, SHORT_MS));
    close_all(strangers, STRANGERS - 1);
    for (unsigned i = 0; i < STRANGERS - 1; i++)
        strangers[i] = stranger_by_the_short_way(server);
    assert_true(is_cut_within(by_short_way, LONG_MS));
    assert_false(is_cut_within(strangers[STRANGERS - 1], SHORT_MS));
    close_all(strangers, STRANGERS);
    close(by_short_way);
    rpc_server_close(server, 0);
}

static unsigned lines_in(int fd)
{
    char text[16384];
    unsigned lines = 0;
    ssize_t size = read(fd, text, sizeof(text));
    for (ssize_t i = 0; i < size; i++)
        lines += text[i] == '\n';
    return lines;
}

static void many_refusals_are_few_lines_in_the_log(void **state)
{
    (void)state;
    char wrong[72];
    int log[2];
    struct rpc_server *server = start();
    memset(wrong, 'x', sizeof(wrong));
    assert_int_equal(pipe2(log, O_CLOEXEC | O_NONBLOCK), 0);
    int before = fcntl(STDERR_FILENO, F_DUPFD_CLOEXEC, 3);
    dup2(log[1], STDERR_FILENO);
    unsigned cut = 0;
    for (unsigned i = 0; i < 5 * STRANGERS; i++) {
        int fd = stranger(server);
        cut += send(fd, wrong, sizeof(wrong), MSG_NOSIGNAL) == sizeof(wrong) &&
               is_cut_within(fd, LONG_MS);
        close(fd);
    }
    dup2(before, STDERR_FILENO);
    close(before);
    unsigned lines = lines_in(log[0]);
    close_all(log, 2);
    rpc_server_close(server, 0);
    assert_int_equal(cut, 5 * STRANGERS);
    assert_in_range(lines, 1, STRANGERS); /* one a second, on however slow a machine */
}

/* The client's end of TLS, as to another machine, after its first words. */
static enum transport_result after_hello(bool is_cut, struct error *err)
{
    int fds[2];
    char hello[4096];
    struct transport *transport;
    struct endpoint endpoints[ENDPOINTS_MAX];
    unsigned count;
    assert_int_equal(endpoint_resolve("192.0.2.1:1", endpoints, &count, NULL), STATUS_OK);
    assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0, fds), 0);
    assert_int_equal(transport_open(fds[0], false, &endpoints[0], &key, &transport, NULL),
                     STATUS_OK);
    assert_int_equal(transport_handshake(transport, err), TRANSPORT_WANTS_READ);
    assert_true(recv(fds[1], hello, sizeof(hello), 0) > 0);
    if (!is_cut) /* an alert: handshake_failure */
        assert_int_equal(send(fds[1], "\x15\x03\x03\x00\x02\x02\x28", 7, 0), 7);
    close(fds[1]);
    enum transport_result result = transport_handshake(transport, err);
    transport_close(transport);
    return result;
}

static void who_is_cut_has_not_been_told_that_the_key_is_wrong(void **state)
{
    (void)state;
    struct error err = {0};
    assert_int_equal(after_hello(true, &err), TRANSPORT_CLOSED);
    assert_int_equal(after_hello(false, &err), TRANSPORT_FAILED);
    assert_int_equal(err.status, STATUS_DENIED);
}

int main(void)
{
    signal(SIGPIPE, SIG_IGN); /* as every program does: TLS answers one that has gone */
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(strangers_take_no_members_place),
        cmocka_unit_test(the_oldest_stranger_makes_room_for_the_next),
        cmocka_unit_test(strangers_of_one_way_cut_none_of_another),
        cmocka_unit_test(many_refusals_are_few_lines_in_the_log),
        cmocka_unit_test(who_is_cut_has_not_been_told_that_the_key_is_wrong),
    };
    return cmocka_run_group_tests_name("strangers", tests, NULL, NULL);
}
