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
#include <string.h>

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
#define QUERY_PREFIXES_MAX     4    /* words of which only the beginning is asked for */
#define QUERY_NOTES_MAX        8
#define QUERY_SITE_MAX         253 /* bytes of a host, with its port */
#define QUERY_SLOP_MAX         1000
#define QUERY_PREFIX_MIN       3    /* characters of a word's beginning */
#define QUERY_KEY_PREFIX       0x02 /* the byte in front of it in its term */

/* The parts of a document that are searched; also bits: 1u << FIELD_TITLE. */
enum query_field { FIELD_TITLE, FIELD_HEADINGS, FIELD_URL, FIELD_ANCHOR, FIELD_BODY, FIELD_COUNT };
#define FIELD_MASK_ALL ((1u << FIELD_COUNT) - 1)

enum query_kind {
    QUERY_AND = 1, /* children: all must match; at least one of them is no QUERY_NOT */
    QUERY_OR,      /* children: at least one */
    QUERY_NOT,     /* one child, which must not match; stands only below a QUERY_AND */
    QUERY_TERM,    /* one word */
    QUERY_PHRASE,  /* words in this order, in one field */
    QUERY_PREFIX,  /* any word that begins so; scores the same wherever it stands */
    /* Filters: they score nothing. */
    QUERY_SITE,     /* documents of this host and the hosts below it */
    QUERY_LANGUAGE, /* in this language; "de" has "de-at", too */
    QUERY_TYPE,     /* of this content type, by its short name */
    QUERY_DATES,    /* from one day to before another */
};

/* An analysed term: the index's key. */
struct query_term {
    const uint8_t *bytes;
    uint32_t size; /* 1 to TEXT_TERM_MAX */
};

static inline bool query_term_is(const struct query_term *term, const void *bytes, size_t size)
{
    return term->size == size && memcmp(term->bytes, bytes, size) == 0;
}

static inline bool query_term_equal(const struct query_term *a, const struct query_term *b)
{
    return query_term_is(a, b->bytes, b->size);
}

/* One word as typed. A document has it when it has any of the alternatives. The first is the exact
 * form, the others are stems, of one or more languages. */
struct query_word {
    struct query_term alternatives[QUERY_ALTERNATIVES_MAX];
    uint32_t alternative_count; /* at least 1 */
    uint32_t offset;            /* in a phrase: positions behind the first word */
};

struct query_node {
    enum query_kind kind;
    uint32_t fields; /* of those with words: bits of the fields looked at, not 0 */
    /* QUERY_TERM: 1, QUERY_PHRASE: 1 or more. QUERY_PREFIX: 1, whose only term is QUERY_KEY_PREFIX
     * and what it begins with. */
    struct query_word *words;
    uint32_t word_count;
    uint32_t slop;      /* of QUERY_PHRASE: how far its words may be moved; proximity.h says how */
    bool is_hyphenated; /* of QUERY_PHRASE: typed as "well-known", not in quotation marks */
    struct query_node **children; /* QUERY_AND, QUERY_OR: 1 or more; QUERY_NOT: 1 */
    uint32_t child_count;
    /* Filters but QUERY_DATES: the host, tag or type, in lower case; else what was typed, folded.
     */
    struct text_slice text;
    uint32_t day_begin; /* of QUERY_DATES, counted from 1970-01-01; */
    uint32_t day_end;   /* this one is not among them. At most DATE_DAY_END */
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

/* How a tree is written: query_parse() reads it as the same tree. In the arena; NULL: no memory. */
const char *query_write(const struct query_node *root, struct arena *arena);

/* Whether a node only chooses documents, by something else than their words. */
static inline bool query_filters(const struct query_node *node)
{
    return node->kind >= QUERY_SITE;
}

/* STATUS_INVALID where a tree from elsewhere breaks a limit or a rule above; NULL is valid. */
enum status query_check(const struct query_node *root, struct error *err);

/*
 * The same query asking for any of its words and phrases instead of all; text written without
 * spaces is read pair by pair, hyphenated words one by one. What only filters (sites, exclusions)
 * stays, and so does a QUERY_OR with such below it as a whole. Whatever matches the query matches
 * this, too, and query_collect_terms() finds the same terms in the same order. `root` itself where
 * that asks for no more; else in the arena, sharing the terms. NULL: no memory, or nothing was
 * asked for.
 *
 * parts, part_count  further words to ask for, behind those of the query: see compound.h. Shared,
 *                    and at most QUERY_WORDS_MAX together with the query's
 */
struct query_node *query_relax(const struct query_node *root, struct query_node *const *parts,
                               uint32_t part_count, struct arena *arena);

/* Whether query_relax() leaves a node as it is, with all that is below it. */
bool query_stays_whole(const struct query_node *node);

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
