#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "base/check.h"
#include "crawl/utf8.h"
#include "page/charset.h"
#include "tests/unit/crawl/suite.h"

static const char *name_of(const char *label)
{
    const struct charset *charset = charset_by_label(label, strlen(label));
    return charset == NULL ? "none" : charset->name;
}

static void labels_are_read_as_the_web_reads_them(void **state)
{
    (void)state;
    assert_string_equal(name_of("UTF8"), "utf-8");
    assert_string_equal(name_of(" ISO-8859-1\n"), "windows-1252");
    assert_string_equal(name_of("ascii"), "windows-1252");
    assert_string_equal(name_of("GB2312"), "gbk");
    assert_string_equal(name_of("x-sjis"), "shift_jis");
    assert_string_equal(name_of("iso-2022-kr"), "replacement");
    assert_string_equal(name_of("utf-7"), "none");
    assert_string_equal(name_of(""), "none");
    assert_string_equal(name_of(" "), "none");
    assert_string_equal(name_of("utf-8 utf8"), "none");
    assert_string_equal(name_of("a-label-longer-than-any-that-there-is"), "none");
}

static const char *decoded(const char *label, const char *bytes, size_t size)
{
    static struct buffer buffer;
    buffer_release(&buffer);
    uint8_t *copy = malloc(size + (size == 0));
    memcpy(copy, bytes, size);
    const struct charset *charset = charset_by_label(label, strlen(label));
    assert_int_equal(charset_decode(charset, copy, size, &buffer, NULL), STATUS_OK);
    free(copy);
    return buffer_string(&buffer);
}

#define DECODED(label, literal) decoded(label, literal, sizeof(literal) - 1)

static void only_the_standard_s_labels_are_known(void **state)
{
    (void)state;
    static const char *const extra[] = {"utf-7",  "uhc",         "mac-cyrillic", "iso-8859-12",
                                        "cp1259", "iso-10646-1", "shift-jisx"};
    for (size_t i = 0; i < ARRAY_COUNT(extra); i++)
        assert_string_equal(name_of(extra[i]), "none");
    assert_string_equal(name_of("x-user-defined"), "x-user-defined");
    assert_string_equal(name_of("X-X-Big5"), "big5");
    assert_string_equal(name_of("\tUnicodeFFFE\f"), "utf-16be");
}

static void every_converter_is_there(void **state)
{
    (void)state;
    assert_string_equal(DECODED("latin1", "\xE4\x80"), "\xC3\xA4\xE2\x82\xAC");
    assert_string_equal(DECODED("iso-8859-2", "\xB1"), "\xC4\x85");
    assert_string_equal(DECODED("koi8-r", "\xC1"), "\xD0\xB0");
    assert_string_equal(DECODED("windows-1251", "\xE0"), "\xD0\xB0");
    assert_string_equal(DECODED("shift_jis", "\x93\xFA\x87\x40"), "\xE6\x97\xA5\xE2\x91\xA0");
    assert_string_equal(DECODED("euc-jp", "\xC6\xFC"), "\xE6\x97\xA5");
    assert_string_equal(DECODED("iso-2022-jp", "\x1B$BF|\x1B(B!"), "\xE6\x97\xA5!");
    assert_string_equal(DECODED("gbk", "\xC8\xD5\xA2\xE3"), "\xE6\x97\xA5\xE2\x82\xAC");
    assert_string_equal(DECODED("big5", "\xA4\xE9"), "\xE6\x97\xA5");
    assert_string_equal(DECODED("euc-kr", "\xC0\xCF"), "\xEC\x9D\xBC");
    assert_string_equal(DECODED("utf-16", "\xE5\x65!\0"), "\xE6\x97\xA5!");
    assert_string_equal(DECODED("utf-16be", "\x65\xE5\0!"), "\xE6\x97\xA5!");
    assert_string_equal(DECODED("iso-2022-kr", "anything"), "\xEF\xBF\xBD");
}

