#include <errno.h>
#include <jansson.h>
#include <pthread.h>
#include <semaphore.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>

#include "base/clock.h"
#include "tests/bench/barrel_bench/bench.h"

/* As much as a barrel reads from the feed at a time. */
enum { BATCH_BYTES = 4 << 20, BATCH_MAX = 4096 };

struct lines {
    FILE *file;
    const char *name;
    char *text;
    size_t capacity;
    uint64_t number;
    json_t *object;
};

struct lines *lines_open(const char *name)
{
    struct lines *lines = calloc(1, sizeof(*lines));
    struct error err = {0};
    if (lines == NULL || (lines->file = fopen(name, "re")) == NULL) {
        error_set_errno(&err, errno, "open");
        bench_fail(name, &err);
    }
    lines->name = name;
    return lines;
}

static const char *member(const json_t *object, const char *name, const char *other)
{
    const char *value = json_string_value(json_object_get(object, name));
    if (value == NULL && other != NULL)
        value = json_string_value(json_object_get(object, other));
    return value == NULL ? "" : value;
}

bool lines_next(struct lines *lines, struct line *ret_line)
{
    json_error_t why;
    ssize_t size = getline(&lines->text, &lines->capacity, lines->file);
    if (size < 0)
        return false;
    lines->number++;
    json_decref(lines->object);
    lines->object = json_loadb(lines->text, (size_t)size, JSON_ALLOW_NUL, &why);
    if (lines->object == NULL) {
        struct error err;
        error_set(&err, STATUS_INVALID, "line %llu: %s", (unsigned long long)lines->number,
                  why.text);
        bench_fail(lines->name, &err);
    }
    *ret_line = (struct line){
        .id = member(lines->object, "id", "_id"),
        .url = member(lines->object, "url", NULL),
        .title = member(lines->object, "title", NULL),
        .body = member(lines->object, "body", "text"),
    };
    return true;
}

uint64_t lines_number(const struct lines *lines)
{
    return lines->number;
}

void lines_close(struct lines *lines)
{
    json_decref(lines->object);
    free(lines->text);
    fclose(lines->file);
    free(lines);
}

/* ---- indexing ---- */

struct batch {
    struct index_change changes[BATCH_MAX];
    size_t count;
    struct arena arena;
    uint64_t bytes;      /* of this one's text */
    uint64_t text_bytes; /* of all batches' */
    uint64_t position;
    int64_t apply_us; /* applying and merging all of them took so long, without the reading */
};

static struct text_slice copy(struct arena *arena, const char *text)
{
    size_t size = strlen(text);
    return (struct text_slice){arena_string_of(arena, text, size), size};
}

static struct text_slice site_of(struct text_slice url)
{
    const char *host = strstr(url.bytes, "://");
    host = host == NULL ? url.bytes : host + 3;
    return (struct text_slice){host, strcspn(host, "/")};
}

void batch_add(struct batch *batch, const struct line *line)
{
    struct index_document document = {.title = copy(&batch->arena, line->title),
                                      .text = copy(&batch->arena, line->body)};
    const char *url =
        line->url[0] != '\0' ? line->url : arena_format(&batch->arena, ID_URL "%s", line->id);
    document.url = copy(&batch->arena, url);
    document.site = site_of(document.url);
    batch->bytes += document.title.size + 1 + document.text.size;
    batch->changes[batch->count++] =
        (struct index_change){.kind = INDEX_PUT_DOCUMENT, .document = document};
}

bool batch_is_full(const struct batch *batch)
{
    return batch->count == BATCH_MAX || batch->bytes >= BATCH_BYTES;
}

enum status batch_apply(struct bench *bench, struct batch *batch, struct error *err)
{
    uint64_t position = batch->position + batch->count;
    enum status status = index_apply(bench->index, batch->changes, batch->count, position, err);
    batch->position = position;
    batch->text_bytes += batch->bytes;
    batch->count = 0;
    batch->bytes = 0;
    arena_reset(&batch->arena);
    return status;
}

struct batch *batch_new(struct bench *bench)
{
    struct error err = {.text = "none left"};
    struct batch *batch = calloc(1, sizeof(*batch));
    if (batch == NULL)
        bench_fail("memory", &err);
    batch->position = index_applied_position(bench->index);
    return batch;
}

void batch_free(struct batch *batch)
{
    arena_release(&batch->arena);
    free(batch);
}

