#include "index/correct.h"

#include <stdlib.h>
#include <string.h>

#include "base/bytes.h"
#include "index/state.h"
#include "index/vocabulary.h"

#define LENGTH_FOR_ONE 3 /* characters of a word that may have one edit, and two */
#define LENGTH_FOR_TWO 6
#define GATHERED_MAX   16 /* of each segment, before they are counted */
#define KEY_STEPS      4  /* of a limit, for a key of the dictionary */
#define SECOND_EDIT    32 /* times less likely */
#define FIRST_LETTER   4

/* ---- distances ---- */

/* The word looked for, and the table of distances down to the current key. */
struct fuzzy {
    uint32_t word[CORRECT_CHARACTERS_MAX];
    uint32_t word_size; /* characters */
    uint32_t end;       /* a near key has none from here on */
    unsigned distance_max;
    uint32_t key[KEY_MAX];      /* its characters, as far as they were read */
    uint32_t key_ends[KEY_MAX]; /* bytes up to the end of each */
    uint32_t key_size;
    /* rows[n][m]: edits between the first n characters of the key and the first m of the word; no
     * number is larger than distance_max + 1. */
    uint8_t rows[KEY_MAX + 1][CORRECT_CHARACTERS_MAX + 1];
    uint8_t bytes[KEY_MAX]; /* of the key */
};

static bool is_digit(uint32_t character)
{
    return character >= '0' && character <= '9';
}

/* Nobody types a letter of another part of Unicode by mistake: behind the Latin letters, and behind
 * the alphabets as a whole. */
static uint32_t alphabet_end(uint32_t character)
{
    return character < 0x250 ? 0x250 : character < 0x2e80 ? 0x2e80 : 0x110000;
}

/* False: the word is not one that is corrected. */
static bool fuzzy_init(struct fuzzy *fuzzy, struct text_slice word)
{
    fuzzy->word_size = fuzzy->key_size = fuzzy->end = 0;
    for (size_t at = 0; at < word.size;) {
        uint32_t character;
        at += text_decode(word.bytes + at, word.size - at, &character);
        if (fuzzy->word_size == CORRECT_CHARACTERS_MAX || is_digit(character))
            return false;
        fuzzy->word[fuzzy->word_size++] = character;
        if (fuzzy->end < alphabet_end(character))
            fuzzy->end = alphabet_end(character);
    }
    if (fuzzy->word_size < LENGTH_FOR_ONE)
        return false;
    fuzzy->distance_max = fuzzy->word_size < LENGTH_FOR_TWO ? 1 : 2;
    for (uint32_t m = 0; m <= fuzzy->word_size; m++)
        fuzzy->rows[0][m] = (uint8_t)(m <= fuzzy->distance_max ? m : fuzzy->distance_max + 1);
    return true;
}

static uint8_t smaller(uint8_t a, uint8_t b)
{
    return a < b ? a : b;
}

/* Fills the row of the key's last character. Returns its smallest number: no key that begins so is
 * nearer. */
static unsigned fill_row(struct fuzzy *fuzzy)
{
    uint32_t n = fuzzy->key_size;
    uint32_t character = fuzzy->key[n - 1];
    const uint8_t *above = fuzzy->rows[n - 1];
    uint8_t *row = fuzzy->rows[n];
    uint8_t limit = (uint8_t)(fuzzy->distance_max + 1);
    uint8_t least = row[0] = n < limit ? (uint8_t)n : limit;
    for (uint32_t m = 1; m <= fuzzy->word_size; m++) {
        bool is_same = character == fuzzy->word[m - 1];
        uint8_t edits = smaller((uint8_t)(above[m - 1] + !is_same),
                                (uint8_t)(smaller(above[m], row[m - 1]) + 1));
        if (n > 1 && m > 1 && character == fuzzy->word[m - 2] &&
            fuzzy->key[n - 2] == fuzzy->word[m - 1])
            edits = smaller(edits, (uint8_t)(fuzzy->rows[n - 2][m - 2] + 1));
        row[m] = smaller(edits, limit);
        least = smaller(least, row[m]);
    }
    return least;
}

/* How far keys that begin like the current one may be away. */
static unsigned distance_allowed(const struct fuzzy *fuzzy)
{
    return fuzzy->key[0] == fuzzy->word[0] ? fuzzy->distance_max : 1;
}

/* Reads a key, of which what it shares with the last one is known. Returns its distance, or
 * UINT32_MAX. *ret_ruled_out: no key is near that begins with the characters that were read. */