static void wrong_bytes_become_replacements_and_the_rest_is_kept(void **state)
{
    (void)state;
    assert_string_equal(DECODED("utf-8", "a\xFF"
                                         "b\xC3(\xE2\x82|\xED\xA0\x80\xEF\xBF\xBD"),
                        "a\xEF\xBF\xBD"
                        "b\xEF\xBF\xBD(\xEF\xBF\xBD|"
                        "\xEF\xBF\xBD\xEF\xBF\xBD\xEF\xBF\xBD\xEF\xBF\xBD");
    assert_string_equal(DECODED("utf-8", "\xF4\x90\x80\x80"),
                        "\xEF\xBF\xBD\xEF\xBF\xBD\xEF\xBF\xBD\xEF\xBF\xBD");
    assert_string_equal(DECODED("utf-8", "\xF0\x90\x80\x80\xF3\xBF\xBF\xBF\xF4\x8F\xBF\xBF"),
                        "\xF0\x90\x80\x80\xF3\xBF\xBF\xBF\xF4\x8F\xBF\xBF");
    assert_string_equal(DECODED("utf-8", "\xE0\xA0\x80\xED\x9F\xBF\xEE\x80\x80"),
                        "\xE0\xA0\x80\xED\x9F\xBF\xEE\x80\x80");
    assert_string_equal(
        DECODED("utf-8", "\xC1\xBF\xE0\x9F|\xF0\x8F"),
        "\xEF\xBF\xBD\xEF\xBF\xBD\xEF\xBF\xBD\xEF\xBF\xBD|\xEF\xBF\xBD\xEF\xBF\xBD");
    assert_string_equal(DECODED("euc-jp", "a\xFF\xC6\xFC"), "a\xEF\xBF\xBD\xE6\x97\xA5");
    assert_string_equal(DECODED("utf-16", "a\0\x00\xD8"
                                          "b\0"),
                        "a\xEF\xBF\xBD"
                        "b");
}

static void a_wrong_byte_is_found_wherever_it_stands(void **state)
{
    (void)state;
    enum { SIZE = 27 }; /* three words of eight bytes and a rest */
    for (size_t at = 0; at < SIZE; at++) {
        char text[SIZE + 1], expected[2 * SIZE + 4];
        memset(text, 'a', SIZE);
        text[SIZE] = '\0';
        assert_int_equal(utf8_ascii_size((const uint8_t *)text, at), at);
        text[at] = '\x80';
        assert_int_equal(utf8_ascii_size((const uint8_t *)text, SIZE), at);
        assert_false(utf8_is_valid((const uint8_t *)text, SIZE, false));
        snprintf(expected, sizeof(expected), "%.*s\xEF\xBF\xBD%s", (int)at, text, text + at + 1);
        assert_string_equal(decoded("utf-8", text, SIZE), expected);
    }
}

static void a_character_cut_by_the_end_is_left_out(void **state)
{
    (void)state;
    assert_string_equal(DECODED("utf-8", "a\xE6\x97"), "a");
    assert_string_equal(DECODED("utf-8", "\xFF\xE6\x97"), "\xEF\xBF\xBD");
    assert_string_equal(DECODED("euc-jp", "a\xC6"), "a");
    assert_string_equal(DECODED("utf-16", "a\0b"), "a");
}

static const char *found(const char *bytes, size_t size, const char *label, size_t *ret_bom_size)
{
    uint8_t *copy = malloc(size + 1);
    memcpy(copy, bytes, size);
    const struct charset *charset = charset_find(copy, size, label, true, ret_bom_size);
    free(copy);
    return charset->name;
}

#define FOUND(literal, label) found(literal, sizeof(literal) - 1, label, &bom_size)

