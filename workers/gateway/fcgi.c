#include "gateway/fcgi.h"

#include <errno.h>
#include <fastcgi.h>
#include <poll.h>
#include <signal.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/time.h>

#include "base/bytes.h"
#include "base/clock.h"
#include "base/file.h"

enum {
    CONTENT_BYTES_MAX =
        65528, /* of a record; a multiple of 8, so that long answers need no padding */
    SKIP_BYTES_MAX = 8 * 1024 * 1024,
    SKIP_MS_MAX = 500,
};

enum status fcgi_prepare(struct error *err)
{
    static const int touched[] = {SIGPIPE, SIGUSR1, SIGTERM}; /* by FCGX_Init() */
    struct sigaction before[3];
    for (size_t i = 0; i < 3; i++)
        sigaction(touched[i], NULL, &before[i]);
    int result = FCGX_Init();
    for (size_t i = 0; i < 3; i++)
        sigaction(touched[i], &before[i], NULL);
    if (result != 0)
        return error_set(err, STATUS_NO_MEMORY, "libfcgi does not start");
    return STATUS_OK;
}

enum status fcgi_set_up_connection(int fd, struct error *err)
{
    const struct timeval silence = {.tv_sec = FCGI_SILENCE_MS_MAX / 1000,
                                    .tv_usec = FCGI_SILENCE_MS_MAX % 1000 * 1000};
    if (setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &silence, sizeof(silence)) != 0)
        return error_set_errno(err, errno, "FastCGI connection");
    return fd_set_nonblocking(fd, false, err);
}

enum status fcgi_receive(struct fcgi *fcgi, int fd)
{
    *fcgi = (struct fcgi){.fd = fd};
    /* FCGX_Accept_r() reads from a connection that is there; it looks for a new one, and fails to,
     * only where that connection ends. `detached` keeps its closing from waiting for the peer. */
    FCGX_InitRequest(&fcgi->request, -1, 0);
    fcgi->request.ipcFd = fd;
    fcgi->request.keepConnection = 1;
    fcgi->request.detached = 1;
    if (FCGX_Accept_r(&fcgi->request) == 0)
        return STATUS_OK;
    fcgi->fd = -1;
    return STATUS_END;
}

const char *fcgi_variable(const struct fcgi *fcgi, const char *name)
{
    return FCGX_GetParam(name, fcgi->request.envp);
}

/* Appends what has arrived of the body, waiting for some; false at its end or where it breaks off.
 */
static bool read_some(struct fcgi *fcgi, struct buffer *ret_bytes)
{
    FCGX_Stream *in = fcgi->request.in;
    int byte = FCGX_GetChar(in);
    if (byte < 0) {
        fcgi->is_body_read = FCGX_GetError(in) == 0;
        return false;
    }
    buffer_append_byte(ret_bytes, (uint8_t)byte);
    size_t size = (size_t)(in->stop - in->rdNext); /* at hand: does not wait */
    uint8_t *room = size == 0 ? NULL : buffer_reserve(ret_bytes, size);
    if (room != NULL)
        ret_bytes->size += (size_t)FCGX_GetStr((char *)room, (int)size, in);
    return true;
}

enum status fcgi_read_body(void *source, size_t limit, struct buffer *ret_bytes, struct error *err)
{
    struct fcgi *fcgi = source;
    int64_t deadline_ms = clock_boot_ms() + FCGI_BODY_MS_MAX;
    while (read_some(fcgi, ret_bytes)) {
        if (ret_bytes->failed)
            return error_set(err, STATUS_NO_MEMORY, "The body of the request.");
        if (ret_bytes->size > limit)
            return error_set(err, STATUS_TOO_LARGE, "The body has more than %zu bytes.", limit);
        if (clock_boot_ms() >= deadline_ms)
            return error_set(err, STATUS_TIMEOUT, "The body took too long to arrive.");
    }
    if (!fcgi->is_body_read)
        return error_set(err, STATUS_TIMEOUT, "The body broke off.");
    return STATUS_OK;
}

void fcgi_skip_body(struct fcgi *fcgi)
{
    struct buffer skipped = {0};
    size_t size = 0;
    int64_t deadline_ms = 0; /* most requests have no body, and need no clock */
    while (!fcgi->is_body_read && read_some(fcgi, &skipped) && size < SKIP_BYTES_MAX) {
        int64_t now_ms = clock_boot_ms();
        if (deadline_ms == 0)
            deadline_ms = now_ms + SKIP_MS_MAX;
        if (now_ms >= deadline_ms)
            break;
        size += skipped.size;
        buffer_clear(&skipped);
    }
    buffer_release(&skipped);
}

