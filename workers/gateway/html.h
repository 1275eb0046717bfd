/*
 * HTML that is escaped by construction: a page is written through these functions only, and the
 * only raw markup among them comes from string literals. Text from anywhere else (queries, titles,
 * URLs, names, words of an error) goes through one that escapes it for the place where it stands.
 *
 * Nothing fails here: a page that outgrew its limit is found by html_failed() at the end.
 */
#ifndef TIERCE_GATEWAY_HTML_H
#define TIERCE_GATEWAY_HTML_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/buffer.h"

struct html {
    struct buffer *bytes; /* borrowed; only html.c writes to it while the page is being written */
};

/* Markup known at compile time: anything but a string literal does not compile. */
#define html_markup(html, literal) html_markup_bytes((html), "" literal "", sizeof(literal) - 1)
void html_markup_bytes(struct html *html, const char *literal, size_t size); /* by the macro only */

/* Text between tags, or inside a quoted attribute: & < > " ' are written as entities, bytes that
 * are not UTF-8 as U+FFFD, control characters as spaces. */
void html_text(struct html *html, const char *text);
void html_text_bytes(struct html *html, const char *text, size_t size);

/* ` name="value"`, the name a literal. */
#define html_attribute(html, name, value)                                                          \
    (html_markup((html), " " name "=\""), html_text((html), (value)), html_markup((html), "\""))

/* A value in a query string, inside a quoted attribute: everything but letters, digits and -._~ is
 * percent-encoded. */
void html_parameter(struct html *html, const char *value);

/* ` href="url"` to another site, for http and https only: false, and nothing written, otherwise. */
bool html_link_attribute(struct html *html, const char *url);

/* A snippet as the service hands it out, escaped text and <mark>: entities and pairs of <mark> pass
 * through, every other < > " ' & is escaped, an open <mark> is closed. */
void html_snippet(struct html *html, const char *snippet);

void html_number(struct html *html, uint64_t number);         /* "1234567" */
void html_grouped_number(struct html *html, uint64_t number); /* "1,234,567" */
void html_size(struct html *html, uint64_t bytes);            /* "1.2 MB" */
/* Thousandths with one decimal: 1234 us as "1.2". */
void html_tenths(struct html *html, uint64_t thousandths);
/* "2026-11-22", and "2026-11-22 14:42:28" in UTC; nothing for a time that is 0 or less. */
void html_date(struct html *html, int64_t unix_us);
void html_time(struct html *html, int64_t unix_us);

/* Where a page stands, for reading: "example.org › docs › page", with what is percent-encoded
 * UTF-8 shown as letters. */
void html_breadcrumb(struct html *html, const char *url);

static inline bool html_failed(const struct html *html)
{
    return html->bytes->failed;
}

#endif
