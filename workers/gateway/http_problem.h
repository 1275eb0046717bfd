/* Answers that say what went wrong: application/problem+json (RFC 9457) below /api, a plain page
 * elsewhere. */
#ifndef TIERCE_GATEWAY_HTTP_PROBLEM_H
#define TIERCE_GATEWAY_HTTP_PROBLEM_H

#include "base/error.h"
#include "gateway/routes.h"

/* Replaces whatever the answer held. `detail` is for whoever asked: one or two sentences. */
void http_problem(struct exchange *exchange, unsigned http_status, const char *detail);

/* The same for a service that failed; its words are shown. 503s say when to try again. What is not
 * the asker's fault is logged, without what was asked, at most once a second. */
void http_problem_of(struct exchange *exchange, enum status status, const struct error *err);

/* An answer below /api that is not in an exchange: problem+json into a reset response. */
void http_problem_json(struct http_response *response, unsigned http_status, const char *detail);

/* With Retry-After, in seconds. */
void http_problem_retry(struct exchange *exchange, unsigned http_status, unsigned after_s,
                        const char *detail);

#endif
