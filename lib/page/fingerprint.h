/*
 * What tells pages with the same text from others.
 *
 * The fingerprint is a hash of title and text, ASCII letters made small and white space made single
 * spaces: equal for equal texts.
 *
 * The simhash is 64 bits of which near duplicates differ in few (Charikar: "Similarity Estimation
 * Techniques from Rounding Algorithms", 2002; Manku, Jain and Das Sarma: "Detecting Near-Duplicates
 * for Web Crawling", 2007). Its features are each three words that follow each other, as often as
 * they do, and, as heavy as all of those together, the title and the headings of the first level:
 * pages of one template that have little text of their own differ in what they call themselves.
 */
#ifndef TIERCE_PAGE_FINGERPRINT_H
#define TIERCE_PAGE_FINGERPRINT_H

#include <stdint.h>

#include "base/error.h"
#include "page/page.h"

enum { SIMHASH_WORDS_MIN = 50 }; /* a text of fewer has none */

struct fingerprint {
    uint64_t exact;   /* 0: no text */
    uint64_t simhash; /* 0: too short to tell */
};

/* Of a page's title, headings and text. STATUS_OK or STATUS_NO_MEMORY. */
enum status fingerprint_page(const struct page *page, struct fingerprint *ret, struct error *err);

#endif
