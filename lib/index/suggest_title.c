#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "index/document.h"
#include "index/posting.h"
#include "index/state.h"
#include "index/suggest_parts.h"

/* Of the list of a word so many blocks are read: those with the shortest titles. */
#define BLOCKS_READ 32
#define ROWS_MAX    8192 /* are looked through for them */

/* A document whose title has the words. */
struct titled {
    struct place place;
    double score;
};

/* The best so far, best first. */
struct best_titles {
    struct titled titles[SUGGEST_TITLES_READ];
    size_t count;
};

static void keep(struct best_titles *best, const struct titled *titled)
{
    size_t at = best->count;
    if (at == SUGGEST_TITLES_READ) {
        if (titled->score <= best->titles[at - 1].score)
            return;
        at--;
    } else {
        best->count++;
    }
    for (; at > 0 && titled->score > best->titles[at - 1].score; at--)
        best->titles[at] = best->titles[at - 1];
    best->titles[at] = *titled;
}

/* ---- one word: its list alone ---- */

/* A block of a list, by the shortest of its titles that has the word. */
struct row {
    uint32_t row;
    uint8_t length;
};

static int compare_rows(const void *a_pointer, const void *b_pointer)
{
    const struct row *a = a_pointer;
    const struct row *b = b_pointer;
    if (a->length != b->length)
        return a->length < b->length ? -1 : 1;
    return (a->row > b->row) - (a->row < b->row);
}

static int compare_places(const void *a_pointer, const void *b_pointer)
{
    const struct row *a = a_pointer;
    const struct row *b = b_pointer;
    return (a->row > b->row) - (a->row < b->row);
}

/* The blocks to read, in their order. */
static uint32_t choose_rows(const struct posting_cursor *cursor, struct row *rows)
{
    uint32_t count = 0;
    for (uint32_t row = 0; row < cursor->row_count && row < ROWS_MAX; row++) {
        struct impacts impacts;
        if (!posting_cursor_row_impacts(cursor, row, &impacts))
            rows[count++] = (struct row){row, 0};
        else if (impacts.frequencies[FIELD_TITLE] > 0)
            rows[count++] = (struct row){row, impacts.lengths[FIELD_TITLE]};
    }
    qsort(rows, count, sizeof(rows[0]), compare_rows);
    count = count < BLOCKS_READ ? count : BLOCKS_READ;
    qsort(rows, count, sizeof(rows[0]), compare_places);
    return count;
}

/* Shorter titles say more of the word, and pages count more that many link to. */
static bool score_title(const struct segment *segment, uint32_t docid, double *ret_score)
{
    const uint8_t *lengths = segment_column(segment, FIELD_TITLE);
    if (lengths == NULL)
        return false;
    double links = atomic_load_explicit(&segment->inlinks[docid], memory_order_relaxed);
    double length = length_of_code(lengths[docid]);
    *ret_score = (1 + log2(1 + links)) / (1 + length);
    return true;
}

/* Keeps what the cursor's block has. */
static enum status read_block(struct suggesting *self, uint32_t entry,
                              struct posting_cursor *cursor, struct best_titles *best)
{
    const struct snapshot_entry *from = &self->vocabulary.snapshot->entries[entry];
    uint32_t row = cursor->row;
    if (limit_watch_stops(&self->watch, POSTING_BLOCK))
        return limit_watch_status(&self->watch, self->err);
    for (; cursor->docid != DOCID_END && cursor->row == row; posting_cursor_next(cursor)) {
        struct titled titled = {.place = {entry, cursor->docid}};
        if ((posting_cursor_fields(cursor) & 1u << FIELD_TITLE) == 0)
            continue;
        if (!score_title(from->segment, cursor->docid, &titled.score))
            return segment_corrupt(from->segment, self->err);
        if ((best->count < SUGGEST_TITLES_READ ||
             titled.score > best->titles[best->count - 1].score) &&
            vocabulary_shows(&self->vocabulary, from, cursor->docid))
            keep(best, &titled);
    }
    return cursor->corrupt ? segment_corrupt(from->segment, self->err) : STATUS_OK;
}

