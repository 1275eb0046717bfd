/* How much memory is ours alone: not what of the index's files is mapped. */
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

#include "tests/bench/barrel_bench/bench.h"

enum { LOOK_EVERY_MS = 10 };

static pthread_t watcher;
static atomic_bool watched;
static atomic_ulong most_kb;

static unsigned long anonymous_kb(void)
{
    char line[128];
    unsigned long kb = 0;
    FILE *file = fopen("/proc/self/status", "re");
    while (file != NULL && fgets(line, sizeof(line), file) != NULL) {
        if (sscanf(line, "RssAnon: %lu kB", &kb) == 1)
            break;
    }
    if (file != NULL)
        fclose(file);
    return kb;
}

static void *watch(void *unused)
{
    static const struct timespec pause = {.tv_nsec = LOOK_EVERY_MS * 1000000L};
    (void)unused;
    while (atomic_load(&watched)) {
        unsigned long kb = anonymous_kb();
        if (kb > atomic_load(&most_kb))
            atomic_store(&most_kb, kb);
        nanosleep(&pause, NULL);
    }
    return NULL;
}

void memory_watch(void)
{
    struct error err = {.text = "no thread"};
    atomic_store(&most_kb, anonymous_kb());
    atomic_store(&watched, true);
    if (pthread_create(&watcher, NULL, watch, NULL) != 0)
        bench_fail("memory", &err);
}

void memory_print(void)
{
    unsigned long now_kb = anonymous_kb();
    atomic_store(&watched, false);
    pthread_join(watcher, NULL);
    unsigned long kb = atomic_load(&most_kb);
    printf("anonymous memory: at most %.1f MB, %.1f MB at the end\n",
           (double)(kb > now_kb ? kb : now_kb) / 1024, (double)now_kb / 1024);
}
