#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/buffer.h"
#include "base/check.h"
#include "page/charset.h"

/* Decodes a copy of its own size, so that reading over its end is seen. */
static const char *decoded(const char *label, const uint8_t *bytes, size_t size)
{
    static struct buffer text;
    buffer_release(&text);
    uint8_t *copy = malloc(size + (size == 0));
    memcpy(copy, bytes, size);
    const struct charset *charset = charset_by_label(label, strlen(label));
    assert_non_null(charset);
    assert_int_equal(charset_decode(charset, copy, size, &text, NULL), STATUS_OK);
    free(copy);
    return buffer_string(&text);
}

#define DECODED(label, literal) decoded(label, (const uint8_t *)(literal), sizeof(literal) - 1)

static void every_encoding_is_read(void **state)
{
    (void)state;
    static const struct {
        const char *label;
        const char *bytes;
        const char *text;
    } rows[] = {
        {"ibm866", "\x8F\xE0\xA8\xA2\xA5\xE2", "Привет"},
        {"iso-8859-2", "\x5A\x61\xBF\xF3\xB3\xE6\x20\x67\xEA\xB6\x6C\xB1\x20\x6A\x61\xBC\xF1",
         "Zażółć gęślą jaźń"},
        {"iso-8859-3", "\xC6\x69\x72\x6B\x61\xFD\x20\xB1", "Ĉirkaŭ ħ"},
        {"iso-8859-4", "\xC0\xF3\xB6\xF1", "Āķļņ"},
        {"iso-8859-5", "\xBF\xE0\xD8\xD2\xD5\xE2", "Привет"},
        {"iso-8859-6", "\xE5\xD1\xCD\xC8\xC7", "\xD9\x85\xD8\xB1\xD8\xAD\xD8\xA8\xD8\xA7"},
        {"iso-8859-7", "\xCA\xE1\xEB\xE7\xEC\xDD\xF1\xE1", "Καλημέρα"},
        {"iso-8859-8", "\xF9\xEC\xE5\xED", "\xD7\xA9\xD7\x9C\xD7\x95\xD7\x9D"},
        {"iso-8859-8-i", "\xF9\xEC\xE5\xED", "\xD7\xA9\xD7\x9C\xD7\x95\xD7\x9D"},
        {"iso-8859-10", "\xDE\xF3\x72\xF0\x75\x72\x20\xBF", "Þórður ŋ"},
        {"iso-8859-13", "\xDE\xE0\x73\x69\x73\x20\xEB\xEB", "Žąsis ėė"},
        {"iso-8859-14", "\xF0\xFE\x20\xA1", "ŵŷ Ḃ"},
        {"iso-8859-15", "\x63\xBD\x75\x72\x20\xA4", "cœur €"},
        {"iso-8859-16", "\xAA\x74\x65\x66\x61\x6E\x20\xFE\x61\x72\xE3", "Ștefan țară"},
        {"koi8-r", "\xF0\xD2\xC9\xD7\xC5\xD4", "Привет"},
        {"koi8-u", "\xEB\xC9\xA7\xD7\x20\xAD", "Київ ґ"},
        {"macintosh", "\x86\x6E\x95\x20\xC4", "Ünï ƒ"},
        {"windows-874", "\xCA\xC7\xD1\xCA\xB4\xD5", "สวัสดี"},
        {"windows-1250", "\x50\xF8\xED\x6C\x69\x9A\x20\x9E\x6C\x75\x9D\x6F\x75\xE8\x6B\xFD",
         "Příliš žluťoučký"},
        {"windows-1251", "\xCF\xF0\xE8\xE2\xE5\xF2", "Привет"},
        {"windows-1252", "\x6E\x61\xEF\x76\x65\x20\x93\x80\x94", "naïve “€”"},
        {"windows-1253", "\xCA\xE1\xEB\xE7\xEC\xDD\xF1\xE1", "Καλημέρα"},
        {"windows-1254", "\xDD\x73\x74\x61\x6E\x62\x75\x6C\x20\xF0\xFD\xFE", "İstanbul ğış"},
        {"windows-1255", "\xF9\xEC\xE5\xED", "\xD7\xA9\xD7\x9C\xD7\x95\xD7\x9D"},
        {"windows-1256", "\xD3\xE1\xC7\xE3\x20\x90\x81",
         "\xD8\xB3\xD9\x84\xD8\xA7\xD9\x85\x20\xDA\xAF\xD9\xBE"},
        {"windows-1257", "\xDE\xE0\x73\x69\x73", "Žąsis"},
        {"windows-1258", "\x56\x69\x74\x20\xF5\xFD", "Vit ơư"},
        {"x-mac-cyrillic", "\x8F\xF0\xE8\xE2\xE5\xF2", "Привет"},
        {"gbk", "\xD6\xD0\xCE\xC4\xCD\xF8\xD2\xB3", "中文网页"},
        {"gb18030", "\xD6\xD0\xCE\xC4\x95\x32\x82\x36", "中文𠀀"},
        {"big5", "\xC1\x63\xC5\xE9\xA4\xA4\xA4\xE5", "繁體中文"},
        {"euc-jp", "\xC6\xFC\xCB\xDC\xB8\xEC\x8E\xC3\x8E\xBD\x8E\xC4", "日本語ﾃｽﾄ"},
        {"iso-2022-jp", "\x1B\x24\x42\x46\x7C\x4B\x5C\x38\x6C\x1B\x28\x42\x20\x41", "日本語 A"},
        {"shift_jis", "\x93\xFA\x96\x7B\x8C\xEA\xC3\xBD\xC4", "日本語ﾃｽﾄ"},
        {"euc-kr", "\xC7\xD1\xB1\xB9\xBE\xEE\x20\x8C\x63\xB9\xE6\xB0\xA2\xC7\xCF",
         "한국어 똠방각하"},
        {"utf-8", "\xC3\xA4\xE6\x97\xA5", "ä日"},
    };
    for (size_t i = 0; i < ARRAY_COUNT(rows); i++)
        assert_string_equal(
            decoded(rows[i].label, (const uint8_t *)rows[i].bytes, strlen(rows[i].bytes)),
            rows[i].text);
    assert_string_equal(DECODED("utf-16le", "\xE4\x00\xE5\x65\x3D\xD8\x00\xDE"), "ä日😀");
    assert_string_equal(DECODED("utf-16be", "\x00\xE4\x65\xE5\xD8\x3D\xDE\x00"), "ä日😀");
    assert_string_equal(DECODED("replacement", "abc"), "\uFFFD");
    assert_string_equal(DECODED("replacement", ""), "");
}

