/*
 * Words any of which must match: MaxScore (Turtle, Flood: "Query evaluation: strategies and
 * optimizations", 1995) with the bounds of blocks, window by window (as Lucene 10 does). In a
 * window of documents the words that could not bring one among the best by themselves are not
 * walked through: they are only asked about documents that the other words bring.
 */
#include <stdlib.h>
#include <string.h>

#include "index/evaluate.h"

#define WINDOW INLINKS_WINDOW /* documents */
#define SPARSE 512            /* documents of a list for which no table is worth it */

#define TABLE_FREQUENCIES 16

/* Scores by frequency in the body and the length's code, as they are met: a division less for each
 * posting. 0: not yet reckoned. */
struct score_table {
    uint32_t scores[TABLE_FREQUENCIES][256];
};

struct any_word {
    struct matcher_word *word;
    struct posting_cursor *only; /* its only list, where every field counts; NULL: not so simple */
    struct score_table *table;   /* of that; NULL: too few documents */
    uint32_t fields;
    float weight;
    uint32_t rows[QUERY_ALTERNATIVES_MAX];
    uint32_t bound; /* in this window */
};

struct any {
    struct evaluation *evaluation;
    struct any_word words[QUERY_WORDS_MAX];
    struct any_word *order[QUERY_WORDS_MAX]; /* by rising bound */
    uint32_t word_count;
    uint32_t essential; /* the first of `order` that is walked through */
    uint64_t rest;      /* the others' bounds together */
    double factor;      /* for links: none of the window counts more times. 0: nothing is skipped */
    uint64_t candidates[WINDOW / 64];
    uint32_t scores[WINDOW]; /* 0 where no bit is set */
};

bool evaluates_any(const struct query_node *root)
{
    if (root->kind == QUERY_TERM)
        return true;
    if (root->kind != QUERY_OR)
        return false;
    for (uint32_t i = 0; i < root->child_count; i++) {
        if (root->children[i]->kind != QUERY_TERM)
            return false;
    }
    return true;
}

/* ---- opening ---- */

static bool add_word(struct any *any, struct matcher_node *node, struct arena *arena)
{
    struct any_word *word = &any->words[any->word_count];
    *word = (struct any_word){.word = &node->words[0],
                              .fields = node->query->fields,
                              .weight = any->evaluation->weights[any->word_count]};
    any->order[any->word_count++] = word;
    /* Its form as typed, if no other has been indexed: what is added for that must not be lost. */
    if (word->word->word->alternative_count == 1 && word->fields == FIELD_MASK_ALL)
        word->only = word->word->cursors[0];
    if (word->only != NULL && word->only->document_count >= SPARSE) {
        word->table = arena_alloc(arena, sizeof(*word->table));
        if (word->table == NULL)
            return false;
        memset(word->table, 0, sizeof(*word->table));
    }
    return true;
}

static bool open_words(struct any *any, struct matcher_node *root, struct arena *arena)
{
    if (root->query->kind == QUERY_TERM)
        return add_word(any, root, arena);
    for (uint32_t i = 0; i < root->query->child_count; i++) {
        if (!add_word(any, root->children[i], arena))
            return false;
    }
    return true;
}

/* ---- choosing whom to walk through ---- */

static void sort_by_bound(struct any *any)
{
    for (uint32_t i = 1; i < any->word_count; i++) {
        struct any_word *word = any->order[i];
        uint32_t at = i;
        for (; at > 0 && any->order[at - 1]->bound > word->bound; at--)
            any->order[at] = any->order[at - 1];
        any->order[at] = word;
    }
}

/* The first words of the order that together bring no document of the window among the best. */
static void choose_essential(struct any *any, uint32_t first, uint32_t last)
{
    any->essential = 0;
    any->rest = 0;
    any->factor = 0;
    if (!evaluation_may_prune(any->evaluation) ||
        any->evaluation->top.count < any->evaluation->top.k)
        return;
    any->factor = evaluation_factor_max(any->evaluation, first, last);
    for (uint32_t i = 0; i < any->word_count; i++) {
        struct any_word *word = &any->words[i];
        if (!evaluate_word_bound(any->evaluation, word->word, word->weight, word->rows, first, last,
                                 &word->bound))
            word->bound = 0;
    }
    sort_by_bound(any);
    while (any->essential < any->word_count &&
           !evaluation_wants(any->evaluation, any->rest + any->order[any->essential]->bound,
                             any->factor))
        any->rest += any->order[any->essential++]->bound;
}

/* ---- walking through a window ---- */

static inline void add_score(struct any *any, uint32_t at, uint32_t score)
{
    any->scores[at] += score;
    any->candidates[at / 64] |= (uint64_t)1 << at % 64;
}

/* The rest of a block in which the key stands in the body alone; up to `last`. */
static void walk_body_block(struct any *any, struct any_word *word, uint32_t first, uint32_t last)
{
    struct posting_cursor *cursor = word->only;
    const struct scorer *scorer = &any->evaluation->scorer;
    const uint8_t *lengths = scorer->columns[FIELD_BODY];
    uint32_t i = cursor->index;
    for (; i < cursor->count && cursor->docids[i] <= last; i++) {
        uint32_t docid = cursor->docids[i];
        uint32_t frequency = cursor->frequencies[i];
        uint8_t length = lengths[docid];
        uint32_t unkept = 0;
        uint32_t *score =
            frequency <= TABLE_FREQUENCIES ? &word->table->scores[frequency - 1][length] : &unkept;
        if (*score == 0)
            *score = score_of(word->weight, scorer->ranking->k1,
                              (float)frequency * scorer->factors[FIELD_BODY][length]);
        add_score(any, docid - first, *score);
    }
    cursor->index = i - 1; /* the caller steps on */
    posting_cursor_next(cursor);
}

