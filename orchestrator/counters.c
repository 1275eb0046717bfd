#include "orchestrator/counters.h"

#include <inttypes.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/buffer.h"
#include "base/bytes.h"
#include "base/check.h"
#include "base/file.h"

enum { TABLE_SIZE = 32768, NOWHERE = UINT16_MAX, FILE_BYTES_MAX = 8 * 1024 * 1024 };
#define HEADING "tierce counters "
enum { FORMAT = 1 };

struct search {
    uint64_t count;
    uint64_t hash;
    char *query;
};

/* A heap of searches, least frequent first, and a hash table of where in it each stands. */
struct counters {
    struct search heap[COUNTERS_SEARCHES];
    uint32_t count;
    uint16_t table[TABLE_SIZE]; /* index in the heap, or NOWHERE; probed linearly */
    struct counters_totals totals;
    uint64_t changes;
};

struct counters *counters_new(void)
{
    struct counters *counters = check_alloc(calloc(1, sizeof(*counters)));
    memset(counters->table, 0xff, sizeof(counters->table));
    return counters;
}

void counters_free(struct counters *counters)
{
    if (counters == NULL)
        return;
    for (uint32_t i = 0; i < counters->count; i++)
        free(counters->heap[i].query);
    free(counters);
}

/* ---- the table ----------------------------------------------------------------------------- */

/* Where the search stands in the table, or the empty place where it would. */
static uint32_t find_place(const struct counters *counters, uint64_t hash, const char *query)
{
    uint32_t place = (uint32_t)hash % TABLE_SIZE;
    while (counters->table[place] != NOWHERE) {
        const struct search *search = &counters->heap[counters->table[place]];
        if (search->hash == hash && strcmp(search->query, query) == 0)
            return place;
        place = (place + 1) % TABLE_SIZE;
    }
    return place;
}

static void place_search(struct counters *counters, uint32_t index)
{
    const struct search *search = &counters->heap[index];
    counters->table[find_place(counters, search->hash, search->query)] = (uint16_t)index;
}

/* Closes the gap, so that what was probed past it is still found. */
static void clear_place(struct counters *counters, uint32_t gap)
{
    counters->table[gap] = NOWHERE;
    for (uint32_t place = (gap + 1) % TABLE_SIZE; counters->table[place] != NOWHERE;
         place = (place + 1) % TABLE_SIZE) {
        uint32_t home = (uint32_t)counters->heap[counters->table[place]].hash % TABLE_SIZE;
        if ((place + TABLE_SIZE - home) % TABLE_SIZE < (place + TABLE_SIZE - gap) % TABLE_SIZE)
            continue; /* its home lies behind the gap */
        counters->table[gap] = counters->table[place];
        counters->table[place] = NOWHERE;
        gap = place;
    }
}

/* ---- the heap ------------------------------------------------------------------------------ */

static void swap(struct counters *counters, uint32_t a, uint32_t b)
{
    uint32_t place_a = find_place(counters, counters->heap[a].hash, counters->heap[a].query);
    uint32_t place_b = find_place(counters, counters->heap[b].hash, counters->heap[b].query);
    struct search moved = counters->heap[a];
    counters->heap[a] = counters->heap[b];
    counters->heap[b] = moved;
    counters->table[place_a] = (uint16_t)b;
    counters->table[place_b] = (uint16_t)a;
}

static bool is_less(const struct counters *counters, uint32_t a, uint32_t b)
{
    return counters->heap[a].count < counters->heap[b].count;
}

static void sink(struct counters *counters, uint32_t index)
{
    for (;;) {
        uint32_t least = index;
        for (uint32_t child = 2 * index + 1; child <= 2 * index + 2; child++) {
            if (child < counters->count && is_less(counters, child, least))
                least = child;
        }
        if (least == index)
            return;
        swap(counters, index, least);
        index = least;
    }
}

static void rise(struct counters *counters, uint32_t index)
{
    for (uint32_t parent; index > 0; index = parent) {
        parent = (index - 1) / 2;
        if (!is_less(counters, index, parent))
            return;
        swap(counters, index, parent);
    }
}

/* ---- counting ------------------------------------------------------------------------------ */

/* Cut between two characters, so that it stays text. */
static void cut(const char *query, char ret[COUNTERS_QUERY_BYTES + 1])
{
    size_t size = strnlen(query, COUNTERS_QUERY_BYTES + 1);
    if (size > COUNTERS_QUERY_BYTES) {
        size = COUNTERS_QUERY_BYTES;
        while (size > 0 && ((uint8_t)query[size] & 0xc0) == 0x80)
            size--;
    }
    memcpy(ret, query, size);
    ret[size] = '\0';
    for (size_t i = 0; i < size; i++) {
        if ((uint8_t)ret[i] < ' ')
            ret[i] = ' '; /* the file has one search in a line */
    }
}

static void add_new(struct counters *counters, const char *query, uint64_t hash, uint64_t count)
{
    if (counters->count < COUNTERS_SEARCHES) {
        uint32_t index = counters->count++;
        counters->heap[index] =
            (struct search){.count = count, .hash = hash, .query = check_alloc(strdup(query))};
        place_search(counters, index);
        rise(counters, index);
        return;
    }
    /* The least frequent gives way; the new one inherits its count. */
    struct search *least = &counters->heap[0];
    clear_place(counters, find_place(counters, least->hash, least->query));
    free(least->query);
    least->query = check_alloc(strdup(query));
    least->hash = hash;
    least->count += count;
    place_search(counters, 0);
    sink(counters, 0);
}

