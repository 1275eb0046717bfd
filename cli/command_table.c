#include "cli/command_table.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/args.h"
#include "base/check.h"
#include "cli/command.h"

static struct command_line line = {.page = 1, .size = 10};

#define COMMON_OPTIONS                                                                             \
    {                                                                                              \
        "data",                                                                                    \
        ARGS_STRING,                                                                               \
        &line.where.data_folder,                                                                   \
        "DIR",                                                                                     \
        "data folder (./var or /var/lib/tierce)",                                                  \
        0},                                                                                        \
        {"orchestrator",                                                                           \
         ARGS_STRING,                                                                              \
         &line.where.orchestrator,                                                                 \
         "ADDR",                                                                                   \
         "where the orchestrator listens (told by the data folder)",                               \
         0},                                                                                       \
        {"key-file",                                                                               \
         ARGS_STRING,                                                                              \
         &line.where.key_file,                                                                     \
         "FILE",                                                                                   \
         "the cluster's key (DIR/cluster.key)",                                                    \
         0},                                                                                       \
    {                                                                                              \
        "json", ARGS_FLAG, &line.json, NULL, "answer in JSON", 0                                   \
    }

static const struct args_option common_options[] = {COMMON_OPTIONS, {.name = NULL}};

static const struct args_option up_options[] = {
    {"config", ARGS_STRING, &line.config, "FILE", "configuration (config.yaml)", 0},
    {"proxy", ARGS_STRING, &line.proxy, "NAME", "nginx, caddy or none (as the configuration says)",
     0},
    {"shards", ARGS_UINT, &line.shards, "N", "shards, where the configuration says auto", 256},
    {"port", ARGS_UINT, &line.port, "N", "the orchestrator's own port (9003)", 65535},
    {"indexserver-port", ARGS_UINT, &line.indexserver_port, "N", "the indexserver's port (8183)",
     65535},
    {"log", ARGS_STRING, &line.log, "FILE",
     "where the processes log (DIR/log/tierce.log); - for the terminal", 0},
    COMMON_OPTIONS,
    {.name = NULL},
};

static const struct args_option status_options[] = {
    {"watch", ARGS_FLAG, &line.watch, NULL, "again every two seconds, until Ctrl-C", 0},
    COMMON_OPTIONS,
    {.name = NULL},
};

static const struct args_option remove_options[] = {
    {"prefix", ARGS_FLAG, &line.is_prefix, NULL, "every page whose URL begins with VALUE", 0},
    {"site", ARGS_FLAG, &line.is_site, NULL, "every page of the site VALUE, host or host:port", 0},
    COMMON_OPTIONS,
    {.name = NULL},
};

static const struct args_option search_options[] = {
    {"page", ARGS_UINT, &line.page, "N", "which page of results (1)", 1000},
    {"size", ARGS_UINT, &line.size, "N", "results on a page (10)", 100},
    COMMON_OPTIONS,
    {.name = NULL},
};

static const struct args_option export_options[] = {
    {"source", ARGS_STRING, &line.source, "URL", "only the pages of this source", 0},
    COMMON_OPTIONS,
    {.name = NULL},
};

enum { ANY_WORDS = 1000000 };

static const struct command {
    const char *name;
    const char *usage; /* behind the name */
    const char *summary;
    const struct args_option *options;
    int words_min;
    int words_max;
    int (*run)(const struct command_line *line);
} commands[] = {
    {"up", "", "start everything and stay; Ctrl-C stops", up_options, 0, 0, command_up},
    {"stop", "", "stop what `tierce up` started", common_options, 0, 0, command_stop},
    {"status", "", "what runs, what is indexed, what is crawled", status_options, 0, 0,
     command_status},
    {"login", "", "a one-time link to the admin page", common_options, 0, 0, command_login},
    {"crawl", "URL...", "fetch these pages and what they link to on their site; - reads a list",
     common_options, 1, ANY_WORDS, command_crawl},
    {"pause", "[SOURCE]", "fetch nothing more for now", common_options, 0, 1, command_pause},
    {"resume", "[SOURCE]", "go on fetching", common_options, 0, 1, command_resume},
    {"cancel", "SOURCE", "forget what is still to be fetched of a source", common_options, 1, 1,
     command_cancel},
    {"confirm", "SOURCE", "let pages go that its new scope, or its site, would take away",
     common_options, 1, 1, command_confirm},
    {"purge", "SOURCE", "forget a source that was taken out of config.yaml, with its pages",
     common_options, 1, 1, command_purge},
    {"remove", "[--prefix|--site] VALUE", "take pages out of the index and the log", remove_options,
     1, 1, command_remove},
    {"restart", "ROLE", "start gateways, barrels, ... anew, without losing a request",
     common_options, 1, 1, command_restart},
    {"search", "QUERY...", "search, as the search page does", search_options, 1, ANY_WORDS,
     command_search},
    {"why", "URL", "what became of a page, and why", common_options, 1, 1, command_why},
    {"test-url", "URL", "fetch a page now, show every decision, and keep nothing", common_options,
     1, 1, command_test_url},
    {"explain", "URL QUERY...", "why a page has its score for a query, or does not match it",
     common_options, 2, ANY_WORDS, command_explain},
    {"import", "FILE...", "take in archives (WARC), without a network; - reads standard input",
     common_options, 1, ANY_WORDS, command_import},
    {"export", "[--source URL] [FILE]", "write what is held as an archive (WARC)", export_options,
     0, 1, command_export},
    {"check-config", "[FILE]", "what is wrong with a configuration, and what it would change",
     common_options, 0, 1, command_check_config},
    {"version", "", "the version", common_options, 0, 0, command_version},
};

