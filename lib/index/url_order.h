/* The order in which a segment's documents are numbered: by host, from its end, then by path. So
 * the pages of a site, and of a part of it, stand together: their postings are small, and what they
 * have in common is skipped together. */
#ifndef TIERCE_INDEX_URL_ORDER_H
#define TIERCE_INDEX_URL_ORDER_H

#include "text/analyze.h"

/* Below, equal to or above 0; 0 only for equal URLs. */
int url_order(struct text_slice a, struct text_slice b);

#endif
