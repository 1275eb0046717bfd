#include "parser/serve.h"

#include <stdbool.h>
#include <stdint.h>
#include <sys/resource.h>
#include <time.h>

#include "base/buffer.h"
#include "base/bytes.h"
#include "base/file.h"
#include "parser/translate.h"

enum {
    FRAME_HEADER_BYTES = 4,
    KEPT_BYTES = 1024 * 1024, /* of the buffers, from one page to the next */
};

/* The limit on the process's CPU time moves with every page. */
static void renew_cpu_limit(void)
{
    struct timespec used;
    struct rlimit limit;
    if (getrlimit(RLIMIT_CPU, &limit) != 0)
        return;
    clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &used);
    rlim_t wanted = (rlim_t)used.tv_sec + SERVE_PAGE_CPU_SECONDS + 1;
    limit.rlim_cur = wanted < limit.rlim_max ? wanted : limit.rlim_max;
    (void)setrlimit(RLIMIT_CPU, &limit);
}

/* Reads past a request that is too large to be looked at. */
static enum status skip(int fd, size_t size, struct error *err)
{
    uint8_t bytes[16 * 1024];
    enum status status = STATUS_OK;
    while (size > 0 && status == STATUS_OK) {
        size_t part = size < sizeof(bytes) ? size : sizeof(bytes);
        status = fd_read_all(fd, bytes, part, err);
        size -= part;
    }
    return status;
}

/* Reads a request and fills its answer, behind room for the header. */
static enum status answer_one(int fd, struct buffer *request, struct buffer *answer,
                              struct error *err)
{
    uint8_t header[FRAME_HEADER_BYTES];
    enum status status = fd_read_all(fd, header, sizeof(header), err);
    if (status != STATUS_OK)
        return status;
    size_t size = get_le32(header);
    buffer_append(answer, header, sizeof(header));
    if (size > SERVE_REQUEST_BYTES_MAX) {
        status = skip(fd, size, err);
        return status == STATUS_OK
                   ? translate_refusal("the page is larger than the parser takes", answer, err)
                   : status;
    }
    uint8_t *room = buffer_reserve(request, size);
    if (room == NULL)
        return error_set(err, STATUS_NO_MEMORY, "a request of %zu bytes", size);
    status = fd_read_all(fd, room, size, err);
    return status == STATUS_OK ? translate_request(room, size, answer, err) : status;
}

static enum status send_answer(int fd, struct buffer *answer, struct error *err)
{
    put_le32(answer->data, (uint32_t)(answer->size - FRAME_HEADER_BYTES));
    return fd_write_all(fd, answer->data, answer->size, err);
}

static void forget(struct buffer *buffer)
{
    if (buffer->capacity > KEPT_BYTES)
        buffer_release(buffer);
    else
        buffer_clear(buffer);
}

enum status serve(int fd_in, int fd_out, struct error *err)
{
    struct buffer request = {0}, answer = {0};
    enum status status = STATUS_OK;
    while (status == STATUS_OK) {
        renew_cpu_limit();
        status = answer_one(fd_in, &request, &answer, err);
        if (status == STATUS_OK)
            status = send_answer(fd_out, &answer, err);
        forget(&request);
        forget(&answer);
    }
    buffer_release(&request);
    buffer_release(&answer);
    return status == STATUS_END ? STATUS_OK : status;
}