/* ---- whole tables, as a hash (FNV-1a) of what a browser or the standard's text makes of them ----
 */

static uint64_t hash_of(const char *text)
{
    uint64_t hash = 0xCBF29CE484222325;
    for (; *text != '\0'; text++)
        hash = (hash ^ (uint8_t)*text) * 0x100000001B3;
    return hash;
}

struct expected {
    const char *label;
    uint64_t hash;
};

static void every_byte_of_the_single_byte_encodings_is_the_standard_s(void **state)
{
    (void)state;
    static const struct expected rows[] = {
        {"ibm866", 0x1FC2571F04806DCA},         {"iso-8859-2", 0x588024DC95E3E2B6},
        {"iso-8859-3", 0x135E61974CA24517},     {"iso-8859-4", 0x91E374CB717C9E0F},
        {"iso-8859-5", 0xB83ADA894CDB942F},     {"iso-8859-6", 0x54794F86B052C862},
        {"iso-8859-7", 0x8A37FB522272B5E9},     {"iso-8859-8", 0xDA8AB993F35595DD},
        {"iso-8859-8-i", 0xDA8AB993F35595DD},   {"iso-8859-10", 0xF6255D1C555EA19B},
        {"iso-8859-13", 0xC6295F216259D2E1},    {"iso-8859-14", 0xDC6E3A7B6097D8B5},
        {"iso-8859-15", 0x5DF0B681D68EED40},    {"iso-8859-16", 0x67E71470C2C3C702},
        {"koi8-r", 0x0525656E2FBD23BD},         {"koi8-u", 0x042B0ACD8C134FC1},
        {"macintosh", 0xF8632623AB537BB5},      {"windows-874", 0x54FE9749B6D19313},
        {"windows-1250", 0x6CCEF6573D6D9235},   {"windows-1251", 0x9448B7D066A753A5},
        {"windows-1252", 0x29CCFE220DC0C01A},   {"windows-1253", 0xDED5F7D24E4DC710},
        {"windows-1254", 0x29E5A164D75B4794},   {"windows-1255", 0xBAA31A84BEE9449F},
        {"windows-1256", 0xE1F9D9190525E0CB},   {"windows-1257", 0x879C25A3BA7F16CE},
        {"windows-1258", 0xFFED1FCE560D4F03},   {"x-mac-cyrillic", 0x18E067F8C866B605},
        {"x-user-defined", 0x7DF16B5472C798A5},
    };
    uint8_t bytes[128];
    for (unsigned i = 0; i < sizeof(bytes); i++)
        bytes[i] = (uint8_t)(0x80 + i);
    for (size_t i = 0; i < ARRAY_COUNT(rows); i++) {
        uint64_t hash = hash_of(decoded(rows[i].label, bytes, sizeof(bytes)));
        if (hash != rows[i].hash)
            print_message("%s differs\n", rows[i].label);
        assert_true(hash == rows[i].hash);
    }
}

