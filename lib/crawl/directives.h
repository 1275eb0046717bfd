/* What a page asks of crawlers: <meta name="robots"> and the X-Robots-Tag header. */
#ifndef TIERCE_CRAWL_DIRECTIVES_H
#define TIERCE_CRAWL_DIRECTIVES_H

#include <stdbool.h>
#include <stddef.h>

struct directives {
    bool noindex;
    bool nofollow;
    bool noarchive;
    bool nosnippet;
};

/* Our name in robots.txt, in <meta name="tierce"> and in "X-Robots-Tag: tierce: noindex". */
#define DIRECTIVES_AGENT "tierce"

/* Adds what a list such as "noindex, nofollow" asks; what is asked twice adds up. */
void directives_add(struct directives *directives, const char *list, size_t size);

/* Adds what X-Robots-Tag values ask of all crawlers or of us, one value to a line. */
void directives_add_headers(struct directives *directives, const char *lines);

#endif
