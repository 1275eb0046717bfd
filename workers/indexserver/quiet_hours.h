/* Times of the day at which nothing of a source is fetched, by the machine's clock. */
#ifndef TIERCE_INDEXSERVER_QUIET_HOURS_H
#define TIERCE_INDEXSERVER_QUIET_HOURS_H

#include <stddef.h>
#include <stdint.h>

#include "log.pb-c.h"

/*
 * When the quiet hours end in which this moment lies, Unix ms; 0: in none. Hours that follow each
 * other are one; so many that no minute of the day is left end after a day, to be looked at again.
 */
int64_t quiet_hours_end_ms(Log__QuietHours *const *hours, size_t count, int64_t unix_ms);

#endif
