#include "text/language_detect.h"

#include <assert.h>
#include <pthread.h>
#include <string.h>
#include <strings.h>
#include <utf8proc.h>

#include "base/bytes.h"
#include "base/check.h"
#include "text/character.h"

/* A language and the script that it shares with others. */
struct model {
    const char *tag;
    enum script script;
};

/* How much more common a run of letters is in a language than in texts that do not know it. */
struct gram_weight {
    const char gram[9];
    uint8_t model;
    uint8_t weight;
};

#include "language_grams.inc"

/* By how much the likeness to one language must outweigh that to any other. Like the logarithm of
 * odds, it does not depend on how much text there is. */
#define EVIDENCE_MIN 24
/* What it takes to doubt what a page says of itself: text, and a margin for each letter of it that
 * related languages (Spanish and Catalan, Danish and Norwegian) do not reach. */
#define PLAIN_LETTERS_MIN 150
#define PLAIN_MARGIN      1

#define MODELS       ARRAY_COUNT(models)
#define MODELS_ROOM  64 /* a multiple of what vectors hold */
#define GRAM_LETTERS 5
#define GRAM_BYTES   8
#define WEIGHT_MAX   16

/* ---- the table of grams ---- */

#define PLACES_BITS 14
#define PLACES      (1u << PLACES_BITS)
#define GRAMS_MAX   (PLACES / 2)

static struct {
    uint64_t grams[PLACES];   /* 0: free */
    uint16_t numbers[PLACES]; /* of their rows */
    uint8_t weights[GRAMS_MAX][MODELS_ROOM];
    uint16_t count;
} table;
static pthread_once_t table_once = PTHREAD_ONCE_INIT;

static size_t table_place(uint64_t gram)
{
    size_t at = (size_t)((gram * 0x9e3779b97f4a7c15u) >> (64 - PLACES_BITS));
    while (table.grams[at] != 0 && table.grams[at] != gram)
        at = (at + 1) & (PLACES - 1);
    return at;
}

static void fill_table(void)
{
    static_assert(MODELS <= MODELS_ROOM, "more languages than there is room for");
    for (size_t i = 0; i < ARRAY_COUNT(gram_weights); i++) {
        const struct gram_weight *row = &gram_weights[i];
        uint64_t gram = 0;
        memcpy(&gram, row->gram, strlen(row->gram));
        size_t at = table_place(gram);
        if (table.grams[at] == 0) {
            CHECK(table.count < GRAMS_MAX);
            table.grams[at] = gram;
            table.numbers[at] = table.count++;
        }
        CHECK(row->weight <= WEIGHT_MAX);
        table.weights[table.numbers[at]][row->model] = row->weight;
    }
}

/* ---- scripts ---- */

/* Languages that have a script to themselves, as far as pages go. */
enum lone {
    LONE_GREEK,
    LONE_ARMENIAN,
    LONE_BENGALI,
    LONE_PANJABI,
    LONE_GUJARATI,
    LONE_TAMIL,
    LONE_TELUGU,
    LONE_KANNADA,
    LONE_MALAYALAM,
    LONE_SINHALA,
    LONE_THAI,
    LONE_LAO,
    LONE_BURMESE,
    LONE_GEORGIAN,
    LONE_AMHARIC,
    LONE_KHMER,
    LONE_JAPANESE, /* its kana */
    LONE_KOREAN,
    LONE_CHINESE, /* Han, which the Japanese write, too */
    LONE_COUNT
};

static const char lone_tags[LONE_COUNT][3] = {
    "el", "hy", "bn", "pa", "gu", "ta", "te", "kn", "ml", "si",
    "th", "lo", "my", "ka", "am", "km", "ja", "ko", "zh",
};

static const struct {
    uint32_t first;
    uint32_t last;
    enum lone language;
} lone_scripts[] = {
    {0x0370, 0x03ff, LONE_GREEK},     {0x0530, 0x058f, LONE_ARMENIAN},
    {0x0980, 0x09ff, LONE_BENGALI},   {0x0a00, 0x0a7f, LONE_PANJABI},
    {0x0a80, 0x0aff, LONE_GUJARATI},  {0x0b80, 0x0bff, LONE_TAMIL},
    {0x0c00, 0x0c7f, LONE_TELUGU},    {0x0c80, 0x0cff, LONE_KANNADA},
    {0x0d00, 0x0d7f, LONE_MALAYALAM}, {0x0d80, 0x0dff, LONE_SINHALA},
    {0x0e00, 0x0e7f, LONE_THAI},      {0x0e80, 0x0eff, LONE_LAO},
    {0x1000, 0x109f, LONE_BURMESE},   {0x10a0, 0x10ff, LONE_GEORGIAN},
    {0x1100, 0x11ff, LONE_KOREAN},    {0x1200, 0x137f, LONE_AMHARIC},
    {0x1780, 0x17ff, LONE_KHMER},     {0x1c90, 0x1cbf, LONE_GEORGIAN},
    {0x1f00, 0x1fff, LONE_GREEK},     {0x3040, 0x30ff, LONE_JAPANESE},
    {0x3130, 0x318f, LONE_KOREAN},    {0x3400, 0x9fff, LONE_CHINESE},
    {0xac00, 0xd7ff, LONE_KOREAN},    {0xff66, 0xff9d, LONE_JAPANESE},
};