static void apply(struct bench *bench, struct batch *batch)
{
    struct error err = {0};
    int64_t begun_us = clock_boot_us();
    if (batch_apply(bench, batch, &err) != STATUS_OK)
        bench_fail("indexing", &err);
    /* Where several segments are wanted, none is merged before the end: there would be fewer. */
    bool merges = bench->settings.threads < 2 && bench->settings.segments < 2;
    while (merges && index_merge(bench->index, &err) == STATUS_OK)
        continue;
    batch->apply_us += clock_boot_us() - begun_us;
}

static void print_size(const struct bench *bench, uint64_t text_bytes)
{
    struct index_size size;
    index_measure(bench->index, &size);
    const struct {
        const char *name;
        uint64_t bytes;
    } parts[] = {
        {"dictionary", size.parts.dictionary}, {"postings", size.parts.postings},
        {"positions", size.parts.positions},   {"norms", size.parts.norms},
        {"documents", size.parts.documents},   {"stored", size.parts.stored},
    };
    uint64_t searched =
        size.parts.dictionary + size.parts.postings + size.parts.positions + size.parts.norms;
    for (unsigned i = 0; i < sizeof(parts) / sizeof(parts[0]); i++)
        printf("bytes %-10s %12llu  %5.2f %% of the text\n", parts[i].name,
               (unsigned long long)parts[i].bytes,
               100.0 * (double)parts[i].bytes / (double)text_bytes);
    printf("bytes to search  %12llu  %5.2f %% of the text\n", (unsigned long long)searched,
           100.0 * (double)searched / (double)text_bytes);
    printf("documents %llu, segments %u\n", (unsigned long long)size.documents,
           size.segments_stored);
}

/* Merges beside the thread that applies, as a barrel does. */
struct merger {
    struct index *index;
    pthread_t thread;
    bool runs;
    sem_t applied; /* posted behind each batch, and at the end */
    atomic_bool over;
};

static void *merge_meanwhile(void *argument)
{
    struct merger *merger = argument;
    struct error err = {0};
    while (!atomic_load(&merger->over)) {
        enum status status = index_merge(merger->index, &err);
        if (status == STATUS_END)
            sem_wait(&merger->applied);
        else if (status != STATUS_OK)
            bench_fail("merging", &err);
    }
    return NULL;
}

static void merger_start(struct merger *merger, bool wanted)
{
    struct error err = {.text = "cannot be started"};
    merger->runs = wanted;
    sem_init(&merger->applied, 0, 0);
    if (wanted && pthread_create(&merger->thread, NULL, merge_meanwhile, merger) != 0)
        bench_fail("a thread", &err);
}

static void merger_stop(struct merger *merger)
{
    atomic_store(&merger->over, true);
    sem_post(&merger->applied);
    if (merger->runs)
        pthread_join(merger->thread, NULL);
    sem_destroy(&merger->applied);
}

void bench_index(struct bench *bench, const char *file)
{
    struct error err = {0};
    struct line line;
    struct rusage usage;
    struct lines *lines = lines_open(file);
    memory_watch();
    bench_open(bench);
    struct batch *batch = batch_new(bench);
    struct merger merger = {.index = bench->index};
    merger_start(&merger, bench->settings.threads > 1);
    while (lines_next(lines, &line)) {
        batch_add(batch, &line);
        if (!batch_is_full(batch))
            continue;
        apply(bench, batch);
        sem_post(&merger.applied);
    }
    apply(bench, batch);
    int64_t begun_us = clock_boot_us();
    merger_stop(&merger);
    if (index_flush(bench->index, &err) != STATUS_OK)
        bench_fail("flushing", &err);
    if (bench->settings.segments > 0 &&
        index_merge_down(bench->index, (uint32_t)bench->settings.segments, &err) != STATUS_OK)
        bench_fail("merging", &err);
    double last = (double)(clock_boot_us() - begun_us) / 1e6;
    double in_all = (double)batch->apply_us / 1e6 + last;
    getrusage(RUSAGE_SELF, &usage);
    printf("indexed %llu documents, %.1f MB of text in %.1f s, %.1f s of it the last flush and "
           "merge, without reading lines: %.1f MB/s; at most %ld MB of memory\n",
           (unsigned long long)lines_number(lines), (double)batch->text_bytes / 1e6, in_all, last,
           (double)batch->text_bytes / 1e6 / in_all, usage.ru_maxrss / 1024);
    memory_print();
    print_size(bench, batch->text_bytes);
    bench_close(bench);
    lines_close(lines);
    batch_free(batch);
}
