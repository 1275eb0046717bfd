/* barrel-bench index|query|snippets|run|load: arguments. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/args.h"
#include "index/compound.h"
#include "tests/bench/barrel_bench/bench.h"

static const char usage[] =
    "barrel-bench index|query|snippets|run|load --data DIR [options] [FILE [QUERIES]]";

void bench_fail(const char *what, const struct error *err)
{
    fprintf(stderr, "barrel-bench: %s: %s\n", what, err->text);
    exit(1);
}

static void find_languages(struct bench *bench)
{
    struct error err = {0};
    struct query_term terms[QUERY_LANGUAGE_TERMS_MAX];
    uint64_t frequencies[QUERY_LANGUAGE_TERMS_MAX];
    uint64_t documents, field_tokens[FIELD_COUNT];
    size_t count = query_language_terms(terms);
    index_statistics(bench->index, &documents, field_tokens);
    if (index_term_statistics(bench->index, terms, count, NULL, frequencies, &err) != STATUS_OK)
        bench_fail("languages", &err);
    bench->languages = query_languages_choose(frequencies);
    bench->compound_pages = compounds_pages(frequencies, documents);
}

void bench_open(struct bench *bench)
{
    struct error err = {0};
    struct index_options options = {.memory_bytes = bench->settings.memory_bytes,
                                    .plain = bench->settings.plain};
    bench->analyzer = text_analyzer_new();
    if (bench->analyzer == NULL)
        bench_fail("analyzer", &err);
    if (storage_rocksdb_open(bench->settings.data, bench->settings.memory_bytes, &bench->storage,
                             &err) != STATUS_OK ||
        index_open(storage_rocksdb_storage(bench->storage), &options, &bench->index, &err) !=
            STATUS_OK)
        bench_fail(bench->settings.data, &err);
    find_languages(bench);
}

void bench_close(struct bench *bench)
{
    index_close(bench->index);
    storage_rocksdb_close(bench->storage);
    text_analyzer_free(bench->analyzer);
}

static bool read_mode(const char *name, enum mode *ret_mode)
{
    static const char *const names[] = {"or", "and", "phrase", "typed"};
    for (unsigned i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
        if (strcmp(name, names[i]) == 0) {
            *ret_mode = (enum mode)i;
            return true;
        }
    }
    return false;
}

static void fail_usage(const char *what)
{
    fprintf(stderr, "barrel-bench: %s\nusage: %s\nSee barrel-bench --help.\n", what, usage);
    exit(2);
}

int main(int argc, char **argv)
{
    struct bench bench = {.settings = {.memory_bytes = 128 << 20,
                                       .size = 10,
                                       .threads = 1,
                                       .rate = 500,
                                       .searches = 100,
                                       .seconds = 300}};
    struct settings *settings = &bench.settings;
    const char *mode = "or";
    const struct args_option options[] = {
        {"data", ARGS_STRING, &settings->data, "DIR", "where the index is", 0},
        {"plain", ARGS_FLAG, &settings->plain, NULL,
         "tokens between white space, one field, plain BM25", 0},
        {"memory", ARGS_UINT, &settings->memory_bytes, "BYTES", "for indexing (134217728)", 0},
        {"segments", ARGS_UINT, &settings->segments, "N",
         "index: merge down to so many; 0: as a barrel does (0)", 4096},
        {"mode", ARGS_STRING, &mode, "or|and|phrase|typed", "query: how words go together (or)", 0},
        {"size", ARGS_UINT, &settings->size, "K", "results asked for (10)", SEARCH_K_MAX},
        {"threads", ARGS_UINT, &settings->threads, "N",
         "index: 2: merge beside applying, as a barrel does (1)", 2},
        {"rate", ARGS_UINT, &settings->rate, "N", "load: documents a second (500)", 100000},
        {"searches", ARGS_UINT, &settings->searches, "N", "load: searches a second (100)", 100000},
        {"seconds", ARGS_UINT, &settings->seconds, "N", "load: how long (300)", 86400},
        {"check", ARGS_FLAG, &settings->check, NULL,
         "query: compare each answer with that of looking at every document", 0},
        {"queries", ARGS_STRING, &settings->queries, "FILE", "run: {\"_id\",\"text\"} a line", 0},
        {"out", ARGS_STRING, &settings->out, "FILE", "run: what is written, for trec_eval", 0},
        {0},
    };
    const char *command = argc > 1 && argv[1][0] != '-' ? argv[1] : "";
    int skipped = command[0] == '\0' ? 0 : 1;
    int rest = args_parse(argc - skipped, argv + skipped, usage, options) + skipped;
    const char *file = rest < argc ? argv[rest] : NULL;
    const char *other = file != NULL && rest + 1 < argc ? argv[rest + 1] : NULL;
    if (settings->data == NULL)
        fail_usage("--data is needed");
    if (!read_mode(mode, &settings->mode))
        fail_usage("--mode is or, and, phrase or typed");
    if (strcmp(command, "index") == 0 && file != NULL)
        bench_index(&bench, file);
    else if (strcmp(command, "query") == 0 && file != NULL)
        bench_query(&bench, file);
    else if (strcmp(command, "snippets") == 0 && file != NULL)
        bench_snippets(&bench, file);
    else if (strcmp(command, "load") == 0 && other != NULL && settings->rate > 0 &&
             settings->searches > 0 && settings->seconds > 0)
        bench_load(&bench, file, other);
    else if (strcmp(command, "run") == 0 && settings->queries != NULL && settings->out != NULL)
        bench_run(&bench);
    else
        fail_usage("which command, on which file?");
    return 0;
}
