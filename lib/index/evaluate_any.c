/*
 * Words any of which must match: MaxScore (Turtle, Flood: "Query evaluation: strategies and
 * optimizations", 1995) with the bounds of blocks, window by window (as Lucene 10 does). In a
 * window of documents the words that could not bring one among the best by themselves are not
 * walked through: they are only asked about documents that the other words bring.
 *
 * The windows with the largest bounds come first: what the best documents score is known early, and
 * most of the others need not be looked at.
 */
#include <stdlib.h>
#include <string.h>

#include "index/evaluate.h"
#include "index/weighed.h"

#define SEEDS      6   /* windows that are looked at before all others */
#define WORD_STEPS 256 /* of a limit, for a window: in most of them few blocks are decoded */

struct any {
    struct evaluation *evaluation;
    struct weighed_word words[QUERY_WORDS_MAX];
    struct weighed_word *order[QUERY_WORDS_MAX]; /* by rising bound */
    uint32_t word_count;
    uint32_t window_count;
    uint64_t *bounds;   /* by window: no document scores more; 0: none, or it was looked at */
    uint32_t essential; /* the first of `order` that is walked through */
    uint64_t rest;      /* the others' bounds together */
    uint64_t wanted;    /* what a document of the window must score; 0: nothing is skipped */
    struct gathered gathered;
    struct candidates candidates;
    uint64_t met[WINDOW / 64]; /* documents that are gathered, where nothing is skipped */
    uint32_t scores[WINDOW];   /* of those that are gathered; else 0 */
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

static bool add_word(struct any *any, const struct matcher_node *node, struct arena *arena)
{
    struct weighed_word *word = &any->words[any->word_count];
    if (limit_watch_stops(&any->evaluation->watch, WINDOW))
        return false;
    weighed_word_open(word, &any->evaluation->scorer, &node->words[0], node->query->fields,
                      any->evaluation->weights[any->word_count]);
    if (!weighed_word_bound(word, any->window_count, arena))
        return false;
    for (uint32_t window = 0; window < any->window_count; window++)
        any->bounds[window] += word->bounds[window];
    any->order[any->word_count++] = word;
    return true;
}

static bool open_words(struct any *any, const struct matcher_node *root, struct arena *arena)
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
        struct weighed_word *word = any->order[i];
        uint32_t at = i;
        for (; at > 0 && any->order[at - 1]->bound > word->bound; at--)
            any->order[at] = any->order[at - 1];
        any->order[at] = word;
    }
}

/* The first words of the order that together bring no document of the window among the best. */
static void choose_essential(struct any *any, uint32_t window)
{
    for (uint32_t i = 0; i < any->word_count; i++)
        any->words[i].bound = any->words[i].bounds[window];
    sort_by_bound(any);
    any->essential = 0;
    any->rest = 0;
    while (any->essential < any->word_count &&
           any->rest + any->order[any->essential]->bound < any->wanted)
        any->rest += any->order[any->essential++]->bound;
    while (any->essential < any->word_count && any->order[any->essential]->bound == 0)
        any->essential++; /* not in this window */
}

/* ---- gathering candidates ---- */

static void gather(struct any *any, struct weighed_word *word, uint32_t window)
{
    uint64_t others = any->bounds[window] - word->bound;
    weighed_word_gather(word, window * WINDOW, window * WINDOW + WINDOW - 1,
                        any->wanted > others ? any->wanted - others : 0, &any->gathered);
}

/* One list alone: its documents are the candidates. */
static void take_gathered(struct any *any, uint64_t enough)
{
    const struct gathered *gathered = &any->gathered;
    struct candidates *candidates = &any->candidates;
    uint32_t kept = 0;
    for (uint32_t i = 0; i < gathered->count; i++) {
        candidates->docids[kept] = gathered->docids[i];
        candidates->scores[kept] = gathered->scores[i];
        kept += gathered->scores[i] >= enough;
    }
    candidates->count = kept;
}

static void add_gathered(struct any *any, uint32_t first)
{
    const struct gathered *gathered = &any->gathered;
    for (uint32_t i = 0; i < gathered->count; i++)
        any->scores[gathered->docids[i] - first] += gathered->scores[i];
    if (any->wanted > 0)
        return;
    for (uint32_t i = 0; i < gathered->count; i++) {
        uint32_t at = gathered->docids[i] - first;
        any->met[at / 64] |= (uint64_t)1 << at % 64;
    }
}

/* Those of the sums that are enough, of 16 documents. */
static uint32_t take_sums(struct any *any, uint32_t at, uint32_t first, uint32_t enough)
{
    struct candidates *candidates = &any->candidates;
    uint32_t kept = candidates->count;
    for (uint32_t i = at; i < at + 16; i++) {
        candidates->docids[kept] = first + i;
        candidates->scores[kept] = any->scores[i];
        kept += any->scores[i] >= enough;
    }
    return kept;
}

static void take_enough(struct any *any, uint32_t first, uint64_t enough)
{
    typedef uint32_t lanes __attribute__((vector_size(16)));
    typedef uint64_t halves __attribute__((vector_size(16)));
    any->candidates.count = 0;
    if (enough > UINT32_MAX)
        return;
    const lanes limit = {(uint32_t)enough, (uint32_t)enough, (uint32_t)enough, (uint32_t)enough};
    for (uint32_t at = 0; at < WINDOW; at += 16) {
        lanes some[4];
        memcpy(some, any->scores + at, sizeof(some));
        halves any_enough = (halves)((some[0] >= limit) | (some[1] >= limit) | (some[2] >= limit) |
                                     (some[3] >= limit));
        if ((any_enough[0] | any_enough[1]) != 0)
            any->candidates.count = take_sums(any, at, first, (uint32_t)enough);
    }
}

