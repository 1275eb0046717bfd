/*
 * crawl-floor: what a crawl cannot do without, each part alone.
 *
 *   crawl-floor fetch URLS        libcurl, one connection to each host, 64 at a time; bodies thrown
 * away crawl-floor parse FILES       Gumbo's tree of each file, made and given back crawl-floor
 * append FILES DIR  each file compressed and appended to a log, ten to a batch
 *
 * URLS and FILES name one a line; `-` is standard input. Prints how many, the seconds, the bytes
 * and the CPU microseconds that one took, of the process and of the kernel for it.
 */
#include <curl/curl.h>
#include <gumbo.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <zstd.h>

#include "base/arena.h"
#include "base/buffer.h"
#include "base/check.h"
#include "base/clock.h"
#include "base/file.h"
#include "cluster/log.h"

enum {
    TRANSFERS = 64,
    BATCH = 10,
    ZSTD_LEVEL = 3,
    FILE_BYTES_MAX = 64 << 20,
    LOG_MEMORY_BYTES = 64 << 20,
};

struct lines {
    char **text;
    size_t count, capacity;
};

static void fail(const char *what, const char *why)
{
    fprintf(stderr, "crawl-floor: %s: %s\n", what, why);
    exit(1);
}

static struct lines read_lines(const char *path)
{
    struct lines lines = {0};
    FILE *file = strcmp(path, "-") == 0 ? stdin : fopen(path, "re");
    char *line = NULL;
    size_t room = 0;
    ssize_t size;
    if (file == NULL)
        fail(path, "cannot be opened");
    while ((size = getline(&line, &room, file)) > 0) {
        if (line[size - 1] == '\n')
            line[size - 1] = '\0';
        if (lines.count == lines.capacity) {
            lines.capacity = lines.capacity == 0 ? 1024 : 2 * lines.capacity;
            lines.text = check_alloc(realloc(lines.text, lines.capacity * sizeof(*lines.text)));
        }
        lines.text[lines.count++] = check_alloc(strdup(line));
    }
    free(line);
    return lines;
}

static double cpu_us(void)
{
    struct rusage used;
    getrusage(RUSAGE_SELF, &used);
    return (double)(used.ru_utime.tv_sec + used.ru_stime.tv_sec) * 1e6 +
           (double)(used.ru_utime.tv_usec + used.ru_stime.tv_usec);
}

/* ---- fetching -----------------------------------------------------------------------------------
 */

/* The lines are in order of their hosts: each host is one easy handle, one connection. */
struct transfers {
    CURLM *multi;
    const struct lines *lines;
    char *begun; /* by line */
    size_t active;
    uint64_t bytes;
};

static size_t host_size(const char *url)
{
    const char *host = strstr(url, "://");
    return host == NULL ? strlen(url) : (size_t)(host + 3 - url) + strcspn(host + 3, "/");
}

static size_t throw_away(char *bytes, size_t size, size_t count, void *context)
{
    struct transfers *t = context;
    (void)bytes;
    t->bytes += size * count;
    return size * count;
}

static void begin(struct transfers *t, CURL *easy, size_t line)
{
    t->begun[line] = 1;
    curl_easy_setopt(easy, CURLOPT_URL, t->lines->text[line]);
    curl_easy_setopt(easy, CURLOPT_PRIVATE, (void *)line);
    curl_easy_setopt(easy, CURLOPT_WRITEFUNCTION, throw_away);
    curl_easy_setopt(easy, CURLOPT_WRITEDATA, t);
    curl_easy_setopt(easy, CURLOPT_ACCEPT_ENCODING, NULL);
    curl_multi_add_handle(t->multi, easy);
    t->active++;
}

static bool begin_next_host(struct transfers *t, size_t *next)
{
    while (*next < t->lines->count && t->begun[*next])
        ++*next;
    if (*next == t->lines->count)
        return false;
    size_t first = *next, size = host_size(t->lines->text[first]);
    while (*next < t->lines->count &&
           strncmp(t->lines->text[*next], t->lines->text[first], size) == 0)
        ++*next;
    begin(t, check_alloc(curl_easy_init()), first);
    return true;
}

/* The host's next page on the same handle; none: the next host's. */
static void go_on(struct transfers *t, CURL *easy, size_t *next)
{
    char *private;
    curl_easy_getinfo(easy, CURLINFO_PRIVATE, &private);
    size_t line = (size_t) private;
    curl_multi_remove_handle(t->multi, easy);
    t->active--;
    const char *text = t->lines->text[line];
    if (line + 1 < t->lines->count && !t->begun[line + 1] &&
        strncmp(t->lines->text[line + 1], text, host_size(text)) == 0) {
        begin(t, easy, line + 1);
        return;
    }
    curl_easy_cleanup(easy);
    begin_next_host(t, next);
}

