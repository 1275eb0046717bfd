#include "base/args.h"

#include <errno.h>
#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/check.h"

#ifndef TIERCE_VERSION
#error "the Makefile sets TIERCE_VERSION"
#endif

enum { OPTIONS_MAX = 60, HELP_CODE = 1000, VERSION_CODE = 1001 };

const char *tierce_version(void)
{
    return TIERCE_VERSION;
}

static void print_help(const char *usage, const struct args_option *options)
{
    printf("usage: %s\n\n", usage);
    for (; options->name != NULL; options++) {
        char left[64];
        snprintf(left, sizeof(left), "--%s%s%s", options->name,
                 options->kind == ARGS_FLAG ? "" : " ",
                 options->kind == ARGS_FLAG ? "" : options->value);
        printf("  %-28s %s\n", left, options->help);
    }
    printf("  %-28s %s\n", "--help", "this text");
    printf("  %-28s %s\n", "--version", "the version");
}

static void set_value(const struct args_option *option, const char *text)
{
    if (option->kind == ARGS_FLAG) {
        *(bool *)option->ret_value = true;
        return;
    }
    if (option->kind == ARGS_STRING) {
        *(const char **)option->ret_value = text;
        return;
    }
    char *end;
    errno = 0;
    unsigned long long value = strtoull(text, &end, 10);
    if (errno != 0 || end == text || *end != '\0' || text[0] == '-' ||
        (option->max != 0 && value > option->max)) {
        fprintf(stderr, "--%s wants a whole number", option->name);
        if (option->max != 0)
            fprintf(stderr, " from 0 to %llu", (unsigned long long)option->max);
        fprintf(stderr, ", not \"%s\"\n", text);
        exit(2);
    }
    *(uint64_t *)option->ret_value = value;
}

int args_parse(int argc, char **argv, const char *usage, const struct args_option *options)
{
    struct option table[OPTIONS_MAX + 3] = {0};
    int count = 0;
    for (; options[count].name != NULL; count++) {
        CHECK(count < OPTIONS_MAX);
        table[count].name = options[count].name;
        table[count].has_arg = options[count].kind == ARGS_FLAG ? no_argument : required_argument;
        table[count].val = count;
    }
    table[count] = (struct option){.name = "help", .val = HELP_CODE};
    table[count + 1] = (struct option){.name = "version", .val = VERSION_CODE};
    for (;;) {
        int code = getopt_long(argc, argv, "", table, NULL);
        if (code == -1)
            return optind;
        if (code == HELP_CODE) {
            print_help(usage, options);
            exit(0);
        }
        if (code == VERSION_CODE) {
            printf("tierce %s\n", tierce_version());
            exit(0);
        }
        if (code == '?') { /* getopt_long has named the option */
            fprintf(stderr, "usage: %s (see --help)\n", usage);
            exit(2);
        }
        set_value(&options[code], optarg);
    }
}
