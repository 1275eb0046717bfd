#include "text/analyze.h"

#include <assert.h>
#include <libstemmer.h>
#include <stdlib.h>
#include <string.h>
#include <utf8proc.h>

#include "base/bytes.h"
#include "base/check.h"
#include "text/character.h"

/* A character of the text with its marks, as the tokenizer reads it. */
struct cluster {
    enum character_class class; /* CHARACTER_OTHER at the end of the text, too */
    enum script script;
    const char *start;
    const char *end;              /* behind its marks */
    uint32_t character;           /* the first one */
    struct folded_cluster folded; /* unless the class is CHARACTER_OTHER */
};

/* Most words of a text are among a few hundred: their stems are kept. */
#define CACHE_ENTRIES  2048
#define CACHE_WORD_MAX 23

struct cached_stem {
    uint8_t word[CACHE_WORD_MAX];
    uint8_t stem[CACHE_WORD_MAX];
    uint8_t word_size; /* 0: empty */
    uint8_t stem_size;
};

struct text_analyzer {
    const char *begin;
    const char *end;
    enum text_language language;
    uint32_t position;
    struct cluster next; /* read, but not yet used */

    /* The token being built. Both forms are cut at the same cluster. */
    uint8_t marked[TEXT_TERM_MAX];
    uint8_t plain[TEXT_TERM_MAX];
    uint32_t marked_size;
    uint32_t plain_size;
    uint8_t term[1 + TEXT_TERM_MAX]; /* its stem, behind room for the language's byte */

    struct sb_stemmer *stemmers[TEXT_LANGUAGE_COUNT];
    struct cached_stem cache[CACHE_ENTRIES];
};

struct text_analyzer *text_analyzer_new(void)
{
    return calloc(1, sizeof(struct text_analyzer));
}

void text_analyzer_free(struct text_analyzer *analyzer)
{
    if (analyzer == NULL)
        return;
    for (size_t i = 0; i < TEXT_LANGUAGE_COUNT; i++)
        sb_stemmer_delete(analyzer->stemmers[i]);
    free(analyzer);
}

size_t text_decode(const char *bytes, size_t size, uint32_t *ret_character)
{
    if ((unsigned char)bytes[0] < 0x80) {
        *ret_character = (unsigned char)bytes[0];
        return 1;
    }
    utf8proc_int32_t character;
    utf8proc_ssize_t used = utf8proc_iterate((const utf8proc_uint8_t *)bytes,
                                             size > 4 ? 4 : (utf8proc_ssize_t)size, &character);
    if (used <= 0) {
        *ret_character = 0xfffd;
        return 1;
    }
    *ret_character = (uint32_t)character;
    return (size_t)used;
}

/* Letters and digits in lower case; 0: neither. */
static const uint8_t ascii_folded[256] = {
    ['0'] = '0', ['1'] = '1', ['2'] = '2', ['3'] = '3', ['4'] = '4', ['5'] = '5', ['6'] = '6',
    ['7'] = '7', ['8'] = '8', ['9'] = '9', ['a'] = 'a', ['b'] = 'b', ['c'] = 'c', ['d'] = 'd',
    ['e'] = 'e', ['f'] = 'f', ['g'] = 'g', ['h'] = 'h', ['i'] = 'i', ['j'] = 'j', ['k'] = 'k',
    ['l'] = 'l', ['m'] = 'm', ['n'] = 'n', ['o'] = 'o', ['p'] = 'p', ['q'] = 'q', ['r'] = 'r',
    ['s'] = 's', ['t'] = 't', ['u'] = 'u', ['v'] = 'v', ['w'] = 'w', ['x'] = 'x', ['y'] = 'y',
    ['z'] = 'z', ['A'] = 'a', ['B'] = 'b', ['C'] = 'c', ['D'] = 'd', ['E'] = 'e', ['F'] = 'f',
    ['G'] = 'g', ['H'] = 'h', ['I'] = 'i', ['J'] = 'j', ['K'] = 'k', ['L'] = 'l', ['M'] = 'm',
    ['N'] = 'n', ['O'] = 'o', ['P'] = 'p', ['Q'] = 'q', ['R'] = 'r', ['S'] = 's', ['T'] = 't',
    ['U'] = 'u', ['V'] = 'v', ['W'] = 'w', ['X'] = 'x', ['Y'] = 'y', ['Z'] = 'z',
};

