/* What a document is found by beside its words: site, language, content type and date. */
#ifndef TIERCE_INDEX_DOCUMENT_KEYS_H
#define TIERCE_INDEX_DOCUMENT_KEYS_H

#include "index/segment.h"

typedef void document_key_taker(void *context, const uint8_t *key, uint32_t size);

/* Each key once. */
void document_keys(const struct index_document *document, document_key_taker *take, void *context);

/*
 * The short name of a content type, as it is searched for: "html" for "text/html" and "htm", "text"
 * for "text/plain" and "txt", else what stands behind the slash without "x-". In lower case, into
 * `ret`; returns its size, 0: it is none.
 */
size_t content_type_name(struct text_slice type, char ret[INDEX_TYPE_MAX]);

/* A language tag in lower case with hyphens, into `ret`; returns its size, 0: it is none. */
size_t language_tag(struct text_slice tag, char ret[INDEX_LANGUAGE_MAX]);

/*
 * The day by which a document is found, counted from 1970-01-01: its own date, where it has one
 * that does not lie behind the time it was fetched; else that of the fetch. False: neither is
 * known.
 */
bool document_day(const struct index_document *document, uint32_t *ret_day);

#endif