enum { SCRIPT_COUNT = SCRIPT_TAMIL + 1 };

/* The letters of a sample. */
struct sample {
    uint32_t shared[SCRIPT_COUNT];                         /* by scripts that languages share */
    uint32_t lone[LONE_COUNT];                             /* by languages that do not */
    uint32_t letters;                                      /* of all */
    uint8_t bytes[3 * LANGUAGE_SAMPLE_BYTES + GRAM_BYTES]; /* words in lower case, "_" between */
    size_t size;
};

static void count_letter(struct sample *sample, uint32_t character)
{
    sample->letters++;
    if (character < 0x370) {
        sample->shared[SCRIPT_LATIN]++;
        return;
    }
    for (size_t i = 0; i < ARRAY_COUNT(lone_scripts); i++) {
        if (character >= lone_scripts[i].first && character <= lone_scripts[i].last) {
            sample->lone[lone_scripts[i].language]++;
            return;
        }
    }
    sample->shared[character_script(character)]++;
}

/* ---- the sample ---- */

static void add_edge(struct sample *sample)
{
    if (sample->bytes[sample->size - 1] != '_')
        sample->bytes[sample->size++] = '_';
}

static void add_character(struct sample *sample, uint32_t character)
{
    enum character_class class = character_class(character);
    if (class == CHARACTER_IGNORED)
        return;
    if (class != CHARACTER_LETTER && class != CHARACTER_PAIRED && class != CHARACTER_MARK) {
        add_edge(sample);
        return;
    }
    if (class != CHARACTER_MARK)
        count_letter(sample, character);
    if (class != CHARACTER_PAIRED)
        sample->size += (size_t)utf8proc_encode_char(utf8proc_tolower((utf8proc_int32_t)character),
                                                     sample->bytes + sample->size);
}

static void add_slice(struct sample *sample, const char *at, const char *end)
{
    while (at < end) {
        unsigned char lower = (unsigned char)*at | 0x20;
        if (lower >= 'a' && lower <= 'z') {
            sample->bytes[sample->size++] = lower;
            sample->letters++;
            sample->shared[SCRIPT_LATIN]++;
            at++;
        } else if ((unsigned char)*at < 0x80) {
            add_edge(sample);
            at++;
        } else {
            uint32_t character;
            at += text_decode(at, (size_t)(end - at), &character);
            add_character(sample, character);
        }
    }
    add_edge(sample);
}

/* Of a long text three slices: its beginning is often the same on all pages of a site. */
static void take_sample(struct sample *sample, struct text_slice text)
{
    memset(sample, 0, offsetof(struct sample, bytes));
    sample->bytes[0] = '_';
    sample->size = 1;
    if (text.size <= LANGUAGE_SAMPLE_BYTES) {
        add_slice(sample, text.bytes, text.bytes + text.size);
        return;
    }
    for (size_t i = 1; i <= 3; i++) {
        const char *at = text.bytes + (text.size - LANGUAGE_SAMPLE_BYTES / 3) / 4 * i;
        const char *end = at + LANGUAGE_SAMPLE_BYTES / 3;
        while (at < end && utf8_continues(*at))
            at++;
        while (end > at && utf8_continues(*end))
            end--;
        add_slice(sample, at, end);
    }
}

/* ---- likeness ---- */

struct likeness {
    uint16_t scores[MODELS_ROOM];
    unsigned best; /* of the models of a script; MODELS: none */
    uint32_t second_score;
};

static void add_weights(uint16_t *restrict scores, const uint8_t *restrict weights)
{
    for (unsigned i = 0; i < MODELS_ROOM; i++)
        scores[i] = (uint16_t)(scores[i] + weights[i]);
}

/* Every gram that begins with the letter at `at`. Where a gram is not known, no longer one is: it
 * would be rarer. Single ASCII letters say nothing. */
static void add_grams(struct likeness *likeness, const uint8_t *at, const uint8_t *end)
{
    uint64_t gram = 0;
    unsigned size = 0;
    for (unsigned letters = 0; letters < GRAM_LETTERS && at + size < end; letters++) {
        do {
            if (size == GRAM_BYTES)
                return;
            gram |= (uint64_t)at[size] << 8 * size;
            size++;
        } while (at + size < end && utf8_continues((char)at[size]));
        if (size == 1)
            continue;
        size_t place = table_place(gram);
        if (table.grams[place] == 0)
            return;
        add_weights(likeness->scores, table.weights[table.numbers[place]]);
    }
}