static unsigned read_key(struct fuzzy *fuzzy, const uint8_t *key, uint32_t size,
                         bool *ret_ruled_out)
{
    *ret_ruled_out = false;
    uint32_t shared = 0;
    uint32_t known = fuzzy->key_size == 0 ? 0 : fuzzy->key_ends[fuzzy->key_size - 1];
    while (shared < known && shared < size && fuzzy->bytes[shared] == key[shared])
        shared++;
    while (fuzzy->key_size > 0 && fuzzy->key_ends[fuzzy->key_size - 1] > shared)
        fuzzy->key_size--;
    uint32_t at = fuzzy->key_size == 0 ? 0 : fuzzy->key_ends[fuzzy->key_size - 1];
    memcpy(fuzzy->bytes + at, key + at, size - at);
    while (at < size) {
        uint32_t character;
        at += (uint32_t)text_decode((const char *)key + at, size - at, &character);
        fuzzy->key[fuzzy->key_size] = character;
        fuzzy->key_ends[fuzzy->key_size++] = at;
        if (is_digit(character) || character >= fuzzy->end ||
            fill_row(fuzzy) > distance_allowed(fuzzy)) {
            *ret_ruled_out = true;
            return UINT32_MAX;
        }
    }
    unsigned distance = fuzzy->rows[fuzzy->key_size][fuzzy->word_size];
    return distance <= distance_allowed(fuzzy) ? distance : UINT32_MAX;
}

/*
 * The first character behind `last` that may follow the first n of the key, which can be near:
 * where no edit is left, one that the word has there. UINT32_MAX: there is none.
 */
static uint32_t next_character(const struct fuzzy *fuzzy, uint32_t n, uint32_t last)
{
    uint32_t next = UINT32_MAX;
    const uint8_t *row = fuzzy->rows[n];
    unsigned allowed = n == 0 ? fuzzy->distance_max : distance_allowed(fuzzy);
    for (uint32_t m = 0; m <= fuzzy->word_size; m++) {
        if (row[m] < allowed)
            return last + 1 < fuzzy->end ? last + 1 : UINT32_MAX;
        if (m == fuzzy->word_size)
            break;
        bool fits = row[m] == allowed;
        bool is_swapped = n > 0 && m + 1 < fuzzy->word_size && fuzzy->rows[n - 1][m] < allowed &&
                          fuzzy->key[n - 1] == fuzzy->word[m + 1];
        if ((fits || is_swapped) && fuzzy->word[m] > last && fuzzy->word[m] < next)
            next = fuzzy->word[m];
    }
    return next;
}

static uint32_t put_character(uint32_t character, uint8_t *ret)
{
    if (character < 0x80) {
        ret[0] = (uint8_t)character;
        return 1;
    }
    uint32_t size = character < 0x800 ? 2 : character < 0x10000 ? 3 : 4;
    static const uint8_t leads[] = {0, 0, 0xc0, 0xe0, 0xf0};
    for (uint32_t i = size - 1; i > 0; i--, character >>= 6)
        ret[i] = (uint8_t)(0x80 | (character & 0x3f));
    ret[0] = (uint8_t)(leads[size] | character);
    return size;
}

/* The bytes that the next near key does not lie in front of, when the last character read has ruled
 * the current one out, in `ret`, and how many; 0: there is none. */
static uint32_t next_target(const struct fuzzy *fuzzy, uint8_t ret[KEY_MAX + 4])
{
    for (uint32_t n = fuzzy->key_size; n-- > 0;) {
        uint32_t next = next_character(fuzzy, n, fuzzy->key[n]);
        uint32_t size = n == 0 ? 0 : fuzzy->key_ends[n - 1];
        if (next == UINT32_MAX)
            continue;
        memcpy(ret, fuzzy->bytes, size);
        return size + put_character(next, ret + size);
    }
    return 0;
}

/* ---- the walk ---- */

struct found {
    struct vocabulary_word word;
    unsigned distance;
};

static struct correction_candidate candidate_of(const struct found *found)
{
    return (struct correction_candidate){
        .term = {(const char *)found->word.term, found->word.size},
        .documents = found->word.documents,
        .distance = found->distance,
    };
}

static bool is_likelier(struct text_slice word, const struct found *a, const struct found *b)
{
    struct correction_candidate first = candidate_of(a);
    struct correction_candidate second = candidate_of(b);
    uint64_t first_likelihood = correction_likelihood(word, &first);
    uint64_t second_likelihood = correction_likelihood(word, &second);
    return first_likelihood != second_likelihood
               ? first_likelihood > second_likelihood
               : key_compare(a->word.term, a->word.size, b->word.term, b->word.size) < 0;
}

/* The likeliest so far, best first. */
struct gathered {
    struct text_slice word;
    struct found best[GATHERED_MAX];
    size_t count;
    struct arena *arena;
    bool no_memory;
};

