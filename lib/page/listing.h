/* Bodies that list pages instead of being one: which are sitemaps and feeds, and what they say. */
#ifndef TIERCE_PAGE_LISTING_H
#define TIERCE_PAGE_LISTING_H

#include <stdbool.h>
#include <stddef.h>

#include "base/error.h"
#include "crawl/url.h"
#include "page/hints.h"

enum listing {
    LISTING_NONE,
    LISTING_SITEMAP,
    LISTING_SITEMAP_INDEX, /* of other sitemaps */
    LISTING_SITEMAP_TEXT,
    LISTING_FEED, /* XML */
    LISTING_FEED_JSON,
};

/*
 * By what stands in it, whatever type it was sent with.
 *
 * text  UTF-8, without a byte order mark.
 * url   where it came from: a text whose name says "sitemap" need not consist of URLs only.
 */
enum listing listing_find(const char *text, size_t size, const struct url *url);

/* STATUS_OK, STATUS_INVALID (a JSON feed that is none) or STATUS_NO_MEMORY. */
enum status listing_read(enum listing listing, const char *text, size_t size, struct hints *hints,
                         struct error *err);

#endif
