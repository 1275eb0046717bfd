/*
 * Regular expressions (PCRE2) that cannot run away: every step that a match takes is counted, over
 * all places of the text at which it is tried, so that an expression that backtracks without end
 * gives up after a stated number of them. (PCRE2's own limit begins anew at each place.)
 */
#ifndef TIERCE_CRAWL_SCOPE_REGEX_H
#define TIERCE_CRAWL_SCOPE_REGEX_H

#include <stdbool.h>
#include <stddef.h>

#include "base/error.h"

struct scope_regex; /* for one thread at a time */

/* ret_at  of STATUS_INVALID: how many bytes into the pattern the mistake stands. */
enum status scope_regex_new(const char *pattern, struct scope_regex **ret_regex, size_t *ret_at,
                            struct error *err);
void scope_regex_free(struct scope_regex *regex); /* accepts NULL */

/* Whether it is found anywhere in the text. `steps` as in glob_matches(). */
bool scope_regex_matches(struct scope_regex *regex, const char *text, size_t size, unsigned *steps);

#endif
