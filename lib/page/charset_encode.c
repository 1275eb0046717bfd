/* The encoders of the WHATWG's Encoding standard, by the decoders' indexes. */
#include "page/charset_encode.h"

#include <string.h>

#include "crawl/utf8.h"

struct encoded {
    uint8_t bytes[4];
    size_t size; /* 0: the encoding lacks it */
};

static const struct encoded nothing = {.size = 0}; /* it has no such character */

/* ---- where in an index ------------------------------------------------------------------------
 */

enum { NO_POINTER = -1 };

static int first_pointer(const uint32_t *index, size_t from, size_t to, uint32_t code_point)
{
    for (size_t i = from; i < to; i++) {
        if (index[i] == code_point)
            return (int)i;
    }
    return NO_POINTER;
}

/* Of a pair that stands twice, these six have the last pointer; Hong Kong's rows are never written.
 */
static int big5_pointer(const uint32_t *index, uint32_t code_point)
{
    static const uint32_t last_ones[] = {0x2550, 0x255E, 0x2561, 0x256A, 0x5341, 0x5345};
    size_t from = (size_t)(0xA1 - 0x81) * 157, size = charset_index_size(CHARSET_BIG5);
    int pointer = first_pointer(index, from, size, code_point);
    for (size_t i = 0; i < sizeof(last_ones) / sizeof(last_ones[0]); i++) {
        for (int next = pointer; code_point == last_ones[i] && next != NO_POINTER;
             next = first_pointer(index, (size_t)pointer + 1, size, code_point))
            pointer = next;
    }
    return pointer;
}

/* Shift_JIS passes over the second copies of NEC's characters. */
static int shift_jis_pointer(const uint32_t *index, uint32_t code_point)
{
    int pointer = first_pointer(index, 0, 8272, code_point);
    size_t size = charset_index_size(CHARSET_JIS0208);
    return pointer != NO_POINTER ? pointer : first_pointer(index, 8836, size, code_point);
}

/* ---- one character ----------------------------------------------------------------------------
 */

static struct encoded one_byte(unsigned byte)
{
    return (struct encoded){{(uint8_t)byte}, 1};
}

static struct encoded two_bytes(unsigned first, unsigned second)
{
    return (struct encoded){{(uint8_t)first, (uint8_t)second}, 2};
}

static struct encoded encode_single(const struct charset_encoder *encoder, uint32_t code_point)
{
    for (unsigned i = 0; i < CHARSET_SINGLE_COUNT; i++) {
        if (encoder->single[i] == code_point)
            return one_byte(CHARSET_SINGLE_FIRST + i);
    }
    return nothing;
}

/* The code points of the four-byte pointers rise, but for one that was moved. */
static uint32_t rising(uint32_t pointer)
{
    return pointer == 7457 ? charset_gb18030_range(7456) + 1 : charset_gb18030_range(pointer);
}

/* gb18030 has four bytes for what has no pair. */
static struct encoded encode_four(uint32_t code_point)
{
    uint32_t low = 0, high = 39420; /* behind the last pointer of the first plane */
    while (high - low > 1) {
        uint32_t middle = (low + high) / 2;
        if (rising(middle) <= code_point)
            low = middle;
        else
            high = middle;
    }
    uint32_t pointer = code_point == charset_gb18030_range(7457) ? 7457 : low;
    if (charset_gb18030_range(pointer) != code_point)
        return nothing;
    return (struct encoded){{(uint8_t)(pointer / 12600 + 0x81),
                             (uint8_t)(pointer / 1260 % 10 + 0x30),
                             (uint8_t)(pointer / 10 % 126 + 0x81), (uint8_t)(pointer % 10 + 0x30)},
                            4};
}

static struct encoded encode_gb(const struct charset_encoder *encoder, uint32_t code_point)
{
    bool gbk = strcmp(encoder->charset->name, "gbk") == 0;
    if (code_point == 0xE5E5)
        return nothing;
    if (gbk && code_point == 0x20AC)
        return one_byte(0x80);
    int pointer = first_pointer(encoder->index, 0, charset_index_size(CHARSET_GB18030), code_point);
    if (pointer == NO_POINTER)
        return gbk ? nothing : encode_four(code_point);
    unsigned trail = (unsigned)pointer % 190;
    return two_bytes((unsigned)pointer / 190 + 0x81, trail + (trail < 0x3F ? 0x40 : 0x41));
}

static struct encoded encode_big5(const struct charset_encoder *encoder, uint32_t code_point)
{
    int pointer = big5_pointer(encoder->index, code_point);
    unsigned trail = (unsigned)pointer % 157;
    return pointer == NO_POINTER
               ? nothing
               : two_bytes((unsigned)pointer / 157 + 0x81, trail + (trail < 0x3F ? 0x40 : 0x62));
}

static struct encoded encode_euc_kr(const struct charset_encoder *encoder, uint32_t code_point)
{
    int pointer = first_pointer(encoder->index, 0, charset_index_size(CHARSET_EUC_KR), code_point);
    return pointer == NO_POINTER
               ? nothing
               : two_bytes((unsigned)pointer / 190 + 0x81, (unsigned)pointer % 190 + 0x41);
}

