#include "page/date.h"

#include <ctype.h>
#include <string.h>
#include <strings.h>

#include "base/calendar.h"
#include "base/check.h"

struct scanner {
    const char *at; /* zero-terminated */
};

static void skip_spaces(struct scanner *scanner)
{
    while (isspace((unsigned char)*scanner->at))
        scanner->at++;
}

static bool take(struct scanner *scanner, char c)
{
    if (*scanner->at != c)
        return false;
    scanner->at++;
    return true;
}

/* A number of `least` to `most` digits; none of more digits. */
static bool take_number(struct scanner *scanner, unsigned least, unsigned most, uint32_t *ret)
{
    uint32_t number = 0;
    unsigned digits = 0;
    for (; isdigit((unsigned char)scanner->at[digits]); digits++) {
        if (digits == most)
            return false;
        number = number * 10 + (uint32_t)(scanner->at[digits] - '0');
    }
    if (digits < least)
        return false;
    scanner->at += digits;
    *ret = number;
    return true;
}

/* Exactly `digits` digits, whatever follows. */
static bool take_digits(struct scanner *scanner, unsigned digits, uint32_t *ret)
{
    uint32_t number = 0;
    for (unsigned i = 0; i < digits; i++) {
        if (!isdigit((unsigned char)scanner->at[i]))
            return false;
        number = number * 10 + (uint32_t)(scanner->at[i] - '0');
    }
    scanner->at += digits;
    *ret = number;
    return true;
}

static bool is_time(uint32_t hours, uint32_t minutes, uint32_t seconds)
{
    bool midnight = hours == 24 && minutes == 0 && seconds == 0; /* of the day that ends */
    return midnight || (hours < 24 && minutes < 60 && seconds <= 60);
}

/* "+0200", "+02:00" or "+02", in seconds. */
static bool take_offset(struct scanner *scanner, int64_t *ret_s)
{
    uint32_t hours, minutes = 0;
    bool east = *scanner->at == '+';
    if (!take(scanner, '+') && !take(scanner, '-'))
        return false;
    if (!take_digits(scanner, 2, &hours))
        return false;
    bool colon = take(scanner, ':');
    if ((colon || isdigit((unsigned char)*scanner->at)) && !take_digits(scanner, 2, &minutes))
        return false;
    *ret_s = (int64_t)hours * 3600 + (int64_t)minutes * 60;
    if (!east)
        *ret_s = -*ret_s;
    return hours <= 14 && minutes < 60;
}

/* A name of RFC 822's, in any case; the zones of one letter were defined wrongly, and count as UTC
 * as RFC 5322 asks. */
static bool take_zone_name(struct scanner *scanner, int64_t *ret_s)
{
    static const struct {
        const char *name;
        int hours;
    } zones[] = {{"GMT", 0},  {"UTC", 0},  {"UT", 0},   {"EST", -5}, {"EDT", -4}, {"CST", -6},
                 {"CDT", -5}, {"MST", -7}, {"MDT", -6}, {"PST", -8}, {"PDT", -7}};
    size_t size = 0;
    while (isalpha((unsigned char)scanner->at[size]))
        size++;
    const char *name = scanner->at;
    scanner->at += size;
    *ret_s = 0;
    if (size == 1)
        return true;
    for (size_t i = 0; i < ARRAY_COUNT(zones); i++) {
        if (strlen(zones[i].name) == size && strncasecmp(name, zones[i].name, size) == 0) {
            *ret_s = zones[i].hours * INT64_C(3600);
            return true;
        }
    }
    return false;
}

/* ---- ISO 8601 ---------------------------------------------------------------------------------
 */

/* "10:00", "10:00:00.123", "100000": seconds of the day. */
static bool take_iso_time(struct scanner *scanner, int64_t *ret_s)
{
    uint32_t hours, minutes = 0, seconds = 0, ignored;
    if (!take_digits(scanner, 2, &hours))
        return false;
    bool colons = *scanner->at == ':';
    bool more = take(scanner, ':') || isdigit((unsigned char)*scanner->at);
    if (!more || !take_digits(scanner, 2, &minutes))
        return false;
    more = colons ? take(scanner, ':') : isdigit((unsigned char)*scanner->at) != 0;
    if (more && !take_digits(scanner, 2, &seconds))
        return false;
    if (more && (take(scanner, '.') || take(scanner, ',')) && !take_digits(scanner, 1, &ignored))
        return false;
    while (isdigit((unsigned char)*scanner->at))
        scanner->at++;
    *ret_s = (int64_t)hours * 3600 + minutes * 60 + seconds;
    return is_time(hours, minutes, seconds);
}

static bool take_iso_date(struct scanner *scanner, struct calendar_date *ret_date)
{
    *ret_date = (struct calendar_date){0, 1, 1};
    if (!take_digits(scanner, 4, &ret_date->year))
        return false;
    if (isdigit((unsigned char)*scanner->at)) /* basic: a month without a day would be ambiguous */
        return take_digits(scanner, 2, &ret_date->month) && take_digits(scanner, 2, &ret_date->day);
    if (!take(scanner, '-'))
        return true;
    if (!take_number(scanner, 1, 2, &ret_date->month))
        return false;
    return !take(scanner, '-') || take_number(scanner, 1, 2, &ret_date->day);
}

static bool parse_iso(const char *text, struct calendar_date *ret_date, int64_t *ret_s)
{
    struct scanner scanner = {text};
    int64_t offset = 0;
    *ret_s = 0;
    if (!take_iso_date(&scanner, ret_date))
        return false;
    bool time = take(&scanner, 'T') || take(&scanner, 't');
    if (!time && *scanner.at == ' ') {
        skip_spaces(&scanner);
        time = *scanner.at != '\0';
    }
    if (time && !take_iso_time(&scanner, ret_s))
        return false;
    skip_spaces(&scanner);
    bool sign = *scanner.at == '+' || *scanner.at == '-';
    bool zone = sign || isalpha((unsigned char)*scanner.at);
    if (zone &&
        (!time || !(sign ? take_offset(&scanner, &offset) : take_zone_name(&scanner, &offset))))
        return false;
    *ret_s -= offset;
    return *scanner.at == '\0';
}

