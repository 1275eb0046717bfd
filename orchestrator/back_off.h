/* How long to wait before a process that ended is started again. */
#ifndef TIERCE_ORCHESTRATOR_BACK_OFF_H
#define TIERCE_ORCHESTRATOR_BACK_OFF_H

#include <stdint.h>

enum {
    BACK_OFF_MIN_MS = 100,
    BACK_OFF_MAX_MS = 10000,
    BACK_OFF_HEALTHY_MS = 30000, /* having run so long, a process begins with a clean slate */
    BACK_OFF_RECENT = 16,
};

/* A zeroed struct is a process that never failed. */
struct back_off {
    uint32_t failures;                  /* in a row */
    int64_t recent_ms[BACK_OFF_RECENT]; /* when it ended, by clock_boot_ms(); a ring */
    uint32_t total;
};

/*
 * Counts one end, of a process that ran for `ran_ms`, and returns the milliseconds to wait.
 * free_failures  so many failures in a row cost no wait.
 */
uint32_t back_off_failed(struct back_off *back_off, int64_t now_ms, int64_t ran_ms,
                         uint32_t free_failures);

/* How often it ended during the last minute; at most BACK_OFF_RECENT. */
uint32_t back_off_last_minute(const struct back_off *back_off, int64_t now_ms);

#endif
