/*
 * When a page was published and when it was changed, by what it says of itself: <meta>, JSON-LD
 * (schema.org), <time>, and as the last resort its URL.
 */
#ifndef TIERCE_PAGE_PAGE_DATES_H
#define TIERCE_PAGE_PAGE_DATES_H

#include <gumbo.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum { PAGE_DATES_JSON_BYTES_MAX = 256 * 1024 }; /* of one JSON-LD script; longer ones are cut */

enum page_date_source { /* a later one is believed before an earlier one */
                        PAGE_DATE_NONE,
                        PAGE_DATE_URL,
                        PAGE_DATE_TIME,      /* the first <time> of the content */
                        PAGE_DATE_TIME_SAID, /* a <time> that says what it is the time of */
                        PAGE_DATE_JSON,
                        PAGE_DATE_META_OLD, /* <meta name=date> and such, which say of which date
                                               they speak less well */
                        PAGE_DATE_META
};

struct page_date {
    int64_t unix_us; /* 0: not known */
    enum page_date_source source;
    unsigned depth; /* of JSON-LD: the outer thing is the page, inner ones are comments and such */
};

/* Zero it, and set `now_us`. Of several dates from the same source the first is kept. */
struct page_dates {
    int64_t now_us; /* later dates are of what is yet to come, not of the page; 0: not looked at */
    struct page_date published;
    struct page_date modified;
};

/* A <meta>'s name, property, itemprop or http-equiv, which may be NULL, and its content. */
void page_dates_add_meta(struct page_dates *dates, const char *name, const char *content);

/* The text of a <script type="application/ld+json">, whether or not it is right JSON. */
void page_dates_add_json(struct page_dates *dates, const char *text, size_t size);

/* A <time>, or another element that has an itemprop. `in_content`: not in the page's frame. */
void page_dates_add_time(struct page_dates *dates, const GumboElement *element, bool in_content);

/* The path of the page's URL: "/2024/05/31/title", "/2024-05-31-title". */
void page_dates_add_url(struct page_dates *dates, const char *path);

#endif
