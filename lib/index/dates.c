#include "index/dates.h"

#include <stdio.h>
#include <string.h>

#include "base/calendar.h"
#include "index/segment.h"

uint32_t date_key(uint8_t kind, uint32_t day, uint8_t ret_key[DATE_KEY_MAX])
{
    struct calendar_date date = calendar_date_of((int32_t)day);
    char digits[32];
    snprintf(digits, sizeof(digits), "%04u%02u%02u", date.year, date.month, date.day);
    uint32_t size = kind == KEY_YEAR ? 4 : kind == KEY_MONTH ? 6 : 8;
    ret_key[0] = kind;
    memcpy(ret_key + 1, digits, size);
    return size + 1;
}

/* ---- ranges ---- */

/* The day behind the month or the year in which a day lies. */
static uint32_t month_end(struct calendar_date date)
{
    int32_t day = 0;
    bool is_last = date.month == 12;
    calendar_day_of((struct calendar_date){date.year + is_last, is_last ? 1 : date.month + 1, 1},
                    &day);
    return (uint32_t)day;
}

static uint32_t year_end(struct calendar_date date)
{
    int32_t day = 0;
    calendar_day_of((struct calendar_date){date.year + 1, 1, 1}, &day);
    return (uint32_t)day;
}

/* The largest unit that begins with a day and ends by `end`. */
static uint8_t unit_at(uint32_t day, uint32_t end, uint32_t *ret_end)
{
    struct calendar_date date = calendar_date_of((int32_t)day);
    if (date.day == 1 && date.month == 1 && year_end(date) <= end) {
        *ret_end = year_end(date);
        return KEY_YEAR;
    }
    if (date.day == 1 && month_end(date) <= end) {
        *ret_end = month_end(date);
        return KEY_MONTH;
    }
    *ret_end = day + 1;
    return KEY_DAY;
}

uint32_t date_runs(uint32_t begin, uint32_t end, struct date_run ret_runs[DATE_RUNS_MAX])
{
    uint32_t count = 0;
    for (uint32_t day = begin, next; day < end; day = next) {
        uint8_t kind = unit_at(day, end, &next);
        if (count == 0 || ret_runs[count - 1].first[0] != kind) {
            struct date_run *run = &ret_runs[count++];
            run->key_size = date_key(kind, day, run->first);
        }
        date_key(kind, day, ret_runs[count - 1].last);
    }
    return count;
}

/* ---- as typed ---- */

/* At most `digits` digits, at least one; a separator behind them is taken, too. */
static bool take_part(struct text_slice *text, size_t digits, uint32_t *ret_number)
{
    uint32_t number = 0;
    size_t size = 0;
    for (;
         size < text->size && size < digits && text->bytes[size] >= '0' && text->bytes[size] <= '9';
         size++)
        number = number * 10 + (uint32_t)(text->bytes[size] - '0');
    if (size == 0)
        return false;
    text->bytes += size;
    text->size -= size;
    if (text->size > 1 && strchr("-/.", text->bytes[0]) != NULL && text->bytes[0] != '\0') {
        text->bytes++;
        text->size--;
    }
    *ret_number = number;
    return true;
}

bool date_parse(struct text_slice text, uint32_t *ret_day)
{
    struct calendar_date date = {0, 1, 1};
    int32_t day;
    const char *start = text.bytes;
    if (!take_part(&text, 4, &date.year) || text.bytes - start < 4)
        return false;
    if ((text.size > 0 && !take_part(&text, 2, &date.month)) ||
        (text.size > 0 && !take_part(&text, 2, &date.day)) || text.size > 0 ||
        !calendar_day_of(date, &day))
        return false;
    if (day < 0)
        day = 0;
    *ret_day = day > DATE_DAY_END ? DATE_DAY_END : (uint32_t)day;
    return true;
}

char *date_text(uint32_t day, struct arena *arena)
{
    struct calendar_date date = calendar_date_of((int32_t)day);
    return arena_format(arena, "%04u-%02u-%02u", date.year, date.month, date.day);
}
