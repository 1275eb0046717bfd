#include "index/vocabulary.h"

#include <stdlib.h>
#include <string.h>

#include "index/posting.h"

/* Titles are looked for in so many blocks of a list that have any, and so many of them read. */
#define TITLE_BLOCKS_MAX 4
#define TITLES_MAX       4

#define LOOKUP_STEPS 16 /* of a limit: a key is found, its list opened */

/* ---- who may know a word ---- */

bool vocabulary_shows(const struct vocabulary *vocabulary, const struct snapshot_entry *entry,
                      uint32_t docid)
{
    if (deletions_has(entry->deletions, docid))
        return false;
    const uint8_t *flags = segment_column(entry->segment, NORM_FLAGS);
    if (flags == NULL) {
        segment_corrupt(entry->segment, NULL);
        return false;
    }
    return vocabulary->include_private ||
           snapshot_shows(vocabulary->snapshot, entry->segment, docid, flags[docid]);
}

/*
 * How many documents with the key must be shown, so that one of them is sure to write the word: one
 * where it is not only a private one that does (it may be deleted, but what it wrote was everyone's
 * to know); else more than there are that do not write it.
 */
static uint32_t shown_needed(const struct vocabulary *vocabulary,
                             const struct dictionary_entry *entry)
{
    if (entry->written.openly || vocabulary->include_private)
        return 1;
    return entry->document_count - entry->written.count + 1;
}

enum status vocabulary_knows(const struct vocabulary *vocabulary,
                             const struct snapshot_entry *entry,
                             const struct dictionary_entry *found, bool *ret_known,
                             struct error *err)
{
    struct posting_cursor cursor;
    uint32_t needed = shown_needed(vocabulary, found);
    uint32_t i = 0;
    posting_cursor_open(&cursor, entry->segment, found->address, found->document_count);
    for (; needed > 0 && i < VOCABULARY_POSTINGS_MAX && cursor.docid != DOCID_END; i++) {
        needed -= vocabulary_shows(vocabulary, entry, cursor.docid);
        posting_cursor_next(&cursor);
    }
    *ret_known = needed == 0;
    if (cursor.corrupt)
        return segment_corrupt(entry->segment, err);
    return limit_watch_stops(vocabulary->watch, i + LOOKUP_STEPS)
               ? limit_watch_status(vocabulary->watch, err)
               : STATUS_OK;
}

/* A key of this segment that the asker may know as a word; STATUS_NOT_FOUND. */
static enum status find_known(const struct vocabulary *vocabulary,
                              const struct snapshot_entry *entry,
                              const struct vocabulary_word *word,
                              struct dictionary_entry *ret_found, struct error *err)
{
    bool is_known = false;
    enum status status = dictionary_find(entry->segment, word->term, word->size, ret_found);
    if (status == STATUS_CORRUPT)
        return segment_corrupt(entry->segment, err);
    if (status == STATUS_OK && ret_found->written.count > 0)
        status = vocabulary_knows(vocabulary, entry, ret_found, &is_known, err);
    return status == STATUS_OK && !is_known ? STATUS_NOT_FOUND : status;
}

enum status vocabulary_knows_word(const struct vocabulary *vocabulary,
                                  const struct snapshot_entry *entry,
                                  const struct vocabulary_word *word, bool *ret_known,
                                  struct error *err)
{
    struct dictionary_entry found;
    enum status status = find_known(vocabulary, entry, word, &found, err);
    *ret_known = status == STATUS_OK;
    return status == STATUS_NOT_FOUND ? STATUS_OK : status;
}

enum status vocabulary_count(const struct vocabulary *vocabulary, struct vocabulary_word *word,
                             struct error *err)
{
    const struct snapshot *snapshot = vocabulary->snapshot;
    word->documents = 0;
    for (uint32_t i = 0; i < snapshot->count; i++) {
        struct dictionary_entry found;
        enum status status = find_known(vocabulary, &snapshot->entries[i], word, &found, err);
        if (status == STATUS_OK)
            word->documents += found.written.count;
        else if (status != STATUS_NOT_FOUND)
            return status;
    }
    return STATUS_OK;
}

/* ---- how a word is spelt ---- */

struct spelling {
    const struct vocabulary *vocabulary;
    struct text_analyzer *analyzer;
    const struct vocabulary_word *word;
    char text[TEXT_TERM_MAX]; /* of size 0: not found yet */
    size_t size;
    unsigned titles_left;
};

static bool is_word(const struct text_token *token, const struct vocabulary_word *word)
{
    const uint8_t *exact = token->exact_size > 0 ? token->exact : token->term;
    uint32_t size = token->exact_size > 0 ? token->exact_size : token->term_size;
    return !token->pair && size == word->size && memcmp(exact, word->term, size) == 0;
}

static enum status read_title(struct spelling *spelling, const struct segment *segment,
                              uint32_t docid, struct error *err)
{
    struct document_row row;
    struct stored_fields fields;
    struct text_token token;
    if (!segment_row(segment, docid, &row) || !segment_stored(segment, &row, &fields))
        return segment_corrupt(segment, err);
    spelling->titles_left--;
    text_analyzer_begin(spelling->analyzer, fields.title,
                        text_language_of(fields.language.bytes, fields.language.size));
    while (text_analyzer_next(spelling->analyzer, &token)) {
        if (!is_word(&token, spelling->word))
            continue;
        struct text_slice typed = {fields.title.bytes + token.start, token.end - token.start};
        spelling->size = text_fold(typed, spelling->text, sizeof(spelling->text));
        break;
    }
    return STATUS_OK;
}

