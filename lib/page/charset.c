#include "page/charset.h"

#include <iconv.h>
#include <string.h>

#include "base/check.h"
#include "crawl/utf8.h"
#include "page/charset_decode.h"

static const char REPLACEMENT_BYTES[] = "\xEF\xBF\xBD";

static const struct charset charsets[] = {
    {"utf-8", " unicode-1-1-utf-8 unicode11utf8 unicode20utf8 utf-8 utf8 x-unicode20utf8 ",
     CHARSET_KIND_UTF_8, NULL},
    {"windows-1252",
     " ansi_x3.4-1968 ascii cp1252 cp819 csisolatin1 ibm819 iso-8859-1 iso-ir-100 iso8859-1 "
     "iso88591 iso_8859-1 iso_8859-1:1987 l1 latin1 us-ascii windows-1252 x-cp1252 ",
     CHARSET_KIND_SINGLE, "CP1252"},
    {"ibm866", " 866 cp866 csibm866 ibm866 ", CHARSET_KIND_SINGLE, "IBM866"},
    {"iso-8859-2",
     " csisolatin2 iso-8859-2 iso-ir-101 iso8859-2 iso88592 iso_8859-2 iso_8859-2:1987 l2 latin2 ",
     CHARSET_KIND_SINGLE, "ISO-8859-2"},
    {"iso-8859-3",
     " csisolatin3 iso-8859-3 iso-ir-109 iso8859-3 iso88593 iso_8859-3 iso_8859-3:1988 l3 latin3 ",
     CHARSET_KIND_SINGLE, "ISO-8859-3"},
    {"iso-8859-4",
     " csisolatin4 iso-8859-4 iso-ir-110 iso8859-4 iso88594 iso_8859-4 iso_8859-4:1988 l4 latin4 ",
     CHARSET_KIND_SINGLE, "ISO-8859-4"},
    {"iso-8859-5",
     " csisolatincyrillic cyrillic iso-8859-5 iso-ir-144 iso8859-5 iso88595 iso_8859-5 "
     "iso_8859-5:1988 ",
     CHARSET_KIND_SINGLE, "ISO-8859-5"},
    {"iso-8859-6",
     " arabic asmo-708 csiso88596e csiso88596i csisolatinarabic ecma-114 iso-8859-6 iso-8859-6-e "
     "iso-8859-6-i iso-ir-127 iso8859-6 iso88596 iso_8859-6 iso_8859-6:1987 ",
     CHARSET_KIND_SINGLE, "ISO-8859-6"},
    {"iso-8859-7",
     " csisolatingreek ecma-118 elot_928 greek greek8 iso-8859-7 iso-ir-126 iso8859-7 iso88597 "
     "iso_8859-7 iso_8859-7:1987 sun_eu_greek ",
     CHARSET_KIND_SINGLE, "ISO-8859-7"},
    {"iso-8859-8",
     " csiso88598e csisolatinhebrew hebrew iso-8859-8 iso-8859-8-e iso-ir-138 iso8859-8 iso88598 "
     "iso_8859-8 iso_8859-8:1988 visual ",
     CHARSET_KIND_SINGLE, "ISO-8859-8"},
    {"iso-8859-8-i", " csiso88598i iso-8859-8-i logical ", CHARSET_KIND_SINGLE, "ISO-8859-8"},
    {"iso-8859-10", " csisolatin6 iso-8859-10 iso-ir-157 iso8859-10 iso885910 l6 latin6 ",
     CHARSET_KIND_SINGLE, "ISO-8859-10"},
    {"iso-8859-13", " iso-8859-13 iso8859-13 iso885913 ", CHARSET_KIND_SINGLE, "ISO-8859-13"},
    {"iso-8859-14", " iso-8859-14 iso8859-14 iso885914 ", CHARSET_KIND_SINGLE, "ISO-8859-14"},
    {"iso-8859-15", " csisolatin9 iso-8859-15 iso8859-15 iso885915 iso_8859-15 l9 ",
     CHARSET_KIND_SINGLE, "ISO-8859-15"},
    {"iso-8859-16", " iso-8859-16 ", CHARSET_KIND_SINGLE, "ISO-8859-16"},
    {"koi8-r", " cskoi8r koi koi8 koi8-r koi8_r ", CHARSET_KIND_SINGLE, "KOI8-R"},
    {"koi8-u", " koi8-ru koi8-u ", CHARSET_KIND_SINGLE, "KOI8-U"},
    {"macintosh", " csmacintosh mac macintosh x-mac-roman ", CHARSET_KIND_SINGLE, "MACINTOSH"},
    {"windows-874", " dos-874 iso-8859-11 iso8859-11 iso885911 tis-620 windows-874 ",
     CHARSET_KIND_SINGLE, "CP874"},
    {"windows-1250", " cp1250 windows-1250 x-cp1250 ", CHARSET_KIND_SINGLE, "CP1250"},
    {"windows-1251", " cp1251 windows-1251 x-cp1251 ", CHARSET_KIND_SINGLE, "CP1251"},
    {"windows-1253", " cp1253 windows-1253 x-cp1253 ", CHARSET_KIND_SINGLE, "CP1253"},
    {"windows-1254",
     " cp1254 csisolatin5 iso-8859-9 iso-ir-148 iso8859-9 iso88599 iso_8859-9 iso_8859-9:1989 l5 "
     "latin5 windows-1254 x-cp1254 ",
     CHARSET_KIND_SINGLE, "CP1254"},
    {"windows-1255", " cp1255 windows-1255 x-cp1255 ", CHARSET_KIND_SINGLE, "CP1255"},
    {"windows-1256", " cp1256 windows-1256 x-cp1256 ", CHARSET_KIND_SINGLE, "CP1256"},
    {"windows-1257", " cp1257 windows-1257 x-cp1257 ", CHARSET_KIND_SINGLE, "CP1257"},
    {"windows-1258", " cp1258 windows-1258 x-cp1258 ", CHARSET_KIND_SINGLE, "CP1258"},
    {"x-mac-cyrillic", " x-mac-cyrillic x-mac-ukrainian ", CHARSET_KIND_SINGLE, "MAC-UK"},
    {"gbk", " chinese csgb2312 csiso58gb231280 gb2312 gb_2312 gb_2312-80 gbk iso-ir-58 x-gbk ",
     CHARSET_KIND_GB18030, NULL},
    {"gb18030", " gb18030 ", CHARSET_KIND_GB18030, NULL},
    {"big5", " big5 big5-hkscs cn-big5 csbig5 x-x-big5 ", CHARSET_KIND_BIG5, NULL},
    {"euc-jp", " cseucpkdfmtjapanese euc-jp x-euc-jp ", CHARSET_KIND_EUC_JP, NULL},
    {"iso-2022-jp", " csiso2022jp iso-2022-jp ", CHARSET_KIND_ISO_2022_JP, NULL},
    {"shift_jis", " csshiftjis ms932 ms_kanji shift-jis shift_jis sjis windows-31j x-sjis ",
     CHARSET_KIND_SHIFT_JIS, NULL},
    {"euc-kr",
     " cseuckr csksc56011987 euc-kr iso-ir-149 korean ks_c_5601-1987 ks_c_5601-1989 ksc5601 "
     "ksc_5601 windows-949 ",
     CHARSET_KIND_EUC_KR, NULL},
    {"utf-16be", " unicodefffe utf-16be ", CHARSET_KIND_UTF_16BE, NULL},
    {"utf-16le", " csunicode iso-10646-ucs-2 ucs-2 unicode unicodefeff utf-16 utf-16le ",
     CHARSET_KIND_UTF_16LE, NULL},
    {"x-user-defined", " x-user-defined ", CHARSET_KIND_USER_DEFINED, NULL},
    {"replacement", " csiso2022kr hz-gb-2312 iso-2022-cn iso-2022-cn-ext iso-2022-kr replacement ",
     CHARSET_KIND_REPLACEMENT, NULL},
};

