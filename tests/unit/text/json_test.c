#include "text/json.h"

#include "tests/unit/unit.h"

#include <math.h>

static struct buffer bytes;

static int set_up(void **state)
{
    (void)state;
    buffer_release(&bytes);
    return 0;
}

static void commas_stand_between_values_only(void **state)
{
    (void)state;
    struct json_writer json = {.bytes = &bytes};
    json_open_object(&json, NULL);
    json_open_array(&json, "empty");
    json_close_array(&json);
    json_open_array(&json, "numbers");
    json_put_unsigned(&json, NULL, 0);
    json_put_unsigned(&json, NULL, UINT64_MAX);
    json_close_array(&json);
    json_open_object(&json, "inner");
    json_put_boolean(&json, "yes", true);
    json_put_boolean(&json, "no", false);
    json_close_object(&json);
    json_put_tenths(&json, "ms", 1250);
    json_close_object(&json);
    assert_string_equal(buffer_string(&bytes), "{\"empty\":[],\"numbers\":[0,18446744073709551615],"
                                               "\"inner\":{\"yes\":true,\"no\":false},\"ms\":1.3}");
}

static void what_is_no_number_or_no_time_is_null(void **state)
{
    (void)state;
    struct json_writer json = {.bytes = &bytes};
    json_open_array(&json, NULL);
    json_put_real(&json, NULL, NAN);
    json_put_real(&json, NULL, INFINITY);
    json_put_real(&json, NULL, 1.5);
    json_put_time(&json, NULL, 0);
    json_put_time(&json, NULL, INT64_C(1795358548000000));
    json_close_array(&json);
    assert_string_equal(buffer_string(&bytes), "[null,null,1.5,null,\"2026-11-22T14:42:28Z\"]");
}

static void indented_each_value_has_a_line(void **state)
{
    (void)state;
    struct json_writer json = {.bytes = &bytes, .is_indented = true};
    json_open_object(&json, NULL);
    json_put_unsigned(&json, "one", 1);
    json_open_array(&json, "none");
    json_close_array(&json);
    json_open_array(&json, "list");
    json_open_object(&json, NULL);
    json_put_string(&json, "name", "a");
    json_put_boolean(&json, "yes", true);
    json_close_object(&json);
    json_put_unsigned(&json, NULL, 2);
    json_close_array(&json);
    json_close_object(&json);
    assert_string_equal(buffer_string(&bytes), "{\n"
                                               "  \"one\": 1,\n"
                                               "  \"none\": [],\n"
                                               "  \"list\": [\n"
                                               "    {\n"
                                               "      \"name\": \"a\",\n"
                                               "      \"yes\": true\n"
                                               "    },\n"
                                               "    2\n"
                                               "  ]\n"
                                               "}");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup(commas_stand_between_values_only, set_up),
        cmocka_unit_test_setup(what_is_no_number_or_no_time_is_null, set_up),
        cmocka_unit_test_setup(indented_each_value_has_a_line, set_up),
    };
    int failed = cmocka_run_group_tests(tests, NULL, NULL);
    buffer_release(&bytes);
    return failed;
}
