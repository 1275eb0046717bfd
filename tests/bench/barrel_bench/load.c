/*
 * Searches while documents arrive, as in a barrel: one thread applies what has come, one merges,
 * one searches. Both documents and searches come at their time whether or not the last one is done,
 * and a search takes as long as it was waited for.
 */
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#include "base/clock.h"
#include "base/thread.h"
#include "tests/bench/barrel_bench/bench.h"

enum {
    QUIET_PART = 5, /* of the time is searched before any document comes */
    QUIET_S_MIN = 10,
    FLUSH_EVERY_US = 20000000, /* a barrel's */
    MERGE_EVERY_US = 1000000,
    MERGES_MAX = 4096,
};

struct load {
    struct bench *bench;
    const char *file;
    atomic_bool over;
    /* the feeder's */
    uint64_t documents;
    int64_t late_us_max; /* between a document's time and that it is found */
    /* the merger's */
    struct {
        uint64_t bytes; /* all that was written meanwhile by this thread */
        int64_t us;
    } merges[MERGES_MAX];
    unsigned merge_count;
};

static void sleep_until(int64_t boot_us)
{
    struct timespec until = {.tv_sec = boot_us / 1000000, .tv_nsec = boot_us % 1000000 * 1000};
    clock_nanosleep(CLOCK_BOOTTIME, TIMER_ABSTIME, &until, NULL);
}

/* ---- documents ---- */

/* The next line; after the last one the file begins anew, and its documents are replaced. */
static void next_line(struct load *load, struct lines **lines, struct line *ret_line)
{
    struct error err = {.text = "no documents"};
    if (lines_next(*lines, ret_line))
        return;
    lines_close(*lines);
    *lines = lines_open(load->file);
    if (!lines_next(*lines, ret_line))
        bench_fail(load->file, &err);
}

static void flush(struct load *load)
{
    struct error err = {0};
    if (index_flush(load->bench->index, &err) != STATUS_OK)
        bench_fail("flushing", &err);
}

/* Applies the documents whose time has come, those that a barrel would be given at once. */
static void apply_due(struct load *load, struct batch *batch, struct lines **lines, uint64_t due,
                      int64_t begun_us, int64_t interval_ns)
{
    struct error err = {0};
    struct line line;
    int64_t first_us = begun_us + (int64_t)load->documents * interval_ns / 1000;
    while (load->documents < due && !batch_is_full(batch)) {
        next_line(load, lines, &line);
        batch_add(batch, &line);
        load->documents++;
    }
    if (batch_apply(load->bench, batch, &err) != STATUS_OK)
        bench_fail("indexing", &err);
    int64_t late_us = clock_boot_us() - first_us;
    load->late_us_max = late_us > load->late_us_max ? late_us : load->late_us_max;
}

static void *feed(void *argument)
{
    struct load *load = argument;
    struct batch *batch = batch_new(load->bench);
    struct lines *lines = lines_open(load->file);
    int64_t interval_ns = 1000000000 / (int64_t)load->bench->settings.rate;
    int64_t begun_us = clock_boot_us(), flushed_us = begun_us;
    while (!atomic_load(&load->over)) {
        int64_t now_us = clock_boot_us();
        uint64_t due = 1 + (uint64_t)((now_us - begun_us) * 1000 / interval_ns);
        if (load->documents < due)
            apply_due(load, batch, &lines, due, begun_us, interval_ns);
        else
            sleep_until(begun_us + (int64_t)load->documents * interval_ns / 1000 + 1);
        if (now_us - flushed_us >= FLUSH_EVERY_US) {
            flush(load);
            flushed_us = now_us;
        }
    }
    lines_close(lines);
    batch_free(batch);
    return NULL;
}

/* ---- merges ---- */

/* Bytes that this thread has written so far. */
static uint64_t written_bytes(void)
{
    char line[128];
    unsigned long long bytes = 0;
    FILE *file = fopen("/proc/thread-self/io", "re");
    while (file != NULL && fgets(line, sizeof(line), file) != NULL) {
        if (sscanf(line, "wchar: %llu", &bytes) == 1)
            break;
    }
    if (file != NULL)
        fclose(file);
    return bytes;
}

static void *merge(void *argument)
{
    struct load *load = argument;
    thread_give_way();
    for (int64_t next_us = clock_boot_us(); !atomic_load(&load->over); sleep_until(next_us)) {
        struct error err = {0};
        uint64_t written = written_bytes();
        int64_t begun_us = clock_boot_us();
        enum status status = index_merge(load->bench->index, &err);
        if (status == STATUS_OK && load->merge_count < MERGES_MAX) {
            load->merges[load->merge_count].bytes = written_bytes() - written;
            load->merges[load->merge_count++].us = clock_boot_us() - begun_us;
        } else if (status != STATUS_OK && status != STATUS_END) {
            bench_fail("merging", &err);
        }
        next_us = clock_boot_us() + MERGE_EVERY_US;
    }
    return NULL;
}

