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
#include "page.pb-c.h"

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

/* What is said of a URL by bits of its state. */
enum url_flag {
    URL_DOCUMENT = 1,   /* what it holds is a document of the index */
    URL_KEPT = 2,       /* the safety valve kept its page (valve.h) */
    URL_MOVED_HERE = 4, /* another one moved here: what leads here next is no move (losses.h) */
    URL_LISTING = 8,    /* a sitemap or a feed: it names pages and is none (listings.h) */
    URL_GUESSED = 16,   /* nobody named this sitemap: it is tried once */
    URL_HINTED = 32,    /* a sitemap or a feed says that it changed since its last fetch */
    URL_COUNTED = 64,   /* its page counts in its pattern's budget (traps.h) */
    URL_SITEMAP_COUNTED = 512, /* it counts among its source's sitemaps (listings.h) */
    URL_FEED_COUNTED = 1024,   /* among its feeds */
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
    uint32_t interval_s;    /* how long it was left alone last; 0: it was not fetched yet */
    uint32_t unavailable_s; /* Unix time from which its page asks not to be shown; 0: none */
    uint16_t flags;         /* enum url_flag */
};

void url_state_encode(const struct url_state *state, uint8_t ret[URL_RECORD_BYTES]);
/* false: not a record. */
bool url_state_decode(const void *bytes, size_t size, struct url_state *ret_state);

/* It waits to be fetched as soon as its host allows. */
bool url_state_is_queued(const struct url_state *state);

struct revisit {
    int64_t time_us; /* of the entry, as the sequence */
    uint64_t sequence;
    uint64_t spread;    /* makes deadlines of many URLs differ: a hash of the URL */
    uint32_t recrawl_s; /* until it is looked at again, as the entry says (revisit.h) */
};

void url_state_take_content(struct url_state *state, const Log__Content *content,
                            const struct revisit *revisit);
/* What was made of that content, now or later. */
void url_state_take_page(struct url_state *state, const char *url, const Page__Page *page);
/* Whether a URL of that state is a document of the index at that time when it holds that page. */
bool url_state_is_document(const struct url_state *state, const char *url, const Page__Page *page,
                           int64_t time_us);
void url_state_take_outcome(struct url_state *state, const Log__Outcome *outcome,
                            const struct revisit *revisit);

/*
 * Whether this outcome, of that time, takes away the page that is held: a REMOVE is to follow it.
 * 410, a redirect and a rule do at once, 404 and its like at a second fetch GONE_APART_US after the
 * first of the row; errors of the server never.
 */
#define GONE_APART_US ((int64_t)24 * 3600 * 1000000)
bool url_state_outcome_removes(const struct url_state *state, const Log__Outcome *outcome,
                               int64_t time_us);
/* That REMOVE, or the owner's. */
void url_state_remove(struct url_state *state, bool by_owner);

/* 301 and 308: the target takes the place. */
bool outcome_is_permanent_redirect(const Log__Outcome *outcome);
/* 4xx that speak of the page and not of the moment. */
bool outcome_says_gone(const Log__Outcome *outcome);

/* How long to leave a host alone after `failures` errors in a row, in ms, with jitter. */
int64_t host_back_off_ms(unsigned failures, uint64_t spread);

/* Status of the last hop; 0: no answer. */
unsigned hops_status(Log__Hop *const *hops, size_t count);

#endif
