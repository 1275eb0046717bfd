/* How long a barrel's answers took, over the last minute. */
#ifndef TIERCE_ORCHESTRATOR_LATENCY_H
#define TIERCE_ORCHESTRATOR_LATENCY_H

#include <stdint.h>

enum { LATENCY_PERIODS = 12, LATENCY_PERIOD_MS = 5000 };

/* A zeroed struct has seen no call. */
struct latency {
    uint64_t calls; /* since the beginning */
    struct {
        int64_t period; /* since boot; what is older than a minute is over */
        uint64_t calls;
        uint64_t total_us;
    } periods[LATENCY_PERIODS];
};

void latency_add(struct latency *latency, int64_t now_ms, uint64_t calls, uint64_t total_us);

/* Microseconds; 0 where there was no call. */
uint32_t latency_mean_us(const struct latency *latency, int64_t now_ms);

#endif