static void print_merges(const struct load *load)
{
    unsigned largest = 0;
    uint64_t bytes = 0;
    for (unsigned i = 0; i < load->merge_count; i++) {
        bytes += load->merges[i].bytes;
        if (load->merges[i].bytes > load->merges[largest].bytes)
            largest = i;
    }
    printf("merges: %u, of %.1f MB", load->merge_count, (double)bytes / 1e6);
    if (load->merge_count > 0)
        printf("; the largest %.1f MB in %.1f s", (double)load->merges[largest].bytes / 1e6,
               (double)load->merges[largest].us / 1e6);
    printf("\n");
}

/* ---- searches ---- */

struct latencies {
    double *us;     /* from the time a search was to begin */
    double *cpu_us; /* that it took itself: the rest is waiting for a processor */
    size_t count;
};

static double thread_us(void)
{
    struct timespec used;
    clock_gettime(CLOCK_THREAD_CPUTIME_ID, &used);
    return (double)used.tv_sec * 1e6 + (double)used.tv_nsec / 1e3;
}

static double *room_for(size_t count)
{
    struct error err = {.text = "none"};
    double *us = calloc(count, sizeof(double));
    if (us == NULL)
        bench_fail("memory", &err);
    return us;
}

/* Searches for so long; the time of each counts from when it was to begin. */
static struct latencies search_for(struct bench *bench, const struct queries *queries,
                                   uint64_t seconds)
{
    const struct settings *settings = &bench->settings;
    size_t count = (size_t)(seconds * settings->searches);
    struct latencies latencies = {room_for(count), room_for(count), count};
    struct arena arena = {0};
    int64_t begun_us = clock_boot_us();
    for (size_t i = 0; i < count; i++) {
        int64_t due_us = begun_us + (int64_t)(i * 1000000 / settings->searches);
        sleep_until(due_us);
        const char *text = queries->texts[i % queries->count];
        double used = thread_us();
        struct question *question = ask_read(bench, text, settings->mode, &arena);
        ask(bench, question, (uint32_t)settings->size, false, &arena);
        latencies.us[i] = (double)(clock_boot_us() - due_us);
        latencies.cpu_us[i] = thread_us() - used;
        arena_reset(&arena);
    }
    arena_release(&arena);
    return latencies;
}

static void print_times(const char *what, double *us, size_t count)
{
    times_sort(us, count);
    printf("%s p50=%.0f p95=%.0f p99=%.0f max=%.0f us", what, us[count / 2], us[count * 95 / 100],
           us[count * 99 / 100], us[count - 1]);
}

/* Returns the 99th of 100. */
static double print_latencies(const char *when, struct latencies *latencies)
{
    printf("%s: n=%zu", when, latencies->count);
    print_times("", latencies->us, latencies->count);
    print_times("; computing", latencies->cpu_us, latencies->count);
    printf("\n");
    return latencies->us[latencies->count * 99 / 100];
}

static void release(struct latencies *latencies)
{
    free(latencies->us);
    free(latencies->cpu_us);
}

/* ---- the whole ---- */

static void start(pthread_t *thread, void *(*run)(void *), struct load *load)
{
    struct error err = {.text = "cannot be started"};
    if (pthread_create(thread, NULL, run, load) != 0)
        bench_fail("a thread", &err);
}

void bench_load(struct bench *bench, const char *file, const char *queries_file)
{
    static struct load load;
    pthread_t feeder, merger;
    struct queries queries = queries_read(queries_file);
    uint64_t seconds = bench->settings.seconds;
    uint64_t quiet_s = seconds / QUIET_PART < QUIET_S_MIN ? QUIET_S_MIN : seconds / QUIET_PART;
    load.bench = bench;
    load.file = file;
    bench_open(bench);
    thread_be_prompt(); /* as those threads of a barrel that answer */
    memory_watch();
    struct latencies warming = search_for(bench, &queries, QUIET_S_MIN / 2);
    release(&warming);
    struct latencies quiet = search_for(bench, &queries, quiet_s);
    start(&feeder, feed, &load);
    start(&merger, merge, &load);
    struct latencies loaded = search_for(bench, &queries, seconds);
    atomic_store(&load.over, true);
    pthread_join(feeder, NULL);
    pthread_join(merger, NULL);
    double quiet_p99 = print_latencies("quiet", &quiet);
    double loaded_p99 = print_latencies("while documents arrive", &loaded);
    printf("p99 is %.2f times the quiet one\n", loaded_p99 / quiet_p99);
    printf("documents: %llu, %.1f a second; found %.2f s after their time at most\n",
           (unsigned long long)load.documents, (double)load.documents / (double)seconds,
           (double)load.late_us_max / 1e6);
    print_merges(&load);
    memory_print();
    bench_close(bench);
    queries_release(&queries);
    release(&quiet);
    release(&loaded);
}
