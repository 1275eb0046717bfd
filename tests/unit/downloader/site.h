/* Starts tests/e2e/site_server.py for a test, asks it for its access log, and stops it. */
#ifndef TIERCE_TESTS_SITE_H
#define TIERCE_TESTS_SITE_H

#include <curl/curl.h>
#include <fcntl.h>
#include <signal.h>
#include <spawn.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/buffer.h"
#include "base/check.h"

struct site {
    pid_t pid;
    int stdin_fd; /* the server ends when it is closed */
    char url[80]; /* "http://127.0.0.1:4711" */
};

/* A line of the server's access log. */
struct site_request {
    int64_t began_us; /* clock_boot_us() */
    int64_t ended_us;
    unsigned connection;
    unsigned number;
    unsigned status;
    char host[64];
    char target[256];
};

/* `more` are further arguments, NULL at the end; may be NULL. */
static inline void site_start(struct site *site, char *const *more)
{
    static char python[] = "python3", program[] = "tests/e2e/site_server.py";
    char *argv[16] = {python, program};
    int count = 2;
    for (; more != NULL && more[count - 2] != NULL; count++)
        argv[count] = more[count - 2];
    int in[2], out[2];
    CHECK(pipe2(in, O_CLOEXEC) == 0 && pipe2(out, O_CLOEXEC) == 0);
    posix_spawn_file_actions_t actions;
    posix_spawn_file_actions_init(&actions);
    posix_spawn_file_actions_adddup2(&actions, in[0], 0);
    posix_spawn_file_actions_adddup2(&actions, out[1], 1);
    extern char **environ;
    CHECK(posix_spawnp(&site->pid, argv[0], &actions, NULL, argv, environ) == 0);
    posix_spawn_file_actions_destroy(&actions);
    close(in[0]);
    close(out[1]);
    site->stdin_fd = in[1];
    FILE *lines = fdopen(out[0], "r");
    CHECK(fscanf(lines, "listening on %79s", site->url) == 1);
    fclose(lines);
}

static inline void site_stop(struct site *site)
{
    close(site->stdin_fd);
    waitpid(site->pid, NULL, 0);
}

static inline size_t site_take_bytes(char *bytes, size_t unit, size_t count, void *context)
{
    buffer_append(context, bytes, unit * count);
    return unit * count;
}

/* Asks the server for a path by a connection of its own. */
static inline void site_get(const struct site *site, const char *path, struct buffer *ret_body)
{
    char url[512];
    snprintf(url, sizeof(url), "%s%s", site->url, path);
    CURL *easy = curl_easy_init();
    curl_easy_setopt(easy, CURLOPT_URL, url);
    curl_easy_setopt(easy, CURLOPT_PROXY, "");
    curl_easy_setopt(easy, CURLOPT_SSL_VERIFYPEER, 0L);
    curl_easy_setopt(easy, CURLOPT_WRITEFUNCTION, site_take_bytes);
    curl_easy_setopt(easy, CURLOPT_WRITEDATA, ret_body);
    CHECK(curl_easy_perform(easy) == CURLE_OK);
    curl_easy_cleanup(easy);
}

/* Reads the access log, oldest first. Returns the number of requests. */
static inline size_t site_log(const struct site *site, struct site_request *ret, size_t max)
{
    struct buffer text = {0};
    site_get(site, "/_log.txt", &text);
    size_t count = 0;
    for (const char *at = buffer_string(&text); *at != '\0' && count < max; count++) {
        struct site_request *request = &ret[count];
        CHECK(sscanf(at, "%ld %ld %u %u %u %63s %255s", &request->began_us, &request->ended_us,
                     &request->connection, &request->number, &request->status, request->host,
                     request->target) == 7);
        at = strchr(at, '\n') + 1;
    }
    buffer_release(&text);
    return count;
}

#endif
