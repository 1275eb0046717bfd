/*
 * Words and phrases all of which must match: the rarest word leads, the others are asked in the
 * order of their lists' lengths; a filter that keeps fewer documents leads beside it. Where no
 * document of a block of the leader could be among the
 * best, the block is stepped over; positions are read only of documents that could be.
 */
#include <stdlib.h>

#include "index/evaluate.h"

struct all_word {
    struct matcher_word *word;
    struct posting_cursor *only; /* its only list; NULL: there are more */
    uint64_t cost;               /* documents in its lists */
    uint32_t fields;
    float weight;
    uint32_t rows[QUERY_ALTERNATIVES_MAX];
    uint64_t followed; /* the bounds in the range of those behind it together */
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
    double factor;             /* for links: nothing in the range counts more times */
    uint32_t last;             /* of the range; documents behind it were not looked at */
    bool has_bounds;           /* of this range; else nothing is skipped */
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

static uint64_t cost_of(const struct matcher_word *word)
{
    uint64_t cost = 0;
    for (uint32_t i = 0; i < word->word->alternative_count; i++)
        cost += word->cursors[i] == NULL ? 0 : word->cursors[i]->document_count;
    return cost;
}

/* `number`: of the node's first word in the query. */
static void add_node(struct all *all, struct matcher_node *node, uint32_t number)
{
    if (node->query->kind == QUERY_PREFIX) {
        all->base += evaluate_prefix(all->evaluation, all->evaluation->weights[number]);
        all->checks[all->check_count++] = node;
        return;
    }
    for (uint32_t i = 0; i < node->query->word_count; i++)
        all->words[all->word_count++] = (struct all_word){
            .word = &node->words[i],
            .only = node->query->words[i].alternative_count == 1 ? node->words[i].cursors[0] : NULL,
            .cost = cost_of(&node->words[i]),
            .fields = node->query->fields,
            .weight = all->evaluation->weights[number + i]};
    if (node->query->kind != QUERY_TERM)
        all->checks[all->check_count++] = node;
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

/* Where the range that begins at a document ends: with the leader's block. */
static uint32_t find_range(const struct all_word *leader, uint32_t docid)
{
    uint32_t last = DOCID_END - 1;
    for (uint32_t i = 0; i < leader->word->word->alternative_count; i++) {
        const struct posting_cursor *cursor = leader->word->cursors[i];
        if (cursor == NULL || cursor->docid == DOCID_END || cursor->last < docid)
            continue;
        uint32_t block_last = posting_cursor_row_last(cursor, cursor->row);
        if (block_last >= docid && block_last < last)
            last = block_last;
    }
    return last;
}

/* Bounds for the range in which a document lies; false: nothing in it matches or could be among the
 * best. */
static bool enter_range(struct all *all, uint32_t docid)
{
    struct evaluation *evaluation = all->evaluation;
    uint64_t sum = all->base;
    all->has_bounds =
        evaluation_may_prune(evaluation) && evaluation->top.count == evaluation->top.k;
    all->last = find_range(&all->words[0], docid);
    if (!all->has_bounds)
        return true;
    uint32_t last = all->last < evaluation->entry->segment->document_count
                        ? all->last
                        : evaluation->entry->segment->document_count - 1;
    all->factor = evaluation_factor_max(evaluation, docid, last);
    for (uint32_t i = all->word_count; i > 0; i--) {
        struct all_word *word = &all->words[i - 1];
        word->followed = sum - all->base; /* which is in the score from the beginning */
        uint32_t bound;
        if (!evaluate_word_bound(evaluation, word->word, word->weight, word->rows, docid, last,
                                 &bound))
            return false; /* nothing matches here */
        sum += bound;
    }
    if (evaluation_wants(evaluation, sum, all->factor))
        return true;
    evaluation->is_pruned = true;
    return false;
}

/* ---- matching ---- */

static bool has_fields(struct all_word *word)
{
    return word->fields == FIELD_MASK_ALL || (matcher_word_fields(word->word) & word->fields) != 0;
}

static bool passes_checks(struct all *all, uint32_t docid)
{
    for (uint32_t i = 0; i < all->check_count; i++) {
        struct matcher_node *node = all->checks[i];
        if (node->query->kind == QUERY_PHRASE) {
            if (!matcher_phrase_matches(all->matcher, node))
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

/*
 * Whether all words are in the document in which the leader is; adds their scores. Otherwise
 * *ret_next is the first document that may be the next match.
 */
static bool ask_words(struct all *all, uint32_t docid, uint64_t *ret_score, uint32_t *ret_next)
{
    uint64_t score = all->base;
    *ret_next = docid + 1;
    for (uint32_t i = 1; i < all->word_count; i++) {
        struct all_word *word = &all->words[i];
        uint32_t at = word->only != NULL ? posting_cursor_seek(word->only, docid)
                                         : matcher_word_seek(word->word, docid);
        if (at != docid) {
            *ret_next = at;
            return false;
        }
    }
    for (uint32_t i = 0; i < all->word_count; i++) {
        struct all_word *word = &all->words[i];
        word->word->docid = docid;
        if (!has_fields(word))
            return false;
        score += evaluate_word(all->evaluation, word->word, word->weight, word->fields, docid);
        if (all->has_bounds &&
            !evaluation_wants(all->evaluation, score + word->followed, all->factor)) {
            all->evaluation->is_pruned = true;
            return false;
        }
    }
    *ret_score = score;
    return true;
}

/* The first document not below the target that the leader has and the gate lets through. */
static uint32_t lead(struct all *all, uint32_t target)
{
    struct matcher_node *gate = all->gate;
    while (target != DOCID_END) {
        if (gate != NULL)
            target =
                gate->docid < target ? matcher_node_seek(all->matcher, gate, target) : gate->docid;
        uint32_t docid =
            target == DOCID_END ? DOCID_END : matcher_word_seek(all->words[0].word, target);
        if (gate == NULL || docid == target)
            return docid;
        target = docid;
    }
    return DOCID_END;
}

enum status evaluate_all(struct evaluation *evaluation, struct matcher *matcher, struct error *err)
{
    struct all *all = arena_zalloc(matcher->arena, sizeof(*all));
    if (all == NULL)
        return error_set(err, STATUS_NO_MEMORY, "search");
    all->evaluation = evaluation;
    all->matcher = matcher;
    open_words(all, matcher->root);
    uint32_t docid = lead(all, 0);
    bool in_range = false;
    while (docid != DOCID_END) {
        if ((!in_range || docid > all->last) && !enter_range(all, docid)) {
            in_range = false;
            docid = all->last == DOCID_END - 1 ? DOCID_END : lead(all, all->last + 1);
            continue;
        }
        in_range = true;
        uint64_t score;
        uint32_t next;
        if (ask_words(all, docid, &score, &next) && passes_checks(all, docid) &&
            !evaluation_take(evaluation, docid, score))
            return segment_corrupt(matcher->segment, err);
        docid = lead(all, next);
    }
    return matcher_status(matcher, err);
}
