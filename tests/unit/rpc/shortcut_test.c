/* The short way between processes of one machine. */

#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include "rpc/client.h"
#include "rpc/server.h"
#include "rpc/shortcut.h"
#include "tests/unit/unit.h"
#include "wire.pb-c.h"

enum { NOBODY = 65534 };

static const struct cluster_key right_key = {{1, 2, 3}};
static const struct cluster_key wrong_key = {{9, 9, 9}};

static void handle(void *context, struct rpc_call *call)
{
    (void)context;
    Wire__Empty reply = WIRE__EMPTY__INIT;
    rpc_call_reply(call, &reply.base);
}

static struct rpc_server *start(const char *host, uint16_t port)
{
    struct rpc_server *server;
    struct error err;
    struct rpc_server_options options = {
        .host = host, .port = port, .key = &right_key, .handler = handle};
    if (rpc_server_open(&options, &server, &err) != STATUS_OK)
        fail_msg("%s", err.text);
    return server;
}

static enum status ask(struct rpc_client *client)
{
    struct arena arena = {0};
    Wire__Empty request = WIRE__EMPTY__INIT;
    void *reply;
    enum status status =
        rpc_call(client, 1, &request.base, &wire__empty__descriptor, &arena, 5000, &reply, NULL);
    arena_release(&arena);
    return status;
}

/* The family of the socket over which a client of this key gets an answer from the address; -1:
 * it gets none. */
static int family_to(const char *address, const struct cluster_key *key)
{
    struct rpc_client *client;
    struct sockaddr_storage name = {0};
    socklen_t size = sizeof(name);
    assert_int_equal(rpc_client_open(address, key, &client, NULL), STATUS_OK);
    bool is_answered = ask(client) == STATUS_OK;
    if (is_answered)
        assert_int_equal(getsockname(rpc_client_fd(client), (struct sockaddr *)&name, &size), 0);
    rpc_client_close(client);
    return is_answered ? name.ss_family : -1;
}

static void loopback_is_reached_without_tcp(void **state)
{
    (void)state;
    static const char *const hosts[] = {"127.0.0.1", "127.0.0.7", "::1", "::"};
    for (size_t i = 0; i < sizeof(hosts) / sizeof(hosts[0]); i++) {
        struct rpc_server *server = start(hosts[i], 0);
        assert_int_equal(family_to(rpc_server_address(server), &right_key), AF_UNIX);
        rpc_server_close(server, 0);
    }
}

static void the_short_way_wants_the_key_too(void **state)
{
    (void)state;
    struct rpc_server *server = start("127.0.0.1", 0);
    assert_int_equal(family_to(rpc_server_address(server), &wrong_key), -1);
    rpc_server_close(server, 0);
}

static void where_there_is_no_short_way_tcp_is_taken(void **state)
{
    (void)state;
    struct rpc_server *server = start("::", 0);
    char address[64]; /* the short way has the name of [::1] */
    snprintf(address, sizeof(address), "127.0.0.1:%u", rpc_server_port(server));
    assert_int_equal(family_to(address, &right_key), AF_INET);
    rpc_server_close(server, 0);
}

/* A process of another user takes the name; told when and how long by pipes. */
static pid_t begin_impostor(const struct endpoint *endpoint, int end_fd)
{
    int ready[2];
    char byte = 0;
    assert_int_equal(pipe(ready), 0);
    pid_t pid = fork();
    if (pid == 0) {
        bool has_name = setuid(NOBODY) == 0 && shortcut_listen(endpoint) >= 0;
        if (write(ready[1], has_name ? "y" : "n", 1) == 1)
            (void)!read(end_fd, &byte, 1);
        _exit(0);
    }
    assert_int_equal(read(ready[0], &byte, 1), 1);
    assert_int_equal(byte, 'y');
    close(ready[0]);
    close(ready[1]);
    return pid;
}

static void a_name_that_another_user_took_is_passed_by(void **state)
{
    (void)state;
    if (geteuid() != 0) {
        print_message("SKIPPED: needs root, to be another user as well\n");
        skip();
    }
    struct rpc_server *server = start("127.0.0.1", 0);
    char address[ENDPOINT_TEXT_BYTES];
    uint16_t port = rpc_server_port(server);
    snprintf(address, sizeof(address), "%s", rpc_server_address(server));
    rpc_server_close(server, 0);
    struct endpoint endpoints[ENDPOINTS_MAX];
    unsigned count;
    int end[2];
    assert_int_equal(endpoint_resolve(address, endpoints, &count, NULL), STATUS_OK);
    assert_int_equal(pipe(end), 0);
    pid_t impostor = begin_impostor(&endpoints[0], end[0]);
    server = start("127.0.0.1", port); /* goes without */
    assert_int_equal(family_to(address, &right_key), AF_INET);
    close(end[1]);
    close(end[0]);
    kill(impostor, SIGTERM);
    waitpid(impostor, NULL, 0);
    rpc_server_close(server, 0);
}

static void a_call_after_a_silence_goes_to_the_servers_successor(void **state)
{
    (void)state;
    struct rpc_client *client;
    struct rpc_server *server = start("127.0.0.1", 0);
    uint16_t port = rpc_server_port(server);
    assert_int_equal(rpc_client_open(rpc_server_address(server), &right_key, &client, NULL),
                     STATUS_OK);
    assert_int_equal(ask(client), STATUS_OK);
    rpc_server_close(server, 0);
    server = start("127.0.0.1", port);
    usleep(100 * 1000); /* the silence */
    assert_int_equal(ask(client), STATUS_OK);
    rpc_client_close(client);
    rpc_server_close(server, 0);
}

static void a_server_says_where_it_is_to_be_reached(void **state)
{
    (void)state;
    static const struct {
        const char *host, *name, *expected; /* with %u for the port; NULL: refused */
    } cases[] = {
        {"::", NULL, "[::]:%u"},
        {"0.0.0.0", "", "0.0.0.0:%u"},
        {"127.0.0.1", NULL, "127.0.0.1:%u"},
        {"::", "barrel.example", "barrel.example:%u"},
        {"::", "2001:db8::7", "[2001:db8::7]:%u"},
        {"::", "[2001:db8::7]", "[2001:db8::7]:%u"},
        {"::", "barrel.example:4711", NULL},
        {"::", "two words", NULL},
    };
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        struct rpc_server *server = start(cases[i].host, 0);
        char address[ENDPOINT_TEXT_BYTES], port[8], *at;
        enum status status = rpc_server_advertise(server, cases[i].name, address, NULL);
        assert_int_equal(status, cases[i].expected == NULL ? STATUS_INVALID : STATUS_OK);
        snprintf(port, sizeof(port), ":%u", rpc_server_port(server));
        if (cases[i].expected != NULL) {
            at = strrchr(address, ':');
            assert_string_equal(at, port);
            strcpy(at, ":%u");
            assert_string_equal(address, cases[i].expected);
        }
        rpc_server_close(server, 0);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(loopback_is_reached_without_tcp),
        cmocka_unit_test(the_short_way_wants_the_key_too),
        cmocka_unit_test(where_there_is_no_short_way_tcp_is_taken),
        cmocka_unit_test(a_name_that_another_user_took_is_passed_by),
        cmocka_unit_test(a_server_says_where_it_is_to_be_reached),
        cmocka_unit_test(a_call_after_a_silence_goes_to_the_servers_successor),
    };
    return cmocka_run_group_tests_name("shortcut", tests, NULL, NULL);
}
