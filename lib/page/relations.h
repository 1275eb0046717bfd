/*
 * What a page says of other URLs by their relation to it, in <link> elements and in Link headers:
 * its canonical URL, its versions in other languages, its feeds, what comes before and after it.
 */
#ifndef TIERCE_PAGE_RELATIONS_H
#define TIERCE_PAGE_RELATIONS_H

#include <stdbool.h>
#include <stddef.h>

#include "base/arena.h"
#include "crawl/url.h"

enum {
    RELATIONS_ALTERNATES_MAX = 500,
    RELATIONS_FEEDS_MAX = 20,
    RELATIONS_NEIGHBOURS_MAX = 20,
    RELATIONS_LANGUAGE_BYTES_MAX = 35,
};

struct page_alternate {
    const char *language; /* in lower case; "x-default" */
    const char *url;      /* normal form */
};

/* Zeroed but for the arena, which is borrowed and owns all the strings and lists. */
struct relations {
    struct arena *arena;
    const char *canonical; /* NULL: none */
    bool canonicals_differ;
    struct page_alternate *alternates;
    size_t alternate_count;
    const char **feeds;
    size_t feed_count;
    const char **neighbours; /* rel=next and prev */
    size_t neighbour_count;
    bool failed; /* memory ran out */
};

/* As written; every string may be NULL but `rel`. */
struct relation {
    const char *rel;
    const char *href;
    size_t href_size;
    const char *hreflang;
    const char *type;
};

/* Takes what counts of it. What is no URL of the web, or says nothing of the page, is left out. */
void relations_add(struct relations *relations, const struct relation *relation,
                   const struct url *base);

/* The same of Link values, one to a line; `lines` may be NULL. `url` is the page's own. */
void relations_add_headers(struct relations *relations, const char *lines, const struct url *url);

/* The canonical URL; "" where there is none, or where several contradict each other. */
const char *relations_canonical(const struct relations *relations);

#endif
