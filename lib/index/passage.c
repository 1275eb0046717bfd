#include "index/passage.h"

#include <string.h>

#include "index/dictionary.h"

#define OCCURRENCES_MAX 8192 /* of one term in one document that are looked at */

void passage_finder_init(struct passage_finder *finder, const struct query_node *query,
                         struct arena *arena)
{
    *finder = (struct passage_finder){.arena = arena};
    finder->word_count = query_collect_words(query, finder->words);
}

void passage_finder_release(struct passage_finder *finder)
{
    buffer_release(&finder->occurrences);
    buffer_release(&finder->merged);
    numbers_release(&finder->positions);
}

/* ---- the words of a segment ---- */

static enum status open_cursor(struct passage_finder *finder, const struct query_term *term,
                               struct posting_cursor **kept, struct posting_cursor **ret_cursor,
                               struct error *err)
{
    struct dictionary_entry entry;
    *ret_cursor = NULL;
    enum status status = dictionary_find(finder->segment, term->bytes, term->size, &entry);
    if (status == STATUS_NOT_FOUND)
        return STATUS_OK;
    if (status != STATUS_OK)
        return segment_corrupt(finder->segment, err);
    if (*kept == NULL)
        *kept = arena_alloc(finder->arena, sizeof(**kept));
    if (*kept == NULL)
        return error_set(err, STATUS_NO_MEMORY, "passage");
    *ret_cursor = *kept;
    posting_cursor_open(*ret_cursor, finder->segment, entry.address, entry.document_count);
    return STATUS_OK;
}

/* Finds the terms that the prefix stands for; one cursor will do for all of them. */
static enum status open_prefix(struct passage_finder *finder, size_t word, struct error *err)
{
    struct prefix_cursor terms;
    uint32_t count = 0;
    if (finder->lists[word] == NULL) {
        finder->kept[word][0] = arena_alloc(finder->arena, sizeof(struct posting_cursor));
        finder->lists[word] =
            arena_alloc(finder->arena, PASSAGE_TERMS_MAX * sizeof(*finder->lists[word]));
    }
    if (finder->kept[word][0] == NULL || finder->lists[word] == NULL)
        return error_set(err, STATUS_NO_MEMORY, "passage");
    for (bool more =
             prefix_cursor_open(&terms, finder->segment, &finder->words[word]->alternatives[0]);
         more && count < PASSAGE_TERMS_MAX; more = prefix_cursor_next(&terms))
        finder->lists[word][count++] = terms.keys.entry;
    finder->list_counts[word] = count;
    return terms.keys.corrupt ? segment_corrupt(finder->segment, err) : STATUS_OK;
}

enum status passage_finder_enter(struct passage_finder *finder, const struct segment *segment,
                                 struct error *err)
{
    enum status status = STATUS_OK;
    finder->segment = segment;
    for (size_t i = 0; status == STATUS_OK && i < finder->word_count; i++) {
        const struct query_word *word = finder->words[i];
        if (is_prefix(&word->alternatives[0])) {
            status = open_prefix(finder, i, err);
            continue;
        }
        for (uint32_t a = 0; status == STATUS_OK && a < word->alternative_count; a++)
            status = open_cursor(finder, &word->alternatives[a], &finder->kept[i][a],
                                 &finder->cursors[i][a], err);
    }
    return status;
}

/* ---- occurrences in a document ---- */

/* Appends where a term stands in the body. */
static enum status read_positions(struct passage_finder *finder, struct posting_cursor *cursor,
                                  uint64_t word, struct error *err)
{
    struct numbers *positions = &finder->positions;
    positions->count = 0;
    if (!posting_cursor_positions(cursor, FIELD_BODY, positions))
        return cursor->corrupt ? segment_corrupt(finder->segment, err)
                               : error_set(err, STATUS_NO_MEMORY, "passage");
    size_t count = positions->count < OCCURRENCES_MAX ? positions->count : OCCURRENCES_MAX;
    for (size_t i = 0; i < count; i++) {
        uint64_t occurrence = (uint64_t)positions->values[i] << 8 | word;
        buffer_append(&finder->occurrences, &occurrence, sizeof(occurrence));
    }
    return STATUS_OK;
}

/* Merges what stands from `middle` on into what stands in front of it; both ascend. False: no
 * memory. */
static bool merge_occurrences(struct buffer *buffer, size_t middle, struct buffer *scratch)
{
    const uint64_t *a = (const uint64_t *)(void *)buffer->data;
    const uint64_t *a_end = a + middle;
    const uint64_t *b = a_end;
    const uint64_t *b_end = a + buffer->size / sizeof(*a);
    if (a == a_end || b == b_end)
        return true;
    buffer_clear(scratch);
    uint64_t *room = (uint64_t *)(void *)buffer_reserve(scratch, buffer->size);
    if (room == NULL)
        return false;
    uint64_t *out = room;
    while (a < a_end && b < b_end) {
        b += *a == *b; /* one word in two forms at one place */
        *out++ = b < b_end && *b < *a ? *b++ : *a++;
    }
    memcpy(out, a, (size_t)(a_end - a) * sizeof(*a));
    out += a_end - a;
    memcpy(out, b, (size_t)(b_end - b) * sizeof(*b));
    out += b_end - b;
    scratch->size = (size_t)(out - room) * sizeof(*room);
    struct buffer swapped = *buffer;
    *buffer = *scratch;
    *scratch = swapped;
    return true;
}

