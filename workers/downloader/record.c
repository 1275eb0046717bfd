#include "downloader/record.h"

#include <string.h>

#include "base/check.h"
#include "base/clock.h"
#include "crawl/url.h"
#include "downloader/headers.h"

static enum status no_memory(struct error *err)
{
    return error_set(err, STATUS_NO_MEMORY, "a fetch's record");
}

/* "404 Not Found" */
static char *status_words(struct job *job, uint32_t status)
{
    const char *name = http_status_name(status);
    return arena_format(&job->arena, *name != '\0' ? "%u %s" : "%u%s", status, name);
}

static bool is_redirect(uint32_t status)
{
    return status == 301 || status == 302 || status == 303 || status == 307 || status == 308;
}

enum status record_hop(struct job *job, const char *url, const struct fetch_answer *answer,
                       struct error *err)
{
    CHECK(job->hop_count < JOB_HOPS_MAX);
    struct arena *arena = &job->arena;
    Log__Hop *hop = arena_alloc(arena, sizeof(*hop));
    if (hop == NULL)
        return no_memory(err);
    log__hop__init(hop);
    hop->url = arena_string(arena, url);
    hop->status = answer->status;
    hop->address = arena_string(arena, answer->address);
    hop->headers.len = answer->headers.size;
    if (answer->headers.size > 0)
        hop->headers.data = arena_copy(arena, answer->headers.data, answer->headers.size);
    if (hop->url == NULL || hop->address == NULL ||
        (answer->headers.size > 0 && hop->headers.data == NULL))
        return no_memory(err);
    job->hops[job->hop_count++] = hop;
    return STATUS_OK;
}

const char *record_target(const char *url, const struct fetch_answer *answer, struct arena *arena)
{
    struct url base, target;
    if (answer->trouble != LOG__REASON__REASON_UNKNOWN || !is_redirect(answer->status))
        return NULL;
    const char *location =
        headers_get(answer->headers.data, answer->headers.size, "Location", arena);
    if (location == NULL || url_parse(url, strlen(url), NULL, arena, &base, NULL) != STATUS_OK ||
        url_parse(location, strlen(location), &base, arena, &target, NULL) != STATUS_OK)
        return NULL;
    return target.text;
}

/* ---- pages ---- */

static Log__Outcome *new_outcome(struct job *job)
{
    Log__Outcome *outcome = arena_alloc(&job->arena, sizeof(*outcome));
    if (outcome == NULL)
        return NULL;
    log__outcome__init(outcome);
    outcome->url = job->fetched->url;
    outcome->hops = job->hops;
    outcome->n_hops = job->hop_count;
    job->fetched->result_case = WIRE__FETCHED__RESULT_OUTCOME;
    job->fetched->outcome = outcome;
    return outcome;
}

enum status record_outcome(struct job *job, Log__Reason reason, const char *words,
                           struct error *err)
{
    Log__Outcome *outcome = new_outcome(job);
    char *detail = arena_string(&job->arena, words);
    if (outcome == NULL || detail == NULL)
        return no_memory(err);
    outcome->reason = reason;
    outcome->detail = detail;
    return STATUS_OK;
}

static enum status record_content(struct job *job, struct fetch_answer *answer, struct error *err)
{
    Log__Content *content = arena_alloc(&job->arena, sizeof(*content));
    if (content == NULL)
        return no_memory(err);
    log__content__init(content);
    content->url = job->fetched->url;
    content->hops = job->hops;
    content->n_hops = job->hop_count;
    content->truncated = answer->truncated;
    content->private_address = answer->private_address;
    content->with_credentials = answer->with_credentials;
    content->fetch_ms = answer->elapsed_ms;
    job->fetched->result_case = WIRE__FETCHED__RESULT_CONTENT;
    job->fetched->content = content;
    job->truncated = answer->truncated;
    job->body = answer->body;
    memset(&answer->body, 0, sizeof(answer->body));
    job->unparsed = true;
    return STATUS_OK;
}

static enum record_verdict verdict_of(const struct fetch_answer *answer)
{
    switch (answer->trouble) {
    case LOG__REASON__REASON_TIMEOUT:
    case LOG__REASON__REASON_CONNECT:
    case LOG__REASON__REASON_TLS:
        return RECORD_UNREACHABLE;
    case LOG__REASON__REASON_UNKNOWN:
        if (answer->status == 429 || answer->status == 503)
            return RECORD_RETRY_LATER;
        return answer->status >= 500 ? RECORD_UNREACHABLE : RECORD_GO_ON;
    case LOG__REASON__REASON_BAD_RESPONSE:
        return answer->status == 0 ? RECORD_UNREACHABLE : RECORD_GO_ON;
    default:
        return RECORD_GO_ON;
    }
}