/* Reads the titles of the cursor's block that have the word. */
static enum status read_titles(struct spelling *spelling, const struct snapshot_entry *entry,
                               struct posting_cursor *cursor, struct error *err)
{
    enum status status = STATUS_OK;
    uint32_t row = cursor->row;
    while (status == STATUS_OK && cursor->docid != DOCID_END && cursor->row == row &&
           spelling->size == 0 && spelling->titles_left > 0) {
        if ((posting_cursor_fields(cursor) & 1u << FIELD_TITLE) != 0 &&
            vocabulary_shows(spelling->vocabulary, entry, cursor->docid))
            status = read_title(spelling, entry->segment, cursor->docid, err);
        posting_cursor_next(cursor);
    }
    return cursor->corrupt ? segment_corrupt(entry->segment, err) : status;
}

static enum status spell_in(struct spelling *spelling, const struct snapshot_entry *entry,
                            const struct dictionary_entry *found, struct error *err)
{
    struct posting_cursor cursor;
    enum status status = STATUS_OK;
    unsigned blocks_left = TITLE_BLOCKS_MAX;
    posting_cursor_open(&cursor, entry->segment, found->address, found->document_count);
    uint32_t rows =
        cursor.row_count < VOCABULARY_POSTINGS_MAX ? cursor.row_count : VOCABULARY_POSTINGS_MAX;
    for (uint32_t row = 0; row < rows && status == STATUS_OK && blocks_left > 0 &&
                           spelling->size == 0 && spelling->titles_left > 0;
         row++) {
        struct impacts impacts;
        if (posting_cursor_row_impacts(&cursor, row, &impacts) &&
            impacts.frequencies[FIELD_TITLE] == 0)
            continue;
        if (row > 0)
            posting_cursor_seek(&cursor, posting_cursor_row_last(&cursor, row - 1) + 1);
        blocks_left--;
        status = read_titles(spelling, entry, &cursor, err);
    }
    return cursor.corrupt ? segment_corrupt(entry->segment, err) : status;
}

enum status vocabulary_spell(const struct vocabulary *vocabulary, struct text_analyzer *analyzer,
                             const struct vocabulary_word *word, struct arena *arena,
                             struct text_slice *ret_text, struct error *err)
{
    const struct snapshot *snapshot = vocabulary->snapshot;
    struct spelling spelling = {
        .vocabulary = vocabulary, .analyzer = analyzer, .word = word, .titles_left = TITLES_MAX};
    for (uint32_t i = 0; i < snapshot->count && spelling.size == 0 && spelling.titles_left > 0;
         i++) {
        struct dictionary_entry found;
        enum status status = find_known(vocabulary, &snapshot->entries[i], word, &found, err);
        if (status == STATUS_OK)
            status = spell_in(&spelling, &snapshot->entries[i], &found, err);
        if (status != STATUS_OK && status != STATUS_NOT_FOUND)
            return status;
    }
    const void *bytes = spelling.size > 0 ? (const void *)spelling.text : word->term;
    size_t size = spelling.size > 0 ? spelling.size : word->size;
    const char *copy = arena_copy(arena, bytes, size);
    if (copy == NULL)
        return error_set(err, STATUS_NO_MEMORY, "words");
    *ret_text = (struct text_slice){copy, size};
    return STATUS_OK;
}

/* ---- lists ---- */

enum status vocabulary_list_add(struct vocabulary_list *list, const uint8_t *term, uint32_t size,
                                uint64_t documents, struct arena *arena, struct error *err)
{
    if (list->count == list->capacity) {
        size_t capacity = list->capacity == 0 ? 64 : list->capacity * 2;
        struct vocabulary_word *words = arena_alloc(arena, capacity * sizeof(*words));
        if (words == NULL)
            return error_set(err, STATUS_NO_MEMORY, "words");
        if (list->count > 0)
            memcpy(words, list->words, list->count * sizeof(*words));
        list->words = words;
        list->capacity = capacity;
    }
    const uint8_t *copy = arena_copy(arena, term, size);
    if (copy == NULL)
        return error_set(err, STATUS_NO_MEMORY, "words");
    list->words[list->count++] = (struct vocabulary_word){copy, size, documents, 0};
    return STATUS_OK;
}

static int compare_terms(const void *a_pointer, const void *b_pointer)
{
    const struct vocabulary_word *a = a_pointer;
    const struct vocabulary_word *b = b_pointer;
    return key_compare(a->term, a->size, b->term, b->size);
}

int vocabulary_compare(const void *a_pointer, const void *b_pointer)
{
    const struct vocabulary_word *a = a_pointer;
    const struct vocabulary_word *b = b_pointer;
    if (a->together != b->together)
        return a->together > b->together ? -1 : 1;
    if (a->documents != b->documents)
        return a->documents > b->documents ? -1 : 1;
    return compare_terms(a, b);
}

void vocabulary_list_settle(struct vocabulary_list *list, size_t count_max)
{
    size_t count = 0;
    if (list->count == 0)
        return;
    qsort(list->words, list->count, sizeof(list->words[0]), compare_terms);
    for (size_t i = 0; i < list->count; i++) {
        if (count > 0 && compare_terms(&list->words[count - 1], &list->words[i]) == 0)
            list->words[count - 1].documents += list->words[i].documents;
        else
            list->words[count++] = list->words[i];
    }
    qsort(list->words, count, sizeof(list->words[0]), vocabulary_compare);
    list->count = count < count_max ? count : count_max;
}
