/* Clients and servers over real sockets. */

#include <netinet/in.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/bytes.h"
#include "base/clock.h"
#include "base/file.h"
#include "rpc/client.h"
#include "rpc/listen.h"
#include "rpc/server.h"
#include "rpc/transport.h"
#include "tests/unit/unit.h"
#include "wire.pb-c.h"

enum { CALLS = 200, THREADS = 4 };

static const struct cluster_key right_key = {{1, 2, 3}};
static const struct cluster_key wrong_key = {{9, 9, 9}};

/* A server that knows four methods of its own. */
enum { ECHO = 1, FAIL = 2, KEEP = 3, SLOW = 4 };

struct fixture {
    struct rpc_server *server;
    pthread_mutex_t lock;
    struct rpc_call *kept;
    atomic_int handled;
};

static void handle(void *context, struct rpc_call *call)
{
    struct fixture *fixture = context;
    atomic_fetch_add(&fixture->handled, 1);
    if (rpc_call_method(call) == FAIL) {
        rpc_call_fail(call, STATUS_NOT_FOUND, "nothing called %s", "that");
        return;
    }
    if (rpc_call_method(call) == KEEP) {
        pthread_mutex_lock(&fixture->lock);
        fixture->kept = call;
        pthread_mutex_unlock(&fixture->lock);
        return;
    }
    Wire__Login *request = rpc_call_request(call, &wire__login__descriptor);
    if (request != NULL)
        rpc_call_reply(call, &request->base);
}

static struct rpc_call *take_kept(struct fixture *fixture)
{
    pthread_mutex_lock(&fixture->lock);
    struct rpc_call *call = fixture->kept;
    fixture->kept = NULL;
    pthread_mutex_unlock(&fixture->lock);
    return call;
}

static void start(struct fixture *fixture, const char *host, unsigned threads)
{
    struct error err;
    *fixture = (struct fixture){.lock = PTHREAD_MUTEX_INITIALIZER};
    struct rpc_server_options options = {
        .host = host, .key = &right_key, .handler = handle, .context = fixture, .threads = threads};
    if (rpc_server_open(&options, &fixture->server, &err) != STATUS_OK)
        fail_msg("%s", err.text);
}

static struct rpc_client *dial(const char *address, const struct cluster_key *key)
{
    struct rpc_client *client;
    assert_int_equal(rpc_client_open(address, key, &client, NULL), STATUS_OK);
    return client;
}

static enum status say(struct rpc_client *client, uint16_t method, const char *words,
                       uint32_t timeout_ms, struct error *err)
{
    struct arena arena = {0};
    Wire__Login request = WIRE__LOGIN__INIT, *reply = NULL;
    request.code = (char *)words;
    enum status status = rpc_call(client, method, &request.base, &wire__login__descriptor, &arena,
                                  timeout_ms, (void **)&reply, err);
    if (status == STATUS_OK)
        assert_string_equal(reply->code, words);
    arena_release(&arena);
    return status;
}

static void echoes(const char *host, unsigned threads)
{
    struct fixture fixture;
    struct error err;
    start(&fixture, host, threads);
    struct rpc_client *client = dial(rpc_server_address(fixture.server), &right_key);
    for (int i = 0; i < CALLS; i++) {
        char words[32];
        snprintf(words, sizeof(words), "call %d", i);
        assert_int_equal(say(client, ECHO, words, 5000, &err), STATUS_OK);
    }
    rpc_client_close(client);
    rpc_server_close(fixture.server, 1000);
}

static void calls_are_answered_on_loopback(void **state)
{
    (void)state;
    echoes("127.0.0.1", 0);
    echoes("::1", 2);
    echoes("localhost", 1);
}

static void calls_are_answered_on_a_unix_socket(void **state)
{
    (void)state;
    char host[64];
    snprintf(host, sizeof(host), "unix:/tmp/tierce-rpc-test-%d", getpid());
    echoes(host, 0);
    assert_int_equal(access(host + 5, F_OK), -1); /* removed when closed */
}

static void a_large_message_arrives_whole(void **state)
{
    (void)state;
    struct fixture fixture;
    struct error err;
    start(&fixture, "127.0.0.1", 1);
    size_t size = 20 * 1024 * 1024;
    char *words = malloc(size + 1);
    memset(words, 'x', size);
    words[size] = '\0';
    struct rpc_client *client = dial(rpc_server_address(fixture.server), &right_key);
    if (say(client, ECHO, words, 30000, &err) != STATUS_OK)
        fail_msg("%s", err.text);
    free(words);
    rpc_client_close(client);
    rpc_server_close(fixture.server, 1000);
}

