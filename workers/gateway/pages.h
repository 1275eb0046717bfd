/*
 * The pages that people see, each from a plain answer. They work without JavaScript; what script
 * there is stands in /static/, and nothing is styled or run inline, so that the content security
 * policy can forbid it.
 */
#ifndef TIERCE_GATEWAY_PAGES_H
#define TIERCE_GATEWAY_PAGES_H

#include <stdbool.h>
#include <stdint.h>

#include "gateway/html.h"
#include "gateway/http_response.h"
#include "gateway/service.h"

/* Names the bytes in proxy/static, which browsers may keep for ever under one name; a test says
 * what it must be when they change. */
#define PAGE_STATIC_TAG "b6821a037f5c80f1"

/* What every page shows around its own matter. */
struct page_frame {
    const char *instance_name; /* in the title and beside the mark */
    bool is_admin;
};

/* settings  may be NULL: out of memory. */
struct page_frame page_frame_of(const Wire__GatewaySettings *settings, bool is_admin);

/* Sets the content type and the headers that every page has: the content security policy. */
void page_begin_response(struct http_response *response);

/* documents  how many pages are indexed in all. */
void page_home(struct html *html, const struct page_frame *frame, uint64_t documents);
void page_results(struct html *html, const struct page_frame *frame,
                  const struct search_answer *answer, uint64_t documents);
/* answer  NULL: nothing was asked yet. */
void page_backlinks(struct html *html, const struct page_frame *frame,
                    const struct backlinks_answer *answer, unsigned page, unsigned size);
/* why  what was asked about one URL; NULL: nothing was. why_problem  why that failed, or NULL. */
void page_admin(struct html *html, const struct page_frame *frame, const Wire__Stats *stats,
                const Wire__LookupReply *why, const char *why_problem);
/* The same on a page of its own. */
void page_why(struct html *html, const struct page_frame *frame, const char *asked,
              const Wire__LookupReply *why, const char *why_problem);
/* Where a one-time link leads once it has set the cookie: goes on to /admin by itself. */
void page_login_done(struct html *html, const struct page_frame *frame);
/* How to come by a log-in link. */
void page_login_needed(struct html *html, const struct page_frame *frame);
void page_problem(struct html *html, const struct page_frame *frame, const char *title,
                  const char *detail);

/* ---- parts that pages share (pages_layout.c) ---- */
/* From the doctype to the open <main>. `query` fills the search box in the header; NULL: the page
 * has no header. */
struct page_head {
    const char *title; /* "": the instance's name alone */
    const char *query;
    const char *body_class; /* a literal */
    bool is_live;           /* the admin page: its script, and a refresh for browsers without */
    bool goes_to_admin;     /* at once */
};
void page_open(struct html *html, const struct page_frame *frame, const struct page_head *head);
void page_close(struct html *html);

/* Asks why a page is found, or not; and the answer. */
void page_why_form(struct html *html, const char *url);
void page_stages(struct html *html, const Wire__LookupReply *why);

/* The search form. */
void page_search_form(struct html *html, const char *query, bool has_focus);

/* "1 page", "2,000 pages" */
#define page_count(html, count, one, many)                                                         \
    (html_grouped_number((html), (count)),                                                         \
     (count) == 1 ? html_markup((html), " " one) : html_markup((html), " " many))

/* Links to the other pages of a list, `value` being the query or the URL that it answers. Writes
 * nothing where there is one page only. */
enum page_list {
    PAGE_LIST_RESULTS,
    PAGE_LIST_ALL_RESULTS, /* those with the same text, too */
    PAGE_LIST_BACKLINKS,
};
void page_pagination(struct html *html, enum page_list list, const char *value, unsigned page,
                     unsigned last_page);

#endif
