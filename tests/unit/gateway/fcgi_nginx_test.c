/* A worker behind a real NGINX, which keeps its connections to it. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>

#include <cmocka.h>

#include "base/log.h"
#include "gateway/fcgi.h"
#include "tests/unit/gateway/http_server.h"

static struct server server;
static char front[100]; /* the socket that NGINX listens on */
static pid_t nginx;

static const char CONFIGURATION[] =
    "daemon off; master_process off; worker_processes 1;\n"
    "pid %1$s/nginx.pid; error_log stderr crit;\n"
    "events { worker_connections 256; }\n"
    "http {\n"
    "  access_log off; keepalive_requests 100000;\n"
    "  client_body_temp_path %1$s/b; fastcgi_temp_path %1$s/f; proxy_temp_path %1$s/p;\n"
    "  uwsgi_temp_path %1$s/u; scgi_temp_path %1$s/s2;\n"
    "  upstream gateway { server unix:%2$s max_fails=0; server unix:%2$s max_fails=0;\n"
    "    keepalive 32; }\n"
    "  server { listen unix:%3$s; location / {\n"
    "    fastcgi_pass gateway; fastcgi_keep_conn on; fastcgi_read_timeout 5s;\n"
    "    fastcgi_next_upstream error timeout; fastcgi_next_upstream_tries 2;\n"
    "    fastcgi_param REQUEST_METHOD $request_method; fastcgi_param REQUEST_URI $request_uri;\n"
    "    fastcgi_param REMOTE_ADDR 192.0.2.1; fastcgi_param CONTENT_TYPE $content_type;\n"
    "    fastcgi_param CONTENT_LENGTH $content_length; fastcgi_param HTTP_HOST $http_host;\n"
    "    fastcgi_param HTTP_AUTHORIZATION $http_authorization; } } }\n";

static bool write_configuration(char *path, size_t size)
{
    snprintf(path, size, "%s/nginx.conf", server.folder);
    snprintf(front, sizeof(front), "%s/front", server.folder);
    FILE *file = fopen(path, "we");
    if (file == NULL)
        return false;
    fprintf(file, CONFIGURATION, server.folder, server.path, front);
    return fclose(file) == 0;
}

static bool start_nginx(void)
{
    char path[200];
    if (!write_configuration(path, sizeof(path)))
        return false;
    nginx = fork();
    if (nginx == 0) {
        execlp("nginx", "nginx", "-c", path, "-p", server.folder, "-e", "stderr", (char *)NULL);
        _exit(127);
    }
    int64_t deadline_ms = clock_boot_ms() + CLIENT_PATIENCE_MS;
    while (nginx > 0 && clock_boot_ms() < deadline_ms) {
        int fd = client_connect(front);
        if (fd >= 0)
            return close(fd) == 0;
        if (waitpid(nginx, NULL, WNOHANG) != 0)
            return false;
        poll(NULL, 0, 5);
    }
    return false;
}

static int set_up(void **state)
{
    (void)state;
    log_set_lowest(LOG_ERROR_LEVEL);
    if (system("command -v nginx >/dev/null") != 0)
        return 0; /* each test skips */
    return fcgi_prepare(NULL) == STATUS_OK && server_start(&server, 4) && start_nginx() ? 0 : -1;
}

static int tear_down(void **state)
{
    (void)state;
    if (nginx <= 0)
        return 0;
    kill(nginx, SIGKILL);
    waitpid(nginx, NULL, 0);
    char command[200];
    snprintf(command, sizeof(command), "rm -rf '%s'", server.folder);
    server_stop(&server);
    return system(command) == 0 ? 0 : -1;
}

static void need_nginx(void)
{
    if (nginx > 0)
        return;
    print_message("SKIP: nginx is not installed\n");
    skip();
}

