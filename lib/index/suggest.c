#include "index/suggest.h"

#include <stdlib.h>
#include <string.h>

#include "index/completion.h"
#include "index/state.h"
#include "index/suggest_parts.h"

#define CANDIDATES_MAX 30 /* of all segments together */
#define COUNTED_MAX    12 /* of these are looked for beside the words before */

/* ---- what was typed ---- */

/* Whether it is words alone, as far as they are typed. */
static bool is_plain(struct text_slice typed)
{
    bool starts = true;
    for (size_t i = 0; i < typed.size; i++) {
        char byte = typed.bytes[i];
        if (strchr("\"():", byte) != NULL || (starts && byte == '-'))
            return false;
        starts = byte == ' ' || byte == '\t';
    }
    return true;
}

static enum status read_typed(struct suggesting *self)
{
    struct text_token token;
    text_analyzer_begin(self->analyzer, self->typed, TEXT_LANGUAGE_UNKNOWN);
    while (text_analyzer_next(self->analyzer, &token)) {
        if (self->word_count == SUGGEST_WORDS_MAX) {
            self->word_count = 0; /* too many: none */
            return STATUS_OK;
        }
        /* Of a pair the whole, of a word what was typed. */
        bool has_exact = token.exact_size > 0 && !token.pair;
        uint32_t size = has_exact ? token.exact_size : token.term_size;
        const uint8_t *term = arena_copy(self->arena, has_exact ? token.exact : token.term, size);
        if (term == NULL)
            return error_set(self->err, STATUS_NO_MEMORY, "suggestions");
        self->words[self->word_count++] = (struct typed_word){{term, size}, token.pair};
        self->is_open = !token.pair && token.end == self->typed.size;
        self->open_start = token.start;
    }
    return STATUS_OK;
}

/* ---- words of the dictionary ---- */

static bool has_number(const uint32_t *numbers, uint32_t count, uint32_t number)
{
    uint32_t i = 0;
    while (i < count && numbers[i] != number)
        i++;
    return i < count;
}

/* The words of a prefix's rows, what is in both of them once. False: it has none. */
static bool find_rows(const struct suggesting *self, const struct segment *segment,
                      const struct query_term *prefix, uint32_t numbers[2 * COMPLETION_ROW_KEYS],
                      uint32_t *ret_count)
{
    uint32_t open[COMPLETION_ROW_KEYS];
    uint32_t count;
    uint32_t open_count = 0;
    if (!completion_find(segment, prefix->bytes, prefix->size, false, numbers, &count))
        return false;
    if (count != UINT32_MAX && !self->vocabulary.include_private)
        completion_find(segment, prefix->bytes, prefix->size, true, open, &open_count);
    if (count == UINT32_MAX || open_count == UINT32_MAX) {
        *ret_count = UINT32_MAX;
        return true;
    }
    uint32_t all_count = count;
    for (uint32_t i = 0; i < open_count; i++) {
        if (!has_number(numbers, all_count, open[i]))
            numbers[count++] = open[i];
    }
    *ret_count = count;
    return true;
}

static enum status take_rows(struct suggesting *self, const struct segment *segment,
                             const uint32_t *numbers, uint32_t count, struct vocabulary_list *list)
{
    enum status status = STATUS_OK;
    for (uint32_t i = 0; status == STATUS_OK && i < count; i++) {
        struct dictionary_cursor cursor;
        dictionary_cursor_pick(&cursor, segment, numbers[i]);
        if (cursor.corrupt)
            return segment_corrupt(segment, self->err);
        status = vocabulary_list_add(list, cursor.key, cursor.key_size, cursor.entry.written.count,
                                     self->arena, self->err);
    }
    return status;
}

