#include "crawl/gunzip.h"

#include <string.h>
#include <zlib.h>

enum { STEP_BYTES = 64 * 1024, WINDOW_BITS_GZIP = 15 + 16 };

bool gunzip_is_packed(const uint8_t *body, size_t size)
{
    return size > 10 && memcmp(body, "\x1F\x8B\x08", 3) == 0;
}

/* True: there is more to come. */
static bool step(z_stream *zlib, struct buffer *bytes, bool *ret_is_cut)
{
    size_t left = GUNZIP_BYTES_MAX - bytes->size;
    uint8_t *room = left == 0 ? NULL : buffer_reserve(bytes, STEP_BYTES);
    if (room == NULL) {
        *ret_is_cut = true;
        return false;
    }
    size_t wanted = left < STEP_BYTES ? left : STEP_BYTES;
    zlib->next_out = room;
    zlib->avail_out = (uInt)wanted;
    int result = inflate(zlib, Z_NO_FLUSH);
    bytes->size += wanted - zlib->avail_out;
    if (result == Z_STREAM_END) { /* another one may follow, as if it were the same */
        bool another = gunzip_is_packed(zlib->next_in, zlib->avail_in);
        return another && inflateReset(zlib) == Z_OK;
    }
    *ret_is_cut = result != Z_OK || (zlib->avail_in == 0 && zlib->avail_out > 0);
    return !*ret_is_cut;
}

enum status gunzip(const uint8_t *body, size_t size, struct buffer *ret_bytes, bool *ret_is_cut,
                   struct error *err)
{
    z_stream zlib = {.next_in = (Bytef *)(uintptr_t)body, .avail_in = (uInt)size};
    if (inflateInit2(&zlib, WINDOW_BITS_GZIP) != Z_OK)
        return error_set(err, STATUS_NO_MEMORY, "gunzip");
    *ret_is_cut = false;
    while (step(&zlib, ret_bytes, ret_is_cut)) {
    }
    inflateEnd(&zlib);
    if (ret_bytes->failed)
        return error_set(err, STATUS_NO_MEMORY, "gunzip");
    return ret_bytes->size == 0 && *ret_is_cut
               ? error_set(err, STATUS_CORRUPT, "the gzip file is damaged from its beginning on")
               : STATUS_OK;
}
