/*
 * robots.txt by RFC 9309: what a site allows one crawler to fetch, and which line says so.
 */
#ifndef TIERCE_CRAWL_ROBOTS_H
#define TIERCE_CRAWL_ROBOTS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/arena.h"
#include "base/error.h"

enum {
    ROBOTS_BYTES_MAX =
        500 * 1024,            /* what is read of a file; the rest is ignored, as the RFC says */
    ROBOTS_SITEMAPS_MAX = 500, /* Sitemap lines kept */
};

struct robots; /* opaque: the rules for one crawler, in the arena */

struct robots_verdict {
    bool allowed;
    uint32_t line;    /* of the rule that decided, from 1; 0: no rule matched */
    const char *rule; /* that line as it stands, such as "Disallow: /private"; "" for none */
};

/*
 * Reads a robots.txt for the crawler whose product token is `agent` ("tierce"): the rules of all
 * groups that name it, or else of all groups for "*". Any bytes make a file; only memory can fail.
 *
 * bytes  borrowed during the call only. Bytes behind ROBOTS_BYTES_MAX are ignored.
 * arena  owns the result.
 */
enum status robots_parse(const void *bytes, size_t size, const char *agent, struct arena *arena,
                         struct robots **ret_robots, struct error *err);

/*
 * May `target` be fetched: the path and query of a URL, as struct url has it. The longest matching
 * rule decides, an allow wins a tie, "/robots.txt" itself is always allowed.
 */
void robots_check(const struct robots *robots, const char *target,
                  struct robots_verdict *ret_verdict);

/* The Crawl-delay for the crawler, in milliseconds; -1 where none is given. Not capped. */
int64_t robots_crawl_delay_ms(const struct robots *robots);

/* The Sitemap lines of the whole file, as written: not yet checked to be URLs. */
size_t robots_sitemap_count(const struct robots *robots);
const char *robots_sitemap(const struct robots *robots, size_t index);

#endif
