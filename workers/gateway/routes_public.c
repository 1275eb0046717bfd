/* Health, and what describes this installation to programs: OpenSearch, OpenAPI, robots.txt. */
#include "gateway/html.h"
#include "gateway/http_problem.h"
#include "gateway/json_openapi.h"
#include "gateway/pages.h"
#include "gateway/routes.h"
#include "text/json.h"

static struct json_writer begin_json(struct exchange *exchange, unsigned status)
{
    exchange->response->status = status;
    exchange->response->content_type = "application/json";
    return (struct json_writer){.bytes = &exchange->response->body};
}

/* This worker answers: nothing else is asked. */
void route_healthz(struct exchange *exchange)
{
    struct json_writer json = begin_json(exchange, 200);
    json_open_object(&json, NULL);
    json_put_string(&json, "status", "ok");
    json_close_object(&json);
}

void route_readyz(struct exchange *exchange)
{
    struct error err = {0};
    bool is_ready = exchange->backend->ready(exchange->service, &err) == STATUS_OK;
    struct json_writer json = begin_json(exchange, is_ready ? 200 : 503);
    if (!is_ready)
        http_response_header(exchange->response, "Retry-After", "1");
    json_open_object(&json, NULL);
    json_put_string(&json, "status", is_ready ? "ready" : "not ready");
    if (!is_ready)
        json_put_string(&json, "reason", err.text);
    json_close_object(&json);
}

/* A document that seldom changes. */
static void begin_document(struct exchange *exchange, const char *content_type)
{
    exchange->response->status = 200;
    exchange->response->content_type = content_type;
    exchange->response->cache_control = "public, max-age=3600";
    exchange->response->has_tag = true;
}

void route_opensearch(struct exchange *exchange)
{
    const char *base_url = exchange->settings->base_url;
    struct page_frame frame = page_frame_of(exchange->settings, false);
    struct html xml = {.bytes = &exchange->response->body};
    begin_document(exchange, "application/opensearchdescription+xml");
    html_markup(&xml, "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n"
                      "<OpenSearchDescription xmlns=\"http://a9.com/-/spec/opensearch/1.1/\">\n"
                      "<ShortName>");
    html_text(&xml, frame.instance_name);
    html_markup(&xml, "</ShortName>\n<Description>Search with ");
    html_text(&xml, frame.instance_name);
    html_markup(&xml, "</Description>\n<InputEncoding>UTF-8</InputEncoding>\n"
                      "<Image width=\"16\" height=\"16\" type=\"image/svg+xml\">");
    html_text(&xml, base_url);
    html_markup(&xml, "/static/icon.svg</Image>\n<Url type=\"text/html\" template=\"");
    html_text(&xml, base_url);
    html_markup(&xml,
                "/search?q={searchTerms}&amp;page={startPage?}\"/>\n"
                "<Url type=\"application/x-suggestions+json\" rel=\"suggestions\" template=\"");
    html_text(&xml, base_url);
    html_markup(&xml, "/suggest?q={searchTerms}\"/>\n"
                      "<Url type=\"application/json\" rel=\"results\" template=\"");
    html_text(&xml, base_url);
    html_markup(&xml, "/api/v1/search?q={searchTerms}&amp;page={startPage?}&amp;size={count?}\"/>\n"
                      "<Url type=\"application/opensearchdescription+xml\" rel=\"self\" "
                      "template=\"");
    html_text(&xml, base_url);
    html_markup(&xml, "/opensearch.xml\"/>\n</OpenSearchDescription>\n");
}

void route_openapi(struct exchange *exchange)
{
    begin_document(exchange, "application/json");
    buffer_append_string(&exchange->response->body, json_openapi);
}

void route_robots(struct exchange *exchange)
{
    begin_document(exchange, "text/plain; charset=utf-8");
    buffer_append_string(&exchange->response->body, "User-agent: *\n"
                                                    "Allow: /handbook/\n"
                                                    "Disallow: /search\n"
                                                    "Disallow: /backlinks\n"
                                                    "Disallow: /admin\n"
                                                    "Disallow: /api\n"
                                                    "Disallow: /suggest\n");
}