static void a_failure_carries_its_status_and_words(void **state)
{
    (void)state;
    struct fixture fixture;
    struct error err;
    start(&fixture, "127.0.0.1", 0);
    struct rpc_client *client = dial(rpc_server_address(fixture.server), &right_key);
    assert_int_equal(say(client, FAIL, "x", 5000, &err), STATUS_NOT_FOUND);
    assert_string_equal(err.text, "nothing called that");
    rpc_client_close(client);
    rpc_server_close(fixture.server, 1000);
}

static void a_wrong_key_is_refused_with_a_cure(void **state)
{
    (void)state;
    struct fixture fixture;
    struct error err;
    start(&fixture, "127.0.0.1", 0);
    struct rpc_client *client = dial(rpc_server_address(fixture.server), &wrong_key);
    assert_int_equal(say(client, ECHO, "x", 5000, &err), STATUS_DENIED);
    assert_non_null(strstr(err.text, "--key-file"));
    assert_int_equal(atomic_load(&fixture.handled), 0);
    rpc_client_close(client);
    rpc_server_close(fixture.server, 1000);
}

static void bytes_before_the_proof_are_never_parsed(void **state)
{
    (void)state;
    struct fixture fixture;
    start(&fixture, "127.0.0.1", 0);
    int fd = socket(AF_INET, SOCK_STREAM, 0);
    struct sockaddr_in address = {.sin_family = AF_INET,
                                  .sin_addr.s_addr = htonl(INADDR_LOOPBACK),
                                  .sin_port = htons(rpc_server_port(fixture.server))};
    assert_int_equal(connect(fd, (struct sockaddr *)&address, sizeof(address)), 0);
    static const char request[] =
        "GET / HTTP/1.1\r\nHost: localhost\r\nUser-Agent: none\r\nAccept: "
        "*/*\r\nX-Padding: 0123456789\r\n\r\n";
    assert_int_equal(fd_write_all(fd, request, sizeof(request) - 1, NULL), STATUS_OK);
    char answer[200];
    size_t got = 0;
    for (ssize_t n; (n = recv(fd, answer + got, sizeof(answer) - got, 0)) > 0;)
        got += (size_t)n;
    assert_int_equal(got, 40); /* the challenge, and then the end */
    close(fd);
    assert_int_equal(atomic_load(&fixture.handled), 0);
    rpc_server_close(fixture.server, 1000);
}

static void a_deadline_ends_a_call_that_nobody_answers(void **state)
{
    (void)state;
    struct fixture fixture;
    struct error err;
    start(&fixture, "127.0.0.1", 0);
    struct rpc_client *client = dial(rpc_server_address(fixture.server), &right_key);
    assert_int_equal(say(client, KEEP, "x", 50, &err), STATUS_TIMEOUT);
    assert_int_equal(say(client, ECHO, "still there", 5000, &err), STATUS_OK);
    struct rpc_call *kept = take_kept(&fixture);
    assert_true(rpc_call_cancelled(kept));
    rpc_call_fail(kept, STATUS_CANCELLED, "too late");
    assert_int_equal(say(client, ECHO, "and in order", 5000, &err), STATUS_OK);
    rpc_client_close(client);
    rpc_server_close(fixture.server, 1000);
}

static void *answer_later(void *argument)
{
    struct fixture *fixture = argument;
    for (;;) {
        struct rpc_call *call = take_kept(fixture);
        if (call == NULL)
            continue;
        Wire__Login *request = rpc_call_request(call, &wire__login__descriptor);
        rpc_call_reply(call, &request->base);
        return NULL;
    }
}

static void a_call_may_be_answered_later_by_another_thread(void **state)
{
    (void)state;
    struct fixture fixture;
    struct error err;
    start(&fixture, "127.0.0.1", 0);
    pthread_t thread;
    pthread_create(&thread, NULL, answer_later, &fixture);
    struct rpc_client *client = dial(rpc_server_address(fixture.server), &right_key);
    assert_int_equal(say(client, KEEP, "later", 5000, &err), STATUS_OK);
    pthread_join(thread, NULL);
    rpc_client_close(client);
    rpc_server_close(fixture.server, 1000);
}

static void nobody_there_is_unavailable_at_once(void **state)
{
    (void)state;
    struct error err;
    struct rpc_client *client = dial("127.0.0.1:1", &right_key);
    int64_t start_ms = clock_boot_ms();
    assert_int_equal(say(client, ECHO, "x", 20000, &err), STATUS_UNAVAILABLE);
    assert_true(clock_boot_ms() - start_ms < 10000);
    rpc_client_close(client);
}

