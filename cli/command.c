#include "cli/command.h"

#include <stdarg.h>
#include <stdio.h>

#include "cli/print.h"

bool command_open(const struct command_line *line, struct installation *ret_installation)
{
    struct error err = {0};
    if (installation_open(&line->where, ret_installation, &err) == STATUS_OK)
        return true;
    command_failed(&err);
    return false;
}

int command_failed(const struct error *err)
{
    fputs("tierce: ", stderr);
    print_text(stderr, err->text[0] != '\0' ? err->text : status_name(err->status));
    fputc('\n', stderr);
    return EXIT_FAILED;
}

int command_misused(const char *format, ...)
{
    va_list arguments;
    fputs("tierce: ", stderr);
    va_start(arguments, format);
    vfprintf(stderr, format, arguments);
    va_end(arguments);
    fputs(" (see tierce --help)\n", stderr);
    return EXIT_USAGE;
}
