/* What a page asks of crawlers: <meta name="robots"> and the X-Robots-Tag header. */
#ifndef TIERCE_PAGE_DIRECTIVES_H
#define TIERCE_PAGE_DIRECTIVES_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum { DIRECTIVES_WORDS_MAX = 256 }; /* of where something was asked */

/* Zeroed but for `now_us`. */
struct directives {
    int64_t now_us; /* since 1970: what is unavailable after an earlier time is not to be indexed */
    bool noindex;
    bool nofollow;
    bool noarchive;
    bool nosnippet;
    int32_t max_snippet;                   /* characters, > 0; 0: no limit */
    int64_t unavailable_after_us;          /* since 1970; 0: not said */
    char noindex_by[DIRECTIVES_WORDS_MAX]; /* where it was asked first; "" where it was not */
    char nofollow_by[DIRECTIVES_WORDS_MAX];
};

/* Our name in robots.txt, in <meta name="tierce"> and in "X-Robots-Tag: tierce: noindex". */
#define DIRECTIVES_AGENT "tierce"

/*
 * Adds what a <meta>'s list such as "noindex, max-snippet:50" asks, where its name is "robots" or
 * ours; what is asked twice adds up, and of several limits the strictest holds.
 */
void directives_add_meta(struct directives *directives, const char *name, const char *list);

/* Adds what X-Robots-Tag values ask of all crawlers or of us, one value to a line. */
void directives_add_headers(struct directives *directives, const char *lines);

#endif