/* An HTTP/1.1 answer on a connection that stays open; its status, -1 where it breaks off. */
static int receive_http(int fd, struct buffer *ret_answer)
{
    buffer_clear(ret_answer);
    for (;;) {
        struct pollfd poll_fd = {.fd = fd, .events = POLLIN};
        uint8_t *room = buffer_reserve(ret_answer, 65536);
        if (room == NULL || poll(&poll_fd, 1, CLIENT_PATIENCE_MS) != 1)
            return -1;
        ssize_t count = recv(fd, room, 65536, 0);
        if (count <= 0)
            return -1;
        ret_answer->size += (size_t)count;
        const char *text = buffer_string(ret_answer);
        const char *end = strstr(text, "\r\n\r\n");
        const char *length = strcasestr(text, "\r\nContent-Length: ");
        if (end == NULL || length == NULL)
            continue;
        size_t size = strtoul(length + 18, NULL, 10);
        int status;
        if (ret_answer->size >= (size_t)(end + 4 - text) + size)
            return sscanf(text, "HTTP/1.1 %d", &status) == 1 ? status : -1;
    }
}

static int request_http(int fd, const char *text, struct buffer *ret_answer)
{
    if (send(fd, text, strlen(text), MSG_NOSIGNAL) != (ssize_t)strlen(text))
        return -1;
    return receive_http(fd, ret_answer);
}

struct client {
    pthread_t thread;
    int64_t until_ms;
    unsigned answered, failed;
    int64_t slowest_ms;
};

static void *ask_again_and_again(void *argument)
{
    struct client *client = argument;
    struct buffer answer = {0};
    int fd = client_connect(front);
    while (clock_boot_ms() < client->until_ms) {
        int64_t start_ms = clock_boot_ms();
        if (request_http(fd, "GET / HTTP/1.1\r\nHost: localhost\r\n\r\n", &answer) == 200)
            client->answered++;
        else
            client->failed++;
        int64_t took_ms = clock_boot_ms() - start_ms;
        client->slowest_ms = took_ms > client->slowest_ms ? took_ms : client->slowest_ms;
    }
    close(fd);
    buffer_release(&answer);
    return NULL;
}

static void sixteen_clients_on_four_threads_are_served_alike(void **state)
{
    (void)state;
    enum { CLIENTS = 16, RUN_MS = 1500 };
    need_nginx();
    struct client clients[CLIENTS];
    for (int i = 0; i < CLIENTS; i++) {
        clients[i] = (struct client){.until_ms = clock_boot_ms() + RUN_MS};
        assert_int_equal(pthread_create(&clients[i].thread, NULL, ask_again_and_again, &clients[i]),
                         0);
    }
    unsigned fewest = UINT32_MAX, most = 0;
    for (int i = 0; i < CLIENTS; i++) {
        pthread_join(clients[i].thread, NULL);
        assert_int_equal(clients[i].failed, 0);
        fewest = clients[i].answered < fewest ? clients[i].answered : fewest;
        most = clients[i].answered > most ? clients[i].answered : most;
    }
    print_message("the clients got %u to %u answers\n", fewest, most);
    assert_true(fewest > 0 && fewest * 4 > most);
}

static void connections_that_nginx_keeps_hold_up_nobody(void **state)
{
    (void)state;
    enum { CLIENTS = 24 };
    need_nginx();
    struct buffer answer = {0};
    int fds[CLIENTS];
    for (int i = 0; i < CLIENTS; i++) {
        fds[i] = client_connect(front);
        assert_int_equal(
            request_http(fds[i], "GET /healthz HTTP/1.1\r\nHost: localhost\r\n\r\n", &answer), 200);
    }
    int fd = client_connect(front);
    int64_t start_ms = clock_boot_ms();
    assert_int_equal(request_http(fd, "GET /healthz HTTP/1.1\r\nHost: localhost\r\n\r\n", &answer),
                     200);
    assert_true(clock_boot_ms() - start_ms < 2000);
    close(fd);
    for (int i = 0; i < CLIENTS; i++)
        close(fds[i]);
    buffer_release(&answer);
}