/* Every pair of bytes from the two on, each behind `before`. */
static void append_pairs(struct buffer *bytes, const char *before, unsigned first, unsigned second,
                         unsigned last)
{
    for (unsigned a = first; a <= last; a++) {
        for (unsigned b = second; b <= last; b++) {
            buffer_append_string(bytes, before);
            buffer_append_byte(bytes, (uint8_t)a);
            buffer_append_byte(bytes, (uint8_t)b);
        }
    }
}

static void check_hash(const char *label, const struct buffer *bytes, uint64_t expected)
{
    uint64_t hash = hash_of(decoded(label, bytes->data, bytes->size));
    if (hash != expected)
        print_message("%s differs: %llx\n", label, (unsigned long long)hash);
    assert_true(hash == expected);
}

static void every_pair_of_bytes_is_the_standard_s(void **state)
{
    (void)state;
    static const struct expected rows[] = {
        {"gbk", 0x523B4429FCEC7368},    {"gb18030", 0x523B4429FCEC7368},
        {"big5", 0x10089FA7D55E4C06},   {"shift_jis", 0x2C167BF8DF9951D9},
        {"euc-kr", 0xDF861A65C8CCA9AA}, {"euc-jp", 0x8A210C5E76AAC775},
    };
    struct buffer bytes = {0};
    append_pairs(&bytes, "\n", 0x80, 0x30, 0xFF);
    for (size_t i = 0; i < ARRAY_COUNT(rows); i++)
        check_hash(rows[i].label, &bytes, rows[i].hash);
    buffer_clear(&bytes);
    append_pairs(&bytes, "\n\x8F", 0xA1, 0xA1, 0xFE);
    check_hash("euc-jp", &bytes, 0x7FDC7CA1A3095DCB);
    buffer_clear(&bytes);
    buffer_append_string(&bytes, "\x1B$B");
    append_pairs(&bytes, "", 0x21, 0x21, 0x7E);
    check_hash("iso-2022-jp", &bytes, 0x0F191C1C356BB12A);
    buffer_release(&bytes);
}

