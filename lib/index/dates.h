/*
 * Days as keys: a document has one for its day, one for that month and one for that year, so that
 * the documents of any range of days are those of few keys.
 */
#ifndef TIERCE_INDEX_DATES_H
#define TIERCE_INDEX_DATES_H

#include <stdint.h>

#include "base/arena.h"
#include "text/analyze.h"

#define DATE_DAY_END  84006 /* 2200-01-01, counted from 1970-01-01: days lie before it */
#define DATE_RUNS_MAX 5
#define DATE_KEY_MAX  9 /* bytes: KEY_DAY and "20240501" */

/* Keys that follow each other, from the first to the last. */
struct date_run {
    uint8_t first[DATE_KEY_MAX];
    uint8_t last[DATE_KEY_MAX];
    uint32_t key_size;
};

/* The key of a day (KEY_DAY), or of the month or year in which it lies. Returns its size. */
uint32_t date_key(uint8_t kind, uint32_t day, uint8_t ret_key[DATE_KEY_MAX]);

/*
 * The keys that together have the days from `begin` to before `end`, each once: days up to the next
 * month, months up to the next year, years, and so on down. Returns how many runs there are.
 */
uint32_t date_runs(uint32_t begin, uint32_t end, struct date_run ret_runs[DATE_RUNS_MAX]);

/*
 * Reads "2024", "2024-5", "2024-05-01" (a slash or a point will do, too) as the first day of it,
 * which is brought within 0 to DATE_DAY_END. False: it is no date.
 */
bool date_parse(struct text_slice text, uint32_t *ret_day);
/* "2024-05-01", in the arena; NULL: no memory. */
char *date_text(uint32_t day, struct arena *arena);

#endif
