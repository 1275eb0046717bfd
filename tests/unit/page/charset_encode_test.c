#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/arena.h"
#include "base/check.h"
#include "crawl/utf8.h"
#include "page/charset_encode.h"
#include "tests/unit/crawl/json.h"
#include "tests/unit/crawl/suite.h"

static struct arena arena;

static int forget(void **state)
{
    (void)state;
    arena_release(&arena);
    return 0;
}

/* The query as a page in that charset sends it; NULL: there is nothing to encode. */
static const char *encode(const char *charset, const char *url)
{
    struct charset_encoder encoder;
    struct buffer buffer = {0};
    charset_encoder_init(&encoder, charset_by_label(charset, strlen(charset)));
    bool changed = charset_encode_query(&encoder, url, strlen(url), &buffer);
    const char *encoded = changed ? arena_string(&arena, buffer_string(&buffer)) : NULL;
    assert_true(changed || buffer.size == 0);
    buffer_release(&buffer);
    return encoded;
}

static void only_the_query_is_encoded(void **state)
{
    (void)state;
    assert_string_equal(encode("windows-1252", "/\xC3\xA4?q=\xC3\xA4&\xC3\xB6#\xC3\xA4"),
                        "/\xC3\xA4?q=%E4&%F6#\xC3\xA4");
    assert_null(encode("windows-1252", "/\xC3\xA4#?\xC3\xA4"));
    assert_null(encode("windows-1252", "/?q=a%20b"));
    assert_null(encode("utf-8", "/?q=\xC3\xA4"));
    assert_null(encode("utf-16le", "/?q=\xC3\xA4"));
    assert_null(encode("iso-2022-jp", "/?q=\xC3\xA4"));
}

static void encodings_have_their_own_bytes(void **state)
{
    (void)state;
    static const char *const rows[][3] = {
        {"koi8-r", "?\xD1\x8F", "?%D1"},
        {"iso-8859-2", "?\xC2\xA2", "?%26%23162%3B"},
        {"gbk", "?\xE4\xB8\xAD\xE2\x82\xAC", "?%D6%D0%80"},
        {"gb18030", "?\xE2\x82\xAC\xC7\xB9", "?%A2%E3%A8%BF"},
        {"gb18030", "?\xC2\x80\xEF\xBF\xA6", "?%81%30%81%30%84%31%A2%34"},
        {"big5", "?\xE4\xB8\xAD\xE5\x8D\x81", "?%A4%A4%A4%51"},
        {"euc-jp", "?\xE3\x81\x82\xEF\xBD\xB1\xC2\xA5", "?%A4%A2%8E%B1%5C"},
        {"shift_jis", "?\xE3\x81\x82\xEF\xBD\xB1\xE2\x88\x92", "?%82%A0%B1%81%7C"},
        {"euc-kr", "?\xED\x95\x9C", "?%C7%D1"},
        {"big5", "?\xF0\x9F\x98\x80", "?%26%23128512%3B"},
        {"x-user-defined", "?\xC3\xA4", NULL},
    };
    for (size_t i = 0; i < ARRAY_COUNT(rows); i++) {
        const char *found = encode(rows[i][0], rows[i][1]);
        if ((found == NULL) != (rows[i][2] == NULL) ||
            (found != NULL && strcmp(found, rows[i][2]) != 0))
            fail_msg("%s: %s", rows[i][0], found);
    }
}

/* What is encoded is decoded to itself, of every character of the first plane that there is. */
static void encoding_is_undone_by_decoding(void **state)
{
    (void)state;
    static const char *const charsets[] = {"windows-1251", "gbk",       "gb18030", "big5",
                                           "euc-jp",       "shift_jis", "euc-kr"};
    for (size_t i = 0; i < ARRAY_COUNT(charsets); i++) {
        const struct charset *charset = charset_by_label(charsets[i], strlen(charsets[i]));
        for (uint32_t code_point = 0xA0; code_point < 0xFFFE; code_point += 7) {
            char url[8] = "?";
            uint8_t bytes[8];
            struct buffer text = {0};
            if (code_point >= 0xD800 && code_point < 0xE000)
                continue;
            size_t size = utf8_put(code_point, url + 1);
            const char *at = encode(charsets[i], url) + 1;
            if (strncmp(at, "%26%23", 6) == 0)
                continue;
            size_t count = 0;
            for (; *at == '%'; at += 3) {
                char digits[3] = {at[1], at[2], '\0'};
                bytes[count++] = (uint8_t)strtoul(digits, NULL, 16);
            }
            assert_int_equal(charset_decode(charset, bytes, count, &text, NULL), STATUS_OK);
            bool alias = code_point == 0xA5 || code_point == 0x203E || code_point == 0x2212;
            if (!alias && (text.size != size || memcmp(text.data, url + 1, size) != 0))
                fail_msg("%s U+%04X", charsets[i], code_point);
            buffer_release(&text);
        }
        arena_reset(&arena);
    }
}

static void a_page_has_its_characters_looked_up_to_a_limit(void **state)
{
    (void)state;
    struct charset_encoder encoder;
    struct buffer url = {0}, encoded = {0};
    charset_encoder_init(&encoder, charset_by_label("koi8-r", 6));
    buffer_append_string(&url, "?");
    for (int i = 0; i < CHARSET_ENCODE_MAX + 1; i++)
        buffer_append_string(&url, "\xD1\x8F");
    assert_true(charset_encode_query(&encoder, (const char *)url.data, url.size, &encoded));
    assert_int_equal(encoded.size, 1 + 3 * CHARSET_ENCODE_MAX + 2);
    buffer_release(&url);
    buffer_release(&encoded);
}

/* "%81|" and "%81%7C" are the same to us: escapes but for letters and digits. */
static bool is_same(const char *found, const char *expected)
{
    while (*expected != '\0') {
        char escape[4];
        snprintf(escape, sizeof(escape), "%%%02X", (unsigned char)*expected);
        if (*found == *expected)
            found++;
        else if (strncmp(found, escape, 3) == 0)
            found += 3;
        else
            return false;
        expected++;
    }
    return *found == '\0';
}

static void the_web_platform_tests_agree(void **state)
{
    (void)state;
    struct buffer buffer = {0};
    const struct json *tests =
        json_read(suite_read("url-wpt/percent-encoding.json", &buffer), &arena);
    size_t same = 0;
    for (const struct json *test = tests->first; test != NULL; test = test->next) {
        const char *input = json_text(test, "input");
        const struct json *outputs = json_member(test, "output");
        if (input == NULL || outputs == NULL)
            continue;
        for (const struct json *output = outputs->first; output != NULL; output = output->next) {
            char url[64];
            snprintf(url, sizeof(url), "?%s", input);
            const char *found = encode(output->name, url);
            if (found == NULL)
                continue; /* UTF-8, ISO-2022-JP, or nothing to encode */
            if (!is_same(found + 1, output->text))
                fail_msg("%s in %s: %s, not %s", input, output->name, found + 1, output->text);
            same++;
        }
    }
    print_message("%zu agree\n", same);
    assert_true(same >= 5);
    buffer_release(&buffer);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_teardown(only_the_query_is_encoded, forget),
        cmocka_unit_test_teardown(encodings_have_their_own_bytes, forget),
        cmocka_unit_test_teardown(encoding_is_undone_by_decoding, forget),
        cmocka_unit_test_teardown(a_page_has_its_characters_looked_up_to_a_limit, forget),
        cmocka_unit_test_teardown(the_web_platform_tests_agree, forget),
    };
    return cmocka_run_group_tests_name("charset_encode", tests, NULL, NULL);
}
