/* Languages, as far as the index tells them apart: those that have a stemmer. */
#ifndef TIERCE_TEXT_LANGUAGE_H
#define TIERCE_TEXT_LANGUAGE_H

#include <stddef.h>

/* The numbers are stored in segments: add at the end. */
enum text_language {
    TEXT_LANGUAGE_UNKNOWN = 0, /* no tag: stems are chosen by script */
    TEXT_LANGUAGE_OTHER,       /* a tag that names a language without a stemmer */
    TEXT_LANGUAGE_ARABIC,
    TEXT_LANGUAGE_ARMENIAN,
    TEXT_LANGUAGE_BASQUE,
    TEXT_LANGUAGE_CATALAN,
    TEXT_LANGUAGE_DANISH,
    TEXT_LANGUAGE_DUTCH,
    TEXT_LANGUAGE_ENGLISH,
    TEXT_LANGUAGE_FINNISH,
    TEXT_LANGUAGE_FRENCH,
    TEXT_LANGUAGE_GERMAN,
    TEXT_LANGUAGE_GREEK,
    TEXT_LANGUAGE_HINDI,
    TEXT_LANGUAGE_HUNGARIAN,
    TEXT_LANGUAGE_INDONESIAN,
    TEXT_LANGUAGE_IRISH,
    TEXT_LANGUAGE_ITALIAN,
    TEXT_LANGUAGE_LITHUANIAN,
    TEXT_LANGUAGE_NEPALI,
    TEXT_LANGUAGE_NORWEGIAN,
    TEXT_LANGUAGE_PORTUGUESE,
    TEXT_LANGUAGE_ROMANIAN,
    TEXT_LANGUAGE_RUSSIAN,
    TEXT_LANGUAGE_SERBIAN,
    TEXT_LANGUAGE_SPANISH,
    TEXT_LANGUAGE_SWEDISH,
    TEXT_LANGUAGE_TAMIL,
    TEXT_LANGUAGE_TURKISH,
    TEXT_LANGUAGE_YIDDISH,
    TEXT_LANGUAGE_COUNT
};

/* From a tag such as "de", "pt-BR" or "en_GB", in any case; UNKNOWN for an empty or malformed one
 * ("", "x", "und"). `tag` may be NULL. */
enum text_language text_language_of(const char *tag, size_t size);

/* The stemmer's name for libstemmer; NULL for UNKNOWN and OTHER. */
const char *text_language_stemmer(enum text_language language);

#endif
