#include "text/character.h"

#include <string.h>
#include <utf8proc.h>

#include "base/check.h"

struct range {
    uint32_t first;
    uint32_t last;
};

static bool in_ranges(uint32_t character, const struct range *ranges, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        if (character >= ranges[i].first && character <= ranges[i].last)
            return true;
    }
    return false;
}

/* Scripts that put no space between words, and Hangul, which puts them between phrases. */
static const struct range paired[] = {
    {0x0e00, 0x0eff},   /* Thai, Lao */
    {0x1000, 0x109f},   /* Burmese */
    {0x1100, 0x11ff},   /* Hangul Jamo */
    {0x1780, 0x17ff},   /* Khmer */
    {0x2e80, 0x2fdf},   /* radicals */
    {0x3005, 0x3007},   /* iteration marks of Han */
    {0x3021, 0x3029},   /* Hangzhou numerals */
    {0x3031, 0x318f},   /* kana, Bopomofo, Hangul compatibility Jamo */
    {0x31a0, 0x31ff},   /* more of these */
    {0x3400, 0x4dbf},   /* Han */
    {0x4e00, 0x9fff},   /* Han */
    {0xa960, 0xa97f},   /* Hangul Jamo */
    {0xac00, 0xd7ff},   /* Hangul */
    {0xf900, 0xfaff},   /* Han */
    {0xff66, 0xffdc},   /* half-width kana and Hangul */
    {0x1b000, 0x1b16f}, /* historic kana */
    {0x20000, 0x3ffff}, /* Han */
};

static bool is_paired(uint32_t character)
{
    return character >= 0x0e00 && in_ranges(character, paired, ARRAY_COUNT(paired));
}

static enum character_class ascii_class(uint32_t character)
{
    uint32_t lower = character | 0x20;
    if (lower >= 'a' && lower <= 'z')
        return CHARACTER_LETTER;
    return character >= '0' && character <= '9' ? CHARACTER_DIGIT : CHARACTER_OTHER;
}

enum character_class character_class(uint32_t character)
{
    if (character < 0x80)
        return ascii_class(character);
    if (character == 0x0640) /* tatweel only widens a word */
        return CHARACTER_IGNORED;
    if (character == 0x115f || character == 0x1160 || character == 0x3164 || character == 0xffa0)
        return CHARACTER_IGNORED;                   /* they fill the place of a letter of Hangul */
    if (character == 0xff9e || character == 0xff9f) /* half-width voicing marks of kana */
        return CHARACTER_MARK;
    switch (utf8proc_category((utf8proc_int32_t)character)) {
    case UTF8PROC_CATEGORY_LU:
    case UTF8PROC_CATEGORY_LL:
    case UTF8PROC_CATEGORY_LT:
    case UTF8PROC_CATEGORY_LM:
    case UTF8PROC_CATEGORY_LO:
        return is_paired(character) ? CHARACTER_PAIRED : CHARACTER_LETTER;
    case UTF8PROC_CATEGORY_ND:
    case UTF8PROC_CATEGORY_NO:
        return CHARACTER_DIGIT;
    case UTF8PROC_CATEGORY_NL:
        return is_paired(character) ? CHARACTER_PAIRED : CHARACTER_LETTER;
    case UTF8PROC_CATEGORY_MN:
    case UTF8PROC_CATEGORY_MC:
    case UTF8PROC_CATEGORY_ME:
        return CHARACTER_MARK;
    case UTF8PROC_CATEGORY_CF:
        return CHARACTER_IGNORED;
    default:
        return CHARACTER_OTHER;
    }
}

enum script character_script(uint32_t character)
{
    static const struct {
        struct range range;
        enum script script;
    } scripts[] = {
        {{0x0370, 0x03ff}, SCRIPT_GREEK},      {{0x0400, 0x052f}, SCRIPT_CYRILLIC},
        {{0x0530, 0x058f}, SCRIPT_ARMENIAN},   {{0x0590, 0x05ff}, SCRIPT_HEBREW},
        {{0x0600, 0x077f}, SCRIPT_ARABIC},     {{0x08a0, 0x08ff}, SCRIPT_ARABIC},
        {{0x0900, 0x097f}, SCRIPT_DEVANAGARI}, {{0x0b80, 0x0bff}, SCRIPT_TAMIL},
        {{0x1c80, 0x1c8f}, SCRIPT_CYRILLIC},   {{0x1f00, 0x1fff}, SCRIPT_GREEK},
        {{0x2de0, 0x2dff}, SCRIPT_CYRILLIC},   {{0xfb1d, 0xfb4f}, SCRIPT_HEBREW},
        {{0xfb50, 0xfdff}, SCRIPT_ARABIC},     {{0xfe70, 0xfeff}, SCRIPT_ARABIC},
    };
    if (character < 0x0370)
        return SCRIPT_LATIN;
    for (size_t i = 0; i < ARRAY_COUNT(scripts); i++) {
        if (in_ranges(character, &scripts[i].range, 1))
            return scripts[i].script;
    }
    return SCRIPT_LATIN;
}

