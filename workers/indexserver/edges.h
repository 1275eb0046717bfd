/* Links between pages, as differences from one version of a page to the next. */
#ifndef TIERCE_INDEXSERVER_EDGES_H
#define TIERCE_INDEXSERVER_EDGES_H

#include "indexserver/views.h"

/*
 * Makes the links of `page` the edges of `source`; NULL: it has none any more. What differs from
 * before goes into the feed at change->sequence; *ret_bytes grows by what that takes.
 *
 * is_private  the page was fetched from a private address: who may not see it may not see its
 * links.
 */
enum status edges_replace(struct change *change, const char *source, const Page__Page *page,
                          bool is_private, size_t *ret_bytes, struct error *err);

/* An edge's item in the feed: key and value behind sequence, slot and kind. */
enum { EDGE_NOFOLLOW = 1, EDGE_DROPPED = 2, EDGE_PRIVATE = 4 };

#endif