static void take_met(struct any *any, uint32_t first)
{
    struct candidates *candidates = &any->candidates;
    candidates->count = 0;
    for (uint32_t i = 0; i < WINDOW / 64; i++) {
        for (uint64_t bits = any->met[i]; bits != 0; bits &= bits - 1) {
            uint32_t at = i * 64 + (uint32_t)__builtin_ctzll(bits);
            candidates->docids[candidates->count] = first + at;
            candidates->scores[candidates->count++] = any->scores[at];
        }
    }
    memset(any->met, 0, sizeof(any->met));
}

static void find_candidates(struct any *any, uint32_t window)
{
    uint32_t first = window * WINDOW;
    uint64_t enough = any->wanted > any->rest ? any->wanted - any->rest : 0;
    if (any->essential + 1 == any->word_count) {
        gather(any, any->order[any->essential], window);
        take_gathered(any, enough);
        return;
    }
    for (uint32_t i = any->essential; i < any->word_count; i++) {
        gather(any, any->order[i], window);
        add_gathered(any, first);
    }
    if (any->wanted > 0)
        take_enough(any, first, enough);
    else
        take_met(any, first);
    memset(any->scores, 0, sizeof(any->scores));
}

/* ---- the whole ---- */

/* What the window's documents must score to be among the best; 0: all are looked at. */
static uint64_t find_wanted(const struct any *any, uint32_t window)
{
    struct evaluation *evaluation = any->evaluation;
    if (!evaluation_may_prune(evaluation) || !evaluation->top.is_full)
        return 0;
    return evaluation_least(evaluation, evaluation_factor_max(evaluation, window * WINDOW,
                                                              window * WINDOW + WINDOW - 1));
}

/* With each that is taken the next ones have to score more. False: the segment is corrupt. */
static bool take_candidates(struct any *any, uint32_t window)
{
    const struct candidates *candidates = &any->candidates;
    struct evaluation *evaluation = any->evaluation;
    uint64_t wanted = find_wanted(any, window);
    for (uint32_t i = 0; i < candidates->count; i++) {
        if (candidates->scores[i] < wanted) {
            evaluation->is_pruned = true;
            continue;
        }
        if (!evaluation_take(evaluation, candidates->docids[i], candidates->scores[i]))
            return false;
        wanted = find_wanted(any, window);
    }
    return true;
}

static bool evaluate_window(struct any *any, uint32_t window)
{
    struct candidates *candidates = &any->candidates;
    any->wanted = find_wanted(any, window);
    any->evaluation->is_pruned = any->evaluation->is_pruned || any->wanted > 0;
    if (any->bounds[window] < any->wanted)
        return true;
    choose_essential(any, window);
    find_candidates(any, window);
    for (uint32_t i = any->essential; i > 0 && candidates->count > 0; i--) {
        struct weighed_word *word = any->order[i - 1];
        if (word->bound == 0)
            break; /* nor are those before it in this window */
        any->rest -= word->bound;
        weighed_word_ask(word, candidates, any->wanted, any->rest);
    }
    return take_candidates(any, window);
}

static uint32_t find_best_window(const struct any *any)
{
    uint32_t best = 0;
    for (uint32_t window = 1; window < any->window_count; window++) {
        if (any->bounds[window] > any->bounds[best])
            best = window;
    }
    return best;
}

static bool evaluate_windows(struct any *any)
{
    for (uint32_t seeds = 0; seeds < SEEDS; seeds++) {
        uint32_t best = find_best_window(any);
        if (any->bounds[best] > 0 && !evaluate_window(any, best))
            return false;
        any->bounds[best] = 0;
    }
    for (uint32_t window = 0; window < any->window_count; window++) {
        if (any->bounds[window] == 0)
            continue;
        if (limit_watch_stops(&any->evaluation->watch, any->word_count * WORD_STEPS))
            return true; /* the matcher's status says why */
        if (!evaluate_window(any, window))
            return false;
    }
    return true;
}

enum status evaluate_any(struct evaluation *evaluation, struct matcher *matcher,
                         struct arena *arena, struct error *err)
{
    struct any *any = arena_alloc(arena, sizeof(*any)); /* large: most of it needs no zeros */
    uint32_t window_count = (matcher->segment->document_count + WINDOW - 1) / WINDOW;
    uint64_t *bounds = arena_zalloc(arena, (window_count + 1) * sizeof(*bounds));
    if (any == NULL || bounds == NULL)
        return error_set(err, STATUS_NO_MEMORY, "search");
    any->evaluation = evaluation;
    any->word_count = 0;
    any->window_count = window_count;
    any->bounds = bounds;
    memset(any->met, 0, sizeof(any->met));
    memset(any->scores, 0, sizeof(any->scores));
    gathered_init(&any->gathered);
    if (!open_words(any, matcher->root, arena)) {
        enum status status = matcher_status(matcher, err);
        return status != STATUS_OK ? status : error_set(err, STATUS_NO_MEMORY, "search");
    }
    if (!evaluate_windows(any))
        return segment_corrupt(matcher->segment, err);
    return matcher_status(matcher, err);
}
