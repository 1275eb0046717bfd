/* What brings URLs: submissions, links, redirects. */
#ifndef TIERCE_INDEXSERVER_FOUND_H
#define TIERCE_INDEXSERVER_FOUND_H

#include "indexserver/scope.h"
#include "indexserver/urls.h"

/* Where a URL was found. */
struct finding {
    uint32_t index; /* in the entry */
    uint32_t depth;
    uint8_t redirects;
    uint8_t origin; /* Log__Origin; 0: a link */
    int64_t due_ms;
    const char *from; /* the URL that redirects here; NULL: none does */
    bool is_link;     /* a page led here, and nobody else named it: it may be a trap (traps.h) */
};

/* A URL that was not known, or that the owner had removed, waits to be fetched. */
void found_make_known(struct change *change, struct url_entry *entry, const struct source *source,
                      const struct finding *finding);

/* Whether a source would note a URL found so, which is brought to its spelling. */
bool found_would_take(struct scope *scope, struct url *url, const struct finding *finding,
                      struct arena *arena);

/* A link or the like: noted where it is new and a source wants it. `ret_entry` may be NULL; NULL is
 * given where no source wants it. */
enum status found_url(struct change *change, const char *text, const struct finding *finding,
                      struct url_entry **ret_entry, struct error *err);

/* The sitemaps that a robots.txt names. */
enum status found_by_robots(struct change *change, const Log__Robots *robots, struct error *err);

enum status found_by_submit(struct change *change, const Log__Submit *submit, struct error *err);

#endif