static void a_body_comes_through(void **state)
{
    (void)state;
    need_nginx();
    struct buffer answer = {0};
    int fd = client_connect(front);
    assert_int_equal(request_http(fd,
                                  "POST /api/v1/urls HTTP/1.1\r\nHost: localhost:8443\r\n"
                                  "Authorization: Bearer " FAKE_TOKEN "\r\n"
                                  "Content-Type: application/json\r\n"
                                  "Transfer-Encoding: chunked\r\n\r\n"
                                  "8\r\n{\"urls\":\r\ne\r\n[\"https://a/\"]\r\n1\r\n}\r\n0\r\n\r\n",
                                  &answer),
                     202);
    assert_string_equal(server.gateway.value, "https://a/");
    /* refused before the body is read: the connection goes on */
    for (int i = 0; i < 3; i++)
        assert_int_equal(request_http(fd,
                                      "POST /api/v1/urls HTTP/1.1\r\nHost: localhost:8443\r\n"
                                      "Content-Type: application/json\r\n"
                                      "Content-Length: 2\r\n\r\n{}",
                                      &answer),
                         401);
    assert_int_equal(request_http(fd, "GET / HTTP/1.1\r\nHost: localhost\r\n\r\n", &answer), 200);
    close(fd);
    buffer_release(&answer);
}

static void live_statistics_come_through_at_once(void **state)
{
    (void)state;
    need_nginx();
    int fd = client_connect(front);
    static const char question[] = "GET /api/v1/stats/stream HTTP/1.0\r\nHost: localhost:8443\r\n"
                                   "Authorization: Bearer " FAKE_TOKEN "\r\n\r\n";
    struct buffer answer = {0};
    assert_int_equal(send(fd, question, sizeof(question) - 1, 0), sizeof(question) - 1);
    while (strstr(buffer_string(&answer), "data: {") == NULL) {
        struct pollfd poll_fd = {.fd = fd, .events = POLLIN};
        uint8_t *room = buffer_reserve(&answer, 65536);
        assert_int_equal(poll(&poll_fd, 1, CLIENT_PATIENCE_MS), 1);
        ssize_t count = recv(fd, room, 65536, 0);
        assert_true(count > 0);
        answer.size += (size_t)count;
    }
    close(fd);
    buffer_release(&answer);
}

/* The last one: searches are held up from here on. */
static void clients_that_go_away_hold_no_thread(void **state)
{
    (void)state;
    enum { THREADS = 4 };
    need_nginx();
    static const char question[] = "GET /search?q=a HTTP/1.1\r\nHost: localhost\r\n\r\n";
    struct buffer answer = {0};
    unsigned before = server.gateway.searches;
    int fds[THREADS];
    server_hold_searches(&server);
    for (unsigned i = 0; i < THREADS; i++) {
        fds[i] = client_connect(front);
        assert_int_equal(send(fds[i], question, sizeof(question) - 1, 0), sizeof(question) - 1);
    }
    int64_t deadline_ms = clock_boot_ms() + CLIENT_PATIENCE_MS;
    while (server.gateway.searches < before + THREADS && clock_boot_ms() < deadline_ms)
        poll(NULL, 0, 1);
    for (unsigned i = 0; i < THREADS; i++)
        close(fds[i]);
    int fd = client_connect(front);
    assert_int_equal(request_http(fd, "GET /healthz HTTP/1.1\r\nHost: localhost\r\n\r\n", &answer),
                     200);
    assert_int_equal(server.gateway.searches, before + THREADS); /* no other worker was asked */
    close(fd);
    buffer_release(&answer);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(sixteen_clients_on_four_threads_are_served_alike),
        cmocka_unit_test(connections_that_nginx_keeps_hold_up_nobody),
        cmocka_unit_test(a_body_comes_through),
        cmocka_unit_test(live_statistics_come_through_at_once),
        cmocka_unit_test(clients_that_go_away_hold_no_thread),
    };
    return cmocka_run_group_tests(tests, set_up, tear_down);
}