static void every_four_bytes_of_the_basic_plane_are_gb18030_s(void **state)
{
    (void)state;
    struct buffer bytes = {0};
    for (unsigned pointer = 0; pointer < 39420; pointer++) {
        buffer_append_byte(&bytes, (uint8_t)(0x81 + pointer / 12600));
        buffer_append_byte(&bytes, (uint8_t)(0x30 + pointer / 1260 % 10));
        buffer_append_byte(&bytes, (uint8_t)(0x81 + pointer / 10 % 126));
        buffer_append_byte(&bytes, (uint8_t)(0x30 + pointer % 10));
    }
    check_hash("gb18030", &bytes, 0xB1765545402A2682);
    buffer_release(&bytes);
    assert_string_equal(DECODED("gb18030", "\x90\x30\x81\x30\xE3\x32\x9A\x35"),
                        "\xF0\x90\x80\x80\xF4\x8F\xBF\xBF");
    assert_string_equal(DECODED("gb18030", "\xE3\x32\x9A\x36."), "\uFFFD.");
}

/* ---- what is wrong ---------------------------------------------------------------------------
 */

static void markup_survives_a_wrong_byte_in_front_of_it(void **state)
{
    (void)state;
    assert_string_equal(DECODED("gbk", "\x81<p>\xFF\x81\x30<\x81\x30\x81<"),
                        "\uFFFD<p>\uFFFD\uFFFD0<\uFFFD0\uFFFD<");
    assert_string_equal(DECODED("big5", "\x81<\x80\x81\xFF"), "\uFFFD<\uFFFD\uFFFD");
    assert_string_equal(DECODED("euc-jp", "\xA4<\x8E<\x8F<\x8F\xA2<\x8F\xA2\xC3"),
                        "\uFFFD<\uFFFD<\uFFFD<\uFFFD<\xC2\xA6");
    assert_string_equal(DECODED("shift_jis", "\x81<\xA0\xFD\x80\xF0\x40"),
                        "\uFFFD<\uFFFD\uFFFD\xC2\x80\xEE\x80\x80");
    assert_string_equal(DECODED("euc-kr", "\x81<\xFF\x80\xC9\xA1"), "\uFFFD<\uFFFD\uFFFD\uFFFD");
    assert_string_equal(DECODED("utf-16le", "\x00\xDC<\x00\x00\xD8<\x00"), "\uFFFD<\uFFFD<");
}

static void escapes_of_iso_2022_jp_lead_where_they_should(void **state)
{
    (void)state;
    assert_string_equal(DECODED("iso-2022-jp", "\x1B(J\\~\x1B(I1\x1B(B\\"), "¥‾ｱ\\");
    assert_string_equal(DECODED("iso-2022-jp", "\x1B(Xa\x0E\xFF"), "\uFFFD(Xa\uFFFD\uFFFD");
    assert_string_equal(DECODED("iso-2022-jp", "\x1B(J\x1B(Ba"), "\uFFFDa");
    assert_string_equal(DECODED("iso-2022-jp", "\x1B$BF\x1B(Ba"), "\uFFFDa");
    assert_string_equal(DECODED("iso-2022-jp", "\x1B$@F|\n"), "日\uFFFD");
}

static void every_cut_is_survived(void **state)
{
    (void)state;
    static const char *const labels[] = {"gb18030", "big5",   "euc-jp",   "iso-2022-jp",
                                         "euc-kr",  "utf-16", "shift_jis"};
    static const uint8_t bytes[] = "\x81\x30\x81\x30\x8F\xA2\xC3\x1B$BF|\x1B(B\xD8\x3D\xDE";
    for (size_t i = 0; i < ARRAY_COUNT(labels); i++) {
        for (size_t size = 0; size < sizeof(bytes); size++)
            (void)decoded(labels[i], bytes, size);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_encoding_is_read),
        cmocka_unit_test(every_byte_of_the_single_byte_encodings_is_the_standard_s),
        cmocka_unit_test(every_pair_of_bytes_is_the_standard_s),
        cmocka_unit_test(every_four_bytes_of_the_basic_plane_are_gb18030_s),
        cmocka_unit_test(markup_survives_a_wrong_byte_in_front_of_it),
        cmocka_unit_test(escapes_of_iso_2022_jp_lead_where_they_should),
        cmocka_unit_test(every_cut_is_survived),
    };
    return cmocka_run_group_tests_name("charset_decode", tests, NULL, NULL);
}
