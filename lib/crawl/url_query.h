/*
 * What of a URL only says who came and from where: tracking parameters (utm_source, fbclid) and
 * session numbers (PHPSESSID, ;jsessionid=). Dropped, a page has one URL instead of many.
 * docs/urls.md lists them.
 */
#ifndef TIERCE_CRAWL_URL_QUERY_H
#define TIERCE_CRAWL_URL_QUERY_H

#include <stdbool.h>
#include <stddef.h>

#include "base/arena.h"
#include "base/error.h"
#include "crawl/url.h"

enum url_query_policy {
    URL_QUERY_KEEP,        /* but for tracking and sessions */
    URL_QUERY_DROP_LISTED, /* these, and the names given */
    URL_QUERY_DROP_ALL,    /* the whole query, and sessions of the path */
    URL_QUERY_KEEP_ALL,    /* nothing is dropped */
};

enum { URL_QUERY_NAME_BYTES_MAX = 100 };

struct url_query_rule {
    enum url_query_policy policy;
    char *const *names; /* of URL_QUERY_DROP_LISTED; one that ends in * is a beginning */
    size_t name_count;
};

/*
 * Brings a URL to the form in which the policy lets it in. What stays keeps its order and spelling.
 *
 * ret_url      may be `url`. In the arena; the same strings where nothing is dropped.
 * ret_changed  whether anything was; may be NULL.
 *
 * Returns STATUS_OK or STATUS_NO_MEMORY.
 */
enum status url_query_apply(const struct url *url, const struct url_query_rule *rule,
                            struct arena *arena, struct url *ret_url, bool *ret_changed,
                            struct error *err);

#endif
