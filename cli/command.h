/* The commands of `tierce`: each returns the exit status of the program. */
#ifndef TIERCE_CLI_COMMAND_H
#define TIERCE_CLI_COMMAND_H

#include <stdbool.h>
#include <stdint.h>

#include "cli/installation.h"

enum {
    EXIT_DONE = 0,
    EXIT_FAILED = 1, /* it was tried, or what was asked for is not so */
    EXIT_USAGE = 2,
};

enum { COMMAND_CALL_MS = 5000 }; /* to wait for what is answered at once */

/* The command line, read. Strings are borrowed from it. */
struct command_line {
    struct installation_options where;
    bool json;
    char **words; /* behind the command; ends with NULL */
    int word_count;
    /* of single commands */
    const char *config;        /* up */
    const char *proxy;         /* up */
    const char *log;           /* up: file, "-" for the terminal, NULL for the data folder's own */
    uint64_t shards;           /* up: 0: as the configuration says */
    uint64_t port;             /* up: the orchestrator's; 0: its own choice */
    uint64_t indexserver_port; /* up: 0: its own choice */
    bool watch;                /* status */
    bool is_prefix;            /* remove */
    bool is_site;              /* remove */
    uint64_t page;             /* search */
    uint64_t size;             /* search */
    const char *source;        /* export */
};

int command_up(const struct command_line *line);
int command_stop(const struct command_line *line);
int command_status(const struct command_line *line);
int command_login(const struct command_line *line);
int command_crawl(const struct command_line *line);
int command_remove(const struct command_line *line);
int command_pause(const struct command_line *line);
int command_resume(const struct command_line *line);
int command_cancel(const struct command_line *line);
int command_confirm(const struct command_line *line);
int command_purge(const struct command_line *line);
int command_restart(const struct command_line *line);
int command_why(const struct command_line *line);
int command_import(const struct command_line *line);
int command_export(const struct command_line *line);
int command_test_url(const struct command_line *line);
int command_explain(const struct command_line *line);
int command_search(const struct command_line *line);
int command_check_config(const struct command_line *line);
int command_version(const struct command_line *line);

/* Opens the installation; on failure says why and returns false. */
bool command_open(const struct command_line *line, struct installation *ret_installation);

/* "tierce: words" on standard error. Returns EXIT_FAILED. */
int command_failed(const struct error *err);

/* The same for words of a mistake in the command line. Returns EXIT_USAGE. */
int command_misused(const char *format, ...) __attribute__((format(printf, 1, 2)));

#endif