static const struct command *find_command(const char *name)
{
    for (size_t i = 0; i < ARRAY_COUNT(commands); i++)
        if (strcmp(commands[i].name, name) == 0)
            return &commands[i];
    return NULL;
}

static void print_help(FILE *file)
{
    fputs("usage: tierce COMMAND [options]\n\n", file);
    for (size_t i = 0; i < ARRAY_COUNT(commands); i++) {
        char left[64];
        snprintf(left, sizeof(left), "%s %s", commands[i].name, commands[i].usage);
        fprintf(file, "  %-32s%s\n", left, commands[i].summary);
    }
    fputs("  orchestrator, gateway, barrel, indexserver, downloader ...\n"
          "                                  one of the processes, by hand\n"
          "  help [COMMAND]                  this text, or a command's options\n\n"
          "tierce COMMAND --help says more; man tierce says all.\n",
          file);
}

/* Options that take the word behind them. */
static bool takes_value(const char *option)
{
    static const struct args_option *const tables[] = {up_options, status_options, remove_options,
                                                       search_options, export_options};
    if (strchr(option, '=') != NULL)
        return false;
    for (size_t i = 0; i < ARRAY_COUNT(tables); i++)
        for (const struct args_option *at = tables[i]; at->name != NULL; at++)
            if (at->kind != ARGS_FLAG && strcmp(option + 2, at->name) == 0)
                return true;
    return false;
}

static bool is_option(const char *word)
{
    return word[0] == '-' && word[1] == '-' && word[2] != '\0';
}

int command_table_find(int argc, char **argv)
{
    int at = 1;
    while (at < argc && is_option(argv[at]))
        at += takes_value(argv[at]) ? 2 : 1;
    return at < argc ? at : argc;
}

int command_table_separate(int argc, char **argv, char **ret)
{
    int used = 0;
    bool is_over = false; /* behind "--" all are words */
    ret[used++] = argv[0];
    for (int pass = 0; pass < 2; pass++) {
        if (pass == 1)
            ret[used++] = (char *)"--";
        is_over = false;
        for (int i = 1; i < argc; i++) {
            if (!is_over && strcmp(argv[i], "--") == 0) {
                is_over = true;
                continue;
            }
            bool option = !is_over && is_option(argv[i]);
            bool value = option && takes_value(argv[i]) && i + 1 < argc;
            if (option == (pass == 0)) {
                ret[used++] = argv[i];
                if (value)
                    ret[used++] = argv[i + 1];
            }
            i += value;
        }
    }
    ret[used] = NULL;
    return used;
}

/* Whether the line ends with an option whose value is missing. */
static bool lacks_value(int argc, char **argv)
{
    int i = 1;
    while (i < argc && strcmp(argv[i], "--") != 0) {
        bool value = is_option(argv[i]) && takes_value(argv[i]);
        if (value && i + 1 == argc)
            return true;
        i += value ? 2 : 1;
    }
    return false;
}

static int run_command(const struct command *command, int argc, char **argv)
{
    char usage[160];
    snprintf(usage, sizeof(usage), "tierce %s %s%s[options]", command->name, command->usage,
             command->usage[0] == '\0' ? "" : " ");
    if (lacks_value(argc, argv))
        return command_misused("%s wants a value", argv[argc - 1]);
    char **ordered = check_alloc(calloc((size_t)argc + 2, sizeof(*ordered)));
    int count = command_table_separate(argc, argv, ordered);
    int first = args_parse(count, ordered, usage, command->options) + 1; /* the command itself */
    line.words = ordered + first;
    line.word_count = count - first;
    int exit_status;
    if (line.word_count < command->words_min)
        exit_status = command_misused("usage: %s", usage);
    else if (line.word_count > command->words_max)
        exit_status =
            command_misused("what is \"%s\"? usage: %s", line.words[command->words_max], usage);
    else
        exit_status = command->run(&line);
    free(ordered);
    return exit_status;
}

/* `tierce help crawl` is `tierce crawl --help`. */
static int run_help(int argc, char **argv, int at)
{
    if (at + 1 >= argc) {
        print_help(stdout);
        return EXIT_DONE;
    }
    const struct command *command = find_command(argv[at + 1]);
    if (command == NULL)
        return command_misused("there is no command \"%s\"", argv[at + 1]);
    char *words[] = {argv[0], argv[at + 1], (char *)"--help", NULL};
    return run_command(command, 3, words);
}

int command_table_run(int argc, char **argv)
{
    int at = command_table_find(argc, argv);
    if (at == argc) {
        for (int i = 1; i < argc; i++) {
            if (strcmp(argv[i], "--version") == 0)
                return command_version(&line);
            if (strcmp(argv[i], "--help") == 0)
                return run_help(argc, argv, argc);
        }
        print_help(stderr);
        return EXIT_USAGE;
    }
    if (strcmp(argv[at], "help") == 0)
        return run_help(argc, argv, at);
    const struct command *command = find_command(argv[at]);
    if (command == NULL)
        return command_misused("there is no command \"%s\"", argv[at]);
    return run_command(command, argc, argv);
}
