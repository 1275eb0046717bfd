/* What reads the parts of an office document's archive: for office*.c. */
#ifndef TIERCE_PAGE_OFFICE_PARTS_H
#define TIERCE_PAGE_OFFICE_PARTS_H

#include "base/arena.h"
#include "page/archive.h"
#include "page/document.h"

enum { OFFICE_WORDS_BYTES = 1024 };

/* An archive on its way through. */
struct office {
    struct archive *archive;
    struct document *document;
    struct arena arena;
    struct buffer part;    /* the file that is read */
    const char *word_part; /* the main part of a text document of Office Open XML */
    bool is_sheet;
    char first_words[OFFICE_WORDS_BYTES]; /* of the first heading or paragraph */
};

/* A file of the archive into `part`; without its byte order mark. STATUS_NOT_FOUND ... */
enum status office_part(struct office *office, const char *name, struct error *err);

/* ---- office_text.c ---- */

/* What is written in a part: text documents, presentations, and OpenDocument's spreadsheets.
 * STATUS_NOT_FOUND where there is no such part. */
enum status office_text_open_document(struct office *office, const char *name, struct error *err);
enum status office_text_open_xml(struct office *office, const char *name, struct error *err);

/* ---- office_sheet.c ---- */

/* The cells of an Office Open XML workbook, row by row. */
enum status office_sheet(struct office *office, struct error *err);

#endif
