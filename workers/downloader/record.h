/*
 * What a fetch becomes in the log: content, or an outcome with its reason and words for the
 * operator. The one place where the log's messages are made from answers.
 */
#ifndef TIERCE_DOWNLOADER_RECORD_H
#define TIERCE_DOWNLOADER_RECORD_H

#include "base/error.h"
#include "downloader/fetch.h"
#include "downloader/job.h"

/* What follows for the other URLs of the host. */
enum record_verdict {
    RECORD_GO_ON,
    RECORD_UNREACHABLE, /* no connection, no TLS, no answer or not in time, or a 5xx */
    RECORD_RETRY_LATER, /* the server asks to be left alone */
};

/* Adds the answer as the last hop. STATUS_NO_MEMORY. */
enum status record_hop(struct job *job, const char *url, const struct fetch_answer *answer,
                       struct error *err);

/*
 * A page's answer, whose hop has been added. Content: the body moves into the job, unparsed.
 * conditional  validators were sent, so that 304 is an answer.
 */
enum status record_page(struct job *job, struct fetch_answer *answer, bool conditional,
                        enum record_verdict *ret_verdict, struct error *err);

/*
 * The answer to a robots.txt, or to the last of its redirects.
 * origin  of the host that it is for.
 */
enum status record_robots(struct job *job, const char *origin, struct fetch_answer *answer,
                          enum record_verdict *ret_verdict, struct error *err);

/* An outcome without any answer of use. `words` are copied. */
enum status record_outcome(struct job *job, Log__Reason reason, const char *words,
                           struct error *err);

/* Where the answer to a request of `url` redirects to, in normal form and in the arena; NULL: it
 * does not, or to nothing that is a URL. */
const char *record_target(const char *url, const struct fetch_answer *answer, struct arena *arena);

#endif
