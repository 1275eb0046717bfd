#include "page/charset_decode.h"

#include <string.h>

#include "base/check.h"
#include "crawl/utf8.h"
#include "page/charset_index.h"

#define CUT UINT32_MAX /* for a code point: the bytes end in the middle of one */

enum { BATCH = 4096 }; /* code points between looks at the room left */

/*
 * The functions next_...() return the code point at `at`, which they move behind it. At least one
 * byte is left when they are called.
 */
struct reader {
    const uint8_t *at;
    const uint8_t *end;
    const struct charset *charset;
    const uint32_t *index;
    const uint32_t *index2;                /* JIS X 0212 beside JIS X 0208 */
    uint32_t single[CHARSET_SINGLE_COUNT]; /* of a single-byte encoding */
    uint32_t second;                       /* owed after the one before; 0: none */
    bool is_big_endian;
    enum { JIS_ASCII, JIS_ROMAN, JIS_KATAKANA, JIS_PAIRS } jis_state;
    bool jis_escaped; /* an escape sequence came last: another one in its place is an error */
};

static bool is_between(uint8_t byte, uint8_t from, uint8_t to)
{
    return byte >= from && byte <= to;
}

/* A pair that may be none. What is ASCII in a wrong pair is no part of it: markup survives. */
static uint32_t end_pair(struct reader *reader, uint32_t code_point)
{
    bool is_kept = code_point == 0 && reader->at[1] < 0x80;
    reader->at += is_kept ? 1 : 2;
    return code_point == 0 ? UTF8_REPLACEMENT : code_point;
}

static uint32_t wrong_byte(struct reader *reader)
{
    reader->at++;
    return UTF8_REPLACEMENT;
}

/* ---- one byte a character -------------------------------------------------------------------- */

static uint32_t next_single(struct reader *reader)
{
    uint8_t byte = *reader->at++;
    uint32_t code_point = byte < 0x80 ? byte : reader->single[byte - CHARSET_SINGLE_FIRST];
    return code_point == 0 && byte != 0 ? UTF8_REPLACEMENT : code_point;
}

/* ---- Chinese --------------------------------------------------------------------------------- */

static uint32_t next_gb18030_four(struct reader *reader)
{
    const uint8_t *at = reader->at;
    size_t left = (size_t)(reader->end - at);
    if (left < 3)
        return CUT;
    if (!is_between(at[2], 0x81, 0xFE))
        return wrong_byte(reader); /* the first; the others are read again */
    if (left < 4)
        return CUT;
    if (!is_between(at[3], '0', '9'))
        return wrong_byte(reader);
    uint32_t pointer =
        ((at[0] - 0x81u) * 10 + (at[1] - 0x30u)) * 1260 + (at[2] - 0x81u) * 10 + (at[3] - 0x30u);
    uint32_t code_point = charset_gb18030_range(pointer);
    reader->at += 4;
    return code_point == 0 ? UTF8_REPLACEMENT : code_point;
}

static uint32_t next_gb18030(struct reader *reader)
{
    const uint8_t *at = reader->at;
    if (at[0] == 0x80) {
        reader->at++;
        return 0x20AC;
    }
    if (at[0] == 0xFF)
        return wrong_byte(reader);
    if (reader->end - at < 2)
        return CUT;
    if (is_between(at[1], '0', '9'))
        return next_gb18030_four(reader);
    uint32_t code_point = 0;
    if (is_between(at[1], 0x40, 0x7E) || is_between(at[1], 0x80, 0xFE))
        code_point = reader->index[(at[0] - 0x81) * 190 + at[1] - (at[1] < 0x7F ? 0x40 : 0x41)];
    return end_pair(reader, code_point);
}

static uint32_t next_big5(struct reader *reader)
{
    const uint8_t *at = reader->at;
    if (!is_between(at[0], 0x81, 0xFE))
        return wrong_byte(reader);
    if (reader->end - at < 2)
        return CUT;
    uint32_t code_point = 0;
    if (is_between(at[1], 0x40, 0x7E) || is_between(at[1], 0xA1, 0xFE)) {
        uint32_t pointer = (at[0] - 0x81u) * 157 + at[1] - (at[1] < 0x7F ? 0x40u : 0x62u);
        bool is_macron = pointer == 1133 || pointer == 1164;
        bool is_caron = pointer == 1135 || pointer == 1166;
        code_point = reader->index[pointer];
        if (is_macron || is_caron) { /* two code points */
            code_point = pointer < 1164 ? 0x00CA : 0x00EA;
            reader->second = is_macron ? 0x0304 : 0x030C;
        }
    }
    return end_pair(reader, code_point);
}

/* ---- Japanese and Korean --------------------------------------------------------------------- */