static struct encoded encode_euc_jp(const struct charset_encoder *encoder, uint32_t code_point)
{
    if (code_point == 0xA5 || code_point == 0x203E)
        return one_byte(code_point == 0xA5 ? 0x5C : 0x7E);
    if (code_point >= 0xFF61 && code_point <= 0xFF9F)
        return two_bytes(0x8E, code_point - 0xFF61 + 0xA1);
    int pointer =
        first_pointer(encoder->index, 0, 94 * 94, code_point == 0x2212 ? 0xFF0D : code_point);
    return pointer == NO_POINTER
               ? nothing
               : two_bytes((unsigned)pointer / 94 + 0xA1, (unsigned)pointer % 94 + 0xA1);
}

static struct encoded encode_shift_jis(const struct charset_encoder *encoder, uint32_t code_point)
{
    if (code_point == 0xA5 || code_point == 0x203E)
        return one_byte(code_point == 0xA5 ? 0x5C : 0x7E);
    if (code_point == 0x80 || (code_point >= 0xFF61 && code_point <= 0xFF9F))
        return one_byte(code_point == 0x80 ? 0x80 : code_point - 0xFF61 + 0xA1);
    int pointer = shift_jis_pointer(encoder->index, code_point == 0x2212 ? 0xFF0D : code_point);
    if (pointer == NO_POINTER)
        return nothing;
    unsigned lead = (unsigned)pointer / 188, trail = (unsigned)pointer % 188;
    return two_bytes(lead + (lead < 0x1F ? 0x81 : 0xC1), trail + (trail < 0x3F ? 0x40 : 0x41));
}

static struct encoded encode(const struct charset_encoder *encoder, uint32_t code_point)
{
    switch (encoder->charset->kind) {
    case CHARSET_KIND_SINGLE:
        return encode_single(encoder, code_point);
    case CHARSET_KIND_GB18030:
        return encode_gb(encoder, code_point);
    case CHARSET_KIND_BIG5:
        return encode_big5(encoder, code_point);
    case CHARSET_KIND_EUC_KR:
        return encode_euc_kr(encoder, code_point);
    case CHARSET_KIND_EUC_JP:
        return encode_euc_jp(encoder, code_point);
    case CHARSET_KIND_SHIFT_JIS:
        return encode_shift_jis(encoder, code_point);
    default:
        return nothing;
    }
}

/* ---- queries ----------------------------------------------------------------------------------
 */

static const uint32_t *index_of(const struct charset *charset)
{
    switch (charset->kind) {
    case CHARSET_KIND_GB18030:
        return charset_index(CHARSET_GB18030);
    case CHARSET_KIND_BIG5:
        return charset_index(CHARSET_BIG5);
    case CHARSET_KIND_EUC_KR:
        return charset_index(CHARSET_EUC_KR);
    case CHARSET_KIND_EUC_JP:
    case CHARSET_KIND_SHIFT_JIS:
        return charset_index(CHARSET_JIS0208);
    default:
        return NULL;
    }
}

void charset_encoder_init(struct charset_encoder *encoder, const struct charset *charset)
{
    encoder->charset = charset;
    encoder->is_ready = false;
    encoder->left = CHARSET_ENCODE_MAX;
}

/* Few pages need it. False: there is nothing to encode. */
static bool prepare(struct charset_encoder *encoder)
{
    if (encoder->charset == NULL || encoder->is_ready)
        return encoder->charset != NULL;
    const struct charset *charset = encoder->charset;
    encoder->index = index_of(charset);
    encoder->is_ready = encoder->index != NULL || (charset->kind == CHARSET_KIND_SINGLE &&
                                                   charset_index_single(charset, encoder->single));
    if (!encoder->is_ready)
        encoder->charset = NULL;
    return encoder->is_ready;
}

static void put_character(struct charset_encoder *encoder, uint32_t code_point, struct buffer *url)
{
    struct encoded encoded = encode(encoder, code_point);
    encoder->left--;
    if (encoded.size == 0)
        buffer_append_format(url, "%%26%%23%u%%3B", code_point);
    for (size_t i = 0; i < encoded.size; i++)
        buffer_append_format(url, "%%%02X", encoded.bytes[i]);
}

bool charset_encode_query(struct charset_encoder *encoder, const char *url, size_t size,
                          struct buffer *ret_url)
{
    const char *fragment = memchr(url, '#', size);
    size_t before = fragment == NULL ? size : (size_t)(fragment - url);
    const char *query = memchr(url, '?', before);
    if (query == NULL)
        return false;
    const uint8_t *at = (const uint8_t *)query, *end = (const uint8_t *)url + before;
    if (utf8_ascii_size(at, (size_t)(end - at)) == (size_t)(end - at) || !prepare(encoder))
        return false;
    buffer_append(ret_url, url, (size_t)(query - url));
    while (at < end && encoder->left > 0) {
        if (*at < 0x80)
            buffer_append_byte(ret_url, *at++);
        else
            put_character(encoder, utf8_next(&at, end), ret_url);
    }
    buffer_append(ret_url, at, (size_t)((const uint8_t *)url + size - at));
    return true;
}
