/* Searching and backlinks, as pages and as JSON. */
#include <string.h>

#include "gateway/http_problem.h"
#include "gateway/json_answers.h"
#include "gateway/pages.h"
#include "gateway/routes.h"

enum { PAGE_MAX = SEARCH_DEPTH_MAX * 10, BACKLINKS_SIZE = 20 };

static void begin_page(struct exchange *exchange, struct html *ret_html,
                       struct page_frame *ret_frame)
{
    exchange->response->status = 200;
    page_begin_response(exchange->response);
    *ret_html = (struct html){.bytes = &exchange->response->body};
    *ret_frame = page_frame_of(exchange->settings, exchange->is_admin);
}

static struct json_writer begin_json(struct exchange *exchange)
{
    exchange->response->status = 200;
    exchange->response->content_type = "application/json";
    exchange->response->cache_control = "private, no-cache";
    return (struct json_writer){.bytes = &exchange->response->body};
}

/* Search engines are not to index what a search engine answers. */
static void keep_out_of_indexes(struct exchange *exchange)
{
    http_response_header(exchange->response, "X-Robots-Tag", "noindex");
}

/* A page that a link or a thumb got wrong is the first one; a program is told. */
static unsigned lenient_page(const struct exchange *exchange)
{
    unsigned page;
    return http_request_count(exchange->request, "page", 1, PAGE_MAX, &page) ? page : 1;
}

static bool strict_counts(struct exchange *exchange, unsigned *ret_page, unsigned *ret_size)
{
    if (!http_request_count(exchange->request, "page", 1, PAGE_MAX, ret_page)) {
        http_problem(exchange, 400, "`page` is a number from 1.");
        return false;
    }
    if (!http_request_count(exchange->request, "size", SEARCH_SIZE_DEFAULT, SEARCH_SIZE_MAX,
                            ret_size)) {
        http_problem(exchange, 400, "`size` is a number from 1 to 100.");
        return false;
    }
    return true;
}

static const char *parameter_or_empty(const struct exchange *exchange, const char *name)
{
    const char *value = http_request_parameter(exchange->request, name);
    return value == NULL ? "" : value;
}

void route_home(struct exchange *exchange)
{
    struct html html;
    struct page_frame frame;
    begin_page(exchange, &html, &frame);
    exchange->response->cache_control = "private, no-cache";
    page_home(&html, &frame, exchange->backend->documents(exchange->gateway));
}

static bool is_blank(const char *text)
{
    return text[strspn(text, " \t\r\n")] == '\0';
}

/* "duplicates=show": pages with one text as results of their own. */
static bool wants_duplicates(struct exchange *exchange)
{
    return strcmp(parameter_or_empty(exchange, "duplicates"), "show") == 0;
}

void route_search_page(struct exchange *exchange)
{
    struct search_question question = {
        .query = parameter_or_empty(exchange, "q"),
        .page = lenient_page(exchange),
        .size = SEARCH_SIZE_DEFAULT,
        .is_admin = exchange->is_admin,
        .shows_duplicates = wants_duplicates(exchange),
    };
    if (is_blank(question.query)) {
        route_home(exchange);
        keep_out_of_indexes(exchange);
        return;
    }
    struct search_answer answer = {0};
    struct error err = {0};
    enum status status = exchange->backend->search(exchange->service, &question,
                                                   exchange->request->arena, &answer, &err);
    if (status != STATUS_OK) {
        http_problem_of(exchange, status, &err);
    } else {
        struct html html;
        struct page_frame frame;
        begin_page(exchange, &html, &frame);
        exchange->response->cache_control = "private, no-cache";
        page_results(&html, &frame, &answer, exchange->backend->documents(exchange->gateway));
    }
    keep_out_of_indexes(exchange);
}

/* The suggestions extension of OpenSearch: the query, then a list of others. */
void route_suggest(struct exchange *exchange)
{
    struct suggest_answer answer = {0};
    struct error err = {0};
    enum status status =
        exchange->backend->suggest(exchange->service, parameter_or_empty(exchange, "q"),
                                   exchange->is_admin, exchange->request->arena, &answer, &err);
    keep_out_of_indexes(exchange);
    if (status != STATUS_OK) {
        http_problem_of(exchange, status, &err);
        return;
    }
    struct json_writer json = begin_json(exchange);
    exchange->response->content_type = "application/x-suggestions+json";
    json_suggest_answer(&json, &answer);
}

void route_backlinks_page(struct exchange *exchange)
{
    const char *url = parameter_or_empty(exchange, "url");
    unsigned page = lenient_page(exchange);
    struct backlinks_answer answer = {0};
    struct error err = {0};
    enum status status = STATUS_OK;
    if (!is_blank(url))
        status = exchange->backend->backlinks(exchange->service, url, page, BACKLINKS_SIZE,
                                              exchange->is_admin, exchange->request->arena, &answer,
                                              &err);
    if (status != STATUS_OK) {
        http_problem_of(exchange, status, &err);
    } else {
        struct html html;
        struct page_frame frame;
        begin_page(exchange, &html, &frame);
        exchange->response->cache_control = "private, no-cache";
        page_backlinks(&html, &frame, is_blank(url) ? NULL : &answer, page, BACKLINKS_SIZE);
    }
    keep_out_of_indexes(exchange);
}

void route_api_search(struct exchange *exchange)
{
    const char *cursor = http_request_parameter(exchange->request, "cursor");
    struct search_question question = {
        .query = parameter_or_empty(exchange, "q"),
        .cursor = cursor != NULL && cursor[0] != '\0' ? cursor : NULL,
        .is_admin = exchange->is_admin,
        .shows_duplicates = wants_duplicates(exchange),
    };
    if (!strict_counts(exchange, &question.page, &question.size))
        return;
    struct search_answer answer = {0};
    struct error err = {0};
    enum status status = exchange->backend->search(exchange->service, &question,
                                                   exchange->request->arena, &answer, &err);
    if (status != STATUS_OK) {
        http_problem_of(exchange, status, &err);
        return;
    }
    struct json_writer json = begin_json(exchange);
    json_search_answer(&json, &answer);
    keep_out_of_indexes(exchange);
}

void route_api_backlinks(struct exchange *exchange)
{
    unsigned page, size;
    if (!strict_counts(exchange, &page, &size))
        return;
    struct backlinks_answer answer = {0};
    struct error err = {0};
    enum status status = exchange->backend->backlinks(
        exchange->service, parameter_or_empty(exchange, "url"), page, size, exchange->is_admin,
        exchange->request->arena, &answer, &err);
    if (status != STATUS_OK) {
        http_problem_of(exchange, status, &err);
        return;
    }
    struct json_writer json = begin_json(exchange);
    json_backlinks_answer(&json, &answer);
    keep_out_of_indexes(exchange);
}
