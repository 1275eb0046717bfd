/* Dates as sitemaps, feeds and directives write them: many forms, and many mistakes. */
#ifndef TIERCE_PAGE_DATE_H
#define TIERCE_PAGE_DATE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum { DATE_BYTES_MAX = 64 }; /* longer texts are none */

/*
 * Reads a point in time, with white space around it:
 * - W3C's profile of ISO 8601, from "2005" to "2005-01-02T03:04:05.678+01:00", and its basic form
 *   without hyphens and colons; without a zone it is UTC, without a day or month the first;
 * - RFC 822 and 5322 ("Wed, 02 Oct 2002 13:00:00 GMT", weekday and seconds at will, years of two
 *   digits, "+0200" or a name of theirs as the zone), RFC 850 ("Sunday, 06-Nov-94 08:49:37 GMT")
 *   and C's asctime(), whose time is UTC. The others need a zone where they have a time.
 *
 * ret_unix_us  microseconds since 1970; untouched where it is no date.
 */
bool date_parse(const char *text, size_t size, int64_t *ret_unix_us);

#endif