static uint64_t fetch(const struct lines *lines)
{
    struct transfers t = {.multi = curl_multi_init(), .lines = lines};
    size_t next = 0;
    int running = 1, waiting;
    t.begun = check_alloc(calloc(lines->count + 1, 1));
    while (t.active < TRANSFERS && begin_next_host(&t, &next))
        ;
    while (t.active > 0) {
        curl_multi_perform(t.multi, &running);
        CURLMsg *message;
        while ((message = curl_multi_info_read(t.multi, &waiting)) != NULL) {
            if (message->data.result != CURLE_OK)
                fail("fetching", curl_easy_strerror(message->data.result));
            go_on(&t, message->easy_handle, &next);
        }
        if (t.active > 0)
            curl_multi_poll(t.multi, NULL, 0, 1000, NULL);
    }
    curl_multi_cleanup(t.multi);
    free(t.begun);
    return t.bytes;
}

/* ---- parsing and appending ----------------------------------------------------------------------
 */

static void read_whole(const char *path, struct buffer *ret)
{
    struct error err;
    buffer_clear(ret);
    if (file_read(path, FILE_BYTES_MAX, ret, &err) != STATUS_OK)
        fail(path, err.text);
}

static uint64_t parse(const struct lines *lines)
{
    struct buffer body = {0};
    uint64_t bytes = 0;
    for (size_t i = 0; i < lines->count; i++) {
        read_whole(lines->text[i], &body);
        GumboOutput *tree =
            gumbo_parse_with_options(&kGumboDefaultOptions, (const char *)body.data, body.size);
        gumbo_destroy_output(&kGumboDefaultOptions, tree);
        bytes += body.size;
    }
    buffer_release(&body);
    return bytes;
}

static Log__Entry *entry_of(const char *path, struct buffer *body, ZSTD_CCtx *packer,
                            struct arena *arena)
{
    Log__Entry *entry = check_alloc(arena_alloc(arena, sizeof(*entry)));
    Log__Content *content = check_alloc(arena_alloc(arena, sizeof(*content)));
    size_t room = ZSTD_compressBound(body->size);
    log__entry__init(entry);
    log__content__init(content);
    entry->kind_case = LOG__ENTRY__KIND_CONTENT;
    entry->content = content;
    content->url = (char *)path;
    content->body_size = (uint32_t)body->size;
    content->body_zstd.data = check_alloc(arena_alloc(arena, room));
    content->body_zstd.len = ZSTD_compressCCtx(packer, content->body_zstd.data, room, body->data,
                                               body->size, ZSTD_LEVEL);
    return entry;
}

static uint64_t append(const struct lines *lines, const char *folder)
{
    struct log_store *log;
    struct error err;
    struct buffer body = {0};
    struct arena arena = {0};
    Log__Entry *entries[BATCH];
    uint64_t epoch, first, bytes = 0;
    size_t count = 0;
    ZSTD_CCtx *packer = check_alloc(ZSTD_createCCtx());
    if (log_open_embedded(folder, LOG_MEMORY_BYTES, &log, &err) != STATUS_OK ||
        log_begin_epoch(log, &epoch, &err) != STATUS_OK)
        fail(folder, err.text);
    for (size_t i = 0; i < lines->count; i++) {
        read_whole(lines->text[i], &body);
        bytes += body.size;
        entries[count++] = entry_of(lines->text[i], &body, packer, &arena);
        if (count < BATCH && i + 1 < lines->count)
            continue;
        if (log_append(log, epoch, entries, count, &first, &err) != STATUS_OK)
            fail(folder, err.text);
        count = 0;
        arena_reset(&arena);
    }
    ZSTD_freeCCtx(packer);
    log_close(log);
    buffer_release(&body);
    arena_release(&arena);
    return bytes;
}

int main(int argc, char **argv)
{
    bool appends = argc == 4 && strcmp(argv[1], "append") == 0;
    if (!appends && (argc != 3 || (strcmp(argv[1], "fetch") != 0 && strcmp(argv[1], "parse") != 0)))
        fail("usage", "crawl-floor fetch URLS | parse FILES | append FILES DIR");
    struct lines lines = read_lines(argv[2]);
    int64_t begun = clock_boot_ms();
    double cpu = cpu_us();
    uint64_t bytes = appends                         ? append(&lines, argv[3])
                     : strcmp(argv[1], "fetch") == 0 ? fetch(&lines)
                                                     : parse(&lines);
    double seconds = (double)(clock_boot_ms() - begun) / 1000;
    printf("%s %zu in %.2f s, %lu bytes, CPU %.1f us each\n", argv[1], lines.count, seconds, bytes,
           lines.count == 0 ? 0 : (cpu_us() - cpu) / (double)lines.count);
    return 0;
}
