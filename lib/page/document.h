/*
 * Documents that are no web pages, written as one: so headings, links, tables and text of all kinds
 * are read by the same code. Everything is bounded; the worst that bytes can do is to end the
 * process that reads them, which costs that document alone.
 */
#ifndef TIERCE_PAGE_DOCUMENT_H
#define TIERCE_PAGE_DOCUMENT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/buffer.h"
#include "base/error.h"

enum {
    DOCUMENT_HTML_BYTES_MAX = 4 * 1024 * 1024, /* what is over is left out */
    DOCUMENT_CPU_MS_MAX = 2000,                /* of one document; what comes later is left out */
};

struct document {
    struct buffer html;   /* UTF-8. The document's own: document_release() */
    const char *type;     /* "application/pdf", static */
    int64_t modified_us;  /* since 1970; 0: not known */
    int64_t published_us; /* the same */
    int64_t ends_ms;      /* of the thread's CPU time */
    bool cut;             /* a limit left something out */
};

void document_begin(struct document *document, const char *type);
void document_release(struct document *document);

/* Whether a limit is reached: nothing more is to be read. */
bool document_is_full(struct document *document);

/* ---- writing ---- */

/* Markup of the program's own. */
void document_markup(struct document *document, const char *markup);
/* UTF-8 of a stranger's: escaped. */
void document_text(struct document *document, const char *text, size_t size);
/* ` name="value"`, escaped. */
void document_attribute(struct document *document, const char *name, const char *value);

/* <title>, <meta name=description>, <html lang>; those that are NULL or "" are left out. To be
 * written first, and followed by what is in the body. */
struct document_head {
    const char *title;
    const char *description;
    const char *language;
};
void document_write_head(struct document *document, const struct document_head *head);

/* ---- the formats ----
 *
 * Each fills a document that was begun with document_begin(). STATUS_OK, STATUS_UNSUPPORTED (of
 * a kind that is not read: encrypted, for instance), STATUS_CORRUPT, STATUS_TOO_LARGE or
 * STATUS_NO_MEMORY; the document is to be released in any case.
 */

/* Portable Document Format, by poppler. */
enum status pdf_read(const uint8_t *bytes, size_t size, struct document *document,
                     struct error *err);
/* Makes the library load what it would load later. */
void pdf_load(void);

/* CommonMark with GitHub's tables, by md4c. The bytes are UTF-8, with a zero byte behind them,
 * which md4c may read. */
enum status markdown_read(const char *text, size_t size, struct document *document,
                          struct error *err);

/* OpenDocument (text, spreadsheet, presentation) and Office Open XML (docx, xlsx, pptx); the type
 * is found in the archive. */
enum status office_read(const uint8_t *bytes, size_t size, struct document *document,
                        struct error *err);

#endif
