/* What a body is: by its Content-Type, and by its first bytes where that says nothing. */
#ifndef TIERCE_PAGE_MIME_H
#define TIERCE_PAGE_MIME_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct mime {
    char type[96];    /* "text/html", in lower case; "" for none or a wrong one */
    char charset[40]; /* the parameter as given; "" for none */
};

/* Reads a Content-Type header's value; NULL counts as an empty one. */
void mime_parse(const char *header, struct mime *ret_mime);

enum mime_kind {
    MIME_HTML,
    MIME_TEXT,
    MIME_MARKDOWN,
    MIME_PDF,
    MIME_OFFICE, /* OpenDocument, Office Open XML: documents in a ZIP archive */
    MIME_OTHER
};

/* Text that holds bytes which no text holds is MIME_OTHER, and XML is a page if it is XHTML. What a
 * server calls any bytes or an archive is told by its own first bytes. */
enum mime_kind mime_kind(const struct mime *mime, const uint8_t *body, size_t size);

/* text/xml, application/xml, or a type made of it: "application/rss+xml". */
bool mime_is_xml(const struct mime *mime);

#endif