static void a_client_outlives_a_restart_of_its_server(void **state)
{
    (void)state;
    struct error err;
    char host[64];
    snprintf(host, sizeof(host), "unix:/tmp/tierce-rpc-restart-%d", getpid());
    struct rpc_client *client = dial(host, NULL);
    for (int i = 0; i < 3; i++) {
        struct fixture fixture;
        start(&fixture, host, 0);
        assert_int_equal(say(client, ECHO, "hello", 5000, &err), STATUS_OK);
        rpc_server_close(fixture.server, 1000);
        assert_int_equal(say(client, ECHO, "hello", 5000, &err), STATUS_UNAVAILABLE);
    }
    rpc_client_close(client);
}

static void a_fan_out_waits_for_all_at_once(void **state)
{
    (void)state;
    struct fixture fixtures[3];
    struct rpc_client *clients[3];
    struct rpc_exchange exchanges[3], *list[3];
    struct arena arena = {0};
    Wire__Login request = WIRE__LOGIN__INIT;
    request.code = (char *)"all";
    for (int i = 0; i < 3; i++) {
        start(&fixtures[i], "127.0.0.1", 0);
        clients[i] = dial(rpc_server_address(fixtures[i].server), &right_key);
        list[i] = &exchanges[i];
        rpc_start(clients[i], i == 2 ? KEEP : ECHO, &request.base, &wire__login__descriptor, &arena,
                  i == 2 ? 200 : 5000, &exchanges[i]);
    }
    unsigned done = 0;
    for (int rounds = 0; done < 3 && rounds < 100; rounds++)
        done = rpc_wait(list, 3, 1000);
    assert_int_equal(exchanges[0].status, STATUS_OK);
    assert_int_equal(exchanges[1].status, STATUS_OK);
    assert_int_equal(exchanges[2].status, STATUS_TIMEOUT);
    rpc_call_fail(take_kept(&fixtures[2]), STATUS_CANCELLED, "end of test");
    for (int i = 0; i < 3; i++) {
        rpc_client_close(clients[i]);
        rpc_server_close(fixtures[i].server, 1000);
    }
    arena_release(&arena);
}

static void a_peer_that_reads_nothing_is_given_up_before_memory_is(void **state)
{
    (void)state;
    char host[64];
    int fd;
    enum { MEGABYTE = 1024 * 1024, TRIES = 100 };
    snprintf(host, sizeof(host), "unix:/tmp/tierce-rpc-deaf-%d", getpid());
    assert_int_equal(listen_open(host, 0, &fd, NULL), STATUS_OK); /* and nobody accepts */
    struct rpc_client *client = dial(host, NULL);
    struct rpc_exchange exchanges[TRIES];
    struct arena arena = {0};
    Wire__Login request = WIRE__LOGIN__INIT;
    request.code = calloc(1, MEGABYTE + 1);
    memset(request.code, 'x', MEGABYTE);
    int started = 0;
    do {
        rpc_start(client, ECHO, &request.base, &wire__login__descriptor, &arena, 60000,
                  &exchanges[started]);
    } while (!exchanges[started].done && ++started < TRIES);
    assert_in_range(started, 30, 60);
    assert_int_equal(exchanges[0].status, STATUS_UNAVAILABLE);
    free(request.code);
    rpc_client_close(client);
    listen_close(fd, host);
    arena_release(&arena);
}

static void *many_calls(void *argument)
{
    struct fixture *fixture = argument;
    struct rpc_client *client = dial(rpc_server_address(fixture->server), &right_key);
    struct error err;
    for (int i = 0; i < CALLS; i++) {
        if (say(client, ECHO, "many", 10000, &err) != STATUS_OK)
            abort();
    }
    rpc_client_close(client);
    return NULL;
}

static void many_threads_call_one_server(void **state)
{
    (void)state;
    struct fixture fixture;
    pthread_t threads[THREADS];
    start(&fixture, "127.0.0.1", 3);
    for (int i = 0; i < THREADS; i++)
        pthread_create(&threads[i], NULL, many_calls, &fixture);
    for (int i = 0; i < THREADS; i++)
        pthread_join(threads[i], NULL);
    assert_int_equal(atomic_load(&fixture.handled), CALLS * THREADS);
    rpc_server_close(fixture.server, 1000);
}

static void a_taken_port_names_its_holder(void **state)
{
    (void)state;
    struct fixture fixture;
    struct error err;
    struct rpc_server *second;
    start(&fixture, "127.0.0.1", 0);
    struct rpc_server_options options = {.host = "127.0.0.1",
                                         .port = rpc_server_port(fixture.server),
                                         .key = &right_key,
                                         .handler = handle,
                                         .context = &fixture};
    assert_int_equal(rpc_server_open(&options, &second, &err), STATUS_CONFLICT);
    char words[64];
    snprintf(words, sizeof(words), "in use by PID %d", getpid());
    assert_non_null(strstr(err.text, words));
    assert_non_null(strstr(err.text, "--port"));
    rpc_server_close(fixture.server, 1000);
}