static void marks_come_before_headers_before_meta_before_guesses(void **state)
{
    (void)state;
    size_t bom_size;
    assert_string_equal(FOUND("\xEF\xBB\xBF\xE4", "koi8-r"), "utf-8");
    assert_int_equal(bom_size, 3);
    assert_string_equal(FOUND("\xFF\xFE", "koi8-r"), "utf-16le");
    assert_int_equal(bom_size, 2);
    assert_string_equal(FOUND("\xFE\xFF", NULL), "utf-16be");
    assert_string_equal(FOUND("<meta charset=big5>", "koi8-r"), "koi8-r");
    assert_int_equal(bom_size, 0);
    assert_string_equal(FOUND("<meta charset=big5>", "nonsense"), "big5");
    assert_string_equal(FOUND("<META CHARSET=TIS-620>", NULL), "windows-874");
    assert_string_equal(FOUND("<meta charset=nonsense>\xC3\xA4", NULL), "utf-8");
    assert_string_equal(FOUND("<meta charset=x-user-defined>", NULL), "windows-1252");
    assert_string_equal(FOUND("a", "x-user-defined"), "x-user-defined");
    assert_string_equal(FOUND("<meta charset=utf-16be>", NULL), "utf-8");
    assert_string_equal(FOUND("", NULL), "utf-8");
}

static void an_xml_declaration_is_heard_where_no_meta_is(void **state)
{
    (void)state;
    size_t bom_size;
    assert_string_equal(FOUND("<?xml version='1.0' encoding='Big5'?><html>\xE4", NULL), "big5");
    assert_string_equal(FOUND("<?xml encoding = \"koi8-r\"?><meta charset=big5>", NULL), "big5");
    assert_string_equal(FOUND("<?xml encoding='utf-16'?>\xC3\xA4", NULL), "utf-8");
    assert_string_equal(FOUND(" <?xml encoding='big5'?>caf\xE9", NULL), "windows-1252");
    assert_string_equal(FOUND("<?xml encoding='big5", NULL), "utf-8");
    assert_string_equal(FOUND("<\0?\0x\0m\0", NULL), "utf-16le");
    assert_string_equal(FOUND("\0<\0?\0x\0m", NULL), "utf-16be");
}

static void undeclared_charsets_are_guessed(void **state)
{
    (void)state;
    size_t bom_size;
    static const char russian[] =
        "\xF3\xE5\xF2\xFC \xFD\xF2\xEE \xF1\xEE\xE2\xEE\xEA\xF3\xEF\xED\xEE\xF1\xF2\xFC "
        "\xEA\xEE\xEC\xEF\xFC\xFE\xF2\xE5\xF0\xEE\xE2, "
        "\xF1\xEE\xE5\xE4\xE8\xED\xB8\xED\xED\xFB\xF5 "
        "\xEC\xE5\xE6\xE4\xF3 \xF1\xEE\xE1\xEE\xE9 \xE4\xEB\xFF \xEE\xE1\xEC\xE5\xED\xE0";
    assert_string_equal(FOUND(russian, NULL), "windows-1251");
    assert_string_equal(FOUND("\x1B$BF|K\\8l$N%F%-%9%H\x1B(B", NULL), "iso-2022-jp");
    assert_string_equal(FOUND("caf\xE9", NULL), "windows-1252");
    assert_string_equal(FOUND("Die sch\xF6nen \xDC"
                              "bungen f\xFCr gro\xDF"
                              "e \xC4pfel, s\xFC\xDF und gr\xFCn, "
                              "die man sp\xE4ter fr\xFCh genug z\xE4hlen k\xF6nnte",
                              NULL),
                        "windows-1252");
}

static void a_meta_is_heard_only_in_the_first_bytes(void **state)
{
    (void)state;
    static char body[CHARSET_PRESCAN_BYTES + 64];
    memset(body, ' ', sizeof(body));
    memcpy(body + CHARSET_PRESCAN_BYTES - 19, "<meta charset=big5>", 19);
    assert_non_null(charset_prescan((uint8_t *)body, sizeof(body)));
    memset(body, ' ', sizeof(body));
    memcpy(body + CHARSET_PRESCAN_BYTES - 18, "<meta charset=big5>", 19);
    assert_null(charset_prescan((uint8_t *)body, sizeof(body)));
}

