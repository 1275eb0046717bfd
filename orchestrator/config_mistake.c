#include "orchestrator/config_parts.h"

#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include "base/check.h"
#include "orchestrator/config_hint.h"

void config_error_add(struct config_errors *errors, unsigned line, unsigned column,
                      struct buffer *text)
{
    for (size_t i = 0; i < text->size; i++) {
        if (text->data[i] < ' ')
            text->data[i] = ' '; /* a quoted value must not break the line */
    }
    if (errors->count == CONFIG_ERRORS_MAX) {
        errors->left_out++;
        return;
    }
    errors->items[errors->count++] = (struct config_error){
        .line = line,
        .column = column,
        .text = check_alloc(arena_string(&errors->arena, buffer_string(text)))};
}

void config_complain(struct config_reader *reader, yaml_mark_t mark, const char *path,
                     const struct config_key *key, const char *format, ...)
{
    struct buffer text = {.limit = 4096};
    unsigned line = (unsigned)mark.line + 1;
    unsigned column = (unsigned)mark.column + 1;
    buffer_append_format(&text, "%s:%u:%u: ", reader->name, line, column);
    if (path[0] != '\0')
        buffer_append_format(&text, "%s: ", path);
    va_list arguments;
    va_start(arguments, format);
    buffer_append_formatv(&text, format, arguments);
    va_end(arguments);
    if (key != NULL) {
        buffer_append_string(&text, "; allowed: ");
        config_key_allowed(key, &text);
    }
    config_error_add(reader->errors, line, column, &text);
    buffer_release(&text);
}

static int compare_places(const void *a, const void *b)
{
    const struct config_error *left = a;
    const struct config_error *right = b;
    if (left->line != right->line)
        return left->line < right->line ? -1 : 1;
    return left->column < right->column ? -1 : left->column > right->column;
}

void config_complain_unknown(struct config_reader *reader, const struct config_key *keys,
                             const char *path, const char *prefix, yaml_mark_t mark)
{
    if (config_is_secret_name(config_leaf(path))) {
        config_complain(
            reader, mark, path, NULL,
            "a secret does not belong into this file; allowed: %s_file with the path of a "
            "file that only its owner can read",
            config_leaf(path));
        return;
    }
    struct buffer siblings = {.limit = 2048};
    config_siblings(keys, prefix, &siblings);
    const char *meant = config_near_miss(keys, path);
    if (meant != NULL)
        config_complain(reader, mark, path, NULL, "unknown key; did you mean %s? allowed: %s",
                        meant, buffer_string(&siblings));
    else
        config_complain(reader, mark, path, NULL, "unknown key; allowed: %s",
                        buffer_string(&siblings));
    buffer_release(&siblings);
}

void config_complain_stray(struct config_reader *reader, const struct config_key *keys,
                           const char *name, const char *full, yaml_mark_t mark)
{
    if (config_is_secret_name(name)) {
        config_complain_unknown(reader, keys, full, "", mark);
        return;
    }
    const char *meant = config_near_miss(keys, name);
    struct buffer names = {.limit = 1024};
    config_siblings(keys, "", &names);
    config_complain(reader, mark, full, NULL, "unknown key;%s%s%s allowed: %s",
                    meant == NULL ? "" : " did you mean ", meant == NULL ? "" : meant,
                    meant == NULL ? "" : "?", buffer_string(&names));
    buffer_release(&names);
}

void config_errors_sort(struct config_errors *errors)
{
    qsort(errors->items, errors->count, sizeof(errors->items[0]), compare_places);
}

void config_errors_release(struct config_errors *errors)
{
    arena_release(&errors->arena);
    memset(errors, 0, sizeof(*errors));
}