static enum status read_list(struct suggesting *self, uint32_t entry, const struct query_term *term,
                             struct row *rows, struct best_titles *best)
{
    const struct segment *segment = self->vocabulary.snapshot->entries[entry].segment;
    struct dictionary_entry found;
    struct posting_cursor cursor;
    enum status status = dictionary_find(segment, term->bytes, term->size, &found);
    if (status != STATUS_OK)
        return status == STATUS_NOT_FOUND ? STATUS_OK : segment_corrupt(segment, self->err);
    posting_cursor_open(&cursor, segment, found.address, found.document_count);
    if (cursor.corrupt) /* and its directory is not to be read */
        return segment_corrupt(segment, self->err);
    uint32_t count = choose_rows(&cursor, rows);
    for (uint32_t i = 0; status == STATUS_OK && i < count; i++) {
        if (rows[i].row > 0)
            posting_cursor_seek(&cursor, posting_cursor_row_last(&cursor, rows[i].row - 1) + 1);
        status = read_block(self, entry, &cursor, best);
    }
    return cursor.corrupt ? segment_corrupt(segment, self->err) : status;
}

/* The one word that was typed, or what it may become. */
static enum status find_one(struct suggesting *self, const struct query_word *word,
                            struct best_titles *best)
{
    struct row *rows = arena_alloc(self->arena, ROWS_MAX * sizeof(*rows));
    if (rows == NULL)
        return error_set(self->err, STATUS_NO_MEMORY, "suggestions");
    enum status status = STATUS_OK;
    for (uint32_t i = 0; i < self->vocabulary.snapshot->count; i++) {
        for (uint32_t a = 0; status == STATUS_OK && a < word->alternative_count; a++)
            status = read_list(self, i, &word->alternatives[a], rows, best);
    }
    return status;
}

/* ---- several words ---- */

static enum status find_all(struct suggesting *self, struct query_node *last,
                            struct best_titles *best)
{
    const struct snapshot *snapshot = self->vocabulary.snapshot;
    struct search_result result = {0};
    size_t closed = self->word_count - (last != NULL);
    struct query_node *root = suggest_all_of(self, closed, 1u << FIELD_TITLE);
    if (root == NULL)
        return error_set(self->err, STATUS_NO_MEMORY, "suggestions");
    if (last != NULL)
        root->children[root->child_count++] = last;
    if (root->child_count == 1)
        root = root->children[0];
    enum status status = suggest_run(self, root, SUGGEST_TITLES_READ, 1, &result);
    for (uint32_t i = 0; status == STATUS_OK && i < result.hit_count; i++) {
        struct titled titled = {.score = result.hits[i].score};
        if (entries_find(snapshot->entries, snapshot->count, result.hits[i].url_hash,
                         (struct text_slice){0}, &titled.place)) /* else: newer than the snapshot */
            keep(best, &titled);
    }
    return status;
}

/* ---- the answer ---- */

/* What begins with what was typed, letters and digits apart. */
static bool title_begins(struct suggesting *self, struct text_slice title)
{
    struct text_token token;
    size_t at = 0;
    text_analyzer_begin(self->analyzer, title, TEXT_LANGUAGE_UNKNOWN);
    for (; at < self->word_count && text_analyzer_next(self->analyzer, &token); at++) {
        const struct query_term *term = &self->words[at].term;
        bool has_exact = token.exact_size > 0 && !token.pair;
        const uint8_t *bytes = has_exact ? token.exact : token.term;
        uint32_t size = has_exact ? token.exact_size : token.term_size;
        bool is_last = at + 1 == self->word_count;
        if (!term_begins(bytes, size, term) ||
            (size > term->size && !(is_last && (self->is_open || self->words[at].is_pair))))
            return false;
    }
    return at == self->word_count;
}