const struct charset *charset_by_label(const char *label, size_t size)
{
    char padded[32];
    while (size > 0 && strchr(" \t\n\f\r", *label) != NULL) {
        label++;
        size--;
    }
    while (size > 0 && strchr(" \t\n\f\r", label[size - 1]) != NULL)
        size--;
    if (size == 0 || size + 3 > sizeof(padded) || memchr(label, ' ', size) != NULL ||
        memchr(label, '\0', size) != NULL)
        return NULL;
    padded[0] = ' ';
    for (size_t i = 0; i < size; i++)
        padded[i + 1] = label[i] >= 'A' && label[i] <= 'Z' ? (char)(label[i] + 32) : label[i];
    memcpy(padded + 1 + size, " ", 2);
    for (size_t i = 0; i < ARRAY_COUNT(charsets); i++) {
        if (strstr(charsets[i].labels, padded) != NULL)
            return &charsets[i];
    }
    return NULL;
}

/* ---- decoding ------------------------------------------------------------------------------ */

/* The most usual case: runs of right bytes. */
static void decode_utf8(const uint8_t *body, size_t size, struct buffer *ret_text)
{
    const uint8_t *at = body, *end = body + size, *run = body;
    for (at += utf8_ascii_size(at, size); at < end; at += utf8_ascii_size(at, (size_t)(end - at))) {
        const uint8_t *start = at;
        bool wrong = utf8_next(&at, end) == UTF8_REPLACEMENT && start[0] != 0xEF;
        wrong = wrong || (start[0] == 0xEF && at - start != 3);
        if (!wrong)
            continue;
        buffer_append(ret_text, run, (size_t)(start - run));
        run = at;
        bool cut = at == end && utf8_is_valid(start, (size_t)(end - start), true);
        if (!cut)
            buffer_append(ret_text, REPLACEMENT_BYTES, 3);
    }
    buffer_append(ret_text, run, (size_t)(end - run));
}

enum status charset_decode(const struct charset *charset, const uint8_t *body, size_t size,
                           struct buffer *ret_text, struct error *err)
{
    enum status status = STATUS_OK;
    if (charset->kind == CHARSET_KIND_UTF_8)
        decode_utf8(body, size, ret_text);
    else if (charset->kind != CHARSET_KIND_REPLACEMENT)
        status = charset_decode_legacy(charset, body, size, ret_text, err);
    else if (size > 0)
        buffer_append(ret_text, REPLACEMENT_BYTES, 3);
    if (ret_text->failed)
        return error_set(err, STATUS_NO_MEMORY, "decoding %s", charset->name);
    return status;
}

void charset_load_all(void)
{
    charset_decode_load_all();
    for (size_t i = 0; i < ARRAY_COUNT(charsets); i++) {
        /* Never closed: an open one keeps its module loaded for those opened later. */
        if (charsets[i].converter != NULL)
            (void)iconv_open("WCHAR_T", charsets[i].converter);
    }
}