static void overlong_attributes_of_a_meta_are_passed_over(void **state)
{
    (void)state;
    char html[1024] = "<meta ";
    memset(html + 6, 'a', 300);
    strcpy(html + 306, "='");
    memset(html + 308, 'b', 400);
    strcpy(html + 708, "' charset=big5>");
    assert_string_equal(charset_prescan((uint8_t *)html, strlen(html))->name, "big5");
}

static void every_cut_of_a_declaration_is_survived(void **state)
{
    (void)state;
    static const char text[] = "<!-- > --><?x><a href='>'><meta http-equiv=Content-Type "
                               "content=\"text/html; charset = 'koi8-r'\"></a>";
    for (size_t size = 0; size < sizeof(text); size++) {
        uint8_t *copy = malloc(size + (size == 0));
        memcpy(copy, text, size);
        const struct charset *charset = charset_prescan(copy, size);
        bool whole = size >= (size_t)(strstr(text, "></a>") - text) + 1;
        assert_int_equal(charset != NULL, whole);
        free(copy);
    }
}

/* ---- html5lib's tests ------------------------------------------------------------------------ */

struct counts {
    size_t right;
    size_t wrong;
};

/* "#data\n...\n#encoding\nname\n" */
static void check_file(const char *name, struct counts *counts)
{
    struct buffer buffer = {0};
    const char *at = suite_read(name, &buffer);
    while ((at = strstr(at, "#data\n")) != NULL) {
        const char *data = at + strlen("#data\n");
        const char *end = strstr(data, "\n#encoding\n");
        if (end == NULL)
            break;
        const char *expected = end + strlen("\n#encoding\n");
        size_t expected_size = strcspn(expected, "\r\n");
        size_t bom_size = 0;
        const struct charset *charset =
            charset_prescan((const uint8_t *)data, (size_t)(end - data));
        if (strncmp(data, "\xEF\xBB\xBF", 3) == 0)
            charset =
                charset_find((const uint8_t *)data, (size_t)(end - data), NULL, true, &bom_size);
        const struct charset *wanted = charset_by_label(expected, expected_size);
        const char *ours = charset == NULL ? "windows-1252" : charset->name;
        at = expected;
        if (wanted != NULL && strcmp(wanted->name, ours) == 0) {
            counts->right++;
            continue;
        }
        counts->wrong++;
        print_message("WRONG: %s, not %.*s: %.*s\n", ours, (int)expected_size, expected,
                      (int)(end - data > 200 ? 200 : end - data), data);
    }
    buffer_release(&buffer);
}

static void declarations_are_found_as_html5lib_s_tests_say(void **state)
{
    (void)state;
    struct counts counts = {0};
    check_file("html5lib/encoding/tests1.dat", &counts);
    check_file("html5lib/encoding/tests2.dat", &counts);
    check_file("html5lib/encoding/test-yahoo-jp.dat", &counts);
    print_message("right %zu, wrong %zu\n", counts.right, counts.wrong);
    assert_int_equal(counts.wrong, 0);
    assert_true(counts.right > 70);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(labels_are_read_as_the_web_reads_them),
        cmocka_unit_test(only_the_standard_s_labels_are_known),
        cmocka_unit_test(every_converter_is_there),
        cmocka_unit_test(wrong_bytes_become_replacements_and_the_rest_is_kept),
        cmocka_unit_test(a_wrong_byte_is_found_wherever_it_stands),
        cmocka_unit_test(a_character_cut_by_the_end_is_left_out),
        cmocka_unit_test(marks_come_before_headers_before_meta_before_guesses),
        cmocka_unit_test(an_xml_declaration_is_heard_where_no_meta_is),
        cmocka_unit_test(undeclared_charsets_are_guessed),
        cmocka_unit_test(a_meta_is_heard_only_in_the_first_bytes),
        cmocka_unit_test(overlong_attributes_of_a_meta_are_passed_over),
        cmocka_unit_test(every_cut_of_a_declaration_is_survived),
        cmocka_unit_test(declarations_are_found_as_html5lib_s_tests_say),
    };
    return cmocka_run_group_tests_name("charset", tests, NULL, NULL);
}
