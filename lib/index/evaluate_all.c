/*
 * Words and phrases all of which must match: the rarest word leads, block by block, and the others
 * are asked about its documents in the order of their lists' lengths; a filter that keeps fewer
 * documents leads beside it. Where no document of a block
 * of the leader could be among the best, the block is stepped over; positions are read only of
 * documents that could be. The blocks in which the leader scores most come first: so it is known
 * early what the best score.
 */
#include <stdlib.h>

#include "index/evaluate.h"
#include "index/weighed.h"

#define SEEDS       4  /* blocks that are looked at before all others */
#define SEEDED_FROM 16 /* documents of the leader, in blocks: fewer are not worth it */
#define WORD_STEPS  32 /* of a limit, for a block of the leader */

struct all_word {
    struct weighed_word weighed;
    struct matcher_word *matched; /* the same, for phrases */
    uint64_t cost;                /* documents in its lists */
    uint64_t followed;            /* the bounds in the range of those behind it together */
};

/* No document of the language before `next` has the word. */
struct gap {
    uint32_t next;
    uint8_t language;
    struct weighed_word *word;
};

struct all {
    struct evaluation *evaluation;
    struct matcher *matcher;
    struct all_word words[QUERY_WORDS_MAX]; /* the leader first */
    uint32_t word_count;
    struct matcher_node *checks[QUERY_NODES_MAX]; /* phrases, filters, exclusions */
    uint32_t check_count;
    struct matcher_node *gate; /* the filter that keeps fewest, if fewer than the leader; or NULL */
    uint64_t base;             /* what prefixes score, in every match */
    uint32_t next;             /* documents below it were looked at or cannot match */
    struct gap gap;
    uint32_t first;        /* of the range in which the leader is gathered */
    uint32_t last;         /* of it */
    uint64_t wanted;       /* what a document of the range must score; 0: nothing is skipped */
    double factor;         /* for links: nothing in the range counts more times */
    uint32_t seeds[SEEDS]; /* last documents of ranges that were looked at */
    uint32_t seed_count;
    struct gathered gathered;
};

/* ---- which queries ---- */

static bool is_simple(const struct query_node *node)
{
    switch (node->kind) {
    case QUERY_TERM:
    case QUERY_PHRASE:
    case QUERY_PREFIX:
    case QUERY_SITE:
    case QUERY_LANGUAGE:
    case QUERY_TYPE:
    case QUERY_DATES:
    case QUERY_NOT: /* whatever is below it only excludes */
        return true;
    case QUERY_AND:
    case QUERY_OR:
        break;
    }
    for (uint32_t i = 0; i < node->child_count; i++) { /* filters, any or all of them */
        if (node->children[i]->word_count > 0 || !is_simple(node->children[i]))
            return false;
    }
    return true;
}

bool evaluates_all(const struct query_node *root)
{
    if (root->kind == QUERY_PHRASE)
        return true;
    if (root->kind != QUERY_AND)
        return false;
    bool has_words = false;
    for (uint32_t i = 0; i < root->child_count; i++) {
        if (!is_simple(root->children[i]))
            return false;
        has_words = has_words ||
                    (root->children[i]->word_count > 0 && root->children[i]->kind != QUERY_PREFIX);
    }
    return has_words;
}

/* ---- opening ---- */

/* `number`: of the node's first word in the query. */
static void add_node(struct all *all, struct matcher_node *node, uint32_t number)
{
    bool is_prefix = node->query->kind == QUERY_PREFIX;
    if (is_prefix)
        all->base += evaluate_prefix(all->evaluation, all->evaluation->weights[number]);
    for (uint32_t i = 0; !is_prefix && i < node->query->word_count; i++) {
        struct all_word *word = &all->words[all->word_count++];
        word->matched = &node->words[i];
        weighed_word_open(&word->weighed, &all->evaluation->scorer, word->matched,
                          node->query->fields, all->evaluation->weights[number + i]);
        word->cost = weighed_word_cost(&word->weighed);
    }
    if (node->query->kind == QUERY_TERM)
        return;
    all->checks[all->check_count++] = node;
    if (node->query->kind != QUERY_PHRASE)
        matcher_node_start(all->matcher, node);
}

static int compare_costs(const void *a_pointer, const void *b_pointer)
{
    const struct all_word *a = a_pointer;
    const struct all_word *b = b_pointer;
    return (a->cost > b->cost) - (a->cost < b->cost);
}