static bool is_wanted(const struct gathered *gathered, const struct found *found)
{
    return gathered->count < GATHERED_MAX ||
           is_likelier(gathered->word, found, &gathered->best[GATHERED_MAX - 1]);
}

/* One that is wanted. */
static void gather(struct gathered *gathered, const struct found *found)
{
    size_t at = gathered->count;
    if (at == GATHERED_MAX)
        at--;
    else
        gathered->count++;
    struct found copy = *found;
    copy.word.term = arena_copy(gathered->arena, found->word.term, found->word.size);
    gathered->no_memory |= copy.word.term == NULL;
    if (copy.word.term == NULL) {
        gathered->count = at;
        return;
    }
    for (; at > 0 && is_likelier(gathered->word, &copy, &gathered->best[at - 1]); at--)
        gathered->best[at] = gathered->best[at - 1];
    gathered->best[at] = copy;
}

/* Whether the block behind the cursor's begins in front of the target. */
static bool lies_behind(const struct dictionary_cursor *cursor, const uint8_t *target,
                        uint32_t size)
{
    const struct part *index = &cursor->segment->parts[PART_DICTIONARY_INDEX];
    const uint8_t *row = cursor->block < cursor->segment->block_count
                             ? part_row(index, cursor->block, DICTIONARY_ROW_BYTES)
                             : NULL;
    return row != NULL && get_le64(row + 8) < key_head(target, size);
}

/* Moves on to the first key not below the target, at least by one. */
static void leap(struct dictionary_cursor *cursor, const uint8_t *target, uint32_t size)
{
    if (size == 0) { /* there is none */
        cursor->key_size = 0;
        return;
    }
    bool is_ahead = key_compare(cursor->key, cursor->key_size, target, size) < 0;
    if (is_ahead && lies_behind(cursor, target, size)) {
        dictionary_cursor_seek(cursor, cursor->segment, target, size);
        return;
    }
    do
        dictionary_cursor_next(cursor);
    while (cursor->key_size > 0 && key_compare(cursor->key, cursor->key_size, target, size) < 0);
}

struct correcting {
    struct vocabulary vocabulary;
    struct limit_watch watch;
    struct text_analyzer *analyzer;
    struct arena *arena;
    struct error *err;
    struct fuzzy fuzzy;
};

/* The cursor's key is near. What the asker may not know takes no place. */
static enum status take_key(struct correcting *self, const struct snapshot_entry *entry,
                            const struct dictionary_cursor *cursor, unsigned distance,
                            struct gathered *gathered)
{
    struct found found = {{cursor->key, cursor->key_size, cursor->entry.written.count, 0},
                          distance};
    bool is_known = false;
    enum status status = STATUS_OK;
    if (cursor->entry.written.count > 0 && is_wanted(gathered, &found))
        status = vocabulary_knows(&self->vocabulary, entry, &cursor->entry, &is_known, self->err);
    if (status == STATUS_OK && is_known)
        gather(gathered, &found);
    return status;
}

static enum status walk(struct correcting *self, const struct snapshot_entry *entry,
                        struct gathered *gathered)
{
    static const uint8_t first[] = {' '}; /* before it are keys that are no words */
    static const uint8_t behind_stems[] = {0xc0};
    uint8_t target[KEY_MAX + 4];
    struct fuzzy *fuzzy = &self->fuzzy;
    struct dictionary_cursor cursor;
    enum status status = STATUS_OK;
    fuzzy->key_size = 0;
    dictionary_cursor_seek(&cursor, entry->segment, first, sizeof(first));
    for (uint32_t keys = 0; status == STATUS_OK && keys < CORRECT_KEYS_MAX && cursor.key_size > 0;
         keys++) {
        bool is_ruled_out;
        if (limit_watch_stops(&self->watch, KEY_STEPS))
            return limit_watch_status(&self->watch, self->err);
        if (TEXT_TERM_IS_OF_LANGUAGE(cursor.key)) { /* stems: they lie together */
            leap(&cursor, behind_stems, sizeof(behind_stems));
            continue;
        }
        unsigned distance = read_key(fuzzy, cursor.key, cursor.key_size, &is_ruled_out);
        if (distance > 0 && distance <= fuzzy->distance_max)
            status = take_key(self, entry, &cursor, distance, gathered);
        if (is_ruled_out)
            leap(&cursor, target, next_target(fuzzy, target));
        else
            dictionary_cursor_next(&cursor);
    }
    if (gathered->no_memory)
        return error_set(self->err, STATUS_NO_MEMORY, "corrections");
    return cursor.corrupt ? segment_corrupt(entry->segment, self->err) : status;
}

