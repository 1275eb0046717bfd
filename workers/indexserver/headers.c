#include "indexserver/headers.h"

#include <string.h>
#include <strings.h>

#include "base/check.h"

static bool is_blank(char c)
{
    return c == ' ' || c == '\t' || c == '\r';
}

char *header_value(const ProtobufCBinaryData *block, const char *name, struct arena *arena)
{
    const char *at = (const char *)block->data, *value = "";
    const char *end = block->len == 0 ? at : at + block->len;
    size_t value_size = 0, name_size = strlen(name);
    while (at < end) {
        const char *line_end = memchr(at, '\n', (size_t)(end - at));
        line_end = line_end == NULL ? end : line_end;
        size_t size = (size_t)(line_end - at);
        if (size > name_size && at[name_size] == ':' && strncasecmp(at, name, name_size) == 0) {
            value = at + name_size + 1;
            value_size = size - name_size - 1;
        }
        at = line_end == end ? end : line_end + 1;
    }
    while (value_size > 0 && is_blank(value[0])) {
        value++;
        value_size--;
    }
    while (value_size > 0 && is_blank(value[value_size - 1]))
        value_size--;
    return check_alloc(arena_string_of(arena, value, value_size));
}
