/* Times a file of queries, a line each. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "tests/bench/barrel_bench/bench.h"

static double now_us(void)
{
    struct timespec now;
    clock_gettime(getenv("BENCH_CPU") ? CLOCK_THREAD_CPUTIME_ID : CLOCK_MONOTONIC, &now);
    return (double)now.tv_sec * 1e6 + (double)now.tv_nsec / 1e3;
}

struct queries queries_read(const char *name)
{
    struct queries queries = {0};
    struct error err = {0};
    char *line = NULL;
    size_t capacity = 0;
    FILE *file = fopen(name, "re");
    if (file == NULL) {
        error_set_errno(&err, errno, "open");
        bench_fail(name, &err);
    }
    while (getline(&line, &capacity, file) > 0) {
        queries.texts = realloc(queries.texts, (queries.count + 1) * sizeof(char *));
        if (queries.texts == NULL)
            bench_fail("memory", &err);
        queries.texts[queries.count++] = line;
        line = NULL;
    }
    free(line);
    fclose(file);
    return queries;
}

void queries_release(struct queries *queries)
{
    for (size_t i = 0; i < queries->count; i++)
        free(queries->texts[i]);
    free(queries->texts);
}

static int compare_times(const void *a_pointer, const void *b_pointer)
{
    double a = *(const double *)a_pointer;
    double b = *(const double *)b_pointer;
    return (a > b) - (a < b);
}

void times_sort(double *times, size_t count)
{
    qsort(times, count, sizeof(*times), compare_times);
}

static void print_times(const struct settings *settings, double *times, size_t count,
                        size_t answered)
{
    static const char *const names[] = {"or", "and", "phrase", "typed"};
    double sum = 0;
    if (count == 0)
        return;
    times_sort(times, count);
    for (size_t i = 0; i < count; i++)
        sum += times[i];
    printf(
        "tierce%s %s top-%llu n=%zu p50=%.1f p95=%.1f p99=%.1f max=%.1f mean=%.1f nonempty=%zu\n",
        settings->plain ? " plain" : "", names[settings->mode], (unsigned long long)settings->size,
        count, times[count / 2], times[(size_t)((double)count * .95)],
        times[(size_t)((double)count * .99)], times[count - 1], sum / (double)count, answered);
}

static bool is_same(const struct search_result *a, const struct search_result *b)
{
    bool same = a->hit_count == b->hit_count;
    for (uint32_t i = 0; same && i < a->hit_count; i++)
        same = a->hits[i].score == b->hits[i].score && a->hits[i].url_hash == b->hits[i].url_hash;
    return same;
}

/* Returns how many of the queries had other results when everything was looked at. */
static size_t check(struct bench *bench, const struct queries *queries)
{
    static const uint32_t sizes[] = {10, 100, 1000};
    size_t wrong = 0;
    struct arena arena = {0};
    for (size_t i = 0; i < queries->count; i++) {
        struct question *question =
            ask_read(bench, queries->texts[i], bench->settings.mode, &arena);
        bool same = true;
        for (unsigned k = 0; question->query != NULL && k < 3; k++) {
            struct search_result pruned = ask(bench, question, sizes[k], false, &arena);
            struct search_result whole = ask(bench, question, sizes[k], true, &arena);
            same = same && is_same(&pruned, &whole);
        }
        if (!same)
            printf("differs: %s", queries->texts[i]);
        wrong += !same;
        arena_reset(&arena);
    }
    arena_release(&arena);
    return wrong;
}

void bench_query(struct bench *bench, const char *file)
{
    struct queries queries = queries_read(file);
    struct error err = {0};
    double *times = calloc(queries.count + 1, sizeof(*times));
    if (times == NULL)
        bench_fail("memory", &err);
    memory_watch();
    bench_open(bench);
    struct arena arena = {0};
    size_t count = 0;
    size_t answered = 0;
    for (int pass = 0; pass < 2; pass++) { /* the first warms up */
        count = answered = 0;
        for (size_t i = 0; i < queries.count; i++) {
            if (bench->settings.mode == MODE_PHRASE && strchr(queries.texts[i], ' ') == NULL)
                continue;
            double begun = now_us();
            struct question *question =
                ask_read(bench, queries.texts[i], bench->settings.mode, &arena);
            struct search_result result =
                ask(bench, question, (uint32_t)bench->settings.size, false, &arena);
            times[count++] = now_us() - begun;
            answered += result.hit_count > 0;
            arena_reset(&arena);
        }
    }
    print_times(&bench->settings, times, count, answered);
    memory_print();
    arena_release(&arena);
    free(times);
    size_t wrong = bench->settings.check ? check(bench, &queries) : 0;
    if (bench->settings.check)
        printf("checked %zu queries for 10, 100 and 1000 results: %zu differ\n", queries.count,
               wrong);
    bench_close(bench);
    queries_release(&queries);
    if (wrong > 0)
        exit(1);
}
