/*
 * How long an answer is waited for. Whoever works on one counts its steps, and looks from time to
 * time whether anybody still waits: often enough that no work goes on for more than a few
 * milliseconds, so seldom that it costs nothing.
 */
#ifndef TIERCE_INDEX_LIMIT_H
#define TIERCE_INDEX_LIMIT_H

#include <stdbool.h>
#include <stdint.h>

#include "base/error.h"

struct search_limit {
    int64_t deadline_ms; /* by clock_boot_ms(); 0: none */
    /* Whether nobody waits any more, called now and then by the thread that works. NULL: never. */
    bool (*is_cancelled)(const void *context);
    const void *context;
};

/* Steps between two looks. One is about what it costs to look at a document or a key: some ten
 * nanoseconds to a few hundred. */
#define LIMIT_STEPS 4096

struct limit_watch {
    const struct search_limit *limit; /* borrowed; NULL: none */
    uint32_t steps;                   /* since the last look */
    enum status status; /* STATUS_OK, or why the work is to end: STATUS_TIMEOUT, STATUS_CANCELLED */
};

/* Looks at once. True: the work is to end; from then on it always is. */
bool limit_watch_look(struct limit_watch *watch);

/* Counts what was done, or is to be done next. True as above. */
static inline bool limit_watch_stops(struct limit_watch *watch, uint32_t steps)
{
    watch->steps += steps;
    return watch->steps >= LIMIT_STEPS && limit_watch_look(watch);
}

/* STATUS_OK, or the status and the words for it. */
enum status limit_watch_status(const struct limit_watch *watch, struct error *err);

#endif
