/* Document by document through the tree of a query: for what the faster ways do not know. */
#include "index/evaluate.h"

/* What the walk through the tree for one document needs. */
struct scoring {
    const struct evaluation *evaluation;
    uint32_t docid;
    uint32_t number; /* of the next word */
    uint64_t score;
};

/* Adds the scores of the words that make this node match. Below a node that does not match, words
 * are only counted: where their cursors stand means nothing. */
static void score_node(struct scoring *scoring, struct matcher_node *node, bool matches)
{
    const struct query_node *query = node->query;
    if (query->kind == QUERY_NOT)
        return;
    matches = matches && node->docid == scoring->docid;
    for (uint32_t i = 0; i < query->child_count; i++)
        score_node(scoring, node->children[i], matches);
    for (uint32_t i = 0; i < query->word_count; i++) {
        float weight = scoring->evaluation->weights[scoring->number++];
        if (matches && query->kind == QUERY_PREFIX)
            scoring->score += evaluate_prefix(scoring->evaluation, weight);
        else if (matches)
            scoring->score += evaluate_word(scoring->evaluation, &node->words[i], weight,
                                            query->fields, scoring->docid);
    }
}

static bool has_words(const struct query_node *node)
{
    const struct query_word *words[QUERY_WORDS_MAX];
    return query_collect_words(node, words) > 0;
}

enum status evaluate_tree(struct evaluation *evaluation, struct matcher *matcher, struct error *err)
{
    /* Where there are only filters, every match counts the same, but for links. */
    bool scores = has_words(matcher->root->query);
    for (uint32_t docid = matcher_node_start(matcher, matcher->root); docid != DOCID_END;
         docid = matcher_seek(matcher, docid + 1)) {
        struct scoring scoring = {evaluation, docid, 0, 0};
        if (scores)
            score_node(&scoring, matcher->root, true);
        else
            scoring.score = 1u << SCORE_BITS;
        if (!evaluation_take(evaluation, docid, scoring.score))
            return segment_corrupt(matcher->segment, err);
    }
    return matcher_status(matcher, err);
}