/* ---- the answer ---- */

uint64_t correction_likelihood(struct text_slice word, const struct correction_candidate *candidate)
{
    uint64_t likelihood = candidate->documents * SECOND_EDIT * FIRST_LETTER;
    uint32_t first = 0;
    uint32_t other = 0;
    if (word.size > 0)
        text_decode(word.bytes, word.size, &first);
    if (candidate->term.size > 0)
        text_decode(candidate->term.bytes, candidate->term.size, &other);
    if (candidate->distance > 1)
        likelihood /= SECOND_EDIT;
    return first == other ? likelihood : likelihood / FIRST_LETTER;
}

static bool has_word(const struct gathered *gathered, const struct found *found)
{
    for (size_t i = 0; i < gathered->count; i++) {
        const struct vocabulary_word *word = &gathered->best[i].word;
        if (word->size == found->word.size && memcmp(word->term, found->word.term, word->size) == 0)
            return true;
    }
    return false;
}

/* The likeliest of all segments, as far as the asker may know them. */
static enum status gather_all(struct correcting *self, struct gathered *all)
{
    const struct snapshot *snapshot = self->vocabulary.snapshot;
    enum status status = STATUS_OK;
    for (uint32_t i = 0; status == STATUS_OK && i < snapshot->count; i++) {
        struct gathered gathered = {.word = all->word, .arena = self->arena};
        status = walk(self, &snapshot->entries[i], &gathered);
        for (size_t g = 0; status == STATUS_OK && g < gathered.count; g++) {
            struct found found = gathered.best[g];
            if (has_word(all, &found))
                continue;
            status = vocabulary_count(&self->vocabulary, &found.word, self->err);
            if (status == STATUS_OK && found.word.documents > 0 && is_wanted(all, &found))
                gather(all, &found);
        }
    }
    return status == STATUS_OK && all->no_memory
               ? error_set(self->err, STATUS_NO_MEMORY, "corrections")
               : status;
}

static enum status put_candidates(struct correcting *self, const struct gathered *gathered,
                                  struct correction *correction)
{
    enum status status = STATUS_OK;
    correction->candidates =
        arena_alloc(self->arena, CORRECT_CANDIDATES_MAX * sizeof(*correction->candidates));
    if (correction->candidates == NULL)
        return error_set(self->err, STATUS_NO_MEMORY, "corrections");
    for (size_t i = 0; status == STATUS_OK && i < gathered->count && i < CORRECT_CANDIDATES_MAX;
         i++) {
        struct correction_candidate candidate = candidate_of(&gathered->best[i]);
        status = vocabulary_spell(&self->vocabulary, self->analyzer, &gathered->best[i].word,
                                  self->arena, &candidate.text, self->err);
        correction->candidates[correction->candidate_count++] = candidate;
    }
    return status;
}

static enum status correct(struct correcting *self, struct text_slice word,
                           struct correction *ret_correction)
{
    struct gathered gathered = {.word = word, .arena = self->arena};
    struct vocabulary_word itself = {(const uint8_t *)word.bytes, (uint32_t)word.size, 0, 0};
    struct correction correction = {0};
    enum status status = STATUS_OK;
    if (word.size > 0 && word.size <= TEXT_TERM_MAX && fuzzy_init(&self->fuzzy, word)) {
        status = vocabulary_count(&self->vocabulary, &itself, self->err);
        if (status == STATUS_OK)
            status = gather_all(self, &gathered);
        if (status == STATUS_OK)
            status = put_candidates(self, &gathered, &correction);
    }
    correction.documents = itself.documents;
    *ret_correction = correction;
    return status;
}

enum status index_correct(struct index *index, struct text_analyzer *analyzer,
                          const struct text_slice *words, size_t count, bool include_private,
                          const struct search_limit *limit, struct arena *arena,
                          struct correction *ret_corrections, struct error *err)
{
    if (count > CORRECT_WORDS_MAX)
        return error_set(err, STATUS_INVALID, "more than %d words to correct", CORRECT_WORDS_MAX);
    struct correcting *self = arena_zalloc(arena, sizeof(*self));
    if (self == NULL)
        return error_set(err, STATUS_NO_MEMORY, "corrections");
    struct snapshot *snapshot = index_hold_snapshot(index);
    self->watch.limit = limit;
    self->vocabulary = (struct vocabulary){snapshot, include_private, &self->watch};
    self->analyzer = analyzer;
    self->arena = arena;
    self->err = err;
    enum status status = STATUS_OK;
    for (size_t i = 0; status == STATUS_OK && i < count; i++)
        status = correct(self, words[i], &ret_corrections[i]);
    snapshot_release(snapshot);
    return status;
}
