/* Tells the hits that have one text, or nearly. */
#include "gateway/service_search_parts.h"

enum { NEAR_BITS_MAX = 3 }; /* of 64, as Manku et al. measured: crawl/fingerprint.h */

static bool has_same_text(const struct likeness *a, const struct likeness *b)
{
    if (a->fingerprint != 0 && a->fingerprint == b->fingerprint)
        return true;
    return a->simhash != 0 && b->simhash != 0 &&
           __builtin_popcountll(a->simhash ^ b->simhash) <= NEAR_BITS_MAX;
}

/* The result that a hit belongs to; their count: it is one of its own. */
static size_t find_result(const struct merged *merged, const struct folded *folded,
                          const struct search_hit *hit)
{
    size_t at = 0;
    while (at < folded->count &&
           !has_same_text(&merged->hits[folded->results[at].first].likeness, &hit->likeness))
        at++;
    return at;
}

static bool comes_before(const struct search_hit *hit, const struct search_hit *shown)
{
    return hit->score == shown->score && hit->precedence < shown->precedence;
}

enum status searching_fold(const struct merged *merged, bool shows_duplicates, struct arena *arena,
                           struct folded *ret_folded)
{
    struct folded folded = {
        .results = arena_alloc(arena, (merged->count + 1) * sizeof(*folded.results)),
        .of = arena_alloc(arena, (merged->count + 1) * sizeof(*folded.of)),
    };
    if (folded.results == NULL || folded.of == NULL)
        return STATUS_NO_MEMORY;
    for (uint32_t i = 0; i < merged->count; i++) {
        const struct search_hit *hit = &merged->hits[i];
        size_t at = shows_duplicates ? folded.count : find_result(merged, &folded, hit);
        struct folded_result *result = &folded.results[at];
        folded.of[i] = (uint32_t)at;
        if (at == folded.count) {
            folded.count++;
            *result = (struct folded_result){.first = i, .shown = i, .count = 1};
            continue;
        }
        result->count++;
        if (comes_before(hit, &merged->hits[result->shown]))
            result->shown = i;
    }
    *ret_folded = folded;
    return STATUS_OK;
}

enum status searching_note_folded(struct searching *search, struct search_answer *answer,
                                  struct error *err)
{
    if (answer->folded_count == 0)
        return STATUS_OK;
    const char *note =
        answer->folded_count == 1
            ? "One page with the same or nearly the same text as a result is listed with it."
            : arena_format(search->arena,
                           "%u pages with the same or nearly the same text as a result are listed "
                           "with it.",
                           answer->folded_count);
    if (note == NULL)
        return error_set(err, STATUS_NO_MEMORY, "search");
    answer->notes[answer->note_count++] = note;
    return STATUS_OK;
}