/* Adds where one list has a word in the document. */
static enum status gather_list(struct passage_finder *finder, struct posting_cursor *cursor,
                               size_t word, uint32_t docid, struct error *err)
{
    size_t middle = finder->occurrences.size / sizeof(uint64_t);
    if (posting_cursor_seek(cursor, docid) == docid) {
        enum status status = read_positions(finder, cursor, word, err);
        if (status != STATUS_OK)
            return status;
        if (!merge_occurrences(&finder->occurrences, middle, &finder->merged))
            return error_set(err, STATUS_NO_MEMORY, "passage");
    }
    return cursor->corrupt ? segment_corrupt(finder->segment, err) : STATUS_OK;
}

static enum status gather_word(struct passage_finder *finder, size_t word, uint32_t docid,
                               struct error *err)
{
    enum status status = STATUS_OK;
    for (uint32_t i = 0; status == STATUS_OK && i < finder->list_counts[word]; i++) {
        struct posting_cursor *cursor = finder->kept[word][0];
        posting_cursor_open(cursor, finder->segment, finder->lists[word][i].address,
                            finder->lists[word][i].document_count);
        status = gather_list(finder, cursor, word, docid, err);
    }
    for (uint32_t a = 0; status == STATUS_OK && a < QUERY_ALTERNATIVES_MAX; a++) {
        if (finder->cursors[word][a] != NULL)
            status = gather_list(finder, finder->cursors[word][a], word, docid, err);
    }
    return status;
}

static enum status gather(struct passage_finder *finder, uint32_t docid, struct error *err)
{
    struct buffer *all = &finder->occurrences;
    buffer_clear(all);
    for (size_t i = 0; i < finder->word_count; i++) {
        enum status status = gather_word(finder, i, docid, err);
        if (status != STATUS_OK)
            return status;
    }
    return all->failed || finder->merged.failed ? error_set(err, STATUS_NO_MEMORY, "passage")
                                                : STATUS_OK;
}

/* ---- choosing ---- */

struct window {
    size_t first; /* occurrence */
    size_t last;
    uint32_t distinct;   /* different words in it */
    uint32_t neighbours; /* words that stand right behind the one in front of them in the query */
};

static bool is_better(const struct window *a, const struct window *b)
{
    if (a->distinct != b->distinct)
        return a->distinct > b->distinct;
    if (a->neighbours != b->neighbours)
        return a->neighbours > b->neighbours;
    return a->last - a->first > b->last - b->first; /* of equals, the first */
}

static uint32_t position_of(uint64_t occurrence)
{
    return (uint32_t)(occurrence >> 8);
}

static unsigned word_of(uint64_t occurrence)
{
    return occurrence & 0xff;
}

/* Whether the next occurrence is the next word at the next position. */
static bool are_neighbours(const uint64_t *occurrences, size_t at)
{
    return occurrences[at + 1] == occurrences[at] + (1u << 8) + 1;
}

/* Slides over the occurrences; each window is as wide as it may be. */
static size_t choose(const uint64_t *occurrences, size_t count, uint32_t width)
{
    uint32_t counts[QUERY_WORDS_MAX] = {0};
    struct window window = {0};
    struct window best = {0};
    for (size_t last = 0; last < count; last++) {
        window.last = last;
        window.distinct += counts[word_of(occurrences[last])]++ == 0;
        window.neighbours += last > window.first && are_neighbours(occurrences, last - 1);
        while (position_of(occurrences[last]) - position_of(occurrences[window.first]) > width) {
            window.distinct -= --counts[word_of(occurrences[window.first])] == 0;
            window.neighbours -= window.first < last && are_neighbours(occurrences, window.first);
            window.first++;
        }
        if (last == 0 || is_better(&window, &best))
            best = window;
    }
    return best.first;
}

enum status passage_finder_find(struct passage_finder *finder, uint32_t docid, uint32_t width,
                                uint32_t *ret_position, struct error *err)
{
    enum status status = gather(finder, docid, err);
    if (status != STATUS_OK)
        return status;
    if (finder->occurrences.size == 0)
        return STATUS_NOT_FOUND;
    const uint64_t *occurrences = (const uint64_t *)(void *)finder->occurrences.data;
    size_t count = finder->occurrences.size / sizeof(*occurrences);
    *ret_position = position_of(occurrences[choose(occurrences, count, width)]);
    return STATUS_OK;
}
