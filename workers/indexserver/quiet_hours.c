#include "indexserver/quiet_hours.h"

#include <stdbool.h>
#include <time.h>

enum { DAY_MINUTES = 24 * 60 };

static bool covers(const Log__QuietHours *hours, unsigned minute)
{
    if (hours->from_minute < hours->to_minute)
        return minute >= hours->from_minute && minute < hours->to_minute;
    return minute >= hours->from_minute || minute < hours->to_minute; /* over midnight */
}

static bool is_quiet(Log__QuietHours *const *hours, size_t count, unsigned minute)
{
    for (size_t i = 0; i < count; i++) {
        if (covers(hours[i], minute))
            return true;
    }
    return false;
}

int64_t quiet_hours_end_ms(Log__QuietHours *const *hours, size_t count, int64_t unix_ms)
{
    time_t now = (time_t)(unix_ms / 1000);
    struct tm local;
    if (count == 0 || localtime_r(&now, &local) == NULL)
        return 0;
    unsigned minute = (unsigned)local.tm_hour * 60 + (unsigned)local.tm_min;
    unsigned quiet = 0;
    while (quiet < DAY_MINUTES && is_quiet(hours, count, (minute + quiet) % DAY_MINUTES))
        quiet++;
    if (quiet == 0)
        return 0;
    /* By the calendar, not by minutes: the clock may be put forward or back on the way. */
    local.tm_min += (int)quiet;
    local.tm_sec = 0;
    local.tm_isdst = -1;
    int64_t end = (int64_t)mktime(&local) * 1000;
    return end > unix_ms ? end : unix_ms + 60 * 1000;
}
