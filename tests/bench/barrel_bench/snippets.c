/* Times what it takes to show results: titles and snippets, a page of them at a time. */
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#include "tests/bench/barrel_bench/bench.h"

static double now_us(void)
{
    struct timespec now;
    clock_gettime(getenv("BENCH_CPU") ? CLOCK_THREAD_CPUTIME_ID : CLOCK_MONOTONIC, &now);
    return (double)now.tv_sec * 1e6 + (double)now.tv_nsec / 1e3;
}

/* Shows the results of a query; returns what each took on the average, 0 where there are none. */
static double show(struct bench *bench, struct snippet_maker *maker, const char *text,
                   struct arena *arena)
{
    struct error err = {0};
    uint64_t hashes[SEARCH_K_MAX];
    struct shown_document shown[SEARCH_K_MAX];
    struct question *question = ask_read(bench, text, bench->settings.mode, arena);
    struct search_result result =
        ask(bench, question, (uint32_t)bench->settings.size, false, arena);
    for (uint32_t i = 0; i < result.hit_count; i++)
        hashes[i] = result.hits[i].url_hash;
    if (result.hit_count == 0)
        return 0;
    double begun = now_us();
    if (index_show(bench->index, maker, hashes, result.hit_count, question->query, NULL, arena,
                   shown, &err) != STATUS_OK)
        bench_fail("showing", &err);
    return (now_us() - begun) / result.hit_count;
}

void bench_snippets(struct bench *bench, const char *file)
{
    struct error err = {0};
    struct arena arena = {0};
    struct queries queries = queries_read(file);
    struct snippet_maker *maker = snippet_maker_new();
    double *times = calloc(queries.count + 1, sizeof(*times));
    size_t count = 0;
    if (times == NULL || maker == NULL)
        bench_fail("memory", &err);
    bench_open(bench);
    for (int pass = 0; pass < 2; pass++) { /* the first warms up */
        count = 0;
        for (size_t i = 0; i < queries.count; i++) {
            double each = show(bench, maker, queries.texts[i], &arena);
            if (each > 0)
                times[count++] = each;
            arena_reset(&arena);
        }
    }
    times_sort(times, count);
    if (count > 0)
        printf("a result's title and snippet: n=%zu pages p50=%.1f p95=%.1f p99=%.1f max=%.1f us\n",
               count, times[count / 2], times[(size_t)((double)count * .95)],
               times[(size_t)((double)count * .99)], times[count - 1]);
    snippet_maker_free(maker);
    bench_close(bench);
    free(times);
    arena_release(&arena);
    queries_release(&queries);
}
