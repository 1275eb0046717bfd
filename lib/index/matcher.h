/*
 * Finds the documents of one segment that match a query, in the order of their docids. Deletions
 * and privacy are its caller's affair.
 */
#ifndef TIERCE_INDEX_MATCHER_H
#define TIERCE_INDEX_MATCHER_H

#include "index/dictionary.h"
#include "index/limit.h"
#include "index/posting.h"
#include "index/posting_union.h"

/* A word of the query: a document has it when it has one of the alternatives. */
struct matcher_word {
    const struct query_word *word;
    struct posting_cursor *cursors[QUERY_ALTERNATIVES_MAX]; /* NULL: not in this segment */
    uint32_t docid;                                         /* smallest of the cursors' */
};

struct matcher_node {
    const struct query_node *query;
    uint32_t docid;                 /* its current match; DOCID_END: no more */
    uint64_t cost;                  /* about how many documents it matches */
    struct matcher_node **children; /* in the query's order */
    struct matcher_node **order;    /* of a QUERY_AND: cheapest first, exclusions last */
    struct matcher_word *words;
    struct posting_cursor *key; /* of a filter of one key; NULL: none in this segment */
    struct posting_union *any;  /* of a QUERY_PREFIX or QUERY_DATES */
};

struct matcher {
    const struct segment *segment;
    struct arena *arena;
    struct limit_watch *watch; /* where it stops, matches end early */
    struct matcher_node *root;
    struct posting_cursor **cursors; /* all of them */
    uint32_t cursor_count;
    /* Positions of a phrase while it is looked for. */
    struct numbers here;
    struct numbers next;
    struct numbers merged;
    struct numbers *near; /* of the words of a phrase with a slop; NULL: there was none yet */
    bool is_cut;          /* a prefix stands for more words than are looked for */
    bool no_memory;
    bool corrupt;
};

/* Stands nowhere yet: see matcher_node_start(). The query was checked. Everything but the buffers
 * is the arena's. The watch is borrowed. */
enum status matcher_open(struct matcher *matcher, const struct segment *segment,
                         const struct query_node *query, struct limit_watch *watch,
                         struct arena *arena, struct error *err);
void matcher_release(struct matcher *matcher);

/* The first document not below the target that a word has. Its cursors that stand there have it. */
uint32_t matcher_word_seek(struct matcher_word *word, uint32_t target);
/* The fields of the document it stands on in which the word is. */
uint32_t matcher_word_fields(struct matcher_word *word);
/* Where any of the word's alternatives stands in a field of the document that they stand on,
 * rising. False: no memory; a cursor that is corrupt says so itself. */
bool matcher_word_positions(const struct matcher_word *word, unsigned field, struct numbers *out,
                            struct numbers *scratch);
/* Whether the words of a QUERY_PHRASE, all of which stand on one document, stand in it as asked. */
bool matcher_phrase_matches(struct matcher *matcher, struct matcher_node *node);
/* The first match of a node: before it, its words stand on the first documents that have them, and
 * it nowhere. */
uint32_t matcher_node_start(struct matcher *matcher, struct matcher_node *node);
/* The first match of a node not below the target, which lies behind its current one. */
uint32_t matcher_node_seek(struct matcher *matcher, struct matcher_node *node, uint32_t target);

/* The first match not below the target, which lies behind the current one. */
uint32_t matcher_seek(struct matcher *matcher, uint32_t target);

/* STATUS_OK, or why the matches ended early. */
enum status matcher_status(const struct matcher *matcher, struct error *err);

#endif
