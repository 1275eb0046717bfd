#include "cli/answer_json.h"

#include <stdio.h>

struct json_writer json_begin(struct buffer *bytes)
{
    return (struct json_writer){.bytes = bytes, .is_indented = true};
}

void json_print_bytes(struct buffer *bytes)
{
    fwrite(bytes->data, 1, bytes->size, stdout);
    fputc('\n', stdout);
    buffer_release(bytes);
}

void json_print(json_t *json)
{
    json_dumpf(json, stdout, JSON_INDENT(2) | JSON_REAL_PRECISION(12));
    fputc('\n', stdout);
    json_decref(json);
}