/* ---- reading characters ---- */

static void fold_ascii(struct cluster *cluster)
{
    uint8_t byte = (uint8_t)cluster->character;
    if (byte >= 'A' && byte <= 'Z')
        byte |= 0x20;
    cluster->folded.marked[0] = cluster->folded.plain[0] = byte;
    cluster->folded.marked_size = cluster->folded.plain_size = 1;
}

/* Adds the marks that follow to the cluster and folds the whole. */
static void finish_cluster(struct text_analyzer *analyzer, struct cluster *cluster)
{
    uint32_t characters[CLUSTER_CHARACTERS_MAX] = {cluster->character};
    size_t count = 1;
    while (cluster->end < analyzer->end && (unsigned char)*cluster->end >= 0x80) {
        uint32_t character;
        size_t size = text_decode(cluster->end, (size_t)(analyzer->end - cluster->end), &character);
        enum character_class class = character_class(character);
        bool joins_hangul = character >= 0x1160 && character <= 0x11ff && characters[0] >= 0x1100 &&
                            characters[0] <= 0x11ff;
        if (class != CHARACTER_MARK && class != CHARACTER_IGNORED && !joins_hangul)
            break;
        if (class != CHARACTER_IGNORED && count < CLUSTER_CHARACTERS_MAX)
            characters[count++] = character;
        cluster->end += size;
    }
    if (count == 1 && cluster->character < 0x80)
        fold_ascii(cluster);
    else
        cluster_fold(characters, count, &cluster->folded);
}

/* Reads the cluster at `at` into analyzer->next. */
static void read_cluster(struct text_analyzer *analyzer, const char *at)
{
    struct cluster *cluster = &analyzer->next;
    cluster->start = cluster->end = at;
    cluster->class = CHARACTER_OTHER;
    cluster->script = SCRIPT_LATIN;
    cluster->character = 0;
    if (at == analyzer->end)
        return;
    cluster->end += text_decode(at, (size_t)(analyzer->end - at), &cluster->character);
    cluster->class = character_class(cluster->character);
    if (cluster->class == CHARACTER_MARK || cluster->class == CHARACTER_IGNORED)
        cluster->class = CHARACTER_OTHER; /* nothing in front that it could belong to */
    if (cluster->class == CHARACTER_OTHER)
        return;
    finish_cluster(analyzer, cluster);
    cluster->script = character_script(cluster->character);
    if (cluster->folded.marked_size == 0)
        cluster->class = CHARACTER_OTHER;
}

void text_analyzer_begin(struct text_analyzer *analyzer, struct text_slice text,
                         enum text_language language)
{
    CHECK(language < TEXT_LANGUAGE_COUNT);
    analyzer->begin = text.size > 0 ? text.bytes : "";
    analyzer->end = analyzer->begin + (text.size > UINT32_MAX ? UINT32_MAX : text.size);
    analyzer->language = language;
    analyzer->position = 0;
    read_cluster(analyzer, analyzer->begin);
}

/* ---- stems ---- */

static enum text_language language_of_script(enum script script)
{
    switch (script) {
    case SCRIPT_LATIN:
        return TEXT_LANGUAGE_ENGLISH;
    case SCRIPT_CYRILLIC:
        return TEXT_LANGUAGE_RUSSIAN;
    case SCRIPT_GREEK:
        return TEXT_LANGUAGE_GREEK;
    case SCRIPT_ARMENIAN:
        return TEXT_LANGUAGE_ARMENIAN;
    case SCRIPT_ARABIC:
        return TEXT_LANGUAGE_ARABIC;
    case SCRIPT_DEVANAGARI:
        return TEXT_LANGUAGE_HINDI;
    case SCRIPT_TAMIL:
        return TEXT_LANGUAGE_TAMIL;
    case SCRIPT_HEBREW:
        return TEXT_LANGUAGE_OTHER;
    }
    return TEXT_LANGUAGE_OTHER;
}

