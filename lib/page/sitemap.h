/*
 * Sitemaps (sitemaps.org's protocol 0.9): which pages a site has, and when they changed. As XML
 * with its extensions, as an index of other sitemaps, and as text.
 */
#ifndef TIERCE_PAGE_SITEMAP_H
#define TIERCE_PAGE_SITEMAP_H

#include <stdbool.h>
#include <stddef.h>

#include "base/error.h"
#include "page/hints.h"

/*
 * Reads XML whose root is <urlset> or <sitemapindex>, as far as it goes. Namespaces may be wrong or
 * missing. Of what extensions say, the title and date of news count; images, videos and versions in
 * other languages are no pages of the list.
 *
 * text  UTF-8.
 *
 * Returns STATUS_OK or STATUS_NO_MEMORY; hints->cut where a limit ended it.
 */
enum status sitemap_read_xml(const char *text, size_t size, struct hints *hints, struct error *err);

/*
 * Whether a text is a sitemap: an absolute URL on every line that is not empty, or, where `lenient`
 * (its name says that it is one), on most.
 */
bool sitemap_is_text(const char *text, size_t size, bool lenient);

/* Reads a URL on each line; other lines are passed over. Fails as above. */
enum status sitemap_read_text(const char *text, size_t size, struct hints *hints,
                              struct error *err);

#endif
