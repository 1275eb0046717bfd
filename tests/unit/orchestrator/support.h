/* What several tests of the orchestrator need: a folder of their own, and waiting for a condition.
 */
#ifndef TIERCE_TESTS_ORCHESTRATOR_SUPPORT_H
#define TIERCE_TESTS_ORCHESTRATOR_SUPPORT_H

#include <ftw.h>
#include <limits.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "base/clock.h"

static inline const char *temporary_folder(char ret[PATH_MAX])
{
    snprintf(ret, PATH_MAX, "/tmp/tierce-test-XXXXXX");
    if (mkdtemp(ret) == NULL)
        abort();
    return ret;
}

static inline int remove_one(const char *path, const struct stat *info, int kind, struct FTW *at)
{
    (void)info;
    (void)kind;
    (void)at;
    return remove(path);
}

static inline void remove_folder(const char *path)
{
    nftw(path, remove_one, 16, FTW_DEPTH | FTW_PHYS);
}

static inline const char *path_in(const char *folder, const char *name, char ret[PATH_MAX])
{
    snprintf(ret, PATH_MAX, "%.2000s/%.1000s", folder, name);
    return ret;
}

static inline void write_text(const char *path, const char *text)
{
    FILE *file = fopen(path, "we");
    if (file == NULL || fputs(text, file) < 0 || fclose(file) != 0)
        abort();
}

/* Looks every few milliseconds, for twenty seconds at most. `step` is done in between. */
#define AWAIT(condition, step)                                                                     \
    do {                                                                                           \
        int64_t end_ms = clock_boot_ms() + 20000;                                                  \
        while (!(condition) && clock_boot_ms() < end_ms) {                                         \
            step;                                                                                  \
        }                                                                                          \
        if (!(condition))                                                                          \
            fail_msg("never came: %s", #condition);                                                \
    } while (0)

static inline void rest(void)
{
    struct timespec pause = {.tv_nsec = 5000000};
    nanosleep(&pause, NULL);
}

#endif
