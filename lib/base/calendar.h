/* Days of the Gregorian calendar in UTC, counted from 1970-01-01. */
#ifndef TIERCE_BASE_CALENDAR_H
#define TIERCE_BASE_CALENDAR_H

#include <stdbool.h>
#include <stdint.h>

#define CALENDAR_DAY_US (86400 * INT64_C(1000000))

struct calendar_date {
    uint32_t year;
    uint32_t month; /* 1 to 12 */
    uint32_t day;   /* 1 to 31 */
};

/* False where there is no such day, or it lies outside the years 1 to 9999. */
bool calendar_day_of(struct calendar_date date, int32_t *ret_day);
/* Of a day in those years. */
struct calendar_date calendar_date_of(int32_t day);

/*
 * A point in time as pages and headers write it: "2024-05-01", "2024-05-01T10:00:00+02:00" (ISO
 * 8601, its date whole, a time without a zone is UTC) or "Wed, 01 May 2024 10:00:00 GMT" (RFC 9110,
 * 5.6.7; the obsolete forms are not read). Microseconds since 1970; false: it is none.
 */
bool calendar_parse(const char *text, int64_t *ret_unix_us);

#endif
