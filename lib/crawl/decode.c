#include "crawl/decode.h"

#include <brotli/decode.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <zlib.h>
#include <zstd.h>

#include "base/check.h"

enum { STEP_BYTES = 32 * 1024, WINDOW_BITS_RAW = -15, WINDOW_BITS_GZIP = 15 + 16 };

struct decoder {
    enum coding coding;
    bool begun; /* the coded stream has begun */
    bool ended; /* ... and come to its end */
    bool over;  /* ... and is not followed by another: the rest is ignored */
    uint64_t received;
    uint64_t decoded;
    z_stream zlib; /* gzip, deflate */
    bool zlib_ready;
    BrotliDecoderState *brotli;
    ZSTD_DCtx *zstd;
    bool within_frame; /* of zstd's */
};

/* What a step may read and write; it moves both on. */
struct step {
    const uint8_t *in;
    size_t in_size;
    uint8_t *out;
    size_t out_size;
};

enum status coding_parse(const char *value, enum coding *ret_coding, struct error *err)
{
    static const struct {
        const char *name;
        enum coding coding;
    } known[] = {{"", CODING_IDENTITY},   {"identity", CODING_IDENTITY}, {"gzip", CODING_GZIP},
                 {"x-gzip", CODING_GZIP}, {"deflate", CODING_DEFLATE},   {"br", CODING_BROTLI},
                 {"zstd", CODING_ZSTD}};
    if (value == NULL)
        value = "";
    value += strspn(value, " \t");
    size_t size = strcspn(value, " \t");
    if (value[size + strspn(value + size, " \t")] == '\0') {
        for (size_t i = 0; i < ARRAY_COUNT(known); i++) {
            if (strlen(known[i].name) == size && strncasecmp(value, known[i].name, size) == 0) {
                *ret_coding = known[i].coding;
                return STATUS_OK;
            }
        }
    }
    if (strchr(value, ',') != NULL)
        return error_set(err, STATUS_UNSUPPORTED, "more than one content coding: %.60s", value);
    return error_set(err, STATUS_UNSUPPORTED, "unknown content coding: %.60s", value);
}

enum status decoder_open(enum coding coding, struct decoder **ret_decoder, struct error *err)
{
    struct decoder *decoder = calloc(1, sizeof(*decoder));
    if (decoder == NULL)
        return error_set(err, STATUS_NO_MEMORY, "decoder");
    decoder->coding = coding;
    if (coding == CODING_BROTLI) {
        decoder->brotli = BrotliDecoderCreateInstance(NULL, NULL, NULL);
        if (decoder->brotli == NULL)
            goto no_memory;
    }
    if (coding == CODING_ZSTD) {
        decoder->zstd = ZSTD_createDCtx();
        if (decoder->zstd == NULL)
            goto no_memory;
        CHECK(!ZSTD_isError(ZSTD_DCtx_setParameter(decoder->zstd, ZSTD_d_windowLogMax,
                                                   DECODE_ZSTD_WINDOW_LOG_MAX)));
    }
    *ret_decoder = decoder;
    return STATUS_OK;

no_memory:
    decoder_close(decoder);
    return error_set(err, STATUS_NO_MEMORY, "decoder");
}

void decoder_close(struct decoder *decoder)
{
    if (decoder == NULL)
        return;
    if (decoder->zlib_ready)
        inflateEnd(&decoder->zlib);
    if (decoder->brotli != NULL)
        BrotliDecoderDestroyInstance(decoder->brotli);
    ZSTD_freeDCtx(decoder->zstd);
    free(decoder);
}

/* "deflate" ought to mean the zlib format, but some servers send it without its two-byte head: that
 * head's first byte is never a raw stream's first byte from any encoder met in the wild. */
static enum status begin_zlib(struct decoder *decoder, const struct step *step, struct error *err)
{
    int bits = WINDOW_BITS_GZIP;
    if (decoder->coding == CODING_DEFLATE)
        bits = (step->in[0] & 0x0f) == Z_DEFLATED ? MAX_WBITS : WINDOW_BITS_RAW;
    if (inflateInit2(&decoder->zlib, bits) != Z_OK)
        return error_set(err, STATUS_NO_MEMORY, "inflate");
    decoder->zlib_ready = true;
    return STATUS_OK;
}

static enum status step_zlib(struct decoder *decoder, struct step *step, struct error *err)
{
    if (!decoder->zlib_ready) {
        if (step->in_size == 0)
            return STATUS_OK;
        enum status status = begin_zlib(decoder, step, err);
        if (status != STATUS_OK)
            return status;
    }
    z_stream *zlib = &decoder->zlib;
    zlib->next_in = (Bytef *)(uintptr_t)step->in; /* zlib's own lack of const */
    zlib->avail_in = (uInt)step->in_size;
    zlib->next_out = step->out;
    zlib->avail_out = (uInt)step->out_size;
    int result = inflate(zlib, Z_NO_FLUSH);
    step->in = zlib->next_in;
    step->in_size = zlib->avail_in;
    step->out = zlib->next_out;
    step->out_size = zlib->avail_out;
    decoder->ended = result == Z_STREAM_END;
    if (result == Z_MEM_ERROR)
        return error_set(err, STATUS_NO_MEMORY, "inflate");
    if (result != Z_OK && result != Z_BUF_ERROR && result != Z_STREAM_END)
        return error_set(err, STATUS_CORRUPT, "the compressed body is damaged: %s",
                         zlib->msg != NULL ? zlib->msg : "inflate");
    return STATUS_OK;
}