/* ---- TLS, as between machines: both ends believe that the other is far away ---- */

static void exchange_far(const struct cluster_key *server_key, const struct cluster_key *client_key,
                         enum transport_result ret_results[2])
{
    struct endpoint far = {.size = sizeof(struct sockaddr_in)};
    struct sockaddr_in *v4 = (struct sockaddr_in *)&far.socket;
    *v4 = (struct sockaddr_in){.sin_family = AF_INET, .sin_addr.s_addr = htonl(0xC0000201)};
    int pair[2];
    struct transport *ends[2];
    struct error err;
    assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0, pair), 0);
    assert_int_equal(transport_open(pair[0], true, &far, server_key, &ends[0], NULL), STATUS_OK);
    assert_int_equal(transport_open(pair[1], false, &far, client_key, &ends[1], NULL), STATUS_OK);
    ret_results[0] = ret_results[1] = TRANSPORT_WANTS_READ;
    for (int i = 0; i < 20; i++) {
        for (int end = 0; end < 2; end++) {
            if (ret_results[end] == TRANSPORT_WANTS_READ)
                ret_results[end] = transport_handshake(ends[end], &err);
            if (ret_results[end] == TRANSPORT_FAILED)
                assert_true(err.text[0] != '\0');
        }
    }
    if (ret_results[0] == TRANSPORT_DONE && ret_results[1] == TRANSPORT_DONE) {
        char seen[16] = "";
        size_t moved;
        assert_int_equal(transport_write(ends[1], "secret", 6, &moved, NULL), TRANSPORT_DONE);
        assert_int_equal(transport_read(ends[0], seen, sizeof(seen), &moved, NULL), TRANSPORT_DONE);
        assert_string_equal(seen, "secret");
    }
    transport_close(ends[0]);
    transport_close(ends[1]);
}

static void machines_with_the_same_key_talk_over_tls(void **state)
{
    (void)state;
    enum transport_result results[2];
    exchange_far(&right_key, &right_key, results);
    assert_int_equal(results[0], TRANSPORT_DONE);
    assert_int_equal(results[1], TRANSPORT_DONE);
}

static void machines_with_different_keys_do_not(void **state)
{
    (void)state;
    enum transport_result results[2];
    exchange_far(&right_key, &wrong_key, results);
    assert_int_equal(results[0], TRANSPORT_FAILED);
    assert_int_not_equal(results[1], TRANSPORT_DONE);
}

static void a_key_that_others_may_read_is_refused(void **state)
{
    (void)state;
    char folder[] = "/tmp/tierce-key-XXXXXX", path[64];
    struct cluster_key made, loaded;
    struct error err;
    assert_non_null(mkdtemp(folder));
    assert_int_equal(cluster_key_load(NULL, folder, &loaded, &err), STATUS_NOT_FOUND);
    assert_int_equal(cluster_key_make(folder, &made, &err), STATUS_OK);
    assert_int_equal(cluster_key_load(NULL, folder, &loaded, &err), STATUS_OK);
    assert_memory_equal(made.bytes, loaded.bytes, sizeof(made.bytes));
    snprintf(path, sizeof(path), "%s/%s", folder, CLUSTER_KEY_FILE);
    assert_int_equal(chmod(path, 0644), 0);
    assert_int_equal(cluster_key_load(path, NULL, &loaded, &err), STATUS_DENIED);
    assert_non_null(strstr(err.text, "chmod 600"));
    unlink(path);
    rmdir(folder);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(calls_are_answered_on_loopback),
        cmocka_unit_test(calls_are_answered_on_a_unix_socket),
        cmocka_unit_test(a_large_message_arrives_whole),
        cmocka_unit_test(a_failure_carries_its_status_and_words),
        cmocka_unit_test(a_wrong_key_is_refused_with_a_cure),
        cmocka_unit_test(bytes_before_the_proof_are_never_parsed),
        cmocka_unit_test(a_deadline_ends_a_call_that_nobody_answers),
        cmocka_unit_test(a_call_may_be_answered_later_by_another_thread),
        cmocka_unit_test(nobody_there_is_unavailable_at_once),
        cmocka_unit_test(a_client_outlives_a_restart_of_its_server),
        cmocka_unit_test(a_fan_out_waits_for_all_at_once),
        cmocka_unit_test(a_peer_that_reads_nothing_is_given_up_before_memory_is),
        cmocka_unit_test(many_threads_call_one_server),
        cmocka_unit_test(a_taken_port_names_its_holder),
        cmocka_unit_test(machines_with_the_same_key_talk_over_tls),
        cmocka_unit_test(machines_with_different_keys_do_not),
        cmocka_unit_test(a_key_that_others_may_read_is_refused),
    };
    return cmocka_run_group_tests_name("rpc", tests, NULL, NULL);
}
