/* For dictionaries that are not copied, and for the trainer whose cost is bounded: the other one
 * tries many parameters, for ten times the time. */
#define ZDICT_STATIC_LINKING_ONLY
#define ZSTD_STATIC_LINKING_ONLY
#include "index/text_packer.h"

#include <stdlib.h>
#include <string.h>
#include <zdict.h>

/* Measured on 455 MB of documentation in blocks of 4 KiB: 30.9 % without a dictionary; with one of
 * 64 KiB 25.0 % at level 1, 24.8 % at 2, 23.1 % at 3 (all at the same speed), 21.5 % at 6 (a third
 * of the speed). */
#define LEVEL          3
#define SEGMENT_BYTES  600 /* what the trainer puts together: pieces of so many bytes, */
#define MATCH_BYTES    8   /* chosen by how often what is in them is repeated */
#define FREQUENCY_BITS 18

/* Text between one training and the next: twice as much each time. */
#define WINDOW_BYTES_MIN (1u << 20)
#define WINDOW_BYTES_MAX (64u << 20)
#define SAMPLE_BYTES     (1u << 20)
#define SAMPLES_MAX      4096
#define SAMPLES_MIN      64 /* fewer are not worth a dictionary */

struct text_packer {
    ZSTD_CCtx *context;
    ZSTD_CDict *prepared; /* NULL: no dictionary. Points into `dictionary` */
    uint8_t *dictionary;
    size_t dictionary_size;
    /* Samples of the text since the last training, one behind the other. */
    uint8_t *samples;
    size_t sample_bytes;
    size_t sample_sizes[SAMPLES_MAX];
    unsigned sample_count;
    uint64_t window_bytes; /* of text, from one training to the next */
    uint64_t text_bytes;   /* since the last */
    uint64_t sampled_to;   /* of text_bytes: the next sample is taken behind it */
};

struct text_packer *text_packer_new(void)
{
    struct text_packer *packer = calloc(1, sizeof(*packer));
    if (packer == NULL)
        return NULL;
    packer->window_bytes = WINDOW_BYTES_MIN;
    packer->context = ZSTD_createCCtx();
    if (packer->context == NULL) {
        free(packer);
        return NULL;
    }
    /* The segment says which dictionary it is. */
    ZSTD_CCtx_setParameter(packer->context, ZSTD_c_compressionLevel, LEVEL);
    ZSTD_CCtx_setParameter(packer->context, ZSTD_c_dictIDFlag, 0);
    return packer;
}

void text_packer_free(struct text_packer *packer)
{
    if (packer == NULL)
        return;
    ZSTD_freeCCtx(packer->context);
    ZSTD_freeCDict(packer->prepared);
    free(packer->dictionary);
    free(packer->samples);
    free(packer);
}

struct text_slice text_packer_dictionary(const struct text_packer *packer)
{
    return (struct text_slice){(const char *)packer->dictionary, packer->dictionary_size};
}

/* ---- dictionaries ---- */

/* Takes the bytes (malloc's) where it succeeds. */
static bool use(struct text_packer *packer, uint8_t *dictionary, size_t size)
{
    ZSTD_CDict *prepared = ZSTD_createCDict_byReference(dictionary, size, LEVEL);
    if (prepared == NULL)
        return false;
    ZSTD_CCtx_refCDict(packer->context, prepared);
    ZSTD_freeCDict(packer->prepared);
    free(packer->dictionary);
    packer->prepared = prepared;
    packer->dictionary = dictionary;
    packer->dictionary_size = size;
    return true;
}

bool text_packer_adopt(struct text_packer *packer, struct text_slice dictionary)
{
    if (dictionary.size == 0 || dictionary.size > TEXT_DICTIONARY_BYTES_MAX)
        return false;
    uint8_t *copy = malloc(dictionary.size);
    if (copy == NULL)
        return false;
    memcpy(copy, dictionary.bytes, dictionary.size);
    if (!use(packer, copy, dictionary.size)) {
        free(copy);
        return false;
    }
    packer->window_bytes = WINDOW_BYTES_MAX;
    return true;
}

static void train(struct text_packer *packer)
{
    const ZDICT_fastCover_params_t parameters = {
        .k = SEGMENT_BYTES,
        .d = MATCH_BYTES,
        .f = FREQUENCY_BITS,
        .accel = 1,
        .zParams.compressionLevel = LEVEL,
    };
    uint8_t *dictionary = malloc(TEXT_DICTIONARY_BYTES_MAX);
    if (dictionary == NULL)
        return;
    size_t size =
        ZDICT_trainFromBuffer_fastCover(dictionary, TEXT_DICTIONARY_BYTES_MAX, packer->samples,
                                        packer->sample_sizes, packer->sample_count, parameters);
    /* Text of which nothing is repeated gives none. */
    if (ZDICT_isError(size) || !use(packer, dictionary, size))
        free(dictionary);
}

void text_packer_renew(struct text_packer *packer)
{
    if (packer->text_bytes < packer->window_bytes)
        return;
    if (packer->sample_count >= SAMPLES_MIN)
        train(packer);
    packer->sample_bytes = packer->text_bytes = packer->sampled_to = 0;
    packer->sample_count = 0;
    if (packer->window_bytes < WINDOW_BYTES_MAX)
        packer->window_bytes *= 2;
}

/* ---- packing ---- */

/* Keeps pieces from all over the window. */
static void take_sample(struct text_packer *packer, const char *bytes, size_t size)
{
    packer->text_bytes += size;
    if (packer->text_bytes < packer->sampled_to || packer->sample_count == SAMPLES_MAX ||
        size > SAMPLE_BYTES - packer->sample_bytes)
        return;
    if (packer->samples == NULL && (packer->samples = malloc(SAMPLE_BYTES)) == NULL)
        return;
    memcpy(packer->samples + packer->sample_bytes, bytes, size);
    packer->sample_sizes[packer->sample_count++] = size;
    packer->sample_bytes += size;
    packer->sampled_to = packer->sample_bytes * (packer->window_bytes / SAMPLE_BYTES);
}

size_t text_packer_pack(struct text_packer *packer, const char *bytes, size_t size,
                        struct buffer *out)
{
    size_t bound = ZSTD_compressBound(size);
    uint8_t *room = buffer_reserve(out, bound);
    if (room == NULL)
        return 0;
    size_t packed = ZSTD_compress2(packer->context, room, bound, bytes, size);
    if (ZSTD_isError(packed))
        return 0;
    out->size += packed;
    take_sample(packer, bytes, size);
    return packed;
}

ZSTD_DDict *text_dictionary_open(struct text_slice dictionary)
{
    return ZSTD_createDDict_byReference(dictionary.bytes, dictionary.size);
}
