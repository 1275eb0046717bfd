#include "crawl/headers.h"

#include <stdbool.h>
#include <string.h>
#include <strings.h>

/* One line of a block, without its end; false behind the last one. */
static bool next_line(const char **at, const char *end, const char **ret_line, size_t *ret_size)
{
    if (*at >= end)
        return false;
    const char *feed = memchr(*at, '\n', (size_t)(end - *at));
    *ret_line = *at;
    *ret_size = (size_t)((feed != NULL ? feed : end) - *at);
    *at = feed != NULL ? feed + 1 : end;
    if (*ret_size > 0 && (*ret_line)[*ret_size - 1] == '\r')
        (*ret_size)--;
    return true;
}

static bool is_blank(char c)
{
    return c == ' ' || c == '\t';
}

size_t headers_get_all(const void *block, size_t size, const char *name, size_t max,
                       struct arena *arena, char **ret_values)
{
    const char *at = size > 0 ? block : "", *end = at + size, *line;
    size_t line_size, count = 0, name_size = strlen(name);
    while (count < max && next_line(&at, end, &line, &line_size)) {
        if (line_size <= name_size || line[name_size] != ':' ||
            strncasecmp(line, name, name_size) != 0)
            continue;
        const char *value = line + name_size + 1, *value_end = line + line_size;
        while (value < value_end && is_blank(*value))
            value++;
        while (value < value_end && is_blank(value_end[-1]))
            value_end--;
        char *copy = arena_string_of(arena, value, (size_t)(value_end - value));
        if (copy == NULL)
            break;
        ret_values[count++] = copy;
    }
    return count;
}

const char *headers_get(const void *block, size_t size, const char *name, struct arena *arena)
{
    char *value;
    return headers_get_all(block, size, name, 1, arena, &value) == 1 ? value : NULL;
}
