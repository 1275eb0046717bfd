/* Character sets: which one a body is written in, and how it becomes UTF-8. */
#ifndef TIERCE_PAGE_CHARSET_H
#define TIERCE_PAGE_CHARSET_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/buffer.h"
#include "base/error.h"

/*
 * Where a page must declare its charset to be heard. Browsers look at 1,024 bytes and begin again
 * when they meet a declaration later; looking further at once comes to the same.
 */
enum { CHARSET_PRESCAN_BYTES = 32 * 1024 };

enum charset_kind {
    CHARSET_KIND_UTF_8,
    CHARSET_KIND_SINGLE, /* a byte is a character */
    CHARSET_KIND_GB18030,
    CHARSET_KIND_BIG5,
    CHARSET_KIND_EUC_JP,
    CHARSET_KIND_ISO_2022_JP,
    CHARSET_KIND_SHIFT_JIS,
    CHARSET_KIND_EUC_KR,
    CHARSET_KIND_UTF_16BE,
    CHARSET_KIND_UTF_16LE,
    CHARSET_KIND_USER_DEFINED,
    CHARSET_KIND_REPLACEMENT, /* one U+FFFD: encodings too dangerous to read */
};

/* One of the web's encodings (the WHATWG's Encoding standard). They exist once, as constants. */
struct charset {
    const char *name;   /* as the standard has it, in lower case: "windows-1252" */
    const char *labels; /* what pages call it, with a space around each */
    enum charset_kind kind;
    const char *converter; /* the system's, of a single-byte encoding; else NULL */
};

/* By a label such as "Latin1", with white space around; NULL for one that the web does not know. */
const struct charset *charset_by_label(const char *label, size_t size);

/*
 * The charset of a body: by its byte order mark, else by the header, else (where `is_html`) by a
 * <meta> in its first bytes, else by what its bytes look like, else windows-1252.
 *
 * label         the header's charset parameter; NULL where there is none.
 * ret_bom_size  the bytes of the mark, to be left out.
 */
const struct charset *charset_find(const uint8_t *body, size_t size, const char *label,
                                   bool is_html, size_t *ret_bom_size);

/*
 * The charset that a <meta> in the first CHARSET_PRESCAN_BYTES declares, else the one of an XML
 * declaration at the very beginning; NULL where neither does.
 */
const struct charset *charset_prescan(const uint8_t *body, size_t size);

/*
 * Appends the body in UTF-8, as the standard decodes it but for one thing: a character cut by the
 * end is left out, for bodies are cut at limits. Bytes that mean nothing become U+FFFD.
 *
 * Returns STATUS_OK, STATUS_UNSUPPORTED where the system lacks the converter that tables are made
 * of, or STATUS_NO_MEMORY where memory or the buffer's limit runs out.
 */
enum status charset_decode(const struct charset *charset, const uint8_t *body, size_t size,
                           struct buffer *ret_text, struct error *err);

/*
 * Loads every converter and makes every table for the life of the process, which afterwards
 * decodes without opening a file: for a process that is about to lock itself in. A converter that
 * the system lacks is left out.
 */
void charset_load_all(void);

#endif