bool text_language_is_first(enum text_language language)
{
    for (enum script script = SCRIPT_LATIN; script <= SCRIPT_TAMIL; script++) {
        if (language_of_script(script) == language)
            return true;
    }
    return text_language_stemmer(language) == NULL;
}

/* Whether the language is written in the script: a Russian page's Latin words are not Russian. */
static bool language_has_script(enum text_language language, enum script script)
{
    switch (language) {
    case TEXT_LANGUAGE_UNKNOWN:
        return false;
    case TEXT_LANGUAGE_RUSSIAN:
        return script == SCRIPT_CYRILLIC;
    case TEXT_LANGUAGE_SERBIAN:
        return script == SCRIPT_CYRILLIC || script == SCRIPT_LATIN;
    case TEXT_LANGUAGE_GREEK:
        return script == SCRIPT_GREEK;
    case TEXT_LANGUAGE_ARMENIAN:
        return script == SCRIPT_ARMENIAN;
    case TEXT_LANGUAGE_ARABIC:
        return script == SCRIPT_ARABIC;
    case TEXT_LANGUAGE_HINDI:
    case TEXT_LANGUAGE_NEPALI:
        return script == SCRIPT_DEVANAGARI;
    case TEXT_LANGUAGE_TAMIL:
        return script == SCRIPT_TAMIL;
    case TEXT_LANGUAGE_YIDDISH:
        return script == SCRIPT_HEBREW;
    default:
        return script == SCRIPT_LATIN;
    }
}

static struct sb_stemmer *stemmer_of(struct text_analyzer *analyzer, enum text_language language)
{
    const char *name = text_language_stemmer(language);
    if (analyzer->stemmers[language] == NULL && name != NULL)
        analyzer->stemmers[language] = sb_stemmer_new(name, "UTF_8");
    return analyzer->stemmers[language];
}

/* Folds the diacritics of a stem; stemmers need them, searchers leave them out. */
static uint32_t fold_stem(const uint8_t *stem, size_t size, uint8_t *ret)
{
    uint32_t used = 0;
    for (size_t at = 0; at < size;) {
        uint32_t characters[CLUSTER_CHARACTERS_MAX];
        size_t count = 0;
        do {
            uint32_t character;
            at += text_decode((const char *)stem + at, size - at, &character);
            if (count < CLUSTER_CHARACTERS_MAX)
                characters[count++] = character;
            if (at == size)
                break;
            text_decode((const char *)stem + at, size - at, &character);
            if (character < 0x80 || character_class(character) != CHARACTER_MARK)
                break;
        } while (true);
        struct folded_cluster folded = {.plain = {(uint8_t)characters[0]}, .plain_size = 1};
        if (count > 1 || characters[0] >= 0x80)
            cluster_fold(characters, count, &folded);
        if (used + folded.plain_size > TEXT_TERM_MAX)
            break;
        memcpy(ret + used, folded.plain, folded.plain_size);
        used += folded.plain_size;
    }
    return used;
}

static bool is_ascii(const uint8_t *bytes, size_t size)
{
    for (size_t i = 0; i < size; i++) {
        if (bytes[i] >= 0x80)
            return false;
    }
    return true;
}

