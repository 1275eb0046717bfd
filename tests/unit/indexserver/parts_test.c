/* The small parts: the table, header values, what a removal covers. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "indexserver/headers.h"
#include "indexserver/table.h"

enum { KEYS = 2000 };

static void a_table_finds_what_was_put_and_not_what_was_removed(void **state)
{
    (void)state;
    struct table table = {0};
    static char keys[KEYS][16];
    assert_null(table_get(&table, "none"));
    table_remove(&table, "none");
    for (size_t i = 0; i < KEYS; i++) {
        snprintf(keys[i], sizeof(keys[i]), "key %zu", i);
        table_put(&table, keys[i], keys[i]);
    }
    assert_int_equal(table.count, KEYS);
    for (size_t i = 0; i < KEYS; i += 2)
        table_remove(&table, keys[i]);
    for (size_t i = 0; i < KEYS; i++)
        assert_ptr_equal(table_get(&table, keys[i]), i % 2 == 0 ? NULL : keys[i]);
    table_put(&table, keys[1], keys[2]);
    assert_ptr_equal(table_get(&table, keys[1]), keys[2]);
    assert_int_equal(table.count, KEYS / 2);
    table_clear(&table);
    assert_null(table_get(&table, keys[1]));
    table_release(&table);
}

static const char *value_of(struct arena *arena, const char *text, const char *name)
{
    size_t size = strlen(text);
    uint8_t *exact = malloc(size + 1);
    memcpy(exact, text, size);
    ProtobufCBinaryData block = {.len = size, .data = exact};
    const char *value = header_value(&block, name, arena);
    free(exact);
    return value;
}

static void a_header_is_found_in_any_case_and_without_white_space(void **state)
{
    (void)state;
    struct arena arena = {0};
    assert_string_equal(value_of(&arena, "HTTP/1.1 200 OK\r\nETag:  \"a b\" \r\n", "etag"),
                        "\"a b\"");
    assert_string_equal(value_of(&arena, "etag: 1\netag: 2", "etag"), "2");
    assert_string_equal(value_of(&arena, "x-etag: 1\r\n", "etag"), "");
    assert_string_equal(value_of(&arena, "etag", "etag"), "");
    assert_string_equal(value_of(&arena, "etag:", "etag"), "");
    assert_string_equal(value_of(&arena, "", "etag"), "");
    arena_release(&arena);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_table_finds_what_was_put_and_not_what_was_removed),
        cmocka_unit_test(a_header_is_found_in_any_case_and_without_white_space),
    };
    return cmocka_run_group_tests_name("indexserver/parts", tests, NULL, NULL);
}
