/* What the ways of evaluating a query share. */
#include "index/evaluate.h"

double evaluation_factor(const struct evaluation *evaluation, uint32_t docid)
{
    const struct segment *segment = evaluation->entry->segment;
    unsigned inlinks = atomic_load_explicit(&segment->inlinks[docid], memory_order_relaxed);
    return link_factor(evaluation->scorer.ranking, inlinks);
}

double evaluation_factor_max(const struct evaluation *evaluation, uint32_t first, uint32_t last)
{
    const struct segment *segment = evaluation->entry->segment;
    if (evaluation->scorer.ranking->link_weight == 0)
        return 1;
    unsigned most = 0;
    for (uint32_t i = first / INLINKS_WINDOW;
         i <= last / INLINKS_WINDOW && i <= (segment->document_count - 1) / INLINKS_WINDOW; i++) {
        unsigned one = atomic_load_explicit(&segment->inlinks_max[i], memory_order_relaxed);
        most = one > most ? one : most;
    }
    return link_factor(evaluation->scorer.ranking, most);
}

uint64_t evaluation_least(const struct evaluation *evaluation, double factor)
{
    if (evaluation->top.k == 0)
        return UINT64_MAX;
    if (!evaluation->top.is_full)
        return 0;
    /* Nearly; the multiplications there are rounded. */
    double about = evaluation->top.worst.score / factor * SCORE_ONE;
    uint64_t least = about < 2 ? 0 : (uint64_t)about - 2;
    while (!evaluation_wants(evaluation, least, factor))
        least++;
    while (least > 0 && evaluation_wants(evaluation, least - 1, factor))
        least--;
    return least;
}

static bool is_behind(const struct search_request *request, const struct top_hit *hit)
{
    if (!request->has_after)
        return true;
    return hit->score != request->after_score ? hit->score < request->after_score
                                              : hit->url_hash > request->after_url_hash;
}

bool evaluation_take(struct evaluation *evaluation, uint32_t docid, uint64_t score)
{
    const struct segment *segment = evaluation->entry->segment;
    if (deletions_has(evaluation->entry->deletions, docid))
        return true;
    if (!evaluation->request->include_private &&
        !snapshot_shows(evaluation->snapshot, segment, docid,
                        evaluation->scorer.columns[NORM_FLAGS][docid]))
        return true;
    evaluation->total++;
    struct top_hit hit = {.words_score = score, .docid = docid};
    hit.factor = evaluation_factor(evaluation, docid);
    hit.first_score = hit.score = score_whole(score, hit.factor);
    if (!top_wants(&evaluation->top, hit.score))
        return true; /* most of them: without looking up the hash */
    struct document_row row;
    if (!segment_row(segment, docid, &row))
        return false;
    hit.url_hash = row.url_hash;
    hit.entry = (uint32_t)(evaluation->entry - evaluation->snapshot->entries);
    if (is_behind(evaluation->request, &hit))
        top_add(&evaluation->top, &hit);
    return true;
}

/* ---- words ---- */

/*
 * Stems include the exact form's occurrences where the document's language is the one that was
 * stemmed for, and are other words where it is not: so the largest counts, not the sum.
 */
float evaluate_frequency(const struct evaluation *evaluation, struct matcher_word *word,
                         uint32_t fields, uint32_t docid)
{
    const struct scorer *scorer = &evaluation->scorer;
    float frequency = 0;
    float exact = 0;
    uint32_t count = word->word->alternative_count;
    for (uint32_t i = 0; i < count; i++) {
        struct posting_cursor *cursor = word->cursors[i];
        if (cursor == NULL || cursor->docid != docid)
            continue;
        float one = weigh(scorer, cursor, fields);
        if (i == 0)
            exact = one;
        frequency = one > frequency ? one : frequency;
    }
    if (count > 1)
        frequency += scorer->ranking->exact_bonus * exact;
    return frequency;
}

uint32_t evaluate_word(const struct evaluation *evaluation, struct matcher_word *word, float weight,
                       uint32_t fields, uint32_t docid)
{
    return score_of(weight, evaluation->scorer.ranking->k1,
                    evaluate_frequency(evaluation, word, fields, docid));
}