static enum status step_brotli(struct decoder *decoder, struct step *step, struct error *err)
{
    BrotliDecoderResult result = BrotliDecoderDecompressStream(
        decoder->brotli, &step->in_size, &step->in, &step->out_size, &step->out, NULL);
    if (result == BROTLI_DECODER_RESULT_ERROR)
        return error_set(err, STATUS_CORRUPT, "the compressed body is damaged: %s",
                         BrotliDecoderErrorString(BrotliDecoderGetErrorCode(decoder->brotli)));
    decoder->ended = result == BROTLI_DECODER_RESULT_SUCCESS;
    return STATUS_OK;
}

/* A frame's first byte. Debian's library would also read the formats from before the first release,
 * by old code with limits of its own. */
static bool begins_zstd_frame(uint8_t byte)
{
    return byte == (ZSTD_MAGICNUMBER & 0xff) ||
           (byte & 0xf0) == (ZSTD_MAGIC_SKIPPABLE_START & 0xff);
}

static enum status step_zstd(struct decoder *decoder, struct step *step, struct error *err)
{
    if (!decoder->within_frame && step->in_size > 0 && !begins_zstd_frame(step->in[0]))
        return error_set(err, STATUS_CORRUPT, "the compressed body is no zstd frame");
    decoder->within_frame = decoder->within_frame || step->in_size > 0;
    ZSTD_inBuffer in = {step->in, step->in_size, 0};
    ZSTD_outBuffer out = {step->out, step->out_size, 0};
    size_t left = ZSTD_decompressStream(decoder->zstd, &out, &in);
    if (ZSTD_isError(left))
        return error_set(err, STATUS_CORRUPT, "the compressed body is damaged: %s",
                         ZSTD_getErrorName(left));
    step->in += in.pos;
    step->in_size -= in.pos;
    step->out += out.pos;
    step->out_size -= out.pos;
    if (left == 0)
        decoder->within_frame = false;
    decoder->ended = left == 0 && step->in_size == 0; /* more input: another frame */
    return STATUS_OK;
}

static enum status step_once(struct decoder *decoder, struct step *step, struct error *err)
{
    switch (decoder->coding) {
    case CODING_GZIP:
    case CODING_DEFLATE:
        return step_zlib(decoder, step, err);
    case CODING_BROTLI:
        return step_brotli(decoder, step, err);
    case CODING_ZSTD:
        return step_zstd(decoder, step, err);
    case CODING_IDENTITY:
        break;
    }
    size_t size = step->in_size < step->out_size ? step->in_size : step->out_size;
    if (size > 0)
        memcpy(step->out, step->in, size);
    step->in += size;
    step->in_size -= size;
    step->out += size;
    step->out_size -= size;
    return STATUS_OK;
}

/* Behind the end of a stream: gzip and zstd may go on with another. */
static bool goes_on(struct decoder *decoder, const struct step *step)
{
    if (!decoder->ended)
        return true;
    if (decoder->over || step->in_size == 0)
        return false;
    bool gzip = decoder->coding == CODING_GZIP && step->in[0] == 0x1f;
    if (gzip)
        inflateReset(&decoder->zlib);
    decoder->over = !gzip && decoder->coding != CODING_ZSTD;
    decoder->ended = decoder->over;
    return !decoder->over;
}

enum status decoder_feed(struct decoder *decoder, const void *bytes, size_t size, size_t limit,
                         struct buffer *body, struct error *err)
{
    struct step step = {.in = bytes, .in_size = size};
    decoder->begun = decoder->begun || size > 0;
    decoder->received += size;
    while (goes_on(decoder, &step)) {
        /* At the limit one byte more is asked for, to learn whether there is one. */
        uint8_t beyond = 0;
        size_t room = limit - body->size < STEP_BYTES ? limit - body->size : STEP_BYTES;
        size_t wanted = room > 0 ? room : sizeof(beyond);
        step.out = room > 0 ? buffer_reserve(body, room) : &beyond;
        if (step.out == NULL)
            return error_set(err, STATUS_NO_MEMORY, "body");
        step.out_size = wanted;
        size_t in_before = step.in_size;
        enum status status = step_once(decoder, &step, err);
        if (status != STATUS_OK)
            return status;
        size_t produced = wanted - step.out_size;
        if (room == 0 && produced > 0)
            return error_set(err, STATUS_END, "more than %zu bytes", limit);
        body->size += produced;
        decoder->decoded += produced;
        if (decoder->decoded > DECODE_RATIO_FREE &&
            decoder->decoded > DECODE_RATIO_MAX * (decoder->received - step.in_size))
            return error_set(err, STATUS_TOO_LARGE, "the body expands more than %d:1",
                             DECODE_RATIO_MAX);
        if (produced < wanted && (step.in_size == 0 || step.in_size == in_before))
            break;
    }
    return STATUS_OK;
}

enum status decoder_finish(const struct decoder *decoder, struct error *err)
{
    if (decoder->coding == CODING_IDENTITY || decoder->ended || !decoder->begun)
        return STATUS_OK;
    return error_set(err, STATUS_CORRUPT, "the compressed body ends too soon");
}
