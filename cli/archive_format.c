#include "cli/archive_format.h"

#include <string.h>
#include <strings.h>

#include "base/check.h"

#define PREFIX "X-Tierce-"

enum { PREFIX_BYTES = sizeof(PREFIX) - 1 };

/* One line with its end; false behind the last. */
static bool next_line(const char **at, const char *end, const char **ret_line, size_t *ret_size)
{
    if (*at >= end)
        return false;
    const char *feed = memchr(*at, '\n', (size_t)(end - *at));
    *ret_line = *at;
    *ret_size = (size_t)((feed == NULL ? end : feed + 1) - *at);
    *at += *ret_size;
    return true;
}

static bool is_empty(const char *line, size_t size)
{
    return (size == 1 && line[0] == '\n') || (size == 2 && line[0] == '\r' && line[1] == '\n');
}

static bool begins(const char *line, size_t size, const char *text)
{
    size_t wanted = strlen(text);
    return size >= wanted && strncasecmp(line, text, wanted) == 0;
}

static bool is_renamed(const char *line, size_t size)
{
    static const char *const names[] = {
        "Content-Encoding:", "Transfer-Encoding:", "Content-Length:", PREFIX};
    for (size_t i = 0; i < ARRAY_COUNT(names); i++) {
        if (begins(line, size, names[i]))
            return true;
    }
    return false;
}

const char *archive_headers_adapt(const void *block, size_t size, size_t body_size,
                                  struct buffer *out)
{
    const char *at = block, *end = size == 0 ? at : at + size, *line;
    size_t line_size;
    bool ended = false;
    while (!ended && next_line(&at, end, &line, &line_size)) {
        ended = is_empty(line, line_size);
        if (ended)
            break;
        if (is_renamed(line, line_size))
            buffer_append_string(out, PREFIX);
        buffer_append(out, line, line_size);
    }
    buffer_append_format(out, "Content-Length: %zu\r\n", body_size);
    if (ended)
        buffer_append(out, line, line_size);
    else
        buffer_append_string(out, "\r\n");
    return ended ? BLOCK_DECODED : BLOCK_UNENDED;
}

/* A line as it was before it was renamed. Of a name that is nothing but the prefix none is left. */
static void append_restored(const char *line, size_t size, struct buffer *out)
{
    bool renamed =
        begins(line, size, PREFIX) && !is_empty(line + PREFIX_BYTES, size - PREFIX_BYTES);
    buffer_append(out, renamed ? line + PREFIX_BYTES : line, renamed ? size - PREFIX_BYTES : size);
}

void archive_headers_restore(const void *block, size_t size, const char *form, struct buffer *out)
{
    const char *at = block, *end = size == 0 ? at : at + size, *line;
    size_t line_size, without_length = 0;
    bool unended = form != NULL && strcmp(form, BLOCK_UNENDED) == 0;
    while (next_line(&at, end, &line, &line_size)) {
        if (is_empty(line, line_size)) {
            if (without_length > 0)
                out->size = without_length;
            if (!unended)
                buffer_append(out, line, line_size);
            return;
        }
        without_length = begins(line, line_size, "Content-Length:") ? out->size : 0;
        append_restored(line, line_size, out);
    }
}
