#include "downloader/parser_child.h"

#include <errno.h>
#include <poll.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/buffer.h"
#include "base/bytes.h"
#include "base/clock.h"
#include "base/file.h"
#include "rpc/message.h"

enum { SIZE_BYTES = 4, KEPT_BYTES = 1024 * 1024 /* of the buffers, between pages */ };

struct parser_child {
    struct spawner *spawner;
    uint32_t page_ms;
    int fd; /* our end of the socket; -1: no process */
    struct buffer out, in;
    atomic_uint_fast64_t restarts;
    pthread_mutex_t mutex; /* of what follows, and of orders to start */
    bool interrupted;
};

/* ---- the process ---- */

static enum status start(struct parser_child *child, struct error *err)
{
    pthread_mutex_lock(&child->mutex);
    enum status status = child->interrupted
                             ? error_set(err, STATUS_CANCELLED, "the downloader stops")
                             : spawner_start(child->spawner, &child->fd, err);
    pthread_mutex_unlock(&child->mutex);
    return status == STATUS_UNAVAILABLE ? error_set(err, STATUS_IO, "%s", err->text) : status;
}

/* Also of a process that has died by itself. */
static void end_process(struct parser_child *child)
{
    if (child->fd < 0)
        return;
    fd_close(child->fd);
    child->fd = -1;
    spawner_end(child->spawner);
}

enum status parser_child_open(struct spawner *spawner, uint32_t page_ms,
                              struct parser_child **ret_child, struct error *err)
{
    struct parser_child *child = calloc(1, sizeof(*child));
    if (child == NULL)
        return error_set(err, STATUS_NO_MEMORY, "parser");
    child->spawner = spawner;
    child->page_ms = page_ms;
    child->fd = -1;
    child->in.limit = PARSER_ANSWER_BYTES_MAX + SIZE_BYTES;
    pthread_mutex_init(&child->mutex, NULL);
    enum status status = start(child, err);
    if (status != STATUS_OK) {
        parser_child_close(child);
        return status;
    }
    *ret_child = child;
    return STATUS_OK;
}

void parser_child_close(struct parser_child *child)
{
    if (child == NULL)
        return;
    end_process(child);
    pthread_mutex_destroy(&child->mutex);
    buffer_release(&child->out);
    buffer_release(&child->in);
    free(child);
}

void parser_child_interrupt(struct parser_child *child)
{
    pthread_mutex_lock(&child->mutex);
    child->interrupted = true;
    spawner_end(child->spawner);
    pthread_mutex_unlock(&child->mutex);
}

uint64_t parser_child_restarts(const struct parser_child *child)
{
    return atomic_load(&child->restarts);
}

/* ---- one page ---- */

static enum status died(struct error *err)
{
    return error_set(err, STATUS_UNAVAILABLE, "the parser died of this page");
}

/* Waits until the socket can be read or written. */
static enum status wait_for(struct parser_child *child, short events, int64_t deadline_ms,
                            struct error *err)
{
    struct pollfd polled = {.fd = child->fd, .events = events};
    int64_t left_ms = deadline_ms - clock_boot_ms();
    int ready = left_ms > 0 ? poll(&polled, 1, (int)left_ms) : 0;
    if (ready == 0)
        return error_set(err, STATUS_TIMEOUT, "the parser took more than %u s for this page",
                         child->page_ms / 1000);
    return STATUS_OK;
}

static enum status send_request(struct parser_child *child, int64_t deadline_ms, struct error *err)
{
    size_t done = 0;
    while (done < child->out.size) {
        ssize_t sent =
            send(child->fd, child->out.data + done, child->out.size - done, MSG_NOSIGNAL);
        if (sent >= 0) {
            done += (size_t)sent;
            continue;
        }
        if (errno != EAGAIN && errno != EINTR)
            return died(err);
        enum status status = wait_for(child, POLLOUT, deadline_ms, err);
        if (status != STATUS_OK)
            return status;
    }
    return STATUS_OK;
}

/* Reads until the buffer holds `size` bytes. */
static enum status receive(struct parser_child *child, size_t size, int64_t deadline_ms,
                           struct error *err)
{
    while (child->in.size < size) {
        uint8_t *room = buffer_reserve(&child->in, size - child->in.size);
        if (room == NULL)
            return error_set(err, STATUS_NO_MEMORY, "a parsed page");
        ssize_t got = recv(child->fd, room, size - child->in.size, 0);
        if (got > 0) {
            child->in.size += (size_t)got;
            continue;
        }
        if (got == 0 || (errno != EAGAIN && errno != EINTR))
            return died(err);
        enum status status = wait_for(child, POLLIN, deadline_ms, err);
        if (status != STATUS_OK)
            return status;
    }
    return STATUS_OK;
}

static enum status receive_page(struct parser_child *child, int64_t deadline_ms,
                                struct arena *arena, Page__Page **ret_page, struct error *err)
{
    enum status status = receive(child, SIZE_BYTES, deadline_ms, err);
    if (status != STATUS_OK)
        return status;
    uint32_t size = get_le32(child->in.data);
    if (size > PARSER_ANSWER_BYTES_MAX)
        return error_set(err, STATUS_CORRUPT, "the parser's answer is %u bytes", size);
    status = receive(child, SIZE_BYTES + (size_t)size, deadline_ms, err);
    if (status != STATUS_OK)
        return status;
    *ret_page = message_unpack(&page__page__descriptor, child->in.data + SIZE_BYTES, size, arena);
    return *ret_page != NULL ? STATUS_OK
                             : error_set(err, STATUS_CORRUPT, "the parser's answer is no page");
}

/* Large buffers are for large pages. */
static void empty(struct buffer *buffer)
{
    size_t limit = buffer->limit;
    if (buffer->capacity > KEPT_BYTES)
        buffer_release(buffer);
    buffer_clear(buffer);
    buffer->limit = limit;
}

static enum status exchange(struct parser_child *child, const Page__ParseRequest *request,
                            const struct parser_meanwhile *meanwhile, struct arena *arena,
                            Page__Page **ret_page, struct error *err)
{
    uint8_t size[SIZE_BYTES];
    int64_t deadline_ms = clock_boot_ms() + child->page_ms;
    put_le32(size, (uint32_t)protobuf_c_message_get_packed_size(&request->base));
    buffer_append(&child->out, size, sizeof(size));
    enum status status = message_pack(&request->base, &child->out, err);
    if (status == STATUS_OK)
        status = send_request(child, deadline_ms, err);
    if (status == STATUS_OK && meanwhile->work != NULL)
        meanwhile->work(meanwhile->context);
    if (status == STATUS_OK)
        status = receive_page(child, deadline_ms, arena, ret_page, err);
    empty(&child->out);
    empty(&child->in);
    return status;
}

enum status parser_child_parse(struct parser_child *child, const Page__ParseRequest *request,
                               const struct parser_meanwhile *meanwhile, struct arena *arena,
                               Page__Page **ret_page, struct error *err)
{
    if (child->fd < 0) {
        enum status status = start(child, err);
        if (status != STATUS_OK)
            return status;
        atomic_fetch_add(&child->restarts, 1);
    }
    enum status status = exchange(child, request, meanwhile, arena, ret_page, err);
    if (status == STATUS_OK)
        return STATUS_OK;
    end_process(child);
    pthread_mutex_lock(&child->mutex);
    if (child->interrupted) /* then it was us, and not the page */
        status = error_set(err, STATUS_CANCELLED, "the downloader stops");
    pthread_mutex_unlock(&child->mutex);
    return status;
}
