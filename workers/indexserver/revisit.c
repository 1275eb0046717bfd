#include "indexserver/revisit.h"

static uint32_t clamp(uint64_t seconds, uint64_t min_s, uint64_t max_s)
{
    return (uint32_t)(seconds < min_s ? min_s : seconds > max_s ? max_s : seconds);
}

struct revisit_bounds revisit_bounds(uint32_t recrawl_s, uint32_t min_s, uint32_t max_s,
                                     bool listing)
{
    uint64_t first = recrawl_s == 0 ? REVISIT_DEFAULT_S : recrawl_s;
    uint64_t min = min_s != 0 ? min_s : first / REVISIT_SPAN;
    uint64_t max = max_s != 0 ? max_s : first * REVISIT_SPAN;
    /* One bound that lies beyond the other one's default moves that. */
    if (max < min)
        *(max_s != 0 ? &min : &max) = max_s != 0 ? max : min;
    if (listing) {
        first /= REVISIT_LISTING;
        min /= REVISIT_LISTING;
        max /= REVISIT_LISTING;
    }
    struct revisit_bounds bounds = {.min_s = clamp(min, 1, UINT32_MAX),
                                    .max_s = clamp(max, 1, UINT32_MAX)};
    bounds.first_s = clamp(first, bounds.min_s, bounds.max_s);
    return bounds;
}

uint32_t revisit_next(const struct revisit_bounds *bounds, uint32_t interval_s,
                      enum revisit_finding finding)
{
    uint64_t seconds = interval_s == 0 ? bounds->first_s : interval_s;
    switch (finding) {
    case REVISIT_CHANGED:
        seconds = seconds * 2 / 3;
        break;
    case REVISIT_UNCHANGED:
        seconds = (seconds * 3 + 1) / 2;
        break;
    case REVISIT_MOVED:
        seconds = bounds->max_s;
        break;
    default:
        seconds = bounds->first_s;
        break;
    }
    return clamp(seconds, bounds->min_s, bounds->max_s);
}