static uint32_t next_euc_jp(struct reader *reader)
{
    const uint8_t *at = reader->at;
    bool is_three = at[0] == 0x8F;
    if (at[0] != 0x8E && !is_three && !is_between(at[0], 0xA1, 0xFE))
        return wrong_byte(reader);
    if (reader->end - at < 2)
        return CUT;
    if (at[0] == 0x8E)
        return end_pair(reader, is_between(at[1], 0xA1, 0xDF) ? 0xFF61u - 0xA1 + at[1] : 0);
    if (is_three && !is_between(at[1], 0xA1, 0xFE))
        return end_pair(reader, 0);
    if (is_three) {
        if (reader->end - at < 3)
            return CUT;
        reader->at = ++at;
    }
    uint32_t code_point = 0;
    if (is_between(at[1], 0xA1, 0xFE))
        code_point =
            (is_three ? reader->index2 : reader->index)[(at[0] - 0xA1) * 94 + at[1] - 0xA1];
    return end_pair(reader, code_point);
}

static uint32_t next_shift_jis(struct reader *reader)
{
    const uint8_t *at = reader->at;
    if (at[0] == 0x80 || is_between(at[0], 0xA1, 0xDF)) {
        reader->at++;
        return at[0] == 0x80 ? 0x80u : 0xFF61u - 0xA1 + at[0];
    }
    if (at[0] == 0xA0 || at[0] > 0xFC)
        return wrong_byte(reader);
    if (reader->end - at < 2)
        return CUT;
    uint32_t code_point = 0;
    if (is_between(at[1], 0x40, 0x7E) || is_between(at[1], 0x80, 0xFC)) {
        uint32_t pointer =
            (at[0] - (at[0] < 0xA0 ? 0x81u : 0xC1u)) * 188 + at[1] - (at[1] < 0x7F ? 0x40u : 0x41u);
        bool is_private = pointer >= 8836 && pointer <= 10715;
        code_point = is_private ? 0xE000 + (pointer - 8836) : reader->index[pointer];
    }
    return end_pair(reader, code_point);
}

static uint32_t next_euc_kr(struct reader *reader)
{
    const uint8_t *at = reader->at;
    if (!is_between(at[0], 0x81, 0xFE))
        return wrong_byte(reader);
    if (reader->end - at < 2)
        return CUT;
    uint32_t code_point = 0;
    if (is_between(at[1], 0x41, 0xFE))
        code_point = reader->index[(at[0] - 0x81) * 190 + at[1] - 0x41];
    return end_pair(reader, code_point);
}

/* ---- ISO-2022-JP, which has a state ---------------------------------------------------------- */

/* ESC was read. Returns whether it began a sequence that leads to a state. */
static bool take_escape(struct reader *reader)
{
    static const struct {
        char bytes[3];
        int state;
    } sequences[] = {{"(B", JIS_ASCII},
                     {"(J", JIS_ROMAN},
                     {"(I", JIS_KATAKANA},
                     {"$@", JIS_PAIRS},
                     {"$B", JIS_PAIRS}};
    if (reader->end - reader->at < 2)
        return false;
    for (size_t i = 0; i < ARRAY_COUNT(sequences); i++) {
        if (memcmp(reader->at, sequences[i].bytes, 2) != 0)
            continue;
        reader->jis_state = (unsigned)sequences[i].state;
        reader->at += 2;
        return true;
    }
    return false;
}

static bool is_escape_cut(const struct reader *reader)
{
    size_t left = (size_t)(reader->end - reader->at);
    return left == 0 || (left == 1 && (*reader->at == '$' || *reader->at == '('));
}

static uint32_t next_jis_pair(struct reader *reader)
{
    const uint8_t *at = reader->at;
    if (!is_between(at[0], 0x21, 0x7E))
        return wrong_byte(reader);
    if (reader->end - at < 2)
        return CUT;
    if (at[1] == 0x1B)
        return wrong_byte(reader); /* the lead; the escape is read next */
    uint32_t code_point =
        is_between(at[1], 0x21, 0x7E) ? reader->index[(at[0] - 0x21) * 94 + at[1] - 0x21] : 0;
    reader->at += 2;
    return code_point == 0 ? UTF8_REPLACEMENT : code_point;
}

static uint32_t next_jis_plain(struct reader *reader)
{
    uint8_t byte = *reader->at++;
    if (reader->jis_state == JIS_KATAKANA)
        return is_between(byte, 0x21, 0x5F) ? 0xFF61u - 0x21 + byte : UTF8_REPLACEMENT;
    if (byte >= 0x80 || byte == 0x0E || byte == 0x0F)
        return UTF8_REPLACEMENT;
    if (reader->jis_state == JIS_ROMAN && byte == 0x5C)
        return 0xA5;
    return reader->jis_state == JIS_ROMAN && byte == 0x7E ? 0x203E : byte;
}

static uint32_t next_iso_2022_jp(struct reader *reader)
{
    while (reader->at < reader->end && *reader->at == 0x1B) {
        reader->at++;
        if (is_escape_cut(reader))
            return CUT;
        bool is_second = reader->jis_escaped;
        reader->jis_escaped = take_escape(reader);
        if (!reader->jis_escaped || is_second)
            return UTF8_REPLACEMENT;
    }
    if (reader->at == reader->end)
        return CUT;
    reader->jis_escaped = false;
    return reader->jis_state == JIS_PAIRS ? next_jis_pair(reader) : next_jis_plain(reader);
}

