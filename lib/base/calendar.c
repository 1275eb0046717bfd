#include "base/calendar.h"

#include <ctype.h>
#include <stddef.h>
#include <string.h>

#define DAYS_TO_1970 719162 /* from January 1 of the year 1 */

/* Not by timegm(), which may open files that a confined process cannot. */
static bool is_leap(uint32_t year)
{
    return year % 4 == 0 && (year % 100 != 0 || year % 400 == 0);
}

static uint32_t days_in_month(uint32_t year, uint32_t month)
{
    static const uint8_t days[] = {31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31};
    return days[month - 1] + (month == 2 && is_leap(year));
}

static int32_t first_day_of(uint32_t year)
{
    int32_t before = (int32_t)year - 1;
    return 365 * before + before / 4 - before / 100 + before / 400 - DAYS_TO_1970;
}

bool calendar_day_of(struct calendar_date date, int32_t *ret_day)
{
    if (date.year < 1 || date.year > 9999 || date.month < 1 || date.month > 12 || date.day < 1 ||
        date.day > days_in_month(date.year, date.month))
        return false;
    int32_t day = first_day_of(date.year) + (int32_t)date.day - 1;
    for (uint32_t month = 1; month < date.month; month++)
        day += (int32_t)days_in_month(date.year, month);
    *ret_day = day;
    return true;
}

struct calendar_date calendar_date_of(int32_t day)
{
    uint32_t year = (uint32_t)((day + DAYS_TO_1970) / 366) + 1; /* not behind it */
    while (first_day_of(year + 1) <= day)
        year++;
    uint32_t rest = (uint32_t)(day - first_day_of(year));
    uint32_t month = 1;
    while (rest >= days_in_month(year, month))
        rest -= days_in_month(year, month++);
    return (struct calendar_date){year, month, rest + 1};
}

/* ---- reading ---- */

/* Takes exactly `digits` digits. */
static bool take_number(const char **at, int digits, uint32_t *ret_number)
{
    uint32_t number = 0;
    for (int i = 0; i < digits; i++) {
        if (!isdigit((unsigned char)(*at)[i]))
            return false;
        number = number * 10 + (uint32_t)((*at)[i] - '0');
    }
    *at += digits;
    *ret_number = number;
    return true;
}

static bool take_byte(const char **at, char byte)
{
    if (**at != byte)
        return false;
    (*at)++;
    return true;
}

/* "10:00" or "10:00:00", in seconds. */
static bool take_time(const char **at, int64_t *ret_s)
{
    uint32_t hours, minutes, seconds = 0;
    if (!take_number(at, 2, &hours) || !take_byte(at, ':') || !take_number(at, 2, &minutes))
        return false;
    if (take_byte(at, ':') && !take_number(at, 2, &seconds))
        return false;
    *ret_s = (int64_t)hours * 3600 + minutes * 60 + seconds;
    return hours < 24 && minutes < 60 && seconds <= 60;
}

/* "+02:00" or "+0200"; anything else is UTC. In seconds. */
static int64_t take_zone(const char **at)
{
    char sign = **at;
    uint32_t hours, minutes;
    const char *from = *at + 1;
    if ((sign != '+' && sign != '-') || !take_number(&from, 2, &hours))
        return 0;
    take_byte(&from, ':');
    if (!take_number(&from, 2, &minutes) || hours > 14 || minutes > 59)
        return 0;
    int64_t offset = (int64_t)hours * 3600 + minutes * 60;
    return sign == '+' ? offset : -offset;
}

static bool parse_iso(const char *at, struct calendar_date *ret_date, int64_t *ret_s)
{
    if (!take_number(&at, 4, &ret_date->year) || !take_byte(&at, '-') ||
        !take_number(&at, 2, &ret_date->month) || !take_byte(&at, '-') ||
        !take_number(&at, 2, &ret_date->day) || isdigit((unsigned char)*at))
        return false;
    *ret_s = 0;
    if ((*at != 'T' && *at != ' ') || !isdigit((unsigned char)at[1]))
        return true;
    at++;
    if (!take_time(&at, ret_s))
        return false;
    if (take_byte(&at, '.')) {
        while (isdigit((unsigned char)*at))
            at++;
    }
    *ret_s -= take_zone(&at);
    return true;
}

static uint32_t month_named(const char *name)
{
    static const char names[] = "JanFebMarAprMayJunJulAugSepOctNovDec";
    for (uint32_t month = 0; month < 12; month++) {
        if (strncmp(name, names + 3 * (size_t)month, 3) == 0)
            return month + 1;
    }
    return 0;
}

static bool parse_http(const char *at, struct calendar_date *ret_date, int64_t *ret_s)
{
    const char *comma = strstr(at, ", ");
    if (comma == NULL)
        return false;
    at = comma + 2;
    if (!take_number(&at, 2, &ret_date->day) || !take_byte(&at, ' '))
        return false;
    ret_date->month = month_named(at);
    if (ret_date->month == 0)
        return false;
    at += 3;
    return take_byte(&at, ' ') && take_number(&at, 4, &ret_date->year) && take_byte(&at, ' ') &&
           take_time(&at, ret_s) && strcmp(at, " GMT") == 0;
}

bool calendar_parse(const char *text, int64_t *ret_unix_us)
{
    struct calendar_date date;
    int64_t seconds;
    int32_t day;
    while (*text == ' ')
        text++;
    if (!parse_iso(text, &date, &seconds) && !parse_http(text, &date, &seconds))
        return false;
    if (!calendar_day_of(date, &day))
        return false;
    *ret_unix_us = day * CALENDAR_DAY_US + seconds * 1000000;
    return true;
}
