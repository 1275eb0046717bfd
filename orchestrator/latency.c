#include "orchestrator/latency.h"

void latency_add(struct latency *latency, int64_t now_ms, uint64_t calls, uint64_t total_us)
{
    int64_t period = now_ms / LATENCY_PERIOD_MS;
    unsigned at = (unsigned)(period % LATENCY_PERIODS);
    if (latency->periods[at].period != period) {
        latency->periods[at].period = period;
        latency->periods[at].calls = 0;
        latency->periods[at].total_us = 0;
    }
    latency->periods[at].calls += calls;
    latency->periods[at].total_us += total_us;
    latency->calls += calls;
}

uint32_t latency_mean_us(const struct latency *latency, int64_t now_ms)
{
    int64_t period = now_ms / LATENCY_PERIOD_MS;
    uint64_t calls = 0, total_us = 0;
    for (unsigned i = 0; i < LATENCY_PERIODS; i++) {
        if (latency->periods[i].period + LATENCY_PERIODS <= period)
            continue;
        calls += latency->periods[i].calls;
        total_us += latency->periods[i].total_us;
    }
    uint64_t mean = calls == 0 ? 0 : total_us / calls;
    return mean > UINT32_MAX ? UINT32_MAX : (uint32_t)mean;
}
