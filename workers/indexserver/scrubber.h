/*
 * Takes the bytes of removed pages off the disk: deleting only marks them, and the engine would get
 * round to them some day. What is to be scrubbed is on disk itself, so that a restart forgets none.
 */
#ifndef TIERCE_INDEXSERVER_SCRUBBER_H
#define TIERCE_INDEXSERVER_SCRUBBER_H

#include <pthread.h>
#include <stdbool.h>

#include "indexserver/views.h"

/* After a removal; many removals in that time are scrubbed together. */
enum { SCRUB_AFTER_MS = 5 * 60 * 1000 };

struct scrubber {
    struct views *views;
    pthread_t thread;
    bool started;
    unsigned after_ms;
    pthread_mutex_t lock; /* of what follows */
    pthread_cond_t wake;  /* by CLOCK_MONOTONIC */
    bool stopping;
};

/* after_ms  SCRUB_AFTER_MS, or less in tests. */
enum status scrubber_start(struct scrubber *scrubber, struct views *views, unsigned after_ms,
                           struct error *err);
void scrubber_stop(struct scrubber *scrubber); /* also of one that was not started */

#endif
