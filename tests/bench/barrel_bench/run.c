/* Answers the queries of a relevance set, in the form that trec_eval reads. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "tests/bench/barrel_bench/bench.h"

static void write_results(struct bench *bench, FILE *out, const char *id,
                          const struct search_result *result, struct arena *arena)
{
    struct error err = {0};
    uint64_t *hashes = arena_alloc(arena, (result->hit_count + 1) * sizeof(*hashes));
    struct shown_document *shown = arena_alloc(arena, (result->hit_count + 1) * sizeof(*shown));
    if (hashes == NULL || shown == NULL)
        bench_fail("memory", &err);
    for (uint32_t i = 0; i < result->hit_count; i++)
        hashes[i] = result->hits[i].url_hash;
    if (index_show(bench->index, NULL, hashes, result->hit_count, NULL, NULL, arena, shown, &err) !=
        STATUS_OK)
        bench_fail("results", &err);
    for (uint32_t i = 0; i < result->hit_count; i++) {
        const char *url = shown[i].document.url;
        bool has_id = strncmp(url, ID_URL, strlen(ID_URL)) == 0;
        fprintf(out, "%s Q0 %s %u %.9g tierce\n", id, has_id ? url + strlen(ID_URL) : url, i + 1,
                result->hits[i].score);
    }
}

void bench_run(struct bench *bench)
{
    struct error err = {0};
    struct arena arena = {0};
    struct line line;
    struct lines *lines = lines_open(bench->settings.queries);
    FILE *out = fopen(bench->settings.out, "we");
    if (out == NULL) {
        error_set_errno(&err, errno, "open");
        bench_fail(bench->settings.out, &err);
    }
    bench_open(bench);
    while (lines_next(lines, &line)) {
        struct question *question = ask_read(bench, line.body, bench->settings.mode, &arena);
        struct search_result result =
            ask(bench, question, (uint32_t)bench->settings.size, false, &arena);
        write_results(bench, out, line.id, &result, &arena);
        arena_reset(&arena);
    }
    bench_close(bench);
    lines_close(lines);
    arena_release(&arena);
    if (fclose(out) != 0) {
        error_set_errno(&err, errno, "write");
        bench_fail(bench->settings.out, &err);
    }
}