/* ---- UTF-16 ---------------------------------------------------------------------------------- */

static uint32_t unit_at(const struct reader *reader, const uint8_t *at)
{
    return reader->is_big_endian ? (uint32_t)at[0] << 8 | at[1] : (uint32_t)at[1] << 8 | at[0];
}

static uint32_t next_utf16(struct reader *reader)
{
    const uint8_t *at = reader->at;
    size_t left = (size_t)(reader->end - at);
    if (left < 2)
        return CUT;
    uint32_t unit = unit_at(reader, at);
    reader->at += 2;
    if (unit < 0xD800 || unit > 0xDFFF)
        return unit;
    if (unit > 0xDBFF)
        return UTF8_REPLACEMENT;
    if (left < 4)
        return CUT;
    uint32_t low = unit_at(reader, at + 2);
    if (low < 0xDC00 || low > 0xDFFF)
        return UTF8_REPLACEMENT;
    reader->at += 2;
    return 0x10000 + ((unit - 0xD800) << 10) + (low - 0xDC00);
}

/* ---- the whole ------------------------------------------------------------------------------- */

typedef uint32_t (*next_function)(struct reader *);

/* False where an index cannot be made. */
static bool reader_init(struct reader *reader, next_function *ret_next)
{
    switch (reader->charset->kind) {
    case CHARSET_KIND_SINGLE:
        *ret_next = next_single;
        return charset_index_single(reader->charset, reader->single);
    case CHARSET_KIND_GB18030:
        *ret_next = next_gb18030;
        reader->index = charset_index(CHARSET_GB18030);
        return reader->index != NULL;
    case CHARSET_KIND_BIG5:
        *ret_next = next_big5;
        reader->index = charset_index(CHARSET_BIG5);
        return reader->index != NULL;
    case CHARSET_KIND_EUC_JP:
        *ret_next = next_euc_jp;
        reader->index2 = charset_index(CHARSET_JIS0212);
        reader->index = charset_index(CHARSET_JIS0208);
        return reader->index != NULL && reader->index2 != NULL;
    case CHARSET_KIND_ISO_2022_JP:
        *ret_next = next_iso_2022_jp;
        reader->index = charset_index(CHARSET_JIS0208);
        return reader->index != NULL;
    case CHARSET_KIND_SHIFT_JIS:
        *ret_next = next_shift_jis;
        reader->index = charset_index(CHARSET_JIS0208);
        return reader->index != NULL;
    case CHARSET_KIND_EUC_KR:
        *ret_next = next_euc_kr;
        reader->index = charset_index(CHARSET_EUC_KR);
        return reader->index != NULL;
    case CHARSET_KIND_UTF_16BE:
        reader->is_big_endian = true;
        *ret_next = next_utf16;
        return true;
    case CHARSET_KIND_UTF_16LE:
        *ret_next = next_utf16;
        return true;
    case CHARSET_KIND_USER_DEFINED:
        for (unsigned i = 0; i < CHARSET_SINGLE_COUNT; i++)
            reader->single[i] = 0xF780 + i;
        *ret_next = next_single;
        return true;
    default:
        return false;
    }
}

/* Reads up to BATCH code points; false at the end. `ascii`: bytes below 128 are themselves. */
static bool read_batch(struct reader *reader, next_function next, bool ascii,
                       struct buffer *ret_text)
{
    char *out = (char *)buffer_reserve(ret_text, BATCH * 2 * UTF8_BYTES_MAX);
    size_t size = 0;
    if (out == NULL)
        return false;
    bool is_cut = false;
    for (unsigned i = 0; i < BATCH && reader->at < reader->end && !is_cut; i++) {
        if (ascii && *reader->at < 0x80) {
            out[size++] = (char)*reader->at++;
            continue;
        }
        uint32_t code_point = next(reader);
        is_cut = code_point == CUT;
        if (!is_cut)
            size += utf8_put(code_point, out + size);
        if (reader->second != 0)
            size += utf8_put(reader->second, out + size);
        reader->second = 0;
    }
    ret_text->size += size;
    return !is_cut && reader->at < reader->end;
}

enum status charset_decode_legacy(const struct charset *charset, const uint8_t *body, size_t size,
                                  struct buffer *ret_text, struct error *err)
{
    struct reader reader = {.at = body, .end = body + size, .charset = charset};
    next_function next = NULL;
    if (!reader_init(&reader, &next))
        return error_set(err, STATUS_UNSUPPORTED, "no converter for %s", charset->name);
    bool ascii = charset->kind != CHARSET_KIND_ISO_2022_JP &&
                 charset->kind != CHARSET_KIND_UTF_16BE && charset->kind != CHARSET_KIND_UTF_16LE;
    while (read_batch(&reader, next, ascii, ret_text)) {
    }
    return STATUS_OK;
}

void charset_decode_load_all(void)
{
    for (int i = 0; i < CHARSET_INDEX_COUNT; i++)
        (void)charset_index((enum charset_index)i);
}
