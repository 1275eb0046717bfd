#include "downloader/job.h"

#include <stdlib.h>
#include <zstd.h>

#include "downloader/headers.h"
#include "page/page.h"

enum { PACK_LEVEL = 3 };

struct job *job_new(uint64_t lease, const char *url)
{
    struct job *job = calloc(1, sizeof(*job));
    if (job == NULL)
        return NULL;
    job->lease = lease;
    job->fetched = arena_alloc(&job->arena, sizeof(*job->fetched));
    char *copy = arena_string(&job->arena, url);
    if (job->fetched == NULL || copy == NULL) {
        job_free(job);
        return NULL;
    }
    wire__fetched__init(job->fetched);
    job->fetched->lease = lease;
    job->fetched->url = copy;
    return job;
}

void job_free(struct job *job)
{
    if (job == NULL)
        return;
    buffer_release(&job->body);
    buffer_release(&job->packed);
    arena_release(&job->arena);
    free(job);
}

size_t job_weight(const struct job *job)
{
    return sizeof(*job) + job->arena.used_bytes + job->body.capacity + job->packed.capacity;
}

const char *job_header(struct job *job, const char *name)
{
    if (job->hop_count == 0)
        return NULL;
    const Log__Hop *last = job->hops[job->hop_count - 1];
    return headers_get(last->headers.data, last->headers.len, name, &job->arena);
}

enum status job_pack(struct job *job, struct ZSTD_CCtx_s *packer, struct error *err)
{
    Log__Content *content = job->fetched->content;
    size_t room = ZSTD_compressBound(job->body.size);
    uint8_t *out = buffer_reserve(&job->packed, room);
    if (out == NULL)
        return error_set(err, STATUS_NO_MEMORY, "packing");
    size_t size = ZSTD_compressCCtx(packer, out, room, job->body.data, job->body.size, PACK_LEVEL);
    if (ZSTD_isError(size))
        return error_set(err, STATUS_NO_MEMORY, "packing: %s", ZSTD_getErrorName(size));
    uint8_t *less = realloc(out, size); /* the room was for the worst case */
    if (less != NULL) {
        job->packed.data = less;
        job->packed.capacity = size;
    }
    job->packed.size = size;
    content->body_size = (uint32_t)job->body.size;
    content->body_zstd.data = job->packed.data;
    content->body_zstd.len = size;
    return STATUS_OK;
}

enum status job_unpack(struct job *job, const Log__Content *content, struct error *err)
{
    if (content->body_size > PAGE_BODY_BYTES_MAX)
        return error_set(err, STATUS_TOO_LARGE, "a body of %u bytes", content->body_size);
    if (content->body_size == 0)
        return STATUS_OK;
    uint8_t *out = buffer_reserve(&job->body, content->body_size);
    if (out == NULL)
        return error_set(err, STATUS_NO_MEMORY, "unpacking");
    size_t size =
        ZSTD_decompress(out, content->body_size, content->body_zstd.data, content->body_zstd.len);
    if (ZSTD_isError(size) || size != content->body_size)
        return error_set(err, STATUS_CORRUPT, "the held body cannot be unpacked");
    job->body.size = size;
    return STATUS_OK;
}
