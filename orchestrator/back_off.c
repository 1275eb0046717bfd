#include "orchestrator/back_off.h"

enum { MINUTE_MS = 60000 };

uint32_t back_off_failed(struct back_off *back_off, int64_t now_ms, int64_t ran_ms,
                         uint32_t free_failures)
{
    if (ran_ms >= BACK_OFF_HEALTHY_MS)
        back_off->failures = 0;
    back_off->recent_ms[back_off->total++ % BACK_OFF_RECENT] = now_ms;
    uint32_t counted = ++back_off->failures;
    if (counted <= free_failures)
        return 0;
    uint32_t doublings = counted - free_failures - 1;
    uint32_t wait_ms = doublings >= 8 ? BACK_OFF_MAX_MS : (uint32_t)BACK_OFF_MIN_MS << doublings;
    return wait_ms > BACK_OFF_MAX_MS ? BACK_OFF_MAX_MS : wait_ms;
}

uint32_t back_off_last_minute(const struct back_off *back_off, int64_t now_ms)
{
    uint32_t kept = back_off->total < BACK_OFF_RECENT ? back_off->total : BACK_OFF_RECENT;
    uint32_t count = 0;
    for (uint32_t i = 0; i < kept; i++)
        count += now_ms - back_off->recent_ms[i] < MINUTE_MS;
    return count;
}
