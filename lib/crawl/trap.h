/*
 * Sites that never end: calendars, sorted and filtered lists, relative links that go round. A URL
 * can tell by its shape; else its pattern, which many URLs share, is what a crawler can count by.
 */
#ifndef TIERCE_CRAWL_TRAP_H
#define TIERCE_CRAWL_TRAP_H

#include <stdbool.h>

#include "base/buffer.h"
#include "crawl/url.h"

enum {
    TRAP_PARTS_MAX = 32,      /* of a path */
    TRAP_PARAMETERS_MAX = 16, /* of a query */
    TRAP_SEQUENCE_MAX = 8,    /* parts of a path that are looked for as coming again and again */
    TRAP_TIMES = 3,           /* in a row: "/a/b/a/b/a/b" */
    TRAP_TIMES_APART = 5,     /* the same part, wherever it stands */
};

/* Why no page of a site is likely to have such a URL, in words for the operator; NULL: one may. */
const char *trap_shape(const struct url *url);

/*
 * Appends what the URL has in common with its like: the path with its numbers as 0 (hexadecimal
 * ones of eight digits and more, too), and the sorted names of its parameters, "/list/0?page&sort".
 * false: it has neither number nor parameter, and is its own pattern.
 */
bool trap_pattern(const struct url *url, struct buffer *ret_pattern);

#endif
