#include "crawl/charset.h"

#include <errno.h>
#include <iconv.h>
#include <string.h>

#include "base/check.h"
#include "crawl/utf8.h"

static const char REPLACEMENT_BYTES[] = "\xEF\xBF\xBD";

static const struct charset charsets[] = {
    {"utf-8", "UTF-8",
     " unicode-1-1-utf-8 unicode11utf8 unicode20utf8 utf-8 utf8 x-unicode20utf8 "},
    {"windows-1252", "CP1252",
     " ansi_x3.4-1968 ascii cp1252 cp819 csisolatin1 ibm819 iso-8859-1 iso-ir-100 iso8859-1 "
     "iso88591 "
     "iso_8859-1 iso_8859-1:1987 l1 latin1 us-ascii windows-1252 x-cp1252 x-user-defined "},
    {"ibm866", "IBM866", " 866 cp866 csibm866 ibm866 "},
    {"iso-8859-2", "ISO-8859-2",
     " csisolatin2 iso-8859-2 iso-ir-101 iso8859-2 iso88592 iso_8859-2 iso_8859-2:1987 l2 latin2 "},
    {"iso-8859-3", "ISO-8859-3",
     " csisolatin3 iso-8859-3 iso-ir-109 iso8859-3 iso88593 iso_8859-3 iso_8859-3:1988 l3 latin3 "},
    {"iso-8859-4", "ISO-8859-4",
     " csisolatin4 iso-8859-4 iso-ir-110 iso8859-4 iso88594 iso_8859-4 iso_8859-4:1988 l4 latin4 "},
    {"iso-8859-5", "ISO-8859-5",
     " csisolatincyrillic cyrillic iso-8859-5 iso-ir-144 iso8859-5 iso88595 iso_8859-5 "
     "iso_8859-5:1988 "},
    {"iso-8859-6", "ISO-8859-6",
     " arabic asmo-708 csiso88596e csiso88596i csisolatinarabic ecma-114 iso-8859-6 iso-8859-6-e "
     "iso-8859-6-i iso-ir-127 iso8859-6 iso88596 iso_8859-6 iso_8859-6:1987 "},
    {"iso-8859-7", "ISO-8859-7",
     " csisolatingreek ecma-118 elot_928 greek greek8 iso-8859-7 iso-ir-126 iso8859-7 iso88597 "
     "iso_8859-7 iso_8859-7:1987 sun_eu_greek "},
    {"iso-8859-8", "ISO-8859-8",
     " csiso88598e csisolatinhebrew hebrew iso-8859-8 iso-8859-8-e iso-ir-138 iso8859-8 iso88598 "
     "iso_8859-8 iso_8859-8:1988 visual "},
    {"iso-8859-8-i", "ISO-8859-8", " csiso88598i iso-8859-8-i logical "},
    {"iso-8859-10", "ISO-8859-10",
     " csisolatin6 iso-8859-10 iso-ir-157 iso8859-10 iso885910 l6 latin6 "},
    {"iso-8859-13", "ISO-8859-13", " iso-8859-13 iso8859-13 iso885913 "},
    {"iso-8859-14", "ISO-8859-14", " iso-8859-14 iso8859-14 iso885914 "},
    {"iso-8859-15", "ISO-8859-15", " csisolatin9 iso-8859-15 iso8859-15 iso885915 iso_8859-15 l9 "},
    {"iso-8859-16", "ISO-8859-16", " iso-8859-16 "},
    {"koi8-r", "KOI8-R", " cskoi8r koi koi8 koi8-r koi8_r "},
    {"koi8-u", "KOI8-U", " koi8-ru koi8-u "},
    {"macintosh", "MACINTOSH", " csmacintosh mac macintosh x-mac-roman "},
    {"windows-874", "CP874", " dos-874 iso-8859-11 iso8859-11 iso885911 tis-620 windows-874 "},
    {"windows-1250", "CP1250", " cp1250 windows-1250 x-cp1250 "},
    {"windows-1251", "CP1251", " cp1251 windows-1251 x-cp1251 "},
    {"windows-1253", "CP1253", " cp1253 windows-1253 x-cp1253 "},
    {"windows-1254", "CP1254",
     " cp1254 csisolatin5 iso-8859-9 iso-ir-148 iso8859-9 iso88599 iso_8859-9 iso_8859-9:1989 l5 "
     "latin5 windows-1254 x-cp1254 "},
    {"windows-1255", "CP1255", " cp1255 windows-1255 x-cp1255 "},
    {"windows-1256", "CP1256", " cp1256 windows-1256 x-cp1256 "},
    {"windows-1257", "CP1257", " cp1257 windows-1257 x-cp1257 "},
    {"windows-1258", "CP1258", " cp1258 windows-1258 x-cp1258 "},
    {"x-mac-cyrillic", "MAC-UK", " x-mac-cyrillic x-mac-ukrainian mac-cyrillic "},
    {"gbk", "GB18030",
     " chinese csgb2312 csiso58gb231280 gb2312 gb_2312 gb_2312-80 gbk iso-ir-58 x-gbk "},
    {"gb18030", "GB18030", " gb18030 "},
    {"big5", "BIG5-HKSCS", " big5 big5-hkscs cn-big5 csbig5 x-x-big5 "},
    {"euc-jp", "EUC-JP-MS", " cseucpkdfmtjapanese euc-jp x-euc-jp "},
    {"iso-2022-jp", "ISO-2022-JP", " csiso2022jp iso-2022-jp "},
    {"shift_jis", "CP932",
     " csshiftjis ms932 ms_kanji shift-jis shift_jis sjis windows-31j x-sjis "},
    {"euc-kr", "UHC",
     " cseuckr csksc56011987 euc-kr iso-ir-149 korean ks_c_5601-1987 ks_c_5601-1989 ksc5601 "
     "ksc_5601 windows-949 uhc "},
    {"utf-16be", "UTF-16BE", " unicodefffe utf-16be "},
    {"utf-16le", "UTF-16LE",
     " csunicode iso-10646-ucs-2 ucs-2 unicode unicodefeff utf-16 utf-16le "},
    {"replacement", NULL,
     " csiso2022kr hz-gb-2312 iso-2022-cn iso-2022-cn-ext iso-2022-kr replacement "},
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

/* The most usual case, and the one that must not depend on the system: runs of right bytes. */
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

/* Converts until the end or the first wrong byte; returns iconv's errno, 0 at the end. */
static int convert_some(iconv_t converter, char **at, size_t *left, struct buffer *ret_text)
{
    enum { STEP = 16 * 1024 };
    for (;;) {
        char *out = (char *)buffer_reserve(ret_text, STEP);
        size_t room = STEP;
        if (out == NULL)
            return ENOMEM;
        size_t result = iconv(converter, at, left, &out, &room);
        int code = result == (size_t)-1 ? errno : 0;
        ret_text->size += STEP - room;
        if (code != E2BIG)
            return code;
    }
}

static void decode_by_iconv(iconv_t converter, size_t unit, const uint8_t *body, size_t size,
                            struct buffer *ret_text)
{
    char *at = (char *)(uintptr_t)body; /* iconv does not write there */
    size_t left = size;
    while (left > 0) {
        int code = convert_some(converter, &at, &left, ret_text);
        if (code != EILSEQ || left < unit)
            break; /* the end, a character cut by it, or no memory */
        buffer_append(ret_text, REPLACEMENT_BYTES, 3);
        at += unit;
        left -= unit;
    }
    convert_some(converter, NULL, NULL,
                 ret_text); /* what was held back for a combining character */
}

enum status charset_decode(const struct charset *charset, const uint8_t *body, size_t size,
                           struct buffer *ret_text, struct error *err)
{
    if (charset->iconv_name == NULL) {
        if (size > 0)
            buffer_append(ret_text, REPLACEMENT_BYTES, 3);
    } else if (strcmp(charset->name, "utf-8") == 0) {
        decode_utf8(body, size, ret_text);
    } else {
        iconv_t converter = iconv_open("UTF-8", charset->iconv_name);
        if (converter == (iconv_t)-1)
            return error_set(err, STATUS_UNSUPPORTED, "no converter for %s", charset->name);
        decode_by_iconv(converter, strncmp(charset->name, "utf-16", 6) == 0 ? 2 : 1, body, size,
                        ret_text);
        iconv_close(converter);
    }
    if (ret_text->failed)
        return error_set(err, STATUS_NO_MEMORY, "decoding %s", charset->name);
    return STATUS_OK;
}

void charset_load_all(void)
{
    for (size_t i = 0; i < ARRAY_COUNT(charsets); i++) {
        /* Never closed: an open one keeps its module loaded for those opened later. */
        if (charsets[i].iconv_name != NULL)
            (void)iconv_open("UTF-8", charsets[i].iconv_name);
    }
}
