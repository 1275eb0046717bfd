/* Characters as the analyzer sees them: what joins a token, and what folding leaves of them. */
#ifndef TIERCE_TEXT_CHARACTER_H
#define TIERCE_TEXT_CHARACTER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum character_class {
    CHARACTER_OTHER, /* separates tokens */
    CHARACTER_LETTER,
    CHARACTER_DIGIT,
    CHARACTER_PAIRED, /* a letter of a script written without spaces */
    CHARACTER_MARK,   /* belongs to the character in front of it */
    CHARACTER_IGNORED /* invisible: soft hyphen, joiners, tatweel */
};

enum script {
    SCRIPT_LATIN, /* and everything not named below */
    SCRIPT_CYRILLIC,
    SCRIPT_GREEK,
    SCRIPT_ARMENIAN,
    SCRIPT_HEBREW,
    SCRIPT_ARABIC,
    SCRIPT_DEVANAGARI,
    SCRIPT_TAMIL,
};

enum character_class character_class(uint32_t character);
enum script character_script(uint32_t character);

/* Whether a byte of UTF-8 belongs to the character that began in front of it. */
static inline bool utf8_continues(char byte)
{
    return ((unsigned char)byte & 0xc0) == 0x80;
}

/* A character with its marks, folded. */
#define CLUSTER_CHARACTERS_MAX 8  /* of the text; further marks are dropped */
#define CLUSTER_BYTES_MAX      96 /* of either form below; 0 bytes are possible */

struct folded_cluster {
    uint8_t marked[CLUSTER_BYTES_MAX]; /* case and compatibility forms folded */
    uint8_t plain[CLUSTER_BYTES_MAX];  /* and without diacritics */
    uint8_t marked_size;
    uint8_t plain_size;
};

/* `count` characters (1 to CLUSTER_CHARACTERS_MAX), the first of them no mark. */
void cluster_fold(const uint32_t *characters, size_t count, struct folded_cluster *ret_cluster);

#endif