/* Walks over the keys with the prefix, which are few, or cut off where it is a long one. */
static enum status walk(struct suggesting *self, const struct segment *segment,
                        const struct query_term *prefix, struct vocabulary_list *list)
{
    struct dictionary_cursor cursor;
    enum status status = STATUS_OK;
    dictionary_cursor_seek(&cursor, segment, prefix->bytes, prefix->size);
    for (uint32_t i = 0; status == STATUS_OK && i < COMPLETION_KEYS_MAX && cursor.key_size > 0 &&
                         term_begins(cursor.key, cursor.key_size, prefix);
         i++) {
        if (cursor.entry.written.count > 0)
            status = vocabulary_list_add(list, cursor.key, cursor.key_size,
                                         cursor.entry.written.count, self->arena, self->err);
        dictionary_cursor_next(&cursor);
    }
    return cursor.corrupt ? segment_corrupt(segment, self->err) : status;
}

/* Adds the commonest that the asker may know by this segment. */
static enum status take_known(struct suggesting *self, const struct snapshot_entry *entry,
                              struct vocabulary_list *list, struct vocabulary_list *all)
{
    enum status status = STATUS_OK;
    uint32_t taken = 0;
    vocabulary_list_settle(list, SIZE_MAX);
    for (size_t i = 0; status == STATUS_OK && i < list->count && taken < CANDIDATES_MAX; i++) {
        const struct vocabulary_word *word = &list->words[i];
        bool is_known;
        status = vocabulary_knows_word(&self->vocabulary, entry, word, &is_known, self->err);
        if (status != STATUS_OK || !is_known)
            continue;
        status = vocabulary_list_add(all, word->term, word->size, word->documents, self->arena,
                                     self->err);
        taken++;
    }
    return status;
}

static enum status complete_in(struct suggesting *self, const struct snapshot_entry *entry,
                               const struct query_term *prefix, struct vocabulary_list *all)
{
    const struct segment *segment = entry->segment;
    uint32_t numbers[2 * COMPLETION_ROW_KEYS];
    uint32_t count;
    struct vocabulary_list list = {0};
    enum status status;
    if (!find_rows(self, segment, prefix, numbers, &count))
        status = walk(self, segment, prefix, &list);
    else if (count == UINT32_MAX)
        status = segment_corrupt(segment, self->err);
    else
        status = take_rows(self, segment, numbers, count, &list);
    return status == STATUS_OK ? take_known(self, entry, &list, all) : status;
}

/* The commonest words that begin so and that the asker may know. */
static enum status complete(struct suggesting *self, struct vocabulary_list *ret_list)
{
    const struct snapshot *snapshot = self->vocabulary.snapshot;
    const struct query_term *prefix = &self->words[self->word_count - 1].term;
    enum status status = STATUS_OK;
    for (uint32_t i = 0; status == STATUS_OK && i < snapshot->count; i++)
        status = complete_in(self, &snapshot->entries[i], prefix, ret_list);
    vocabulary_list_settle(ret_list, CANDIDATES_MAX);
    for (size_t i = 0; status == STATUS_OK && i < ret_list->count; i++)
        status = vocabulary_count(&self->vocabulary, &ret_list->words[i], self->err);
    return status;
}

/* ---- beside the words before ---- */

/* Counts the documents that have each word and those typed before it. */
static enum status count_together(struct suggesting *self, struct vocabulary_list *list)
{
    struct query_node *root = suggest_all_of(self, self->word_count - 1, FIELD_MASK_ALL);
    enum status status = STATUS_OK;
    if (root == NULL)
        return error_set(self->err, STATUS_NO_MEMORY, "suggestions");
    list->count = list->count < COUNTED_MAX ? list->count : COUNTED_MAX;
    for (size_t i = 0; status == STATUS_OK && i < list->count; i++) {
        struct vocabulary_word *word = &list->words[i];
        struct typed_word last = {{word->term, word->size}, false};
        struct search_result result = {0};
        if (word->documents == 0)
            continue;
        struct query_node *child = suggest_word_node(self, &last, 1, FIELD_MASK_ALL);
        if (child == NULL)
            return error_set(self->err, STATUS_NO_MEMORY, "suggestions");
        root->children[root->child_count++] = child;
        status = suggest_run(self, root, 0, SUGGEST_TOGETHER, &result);
        root->child_count--;
        word->together = result.total < SUGGEST_TOGETHER ? result.total : SUGGEST_TOGETHER;
        if (word->together == 0)
            word->documents = 0;
    }
    return status;
}

