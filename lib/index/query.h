/*
 * Queries: what people type, read as well as it can be. There is no such thing as a wrong query;
 * what could not be used is dropped and noted. docs/queries.md says what is understood.
 *
 * The tree travels from the gateway to the barrels, so it is plain data: whoever receives one calls
 * query_check() before using it.
 */
#ifndef TIERCE_INDEX_QUERY_H
#define TIERCE_INDEX_QUERY_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/arena.h"
#include "base/error.h"
#include "text/analyze.h"

#define QUERY_BYTES_MAX        2048 /* of what is typed; what lies behind is dropped */
#define QUERY_WORDS_MAX        64   /* words and sites in all, those of phrases included */
#define QUERY_TERMS_MAX        256  /* alternatives of all words together */
#define QUERY_ALTERNATIVES_MAX 8    /* terms that stand for one word */
#define QUERY_NESTING_MAX      8    /* parentheses within parentheses; deeper ones are ignored */
#define QUERY_DEPTH_MAX        32   /* levels of nodes, the root included */
#define QUERY_NODES_MAX        256
#define QUERY_OFFSET_MAX       1024 /* of a word in a phrase */
#define QUERY_NOTES_MAX        8
#define QUERY_SITE_MAX         253 /* bytes of a host, with its port */

/* The parts of a document that are searched; also bits: 1u << FIELD_TITLE. */
enum query_field { FIELD_TITLE, FIELD_HEADINGS, FIELD_URL, FIELD_ANCHOR, FIELD_BODY, FIELD_COUNT };
#define FIELD_MASK_ALL ((1u << FIELD_COUNT) - 1)

enum query_kind {
    QUERY_AND = 1, /* children: all must match; at least one of them is no QUERY_NOT */
    QUERY_OR,      /* children: at least one */
    QUERY_NOT,     /* one child, which must not match; stands only below a QUERY_AND */
    QUERY_TERM,    /* one word */
    QUERY_PHRASE,  /* words in this order, in one field */
    QUERY_SITE,    /* documents of this host and the hosts below it; scores nothing */
};

/* An analysed term: the index's key. */
struct query_term {
    const uint8_t *bytes;
    uint32_t size; /* 1 to TEXT_TERM_MAX */
};

/* One word as typed. A document has it when it has any of the alternatives. The first is the exact
 * form, the others are stems, of one or more languages. */
struct query_word {
    struct query_term alternatives[QUERY_ALTERNATIVES_MAX];
    uint32_t alternative_count; /* at least 1 */
    uint32_t offset;            /* in a phrase: positions behind the first word */
};

struct query_node {
    enum query_kind kind;
    uint32_t fields; /* of QUERY_TERM and QUERY_PHRASE: bits of the fields looked at, not 0 */
    struct query_word *words; /* QUERY_TERM: 1, QUERY_PHRASE: 1 or more */
    uint32_t word_count;
    struct query_node **children; /* QUERY_AND, QUERY_OR: 1 or more; QUERY_NOT: 1 */
    uint32_t child_count;
    struct text_slice text; /* QUERY_SITE: the host, lower case; else what was typed, folded */
};

struct query {
    struct query_node *root; /* NULL: nothing to look for, so nothing matches */
    const char *read_as;     /* how it was read, normalised: equal ones have equal results */
    const char *notes[QUERY_NOTES_MAX]; /* sentences for the user: what was dropped, and why */
    uint32_t note_count;
};

/*
 * Reads what was typed. `languages`, as bits 1 << enum text_language: their stems are looked for,
 * too, as far as there is room (see query_languages.h). Everything in ret_query lives in `arena`.
 *
 * Returns STATUS_OK or STATUS_NO_MEMORY.
 */
enum status query_parse(struct text_analyzer *analyzer, struct text_slice typed, uint64_t languages,
                        struct arena *arena, struct query *ret_query, struct error *err);

/* STATUS_INVALID where a tree from elsewhere breaks a limit or a rule above; NULL is valid. */
enum status query_check(const struct query_node *root, struct error *err);

/*
 * The same query asking for any of its words and phrases instead of all; text written without
 * spaces is read pair by pair. What only filters (sites, exclusions) stays. In the arena, sharing
 * the terms. NULL: no memory, or nothing was asked for.
 */
struct query_node *query_relax(const struct query_node *root, struct arena *arena);

/*
 * The distinct terms that score, in an order that depends on the tree alone: the order in which
 * document frequencies are handed to index_search(). Terms below a QUERY_NOT are not among them.
 * `ret_terms` has room for QUERY_TERMS_MAX; returns how many there are.
 */
size_t query_collect_terms(const struct query_node *root, struct query_term *ret_terms);

/* All words that a snippet should mark: those of query_collect_terms(), word by word. Borrowed from
 * the tree. `ret_words` has room for QUERY_WORDS_MAX. */
size_t query_collect_words(const struct query_node *root, const struct query_word **ret_words);

#endif
