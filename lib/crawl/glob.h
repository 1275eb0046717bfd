/*
 * Patterns with wildcards for the path and query of a URL: * is any run without a '/', ** any run,
 * ? one character but '/'. Two stars between slashes stand for nothing too, one of the slashes with
 * them. A \ takes the next character as it is. All of the text must match.
 *
 * The pattern is walked as the set of places that it may have reached, so that no pattern needs
 * more than its size for each byte of the text.
 */
#ifndef TIERCE_CRAWL_GLOB_H
#define TIERCE_CRAWL_GLOB_H

#include <stdbool.h>
#include <stddef.h>

#include "base/error.h"

enum { GLOB_BYTES_MAX = 1000 }; /* of a pattern as it is written */

struct glob;

/* Literal characters are brought to the normal form of URLs. STATUS_INVALID or STATUS_TOO_LARGE
 * with words. */
enum status glob_new(const char *pattern, struct glob **ret_glob, struct error *err);
void glob_free(struct glob *glob); /* accepts NULL */

/*
 * Whether all of the text matches.
 *
 * steps  how many places of the pattern may still be looked at, over all calls: less afterwards,
 * and 0 where they did not suffice; what is returned then means nothing.
 */
bool glob_matches(const struct glob *glob, const char *text, size_t size, unsigned *steps);

#endif