/* ---- RFC 822 and its kin ----------------------------------------------------------------------
 */

struct parts {
    uint32_t day, month, year;
    bool has_day, has_year, has_time, has_zone;
    bool is_asctime; /* the month stands before the day */
    int64_t seconds;
    int64_t offset;
};

static uint32_t month_named(const char *name, size_t size)
{
    static const char *const names[] = {"january",   "february", "march",    "april",
                                        "may",       "june",     "july",     "august",
                                        "september", "october",  "november", "december"};
    for (uint32_t i = 0; i < ARRAY_COUNT(names) && size >= 3; i++) {
        if (strncasecmp(names[i], name, size) == 0)
            return i + 1;
    }
    return 0;
}

static bool is_weekday(const char *name, size_t size)
{
    static const char *const names[] = {"monday", "tuesday",  "wednesday", "thursday",
                                        "friday", "saturday", "sunday"};
    for (size_t i = 0; i < ARRAY_COUNT(names) && size >= 3; i++) {
        if (strncasecmp(names[i], name, size) == 0)
            return true;
    }
    return false;
}

static bool take_word(struct scanner *scanner, struct parts *parts)
{
    size_t size = 0;
    while (isalpha((unsigned char)scanner->at[size]))
        size++;
    uint32_t month = parts->month == 0 ? month_named(scanner->at, size) : 0;
    if (month > 0) {
        parts->month = month;
        parts->is_asctime = !parts->has_day;
        scanner->at += size;
        return true;
    }
    if (!parts->has_day && is_weekday(scanner->at, size)) {
        scanner->at += size;
        return true;
    }
    parts->has_zone = parts->has_time && !parts->has_zone;
    return parts->has_zone && take_zone_name(scanner, &parts->offset);
}

/* "10:00" or "10:00:00", behind its hours. */
static bool take_time(struct scanner *scanner, uint32_t hours, struct parts *parts)
{
    uint32_t minutes, seconds = 0;
    if (parts->has_time || !take(scanner, ':') || !take_number(scanner, 1, 2, &minutes) ||
        (take(scanner, ':') && !take_number(scanner, 1, 2, &seconds)))
        return false;
    parts->has_time = true;
    parts->seconds = (int64_t)hours * 3600 + minutes * 60 + seconds;
    return is_time(hours, minutes, seconds);
}

/* RFC 5322, 4.3: two digits below 50 are of this century. */
static uint32_t whole_year(uint32_t year, bool two_digits)
{
    return !two_digits ? year : year < 50 ? year + 2000 : year + 1900;
}

static bool take_figure(struct scanner *scanner, struct parts *parts)
{
    const char *start = scanner->at;
    uint32_t number;
    if (!take_number(scanner, 1, 4, &number))
        return false;
    size_t digits = (size_t)(scanner->at - start);
    if (*scanner->at == ':' && digits <= 2)
        return take_time(scanner, number, parts);
    if (!parts->has_day && digits <= 2) {
        parts->has_day = true;
        parts->day = number;
        return true;
    }
    if (parts->has_year || digits == 1 || digits == 3)
        return false;
    parts->has_year = true;
    parts->year = whole_year(number, digits == 2);
    return true;
}

static bool take_part(struct scanner *scanner, struct parts *parts)
{
    char c = *scanner->at;
    bool sign = c == '+' || c == '-';
    if (sign && parts->has_time && !parts->has_zone && parts->has_year) {
        parts->has_zone = true;
        return take_offset(scanner, &parts->offset);
    }
    if (isdigit((unsigned char)c))
        return take_figure(scanner, parts);
    if (isalpha((unsigned char)c))
        return take_word(scanner, parts);
    scanner->at++;
    return isspace((unsigned char)c) || c == ',' || c == '-' || c == '.';
}

/* A comment behind the zone, "(CET)", says nothing more. */
static bool parse_mail(const char *text, struct calendar_date *ret_date, int64_t *ret_s)
{
    struct scanner scanner = {text};
    struct parts parts = {0};
    while (*scanner.at != '\0' && !(*scanner.at == '(' && parts.has_zone)) {
        if (!take_part(&scanner, &parts))
            return false;
    }
    if (parts.has_time && !parts.has_zone && !parts.is_asctime)
        return false;
    *ret_date = (struct calendar_date){parts.year, parts.month, parts.day};
    *ret_s = parts.seconds - parts.offset;
    return parts.has_day && parts.has_year;
}

/* ---- the whole --------------------------------------------------------------------------------
 */

bool date_parse(const char *text, size_t size, int64_t *ret_unix_us)
{
    char copy[DATE_BYTES_MAX + 1];
    struct calendar_date date;
    int64_t seconds;
    int32_t day;
    while (size > 0 && isspace((unsigned char)*text)) {
        text++;
        size--;
    }
    while (size > 0 && isspace((unsigned char)text[size - 1]))
        size--;
    if (size == 0 || size > DATE_BYTES_MAX)
        return false;
    memcpy(copy, text, size);
    copy[size] = '\0';
    if (strlen(copy) != size ||
        (!parse_iso(copy, &date, &seconds) && !parse_mail(copy, &date, &seconds)))
        return false;
    if (!calendar_day_of(date, &day))
        return false;
    *ret_unix_us = day * CALENDAR_DAY_US + seconds * 1000000;
    return true;
}
