/* The inside of suggesting: what suggest.c, suggest_query.c and suggest_title.c share. */
#ifndef TIERCE_INDEX_SUGGEST_PARTS_H
#define TIERCE_INDEX_SUGGEST_PARTS_H

#include "index/search.h"
#include "index/suggest.h"
#include "index/vocabulary.h"

#define SUGGEST_TITLES_READ 24 /* to find SUGGEST_COUNT_MAX that differ */

/* A token of what was typed. */
struct typed_word {
    struct query_term term; /* the exact form, in the arena */
    bool is_pair;
};

struct suggesting {
    struct index *index;
    struct text_analyzer *analyzer;
    struct limit_watch watch;
    struct vocabulary vocabulary;
    struct arena *arena;
    struct error *err;
    struct text_slice typed;
    struct typed_word words[SUGGEST_WORDS_MAX];
    size_t word_count;
    bool is_open;      /* the last word is still being typed */
    size_t open_start; /* its first byte */
};

static inline bool term_begins(const uint8_t *term, uint32_t size, const struct query_term *prefix)
{
    return size >= prefix->size && memcmp(term, prefix->bytes, prefix->size) == 0;
}

/* ---- queries (suggest_query.c) ---- */

/* A word, or pairs side by side. NULL: no memory. */
struct query_node *suggest_word_node(struct suggesting *self, const struct typed_word *words,
                                     uint32_t count, uint32_t fields);
/* Documents that have the first `count` of the words typed, with room for one child more. NULL: no
 * memory. */
struct query_node *suggest_all_of(struct suggesting *self, size_t count, uint32_t fields);
enum status suggest_run(struct suggesting *self, const struct query_node *root, uint32_t k,
                        uint32_t count_exactly, struct search_result *ret_result);

/* ---- titles (suggest_title.c) ---- */

/* Titles that have all words; `list`: how the last one may be completed, the likeliest first. */
enum status suggest_titles(struct suggesting *self, const struct vocabulary_list *list,
                           struct suggestions *suggestions);

#endif