/* Writes the stem of the token being built to analyzer->term + 1; returns its size, 0: none. */
static uint32_t make_stem(struct text_analyzer *analyzer, enum text_language language)
{
    struct sb_stemmer *stemmer = stemmer_of(analyzer, language);
    if (stemmer == NULL)
        return 0;
    const uint8_t *stem = sb_stemmer_stem(stemmer, analyzer->marked, (int)analyzer->marked_size);
    int size = stem == NULL ? 0 : sb_stemmer_length(stemmer);
    if (size <= 0)
        return 0;
    if (size <= TEXT_TERM_MAX && is_ascii(stem, (size_t)size)) {
        memcpy(analyzer->term + 1, stem, (size_t)size);
        return (uint32_t)size;
    }
    return fold_stem(stem, (size_t)size, analyzer->term + 1);
}

static uint32_t find_stem(struct text_analyzer *analyzer, enum text_language language)
{
    if (analyzer->marked_size > CACHE_WORD_MAX)
        return make_stem(analyzer, language);
    /* One word's languages have different places: there are fewer of them than entries. */
    uint64_t hash = hash64(analyzer->marked, analyzer->marked_size) + language;
    struct cached_stem *cached = &analyzer->cache[hash % CACHE_ENTRIES];
    if (cached->word_size == analyzer->marked_size &&
        memcmp(cached->word, analyzer->marked, cached->word_size) == 0) {
        memcpy(analyzer->term + 1, cached->stem, cached->stem_size);
        return cached->stem_size;
    }
    uint32_t size = make_stem(analyzer, language);
    if (size <= CACHE_WORD_MAX) {
        memcpy(cached->word, analyzer->marked, analyzer->marked_size);
        memcpy(cached->stem, analyzer->term + 1, size);
        cached->word_size = (uint8_t)analyzer->marked_size;
        cached->stem_size = (uint8_t)size;
    }
    return size;
}

/* ---- tokens ---- */

static bool append_bytes(struct text_analyzer *analyzer, const struct folded_cluster *folded)
{
    if (analyzer->marked_size + folded->marked_size > TEXT_TERM_MAX ||
        analyzer->plain_size + folded->plain_size > TEXT_TERM_MAX)
        return false;
    memcpy(analyzer->marked + analyzer->marked_size, folded->marked, folded->marked_size);
    memcpy(analyzer->plain + analyzer->plain_size, folded->plain, folded->plain_size);
    analyzer->marked_size += folded->marked_size;
    analyzer->plain_size += folded->plain_size;
    return true;
}

/*
 * What may stand between two characters of one token: an apostrophe between letters, where more
 * than an article or a pronoun ("l'", "d'", "qu'") stands in front of it, and a point between
 * digits. Returns the byte that it is folded to, or 0.
 */
static uint8_t joiner(uint32_t character, enum character_class before, unsigned letters_before)
{
    bool apostrophe = character == '\'' || character == 0x2019 || character == 0xff07;
    if (apostrophe && before == CHARACTER_LETTER && letters_before > 2)
        return '\'';
    return character == '.' && before == CHARACTER_DIGIT ? '.' : 0;
}

static bool in_word(enum character_class class)
{
    return class == CHARACTER_LETTER || class == CHARACTER_DIGIT;
}

/* A word while it is read. */
struct word {
    const char *end;             /* of what was taken */
    enum character_class before; /* of the last character taken */
    unsigned letters;            /* up to it, without anything else between */
    enum script script;          /* of the first letter */
    bool has_letter;
    bool full; /* no more goes into the token; the rest is skipped */
};

static void count_character(struct word *word, enum character_class class, enum script script)
{
    word->before = class;
    word->letters = class == CHARACTER_LETTER ? word->letters + 1 : 0;
    if (class == CHARACTER_LETTER && !word->has_letter) {
        word->script = script;
        word->has_letter = true;
    }
}

/* Takes the plain letters and digits that begin at analyzer->next, but for the last one where a
 * mark may follow it: the fast way through most texts. Leaves `next` behind them. */
