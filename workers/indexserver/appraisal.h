/*
 * What a fetch means for a URL: whether it changed, how long it is left alone now, whether its page
 * goes. Decided once, when the fetch is appended; the log's entries carry it.
 */
#ifndef TIERCE_INDEXSERVER_APPRAISAL_H
#define TIERCE_INDEXSERVER_APPRAISAL_H

#include "indexserver/scope.h"
#include "indexserver/url_state.h"
#include "indexserver/views.h"

struct appraisal {
    int64_t now_us;      /* the entry's time: the caller's to set */
    struct table *moves; /* targets that pages moved to under this report; the caller's */
    bool same;           /* a content: nothing of it is new, it need not be held again */
    bool kept;           /* a content: it would take the page away, which may not go */
    bool removes;        /* an outcome: the page that is held goes */
    Log__RemoveBy by;    /* and whose rule that is */
};

/* Fills in content->recrawl_s. `page` may be NULL: nobody could parse it yet. Under the lock. */
void appraise_content(struct views *views, const struct url_state *state, Log__Content *content,
                      const Page__Page *page, struct arena *arena, struct appraisal *appraisal);

/* Fills in what the outcome says of later (log.proto). Under the lock. The arena outlives `moves`.
 */
void appraise_outcome(struct views *views, const struct url_state *state, Log__Outcome *outcome,
                      struct arena *arena, struct appraisal *appraisal);

#endif
