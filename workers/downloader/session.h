/*
 * How the downloader makes itself known to the site of one source: headers that are sent along with
 * every request, cookies, and a form that is filled in first. All of it goes to the source's own
 * scheme, host and port and nowhere else. In memory only, and wiped.
 */
#ifndef TIERCE_DOWNLOADER_SESSION_H
#define TIERCE_DOWNLOADER_SESSION_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/error.h"
#include "downloader/fetch.h"
#include "wire.pb-c.h"

enum {
    SESSION_HEADERS_MAX = 32,
    SESSION_AGAIN_MS = 5 * 60 * 1000,   /* a log-in that lasted shorter is not tried again ... */
    SESSION_FAILED_S = 10 * 60,         /* ... and one that failed, after this */
    SESSION_BODY_BYTES_MAX = 64 * 1024, /* of the answer to a log-in */
};

struct session;

/* Copies what it needs. STATUS_INVALID: the source or the log-in's address is none. */
enum status session_new(const Wire__Credentials *credentials, struct session **ret_session,
                        struct error *err);
/* Keeps it for a transfer under way, which borrows from it: newer credentials may take its place
 * meanwhile. On the thread that finds sessions. */
struct session *session_hold(struct session *session);
void session_free(struct session *session); /* one holder's part; accepts NULL */

const char *session_source(const struct session *session);
/* Whether both were made from the same credentials. */
bool session_is_same(const struct session *a, const struct session *b);

/* Whether the URL, in normal form, is of the source's own origin. */
bool session_covers(const struct session *session, const char *url);

/* Adds what is sent along to the request of a URL that it covers. It borrows from the session until
 * the next call. */
void session_fill(struct session *session, struct fetch_request *request, int64_t now_s);
/* Takes in the cookies of the answer. */
void session_take_cookies(struct session *session, const char *url,
                          const struct fetch_answer *answer, int64_t now_s);

/* ---- the log-in by a form ---- */

enum session_state {
    SESSION_READY,  /* pages may be asked for */
    SESSION_LOG_IN, /* first the form is to be sent */
    SESSION_WAIT,   /* it is under way for another URL */
    SESSION_FAILED, /* it failed a while ago */
};

enum session_state session_state(const struct session *session, int64_t now_ms);

/* Fills in the request that sends the form; from here on SESSION_WAIT, until one of the next two.
 */
void session_begin_login(struct session *session, struct fetch_request *request, int64_t now_s);
/* What came of it. target  where it redirects to, in normal form; NULL: nowhere. */
void session_end_login(struct session *session, const struct fetch_answer *answer,
                       const char *target, int64_t now_ms);
/* It was given up. */
void session_drop_login(struct session *session);

/* Words for the operator after SESSION_FAILED or SESSION_REFUSED; how long until the next attempt,
 * 0 where there is nothing to wait for. */
const char *session_trouble(const struct session *session);
uint32_t session_retry_s(const struct session *session, int64_t now_ms);

enum session_verdict {
    SESSION_FINE,
    SESSION_AGAIN,   /* the log-in is over: the same URL again, behind a new one */
    SESSION_REFUSED, /* the site does not take the credentials */
};

/* What an answer says of the log-in; `target` as above. */
enum session_verdict session_judge(struct session *session, uint32_t status, const char *target,
                                   int64_t now_ms);

#endif