bool fcgi_is_abandoned(int fd)
{
    /* POLLHUP: the other end is closed, as it always is at once on a unix socket. POLLRDHUP alone
     * could be a peer that is done sending. */
    struct pollfd poll_fd = {.fd = fd};
    return poll(&poll_fd, 1, 0) == 1 && (poll_fd.revents & (POLLHUP | POLLERR)) != 0;
}

bool fcgi_finish(struct fcgi *fcgi)
{
    bool keeps = fcgi->fd >= 0 && fcgi->is_body_read && fcgi->request.keepConnection != 0;
    FCGX_Free(&fcgi->request, 0);
    return keeps;
}

static void append_header(struct buffer *records, int type, int request_id, size_t content_size,
                          size_t padding_size)
{
    const uint8_t header[FCGI_HEADER_LEN] = {
        FCGI_VERSION_1,
        (uint8_t)type,
        (uint8_t)(request_id >> 8),
        (uint8_t)request_id,
        (uint8_t)(content_size >> 8),
        (uint8_t)content_size,
        (uint8_t)padding_size,
        0,
    };
    buffer_append(records, header, sizeof(header));
}

void fcgi_append_output(struct buffer *records, int request_id, const void *bytes, size_t size)
{
    static const uint8_t zeros[8];
    const uint8_t *at = bytes;
    while (size > 0) {
        size_t content_size = size < CONTENT_BYTES_MAX ? size : CONTENT_BYTES_MAX;
        size_t padding_size = -content_size & 7;
        append_header(records, FCGI_STDOUT, request_id, content_size, padding_size);
        buffer_append(records, at, content_size);
        buffer_append(records, zeros, padding_size);
        at += content_size;
        size -= content_size;
    }
}

void fcgi_append_end(struct buffer *records, int request_id)
{
    static const uint8_t body[8] = {0, 0, 0, 0, FCGI_REQUEST_COMPLETE};
    append_header(records, FCGI_STDOUT, request_id, 0, 0);
    append_header(records, FCGI_END_REQUEST, request_id, sizeof(body), 0);
    buffer_append(records, body, sizeof(body));
}

bool fcgi_send(int fd, const struct buffer *records)
{
    if (records->failed)
        return false;
    int64_t deadline_ms = clock_boot_ms() + FCGI_SEND_MS_MAX;
    size_t sent = 0;
    while (sent < records->size) {
        ssize_t count =
            send(fd, records->data + sent, records->size - sent, MSG_NOSIGNAL | MSG_DONTWAIT);
        if (count >= 0) {
            sent += (size_t)count;
        } else if (errno == EAGAIN) {
            int64_t wait_ms = deadline_ms - clock_boot_ms();
            struct pollfd poll_fd = {.fd = fd, .events = POLLOUT};
            if (wait_ms <= 0 || poll(&poll_fd, 1, (int)wait_ms) == 0)
                return false;
        } else if (errno != EINTR) {
            return false;
        }
    }
    return true;
}

void fcgi_refuse(int fd)
{
    static const char answer[] = "Status: 503 Service Unavailable\r\n"
                                 "Retry-After: 1\r\n"
                                 "Cache-Control: no-store\r\n"
                                 "Content-Type: text/plain; charset=utf-8\r\n"
                                 "\r\n"
                                 "Too many requests at once. Please try again in a moment.\n";
    uint8_t received[8192];
    ssize_t size = recv(fd, received, sizeof(received), MSG_DONTWAIT);
    bool begins_request = size >= FCGI_HEADER_LEN && received[0] == FCGI_VERSION_1 &&
                          received[1] == FCGI_BEGIN_REQUEST;
    if (!begins_request)
        return;
    int request_id = received[2] << 8 | received[3];
    /* What stays unread makes the kernel cut the peer off before it has read the answer. */
    for (int i = 0; i < 64 && size > 0; i++)
        size = recv(fd, received, sizeof(received), MSG_DONTWAIT);
    struct buffer records = {0};
    fcgi_append_output(&records, request_id, answer, sizeof(answer) - 1);
    fcgi_append_end(&records, request_id);
    if (!records.failed)
        (void)!send(fd, records.data, records.size, MSG_NOSIGNAL | MSG_DONTWAIT);
    buffer_release(&records);
}
