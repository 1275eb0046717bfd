#include "crawl/unpack.h"

#include <stdbool.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <zlib.h>
#include <zstd.h>

#include "base/check.h"

enum { PIECE_BYTES = 64 * 1024, WINDOW_BITS_GZIP = 15 + 16, MAGIC_BYTES = 4 };

enum packing { PACKING_UNKNOWN, PACKING_NONE, PACKING_GZIP, PACKING_ZSTD };

struct unpacker {
    unpack_source *source;
    void *context;
    enum packing packing;
    bool exhausted;  /* the source has come to its end */
    bool within;     /* a gzip member or a zstd frame that has begun and not ended */
    size_t at, size; /* what is left in `piece` */
    z_stream zlib;
    ZSTD_DCtx *zstd;
    uint8_t piece[PIECE_BYTES];
};

enum status unpacker_open(unpack_source *source, void *context, struct unpacker **ret_unpacker,
                          struct error *err)
{
    struct unpacker *unpacker = calloc(1, sizeof(*unpacker));
    if (unpacker == NULL)
        return error_set(err, STATUS_NO_MEMORY, "unpacking");
    unpacker->source = source;
    unpacker->context = context;
    *ret_unpacker = unpacker;
    return STATUS_OK;
}

void unpacker_close(struct unpacker *unpacker)
{
    if (unpacker == NULL)
        return;
    if (unpacker->packing == PACKING_GZIP)
        inflateEnd(&unpacker->zlib);
    ZSTD_freeDCtx(unpacker->zstd);
    free(unpacker);
}

/* ---- the packed side ---- */

/* More of the source behind what is left in the piece. */
static enum status read_more(struct unpacker *unpacker, struct error *err)
{
    size_t got = 0;
    memmove(unpacker->piece, unpacker->piece + unpacker->at, unpacker->size);
    unpacker->at = 0;
    enum status status = unpacker->source(unpacker->context, unpacker->piece + unpacker->size,
                                          sizeof(unpacker->piece) - unpacker->size, &got, err);
    if (status != STATUS_OK)
        return status;
    CHECK(got <= sizeof(unpacker->piece) - unpacker->size);
    unpacker->size += got;
    unpacker->exhausted = got == 0;
    return STATUS_OK;
}

static enum status begin_packing(struct unpacker *unpacker, struct error *err)
{
    static const uint8_t gzip[] = {0x1f, 0x8b}, zstd[] = {0x28, 0xb5, 0x2f, 0xfd};
    enum status status = STATUS_OK;
    while (unpacker->size < MAGIC_BYTES && !unpacker->exhausted && status == STATUS_OK)
        status = read_more(unpacker, err);
    if (status != STATUS_OK)
        return status;
    unpacker->packing = PACKING_NONE;
    if (unpacker->size >= sizeof(gzip) && memcmp(unpacker->piece, gzip, sizeof(gzip)) == 0) {
        if (inflateInit2(&unpacker->zlib, WINDOW_BITS_GZIP) != Z_OK)
            return error_set(err, STATUS_NO_MEMORY, "inflate");
        unpacker->packing = PACKING_GZIP;
    } else if (unpacker->size >= sizeof(zstd) && memcmp(unpacker->piece, zstd, sizeof(zstd)) == 0) {
        unpacker->zstd = ZSTD_createDCtx();
        if (unpacker->zstd == NULL)
            return error_set(err, STATUS_NO_MEMORY, "zstd");
        unpacker->packing = PACKING_ZSTD;
    }
    return STATUS_OK;
}

/* ---- steps: each makes some bytes, or uses up some, or both ---- */

static enum status step_plain(struct unpacker *unpacker, uint8_t *out, size_t room,
                              size_t *ret_size)
{
    *ret_size = unpacker->size < room ? unpacker->size : room;
    memcpy(out, unpacker->piece + unpacker->at, *ret_size);
    unpacker->at += *ret_size;
    unpacker->size -= *ret_size;
    return STATUS_OK;
}

static enum status step_gzip(struct unpacker *unpacker, uint8_t *out, size_t room, size_t *ret_size,
                             struct error *err)
{
    z_stream *zlib = &unpacker->zlib;
    zlib->next_in = unpacker->piece + unpacker->at;
    zlib->avail_in = (uInt)unpacker->size;
    zlib->next_out = out;
    zlib->avail_out = room > UINT32_MAX ? UINT32_MAX : (uInt)room;
    if (!unpacker->within)
        inflateReset(zlib);
    unpacker->within = true;
    int result = inflate(zlib, Z_NO_FLUSH);
    unpacker->at += unpacker->size - zlib->avail_in;
    unpacker->size = zlib->avail_in;
    *ret_size = (size_t)(zlib->next_out - out);
    if (result == Z_STREAM_END)
        unpacker->within = false;
    else if (result == Z_MEM_ERROR)
        return error_set(err, STATUS_NO_MEMORY, "inflate");
    else if (result != Z_OK && result != Z_BUF_ERROR)
        return error_set(err, STATUS_CORRUPT, "the gzip bytes are damaged");
    return STATUS_OK;
}

static enum status step_zstd(struct unpacker *unpacker, uint8_t *out, size_t room, size_t *ret_size,
                             struct error *err)
{
    ZSTD_inBuffer in = {unpacker->piece + unpacker->at, unpacker->size, 0};
    ZSTD_outBuffer produced = {out, room, 0};
    size_t left = ZSTD_decompressStream(unpacker->zstd, &produced, &in);
    if (ZSTD_isError(left))
        return error_set(err, STATUS_CORRUPT, "the zstd bytes are damaged: %s",
                         ZSTD_getErrorName(left));
    unpacker->within = left != 0;
    unpacker->at += in.pos;
    unpacker->size -= in.pos;
    *ret_size = produced.pos;
    return STATUS_OK;
}

static enum status step(struct unpacker *unpacker, uint8_t *out, size_t room, size_t *ret_size,
                        struct error *err)
{
    switch (unpacker->packing) {
    case PACKING_GZIP:
        return step_gzip(unpacker, out, room, ret_size, err);
    case PACKING_ZSTD:
        return step_zstd(unpacker, out, room, ret_size, err);
    default:
        return step_plain(unpacker, out, room, ret_size);
    }
}

enum status unpacker_read(struct unpacker *unpacker, void *ret_bytes, size_t room, size_t *ret_size,
                          struct error *err)
{
    enum status status =
        unpacker->packing == PACKING_UNKNOWN ? begin_packing(unpacker, err) : STATUS_OK;
    size_t made = 0;
    while (status == STATUS_OK && made == 0 && room > 0) {
        if (unpacker->size == 0 && !unpacker->exhausted) {
            status = read_more(unpacker, err);
            continue;
        }
        if (unpacker->size == 0 && !unpacker->within)
            break;
        size_t before = unpacker->size;
        status = step(unpacker, ret_bytes, room, &made, err);
        if (status == STATUS_OK && made == 0 && unpacker->size == before && unpacker->within) {
            if (unpacker->exhausted)
                status = error_set(err, STATUS_CORRUPT, "the packed bytes end too soon");
            else
                status = read_more(unpacker, err);
        }
    }
    if (status == STATUS_OK)
        *ret_size = made;
    return status;
}
