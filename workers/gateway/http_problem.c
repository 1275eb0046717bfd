#include "gateway/http_problem.h"

#include <stdatomic.h>
#include <stdio.h>
#include <string.h>

#include "base/clock.h"
#include "base/log.h"
#include "gateway/pages.h"
#include "text/json.h"

static bool wants_json(const struct exchange *exchange)
{
    return strncmp(exchange->request->path, "/api/", 5) == 0;
}

void http_problem_json(struct http_response *response, unsigned status, const char *detail)
{
    struct json_writer json = {.bytes = &response->body};
    response->status = status;
    response->content_type = "application/problem+json";
    json_open_object(&json, NULL);
    json_put_string(&json, "type", "about:blank");
    json_put_string(&json, "title", http_reason(status));
    json_put_unsigned(&json, "status", status);
    json_put_string(&json, "detail", detail);
    json_close_object(&json);
}

void http_problem(struct exchange *exchange, unsigned http_status, const char *detail)
{
    struct http_response *response = exchange->response;
    http_response_reset(response);
    response->status = http_status;
    if (http_status == 401)
        http_response_header(response, "WWW-Authenticate", "Bearer");
    if (wants_json(exchange)) {
        http_problem_json(response, http_status, detail);
        return;
    }
    page_begin_response(response);
    struct html html = {.bytes = &response->body};
    struct page_frame frame = page_frame_of(exchange->settings, exchange->is_admin);
    if (http_status == 401)
        page_login_needed(&html, &frame);
    else
        page_problem(&html, &frame, http_reason(http_status), detail);
}

void http_problem_retry(struct exchange *exchange, unsigned http_status, unsigned after_s,
                        const char *detail)
{
    char seconds[16];
    snprintf(seconds, sizeof(seconds), "%u", after_s);
    http_problem(exchange, http_status, detail);
    http_response_header(exchange->response, "Retry-After", seconds);
}

static void answer_failure(struct exchange *exchange, enum status status, const struct error *err)
{
    switch (status) {
    case STATUS_INVALID:
        http_problem(exchange, 400, err->text);
        break;
    case STATUS_NOT_FOUND:
        http_problem(exchange, 404, err->text);
        break;
    case STATUS_DENIED:
        http_problem(exchange, 403, err->text);
        break;
    case STATUS_CONFLICT:
        http_problem(exchange, 409, err->text);
        break;
    case STATUS_TOO_LARGE:
        http_problem(exchange, 413, err->text);
        break;
    case STATUS_NO_SPACE:
        http_problem(exchange, 507, err->text);
        break;
    case STATUS_TIMEOUT:
        http_problem_retry(exchange, 504, 1, err->text);
        break;
    case STATUS_CANCELLED:
        http_problem(exchange, 499, err->text);
        break;
    case STATUS_OVERLOADED:
    case STATUS_UNAVAILABLE:
        http_problem_retry(exchange, 503, 1, err->text);
        break;
    default:
        http_problem(exchange, 500, err->text);
    }
}

/* What was searched for stands in no log, and words of an error might repeat it. */
static void log_failure(const struct exchange *exchange, enum status status)
{
    static _Atomic int64_t next_s;
    static atomic_uint unlogged;
    int64_t now_s = clock_boot_ms() / 1000;
    int64_t due_s = next_s;
    if (now_s < due_s || !atomic_compare_exchange_strong(&next_s, &due_s, now_s + 1)) {
        unlogged++;
        return;
    }
    unsigned others = atomic_exchange(&unlogged, 0);
    if (others == 0)
        log_warning("%s failed: %s", exchange->request->path, status_name(status));
    else
        log_warning("%s failed: %s; %u others in the meantime", exchange->request->path,
                    status_name(status), others);
}

void http_problem_of(struct exchange *exchange, enum status status, const struct error *err)
{
    answer_failure(exchange, status, err);
    if (exchange->response->status >= 500)
        log_failure(exchange, status);
}