static void take_ascii(struct text_analyzer *analyzer, struct word *word)
{
    const char *at = analyzer->next.start;
    const char *end = at;
    while (end < analyzer->end && ascii_folded[(unsigned char)*end] != 0)
        end++;
    if (end < analyzer->end && (unsigned char)*end >= 0x80)
        end--;
    if (end <= at)
        return;
    for (; at < end; at++) {
        uint8_t byte = ascii_folded[(unsigned char)*at];
        word->full = word->full || analyzer->marked_size == TEXT_TERM_MAX ||
                     analyzer->plain_size == TEXT_TERM_MAX;
        if (!word->full)
            analyzer->marked[analyzer->marked_size++] = analyzer->plain[analyzer->plain_size++] =
                byte;
        count_character(word, byte <= '9' ? CHARACTER_DIGIT : CHARACTER_LETTER, SCRIPT_LATIN);
    }
    word->end = end;
    read_cluster(analyzer, end);
}

static void take_cluster(struct text_analyzer *analyzer, struct word *word)
{
    struct cluster *next = &analyzer->next;
    word->full = word->full || !append_bytes(analyzer, &next->folded);
    count_character(word, next->class, next->script);
    word->end = next->end;
    read_cluster(analyzer, word->end);
}

/* Takes a joiner, where the same kind of character stands behind it as in front. */
static bool take_joiner(struct text_analyzer *analyzer, struct word *word)
{
    struct cluster *next = &analyzer->next;
    uint8_t join = joiner(next->character, word->before, word->letters);
    if (next->class != CHARACTER_OTHER || join == 0 || next->end == analyzer->end)
        return false;
    struct cluster between = *next;
    read_cluster(analyzer, between.end);
    if (next->class != word->before) {
        *next = between;
        return false;
    }
    struct folded_cluster folded = {{join}, {join}, 1, 1};
    word->full = word->full || !append_bytes(analyzer, &folded);
    return true;
}

/* Fills marked and plain with the word that begins at analyzer->next; leaves `next` behind it. */
static void read_word(struct text_analyzer *analyzer, struct word *word)
{
    *word = (struct word){.end = analyzer->next.start, .script = SCRIPT_LATIN};
    do {
        while (in_word(analyzer->next.class)) {
            if (analyzer->next.character < 0x80)
                take_ascii(analyzer, word);
            if (in_word(analyzer->next.class))
                take_cluster(analyzer, word);
        }
    } while (take_joiner(analyzer, word));
}

/* Puts the language in front of the stem: see TEXT_TERM_IS_OF_LANGUAGE(). */
static void mark_language(struct text_analyzer *analyzer, enum text_language language,
                          struct text_token *token)
{
    static_assert(TEXT_LANGUAGE_COUNT <= 0x40, "a language is six bits");
    analyzer->term[0] = (uint8_t)(0x80 | language);
    token->term = analyzer->term;
    token->term_size++;
    if (token->term_size > TEXT_TERM_MAX) {
        token->term_size = TEXT_TERM_MAX;
        while (utf8_continues((char)analyzer->term[token->term_size]))
            token->term_size--;
    }
}

static void next_word(struct text_analyzer *analyzer, struct text_token *token)
{
    struct word word;
    token->start = (uint32_t)(analyzer->next.start - analyzer->begin);
    read_word(analyzer, &word);
    token->end = (uint32_t)(word.end - analyzer->begin);
    token->pair = false;
    token->exact = analyzer->plain;
    token->exact_size = analyzer->plain_size;

    enum text_language language = language_has_script(analyzer->language, word.script)
                                      ? analyzer->language
                                      : language_of_script(word.script);
    /* A Latin word in a language without a stemmer is left alone; in any other script's it is what
     * the script makes likely. */
    if (analyzer->language == TEXT_LANGUAGE_OTHER && word.script == SCRIPT_LATIN)
        language = TEXT_LANGUAGE_OTHER;
    uint32_t stem_size = word.has_letter ? find_stem(analyzer, language) : 0;
    token->term = analyzer->term + 1;
    token->term_size = stem_size;
    if (stem_size == 0) {
        token->term = analyzer->plain;
        token->term_size = analyzer->plain_size;
    } else if (language != language_of_script(word.script)) {
        mark_language(analyzer, language, token);
    }
    if (token->term_size == token->exact_size &&
        memcmp(token->term, token->exact, token->term_size) == 0)
        token->exact_size = 0;
}