/* Exclusions have no words here: what they score does not count, and they are not numbered. */
static void open_words(struct all *all, struct matcher_node *root)
{
    uint32_t number = 0;
    if (root->query->kind == QUERY_PHRASE)
        add_node(all, root, 0);
    for (uint32_t i = 0; i < root->query->child_count; i++) {
        struct matcher_node *child = root->children[i];
        add_node(all, child, number);
        number += child->query->word_count;
    }
    qsort(all->words, all->word_count, sizeof(all->words[0]), compare_costs);
    for (uint32_t i = 0; i < all->check_count; i++) {
        struct matcher_node *node = all->checks[i];
        if (node->query->kind != QUERY_PHRASE && node->cost < all->words[0].cost &&
            (all->gate == NULL || node->cost < all->gate->cost))
            all->gate = node;
    }
}

/* ---- skipping ---- */

static void find_wanted(struct all *all)
{
    struct evaluation *evaluation = all->evaluation;
    bool skips = evaluation_may_prune(evaluation) && evaluation->top.is_full;
    all->wanted = skips ? evaluation_least(evaluation, all->factor) : 0;
}

/* Bounds for the range; false: nothing in it matches or could be among the best. */
static bool enter_range(struct all *all)
{
    uint64_t sum = all->base;
    uint32_t count = all->evaluation->entry->segment->document_count;
    uint32_t last = all->last < count ? all->last : count - 1;
    all->factor = evaluation_factor_max(all->evaluation, all->first, last);
    find_wanted(all);
    if (all->wanted == 0)
        return true;
    for (uint32_t i = all->word_count; i > 0; i--) {
        struct all_word *word = &all->words[i - 1];
        word->followed = sum - all->base; /* which is in the score from the beginning */
        if (!weighed_word_bound_range(&word->weighed, all->first, last, &word->weighed.bound))
            return false; /* nothing matches here */
        sum += word->weighed.bound;
    }
    if (sum >= all->wanted)
        return true;
    all->evaluation->is_pruned = true;
    return false;
}

/* ---- matching ---- */

/* All words of a phrase are in the document; whether they stand there as asked. */
static bool is_phrase(struct all *all, struct matcher_node *node, uint32_t docid)
{
    uint32_t score;
    uint32_t next;
    weighed_word_score(&all->words[0].weighed, docid, &score, &next); /* it was only gathered */
    for (uint32_t i = 0; i < node->query->word_count; i++)
        node->words[i].docid = docid;
    return matcher_phrase_matches(all->matcher, node);
}

static bool passes_checks(struct all *all, uint32_t docid)
{
    for (uint32_t i = 0; i < all->check_count; i++) {
        struct matcher_node *node = all->checks[i];
        if (node->query->kind == QUERY_PHRASE) {
            if (!is_phrase(all, node, docid))
                return false;
            continue;
        }
        bool excludes = node->query->kind == QUERY_NOT;
        struct matcher_node *asked = excludes ? node->children[0] : node;
        uint32_t at =
            asked->docid < docid ? matcher_node_seek(all->matcher, asked, docid) : asked->docid;
        if ((at == docid) == excludes)
            return false;
    }
    return true;
}

static uint8_t language_of(const struct all *all, uint32_t docid)
{
    return all->evaluation->scorer.columns[NORM_LANGUAGE][docid];
}

/* Whether the other words are in a document of the leader's, too, and it could be among the best;
 * adds their scores. */
static bool ask_words(struct all *all, uint32_t docid, uint64_t *score)
{
    for (uint32_t i = 1; i < all->word_count; i++) {
        struct all_word *word = &all->words[i];
        uint64_t wanted =
            *score + word->followed < all->wanted ? all->wanted - word->followed - *score : 0;
        uint32_t more;
        if (wanted > 0 && (word->weighed.bound < wanted ||
                           weighed_word_is_hopeless(&word->weighed, docid, wanted))) {
            all->evaluation->is_pruned = true;
            return false;
        }
        uint32_t next;
        if (!weighed_word_score(&word->weighed, docid, &more, &next)) {
            all->gap = (struct gap){next, language_of(all, docid), &word->weighed};
            return false;
        }
        *score += more;
    }
    if (*score >= all->wanted)
        return true;
    all->evaluation->is_pruned = true;
    return false;
}

