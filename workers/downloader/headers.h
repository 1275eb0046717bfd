/* What the headers of an answer mean to the downloader. */
#ifndef TIERCE_DOWNLOADER_HEADERS_H
#define TIERCE_DOWNLOADER_HEADERS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/buffer.h"
#include "crawl/headers.h"

enum { RETRY_AFTER_MAX_S = 7 * 24 * 3600 }; /* a longer wait is shortened to this */

/* The wait that a Retry-After value asks for, in seconds from `now_unix_s`: a number or an HTTP
 * date. 0: none, past, or not understood. */
uint32_t retry_after_s(const char *value, int64_t now_unix_s);

/* Whether a Content-Type value may be a page to index: text, HTML, XML. NULL: yes, it is not said.
 */
bool content_type_is_text(const char *value);

/*
 * Whether a body of another type may list pages: a JSON Feed, or a sitemap that its URL's name
 * tells by "sitemap" or ".xml.gz" where it was sent packed or without a type of its own.
 */
bool content_type_may_list(const char *value, const char *url);

/*
 * Whether it may be a document that is no page: PDF, OpenDocument, Office Open XML, Markdown. Where
 * the type says nothing, the name's ending does.
 */
bool content_type_is_document(const char *value, const char *url);

/* "Not Found" for 404; "" for codes without a name. */
const char *http_status_name(uint32_t status);

/* Takes all lines of a header out of a block. */
void headers_remove(struct buffer *block, const char *name);

#endif
