/* A FastCGI client for tests, in plain records: what a proxy does, and what it should not do. */
#ifndef TIERCE_TESTS_FCGI_CLIENT_H
#define TIERCE_TESTS_FCGI_CLIENT_H

#include <errno.h>
#include <fastcgi.h>
#include <poll.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include "base/buffer.h"
#include "base/clock.h"

enum { CLIENT_PATIENCE_MS = 20000 };

static inline void client_record(struct buffer *out, int type, int request_id, const void *bytes,
                                 size_t size)
{
    const uint8_t header[] = {1,
                              (uint8_t)type,
                              (uint8_t)(request_id >> 8),
                              (uint8_t)request_id,
                              (uint8_t)(size >> 8),
                              (uint8_t)size,
                              0,
                              0};
    buffer_append(out, header, sizeof(header));
    buffer_append(out, bytes, size);
}

static inline void client_variable(struct buffer *out, const char *name, const char *value)
{
    size_t size = strlen(value);
    buffer_append_byte(out, (uint8_t)strlen(name));
    if (size < 128) {
        buffer_append_byte(out, (uint8_t)size);
    } else {
        const uint8_t bytes[] = {(uint8_t)(size >> 24 | 0x80), (uint8_t)(size >> 16),
                                 (uint8_t)(size >> 8), (uint8_t)size};
        buffer_append(out, bytes, sizeof(bytes));
    }
    buffer_append_string(out, name);
    buffer_append_string(out, value);
}

/* Up to the end of the variables. */
static inline void client_begin(struct buffer *out, int request_id, bool keeps, const char *method,
                                const char *target)
{
    const uint8_t begin[8] = {0, FCGI_RESPONDER, keeps ? FCGI_KEEP_CONN : 0};
    struct buffer variables = {0};
    client_record(out, FCGI_BEGIN_REQUEST, request_id, begin, sizeof(begin));
    client_variable(&variables, "REQUEST_METHOD", method);
    client_variable(&variables, "REQUEST_URI", target);
    client_variable(&variables, "REMOTE_ADDR", "192.0.2.1");
    client_variable(&variables, "HTTPS", "on");
    client_variable(&variables, "CONTENT_LENGTH", "-1");
    client_variable(&variables, "CONTENT_TYPE", "application/json");
    client_variable(&variables, "HTTP_HOST", "localhost:8443");
    client_variable(&variables, "HTTP_AUTHORIZATION",
                    "Bearer aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa");
    client_record(out, FCGI_PARAMS, request_id, variables.data, variables.size);
    client_record(out, FCGI_PARAMS, request_id, NULL, 0);
    buffer_release(&variables);
}

static inline bool client_send(int fd, struct buffer *bytes)
{
    bool sends = send(fd, bytes->data, bytes->size, MSG_NOSIGNAL) == (ssize_t)bytes->size;
    buffer_release(bytes);
    return sends;
}

/* A whole request without a body. */
static inline bool client_get(int fd, bool keeps, const char *target)
{
    struct buffer out = {0};
    client_begin(&out, 1, keeps, "GET", target);
    client_record(&out, FCGI_STDIN, 1, NULL, 0);
    return client_send(fd, &out);
}

static inline bool client_receive(int fd, void *bytes, size_t size)
{
    int64_t deadline_ms = clock_boot_ms() + CLIENT_PATIENCE_MS;
    for (size_t got = 0; got < size;) {
        struct pollfd poll_fd = {.fd = fd, .events = POLLIN};
        int left_ms = (int)(deadline_ms - clock_boot_ms());
        if (left_ms <= 0 || poll(&poll_fd, 1, left_ms) != 1)
            return false;
        ssize_t count = recv(fd, (char *)bytes + got, size - got, 0);
        if (count <= 0)
            return false;
        got += (size_t)count;
    }
    return true;
}

/* One record; false where the connection ends, or nothing comes. Output is appended. */
static inline bool client_next(int fd, int *ret_type, int *ret_request_id,
                               struct buffer *ret_output)
{
    uint8_t header[8], content[65536 + 256];
    if (!client_receive(fd, header, sizeof(header)) || header[0] != 1)
        return false;
    size_t size = (size_t)(header[4] << 8 | header[5]);
    if (!client_receive(fd, content, size + header[6]))
        return false;
    *ret_type = header[1];
    *ret_request_id = header[2] << 8 | header[3];
    if (header[1] == FCGI_STDOUT)
        buffer_append(ret_output, content, size);
    return true;
}

/* The output up to the request's end; false where it does not come to one. */
static inline bool client_answer(int fd, struct buffer *ret_output)
{
    int type, request_id;
    buffer_clear(ret_output);
    while (client_next(fd, &type, &request_id, ret_output))
        if (type == FCGI_END_REQUEST)
            return true;
    return false;
}

/* The status of an answer: "Status: 200 OK" is 200. */
static inline int client_status(struct buffer *output)
{
    int status = 0;
    return sscanf(buffer_string(output), "Status: %d", &status) == 1 ? status : -1;
}

/* Whether the other end has closed, waiting for it. */
static inline bool client_is_closed(int fd)
{
    char byte;
    struct pollfd poll_fd = {.fd = fd, .events = POLLIN};
    return poll(&poll_fd, 1, CLIENT_PATIENCE_MS) == 1 && recv(fd, &byte, 1, 0) <= 0;
}

static inline int client_connect(const char *path)
{
    struct sockaddr_un address = {.sun_family = AF_UNIX};
    snprintf(address.sun_path, sizeof(address.sun_path), "%s", path);
    int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
    if (fd >= 0 && connect(fd, (struct sockaddr *)&address, sizeof(address)) != 0) {
        close(fd);
        return -1;
    }
    return fd;
}

#endif