/* ---- the answer ---- */

static enum status put_word(struct suggesting *self, const struct vocabulary_word *word,
                            struct suggestions *suggestions)
{
    struct text_slice text;
    enum status status =
        vocabulary_spell(&self->vocabulary, self->analyzer, word, self->arena, &text, self->err);
    if (status != STATUS_OK)
        return status;
    char *whole = arena_alloc(self->arena, self->open_start + text.size);
    if (whole == NULL)
        return error_set(self->err, STATUS_NO_MEMORY, "suggestions");
    if (self->open_start > 0)
        memcpy(whole, self->typed.bytes, self->open_start);
    memcpy(whole + self->open_start, text.bytes, text.size);
    suggestions->words[suggestions->word_count++] = (struct suggested_word){
        .term = {(const char *)word->term, word->size},
        .text = {whole, self->open_start + text.size},
        .documents = word->documents,
        .together = word->together,
    };
    return STATUS_OK;
}

static enum status suggest_words(struct suggesting *self, struct vocabulary_list *list,
                                 struct suggestions *suggestions)
{
    enum status status = self->word_count > 1 ? count_together(self, list) : STATUS_OK;
    if (list->count > 0)
        qsort(list->words, list->count, sizeof(list->words[0]), vocabulary_compare);
    for (size_t i = 0; status == STATUS_OK && i < list->count && i < SUGGEST_COUNT_MAX &&
                       list->words[i].documents > 0;
         i++)
        status = put_word(self, &list->words[i], suggestions);
    return status;
}

static enum status suggest(struct suggesting *self, struct suggestions *suggestions)
{
    struct vocabulary_list list = {0};
    enum status status = read_typed(self);
    if (status != STATUS_OK || self->word_count == 0)
        return status;
    suggestions->words =
        arena_alloc(self->arena, SUGGEST_COUNT_MAX * sizeof(struct suggested_word));
    suggestions->titles =
        arena_alloc(self->arena, SUGGEST_TITLES_READ * sizeof(struct suggested_title));
    if (suggestions->words == NULL || suggestions->titles == NULL)
        return error_set(self->err, STATUS_NO_MEMORY, "suggestions");
    if (self->is_open)
        status = complete(self, &list);
    if (status == STATUS_OK && self->is_open)
        status = suggest_words(self, &list, suggestions);
    if (status == STATUS_OK)
        status = suggest_titles(self, &list, suggestions);
    return status;
}

enum status index_suggest(struct index *index, struct text_analyzer *analyzer,
                          struct text_slice typed, bool include_private,
                          const struct search_limit *limit, struct arena *arena,
                          struct suggestions *ret_suggestions, struct error *err)
{
    *ret_suggestions = (struct suggestions){0};
    if (typed.size > QUERY_BYTES_MAX || !is_plain(typed))
        return STATUS_OK;
    struct suggesting *self = arena_zalloc(arena, sizeof(*self));
    if (self == NULL)
        return error_set(err, STATUS_NO_MEMORY, "suggestions");
    struct snapshot *snapshot = index_hold_snapshot(index);
    *self = (struct suggesting){
        .index = index,
        .analyzer = analyzer,
        .watch = {.limit = limit},
        .vocabulary = {snapshot, include_private, &self->watch},
        .arena = arena,
        .err = err,
        .typed = typed,
    };
    struct suggestions suggestions = {0};
    enum status status = suggest(self, &suggestions);
    snapshot_release(snapshot);
    if (status == STATUS_OK)
        *ret_suggestions = suggestions;
    return status;
}
