/*
 * A program's command line, from one table: what it takes, its help and its errors.
 * --help prints the table; --version prints the version; a mistake names the option and ends
 * with 2.
 */
#ifndef TIERCE_BASE_ARGS_H
#define TIERCE_BASE_ARGS_H

#include <stdbool.h>
#include <stdint.h>

enum args_kind { ARGS_STRING, ARGS_UINT, ARGS_FLAG };

struct args_option {
    const char *name; /* long name, without the dashes; NULL ends a table */
    enum args_kind kind;
    void *ret_value;   /* const char **, uint64_t * or bool *; holds the default before the call */
    const char *value; /* what the value is called in the help: "PATH" */
    const char *help;  /* one line */
    uint64_t max;      /* ARGS_UINT: largest allowed; 0: no limit */
};

/*
 * Reads the options of argv into the table's places and returns the index of the first word that is
 * none. Does not return on --help, --version or a mistake. `usage` is a line such as
 * "barrel --orchestrator HOST:PORT [options]".
 */
int args_parse(int argc, char **argv, const char *usage, const struct args_option *options);

/* The version of all programs, such as "0.1.0". */
const char *tierce_version(void);

#endif
