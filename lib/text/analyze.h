/*
 * From UTF-8 text to tokens: what the index is keyed by. The same code reads documents and queries,
 * so that both agree on what a token is.
 *
 * A token is a run of letters and digits ("3.14" and "don't" stay whole); text written without
 * spaces (Han, kana, Hangul, Thai, Lao, Khmer, Burmese) becomes overlapping pairs. Tokens are
 * folded (NFKC, case, diacritics) and stemmed by language. Bytes that are not UTF-8 separate
 * tokens.
 */
#ifndef TIERCE_TEXT_ANALYZE_H
#define TIERCE_TEXT_ANALYZE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "text/language.h"

/* Most bytes of a term; a longer token is cut between two characters. */
#define TEXT_TERM_MAX 64

/*
 * The commonest language of each script (English of the Latin one) has its stems as they are. Those
 * of any other have a byte in front that no UTF-8 begins with: so that French "note", whose stem is
 * "not", finds no English page. Exact forms are the same in all languages.
 */
#define TEXT_TERM_IS_OF_LANGUAGE(term) (((term)[0] & 0xc0) == 0x80)

/* Which language a term has in front; UNKNOWN: none. */
static inline enum text_language text_term_language(const uint8_t *term)
{
    return TEXT_TERM_IS_OF_LANGUAGE(term) ? (enum text_language)(term[0] & 0x3f)
                                          : TEXT_LANGUAGE_UNKNOWN;
}

/* Bytes that belong to someone else; not zero-terminated. */
struct text_slice {
    const char *bytes; /* NULL only where size is 0 */
    size_t size;
};

struct text_token {
    const uint8_t *term; /* folded and stemmed. Borrowed from the analyzer until its next call */
    uint32_t term_size;  /* 1 to TEXT_TERM_MAX */
    uint32_t exact_size; /* 0 where the exact form is the term itself */
    /* The folded form before stemming; of a pair, its first character alone. */
    const uint8_t *exact;
    uint32_t position; /* counts tokens: neighbours differ by one */
    uint32_t start;    /* bytes from the beginning of the text */
    uint32_t end;      /* first byte behind the token */
    bool pair;         /* of text written without spaces; the last of a run is a single character */
};

struct text_analyzer; /* opaque. One thread at a time; holds the stemmers that it has needed. */

/* Whether its stems have no byte in front, or it has none: every text's words have them. */
bool text_language_is_first(enum text_language language);

/* NULL when out of memory. The caller's to free. */
struct text_analyzer *text_analyzer_new(void);
void text_analyzer_free(struct text_analyzer *analyzer); /* accepts NULL */

/*
 * Begins a text of at most UINT32_MAX bytes (what lies behind is not read). Borrowed: the text must
 * outlive the calls of text_analyzer_next(). TEXT_LANGUAGE_UNKNOWN stems by script: English where
 * it is Latin, Russian where it is Cyrillic, and so on.
 */
void text_analyzer_begin(struct text_analyzer *analyzer, struct text_slice text,
                         enum text_language language);

/* The next token, in order; false at the end of the text. Never fails. */
bool text_analyzer_next(struct text_analyzer *analyzer, struct text_token *ret_token);

/* Folds case and compatibility forms, keeps diacritics, makes each run of white space and control
 * characters one space: for showing how a query was read. Appends at most `capacity` bytes to
 * `ret`, cut between characters, and returns how many. */
size_t text_fold(struct text_slice text, char *ret, size_t capacity);

/* Bytes of the UTF-8 character at `bytes`, and which; 1 and U+FFFD where it is not UTF-8.
 * `size` > 0. */
size_t text_decode(const char *bytes, size_t size, uint32_t *ret_character);

#endif
