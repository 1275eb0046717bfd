/*
 * "Did you mean": another spelling of a query that finds little, proposed where it finds clearly
 * more. Words of the dictionary an edit or two away stand in for those that pages hardly write; the
 * query is then asked again, only to be counted. Exclusions and what stands behind a colon are left
 * alone, and so are all words of a query with a quotation mark.
 */
#ifndef TIERCE_GATEWAY_SERVICE_CORRECT_H
#define TIERCE_GATEWAY_SERVICE_CORRECT_H

#include "gateway/service.h"
#include "index/query.h"

struct routing;

enum {
    CORRECT_TOTAL_BELOW = 5, /* a query that finds as many is good as it is */
    CORRECT_TIMES_MORE = 3,  /* another must find more than so many times as many */
};

struct correct_question {
    const struct routing *routing;
    const struct query *query; /* as it was read */
    uint64_t languages;        /* that it was read with */
    int64_t ends_ms;
    bool is_admin;
};

/* Whether what was typed has no quotation mark, straight or curly. */
bool service_may_correct(const char *typed);

/*
 * Fills answer->did_you_mean where there is one for answer->query, which found answer->total. What
 * goes wrong leaves it empty: nobody is worse off.
 */
void service_correct(struct service *service, const struct correct_question *question,
                     struct arena *arena, struct search_answer *answer);

#endif