/* What an answer that is no content says; `ret_target` only of a redirect. */
static Log__Reason reason_of_status(struct job *job, const struct fetch_answer *answer,
                                    bool conditional, const char **ret_target)
{
    uint32_t status = answer->status;
    if (status == 304 && conditional)
        return LOG__REASON__REASON_NOT_MODIFIED;
    if (status == 429 || status == 503)
        return LOG__REASON__REASON_RETRY_LATER;
    if (is_redirect(status)) {
        *ret_target = record_target(job->fetched->url, answer, &job->arena);
        return *ret_target != NULL ? LOG__REASON__REASON_REDIRECT
                                   : LOG__REASON__REASON_BAD_RESPONSE;
    }
    return status >= 400 && status <= 599 ? LOG__REASON__REASON_HTTP_ERROR
                                          : LOG__REASON__REASON_BAD_RESPONSE;
}

static enum status record_status(struct job *job, const struct fetch_answer *answer,
                                 bool conditional, struct error *err)
{
    Log__Outcome *outcome = new_outcome(job);
    const char *target = NULL;
    if (outcome == NULL)
        return no_memory(err);
    outcome->reason = reason_of_status(job, answer, conditional, &target);
    outcome->fetch_ms = answer->elapsed_ms;
    outcome->detail = status_words(job, answer->status);
    if (is_redirect(answer->status) && target == NULL)
        outcome->detail = arena_format(&job->arena, "%u without a Location that is a web address",
                                       answer->status);
    if (outcome->detail == NULL)
        return no_memory(err);
    if (target != NULL)
        outcome->target = (char *)(uintptr_t)target; /* protobuf-c's own lack of const */
    if (outcome->reason == LOG__REASON__REASON_RETRY_LATER)
        outcome->retry_after_s = retry_after_s(job_header(job, "Retry-After"), clock_unix_s());
    return STATUS_OK;
}

enum status record_page(struct job *job, struct fetch_answer *answer, bool conditional,
                        enum record_verdict *ret_verdict, struct error *err)
{
    *ret_verdict = verdict_of(answer);
    if (answer->trouble != LOG__REASON__REASON_UNKNOWN) {
        enum status status = record_outcome(job, answer->trouble, answer->why.text, err);
        if (status == STATUS_OK)
            job->fetched->outcome->fetch_ms = answer->elapsed_ms;
        return status;
    }
    if (answer->status == 200 || answer->status == 203)
        return record_content(job, answer, err);
    return record_status(job, answer, conditional, err);
}

/* ---- robots.txt ---- */

/*
 * RFC 9309, 2.3.1: 4xx means that there are no rules, 5xx and silence that nothing may be fetched.
 * A server that says 429 is asked again later as if it had said 503: the RFC leaves us free to be
 * more careful than it demands. Redirects that lead nowhere count as no rules.
 */
static bool is_unreachable(const struct fetch_answer *answer)
{
    return answer->trouble != LOG__REASON__REASON_UNKNOWN || answer->status == 429 ||
           answer->status >= 500 || answer->status < 200;
}

enum status record_robots(struct job *job, const char *origin, struct fetch_answer *answer,
                          enum record_verdict *ret_verdict, struct error *err)
{
    Log__Robots *robots = arena_alloc(&job->arena, sizeof(*robots));
    if (robots == NULL)
        return no_memory(err);
    log__robots__init(robots);
    robots->origin = arena_string(&job->arena, origin);
    robots->hops = job->hops;
    robots->n_hops = job->hop_count;
    robots->unreachable = is_unreachable(answer);
    if (answer->trouble != LOG__REASON__REASON_UNKNOWN)
        robots->detail = arena_string(&job->arena, answer->why.text);
    else if (is_redirect(answer->status))
        robots->detail =
            arena_format(&job->arena, "%u, and no end of it: no rules", answer->status);
    else
        robots->detail = status_words(job, answer->status);
    if (robots->origin == NULL || robots->detail == NULL)
        return no_memory(err);
    if (verdict_of(answer) == RECORD_RETRY_LATER)
        robots->retry_after_s = retry_after_s(job_header(job, "Retry-After"), clock_unix_s());
    job->packed = answer->body; /* kept as it is: small, and read by whoever reads the log */
    memset(&answer->body, 0, sizeof(answer->body));
    robots->body.data = job->packed.data;
    robots->body.len = job->packed.size;
    job->fetched->result_case = WIRE__FETCHED__RESULT_ROBOTS;
    job->fetched->robots = robots;
    *ret_verdict = verdict_of(answer);
    return STATUS_OK;
}
