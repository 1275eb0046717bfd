/*
 * What earlier fetches of a URL came to. The newest fetch stands in the URL's state; each that it
 * takes the place of goes here, at most HISTORY_MAX of them. Derived from the log's entries as they
 * pass: of a view that is made anew only what the log still holds comes back.
 */
#ifndef TIERCE_INDEXSERVER_HISTORY_H
#define TIERCE_INDEXSERVER_HISTORY_H

#include "indexserver/url_state.h"
#include "indexserver/views.h"

enum { HISTORY_MAX = 9, HISTORY_RECORD_BYTES = 16 };

struct past_fetch {
    int64_t time_us;
    uint32_t fetch_ms;
    uint16_t status; /* 0: no answer */
    uint8_t reason;  /* Log__Reason; 0: it brought content */
};

/* The fetch that a state tells of. */
struct past_fetch history_of_state(const struct url_state *state);

/* A newer fetch has taken the place of the one that `before` tells of. */
void history_push(struct change *change, const char *url, const struct url_state *before);
/* The owner removed or purged the URL: nothing is told of it any more. */
void history_forget(struct change *change, const char *url);

/* The earlier fetches, the newest first. Returns how many. Any thread. */
unsigned history_read(struct views *views, const char *url, struct past_fetch ret[HISTORY_MAX]);

#endif
