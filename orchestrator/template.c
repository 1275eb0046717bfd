#include "orchestrator/template.h"

#include <stdbool.h>
#include <string.h>

/* One line: its text and, once it is looked through, how often it stands in the result. */
struct line {
    const char *text;
    size_t size;
    unsigned number;
};

static const struct template_name *find_name(const struct template_name *names, size_t count,
                                             const char *name, size_t size)
{
    for (size_t i = 0; i < count; i++) {
        if (strlen(names[i].name) == size && memcmp(names[i].name, name, size) == 0)
            return &names[i];
    }
    return NULL;
}

static bool is_comment(const struct line *line)
{
    size_t at = 0;
    while (at < line->size && (line->text[at] == ' ' || line->text[at] == '\t'))
        at++;
    return at < line->size && line->text[at] == '#';
}

static bool is_harmless(const char *value)
{
    for (; *value != '\0'; value++) {
        if ((unsigned char)*value < ' ' || *value == 0x7f || strchr("\"'`\\;${}#", *value) != NULL)
            return false;
    }
    return true;
}

/* The next {{name}} from `at` on: false where there is none. */
static bool next_name(const struct line *line, size_t at, size_t *ret_open, size_t *ret_close)
{
    const char *open = memmem(line->text + at, line->size - at, "{{", 2);
    if (open == NULL)
        return false;
    size_t from = (size_t)(open - line->text) + 2;
    const char *close = memmem(line->text + from, line->size - from, "}}", 2);
    *ret_open = from;
    *ret_close = close == NULL ? line->size + 1 : (size_t)(close - line->text);
    return true;
}

static enum status check_values(const struct template_name *name, unsigned number,
                                struct error *err)
{
    for (unsigned i = 0; i < name->count; i++) {
        if (!is_harmless(name->values[i]))
            return error_set(err, STATUS_INVALID,
                             "line %u: the value of %s holds one of \" ' ` \\ ; $ { } # or a "
                             "control character",
                             number, name->name);
    }
    return STATUS_OK;
}

/* How often the line stands in the result. */
static enum status count_copies(const struct line *line, const struct template_name *names,
                                size_t name_count, unsigned *ret_copies, struct error *err)
{
    unsigned copies = 1;
    size_t open = 0, close = 0;
    const struct template_name *repeated = NULL;
    for (size_t at = 0; next_name(line, at, &open, &close); at = close + 2) {
        if (close > line->size)
            return error_set(err, STATUS_INVALID, "line %u: {{ without }}", line->number);
        const struct template_name *name =
            find_name(names, name_count, line->text + open, close - open);
        if (name == NULL)
            return error_set(err, STATUS_INVALID, "line %u: {{%.*s}} is unknown", line->number,
                             (int)(close - open > 60 ? 60 : close - open), line->text + open);
        enum status status = check_values(name, line->number, err);
        if (status != STATUS_OK)
            return status;
        if (name->count > 1 && repeated != NULL && repeated != name)
            return error_set(err, STATUS_INVALID, "line %u: both %s and %s have several values",
                             line->number, repeated->name, name->name);
        if (name->count > 1)
            repeated = name;
        if (copies != 0)
            copies = name->count == 1 ? copies : name->count;
    }
    *ret_copies = copies;
    return STATUS_OK;
}

static void append_copy(const struct line *line, const struct template_name *names,
                        size_t name_count, unsigned copy, struct buffer *ret_text)
{
    size_t at = 0, open = 0, close = 0;
    while (next_name(line, at, &open, &close)) {
        const struct template_name *name =
            find_name(names, name_count, line->text + open, close - open);
        buffer_append(ret_text, line->text + at, open - 2 - at);
        buffer_append_string(ret_text, name->values[name->count == 1 ? 0 : copy]);
        at = close + 2;
    }
    buffer_append(ret_text, line->text + at, line->size - at);
    buffer_append_byte(ret_text, '\n');
}

enum status template_fill(const char *text, size_t size, const struct template_name *names,
                          size_t name_count, struct buffer *ret_text, struct error *err)
{
    struct line line = {.text = text};
    for (const char *end = text + size; line.text < end; line.text += line.size + 1) {
        const char *newline = memchr(line.text, '\n', (size_t)(end - line.text));
        line.size = (size_t)((newline == NULL ? end : newline) - line.text);
        line.number++;
        if (is_comment(&line))
            continue;
        unsigned copies = 0;
        enum status status = count_copies(&line, names, name_count, &copies, err);
        if (status != STATUS_OK)
            return status;
        for (unsigned copy = 0; copy < copies; copy++)
            append_copy(&line, names, name_count, copy, ret_text);
    }
    return ret_text->failed ? error_set(err, STATUS_NO_MEMORY, "no memory") : STATUS_OK;
}