/*
 * Whether a mark is a diacritic that people leave out. Vowel signs and tone marks of other scripts
 * are not, nor is what makes another letter of a Cyrillic one (the breve of "short i").
 */
static bool is_diacritic(uint32_t base, uint32_t mark)
{
    static const struct range diacritics[] = {
        {0x0300, 0x036f}, {0x0591, 0x05c7}, {0x064b, 0x065f}, {0x0670, 0x0670}, {0x06d6, 0x06ed},
        {0x1ab0, 0x1aff}, {0x1dc0, 0x1dff}, {0x20d0, 0x20ff}, {0xfe20, 0xfe2f},
    };
    if (!in_ranges(mark, diacritics, ARRAY_COUNT(diacritics)))
        return false;
    if (character_script(base) == SCRIPT_CYRILLIC)
        return mark == 0x0300 || mark == 0x0301 || (mark == 0x0308 && base == 0x0435);
    return true;
}

/* Latin letters that Unicode does not decompose, but keyboards do. */
static const char *latin_fold(uint32_t character)
{
    switch (character) {
    case 0x00e6:
        return "ae";
    case 0x00f0:
    case 0x0111:
        return "d";
    case 0x00f8:
        return "o";
    case 0x00fe:
        return "th";
    case 0x0127:
        return "h";
    case 0x0131:
        return "i";
    case 0x0142:
        return "l";
    case 0x0153:
        return "oe";
    case 0x0167:
        return "t";
    default:
        return NULL;
    }
}

static bool is_mark(uint32_t character)
{
    return character >= 0x80 && character_class(character) == CHARACTER_MARK;
}

/* Puts marks behind a character into canonical order, so that composing sees them as it expects. */
static void order_marks(int32_t *characters, size_t count)
{
    for (size_t i = 1; i < count; i++) {
        int32_t moving = characters[i];
        int class = utf8proc_get_property(moving)->combining_class;
        size_t at = i;
        while (class != 0 && at > 0 &&
               utf8proc_get_property(characters[at - 1])->combining_class > class) {
            characters[at] = characters[at - 1];
            at--;
        }
        characters[at] = moving;
    }
}

#define DECOMPOSED_MAX 96

/* Compatibility decomposition and case folding; only what belongs to a word stays. */
static size_t decompose(const uint32_t *characters, size_t count, int32_t *ret)
{
    size_t used = 0;
    int boundary = 0;
    for (size_t i = 0; i < count; i++) {
        int32_t parts[32];
        utf8proc_ssize_t size = utf8proc_decompose_char(
            (utf8proc_int32_t)characters[i], parts, ARRAY_COUNT(parts),
            UTF8PROC_DECOMPOSE | UTF8PROC_COMPAT | UTF8PROC_CASEFOLD, &boundary);
        for (utf8proc_ssize_t p = 0; p < size && p < (utf8proc_ssize_t)ARRAY_COUNT(parts); p++) {
            enum character_class class = character_class((uint32_t)parts[p]);
            if (class != CHARACTER_OTHER && class != CHARACTER_IGNORED && used < DECOMPOSED_MAX)
                ret[used++] = parts[p];
        }
    }
    order_marks(ret, used);
    return used;
}

/* Composes in place and encodes; what does not fit is dropped whole. */
static uint8_t compose(int32_t *characters, size_t count, uint8_t *ret)
{
    utf8proc_ssize_t composed = utf8proc_normalize_utf32(characters, (utf8proc_ssize_t)count,
                                                         UTF8PROC_COMPOSE | UTF8PROC_STABLE);
    size_t size = 0;
    for (utf8proc_ssize_t i = 0; i < composed && size + 4 <= CLUSTER_BYTES_MAX; i++)
        size += (size_t)utf8proc_encode_char(characters[i], ret + size);
    return (uint8_t)size;
}

static size_t strip_diacritics(const int32_t *characters, size_t count, int32_t *ret)
{
    size_t used = 0;
    uint32_t base = 0;
    for (size_t i = 0; i < count; i++) {
        uint32_t character = (uint32_t)characters[i];
        if (is_mark(character)) {
            if (is_diacritic(base, character))
                continue;
        } else {
            base = character;
        }
        const char *folded = latin_fold(character);
        if (folded == NULL)
            ret[used++] = characters[i];
        for (; folded != NULL && *folded != '\0'; folded++)
            ret[used++] = (unsigned char)*folded;
    }
    return used;
}

void cluster_fold(const uint32_t *characters, size_t count, struct folded_cluster *ret_cluster)
{
    CHECK(count >= 1 && count <= CLUSTER_CHARACTERS_MAX);
    int32_t decomposed[DECOMPOSED_MAX];
    int32_t stripped[2 * DECOMPOSED_MAX];
    size_t size = decompose(characters, count, decomposed);
    size_t stripped_size = strip_diacritics(decomposed, size, stripped);
    ret_cluster->marked_size = compose(decomposed, size, ret_cluster->marked);
    ret_cluster->plain_size = compose(stripped, stripped_size, ret_cluster->plain);
}
