/*
 * How fast this process reads from strangers, all transfers together: a token bucket that may run
 * into debt by one read, so that no transfer waits for a credit as large as its next read.
 */
#ifndef TIERCE_DOWNLOADER_BANDWIDTH_H
#define TIERCE_DOWNLOADER_BANDWIDTH_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum { BANDWIDTH_BURST_MS = 250 }; /* so long a silence may be made up for */

struct bandwidth {
    uint64_t rate;    /* bytes a second; 0: no limit */
    int64_t credit;   /* bytes; negative: a debt */
    int64_t at_us;    /* clock_boot_us() of the credit */
    unsigned waiting; /* transfers that are paused for it */
};

/* A change of the rate: what was saved or owed is forgotten. */
void bandwidth_set(struct bandwidth *bandwidth, uint64_t rate, int64_t now_us);
/* Whether something may be read or asked for now. */
bool bandwidth_has_credit(struct bandwidth *bandwidth, int64_t now_us);
void bandwidth_take(struct bandwidth *bandwidth, size_t bytes);
/* Milliseconds until there is credit again; 0: there is. */
int64_t bandwidth_wait_ms(struct bandwidth *bandwidth, int64_t now_us);

#endif
