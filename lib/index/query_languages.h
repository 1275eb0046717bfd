/*
 * Which languages' stems a query looks for: those of the pages that the corpus holds. Every page is
 * found by its language, too, so that the document frequencies of these keys tell how many there
 * are of each.
 */
#ifndef TIERCE_INDEX_QUERY_LANGUAGES_H
#define TIERCE_INDEX_QUERY_LANGUAGES_H

#include "index/query.h"

#define QUERY_LANGUAGE_TERMS_MAX 32

/* Languages as bits: 1 << enum text_language. */
typedef uint64_t query_languages;

/* The terms to ask the frequencies of, always the same; `ret_terms` has room for
 * QUERY_LANGUAGE_TERMS_MAX. Returns how many. */
size_t query_language_terms(struct query_term *ret_terms);

/* The languages with most pages, by the frequencies of these terms: as many as a word can have
 * alternatives for. Those whose stems every word has anyway are not among them. */
query_languages query_languages_choose(const uint64_t *frequencies);

#endif