static void walk_list(struct any *any, struct any_word *word, uint32_t first, uint32_t last)
{
    struct posting_cursor *cursor = word->only;
    const struct scorer *scorer = &any->evaluation->scorer;
    posting_cursor_seek(cursor, first);
    while (cursor->docid <= last) {
        uint32_t fields = posting_cursor_fields(cursor);
        if (word->table != NULL && fields == 1u << FIELD_BODY && cursor->common_fields == fields) {
            walk_body_block(any, word, first, last);
            continue;
        }
        float weighed = weigh(scorer, cursor, FIELD_MASK_ALL);
        add_score(any, cursor->docid - first, score_of(word->weight, scorer->ranking->k1, weighed));
        posting_cursor_next(cursor);
    }
}

static void walk_word(struct any *any, struct any_word *word, uint32_t first, uint32_t last)
{
    uint32_t docid = matcher_word_seek(word->word, first);
    while (docid <= last) {
        uint32_t score =
            evaluate_word(any->evaluation, word->word, word->weight, word->fields, docid);
        if (word->fields == FIELD_MASK_ALL || (matcher_word_fields(word->word) & word->fields) != 0)
            add_score(any, docid - first, score);
        docid = matcher_word_seek(word->word, docid + 1);
    }
}

/* ---- candidates ---- */

/* Asks the words that were not walked through, the largest bound first; returns false as soon as
 * the document cannot be among the best. */
static bool ask_others(struct any *any, uint32_t docid, uint64_t *score)
{
    uint64_t rest = any->rest;
    if (!evaluation_wants(any->evaluation, *score + rest, any->factor))
        return false;
    for (uint32_t i = any->essential; i > 0; i--) {
        struct any_word *word = any->order[i - 1];
        if (i < any->essential && !evaluation_wants(any->evaluation, *score + rest, any->factor))
            return false;
        rest -= word->bound;
        if (word->bound == 0 || matcher_word_seek(word->word, docid) != docid)
            continue;
        *score += evaluate_word(any->evaluation, word->word, word->weight, word->fields, docid);
    }
    return true;
}

static bool take_candidates(struct any *any, uint32_t first)
{
    bool skips = any->factor > 0;
    for (uint32_t i = 0; i < WINDOW / 64; i++) {
        uint64_t bits = any->candidates[i];
        any->candidates[i] = 0;
        for (; bits != 0; bits &= bits - 1) {
            uint32_t at = i * 64 + (uint32_t)__builtin_ctzll(bits);
            uint64_t score = any->scores[at];
            any->scores[at] = 0;
            if (skips && !ask_others(any, first + at, &score)) {
                any->evaluation->is_pruned = true;
                continue;
            }
            if (!evaluation_take(any->evaluation, first + at, score))
                return false;
        }
    }
    return true;
}

/* ---- the whole ---- */

static bool evaluate_window(struct any *any, uint32_t first, uint32_t last)
{
    choose_essential(any, first, last);
    if (any->essential > 0)
        any->evaluation->is_pruned = true;
    if (any->essential == any->word_count)
        return true;
    for (uint32_t i = any->essential; i < any->word_count; i++) {
        struct any_word *word = any->order[i];
        if (word->only != NULL)
            walk_list(any, word, first, last);
        else
            walk_word(any, word, first, last);
    }
    return take_candidates(any, first);
}

/* The first document not below `from` that a word has. Words that were skipped may stand too far
 * in front: then it is `from`. */
static uint32_t find_next(const struct any *any, uint32_t from)
{
    uint32_t next = DOCID_END;
    for (uint32_t i = 0; i < any->word_count; i++) {
        const struct matcher_word *word = any->words[i].word;
        for (uint32_t a = 0; a < word->word->alternative_count; a++) {
            const struct posting_cursor *cursor = word->cursors[a];
            if (cursor == NULL || cursor->docid == DOCID_END || cursor->last < from)
                continue;
            uint32_t docid = cursor->docid < from ? from : cursor->docid;
            next = docid < next ? docid : next;
        }
    }
    return next;
}

enum status evaluate_any(struct evaluation *evaluation, struct matcher *matcher,
                         struct arena *arena, struct error *err)
{
    struct any *any = arena_zalloc(arena, sizeof(*any));
    if (any == NULL)
        return error_set(err, STATUS_NO_MEMORY, "search");
    any->evaluation = evaluation;
    if (!open_words(any, matcher->root, arena))
        return error_set(err, STATUS_NO_MEMORY, "search");
    for (uint32_t next = find_next(any, 0); next != DOCID_END;) {
        uint32_t first = next / WINDOW * WINDOW;
        if (!evaluate_window(any, first, first + WINDOW - 1))
            return segment_corrupt(matcher->segment, err);
        next = find_next(any, first + WINDOW);
    }
    return matcher_status(matcher, err);
}
