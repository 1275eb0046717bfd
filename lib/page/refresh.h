/* Where a page sends its readers by itself: <meta http-equiv="refresh"> and the Refresh header. */
#ifndef TIERCE_PAGE_REFRESH_H
#define TIERCE_PAGE_REFRESH_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* A page that is left after so many seconds or fewer is a redirect; after more it was to be read.
 */
enum { REFRESH_REDIRECT_SECONDS_MAX = 10 };

struct refresh {
    uint32_t seconds;
    const char *url; /* as written, not terminated; borrowed from the value */
    size_t url_size; /* 0: the page itself again */
};

/*
 * Reads "5; url=next.html" by HTML's shared declarative refresh steps; false: it is none, and
 * browsers do nothing.
 */
bool refresh_parse(const char *value, struct refresh *ret_refresh);

#endif
