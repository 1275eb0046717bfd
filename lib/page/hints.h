/* What sitemaps and feeds say of pages, gathered. */
#ifndef TIERCE_PAGE_HINTS_H
#define TIERCE_PAGE_HINTS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/arena.h"
#include "crawl/url.h"

enum {
    HINTS_MAX = 50000,                  /* of one sitemap, as its protocol has it */
    HINTS_BYTES_MAX = 16 * 1024 * 1024, /* of all their URLs and titles */
    HINT_TITLE_BYTES_MAX = 1024,
};

struct page_hint {
    const char *url;     /* normal form, http or https */
    const char *title;   /* of a feed's item; "" where there is none */
    int64_t modified_us; /* since 1970; 0: not said */
};

struct hints {
    struct arena *arena;    /* borrowed: owns what is gathered */
    const struct url *base; /* borrowed: of relative URLs */
    struct page_hint *list;
    size_t count;
    size_t bytes;
    bool cut;    /* there were more than the limits allow */
    bool failed; /* memory ran out */
    /* private */
    size_t room;
    struct arena scratch;
};

void hints_init(struct hints *hints, const struct url *base, struct arena *arena);
/* Frees what gathering took; the list stays. */
void hints_release(struct hints *hints);

struct text_piece {
    const char *text;
    size_t size;
};

/* Adds a page; what is no URL of the web is passed over. False: no more can be added. */
bool hints_add(struct hints *hints, struct text_piece url, struct text_piece title,
               int64_t modified_us);

#endif