/* The first document not below the target that the gate lets through. */
static uint32_t seek_gate(struct all *all, uint32_t target)
{
    struct matcher_node *gate = all->gate;
    if (gate == NULL || target == DOCID_END)
        return target;
    return gate->docid < target ? matcher_node_seek(all->matcher, gate, target) : gate->docid;
}

static bool passes_gate(struct all *all, uint32_t docid)
{
    uint32_t at = seek_gate(all, docid);
    if (at != docid)
        all->next = at;
    return at == docid;
}

/* False: the segment is corrupt. */
static bool evaluate_range(struct all *all)
{
    struct all_word *leader = &all->words[0];
    struct gathered *gathered = &all->gathered;
    all->gap.next = 0;
    uint64_t others = leader->followed + all->base;
    weighed_word_gather(&leader->weighed, all->first, all->last,
                        all->wanted > others ? all->wanted - others : 0, gathered);
    all->evaluation->is_pruned = all->evaluation->is_pruned || gathered->skipped;
    for (uint32_t i = 0; i < gathered->count; i++) {
        uint32_t docid = gathered->docids[i];
        uint64_t score = gathered->scores[i] + all->base;
        if (docid < all->next ||
            (docid < all->gap.next && language_of(all, docid) == all->gap.language) ||
            !passes_gate(all, docid))
            continue;
        if (all->wanted > 0 && score + leader->followed < all->wanted) {
            all->evaluation->is_pruned = true;
            continue;
        }
        if (!ask_words(all, docid, &score) || !passes_checks(all, docid))
            continue;
        if (!evaluation_take(all->evaluation, docid, score))
            return false;
        if (all->wanted > 0)
            find_wanted(all);
    }
    if (all->gap.next > all->last) { /* where it ends for documents of all languages */
        uint32_t next = weighed_word_seek(all->gap.word, all->last + 1);
        all->next = next > all->next ? next : all->next;
    }
    return true;
}

/* Only phrases can be asked about documents in any order. */
static bool has_order(const struct all *all)
{
    for (uint32_t i = 0; i < all->check_count; i++) {
        if (all->checks[i]->query->kind != QUERY_PHRASE)
            return true;
    }
    return false;
}

static bool was_seed(const struct all *all)
{
    for (uint32_t i = 0; i < all->seed_count; i++) {
        if (all->seeds[i] == all->last)
            return true;
    }
    return false;
}

/* False: the segment is corrupt. */
static bool evaluate_seeds(struct all *all)
{
    uint32_t seeds[SEEDS];
    struct all_word *leader = &all->words[0];
    if (has_order(all) || leader->cost < SEEDED_FROM * POSTING_BLOCK)
        return true;
    uint32_t count = weighed_word_best(&leader->weighed, SEEDS, seeds);
    for (uint32_t i = 0; i < count; i++) {
        all->next = seeds[i];
        if (!weighed_word_range(&leader->weighed, all->next, &all->first, &all->last))
            break;
        if (enter_range(all) && !evaluate_range(all))
            return false;
        all->seeds[all->seed_count++] = all->last;
    }
    all->next = 0;
    return true;
}

/* False: the segment is corrupt. */
static bool evaluate_ranges(struct all *all)
{
    struct weighed_word *leader = &all->words[0].weighed;
    while (!limit_watch_stops(&all->evaluation->watch, all->word_count * WORD_STEPS) &&
           (all->next = seek_gate(all, all->next)) != DOCID_END &&
           weighed_word_range(leader, all->next, &all->first, &all->last)) {
        if (!was_seed(all) && enter_range(all) && !evaluate_range(all))
            return false;
        if (all->next <= all->last)
            all->next = all->last + 1;
    }
    return true;
}

enum status evaluate_all(struct evaluation *evaluation, struct matcher *matcher, struct error *err)
{
    struct all *all = arena_alloc(matcher->arena, sizeof(*all)); /* as for evaluate_any() */
    if (all == NULL)
        return error_set(err, STATUS_NO_MEMORY, "search");
    all->evaluation = evaluation;
    all->matcher = matcher;
    all->word_count = all->check_count = all->seed_count = 0;
    all->next = 0;
    all->gate = NULL;
    all->base = 0;
    gathered_init(&all->gathered);
    open_words(all, matcher->root);
    if (!evaluate_seeds(all) || !evaluate_ranges(all))
        return segment_corrupt(matcher->segment, err);
    return matcher_status(matcher, err);
}
