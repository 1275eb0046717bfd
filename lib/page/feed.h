/* Feeds: RSS 0.9 to 2.0, Atom, JSON Feed. Which pages are new on a site. */
#ifndef TIERCE_PAGE_FEED_H
#define TIERCE_PAGE_FEED_H

#include <stddef.h>

#include "base/error.h"
#include "page/hints.h"

/*
 * Reads XML whose root is <rss>, <rdf:RDF> or <feed>, as far as it goes. Of an item count: the link
 * to its page (of several the first that leads to a page for people), else an identifier that is a
 * URL; the newest kind of date that it has; its title.
 *
 * text  UTF-8.
 *
 * Returns STATUS_OK or STATUS_NO_MEMORY; hints->cut where a limit ended it.
 */
enum status feed_read_xml(const char *text, size_t size, struct hints *hints, struct error *err);

/* The same of a JSON Feed (jsonfeed.org, versions 1 and 1.1). STATUS_INVALID: it is none. */
enum { FEED_JSON_BYTES_MAX = 4 * 1024 * 1024 };
enum status feed_read_json(const char *text, size_t size, struct hints *hints, struct error *err);

/* Loads what feed_read_json() would set up, from a file, at its first call. */
void feed_load(void);

#endif
