/*
 * What the frontier knows of one URL, and how a fetch changes it. Pure: no store, no clock. All
 * times come from the log's entries, so that a replay comes to the same state.
 */
#ifndef TIERCE_INDEXSERVER_URL_STATE_H
#define TIERCE_INDEXSERVER_URL_STATE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "log.pb-c.h"

enum url_kind {
    URL_UNKNOWN = 0,
    URL_QUEUED = 1,   /* to be fetched for the first time, or tried again */
    URL_HELD = 2,     /* its content is in the log */
    URL_FAILED = 3,   /* errors only; looked at again when due */
    URL_REFUSED = 4,  /* by a rule: robots.txt, an address, its type */
    URL_GONE = 5,     /* 404, 410 and their like */
    URL_REDIRECT = 6, /* leads elsewhere: no document */
    URL_REMOVED = 7,  /* by the owner: not fetched unless submitted again */
};

enum {
    URL_NO_SOURCE = 0,
    URL_REDIRECTS_MAX = 10,
    URL_FAILURES_MAX = 5, /* tries of one round; then it waits until it is due again */
    URL_RECORD_BYTES = 86,
};

/* When a URL is due: a class for those that wait to be fetched as soon as may be, else Unix ms. */
#define URL_DUE_OWNER      ((int64_t)0)
#define URL_DUE_SEED       ((int64_t)1)
#define URL_DUE_FOUND      ((int64_t)2)
#define URL_DUE_FIRST_TIME ((int64_t)3) /* from here on: a time */
#define URL_DUE_NEVER      INT64_MAX

struct url_state {
    uint64_t content;      /* sequence of the newest CONTENT; 0: none held */
    uint64_t outcome;      /* of the newest OUTCOME; 0: none */
    uint64_t found_at;     /* sequence of the entry that brought it first */
    uint32_t found_index;  /* its place in that entry */
    uint32_t source;       /* its source's number; URL_NO_SOURCE */
    int64_t due_ms;        /* see above */
    int64_t fetched_us;    /* of the last answer or failure; 0: none */
    int64_t first_gone_us; /* of the first 404 of a row; 0: none */
    uint32_t bytes;        /* of the content held */
    uint32_t fetch_ms;
    uint16_t status;   /* of the last answer; 0: none */
    uint16_t depth;    /* links from a URL that was submitted */
    uint8_t kind;      /* enum url_kind */
    uint8_t reason;    /* Log__Reason of the last OUTCOME, 0 after a CONTENT */
    uint8_t redirects; /* in a row, that led here */
    uint8_t failures;  /* in a row */
    uint8_t origin;    /* Log__Origin; 0: a link */
    bool private_address;
};

void url_state_encode(const struct url_state *state, uint8_t ret[URL_RECORD_BYTES]);
/* false: not a record. */
bool url_state_decode(const void *bytes, size_t size, struct url_state *ret_state);

/* It waits to be fetched as soon as its host allows. */
bool url_state_is_queued(const struct url_state *state);

/* `spread` makes deadlines of many URLs differ: a hash of the URL. */
struct revisit {
    int64_t time_us;
    uint64_t sequence;
    uint64_t spread;
    uint32_t recrawl_s;
};

void url_state_take_content(struct url_state *state, const Log__Content *content,
                            const struct revisit *revisit);
void url_state_take_outcome(struct url_state *state, const Log__Outcome *outcome,
                            const struct revisit *revisit);

/* Whether this outcome takes away the page that is held: 410 and a redirect at once, 404 and its
 * like at the second in a row; errors of the server never. */
bool url_state_outcome_removes(const struct url_state *state, const Log__Outcome *outcome);

/* How long to leave a host alone after `failures` errors in a row, in ms, with jitter. */
int64_t host_back_off_ms(unsigned failures, uint64_t spread);

/* Status of the last hop; 0: no answer. */
unsigned hops_status(Log__Hop *const *hops, size_t count);

#endif
