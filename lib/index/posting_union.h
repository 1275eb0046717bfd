/*
 * The documents that any of several keys has: of a prefix, of a range of dates. The longest lists
 * are walked through side by side, as far as they are asked for; the others are read at once into a
 * bit for each document (the blend of Lucene's MultiTermQuery).
 */
#ifndef TIERCE_INDEX_POSTING_UNION_H
#define TIERCE_INDEX_POSTING_UNION_H

#include "index/dates.h"
#include "index/limit.h"
#include "index/posting.h"
#include "index/prefix.h"

#define UNION_CURSORS_MAX 32

struct posting_union {
    const struct segment *segment;
    struct arena *arena;
    struct limit_watch *watch; /* where it stops while lists are gathered, the rest is left out */
    uint32_t fields;           /* a document counts where a key is in one of these */
    uint32_t docid;            /* current; DOCID_END: behind the last */
    uint64_t document_count;   /* of all its lists together */
    struct dictionary_entry longest[UNION_CURSORS_MAX];
    struct posting_cursor *cursors[UNION_CURSORS_MAX]; /* a heap, the smallest docid first */
    uint32_t cursor_count;
    uint32_t shortest;              /* of `longest`, when it is full */
    struct posting_cursor *scratch; /* reads lists into the bits */
    uint64_t *bits;                 /* NULL: every list has its cursor */
    bool is_cut;                    /* a prefix stands for more terms than are looked for */
    bool no_memory;
    bool corrupt;
};

/* Stand on the first document; `no_memory` and `corrupt` say what went wrong. All is the arena's.
 */
void posting_union_open_prefix(struct posting_union *any, const struct segment *segment,
                               const struct query_term *prefix, uint32_t fields,
                               struct limit_watch *watch, struct arena *arena);
/* Days from `begin` to before `end`. */
void posting_union_open_dates(struct posting_union *any, const struct segment *segment,
                              uint32_t begin, uint32_t end, struct limit_watch *watch,
                              struct arena *arena);

/* The first document not below the target, which lies behind the current one. */
uint32_t posting_union_seek(struct posting_union *any, uint32_t target);

#endif
