/* What the parts of weighed.h share. */
#ifndef TIERCE_INDEX_WEIGHED_PARTS_H
#define TIERCE_INDEX_WEIGHED_PARTS_H

#include "index/weighed.h"

/* Decodes a block unless it is that which was decoded last; false: it is corrupt. */
bool weighed_list_enter(struct weighed_list *list, uint32_t row);

/* Nothing in a block of the list weighs more. */
float weighed_list_bound_row(const struct weighed_word *word, const struct weighed_list *list,
                             uint32_t row);

/* What a word scores that weighs so much, and its exact form so much of it. */
static inline uint32_t score_weighed(const struct weighed_word *word, float most, float exact)
{
    if (word->exact >= 0)
        most += word->scorer->ranking->exact_bonus * exact;
    return score_of(word->weight, word->scorer->ranking->k1, most);
}

#endif
