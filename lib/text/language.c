#include "text/language.h"

#include <stdbool.h>
#include <string.h>

#include "base/check.h"

#define TAG_MAX 3

static const char *const stemmers[TEXT_LANGUAGE_COUNT] = {
    [TEXT_LANGUAGE_ARABIC] = "arabic",         [TEXT_LANGUAGE_ARMENIAN] = "armenian",
    [TEXT_LANGUAGE_BASQUE] = "basque",         [TEXT_LANGUAGE_CATALAN] = "catalan",
    [TEXT_LANGUAGE_DANISH] = "danish",         [TEXT_LANGUAGE_DUTCH] = "dutch",
    [TEXT_LANGUAGE_ENGLISH] = "english",       [TEXT_LANGUAGE_FINNISH] = "finnish",
    [TEXT_LANGUAGE_FRENCH] = "french",         [TEXT_LANGUAGE_GERMAN] = "german",
    [TEXT_LANGUAGE_GREEK] = "greek",           [TEXT_LANGUAGE_HINDI] = "hindi",
    [TEXT_LANGUAGE_HUNGARIAN] = "hungarian",   [TEXT_LANGUAGE_INDONESIAN] = "indonesian",
    [TEXT_LANGUAGE_IRISH] = "irish",           [TEXT_LANGUAGE_ITALIAN] = "italian",
    [TEXT_LANGUAGE_LITHUANIAN] = "lithuanian", [TEXT_LANGUAGE_NEPALI] = "nepali",
    [TEXT_LANGUAGE_NORWEGIAN] = "norwegian",   [TEXT_LANGUAGE_PORTUGUESE] = "portuguese",
    [TEXT_LANGUAGE_ROMANIAN] = "romanian",     [TEXT_LANGUAGE_RUSSIAN] = "russian",
    [TEXT_LANGUAGE_SERBIAN] = "serbian",       [TEXT_LANGUAGE_SPANISH] = "spanish",
    [TEXT_LANGUAGE_SWEDISH] = "swedish",       [TEXT_LANGUAGE_TAMIL] = "tamil",
    [TEXT_LANGUAGE_TURKISH] = "turkish",       [TEXT_LANGUAGE_YIDDISH] = "yiddish",
};

static const struct {
    const char tag[TAG_MAX + 1];
    enum text_language language;
} tags[] = {
    {"ar", TEXT_LANGUAGE_ARABIC},
    {"ca", TEXT_LANGUAGE_CATALAN},
    {"da", TEXT_LANGUAGE_DANISH},
    {"de", TEXT_LANGUAGE_GERMAN},
    {"el", TEXT_LANGUAGE_GREEK},
    {"en", TEXT_LANGUAGE_ENGLISH},
    {"es", TEXT_LANGUAGE_SPANISH},
    {"eu", TEXT_LANGUAGE_BASQUE},
    {"fi", TEXT_LANGUAGE_FINNISH},
    {"fr", TEXT_LANGUAGE_FRENCH},
    {"ga", TEXT_LANGUAGE_IRISH},
    {"hi", TEXT_LANGUAGE_HINDI},
    {"hu", TEXT_LANGUAGE_HUNGARIAN},
    {"hy", TEXT_LANGUAGE_ARMENIAN},
    {"id", TEXT_LANGUAGE_INDONESIAN},
    {"it", TEXT_LANGUAGE_ITALIAN},
    {"lt", TEXT_LANGUAGE_LITHUANIAN},
    {"nb", TEXT_LANGUAGE_NORWEGIAN},
    {"ne", TEXT_LANGUAGE_NEPALI},
    {"nl", TEXT_LANGUAGE_DUTCH},
    {"nn", TEXT_LANGUAGE_NORWEGIAN},
    {"no", TEXT_LANGUAGE_NORWEGIAN},
    {"pt", TEXT_LANGUAGE_PORTUGUESE},
    {"ro", TEXT_LANGUAGE_ROMANIAN},
    {"ru", TEXT_LANGUAGE_RUSSIAN},
    {"sr", TEXT_LANGUAGE_SERBIAN},
    {"sv", TEXT_LANGUAGE_SWEDISH},
    {"ta", TEXT_LANGUAGE_TAMIL},
    {"tr", TEXT_LANGUAGE_TURKISH},
    {"yi", TEXT_LANGUAGE_YIDDISH},
    /* Written in other scripts than Latin and without a stemmer: the Latin words in them are mostly
     * English, which is what stemming by script makes of them. */
    {"be", TEXT_LANGUAGE_UNKNOWN},
    {"bg", TEXT_LANGUAGE_UNKNOWN},
    {"fa", TEXT_LANGUAGE_UNKNOWN},
    {"he", TEXT_LANGUAGE_UNKNOWN},
    {"ja", TEXT_LANGUAGE_UNKNOWN},
    {"ka", TEXT_LANGUAGE_UNKNOWN},
    {"kk", TEXT_LANGUAGE_UNKNOWN},
    {"km", TEXT_LANGUAGE_UNKNOWN},
    {"ko", TEXT_LANGUAGE_UNKNOWN},
    {"lo", TEXT_LANGUAGE_UNKNOWN},
    {"mk", TEXT_LANGUAGE_UNKNOWN},
    {"my", TEXT_LANGUAGE_UNKNOWN},
    {"th", TEXT_LANGUAGE_UNKNOWN},
    {"uk", TEXT_LANGUAGE_UNKNOWN},
    {"ur", TEXT_LANGUAGE_UNKNOWN},
    {"zh", TEXT_LANGUAGE_UNKNOWN},
    {"und", TEXT_LANGUAGE_UNKNOWN},
};

/* The first part of a tag in lower case; false where that is not two or three letters. */
static bool primary_tag(const char *tag, size_t size, char ret[TAG_MAX + 1])
{
    size_t count = 0;
    while (count < size && tag[count] != '-' && tag[count] != '_') {
        char letter = (char)(tag[count] | 0x20);
        if (count == TAG_MAX || letter < 'a' || letter > 'z')
            return false;
        ret[count++] = letter;
    }
    ret[count] = '\0';
    return count >= 2;
}

enum text_language text_language_of(const char *tag, size_t size)
{
    char primary[TAG_MAX + 1];
    if (tag == NULL || !primary_tag(tag, size, primary))
        return TEXT_LANGUAGE_UNKNOWN;
    for (size_t i = 0; i < ARRAY_COUNT(tags); i++) {
        if (strcmp(tags[i].tag, primary) == 0)
            return tags[i].language;
    }
    return TEXT_LANGUAGE_OTHER;
}

const char *text_language_stemmer(enum text_language language)
{
    CHECK(language < TEXT_LANGUAGE_COUNT);
    return stemmers[language];
}
