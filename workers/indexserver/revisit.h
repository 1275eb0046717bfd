/*
 * How long a page is left alone. A page that changed since the last look is looked at sooner, one
 * that did not is looked at later, within bounds: AdaptiveFetchSchedule of Apache Nutch, with
 * factors under which a page settles where every second look finds a change (docs/decisions/).
 *
 * Pure. What is decided goes into the log with the fetch, so that a replay, in which earlier
 * fetches are forgotten, comes to the same.
 */
#ifndef TIERCE_INDEXSERVER_REVISIT_H
#define TIERCE_INDEXSERVER_REVISIT_H

#include "indexserver/url_state.h"

/* What came of looking at it. */
enum revisit_finding {
    REVISIT_NEW,       /* nothing was held to compare it with */
    REVISIT_CHANGED,   /* the text is another */
    REVISIT_UNCHANGED, /* 304, or the same text */
    REVISIT_MOVED,     /* for good: looked at rarely from now on */
};

struct revisit_bounds {
    uint32_t first_s; /* before anything is known */
    uint32_t min_s;
    uint32_t max_s; /* >= min_s */
};

enum {
    REVISIT_DEFAULT_S = 7 * 24 * 3600,
    REVISIT_SPAN = 8,    /* bounds that nobody gave: an eighth of the crawl's interval, and eight */
    REVISIT_LISTING = 8, /* a sitemap or a feed is looked at so many times as often as a page */
};

/*
 * recrawl_s       the crawl's own interval; 0: REVISIT_DEFAULT_S
 * min_s, max_s    the source's; 0: not given
 * listing         of a sitemap or a feed
 */
struct revisit_bounds revisit_bounds(uint32_t recrawl_s, uint32_t min_s, uint32_t max_s,
                                     bool listing);

/* The next interval, of a URL that was left alone `interval_s` (0: never fetched) until now. */
uint32_t revisit_next(const struct revisit_bounds *bounds, uint32_t interval_s,
                      enum revisit_finding finding);

#endif