void counters_add_search(struct counters *counters, const char *query, uint64_t count)
{
    char text[COUNTERS_QUERY_BYTES + 1];
    cut(query, text);
    if (text[0] == '\0' || count == 0)
        return;
    counters->changes++;
    uint64_t hash = hash64(text, strlen(text));
    uint32_t place = find_place(counters, hash, text);
    if (counters->table[place] == NOWHERE) {
        add_new(counters, text, hash, count);
    } else {
        uint32_t index = counters->table[place];
        counters->heap[index].count += count;
        sink(counters, index);
    }
}

void counters_add(struct counters *counters, const Wire__GatewayReport *report)
{
    struct counters_totals *totals = &counters->totals;
    if (report->requests > 0)
        counters->changes++;
    totals->requests += report->requests;
    totals->searches += report->searches;
    totals->cache_hits += report->cache_hits;
    totals->errors += report->errors;
    totals->limited += report->limited;
    totals->partial += report->partial;
    for (size_t i = 0; i < report->n_queries; i++)
        counters_add_search(counters, report->queries[i]->query, report->queries[i]->count);
}

struct counters_totals counters_totals(const struct counters *counters)
{
    return counters->totals;
}

uint64_t counters_changes(const struct counters *counters)
{
    return counters->changes;
}

static int compare_frequency(const void *a, const void *b)
{
    const struct search *left = *(const struct search *const *)a;
    const struct search *right = *(const struct search *const *)b;
    if (left->count != right->count)
        return left->count > right->count ? -1 : 1;
    return strcmp(left->query, right->query);
}

Wire__QueryCount **counters_top(const struct counters *counters, unsigned max, struct arena *arena,
                                size_t *ret_count)
{
    const struct search **order =
        check_alloc(malloc((counters->count + 1) * sizeof(const struct search *)));
    for (uint32_t i = 0; i < counters->count; i++)
        order[i] = &counters->heap[i];
    qsort(order, counters->count, sizeof(order[0]), compare_frequency);
    size_t count = counters->count < max ? counters->count : max;
    Wire__QueryCount **top = check_alloc(arena_alloc(arena, (count + 1) * sizeof(*top)));
    for (size_t i = 0; i < count; i++) {
        top[i] = check_alloc(arena_alloc(arena, sizeof(**top)));
        wire__query_count__init(top[i]);
        top[i]->query = check_alloc(arena_string(arena, order[i]->query));
        top[i]->count = order[i]->count;
    }
    free(order);
    *ret_count = count;
    return top;
}

/* ---- the file: a heading, the totals, then "count query" lines ------------------------------- */

enum status counters_save(const struct counters *counters, const char *path, struct error *err)
{
    const struct counters_totals *totals = &counters->totals;
    struct buffer text = {0};
    buffer_append_format(&text, HEADING "%d\n", FORMAT);
    buffer_append_format(
        &text, "%" PRIu64 " %" PRIu64 " %" PRIu64 " %" PRIu64 " %" PRIu64 " %" PRIu64 "\n",
        totals->requests, totals->searches, totals->cache_hits, totals->errors, totals->limited,
        totals->partial);
    for (uint32_t i = 0; i < counters->count; i++)
        buffer_append_format(&text, "%" PRIu64 " %s\n", counters->heap[i].count,
                             counters->heap[i].query);
    enum status status = text.failed ? error_set(err, STATUS_NO_MEMORY, "no memory")
                                     : file_replace(path, text.data, text.size, 0600, err);
    buffer_release(&text);
    return status;
}

static enum status read_lines(struct counters *counters, char *text, struct error *err)
{
    char *rest = NULL;
    int format = 0;
    struct counters_totals totals = {0};
    char *line = strtok_r(text, "\n", &rest);
    if (line == NULL || sscanf(line, HEADING "%d", &format) != 1)
        return error_set(err, STATUS_CORRUPT, "no counters");
    if (format > FORMAT)
        return error_set(err, STATUS_UNSUPPORTED, "made by a newer version (format %d)", format);
    line = strtok_r(NULL, "\n", &rest);
    if (line == NULL ||
        sscanf(line, "%" SCNu64 " %" SCNu64 " %" SCNu64 " %" SCNu64 " %" SCNu64 " %" SCNu64,
               &totals.requests, &totals.searches, &totals.cache_hits, &totals.errors,
               &totals.limited, &totals.partial) != 6)
        return error_set(err, STATUS_CORRUPT, "the totals are missing");
    counters->totals = totals;
    while ((line = strtok_r(NULL, "\n", &rest)) != NULL) {
        char *query;
        uint64_t count = strtoull(line, &query, 10);
        if (query == line || *query != ' ' || count == 0)
            return error_set(err, STATUS_CORRUPT, "a line that is no count");
        counters_add_search(counters, query + 1, count);
    }
    return STATUS_OK;
}

enum status counters_load(struct counters *counters, const char *path, struct error *err)
{
    struct buffer text = {0};
    enum status status = file_read(path, FILE_BYTES_MAX, &text, err);
    if (status == STATUS_OK) {
        buffer_string(&text);
        status = text.size == 0 ? error_set(err, STATUS_CORRUPT, "empty")
                                : read_lines(counters, (char *)text.data, err);
        if (status != STATUS_OK)
            error_add_context(err, "%s", path);
    }
    buffer_release(&text);
    return status;
}