/* The character at analyzer->next and its neighbour; leaves `next` at the neighbour. */
static void next_pair(struct text_analyzer *analyzer, struct text_token *token)
{
    struct cluster *next = &analyzer->next;
    token->start = (uint32_t)(next->start - analyzer->begin);
    append_bytes(analyzer, &next->folded);
    uint32_t first_size = analyzer->plain_size;
    const char *end = next->end;
    read_cluster(analyzer, end);
    token->exact_size = 0;
    token->exact = analyzer->plain;
    if (next->class == CHARACTER_PAIRED && append_bytes(analyzer, &next->folded)) {
        token->exact_size = first_size;
        end = next->end;
    }
    token->end = (uint32_t)(end - analyzer->begin);
    token->term = analyzer->plain;
    token->term_size = analyzer->plain_size;
    token->pair = true;
}

bool text_analyzer_next(struct text_analyzer *analyzer, struct text_token *ret_token)
{
    struct cluster *next = &analyzer->next;
    do {
        while (next->class == CHARACTER_OTHER) {
            const char *at = next->end;
            while (at < analyzer->end && (unsigned char)*at < 0x80 &&
                   ascii_folded[(unsigned char)*at] == 0)
                at++;
            if (at == analyzer->end)
                return false;
            read_cluster(analyzer, at);
        }
        analyzer->marked_size = analyzer->plain_size = 0;
        if (next->class == CHARACTER_PAIRED)
            next_pair(analyzer, ret_token);
        else
            next_word(analyzer, ret_token);
    } while (ret_token->term_size == 0); /* folding may leave nothing */
    ret_token->position = analyzer->position++;
    return true;
}

/* ---- folding for show ---- */

#define FOLD_CHARACTERS_MAX 4096

size_t text_fold(struct text_slice text, char *ret, size_t capacity)
{
    int32_t folded[FOLD_CHARACTERS_MAX];
    size_t count = 0;
    int boundary = 0;
    for (size_t at = 0; at < text.size && count + 32 < FOLD_CHARACTERS_MAX;) {
        uint32_t character;
        at += text_decode(text.bytes + at, text.size - at, &character);
        utf8proc_category_t category = utf8proc_category((utf8proc_int32_t)character);
        bool blank = category == UTF8PROC_CATEGORY_ZS || category == UTF8PROC_CATEGORY_ZL ||
                     category == UTF8PROC_CATEGORY_ZP || category == UTF8PROC_CATEGORY_CC ||
                     category == UTF8PROC_CATEGORY_CN || character == 0xfffd;
        if (blank) {
            if (count > 0 && folded[count - 1] != ' ')
                folded[count++] = ' ';
            continue;
        }
        utf8proc_ssize_t size = utf8proc_decompose_char(
            (utf8proc_int32_t)character, folded + count, 32,
            UTF8PROC_DECOMPOSE | UTF8PROC_COMPAT | UTF8PROC_CASEFOLD | UTF8PROC_IGNORE, &boundary);
        if (size > 0 && size <= 32)
            count += (size_t)size;
    }
    while (count > 0 && folded[count - 1] == ' ')
        count--;
    utf8proc_ssize_t composed = utf8proc_normalize_utf32(folded, (utf8proc_ssize_t)count,
                                                         UTF8PROC_COMPOSE | UTF8PROC_STABLE);
    size_t used = 0;
    for (utf8proc_ssize_t i = 0; i < composed; i++) {
        uint8_t bytes[4];
        size_t size = (size_t)utf8proc_encode_char(folded[i], bytes);
        if (used + size > capacity)
            break;
        memcpy(ret + used, bytes, size);
        used += size;
    }
    return used;
}