static void find_likeness(const struct sample *sample, enum script script,
                          struct likeness *ret_likeness)
{
    static_assert((LANGUAGE_SAMPLE_BYTES + 4) * GRAM_LETTERS * WEIGHT_MAX <= UINT16_MAX,
                  "a score does not fit");
    pthread_once(&table_once, fill_table);
    *ret_likeness = (struct likeness){.best = MODELS};
    for (size_t i = 0; i < sample->size; i++) {
        if (!utf8_continues((char)sample->bytes[i]))
            add_grams(ret_likeness, sample->bytes + i, sample->bytes + sample->size);
    }
    uint32_t best_score = 0;
    for (unsigned i = 0; i < MODELS; i++) {
        uint32_t score = models[i].script == script ? ret_likeness->scores[i] : 0;
        if (score > best_score) {
            ret_likeness->second_score = best_score;
            best_score = score;
            ret_likeness->best = i;
        } else if (score > ret_likeness->second_score) {
            ret_likeness->second_score = score;
        }
    }
}

/* ---- deciding ---- */

static struct text_slice tag_of(const char *tag)
{
    return (struct text_slice){tag, strlen(tag)};
}

/* The language that has the script of most letters to itself; NULL: none. */
static const char *by_script(const struct sample *sample)
{
    uint32_t counts[LONE_COUNT];
    memcpy(counts, sample->lone, sizeof(counts));
    if (counts[LONE_JAPANESE] * 8 > counts[LONE_CHINESE]) {
        counts[LONE_JAPANESE] += counts[LONE_CHINESE];
        counts[LONE_CHINESE] = 0;
    }
    for (unsigned i = 0; i < LONE_COUNT; i++) {
        if (counts[i] * 2 > sample->letters)
            return lone_tags[i];
    }
    return NULL;
}

/* The script that languages share which most letters are of; SCRIPT_COUNT: none. */
static unsigned shared_script(const struct sample *sample)
{
    for (unsigned i = 0; i < SCRIPT_COUNT; i++) {
        if (sample->shared[i] * 2 > sample->letters)
            return i;
    }
    return SCRIPT_COUNT;
}

/* The text's script or words speak for a language, and how much more than for the next. */
struct verdict {
    const char *tag; /* NULL: none */
    uint32_t letters;
    bool by_words; /* `likeness` says it */
    struct likeness likeness;
};

static void judge(struct text_slice text, struct verdict *ret_verdict)
{
    struct sample sample;
    take_sample(&sample, text);
    *ret_verdict = (struct verdict){.letters = sample.letters};
    if (sample.letters < LANGUAGE_LETTERS_MIN)
        return;
    ret_verdict->tag = by_script(&sample);
    unsigned script = shared_script(&sample);
    if (ret_verdict->tag != NULL || script == SCRIPT_COUNT)
        return;
    struct likeness *likeness = &ret_verdict->likeness;
    find_likeness(&sample, (enum script)script, likeness);
    if (likeness->best == MODELS ||
        likeness->scores[likeness->best] < likeness->second_score + EVIDENCE_MIN)
        return;
    ret_verdict->tag = models[likeness->best].tag;
    ret_verdict->by_words = true;
}

struct text_slice language_detect(struct text_slice text)
{
    struct verdict verdict;
    judge(text, &verdict);
    if (verdict.tag == NULL)
        return (struct text_slice){0};
    return tag_of(verdict.tag);
}

/* Whether the text is so much more like another language than like its page's that the page says
 * what its template said. */
static bool contradicts(const struct verdict *verdict, enum text_language said)
{
    if (verdict->letters < PLAIN_LETTERS_MIN || text_language_stemmer(said) == NULL ||
        said == TEXT_LANGUAGE_SERBIAN /* which is written in two scripts */)
        return false;
    const struct likeness *likeness = &verdict->likeness;
    uint32_t said_score = 0;
    for (unsigned i = 0; verdict->by_words && i < MODELS; i++) {
        if (models[i].script == models[likeness->best].script &&
            text_language_of(models[i].tag, strlen(models[i].tag)) == said)
            said_score = likeness->scores[i];
    }
    return !verdict->by_words ||
           likeness->scores[likeness->best] >= said_score + verdict->letters * PLAIN_MARGIN;
}

/* Not even a language that is not known here. */
static bool says_nothing(struct text_slice tag)
{
    static const char *const nothing[] = {"und", "mul", "mis", "zxx"};
    size_t letters = 0;
    while (letters < tag.size && tag.bytes[letters] != '-' && tag.bytes[letters] != '_')
        letters++;
    bool says = letters == 2 || letters == 3;
    for (size_t i = 0; i < ARRAY_COUNT(nothing); i++)
        says = says && (letters != 3 || strncasecmp(tag.bytes, nothing[i], 3) != 0);
    return !says;
}

struct text_slice language_settle(struct text_slice tag, struct text_slice text)
{
    struct verdict verdict;
    judge(text, &verdict);
    enum text_language said = text_language_of(tag.bytes, tag.size);
    if (verdict.tag == NULL)
        return tag;
    struct text_slice found = tag_of(verdict.tag);
    if (says_nothing(tag))
        return found;
    return text_language_of(found.bytes, found.size) != said && contradicts(&verdict, said) ? found
                                                                                            : tag;
}
