/*
 * Where in a document the words of a query stand: the place that shows best why it matched, found
 * from positions, without reading the text. Among all windows of about a snippet's width the one
 * with the most different words wins; then the one with the most neighbours of the query side by
 * side; then the one with the most occurrences; then the first.
 */
#ifndef TIERCE_INDEX_PASSAGE_H
#define TIERCE_INDEX_PASSAGE_H

#include "index/posting.h"
#include "index/prefix.h"
#include "index/query.h"

#define PASSAGE_TERMS_MAX 512 /* of those that a prefix stands for: the first are looked at */

struct passage_finder {
    const struct segment *segment; /* that the cursors are of */
    struct arena *arena;
    const struct query_word *words[QUERY_WORDS_MAX];
    size_t word_count;
    struct posting_cursor *cursors[QUERY_WORDS_MAX][QUERY_ALTERNATIVES_MAX]; /* NULL: not in it */
    struct posting_cursor *kept[QUERY_WORDS_MAX][QUERY_ALTERNATIVES_MAX]; /* for the next segment */
    /* Of a word that is a prefix: the lists of the terms that it stands for. */
    struct dictionary_entry *lists[QUERY_WORDS_MAX]; /* room for PASSAGE_TERMS_MAX; NULL: none */
    uint32_t list_counts[QUERY_WORDS_MAX];
    /* uint64_t: position << 8 | word; rising. */
    struct buffer occurrences;
    struct buffer merged;     /* scratch */
    struct numbers positions; /* scratch */
};

/* For a query that was checked; it and the arena are borrowed. */
void passage_finder_init(struct passage_finder *finder, const struct query_node *query,
                         struct arena *arena);
void passage_finder_release(struct passage_finder *finder);

/* Looks the query's words up in a segment; the documents asked for afterwards are its. */
enum status passage_finder_enter(struct passage_finder *finder, const struct segment *segment,
                                 struct error *err);

/*
 * The position of the window's first word in the text of a document, in which `width` is how many
 * positions a window spans. Documents are asked for by rising docid.
 *
 * Returns STATUS_OK, STATUS_NOT_FOUND (no word of the query is in the text), STATUS_CORRUPT or
 * STATUS_NO_MEMORY.
 */
enum status passage_finder_find(struct passage_finder *finder, uint32_t docid, uint32_t width,
                                uint32_t *ret_position, struct error *err);

#endif