static int compare_titles(const void *a_pointer, const void *b_pointer)
{
    const struct suggested_title *a = a_pointer;
    const struct suggested_title *b = b_pointer;
    if (a->begins != b->begins)
        return a->begins ? -1 : 1;
    if (a->score != b->score)
        return a->score > b->score ? -1 : 1;
    return key_compare((const uint8_t *)a->text.bytes, (uint32_t)a->text.size,
                       (const uint8_t *)b->text.bytes, (uint32_t)b->text.size);
}

static bool has_title(const struct suggestions *suggestions, struct text_slice title)
{
    for (size_t i = 0; i < suggestions->title_count; i++) {
        if (suggestions->titles[i].text.size == title.size &&
            memcmp(suggestions->titles[i].text.bytes, title.bytes, title.size) == 0)
            return true;
    }
    return false;
}

/* Reads the titles; of equal ones one is taken. */
static enum status take_titles(struct suggesting *self, const struct best_titles *best,
                               struct suggestions *suggestions)
{
    const struct snapshot *snapshot = self->vocabulary.snapshot;
    for (size_t i = 0; i < best->count; i++) {
        struct place place = best->titles[i].place;
        const struct segment *segment = snapshot->entries[place.entry].segment;
        struct document_row row;
        struct stored_fields fields;
        if (!segment_row(segment, place.docid, &row) || !segment_stored(segment, &row, &fields))
            return segment_corrupt(segment, self->err);
        if (!vocabulary_shows(&self->vocabulary, &snapshot->entries[place.entry], place.docid) ||
            fields.title.size > SUGGEST_TITLE_MAX || has_title(suggestions, fields.title))
            continue;
        const char *title = arena_copy(self->arena, fields.title.bytes, fields.title.size);
        if (title == NULL)
            return error_set(self->err, STATUS_NO_MEMORY, "suggestions");
        suggestions->titles[suggestions->title_count++] = (struct suggested_title){
            .text = {title, fields.title.size},
            .begins = title_begins(self, fields.title),
            .score = best->titles[i].score,
        };
    }
    return STATUS_OK;
}

/* The last word, where it is being typed, completed in the likeliest ways; NULL: no memory. */
static struct query_node *last_node(struct suggesting *self, const struct vocabulary_list *list)
{
    struct query_node *node =
        suggest_word_node(self, &self->words[self->word_count - 1], 1, 1u << FIELD_TITLE);
    if (node == NULL || list->count == 0)
        return node;
    struct query_word *word = node->words;
    word->alternative_count = 0;
    for (size_t i = 0; i < list->count && word->alternative_count < QUERY_ALTERNATIVES_MAX; i++) {
        if (list->words[i].documents > 0)
            word->alternatives[word->alternative_count++] =
                (struct query_term){list->words[i].term, list->words[i].size};
    }
    return node;
}

enum status suggest_titles(struct suggesting *self, const struct vocabulary_list *list,
                           struct suggestions *suggestions)
{
    struct best_titles best = {0};
    struct query_node *last = NULL;
    enum status status = STATUS_OK;
    if (self->is_open && (list->count == 0 || list->words[0].documents == 0))
        return STATUS_OK; /* nothing begins so */
    bool is_one = self->word_count == 1;
    if ((self->is_open || is_one) && (last = last_node(self, list)) == NULL)
        return error_set(self->err, STATUS_NO_MEMORY, "suggestions");
    status = is_one ? find_one(self, last->words, &best) : find_all(self, last, &best);
    if (status == STATUS_OK)
        status = take_titles(self, &best, suggestions);
    if (suggestions->title_count > 0)
        qsort(suggestions->titles, suggestions->title_count, sizeof(suggestions->titles[0]),
              compare_titles);
    if (suggestions->title_count > SUGGEST_COUNT_MAX)
        suggestions->title_count = SUGGEST_COUNT_MAX;
    return status;
}
