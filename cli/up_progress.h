/*
 * What `tierce up` says while everything starts: reads each new look at the statistics and tells
 * what has become ready. Knows nothing of how the looks are come by.
 */
#ifndef TIERCE_CLI_UP_PROGRESS_H
#define TIERCE_CLI_UP_PROGRESS_H

#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>

#include "wire.pb-c.h"

enum { UP_ROLES = 8 };

struct up_progress {
    FILE *file;
    bool is_terminal;        /* a line may be written over */
    unsigned told[UP_ROLES]; /* by role: how many were told ready */
    int64_t moved_ms;        /* when something last changed */
    int64_t waiting_ms;      /* when it was last told what is waited for */
    uint64_t pages_told;
    int64_t pages_told_ms;
    bool line_is_open;     /* the cursor stands behind a line to be written over */
    bool handbook_is_told; /* that it is whole */
};

/* now_ms  any clock that only goes forward */
void up_progress_begin(struct up_progress *progress, FILE *file, bool is_terminal, int64_t now_ms);

/* A new look; NULL: the orchestrator does not answer yet. */
void up_progress_take(struct up_progress *progress, const Wire__Stats *stats, int64_t now_ms);

/* Every process that the orchestrator names is ready, and those without which nothing can be
 * searched are among them. */
bool up_progress_is_ready(const Wire__Stats *stats);

/*
 * Whether the crawl is still busy with the only source there is, our own handbook: fetching it, or
 * bringing it into the barrels.
 */
bool up_progress_handbook_is_pending(const Wire__Stats *stats);

/* Ends a line that could have been written over. */
void up_progress_end_line(struct up_progress *progress);

#endif
