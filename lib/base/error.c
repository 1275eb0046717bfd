#include "base/error.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

enum status error_set(struct error *err, enum status status, const char *format, ...)
{
    if (err != NULL) {
        va_list arguments;
        va_start(arguments, format);
        vsnprintf(err->text, sizeof(err->text), format, arguments);
        va_end(arguments);
        err->status = status;
    }
    return status;
}

enum status error_set_errno(struct error *err, int errno_value, const char *format, ...)
{
    enum status status =
        errno_value == ENOSPC || errno_value == EDQUOT ? STATUS_NO_SPACE : STATUS_IO;
    if (err != NULL) {
        char words[400];
        va_list arguments;
        va_start(arguments, format);
        vsnprintf(words, sizeof(words), format, arguments);
        va_end(arguments);
        error_set(err, status, "%s: %s", words, strerror(errno_value));
    }
    return status;
}

void error_add_context(struct error *err, const char *format, ...)
{
    if (err == NULL)
        return;
    char words[200];
    va_list arguments;
    va_start(arguments, format);
    vsnprintf(words, sizeof(words), format, arguments);
    va_end(arguments);
    char old[sizeof(err->text)];
    memcpy(old, err->text, sizeof(old));
    int size = snprintf(err->text, sizeof(err->text), "%s: ", words);
    if (size > 0 && (size_t)size < sizeof(err->text)) {
        size_t room = sizeof(err->text) - (size_t)size - 1;
        size_t keep = strnlen(old, room);
        memcpy(err->text + size, old, keep);
        err->text[(size_t)size + keep] = '\0';
    }
}
