/* How long a host is left alone between two fetches. */
#include "indexserver/hosts.h"

enum {
    RESPONSE_FACTOR_DEFAULT = 20, /* tenths: the delay is at least two response times */
    RESPONSE_DELAY_MS_MAX = 60 * 1000,
    RESPONSE_US_MAX = 1000 * 1000 * 1000,
    CRAWL_DELAY_MAX_DEFAULT_MS = 5 * 60 * 1000,
};

void host_note_response(struct host *host, uint32_t response_us)
{
    uint32_t *mean = &host->record.response_us;
    if (response_us > RESPONSE_US_MAX)
        response_us = RESPONSE_US_MAX;
    *mean = *mean == 0 ? response_us : (uint32_t)(((uint64_t)*mean * 3 + response_us) / 4);
    if (*mean == 0)
        *mean = 1; /* 0 says that none came yet */
}

static uint32_t longer(uint64_t a, uint64_t b)
{
    return (uint32_t)(a > b ? a : b);
}

uint32_t host_usual_delay_ms(struct views *views, const struct host *host,
                             const struct source *source)
{
    uint32_t delay = source_delay_ms(views->scope, source);
    uint32_t tenths = scope_settings(views->scope)->response_factor_tenths;
    if (tenths == 0)
        tenths = RESPONSE_FACTOR_DEFAULT;
    uint64_t response = (uint64_t)host->record.response_us * tenths / 10 / 1000;
    if (response > RESPONSE_DELAY_MS_MAX)
        response = RESPONSE_DELAY_MS_MAX;
    /* No delay at all is the owner's word: this host may be asked as fast as it answers. */
    return delay == 0 ? 0 : longer(delay, response);
}

uint32_t host_delay_ms(struct views *views, struct host *host, const struct source *source)
{
    uint32_t delay = host_usual_delay_ms(views, host, source);
    uint32_t most = scope_settings(views->scope)->crawl_delay_max_ms;
    if (most == 0)
        most = CRAWL_DELAY_MAX_DEFAULT_MS;
    for (struct origin *origin = host->origins; origin != NULL; origin = origin->next) {
        const struct robots *robots = origin_robots(views, origin);
        int64_t asked = robots == NULL ? -1 : robots_crawl_delay_ms(robots); /* -1: nothing */
        if (asked > 0)
            delay = longer(delay, (uint64_t)(asked > most ? most : asked));
    }
    return delay;
}
